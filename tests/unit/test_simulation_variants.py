"""Alleles are left-aligned, keep their distance, change the sequence, and are carried by as many copies as their VAF says."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from varproof.machinery.errors import UserError
from varproof.simulation.genome import random_genome
from varproof.simulation.settings import SimulationSettings
from varproof.simulation.variants import SPACING_BP, Placement, plant_variants
from varproof.variants.edit import Edit, left_aligned, steps_to_the_right

TWO_LETTERS = st.text("AC", min_size=12, max_size=40)


def changed(text: bytes, allele: Edit) -> bytes:
    return text[: allele.start] + allele.alt + text[allele.end :]


def equivalent_indels(text: bytes, allele: Edit) -> list[Edit]:
    """All indels of the same length that give the same sequence, by trying every place; one base is kept before."""
    result, length = changed(text, allele), len(allele.alt)
    if length:
        places = [Edit(at, at, result[at : at + length]) for at in range(1, len(text) + 1)]
    else:
        places = [Edit(at, at + allele.length, b"") for at in range(1, len(text) - allele.length + 1)]
    return [place for place in places if changed(text, place) == result]


@settings(max_examples=200, deadline=None)
@given(TWO_LETTERS, st.integers(1, 8), st.integers(1, 6), st.text("AC", min_size=1, max_size=6), st.booleans())
def test_left_aligned_is_the_first_of_all_equivalent_placements(
    sequence: str, at: int, length: int, inserted: str, deletion: bool
) -> None:
    text = sequence.encode()
    allele = Edit(at, min(at + length, len(text) - 1), b"") if deletion else Edit(at, at, inserted.encode())
    equivalent = equivalent_indels(text, allele)
    found = left_aligned(allele, text, 1)
    assert found == equivalent[0]
    assert found.end + steps_to_the_right(found, text, len(text)) == equivalent[-1].end
    assert allele.end + steps_to_the_right(allele, text, len(text)) == equivalent[-1].end


def test_an_allele_stays_within_its_contig() -> None:
    assert left_aligned(Edit(6, 7, b""), b"GGAAAAAAC", 1) == Edit(2, 3, b"")
    assert left_aligned(Edit(6, 7, b""), b"GGAAAAAAC", 5) == Edit(5, 6, b"")


@pytest.fixture(scope="module")
def planted_pair():
    chosen = SimulationSettings(
        genome_length=1_000_000,
        somatic_snvs=600,
        somatic_insertions=300,
        somatic_deletions=300,
        min_vaf=0.1,
        artifacts=["tumor-contamination"],
    )
    genome = random_genome(chosen.genome_length, 2, np.random.default_rng(3))
    planted, other = plant_variants(chosen, 200, Placement(genome, np.random.default_rng(4)))
    return genome, chosen, planted, other


def test_planted_variants_change_the_sequence_and_keep_their_distance(planted_pair) -> None:
    genome, _, planted, other = planted_pair
    alleles = sorted([variant.allele for variant in planted] + other)
    assert len(alleles) == 600 + 50 + 300 + 300 + 1000 + len(other)
    for allele in alleles:
        assert genome.text[allele.start : allele.end] != allele.alt
        limit = int(genome.starts[genome.contig_of(allele.start)])
        assert left_aligned(allele, genome.text, limit + 1) == allele
        if allele.type == "mnv":
            assert all(a != b for a, b in zip(genome.text[allele.start : allele.end], allele.alt, strict=True))
    for before, after in itertools.pairwise(alleles):
        assert after.start - before.end - steps_to_the_right(before, genome.text, len(genome.text)) >= SPACING_BP - 1


def test_copies_carry_each_variant_as_often_as_its_frequency_says(planted_pair) -> None:
    _, _, planted, _ = planted_pair
    for variant in planted:
        assert len(set(variant.copies.tolist())) / 200 == variant.frequency
        if variant.frequency <= 0.5:
            assert len({copy // 100 for copy in variant.copies.tolist()}) == 1
    somatic = [variant for variant in planted if variant.event == "SOMATIC_TUMOR"]
    assert stats.kstest([variant.frequency for variant in somatic], stats.uniform(0.1, 0.9).cdf).pvalue > 1e-4
    assert all(not variant.haplotypes for variant in somatic)
    homozygous = sum(variant.event == "GERMLINE_HOM" for variant in planted)
    assert stats.binomtest(homozygous, 1000, 1 / 3).pvalue > 1e-4


def test_somatic_indel_lengths_are_log_uniform_and_duplications_repeat_what_precedes_them(planted_pair) -> None:
    genome, chosen, planted, _ = planted_pair
    indels = [v for v in planted if v.event == "SOMATIC_TUMOR" and v.allele.type in ("insertion", "deletion")]
    lengths = np.array([variant.allele.length for variant in indels])
    bins = np.array([1, 2, 5, 15, 60, 251])
    observed, _ = np.histogram(lengths, bins)
    expected = np.diff(np.log(bins)) / np.log(251) * len(lengths)
    assert stats.chisquare(observed, expected).pvalue > 1e-4
    tandem = [variant for variant in indels if variant.tandem]
    insertions = sum(variant.allele.type == "insertion" for variant in indels)
    assert stats.binomtest(len(tandem), insertions, chosen.tandem_duplication_fraction).pvalue > 1e-4
    for variant in tandem:
        start, length = variant.allele.start, variant.allele.length
        assert variant.allele.alt in (genome.text[start : start + length], genome.text[start - length : start])


def test_neutral_spectrum_is_linear_in_the_inverse_frequency() -> None:
    chosen = SimulationSettings(
        somatic_snvs=2000, somatic_mnvs=0, somatic_insertions=0, somatic_deletions=0, germline=0, vaf_spectrum="neutral"
    )
    genome = random_genome(200_000, 1, np.random.default_rng(1))
    planted, _ = plant_variants(chosen, 2000, Placement(genome, np.random.default_rng(2)))
    inverse = [1 / variant.frequency for variant in planted]
    assert stats.kstest(inverse, stats.uniform(2, 1 / 0.05 - 2).cdf).pvalue > 1e-4


def test_too_many_variants_are_refused() -> None:
    genome = random_genome(5_000, 1, np.random.default_rng(1))
    with pytest.raises(UserError, match="no room"):
        plant_variants(SimulationSettings(), 200, Placement(genome, np.random.default_rng(1)))
