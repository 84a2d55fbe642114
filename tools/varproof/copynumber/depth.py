"""Windows to bins: depth relative to two copies, corrected for GC and for the normal, with the sites that each bin has.

What a window has is held against what it would have with two copies: the normal's depth there, that of a panel of normals, or
none, times what windows of its GC have. Windows of repeats (by the mapping quality of their reads) and of unknown sequence are
left out.
"""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.counting import Counted
from varproof.copynumber.decisions import DECISIONS
from varproof.machinery.errors import TooLittle
from varproof.reads.files import some_names

logger = logging.getLogger(__name__)

_LEAST_OF_MEDIAN = 0.1
"""Windows of which the normal has a smaller share of its median depth tell nothing."""
_ONE_COPY = 0.75
_FEW_SITES = 0.2
X_NAMES, Y_NAMES, OTHER_NAMES = {"X", "chrX"}, {"Y", "chrY"}, {"M", "MT", "chrM", "chrMT"}


@dataclass(frozen=True)
class Bins:
    """b bins in order of the genome: `contig` (numbers in `contigs`), `start`, `end`, `windows`; `observed` and `expected`
    depth, summed over them; `first_site`, `last_site`: their sites among n, of which `alternative` of `depth` reads are the
    alternative allele's.

    `normal_copies`: per contig. `bias`: odds of an alternative allele in the normal's sites, 1 without one.
    """

    contigs: tuple[str, ...]
    contig: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    windows: NDArray[np.int64]
    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    first_site: NDArray[np.int64]
    last_site: NDArray[np.int64]
    alternative: NDArray[np.int64]
    depth: NDArray[np.int64]
    normal_copies: dict[int, int]
    bias: float
    left_out: tuple[str, ...]
    tumor_depth: float
    normal_depth: float | None

    @property
    def ratio(self) -> NDArray[np.float64]:
        """float64 (b,): depth over that of two copies per normal cell, up to a constant."""
        return self.observed / self.expected

    @property
    def balance(self) -> NDArray[np.float64]:
        """float64 (b,): mean distance of the alternative allele's fraction from one half; NaN without sites."""
        apart = abs(self.alternative / np.maximum(self.depth, 1) - 0.5)
        running = np.concatenate([[0.0], np.cumsum(apart)])
        number = self.last_site - self.first_site
        return np.where(number > 0, (running[self.last_site] - running[self.first_site]) / np.maximum(number, 1), np.nan)


