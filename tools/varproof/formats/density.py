"""FORMAT/AFD: the posterior density over a variant's allele frequency as one short string, and back.

The string is `vaf=phred|vaf=phred|...`: ascending allele frequencies, and how far the log density lies under its maximum
(0 is the maximum), in PHRED. Between the points the log density is linear. Points lie densely where the curve bends and
the density is high, and end where it falls under `FLOOR` of its maximum. `.` stands for no density.
"""

from typing import Any

import numpy as np

MISSING = "."
MAX_POINTS = 33
FLOOR = 1e-5
_MAX_LOG_ERROR = 0.002
_MAX_DENSITY_ERROR = 0.01
_LOG_PER_PHRED = np.log(10) / 10
_CUT = -np.log(FLOOR)
_SHARES = np.arange(16) / 16


def encode_density(vaf: Any, log_density: Any) -> str:
    """The string of a density given at points.

    `vaf`: ascending, distinct, shape (n,), n >= 1. `log_density`: natural logarithm up to a constant, shape (n,), -inf
    allowed, linear between the points. Returns `.` if the density is nowhere positive or not a number.
    """
    x = np.asarray(vaf, dtype=float)
    y = np.asarray(log_density, dtype=float)
    if x.shape != y.shape or x.ndim != 1 or x.size == 0:
        raise ValueError(f"expected two vectors of one length, got {x.shape} and {y.shape}")
    top = y.max()
    if not np.isfinite(top):
        return MISSING
    x, y = _support(x, np.maximum(y - top, -200.0))
    if x.size > MAX_POINTS:
        x, y = _thinned(x, y)
    shown = _rounded(x)
    values = np.interp(shown, x, y)
    values = (values - values.max()) / -_LOG_PER_PHRED
    keep = np.concatenate([[True], np.diff(shown) > 0])
    return "|".join(f"{point:.10g}={phred:.2f}" for point, phred in zip(shown[keep], values[keep] + 0.0, strict=True))


def _support(x: Any, y: Any) -> tuple[Any, Any]:
    """The part over the floor, with the points where the curve crosses it."""
    above = np.flatnonzero(y > -_CUT)
    first, last = above[0], above[-1]
    inner_x, inner_y = x[first : last + 1], np.maximum(y[first : last + 1], -2 * _CUT)
    head_x, head_y, tail_x, tail_y = [], [], [], []
    if first > 0:
        share = (-_CUT - y[first - 1]) / (y[first] - y[first - 1])
        head_x, head_y = [x[first - 1] + share * (x[first] - x[first - 1])], [-_CUT]
    if last < x.size - 1:
        share = (-_CUT - y[last + 1]) / (y[last] - y[last + 1])
        tail_x, tail_y = [x[last + 1] + share * (x[last] - x[last + 1])], [-_CUT]
    return np.concatenate([head_x, inner_x, tail_x]), np.concatenate([head_y, inner_y, tail_y])


def _thinned(x: Any, y: Any) -> tuple[Any, Any]:
    """At most MAX_POINTS of the points, so spread that the error of linear interpolation is the same in every gap.

    A gap h of a curve with second derivative c errs by c h^2 / 8; weighted by the density (to a power under one, for
    the sake of the tails that credible intervals end in), gaps are best where the integral of the square root is equal.
    """
    slope = np.diff(y) / np.diff(x)
    middle = (x[1:] + x[:-1]) / 2
    bend = np.zeros(x.size)
    bend[1:-1] = np.abs(np.diff(slope)) / np.maximum(np.diff(middle), 1e-300)
    bend[0], bend[-1] = bend[1], bend[-2]
    weight = np.sqrt(bend * np.exp(0.7 * y))
    share = np.concatenate([[0.0], np.cumsum((weight[1:] + weight[:-1]) / 2 * np.diff(x))])
    gaps = int(np.clip(np.ceil(share[-1] / np.sqrt(8 * _MAX_LOG_ERROR)), 8, MAX_POINTS - 4))
    # A little of the weight goes to the width, so that straight tails get points too.
    share = share / max(share[-1], 1e-300) + 0.1 * (x - x[0]) / (x[-1] - x[0])
    nearest = np.searchsorted(share, np.linspace(0.0, share[-1], gaps + 1)).clip(0, x.size - 1)
    chosen = np.unique(np.concatenate([nearest, [0, int(np.argmax(y)), x.size - 1]]))
    # Corners (a density cut off at 0 or 1) bend at one point, which the spread over gaps can miss.
    while chosen.size < MAX_POINTS:
        errors = np.abs(np.exp(y) - np.exp(np.interp(x, x[chosen], y[chosen])))
        worst = int(np.argmax(errors))
        if errors[worst] < _MAX_DENSITY_ERROR:
            break
        chosen = np.sort(np.append(chosen, worst))
    return x[chosen], y[chosen]


def _rounded(x: Any) -> Any:
    """To four decimals, more where the points lie closer than that allows."""
    closest = float(np.diff(x).min()) if x.size > 1 else 1.0
    return np.round(x, max(4, 2 - int(np.floor(np.log10(max(closest, 1e-9))))))


def decode_density(text: str) -> tuple[Any, Any]:
    """(vaf, density): ascending points and the density there, normalised so that the trapezoid rule gives 1.

    Points are added between those of the string, so that straight lines between them follow the curve. A string of one
    point is a point mass, (vaf, [1.0]); `.` gives two empty vectors. Raises ValueError for any other text.
    """
    if text in (MISSING, ""):
        return np.zeros(0), np.zeros(0)
    pairs = text.split("|")
    try:
        numbers = np.array([float(part) for part in text.replace("=", "|").split("|")])
    except ValueError:
        raise ValueError(f"not a density: '{text}'") from None
    points, phreds = numbers[::2], numbers[1::2]
    steps = points[1:] - points[:-1]
    if text.count("=") != len(pairs) or numbers.size != 2 * len(pairs) or not np.isfinite(numbers).all() or (steps <= 0).any():
        raise ValueError(f"not a density: '{text}'")
    if len(pairs) == 1:
        return points, np.ones(1)
    vaf = np.append((points[:-1, None] + steps[:, None] * _SHARES).ravel(), points[-1])
    phred = np.append((phreds[:-1, None] + (phreds[1:] - phreds[:-1])[:, None] * _SHARES).ravel(), phreds[-1])
    density = np.exp(-_LOG_PER_PHRED * phred)
    area = (vaf[1:] - vaf[:-1]) @ (density[1:] + density[:-1]) / 2
    return vaf, density / area
