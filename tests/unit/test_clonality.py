"""Cancer cell fractions: by hand, against slow integrals, and their intervals against the model that they are of."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from varproof.formats.density import encode_density
from varproof.posterior.clonal_peak import Place, better_purity
from varproof.posterior.clonality import (
    DIPLOID,
    CellFraction,
    Clonality,
    CopyState,
    Curve,
    Nodes,
    PurityBelief,
    clonality,
    copy_states,
    learnt_share,
    multiplicity_chances,
    nodes_of,
)
from varproof.posterior.clonality import curve_of as clonality_curve
from varproof.posterior.clonality_fits import FitOfCall, mixed_fraction
from varproof.posterior.clonality_numba_fns import clonal_share
from varproof.posterior.components import GRID
from varproof.posterior.detection import DetectionLimit
from varproof.posterior.vaf import frequency_estimate


def cell_fraction(curve: Curve, nodes: Nodes, found: Clonality, share: float) -> CellFraction | None:
    """By one fit."""
    return mixed_fraction(curve, [FitOfCall(nodes, found)], [share], [1.0])


STATES = ((2, 1), (2, 0), (3, 1), (1, 0), (4, 2), (4, 1))
SHARES = (0.6, 0.08, 0.12, 0.08, 0.06, 0.06)


def text_of(reads: int, depth: int, purity: float) -> str:
    """The density's string of a frequency in tumour cells, of which `reads` of `depth` fragments tell."""
    fractions = np.clip(purity * GRID, 1e-12, 1 - 1e-12)
    return encode_density(GRID, reads * np.log(fractions) + (depth - reads) * np.log1p(-fractions))


def curve_of(reads: int, depth: int, purity: float, limit: DetectionLimit | None = None) -> Curve:
    """The likelihood, and what the limit makes of it."""
    text = text_of(reads, depth, purity)
    found = clonality_curve(text, frequency_estimate(text).low, depth, "indel", purity, limit)
    assert found is not None
    return found


def known(purity: float, total: int = 2, minor: int = 1, assumed: float | None = None) -> Nodes:
    """Nodes of a known purity and copy number."""
    return nodes_of(copy_states(total, minor), 2.0, np.array([purity]), np.ones(1), assumed or purity)


@pytest.mark.parametrize(
    ("purity", "total", "minor", "copies", "share_of_reads"),
    [
        (1.0, 2, 1, 1, 0.5),
        (0.6, 2, 1, 1, 0.3),
        (0.5, 2, 0, 2, 0.5),  # loss of heterozygosity with two copies: 0.5 * 2 / 2
        (0.5, 1, 0, 1, 1 / 3),  # 0.5 / (0.5 + 1)
        (0.8, 4, 1, 3, 0.8 * 3 / (0.8 * 4 + 0.4)),
    ],
)
def test_a_clonal_variant_has_the_share_of_reads_that_is_known_by_hand(
    purity: float, total: int, minor: int, copies: int, share_of_reads: float
) -> None:
    depth = 3000
    curve, evidence = clonality(
        curve_of(round(share_of_reads * depth), depth, purity), nodes := known(purity, total, minor), purity
    )
    found = cell_fraction(curve, nodes, evidence, 0.6)
    assert found is not None
    assert found.multiplicity == copies
    assert found.value == pytest.approx(1, abs=0.03) and found.high == 1 and found.clonal > 0.9


@pytest.mark.parametrize(("purity", "assumed"), [(0.4, 1.0), (0.4, 0.4), (0.8, 0.5)])
def test_the_purity_that_frequencies_were_corrected_for_does_not_matter(purity: float, assumed: float) -> None:
    """A variant on four of four copies, just under what all cells would show: seen, or continued beyond a frequency of 1, it is
    the same fraction.
    """
    nodes = known(purity, 4, 0, assumed)
    reads = round(600 * purity * 4 * 0.98 / (4 * purity + 2 * (1 - purity)))
    curve, evidence = clonality(curve_of(reads, 600, assumed), nodes, assumed)
    found = cell_fraction(curve, nodes, evidence, 0.6)
    direct = known(purity, 4, 0, 1.0)
    wanted = cell_fraction(*(lambda c, e: (c, direct, e))(*clonality(curve_of(reads, 600, 1.0), direct, 1.0)), 0.6)
    assert found is not None and wanted is not None
    assert (found.value, found.low, found.high) == pytest.approx((wanted.value, wanted.low, wanted.high), abs=0.01)
    assert found.clonal == pytest.approx(wanted.clonal, abs=0.02)
    assert found.multiplicity == wanted.multiplicity


