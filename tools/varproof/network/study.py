"""A whole training: held-out part, resampling, the final network, its calibration, and the numbers that describe it.

Follows the evaluation of deepCNNvalid 2023 (stratified folds, repeated random splits, a learning curve in steps of 1/sqrt(2),
binomial tests of subgroups) and adds calibration.
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from scipy.special import expit

from varproof.formats.model import ModelCard, TrainingState
from varproof.formats.tensors import FIRST_INDEL_TYPE, TYPE, UNKNOWN_LABEL, PackedTensors
from varproof.formats.training import (
    ClassBalance,
    ClassificationMetrics,
    HeldOut,
    LearningCurvePoint,
    Mistake,
    Resampling,
    SplitBy,
    Subgroup,
    TrainingMetrics,
)
from varproof.machinery.errors import UserError
from varproof.machinery.progress import progress
from varproof.network.calibration import fitted_class_calibrations
from varproof.network.data import TensorSource, ordered_batches
from varproof.network.metrics import classification_metrics, curves, metrics_by_type, resampling
from varproof.network.runtime import forget_models
from varproof.network.splits import (
    Split,
    learning_curve_sizes,
    nested_subsamples,
    random_splits,
    stratified_folds,
)
from varproof.network.subgroups import groupings, subgroup_tests
from varproof.network.training import TrainingPlan, fit_model, predicted_log_odds
from varproof.variants.edit import VariantType

logger = logging.getLogger(__name__)

SHOWN_MISTAKES = 20
LEARNING_CURVE_FOLDS = 5
_READ_AT_ONCE = 1024


@dataclass(frozen=True)
class StudyPlan:
    """What to do beside the final training. Zero folds or repeats: none."""

    heldout: float = 0.2
    split_by: SplitBy = "candidate"
    folds: int = 0
    repeats: int = 0
    learning_curve: bool = False


@dataclass(frozen=True)
class Study:
    """What came out: the network (uncalibrated weights), its card with calibration, and metrics.json."""

    model: keras.Model
    card: ModelCard
    metrics: TrainingMetrics


@dataclass(frozen=True)
class _Data:
    """Labelled candidates: their places in the source (ascending), their labels and groups (of each, None: each its own)."""

    source: TensorSource
    places: np.ndarray
    label: np.ndarray
    groups: np.ndarray | None
    all_labels: np.ndarray


def _labelled(source: TensorSource, split_by: SplitBy) -> _Data:
    labels = source.column("label").astype(np.int64)
    if not np.all(np.isin(labels, (0, 1, UNKNOWN_LABEL))):
        raise UserError(f"{_names(source)}: labels are not 0 or 1; make the tensors again with tensorise")
    places = np.flatnonzero((labels != UNKNOWN_LABEL) & (source.column("skipped") == ""))
    if not len(places):
        raise UserError(f"{_names(source)}: no labelled candidates; make tensors with tensorise --labels or --truth")
    groups = {"candidate": lambda: None, "patient": source.patients, "chromosome": source.contig_names}[split_by]()
    return _Data(source, places, labels[places], None if groups is None else groups[places], labels)


def _names(source: TensorSource) -> str:
    return ", ".join(str(reader.path) for reader in source.readers)


def _fit(plan: TrainingPlan, data: _Data, train: np.ndarray, validate: np.ndarray, **options: Any) -> tuple[Any, ModelCard]:
    return fit_model(plan, data.source, data.all_labels, data.places[train], data.places[validate], **options)


def _tested(plan: TrainingPlan, data: _Data, splits: list[Split], description: str) -> list[np.ndarray]:
    """Log-odds of each split's test part by a network trained on the rest."""
    found, nothing = [], np.zeros(0, np.int64)
    with progress(len(splits) * plan.epochs, description) as advance:
        for split in splits:
            model, _ = _fit(plan, data, split.train, nothing, after_epoch=lambda state: advance(1))
            found.append(predicted_log_odds(model, data.source, data.places[split.test]))
            forget_models()
    return found


def _resampled(
    plan: TrainingPlan, data: _Data, splits: list[Split], split_by: SplitBy, description: str
) -> tuple[Resampling, np.ndarray]:
    """Metrics of all splits, and log-odds of every candidate that was tested (NaN: never; of several tests the last)."""
    odds = _tested(plan, data, splits, description)
    runs: list[ClassificationMetrics] = []
    seen = np.full(len(data.label), np.nan)
    for split, values in zip(splits, odds, strict=True):
        runs.append(classification_metrics(data.label[split.test], expit(values)))
        seen[split.test] = values
    return resampling(runs, split_by), seen


