"""Kernels that share the records of a BAM out between samples, byte for byte."""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.reads.decode_numba_fns import hash_of_bytes, int32

_SMALLEST = 36
KEY_SHIFT = 32
LAST_KEY = np.int64((1 << 62) - 1)
"""Of records without a place, which a sorted file has at its end."""


@compiled
def record_key(data: np.ndarray, at: int) -> int:
    """Contig and position of the record at `at` as one number, by which a sorted file ascends."""
    contig = int32(data, at + 4)
    return LAST_KEY if contig < 0 else (contig << KEY_SHIFT) + int32(data, at + 8) + 1


@compiled
def scan(data: np.ndarray, place: np.ndarray, key: np.ndarray, name: np.ndarray) -> tuple[int, int]:
    """Find the whole records of `data`, which begins with one: their first bytes, keys and hashes of names are written.

    Returns (records, bytes used); -1 records where something is no record. The three arrays have room for every record.
    """
    used, count, size = np.int64(0), 0, len(data)
    while size - used >= 4:
        length = int32(data, used)
        if length < _SMALLEST - 4:
            return -1, used
        if used + 4 + length > size:
            break
        name_size = np.int64(data[used + 12])
        if name_size < 1 or _SMALLEST + name_size > 4 + length:
            return -1, used
        place[count], key[count] = used, record_key(data, used)
        name[count] = hash_of_bytes(data, used + _SMALLEST, used + _SMALLEST + name_size - 1)
        count += 1
        used += 4 + length
    return count, used
