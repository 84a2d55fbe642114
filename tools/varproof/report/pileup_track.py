"""One track of a pileup picture: coverage, reads as bars, and the bases that differ, all as a few collections of shapes.

Arrays are those of one track and candidate: base and quality planes (n, W), rows (n, columns), reference (W,). In the axes
column j of the window spans x from j to j + 1 and row i spans y from i to i + 1, downwards.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.formats.tensors import (
    BASE_A,
    BASE_MASK,
    BASE_N,
    BASE_T,
    DELETED,
    FLAGS,
    INSERTION_FOLLOWS,
    MAPQ,
    NOTHING,
    ROW_REVERSE,
    SOFT_CLIPPED,
    SUPPORTS_ALT,
    SUPPORTS_REF,
)
from varproof.report.style import BASE_COLOURS, INK, MUTED, READ_COLOURS

BASE_TEXT = " ACGTN"
TRACK_NAMES = {"tumor": "Tumour", "normal": "Normal", "context": "Context"}
GROUPS = ("alternative", "reference", "neither")
_GROUP_COLOURS = (INK, "#B9BEC6", "#E3E5E8")
INSERTION_COLOUR, SKIP_COLOUR = "#7B3FA0", "#9BC4D6"
IMPORTANCE_COLOURS = "RdBu_r"
_BAR, _THIN_MM = 0.84, 0.8
_QUALITY_STEP = 5
_STRONG = 0.55
_FULL_QUALITY = 40
_FADING = 0.7
_DEEP_ENOUGH = 0.1
_POINTS_PER_MM = 72 / 25.4
_LETTER_MM = (1.15, 1.2)
_EMPTY, _ALIGNED, _GAP, _CLIPPED = range(4)


@dataclass(frozen=True)
class Panel:
    """Axes of a track, and how many mm a column is wide and a row is high."""

    axes: Any
    column: float
    row: float

    @property
    def bar(self) -> float:
        """Height of a bar, in rows: thin rows have no space between them, which would flicker on a screen."""
        return _BAR if self.row >= _THIN_MM else 1.0

    @property
    def legible(self) -> bool:
        """Whether a letter in a cell can be read."""
        return self.column >= _LETTER_MM[0] and self.row >= _LETTER_MM[1]


def _mixed(colour: str, share: float, other: str) -> str:
    """`share` of a colour, the rest another."""
    pairs = zip(_rgb(colour), _rgb(other), strict=True)
    return "#" + "".join(f"{round(255 * (share * a + (1 - share) * b)):02X}" for a, b in pairs)


def muted_colour(colour: str) -> str:
    """Grey of the same lightness, paler: what lies under contributions."""
    grey = round(255 * (1 - 0.6 * (1 - sum(_rgb(colour)) / 3)))
    return f"#{grey:02X}{grey:02X}{grey:02X}"


def hollow_edge(colour: str, muted: bool) -> str:
    """Outline of reads of mapping quality 0."""
    return "#C4C8CE" if muted else _mixed(colour, 0.75, INK)


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))


def row_groups(flags: np.ndarray) -> np.ndarray:
    """Which allele each row carries, as an index into GROUPS (n,)."""
    return np.where(flags & SUPPORTS_ALT, 0, np.where(flags & SUPPORTS_REF, 1, 2))


def row_order(base: np.ndarray, flags: np.ndarray, column: int | None, states: np.ndarray) -> np.ndarray:
    """Rows as drawn: those with the alternative allele, the reference, then the rest; each by haplotype, then by base at
    `column`, then start.

    states (n, k): what rows show of the k alleles of the window, as `pileup_haplotypes` has it; those that carry the first come
    first. Rows are stored by start. Those without a base in the window are left out: the result may be shorter than (n,).
    """
    shown = np.flatnonzero((base & BASE_MASK).any(axis=1))
    here = np.zeros(shown.size, np.uint8) if column is None else base[shown, column] & BASE_MASK
    return shown[np.lexsort((here, *-states[shown].T[::-1], row_groups(flags[shown])))]


def mismatches(base: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Where a read has another base than the reference (N in a read counts; nothing is compared with an N), bool (n, W)."""
    codes, known = base & BASE_MASK, reference & BASE_MASK
    comparable = (known >= BASE_A) & (known <= BASE_T)
    return (codes >= BASE_A) & (codes <= BASE_N) & comparable & (codes != known)


