"""Tensor files -> batches, streamed: what training and prediction read, in an order that depends on the seed alone.

Several files of one layout count as one list of candidates. Shuffling is by blocks of consecutive candidates, a few blocks
mixed at a time, so that memory is bounded by `MIXED_BLOCKS` blocks whatever the size of the files, and a compressed chunk on
disk is read about once per pass.
"""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np

from varproof.formats.tensor_settings import TensorSettings
from varproof.formats.tensors import (
    CANDIDATE_COLUMNS,
    TEXT_COLUMNS,
    PackedTensors,
    TensorReader,
    concatenated,
)
from varproof.machinery.errors import UserError

BLOCK = 128
"""Consecutive candidates that are read at once."""

MIXED_BLOCKS = 8
"""Blocks among which candidates are shuffled."""

KEPT_BYTES = 512 << 20
"""Blocks stay in memory, inflated, until this is full; what is beyond is read anew in every pass."""

_DEPTH_STEP = 16


class TensorSource:
    """Candidates of several tensor files, numbered from 0 in the order of the files; a context manager.

    Threads may read at once. Raises UserError where files differ in layout, or where one is given twice.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._readers: list[TensorReader] = []
        self._failure: Exception | None = None
        self._kept: dict[tuple[int, int], PackedTensors] = {}
        self._kept_bytes = 0
        self._keeping = threading.Lock()
        seen: set[Path] = set()
        try:
            for path in paths:
                if path.resolve() in seen:
                    raise UserError(f"{path} is given twice; its candidates would be trained on and tested on")
                seen.add(path.resolve())
                self._readers.append(TensorReader(path))
            first = self._readers[0]
            for reader in self._readers[1:]:
                if reader.settings != first.settings:
                    raise UserError(
                        f"{reader.path} has {reader.settings.describe()}, but {first.path} has {first.settings.describe()}; "
                        "tensors of one training must be made alike"
                    )
        except UserError:
            self.close()
            raise
        self._starts = np.cumsum([0] + [reader.size for reader in self._readers])

    def __enter__(self) -> "TensorSource":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        for reader in self._readers:
            reader.__exit__()

    @property
    def settings(self) -> TensorSettings:
        """Layout of the tensors."""
        return self._readers[0].settings

    @property
    def size(self) -> int:
        """Number of candidates in all files."""
        return int(self._starts[-1])

    @property
    def readers(self) -> list[TensorReader]:
        """The files, open."""
        return self._readers

    def column(self, name: str) -> np.ndarray:
        """A column of `PackedTensors` that has one value per candidate, of all files."""
        if name not in (*CANDIDATE_COLUMNS, *TEXT_COLUMNS, "allele_code"):
            raise KeyError(name)
        return np.concatenate([reader.column(name) for reader in self._readers])

    def contig_names(self) -> np.ndarray:
        """Name of each candidate's contig (n,), for splits by chromosome."""
        names = [np.array(list(reader.header.contigs), object)[reader.column("contig")] for reader in self._readers]
        return np.concatenate(names)

    def patients(self) -> np.ndarray:
        """Patient of each candidate (n,), for splits by patient."""
        return np.concatenate([np.full(reader.size, reader.header.patient, object) for reader in self._readers])

    def file_and_row(self, index: int) -> tuple[int, int]:
        """(number of the file, candidate in it)."""
        number = int(np.searchsorted(self._starts, index, "right")) - 1
        return number, index - int(self._starts[number])

    def read(self, indices: np.ndarray) -> PackedTensors:
        """Tensors of the candidates `indices` (ascending), reading the blocks that hold them."""
        try:
            return self._read(indices)
        except Exception as error:
            self._failure = error
            raise

    @contextlib.contextmanager
    def own_errors(self) -> Iterator[None]:
        """Reading inside TensorFlow fails with an error of TensorFlow's: this raises the one that `read` met."""
        self._failure = None
        try:
            yield
        except Exception as error:
            if self._failure is not None and self._failure is not error:
                raise self._failure from None
            raise

    def _read(self, indices: np.ndarray) -> PackedTensors:
        parts = []
        for number, reader in enumerate(self._readers):
            local = indices[(indices >= self._starts[number]) & (indices < self._starts[number + 1])] - self._starts[number]
            for block in np.unique(local // BLOCK).tolist():
                start, end = block * BLOCK, min((block + 1) * BLOCK, reader.size)
                inside = local[(local >= start) & (local < end)]
                part = self._block(number, start, end)
                parts.append(part if len(inside) == end - start else part.select(inside - start))
        return concatenated(parts)

    def _block(self, number: int, start: int, end: int) -> PackedTensors:
        known = self._kept.get((number, start))
        if known is None:
            known = self._readers[number].read(start, end)
            size = known.base.nbytes + known.quality.nbytes + known.rows.nbytes
            with self._keeping:  # two threads may have read the same block, which counts once
                if (number, start) not in self._kept and self._kept_bytes + size <= KEPT_BYTES:
                    self._kept[number, start] = known
                    self._kept_bytes += size
        return known


def in_blocks(indices: np.ndarray) -> list[np.ndarray]:
    """`indices` (ascending) cut where blocks begin."""
    return np.split(indices, np.flatnonzero(np.diff(indices // BLOCK)) + 1) if len(indices) else []


def training_batches(
    source: TensorSource, indices: np.ndarray, batch_size: int, rng: np.random.Generator
) -> Iterator[PackedTensors]:
    """One pass over `indices` (ascending) in random order; the last batch may be smaller.

    Batches may mix candidates of several groups of blocks, so that all but the last are full.
    """
    blocks = in_blocks(indices)
    order = rng.permutation(len(blocks))
    rest: PackedTensors | None = None
    for first in range(0, len(order), MIXED_BLOCKS):
        chosen = np.sort(np.concatenate([blocks[i] for i in order[first : first + MIXED_BLOCKS]]))
        mixed = source.read(chosen)
        mixed = mixed.select(rng.permutation(mixed.size))
        if rest is not None:
            mixed = concatenated([rest, mixed])
        whole = mixed.size - mixed.size % batch_size
        for start in range(0, whole, batch_size):
            yield mixed.select(np.arange(start, start + batch_size))
        rest = mixed.select(np.arange(whole, mixed.size)) if whole < mixed.size else None
    if rest is not None:
        yield rest


def ordered_batches(source: TensorSource, indices: np.ndarray, batch_size: int) -> Iterator[PackedTensors]:
    """`indices` (ascending) in order, `batch_size` at a time."""
    for start in range(0, len(indices), batch_size):
        yield source.read(indices[start : start + batch_size])


Padding = Literal["whole", "free", "pooled"]
"""Rows below the reads of a batch: all of the settings' depth; any number, which changes nothing; or as in `pooled_rows`."""


def network_arrays(batch: PackedTensors, padding: Padding) -> dict[str, np.ndarray]:
    """What the network takes, padded to the settings' depth, or to little more than the batch needs."""
    depth, deepest = batch.settings.depth, int(batch.depths.max(initial=1))
    if padding == "whole":
        return batch.dense()
    if padding == "pooled":
        return batch.dense(pooled_rows(depth, deepest))
    return batch.dense(min(depth, -(-max(deepest, 1) // _DEPTH_STEP) * _DEPTH_STEP))


ROUNDS, REACH = 3, 3
"""Of convolution and pooling in the paper's network, and how many rows either takes together."""

_PERIOD = REACH * REACH * REACH


def rows_after(rows: int) -> tuple[int, int]:
    """(rows that are left of `rows` after all rounds, the first of `rows` that the last of them sees); at least 27."""
    pads = []
    for _ in range(ROUNDS):
        rows -= REACH - 1
        pads.append((-rows % REACH) // 2)
        rows = -(-rows // REACH)
    first = rows - 1
    for pad in reversed(pads):
        first = max(first * REACH - pad, 0)
    return rows, first


def pooled_rows(depth: int, deepest: int) -> int:
    """The fewest rows that tell the paper's network the same as `depth`, where no track has more than `deepest` reads.

    What lies below the reads is zero, so from some row on all rows that convolution and pooling make are equal: they need to be
    made once. 27 rows less are one row less after three rounds, and shift no border of pooling.
    """
    rows = depth
    while rows - _PERIOD >= _PERIOD and rows_after(rows - _PERIOD)[1] >= deepest:
        rows -= _PERIOD
    return rows
