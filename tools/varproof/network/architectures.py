"""The networks: the paper's, with reads in the order of the file or by the allele they carry, and one over sets of reads.

Both take `PackedTensors.dense` and end in a calibrated probability: outputs (B, 2), of an artefact and of a real variant.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import layers

from varproof.formats.model import Architecture, ModelCard
from varproof.formats.tensor_settings import TensorSettings
from varproof.formats.tensors import ALLELE_COLUMNS, NETWORK_INPUTS, ROW_COLUMNS
from varproof.machinery.errors import UserError
from varproof.network.data import Padding, rows_after
from varproof.network.layers import (
    AlleleFeatures,
    CalibratedProbability,
    ExpandChannels,
    GatherReads,
    PoolReads,
    RepeatLastRow,
    SortRows,
)

DEEPCNNVALID_LEAST = 27
BELOW_READS, SORTED = "below_reads", "sorted"


def _inputs(settings: TensorSettings) -> dict[str, Any]:
    tracks, depth, window = len(settings.tracks), None, settings.window
    shapes: dict[str, tuple[int | None, ...]] = {
        "base": (tracks, depth, window),
        "quality": (tracks, depth, window),
        "rows": (tracks, depth, len(ROW_COLUMNS)),
        "reference": (window,),
        "allele": (len(ALLELE_COLUMNS),),
    }
    return {name: keras.Input(shapes[name], dtype="uint8", name=name) for name in NETWORK_INPUTS}


def deepcnnvalid(settings: TensorSettings, inputs: dict[str, Any], by_allele: bool = False) -> Any:
    """The paper's network (deepCNNvalid 2023, Model topology and training): logits (B, 2).

    `by_allele`: reads of the alternative allele come first in each track. In the order of the file they are scattered over the
    rows, where 3 x 3 filters and their maxima can hardly tell the allele from errors of sequencing; in one block its size and
    its company are seen. No weight more.

    Raises UserError where a window or depth vanishes in its three rounds of convolution and pooling.
    """
    if min(settings.window, settings.depth) < DEEPCNNVALID_LEAST:
        raise UserError(
            f"deepcnnvalid needs a window and a depth of at least {DEEPCNNVALID_LEAST}, not {settings.window} and "
            f"{settings.depth}; make larger tensors, or train --architecture read-set"
        )
    planes = [inputs["base"], inputs["quality"], inputs["rows"]]
    x = ExpandChannels(name="expand")(SortRows(name=SORTED)(planes) if by_allele else planes)
    for filters in (32, 16, 32):
        x = layers.Conv2D(filters, (3, 3), activation="relu")(x)
        x = layers.MaxPooling2D((3, 3), padding="same")(x)
    x = layers.Conv2D(32, (1, 1), activation="relu")(x)
    x = RepeatLastRow(rows_after(settings.depth)[0], name=BELOW_READS)(x)
    x = layers.Flatten()(layers.BatchNormalization(momentum=0.8)(x))
    x = layers.Dropout(0.2)(layers.Dense(10, activation="relu")(x))
    return layers.Dense(2, name="logits")(x)


def read_set(settings: TensorSettings, inputs: dict[str, Any]) -> Any:
    """Every read through the same small network, pooled by the allele that it carries, per track: logits (B, 2)."""
    planes = [inputs[name] for name in ("base", "quality", "rows", "reference")]
    cells, features, membership, where = GatherReads(name="reads")(planes)
    z = cells
    for filters in (16, 24):
        z = layers.Conv1D(filters, 5, strides=2, padding="same", activation="relu")(z)
    z = layers.Concatenate()([layers.GlobalAveragePooling1D()(z), layers.GlobalMaxPooling1D()(z), features])
    for width in (32, 24):
        z = layers.Dense(width, activation="relu")(z)
    pooled = PoolReads(name="pool")([z, membership, where, inputs["rows"]])
    kinds = settings.tracks
    own = [track for track, kind in enumerate(kinds) if kind != "context"]
    parts = [pooled[:, track] for track in own]
    if len(own) < len(kinds):
        # Contexts are a set as well: their order and number must not matter.
        contexts = layers.Dense(24, activation="relu")(pooled[:, len(own) :])
        parts += [keras.ops.mean(contexts, 1), keras.ops.max(contexts, 1)]
    x = layers.Concatenate()([*parts, AlleleFeatures(name="allele_features")(inputs["allele"])])
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.Dropout(0.2)(layers.Dense(64, activation="relu")(x))
    x = layers.Dense(24, activation="relu")(x)
    return layers.Dense(2, name="logits")(x)


_LOGITS: dict[Architecture, Callable[[TensorSettings, dict[str, Any]], Any]] = {
    "deepcnnvalid": deepcnnvalid,
    "deepcnnvalid-by-allele": partial(deepcnnvalid, by_allele=True),
    "read-set": read_set,
}


def padding_of(model: keras.Model) -> Padding:
    """How many rows the model wants below the reads of a batch."""
    if model.input["base"].shape[2] is not None:
        return "whole"
    return "pooled" if BELOW_READS in {layer.name for layer in model.layers} else "free"


def is_blind_to_bases(architecture: Architecture) -> bool:
    """Whether base scrambling changes nothing, because the network only sees which alleles agree."""
    return architecture == "read-set"


def build_model(card: ModelCard) -> keras.Model:
    """A network with new weights (from Keras's global seed) for the card's architecture and layout."""
    settings = card.settings
    inputs = _inputs(settings)
    logits = _LOGITS[card.architecture](settings, inputs)
    outputs = CalibratedProbability(card.model_dump(mode="json"), name="probability")([logits, inputs["allele"]])
    return keras.Model(inputs, outputs, name=card.architecture.replace("-", "_"))
