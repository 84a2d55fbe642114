"""Kernels of tables over fractions of copies, whose grid is even in the arcsine of the root (`components.GRID`)."""

import math

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import arcsine, sine

_HALF_PI = 0.5 * math.pi


@compiled
def interpolated(table: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    """(n, k): values of `table` (n, grid points) at any fractions (k,), linear in the grid's own coordinate."""
    n, last, size = table.shape[0], table.shape[1] - 1, len(fraction)
    left, part = np.empty(size, np.int64), np.empty(size)
    for j in range(size):
        place = arcsine(math.sqrt(min(max(fraction[j], 0.0), 1.0))) / _HALF_PI * last
        left[j] = min(int(place), last - 1)
        part[j] = place - left[j]
    out = np.empty((n, size))
    for i in range(n):
        row, to = table[i], out[i]
        for j in range(size):
            to[j] = row[left[j]] * (1.0 - part[j]) + row[left[j] + 1] * part[j]
    return out


@compiled
def fractions_of_places(place: np.ndarray, last: int) -> np.ndarray:
    """Fractions (n,) at places 0..`last` of the grid, between its points too."""
    out = np.empty(len(place))
    for i in range(len(place)):
        root = sine(_HALF_PI * min(max(place[i], 0.0), 1.0 * last) / last)
        out[i] = root * root
    return out
