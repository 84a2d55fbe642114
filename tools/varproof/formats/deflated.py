"""Long tables of an HDF5 file, compressed by rows: chunks are deflated here and handed to HDF5 as they are.

HDF5's own gzip filter takes three to four times as long, to write and to read. What comes out is an ordinary chunked dataset
with that filter, which any HDF5 reader can read. Where there is no `isal`, zlib does the same.

Not by igzip's compressor of streams, which `isal_zlib` is: one in some 20,000 of its blocks depends on what the memory held
before.

HDF5 may be called by one thread at a time. h5py sees to that with one lock, which its functions for whole chunks take in some
versions only (h5py's pull request 2764: reading at once ends the process): they are called with the lock held. Inflating needs
none.
"""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

_compress: Callable[[bytes, int], bytes] = zlib.compress
_decompress: Callable[[bytes], bytes] = zlib.decompress
_errors: tuple[Any, ...] = (zlib.error, RuntimeError, ValueError)
try:
    from isal import igzip_lib, isal_zlib
except ImportError:  # there is none for this kind of processor
    pass
else:
    _decompress, _errors = isal_zlib.decompress, (*_errors, isal_zlib.IsalError)

    def _compress(content: bytes, level: int) -> bytes:
        packed: bytes = igzip_lib.compress(content, level, flag=igzip_lib.COMP_ZLIB, hist_bits=15)
        return packed


LEVEL = 1


class RowWriter:
    """Appends rows to a new dataset; `close` writes what is left."""

    def __init__(self, file: Any, name: str, kind: Any, shape: tuple[int, ...], chunk: int) -> None:
        """`file`: an `h5py.File` open for writing; rows of `kind` and `shape`, `chunk` of them deflated together."""
        from h5py._objects import phil

        self._lock = phil
        self._dataset = file.create_dataset(
            name,
            shape=(0, *shape),
            maxshape=(None, *shape),
            dtype=kind,
            chunks=(chunk, *shape),
            compression="gzip",
            compression_opts=LEVEL,
        )
        self._buffer = np.zeros((chunk, *shape), kind)
        self._filled = self._stored = 0

    @property
    def size(self) -> int:
        """Rows so far."""
        return self._stored + self._filled

    def append(self, values: np.ndarray) -> None:
        """Write the next rows."""
        done = 0
        while done < len(values):
            taken = min(len(self._buffer) - self._filled, len(values) - done)
            self._buffer[self._filled : self._filled + taken] = values[done : done + taken]
            self._filled += taken
            done += taken
            if self._filled == len(self._buffer):
                self._store()

    def _store(self) -> None:
        place = (self._stored, *(0 for _ in self._buffer.shape[1:]))
        if self.size > self._dataset.shape[0]:
            self._dataset.resize(2 * self.size, axis=0)  # each time would cost more than to write
        packed = _compress(self._buffer.tobytes(), LEVEL)
        with self._lock:
            self._dataset.id.write_direct_chunk(place, packed)
        self._stored, self._filled = self.size, 0

    def close(self) -> None:
        """Write the last chunk."""
        size = self.size
        if self._filled:
            self._buffer[self._filled :] = np.zeros((), self._buffer.dtype)
            self._store()
        self._dataset.resize(size, axis=0)


class RowReader:
    """Rows of a dataset that `RowWriter` wrote, by ranges; keeps the last chunk, as ranges often follow each other.

    Threads may read at once, beside others that use HDF5 by h5py.
    """

    def __init__(self, dataset: Any) -> None:
        """`dataset`: of a file that is open for reading, and is not written any more."""
        from h5py._objects import phil

        self._dataset, self._lock = dataset, phil
        self._size, self._kind = int(dataset.shape[0]), dataset.dtype
        self._chunk_shape: tuple[int, ...] = dataset.chunks
        # Number and rows are one value, so that no thread can see the number of one chunk with the rows of another.
        self._last = (-1, np.zeros((0, *dataset.shape[1:]), dataset.dtype))

    @property
    def size(self) -> int:
        """Number of rows."""
        return self._size

    def read(self, first: int, last: int) -> np.ndarray:
        """Rows first..last - 1. Raises OSError where the file is damaged."""
        chunk, *shape = self._chunk_shape
        out = np.empty((max(last - first, 0), *shape), self._kind)
        for number in range(first // chunk, -(-last // chunk) if last > first else 0):
            start = number * chunk
            low, high = max(first, start), min(last, start + chunk)
            out[low - first : high - first] = self._chunk(number)[low - start : high - start]
        return out

    def _chunk(self, number: int) -> np.ndarray:
        known, rows = self._last
        if known != number:
            place = (number * self._chunk_shape[0], *(0 for _ in self._chunk_shape[1:]))
            try:
                with self._lock:
                    _, packed = self._dataset.id.read_direct_chunk(place)
                rows = np.frombuffer(_decompress(packed), self._kind).reshape(self._chunk_shape)
            except _errors as error:
                raise OSError(f"{self._dataset.name}: {' '.join(str(error).split())}") from error
            self._last = (number, rows)
        return rows
