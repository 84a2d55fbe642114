"""Merged records: the haplotype is that of the parts, whatever they are, and the parts come back byte for byte."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from small_bams import write_fasta
from varproof.formats.events import EVENTS
from varproof.formats.record import Declared, Field, Record
from varproof.formats.scored import EventSelection
from varproof.machinery.errors import DamagedFile, OtherReference
from varproof.variants.candidate import candidates_of
from varproof.variants.merging import PhasedMerger, parts_of, split_records
from varproof.variants.reference import Reference

SOURCE = Path("calls.vcf")
REFERENCE = "".join(random.Random(5).choice("ACGT") for _ in range(400))
FIELDS = tuple(f"PROB_{name}" for name in EVENTS)
REAL = EventSelection(FIELDS[:4], FIELDS[4:])
HEADER = Declared(
    {name: Field("A", "Float") for name in FIELDS} | {"VP_PHASE": Field("A", "String"), "DP": Field("1", "Integer")},
    {"GT": Field("1", "String"), "AD": Field("R", "Integer"), "PS": Field("1", "Integer")},
    ["T", "N"],
    {"chr1": 0, "chr2": 1},
)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    path = tmp_path_factory.mktemp("reference") / "reference.fa"
    return Reference(write_fasta(path, {"chr1": REFERENCE, "chr2": REFERENCE}))


def probabilities(event: str = "SOMATIC_TUMOR", error: float = 20.0) -> str:
    """PROB_ fields: the event likeliest, by a PHRED of its own that tells how sure it is."""
    return ";".join(f"PROB_{name}={0.01 * error if name == event else error + 30}" for name in EVENTS)


COUNTS = "GT:AD\t0|1:20,9\t0|0:30,0"


def call(start: int, ref: str, alt: str, phase: str | None = "5:2", *, info: str = "", columns: str = "", identifier: str = ".",
         qual: str = ".", filters: str = ".", contig: str = "chr1", samples: str = COUNTS) -> Record:  # fmt: skip
    entries = [entry for entry in (info or probabilities(), phase and f"VP_PHASE={phase}", columns) if entry]
    return Record(
        f"{contig}\t{start + 1}\t{identifier}\t{ref}\t{alt}\t{qual}\t{filters}\t{';'.join(entries)}\t{samples}", HEADER
    )


def snv(start: int, step: int = 1, phase: str | None = "5:2", **more: str) -> Record:
    return call(start, REFERENCE[start], "ACGT"[("ACGT".index(REFERENCE[start]) + step) % 4], phase, **more)


def deletion(start: int, length: int, phase: str | None = "5:2") -> Record:
    """Of the bases from `start` on, with the one before."""
    return call(start - 1, REFERENCE[start - 1 : start + length], REFERENCE[start - 1], phase)


def insertion(start: int, alt: str, phase: str | None = "5:2") -> Record:
    return call(start - 1, REFERENCE[start - 1], REFERENCE[start - 1] + alt, phase)


def merged(records: list[Record], distance: int, reference: Reference | None) -> list[Record]:
    def out() -> Iterator[Record]:
        merger = PhasedMerger(SOURCE, distance, REAL, 0, reference)
        for record in records:
            yield from merger.add(record)
        yield from merger.finish()

    return list(out())


def applied(records: list[Record]) -> str:
    """The reference with every record's REF replaced by its ALT, the rightmost first, without shared bases."""
    sequence = REFERENCE
    edits = sorted((change.start, change.end, change.alt) for record in records for change in candidates_of(record, 0))
    for one, other in itertools.pairwise(edits):
        assert one[1] <= other[0]
    for start, end, alt in reversed(edits):
        sequence = sequence[:start] + alt + sequence[end:]
    return sequence


def shape(record: Record) -> tuple[int, str, str]:
    return record.start, record.ref, ",".join(record.alts or ())


def test_a_dinucleotide_needs_no_reference(reference: Reference) -> None:
    records = [snv(100), snv(101)]
    (one,) = merged(records, 0, None)
    assert shape(one) == (100, REFERENCE[100:102], records[0].alts[0] + records[1].alts[0])
    assert merged(records, 5, reference)[0].line == one.line


def test_bases_between_come_from_the_reference(reference: Reference) -> None:
    records = [snv(100), snv(102)]
    (one,) = merged(records, 1, reference)
    assert shape(one) == (100, REFERENCE[100:103], records[0].alts[0] + REFERENCE[101] + records[1].alts[0])
    assert merged(records, 0, reference) == records
    assert merged(records, 1, None) == records


