"""One read against one candidate: how much likelier it is under the alternative than under the reference haplotype.

Where a substitution lies in a stretch that the aligner placed without gaps or clips, the bases themselves are compared,
with the error rates of this sample; everywhere else the read is realigned to both haplotypes (Varlociraptor eqs. 17, 18).
Neighbouring variants enter as further haplotypes on both sides: a read that a neighbour explains is no evidence.
"""

import numpy as np

from varproof import numerics
from varproof.accelerate import compiled
from varproof.evidence.arrays import ALTERNATIVE, NEITHER, REFERENCE, WINDOW
from varproof.numerics_numba_fns import exp, log, log_add
from varproof.reads.error_features_numba_fns import (
    MATE_REVERSE,
    REVERSE,
    clip_bin,
    end_distance_bin,
    mapq_bin,
    mismatch_bin,
    quality_bin,
    second_read_is_forward,
)
from varproof.realign.edit_distance_numba_fns import locate
from varproof.realign.pair_hmm_numba_fns import forward

SHORTEST_SEGMENT = 8
FEW_MISMATCHES = 4
SMALL_CLIP = 3
WIDEST_BAND, EXTRA_BAND = 12, 3
LOG_GARBAGE, LOG_GARBAGE_HIT, LOG_GARBAGE_MISS = numerics.log(1e-3), numerics.log(0.85), numerics.log(0.05)
WORTH_ALIGNING, FEW_EDITS = 4, 3
"""A haplotype can't be the best of its side if it takes so many more edits than another: the cheapest edit (one more base in
a gap) costs a quarter of the dearest (a mismatch)."""

MAX_ERROR = 0.25
"""Of each wrong base: at most, a base says nothing."""

MOST_BOOST, LEAST_BOOST = numerics.log(30.0), numerics.log(0.2)
UNMAPPED_EDIT_FRACTION = 0.1

INFORMATIVE = 0.46
"""|ln ratio| from which on a read shows an allele: GATK's 0.2 in decimal logarithms, so that counts are comparable."""


@compiled
def query_at(reads, r, position):
    """Index of the read base at a reference position, clips unrolled; -1 in a deletion or outside."""
    if position < reads.low[r] or position >= reads.high[r]:
        return -1
    if position < reads.start[r]:
        return reads.clip_left[r] - (reads.start[r] - position)
    query, reference = 0, reads.start[r]
    for i in range(reads.cigar_offset[r], reads.cigar_offset[r + 1]):
        op, length = reads.cigar_op[i], reads.cigar_length[i]
        if op == 0 or op == 7 or op == 8:
            if position < reference + length:
                return query + position - reference
            query += length
            reference += length
        elif op == 1:
            query += length
        elif op == 4:
            if reference > reads.start[r] or query > 0:
                return query + position - reference
            query += length
        elif op == 2 or op == 3:
            if position < reference + length:
                return -1
            reference += length
    return -1


@compiled
def query_from(reads, r, position):
    """Index of the first read base at or right of a reference position, clips unrolled; the read's length if there is none."""
    while position < reads.high[r]:
        found = query_at(reads, r, position)
        if found >= 0:
            return found
        position += 1
    return reads.base_offset[r + 1] - reads.base_offset[r]


@compiled
def segment_bounds(reads, r, low, high):
    """Query interval of the bases that lie in [low, high), clips unrolled; a base before an insertion stands for it."""
    first = query_from(reads, r, low) if low > reads.low[r] else 0
    return first, query_from(reads, r, high)


@compiled
def feature_log_ratios(reads, r, query, own_edits, tables):
    """(ln ratio of place, company and mapping; ln ratio of base quality) of the base at `query`: P(x | error) / P(x)."""
    length = reads.base_offset[r + 1] - reads.base_offset[r]
    place = (
        tables.log_end_ratio[end_distance_bin(min(query, length - 1 - query))]
        + tables.log_mismatch_ratio[mismatch_bin(reads.edits[r] - own_edits)]
        + tables.log_clip_ratio[clip_bin(reads.clip_left[r] + reads.clip_right[r])]
        + tables.log_mapq_ratio[mapq_bin(reads.mapq[r])]
    )
    quality = reads.qualities[reads.base_offset[r] + query]
    return place, tables.log_quality_ratio[quality_bin(quality)]


