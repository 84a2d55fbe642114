"""What a job's candidates teach: shares of events and spectra, and their likelihoods under these."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from varproof.posterior.classes import CLASSES, alleles_per_base
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.frequency_classes import ClassTables, Layout, class_tables, layout_of
from varproof.scenario.job import ScenarioJob
from varproof.scenario.network import ABSENT
from varproof.scenario.rates import told, with_rates
from varproof.scenario.score import ARTIFACT, IMPOSSIBLE, SampleTables, artifact_components
from varproof.scenario.spectra import Learnt, SpectraLearner, Taught, log_likelihoods

logger = logging.getLogger(__name__)

KINDS = ("snv", "mnv", "indel", "sv")
Read = Callable[[np.ndarray], Mapping[str, SampleTables]]
"""Likelihood tables of candidates (ascending), by sample."""


def kind_of_settings(job: ScenarioJob) -> np.ndarray:
    """(settings,): index into KINDS."""
    return np.array([KINDS.index(setting[1]) for setting in job.settings], np.int64)


def unseen_alleles(territory: float | None, counts: np.ndarray) -> np.ndarray:
    """(kinds,): alleles of a territory (bases) that are not among so many candidates (kinds,); none where it is not known."""
    if territory is None:
        return np.zeros(len(KINDS))
    per_base = np.zeros(len(KINDS))
    for name, value in zip(CLASSES, alleles_per_base().tolist(), strict=True):
        per_base[KINDS.index(name if name in KINDS else "indel")] += value
    per_base[KINDS.index("sv")] = 1.0
    return np.asarray(np.maximum(0.0, territory * per_base - counts))


class Teacher:
    """Layouts of a job's settings, and what is learnt with them."""

    def __init__(
        self, job: ScenarioJob, fractions: Mapping[str, float], events: Sequence[str], masses: np.ndarray, read: Read
    ) -> None:
        self.job, self.fractions, self.events, self.masses, self.read = job, fractions, list(events), masses, read
        self.kinds = kind_of_settings(job)
        self.depths = {
            name: float(np.median(reader.column("usable")[job.alleles.judged])) if len(job.alleles.judged) else 0.0
            for name, reader in job.readers.items()
        }
        self._kept: list[tuple[np.ndarray, Taught]] | None = None
        by_network: dict[int, Layout] = {}
        self.layouts: list[Layout] = []
        for setting in job.settings:
            planned = job.networks.of(setting)
            if id(planned) not in by_network:
                by_network[id(planned)] = layout_of(planned, events)
            self.layouts.append(by_network[id(planned)])

    def _given(self, setting: int) -> np.ndarray | None:
        """ln of the shares of events, where the scenario says how common they are."""
        return self.masses[setting] if self.layouts[setting].planned.network.informed else None

    def learnt_kinds(self, rows: np.ndarray) -> list[int]:
        """Kinds of variants among candidates `rows` whose event shares are learnt."""
        settings = np.unique(self.job.setting[rows]).tolist()
        return sorted({int(self.kinds[setting]) for setting in settings if self._given(setting) is None})

    def _parts(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, Taught]]:
        """Candidates of one setting each, of `rows`: their places among the rows, and what they show."""
        tables = self.read(rows)
        artifact = artifact_components(list(tables.values()))
        of_rows = self.job.setting[rows]
        for setting in np.unique(of_rows).tolist():
            own = np.flatnonzero(of_rows == setting)
            layout = self.layouts[setting]
            here = {name: table.frequency[own] for name, table in tables.items()}
            found = class_tables(layout, self.fractions, here, artifact[own])
            yield own, Taught(layout, int(self.kinds[setting]), found, self._given(setting))

    def learnt(self, rows: np.ndarray, territory: float | None, block: int) -> Learnt:
        """What candidates `rows` (ascending) teach, `block` read at a time; deterministic."""
        step = max(1, -(-len(rows) // DECISIONS.most_taught))
        counts = np.bincount(self.kinds[self.job.setting[rows]], minlength=len(KINDS))
        unseen = unseen_alleles(territory, counts) * (counts > 0) / step
        chosen = rows[::step]
        grouped: dict[tuple[int, int, int], list[tuple[np.ndarray, Taught]]] = {}
        for start in range(0, len(chosen), block):
            for own, part in self._parts(chosen[start : start + block]):
                alike = -1 if part.given is None else int(self.job.setting[chosen[start + own[0]]])
                grouped.setdefault((id(part.layout), part.kind, alike), []).append((start + own, part))
        all_parts = [_joined(group) for group in grouped.values()]
        self._kept = all_parts if step == 1 else None
        parts = [part for _, part in all_parts]
        artifact, absent, events = self.events.index(ARTIFACT), self.events.index(ABSENT), len(self.events)
        even = np.full(events, 1.0 / events)
        learner = SpectraLearner(parts, events, artifact, absent, unseen, even, self.depths)
        found = learner.run(learner.begin(), DECISIONS.rounds)
        added = DECISIONS.kind_strength * learner.shares(found)
        learner = SpectraLearner(parts, events, artifact, absent, unseen, added, self.depths)
        return learner.run(found, DECISIONS.rounds)

    def sums(self, rows: np.ndarray, learnt: Learnt, block: int) -> np.ndarray:
        """ln of prior times likelihood (n, events) of candidates `rows`, those of `learnt`."""
        out = np.empty((len(rows), len(self.events)))
        if self._kept is not None:
            for own, part in self._kept:
                out[own] = self._of_part(part, learnt)
            return out
        for start in range(0, len(rows), block):
            for own, part in self._parts(rows[start : start + block]):
                out[start + own] = self._of_part(part, learnt)
        return out

    def _of_part(self, part: Taught, learnt: Learnt) -> np.ndarray:
        values = log_likelihoods(part, learnt, len(self.events), self.events.index(ARTIFACT))
        values += part.tables.top[:, None]
        values = with_rates(values, learnt.rates[part.kind][None]) if part.given is None else values + part.given
        return np.maximum(values, IMPOSSIBLE)


def _joined(group: Sequence[tuple[np.ndarray, Taught]]) -> tuple[np.ndarray, Taught]:
    """Parts of one layout, kind and shares as one, with their places."""
    first = group[0][1]
    tables = [part.tables for _, part in group]
    shown = {sample: np.concatenate([one.shown[sample] for one in tables]) for sample in first.tables.shown}
    fixed = np.concatenate([one.fixed for one in tables]) if first.layout.has_fixed else first.tables.fixed
    rest = [np.concatenate([getattr(one, name) for one in tables]) for name in ("artifact", "artifact_top")]
    top = np.concatenate([one.top for one in tables])
    places = np.concatenate([own for own, _ in group])
    return places, Taught(first.layout, first.kind, ClassTables(shown, top, fixed, *rest), first.given)


def described(learnt: Learnt, events: Sequence[str], kinds: Sequence[int]) -> dict[str, Any]:
    """Rates by kind and spectra, for the header; in the log, too.

    `spectra`: of each event its groups, with their shares, and by sample [low, high, share] of classes of a thousandth or more.
    """
    told(events, learnt.rates[list(kinds)], [KINDS[number] for number in kinds])
    rates = {
        KINDS[number]: {name: _short(value) for name, value in zip(events, learnt.rates[number].tolist(), strict=True)}
        for number in kinds
    }
    spectra: dict[str, list[dict[str, Any]]] = {}
    for groups, shares in learnt.groups.items():
        for (event, samples), share in zip(groups, shares.tolist(), strict=True):
            own = learnt.weights[event, samples]
            parts = {str(name): _shown(ends, own[str(name)]) for name, ends, _ in samples}  # type: ignore[arg-type]
            spectra.setdefault(events[event], []).append({"share": _short(share), "samples": parts})
    return {"rates": rates, "spectra": spectra}


def _shown(ends: Sequence[tuple[float, float]], weights: np.ndarray) -> list[list[float]]:
    return [
        [_short(low), _short(high), _short(value)]
        for (low, high), value in zip(ends, weights.tolist(), strict=True)
        if value >= DECISIONS.least_told_share
    ]


def _short(value: float) -> float:
    return float(f"{value:.6g}")
