"""Placement of candidates and their haplotypes, against brute force over strings."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_examples import plain_sequence
from varproof.reads.decode import base_codes
from varproof.variants.candidate import Candidate, candidates_of
from varproof.variants.edit import VariantType
from varproof.variants.placement import (
    MAX_SHIFT,
    Placement,
    compatible,
    haplotype,
    is_one_indel,
    may_be_simpler,
    place,
    places_beside,
    reference_haplotype,
)
from varproof.variants.reference import ReferenceSlice

OFFSET = 1000
"""Where the slice begins on its contig: positions are the contig's."""


def slice_of(sequence: str) -> ReferenceSlice:
    return ReferenceSlice("chr1", OFFSET, base_codes(sequence))


def text(codes: np.ndarray) -> str:
    return "".join("ACGTN"[code] for code in codes)


def candidate(start: int, ref: str, alt: str) -> Candidate:
    """As a VCF record (0-based position in the sequence) yields it."""
    record = SimpleNamespace(start=OFFSET + start, ref=ref, alts=(alt,), contig="chr1")
    return candidates_of(record, 0)[0]


def changed(sequence: str, start: int, end: int, alt: str) -> str:
    return sequence[:start] + alt + sequence[end:]


def equivalent_edits(sequence: str, start: int, end: int, alt: str) -> list[tuple[int, int, str]]:
    """Every (start, end, alt) that is a pure insertion or deletion of the same length and makes the same haplotype."""
    target, gain = changed(sequence, start, end, alt), len(alt) - (end - start)
    found = []
    for at in range(len(sequence) + 1):
        if gain > 0:
            edit = (at, at, target[at : at + gain])
        elif at - gain <= len(sequence):
            edit = (at, at - gain, "")
        else:
            continue
        if changed(sequence, *edit) == target:
            found.append(edit)
    return found


