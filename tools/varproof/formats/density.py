"""FORMAT/AFD: the posterior density over a variant's allele frequency as one short string, and back.

The string is `vaf=phred|vaf=phred|...`: ascending allele frequencies, and how far the log density lies under its maximum
(0 is the maximum), in PHRED. Between the points the log density is linear. Points lie densely where the curve bends and
the density is high, and end where it falls under `FLOOR` (1e-5) of its maximum. `.` stands for no density.
"""

from typing import Any

import numpy as np

MISSING = "."
_LOG_PER_PHRED = np.log(10) / 10
_SHARES = np.arange(16) / 16


def encode_density(vaf: Any, log_density: Any) -> str:
    """The string of a density given at points.

    `vaf`: ascending, distinct, shape (n,), n >= 1. `log_density`: natural logarithm up to a constant, shape (n,), -inf
    allowed, linear between the points. Returns `.` if the density is nowhere positive or not a number.
    """
    from varproof.formats.density_numba_fns import density_points

    x = np.ascontiguousarray(vaf, dtype=float)
    y = np.ascontiguousarray(log_density, dtype=float)
    if x.shape != y.shape or x.ndim != 1 or x.size == 0:
        raise ValueError(f"expected two vectors of one length, got {x.shape} and {y.shape}")
    points, phreds = density_points(x, y)
    if not len(points):
        return MISSING
    return "|".join([f"{point:.10g}={phred:.2f}" for point, phred in zip(points.tolist(), phreds.tolist(), strict=True)])


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
