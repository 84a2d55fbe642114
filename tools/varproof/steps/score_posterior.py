"""score-posterior: the posterior probability of each event for each candidate."""

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from varproof.steps.base import DEPTH_LIMIT, MAX_DEPTH, MERGE_PHASED, RESUME, Settings

if TYPE_CHECKING:
    from varproof.formats.alignment import AlignmentProperties
    from varproof.formats.evidence import EvidenceReader
    from varproof.formats.prior import LearntPrior
    from varproof.machinery.journal import MakeJournal

logger = logging.getLogger(__name__)

GIVEN_PRIOR = "given"
"""`prior` of settings where a program hands over what it has learnt."""


class ScorePosteriorSettings(Settings):
    """Give each candidate the posterior probability of being somatic, germline, an artefact or absent.

    Tumour and normal are reads (BAM or CRAM) or evidence files of collect-evidence. By default the prior is learnt from
    all candidates and the territory that was searched for them.

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
    purity: float = Field(1.0, gt=0, le=1, description="fraction of tumour cells in the tumour sample.")
    normal_contamination: float | Literal["auto"] = Field(
        "auto", description="fraction of tumour cells in the normal sample; auto: learnt from the candidates."
    )
    prior: str = Field(
        "empirical",
        description="empirical (learnt here), flat (the 2020 paper's; with a normal), or a file of --learnt-prior.",
    )
    learnt_prior: Path | None = Field(None, description="write what was learnt, for --prior of other runs.")
    alignment_tumor: Path | None = Field(
        None, description="alignment.json of the tumour; measured if not given. Repeats are measured in both samples together."
    )
    alignment_normal: Path | None = Field(None, description="alignment.json of the normal; measured if not given.")
    regions: Path | None = Field(None, description="BED that was searched for candidates.")
    territory: float | None = Field(None, gt=0, description="number of bases that were searched, instead of --regions.")
    max_depth: int | None = Field(MAX_DEPTH, ge=10, description=DEPTH_LIMIT)
    merge_phased: int | None = Field(None, ge=0, le=100, description=MERGE_PHASED)
    resume: Path | None = Field(None, description=RESUME)

    @field_validator("normal_contamination")
    @classmethod
    def _fraction(cls, value: float | str) -> float | str:
        if isinstance(value, float) and not 0 <= value < 1:
            raise ValueError("must be 'auto' or a fraction from 0 up to, not including, 1")
        return value


def score_posterior(options: ScorePosteriorSettings, densities_only: bool = False, prior: "LearntPrior | None" = None) -> None:
    """Candidates and reads (or evidence) to a scored VCF; `densities_only`: nobody will look at the probabilities.

    `prior`: in place of `options.prior`, which then is GIVEN_PRIOR.
    """
    from varproof.formats.evidence import EvidenceReader
    from varproof.formats.vcf import open_vcf, vcf_mode
    from varproof.machinery.journal import kept_chunks
    from varproof.machinery.output import working_folder
    from varproof.posterior.columns import SampleName, assigned_columns
    from varproof.posterior.run import ScoringJob, learn, write_scored
    from varproof.posterior.territory import searched_territory
    from varproof.reads.regions import regions_of_reference

    vcf_mode(options.output)
    open_vcf(options.candidates).close()
    chosen = options.prior if prior is None else prior
    if not densities_only:
        _warn_if_flat_alone(options, chosen)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(working_folder())
        journal = stack.enter_context(kept_chunks(options.resume))
        regions = None if options.regions is None else regions_of_reference(options.regions, options.reference)
        properties = _alignment(options)
        tumor_path, covered = _evidence(options, options.tumor, properties, folder / "tumor.h5", journal)
        tumor = stack.enter_context(EvidenceReader(tumor_path))
        normal = None
        if options.normal is not None:
            normal_path, _ = _evidence(options, options.normal, properties, folder / "normal.h5", journal)
            normal = stack.enter_context(EvidenceReader(normal_path))
            _warn_if_repeats_differ(tumor, normal)
        names = [
            SampleName(given, *reader.sample_names)
            for given, reader in ((options.tumor_sample, tumor), (options.normal_sample, normal))
            if reader is not None
        ]
        with open_vcf(options.candidates) as handle:
            columns = assigned_columns(options.candidates, handle.header, names)
        contamination = None if options.normal_contamination == "auto" else float(options.normal_contamination)
        job = ScoringJob(options.candidates, options.reference, tumor, normal, options.purity, contamination)
        learnt = learn(job, chosen, options.territory or searched_territory(covered, regions))
        if options.learnt_prior is not None:
            from varproof.formats.json_file import write_json

            write_json(options.learnt_prior, learnt.prior)
        write_scored(job, learnt, columns, options.output, options, options.merge_phased)


def _warn_if_flat_alone(options: ScorePosteriorSettings, chosen: "str | LearntPrior") -> None:
    """Warn of a flat prior without a normal, under which somatic and germline are equally probable everywhere."""
    from varproof.posterior.run import read_prior

    if isinstance(chosen, str):
        flat = chosen == "flat" or (chosen != "empirical" and read_prior(Path(chosen)).kind == "flat")
    else:
        flat = chosen.kind == "flat"
    if flat and options.normal is None:
        logger.warning(
            "--prior %s without --normal CAN'T TELL SOMATIC FROM GERMLINE: whatever the reads show, these four events get the "
            "same probability, and fdr-filter will keep nothing; give --normal, or leave --prior out",
            options.prior,
        )


def _alignment(options: ScorePosteriorSettings) -> "dict[Path, AlignmentProperties]":
    """Alignment properties of the samples that are given as reads; repeats are measured in all of them together."""
    from varproof.formats.hdf5 import is_hdf5
    from varproof.steps.samples import measured_together

    samples = [(options.tumor, options.alignment_tumor), (options.normal, options.alignment_normal)]
    reads = {path: alignment for path, alignment in samples if path is not None and not is_hdf5(path)}
    return dict(zip(reads, measured_together(list(reads), options.reference, list(reads.values())), strict=True))


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


def _evidence(
    options: ScorePosteriorSettings,
    path: Path,
    properties: "dict[Path, AlignmentProperties]",
    temporary: Path,
    journal: "MakeJournal",
) -> tuple[Path, float | None]:
    """(evidence file, bases that the reads cover where that is known)."""
    from varproof.evidence.decisions import DECISIONS as EVIDENCE_DECISIONS
    from varproof.evidence.pipeline import SampleFiles, collect_into
    from varproof.formats.evidence import DECISIONS, REPEATS, SAMPLE_NAMES, EvidenceReader, evidence_writer
    from varproof.formats.hdf5 import is_hdf5
    from varproof.posterior.territory import covered_bases
    from varproof.steps.samples import repeats_digest, sample_names

    if is_hdf5(path):
        with EvidenceReader(path) as evidence:
            return path, evidence.covered_bases
    files = SampleFiles(path, options.reference, options.candidates, properties[path], options.max_depth)
    logger.info("collecting evidence from %s", path)
    told = {
        SAMPLE_NAMES: sample_names(path, options.reference),
        DECISIONS: EVIDENCE_DECISIONS.model_dump_json(),
        REPEATS: repeats_digest(files.properties),
    }
    with evidence_writer(temporary, told) as writer:
        collect_into(writer, files, options.worker_count, journal(temporary.stem, files.identity))
    return temporary, covered_bases(path, options.reference, files.properties)
