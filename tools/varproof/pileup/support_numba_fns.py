"""Kernels of allele support: how a read compares with the two haplotypes of a candidate. `packing` says what is decided."""

import numpy as np

from varproof.formats.tensors import SUPPORTS_ALT, SUPPORTS_REF
from varproof.machinery.accelerate import compiled
from varproof.reads.error_features_numba_fns import known_mismatches
from varproof.reads.sam import DELETION, DIFFERENT, EQUAL, INSERTION, MATCH, SKIP, SOFT_CLIP
from varproof.realign.edit_distance_numba_fns import locate

COMPARED_BASES, ANCHOR_BASES = 50, 10
SHORTEST_SEGMENT, LONGEST_SEGMENT = 8, 256
"""Bases of a read around a candidate that are realigned: fewer fit anywhere, and more would take long."""
FLANK = 280
"""Haplotypes that reads are realigned to reach this far beyond the candidate, bp: a little more than the longest segment."""
UNKNOWN_BASES = 8
"""Stand for the middle of an allele that is longer than two flanks: no read that is realigned sees both its ends."""
FEW_EDITS = 2
"""A realigned read with more may carry something else that the haplotypes lack."""


@compiled
def support_bits(support):
    """Which allele a read carries by (mismatches with alternative, with reference, compared bases)."""
    alt, ref, compared = support
    if alt < ref and 10 * (alt - 1) <= compared:
        return SUPPORTS_ALT
    if ref < alt and 10 * (ref - 1) <= compared:
        return SUPPORTS_REF
    return 0


@compiled
def query_at(start, ops, lengths, wanted):
    """Index of the base of a read that its CIGAR aligns to reference position `wanted`, or -1."""
    query, position = 0, start
    for k in range(len(ops)):
        op, length = ops[k], np.int64(lengths[k])
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
def substitution_mismatches(start, ops, lengths, bases, first, alternative, reference):
    """(mismatches with alternative, with reference, compared bases) over the substituted bases from `first` on.

    (0, 0, 0) where the read does not align to all of them, without a gap, or no base can tell the alleles apart.
    """
    query = query_at(start, ops, lengths, first)
    if query < 0:
        return 0, 0, 0
    for i in range(1, len(reference)):
        if query_at(start, ops, lengths, first + i) != query + i:
            return 0, 0, 0
    alt, ref, telling = 0, 0, False
    for i in range(len(reference)):
        base, new, old = bases[query + i], alternative[i], reference[i]
        if base > 3:
            continue
        telling |= new != old
        alt += base != new and new < 4
        ref += base != old and old < 4
    return (alt, ref, len(reference)) if telling else (0, 0, 0)


@compiled
def haplotypes_rightwards(loci, c, reference, reference_start, out):
    """Fill `out` with alternative and reference haplotype from the candidate's left end on; returns their bases."""
    inserted = loci.alt_offset[c + 1] - loci.alt_offset[c]
    for i in range(COMPARED_BASES):
        at = loci.start[c] + i - reference_start
        beyond = loci.end[c] + i - inserted - reference_start
        if at >= len(reference) or beyond >= len(reference):
            return i
        out[0, i] = loci.alt[loci.alt_offset[c] + i] if i < inserted else reference[beyond]
        out[1, i] = reference[at]
    return COMPARED_BASES


@compiled
def haplotypes_leftwards(loci, c, reference, reference_start, out):
    """Like `haplotypes_rightwards`, from the right end of the interval of equivalent placements to the left.

    Read from there, the alternative haplotype is the bases over which the candidate can be moved, the alternative allele,
    and the reference before it.
    """
    inserted = loci.alt_offset[c + 1] - loci.alt_offset[c]
    shift = loci.high[c] - loci.end[c]
    for i in range(COMPARED_BASES):
        at = loci.high[c] - 1 - i - reference_start
        beyond = loci.start[c] - 1 - (i - shift - inserted) - reference_start
        if at < 0 or (i >= shift + inserted and beyond < 0):
            return i
        out[1, i] = reference[at]
        if i < shift:
            out[0, i] = reference[at]
        elif i < shift + inserted:
            out[0, i] = loci.alt[loci.alt_offset[c + 1] - 1 - (i - shift)]
        else:
            out[0, i] = reference[beyond]
    return COMPARED_BASES