@given(
    st.integers(20, 200),
    st.floats(0.02, 0.98),
    st.floats(0.2, 0.9),
    st.sampled_from(STATES),
    st.floats(0.1, 0.9),
)
def test_the_probability_of_all_cells_is_that_of_slow_integrals(
    depth: int, fraction: float, purity: float, copies: tuple[int, int], share: float
) -> None:
    """Purity is a point; likelihoods are binomial, clonal ones at each number of copies, subclonal ones integrated."""
    (state,) = copy_states(*copies)
    whole = purity * state.total + 2 * (1 - purity)
    reads = round(depth * fraction * purity * state.major / whole)
    nodes = known(purity, *copies, assumed=1.0)
    curve, evidence = clonality(curve_of(reads, depth, 1.0), nodes, 1.0)
    found = cell_fraction(curve, nodes, evidence, share)

    def likelihood(c: float, number: int) -> float:
        return float(stats.binom.pmf(reads, depth, min(purity * c * number / whole, 1.0)))

    chances = multiplicity_chances(state, state.major)
    clonal = np.array([share * chances[number] * likelihood(1.0, number) for number in range(state.major + 1)])
    peak = min(reads / depth * whole / purity, 1.0)
    subclonal = (1 - share) * integrate.quad(lambda c: likelihood(c, 1), 0, 1, points=[peak], limit=200)[0]
    wanted = clonal.sum() / (clonal.sum() + subclonal)
    if found is None:
        assert clonal.sum() + subclonal < 1e-4
        return
    assert found.clonal == pytest.approx(wanted, abs=0.02)


def test_an_uncertain_purity_widens_the_interval_as_the_delta_method_says() -> None:
    """At great depth the fraction is f (rho N + 2 (1 - rho)) / rho, whose relative spread is 2 sd / (rho (2 + ...)) by hand: of
    two copies f = rho c / 2, so c = 2 f / rho, and sd(c) / c = sd(rho) / rho.
    """
    belief = PurityBelief(0.6, 0.6 - 1.96 * 0.03, 0.6 + 1.96 * 0.03)
    nodes = nodes_of(DIPLOID, 2.0, *belief.nodes(), 0.6)
    curve, evidence = clonality(curve_of(6000, 40_000, 0.6), nodes, 0.6)
    found = cell_fraction(curve, nodes, evidence, 0.5)
    assert found is not None
    assert found.value == pytest.approx(0.5, abs=0.01)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 * 0.03 / 0.6, rel=0.1)


def test_purity_nodes_have_the_mean_and_the_limits_of_the_belief() -> None:
    places, weights = PurityBelief(0.6, 0.5, 0.64).nodes()
    assert weights.sum() == pytest.approx(1)
    assert weights[places <= 0.5].sum() == pytest.approx(0.025, abs=0.02)
    assert PurityBelief(0.7, 0.7, 0.7).nodes()[0].tolist() == [0.7]
    assert PurityBelief(0.98, 0.9, 1.0).nodes()[0].max() <= 1


def test_copy_states_of_limits() -> None:
    assert copy_states(3.0, 1.0) == (CopyState(3.0, 2, 1, 1.0),)
    assert copy_states(0.0, 0.0) == ()
    unsure = copy_states(3.0, 1.0, (2.0, 4.0), (1.0, 1.0))
    assert unsure[0].total == 3.0 and {state.total for state in unsure} >= {2.0, 4.0}
    assert math.fsum(state.weight for state in unsure) == pytest.approx(1)
    untold = copy_states(4.0, None)
    assert {(state.major, state.minor) for state in untold} == {(4, 0), (3, 1), (2, 2)}
    part = copy_states(2.6, 1.0)
    assert (part[0].total, part[0].major) == (2.6, 2)  # an average over cells stays one


def test_copies_before_any_read_by_hand() -> None:
    """Before a gain (half of the time) on all copies of an allele, after it on one of those there are."""
    assert multiplicity_chances(CopyState(2.0, 1, 1), 1).tolist() == [0, 1]
    assert multiplicity_chances(CopyState(2.0, 2, 0), 2) == pytest.approx([0, 2 / 3, 1 / 3])
    assert multiplicity_chances(CopyState(4.0, 2, 2), 2) == pytest.approx([0, 2 / 3, 1 / 3])
    three = multiplicity_chances(CopyState(4.0, 3, 1), 3)
    assert three.sum() == pytest.approx(1) and three[2] == pytest.approx(three[3] / 2)


def test_the_learnt_share_is_that_of_the_greatest_posterior() -> None:
    generator = np.random.default_rng(3)
    clonal, subclonal = generator.uniform(0, 2, 300), generator.uniform(0, 1, 300)
    shares = np.linspace(0.001, 0.999, 999)
    posterior = np.log(np.outer(shares, clonal) + np.outer(1 - shares, subclonal)).sum(axis=1)
    posterior += 5 * 0.6 * np.log(shares) + 5 * 0.4 * np.log(1 - shares)
    assert clonal_share(clonal, subclonal, 0.6, 5.0) == pytest.approx(shares[np.argmax(posterior)], abs=2e-3)


