"""Kernels of packing: which reads are rows of a candidate's tensor, their planes, and their columns.

Rows, marks and columns are those of `formats/tensors.py`; how reads are chosen and compared says `packing`.
"""

from typing import NamedTuple

import numpy as np

from varproof.accelerate import compiled
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
    MAPQ,
    MATE_ABOVE,
    NOT_COMPARED,
    NOTHING,
    PAIRED,
    PRESENT,
    READ1_REVERSE,
    REF_MISMATCHES,
    REVERSE,
    ROW_COLUMNS,
    SOFT_CLIPPED,
    SUPPORTS_ALT,
    SUPPORTS_REF,
)
from varproof.reads.error_features_numba_fns import second_read_is_forward

SAM_PAIRED, SAM_PROPER, SAM_REVERSE = 0x1, 0x2, 0x10
MATCH, INSERTION, DELETION, SKIP, SOFT_CLIP, EQUAL, DIFFERENT = 0, 1, 2, 3, 4, 7, 8
COLUMNS = len(ROW_COLUMNS)
COMPARED_BASES = 50
LARGEST = 255


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

    `reference`: codes from `reference_start` on, reaching COMPARED_BASES beyond every candidate where the contig does.
    """
    total = len(chosen)
    base = np.zeros((total, window), np.uint8)
    quality = np.zeros((total, window), np.uint8)
    columns = np.zeros((total, COLUMNS), np.uint8)
    fragments = 0
    for r in chosen:
        fragments = max(fragments, reads.fragment[r] + 1)
    seen_for = np.full(fragments, -1, np.int64)
    for c in range(len(loci.low)):
        for row in range(offset[c], offset[c + 1]):
            r = chosen[row]
            fill_planes(reads, r, loci.window_start[c], window, soft_clips, base[row], quality[row])
            fill_columns(loci, c, reads, r, columns[row])
            compare(loci, c, reads, r, reference, reference_start, columns[row])
            if seen_for[reads.fragment[r]] == c:
                columns[row, FLAGS] |= MATE_ABOVE
            seen_for[reads.fragment[r]] = c
    return base, quality, columns


@compiled
def fill_planes(reads, r, window_start, window, soft_clips, base, quality):
    """Lay read r out in its row of the base and the quality plane, (window,) each, which are zero before."""
    query, position = reads.base_offset[r], reads.start[r] - window_start
    aligned_from = position
    for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
        op, length = reads.cigar_op[k], np.int64(reads.cigar_length[k])
        if op in (MATCH, EQUAL, DIFFERENT):
            low, high = max(position, 0), min(position + length, window)
            shift = query - position
            for i in range(low, high):
                base[i] = reads.bases[shift + i] + 1
                quality[i] = reads.qualities[shift + i]
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
                first = position - length if query == reads.base_offset[r] else position
                shift = query - first
                for i in range(max(first, 0), min(first + length, window)):
                    base[i] = (reads.bases[shift + i] + 1) | SOFT_CLIPPED
                    quality[i] = reads.qualities[shift + i]
            query += length


@compiled
def fill_columns(loci, c, reads, r, columns):
    """Write what a read's row says of the read itself and where it lies."""
    flag = reads.flag[r]
    bits = PRESENT
    if flag & SAM_REVERSE:
        bits |= REVERSE
    if flag & SAM_PAIRED:
        bits |= PAIRED
        if second_read_is_forward(flag):
            bits |= READ1_REVERSE
        if not flag & SAM_PROPER:
            bits |= IMPROPER
    left, right = reads.clips[r, 0], reads.clips[r, 1]
    here = loci.start[c] if loci.substitution[c] else loci.low[c]
    distance = min(here - (reads.start[r] - left), reads.end[r] + right - 1 - here)
    columns[MAPQ] = reads.mapq[r]
    columns[FLAGS] = bits
    columns[END_DISTANCE] = min(max(distance, 0), LARGEST)
    columns[CLIPPED] = min(left + right, LARGEST)
    columns[EDITS] = min(reads.edits[r], LARGEST)
    columns[INSERT_SIZE] = min(abs(reads.template_length[r]) // INSERT_SIZE_UNIT, LARGEST)


@compiled
def query_at(reads, r, wanted):
    """Index into `bases` of the base of read r that the CIGAR aligns to reference position `wanted`, or -1."""
    query, position = reads.base_offset[r], reads.start[r]
    for k in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
        op, length = reads.cigar_op[k], np.int64(reads.cigar_length[k])
        if op in (MATCH, EQUAL, DIFFERENT):
            if position <= wanted < position + length:
                return query + wanted - position
            query += length
            position += length
        elif op in (INSERTION, SOFT_CLIP):
            query += length
        elif op in (DELETION, SKIP):
            position += length
        if position > wanted:
            break
    return -1


@compiled
def compare(loci, c, reads, r, reference, reference_start, columns):
    """Write the read's mismatches with both haplotypes, and which it supports."""
    if loci.substitution[c]:
        alt, ref, compared = substitution_mismatches(loci, c, reads, r, reference, reference_start)
    else:
        alt, ref, compared = left_mismatches(loci, c, reads, r, reference, reference_start)
        other_alt, other_ref, other_compared = right_mismatches(loci, c, reads, r, reference, reference_start)
        if other_compared > 0:
            better, other = min(alt, ref) * other_compared, min(other_alt, other_ref) * compared
            if compared == 0 or other < better or (other == better and other_compared > compared):
                alt, ref, compared = other_alt, other_ref, other_compared
    if compared == 0:
        columns[ALT_MISMATCHES] = NOT_COMPARED
        columns[REF_MISMATCHES] = NOT_COMPARED
        return
    columns[ALT_MISMATCHES] = min(alt, NOT_COMPARED - 1)
    columns[REF_MISMATCHES] = min(ref, NOT_COMPARED - 1)
    if alt < ref and 10 * (alt - 1) <= compared:
        columns[FLAGS] |= SUPPORTS_ALT
    elif ref < alt and 10 * (ref - 1) <= compared:
        columns[FLAGS] |= SUPPORTS_REF


@compiled
def substitution_mismatches(loci, c, reads, r, reference, reference_start):
    """(mismatches with alternative, with reference, compared bases) over the substituted bases; (0, 0, 0): not compared."""
    first, length = loci.start[c], loci.end[c] - loci.start[c]
    query = query_at(reads, r, first)
    if query < 0:
        return 0, 0, 0
    alt, ref, telling = 0, 0, False
    for i in range(length):
        if i > 0 and query_at(reads, r, first + i) != query + i:
            return 0, 0, 0
        base = reads.bases[query + i]
        new, old = loci.alt[loci.alt_offset[c] + i], reference[first + i - reference_start]
        if base > 3:
            continue
        telling |= new != old
        alt += base != new and new < 4
        ref += base != old and old < 4
    return (alt, ref, length) if telling else (0, 0, 0)


@compiled
def left_mismatches(loci, c, reads, r, reference, reference_start):
    """Like `substitution_mismatches`: from the base aligned before the candidate to the right."""
    query = query_at(reads, r, loci.low[c] - 1)
    if query < 0:
        return 0, 0, 0
    query += 1
    inserted = loci.alt_offset[c + 1] - loci.alt_offset[c]
    length = min(COMPARED_BASES, reads.base_offset[r + 1] - query)
    alt, ref, compared, telling = 0, 0, 0, False
    for i in range(length):
        at = loci.start[c] + i - reference_start
        beyond = loci.end[c] + i - inserted - reference_start
        if at >= len(reference) or beyond >= len(reference):
            break
        old = reference[at]
        new = loci.alt[loci.alt_offset[c] + i] if i < inserted else reference[beyond]
        base = reads.bases[query + i]
        compared += 1
        if base > 3:
            continue
        telling |= new != old
        alt += base != new and new < 4
        ref += base != old and old < 4
    return (alt, ref, compared) if telling else (0, 0, 0)


@compiled
def right_mismatches(loci, c, reads, r, reference, reference_start):
    """Like `substitution_mismatches`: from the base aligned behind the candidate to the left.

    Read from there, the alternative haplotype is the bases over which the candidate can be moved, the alternative allele,
    and the reference before it.
    """
    query = query_at(reads, r, loci.high[c])
    if query < 0:
        return 0, 0, 0
    query -= 1
    inserted = loci.alt_offset[c + 1] - loci.alt_offset[c]
    shift = loci.high[c] - loci.end[c]
    length = min(COMPARED_BASES, query + 1 - reads.base_offset[r])
    alt, ref, compared, telling = 0, 0, 0, False
    for i in range(length):
        at = loci.high[c] - 1 - i - reference_start
        beyond = loci.start[c] - 1 - (i - shift - inserted) - reference_start
        if at < 0 or (i >= shift + inserted and beyond < 0):
            break
        old = reference[at]
        if i < shift:
            new = old
        elif i < shift + inserted:
            new = loci.alt[loci.alt_offset[c + 1] - 1 - (i - shift)]
        else:
            new = reference[beyond]
        base = reads.bases[query - i]
        compared += 1
        if base > 3:
            continue
        telling |= new != old
        alt += base != new and new < 4
        ref += base != old and old < 4
    return (alt, ref, compared) if telling else (0, 0, 0)


@compiled
def window_codes(reference, reference_start, contig_length, window_start, window):
    """Base codes (n, window) of the windows from `window_start` (n,) on, NOTHING beyond the contig's ends."""
    out = np.zeros((len(window_start), window), np.uint8)
    for c in range(len(window_start)):
        first = window_start[c]
        for p in range(max(first, 0), min(first + window, contig_length)):
            out[c, p - first] = reference[p - reference_start] + 1
    return out
