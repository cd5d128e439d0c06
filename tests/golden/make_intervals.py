"""Golden values of intervals and tests, made without the library.

    python make_intervals.py > intervals.json

Python 3.11; numpy 2.4.6, scipy 1.17.1, statsmodels 0.15.0, astropy 8.0.2, arch 8.0.0, wildboottest
0.3.2 (with numba 0.68.1, pandas 3.1.1). The Poisson weights are those that `make_bootstrap.py`
writes out from the paper on Philox. All weights of impressions are multiples of a quarter, so that
sums are exact.
"""

import json
import math
import warnings

import numpy as np
import statsmodels.api as sm
from arch.bootstrap import IIDBootstrap
from astropy.stats import jackknife_stats
from scipy import stats
from statsmodels.stats.sandwich_covariance import cov_cluster, cov_cluster_2groups
from statsmodels.stats.weightstats import ttost_ind, ttost_paired
from wildboottest.wildboottest import WildboottestCL

import make_bootstrap

TOPICS = ["war", "sport", "trade", ""]
WEEKS = 9


def study(seed, arms, impressions, skew):
    """Rows of viewer, arm, topic, weight, week; `arms` says which arms each viewer sees."""
    rng = np.random.default_rng(seed)
    made = []
    for viewer, seen in enumerate(arms):
        tastes = rng.dirichlet([0.9, 1.2, 0.8, 2.0])
        for n in range(int(impressions * rng.uniform(0.4, 1.6) ** skew) + 2 * len(seen)):
            arm = seen[n % len(seen)]
            chances = tastes * np.array([1.6 if arm == "a" else 1.0, 1.0, 0.8, 1.0])
            topic = rng.choice(TOPICS, p=chances / chances.sum())
            week = f"w{rng.integers(WEEKS)}"
            made.append((f"v{viewer}", arm, str(topic), float(rng.integers(1, 9)) / 4, week))
    return made


DATA = {
    "few_nested": study(11, ["a"] * 4 + ["b"] * 4, 14, 1),
    "few_crossed": study(12, ["ab"] * 8, 24, 1),
    "nested": study(13, ["a"] * 24 + ["b"] * 36, 9, 1),
    "crossed": study(14, ["ab"] * 40, 16, 1),
    "mixed": [(*row[:3], 1.0, "w0") for row in make_bootstrap.rows()],
}


class Clusters:
    """By viewer, the sums of the topic and of all impressions in both arms."""

    def __init__(self, rows, topic="war", weighed=False, unit="pooled"):
        self.names = sorted({row[0] for row in rows})
        at = {name: number for number, name in enumerate(self.names)}
        self.sums = np.zeros((len(at), 4))
        for viewer, arm, its, weight, _ in rows:
            mass, side = weight if weighed else 1.0, 0 if arm == "a" else 2
            self.sums[at[viewer], side + 1] += mass
            self.sums[at[viewer], side] += mass * (its == topic)
        inside = self.sums[:, [1, 3]] > 0
        if unit == "cluster_mean":
            for side in (0, 1):
                seen = inside[:, side]
                self.sums[seen, 2 * side] /= self.sums[seen, 2 * side + 1]
                self.sums[seen, 2 * side + 1] = 1.0
        self.inside = inside
        # Partly crossed clusters are neither one group nor two.
        self.partly = inside.all(axis=1).any() and not inside.all()
        if inside.all(axis=1).any():
            self.groups = [np.arange(len(at))]
        else:
            self.groups = [np.flatnonzero(inside[:, side]) for side in (0, 1)]


def partly_crossed(scores, inside, factors, weights):
    """f_A sum a^2 + f_B sum b^2 + 2 sqrt(f_A f_B) sum a b around the arms' means, and the arms' parts of it."""
    off = np.zeros_like(scores)
    for side in (0, 1):
        members = inside[:, side]
        mean = np.average(scores[members, side], weights=weights[members])
        off[members, side] = scores[members, side] - mean
    alone = factors * (weights[:, None] * off**2).sum(axis=0)
    both = inside.all(axis=1)
    cross = 2 * np.sqrt(factors.prod()) * (weights[both] * off[both, 0] * off[both, 1]).sum()
    return alone.sum() + cross, alone


