"""From evidence files to a scored VCF: learn the prior from a sample of the candidates, then score all of them in order."""

import json
import logging
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from varproof.formats.events import EVENTS
from varproof.formats.evidence import Evidence, EvidenceReader, concatenated
from varproof.formats.json_file import read_json
from varproof.formats.prior import LearntPrior
from varproof.formats.recalibration import Recalibration
from varproof.formats.record import Record
from varproof.formats.scored import EventSelection
from varproof.formats.vcf import VcfWriter, probability_field, read_records
from varproof.machinery.errors import UserError
from varproof.machinery.output import provenance
from varproof.posterior.annotate import Annotator, SampleCounts, ScoredAlleles, calibration_lines, scored_header
from varproof.posterior.classes import CLASSES, class_of
from varproof.posterior.clustering import clustering, near_artifacts
from varproof.posterior.columns import Columns
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.events import PartsOf, judged_rows
from varproof.posterior.judgeable import TUMOR_ONLY, judged_without_normal, unjudged_reasons
from varproof.posterior.learning import Sampled, describe, learn_prior, same_layout, starting_prior
from varproof.posterior.phase import UNREAL, Phase, Present, caller_sets, links_of, phased
from varproof.posterior.reasons import SEPARATOR, reasons
from varproof.posterior.recalibration import recalibrated
from varproof.posterior.relatedness import AlleleCounts, SampleMatch, report, sample_match
from varproof.posterior.score import score
from varproof.reads.reference import contig_lengths
from varproof.variants.candidate import Candidate, candidate_key, candidates_of
from varproof.variants.edit import SUBSTITUTIONS, VariantType
from varproof.variants.joined import MOST_TOGETHER, with_joined
from varproof.variants.merging import PhasedMerger, declare
from varproof.variants.reference import Reference

logger = logging.getLogger(__name__)