def gc_expected(value: NDArray[np.float64], gc: NDArray[np.float64], chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """float64 (w,): what windows of that GC have, relative to the median: from medians of groups of the `chosen` ones."""
    number = min(DECISIONS.gc_bins, int(chosen.sum()) // DECISIONS.gc_windows)
    middle = float(np.median(value[chosen]))
    if number < 2 or middle <= 0:
        return np.ones(len(value))
    order = np.flatnonzero(chosen)[np.argsort(gc[chosen], kind="stable")]
    groups = np.array_split(order, number)
    places = np.array([np.median(gc[group]) for group in groups])
    heights = np.array([np.median(value[group]) for group in groups]) / middle
    places, first = np.unique(places, return_index=True)
    return np.interp(gc, places, heights[first]).clip(0.1, 10.0)


def binned(counts: Counted, of_panel: bool = False) -> Bins:
    """Bins of what was counted; `of_panel`: the normal's depth is that of a panel, of persons of either sex.

    Raises TooLittle where too little of the genome can be judged.
    """
    with_depth = not np.isnan(counts.normal).all()
    with_normal = with_depth and not of_panel
    usable = (counts.known >= DECISIONS.least_known) & (counts.mappable >= DECISIONS.least_mappable)
    if with_depth:
        seen = counts.normal[usable]
        usable &= counts.normal > _LEAST_OF_MEDIAN * (np.median(seen) if len(seen) else 0.0)
    share = np.bincount(counts.contig[usable], minlength=len(counts.contigs)) / max(1, usable.sum())
    left_out = [
        name for number, name in enumerate(counts.contigs) if share[number] < DECISIONS.least_contig or name in OTHER_NAMES
    ]
    sexes = [number for number, name in enumerate(counts.contigs) if name in X_NAMES | Y_NAMES]
    kept = [number for number, name in enumerate(counts.contigs) if name not in left_out]
    usable &= np.isin(counts.contig, kept)
    plain = usable & ~np.isin(counts.contig, sexes)
    if plain.sum() < DECISIONS.least_bins or not counts.tumor[plain].any():
        raise TooLittle("too little of the genome has reads of good mapping quality: copy number can't be told")
    normal_copies = _normal_copies(counts, plain, usable, with_normal)
    if any(normal_copies.get(number) == 0 for number in kept):
        gone = [number for number in kept if normal_copies[number] == 0]
        usable &= ~np.isin(counts.contig, gone)
        left_out += [counts.contigs[number] for number in gone]
    if left_out:
        logger.info("%d contigs are left out, small ones and those without copies: %s", len(left_out), some_names(left_out))
    base = counts.normal if with_depth else np.ones(len(counts.tumor))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = counts.tumor / base
    expected = base * gc_expected(np.nan_to_num(value, posinf=0.0), counts.gc, plain)
    if with_normal:
        halves = np.array([normal_copies[number] for number in range(len(counts.contigs))])[counts.contig] / 2
        expected = expected / halves.clip(0.5)
    elif with_depth:
        expected = expected / _of_two_copies(counts, plain, usable, sexes)
    return _joined(counts, usable, expected, normal_copies, left_out, plain, with_normal)


def _of_two_copies(
    counts: Counted, plain: NDArray[np.bool_], usable: NDArray[np.bool_], sexes: list[int]
) -> NDArray[np.float64]:
    """float64 (w,): a panel's depth over that of two copies: on X and Y what its men and women have there, elsewhere 1."""
    share = np.ones(len(counts.contigs))
    for number in sexes:
        here = usable & (counts.contig == number)
        if here.any():
            share[number] = np.median(counts.normal[here]) / np.median(counts.normal[plain])
    return np.asarray(share[counts.contig])


def _normal_copies(counts: Counted, plain: NDArray[np.bool_], usable: NDArray[np.bool_], with_normal: bool) -> dict[int, int]:
    """Copies per normal cell of each contig: of X one, and of Y one or none, as normal depth or the number of sites tells."""
    copies = dict.fromkeys(range(len(counts.contigs)), 2)
    of_x = [number for number, name in enumerate(counts.contigs) if name in X_NAMES]
    of_y = [number for number, name in enumerate(counts.contigs) if name in Y_NAMES]
    one = False
    for number in of_x:
        here = usable & (counts.contig == number)
        if not here.any():
            continue
        if with_normal:
            one = float(np.median(counts.normal[here])) < _ONE_COPY * float(np.median(counts.normal[plain]))
        else:
            sites = np.bincount(counts.site_contig, minlength=len(counts.contigs))
            others = [n for n in range(len(counts.contigs)) if n not in (*of_x, *of_y)]
            usual = sites[others].sum() / plain.sum()
            one = sites[number] / here.sum() < _FEW_SITES * usual
        copies[number] = 1 if one else 2
    for number in of_y:
        copies[number] = int(one or not of_x)
    return copies


def _joined(
    counts: Counted, usable: NDArray[np.bool_], expected: NDArray[np.float64], normal_copies: dict[int, int],
    left_out: list[str], plain: NDArray[np.bool_], with_normal: bool,
) -> Bins:  # fmt: skip
    windows = np.flatnonzero(usable)
    usual = -(-len(windows) // DECISIONS.most_bins)
    keep_site = np.isin(counts.site_contig, np.unique(counts.contig[windows]))
    site_contig, position = counts.site_contig[keep_site], counts.position[keep_site]
    reads = counts.reads[keep_site]
    edges: list[tuple[int, int]] = []  # first and last window of a bin, among `windows`
    places: list[tuple[int, int]] = []
    for number in np.unique(counts.contig[windows]).tolist():
        here = np.flatnonzero(counts.contig[windows] == number)
        offset = int(np.searchsorted(site_contig, number))
        ends = offset + np.searchsorted(position[site_contig == number], counts.end[windows[here]])
        begun, site = 0, offset
        for i in range(len(here)):
            size, found = i + 1 - begun, int(ends[i]) - site
            enough = size >= usual and (found >= DECISIONS.bin_sites or size >= DECISIONS.bin_growth * usual)
            if enough or i + 1 == len(here):
                edges.append((int(here[begun]), int(here[i])))
                places.append((site, int(ends[i])))
                begun, site = i + 1, int(ends[i])
    first, last = (np.array(side, np.int64) for side in zip(*edges, strict=True))
    length = (counts.end - counts.start)[windows].astype(float)
    sums = [
        np.add.reduceat(values[windows] * length, first) for values in (counts.tumor, expected)
    ]  # fmt: skip
    first_site, last_site = (np.array(side, np.int64) for side in zip(*places, strict=True))
    bias = 1.0
    if with_normal and len(reads):
        bias = float((reads[:, 3].sum() + 1) / (reads[:, 2].sum() + 1))
    return Bins(
        counts.contigs, counts.contig[windows[first]], counts.start[windows[first]], counts.end[windows[last]],
        last - first + 1,
        sums[0], sums[1], first_site, last_site, reads[:, 1], reads[:, 0] + reads[:, 1], normal_copies, bias, tuple(left_out),
        float(np.median(counts.tumor[plain])), float(np.median(counts.normal[plain])) if with_normal else None,
    )  # fmt: skip
