"""Where the prior comes from: learnt from candidates of the reads' own background or from a list, or given."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from varproof.formats.events import EVENTS
from varproof.formats.json_file import read_json
from varproof.formats.prior import LearntPrior, ResourceUsed
from varproof.formats.recalibration import Recalibration
from varproof.machinery.errors import UserError
from varproof.machinery.output import input_digest
from varproof.posterior.clustering import clustering, near_artifacts
from varproof.posterior.components import OF_COPIES
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.imbalance import learnt_balance
from varproof.posterior.job import BLOCK, AlleleList, ScoringJob, block_of, copies_of, selected
from varproof.posterior.judgeable import judged_without_normal
from varproof.posterior.learning import describe, learn_prior, same_layout, starting_prior
from varproof.posterior.population import is_listed
from varproof.posterior.relatedness import AlleleCounts, SampleMatch, report, sample_match
from varproof.posterior.sampled import Sampled
from varproof.posterior.score import score

logger = logging.getLogger(__name__)


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


def learn(
    job: ScoringJob,
    alleles: AlleleList,
    territory: float | None,
    rows: np.ndarray | None = None,
    used: ResourceUsed | None = None,
) -> Learnt:
    """The prior that a job's candidates teach, and which of them lie near artefacts.

    rows: the candidates that teach (indices, ascending); None: all that are judged for an allele. territory: bases that were
    searched for those; None: not known. used: the job's germline resource, as it is there. Of many candidates a sample teaches;
    where artefacts crowd is learnt from all of them.
    """
    rows = alleles.judged if rows is None else rows
    if territory is None:
        territory = DECISIONS.territory_per_candidate * max(1, len(alleles.row))
        logger.warning("the searched territory is not known: taken to be %.0f bases; give --territory or --regions", territory)
    known = (job.tumor.column("judged") > 0) & (job.tumor.column("usable") > 0)
    judged = rows[known[rows]]
    paired = judged if job.normal is None else judged[job.normal.column("usable")[judged] > 0]
    teaching = paired if len(paired) else judged
    step = max(1, -(-len(teaching) // DECISIONS.most_learnt_from))
    chosen = teaching[::step]
    normal = selected(job.normal, chosen) if job.normal is not None and len(paired) else None
    _warn_of_little(len(teaching), territory)
    frequency = None if alleles.frequency is None else alleles.frequency[chosen]
    panel = None if alleles.panel is None else alleles.panel.rows(chosen)
    columns = (alleles.class_index[chosen], alleles.is_snv[chosen], alleles.context[chosen], frequency, panel)
    tumor, balance = selected(job.tumor, chosen), None
    crowd = None if alleles.crowd is None else alleles.crowd[chosen]
    if job.normal is None:
        listed = None if frequency is None else is_listed(frequency)
        place = (alleles.contig[chosen], alleles.position[chosen], alleles.is_snv[chosen])
        balance = learnt_balance(sample_of(job), alleles.contigs, *place, tumor, job.purity, listed, crowd)
    sampled = Sampled(tumor, normal, *columns, copies_of(job, alleles, chosen, balance), crowd)
    taught = territory * len(teaching) / max(1, len(judged))
    prior = learn_prior(sampled, taught / step, job.purity, job.normal_contamination, job.selection, used)
    digest = None if job.panel is None else input_digest(job.panel)
    prior = prior.model_copy(update={"territory": territory, "balance": balance, "panel_digest": digest})
    posterior = _artifact_posteriors(job, alleles, prior)
    near = _near_artifacts(alleles, posterior)
    inside, outside = clustering(alleles.contig[rows], alleles.position[rows], posterior[rows], near[rows], territory)
    prior = prior.model_copy(update={"artifact_enrichment": inside, "artifact_depletion": outside})
    for line in describe(prior):
        logger.info("%s", line)
    return Learnt(prior, alleles, near)


def _warn_of_little(candidates: int, territory: float) -> None:
    """Warn where little teaches: what stays as published is what few candidates, or few bases, say little of."""
    if candidates < DECISIONS.few_candidates or territory < DECISIONS.few_bases:
        logger.warning(
            "only %d candidates in %.0f bases teach the prior: it stays near published rates in what these tell little of; one "
            "that more reads of the same kind have taught (learn-prior) would be better",
            candidates,
            territory,
        )


def prepare(job: ScoringJob, alleles: AlleleList, prior: LearntPrior) -> Learnt:
    """What a prior that is not of these candidates says of them: which lie near artefacts."""
    if prior.kind == "flat":
        return Learnt(prior, alleles, None)
    if prior.balance is not None and (job.normal is not None or prior.balance.sample != sample_of(job)):
        if job.normal is None:
            logger.info("the prior was learnt from %s: what it tells of copy numbers is not used", prior.balance.sample)
        prior = prior.model_copy(update={"balance": None})
    return Learnt(prior, alleles, _near_artifacts(alleles, _artifact_posteriors(job, alleles, prior)))


def sample_of(job: ScoringJob) -> str:
    """The tumour, by the samples of its reads, or by its file."""
    read_groups, file = job.tumor.sample_names
    return ", ".join(read_groups) or file


def flat_prior(territory: float | None, normal_contamination: float | None) -> LearntPrior:
    """The prior of `--prior flat`: nothing is learnt."""
    prior = starting_prior("flat", territory or 0.0)
    return prior.model_copy(update={"normal_contamination": normal_contamination or 0.0})


def with_match(job: ScoringJob, learnt: Learnt) -> Learnt:
    """Beside what was learnt, whether the job's samples belong together; the log tells."""
    if job.normal is None:
        return learnt
    rows = learnt.alleles.row
    tumor, normal = AlleleCounts.of(job.tumor, rows), AlleleCounts.of(job.normal, rows)
    match = sample_match(tumor, normal, learnt.alleles.contig[rows], learnt.alleles.position[rows])
    report(match)
    return replace(learnt, match=match)


