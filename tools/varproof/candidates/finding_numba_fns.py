"""Kernels of finding: walk the alignments and list what each read has that the reference has not."""

import numpy as np

from varproof.candidates.arrays import (
    BASE,
    DIFFERENCE_COLUMNS,
    KEY,
    LENGTH,
    LONGEST_DELETION,
    POSITION,
    QUERY,
    RAW,
    READ,
    UNUSABLE,
    CandidateReads,
)
from varproof.machinery.accelerate import compiled
from varproof.reads.sam import DELETION, DIFFERENT, EQUAL, INSERTION, MATCH, SKIP, SOFT_CLIP
from varproof.variants.shifting import steps_left, steps_right

_UNKNOWN = (4,)
_HASH_START, _HASH_FACTOR = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)

_steps_left = compiled(steps_left)
_steps_right = compiled(steps_right)


@compiled
def sequence_key(bases: np.ndarray, turn: int) -> int:
    """int64 hash (FNV-1a) of a sequence of codes after `turn` steps to the left, as `shifting.turned`."""
    key, length = _HASH_START, len(bases)
    for i in range(length):
        key = (key ^ np.uint64(bases[(i - turn) % length])) * _HASH_FACTOR
    return np.int64(key >> np.uint64(1))


@compiled
def _cover(change, low, start, end):
    size = len(change) - 1
    start, end = max(start - low, 0), min(end - low, size)
    if start < end:
        change[start] += 1
        change[end] -= 1


@compiled
def read_differences(
    reads: CandidateReads,
    reference: np.ndarray,
    reference_start: int,
    low: int,
    high: int,
    min_mapping_quality: int,
    max_shift: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`Differences` of the reads with enough mapping quality: rows, offset, and coverage of low..high - 1.

    `reference`: codes from `reference_start` on. Mismatches are listed where it reaches, N on either side is none. An indel
    counts between aligned bases only. One that the reference does not reach, an insertion with N and a deletion of over
    `LONGEST_DELETION` bp are listed as `UNUSABLE`.
    """
    count = len(reads.start)
    rows = np.empty((1024, DIFFERENCE_COLUMNS), np.int64)
    offset = np.zeros(count + 1, np.int64)
    change = np.zeros(high - low + 1, np.int32)
    reference_end = reference_start + len(reference)
    used = 0
    for i in range(count):
        first, last = reads.cigar_offset[i], reads.cigar_offset[i + 1]
        if reads.mapq[i] < min_mapping_quality:
            offset[i + 1] = used
            continue
        most = used + reads.base_offset[i + 1] - reads.base_offset[i] + last - first
        if most > len(rows):
            roomy = np.empty((max(2 * len(rows), most), DIFFERENCE_COLUMNS), np.int64)
            roomy[:used] = rows[:used]
            rows = roomy
        last_aligned = first - 1
        for c in range(first, last):
            if reads.cigar_op[c] in (MATCH, EQUAL, DIFFERENT):
                last_aligned = c
        at, query, begun = reads.start[i], 0, False
        bases = reads.bases[reads.base_offset[i] : reads.base_offset[i + 1]]
        for c in range(first, last):
            operation, length = reads.cigar_op[c], np.int64(reads.cigar_length[c])
            if operation in (MATCH, EQUAL, DIFFERENT):
                _cover(change, low, at, at + length)
                begin, end = max(at, reference_start), min(at + length, reference_end)
                for p in range(begin, end):
                    base, original = bases[query + p - at], reference[p - reference_start]
                    if base != original and base < 4 and original < 4:
                        rows[used, POSITION], rows[used, LENGTH], rows[used, RAW] = p, 0, p
                        rows[used, QUERY], rows[used, BASE], rows[used, KEY] = query + p - at, base, 0
                        rows[used, READ] = i
                        used += 1
                at += length
                query += length
                begun = True
            elif operation == INSERTION:
                if begun and c < last_aligned:
                    inserted = bases[query : query + length]
                    usable = reference_start <= at <= reference_end and np.all(inserted < 4)
                    steps, key = 0, np.int64(0)
                    if usable:
                        limit = max(0, at - reference_start - max_shift)
                        steps = _steps_left(reference, at - reference_start, inserted, limit, _UNKNOWN)
                        key = sequence_key(inserted, steps)
                    rows[used, POSITION], rows[used, LENGTH], rows[used, RAW] = at - steps, length, at
                    rows[used, QUERY], rows[used, BASE], rows[used, KEY] = query - 1, 0 if usable else UNUSABLE, key
                    rows[used, READ] = i
                    used += 1
                query += length
            elif operation == DELETION:
                if begun and c < last_aligned:
                    usable = reference_start <= at and at + length <= reference_end and length <= LONGEST_DELETION
                    steps = 0
                    if usable:
                        place = at - reference_start
                        deleted = reference[place : place + length]
                        usable = np.all(deleted < 4)
                        steps = _steps_left(reference, place, deleted, max(0, place - max_shift), _UNKNOWN)
                    rows[used, POSITION], rows[used, LENGTH], rows[used, RAW] = at - steps, -length, at
                    rows[used, QUERY], rows[used, BASE], rows[used, KEY] = query - 1, 0 if usable else UNUSABLE, 0
                    rows[used, READ] = i
                    used += 1
                    _cover(change, low, at, at + length)
                at += length
            elif operation == SKIP:
                at += length
            elif operation == SOFT_CLIP:
                query += length
        offset[i + 1] = used
    return rows[:used].copy(), offset, np.cumsum(change)[:-1].astype(np.int32)


@compiled
def shifts_right(
    start: np.ndarray,
    end: np.ndarray,
    alt_offset: np.ndarray,
    alt: np.ndarray,
    reference: np.ndarray,
    reference_start: int,
    max_shift: int,
) -> np.ndarray:
    """int64: how far each allele can be written to the right, at most `max_shift` bp; 0 for substitutions."""
    out = np.zeros(len(start), np.int64)
    for i in range(len(start)):
        new = alt[alt_offset[i] : alt_offset[i + 1]]
        first, last = start[i] - reference_start, end[i] - reference_start
        if len(new) and last > first:
            continue
        moved = new if len(new) else reference[first:last]
        out[i] = _steps_right(reference, last, moved, min(len(reference), last + max_shift), _UNKNOWN)
    return out
