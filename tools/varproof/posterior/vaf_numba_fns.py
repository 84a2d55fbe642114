"""Kernels that read numbers off a density that is linear between its points (`posterior.vaf`)."""

import numpy as np

from varproof.formats.density_numba_fns import curve
from varproof.machinery.accelerate import compiled

_STEPS = 25
"""Sections by which the narrowest interval is narrowed down between two points."""
_GOLDEN = 0.6180339887498949
_STRIDE = 4


@compiled
def cumulated(vaf: np.ndarray, density: np.ndarray) -> tuple[np.ndarray, float]:
    """(share of the integral up to each point (n,), the integral); `vaf` ascending, (n,), n >= 2, `density` (n,)."""
    cumulative = np.zeros(len(vaf))
    for i in range(len(vaf) - 1):
        cumulative[i + 1] = cumulative[i] + (density[i + 1] + density[i]) / 2 * (vaf[i + 1] - vaf[i])
    return cumulative / cumulative[-1], cumulative[-1]


@compiled
def _quantile(vaf, density, cumulative, area, wanted):
    gap = min(max(np.searchsorted(cumulative, wanted, side="right") - 1, 0), len(vaf) - 2)
    missing, width = (wanted - cumulative[gap]) * area, vaf[gap + 1] - vaf[gap]
    start, slope = density[gap], (density[gap + 1] - density[gap]) / width
    # The root of start*t + slope*t^2/2 = missing, in the form that survives slope = 0.
    root = start + np.sqrt(max(start**2 + 2 * slope * missing, 0.0))
    step = 2 * missing / root if root > 0 else 0.0
    return vaf[gap] + min(max(step, 0.0), width)


@compiled
def quantiles(vaf: np.ndarray, density: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Quantiles (m,) at `probabilities` (m,); `vaf` ascending, (n,), n >= 2, `density` (n,) with an integral over 0."""
    cumulative, area = cumulated(vaf, density)
    out = np.empty(len(probabilities))
    for k, wanted in enumerate(probabilities):
        out[k] = _quantile(vaf, density, cumulative, area, wanted)
    return out


@compiled
def narrowest(vaf: np.ndarray, density: np.ndarray, level: float) -> tuple[float, float]:
    """(low, high) of the narrowest interval with a share `level` of the density; of one peak it is that of highest density.

    `vaf` ascending, (n,), n >= 2, so dense that no peak lies between three of them; `density` (n,), integral over 0.
    """
    cumulative, area = cumulated(vaf, density)
    most = 1.0 - level
    best, width = 0.0, np.inf
    # Where one end lies on one of every few points; between them, golden sections.
    for i in range(0, len(vaf), _STRIDE):
        below = cumulative[i]
        if below > most:
            below -= level
        if 0.0 <= below <= most:
            found = _quantile(vaf, density, cumulative, area, below + level) - _quantile(vaf, density, cumulative, area, below)
            if found < width:
                best, width = below, found
    for below in (0.0, most):
        found = _quantile(vaf, density, cumulative, area, below + level) - _quantile(vaf, density, cumulative, area, below)
        if found < width:
            best, width = below, found
    stride = min(_STRIDE, len(vaf) - 1)
    reach = max(np.max(cumulative[stride:] - cumulative[:-stride]), 1e-6)
    left, right = max(best - reach, 0.0), min(best + reach, most)
    for _ in range(_STEPS):
        first, second = right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)
        a = _quantile(vaf, density, cumulative, area, first + level) - _quantile(vaf, density, cumulative, area, first)
        b = _quantile(vaf, density, cumulative, area, second + level) - _quantile(vaf, density, cumulative, area, second)
        if a <= b:
            right = second
        else:
            left = first
        if min(a, b) < width:
            width, best = min(a, b), first if a <= b else second
    return _quantile(vaf, density, cumulative, area, best), _quantile(vaf, density, cumulative, area, best + level)


@compiled
def _mean(vaf, density):
    total = area = 0.0
    for i in range(len(vaf) - 1):
        step = (vaf[i + 1] - vaf[i]) / 2
        total += (vaf[i] * density[i] + vaf[i + 1] * density[i + 1]) * step
        area += (density[i] + density[i + 1]) * step
    return total / area


@compiled
def summary(points: np.ndarray, phreds: np.ndarray, level: float) -> tuple[float, float, float, float]:
    """(mode, mean, low, high) of the density through the points (n,), n >= 2, of a string; `narrowest` of `level`."""
    vaf, density = curve(points, phreds)
    low, high = narrowest(vaf, density, level)
    return vaf[np.argmax(density)], _mean(vaf, density), low, high
