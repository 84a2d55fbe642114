"""Groups of neighbours are what their kind says, keep their distance, and change nothing in what else is planted."""

import itertools
import random
from collections import defaultdict
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varproof.machinery.errors import UserError
from varproof.simulation.copies import Copy, molecules
from varproof.simulation.genome import Genome, random_genome
from varproof.simulation.neighbours import FARTHEST_BP, MAKERS, haplotype_made, plant_neighbours
from varproof.simulation.reads_numba_fns import fragment_bases
from varproof.simulation.settings import NeighbourKind, SimulationSettings
from varproof.simulation.variants import SPACING_BP, Placement, PlantedVariant, plant_variants
from varproof.variants.edit import Edit, VariantType, left_aligned, steps_to_the_right

COPIES = 200
PER_KIND = 40
KINDS = tuple(name for names in MAKERS.values() for name in names)
SOMATIC, GERMLINE = "SOMATIC_TUMOR", "GERMLINE_HET"


def planted_with(genome: Genome, chosen: SimulationSettings) -> tuple[list[PlantedVariant], list[PlantedVariant]]:
    """Isolated variants, and those of groups."""
    placement = Placement(genome, np.random.default_rng(4))
    isolated, _ = plant_variants(chosen, COPIES, placement)
    return isolated, plant_neighbours(genome, chosen, COPIES, placement, np.random.default_rng(5))


@pytest.fixture(scope="module")
def planted():
    genome = random_genome(800_000, 2, np.random.default_rng(3))
    chosen = SimulationSettings(neighbours=["all"], neighbour_groups=PER_KIND)
    isolated, neighbours = planted_with(genome, chosen)
    groups: dict[str, dict[int, list[PlantedVariant]]] = defaultdict(lambda: defaultdict(list))
    for variant in neighbours:
        groups[variant.group.kind][variant.group.number].append(variant)
    return genome, isolated, groups


def members(groups, kind: str) -> list[list[PlantedVariant]]:
    return list(groups[kind].values())


def gap(one: Edit, other: Edit) -> int:
    """Positions from the nearest base of one to that of the other: 1 touches. An insertion lies between two bases."""
    first, second = sorted((one, other), key=lambda allele: (allele.start, allele.end))
    return second.start - first.end + 1


def test_there_are_as_many_groups_of_each_kind_as_asked_for(planted) -> None:
    _, _, groups = planted
    assert {kind: len(groups[kind]) for kind in groups} == dict.fromkeys(KINDS, PER_KIND)
    assert set(MAKERS) == set(get_args(NeighbourKind))
    numbers = [number for kind in groups.values() for number in kind]
    assert len(set(numbers)) == len(numbers)


def test_groups_keep_their_distance_from_everything_else(planted) -> None:
    genome, isolated, groups = planted
    spans = [(v.allele.start, v.allele.end + steps_to_the_right(v.allele, genome.text, len(genome))) for v in isolated]
    for kind in groups.values():
        for group in kind.values():
            ends = [v.allele.end + steps_to_the_right(v.allele, genome.text, len(genome)) for v in group]
            spans.append((min(v.allele.start for v in group), max(ends)))
    for (_, end), (start, _) in itertools.pairwise(sorted(spans)):
        assert start - end >= SPACING_BP - 1


