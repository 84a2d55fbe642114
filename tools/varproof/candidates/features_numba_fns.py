"""Kernels of features: what each read says of a candidate, summed over the reads."""

import numpy as np

from varproof.candidates.arrays import (
    ALTERNATIVE_FORWARD,
    ALTERNATIVE_MAPQ,
    BASE,
    CLIPPED,
    DEPTH,
    EFFECTIVE,
    EFFECTIVE_ALL,
    INDEL_QUALITY,
    KEY,
    LENGTH,
    LIKELIHOOD,
    NEARBY,
    NEARBY_DIFFERENCES,
    OFFSET,
    OFFSET_SQUARE,
    OTHER,
    POSITION,
    QUALITY,
    QUERY,
    RAW,
    REFERENCE_FORWARD,
    REFERENCE_MAPQ,
    SUPPORT_COLUMNS,
    UNUSABLE,
    Alleles,
    CandidateReads,
    Differences,
)
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp10, log
from varproof.reads.sam import DELETION, DIFFERENT, EQUAL, INSERTION, MATCH, REVERSE, SKIP, SOFT_CLIP

_SILENT, _REFERENCE, _ALTERNATIVE, _OTHER = 0, 1, 2, 3
_NOT_COVERED, _DELETED = -1, -2
_MOST_ERROR = 0.75
_BEYOND = 20
"""An aligner that would have to open a gap so near to a read's end writes mismatches instead, bp."""


@compiled
def _query_at(reads, i, wanted):
    """(place in read i of the base at reference position `wanted`, how many bases are aligned without a gap from there on).

    The place is `_NOT_COVERED` or `_DELETED` where there is no base.
    """
    query, position = 0, reads.start[i]
    for c in range(reads.cigar_offset[i], reads.cigar_offset[i + 1]):
        operation, length = reads.cigar_op[c], np.int64(reads.cigar_length[c])
        if operation in (MATCH, EQUAL, DIFFERENT):
            if wanted < position:
                return _NOT_COVERED, 0
            if wanted < position + length:
                return query + wanted - position, position + length - wanted
            query += length
            position += length
        elif operation in (INSERTION, SOFT_CLIP):
            query += length
        elif operation in (DELETION, SKIP):
            if position <= wanted < position + length:
                return (_DELETED if operation == DELETION else _NOT_COVERED), 0
            position += length
    return _NOT_COVERED, 0


@compiled
def _has_rest(reads, i, alleles, whole, min_quality):
    """Whether read i has the bases of MNV `whole`: `_ALTERNATIVE`; surely not: `_OTHER`; can't be told: `_SILENT`."""
    width = alleles.end[whole] - alleles.start[whole]
    query, run = _query_at(reads, i, alleles.start[whole])
    if query < 0 or run < width:
        return _SILENT
    state = _ALTERNATIVE
    for j in range(width):
        place = reads.base_offset[i] + query + j
        if reads.bases[place] != alleles.alt[alleles.alt_offset[whole] + j]:
            if reads.qualities[place] >= min_quality:
                return _OTHER
            state = _SILENT
    return state


@compiled
def _expected(alleles, k, reference, reference_start, place):
    """Code of joined allele k, so many bases behind its `low`; -1 behind its `high`."""
    start, first = alleles.start[k], alleles.alt_offset[k]
    inserted = alleles.alt_offset[k + 1] - first
    at = alleles.low[k] + place
    if start <= at < start + inserted:
        return np.int64(alleles.alt[first + at - start])
    if at >= start:
        at += alleles.end[k] - start - inserted
    if at >= alleles.high[k]:
        return -1
    return np.int64(reference[at - reference_start])


@compiled
def _joined(reads, i, alleles, k, reference, reference_start, min_quality):
    """(covered, what read i shows of joined allele k, its quality, place of the base before it).

    A read shows what its bases between `low` and `high` are, if it is aligned to both sides of them. Where it is neither
    allele it must reach a little further, since near its end an aligner may not open a gap.
    """
    low, high = alleles.low[k], alleles.high[k]
    before, behind = _query_at(reads, i, low - 1)[0], _query_at(reads, i, high)[0]
    covered = before != _NOT_COVERED
    if before < 0 or behind < 0:
        return covered, _SILENT, 0, 0
    length = behind - before - 1
    size = high - low + alleles.alt_offset[k + 1] - alleles.alt_offset[k] - (alleles.end[k] - alleles.start[k])
    alternative, original, unclear = length == size, length == high - low, 0
    for j in range(length):
        place = reads.base_offset[i] + before + 1 + j
        base, poor = np.int64(reads.bases[place]), reads.qualities[place] < min_quality
        differs = alternative and base != _expected(alleles, k, reference, reference_start, j)
        changed = original and base != reference[low + j - reference_start]
        if poor and (differs or changed):
            unclear += 1
        else:
            alternative, original = alternative and not differs, original and not changed
    if (alternative or original) and unclear:
        return True, _SILENT, 0, 0
    if alternative:
        return True, _ALTERNATIVE, INDEL_QUALITY, before
    if original:
        return True, _REFERENCE, INDEL_QUALITY, 0
    if reads.start[i] > low - _BEYOND or reads.end[i] < high + _BEYOND:
        return True, _SILENT, 0, 0
    return True, _OTHER, INDEL_QUALITY, 0


