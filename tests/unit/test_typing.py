"""Reads of known haplotypes against candidates of every type: whom does each read support, and how strongly?"""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam
import pytest

from evidence_examples import PROPERTIES, READ_LENGTH, SINGLE_END, Locus, collected, log_ratios, plain_sequence
from small_bams import Read, write_bam
from varproof.evidence.collect import _candidate_arrays, _decoded
from varproof.evidence.decisions import DECISIONS
from varproof.evidence.realignment_numba_fns import realigned_log_ratios, segments_near
from varproof.evidence.sample import Sample
from varproof.evidence.typing_numba_fns import base_log_ratio, context_shifts, direct_log_ratios
from varproof.reads.arrays import DUPLEX, READ_KINDS
from varproof.reads.decode import base_codes
from varproof.variants.candidate import Candidate
from varproof.variants.placement import place
from varproof.variants.reference import ReferenceSlice

AT = 1000
REFERENCE = plain_sequence(2000)
Q30_MATCH_TO_MISMATCH = math.log((1 - 1e-3) / (1e-3 / 3))
"""What one base of quality 30 says: 8.0 nats."""


def other_base(position: int, step: int = 1) -> str:
    return "ACGT"[("ACGT".index(REFERENCE[position]) + step) % 4]


def locus(kind: str) -> Locus:
    start, end, alt = {
        "snv": (AT, AT + 1, other_base(AT)),
        "mnv": (AT, AT + 3, "".join(other_base(AT + i, 2) for i in range(3))),
        "insertion": (AT, AT, "GATTC"),
        "short insertion": (AT, AT, other_base(AT)),
        "tandem duplication": (AT, AT, REFERENCE[AT - 24 : AT]),
        "deletion of 1": (AT, AT + 1, ""),
        "deletion of 7": (AT, AT + 7, ""),
        "deletion of 45": (AT, AT + 45, ""),
        "replacement": (AT, AT + 6, "TTGCATTGCAGG"),
        "shrinking replacement": (AT, AT + 12, "GG"),
        "long insertion": (AT, AT, plain_sequence(150, seed=77)),
        "long deletion": (AT, AT + 200, ""),
    }[kind]
    return Locus(REFERENCE, start, end, alt)


KINDS = [
    "snv", "mnv", "insertion", "short insertion", "tandem duplication", "deletion of 1", "deletion of 7", "deletion of 45",
    "replacement", "shrinking replacement", "long insertion", "long deletion",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_reads_support_the_haplotype_that_they_come_from(kind: str, tmp_path: Path) -> None:
    """Reads with at least 25 bases on both sides of a breakpoint, no errors, quality 30: at least 6.5 nats each.

    One mismatch costs 8 nats, minus what an error nearby could explain; gaps and clips that the aligner chose don't matter.
    """
    item = locus(kind)
    for variant, width in ((True, len(item.alt)), (False, item.end - item.start)):
        edges = [AT] if width <= 30 else [AT, AT + width]
        for edge in edges:
            for offset in range(25, READ_LENGTH - 25 - (width if width <= 30 else 0), 7):
                item.add_read(edge - offset, variant, reverse=offset % 2 == 0)
    expected = {"alt": [], "ref": []}
    evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()], SINGLE_END)
    for read in item.reads:
        expected[read.name[:3]].append(read)
    found = log_ratios(evidence)
    assert len(found) == len(item.reads)
    against, support = found[: len(expected["ref"])], found[len(expected["ref"]) :]
    assert max(against) < -6.5
    assert min(support) > 6.5


def test_any_aligned_or_clipped_form_of_a_read_says_the_same(tmp_path: Path) -> None:
    """A read with an insertion of 12: shown as a gap, as a clip on either side, or forced through with mismatches.

    Not to the last nat: evidence over 20 nats flattens out, because a read may be worse than its qualities say.
    """
    item = Locus(REFERENCE, AT, AT, "GATTCAGATTCA")
    item.add_read(AT - 60, True)
    start, cigar, sequence = item.reads[0].start, item.reads[0].cigar, item.reads[0].sequence
    forms = {"60M12I28M": start, "60M40S": start, "100M": start, "72S28M": start + 60}
    assert cigar == "60M12I28M"
    ratios = []
    for form, position in forms.items():
        reads = [Read("read", position, form, sequence, [30] * READ_LENGTH)]
        ratios += log_ratios(collected(tmp_path, REFERENCE, reads, [item.record()], SINGLE_END))
    assert min(ratios) > 20
    assert max(ratios) - min(ratios) < 1.5