@pytest.mark.parametrize("kind", KINDS)
def test_alleles_are_distinct_left_aligned_and_make_haplotypes_of_as_many_variants(planted, kind: str) -> None:
    genome, _, groups = planted
    for group in members(groups, kind):
        alleles = [variant.allele for variant in group]
        assert len(set(alleles)) == len(alleles)
        for allele in alleles:
            assert genome.text[allele.start : allele.end] != allele.alt
            first = int(genome.starts[genome.contig_of(allele.start)])
            assert left_aligned(allele, genome.text, first + 1) == allele
        for haplotype in (0, 1):
            own = [variant.allele for variant in group if variant.group.haplotype == haplotype]
            assert not own or haplotype_made(genome.text, own) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_copies_of_its_haplotype_carry_a_variant_and_somatic_ones_in_cis_the_same(planted, kind: str) -> None:
    _, _, groups = planted
    for group in members(groups, kind):
        somatic_copies = defaultdict(set)
        for variant in group:
            assert variant.frequency == len(set(variant.copies.tolist())) / COPIES <= 0.5
            assert {copy // (COPIES // 2) for copy in variant.copies.tolist()} == {variant.group.haplotype}
            if variant.event == SOMATIC:
                assert variant.frequency >= 0.05 and variant.haplotypes == ()
                somatic_copies[variant.group.haplotype].add(tuple(variant.copies.tolist()))
            else:
                assert (variant.event, variant.frequency, variant.haplotypes) == (GERMLINE, 0.5, (variant.group.haplotype,))
        assert all(len(copies) == 1 for copies in somatic_copies.values())


@pytest.mark.parametrize(
    ("kind", "cis", "events"),
    [
        ("somatic-cis", True, {(SOMATIC, SOMATIC)}),
        ("somatic-trans", False, {(SOMATIC, SOMATIC)}),
        ("germline-cis", True, {(SOMATIC, GERMLINE)}),
        ("germline-trans", False, {(SOMATIC, GERMLINE)}),
        ("indel-cis", True, {(SOMATIC, SOMATIC), (SOMATIC, GERMLINE)}),
        ("indel-trans", False, {(SOMATIC, SOMATIC), (SOMATIC, GERMLINE)}),
        ("repeat", True, {(SOMATIC, SOMATIC), (SOMATIC, GERMLINE)}),
        ("two-indels", False, {(SOMATIC, SOMATIC), (SOMATIC, GERMLINE)}),
        ("two-alleles", False, {(GERMLINE, GERMLINE)}),
    ],
)
def test_pairs_are_in_cis_or_in_trans(planted, kind: str, cis: bool, events: set[tuple[str, str]]) -> None:
    _, _, groups = planted
    assert {tuple(variant.event for variant in group) for group in members(groups, kind)} == events
    assert {len({variant.group.haplotype for variant in group}) for group in members(groups, kind)} == {1 if cis else 2}


@pytest.mark.parametrize("kind", ["somatic-cis", "somatic-trans", "germline-cis", "germline-trans", "indel-cis"])
def test_pairs_touch_or_are_near(planted, kind: str) -> None:
    _, _, groups = planted
    distances = [gap(*(variant.allele for variant in group)) for group in members(groups, kind)]
    assert 1 in distances
    assert max(distances) > 2
    assert set(distances) <= set(range(1, FARTHEST_BP + 1))


def test_snvs_are_beneath_and_beside_deletions_in_trans(planted) -> None:
    _, _, groups = planted
    beneath = [indel.allele.start <= snv.allele.start < indel.allele.end for snv, indel in members(groups, "indel-trans")]
    assert 0 < sum(beneath) < len(beneath)


def test_kinds_of_one_allele_are_what_they_are_called(planted) -> None:
    genome, _, groups = planted
    changes = {(genome.text[v.allele.start : v.allele.end], v.allele.alt) for (v,) in members(groups, "dinucleotide")}
    assert changes == {(b"CC", b"TT"), (b"GG", b"AA")}
    for (variant,) in members(groups, "replacement"):
        allele, ref = variant.allele, genome.text[variant.allele.start : variant.allele.end]
        assert allele.type is VariantType.REPLACEMENT
        assert min(len(ref), len(allele.alt)) > 1
        assert ref[0] != allele.alt[0] and ref[-1] != allele.alt[-1]
    for (variant,) in members(groups, "tandem-duplication"):
        start, length = variant.allele.start, variant.allele.length
        assert variant.tandem and 10 <= length <= 150
        assert variant.allele.alt == genome.text[start : start + length]


def test_a_kataegis_is_a_crowd_of_mutated_c_of_one_strand(planted) -> None:
    genome, _, groups = planted
    sizes = set()
    for group in members(groups, "kataegis"):
        sizes.add(len(group))
        assert len({genome.text[variant.allele.start] for variant in group}) == 1
        assert {genome.text[variant.allele.start : variant.allele.end] for variant in group} <= {b"C", b"G"}
        for one, other in itertools.pairwise(group):
            assert 2 <= other.allele.start - one.allele.start <= FARTHEST_BP + 25
    assert min(sizes) >= 4 and max(sizes) <= 10 and len(sizes) > 3


def test_two_alleles_share_a_place_and_some_lists_lack_one(planted) -> None:
    genome, _, groups = planted
    unlisted = []
    for kind in ("two-indels", "two-alleles"):
        for group in members(groups, kind):
            spans = [(v.allele.start, v.allele.end + steps_to_the_right(v.allele, genome.text, len(genome))) for v in group]
            assert max(start for start, _ in spans) <= min(end for _, end in spans)
            unlisted.append((kind, sum(not variant.group.listed for variant in group)))
    assert set(unlisted) == {("two-indels", 0), ("two-alleles", 0), ("two-alleles", 1)}


def test_nothing_else_changes_with_groups() -> None:
    genome = random_genome(200_000, 1, np.random.default_rng(1))
    few = {"somatic_snvs": 50, "somatic_mnvs": 10, "somatic_insertions": 20, "somatic_deletions": 20, "germline": 50}
    without, nothing = planted_with(genome, SimulationSettings(**few))
    beside, _ = planted_with(genome, SimulationSettings(**few, neighbours=["somatic", "repeat"]))
    assert nothing == []
    assert [(v.allele, v.copies.tolist()) for v in without] == [(v.allele, v.copies.tolist()) for v in beside]


def test_no_room_and_no_repeats_are_said() -> None:
    genome = random_genome(6_000, 1, np.random.default_rng(1))
    with pytest.raises(UserError, match="no room"):
        planted_with(genome, SimulationSettings(neighbours=["all"], neighbour_groups=100, germline=0, somatic_snvs=0))
    plain = Genome(["chr1"], np.array([0, 6_000]), np.frombuffer(b"ACGGT" * 1_200, dtype=np.uint8))
    placement = Placement(plain, np.random.default_rng(1))
    with pytest.raises(UserError, match="no room"):
        chosen = SimulationSettings(neighbours=["repeat"])
        plant_neighbours(plain, chosen, COPIES, placement, np.random.default_rng(1))


def test_alleles_that_are_one_simpler_variant_are_no_group() -> None:
    """Changing the A of CA to C and deleting the next C is the deletion of the A; G>T beside T>G is an MNV."""
    assert haplotype_made(b"TTACGG", [Edit(2, 3, b"C"), Edit(3, 4, b"")]) is None
    assert haplotype_made(b"TTACGG", [Edit(2, 4, b""), Edit(3, 4, b"T")]) is None
    assert haplotype_made(b"TTGTCC", [Edit(3, 4, b"G"), Edit(2, 3, b"T")]) == Edit(2, 4, b"TG")
    assert haplotype_made(b"TTGTCC", [Edit(3, 3, b"AA"), Edit(3, 4, b"G")]) == Edit(3, 4, b"AAG")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from((0, 0, 1, 3)), st.integers(0, 2), st.text("ACGT", max_size=2)), min_size=2, max_size=6),
    st.randoms(use_true_random=False),
    st.integers(0, 9),
    st.integers(0, 3),
)
def test_touching_alleles_are_all_in_the_fragments_of_their_copy(
    drawn: list[tuple[int, int, str]], order: random.Random, begin: int, left_out: int
) -> None:
    """Against the sequence written out; whatever the order in which alleles are listed."""
    text, alleles, at = b"GATTACAGGCTTAACGTCCATGGATCCTAAGC", [], 5
    for gap_bp, length, alt in drawn:
        start = at + gap_bp
        if length or (alt and (start, start) not in [allele[:2] for allele in alleles]):
            at = start + length
            alleles.append(Edit(start, at, alt.encode()))
    made, last = b"", 0
    for allele in alleles:
        made += text[last : allele.start] + allele.alt
        last = allele.end
    made += text[last:]
    order.shuffle(alleles)
    m = molecules(alleles, [Copy(0, len(text), np.arange(len(alleles)))])
    assert m.length.tolist() == [len(made)]
    length = len(made) - left_out - begin
    bases, position, slip = np.empty(length, np.uint8), np.empty(length, np.int64), np.empty(2, np.int64)
    tracts = np.full(len(text), -1, np.int32)
    none, rates = np.empty(0, np.int64), np.empty(0)
    assert fragment_bases(
        np.frombuffer(text, np.uint8), m.first, m.last, m.offset, m.variant, m.position, m.start, m.end, m.alt_offset,
        m.alt_length, m.alt, 0, begin, length, tracts, none, none, rates, np.random.default_rng(0), bases, position, slip,
    )  # fmt: skip
    assert bases.tobytes() == made[begin : begin + length]
