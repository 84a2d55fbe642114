"""How many somatic variants there are per megabase, from the posteriors of the calls and not from how many were kept.

Which calls are true is uncertain: their number K is a sum of unlike coins, a Poisson-binomial (Hong 2013, Comput Stat Data Anal
59, 41). How many a genome of that rate has is chance, too: given K, the rate is Gamma(K + 1/2) over the bases, under the prior
of Jeffreys for a Poisson rate. The interval is that of the mixture.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.machinery.numerics_numba_fns import exp_of
from varproof.posterior.clonality_decisions import DECISIONS

BASES = 1e6


@dataclass(frozen=True, slots=True)
class Burden:
    """Expected number of true variants, and the rate per megabase with its limits."""

    expected: float
    per_mbp: float
    low: float
    high: float


def burden(probabilities: Any, bases: float, level: float = 0.95) -> Burden:
    """From the probability of each call (n,) to be true, and the bases that were searched, over 0.

    >>> burden([1.0] * 10, 5e6)  # exactly ten: Gamma(10.5)
    Burden(expected=10.0, per_mbp=2.0, low=1.02829, high=3.547888)
    """
    from scipy import optimize, special

    p = np.sort(np.asarray(probabilities, dtype=float))
    expected = math.fsum(p.tolist())
    counts, weights = true_calls(p)

    def excess(rate: float, share: float) -> float:
        return math.fsum((weights * special.gammainc(counts + 0.5, rate)).tolist()) - share

    most = float(counts[-1]) + 12.0 * math.sqrt(float(counts[-1]) + 1.0) + 20.0
    tail = (1.0 - level) / 2
    low, high = (optimize.brentq(excess, 0.0, most, args=(share,), xtol=1e-9) for share in (tail, 1.0 - tail))
    low = min(low, expected)  # where nothing was found, 0 is a rate (Brown, Cai and DasGupta 2001)
    scale = BASES / bases
    return Burden(round(expected, 6), *(round(value * scale, 6) for value in (expected, low, high)))


def true_calls(probabilities: Any) -> tuple[Any, Any]:
    """(numbers (m,), ascending, probabilities (m,), sum 1): how many of independent calls (n,) are true."""
    p = np.asarray(probabilities, dtype=float)
    sure = int((p >= 1.0 - DECISIONS.certain_call).sum())
    unsure = p[(p > DECISIONS.certain_call) & (p < 1.0 - DECISIONS.certain_call)]
    if len(unsure) > DECISIONS.most_convolved:
        mean, sd = float(unsure.sum()), math.sqrt(float((unsure * (1.0 - unsure)).sum()))
        counts = np.arange(max(math.floor(mean - 8 * sd), 0), min(math.ceil(mean + 8 * sd), len(unsure)) + 1)
        weights = exp_of(-0.5 * ((counts - mean) / max(sd, 1e-3)) ** 2)
        return counts + sure, weights / weights.sum()
    chances = np.ones(1)
    for value in unsure.tolist():
        chances = np.append(chances, 0.0) * (1.0 - value) + np.append(0.0, chances) * value
    kept = chances > 1e-12
    return np.flatnonzero(kept) + sure, chances[kept] / chances[kept].sum()
