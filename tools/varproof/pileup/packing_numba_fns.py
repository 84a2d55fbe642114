"""Kernels of packing: which reads are rows of a candidate's tensor, their planes, and their columns.

Rows, marks and columns are those of `formats/tensors.py`; how reads are chosen and compared says `packing`.
"""

from typing import NamedTuple

import numpy as np

from varproof.formats.tensors import (
    ALT_MISMATCHES,
    CLIPPED,
    DELETED,
    EDITS,
    END_DISTANCE,
    FLAGS,
    IMPROPER,
    INSERT_SIZE,
    INSERT_SIZE_UNIT,
    INSERTION_FOLLOWS,
    LARGEST,
    MAPQ,
    MATE_ABOVE,
    NOT_COMPARED,
    NOTHING,
    PRESENT,
    READ1_REVERSE,
    REF_MISMATCHES,
    ROW_COLUMNS,
    ROW_PAIRED,
    ROW_REVERSE,
    SOFT_CLIPPED,
)
from varproof.machinery.accelerate import compiled
from varproof.pileup.support_numba_fns import (
    ANCHOR_BASES,
    COMPARED_BASES,
    haplotypes_around,
    haplotypes_leftwards,
    haplotypes_rightwards,
    indel_mismatches,
    query_at,
    realigned_mismatches,
    segment_bounds,
    substitution_mismatches,
    support_bits,
)
from varproof.reads.error_features_numba_fns import second_read_is_forward
from varproof.reads.sam import DELETION, DIFFERENT, EQUAL, INSERTION, MATCH, PAIRED, PROPER_PAIR, REVERSE, SKIP, SOFT_CLIP

COLUMNS = len(ROW_COLUMNS)


class Reads(NamedTuple):
    """Columns of a `ReadBatch`, with `edits` (n,) and `clips` (n, 2) of `read_features`."""

    start: np.ndarray
    end: np.ndarray
    flag: np.ndarray
    mapq: np.ndarray
    fragment: np.ndarray
    name_hash: np.ndarray
    base_offset: np.ndarray
    bases: np.ndarray
    qualities: np.ndarray
    cigar_offset: np.ndarray
    cigar_op: np.ndarray
    cigar_length: np.ndarray
    template_length: np.ndarray
    edits: np.ndarray
    clips: np.ndarray


class Loci(NamedTuple):
    """n left-aligned candidates: interval of equivalent placements, reference allele, alternative alleles end to end.

    `row_low`, `row_high` (n,): reads that overlap this interval are rows. `window_start` (n,).
    """

    low: np.ndarray
    high: np.ndarray
    start: np.ndarray
    end: np.ndarray
    substitution: np.ndarray
    alt_offset: np.ndarray
    alt: np.ndarray
    row_low: np.ndarray
    row_high: np.ndarray
    window_start: np.ndarray


@compiled
def chosen_reads(loci, reads, depth):
    """(offset (n + 1,), reads): which reads are the rows of each candidate, ascending.

    All that overlap the row interval, or, if these are more than `depth`, the `depth` with the lowest name hashes.
    """
    n, size = len(loci.low), len(reads.start)
    reach = np.empty(size, np.int64)  # farthest end so far: reads are sorted by start only
    farthest = np.int64(-1)
    for r in range(size):
        farthest = max(farthest, reads.end[r])
        reach[r] = farthest
    offset = np.zeros(n + 1, np.int64)
    first, last = np.empty(n, np.int64), np.empty(n, np.int64)
    for c in range(n):
        first[c] = np.searchsorted(reach, loci.row_low[c], side="right")
        last[c] = np.searchsorted(reads.start, loci.row_high[c])
        count = 0
        for r in range(first[c], last[c]):
            count += reads.end[r] > loci.row_low[c]
        offset[c + 1] = offset[c] + min(count, depth)
    chosen = np.empty(offset[n], np.int64)
    for c in range(n):
        overlapping = np.empty(max(last[c] - first[c], 0), np.int64)
        count = 0
        for r in range(first[c], last[c]):
            if reads.end[r] > loci.row_low[c]:
                overlapping[count] = r
                count += 1
        overlapping = overlapping[:count]
        if count > depth:
            order = np.argsort(reads.name_hash[overlapping], kind="mergesort")
            overlapping = np.sort(overlapping[order[:depth]])
        chosen[offset[c] : offset[c + 1]] = overlapping
    return offset, chosen


