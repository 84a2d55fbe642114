"""The group of a pileup picture: alleles of the list that lie in its window, the haplotypes that reads show, and marks beside
the reads that say which alleles each carries. A colour never stands alone: a letter, a shape or a place says the same.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from varproof.report.pileup_haplotypes import CARRIES, DIFFERS, Allele, Group, Haplotype, haplotypes_of, joint_counts, phase_of
from varproof.report.style import ACCENT, INK, MUTED

OWN_COLOUR, OTHER_COLOUR, DIFFERS_COLOUR = INK, ACCENT, "#E3E5E8"
_ALLELE_LINE, _TABLE_LINE, _HEADING, _SPACE = 3.6, 4.2, 5.0, 2.0
_SQUARE, _MARK, _BESIDE = 3.4, 2.0, 1.5
_NARROWEST_BAR = 1.2
_MOST_HAPLOTYPES = 8
_NUMBER_COLUMN, _WORDS = 19.0, 54.0
_NAMED = 4
_LETTER = 1.5
"""About as wide as a letter of the words beside an allele is at most on average, mm."""
_SHOWN_BASES = 12
_KINDS = {"tumor": "tumour", "normal": "normal", "context": "contexts"}


def letter_of(number: int) -> str:
    """Name of the allele of that number in a picture."""
    return chr(ord("A") + number)


def marks_width(group: Group | None) -> float:
    """Width that marks beside the reads take, mm."""
    return 0.0 if group is None else _BESIDE + _MARK * len(group.alleles)


def _rows_of_table(group: Group) -> list[tuple[Haplotype | None, str, tuple[int, ...]]]:
    """(haplotype or None, words, reads by track) of each row."""
    found, undecided = haplotypes_of(group)
    rows: list[tuple[Haplotype | None, str, tuple[int, ...]]] = [
        (one, _described(one, group.own), one.reads) for one in found[:_MOST_HAPLOTYPES]
    ]
    more = [one.reads for one in found[_MOST_HAPLOTYPES:]]
    if more:
        reads = tuple(sum(track) for track in zip(*more, strict=True))
        rows.append((None, f"{len(more)} more haplotype{'s' if len(more) > 1 else ''}", reads))
    if any(undecided):
        rows.append((None, "can't be told", undecided))
    return rows


def _described(one: Haplotype, own: int) -> str:
    others = [letter_of(i) for i, state in enumerate(one.shows) if state == CARRIES and i != own]
    rest = len(one.shows) - 1
    named = f"all {rest} others" if len(others) == rest else f"{len(others)} of {rest} others"
    if len(others) <= _NAMED:
        named = ", ".join(others)
    if one.shows[own] == CARRIES:
        return f"this allele with {named}" if others else "this allele alone"
    if not others:
        return "none of them"
    return f"{named} {'together' if len(others) > 1 else 'alone'}"


def group_height(group: Group | None) -> float:
    """Height of alleles and haplotypes above the reads, mm."""
    if group is None:
        return 0.0
    return _ALLELE_LINE * len(group.alleles) + _SPACE + _HEADING + _TABLE_LINE * len(_rows_of_table(group)) + _SPACE


def draw_group(sheet: Any, layout: Any, group: Group, first: int, kinds: Sequence[str]) -> None:
    """Alleles under the reference, then the table of haplotypes.

    first: position of the window's first column; kinds: of the tracks.
    """
    top = layout.group
    _draw_alleles(sheet, top, layout.wide, group, first, layout.column, kinds)
    _draw_haplotypes(sheet, top + _ALLELE_LINE * len(group.alleles) + _SPACE, layout.wide, group, kinds)


def _spelt(allele: Allele) -> str:
    """As the list has it, 1-based, long alleles shortened."""
    position, *alleles = allele.record
    ref, alt = (text if len(text) <= _SHOWN_BASES else f"{text[:4]}…{text[-4:]} ({len(text):,} bp)" for text in alleles)
    return f"{position + 1:,}  {ref} > {alt}"


def _relation(group: Group, other: int, kinds: Sequence[str]) -> str:
    """How an allele lies to the picture's own, in words; reads of contexts do not count."""
    tracks = [track for track, kind in enumerate(kinds) if kind != "context"]
    both, first, second = joint_counts(group, other, tracks)
    if both + first + second == 0:
        return "no reads to tell"
    phase = phase_of(both, first, second)
    here, there = letter_of(group.own), letter_of(other)
    counts = f"{both} both, {first} {here} only, {second} {there} only"
    return f"in {phase}: {counts}" if phase else counts


