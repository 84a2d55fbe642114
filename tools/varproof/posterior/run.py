"""Scoring: all candidates of a job, in order, to a VCF of their posteriors under a prior."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from varproof.formats.events import EVENTS
from varproof.formats.evidence import Evidence
from varproof.formats.record import Record
from varproof.formats.scored import EventSelection, forget_scenario
from varproof.formats.vcf import VcfWriter, open_vcf, probability_field, read_records
from varproof.machinery.output import provenance
from varproof.posterior.annotate import (
    POPULATION_LINE,
    Annotator,
    SampleCounts,
    ScoredAlleles,
    calibration_lines,
    scored_header,
)
from varproof.posterior.columns import Columns
from varproof.posterior.copy_decisions import DECISIONS as COPY_DECISIONS
from varproof.posterior.crowd_decisions import DECISIONS as CROWD_DECISIONS
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.job import BLOCK, AlleleList, ScoringJob, block_of
from varproof.posterior.judgeable import TUMOR_ONLY, judged_without_normal, unjudged_reasons
from varproof.posterior.panel_decisions import DECISIONS as PANEL_DECISIONS
from varproof.posterior.phase import UNREAL, Phase, Present, caller_sets, links_of, phased
from varproof.posterior.population import described
from varproof.posterior.reasons import SEPARATOR, reasons
from varproof.posterior.recalibration import recalibrated
from varproof.posterior.score import score
from varproof.posterior.teaching import Learnt
from varproof.reads.reference import contig_lengths
from varproof.variants.candidate import candidates_of
from varproof.variants.merging import PhasedMerger, declare
from varproof.variants.reference import Reference

logger = logging.getLogger(__name__)

REAL_EVENTS = EventSelection(
    tuple(probability_field(name) for name in EVENTS if name not in UNREAL), tuple(map(probability_field, UNREAL))
)
"""What is in the sample, be it somatic or germline."""

UNSHOWN = ("artifact_density", "artifact_rates", "artifact_contexts", "spectra", "balance")
"""Of a prior, what is too long for a header."""

SAMPLES_LINE = "varproof_samples"
"""Key of the header line that says whether tumour and normal belong together."""


def write_scored(
    job: ScoringJob, learnt: Learnt, columns: Columns, output: Path, options: BaseModel, merged_within: int | None = None
) -> None:
    """Score all candidates in blocks and write them as they came, with varproof's fields.

    merged_within: records of one haplotype with at most so many bases between them are written as one; None: none are.
    """
    prior = learnt.prior
    shown = prior.model_dump(by_alias=True, exclude=set(UNSHOWN))
    copies = job.segments is not None or prior.balance is not None
    lines = [
        f"##varproof_score-posterior={provenance('score-posterior', options)}",
        f"##varproof_prior={json.dumps(shown, sort_keys=True)}",
        f"##varproof_decisions={json.dumps(_decisions(job, copies, prior.crowds), sort_keys=True)}",
    ]
    if learnt.match is not None:
        lines.append(f"##{SAMPLES_LINE}={json.dumps(learnt.match.model_dump(), sort_keys=True)}")
    if learnt.recalibration is not None:
        lines += calibration_lines(learnt.recalibration)
    if job.resource is not None and learnt.alleles.frequency is not None:
        lines += [described(job.resource, learnt.alleles.frequency[learnt.alleles.row]), POPULATION_LINE]
    phase = _phase(job, learnt, columns)
    written = tumor_only = 0
    named = same_events(job.candidates, learnt.alleles)

    header = scored_header(job.candidates, columns, lines)
    with open_vcf(job.candidates) as handle:
        stale = forget_scenario(handle.header.copy())
    merger = None
    if merged_within is not None:
        declare(header)
        merger = PhasedMerger(job.candidates, merged_within, REAL_EVENTS, columns.numbers[0], Reference(job.reference))
    with VcfWriter(output, header, contig_lengths(job.reference)) as writer:
        annotator = Annotator(writer.declared, columns, stale)

        for block, numbers in record_blocks(job.candidates, BLOCK):
            found = scored_alleles(job, learnt, numbers, block, named, phase)
            tumor_only += int(found.tumor_only.sum())
            row = 0
            for record in block:
                count = len(record.alts or ())
                annotator.annotate(record, slice(row, row + count), found)
                record.header = writer.declared
                for ready in [record] if merger is None else merger.add(record):
                    writer.write(ready)
                row += count
            written += len(block)
        for ready in () if merger is None else merger.finish():
            writer.write(ready)
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(annotator.not_judged.items()))
    logger.info("%d records scored%s", written, f"; alleles not judged: {told}" if told else "")
    if merger is not None:
        logger.info("%d records were merged with others of their haplotype", merger.merged)
    if tumor_only:
        logger.warning("%d alleles without usable reads in the normal: judged as tumour only (INFO/%s)", tumor_only, TUMOR_ONLY)


def record_blocks(candidates: Path, size: int) -> Iterator[tuple[list[Record], slice]]:
    """(records, numbers of their alleles in the list) of a file, in blocks of `size` alleles or a few more."""
    block: list[Record] = []
    start = end = 0
    for record in read_records(candidates):
        block.append(record)
        end += len(record.alts or ())
        if end - start >= size:
            yield block, slice(start, end)
            block, start = [], end
    if block:
        yield block, slice(start, end)


def _phase(job: ScoringJob, learnt: Learnt, columns: Columns) -> Phase:
    """Phase of all alleles; those that have links, or a caller's phase, are scored for it."""

    def present(asked: np.ndarray) -> Present:
        rows, which = np.unique(alleles.judged_as[asked], return_inverse=True)
        probability, frequency = np.zeros((len(rows), len(EVENTS))), np.zeros(len(rows))
        for start in range(0, alleles.size, BLOCK):
            first, last = np.searchsorted(rows, (start, start + BLOCK))
            if first == last:
                continue
            end = min(start + BLOCK, alleles.size)
            data = block_of(job, alleles, start, end, learnt.prior.balance).chosen(rows[first:last] - start)
            near = None if learnt.near_artifact is None else learnt.near_artifact[rows[first:last]]
            unseen = judged_without_normal(data.tumor, data.normal)
            tables, prior = data.tables(learnt.prior), learnt.prior
            rest = (near, unseen, data.context, data.frequency, data.copies)
            scores = score(tables, data.class_index, prior, job.purity, *rest)
            probability[first:last], frequency[first:last] = scores.probability, scores.tumor_frequency
        known = (job.tumor.column("judged") > 0) & (job.tumor.column("usable") > 0)
        return Present.of(probability[which], frequency[which], known[asked])

    alleles = learnt.alleles
    readers = [reader for reader in (job.tumor, job.normal) if reader is not None]
    column = None if columns.names[0] in columns.added else columns.numbers[0]
    sets = caller_sets(job.candidates, column)
    sets = replace(sets, row=alleles.row[sets.row])
    links = links_of(readers, alleles.key)
    return phased(links, sets, alleles.contig, alleles.position, alleles.key, present, alleles.events)


