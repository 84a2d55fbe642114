"""A scenario as a table: its samples, its events, the prior of each, and what no event holds for or more than one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varproof.machinery.numerics_numba_fns import exp_of
from varproof.scenario.boxes import Box
from varproof.scenario.cells import Domain
from varproof.scenario.network import Network


def described_nodes(domain: Domain, nodes: Sequence[int]) -> str:
    """The frequencies of some nodes of a sample, as a universe is written; of cells that are there in part, their ends."""
    chosen = set(domain.cell[list(nodes)].tolist())
    spans: list[tuple[float, float]] = []
    points = {domain.edges[cell][0] for cell in range(len(domain.edges)) if bounds_of(domain, cell)[2]}
    here = {domain.edges[cell][0] for cell in chosen if bounds_of(domain, cell)[2]}
    for cell in sorted(chosen):
        low, high, point = bounds_of(domain, cell)
        if (
            spans
            and spans[-1][1] == low
            and (point or low in here or low not in points)
            and spans[-1][0] < max(high, spans[-1][1])
        ):
            spans[-1] = spans[-1][0], high
        else:
            spans.append((low, high))
    shown = []
    for low, high in spans:
        opening = "]" if low in points and low not in here else "["
        closing = "[" if high in points and high not in here else "]"
        shown.append(f"{low:g}" if low == high else f"{opening}{low:g},{high:g}{closing}")
    return " | ".join(shown)


def bounds_of(domain: Domain, cell: int) -> tuple[float, float, bool]:
    """(low, high, whether it is a point) of a cell: intervals reach as far as their weights add up to."""
    members = domain.cell == cell
    if bool(domain.is_point[members].any()):
        value = float(domain.fraction[members][0])
        return value, value, True
    low, high = domain.edges[cell]
    return low, high, False


def described_box(network: Network, box: Box) -> str:
    """'sample at frequencies' of all samples that a box restricts."""
    parts = []
    for sample, nodes in zip(network.samples, box.nodes, strict=True):
        domain = network.domains[sample]
        if len(nodes) < domain.size:
            parts.append(f"{sample} is {described_nodes(domain, nodes)}")
    return " and ".join(parts) or "anything is"


COLUMNS = ("event", "part", "prior")


@dataclass(frozen=True)
class Part:
    """A part of an event: for each sample the nodes that it has there, and its share of the prior."""

    events: tuple[str, ...]
    box: Box
    prior: float


def parts_of_scenario(network: Network, masses: np.ndarray) -> list[Part]:
    """The boxes of a network in the order of their events, with their shares of the prior; `masses` (boxes,): logarithms."""
    top = float(masses.max())
    shares = exp_of(masses - top)
    order = {name: number for number, name in enumerate(dict.fromkeys(name for box in network.boxes for name in box.events))}
    total = float(shares.sum())
    parts = [Part(box.events, box, value / total) for box, value in zip(network.boxes, shares.tolist(), strict=True)]
    return sorted(parts, key=lambda part: [order[name] for name in part.events] or [len(order)])


def table_of(network: Network, masses: np.ndarray, contig: str) -> str:
    """The scenario on a contig as a table: a line for each disjoint part of an event, with a column for each sample."""
    lines = [f"#contig\t{contig}", "\t".join((*COLUMNS, *network.samples))]
    counts: dict[tuple[str, ...], int] = {}
    for part in parts_of_scenario(network, masses):
        counts[part.events] = counts.get(part.events, 0) + 1
        shown = [
            described_nodes(network.domains[sample], nodes)
            for sample, nodes in zip(network.samples, part.box.nodes, strict=True)
        ]
        name = "+".join(part.events) or network.gap
        lines.append("\t".join((name, str(counts[part.events]), f"{part.prior:.6g}", *shown)))
    return "\n".join(lines) + "\n"
