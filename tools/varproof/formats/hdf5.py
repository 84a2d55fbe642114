"""HDF5 files that appear complete or not at all, with errors that name the output: what evidence.h5 and tensors.h5 share."""

import contextlib
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from varproof.machinery.errors import UserError
from varproof.machinery.output import complete_or_absent


class _Target(io.FileIO):
    """A file for HDF5 to write to that keeps the first failure (a full disk) for `check`.

    HDF5 itself would report it late, and once more, with a traceback, for every object that it can't close afterwards.
    """

    def __init__(self, path: Path, shown: Path) -> None:
        super().__init__(path, "w+")
        self._shown = shown
        self._failure: OSError | None = None

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while len(left):
                left = left[super().write(left) :]
        except OSError as error:
            self._failure = self._failure or error
        return size

    def check(self) -> None:
        """Raise the first failure, with the name of the output."""
        if self._failure is not None:
            raise OSError(self._failure.errno, self._failure.strerror, str(self._shown)) from self._failure


@contextlib.contextmanager
def hdf5_output(path: Path, attributes: Mapping[str, Any]) -> Iterator[tuple[Any, Callable[[], None]]]:
    """(an `h5py.File` with `attributes`, a function that raises OSError if something could not be written).

    The file appears at `path` complete or not at all; raises OSError where the disk is full.
    """
    import h5py

    with complete_or_absent(path) as temporary, _Target(temporary, path) as target:
        try:
            with h5py.File(target, "w", track_order=False) as file:
                for name, value in attributes.items():
                    file.attrs[name] = value
                yield file, target.check
        finally:
            target.check()


def append_rows(dataset: Any, values: np.ndarray) -> None:
    """Append along the first axis of a resizable dataset."""
    size = dataset.shape[0]
    dataset.resize(size + len(values), axis=0)
    dataset[size:] = values


@contextlib.contextmanager
def damage_told(path: Path, made_with: str) -> Iterator[None]:
    """Turn what h5py raises on a damaged file into UserError that names the file and what makes it."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        text = " ".join(str(error).split())
        what = f"not a readable HDF5 file, or cut off or damaged ({text})" if path.exists() else "no such file"
        raise UserError(f"{path}: {what}; make it with {made_with}") from error


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5, told by its content."""
    import h5py

    return bool(path.is_file() and h5py.is_hdf5(path))
