"""Features and labels -> weights of a logistic model, by penalised maximum likelihood: what calibration and stacking share."""

from collections.abc import Sequence
from typing import Any

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

    features: (n, k). label: 0 or 1 (n,). offset: known part of the log-odds (n,). The weights have independent normal priors
    (`prior_mean`, `prior_sd`: (k,)), which a few dozen labels outweigh but which keep weights finite where a feature separates
    the classes; none goes below `least` (k,).
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    sign = np.where(np.asarray(label).astype(bool), 1.0, -1.0)
    mean, precision = np.asarray(prior_mean, float), 1 / np.asarray(prior_sd, float) ** 2

    def loss(weights: np.ndarray) -> tuple[float, Any]:
        margin = sign * (offset + features @ weights)
        from_mean = weights - mean
        value = np.logaddexp(0, -margin).sum() + 0.5 * (precision * from_mean**2).sum()
        return float(value), precision * from_mean - features.T @ (sign * expit(-margin))

    bounds = [(low if np.isfinite(low) else None, None) for low in least]
    found = minimize(loss, np.maximum(mean, least), jac=True, method="L-BFGS-B", bounds=bounds, options=_PRECISE)
    return np.asarray(found.x)


_PRECISE = {"ftol": 1e-14, "gtol": 1e-7, "maxiter": 1000}
