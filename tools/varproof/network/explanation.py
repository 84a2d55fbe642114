"""What a network looked at: integrated gradients over the pileup.

Sundararajan, Taly & Yan (2017), Axiomatic Attribution for Deep Networks: the gradient of the log-odds, averaged along the
straight path from an empty pileup to the candidate's, times the input. Contributions add up to the difference of the
log-odds at both ends, up to the error of the sum that stands for the integral.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from varproof.formats.tensors import PackedTensors
from varproof.network.data import network_arrays

STEPS = 64
CHANNELS = 7


def _parts(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """(packed tensors -> scaled floats, scaled floats and the rest -> logits) of a network of either architecture."""
    inputs = model.input
    logits = model.get_layer("logits").output
    names = [layer.name for layer in model.layers]
    if "expand" in names:
        first = model.get_layer("expand").output
        return keras.Model(inputs, [first]), keras.Model([first], logits)
    *scaled, where = model.get_layer("reads").output
    rest = [where, inputs["rows"], inputs["allele"]]
    return keras.Model(inputs, [*scaled, where]), keras.Model([*scaled, *rest], logits)


def integrated_gradients(model: keras.Model, tensors: PackedTensors, steps: int = STEPS) -> list[np.ndarray]:
    """Contribution of each base of each read to the log-odds of being real: per track float64 (rows of the track, W).

    `tensors`: one candidate. What the network takes from a read as a whole (its features, which allele it carries) counts
    at the candidate's column.
    """
    arrays = {name: tf.constant(value) for name, value in network_arrays(tensors, model.input["base"].shape[2] is None).items()}
    first, second = _parts(model)
    outputs = first(arrays, training=False)
    outputs = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
    sets = len(outputs) > 1
    scaled = outputs[:-1] if sets else outputs
    rest = [outputs[-1], arrays["rows"], arrays["allele"]] if sets else []

    @tf.function(reduce_retracing=True)
    def gradients(fraction: Any) -> Any:
        points = [fraction * value for value in scaled]
        with tf.GradientTape() as tape:
            tape.watch(points)
            logits = second([*points, *rest] if sets else points[0], training=False)
            odds = tf.reduce_sum(logits[:, 1] - logits[:, 0])
        return tape.gradient(odds, points)

    total = [np.zeros(value.shape) for value in scaled]
    for step in range(steps):
        for sums, part in zip(total, gradients(tf.constant((step + 0.5) / steps, tf.float32)), strict=True):
            sums += part.numpy()
    parts = [sums / steps * value.numpy() for sums, value in zip(total, scaled, strict=True)]
    return _of_reads(parts, outputs[-1].numpy(), tensors) if sets else _of_pixels(parts[0][0], tensors)


def _of_reads(parts: list[np.ndarray], where: np.ndarray, tensors: PackedTensors) -> list[np.ndarray]:
    cells, features, membership = parts
    window = tensors.settings.window
    found = np.zeros((len(cells), window))
    first = (window - cells.shape[1]) // 2
    found[:, first : first + cells.shape[1]] = cells.sum(-1)
    found[:, window // 2] += features.sum(-1) + membership.sum(-1)
    # In a pileup without reads an empty row stands in.
    return [found[where[:, 1] == track][: tensors.depths[0, track]] for track in range(tensors.tracks)]


def _of_pixels(part: np.ndarray, tensors: PackedTensors) -> list[np.ndarray]:
    """From (W, R, 7 T)."""
    depths = tensors.depths[0]
    by_track = part.reshape(*part.shape[:2], tensors.tracks, CHANNELS).sum(-1)
    return [by_track[:, : depths[track], track].T for track in range(tensors.tracks)]
