"""Puts the figures of the last `cargo bench` into benches/README.md, as tables.

    rm -rf target/criterion
    cargo bench -p tiltmeter-benches --features lazy
    python3 benches/table.py

Reads what criterion leaves in target/criterion (CARGO_TARGET_DIR is heeded).
"""

import json
import os
import platform
import time
from pathlib import Path

HERE = Path(__file__).parent
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def results(folder):
    """Group, name, seconds and throughput of every bench, as criterion saved them."""
    for file in sorted(folder.glob("**/new/benchmark.json")):
        bench = json.loads(file.read_text())
        estimates = json.loads((file.parent / "estimates.json").read_text())
        seconds = estimates["median"]["point_estimate"] / 1e9
        name = "/".join(filter(None, (bench["function_id"], bench["value_str"])))
        kind, amount = next(iter(bench["throughput"].items()))
        yield bench["group_id"], name, seconds, kind, amount, file.stat().st_mtime


def row(name, seconds, kind, amount):
    unit = "GB" if kind.startswith("Bytes") else "million"
    per_second = amount / seconds / (1e9 if unit == "GB" else 1e6)
    each = seconds / amount * 1e9
    return f"| {name} | {seconds:.4g} | {each:.3g} | {per_second:.4g} {unit} |"


def cpu():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def tables(found):
    when = time.strftime("%Y-%m-%d", time.gmtime(max(entry[-1] for entry in found)))
    yield f"Measured {when} on {os.cpu_count()} cores of {cpu()}; medians."
    group = None
    for its, name, seconds, kind, amount, _ in found:
        if its != group:
            group = its
            yield f"\n### {group}\n\n| bench | s | ns each | per second |\n| --- | ---: | ---: | ---: |"
        yield row(name, seconds, kind, amount)


# Kernel, the bench of it on one core, and the time for each impression that no program can beat:
# bytes to read from memory, and counts in a table of its size.
BOUNDS = (
    ("dense totals", "tally/dense/rows_10M_viewers_100k", 8, "count/100_bytes", 1),
    ("hashed, 1,024 buckets", "tally/hashed/rows_10M_viewers_100k", 12, "count/100_KiB", 1),
    ("per viewer, any order", "tally/per_viewer/rows_10M_viewers_100k", 20, "count/100_KiB", 2),
)


def fractions(found):
    """How near each kernel comes to its bound, on one core."""
    times = {f"{group}/{name}": (seconds, amount) for group, name, seconds, _, amount, _ in found}

    missing = [bench for _, bench, *_ in BOUNDS if bench not in times]
    if missing or "bounds/read_memory" not in times or "threads/bootstrap/1" not in times:
        return  # not all benches were run

    def ns(name):
        seconds, amount = times[name]
        return seconds / amount * 1e9

    yield "\n### of the bounds, reached on one core\n"
    yield "| kernel | memory, ns | counts, ns | kernel, ns | reached |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for kernel, bench, size, count, counts in BOUNDS:
        memory, counting = size * ns("bounds/read_memory"), counts * ns(f"bounds/{count}")
        reached = max(memory, counting) / ns(bench)
        yield f"| {kernel} | {memory:.2f} | {counting:.2f} | {ns(bench):.2f} | {reached:.0%} |"
    bound, bootstrap = times["bounds/bootstrap_additions"][0], times["threads/bootstrap/1"][0]
    yield f"\nBootstrap of counts: additions alone {bound:.3f} s, all {bootstrap:.3f} s on one core:"
    yield f"{bound / bootstrap:.0%}."


def main():
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    found = list(results(target / "criterion"))
    if not found:
        raise SystemExit(f"{target}/criterion: no results; run `cargo bench` first")
    readme = HERE / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(before + BEGIN + "\n" + "\n".join([*tables(found), *fractions(found)]) + "\n" + END + after)


if __name__ == "__main__":
    main()
