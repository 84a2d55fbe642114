"""Kernels of what a detection limit does to frequencies (`posterior.detection`)."""

import numpy as np

from varproof.formats.density_numba_fns import curve
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import arcsine, erf, exp, log, log1p, log_factorial
from varproof.posterior.vaf_numba_fns import narrowest

_HEAD = 8
"""Points from 0 to where a corrected density begins."""
_LEAST_TERM = 1e-12
_LEAST_KEPT = 1e-12
_FEW = 0.01
"""Where fewer are kept a corrected density is extrapolated."""
_FLAT = 0.05
_SURE = 1e-6


@compiled
def log_beta(fragments: float, depth: float) -> float:
    """ln of the integral of p^k (1 - p)^(n - k) over p, for whole numbers k <= n."""
    return log_factorial(fragments) + log_factorial(depth - fragments) - log_factorial(depth + 1.0)


@compiled
def rising_odds(log_odds: np.ndarray, ceiling: float) -> np.ndarray:
    """(n,) what log-odds would be without the `ceiling` that they near; those within 0.2 of it stay as they are."""
    rising = np.empty(len(log_odds))
    for i, value in enumerate(log_odds):
        rising[i] = value - (log1p(-exp(value - ceiling)) if value < ceiling - 0.2 else 0.0)
    return rising


@compiled
def normal_excess(least: np.ndarray) -> np.ndarray:
    """(n,) means of standard normal variables that exceed `least` (n,)."""
    mean = np.empty(len(least))
    for i, z in enumerate(least):
        above = 0.5 * (1.0 - erf(z / np.sqrt(2.0))) if z >= 0.0 else 0.5 * (1.0 + erf(-z / np.sqrt(2.0)))
        mean[i] = exp(-0.5 * z * z) * 0.3989422804014327 / above if above > 1e-9 else z
    return mean