BLOCK = 2_000
REAL_EVENTS = EventSelection(
    tuple(probability_field(name) for name in EVENTS if name not in UNREAL), tuple(map(probability_field, UNREAL))
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
    """Of every candidate of a list, in order (n,): class index, key, whether it is an SNV, contig number, position.

    Candidates are the alleles of the list and what some of them make together, `parts_of`. `judged_as` (n,): the candidate
    whose posterior each has; `row` (alleles,): the candidates that are alleles of the list.
    """

    class_index: np.ndarray
    key: np.ndarray
    is_snv: np.ndarray
    contig: np.ndarray
    position: np.ndarray
    row: np.ndarray
    parts_of: PartsOf
    judged_as: np.ndarray

    @property
    def size(self) -> int:
        """Number of candidates."""
        return len(self.key)

    @property
    def judged(self) -> np.ndarray:
        """Candidates (indices, ascending) that are judged for an allele: each event is one of them."""
        return np.unique(self.judged_as[self.row])

    @property
    def events(self) -> list[tuple[int, ...]]:
        """Parts of each event: rows that are judged as one candidate."""
        return [parts for parts in self.parts_of.parts if len(set(self.judged_as[list(parts)].tolist())) == 1]


def allele_list(path: Path, reference: Path) -> AlleleList:
    """The candidates of a VCF, each judged as itself; 38 bytes each."""
    columns: tuple[array[int], ...] = (array("b"), array("Q"), array("b"), array("i"), array("q"), array("b"))
    contigs: dict[str, int] = {}
    places = array("q")

    def listed() -> Iterator[Candidate]:
        for number, record in enumerate(read_records(path)):
            places.append(record.start)
            yield from candidates_of(record, number)

    parts_of = PartsOf([], [], [])
    recent: dict[tuple[int, int], tuple[int, Candidate]] = {}
    for row, item in enumerate(with_joined(listed(), Reference(reference))):
        values = (
            class_of(item) if item.skipped is None else len(CLASSES) - 1,
            candidate_key(item),
            item.skipped is None and item.type is VariantType.SNV,
            contigs.setdefault(item.contig, len(contigs)),
            places[item.record],
            bool(item.parts),
        )
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        if item.parts:
            parts_of.rows.append(row)
            parts_of.parts.append(tuple(recent[part.record, part.allele][0] for part in item.parts))
            has_indel = any(part.type not in SUBSTITUTIONS for part in item.parts)
            near = list(recent.values())[-MOST_TOGETHER:] if has_indel else []
            parts_of.instead.append(tuple(number for number, other in near if _may_describe(other, item)))
        else:
            if len(recent) >= 4 * MOST_TOGETHER:
                recent = dict(list(recent.items())[-MOST_TOGETHER:])
            recent[item.record, item.allele] = row, item
    classes, keys, snv, contig, position, joined = (np.array(column) for column in columns)
    return AlleleList(
        classes.astype(np.int64),
        keys,
        snv.astype(bool),
        contig,
        position,
        np.flatnonzero(joined == 0),
        parts_of,
        np.arange(len(keys)),
    )


def _may_describe(listed: Candidate, made: Candidate) -> bool:
    """Whether a listed MNV or replacement may be what a joined candidate stands for."""
    if listed.skipped is not None or listed.contig != made.contig:
        return False
    if listed.type not in (VariantType.MNV, VariantType.REPLACEMENT):
        return False
    return listed.start < made.end and made.start < listed.end and listed not in made.parts


def _check_same_candidates(reader: EvidenceReader, keys: np.ndarray, candidates: Path) -> None:
    if reader.size != len(keys) or not np.array_equal(reader.column("key"), keys):
        raise UserError(f"{reader.path}: evidence of other candidates than {candidates}; collect it again")


@dataclass(frozen=True)
class Learnt:
    """The prior, which alleles (n,) lie near artefacts, and whether the samples belong together (None: there is one).

    `recalibration`: how posteriors are corrected, None: not at all.
    """

    prior: LearntPrior
    alleles: AlleleList
    near_artifact: np.ndarray | None
    match: SampleMatch | None = None
    recalibration: Recalibration | None = None


def read_prior(path: Path) -> LearntPrior:
    """A learnt prior; raises UserError for a file that holds none, or one of another layout."""
    prior = read_json(path, LearntPrior)
    if not same_layout(prior, starting_prior("empirical", prior.territory)):
        raise UserError(f"{path}: incomplete, or learnt by another version of varproof; learn it again")
    return prior


def learn(job: ScoringJob, choice: str | LearntPrior, territory: float | None) -> Learnt:
    """The prior: flat, from a file, given, or learnt from the job's candidates; and whether the samples belong together."""
    alleles = allele_list(job.candidates, job.reference)
    for reader in (job.tumor, job.normal):
        if reader is not None:
            _check_same_candidates(reader, alleles.key, job.candidates)
    alleles = replace(alleles, judged_as=judged_rows(alleles.parts_of, job.tumor, job.normal))
    return replace(_learnt(job, alleles, choice, territory), match=_match(job, alleles))


def _match(job: ScoringJob, alleles: AlleleList) -> SampleMatch | None:
    if job.normal is None:
        return None
    rows = alleles.row
    tumor, normal = AlleleCounts.of(job.tumor, rows), AlleleCounts.of(job.normal, rows)
    match = sample_match(tumor, normal, alleles.contig[rows], alleles.position[rows])
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
    return Learnt(prior, alleles, _near_artifacts(alleles, posterior))


def _near_artifacts(alleles: AlleleList, posterior: np.ndarray) -> np.ndarray:
    """bool (n,): `near_artifacts` among the candidates that are judged for an allele; False of others."""
    near, rows = np.zeros(alleles.size, bool), alleles.judged
    near[rows] = near_artifacts(alleles.contig[rows], alleles.position[rows], posterior[rows])
    return near


def _learnt_here(job: ScoringJob, alleles: AlleleList, territory: float | None) -> Learnt:
    """The prior learnt from a sample of the job's candidates; where artefacts crowd, from all of them."""
    if territory is None:
        territory = DECISIONS.territory_per_candidate * max(1, len(alleles.row))
        logger.warning("the searched territory is not known: taken to be %.0f bases; give --territory or --regions", territory)
    known = (job.tumor.column("judged") > 0) & (job.tumor.column("usable") > 0)
    judged = alleles.judged[known[alleles.judged]]
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
    near, rows = _near_artifacts(alleles, posterior), alleles.judged
    inside, outside = clustering(alleles.contig[rows], alleles.position[rows], posterior[rows], near[rows], territory)
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
    if learnt.recalibration is not None:
        lines += calibration_lines(learnt.recalibration)
    phase = _phase(job, learnt, columns)
    written = tumor_only = 0
    named = same_events(job.candidates, learnt.alleles)
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
            found = scored_alleles(job, learnt, slice(start, alleles), block, named, phase)
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
        rows, which = np.unique(alleles.judged_as[asked], return_inverse=True)
        probability, frequency = np.zeros((len(rows), len(EVENTS))), np.zeros(len(rows))
        for start in range(0, alleles.size, BLOCK):
            first, last = np.searchsorted(rows, (start, start + BLOCK))
            if first == last:
                continue
            data = _block(job, alleles, start, min(start + BLOCK, alleles.size)).chosen(rows[first:last] - start)
            near = None if learnt.near_artifact is None else learnt.near_artifact[rows[first:last]]
            unseen = judged_without_normal(data.tumor, data.normal)
            scores = score(data.tables(learnt.prior), data.class_index, learnt.prior, job.purity, near, unseen)
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
    data = _block(job, alleles, first, last)
    near = None if learnt.near_artifact is None else learnt.near_artifact[first:last]
    unseen = judged_without_normal(data.tumor, data.normal)
    tables = data.tables(prior)
    scores = score(tables, data.class_index, prior, job.purity, near, unseen)
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
    )


def _counts(own: Evidence, event: Evidence) -> SampleCounts:
    """Counts of alleles; of a part those of its event, where gaps have hidden the part from some of the event's fragments."""
    hidden = event.alternative_count > own.alternative_count
    shown = (
        np.where(hidden, getattr(event, name), getattr(own, name))
        for name in ("reference_count", "alternative_count", "other_count")
    )
    return SampleCounts(own.depth, *shown)
