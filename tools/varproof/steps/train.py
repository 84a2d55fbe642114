"""train: a network trained on labelled tensors, calibrated and tested."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from varproof.steps.base import Settings

if TYPE_CHECKING:
    from varproof.formats.training import TrainingMetrics
    from varproof.network.data import TensorSource
    from varproof.network.study import Study, StudyPlan
    from varproof.network.training import TrainingPlan

logger = logging.getLogger(__name__)


ADAPTING = {"threads", "tensors", "output", "start_from", "label_error", "seed", "split_by", "metrics", "report"}
"""Options that go with --start-from."""

BUILT_IN = Path("built-in")


class TrainSettings(Settings):
    """Train a network on labelled pileup tensors, calibrate it on a held-out part, and say how well it judges.

    The model is one .keras file that predict takes. After every pass a checkpoint lies beside it: a run that was interrupted
    goes on with --resume and ends with the same weights.

    With --start-from a network is adapted to labels of another protocol, of which a hundred may do: those of people, such as
    review-calls writes. Only its last layers move, and as far as the labels support.

    TensorFlow chooses its code by the processor: the same weights come out on the same kind of processor only. On another kind,
    or on a GPU, the model is another one of the same quality.
    """

    threads: int = Field(
        1, ge=0, description="CPU threads; 0 = all cores. With another number weights differ in their last digits."
    )
    tensors: list[Path] = Field(min_length=1, description="tensor files of tensorise with labels, all made alike.")
    output: Path = Field(description="model to write: a .keras file.")
    start_from: Path | None = Field(
        None,
        description="adapt this model of train, or built-in, the one that comes with varproof for these tracks; only --seed, "
        "--split-by, --metrics and --report go with it. Give tensors of all candidates, not of the labelled alone.",
    )
    label_error: float | None = Field(
        None, ge=0, lt=0.5, description="of --start-from: share of labels that are wrong, either way as often. [0.059]"
    )
    architecture: Literal["read-set", "deepcnnvalid", "deepcnnvalid-by-allele"] = Field(
        "read-set",
        description="read-set: a network over sets of reads; deepcnnvalid: that of the 2023 paper; deepcnnvalid-by-allele: the "
        "same, shown reads of the alternative allele first, which it learns from.",
    )
    epochs: int = Field(50, ge=1, description="passes over the training data.")
    batch_size: int = Field(256, ge=2, description="candidates per step.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="step size of Adam at the start.")
    learning_rate_decay: bool | None = Field(
        None, description="let it fall to 2 % along a cosine; by default for read-set only."
    )
    label_smoothing: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="moves labels 0 and 1 inwards by half of this. [read-set 0, others 0.1]",
    )
    class_weights: bool = Field(False, description="let both classes count the same in all.")
    scramble: bool = Field(True, description="exchange A with T and C with G at random, per candidate and pass.")
    early_stopping: int | None = Field(
        None, ge=1, description="stop after this many passes without a lower held-out loss, and keep the best."
    )
    seed: int = Field(1, ge=0, description="same seed and data, same weights.")
    heldout: float = Field(0.2, gt=0, lt=1, description="fraction of the candidates to calibrate and to judge on.")
    split_by: Literal["candidate", "patient", "chromosome"] = Field(
        "candidate", description="what is never torn apart between training and held-out data."
    )
    cross_validate: int = Field(0, ge=0, description="also test by stratified cross-validation with this many folds.")
    repeats: int = Field(0, ge=0, description="also test by this many random stratified splits.")
    learning_curve: bool = Field(False, description="also test on ever smaller parts of the data, in steps of the root of 2.")
    metrics: Path | None = Field(None, description="metrics.json to write.")
    report: Path | None = Field(None, description="HTML report to write.")
    checkpoint: Path | None = Field(None, description="where to keep the last pass. [beside the output: NAME.checkpoint.keras]")
    resume: bool = Field(False, description="go on from the checkpoint of the same training, if there is one.")

    @field_validator("output", "checkpoint")
    @classmethod
    def _is_keras(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix != ".keras":
            raise ValueError("the suffix must be .keras")
        return value

    @field_validator("cross_validate")
    @classmethod
    def _folds(cls, value: int) -> int:
        if value == 1:
            raise ValueError("needs at least two folds")
        return value

    @property
    def checkpoint_path(self) -> Path:
        """Where the last pass is kept."""
        return self.checkpoint or self.output.with_name(f"{self.output.stem}.checkpoint.keras")

    @model_validator(mode="after")
    def _adapting_or_training(self) -> "TrainSettings":
        if self.start_from is None:
            if self.label_error is not None:
                raise ValueError("--label-error is for labels of --start-from; give a model to start from")
            return self
        for name in sorted(self.model_fields_set - ADAPTING):
            if getattr(self, name) != type(self).model_fields[name].default and name in TrainSettings.model_fields:
                raise ValueError(f"--{name.replace('_', '-')} does not go with --start-from, which moves the last layers alone")
        return self

    @model_validator(mode="after")
    def _outputs_differ(self) -> "TrainSettings":
        named = {
            "--output": self.output,
            "--metrics": self.metrics,
            "--report": self.report,
            "--checkpoint": self.checkpoint_path,
            "--start-from": self.start_from,
        }
        seen: dict[Path, str] = {}
        for name, path in named.items():
            if path is not None and (other := seen.setdefault(path.resolve(), name)) != name:
                raise ValueError(f"{other} and {name} are the same file, {path}")
        return self


def _plans(options: TrainSettings) -> "tuple[TrainingPlan, StudyPlan]":
    from varproof.network.study import StudyPlan
    from varproof.network.training import TrainingPlan

    own = options.architecture == "read-set"
    decay, smoothing = options.learning_rate_decay, options.label_smoothing
    plan = TrainingPlan(
        architecture=options.architecture,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        decay=own if decay is None else decay,
        label_smoothing=(0.0 if own else 0.1) if smoothing is None else smoothing,
        class_weights=options.class_weights,
        scramble=options.scramble,
        early_stopping=options.early_stopping,
        seed=options.seed,
    )
    study = StudyPlan(
        heldout=options.heldout,
        split_by=options.split_by,
        folds=options.cross_validate,
        repeats=options.repeats,
        learning_curve=options.learning_curve,
    )
    return plan, study


def train(options: TrainSettings) -> None:
    """Labelled tensors to a calibrated model, metrics and report."""
    from varproof.formats.json_file import write_json
    from varproof.machinery.output import check_output, provenance, write_text
    from varproof.network.data import TensorSource
    from varproof.network.runtime import start_tensorflow

    checkpoint = options.checkpoint_path
    for path in (options.output, options.metrics, options.report, None if options.start_from else checkpoint):
        if path is not None:
            check_output(path)
    with TensorSource(options.tensors) as source:
        on_gpu = start_tensorflow(options.worker_count, "train")
        logger.info("on %s", "a GPU, in mixed precision" if on_gpu else f"{options.worker_count} CPU threads")
        from varproof.network.training import best_checkpoint, finished_model, save_model

        origin = provenance("train", options)
        study = _adapted(options, source, origin) if options.start_from is not None else _trained(options, source, origin)
        save_model(finished_model(study.model, study.card.model_copy(update={"provenance": origin})), options.output)
        if options.metrics is not None:
            write_json(options.metrics, study.metrics)
        if options.report is not None:
            from varproof.report.training import mistake_pictures, render_training_report

            pictures = mistake_pictures(study.metrics.mistakes, {str(reader.path): reader for reader in source.readers})
            write_text(options.report, render_training_report(study.metrics, pictures))
    if options.start_from is None:
        for path in (checkpoint, best_checkpoint(checkpoint)):
            path.unlink(missing_ok=True)
    _tell(options.output, study.metrics)


def _trained(options: TrainSettings, source: "TensorSource", origin: str) -> "Study":
    from varproof.network.study import run_study

    plan, study = _plans(options)
    return run_study(
        source, plan, study, checkpoint=options.checkpoint_path, resume=options.resume, provenance=json.loads(origin)
    )


def _adapted(options: TrainSettings, source: "TensorSource", origin: str) -> "Study":
    from varproof.formats.labels import LABEL_ERROR
    from varproof.formats.model import require_fitting
    from varproof.network.built_in import built_in, tell
    from varproof.network.study import StudyPlan, run_adaptation
    from varproof.network.training import load_model

    path = options.start_from
    assert path is not None
    if path == BUILT_IN and not path.exists():
        chosen = built_in(source.settings.tracks)
        tell(chosen, None)
        path = chosen.path
    model, card = load_model(path)
    require_fitting(path, card, source.settings, str(source.readers[0].path))
    error = LABEL_ERROR if options.label_error is None else options.label_error
    plan = StudyPlan(split_by=options.split_by)
    return run_adaptation(source, model, card, plan, error, options.seed, json.loads(origin))


def _tell(path: Path, metrics: "TrainingMetrics") -> None:
    if metrics.heldout is not None:
        found = metrics.heldout.calibrated
        names = ("accuracy", "precision", "recall", "average_precision", "expected_calibration_error")
        values = (getattr(found, name) for name in names)
        shown = ", ".join(
            f"{name.replace('_', ' ')} {'unknown' if value is None else format(value, '.3f')}"
            for name, value in zip(names, values, strict=True)
        )
        logger.info("%s: %d held-out candidates: %s", path, found.n, shown)