@compiled
def company_code(reads, r, mismatches, substitution):
    """How a read looks otherwise; clips say nothing about the reads of an indel."""
    clip = clip_bin(reads.clip_left[r] + reads.clip_right[r]) if substitution else 0
    return 6 * mismatch_bin(mismatches) + 3 * clip + mapq_bin(reads.mapq[r])


@compiled
def base_log_ratio(base, reference, alternative, quality, orientation, boost, tables):
    """ln P(base | alternative) - ln P(base | reference) with the sample's error rates times `boost`."""
    if base > 3:
        return 0.0
    logs = np.zeros(2)
    for side in range(2):
        truth = reference if side == 0 else alternative
        if truth > 3:
            return 0.0
        rates = tables.substitution_error[min(quality, 93), orientation, truth]
        if base == truth:
            logs[side] = log(1.0 - min(3.0 * MAX_ERROR, boost * rates.sum()))
        else:
            logs[side] = log(min(MAX_ERROR, boost * rates[base]))
    return logs[1] - logs[0]


@compiled
def direct_log_ratio(candidates, c, reads, r, reference, reference_start, tables):
    """(usable, ln ratio, ln error ratio, company) from the bases of a substitution; usable if gapless, unclipped."""
    start, end = candidates.start[c], candidates.end[c]
    if reads.gapped[r] or reads.start[r] > start or reads.end[r] < end:
        return False, 0.0, 0.0, 0
    if reads.clip_left[r] > SMALL_CLIP and reads.start[r] > start - WINDOW:
        return False, 0.0, 0.0, 0
    if reads.clip_right[r] > SMALL_CLIP and reads.end[r] < end + WINDOW:
        return False, 0.0, 0.0, 0
    if reads.low[r] <= candidates.context_high[c] and reads.high[r] >= candidates.context_low[c]:
        return False, 0.0, 0.0, 0
    bases = reads.base_offset[r] + reads.clip_left[r] - reads.start[r]
    mismatches = 0
    last = min(reads.end[r], end + WINDOW, reference_start + len(reference))  # an alignment may reach over a contig's end
    for position in range(max(reads.start[r], start - WINDOW), last):
        if (position < start or position >= end) and reads.bases[bases + position] != reference[position - reference_start]:
            mismatches += 1
    if mismatches > FEW_MISMATCHES:
        return False, 0.0, 0.0, 0
    own = 0
    for position in range(start, end):
        if reads.bases[bases + position] != reference[position - reference_start]:
            own += 1
    orientation = 1 if second_read_is_forward(reads.flag[r]) else 0
    ratio, error_ratio, worst_quality = 0.0, 0.0, 255
    for position in range(start, end):
        query = reads.clip_left[r] + position - reads.start[r]
        quality = reads.qualities[bases + position]
        place, by_quality = feature_log_ratios(reads, r, query, own, tables)
        ratio += base_log_ratio(
            reads.bases[bases + position],
            reference[position - reference_start],
            candidates.alt[candidates.alt_offset[c] + position - start],
            quality,
            orientation,
            exp(min(MOST_BOOST, max(LEAST_BOOST, place))),
            tables,
        )
        if quality < worst_quality:
            worst_quality, error_ratio = quality, place + by_quality
    return True, ratio, error_ratio, company_code(reads, r, reads.edits[r] - own, True)


