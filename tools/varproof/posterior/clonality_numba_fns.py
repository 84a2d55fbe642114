"""Kernels that turn the density of a frequency into that of a cancer cell fraction (`posterior.clonality`).

A fraction c of the tumour cells with M copies each makes the frequency M u c, where the unit u is what purity and copy number
make of one copy in every tumour cell. A curve is linear between its points, as in `formats.density_numba_fns`.
"""

import numpy as np

from varproof.formats.density_numba_fns import PARTS
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, log
from varproof.posterior.vaf_numba_fns import narrowest

_BEYOND = 64
"""Points from a frequency of 1 on."""
_APART = 3.0
"""Log-likelihood between the two points that tell the count: those of strings are rounded."""
_POINTS = 241
_NEGLIGIBLE = 1e-4
"""Numbers of copies that are less probable take no part in an interval."""
_ROUNDS = 200
_SETTLED = 1e-9


@compiled
def continued(vaf: np.ndarray, height: np.ndarray, purity: float, depth: int, most: float) -> tuple[np.ndarray, np.ndarray]:
    """The curve (n,), (n,) of a frequency in tumour cells of so many copies as healthy cells have, at an assumed purity, up to
    `most`, which is over 1 where tumour cells have more of them; n >= 2.

    Beyond 1 it is that of the binomial count, of `depth` fragments, which the curve's end is of.
    """
    last = len(vaf) - 1
    first = max(last - PARTS, 0)
    if most <= 1.0 or purity >= 1.0 or vaf[last] < 1.0 or height[last] <= 0.0 or height[first] <= 0.0 or vaf[first] <= 0.0:
        return vaf, height
    # The count whose likelihood changes so much between two points of the string, the last and one that is clearly apart.
    while first >= PARTS and height[first - PARTS] > 0.0 and abs(log(height[first] / height[last])) < _APART:
        first -= PARTS
    if vaf[first] <= 0.0:
        return vaf, height
    for_one, for_other = log(vaf[last] / vaf[first]), log((1.0 - purity * vaf[last]) / (1.0 - purity * vaf[first]))
    count = (log(height[last] / height[first]) - depth * for_other) / (for_one - for_other)
    count = min(max(count, 0.0), float(depth))
    x, y = np.empty(last + 1 + _BEYOND), np.empty(last + 1 + _BEYOND)
    x[: last + 1], y[: last + 1] = vaf, height
    for i in range(1, _BEYOND + 1):
        x[last + i] = 1.0 + (most - 1.0) * i / _BEYOND
        fraction = min(purity * x[last + i], 1.0 - 1e-9)
        gain = count * log(fraction / purity) + (depth - count) * log((1.0 - fraction) / (1.0 - purity))
        y[last + i] = height[last] * exp(min(max(gain, -700.0), 700.0))
    return x, y


@compiled
def _at(vaf, height, x):
    if x < vaf[0] or x > vaf[-1]:
        return 0.0
    gap = min(max(np.searchsorted(vaf, x, side="right") - 1, 0), len(vaf) - 2)
    return height[gap] + (x - vaf[gap]) / (vaf[gap + 1] - vaf[gap]) * (height[gap + 1] - height[gap])


@compiled
def _integral(vaf, height, end):
    """Of the curve up to `end`."""
    area = 0.0
    for i in range(len(vaf) - 1):
        if vaf[i] >= end:
            break
        right = min(vaf[i + 1], end)
        at_right = height[i] + (right - vaf[i]) / (vaf[i + 1] - vaf[i]) * (height[i + 1] - height[i])
        area += (height[i] + at_right) / 2 * (right - vaf[i])
    return area


@compiled
def clonal_evidence(
    vaf: np.ndarray, height: np.ndarray, units: np.ndarray, weights: np.ndarray, copies: np.ndarray, chances: np.ndarray
) -> np.ndarray:
    """(m + 1,) likelihoods of a variant of all tumour cells with 0 ... m copies in each, times their chances.

    The curve (n,), (n,); `units` (j,) with `weights` (j,) that sum to 1; `copies` (j,): m at most; `chances` (j, m + 1), rows
    that sum to 1, of each number of copies.
    """
    most = chances.shape[1] - 1
    found = np.zeros(most + 1)
    for j in range(len(units)):
        for number in range(1, min(copies[j], most) + 1):
            found[number] += weights[j] * chances[j, number] * _at(vaf, height, number * units[j])
    return found


