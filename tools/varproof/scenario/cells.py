"""The allele frequencies that a sample can have on a contig, as points with mass and intervals with nodes.

A universe is cut at every frequency that a formula names, so that each statement of a formula holds for a whole cell or for
none of it. A point is a cell of one node with mass 1; an interval has the uniform density 1 (as Varlociraptor's flat prior has
it), by Gauss and Legendre in parts that are even in the arcsine of the root, where likelihoods are equally wide everywhere.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from varproof.machinery import numerics
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.formula import Interval

HALF_PI = 0.5 * math.pi
RANK = 1e-12
"""What is added to a frequency, or taken from it, where samples are compared: less than any distance between nodes."""


@dataclass(frozen=True)
class Domain:
    """Nodes of one sample: `fraction`, `weight` (k,), `is_point` (k,) bool, `cell` (k,) int, ascending; `rank` (k,); `edges`:
    the ends of each cell.

    `rank`: what is added to the fraction in comparisons with other samples. Nodes of intervals of compared samples are there
    twice, with half the weight, a little below and a little above those of the others: ties are shared evenly.
    """

    fraction: np.ndarray
    weight: np.ndarray
    is_point: np.ndarray
    cell: np.ndarray
    rank: np.ndarray
    edges: tuple[tuple[float, float], ...]

    @property
    def size(self) -> int:
        """Number of nodes."""
        return len(self.fraction)


def merged(universe: Iterable[Interval]) -> tuple[list[float], list[tuple[float, float]]]:
    """(points, intervals without their ends, joined where they overlap) of a universe, ascending."""
    parts = list(universe)
    points = sorted({part.low for part in parts if part.is_point})
    spans: list[tuple[float, float]] = []
    for low, high in sorted((part.low, part.high) for part in parts if not part.is_point):
        if spans and low <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(high, spans[-1][1])
        else:
            spans.append((low, high))
    return points, spans


def domain(
    universe: Sequence[Interval], cuts: Iterable[float], named: Iterable[float], resolution: float | None, order: int | None
) -> Domain:
    """Nodes of a universe that is cut at `cuts`.

    `named`: frequencies that have mass of their own wherever the universe has them. `order`: the sample's number among those
    that are compared with each other, from 0; None for others.
    """
    points, spans = merged(universe)
    points = sorted({*points, *(value for value in named if any(part.contains(value) for part in universe))})
    cells: list[tuple[float, float]] = [(value, value) for value in points]
    bounds = sorted({*cuts, *points})
    for low, high in spans:
        edges = [low, *(value for value in bounds if low < value < high), high]
        cells += itertools.pairwise(edges)
    fractions: list[float] = []
    weights: list[float] = []
    is_point: list[bool] = []
    cell_of: list[int] = []
    ranks: list[float] = []
    for number, (low, high) in enumerate(sorted(cells)):
        nodes, own = ([low], [1.0]) if low == high else _nodes(low, high, points_of(resolution))
        for shift in (0.0,) if low == high or not order else (-order * RANK, order * RANK):
            fractions += nodes
            weights += own if shift == 0.0 else [0.5 * value for value in own]
            is_point += [low == high] * len(nodes)
            cell_of += [number] * len(nodes)
            ranks += [shift] * len(nodes)
    order_of = np.lexsort((ranks, fractions, cell_of))
    return Domain(
        np.array(fractions)[order_of],
        np.array(weights)[order_of],
        np.array(is_point, bool)[order_of],
        np.array(cell_of)[order_of],
        np.array(ranks)[order_of],
        tuple(sorted(cells)),
    )


def points_of(resolution: float | None) -> int:
    """Points in [0, 1] of a sample's resolution, which is their number, or their distance if under 1."""
    wanted = DECISIONS.default_resolution if resolution is None else 1.0 / resolution if resolution < 1 else resolution
    return int(min(max(wanted, DECISIONS.least_resolution), DECISIONS.most_resolution))


def _nodes(low: float, high: float, points: int) -> tuple[list[float], list[float]]:
    first, last = (numerics.arcsine(math.sqrt(value)) for value in (low, high))
    per_part = DECISIONS.panel_nodes
    parts = max(1, math.ceil(points * (last - first) / HALF_PI / per_part))
    at, weight = numerics.legendre_nodes(per_part)
    width = (last - first) / parts
    fractions, weights = [], []
    for part in range(parts):
        for x, w in zip(at, weight, strict=True):
            place = first + width * (part + 0.5 * (x + 1.0))
            root = numerics.sine(place)
            fractions.append(root * root)
            weights.append(w * width * root * numerics.cosine(place))
    scale = (high - low) / math.fsum(weights)
    return fractions, [value * scale for value in weights]
