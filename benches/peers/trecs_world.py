"""Slates in Python, timed: the simulator T-RECS (PyPI `trecs`), and Gumbel noise in plain numpy.

    python3 -m venv trecs-venv
    trecs-venv/bin/pip install numpy scipy pandas networkx matplotlib tqdm
    trecs-venv/bin/pip install --no-deps trecs          # its own pins are of 2021
    trecs-venv/bin/python benches/peers/trecs_world.py

T-RECS ranks all items for every user at each step, so its world has as many items as a request has
candidates. Measured is its step of recommending (`recommend`), and a whole step (`run`: recommend,
let users choose, learn), for its popularity and its content model. Its randomised content model is
timed too, but draws one set of ranks for all users at a time by their order alone: that is no
Plackett-Luce model. numpy draws the same slates as the Rust bench, all users at once. One thread.
The time is the best repeat; an impression is a place in a slate.
"""

import argparse
import importlib.metadata
import os
import platform
import sys
import time
import types

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

# What T-RECS 0.2.1 still asks for, and numpy 2 no longer has.
for name, kind in (("int", int), ("float", float), ("bool", bool), ("object", object)):
    if name not in np.__dict__:
        setattr(np, name, kind)
# Its matrix factorisation, which is not timed, needs an old LensKit; its import alone is met.
for name in ("lenskit", "lenskit.algorithms"):
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules["lenskit.algorithms"].als = types.SimpleNamespace(ImplicitMF=object)

from trecs.models import ContentFiltering, PopularityRecommender


def best(job, repeats):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return min(times)


def gumbel(rng, scores, length):
    """Top-k by scores with Gumbel noise: one Plackett-Luce slate for each row."""
    noisy = scores + rng.gumbel(size=scores.shape)
    top = np.argpartition(noisy, -length, axis=1)[:, -length:]
    order = np.argsort(-np.take_along_axis(noisy, top, axis=1), axis=1)
    return np.take_along_axis(top, order, axis=1)


def propensities(weights, slates):
    """Of each shown item, given those above it."""
    shown = np.take_along_axis(weights, slates, axis=1)
    never = weights.copy()
    np.put_along_axis(never, slates, 0.0, axis=1)
    below = np.cumsum(shown[:, ::-1], axis=1)[:, ::-1]
    return shown / (below + never.sum(axis=1, keepdims=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--length", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("trecs", "numpy", "scipy")]
    print(", ".join(versions), "Python", platform.python_version())
    print(f"{args.users} users, {args.items} candidates, slates of {args.length}")
    impressions = args.users * args.length

    def report(name, job, times=1):
        seconds = best(job, args.repeats) / times
        print(f"{name:45} {1e9 * seconds / impressions:10.1f} ns an impression", flush=True)

    world = {"num_users": args.users, "num_items": args.items, "num_items_per_iter": args.length}
    models = {
        "popularity": PopularityRecommender(seed=1, **world),
        "content": ContentFiltering(seed=1, num_attributes=20, **world),
        "content, randomised": ContentFiltering(
            seed=1, num_attributes=20, probabilistic_recommendations=True, **world
        ),
    }
    for name, model in models.items():
        model.run(timesteps=2, disable_tqdm=True)
        report(f"trecs {name}: recommend", model.recommend)
        report(f"trecs {name}: step", lambda: model.run(timesteps=1, disable_tqdm=True))

    rng = np.random.default_rng(1)
    scores = rng.standard_normal((args.users, args.items))
    weights = np.exp(scores)
    slates = gumbel(rng, scores, args.length)
    report("numpy Gumbel-top-k", lambda: gumbel(rng, scores, args.length))
    report("numpy propensities alone", lambda: propensities(weights, slates))
    report(
        "numpy Gumbel-top-k with propensities",
        lambda: propensities(weights, gumbel(rng, scores, args.length)),
    )


if __name__ == "__main__":
    main()
