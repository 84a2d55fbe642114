"""The panel of cancer cell fractions beside a tumour's allele frequencies: their histogram, and how much of it is clonal."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.formats.metrics import CellFractionSummary
from varproof.report.style import ACCENT, TYPE_COLOURS

_BINS = 25
_SUBCLONAL = TYPE_COLOURS["indel"]


@dataclass(frozen=True)
class DrawnFractions:
    """Fractions (n,) with their probabilities (n,) of being in all tumour cells, and what they were computed with."""

    values: Any
    clonal: Any
    summary: CellFractionSummary


def draw_fractions(axes: Any, title: str, drawn: DrawnFractions) -> None:
    """Bars of all variants, of each the part that is clonal by its probability."""
    axes.set_title(title)
    values, clonal = np.asarray(drawn.values, dtype=float), np.asarray(drawn.clonal, dtype=float)
    edges = np.linspace(0, 1, _BINS + 1)
    both = [np.histogram(values, edges, weights=weights)[0] for weights in (clonal, 1 - clonal)]
    expected = float(clonal.sum())
    labels = (f"in all tumour cells: {expected:.0f}", f"in some: {len(values) - expected:.0f}")
    bottom = np.zeros(_BINS)
    for counts, colour, label in zip(both, (ACCENT, _SUBCLONAL), labels, strict=True):
        axes.bar(
            edges[:-1],
            counts,
            np.diff(edges),
            bottom,
            align="edge",
            color=colour,
            edgecolor="white",
            linewidth=0.4,
            label=label,
        )
        bottom = bottom + counts
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(float(bottom.max()), 1.0) * 1.5)
    axes.set_xlabel("Cancer cell fraction")
    axes.set_ylabel("Variants")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="x", visible=False)
    if len(values):
        axes.legend(loc="upper left", title=_said(drawn.summary), title_fontsize=8, alignment="left")


def _said(summary: CellFractionSummary) -> str:
    low, high = summary.purity_low, summary.purity_high
    interval = "" if low == high else f" ({low:.2f}–{high:.2f})"
    copies = "copy numbers from segments" if summary.copy_number == "segments" else "two copies assumed"
    return f"purity {summary.purity:.2f}{interval}\n{copies}"
