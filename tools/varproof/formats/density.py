"""FORMAT/VP_AFD: the posterior density over a variant's allele frequency as one short string, and back.

The string is `vaf=phred|vaf=phred|...`: ascending allele frequencies, and how far the log density lies under its maximum
(0 is the maximum), in PHRED. Between the points the log density is linear. Points lie densely where the curve bends and
the density is high, and end where it falls under `FLOOR` (1e-5) of its maximum. `.` stands for no density.
"""

from typing import Any

import numpy as np

MISSING = "."


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
    points, phreds = density_points_of(text)
    if len(points) < 2:
        return points, np.ones(len(points))
    from varproof.formats.density_numba_fns import curve

    return curve(points, phreds)


def density_points_of(text: str) -> tuple[Any, Any]:
    """(vaf, phred), each (n,): the points of a string, ascending; n = 0 for `.`. Raises ValueError for any other text."""
    if text in (MISSING, ""):
        return np.zeros(0), np.zeros(0)
    numbers = text.replace("=", "|").split("|")
    try:
        values = np.array([float(number) for number in numbers])
    except ValueError:
        raise ValueError(f"not a density: '{text}'") from None
    pairs = text.count("=")
    if values.size != 2 * pairs or text.count("|") != pairs - 1 or not np.isfinite(values).all():
        raise ValueError(f"not a density: '{text}'")
    points = values[::2]
    if not (points[1:] > points[:-1]).all():
        raise ValueError(f"not a density: '{text}'")
    return points, values[1::2]
