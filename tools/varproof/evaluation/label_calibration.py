"""How often what the model calls somatic is false in people's eyes: the map of `posterior.recalibration`, learnt from labels.

The share of false ones is told at each rank of the model, so that candidates chosen by chance within ranges of probability
need no weights. What is likelier than all that were labelled is taken for no better than the likeliest of these. False
labels are counted at the upper limit of what their number allows, as false candidates are beside planted ones. People err,
either way as often: of what the limit says their errors are taken off (Rogan & Gladen 1978), but no share falls under what
as many labels as there are of likelier candidates would support if none were false.
"""

import numpy as np

from varproof.formats.prior import LearntPrior
from varproof.formats.recalibration import RecalibrationGroup
from varproof.machinery.numerics import logit
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.recalibration import CLEAREST, GROUPS, error_steps, expected_somatic, upper_limits

_MOST = 1 - 1e-6


def labelled_groups(
    error: np.ndarray, real: np.ndarray, group: np.ndarray, label_error: float, prior: LearntPrior
) -> list[RecalibrationGroup]:
    """Maps of labelled candidates (n,): the model's error probability, what people say (bool), index into GROUPS.

    A group has a map of its own if as many of it are called real as a map takes (`DECISIONS.fewest_planted`); else the map of
    all; no map if these are too few, too. label_error: share of labels that are wrong, under one half.
    """
    everything = _points(error, real, label_error)
    expected = expected_somatic(prior)
    found = []
    for number, name in enumerate(GROUPS):
        mine = group == number
        own = _points(error[mine], real[mine], label_error)
        points = own or everything
        found.append(
            RecalibrationGroup(
                name=name,
                learnt_from="own" if own is not None else "none" if points is None else "all",
                planted=int((mine & real).sum()),
                not_planted=int((mine & ~real).sum()),
                believed=int((mine & ~real & (error < DECISIONS.even)).sum()),
                somatic_per_base=float(f"{max(expected[number], 1e-300):.6g}"),
                true_per_base=float(f"{expected[number]:.6g}"),
                limit=0.0 if points is None else round(points[2], 6),
                model_log_odds=[] if points is None else points[0].tolist(),
                log_odds=[] if points is None else points[1].tolist(),
            )
        )
    return found


def _points(error: np.ndarray, real: np.ndarray, label_error: float) -> tuple[np.ndarray, np.ndarray, float] | None:
    """The map as points, ln odds under the model and corrected ones, and its least level; None with too few real ones."""
    called = int(real.sum())
    if called < DECISIONS.fewest_planted:
        return None
    limits = upper_limits(len(real) - called, DECISIONS.calibration_confidence)
    ranks = _log_odds(error)
    centres, levels = error_steps(ranks, real, np.ones(len(real)), np.diff(limits, prepend=0.0))
    # Of few labels hardly any is wrong by chance: what is taken off for those would make a short first step perfect.
    likelier = np.searchsorted(np.sort(ranks), centres, side="right")
    least = limits[0] / (limits[0] + likelier)
    levels = np.minimum(_MOST, np.maximum((levels - label_error) / (1.0 - 2.0 * label_error), least))
    levels = np.maximum.accumulate(levels)
    model = np.round(centres, 4)
    first = np.unique(model, return_index=True)[1]
    return model[first], np.round(_log_odds(levels), 4)[first], float(levels[0])


def _log_odds(error: np.ndarray) -> np.ndarray:
    """Log-odds (n,) of error probabilities, within CLEAREST, as those of `posterior.recalibration`."""
    return np.array([logit(value) for value in np.clip(error, 1e-11, 1 - 1e-11).tolist()]).clip(-CLEAREST, CLEAREST)
