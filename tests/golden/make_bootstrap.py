"""Golden values of the Poisson cluster bootstrap, made without the library.

    python make_bootstrap.py > bootstrap.json

Weights by Philox4x32-10 written out from its paper (Salmon et al. 2011), keys by hashlib, quantiles
by numpy 2.4 (method "linear"). Counts are whole; masses are taken as they are.
"""

import hashlib
import json
import math

import numpy as np

REACHED = [24109, 48219, 60273, 64292, 65296, 65497, 65531, 65535]
MASK = 0xFFFFFFFF


def philox(counter, key):
    counter, key = list(counter), list(key)
    for _ in range(10):
        first, second = counter[0] * 0xD2511F53, counter[2] * 0xCD9E8D57
        counter = [
            (second >> 32) ^ counter[1] ^ key[0],
            second & MASK,
            (first >> 32) ^ counter[3] ^ key[1],
            first & MASK,
        ]
        key = [(key[0] + 0x9E3779B9) & MASK, (key[1] + 0xBB67AE85) & MASK]
    return counter


def weight(seed, viewer, replicate):
    key = int.from_bytes(hashlib.md5(viewer.encode()).digest()[:8], "big")
    group, lane = divmod(replicate, 128)
    word, rest = divmod(lane, 32)
    block, half = divmod(rest, 2)
    counter = [key & MASK, key >> 32, group * 16 + block, 0x706F6973]
    bits = philox(counter, [seed & MASK, seed >> 32])[word] >> (16 * half) & 0xFFFF
    return sum(bits >= reached for reached in REACHED)


def rows():
    """Viewer, arm, topic or none, weight: 24 viewers, some in both arms, all by arithmetic."""
    made = []
    for viewer in range(24):
        for n in range(3 + viewer * 7 % 11):
            arm = "a" if viewer % 3 == 0 or (viewer % 3 == 1 and n % 2 == 0) else "b"
            topic = "war" if (viewer * 5 + n * n) % 7 < (3 if arm == "a" else 2) else ""
            made.append((f"v{viewer}", arm, topic, 0.25 + (viewer * 3 + n) % 5 * 1.7))
    return made


def replicated(seed, replicates, weighed, unit):
    sums = {}
    for viewer, arm, topic, mass in rows():
        mass = mass if weighed else 1.0
        cell = sums.setdefault((viewer, arm), [0.0, 0.0, 0])
        cell[1] += mass
        if topic:
            cell[0] += mass
            cell[2] += 1
    values = []
    for replicate in range(replicates):
        totals = {"a": [0.0, 0.0], "b": [0.0, 0.0]}
        for (viewer, arm), (topic, whole, times_shown) in sums.items():
            times = weight(seed, viewer, replicate)
            if unit == "cluster_mean":
                topic, whole = topic / whole, 1.0
            if unit == "reach":
                topic, whole = float(times_shown >= 2), 1.0
            totals[arm][0] += times * topic
            totals[arm][1] += times * whole
        (a, n_a), (b, n_b) = totals["a"], totals["b"]
        values.append(math.log(a / n_a / (b / n_b)))
    return np.array(values)


def main():
    cases = []
    for seed in (1, 7 << 40 | 13):
        for replicates in (100, 300):
            for weighed in (False, True):
                for unit in ("pooled", "cluster_mean", "reach"):
                    values = replicated(seed, replicates, weighed, unit)
                    low, high = np.quantile(values, [0.05, 0.95], method="linear")
                    cases.append(
                        {
                            "seed": seed,
                            "replicates": replicates,
                            "weighed": weighed,
                            "unit": unit,
                            "low": math.exp(low),
                            "high": math.exp(high),
                            "standard_error": float(values.std(ddof=1)),
                        }
                    )
    print(json.dumps({"made_by": "make_bootstrap.py, numpy " + np.__version__, "cases": cases}))


if __name__ == "__main__":
    main()
