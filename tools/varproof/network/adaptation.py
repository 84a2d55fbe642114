"""A trained network and a few labels of another protocol -> the same network, its last layer moved as far as labels support.

The layers that read pileups stay as they are: a few hundred labels could not teach them, and with the two or three last layers
adapted networks were no better in trials but for a hundred labels. The last one is fitted by penalised maximum likelihood, with
a normal prior around the weights that it starts from (L2-SP; Li, Grandvalet and Davoine 2018, Explicit inductive bias for
transfer learning), whose precision cross-validation chooses: few labels move little. Of labels that people gave a share is
wrong, either way as often, which the likelihood knows (forward correction; Patrini and others 2017), so that a wrong label
can't pull without limit.

Labels are best of candidates that were drawn by chance, or of which half were, and the others doubted by the network as it was
adapted so far: those of which judges doubt are not like the rest, and what the layer learns from them alone was measured not to
hold for it.
"""

from dataclasses import dataclass

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

PRECISIONS = (30.0, 10.0, 3.0, 1.0, 0.3)
"""Of the prior, which are tried, from the one that moves least."""

FOLDS = 5
MOST_STEPS = 100
LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class Layer:
    """The last layer: float (k, 2) and (2,), from what it sees to logits of (artefact, real)."""

    kernel: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Seen:
    """What the last layer sees of candidates (n,): float (n, k); and how the difference of its logits becomes log-odds."""

    hidden: np.ndarray
    slope: np.ndarray
    bias: np.ndarray

    def of(self, chosen: np.ndarray) -> "Seen":
        """Some of them."""
        return Seen(self.hidden[chosen], self.slope[chosen], self.bias[chosen])

    def log_odds(self, layer: Layer) -> np.ndarray:
        """Calibrated log-odds (n,) of being real."""
        logits = self.hidden @ layer.kernel + layer.bias
        return (logits[:, 1] - logits[:, 0]) * self.slope + self.bias


@dataclass(frozen=True)
class Adaptation:
    """The precision that was chosen, the layer, and log-odds (n,) of each label by a layer that was fitted without it."""

    precision: float
    layer: Layer
    held_out: np.ndarray


def last_layer(model: keras.Model) -> Layer:
    """That of a model of varproof."""
    kernel, bias = model.get_layer("logits").get_weights()
    return Layer(np.asarray(kernel, np.float64), np.asarray(bias, np.float64))


def with_last_layer(model: keras.Model, layer: Layer) -> keras.Model:
    """The model with another last layer (in place)."""
    model.get_layer("logits").set_weights([layer.kernel.astype(np.float32), layer.bias.astype(np.float32)])
    return model


def seen_of(model: keras.Model, calibration: ClassCalibrations, source: TensorSource, indices: np.ndarray) -> Seen:
    """What the last layer of a model sees of the candidates `indices` (ascending)."""
    reader = keras.Model(model.input, model.get_layer("logits").input)
    with source.own_errors():
        hidden = reader.predict(prediction_dataset(source, indices, padding_of(model), PREDICTION_BATCH), verbose=0)
    is_indel = source.column("allele_code")[indices][:, TYPE] >= FIRST_INDEL_TYPE
    temperature = np.where(is_indel, calibration.indel.temperature, calibration.substitution.temperature)
    bias = np.where(is_indel, calibration.indel.bias, calibration.substitution.bias)
    return Seen(np.asarray(hidden, np.float64), 1.0 / temperature, bias)


def fitted_layer(start: Layer, seen: Seen, label: np.ndarray, label_error: float, precision: float) -> Layer:
    """The layer of greatest posterior probability for labels 0 or 1 (n,), of which a share `label_error` is wrong."""
    from scipy.optimize import minimize

    before, sign = seen.log_odds(start), np.where(label == 1, 1.0, -1.0)
    columns = np.column_stack([seen.hidden, np.ones(len(label))]) * seen.slope[:, None]

    def loss(change: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = label_loss(before + columns @ change, sign, label_error)
        # Both logits move by half of their difference, and each has its prior.
        return float(value.sum()) + 0.25 * precision * float(change @ change), slope @ columns + 0.5 * precision * change

    found = minimize(loss, np.zeros(columns.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    if not np.isfinite(found.x).all():
        raise UserError("weights are not finite after adaptation; give another model with --start-from")
    both = 0.5 * found.x[:, None] * np.array([-1.0, 1.0])
    return Layer(start.kernel + both[:-1], start.bias + both[-1])


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
    start: Layer, seen: Seen, label: np.ndarray, label_error: float, seed: int, groups: np.ndarray | None = None
) -> Adaptation:
    """The last layer for labels 0 or 1 (n,); `groups` (n,) are never torn apart between what teaches and what tests.

    Raises UserError where labels are of one kind only, or too few for two folds.
    """
    rarer = min(int((label == 1).sum()), int((label == 0).sum()))
    folds = stratified_folds(label, max(2, min(FOLDS, rarer // LEAST_PER_CLASS)), seed, groups)
    sign = np.where(label == 1, 1.0, -1.0)
    tried: list[tuple[float, float, np.ndarray]] = []
    for precision in PRECISIONS:
        odds = np.empty(len(label))
        for fold in folds:
            layer = fitted_layer(start, seen.of(fold.train), label[fold.train], label_error, precision)
            odds[fold.test] = seen.of(fold.test).log_odds(layer)
        tried.append((float(label_loss(odds, sign, label_error)[0].sum()), precision, odds))
    _, precision, odds = min(tried, key=lambda one: one[0])
    return Adaptation(precision, fitted_layer(start, seen, label, label_error, precision), odds)


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
