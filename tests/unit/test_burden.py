"""The mutational burden's interval: number of true calls against brute force, rates against the generative model."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from varproof.posterior.burden import burden, true_calls


@given(st.lists(st.floats(0, 1), max_size=8))
def test_numbers_of_true_calls_are_those_of_all_outcomes(probabilities: list[float]) -> None:
    wanted = np.zeros(len(probabilities) + 1)
    for outcome in itertools.product((0, 1), repeat=len(probabilities)):
        wanted[sum(outcome)] += np.prod([p if true else 1 - p for p, true in zip(probabilities, outcome, strict=True)])
    counts, weights = true_calls(probabilities)
    found = np.zeros(len(wanted))
    found[counts] = weights
    assert found == pytest.approx(wanted, abs=1e-7)


def test_many_uncertain_calls_are_nearly_normal() -> None:
    p = np.full(4000, 0.3)
    counts, weights = true_calls(p)
    assert weights.sum() == pytest.approx(1)
    assert (counts * weights).sum() == pytest.approx(1200, abs=0.1)
    assert np.sqrt(((counts - 1200) ** 2 * weights).sum()) == pytest.approx(stats.binom.std(4000, 0.3), rel=1e-3)


def test_certain_calls_have_the_interval_of_a_poisson_rate() -> None:
    found = burden(np.ones(10), 5e6)
    assert (found.per_mbp, found.low, found.high) == pytest.approx((2.0, *stats.gamma(10.5).ppf([0.025, 0.975]) / 5), rel=1e-5)
    for nothing in ([], [1e-7, 1e-6]):
        found = burden(nothing, 1e6)
        assert found.low <= found.per_mbp < 0.001 < found.high < 3


def test_intervals_cover_the_rate() -> None:
    """True variants by a rate, each called with a calibrated probability, among false calls."""
    generator = np.random.default_rng(4)
    covered = []
    for _ in range(400):
        rate = generator.uniform(1, 30)
        true = generator.poisson(rate * 2)
        # Posteriors of true and false calls from one calibrated experiment: P(true | p) = p.
        p_true, p_false = [], []
        while len(p_true) < true:
            p = generator.beta(2, 1)
            (p_true if generator.random() < p else p_false).append(p)
        found = burden(p_true + p_false, 2e6)
        covered.append(found.low <= rate <= found.high)
    assert 0.92 < np.mean(covered) <= 1.0
