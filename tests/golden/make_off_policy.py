"""Golden values of off-policy estimates, made by the Open Bandit Pipeline.

    pip install --no-deps --ignore-requires-python obp==0.5.7
    pip install numpy scipy pandas scikit-learn torch matplotlib seaborn pyyaml tqdm
    python make_off_policy.py > off_policy.json

Seen with obp 0.5.7 on Python 3.11 with numpy 2.4.6 and pandas 3.1.1. obp declares older releases of
Python; nothing that is used here minds. Its estimators are Saito et al. 2021, arXiv 2008.07146.

The data are the bts rows of data/open_bandit_small.csv.gz, per campaign. Two targets: uniform over the
campaign's items, and one whose probabilities are proportional to 1 + item mod 5. The reward model is a
table by item and position that was made up, not fitted: doubly robust estimates must agree for any.
Clipping is obp's lambda_, which cuts each weight to at most that much; its SNIPS does not heed it, so that
only IPS and DR are clipped.
"""

import json
import pathlib
import sys

import numpy as np
import obp
import pandas as pd
from obp.ope import DoublyRobust, InverseProbabilityWeighting, SelfNormalizedInverseProbabilityWeighting

DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "open_bandit_small.csv.gz"
ITEMS = {"all": 80, "men": 34, "women": 46}
POSITIONS = 3
CLIP = 5.0


def estimates(rows, probabilities, q, clip=np.inf):
    """IPS, SNIPS and DR of a policy that has the same probabilities in every round and position."""
    n = len(rows)
    logged = dict(
        reward=rows.click.to_numpy(float),
        action=rows.item.to_numpy(),
        pscore=rows.propensity.to_numpy(),
        position=rows.position.to_numpy() - 1,
        action_dist=np.broadcast_to(probabilities[None, :, None], (n, len(probabilities), POSITIONS)).copy(),
    )
    q = np.broadcast_to(q[None], (n, *q.shape)).copy()
    return dict(
        ips=InverseProbabilityWeighting(lambda_=clip).estimate_policy_value(**logged),
        snips=SelfNormalizedInverseProbabilityWeighting(lambda_=clip).estimate_policy_value(**logged),
        dr=DoublyRobust(lambda_=clip).estimate_policy_value(**logged, estimated_rewards_by_reg_model=q),
    )


def main():
    data = pd.read_csv(DATA)
    campaigns = {}
    for campaign, items in ITEMS.items():
        rows = data[(data.campaign == campaign) & (data.arm == "bts")]
        item, position = np.arange(items)[:, None], np.arange(1, POSITIONS + 1)[None, :]
        q = 0.001 * (1 + item % 7) + 0.0005 * position
        skewed = (1.0 + np.arange(items) % 5) / np.sum(1.0 + np.arange(items) % 5)
        targets = {}
        for name, probabilities in (("uniform", np.full(items, 1 / items)), ("skewed", skewed)):
            clipped = estimates(rows, probabilities, q, CLIP)
            del clipped["snips"]
            targets[name] = dict(
                probabilities=probabilities.tolist(),
                unclipped=estimates(rows, probabilities, q),
                clipped=clipped,
            )
        campaigns[campaign] = dict(items=items, q=q.tolist(), targets=targets)
    json.dump(dict(source=f"obp {obp.__version__}", clip=CLIP, campaigns=campaigns), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
