"""Golden values for the planning of clustered studies.

    pip install statsmodels==0.15.0 scipy==1.17.1 numpy==2.4.6 pandas==3.1.1
    python make_design.py > design.json

Intraclass correlation from the residual sums of squares of two least-squares fits (arms, clusters in
arms); linearised variance by numpy; detectable differences and powers by statsmodels' power classes,
with impressions divided by the design effect; Student quantiles by scipy.
"""

import json
import math

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats
from scipy.optimize import brentq
from statsmodels.stats.power import NormalIndPower, TTestIndPower

LEVEL, POWER = 0.95, 0.8
ALPHA = 1 - LEVEL


def rows(crossed, alike, seed):
    """Viewer, arm, topic or not."""
    rng = np.random.default_rng(seed)
    made = []
    for viewer in range(40):
        taste = rng.beta(2, 5) if alike else 0.3
        for arm in ("a", "b") if crossed else ("ab"[viewer % 2],):
            share = min(1, taste * (1.6 if arm == "a" else 1.0))
            for _ in range(int(rng.integers(1, 25))):
                made.append((f"v{viewer}", arm, int(rng.random() < share)))
    return made


def intraclass(frame):
    frame = frame.assign(cell=frame.arm + frame.viewer)
    arms = smf.ols("y ~ C(arm)", frame).fit()
    cells = smf.ols("y ~ C(cell)", frame).fit()
    between_degrees = arms.df_resid - cells.df_resid
    between = (arms.ssr - cells.ssr) / between_degrees
    within = cells.ssr / cells.df_resid
    sizes = frame.groupby(["arm", "cell"]).size()
    n0 = sum(n.sum() - (n**2).sum() / n.sum() for _, n in sizes.groupby("arm")) / between_degrees
    return (between - within) / (between + (n0 - 1) * within), sizes


def variances(frame, crossed):
    """Parts of the variance of log R, with the clusters of each."""
    table = frame.groupby(["viewer", "arm"]).y.agg(["sum", "size"]).unstack(fill_value=0)
    x, n = table["sum"], table["size"]
    by_arm = {arm: x[arm] / x[arm].sum() - n[arm] / n[arm].sum() for arm in "ab"}
    if crossed:
        h = by_arm["a"] - by_arm["b"]
        return [(len(h) / (len(h) - 1) * (h**2).sum(), len(h))]
    return [
        (len(h) / (len(h) - 1) * (h**2).sum(), len(h))
        for h in (by_arm[arm][n[arm] > 0] for arm in "ab")
    ]


def detectable(parts, clusters, student):
    scaled = [(v * g / c, c) for (v, g), c in zip(parts, clusters)]
    total = sum(v for v, _ in scaled)
    degrees = total**2 / sum(v**2 / (c - 1) for v, c in scaled)
    of = stats.t(degrees) if student else stats.norm
    effect = (of.ppf(1 - ALPHA / 2) + of.ppf(POWER)) * math.sqrt(total)
    power = of.cdf(math.log(1.4) / math.sqrt(total) - of.ppf(1 - ALPHA / 2))
    return {"effect": effect, "above": math.exp(effect), "power_at_1.4": power,
            "standard_error": math.sqrt(total), "degrees": degrees}


def needed(parts, truth, student):
    clusters = 2
    while True:
        if detectable(parts, [clusters] * len(parts), student)["effect"] <= math.log(truth):
            return clusters
        clusters += 1


def case(name, crossed, alike, seed):
    made = rows(crossed, alike, seed)
    frame = pd.DataFrame(made, columns=["viewer", "arm", "y"])
    rho, sizes = intraclass(frame)
    mean, variation = sizes.mean(), sizes.std(ddof=0) / sizes.mean()
    shares = frame.groupby("arm").y.mean()
    out = {"name": name, "crossed": crossed, "rows": made, "intraclass": rho, "mean": mean,
           "variation": variation, "designs": [], "textbook": [],
           "design_effect": 1 + (mean - 1) * max(rho, 0),
           "design_effect_unequal": 1 + ((variation**2 + 1) * mean - 1) * max(rho, 0),
           "share_a": shares["a"], "share_b": shares["b"]}
    parts = variances(frame, crossed)
    for a, b in ((20, 20), (80, 80), (400, 400)) if crossed else ((20, 20), (15, 60), (400, 100)):
        out["designs"].append({
            "clusters": [a, b],
            "normal": detectable(parts, (a, b)[: len(parts)], False),
            "student": detectable(parts, (a, b)[: len(parts)], True),
        })
    out["needed"] = [
        {"truth": truth, "normal": needed(parts, truth, False), "student": needed(parts, truth, True)}
        for truth in (1.2, 1.5, 3.0)
    ]
    for a, b, m in ((20, 20, None), (50, 10, 8.0), (300, 200, 1.0)):
        m_used = mean if m is None else m
        effect = 1 + (m_used - 1) * max(rho, 0)
        # Both arms' variances as one standard deviation, which is what a standardised effect needs.
        size_a, size_b = a * m_used / effect, b * m_used / effect
        pooled = math.sqrt(
            (shares["a"] * (1 - shares["a"]) / size_a + shares["b"] * (1 - shares["b"]) / size_b)
            / (1 / size_a + 1 / size_b)
        )
        # solve_power stops when the power is right to 2e-6; the same function, solved to the end.
        standardised = brentq(
            lambda effect: NormalIndPower().power(effect, size_a, ALPHA / 2, size_b / size_a, "larger") - POWER,
            1e-6, 10, xtol=1e-14, rtol=1e-14,
        )
        out["textbook"].append({"clusters": [a, b], "impressions": m,
                                "difference": standardised * pooled})
    return out


def noncentral():
    """Power of a two-sided t test of cluster means by the noncentral distribution, beside the
    shifted one: with a standard deviation of 1 the standard error is sqrt(2/G)."""
    made = []
    for clusters in (5, 8, 15, 40):
        for effect in (0.3, 0.8, 1.5):
            degrees, error = 2 * clusters - 2, math.sqrt(2 / clusters)
            shifted = stats.t.cdf(effect / error - stats.t.ppf(1 - ALPHA / 2, degrees), degrees)
            exact = TTestIndPower().power(effect, clusters, ALPHA)
            made.append({"degrees": degrees, "shifted": shifted, "noncentral": float(exact)})
    return made


golden = {
    "source": "statsmodels 0.15.0, scipy 1.17.1, pandas 3.1.1",
    "cases": [
        case("nested", False, True, 1),
        case("nested, not alike", False, False, 8),
        case("crossed", True, True, 3),
    ],
    "noncentral": noncentral(),
}
print(json.dumps(golden, default=float))
