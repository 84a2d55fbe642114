"""Kernels of the error profile: bins of features, features of reads, counts over bases.

The bin functions are the only definition of the bins; `error_features` names them.
"""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.reads.arrays import CONFIDENT_MAPQ
from varproof.reads.sam import (
    DELETION,
    DIFFERENT,
    EQUAL,
    INSERTION,
    MATCH,
    REVERSE,
    SECOND,
    SKIP,
    SOFT_CLIP,
    UNMAPPED,
)


@compiled
def second_read_is_forward(flag: int) -> bool:
    """Orientation of a fragment, seen from either of its reads: whether its second read is the forward one."""
    return ((flag & REVERSE) != 0) != ((flag & SECOND) != 0)


@compiled
def quality_bin(quality: int) -> int:
    """Base quality: steps of 5, 40 and over together."""
    return min(quality // 5, 8)


@compiled
def end_distance_bin(distance: int) -> int:
    """Distance to the nearer end of the read, clips included: 0-2, 3-9, 10 and over."""
    return 0 if distance < 3 else (1 if distance < 10 else 2)


@compiled
def mismatch_bin(count: int) -> int:
    """Mismatches and indel operations elsewhere in the read: 0, 1, 2-3, 4-7, 8 and over."""
    return 0 if count <= 0 else (1 if count == 1 else (2 if count <= 3 else (3 if count <= 7 else 4)))


@compiled
def clip_bin(clip: int) -> int:
    """Soft-clipped bases of the read: none, any."""
    return 1 if clip > 0 else 0


@compiled
def mapq_bin(mapq: int) -> int:
    """Mapping quality: under 20, 20-49, 50 and over."""
    return 0 if mapq < 20 else (1 if mapq < 50 else 2)


@compiled
def known_mismatches(bases, reference):
    """Number of bases that differ, as many of each; N on either side is no mismatch."""
    count = 0
    for i in range(len(bases)):
        base, truth = bases[i], reference[i]
        count += (base != truth) & (base < 4) & (truth < 4)
    return count


@compiled
def read_edits_and_clips(start, flag, base_offset, bases, cigar_offset, cigar_op, cigar_length, reference, reference_start):
    """(edits (n,), clips (n, 2)): mismatches plus indel operations, and soft clips left and right, of n reads.

    Bases that are N on either side, or outside `reference` (codes from `reference_start` on), are no mismatches.
    """
    n = len(start)
    edits = np.zeros(n, np.int32)
    clips = np.zeros((n, 2), np.int32)
    for r in range(n):
        if flag[r] & UNMAPPED:
            continue
        query, position = base_offset[r], start[r] - reference_start
        for c in range(cigar_offset[r], cigar_offset[r + 1]):
            op, length = cigar_op[c], cigar_length[c]
            if op in (MATCH, EQUAL, DIFFERENT):
                low, high = max(0, -position), min(length, len(reference) - position)
                if low < high:
                    read, expected = bases[query + low : query + high], reference[position + low : position + high]
                    edits[r] += known_mismatches(read, expected)
                query += length
                position += length
            elif op == INSERTION:
                edits[r] += 1
                query += length
            elif op == DELETION:
                edits[r] += 1
                position += length
            elif op == SKIP:
                position += length
            elif op == SOFT_CLIP:
                clips[r, 0 if query == base_offset[r] else 1] += length
                query += length
    return edits, clips


@compiled
def coverage(start, flag, fragment, fragments, base_offset, bases, cigar_offset, cigar_op, cigar_length, reference, low, high):
    """(depth, right, covering) of positions low..high, `reference` beginning at `low`.

    depth: aligned bases other than N; right: those that equal the reference; covering: fragments whose aligned or deleted
    stretch covers the position, overlapping mates once (mates in file order, which is by start).
    """
    width = high - low
    depth, right = np.zeros(width, np.int32), np.zeros(width, np.int32)
    change = np.zeros(width + 1, np.int32)
    reach = np.full(fragments, -1, np.int64)
    for r in range(len(start)):
        if flag[r] & UNMAPPED:
            continue
        seen = reach[fragment[r]]
        query, position = base_offset[r], start[r]
        for c in range(cigar_offset[r], cigar_offset[r + 1]):
            op, length = cigar_op[c], cigar_length[c]
            if op in (MATCH, EQUAL, DIFFERENT, DELETION):
                first, last = max(position, seen, low), min(position + length, high)
                if first < last:
                    change[first - low] += 1
                    change[last - low] -= 1
            if op in (MATCH, EQUAL, DIFFERENT):
                for p in range(max(position, low), min(position + length, high)):
                    base = bases[query + p - position]
                    if base < 4:
                        depth[p - low] += 1
                        right[p - low] += base == reference[p - low]
                query += length
                position += length
            elif op in (INSERTION, SOFT_CLIP):
                query += length
            elif op in (DELETION, SKIP):
                position += length
        reach[fragment[r]] = max(seen, position)
    return depth, right, np.cumsum(change)[:width]


@compiled
def count_bases(
    start, flag, mapq, base_offset, bases, qualities, cigar_offset, cigar_op, cigar_length,
    edits, clips, reference, usable, low, quality_bins, features, by_quality, substitution_error, substitution_all,
):  # fmt: skip
    """Add every aligned base at a usable position to the tables, in place.

    `reference` and `usable` begin at `low`. features: int64 (2, 5, 9), [0] errors, [1] all bases, then feature and bin.
    Only of reads with MAPQ >= CONFIDENT_MAPQ: by_quality int64 (2, 94); substitution_error (bins, 16) and
    substitution_all (bins, 4) by quality bin (`quality_bins` (94,)) on the strand of the fragment's first read.
    """
    high = low + len(usable)
    # Most bases are right, and differ in quality, true base and place only: the rest is added up per read, or at the end.
    seen = np.zeros((2, 2, 94, 4), np.int64)
    for r in range(len(start)):
        if flag[r] & UNMAPPED:
            continue
        begin, read_length = base_offset[r], base_offset[r + 1] - base_offset[r]
        clipped, mapping = clip_bin(clips[r, 0] + clips[r, 1]), mapq_bin(mapq[r])
        confident = 1 if mapq[r] >= CONFIDENT_MAPQ else 0
        flipped = 1 if second_read_is_forward(flag[r]) else 0
        counts = seen[confident, flipped]
        number = near_end = wrong = 0
        query, position = 0, start[r]
        for c in range(cigar_offset[r], cigar_offset[r + 1]):
            op, length = cigar_op[c], cigar_length[c]
            if op in (MATCH, EQUAL, DIFFERENT):
                for p in range(max(position, low), min(position + length, high)):
                    if not usable[p - low]:
                        continue
                    q = query + p - position
                    base, truth = np.int64(bases[begin + q]), np.int64(reference[p - low])
                    if base > 3:
                        continue
                    quality = min(np.int64(qualities[begin + q]), 93)
                    place = end_distance_bin(min(q, read_length - 1 - q))
                    counts[quality, truth] += 1
                    number += 1
                    if place < 2:
                        near_end += 1
                        features[1, 1, place] += 1
                    if base == truth:
                        continue
                    wrong += 1
                    features[0, 0, quality_bin(quality)] += 1
                    features[0, 1, place] += 1
                    if confident:
                        by_quality[0, quality] += 1
                        if flipped:
                            base, truth = 3 - base, 3 - truth
                        substitution_error[quality_bins[quality], 4 * truth + base] += 1
                query += length
                position += length
            elif op in (INSERTION, SOFT_CLIP):
                query += length
            elif op in (DELETION, SKIP):
                position += length
        features[1, 1, 2] += number - near_end
        features[0, 2, mismatch_bin(edits[r] - 1)] += wrong
        features[1, 2, mismatch_bin(edits[r] - 1)] += wrong
        features[1, 2, mismatch_bin(edits[r])] += number - wrong
        features[0, 3, clipped] += wrong
        features[1, 3, clipped] += number
        features[0, 4, mapping] += wrong
        features[1, 4, mapping] += number
    for flipped in range(2):
        for quality in range(94):
            for truth in range(4):
                sure = seen[1, flipped, quality, truth]
                features[1, 0, quality_bin(quality)] += sure + seen[0, flipped, quality, truth]
                by_quality[1, quality] += sure
                substitution_all[quality_bins[quality], 3 - truth if flipped else truth] += sure


@compiled
def gap_operations(start, flag, mapq, cigar_offset, cigar_op, cigar_length, plain, low):
    """(aligned bases, gaps int64 (g, 2)) of reads with MAPQ >= CONFIDENT_MAPQ at `plain` positions (bool from `low` on).

    A gap is (position - low, length), length positive for an insertion before the position, negative for a deletion from
    the position on; a deletion counts if it begins and ends at plain positions.
    """
    high = low + len(plain)
    before = np.zeros(len(plain) + 1, np.int64)
    before[1:] = np.cumsum(plain)
    aligned, count = 0, 0
    total = 0
    for c in range(len(cigar_op)):
        if cigar_op[c] == INSERTION or cigar_op[c] == DELETION:
            total += 1
    gaps = np.empty((total, 2), np.int64)
    for r in range(len(start)):
        if flag[r] & UNMAPPED or mapq[r] < CONFIDENT_MAPQ:
            continue
        position = start[r]
        for c in range(cigar_offset[r], cigar_offset[r + 1]):
            op, length = cigar_op[c], cigar_length[c]
            if op in (MATCH, EQUAL, DIFFERENT):
                first, last = max(position, low), min(position + length, high)
                if first < last:
                    aligned += before[last - low] - before[first - low]
                position += length
            elif op == INSERTION:
                if low <= position < high and plain[position - low]:
                    gaps[count, 0], gaps[count, 1] = position - low, length
                    count += 1
            elif op == DELETION:
                last = position + length - 1
                if low <= position and last < high and plain[position - low] and plain[last - low]:
                    gaps[count, 0], gaps[count, 1] = position - low, -length
                    count += 1
                position += length
            elif op == SKIP:
                position += length
    return aligned, gaps[:count]
