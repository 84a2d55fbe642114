"""Which rates can be promised: against the true rates of known distributions, and against counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from varproof.network.calibration import fitted_calibration, fitted_class_calibrations
from varproof.network.promises import CONFIDENCE, RECALLS, false_to_true_limit, least_rate, least_share


def test_the_limit_lies_over_the_truth_as_often_as_it_says() -> None:
    """Artefacts N(0, 1), real ones N(2, 1): at the threshold of each recall f/t is known, and the least of them is the best."""
    rng = np.random.default_rng(3)
    best = min(norm.sf(2 + norm.isf(recall)) / recall for recall in RECALLS)
    held = 0
    for _ in range(200):
        odds = np.concatenate([rng.normal(0, 1, 300), rng.normal(2, 1, 200)])
        found = false_to_true_limit(odds, np.repeat([0, 1], [300, 200]))
        assert found is not None
        held += found >= best
    assert held >= 200 * CONFIDENCE, "Bonferroni errs on the safe side"


def test_more_artefacts_tell_of_lower_rates() -> None:
    """None of n passes: the limit falls as 1/n, and never under what n can tell."""
    limits = [false_to_true_limit([-1.0] * n + [1.0] * 10_000, [0] * n + [1] * 10_000) for n in (10, 100, 1000, 10_000)]
    assert all(
        limit is not None and limit > -np.log(1 - CONFIDENCE) / n
        for limit, n in zip(limits, (10, 100, 1000, 10_000), strict=True)
    )
    assert limits[1] / limits[2] == pytest.approx(10, rel=0.05) and limits[2] / limits[3] == pytest.approx(10, rel=0.05)


def test_what_tells_nothing_promises_nothing() -> None:
    assert false_to_true_limit([1.0, 2.0], [1, 1]) is None and false_to_true_limit([1.0, 2.0], [0, 0]) is None
    upside_down = false_to_true_limit([1.0] * 50 + [-1.0] * 50, [0] * 50 + [1] * 50)
    assert upside_down is not None and upside_down > 1, "all artefacts pass before any real one does"


@given(st.floats(1e-5, 1), st.floats(1e-4, 0.99))
def test_rate_and_share_are_of_the_same_calls(limit: float, share: float) -> None:
    """Of 10^6 candidates at the share, all real ones and so many artefacts pass as the limit allows: the rate by counting."""
    real, artefacts = share * 1e6, (1 - share) * 1e6
    rate = least_rate(limit, share)
    assert rate == pytest.approx(artefacts * limit / (artefacts * limit + real), rel=1e-9)
    assert least_share(limit, rate) == pytest.approx(share, rel=1e-6)


def test_calibrations_carry_it() -> None:
    """Of each class by its own held-out candidates; of a class with few by all."""
    rng = np.random.default_rng(1)
    odds = np.concatenate([rng.normal(-3, 1, 400), rng.normal(3, 1, 400)])
    label, indel = np.repeat([0, 1], 400), np.zeros(800, bool)
    indel[[0, 1, 798, 799]] = True
    everything = fitted_calibration(odds, label)
    assert everything.false_to_true == false_to_true_limit(odds, label)
    by_class = fitted_class_calibrations(odds, label, indel)
    assert by_class.indel == everything
    assert by_class.substitution.false_to_true == false_to_true_limit(odds[~indel], label[~indel])
