"""Kernel that counts whole units lost or gained by the reads that span a tandem repeat."""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.reads.arrays import CONFIDENT_MAPQ
from varproof.reads.sam import DELETION, DIFFERENT, EQUAL, INSERTION, MATCH, SKIP, SOFT_CLIP, UNMAPPED

FLANK = 5


@compiled
def slipped_units(
    start, end, flag, mapq, base_offset, bases, cigar_offset, cigar_op, cigar_length, reference, reference_start,
    tract_start, tract_end, unit_length,
):  # fmt: skip
    """int64 (tracts, 7): reads that span each tract, and those that lost 1, 2, 3 or more, gained 1, 2, 3 or more units.

    A read spans a tract if its FLANK bases on either side of it are aligned without a gap and equal the reference, what lies
    between them repeats the unit and nothing else, and its MAPQ is at least CONFIDENT_MAPQ. (Reads with an error in the tract
    are left out whether or not they slipped.) Its change is the sum of the gaps between the flanks; one that is not of whole
    units counts as spanning only. Tracts are sorted by start; `reference` begins at `reference_start`.
    """
    counts = np.zeros((len(tract_start), 7), np.int64)
    query_of = np.empty(0, np.int64)
    for r in range(len(start)):
        if flag[r] & UNMAPPED or mapq[r] < CONFIDENT_MAPQ:
            continue
        t = np.searchsorted(tract_start, start[r] + FLANK)
        if t >= len(tract_start) or tract_start[t] >= end[r]:
            continue
        span = end[r] - start[r]
        if len(query_of) < span:
            query_of = np.empty(2 * span, np.int64)
        query, position = base_offset[r], 0
        for c in range(cigar_offset[r], cigar_offset[r + 1]):
            op, length = cigar_op[c], cigar_length[c]
            if op in (MATCH, EQUAL, DIFFERENT):
                for i in range(length):
                    query_of[position + i] = query + i
                query += length
                position += length
            elif op in (INSERTION, SOFT_CLIP):
                query += length
            elif op in (DELETION, SKIP):
                query_of[position : position + length] = -1
                position += length
        while t < len(tract_start) and tract_start[t] < end[r]:
            first, last = tract_start[t], tract_end[t]
            if last + FLANK <= end[r]:
                spanning = True
                for side in range(2):
                    flank = first - FLANK if side == 0 else last
                    anchor = query_of[flank - start[r]]
                    for i in range(FLANK):
                        p = flank + i
                        inside = 0 <= p - reference_start < len(reference)
                        if anchor < 0 or query_of[p - start[r]] != anchor + i or not inside:
                            spanning = False
                            break
                        if bases[anchor + i] != reference[p - reference_start]:
                            spanning = False
                            break
                    if not spanning:
                        break
                if not spanning:
                    t += 1
                    continue
                left, right = query_of[first - 1 - start[r]], query_of[last - start[r]]
                for i in range(right - left - 1):
                    if bases[left + 1 + i] != reference[first - reference_start + i % unit_length[t]]:
                        spanning = False
                        break
                if spanning:
                    counts[t, 0] += 1
                    change = (right - left - 1) - (last - first)
                    if change != 0 and change % unit_length[t] == 0:
                        units = min(abs(change) // unit_length[t], 3)
                        counts[t, units if change < 0 else units + 3] += 1
            t += 1
    return counts
