"""How all pictures look: one palette that survives colour blindness and print, text as text, the same bytes each time."""

import io
import math
from typing import Any

TYPE_COLOURS = {
    "snv": "#0072B2",
    "mnv": "#56B4E9",
    "insertion": "#009E73",
    "deletion": "#D55E00",
    "replacement": "#CC79A7",
    "indel": "#B8860B",
    "all": "#222222",
}
BASE_COLOURS = ("#FFFFFF", "#3BBE98", "#193D8F", "#FDAF19", "#A81A11", "#8A8F98")
"""Nothing, A, C, G, T, N: as far apart as can be (47 in CIELAB) also for those who lack one kind of cone."""
READ_COLOURS = ("#E3CFC0", "#C3CFE2")
"""Forward and reverse reads."""
ACCENT, MUTED, GRID, INK = "#0072B2", "#8A8F98", "#E3E5E8", "#1F2430"

_SETTINGS: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica Neue", "Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def probability_text(value: float) -> str:
    """A probability with as many digits as it takes to tell it from 0 and 1.

    >>> probability_text(0.25), probability_text(0.99987), probability_text(1e-9)
    ('0.250', '0.9999', '0.000000')
    """
    least = min(value, 1 - value)
    digits = 3 if least >= 0.001 else min(6, math.ceil(-math.log10(max(least, 1e-9))))
    return f"{value:.{digits}f}"


def new_figure(width_mm: float, height_mm: float) -> Any:
    """An empty figure in the house style; draw inside `with styled():`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained")


def styled(name: str = "varproof") -> Any:
    """Context in which figures of that name are drawn and saved. The name keeps ids of several SVGs in one page apart."""
    import logging

    import matplotlib

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    settings: Any = _SETTINGS | {"svg.hashsalt": name}
    return matplotlib.rc_context(settings)


def _settle(figure: Any) -> None:
    """Lay a figure out once, with places rounded: their last digits depend on where matrices lie in memory."""
    if figure.get_layout_engine() is None:
        return
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        axes.set_position([round(float(value), 5) for value in axes.get_position().bounds])


def svg_bytes(figure: Any) -> bytes:
    """The figure as SVG, the same bytes for the same figure."""
    _settle(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def png_bytes(figure: Any) -> bytes:
    """The figure as PNG at 200 dpi."""
    _settle(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    return buffer.getvalue()