@compiled
def log_betas(fragments: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """`log_beta` (n,) of `fragments` (n,) of `depths` (n,)."""
    found = np.empty(len(fragments))
    for i in range(len(fragments)):
        found[i] = log_beta(fragments[i], depths[i])
    return found


@compiled
def kept_by_fragments(depth: int, least: int, line: np.ndarray, threshold: float) -> np.ndarray:
    """Probabilities (m,) of being kept with 0, 1 ... m - 1 alternative fragments of `depth`; 1 with m and more.

    Never under `least` fragments; else that log-odds exceed `threshold`. `line` (5,) as of `detection.OddsLine`.
    """
    kept = np.empty(depth + 1)
    intercept, per_fragment, second, per_share, spread = line
    for k in range(depth + 1):
        mean = log_min(intercept + per_fragment * k + log_beta(k, depth), second + per_share * k / depth)
        z = (mean - threshold) / (spread * np.sqrt(2.0))
        above = 0.5 * (1.0 + erf(z)) if z >= 0.0 else 0.5 * (1.0 - erf(-z))
        kept[k] = max(above, _LEAST_KEPT) if k >= least else 0.0
        if k >= least and above > 1.0 - _SURE:
            return kept[:k]
    return kept


@compiled
def log_min(a: float, b: float) -> float:
    """Log-odds against both of two things, when those against each are a and b."""
    return min(a, b) - log1p(exp(-abs(a - b)))


@compiled
def kept_probability(fraction: float, depth: int, kept: np.ndarray) -> float:
    """Probability that a variant at `fraction` of the fragments is kept; `kept` (m,) as of `kept_by_fragments`.

    Both sums below have positive terms only, so that the small probabilities are as accurate as the large ones.
    """
    if fraction <= 0.0 or depth < 1:
        return kept[0] if len(kept) else 1.0
    if fraction >= 1.0:
        return kept[depth] if depth < len(kept) else 1.0
    odds = fraction / (1.0 - fraction)
    term = exp(max(depth * log1p(-fraction), -700.0))
    missed = 0.0
    for k in range(min(len(kept), depth + 1)):
        missed += (1.0 - kept[k]) * term
        term *= (depth - k) / (k + 1.0) * odds
    if missed < 0.5:
        return 1.0 - missed
    found = 0.0
    term = exp(max(depth * log1p(-fraction), -700.0))
    for k in range(depth + 1):
        add = term * (kept[k] if k < len(kept) else 1.0)
        found += add
        if k >= len(kept) and k > fraction * depth and add < _LEAST_TERM * found:
            break
        term *= (depth - k) / (k + 1.0) * odds
    return found


@compiled
def kept_over_frequencies(vaf: np.ndarray, purity: float, depth: int, kept: np.ndarray) -> np.ndarray:
    """(n,) `kept_probability` at frequencies (n,) in tumour cells; where `vaf` is over 1 they have more copies."""
    found = np.empty(len(vaf))
    for i in range(len(vaf)):
        found[i] = kept_probability(min(purity * vaf[i], 1.0), depth, kept)
    return found


@compiled
def _jeffreys_mean(vaf: np.ndarray, density: np.ndarray, purity: float) -> float:
    """The mean under the prior of Jeffreys, which is even in the arcsine of the root of a fraction."""
    total = area = 0.0
    for i in range(len(vaf) - 1):
        step = arcsine(np.sqrt(min(purity * vaf[i + 1], 1.0))) - arcsine(np.sqrt(min(purity * vaf[i], 1.0)))
        total += (vaf[i] * density[i] + vaf[i + 1] * density[i + 1]) * step
        area += (density[i] + density[i + 1]) * step
    return total / area


@compiled
def kept_curve(
    points: np.ndarray, phreds: np.ndarray, purity: float, depth: int, kept: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(frequency, height), each (m,): a string's density over the probability of being kept; no integral of 1.

    The points (n,), n >= 2, and `kept` as in `kept_probability`, of a variant of tumour cells only. Where hardly any variant is
    kept both are small, and their ratio a power of the frequency, 0 for as few fragments as it takes to be kept: it goes on so
    from where one in a hundred is, since further down the reads' errors, and the points that a string does without, matter.
    """
    vaf, density = curve(points, phreds)
    size, peak = len(vaf), np.argmax(density)
    ratio, first = np.empty(size), size
    for i in range(size):
        share = kept_probability(purity * vaf[i], depth, kept)
        if first == size and vaf[i] > 0.0 and (share >= _FEW or i >= peak):
            first = i
        ratio[i] = density[i] / max(share, 1e-300)
    first = min(first, size - 1)
    second = first
    while second < size - 1 and vaf[second] < 1.2 * vaf[first]:
        second += 1
    power = 0.0
    if second > first and ratio[second] > 0.0:
        power = max(log(ratio[second] / ratio[first]) / log(vaf[second] / vaf[first]), 0.0)
    x, height = np.empty(_HEAD + size - first), np.empty(_HEAD + size - first)
    x[_HEAD:], height[_HEAD:] = vaf[first:], ratio[first:]
    for i in range(_HEAD):
        share = i / _HEAD
        x[i] = vaf[first] * share
        height[i] = ratio[first] * (exp(power * log(share)) if i else (1.0 if power < _FLAT else 0.0))
    return x, height


@compiled
def corrected(
    points: np.ndarray, phreds: np.ndarray, level: float, purity: float, depth: int, kept: np.ndarray
) -> tuple[float, float, float]:
    """(mean, low, high) of `kept_curve`: the mean under the prior of Jeffreys, the interval the `narrowest` under the
    uniform one.
    """
    vaf, density = curve(points, phreds)
    x, height = kept_curve(points, phreds, purity, depth, kept)
    low, high = narrowest(x, height, level)
    # A mean lies far from 1, where a density ends with its maximum; what that takes from the observed one is given back.
    value = _jeffreys_mean(x, height, purity) + max(vaf[np.argmax(density)] - _jeffreys_mean(vaf, density, purity), 0.0)
    return min(max(value, low), high), low, high
