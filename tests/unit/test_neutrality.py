"""The test of neutral evolution: its expectation against brute force, how often it errs, what it finds and what it says."""

import itertools

import numpy as np
import pytest
from scipy import stats

from varproof.posterior.neutrality import SHARE, Neutrality, neutrality, range_without_loss
from varproof.posterior.neutrality_numba_fns import seen_shares
from varproof.posterior.vaf import neutral_fit
from varproof.steps.evolution import Spectrum, conclusion, neutrality_of


def sample(
    generator: np.random.Generator, rate: float, clonal: int, depth: int, purity: float, subclone: int = 0, at: float = 0.16
) -> tuple[np.ndarray, np.ndarray]:
    """(frequencies, depths) as seen of a neutral tail of mu/beta `rate`, clonal variants at 0.5, and a subclone."""
    tail = 1 / generator.uniform(1 / 0.5, 1 / 0.004, generator.poisson(rate * (1 / 0.004 - 1 / 0.5)))
    frequencies = np.concatenate([tail, np.full(clonal, 0.5), np.full(subclone, at)])
    depths = generator.poisson(depth, len(frequencies)) + 1
    reads = generator.binomial(depths, purity * frequencies)
    kept = reads >= 4
    return np.minimum(reads / depths / purity, 1.0)[kept], depths[kept]


def result(vafs: np.ndarray, depths: np.ndarray, purity: float) -> Neutrality:
    found = neutrality(vafs, depths, purity, *range_without_loss(depths, purity, np.full(len(depths), 4), 0.24))
    assert found is not None
    return found


def test_where_variants_are_seen_by_brute_force() -> None:
    """The middle of a thousand slices of each k's place decides in which bin it is."""
    edges = np.array([0.05, 0.1, 0.13, 0.4, 1e9])
    depths, purity, frequencies = np.array([40, 55]), 0.7, np.array([0.03, 0.12, 0.5, 1.0])
    wanted = np.zeros((4, 4))
    for depth in depths.tolist():
        reads = np.arange(depth + 1)
        places = (reads[:, None] - 0.5 + (np.arange(1000) + 0.5) / 1000) / (depth * purity)
        share = np.stack([((places >= a) & (places < b)).mean(axis=1) for a, b in itertools.pairwise(edges)])
        wanted += stats.binom.pmf(reads, depth, purity * frequencies[:, None]) @ share.T / 2
    assert seen_shares(depths, frequencies, edges, purity) == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize(("depth", "purity", "rate"), [(60, 0.75, 60), (100, 0.8, 20)])
def test_neutral_spectra_are_rejected_as_often_as_promised(depth: int, purity: float, rate: float) -> None:
    """Of 40 at a level of 0.05 two are expected, and more than the limit in one of two hundred trials."""
    generator = np.random.default_rng(11)
    p = [result(*sample(generator, rate, 500, depth, purity), purity).p_value for _ in range(40)]
    assert sum(value < 0.05 for value in p) <= stats.binom.ppf(0.995, 40, 0.05)
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_a_subclone_that_the_line_hides_is_found() -> None:
    """R² is over the 0.98 of Williams et al., mu/beta more than twice the truth: the test rejects it, and says where."""
    vafs, depths = sample(np.random.default_rng(3), 40, 900, 100, 0.8, subclone=330)
    fit = neutral_fit(vafs)
    assert fit is not None and fit.r_squared > 0.98 and fit.mutation_rate > 2 * 40
    found = result(vafs, depths, 0.8)
    assert found.rejected and found.p_value < 0.01
    assert found.excess_frequency == pytest.approx(0.16, abs=0.02)
    assert found.excess_variants == pytest.approx(330, rel=0.3)
    assert "rejected" in conclusion(found) and "mu/beta is then no mutation rate" in conclusion(found)


def test_the_power_is_that_of_such_samples() -> None:
    """Subclones of 15 % at the frequency of the greatest power, planted and tested, are found about as often as said."""
    generator = np.random.default_rng(8)
    neutral = result(*sample(generator, 8, 150, 100, 0.8), 0.8)
    best = neutral.best_power
    assert 0.3 < best.power < 0.98
    subclone = round(SHARE / (1 - SHARE) * neutral.variants * (1 + 0.2))  # a fifth is seen outside the range
    rejected = [result(*sample(generator, 8, 150, 100, 0.8, subclone, best.frequency), 0.8).rejected for _ in range(40)]
    assert np.mean(rejected) == pytest.approx(best.power, abs=0.25)
    assert best.found_share is not None and best.found_share >= SHARE


def test_with_few_variants_it_says_that_it_says_little() -> None:
    found = result(*sample(np.random.default_rng(2), 10, 100, 60, 0.75), 0.75)
    assert not found.rejected and found.best_power.power < 0.5
    assert "which says little" in conclusion(found)


def test_clonal_variants_seen_low_are_no_subclone() -> None:
    """At 30 fragments those of 0.5 reach into the range; fewer variants are effective than there are."""
    vafs, depths = sample(np.random.default_rng(4), 30, 6000, 30, 1.0)
    found = result(vafs, depths, 1.0)
    assert found.effective_variants < 0.85 * found.variants
    assert found.p_value > 0.01


def test_what_is_not_tested() -> None:
    depths = np.full(10, 60)
    assert neutrality(np.full(10, 0.2), depths, 1.0, 0.1, 0.24) is None
    assert neutrality_of(Spectrum([], [], [], 1.0), None, None, 0.24) is None
    assert neutrality_of(Spectrum([0.2] * 50, [0] * 50, ["indel"] * 50, 1.0), None, None, 0.24) is None  # depths are not known
    low, _ = range_without_loss(np.full(10, 20), 0.5, np.full(10, 4), 0.24)
    assert low == pytest.approx(4.5 / 10)  # nothing under it is sure to be seen, and nothing between it and 0.24 is tested
    assert neutrality(np.full(100, 0.3), np.full(100, 20), 0.5, low, 0.24) is None