def draw_coverage(axes: Any, base: np.ndarray, reference: np.ndarray) -> int:
    """Depth by column, grey, with the shares of other bases coloured where they are more than chance; returns the deepest."""
    window = base.shape[1]
    codes = np.where(base & SOFT_CLIPPED, NOTHING, base & BASE_MASK)
    counts = np.stack([np.count_nonzero(codes == code, axis=0) for code in range(BASE_A, BASE_N + 1)])
    depth = counts.sum(axis=0)
    deepest = max(int(depth.max(initial=0)), 1)
    axes.set_xlim(0, window)
    axes.set_ylim(0, deepest * 1.12)
    axes.stairs(depth, np.arange(window + 1), fill=True, color="#D3D7DD", lw=0)
    known = reference & BASE_MASK
    bottom = np.zeros(window)
    for code in range(BASE_A, BASE_T + 1):
        number = counts[code - BASE_A]
        shown = np.flatnonzero((known != code) & (known != NOTHING) & (number >= 2) & (number >= _DEEP_ENOUGH * depth))
        low, high = bottom[shown], bottom[shown] + number[shown]
        cells = _rectangles(shown, shown + 1.0, low, high)
        if len(cells):
            _add_polygons(axes, cells, facecolor=BASE_COLOURS[code], lw=0, label=f"coverage {BASE_TEXT[code]}")
        bottom[shown] = high
    axes.axhline(0, color="#C9CDD3", lw=0.6, zorder=3)
    return deepest


def _add_polygons(axes: Any, outlines: Any, **look: Any) -> None:
    """Shapes of an array (k, corners, 2)."""
    from matplotlib.collections import PolyCollection

    axes.add_collection(PolyCollection(outlines, **look))


def _add_lines(axes: Any, lines: Any, **look: Any) -> None:
    """Lines of an array (k, 2, 2)."""
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(lines, **look))


def _rectangles(left: Any, right: Any, top: Any, bottom: Any) -> np.ndarray:
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return np.stack([np.stack(np.broadcast_arrays(*corner), axis=-1) for corner in corners], axis=1).astype(float)


