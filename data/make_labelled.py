"""Makes labelled.csv: two feeds whose topics a model labelled, some of them by hand too.

    pip install numpy
    python make_labelled.py

Politics is 20% of what 160 viewers are shown in either feed, chosen by lot: the true ratio is 1. The model finds 85% of
it. It takes 10% of the rest for politics in the ranked feed, whose headlines shout, and 2% in the newest. Rows were
chosen to be labelled by hand by a coin of their own: two in five of those that the model takes for politics, one in ten
of the others.
"""
import csv
import pathlib

import numpy as np

rng = np.random.default_rng(20261130)
rows = []
for viewer in range(160):
    feed = "ranked" if viewer % 2 else "newest"
    liking = rng.beta(4, 16)
    for _ in range(int(rng.integers(20, 60))):
        politics = rng.random() < liking
        predicted = rng.random() < (0.85 if politics else {"ranked": 0.10, "newest": 0.02}[feed])
        chance = 0.4 if predicted else 0.1
        by_hand = rng.random() < chance
        rows.append([
            f"v{viewer:03}", feed, "politics" if predicted else "other",
            ("politics" if politics else "other") if by_hand else "", chance,
        ])
rng.shuffle(rows)
with open(pathlib.Path(__file__).resolve().parent / "labelled.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["viewer", "feed", "model_topic", "human_topic", "chance"])
    out.writerows(rows)