def _decisions(job: ScoringJob, copies: bool, crowds: bool) -> dict[str, Any]:
    """Model decisions by room: of the posterior, and those the tumour's evidence was made under, where it says.

    `copies`: whether copy numbers are known, `crowds`: whether companions tell, of which there are decisions, too.
    """
    told = {"evidence": job.tumor.decisions, "posterior": DECISIONS.model_dump(mode="json")}
    if copies:
        told["copies"] = COPY_DECISIONS.model_dump(mode="json")
    if job.panel is not None:
        told["panel"] = PANEL_DECISIONS.model_dump(mode="json")
    if crowds:
        told["crowds"] = CROWD_DECISIONS.model_dump(mode="json")
    if job.normal is not None and job.normal.decisions != job.tumor.decisions:
        logger.warning(
            "the evidence of tumour and normal was made under different model decisions (%s, %s)",
            job.tumor.path,
            job.normal.path,
        )
    return told


def same_events(candidates: Path, alleles: AlleleList) -> dict[int, str]:
    """Allele of the list (its number) -> the other alleles that are the same event, or parts of it, as SAME_EVENT has them."""
    judged_as = alleles.judged_as[alleles.row]
    _, which, sizes = np.unique(judged_as, return_inverse=True, return_counts=True)
    members = np.flatnonzero(sizes[which] > 1)
    if not len(members):
        return {}
    wanted = set(members.tolist())
    names: dict[int, str] = {}
    number = 0
    for record in read_records(candidates):
        for alt in record.alts or ():
            if number in wanted:
                names[number] = f"{record.pos}:{record.ref}:{alt}"
            number += 1
    groups: dict[int, list[int]] = {}
    for member in members.tolist():
        groups.setdefault(int(which[member]), []).append(member)
    return {
        member: SEPARATOR.join(names[other] for other in group if other != member)
        for group in groups.values()
        for member in group
    }


def scored_alleles(
    job: ScoringJob, learnt: Learnt, numbers: slice, records: list[Record], named: dict[int, str], phase: Phase
) -> ScoredAlleles:
    """Posteriors and counts of the alleles `numbers` of the list, which are those of `records`; named: see `same_events`."""
    alleles, prior = learnt.alleles, learnt.prior
    own = alleles.row[numbers]
    judged_as = alleles.judged_as[own]
    rows = np.concatenate([own, judged_as])
    first, last = (int(rows.min()), int(rows.max()) + 1) if len(rows) else (0, 0)
    data = block_of(job, alleles, first, last, prior.balance)
    near = None if learnt.near_artifact is None else learnt.near_artifact[first:last]
    unseen = judged_without_normal(data.tumor, data.normal)
    tables = data.tables(prior)
    scores = score(tables, data.class_index, prior, job.purity, near, unseen, data.context, data.frequency, data.copies)
    against = reasons(data, tables, scores, prior, near)
    own, judged_as = own - first, judged_as - first
    whole = [sample for sample in (data.tumor, data.normal) if sample is not None]
    samples = [sample.rows(own) for sample in whole]
    kinds = [item.skipped for record in records for item in candidates_of(record, 0)]
    skipped = unjudged_reasons(kinds, samples[0], None if data.normal is None else samples[1])
    counts = [_counts(sample, of_all.rows(judged_as)) for sample, of_all in zip(samples, whole, strict=True)]
    found, before = scores.rows(judged_as), None
    if learnt.recalibration is not None:
        before = found.probability
        classes = alleles.class_index[alleles.row[numbers]]
        probability = recalibrated(before, classes, found.tumor_frequency, learnt.recalibration, prior)
        found = replace(found, probability=probability)
    return ScoredAlleles(
        found,
        counts,
        skipped,
        [against[row] for row in judged_as.tolist()],
        unseen[own],
        [named.get(number) for number in range(numbers.start, numbers.stop)],
        phase.of(alleles.row[numbers]),
        before,
        None if alleles.frequency is None else alleles.frequency[alleles.row[numbers]],
    )


def _counts(own: Evidence, event: Evidence) -> SampleCounts:
    """Counts of alleles; of a part those of its event, where gaps have hidden the part from some of the event's fragments."""
    hidden = event.alternative_count > own.alternative_count
    shown = (
        np.where(hidden, getattr(event, name), getattr(own, name))
        for name in ("reference_count", "alternative_count", "other_count")
    )
    return SampleCounts(own.depth, *shown)
