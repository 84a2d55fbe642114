"""Events as disjoint boxes: in each box every sample has a set of its cells, and it is known which events hold there.

The formulas of all events are taken together, and a sample's frequency is put in after the other; cells that leave the same of
all formulas go the same way. So boxes do not overlap, whatever the formulas do, and what no event holds for, or more than one,
is seen. Where samples are compared each node is a cell of its own: that is what couples them, and its width is the number of
boxes.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from varproof.machinery.errors import UserError
from varproof.scenario.cells import Domain
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.formula import Compare, Constant, Fold, Formula, parts_of, samples_of, with_frequency


@dataclass(frozen=True)
class Box:
    """The nodes that each sample can have, as indices in order (a tuple for each sample); `events` that hold there."""

    nodes: tuple[tuple[int, ...], ...]
    events: tuple[str, ...]


def compared(formulas: Sequence[Formula]) -> list[str]:
    """Samples that are compared with others, in order."""
    found: dict[str, None] = {}
    for formula in formulas:
        for part in parts_of(formula):
            if isinstance(part, Compare | Fold):
                found |= dict.fromkeys(samples_of(part))
    return list(found)


def boxes_of(events: Mapping[str, Formula], domains: Mapping[str, Domain]) -> list[Box]:
    """Disjoint boxes that cover everything that the samples can be; raises UserError where there are too many."""
    names, samples = list(events), list(domains)
    by_node = set(compared(list(events.values())))
    found: list[Box] = []

    def split(depth: int, left: tuple[Formula, ...], nodes: tuple[tuple[int, ...], ...]) -> None:
        if depth == len(samples) or all(isinstance(item, Constant) for item in left):
            rest = tuple(tuple(range(domains[sample].size)) for sample in samples[depth:])
            holding = tuple(name for name, item in zip(names, left, strict=True) if item == Constant(True))
            found.append(Box(nodes + rest, holding))
            if len(found) > DECISIONS.most_boxes:
                raise UserError(
                    f"too wide: the events couple samples in more than {DECISIONS.most_boxes:,} ways; compare fewer samples, "
                    "or give them a coarser resolution"
                )
            return
        ways: dict[tuple[Formula, ...], list[int]] = {}
        for members in _groups(domains[samples[depth]], samples[depth] in by_node):
            here = domains[samples[depth]]
            middle = members[len(members) // 2]
            after = tuple(
                with_frequency(item, samples[depth], float(here.fraction[middle]), float(here.rank[middle])) for item in left
            )
            ways.setdefault(after, []).extend(members)
        for after, members in ways.items():
            split(depth + 1, after, (*nodes, tuple(members)))

    split(0, tuple(events.values()), ())
    return found


def _groups(domain: Domain, by_node: bool) -> list[list[int]]:
    if by_node:
        return [[number] for number in range(domain.size)]
    _, first = np.unique(domain.cell, return_index=True)
    edges = [*first.tolist(), domain.size]
    return [list(range(low, high)) for low, high in itertools.pairwise(edges)]
