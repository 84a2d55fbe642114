"""Purity, ploidy and copy numbers of segments: the likelihood of relative depth and haplotype balance over a grid of both.

As in ASCAT (Van Loo et al. 2010, equations 1-4), a segment of which tumour cells have t copies and m of the rarer haplotype,
at purity p among normal cells with n copies, has the depth and the rarer haplotype's fraction

    (p t + (1 - p) n) / (p psi + (1 - p) 2)        (p m + (1 - p)) / (p t + (1 - p) n)

where psi is the tumour cells' ploidy. Whole numbers of copies are the rule; those of subclones are averages of two (`states`).
Where several pairs of purity and ploidy fit, each is a solution with its share of the posterior. A quiet diploid genome fits
every purity: then the posterior is wide, and is said to be.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.decisions import DECISIONS
from varproof.copynumber.segment_copies import CopyNumber, copies_of
from varproof.copynumber.segment_data import SegmentData
from varproof.copynumber.surface import (
    PURITIES,
    GivenStates,
    SegmentArrays,
    Surface,
    exp_rows,
    given_surface,
    log_rows,
    surface_of,
)

_APART_PURITY, _APART_PLOIDY = 0.08, 0.4
_MOST_SOLUTIONS = 5
_LEAST_WEIGHT, _MOST_CELLS = 1e-3, 100
_NEARLY = 3.0
_FAR_BELOW = 1e-7
_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class Solution:
    """One fit: purity and ploidy, the share of the posterior around it, and of the segments the `copies` at it.

    `limits`: of the purity, if the ploidy is that of this fit.
    """

    purity: float
    ploidy: float
    share: float
    limits: tuple[float, float]
    copies: tuple[CopyNumber, ...]


@dataclass(frozen=True)
class Fit:
    """What the segments say of purity (best, low, high of a 95 % interval) and ploidy (likewise), over all solutions.

    `solutions`: the most probable first, of which the best numbers are; `doubled`: probability that the genome was. `possible`:
    the range of purities that fit nearly as well as the best. `gain`: log posterior of the best purity over the worst.
    """

    purity: tuple[float, float, float]
    ploidy: tuple[float, float, float]
    doubled: float
    gain: float
    possible: tuple[float, float]
    solutions: tuple[Solution, ...]

    @property
    def best(self) -> Solution:
        """The most probable one."""
        return self.solutions[0]

    @property
    def copies(self) -> tuple[CopyNumber, ...]:
        """Of the segments, at the best solution."""
        return self.best.copies


def fitted(
    segments: list[SegmentData],
    states: GivenStates | None = None,
    ploidy: float | None = None,
    purity_log_likelihood: NDArray[np.float64] | None = None,
) -> Fit:
    """The fit to segments, of which at least one has a depth.

    `states`: copies that are known; `ploidy`: that of them. `purity_log_likelihood` (len(PURITIES),): what somatic calls say.
    """
    rows = sorted(sorted(range(len(segments)), key=lambda i: (-segments[i].length, i))[: DECISIONS.most_segments])
    deciding = SegmentArrays.of([segments[i] for i in rows])
    prior = np.zeros(len(PURITIES)) if purity_log_likelihood is None else purity_log_likelihood
    if states is None or ploidy is None:
        surface = surface_of(deciding, prior)
    else:
        surface = given_surface(deciding, states.rows(rows), ploidy, prior)
    weights = exp_rows(surface.height - surface.height.max())
    weights /= weights.sum()
    solutions = _solutions(surface, weights, segments, states)
    best = solutions[0]
    marginal = weights.sum(axis=1)
    low, high = _interval(surface.purities, marginal)
    ploidy_low, ploidy_high = _interval_of_points(surface.ploidy.ravel(), weights.ravel())
    profile = log_rows(np.maximum(marginal / marginal.max(), _FAR_BELOW))
    near_best = PURITIES[profile >= -_NEARLY]
    return Fit(
        (best.purity, min(low, best.limits[0]), max(high, best.limits[1])),
        (best.ploidy, min(ploidy_low, best.ploidy), max(ploidy_high, best.ploidy)),
        float((weights * surface.doubled).sum()),
        float(-profile.min()),
        (float(near_best[0]), float(near_best[-1])),
        solutions,
    )


def _solutions(
    surface: Surface, weights: NDArray[np.float64], segments: list[SegmentData], states: GivenStates | None
) -> tuple[Solution, ...]:
    """The fits, by the share of the posterior around each peak; those of little share left out."""
    left = np.where(weights > 0, surface.height, -np.inf)
    found: list[tuple[float, NDArray[np.float64]]] = []
    while len(found) < _MOST_SOLUTIONS and np.isfinite(left).any():
        i, j = np.unravel_index(int(left.argmax()), left.shape)
        around = (abs(surface.purities - surface.purities[i]) <= _APART_PURITY)[:, None]
        around = around & (abs(surface.ploidy - surface.ploidy[i, j]) <= _APART_PLOIDY)
        own = np.where(around & np.isfinite(left), weights, 0.0)
        left[around] = -np.inf
        if found and own.sum() < DECISIONS.alternative:
            continue
        found.append((float(own.sum()), own))
    found.sort(key=lambda one: -one[0])
    arrays = SegmentArrays.of(segments)
    out = []
    for share, own in found:
        marginal = own.sum(axis=1)
        purity = _quantile(surface.purities, marginal, 0.5)
        low, high = _interval(surface.purities, marginal)
        copies = copies_of(arrays, _cells(surface, own), states)
        out.append(Solution(purity, _mean_copies(segments, copies), share, (min(low, purity), max(high, purity)), copies))
    return tuple(out)


def _mean_copies(segments: list[SegmentData], copies: tuple[CopyNumber, ...]) -> float:
    """Of a place where normal cells have two."""
    lengths = np.array([one.length for one in segments], float)
    if any(one.normal_copies == 2 for one in segments):
        lengths *= [one.normal_copies == 2 for one in segments]
    return float((lengths * np.array([one.total for one in copies])).sum() / lengths.sum())


def _interval(points: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    low, high = (_quantile(points, weights, q) for q in _QUANTILES)
    return low, high


def _interval_of_points(points: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    order = np.argsort(points, kind="stable")
    cumulative = np.cumsum(weights[order]) / weights.sum()
    low, high = (min(int(np.searchsorted(cumulative, q)), len(points) - 1) for q in _QUANTILES)
    return float(points[order[low]]), float(points[order[high]])


def _quantile(points: NDArray[np.float64], weights: NDArray[np.float64], level: float) -> float:
    """Of a density that is even around each point, half-way to the next ones."""
    cumulative = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    edges = np.concatenate([points[:1], (points[1:] + points[:-1]) / 2, points[-1:]])
    place = min(max(int(np.searchsorted(cumulative, level)), 1), len(points))
    step = cumulative[place] - cumulative[place - 1]
    within = (level - cumulative[place - 1]) / step if step > 0 else 0.5
    return float(edges[place - 1] + within * (edges[place] - edges[place - 1]))


def _cells(surface: Surface, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(C, 3): purity, ploidy and weight of the cells that matter, by purity."""
    chosen = np.argwhere(weights >= _LEAST_WEIGHT * weights.max())
    if len(chosen) > _MOST_CELLS:
        best = np.sort(np.argsort(-weights[chosen[:, 0], chosen[:, 1]], kind="stable")[:_MOST_CELLS])
        chosen = chosen[best]
    i, j = chosen[:, 0], chosen[:, 1]
    return np.stack([surface.purities[i], surface.ploidy[i, j], weights[i, j]], axis=1)
