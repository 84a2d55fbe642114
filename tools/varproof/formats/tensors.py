"""tensors.h5: packed pileup tensors, one per candidate.

A track (tumour, normal, a context sample) is a pile of reads cut to a window around the candidate. Only rows that hold a read
are stored, candidate after candidate and track after track: track t of candidate i owns rows
`row_offset[i * tracks + t]:row_offset[i * tracks + t + 1]`, ordered by start of the read. `PackedTensors.dense` pads them to
the arrays that the network takes. Codes of planes, flags and columns are defined here once.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from varproof.formats.deflated import RowReader, RowWriter
from varproof.formats.hdf5 import damage_told, hdf5_output
from varproof.formats.tensor_settings import TensorSettings
from varproof.machinery.errors import DamagedFile, UserError

SCHEMA = "varproof/tensors/1"

NOTHING, BASE_A, BASE_C, BASE_G, BASE_T, BASE_N, DELETED = range(7)
"""Lowest three bits of the base plane, and of the reference (which has no DELETED; NOTHING is beyond the contig's end)."""
BASE_MASK = 7
INSERTION_FOLLOWS, SOFT_CLIPPED = 8, 16
"""Marks in the base plane: the read has an insertion between this base and the next; the base is soft-clipped."""

ROW_COLUMNS = (
    "mapq",
    "flags",
    "alt_mismatches",
    "ref_mismatches",
    "end_distance",
    "clipped",
    "edits",
    "insert_size",
)
"""What is stored per row, uint8 each; larger values are capped at 255.

mapq: mapping quality. flags: see below. alt_mismatches, ref_mismatches: mismatches of the read with the alternative and the
reference haplotype where they differ or beyond, read from the better anchor, or its edits, of a read that was realigned
(NOT_COMPARED if it does not tell).
end_distance: bases from the candidate to the nearer end of the read, soft clips included. clipped: soft-clipped bases.
edits: mismatches and indel operations of the alignment. insert_size: |TLEN| / 4, 0 if unknown.
"""
MAPQ, FLAGS, ALT_MISMATCHES, REF_MISMATCHES, END_DISTANCE, CLIPPED, EDITS, INSERT_SIZE = range(len(ROW_COLUMNS))
NOT_COMPARED = 255
INSERT_SIZE_UNIT = 4
LARGEST = 255
"""Where the columns of rows and alleles are capped."""

PRESENT, ROW_REVERSE, ROW_PAIRED, READ1_REVERSE, MATE_ABOVE, IMPROPER, SUPPORTS_ALT, SUPPORTS_REF = (1 << i for i in range(8))
"""Bits of a row's flags: it holds a read; reverse strand; one of a pair; read 1 of its pair is the reverse one (as seen from
this read: of a proper pair the other is the opposite); the other read of the fragment is an earlier row of the track; paired
but not properly; carries the alternative (the reference) allele."""

ALLELE_COLUMNS = ("type", "ref_length", "alt_length", "repeat_unit", "repeat_length", "ref_base", "alt_base")
"""What is stored per candidate, uint8 each, capped at 255.

type: index into `VariantType` (snv, mnv, insertion, deletion, replacement). Lengths of the trimmed alleles, bp. Unit and length
of the tandem repeat that the candidate lies in, bp (0: none). First base of the alleles of an SNV or MNV, coded as in the
planes, else 0.
"""
TYPE, REF_LENGTH, ALT_LENGTH, REPEAT_UNIT, REPEAT_LENGTH, REF_BASE, ALT_BASE = range(len(ALLELE_COLUMNS))
FIRST_INDEL_TYPE = 2
"""Codes of `type` from which the lengths of the alleles differ."""

NETWORK_INPUTS = ("base", "quality", "rows", "reference", "allele")
"""Arrays that the network takes, in `PackedTensors.dense`'s order."""

UNKNOWN_LABEL = -1


class TensorHeader(BaseModel, extra="forbid"):
    """Everything about a tensor file that is not per candidate, and what it takes to make it again."""

    settings: TensorSettings = Field(description="layout of all tensors of the file.")
    contigs: dict[str, int] = Field(description="name to length, bp, in order.")
    samples: list[str] = Field(description="samples that tracks show: `track_sample` points here.")
    patient: str = Field(description="whom the tumour belongs to, for splits without leakage.")
    provenance: str = Field("", description="version, options and digests of the inputs, as JSON.")


CANDIDATE_COLUMNS: dict[str, Any] = {
    "record": np.int64,
    "allele": np.int32,
    "contig": np.int32,
    "position": np.int64,
    "centre": np.int64,
    "label": np.int8,
}
TEXT_COLUMNS = ("ref", "alt", "skipped", "mutation_class")


@dataclass(frozen=True)
class PackedTensors:
    """n candidates with T tracks, W bases of window, R rows in all.

    Attributes
    ----------
    settings : TensorSettings
    record, allele : int64, int32 (n,)
        Number of the VCF record, and of the alternative allele in it.
    contig : int32 (n,)
        Index into the header's contigs.
    position : int64 (n,)
        Position of the record, 0-based. `ref`, `alt` are its alleles as written there.
    centre : int64 (n,)
        Reference position in the middle of the window.
    label : int8 (n,)
        1 real, 0 not, UNKNOWN_LABEL.
    ref, alt, skipped, mutation_class : object (n,)
        Text; `skipped` says why a candidate has no tensor (empty if it has); `mutation_class` as an annotator gave it.
    track_sample : int32 (n, T)
        Index into the header's samples; -1 where the candidate is skipped.
    reference : uint8 (n, W)
        Base codes of the window.
    allele_code : uint8 (n, len(ALLELE_COLUMNS))
    row_offset : int64 (n * T + 1,)
    base, quality : uint8 (R, W)
        Base plane with marks; base quality (0 where there is no base).
    rows : uint8 (R, len(ROW_COLUMNS))
    """

    settings: TensorSettings
    record: np.ndarray
    allele: np.ndarray
    contig: np.ndarray
    position: np.ndarray
    centre: np.ndarray
    label: np.ndarray
    ref: np.ndarray
    alt: np.ndarray
    skipped: np.ndarray
    mutation_class: np.ndarray
    track_sample: np.ndarray
    reference: np.ndarray
    allele_code: np.ndarray
    row_offset: np.ndarray
    base: np.ndarray
    quality: np.ndarray
    rows: np.ndarray

    @property
    def size(self) -> int:
        """Number of candidates."""
        return len(self.record)

    @property
    def tracks(self) -> int:
        """Number of tracks."""
        return len(self.settings.tracks)

    @property
    def depths(self) -> np.ndarray:
        """Rows of each candidate and track, int64 (n, T)."""
        return np.diff(self.row_offset).reshape(self.size, self.tracks)

    def select(self, wanted: np.ndarray) -> "PackedTensors":
        """The candidates `wanted` (indices), in that order."""
        starts = self.row_offset[:-1].reshape(self.size, self.tracks)[wanted].ravel()
        lengths = self.depths[wanted].ravel()
        offset = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        source = np.arange(offset[-1]) + np.repeat(starts - offset[:-1], lengths)
        per_candidate = (*CANDIDATE_COLUMNS, *TEXT_COLUMNS, "track_sample", "reference", "allele_code")
        return PackedTensors(
            settings=self.settings,
            row_offset=offset,
            base=self.base[source],
            quality=self.quality[source],
            rows=self.rows[source],
            **{name: getattr(self, name)[wanted] for name in per_candidate},
        )

    def dense(self, depth: int | None = None) -> dict[str, np.ndarray]:
        """The arrays of NETWORK_INPUTS, padded to `depth` rows (the settings' by default), which must hold the deepest track.

        base, quality: uint8 (n, T, depth, W); rows: uint8 (n, T, depth, len(ROW_COLUMNS)); reference: uint8 (n, W);
        allele: uint8 (n, len(ALLELE_COLUMNS)).
        """
        depth = self.settings.depth if depth is None else depth
        lengths = np.diff(self.row_offset)
        first = np.arange(len(lengths)) * depth
        target = np.arange(self.row_offset[-1]) + np.repeat(first - self.row_offset[:-1], lengths)
        shape = (self.size, self.tracks, depth)
        dense = {}
        for name in ("base", "quality", "rows"):
            values = getattr(self, name)
            padded = np.zeros((len(lengths) * depth, values.shape[1]), np.uint8)
            padded[target] = values
            dense[name] = padded.reshape(*shape, values.shape[1])
        return {**dense, "reference": self.reference, "allele": self.allele_code}


def concatenated(parts: list[PackedTensors]) -> PackedTensors:
    """Tensors of consecutive chunks (at least one) as one; all of one layout."""
    starts = np.cumsum([0] + [part.row_offset[-1] for part in parts])
    offset = np.concatenate([[0]] + [part.row_offset[1:] + start for part, start in zip(parts, starts[:-1], strict=True)])
    names = (*CANDIDATE_COLUMNS, *TEXT_COLUMNS, "track_sample", "reference", "allele_code", "base", "quality", "rows")
    return PackedTensors(
        settings=parts[0].settings,
        row_offset=offset.astype(np.int64),
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in names},
    )


