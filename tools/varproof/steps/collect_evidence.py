"""collect-evidence: one sample's evidence for and against each candidate."""

from pathlib import Path

from pydantic import Field

from varproof.steps.base import DEPTH_LIMIT, MAX_DEPTH, RESUME, Settings


class CollectEvidenceSettings(Settings):
    """Weigh every fragment of one sample for and against each candidate variant.

    The evidence file can stand for the reads in score-posterior: collect once, on the cluster, and score as often as
    you like.
    """

    candidates: Path = Field(description="VCF or BCF of candidate variants, sorted.")
    reads: Path = Field(description="indexed BAM or CRAM of the sample.")
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    output: Path = Field(description="evidence file (HDF5) to write.")
    alignment: Path | None = Field(None, description="alignment.json of estimate-alignment; measured if not given.")
    repeats: list[Path] = Field(
        default_factory=list,
        description="alignment.json of the person's other samples, as of the normal: repeats are measured in all of them.",
    )
    max_depth: int | None = Field(MAX_DEPTH, ge=10, description=DEPTH_LIMIT)
    resume: Path | None = Field(None, description=RESUME)


def collect_evidence(options: CollectEvidenceSettings) -> None:
    """Candidates and reads to evidence.h5."""
    from varproof.evidence.decisions import DECISIONS as EVIDENCE_DECISIONS
    from varproof.evidence.pipeline import SampleFiles, collect_into
    from varproof.formats.evidence import COVERED_BASES, DECISIONS, REPEATS, SAMPLE_NAMES, evidence_writer
    from varproof.formats.vcf import open_vcf
    from varproof.machinery.journal import kept_chunks
    from varproof.machinery.output import check_output, provenance
    from varproof.posterior.territory import covered_bases
    from varproof.steps.samples import measured_together, repeats_digest, sample_names

    check_output(options.output)
    open_vcf(options.candidates).close()
    properties = measured_together([options.reads], options.reference, [options.alignment], options.repeats)[0]
    files = SampleFiles(options.reads, options.reference, options.candidates, properties, options.max_depth)
    covered = covered_bases(options.reads, options.reference, files.properties)
    attributes = {
        "provenance": provenance("collect-evidence", options),
        COVERED_BASES: "" if covered is None else f"{covered:.3f}",
        SAMPLE_NAMES: sample_names(options.reads, options.reference),
        REPEATS: repeats_digest(properties),
        DECISIONS: EVIDENCE_DECISIONS.model_dump_json(),
    }
    with kept_chunks(options.resume) as journal, evidence_writer(options.output, attributes) as writer:
        collect_into(writer, files, options.worker_count, journal("reads", files.identity))