def one_read_ratios(item: Locus, realign: bool, properties=SINGLE_END, tmp: Path | None = None) -> list[float]:
    """Log ratios of the locus's reads by the kernel: direct comparison where it may, or realignment of all."""
    assert tmp is not None
    path = write_bam(tmp / "reads.bam", {"chr1": len(REFERENCE)}, item.reads)
    sample = Sample.from_properties(properties)
    reference = ReferenceSlice("chr1", 0, base_codes(REFERENCE))
    candidate = Candidate(0, 0, "chr1", item.start, item.end, REFERENCE[item.start : item.end], item.alt)
    arrays = _candidate_arrays([place(candidate, reference)], [[]], np.zeros((1, 2)), reference, sample)
    if realign:
        arrays = arrays._replace(substitution=np.zeros(1, bool))
    with pysam.AlignmentFile(str(path)) as alignments:
        reads = _decoded(alignments, reference, 0, len(REFERENCE), None).reads
    size, listed = len(reads.start), np.zeros(len(REFERENCE), np.uint8)
    compared = size if arrays.substitution[0] else 0
    direct = direct_log_ratios(arrays, 0, reads, 0, compared, reference.codes, listed, 0, sample.tables)
    usable = [*direct.usable, *[False] * (size - len(direct.usable))]
    segments = segments_near(arrays, 0, reads, np.arange(size), sample.tables)
    anew = realigned_log_ratios(arrays, 0, segments, sample.tables).log_ratio
    return [direct.log_ratio[r] if usable[r] else anew[r] for r in range(size)]


@pytest.mark.parametrize(("kind", "quality"), [("snv", 12), ("snv", 30), ("mnv", 12), ("mnv", 20)])
def test_direct_comparison_equals_realignment(kind: str, quality: int, tmp_path: Path) -> None:
    """Where the aligner placed a read without gaps, the pair HMM sums one alignment that matters: same ratio to 0.15 nats.

    Not less, because realignment grants that a read may be worse than its qualities say.
    """
    item = locus(kind)
    for offset in range(10, 90, 8):
        item.add_read(AT - offset, offset % 3 > 0, reverse=offset % 2 == 0, quality=quality)
    direct, realigned = (one_read_ratios(item, realign, tmp=tmp_path) for realign in (False, True))
    assert direct == pytest.approx(realigned, abs=0.15, rel=0.02)
    assert direct != realigned


def test_base_log_ratio_by_hand() -> None:
    """Reference A, alternative C, quality 30: an A says ln(p(A|C) / p(A|A)), a C the opposite, a G nothing, an N nothing."""
    tables = Sample.from_properties(PROPERTIES).tables

    def ratio(base: int, reference: int = 0, alternative: int = 1, quality: int = 30, orientation: int = 0, boost: float = 1.0):
        return base_log_ratio(base, reference, alternative, quality, orientation, boost, tables)

    assert ratio(1) == pytest.approx(Q30_MATCH_TO_MISMATCH)
    assert ratio(0) == pytest.approx(-Q30_MATCH_TO_MISMATCH)
    assert ratio(2) == pytest.approx(0.0)
    assert ratio(4) == ratio(1, reference=4) == ratio(1, alternative=4) == 0.0
    assert ratio(1, quality=20) == pytest.approx(math.log((1 - 0.01) / (0.01 / 3)))
    assert ratio(1, quality=20, boost=10.0) == pytest.approx(math.log((1 - 0.1) / (0.1 / 3)))
    assert 0.0 <= ratio(1, quality=0) < ratio(1, quality=2) < ratio(1, quality=40) <= ratio(1, quality=250)


def test_base_log_ratio_knows_the_orientation() -> None:
    """G>T on the first read's strand ten times as common: weak support for G>T there, and for C>A on the other strand."""
    tables = Sample.from_properties(PROPERTIES).tables
    rates = tables.substitution_error.copy()
    rates[:, 0, 2, 3] *= 10.0
    rates[:, 1, 1, 0] *= 10.0
    tables = tables._replace(substitution_error=rates)
    damaged = base_log_ratio(3, 2, 3, 30, 0, 1.0, tables)
    assert base_log_ratio(0, 1, 0, 30, 1, 1.0, tables) == pytest.approx(damaged)
    sound = base_log_ratio(3, 2, 3, 30, 1, 1.0, tables)
    assert sound == pytest.approx(Q30_MATCH_TO_MISMATCH)
    assert damaged == pytest.approx(sound - math.log(10), abs=0.01)


@pytest.mark.parametrize("orientation", [0, 1])
def test_context_and_kind_of_read_change_error_rates(orientation: int) -> None:
    """In TCG, of duplex reads: C read as T 7 times as often as elsewhere, T read as C a third as often."""
    genome = REFERENCE[: AT - 1] + "TCG" + REFERENCE[AT + 2 :]
    item = Candidate(0, 0, "one", AT, AT + 1, "C", "T")
    reference = ReferenceSlice("one", 0, base_codes(genome))
    sample = Sample.from_properties(PROPERTIES)
    context, kind = np.zeros((2, 64, 4)), np.zeros((READ_KINDS, 2, 4, 4))
    around = {base: 16 * 3 + 4 * base + 2 for base in (1, 3)}
    context[orientation, around[1], 3] = math.log(14.0)
    context[orientation, around[3], 1] = math.log(2 / 3)
    kind[DUPLEX, orientation] = math.log(0.5)
    sample = replace(sample, tables=sample.tables._replace(log_context=context, log_kind=kind))
    arrays = _candidate_arrays([place(item, reference)], [[]], np.zeros((1, 2)), reference, sample)
    shifts = context_shifts(arrays, 0, reference.codes, reference.start, sample.tables)
    assert shifts.shape == (1, READ_KINDS, 2, 4)
    assert shifts[0, DUPLEX, orientation, 3] == pytest.approx(-math.log(7.0))
    assert shifts[0, DUPLEX, orientation, 1] == pytest.approx(math.log(1 / 3))
    assert shifts[0, DUPLEX, orientation, 0] == pytest.approx(0.0)  # half as often misread under either allele
    assert shifts[0, 0, orientation, 3] == pytest.approx(-math.log(14.0))
    assert (shifts[0, :, 1 - orientation] == 0.0).all()


