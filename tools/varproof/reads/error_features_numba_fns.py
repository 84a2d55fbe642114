"""Kernels of the error profile: bins of features, features of reads, counts over bases.

The bin functions are the only definition of the bins; `error_features` names them.
"""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.reads.arrays import CONFIDENT_MAPQ, READ_KINDS
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
    """(depth, right, covering, shown) of positions low..high, `reference` beginning at `low`.

    depth: aligned bases other than N; right: those that equal the reference; covering: fragments whose aligned or deleted
    stretch covers the position, overlapping mates once (mates in file order, which is by start); shown (width, 4): fragments
    with each base, that of the reference left out.
    """
    width = high - low
    shown = np.zeros((width, 4), np.int32)
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
                        if base == reference[p - low]:
                            right[p - low] += 1
                        elif p >= seen:
                            shown[p - low, base] += 1
                query += length
                position += length
            elif op in (INSERTION, SOFT_CLIP):
                query += length
            elif op in (DELETION, SKIP):
                position += length
        reach[fragment[r]] = max(seen, position)
    return depth, right, np.cumsum(change)[:width], shown


@compiled
def trinucleotides(reference):
    """int64 (n,): 16 * base before + 4 * base + base behind of each position; -1 at the ends and where one is unknown."""
    n = len(reference)
    out = np.full(n, -1, np.int64)
    for i in range(1, n - 1):
        if reference[i - 1] < 4 and reference[i] < 4 and reference[i + 1] < 4:
            out[i] = 16 * np.int64(reference[i - 1]) + 4 * np.int64(reference[i]) + np.int64(reference[i + 1])
    return out


@compiled
def complemented_trinucleotide(context):
    """The same three bases read on the other strand."""
    return 63 - (16 * (context % 4) + 4 * (context // 4 % 4) + context // 16)


@compiled
def count_bases(
    start, flag, mapq, kind, base_offset, bases, qualities, cigar_offset, cigar_op, cigar_length,
    edits, clips, context, usable, low, quality_bins, features, by_quality, substitution_error, context_error, kind_error,
    context_all,
):  # fmt: skip
    """Add every aligned base at a usable position to the tables, in place.

    `context` (`trinucleotides`, known where usable) and `usable` begin at `low`. features: int64 (2, 5, 9), [0] errors, [1] all
    bases, then feature and bin. Only of reads with MAPQ >= CONFIDENT_MAPQ: by_quality int64 (2, 94); and, on the strand of the
    fragment's first read, errors by quality bin (`quality_bins` (94,)) and class, substitution_error (bins, 16), by context and
    base, context_error (64, 4), by `kind` of read and class, kind_error (READ_KINDS, 16), and all bases by kind, quality bin
    and context, context_all (READ_KINDS, bins, 64).
    """
    high = low + len(usable)
    # Most bases are right, and differ in quality, context and place only: the rest is added up per read, or at the end.
    seen = np.zeros((2, READ_KINDS, 2, 94, 64), np.int64)
    for r in range(len(start)):
        if flag[r] & UNMAPPED:
            continue
        begin, read_length = base_offset[r], base_offset[r + 1] - base_offset[r]
        clipped, mapping = clip_bin(clips[r, 0] + clips[r, 1]), mapq_bin(mapq[r])
        confident = 1 if mapq[r] >= CONFIDENT_MAPQ else 0
        flipped = 1 if second_read_is_forward(flag[r]) else 0
        counts = seen[confident, kind[r], flipped]
        number = near_end = wrong = 0
        query, position = 0, start[r]
        for c in range(cigar_offset[r], cigar_offset[r + 1]):
            op, length = cigar_op[c], cigar_length[c]
            if op in (MATCH, EQUAL, DIFFERENT):
                for p in range(max(position, low), min(position + length, high)):
                    if not usable[p - low]:
                        continue
                    q = query + p - position
                    base, around = np.int64(bases[begin + q]), context[p - low]
                    if base > 3:
                        continue
                    truth = around // 4 % 4
                    quality = min(np.int64(qualities[begin + q]), 93)
                    place = end_distance_bin(min(q, read_length - 1 - q))
                    counts[quality, around] += 1
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
                            base, truth, around = 3 - base, 3 - truth, complemented_trinucleotide(around)
                        substitution_error[quality_bins[quality], 4 * truth + base] += 1
                        context_error[around, base] += 1
                        kind_error[kind[r], 4 * truth + base] += 1
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
    for k in range(READ_KINDS):
        for flipped in range(2):
            for quality in range(94):
                for around in range(64):
                    sure = seen[1, k, flipped, quality, around]
                    features[1, 0, quality_bin(quality)] += sure + seen[0, k, flipped, quality, around]
                    by_quality[1, quality] += sure
                    own = complemented_trinucleotide(around) if flipped else around
                    context_all[k, quality_bins[quality], own] += sure


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