def _draw_alleles(sheet: Any, top: float, wide: float, group: Group, first: int, column: float, kinds: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    window = wide / column
    axes = sheet.axes("alleles", top, wide, _ALLELE_LINE * len(group.alleles))
    axes.set_xlim(0, window)
    axes.set_ylim(len(group.alleles), 0)
    for row, allele in enumerate(group.alleles):
        own = row == group.own
        middle = (allele.start + allele.end) / 2 - first
        half = max(allele.end - allele.start, _NARROWEST_BAR / column) / 2
        low, high = max(middle - half, 0.0), min(middle + half, window)
        bar = Rectangle((low, row + 0.18), high - low, 0.64, label=f"allele {letter_of(row)}")
        bar.set(facecolor=OWN_COLOUR if own else OTHER_COLOUR, edgecolor="none")
        axes.add_patch(bar)
        look = {"va": "center", "fontsize": 7.5, "parse_math": False, "color": OWN_COLOUR if own else OTHER_COLOUR}
        gap = 1.2 / column
        axes.text(-gap, row + 0.5, letter_of(row), ha="right", weight="bold", **look)
        words = (_spelt(allele), "this allele" if own else _relation(group, row, kinds))
        for text, x, inside in _placed(words, low * column, high * column, wide):
            look["color"] = "white" if inside else OWN_COLOUR if own else OTHER_COLOUR
            side = "left" if x > low * column else "right"
            axes.text(x / column, row + 0.5, text, ha=side, weight="bold" if own else "normal", **look)


def _placed(words: tuple[str, str], low: float, high: float, wide: float) -> list[tuple[str, float, bool]]:
    """(text, its end that is next to the bar, whether it is in the bar) of two words at a bar from low to high, mm.

    Together or apart, wherever in the panel there is room; the second may have none.
    """
    gap = 1.2
    right, left, inside = (high + gap, False), (low - gap, False), (low + gap, True)
    room = {right: wide - high - gap, left: low - gap, inside: high - low - 2 * gap}

    def fits(text: str, place: tuple[float, bool]) -> bool:
        return _LETTER * len(text) <= room[place]

    together = "   ".join(words)
    for place in room:
        if fits(together, place):
            return [(together, *place)]
    for first, second in ((left, right), (right, left), (left, inside), (right, inside), (inside, right), (inside, left)):
        if fits(words[0], first) and fits(words[1], second):
            return [(words[0], *first), (words[1], *second)]
    return [(words[0], *max(room, key=lambda place: room[place]))]


def _draw_haplotypes(sheet: Any, top: float, wide: float, group: Group, kinds: Sequence[str]) -> None:
    rows = _rows_of_table(group)
    height = _HEADING + _TABLE_LINE * len(rows)
    axes = sheet.axes("haplotypes", top, wide, height)
    axes.set_xlim(0, wide)
    axes.set_ylim(height, 0)
    size = len(group.alleles)
    words_at = _SQUARE * size + 2.0
    numbers_at = [words_at + _WORDS + _NUMBER_COLUMN * k for k in range(1 + len(dict.fromkeys(kinds)))]
    small = {"va": "center", "fontsize": 7.5, "parse_math": False}
    more = f"; {group.left_out} alleles farther away are not shown" if group.left_out else ""
    axes.text(words_at, _HEADING / 2, f"haplotypes that reads show{more}", color=MUTED, **small)
    for number in range(size):
        colour = OWN_COLOUR if number == group.own else OTHER_COLOUR
        axes.text((number + 0.5) * _SQUARE, _HEADING / 2, letter_of(number), ha="center", weight="bold", color=colour, **small)
    columns = list(dict.fromkeys(kinds))
    for kind, x in zip(columns, numbers_at, strict=False):
        axes.text(x, _HEADING / 2, _KINDS[kind], ha="right", color=MUTED, **small)
    for row, (one, words, reads) in enumerate(rows):
        middle = _HEADING + (row + 0.5) * _TABLE_LINE
        axes.plot([0, numbers_at[len(columns) - 1]], [middle - _TABLE_LINE / 2] * 2, color="#E3E5E8", lw=0.5)
        for number, state in enumerate(one.shows if one else ()):
            draw_mark(axes, number * _SQUARE + 0.4, middle - 1.3, state, number == group.own)
        axes.text(words_at, middle, words, color=INK if one else MUTED, **small)
        for kind, x in zip(columns, numbers_at, strict=False):
            total = sum(number for track, number in enumerate(reads) if kinds[track] == kind)
            axes.text(x, middle, f"{total}", ha="right", color=INK if one else MUTED, **small)


def draw_mark(axes: Any, x: float, y: float, state: int, own: bool, side: float = 2.6) -> None:
    """A square: coloured where the allele is carried, pale where it is not; nothing where that is not known."""
    if state in (CARRIES, DIFFERS):
        carried = OWN_COLOUR if own else OTHER_COLOUR
        colour = carried if state == CARRIES else DIFFERS_COLOUR
        axes.fill([x, x + side, x + side, x], [y, y, y + side, y + side], color=colour, lw=0)


def legend_mark(state: int, own: bool) -> Callable[[Any, float, float], None]:
    """A mark for the legend."""

    def draw(axes: Any, x: float, y: float) -> None:
        draw_mark(axes, x, y, state, own, side=2.4)

    return draw


def draw_marks(sheet: Any, left: float, top: float, row: float, number: int, states: np.ndarray, own: int) -> None:
    """Beside the reads of track `number`: a column for each allele.

    left, top: of the marks, row: height of a read, mm; states (n, k): rows as drawn; own: the picture's allele.
    """
    rows, size = states.shape
    axes = sheet.axes(f"marks {number}", top, _MARK * size, rows * row, left=left + _BESIDE)
    axes.set_xlim(0, size)
    axes.set_ylim(rows, 0)
    colours = np.full((rows, size, 4), 255, np.uint8)
    for column in range(size):
        carried = OWN_COLOUR if column == own else OTHER_COLOUR
        for state, colour in ((CARRIES, carried), (DIFFERS, DIFFERS_COLOUR)):
            colours[states[:, column] == state, column, :3] = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        axes.text(
            column + 0.5, -0.9 / row, letter_of(column), ha="center", va="center", fontsize=6.5, color=carried, weight="bold"
        )
    axes.imshow(colours, extent=(0, size, rows, 0), aspect="auto", interpolation="none", label="marks")
    for column in range(1, size):
        axes.axvline(column, color="white", lw=0.8)
