"""Golden values for intervals by share bounds: numpy and scipy, from the sums of small and lopsided studies.

`python3 make_share_bounds.py > share_bounds.json`. Each case has the topic's and all mass of every cluster in either
arm, and the ends of the interval of the log ratio, the difference and the log odds ratio at three levels, in the plain and in
the refined form (`inference::ShareBounds` says what they are); the p-value against no amplification is found by bisection.
"""
import itertools
import json

import numpy as np
from scipy import optimize, stats

SCALES = {"log_ratio": np.log, "difference": lambda p: p * 1.0, "odds_ratio": lambda p: np.log(p / (1 - p))}


def effective(weights):
    return weights.sum() ** 2 / max((weights**2).sum(), 1e-300)


def residuals(x, n):
    e = x - x.sum() / n.sum() * n
    e[np.abs(e) < 1e-12 * (x + n)] = 0
    return e


def arm(x, n, m, form, alpha):
    """Bounds of a share."""
    here = n > 0
    x, n = x[here], n[here]
    clusters, share, e = len(n), x.sum() / n.sum(), residuals(x, n)
    linear = clusters / (clusters - 1) * (e**2).sum() / n.sum() ** 2
    out = (x.sum() - x) / (n.sum() - n)
    variance = max(linear, (clusters - 1) / clusters * ((out - out.mean()) ** 2).sum())
    degrees = min(clusters - 1, 3 * effective(e**2) - 1)
    still, least = clusters, 0
    if form == "refined":
        still = least = effective(n)
        degrees = min(degrees, 2 * still - 1)
    size = still
    if 0 < share < 1 and variance > 0:
        t = stats.t.isf(alpha / 2, [m - 1, max(degrees, 1)])
        size = max(min(share * (1 - share) / variance, m) * (t[0] / t[1]) ** 2, least)
    low = stats.beta.ppf(alpha / 2, share * size, size - share * size + 1) if share > 0 else 0
    high = stats.beta.isf(alpha / 2, share * size + 1, size - share * size) if share < 1 else 1
    return share, low, high


def correlation(xa, na, xb, nb, form):
    a, b = residuals(xa, na), residuals(xb, nb)
    whole = np.sqrt((a**2).sum() * (b**2).sum())
    both = (na > 0) & (nb > 0)
    if form == "refined" and not a.any() and not b.any():
        return -np.sqrt(na[both].sum() / na.sum() * nb[both].sum() / nb.sum())
    a, b = a[both], b[both]
    part = np.sqrt((a**2).sum() * (b**2).sum())
    if whole == 0 or part == 0:
        return 0.0
    if form == "plain":
        return (a * b).sum() / whole
    r = (a * b).sum() / part
    number = max(1, min(len(a), 3 * effective(a**2), 3 * effective(b**2)))
    r -= (1 - r * r) / (4 * np.sqrt(number))
    if r > 0:
        carriers = min(effective(mass[both]) for mass in (xa, na - xa, xb, nb - xb))
        r *= max(0, 1 - (2 / max(1, carriers)) ** 2)
    return max(-1, part / whole * r)


def ends(columns, impressions, scale, form, alpha):
    xa, na, xb, nb = columns
    (pa, la, ha), (pb, lb, hb) = arm(xa, na, impressions[0], form, alpha), arm(xb, nb, impressions[1], form, alpha)
    r = correlation(xa, na, xb, nb, form)
    with np.errstate(divide="ignore"):
        ga, gla, gha, gb, glb, ghb = (float(scale(np.float64(p))) for p in (pa, la, ha, pb, lb, hb))
    value = ga - gb
    if not np.isfinite(value):
        return one_sided((ga, gla, gha), (gb, glb, ghb), r)
    span = lambda u, v: np.sqrt(max(u * u + v * v - 2 * r * u * v, 0))
    return value - span(ga - gla, ghb - gb), value + span(gha - ga, gb - glb)


def one_sided(a, b, r):
    """Where a term is infinite: theta = A/B with A = 0 is at most that for which A - theta B has an upper bound of 0.

    That bound's squares, u_A^2 + (theta (B - l_B))^2 - (theta B)^2, are put together first, since l_B may be tiny.
    """

    def upper(zero_high, other, other_low):
        if np.isinf(other):
            return float(np.log(zero_high) - np.log(other_low))

        def bound(t):
            crossed = 2 * r * zero_high * t * (other - other_low)
            return zero_high**2 - t * t * other_low * (2 * other - other_low) - crossed

        root = optimize.brentq(bound, 0, 1e12, xtol=1e-300, rtol=1e-14)
        return float(np.log(root))

    if a[0] == -np.inf:
        return None, upper(np.exp(a[2]), np.exp(b[0]), np.exp(b[1]))
    if b[0] == -np.inf:
        return -upper(np.exp(b[2]), np.exp(a[0]), np.exp(a[1])), None
    if b[0] == np.inf:
        return None, upper(np.exp(-b[1]), np.exp(-a[0]), np.exp(-a[2]))
    return -upper(np.exp(-a[1]), np.exp(-b[0]), np.exp(-b[2])), None


