"""Fitting a network: one pass after the other over streamed tensors, a checkpoint after each.

Everything random is drawn from (seed, pass), not from a running state, so that a run that was interrupted and resumed ends
with the same weights as one that was not.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from varproof.formats.model import Architecture, ModelCard, TrainingState, read_card
from varproof.formats.tensor_settings import TensorSettings
from varproof.formats.tensors import ALLELE_COLUMNS, NETWORK_INPUTS, ROW_COLUMNS
from varproof.machinery.errors import DamagedFile, UserError
from varproof.machinery.output import complete_or_absent
from varproof.network.architectures import build_model, is_blind_to_bases, padding_of
from varproof.network.calibration import log_odds
from varproof.network.data import Padding, TensorSource, network_arrays, ordered_batches, training_batches
from varproof.network.layers import scrambled

_OBJECT_ADDRESS = re.compile(rb'("shared_object_id": )([0-9]+)')
_DIVERGED = "training diverged; try a lower --learning-rate"

PREFETCHED = 4
PREDICTION_BATCH = 256


@dataclass(frozen=True)
class TrainingPlan:
    """How to train. `label_smoothing` s turns a label into 1 - s/2 or s/2; `early_stopping` is a number of passes, or None."""

    architecture: Architecture
    epochs: int = 50
    batch_size: int = 256
    learning_rate: float = 1e-3
    decay: bool = False
    label_smoothing: float = 0.1
    class_weights: bool = False
    scramble: bool = True
    early_stopping: int | None = None
    seed: int = 1


def input_specification(settings: TensorSettings, padding: Padding) -> dict[str, tf.TensorSpec]:
    """What a batch looks like to TensorFlow."""
    tracks, depth = len(settings.tracks), settings.depth if padding == "whole" else None
    shapes: dict[str, tuple[int | None, ...]] = {
        "base": (None, tracks, depth, settings.window),
        "quality": (None, tracks, depth, settings.window),
        "rows": (None, tracks, depth, len(ROW_COLUMNS)),
        "reference": (None, settings.window),
        "allele": (None, len(ALLELE_COLUMNS)),
    }
    return {name: tf.TensorSpec(shapes[name], tf.uint8) for name in NETWORK_INPUTS}


def randomly_scrambled(inputs: dict[str, Any], seed: int, epoch: int, number: Any) -> dict[str, Any]:
    """Each candidate's A and T, and C and G, exchanged with probability 1/2 each, drawn from seed, pass and batch number."""
    key = tf.stack([tf.cast(seed, tf.int64) * 1_000_003 + epoch, tf.cast(number, tf.int64)])
    count = tf.shape(inputs["allele"])[0]
    coins = tf.random.stateless_uniform((2, count), key) < 0.5
    return scrambled(inputs, coins[0], coins[1])


def training_dataset(
    source: TensorSource, indices: np.ndarray, labels: np.ndarray, plan: TrainingPlan, epoch: int, padding: Padding
) -> tf.data.Dataset:
    """One pass: (inputs, label as (artefact, real), weight) per batch, scrambled in the graph, prefetched."""
    positives = int(labels[indices].sum())
    weights = np.ones(2, np.float32)
    if plan.class_weights:
        weights = np.array([len(indices) / (2 * (len(indices) - positives)), len(indices) / (2 * positives)], np.float32)

    def batches() -> Iterator[Any]:
        rng = np.random.default_rng([plan.seed, epoch])
        for batch in training_batches(source, indices, plan.batch_size, rng):
            real = batch.label.astype(np.int64)
            yield network_arrays(batch, padding), np.eye(2, dtype=np.float32)[real], weights[real]

    specification = (
        input_specification(source.settings, padding),
        tf.TensorSpec((None, 2), tf.float32),
        tf.TensorSpec((None,), tf.float32),
    )
    data = tf.data.Dataset.from_generator(batches, output_signature=specification)
    if plan.scramble and not is_blind_to_bases(plan.architecture):
        data = data.enumerate().map(lambda number, item: (randomly_scrambled(item[0], plan.seed, epoch, number), *item[1:]))
    return _of_length(data, len(indices), plan.batch_size).prefetch(PREFETCHED)