@st.composite
def repetitive_indel(draw: st.DrawFn) -> tuple[str, int, int, str]:
    """A sequence with a tandem repeat in it and an indel somewhere near, often of whole repeat units."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    unit = "".join(rng.choice("ACGT") for _ in range(draw(st.integers(1, 5))))
    flanks = ["".join(rng.choice("ACGT") for _ in range(draw(st.integers(1, 12)))) for _ in range(2)]
    sequence = flanks[0] + unit * draw(st.integers(1, 8)) + flanks[1]
    length = len(unit) * draw(st.integers(1, 3)) if draw(st.booleans()) else draw(st.integers(1, 9))
    start = draw(st.integers(0, len(sequence)))
    if draw(st.booleans()):
        repeated = (unit * 9)[:length] if draw(st.booleans()) else "".join(rng.choice("ACGT") for _ in range(length))
        return sequence, start, start, repeated
    return sequence, start, min(len(sequence), start + length), ""


@settings(max_examples=200, deadline=None)
@given(repetitive_indel())
def test_equivalent_records_have_one_placement(case: tuple[str, int, int, str]) -> None:
    """The leftmost edit, and as shift the distance to the rightmost, from wherever the record wrote it."""
    sequence, start, end, alt = case
    if start == end and not alt:
        return
    edits = equivalent_edits(sequence, start, end, alt)
    reference = slice_of(sequence)
    for first, last, new in edits:
        kind = VariantType.INSERTION if new else VariantType.DELETION
        item = Candidate(0, 0, "chr1", OFFSET + first, OFFSET + last, sequence[first:last], new)
        found = place(item, reference)
        assert (found.start - OFFSET, found.end - OFFSET, text(found.alt)) == edits[0]
        assert found.shift == edits[-1][0] - edits[0][0]
        assert (found.low - OFFSET, found.high - OFFSET) == (edits[0][0], edits[-1][1])
        assert found.type is kind


def test_records_of_one_indel_in_a_repeat() -> None:
    """GG CACACACA TT less one CA: whatever record says it, it is reference[2:4], movable by 6."""
    sequence = "GGCACACACATT"
    for start, ref, alt in [(1, "GCA", "G"), (3, "ACA", "A"), (7, "ACA", "A"), (0, "GGCACACA", "GGCACA"), (2, "CAC", "C")]:
        found = place(candidate(start, ref, alt), slice_of(sequence))
        assert (found.start, found.end, found.shift, found.length_change) == (OFFSET + 2, OFFSET + 4, 6, -2)


def test_substitutions_and_replacements_stay() -> None:
    sequence = "GGAAAAAATT"
    for start, ref, alt, kind in [
        (4, "A", "C", VariantType.SNV),
        (4, "AA", "CG", VariantType.MNV),
        (4, "AAA", "CG", VariantType.REPLACEMENT),
        (4, "AA", "CGC", VariantType.REPLACEMENT),
    ]:
        found = place(candidate(start, ref, alt), slice_of(sequence))
        assert (found.start, found.end, text(found.alt)) == (OFFSET + start, OFFSET + start + len(ref), alt)
        assert (found.shift, found.type) == (0, kind)
    assert not place(candidate(4, "AA", "CG"), slice_of(sequence)).is_indel
    assert place(candidate(4, "AAA", "CG"), slice_of(sequence)).is_indel


def test_no_shift_through_unknown_bases() -> None:
    """A deletion of NN beside NN is not moved: an N is no evidence that sequences are alike."""
    found = place(Candidate(0, 0, "chr1", OFFSET + 4, OFFSET + 6, "NN", ""), slice_of("ACNNNNNNGT"))
    assert (found.start, found.shift) == (OFFSET + 4, 0)


def test_long_repeats_are_followed_but_not_for_ever() -> None:
    sequence = "G" + "A" * (MAX_SHIFT + 500) + "C"
    near = place(candidate(100, "AA", "A"), slice_of(sequence))
    assert near.start == OFFSET + 1
    assert near.high == OFFSET + 1 + MAX_SHIFT + 500
    far = place(candidate(MAX_SHIFT + 400, "AA", "A"), slice_of(sequence))
    assert OFFSET + 1 < far.start <= OFFSET + MAX_SHIFT + 400


def placement(start: int, ref: str, alt: str, shift: int = 0) -> Placement:
    end = OFFSET + start + len(ref)
    return Placement(OFFSET + start, end, base_codes(alt), shift, VariantType.REPLACEMENT)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_haplotypes_equal_string_edits(seed: int) -> None:
    """Up to three edits that don't touch, in any order, in any window."""
    rng = random.Random(seed)
    sequence = "".join(rng.choice("ACGT") for _ in range(80))
    cuts = sorted(rng.sample(range(10, 70), 6))
    edits = []
    for first, last in zip(cuts[::2], cuts[1::2], strict=True):
        new = "".join(rng.choice("ACGT") for _ in range(rng.randint(0, 6)))
        edits.append((first, rng.choice([first, last]), new))
    edits = edits[: rng.randint(1, 3)]
    low, high = rng.randint(0, 9), rng.randint(71, 80)
    expected, position = "", low
    for first, last, new in edits:
        expected += sequence[position:first] + new
        position = last
    expected += sequence[position:high]
    items = [placement(first, sequence[first:last], new) for first, last, new in edits]
    rng.shuffle(items)
    found = haplotype(slice_of(sequence), OFFSET + low, OFFSET + high, items, 50)
    assert text(found) == expected
    same = reference_haplotype(slice_of(sequence), OFFSET + low, OFFSET + high, items[0], 50)
    assert text(same) == sequence[low:high]


def test_windows_end_where_the_reference_does() -> None:
    found = haplotype(slice_of("ACGTACGT"), OFFSET - 50, OFFSET + 50, [placement(3, "T", "G")], 20)
    assert text(found) == "ACGGACGT"


