"""From evidence files to a scored VCF: learn the prior from a sample of the candidates, then score all of them in order."""

import json
import logging
from array import array
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from varproof.formats.events import ABSENT, EVENTS
from varproof.formats.evidence import Evidence, EvidenceReader, concatenated
from varproof.formats.json_file import read_json
from varproof.formats.prior import LearntPrior
from varproof.formats.record import Record
from varproof.formats.scored import EventSelection
from varproof.formats.vcf import VcfWriter, probability_field, read_records
from varproof.machinery.errors import UserError
from varproof.machinery.output import provenance
from varproof.posterior.annotate import Annotator, SampleCounts, ScoredAlleles, scored_header
from varproof.posterior.classes import CLASSES, class_of
from varproof.posterior.clustering import clustering, near_artifacts
from varproof.posterior.columns import Columns
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.judgeable import TUMOR_ONLY, judged_without_normal, unjudged_reasons
from varproof.posterior.learning import Sampled, describe, learn_prior, same_layout, starting_prior
from varproof.posterior.phase import Phase, Present, caller_sets, links_of, phased
from varproof.posterior.reasons import reasons
from varproof.posterior.relatedness import AlleleCounts, SampleMatch, report, sample_match
from varproof.posterior.score import score
from varproof.reads.reference import contig_lengths
from varproof.variants.candidate import candidate_key, candidates_of
from varproof.variants.edit import VariantType
from varproof.variants.merging import PhasedMerger, declare
from varproof.variants.reference import Reference

logger = logging.getLogger(__name__)

BLOCK = 2_000
_UNREAL = ("ARTIFACT", ABSENT)
REAL_EVENTS = EventSelection(
    tuple(probability_field(name) for name in EVENTS if name not in _UNREAL), tuple(map(probability_field, _UNREAL))
)
"""What is in the sample, be it somatic or germline."""

SAMPLES_LINE = "varproof_samples"
"""Key of the header line that says whether tumour and normal belong together."""


@dataclass(frozen=True)
class ScoringJob:
    """Candidates and the evidence of their samples, in the same order, allele by allele."""

    candidates: Path
    reference: Path
    tumor: EvidenceReader
    normal: EvidenceReader | None
    purity: float
    normal_contamination: float | None


@dataclass(frozen=True)
class AlleleList:
    """Of every allele of a candidate list, in order (n,): class index, key, whether it is an SNV, contig number, position."""

    class_index: np.ndarray
    key: np.ndarray
    is_snv: np.ndarray
    contig: np.ndarray
    position: np.ndarray

    @property
    def size(self) -> int:
        """Number of alleles."""
        return len(self.key)


def allele_list(path: Path) -> AlleleList:
    """The alleles of a VCF; 29 bytes each."""
    columns: tuple[array[int], ...] = (array("b"), array("Q"), array("b"), array("i"), array("q"))
    for number, record in enumerate(read_records(path)):
        for item in candidates_of(record, number):
            values = (
                class_of(item) if item.skipped is None else len(CLASSES) - 1,
                candidate_key(item),
                item.skipped is None and item.type is VariantType.SNV,
                record.rid,
                record.start,
            )
            for column, value in zip(columns, values, strict=True):
                column.append(value)
    classes, keys, snv, contig, position = (np.array(column) for column in columns)
    return AlleleList(classes.astype(np.int64), keys, snv.astype(bool), contig, position)


def _check_same_candidates(reader: EvidenceReader, keys: np.ndarray, candidates: Path) -> None:
    if reader.size != len(keys) or not np.array_equal(reader.column("key"), keys):
        raise UserError(f"{reader.path}: evidence of other candidates than {candidates}; collect it again")


@dataclass(frozen=True)
class Learnt:
    """The prior, which alleles (n,) lie near artefacts, and whether the samples belong together (None: there is one)."""

    prior: LearntPrior
    alleles: AlleleList
    near_artifact: np.ndarray | None
    match: SampleMatch | None = None


def read_prior(path: Path) -> LearntPrior:
    """A learnt prior; raises UserError for a file that holds none, or one of another layout."""
    prior = read_json(path, LearntPrior)
    if not same_layout(prior, starting_prior("empirical", prior.territory)):
        raise UserError(f"{path}: incomplete, or learnt by another version of varproof; learn it again")
    return prior


def learn(job: ScoringJob, choice: str | LearntPrior, territory: float | None) -> Learnt:
    """The prior: flat, from a file, given, or learnt from the job's candidates; and whether the samples belong together."""
    alleles = allele_list(job.candidates)
    for reader in (job.tumor, job.normal):
        if reader is not None:
            _check_same_candidates(reader, alleles.key, job.candidates)
    return replace(_learnt(job, alleles, choice, territory), match=_match(job, alleles))