def test_an_n_says_nothing(tmp_path: Path) -> None:
    item = locus("snv")
    item.add_read(AT - 50, True, change=(AT, "N"))
    assert log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()], SINGLE_END)) == [0.0]


def test_a_third_base_says_nothing(tmp_path: Path) -> None:
    item = locus("snv")
    item.add_read(AT - 50, True, change=(AT, other_base(AT, 2)))
    assert log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()], SINGLE_END)) == pytest.approx([0.0], abs=0.02)


@pytest.mark.parametrize("kind", ["snv", "deletion of 7"])
def test_missing_qualities_are_taken_for_20(kind: str, tmp_path: Path) -> None:
    item, twin = locus(kind), locus(kind)
    for variant in (True, False):
        item.add_read(AT - 40, variant, quality=None)
        twin.add_read(AT - 40, variant, quality=20)
    found = log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()], SINGLE_END))
    assert found == log_ratios(collected(tmp_path, REFERENCE, twin.reads, [twin.record()], SINGLE_END))
    assert found[0] < -4 and found[1] > 4


def test_low_quality_says_less(tmp_path: Path) -> None:
    found = []
    for quality in (2, 10, 20, 30, 40):
        item = locus("snv")
        item.add_read(AT - 50, True, quality=quality)
        found += log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()], SINGLE_END))
    assert found == sorted(found) and found[0] < 1.5 and found[-1] > 9


@pytest.mark.parametrize("insertions", [2, 8])
def test_reads_of_a_neighbour_are_no_evidence(insertions: int, tmp_path: Path) -> None:
    """Reads of an inserted base that end right after it, aligned without a gap, show a substitution that isn't there.

    Alone, the substitution gains from them, unless enough reads show the insertion; with it among the candidates, they are
    explained by it.
    """
    item = Locus(REFERENCE, AT, AT, other_base(AT))
    for offset in range(30, 30 + 5 * insertions, 5):
        item.add_read(AT - offset, True)
    sequence = item.haplotype[AT - 98 : AT + 2]
    for i in range(3):
        item.reads.append(Read(f"ends{i}", AT - 98, "100M", sequence, [30] * READ_LENGTH))
    substitution = (AT, REFERENCE[AT], other_base(AT))
    alone = collected(tmp_path, REFERENCE, item.reads, [substitution], SINGLE_END)
    beside = collected(tmp_path, REFERENCE, item.reads, [item.record(), substitution], SINGLE_END)
    if insertions < DECISIONS.least_unlisted:
        assert sum(value > 3 for value in log_ratios(alone)) >= 3
    else:
        assert log_ratios(alone) == log_ratios(beside, 1)
    assert max(log_ratios(beside, 1)) < 0.7
    assert sum(value > 5 for value in log_ratios(beside, 0)) >= insertions


def test_a_real_substitution_beside_a_real_insertion_keeps_its_evidence(tmp_path: Path) -> None:
    """Both on one haplotype, 12 bp apart: each read supports both."""
    item = Locus(REFERENCE, AT, AT, "GATTC")
    position = AT - 12
    for offset in range(30, 70, 5):
        item.add_read(AT - offset, True, change=(position, other_base(position)))
        item.add_read(AT - offset, False)
    substitution = (position, REFERENCE[position], other_base(position))
    evidence = collected(tmp_path, REFERENCE, item.reads, [substitution, item.record()], SINGLE_END)
    for i in range(2):
        found = log_ratios(evidence, i)
        assert len(found) == 16
        assert max(found[:8]) < -6 and min(found[8:]) > 6


def test_two_alleles_at_one_place_split_the_reads(tmp_path: Path) -> None:
    """Of two SNVs at one base each read supports its own, and speaks against the other no more than for the reference."""
    first, second = (AT, REFERENCE[AT], other_base(AT)), (AT, REFERENCE[AT], other_base(AT, 2))
    item = locus("snv")
    for offset in range(30, 70, 5):
        item.add_read(AT - offset, True)
        item.add_read(AT - offset, False, change=(AT, other_base(AT, 2)))
    evidence = collected(tmp_path, REFERENCE, item.reads, sorted([first, second]), SINGLE_END)
    for i in range(2):
        found = log_ratios(evidence, i)
        assert min(found[8:]) > 6
        assert max(found[:8]) < 0.7
