"""The executable tensorise."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from varproof.commands.base import CommandOptions, run_command

if TYPE_CHECKING:
    from varproof.pileup.pipeline import TensorJob

logger = logging.getLogger("varproof")


class TensoriseOptions(CommandOptions):
    """Pack the pileup of each candidate into a tensor, for train and predict.

    Tracks are the tumour, the normal and any number of contexts: unrelated samples of the same library preparation.
    """

    candidates: Path = Field(description="VCF or BCF of candidate variants, sorted.")
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    tumor: Path = Field(description="tumour: indexed BAM or CRAM.")
    output: Path = Field(description="tensor file (HDF5) to write.")
    normal: Path | None = Field(None, description="matched normal: indexed BAM or CRAM.")
    context: list[Path] = Field([], description="indexed BAM or CRAM shown beside every candidate, in this order.")
    window: int = Field(101, ge=11, le=1001, description="bases of the reference, odd; the candidate is in the middle.")
    depth: int = Field(200, ge=1, le=10_000, description="most reads per track; deeper piles are sampled by read name.")
    rows: Literal["candidate", "window"] = Field("candidate", description="show reads that reach the candidate or the window.")
    soft_clips: bool = Field(False, description="show soft-clipped bases.")
    truth: Path | None = Field(None, description="VCF of true variants: labels 1 for EVENT=SOMATIC_TUMOR, else 0.")
    mutation_class_field: str = Field(
        "auto", description="INFO field of an annotator to keep: auto (Func.refGene, ANN or CSQ), none, or a name."
    )
    seed: int = Field(0, ge=0, description="of the contexts that are drawn.")
    patient: str = Field("", description="whom the tumour belongs to, for splits without leakage.")

    @field_validator("window")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError("must be odd")
        return value


def tensor_job(options: TensoriseOptions) -> "TensorJob":
    """What is to be made, checked as far as can be before the work."""
    from varproof.formats.tensors import TensorSettings, TrackKind
    from varproof.pileup.labelling import truth_labels
    from varproof.pileup.pipeline import TensorJob
    from varproof.reads.decode import open_reads

    contexts = len(options.context)
    normal: tuple[TrackKind, ...] = () if options.normal is None else ("normal",)
    job = TensorJob(
        candidates=options.candidates,
        reference=options.reference,
        tumor=options.tumor,
        normal=options.normal,
        contexts=tuple(options.context),
        settings=TensorSettings(
            window=options.window,
            depth=options.depth,
            tracks=("tumor", *normal, *(("context",) * contexts)),
            soft_clips=options.soft_clips,
            rows=options.rows,
        ),
        seed=options.seed,
        patient=options.patient,
        labels=None if options.truth is None else truth_labels(options.candidates, options.truth, options.reference),
        mutation_class_field=options.mutation_class_field,
    )
    for path in job.reads:
        open_reads(path, options.reference).close()
    return job


def tensorise(options: TensoriseOptions) -> None:
    """Candidates and reads to tensors.h5."""
    from varproof.formats.output import check_output, provenance
    from varproof.formats.tensors import tensor_writer
    from varproof.formats.vcf import open_vcf, read_records
    from varproof.pileup.pipeline import packed_chunks, tensor_header
    from varproof.progress import progress

    check_output(options.output)
    open_vcf(options.candidates).close()
    job = tensor_job(options)
    header = tensor_header(job, provenance("tensorise", options))
    total = sum(len(record.alts or ()) for record in read_records(options.candidates))
    skipped = 0
    with tensor_writer(options.output, header) as writer, progress(total, "tensors") as advance:
        for part in packed_chunks(job, options.worker_count):
            writer.append(part)
            skipped += int((part.skipped != "").sum())
            advance(part.size)
    logger.info("%d candidates, %d of them skipped; %s", total, skipped, header.settings.describe())


def main() -> None:
    """Entry point."""
    run_command("tensorise", TensoriseOptions, tensorise)


if __name__ == "__main__":
    main()
