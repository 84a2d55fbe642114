"""The tree that qualifies candidates, as a picture: its upper levels, with what each node asks and how many it lets through."""

from pathlib import Path
from typing import Any

from varproof.formats.tree import LEAF, QualityTree
from varproof.machinery.output import write_bytes
from varproof.report.style import INK, MUTED, new_figure, styled, svg_bytes

DEEPEST = 4
"""Levels under the root that are drawn; what is cut off there is told by its number of leaves."""

_BOX_MM, _ROW_MM, _MARGIN_MM = 29.0, 19.0, 8.0


def draw_tree(tree: QualityTree, path: Path) -> None:
    """Write an SVG, the same bytes for the same tree."""
    with styled("quality-tree"):
        write_bytes(path, svg_bytes(tree_figure(tree)))


def tree_figure(tree: QualityTree) -> Any:
    """The figure; to be made inside `with styled():`."""
    from matplotlib import colormaps

    place = _places(tree)
    across, down = max(x for x, _ in place.values()) + 1, max(y for _, y in place.values()) + 1
    figure = new_figure(max(90.0, across * _BOX_MM + _MARGIN_MM), down * _ROW_MM + 2 * _MARGIN_MM)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(-0.55, across - 0.45)
    axes.set_ylim(down - 0.45, -0.75)
    axes.set_title("Share of known sites among candidates that look alike; left is yes")
    for node, (x, y) in place.items():
        for child in (tree.left[node], tree.right[node]):
            if child in place:
                axes.plot([x, place[child][0]], [y, place[child][1]], color=MUTED, linewidth=0.8, zorder=1)
        share = tree.known[node]
        shade = colormaps["Blues"](0.08 + 0.72 * share)
        axes.text(
            x, y, _text(tree, node, node in place and tree.left[node] in place),
            ha="center", va="center", fontsize=7, color="white" if share > 0.75 else INK, zorder=2,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": shade, "edgecolor": MUTED, "linewidth": 0.6},
        )  # fmt: skip
    return figure


def _text(tree: QualityTree, node: int, asks: bool) -> str:
    lines = [f"{100 * tree.known[node]:.3g} % of {tree.candidates[node]:,}"]
    if asks:
        lines.append(f"{tree.features[tree.feature[node]]} ≤ {tree.threshold[node]:.4g}")
    elif tree.left[node] != LEAF:
        lines.append(f"({_leaves(tree, node)} leaves)")
    return "\n".join(lines)


def _leaves(tree: QualityTree, node: int) -> int:
    waiting, count = [node], 0
    while waiting:
        item = waiting.pop()
        if tree.left[item] == LEAF:
            count += 1
        else:
            waiting += [tree.left[item], tree.right[item]]
    return count


def _places(tree: QualityTree) -> dict[int, tuple[float, int]]:
    """(column, level) of each node that is drawn; a parent stands over the middle of its children."""
    out: dict[int, tuple[float, int]] = {}
    columns = 0

    def put(node: int, level: int) -> float:
        nonlocal columns
        if tree.left[node] == LEAF or level == DEEPEST:
            out[node] = (float(columns), level)
            columns += 1
        else:
            out[node] = ((put(tree.left[node], level + 1) + put(tree.right[node], level + 1)) / 2, level)
        return out[node][0]

    put(0, 0)
    return out