def _learning_curve(plan: TrainingPlan, data: _Data) -> list[LearningCurvePoint]:
    points = []
    sizes = learning_curve_sizes(data.label, LEARNING_CURVE_FOLDS)
    for size, chosen in zip(sizes, nested_subsamples(data.label, sizes, plan.seed), strict=True):
        part = replace(data, places=data.places[chosen], label=data.label[chosen])
        folds = stratified_folds(part.label, LEARNING_CURVE_FOLDS, plan.seed)
        result, _ = _resampled(plan, part, folds, "candidate", f"learning curve, {size} candidates")
        points.append(LearningCurvePoint(size=size, runs=result.runs, mean=result.mean, sd=result.sd))
    return points


def cross_fitted(odds: np.ndarray, label: np.ndarray, is_indel: np.ndarray, seed: int) -> np.ndarray:
    """Calibrated probabilities (n,) of held-out candidates, each by a calibration fitted without it (two halves)."""
    probability = np.empty(len(odds))
    for half in stratified_folds(label, 2, seed):
        fitted = fitted_class_calibrations(odds[half.train], label[half.train], is_indel[half.train])
        probability[half.test] = expit(fitted.calibrated(odds[half.test], is_indel[half.test]))
    return probability


def _subgroups(data: _Data, odds: np.ndarray) -> list[Subgroup]:
    judged = np.flatnonzero(~np.isnan(odds))
    parts = [groupings(batch) for batch in ordered_batches(data.source, data.places[judged], _READ_AT_ONCE)]
    names = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return subgroup_tests((odds[judged] > 0) == (data.label[judged] == 1), names)


def _mistakes(data: _Data, tested: np.ndarray, probability: np.ndarray) -> list[Mistake]:
    """The held-out candidates on the wrong side of one half, the most confident first."""
    label = data.label[tested]
    wrong = np.flatnonzero((probability >= 0.5) != (label == 1))
    wrong = wrong[np.argsort(-np.abs(probability[wrong] - 0.5), kind="stable")][:SHOWN_MISTAKES]
    found = []
    for i in wrong.tolist():
        number, row = data.source.file_and_row(int(data.places[tested[i]]))
        reader = data.source.readers[number]
        one: PackedTensors = reader.read(row, row + 1)
        found.append(
            Mistake(
                contig=list(reader.header.contigs)[int(one.contig[0])],
                position=int(one.position[0]) + 1,
                ref=str(one.ref[0]),
                alt=str(one.alt[0]),
                label=int(label[i]),
                probability=float(probability[i]),
                source=str(reader.path),
                candidate=row,
            )
        )
    return found


def run_study(
    source: TensorSource,
    plan: TrainingPlan,
    study: StudyPlan,
    *,
    checkpoint: Path,
    resume: bool,
    provenance: dict[str, Any],
) -> Study:
    """Everything that `train` does between reading tensors and writing files.

    Raises UserError for labels that can't be split as asked, and where training comes to no numbers.
    """
    data = _labelled(source, study.split_by)
    # All divisions come first: what can't be divided as asked is told before the work.
    split = random_splits(data.label, 1, study.heldout, plan.seed, data.groups)[0]
    folds = stratified_folds(data.label, study.folds, plan.seed, data.groups) if study.folds else []
    splits = random_splits(data.label, study.repeats, study.heldout, plan.seed, data.groups) if study.repeats else []
    if study.learning_curve:
        stratified_folds(data.label, LEARNING_CURVE_FOLDS, plan.seed)
    cross_validation = repeats = points = subgroups = None
    if folds:
        cross_validation, seen = _resampled(plan, data, folds, study.split_by, "cross-validation")
        subgroups = _subgroups(data, seen)
    if splits:
        repeats, _ = _resampled(plan, data, splits, study.split_by, "repeated splits")
    if study.learning_curve:
        points = _learning_curve(plan, data)

    logger.info("training on %d candidates, %d held out", len(split.train), len(split.test))
    with progress(len(split.train) * plan.epochs, "training") as advance:
        model, card = _fit(
            plan,
            data,
            split.train,
            split.test,
            checkpoint=checkpoint,
            resume=resume,
            after_epoch=_Teller(plan.epochs),
            after_step=advance,
        )
    odds = predicted_log_odds(model, source, data.places[split.test])
    label = data.label[split.test]
    types = source.column("allele_code")[data.places][:, TYPE]
    is_indel = types[split.test] >= FIRST_INDEL_TYPE
    calibration = fitted_class_calibrations(odds, label, is_indel)
    probability = cross_fitted(odds, label, is_indel, plan.seed)
    if subgroups is None:
        seen = np.full(len(data.label), np.nan)
        seen[split.test] = odds
        subgroups = _subgroups(data, seen)
    card = card.model_copy(
        update={
            "calibration": calibration,
            "calibrated_on": len(split.test),
            "variant_types": [kind.value for code, kind in enumerate(VariantType) if np.any(types[split.train] == code)],
        }
    )
    state = card.training
    metrics = TrainingMetrics(
        architecture=plan.architecture,
        parameters=model.count_params(),
        trainable_parameters=sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        settings=source.settings,
        balance=_balance(data.label, split),
        epochs=state.epochs_done,
        best_epoch=_best_epoch(plan, state),
        history={name: list(values) for name, values in state.history.items()},
        heldout=HeldOut(
            uncalibrated=classification_metrics(label, expit(odds)),
            calibrated=classification_metrics(label, probability),
            calibrated_by_type=metrics_by_type(label, probability, types[split.test]),
            curves=curves(label, probability, expit(odds)),
        ),
        calibration=calibration,
        cross_validation=cross_validation,
        repeats=repeats,
        learning_curve=points,
        subgroups=subgroups,
        mistakes=_mistakes(data, split.test, probability),
        provenance=provenance,
    )
    return Study(model, card, metrics)


