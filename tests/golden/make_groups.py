"""Golden values of groups and their members, made without the library.

    python make_groups.py > groups.json

Python 3.11 or later and numpy 2.4.6. Every formula is written out from its definition, gradients are
complex steps of it (so no derivative is worked out by hand), and all ways of labelling are listed with
itertools.
"""

import itertools
import json
import sys

import numpy as np

MEMBERS = ["a1", "a2", "a3", "a4", "b1", "b2", "b3"]
GROUPS = {"a": [0, 1, 2, 3], "b": [4, 5, 6]}
REST = len(MEMBERS)  # impressions of nobody


def log(crossed, seed):
    """Impressions by cluster, arm and member; the last column is of nobody."""
    rng = np.random.default_rng(seed)
    rates = np.array([[3.0, 1.2, 0.6, 0.5, 1.0, 0.8, 0.4, 2.0], [1.5, 1.4, 0.9, 0.0, 1.6, 0.7, 0.9, 2.2]])
    clusters = 24
    counts = np.zeros((clusters, 2, len(MEMBERS) + 1), dtype=int)
    for c in range(clusters):
        size = rng.gamma(2.0, 0.5)
        for arm in range(2):
            if crossed or c % 2 == arm:
                counts[c, arm] = rng.poisson(size * rates[arm])
                counts[c, arm, REST] += 1
    return counts


def contributions(counts, unit):
    """By cluster: overall in both arms, the union of each group in both, each member in both."""
    overall = counts.sum(axis=2).astype(float)
    shown = counts[:, :, :REST].astype(float)
    unions = np.stack([shown[:, :, of].sum(axis=2) for of in GROUPS.values()], axis=2)
    if unit == "cluster_mean":
        below = np.where(overall > 0, overall, 1.0)[:, :, None]
        shown, unions = shown / below, unions / below
    if unit == "reach":
        shown, unions = (shown > 0).astype(float), (unions > 0).astype(float)
    if unit != "pooled":
        overall = (overall > 0).astype(float)
    return overall, unions, shown


def mean_log(a, b):
    return (a - b) / (np.log(a) - np.log(b))


def statistics(unit, both, counted):
    """Functions of (overall, union, members), each [arm] or [arm, member]."""

    def group(n, u, x):
        return np.log(u[0] / n[0]) - np.log(u[1] / n[1])

    def ratios(n, x, of, half=0.0):
        return np.log((x[0, of] + half) / (n[0] + 2 * half)) - np.log((x[1, of] + half) / (n[1] + 2 * half))

    def mean(n, u, x):
        return ratios(n, x, both).sum() / len(both)

    def weighted(n, u, x):
        return (x[1, both] * ratios(n, x, both)).sum() / x[1, both].sum()

    def half_mean(n, u, x):
        return ratios(n, x, counted, 0.5).sum() / len(counted)

    def half_weighted(n, u, x):
        return (x[1, counted] * ratios(n, x, counted, 0.5)).sum() / x[1, counted].sum()

    def weight(n, u, x):
        q = x[:, both] / x[:, both].sum(axis=1, keepdims=True)
        w = mean_log(q[0], q[1])
        w = w / w.sum()
        return ((w - 1 / len(both)) * ratios(n, x, both)).sum()

    def turnover(n, u, x):
        part = x.sum(axis=1) / x[:, both].sum(axis=1)
        return np.log(part[0]) - np.log(part[1])

    def overlap(n, u, x):
        part = u / x.sum(axis=1)
        return np.log(part[0]) - np.log(part[1])

    def gap(n, u, x):
        return group(n, u, x) - mean(n, u, x)

    def half_gap(n, u, x):
        return group(n, u, x) - half_mean(n, u, x)

    made = dict(group=group, mean=mean, weighted=weighted, gap=gap, members=mean, weight=weight, turnover=turnover,
                half_mean=half_mean, half_weighted=half_weighted, half_gap=half_gap)
    if unit == "reach":
        made["overlap"] = overlap
    return made


