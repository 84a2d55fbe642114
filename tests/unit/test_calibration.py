"""Temperature, bias and the share of real candidates: against scikit-learn, plain EM, and mixtures whose answer is known."""

import logging
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binom

from varproof.machinery.errors import UserError
from varproof.network.calibration import fitted_calibration, log_odds
from varproof.network.logistic import logistic_weights
from varproof.network.metrics import classification_metrics
from varproof.network.prior_shift import FEWEST_CANDIDATES, PSEUDO_CANDIDATES, adjusted, shifted_prior
from varproof.posterior.fdr import fdr_threshold


def gaussian_sample(n: int, fraction: float, rng: np.random.Generator, distance: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """(label, log-likelihood ratio) of n draws from N(0, 1) or, with probability `fraction`, N(distance, 1)."""
    real = rng.random(n) < fraction
    return real, (rng.normal(distance * real, 1) - distance / 2) * distance


def test_weights_against_scikit_learn() -> None:
    """With priors so wide that they do nothing, and with normal priors, which are scikit-learn's penalty."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 2))
    label = rng.random(400) < expit(features @ [1.5, -0.5] - 1)
    free = LogisticRegression(C=1e9, tol=1e-9, max_iter=1000).fit(features, label)
    with_one = np.column_stack([features, np.ones(400)])
    none = np.zeros(400)
    found = logistic_weights(with_one, label, none, (0, 0, 0), (1e6,) * 3, (-math.inf,) * 3)
    assert found == pytest.approx([*free.coef_[0], free.intercept_[0]], abs=1e-4)
    penalised = LogisticRegression(C=0.25, tol=1e-9, max_iter=1000).fit(features, label)
    found = logistic_weights(with_one, label, none, (0, 0, 0), (0.5, 0.5, 1e6), (-math.inf,) * 3)
    assert found == pytest.approx([*penalised.coef_[0], penalised.intercept_[0]], abs=1e-4)
    bounded = logistic_weights(with_one, label, none, (0, 0, 0), (1e6,) * 3, (0, 0, -math.inf))
    assert bounded[1] == 0
    part = logistic_weights(with_one[:, 1:], label, 1.5 * features[:, 0], (0, 0), (1e6,) * 2, (-math.inf,) * 2)
    assert part == pytest.approx([-0.5, -1], abs=0.3)


@pytest.mark.parametrize(("temperature", "bias"), [(1.0, 0.0), (3.0, 0.5), (0.4, -1.0)])
def test_a_distorted_log_odds_is_set_right(temperature: float, bias: float) -> None:
    """Log-odds known to be right, distorted; the fit finds the distortion within its standard error."""
    rng = np.random.default_rng(5)
    right = rng.normal(-1, 2.5, 20_000)
    label = rng.random(len(right)) < expit(right)
    fitted = fitted_calibration((right - bias) * temperature, label)
    assert fitted.temperature == pytest.approx(temperature, rel=0.05)
    assert fitted.bias == pytest.approx(bias, abs=0.08)
    assert fitted.positive_fraction == label.mean()
    probability = expit(fitted.calibrated((right - bias) * temperature))
    assert probability.mean() == pytest.approx(label.mean(), abs=1e-4), "the likelihood equation of the bias"
    assert classification_metrics(label, probability).expected_calibration_error < 0.01


def test_separated_and_reversed_data_stay_finite() -> None:
    label = np.repeat([0, 1], 50)
    separated = fitted_calibration(np.where(label, 6.0, -6.0), label)
    assert 0.3 < separated.temperature < 1.5
    reversed_ = fitted_calibration(np.where(label, -6.0, 6.0), label)
    assert np.all(np.abs(reversed_.calibrated([-6.0, 6.0])) < 0.1), "a network that is always wrong knows nothing"


def test_calibration_refusals() -> None:
    with pytest.raises(UserError, match="not finite: its training diverged"):
        fitted_calibration([0.0, math.nan], [0, 1])
    with pytest.raises(UserError, match="2 held-out candidates, 2 of them real"):
        fitted_calibration([0.0, 1.0], [1, 1])


def test_log_odds_of_a_softmax_keep_both_ends() -> None:
    for value in (-60.0, -3.0, 0.0, 25.0):
        softmax = np.array([[expit(-value), expit(value)]], np.float32)
        assert log_odds(softmax)[0] == pytest.approx(value, rel=1e-6)
    assert np.all(np.isfinite(log_odds([[1.0, 0.0], [0.0, 1.0]])))


def plain_em(probability: np.ndarray, training: float) -> float:
    """Saerens et al., equations 2.8 and 2.9, with the pseudo-candidate of the training share; run until nothing moves."""
    share = training
    for _ in range(100_000):
        odds = probability / (1 - probability) * share / (1 - share) * (1 - training) / training
        total = (odds / (1 + odds)).sum() + PSEUDO_CANDIDATES * training
        new = total / (len(probability) + PSEUDO_CANDIDATES)
        if abs(new - share) < 1e-13:
            break
        share = new
    return share


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.001, 0.999), min_size=20, max_size=60), st.floats(0.05, 0.9))
def test_the_fixed_point_of_em(probability: list[float], training: float) -> None:
    values = np.array(probability)
    found, share, iterations = adjusted(values, training)
    assert share == pytest.approx(plain_em(values, training), abs=1e-6)
    assert 0 < iterations < 100
    assert np.all(np.diff(found[np.argsort(values)]) >= 0)
    assert logit(found) - logit(values) == pytest.approx(logit(share) - logit(training), abs=1e-6)
    assert (found.sum() + PSEUDO_CANDIDATES * training) / (len(values) + PSEUDO_CANDIDATES) == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("fraction", [0.002, 0.01, 0.1, 0.5, 0.95])
def test_known_mixtures(fraction: float) -> None:
    """The share lies within four standard errors (Fisher information); the posterior is the true one at that share."""
    rng = np.random.default_rng(7)
    n, training = 50_000, 0.3
    _, ratio = gaussian_sample(n, fraction, rng)
    shifted = shifted_prior(ratio + logit(training), training)
    _, big = gaussian_sample(400_000, fraction, rng)
    density_over_mixture = np.expm1(big) / (1 + fraction * np.expm1(big))
    standard_error = 1 / math.sqrt(n * np.mean(density_over_mixture**2))
    assert abs(shifted.fraction - fraction) < 4 * standard_error
    assert shifted.log_odds == pytest.approx(ratio + logit(shifted.fraction), abs=1e-9)


def test_samples_without_real_candidates_and_with_nothing_else() -> None:
    rng = np.random.default_rng(8)
    for fraction, low, high in ((0.0, 0, 0.002), (1.0, 0.998, 1)):
        _, ratio = gaussian_sample(5000, fraction, rng)
        shifted = shifted_prior(ratio + logit(0.3), 0.3)
        assert low < shifted.fraction < high
        expected = expit(shifted.log_odds).sum()
        assert abs(expected - 5000 * fraction) < 10
    flat = shifted_prior(np.full(100, logit(0.3)), 0.3)
    assert flat.fraction == pytest.approx(0.3), "log-odds that know nothing leave the share where it was"


def test_few_candidates_keep_the_training_share(caplog: pytest.LogCaptureFixture) -> None:
    few = np.full(FEWEST_CANDIDATES - 1, 3.0)
    with caplog.at_level(logging.INFO, logger="varproof"):
        kept = shifted_prior(few, 0.2, "insertions")
    assert (kept.fraction, kept.iterations) == (0.2, 0)
    assert np.array_equal(kept.log_odds, few)
    assert "19 insertions are too few to tell which share of them is real: 0.2 is assumed" in caplog.text
    caplog.clear()
    assert shifted_prior([], 0.2).fraction == 0.2
    assert not caplog.text


def test_those_not_judged_take_no_part() -> None:
    rng = np.random.default_rng(9)
    _, ratio = gaussian_sample(300, 0.1, rng)
    with_gaps = np.insert(ratio, [10, 200], np.nan)
    shifted = shifted_prior(with_gaps, 0.5)
    assert shifted.fraction == shifted_prior(ratio, 0.5).fraction
    assert np.flatnonzero(np.isnan(shifted.log_odds)).tolist() == [10, 201]
    with pytest.raises(ValueError, match="share of real candidates"):
        shifted_prior(ratio, 1.0)


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5])
def test_the_false_discovery_rate_is_kept(fraction: float) -> None:
    """A calibration learnt at 30 % real, from distorted log-odds; 20 samples at another share, their calls pooled."""
    rng = np.random.default_rng(11)
    label, ratio = gaussian_sample(20_000, 0.3, rng)
    calibration = fitted_calibration(2.5 * ratio - 1, label)
    for nominal in (0.01, 0.05, 0.1, 0.2):
        kept = false = 0
        for _ in range(20):
            real, ratio = gaussian_sample(5000, fraction, rng)
            shifted = shifted_prior(calibration.calibrated(2.5 * ratio - 1), calibration.positive_fraction)
            error = expit(-shifted.log_odds)
            chosen = error <= fdr_threshold(error, nominal, "global").error
            kept += int(chosen.sum())
            false += int((chosen & ~real).sum())
        low, high = binom.ppf([0.0005, 0.9995], kept, nominal)
        assert low <= false <= high
        assert kept > 0.5 * 20 * 5000 * fraction


def test_without_the_correction_the_rate_is_not_kept() -> None:
    rng = np.random.default_rng(12)
    real, ratio = gaussian_sample(50_000, 0.01, rng)
    error = expit(-(ratio + logit(0.3)))
    chosen = error <= fdr_threshold(error, 0.05).error
    assert (chosen & ~real).sum() / chosen.sum() > 0.3
