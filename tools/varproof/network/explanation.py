"""What a network looked at: integrated gradients over the pileup.

Sundararajan, Taly & Yan (2017), Axiomatic Attribution for Deep Networks: the gradient of the log-odds, averaged along the
straight path from an empty pileup to the candidate's, times the input. Contributions add up to the difference of the
log-odds at both ends, up to the error of the sum that stands for the integral, which is kept under TOLERANCE of it.
"""

import heapq
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from varproof.formats.tensors import FLAGS, SUPPORTS_ALT, PackedTensors
from varproof.network.architectures import SORTED, padding_of
from varproof.network.data import network_arrays
from varproof.pileup.expansion import CHANNELS

TOLERANCE = 0.01
_FIRST_STEPS, _MOST_STEPS = 8, 500
_LEAST_CHANGE = 0.1


def _integral(at: Callable[[float], tuple[float, list[np.ndarray]]]) -> list[np.ndarray]:
    """Integral over fractions 0 to 1 of the contributions that `at` gives beside the log-odds at a fraction.

    Log-odds change most where the first reads appear, so steps are short there to begin with, and then halved, the worst
    first, until the contributions in the middle of each say how much the log-odds change over it.
    """
    steps: list[tuple[float, float, float, float, float, float, list[np.ndarray]]] = []

    def add(start: float, end: float, before: float, after: float) -> None:
        middle, found = at((start + end) / 2)
        parts = [part * (end - start) for part in found]
        error = abs(after - before - sum(float(part.sum()) for part in parts))
        heapq.heappush(steps, (-error, start, end, before, middle, after, parts))

    ends = [(i / _FIRST_STEPS) ** 3 for i in range(_FIRST_STEPS + 1)]
    odds = [at(end)[0] for end in ends]
    for start, end, before, after in zip(ends, ends[1:], odds, odds[1:], strict=False):
        add(start, end, before, after)
    allowed = TOLERANCE * max(abs(odds[-1] - odds[0]), _LEAST_CHANGE)
    while len(steps) < _MOST_STEPS and -sum(step[0] for step in steps) > allowed:
        _, start, end, before, middle, after, _ = heapq.heappop(steps)
        add(start, (start + end) / 2, before, middle)
        add((start + end) / 2, end, middle, after)
    return [np.sum(parts, axis=0) for parts in zip(*(step[-1] for step in steps), strict=True)]


class Explainer:
    """A network of either architecture, cut after the layers that turn packed tensors into numbers."""

    def __init__(self, model: keras.Model) -> None:
        inputs, logits = model.input, model.get_layer("logits").output
        self._padding = padding_of(model)
        self._of_reads = "reads" in {layer.name for layer in model.layers}
        self._by_allele = SORTED in {layer.name for layer in model.layers}
        first = model.get_layer("reads" if self._of_reads else "expand").output
        scaled, where = (first[:-1], first[-1:]) if self._of_reads else ([first], [])
        rest = [*where, inputs["rows"], inputs["allele"]] if self._of_reads else []
        self._scaled = keras.Model(inputs, [*scaled, *where])
        judge = keras.Model([*scaled, *rest], logits)

        @tf.function(reduce_retracing=True)
        def gradients(fraction: Any, scaled: list[Any], rest: list[Any]) -> Any:
            points = [fraction * value for value in scaled]
            with tf.GradientTape() as tape:
                tape.watch(points)
                logits = judge([*points, *rest], training=False)
                odds = tf.reduce_sum(logits[:, 1] - logits[:, 0])
            slopes = tape.gradient(odds, points, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            return odds, [slope * value for slope, value in zip(slopes, scaled, strict=True)]

        self._gradients = gradients

    def integrated_gradients(self, tensors: PackedTensors) -> list[np.ndarray]:
        """Contribution of each base of each read to the log-odds of being real: per track float64 (rows of the track, W).

        `tensors`: one candidate. What the network takes from a read as a whole (its features, which allele it carries) counts
        at the candidate's column.
        """
        arrays = {name: tf.constant(value) for name, value in network_arrays(tensors, self._padding).items()}
        outputs, rest = self._scaled(arrays, training=False), []
        scaled = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        if self._of_reads:
            rest = [scaled.pop(), arrays["rows"], arrays["allele"]]

        def at(fraction: float) -> tuple[float, list[np.ndarray]]:
            odds, parts = self._gradients(tf.constant(fraction, tf.float32), scaled, rest)
            found = [part.numpy().astype(np.float64) for part in parts]
            if not self._of_reads:  # (1, W, R, 7 T)
                found = [found[0][0].reshape(*found[0].shape[1:3], tensors.tracks, len(CHANNELS))]
            return float(odds), [part.sum(-1) for part in found]

        parts = _integral(at)
        if self._of_reads:
            return _by_reads(parts, rest[0].numpy(), tensors)
        return _by_pixels(parts[0], tensors, self._by_allele)


def _by_reads(parts: list[np.ndarray], where: np.ndarray, tensors: PackedTensors) -> list[np.ndarray]:
    cells, features, membership = parts
    window = tensors.settings.window
    found = np.zeros((len(cells), window))
    first = (window - cells.shape[1]) // 2
    found[:, first : first + cells.shape[1]] = cells
    found[:, window // 2] += features + membership
    # In a pileup without reads an empty row stands in.
    return [found[where[:, 1] == track][: tensors.depths[0, track]] for track in range(tensors.tracks)]


def _by_pixels(part: np.ndarray, tensors: PackedTensors, by_allele: bool) -> list[np.ndarray]:
    """From (W, R, T); `by_allele`: the network has sorted the rows, as `SortRows` does."""
    found = []
    for track, depth in enumerate(tensors.depths[0].tolist()):
        own = part[:, :depth, track].T
        if by_allele:
            start = int(tensors.row_offset[track])
            is_alt = tensors.rows[start : start + depth, FLAGS] & SUPPORTS_ALT > 0
            placed = np.empty_like(own)
            placed[np.argsort(~is_alt, kind="stable")] = own
            own = placed
        found.append(own)
    return found
