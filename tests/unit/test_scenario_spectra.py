"""Spectra of samples: likelihoods against sums over nodes, what is learnt against another optimiser, what is kept as given."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize

from scenario_examples import Counts, planned, tables
from varproof.posterior.components import at_fraction
from varproof.scenario.elimination import prior_of_boxes
from varproof.scenario.file import parse_scenario
from varproof.scenario.frequency_classes import FrequencyClasses, Layout, class_tables, frequency_classes, layout_of
from varproof.scenario.job import Planned
from varproof.scenario.network import OTHER
from varproof.scenario.score import ARTIFACT
from varproof.scenario.spectra import GROUPS, Learnt, SpectraLearner, Taught, box_masses, even_weights, log_likelihoods
from varproof.scenario.teaching import KINDS, unseen_alleles

TWO = """samples:
  left: {universe: "0.0 | ]0.0,1.0[ | 0.5 | 1.0"}
  right: {universe: "0.0 | ]0.0,1.0[ | 1.0"}
events:
  both: "left:]0.0,1.0] & right:]0.0,1.0]"
  one: "(left:0.0 & right:]0.0,1.0]) | (left:]0.0,0.3[ & right:0.0)"
"""
EVENTS = ["BOTH", "ONE", OTHER, ARTIFACT, "ABSENT"]
ARTIFACT_AT, ABSENT_AT = EVENTS.index(ARTIFACT), EVENTS.index("ABSENT")
LOCI: dict[str, Sequence[Counts]] = {
    "left": [(4, 40), (5, 41), (0, 40), (3, 38), (0, 42), (20, 40), (0, 40), (39, 39), (1, 40), (0, 37)],
    "right": [(2, 40), (3, 40), (4, 40), (0, 40), (0, 41), (22, 40), (1, 40), (40, 40), (0, 40), (5, 40)],
}


def of_two(text: str = TWO, events: Sequence[str] = EVENTS) -> tuple[Planned, Layout]:
    made = planned(parse_scenario(text, "test.yaml"))
    return made, layout_of(made, events)


def taught(layout: Layout, counts: Mapping[str, Sequence[Counts]], artifact: float = -30.0) -> Taught:
    found = tables(counts)
    n = len(next(iter(counts.values())))
    components = np.full((n, 3), artifact) + np.array([0.0, -2.0, -4.0])
    return Taught(layout, 0, class_tables(layout, {}, found, components))


def drawn(layout: Layout, seed: int = 1) -> Learnt:
    """Any shares and spectra."""
    rng = np.random.default_rng(seed)
    weights = even_weights([layout])
    for own in weights.values():
        for key, value in own.items():
            new = value * rng.random(len(value))
            own[key] = new / new.sum()
    return Learnt(np.tile(rng.dirichlet(np.ones(len(EVENTS))), (len(KINDS), 1)), np.ones((GROUPS, 3)), weights)


def test_classes_are_points_and_parts_of_intervals() -> None:
    made, layout = of_two()
    domain = made.network.domains["left"]
    classes = frequency_classes(domain)
    points = [ends for ends in classes.ends if ends[0] == ends[1]]
    assert points == [(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]
    spans = [ends for ends in classes.ends if ends[0] < ends[1]]
    assert spans[0][0] == 0.0 and spans[-1][1] == 1.0
    assert all(a[1] == b[0] for a, b in itertools.pairwise(spans)) and any(b[0] == 0.3 for b in spans)
    for number, (low, high) in enumerate(classes.ends):
        own = domain.fraction[classes.index == number]
        assert ((own >= low) & (own <= high)).all()
        assert classes.share[classes.index == number].sum() == pytest.approx(1.0)
    assert layout.free == ("left", "right")


def test_likelihoods_are_those_of_a_sum_over_all_pairs_of_nodes() -> None:
    """Each pair of nodes of an event has the product of its classes' weights, over the sum of these in the event."""
    made, layout = of_two()
    network, learnt = made.network, drawn(layout)
    (weights,) = learnt.weights.values()
    part = taught(layout, LOCI)
    values = log_likelihoods(part, learnt, len(EVENTS), ARTIFACT_AT) + part.tables.top[:, None]
    found = tables(LOCI)
    left, right = network.domains["left"], network.domains["right"]
    holds = {
        "BOTH": lambda a, b: a > 0 and b > 0,
        "ONE": lambda a, b: (a == 0 and b > 0) or (0 < a < 0.3 and b == 0),
        "ABSENT": lambda a, b: a == 0 and b == 0,
    }
    at_left, at_right = (at_fraction(found[name], network.domains[name].fraction) for name in ("left", "right"))
    for name, rule in holds.items():
        event = EVENTS.index(name)
        total, mass = np.zeros(len(at_left)), 0.0
        for i, j in itertools.product(range(left.size), range(right.size)):
            if rule(float(left.fraction[i]), float(right.fraction[j])):
                share = 1.0
                for sample, node in (("left", i), ("right", j)):
                    classes = layout.classes[sample]
                    share *= weights[event, sample][classes.index[node]] * classes.share[node]
                mass += share
                total += share * np.exp(at_left[:, i] + at_right[:, j])
        assert values[:, event] == pytest.approx(np.log(total / mass), abs=1e-9)
    assert values[:, ARTIFACT_AT] == pytest.approx(-30 + math.log(sum(map(math.exp, (0, -2, -4)))))


