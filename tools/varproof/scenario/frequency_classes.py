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
    ends = []
    for number, start in enumerate(first.tolist()):
        low, high = domain.edges[int(domain.cell[start])]
        after = int(first[number + 1]) if number + 1 < len(first) else domain.size
        if place[start]:
            low = ends[-1][1]
        if after < domain.size and place[after]:
            high = 0.5 * float(domain.fraction[after - 1] + domain.fraction[after])
        ends.append((low, high))
    return FrequencyClasses(index, domain.weight / totals[index], tuple(ends))


@dataclass(frozen=True)
class Layout:
    """The boxes of a network in terms of classes.

    `free`: samples that have classes, with their `classes`. `event` (boxes,): index into the events, -1 of none of them.
    `prior` (boxes,): ln of the mass of what is fixed; `flat` (boxes,): of what is free, under flat priors. `subsets`: of each
    free sample the sets of classes (bool) that boxes have; `subset` (boxes, free samples): which of them.
    """

    planned: Planned
    free: tuple[str, ...]
    classes: dict[str, FrequencyClasses]
    event: np.ndarray
    prior: np.ndarray
    flat: np.ndarray
    subsets: dict[str, list[np.ndarray]]
    subset: np.ndarray

    @property
    def family(self) -> tuple[object, ...]:
        """Equal for layouts whose free samples have the same classes."""
        return tuple((sample, self.classes[sample].ends) for sample in self.free)

    @property
    def has_fixed(self) -> bool:
        """Whether any sample is not free."""
        return len(self.free) < len(self.planned.network.samples)


def layout_of(planned: Planned, events: Sequence[str]) -> Layout:
    """The layout of a network for these events."""
    network = planned.network
    free = free_samples(network)
    classes = {sample: frequency_classes(network.domains[sample]) for sample in free}
    subsets: dict[str, list[np.ndarray]] = {sample: [] for sample in free}
    subset = np.zeros((len(network.boxes), len(free)), np.int64)
    flat = np.zeros(len(network.boxes))
    known: dict[tuple[str, tuple[int, ...]], tuple[int, float]] = {}
    for number, box in enumerate(network.boxes):
        for column, sample in enumerate(free):
            nodes = box.nodes[network.samples.index(sample)]
            if (sample, nodes) not in known:
                member = np.zeros(classes[sample].size, bool)
                member[classes[sample].index[list(nodes)]] = True
                known[sample, nodes] = len(subsets[sample]), ln(float(network.domains[sample].weight[list(nodes)].sum()))
                subsets[sample].append(member)
            subset[number, column], mass = known[sample, nodes]
            flat[number] += mass
    event = [next((i for i, name in enumerate(events) if is_of(network, box, name)), -1) for box in network.boxes]
    prior = np.maximum(prior_of_boxes(network, planned.plan) - flat, IMPOSSIBLE)
    return Layout(planned, free, classes, np.array(event), prior, flat, subsets, subset)


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
    `fixed` (n, boxes) or (1, boxes): ln of what is fixed. `artifact` (n, components): likelihoods of artefacts, over the
    largest; `artifact_top` (n,): ln of that, over `top`.
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
    fixed = layout.prior[None]
    if layout.has_fixed:
        fixed = _fixed(layout, fractions, tables)
    likeliest = artifact.max(axis=1)
    return ClassTables(shown, top, fixed, exp_of(artifact - likeliest[:, None]), likeliest - top)


def _fixed(layout: Layout, fractions: Mapping[str, float], tables: Mapping[str, np.ndarray]) -> np.ndarray:
    """(n, boxes): ln of prior times likelihood of what is fixed."""
    network = layout.planned.network
    n = len(next(iter(tables.values())))
    out = np.empty((n, len(network.boxes)))
    chunk = max(1, DECISIONS.values_in_memory // max(1, layout.planned.plan.width))
    for start in range(0, n, chunk):
        rows = slice(start, start + chunk)
        own = likelihoods(network, fractions, {name: table[rows] for name, table in tables.items()})
        own = [
            np.zeros((1, network.domains[sample].size)) if sample in layout.free else values
            for sample, values in zip(network.samples, own, strict=True)
        ]
        sums = Eliminator(network, layout.planned.plan, own)
        for number, box in enumerate(network.boxes):
            out[rows, number] = sums.box(box) - layout.flat[number]
    return np.maximum(out, IMPOSSIBLE)