def by_arm(clusters, slopes):
    return np.column_stack([clusters.sums[:, side : side + 2] @ slopes[side : side + 2] for side in (0, 2)])


def value(totals, statistic):
    """Of totals in the last axis: topic and all in a, topic and all in b."""
    a, b = totals[..., 0] / totals[..., 1], totals[..., 2] / totals[..., 3]
    return np.log(a / b) if statistic == "log_ratio" else a - b


def gradient(totals, statistic):
    topic_a, all_a, topic_b, all_b = totals
    if statistic == "log_ratio":
        return np.array([1 / topic_a, -1 / all_a, -1 / topic_b, 1 / all_b])
    return np.array([1 / all_a, -topic_a / all_a**2, -1 / all_b, topic_b / all_b**2])


def delta_error(clusters, statistic, weights=None):
    """The cluster-robust standard error with clusters counting so often, by expanding them."""
    weights = np.ones(len(clusters.names), int) if weights is None else weights
    sums = clusters.sums
    slopes = gradient(weights @ sums, statistic)
    if clusters.partly:
        sizes = weights @ clusters.inside
        scores = by_arm(clusters, slopes)
        return math.sqrt(partly_crossed(scores, clusters.inside, sizes / (sizes - 1), weights)[0])
    influence = sums @ slopes
    total = 0.0
    for group in clusters.groups:
        expanded = np.repeat(influence[group], weights[group])
        total += len(expanded) * np.var(expanded, ddof=1)
    return math.sqrt(total)


def acceleration(clusters, statistic):
    slopes = gradient(clusters.sums.sum(axis=0), statistic)
    influence = clusters.sums @ slopes
    centred = np.concatenate([influence[g] - influence[g].mean() for g in clusters.groups])
    if clusters.partly:
        # Each arm's part around its mean; both are 0 here, since these are functions of shares.
        centred = by_arm(clusters, slopes).sum(axis=1)
    return float((centred**3).sum() / (6 * (centred**2).sum() ** 1.5))


def poisson(clusters, seed, replicates):
    weights = [
        [make_bootstrap.weight(seed, name, replicate) for name in clusters.names]
        for replicate in range(replicates)
    ]
    return np.array(weights)


def left_out(clusters, statistic):
    """The jackknife of partly crossed clusters: each arm's part of a cluster left out by itself."""
    whole = clusters.sums.sum(axis=0)
    scores = np.zeros((len(clusters.names), 2))
    for side in (0, 1):
        for at in np.flatnonzero(clusters.inside[:, side]):
            rest = whole.copy()
            rest[2 * side : 2 * side + 2] -= clusters.sums[at, 2 * side : 2 * side + 2]
            scores[at, side] = value(rest, statistic)
    sizes = clusters.inside.sum(axis=0)
    weights = np.ones(len(scores))
    variance, alone = partly_crossed(scores, clusters.inside, (sizes - 1) / sizes, weights)
    degrees = alone.sum() ** 2 / (alone**2 / (sizes - 1)).sum()
    return variance, min(degrees, len(scores) - 1)


def jackknife():
    cases = []
    for name in DATA:
        for statistic in ("log_ratio", "difference"):
            for unit in ("pooled", "cluster_mean"):
                for weighed in (False, True):
                    clusters = Clusters(DATA[name], "war", weighed, unit)
                    parts, free = [], []
                    for group in clusters.groups:
                        others = np.setdiff1d(np.arange(len(clusters.names)), group)

                        def of(chosen, others=others, clusters=clusters):
                            rows = np.concatenate([chosen.astype(int), others])
                            return value(clusters.sums[rows].sum(axis=0), statistic)

                        found = jackknife_stats(group.astype(float), of, 0.95)
                        parts.append(float(found[2]) ** 2)
                        free.append(len(group) - 1)
                    variance = sum(parts)
                    degrees = variance**2 / sum(v * v / f for v, f in zip(parts, free))
                    if clusters.partly:
                        variance, degrees = left_out(clusters, statistic)
                    at = float(value(clusters.sums.sum(axis=0), statistic))
                    reach = stats.t.ppf(0.975, degrees) * math.sqrt(variance)
                    cases.append(
                        {
                            "data": name,
                            "statistic": statistic,
                            "unit": unit,
                            "weighed": weighed,
                            "standard_error": math.sqrt(variance),
                            "degrees": degrees,
                            "low": at - reach,
                            "high": at + reach,
                        }
                    )
    return cases


