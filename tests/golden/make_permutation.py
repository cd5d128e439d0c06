"""Golden values of the permutation test, made without the library.

    python make_permutation.py > permutation.json

Python 3.11 or later, scipy 1.17.1 and numpy 2.4.6. Every assignment is listed with itertools, and
what is rational is compared as fractions, so that ties are ties. Where scipy.stats.permutation_test
knows the design, it must say the same, and the case says so.
"""

import itertools
import json
import math
import random
import sys
from fractions import Fraction

import numpy as np
from scipy import stats

INFINITE = float("inf")


def tables():
    """By name: clusters as [topic in a, all in a, topic in b, all in b, stratum]."""
    draw = random.Random(20130).randint

    def one(arm, stratum="x", share=3, most=9):
        everything = draw(3, most)
        topic = min(everything, draw(0, share))
        return [topic, everything, 0, 0, stratum] if arm == "a" else [0, 0, topic, everything, stratum]

    def both(stratum="x"):
        return one("a", share=5)[:2] + one("b", share=3)[2:4] + [stratum]

    def blocks():
        made = [one("a", "x", 6) for _ in range(3)] + [one("b", "x", 5) for _ in range(2)]
        made += [one("a", "y", 3) for _ in range(2)] + [one("b", "y", 2) for _ in range(2)]
        made += [one("a", "z", 1)] + [one("b", "z", 1) for _ in range(3)]
        return made + [one("b", "only b") for _ in range(2)]

    return {
        "nested": [one("a", share=6) for _ in range(6)] + [one("b") for _ in range(5)],
        "crossed": [both() for _ in range(9)],
        "partly crossed": [both() for _ in range(4)]
        + [one("a", share=6) for _ in range(3)]
        + [one("b") for _ in range(3)],
        "in blocks": blocks(),
        "partly crossed in blocks": [both("x"), both("y")] + blocks()[:9],
        "eighths, nested": [[draw(2, 8), 8, 0, 0, "x"] for _ in range(6)]
        + [[0, 0, draw(0, 5), 8, "x"] for _ in range(4)],
        "eighths, crossed": [[draw(1, 8), 8, draw(0, 7), 8, "x"] for _ in range(8)],
        "absent from b": [[draw(0, 2), 5, 0, 0, "x"] for _ in range(5)]
        + [[0, 0, 0, 4, "x"] for _ in range(5)],
        "all or nothing": [[5, 5, 0, 0, "x"] for _ in range(4)] + [[0, 0, 0, 6, "x"] for _ in range(4)],
    }


def assignments(clusters, blocked):
    """Every assignment, as by cluster whether it leaves its arm."""
    ways = []
    for at, cluster in enumerate(clusters):
        if cluster[1] and cluster[3]:
            ways.append([{at: False}, {at: True}])
    one_armed = [at for at, c in enumerate(clusters) if not (c[1] and c[3])]
    for block in sorted({clusters[at][4] if blocked else "" for at in one_armed}):
        members = [at for at in one_armed if not blocked or clusters[at][4] == block]
        treated = [at for at in members if clusters[at][1]]
        ways.append(
            [
                {at: (at in chosen) != (at in treated) for at in members}
                for chosen in map(set, itertools.combinations(members, len(treated)))
            ]
        )
    for choice in itertools.product(*ways):
        yield {at: moved for part in choice for at, moved in part.items()}


def contribution(topic, everything, unit):
    if not everything:
        return Fraction(0), Fraction(0)
    if unit == "pooled":
        return Fraction(topic), Fraction(everything)
    if unit == "cluster_mean":
        return Fraction(topic, everything), Fraction(1)
    return Fraction(topic > 0), Fraction(1)


def variance(rows, of_a, of_b):
    """f_A sum a^2 + f_B sum b^2 + 2 sqrt(f_A f_B) sum a b; the parts of an arm add up to 0."""
    size_a, size_b = (sum(1 for row in rows if row[at]) for at in (1, 3))
    f_a, f_b = Fraction(size_a, size_a - 1), Fraction(size_b, size_b - 1)
    alone = f_a * sum(a * a for a in of_a) + f_b * sum(b * b for b in of_b)
    cross = sum(a * b for a, b in zip(of_a, of_b))
    if size_a == size_b:
        return alone + 2 * f_a * cross
    return alone + 2 * math.sqrt(f_a * f_b) * float(cross) if cross else alone


