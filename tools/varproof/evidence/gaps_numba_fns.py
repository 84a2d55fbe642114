"""How easily a read has a gap at each base of a haplotype: rarely, but in tandem repeats as often as polymerases slip there."""

import numpy as np

from varproof.evidence.decisions import DECISIONS
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import powered
from varproof.reads.repeats_numba_fns import tandem_tracts

MOST_OPEN = DECISIONS.most_open_gap


@compiled
def gap_openings(haplotypes, offset, plain, tables):
    """(open_insertion, open_deletion), both (len(haplotypes),) float64: probability of a gap after each base.

    Haplotype j is haplotypes[offset[j]:offset[j + 1]]. In a tandem repeat the slippage rate of one unit is shared by its
    bases, since the gap may lie anywhere in it. Where `plain[j]`, the haplotypes differ by such units and slippage is
    accounted for by the likelihood instead.
    """
    open_insertion = np.full(len(haplotypes), tables.gap[0])
    open_deletion = np.full(len(haplotypes), tables.gap[1])
    most_units = tables.slippage.shape[1] - 1
    for j in range(len(offset) - 1):
        if plain[j]:
            continue
        starts, ends, units = tandem_tracts(haplotypes[offset[j] : offset[j + 1]])
        for t in range(len(starts)):
            unit, length = units[t], ends[t] - starts[t]
            lost, gained = tables.slippage[unit - 1, min(length // unit, most_units)]
            for i in range(offset[j] + starts[t], offset[j] + ends[t]):
                inserted = gained / length / powered(tables.gap[2], unit - 1) / powered(0.25, unit)
                deleted = lost / length / powered(tables.gap[3], unit - 1)
                open_insertion[i] = max(open_insertion[i], min(MOST_OPEN, inserted))
                open_deletion[i] = max(open_deletion[i], min(MOST_OPEN, deleted))
    return open_insertion, open_deletion
