"""Spectra: how the frequencies of an event are distributed in each sample, learnt from the candidates with event rates.

A flat prior is paid for once per sample: a variant that is rare in three regions costs the flat density of rare ones three
times. So within an event each free sample (`frequency_classes`) has weights w of its own for classes of its frequency:

    P(f | event) = sum over boxes b of F_b(f) prod over samples s of w_s(f_s) 1[f in b], over the sum of the same over all f,

with F_b the prior of what is fixed. Where the scenario says how common events are, they stay as common; else their shares are
learnt by type of variant, and what was searched and is no candidate counts as absent. Both are the most probable ones under
Dirichlet's densities: by expectation, and for each sample in turn the largest value of a bound that is linear in the weights
(Hunter and Lange, 2004), so that no round makes them less probable.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from varproof.machinery.numerics_numba_fns import exp_of, log_of, weighted_column_sums, weighted_row_sums
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.elimination_numba_fns import log_sums
from varproof.scenario.frequency_classes import ClassTables, Layout
from varproof.scenario.score import IMPOSSIBLE

logger = logging.getLogger(__name__)

LEAST = 1e-300
GROUPS = 2
"""Substitutions and all others, which have artefacts of their own."""

Weights = dict[tuple[int, str], np.ndarray]
"""(classes,) by (index of the event, sample): 1 together, and 0 outside of what the event leaves open."""


@dataclass(frozen=True)
class Taught:
    """Candidates of one layout and one kind of variant; `given`: ln of the shares of events (events,), None to learn them."""

    layout: Layout
    kind: int
    tables: ClassTables
    given: np.ndarray | None = None

    @property
    def group(self) -> int:
        """Of artefacts: 0 of substitutions, SNVs and MNVs, 1 of others."""
        return int(self.kind > 1)


@dataclass
class Learnt:
    """Shares of events (kinds, events), spectra by family of layouts.

    `artifacts` (GROUPS, components): how many times as probable as another each class and rate of artefacts is.
    """

    rates: np.ndarray
    artifacts: np.ndarray
    weights: dict[tuple[object, ...], Weights] = field(default_factory=dict)


def even_weights(layouts: Sequence[Layout]) -> dict[tuple[object, ...], Weights]:
    """Every class of what an event leaves open alike."""
    found: dict[tuple[object, ...], Weights] = {}
    for layout in layouts:
        own = found.setdefault(layout.family, {})
        for event, sample, member in _open(layout):
            before = own.get((event, sample), np.zeros(len(member)))
            own[event, sample] = np.maximum(before, member.astype(np.float64))
    return {family: {key: value / value.sum() for key, value in own.items()} for family, own in found.items()}


def _open(layout: Layout) -> list[tuple[int, str, np.ndarray]]:
    """(event, sample, classes (bool) that the event leaves open)."""
    found = []
    for event in np.unique(layout.event[layout.event >= 0]).tolist():
        rows = layout.subset[layout.event == event]
        for column, sample in enumerate(layout.free):
            own = [layout.subsets[sample][number] for number in np.unique(rows[:, column]).tolist()]
            found.append((event, sample, np.logical_or.reduce(own)))
    return found


def box_masses(layout: Layout, weights: Weights) -> np.ndarray:
    """(boxes,): ln of the prior of each box, not over that of its event."""
    out = layout.prior.copy()
    for number, event in enumerate(layout.event.tolist()):
        if event < 0:
            out[number] = IMPOSSIBLE
            continue
        for column, sample in enumerate(layout.free):
            member = layout.subsets[sample][layout.subset[number, column]]
            out[number] += float(log_of(np.array([max(LEAST, float((weights[event, sample] * member).sum()))]))[0])
    return out


def of_events(layout: Layout, values: np.ndarray, events: int) -> np.ndarray:
    """(n, events): ln of the sums of e**values (n, boxes) over the boxes of each event; IMPOSSIBLE of those without any."""
    out = np.full((len(values), events), IMPOSSIBLE)
    for event in np.unique(layout.event[layout.event >= 0]).tolist():
        out[:, event] = log_sums(np.ascontiguousarray(values[:, layout.event == event]))
    return np.maximum(out, IMPOSSIBLE)


@dataclass(frozen=True)
class _Boxes:
    """`values` (n, boxes): ln of prior times likelihood given the event; `sums`: of each (event, sample, subset) (n,)."""

    values: np.ndarray
    sums: dict[tuple[int, str, int], np.ndarray]


def _boxes(layout: Layout, tables: ClassTables, weights: Weights, events: int) -> _Boxes:
    masses = box_masses(layout, weights)
    total = of_events(layout, masses[None], events)[0]
    values = np.broadcast_to(tables.fixed, (tables.size, len(layout.event))).copy()
    sums: dict[tuple[int, str, int], np.ndarray] = {}
    logs: dict[tuple[int, str, int], np.ndarray] = {}
    for number, event in enumerate(layout.event.tolist()):
        if event < 0 or total[event] <= 0.5 * IMPOSSIBLE:
            values[:, number] = IMPOSSIBLE
            continue
        for column, sample in enumerate(layout.free):
            subset = int(layout.subset[number, column])
            key = event, sample, subset
            if key not in sums:
                own = weights[event, sample] * layout.subsets[sample][subset]
                sums[key] = np.maximum(weighted_row_sums(tables.shown[sample], own), LEAST)
                logs[key] = log_of(sums[key])
            values[:, number] += logs[key]
        values[:, number] -= total[event]
    return _Boxes(np.maximum(values, IMPOSSIBLE), sums)


def log_likelihoods(taught: Taught, learnt: Learnt, events: int, artifact: int) -> np.ndarray:
    """(n, events): ln likelihood of each event, over the tables' `top`."""
    found = _boxes(taught.layout, taught.tables, learnt.weights[taught.layout.family], events)
    out = of_events(taught.layout, found.values, events)
    out[:, artifact] = _artifact(taught, learnt)[1]
    return out


