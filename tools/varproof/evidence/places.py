"""Whether the reads with an allele all have it at one place, counted from their nearer end.

Where a fragment's end folds back on itself, at an inverted repeat, what lies between the repeat's arms is copied in reverse:
every read with the allele begins there, or ends there. The reads of a variant have it anywhere, as those of the reference do.
"""

import numpy as np

from varproof.evidence.arrays import FragmentArrays, Observations, ReadArrays
from varproof.evidence.decisions import DECISIONS
from varproof.evidence.merging import RATIO_STEP
from varproof.variants.placement import Placement
from varproof.variants.reference import ReferenceSlice


def same_places(
    placements: list[Placement], found: Observations, reads: ReadArrays, paired: FragmentArrays, reference: ReferenceSlice
) -> np.ndarray:
    """float32 (n,), `same_place` as in `Evidence`, of the candidates at `placements`, whose observations are `found`.

    Alleles that change the length are left aside: they also shift where their reads end.
    """
    from varproof.evidence.places_numba_fns import inverted_arms, same_place_log_ratios

    start = np.array([item.start for item in placements], np.int64)
    end = np.array([item.end for item in placements], np.int64)
    columns = (found.candidate, found.fragment, found.read, found.allele, found.log_ratio)
    ratios = same_place_log_ratios(start, end, *columns, reads, paired)
    shifts = np.array([item.length_change != 0 for item in placements], bool)
    kept = np.flatnonzero(~shifts & (ratios != 0.0))
    alleles = [placements[i].alt for i in kept]
    offset = np.cumsum([0] + [len(allele) for allele in alleles]).astype(np.int64)
    alt = np.concatenate([np.zeros(0, np.uint8), *alleles]).astype(np.int64)
    arms = inverted_arms(start[kept], end[kept], offset, alt, reference.codes.astype(np.int64), reference.start)
    ratios[kept] += np.array(DECISIONS.hairpin_log_factors)[arms]
    rounded = RATIO_STEP * np.round(ratios / RATIO_STEP)
    return np.where(shifts, -DECISIONS.place_not_compared, rounded).astype(np.float32)
