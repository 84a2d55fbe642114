"""predict: the network's probability that each candidate is real."""

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from varproof.steps.base import Settings

if TYPE_CHECKING:
    from varproof.formats.model import ModelCard
    from varproof.formats.tensors import PackedTensors, TensorHeader
    from varproof.pileup.pipeline import Samples

logger = logging.getLogger(__name__)


class PredictSettings(Settings):
    """Give each candidate the network's probability of being a real somatic variant.

    Candidates come as tensors of tensorise, or with the reads themselves, which are then packed on the way. Without --model one
    of those that come with varproof is chosen, with or without a normal. The share of real variants is estimated in this
    sample, so that fdr-filter --events CNN_SOMATIC keeps the rate it is asked for; log and header say which rates can't be
    promised, where real variants are rare.

    TensorFlow chooses its code by the processor: on another kind of processor, or on a GPU, probabilities differ by rounding.
    All else in the output is the same on every processor.
    """

    model: Path | None = Field(
        None,
        description="model of train: a .keras file. [one that comes with varproof, for tumour and normal or a tumour alone]",
    )
    output: Path = Field(description="VCF to write: .vcf, .vcf.gz, .bcf or -.")
    tensors: Path | None = Field(None, description="tensor file of tensorise, instead of reads.")
    candidates: Path | None = Field(
        None,
        description="VCF or BCF of candidate variants, sorted; with --tensors those they were made of.",
    )
    reference: Path | None = Field(None, description="indexed FASTA that the reads were aligned to.")
    tumor: Path | None = Field(None, description="tumour: indexed BAM or CRAM.")
    normal: Path | None = Field(None, description="matched normal: indexed BAM or CRAM.")
    context: list[Path] = Field([], description="indexed BAM or CRAM shown beside every candidate, as many as in training.")
    context_pool: Path | None = Field(
        None,
        description="instead: table (tab-separated) of sample, patient, library and reads, to draw as many contexts from, for "
        "each candidate, as the model was trained with.",
    )
    library: str | None = Field(None, description="draw only contexts of this library preparation.")
    patient: str = Field("", description="whom the tumour belongs to: never drawn as context.")
    seed: int = Field(0, ge=0, description="of the contexts that are drawn.")
    prior_shift: bool = Field(True, description="estimate the share of real variants in this sample.")
    threshold: float = Field(0.5, ge=0, le=1, description="below this probability a record gets the filter cnn_artifact.")
    table: Path | None = Field(None, description="also write a tab-separated table.")
    explain: Path | None = Field(
        None,
        description="folder for pictures of what the network looked at (integrated gradients), and for explained.h5, which "
        "shows it in the page of review-calls.",
    )
    explain_at: list[str] = Field([], description="CHROM:POS to explain; by default the ten least certain candidates.")
    batch_size: int = Field(256, ge=1, description="candidates at a time; results depend on it by rounding only.")

    @model_validator(mode="after")
    def _one_input(self) -> "PredictSettings":
        reads = {"--candidates": self.candidates, "--reference": self.reference, "--tumor": self.tumor}
        if self.tensors is None:
            missing = [name for name, value in reads.items() if value is None]
            if missing:
                raise ValueError(f"give --tensors, or --candidates, --reference and --tumor ({', '.join(missing)} missing)")
        elif self.tumor is not None or self.normal is not None or self.context or self.context_pool is not None:
            raise ValueError("--tensors already hold the reads; leave out --tumor, --normal, --context and --context-pool")
        if self.context and self.context_pool is not None:
            raise ValueError("give --context or --context-pool, not both")
        if self.context_pool is not None and self.model is None:
            raise ValueError("no model that comes with varproof knows contexts; --context-pool needs --model")
        if self.context_pool is not None and not self.patient:
            raise ValueError("--context-pool needs --patient, so that the patient's own samples are not drawn")
        if self.context_pool is None and {"library", "patient", "seed"} & self.model_fields_set:
            raise ValueError("--library, --patient and --seed choose from a --context-pool; give one")
        if self.explain_at and self.explain is None:
            raise ValueError("--explain-at needs --explain, the folder for the pictures")
        return self


def _samples(options: PredictSettings) -> "Samples":
    from varproof.pileup.pipeline import Samples

    assert options.tumor is not None
    return Samples(options.tumor, options.normal, options.context)


def _model(options: PredictSettings) -> "tuple[Path, ModelCard]":
    """The model that was given, or the one that comes with the package for these samples; and its card."""
    from varproof.formats.model import read_card
    from varproof.formats.tensors import TensorReader
    from varproof.network.built_in import built_in, require_reads_alike, tell, usual_read_length

    if options.model is not None:
        return options.model, read_card(options.model)
    length = None
    if options.tensors is not None:
        with TensorReader(options.tensors) as reader:
            chosen = built_in(reader.settings.tracks)
    else:
        assert options.tumor is not None and options.reference is not None
        chosen = built_in(_samples(options).tracks())
        length = usual_read_length(options.tumor, options.reference)
        require_reads_alike(chosen, length, str(options.tumor))
    tell(chosen, length)
    return chosen.path, chosen.card


