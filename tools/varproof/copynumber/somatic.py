"""Purity from the fractions of somatic calls, for genomes without changes of copy number.

Where tumour cells have one copy of each haplotype, as normal cells have, a clonal somatic variant has the fraction p/2, a
subclonal one less, and none more: the largest fraction at which calls crowd tells p.
"""

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.decisions import DECISIONS
from varproof.machinery.numerics_numba_fns import log_of

_OTHERS = 0.02
_ROUNDS = 40


def purity_log_likelihood(
    alternative: NDArray[np.int64], depth: NDArray[np.int64], purities: NDArray[np.float64]
) -> NDArray[np.float64]:
    """float64 (purities,): log likelihood, given reads of the alternative allele of n calls; its largest value is 0.

    Fractions are p/2 (beta-binomial) for a share of the calls, uniform below that for the others, anything for a few. The share
    is the one that fits best, found by expectation maximisation.
    """
    from scipy.special import betainc
    from scipy.stats import betabinom

    out = np.empty(len(purities))
    anything = _OTHERS / (depth + 1.0)
    for place, purity in enumerate(purities.tolist()):
        top = purity / 2
        clonal = betabinom.pmf(alternative, depth, top * DECISIONS.concentration, (1 - top) * DECISIONS.concentration)
        below = betainc(alternative + 1.0, depth - alternative + 1.0, top) / ((depth + 1.0) * top)
        share = 0.5
        for _ in range(_ROUNDS):
            first, second = share * clonal, (1 - share) * below
            share = float((first / (first + second).clip(1e-300)).mean())
        mixed = (1 - _OTHERS) * (share * clonal + (1 - share) * below) + anything
        out[place] = log_of(mixed.clip(1e-300)).sum()
    return out - out.max()
