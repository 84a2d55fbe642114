"""score-posterior: the posterior probability of each event for each candidate."""

import contextlib
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator, model_validator

from varproof.machinery.errors import UserError
from varproof.steps.base import (
    DEPTH_LIMIT,
    GERMLINE_FIELD,
    GERMLINE_RESOURCE,
    MAX_DEPTH,
    MERGE_PHASED,
    PANEL,
    RESUME,
    Settings,
    field_of_resource,
    fraction_under_1,
)
from varproof.steps.people import LABEL_ERROR
from varproof.steps.purity import PURITY, KnownBy, with_purity

if TYPE_CHECKING:
    from varproof.formats.evidence import EvidenceReader
    from varproof.formats.prior import LearntPrior
    from varproof.machinery.journal import MakeJournal
    from varproof.posterior.job import ScoringJob
    from varproof.posterior.teaching import Learnt
    from varproof.steps.background import SamplePair

logger = logging.getLogger(__name__)

GIVEN_PRIOR = "given"
"""`prior` of settings where a program hands over what it has learnt."""


class ScorePosteriorSettings(Settings):
    """Give each candidate the posterior probability of being somatic, germline, an artefact or absent.

    Tumour and normal are reads (BAM or CRAM) or evidence files of collect-evidence. By default the prior is learnt from
    the reads, from what a sample of their whole territory shows, and not from the list: whoever selected it, the same reads get
    the same probabilities.

    Records come out as they came in, all samples included. The tumour's and the normal's columns are those of the
    reads' samples (SM), else those that the header tells (##tumor_sample, ##normal_sample), or the only possible ones;
    where the file has none, they are added. GT, AD, DP, AF and PS are filled where the caller gave none.
    """

    candidates: Path = Field(description="VCF or BCF of candidate variants, sorted.")
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    tumor: Path = Field(description="tumour: indexed BAM or CRAM, or evidence.h5.")
    output: Path = Field(description="scored VCF to write: .vcf, .vcf.gz, .bcf or -.")
    normal: Path | None = Field(None, description="matched normal: indexed BAM or CRAM, or evidence.h5.")
    tumor_sample: str | None = Field(None, description="the tumour's column in --candidates (default: that of its reads).")
    normal_sample: str | None = Field(None, description="the normal's sample column in --candidates.")
    purity: KnownBy = Field(1.0, description=PURITY)
    segments: Path | None = Field(
        None,
        description="copy numbers of the tumour cells: segments.tsv of estimate-purity, its purity.json, or a table of ASCAT, "
        "FACETS, PURPLE, CNVkit or Sequenza; with the purity that belongs to them.",
    )
    normal_contamination: float | Literal["auto"] = Field(
        "auto", description="fraction of tumour cells in the normal sample; auto: learnt with the prior."
    )
    prior: str = Field(
        "empirical",
        description="empirical (learnt here), flat (the 2020 paper's; with a normal), or a file of learn-prior.",
    )
    learn_from: Literal["auto", "reads", "candidates"] = Field(
        "auto",
        description="what teaches the prior: reads (their own background, whatever the list), candidates (the list, which must "
        "not be filtered), or auto: reads where they are given.",
    )
    learnt_prior: Path | None = Field(None, description="write what was learnt, for --prior of other runs.")
    alignment_tumor: Path | None = Field(
        None, description="alignment.json of the tumour; measured if not given. Repeats are measured in both samples together."
    )
    alignment_normal: Path | None = Field(None, description="alignment.json of the normal; measured if not given.")
    regions: Path | None = Field(None, description="BED that was searched: candidates, and the reads that teach.")
    panel: Path | None = Field(None, description=PANEL)
    territory: float | None = Field(
        None, gt=0, description="bases that were searched for the candidates, where these teach, instead of --regions."
    )
    calibrate: list[Path] | None = Field(
        None,
        description="correct the rates by variants that are planted into the pair's own reads: auto; by people's labels of the "
        "candidates (labels.tsv, IGVNav's table, or the VCF of review-calls' page); by folders of spike-variants; or a file of "
        "--save-calibration.",
    )
    label_error: float | None = Field(None, ge=0, lt=0.5, description=LABEL_ERROR)
    save_calibration: Path | None = Field(None, description="write the correction, for --calibrate of other runs.")
    germline_resource: Path | None = Field(None, description=GERMLINE_RESOURCE)
    germline_field: str | None = Field(None, description=GERMLINE_FIELD)
    max_depth: int | None = Field(MAX_DEPTH, ge=10, description=DEPTH_LIMIT)
    merge_phased: int | None = Field(None, ge=0, le=100, description=MERGE_PHASED)
    resume: Path | None = Field(None, description=RESUME)

    @model_validator(mode="after")
    def _one_teacher(self) -> "ScorePosteriorSettings":
        if self.prior != "empirical" and "learn_from" in self.model_fields_set:
            raise ValueError(f"--learn-from says what to learn from, and --prior {self.prior} leaves nothing to learn")
        if self.prior == "flat" and self.germline_resource is not None:
            raise ValueError("--germline-resource tells how common germline variants are, and --prior flat doesn't ask")
        if self.prior == "flat" and self.panel is not None:
            raise ValueError("--panel needs a prior that is learnt, and --prior flat is not")
        return field_of_resource(self)

    @field_validator("calibrate", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str | Path) else value

    @field_validator("normal_contamination")
    @classmethod
    def _fraction(cls, value: float | str) -> float | str:
        return fraction_under_1(value)


