"""Golden values from statsmodels: robust errors of ratio, odds ratio, difference and share.

    pip install numpy==2.* pandas statsmodels==0.15.0
    python make_statsmodels.py          # writes statsmodels.json beside this file

A share is a weighted mean of 0/1, so a generalised linear model with the right link has the
statistic as a coefficient: Poisson with log link the log ratio, binomial with logit link the log
odds ratio, Gaussian with identity link the difference. Its cluster-robust (sandwich) variance
without small-sample correction is the sum over clusters of squared influences.
"""
import json
import pathlib

import numpy as np
import pandas as pd
import statsmodels
import statsmodels.api as sm

HERE = pathlib.Path(__file__).resolve().parent
F = sm.families


def log(rng, crossed):
    """Rows of clusters of uneven size and differing taste; weights with three decimals."""
    rows = []
    for cluster in range(24):
        taste = rng.beta(2, 5)
        for arm in ("a", "b") if crossed else ("a" if cluster % 2 else "b",):
            for _ in range(rng.integers(3, 40)):
                p = min(0.95, taste * (1.4 if arm == "a" else 1.0))
                rows.append((f"c{cluster}", arm, int(rng.uniform() < p), round(rng.uniform(0.1, 3.0), 3)))
    return pd.DataFrame(rows, columns=["cluster", "arm", "topic", "weight"])


def fit(d, family, weighted, formula_arm=True):
    treated = (d.arm == "a").astype(float)
    x = np.column_stack([np.ones(len(d)), treated]) if formula_arm else np.ones((len(d), 1))
    weights = d.weight if weighted else np.ones(len(d))
    groups = d.cluster.astype("category").cat.codes
    model = sm.GLM(d.topic, x, family=family, var_weights=np.asarray(weights))
    result = model.fit(tol=1e-14, maxiter=200, cov_type="cluster",
                       cov_kwds=dict(groups=groups, use_correction=False))
    return dict(estimate=float(result.params.iloc[-1]), variance_uncorrected=float(result.bse.iloc[-1] ** 2))


def main():
    rng = np.random.default_rng(20241105)
    cases = []
    for crossed in (False, True):
        d = log(rng, crossed)
        for weighted in (False, True):
            only = d[d.arm == "a"]
            cases.append(dict(
                crossed=crossed, weighted=weighted, rows=d.values.tolist(),
                log_ratio=fit(d, F.Poisson(), weighted),
                log_odds_ratio=fit(d, F.Binomial(), weighted),
                difference=fit(d, F.Gaussian(), weighted),
                log_odds_of_share=fit(only, F.Binomial(), weighted, formula_arm=False)))
    out = dict(source=f"statsmodels {statsmodels.__version__}, GLM with cov_type='cluster', use_correction=False",
               columns=["cluster", "arm", "topic", "weight"], cases=cases)
    (HERE / "statsmodels.json").write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()
