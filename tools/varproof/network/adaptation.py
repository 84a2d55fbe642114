"""A trained network and a few labels of another protocol -> the same network, its last layers moved as far as labels support.

The layers that read pileups stay as they are: a few hundred labels could not teach them. The dense layers after them are
fitted by penalised maximum likelihood, with a normal prior around the weights that they start from (L2-SP; Li, Grandvalet and
Davoine 2018, Explicit inductive bias for transfer learning), whose strength cross-validation chooses: few labels move little.
Of labels that people gave a share is wrong, either way as often: the likelihood knows that (Patrini and others 2017, forward
correction), so that a wrong label can't pull without limit. Labels may be of candidates that were chosen by what judges say of
them: what is learnt is the probability of being real given the pileup, which such a choice leaves as it is.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from varproof.formats.tensors import FIRST_INDEL_TYPE, TYPE
from varproof.formats.training import ClassCalibrations
from varproof.machinery.errors import UserError
from varproof.network.architectures import padding_of
from varproof.network.calibration import FEWEST_OF_CLASS
from varproof.network.data import TensorSource
from varproof.network.splits import LEAST_PER_CLASS, stratified_folds
from varproof.network.training import PREDICTION_BATCH, prediction_dataset

STRENGTHS = (100.0, 30.0, 10.0, 3.0, 1.0, 0.3)
"""Precisions of the prior that are tried, from those that move least."""

FOLDS = 5
MOST_STEPS = 100
LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class Seen:
    """What the last layers are shown of candidates (n,): float (n, k); and how their logits become log-odds, by class."""

    features: np.ndarray
    slope: np.ndarray
    bias: np.ndarray

    def of(self, chosen: np.ndarray) -> "Seen":
        """Some of them."""
        return Seen(self.features[chosen], self.slope[chosen], self.bias[chosen])


@dataclass(frozen=True)
class Adaptation:
    """The strength of the prior that was chosen; its weights; and log-odds (n,) of each label by weights fitted without it."""

    strength: float
    weights: list[np.ndarray]
    held_out: np.ndarray


def last_layers(model: keras.Model) -> list[Any]:
    """The dense layers from which logits come: those after the last normalisation."""
    found: list[Any] = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            found = []
        elif isinstance(layer, keras.layers.Dense):
            found.append(layer)
    return found


def seen_of(model: keras.Model, calibration: ClassCalibrations, source: TensorSource, indices: np.ndarray) -> Seen:
    """What the last layers of a model are shown of the candidates `indices` (ascending)."""
    first = last_layers(model)[0]
    reader = keras.Model(model.input, first.input)
    with source.own_errors():
        features = reader.predict(prediction_dataset(source, indices, padding_of(model), PREDICTION_BATCH), verbose=0)
    is_indel = source.column("allele_code")[indices][:, TYPE] >= FIRST_INDEL_TYPE
    temperature = np.where(is_indel, calibration.indel.temperature, calibration.substitution.temperature)
    bias = np.where(is_indel, calibration.indel.bias, calibration.substitution.bias)
    return Seen(np.asarray(features, np.float64), 1.0 / temperature, bias)


def weights_of(model: keras.Model) -> list[np.ndarray]:
    """Weights of the last layers: matrix and offset of each, in order."""
    return [np.asarray(weight, np.float64) for layer in last_layers(model) for weight in layer.get_weights()]


def with_weights(model: keras.Model, weights: list[np.ndarray]) -> keras.Model:
    """The model, its last layers with these weights (in place)."""
    for number, layer in enumerate(last_layers(model)):
        layer.set_weights([weight.astype(np.float32) for weight in weights[2 * number : 2 * number + 2]])
    return model


def head_log_odds(weights: list[np.ndarray], seen: Seen) -> np.ndarray:
    """Calibrated log-odds (n,) of being real."""
    return _layers(weights, seen)[0]


def _layers(weights: list[np.ndarray], seen: Seen) -> tuple[np.ndarray, list[np.ndarray]]:
    """Log-odds, and what enters each layer."""
    entering = [seen.features]
    for matrix, offset in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        entering.append(np.maximum(entering[-1] @ matrix + offset, 0.0))
    logits = entering[-1] @ weights[-2] + weights[-1]
    return (logits[:, 1] - logits[:, 0]) * seen.slope + seen.bias, entering


def fitted_head(
    start: list[np.ndarray], seen: Seen, label: np.ndarray, label_error: float, strength: float
) -> list[np.ndarray]:
    """Weights of greatest posterior probability for labels 0 or 1 (n,), of which a share `label_error` is wrong."""
    from scipy.optimize import minimize

    sizes = np.cumsum([weight.size for weight in start])[:-1]
    origin = np.concatenate([weight.ravel() for weight in start])
    sign = np.where(label == 1, 1.0, -1.0)

    def weights_at(point: np.ndarray) -> list[np.ndarray]:
        return [part.reshape(weight.shape) for part, weight in zip(np.split(point, sizes), start, strict=True)]

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        weights = weights_at(point)
        odds, entering = _layers(weights, seen)
        value, slope = label_loss(odds, sign, label_error)
        back = (slope * seen.slope)[:, None] * np.array([-1.0, 1.0])
        gradient: list[np.ndarray] = []
        for number in range(len(start) // 2 - 1, -1, -1):
            gradient[:0] = [(entering[number].T @ back).ravel(), back.sum(axis=0)]
            back = (back @ weights[2 * number].T) * (entering[number] > 0)
        away = point - origin
        return float(value.sum()) + 0.5 * strength * float(away @ away), np.concatenate(gradient) + strength * away

    found = minimize(loss, origin, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    if not np.isfinite(found.x).all():
        raise UserError("the network's weights are not finite after adaptation; give another model with --start-from")
    return weights_at(found.x)


def label_loss(odds: np.ndarray, sign: np.ndarray, label_error: float) -> tuple[np.ndarray, np.ndarray]:
    """(-ln probability of each label, its derivative by the log-odds): labels are +1 or -1, a share of them wrong.

    >>> value, slope = label_loss(np.array([0.0, 50.0]), np.array([1.0, -1.0]), 0.1)
    >>> np.round(value, 4).tolist(), np.round(slope, 4).tolist()
    ([0.6931, 2.3026], [-0.4, 0.0])
    """
    from scipy.special import expit

    right = expit(sign * odds)
    told = (1.0 - 2.0 * label_error) * right + label_error
    if not label_error:
        return np.logaddexp(0.0, -sign * odds), -sign * (1.0 - right)
    return -np.log(told), -sign * (1.0 - 2.0 * label_error) * right * (1.0 - right) / told


def adapted(
    start: list[np.ndarray], seen: Seen, label: np.ndarray, label_error: float, seed: int, groups: np.ndarray | None = None
) -> Adaptation:
    """The last layers for labels 0 or 1 (n,); `groups` (n,) are never torn apart between what teaches and what tests.

    Raises UserError where labels are of one kind only, or too few for two folds.
    """
    rarer = min(int((label == 1).sum()), int((label == 0).sum()))
    folds = stratified_folds(label, max(2, min(FOLDS, rarer // LEAST_PER_CLASS)), seed, groups)
    sign = np.where(label == 1, 1.0, -1.0)
    tried: list[tuple[float, float, np.ndarray]] = []
    for strength in STRENGTHS:
        odds = np.empty(len(label))
        for fold in folds:
            weights = fitted_head(start, seen.of(fold.train), label[fold.train], label_error, strength)
            odds[fold.test] = head_log_odds(weights, seen.of(fold.test))
        tried.append((float(label_loss(odds, sign, label_error)[0].sum()), strength, odds))
    _, strength, odds = min(tried, key=lambda one: one[0])
    return Adaptation(strength, fitted_head(start, seen, label, label_error, strength), odds)


def share_of_real(odds: np.ndarray, is_indel: np.ndarray, before: ClassCalibrations) -> ClassCalibrations:
    """The calibrations at the share of real ones that log-odds (n,) of a sample's candidates expect, by class (bool (n,)).

    A class with few candidates keeps the share of before. Which rates can be promised is known of neither.
    """
    from scipy.special import expit

    found = {}
    for name, members in (("substitution", ~is_indel), ("indel", is_indel)):
        calibration = getattr(before, name)
        share = float(np.mean(expit(odds[members]))) if members.sum() >= FEWEST_OF_CLASS else calibration.positive_fraction
        share = float(np.clip(share, LEAST_SHARE, 1 - LEAST_SHARE))
        found[name] = calibration.model_copy(update={"positive_fraction": share, "false_to_true": None})
    return ClassCalibrations(**found)