@compiled
def _rest(reads, i, alleles, k, reference, reference_start, min_quality):
    """Of a read that has part k of a whole: `_ALTERNATIVE` where it has only that part, `_OTHER` where it has all."""
    whole = alleles.within[k]
    if alleles.low[whole] < 0:
        state = _has_rest(reads, i, alleles, whole, min_quality)
    else:
        state = _joined(reads, i, alleles, whole, reference, reference_start, min_quality)[1]
    if state == _SILENT:
        return _SILENT
    return _OTHER if state == _ALTERNATIVE else _ALTERNATIVE


@compiled
def _substitution(reads, i, alleles, k, reference, reference_start, min_quality):
    """(covered, what read i shows of SNV or MNV k, lowest quality of its bases, place of the first)."""
    start, width = alleles.start[k], alleles.end[k] - alleles.start[k]
    query, run = _query_at(reads, i, start)
    if query == _DELETED:
        return True, _OTHER, INDEL_QUALITY, 0
    if query == _NOT_COVERED:
        return False, _SILENT, 0, 0
    if run < width:
        return True, _SILENT, 0, 0
    place, quality = reads.base_offset[i] + query, 255
    alternative, original = True, True
    for j in range(width):
        base = reads.bases[place + j]
        alternative = alternative and base == alleles.alt[alleles.alt_offset[k] + j]
        original = original and base == reference[start - reference_start + j]
        quality = min(quality, np.int64(reads.qualities[place + j]))
    if quality < min_quality:
        return True, _SILENT, 0, 0
    if original:
        return True, _REFERENCE, quality, query
    if not alternative:
        return True, _OTHER, quality, query
    if alleles.within[k] >= 0:
        rest = _rest(reads, i, alleles, k, reference, reference_start, min_quality)
        return True, rest, quality, query
    return True, _ALTERNATIVE, quality, query


@compiled
def _indel(reads, differences, i, alleles, k, reference, reference_start, min_quality):
    """(covered, what read i shows of indel k, its quality, place of the base before the indel)."""
    start, end, shift = alleles.start[k], alleles.end[k], alleles.shift[k]
    length = alleles.alt_offset[k + 1] - alleles.alt_offset[k] - (end - start)
    another = False
    for r in range(differences.offset[i], differences.offset[i + 1]):
        row = differences.rows[r]
        if row[LENGTH] == 0:
            continue
        if row[POSITION] == start and row[LENGTH] == length and row[KEY] == alleles.key[k] and row[BASE] != UNUSABLE:
            state = _ALTERNATIVE
            if alleles.within[k] >= 0:
                state = _rest(reads, i, alleles, k, reference, reference_start, min_quality)
            return True, state, INDEL_QUALITY, row[QUERY]
        if row[POSITION] <= end + shift and row[RAW] + max(-row[LENGTH], 0) >= start:
            another = True
    before = _query_at(reads, i, max(start - 1, 0))[0]
    covered = before != _NOT_COVERED
    if before < 0 or _query_at(reads, i, end + shift)[0] < 0:
        return covered, _SILENT, 0, 0
    return True, _OTHER if another else _REFERENCE, INDEL_QUALITY, 0


@compiled
def _nearby_differences(reads, differences, i, start, end, substitution, joined, min_quality):
    """Differences of read i within `NEARBY` bp of start..end, without those of a substitution or a joined allele there."""
    count = 0
    for r in range(differences.offset[i], differences.offset[i + 1]):
        row = differences.rows[r]
        if not start - NEARBY <= row[RAW] < end + NEARBY:
            continue
        if joined and start <= row[RAW] <= end:
            continue
        if row[LENGTH] == 0:
            own = substitution and start <= row[RAW] < end
            if own or reads.qualities[reads.base_offset[i] + row[QUERY]] < min_quality:
                continue
        count += 1
    return count


