"""Bins to segments: changes of depth and of haplotype balance together, found by ruptures.

Both are scaled to their noise, so that the sum of squares around the segments' means is a log likelihood, and a change has to
be worth a penalty of BIC's kind (Killick et al. 2012, PELT). Neighbours that differ by less than can be told are joined.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.decisions import DECISIONS
from varproof.copynumber.depth import Bins
from varproof.copynumber.segment_data import FOUND_ALONE, FOUND_IN_NORMAL, SegmentData, SiteModel, balance_log_likelihood
from varproof.machinery.numerics import exp, log
from varproof.machinery.numerics_numba_fns import log_of

_MAD = 1.4826
_AROUND = 5
_LEAST_NOISE = 1e-3
_ALIKE_SD = 2.5
_ALIKE_LOG_LIKELIHOOD = 3.0
_BINS_OF_HALVES, _PARTS_THAT_TELL = 12, 6
_OF_MEDIANS = math.pi / 2
"""Variance of a median of normal deviations over that of their mean."""
_MEDIAN_OF_SQUARES = 0.4549364
"""Of a normal deviation."""


@dataclass(frozen=True)
class Part:
    """A run of bins, first to last - 1, of one contig."""

    first: int
    last: int


def signals(bins: Bins) -> tuple[NDArray[np.float64], float]:
    """float64 (b, 2): log ratio and balance in units of their noise, outliers cut; and the noise of the log ratio."""
    log_ratio = log_of(bins.ratio.clip(1e-3))
    noise = _noise(log_ratio, bins.contig)
    depth = _bounded(log_ratio, bins.contig, DECISIONS.bound_sd * noise)
    balance, sites = bins.balance, bins.last_site - bins.first_site
    known = np.flatnonzero(sites > 0)
    out = np.zeros((len(depth), 2))
    out[:, 0] = depth / noise
    if len(known) >= 2 * DECISIONS.least_bins:
        usual = float(np.median(sites[known]))
        spread = _noise(balance[known], bins.contig[known])
        filled = np.interp(np.arange(len(balance)), known, balance[known])
        # A bin of few sites says little: it is drawn to its neighbours.
        near = _running_median(filled, bins.contig)
        trust = np.minimum(1.0, sites / usual)
        out[:, 1] = (trust * filled + (1 - trust) * near) / max(spread, _LEAST_NOISE)
    return out, noise


def _noise(values: NDArray[np.float64], contig: NDArray[np.int64]) -> float:
    """Standard deviation of single values, from differences of neighbours."""
    steps = np.diff(values)[np.diff(contig) == 0]
    return max(_LEAST_NOISE, _MAD * float(np.median(abs(steps))) / math.sqrt(2)) if len(steps) else 1.0


def _running_median(values: NDArray[np.float64], contig: NDArray[np.int64]) -> NDArray[np.float64]:
    out = np.empty(len(values))
    for number in np.unique(contig):
        here = np.flatnonzero(contig == number)
        padded = np.pad(values[here], _AROUND, mode="edge")
        out[here] = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * _AROUND + 1), axis=1)
    return out


def _bounded(values: NDArray[np.float64], contig: NDArray[np.int64], most: float) -> NDArray[np.float64]:
    near = _running_median(values, contig)
    return values.clip(near - most, near + most)


def parts_of(bins: Bins) -> list[Part]:
    """Segments as runs of bins, in order."""
    import ruptures

    signal, _ = signals(bins)
    penalty = DECISIONS.penalty * log(float(max(len(signal), 2)))
    out = []
    for number in np.unique(bins.contig):
        here = np.flatnonzero(bins.contig == number)
        ends = [len(here)]
        if len(here) >= 2 * DECISIONS.least_bins:
            search = ruptures.KernelCPD(kernel="linear", min_size=DECISIONS.least_bins).fit(signal[here])
            ends = [int(end) for end in search.predict(pen=penalty)]
        out += [Part(int(here[0]) + a, int(here[0]) + b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    return out


def site_model(bins: Bins) -> SiteModel:
    """How the sites of these bins were found."""
    if bins.normal_depth is None:
        return FOUND_ALONE
    return SiteModel(others=FOUND_IN_NORMAL.others, bias=bins.bias)


def segments_of(bins: Bins, lengths: dict[str, int]) -> tuple[list[SegmentData], list[Part]]:
    """Segments that cover the contigs from end to end, with depth and balance; neighbours that are alike are one."""
    model, (_, noise) = site_model(bins), signals(bins)
    joined: list[tuple[Part, SegmentData]] = []
    for part in parts_of(bins):
        item = part, segment_data(bins, part, model, noise)
        while joined and (both := _as_one(bins, joined[-1], item, model, noise)) is not None:
            joined.pop()
            item = both
        joined.append(item)
    parts = [part for part, _ in joined]
    bounds = _bounds(bins, parts, lengths)
    scale, shared = _scale([data for _, data in joined], bounds), shared_error(bins, parts, noise)
    return [
        _with(data, start, end, data.ratio / scale, shared) for (_, data), (start, end) in zip(joined, bounds, strict=True)
    ], parts  # fmt: skip


def shared_error(bins: Bins, parts: list[Part], noise: float) -> float:
    """Error of a segment's log depth that does not lessen with its bins, from the halves of segments, of one copy number each.

    They differ by more than the noise of so many bins where depth has waves. A median, since some segments hide a change.
    """
    seen, expected = [], []
    for part in parts:
        if (number := part.last - part.first) < _BINS_OF_HALVES:
            continue
        values = log_of(bins.ratio[part.first : part.last].clip(1e-3))
        middle = part.first + number // 2
        halves = (values[: middle - part.first], values[middle - part.first :])
        seen.append(float(np.median(halves[0]) - np.median(halves[1])) ** 2)
        expected.append(_OF_MEDIANS * noise**2 * sum(1 / len(half) for half in halves))
    if len(seen) < _PARTS_THAT_TELL:
        return 0.0
    return math.sqrt(max(0.0, float(np.median(seen)) / _MEDIAN_OF_SQUARES - float(np.median(expected))) / 2)


def given_segments(bins: Bins, given: list[tuple[str, int, int]]) -> tuple[list[SegmentData | None], list[Part]]:
    """Depth and balance of segments that are known, None for those without bins: a bin belongs where its middle lies."""
    model, (_, noise) = site_model(bins), signals(bins)
    number = {name: place for place, name in enumerate(bins.contigs)}
    middle = (bins.start + bins.end) // 2
    out: list[SegmentData | None] = []
    parts, bounds, known = [], [], []
    for contig, start, end in given:
        here = np.flatnonzero((bins.contig == number.get(contig, -1)) & (middle >= start) & (middle < end))
        if not len(here):
            out.append(None)
            continue
        part = Part(int(here[0]), int(here[-1]) + 1)
        known.append(len(out))
        out.append(segment_data(bins, part, model, noise))
        parts.append(part)
        bounds.append((start, end))
    found = [one for one in out if one is not None]
    if not found:
        return out, []
    scale, shared = _scale(found, bounds), shared_error(bins, parts, noise)
    for place, (start, end) in zip(known, bounds, strict=True):
        data = out[place]
        assert data is not None
        out[place] = _with(data, start, end, data.ratio / scale, shared)
    return out, parts


def segment_data(bins: Bins, part: Part, model: SiteModel, noise: float) -> SegmentData:
    """What a run of bins has; its ratio is not yet held against the genome's."""
    rows = slice(part.first, part.last)
    values = log_of(bins.ratio[rows].clip(1e-3))
    middle = float(np.median(values))
    mean = float(values.clip(middle - DECISIONS.bound_sd * noise, middle + DECISIONS.bound_sd * noise).mean())
    sites = slice(int(bins.first_site[part.first]), int(bins.last_site[part.last - 1]))
    contig = int(bins.contig[part.first])
    depth = bins.depth[sites]
    return SegmentData(
        bins.contigs[contig], int(bins.start[part.first]), int(bins.end[part.last - 1]), int(bins.windows[rows].sum()),
        exp(mean), noise / math.sqrt(part.last - part.first), bins.normal_copies[contig], len(depth),
        balance_log_likelihood(bins.alternative[sites], depth, model),
    )  # fmt: skip