def distance(clusters, moved, unit, statistic, compare):
    """Something that orders assignments as the distance from the null does."""
    rows = []
    for at, (topic_a, all_a, topic_b, all_b, _) in enumerate(clusters):
        row = [*contribution(topic_a, all_a, unit), *contribution(topic_b, all_b, unit)]
        rows.append(row[2:] + row[:2] if moved[at] else row)
    x_a, n_a, x_b, n_b = (sum(row[at] for row in rows) for at in range(4))
    s_a, s_b = x_a / n_a, x_b / n_b
    if statistic == "difference":
        value = s_a - s_b
        if compare == "value":
            return abs(value)
        of_a = [(r[0] - s_a * r[1]) / n_a for r in rows]
        v = variance(rows, of_a, [-(r[2] - s_b * r[3]) / n_b for r in rows])
        return value**2 / v if v else (INFINITE if value else Fraction(0))
    assert s_a or s_b
    if not s_a or not s_b:
        return INFINITE
    if compare == "value":
        return max(s_a / s_b, s_b / s_a)
    of_a = [(r[0] - s_a * r[1]) / x_a for r in rows]
    v = variance(rows, of_a, [-(r[2] - s_b * r[3]) / x_b for r in rows])
    value = math.log(s_a / s_b)
    return value**2 / float(v) if v else (INFINITE if s_a != s_b else 0.0)


def enumerated(clusters, blocked, unit, statistic, compare):
    observed = distance(clusters, {at: False for at in range(len(clusters))}, unit, statistic, compare)
    # Fractions are exact; only logarithms in standard errors are rounded.
    least = observed * (1 - 1e-11) if isinstance(observed, float) else observed
    beyond = of = 0
    for moved in assignments(clusters, blocked):
        of += 1
        beyond += distance(clusters, moved, unit, statistic, compare) >= least
    return beyond, of


def by_scipy(clusters, compare):
    """The difference of cluster means, as scipy permutes it; its p for one side of a distance."""
    first = np.array([c[0] / c[1] for c in clusters if c[1]])
    second = np.array([c[2] / c[3] for c in clusters if c[3]])
    paired = all(c[1] and c[3] for c in clusters)

    def statistic(x, y, axis):
        if compare == "value":
            return np.abs(np.mean(x, axis=axis) - np.mean(y, axis=axis))
        if paired:
            return np.abs(stats.ttest_rel(x, y, axis=axis).statistic)
        return np.abs(stats.ttest_ind(x, y, axis=axis, equal_var=False).statistic)

    kind = "samples" if paired else "independent"
    known = stats.permutation_test(
        (first, second), statistic, permutation_type=kind, vectorized=True,
        n_resamples=np.inf, alternative="greater",
    )  # fmt: skip
    return float(known.pvalue)


def cases():
    for name, clusters in tables().items():
        for blocked in [False, True] if "blocks" in name else [False]:
            for unit in ["pooled", "cluster_mean", "reach"]:
                for statistic in ["difference", "amplification_ratio"]:
                    for compare in ["value", "studentised"]:
                        beyond, of = enumerated(clusters, blocked, unit, statistic, compare)
                        case = {
                            "table": name, "blocked": blocked, "unit": unit,
                            "statistic": statistic, "compare": compare,
                            "beyond": beyond, "assignments": of,
                        }  # fmt: skip
                        eighths = name.startswith("eighths") and unit == "cluster_mean"
                        if eighths and statistic == "difference":
                            case["scipy"] = by_scipy(clusters, compare)
                            assert math.isclose(case["scipy"], beyond / of, rel_tol=1e-12), case
                        yield case


def main():
    lines = [json.dumps(case) for case in cases()]
    clusters = ",\n".join(f"{json.dumps(name)}: {json.dumps(c)}" for name, c in tables().items())
    listed = ",\n".join(lines)
    sys.stdout.write(f'{{"tables": {{\n{clusters}\n}},\n"cases": [\n{listed}\n]}}\n')


main()
