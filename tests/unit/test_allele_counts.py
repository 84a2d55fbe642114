"""Fragments per allele, as one would count them by hand, and depth whatever the limit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evidence_examples import SINGLE_END, Locus, collected, plain_sequence, sample_files
from small_bams import Read
from varproof.evidence import collect
from varproof.evidence.pipeline import collect_into, evidence_chunks
from varproof.formats.evidence import Evidence, concatenated, evidence_writer
from varproof.reads.decode import decode_reads, open_reads
from varproof.reads.overlaps import read_spans
from varproof.variants.chunks import HALO

REFERENCE = plain_sequence(3000, seed=8)
AT = 1500


def other(base: str, step: int = 1) -> str:
    return "ACGT"[("ACGT".index(base) + step) % 4]


def counts(evidence: Evidence, i: int = 0) -> tuple[int, int, int, int]:
    """(depth, usable, reference, alternative) of a candidate."""
    columns = (evidence.depth, evidence.usable, evidence.reference_count, evidence.alternative_count)
    return tuple(int(column[i]) for column in columns)  # type: ignore[return-value]


def reads_of(locus: Locus, references: int, alternatives: int, mapq: int = 60) -> list[Read]:
    for i in range(references + alternatives):
        locus.add_read(locus.start - 20 - 3 * (i % 20), i >= references, reverse=i % 2 == 0, mapq=mapq)
        locus.reads[-1].name = f"{locus.alt}{mapq}:{len(locus.reads)}"
    return locus.reads


@pytest.mark.parametrize("edit", [(0, 1, "?"), (0, 2, "??"), (0, 0, "GAT"), (0, 3, ""), (0, 0, "?" * 40), (0, 25, "")])
def test_each_fragment_counts_for_what_it_shows(edit: tuple[int, int, str], tmp_path: Path) -> None:
    """Reads that can be anywhere are in the depth, and count for nothing else."""
    start, end, alt = edit
    alt = "".join(other(REFERENCE[AT + i]) if base == "?" else base for i, base in enumerate(alt))
    locus = Locus(REFERENCE, AT + start, AT + end, alt)
    reads_of(locus, 7, 4)
    reads_of(locus, 2, 3, mapq=0)
    evidence = collected(tmp_path, REFERENCE, locus.reads, [locus.record()], SINGLE_END)
    assert counts(evidence) == (16, 11, 7, 4)


def test_mates_count_once_and_for_neither_where_they_differ(tmp_path: Path) -> None:
    locus = Locus(REFERENCE, AT, AT + 1, other(REFERENCE[AT]))
    locus.add_pair(AT - 60, True, length=120)
    locus.add_pair(AT - 60, False, length=120)
    locus.add_pair(AT - 60, True, length=120)
    second = locus.reads[-1]
    place = AT - second.start
    second.sequence = second.sequence[:place] + REFERENCE[AT] + second.sequence[place + 1 :]
    assert counts(collected(tmp_path, REFERENCE, locus.reads, [locus.record()])) == (3, 3, 1, 1)


def test_a_third_base_counts_for_neither(tmp_path: Path) -> None:
    """Both alleles of a record, and an error: each fragment counts for one of them at most, the third base for none."""
    base = REFERENCE[AT]
    first, second = Locus(REFERENCE, AT, AT + 1, other(base)), Locus(REFERENCE, AT, AT + 1, other(base, 2))
    error = Locus(REFERENCE, AT, AT + 1, other(base, 3))
    reads = reads_of(first, 6, 5) + reads_of(second, 0, 3) + reads_of(error, 0, 2)
    evidence = collected(tmp_path, REFERENCE, reads, [first.record(), second.record()])
    assert counts(evidence, 0) == (16, 16, 6, 5)
    assert counts(evidence, 1) == (16, 16, 6, 3)


@pytest.mark.parametrize(("short", "long"), [("GA", "GAGA"), ("G", "GATTACAGATTACA")])
def test_a_rival_insertion_counts_for_neither(short: str, long: str, tmp_path: Path) -> None:
    """Two insertions at one place: the reads of the longer look more like the shorter than like the reference."""
    one, two = Locus(REFERENCE, AT, AT, short), Locus(REFERENCE, AT, AT, long)
    reads = reads_of(one, 9, 5) + reads_of(two, 0, 4)
    evidence = collected(tmp_path, REFERENCE, reads, [one.record(), two.record()], SINGLE_END)
    assert [counts(evidence, i)[2:] for i in range(2)] == [(9, 5), (9, 4)]


def test_a_neighbour_on_the_same_copy_is_no_rival(tmp_path: Path) -> None:
    """Two SNVs on one haplotype, ten bases apart or touching: the fragments that carry both count for both."""
    for distance in (1, 10):
        text = list(REFERENCE)
        text[AT], text[AT + distance] = other(REFERENCE[AT]), other(REFERENCE[AT + distance])
        both = Locus(REFERENCE, AT, AT + distance + 1, "".join(text[AT : AT + distance + 1]))
        records = [(at, REFERENCE[at], text[at]) for at in (AT, AT + distance)]
        evidence = collected(tmp_path, REFERENCE, reads_of(both, 6, 5), records, SINGLE_END)
        assert [counts(evidence, i)[2:] for i in range(2)] == [(6, 5), (6, 5)]


def test_reads_beside_a_substitution_are_not_in_its_depth(tmp_path: Path) -> None:
    locus = Locus(REFERENCE, AT, AT + 1, other(REFERENCE[AT]))
    for start in (AT - 100, AT - 99, AT, AT + 1):
        locus.add_read(start, False)
    assert counts(collected(tmp_path, REFERENCE, locus.reads, [locus.record()], SINGLE_END)) == (2, 2, 2, 0)


def test_deep_places_are_counted_whole_and_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loci = [Locus(REFERENCE, at, at + 1, other(REFERENCE[at])) for at in (600, AT, AT + 40)]
    reads = reads_of(loci[1], 250, 50) + reads_of(loci[0], 5, 5)
    files = sample_files(tmp_path, REFERENCE, reads, [locus.record() for locus in loci], SINGLE_END, max_depth=20)
    with evidence_writer(tmp_path / "evidence.h5", {}) as writer:
        collect_into(writer, files, 1)
    assert [record.getMessage().split(":")[1] for record in caplog.records] == [
        " 2 of 3 candidates are deeper than the limit of 20"
    ]
    limited = concatenated(list(evidence_chunks(files, 1)))
    whole = concatenated(list(evidence_chunks(replace(files, max_depth=None), 1)))
    assert whole.depth.tolist() == limited.depth.tolist() and whole.depth[1] == 300
    assert (limited.used < limited.depth).tolist() == [False, True, True]


def test_spans_are_those_of_the_reads(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    locus = Locus(REFERENCE, AT, AT + 80, "")
    for _ in range(60):
        locus.add_pair(AT - int(rng.integers(20, 280)), bool(rng.random() < 0.5))
    files = sample_files(tmp_path, REFERENCE, locus.reads, [locus.record()])
    with open_reads(files.reads, files.reference) as handle:
        batch = decode_reads(handle, "chr1", AT - 50, AT + 150, keep_unmapped_mates=False)
        low, high, fragment, fragments = read_spans(handle, "chr1", AT - 50, AT + 150)
    clipped = [int(n) for n in np.diff(batch.base_offset) - (batch.end - batch.start)]
    assert fragments == batch.fragments == len(set(fragment.tolist()))
    assert len(low) == batch.size and (low <= batch.start).all() and (high >= batch.end).all()
    gapless = np.isin(np.diff(batch.cigar_offset), (1, 2)) & (np.array(clipped) >= 0)
    assert ((high - low) == np.diff(batch.base_offset))[gapless].all() and (low < batch.start).any()


@pytest.mark.parametrize("max_depth", [None, 15])
def test_chunks_with_too_many_reads_are_divided(max_depth: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near and far neighbours, an indel among them: the same evidence whatever fits into memory."""
    places = [AT - HALO // 3, AT, AT + 7, AT + 30, AT + 300]
    edits = [(at, at + 1, other(REFERENCE[at])) for at in places]
    edits[2] = (places[2], places[2] + 3, "")
    loci = [Locus(REFERENCE, *edit) for edit in edits]
    reads = [read for locus in loci for read in reads_of(locus, 25, 12)]
    files = sample_files(tmp_path, REFERENCE, reads, [locus.record() for locus in loci], max_depth=max_depth)
    found = []
    for bases, pairs in ((1 << 26, 1 << 24), (5000, 1 << 24), (1 << 26, 300), (1, 1)):
        monkeypatch.setattr(collect, "MOST_BASES", bases)
        monkeypatch.setattr(collect, "MOST_PAIRS", pairs)
        found.append(concatenated(list(evidence_chunks(files, 1))))
    for one in found[1:]:
        for name, values in vars(one).items():
            np.testing.assert_array_equal(values, getattr(found[0], name), err_msg=name)
    assert found[0].depth.min() >= 37
