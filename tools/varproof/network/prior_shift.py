"""Probabilities that hold at one share of real candidates -> the share in this sample, and probabilities that hold there.

Saerens, Latinne & Decaestecker (2002), Neural Computation 14:21-41: the likelihood ratio of a candidate is its calibrated odds
over those of the training share; the sample's share is that of greatest likelihood. Their EM (equations 2.8, 2.9) climbs to
it slowly where a sample holds few real candidates; the likelihood is concave, so its maximum, the fixed point of their EM,
is bracketed instead. Everything is in log-odds, so that probabilities near 0 and 1 keep their digits.
"""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.machinery.numerics import expit, logit

logger = logging.getLogger(__name__)

FEWEST_CANDIDATES = 20
"""With fewer, the share can't be told from chance, and that of training stays."""

PSEUDO_CANDIDATES = 1.0
"""The training share counts as much as this many candidates, which keeps the share of a sample inside (0, 1)."""

_WIDEST = 50.0


@dataclass(frozen=True)
class ShiftedPrior:
    """Log-odds (n,) at the sample's share of real candidates. `iterations`: of the EM step; 0: share not estimated."""

    log_odds: np.ndarray
    fraction: float
    iterations: int


def shifted_prior(log_odds: Any, training_fraction: float, name: str = "candidates") -> ShiftedPrior:
    """The sample's share of real candidates from calibrated log-odds (n,), and the log-odds that hold at it.

    training_fraction: share of real ones at which `log_odds` hold, in (0, 1). NaN (not judged) takes no part and stays.
    With fewer than FEWEST_CANDIDATES judged ones nothing changes, and a line in the log says so (`name`: what they are).
    """
    log_odds = np.asarray(log_odds, np.float64)
    judged = log_odds[~np.isnan(log_odds)]
    if not 0 < training_fraction < 1:
        raise ValueError(f"a share of real candidates in (0, 1), not {training_fraction}")
    if len(judged) < FEWEST_CANDIDATES:
        if len(judged):
            logger.info(
                "%d %s are too few to tell which share of them is real: %.3g is assumed", len(judged), name, training_fraction
            )
        return ShiftedPrior(log_odds, training_fraction, 0)
    from scipy.optimize import brentq

    from varproof.machinery.numerics_numba_fns import expit_of

    known = float(logit(training_fraction))
    pseudo_real = PSEUDO_CANDIDATES * training_fraction

    def gain(share_log_odds: float) -> float:
        """What one EM step adds to the share, times the number of candidates."""
        expected = expit_of(judged + (share_log_odds - known)).sum() + pseudo_real
        return float(expected - (len(judged) + PSEUDO_CANDIDATES) * expit(share_log_odds))

    found, result = brentq(gain, -_WIDEST, _WIDEST, xtol=1e-9, full_output=True)
    return ShiftedPrior(log_odds + (found - known), float(expit(found)), int(result.function_calls))


def adjusted(probability: Any, training_fraction: float) -> tuple[np.ndarray, float, int]:
    """`shifted_prior` of probabilities (n,): (probabilities at the sample's share, that share, iterations).

    >>> probability, fraction, _ = adjusted([0.999] * 10 + [0.001] * 990, 0.5)
    >>> f"{fraction:.4f}"
    '0.0096'
    """
    from varproof.machinery.numerics_numba_fns import expit_of

    log_odds = np.clip([logit(one) for one in np.asarray(probability, np.float64).tolist()], -_WIDEST, _WIDEST)
    shifted = shifted_prior(log_odds, training_fraction)
    return expit_of(shifted.log_odds), shifted.fraction, shifted.iterations