def runs_of(classes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Runs of equal values along the rows of (n, W): row, first column, end (exclusive), value; row by row."""
    n, window = classes.shape
    changes = np.ones((n, window + 1), bool)
    changes[:, 1:-1] = classes[:, 1:] != classes[:, :-1]
    row, column = np.nonzero(changes)
    first = np.flatnonzero(column < window)
    return row[first], column[first], column[first + 1], classes[row[first], column[first]]


def draw_reads(
    panel: Panel,
    base: np.ndarray,
    quality: np.ndarray,
    rows: np.ndarray,
    reference: np.ndarray,
    importance: np.ndarray | None,
) -> None:
    """Reads as bars with an arrow tip at their 3' end, pale where quality is low, gaps and marks; rows in this order.

    importance (n, W), within -1..1, replaces the colours of bases.
    """
    codes = base & BASE_MASK
    classes = np.where(base & SOFT_CLIPPED, _CLIPPED, _ALIGNED)
    classes[codes == NOTHING], classes[codes == DELETED] = _EMPTY, _GAP
    _draw_bars(panel, classes, rows, muted=importance is not None)
    if importance is None:
        _draw_fading(panel, classes, quality, rows[:, MAPQ] == 0)
    else:
        _draw_importance(panel, np.where(classes == _EMPTY, 0.0, importance))
    _draw_gaps(panel, classes)
    _draw_insertions(panel, base)
    row, column = np.nonzero(mismatches(base, reference))
    opacity = 1 - _FADING * (1 - _shade(quality[row, column]))
    if importance is None:
        draw_bases(panel, row, column, codes[row, column], opacity)
    elif panel.legible:
        strong = np.abs(importance[row, column]) > _STRONG
        draw_letters(panel, row, column, codes[row, column], np.where(strong, "#FFFFFF", INK), 0.62)


def _draw_bars(panel: Panel, classes: np.ndarray, rows: np.ndarray, muted: bool) -> None:
    window = classes.shape[1]
    row, start, end, kind = runs_of(classes)
    solid = (kind == _ALIGNED) | (kind == _CLIPPED)
    row, start, end, kind = row[solid], start[solid], end[solid], kind[solid]
    reverse = (rows[row, FLAGS] & ROW_REVERSE) != 0
    last_of_row = np.append(row[1:] != row[:-1], True)
    first_of_row = np.append(True, row[1:] != row[:-1])
    tip_right = ~reverse & last_of_row & (end < window)
    tip_left = reverse & first_of_row & (start > 0)
    half = np.where(kind == _CLIPPED, 0.22, panel.bar / 2)
    low, middle, high = row + 0.5 - half, row + 0.5, row + 0.5 + half
    tip = min(0.9, 0.8 / panel.column)
    left, right = start + tip * tip_left, end - tip * tip_right
    # Seven corners; those of a tip that isn't there coincide, and all bars are one array.
    corners = [(left, low), (right, low), (end, middle), (right, high), (left, high), (start, middle), (left, low)]
    outlines = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)
    hollow = rows[row, MAPQ] == 0
    for strand, colour in enumerate(READ_COLOURS):
        fill = muted_colour(colour) if muted else colour
        for empty in (False, True):
            chosen = (reverse == strand) & (hollow == empty)
            if not chosen.any():
                continue
            look = (
                {"facecolor": "white", "edgecolor": hollow_edge(colour, muted), "lw": 0.6}
                if empty
                else {"facecolor": fill, "lw": 0}
            )
            name = f"{'reverse' if strand else 'forward'}{' hollow' if empty else ''}"
            _add_polygons(panel.axes, outlines[chosen], label=name, **look)


def _draw_fading(panel: Panel, classes: np.ndarray, quality: np.ndarray, hollow: np.ndarray) -> None:
    """White over bars, the more the lower the base quality."""
    solid = ((classes == _ALIGNED) | (classes == _CLIPPED)) & ~hollow[:, None]
    white = np.where(solid, _FADING * (1 - _shade(quality)), 0.0)
    if white.any():
        image = np.full((*white.shape, 4), 255, np.uint8)
        image[..., 3] = np.round(255 * white)
        _draw_image(panel, image, "quality")


def _shade(quality: np.ndarray) -> np.ndarray:
    """0 (no quality) to 1, in steps: the eye sees no more, and the picture is smaller."""
    return np.round(np.minimum(quality, _FULL_QUALITY) / _QUALITY_STEP) * _QUALITY_STEP / _FULL_QUALITY


def _draw_importance(panel: Panel, importance: np.ndarray) -> None:
    """Red and blue over bars, the more the larger the contribution."""
    from matplotlib import colormaps

    image = colormaps[IMPORTANCE_COLOURS](0.5 + 0.5 * np.clip(importance, -1, 1))
    image[..., 3] = np.clip(np.abs(importance), 0, 1) ** 0.5
    _draw_image(panel, np.round(255 * image).astype(np.uint8), "importance")


def _draw_image(panel: Panel, image: np.ndarray, label: str) -> None:
    n, window = image.shape[:2]
    panel.axes.imshow(image, extent=(0, window, n, 0), aspect="auto", interpolation="none", zorder=2, label=label)


def _draw_gaps(panel: Panel, classes: np.ndarray) -> None:
    """A line through deletions, a pale one through what the read skips."""
    row, start, end, kind = runs_of(classes)
    inside = np.append(row[1:] == row[:-1], False) & np.append(False, row[1:] == row[:-1])
    for chosen, colour, name in ((kind == _GAP, INK, "deletion"), ((kind == _EMPTY) & inside, SKIP_COLOUR, "skip")):
        if chosen.any():
            y = row[chosen] + 0.5
            lines = np.stack([np.stack([start[chosen], y], axis=-1), np.stack([end[chosen], y], axis=-1)], axis=1)
            width = min(0.9, 0.35 * panel.row * _POINTS_PER_MM)
            _add_lines(panel.axes, lines, colors=colour, linewidths=width, capstyle="butt", label=name, zorder=3)


def _draw_insertions(panel: Panel, base: np.ndarray) -> None:
    """A purple I between the bases where a read has more than the reference."""
    row, column = np.nonzero(base & INSERTION_FOLLOWS)
    if not row.size:
        return
    x, low, high = column + 1.0, row + 0.12, row + 0.88
    serif = min(0.55 / panel.column, 0.45)
    stems = np.stack([np.stack([x, low], axis=-1), np.stack([x, high], axis=-1)], axis=1)
    look = {"colors": INSERTION_COLOUR, "capstyle": "butt", "zorder": 5}
    _add_lines(panel.axes, stems, linewidths=1.1, label="insertion", **look)
    if panel.row >= 1:
        serifs = [np.stack([np.stack([x - serif, y], axis=-1), np.stack([x + serif, y], axis=-1)], axis=1) for y in (low, high)]
        _add_lines(panel.axes, np.concatenate(serifs), linewidths=0.9, label="serif", **look)


def draw_bases(panel: Panel, row: Any, column: Any, codes: np.ndarray, opacity: np.ndarray, size: float = 0.62) -> None:
    """Coloured cells (k,) with the letter where it can be read; `size`: height of a capital, in rows."""
    for code in range(BASE_A, BASE_N + 1):
        chosen = codes == code
        if not chosen.any():
            continue
        share = opacity[chosen, None]
        colours = share * np.array(_rgb(BASE_COLOURS[code])) + (1 - share)
        margin = (1 - panel.bar) / 2
        cells = _rectangles(column[chosen], column[chosen] + 1.0, row[chosen] + margin, row[chosen] + 1 - margin)
        _add_polygons(panel.axes, cells, facecolors=colours, lw=0, label=f"base {BASE_TEXT[code]}", zorder=4)
    if panel.legible:
        dark = np.isin(codes, [code for code, _ in enumerate(BASE_TEXT) if BASE_TEXT[code] in "AG"]) | (opacity < 0.62)
        draw_letters(panel, row, column, codes, np.where(dark, INK, "#FFFFFF"), size)


def draw_letters(panel: Panel, row: Any, column: Any, codes: np.ndarray, colours: np.ndarray, size: float) -> None:
    """Letters of bases (k,) in the middle of their cells, as outlines: they look the same everywhere."""
    from matplotlib.collections import PathCollection
    from matplotlib.transforms import IdentityTransform

    height = min(size * panel.row, 0.8 * panel.column) * _POINTS_PER_MM
    for code in range(BASE_A, BASE_N + 1):
        chosen = codes == code
        if chosen.any():
            panel.axes.add_collection(
                PathCollection(
                    [_letter(BASE_TEXT[code])],
                    sizes=(height**2,),
                    offsets=np.stack([column[chosen] + 0.5, row[chosen] + 0.5], axis=-1),
                    offset_transform=panel.axes.transData,
                    transform=IdentityTransform(),
                    facecolors=colours[chosen],
                    linewidths=0,
                    label=f"letter {BASE_TEXT[code]}",
                    zorder=6,
                )
            )


def _letter(letter: str) -> Any:
    """Outline of a capital of height 1 around (0, 0)."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    outline = TextPath((0, 0), letter, size=100, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box, height = outline.get_extents(), 72.9
    middle = (box.x0 + box.x1) / 2
    return Affine2D().translate(-middle, -height / 2).scale(1 / height).transform_path(outline)


def draw_groups(panel: Panel, groups: np.ndarray) -> None:
    """Bars left of the reads that say which carry the alternative allele; `groups` (n,) sorted, indices into GROUPS."""
    from matplotlib.patches import Rectangle

    for group, name in enumerate(GROUPS):
        here = np.flatnonzero(groups == group)
        if not here.size:
            continue
        top, bottom = int(here[0]), int(here[-1]) + 1
        inset = min(0.3, 0.3 / panel.row)
        left, width = -1.6 / panel.column, 0.9 / panel.column
        bar = Rectangle((left, top + inset), width, bottom - top - 2 * inset, label=f"group {name}")
        bar.set(facecolor=_GROUP_COLOURS[group], edgecolor="none", clip_on=False)
        panel.axes.add_patch(bar)
        if (bottom - top) * panel.row >= 13:
            place = {"rotation": 90, "ha": "center", "va": "center", "fontsize": 7}
            panel.axes.text(left - 2.2 / panel.column, (top + bottom) / 2, name, color=MUTED if group else INK, **place)
