"""Quantiles against integration, the spectrum by hand, the neutral line on spectra with a known rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from varproof.formats.density import encode_density
from varproof.posterior.components import GRID
from varproof.posterior.vaf import cumulative_spectrum, frequency_estimate, neutral_fit
from varproof.posterior.vaf_numba_fns import narrowest, quantiles


def test_a_triangle_by_hand() -> None:
    """Density 2x on [0, 1]: the quantile of p is sqrt(p)."""
    vaf = np.array([0.0, 1.0])
    density = np.array([0.0, 2.0])
    assert quantiles(vaf, density, np.array([0.0, 0.25, 0.81, 1.0])) == pytest.approx([0.0, 0.5, 0.9, 1.0])
    assert quantiles(vaf, density[::-1].copy(), np.array([0.19])) == pytest.approx([0.1])


@given(st.floats(0.05, 60), st.floats(0, 1), st.floats(0.01, 1))
def test_an_exponential_by_hand(phred: float, low: float, width: float) -> None:
    """Two points are a truncated exponential density, whose mean and quantiles are known; `scipy.stats.truncexpon`."""
    rate = phred * np.log(10) / 10
    true = stats.truncexpon(rate, loc=low, scale=width / rate)
    estimate = frequency_estimate(f"{low!r}=0|{low + width!r}={phred!r}", 0.9)
    wanted = (low, true.mean(), low, true.ppf(0.9))  # it falls: the densest part begins at its lower end
    found = (estimate.mode, estimate.mean, estimate.low, estimate.high)
    assert found == pytest.approx(wanted, rel=0, abs=0.04 * width)  # the curve is 16 straight lines
    if phred < 6:
        assert found == pytest.approx(wanted, rel=0, abs=1e-3 * width)


@given(st.lists(st.floats(0.01, 5), min_size=3, max_size=8), st.floats(0.01, 0.99))
def test_quantiles_invert_the_integral(heights: list[float], probability: float) -> None:
    vaf = np.linspace(0.1, 0.9, len(heights))
    density = np.array(heights) / np.trapezoid(heights, vaf)
    (quantile,) = quantiles(vaf, density, np.array([probability]))
    inner = [point for point in vaf if point < quantile]
    area, _ = integrate.quad(lambda x: np.interp(x, vaf, density), vaf[0], quantile, points=inner[1:] or None, limit=200)
    assert area == pytest.approx(probability, abs=1e-6)


@given(st.lists(st.floats(0.0, 5), min_size=3, max_size=8), st.floats(0.1, 0.99))
def test_no_interval_with_its_share_is_narrower(heights: list[float], level: float) -> None:
    """Against all intervals that begin at one of 2000 quantiles; with as many points as a string's curve has.

    To 2 % of the width: of several peaks one nearly as high may be taken.
    """
    vaf = np.linspace(0.1, 0.9, 16 * len(heights))
    density = np.interp(vaf, np.linspace(0.1, 0.9, len(heights)), heights) + 0.01
    low, high = narrowest(vaf, density, level)
    density = density / np.trapezoid(density, vaf)
    inner = [point for point in vaf if low < point < high]
    area = integrate.quad(lambda x: np.interp(x, vaf, density), low, high, points=inner or None, limit=200)[0]
    assert area == pytest.approx(level, abs=1e-6)
    begin = np.linspace(0, 1 - level, 2000)
    widths = quantiles(vaf, density, np.minimum(begin + level, 1.0)) - quantiles(vaf, density, begin)
    assert high - low <= 1.02 * widths.min() + 1e-4


@pytest.mark.parametrize(("depth", "purity"), [(20, 1.0), (50, 1.0), (60, 0.5)])
def test_intervals_hold_the_truth_in_95_of_100(depth: int, purity: float) -> None:
    """Over frequencies spread evenly it is the level, since that is the prior; at 1 exactly hardly less
    (Zhang and Woodroofe 2003: about 1 - 3/2 (1 - level) at least, near the bound of a parameter).
    """
    intervals = [frequency_estimate(binomial_density(reads, depth, purity)) for reads in range(depth + 1)]
    low, high = (np.array([getattr(one, end) for one in intervals]) for end in ("low", "high"))
    frequencies = np.linspace(0, 1, 1001)
    reads = stats.binom.pmf(np.arange(depth + 1), depth, purity * frequencies[:, None])
    holds = (low <= frequencies[:, None] + 1e-9) & (frequencies[:, None] - 1e-9 <= high)
    covered = (reads * holds).sum(axis=1)
    assert np.trapezoid(covered, frequencies) == pytest.approx(0.95, abs=0.004)
    assert covered[-1] > 0.92
    assert frequency_estimate(binomial_density(depth, depth, 1.0)).high == 1.0


def binomial_density(reads: int, depth: int, purity: float) -> str:
    """The string of a frequency of which `reads` of `depth` fragments tell."""
    fractions = np.clip(purity * GRID, 1e-12, 1 - 1e-12)
    return encode_density(GRID, reads * np.log(fractions) + (depth - reads) * np.log1p(-fractions))


def test_point_mass_and_nothing() -> None:
    assert frequency_estimate("0.3=0.00").high == 0.3
    assert np.isnan(frequency_estimate(".").mean)


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
