"""Reads realigned to a candidate's haplotypes: how much likelier each is under the alternative than under the reference allele.

Varlociraptor eqs. 17, 18, for all reads of a candidate at once. Neighbouring variants enter as further haplotypes on both
sides: a read that a neighbour explains is no evidence.
"""

import numpy as np

from varproof.evidence.arrays import ALTERNATIVE, NEITHER, OTHER, REFERENCE, WINDOW, RealignedRatios
from varproof.evidence.decisions import DECISIONS
from varproof.evidence.typing_numba_fns import MAX_ERROR, feature_log_ratios, query_at, query_from, read_context_code
from varproof.machinery import numerics
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import log_add
from varproof.reads.sam import MATE_REVERSE, REVERSE, UNMAPPED
from varproof.realign.alignments import Alignments, Haplotypes, Segments
from varproof.realign.edit_distance_lanes_numba_fns import locate_all
from varproof.realign.pair_hmm_numba_fns import log_likelihoods

# What is compiled into kernels has to be a constant of their module.
SHORTEST_SEGMENT = DECISIONS.shortest_segment
WIDEST_BAND, EXTRA_BAND = DECISIONS.widest_band, DECISIONS.extra_band
LOG_GARBAGE, LOG_GARBAGE_HIT = numerics.log(DECISIONS.garbage), numerics.log(DECISIONS.garbage_hit)
LOG_GARBAGE_MISS = numerics.log(DECISIONS.garbage_miss)
WORTH_ALIGNING, FEW_EDITS = DECISIONS.worth_aligning, DECISIONS.few_edits
UNMAPPED_EDIT_FRACTION = DECISIONS.unmapped_edit_fraction
INFORMATIVE = DECISIONS.informative


@compiled
def segment_bounds(reads, r, low, high):
    """Query interval of the bases that lie in [low, high), clips unrolled; a base before an insertion stands for it."""
    first = query_from(reads, r, low) if low > reads.low[r] else 0
    return first, query_from(reads, r, high)


@compiled
def segments_near(candidates, c, reads, chosen, tables):
    """`Segments`: of each read of `chosen` (indices) what lies within WINDOW of the candidate, or nothing if it is too little.

    Of an unmapped read all, turned round where its mate says so.
    """
    n = len(chosen)
    offset, begin = np.zeros(n + 1, np.int64), np.zeros(n, np.int64)
    for i in range(n):
        r = chosen[i]
        first, last = 0, reads.base_offset[r + 1] - reads.base_offset[r]
        if (reads.flag[r] & UNMAPPED) == 0:
            first, last = segment_bounds(reads, r, candidates.low[c] - WINDOW, candidates.high[c] + WINDOW)
            last = last if last - first >= SHORTEST_SEGMENT else first
        begin[i] = reads.base_offset[r] + first
        offset[i + 1] = offset[i] + last - first
    bases, error = np.empty(offset[n], np.uint8), np.empty(offset[n])
    for i in range(n):
        flag, length = reads.flag[chosen[i]], offset[i + 1] - offset[i]
        wanted_reverse = (flag & MATE_REVERSE) == 0
        flip = (flag & UNMAPPED) != 0 and wanted_reverse != ((flag & REVERSE) != 0)
        for k in range(length):
            source = begin[i] + (length - 1 - k if flip else k)
            base = reads.bases[source]
            bases[offset[i] + k] = 3 - base if flip and base < 4 else base
            error[offset[i] + k] = tables.error[min(reads.qualities[source], 93)]
    return Segments(offset, bases, error)


@compiled
def realigned_log_ratios(candidates, c, segments, tables):
    """`RealignedRatios` of the segments."""
    first, middle, last = candidates.reference_first[c], candidates.alternative_first[c], candidates.reference_first[c + 1]
    n, sides = len(segments.offset) - 1, np.zeros(last - first, np.int64)
    sides[middle - first :] = 1
    low, high = candidates.haplotype_offset[first], candidates.haplotype_offset[last]
    haplotypes = Haplotypes(
        candidates.haplotype_offset[first : last + 1] - low,
        candidates.haplotypes[low:high],
        candidates.open_insertion[low:high],
        candidates.open_deletion[low:high],
        tables.gap[2],
        tables.gap[3],
    )
    edits, ends = np.empty((last - first, n), np.int64), np.empty((last - first, n), np.int64)
    fewest = np.empty((2, n), np.int64)
    fewest[:] = np.diff(segments.offset)
    for j in range(last - first):
        text = haplotypes.codes[haplotypes.offset[j] : haplotypes.offset[j + 1]]
        edits[j], ends[j] = locate_all(segments, text)
        for i in range(n):
            fewest[sides[j], i] = min(fewest[sides[j], i], edits[j, i])
    alignments = _worth_aligning(segments, sides, edits, ends, fewest)
    values = log_likelihoods(segments, haplotypes, alignments)
    best, garbage = np.zeros((2, n)), np.zeros(n)
    for i in range(n):
        wrong = min(fewest[0, i], fewest[1, i])
        right = segments.offset[i + 1] - segments.offset[i] - wrong
        garbage[i] = LOG_GARBAGE + right * LOG_GARBAGE_HIT + wrong * LOG_GARBAGE_MISS
        best[:, i] = garbage[i]
    for a in range(len(values)):
        side, i = sides[alignments.haplotype[a]], alignments.segment[a]
        best[side, i] = max(best[side, i], values[a])
    ratio = np.zeros(n)
    for i in range(n):
        ratio[i] = log_add(best[1, i], garbage[i]) - log_add(best[0, i], garbage[i])
    return RealignedRatios(ratio, fewest[0], fewest[1])


