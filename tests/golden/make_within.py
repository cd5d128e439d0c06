"""Golden values for fits within viewers: least squares and Poisson regression with an effect of each viewer.

    pip install pyfixest==0.60.*
    python make_within.py             # writes within.json beside this file

The fits are pyfixest's on rows: `feols` and `fepois` of "is it the topic" on "is it the treatment", with viewers
absorbed and errors clustered by viewer. `standard_error` has the factor G/(G - 1) alone (`k_adj=False`), which is the
library's; `default_error` has pyfixest's own, (N - 1)/(N - K) G/(G - 1) with viewers nested in clusters not counted.
"""
import json
import pathlib
import warnings

import numpy as np
import pandas as pd
import pyfixest as pf

HERE = pathlib.Path(__file__).resolve().parent


def rows(seed, viewers, lift, weighed, alone):
    """Viewer, whether it is the treatment, whether it is the topic, weight in sixteenths."""
    rng = np.random.default_rng(seed)
    made = []
    for viewer in range(viewers):
        liking = rng.beta(1, 6)
        for arm in (0, 1):
            if alone and viewer % 11 == 5 * arm:
                continue
            for _ in range(int(rng.geometric(1 / 10))):
                shown = int(rng.random() < min(1.0, liking * (lift if arm else 1.0)))
                made.append([viewer, arm, shown, int(rng.integers(1, 64)) if weighed else 16])
    return made


def fit(of, frame, weighed, plain):
    more = {"weights": "w"} if weighed else {}
    ssc = pf.ssc(k_adj=False) if plain else pf.ssc()
    if of is pf.fepois:
        more |= {"iwls_tol": 1e-13, "iwls_maxiter": 100}
    model = of("y ~ d | viewer", frame, vcov={"CRV1": "viewer"}, ssc=ssc, **more)
    return float(model.coef().iloc[0]), float(model.se().iloc[0])


def case(**how):
    made = rows(**how)
    frame = pd.DataFrame(made, columns=["viewer", "d", "y", "w"])
    frame["w"] = frame["w"] / 16
    answers = {}
    for name, of in (("least_squares", pf.feols), ("poisson", pf.fepois)):
        value, error = fit(of, frame, how["weighed"], True)
        _, default = fit(of, frame, how["weighed"], False)
        answers[name] = {"value": value, "standard_error": error, "default_error": default}
    shared = frame.groupby("viewer").agg(arms=("d", "nunique"), topic=("y", "max"))
    both = shared[shared["arms"] == 2]
    answers["clusters"] = [len(both), int((both["topic"] > 0).sum())]
    return {"rows": made, "answers": answers}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    cases = {
        "plain": case(seed=1, viewers=60, lift=1.5, weighed=False, alone=False),
        "some_in_one_arm": case(seed=2, viewers=80, lift=0.6, weighed=False, alone=True),
        "weighed": case(seed=3, viewers=50, lift=2.0, weighed=True, alone=True),
        "few": case(seed=4, viewers=7, lift=3.0, weighed=False, alone=False),
    }
    text = json.dumps({"made_by": f"pyfixest {pf.__version__}", "cases": cases}, separators=(",", ":"))
    (HERE / "within.json").write_text(text + "\n")
