"""Features and labels -> weights of a logistic model, by penalised maximum likelihood: what calibration and stacking share."""

from collections.abc import Sequence

import numpy as np


def logistic_weights(
    features: np.ndarray,
    label: np.ndarray,
    offset: np.ndarray,
    prior_mean: Sequence[float],
    prior_sd: Sequence[float],
    least: Sequence[float],
) -> np.ndarray:
    """Weights w (k,) that maximise the probability of the labels, whose log-odds are offset + features @ w.

    features: (n, k). label: 0 or 1 (n,), or the probability of 1.
    offset: known part of the log-odds (n,). The weights have independent normal priors
    (`prior_mean`, `prior_sd`: (k,)), which a few dozen labels outweigh but which keep weights finite where a feature separates
    the classes; none goes below `least` (k,).
    """
    from varproof.machinery.numerics_numba_fns import solved
    from varproof.network.logistic_numba_fns import logistic_loss

    target = np.asarray(label, float)
    sign = np.where(target >= 0.5, 1.0, -1.0)
    columns, known = np.ascontiguousarray(features, float), np.ascontiguousarray(offset, float)
    mean, sd, lowest = (np.asarray(values, float) for values in (prior_mean, prior_sd, least))
    precision = 1 / (sd * sd)
    # An uncertain label is the likelier one, and a term that is linear in the log-odds.
    slope = ((target - (sign > 0))[:, None] * columns).sum(axis=0)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        value, gradient, curvature = logistic_loss(columns, sign, known, weights)
        away = weights - mean
        return (
            value + 0.5 * float((precision * away * away).sum()) - float((slope * weights).sum()),
            gradient + precision * away - slope,
            curvature + np.diag(precision),
        )

    weights = np.maximum(mean, lowest)
    value, gradient, curvature = loss(weights)
    for _ in range(MOST_STEPS):
        # Newton's step of the weights that may move; one at its least that would go lower stays there.
        free = np.flatnonzero((weights > lowest) | (gradient < 0))
        if not len(free) or np.abs(gradient[free]).max() < PRECISE:
            break
        step = np.zeros(len(weights))
        step[free] = solved(np.ascontiguousarray(curvature[np.ix_(free, free)]), -gradient[free])
        for halving in range(MOST_STEPS):
            tried = np.maximum(weights + step / 2**halving, lowest)
            after = loss(tried)
            if after[0] < value:
                break
        else:
            break
        weights, (value, gradient, curvature) = tried, after
    return weights


MOST_STEPS = 60
PRECISE = 1e-9
"""The search ends where no weight changes the log-probability by more than this per unit."""
