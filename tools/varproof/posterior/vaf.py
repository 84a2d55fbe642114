"""Allele frequencies: point estimates and intervals from a density, the cumulative spectrum, the neutral-evolution fit.

Under neutral evolution the number of mutations at an allele frequency of at least f is
M(f) = (mu/beta) (1/f - 1/fmax) (Williams et al. 2016): a straight line in 1/f whose slope is the mutation rate per
effective division.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

DEFAULT_FMIN, DEFAULT_FMAX = 0.12, 0.24
MIN_VARIANTS = 5
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class FrequencyEstimate:
    """Mode, mean and equal-tailed credible interval of an allele frequency."""

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


def density_quantiles(vaf: Any, density: Any, probabilities: Any) -> Any:
    """Quantiles of a density that is linear between its points, exactly.

    `vaf` ascending and `density` (trapezoid integral 1), shape (n,); one point is a point mass, no point gives NaN.
    """
    wanted = np.asarray(probabilities, dtype=float)
    if len(vaf) < 2:
        return np.full(wanted.shape, vaf[0] if len(vaf) else np.nan)
    widths = np.diff(vaf)
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * widths)])
    cumulative /= cumulative[-1]
    gap = np.clip(np.searchsorted(cumulative, wanted, side="right") - 1, 0, len(widths) - 1)
    missing = wanted - cumulative[gap]
    start, slope = density[gap], (density[gap + 1] - density[gap]) / widths[gap]
    # The root of start*t + slope*t^2/2 = missing, in the form that survives slope = 0.
    root = start + np.sqrt(np.maximum(start**2 + 2 * slope * missing, 0.0))
    step = np.divide(2 * missing, root, out=np.zeros_like(missing), where=root > 0)
    return vaf[gap] + np.clip(step, 0.0, widths[gap])


def frequency_estimate(vaf: Any, density: Any, level: float = 0.95) -> FrequencyEstimate:
    """Estimates from a density as `decode_density` returns it; NaN where there is none."""
    if len(vaf) == 0:
        return FrequencyEstimate(np.nan, np.nan, np.nan, np.nan)
    if len(vaf) == 1:
        point = float(vaf[0])
        return FrequencyEstimate(point, point, point, point)
    low, high = density_quantiles(vaf, density, [(1 - level) / 2, (1 + level) / 2])
    return FrequencyEstimate(float(vaf[np.argmax(density)]), float(np.trapezoid(vaf * density, vaf)), float(low), float(high))


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
    slope = float(x @ count / (x @ x))
    residual = float(((count - slope * x) ** 2).sum())
    about_mean = float(((count - count.mean()) ** 2).sum())
    weights = np.diff(count, prepend=0)
    generator = np.random.default_rng(0)
    # lam is the multiplicity of each distinct frequency: a Poisson resampling of the variants themselves.
    slopes = [x @ np.cumsum(generator.poisson(weights)) / (x @ x) for _ in range(_RESAMPLES)]
    low, high = np.quantile(slopes, [0.025, 0.975])
    return NeutralFit(
        fmin=fmin,
        fmax=fmax,
        variants=int(chosen.size),
        mutation_rate=slope,
        mutation_rate_low=float(low),
        mutation_rate_high=float(high),
        r_squared=1 - residual / about_mean if about_mean > 0 else float("nan"),
        r_squared_uncentred=1 - residual / float(count @ count),
    )
