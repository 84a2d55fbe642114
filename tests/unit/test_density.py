"""Encoded densities against scipy's beta distribution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from varproof.formats.density import decode_density, encode_density
from varproof.formats.density_numba_fns import MAX_POINTS
from varproof.posterior.vaf import frequency_estimate


def log_beta(a: float, b: float, grid: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return stats.beta(a, b).logpdf(grid)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (2, 1), (1, 41), (41, 1), (3, 40), (20, 20), (11, 31), (200, 300)])
def test_round_trip_keeps_mean_and_interval(a: float, b: float) -> None:
    """Within 2 % of the standard deviation of what the beta distribution has; of an even one any 95 % are the narrowest."""
    true = stats.beta(a, b)
    text = encode_density(np.linspace(0, 1, 401), log_beta(a, b, np.linspace(0, 1, 401)))
    estimate = frequency_estimate(text)
    below = np.linspace(0.0, 0.05, 2001)
    low, high = true.ppf(below), true.ppf(below + 0.95)
    narrowest = np.argmin(high - low)
    assert estimate.mean == pytest.approx(true.mean(), abs=0.02 * true.std())
    assert estimate.high - estimate.low == pytest.approx(high[narrowest] - low[narrowest], abs=0.04 * true.std())
    if (a, b) != (1, 1):
        assert np.allclose((estimate.low, estimate.high), (low[narrowest], high[narrowest]), rtol=0, atol=0.05 * true.std())
    assert text.count("|") < MAX_POINTS


@settings(max_examples=40)
@given(st.integers(1, 300), st.integers(1, 300))
def test_thinning_keeps_the_curve(a: int, b: int) -> None:
    """Posteriors of any read counts: against the curve through all points of the grid, to 2 % of its maximum."""
    grid = np.linspace(0, 1, 1001)
    log_density = log_beta(a, b, grid)
    log_density = np.maximum(log_density - log_density.max(), -200)
    vaf, density = decode_density(encode_density(grid, log_density))
    assert np.trapezoid(density, vaf) == pytest.approx(1)
    assert (np.diff(vaf) > 0).all()
    assert 0 <= vaf[0] <= vaf[-1] <= 1
    curve = np.exp(np.interp(vaf, grid, log_density))
    assert np.abs(density * np.trapezoid(curve, vaf) - curve).max() < 0.02


def test_a_narrow_density_keeps_its_width() -> None:
    grid = np.linspace(0.4999, 0.5001, 201)
    estimate = frequency_estimate(encode_density(grid, -(((grid - 0.5) / 1e-5) ** 2) / 2))
    assert estimate.high - estimate.low == pytest.approx(2 * 1.96e-5, rel=0.03)


def test_few_points_are_kept_as_they_are() -> None:
    """Relative to the maximum: exp(-1) is 10/ln 10 = 4.34 PHRED under it."""
    assert encode_density([0.1, 0.2, 0.3], [2.0, 3.0, 2.0]) == "0.1=4.34|0.2=0.00|0.3=4.34"


def test_the_density_ends_where_it_is_a_hundred_thousandth() -> None:
    _, density = decode_density(encode_density(np.linspace(0, 1, 1001), log_beta(50, 50, np.linspace(0, 1, 1001))))
    assert density[0] / density.max() == pytest.approx(1e-5, rel=0.2)
    assert density[-1] / density.max() == pytest.approx(1e-5, rel=0.2)


def test_two_modes_survive() -> None:
    grid = np.linspace(0, 1, 401)
    density = 0.5 * stats.norm(0.2, 0.03).pdf(grid) + 0.5 * stats.norm(0.7, 0.03).pdf(grid)
    estimate = frequency_estimate(encode_density(grid, np.log(density)))
    assert estimate.mean == pytest.approx(0.45, abs=0.003)
    assert estimate.low == pytest.approx(0.2 - 1.645 * 0.03, abs=0.003)
    assert estimate.high == pytest.approx(0.7 + 1.645 * 0.03, abs=0.003)


def test_point_masses_and_missing_values() -> None:
    assert encode_density([0.5], [0.0]) == "0.5=0.00"
    vaf, density = decode_density("0.5=0.00")
    assert (list(vaf), list(density)) == ([0.5], [1.0])
    assert encode_density([0.1, 0.2], [-np.inf, -np.inf]) == "."
    assert encode_density([0.1, 0.2], [np.nan, 0.0]) == "."
    assert [len(part) for part in decode_density(".")] == [0, 0]
    assert frequency_estimate(encode_density([0.0, 0.5, 1.0], [-np.inf, 0.0, -np.inf])).mean == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("text", ["abc", "0.1", "0.1=0|0.2", "0.2=1|0.1=0", "0.1=0|0.1=0", "0.1=nan|0.2=0"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_density(text)