def leanings(xa, na, xb, nb):
    """What each cluster adds to the difference of the shares, about the mean of both."""
    middle = (xa.sum() / na.sum() + xb.sum() / nb.sum()) / 2
    return (xa - middle * na) / na.sum() - (xb - middle * nb) / nb.sum()


def least_p(columns, form):
    """How often coins that turn clusters of both arms round leave as much, or Welch's test of the others."""
    xa, na, xb, nb = columns
    ma, mb = na / na.sum(), nb / nb.sum()
    both = np.minimum(ma, mb) >= 0.1 * np.maximum(ma, mb)
    if form == "plain" or not both.any() or effective(leanings(*columns) ** 2) >= 12:
        return 0
    mass = (ma + mb)[both]
    ordered = np.sort(mass)[::-1]
    before = np.concatenate([[0], np.cumsum(ordered)[:-1]])
    both[both] = mass >= ordered[before < 0.95 * mass.sum()].min()
    e = leanings(*(column[both] for column in columns))
    e = e[np.argsort(-np.abs(e), kind="stable")]
    signs = np.array(list(itertools.product([1, -1], repeat=min(len(e), 12))))
    sums, spread = signs @ e[:12], np.sqrt((e[12:] ** 2).sum())
    seen = abs(e.sum()) * (1 - 1e-9)
    if spread > 0:
        coins = (stats.norm.sf(seen, sums, spread) + stats.norm.cdf(-seen, sums, spread)).mean()
    else:
        coins = (np.abs(sums) >= seen).mean()
    one = np.minimum(ma, mb) < 0.1 * np.maximum(ma, mb)
    others = welch(xa, na, one & (ma > mb), xb, nb, one & (mb > ma), xa.sum() / na.sum() - xb.sum() / nb.sum())
    return min(coins, 1, others if (ma + mb)[one].sum() / 2 > 0.05 else 1)


def welch(xa, na, in_a, xb, nb, in_b, seen):
    """By ratio estimators of shares in either arm, with the chance of two coins as the least."""
    a, b = in_a.sum(), in_b.sum()
    if min(a, b) < 2:
        return 1
    shares, variances = [], []
    for x, n in ((xa[in_a], na[in_a]), (xb[in_b], nb[in_b])):
        shares.append(x.sum() / n.sum())
        variances.append(len(x) * np.var((x - shares[-1] * n) / n.sum(), ddof=1))
    if (shares[0] - shares[1]) * seen <= 0:
        return 1
    coins = 2 * (a / (a + b)) ** a * (b / (a + b)) ** b
    if sum(variances) == 0:
        return coins
    degrees = sum(variances) ** 2 / (variances[0] ** 2 / (a - 1) + variances[1] ** 2 / (b - 1))
    return max(coins, 2 * stats.t.sf(abs(shares[0] - shares[1]) / np.sqrt(sum(variances)), degrees))


def reaching(columns, form, alpha, found):
    """Ends that reach to the null, which is 0 on all three scales, where nothing can be found."""
    low, high = found
    if alpha >= least_p(columns, form):
        return low, high
    return None if low is None else min(low, 0), None if high is None else max(high, 0)


def p_value(columns, impressions, scale, form):
    def clear(log_alpha):
        low, high = ends(columns, impressions, scale, form, np.exp(log_alpha))
        return max(-np.inf if low is None else low, -np.inf if high is None else -high)

    if clear(-1e-5) <= 0:
        return 1.0
    least = -0.5
    while clear(least) > 0:
        least *= 1.2
    return float(np.exp(optimize.brentq(clear, least, -1e-5, xtol=1e-13)))


