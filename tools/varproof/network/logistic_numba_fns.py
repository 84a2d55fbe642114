"""Kernel of logistic models: how well weights explain labels, with slope and curvature."""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, expit, log1p


@compiled
def logistic_loss(
    features: np.ndarray, sign: np.ndarray, offset: np.ndarray, weights: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """(-ln probability of the labels, its gradient (k,), its second derivatives (k, k)).

    features (n, k); sign (n,): 1 or -1; offset (n,): known part of the log-odds.
    """
    n, size = features.shape
    value = 0.0
    gradient, curvature = np.zeros(size), np.zeros((size, size))
    for i in range(n):
        odds = offset[i]
        for j in range(size):
            odds += features[i, j] * weights[j]
        margin = sign[i] * odds
        value += max(-margin, 0.0) + log1p(exp(-abs(margin)))
        wrong = expit(-margin)
        spread = wrong * expit(margin)
        for j in range(size):
            gradient[j] -= sign[i] * wrong * features[i, j]
            for k in range(size):
                curvature[j, k] += spread * features[i, j] * features[i, k]
    return value, gradient, curvature
