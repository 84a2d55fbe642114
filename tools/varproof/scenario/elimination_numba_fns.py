"""Kernels that sum probabilities over one variable, in logarithms."""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, log


@compiled
def log_sums(values: np.ndarray) -> np.ndarray:
    """ln of the sums of e**values over the last axis: values (n, m) -> (n,); -inf where all are."""
    n, size = values.shape
    out = np.empty(n)
    part = np.empty(size)
    for i in range(n):
        row = values[i]
        top = -np.inf
        for j in range(size):
            top = max(top, row[j])
        if top == -np.inf:
            out[i] = top
            continue
        for j in range(size):
            part[j] = exp(row[j] - top)
        total = 0.0
        for j in range(size):
            total += part[j]
        out[i] = top + log(total)
    return out
