"""Golden values for shares that labels by hand correct.

    pip install numpy scipy scikit-learn krippendorff
    python make_labels.py             # writes labels.json beside this file

Each corrected share is written down as a function of the weights of clusters, and differentiated by complex steps; how
much predictions count is found by minimising the variance of the contrast with scipy. Nothing here knows of the
linearisations that the library has. Agreement is scikit-learn's kappa, each row as heavy as the rows that it stands for,
and the package krippendorff's alpha of the rows that were labelled.
"""
import json
import pathlib

import krippendorff
import numpy as np
from scipy.optimize import minimize
from sklearn.metrics import cohen_kappa_score, recall_score

HERE = pathlib.Path(__file__).resolve().parent


def rows(seed, viewers, crossed, weighed, sensitivity, false_alarm):
    """Viewer, whether it is the treatment, predicted, by hand (-1 where nobody looked), chance in 64ths, weight in
    sixteenths."""
    rng = np.random.default_rng(seed)
    made = []
    for viewer in range(viewers):
        liking = rng.beta(2, 6)
        for arm in (0, 1) if crossed else (viewer % 2,):
            for _ in range(int(rng.geometric(1 / 25))):
                true = int(rng.random() < min(1.0, liking * (1.3 if arm else 1.0)))
                predicted = int(rng.random() < (sensitivity if true else false_alarm[arm]))
                chance = 40 if predicted else 16
                looked = rng.random() < chance / 64
                weight = int(rng.integers(1, 64)) if weighed else 16
                made.append([viewer, arm, predicted, true if looked else -1, chance, weight])
    return made


def sums(made, mean):
    """By arm, columns over clusters: predicted, all; and of what was labelled predicted, by hand, both, all."""
    data = np.array(made, dtype=float)
    viewers = np.unique(data[:, 0])
    arms = []
    for arm in (1, 0):
        of = data[data[:, 1] == arm]
        at = np.searchsorted(viewers, of[:, 0])
        weight = of[:, 5] / 16
        looked = of[:, 3] >= 0
        heavy = np.where(looked, weight / (of[:, 4] / 64), 0.0)
        found = np.where(looked, of[:, 3], 0.0)
        add = lambda value: np.bincount(at, value, len(viewers))
        n = add(weight)
        columns = [add(weight * of[:, 2]), n] + [add(heavy * x) for x in (of[:, 2], found, of[:, 2] * found, 1.0)]
        if mean:
            here = n > 0
            columns = [np.divide(c, n, out=np.zeros_like(c), where=here) for c in columns]
            columns[1] = here.astype(float)
        arms.append(columns)
    return arms


def share(columns, weights, correction, count):
    f, n, fl, y, both, every = [weights @ column for column in columns]
    predicted = f / n
    if correction == "rogan_gladen":
        right, wrong = both / y, (fl - both) / (every - y)
        return (predicted - wrong) / (right - wrong)
    return y / every + count * (predicted - fl / every)


def influences(arms, correction, counts, scale):
    """By arm, the derivative of the scaled share by each cluster's weight, signed as in the contrast."""
    clusters = len(arms[0][0])
    parts = np.zeros((2, clusters))
    for arm, sign in ((0, 1.0), (1, -1.0)):
        for cluster in range(clusters):
            weights = np.ones(clusters, dtype=complex)
            weights[cluster] += 1e-30j
            value = scale(share(arms[arm], weights, correction, counts[arm]))
            parts[arm, cluster] = sign * value.imag / 1e-30
    return parts


def standard_error(arms, parts):
    here = [arm[1] > 0 for arm in arms]
    factors = [h.sum() / (h.sum() - 1) for h in here]
    shared = (parts[0] * parts[1])[here[0] & here[1]].sum()
    both = np.sqrt(factors[0] * factors[1])
    return float(np.sqrt(sum(f * (p ** 2).sum() for f, p in zip(factors, parts)) + 2 * both * shared))


def tuned(arms, scale):
    """The counts, from 0 to 1, that make the contrast vary least, with its slopes where hands alone put them."""
    ones = np.ones(len(arms[0][0]), dtype=complex)
    slopes = [scale(share(arm, ones, "hand_alone", 0.0).real + 1e-30j).imag / 1e-30 for arm in arms]
    plain = [influences(arms, "ppi", (k, k), lambda s: s) for k in (0.0, 1.0)]
    rest = [slopes[a] * plain[0][a] for a in (0, 1)]
    moves = [slopes[a] * (plain[1][a] - plain[0][a]) for a in (0, 1)]
    varies = lambda k: ((rest[0] + rest[1] + k[0] * moves[0] + k[1] * moves[1]) ** 2).sum()
    slope = lambda k: [2 * (m * (rest[0] + rest[1] + k[0] * moves[0] + k[1] * moves[1])).sum() for m in moves]
    found = minimize(varies, [0.5, 0.5], jac=slope, bounds=[(0, 1)] * 2, method="L-BFGS-B",
                     options=dict(ftol=1e-16, gtol=1e-14, maxiter=10000))
    return [float(k) for k in found.x]


def case(**how):
    made = rows(**how)
    answers = {}
    for unit in ("pooled", "cluster_mean"):
        arms = sums(made, unit == "cluster_mean")
        ones = np.ones(len(arms[0][0]), dtype=complex)
        for name, scale in (("log_ratio", np.log), ("difference", lambda s: s)):
            for correction in ("hand_alone", "dsl", "rogan_gladen", "ppi"):
                fixed = {"hand_alone": 0.0, "dsl": 1.0, "rogan_gladen": 0.0}.get(correction)
                counts = [fixed] * 2 if fixed is not None else tuned(arms, scale)
                shares = [share(arm, ones, correction, k).real for arm, k in zip(arms, counts)]
                parts = influences(arms, correction, counts, scale)
                answers[f"{unit} {name} {correction}"] = {
                    "value": float(scale(shares[0]) - scale(shares[1])), "shares": [float(s) for s in shares],
                    "standard_error": standard_error(arms, parts), "counts": counts}
    return {"rows": made, "answers": answers, "agreement": agreement(made)}


def agreement(made):
    """By arm, treatment first: kappa, sensitivity and specificity of what rows stand for, and alpha of the rows as they are."""
    data = np.array(made, dtype=float)
    told = []
    for arm in (1, 0):
        of = data[(data[:, 1] == arm) & (data[:, 3] >= 0)]
        predicted, found, heavy = of[:, 2], of[:, 3], of[:, 5] / 16 / (of[:, 4] / 64)
        told.append({
            "kappa": float(cohen_kappa_score(found, predicted, sample_weight=heavy)),
            "sensitivity": float(recall_score(found, predicted, sample_weight=heavy)),
            "specificity": float(recall_score(1 - found, 1 - predicted, sample_weight=heavy)),
            "plain_alpha": float(krippendorff.alpha(reliability_data=[found, predicted], level_of_measurement="nominal")),
        })
    return told


if __name__ == "__main__":
    cases = {
        "nested": case(seed=11, viewers=60, crossed=False, weighed=False, sensitivity=0.8, false_alarm=(0.05, 0.2)),
        "crossed": case(seed=12, viewers=40, crossed=True, weighed=False, sensitivity=0.7, false_alarm=(0.1, 0.1)),
        "weighed": case(seed=13, viewers=50, crossed=True, weighed=True, sensitivity=0.9, false_alarm=(0.02, 0.15)),
    }
    text = json.dumps({"made_by": f"numpy {np.__version__}", "cases": cases}, separators=(",", ":"))
    (HERE / "labels.json").write_text(text + "\n")