_ROW_CHUNK, _CANDIDATE_CHUNK, _TEXT_CHUNK = 2048, 256, 1 << 15
_ROW_TABLES = ("base", "quality", "rows")
_FIXED_COLUMNS = (*CANDIDATE_COLUMNS, "track_sample", "reference", "allele_code")


def _candidate_type(settings: TensorSettings) -> np.dtype:
    """One row of the dataset "candidates": what is known of a candidate, and where its rows and its text end."""
    tracks = len(settings.tracks)
    return np.dtype(
        [
            *CANDIDATE_COLUMNS.items(),
            ("track_sample", np.int32, (tracks,)),
            ("reference", np.uint8, (settings.window,)),
            ("allele_code", np.uint8, (len(ALLELE_COLUMNS),)),
            ("row_end", np.int64, (tracks,)),
            ("text_end", np.int64),
        ]
    )


class TensorWriter:
    """Appends chunks of `PackedTensors` to an open HDF5 file.

    Datasets: "candidates", one compound row each; "text", their TEXT_COLUMNS, separated by tabs and ended by newlines; and
    "base", "quality" and "rows" as in `PackedTensors`.
    """

    def __init__(self, file: Any, header: TensorHeader, check: Callable[[], None]) -> None:
        """`file`: an `h5py.File` open for writing; `check` raises if something could not be written."""
        self._check, self._type = check, _candidate_type(header.settings)
        self._candidates = RowWriter(file, "candidates", self._type, (), _CANDIDATE_CHUNK)
        self._text = RowWriter(file, "text", np.uint8, (), _TEXT_CHUNK)
        window = header.settings.window
        widths = {"base": window, "quality": window, "rows": len(ROW_COLUMNS)}
        self._rows = {name: RowWriter(file, name, np.uint8, (widths[name],), _ROW_CHUNK) for name in _ROW_TABLES}

    def append(self, part: PackedTensors) -> None:
        """Write the tensors of the next candidates."""
        lines = ["\t".join(fields) + "\n" for fields in zip(*(getattr(part, name) for name in TEXT_COLUMNS), strict=True)]
        encoded = [line.encode() for line in lines]
        candidates = np.zeros(part.size, self._type)
        for name in _FIXED_COLUMNS:
            candidates[name] = getattr(part, name)
        candidates["row_end"] = part.row_offset[1:].reshape(part.size, part.tracks) + self._rows["base"].size
        candidates["text_end"] = np.cumsum([len(line) for line in encoded], dtype=np.int64) + self._text.size
        self._candidates.append(candidates)
        self._text.append(np.frombuffer(b"".join(encoded), np.uint8))
        for name, writer in self._rows.items():
            writer.append(getattr(part, name))
        self._check()

    def close(self) -> None:
        """Write what is left."""
        for writer in (self._candidates, self._text, *self._rows.values()):
            writer.close()