def score_posterior(options: ScorePosteriorSettings, densities_only: bool = False, prior: "LearntPrior | None" = None) -> None:
    """Candidates and reads (or evidence) to a scored VCF; `densities_only`: nobody will look at the probabilities.

    `prior`: in place of `options.prior`, which then is GIVEN_PRIOR.
    """
    from varproof.formats.vcf import open_vcf, vcf_mode
    from varproof.machinery.journal import kept_chunks
    from varproof.machinery.output import working_folder
    from varproof.posterior.columns import SampleName, assigned_columns
    from varproof.posterior.run import write_scored
    from varproof.posterior.teaching import read_prior
    from varproof.steps.background import SamplePair
    from varproof.steps.recalibrating import calibration, check_calibration

    vcf_mode(options.output)
    open_vcf(options.candidates).close()
    check_calibration(options)
    options, found = with_purity(options)
    given = prior
    if given is None and options.prior not in ("flat", "empirical"):
        given = read_prior(Path(options.prior))
    if not densities_only:
        _warn_if_flat_alone(options, given)
    _require_learnt_alike(options, given)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(working_folder())
        journal = stack.enter_context(kept_chunks(options.resume))
        pair = SamplePair.of(options, options.worker_count, stack, found)
        job = pair.job(options.candidates, folder, "", journal)
        if job.normal is not None:
            _warn_if_repeats_differ(job.tumor, job.normal)
        names = [
            SampleName(name, *reader.sample_names)
            for name, reader in ((options.tumor_sample, job.tumor), (options.normal_sample, job.normal))
            if reader is not None
        ]
        with open_vcf(options.candidates) as handle:
            columns = assigned_columns(options.candidates, handle.header, names)
        learnt = _learnt(options, given, pair, job, folder, journal)
        if options.learnt_prior is not None:
            from varproof.formats.json_file import write_json

            write_json(options.learnt_prior, learnt.prior)
        if not densities_only:
            learnt = replace(learnt, recalibration=calibration(options, learnt.prior, pair, folder))
        write_scored(job, learnt, columns, options.output, options, options.merge_phased)


