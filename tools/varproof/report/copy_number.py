"""The pictures of estimate-purity: copy number, mirrored fraction and calls along the genome, and along each contig.

Where normal and tumour cells mix, no depth is a whole number of copies; what is drawn is the tumour cells' number that the
depth stands for at the estimated purity, and lines where whole numbers lie.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from varproof.formats.purity import Purity, PuritySegment
from varproof.report.style import ACCENT, INK, MUTED, TYPE_COLOURS, new_figure, png_bytes, styled, svg_bytes

_MINOR, _CALL = TYPE_COLOURS["deletion"], TYPE_COLOURS["insertion"]
_POINT = "#B9BEC6"
_MOST_POINTS = 6_000
_LEAST_TOP, _MOST_TOP = 4.5, 8.5


class DrawnBins:
    """What points are drawn of: b bins with `contig` (name), `start`, `end`, depth `ratio` (1 is the genome's mean), `mirrored`
    (mirrored BAF: the fraction of the rarer haplotype's reads; NaN without sites).
    """

    def __init__(self, contig: Any, start: Any, end: Any, ratio: Any, mirrored: Any) -> None:
        self.contig, self.start, self.end = np.asarray(contig), np.asarray(start), np.asarray(end)
        self.ratio, self.mirrored = np.asarray(ratio, float), np.asarray(mirrored, float)


class DrawnCall(NamedTuple):
    """A somatic call: its contig, 0-based position, and the fraction of the tumour's reads that carry it."""

    contig: str
    position: int
    fraction: float


def genome_picture(purity: Purity, bins: DrawnBins, calls: Sequence[DrawnCall] = ()) -> tuple[bytes, bytes]:
    """(SVG, PNG): all contigs beside each other."""
    with styled("varproof-copy-number"):
        figure = _figure(purity, bins, calls, None)
        return svg_bytes(figure), png_bytes(figure)


def contig_pictures(purity: Purity, bins: DrawnBins, calls: Sequence[DrawnCall] = ()) -> list[tuple[str, bytes]]:
    """(contig, PNG) of each contig with segments."""
    out = []
    for contig in dict.fromkeys(one.contig for one in purity.segments):
        with styled("varproof-copy-number"):
            out.append((contig, png_bytes(_figure(purity, bins, calls, contig))))
    return out


def _figure(purity: Purity, bins: DrawnBins, calls: Sequence[DrawnCall], contig: str | None) -> Any:
    segments = [one for one in purity.segments if contig in (None, one.contig)]
    lengths: dict[str, int] = {}
    for one in segments:
        lengths[one.contig] = max(lengths.get(one.contig, 0), one.end)
    offset = dict(zip(lengths, np.cumsum([0, *list(lengths.values())[:-1]]).tolist(), strict=True))
    whole = sum(lengths.values())
    figure = new_figure(240 if contig is None else 180, 150 if calls else 110)
    depth, balance, *below = figure.subplots(3 if calls else 2, 1, sharex=True, height_ratios=(1.35, 1, 1)[: 3 if calls else 2])
    lowest = below[0] if below else balance
    chosen = np.flatnonzero(np.isin(bins.contig, list(lengths)))
    step = max(1, -(-len(chosen) // _MOST_POINTS))
    chosen = chosen[::step]
    middle = (bins.start[chosen] + bins.end[chosen]) / 2 + [offset[name] for name in bins.contig[chosen].tolist()]
    size = 3.0 if len(chosen) > 1500 else 7.0
    copies = _copies(purity, bins.ratio[chosen], _normal_copies(purity, bins, chosen))
    totals = [one.total for one in segments]
    top = min(_MOST_TOP, max(_LEAST_TOP, max(totals, default=2.0) + 1))
    depth.scatter(middle, copies.clip(-0.4, top), s=size, color=_POINT, lw=0, rasterized=True)
    balance.scatter(middle, bins.mirrored[chosen], s=size, color=_POINT, lw=0, rasterized=True)
    for one in segments:
        x = np.array([one.start, one.end]) + offset[one.contig]
        depth.plot(x, [min(one.total, top)] * 2, color=INK, lw=2.4, solid_capstyle="butt")
        if one.minor is not None:
            depth.plot(x, [min(one.minor, top) - 0.06] * 2, color=_MINOR, lw=2.4, solid_capstyle="butt")
        if one.mirrored_fraction is not None:
            balance.plot(x, [one.mirrored_fraction] * 2, color=ACCENT, lw=2.4, solid_capstyle="butt")
    for axes in (depth, balance, *below)[:-1]:
        axes.tick_params(axis="x", length=0)
    for axes in below:
        _draw_calls(axes, purity, segments, [one for one in calls if one.contig in offset], offset)
    for axes in (depth, balance, *below):
        for start in list(offset.values())[1:]:
            axes.axvline(start, color=MUTED, lw=0.6)
        axes.grid(axis="x", visible=False)
    depth.plot([], [], color=INK, lw=2.4, label="total")
    depth.plot([], [], color=_MINOR, lw=2.4, label="minor")
    depth.plot([], [], "o", color=_POINT, ms=3, label="depth")
    depth.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.1)
    depth.set_title(_title(purity, contig))
    depth.set_ylabel("Copies per tumour cell" if purity.purity is not None else "Copies per cell")
    depth.set_ylim(-0.4, top)
    depth.set_yticks(range(int(top) + 1))
    balance.set_ylabel("Mirrored\nallele fraction")
    balance.set_ylim(0, 0.52)
    balance.set_yticks([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    lowest.set_xlim(0, max(whole, 1))
    if contig is None and len(lengths) > 1:
        lowest.set_xticks([offset[name] + lengths[name] / 2 for name in lengths], _names(lengths, whole))
        lowest.tick_params(axis="x", length=0)
    else:
        unit, name = (1e6, "Mbp") if whole >= 2e6 else (1e3, "kbp")
        lowest.xaxis.set_major_formatter(lambda value, _: f"{value / unit:g}")
        lowest.set_xlabel(f"Position on {contig or next(iter(lengths), '')} ({name})")
    return figure


def _draw_calls(
    axes: Any, purity: Purity, segments: list[PuritySegment], calls: list[DrawnCall], offset: dict[str, int]
) -> None:
    """Each call's fraction of reads; a line at the fraction of a variant on one copy in all tumour cells."""
    axes.scatter(
        [one.position + offset[one.contig] for one in calls], [one.fraction for one in calls], s=9, color=_CALL, lw=0,
        label="somatic calls", rasterized=True,
    )  # fmt: skip
    if purity.purity is not None:
        for one in segments:
            share = purity.purity / (purity.purity * one.total + (1 - purity.purity) * one.normal_copies)
            axes.plot(np.array([one.start, one.end]) + offset[one.contig], [min(share, 1.0)] * 2, color=INK, lw=1.2)
        axes.plot([], [], color=INK, lw=1.2, label="one copy in all tumour cells")
    axes.legend(loc="upper right", ncols=2, borderaxespad=0.1)
    axes.set_ylabel("Calls' fraction\nof reads")
    axes.set_ylim(0, 1.05)


def _title(purity: Purity, contig: str | None) -> str:
    limits = f"({purity.purity_low:.2f}–{purity.purity_high:.2f})"
    said = f"purity not told {limits}" if purity.purity is None else f"purity {purity.purity:.2f} {limits}"
    return f"{'' if contig is None else contig + ':  '}{said}, ploidy {purity.ploidy:.2f}"


def _names(lengths: dict[str, int], whole: int) -> list[str]:
    """Labels, none for contigs too small for one."""
    return [name.removeprefix("chr") if length > 0.012 * whole else "" for name, length in lengths.items()]


def _normal_copies(purity: Purity, bins: DrawnBins, chosen: Any) -> Any:
    by_contig = {one.contig: one.normal_copies for one in purity.segments}
    return np.array([by_contig[name] for name in bins.contig[chosen].tolist()], float)


def _copies(purity: Purity, ratio: Any, normal: Any) -> Any:
    """Copies per tumour cell that relative depths stand for; of the mixture, where the purity is not known."""
    p = 1.0 if purity.purity is None else purity.purity
    mean = p * purity.ploidy + 2 * (1 - p)
    return (ratio * mean - (1 - p) * normal) / p
