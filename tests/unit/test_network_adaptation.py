"""Adapting a network to labels: the likelihood and its gradient, what the prior holds, wrong labels, which layers move."""

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
    STRENGTHS,
    Seen,
    adapted,
    fitted_head,
    head_log_odds,
    label_loss,
    last_layers,
    seen_of,
    share_of_real,
    weights_of,
)
from varproof.network.data import TensorSource
from varproof.network.training import predicted_log_odds


def shown(features: np.ndarray, slope: float = 1.0, bias: float = 0.0) -> Seen:
    return Seen(features, np.full(len(features), slope), np.full(len(features), bias))


def layers(*widths: int, seed: int = 1) -> list[np.ndarray]:
    """Weights of dense layers with these widths."""
    rng = np.random.default_rng(seed)
    pairs = zip(widths[:-1], widths[1:], strict=True)
    return [part for k, m in pairs for part in (rng.normal(0, 1 / k**0.5, (k, m)), rng.normal(0, 0.1, m))]


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


def test_one_layer_is_a_penalised_logistic_model() -> None:
    """scikit-learn's: both columns of a layer move by half, so that the penalty of their difference is half as large."""
    rng = np.random.default_rng(3)
    features = rng.normal(0, 1, (300, 4))
    label = (rng.random(300) < expit(features @ [1.5, -1.0, 0.0, 0.5] - 1)).astype(int)
    strength = 2.0
    start = [np.zeros((4, 2)), np.zeros(2)]
    found = fitted_head(start, shown(features), label, 0.0, strength)
    theirs = LogisticRegression(C=2 / strength, fit_intercept=False, tol=1e-10, max_iter=1000)
    theirs.fit(np.column_stack([features, np.ones(300)]), label)
    np.testing.assert_allclose(found[0][:, 1] - found[0][:, 0], theirs.coef_[0, :4], atol=2e-3)
    assert found[1][1] - found[1][0] == pytest.approx(theirs.coef_[0, 4], abs=2e-3)


def test_a_fit_of_several_layers_lies_lower_than_what_is_near_it() -> None:
    """The gradient through layers, calibration and prior: no step from the optimum along any of 40 directions gains."""
    rng = np.random.default_rng(5)
    features = rng.normal(0, 1, (120, 6))
    label = (features[:, 0] * features[:, 1] > 0).astype(int)
    seen = Seen(features, rng.uniform(0.7, 1.4, 120), rng.normal(0, 0.5, 120))
    start = layers(6, 8, 5, 2)
    sign = np.where(label == 1, 1.0, -1.0)

    def loss(weights: list[np.ndarray]) -> float:
        away = sum(float(((a - b) ** 2).sum()) for a, b in zip(weights, start, strict=True))
        return float(label_loss(head_log_odds(weights, seen), sign, 0.05)[0].sum()) + 0.5 * 3.0 * away

    best = fitted_head(start, seen, label, 0.05, 3.0)
    assert loss(best) < loss(start) - 1
    for _ in range(40):
        step = [rng.normal(0, 0.02, weight.shape) for weight in best]
        assert loss([a + b for a, b in zip(best, step, strict=True)]) > loss(best) - 1e-4


def test_a_strong_prior_holds_the_network_where_it_was() -> None:
    rng = np.random.default_rng(1)
    features, start = rng.normal(0, 1, (50, 3)), layers(3, 4, 2)
    label = rng.integers(0, 2, 50)
    for weight, before in zip(fitted_head(start, shown(features), label, 0.0, 1e9), start, strict=True):
        np.testing.assert_allclose(weight, before, atol=1e-6)


def test_errors_of_labels_are_taken_off() -> None:
    """Where nothing tells candidates apart, the share p of real ones is told as p (1 - e) + (1 - p) e."""
    label = np.repeat([1, 0], [300, 700])
    found = fitted_head([np.zeros((1, 2)), np.zeros(2)], shown(np.zeros((1000, 1))), label, 0.1, 1e-6)
    assert head_log_odds(found, shown(np.zeros((1, 1))))[0] == pytest.approx(logit((0.3 - 0.1) / 0.8), abs=1e-3)


