"""Spectra: how the frequencies of an event are distributed in each sample, learnt from the candidates with event rates.

A flat prior is paid for once per sample: a variant that is rare in three regions costs the flat density of rare ones three
times. So each group g of an event (`frequency_classes`: which of the free samples have the variant, as far as the event's boxes
tell them apart) has a share v of the event, and for each free sample weights w of the classes of its frequency:

    P(f | event) = sum over groups of v_g F_g(f of what is fixed) prod over free samples s of w_gs(f_s),

with F_g the scenario's own prior. Classes that reads can't tell from a point which the group has not got, as a frequency of
0.005 from none at 40x, keep the share that they have under a flat prior: nothing could be learnt of them, and a variant that
a sample doesn't show would be one that it has. Where the scenario says how common events are, they and their groups stay as
common. Else they are learnt, events by type of variant, and what was searched and is no candidate counts as absent. All are the
most probable ones under Dirichlet's densities, by expectation and maximisation: no round makes them less probable.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from varproof.machinery.numerics import arcsine
from varproof.machinery.numerics_numba_fns import exp_of, log_of, weighted_column_sums, weighted_row_sums
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.elimination_numba_fns import log_sums
from varproof.scenario.frequency_classes import ClassTables, FrequencyClasses, GroupKey, Layout
from varproof.scenario.score import IMPOSSIBLE

logger = logging.getLogger(__name__)

LEAST = 1e-300
GROUPS_OF_ARTIFACTS = 2
"""Substitutions and all others, which have artefacts of their own."""

EventKey = tuple[GroupKey, ...]
"""The groups of an event in a layout."""


@dataclass(frozen=True)
class Taught:
    """Candidates of one layout and one kind of variant; `given`: ln of the shares of events (events,), None to learn them."""

    layout: Layout
    kind: int
    tables: ClassTables
    given: np.ndarray | None = None

    @property
    def of_artifacts(self) -> int:
        """0 of SNVs and MNVs, 1 of others."""
        return int(self.kind > 1)


@dataclass
class Learnt:
    """What is learnt.

    `rates` (kinds, events): shares of events. `artifacts` (GROUPS_OF_ARTIFACTS, components): how many times as common as by
    even shares each class and rate of artefacts is. `groups`: shares of the groups of an event. `weights`: of each group and
    free sample (classes,), 1 together.
    """

    rates: np.ndarray
    artifacts: np.ndarray
    groups: dict[EventKey, np.ndarray]
    weights: dict[GroupKey, dict[str, np.ndarray]]


def untold(classes: FrequencyClasses, member: np.ndarray, depth: float) -> np.ndarray:
    """(classes,): those of `member` that so many reads don't tell from a point outside of it.

    They end within `untold_sd` standard deviations of the point: 1 / (2 sqrt(depth)) each, in the arcsine of the root.
    """
    reach = DECISIONS.untold_sd * 0.5 / math.sqrt(max(1.0, depth))
    at = np.array([[arcsine(math.sqrt(low)), arcsine(math.sqrt(high))] for low, high in classes.ends])
    found = np.zeros(classes.size, bool)
    for point in np.flatnonzero((at[:, 0] == at[:, 1]) & ~member).tolist():
        found |= abs(at - at[point, 0]).max(axis=1) <= reach
    return found & member & (at[:, 0] < at[:, 1])


def event_keys(layout: Layout) -> dict[int, EventKey]:
    """By event that the layout has."""
    return {event: tuple(layout.keys[g] for g in layout.of_event(event).tolist()) for event in np.unique(layout.event).tolist()}


class SpectraLearner:
    """Expectation and maximisation over parts of the candidates.

    `unseen` (kinds,): alleles that were searched and are no candidates. `added` (events,): candidates that are added to each
    kind. `depths`: of samples, reads. `artifact`, `absent`: indices of these events.
    """

    def __init__(
        self,
        parts: Sequence[Taught],
        events: int,
        artifact: int,
        absent: int,
        unseen: np.ndarray,
        added: np.ndarray,
        depths: Mapping[str, float],
    ) -> None:
        self.parts, self.events, self.artifact, self.absent = parts, events, artifact, absent
        self.unseen, self.added = unseen, added
        self.kept: dict[tuple[GroupKey, str], np.ndarray] = {}
        self.loose: dict[tuple[GroupKey, str], np.ndarray] = {}
        for part in parts:
            layout = part.layout
            for key, members in zip(layout.keys, layout.members, strict=True):
                for sample, member in members.items():
                    fixed = untold(layout.classes[sample], member, depths[sample])
                    share = np.where(fixed, layout.widths[sample], 0.0) / layout.widths[sample][member].sum()
                    if not (member & ~fixed).any():
                        share = share / share.sum()
                    self.kept[key, sample], self.loose[key, sample] = share, member & ~fixed
        self.given_groups = {
            event_keys(part.layout)[event]
            for part in parts
            for event in np.unique(part.layout.event).tolist()
            if part.given is not None
        }

    def begin(self) -> Learnt:
        """Events, groups and classes alike; groups as under the scenario's prior where that says how common events are."""
        components = self.parts[0].tables.artifact.shape[1] if self.parts else 1
        groups: dict[EventKey, np.ndarray] = {}
        weights: dict[GroupKey, dict[str, np.ndarray]] = {}
        for part in self.parts:
            layout = part.layout
            for event, key in event_keys(layout).items():
                own = layout.of_event(event)
                mass = layout.fixed[own] + layout.flat[own]
                even = np.full(len(own), 1.0 / len(own))
                groups[key] = exp_of(mass - log_sums(mass[None])[0]) if key in self.given_groups else even
            for group in layout.keys:
                weights[group] = {
                    sample: self._weights(group, sample, np.zeros(one.size)) for sample, one in layout.classes.items()
                }
        rates = np.full((len(self.unseen), self.events), 1.0 / self.events)
        return Learnt(rates, np.ones((GROUPS_OF_ARTIFACTS, components)), groups, weights)

    def _weights(self, key: GroupKey, sample: str, counts: np.ndarray) -> np.ndarray:
        """The most probable weights for counts (classes,)."""
        kept, loose = self.kept[key, sample], self.loose[key, sample]
        wanted = np.where(loose, counts + DECISIONS.spectrum_pseudo_count / max(1, int(loose.sum())), 0.0)
        return kept + wanted * ((1.0 - kept.sum()) / max(LEAST, float(wanted.sum())))

    def log_rates(self, part: Taught, learnt: Learnt) -> np.ndarray:
        """(events,): ln of the shares of events in a part."""
        return part.given if part.given is not None else log_of(np.maximum(learnt.rates[part.kind], LEAST))

    def objective(self, learnt: Learnt) -> float:
        """ln of the probability of what was seen, and of Dirichlet's densities but for constants."""
        return self._penalty(learnt) + sum(self._expected(part, learnt).evidence for part in self.parts)

    def _penalty(self, learnt: Learnt) -> float:
        counts = np.broadcast_to(self.added, learnt.rates.shape).copy()
        counts[:, self.absent] += self.unseen
        total = float((counts * log_of(np.maximum(learnt.rates, LEAST))).sum())
        total += DECISIONS.artifact_pseudo_count * float(log_of(np.maximum(learnt.artifacts, LEAST)).mean(axis=1).sum())
        for key, shares in learnt.groups.items():
            if key not in self.given_groups:
                total += DECISIONS.group_pseudo_count * float(log_of(np.maximum(shares, LEAST)).sum())
        for (group, sample), loose in self.loose.items():
            if loose.any():
                own = learnt.weights[group][sample][loose]
                total += DECISIONS.spectrum_pseudo_count * float(log_of(np.maximum(own, LEAST)).mean())
        return total

    def step(self, learnt: Learnt) -> tuple[Learnt, float]:
        """(what is more probable, the objective before)."""
        rates = np.broadcast_to(self.added, learnt.rates.shape).copy()
        rates[:, self.absent] += self.unseen
        artifacts = np.full_like(learnt.artifacts, DECISIONS.artifact_pseudo_count / learnt.artifacts.shape[1])
        groups = {key: np.full(len(shares), DECISIONS.group_pseudo_count) for key, shares in learnt.groups.items()}
        classes = {
            key: {sample: np.zeros(len(value)) for sample, value in own.items()} for key, own in learnt.weights.items()
        }  # fmt: skip
        total = self._penalty(learnt)
        for part in self.parts:
            found, layout = self._expected(part, learnt), part.layout
            total += found.evidence
            if part.given is None:
                rates[part.kind] += found.events
                artifacts[part.of_artifacts] += found.artifacts
            for event, key in event_keys(layout).items():
                groups[key] += found.groups[layout.of_event(event)]
            for number, group in enumerate(layout.keys):
                for sample in layout.free:
                    classes[group][sample] += found.classes[number][sample]
        return Learnt(
            rates / rates.sum(axis=1, keepdims=True),
            artifacts * (artifacts.shape[1] / artifacts.sum(axis=1, keepdims=True)),
            {key: learnt.groups[key] if key in self.given_groups else own / own.sum() for key, own in groups.items()},
            {
                group: {sample: self._weights(group, sample, counts) for sample, counts in own.items()}
                for group, own in classes.items()
            },
        ), total

    def _expected(self, part: Taught, learnt: Learnt) -> "_Expected":
        layout, tables = part.layout, part.tables
        log_rates = self.log_rates(part, learnt)
        found = _group_values(part, learnt)
        of_artifacts, artifact = _artifact(part, learnt)
        joint = np.concatenate([found.values + log_rates[layout.event], (artifact + log_rates[self.artifact])[:, None]], axis=1)
        total = log_sums(joint)
        share = exp_of(joint - total[:, None])
        events = np.zeros(self.events)
        groups = share[:, :-1].sum(axis=0)
        for number, event in enumerate(layout.event.tolist()):
            events[event] += groups[number]
        events[self.artifact] += share[:, -1].sum()
        classes = [
            {
                sample: weighted_column_sums(tables.shown[sample], share[:, number] / found.sums[number][sample])
                * learnt.weights[key][sample]
                for sample in layout.free
            }
            for number, key in enumerate(layout.keys)
        ]
        artifacts = weighted_column_sums(tables.artifact, share[:, -1] / of_artifacts) * learnt.artifacts[part.of_artifacts]
        return _Expected(events, groups, classes, artifacts, float((total + tables.top).sum()))

    def shares(self, learnt: Learnt) -> np.ndarray:
        """(events,): expected shares of the events among all candidates whose events are learnt; even without any."""
        own = [self._expected(part, learnt).events for part in self.parts if part.given is None]
        counts = np.sum(own, axis=0) if own else np.ones(self.events)
        return np.asarray(counts / counts.sum())

    def run(self, learnt: Learnt, rounds: int) -> Learnt:
        """Rounds until nothing gets more probable."""
        before = -np.inf
        for number in range(rounds):
            new, value = self.step(learnt)
            if value - before < DECISIONS.spectra_tolerance:
                logger.debug("spectra: %d rounds", number)
                break
            learnt, before = new, value
        return learnt


