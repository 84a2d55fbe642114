"""The posterior of purity and ploidy on a grid, given segments.

It is found in two steps. A bound, the best that each segment can have at a cell, tells in which cells there may be anything;
there the likelihood is summed over states, over subclones and over histories of the genome (`states`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.decisions import DECISIONS
from varproof.copynumber.segment_data import BALANCE, SegmentData
from varproof.copynumber.states import SHARES, state_prior
from varproof.machinery.numerics_numba_fns import exp_of, log_of

PURITIES = np.round(np.arange(0.05, 1.0001, 0.005), 4)
LEAST_PLOIDY, MOST_PLOIDY = 1.0, 6.5
MEANS = np.round(np.arange(0.0, 1.872, 0.004), 4)
"""Logarithms of the mixture's mean copies, by which the ploidy is known: an error of depth is the same at all of them."""
NOWHERE = 15.0
"""Log posterior under the best from which on cells are not looked at."""
_MOST_WORK = 60_000
"""Cells times segments of a step: of more, the best ones by the bound; or the coarse grid, enough for a flat surface."""
_REFINED = 10.0
_COARSE_PURITY, _COARSE_MEAN = 2, 3
_DOUBLED_PLOIDY = 3.0
_ROOT_OF_TWO_PI = 2.5066282746310002
_EVENLY = 0.5
"""Density of the log depth of a segment that is no state: between a seventh of the mean and the same over it."""


@dataclass(frozen=True)
class GivenStates:
    """Copies of each segment that another tool has told: `total`, `minor` (S,); NaN in `minor` is any."""

    total: NDArray[np.float64]
    minor: NDArray[np.float64]

    def rows(self, chosen: list[int]) -> "GivenStates":
        """Those of some segments."""
        return GivenStates(self.total[chosen], self.minor[chosen])


@dataclass(frozen=True)
class Surface:
    """Log posterior `height` (P, N), unnormalised, of purities (P,) and of N points each in `ploidy` (P, N); `doubled` (P, N):
    probability that the genome was doubled.
    """

    purities: NDArray[np.float64]
    ploidy: NDArray[np.float64]
    height: NDArray[np.float64]
    doubled: NDArray[np.float64]