def test_few_labels_move_little_and_many_what_they_must() -> None:
    """A network that is right keeps its judgement under labels of which some are wrong; one that is wrong everywhere turns."""
    rng = np.random.default_rng(2)
    features = rng.normal(0, 1, (600, 2))
    real = (features[:, 0] > 0).astype(int)
    label = np.where(rng.random(600) < 0.059, 1 - real, real)
    right = [np.array([[-2.0, 2.0], [0.0, 0.0]]), np.zeros(2)]
    kept = adapted(right, shown(features[:40]), label[:40], 0.059, 1)
    assert np.mean((head_log_odds(kept.weights, shown(features)) > 0) == real) > 0.95
    turned = adapted([-right[0], right[1]], shown(features), label, 0.059, 1)
    assert turned.strength < STRENGTHS[0]
    assert np.mean((turned.held_out > 0) == real) > 0.95


def test_held_out_log_odds_are_of_weights_that_have_not_seen_the_label() -> None:
    """Labels by chance: whoever had seen them would do better than chance."""
    rng = np.random.default_rng(4)
    features, label = rng.normal(0, 1, (80, 60)), rng.integers(0, 2, 80)
    found = adapted([np.zeros((60, 2)), np.zeros(2)], shown(features), label, 0.0, 1)
    assert np.mean((found.held_out > 0) == label) < 0.65
    again = adapted([np.zeros((60, 2)), np.zeros(2)], shown(features), label, 0.0, 1)
    np.testing.assert_array_equal(found.held_out, again.held_out)


def test_too_few_labels_are_refused() -> None:
    start, seen = [np.zeros((1, 2)), np.zeros(2)], shown(np.ones((6, 1)))
    with pytest.raises(UserError, match="only 1 candidates are labelled real"):
        adapted(start, seen, np.array([1, 0, 0, 0, 0, 0]), 0.059, 1)
    with pytest.raises(UserError, match="no candidate is labelled real"):
        adapted(start, seen, np.zeros(6, int), 0.059, 1)


@pytest.mark.parametrize(("architecture", "count"), [("read-set", 3), ("deepcnnvalid", 2)])
def test_last_layers_make_the_same_log_odds_as_the_network(
    architecture: Architecture, count: int, tmp_path: pytest.TempPathFactory
) -> None:
    calibration = ClassCalibrations(
        substitution=Calibration(temperature=0.8, bias=0.3, positive_fraction=0.3),
        indel=Calibration(temperature=1.5, bias=-0.4, positive_fraction=0.6),
    )
    model, card = network(architecture, calibration=calibration)
    assert len(last_layers(model)) == count
    with TensorSource([write_tensors(tmp_path / "t.h5", random_tensors(40, card.settings))]) as source:
        chosen = np.arange(1, 40, 2)
        seen = seen_of(model, calibration, source, chosen)
        np.testing.assert_allclose(
            head_log_odds(weights_of(model), seen), predicted_log_odds(model, source, chosen), rtol=1e-4, atol=1e-4
        )


def test_the_share_at_which_probabilities_hold_is_the_one_that_they_expect() -> None:
    before = ClassCalibrations(indel=Calibration(positive_fraction=0.7, false_to_true=0.01))
    odds = np.concatenate([np.full(60, logit(0.9)), np.full(40, logit(0.1)), [0.0]])
    found = share_of_real(odds, np.arange(101) == 100, before)
    assert found.substitution.positive_fraction == pytest.approx(0.6 * 0.9 + 0.4 * 0.1)
    assert found.indel.positive_fraction == 0.7, "one indel tells nothing of a share"
    assert found.indel.false_to_true is None and found.indel.temperature == 1.0
