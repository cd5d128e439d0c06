"""The same audit, written in the Python libraries people use today, and timed.

It lives beside the Rust benchmarks so that both are measured on one file and one machine.

    python3 -m venv peers-venv
    peers-venv/bin/pip install -r benches/peers/requirements.txt
    peers-venv/bin/python benches/peers/peers.py --make 1000000 10000 50 log.parquet
    peers-venv/bin/python benches/peers/peers.py --log log.parquet

The log is a Parquet file with three columns: `viewer` (integer ids), `arm` ('a' or 'b') and
`topic` (strings). Four jobs are timed:

dense_totals      counts by (arm, topic), from columns of codes in memory
per_viewer_tally  counts by (viewer, arm, topic), from columns of codes in memory
bootstrap         Poisson(1) cluster replicates of the table viewers x (arm, topic), and from
                  them a percentile 95% interval of log(share in a / share in b) per topic
whole_job         from the file on disk to those intervals

A library may do a job in several ways; the quickest is its result, and all are printed. The
time is the wall clock of the best repeat; `cpu` is what all threads of the process used in
that repeat. Every contender also returns what it counted, and the script fails when two of
them disagree. Options: see --help.
"""

import argparse
import importlib.metadata
import json
import math
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

# Some machines set these to make one old kernel run everywhere. OpenBLAS then does not pick the
# kernel of the CPU at hand, and numpy would be timed at a fraction of its speed. OpenBLAS reads
# them when it is loaded, so they have to go before numpy is imported.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from threadpoolctl import threadpool_info, threadpool_limits

JOBS = ("dense_totals", "per_viewer_tally", "bootstrap", "whole_job")
LIBRARIES = ("numpy", "scipy", "pandas", "polars", "duckdb")
PACKAGES = ("numpy", "scipy", "pandas", "polars", "duckdb", "pyarrow")
SEED = 1


# ---- the log ----------------------------------------------------------------------------------


def make_log(rows, viewers, topics, path):
    """Write a made-up log: Zipf-like topics, every viewer in one arm, rows in any order."""
    rng = np.random.default_rng(SEED)
    ids = np.sort(rng.choice(20 * viewers, size=viewers, replace=False)).astype(np.int64)
    arm_of_viewer = rng.integers(0, 2, viewers)
    viewer = rng.integers(0, viewers, rows)
    arm = arm_of_viewer[viewer]
    topic = np.empty(rows, np.int64)
    for code, exponent in enumerate((1.0, 0.9)):
        weight = 1.0 / np.arange(1, topics + 1) ** exponent
        here = arm == code
        topic[here] = rng.choice(topics, size=here.sum(), p=weight / weight.sum())
    width = len(str(topics - 1))
    columns = {
        "viewer": pa.array(ids[viewer]),
        "arm": strings(arm, ["a", "b"]),
        "topic": strings(topic, [f"topic_{t:0{width}}" for t in range(topics)]),
    }
    pq.write_table(pa.table(columns), path, compression="zstd")


def strings(codes, names):
    """A plain string column (not a dictionary), as most logs have."""
    codes = pa.array(codes.astype(np.int32))
    return pa.DictionaryArray.from_arrays(codes, pa.array(names)).cast(pa.string())


def distinct(values):
    """Codes in order of appearance and the values they stand for, by hashing."""
    array = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([pa.array(values)])
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    array = array.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # older pyarrow keeps one chunk in a wrapper
        array = array.chunk(0)
    return array.indices.to_numpy(), array.dictionary.to_numpy(zero_copy_only=False)


def sorted_codes(values):
    """Codes in the order of the sorted values, and those values.

    Where the integers are not spread too thin, a table of which ones occur gives the codes
    without hashing or sorting; this is the fast way in numpy.
    """
    if pa.types.is_integer(values.type):
        array = values.to_numpy()
        low = array.min()
        span = int(array.max()) - int(low) + 1
        if span <= max(4 * len(array), 1 << 20):
            place = array if low == 0 else array - low
            occurs = np.zeros(span, bool)
            occurs[place] = True
            code = np.cumsum(occurs, dtype=np.uint32) - np.uint32(1)
            return code.take(place), np.flatnonzero(occurs) + int(low)
    codes, names = distinct(values)
    return ranks(names).astype(np.uint32).take(codes), np.sort(names)


