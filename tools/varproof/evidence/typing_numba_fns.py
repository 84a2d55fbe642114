"""One read against one substitution: how much likelier its bases are under the alternative than under the reference allele.

Where a substitution lies in a stretch that the aligner placed without gaps or clips, the bases themselves are compared,
with the error rates of this sample; everywhere else the read is realigned (`realignment_numba_fns`).
"""

import numpy as np

from varproof.evidence.arrays import ALTERNATIVE, OTHER, REFERENCE, WINDOW, DirectRatios
from varproof.evidence.decisions import DECISIONS
from varproof.machinery import numerics
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, log
from varproof.reads.error_features_numba_fns import (
    clip_bin,
    end_distance_bin,
    mapq_bin,
    mismatch_bin,
    quality_bin,
    second_read_is_forward,
)
from varproof.reads.sam import DELETION, DIFFERENT, EQUAL, INSERTION, MATCH, SKIP, SOFT_CLIP, UNMAPPED

# What is compiled into kernels has to be a constant of their module.
FEW_MISMATCHES = DECISIONS.few_mismatches
SMALL_CLIP = DECISIONS.small_clip
MAX_ERROR = DECISIONS.max_error
MOST_BOOST, LEAST_BOOST = numerics.log(DECISIONS.most_boost), numerics.log(DECISIONS.least_boost)
LEAST_THIRD, LEAST_THIRD_SHARE = DECISIONS.least_third, DECISIONS.least_third_share

END_BINS, CLIP_BINS, MAPQ_BINS = 3, 2, 3


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
        if op in (MATCH, EQUAL, DIFFERENT):
            if position < reference + length:
                return query + position - reference
            query += length
            reference += length
        elif op == INSERTION:
            query += length
        elif op == SOFT_CLIP:
            if reference > reads.start[r] or query > 0:
                return query + position - reference
            query += length
        elif op in (DELETION, SKIP):
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
def look_of(end_distance, other_edits, clipped, mapq):
    """How a read looks at one of its bases, as one number: bins of place, other edits, clips and mapping quality."""
    look = END_BINS * mismatch_bin(other_edits) + end_distance_bin(end_distance)
    return MAPQ_BINS * (CLIP_BINS * look + clip_bin(clipped)) + mapq_bin(mapq)


