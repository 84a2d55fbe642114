"""Raw log-odds of held-out candidates -> `Calibration`: temperature and bias that make them log-odds of being real.

Temperature scaling (Guo et al. 2017, section 4.2) with a bias, because class weights and label smoothing also shift what a
network says; order is kept. Calibrated probabilities hold at the held-out candidates' share of real ones, which is stored.
"""

import math
from typing import Any

import numpy as np

from varproof.formats.training import Calibration, ClassCalibrations
from varproof.machinery.errors import UserError
from varproof.network.logistic import logistic_weights
from varproof.network.promises import false_to_true_limit

_WEIGHT_SD, _BIAS_SD = 1.0, 5.0
_LEAST_WEIGHT = 1e-3
_LEAST_PROBABILITY = 1e-37


def log_odds(probability: Any) -> np.ndarray:
    """Natural log-odds of the second class of a two-class softmax, (n, 2) -> (n,), finite where float32 underflows.

    Both columns are read, so that neither end is lost to rounding.
    """
    from varproof.machinery.numerics_numba_fns import log_of

    both = log_of(np.maximum(np.asarray(probability, np.float64), _LEAST_PROBABILITY).ravel())
    return both[1::2] - both[::2]


def fitted_calibration(logit: Any, label: Any) -> Calibration:
    """Temperature and bias of greatest likelihood for raw log-odds (n,) of held-out candidates with labels 0 or 1 (n,).

    A weak prior around (1, 0) keeps them finite where the network separates the held-out candidates perfectly.
    Raises UserError where they are of one class, and where log-odds are not finite.

    >>> fitted = fitted_calibration([-4.0] * 1000 + [4.0] * 1000, [0] * 900 + [1] * 100 + [0] * 100 + [1] * 900)
    >>> round(fitted.temperature, 2), round(4 / math.log(9), 2)
    (1.82, 1.82)
    """
    logit, label = np.asarray(logit, np.float64), np.asarray(label)
    if not np.all(np.isfinite(logit)):
        raise UserError("the network predicts values that are not finite: its training diverged; try a lower learning rate")
    positives = int(np.count_nonzero(label))
    if positives in (0, len(label)):
        raise UserError(
            f"cannot calibrate on {len(label)} held-out candidates, {positives} of them real: both classes are needed; "
            "hold out more"
        )
    features = np.column_stack([logit, np.ones(len(logit))])
    weight, bias = logistic_weights(
        features, label, np.zeros(len(logit)), (1.0, 0.0), (_WEIGHT_SD, _BIAS_SD), (_LEAST_WEIGHT, -math.inf)
    )
    return Calibration(
        temperature=float(1 / weight),
        bias=float(bias),
        positive_fraction=positives / len(label),
        false_to_true=false_to_true_limit(logit, label),
    )


FEWEST_OF_CLASS = 20
"""Held-out candidates of each label that a class needs for a calibration of its own."""


def fitted_class_calibrations(logit: Any, label: Any, is_indel: Any) -> ClassCalibrations:
    """`fitted_calibration` of substitutions and of indels (is_indel: bool (n,)), each from the held-out candidates of its own.

    A class with fewer than FEWEST_OF_CLASS of a label takes the calibration of all. Raises UserError as `fitted_calibration`.
    """
    logit, label, is_indel = np.asarray(logit, np.float64), np.asarray(label), np.asarray(is_indel, bool)
    everything = fitted_calibration(logit, label)
    found = {}
    for name, members in (("substitution", ~is_indel), ("indel", is_indel)):
        real = int(np.count_nonzero(label[members]))
        enough = min(real, int(members.sum()) - real) >= FEWEST_OF_CLASS
        found[name] = fitted_calibration(logit[members], label[members]) if enough else everything
    return ClassCalibrations(**found)