@compiled
def mean_over_fractions(vaf: np.ndarray, height: np.ndarray, units: np.ndarray, weights: np.ndarray) -> float:
    """The mean of a curve (n,), (n,) over all fractions of the tumour cells, on one copy each; 0 outside of it."""
    found = 0.0
    for j in range(len(units)):
        found += weights[j] * _integral(vaf, height, units[j]) / units[j]
    return found


@compiled
def clonal_share(clonal: np.ndarray, subclonal: np.ndarray, prior: float, certainty: float) -> float:
    """The share of variants in all tumour cells with the greatest posterior, by EM; likelihoods (n,) of either kind.

    `prior`: what is expected; `certainty`: for how many variants that counts.
    """
    share = prior
    for _ in range(_ROUNDS):
        total = certainty * prior
        size = certainty
        for i in range(len(clonal)):
            both = share * clonal[i] + (1.0 - share) * subclonal[i]
            if both > 0.0:
                total += share * clonal[i] / both
                size += 1.0
        new = total / size
        if abs(new - share) < _SETTLED:
            break
        share = new
    return share


@compiled
def mixed_log_likelihood(clonal: np.ndarray, subclonal: np.ndarray, share: float, least: float) -> float:
    """Sum over variants of the logarithms of their mixed likelihoods, each `least` or more."""
    total = 0.0
    for i in range(len(clonal)):
        total += log(max(share * clonal[i] + (1.0 - share) * subclonal[i], least))
    return total


@compiled
def fraction_summary(
    vaf: np.ndarray,
    height: np.ndarray,
    units: np.ndarray,
    weights: np.ndarray,
    copies: np.ndarray,
    fit: np.ndarray,
    by_copies: np.ndarray,
    level: float,
) -> tuple[float, float, float, float]:
    """(mode, mean, low, high) of the fraction of tumour cells, the interval the `narrowest`.

    The curve (n,), (n,); `units`, `weights`, `copies` as in `clonal_evidence`, of nodes each of which belongs to a `fit` (j,);
    `by_copies` (g, m + 1): probabilities of the g fits and the numbers of copies in each carrying cell. Given both every
    fraction up to 1 is alike beforehand.
    """  # fmt: skip
    low, high = 1.0, 0.0
    for number in range(1, by_copies.shape[1]):
        for j in range(len(units)):
            if copies[j] >= number and by_copies[fit[j], number] >= _NEGLIGIBLE:
                low = min(low, vaf[0] / (number * units[j]))
                high = max(high, vaf[-1] / (number * units[j]))
    high = min(high, 1.0)
    low = min(low, high * (1.0 - 1e-6))
    fraction = np.empty(_POINTS)
    for i in range(_POINTS):
        fraction[i] = low + (high - low) * i / (_POINTS - 1)
    fraction[-1] = high
    density, own = np.zeros(_POINTS), np.empty(_POINTS)
    for g in range(by_copies.shape[0]):
        for number in range(1, by_copies.shape[1]):
            if by_copies[g, number] < _NEGLIGIBLE:
                continue
            own[:] = 0.0
            for j in range(len(units)):
                if copies[j] < number or fit[j] != g:
                    continue
                place = 0
                for i in range(_POINTS):
                    x = fraction[i] * number * units[j]
                    if x < vaf[0] or x > vaf[-1]:
                        continue
                    while place < len(vaf) - 2 and vaf[place + 1] < x:
                        place += 1
                    share = (x - vaf[place]) / (vaf[place + 1] - vaf[place])
                    own[i] += weights[j] * (height[place] + share * (height[place + 1] - height[place]))
            area = 0.0
            for i in range(_POINTS - 1):
                area += (own[i] + own[i + 1]) / 2 * (fraction[i + 1] - fraction[i])
            if area > 0.0:
                for i in range(_POINTS):
                    density[i] += by_copies[g, number] / area * own[i]
    best = np.argmax(density)
    mode = fraction[best]
    if 0 < best < _POINTS - 1:
        bend = density[best - 1] - 2.0 * density[best] + density[best + 1]
        if bend < 0.0:
            step = 0.5 * (density[best - 1] - density[best + 1]) / bend
            mode += min(max(step, -0.5), 0.5) * (fraction[1] - fraction[0])
    start, end = narrowest(fraction, density, level)
    total = area = 0.0
    for i in range(_POINTS - 1):
        step = (fraction[i + 1] - fraction[i]) / 2
        total += (fraction[i] * density[i] + fraction[i + 1] * density[i + 1]) * step
        area += (density[i] + density[i + 1]) * step
    return min(max(mode, start), end), min(max(total / area, start), end), start, end