@dataclass(frozen=True)
class _Expected:
    """Expected counts of a part, of events, groups, classes by group and sample, and artefacts; ln of its probability."""

    events: np.ndarray
    groups: np.ndarray
    classes: list[dict[str, np.ndarray]]
    artifacts: np.ndarray
    evidence: float


@dataclass(frozen=True)
class _GroupValues:
    """`values` (n, groups): ln of share times likelihood given the event, over `top`; `sums` by group and sample (n,)."""

    values: np.ndarray
    sums: list[dict[str, np.ndarray]]


def _group_values(part: Taught, learnt: Learnt) -> _GroupValues:
    layout, tables = part.layout, part.tables
    values = np.broadcast_to(tables.fixed, (tables.size, len(layout.keys))).copy()
    for event, key in event_keys(layout).items():
        values[:, layout.of_event(event)] += log_of(np.maximum(learnt.groups[key], LEAST))
    sums: list[dict[str, np.ndarray]] = []
    for number, group in enumerate(layout.keys):
        own = {
            sample: np.maximum(weighted_row_sums(tables.shown[sample], weights), LEAST)
            for sample, weights in learnt.weights[group].items()
        }
        for value in own.values():
            values[:, number] += log_of(value)
        sums.append(own)
    return _GroupValues(np.maximum(values, IMPOSSIBLE), sums)


def _artifact(part: Taught, learnt: Learnt) -> tuple[np.ndarray, np.ndarray]:
    """(weighted sums of artefacts' likelihoods (n,), ln likelihood of an artefact (n,), over the tables' `top`)."""
    weights = learnt.artifacts[part.of_artifacts] if part.given is None else np.ones(part.tables.artifact.shape[1])
    sums = np.maximum(weighted_row_sums(part.tables.artifact, weights), LEAST)
    return sums, log_of(sums) + part.tables.artifact_top


def log_likelihoods(part: Taught, learnt: Learnt, events: int, artifact: int) -> np.ndarray:
    """(n, events): ln likelihood of each event, over the tables' `top`; IMPOSSIBLE of what the layout has not got."""
    values = _group_values(part, learnt).values
    out = np.full((len(values), events), IMPOSSIBLE)
    for event in np.unique(part.layout.event).tolist():
        out[:, event] = log_sums(np.ascontiguousarray(values[:, part.layout.of_event(event)]))
    out = np.maximum(out, IMPOSSIBLE)
    out[:, artifact] = _artifact(part, learnt)[1]
    return out
