"""What crosses from Python into the compiled kernels of this room: flags, codes, and named tuples of arrays.

Everything that works on reads compares with these numbers.
"""

from typing import NamedTuple
from zlib import adler32, crc32

import numpy as np

MISSING_QUALITY = 20
"""Base quality that stands in where a read has none: an error rate of 1 %."""

CONFIDENT_MAPQ = 20
"""Reads with less tell nothing of how the sample was sequenced: they may be from elsewhere."""

OTHER_BASE = 4
BASE_CODES = np.array(
    [{65: 0, 97: 0, 67: 1, 99: 1, 71: 2, 103: 2, 84: 3, 116: 3}.get(i, OTHER_BASE) for i in range(256)], dtype=np.uint8
)
"""Of each character: A 0, C 1, G 2, T 3 (either case), anything else 4."""

HASH_RANGE = 1 << 64

NO_FAMILY, ONE_READ, SMALL_FAMILY, LARGE_FAMILY, DUPLEX = range(5)
"""Kinds of reads by the molecule's reads that a consensus was made of (tags of fgbio): none told, one, 2-3, 4 and more of one
strand; of both strands, so that damage of one of them is not in it."""

READ_KINDS = 5
CONSENSUS_TAGS = ("cD", "aD", "bD")
"""Depth of a consensus read, and of the reads of either strand that a duplex is made of."""


class Region(NamedTuple):
    """Reads that overlap start-end of a contig (its number, of so many `contigs`), without a flag of `left_out`.

    Positions are 0-based, ends exclusive. From `low` <= start to `stop` >= end the file is looked at, so that reads that
    start there can be counted. Reads of fewer than `least_bases` are not found.
    """

    contigs: int
    contig: int
    start: int
    end: int
    low: int
    stop: int
    left_out: int
    least_bases: int = 1


class Heads(NamedTuple):
    """Of n BAM records: `place` (first byte) and what decides on them, as in `Records`; int64 (n,), the hash uint64 (n,)."""

    place: np.ndarray
    start: np.ndarray
    end: np.ndarray
    mate_start: np.ndarray
    name_hash: np.ndarray


class Records(NamedTuple):
    """Columns of n reads, as in `decode.ReadBatch`; read i's name is names[name_offset[i]:name_offset[i + 1]], as bytes."""

    start: np.ndarray
    end: np.ndarray
    flag: np.ndarray
    mapq: np.ndarray
    mate_start: np.ndarray
    template_length: np.ndarray
    name_hash: np.ndarray
    kind: np.ndarray
    name_offset: np.ndarray
    names: np.ndarray
    base_offset: np.ndarray
    bases: np.ndarray
    qualities: np.ndarray
    cigar_offset: np.ndarray
    cigar_op: np.ndarray
    cigar_length: np.ndarray


def base_codes(sequence: str) -> np.ndarray:
    """uint8 codes of a sequence: A 0, C 1, G 2, T 3 (either case), anything else 4."""
    return BASE_CODES[np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)]


def name_hash(name: str) -> int:
    """Hash of a read name, uniform over 0..2**64-1 and the same for ever: splitmix64's finaliser over two checksums."""
    encoded = name.encode()
    key = (crc32(encoded) << 32) | adler32(encoded)
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) % HASH_RANGE
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) % HASH_RANGE
    return key ^ (key >> 31)


_LETTERS = bytes.maketrans(bytes(range(5)), b"ACGTN")


def spelled_out(codes: bytes) -> str:
    """Bases of codes."""
    return codes.translate(_LETTERS).decode()
