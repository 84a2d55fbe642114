"""How surprising it is that the reads with an allele all have it at one place, against where the reference's reads have it."""

import numpy as np

from varproof.evidence.arrays import NEITHER
from varproof.evidence.decisions import DECISIONS
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, log, log1p
from varproof.reads.sam import REVERSE, UNMAPPED

PLACES = 64
"""Distances to the nearer end of a read that are told apart, bp; the last one is that of all further ones."""

REACH = DECISIONS.same_place_reach
STRAY = DECISIONS.same_place_stray
PSEUDO_FRAGMENTS, EVEN_SHARE = DECISIONS.same_place_pseudo_fragments, DECISIONS.same_place_even_share
LONGEST_CLIP = DECISIONS.same_place_longest_clip
SUPPORT = DECISIONS.support_log_ratio
HAIRPIN_REACH, LONGEST_ARM = DECISIONS.hairpin_reach, len(DECISIONS.hairpin_log_factors) - 1


@compiled
def place_in_read(reads, r, start, end):
    """Bases between the allele [start, end) and the nearer end of the aligned part of read r, at most PLACES - 1.

    What is clipped counts as not aligned if it is short; behind a long clip lies a breakpoint, and not the read's end. Where
    the allele itself is clipped, the clip's end is the read's.
    """
    clipped = reads.clip_left[r] > LONGEST_CLIP or start < reads.start[r]
    left = start - (reads.low[r] if clipped else reads.start[r])
    clipped = reads.clip_right[r] > LONGEST_CLIP or end > reads.end[r]
    right = (reads.high[r] if clipped else reads.end[r]) - end
    return max(0, min(left, right, PLACES - 1))


@compiled
def _molecule(reads, r, paired, f, place):
    """One number for all copies of a molecule: the read's ends and strand, the mate's end, and the place."""
    reverse = (reads.flag[r] & REVERSE) != 0
    mate = paired.low_of[f] if reverse else paired.high_of[f]
    key = np.int64(2 if reverse else 1) << 18 | (mate & 0x3FFFF)
    key = key << 17 | ((reads.high[r] - reads.low[r]) & 0x1FFFF)
    return (key << 20 | (reads.low[r] & 0xFFFFF)) << 6 | place


@compiled
def _counted(molecules):
    """Molecules by place (PLACES,), copies once."""
    counts = np.zeros(PLACES)
    molecules = np.sort(molecules)
    for i in range(len(molecules)):
        if i == 0 or molecules[i] != molecules[i - 1]:
            counts[molecules[i] & (PLACES - 1)] += 1.0
    return counts


@compiled
def _usual_places(counts, half_length):
    """Probability of each place (PLACES,) from the reference's molecules, each spread over its neighbourhood.

    PSEUDO_FRAGMENTS more, and a share of their number, are spread evenly over half a read.
    """
    more = PSEUDO_FRAGMENTS + EVEN_SHARE * counts.sum()
    usual = np.full(PLACES, min(1.0 / half_length, 1.0 / PLACES))
    usual[PLACES - 1] = 1.0 - usual[0] * (PLACES - 1)
    usual *= more
    for place in range(PLACES - 1):
        low, high = max(0, place - REACH), min(PLACES - 1, place + REACH + 1)
        if counts[place] > 0.0:
            usual[low:high] += counts[place] / (high - low)
    usual[PLACES - 1] += counts[PLACES - 1]
    return usual / (counts.sum() + more)


@compiled
def one_place_log_ratio(alternative, reference, half_length):
    """ln P(alternative's places | one place and its neighbours, any place) - ln P(them | places as the reference's).

    alternative, reference (PLACES,): molecules by place; half_length: half of a read, bp.
    """
    usual = _usual_places(reference, half_length)
    by_chance = stray = 0.0
    for place in range(PLACES):
        if alternative[place] > 0.0:
            by_chance += alternative[place] * log(usual[place])
            stray += alternative[place] * log(STRAY * usual[place])
    together = np.full(PLACES - 1, stray)
    for centre in range(PLACES - 1):
        low, high = max(0, centre - REACH), min(PLACES - 1, centre + REACH + 1)
        for place in range(low, high):
            if alternative[place] > 0.0:
                here = (1.0 - STRAY) / (high - low)
                together[centre] += alternative[place] * log1p(here / (STRAY * usual[place]))
    best = together.max()
    total = 0.0
    for value in together:
        total += exp(value - best)
    return best + log(total / (PLACES - 1)) - by_chance


@compiled
def inverted_arms(start, end, alt_offset, alt, codes, codes_start):
    """int64 (n,): arms, bp, of the inverted repeat around the middle that the allele, read in reverse, would come of.

    Candidates replace [start, end) by as many bases, alt[alt_offset[i]:alt_offset[i + 1]]; `codes` (A 0, C 1, G 2, T 3) begin
    at `codes_start`. Across from p lies axis - p; the arms begin beyond the allele and what lies across from it.
    """
    out = np.zeros(len(start), np.int64)
    for i in range(len(start)):
        first, last = start[i] - codes_start, end[i] - codes_start - 1
        for axis in range(first + last - 2 * HAIRPIN_REACH, first + last + 2 * HAIRPIN_REACH + 1):
            low, high = min(first, axis - last), max(last, axis - first)
            if low < 0 or high >= len(codes):
                continue
            reverse = True
            for p in range(first, last + 1):
                if alt[alt_offset[i] + p - first] + codes[axis - p] != 3:
                    reverse = False
                    break
            if not reverse:
                continue
            arm = 0
            while (
                arm < LONGEST_ARM
                and low - 1 - arm >= 0
                and high + 1 + arm < len(codes)
                and codes[low - 1 - arm] + codes[high + 1 + arm] == 3
            ):
                arm += 1
            out[i] = max(out[i], arm)
    return out


@compiled
def same_place_log_ratios(start, end, candidate, fragment, read, allele, log_ratio, reads, paired):
    """`one_place_log_ratio` (n,) of candidates [start, end) (n,); observations are sorted by `candidate`."""
    out = np.zeros(len(start))
    for i in range(len(start)):
        first, last = np.searchsorted(candidate, i), np.searchsorted(candidate, i + 1)
        with_it, without = np.empty(last - first, np.int64), np.empty(last - first, np.int64)
        alternatives = references = aligned = 0
        for row in range(first, last):
            r = read[row]
            ratio = log_ratio[row]
            if r < 0 or allele[row] == NEITHER or abs(ratio) < SUPPORT or reads.flag[r] & UNMAPPED or reads.mapq[r] == 0:
                continue
            molecule = _molecule(reads, r, paired, fragment[row], place_in_read(reads, r, start[i], end[i]))
            aligned += reads.high[r] - reads.low[r]
            if ratio > 0.0:
                with_it[alternatives] = molecule
                alternatives += 1
            else:
                without[references] = molecule
                references += 1
        if alternatives > 0:
            half_length = max(1.0, 0.5 * aligned / (alternatives + references))
            out[i] = one_place_log_ratio(_counted(with_it[:alternatives]), _counted(without[:references]), half_length)
    return out
