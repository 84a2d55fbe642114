"""Kernel that writes alignments anew where the aligner's are misleading: what is a variant in them then shows as one.

Two kinds. A deletion and an insertion of the same length, close together, is how an aligner may write adjacent mismatches:
they become mismatches. A soft-clipped end that fits the reference after one insertion or deletion, and only after that one,
becomes that indel.
"""

import numpy as np

from varproof.candidates.arrays import LONGEST_DELETION, CandidateReads
from varproof.machinery.accelerate import compiled
from varproof.reads.sam import DELETION, DIFFERENT, EQUAL, INSERTION, MATCH, SKIP, SOFT_CLIP

MOST_BETWEEN = 10
"""Two gaps that may be one MNV have at most so many bases between them."""

MOST_MISMATCHES = 5
"""So many mismatches may stand in their place."""

LEAST_ANCHOR = 12
"""A clipped end counts if so many of its bases fit beyond the indel, without a mismatch; from `LONG_ANCHOR` on with one."""

LONG_ANCHOR = 20
NEAR_DELETION = 300
"""Up to this length a deletion behind a clip is looked for first, bp; up to `LONGEST_DELETION` where none fits."""

LONGEST_CLIP = 500
"""Longer clips stay clipped, bp."""


@compiled
def _aligned(operation):
    return operation in (MATCH, EQUAL, DIFFERENT)


@compiled
def _mismatches(bases, query, step, reference, place, length, most):
    """Mismatches (N included) between bases from `query` and the reference from `place` on, counted up to `most` + 1."""
    count = 0
    for j in range(length):
        p = place + step * j
        if p < 0 or p >= len(reference):
            return most + 1
        base = bases[query + step * j]
        if base != reference[p] or base > 3:
            count += 1
            if count > most:
                break
    return count


@compiled
def _clip_shift(bases, query, step, clip, reference, place):
    """Bases inserted (positive) or deleted (negative) before a clipped end that make it fit the reference; 0: none, or several.

    `query` is the last base of the clipped end, `place` where it would lie in the reference without an indel, `step` the
    direction from there to the aligned part.
    """
    if not LEAST_ANCHOR <= clip <= LONGEST_CLIP:
        return 0
    found, several = _only_shift(bases, query, step, clip, reference, place, -NEAR_DELETION, clip - LEAST_ANCHOR)
    if found == 0 and not several:
        found, several = _only_shift(bases, query, step, clip, reference, place, -LONGEST_DELETION, -NEAR_DELETION - 1)
    return 0 if several else found


@compiled
def _only_shift(bases, query, step, clip, reference, place, least, most):
    """(the shift between `least` and `most` that makes a clipped end fit, 0 for none; whether several do)."""
    found = 0
    for shift in range(least, most + 1):
        length = clip - max(shift, 0)
        if shift == 0 or length < LEAST_ANCHOR:
            continue
        wrong = 1 if length >= LONG_ANCHOR else 0
        if _mismatches(bases, query, step, reference, place + step * shift, length, wrong) <= wrong:
            if found != 0:
                return 0, True
            found = shift
    return found, False


@compiled
def _append(operations, lengths, used, first, operation, length):
    """Add an operation to a read's (its first is number `first`), joined to the last if alike. Returns how many there are."""
    if length == 0:
        return used
    if used > first and operations[used - 1] == operation:
        lengths[used - 1] += length
        return used
    operations[used], lengths[used] = operation, length
    return used + 1


@compiled
def rewritten(
    reads: CandidateReads, reference: np.ndarray, reference_start: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(start, end, cigar_offset, cigar_op, cigar_length) of the reads; `reference`: codes from `reference_start` on."""
    count = len(reads.start)
    start, end = reads.start.copy(), reads.end.copy()
    offset = np.zeros(count + 1, np.int64)
    # A clip becomes two operations at most, wherever in an alignment an aligner may have written it.
    operations = np.empty(2 * len(reads.cigar_op), np.uint8)
    lengths = np.empty(2 * len(reads.cigar_op), np.int32)
    used = 0
    for i in range(count):
        begin, last = reads.cigar_offset[i], reads.cigar_offset[i + 1]
        bases = reads.bases[reads.base_offset[i] : reads.base_offset[i + 1]]
        at, query, first = reads.start[i] - reference_start, 0, used
        c = begin
        while c < last:
            operation, length = reads.cigar_op[c], np.int64(reads.cigar_length[c])
            if operation == SOFT_CLIP and c + 1 < last and _aligned(reads.cigar_op[c + 1]):
                shift = _clip_shift(bases, query, 1, length, reference, at - length)
                fits = length - max(shift, 0)
                if shift != 0:
                    start[i] -= fits - min(shift, 0)
                    used = _append(operations, lengths, used, first, MATCH, fits)
                    used = _append(operations, lengths, used, first, INSERTION if shift > 0 else DELETION, abs(shift))
                else:
                    used = _append(operations, lengths, used, first, SOFT_CLIP, length)
                query += length
            elif operation == SOFT_CLIP:
                shift = 0
                if c > begin and _aligned(reads.cigar_op[c - 1]):
                    shift = _clip_shift(bases, query + length - 1, -1, length, reference, at + length - 1)
                fits = length - max(shift, 0)
                if shift != 0:
                    end[i] += fits - min(shift, 0)
                    used = _append(operations, lengths, used, first, INSERTION if shift > 0 else DELETION, abs(shift))
                    used = _append(operations, lengths, used, first, MATCH, fits)
                else:
                    used = _append(operations, lengths, used, first, SOFT_CLIP, length)
                query += length
            elif operation in (DELETION, INSERTION) and _is_substitution(reads, bases, c, last, query, reference, at):
                width = length + np.int64(reads.cigar_length[c + 1])
                used = _append(operations, lengths, used, first, MATCH, width)
                at += width
                query += width
                c += 2
            else:
                used = _append(operations, lengths, used, first, MATCH if _aligned(operation) else operation, length)
                if _aligned(operation):
                    at += length
                    query += length
                elif operation == INSERTION:
                    query += length
                elif operation in (DELETION, SKIP):
                    at += length
            c += 1
        offset[i + 1] = used
    return start, end, offset, operations[:used].copy(), lengths[:used].copy()


@compiled
def _is_substitution(reads, bases, c, last, query, reference, at):
    """Whether the gap that is operation `c`, and the opposite one after the next, stand for a few mismatches."""
    if c + 2 >= last or not _aligned(reads.cigar_op[c + 1]) or reads.cigar_length[c + 1] > MOST_BETWEEN:
        return False
    opposite = INSERTION if reads.cigar_op[c] == DELETION else DELETION
    if reads.cigar_op[c + 2] != opposite or reads.cigar_length[c + 2] != reads.cigar_length[c]:
        return False
    width = np.int64(reads.cigar_length[c]) + np.int64(reads.cigar_length[c + 1])
    return _mismatches(bases, query, 1, reference, at, width, MOST_MISMATCHES) <= MOST_MISMATCHES