def test_flat_weights_give_the_masses_of_flat_priors() -> None:
    """Where each class has its width as its weight, boxes have the masses of the scenario's own prior, up to a constant."""
    made, layout = of_two()
    flat = {}
    for event in range(len(EVENTS)):
        for sample in layout.free:
            widths = np.bincount(layout.classes[sample].index, made.network.domains[sample].weight)
            flat[event, sample] = widths
    used = layout.event >= 0
    assert box_masses(layout, flat)[used] == pytest.approx(prior_of_boxes(made.network, made.plan)[used])


def test_what_is_learnt_is_as_probable_as_what_another_optimiser_finds() -> None:
    """Shares and weights of a coarse grid, as logarithms, by BFGS from several places; rounds never lose."""
    made = planned(parse_scenario(TWO, "test.yaml"))
    layout = coarse(layout_of(made, EVENTS))
    part = taught(layout, LOCI)
    even = np.full(len(EVENTS), 1.0 / len(EVENTS))
    unseen = np.array([30.0, 0.0, 0.0, 0.0])
    learner = SpectraLearner([part], len(EVENTS), ARTIFACT_AT, ABSENT_AT, unseen, even, 1.0)
    start = Learnt(np.tile(even, (len(KINDS), 1)), np.ones((GROUPS, 3)), even_weights([layout]))
    values, current = [], start
    for _ in range(300):
        current, value = learner.step(current)
        values.append(value)
    assert (np.diff(values) > -1e-9).all()
    assert values[0] == pytest.approx(learner.objective(start))
    best = learner.objective(current)
    (family,) = start.weights
    keys = list(start.weights[family])

    def of(x: np.ndarray) -> Learnt:
        place, rates = 0, start.rates.copy()
        rates[0] = np.exp(x[: len(EVENTS)] - np.logaddexp.reduce(x[: len(EVENTS)]))
        place = len(EVENTS)
        artifacts = np.ones((GROUPS, 3))
        artifacts[0] = 3 * np.exp(x[place : place + 3] - np.logaddexp.reduce(x[place : place + 3]))
        place += 3
        weights = {}
        for key in keys:
            member = start.weights[family][key] > 0
            own = np.zeros(len(member))
            part_of = x[place : place + member.sum()]
            own[member] = np.exp(part_of - np.logaddexp.reduce(part_of))
            weights[key], place = own, place + member.sum()
        return Learnt(rates, artifacts, {family: weights})

    size = len(EVENTS) + 3 + sum(int((start.weights[family][key] > 0).sum()) for key in keys)
    rng = np.random.default_rng(3)
    found = max(-minimize(lambda x: -learner.objective(of(x)), rng.normal(size=size), method="BFGS").fun for _ in range(2))
    assert best == pytest.approx(found, abs=0.05) or best > found


