"""Adapting a network to labels: the likelihood, what the prior holds, wrong labels, which weights move."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from network_examples import network, random_tensors
from tensor_examples import write_tensors
from varproof.formats.model import Architecture
from varproof.formats.training import Calibration, ClassCalibrations
from varproof.machinery.errors import UserError
from varproof.network.adaptation import (
    PRECISIONS,
    Layer,
    Seen,
    adapted,
    fitted_layer,
    label_loss,
    last_layer,
    seen_of,
    share_of_real,
    with_last_layer,
)
from varproof.network.data import TensorSource
from varproof.network.training import predicted_log_odds


def shown(hidden: np.ndarray) -> Seen:
    return Seen(hidden, np.ones(len(hidden)), np.zeros(len(hidden)))


def nothing(k: int) -> Layer:
    return Layer(np.zeros((k, 2)), np.zeros(2))


@pytest.mark.parametrize("error", [0.0, 0.059, 0.3])
def test_the_loss_of_a_label_and_its_slope(error: float) -> None:
    """By the definition: a label is as told with probability 1 - e where the candidate is so, and e where it is not."""
    odds, sign = np.linspace(-6, 6, 41), np.where(np.arange(41) % 2, 1.0, -1.0)
    real = expit(odds)
    told = np.where(sign > 0, (1 - error) * real + error * (1 - real), (1 - error) * (1 - real) + error * real)
    value, slope = label_loss(odds, sign, error)
    np.testing.assert_allclose(value, -np.log(told), rtol=1e-12)
    step = 1e-5
    numeric = (label_loss(odds + step, sign, error)[0] - label_loss(odds - step, sign, error)[0]) / (2 * step)
    np.testing.assert_allclose(slope, numeric, atol=1e-8)


def test_without_a_start_it_is_a_penalised_logistic_model() -> None:
    """scikit-learn's: both columns of the layer move by half, so that the penalty of their difference is half as large."""
    rng = np.random.default_rng(3)
    hidden = rng.normal(0, 1, (300, 4))
    label = (rng.random(300) < expit(hidden @ [1.5, -1.0, 0.0, 0.5] - 1)).astype(int)
    found = fitted_layer(nothing(4), shown(hidden), label, 0.0, 2.0)
    theirs = LogisticRegression(C=2 / 2.0, fit_intercept=False, tol=1e-10, max_iter=1000)
    theirs.fit(np.column_stack([hidden, np.ones(300)]), label)
    np.testing.assert_allclose(found.kernel[:, 1] - found.kernel[:, 0], theirs.coef_[0, :4], atol=2e-3)
    assert found.bias[1] - found.bias[0] == pytest.approx(theirs.coef_[0, 4], abs=2e-3)


def test_no_layer_near_the_fitted_one_is_likelier() -> None:
    """Posterior density by its definition, over both columns, with calibrations that differ: no step of 40 gains."""
    rng = np.random.default_rng(5)
    hidden = rng.normal(0, 1, (120, 6))
    label = (hidden[:, 0] + hidden[:, 1] > 0.3).astype(int)
    seen = Seen(hidden, rng.uniform(0.7, 1.4, 120), rng.normal(0, 0.5, 120))
    start = Layer(rng.normal(0, 1, (6, 2)), rng.normal(0, 1, 2))
    sign = np.where(label == 1, 1.0, -1.0)

    def loss(layer: Layer) -> float:
        away = float(((layer.kernel - start.kernel) ** 2).sum() + ((layer.bias - start.bias) ** 2).sum())
        return float(label_loss(seen.log_odds(layer), sign, 0.05)[0].sum()) + 0.5 * 3.0 * away

    best = fitted_layer(start, seen, label, 0.05, 3.0)
    assert loss(best) < loss(start) - 1
    for _ in range(40):
        step = Layer(best.kernel + rng.normal(0, 0.02, (6, 2)), best.bias + rng.normal(0, 0.02, 2))
        assert loss(step) > loss(best) - 1e-4


def test_a_strong_prior_holds_the_layer_where_it_was() -> None:
    rng = np.random.default_rng(1)
    start = Layer(rng.normal(0, 1, (3, 2)), rng.normal(0, 1, 2))
    found = fitted_layer(start, shown(rng.normal(0, 1, (50, 3))), rng.integers(0, 2, 50), 0.0, 1e9)
    np.testing.assert_allclose(found.kernel, start.kernel, atol=1e-6)
    np.testing.assert_allclose(found.bias, start.bias, atol=1e-6)