def _of_length(data: tf.data.Dataset, candidates: int, batch_size: int) -> tf.data.Dataset:
    return data.apply(tf.data.experimental.assert_cardinality(-(-candidates // batch_size)))


def prediction_dataset(source: TensorSource, indices: np.ndarray, padding: Padding, batch_size: int) -> tf.data.Dataset:
    """Inputs of the candidates `indices` (ascending), in order."""

    def batches() -> Iterator[Any]:
        for batch in ordered_batches(source, indices, batch_size):
            yield network_arrays(batch, padding)

    specification = input_specification(source.settings, padding)
    data = tf.data.Dataset.from_generator(batches, output_signature=specification)
    return _of_length(data, len(indices), batch_size).prefetch(PREFETCHED)


def predicted_log_odds(
    model: keras.Model, source: TensorSource, indices: np.ndarray, batch_size: int = PREDICTION_BATCH
) -> np.ndarray:
    """Log-odds that each of the candidates `indices` (ascending) is real. Raises UserError where they are not finite."""
    if not len(indices):
        return np.zeros(0)
    with source.own_errors():
        probability = model.predict(prediction_dataset(source, indices, padding_of(model), batch_size), verbose=0)
    odds = log_odds(probability)
    if not np.all(np.isfinite(odds)):
        raise UserError(f"the network predicts values that are not finite: {_DIVERGED}")
    return odds


def _compiled(model: keras.Model, plan: TrainingPlan, steps_per_epoch: int) -> keras.Model:
    rate: Any = plan.learning_rate
    if plan.decay:
        rate = keras.optimizers.schedules.CosineDecay(plan.learning_rate, plan.epochs * steps_per_epoch, alpha=0.02)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=plan.label_smoothing),
        weighted_metrics=["accuracy"],
        jit_compile=False,
    )
    return model


def _build_state(model: keras.Model) -> None:
    """Make the variables of optimiser and metrics: a step that makes them itself is traced twice, which takes seconds."""
    model.optimizer.build(model.trainable_variables)
    nothing = tf.zeros((1, 2))
    model.compute_metrics(None, nothing, nothing, tf.zeros(1))


def _seed_layers(model: keras.Model, seed: int, epoch: int) -> None:
    """Give every random layer (dropout) a state that depends on seed and pass alone."""
    for number, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            state = np.random.default_rng([seed, epoch, number]).integers(0, 2**31, 2)
            generator.state.assign(state.astype(np.uint32))


def training_identity(plan: TrainingPlan, source: TensorSource, train: np.ndarray, labels: np.ndarray) -> str:
    """Digest of everything that decides which weights come out."""
    origins = [reader.header.provenance for reader in source.readers]
    digest = hashlib.sha256(repr((plan, source.settings, origins)).encode())
    for part in (train, labels, source.column("position"), source.column("centre")):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]


def save_model(model: keras.Model, path: Path) -> None:
    """Write a `.keras` file, complete or not at all; the same model gives the same bytes."""
    with complete_or_absent(path) as temporary:
        model.save(temporary)
        temporary.write_bytes(_timeless(temporary.read_bytes()))