def test_what_purity_and_copies_do_not_allow_has_no_fraction() -> None:
    nodes = known(0.3)
    curve, evidence = clonality(curve_of(180, 200, 1.0), known(0.3, assumed=1.0), 1.0)
    assert cell_fraction(curve, nodes, evidence, 0.6) is None


Drawn = tuple[CopyState, float, int, int, int]
"""State, fraction of cells, copies in each, fragments, those that show it."""


def drawn(
    generator: np.random.Generator, depth: float, spread: float, clonal: float, calls: int
) -> tuple[PurityBelief, list[Drawn]]:
    """A tumour by the generative model: purity and an estimate with an error; copies, those of the variant, cells, reads."""
    purity = generator.uniform(0.3, 0.95)
    estimate = float(np.clip(purity + generator.normal(0, spread), 0.1, 1))
    belief = PurityBelief(estimate, max(estimate - 1.96 * spread, 0.02), min(estimate + 1.96 * spread, 1.0))
    found = []
    for _ in range(calls):
        (state,) = copy_states(*STATES[generator.choice(len(STATES), p=SHARES)])
        everywhere = generator.random() < clonal
        number = int(generator.choice(state.major + 1, p=multiplicity_chances(state, state.major))) if everywhere else 1
        fraction = 1.0 if everywhere else float(generator.uniform(0, 1))
        n = int(generator.poisson(depth))
        share = purity * fraction * number / (purity * state.total + 2 * (1 - purity))
        k = int(generator.binomial(n, share))
        if k >= 3:
            found.append((state, fraction, number, n, k))
    return belief, found


def estimated(belief: PurityBelief, calls: list[Drawn]) -> list[CellFraction | None]:
    """As estimate-vaf does, of calls that need three fragments."""
    limit = DetectionLimit(least_fragments=3)
    nodes = {state: nodes_of((state,), 2.0, *belief.nodes(), belief.value) for state, *_ in calls}
    found = [
        (nodes[state], *clonality(curve_of(k, n, belief.value, limit), nodes[state], belief.value))
        for state, _, _, n, k in calls
    ]
    share = learnt_share([evidence for _, _, evidence in found])
    return [cell_fraction(curve, own, evidence, share) for own, curve, evidence in found]


@pytest.mark.parametrize(
    ("depth", "spread", "clonal"),
    [(40, 0.03, 0.6), (60, 0.0, 0.6), (60, 0.06, 0.6), (60, 0.03, 0.3), (150, 0.03, 0.6), (500, 0.03, 0.6)],
)
def test_intervals_cover_under_unknown_purity(depth: float, spread: float, clonal: float) -> None:
    """Over many tumours, near the detection limit and far from it: 93 to 97 %, give or take what so many calls leave to
    chance; probabilities of being clonal are what they say on average.
    """
    generator = np.random.default_rng(11)
    covered, told, true, right = [], [], [], []
    for _ in range(40):
        belief, calls = drawn(generator, depth, spread, clonal, 60)
        for (_, fraction, number, _, _), found in zip(calls, estimated(belief, calls), strict=True):
            if found is None:
                continue
            covered.append(found.low <= fraction <= found.high)
            told.append(found.clonal)
            true.append(fraction == 1.0)
            right.append(found.multiplicity == number)
    assert len(covered) > 1200
    assert 0.92 < np.mean(covered) < 0.98
    assert np.mean(told) == pytest.approx(np.mean(true), abs=0.07)
    assert np.mean(right) > 0.95


def test_a_wrong_purity_is_told_by_the_clonal_peak() -> None:
    """By 80 variants of a tumour with purity 0.6, 0.8 (0.76 to 0.84) and 0.4 are told as wrong, and 0.6 is not."""
    generator = np.random.default_rng(5)
    shares = np.where(generator.random(80) < 0.6, 1.0, generator.uniform(0, 1, 80)) * 0.3
    reads = np.maximum(generator.binomial(100, shares), 3)
    curves, places = [curve_of(int(k), 100, 1.0) for k in reads], [Place(DIPLOID, 2.0)] * 80
    for value, wrong in ((0.8, True), (0.4, True), (0.6, False)):
        better = better_purity(curves, places, PurityBelief(value, value - 0.04, value + 0.04), 1.0)
        assert (better is not None) == wrong
        assert better is None or better.value == pytest.approx(0.6, abs=0.05)