def bca(values, at, by, level):
    below = (np.sum(values < at) + np.sum(values <= at)) / 2 / len(values)
    bias = stats.norm.ppf(below)
    z = stats.norm.ppf([(1 - level) / 2, (1 + level) / 2]) + bias
    ends = np.quantile(values, stats.norm.cdf(bias + z / (1 - by * z)), method="linear")
    return {"low": ends[0], "high": ends[1], "bias": bias, "acceleration": by}


def on_poisson_weights():
    """BCa and studentised intervals on the weights of the library, made anew."""
    cases = []
    for seed, replicates in ((0, 400), (7 << 40 | 11, 300)):
        for name in ("nested", "crossed", "mixed"):
            weights = poisson(Clusters(DATA[name]), seed, replicates)
            for statistic in ("log_ratio", "difference"):
                for unit in ("pooled", "cluster_mean"):
                    for weighed in (False, True):
                        clusters = Clusters(DATA[name], "war", weighed, unit)
                        values = value(weights @ clusters.sums, statistic)
                        assert np.isfinite(values).all()
                        at = float(value(clusters.sums.sum(axis=0), statistic))
                        errors = [delta_error(clusters, statistic, row) for row in weights]
                        t = (values - at) / np.array(errors)
                        low, high = np.quantile(t, [0.05, 0.95])
                        error = delta_error(clusters, statistic)
                        by = acceleration(clusters, statistic)
                        cases.append(
                            {
                                "seed": seed,
                                "replicates": replicates,
                                "data": name,
                                "statistic": statistic,
                                "unit": unit,
                                "weighed": weighed,
                                "bca": bca(values, at, by, 0.9),
                                "studentised": {
                                    "low": at - high * error,
                                    "high": at - low * error,
                                    "standard_error": error,
                                },
                            }
                        )
    return cases


def by_scipy():
    """scipy's bootstrap and arch's studentised one, which draw clusters with replacement."""
    cases = []
    for name in ("nested", "crossed"):
        for statistic in ("log_ratio", "difference"):
            clusters = Clusters(DATA[name])

            def of(*chosen, axis=-1, clusters=clusters):
                sums = [clusters.sums[np.asarray(rows, int)] for rows in chosen]
                return value(sum(rows.sum(axis=axis - 1) for rows in sums), statistic)

            case = {"data": name, "statistic": statistic, "error": delta_error(clusters, statistic)}
            for method in ("percentile", "basic", "BCa"):
                found = stats.bootstrap(
                    tuple(clusters.groups),
                    of,
                    n_resamples=100_000,
                    batch=2_000,
                    vectorized=True,
                    axis=-1,
                    confidence_level=0.9,
                    method=method,
                    rng=np.random.default_rng(5),
                )
                ends = found.confidence_interval
                case[method] = [float(ends.low), float(ends.high)]
            if name == "crossed":
                whole = Clusters(DATA[name])

                def estimate(rows):
                    return np.array([value(rows.sum(axis=0), statistic)])

                def error(params, rows):
                    h = rows @ gradient(rows.sum(axis=0), statistic)
                    return np.array([math.sqrt(len(h) * np.var(h, ddof=1))])

                drawn = IIDBootstrap(whole.sums, seed=np.random.default_rng(6))
                ends = drawn.conf_int(
                    estimate, 20_000, method="studentized", size=0.9, std_err_func=error
                )
                case["studentised"] = [float(ends[0, 0]), float(ends[1, 0])]
            cases.append(case)
    return cases


def regression(rows, topic="war"):
    y = np.array([float(row[2] == topic) for row in rows])
    x = np.column_stack([np.ones(len(rows)), [float(row[1] == "a") for row in rows]])
    return y, x


def numbered(names):
    return np.unique(names, return_inverse=True)[1]


