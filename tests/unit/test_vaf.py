"""Quantiles against integration, the spectrum by hand, the neutral line on spectra with a known rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from varproof.posterior.vaf import cumulative_spectrum, density_quantiles, frequency_estimate, neutral_fit


def test_a_triangle_by_hand() -> None:
    """Density 2x on [0, 1]: the quantile of p is sqrt(p), the mean 2/3."""
    vaf = np.array([0.0, 1.0])
    density = np.array([0.0, 2.0])
    assert density_quantiles(vaf, density, [0.0, 0.25, 0.81, 1.0]) == pytest.approx([0.0, 0.5, 0.9, 1.0])
    assert density_quantiles(vaf, density[::-1], [0.19]) == pytest.approx([0.1])
    fine = np.linspace(0, 1, 2001)
    estimate = frequency_estimate(fine, 2 * fine)
    assert (estimate.mode, estimate.mean) == (1.0, pytest.approx(2 / 3, abs=1e-6))
    assert (estimate.low, estimate.high) == pytest.approx((np.sqrt(0.025), np.sqrt(0.975)))


@given(st.lists(st.floats(0.01, 5), min_size=3, max_size=8), st.floats(0.01, 0.99))
def test_quantiles_invert_the_integral(heights: list[float], probability: float) -> None:
    vaf = np.linspace(0.1, 0.9, len(heights))
    density = np.array(heights) / np.trapezoid(heights, vaf)
    (quantile,) = density_quantiles(vaf, density, [probability])
    inner = [point for point in vaf if point < quantile]
    area, _ = integrate.quad(lambda x: np.interp(x, vaf, density), vaf[0], quantile, points=inner[1:] or None, limit=200)
    assert area == pytest.approx(probability, abs=1e-6)


def test_point_mass_and_nothing() -> None:
    assert frequency_estimate(np.array([0.3]), np.array([1.0])).high == 0.3
    assert np.isnan(frequency_estimate(np.zeros(0), np.zeros(0)).mean)


def test_cumulative_spectrum_by_hand() -> None:
    frequency, count = cumulative_spectrum([0.5, 0.1, 0.2, 0.5])
    assert list(frequency) == [0.5, 0.2, 0.1]
    assert list(count) == [2, 3, 4]


@pytest.mark.parametrize("rate", [3.0, 20.0, 150.0])
def test_exact_neutral_spectrum_gives_its_rate(rate: float) -> None:
    """With 1/f_k - 1/fmax = k/rate the cumulative count at f_k is k, so the line has slope rate and no residual."""
    fmin, fmax = 0.12, 0.24
    k = np.arange(1, int(rate * (1 / fmin - 1 / fmax)) + 1)
    fit = neutral_fit(1 / (k / rate + 1 / fmax), fmin, fmax)
    assert fit is not None
    assert fit.mutation_rate == pytest.approx(rate)
    assert fit.r_squared == pytest.approx(1)
    assert fit.r_squared_uncentred == pytest.approx(1)
    assert fit.variants == len(k)


def test_variants_outside_the_range_do_not_matter() -> None:
    generator = np.random.default_rng(4)
    inside = 1 / generator.uniform(1 / 0.24, 1 / 0.12, 300)
    inside = inside[(inside >= 0.12) & (inside < 0.24)]
    outside = np.concatenate([generator.uniform(0.24, 1, 500), generator.uniform(0.01, 0.1199, 500)])
    assert neutral_fit(np.concatenate([inside, outside])) == neutral_fit(inside)


def test_the_interval_covers_the_rate() -> None:
    """Of 60 random neutral tumours with a rate of 40, at least 50 have it in their 95 % interval."""
    generator = np.random.default_rng(8)
    covered = 0
    for _ in range(60):
        number = generator.poisson(40 * (1 / 0.12 - 1 / 0.24))
        fit = neutral_fit(1 / generator.uniform(1 / 0.24, 1 / 0.12, number))
        assert fit is not None
        covered += fit.mutation_rate_low <= 40 <= fit.mutation_rate_high
    assert covered >= 50


def test_clonal_peak_is_not_neutral() -> None:
    """A subclone at 0.2 bends the line: the R2 falls clearly under the 0.98 of Williams et al."""
    generator = np.random.default_rng(2)
    tail = 1 / generator.uniform(1 / 0.24, 1 / 0.12, 80)
    peak = np.clip(generator.normal(0.2, 0.006, 300), 0.13, 0.239)
    bent, straight = neutral_fit(np.concatenate([tail, peak])), neutral_fit(tail)
    assert bent is not None and straight is not None
    assert bent.r_squared < 0.95 < straight.r_squared


def test_too_few_variants() -> None:
    assert neutral_fit([0.15, 0.16, 0.17, 0.2]) is None
    assert neutral_fit([]) is None
    tied = neutral_fit([0.2] * 10)
    assert tied is not None and np.isnan(tied.r_squared)
