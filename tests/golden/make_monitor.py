"""Golden values of the boundary of confidence sequences, made without the library.

    python make_monitor.py > monitor.json

Needs scipy 1.17. The mixture of likelihood ratios is integrated numerically, over the whole normal
density for two sides and over its positive half for one, and the sum at which it reaches 1/alpha is
found by root finding. So the closed form for two sides is checked to the digits of the quadrature, and
the one for one side, which is a bound, must lie above the exact boundary and near it. The tuning is
checked against the exact minimum of the width, found numerically.
"""

import json
import math

from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar


def log_mixture(total, t, rho2, sides):
    """log of the integral of exp(x S - x^2 t / 2) over x, scaled by the integrand's maximum."""
    precision = t + 1 / rho2
    peak, width = total / precision, precision**-0.5
    top = peak * total / 2
    low = -math.inf if sides == 2 else 0.0
    low = max(low, peak - 40 * width)

    def integrand(x):
        return math.exp(x * total - x * x * precision / 2 - top)

    area = quad(integrand, low, max(peak, 0) + 40 * width, points=[max(peak, low)], epsabs=0, epsrel=1e-12, limit=400)[0]
    density = (3 - sides) / math.sqrt(2 * math.pi * rho2)
    return top + math.log(area * density)


def stretch(t, rho2, alpha, sides):
    """The sum at the boundary in units of sqrt(t): standard errors of the mean."""
    goal = -math.log(alpha)
    root = brentq(lambda z: log_mixture(z * math.sqrt(t), t, rho2, sides) - goal, 0, 60, xtol=1e-13, rtol=1e-13)
    return root


def tuned(target, alpha, sides):
    a = alpha if sides == 2 else 2 * alpha
    bits = -2 * math.log(a)
    return (bits + math.log(bits + 1)) / target


cases = []
for sides in (2, 1):
    for level in (0.8, 0.95, 0.999):
        for target in (50, 1000):
            rho2 = tuned(target, 1 - level, sides)
            best = minimize_scalar(
                lambda log_rho2: stretch(target, math.exp(log_rho2), 1 - level, sides),
                bracket=(math.log(rho2) - 0.5, math.log(rho2) + 0.5),
            )
            cases.append(
                {
                    "sides": sides,
                    "level": level,
                    "target": target,
                    "best_at_target": best.fun,
                    "stretch": {str(t): stretch(t, rho2, 1 - level, sides) for t in (1, 20, 50, 400, 1000, 100000)},
                }
            )
print(json.dumps({"cases": cases}, separators=(",", ":")))
