"""The picture of a tumour's allele frequencies: their histogram, beside it that of cancer cell fractions if there are any, M(f)
against 1/f with the neutral line, and its test.
"""

from typing import Any

import numpy as np

from varproof.formats.metrics import NeutralEvolution, NeutralityTest
from varproof.posterior.neutrality import SIGNIFICANT
from varproof.posterior.vaf import cumulative_spectrum
from varproof.report.cell_fractions import DrawnFractions, draw_fractions
from varproof.report.style import ACCENT, INK, MUTED, TYPE_COLOURS, new_figure, png_bytes, styled, svg_bytes

_TICKS = (1.0, 0.5, 0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.01)
_TEST_BARS = 15
_BARS = "#B9BEC6"
_ALARM = TYPE_COLOURS["deletion"]


def spectrum_picture(
    vafs: Any, types: Any, fit: NeutralEvolution | None, fractions: DrawnFractions | None = None
) -> tuple[bytes, bytes]:
    """(SVG, PNG) for allele frequencies and variant types (strings), both of shape (n,); with cancer cell fractions in four
    panels, else in three.
    """
    vafs, types = np.asarray(vafs, dtype=float), np.asarray(types, dtype=str)
    with styled("varproof-spectrum"):
        if fractions is None:
            figure = new_figure(240, 82)
            histogram, cumulative, test = figure.subplots(1, 3, width_ratios=(1, 1.1, 1))
        else:
            figure = new_figure(180, 150)
            (histogram, cells), (cumulative, test) = figure.subplots(2, 2)
            draw_fractions(cells, "b  Cancer cell fractions", fractions)
        _draw_histogram(histogram, vafs, types, fit)
        _draw_cumulative(cumulative, vafs, fit)
        _draw_test(test, vafs, None if fit is None else fit.test)
        if fractions is not None:
            for axes, letter in ((cumulative, "c"), (test, "d")):
                axes.set_title(letter + axes.get_title("left")[1:])
        return svg_bytes(figure), png_bytes(figure)


def _draw_histogram(axes: Any, vafs: Any, types: Any, fit: NeutralEvolution | None) -> None:
    axes.set_title("a  Allele frequencies")
    bins = np.linspace(0, 1, 41)
    present = [kind for kind in TYPE_COLOURS if (types == kind).any()]
    axes.hist(
        [vafs[types == kind] for kind in present] or [[]],
        bins=bins,
        stacked=True,
        color=[TYPE_COLOURS[kind] for kind in present] or None,
        label=[kind.upper() if kind in ("snv", "mnv") else kind.capitalize() for kind in present] or None,
        edgecolor="white",
        linewidth=0.4,
    )
    if fit is not None:
        axes.axvspan(fit.fmin, fit.fmax, color=MUTED, alpha=0.18, lw=0, zorder=0)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, None if len(vafs) else 1)
    axes.set_xlabel("Variant allele frequency in tumour cells (VAF)")
    axes.set_ylabel("Variants")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="x", visible=False)
    if present:
        axes.legend(loc="upper right")


