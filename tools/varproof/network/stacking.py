"""Two log-odds per allele, the posterior's and the network's -> one that is calibrated, and weights learnt from labels.

Each judgement's log-odds hold at a share of real candidates that its own mean probability tells. Without that share they are
log-likelihood ratios, which are stacked linearly (logistic stacking, Wolpert 1992), substitutions and indels apart; then the
sample's own share is put back (prior_shift.py).
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.formats.stacking import Stacking, StackingWeights
from varproof.machinery.errors import UserError
from varproof.machinery.numerics import expit, logit
from varproof.network.logistic import logistic_weights
from varproof.network.prior_shift import FEWEST_CANDIDATES, shifted_prior

logger = logging.getLogger(__name__)

LARGEST_LOG_ODDS = 20.0
"""Log-odds count up to this: beyond one in 500 million, neither judgement knows what it says."""

FEWEST_OF_A_CLASS = 10
"""True, and false, calls that a class of variants needs for weights of its own; with fewer it takes those of all together."""

SOURCES = ("neither", "scored", "predicted", "both")
_WEIGHT_SD, _OFFSET_SD = 1.0, 3.0
_WEIGHT_SD_OF_LABELS, _OFFSET_SD_OF_LABELS = 0.3, 0.5
"""People's labels are few, and some are wrong: weights stay nearer to their defaults, which a few dozen would else lose."""
_MOST_ROUNDS, _SETTLED = 500, 1e-6


@dataclass(frozen=True)
class Judgements:
    """Natural log-odds of being real of n alleles.

    scored, predicted: float64 (n,), NaN where not judged. indel: bool (n,), whether the allele changes the length.
    """

    scored: np.ndarray
    predicted: np.ndarray
    indel: np.ndarray

    @property
    def both(self) -> np.ndarray:
        """Alleles that both have judged, bool (n,)."""
        return ~np.isnan(self.scored) & ~np.isnan(self.predicted)

    @property
    def source(self) -> np.ndarray:
        """Who judged each allele, index into SOURCES, int (n,)."""
        return ~np.isnan(self.scored) + 2 * ~np.isnan(self.predicted)


@dataclass(frozen=True)
class Combination:
    """Log-odds (n,), NaN where neither judged; by class of variant the share of real candidates that they assume."""

    log_odds: np.ndarray
    fraction: dict[str, float]


def _classes(judgements: Judgements) -> Iterator[tuple[str, np.ndarray]]:
    """Alleles that both have judged, by class: (name, indices)."""
    for name, members in (("substitution", ~judgements.indel), ("indel", judgements.indel)):
        yield name, np.flatnonzero(members & judgements.both)