def test_parts_of_mutect2_are_one_replacement(reference: Reference) -> None:
    """Deletion, SNV and insertion of one haplotype."""
    records = [deletion(100, 3), snv(104), insertion(106, "GG")]
    (one,) = merged(records, 2, reference)
    assert one.ref == REFERENCE[one.start : one.start + len(one.ref)]
    assert applied([one]) == applied(records)


@pytest.mark.parametrize(
    "second",
    [
        lambda: snv(101, phase="5:1"),
        lambda: snv(101, phase="9:2"),
        lambda: snv(101, phase=None),
        lambda: snv(101, info=probabilities("GERMLINE_HET")),
        lambda: snv(101, info=probabilities("ABSENT")),
        lambda: snv(101, info=probabilities("ARTIFACT")),
        lambda: snv(101, info="DP=3"),
        lambda: snv(101, filters="vp_fdr_0.05"),
        lambda: snv(103),
        lambda: snv(100, 2),
        lambda: deletion(100, 4),
        lambda: snv(101, contig="chr2"),
        lambda: call(101, REFERENCE[101], "<DEL>"),
        lambda: call(101, REFERENCE[101], "*"),
        lambda: call(101, REFERENCE[101], "A,C,G,T".replace(REFERENCE[101] + ",", "")[:3], "5:2,5:1"),
        lambda: snv(101, phase="5:1", samples="GT:PS\t0|1:7\t0|0:7"),
    ],
    ids=["trans", "another block", "no phase", "germline", "absent", "artefact", "not judged", "not kept", "far", "same base",
         "overlapping", "another contig", "symbolic", "star", "two alleles", "trans by reads, cis by caller"],
)  # fmt: skip
def test_what_is_no_part_stays(second: object, reference: Reference) -> None:
    records = sorted([snv(100, samples="GT:PS\t0|1:7\t0|0:7"), second()], key=lambda record: (record.contig, record.start))
    assert [record.line for record in merged(records, 1, reference)] == [record.line for record in records]


def test_the_callers_phase_serves_where_there_is_no_other(reference: Reference) -> None:
    for first, second, joined in [("0|1:7", "0|1:7", True), ("0|1:7", "1|0:7", False), ("0/1:7", "0/1:7", False)]:
        records = [snv(100 + i, phase=None, samples=f"GT:PS\t{text}\t.") for i, text in enumerate((first, second))]
        assert len(merged(records, 0, None)) == (1 if joined else 2)
    records = [snv(100 + i, phase=None, samples="GT:PGT:PID\t0/1:0|1:100_A_T\t.") for i in range(3)]
    assert len(merged(records, 0, None)) == 1


def test_an_allele_of_the_other_copy_stands_between(reference: Reference) -> None:
    records = [snv(100), snv(101, phase="5:1"), snv(102)]
    one, other = merged(records, 1, reference)
    assert shape(one)[0] == 100 and len(one.ref) == 3 and other.line == records[1].line


def test_what_a_merged_record_says() -> None:
    """Probabilities of the part that is least surely this event, samples of the part with the fewest fragments."""
    sure = snv(100, info=probabilities(error=40), columns="DP=7;SVLEN=1;X=1", identifier="rs1", qual="50.10", filters="PASS")
    unsure = snv(101, info=probabilities(error=90), columns="DP=7;SVLEN=1;X=2", identifier="rs2", qual="9.0", filters="weak",
                 samples="GT:AD:PS\t0|1:3,11:5\t.")  # fmt: skip
    (one,) = merged([sure, unsure], 0, None)
    assert one.columns[2] == "rs1;rs2" and one.columns[5] == "9.0" and one.columns[6] == "weak"
    assert one.columns[8:] == sure.columns[8:]
    assert one.info.get("PROB_SOMATIC_TUMOR") == (0.9,)
    assert one.info.text("VP_PHASE") == "5:2" and one.info.text("DP") == "7"
    assert "X" not in one.info and "SVLEN" not in one.info
    assert one.info.text("VP_MERGED") == ",".join(f"{record.pos}_{record.ref}_{record.alts[0]}" for record in (sure, unsure))
    assert [part.line for _, part in parts_of(one)] == [sure.line, unsure.line]
    assert parts_of(sure) == []


def test_one_deletion_at_two_places_of_a_repeat_is_not_made_two(tmp_path: Path) -> None:
    """Whether its spellings touch or have bases between them; what does not merge with one of both stays, too."""
    text = REFERENCE[:100] + "T" + "CA" * 8 + REFERENCE[117:]
    reference = Reference(write_fasta(tmp_path / "repeat.fa", {"chr1": text}))
    for places, distance in [((101, 103), 0), ((101, 109), 9)]:
        records = [call(place - 1, text[place - 1 : place + 2], text[place - 1]) for place in places]
        assert [record.line for record in merged(records, distance, reference)] == [record.line for record in records]


