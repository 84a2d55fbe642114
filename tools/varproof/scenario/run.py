"""Scoring under a scenario: all candidates of a job, in order, to a VCF of their posteriors."""

import itertools
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from varproof.formats.evidence import Evidence
from varproof.formats.record import Record
from varproof.formats.vcf import NO_REFERENCE_SEQUENCE, VcfWriter
from varproof.machinery.output import provenance
from varproof.posterior.annotate import SampleCounts
from varproof.posterior.artifact_classes import ARTIFACT_CLASSES
from varproof.posterior.judgeable import NO_READS
from varproof.posterior.reasons import reasons_of_samples
from varproof.posterior.run import record_blocks, same_events
from varproof.reads.reference import contig_lengths
from varproof.scenario.annotate import ScenarioAlleles, ScenarioAnnotator, ScenarioColumns, scored_header
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.elimination import prior_of_boxes
from varproof.scenario.elimination_numba_fns import log_sums
from varproof.scenario.genotypes import genotypes
from varproof.scenario.job import ScenarioJob
from varproof.scenario.network import ABSENT
from varproof.scenario.rates import learnt_rates, told, with_rates
from varproof.scenario.score import (
    ANYTHING,
    ARTIFACT,
    IMPOSSIBLE,
    SampleTables,
    artifact_classes,
    artifact_log_rate,
    block_sums,
    event_names,
    is_of,
    posteriors,
    sample_densities,
    sample_tables,
)
from varproof.scenario.teaching import KINDS, Teacher, described, kind_of_settings, unseen_alleles
from varproof.variants.candidate import candidates_of

logger = logging.getLogger(__name__)

BLOCK = 500
"""Candidates whose evidence is in memory together."""

AS_GIVEN, RATES, SPECTRA = "scenario", "learnt", "spectra"
"""What is learnt from the candidates: nothing, event rates, or these and the frequencies in each sample."""


@dataclass(frozen=True)
class Learning:
    """What is learnt (one of the above), and from how many bases the candidates are (None: not known, or not asked for)."""

    what: str
    territory: float | None = None


@dataclass(frozen=True)
class Sums:
    """Of all judged candidates: `rows` (ascending), ln of prior times likelihood (n, events), and of anything (n,).

    `told`: what the header says of rates that were learnt.
    """

    rows: np.ndarray
    of_events: np.ndarray
    anything: np.ndarray
    told: dict[str, Any]


def score_all(job: ScenarioJob, fractions: Mapping[str, float], events: Sequence[str], learning: Learning) -> Sums:
    """The sums of all alleles that are judged, under what is learnt from them."""
    rows = job.alleles.judged
    if learning.what == SPECTRA:
        return _under_spectra(job, fractions, events, learning.territory)
    names = [*events, ANYTHING]
    found = np.empty((len(rows), len(names)))
    for start in range(0, job.alleles.size, BLOCK):
        first, last = np.searchsorted(rows, (start, start + BLOCK))
        if first < last:
            chosen = rows[first:last]
            _, tables = read_block(job, chosen)
            found[first:last] = block_sums(job, chosen, tables, fractions, names)
    sums, anything = found[:, :-1], found[:, -1]
    artifact = list(events).index(ARTIFACT)
    rates: dict[str, Any] = {}
    if learning.what == RATES:
        sums, rates = _with_learnt_rates(job, rows, sums, events, learning.territory)
        kept = [column for column in range(sums.shape[1]) if column != artifact]
        anything = log_sums(np.ascontiguousarray(sums[:, kept]))
    return Sums(rows, sums, log_sums(np.stack([anything, sums[:, artifact]], axis=1)), rates)


def _under_spectra(job: ScenarioJob, fractions: Mapping[str, float], events: Sequence[str], territory: float | None) -> Sums:
    """Sums under rates and spectra that these candidates tell."""
    rows = job.alleles.judged
    masses = np.stack([event_masses(job, number, events) for number in range(len(job.settings))])
    teacher = Teacher(job, fractions, events, masses, lambda chosen: read_block(job, chosen)[1])
    learnt = teacher.learnt(rows, territory, BLOCK)
    sums = teacher.sums(rows, learnt, BLOCK)
    present = teacher.learnt_kinds(rows)
    shown = {"territory": territory, **described(learnt, events, present)}
    return Sums(rows, sums, log_sums(np.ascontiguousarray(sums)), shown)


