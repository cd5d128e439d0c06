"""Baselines made of candidates, and a chronological replay, by plain loops over a small log.

    python make_replay.py > replay.json

No package is used. The log has slates of gaps and of one viewer's several times, requests without
candidates, pools shorter than slates, candidates of one moment, items that are not candidates, items
without topics and with several, and rows of another arm.
"""

import json
import math
import random

rng = random.Random(20)
TOPICS = {
    f"i{n}": rng.choice([[], ["war"], ["sport"], ["war", "sport"], ["music"], ["music", "sport"]])
    for n in range(30)
}
BORN = {item: 1000 + 10 * rng.randrange(12) for item in TOPICS}

log, pools = [], []
for slate in range(48):
    arm = "other" if slate % 6 == 5 else "ranked"
    time = 2000 + rng.randrange(500)
    length = rng.randint(1, 6)
    ranks = sorted(rng.sample(range(1, 10), length))
    size = rng.choice([0, 2, 4, 8, 12])
    pool = rng.sample(sorted(TOPICS), size)
    for item in pool:
        pools.append({
            "slate": f"s{slate}", "item": item, "time": BORN[item], "topics": TOPICS[item],
            "engagement": rng.choice([0, 0, 1, 3.5, 7]),
        })
    shown = rng.sample(pool, min(length, size)) if rng.random() < 0.7 else []
    others = [item for item in TOPICS if item not in shown]
    shown = shown + rng.sample(sorted(others), length - len(shown))
    for rank, item in zip(ranks, shown):
        log.append({
            "viewer": f"v{slate % 7}", "arm": arm, "slate": f"s{slate}", "item": item,
            "position": rank, "time": time, "topics": TOPICS[item],
        })
rng.shuffle(log)
rng.shuffle(pools)

requests = {}
for row in log:
    if row["arm"] == "ranked":
        requests.setdefault(row["slate"], []).append(row)
for rows in requests.values():
    rows.sort(key=lambda row: row["position"])
offered = {}
for row in pools:
    offered.setdefault(row["slate"], []).append(row)

newest, counts = [], {"requests": 0, "without_candidates": 0, "short": 0, "shown_outside": 0,
                      "places": 0, "matches": 0}
for slate in sorted(requests, key=lambda slate: (requests[slate][0]["time"], slate)):
    rows, pool = requests[slate], offered.get(slate, [])
    counts["requests"] += 1
    if not pool:
        counts["without_candidates"] += 1
        continue
    pool = sorted(pool, key=lambda c: (-c["time"], c["item"]))
    counts["short"] += len(pool) < len(rows)
    counts["places"] += len(rows)
    counts["shown_outside"] += sum(row["item"] not in {c["item"] for c in pool} for row in rows)
    for row, candidate in zip(rows, pool):
        counts["matches"] += row["item"] == candidate["item"]
        newest.append([slate, row["position"], candidate["item"]])


def attention(model, rank):
    return 1.0 if model == "uniform" else 1.0 / math.log2(1 + rank)


def totals(pairs):
    """Of pairs of topics and mass, the mass of each topic and of all."""
    mass = {"all": 0.0, "war": 0.0, "sport": 0.0, "music": 0.0}
    for topics, its in pairs:
        mass["all"] += its
        for topic in topics:
            mass[topic] += its
    return mass


def chronological(model):
    """The expectation over all orders of candidates of one moment, each as likely as any other."""
    logged, drawn = [], []
    for slate, rows in requests.items():
        if slate not in offered:
            continue
        masses = [attention(model, row["position"]) for row in rows]
        logged += [(row["topics"], mass) for row, mass in zip(rows, masses)]
        place = 0
        for time in sorted({c["time"] for c in offered[slate]}, reverse=True):
            group = [c for c in offered[slate] if c["time"] == time]
            each = sum(masses[place:place + len(group)]) / len(group)
            drawn += [(c["topics"], each) for c in group]
            place += len(group)
    return totals(logged), totals(drawn)


def expected(model, weight):
    logged, drawn = [], []
    for slate, rows in requests.items():
        pool = offered.get(slate, [])
        whole = sum(weight(candidate) for candidate in pool)
        if whole == 0:
            continue
        masses = [attention(model, row["position"]) for row in rows]
        logged += [(row["topics"], mass) for row, mass in zip(rows, masses)]
        drawn += [(c["topics"], sum(masses) * weight(c) / whole) for c in pool]
    return totals(logged), totals(drawn)


expectations = []
for model in ["uniform", "logarithmic"]:
    for name, (treatment, baseline) in {
        "chronological": chronological(model),
        "uniform_pool": expected(model, lambda c: 1.0),
        "engagement": expected(model, lambda c: c["engagement"]),
        "engagement_plus": expected(model, lambda c: c["engagement"] + 0.5),
    }.items():
        expectations.append({"attention": model, "baseline": name, "treatment": treatment,
                             "expected": baseline})
print(json.dumps({"log": log, "candidates": pools, "newest": newest, "account": counts,
                  "totals": expectations}, indent=1))
