"""Purity, ploidy and copy numbers of segments: the likelihood of relative depth and haplotype balance over a grid of both.

As in ASCAT (Van Loo et al. 2010, equations 1-4), a segment of which tumour cells have t copies and m of the rarer haplotype,
at purity p among normal cells with n copies, has the depth and the rarer haplotype's fraction

    (p t + (1 - p) n) / (p psi + (1 - p) 2)        (p m + (1 - p)) / (p t + (1 - p) n)

where psi is the tumour cells' ploidy. Whole numbers of copies are the rule; a segment that fits none may be a subclone's, at a
cost. A quiet diploid genome fits every purity: then the posterior is wide, and is said to be.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.decisions import DECISIONS
from varproof.copynumber.segment_data import BALANCE, SegmentData
from varproof.machinery.numerics import log
from varproof.machinery.numerics_numba_fns import exp_of, log_of, weighted_row_sums

PURITIES = np.round(np.arange(0.05, 1.0001, 0.005), 4)
PLOIDIES = np.round(np.arange(1.0, 6.5001, 0.025), 4)
_REFINED_PURITY, _REFINED_PLOIDY = np.arange(-0.06, 0.0601, 0.002), np.arange(-0.15, 0.1501, 0.005)
_APART_PURITY, _APART_PLOIDY = 0.08, 0.4
_MOST_ALTERNATIVES = 5
_LEAST_WEIGHT = 1e-3
_NEARLY = 3.0
_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class States:
    """Copies that segments may have: `total`, `minor`, float64 (1 or segments, K); NaN in `minor` is any.

    `free`: whether a segment may be none of them, and the log prior of each depends on the genome's usual copies.
    """

    total: NDArray[np.float64]
    minor: NDArray[np.float64]
    free: bool = True


def all_states() -> States:
    """Every number of copies up to `most_copies`, with every number of the rarer haplotype's."""
    pairs = [(total, minor) for total in range(DECISIONS.most_copies + 1) for minor in range(total // 2 + 1)]
    total, minor = np.array(pairs, float).T
    return States(total[None], minor[None])


@dataclass(frozen=True)
class Solution:
    """One fit of purity and ploidy, and the share of the posterior around it."""

    purity: float
    ploidy: float
    share: float


@dataclass(frozen=True)
class CopyNumber:
    """Copies per tumour cell of a segment with 95 % limits; `clonal`: whole numbers fit; `minor`: None if unknown."""

    total: float
    minor: float | None
    total_limits: tuple[float, float]
    minor_limits: tuple[float, float] | None
    clonal: bool


@dataclass(frozen=True)
class Fit:
    """What the segments say of purity (`purity`: best, low, high of a 95 % interval) and ploidy (likewise), over all solutions.

    `own`: limits of the purity given the ploidy of the best solution, which is that of `copies` and their limits. `possible`:
    the range of purities that fit nearly as well as the best. `gain`: log likelihood of the best over the worst.
    """

    purity: tuple[float, float, float]
    ploidy: tuple[float, float, float]
    own: tuple[float, float]
    doubled: float
    gain: float
    possible: tuple[float, float]
    solutions: tuple[Solution, ...]
    copies: tuple[CopyNumber, ...]


def fitted(
    segments: list[SegmentData],
    states: States | None = None,
    ploidy: float | None = None,
    purity_log_likelihood: NDArray[np.float64] | None = None,
) -> Fit:
    """The fit to segments, of which at least one has a depth.

    `states`: copies that are known; `ploidy`: that of them. `purity_log_likelihood` (len(PURITIES),): what somatic calls say.
    """
    states = states or all_states()
    order = sorted(range(len(segments)), key=lambda i: (-segments[i].length, i))[: DECISIONS.most_segments]
    rows = sorted(order)
    deciding = _Arrays.of([segments[i] for i in rows], _rows_of(states, rows))
    ploidies = PLOIDIES if ploidy is None else np.round(ploidy + np.array([-0.1, -0.05, 0.0, 0.05, 0.1]), 4)
    surface, doubled = _surface(deciding, PURITIES, ploidies)
    prior = np.zeros(len(PURITIES)) if purity_log_likelihood is None else purity_log_likelihood
    surface += prior[:, None]
    weights = _exp(surface - surface.max())
    weights /= weights.sum()
    marginal = weights.sum(axis=1)
    best = np.unravel_index(int(surface.argmax()), surface.shape)
    fine_purity = np.unique((PURITIES[best[0]] + _REFINED_PURITY).clip(PURITIES[0], 1.0).round(4))
    fine_ploidy = np.unique((ploidies[best[1]] + (_REFINED_PLOIDY if ploidy is None else 0 * _REFINED_PLOIDY)).round(4))
    fine, _ = _surface(deciding, fine_purity, fine_ploidy)
    fine += np.interp(fine_purity, PURITIES, prior)[:, None]
    fine_weights = _exp(fine - fine.max())
    fine_weights /= fine_weights.sum()
    near = abs(PURITIES - PURITIES[best[0]]) <= _REFINED_PURITY[-1] + 1e-9
    alone = marginal[near].sum() > 1 - 2 * _QUANTILES[0]
    purity_points, purity_weights = (fine_purity, fine_weights.sum(axis=1)) if alone else (PURITIES, marginal)
    purity_low, purity_high = _interval(purity_points, purity_weights)
    all_arrays = _Arrays.of(segments, states)
    alike = weights * (abs(ploidies - ploidies[best[1]]) <= _APART_PLOIDY)
    cells = _cells(fine_purity, fine_ploidy, fine_weights) if alone else _cells(PURITIES, ploidies, weights)
    copies = _copies(all_arrays, cells if alone else _cells(PURITIES, ploidies, alike))
    ploidy_limits = _ploidy_limits(cells)
    own_low, own_high = (purity_low, purity_high) if alone else _interval(PURITIES, alike.sum(axis=1))
    purity = _median(fine_purity, fine_weights.sum(axis=1))
    lengths = np.array([one.length for one in segments], float)
    if any(one.normal_copies == 2 for one in segments):
        lengths *= [one.normal_copies == 2 for one in segments]
    mean = float((lengths * np.array([one.total for one in copies])).sum() / lengths.sum())
    profile = surface.max(axis=1)
    near_best = PURITIES[profile >= profile.max() - _NEARLY]
    return Fit(
        (purity, min(purity_low, purity), max(purity_high, purity)),
        (mean, min(ploidy_limits[0], mean), max(ploidy_limits[1], mean)),
        (min(own_low, purity), max(own_high, purity)),
        float((weights * doubled).sum()),
        float(profile.max() - profile.min()),
        (float(near_best[0]), float(near_best[-1])),
        _solutions(surface, weights, ploidies),
        copies,
    )  # fmt: skip


def _exp(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(exp_of(np.ascontiguousarray(values).ravel())).reshape(values.shape)


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(log_of(np.ascontiguousarray(values, float).ravel())).reshape(np.shape(values))


def _rows_of(states: States, rows: list[int]) -> States:
    if len(states.total) == 1:
        return states
    return States(states.total[rows], states.minor[rows], states.free)


@dataclass(frozen=True)
class _Arrays:
    """Segments as arrays (S,): log of the ratio and its error, normal copies, cost of being no whole number; `balance` (S, B)
    and `reachable` (S, B), its largest value at this fraction or more.
    """

    log_ratio: NDArray[np.float64]
    sd: NDArray[np.float64]
    normal: NDArray[np.float64]
    cost: NDArray[np.float64]
    balance: NDArray[np.float64]
    reachable: NDArray[np.float64]
    states: States

    @classmethod
    def of(cls, segments: list[SegmentData], states: States) -> "_Arrays":
        lengths = np.array([one.length for one in segments], float)
        share = lengths / lengths.sum()
        balance = np.array([one.balance if one.normal_copies == 2 else np.zeros(len(BALANCE)) for one in segments])
        return cls(
            _log(np.array([max(one.ratio, 1e-3) for one in segments])),
            np.sqrt(np.array([one.error for one in segments]) ** 2 + DECISIONS.depth_error**2),
            np.array([one.normal_copies for one in segments], float),
            DECISIONS.subclonal_cost * np.sqrt(np.minimum(1.0, share / DECISIONS.whole_cost_share)),
            balance,
            np.maximum.accumulate(balance[:, ::-1], axis=1)[:, ::-1],
            states,
        )

    def log_likelihoods(self, purity: float, ploidies: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(ploidies, S, K) of whole numbers of copies, and (ploidies, S) of the best other ones that are possible."""
        mean = _log(purity * ploidies + 2 * (1 - purity))
        copies = purity * self.states.total + (1 - purity) * self.normal[:, None]
        depth = _log(copies.clip(1e-3))
        with np.errstate(invalid="ignore"):
            fraction = (purity * self.states.minor + (1 - purity)) / copies.clip(1e-3)
        both = self.normal[:, None] == 2
        on_balance = np.where(both & ~np.isnan(fraction), _at(self.balance, fraction.clip(0, 0.5)), 0.0)
        known = np.broadcast_to(self.states.minor, on_balance.shape)
        on_balance = np.where(~both & (known > 0), -np.inf, on_balance)  # of one haplotype none is rarer
        deviation = (self.log_ratio[None, :, None] + mean[:, None, None] - depth[None]) / self.sd[None, :, None]
        whole = on_balance[None] - 0.5 * deviation**2
        seen = _exp(self.log_ratio)[None] * _exp(mean)[:, None]
        least = ((1 - purity) * self.normal)[None] / seen
        lacking = np.where(least > 1, _log(least.clip(1e-3)), 0.0) / self.sd[None]
        lowest = ((1 - purity) / seen).clip(0, 0.5)
        free = _at(self.reachable[None], lowest[:, :, None])[:, :, 0] if len(self.sd) else lowest
        return whole, np.where(self.normal[None] == 2, free, 0.0) - 0.5 * lacking**2


def _at(table: NDArray[np.float64], fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of tables (..., S, B) over `BALANCE` at fractions (..., S, K), linear in between."""
    place = fraction * (len(BALANCE) - 1) / BALANCE[-1]
    left = np.minimum(np.nan_to_num(place).astype(np.int64), len(BALANCE) - 2)
    table = np.broadcast_to(table, (*fraction.shape[:-1], table.shape[-1]))
    below, above = np.take_along_axis(table, left, -1), np.take_along_axis(table, left + 1, -1)
    return np.asarray(below + (place - left) * (above - below))


def _log_prior(arrays: _Arrays, usual: int) -> NDArray[np.float64]:
    """(S or 1, K): of each state where the genome has `usual` copies of either haplotype."""
    total, minor = arrays.states.total, arrays.states.minor
    if not arrays.states.free:
        return np.zeros(total.shape)
    both = (arrays.normal == 2)[:, None]
    changed = np.where(both, abs(total - minor - usual) + abs(minor - usual), abs(total - usual) + abs(minor))
    return np.asarray(-DECISIONS.change_cost * changed - DECISIONS.empty_cost * (total == 0))


def _surface(
    arrays: _Arrays, purities: NDArray[np.float64], ploidies: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(purities, ploidies): log posterior, unnormalised, and the probability that the genome was doubled."""
    surface, doubled = (np.zeros((len(purities), len(ploidies))) for _ in range(2))
    beyond = np.maximum(0.0, np.maximum(DECISIONS.least_ploidy - ploidies, ploidies - DECISIONS.most_ploidy))
    log_prior = [_log_prior(arrays, usual) for usual in (1, 2)]
    for row, purity in enumerate(purities.tolist()):
        whole, other = arrays.log_likelihoods(purity, ploidies)
        scores = []
        for prior, share in zip(log_prior, (1 - DECISIONS.doubled, DECISIONS.doubled), strict=True):
            best = (whole + prior[None]).max(axis=2)
            if arrays.states.free:
                best = np.maximum(best, other - arrays.cost[None])
            else:
                best = np.maximum(best, -2 * DECISIONS.subclonal_cost)
            scores.append(best.sum(axis=1) + log(share))
        most = np.maximum(*scores)
        parts = [_exp(score - most) for score in scores]
        surface[row] = most + _log(parts[0] + parts[1]) - 0.5 * (beyond / DECISIONS.ploidy_sd) ** 2
        doubled[row] = parts[1] / (parts[0] + parts[1])
    return surface, doubled


def _interval(points: NDArray[np.float64], weights: NDArray[np.float64]) -> tuple[float, float]:
    cumulative = np.cumsum(weights) / weights.sum()
    low, high = (min(int(np.searchsorted(cumulative, q)), len(points) - 1) for q in _QUANTILES)
    return float(points[low]), float(points[high])


def _median(points: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    return float(points[min(int(np.searchsorted(np.cumsum(weights) / weights.sum(), 0.5)), len(points) - 1)])


def _cells(
    purities: NDArray[np.float64], ploidies: NDArray[np.float64], weights: NDArray[np.float64]
) -> list[tuple[float, float, float]]:
    """(purity, ploidy, weight) of the cells that matter."""
    chosen = np.argwhere(weights >= _LEAST_WEIGHT * weights.max())
    if len(chosen) > 400:
        best = np.sort(np.argsort(-weights[chosen[:, 0], chosen[:, 1]], kind="stable")[:400])
        chosen = chosen[best]
    return [(float(purities[i]), float(ploidies[j]), float(weights[i, j])) for i, j in chosen]


def _solutions(
    surface: NDArray[np.float64], weights: NDArray[np.float64], ploidies: NDArray[np.float64]
) -> tuple[Solution, ...]:
    """The peaks, from the best on, each with the share of the posterior around it; those of little share left out."""
    left = surface.copy()
    found: list[Solution] = []
    for _ in range(_MOST_ALTERNATIVES):
        i, j = np.unravel_index(int(left.argmax()), left.shape)
        around = (abs(PURITIES - PURITIES[i]) <= _APART_PURITY)[:, None] & (abs(ploidies - ploidies[j]) <= _APART_PLOIDY)
        share = float(weights[around & np.isfinite(left)].sum())
        if found and share < DECISIONS.alternative:
            break
        found.append(Solution(float(PURITIES[i]), float(ploidies[j]), share))
        left[around] = -np.inf
        if not np.isfinite(left).any():
            break
    return tuple(found)


def _ploidy_limits(cells: list[tuple[float, float, float]]) -> tuple[float, float]:
    ploidies, weights = np.array([cell[1] for cell in cells]), np.array([cell[2] for cell in cells])
    order = np.argsort(ploidies, kind="stable")
    return _interval(ploidies[order], weights[order])


def _copies(arrays: _Arrays, cells: list[tuple[float, float, float]]) -> tuple[CopyNumber, ...]:
    """Copy numbers of segments over cells of the posterior."""
    shape = np.broadcast_shapes(arrays.balance[:, :1].shape, arrays.states.total.shape)
    mass, other = np.zeros(shape), np.zeros(shape[0])
    best = max(cells, key=lambda cell: cell[2])
    points = []  # of segments that are no whole number: (weight, total, its sd, minor, its sd), each (S,)
    priors = [_log_prior(arrays, usual) for usual in (1, 2)]
    heights = arrays.balance - arrays.balance.max(axis=1, keepdims=True)
    density = _exp(heights)
    density /= density.sum(axis=1, keepdims=True)
    centre = weighted_row_sums(density, BALANCE)
    spread = np.sqrt((density * (BALANCE - centre[:, None]) ** 2).sum(axis=1))
    peak = BALANCE[arrays.balance.argmax(axis=1)]
    usual = 0 if abs(best[1] - 2) <= abs(best[1] - 4) else 1
    for purity, ploidy, weight in cells:
        whole, free = arrays.log_likelihoods(purity, np.array([ploidy]))
        scores = np.concatenate([whole[0] + priors[usual], (free[0] - arrays.cost)[:, None]], axis=1)
        if not arrays.states.free:
            scores[:, -1] = -np.inf
        scores = _exp(scores - scores.max(axis=1, keepdims=True))
        scores *= weight / scores.sum(axis=1, keepdims=True)
        mass, other = mass + scores[:, :-1], other + scores[:, -1]
        seen = _exp(arrays.log_ratio) * (purity * ploidy + 2 * (1 - purity))
        total = ((seen - (1 - purity) * arrays.normal) / purity).clip(0)
        minor = np.minimum(((peak * seen - (1 - purity)) / purity).clip(0), total / 2)
        total_sd = arrays.sd * seen / purity
        minor_sd = np.sqrt((spread * seen / purity) ** 2 + (arrays.sd * peak * seen / purity) ** 2)
        points.append((scores[:, -1], total, total_sd, minor, minor_sd))
    centre_of = points[cells.index(best)]
    out = []
    for i in range(shape[0]):
        total, minor = (np.broadcast_to(values, shape)[i] for values in (arrays.states.total, arrays.states.minor))
        top = int(mass[i].argmax())
        clonal = bool(mass[i].max() >= other[i])
        told = arrays.normal[i] != 2 or bool(np.ptp(arrays.balance[i]) > 0) or not arrays.states.free
        here = [tuple(float(column[i]) for column in point) for point in points if point[0][i] > 0]
        total_limits = _limits(total, mass[i], [(w, t, sd) for w, t, sd, _, _ in here])
        minor_limits = _limits(np.nan_to_num(minor), mass[i], [(w, m, sd) for w, _, _, m, sd in here])
        if arrays.normal[i] != 2:
            minor_limits = (0.0, 0.0)
        value = float(total[top]) if clonal else round(float(centre_of[1][i]), 4)
        rare = (float(minor[top]) if clonal else round(float(centre_of[3][i]), 4)) if told else None
        if arrays.normal[i] != 2:
            rare = 0.0
        if rare is not None and rare != rare:
            rare = None
        out.append(
            CopyNumber(
                value, rare, (min(total_limits[0], value), max(total_limits[1], value)),
                None if rare is None else (min(minor_limits[0], rare), max(minor_limits[1], rare)), clonal,
            )
        )  # fmt: skip
    return tuple(out)


def _limits(
    values: NDArray[np.float64], mass: NDArray[np.float64], others: list[tuple[float, float, float]]
) -> tuple[float, float]:
    """2.5 % and 97.5 % of a mixture of points and of normal densities (weight, mean, sd), over 0."""
    from scipy.special import ndtr

    top = max([float(values.max()), *(mean + 4 * sd for _, mean, sd in others)])
    grid = np.linspace(0.0, top, 400)
    cumulative = np.array([mass[values <= point + 1e-9].sum() for point in grid])
    for weight, mean, sd in others:
        cumulative = cumulative + weight * ndtr((grid - mean) / max(sd, 1e-6))
    cumulative /= max(float(mass.sum() + sum(weight for weight, _, _ in others)), 1e-300)
    low, high = (min(int(np.searchsorted(cumulative, q)), len(grid) - 1) for q in _QUANTILES)
    return _whole_if_near(float(grid[low]), values, top), _whole_if_near(float(grid[high]), values, top)


def _whole_if_near(value: float, values: NDArray[np.float64], top: float) -> float:
    """A point of the grid that stands for a whole number is that number."""
    nearest = float(values[abs(values - value).argmin()])
    return nearest if abs(nearest - value) <= top / 399 else round(value, 4)
