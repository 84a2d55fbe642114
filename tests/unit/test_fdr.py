"""The kept set against definition and brute force."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varproof.posterior.fdr import fdr_threshold

ERRORS = st.lists(st.sampled_from([0.0, 1e-30, 0.01, 0.04, 0.05, 0.051, 0.2, 0.5, 0.9, 1.0]), max_size=9)
RATES = st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5, 1.0])


def test_worked_example() -> None:
    """(0.01 + 0.02 + 0.12) / 3 = 0.05 is allowed; with 0.9 the mean would be 0.2625."""
    found = fdr_threshold([0.9, 0.12, 0.01, 0.02], 0.05)
    assert (found.error, found.kept, found.considered) == (0.12, 3, 4)
    assert found.expected_false == pytest.approx(0.15)
    assert found.expected_fdr == pytest.approx(0.05)


def test_local_keeps_each_call_under_the_rate() -> None:
    found = fdr_threshold([0.9, 0.12, 0.01, 0.05, 0.02], 0.05, "local")
    assert (found.error, found.kept) == (0.05, 3)
    assert found.expected_false == pytest.approx(0.08)


def test_ties_at_the_threshold_are_kept_or_left_out_together() -> None:
    """With one 0.1 the mean is 0.05, with both 0.0667: neither is kept at 0.05, both at 0.07."""
    errors = [0.0, 0.1, 0.1]
    assert fdr_threshold(errors, 0.05).kept == 1
    assert fdr_threshold(errors, 0.05).error == 0.0
    assert fdr_threshold(errors, 0.07).kept == 3
    assert fdr_threshold([0.1, 0.1], 0.05).kept == 0


def test_rounding_does_not_lose_calls_at_the_rate() -> None:
    assert fdr_threshold(np.full(20_000, 0.05), 0.05).kept == 20_000


def test_nothing_to_keep() -> None:
    for errors in ([], [0.5, 0.9]):
        found = fdr_threshold(errors, 0.05)
        assert (found.kept, found.expected_false, found.expected_fdr) == (0, 0.0, 0.0)
        assert not any(error <= found.error for error in [*errors, 0.0])


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.01])
def test_rate_outside_its_range(rate: float) -> None:
    with pytest.raises(ValueError, match="lies in"):
        fdr_threshold([0.1], rate)


@given(ERRORS, RATES)
def test_smart_is_global_without_what_is_not_likelier_true(errors: list[float], rate: float) -> None:
    smart, whole = fdr_threshold(errors, rate), fdr_threshold(errors, rate, "global")
    assert smart.kept == sum(error <= whole.error and error < 0.5 for error in errors)
    assert smart.expected_false == pytest.approx(sum(error for error in errors if error <= whole.error and error < 0.5))


@given(ERRORS, RATES)
def test_global_is_the_largest_of_all_subsets(errors: list[float], rate: float) -> None:
    """Among all 2^n subsets that no better call was left out of, none with a mean <= rate is larger."""
    allowed = [0]
    for size in range(1, len(errors) + 1):
        for subset in itertools.combinations(range(len(errors)), size):
            worst = max(errors[i] for i in subset)
            whole = all(i in subset for i in range(len(errors)) if errors[i] <= worst)
            if whole and np.mean([errors[i] for i in subset]) <= rate * (1 + 1e-9):
                allowed.append(size)
    found = fdr_threshold(errors, rate, "global")
    assert found.kept == max(allowed)
    assert sum(error <= found.error for error in errors) == found.kept
    assert found.expected_false == pytest.approx(sum(error for error in errors if error <= found.error))


@given(st.lists(st.floats(0, 1), max_size=9, unique=True), RATES)
def test_without_ties_it_is_the_largest_subset_of_all(errors: list[float], rate: float) -> None:
    sizes = [
        size
        for size in range(1, len(errors) + 1)
        if any(np.mean(subset) <= rate * (1 + 1e-9) for subset in itertools.combinations(errors, size))
    ]
    assert fdr_threshold(errors, rate, "global").kept == max(sizes, default=0)


@given(ERRORS, RATES)
def test_local_is_a_subset_of_global(errors: list[float], rate: float) -> None:
    assert fdr_threshold(errors, rate, "local").kept <= fdr_threshold(errors, rate, "global").kept