def _draw_cumulative(axes: Any, vafs: Any, fit: NeutralEvolution | None) -> None:
    axes.set_title("b  Cumulative spectrum")
    positive = vafs[vafs > 0]
    axes.set_xlabel("VAF f (axis linear in 1/f)")
    axes.set_ylabel("M(f): variants with VAF ≥ f")
    axes.yaxis.get_major_locator().set_params(integer=True)
    if positive.size == 0:
        axes.text(0.5, 0.5, "no variants", transform=axes.transAxes, ha="center", color=MUTED)
        return
    frequency, count = cumulative_spectrum(positive)
    # Rarer variants than half the fit's lower end are mostly missed; they would squeeze the rest to the left.
    lowest = float(frequency[-1]) if fit is None else max(float(frequency[-1]), fit.fmin / 2)
    last = 1 / lowest
    shown = 1 / frequency <= last * 1.001
    steps, height = np.append(1 / frequency[shown], last * 1.03), np.append(count[shown], count[shown][-1])
    axes.step(steps, height, where="post", color=INK, lw=1.3, label="observed")
    axes.set_xlim(0.8, last * 1.03)
    axes.set_ylim(0, max(float(count[shown][-1]) * 1.05, 1.0))
    ticks = [tick for tick in _TICKS if 1 / tick <= last * 1.03]
    spaced = [tick for i, tick in enumerate(ticks) if i == 0 or _far_enough(tick, ticks[:i], last)]
    axes.set_xticks([1 / tick for tick in spaced], [f"{tick:g}" for tick in spaced])
    if fit is None:
        return
    above = int(np.count_nonzero(vafs >= fit.fmax))
    x = np.array([1 / fit.fmax, 1 / fit.fmin])
    axes.axvspan(*x, color=MUTED, alpha=0.18, lw=0, zorder=0, label="range of the fit")
    for rate, style in ((fit.mutation_rate, "-"), (fit.mutation_rate_low, ":"), (fit.mutation_rate_high, ":")):
        axes.plot(x, above + rate * (x - x[0]), style, color=ACCENT, lw=1.8 if style == "-" else 1)
    axes.plot([], [], color=ACCENT, lw=1.8, label="line of neutral evolution")
    score = "" if fit.r_squared is None else f", R² = {fit.r_squared:.3f}"
    result = (
        f"μ/β = {fit.mutation_rate:.3g} ({fit.mutation_rate_low:.3g}–{fit.mutation_rate_high:.3g}){score}\n"
        f"{fit.variants} variants in [{fit.fmin:g}, {fit.fmax:g})"
    )
    # M grows with 1/f, from the lower left to the upper right: what is free is under a curve that grows early, or above.
    middle = float(np.interp((0.8 + last) / 2, steps, height))
    place = "lower right" if 2 * middle > height[-1] else "upper left"
    axes.legend(loc=place, title=result, title_fontsize=8, alignment="left")


def _draw_test(axes: Any, vafs: Any, test: NeutralityTest | None) -> None:
    """The variants that were tested, and where neutral evolution has them in this sample."""
    axes.set_title("c  Is it neutral?")
    axes.set_xlabel("VAF")
    axes.set_ylabel("Variants")
    if test is None:
        axes.text(
            0.5, 0.5, "not tested: too few variants\nwhere none is missed", transform=axes.transAxes, ha="center", color=MUTED
        )
        axes.set_xticks([])
        axes.set_yticks([])
        return
    every = len(test.expected) // _TEST_BARS
    edges = np.linspace(test.low, test.high, _TEST_BARS + 1)
    expected = np.asarray(test.expected[: every * _TEST_BARS]).reshape(_TEST_BARS, every).sum(axis=1)
    counts = np.histogram(vafs, edges)[0]
    axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=_BARS, edgecolor="white", linewidth=0.6, label="observed")
    axes.stairs(expected, edges, color=ACCENT, lw=1.8, label="expected if neutral")
    band = 1.96 * np.sqrt(expected)
    axes.fill_between(
        edges, *(np.append(side, side[-1]) for side in (np.maximum(expected - band, 0), expected + band)), step="post",
        color=ACCENT, alpha=0.2, lw=0, label="95 % of such counts",
    )  # fmt: skip
    rejected = test.p_value < SIGNIFICANT
    if rejected:
        label = f"subclone? {test.excess_variants:.0f} variants at {test.excess_frequency:.2f}"
        axes.axvline(test.excess_frequency, ymax=0.52, color=_ALARM, lw=1.6, ls="--", label=label)
    axes.set_xlim(test.low, test.high)
    axes.set_ylim(0, max(float(counts.max()), float((expected + band).max())) * 1.85)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="x", visible=False)
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: labels[i] != "observed")
    axes.legend(
        [handles[i] for i in order], [labels[i] for i in order], loc="upper right", title=_verdict(test), title_fontsize=8,
        alignment="left",
    )  # fmt: skip


def _verdict(test: NeutralityTest) -> str:
    """Two lines: the test's result, and what it could have found."""
    best = max(test.power, key=lambda one: one.power)
    power = f"15 % subclones: {100 * best.power:.0f} % found"
    if test.p_value < SIGNIFICANT:
        return f"neutral evolution rejected, p = {test.p_value:.2g}"
    return f"not rejected, p = {test.p_value:.2g}\n{power}"


def _far_enough(tick: float, earlier: list[float], last: float) -> bool:
    return all(abs(1 / tick - 1 / other) > 0.055 * last for other in earlier)
