"""The sheet that a pileup is drawn on: sizes in mm, panels placed on it, the legend and the scale of contributions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.formats.tensors import BASE_N
from varproof.report.pileup_group import legend_mark
from varproof.report.pileup_haplotypes import CARRIES, DIFFERS
from varproof.report.pileup_track import BASE_TEXT, IMPORTANCE_COLOURS, INSERTION_COLOUR, hollow_edge, muted_colour
from varproof.report.style import BASE_COLOURS, INK, MUTED, READ_COLOURS, new_figure

LEFT, RIGHT, TOP, BOTTOM = 13.0, 4.0, 17.0, 2.5
REFERENCE, LABEL, COVERAGE, NO_READS, GAP = 3.6, 5.4, 7.5, 6.0, 1.6
_LEGEND_LINE, _SCALE = 4.2, 10.0
_ALL_READS, _MOST_READS, _ROW_LIMITS = 230.0, 600.0, (0.4, 2.0)
_PANEL, _COLUMN_LIMITS, _NARROWEST = 165.0, (0.25, 2.4), 122.0


@dataclass(frozen=True)
class Layout:
    """Sizes in mm: of a column and a row, the panels, the marks right of them, the figure.

    `group`, `tops` and `legend`: distance from the figure's top.
    """

    column: float
    row: float
    wide: float
    marks: float
    height: float
    group: float
    tops: list[float]
    legend: float


def layout_of(
    depths: Sequence[int],
    window: int,
    explained: bool,
    legend_lines: Callable[[float], int],
    group: float = 0.0,
    marks: float = 0.0,
) -> Layout:
    """Layout for tracks of `depths` rows; the more rows, the thinner. `legend_lines`: lines of the legend by width.

    `group`: height of what is told of other alleles of the window; `marks`: width of marks beside the reads; mm.
    """
    column = max(float(np.clip(_PANEL / window, *_COLUMN_LIMITS)), _NARROWEST / window)
    rows = max(sum(depths), 1)
    row = min(float(np.clip(_ALL_READS / rows, *_ROW_LIMITS)), _MOST_READS / rows)
    group_top = TOP + REFERENCE + GAP
    tops, y = [], group_top + group
    for depth in depths:
        tops.append(y)
        y += LABEL + (COVERAGE + depth * row if depth else NO_READS) + GAP
    y += 1.5 + _SCALE * explained
    lines = legend_lines(column * window)
    return Layout(column, row, column * window, marks, y + lines * _LEGEND_LINE + BOTTOM, group_top, tops, y)


class Sheet:
    """A figure whose panels are placed in mm from its upper left corner."""

    def __init__(self, layout: Layout) -> None:
        self.width, self.height = LEFT + layout.wide + layout.marks + RIGHT, layout.height
        self.figure = new_figure(self.width, self.height)
        self.figure.set_layout_engine("none")

    def axes(self, label: str, top: float, width: float, height: float, left: float = LEFT) -> Any:
        """Empty axes without ticks and frame."""
        place = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(place, label=label)
        axes.grid(False)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.patch.set_visible(False)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes

    def text(self, x: float, y: float, text: str, **look: Any) -> None:
        """Text at (x, y)."""
        self.figure.text(x / self.width, 1 - y / self.height, text, va="center", parse_math=False, **look)


@dataclass(frozen=True)
class _Entry:
    """A mark, its width, its name and the width of both together, mm. `draw` takes axes, left and upper edge.

    first_of_line: whether it begins a line of the legend in any case.
    """

    draw: Callable[[Any, float, float], None]
    mark: float
    text: str
    width: float
    first_of_line: bool = False


_HIGH = 2.4


def _square(colour: str) -> Callable[[Any, float, float], None]:
    def draw(axes: Any, x: float, y: float) -> None:
        axes.fill([x, x + _HIGH, x + _HIGH, x], [y, y, y + _HIGH, y + _HIGH], color=colour, lw=0)

    return draw


def _arrow(colour: str, forward: bool, edge: str | None = None) -> Callable[[Any, float, float], None]:
    def draw(axes: Any, x: float, y: float) -> None:
        steps = np.array([0, 3.3, 4.5, 3.3, 0])
        outline = x + (steps if forward else 4.5 - steps)
        height = y + np.array([0, 0, _HIGH / 2, _HIGH, _HIGH])
        axes.fill(outline, height, facecolor=colour, edgecolor=edge or "none", lw=0.6)

    return draw


def _deletion(axes: Any, x: float, y: float) -> None:
    axes.plot([x, x + 4.5], [y + _HIGH / 2] * 2, color=INK, lw=0.9)


def _insertion(axes: Any, x: float, y: float) -> None:
    across, gap = [x, x + 1.2], np.nan
    axes.plot([x + 0.6] * 2, [y, y + _HIGH], color=INSERTION_COLOUR, lw=1.1, solid_capstyle="butt")
    axes.plot([*across, gap, *across], [y, y, gap, y + _HIGH, y + _HIGH], color=INSERTION_COLOUR, lw=0.9)


def _nothing(axes: Any, x: float, y: float) -> None:
    pass


def legend_entries(explained: bool, soft_clips: bool, grouped: bool = False) -> list[_Entry]:
    """What marks mean; `explained`: contributions are shown instead of the colours of bases; `grouped`: with other alleles."""
    forward, reverse = (muted_colour(colour) if explained else colour for colour in READ_COLOURS)
    entries = [_Entry(_square(BASE_COLOURS[code]), _HIGH, BASE_TEXT[code], 5.9) for code in range(1, BASE_N)]
    entries.append(_Entry(_nothing, 0, "letter: other base than the reference" if explained else "differs from reference", 27))
    if explained:
        entries = [_Entry(_nothing, 0, "letter: differs from the reference", 38)]
    entries += [
        _Entry(_arrow(forward, True), 4.5, "forward", 16),
        _Entry(_arrow(reverse, False), 4.5, "reverse", 16),
        _Entry(_arrow("white", True, hollow_edge(READ_COLOURS[0], explained)), 4.5, "mapping quality 0", 28),
        _Entry(_deletion, 4.5, "deletion", 17),
        _Entry(_insertion, 1.2, "insertion", 14),
    ]
    if not explained:
        entries.append(_Entry(_nothing, 0, "pale: low base quality", 23))
    if soft_clips:
        entries.append(_Entry(_arrow("white", True, None), 0, "thin: soft-clipped", 23))
    if grouped:
        entries += [
            _Entry(_nothing, 0, "right of a read:", 20, first_of_line=True),
            _Entry(legend_mark(CARRIES, True), _HIGH, "carries this allele", 29),
            _Entry(legend_mark(CARRIES, False), _HIGH, "carries another", 25),
            _Entry(legend_mark(DIFFERS, False), _HIGH, "does not", 16),
            _Entry(_nothing, 0, "white: can't be told", 26),
        ]
    return entries


def _placed(entries: list[_Entry], wide: float) -> list[tuple[float, int]]:
    """Left edge and line of each entry; lines break where the sheet ends."""
    places, x, line = [], 0.0, 0
    for entry in entries:
        if x and (entry.first_of_line or x + entry.width > wide + RIGHT):
            x, line = 0.0, line + 1
        places.append((x, line))
        x += entry.width
    return places


def legend_lines(entries: list[_Entry], wide: float) -> int:
    """Lines that the legend takes."""
    return _placed(entries, wide)[-1][1] + 1


def draw_legend(sheet: Sheet, layout: Layout, entries: list[_Entry]) -> None:
    """The legend at the bottom."""
    height = layout.height - layout.legend
    axes = sheet.axes("legend", layout.legend, layout.wide, height)
    axes.set_xlim(0, layout.wide)
    axes.set_ylim(height, 0)
    for entry, (x, line) in zip(entries, _placed(entries, layout.wide), strict=True):
        y = 0.8 + line * _LEGEND_LINE
        entry.draw(axes, x, y)
        gap = 0.9 if entry.mark else 0.0
        axes.text(x + entry.mark + gap, y + _HIGH / 2, entry.text, fontsize=6.8, color=INK, va="center")


def draw_scale(sheet: Sheet, layout: Layout, limit: float, saturated: bool) -> None:
    """Colours of contributions from -limit to limit; `saturated`: some lie beyond, in the last colour."""
    axes = sheet.axes("scale", layout.legend - _SCALE + 3.2, 60, 2.2, left=LEFT + layout.wide / 2 - 30)
    shades = np.linspace(-1, 1, 101)[None]
    look = {"cmap": IMPORTANCE_COLOURS, "vmin": -1, "vmax": 1, "aspect": "auto", "interpolation": "none"}
    axes.imshow(shades, extent=(-1, 1, 0, 1), **look)
    below, above = ("≤ ", "≥ ") if saturated else ("", "")
    axes.set_xticks([-1, 0, 1], [f"{below}−{limit:.2g}", "0", f"{above}+{limit:.2g}"])
    axes.tick_params(axis="x", length=2, pad=1.5, labelsize=7, color=MUTED, labelcolor=MUTED)
    place = {"va": "center", "fontsize": 7.5, "transform": axes.transAxes}
    axes.text(-0.02, 0.5, "speaks against a real variant", ha="right", **place)
    axes.text(1.02, 0.5, "speaks for it", ha="left", **place)
