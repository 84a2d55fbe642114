"""Balance of alleles: the chain against sums over all of its paths, and what neighbours tell of simulated variants."""

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from evidence_examples import observed
from varproof.formats.prior import AllelicBalance
from varproof.posterior.copies import BALANCES, mirrored_fraction
from varproof.posterior.copy_decisions import DECISIONS
from varproof.posterior.imbalance import _messages, _Sites, _taken_in, balance_at, learnt_balance

CONTIGS = ["chr1", "chr2"]


def binomial(rng: np.random.Generator, fractions: np.ndarray, depth: int) -> Any:
    """Evidence whose fragments clearly show either allele."""
    return observed(rng, fractions.tolist(), depth, 0.0)


def balanced(rng: np.random.Generator, mirrored: np.ndarray) -> np.ndarray:
    """Fractions of heterozygous variants, each on either haplotype."""
    return np.where(rng.random(len(mirrored)) < 0.5, mirrored, 1.0 - mirrored)


def learnt(rng: np.random.Generator, mirrored: np.ndarray, position: np.ndarray, contig: np.ndarray) -> AllelicBalance:
    tumor = binomial(rng, balanced(rng, mirrored), 60)
    found = learnt_balance("a", CONTIGS, contig, position, np.ones(len(mirrored), bool), tumor, 1.0)
    assert found is not None
    return found


def test_messages_are_sums_over_all_paths() -> None:
    """Of four SNVs on two contigs, every sequence of three fractions, each with its probability."""
    rng = np.random.default_rng(1)
    emissions, mixture = rng.random((4, 3)), np.array([0.2, 0.3, 0.5])
    contig, position = np.array([0, 0, 0, 1]), np.array([100, 300_100, 2_000_000, 5])
    nothing = np.zeros(4)
    found = _messages(_Sites(contig, position, emissions, nothing, emissions), emissions, mixture)
    posterior, drawn = np.zeros((4, 3)), np.zeros((4, 3))
    for path in itertools.product(range(3), repeat=4):
        for news in itertools.product((False, True), repeat=4):
            weight = 1.0
            for i, (state, new) in enumerate(zip(path, news, strict=True)):
                first = i == 0 or contig[i] != contig[i - 1]
                stays = 0.0 if first else float(np.exp(-(position[i] - position[i - 1]) / DECISIONS.balance_reach))
                weight *= (1.0 - stays) * mixture[state] if new else stays * (i > 0 and path[i - 1] == state)
                weight *= emissions[i, state]
            for i, (state, new) in enumerate(zip(path, news, strict=True)):
                posterior[i, state] += weight
                drawn[i, state] += weight * new
    np.testing.assert_allclose(found.posterior, posterior / posterior.sum(axis=1, keepdims=True), rtol=1e-9)
    np.testing.assert_allclose(found.drawn, drawn / posterior.sum(axis=1, keepdims=True), rtol=1e-9)
    assert np.exp(found.evidence) == pytest.approx(posterior[0].sum())


def test_neighbours_tell_the_fraction_of_their_place() -> None:
    rng = np.random.default_rng(2)
    position = np.sort(rng.choice(2_000_000, 400, replace=False))
    mirrored = np.where(position < 1_000_000, 0.5, 0.2)
    balance = learnt(rng, mirrored, position, np.zeros(400, np.int64))
    found = balance_at(balance, CONTIGS, np.zeros(2, np.int64), np.array([500_000, 1_500_000]))
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    np.testing.assert_allclose((found * BALANCES).sum(axis=1), [0.48, 0.2], atol=0.03)
    # where nothing is near, either is possible
    (far,) = balance_at(balance, ["chr3"], np.zeros(1, np.int64), np.array([500_000]))
    np.testing.assert_allclose(far, np.array(balance.mixture) / sum(balance.mixture))


def test_a_variant_says_nothing_about_itself() -> None:
    """One variant at 0.2 among heterozygous ones at one half, and the same place without it."""
    rng = np.random.default_rng(3)
    position, odd = np.arange(30) * 20_000, 15
    fractions = np.full(30, 0.5)
    fractions[odd] = 0.2
    tumor = binomial(rng, fractions, 200)
    everyone, others = np.ones(30, bool), np.arange(30) != odd
    contig = np.zeros(30, np.int64)
    balance = learnt_balance("a", CONTIGS, contig, position, everyone, tumor, 1.0)
    assert balance is not None
    keep = {name: np.array(getattr(balance, name))[others].tolist() for name in ("contig", "position", "alternative", "depth")}
    without = balance.model_copy(update=keep)
    here = (CONTIGS, np.zeros(1, np.int64), position[[odd]])
    np.testing.assert_allclose(balance_at(balance, *here), balance_at(without, *here), rtol=1e-9)