def run_adaptation(
    source: TensorSource,
    model: keras.Model,
    card: ModelCard,
    study: StudyPlan,
    label_error: float,
    seed: int,
    provenance: dict[str, Any],
) -> Study:
    """What `train` does with labels and a network that is adapted to them; held out is each label in its turn.

    The calibration stays that of the network, at the share of real candidates that it now expects of all in the tensors, the
    labelled and the others. Raises UserError where labels are too few.
    """
    from varproof.network.adaptation import adapted, last_layer, seen_of, share_of_real, with_last_layer

    data = _labelled(source, study.split_by)
    seen, start = seen_of(model, card.calibration, source, data.places), last_layer(model)
    found = adapted(start, seen, data.label, label_error, seed, data.groups)
    logger.info("adapting to %d labels, with a precision of %g around the weights of before", len(data.label), found.precision)
    model = with_last_layer(model, found.layer)
    types = source.column("allele_code")[:, TYPE]
    every = np.flatnonzero(source.column("skipped") == "")
    calibration = share_of_real(predicted_log_odds(model, source, every), types[every] >= FIRST_INDEL_TYPE, card.calibration)
    own = types[data.places]
    positives, n = int(data.label.sum()), len(data.label)
    known = {kind.value for code, kind in enumerate(VariantType) if np.any(own == code)} | set(card.variant_types)
    card = card.model_copy(
        update={
            "calibration": calibration,
            "calibrated_on": n,
            "positives": positives,
            "negatives": n - positives,
            "variant_types": [kind.value for kind in VariantType if kind.value in known],
            "training": TrainingState(),
        }
    )
    before, after = expit(seen.log_odds(start)), expit(found.held_out)
    everything = np.arange(n)
    metrics = TrainingMetrics(
        architecture=card.architecture,
        parameters=model.count_params(),
        trainable_parameters=start.kernel.size + start.bias.size,
        settings=source.settings,
        balance=_balance(data.label, Split(everything, everything)),
        epochs=0,
        history={},
        heldout=HeldOut(
            uncalibrated=classification_metrics(data.label, before),
            calibrated=classification_metrics(data.label, after),
            calibrated_by_type=metrics_by_type(data.label, after, own),
            curves=curves(data.label, after, before),
        ),
        calibration=calibration,
        subgroups=_subgroups(data, found.held_out),
        mistakes=_mistakes(data, everything, after),
        provenance=provenance,
    )
    return Study(model, card, metrics)


class _Teller:
    """One line in the log per pass."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs

    def __call__(self, state: TrainingState) -> None:
        last = {name: values[-1] for name, values in state.history.items()}
        logger.info(
            "pass %d/%d: loss %.4f; held out: loss %.4f, accuracy %.4f, average precision %.4f",
            state.epochs_done,
            self._epochs,
            *(last[name] for name in ("loss", "val_loss", "val_accuracy", "val_average_precision")),
        )


def _balance(label: np.ndarray, split: Split) -> ClassBalance:
    train, heldout = int(label[split.train].sum()), int(label[split.test].sum())
    return ClassBalance(
        train_positives=train,
        train_negatives=len(split.train) - train,
        heldout_positives=heldout,
        heldout_negatives=len(split.test) - heldout,
    )


def _best_epoch(plan: TrainingPlan, state: TrainingState) -> int | None:
    if plan.early_stopping is None or not state.epochs_without_gain:
        return None
    return state.epochs_done - state.epochs_without_gain