def event_masses(job: ScenarioJob, number: int, events: Sequence[str]) -> np.ndarray:
    """ln of the prior of each event (events,) under the network of a setting; that of artefacts too."""
    planned = job.networks.of(job.settings[number])
    of_boxes = prior_of_boxes(planned.network, planned.plan)
    masses = []
    for name in events:
        own = [
            value
            for box, value in zip(planned.network.boxes, of_boxes.tolist(), strict=True)
            if is_of(planned.network, box, name)
        ]
        masses.append(float(log_sums(np.array([own]))[0]) if own else IMPOSSIBLE)
    masses[list(events).index(ARTIFACT)] = artifact_log_rate(planned.network)
    return np.array(masses)


def _overlaps(job: ScenarioJob) -> dict[str, Any]:
    """Pairs of events that can hold together on any contig, for the header; nothing where there are none."""
    pairs = {
        pair
        for setting in job.settings
        for box in job.networks.of(setting).network.overlaps
        for pair in itertools.combinations(sorted(box.events), 2)
    }
    return {"exclusive": False, "overlaps": sorted(pairs)} if pairs else {}


def _with_learnt_rates(
    job: ScenarioJob, rows: np.ndarray, sums: np.ndarray, events: Sequence[str], territory: float | None
) -> tuple[np.ndarray, dict[str, Any]]:
    """Sums under rates that these candidates tell, and the rates by kind of variant, for the header."""
    masses = np.stack([event_masses(job, number, events) for number in range(len(job.settings))])
    own = masses[job.setting[rows]]
    likelihood = np.where(own > 0.5 * IMPOSSIBLE, sums - own, IMPOSSIBLE)
    kind = kind_of_settings(job)[job.setting[rows]]
    counts = np.bincount(kind, minlength=len(KINDS))
    present = np.flatnonzero(counts)
    unseen = unseen_alleles(territory, counts) * (counts > 0)
    rates = learnt_rates(likelihood, kind, unseen, list(events).index(ABSENT))
    told(events, rates[present], [KINDS[number] for number in present.tolist()])
    by_kind = {
        KINDS[number]: {name: float(f"{value:.6g}") for name, value in zip(events, rates[number].tolist(), strict=True)}
        for number in present.tolist()
    }
    searched = {} if territory is None else {"territory": territory}
    return with_rates(likelihood, rates[kind]), {"rates": by_kind, **searched}


def read_block(job: ScenarioJob, rows: np.ndarray) -> tuple[dict[str, Evidence], dict[str, SampleTables]]:
    """Evidence and likelihood tables of candidates `rows` (ascending), by sample."""
    first, last = int(rows[0]), int(rows[-1]) + 1
    is_snv = job.alleles.is_snv[rows]
    evidence, tables = {}, {}
    for name, reader in job.readers.items():
        evidence[name] = reader.read(first, last).rows(rows - first)
        tables[name] = sample_tables(evidence[name], is_snv)
    return evidence, tables


def write_scenario(
    job: ScenarioJob,
    columns: ScenarioColumns,
    fractions: Mapping[str, float],
    learning: Learning,
    output: Path,
    options: BaseModel,
) -> None:
    """Score all candidates and write them as they came, with the probabilities of events and the samples' columns."""
    events = event_names(job)
    sums = score_all(job, fractions, events, learning)
    told_of = {"exclusive": True, **_overlaps(job)}
    lines = [
        f"##varproof_score-scenario={provenance('score-scenario', options)}",
        f"##varproof_scenario_text={json.dumps(job.networks.scenario.text)}",
        f"##varproof_scenario_decisions={json.dumps(DECISIONS.model_dump(mode='json'), sort_keys=True)}",
    ]
    shown: dict[str, Any] = {**told_of, "contamination": dict(fractions), **sums.told}
    named = same_events(job.candidates, job.alleles)
    header = scored_header(job.candidates, columns, events, shown, lines)
    written = 0
    with VcfWriter(output, header, contig_lengths(job.reference)) as writer:
        annotator = ScenarioAnnotator(writer.declared, columns, events)

        for block, numbers in record_blocks(job.candidates, BLOCK):
            found = _alleles(job, sums, fractions, numbers, block, named)
            row = 0
            for record in block:
                count = len(record.alts or ())
                annotator.annotate(record, slice(row, row + count), found)
                record.header = writer.declared
                writer.write(record)
                row += count
            written += len(block)
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(annotator.not_judged.items()))
    logger.info("%d records scored%s", written, f"; alleles not judged: {reasons}" if reasons else "")


