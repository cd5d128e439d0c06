"""One topic's BCa interval by scipy.stats.bootstrap, over clusters.

    python benches/peers/bca.py          # 1,000, 4,000 and 10,000 clusters

Clusters are crossed with the arms and resampled as pairs; the statistic is the logarithm of the ratio of
pooled shares, written for whole arrays as its documentation asks for. The jackknife behind scipy's
acceleration looks at every cluster for every cluster, so its time grows with the square of their number:
100,000 clusters are not tried. Ours: `cargo bench -p tiltmeter-benches --bench intervals`.
Needs numpy and scipy (requirements.txt).
"""

import time

import numpy as np
from scipy import stats

REPLICATES = 1_000


def log_ratio(topic_a, all_a, topic_b, all_b, axis=-1):
    share_a = topic_a.sum(axis=axis) / all_a.sum(axis=axis)
    share_b = topic_b.sum(axis=axis) / all_b.sum(axis=axis)
    return np.log(share_a / share_b)


def main():
    rng = np.random.default_rng(1)
    for clusters in (1_000, 4_000, 10_000):
        all_a, all_b = rng.poisson(50, clusters) + 1.0, rng.poisson(50, clusters) + 1.0
        data = (rng.binomial(all_a.astype(int), 0.03).astype(float), all_a)
        data += (rng.binomial(all_b.astype(int), 0.02).astype(float), all_b)
        started = time.perf_counter()
        found = stats.bootstrap(
            data, log_ratio, paired=True, vectorized=True, method="BCa",
            n_resamples=REPLICATES, batch=100, rng=rng,
        )
        seconds = time.perf_counter() - started
        ends = found.confidence_interval
        print(f"{clusters:>7} clusters: {seconds:8.3f} s for one topic, {ends.low:.4f} to {ends.high:.4f}")


if __name__ == "__main__":
    main()