@contextlib.contextmanager
def tensor_writer(path: Path, header: TensorHeader) -> Iterator[TensorWriter]:
    """A writer whose file appears at `path` complete or not at all; raises OSError where the disk is full."""
    attributes = {"schema": SCHEMA, "header": header.model_dump_json()}
    with hdf5_output(path, attributes) as (file, check):
        writer = TensorWriter(file, header, check)
        yield writer
        writer.close()


class TensorReader:
    """Random access to a tensor file by ranges of candidates, by any number of threads; a context manager."""

    def __init__(self, path: Path, expected: str = SCHEMA, made_with: str = "tensorise") -> None:
        """Raises UserError unless `path` is a complete tensor file of the expected schema."""
        import h5py

        self.path, self._made_with = path, made_with
        with contextlib.ExitStack() as opened, damage_told(path, made_with):
            self._file = opened.enter_context(h5py.File(path, "r"))
            schema = self._file.attrs.get("schema")
            if str(schema) != expected:
                raise UserError(f"{path}: schema is {schema!r}, not {expected!r}; make it with this version of {made_with}")
            self.header = TensorHeader.model_validate_json(self._file.attrs["header"])
            self._open_tables(path)
            opened.pop_all()

    def _open_tables(self, path: Path) -> None:
        window = self.header.settings.window
        expected: dict[str, tuple[Any, tuple[int, ...]]] = {
            "candidates": (_candidate_type(self.header.settings), ()),
            "text": (np.dtype(np.uint8), ()),
            "base": (np.dtype(np.uint8), (window,)),
            "quality": (np.dtype(np.uint8), (window,)),
            "rows": (np.dtype(np.uint8), (len(ROW_COLUMNS),)),
        }
        for name, (kind, shape) in expected.items():
            found = self._file[name]
            if found.dtype != kind or found.shape[1:] != shape or not found.chunks:
                raise DamagedFile(f"{path}: damaged tensor file ({name} is {found.dtype} {found.shape}); make it again")
        self._tables = {name: RowReader(self._file[name]) for name in expected}
        if self.size:
            last = self._tables["candidates"].read(self.size - 1, self.size)[0]
            ends = {"text": int(last["text_end"])} | {name: int(last["row_end"][-1]) for name in _ROW_TABLES}
            for name, end in ends.items():
                if self._tables[name].size != end:
                    raise DamagedFile(
                        f"{path}: damaged tensor file ({name} has {self._tables[name].size} rows, not {end}); make it again"
                    )

    def __enter__(self) -> "TensorReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        """Number of candidates."""
        return self._tables["candidates"].size

    @property
    def settings(self) -> TensorSettings:
        """Layout of the tensors."""
        return self.header.settings

    def column(self, name: str) -> np.ndarray:
        """One of CANDIDATE_COLUMNS, TEXT_COLUMNS (as str objects), "allele_code" or "track_sample" for all candidates."""
        if name in TEXT_COLUMNS:
            with damage_told(self.path, self._made_with):
                return self._text(0, int(self._field("text_end")[-1]) if self.size else 0)[name]
        return self._field(name)

    def depths(self) -> np.ndarray:
        """Rows of each candidate and track, int64 (n, T)."""
        ends = self._field("row_end")
        return np.diff(ends.ravel(), prepend=0).reshape(ends.shape)

    def _field(self, name: str) -> np.ndarray:
        table, step = self._tables["candidates"], _CANDIDATE_CHUNK
        parts = []
        for start in range(0, max(self.size, 1), step):
            with damage_told(self.path, self._made_with):
                parts.append(table.read(start, min(start + step, self.size))[name].copy())
        return np.concatenate(parts)

    def _text(self, first: int, last: int) -> dict[str, np.ndarray]:
        text = self._tables["text"].read(first, last).tobytes().decode()
        columns = zip(*(line.split("\t") for line in text.split("\n")[:-1]), strict=True) if text else ((),) * len(TEXT_COLUMNS)
        return {name: np.array(values, object) for name, values in zip(TEXT_COLUMNS, columns, strict=True)}

    def read(self, start: int, end: int) -> PackedTensors:
        """Tensors of candidates start..end - 1. Raises UserError where the file is damaged."""
        end = min(end, self.size)
        before = 1 if start else 0
        with damage_told(self.path, self._made_with):
            candidates = self._tables["candidates"].read(start - before, end)
            first_row, first_text = (0, 0)
            if before:
                first_row, first_text = int(candidates["row_end"][0, -1]), int(candidates["text_end"][0])
            candidates = candidates[before:]
            offset = np.concatenate([[first_row], candidates["row_end"].ravel()]).astype(np.int64)
            if np.any(np.diff(offset) < 0) or np.any(np.diff(offset) > self.settings.depth):
                raise ValueError("row_end")
            return PackedTensors(
                settings=self.settings,
                row_offset=offset - first_row,
                **{name: np.ascontiguousarray(candidates[name]) for name in _FIXED_COLUMNS},
                **self._text(first_text, int(candidates["text_end"][-1]) if len(candidates) else first_text),
                **{name: self._tables[name].read(first_row, int(offset[-1])) for name in _ROW_TABLES},
            )

    def batches(self, size: int) -> Iterator[PackedTensors]:
        """All candidates in order, `size` at a time."""
        for start in range(0, self.size, size):
            yield self.read(start, min(start + size, self.size))
