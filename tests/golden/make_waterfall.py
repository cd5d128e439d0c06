"""Golden values for stage waterfalls.

    pip install numpy scipy
    python make_waterfall.py > waterfall.json

A small feed made up here, and for each stage the topic's mass and all mass by viewer, from which follow
the logarithm of the ratio of shares from stage to stage and its cluster-linearised error (METHODS section
4, crossed: the same viewers in both stages; against a sampled supply nested, Welch's degrees of freedom).
"""

import json
import math

import numpy as np
from scipy import stats

VIEWERS, PLACES, CANDIDATES = 25, 4, 9
TOPICS = ["war", "sport", "music"]


def feed(rng):
    requests = []
    for viewer in range(VIEWERS):
        taste = rng.dirichlet([2.0, 3.0, 2.0])
        for _ in range(int(rng.integers(2, 7))):
            pool = [int(t) for t in rng.choice(3, CANDIDATES, p=taste)]
            weight = np.array([1.6, 1.0, 0.7])[pool]
            shown = rng.choice(CANDIDATES, PLACES, replace=False, p=weight / weight.sum())
            requests.append({
                "viewer": f"v{viewer}",
                "pool": pool,
                "shown": [int(at) for at in shown],
                "dwell": [round(float(rng.gamma(2.0)), 3) for _ in shown],
                "likes": [int(rng.poisson(1.2 if pool[at] == 0 else 0.7)) for at in shown],
            })
    items = [{"topic": int(rng.choice(3, p=[0.25, 0.45, 0.3])), "creator": f"c{int(rng.integers(12))}"}
             for _ in range(60)]
    return requests, items


def sums(requests, topic):
    """By stage: X and N of each viewer."""
    attention = [1 / math.log2(2 + rank) for rank in range(PLACES)]
    by = {stage: np.zeros((VIEWERS, 2)) for stage in ("candidates", "ranked", "exposed", "engaged")}
    for request in requests:
        at = int(request["viewer"][1:])
        pool, shown = request["pool"], request["shown"]
        is_topic = np.array([float(pool[place] == topic) for place in shown])
        mass = np.array(attention) * np.array(request["dwell"])
        engaged = mass * np.array(request["likes"])
        share = np.mean([float(its == topic) for its in pool])
        by["candidates"][at] += [PLACES * share, PLACES]
        by["ranked"][at] += [is_topic.sum(), PLACES]
        by["exposed"][at] += [(mass * is_topic).sum(), mass.sum()]
        by["engaged"][at] += [(engaged * is_topic).sum(), engaged.sum()]
    return by


def influence(part):
    x, n = part.sum(0)
    return (part[:, 0] - x / n * part[:, 1]) / x


def row(log_ratio, variance, degrees):
    error = math.sqrt(variance)
    t = stats.t.ppf(0.975, degrees)
    return {"log_ratio": log_ratio, "standard_error": error, "degrees": degrees,
            "low": log_ratio - t * error, "high": log_ratio + t * error}


def share(part):
    return part[:, 0].sum() / part[:, 1].sum()


def crossed(before, after):
    h = influence(after) - influence(before)
    g = len(h)
    return row(math.log(share(after) / share(before)), g / (g - 1) * (h**2).sum(), g - 1)


def against_supply(items, topic, after):
    h = influence(after)
    g = len(h)
    v = g / (g - 1) * (h**2).sum()
    creators = sorted({item["creator"] for item in items})
    part = np.zeros((len(creators), 2))
    for item in items:
        part[creators.index(item["creator"])] += [float(item["topic"] == topic), 1.0]
    log_ratio = math.log(share(after) / share(part))
    h = influence(part)
    own = len(h) / (len(h) - 1) * (h**2).sum()
    welch = (v + own) ** 2 / (v**2 / (g - 1) + own**2 / (len(h) - 1))
    return {"known": row(log_ratio, v, g - 1), "sampled": row(log_ratio, v + own, welch)}


def main():
    requests, items = feed(np.random.default_rng(11))
    found = {}
    for code, topic in enumerate(TOPICS):
        by = sums(requests, code)
        order = ["candidates", "ranked", "exposed", "engaged"]
        steps = {f"{a} to {b}": crossed(by[a], by[b]) for a, b in zip(order, order[1:])}
        steps["candidates to engaged"] = crossed(by["candidates"], by["engaged"])
        found[topic] = {"steps": steps,
                        "supply to candidates": against_supply(items, code, by["candidates"]),
                        "supply to engaged": against_supply(items, code, by["engaged"])}
    print(json.dumps({"source": "numpy and scipy", "topics": TOPICS, "requests": requests,
                      "items": items, "found": found}))


main()