def coarse(layout: Layout) -> Layout:
    """The same with a few wide classes: points, and thirds of what was there of each interval."""
    domains = layout.planned.network.domains
    classes, subsets = {}, {}
    for sample, own in layout.classes.items():
        fine_cell = np.array([domains[sample].cell[np.flatnonzero(own.index == k)[0]] for k in range(own.size)])
        groups: list[int] = []
        for cell in np.unique(fine_cell):
            members = int((fine_cell == cell).sum())
            first = (groups[-1] + 1) if groups else 0
            groups += [first + k * min(2, members) // members for k in range(members)]
        merged = np.array(groups)
        index = merged[own.index]
        total = np.bincount(index, domains[sample].weight)
        count = int(merged.max()) + 1
        ends = tuple(
            (own.ends[int(np.flatnonzero(merged == k)[0])][0], own.ends[int(np.flatnonzero(merged == k)[-1])][1])
            for k in range(count)
        )
        classes[sample] = FrequencyClasses(index, domains[sample].weight / total[index], ends)
        subsets[sample] = [np.array([member[merged == k].any() for k in range(count)]) for member in layout.subsets[sample]]
    return replace(layout, classes=classes, subsets=subsets)


INFORMED = """species:
  heterozygosity: 0.001
  ploidy: 2
  somatic-effective-mutation-rate: 1e-4
samples:
  normal: {}
  tumor:
    inheritance: {clonal: {from: normal, somatic: false}}
  other: {universe: "[0.0,1.0]"}
events:
  germline: "!normal:0.0"
  somatic: "normal:0.0 & tumor:]0.0,1.0]"
"""


def test_samples_with_a_prior_of_their_own_are_fixed() -> None:
    events = ["GERMLINE", "SOMATIC", OTHER, ARTIFACT, "ABSENT"]
    made, layout = of_two(INFORMED, events)
    assert layout.free == ("other",) and layout.has_fixed
    masses = prior_of_boxes(made.network, made.plan)
    assert layout.prior + layout.flat == pytest.approx(masses)
    # Spectra of the free sample move nothing between events, whose shares are given.
    counts = {"normal": [(0, 30), (15, 30)], "tumor": [(8, 30), (14, 30)], "other": [(6, 60), (30, 60)]}
    found = tables(counts)
    part = Taught(layout, 0, class_tables(layout, {}, found, np.full((2, 3), -40.0)), np.log([1e-3, 1e-4, 1e-9, 1e-5, 0.99]))
    learner = SpectraLearner([part], 5, 3, 4, np.zeros(4), np.full(5, 0.2), 1.0)
    start = Learnt(np.full((4, 5), 0.2), np.ones((GROUPS, 3)), even_weights([layout]))
    after, _ = learner.step(start)
    values = [learner.objective(start), learner.objective(after)]
    assert values[1] > values[0]
    sums = {}
    for learnt in (start, after):
        (own,) = learnt.weights.values()
        sums[id(learnt)] = [own[event, "other"].sum() for event in (0, 1)]
    assert all(value == pytest.approx([1.0, 1.0]) for value in sums.values())


def test_what_is_coupled_is_fixed() -> None:
    text = """samples:
  a: {universe: "[0.0,1.0]"}
  b: {universe: "[0.0,1.0]", contamination: {by: a, fraction: 0.1}}
  c: {universe: "[0.0,1.0]"}
  d: {universe: "[0.0,1.0]"}
  e: {universe: "[0.0,1.0]"}
events:
  more: "c > d & b:]0.0,1.0]"
"""
    made = planned(parse_scenario(text, "test.yaml"))
    assert layout_of(made, ["MORE", OTHER, ARTIFACT, "ABSENT"]).free == ("e",)


def test_what_was_searched_and_is_no_candidate_is_absent() -> None:
    """Three SNVs, nine MNVs, and an indel of each length either way; nothing where it is not known."""
    found = unseen_alleles(1000.0, np.array([100, 10, 5, 2000]))
    assert found[0] == 2900.0 and found[1] == 8990.0 and found[2] > 20_000 and found[3] == 0.0
    assert unseen_alleles(None, np.array([1, 1, 1, 1])).tolist() == [0.0] * 4
