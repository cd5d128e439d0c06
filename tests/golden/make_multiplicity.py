"""Adjusted p-values by statsmodels: ties, 0 and 1, a single test, all and none rejected.

    pip install statsmodels==0.15.0 scipy==1.17.1 numpy==2.4.6
    python make_multiplicity.py > multiplicity.json

statsmodels' two-stage values belong to one level: (1 + level) m0/m times Benjamini and Hochberg's,
cut at 1, with m0 = m where the first stage rejects all or none.
"""

import json

import numpy as np
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(11)
CASES = {
    "single, rejected": [0.01],
    "single, not rejected": [0.7],
    "single at zero": [0.0],
    "single at one": [1.0],
    "zeros and ones": [1.0, 0.0, 1.0, 0.0, 0.03],
    "ties": [0.02, 0.02, 0.5, 0.004, 0.02, 0.5, 0.004, 0.9],
    "all equal": [0.03] * 5,
    "all rejected": [0.001, 0.01, 0.002, 0.0005, 0.03],
    "all rejected in the second stage": [0.001, 0.002, 0.003, 0.04],
    "none rejected": [0.2, 0.9, 0.06, 0.4, 0.5],
    "rejected by the single stage alone": [0.0246, 0.9, 0.8, 0.99, 0.0499 / 5, 0.97],
    "in order": np.sort(rng.beta(0.3, 4, 30)).tolist(),
    "many, rounded": np.round(rng.beta(0.2, 3, 120), 3).tolist(),
    "tiny": [1e-300, 5e-324, 1e-17, 0.3],
}
METHODS = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "benjamini_hochberg": "fdr_bh",
    "benjamini_yekutieli": "fdr_by",
    "two_stage": "fdr_tsbky",
}

cases = []
for name, p in CASES.items():
    for level in (0.01, 0.05, 0.2):
        case = {"name": name, "level": level, "p": p, "adjusted": {}, "rejected": {}}
        for ours, theirs in METHODS.items():
            rejected, adjusted, _, _ = multipletests(p, level, method=theirs)
            case["adjusted"][ours] = [float(v) for v in adjusted]
            case["rejected"][ours] = [bool(v) for v in rejected]
        cases.append(case)
print(json.dumps({"source": "statsmodels 0.15.0 multipletests", "cases": cases}, indent=1))
