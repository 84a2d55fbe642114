"""Tabulated likelihoods against the paper's formulas, fragment by fragment in plain Python."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evidence_examples import observed
from varproof.formats.evidence import READ_CONTEXTS, Evidence
from varproof.posterior.likelihood_numba_fns import artefact_log_likelihoods, frequency_log_likelihoods

GRID = np.linspace(0.0, 1.0, 21)
RATES = np.array([0.01, 0.1, 0.6])


def random_observations(seed: int, candidates: int = 4, fragments: int = 25) -> Evidence:
    """Evidence of every kind: weak and strong, of all mapping qualities, both strands, with counts, slippage and bias."""
    rng = np.random.default_rng(seed)
    rows = candidates * fragments
    return replace(
        observed(rng, [0.3] * candidates, fragments, 0.02, [0, 3, 20, 60], [0.1, 1.0, 4.0, 12.0, 25.0]),
        sampling_ratio=rng.uniform(0.3, 2.0, candidates).astype(np.float32),
        slip_forward=rng.choice([0.0, 1e-3, 0.05], candidates).astype(np.float32),
        slip_back=rng.choice([0.0, 1e-3, 0.05], candidates).astype(np.float32),
        same_place=rng.uniform(-9, 9, candidates).astype(np.float32),
        strand=rng.integers(0, 4, rows).astype(np.uint8),
        orientation=rng.integers(0, 3, rows).astype(np.uint8),
        log_error_ratio=rng.uniform(-4, 4, rows).astype(np.float32),
        read_context=rng.integers(0, READ_CONTEXTS, rows).astype(np.uint8),
        count=rng.integers(1, 4, rows).astype(np.uint32),
    )


def paper_evidence(seed: int) -> Evidence:
    """Without what is ours: no slippage, no sampling bias."""
    evidence = random_observations(seed)
    zeros = np.zeros(evidence.size, np.float32)
    return replace(evidence, sampling_ratio=zeros + 1, slip_forward=zeros, slip_back=zeros)


def frequencies(evidence: Evidence, spurious: float = 0.0, grid: np.ndarray = GRID) -> np.ndarray:
    return frequency_log_likelihoods(
        evidence.offset, evidence.log_ratio, evidence.mapq, evidence.count, evidence.sampling_ratio,
        evidence.slip_forward, evidence.slip_back, np.full(evidence.size, spurious), grid,
    )  # fmt: skip


def fragments(evidence: Evidence, i: int):
    for row in range(evidence.offset[i], evidence.offset[i + 1]):
        mismapped = 10 ** (-int(evidence.mapq[row]) / 10)
        yield row, float(evidence.log_ratio[row]), min(max(mismapped, 1e-6), 1 - 1e-6), int(evidence.count[row])


@pytest.mark.parametrize("seed", range(3))
def test_frequencies_follow_theorem_3(seed: int) -> None:
    """Sum of ln(pi (theta p + (1 - theta) a) + (1 - pi) o) with o = (a + p) / 2 (eqs. 9 to 11, 23), up to a constant."""
    evidence = paper_evidence(seed)
    found = frequencies(evidence)
    for i in range(evidence.size):
        expected = np.zeros(len(GRID))
        for _, ratio, mismapped, count in fragments(evidence, i):
            a, p = 1.0, math.exp(ratio)
            other = (a + p) / 2
            expected += [count * math.log((1 - mismapped) * (t * p + (1 - t) * a) + mismapped * other) for t in GRID]
        np.testing.assert_allclose(found[i] - found[i, 0], expected - expected[0], atol=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_ours(seed: int) -> None:
    """Sampling ratio s: a fragment is of the alternative with odds s theta / (1 - theta); slippage mixes a and p."""
    evidence = random_observations(seed)
    found = frequencies(evidence, 1e-3)
    for i in range(evidence.size):
        s = float(evidence.sampling_ratio[i])
        forward, back = float(evidence.slip_forward[i]) + 1e-3, float(evidence.slip_back[i])
        expected = np.zeros(len(GRID))
        for _, ratio, mismapped, count in fragments(evidence, i):
            a, p = (math.exp(-ratio), 1.0) if ratio > 0 else (1.0, math.exp(ratio))
            a, p = (1 - forward) * a + forward * p, (1 - back) * p + back * a
            shares = [s * t / (s * t + 1 - t) for t in GRID]
            expected += [count * math.log((1 - mismapped) * (t * p + (1 - t) * a) + mismapped * (a + p) / 2) for t in shares]
        np.testing.assert_allclose(found[i], expected, atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_log_likelihood_is_concave(seed: int) -> None:
    """Theorem 2: along an even grid no second difference is positive, so that there is one maximum."""
    table = frequencies(paper_evidence(seed), grid=np.linspace(0, 1, 101))
    assert (np.diff(table, 2) <= 1e-9).all()
    assert (np.diff(table, 2).min(axis=1) < -1e-3).all()


def test_certain_fragments_are_coin_flips() -> None:
    """k of n fragments that are sure of the alternative: the binomial likelihood theta^k (1 - theta)^(n - k)."""
    evidence = observed(np.random.default_rng(0), [0.0], 10, 0.0, [255], [25.0])
    log_ratio = evidence.log_ratio.copy()
    log_ratio[:3] = 25.0
    found = frequencies(replace(evidence, log_ratio=log_ratio))[0, 1:-1]
    inner = GRID[1:-1]
    np.testing.assert_allclose(found, 3 * np.log(inner) + 7 * np.log(1 - inner), atol=0.02)


def test_counts_are_repetitions() -> None:
    evidence = random_observations(7)
    order = np.repeat(np.arange(len(evidence.count)), evidence.count)
    lengths = np.add.reduceat(evidence.count, evidence.offset[:-1])
    columns = ("log_ratio", "mapq", "strand", "orientation", "log_error_ratio", "read_context")
    repeated = replace(
        evidence,
        offset=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        count=np.ones(len(order), np.uint32),
        **{name: getattr(evidence, name)[order] for name in columns},
    )
    np.testing.assert_allclose(frequencies(repeated), frequencies(evidence), atol=1e-9)
    np.testing.assert_allclose(artefacts(repeated), artefacts(evidence), atol=1e-9)


def test_nothing_observed_is_flat() -> None:
    evidence = random_observations(1).rows(np.zeros(0, np.int64))
    assert frequencies(evidence).shape == (0, len(GRID))
    none = observed(np.random.default_rng(0), [0.3], 0)
    assert (frequencies(none) == 0).all() and (artefacts(none) == 0).all()


def context_ratio(evidence: Evidence) -> np.ndarray:
    return np.random.default_rng(99).uniform(-2, 2, (evidence.size, READ_CONTEXTS))


def artefacts(evidence: Evidence) -> np.ndarray:
    return artefact_log_likelihoods(
        evidence.offset, evidence.log_ratio, evidence.mapq, evidence.strand, evidence.orientation, evidence.log_error_ratio,
        evidence.read_context, evidence.count, evidence.slip_forward, evidence.slip_back, np.full(evidence.size, 1e-4),
        evidence.same_place, context_ratio(evidence), RATES,
    )  # fmt: skip


ARTEFACTS = [
    (lambda strand, orientation: True, "errors"),
    (lambda strand, orientation: strand == 1, "errors"),
    (lambda strand, orientation: strand == 2, "errors"),
    (lambda strand, orientation: True, "plain"),
    (lambda strand, orientation: strand == 1, "plain"),
    (lambda strand, orientation: strand == 2, "plain"),
    (lambda strand, orientation: orientation == 0, "plain"),
    (lambda strand, orientation: orientation == 1, "plain"),
    (lambda strand, orientation: True, "read_context"),
    (lambda strand, orientation: True, "one place"),
]
"""Which fragments an artefact can touch (strand: 1 forward, 2 reverse; orientation: whose read 1 is forward), and its looks."""


def can_be_told(evidence: Evidence, i: int, k: int) -> bool:
    """Whether more than a fiftieth of a candidate's fragments, of known strand or orientation, can't be touched."""
    if k in (0, 3, 8, 9):
        return True
    rows = range(evidence.offset[i], evidence.offset[i + 1])
    known = [row for row in rows if (evidence.orientation[row] < 2 if k in (6, 7) else evidence.strand[row] > 0)]
    others = [row for row in known if not ARTEFACTS[k][0](evidence.strand[row], evidence.orientation[row])]
    return sum(int(evidence.count[row]) for row in others) > 0.02 * sum(int(evidence.count[row]) for row in known)


@pytest.mark.parametrize("seed", range(3))
def test_artefacts_fragment_by_fragment(seed: int) -> None:
    """A fragment that can be touched is so at the rate; then it reads like the alternative, times what its looks say."""
    evidence = random_observations(seed)
    found, by_context = artefacts(evidence), context_ratio(evidence)
    assert found.shape == (evidence.size, len(ARTEFACTS), len(RATES))
    for i in range(evidence.size):
        forward, back = float(evidence.slip_forward[i]) + 1e-4, float(evidence.slip_back[i])
        for k, (touches, looks) in enumerate(ARTEFACTS):
            told = can_be_told(evidence, i, k)
            for e, rate in enumerate(RATES):
                expected = 0.0
                for row, ratio, mismapped, count in fragments(evidence, i):
                    a, p = (math.exp(-ratio), 1.0) if ratio > 0 else (1.0, math.exp(ratio))
                    a, p = (1 - forward) * a + forward * p, (1 - back) * p + back * a
                    made = p
                    if ratio > 0 and looks == "errors":
                        made = p * math.exp(evidence.log_error_ratio[row])
                    if ratio > 0 and looks == "read_context":
                        made = p * math.exp(by_context[i, evidence.read_context[row]])
                    own_rate = rate if told and touches(evidence.strand[row], evidence.orientation[row]) else 0.0
                    mixture = (1 - own_rate) * a + own_rate * made
                    expected += count * math.log((1 - mismapped) * mixture + mismapped * (a + p) / 2)
                if looks == "one place":
                    expected += float(evidence.same_place[i])
                assert found[i, k, e] == pytest.approx(expected, abs=1e-6)


def test_fragments_on_both_strands_rule_out_strand_bias() -> None:
    """The paper's table: S = +- has no place under beta 0 or 1; S = + none under beta 0."""
    evidence = observed(np.random.default_rng(0), [1.0], 12, 0.0, [60], [10.0])
    log_ratio = np.repeat([10.0, -10.0], 6).astype(np.float32)

    def at(strand: int) -> np.ndarray:
        strands = np.array([strand] * 6 + [1, 2] * 3, np.uint8)
        return artefacts(replace(evidence, log_ratio=log_ratio, strand=strands))[0, :, -1]

    on_forward, on_reverse, on_both = at(1), at(2), at(3)
    plain_all, plain_forward, plain_reverse = 3, 4, 5
    assert on_both[plain_forward] == pytest.approx(on_both[plain_reverse], abs=1e-9)
    assert on_both[plain_forward] < on_both[plain_all] - 40
    assert on_forward[plain_reverse] < on_forward[plain_forward] - 40
    assert on_reverse[plain_forward] < on_reverse[plain_reverse] - 40
    assert on_forward[plain_forward] > on_forward[plain_all]


@pytest.mark.parametrize("others", [0, 20])
def test_where_all_fragments_are_of_one_orientation_it_says_nothing(others: int) -> None:
    """Of 100 fragments 10 show an allele, all of which have the first read forward, as do all others, or most of them."""
    evidence = observed(np.random.default_rng(0), [1.0], 100, 0.0, [60], [10.0])
    log_ratio = np.repeat([10.0, -10.0], [10, 90]).astype(np.float32)
    orientation = np.repeat([0, 1], [100 - others, others]).astype(np.uint8)
    found = artefacts(replace(evidence, log_ratio=log_ratio, orientation=orientation))[0]
    first_forward, second_forward = 6, 7
    if others:
        assert found[first_forward].max() > found[second_forward].max() + 40
    else:
        assert found[first_forward].tolist() == found[second_forward].tolist()
        assert np.ptp(found[first_forward]) == 0.0