@pytest.mark.parametrize("cut", [20, 60])
def test_long_alleles_keep_their_ends(cut: int) -> None:
    """What a read of at most `cut` bases can reach of a long allele is there, what lies between can match nothing."""
    sequence, inserted = plain_sequence(1400), plain_sequence(1000, seed=2)
    window = haplotype(slice_of(sequence), OFFSET + 100, OFFSET + 300, [placement(200, "", inserted)], cut)
    shown = text(window)
    assert shown.startswith(sequence[100:200] + inserted[:cut])
    assert shown.endswith(inserted[-cut:] + sequence[200:300])
    middle = shown[100 + cut : -100 - cut]
    assert middle and set(middle) == {"N"}
    deletion = placement(200, sequence[200:1200], "")
    whole = text(reference_haplotype(slice_of(sequence), OFFSET + 100, OFFSET + 1300, deletion, cut))
    assert whole == sequence[100 : 200 + cut] + middle + sequence[1200 - cut : 1300]
    assert (
        text(haplotype(slice_of(sequence), OFFSET + 100, OFFSET + 1300, [deletion], cut))
        == sequence[100:200] + sequence[1200:1300]
    )


def test_alleles_that_a_read_can_span_stay_whole() -> None:
    inserted = plain_sequence(40)
    shown = text(haplotype(slice_of("A" * 50), OFFSET, OFFSET + 50, [placement(25, "", inserted)], 20))
    assert shown == "A" * 25 + inserted + "A" * 25


def test_compatible_edits_do_not_overlap() -> None:
    snv, next_base, insertion, deletion = (
        placement(10, "A", "C"), placement(11, "A", "C"), placement(11, "", "GG"), placement(5, "AAAAAAAA", ""),
    )  # fmt: skip
    for one, other in ((snv, next_base), (snv, insertion), (next_base, insertion), (placement(13, "A", "C"), deletion)):
        assert compatible(one, other) and compatible(other, one), "touching"
    for one, other in (
        (snv, deletion),
        (deletion, insertion),
        (insertion, placement(11, "", "T")),
        (snv, placement(10, "A", "G")),
    ):
        assert not compatible(one, other) and not compatible(other, one)
    duplication = placement(20, "", "ACG" * 20, shift=60)
    assert not compatible(placement(22, "G", "T"), duplication) and compatible(placement(80, "A", "T"), duplication)


def test_an_indel_lies_before_or_behind_a_substitution_within_its_repeat() -> None:
    """GTTTTTC: a T less before the third one, which is a C, or behind it; two sequences."""
    reference, deletion, substitution = slice_of("GTTTTTC"), placement(1, "T", "", shift=4), placement(3, "T", "C")
    assert compatible(deletion, substitution) and compatible(substitution, deletion)
    made = {
        text(haplotype(reference, OFFSET, OFFSET + 7, [placed, substitution], 20))
        for placed in places_beside(deletion, [deletion, substitution])
    }
    assert made == {"GTCTTC", "GTTCTC"}
    insertion = placement(1, "", "CT", shift=3)
    assert [text(one.alt) for one in places_beside(insertion, [placement(2, "T", "C")])] == ["CT", "TC"]
    assert places_beside(deletion, [placement(6, "C", "A")]) == places_beside(deletion, []) == [deletion]
    assert compatible(placement(1, "T", "C"), deletion), "the deletion lies behind it"


def test_indels_that_can_meet_may_be_one_simpler_indel() -> None:
    near, far = placement(5, "A", "", shift=4), placement(12, "", "A")
    assert may_be_simpler(near, placement(10, "", "A")) and may_be_simpler(placement(10, "", "A"), near)
    assert not may_be_simpler(near, far) and not may_be_simpler(near, placement(9, "A", "C"))


@pytest.mark.parametrize(
    ("sequence", "one"),
    [("ACGTACGT", True), ("ACGACGT", True), ("ACGTTACGT", True), ("ACGAACGT", False), ("ACTACGT", True), ("ATGACGT", False)],
)
def test_one_indel_is_told_from_more(sequence: str, one: bool) -> None:
    """Of ACGTACGT: itself, a T or a G lost, a T gained; a T for an A; a lost T beside a substitution."""
    assert is_one_indel(base_codes(sequence), base_codes("ACGTACGT")) is one