def _artifact(taught: Taught, learnt: Learnt) -> tuple[np.ndarray, np.ndarray]:
    """(weighted sums of artefacts' likelihoods (n,), ln likelihood of an artefact (n,), over the tables' `top`)."""
    sums = np.maximum(weighted_row_sums(taught.tables.artifact, learnt.artifacts[taught.group]), LEAST)
    return sums, log_of(sums) + taught.tables.artifact_top


@dataclass(frozen=True)
class _Expected:
    """Expected counts of a part: `events` (events,), `classes` by event and sample, `artifacts` (components,); `evidence`."""

    events: np.ndarray
    classes: Weights
    artifacts: np.ndarray
    evidence: float


class SpectraLearner:
    """Expectation and maximisation over parts of the candidates.

    `unseen` (kinds,): alleles that were searched and are no candidates. `shares` (events,), `strength`: of what all kinds have,
    so many candidates are added to each.
    """

    def __init__(
        self, parts: Sequence[Taught], events: int, artifact: int, absent: int, unseen: np.ndarray,
        shares: np.ndarray, strength: float,
    ) -> None:  # fmt: skip
        self.parts, self.events, self.artifact, self.absent = parts, events, artifact, absent
        self.unseen, self.pseudo = unseen, strength * shares
        self.open: dict[tuple[object, ...], Weights] = {
            family: {key: (value > 0.0).astype(np.float64) for key, value in own.items()}
            for family, own in even_weights([part.layout for part in parts]).items()
        }

    def _log_rates(self, part: Taught, learnt: Learnt) -> np.ndarray:
        return part.given if part.given is not None else log_of(np.maximum(learnt.rates[part.kind], LEAST))

    def objective(self, learnt: Learnt) -> float:
        """ln of the probability of what was seen, and of Dirichlet's densities but for constants."""
        total = 0.0
        for part in self.parts:
            joint = log_likelihoods(part, learnt, self.events, self.artifact)
            total += float((log_sums(joint + self._log_rates(part, learnt)) + part.tables.top).sum())
        return total + self._penalty(learnt)

    def _penalty(self, learnt: Learnt) -> float:
        counts = np.broadcast_to(self.pseudo, learnt.rates.shape).copy()
        counts[:, self.absent] += self.unseen
        total = float((counts * log_of(np.maximum(learnt.rates, LEAST))).sum())
        logs = log_of(np.maximum(learnt.artifacts, LEAST))
        total += DECISIONS.artifact_pseudo_count * float(logs.sum()) / logs.shape[1]
        for family, own in learnt.weights.items():
            for key, value in own.items():
                member = self.open[family][key]
                logs = log_of(np.maximum(value / value.sum(), LEAST))
                total += DECISIONS.spectrum_pseudo_count * float((member * logs).sum()) / float(member.sum())
        return total

    def step(self, learnt: Learnt) -> tuple[Learnt, float]:
        """(what is more probable, the objective before)."""
        counts = np.zeros((len(self.unseen), self.events))
        classes: dict[tuple[object, ...], Weights] = {
            family: {key: np.zeros(len(value)) for key, value in own.items()} for family, own in learnt.weights.items()
        }
        artifacts = np.full(learnt.artifacts.shape, DECISIONS.artifact_pseudo_count / learnt.artifacts.shape[1])
        of_parts = []
        total = self._penalty(learnt)
        for part in self.parts:
            found = self._expected(part, learnt)
            of_parts.append(found.events)
            counts[part.kind] += found.events
            artifacts[part.group] += found.artifacts
            total += found.evidence
            for key, value in found.classes.items():
                classes[part.layout.family][key] += value
        rates = counts + self.pseudo
        rates[:, self.absent] += self.unseen
        rates /= rates.sum(axis=1, keepdims=True)
        artifacts *= artifacts.shape[1] / artifacts.sum(axis=1, keepdims=True)
        return Learnt(rates, artifacts, self._maximised(learnt, classes, of_parts)), total

    def _expected(self, part: Taught, learnt: Learnt) -> "_Expected":
        layout, tables, weights = part.layout, part.tables, learnt.weights[part.layout.family]
        log_rates = self._log_rates(part, learnt)
        boxes = _boxes(layout, tables, weights, self.events)
        of_artifacts, artifact = _artifact(part, learnt)
        artifact = artifact + log_rates[self.artifact]
        used = layout.event >= 0
        joint = np.concatenate([boxes.values + np.where(used, log_rates[layout.event], 0.0), artifact[:, None]], axis=1)
        total = log_sums(joint)
        share = exp_of(joint - total[:, None])
        counts = np.zeros(self.events)
        counts[self.artifact] = share[:, -1].sum()
        by_subset: dict[tuple[int, str, int], np.ndarray] = {}
        for number, event in enumerate(layout.event.tolist()):
            if event < 0:
                continue
            counts[event] += share[:, number].sum()
            for column, sample in enumerate(layout.free):
                key = event, sample, int(layout.subset[number, column])
                by_subset[key] = by_subset.get(key, 0.0) + share[:, number]
        classes: Weights = {}
        for (event, sample, subset), own in by_subset.items():
            if (event, sample, subset) not in boxes.sums:
                continue
            member = layout.subsets[sample][subset]
            per_class = weighted_column_sums(tables.shown[sample], own / boxes.sums[event, sample, subset])
            classes[event, sample] = classes.get((event, sample), 0.0) + per_class * weights[event, sample] * member
        artifacts = weighted_column_sums(tables.artifact, share[:, -1] / of_artifacts) * learnt.artifacts[part.group]
        return _Expected(counts, classes, artifacts, float((total + tables.top).sum()))

    def _maximised(
        self, learnt: Learnt, counts: dict[tuple[object, ...], Weights], of_events_: Sequence[np.ndarray]
    ) -> dict[tuple[object, ...], Weights]:
        """Weights that a bound of the objective makes largest, sample by sample."""
        found = {}
        for family, old in learnt.weights.items():
            own = dict(old)
            parts = [(part, n) for part, n in zip(self.parts, of_events_, strict=True) if part.layout.family == family]
            by_layout: dict[int, tuple[Layout, np.ndarray]] = {}
            for part, n in parts:
                before = by_layout.get(id(part.layout), (part.layout, np.zeros(self.events)))
                by_layout[id(part.layout)] = part.layout, before[1] + n
            for (event, sample), value in old.items():
                asked = np.zeros(len(value))
                for layout, n in by_layout.values():
                    asked += n[event] * _demand(layout, own, event, sample)
                member = self.open[family][event, sample]
                pseudo = DECISIONS.spectrum_pseudo_count
                wanted = counts[family][event, sample] + pseudo * member / member.sum()
                new = np.where(member > 0.0, wanted / np.maximum(asked + pseudo / value.sum(), LEAST), 0.0)
                own[event, sample] = new / new.sum()
            found[family] = own
        return found

    def shares(self, learnt: Learnt) -> np.ndarray:
        """(events,): expected shares of the events among all candidates."""
        counts = np.zeros(self.events)
        for part in self.parts:
            counts += self._expected(part, learnt).events
        return counts / max(LEAST, float(counts.sum()))

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


def _demand(layout: Layout, weights: Weights, event: int, sample: str) -> np.ndarray:
    """(classes,): how the mass of an event grows with each weight of a sample, over that mass."""
    column = layout.free.index(sample)
    masses = box_masses(layout, weights)
    numbers = np.flatnonzero(layout.event == event)
    if not len(numbers):
        return np.zeros(layout.classes[sample].size)
    share = exp_of(masses[numbers] - log_sums(masses[numbers][None])[0])
    out = np.zeros(layout.classes[sample].size)
    for number, part in zip(numbers.tolist(), share.tolist(), strict=True):
        member = layout.subsets[sample][layout.subset[number, column]]
        out += member * (part / max(LEAST, float((weights[event, sample] * member).sum())))
    return out
