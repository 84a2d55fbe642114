"""Which reads carry the candidate allele, by cases made by hand; and that records that mean the same give the same tensor."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evidence_examples import Locus, plain_sequence, write_candidates
from small_bams import Read, write_bam, write_fasta
from varproof.formats.tensors import (
    ALLELE_COLUMNS,
    ALT_MISMATCHES,
    FLAGS,
    NOT_COMPARED,
    REF_MISMATCHES,
    SUPPORTS_ALT,
    SUPPORTS_REF,
    PackedTensors,
    TensorSettings,
    concatenated,
)
from varproof.pileup.pipeline import Samples, TensorJob, packed_chunks

LENGTH = 600
REFERENCE = plain_sequence(LENGTH)
AT = 300
SHOWN = {SUPPORTS_ALT: "alt", SUPPORTS_REF: "ref", 0: ""}


def packed(folder: Path, locus: Locus, records: list[Any] | None = None, **settings: Any) -> PackedTensors:
    write_fasta(folder / "reference.fa", {"chr1": locus.reference})
    write_bam(folder / "reads.bam", {"chr1": len(locus.reference)}, locus.reads)
    candidates = write_candidates(
        folder / "candidates.vcf", [locus.record()] if records is None else records, {"chr1": len(locus.reference)}
    )
    layout = TensorSettings(tracks=("tumor",), **settings)
    return concatenated(
        list(packed_chunks(TensorJob(candidates, folder / "reference.fa", Samples(folder / "reads.bam"), settings=layout), 1))
    )


def supports(tensors: PackedTensors) -> list[str]:
    return [SHOWN[flags & (SUPPORTS_ALT | SUPPORTS_REF)] for flags in tensors.rows[:, FLAGS].tolist()]


def mismatches(tensors: PackedTensors) -> list[tuple[int, int]]:
    return [(row[ALT_MISMATCHES], row[REF_MISMATCHES]) for row in tensors.rows.tolist()]


def other(*bases: str) -> str:
    return next(base for base in "ACGT" if base not in bases)


def test_snv(tmp_path: Path) -> None:
    """The base decides; a third base supports neither, N and a deletion tell nothing, and other mismatches don't count."""
    ref = REFERENCE[AT]
    alt = other(ref)
    locus = Locus(REFERENCE, AT, AT + 1, alt)
    locus.add_read(201, True)
    locus.add_read(202, False)
    locus.add_read(203, False, change=(AT, other(ref, alt)))
    locus.add_read(204, False, change=(AT, "N"))
    locus.add_read(205, True, change=(AT + 1, other(REFERENCE[AT + 1])))
    gap = Locus(REFERENCE, AT, AT + 2, "")
    gap.add_read(206, True)
    locus.reads += gap.reads
    tensors = packed(tmp_path, locus)
    assert supports(tensors) == ["alt", "ref", "", "", "alt", ""]
    assert mismatches(tensors) == [(0, 1), (1, 0), (1, 1), (255, 255), (0, 1), (255, 255)]


def test_mnv(tmp_path: Path) -> None:
    """Three bases of which the middle one stays; a read with one of two changes supports neither, unless it sees no more."""
    first, middle, last = REFERENCE[AT : AT + 3]
    locus = Locus(REFERENCE, AT, AT + 3, other(first) + middle + other(last))
    locus.add_read(211, True)
    locus.add_read(212, False)
    locus.add_read(213, False, change=(AT, other(first)))
    locus.add_read(AT + 1, True)  # begins within
    locus.add_read(AT + 2, False)
    tensors = packed(tmp_path, locus)
    assert supports(tensors) == ["alt", "ref", "", "alt", "ref"]
    assert mismatches(tensors) == [(0, 2), (2, 0), (1, 1), (0, 1), (1, 0)]
    assert tensors.centre[0] == AT + 1


def homopolymer(size: int, inserted: int) -> Locus:
    """A run of T at AT, in which `inserted` more are (or, negative, fewer)."""
    reference = REFERENCE[:AT] + "C" + "T" * size + "G" + REFERENCE[AT + size + 2 :]
    if inserted > 0:
        return Locus(reference, AT + 1, AT + 1, "T" * inserted)
    return Locus(reference, AT + 1, AT + 1 - inserted, "")


