"""Kernel of what a binomial count of reads errs by."""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, log, log1p, log_factorial


@compiled
def binomial_absolute_errors(share: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """E|k/n - f| (m,) of binomial counts k, exactly (De Moivre): shares f in [0, 1] and whole depths n >= 1, shape (m,)."""
    out = np.zeros(len(share))
    for i in range(len(share)):
        f, n = share[i], depth[i]
        if 0.0 < f < 1.0:
            v = min(np.floor(n * f) + 1.0, n)
            log_choose = log_factorial(n) - log_factorial(v) - log_factorial(n - v)
            log_mass = log_choose + v * log(f) + (n - v + 1.0) * log1p(-f)
            out[i] = 2.0 * v * exp(log_mass) / n
    return out
