"""Reads with all that the BAM format allows."""

import random

import pysam

from small_bams import Read

LENGTHS = {"one": 6000, "two": 900, "three": 40_000}
BASES = "ACGTNRYMK=acgt"


def random_cigar(rng: random.Random) -> str:
    """Any operations in an order that the format allows; may align no base at all."""
    if rng.random() < 0.05:
        return f"{rng.randint(1, 40)}S"
    middle = "".join(f"{rng.randint(1, 40)}{rng.choice('MMMMMIDN=XP')}" for _ in range(rng.randint(1, 6)))
    left, right = (f"{rng.randint(1, 9)}S" if rng.random() < 0.2 else "" for _ in range(2))
    return ("3H" if rng.random() < 0.1 else "") + left + middle + right


def bases_of(cigar: str) -> int:
    """How many bases a read with this CIGAR has."""
    segment = pysam.AlignedSegment()
    segment.cigarstring = cigar
    return sum(length for operation, length in segment.cigartuples or [] if operation in (0, 1, 4, 7, 8))


def odd_reads(rng: random.Random, count: int) -> list[Read]:
    """Reads with all that the format allows, far more of it than in a file that a sequencer made."""
    names = [f"read:{i}" for i in range(count // 2)] + ["n" * 254, "a"]
    reads = []
    for _ in range(count):
        contig = rng.randrange(3)
        length = list(LENGTHS.values())[contig]
        flag = rng.choice([0, 0x1, 0x3, 0x1 | 0x8, 0x1 | 0x4]) | rng.choice([0, 0x10]) | rng.choice([0, 0x40, 0x80])
        flag |= rng.choice([0] * 15 + [0x100, 0x200, 0x400, 0x800])
        cigar = random_cigar(rng) if rng.random() < 0.95 else ""
        size = bases_of(cigar) if cigar else rng.randint(1, 60)
        sequence = "" if rng.random() < 0.03 else "".join(rng.choices(BASES, k=size))
        qualities = [rng.randint(0, 60) for _ in sequence] if rng.random() < 0.9 else None
        start = rng.randrange(length) if rng.random() < 0.7 else rng.randint(300, 320)
        mate = rng.choice([-1, max(0, start - rng.randint(0, 20_000)), start, min(length - 1, start + rng.randint(0, 12_000))])
        reads.append(
            Read(
                rng.choice(names), start, cigar, sequence, qualities, flag, rng.randrange(256), mate,
                rng.choice([contig, contig, contig, 1]), rng.randint(-10_000, 10_000), contig,
            )
        )  # fmt: skip
    return reads
