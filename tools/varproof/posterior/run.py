"""From evidence files to a scored VCF: learn the prior from a sample of the candidates, then score all of them in order."""

import json
import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from varproof.errors import UserError
from varproof.evidence.collect import candidate_key
from varproof.formats.evidence import Evidence, EvidenceReader, concatenated
from varproof.formats.json_file import read_json
from varproof.formats.output import provenance
from varproof.formats.prior import LearntPrior
from varproof.formats.vcf import VariantType, VcfWriter, candidates_of
from varproof.posterior.annotate import add_record, output_header, record_alleles
from varproof.posterior.classes import CLASSES, class_of
from varproof.posterior.learning import Sampled, describe, learn_prior, starting_prior
from varproof.posterior.score import score

logger = logging.getLogger("varproof.posterior")

MOST_LEARNT_FROM = 200_000
BLOCK = 2_000
DEFAULT_TERRITORY_PER_CANDIDATE = 1_000.0


@dataclass(frozen=True)
class ScoringJob:
    """Candidates and the evidence of their samples, in the same order, allele by allele."""

    candidates: Path
    tumor: EvidenceReader
    normal: EvidenceReader | None
    purity: float
    normal_contamination: float | None


def _classes_and_keys(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(class index, key, whether it is an SNV) of every allele."""
    classes, keys, snv = [], [], []
    for number, (record, _) in enumerate(record_alleles(path)):
        for item in candidates_of(record, number):
            classes.append(class_of(item) if item.skipped is None else len(CLASSES) - 1)
            keys.append(candidate_key(item))
            snv.append(item.skipped is None and item.type is VariantType.SNV)
    return np.array(classes, np.int64), np.array(keys, np.uint64), np.array(snv, bool)


def _check_same_candidates(reader: EvidenceReader, keys: np.ndarray, candidates: Path) -> None:
    if reader.size != len(keys) or not np.array_equal(reader.read(0, reader.size).key, keys):
        raise UserError(f"{reader.path}: evidence of other candidates than {candidates}; collect it again")


def learn(job: ScoringJob, choice: str, territory: float | None) -> LearntPrior:
    """The prior: flat, from a file, or learnt from the job's candidates."""
    classes, keys, is_snv = _classes_and_keys(job.candidates)
    readers = [reader for reader in (job.tumor, job.normal) if reader is not None]
    for reader in readers:
        _check_same_candidates(reader, keys, job.candidates)
    if territory is None:
        territory = DEFAULT_TERRITORY_PER_CANDIDATE * max(1, len(keys))
        logger.warning("the searched territory is not known: taken to be %.0f bases; give --territory or --regions", territory)
    if choice == "flat":
        return starting_prior("flat", territory).model_copy(update={"normal_contamination": job.normal_contamination or 0.0})
    if choice != "empirical":
        prior = read_json(Path(choice), LearntPrior)
        if prior.classes != list(CLASSES):
            raise UserError(f"{choice}: learnt by another version of varproof; learn it again")
        return prior
    judged = np.flatnonzero(job.tumor.read(0, job.tumor.size).judged) if len(keys) else np.zeros(0, np.int64)
    step = max(1, -(-len(judged) // MOST_LEARNT_FROM))
    chosen = judged[::step]
    scaled = territory / step
    pieces = [_selected(reader, chosen) for reader in readers]
    sampled = Sampled(pieces[0], pieces[1] if len(pieces) > 1 else None, classes[chosen], is_snv[chosen])
    prior = learn_prior(sampled, scaled, job.purity, job.normal_contamination)
    for line in describe(prior):
        logger.info("%s", line)
    return prior


def _selected(reader: EvidenceReader, chosen: np.ndarray) -> Evidence:
    """Evidence of chosen candidates (sorted indices)."""
    parts = []
    for start in range(0, reader.size, BLOCK):
        wanted = chosen[(chosen >= start) & (chosen < start + BLOCK)] - start
        if len(wanted):
            parts.append(reader.read(start, min(start + BLOCK, reader.size)).rows(wanted))
    return concatenated(parts)


def write_scored(job: ScoringJob, prior: LearntPrior, output: Path, options: BaseModel) -> None:
    """Score all candidates in blocks and write them as they came, with varproof's fields."""
    samples = ["tumor"] + (["normal"] if job.normal is not None else [])
    learnt = prior.model_dump(by_alias=True, exclude={"artifact_density", "artifact_rates", "artifact_company"})
    lines = [
        f"##varproof_score-posterior={provenance('score-posterior', options)}",
        f"##varproof_prior={json.dumps(learnt, sort_keys=True)}",
    ]
    header = output_header(job.candidates, samples, lines)
    skipped: Counter[str] = Counter()
    written = 0
    block: list[tuple[int, object, int]] = []
    alleles = start = 0

    with VcfWriter(output, header) as writer:

        def flush() -> None:
            nonlocal start
            if not block:
                return
            classes, snv = [], []
            for number, record, _ in block:
                for item in candidates_of(record, number):
                    classes.append(class_of(item) if item.skipped is None else len(CLASSES) - 1)
                    snv.append(item.skipped is None and item.type is VariantType.SNV)
            tumor = job.tumor.read(start, alleles)
            normal = job.normal.read(start, alleles) if job.normal is not None else None
            sampled = Sampled(tumor, normal, np.array(classes, np.int64), np.array(snv, bool))
            scores = score(sampled.tables(prior), sampled.class_index, prior, job.purity)
            judged = tumor.judged if normal is None else tumor.judged & normal.judged
            depths = [tumor.depth] + ([normal.depth] if normal is not None else [])
            row = 0
            for number, record, count in block:
                reason = add_record(writer, record, number, slice(row, row + count), scores, judged, depths)
                if reason:
                    skipped[reason] += 1
                row += count
            start = alleles
            block.clear()

        for number, (record, count) in enumerate(record_alleles(job.candidates)):
            block.append((number, record, count))
            alleles += count
            written += 1
            if alleles - start >= BLOCK:
                flush()
        flush()
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
    logger.info("%d records scored%s", written, f"; not judged: {reasons}" if reasons else "")
