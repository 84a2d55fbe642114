"""tensorise: pileups of candidates as packed tensors, for train and predict."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator, model_validator

from varproof.formats.tensor_settings import DEPTH, ROWS, WINDOW, Rows, TensorSettings, TrackKind, odd
from varproof.steps.base import RESUME, Settings

if TYPE_CHECKING:
    import numpy as np

    from varproof.formats.tensors import TensorReader
    from varproof.pileup.pipeline import TensorJob

logger = logging.getLogger(__name__)

MOST_DEFAULT_PICTURES = 20


class TensoriseSettings(Settings):
    """Pack the pileup of each candidate into a tensor, for train and predict.

    Tracks are the tumour, the normal if there is one, and any number of contexts: unrelated samples with the same library
    preparation, either the same for all candidates or drawn for each from a pool.
    """

    candidates: Path = Field(description="VCF or BCF of candidate variants, sorted.")
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    tumor: Path = Field(description="tumour: indexed BAM or CRAM.")
    output: Path = Field(description="tensor file (HDF5) to write.")
    normal: Path | None = Field(None, description="matched normal: indexed BAM or CRAM.")
    context: list[Path] = Field([], description="indexed BAM or CRAM shown beside every candidate, in this order.")
    context_pool: Path | None = Field(
        None, description="instead: table (tab-separated) of sample, patient, library and reads, to draw contexts from."
    )
    contexts: int = Field(3, ge=1, le=100, description="contexts to draw from the pool for each candidate.")
    library: str | None = Field(None, description="draw only contexts of this library preparation.")
    patient: str = Field("", description="whom the tumour belongs to: never drawn as context, kept together in splits.")
    seed: int = Field(0, ge=0, description="of the contexts that are drawn.")
    window: int = WINDOW
    depth: int = DEPTH
    rows: Rows = ROWS
    soft_clips: bool = Field(False, description="show soft-clipped bases.")
    truth: Path | None = Field(None, description="VCF of true variants: label 1 for those (with EVENT=SOMATIC_TUMOR), else 0.")
    labels: Path | None = Field(None, description="instead: table (tab-separated) of chrom, pos, ref, alt and label (1 or 0).")
    mutation_class_field: str = Field(
        "auto", description="INFO field of an annotator to keep: auto (Func.refGene, ANN or CSQ), none, or a name."
    )
    export_npy: Path | None = Field(None, description="also write the expanded array (window x reads x 7 per track) as NPY.")
    pictures: Path | None = Field(None, description="folder for pictures of pileups (SVG and PNG).")
    picture: list[str] = Field([], description="CHROM:POS to draw; by default the first 20 candidates.")
    resume: Path | None = Field(None, description=RESUME)

    _odd = field_validator("window")(odd)

    @model_validator(mode="after")
    def _consistent(self) -> "TensoriseSettings":
        if self.context and self.context_pool is not None:
            raise ValueError("give --context or --context-pool, not both")
        if self.context_pool is not None and not self.patient:
            raise ValueError("--context-pool needs --patient, so that the patient's own samples are not drawn")
        if self.context_pool is None and {"contexts", "library"} & self.model_fields_set:
            raise ValueError("--contexts and --library choose from a --context-pool; give one")
        if self.truth is not None and self.labels is not None:
            raise ValueError("give --truth or --labels, not both")
        if self.picture and self.pictures is None:
            raise ValueError("--picture needs --pictures, the folder to draw into")
        return self


def tensorise(options: TensoriseSettings) -> None:
    """Candidates and reads to tensors.h5."""
    from varproof.formats.tensors import TensorReader, tensor_writer
    from varproof.formats.vcf import open_vcf
    from varproof.machinery.journal import kept_chunks
    from varproof.machinery.output import check_output, provenance
    from varproof.machinery.progress import progress
    from varproof.pileup.expanded_file import write_expanded
    from varproof.pileup.pipeline import packed_chunks, tensor_header

    for path in (options.output, options.export_npy):
        if path is not None:
            check_output(path)
    open_vcf(options.candidates).close()
    job = _job(options)
    made_of = options.model_copy(update={"export_npy": None, "pictures": None, "picture": []})
    header = tensor_header(job, provenance("tensorise", made_of))
    wanted = _wanted_pictures(options)
    total = _count(options.candidates, wanted)
    with (
        kept_chunks(options.resume) as journal,
        tensor_writer(options.output, header) as writer,
        progress(total, "tensors") as advance,
    ):
        for part in packed_chunks(job, options.worker_count, journal("tensors", lambda: _identity(job, header.provenance))):
            writer.append(part)
            advance(part.size)
    with TensorReader(options.output) as reader:
        _log(reader)
        if options.export_npy is not None:
            write_expanded(reader, options.export_npy)
        if options.pictures is not None:
            from varproof.report.pileup import draw_pictures

            draw_pictures(reader, options.pictures, _candidates_to_draw(reader, wanted))


def _identity(job: "TensorJob", made_of: str) -> str:
    """What the tensors depend on, as one line of JSON."""
    from varproof.machinery.output import resumed_identity

    files = [resumed_identity(path) for path in (job.candidates, job.reference, *job.reads)]
    return json.dumps({"provenance": made_of, "files": files})


def _job(options: TensoriseSettings) -> "TensorJob":
    """What is to be made, checked as far as can be before the work."""
    from varproof.formats.context_pool import eligible_contexts, read_context_pool
    from varproof.pileup.pipeline import Samples, TensorJob

    samples = Samples(options.tumor, options.normal, options.context)
    pool = []
    if options.context_pool is not None:
        everyone = read_context_pool(options.context_pool)
        pool = eligible_contexts(
            options.context_pool, everyone, options.contexts, options.patient, options.library, samples.own
        )  # fmt: skip
    job = TensorJob(
        candidates=options.candidates,
        reference=options.reference,
        samples=samples,
        pool=tuple(pool),
        settings=_settings(options, samples.tracks(0 if options.context_pool is None else options.contexts)),
        seed=options.seed,
        patient=options.patient,
        labels=_labels(options),
        mutation_class_field=options.mutation_class_field,
    )
    job.check_reads()
    return job


def _settings(options: TensoriseSettings, tracks: tuple[TrackKind, ...]) -> TensorSettings:
    return TensorSettings(
        window=options.window,
        depth=options.depth,
        tracks=tracks,
        soft_clips=options.soft_clips,
        rows=options.rows,
    )


def _labels(options: TensoriseSettings) -> "np.ndarray | None":
    if options.truth is not None:
        from varproof.evaluation.labelling import truth_labels

        return truth_labels(options.candidates, options.truth, options.reference)
    if options.labels is not None:
        from varproof.evaluation.labelling import table_labels

        return table_labels(options.candidates, options.labels, options.reference)
    return None


def _wanted_pictures(options: TensoriseSettings) -> list[tuple[str, int]]:
    """(contig, 0-based position) of each --picture; raises UserError for what is none."""
    from varproof.machinery.errors import UserError

    wanted = []
    for text in options.picture:
        contig, _, position = text.rpartition(":")
        if not contig or not position.isascii() or not position.isdigit():
            raise UserError(f"--picture {text}: give CHROM:POS, as in chr1:12345")
        wanted.append((contig, int(position) - 1))
    return wanted


def _count(candidates: Path, wanted: list[tuple[str, int]]) -> int:
    """Number of candidates; raises UserError unless there is one at each wanted place."""
    from varproof.formats.vcf import read_records
    from varproof.machinery.errors import UserError

    total, missing = 0, set(wanted)
    for record in read_records(candidates):
        total += len(record.alts or ())
        if missing:
            missing.discard((record.contig, record.start))
    for contig, position in sorted(missing):
        raise UserError(f"--picture {contig}:{position + 1}: no candidate of {candidates} lies there")
    return total


def _candidates_to_draw(reader: "TensorReader", wanted: list[tuple[str, int]]) -> list[int]:
    """Indices of the candidates at the wanted places that have a tensor; by default of the first."""
    import numpy as np

    judged = reader.column("skipped") == ""
    if not wanted:
        return np.flatnonzero(judged)[:MOST_DEFAULT_PICTURES].tolist()
    contigs, contig, position = list(reader.header.contigs), reader.column("contig"), reader.column("position")
    found = []
    for name, place in wanted:
        found += np.flatnonzero(judged & (contig == contigs.index(name)) & (position == place)).tolist()
    return found


def _log(reader: "TensorReader") -> None:
    from collections import Counter

    label, skipped = reader.column("label"), reader.column("skipped")
    logger.info("%d tensors: %s", int((skipped == "").sum()), reader.settings.describe())
    for reason, count in sorted(Counter(skipped[skipped != ""].tolist()).items()):
        logger.info("%d candidates without a tensor: %s", count, reason)
    if (label >= 0).any():
        logger.info("labels: %d real, %d not, %d unknown", *(int((label == value).sum()) for value in (1, 0, -1)))