def test_errors_of_labels_are_taken_off() -> None:
    """Where nothing tells candidates apart, the share p of real ones is told as p (1 - e) + (1 - p) e."""
    label = np.repeat([1, 0], [300, 700])
    found = fitted_layer(nothing(1), shown(np.zeros((1000, 1))), label, 0.1, 1e-6)
    assert shown(np.zeros((1, 1))).log_odds(found)[0] == pytest.approx(logit((0.3 - 0.1) / 0.8), abs=1e-3)


def test_few_labels_move_little_and_many_what_they_must() -> None:
    """A network that is right keeps its judgement under labels of which some are wrong; one that is wrong everywhere turns."""
    rng = np.random.default_rng(2)
    hidden = rng.normal(0, 1, (600, 2))
    real = (hidden[:, 0] > 0).astype(int)
    label = np.where(rng.random(600) < 0.059, 1 - real, real)
    right = Layer(np.array([[-2.0, 2.0], [0.0, 0.0]]), np.zeros(2))
    kept = adapted(right, shown(hidden[:40]), label[:40], 0.059, 1)
    assert np.mean((shown(hidden).log_odds(kept.layer) > 0) == real) > 0.95
    turned = adapted(Layer(-right.kernel, right.bias), shown(hidden), label, 0.059, 1)
    assert turned.precision < PRECISIONS[0]
    assert np.mean((turned.held_out > 0) == real) > 0.95


def test_held_out_log_odds_are_of_a_layer_that_has_not_seen_the_label() -> None:
    """Labels by chance: whoever had seen them would do better than chance."""
    rng = np.random.default_rng(4)
    hidden, label = rng.normal(0, 1, (80, 60)), rng.integers(0, 2, 80)
    seen = shown(hidden)
    found = adapted(nothing(60), seen, label, 0.0, 1)
    assert np.mean((found.held_out > 0) == label) < 0.65
    assert np.mean((seen.log_odds(fitted_layer(nothing(60), seen, label, 0.0, 0.3)) > 0) == label) > 0.9
    np.testing.assert_array_equal(found.held_out, adapted(nothing(60), seen, label, 0.0, 1).held_out)


def test_too_few_labels_are_refused() -> None:
    seen = shown(np.ones((6, 1)))
    with pytest.raises(UserError, match="only 1 candidates are labelled real"):
        adapted(nothing(1), seen, np.array([1, 0, 0, 0, 0, 0]), 0.059, 1)
    with pytest.raises(UserError, match="no candidate is labelled real"):
        adapted(nothing(1), seen, np.zeros(6, int), 0.059, 1)


@pytest.mark.parametrize("architecture", ["read-set", "deepcnnvalid"])
def test_the_last_layer_makes_the_log_odds_of_the_network(architecture: Architecture, tmp_path: Path) -> None:
    """Before it is moved and after."""
    calibration = ClassCalibrations(
        substitution=Calibration(temperature=0.8, bias=0.3, positive_fraction=0.3),
        indel=Calibration(temperature=1.5, bias=-0.4, positive_fraction=0.6),
    )
    model, card = network(architecture, calibration=calibration)
    with TensorSource([write_tensors(tmp_path / "t.h5", random_tensors(40, card.settings))]) as source:
        chosen = np.arange(1, 40, 2)
        seen = seen_of(model, calibration, source, chosen)
        for layer in (last_layer(model), Layer(np.eye(len(last_layer(model).kernel), 2), np.array([0.5, -0.2]))):
            found = predicted_log_odds(with_last_layer(model, layer), source, chosen)
            np.testing.assert_allclose(seen.log_odds(layer), found, rtol=1e-4, atol=1e-4)


def test_the_share_at_which_probabilities_hold_is_the_one_that_they_expect() -> None:
    before = ClassCalibrations(indel=Calibration(positive_fraction=0.7, false_to_true=0.01))
    odds = np.concatenate([np.full(60, logit(0.9)), np.full(40, logit(0.1)), [0.0]])
    found = share_of_real(odds, np.arange(101) == 100, before)
    assert found.substitution.positive_fraction == pytest.approx(0.6 * 0.9 + 0.4 * 0.1)
    assert found.indel.positive_fraction == 0.7, "one indel tells nothing of a share"
    assert found.indel.false_to_true is None and found.indel.temperature == 1.0
