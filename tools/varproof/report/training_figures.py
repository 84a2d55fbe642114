"""The pictures of train's report, each an SVG text that goes into the page as it is; empty where there is nothing to show."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from varproof.evaluation.evaluation import share_limits
from varproof.formats.training import (
    ClassificationMetrics,
    Curves,
    HeldOut,
    LearningCurvePoint,
    ReliabilityBin,
    Resampling,
    Subgroup,
)
from varproof.report.html import inline_svg
from varproof.report.style import ACCENT, INK, MUTED, TYPE_COLOURS, new_figure, styled, svg_bytes

MEASURE_NAMES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "brier": "Brier score",
    "expected_calibration_error": "Calibration error",
}
_LOW_IS_GOOD = ("brier", "expected_calibration_error")
_NOT_REAL, _FLAGGED = "#D55E00", "#B42318"
_MOST_GROUPS, _ENOUGH = 24, 10
_DASHED = (0, (4, 3))


def _page_picture(figure: Any, name: str) -> str:
    return inline_svg(svg_bytes(figure), f"{name}-")


def epochs_picture(history: dict[str, list[float | None]], best_epoch: int | None) -> str:
    """Loss, and accuracy and average precision, after each epoch."""
    panels = [
        ("Loss", [("loss", "training", MUTED), ("val_loss", "validation", ACCENT)]),
        (
            "Share",
            [
                ("accuracy", "accuracy, training", MUTED),
                ("val_accuracy", "accuracy, validation", ACCENT),
                ("val_average_precision", "average precision, validation", TYPE_COLOURS["insertion"]),
            ],
        ),
    ]
    shown = [(title, [line for line in lines if history.get(line[0])]) for title, lines in panels]
    shown = [(title, lines) for title, lines in shown if lines]
    if not shown:
        return ""
    with styled("varproof-epochs"):
        figure = new_figure(180 if len(shown) > 1 else 95, 68)
        for axes, (title, lines) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
            for name, label, colour in lines:
                values = [np.nan if value is None else value for value in history[name]]
                look = {"marker": "o", "ms": 2.5} if len(values) < 30 else {}
                axes.plot(np.arange(1, len(values) + 1), values, color=colour, lw=1.6, label=label, **look)
            if best_epoch is not None:
                axes.axvline(best_epoch, color=INK, lw=0.9, ls=_DASHED, label=f"kept: epoch {best_epoch}")
            axes.set_xlabel("Epoch")
            axes.set_ylabel(title)
            axes.xaxis.get_major_locator().set_params(integer=True)
            _legend(axes, "best")
        return _page_picture(figure, "epochs")


def curves_picture(curves: Curves, metrics: ClassificationMetrics) -> str:
    """ROC, and precision over recall; the dot is where the threshold stands."""
    if curves.roc is None and curves.precision_recall is None:
        return ""
    with styled("varproof-curves"):
        figure = new_figure(170, 80)
        roc, precision_recall = figure.subplots(1, 2)
        dot = {"color": ACCENT, "mec": "white", "ms": 7, "clip_on": False, "zorder": 5, "ls": "none"}
        negatives = metrics.n - metrics.positives
        if curves.roc is not None:
            roc.plot(curves.roc.false_positive_rate, curves.roc.true_positive_rate, color=ACCENT, lw=1.8, clip_on=False)
        if metrics.recall is not None and negatives:
            roc.plot(metrics.fp / negatives, metrics.recall, "o", label=f"threshold {metrics.threshold:g}", **dot)
        roc.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=_DASHED, label="by chance")
        _unit_square(roc, "False positive rate", "True positive rate", f"ROC{_valued(metrics.roc_auc, 'area')}")
        if curves.precision_recall is not None:
            recall, precision = curves.precision_recall.recall, curves.precision_recall.precision
            precision_recall.plot(recall, precision, color=ACCENT, lw=1.8, clip_on=False)
        if metrics.recall is not None and metrics.precision is not None:
            precision_recall.plot(metrics.recall, metrics.precision, "o", label=f"threshold {metrics.threshold:g}", **dot)
        if metrics.n:
            precision_recall.axhline(metrics.positives / metrics.n, color=MUTED, lw=1, ls=_DASHED, label="by chance")
        title = f"Precision and recall{_valued(metrics.average_precision, 'average')}"
        _unit_square(precision_recall, "Recall", "Precision", title)
        roc.legend(loc="lower right")
        precision_recall.legend(loc="lower left")
        return _page_picture(figure, "curves")


def _unit_square(axes: Any, x: str, y: str, title: str) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_title(title)


def _legend(axes: Any, place: str) -> None:
    """A legend that covers what lies behind it."""
    axes.legend(loc=place, frameon=True, facecolor="white", edgecolor="none", framealpha=0.75)


def _valued(value: float | None, name: str) -> str:
    return "" if value is None else f": {name} {value:.3f}"


def reliability_picture(heldout: HeldOut) -> str:
    """Observed share of real candidates by predicted probability, and how many candidates have which probability."""
    curves = heldout.curves
    if not any(entry.count for entry in curves.reliability):
        return ""
    with styled("varproof-reliability"):
        figure = new_figure(170, 86)
        diagram, histogram = figure.subplots(1, 2)
        diagram.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=_DASHED)
        if curves.reliability_uncalibrated is not None:
            _draw_reliability(diagram, curves.reliability_uncalibrated, heldout.uncalibrated, MUTED, "before", False)
        _draw_reliability(diagram, curves.reliability, heldout.calibrated, ACCENT, "calibrated", True)
        _unit_square(diagram, "Predicted probability", "Share that is real", "Reliability")
        _draw_histogram(histogram, curves.reliability)
        for axes in (diagram, histogram):
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, columnspacing=1.2, handletextpad=0.4)
        return _page_picture(figure, "reliability")


def _draw_reliability(
    axes: Any, bins: Sequence[ReliabilityBin], metrics: ClassificationMetrics, colour: str, name: str, limits: bool
) -> None:
    """A dot per bin, hollow before calibration, pale where there are too few candidates to say much."""
    error = metrics.expected_calibration_error
    look = {"marker": "o", "ls": "none", "color": colour, "mfc": colour if limits else "white", "ms": 5 if limits else 4}
    axes.plot([], [], label=name if error is None else f"{name} (mean error {error:.3f})", **look)
    for entry in bins:
        if entry.mean_predicted is None or entry.observed_fraction is None:
            continue
        alpha = 1.0 if entry.count >= _ENOUGH else 0.35
        if limits:
            low, high = share_limits(round(entry.count * entry.observed_fraction), entry.count)
            axes.vlines(entry.mean_predicted, low, high, color=colour, lw=1.1, alpha=alpha)
        axes.plot(entry.mean_predicted, entry.observed_fraction, alpha=alpha, clip_on=False, zorder=3 + limits, **look)


def _draw_histogram(axes: Any, bins: Sequence[ReliabilityBin]) -> None:
    low, wide = np.array([entry.low for entry in bins]), np.array([entry.high - entry.low for entry in bins])
    count = np.array([entry.count for entry in bins])
    real = np.round(count * np.array([entry.observed_fraction or 0.0 for entry in bins]))
    look = {"align": "edge", "lw": 0}
    axes.bar(low + 0.06 * wide, real, 0.44 * wide, color=ACCENT, label="labelled real", **look)
    axes.bar(low + 0.5 * wide, count - real, 0.44 * wide, color=_NOT_REAL, label="labelled not real", **look)
    axes.set_yscale("log")
    axes.set_ylim(0.7, max(float(count.max()) * 1.6, 10))
    axes.set_xlim(0, 1)
    axes.grid(axis="x", visible=False)
    axes.set_xlabel("Predicted probability")
    axes.set_ylabel("Candidates (logarithmic)")
    axes.set_title("Scores")


def resampling_picture(results: dict[str, Resampling]) -> str:
    """Each measure over folds and repeats: a dot per run, a bar at the mean. `results`: by name of the kind of resampling."""
    results = {name: result for name, result in results.items() if result.runs}
    if not results:
        return ""
    with styled("varproof-resampling"):
        figure = new_figure(180, 74)
        high = [name for name in MEASURE_NAMES if name not in _LOW_IS_GOOD]
        panels = figure.subplots(1, 2, width_ratios=(len(high), len(_LOW_IS_GOOD)))
        for axes, measures in zip(panels, (high, list(_LOW_IS_GOOD)), strict=True):
            for number, (name, result) in enumerate(results.items()):
                _draw_runs(axes, result, measures, number, len(results), name)
            axes.set_xticks(range(len(measures)), [MEASURE_NAMES[name].replace(" ", "\n") for name in measures])
            axes.set_xlim(-0.6, len(measures) - 0.4)
            axes.grid(axis="x", visible=False)
            axes.tick_params(axis="x", length=0)
        panels[0].set_title("The higher the better")
        panels[1].set_title("The lower the better")
        panels[1].set_ylim(bottom=0)
        if len(results) > 1:
            panels[0].legend(loc="lower left")
        return _page_picture(figure, "resampling")


def _draw_runs(axes: Any, result: Resampling, measures: Sequence[str], number: int, of: int, name: str) -> None:
    colour = (ACCENT, TYPE_COLOURS["insertion"])[number % 2]
    middle = (number - (of - 1) / 2) * 0.36
    for place, measure in enumerate(measures):
        values = np.array([getattr(run, measure) for run in result.runs], float)
        values = np.sort(values[~np.isnan(values)])
        if not values.size:
            continue
        # Side by side in a fixed order, so that dots don't hide each other and the picture is always the same.
        spread = 0.24 * ((np.arange(values.size) * 0.618) % 1 - 0.5)
        alpha = float(np.clip(12 / values.size, 0.25, 0.9))
        axes.plot(place + middle + spread, values, "o", ms=3, color=colour, alpha=alpha, mew=0)
        axes.hlines(values.mean(), place + middle - 0.16, place + middle + 0.16, color=colour, lw=2)
    axes.plot([], [], "o", ms=4, color=colour, label=f"{name} ({len(result.runs)})")


def size_picture(points: Sequence[LearningCurvePoint]) -> str:
    """Measures over the number of training candidates: mean and standard deviation over the folds."""
    points = sorted(points, key=lambda point: point.size)
    if not points:
        return ""
    with styled("varproof-size"):
        figure = new_figure(125, 74)
        axes = figure.subplots()
        colours = (INK, ACCENT, TYPE_COLOURS["insertion"])
        for name, colour in zip(("accuracy", "f1", "average_precision"), colours, strict=True):
            known = [(point.size, point.mean[name], point.sd.get(name) or 0.0) for point in points if point.mean.get(name)]
            if known:
                size, mean, sd = np.array(known, float).T
                look = {"ms": 4, "lw": 1.6, "elinewidth": 0.9, "capsize": 2, "label": MEASURE_NAMES[name]}
                axes.errorbar(size, mean, sd, fmt="o-", color=colour, **look)
        axes.set_xscale("log")
        ticks = [points[i].size for i in np.unique(np.linspace(0, len(points) - 1, min(len(points), 6)).round().astype(int))]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("Candidates to learn from (logarithmic)")
        axes.set_ylabel("Cross-validated")
        axes.legend(loc="lower right")
        return _page_picture(figure, "size")


def overall_accuracy(subgroups: Sequence[Subgroup]) -> float:
    """Accuracy of all candidates that were tested in groups: of the grouping that leaves fewest out."""
    totals: dict[str, list[int]] = {}
    for entry in subgroups:
        total = totals.setdefault(entry.grouping, [0, 0])
        total[0] += entry.n
        total[1] += entry.correct
    n, correct = max(totals.values(), key=lambda total: total[0])
    return correct / n


def subgroups_picture(subgroups: Sequence[Subgroup]) -> str:
    """Accuracy of each group with exact 95 % limits; groups that differ from the whole are red."""
    names = list(dict.fromkeys(entry.grouping for entry in subgroups))
    panels = {name: _largest([entry for entry in subgroups if entry.grouping == name]) for name in names}
    if not panels:
        return ""
    overall = overall_accuracy(subgroups)
    lowest = min(share_limits(entry.correct, entry.n)[0] or 0.0 for entries in panels.values() for entry in entries)
    left = max(0.0, min(lowest, overall) - 0.02)
    columns = _two_columns(panels)
    tallest = max(sum(len(panels[name]) + 2 for name in column) for column in columns)
    with styled("varproof-subgroups"):
        figure = new_figure(180 if len(columns) > 1 else 95, 14 + 4.6 * tallest)
        grid = figure.add_gridspec(1, len(columns))
        for place, column in enumerate(columns):
            used = [len(panels[name]) + 2 for name in column]
            filler = tallest - sum(used)
            rows = grid[place].subgridspec(len(used) + (filler > 0), 1, height_ratios=used + [filler] * (filler > 0))
            for row, name in enumerate(column):
                axes = figure.add_subplot(rows[row])
                _draw_groups(axes, panels[name], overall)
                axes.set_title(name[0].upper() + name[1:])
                axes.set_xlim(left, 1.003)
                if row + 1 < len(column):
                    axes.xaxis.set_tick_params(labelbottom=False)
                else:
                    axes.set_xlabel("Accuracy")
        return _page_picture(figure, "subgroups")


def _largest(entries: list[Subgroup]) -> list[Subgroup]:
    kept = {id(entry) for entry in sorted(entries, key=lambda entry: (not entry.significant, -entry.n))[:_MOST_GROUPS]}
    return [entry for entry in entries if id(entry) in kept]


def _two_columns(panels: dict[str, list[Subgroup]]) -> list[list[str]]:
    """Names of the panels in two columns of about the same height."""
    columns: list[list[str]] = [[], []]
    heights = [0, 0]
    for name in sorted(panels, key=lambda name: -len(panels[name])):
        shorter = int(heights[1] < heights[0])
        columns[shorter].append(name)
        heights[shorter] += len(panels[name]) + 2
    return [sorted(column, key=list(panels).index) for column in columns if column]


def _draw_groups(axes: Any, entries: list[Subgroup], overall: float) -> None:
    for place, entry in enumerate(entries):
        low, high = share_limits(entry.correct, entry.n)
        colour = _FLAGGED if entry.significant else ACCENT
        axes.hlines(place, low, high, color=colour, lw=1.2)
        axes.plot(entry.accuracy, place, "o", ms=4, color=colour, clip_on=False, zorder=5)
    axes.axvline(overall, color=INK, lw=0.9, ls=_DASHED, zorder=1)
    axes.set_ylim(len(entries) - 0.4, -0.6)
    axes.set_yticks(range(len(entries)), [f"{_short(entry.group)}  ({entry.n:,})" for entry in entries], parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def _short(text: str) -> str:
    return text if len(text) <= 28 else text[:27] + "…"
