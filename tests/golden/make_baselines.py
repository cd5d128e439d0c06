"""Golden values for baselines that are not arms, with numpy and scipy alone.

    pip install numpy scipy
    python make_baselines.py         # writes baselines.json beside this file

A small made-up log (viewers of one arm over ten days, with weights and positions), a table of items,
and for each baseline the ratio of shares, the standard error of its logarithm and the interval, from the
formulas: influence h = (X - S N)/X by cluster, V = G/(G-1) sum h^2, Student's t with G-1 degrees of
freedom or Welch's and Satterthwaite's.
"""
import json, math, pathlib
import numpy as np
from scipy import stats

rng = np.random.default_rng(20)
VIEWERS, ITEMS, CREATORS, ROWS = 24, 60, 12, 900
topics = np.array(["war", "sport", ""])
item_topic = rng.choice(3, ITEMS, p=[0.25, 0.55, 0.2])
creator = rng.integers(0, CREATORS, ITEMS)
item_weight = np.round(rng.gamma(2.0, 3.0, ITEMS), 3)
viewer = rng.integers(0, VIEWERS, ROWS)
day = rng.integers(0, 10, ROWS)
taste = rng.gamma(3.0, 1.0, VIEWERS)
item = np.empty(ROWS, int)
for i in range(ROWS):
    p = np.where(item_topic == 0, taste[viewer[i]] * (1.0 + 0.1 * day[i]), 2.0)
    item[i] = rng.choice(ITEMS, p=p / p.sum())
position = rng.integers(1, 9, ROWS)
weight = np.round(rng.gamma(2.0, 4.0, ROWS), 3)


def influence(x, n):
    """Shares and influences on the logarithm of the pooled share, by cluster."""
    s = x.sum() / n.sum()
    return s, (x - s * n) / x.sum()


def sums(keys, mass, war, rows):
    names = np.unique(keys[rows])
    x = np.array([mass[rows & (keys == k) & war].sum() for k in names])
    n = np.array([mass[rows & (keys == k)].sum() for k in names])
    return names, x, n


def part(h):
    g = len(h)
    return g / (g - 1) * (h ** 2).sum(), g - 1.0


def answer(log_ratio, variance, degrees):
    se, q = math.sqrt(variance), stats.t.ppf(0.975, degrees)
    return dict(value=math.exp(log_ratio), standard_error=se, degrees_of_freedom=degrees,
                low=math.exp(log_ratio - q * se), high=math.exp(log_ratio + q * se))


def welch(parts):
    v = sum(p for p, _ in parts)
    return v, v ** 2 / sum(p ** 2 / d for p, d in parts)


out = dict(source="numpy and scipy, from the formulas", log=dict(
    viewer=viewer.tolist(), day=day.tolist(), item=item.tolist(), position=position.tolist(), weight=weight.tolist(),
    topic=topics[item_topic[item]].tolist()), items=dict(topic=topics[item_topic].tolist(), creator=creator.tolist(),
                                                          weight=item_weight.tolist()), cases={})
everything = np.ones(ROWS, bool)
for name, mass in (("uniform", weight), ("log2", weight / np.log2(1.0 + position))):
    war = item_topic[item] == 0
    _, x, n = sums(viewer, mass, war, everything)
    share, h = influence(x, n)
    of_items = item_topic == 0
    p = item_weight[of_items].sum() / item_weight.sum()
    tagged = item_topic != 2
    log_known = math.log(share / p)
    cases = out["cases"][name] = {}
    cases["known"] = answer(log_known, *part(h))
    # Over tagged impressions, of both.
    _, xt, nt = sums(viewer, mass * (item_topic[item] != 2), war, everything)
    share_t, ht = influence(xt, nt)
    cases["known_tagged"] = answer(math.log(share_t / (item_weight[of_items].sum() / item_weight[tagged].sum())), *part(ht))
    # The mean of the viewers' shares.
    shares = x / n
    m = shares.mean()
    cases["known_cluster_mean"] = answer(math.log(m / p), *part((shares - m) / (m * len(shares))))
    for by, keys in (("item", np.arange(ITEMS)), ("creator", creator)):
        names = np.unique(keys)
        xs = np.array([item_weight[(keys == k) & of_items].sum() for k in names])
        ns = np.array([item_weight[keys == k].sum() for k in names])
        _, hs = influence(xs, ns)
        cases[f"sampled_{by}"] = answer(log_known, *welch([part(h), part(hs)]))
    # 200 of 1,000 elsewhere, with its binomial error, biased by a factor of 0.8 to 1.5.
    k, all_ = 200, 1000
    v_reference = (1 - k / all_) / k
    v = part(h)[0] + v_reference
    degrees = v ** 2 / (part(h)[0] ** 2 / part(h)[1])
    cases["reference"] = answer(math.log(share / (k / all_)), v, degrees)
    ends = [answer(math.log(share / (k / all_ * f)), v, degrees) for f in (1.5, 0.8)]
    cases["reference_biased"] = dict(value_low=ends[0]["value"], value_high=ends[1]["value"], low=ends[0]["low"], high=ends[1]["high"])
    # The difference of shares, against the same.
    v = part(h)[0] * share ** 2 + k / all_ * (1 - k / all_) / all_
    degrees = v ** 2 / ((part(h)[0] * share ** 2) ** 2 / part(h)[1])
    q = stats.t.ppf(0.975, degrees)
    difference = share - k / all_
    cases["reference_difference"] = dict(value=difference, standard_error=math.sqrt(v), low=difference - q * math.sqrt(v),
                                         high=difference + q * math.sqrt(v))
    # Days 6 to 9 against days 0 to 4, the fifth left out; viewers are in both.
    after, before = day >= 6, day < 5
    names = np.unique(viewer[after | before])
    hs = np.zeros(len(names))
    logs = []
    for rows, sign in ((after, 1.0), (before, -1.0)):
        ks, x, n = sums(viewer, mass, war, rows)
        s, hh = influence(x, n)
        hs[np.searchsorted(names, ks)] += sign * hh
        logs.append(math.log(s))
    cases["period"] = answer(logs[0] - logs[1], *part(hs))

path = pathlib.Path(__file__).parent / "baselines.json"
path.write_text(json.dumps(out) + "\n")
print(json.dumps(out["cases"], indent=1))
