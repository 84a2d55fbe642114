"""Keras layers of the networks: what packed tensors (`PackedTensors.dense`) become before the first weight, and after the last.

None of them has weights. They are saved inside the model, so a `.keras` file takes packed tensors as they are and gives
probabilities: no other code decides how pixels are scaled or how an output is calibrated. Shapes below: B candidates,
T tracks, R rows per track, W bases of window, N rows that hold a read.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from varproof.formats.tensors import (
    ALT_LENGTH,
    ALT_MISMATCHES,
    BASE_A,
    BASE_C,
    BASE_G,
    BASE_MASK,
    BASE_T,
    CLIPPED,
    DELETED,
    EDITS,
    END_DISTANCE,
    FIRST_INDEL_TYPE,
    FLAGS,
    IMPROPER,
    INSERT_SIZE,
    INSERTION_FOLLOWS,
    MAPQ,
    MATE_ABOVE,
    NOT_COMPARED,
    NOTHING,
    PRESENT,
    READ1_REVERSE,
    REF_BASE,
    REF_LENGTH,
    REF_MISMATCHES,
    REPEAT_LENGTH,
    REPEAT_UNIT,
    ROW_PAIRED,
    ROW_REVERSE,
    SUPPORTS_ALT,
    SUPPORTS_REF,
    TYPE,
)
from varproof.variants.edit import TYPES

QUALITY_SCALE, MAPQ_SCALE = 40.0, 60.0
"""Good values of either become about 1: each channel is scaled by itself."""

_PACKAGE = "varproof"


def _has(plane: Any, bit: int) -> Any:
    """1.0 where a uint8 plane has the bit, else 0.0."""
    return tf.cast(tf.bitwise.bitwise_and(plane, tf.constant(bit, tf.uint8)) > 0, tf.float32)


def _code(plane: Any) -> Any:
    return tf.bitwise.bitwise_and(plane, tf.constant(BASE_MASK, tf.uint8))


def scrambled(inputs: dict[str, Any], swap_at: Any, swap_cg: Any) -> dict[str, Any]:
    """Packed tensors with A and T, C and G exchanged in the candidates where `swap_at`, `swap_cg` (bool (B,)) say so.

    In reads, reference and alleles alike, so that the picture stays that of a possible candidate (deepCNNvalid 2023,
    Implementation).
    """

    def exchange(plane: Any) -> Any:
        shape = tf.concat([tf.shape(swap_at), tf.ones(tf.rank(plane) - 1, tf.int32)], 0)
        at, cg = (tf.cast(tf.reshape(swap, shape), tf.uint8) for swap in (swap_at, swap_cg))
        code = _code(plane)
        is_at = tf.cast((code == BASE_A) | (code == BASE_T), tf.uint8)
        is_cg = tf.cast((code == BASE_C) | (code == BASE_G), tf.uint8)
        return tf.bitwise.bitwise_xor(plane, is_at * at * (BASE_A ^ BASE_T) + is_cg * cg * (BASE_C ^ BASE_G))

    allele = inputs["allele"]
    bases = exchange(allele[:, REF_BASE:])
    return {
        **inputs,
        "base": exchange(inputs["base"]),
        "reference": exchange(inputs["reference"]),
        "allele": tf.concat([allele[:, :REF_BASE], bases], 1),
    }


_PLANE = np.arange(256)
_LETTERS = np.stack(
    [
        np.isin(_PLANE & BASE_MASK, (letter, DELETED)) * np.where(_PLANE & INSERTION_FOLLOWS, 2, 1)
        for letter in range(BASE_A, BASE_T + 1)
    ],
    axis=-1,
).astype(np.float32)
"""What a cell of the base plane, by its value, shows in the channels of A, C, G and T: float (256, 4)."""


@keras.saving.register_keras_serializable(_PACKAGE)
class ExpandChannels(keras.layers.Layer):
    """Planes -> float (B, W, R, 7 T): one-hot A, C, G, T, base quality, mapping quality, strand of each track.

    As `pileup.expansion` has it (deleted: 1 in all four; 2 stands for 1 before an insertion), but with qualities scaled.
    """

    def call(self, inputs: list[Any]) -> Any:
        tracks, depth, window = inputs[0].shape[1:]
        # Turned while a cell is one byte, and letters looked up: each floating-point image is written once.
        base, quality, rows = (tf.transpose(plane, (0, 3, 2, 1)) for plane in inputs)  # (B, W or columns, R, T)
        mapq, flags = rows[:, MAPQ, None], rows[:, FLAGS, None]
        covered = tf.cast(_code(base) != NOTHING, tf.float32)
        others = [
            tf.cast(quality, tf.float32) / QUALITY_SCALE,
            tf.cast(mapq, tf.float32) / MAPQ_SCALE * covered,
            _has(flags, ROW_REVERSE) * covered,
        ]
        letters = tf.gather(tf.constant(_LETTERS), tf.cast(base, tf.int32))
        stacked = tf.concat([letters, tf.stack(others, -1)], -1)  # (B, W, R, T, 7)
        count = tf.shape(base)[2] if depth is None else depth
        image = tf.reshape(stacked, (-1, window, count, 7 * tracks))
        return tf.ensure_shape(image, (None, window, depth, 7 * tracks))


@keras.saving.register_keras_serializable(_PACKAGE)
class SortRows(keras.layers.Layer):
    """Planes with the rows of each track in another order: reads of the alternative allele, other reads, no reads."""

    def call(self, inputs: list[Any]) -> list[Any]:
        flags = inputs[-1][..., FLAGS]
        rank = 2.0 - _has(flags, PRESENT) - _has(flags, SUPPORTS_ALT)
        order = tf.argsort(rank, axis=2, stable=True)
        return [tf.gather(plane, order, axis=2, batch_dims=2) for plane in inputs]


@keras.saving.register_keras_serializable(_PACKAGE)
class RepeatLastRow(keras.layers.Layer):
    """float (B, W, R, C) with R <= rows -> (B, W, rows, C): the last row stands for those below it, which are equal to it."""

    def __init__(self, rows: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows

    def call(self, image: Any) -> Any:
        missing = self.rows - tf.shape(image)[2]
        below = tf.repeat(image[:, :, -1:], missing, axis=2)
        return tf.ensure_shape(tf.concat([image, below], 2), (None, image.shape[1], self.rows, image.shape[3]))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rows": self.rows}


CELL_REACH = 30
"""How far from the candidate the network over sets of reads looks at single bases: 50 on either side tell it no more."""


@keras.saving.register_keras_serializable(_PACKAGE)
class GatherReads(keras.layers.Layer):
    """Rows that hold a read, of all candidates and tracks: what a network over sets of reads works on.

    Returns cells float (N, C, 7), of the C = 2 * CELL_REACH + 1 bases around the candidate or of a smaller window; features
    float (N, 20); membership float (N, 4): whether the read carries the alternative, the reference or neither allele, each
    times its mapping quality's chance to be right, and whether it is the first of its fragment; where int64 (N, 3):
    candidate, track, row. Nothing names a base: only whether it agrees with the reference or the alternative allele, so that
    the network is blind to base scrambling by construction. An empty pileup is all zeros.
    """

    def call(self, inputs: list[Any]) -> Any:
        base, quality, rows, reference = inputs
        window = reference.shape[-1]
        reach = min(CELL_REACH, window // 2)
        near, centre = slice(window // 2 - reach, window // 2 + reach + 1), reach
        where = tf.where(_has(rows[..., FLAGS], PRESENT) > 0)
        # Convolutions over no reads fail: where a batch has none, an empty row, which carries no allele, stands in.
        where = tf.concat([where, tf.zeros([tf.cast(tf.shape(where)[0] == 0, tf.int32), 3], tf.int64)], 0)
        base, quality, rows = (tf.gather_nd(x, where) for x in (base[..., near], quality[..., near], rows))
        code, letter = _code(base), tf.gather(reference[:, near], where[:, 0])
        known = (code >= BASE_A) & (code <= BASE_T) & (letter >= BASE_A) & (letter <= BASE_T)
        covered = tf.cast(code != NOTHING, tf.float32)
        mismatch = tf.cast(known & (code != letter), tf.float32)
        scaled = tf.cast(quality, tf.float32) / QUALITY_SCALE
        middle = tf.one_hot(tf.fill(tf.shape(where)[:1], centre), 2 * reach + 1)
        cells = [
            covered,
            mismatch,
            tf.cast(code == DELETED, tf.float32),
            _has(base, INSERTION_FOLLOWS),
            scaled,
            mismatch * scaled,
            middle,
        ]
        features = self._features(rows, scaled, mismatch, centre)
        return tf.stack(cells, -1), features, self._membership(rows), where

    def _membership(self, rows: Any) -> Any:
        flags = rows[:, FLAGS]
        trusted = 1.0 - tf.pow(10.0, -tf.cast(rows[:, MAPQ], tf.float32) / 10.0)
        alt, ref = _has(flags, SUPPORTS_ALT), _has(flags, SUPPORTS_REF)
        other = (1.0 - alt) * (1.0 - ref)
        return tf.stack([alt * trusted, ref * trusted, other * trusted, 1.0 - _has(flags, MATE_ABOVE)], -1)

    def _features(self, rows: Any, scaled: Any, mismatch: Any, centre: int) -> Any:
        flags = rows[:, FLAGS]
        value = tf.cast(rows, tf.float32)
        compared = tf.cast(rows[:, ALT_MISMATCHES] != NOT_COMPARED, tf.float32)
        alt_mismatches = tf.minimum(value[:, ALT_MISMATCHES], 10.0) / 5.0 * compared
        ref_mismatches = tf.minimum(value[:, REF_MISMATCHES], 10.0) / 5.0 * compared
        near = scaled[:, centre - 3 : centre + 4]
        return tf.stack(
            [
                _has(flags, SUPPORTS_ALT),
                _has(flags, SUPPORTS_REF),
                compared,
                alt_mismatches,
                ref_mismatches,
                value[:, MAPQ] / MAPQ_SCALE,
                tf.cast(rows[:, MAPQ] == 0, tf.float32),
                _has(flags, ROW_REVERSE),
                _has(flags, ROW_PAIRED),
                _has(flags, READ1_REVERSE),
                _has(flags, MATE_ABOVE),
                _has(flags, IMPROPER),
                tf.minimum(value[:, END_DISTANCE], 100.0) / 50.0,
                tf.cast(rows[:, END_DISTANCE] < 8, tf.float32),
                tf.minimum(value[:, CLIPPED], 100.0) / 50.0,
                tf.minimum(value[:, EDITS], 20.0) / 5.0,
                scaled[:, centre],
                tf.reduce_min(near, 1),
                tf.reduce_mean(mismatch, 1) * 10.0,
                value[:, INSERT_SIZE] / 100.0,
            ],
            -1,
        )


@keras.saving.register_keras_serializable(_PACKAGE)
class PoolReads(keras.layers.Layer):
    """What a track's reads say together: float (B, T, pooled) from per-read vectors (N, H), whatever their order.

    Reads of the alternative, of the reference and of neither allele are pooled apart: mean, sum and maximum of the vectors,
    and counts of fragments, so that both fractions and numbers survive.
    """

    def call(self, inputs: list[Any]) -> Any:
        hidden, membership, where, rows = inputs
        values = tf.concat([tf.cast(hidden, tf.float32), tf.cast(membership, tf.float32)], -1)
        shape, width = tf.shape(rows, out_type=tf.int64), values.shape[-1]
        # Row by row in place and then summed along an axis: the sums don't depend on padding, threads or the batch.
        dense = tf.scatter_nd(where, values, tf.concat([shape[:3], [width]], 0))
        dense = tf.ensure_shape(dense, (None, rows.shape[1], None, width))
        vectors, weights, first = dense[..., :-4], dense[..., -4:-1], dense[..., -1:]
        counts = tf.reduce_sum(weights * first, 2)
        pooled = [tf.math.log1p(counts), counts / 10.0]
        for group in range(3):
            weight = weights[..., group : group + 1]
            summed = tf.reduce_sum(vectors * weight, 2)
            pooled += [summed / (tf.reduce_sum(weight, 2) + 1e-3), summed / 10.0, tf.reduce_max(vectors * weight, 2)]
        alt, ref, other = tf.split(counts, 3, -1)
        fraction = alt / (alt + ref + 1.0)
        noise = other / (alt + ref + other + 1.0)
        return tf.concat([*pooled, fraction, noise, tf.sqrt(fraction + 1e-6)], -1)


@keras.saving.register_keras_serializable(_PACKAGE)
class AlleleFeatures(keras.layers.Layer):
    """float (B, 11): variant type one-hot, logarithms of allele lengths, the tandem repeat that the candidate lies in."""

    def call(self, allele: Any) -> Any:
        value = tf.cast(allele, tf.float32)
        unit, length = value[:, REPEAT_UNIT], value[:, REPEAT_LENGTH]
        numbers = [
            tf.math.log1p(value[:, REF_LENGTH]) / 3.0,
            tf.math.log1p(value[:, ALT_LENGTH]) / 3.0,
            unit / 3.0,
            tf.cast(unit == 1.0, tf.float32) * length / 10.0,
            length / 20.0,
            tf.math.divide_no_nan(length, unit) / 10.0,
        ]
        return tf.concat([tf.one_hot(tf.cast(allele[:, TYPE], tf.int32), len(TYPES)), tf.stack(numbers, -1)], -1)


@keras.saving.register_keras_serializable(_PACKAGE)
class CalibratedProbability(keras.layers.Layer):
    """Logits (B, 2) of (artefact, real), and the alleles -> probabilities, after temperature and bias of the log-odds.

    The last layer of every model, and where its card is kept: a dict of `formats.model.ModelCard`, whose calibrations, of
    substitutions and of indels, are used here.
    """

    def __init__(self, card: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.card = card

    def call(self, inputs: list[Any]) -> Any:
        logits, allele = inputs
        logits = tf.cast(logits, tf.float32)
        is_indel = allele[:, TYPE] >= FIRST_INDEL_TYPE
        substitution, indel = (self.card["calibration"][name] for name in ("substitution", "indel"))
        slope = tf.where(is_indel, 1.0 / indel["temperature"], 1.0 / substitution["temperature"])
        bias = tf.where(is_indel, float(indel["bias"]), float(substitution["bias"]))
        odds = (logits[:, 1] - logits[:, 0]) * slope + bias
        return tf.stack([tf.sigmoid(-odds), tf.sigmoid(odds)], -1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "card": self.card}
