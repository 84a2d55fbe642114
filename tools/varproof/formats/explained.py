"""explained.h5 of predict --explain: what the network looked at, base by base, and the reads it was shown.

A tensor file (`varproof.formats.tensors`) of the explained candidates, with another schema and one more dataset:
"contribution", float32 (R, W), beside "base", what each base of each row adds to the log-odds of being real. Rows are those
that the network saw; they hold no read names, and are told by what they hold.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from varproof.formats.deflated import RowReader, RowWriter
from varproof.formats.hdf5 import damage_told, hdf5_output
from varproof.formats.tensors import PackedTensors, TensorHeader, TensorReader, TensorWriter
from varproof.machinery.errors import DamagedFile, UserError

SCHEMA = "varproof/explained/1"
FILE_NAME = "explained.h5"
"""Name of the file in the folder of predict --explain."""
_MADE_WITH = "predict --explain"
_CONTRIBUTION, _ROW_CHUNK = "contribution", 256

Place = tuple[str, int, str, str]
"""A candidate: contig, 0-based position of its record, REF, ALT as written there."""


class ExplainedWriter:
    """Appends candidates with their contributions."""

    def __init__(self, tensors: TensorWriter, contribution: RowWriter, window: int) -> None:
        self._tensors, self._contribution, self._window = tensors, contribution, window

    def append(self, tensors: PackedTensors, importance: Sequence[np.ndarray]) -> None:
        """One candidate; importance: of each track float (rows of the track, W)."""
        self._contribution.append(np.concatenate([np.zeros((0, self._window)), *importance]).astype(np.float32))
        self._tensors.append(tensors)


@contextlib.contextmanager
def explained_writer(path: Path, header: TensorHeader) -> Iterator[ExplainedWriter]:
    """A writer whose file appears at `path` complete or not at all; raises OSError where the disk is full."""
    with hdf5_output(path, {"schema": SCHEMA, "header": header.model_dump_json()}) as (file, check):
        window = header.settings.window
        contribution = RowWriter(file, _CONTRIBUTION, np.float32, (window,), _ROW_CHUNK)
        tensors = TensorWriter(file, header, check)
        yield ExplainedWriter(tensors, contribution, window)
        tensors.close()
        contribution.close()


class ExplainedReader(TensorReader):
    """The explained candidates by their places; a context manager."""

    def __enter__(self) -> "ExplainedReader":
        return self

    def __init__(self, path: Path) -> None:
        """`path`: the file, or the folder of predict --explain. Raises UserError unless it is a complete one of this schema."""
        super().__init__(path / FILE_NAME if path.is_dir() else path, SCHEMA, _MADE_WITH)
        with contextlib.ExitStack() as opened, damage_told(self.path, _MADE_WITH):
            opened.callback(self._file.close)
            self._contribution = self._contributions()
            contigs = dict(enumerate(self.header.contigs))
            columns = (self.column(name).tolist() for name in ("contig", "position", "ref", "alt"))
            self.places: dict[Place, int] = {
                (contigs[contig], position, ref, alt): number
                for number, (contig, position, ref, alt) in enumerate(zip(*columns, strict=True))
            }
            opened.pop_all()

    def _contributions(self) -> RowReader:
        found, expected = self._file[_CONTRIBUTION], (self._tables["base"].size, self.settings.window)
        if found.dtype != np.float32 or found.shape != expected or not found.chunks:
            raise DamagedFile(f"{self.path}: damaged ({_CONTRIBUTION} is {found.dtype} {found.shape}); make it again")
        return RowReader(found)

    def explained(self, number: int) -> tuple[PackedTensors, list[np.ndarray]]:
        """Candidate `number`, and what its bases contribute: of each track float32 (rows of the track, W).

        Raises UserError where the file is damaged.
        """
        tensors = self.read(number, number + 1)
        with damage_told(self.path, _MADE_WITH):
            first = int(self.depths()[:number].sum())
            found = self._contribution.read(first, first + len(tensors.base))
            if not np.isfinite(found).all():
                raise UserError(f"{self.path}: damaged (a contribution is no number); make it again")
            return tensors, [found[low:high] for low, high in zip(tensors.row_offset, tensors.row_offset[1:], strict=False)]
