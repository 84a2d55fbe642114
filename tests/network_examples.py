"""Networks and packed tensors for tests of the networks. Importing it starts TensorFlow, on one thread."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from tensor_examples import example_tensors
from varproof.formats.model import Architecture, ModelCard
from varproof.formats.tensors import (
    ALLELE_COLUMNS,
    ALT_LENGTH,
    BASE_A,
    BASE_N,
    BASE_T,
    DELETED,
    FIRST_INDEL_TYPE,
    FLAGS,
    INSERTION_FOLLOWS,
    NOTHING,
    PRESENT,
    ROW_COLUMNS,
    SOFT_CLIPPED,
    TYPE,
    PackedTensors,
    TensorSettings,
)
from varproof.network.architectures import build_model
from varproof.network.runtime import start_tensorflow

start_tensorflow(1, "tests")

SETTINGS = TensorSettings(window=31, depth=16, tracks=("tumor", "normal"))
LARGE_SETTINGS = TensorSettings(window=31, depth=28, tracks=("tumor", "normal"))
"""The least, nearly, that the paper's network takes."""


def settings_of(architecture: Architecture) -> TensorSettings:
    """Small tensors for it."""
    return SETTINGS if architecture == "read-set" else LARGE_SETTINGS


def with_indels(tensors: PackedTensors) -> PackedTensors:
    """Every third candidate as an insertion or a deletion."""
    codes = tensors.allele_code.copy()
    codes[::3, TYPE] = FIRST_INDEL_TYPE + np.arange(len(codes[::3])) % 2
    codes[::3, ALT_LENGTH] = 3
    return replace(tensors, allele_code=codes)


def random_tensors(n: int, settings: TensorSettings, seed: int = 0) -> PackedTensors:
    """Any codes, marks, flags and columns, as far as the format allows; some piles are empty, some full."""
    rng = np.random.default_rng(seed)
    tensors, window = example_tensors(n, settings, seed), settings.window
    lengths = rng.integers(0, settings.depth + 1, n * len(settings.tracks))
    lengths[:: 7 + len(settings.tracks)] = 0
    lengths[3 :: 8 + len(settings.tracks)] = settings.depth
    total = int(lengths.sum())
    code = rng.integers(NOTHING, DELETED + 1, (total, window))
    marks = rng.choice([0, 0, INSERTION_FOLLOWS, SOFT_CLIPPED, INSERTION_FOLLOWS | SOFT_CLIPPED], (total, window))
    is_base = (code >= BASE_A) & (code <= BASE_N)
    rows = rng.integers(0, 256, (total, len(ROW_COLUMNS)))
    rows[:, FLAGS] |= PRESENT
    alleles = rng.integers(0, 256, (n, len(ALLELE_COLUMNS)))
    alleles[:, TYPE] = rng.integers(0, 5, n)
    alleles[:, -2:] = rng.integers(0, BASE_T + 1, (n, 2))
    return replace(
        tensors,
        row_offset=np.concatenate([[0], np.cumsum(lengths)]),
        base=np.where(code == NOTHING, 0, code | marks).astype(np.uint8),
        quality=np.where(is_base, rng.integers(0, 94, (total, window)), 0).astype(np.uint8),
        rows=rows.astype(np.uint8),
        reference=rng.integers(NOTHING, BASE_N + 1, (n, window)).astype(np.uint8),
        allele_code=alleles.astype(np.uint8),
    )


def network(
    architecture: Architecture, settings: TensorSettings | None = None, seed: int = 0, **card: Any
) -> tuple[keras.Model, ModelCard]:
    """An untrained network in which every weight counts, and its card."""
    about = ModelCard(architecture=architecture, settings=settings or settings_of(architecture), **card)
    keras.utils.set_random_seed(seed)
    model = build_model(about)
    rng = np.random.default_rng(seed)
    moved = [weight + rng.normal(0, 0.1, weight.shape) for weight in model.get_weights()]
    for weight, variable in zip(moved, model.weights, strict=True):
        if "variance" in variable.path:
            np.abs(weight, out=weight)
    model.set_weights(moved)
    return model, about