def cases():
    rng = np.random.default_rng(20)
    row = lambda *v: np.array(v, float)
    yield "nested", [row(3, 5, 2, 8, 0, 0, 0), row(20, 20, 25, 30, 0, 0, 0), row(0, 0, 0, 0, 1, 4, 2), row(0, 0, 0, 0, 20, 22, 40)]
    yield "partly crossed", [row(3, 5, 2, 8, 0, 0), row(20, 20, 25, 30, 0, 0), row(0, 0, 1, 3, 4, 2), row(0, 0, 10, 12, 22, 40)]
    yield "crossed", [row(3, 5, 2, 8, 1), row(20, 20, 25, 30, 10), row(2, 4, 1, 6, 0), row(18, 20, 20, 30, 8)]
    yield "crossed, against each other", [row(1, 9, 2, 8, 5), row(20, 20, 25, 30, 10), row(9, 1, 8, 1, 0), row(18, 20, 20, 30, 8)]
    yield "half of the mass", [row(60, 5, 2, 8, 3, 0, 0, 0, 0), row(200, 50, 50, 50, 50, 0, 0, 0, 0), row(0, 0, 0, 0, 0, 7, 9, 3, 8), row(0, 0, 0, 0, 0, 50, 50, 50, 50)]
    yield "all in the baseline", [row(17, 14, 20, 0, 0, 0), row(20, 20, 20, 0, 0, 0), row(0, 0, 0, 10, 10, 10), row(0, 0, 0, 10, 10, 10)]
    yield "none in the baseline", [row(7, 4, 9, 0, 0, 0), row(20, 20, 20, 0, 0, 0), row(0, 0, 0, 0, 0, 0), row(0, 0, 0, 10, 30, 10)]
    yield "none in the treatment", [row(0, 0, 0, 0, 0, 0), row(20, 20, 50, 0, 0, 0), row(0, 0, 0, 4, 9, 2), row(0, 0, 0, 10, 30, 10)]
    yield "one cluster shows it", [row(6, 0, 0, 0, 0, 0), row(20, 20, 50, 0, 0, 0), row(0, 0, 0, 4, 9, 2), row(0, 0, 0, 10, 30, 10)]
    yield "the same in every cluster", [row(5, 10, 5, 0, 0, 0), row(10, 20, 10, 0, 0, 0), row(0, 0, 0, 4, 9, 2), row(0, 0, 0, 10, 30, 10)]
    yield "all against none in the same clusters", [row(9, 12, 9, 20, 7), row(9, 12, 9, 20, 7), row(0, 0, 0, 0, 0), row(8, 14, 9, 30, 5)]
    yield "one stray impression in three clusters", [row(20, 20, 19), row(20, 20, 20), row(0, 0, 0), row(20, 20, 20)]
    yield "all against none, some in both", [row(9, 12, 9, 20, 0, 0), row(9, 12, 9, 20, 0, 0), row(0, 0, 0, 0, 0, 0), row(0, 0, 8, 30, 5, 9)]
    # Few clusters lean one way; stray impressions beside them, in both arms and in one.
    strays = np.arange(30)
    yield "three and thirty strays in both arms", [np.r_[190, 200, 185, strays % 2], np.r_[[200.0] * 3, [1.0] * 30], np.r_[6, 0, 9, strays % 3 == 0].astype(float), np.r_[[200.0] * 3, [1.0] * 30]]
    left = strays < 12
    yield "three and thirty strays in one arm", [np.r_[190, 200, 185, left & (strays % 2 == 0)].astype(float), np.r_[[200.0] * 3, left * 1.0], np.r_[6, 0, 9, ~left & (strays % 3 == 0)].astype(float), np.r_[[200.0] * 3, ~left * 1.0]]
    yield "two, and four against five alone", [row(30, 28, 12, 15, 11, 14, 0, 0, 0, 0, 0), row(60, 50, 20, 22, 20, 20, 0, 0, 0, 0, 0), row(33, 20, 0, 0, 0, 0, 3, 5, 2, 4, 3), row(60, 50, 0, 0, 0, 0, 22, 20, 20, 24, 20)]
    yield "eight, seven one way", [row(9, 8, 10, 7, 9, 4, 12, 3), row(20, 20, 25, 20, 20, 20, 30, 20), row(3, 2, 5, 4, 4, 2, 6, 5), row(22, 20, 20, 25, 20, 18, 30, 20)]
    yield "one stray in the other arm", [row(3, 5, 2, 8, 0, 0, 0), row(20, 20, 25, 30, 0, 0, 0), row(1, 0, 0, 0, 12, 15, 22), row(1, 0, 0, 0, 20, 22, 40)]
    n = np.ceil(30 * np.exp(rng.normal(size=240)))
    x = rng.binomial(n.astype(int), rng.beta(1, 9, 240)).astype(float)
    here = np.arange(240) < 40
    yield "40 against 200", [np.where(here, x, 0), np.where(here, n, 0), np.where(here, 0, x), np.where(here, 0, n)]


def main():
    found = []
    for name, columns in cases():
        impressions = [int(columns[1].sum()), int(columns[3].sum())]
        for statistic, scale in SCALES.items():
            for form in ("plain", "refined"):
                at = {str(level): reaching(columns, form, 1 - level, ends(columns, impressions, scale, form, 1 - level)) for level in (0.8, 0.95, 0.99)}
                found.append({"case": name, "statistic": statistic, "form": form, "ends": at, "p": max(p_value(columns, impressions, scale, form), least_p(columns, form))})
    print(json.dumps({"cases": [{"name": name, "columns": [c.tolist() for c in columns]} for name, columns in cases()], "found": found}))


if __name__ == "__main__":
    main()