def read_columns(path):
    """The three columns. Strings are read as dictionaries: no string per row is ever made."""
    columns = ["viewer", "arm", "topic"]
    return pq.read_table(path, columns=columns, read_dictionary=["arm", "topic"])


@dataclass
class Log:
    """The log in memory as codes, numbered in the order of the sorted ids and names."""

    path: str
    viewer: np.ndarray
    arm: np.ndarray
    topic: np.ndarray
    viewers: int
    arm_names: np.ndarray
    topic_names: np.ndarray

    @classmethod
    def read(cls, path):
        table = read_columns(path)
        if table.num_rows == 0 or any(c.null_count for c in table.columns):
            raise SystemExit(f"{path}: the log is empty or has nulls")
        columns, names = [], []
        for column, kind in (("viewer", np.uint32), ("arm", np.uint8), ("topic", np.uint8)):
            codes, values = sorted_codes(table[column])
            if len(values) > np.iinfo(kind).max:
                raise SystemExit(f"{path}: {len(values)} values in column {column}, too many")
            columns.append(codes.astype(kind))
            names.append(values)
        if list(names[1]) != ["a", "b"]:
            raise SystemExit(f"{path}: column arm holds {list(names[1])}, not 'a' and 'b'")
        return cls(path, *columns, len(names[0]), names[1], names[2])

    @property
    def rows(self):
        return len(self.viewer)

    @property
    def topics(self):
        return len(self.topic_names)

    @property
    def cells(self):
        return 2 * self.topics

    @property
    def cell_type(self):
        """The narrowest type that holds arm * topics + topic."""
        return np.uint8 if self.cells <= 256 else np.uint16

    @property
    def packed_type(self):
        """The narrowest type that holds viewer * cells + arm * topics + topic."""
        return np.uint32 if self.viewers * self.cells < 2**32 else np.uint64

    def dense(self):
        """Viewers x cells as float32, the form a BLAS product wants."""
        key = packed_key(self, np.int64)
        counts = np.bincount(key, minlength=self.viewers * self.cells)
        return counts.reshape(self.viewers, self.cells).astype(np.float32)


def ranks(values):
    """Place of each value in the sorted order."""
    out = np.empty(len(values), np.int64)
    out[np.argsort(values)] = np.arange(len(values))
    return out


def packed_key(log, kind):
    """One integer per row for (viewer, arm, topic)."""
    key = log.viewer.astype(kind)
    key *= kind(log.cells)
    key += cell_key(log)
    return key


def cell_key(log):
    """One small integer per row for (arm, topic)."""
    return log.arm * log.cell_type(log.topics) + log.topic


# ---- what every contender must agree on -------------------------------------------------------


def check_totals(log, arm, topic, count):
    """The total, and the cell of topic 0 in arm a."""
    arm, topic, count = np.asarray(arm), np.asarray(topic), np.asarray(count)
    here = (arm == 0) & (topic == 0)
    return {"total": int(count.sum()), "cell_a_topic_0": int(count[here].sum())}


def check_tally(log, viewer, arm, topic, count):
    """The total, the cells that are not empty, and the cell of the first row of the log."""
    key = np.asarray(viewer).astype(np.int64) * log.cells
    key += np.asarray(arm).astype(np.int64) * log.topics + np.asarray(topic)
    return check_packed_tally(log, key, count)


def check_packed_tally(log, key, count):
    key, count = np.asarray(key), np.asarray(count)
    first = int(log.viewer[0]) * log.cells + int(log.arm[0]) * log.topics + int(log.topic[0])
    return {
        "total": int(count.sum()),
        "filled_cells": int(np.count_nonzero(count)),
        "cell_of_first_row": int(count[key == first].sum()),
    }


def check_intervals(log, intervals):
    """Topic 0's log ratio and interval, and how much was counted."""

    def number(x):  # JSON has no infinity and no NaN
        return float(x) if np.isfinite(x) else None

    return {
        "total": int(intervals.total),
        "log_ratio_topic_0": number(intervals.point[0]),
        "low_topic_0": number(intervals.low[0]),
        "high_topic_0": number(intervals.high[0]),
    }