@compiled
def _worth_aligning(segments, sides, edits, ends, fewest):
    """`Alignments` of segments with haplotypes that may be the best of their side (0 reference, 1 alternative).

    edits, ends (haplotypes, n): where the edit distance found each; fewest (2, n): edits by side. Of segments that fit both
    sides without an edit there are none: they tell nothing.
    """
    n, size = edits.shape[1], edits.size
    segment, haplotype = np.empty(size, np.int64), np.empty(size, np.int64)
    start, band = np.empty(size, np.int64), np.empty(size, np.int64)
    count = 0
    for j in range(len(edits)):
        for i in range(n):
            if fewest[0, i] + fewest[1, i] == 0 or edits[j, i] > WORTH_ALIGNING * fewest[sides[j], i] + FEW_EDITS:
                continue
            segment[count], haplotype[count] = i, j
            start[count] = ends[j, i] - (segments.offset[i + 1] - segments.offset[i])
            band[count] = min(edits[j, i], WIDEST_BAND) + EXTRA_BAND
            count += 1
    return Alignments(segment[:count], haplotype[:count], start[:count], band[:count])


@compiled
def allele_of_ratio(ratio):
    """The allele that a read clearly shows, by its log ratio alone."""
    if ratio >= INFORMATIVE:
        return ALTERNATIVE
    return REFERENCE if ratio <= -INFORMATIVE else NEITHER


@compiled
def allele_of_bases(candidates, c, reads, r, reference, reference_start, tables, ratio):
    """The allele of a substitution that a read clearly shows: where its bases are aligned, they are all of one allele.

    Bases that are wrong more often than `MAX_ERROR` show none. A read that is clipped there tells by its log ratio.
    """
    start, end = candidates.start[c], candidates.end[c]
    if reads.start[r] > start or reads.end[r] < end:
        return allele_of_ratio(ratio)
    is_reference, is_alternative = True, True
    for position in range(start, end):
        query = query_at(reads, r, position)
        if query < 0:
            # The aligner may have put a gap over it: of an MNV its own, of an SNV that of a listed indel beside it.
            carrying = candidates.reference_first[c + 1] - candidates.alternative_first[c]
            if carrying > 1:
                return allele_of_ratio(ratio)
            return ALTERNATIVE if end - start > 1 and ratio >= INFORMATIVE else OTHER
        base = reads.bases[reads.base_offset[r] + query]
        if tables.error[min(reads.qualities[reads.base_offset[r] + query], 93)] > MAX_ERROR:
            return NEITHER
        is_reference = is_reference and base == reference[position - reference_start]
        is_alternative = is_alternative and base == candidates.alt[candidates.alt_offset[c] + position - start]
    if is_alternative:
        return ALTERNATIVE
    return REFERENCE if is_reference else OTHER


@compiled
def seen_by_realigning(candidates, c, reads, r, reference, reference_start, tables, ratio, mismatches):
    """(ln error ratio of the base that was read, read context, allele shown) of a mapped read that was realigned.

    Any of an indel, those of a substitution that `direct_log_ratios` can't use. ratio: its ln ratio; mismatches: its edits to
    the nearest alternative haplotype.
    """
    substitution = candidates.substitution[c]
    error_ratio, allele = 0.0, allele_of_ratio(ratio)
    if substitution:
        allele = allele_of_bases(candidates, c, reads, r, reference, reference_start, tables, ratio)
        query = query_at(reads, r, candidates.start[c])
        if query >= 0:
            place, by_quality = feature_log_ratios(reads, r, query, candidates.end[c] - candidates.start[c], tables)
            error_ratio = place + by_quality
    clipped = reads.clip_left[r] + reads.clip_right[r] if substitution else 0  # clips say nothing about the reads of an indel
    return error_ratio, read_context_code(mismatches, clipped, reads.mapq[r]), allele


@compiled
def unmapped_log_ratio(ratio, length, reference_edits, alternative_edits):
    """`ratio` of an unmapped read of `length` bases beside its mapped mate; 0 unless the alternative explains it well."""
    if alternative_edits > UNMAPPED_EDIT_FRACTION * length or alternative_edits >= reference_edits:
        return 0.0
    return ratio