def _as_one(
    bins: Bins, before: tuple[Part, SegmentData], here: tuple[Part, SegmentData], model: SiteModel, noise: float
) -> tuple[Part, SegmentData] | None:
    """Two neighbours as one segment, None where they differ."""
    (left, first), (right, second) = before, here
    if first.contig != second.contig:
        return None
    apart = abs(log(first.ratio / second.ratio))
    if apart > max(DECISIONS.alike_depth, _ALIKE_SD * math.sqrt(first.error**2 + second.error**2)):
        return None
    mirrored = first.mirrored, second.mirrored
    lost = -float((first.balance + second.balance).max())
    near = None in mirrored or abs(mirrored[0] - mirrored[1]) < DECISIONS.alike_balance  # type: ignore[operator]
    if lost > _ALIKE_LOG_LIKELIHOOD and not near:
        return None
    part = Part(left.first, right.last)
    return part, segment_data(bins, part, model, noise)


def _bounds(bins: Bins, parts: list[Part], lengths: dict[str, int]) -> list[tuple[int, int]]:
    """(start, end) of each part, to the middle between its last bin and the next one's first, and to the contig's ends."""
    out: list[tuple[int, int]] = []
    for i, part in enumerate(parts):
        contig = bins.contig[part.first]
        start, end = 0, lengths[bins.contigs[contig]]
        if i and bins.contig[parts[i - 1].first] == contig:
            start = out[-1][1]
        if i + 1 < len(parts) and bins.contig[parts[i + 1].first] == contig:
            end = int(bins.end[part.last - 1] + bins.start[parts[i + 1].first]) // 2
        out.append((start, end))
    return out


def _scale(found: list[SegmentData], bounds: list[tuple[int, int]]) -> float:
    """Mean ratio over the genome where normal cells have two copies."""
    length = np.array([end - start for start, end in bounds], float)
    two = np.array([one.normal_copies == 2 for one in found])
    two = two if two.any() else np.ones(len(two), bool)
    return float((length * np.array([one.ratio for one in found]))[two].sum() / length[two].sum())


def _with(data: SegmentData, start: int, end: int, ratio: float, shared: float) -> SegmentData:
    return replace(data, start=start, end=end, ratio=ratio, shared_error=shared)
