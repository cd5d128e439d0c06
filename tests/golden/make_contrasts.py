"""Golden values for contrasts of two topics and of two strata, and for the test that strata are equal.

    pip install numpy==2.* scipy==1.*
    python make_contrasts.py          # writes contrasts.json beside this file

Nothing is shared with the library: derivatives are taken by complex steps from the definitions, the jackknife
leaves clusters out one by one, and the test's degrees of freedom come from the variances of all entries of the
standardised covariance matrix, one by one, instead of from a closed form.
"""
import json
import pathlib

import numpy as np
import scipy
from scipy import linalg, stats

HERE = pathlib.Path(__file__).resolve().parent
STRATA = ["east", "north", "west"]


def world(seed, kind):
    """Rows of cluster, arm, stratum, impressions of war, of sport and of others."""
    rng = np.random.default_rng(seed)
    rows = []
    for cluster in range(36):
        arms = ["a", "b"] if kind == "crossed" else ["ab"[cluster % 2]]
        # In "shared" every cluster is in several strata, as viewers are in several weeks.
        strata = STRATA if kind != "nested" else [STRATA[cluster % 3]]
        for arm in arms:
            for stratum in strata:
                count = int(rng.integers(8, 30))
                war = 0.2 * (1.5 if arm == "a" else 1.0)
                mean = np.array([war, 0.3, 0.7 - war])
                drawn = rng.multinomial(count, rng.dirichlet(8 * mean))
                rows.append([cluster, arm, stratum, *map(int, drawn)])
    return rows


def table(rows):
    """By cluster, arm, stratum: war, sport, all."""
    clusters = 1 + max(row[0] for row in rows)
    t = np.zeros((clusters, 2, len(STRATA), 3))
    for cluster, arm, stratum, war, sport, other in rows:
        t[cluster, "ab".index(arm), STRATA.index(stratum)] += [war, sport, war + sport + other]
    return t


def amplification(of, topic, everything):
    """Of two arms."""
    s = topic / everything
    if of == "amplification_ratio":
        return np.log(s[0] / s[1])
    if of == "difference":
        return s[0] - s[1]
    return np.log(s[0] / (1 - s[0]) / (s[1] / (1 - s[1])))


def topics(of):
    def value(t):
        t = t.sum(axis=1)
        return amplification(of, t[:, 0], t[:, 2]) - amplification(of, t[:, 1], t[:, 2])

    return value


def strata(of):
    def value(t):
        return amplification(of, t[:, 0, 0], t[:, 0, 2]) - amplification(of, t[:, 2, 0], t[:, 2, 2])

    return value


def one(of, stratum):
    def value(t):
        return amplification(of, t[:, stratum, 0], t[:, stratum, 2])

    return value


def gradient(value, totals):
    slopes = np.zeros_like(totals)
    for at in np.ndindex(totals.shape):
        moved = totals.astype(complex)
        moved[at] += 1e-30j
        slopes[at] = value(moved).imag / 1e-30
    return slopes


def spread(parts, present, factor):
    """Terms whose squares add up to the variance, from what each cluster adds through either arm."""
    terms = np.zeros(len(parts))
    for arm in (0, 1):
        here = present[:, arm]
        if not here.any():
            continue
        centred = parts[here, arm] - parts[here, arm].mean()
        terms[here] += np.sqrt(factor(here.sum())) * centred
    return terms


def delta(value, t, looks):
    """The standard error by linearisation; `looks` says in which strata."""
    slopes = gradient(value, t.sum(axis=0))
    parts = (t * slopes).sum(axis=(2, 3))
    present = t[:, :, looks, 2].sum(axis=2) > 0
    return float(np.linalg.norm(spread(parts, present, lambda g: g / (g - 1))))


def jackknife(value, t, looks):
    """Terms by leaving each cluster out, first of the treatment, then of the baseline too; and the variances
    that arms have alone with their clusters."""
    whole = t.sum(axis=0)
    present = t[:, :, looks, 2].sum(axis=2) > 0
    parts = np.zeros((len(t), 2))
    for cluster in range(len(t)):
        left, before = whole.copy(), value(whole)
        for arm in (0, 1):
            if present[cluster, arm]:
                left[arm] -= t[cluster, arm]
                now = value(left)
                parts[cluster, arm] = now - before
                before = now
    factor = lambda g: (g - 1) / g  # noqa: E731
    terms = spread(parts, present, factor)
    alone = []
    for arm in (0, 1):
        only = np.where(np.arange(2) == arm, present, False)
        alone.append((float((spread(parts, only, factor)[present[:, arm]] ** 2).sum()), int(present[:, arm].sum())))
    variance = float((terms**2).sum())
    either = int(present.any(axis=1).sum())
    welch = sum(v for v, _ in alone) ** 2 / sum(v**2 / (g - 1) for v, g in alone)
    return terms, variance, min(welch, either - 1)


def equality(of, t):
    """The approximate Hotelling test of Tipton and Pustejovsky, with the variance of each entry of the
    standardised matrix."""
    found = [jackknife(one(of, k), t, [k]) for k in range(len(STRATA))]
    values = np.array([one(of, k)(t.sum(axis=0)) for k in range(len(STRATA))])
    terms = np.array([its[0] for its in found])
    sigma = terms @ terms.T
    c = np.hstack([np.eye(2), -np.ones((2, 1))])
    omega = c @ sigma @ c.T
    root = linalg.inv(linalg.sqrtm(omega))
    wald = float((c @ values) @ linalg.inv(omega) @ (c @ values))
    q = 2
    entries = 0.0
    for s in range(q):
        for u in range(q):
            for k, (_, variance, degrees) in enumerate(found):
                g = root @ c[:, k]
                entries += 2 * variance**2 / degrees * g[s] ** 2 * g[u] ** 2
    clusters = int((np.abs(terms).sum(axis=0) > 0).sum())
    nu = min(q * (q + 1) / entries, clusters - 1)
    f = wald * (nu - q + 1) / (nu * q)
    return {"f": f, "degrees": nu - q + 1, "p": float(stats.f.sf(f, q, nu - q + 1))}


def case(name, seed):
    rows = world(seed, name)
    t = table(rows)
    everywhere = [0, 1, 2]
    out = {"name": name, "rows": rows, "values": []}
    for of in ["amplification_ratio", "difference", "odds_ratio"]:
        for kind, value, looks in [("topic", topics(of), everywhere), ("stratum", strata(of), [0, 2])]:
            out["values"].append({
                "of": of,
                "kind": kind,
                "working": float(value(t.sum(axis=0))),
                "delta": delta(value, t, looks),
                "jackknife": float(np.sqrt(jackknife(value, t, looks)[1])),
            })
    out["equality"] = [{"of": of, **equality(of, t)} for of in ["amplification_ratio", "difference"]]
    return out


made = {
    "source": f"numpy {np.__version__}, scipy {scipy.__version__}; make_contrasts.py",
    "cases": [case("nested", 1), case("shared", 2), case("crossed", 3)],
}
(HERE / "contrasts.json").write_text(json.dumps(made) + "\n")