@pytest.mark.parametrize("change", [1, 2, -1, -3])
def test_homopolymer(change: int, tmp_path: Path) -> None:
    """A read that ends within the run tells nothing; one that sees both its ends tells, however it was aligned."""
    locus = homopolymer(8, change)
    locus.add_read(AT - 60, True)
    locus.add_read(AT - 59, False)
    end = AT + 1 + 8 + change  # of the run on the variant haplotype
    locus.add_read(end - 99 - 3, True)  # ends within the run, all of it matches both
    aligned_without_gap = Locus(locus.reference, 0, 0, "")
    aligned_without_gap.add_read(AT - 86, False)
    read = aligned_without_gap.reads[0]
    read.sequence = (locus.reference[: AT + 1] + "T" * (8 + change) + locus.reference[AT + 9 :])[AT - 86 :][:100]
    locus.reads.append(read)
    tensors = packed(tmp_path, locus)
    found = dict(zip([read.start for read in sorted(locus.reads, key=lambda r: r.start)], supports(tensors), strict=True))
    assert found == {AT - 60: "alt", AT - 59: "ref", end - 102: "", AT - 86: "alt"}
    unit, length = ALLELE_COLUMNS.index("repeat_unit"), ALLELE_COLUMNS.index("repeat_length")
    assert (tensors.allele_code[0, unit], tensors.allele_code[0, length]) == (1, 8)


def test_long_insertion_seen_in_soft_clips_only(tmp_path: Path) -> None:
    """200 bases: no read of 100 spans them; both ends show, clipped on either side, and no read within is aligned."""
    inserted = plain_sequence(200, seed=9)
    locus = Locus(REFERENCE, AT, AT, inserted, longest_gap=20)
    locus.add_read(AT - 70, True)  # its right end is in the insertion
    locus.add_read(AT - 69, False)
    locus.add_read(AT + 200 - 20, True)  # its left end is
    tensors = packed(tmp_path, locus)
    assert [read.cigar for read in locus.reads] == ["70M30S", "100M", "20S80M"]
    assert supports(tensors) == ["alt", "ref", "alt"]
    assert [alt for alt, _ in mismatches(tensors)] == [0, pytest.approx(25, abs=15), 0]
    assert tensors.centre[0] == AT


@pytest.mark.parametrize("side", ["left", "right"])
def test_deletion_at_the_end_of_a_read(side: str, tmp_path: Path) -> None:
    """Soft-clipped where the deletion is, or aligned through it with mismatches: on either side both are seen."""
    locus = Locus(REFERENCE, AT, AT + 30, "", longest_gap=10)
    start = AT - 92 if side == "left" else AT - 8  # eight bases beyond the deletion
    locus.add_read(start, True)
    locus.add_read(start - 1 if side == "left" else AT + 22, False)
    assert [read.cigar for read in locus.reads] == ["92M8S" if side == "left" else "8S92M", "100M"]
    forced = Locus(REFERENCE, AT, AT + 30, "", longest_gap=10)
    forced.add_read(start, True)
    forced.reads[0].cigar, forced.reads[0].name = "100M", "forced"
    if side == "right":
        forced.reads[0].start -= 8
    locus.reads += forced.reads
    tensors = packed(tmp_path, locus, rows="window")
    order = [read.name for read in sorted(locus.reads, key=lambda read: read.start)]
    assert dict(zip(order, supports(tensors), strict=True)) == {"alt0": "alt", "ref1": "ref", "forced": "alt"}


def test_replacement(tmp_path: Path) -> None:
    locus = Locus(REFERENCE, AT, AT + 3, "ACGTACG" if REFERENCE[AT] != "A" else "CGTACGA")
    locus.add_read(230, True)
    locus.add_read(231, False)
    assert supports(packed(tmp_path, locus)) == ["alt", "ref"]


def test_errors_are_allowed_a_tenth_of_the_bases(tmp_path: Path) -> None:
    """50 bases are compared: with six mismatches a read still supports the allele that fits better, with seven neither."""
    locus = Locus(REFERENCE, AT, AT, "ACTGACTGA")
    for start, errors in ((251, 6), (252, 7)):
        locus.add_read(start, True)
        read = locus.reads[-1]
        read.cigar = f"{AT - start}M{100 - (AT - start)}S"
        sequence = list(read.sequence)
        for k in range(errors):
            place = AT - start + 12 + 3 * k
            sequence[place] = other(sequence[place], REFERENCE[start + place])
        read.sequence = "".join(sequence)
    tensors = packed(tmp_path, locus)
    assert supports(tensors) == ["alt", ""]
    assert [alt for alt, _ in mismatches(tensors)] == [6, 7]


@pytest.mark.parametrize("locus", [homopolymer(8, 2), homopolymer(8, -3)])
def test_equivalent_records_give_the_same_tensor(locus: Locus, tmp_path: Path) -> None:
    for start in range(AT - 95, AT, 7):
        locus.add_read(start, start % 2 == 0)
    records = [locus.record(shift) for shift in (0, 1, 4, 5)]
    tensors = packed(tmp_path, locus, records)
    first = tensors.select(np.array([0]))
    for i in range(1, 4):
        one = tensors.select(np.array([i]))
        for name in ("centre", "reference", "allele_code", "row_offset", "base", "quality", "rows"):
            np.testing.assert_array_equal(getattr(one, name), getattr(first, name), err_msg=name)
    assert len(set(tensors.position.tolist())) == 4
    low, high = AT + 1, AT + 9
    assert first.centre[0] == (low + high) // 2  # the run and a base on either side: the middle of what may have changed


