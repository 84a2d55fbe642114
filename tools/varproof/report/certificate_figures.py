"""The pictures of the certificate that the report does not have: recall by allele frequency and by depth."""

from typing import Any

import numpy as np

from varproof.report.certificate import DEPTH_EDGES, FREQUENCY_EDGES, bin_numbers
from varproof.report.figures import CURVES, class_label, draw_recall, no_ticks
from varproof.report.html import inline_svg
from varproof.report.style import INK, new_figure, styled, svg_bytes
from varproof.variants.edit import TYPES, VariantType

_LEAST_COLOURED = 0.15
_DEPTH_TICKS = (10, 20, 30, 50, 100, 200, 500, 1000)
_WIDE = 8
"""Times that the deepest place is deeper than the shallowest for a logarithmic axis."""


def _kinds(types: Any, usable: Any) -> list[str]:
    return [kind for kind in CURVES if (usable & (types == TYPES.index(VariantType(kind)))).any()]


def recall_lines_picture(types: Any, frequencies: Any, depths: Any, found: Any) -> str:
    """Recall by allele frequency and by depth, a line for each type; all arrays of shape (true variants,)."""
    panels = [
        (values, edges, label)
        for values, edges, label in (
            (frequencies, FREQUENCY_EDGES, "Planted allele frequency in the tumour cells"),
            (depths, DEPTH_EDGES, "Fragments of the tumour over the locus"),
        )
        if not np.isnan(values).all()
    ]
    if not panels:
        return ""
    with styled("varproof-recall-lines"):
        figure = new_figure(180 if len(panels) == 2 else 95, 66)
        for axes, (values, edges, label) in zip(
            figure.subplots(1, len(panels), squeeze=False, sharey=True)[0], panels, strict=True
        ):
            known = ~np.isnan(values)
            for kind in _kinds(types, known):
                mask = known & (types == TYPES.index(VariantType(kind)))
                draw_recall(axes, values[mask], found[mask], edges, kind)
            if edges is DEPTH_EDGES:
                _scale_depth(axes, values[known])
            else:
                axes.set_xlim(0, 1)
            axes.set_ylim(0, 1.03)
            axes.set_xlabel(label)
        figure.axes[0].set_ylabel("Recall")
        figure.axes[0].legend(loc="lower right")
        return inline_svg(svg_bytes(figure), "recall-lines-")


def _scale_depth(axes: Any, depths: Any) -> None:
    """A logarithmic axis where depths are far apart."""
    low, high = max(float(depths.min()), 1.0), max(float(depths.max()), 2.0)
    if high > _WIDE * low:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(no_ticks())
        axes.set_xticks(_DEPTH_TICKS, [str(tick) for tick in _DEPTH_TICKS])
    axes.set_xlim(low / 1.15, high * 1.15)


def recall_map_picture(types: Any, frequencies: Any, depths: Any, found: Any) -> str:
    """Recall by allele frequency and depth together, a map for each type; all arrays of shape (true variants,).

    A cell shows the recall in per cent above the number of true variants.
    """
    rows, columns = bin_numbers(frequencies, FREQUENCY_EDGES, True), bin_numbers(depths, DEPTH_EDGES, False)
    usable = (rows >= 0) & (columns >= 0)
    kinds = _kinds(types, usable)
    if not kinds:
        return ""
    shown_rows = range(rows[usable].min(), rows[usable].max() + 1)
    shown_columns = range(columns[usable].min(), columns[usable].max() + 1)
    across = min(max(8 // len(shown_columns), 1), 4)
    down = -(-len(kinds) // across)
    with styled("varproof-recall-map"):
        figure = new_figure(180, down * (14 + 8 * len(shown_rows)) + 6)
        panels = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
        for axes in panels[len(kinds) :]:
            axes.set_visible(False)
        for number, kind in enumerate(kinds):
            axes = panels[number]
            mask = usable & (types == TYPES.index(VariantType(kind)))
            _draw_map(axes, rows[mask], columns[mask], found[mask], shown_rows, shown_columns)
            axes.set_title(class_label(kind))
            axes.xaxis.set_tick_params(labelbottom=number + across >= len(kinds))
        figure.supxlabel("Fragments of the tumour over the locus", fontsize=9)
        figure.supylabel("Planted allele frequency", fontsize=9)
        return inline_svg(svg_bytes(figure), "recall-map-")


def _draw_map(axes: Any, rows: Any, columns: Any, found: Any, shown_rows: range, shown_columns: range) -> None:
    shape = (len(shown_rows), len(shown_columns))
    whole, part = np.zeros(shape), np.zeros(shape)
    cells = (rows - shown_rows[0], columns - shown_columns[0])
    np.add.at(whole, cells, 1)
    np.add.at(part, cells, found)
    share = np.ma.masked_invalid(np.divide(part, whole, out=np.full(shape, np.nan), where=whole > 0))
    # The palest tenth of the colours is left out, so that no cell looks like one without variants.
    axes.pcolormesh(
        _LEAST_COLOURED + (1 - _LEAST_COLOURED) * share, cmap="Blues", vmin=0, vmax=1.15, edgecolors="white", lw=1.5
    )
    for row, column in zip(*np.nonzero(whole), strict=True):
        value = share[row, column]
        look = {"ha": "center", "va": "center", "color": "white" if value > 0.6 else INK}
        axes.text(column + 0.5, row + 0.64, f"{value:.0%}".replace("%", " %"), fontsize=7.5, **look)
        axes.text(column + 0.5, row + 0.27, f"{int(whole[row, column])}", fontsize=6, **look)
    axes.set_xticks(np.arange(shape[1]) + 0.5, [interval_text(DEPTH_EDGES, i) for i in shown_columns], fontsize=7)
    axes.set_yticks(np.arange(shape[0]) + 0.5, [interval_text(FREQUENCY_EDGES, i) for i in shown_rows], fontsize=7)
    axes.tick_params(length=0)
    axes.grid(False)
    for side in axes.spines.values():
        side.set_visible(False)


def interval_text(edges: tuple[float, ...], number: int) -> str:
    """A bin as a reader writes it.

    >>> interval_text((0.0, 0.02, 1.0), 1), interval_text((0.0, 10.0), 1)
    ('0.02–1', '10+')
    """
    return f"{edges[number]:g}–{edges[number + 1]:g}" if number + 1 < len(edges) else f"{edges[number]:g}+"