def test_places_do_not_depend_on_what_is_asked_beside_them() -> None:
    rng = np.random.default_rng(4)
    position = np.sort(rng.choice(500_000, 60, replace=False))
    balance = learnt(rng, np.full(60, 0.3), position, (position > 250_000).astype(np.int64))
    contig, asked = rng.integers(0, 2, 20), rng.integers(0, 500_000, 20)
    together = balance_at(balance, CONTIGS, contig, asked)
    for i in range(20):
        np.testing.assert_array_equal(balance_at(balance, CONTIGS, contig[[i]], asked[[i]])[0], together[i])
        renamed = balance_at(balance, CONTIGS[::-1], 1 - contig[[i]], asked[[i]])
        np.testing.assert_array_equal(renamed[0], together[i])


def test_somatic_variants_alone_do_not_pass_for_heterozygous_ones() -> None:
    """A list without germline variants: its frequency has no mirror image, so that it is that of something else."""
    rng = np.random.default_rng(5)
    position = np.arange(200) * 5_000
    tumor = binomial(rng, np.full(200, 0.3), 60)
    balance = learnt_balance("a", CONTIGS, np.zeros(200, np.int64), position, np.ones(200, bool), tumor, 1.0)
    assert balance is None


def test_few_variants_tell_nothing() -> None:
    few = DECISIONS.least_balance_sites - 1
    tumor = binomial(np.random.default_rng(6), np.full(few, 0.5), 60)
    contig, position, snv = np.zeros(few, np.int64), np.arange(few) * 1_000, np.ones(few, bool)
    assert learnt_balance("a", CONTIGS, contig, position, snv, tumor, 1.0) is None


def test_a_run_of_homozygous_variants_is_no_lost_haplotype() -> None:
    """After heterozygous ones at one half: in a pure tumour that may be a loss, in one of 60 % it is none."""
    fractions = np.where(np.arange(120) < 60, 0.5, 1.0)
    position = np.arange(120) * 3_000
    tumor = binomial(np.random.default_rng(8), fractions, 60)
    contig, snv = np.zeros(120, np.int64), np.ones(120, bool)
    least = []
    for purity in (1.0, 0.6):
        balance = learnt_balance("a", CONTIGS, contig, position, snv, tumor, purity)
        assert balance is not None
        (found,) = balance_at(balance, CONTIGS, contig[:1], position[[100]])
        least.append(float((found * BALANCES).sum()))
    assert least[0] < 0.1 and least[1] > 0.4


def test_lost_haplotypes_of_a_pure_tumour_are_neither_homozygous_nor_without_mirror_images() -> None:
    """Of 95 % tumour cells with one copy, heterozygous variants are seen at 0.048, which are not taken in, or 0.952."""
    rng, purity = np.random.default_rng(9), 0.95
    (lost,) = mirrored_fraction(np.ones(1), np.zeros(1), purity)
    mirrored = np.where(np.arange(300) < 150, 0.5, lost)
    fractions = np.where(rng.random(300) < 0.35, 0.999, balanced(rng, mirrored))
    tumor = binomial(rng, fractions, 60)
    contig, snv = np.zeros(300, np.int64), np.ones(300, bool)
    balance = learnt_balance("a", CONTIGS, contig, np.arange(300) * 3_000, snv, tumor, purity)
    assert balance is not None
    found = balance_at(balance, CONTIGS, contig[:2], np.array([225_050, 750_050]))
    np.testing.assert_allclose((found * BALANCES).sum(axis=1), [0.5, lost], atol=0.03)
    assert balance.shares[2] < 0.15


def test_variants_that_are_taken_in_are_counted_as_binomial_draws() -> None:
    """Against the binomial distribution, whose steps at few fragments are the most of what differs."""
    fractions, depth = np.array([0.002, 0.03, 0.1, 0.2, 0.5, 0.97]), np.array([20, 60, 400])
    found = _taken_in(fractions, depth)
    for row, n in enumerate(depth.tolist()):
        least = round(DECISIONS.least_balance_fraction * n)
        half = binom.sf(least, n, fractions) + 0.5 * binom.pmf(least, n, fractions)
        np.testing.assert_allclose(found[row], half, atol=0.04)
