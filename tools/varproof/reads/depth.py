"""Subsampling of deep places: which fragments stay, whatever region is asked for.

A fragment belongs to the bin of 1 kb in which its leftmost read starts (its own start where the mate is over 10 kb away or
elsewhere). The bin's depth is counted over all mapped reads that start in it (without duplicates and the like), and the
fragment is kept if the hash of its name, as a fraction of 2**64, is under `max_depth / depth`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from varproof.reads.arrays import HASH_RANGE

DEPTH_BIN = 1000
MATE_REACH = 10_000
_ROUNDING = 1e-9


@dataclass(frozen=True)
class StartedBases:
    """Read bases by the bin of `DEPTH_BIN` in which their read starts: int64 (bins,), from bin number `first_bin` on."""

    first_bin: int
    bases: np.ndarray

    @classmethod
    def between(cls, low: int, high: int) -> "StartedBases":
        """Zeros for the bins that begin in low..high-1 (0-based positions)."""
        first_bin = -(-low // DEPTH_BIN)
        return cls(first_bin, np.zeros(max(0, -(-high // DEPTH_BIN) - first_bin), np.int64))

    def add(self, start: np.ndarray, length: np.ndarray) -> None:
        """Count reads of so many bases that start there."""
        place = start // DEPTH_BIN - self.first_bin
        inside = (place >= 0) & (place < len(self.bases))
        np.add.at(self.bases, place[inside], length[inside])

    def at(self, bins: np.ndarray) -> np.ndarray:
        """The bases of `bins`; 0 for those outside."""
        place = bins - self.first_bin
        inside = (place >= 0) & (place < len(self.bases))
        out = np.zeros(len(bins), np.int64)
        out[inside] = self.bases[place[inside]]
        return out


def counted_span(start: int, end: int) -> tuple[int, int]:
    """(low, stop), bin boundaries around start-end; one bin more in front, because most mates to the left start there."""
    return max(0, start // DEPTH_BIN - 1) * DEPTH_BIN, -(-end // DEPTH_BIN) * DEPTH_BIN


def fragment_bins(start: np.ndarray, mate_start: np.ndarray) -> np.ndarray:
    """int64: the bin of each read's fragment, the same seen from either mate; `mate_start` is -1 where there is none."""
    near = (mate_start >= 0) & (np.abs(mate_start - start) <= MATE_REACH)
    return np.where(near, np.minimum(start, mate_start), start) // DEPTH_BIN


class DepthFilter:
    """Which fragments of a region to keep under `max_depth`; all, where that is None.

    `started` fills while the region is read; its bins, which lie in low..end, are complete at the end of it. A bin's depth
    only grows, so a fragment over the running threshold is over the final one too and can be dropped at once (`passing`):
    memory stays bounded in a pile of a million reads. `final_keep` applies the final threshold.
    """

    def __init__(self, low: int, end: int, max_depth: int | None) -> None:
        self.started = StartedBases.between(low, low if max_depth is None else end)
        self._limit = None if max_depth is None else max_depth * DEPTH_BIN
        self.left_out = False
        """Whether any fragment has been left out."""

    def passing(self, start: np.ndarray, mate_start: np.ndarray, name_hash: np.ndarray) -> np.ndarray:
        """bool per read; False if its fragment is certainly left out."""
        if self._limit is None or not (self.started.bases > self._limit).any():
            return np.ones(len(start), bool)
        seen = self.started.at(fragment_bins(start, mate_start))
        passing = name_hash / HASH_RANGE * seen <= self._limit * (1 + _ROUNDING)
        self.left_out |= not passing.all()
        return np.asarray(passing)

    def final_keep(
        self, start: np.ndarray, mate_start: np.ndarray, name_hash: np.ndarray, count: Callable[[int, int], StartedBases]
    ) -> np.ndarray:
        """bool per read; `count` is asked for the bins of low..high that the region does not cover."""
        if self._limit is None or not len(start):
            return np.ones(len(start), bool)
        bins = fragment_bins(start, mate_start)
        first = int(bins.min())
        present = first + np.flatnonzero(np.bincount(bins - first))
        bases = self.started.at(present)
        last_bin = self.started.first_bin + len(self.started.bases)
        unknown = np.flatnonzero((present < self.started.first_bin) | (present >= last_bin))
        breaks = np.flatnonzero(np.diff(present[unknown]) > MATE_REACH // DEPTH_BIN) + 1
        for group in np.split(unknown, breaks) if len(unknown) else []:
            counted = count(int(present[group[0]]) * DEPTH_BIN, int(present[group[-1]] + 1) * DEPTH_BIN)
            bases[group] = counted.at(present[group])
        threshold = np.zeros(int(present[-1]) - first + 1)
        threshold[present - first] = self._limit / np.maximum(bases, 1)
        kept = name_hash / HASH_RANGE < threshold[bins - first]
        self.left_out |= not kept.all()
        return np.asarray(kept)
