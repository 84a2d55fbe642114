"""Spectra of samples: likelihoods against sums over nodes, what is learnt against another optimiser, what is kept as given."""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy.optimize import minimize

from scenario_examples import Counts, planned, tables
from varproof.posterior.components import at_fraction
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.elimination import prior_of_boxes
from varproof.scenario.file import parse_scenario
from varproof.scenario.frequency_classes import Layout, class_tables, frequency_classes, layout_of
from varproof.scenario.job import Planned
from varproof.scenario.network import OTHER
from varproof.scenario.score import ARTIFACT
from varproof.scenario.spectra import Learnt, SpectraLearner, Taught, log_likelihoods, untold
from varproof.scenario.teaching import unseen_alleles

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


def taught(layout: Layout, counts: Mapping[str, Sequence[Counts]], given: np.ndarray | None = None) -> Taught:
    """Candidates with three artefacts, none of them likely."""
    n = len(next(iter(counts.values())))
    components = np.full((n, 3), -30.0) + np.array([0.0, -2.0, -4.0])
    return Taught(layout, 0, class_tables(layout, {}, tables(counts), components), given)


def learner_of(part: Taught, unseen: float = 0.0, events: int = len(EVENTS)) -> SpectraLearner:
    depths = dict.fromkeys(part.layout.free, 40.0)
    searched = np.array([unseen, 0.0, 0.0, 0.0])
    return SpectraLearner([part], events, ARTIFACT_AT, ABSENT_AT, searched, np.full(events, 1.0 / events), depths)


def drawn(learner: SpectraLearner, seed: int = 1) -> Learnt:
    """Any shares and spectra."""
    rng, start = np.random.default_rng(seed), learner.begin()

    def any_of(values: np.ndarray) -> np.ndarray:
        new = values * rng.random(values.shape)
        return np.asarray(new / new.sum(axis=-1, keepdims=True))

    weights = {key: {sample: any_of(value) for sample, value in own.items()} for key, own in start.weights.items()}
    groups = {key: any_of(shares) for key, shares in start.groups.items()}
    return Learnt(any_of(start.rates), 3.0 * any_of(start.artifacts), groups, weights)


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
    """Each pair of nodes has the share of the group that it is in, times its classes' weights, spread evenly within classes."""
    made, layout = of_two()
    part = taught(layout, LOCI)
    learnt = drawn(learner_of(part))
    values = log_likelihoods(part, learnt, len(EVENTS), ARTIFACT_AT) + part.tables.top[:, None]
    left, right = (made.network.domains[name] for name in ("left", "right"))
    at_left, at_right = (at_fraction(tables(LOCI)[name], made.network.domains[name].fraction) for name in ("left", "right"))
    holds = {
        "BOTH": [lambda a, b: 0 < a < 0.3 and b > 0, lambda a, b: a >= 0.3 and b > 0],  # as ONE is cut at 0.3
        "ONE": [lambda a, b: a == 0 and b > 0, lambda a, b: 0 < a < 0.3 and b == 0],
        "ABSENT": [lambda a, b: a == 0 and b == 0],
    }
    for name, rules in holds.items():
        event = EVENTS.index(name)
        (key,) = [key for key in learnt.groups if key[0][0] == event]
        assert len(key) == len(rules)
        total = np.zeros(len(at_left))
        for group, share in zip(key, learnt.groups[key].tolist(), strict=True):
            weights = learnt.weights[group]
            mass = 0.0
            for i, j in itertools.product(range(left.size), range(right.size)):
                of_pair = share
                for sample, node in (("left", i), ("right", j)):
                    classes = layout.classes[sample]
                    of_pair *= weights[sample][classes.index[node]] * classes.share[node]
                mass += of_pair
                assert of_pair == 0.0 or any(rule(float(left.fraction[i]), float(right.fraction[j])) for rule in rules)
                total += of_pair * np.exp(at_left[:, i] + at_right[:, j])
            assert mass == pytest.approx(share)
        assert values[:, event] == pytest.approx(np.log(total), abs=1e-9)
    own = np.exp(np.array([0.0, -2.0, -4.0])) * learnt.artifacts[0]
    assert values[:, ARTIFACT_AT] == pytest.approx(-30.0 + math.log(own.sum()))


def test_groups_begin_with_what_a_scenario_says() -> None:
    """The parts of an event have their masses under the scenario's own prior, where that says how common events are."""
    made, layout = of_two()
    given = np.log(np.full(len(EVENTS), 0.2))
    begin = learner_of(taught(layout, LOCI, given)).begin()
    masses = np.exp(prior_of_boxes(made.network, made.plan))
    boxes = [float(mass) for box, mass in zip(made.network.boxes, masses, strict=True) if box.events == ("ONE",)]
    (shares,) = [shares for key, shares in begin.groups.items() if key[0][0] == EVENTS.index("ONE")]
    assert sorted(shares) == pytest.approx(sorted(np.array(boxes) / sum(boxes)))
    assert sorted(boxes) == pytest.approx([0.3, 2.0])  # ]0,0.3[, and ]0,1[ with the point 1


