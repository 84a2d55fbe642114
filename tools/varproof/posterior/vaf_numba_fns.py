"""Kernels that read numbers off a density that is linear between its points (`posterior.vaf`)."""

import numpy as np

from varproof.formats.density_numba_fns import curve
from varproof.machinery.accelerate import compiled


@compiled
def quantiles(vaf: np.ndarray, density: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Quantiles (m,) at `probabilities` (m,); `vaf` ascending, (n,), n >= 2, `density` (n,) with an integral over 0."""
    cumulative = np.zeros(len(vaf))
    for i in range(len(vaf) - 1):
        cumulative[i + 1] = cumulative[i] + (density[i + 1] + density[i]) / 2 * (vaf[i + 1] - vaf[i])
    cumulative /= cumulative[-1]
    out = np.empty(len(probabilities))
    for k, wanted in enumerate(probabilities):
        gap = min(max(np.searchsorted(cumulative, wanted, side="right") - 1, 0), len(vaf) - 2)
        missing, width = wanted - cumulative[gap], vaf[gap + 1] - vaf[gap]
        start, slope = density[gap], (density[gap + 1] - density[gap]) / width
        # The root of start*t + slope*t^2/2 = missing, in the form that survives slope = 0.
        root = start + np.sqrt(max(start**2 + 2 * slope * missing, 0.0))
        step = 2 * missing / root if root > 0 else 0.0
        out[k] = vaf[gap] + min(max(step, 0.0), width)
    return out


@compiled
def summary(points: np.ndarray, phreds: np.ndarray, low: float, high: float) -> tuple[float, float, float, float]:
    """(mode, mean, quantile at `low`, quantile at `high`) of the density through the points (n,), n >= 2, of a string."""
    vaf, density = curve(points, phreds)
    mean = 0.0
    for i in range(len(vaf) - 1):
        mean += (vaf[i] * density[i] + vaf[i + 1] * density[i + 1]) / 2 * (vaf[i + 1] - vaf[i])
    ends = quantiles(vaf, density, np.array([low, high]))
    return vaf[np.argmax(density)], mean, ends[0], ends[1]