def _likelihood_ratios(judgements: Judgements, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihood ratios of `chosen` (m, 2), and the log-odds of the share that each judgement assumes for them (2,)."""
    from varproof.machinery.numerics_numba_fns import expit_of

    log_odds = np.column_stack([judgements.scored[chosen], judgements.predicted[chosen]])
    log_odds = np.clip(log_odds, -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
    real = [(expit_of(column).sum() + 0.5) / (len(chosen) + 1) for column in log_odds.T.copy()]
    share = np.array([logit(float(value)) for value in real])
    return log_odds - share, share


def learnt_stacking(judgements: Judgements, label: Any, label_error: float | None = None) -> Stacking:
    """Weights that make the labels most probable; label (n,): 1 real, 0 not, anything else unknown.

    label_error: they are people's, of whom so large a share is wrong, under one half; and of candidates that were chosen, by
    what the judgements say, so that their share of real ones tells nothing: that is then the one that both judgements expect.

    Weights are not negative, and stay near their defaults where labelled calls are few. A class of variants with fewer than
    FEWEST_OF_A_CLASS of a label takes the weights of all. Raises UserError where all together have none of a label.
    """
    label = np.asarray(label)
    ratios, offsets = np.zeros((len(label), 2)), np.zeros(len(label))
    members = {name: chosen[(label[chosen] == 0) | (label[chosen] == 1)] for name, chosen in _classes(judgements)}
    for name, chosen in _classes(judgements):
        known = members[name]
        if len(known):
            ratios[chosen] = _likelihood_ratios(judgements, chosen)[0]
            real = (np.count_nonzero(label[known]) + 0.5) / (len(known) + 1)
            offsets[known] = logit(real) if label_error is None else _likelihood_ratios(judgements, chosen)[1].mean()
    everything = np.sort(np.concatenate(list(members.values())))
    for wanted, meaning in ((1, "true"), (0, "false")):
        if not np.any(label[everything] == wanted):
            raise UserError(
                f"no call that both have judged is known to be {meaning}, of {len(everything)} labelled ones; "
                "weights need calls of both kinds"
            )
    together = _learnt_weights(ratios[everything], label[everything], offsets[everything], label_error)
    found = {}
    for name, known in members.items():
        enough = min(np.count_nonzero(label[known] == wanted) for wanted in (0, 1)) >= FEWEST_OF_A_CLASS
        found[name] = _learnt_weights(ratios[known], label[known], offsets[known], label_error) if enough else together
        if not enough:
            logger.info("too few labelled calls of class %s: they take the weights of all calls together", name)
    return Stacking(**found)


def _learnt_weights(
    ratios: np.ndarray, label: np.ndarray, offset: np.ndarray, label_error: float | None = None
) -> StackingWeights:
    """Weights of greatest likelihood; of labels of which a share is wrong, by the EM algorithm (Dawid & Skene 1979)."""
    from varproof.machinery.numerics_numba_fns import expit_of

    default = StackingWeights()
    features, target = np.column_stack([ratios, np.ones(len(ratios))]), np.asarray(label, float)
    told = np.where(target > 0, 1.0, -1.0) * (logit(1.0 - label_error) if label_error else 0.0)
    sd = (_WEIGHT_SD, _OFFSET_SD) if label_error is None else (_WEIGHT_SD_OF_LABELS, _OFFSET_SD_OF_LABELS)
    weights = np.array([default.scored, default.predicted, default.offset])
    for _ in range(_MOST_ROUNDS if label_error else 1):
        before = weights
        weights = logistic_weights(
            features,
            target,
            offset,
            (default.scored, default.predicted, default.offset),
            (sd[0], *sd),
            (0.0, 0.0, -np.inf),
        )
        if np.abs(weights - before).max() < _SETTLED:
            break
        target = expit_of(offset + (features * weights).sum(axis=1) + told)
    scored, predicted, constant = weights
    real = int(np.count_nonzero(label))
    return StackingWeights(
        offset=float(constant), scored=float(scored), predicted=float(predicted), real=real, false=len(label) - real
    )


def combined(judgements: Judgements, stacking: Stacking, estimate_share: bool = True) -> Combination:
    """One log-odds per allele; where only one has judged, its own.

    The share of real candidates is estimated per class of variant if `estimate_share`; if not, or where a class has fewer
    than FEWEST_CANDIDATES, it lies between the shares of the two judgements (the mean of their log-odds).
    """
    log_odds = np.where(np.isnan(judgements.scored), judgements.predicted, judgements.scored)
    fraction = {}
    for name, chosen in _classes(judgements):
        if not len(chosen):
            continue
        weights: StackingWeights = getattr(stacking, name)
        ratios, shares = _likelihood_ratios(judgements, chosen)
        share = float(shares.mean())
        stacked = weights.offset + (ratios * [weights.scored, weights.predicted]).sum(axis=1) + share
        fraction[name] = float(expit(share))
        if estimate_share and len(chosen) >= FEWEST_CANDIDATES:
            shifted = shifted_prior(stacked, fraction[name])
            stacked, fraction[name] = shifted.log_odds, shifted.fraction
        log_odds[chosen] = stacked
    return Combination(log_odds, fraction)