@dataclass(frozen=True)
class SegmentArrays:
    """Segments as arrays (S,): log of the ratio and its error, copies in normal cells, weight of the log likelihood, likelihood
    of any depth and balance; `balance` (S, B).
    """

    log_ratio: NDArray[np.float64]
    sd: NDArray[np.float64]
    normal: NDArray[np.int64]
    temper: NDArray[np.float64]
    flat: NDArray[np.float64]
    balance: NDArray[np.float64]

    @classmethod
    def of(cls, segments: list[SegmentData]) -> "SegmentArrays":
        """The arrays of segments, in order."""
        lengths = np.array([one.length for one in segments], float)
        share = lengths / lengths.sum()
        normal = np.array([one.normal_copies for one in segments], np.int64)
        balance = np.array([one.balance if one.normal_copies == 2 else np.zeros(len(BALANCE)) for one in segments])
        shared = np.maximum(np.array([one.shared_error for one in segments]), DECISIONS.depth_error)
        sd = np.sqrt(np.array([one.error for one in segments]) ** 2 + shared**2)
        flat = _EVENLY * _ROOT_OF_TWO_PI * sd * exp_rows(balance).mean(axis=1)
        temper = np.sqrt(np.minimum(1.0, share / DECISIONS.whole_cost_share))
        temper *= min(1.0, DECISIONS.independent_segments / temper.sum())
        log_ratio = log_rows(np.array([max(one.ratio, 1e-3) for one in segments]))
        return cls(log_ratio, sd, normal, temper, flat, np.ascontiguousarray(balance))

    def cells(self, kernel: object, purities: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
        """What a kernel of `fit_numba_fns` makes of C cells: purities (C,) in order, and log means (C,) of the copies."""
        prior = state_prior()
        return kernel(  # type: ignore[operator]
            purities, means, self.log_ratio, self.sd, self.normal, self.balance, self.temper, self.flat, prior.total,
            prior.minor, prior.chance, prior.first, prior.second, prior.base, prior.event, prior.log_weight, prior.subclonal,
            SHARES, DECISIONS.own_subclone, DECISIONS.no_state,
        )  # fmt: skip


def exp_rows(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exponentials of an array of any shape."""
    return np.asarray(exp_of(np.ascontiguousarray(values, float).ravel())).reshape(np.shape(values))


def log_rows(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of an array of any shape."""
    return np.asarray(log_of(np.ascontiguousarray(values, float).ravel())).reshape(np.shape(values))


def surface_of(arrays: SegmentArrays, purity_log_likelihood: NDArray[np.float64]) -> Surface:
    """The posterior by all that segments may be; `purity_log_likelihood` (len(PURITIES),): what else is known of the purity."""
    from varproof.copynumber.fit_numba_fns import cell_scores

    prior = state_prior()
    rows, columns = np.arange(0, len(PURITIES), _COARSE_PURITY), np.arange(0, len(MEANS), _COARSE_MEAN)
    ploidy = (exp_rows(MEANS)[None] - 2 * (1 - PURITIES[:, None])) / PURITIES[:, None]
    known = purity_log_likelihood[:, None] + _of_ploidy(ploidy)
    coarse = np.ix_([0, 1], rows.tolist(), columns.tolist())
    bound = _bound(arrays, PURITIES[rows], MEANS[columns], known[coarse])
    chosen = np.argwhere(bound >= bound.max() - NOWHERE)
    most = max(1, _MOST_WORK // len(arrays.sd))
    if len(chosen) > most:
        best = np.argsort(-bound[chosen[:, 0], chosen[:, 1]], kind="stable")[:most]
        chosen = chosen[np.sort(best)]
    height, doubled = np.full(ploidy.shape, -np.inf), np.zeros(ploidy.shape)

    def fill(cells: NDArray[np.int64]) -> None:
        places = cells[:, 0], cells[:, 1]
        by_history = arrays.cells(cell_scores, PURITIES[places[0]], MEANS[places[1]])
        by_history += known[:, places[0], places[1]].T[:, prior.doubled.astype(np.int64)]
        most = by_history.max(axis=1)
        parts = exp_rows(by_history - most[:, None])
        total = parts.sum(axis=1)
        height[places] = most + log_rows(total)
        doubled[places] = parts[:, prior.doubled].sum(axis=1) / total

    fill(np.stack([rows[chosen[:, 0]], columns[chosen[:, 1]]], axis=1))
    near = np.zeros(height.shape, bool)
    for i, j in np.argwhere(height >= height.max() - _REFINED).tolist():
        near[max(i - 1, 0) : i + _COARSE_PURITY, max(j - 1, 0) : j + _COARSE_MEAN - 1] = True
    finer = np.argwhere(near & ~np.isfinite(height) & np.isfinite(known[0]))
    if len(finer) <= 2 * most:
        fill(finer)
        height[~near] = -np.inf  # what is left of the coarse grid would count for less than it is
    return Surface(PURITIES, ploidy, height, doubled)


def given_surface(
    arrays: SegmentArrays, states: GivenStates, ploidy: float, purity_log_likelihood: NDArray[np.float64]
) -> Surface:
    """The posterior where another tool has told the copies, and so the ploidy, nearly."""
    ploidies = np.round(ploidy + np.array([-0.1, -0.05, 0.0, 0.05, 0.1]), 4)
    height = np.empty((len(PURITIES), len(ploidies)))
    for row, purity in enumerate(PURITIES.tolist()):
        means = log_rows(purity * ploidies + 2 * (1 - purity))
        whole = _whole(arrays, states.total[:, None], states.minor[:, None], purity, means)[:, :, 0]
        height[row] = np.maximum(whole, -DECISIONS.given_cost).sum(axis=1) + purity_log_likelihood[row]
    ploidy_of = np.broadcast_to(ploidies, height.shape)
    return Surface(PURITIES, ploidy_of, height, np.full(height.shape, float(ploidy > _DOUBLED_PLOIDY)))


def _of_ploidy(ploidy: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, P, N) log prior if the genome was not doubled, and if it was; that of what no tumour has is -inf."""
    usual = np.array([DECISIONS.usual_ploidy, DECISIONS.doubled_ploidy])[:, None, None]
    possible = (ploidy >= LEAST_PLOIDY) & (ploidy <= MOST_PLOIDY)
    return np.where(possible[None], -0.5 * ((ploidy[None] - usual) / DECISIONS.ploidy_sd) ** 2, -np.inf)


def _bound(
    arrays: SegmentArrays, purities: NDArray[np.float64], means: NDArray[np.float64], known: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(P, N), of N log means of copies, with what is `known` (2, P, N) without and with doubling: sums of the best
    that each segment can have, as a state or as a subclone's.
    """
    prior = state_prior()
    likeliest = log_rows(np.stack([prior.chance[prior.doubled == one].max(axis=0) for one in (False, True)]).clip(1e-12))
    weight = log_rows(np.array([1 - DECISIONS.doubled, DECISIONS.doubled]).clip(1e-12))
    reachable = np.maximum.accumulate(arrays.balance[:, ::-1], axis=1)[:, ::-1]
    out = np.empty((len(purities), len(means)))
    for row, purity in enumerate(purities.tolist()):
        whole = _whole(arrays, prior.total[None], prior.minor[None], purity, means)
        other = _free(arrays, reachable, purity, means) - DECISIONS.other_subclonal_cost
        by_history = []
        for chance, log_weight, rest in zip(likeliest, weight.tolist(), known[:, row], strict=True):
            best = np.maximum((whole + chance[arrays.normal - 1][None]).max(axis=2), other)
            by_history.append((best * arrays.temper).sum(axis=1) + log_weight + rest)
        out[row] = np.maximum(*by_history)
    return out


def _whole(
    arrays: SegmentArrays, total: NDArray[np.float64], minor: NDArray[np.float64], purity: float, means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N, S, K) log likelihoods of states (S or 1, K), at log means (N,) of the mixture's copies."""
    both = (arrays.normal == 2)[:, None]
    copies = (purity * total + (1 - purity) * arrays.normal[:, None]).clip(1e-3)
    fraction = (purity * minor + (1 - purity)) / copies
    known = np.broadcast_to(minor, fraction.shape)
    on_balance = np.where(both & ~np.isnan(fraction), _at(arrays.balance, np.clip(fraction, 0, 0.5)), 0.0)
    on_balance = np.where(~both & (known > 0), -np.inf, on_balance)  # of one haplotype none is rarer
    deviation = (arrays.log_ratio[None, :, None] + means[:, None, None] - log_rows(copies)[None]) / arrays.sd[None, :, None]
    return np.asarray(on_balance[None] - 0.5 * deviation**2)


def _free(
    arrays: SegmentArrays, reachable: NDArray[np.float64], purity: float, means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N, S) log likelihoods of the best copies at all, whole numbers or not; `reachable`: see `_bound`."""
    seen = exp_rows(arrays.log_ratio)[None] * exp_rows(means)[:, None]
    least = ((1 - purity) * arrays.normal)[None] / seen
    lacking = np.where(least > 1, log_rows(least.clip(1e-3)), 0.0) / arrays.sd[None]
    balance = _at(reachable[None], ((1 - purity) / seen).clip(0, 0.5)[:, :, None])[:, :, 0]
    return np.asarray(np.where(arrays.normal[None] == 2, balance, 0.0) - 0.5 * lacking**2)


def _at(table: NDArray[np.float64], fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of tables (..., S, B) over `BALANCE` at fractions (..., S, K), linear in between."""
    place = np.nan_to_num(fraction) * (len(BALANCE) - 1) / BALANCE[-1]
    left = np.minimum(place.astype(np.int64), len(BALANCE) - 2)
    table = np.broadcast_to(table, (*fraction.shape[:-1], table.shape[-1]))
    below, above = np.take_along_axis(table, left, -1), np.take_along_axis(table, left + 1, -1)
    return np.asarray(below + (place - left) * (above - below))
