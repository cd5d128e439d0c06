"""Golden values for statistics over strata: standardised shares, the Mantel-Haenszel difference, and the
Cochran-Mantel-Haenszel test, with the errors of clusters and of independent impressions.

    pip install numpy==2.* scipy==1.*
    python make_standardised.py          # writes standardised.json beside this file

Nothing is shared with the library: derivatives are taken by complex steps from the statistics' definitions,
variances of independent impressions from the covariance of a multinomial over strata and topic, and scores
are added up cluster by cluster.
"""
import json
import pathlib

import numpy as np
import scipy
from scipy import stats

HERE = pathlib.Path(__file__).resolve().parent
DECLARED = {"east": 3.0, "north": 5.0, "west": 2.0}


def world(seed, crossed=False, one_arm=False):
    """Rows of cluster, arm, stratum, impressions of the topic and of others."""
    rng = np.random.default_rng(seed)
    base = {"east": 0.15, "north": 0.3, "west": 0.5}
    rows = []
    for cluster in range(30):
        arms = ["a", "b"] if crossed else ["ab"[cluster % 2]]
        for arm in arms:
            # Arms are spread otherwise over strata, and some clusters have impressions in two.
            spread = [0.5, 0.3, 0.2] if arm == "a" else [0.2, 0.3, 0.5]
            strata = rng.choice(sorted(base), size=1 + (cluster % 5 == 0), replace=False, p=spread)
            for stratum in sorted(strata):
                count = int(rng.integers(5, 25))
                mean = base[stratum] * (1.3 if arm == "a" else 1.0)
                share = rng.beta(6 * mean, 6 * (1 - mean))
                topic = int(rng.binomial(count, share))
                rows.append([cluster, arm, str(stratum), topic, count - topic])
    if one_arm:
        for cluster in range(30, 37):
            count = int(rng.integers(5, 25))
            rows.append([cluster, "a", "south", count // 3, count - count // 3])
    return rows


def shares(t, parts):
    """Standardised shares from totals [arm, stratum, topic or all]."""
    rates = t[:, :, 0] / t[:, :, 1]
    return (parts * rates).sum(axis=1)


def parts_of(t, population):
    n = t[:, :, 1]
    if population == "treatment":
        return n[0] / n[0].sum()
    if population == "baseline":
        return n[1] / n[1].sum()
    if population == "both":
        return n.sum(axis=0) / n.sum()
    declared = np.array([DECLARED[name] for name in sorted(DECLARED)])
    return declared / declared.sum()


def log_ratio(population):
    def value(t):
        s = shares(t, parts_of(t, population))
        return np.log(s[0] / s[1])

    return value


def difference(population):
    def value(t):
        s = shares(t, parts_of(t, population))
        return s[0] - s[1]

    return value


def common_difference(t):
    n = t[:, :, 1]
    both = (n.real[0] > 0) & (n.real[1] > 0)
    (a, n1), (c, n0) = (t[0, both].T, t[1, both].T)
    return ((a * n0 - c * n1) / (n1 + n0)).sum() / (n1 * n0 / (n1 + n0)).sum()


STATISTICS = {"mantel_haenszel_difference": common_difference}
for population in ["treatment", "baseline", "both", "declared"]:
    STATISTICS[f"standardised_ratio_{population}"] = log_ratio(population)
    STATISTICS[f"standardised_difference_{population}"] = difference(population)


def gradient(value, t):
    out = np.zeros_like(t)
    for at in np.ndindex(t.shape):
        if t[at[0], at[1], 1] > 0:
            moved = t.astype(complex)
            moved[at] += 1e-30j
            out[at] = value(moved).imag / 1e-30
    return out


def variance(influences, sides):
    """Of a sum over clusters, with its degrees of freedom. `sides`: by cluster, in which arms it is."""
    if any(len(side) == 2 for side in sides):
        groups = [influences]
    else:
        groups = [influences[[side == {arm} for side in sides]] for arm in (0, 1)]
    v = np.array([len(h) / (len(h) - 1) * ((h - h.mean()) ** 2).sum() for h in groups])
    return v.sum(), v.sum() ** 2 / (v**2 / [len(h) - 1 for h in groups]).sum()


def independent(value, t):
    """The delta method on a multinomial over (stratum, topic or other) in each arm."""
    g = gradient(value, t)
    total = 0.0
    for arm in (0, 1):
        counts = np.stack([t[arm, :, 0], t[arm, :, 1] - t[arm, :, 0]], axis=1).ravel()
        # A further impression of the topic adds to both totals, another one to the second.
        slopes = np.stack([g[arm, :, 0] + g[arm, :, 1], g[arm, :, 1]], axis=1).ravel()
        n = counts.sum()
        p = counts / n
        total += slopes @ (n * (np.diag(p) - np.outer(p, p))) @ slopes
    return total


def sato(t):
    n = t[:, :, 1]
    both = (n[0] > 0) & (n[1] > 0)
    (a, n1), (c, n0) = (t[0, both].T, t[1, both].T)
    big, delta = n1 + n0, common_difference(t)
    p = (n1**2 * c - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / big**2
    q = (a * (n0 - c) + c * (n1 - a)) / (2 * big)
    return (delta * p.sum() + q.sum()) / (n1 * n0 / big).sum() ** 2


def greenland_robins(t):
    """The large-strata variance of Greenland and Robins 1985, which Sato's is near to."""
    n = t[:, :, 1]
    both = (n[0] > 0) & (n[1] > 0)
    (a, n1), (c, n0) = (t[0, both].T, t[1, both].T)
    w = n1 * n0 / (n1 + n0)
    v = a * (n1 - a) / n1**3 + c * (n0 - c) / n0**3
    return (w**2 * v).sum() / w.sum() ** 2


def cmh(rows, t, strata):
    n = t[:, :, 1]
    both = [k for k in range(len(strata)) if n[0, k] > 0 and n[1, k] > 0]
    u = v = 0.0
    for k in both:
        (a, n1), (c, n0) = t[0, k], t[1, k]
        big, m = n1 + n0, a + c
        u += a - n1 * m / big
        v += n1 * n0 * m * (big - m) / (big**2 * (big - 1))
    scores, sides = {}, {}
    for cluster, arm, stratum, topic, other in rows:
        k, side = strata.index(stratum), "ab".index(arm)
        if k in both:
            share = t[:, k, 0].sum() / n[:, k].sum()
            weight = n[1 - side, k] / n[:, k].sum() * (1 if side == 0 else -1)
            residual = topic - share * (topic + other)
            scores[cluster] = scores.get(cluster, 0.0) + weight * residual
            sides.setdefault(cluster, set()).add(side)
    clusters = sorted(scores)
    of_clusters, degrees = variance(
        np.array([scores[c] for c in clusters]), [sides[c] for c in clusters]
    )
    corrected = max(abs(u) - 0.5, 0) ** 2 / v
    return {
        "statistic": u**2 / v,
        "p": stats.chi2.sf(u**2 / v, 1),
        "statistic_corrected": corrected,
        "p_corrected": stats.chi2.sf(corrected, 1),
        "statistic_clustered": u**2 / of_clusters,
        "degrees_clustered": degrees,
        "p_clustered": stats.f.sf(u**2 / of_clusters, 1, degrees),
    }


def case(name, rows):
    strata = sorted({row[2] for row in rows})
    clusters = sorted({row[0] for row in rows})
    t = np.zeros((2, len(strata), 2))
    by_cluster = np.zeros((len(clusters), 2, len(strata), 2))
    for cluster, arm, stratum, topic, other in rows:
        at = ("ab".index(arm), strata.index(stratum))
        t[at] += [topic, topic + other]
        by_cluster[(clusters.index(cluster), *at)] += [topic, topic + other]
    sides = [{side for side in (0, 1) if x[side, :, 1].sum() > 0} for x in by_cluster]
    out = {}
    for label, value in STATISTICS.items():
        if "south" in strata and label != "mantel_haenszel_difference":
            continue
        influences = (by_cluster * gradient(value, t)).sum(axis=(1, 2, 3))
        # Clusters of strata that one arm has nothing in are not looked at.
        common = (t[:, :, 1] > 0).all(axis=0)
        counted = [c for c, x in enumerate(by_cluster) if x[:, common].sum() > 0]
        robust, degrees = variance(influences[counted], [sides[c] for c in counted])
        is_common = label == "mantel_haenszel_difference"
        out[label] = {
            "working": value(t),
            "standard_error": robust**0.5,
            "degrees": degrees,
            "naive": (sato(t) if is_common else independent(value, t)) ** 0.5,
        }
        if label.endswith("declared"):
            # The textbook's form, of which the multinomial's must be an instance.
            parts, n = parts_of(t, "declared"), t[:, :, 1]
            rates = t[:, :, 0] / n
            v = (parts**2 * rates * (1 - rates) / n).sum(axis=1)
            scale = shares(t, parts) ** 2 if "ratio" in label else 1.0
            assert abs((v / scale).sum() ** 0.5 / out[label]["naive"] - 1) < 1e-12
    return {
        "name": name,
        "rows": rows,
        "statistics": out,
        "greenland_robins": greenland_robins(t) ** 0.5,
        "cmh": cmh(rows, t, strata),
    }


golden = {
    "source": f"numpy {np.__version__}, scipy {scipy.__version__}; make_standardised.py",
    "declared": DECLARED,
    "cases": [
        case("nested", world(1)),
        case("crossed", world(2, crossed=True)),
        case("one_arm", world(3, one_arm=True)),
    ],
}
(HERE / "standardised.json").write_text(json.dumps(golden) + "\n")
