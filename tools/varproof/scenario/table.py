"""A scenario as a table: its samples, its events, the prior of each, and what no event holds for or more than one."""

from collections.abc import Sequence

from varproof.scenario.boxes import Box
from varproof.scenario.cells import Domain
from varproof.scenario.network import Network


def described_nodes(domain: Domain, nodes: Sequence[int]) -> str:
    """The frequencies of some nodes of a sample, as a universe is written: points, and intervals that run together joined."""
    chosen = set(domain.cell[list(nodes)].tolist())
    parts: list[list[float]] = []
    points: list[bool] = []
    for cell in sorted(chosen):
        low, high, point = bounds_of(domain, cell)
        if parts and parts[-1][1] == low and cell - 1 in chosen and not (point and points[-1]):
            parts[-1][1] = high
            points[-1] = points[-1] and point
        else:
            parts.append([low, high])
            points.append(point)
    return " | ".join(f"{low:g}" if low == high else f"{low:g}..{high:g}" for low, high in parts)


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
