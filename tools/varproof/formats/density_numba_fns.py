"""Kernels that choose the points of an encoded density, and draw its curve through them (`formats.density`)."""

import numpy as np

from varproof.machinery import numerics
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, exp_of

MAX_POINTS = 33
FLOOR = 1e-5
_MAX_LOG_ERROR = 0.002
_MAX_DENSITY_ERROR = 0.01
_LOWEST = -200.0
_PHRED_PER_LOG = numerics.PHRED_PER_LOG
_CUT = -numerics.log(FLOOR)
PARTS = 16
"""Straight lines that follow the curve between two points."""


@compiled
def density_points(vaf: np.ndarray, log_density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(frequency, PHRED under the maximum) of the points that stand for a density; empty if it is nowhere positive.

    `vaf`: ascending, distinct, (n,); `log_density`: natural logarithm up to a constant, (n,), linear between the points.
    """
    top = np.max(log_density)
    if not np.isfinite(top):
        return np.empty(0), np.empty(0)
    x, y = _support(vaf, np.maximum(log_density - top, _LOWEST))
    if len(x) > MAX_POINTS:
        x, y = _thinned(x, y)
    shown = _rounded(x)
    values = np.interp(shown, x, y)
    keep = np.ones(len(x), np.bool_)
    keep[1:] = shown[1:] > shown[:-1]
    return shown[keep], (np.max(values) - values[keep]) * _PHRED_PER_LOG


@compiled
def _support(x, y):
    """The part over the floor, with the points where the curve crosses it."""
    first, last = 0, len(x) - 1
    while y[first] <= -_CUT:
        first += 1
    while y[last] <= -_CUT:
        last -= 1
    head, tail = min(first, 1), min(len(x) - 1 - last, 1)
    size = last + 1 - first
    out_x, out_y = np.empty(head + size + tail), np.empty(head + size + tail)
    out_x[head : head + size] = x[first : last + 1]
    out_y[head : head + size] = np.maximum(y[first : last + 1], -2 * _CUT)
    if head:
        share = (-_CUT - y[first - 1]) / (y[first] - y[first - 1])
        out_x[0], out_y[0] = x[first - 1] + share * (x[first] - x[first - 1]), -_CUT
    if tail:
        share = (-_CUT - y[last + 1]) / (y[last] - y[last + 1])
        out_x[-1], out_y[-1] = x[last + 1] + share * (x[last] - x[last + 1]), -_CUT
    return out_x, out_y


@compiled
def _thinned(x, y):
    """At most MAX_POINTS of the points, so spread that the error of linear interpolation is the same in every gap.

    A gap h of a curve with second derivative c errs by c h^2 / 8; weighted by the density (to a power under one, for
    the sake of the tails that credible intervals end in), gaps are best where the integral of the square root is equal.
    """
    size = len(x)
    slope = (y[1:] - y[:-1]) / (x[1:] - x[:-1])
    middle = (x[1:] + x[:-1]) / 2
    bend = np.zeros(size)
    bend[1:-1] = np.abs(slope[1:] - slope[:-1]) / np.maximum(middle[1:] - middle[:-1], 1e-300)
    bend[0], bend[-1] = bend[1], bend[-2]
    weight = np.sqrt(bend * exp_of(0.7 * y))
    share = np.zeros(size)
    share[1:] = np.cumsum((weight[1:] + weight[:-1]) / 2 * (x[1:] - x[:-1]))
    gaps = min(max(int(np.ceil(share[-1] / np.sqrt(8 * _MAX_LOG_ERROR))), 8), MAX_POINTS - 4)
    # A little of the weight goes to the width, so that straight tails get points too.
    share = share / max(share[-1], 1e-300) + 0.1 * (x - x[0]) / (x[-1] - x[0])
    chosen = np.zeros(size, np.bool_)
    chosen[np.minimum(np.searchsorted(share, np.linspace(0.0, share[-1], gaps + 1)), size - 1)] = True
    chosen[0] = chosen[-1] = chosen[np.argmax(y)] = True
    density = exp_of(y)
    # Corners (a density cut off at 0 or 1) bend at one point, which the spread over gaps can miss.
    while np.sum(chosen) < MAX_POINTS:
        errors = np.abs(density - exp_of(np.interp(x, x[chosen], y[chosen])))
        worst = np.argmax(errors)
        if errors[worst] < _MAX_DENSITY_ERROR:
            break
        chosen[worst] = True
    return x[chosen], y[chosen]


@compiled
def _rounded(x):
    """To four decimals, more where the points lie closer than that allows."""
    closest = np.min(x[1:] - x[:-1]) if len(x) > 1 else 1.0
    scale = 1e4
    while scale * max(closest, 1e-9) < 100.0:
        scale *= 10.0
    return np.rint(x * scale) / scale


@compiled
def curve(points: np.ndarray, phreds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(vaf, density), each ((n - 1) * PARTS + 1,), through points (n,), ascending, n >= 2; the trapezoid rule gives 1."""
    size = (len(points) - 1) * PARTS + 1
    vaf, density = np.empty(size), np.empty(size)
    for i in range(len(points) - 1):
        step, fall = points[i + 1] - points[i], phreds[i + 1] - phreds[i]
        for part in range(PARTS):
            share = part / PARTS
            vaf[i * PARTS + part] = points[i] + share * step
            density[i * PARTS + part] = exp(-(phreds[i] + share * fall) / _PHRED_PER_LOG)
    vaf[-1], density[-1] = points[-1], exp(-phreds[-1] / _PHRED_PER_LOG)
    area = 0.0
    for i in range(size - 1):
        area += (vaf[i + 1] - vaf[i]) * (density[i + 1] + density[i]) / 2
    return vaf, density / area
