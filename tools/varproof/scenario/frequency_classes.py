"""The boxes of a scenario in terms of classes of each sample's frequency: points, and parts of intervals.

A sample is free where its prior is flat and nothing else depends on its frequency: it descends from no other, none from it, it
is neither contaminated nor contaminates, and is compared with none. All else is fixed: it keeps the prior of the scenario.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from varproof.machinery.numerics import log as ln
from varproof.machinery.numerics_numba_fns import exp_of, log_of
from varproof.posterior.components import at_fraction
from varproof.scenario.cells import Domain
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.elimination import Eliminator, prior_of_boxes
from varproof.scenario.elimination_numba_fns import log_sums
from varproof.scenario.job import Planned
from varproof.scenario.network import Network
from varproof.scenario.score import IMPOSSIBLE, is_of, likelihoods


@dataclass(frozen=True)
class FrequencyClasses:
    """Classes of a sample's frequency: `index` (nodes,) of each node, ascending; `share` (nodes,) of a node in its class;
    `ends` (low, high) of each class, equal for points.
    """

    index: np.ndarray
    share: np.ndarray
    ends: tuple[tuple[float, float], ...]

    @property
    def size(self) -> int:
        """Number of classes."""
        return len(self.ends)


def frequency_classes(domain: Domain) -> FrequencyClasses:
    """Points, and the parts by which `cells` sums over an interval."""
    place = np.arange(domain.size) - np.searchsorted(domain.cell, domain.cell)
    first = np.flatnonzero(place % DECISIONS.panel_nodes == 0)
    index = np.searchsorted(first, np.arange(domain.size), side="right") - 1
    totals = np.bincount(index, domain.weight)
    ends: list[tuple[float, float]] = []
    for number, start in enumerate(first.tolist()):
        low, high = domain.edges[int(domain.cell[start])]
        after = int(first[number + 1]) if number + 1 < len(first) else domain.size
        if place[start]:
            low = ends[-1][1]
        if after < domain.size and place[after]:
            high = 0.5 * float(domain.fraction[after - 1] + domain.fraction[after])
        ends.append((low, high))
    return FrequencyClasses(index, domain.weight / totals[index], tuple(ends))


GroupKey = tuple[int, tuple[tuple[object, ...], ...]]
"""The event (index), and of each free sample name, ends of its classes, and which are open (bytes): what shares spectra."""


@dataclass(frozen=True)
class Layout:
    """The boxes of a network in terms of classes.

    `free`: samples that have classes, with their `classes` and `widths` (classes,), the flat mass of each. Boxes of one event
    that leave the free samples the same classes are a group: `keys` of the groups, `group` (boxes,) of each box, -1 of a box of
    no event; `event` (groups,): index into the events; `members` (groups): of each free sample its open classes (bool).
    `fixed` (groups,): ln of the mass of what is fixed; `flat` (groups,): of the free samples under flat priors.
    """

    planned: Planned
    free: tuple[str, ...]
    classes: dict[str, FrequencyClasses]
    widths: dict[str, np.ndarray]
    keys: tuple[GroupKey, ...]
    group: np.ndarray
    event: np.ndarray
    members: tuple[dict[str, np.ndarray], ...]
    fixed: np.ndarray
    flat: np.ndarray

    def of_event(self, event: int) -> np.ndarray:
        """Groups of an event."""
        return np.flatnonzero(self.event == event)

    @property
    def has_fixed(self) -> bool:
        """Whether any sample is not free."""
        return len(self.free) < len(self.planned.network.samples)


def layout_of(planned: Planned, events: Sequence[str]) -> Layout:
    """The layout of a network for these events."""
    network = planned.network
    free = free_samples(network)
    classes = {sample: frequency_classes(network.domains[sample]) for sample in free}
    widths = {sample: np.bincount(one.index, network.domains[sample].weight) for sample, one in classes.items()}
    place = {sample: network.samples.index(sample) for sample in free}
    groups: dict[GroupKey, int] = {}
    members: list[dict[str, np.ndarray]] = []
    group = np.full(len(network.boxes), -1)
    for number, box in enumerate(network.boxes):
        event = next((i for i, name in enumerate(events) if is_of(network, box, name)), -1)
        if event < 0:
            continue
        own = {}
        for sample in free:
            own[sample] = np.zeros(classes[sample].size, bool)
            own[sample][classes[sample].index[list(box.nodes[place[sample]])]] = True
        key = event, tuple((sample, classes[sample].ends, member.tobytes()) for sample, member in own.items())
        if key not in groups:
            groups[key] = len(members)
            members.append(own)
        group[number] = groups[key]
    flat = np.array(
        [sum((ln(float(widths[sample][own].sum())) for sample, own in each.items()), 0.0) for each in members]
    )  # fmt: skip
    of_boxes = prior_of_boxes(network, planned.plan)
    mass = np.array([float(log_sums(of_boxes[group == number][None])[0]) for number in range(len(members))])
    fixed = np.maximum(mass - flat, IMPOSSIBLE)
    event_of = np.array([key[0] for key in groups], np.int64)
    return Layout(planned, free, classes, widths, tuple(groups), group, event_of, tuple(members), fixed, flat)


def free_samples(network: Network) -> tuple[str, ...]:
    """Samples whose prior is flat and whose frequency nothing else depends on."""
    coupled = {*network.contaminated, *network.contaminated.values()}
    found = []
    for number, sample in enumerate(network.samples):
        variable = ("fraction", sample)
        scopes = [factor.variables for factor in network.factors if variable in factor.variables]
        classes = frequency_classes(network.domains[sample])
        whole = all(_has_whole(classes, nodes) for nodes in {box.nodes[number] for box in network.boxes})
        if sample not in coupled and scopes == [(variable,)] and whole:
            found.append(sample)
    return tuple(found)


def _has_whole(classes: FrequencyClasses, nodes: tuple[int, ...]) -> bool:
    index = classes.index[list(nodes)]
    return bool(np.isin(classes.index, index).sum() == len(nodes))


@dataclass(frozen=True)
class ClassTables:
    """What n candidates of one layout show.

    `shown`: of each free sample (n, classes), over the largest of each candidate; `top` (n,): ln of the product of these.
    `fixed` (n, groups) or (1, groups): ln of the mean over what is fixed. `artifact` (n, components): likelihoods of artefacts,
    over the largest; `artifact_top` (n,): ln of that, over `top`.
    """

    shown: dict[str, np.ndarray]
    top: np.ndarray
    fixed: np.ndarray
    artifact: np.ndarray
    artifact_top: np.ndarray

    @property
    def size(self) -> int:
        """Number of candidates."""
        return len(self.top)


def class_tables(
    layout: Layout, fractions: Mapping[str, float], tables: Mapping[str, np.ndarray], artifact: np.ndarray
) -> ClassTables:
    """Tables of candidates: `tables` by sample (n, GRID_SIZE), `artifact` (n, components) ln; `fractions` of contamination."""
    network = layout.planned.network
    shown, top = {}, np.zeros(len(artifact))
    for sample in layout.free:
        classes = layout.classes[sample]
        values = at_fraction(tables[sample], network.domains[sample].fraction) + log_of(classes.share)
        edges = np.searchsorted(classes.index, np.arange(classes.size + 1))
        parts = [log_sums(np.ascontiguousarray(values[:, a:b])) for a, b in itertools.pairwise(edges.tolist())]
        of_classes = np.stack(parts, axis=1)
        largest = of_classes.max(axis=1)
        shown[sample] = exp_of(of_classes - largest[:, None])
        top += largest
    fixed = np.zeros((1, len(layout.keys)))
    if layout.has_fixed:
        fixed = _fixed(layout, fractions, tables)
    likeliest = artifact.max(axis=1)
    return ClassTables(shown, top, fixed, exp_of(artifact - likeliest[:, None]), likeliest - top)


def _fixed(layout: Layout, fractions: Mapping[str, float], tables: Mapping[str, np.ndarray]) -> np.ndarray:
    """(n, groups): ln of the mean likelihood of what is fixed."""
    network = layout.planned.network
    n = len(next(iter(tables.values())))
    out = np.empty((n, len(layout.keys)))
    chunk = max(1, DECISIONS.values_in_memory // max(1, layout.planned.plan.width))
    for start in range(0, n, chunk):
        rows = slice(start, start + chunk)
        own = likelihoods(network, fractions, {name: table[rows] for name, table in tables.items()})
        own = [
            np.zeros((1, network.domains[sample].size)) if sample in layout.free else values
            for sample, values in zip(network.samples, own, strict=True)
        ]
        sums = Eliminator(network, layout.planned.plan, own)
        size = len(out[rows])
        for number in range(len(layout.keys)):
            boxes = [network.boxes[i] for i in np.flatnonzero(layout.group == number).tolist()]
            parts = np.stack([np.broadcast_to(sums.box(box), size) for box in boxes], axis=1)
            out[rows, number] = log_sums(np.ascontiguousarray(parts)) - layout.flat[number] - layout.fixed[number]
    return np.maximum(out, IMPOSSIBLE)
