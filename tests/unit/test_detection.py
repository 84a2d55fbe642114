"""The detection limit against scipy, frequencies near it against truncated likelihoods, and what calls tell of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from varproof.formats.density import encode_density
from varproof.posterior.components import GRID
from varproof.posterior.detection import DetectionLimit, OddsLine, odds_line
from varproof.posterior.detection_numba_fns import kept_by_fragments, kept_probability, log_beta
from varproof.posterior.vaf import frequency_estimate


def binomial_density(reads: int, depth: int, purity: float) -> str:
    """The string of a frequency of which `reads` of `depth` fragments tell."""
    fractions = np.clip(purity * GRID, 1e-12, 1 - 1e-12)
    return encode_density(GRID, reads * np.log(fractions) + (depth - reads) * np.log1p(-fractions))


@given(st.integers(1, 400), st.floats(1e-4, 0.999), st.lists(st.floats(1e-6, 1), max_size=12))
def test_being_kept_is_the_mean_over_fragments(depth: int, fraction: float, kept: list[float]) -> None:
    by_fragments = np.ones(depth + 1)
    by_fragments[: len(kept)] = kept[: depth + 1]
    wanted = (stats.binom.pmf(np.arange(depth + 1), depth, fraction) * by_fragments).sum()
    assert kept_probability(fraction, depth, np.array(kept)) == pytest.approx(wanted, rel=1e-6)


def test_log_beta_is_that_of_scipy() -> None:
    assert log_beta(4.0, 60.0) == pytest.approx(special.betaln(5, 57), rel=1e-12)


def test_a_threshold_by_hand() -> None:
    """With 10 nats for a fragment and a threshold between those of two and three of 60, three are kept and two are not."""
    line = OddsLine(-10.0, 10.0, 1000.0, 0.0, 0.3)
    odds = [-10 + 10 * k + special.betaln(k + 1, 61 - k) for k in range(4)]
    kept = kept_by_fragments(60, 0, np.asarray(line), (odds[2] + odds[3]) / 2)
    assert len(kept) <= 4
    assert kept[2] < 1e-6
    assert stats.norm.cdf((odds[3] - odds[2]) / 2 / 0.3) > 1 - 1e-6
    half = kept_by_fragments(60, 0, np.asarray(line), odds[2])
    assert half[2] == pytest.approx(0.5)
    assert len(kept_by_fragments(60, 5, np.asarray(line), odds[2])) == 5


@pytest.mark.parametrize(("depth", "least", "purity"), [(60, 4, 1.0), (60, 4, 0.6), (200, 6, 0.8)])
def test_near_a_limit_estimates_are_those_of_the_truncated_likelihood(depth: int, least: int, purity: float) -> None:
    limit = DetectionLimit(least_fragments=least)
    theta = np.linspace(1e-7, 1, 40_001)
    for reads in range(least, least + 4):
        text = binomial_density(reads, depth, purity)
        found = limit.corrected(text, frequency_estimate(text).low, depth, "substitution", purity)
        assert found is not None
        likelihood = stats.binom.pmf(reads, depth, purity * theta) / stats.binom.sf(least - 1, depth, purity * theta)
        # The prior of Jeffreys is even in the arcsine of the root.
        place = np.sin(np.linspace(1e-4, np.arcsin(np.sqrt(purity)), 4001)) ** 2 / purity
        even = stats.binom.pmf(reads, depth, purity * place) / stats.binom.sf(least - 1, depth, purity * place)
        assert found.value == pytest.approx((even * place).sum() / even.sum(), abs=0.04 / depth / purity * reads)
        cumulative = np.cumsum(likelihood) / likelihood.sum()
        share = np.interp(found.high, theta, cumulative) - np.interp(found.low, theta, cumulative)
        assert share == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(("depth", "least", "purity"), [(60, 4, 1.0), (100, 4, 0.6), (200, 6, 0.8), (1000, 9, 1.0)])
def test_corrected_frequencies_near_a_limit_are_right_on_average(depth: int, least: int, purity: float) -> None:
    """Exact sums over reads: where one in five to nineteen in twenty are kept, observed ones are too high by up to several
    hundredths, corrected ones by less than one of the fragments; and their intervals hold the truth.
    """
    limit = DetectionLimit(least_fragments=least)
    reads = np.arange(least, depth + 1)
    frequencies = [f for f in np.geomspace(0.002, 0.5, 40) if 0.2 < stats.binom.sf(least - 1, depth, purity * f) < 0.95]
    reads = reads[reads < 60]
    raw, corrected = [], []
    for k in reads.tolist():
        text = binomial_density(k, depth, purity)
        estimate = frequency_estimate(text)
        found = limit.corrected(text, estimate.low, depth, "substitution", purity)
        raw.append((estimate.mode, estimate.low, estimate.high))
        corrected.append(raw[-1] if found is None else (found.value, found.low, found.high))
    observed, estimated = np.array(raw), np.array(corrected)
    bias, covered = [], []
    for f in frequencies:
        weight = stats.binom.pmf(reads, depth, purity * f)
        weight /= weight.sum()
        bias.append((weight @ observed[:, 0] - f, weight @ estimated[:, 0] - f))
        covered.append(weight @ ((estimated[:, 1] <= f) & (f <= estimated[:, 2])))
    assert purity * max(abs(after) for _, after in bias) < 0.01
    assert np.mean([before for before, _ in bias]) > 2 * abs(np.mean([after for _, after in bias]))
    assert np.mean(covered) > 0.93 and min(covered) > 0.88


def test_far_from_the_limit_nothing_is_corrected() -> None:
    limit = DetectionLimit(least_fragments=4)
    text = binomial_density(30, 60, 1.0)
    assert limit.corrected(text, frequency_estimate(text).low, 60, "indel", 1.0) is None
    assert not DetectionLimit().known
    assert DetectionLimit().corrected(text, 0.0, 60, "indel", 1.0) is None


def test_a_share_of_the_depth_is_a_limit() -> None:
    limit = DetectionLimit(least_fragments=2, least_share=0.02)
    assert [limit.surely_kept(depth, "indel") for depth in (50, 100, 150, 2000)] == [2, 2, 3, 40]
    wanted = stats.binom.sf(39, 2000, limit.detectable(2000, "indel", 0.5) * 0.5)
    assert wanted == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("artefacts", [False, True])
def test_calls_that_were_kept_tell_the_limit(artefacts: bool) -> None:
    """Log-odds of known lines, of which those over the threshold are there: half are kept where the lines say so."""
    generator = np.random.default_rng(5)
    depths = generator.poisson(80, 3000)
    fragments = generator.binomial(depths, generator.uniform(0.01, 0.4, 3000))
    against_errors = -9.0 + 9.0 * fragments + special.betaln(fragments + 1, depths - fragments + 1)
    against_artefacts = -8.0 + 90.0 * fragments / depths if artefacts else np.full(3000, 50.0)
    bound = 9.0
    odds = -np.logaddexp(np.logaddexp(-against_errors, -against_artefacts), -bound) + generator.normal(0, 0.7, 3000)
    kept = odds > 1.0
    line = odds_line(odds[kept], fragments[kept], depths[kept], 1.0)
    limit = DetectionLimit(threshold=1.0, lines={"indel": line})
    expected = np.append(limit.kept(80, "indel"), np.ones(20))
    found = [kept[(fragments == k) & (abs(depths - 80) < 8)].mean() for k in range(16)]
    half_expected, half_found = (
        np.interp(0.5, np.maximum.accumulate(share[:16]), np.arange(16)) for share in (expected, found)
    )
    assert half_expected == pytest.approx(half_found, abs=0.7)
    assert half_found > (5 if artefacts else 1)


def test_without_calls_the_usual_line_stands() -> None:
    line = odds_line([], [], [], 0.0)
    assert (line.intercept, line.per_fragment) == (-10.0, 8.5)
    far = odds_line([9.4] * 20, [30] * 20, [60] * 20, 0.0)
    assert (far.intercept, far.per_fragment) == (-10.0, 8.5)