def wild_of(y, x, clusters, impose_null, kind="rademacher", draws=2_000):
    wild = WildboottestCL(
        X=x, Y=y, cluster=clusters, bootcluster=clusters, R=np.array([0.0, 1.0]), B=draws, seed=3
    )
    wild.parallel = False
    wild.get_scores(bootstrap_type="11", impose_null=impose_null)
    wild.get_weights(weights_type=kind)
    wild.get_numer()
    wild.get_denom()
    wild.get_tboot()
    wild.get_vcov()
    wild.get_tstat()
    wild.get_pvalue()
    return wild


def at_least(wild):
    """Ties count, which the package's own p-value leaves to rounding."""
    least = abs(float(wild.t_stat)) * (1 - 1e-10)
    return float(np.mean(np.abs(wild.t_boot) >= least))


def wild():
    cases = []
    for name in ("few_nested", "few_crossed"):
        for topic in TOPICS[:3]:
            y, x = regression(DATA[name], topic)
            clusters = numbered([row[0] for row in DATA[name]])
            restricted, free = wild_of(y, x, clusters, True), wild_of(y, x, clusters, False)
            webb = wild_of(y, x, clusters, True, "webb", 20_000)
            stretch = np.quantile(np.abs(free.t_boot), 0.9)
            reach = float(stretch * abs(free.beta_hat[1] / free.t_stat))
            cases.append(
                {
                    "data": name,
                    "topic": topic,
                    "all": len(restricted.t_boot),
                    "difference": float(free.beta_hat[1]),
                    "p": at_least(restricted),
                    "p_of_package": float(restricted.pvalue),
                    "p_webb": at_least(webb),
                    "stretch": float(stretch),
                    # The small-sample factor of the package stands above and below the line.
                    "reach": reach,
                    "t": float(free.t_stat),
                }
            )
    return cases


def wild_size():
    """Studies of 4 and 4 clusters without any difference: the package's p-values."""
    rng = np.random.default_rng(21)
    studies = []
    while len(studies) < 200:
        sizes = rng.integers(5, 40, 8)
        shares = rng.beta(2, 3, 8)
        topic = rng.binomial(sizes, shares)
        y = np.concatenate([[1.0] * t + [0.0] * (n - t) for t, n in zip(topic, sizes)])
        clusters = np.repeat(np.arange(8), sizes)
        x = np.column_stack([np.ones(len(y)), (clusters < 4).astype(float)])
        p = at_least(wild_of(y, x, clusters, True))
        studies.append({"topic": topic.tolist(), "all": sizes.tolist(), "p": p})
    return studies


def two_way_of(rows, weighed):
    """The variance of the difference of shares, from statsmodels' parts, times our factors."""
    y, x = regression(rows)
    weights = np.array([row[3] if weighed else 1.0 for row in rows])
    fit = sm.WLS(y, x, weights=weights).fit()
    ways = [numbered([row[at] for row in rows]) for at in (0, 4)]
    ways.append(numbered([row[0] + " " + row[4] for row in rows]))
    both, first, second = cov_cluster_2groups(fit, ways[0], ways[1], use_correction=False)
    pairs = first + second - both
    in_a = x[:, 1] > 0
    parts, free = [], []
    for way, whole in zip(ways, (first, second, pairs)):
        arms = [np.unique(way[in_a]), np.unique(way[~in_a])]
        variances, factors = [], []
        for inside, names in zip((in_a, ~in_a), arms):
            alone = sm.WLS(y[inside], x[inside, :1], weights=weights[inside]).fit()
            part = cov_cluster(alone, numbered(way[inside]), use_correction=False)[0, 0]
            factors.append(len(names) / (len(names) - 1))
            variances.append((part * factors[-1], len(names) - 1))
        # What statsmodels has of both arms together beyond each alone is what they share.
        alone = sum(v / f for (v, _), f in zip(variances, factors))
        shared = whole[1, 1] - alone if len(np.intersect1d(*arms)) else 0.0
        variance = sum(v for v, _ in variances) + math.sqrt(math.prod(factors)) * shared
        parts.append(variance)
        welch = sum(v for v, _ in variances) ** 2 / sum(v * v / f for v, f in variances)
        free.append(min(len(np.unique(way)) - 1, welch))
    variance = parts[0] + parts[1] - parts[2]
    floored = bool(variance <= 0)
    variance = max(parts[:2]) if floored else variance
    degrees = min(free[:2])
    return {
        "difference": float(fit.params[1]),
        "standard_error": math.sqrt(variance),
        "degrees": degrees,
        "reach": float(stats.t.ppf(0.975, degrees)) * math.sqrt(variance),
        "floored": floored,
    }


