"""Short tandem repeats of a stretch of reference."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TandemTracts:
    """Maximal perfect tandem repeats, sorted by start: int64 arrays `start`, `end` (half-open), `unit_length`, `units`."""

    start: np.ndarray
    end: np.ndarray
    unit_length: np.ndarray

    @property
    def units(self) -> np.ndarray:
        """Whole units in each tract."""
        return (self.end - self.start) // self.unit_length


def find_tandem_tracts(codes: np.ndarray, start: int = 0) -> TandemTracts:
    """Tracts in `codes` (uint8, the first at position `start`): homopolymers from 4 bp, units of 2-6 bp from 3 units.

    >>> find_tandem_tracts(np.array([0, 1, 1, 1, 1, 1, 2], dtype=np.uint8), 100)
    TandemTracts(start=array([101]), end=array([106]), unit_length=array([1]))
    """
    from varproof.reads.repeats_numba_fns import tandem_tracts

    low, high, unit_length = tandem_tracts(codes)
    return TandemTracts(low + start, high + start, unit_length)