def test_what_reads_do_not_tell_from_a_point_keeps_its_flat_share() -> None:
    """At 40 reads, two standard deviations reach to sin(0.158)^2 = 0.0248; at 1,000,000 to 0.000001."""
    made, layout = of_two()
    classes = layout.classes["left"]
    present = np.array([ends != (0.0, 0.0) for ends in classes.ends])
    found = untold(classes, present, 40.0)
    assert {ends for ends, one in zip(classes.ends, found, strict=True) if one} == {
        ends for ends in classes.ends if ends[0] < ends[1] <= 0.0248
    }
    assert found.any() and not untold(classes, present, 1e6).any()
    assert not untold(classes, np.ones(classes.size, bool), 40.0).any()
    part = taught(layout, LOCI)
    learner = learner_of(part)
    after = learner.run(learner.begin(), 50)
    widths = np.bincount(layout.classes["right"].index, made.network.domains["right"].weight)
    low = np.array([0.0 <= a < b <= 0.0248 for a, b in layout.classes["right"].ends])
    for key in after.weights:
        if key[0] == EVENTS.index("BOTH"):
            of_right = after.weights[key]["right"]
            assert of_right[low] == pytest.approx(widths[low] / 2.0)  # of ]0,1[ and the point 1
            assert of_right.sum() == pytest.approx(1.0)


def test_what_is_learnt_is_as_probable_as_what_another_optimiser_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares and weights of wide classes, as logarithms, by BFGS from several places; rounds never lose."""
    monkeypatch.setitem(DECISIONS.__dict__, "least_resolution", 8)
    text = TWO.replace("universe", "resolution: 8, universe")
    _, layout = of_two(text)
    assert layout.classes["left"].size <= 8
    learner = learner_of(taught(layout, LOCI), 30.0)
    start = learner.begin()
    values, current = [], start
    for _ in range(300):
        current, value = learner.step(current)
        values.append(value)
    assert (np.diff(values) > -1e-9).all()
    assert values[0] == pytest.approx(learner.objective(start))
    best = learner.objective(current)

    def softmax(x: np.ndarray) -> np.ndarray:
        return np.exp(x - np.logaddexp.reduce(x))

    def of(x: np.ndarray) -> Learnt:
        parts = iter(x)

        def some(count: int) -> np.ndarray:
            return softmax(np.array([next(parts) for _ in range(count)]))

        rates, artifacts = start.rates.copy(), start.artifacts.copy()
        rates[0], artifacts[0] = some(len(EVENTS)), 3.0 * some(3)
        groups = {key: some(len(shares)) for key, shares in start.groups.items()}
        weights = {}
        for key, own in start.weights.items():
            weights[key] = {}
            for sample in own:
                kept, loose = learner.kept[key, sample], learner.loose[key, sample]
                weights[key][sample] = kept.copy()
                weights[key][sample][loose] = (1.0 - kept.sum()) * some(int(loose.sum())) if loose.any() else 0.0
        return Learnt(rates, artifacts, groups, weights)

    size = len(EVENTS) + 3 + sum(map(len, start.groups.values())) + sum(int(loose.sum()) for loose in learner.loose.values())
    rng = np.random.default_rng(3)
    found = max(-minimize(lambda x: -learner.objective(of(x)), rng.normal(size=size), method="BFGS").fun for _ in range(2))
    assert best > found - 0.02


INFORMED = """species:
  heterozygosity: 0.001
  ploidy: 2
samples:
  normal: {}
  tumor:
    somatic-effective-mutation-rate: 1e-4
    inheritance: {clonal: {from: normal, somatic: false}}
  other: {universe: "[0.0,1.0]"}
events:
  germline: "!normal:0.0"
  somatic: "normal:0.0 & tumor:]0.0,1.0]"
"""


def test_samples_with_a_prior_of_their_own_are_fixed() -> None:
    """Their likelihood is that of the scenario; of the free one only its spectrum moves, event by event."""
    events = ["GERMLINE", "SOMATIC", OTHER, ARTIFACT, "ABSENT"]
    made, layout = of_two(INFORMED, events)
    assert layout.free == ("other",) and layout.has_fixed
    masses = np.exp(prior_of_boxes(made.network, made.plan))
    assert np.exp(layout.fixed + layout.flat).sum() == pytest.approx(masses.sum())
    counts = {"normal": [(0, 30), (15, 30)], "tumor": [(8, 30), (14, 30)], "other": [(6, 60), (30, 60)]}
    part = taught(layout, counts, np.log([1e-3, 1e-4, 1e-9, 1e-5, 0.99]))
    learner = learner_of(part)
    start = learner.begin()
    after, value = learner.step(start)
    assert learner.objective(after) > value
    assert all(np.array_equal(after.groups[key], shares) for key, shares in start.groups.items())
    assert log_likelihoods(part, after, 5, ARTIFACT_AT)[0, 1] > log_likelihoods(part, start, 5, ARTIFACT_AT)[0, 1]


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