@compiled
def place_log_ratio(look, tables):
    """ln P(x | error) / P(x) of a look."""
    mapq, rest = look % MAPQ_BINS, look // MAPQ_BINS
    clip, rest = rest % CLIP_BINS, rest // CLIP_BINS
    return (
        tables.log_end_ratio[rest % END_BINS]
        + tables.log_mismatch_ratio[rest // END_BINS]
        + tables.log_clip_ratio[clip]
        + tables.log_mapq_ratio[mapq]
    )


@compiled
def feature_log_ratios(reads, r, query, own_edits, tables):
    """(ln ratio of place, read context and mapping; ln ratio of base quality) of the base at `query`: P(x | error) / P(x)."""
    length = reads.base_offset[r + 1] - reads.base_offset[r]
    clipped = reads.clip_left[r] + reads.clip_right[r]
    look = look_of(min(query, length - 1 - query), reads.edits[r] - own_edits, clipped, reads.mapq[r])
    quality = reads.qualities[reads.base_offset[r] + query]
    return place_log_ratio(look, tables), tables.log_quality_ratio[quality_bin(quality)]


@compiled
def read_context_code(mismatches, clipped, mapq):
    """How a read looks otherwise."""
    return 6 * mismatch_bin(mismatches) + 3 * clip_bin(clipped) + mapq_bin(mapq)


@compiled
def base_log_probability(base, truth, quality, orientation, boost, tables):
    """ln P(base | truth), codes 0..3, with the sample's error rates times `boost`."""
    rates = tables.substitution_error[min(quality, 93), orientation, truth]
    if base == truth:
        return log(1.0 - min(3.0 * MAX_ERROR, boost * (rates[0] + rates[1] + rates[2] + rates[3])))
    return log(min(MAX_ERROR, boost * rates[base]))


@compiled
def base_log_ratio(base, reference, alternative, quality, orientation, boost, tables):
    """ln P(base | alternative) - ln P(base | reference) with the sample's error rates times `boost`; 0 where one is N."""
    if base > 3 or reference > 3 or alternative > 3:
        return 0.0
    under_alternative = base_log_probability(base, alternative, quality, orientation, boost, tables)
    return under_alternative - base_log_probability(base, reference, quality, orientation, boost, tables)


@compiled
def context_shifts(candidates, c, reference, reference_start, tables):
    """(bases, READ_KINDS, 2, 4) what context and kind of read add to `base_log_ratio`, by base of a substitution and base read.

    A base that is wrong under either allele was misread in this context.
    """
    start, end, alt = candidates.start[c], candidates.end[c], candidates.alt_offset[c]
    kinds = len(tables.log_kind)
    out = np.zeros((end - start, kinds, 2, 4))
    for k in range(end - start):
        at = start + k - reference_start
        if at < 1 or at + 1 >= len(reference):
            continue
        before, truth, behind = np.int64(reference[at - 1]), np.int64(reference[at]), np.int64(reference[at + 1])
        alternative = np.int64(candidates.alt[alt + k])
        if before > 3 or truth > 3 or behind > 3 or alternative > 3 or truth == alternative:
            continue
        for kind in range(kinds):
            for orientation in range(2):
                for base in range(4):
                    value = 0.0
                    if base != alternative:
                        value += tables.log_context[orientation, 16 * before + 4 * alternative + behind, base]
                        value += tables.log_kind[kind, orientation, alternative, base]
                    if base != truth:
                        value -= tables.log_context[orientation, 16 * before + 4 * truth + behind, base]
                        value -= tables.log_kind[kind, orientation, truth, base]
                    out[k, kind, orientation, base] = value
    return out


@compiled
def boost_of(place):
    """Factor of error rates where a read looks as `place` says."""
    return exp(min(MOST_BOOST, max(LEAST_BOOST, place)))


@compiled
def base_log_ratios(tables):
    """`SampleTables.base_ratio`."""
    looks = len(tables.log_mismatch_ratio) * END_BINS * CLIP_BINS * MAPQ_BINS
    qualities = len(tables.substitution_error)
    out = np.zeros((4, 4, 2, looks, qualities, 4))
    under = np.empty((4, 4))
    for look in range(looks):
        boost = boost_of(place_log_ratio(look, tables))
        for orientation in range(2):
            for quality in range(qualities):
                for truth in range(4):
                    for base in range(4):
                        under[truth, base] = base_log_probability(base, truth, quality, orientation, boost, tables)
                for reference in range(4):
                    for alternative in range(4):
                        for base in range(4):
                            ratio = under[alternative, base] - under[reference, base]
                            out[reference, alternative, orientation, look, quality, base] = ratio
    return out


@compiled
def direct_log_ratios(candidates, c, reads, first, last, reference, listed, reference_start, tables):
    """`DirectRatios` of the reads first..last - 1 against a substitution, from the bases that are compared with it.

    listed (as `reference`): bases, as bits, that substitutions of the list have and several reads show. They are no mismatches:
    where variants crowd, a read is not one whose gaps the aligner missed.
    """
    size = max(0, last - first)
    out = DirectRatios(np.zeros(size, np.bool_), np.zeros(size), np.zeros(size), np.zeros(size, np.uint8),
                       np.zeros(size, np.uint8))  # fmt: skip
    start, end, alt = candidates.start[c], candidates.end[c], candidates.alt_offset[c]
    context_low, context_high = candidates.context_low[c], candidates.context_high[c]
    if size > 0:
        shifts = context_shifts(candidates, c, reference, reference_start, tables)
    else:
        shifts = np.zeros((0, 0, 0, 0))
    for r in range(first, last):
        low, high, clip_left, clip_right = reads.start[r], reads.end[r], reads.clip_left[r], reads.clip_right[r]
        if reads.gapped[r] or low > start or high < end or reads.flag[r] & UNMAPPED:
            continue
        if (clip_left > SMALL_CLIP and low > start - WINDOW) or (clip_right > SMALL_CLIP and high < end + WINDOW):
            continue
        if low - clip_left <= context_high and high + clip_right >= context_low:
            continue
        beside, own = 0, 0
        for i in range(reads.mismatch_offset[r], reads.mismatch_offset[r + 1]):
            position = reads.mismatch[i]
            if start <= position < end:
                own += 1
            elif start - WINDOW <= position < end + WINDOW:
                base = reads.bases[reads.base_offset[r] + clip_left + position - low]
                beside += base > 3 or (listed[position - reference_start] >> base) & 1 == 0
        if beside > FEW_MISMATCHES:
            continue
        bases, query = reads.base_offset[r], clip_left + start - low
        length = reads.base_offset[r + 1] - bases
        orientation = 1 if second_read_is_forward(reads.flag[r]) else 0
        ratio, error_ratio, worst_quality = 0.0, 0.0, 255
        is_alternative, is_clear = True, True
        for k in range(end - start):
            base, quality = reads.bases[bases + query + k], reads.qualities[bases + query + k]
            truth, alternative = reference[start + k - reference_start], candidates.alt[alt + k]
            end_distance = min(query + k, length - 1 - query - k)
            look = look_of(end_distance, reads.edits[r] - own, clip_left + clip_right, reads.mapq[r])
            if base < 4 and truth < 4 and alternative < 4:
                ratio += tables.base_ratio[truth, alternative, orientation, look, min(quality, 93), base]
                ratio += shifts[k, reads.kind[r], orientation, base]
            if quality < worst_quality:
                worst_quality = quality
                error_ratio = place_log_ratio(look, tables) + tables.log_quality_ratio[quality_bin(quality)]
            is_alternative = is_alternative and base == alternative
            is_clear = is_clear and tables.error[min(quality, 93)] <= MAX_ERROR
        at = r - first
        out.usable[at], out.log_ratio[at], out.log_error_ratio[at] = True, ratio, error_ratio
        out.read_context[at] = read_context_code(reads.edits[r] - own, clip_left + clip_right, reads.mapq[r])
        if is_clear:
            out.allele[at] = ALTERNATIVE if is_alternative else REFERENCE if own == 0 else OTHER
    if size > 0 and end - start == 1:
        _count_third_bases(candidates, c, reads, first, last, reference[start - reference_start], tables, out)
    elif size > 0:
        _count_mixed_bases(candidates, c, reads, first, last, tables, out)
    return out


@compiled
def _count_mixed_bases(candidates, c, reads, first, last, tables, out):
    """Let reads that clearly show some bases of an MNV without the others speak against it, if they are not few.

    They come of copies with an SNV alone, whether a list has that or not; the bases that they lack are not there by error.
    """
    start, end, alt = candidates.start[c], candidates.end[c], candidates.alt_offset[c]
    mixed, usable = 0, 0
    for at in range(last - first):
        usable += out.usable[at]
        mixed += out.usable[at] and out.allele[at] == OTHER
    if mixed < max(LEAST_THIRD, LEAST_THIRD_SHARE * usable):
        return
    for r in range(first, last):
        if not out.usable[r - first] or out.allele[r - first] != OTHER:
            continue
        ratio = 0.0
        length = reads.base_offset[r + 1] - reads.base_offset[r]
        clipped = reads.clip_left[r] + reads.clip_right[r]
        orientation = 1 if second_read_is_forward(reads.flag[r]) else 0
        for k in range(end - start):
            query = reads.clip_left[r] + start + k - reads.start[r]
            base, alternative = reads.bases[reads.base_offset[r] + query], candidates.alt[alt + k]
            if base != alternative and base < 4 and alternative < 4:
                look = look_of(min(query, length - 1 - query), reads.edits[r] - 1, clipped, reads.mapq[r])
                quality = min(reads.qualities[reads.base_offset[r] + query], 93)
                ratio += tables.base_ratio[base, alternative, orientation, look, quality, base]
        out.log_ratio[r - first] = ratio


@compiled
def _count_third_bases(candidates, c, reads, first, last, truth, tables, out):
    """Let reads of a third allele of an SNV's place speak against it as those of the reference do: they come of other copies.

    A base is one that so many reads show that errors don't; a few reads say as little as errors, and are left alone.
    """
    start, alternative = candidates.start[c], candidates.alt[candidates.alt_offset[c]]
    count = np.zeros(4, np.int64)
    for r in range(first, last):
        if out.usable[r - first]:
            base = reads.bases[reads.base_offset[r] + reads.clip_left[r] + start - reads.start[r]]
            if base < 4:
                count[base] += 1
    least = max(LEAST_THIRD, LEAST_THIRD_SHARE * count.sum())
    for base in range(4):
        if base in (truth, alternative) or alternative > 3 or count[base] < least:
            continue
        for r in range(first, last):
            query = reads.clip_left[r] + start - reads.start[r]
            if not out.usable[r - first] or reads.bases[reads.base_offset[r] + query] != base:
                continue
            length = reads.base_offset[r + 1] - reads.base_offset[r]
            clipped = reads.clip_left[r] + reads.clip_right[r]
            look = look_of(min(query, length - 1 - query), reads.edits[r] - 1, clipped, reads.mapq[r])
            orientation = 1 if second_read_is_forward(reads.flag[r]) else 0
            quality = min(reads.qualities[reads.base_offset[r] + query], 93)
            out.log_ratio[r - first] = tables.base_ratio[base, alternative, orientation, look, quality, base]
