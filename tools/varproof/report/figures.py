"""The pictures of evaluate-calls, each an SVG text that goes into the page as it is."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from varproof.evaluation.evaluation import HEADLINE_FDR, share_limits
from varproof.evaluation.matching import NONE, Matching
from varproof.evaluation.variants import Calls, Truth
from varproof.formats.metrics import ClassMetrics, Metrics, OperatingPoint
from varproof.report.html import inline_svg
from varproof.report.style import INK, MUTED, TYPE_COLOURS, new_figure, styled, svg_bytes
from varproof.variants.edit import TYPES, VariantType

_TICKS = (0.01, 0.05, 0.1, 0.2, 0.35, 0.5)
_PANELS = ("snv", "mnv", "indel 1-29", "indel 30-99", "indel 100-250", "indel 251+", "replacement")
CURVES = ("snv", "mnv", "insertion", "deletion", "replacement")
_MAX_POINTS = 1500
_RECALL_BINS = (1, 2, 3, 6, 10, 20, 30, 50, 75, 100, 150, 251)
_VAF_BINS = (0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


def class_label(name: str) -> str:
    """A class's name as a reader writes it.

    >>> class_label("indel 30-99"), class_label("snv")
    ('Indels 30–99 bp', 'SNVs')
    """
    kind, _, lengths = name.partition(" ")
    plural = {"snv": "SNVs", "mnv": "MNVs", "all": "All variants"}.get(kind, kind.capitalize() + "s")
    return f"{plural} {lengths.replace('-', '–').replace('+', ' and more')} bp" if lengths else plural


def calibration_picture(metrics: Metrics, classes: Sequence[str] = _PANELS) -> str:
    """Realised against nominal rate, one panel for each of the classes that has calls, with 95 % limits."""
    shown = [entry for name in classes for entry in metrics.classes if entry.name == name and entry.calls]
    if not shown:
        return ""
    columns = min(len(shown), 3)
    rows = -(-len(shown) // columns)
    with styled("varproof-calibration"):
        figure = new_figure(60 * columns + 8, 58 * rows)
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        for axes, entry in zip(panels, shown, strict=False):
            _draw_calibration(axes, entry)
        for number, axes in enumerate(panels[: len(shown)]):
            axes.xaxis.set_tick_params(labelbottom=number + columns >= len(shown))
        figure.supxlabel("Nominal false discovery rate", fontsize=9)
        figure.supylabel("Realised", fontsize=9)
        return inline_svg(svg_bytes(figure), "calibration-")


def _draw_calibration(axes: Any, entry: ClassMetrics) -> None:
    for axis in (axes.set_xscale, axes.set_yscale):
        axis("function", functions=(lambda v: np.sqrt(np.maximum(v, 0)), lambda v: np.square(v)))
    axes.set_xlim(0, 0.6)
    axes.set_ylim(0, 1)
    for axis, ticks in ((axes.xaxis, _TICKS), (axes.yaxis, (*_TICKS, 0.75, 1.0))):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_minor_locator(no_ticks())
    axes.fill_between([0, 0.6], [0, 0.6], 1, color="#C0392B", alpha=0.06, lw=0)
    axes.plot([0, 0.6], [0, 0.6], color=MUTED, lw=1, ls=(0, (4, 3)))
    axes.set_title(class_label(entry.name))
    points = [point for point in entry.own_threshold if point.realised_fdr is not None]
    numbers = f"{entry.true_variants:,} true variants, {entry.calls:,} calls"
    axes.text(0.04, 0.95, numbers, transform=axes.transAxes, va="top", fontsize=7.5, color=MUTED)
    if not points:
        return
    x, y, low, high = (np.array(values) for values in zip(*(_realised(point) for point in points), strict=True))
    several = entry.name if entry.name in TYPE_COLOURS else "indel"
    colour = TYPE_COLOURS[entry.types[0] if len(entry.types) == 1 else several]
    axes.errorbar(x, y, [y - low, high - y], fmt="o-", color=colour, ms=4, lw=1.4, elinewidth=1, capsize=2, clip_on=False)


def _realised(point: OperatingPoint) -> tuple[float, float, float, float]:
    return (point.nominal_fdr or 0.0, point.realised_fdr or 0.0, point.realised_fdr_low or 0.0, point.realised_fdr_high or 0.0)


def no_ticks() -> Any:
    """A locator of minor ticks that places none."""
    from matplotlib.ticker import NullLocator

    return NullLocator()


def precision_recall_picture(calls: Calls, truth: Truth, matching: Matching, metrics: Metrics) -> str:
    """Precision over recall while the threshold falls, per type; the point at the headline rate is marked."""
    with styled("varproof-precision-recall"):
        figure = new_figure(125, 82)
        axes = figure.subplots()
        drawn = False
        for entry in metrics.classes:
            if entry.name not in CURVES or not entry.true_variants or not entry.calls:
                continue
            recall, precision = precision_recall(calls, truth, matching, entry.name)
            axes.plot(recall, precision, color=TYPE_COLOURS[entry.name], lw=1.6, label=class_label(entry.name))
            point = next(point for point in entry.own_threshold if point.nominal_fdr == HEADLINE_FDR)
            if point.recall is not None and point.precision is not None:
                dot = {"color": TYPE_COLOURS[entry.name], "mec": "white", "clip_on": False, "zorder": 5}
                axes.plot(point.recall, point.precision, "o", ms=6, **dot)
            drawn = True
        if not drawn:
            return ""
        axes.plot([], [], "o", ms=6, color=MUTED, mec="white", label=f"nominal FDR {HEADLINE_FDR:g}")
        axes.set_xlim(0, 1.005)
        axes.set_ylim(0, 1.01)
        axes.set_xlabel("Recall")
        axes.set_ylabel("Precision")
        axes.legend(loc="lower left")
        return inline_svg(svg_bytes(figure), "precision-recall-")


def precision_recall(calls: Calls, truth: Truth, matching: Matching, name: str) -> tuple[Any, Any]:
    """Recall and precision of the calls of a type at thresholds that rise, both of shape (thresholds,), 400 at most."""
    kind = TYPES.index(VariantType(name))
    in_type, needed = calls.types == kind, matching.needed_call
    wanted = matching.call_of_truth[truth.types == kind]

    def errors_at(chosen: Any) -> Any:
        return np.sort(calls.errors[chosen])

    # A call is true from the threshold on that keeps all calls that it needs, and before false, unless it is a partial match.
    true_from = errors_at(needed[in_type & (needed != NONE)])
    never_partial = in_type & ~matching.partial
    counted_from, no_longer_false = errors_at(never_partial), errors_at(needed[never_partial & (needed != NONE)])
    thresholds = np.unique(np.concatenate([true_from, counted_from]))

    def up_to(errors: Any) -> Any:
        return np.searchsorted(errors, thresholds, side="right")

    true, false = up_to(true_from), up_to(counted_from) - up_to(no_longer_false)
    recall = up_to(errors_at(wanted[wanted != NONE])) / max(wanted.size, 1)
    precision = true / np.maximum(true + false, 1)
    thinned = np.unique(np.linspace(0, max(recall.size - 1, 0), 400).astype(int)) if recall.size else np.zeros(0, dtype=int)
    return recall[thinned], precision[thinned]


def vaf_picture(calls: Calls, truth: Truth, matching: Matching, kept: Any) -> str:
    """Estimated against true allele frequency of the true calls that are kept, `kept` of shape (calls,)."""
    usable = (matching.truth_of_call != NONE) & kept & ~np.isnan(calls.vafs)
    usable[usable] = ~np.isnan(truth.vafs[matching.truth_of_call[usable]])
    kinds = [kind for kind in CURVES if (usable & (calls.types == TYPES.index(VariantType(kind)))).any()]
    if not kinds:
        return ""
    with styled("varproof-vaf"):
        figure = new_figure(4 + 46 * max(len(kinds), 2), 56)
        panels = figure.subplots(1, len(kinds), squeeze=False, sharex=True, sharey=True)[0]
        for axes, kind in zip(panels, kinds, strict=True):
            index = np.flatnonzero(usable & (calls.types == TYPES.index(VariantType(kind))))
            index = index[:: max(1, -(-index.size // _MAX_POINTS))]
            expected, found = truth.vafs[matching.truth_of_call[index]], calls.vafs[index]
            low, high = calls.vaf_low[index], calls.vaf_high[index]
            alpha = float(np.clip(60 / max(index.size, 1), 0.12, 0.6))
            axes.vlines(expected, low, high, color=TYPE_COLOURS[kind], alpha=alpha * 0.5, lw=0.7)
            axes.plot(expected, found, "o", ms=2.6, color=TYPE_COLOURS[kind], alpha=min(1.0, alpha * 2.5), mew=0)
            axes.plot([0, 1], [0, 1], color=INK, lw=0.9, ls=(0, (4, 3)))
            axes.set_title(class_label(kind))
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1)
            axes.set_aspect("equal")
        figure.supxlabel("True allele frequency", fontsize=9)
        panels[0].set_ylabel("Estimated (MAP)")
        return inline_svg(svg_bytes(figure), "vaf-")


def recall_picture(calls: Calls, truth: Truth, matching: Matching, kept: Any) -> str:
    """Recall by indel length and by allele frequency, of the calls that are kept, `kept` of shape (calls,)."""
    if not len(truth):
        return ""
    found = matching.found_among(kept)
    with_vaf = ~np.isnan(truth.vafs)
    indels = [kind for kind in ("insertion", "deletion") if (truth.types == TYPES.index(VariantType(kind))).any()]
    if not indels and not with_vaf.any():
        return ""
    with styled("varproof-recall"):
        figure = new_figure(180 if indels and with_vaf.any() else 95, 66)
        panels = list(figure.subplots(1, bool(indels) + bool(with_vaf.any()), squeeze=False, sharey=True)[0])
        panels[0].set_ylabel("Recall")
        if indels:
            axes = panels.pop(0)
            for kind in indels:
                mask = truth.types == TYPES.index(VariantType(kind))
                draw_recall(axes, truth.lengths[mask], found[mask], _RECALL_BINS, kind)
            axes.set_xscale("log")
            axes.xaxis.set_minor_locator(no_ticks())
            axes.set_xticks([1, 3, 10, 30, 100, 250], ["1", "3", "10", "30", "100", "250"])
            axes.set_xlim(0.8, 330)
            axes.set_xlabel("Indel length (bp)")
        if with_vaf.any():
            axes = panels.pop(0)
            for kind in CURVES:
                mask = with_vaf & (truth.types == TYPES.index(VariantType(kind)))
                if mask.any():
                    draw_recall(axes, truth.vafs[mask], found[mask], _VAF_BINS, kind)
            axes.set_xlim(0, 1)
            axes.set_xlabel("True allele frequency")
        for axes in figure.axes:
            axes.set_ylim(0, 1.03)
            axes.legend(loc="lower right")
        return inline_svg(svg_bytes(figure), "recall-")


def draw_recall(axes: Any, values: Any, found: Any, edges: tuple[float, ...], kind: str) -> None:
    """One type's line of recall with 95 % limits, a point for each bin at the mean of its values; arrays of shape (n,)."""
    places = np.digitize(values, edges)
    x, y, below, above = [], [], [], []
    for place in range(len(edges) + 1):
        inside = places == place
        whole, part = int(inside.sum()), int(found[inside].sum())
        if whole == 0:
            continue
        low, high = share_limits(part, whole)
        x.append(float(np.mean(values[inside])))
        y.append(part / whole)
        below.append(part / whole - (low or 0.0))
        above.append((high or 0.0) - part / whole)
    look = {"color": TYPE_COLOURS[kind], "ms": 3.5, "lw": 1.4, "elinewidth": 0.8, "label": class_label(kind)}
    axes.errorbar(x, y, [below, above], fmt="o-", **look)