def test_other_records_of_the_event_are_named_still() -> None:
    records = [snv(100), snv(101)]
    names = [f"{record.pos}:{record.ref}:{record.alts[0]}" for record in records]
    for others in ([], ["90:A:C"]):
        for record, other in zip(records, names[::-1], strict=True):
            record.info["VP_SAME_EVENT"] = "&".join([*others, other])
        (one,) = merged(records, 0, None)
        assert one.info.text("VP_SAME_EVENT") == ("90:A:C" if others else None)


def test_a_merged_record_is_no_part_again() -> None:
    one, *_ = merged([snv(100), snv(101)], 0, None)
    assert [record.line for record in merged([one, snv(102)], 0, None)] == [one.line, snv(102).line]


def test_records_of_another_reference_are_told(reference: Reference) -> None:
    wrong = [call(100 + i, "ACGT"[("ACGT".index(REFERENCE[100 + i]) + 1) % 4], REFERENCE[100 + i]) for i in (0, 1)]
    with pytest.raises(OtherReference, match=r"calls\.vcf: chr1:101 has REF"):
        merged(wrong, 1, reference)


@pytest.mark.parametrize("text", ["x", "0%09chr1", "0%09chr1%09999%09.%09A%09C%09.%09.%09.%09GT%09.%09.", "%09"])
def test_damaged_parts_are_told(text: str) -> None:
    record = call(2000, "A", "C")
    record.info["VP_PARTS"] = text
    with pytest.raises(DamagedFile, match="record chr1:2001: VP_PARTS is damaged"):
        list(split_records([record]))


@st.composite
def lists(draw: st.DrawFn) -> list[Record]:
    """Sorted records of both copies at places that may touch and overlap, some written with bases that do not change."""
    records = []
    for _ in range(draw(st.integers(1, 9))):
        start = draw(st.integers(60, 90))
        kind = draw(st.sampled_from(["snv", "deletion", "insertion", "replacement", "padded"]))
        phase = draw(st.sampled_from(["5:1", "5:2", "5:2", "5:2", None]))
        if kind == "snv":
            record = snv(start, draw(st.integers(1, 3)), phase)
        elif kind == "deletion":
            record = deletion(start, draw(st.integers(1, 4)), phase)
        elif kind == "insertion":
            record = insertion(start, draw(st.sampled_from(["A", "CG", "TTT"])), phase)
        elif kind == "replacement":
            ref = REFERENCE[start : start + draw(st.integers(1, 4))]
            alt = draw(st.text("ACGT", min_size=1, max_size=4).filter(lambda alt, ref=ref: alt != ref))
            record = call(start, ref, alt, phase)
        else:
            before = draw(st.integers(1, 12))
            changed = "ACGT"[("ACGT".index(REFERENCE[start]) + 1) % 4]
            record = call(
                start - before, REFERENCE[start - before : start + 1], REFERENCE[start - before : start] + changed, phase
            )
        records.append(record)
    for number, record in enumerate(records):
        record.columns[2] = draw(st.sampled_from([".", f"id{number}", "a%3Bb"]))
        record.info["NOTE"] = draw(st.sampled_from(["", "a%09b", "x y,z", "\udc80", "ü=1", f"n{number}"]))
    return sorted(records, key=lambda record: record.start)


@settings(max_examples=400, deadline=None)
@given(records=lists(), distance=st.integers(0, 6))
def test_haplotypes_stay_and_parts_come_back(records: list[Record], distance: int, reference: Reference) -> None:
    before = [record.line for record in records]
    found = merged([Record(line, HEADER) for line in before], distance, reference)
    starts = [record.start for record in found]
    assert starts == sorted(starts)
    assert [record.line for record in split_records(Record(record.line, HEADER) for record in found)] == before
    for record in found:
        assert record.ref == REFERENCE[record.start : record.start + len(record.ref)]
        parts = [part for _, part in parts_of(record)]
        if parts:
            assert {part.info.text("VP_PHASE") for part in parts} == {record.info.text("VP_PHASE")}
            assert applied([record]) == applied(parts)
            assert len(record.ref) == 1 or len(record.alts[0]) == 1 or record.ref[-1] != record.alts[0][-1]


def test_splitting_keeps_the_order_of_records_of_one_position(reference: Reference) -> None:
    records = [
        snv(100, phase="5:1"), insertion(101, "TT"), snv(100, 2, phase=None), snv(100, 3), snv(100, phase="7:1"),
        insertion(102, "A", phase="5:1"), snv(101), snv(101, 2, phase=None), snv(101, phase="5:1", contig="chr2"),
    ]  # fmt: skip
    found = merged(records, 0, reference)
    assert len(found) < len(records)
    assert [record.line for record in split_records(found)] == [record.line for record in records]