@compiled
def _is_clipped(reads, i):
    clipped = False
    for c in range(reads.cigar_offset[i], reads.cigar_offset[i + 1]):
        clipped |= reads.cigar_op[c] == SOFT_CLIP
    return clipped


@compiled
def _add_likelihoods(row, alternative, base_error, map_error, wrong_bases):
    """Add ln P(read) of a read with the reference or the alternative allele to the genotypes 0/0, 0/1 and 1/1."""
    error = min(_MOST_ERROR, base_error + map_error - base_error * map_error)
    right, wrong = log(1 - error), log(error / wrong_bases)
    row[LIKELIHOOD] += wrong if alternative else right
    row[LIKELIHOOD + 1] += log(0.5 * (1 - error) + 0.5 * error / wrong_bases)
    row[LIKELIHOOD + 2] += right if alternative else wrong


@compiled
def allele_support(
    reads: CandidateReads,
    differences: Differences,
    alleles: Alleles,
    reference: np.ndarray,
    reference_start: int,
    min_mapping_quality: int,
    min_base_quality: int,
) -> np.ndarray:
    """float64 (n, `SUPPORT_COLUMNS`): sums over the reads of each allele; `arrays` names the columns.

    A read shows a substitution if it has all of its bases, with enough quality, without a gap between them. It shows an indel
    if its alignment has the same one, wherever in the repeat; it shows the reference if it has none there, and reaches beyond
    the repeat on both sides. A joined allele it shows by its bases between two places, however they are aligned. Reads must be
    sorted by start.
    """
    out = np.zeros((len(alleles.start), SUPPORT_COLUMNS))
    reach = reads.end.copy()
    for i in range(1, len(reach)):
        reach[i] = max(reach[i], reach[i - 1])
    moved = 0
    for i in range(len(reads.start)):
        moved = max(moved, reads.first[i] - reads.start[i])
    for k in range(len(alleles.start)):
        start, end = alleles.start[k], alleles.end[k]
        joined = alleles.low[k] >= 0
        substitution = not joined and alleles.alt_offset[k + 1] - alleles.alt_offset[k] == end - start
        first_base = start if substitution else max(start - 1, 0)
        last_base = start if substitution else end + alleles.shift[k]
        if joined:
            first_base, last_base = alleles.low[k] - 1, alleles.high[k]
        row = out[k]
        begin = np.searchsorted(reach, first_base, side="right")
        last = np.searchsorted(reads.first, last_base + moved, side="right")
        for i in range(begin, last):
            mapq = np.int64(reads.mapq[i])
            if mapq < min_mapping_quality or reads.end[i] <= first_base or reads.start[i] > last_base:
                continue
            if joined:
                covered, state, quality, query = _joined(reads, i, alleles, k, reference, reference_start, min_base_quality)
                if state == _ALTERNATIVE and alleles.within[k] >= 0:
                    state = _rest(reads, i, alleles, k, reference, reference_start, min_base_quality)
            elif substitution:
                covered, state, quality, query = _substitution(
                    reads, i, alleles, k, reference, reference_start, min_base_quality
                )
            else:
                covered, state, quality, query = _indel(
                    reads, differences, i, alleles, k, reference, reference_start, min_base_quality
                )
            if not covered:
                continue
            row[DEPTH] += 1
            if state == _SILENT:
                continue
            weight = mapq * quality if substitution else mapq
            row[EFFECTIVE_ALL] += weight
            if state == _OTHER:
                row[OTHER] += 1
                continue
            reverse = 1 if reads.flag[i] & REVERSE else 0
            base_error, map_error = exp10(-quality / 10), exp10(-mapq / 10)
            _add_likelihoods(row, state == _ALTERNATIVE, base_error, map_error, 3 if substitution else 1)
            if state == _REFERENCE:
                row[REFERENCE_FORWARD + reverse] += 1
                row[REFERENCE_MAPQ] += mapq
                continue
            length = reads.base_offset[i + 1] - reads.base_offset[i]
            from_end = query if reverse else length - 1 - query
            row[ALTERNATIVE_FORWARD + reverse] += 1
            row[ALTERNATIVE_MAPQ] += mapq
            row[QUALITY] += quality
            row[EFFECTIVE] += weight
            row[OFFSET] += from_end
            row[OFFSET_SQUARE] += from_end * from_end
            first, furthest = (alleles.low[k], alleles.high[k]) if joined else (start, end + alleles.shift[k])
            differing = _nearby_differences(reads, differences, i, first, furthest, substitution, joined, min_base_quality)
            row[NEARBY_DIFFERENCES] += differing if substitution or joined else differing - 1
            row[CLIPPED] += _is_clipped(reads, i)
    return out