def rows_of_background(alleles: AlleleList, background: AlleleList) -> tuple[np.ndarray, float]:
    """(candidates of a list that the background has, too (indices, ascending), share of the background that the list holds).

    What candidates make together is the background's where all its parts are.
    """
    own, listed = background.key[background.row], alleles.key[alleles.row]
    held = float(np.isin(own, listed).mean()) if len(own) else 1.0
    common = np.isin(alleles.key, own)
    for row, parts in zip(alleles.parts_of.rows, alleles.parts_of.parts, strict=True):
        common[row] = bool(common[list(parts)].all())
    return alleles.judged[common[alleles.judged]], held


def _near_artifacts(alleles: AlleleList, posterior: np.ndarray) -> np.ndarray:
    """bool (n,): `near_artifacts` among the candidates that are judged for an allele; False of others."""
    near, rows = np.zeros(alleles.size, bool), alleles.judged
    near[rows] = near_artifacts(alleles.contig[rows], alleles.position[rows], posterior[rows])
    return near


def _artifact_posteriors(job: ScoringJob, alleles: AlleleList, prior: LearntPrior) -> np.ndarray:
    """(n,) posterior of an artefact, wherever the candidate lies; without copies that companions tell."""
    column = EVENTS.index("ARTIFACT")
    out = np.zeros(alleles.size)
    for start in range(0, alleles.size, BLOCK):
        end = min(start + BLOCK, alleles.size)
        block = block_of(job, alleles, start, end, prior.balance)
        unseen = judged_without_normal(block.tumor, block.normal)
        told = {"without_normal": unseen, "context": block.context, "frequency": block.frequency}
        scores = score(block.tables(prior), block.class_index, prior, job.purity, copies=block.copies, **told)
        known = (block.tumor.judged > 0) & (block.tumor.usable > 0)
        found = scores.probability[:, column]
        if prior.crowds:
            found = np.maximum(found - scores.artifact[:, np.flatnonzero(OF_COPIES)].sum(axis=1), 0.0)
        out[start:end] = np.where(known, found, 0.0)
    return out
