"""Where a read lies in a haplotype, and with how many edits: bit-vector edit distance.

Myers (1999), in blocks of 64 read bases as described by Hyyrö (2003). The read is the pattern, the haplotype the text;
the read is aligned as a whole, the haplotype's ends are free.
"""

import numpy as np

from varproof.machinery.accelerate import compiled

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@compiled
def locate(read, haplotype):
    """(edits, end): fewest edits of `read` against a substring of `haplotype`, and the first end (exclusive) that has them.

    `read` (m,) and `haplotype` (n,) are uint8 codes 0..3; other codes match nothing. With n = 0 the result is (m, 0).
    """
    m, n = len(read), len(haplotype)
    blocks = (m + 63) // 64
    equal = np.zeros((blocks, 5), np.uint64)
    for i in range(m):
        if read[i] < 4:
            equal[i >> 6, read[i]] |= _ONE << np.uint64(i & 63)
    plus = np.full(blocks, ~_ZERO, np.uint64)
    minus = np.zeros(blocks, np.uint64)
    last = _ONE << np.uint64((m - 1) & 63)
    top = _ONE << np.uint64(63)
    score, best, best_end = m, m, 0
    for j in range(n):
        code = haplotype[j] if haplotype[j] < 4 else 4
        carry = 0
        for b in range(blocks):
            eq = equal[b, code]
            pv, mv = plus[b], minus[b]
            xv = eq | mv
            if carry < 0:
                eq |= _ONE
            xh = (((eq & pv) + pv) ^ pv) | eq
            ph = mv | ~(xh | pv)
            mh = pv & xh
            high = last if b == blocks - 1 else top
            out = 0
            if ph & high:
                out = 1
            elif mh & high:
                out = -1
            ph <<= _ONE
            mh <<= _ONE
            if carry < 0:
                mh |= _ONE
            elif carry > 0:
                ph |= _ONE
            plus[b] = mh | ~(xv | ph)
            minus[b] = ph & xv
            carry = out
        score += carry
        if score < best:
            best, best_end = score, j + 1
    return best, best_end
