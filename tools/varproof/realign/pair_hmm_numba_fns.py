"""The likelihood of a read given a haplotype: forward algorithm of a pair HMM, banded (Varlociraptor eqs. 17 and 18).

States: M (bases aligned), X (read base inserted), Y (haplotype base skipped). Probability space, rescaled row by row;
the band follows the diagonal on which the edit distance found the read.
"""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import log

INSERTED_BASE = 0.25
RESCALE_EVERY = 8


@compiled
def forward(read, error, haplotype, offset, band, open_insertion, open_deletion, extend_insertion, extend_deletion):
    """Log of the summed probability of all alignments of `read` whose diagonals lie within `band` of `offset`.

    read (m,) and haplotype (n,): uint8 codes, 0..3 are bases; error (m,): probability that a base is wrong (a mismatch
    has a third of it). offset: haplotype position of the first read base on the central diagonal. open_insertion,
    open_deletion (n,): probability that a gap opens after this haplotype base. Every start within the band has weight 1, so
    that haplotypes are compared per start position; an insertion lies between two haplotype bases. Returns -inf where
    nothing fits in the band.
    """
    m, n = len(read), len(haplotype)
    width = 2 * band + 1
    match_state = np.ones(width + 1)
    insert_state = np.zeros(width + 1)
    delete_state = np.zeros(width + 1)
    match_state[width] = 0.0
    close_insertion, close_deletion = 1.0 - extend_insertion, 1.0 - extend_deletion
    log_scale = 0.0
    for i in range(m):
        first = offset + i - band
        code = read[i]
        hit, miss = 1.0 - error[i], error[i] / 3.0
        if code > 3:
            hit = miss = 0.25
        low, high = min(width, max(0, -first)), max(0, min(width, n - first))
        for k in range(low):
            match_state[k] = 0.0
            insert_state[k] = 0.0
            delete_state[k] = 0.0
        for k in range(max(low, high), width):
            match_state[k] = 0.0
            delete_state[k] = 0.0
            insert_state[k] = 0.0
        for k in range(low, high):
            emission = hit if haplotype[first + k] == code else miss
            here, before = first + k, max(first + k - 1, 0)
            inserted = INSERTED_BASE * (open_insertion[here] * match_state[k + 1] + extend_insertion * insert_state[k + 1])
            match_state[k] = emission * (
                (1.0 - open_insertion[before] - open_deletion[before]) * match_state[k]
                + close_insertion * insert_state[k]
                + close_deletion * delete_state[k]
            )
            insert_state[k] = inserted
        left_match, left_delete = 0.0, 0.0
        for k in range(low, high):
            left_delete = open_deletion[max(first + k - 1, 0)] * left_match + extend_deletion * left_delete
            delete_state[k] = left_delete
            left_match = match_state[k]
        if i % RESCALE_EVERY == RESCALE_EVERY - 1:
            total = 0.0
            for k in range(low, high):
                total += match_state[k] + insert_state[k] + delete_state[k]
            if total <= 0.0:
                return -np.inf
            log_scale += log(total)
            for k in range(width):
                match_state[k] /= total
                insert_state[k] /= total
                delete_state[k] /= total
    total = 0.0
    for k in range(width):
        total += match_state[k] + insert_state[k]
    return log_scale + log(total) if total > 0.0 else -np.inf
