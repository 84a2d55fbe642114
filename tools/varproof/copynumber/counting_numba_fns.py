"""Kernels of counting: how many fragments cover each base, and with which bases."""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.reads.sam import DELETION, DIFFERENT, EQUAL, INSERTION, MATCH, SKIP, SOFT_CLIP


@compiled
def base_counts(
    start: np.ndarray,
    mapq: np.ndarray,
    fragment: np.ndarray,
    fragments: int,
    base_offset: np.ndarray,
    bases: np.ndarray,
    qualities: np.ndarray,
    cigar_offset: np.ndarray,
    cigar_op: np.ndarray,
    cigar_length: np.ndarray,
    low: int,
    high: int,
    least_mapping_quality: int,
    least_base_quality: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns of a `ReadBatch` in file order to counts at low..high - 1.

    int32 (high - low, 4), fragments with each base of enough quality; int32 (high - low,), fragments that cover it, of enough
    mapping quality, and of any. Where mates overlap, the first in the file is counted.
    """
    size = high - low
    counts = np.zeros((size, 4), np.int32)
    placed, covered = np.zeros(size, np.int32), np.zeros(size, np.int32)
    reached = np.full(fragments, -1, np.int64)
    for i in range(len(start)):
        at, query = start[i], base_offset[i]
        before = reached[fragment[i]]
        good = mapq[i] >= least_mapping_quality
        for c in range(cigar_offset[i], cigar_offset[i + 1]):
            operation, length = cigar_op[c], np.int64(cigar_length[c])
            if operation in (MATCH, EQUAL, DIFFERENT):
                for p in range(max(at, low, before), min(at + length, high)):
                    covered[p - low] += 1
                    if good:
                        placed[p - low] += 1
                        base = bases[query + p - at]
                        if base < 4 and qualities[query + p - at] >= least_base_quality:
                            counts[p - low, base] += 1
                at += length
                query += length
            elif operation in (DELETION, SKIP):
                at += length
            elif operation in (INSERTION, SOFT_CLIP):
                query += length
        reached[fragment[i]] = max(before, at)
    return counts, placed, covered
