"""Puts the figures of the last `cargo bench` into benches/README.md, as tables.

    cargo bench --features lazy
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


def main():
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    found = list(results(target / "criterion"))
    if not found:
        raise SystemExit(f"{target}/criterion: no results; run `cargo bench` first")
    readme = HERE / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(before + BEGIN + "\n" + "\n".join(tables(found)) + "\n" + END + after)


if __name__ == "__main__":
    main()
