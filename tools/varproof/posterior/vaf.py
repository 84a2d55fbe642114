"""Allele frequencies: point estimates and intervals from a density, the cumulative spectrum, the neutral-evolution fit.

Under neutral evolution the number of mutations at an allele frequency of at least f is
M(f) = (mu/beta) (1/f - 1/fmax) (Williams et al. 2016): a straight line in 1/f whose slope is the mutation rate per
effective division.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.formats.density import density_points_of

DEFAULT_FMIN, DEFAULT_FMAX = 0.12, 0.24
MIN_VARIANTS = 5
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class FrequencyEstimate:
    """Mode, mean and credible interval of highest density of an allele frequency."""

    mode: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class NeutralFit:
    """Least-squares line of M(f) against 1/f - 1/fmax through the origin; see `neutral_fit`."""

    fmin: float
    fmax: float
    variants: int
    mutation_rate: float
    mutation_rate_low: float
    mutation_rate_high: float
    r_squared: float
    r_squared_uncentred: float


def frequency_estimate(text: str, level: float = 0.95) -> FrequencyEstimate:
    """Estimates from a density as `formats.density` writes it; NaN where there is none, ValueError where it is none.

    Between the points of the string the density is that of `decode_density`; the mean is by the trapezoid rule. The interval is
    the narrowest with a share `level` of the density: central ones exclude a frequency of exactly 0 or 1 always.
    """
    points, phreds = density_points_of(text)
    if len(points) == 0:
        return FrequencyEstimate(math.nan, math.nan, math.nan, math.nan)
    if len(points) == 1:
        point = float(points[0])
        return FrequencyEstimate(point, point, point, point)
    from varproof.posterior.vaf_numba_fns import summary

    return FrequencyEstimate(*summary(points, phreds, level))


def cumulative_spectrum(vafs: Any) -> tuple[Any, Any]:
    """(f, M): distinct allele frequencies, descending, and the number of variants at or above each.

    >>> cumulative_spectrum([0.5, 0.1, 0.5])
    (array([0.5, 0.1]), array([2, 3]))
    """
    values, counts = np.unique(np.asarray(vafs, dtype=float), return_counts=True)
    return values[::-1], np.cumsum(counts[::-1])


def neutral_fit(vafs: Any, fmin: float = DEFAULT_FMIN, fmax: float = DEFAULT_FMAX) -> NeutralFit | None:
    """Fit to the variants with fmin <= VAF < fmax; None if there are fewer than MIN_VARIANTS of them.

    Points of the cumulative count are not independent, so the interval is not that of the regression: it comes from
    Poisson resampling of the variants (fixed seed). `r_squared` is 1 - residual/total variance about the mean,
    `r_squared_uncentred` the one about zero that R reports for a line through the origin.
    """
    chosen = np.asarray(vafs, dtype=float)
    chosen = chosen[(chosen >= fmin) & (chosen < fmax)]
    if chosen.size < MIN_VARIANTS:
        return None
    frequency, count = cumulative_spectrum(chosen)
    x = 1 / frequency - 1 / fmax
    squares = float((x * x).sum())
    slope = float((x * count).sum()) / squares
    residual = float(((count - slope * x) ** 2).sum())
    about_mean = float(((count - count.mean()) ** 2).sum())
    weights = np.diff(count, prepend=0)
    generator = np.random.default_rng(0)
    # lam is the multiplicity of each distinct frequency: a Poisson resampling of the variants themselves.
    slopes = [(x * np.cumsum(generator.poisson(weights))).sum() / squares for _ in range(_RESAMPLES)]
    low, high = np.quantile(slopes, [0.025, 0.975])
    return NeutralFit(
        fmin=fmin,
        fmax=fmax,
        variants=int(chosen.size),
        mutation_rate=slope,
        mutation_rate_low=float(low),
        mutation_rate_high=float(high),
        r_squared=1 - residual / about_mean if about_mean > 0 else float("nan"),
        r_squared_uncentred=1 - residual / float((count * count).sum()),
    )