def chequered():
    """Every viewer and every week sees nearly the same share; their pairs are all or nothing."""
    made = []
    for arm in "ab":
        for viewer in range(6):
            for week in range(6):
                topic = "war" if (viewer + week + (arm == "b")) % 2 == 0 else ""
                if (viewer, week) in ((1, 2), (4, 0)):
                    topic = "war"
                made += [(f"{arm}{viewer}", arm, topic, 1.0, f"w{week}")] * 3
    return made


CHEQUERED = {"chequered": chequered()}


def two_way():
    cases, data = [], DATA | CHEQUERED
    for name in ("nested", "crossed", "few_crossed", "chequered"):
        for weighed in (False, True):
            cases.append({"data": name, "weighed": weighed} | two_way_of(data[name], weighed))
    assert [case["floored"] for case in cases] == [False] * 6 + [True] * 2, cases
    return cases


def classic_tests():
    cases = []
    for name in ("few_nested", "few_crossed", "nested", "crossed"):
        sums = Clusters(DATA[name], unit="cluster_mean").sums
        a, b = (sums[sums[:, side + 1] > 0, side] for side in (0, 2))
        paired = "crossed" in name
        test = stats.ttest_rel(a, b) if paired else stats.ttest_ind(a, b, equal_var=False)
        case = {
            "data": name,
            "t": float(test.statistic),
            "degrees": float(test.df),
            "p": float(test.pvalue),
            "margins": [],
        }
        for low, high in ((-0.1, 0.1), (-0.02, 0.3), (0.05, 0.4), (-0.5, 0.5)):
            if paired:
                p = ttost_paired(a, b, low, high)[0]
            else:
                p = ttost_ind(a, b, low, high, usevar="unequal")[0]
            case["margins"].append({"low": low, "high": high, "p": float(p)})
        cases.append(case)
    return cases


def simultaneous():
    cases = []
    for name, seed, replicates in (("nested", 3, 500), ("crossed", 4, 400), ("mixed", 5, 300)):
        topics = TOPICS[:3] if name != "mixed" else ["war"]
        weights = poisson(Clusters(DATA[name]), seed, replicates)
        for statistic in ("log_ratio", "difference"):
            at, error, same, each = [], [], [], []
            for topic in topics:
                clusters = Clusters(DATA[name], topic)
                values = value(weights @ clusters.sums, statistic)
                assert np.isfinite(values).all()
                at.append(float(value(clusters.sums.sum(axis=0), statistic)))
                error.append(delta_error(clusters, statistic))
                same.append(np.abs(values - at[-1]) / error[-1])
                own = [delta_error(clusters, statistic, row) for row in weights]
                each.append(np.abs(values - at[-1]) / np.array(own))
            case = {
                "data": name,
                "seed": seed,
                "replicates": replicates,
                "statistic": statistic,
                "topics": topics,
                "at": at,
                "standard_error": error,
            }
            t = np.abs(at) / np.array(error)
            for which, distances in (("same", np.array(same)), ("each", np.array(each))):
                order, p, before = np.argsort(-t), {}, 0.0
                for rank, member in enumerate(order):
                    most = distances[order[rank:]].max(axis=0)
                    before = max(before, (1 + np.sum(most >= t[member])) / (1 + replicates))
                    p[int(member)] = float(before)
                case[which] = {
                    "critical": float(np.quantile(distances.max(axis=0), 0.95)),
                    "p": [p[member] for member in range(len(topics))],
                }
            cases.append(case)
    return cases


def main():
    warnings.simplefilter("ignore", RuntimeWarning)
    golden = {
        "data": DATA | CHEQUERED,
        "two_way": two_way(),
        "jackknife": jackknife(),
        "on_poisson_weights": on_poisson_weights(),
        "by_scipy": by_scipy(),
        "wild": wild(),
        "wild_size": wild_size(),
        "tests": classic_tests(),
        "simultaneous": simultaneous(),
    }
    print("{" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in golden.items()) + "}")


if __name__ == "__main__":
    main()