def test_a_long_deletion_is_centred_on_its_left_end(tmp_path: Path) -> None:
    short, long = Locus(REFERENCE, AT, AT + 48, ""), Locus(REFERENCE, AT, AT + 60, "")
    assert packed(tmp_path, short).centre[0] == AT + 24
    assert packed(tmp_path, long).centre[0] == AT


def read_of(start: int, cigar: str, sequence: str, name: str = "read") -> Read:
    return Read(name, start, cigar, sequence, [35] * len(sequence))


def test_an_mnv_that_is_aligned_with_gaps(tmp_path: Path) -> None:
    """GATC to CCAT is one insertion and one deletion to some aligners: its reads carry it all the same."""
    reference = REFERENCE[:AT] + "GATC" + REFERENCE[AT + 4 :]
    locus = Locus(reference, AT, AT + 4, "CCAT")
    locus.add_read(220, True)
    sequence = locus.reads[0].sequence
    locus.reads.append(read_of(221, "79M4I4D16M", sequence[1:], "gaps"))
    locus.reads.append(read_of(222, "78M4D4I16M", sequence[2:], "other gaps"))
    locus.add_read(223, False)
    locus.reads.append(read_of(224, "76M4D20M", reference[224:AT] + reference[AT + 4 : AT + 24], "deleted"))
    tensors = packed(tmp_path, locus)
    assert supports(tensors) == ["alt", "alt", "alt", "ref", ""]
    assert mismatches(tensors)[-1] == (NOT_COMPARED, NOT_COMPARED)


@pytest.mark.parametrize("clip", [1, 2, 6])
@pytest.mark.parametrize("left", [True, False])
def test_a_substitution_in_a_clip(clip: int, left: bool, tmp_path: Path) -> None:
    """An aligner clips a read that ends with a mismatch; the base is there for all that."""
    locus = Locus(REFERENCE, AT, AT + 1, other(REFERENCE[AT]))
    start = AT - clip + 1 if left else AT - 100 + clip
    for variant in (True, False):
        _, _, sequence = locus.alignment(start, 100, variant)
        cigar = f"{clip}S{100 - clip}M" if left else f"{100 - clip}M{clip}S"
        locus.reads.append(read_of(start + clip * left, cigar, sequence, f"read{variant}"))
    tensors = packed(tmp_path, locus)
    assert sorted(supports(tensors)) == ["alt", "ref"]


def test_a_gap_over_an_snv_is_taken_at_its_word(tmp_path: Path) -> None:
    """As is a clip in which something else is: an SNV is not looked for where the rest does not fit."""
    locus = Locus(REFERENCE, AT, AT + 1, other(REFERENCE[AT]))
    deleted = REFERENCE[230 : AT - 1] + REFERENCE[AT + 2 : AT + 33]
    locus.reads.append(read_of(230, f"{AT - 231}M3D31M", deleted))
    locus.reads.append(read_of(240, f"{AT - 240 - 1}M41S", REFERENCE[240 : AT - 1] + plain_sequence(41, seed=77)))
    assert supports(packed(tmp_path, locus, rows="window")) == ["", ""]


def test_a_repeat_unit_that_the_aligner_put_elsewhere(tmp_path: Path) -> None:
    """In (GTTTT)n a unit is lost: reads carry the deletion wherever the aligner put it, or if it made a clip of it."""
    unit = "GTTTT"
    reference = REFERENCE[: AT - 60] + unit * 12 + REFERENCE[AT:]
    locus = Locus(reference, AT - 60, AT - 55, "")
    begin, end = AT - 60, AT
    sequence = reference[begin - 30 : begin] + unit * 11 + reference[end : end + 15]
    for name, cigar in (("first", "30M5D70M"), ("middle", "55M5D45M"), ("last", "85M5D15M"), ("clip", "85M15S")):
        locus.reads.append(read_of(begin - 30, cigar, sequence, name))
    locus.reads.append(read_of(begin - 29, "100M", reference[begin - 29 : begin + 71], "reference"))
    locus.reads.append(read_of(begin - 50, "100M", reference[begin - 50 : begin + 50], "ends within"))
    tensors = packed(tmp_path, locus)
    names = [read.name for read in sorted(locus.reads, key=lambda read: read.start)]
    expected = dict.fromkeys(("first", "middle", "last", "clip"), "alt") | {"reference": "ref", "ends within": ""}
    assert dict(zip(names, supports(tensors), strict=True)) == expected
