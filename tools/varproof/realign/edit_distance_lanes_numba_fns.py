"""`locate` for many reads and one haplotype: `LANES` reads at once, one in each lane of a vector; the same whole numbers.

A few that are left over go one by one, which then is faster.
"""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.realign.edit_distance_numba_fns import locate

LANES = 16
FEW = 7

_ZERO, _ONE, _ALL = np.uint64(0), np.uint64(1), ~np.uint64(0)
_BLOCK, _COUNT = 4 * LANES, 5 * LANES


@compiled
def locate_all(segments, haplotype):
    """(edits, ends), int64 (n,) each: `edit_distance_numba_fns.locate` of every segment (`Segments`)."""
    size = len(segments.offset) - 1
    edits, ends = np.zeros(size, np.int64), np.zeros(size, np.int64)
    longest = 0
    for i in range(size):
        longest = max(longest, segments.offset[i + 1] - segments.offset[i])
    most = (longest + 63) // 64
    equal = np.empty(5 * most * LANES, np.uint64)
    blocks = np.empty(most * _BLOCK, np.uint64)
    count = np.empty(_COUNT, np.uint64)
    for first in range(0, size, LANES):
        last = min(first + LANES, size)
        if last - first <= FEW:
            for i in range(first, last):
                edits[i], ends[i] = locate(segments.bases[segments.offset[i] : segments.offset[i + 1]], haplotype)
            continue
        longest = 1
        for i in range(first, last):
            longest = max(longest, segments.offset[i + 1] - segments.offset[i])
        used = (longest + 63) // 64
        _lay(segments, first, last, used, equal, blocks, count)
        for j in range(len(haplotype)):
            code = min(haplotype[j], np.uint8(4))
            _next_column(used, equal[code * used * LANES : (code + 1) * used * LANES], blocks, count, np.uint64(j + 1))
        for i in range(first, last):
            edits[i], ends[i] = np.int64(count[3 * LANES + i - first]), np.int64(count[4 * LANES + i - first])
    return edits, ends


@compiled
def _lay(segments, first, last, used, equal, blocks, count):
    """The segments first..last - 1 into lanes.

    equal: where a segment has this code, as bits, by code and block. blocks: of each block the differences that are plus one
    and minus one; the place of its last bit; all bits if it is the segment's last, else none. count: what is carried into the
    next block, plus and minus one; the score here, the best one, and the first end that has it.
    """
    equal[:] = _ZERO
    count[:] = _ZERO
    for lane in range(LANES):
        length = 1
        if first + lane < last:
            begin = segments.offset[first + lane]
            length = segments.offset[first + lane + 1] - begin
            for i in range(length):
                code = segments.bases[begin + i]
                if code < 4:
                    equal[(code * used + (i >> 6)) * LANES + lane] |= _ONE << np.uint64(i & 63)
        ending = max(length - 1, 0) >> 6
        for b in range(used):
            blocks[b * _BLOCK + lane] = _ALL
            blocks[b * _BLOCK + LANES + lane] = _ZERO
            blocks[b * _BLOCK + 2 * LANES + lane] = np.uint64((length - 1) & 63 if b == ending else 63)
            blocks[b * _BLOCK + 3 * LANES + lane] = _ALL if b == ending else _ZERO
        count[2 * LANES + lane] = count[3 * LANES + lane] = np.uint64(length)


@compiled
def _next_column(used, equal, blocks, count, end):
    """One more base of the haplotype, in place; `equal`: of its code."""
    for lane in range(2 * LANES):
        count[lane] = _ZERO
    for b in range(used):
        block, same = blocks[b * _BLOCK : (b + 1) * _BLOCK], equal[b * LANES : (b + 1) * LANES]
        for lane in range(LANES):
            carried_plus, carried_minus = count[lane], count[LANES + lane]
            plus, minus = block[lane], block[LANES + lane]
            vertical = same[lane] | minus
            eq = same[lane] | carried_minus
            horizontal = (((eq & plus) + plus) ^ plus) | eq
            up, down = minus | ~(horizontal | plus), plus & horizontal
            shift = block[2 * LANES + lane]
            next_plus, next_minus = (up >> shift) & _ONE, (down >> shift) & _ONE
            count[lane], count[LANES + lane] = next_plus, next_minus
            count[2 * LANES + lane] += (next_plus - next_minus) & block[3 * LANES + lane]
            up, down = (up << _ONE) | carried_plus, (down << _ONE) | carried_minus
            block[lane], block[LANES + lane] = down | ~(vertical | up), up & vertical
    for lane in range(LANES):
        score, best, best_end = count[2 * LANES + lane], count[3 * LANES + lane], count[4 * LANES + lane]
        count[3 * LANES + lane] = score if score < best else best
        count[4 * LANES + lane] = end if score < best else best_end