def with_error(f, n, u, x, crossed):
    """The value at the totals, and its clustered standard error."""
    flat = np.concatenate([n, u[:, :, None].reshape(len(n), 2), x.reshape(len(n), -1)], axis=1)

    def of(totals):
        return f(totals[:2], totals[2:4], totals[4:].reshape(2, -1))

    totals = flat.sum(axis=0)
    gradient = np.zeros(len(totals))
    for at in range(len(totals)):
        moved = totals.astype(complex)
        moved[at] += 1e-30j
        gradient[at] = of(moved).imag / 1e-30
    influence = flat @ gradient
    parts = [np.ones(len(n), bool)] if crossed else [n[:, 0] > 0, n[:, 1] > 0]
    variance = sum(
        part.sum() / (part.sum() - 1) * ((influence[part] - influence[part].mean()) ** 2).sum() for part in parts
    )
    return dict(value=float(of(totals)), error=float(np.sqrt(variance)))


def weights(x, both):
    q = x[:, both] / x[:, both].sum(axis=1, keepdims=True)
    w = mean_log(q[0], q[1])
    return (w / w.sum()).tolist()


def as_far(differences, observed):
    return sum(abs(d) >= abs(observed) - 1e-9 for d in differences) / len(differences)


def label_test(values, group):
    """All ways of choosing as many of the members."""
    members = sorted(values)
    size = sum(m in group for m in members)

    def difference(chosen):
        inside = [values[m] for m in members if m in chosen]
        outside = [values[m] for m in members if m not in chosen]
        return float(np.mean(inside) - np.mean(outside))

    ways = [difference(set(chosen)) for chosen in itertools.combinations(members, size)]
    observed = difference(set(group))
    return dict(p=as_far(ways, observed), ways=len(ways), difference=observed)


def union_test(counts, unit, group):
    overall = counts.sum(axis=2)

    def log_ratio(of):
        shown = counts[:, :, of].sum(axis=2)
        if unit == "reach":
            arms = (shown > 0).sum(axis=0)
        elif unit == "pooled":
            arms = shown.sum(axis=0)
        else:
            arms = np.where(overall > 0, shown / np.maximum(overall, 1), 0).sum(axis=0)
        return np.log(arms[0]) - np.log(arms[1]) if arms[0] > 0 and arms[1] > 0 else np.inf

    everyone = range(len(MEMBERS))

    def difference(chosen):
        return float(log_ratio(list(chosen)) - log_ratio([m for m in everyone if m not in chosen]))

    ways = [difference(chosen) for chosen in itertools.combinations(everyone, len(group))]
    observed = difference(tuple(group))
    return dict(p=as_far(ways, observed), ways=len(ways), difference=observed)


def case(crossed, seed, unit):
    counts = log(crossed, seed)
    overall, unions, shown = contributions(counts, unit)
    totals = shown.sum(axis=0)
    n = overall.sum(axis=0)
    made = {}
    finite = {
        m: float(np.log(totals[0, m] / n[0]) - np.log(totals[1, m] / n[1]))
        for m in range(len(MEMBERS))
        if totals[:, m].min() > 0
    }
    for at, (name, of) in enumerate(GROUPS.items()):
        x = shown[:, :, of]
        sums = x.sum(axis=0)
        both = [i for i in range(len(of)) if sums[:, i].min() > 0]
        counted = [i for i in range(len(of)) if sums[:, i].max() > 0]
        functions = statistics(unit, both, counted)
        made[name] = dict(
            figures={k: with_error(f, overall, unions[:, :, at], x, crossed) for k, f in functions.items()},
            both=[MEMBERS[of[i]] for i in both],
            weights=weights(sums, both),
            quantiles=np.exp(np.quantile([finite[of[i]] for i in both], [0, 0.25, 0.5, 0.75, 1])).tolist(),
            label_test=label_test(finite, of),
            union_test=union_test(counts, unit, of),
        )
    return dict(unit=unit, crossed=crossed, counts=counts.tolist(), groups=made)


def main():
    cases = [case(crossed, seed, unit) for crossed, seed in ((False, 71), (True, 72)) for unit in ("pooled", "cluster_mean", "reach")]
    groups = {name: [MEMBERS[m] for m in of] for name, of in GROUPS.items()}
    json.dump(dict(source="make_groups.py, numpy " + np.__version__, members=MEMBERS, groups=groups, cases=cases), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
