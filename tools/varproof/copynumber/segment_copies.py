"""Copies of each segment at one fit, with limits, over the cells of purity and ploidy around it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.segment_data import BALANCE
from varproof.copynumber.states import state_prior
from varproof.copynumber.surface import GivenStates, SegmentArrays, exp_rows, log_rows
from varproof.machinery.numerics_numba_fns import weighted_row_sums

_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class CopyNumber:
    """Copies per tumour cell of a segment with 95 % limits; `clonal`: whole numbers fit; `minor`: None if unknown."""

    total: float
    minor: float | None
    total_limits: tuple[float, float]
    minor_limits: tuple[float, float] | None
    clonal: bool


@dataclass(frozen=True)
class _Averages:
    """Copies of segments (S,) as averages over cells, as depth and balance say, with their errors."""

    total: NDArray[np.float64]
    total_sd: NDArray[np.float64]
    minor: NDArray[np.float64]
    minor_sd: NDArray[np.float64]


def copies_of(arrays: SegmentArrays, cells: NDArray[np.float64], given: GivenStates | None) -> tuple[CopyNumber, ...]:
    """Copies of S segments over cells (C, 3) of purity, ploidy and weight, sorted by purity; `given`: those that are known."""
    if given is not None:
        return tuple(
            CopyNumber(total, _or_none(minor), (total, total), None if minor != minor else (minor, minor), True)
            for total, minor in zip(given.total.tolist(), given.minor.tolist(), strict=True)
        )
    from varproof.copynumber.fit_numba_fns import cell_states

    prior = state_prior()
    weights = cells[:, 2] / cells[:, 2].sum()
    means = log_rows(cells[:, 0] * cells[:, 1] + 2 * (1 - cells[:, 0]))
    chances = arrays.cells(cell_states, np.ascontiguousarray(cells[:, 0]), means)
    mass = (chances * weights[:, None, None]).sum(axis=0)
    averages = _averages(arrays, cells)
    best = averages[int(weights.argmax())]
    out = []
    for i, (states, normal) in enumerate(zip(mass, arrays.normal.tolist(), strict=True)):
        whole, other = states[:-1], float(states[-1])
        top, clonal = int(whole.argmax()), bool(whole.max() >= other)
        parts = [
            (float(weight * chance[i, -1]), one) for weight, chance, one in zip(weights, chances, averages, strict=True)
            if chance[i, -1] > 0
        ]  # fmt: skip
        totals = _limits(prior.total, whole, [(w, float(one.total[i]), float(one.total_sd[i])) for w, one in parts])
        minors = _limits(prior.minor, whole, [(w, float(one.minor[i]), float(one.minor_sd[i])) for w, one in parts])
        total = float(prior.total[top]) if clonal else round(float(best.total[i]), 4)
        minor: float | None = float(prior.minor[top]) if clonal else round(float(best.minor[i]), 4)
        if normal != 2:
            minor, minors = 0.0, (0.0, 0.0)
        elif not np.ptp(arrays.balance[i]) > 0:
            minor = None
        limits = None if minor is None else (min(minors[0], minor), max(minors[1], minor))
        out.append(CopyNumber(total, minor, (min(totals[0], total), max(totals[1], total)), limits, clonal))
    return tuple(out)


def _or_none(value: float) -> float | None:
    return None if value != value else value


def _averages(arrays: SegmentArrays, cells: NDArray[np.float64]) -> list[_Averages]:
    """Of each cell."""
    density = exp_rows(arrays.balance - arrays.balance.max(axis=1, keepdims=True))
    density /= density.sum(axis=1, keepdims=True)
    centre = weighted_row_sums(density, BALANCE)
    spread = np.sqrt((density * (BALANCE - centre[:, None]) ** 2).sum(axis=1))
    peak = BALANCE[arrays.balance.argmax(axis=1)]
    ratio = exp_rows(arrays.log_ratio)
    out = []
    for purity, ploidy, _ in cells.tolist():
        seen = ratio * (purity * ploidy + 2 * (1 - purity))
        total = ((seen - (1 - purity) * arrays.normal) / purity).clip(0)
        minor = np.minimum(((peak * seen - (1 - purity)) / purity).clip(0), total / 2)
        minor_sd = np.sqrt((spread * seen / purity) ** 2 + (arrays.sd * peak * seen / purity) ** 2)
        out.append(_Averages(total, arrays.sd * seen / purity, minor, minor_sd))
    return out


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