@compiled
def realigned_log_ratio(candidates, c, segment, error, tables):
    """(ln ratio, fewest edits to any reference haplotype, fewest edits to any alternative haplotype) of a read segment."""
    first, middle, last = candidates.reference_first[c], candidates.alternative_first[c], candidates.reference_first[c + 1]
    edits = np.zeros(last - first, np.int64)
    ends = np.zeros(last - first, np.int64)
    fewest_reference, fewest_alternative = len(segment), len(segment)
    for j in range(first, last):
        text = candidates.haplotypes[candidates.haplotype_offset[j] : candidates.haplotype_offset[j + 1]]
        edits[j - first], ends[j - first] = locate(segment, text)
        if j < middle:
            fewest_reference = min(fewest_reference, edits[j - first])
        else:
            fewest_alternative = min(fewest_alternative, edits[j - first])
    if fewest_reference == 0 and fewest_alternative == 0:
        return 0.0, fewest_reference, fewest_alternative
    fewest = min(fewest_reference, fewest_alternative)
    garbage = LOG_GARBAGE + (len(segment) - fewest) * LOG_GARBAGE_HIT + fewest * LOG_GARBAGE_MISS
    best_reference, best_alternative = garbage, garbage
    for j in range(first, last):
        if edits[j - first] > WORTH_ALIGNING * (fewest_reference if j < middle else fewest_alternative) + FEW_EDITS:
            continue
        low, high = candidates.haplotype_offset[j], candidates.haplotype_offset[j + 1]
        text = candidates.haplotypes[low:high]
        band = min(edits[j - first], WIDEST_BAND) + EXTRA_BAND
        offset = ends[j - first] - len(segment)
        opened, skipped = candidates.open_insertion[low:high], candidates.open_deletion[low:high]
        value = forward(segment, error, text, offset, band, opened, skipped, tables.gap[2], tables.gap[3])
        if j < middle:
            best_reference = max(best_reference, value)
        else:
            best_alternative = max(best_alternative, value)
    reference = log_add(best_reference, garbage)
    alternative = log_add(best_alternative, garbage)
    return alternative - reference, fewest_reference, fewest_alternative


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
            return NEITHER
        base = reads.bases[reads.base_offset[r] + query]
        if tables.error[min(reads.qualities[reads.base_offset[r] + query], 93)] > MAX_ERROR:
            return NEITHER
        is_reference = is_reference and base == reference[position - reference_start]
        is_alternative = is_alternative and base == candidates.alt[candidates.alt_offset[c] + position - start]
    if is_alternative:
        return ALTERNATIVE
    return REFERENCE if is_reference else NEITHER


@compiled
def read_log_ratio(candidates, c, reads, r, reference, reference_start, tables):
    """(ln P(read | alternative) / P(read | reference), ln error ratio of the base that was read, company, allele shown)."""
    substitution = candidates.substitution[c]
    if substitution:
        usable, ratio, error_ratio, company = direct_log_ratio(candidates, c, reads, r, reference, reference_start, tables)
        if usable:
            allele = allele_of_bases(candidates, c, reads, r, reference, reference_start, tables, ratio)
            return ratio, error_ratio, company, allele
    first, last = segment_bounds(reads, r, candidates.low[c] - WINDOW, candidates.high[c] + WINDOW)
    if last - first < SHORTEST_SEGMENT:
        return 0.0, 0.0, 0, NEITHER
    bases = reads.base_offset[r]
    segment = reads.bases[bases + first : bases + last]
    error = np.empty(last - first)
    for i in range(last - first):
        error[i] = tables.error[min(reads.qualities[bases + first + i], 93)]
    ratio, _, mismatches = realigned_log_ratio(candidates, c, segment, error, tables)
    error_ratio, allele = 0.0, allele_of_ratio(ratio)
    if substitution:
        allele = allele_of_bases(candidates, c, reads, r, reference, reference_start, tables, ratio)
        query = query_at(reads, r, candidates.start[c])
        if query >= 0:
            place, by_quality = feature_log_ratios(reads, r, query, candidates.end[c] - candidates.start[c], tables)
            error_ratio = place + by_quality
    return ratio, error_ratio, company_code(reads, r, mismatches, substitution), allele


@compiled
def unmapped_log_ratio(candidates, c, reads, r, tables):
    """ln ratio of an unmapped read beside its mapped mate; 0 unless the alternative haplotype explains it well."""
    low, high = reads.base_offset[r], reads.base_offset[r + 1]
    length = high - low
    segment, error = np.empty(length, np.uint8), np.empty(length)
    wanted_reverse = (reads.flag[r] & MATE_REVERSE) == 0
    flip = wanted_reverse != ((reads.flag[r] & REVERSE) != 0)
    for i in range(length):
        source = high - 1 - i if flip else low + i
        base = reads.bases[source]
        segment[i] = 3 - base if flip and base < 4 else base
        error[i] = tables.error[min(reads.qualities[source], 93)]
    ratio, reference_edits, alternative_edits = realigned_log_ratio(candidates, c, segment, error, tables)
    if alternative_edits > UNMAPPED_EDIT_FRACTION * length or alternative_edits >= reference_edits:
        return 0.0
    return ratio