@compiled
def packed_rows(loci, reads, offset, chosen, reference, reference_start, window, soft_clips):
    """(base, quality uint8 (rows, window), columns uint8 (rows, COLUMNS)) of the chosen reads.

    `reference`: codes from `reference_start` on, reaching FLANK beyond every candidate where the contig does.
    """
    total = len(chosen)
    base = np.zeros((total, window), np.uint8)
    quality = np.zeros((total, window), np.uint8)
    columns = np.zeros((total, COLUMNS), np.uint8)
    fragments = 0
    for r in chosen:
        fragments = max(fragments, reads.fragment[r] + 1)
    seen_for = np.full(fragments, -1, np.int64)
    rightwards = np.empty((2, COMPARED_BASES), np.uint8)
    leftwards = np.empty((2, COMPARED_BASES), np.uint8)
    for c in range(len(loci.low)):
        low, high, first = loci.low[c], loci.high[c], loci.start[c]
        substitution = loci.substitution[c]
        right = left = 0
        if substitution:
            alt = loci.alt[loci.alt_offset[c] : loci.alt_offset[c + 1]]
            ref = reference[first - reference_start : loci.end[c] - reference_start]
        else:
            right = haplotypes_rightwards(loci, c, reference, reference_start, rightwards)
            left = haplotypes_leftwards(loci, c, reference, reference_start, leftwards)
            ahead = reference[max(low - reference_start - ANCHOR_BASES, 0) : max(low - reference_start, 0)]
            after = reference[high - reference_start : high - reference_start + ANCHOR_BASES]
        with_alternative = with_reference = np.empty(0, np.uint8)
        for row in range(offset[c], offset[c + 1]):
            r = chosen[row]
            start, flag, fragment = reads.start[r], reads.flag[r], reads.fragment[r]
            bases = reads.bases[reads.base_offset[r] : reads.base_offset[r + 1]]
            qualities = reads.qualities[reads.base_offset[r] : reads.base_offset[r + 1]]
            ops = reads.cigar_op[reads.cigar_offset[r] : reads.cigar_offset[r + 1]]
            lengths = reads.cigar_length[reads.cigar_offset[r] : reads.cigar_offset[r + 1]]
            position = start - loci.window_start[c]
            fill_planes(position, ops, lengths, bases, qualities, window, soft_clips, base[row], quality[row])
            if substitution:
                support = substitution_mismatches(start, ops, lengths, bases, first, alt, ref)
            else:
                before = query_at(start, ops, lengths, low - 1)
                behind = query_at(start, ops, lengths, high)
                support = indel_mismatches(bases, before, behind, rightwards[:, :right], leftwards[:, :left], ahead, after)
            clip_left, clip_right = reads.clips[r, 0], reads.clips[r, 1]
            if support[2] == 0 and is_unclear(start, reads.end[r], clip_left, clip_right, low, high, substitution):
                if len(with_reference) == 0:
                    with_alternative, with_reference = haplotypes_around(loci, c, reference, reference_start)
                begin, end = segment_bounds(start, clip_left, ops, lengths, low - COMPARED_BASES, high + COMPARED_BASES)
                support = realigned_mismatches(bases[begin:end], with_alternative, with_reference)
            bits = flag_bits(flag) | support_bits(support)
            if seen_for[fragment] == c:
                bits |= MATE_ABOVE
            seen_for[fragment] = c
            distance = min(low - (start - clip_left), reads.end[r] + clip_right - 1 - low)
            columns[row, MAPQ] = reads.mapq[r]
            columns[row, FLAGS] = bits
            columns[row, ALT_MISMATCHES] = min(support[0], NOT_COMPARED - 1) if support[2] else NOT_COMPARED
            columns[row, REF_MISMATCHES] = min(support[1], NOT_COMPARED - 1) if support[2] else NOT_COMPARED
            columns[row, END_DISTANCE] = min(max(distance, 0), LARGEST)
            columns[row, CLIPPED] = min(clip_left + clip_right, LARGEST)
            columns[row, EDITS] = min(reads.edits[r], LARGEST)
            columns[row, INSERT_SIZE] = min(abs(reads.template_length[r]) // INSERT_SIZE_UNIT, LARGEST)
    return base, quality, columns


@compiled
def is_unclear(start, end, clip_left, clip_right, low, high, substitution):
    """Whether a read that was not compared with a candidate may tell after realignment: it reaches it, clips unrolled.

    Where an alignment reaches over an SNV and has no base there, it has a gap, which is taken at its word.
    """
    if start - clip_left >= high or end + clip_right <= low:
        return False
    return not (substitution and high - low == 1 and start <= low and high <= end)


@compiled
def fill_planes(position, ops, lengths, bases, qualities, window, soft_clips, base, quality):
    """Lay a read out in its row of the base and the quality plane, (window,) each, which are zero before.

    `position`: where its first aligned base lies in the window.
    """
    query, aligned_from = 0, position
    for k in range(len(ops)):
        op, length = ops[k], np.int64(lengths[k])
        if op in (MATCH, EQUAL, DIFFERENT):
            low, high = max(position, 0), min(position + length, window)
            if low < high:
                first, last = query + low - position, query + high - position
                put_codes(bases[first:last], base[low:high])
                quality[low:high] = qualities[first:last]
            query += length
            position += length
        elif op == DELETION:
            for i in range(max(position, 0), min(position + length, window)):
                base[i] = DELETED
            position += length
        elif op == SKIP:
            position += length
        elif op == INSERTION:
            before = position - 1
            if aligned_from <= before and 0 <= before < window and base[before] != NOTHING:
                base[before] |= INSERTION_FOLLOWS
            query += length
        elif op == SOFT_CLIP:
            if soft_clips:
                begin = position - length if query == 0 else position
                for i in range(max(begin, 0), min(begin + length, window)):
                    base[i] = (bases[query + i - begin] + 1) | SOFT_CLIPPED
                    quality[i] = qualities[query + i - begin]
            query += length


@compiled
def put_codes(bases, out):
    """Base codes as planes have them."""
    for i in range(len(out)):
        out[i] = np.uint8(bases[i] + 1)


@compiled
def flag_bits(flag):
    """What a row's flags take from the SAM flags of its read."""
    bits = PRESENT
    if flag & REVERSE:
        bits |= ROW_REVERSE
    if flag & PAIRED:
        bits |= ROW_PAIRED
        if second_read_is_forward(flag):
            bits |= READ1_REVERSE
        if not flag & PROPER_PAIR:
            bits |= IMPROPER
    return bits


@compiled
def window_codes(reference, reference_start, contig_length, window_start, window):
    """Base codes (n, window) of the windows from `window_start` (n,) on, NOTHING beyond the contig's ends."""
    out = np.zeros((len(window_start), window), np.uint8)
    for c in range(len(window_start)):
        first = window_start[c]
        for p in range(max(first, 0), min(first + window, contig_length)):
            out[c, p - first] = reference[p - reference_start] + 1
    return out


@compiled
def longest_tracts(start, end, unit_length, low, high):
    """(unit, length) int64 (n,) of the longest tract (sorted by start) that overlaps low..high - 1; 0 where there is none."""
    unit, length = np.zeros(len(low), np.int64), np.zeros(len(low), np.int64)
    reach = np.empty(len(end), np.int64)
    farthest = np.int64(-1)
    for k in range(len(end)):
        farthest = max(farthest, end[k])
        reach[k] = farthest
    for i in range(len(low)):
        for k in range(np.searchsorted(reach, low[i], side="right"), np.searchsorted(start, high[i])):
            if end[k] > low[i] and end[k] - start[k] > length[i]:
                unit[i], length[i] = unit_length[k], end[k] - start[k]
    return unit, length


@compiled
def copy_rows(source, source_offset, target, target_start):
    """Copy the rows of each candidate, source[source_offset[i]:source_offset[i + 1]], to target[target_start[i]:]."""
    for i in range(len(target_start)):
        first, last = source_offset[i], source_offset[i + 1]
        target[target_start[i] : target_start[i] + last - first] = source[first:last]
