"""The picture of plot-scenario: which allele frequencies each event has, sample by sample; of two samples, their plane, too.

A row is a part of an event, a column a sample: bars are intervals, dots are points that have mass of their own. In the plane
each event has a colour; lines and dots are points of one sample, or of both.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from varproof.report.style import GRID, INK, MUTED, new_figure, png_bytes, styled, svg_bytes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#56B4E9", "#7B3FA0", "#4D4D4D")
_MOST_ROWS = 40

Span = tuple[float, float]
"""(low, high) of an interval; both the same of a point."""


class DrawnPart(NamedTuple):
    """A part of an event: the event, its share of the prior, and of each sample the spans that it has there."""

    event: str
    prior: float
    spans: Mapping[str, Sequence[Span]]


def scenario_picture(title: str, parts: Sequence[DrawnPart]) -> tuple[bytes, bytes]:
    """(SVG, PNG) of a scenario's parts, in order."""
    with styled("varproof-scenario"):
        figure = _figure(title, parts)
        return svg_bytes(figure), png_bytes(figure)


def _figure(title: str, parts: Sequence[DrawnPart]) -> Any:
    samples = list(parts[0].spans)
    events = list(dict.fromkeys(part.event for part in parts))
    colour = {event: COLOURS[number % len(COLOURS)] for number, event in enumerate(events)}
    colour["ABSENT"], colour["OTHER"] = MUTED, "#C9CDD3"
    rows = parts if len(parts) <= _MOST_ROWS else _together(parts)
    width = 62 + 34 * len(samples) + (78 if len(samples) == 2 else 0)
    figure = new_figure(max(120, width), max(62 if len(samples) == 2 else 30, 18 + 6.2 * len(rows)))
    ratios = [1.0] * len(samples) + ([2.3] if len(samples) == 2 else [])
    axes = figure.subplots(1, len(ratios), width_ratios=ratios, squeeze=False)[0]
    for column, sample in enumerate(samples):
        _draw_sample(axes[column], sample, rows, colour, column == 0)
    if len(samples) == 2:
        _draw_plane(axes[2], samples, parts, colour)
    more = f": {len(parts)} parts, those of an event together" if len(rows) < len(parts) else ""
    figure.suptitle(f"{title}{more}", fontsize=9.5, fontweight="bold", color=INK, x=0.01, ha="left")
    return figure


def _together(parts: Sequence[DrawnPart]) -> list[DrawnPart]:
    """One part for each event, with all frequencies that any of its parts has."""
    found: dict[str, DrawnPart] = {}
    for part in parts:
        before = found.get(part.event, DrawnPart(part.event, 0.0, {sample: () for sample in part.spans}))
        spans = {sample: tuple(dict.fromkeys((*before.spans[sample], *own))) for sample, own in part.spans.items()}
        found[part.event] = DrawnPart(part.event, before.prior + part.prior, spans)
    return list(found.values())


def _draw_sample(axes: Any, sample: str, rows: Sequence[DrawnPart], colour: Mapping[str, str], first: bool) -> None:
    for row, part in enumerate(rows):
        axes.axhline(row, color=GRID, lw=0.7, zorder=0)
        for low, high in part.spans[sample]:
            if low == high:
                axes.plot([low], [row], "o", ms=4.2, color=colour[part.event], mec="white", mew=0.5, zorder=3, clip_on=False)
            else:
                axes.plot([low, high], [row, row], lw=4.5, color=colour[part.event], alpha=0.55, solid_capstyle="butt")
    axes.set(xlim=(-0.03, 1.03), ylim=(len(rows) - 0.4, -0.6), xticks=[0, 0.5, 1], xlabel="allele frequency")
    axes.set_xticklabels(["0", "0.5", "1"])
    axes.set_title(sample)
    axes.grid(False, axis="y")
    axes.set_yticks(range(len(rows)))
    axes.tick_params(axis="y", length=0)
    axes.set_yticklabels([f"{part.event}  {part.prior:.2g}" for part in rows] if first else [""] * len(rows))


def _draw_plane(axes: Any, samples: Sequence[str], parts: Sequence[DrawnPart], colour: Mapping[str, str]) -> None:
    from matplotlib.patches import Rectangle

    seen: set[str] = set()
    for part in parts:
        for x in part.spans[samples[0]]:
            for y in part.spans[samples[1]]:
                own: dict[str, Any] = {
                    "color": colour[part.event],
                    "label": part.event if part.event not in seen else None,
                    "clip_on": False,
                }
                if x[0] == x[1] and y[0] == y[1]:
                    axes.plot([x[0]], [y[0]], "o", ms=5.5, mec="white", mew=0.6, zorder=4, **own)
                elif x[0] == x[1] or y[0] == y[1]:
                    axes.plot(x, y, lw=2.2, solid_capstyle="butt", zorder=3, **own)
                else:
                    own.pop("clip_on")
                    axes.add_patch(Rectangle((x[0], y[0]), x[1] - x[0], y[1] - y[0], alpha=0.35, lw=0, zorder=2, **own))
                seen.add(part.event)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel=samples[0], ylabel=samples[1], aspect="equal")
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, handlelength=1.2)