@compiled
def indel_mismatches(bases, before, behind, rightwards, leftwards, ahead, after):
    """Like `substitution_mismatches`, over the bases on the better side of an indel, by its two haplotypes there.

    `before`, `behind`: bases of the read that align next to the interval of equivalent placements, -1 where none does;
    `ahead`, `after`: reference that ends in the one and begins with the other.
    """
    alt = ref = compared = 0
    if before >= 0:
        alt, ref, compared = mismatches(bases[before + 1 :], rightwards)
    if behind < 0:
        return alt, ref, compared
    other_alt, other_ref, other_compared = mismatches(bases[:behind][::-1], leftwards)
    if other_compared == 0:
        return alt, ref, compared
    if compared > 0:
        here = min(alt, ref) + differences(bases[: before + 1][::-1], ahead[::-1])
        there = min(other_alt, other_ref) + differences(bases[behind:], after)
        if here < there or (here == there and compared >= other_compared):
            return alt, ref, compared
    return other_alt, other_ref, other_compared


@compiled
def mismatches(read, haplotypes):
    """(mismatches with haplotypes[0], with haplotypes[1], compared bases); (0, 0, 0) where no base could tell them apart."""
    size = min(len(read), haplotypes.shape[1])
    alt, ref, telling = 0, 0, 0
    for i in range(size):
        base, new, old = read[i], haplotypes[0, i], haplotypes[1, i]
        known = base < 4
        telling += known & (new != old)
        alt += known & (base != new) & (new < 4)
        ref += known & (base != old) & (old < 4)
    return (alt, ref, size) if telling else (0, 0, 0)


@compiled
def differences(read, reference):
    """Number of known bases that differ, over the shorter of the two."""
    size = min(len(read), len(reference))
    return known_mismatches(read[:size], reference[:size])


@compiled
def haplotypes_around(loci, c, reference, reference_start):
    """(alternative, reference) haplotype from FLANK bases before the candidate to FLANK behind it, less at a contig's end."""
    start, end = loci.start[c] - reference_start, loci.end[c] - reference_start
    before = reference[max(loci.low[c] - FLANK - reference_start, 0) : start]
    after = reference[end : loci.high[c] + FLANK - reference_start]
    alternative = shortened(loci.alt[loci.alt_offset[c] : loci.alt_offset[c + 1]])
    return np.concatenate((before, alternative, after)), np.concatenate((before, shortened(reference[start:end]), after))


@compiled
def shortened(allele):
    """An allele, or, of one that is longer than two flanks, its two ends."""
    if len(allele) <= 2 * FLANK + UNKNOWN_BASES:
        return allele.copy()
    return np.concatenate((allele[:FLANK], np.full(UNKNOWN_BASES, 4, np.uint8), allele[len(allele) - FLANK :]))


@compiled
def segment_bounds(start, clip_left, ops, lengths, low, high):
    """Query interval of the bases of a read that lie in [low, high), clips unrolled, with insertions between them."""
    query, position = 0, start - clip_left
    first = last = -1
    for k in range(len(ops)):
        op, length = ops[k], np.int64(lengths[k])
        if op in (MATCH, EQUAL, DIFFERENT, SOFT_CLIP):
            if first < 0 and position + length > low:
                first = query + max(low - position, 0)
            if last < 0 and position + length > high:
                last = query + max(high - position, 0)
            query += length
            position += length
        elif op == INSERTION:
            query += length
        elif op in (DELETION, SKIP):
            position += length
    return query if first < 0 else first, query if last < 0 else last


@compiled
def realigned_mismatches(segment, alternative, reference):
    """(edits to the alternative haplotype, to the reference haplotype, bases) of a stretch of a read, wherever it fits best.

    (0, 0, 0) where that does not tell: both take as many edits; the better one takes more than FEW_EDITS, and at least half of
    the other's; or the stretch is too short or too long.
    """
    if not SHORTEST_SEGMENT <= len(segment) <= LONGEST_SEGMENT:
        return 0, 0, 0
    alt, _ = locate(segment, alternative)
    ref, _ = locate(segment, reference)
    fewest, most = min(alt, ref), max(alt, ref)
    return (alt, ref, len(segment)) if fewest < most and (fewest <= FEW_EDITS or 2 * fewest < most) else (0, 0, 0)
