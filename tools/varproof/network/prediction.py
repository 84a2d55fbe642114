"""A model applied to packed tensors, chunk by chunk: log-odds of each candidate, in order."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from varproof.formats.model import ModelCard
from varproof.formats.tensors import PackedTensors, concatenated
from varproof.network.architectures import padding_of
from varproof.network.calibration import log_odds
from varproof.network.data import network_arrays
from varproof.network.training import input_specification, load_model


class Predictor:
    """A trained network, ready to judge."""

    def __init__(self, model: keras.Model, card: ModelCard) -> None:
        """`model` takes tensors of `card.settings`."""
        self.model, self.card = model, card
        self._padding = padding_of(model)
        signature = input_specification(card.settings, self._padding)
        self._compute = tf.function(lambda inputs: model(inputs, training=False), input_signature=[signature])

    @classmethod
    def load(cls, path: Path) -> "Predictor":
        """From a `.keras` file; raises UserError where it is no model of varproof."""
        return cls(*load_model(path))

    def log_odds(self, batch: PackedTensors) -> np.ndarray:
        """Calibrated log-odds (n,) that each candidate is real; NaN for those without a tensor (`skipped`)."""
        odds = np.full(batch.size, np.nan)
        judged = np.flatnonzero(batch.skipped == "")
        if len(judged):
            part = batch if len(judged) == batch.size else batch.select(judged)
            odds[judged] = log_odds(self._compute(network_arrays(part, self._padding)).numpy())
        return odds

    def judged(
        self, chunks: Iterator[PackedTensors], batch_size: int, threads: int = 1
    ) -> Iterator[tuple[PackedTensors, np.ndarray]]:
        """(tensors, their log-odds) in order, in batches of `batch_size`, whatever the sizes of the chunks.

        Batches are computed side by side, each in one of `threads`, while the next are read: no number depends on `threads`.
        """
        batches = rebatched(chunks, batch_size)
        with ThreadPoolExecutor(threads) as pool:
            pending = deque((batch, pool.submit(self.log_odds, batch)) for batch in islice(batches, threads + 1))
            try:
                while pending:
                    batch, odds = pending.popleft()
                    found = odds.result()
                    pending.extend((batch, pool.submit(self.log_odds, batch)) for batch in islice(batches, 1))
                    yield batch, found
            finally:
                for _, odds in pending:
                    odds.cancel()


def rebatched(chunks: Iterator[PackedTensors], size: int) -> Iterator[PackedTensors]:
    """The same candidates in order, `size` at a time (the last batch may be smaller)."""
    waiting: list[PackedTensors] = []
    for chunk in chunks:
        waiting.append(chunk)
        while sum(part.size for part in waiting) >= size:
            joined = concatenated(waiting)
            yield joined.select(np.arange(size))
            rest = joined.select(np.arange(size, joined.size))
            waiting = [rest] if rest.size else []
    if waiting:
        yield concatenated(waiting)
