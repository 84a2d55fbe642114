"""Kernel that tells where variants of given frequencies are seen (`posterior.neutrality`)."""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, log, log1p, log_factorial

_REACH = 9.0
"""Standard deviations beyond which nothing is counted."""


@compiled
def seen_shares(depths: np.ndarray, frequencies: np.ndarray, edges: np.ndarray, purity: float) -> np.ndarray:
    """(f, b) probabilities that a variant of `frequencies` (f,) in the tumour cells is seen between `edges` (b + 1,).

    The mean over `depths` (d,) of the binomial distribution of k of n fragments, each k spread evenly over
    (k - 1/2)/(n purity) to (k + 1/2)/(n purity).
    """
    shares = np.zeros((len(frequencies), len(edges) - 1))
    for depth in depths:
        unit = 1.0 / (depth * purity)
        for row, frequency in enumerate(frequencies):
            p = min(max(purity * frequency, 1e-12), 1.0 - 1e-12)
            reach = _REACH * np.sqrt(depth * p * (1.0 - p)) + _REACH
            first, last = max(int(depth * p - reach), 0), min(int(depth * p + reach), depth)
            log_term = log_factorial(depth) - log_factorial(first) - log_factorial(depth - first)
            log_term += first * log(p) + (depth - first) * log1p(-p)
            term = exp(max(log_term, -700.0))
            for k in range(first, last + 1):
                low, high = (k - 0.5) * unit, (k + 0.5) * unit
                bin_ = max(np.searchsorted(edges, low, side="right") - 1, 0)
                while bin_ < len(edges) - 1 and edges[bin_] < high:
                    overlap = min(high, edges[bin_ + 1]) - max(low, edges[bin_])
                    shares[row, bin_] += term * max(overlap, 0.0) / unit
                    bin_ += 1
                term *= (depth - k) / (k + 1.0) * (p / (1.0 - p))
    return shares / len(depths)


@compiled
def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) the product of matrices a (n, k) and b (k, m), summed in one order on every processor."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            factor = a[i, j]
            for k in range(b.shape[1]):
                out[i, k] += factor * b[j, k]
    return out
