"""The pileup finds each allele that reads show, joined, left-aligned, and counted."""

from pathlib import Path

import numpy as np
import pysam

from varproof.simulation.genome import Genome
from varproof.simulation.pileup import alleles_in_reads
from varproof.simulation.variants import Edit

FIRST = b"ACGTACGTACGGTTTTTTCAGCATGCATGGCA"
SECOND = b"GGCATTACGATCCAGTACCAGT"
GENOME = Genome(["a", "b"], np.array([0, len(FIRST), len(FIRST) + len(SECOND)]), np.frombuffer(FIRST + SECOND, dtype=np.uint8))


def write_bam(path: Path, reads: list[dict]) -> Path:
    header = pysam.AlignmentHeader.from_references(["a", "b"], [len(FIRST), len(SECOND)])
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for i, given in enumerate(reads):
            read = pysam.AlignedSegment(header)
            read.query_name = f"r{i}"
            read.flag = given.get("flag", 0)
            read.reference_id, read.reference_start = given.get("contig", 0), given["start"]
            read.mapping_quality = given.get("mapq", 60)
            read.cigarstring, read.query_sequence = given["cigar"], given["bases"]
            read.query_qualities = given.get("qualities", pysam.qualitystring_to_array("I" * len(given["bases"])))
            out.write(read)
    pysam.index(str(path))
    return path


def test_substitutions(tmp_path: Path) -> None:
    low = pysam.qualitystring_to_array("I" * 4 + "#" + "I" * 3)
    reads = [
        {"start": 0, "cigar": "8M", "bases": "ACTTACGT"},  # SNV G>T at 2
        {"start": 0, "cigar": "2S8M", "bases": "GGACTTACGT"},
        {"start": 0, "cigar": "8M", "bases": "ACGGCCGT"},  # MNV TA>GC at 3
        {"start": 0, "cigar": "8M", "bases": "ACGTCCGT", "qualities": low},  # quality 2
        {"start": 0, "cigar": "8M", "bases": "ACNTACGT"},
        {"start": 0, "cigar": "8M", "bases": "CATGCATG"},  # a run of 8 is 8 SNVs
        {"start": 1, "cigar": "4M", "bases": "AGCT", "contig": 1, "flag": 16},  # CATT: as stored, on the forward strand
    ]
    counts = alleles_in_reads(write_bam(tmp_path / "x.bam", sorted(reads, key=lambda r: r.get("contig", 0))), GENOME)
    other = len(FIRST)
    assert counts.pop(Edit(2, 3, b"T")) == 3
    assert counts.pop(Edit(3, 5, b"GC")) == 1
    assert counts.pop(Edit(other + 1, other + 4, b"AGC")) == 1
    assert {(allele.type, number) for allele, number in counts.items()} == {("snv", 1)}
    assert sorted(allele.start for allele in counts) == [0, 1, 3, 4, 5, 6, 7]


def test_indels_are_left_aligned_and_their_counts_joined(tmp_path: Path) -> None:
    reads = [
        {"start": 8, "cigar": "4M1D8M", "bases": "ACGG" + "TTTTTCAG"},  # deletion of a T, first of the run
        {"start": 8, "cigar": "7M1D5M", "bases": "ACGGTTT" + "TTCAG"},  # in the middle of it
        {"start": 8, "cigar": "10M1I4M", "bases": "ACGGTTTTTT" + "T" + "CAGC"},  # insertion at its end
        {"start": 20, "cigar": "6M2I4M", "bases": "GCATGC" + "GC" + "ATGG"},
    ]
    counts = alleles_in_reads(write_bam(tmp_path / "x.bam", reads), GENOME)
    assert counts == {Edit(12, 13, b""): 2, Edit(12, 12, b"T"): 1, Edit(24, 24, b"GC"): 1}


def test_reads_that_do_not_count(tmp_path: Path) -> None:
    wrong = {"start": 0, "cigar": "8M", "bases": "ACTTACGT"}
    reads = [wrong | {"flag": flag} for flag in (0x100, 0x200, 0x400, 0x800)] + [wrong | {"mapq": 0}]
    assert not alleles_in_reads(write_bam(tmp_path / "x.bam", reads), GENOME)
