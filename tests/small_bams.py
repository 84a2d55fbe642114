"""Tiny BAM and FASTA files for tests, written with pysam."""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pysam


@dataclass
class Read:
    """One alignment to write; flags, positions (0-based) and CIGAR as in pysam."""

    name: str
    start: int
    cigar: str
    sequence: str
    qualities: list[int] | None = None
    flag: int = 0
    mapq: int = 60
    mate_start: int = -1
    mate_contig: int | None = None
    template_length: int = 0
    contig: int = 0
    tags: list[tuple[str, Any, str | None]] = field(default_factory=list)
    """Name, value and type of each (SAM specification); of arrays None."""


def write_fasta(path: Path, contigs: dict[str, str]) -> Path:
    """An indexed FASTA."""
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in contigs.items()))
    pysam.faidx(str(path))
    return path


def write_bam(path: Path, lengths: dict[str, int], reads: list[Read], index: bool = True) -> Path:
    """A sorted, indexed BAM."""
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": name, "LN": n} for name, n in lengths.items()]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as handle:
        for read in sorted(reads, key=lambda item: (item.contig, item.start)):
            handle.write(segment(read))
    if index:
        pysam.index(str(path))
    return path


def segment(read: Read) -> pysam.AlignedSegment:
    """The pysam object of a read."""
    out = pysam.AlignedSegment()
    out.query_name = read.name
    out.flag = read.flag
    out.reference_id = read.contig
    out.reference_start = read.start
    out.mapping_quality = read.mapq
    if read.cigar:
        out.cigarstring = read.cigar
    out.query_sequence = read.sequence
    if read.qualities is not None:
        out.query_qualities = pysam.qualitystring_to_array("".join(chr(33 + q) for q in read.qualities))
    if read.mate_start >= 0:
        out.next_reference_id = read.contig if read.mate_contig is None else read.mate_contig
        out.next_reference_start = read.mate_start
    out.template_length = read.template_length
    for name, value, kind in read.tags:
        out.set_tag(name, value, kind)
    return out


def random_sequence(rng: random.Random, length: int) -> str:
    """Random bases with a short tandem repeat here and there."""
    out = ""
    while len(out) < length:
        if rng.random() < 0.02:
            unit = "".join(rng.choice("ACGT") for _ in range(rng.randint(1, 4)))
            out += unit * rng.randint(3, 8)
        out += rng.choice("ACGT")
    return out[:length]


def aligned_read(
    rng: random.Random, reference: str, start: int, length: int, error: float, gaps: float
) -> tuple[str, str, int]:
    """(CIGAR, sequence, end) of a read of `length` bases from `start` on, with clips, gaps, mismatches and Ns."""
    operations: list[tuple[str, int]] = []
    sequence, position = "", start
    left = rng.randint(1, 12) if rng.random() < 0.2 else 0
    right = rng.randint(1, 12) if rng.random() < 0.2 else 0
    if left:
        operations.append(("S", left))
        sequence += "".join(rng.choice("ACGT") for _ in range(left))
    while len(sequence) < length - right:
        room = length - right - len(sequence)
        run = min(room, rng.randint(8, 60))
        for _ in range(run):
            base = reference[position]
            if rng.random() < error:
                base = rng.choice("ACGTN")
            sequence += base
            position += 1
        operations.append(("M", run))
        if room - run > 12 and rng.random() < gaps:
            size = rng.choice([1, 1, 2, 3])
            if rng.random() < 0.5:
                operations.append(("I", size))
                sequence += "".join(rng.choice("ACGT") for _ in range(size))
            else:
                operations.append(("D", size))
                position += size
    if right:
        operations.append(("S", right))
        sequence += "".join(rng.choice("ACGT") for _ in range(right))
    merged: list[tuple[str, int]] = []
    for op, size in operations:
        if merged and merged[-1][0] == op:
            merged[-1] = (op, merged[-1][1] + size)
        else:
            merged.append((op, size))
    return "".join(f"{size}{op}" for op, size in merged), sequence, position


def random_pairs(
    seed: int, reference: str, pairs: int, read_length: int = 60, error: float = 0.03, gaps: float = 0.15
) -> list[Read]:
    """Pairs of reads all over the reference, of all mapping qualities, some left out by their flags, some half unmapped."""
    rng = random.Random(seed)
    reads = []
    for i in range(pairs):
        insert = max(read_length, round(rng.gauss(150, 20)))
        first = rng.randrange(0, len(reference) - insert - 30)
        second = first + insert - read_length
        mates = []
        for start in (first, second):
            cigar, sequence, end = aligned_read(rng, reference, start, read_length, error, gaps)
            qualities = [rng.choice([2, 7, 11, 22, 25, 37, 41]) for _ in sequence] if rng.random() < 0.97 else None
            mates.append((start, cigar, sequence, qualities, end))
        swap = rng.random() < 0.5
        extra = rng.choice([0x400, 0x200, 0x100, 0x800]) if rng.random() < 0.05 else 0
        lost = rng.random() < 0.05
        for side, (start, cigar, sequence, qualities, _) in enumerate(mates):
            flag = 0x1 | extra | (0x10 if side else 0x20) | (0x80 if bool(side) != swap else 0x40)
            mate_start = mates[1 - side][0]
            if lost:
                flag |= 0x4 if side else 0x8
                start, mate_start = first, first
                cigar = "" if side else cigar
            reads.append(
                Read(
                    f"read{i}", start, cigar, sequence, qualities, flag, rng.choice([0, 10, 30, 60, 60, 60]),
                    mate_start, template_length=0 if lost else (-insert if side else insert),
                )
            )  # fmt: skip
    return reads