@contextlib.contextmanager
def _packed(
    options: PredictSettings, path: Path, card: "ModelCard"
) -> "Iterator[tuple[TensorHeader, int, Iterator[PackedTensors]]]":
    """(header, number of candidates, their tensors in chunks), checked to fit the model."""
    from varproof.formats.model import require_fitting, require_tracks
    from varproof.formats.tensors import TensorReader
    from varproof.formats.vcf import read_records
    from varproof.pileup.pipeline import TensorJob, packed_chunks, tensor_header

    if options.tensors is not None:
        with TensorReader(options.tensors) as reader:
            require_fitting(path, card, reader.settings, str(options.tensors))
            yield reader.header, reader.size, reader.batches(options.batch_size)
        return
    assert options.candidates is not None and options.reference is not None and options.tumor is not None
    samples = _samples(options)
    drawn, pool = 0, []
    if options.context_pool is not None:
        from varproof.formats.context_pool import eligible_contexts, read_context_pool
        from varproof.machinery.errors import UserError

        drawn = card.settings.tracks.count("context")
        if not drawn:
            raise UserError(f"{path} was trained without contexts; leave --context-pool out")
        everyone = read_context_pool(options.context_pool)
        pool = eligible_contexts(
            options.context_pool, everyone, drawn, options.patient, options.library, samples.own, "the model"
        )  # fmt: skip
    require_tracks(path, card, samples.tracks(drawn))
    job = TensorJob(
        options.candidates, options.reference, samples, tuple(pool), card.settings, options.seed, options.patient
    )  # fmt: skip
    job.check_reads()
    total = sum(len(record.alts or ()) for record in read_records(options.candidates))
    yield tensor_header(job, ""), total, packed_chunks(job, options.worker_count)


def _promised(card: "ModelCard", shares: dict[str, float]) -> dict[str, Any]:
    """Per class of candidates the smallest rate that can be promised at its share of real ones, which the log tells, too; and
    the smallest share at which the usual rate can be. Nothing of a model that does not know.
    """
    from varproof.network.promises import USUAL_RATE, least_rate, least_share

    rates, least_shares = {}, {}
    for name, share in shares.items():
        limit = getattr(card.calibration, name).false_to_true
        if limit is None:
            continue
        rates[name] = float(f"{least_rate(limit, share):.3g}")
        least_shares[name] = float(f"{least_share(limit):.3g}")
        if rates[name] > USUAL_RATE:
            logger.warning(
                "%ss: at a share of %.3g real ones, no false discovery rate below %.3g is promised: the artefacts that the "
                "model was calibrated on are too few to tell (for %g, a share of %.3g is needed); ask fdr-filter for more, or "
                "judge with score-posterior, which knows how rare variants are",
                *(name, share, rates[name], USUAL_RATE, least_shares[name]),
            )
    return {"least_rate": rates, f"least_share_for_{USUAL_RATE:g}": least_shares} if rates else {}


def predict(options: PredictSettings) -> None:
    """Tensors or reads to a VCF with the network's judgement."""
    from varproof.formats.vcf import PREDICTED_LINE, VcfWriter, vcf_mode
    from varproof.machinery.output import check_output, provenance
    from varproof.network.predicted_calls import at_shares_of_sample, predicted_header, write_predicted, write_table
    from varproof.network.runtime import start_tensorflow

    vcf_mode(options.output)
    if options.table is not None:
        check_output(options.table)
    path, card = _model(options)
    if options.explain is not None:
        from varproof.report.pileup import picture_folder

        picture_folder(options.explain)
    if not card.calibrated_on:
        logger.warning("%s is the checkpoint of an unfinished training: its probabilities are not calibrated", path)
    with _packed(options, path, card) as (header, total, chunks):
        start_tensorflow(options.worker_count, "predict", split_operations=False)
        from varproof.network.judging import explained_pictures, judged_alleles
        from varproof.network.prediction import Predictor

        predictor = Predictor.load(path)
        places = None if options.explain is None else options.explain_at
        alleles, unclear = judged_alleles(predictor, chunks, total, options.batch_size, options.worker_count, header, places)
    shares: dict[str, float] = {}
    if options.prior_shift:
        alleles, shares = at_shares_of_sample(alleles, card.calibration)
    for name, share in shares.items():
        logger.info(
            "%ss: share of real ones %.3g (in training %.3g)", name, share, getattr(card.calibration, name).positive_fraction
        )
    result: dict[str, Any] = {"share_of_real": {name: float(f"{share:.6g}") for name, share in shares.items()}}
    result |= _promised(card, shares)
    if options.model is None:
        result["model"] = path.stem
    lines = [f"##varproof_predict={provenance('predict', options)}", f"##{PREDICTED_LINE}={json.dumps(result)}"]
    writer = VcfWriter(options.output, predicted_header(options.candidates, header, options.threshold, lines))
    contigs = list(header.contigs)
    filtered, skipped = write_predicted(writer, options.candidates, alleles, contigs, options.threshold)
    if options.table is not None:
        write_table(options.table, alleles, contigs)
    if options.explain is not None:
        own = header.model_copy(update={"provenance": provenance("predict", options)})
        explained_pictures(predictor, unclear, alleles.probability, own, options.explain)
    logger.info("%d candidates; %d records below %g", total, filtered, options.threshold)
    for reason, number in sorted(skipped.items()):
        logger.info("%d alleles not judged: %s", number, reason)