def _alleles(
    job: ScenarioJob,
    sums: Sums,
    fractions: Mapping[str, float],
    numbers: slice,
    records: Sequence[Record],
    named: dict[int, str],
) -> ScenarioAlleles:
    own = job.alleles.row[numbers]
    judged_as = job.alleles.judged_as[own]
    rows = np.unique(np.concatenate([own, judged_as]))
    if not len(rows):
        nothing = np.zeros(0)
        none = SampleCounts(nothing, nothing, nothing, nothing)
        return ScenarioAlleles(nothing, dict.fromkeys(job.samples, none), {}, {}, [], [], [], {})
    evidence, tables = read_block(job, rows)
    at_own, at_judged = np.searchsorted(rows, own), np.searchsorted(rows, judged_as)
    densities = sample_densities(job, tables, fractions)
    place = np.searchsorted(sums.rows, judged_as)
    probability = posteriors(sums.of_events[place], sums.anything[place])
    against = _against(job, rows, evidence, tables, at_judged, probability)
    of_samples = {name: found[1][at_judged] for name, found in densities.items()}
    kinds = [item.skipped for record in records for item in candidates_of(record, 0)]
    known = np.all([sample.judged[at_own] > 0 for sample in evidence.values()], axis=0)
    usable = np.any([sample.usable[at_own] > 0 for sample in evidence.values()], axis=0)
    skipped: list[str | None] = []
    for kind, has_reference, seen in zip(kinds, known.tolist(), usable.tolist(), strict=True):
        skipped.append(kind or (NO_REFERENCE_SEQUENCE if not has_reference else None if seen else NO_READS))
    return ScenarioAlleles(
        probability,
        {name: _counts(sample.rows(at_own), sample.rows(at_judged)) for name, sample in evidence.items()},
        {name: found[0][at_judged] for name, found in densities.items()},
        of_samples,
        skipped,
        [named.get(number) for number in range(numbers.start, numbers.stop)],
        [against[row] for row in at_judged.tolist()],
        genotypes(job, job.setting[judged_as], np.argmax(probability, axis=1), event_names(job), of_samples),
    )


def _against(
    job: ScenarioJob,
    rows: np.ndarray,
    evidence: Mapping[str, Evidence],
    tables: Mapping[str, SampleTables],
    at: np.ndarray,
    probability: np.ndarray,
) -> list[str | None]:
    """What speaks against alleles `rows` that are artefacts or absent (len(rows),), of the reads of all samples together.

    `at`: rows of the alleles with these probabilities.
    """
    names, n = event_names(job), len(rows)
    is_artifact, is_absent = np.zeros(n, bool), np.zeros(n, bool)
    likeliest = np.argmax(probability, axis=1)
    is_artifact[at], is_absent[at] = likeliest == names.index(ARTIFACT), likeliest == names.index(ABSENT)
    by_class, chosen = np.zeros((n, ARTIFACT_CLASSES)), np.flatnonzero(is_artifact)
    if len(chosen):
        by_class[chosen] = artifact_classes([table.rows(chosen) for table in tables.values()])
    return reasons_of_samples(list(evidence.values()), job.alleles.is_snv[rows], by_class, is_artifact, is_absent)


def _counts(own: Evidence, event: Evidence) -> SampleCounts:
    """Counts of alleles; of a part those of its event, where gaps have hidden the part from some of the event's fragments."""
    hidden = event.alternative_count > own.alternative_count
    columns = ("reference_count", "alternative_count", "other_count")
    return SampleCounts(own.depth, *(np.where(hidden, getattr(event, name), getattr(own, name)) for name in columns))