def _learnt(
    options: ScorePosteriorSettings,
    given: "LearntPrior | None",
    pair: "SamplePair",
    job: "ScoringJob",
    folder: Path,
    journal: "MakeJournal",
) -> "Learnt":
    """The prior, given or learnt, and what it says of the list."""
    from varproof.posterior.job import judged_alleles
    from varproof.posterior.teaching import flat_prior, learn, prepare, with_match
    from varproof.posterior.territory import searched_territory
    from varproof.reads.regions import regions_of_reference
    from varproof.steps.background import taught_by_reads

    alleles = judged_alleles(job)
    regions = None if options.regions is None else regions_of_reference(options.regions, options.reference)
    territory = options.territory or searched_territory(pair.covered_bases, regions)
    if given is not None:
        logger.info("the prior is that of %s", "the program" if options.prior == GIVEN_PRIOR else options.prior)
        learnt = prepare(job, alleles, given)
    elif options.prior == "flat":
        learnt = prepare(job, alleles, flat_prior(territory, job.normal_contamination))
    elif _from_reads(options, pair):
        learnt = taught_by_reads(pair, regions, job, alleles, folder, journal)
    else:
        logger.info("the candidates of %s teach the prior", options.candidates)
        learnt = learn(job, alleles, territory, used=pair.resource_used(regions))
    return with_match(job, learnt)


def _from_reads(options: ScorePosteriorSettings, pair: "SamplePair") -> bool:
    """Whether reads teach; raises UserError where they are to, but are not there."""
    if options.learn_from == "candidates":
        return False
    evidence = [path for path in (options.tumor, options.normal) if path is not None and path in pair.evidence]
    if not evidence:
        if options.territory is not None:
            logger.info("--territory is that of the list, and reads teach the prior: it is not used")
        return True
    if options.learn_from == "reads":
        raise UserError(
            f"--learn-from reads: {evidence[0]} is an evidence file, which knows of its own candidates only; give reads, or "
            "learn from them with learn-prior and give --prior"
        )
    logger.info(
        "%s is an evidence file: the prior is learnt from these candidates alone, which is right for lists that nobody has "
        "filtered; learn-prior learns from the reads, for --prior",
        evidence[0],
    )
    return False


def _warn_if_flat_alone(options: ScorePosteriorSettings, given: "LearntPrior | None") -> None:
    """Warn of a flat prior without a normal, under which somatic and germline are equally probable everywhere."""
    flat = options.prior == "flat" if given is None else given.kind == "flat"
    if flat and options.normal is None:
        logger.warning(
            "--prior %s without --normal CAN'T TELL SOMATIC FROM GERMLINE: whatever the reads show, these four events get the "
            "same probability, and fdr-filter will keep nothing; give --normal, or leave --prior out",
            options.prior,
        )


def _require_learnt_alike(options: ScorePosteriorSettings, given: "LearntPrior | None") -> None:
    """Raise UserError unless a given prior was learnt with a germline resource, and a panel, where there is one, and without
    where not.
    """
    if given is None:
        return
    name = "the prior" if options.prior == GIVEN_PRIOR else options.prior
    used, resource = given.germline_resource, options.germline_resource
    for what, option, was, value in (
        ("germline resource", "--germline-resource", used is not None, resource),
        ("panel of normals", "--panel", given.panel_missed is not None, options.panel),
    ):
        if not was and value is not None:
            raise UserError(f"{name} was learnt without a {what}; learn it again with {option} {value}, or leave {option} out")
        if was and value is None:
            raise UserError(f"{name} was learnt with a {what}; give {option}, too")
    from varproof.machinery.output import input_digest

    for what, path, digest, differs in (
        ("germline resource", resource, used and used.digest, "what a person has beyond that one may differ"),
        ("panel of normals", options.panel, given.panel_digest, "what that one lacks of a tumour's artefacts may differ"),
    ):
        if digest is not None and path is not None and path.is_file() and input_digest(path) != digest:
            logger.warning("%s was learnt with another %s than %s: %s", name, what, path, differs)


def _warn_if_repeats_differ(tumor: "EvidenceReader", normal: "EvidenceReader") -> None:
    from varproof.formats.evidence import REPEATS

    measured = tumor.attribute(REPEATS), normal.attribute(REPEATS)
    if all(measured) and measured[0] != measured[1]:
        logger.warning(
            "%s and %s: repeats were measured in each sample apart, so that an allele of both may be slippage in one of them "
            "only; give collect-evidence the other sample's alignment.json as --repeats",
            tumor.path,
            normal.path,
        )
