"""The repeat that begins at a base, as one of the contexts in which a panel of normals counts indels apart."""

import numpy as np

from varproof.reads.repeats import find_tandem_tracts
from varproof.variants.reference import ReferenceSlice

INSIDE = -1
"""Of a base within a repeat that begins before it: a left-aligned indel of its unit does not lie there."""

_FIRST, _FEWEST, _MOST = (1, 18, 26), (4, 3, 3), (20, 10, 8)
"""Of units of 1, 2, and 3 or more bp: the first context, and the fewest and most units that have one of their own."""


def repeat_contexts(reference: ReferenceSlice, start: int, end: int) -> np.ndarray:
    """int64 (end - start,) of each base: 0 no repeat begins there, else its context (see `formats.panel`), or INSIDE.

    `reference` must reach beyond both ends as far as repeats are long.
    """
    tracts = find_tandem_tracts(reference.codes, reference.start)
    out = np.zeros(end - start, np.int64)
    near = np.flatnonzero((tracts.end > start) & (tracts.start < end))
    for i in near.tolist():
        out[max(0, int(tracts.start[i]) - start) : int(tracts.end[i]) - start] = INSIDE
    for i in near.tolist():
        at, unit = int(tracts.start[i]) - start, min(int(tracts.unit_length[i]), 3) - 1
        if at >= 0:
            out[at] = _FIRST[unit] + min(int(tracts.units[i]), _MOST[unit]) - _FEWEST[unit]
    return out