def _timeless(archive: bytes) -> bytes:
    """A `.keras` archive without the time at which Keras wrote it, and with small numbers for the addresses of objects."""
    numbers: dict[bytes, int] = {}
    timeless = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(timeless, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "metadata.json":
                content = json.dumps({key: value for key, value in json.loads(content).items() if key != "date_saved"}).encode()
            if name == "config.json":
                content = _OBJECT_ADDRESS.sub(
                    lambda found: b"%s%d" % (found[1], numbers.setdefault(found[2], len(numbers))), content
                )
            new.writestr(zipfile.ZipInfo(name), content)
    return timeless.getvalue()


def load_model(path: Path) -> tuple[keras.Model, ModelCard]:
    """A model and its card; raises UserError where it is no model of varproof. No code in the file is run."""
    card = read_card(path)
    try:
        model = keras.saving.load_model(path, safe_mode=True)
        fits = set(model.input) == set(NETWORK_INPUTS)
    except Exception as error:  # whatever Keras trips over in a file that is not as it wrote it
        raise DamagedFile(f"{path}: a damaged model file ({' '.join(str(error).split())[:200]}); make it again") from error
    if not fits:
        raise UserError(f"{path}: a model that takes no pileups; make one with train")
    return model, card


def fit_model(
    plan: TrainingPlan,
    source: TensorSource,
    labels: np.ndarray,
    train: np.ndarray,
    validate: np.ndarray,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    after_epoch: Callable[[TrainingState], None] = lambda state: None,
    after_step: Callable[[int], None] = lambda candidates: None,
) -> tuple[keras.Model, ModelCard]:
    """A network trained on candidates `train`, watched on `validate` (both ascending), uncalibrated.

    After each pass the model with its optimiser is written to `checkpoint`; `resume` goes on from there. `after_step` is told
    the number of candidates in a step. With early stopping the weights of the best pass are returned. Raises UserError where
    the checkpoint is of another training, where tensors are damaged, and where training diverges.
    """
    identity = training_identity(plan, source, train, labels)
    steps = -(-len(train) // plan.batch_size)
    positives = int(labels[train].sum())
    card = ModelCard(
        architecture=plan.architecture,
        settings=source.settings,
        positives=positives,
        negatives=len(train) - positives,
        training=TrainingState(identity=identity),
    )
    if resume and checkpoint is not None and checkpoint.exists():
        model, card = load_model(checkpoint)
        if card.training.identity != identity:
            raise UserError(
                f"{checkpoint}: a checkpoint of another training (other tensors or options); remove it, or leave out --resume"
            )
    else:
        keras.utils.set_random_seed(plan.seed)
        model = _compiled(build_model(card), plan, steps)
    _build_state(model)
    state = card.training
    best = _Best(model, checkpoint, card) if plan.early_stopping else None
    while state.epochs_done < plan.epochs and not _exhausted(state, plan):
        epoch = state.epochs_done
        _seed_layers(model, plan.seed, epoch)
        data = training_dataset(source, train, labels, plan, epoch, padding_of(model))
        told = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda step, logs: after_step(min(plan.batch_size, len(train) - step * plan.batch_size))
        )
        with source.own_errors():
            done = model.fit(data, epochs=1, shuffle=False, verbose=0, callbacks=[told])
        values = {"loss": float(done.history["loss"][0]), "accuracy": float(done.history["accuracy"][0])}
        if not np.isfinite(values["loss"]):
            raise UserError(f"the loss is not a number in pass {epoch + 1}: {_DIVERGED}")
        # Some kernels make zero of what is not a number, and the loss then looks like one.
        if not all(np.isfinite(weight).all() for weight in model.get_weights()):
            raise UserError(f"weights are not finite after pass {epoch + 1}: {_DIVERGED}")
        if len(validate):
            values |= _validation(model, source, labels, validate, plan)
        state = _advanced(state, values)
        card = card.model_copy(update={"training": state})
        if best is not None and state.epochs_without_gain == 0:
            best.keep(_carrying(model, card))
        if checkpoint is not None:
            save_model(_carrying(model, card), checkpoint)
        after_epoch(state)
    if best is not None:
        best.restore(model)
    return model, card


class _Best:
    """Weights of the best pass so far, for early stopping; beside the checkpoint too, so that they survive an interruption."""

    def __init__(self, model: keras.Model, checkpoint: Path | None, card: ModelCard) -> None:
        """`card`: of the model, which is new or comes from `checkpoint`; raises UserError where its best pass is lost."""
        self._path = None if checkpoint is None else best_checkpoint(checkpoint)
        self._weights = model.get_weights()
        if self._path is not None and card.training.epochs_done:
            kept, kept_card = load_model(self._path)
            if kept_card.training.identity != card.training.identity:
                raise UserError(f"{self._path}: of another training than {checkpoint}; remove both, or leave out --resume")
            self._weights = kept.get_weights()

    def keep(self, model: keras.Model) -> None:
        self._weights = model.get_weights()
        if self._path is not None:
            save_model(model, self._path)

    def restore(self, model: keras.Model) -> None:
        model.set_weights(self._weights)


def best_checkpoint(checkpoint: Path) -> Path:
    """Where the best pass is kept beside the last one."""
    return checkpoint.with_name(f"{checkpoint.stem}.best.keras")


def _validation(
    model: keras.Model, source: TensorSource, labels: np.ndarray, validate: np.ndarray, plan: TrainingPlan
) -> dict[str, float]:
    from sklearn.metrics import average_precision_score

    odds = predicted_log_odds(model, source, validate)
    real = labels[validate] == 1
    loss = np.mean(np.logaddexp(0.0, np.where(real, -odds, odds)))
    precision = float(average_precision_score(real, odds)) if real.any() else float("nan")
    return {
        "val_loss": float(loss),
        "val_accuracy": float(np.mean((odds > 0) == real)),
        "val_average_precision": precision,
    }


def _advanced(state: TrainingState, values: dict[str, float]) -> TrainingState:
    history = {name: [*state.history.get(name, []), value] for name, value in values.items()}
    watched = history.get("val_loss", history["loss"])
    gained = watched[-1] <= min(watched)
    return TrainingState(
        epochs_done=state.epochs_done + 1,
        epochs_without_gain=0 if gained else state.epochs_without_gain + 1,
        history=history,
        identity=state.identity,
    )


def _exhausted(state: TrainingState, plan: TrainingPlan) -> bool:
    return plan.early_stopping is not None and state.epochs_without_gain >= plan.early_stopping


def _carrying(model: keras.Model, card: ModelCard) -> keras.Model:
    """The compiled model with its card brought up to date (in place: the card is configuration, not graph)."""
    model.get_layer("probability").card = card.model_dump(mode="json")
    return model


def finished_model(model: keras.Model, card: ModelCard) -> keras.Model:
    """The trained network in single precision, without optimiser, carrying `card` and its calibration.

    Forgets other models of Keras, so that names of layers don't depend on how many were trained before.
    """
    weights = model.get_weights()
    keras.backend.clear_session()
    keras.mixed_precision.set_global_policy("float32")
    finished = build_model(card)
    finished.set_weights(weights)
    return finished
