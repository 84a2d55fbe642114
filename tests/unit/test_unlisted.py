"""Indels of the reads that the list lacks: which are found, against a count of alignments; and that they count as if listed."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pysam
import pytest

from evidence_examples import PROPERTIES, READ_LENGTH, collected
from haplotype_examples import AT, REFERENCE, Edit, haplotype_reads, record, snv
from small_bams import Read, write_bam, write_fasta
from varproof.evidence.arrays import WINDOW
from varproof.evidence.collect import _decoded
from varproof.evidence.decisions import DECISIONS
from varproof.evidence.unlisted import unlisted_indels
from varproof.reads.decode import base_codes, open_reads
from varproof.variants.candidate import Candidate
from varproof.variants.placement import place
from varproof.variants.reference import ReferenceSlice

GENOME = "".join(random.Random(5).choice("ACGT") for _ in range(3000))
SLICE = ReferenceSlice("chr1", 0, base_codes(GENOME))


def random_reads(rng: random.Random) -> list[Read]:
    """Reads with clips, insertions and deletions at a few places, some of which many share."""
    reads = []
    for number in range(120):
        start = rng.randrange(1400, 1600)
        cigar, sequence, position = [(rng.randrange(5), "S")], "", start
        sequence += "A" * cigar[0][0]
        for place_ in (1500, 1530, 1640):
            kind = rng.choice(["", "D", "D", "I"])
            if not kind or place_ <= position or place_ > start + 100:
                continue
            cigar.append((place_ - position, "M"))
            sequence += GENOME[position:place_]
            size = rng.choice([1, 2])
            cigar.append((size, kind))
            sequence += rng.choice(["AC", "GG"])[:size] if kind == "I" else ""
            position = place_ + (size if kind == "D" else 0)
        cigar.append((start + 110 - position, "M"))
        sequence += GENOME[position : start + 110]
        text = "".join(f"{length}{kind}" for length, kind in cigar if length)
        reads.append(Read(f"r{number}", start, text, sequence, [30] * len(sequence), mapq=rng.choice([0, 60, 60, 60])))
    return reads


def counted(path: Path, low: int, high: int) -> set[tuple[int, int, str]]:
    """What enough alignments show within low..high, read by read."""
    shown: Counter[tuple[int, int, str]] = Counter()
    spans = []
    with pysam.AlignmentFile(str(path)) as handle:
        for read in handle:
            if read.mapping_quality == 0 or read.cigartuples is None or read.query_sequence is None:
                continue
            spans.append((read.reference_start, int(read.reference_end or 0)))
            at, query = read.reference_start, 0
            for kind, length in read.cigartuples:
                if kind == pysam.CDEL:
                    shown[at, at + length, ""] += 1
                if kind == pysam.CINS:
                    shown[at, at, read.query_sequence[query : query + length]] += 1
                at += length if kind in (pysam.CMATCH, pysam.CDEL) else 0
                query += length if kind in (pysam.CMATCH, pysam.CINS, pysam.CSOFT_CLIP) else 0
    found = set()
    for (start, end, alt), count in shown.items():
        depth = sum(first < start < last for first, last in spans)
        if (
            count >= DECISIONS.least_unlisted
            and count >= DECISIONS.least_unlisted_share * depth
            and low <= start <= end <= high
        ):
            found.add((start, end, alt))
    return found


@pytest.mark.parametrize("seed", range(6))
def test_indels_that_many_reads_show(seed: int, tmp_path: Path) -> None:
    """Near the candidate (not at 1640); one that the list has is not found again, however it is written."""
    bam = write_bam(tmp_path / "r.bam", {"chr1": len(GENOME)}, random_reads(random.Random(seed)))
    fasta = write_fasta(tmp_path / "r.fa", {"chr1": GENOME})
    with open_reads(bam, fasta) as alignments:
        reads = _decoded(alignments, SLICE, 0, len(GENOME), None).reads
    candidate = place(Candidate(0, 0, "chr1", 1515, 1516, GENOME[1515], "A" if GENOME[1515] != "A" else "C"), SLICE)
    expected = {}
    for start, end, alt in counted(bam, 1515 - WINDOW, 1516 + WINDOW):
        at = place(Candidate(0, 0, "chr1", start, end, GENOME[start:end], alt), SLICE)
        expected[at.start, at.end, at.alt.tobytes()] = at
    assert expected, "the reads have some"
    found = [at for _, at in unlisted_indels(reads, [candidate], 1, SLICE)]
    assert {(at.start, at.end, at.alt.tobytes()) for at in found} == set(expected)
    listed = [candidate, *list(expected.values())[:1]]
    again = unlisted_indels(reads, listed, 1, SLICE)
    assert len(again) == len(found) - 1


@pytest.mark.parametrize(
    "candidate", [(AT, AT + 1, ""), snv(AT), snv(AT + 2)], ids=["a deletion", "an SNV", "an SNV two bases away"]
)
@pytest.mark.parametrize("indel", [(AT, AT, "GATT"), (AT, AT + 3, "")], ids=["insertion", "deletion"])
def test_a_germline_indel_counts_as_if_the_list_had_it(candidate: Edit, indel: Edit, tmp_path: Path) -> None:
    reads = [*haplotype_reads([], "a"), *haplotype_reads([indel], "b")]
    assert PROPERTIES.max_read_length == READ_LENGTH
    alone = collected(tmp_path, REFERENCE, reads, [record(candidate)])
    listed = sorted([record(candidate), record(indel)])
    beside = collected(tmp_path, REFERENCE, reads, listed)
    row = int(np.flatnonzero(beside.key == alone.key[0])[0])
    same = beside.rows(np.array([row]))
    for name in ("log_ratio", "count", "reference_count", "alternative_count", "other_count", "support", "usable"):
        assert np.array_equal(getattr(same, name), getattr(alone, name)), name
