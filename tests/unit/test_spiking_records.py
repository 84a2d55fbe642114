"""Edited records against what samtools makes of them, and pairs by hand."""

import re
from pathlib import Path

import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_examples import plain_sequence
from small_bams import write_fasta
from varproof.spiking import records
from varproof.spiking.records import edited
from varproof.variants.edit import Edit

TEXT = plain_sequence(3_000, seed=15)
LENGTH, INSERT = 100, 320
HEADER = pysam.AlignmentHeader.from_dict({"HD": {"SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": len(TEXT)}]})


def reference(start: int, end: int) -> str:
    return TEXT[start:end]


def pair(start: int, insert: int = INSERT, length: int = LENGTH) -> list[pysam.AlignedSegment]:
    """Two records without errors, with the tags of an aligner."""
    out = []
    for flag, at, mate, sign in ((0x63, start, start + insert - length, 1), (0x93, start + insert - length, start, -1)):
        fields = [
            "pair",
            flag,
            "chr1",
            at + 1,
            60,
            f"{length}M",
            "=",
            mate + 1,
            sign * insert,
            TEXT[at : at + length],
            "?" * length,
        ]
        made = pysam.AlignedSegment.fromstring("\t".join(map(str, fields)), HEADER)
        made.set_tags([("NM", 0), ("MD", str(length)), ("AS", length), ("MC", f"{length}M"), ("RG", "a")])
        out.append(made)
    return out


EDITS = [
    Edit(1000, 1001, "ACGT"[("ACGT".index(TEXT[1000]) + 1) % 4]),
    Edit(1000, 1003, "".join("ACGT"[("ACGT".index(base) + 2) % 4] for base in TEXT[1000:1003])),
    Edit(1000, 1000, "GATTACA"),
    Edit(1000, 1000, "GATTACAGGT" * 6),
    Edit(1000, 1012, ""),
    Edit(1000, 1400, ""),
]


@pytest.mark.parametrize("edit", EDITS)
def test_tags_are_those_of_samtools(edit: Edit, tmp_path: Path) -> None:
    """`samtools calmd` makes NM and MD from the sequence and the CIGAR: the same."""
    path = tmp_path / "edited.bam"
    records = []
    for start in range(640, 1010, 7):
        records += edited(pair(start), edit, reference) or []
    with pysam.AlignmentFile(str(path), "wb", header=HEADER) as out:
        for number, record in enumerate(sorted(records, key=lambda read: read.reference_start)):
            record.query_name = f"r{number}"
            out.write(record)
    fasta = write_fasta(tmp_path / "reference.fa", {"chr1": TEXT})
    told = [line.split("\t") for line in pysam.samtools.calmd(str(path), str(fasta)).splitlines() if not line.startswith("@")]
    assert len(told) == len(records)
    with pysam.AlignmentFile(str(path)) as found:
        for read, fields in zip(found, told, strict=True):
            tags = dict(re.findall(r"\b(NM:i|MD:Z):(\S+)", "\t".join(fields[11:])))
            assert (str(read.get_tag("NM")), read.get_tag("MD")) == (tags["NM:i"], tags["MD:Z"])
            assert read.query_length == LENGTH


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("start", [720, 850, 930, 999])
def test_mates_agree_about_each_other(edit: Edit, start: int) -> None:
    records = edited(pair(start), edit, reference)
    assert records is not None
    left, right = records
    assert (left.next_reference_start, right.next_reference_start) == (right.reference_start, left.reference_start)
    assert (left.get_tag("MC"), right.get_tag("MC")) == (right.cigarstring, left.cigarstring)
    assert left.template_length == -right.template_length == right.reference_end - left.reference_start
    assert left.get_tag("RG") == "a" and left.query_name == "pair"


def test_a_long_deletion_between_the_mates() -> None:
    """The fragment keeps its length on the haplotype, so that the mates lie as much further apart as is deleted."""
    left, right = edited(pair(850), Edit(1000, 1400, ""), reference) or []
    assert (left.reference_start, left.cigarstring) == (850, "100M")
    assert (right.reference_start, right.cigarstring) == (850 + INSERT - LENGTH + 400, "100M")
    assert right.query_sequence == TEXT[1470:1570]
    assert left.template_length == INSERT + 400


def test_a_fragment_that_is_deleted() -> None:
    assert edited(pair(1000), Edit(1000, 1400, ""), reference) is None
    assert edited(pair(1399), Edit(1000, 1400, ""), reference) is None
    assert edited(pair(999), Edit(1000, 1400, ""), reference) is not None


def test_what_is_far_from_the_variant_stays_as_it_is() -> None:
    before = pair(200)
    for one, other in zip(before, edited(before, Edit(1000, 1000, "GATTACA"), reference) or [], strict=True):
        assert one.to_string() == other.to_string()


@given(
    st.integers(900, 1003),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(0, LENGTH - 1), st.sampled_from("ACGT")), max_size=25),
)
def test_a_plain_read_with_a_substitution_is_what_the_long_way_makes(
    start: int, width: int, errors: list[tuple[int, str]]
) -> None:
    """The short way for reads without gaps gives the record that the alignment of all gives, clips and tags included."""
    edit = Edit(1000, 1000 + width, "".join("ACGT"[("ACGT".index(base) + 1) % 4] for base in TEXT[1000 : 1000 + width]))
    read = pair(start)[0]
    sequence = list(TEXT[start : start + LENGTH])
    for place, base in errors:
        sequence[place] = base
    read.query_sequence = "".join(sequence)
    read.query_qualities = pysam.qualitystring_to_array("".join(chr(35 + i % 40) for i in range(LENGTH)))
    found = records._edited_record(read, edit, reference, reference)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(records, "_substituted", lambda *_: None)
        assert records._edited_record(read, edit, reference, reference) == found


def test_the_score_is_the_aligners() -> None:
    """BWA-MEM scores 1 a match, -4 a mismatch, -(6 + n) a gap; what reaching an end is worth is not in it."""
    for edit, score in ((EDITS[0], 95), (EDITS[2], 93 - 13), (EDITS[4], 100 - 18)):
        found = edited(pair(950), edit, reference)
        assert found is not None and found[0].get_tag("AS") == score
