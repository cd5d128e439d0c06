"""Counts by viewer, arm and topic, from a text file on disk, in the libraries people use today, and timed.

    peers-venv/bin/python benches/peers/text.py log.csv log.ndjson

Each file has a row for each impression, with six columns of which three are needed: `viewer` (integer ids),
`arm` and `topic` (texts). Only the group-by is timed: no codes are made of names, and no intervals of
counts. A library may read a file in several ways; the quickest is its result, and all are printed. The time
is the wall clock of the best repeat, `cpu` what all threads of the process used in it. The script fails when
two ways disagree about how many rows and groups there are.
"""

import argparse
import json
import time
from pathlib import Path

KEYS = ["viewer", "arm", "topic"]
TYPES = {"viewer": "BIGINT", "arm": "VARCHAR", "topic": "VARCHAR"}
OTHERS = {"position": "BIGINT", "item": "BIGINT", "time": "TIMESTAMPTZ"}


def duckdb_ways(path, is_json):
    import duckdb

    def counted(source):
        def run():
            query = f"SELECT viewer, arm, topic, count(*) AS n FROM {source} GROUP BY ALL"
            groups = duckdb.connect().sql(query, params={"path": str(path)}).to_arrow_table()
            return groups.num_rows, groups["n"]

        return run

    read = "read_ndjson" if is_json else "read_csv"
    types = TYPES if is_json else TYPES | OTHERS
    told = "{" + ", ".join(f"{name}: '{kind}'" for name, kind in types.items()) + "}"
    more = "" if is_json else ", header = true, auto_detect = false, delim = ','"
    return {
        f"{read}, types told": counted(f"{read}($path, columns = {told}{more})"),
        f"{read}, types guessed": counted(f"{read}($path)"),
    }


def polars_ways(path, is_json):
    import polars as pl

    def counted(scan):
        def run():
            groups = scan().group_by(KEYS).len().collect(engine="streaming")
            return groups.height, groups["len"].to_arrow()

        return run

    if is_json:
        schema = {"viewer": pl.Int64, "arm": pl.String, "topic": pl.String}
        told = schema | {"position": pl.Int64, "item": pl.Int64, "time": pl.String}
        return {
            "scan_ndjson, types told": counted(lambda: pl.scan_ndjson(path, schema=told)),
            "scan_ndjson, types guessed": counted(lambda: pl.scan_ndjson(path)),
        }
    names = {"arm": pl.Categorical, "topic": pl.Categorical}
    return {
        "scan_csv": counted(lambda: pl.scan_csv(path)),
        "scan_csv, names as categories": counted(lambda: pl.scan_csv(path, schema_overrides=names)),
    }


WAYS = {"duckdb": duckdb_ways, "polars": polars_ways}


def measure(run, repeats):
    """Best wall time of the repeats, the CPU time of that repeat, and how many groups and rows there were."""
    best, cpu = float("inf"), float("inf")
    for _ in range(repeats):
        used, began = time.process_time(), time.perf_counter()
        groups, counts = run()
        wall, used = time.perf_counter() - began, time.process_time() - used
        if wall < best:
            best, cpu = wall, used
    return best, cpu, (groups, sum(counts.to_pylist()))


def measure_all(paths, repeats):
    rows = []
    for path in paths:
        is_json = path.suffix == ".ndjson"
        agreed = None
        for library, ways in WAYS.items():
            for how, run in ways(path, is_json).items():
                wall, cpu, found = measure(run, repeats)
                agreed = agreed or found
                if found != agreed:
                    raise SystemExit(f"{path}, {library}, {how}: {found}, another found {agreed}")
                row = {"format": "ndjson" if is_json else "csv", "library": library, "how": how}
                rows.append(row | {"seconds": wall, "cpu_seconds": cpu, "groups": found[0]})
    return sorted(rows, key=lambda row: (row["format"], row["library"], row["seconds"]))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON list, no table")
    options = parser.parse_args()
    rows = measure_all(options.files, options.repeats)
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        line = f"{row['format']:<7} {row['library']:<7} {row['how']:<32}"
        print(f"{line} {row['seconds']:8.3f} s wall {row['cpu_seconds']:8.3f} s cpu")


if __name__ == "__main__":
    main()