def _match(job: ScoringJob, alleles: AlleleList) -> SampleMatch | None:
    if job.normal is None:
        return None
    match = sample_match(AlleleCounts.of(job.tumor), AlleleCounts.of(job.normal), alleles.contig, alleles.position)
    report(match)
    return match


def _learnt(job: ScoringJob, alleles: AlleleList, choice: str | LearntPrior, territory: float | None) -> Learnt:
    if choice == "flat":
        prior = starting_prior("flat", territory or 0.0)
        return Learnt(prior.model_copy(update={"normal_contamination": job.normal_contamination or 0.0}), alleles, None)
    if choice == "empirical":
        return _learnt_here(job, alleles, territory)
    prior = choice if isinstance(choice, LearntPrior) else read_prior(Path(choice))
    if prior.kind == "flat":
        return Learnt(prior, alleles, None)
    posterior = _artifact_posteriors(job, alleles, prior)
    return Learnt(prior, alleles, near_artifacts(alleles.contig, alleles.position, posterior))


def _learnt_here(job: ScoringJob, alleles: AlleleList, territory: float | None) -> Learnt:
    """The prior learnt from a sample of the job's candidates; where artefacts crowd, from all of them."""
    if territory is None:
        territory = DECISIONS.territory_per_candidate * max(1, alleles.size)
        logger.warning("the searched territory is not known: taken to be %.0f bases; give --territory or --regions", territory)
    judged = np.flatnonzero((job.tumor.column("judged") > 0) & (job.tumor.column("usable") > 0))
    paired = judged if job.normal is None else judged[job.normal.column("usable")[judged] > 0]
    teaching = paired if len(paired) else judged
    step = max(1, -(-len(teaching) // DECISIONS.most_learnt_from))
    chosen = teaching[::step]
    normal = _selected(job.normal, chosen) if job.normal is not None and len(paired) else None
    sampled = Sampled(_selected(job.tumor, chosen), normal, alleles.class_index[chosen], alleles.is_snv[chosen])
    taught = territory * len(teaching) / max(1, len(judged))
    prior = learn_prior(sampled, taught / step, job.purity, job.normal_contamination)
    prior = prior.model_copy(update={"territory": territory})
    posterior = _artifact_posteriors(job, alleles, prior)
    near = near_artifacts(alleles.contig, alleles.position, posterior)
    inside, outside = clustering(alleles.contig, alleles.position, posterior, near, territory)
    prior = prior.model_copy(update={"artifact_enrichment": inside, "artifact_depletion": outside})
    for line in describe(prior):
        logger.info("%s", line)
    return Learnt(prior, alleles, near)


def _block(job: ScoringJob, alleles: AlleleList, start: int, end: int) -> Sampled:
    """Evidence and classes of alleles start..end - 1."""
    normal = None if job.normal is None else job.normal.read(start, end)
    return Sampled(job.tumor.read(start, end), normal, alleles.class_index[start:end], alleles.is_snv[start:end])


def _artifact_posteriors(job: ScoringJob, alleles: AlleleList, prior: LearntPrior) -> np.ndarray:
    """(n,) posterior of an artefact, wherever the candidate lies."""
    column = EVENTS.index("ARTIFACT")
    out = np.zeros(alleles.size)
    for start in range(0, alleles.size, BLOCK):
        end = min(start + BLOCK, alleles.size)
        block = _block(job, alleles, start, end)
        unseen = judged_without_normal(block.tumor, block.normal)
        scores = score(block.tables(prior), block.class_index, prior, job.purity, without_normal=unseen)
        known = (block.tumor.judged > 0) & (block.tumor.usable > 0)
        out[start:end] = np.where(known, scores.probability[:, column], 0.0)
    return out


def _selected(reader: EvidenceReader, chosen: np.ndarray) -> Evidence:
    """Evidence of chosen candidates (sorted indices)."""
    parts = []
    for start in range(0, reader.size, BLOCK):
        wanted = chosen[(chosen >= start) & (chosen < start + BLOCK)] - start
        if len(wanted):
            parts.append(reader.read(start, min(start + BLOCK, reader.size)).rows(wanted))
    return concatenated(parts)


def write_scored(
    job: ScoringJob, learnt: Learnt, columns: Columns, output: Path, options: BaseModel, merged_within: int | None = None
) -> None:
    """Score all candidates in blocks and write them as they came, with varproof's fields.

    merged_within: records of one haplotype with at most so many bases between them are written as one; None: none are.
    """
    prior = learnt.prior
    shown = prior.model_dump(by_alias=True, exclude={"artifact_density", "artifact_rates", "artifact_contexts"})
    lines = [
        f"##varproof_score-posterior={provenance('score-posterior', options)}",
        f"##varproof_prior={json.dumps(shown, sort_keys=True)}",
        f"##varproof_decisions={json.dumps(_decisions(job), sort_keys=True)}",
    ]
    if learnt.match is not None:
        lines.append(f"##{SAMPLES_LINE}={json.dumps(learnt.match.model_dump(), sort_keys=True)}")
    phase = _phase(job, learnt, columns)
    written = tumor_only = 0
    block: list[Record] = []
    alleles = start = 0

    header = scored_header(job.candidates, columns, lines)
    merger = None
    if merged_within is not None:
        declare(header)
        merger = PhasedMerger(job.candidates, merged_within, REAL_EVENTS, columns.numbers[0], Reference(job.reference))
    with VcfWriter(output, header, contig_lengths(job.reference)) as writer:
        annotator = Annotator(writer.declared, columns)

        def flush() -> None:
            nonlocal start, tumor_only
            if not block:
                return
            data = _block(job, learnt.alleles, start, alleles)
            near = None if learnt.near_artifact is None else learnt.near_artifact[start:alleles]
            found = replace(scored_alleles(data, prior, job.purity, near, block), phase=phase.part(start, alleles))
            tumor_only += int(found.tumor_only.sum())
            row = 0
            for record in block:
                count = len(record.alts or ())
                annotator.annotate(record, slice(row, row + count), found)
                record.header = writer.declared
                for ready in [record] if merger is None else merger.add(record):
                    writer.write(ready)
                row += count
            start = alleles
            block.clear()

        for record in read_records(job.candidates):
            block.append(record)
            alleles += len(record.alts or ())
            written += 1
            if alleles - start >= BLOCK:
                flush()
        flush()
        for ready in () if merger is None else merger.finish():
            writer.write(ready)
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(annotator.not_judged.items()))
    logger.info("%d records scored%s", written, f"; alleles not judged: {told}" if told else "")
    if merger is not None:
        logger.info("%d records were merged with others of their haplotype", merger.merged)
    if tumor_only:
        logger.warning("%d alleles without usable reads in the normal: judged as tumour only (INFO/%s)", tumor_only, TUMOR_ONLY)


def _phase(job: ScoringJob, learnt: Learnt, columns: Columns) -> Phase:
    """Phase of all alleles; those that have links, or a caller's phase, are scored for it."""

    def present(asked: np.ndarray) -> Present:
        probability, frequency, judged = np.zeros((len(asked), len(EVENTS))), np.zeros(len(asked)), np.zeros(len(asked), bool)
        for start in range(0, alleles.size, BLOCK):
            first, last = np.searchsorted(asked, (start, start + BLOCK))
            if first == last:
                continue
            rows = asked[first:last]
            data = _block(job, alleles, start, min(start + BLOCK, alleles.size)).chosen(rows - start)
            near = None if learnt.near_artifact is None else learnt.near_artifact[rows]
            unseen = judged_without_normal(data.tumor, data.normal)
            scores = score(data.tables(learnt.prior), data.class_index, learnt.prior, job.purity, near, unseen)
            probability[first:last], frequency[first:last] = scores.probability, scores.tumor_frequency
            judged[first:last] = (data.tumor.judged > 0) & (data.tumor.usable > 0)
        return Present.of(probability, frequency, judged)

    alleles = learnt.alleles
    readers = [reader for reader in (job.tumor, job.normal) if reader is not None]
    column = None if columns.names[0] in columns.added else columns.numbers[0]
    sets = caller_sets(job.candidates, column)
    return phased(links_of(readers, alleles.key), sets, alleles.contig, alleles.position, alleles.key, present)


def _decisions(job: ScoringJob) -> dict[str, Any]:
    """Model decisions by room: of the posterior, and those that the tumour's evidence was made under, where it says."""
    told = {"evidence": job.tumor.decisions, "posterior": DECISIONS.model_dump(mode="json")}
    if job.normal is not None and job.normal.decisions != job.tumor.decisions:
        logger.warning(
            "the evidence of tumour and normal was made under different model decisions (%s, %s)",
            job.tumor.path,
            job.normal.path,
        )
    return told


def scored_alleles(
    data: Sampled, prior: LearntPrior, purity: float, near: np.ndarray | None, records: list[Record]
) -> ScoredAlleles:
    """Posteriors and counts of the alleles of `records`, whose evidence is `data`."""
    samples = [data.tumor] if data.normal is None else [data.tumor, data.normal]
    unseen = judged_without_normal(data.tumor, data.normal)
    tables = data.tables(prior)
    scores = score(tables, data.class_index, prior, purity, near, unseen)
    kinds = [item.skipped for record in records for item in candidates_of(record, 0)]
    skipped = unjudged_reasons(kinds, data.tumor, data.normal)
    counts = [SampleCounts(sample.depth, sample.reference_count, sample.alternative_count) for sample in samples]
    return ScoredAlleles(
        scores, counts, skipped, reasons(data, tables, scores, prior, near), unseen, Phase.none(data.tumor.size)
    )
