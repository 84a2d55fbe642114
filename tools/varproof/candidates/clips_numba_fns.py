"""Kernels of clips: the clipped ends of reads, the tandem duplications that they begin in, the insertions that they show."""

import numpy as np

from varproof.candidates.arrays import (
    BASE,
    BEHIND_CLIP,
    CLIP_COLUMNS,
    CLIP_LENGTH,
    CLIP_PLACE,
    CLIP_QUERY,
    CLIP_READ,
    CLIP_SIDE,
    CLIP_WORD,
    DIFFERENCE_COLUMNS,
    KEY,
    LENGTH,
    LONGEST_DUPLICATION,
    POSITION,
    QUERY,
    RAW,
    READ,
    CandidateReads,
    Insertions,
)
from varproof.candidates.rewriting_numba_fns import LEAST_ANCHOR, LONG_ANCHOR
from varproof.machinery.accelerate import compiled
from varproof.reads.sam import DIFFERENT, EQUAL, MATCH, SOFT_CLIP

ASTRAY = 30
"""An aligner may clip a read so far from where an insertion lies, bp: bases that fit by chance, or an error near the end."""


@compiled
def _is_aligned(operation):
    return operation in (MATCH, EQUAL, DIFFERENT)


@compiled
def clipped_ends(reads: CandidateReads, min_mapping_quality: int) -> np.ndarray:
    """int64 (n, `CLIP_COLUMNS`): soft-clipped ends of `LEAST_ANCHOR` bases or more, in the order of the reads."""
    out = np.empty((2 * len(reads.start), CLIP_COLUMNS), np.int64)
    used = 0
    for i in range(len(reads.start)):
        first, last = reads.cigar_offset[i], reads.cigar_offset[i + 1]
        if reads.mapq[i] < min_mapping_quality or last - first < 2:
            continue
        bases = reads.base_offset[i + 1] - reads.base_offset[i]
        for side in range(2):
            clip, beside = (first, first + 1) if side == 0 else (last - 1, last - 2)
            length = np.int64(reads.cigar_length[clip])
            if reads.cigar_op[clip] != SOFT_CLIP or length < LEAST_ANCHOR or not _is_aligned(reads.cigar_op[beside]):
                continue
            out[used, CLIP_READ], out[used, CLIP_SIDE] = i, side
            out[used, CLIP_PLACE] = reads.start[i] if side == 0 else reads.end[i]
            out[used, CLIP_QUERY] = 0 if side == 0 else bases - length
            out[used, CLIP_LENGTH] = length
            nearest = reads.base_offset[i] + (length - LEAST_ANCHOR if side == 0 else bases - length)
            word = np.int64(0)
            for j in range(LEAST_ANCHOR):
                word = 5 * word + reads.bases[nearest + j]
            out[used, CLIP_WORD] = word
            used += 1
    return out[:used].copy()


@compiled
def duplication_lengths(reads: CandidateReads, clips: np.ndarray, reference: np.ndarray, reference_start: int) -> np.ndarray:
    """int64 (n,): of each clip the length of the tandem duplication that it shows, bp; 0 for none, or where several fit.

    A read that reaches from one copy into the next is clipped, unless it holds a whole copy. Its clipped bases are those of
    the reference so many bp further back (at its right end) or further on (at its left end).
    """
    out = np.zeros(len(clips), np.int64)
    for k in range(len(clips)):
        i, length = clips[k, CLIP_READ], clips[k, CLIP_LENGTH]
        begin = reads.base_offset[i] + clips[k, CLIP_QUERY]
        most = 1 if length >= LONG_ANCHOR else 0
        left = clips[k, CLIP_SIDE] == 0
        place = clips[k, CLIP_PLACE] - reference_start - (length if left else 0)
        for distance in range(max(1, length - LEAST_ANCHOR + 1), LONGEST_DUPLICATION + 1):
            at = place + distance if left else place - distance
            if at < 0 or at + length > len(reference):
                continue
            wrong = 0
            for j in range(length):
                base = reads.bases[begin + j]
                if base != reference[at + j] or base > 3:
                    wrong += 1
                    if wrong > most:
                        break
            if wrong <= most:
                if out[k] != 0:
                    out[k] = 0
                    break
                out[k] = distance
    return out


@compiled
def _base_of_haplotype(insertions, n, reference, reference_start, place):
    """Code at `place` of the haplotype with insertion n, counted as the reference up to it; 4 beyond what is known."""
    start, first = insertions.start[n], insertions.offset[n]
    length = insertions.offset[n + 1] - first
    if start <= place < start + length:
        return insertions.bases[first + place - start]
    at = place - reference_start - (length if place >= start else 0)
    if at < 0 or at >= len(reference):
        return 4
    return np.int64(reference[at])


@compiled
def inserted_rows(
    reads: CandidateReads, clips: np.ndarray, insertions: Insertions, reference: np.ndarray, reference_start: int
) -> np.ndarray:
    """Rows as of `Differences`, one for each clip that fits the haplotype of an insertion: of the one that it fits best.

    A clip fits with a mismatch for each `LONG_ANCHOR` bases of it. `QUERY` is the base before
    a right clip, and the last one of a left clip.
    """
    out = np.empty((len(clips), DIFFERENCE_COLUMNS), np.int64)
    used = 0
    longest = np.int64(0)
    for n in range(len(insertions.start)):
        longest = max(longest, insertions.shift[n])
    for k in range(len(clips)):
        i, length, place = clips[k, CLIP_READ], clips[k, CLIP_LENGTH], clips[k, CLIP_PLACE]
        begin = reads.base_offset[i] + clips[k, CLIP_QUERY]
        best, fewest = -1, length // LONG_ANCHOR + 1
        first = np.searchsorted(insertions.start, place - ASTRAY - longest, side="left")
        last = np.searchsorted(insertions.start, place + ASTRAY, side="right")
        for n in range(first, last):
            if place > insertions.start[n] + insertions.shift[n] + ASTRAY:
                continue
            at = place
            if clips[k, CLIP_SIDE] == 0:
                at += insertions.offset[n + 1] - insertions.offset[n] - length
            wrong = 0
            for j in range(length):
                base = np.int64(reads.bases[begin + j])
                if base > 3 or base != _base_of_haplotype(insertions, n, reference, reference_start, at + j):
                    wrong += 1
                    if wrong >= fewest:
                        break
            if wrong < fewest:
                best, fewest = n, wrong
        if best < 0:
            continue
        row = out[used]
        row[POSITION], row[RAW] = insertions.start[best], insertions.start[best]
        row[LENGTH] = insertions.offset[best + 1] - insertions.offset[best]
        row[QUERY] = length - 1 if clips[k, CLIP_SIDE] == 0 else clips[k, CLIP_QUERY] - 1
        row[BASE], row[KEY], row[READ] = BEHIND_CLIP, insertions.key[best], i
        used += 1
    return out[:used].copy()