def agree(one, other):
    """Counts must be equal; ratios may differ in the last digits of a float32 sum."""

    def same(x, y):
        if isinstance(x, float) and isinstance(y, float):
            return math.isclose(x, y, rel_tol=1e-5, abs_tol=1e-6)
        return x == y

    return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)


# ---- bootstrap: shared by numpy, scipy and every whole job ------------------------------------

# Viewers per block. A block of weights (block x replicates, float32) should stay near the cache.
BLOCK = 1024


@dataclass
class Intervals:
    total: float
    point: np.ndarray
    low: np.ndarray
    high: np.ndarray


def poisson_table():
    """Poisson(1) quantiles of 65,536 equal slices of the unit interval, as float32."""
    mass = [math.exp(-1.0) / math.factorial(k) for k in range(16)]
    middle = (np.arange(65536) + 0.5) / 65536
    return np.searchsorted(np.cumsum(mass), middle, side="right").astype(np.float32)


POISSON = poisson_table()


def block_weights(start, stop, replicates):
    """Weights of the viewers start..stop, one row per viewer, one column per replicate.

    Each block has its own generator, so the weights do not depend on threads or on who asks.
    Whole 64-bit words cut in four are twice as fast as asking the generator for 16-bit numbers.
    """
    rng = np.random.Generator(np.random.SFC64([SEED, start]))
    size = (stop - start) * replicates
    words = rng.integers(0, 2**64, size=-(-size // 4), dtype=np.uint64)
    uniform = words.view(np.uint16)[:size].reshape(stop - start, replicates)
    return POISSON.take(uniform)


def replicate_totals(viewers, cells, replicates, product, threads=1):
    """Sum of weighted cells, cells x replicates. `product(start, stop, weights)` does a block.

    The product of a block is float32: counts are whole numbers, and exact there while a block's
    weighted sums stay below 2**24. Blocks are added up in float64.
    """
    starts = range(0, viewers, BLOCK)

    def some(mine):
        total = np.zeros((cells, replicates))
        for start in mine:
            stop = min(start + BLOCK, viewers)
            total += product(start, stop, block_weights(start, stop, replicates))
        return total

    if threads == 1:
        return some(starts)
    # One BLAS thread for each of ours: the drawing of weights is then spread over cores as well.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(some, [starts[t::threads] for t in range(threads)]))


def log_ratios(totals):
    """log(share in a / share in b) per topic, from totals whose first axis is (arm, topic)."""
    arms = totals.reshape(2, -1, *totals.shape[1:])
    # An empty cell gives an infinite ratio or NaN; a big log has none among its cells.
    with np.errstate(divide="ignore", invalid="ignore"):
        share = arms / arms.sum(axis=1, keepdims=True)
        return np.log(share[0] / share[1])


def intervals_of(totals, replicates_of_totals):
    with np.errstate(invalid="ignore"):
        low, high = np.percentile(log_ratios(replicates_of_totals), [2.5, 97.5], axis=1)
    return Intervals(totals.sum(), log_ratios(totals), low, high)


def blas_bootstrap(table, replicates, threads=1):
    """Weights drawn in blocks, times the dense table by a float32 BLAS product."""

    def product(start, stop, weights):
        return table[start:stop].T @ weights

    totals = replicate_totals(*table.shape, replicates, product, threads)
    return intervals_of(table.sum(axis=0, dtype=np.float64), totals)


def sparse_bootstrap(table, replicates, by_cell):
    """The same with a scipy.sparse table (float32, CSR), which skips the empty cells.

    Either weights @ table as one would write it down, or table.T @ weights with the transpose
    compressed by cell, whose inner loop runs along the replicates. Making the transposed blocks
    is part of the timing.
    """

    def product(start, stop, weights):
        block = table[start:stop]
        return block.T.tocsr() @ weights if by_cell else (weights.T @ block).T

    totals = replicate_totals(*table.shape, replicates, product)
    return intervals_of(np.asarray(table.sum(axis=0, dtype=np.float64)).ravel(), totals)


def table_of_groups(viewer, arm, topic, count, arm_names, topic_names):
    """Dense viewers x cells from the rows of a GROUP BY.

    Ids and names in sorted order, so that a viewer has the same weights in every library.
    """
    row, ids = sorted_codes(pa.chunked_array([viewer]))
    key, cells = table_key(row, arm, topic, arm_names, topic_names)
    table = np.zeros((len(ids), cells), np.float32)
    table.ravel()[key] = count
    return table


def table_key(row, arm, topic, arm_names, topic_names):
    """Place in the dense table, with the names' codes put in the order of the names."""
    cells = len(arm_names) * len(topic_names)
    cell = np.add.outer(ranks(arm_names) * len(topic_names), ranks(topic_names)).ravel()
    key = row.astype(np.int64)
    key *= cells
    key += cell.take(arm * np.int32(len(topic_names)) + topic)
    return key, cells


# ---- contenders -------------------------------------------------------------------------------


@dataclass
class Contender:
    """`prepare(log)` is not timed; it gives `run`, which is, and `check` of what `run` made."""

    job: str
    library: str
    how: str
    prepare: Callable


CONTENDERS = []


def contender(job, library, how):
    def add(prepare):
        CONTENDERS.append(Contender(job, library, how, prepare))
        return prepare

    return add


# numpy


@contender("dense_totals", "numpy", "bincount of arm*K+topic")
def numpy_totals(log, options):
    def run():
        return np.bincount(cell_key(log), minlength=log.cells)

    return run, partial(check_cells, log)


@contender("dense_totals", "numpy", "bincount of arm*K+topic, 64Ki rows at a time")
def numpy_totals_in_pieces(log, options):
    # bincount makes a 64-bit copy of its input; in pieces that copy stays in cache.
    def run():
        count = np.zeros(log.cells, np.int64)
        for s in range(0, log.rows, 65536):
            arm, topic = log.arm[s : s + 65536], log.topic[s : s + 65536]
            key = arm.astype(np.int64)
            key *= log.topics
            key += topic
            count += np.bincount(key, minlength=log.cells)
        return count

    return run, partial(check_cells, log)


def check_cells(log, count):
    cell = np.arange(log.cells)
    return check_totals(log, cell // log.topics, cell % log.topics, count)


@contender("per_viewer_tally", "numpy", "bincount into a dense table")
def numpy_tally_dense(log, options):
    def run():
        size = log.viewers * log.cells
        counts = np.bincount(packed_key(log, np.int64), minlength=size)
        return counts.reshape(log.viewers, log.cells)

    return run, lambda t: check_packed_tally(log, np.arange(t.size), t.ravel())


@contender("per_viewer_tally", "numpy", "add.at into a dense table")
def numpy_tally_add_at(log, options):
    # Half the table of bincount, whose counts are always 64-bit.
    def run():
        table = np.zeros(log.viewers * log.cells, np.uint32)
        np.add.at(table, packed_key(log, np.int64), np.uint32(1))
        return table.reshape(log.viewers, log.cells)

    return run, lambda t: check_packed_tally(log, np.arange(t.size), t.ravel())


@contender("per_viewer_tally", "numpy", "unique of packed keys")
def numpy_tally_unique(log, options):
    def run():
        return np.unique(packed_key(log, log.packed_type), return_counts=True)

    return run, lambda out: check_packed_tally(log, *out)


@contender("bootstrap", "numpy", "BLAS product, weights drawn on all cores")
def numpy_bootstrap_threads(log, options):
    table = log.dense()
    threads = os.cpu_count() or 1
    run = partial(blas_bootstrap, table, options.replicates, threads)
    return run, partial(check_intervals, log)


@contender("bootstrap", "numpy", "BLAS product, weights drawn on one core")
def numpy_bootstrap(log, options):
    table = log.dense()
    run = partial(blas_bootstrap, table, options.replicates)
    return run, partial(check_intervals, log)


@contender("whole_job", "numpy", "pyarrow dictionary codes, add.at, BLAS product")
def numpy_whole(log, options):
    def run():
        columns = read_columns(log.path)
        viewer, ids = sorted_codes(columns["viewer"])
        arm, arms = distinct(columns["arm"])
        topic, topics = distinct(columns["topic"])
        key, cells = table_key(viewer, arm, topic, arms, topics)
        table = np.zeros((len(ids), cells), np.float32)
        np.add.at(table.ravel(), key, np.float32(1))
        return blas_bootstrap(table, options.replicates, os.cpu_count() or 1)

    return run, partial(check_intervals, log)


# scipy


def scipy_bootstrap(log, options, by_cell):
    import scipy.sparse

    table = scipy.sparse.csr_array(log.dense())
    run = partial(sparse_bootstrap, table, options.replicates, by_cell)
    return run, partial(check_intervals, log)


@contender("bootstrap", "scipy", "sparse table.T @ weights")
def scipy_bootstrap_by_cell(log, options):
    return scipy_bootstrap(log, options, by_cell=True)


@contender("bootstrap", "scipy", "weights @ sparse table")
def scipy_bootstrap_by_viewer(log, options):
    return scipy_bootstrap(log, options, by_cell=False)


# pandas


@contender("dense_totals", "pandas", "groupby of two categoricals")
def pandas_totals(log, options):
    import pandas as pd

    arm = pd.Categorical.from_codes(log.arm, log.arm_names)
    topic = pd.Categorical.from_codes(log.topic, log.topic_names)
    frame = pd.DataFrame({"arm": arm, "topic": topic})

    def run():
        return frame.groupby(["arm", "topic"], observed=True).size()

    def check(out):
        arm, topic = (out.index.get_level_values(i) for i in (0, 1))
        here = (arm == log.arm_names[0]) & (topic == log.topic_names[0])
        return check_totals(log, ~here, ~here, out.to_numpy())

    return run, check


def pandas_codes(log):
    import pandas as pd

    return pd.DataFrame({"viewer": log.viewer, "arm": log.arm, "topic": log.topic}, copy=False)


@contender("per_viewer_tally", "pandas", "groupby of one packed key")
def pandas_tally_packed(log, options):
    frame = pandas_codes(log)
    kind = log.packed_type

    def run():
        key = frame["viewer"].astype(kind) * kind(log.cells)
        key += frame["arm"].astype(log.cell_type) * log.topics + frame["topic"]
        return key.groupby(key, sort=False).size()

    return run, lambda out: check_packed_tally(log, out.index, out)


@contender("per_viewer_tally", "pandas", "groupby of three columns")
def pandas_tally(log, options):
    frame = pandas_codes(log)

    def run():
        return frame.groupby(["viewer", "arm", "topic"], sort=False).size()

    def check(out):
        keys = [out.index.get_level_values(i) for i in range(3)]
        return check_tally(log, *keys, out)

    return run, check


@contender("whole_job", "pandas", "read_parquet, groupby of three columns, BLAS product")
def pandas_whole(log, options):
    import pandas as pd

    def run():
        columns = ["viewer", "arm", "topic"]
        frame = pd.read_parquet(log.path, columns=columns, read_dictionary=["arm", "topic"])
        size = frame.groupby(columns, observed=True, sort=False).size().reset_index(name="n")
        arm, topic = size["arm"].cat, size["topic"].cat
        names = (arm.categories, topic.categories)
        codes = (arm.codes.to_numpy(), topic.codes.to_numpy())
        table = table_of_groups(size["viewer"].to_numpy(), *codes, size["n"].to_numpy(), *names)
        return blas_bootstrap(table, options.replicates, os.cpu_count() or 1)

    return run, partial(check_intervals, log)


# polars


def polars_codes(log):
    import polars as pl

    return pl.DataFrame({"viewer": log.viewer, "arm": log.arm, "topic": log.topic})


@contender("dense_totals", "polars", "group_by of one packed key")
def polars_totals_packed(log, options):
    import polars as pl

    frame = polars_codes(log)
    key = pl.col("arm").cast(pl.UInt16) * log.topics + pl.col("topic")

    def run():
        return frame.lazy().group_by(key.alias("key")).agg(n=pl.len()).collect()

    def check(out):
        cell = out["key"].to_numpy()
        return check_totals(log, cell // log.topics, cell % log.topics, out["n"])

    return run, check


@contender("dense_totals", "polars", "group_by of two columns")
def polars_totals(log, options):
    import polars as pl

    frame = polars_codes(log)

    def run():
        return frame.lazy().group_by("arm", "topic").agg(n=pl.len()).collect()

    return run, lambda out: check_totals(log, out["arm"], out["topic"], out["n"])


def polars_tally(log, engine, packed):
    import polars as pl

    frame = polars_codes(log)
    wide = pl.UInt32 if log.packed_type is np.uint32 else pl.UInt64
    cell = pl.col("arm").cast(wide) * log.topics + pl.col("topic")
    key = pl.col("viewer").cast(wide) * log.cells + cell
    by = [key.alias("key")] if packed else ["viewer", "arm", "topic"]

    def run():
        return frame.lazy().group_by(by).agg(n=pl.len()).collect(engine=engine)

    def check(out):
        if packed:
            return check_packed_tally(log, out["key"], out["n"])
        return check_tally(log, out["viewer"], out["arm"], out["topic"], out["n"])

    return run, check


@contender("per_viewer_tally", "polars", "group_by of one packed key, streaming")
def polars_tally_packed_streaming(log, options):
    return polars_tally(log, "streaming", packed=True)


@contender("per_viewer_tally", "polars", "group_by of three columns, streaming")
def polars_tally_streaming(log, options):
    return polars_tally(log, "streaming", packed=False)


@contender("per_viewer_tally", "polars", "group_by of one packed key, in memory")
def polars_tally_packed(log, options):
    return polars_tally(log, "in-memory", packed=True)


@contender("per_viewer_tally", "polars", "group_by of three columns, in memory")
def polars_tally_in_memory(log, options):
    return polars_tally(log, "in-memory", packed=False)


def polars_whole(log, options, engine):
    import polars as pl

    def run():
        category = pl.col("arm", "topic").cast(pl.Categorical)
        scan = pl.scan_parquet(log.path).select("viewer", category)
        size = scan.group_by("viewer", "arm", "topic").agg(n=pl.len()).collect(engine=engine)
        arm, arms = distinct(size["arm"].to_arrow())
        topic, topics = distinct(size["topic"].to_arrow())
        viewer, n = size["viewer"].to_numpy(), size["n"].to_numpy()
        table = table_of_groups(viewer, arm, topic, n, arms, topics)
        return blas_bootstrap(table, options.replicates, os.cpu_count() or 1)

    return run, partial(check_intervals, log)


@contender("whole_job", "polars", "scan_parquet, group_by streaming, BLAS product")
def polars_whole_streaming(log, options):
    return polars_whole(log, options, "streaming")


@contender("whole_job", "polars", "scan_parquet, group_by in memory, BLAS product")
def polars_whole_in_memory(log, options):
    return polars_whole(log, options, "in-memory")


# duckdb


def duckdb_codes(log):
    """A database in memory with the codes in a table of its own, not a view of our arrays."""
    import duckdb

    codes = pa.table({"viewer": log.viewer, "arm": log.arm, "topic": log.topic})
    base = duckdb.connect()
    base.register("codes", codes)
    base.execute("CREATE TABLE log AS SELECT * FROM codes")
    base.unregister("codes")
    return base


@contender("dense_totals", "duckdb", "GROUP BY of two columns")
def duckdb_totals(log, options):
    base = duckdb_codes(log)
    query = "SELECT arm, topic, count(*) AS n FROM log GROUP BY arm, topic"

    def run():
        return base.sql(query).to_arrow_table()

    return run, lambda out: check_totals(log, out["arm"], out["topic"], out["n"])


def duckdb_tally(log, keys, names, into_table):
    base = duckdb_codes(log)
    query = f"SELECT {keys}, count(*) AS n FROM log GROUP BY ALL"
    create = f"CREATE OR REPLACE TEMP TABLE tally AS {query}"

    def run():
        if not into_table:
            return base.sql(query).to_arrow_table()
        base.execute(create)

    def check(out):
        out = base.sql("FROM tally").to_arrow_table() if into_table else out
        check_keys = check_packed_tally if names == ["key"] else check_tally
        return check_keys(log, *(out[name].to_numpy() for name in names), out["n"].to_numpy())

    return run, check


@contender("per_viewer_tally", "duckdb", "GROUP BY of three columns, to Arrow")
def duckdb_tally_arrow(log, options):
    return duckdb_tally(log, "viewer, arm, topic", ["viewer", "arm", "topic"], False)


@contender("per_viewer_tally", "duckdb", "GROUP BY of three columns, to a table")
def duckdb_tally_table(log, options):
    return duckdb_tally(log, "viewer, arm, topic", ["viewer", "arm", "topic"], True)


@contender("per_viewer_tally", "duckdb", "GROUP BY of one packed key, to Arrow")
def duckdb_tally_packed(log, options):
    wide = "UINTEGER" if log.packed_type is np.uint32 else "UBIGINT"
    key = f"viewer::{wide} * {log.cells} + arm::{wide} * {log.topics} + topic AS key"
    return duckdb_tally(log, key, ["key"], False)


def duckdb_whole(log, options, enum):
    import duckdb

    def run():
        base = duckdb.connect()
        file = "read_parquet($path)"
        if enum:
            # The names first, from one more scan of two columns; grouping is then on small codes.
            for name in ("arm", "topic"):
                query = f"SELECT DISTINCT {name}::VARCHAR AS v FROM {file} ORDER BY v"
                values = [v for (v,) in base.execute(query, {"path": log.path}).fetchall()]
                listed = ", ".join("'" + v.replace("'", "''") + "'" for v in values)
                base.execute(f"CREATE TYPE {name}_name AS ENUM ({listed})")
        keys = "viewer, arm::arm_name AS arm, topic::topic_name AS topic"
        keys = keys if enum else "viewer, arm, topic"
        query = f"SELECT {keys}, count(*) AS n FROM {file} GROUP BY ALL"
        size = base.sql(query, params={"path": log.path}).to_arrow_table()
        arm, arms = distinct(size["arm"])
        topic, topics = distinct(size["topic"])
        viewer, n = size["viewer"].to_numpy(), size["n"].to_numpy()
        table = table_of_groups(viewer, arm, topic, n, arms, topics)
        return blas_bootstrap(table, options.replicates, os.cpu_count() or 1)

    return run, partial(check_intervals, log)


@contender("whole_job", "duckdb", "GROUP BY over the file, names as ENUM, BLAS product")
def duckdb_whole_enum(log, options):
    return duckdb_whole(log, options, enum=True)


@contender("whole_job", "duckdb", "GROUP BY over the file, BLAS product")
def duckdb_whole_strings(log, options):
    return duckdb_whole(log, options, enum=False)


# ---- timing -----------------------------------------------------------------------------------


def measure(entry, log, options, deadline):
    """Best wall time of the repeats, and the CPU time of that repeat, over all threads."""
    run, check = entry.prepare(log, options)
    time.sleep(0.2)  # OpenBLAS's threads spin on after a product, which would count as CPU time
    best, cpu, repeats = math.inf, math.inf, 0
    for _ in range(options.repeats):
        out = None  # gives the last result's memory back outside the timing
        used, began = time.process_time(), time.perf_counter()
        out = run()
        wall, used = time.perf_counter() - began, time.process_time() - used
        repeats += 1
        if wall < best:
            best, cpu = wall, used
        if time.perf_counter() + wall > deadline:
            break
    row = {"job": entry.job, "library": entry.library, "how": entry.how}
    row |= {"seconds": best, "cpu_seconds": cpu, "repeats": repeats}
    return row, check(out)


def missing(library):
    try:
        importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return True
    return False


def in_order():
    """By job; first one way of every library, then the others, so that time cuts those off."""
    seen, first, rest = set(), {}, {}
    for c in CONTENDERS:
        where = rest if (c.job, c.library) in seen else first
        seen.add((c.job, c.library))
        where.setdefault(c.job, []).append(c)
    return [c for where in (first, rest) for job in JOBS for c in where.get(job, [])]


def measure_all(log, options, deadline):
    variants, skipped, checks = [], [], {}
    for entry in in_order():
        if entry.library not in options.only:
            continue
        named = {"job": entry.job, "library": entry.library, "how": entry.how}
        if missing(entry.library):
            skipped.append(named | {"why": "not installed"})
        elif time.perf_counter() > deadline:
            skipped.append(named | {"why": "out of time"})
        else:
            row, check = measure(entry, log, options, deadline)
            variants.append(row)
            expected = checks.setdefault(entry.job, check)
            if not agree(expected, check):
                who = f"{entry.job}, {entry.library}, {entry.how}"
                raise SystemExit(f"{who}: found {check}, another found {expected}")
    same_work(checks, log)
    variants.sort(key=lambda r: (JOBS.index(r["job"]), r["seconds"]))
    return variants, skipped, checks


def same_work(checks, log):
    """Across jobs: all count every row, and both bootstraps give one interval."""
    for job, check in checks.items():
        if check["total"] != log.rows:
            raise SystemExit(f"{job}: counted {check['total']} of {log.rows} rows")
    if {"bootstrap", "whole_job"} <= checks.keys():
        if not agree(checks["bootstrap"], checks["whole_job"]):
            raise SystemExit(f"bootstrap and whole_job disagree: {checks}")


def best_of(variants):
    """The quickest way of each library in each job; `variants` is sorted by time."""
    best = {}
    for row in variants:
        best.setdefault((row["job"], row["library"]), row)
    return list(best.values())


# ---- report -----------------------------------------------------------------------------------


def machine():
    blas = [b for b in threadpool_info() if b["user_api"] == "blas"]
    keys = ("internal_api", "version", "architecture", "num_threads")
    return {
        "cpus": os.cpu_count(),
        "cpu": cpu_name(),
        "python": platform.python_version(),
        "versions": {p: importlib.metadata.version(p) for p in PACKAGES if not missing(p)},
        "blas": {k: blas[0][k] for k in keys if k in blas[0]} if blas else None,
    }


def cpu_name():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def print_table(report):
    info = report["machine"]
    counted = ("rows", "viewers", "topics", "replicates")
    print(", ".join(f"{report[what]:,} {what}" for what in counted))
    print(f"{info['cpus']} cpus ({info['cpu']}), Python {info['python']}", end=", ")
    print(", ".join(f"{k} {v}" for k, v in info["versions"].items()))
    if info["blas"]:
        print("BLAS:", ", ".join(f"{k} {v}" for k, v in info["blas"].items()))
    best = [id(row) for row in report["results"]]
    width = max((len(row["how"]) for row in report["variants"]), default=0)
    print(f"\n  {'job':<17} {'library':<7} {'how':<{width}} {'wall s':>8} {'cpu s':>8} {'runs':>4}")
    for row in report["variants"]:
        mark = "*" if id(row) in best else " "
        print(f"{mark} {row['job']:<17} {row['library']:<7} {row['how']:<{width}}", end=" ")
        print(f"{row['seconds']:>8.4f} {row['cpu_seconds']:>8.4f} {row['repeats']:>4}")
    print("* the library's quickest way\n")
    for job, check in report["checks"].items():
        print(f"all agree on {job}: " + ", ".join(f"{k} {v}" for k, v in check.items()))
    for row in report["skipped"]:
        print(f"skipped ({row['why']}): {row['job']}, {row['library']}, {row['how']}")


def libraries(text):
    names = text.split(",")
    wrong = [n for n in names if n not in LIBRARIES]
    if wrong:
        raise argparse.ArgumentTypeError(f"{wrong[0]!r} is none of {', '.join(LIBRARIES)}")
    return names


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--log", metavar="PARQUET", help="time the jobs on this log")
    what.add_argument("--make", nargs=4, metavar=("ROWS", "VIEWERS", "TOPICS", "PATH"))
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3, help="at most so many runs of each")
    parser.add_argument("--only", type=libraries, default=LIBRARIES, metavar="NUMPY,DUCKDB")
    parser.add_argument("--seconds", type=float, default=60, help="start nothing after so long")
    parser.add_argument("--json", action="store_true", help="one JSON object, no table")
    return parser.parse_args()


def main():
    options = arguments()
    deadline = time.perf_counter() + options.seconds
    if options.make:
        rows, viewers, topics, path = options.make
        make_log(int(rows), int(viewers), int(topics), path)
        return
    log = Log.read(options.log)
    variants, skipped, checks = measure_all(log, options, deadline)
    report = {"machine": machine(), "rows": log.rows, "viewers": log.viewers}
    report |= {"topics": log.topics, "replicates": options.replicates}
    report |= {"results": best_of(variants), "variants": variants}
    report |= {"checks": checks, "skipped": skipped}
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        print_table(report)


if __name__ == "__main__":
    main()
