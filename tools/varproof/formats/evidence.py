"""evidence.h5: for each candidate the fragments of one sample that speak for or against it.

Observations are stored flat, candidate i owning `offset[i]:offset[i + 1]`; identical observations of one candidate are
one row with a count. Chunked and compressed HDF5, appended to chunk by chunk, so that memory does not grow with the file.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.hdf5 import append_rows, damage_told, hdf5_output
from varproof.machinery.errors import DamagedFile, OtherFormat, UserError

SCHEMA = "varproof/evidence/4"

EARLIER_SCHEMAS = ("varproof/evidence/1", "varproof/evidence/2", "varproof/evidence/3")

COVERED_BASES = "covered_bases"
"""Attribute, decimal: bases of the reference that the reads cover, wherever candidates are; empty where unknown."""

SAMPLE_NAMES = "sample_names"
"""Attribute, JSON: samples (SM) of the reads' read groups, and the name of their file without suffix."""

DECISIONS = "decisions"
"""Attribute, JSON: the model decisions that the evidence was made under; empty in files of earlier versions."""

REPEATS = "repeats"
"""Attribute: digest of the measurement of repeats behind the evidence, equal where samples share one; empty if unknown."""

OBSERVATION_COLUMNS = {
    "log_ratio": np.float32,
    "mapq": np.uint8,
    "strand": np.uint8,
    "orientation": np.uint8,
    "log_error_ratio": np.float32,
    "read_context": np.uint8,
    "count": np.uint32,
}
LINK_COLUMNS = {"link_key": np.uint64, "link_both": np.uint32, "link_first": np.uint32, "link_second": np.uint32}
"""Stored flat as observations are: candidate i owns link_offset[i]:link_offset[i + 1]."""

RAGGED: dict[str, dict[str, Any]] = {"offset": OBSERVATION_COLUMNS, "link_offset": LINK_COLUMNS}
"""Offsets, and the columns whose rows they share out among candidates."""

WRITTEN_TOGETHER = 4096
"""Candidates from which on they are written: each writing of a column costs as much as compressing some thousand values."""

READ_CONTEXTS = 30
"""Values that `read_context` can take."""

CANDIDATE_COLUMNS = {
    "key": np.uint64,
    "haplotype": np.uint64,
    "joined": np.uint8,
    "judged": np.uint8,
    "sampling_ratio": np.float32,
    "slip_forward": np.float32,
    "slip_back": np.float32,
    "depth": np.uint32,
    "used": np.uint32,
    "usable": np.uint32,
    "reference_count": np.uint32,
    "alternative_count": np.uint32,
    "other_count": np.uint32,
    "support": np.uint32,
    "error_quality": np.float32,
    "error_end": np.float32,
    "error_mismatches": np.float32,
    "error_mapping": np.float32,
    "same_place": np.float32,
}
COUNT_COLUMNS = ("depth", "used", "usable", "reference_count", "alternative_count", "other_count", "support")
"""Columns of candidates that count fragments."""
SIGNATURE_COLUMNS = ("error_quality", "error_end", "error_mismatches", "error_mapping")
"""Columns of candidates that tell how like errors the supporting bases look, feature by feature."""

VALUE_RANGES = {
    "joined": (0, 1),
    "judged": (0, 1),
    "sampling_ratio": (1e-6, 1e6),
    "slip_forward": (0, 1),
    "slip_back": (0, 1),
    "log_ratio": (-1e30, 1e30),
    "strand": (0, 3),
    "orientation": (0, 2),
    "log_error_ratio": (-50, 50),
    "read_context": (0, READ_CONTEXTS - 1),
    "count": (1, 10_000_000),
    **dict.fromkeys(("link_both", "link_first", "link_second"), (0, 2**31 - 1)),
    **dict.fromkeys(COUNT_COLUMNS, (0, 2**31 - 1)),
    **dict.fromkeys((*SIGNATURE_COLUMNS, "same_place"), (-1e9, 1e9)),
}
"""Values that a sound file may hold, both ends included; NaN is in none of these."""


def _in_file(name: str) -> str:
    """The data set of a column: read contexts stand under the name that files have always had."""
    return "company" if name == "read_context" else name


@dataclass(frozen=True)
class Evidence:
    """Evidence of one sample for n candidates with o observation rows.

    Attributes
    ----------
    key : uint64 (n,)
        Identity of the candidate (contig, position, alleles), to match two samples.
    haplotype : uint64 (n,)
        Identity of the sequence that it makes, however it is written: its key once it is left-aligned.
    joined : uint8 (n,)
        1 where the candidate is no allele of the list, but what listed ones make together, or a base of a listed MNV (see
        `variants.joined`).
    judged : uint8 (n,)
        0 where there is no reference sequence to compare with, or the record is of a kind that can't be judged.
    sampling_ratio : float32 (n,)
        Expected informative fragments per copy of the alternative haplotype, relative to the reference haplotype (tau).
    slip_forward, slip_back : float32 (n,)
        Probability that a fragment of the reference (alternative) haplotype reads like the other by polymerase slippage.
    depth : uint32 (n,)
        Fragments whose reads overlap the candidate, all of them: before any limit of depth.
    used : uint32 (n,)
        Those of them that stayed under the limit of depth; only these have observations.
    usable : uint32 (n,)
        Those of `used` that are mapped somewhere for certain (mapping quality above 0), and fragments that speak by their
        length alone: 0 where nothing can be known.
    reference_count, alternative_count : uint32 (n,)
        Fragments of mapping quality above 0 whose reads overlap the candidate and clearly show this allele (see
        `evidence.counting`); where depth was limited, scaled up from `used` to `depth`.
    other_count : uint32 (n,)
        Likewise fragments that clearly show another allele of this place, neither of these.
    support : uint32 (n,)
        Those of `used` with mapping quality above 0 that are clearly likelier under the alternative, whatever else they carry;
        where `joined`, that show all of it.
    error_quality, error_end, error_mismatches, error_mapping : float32 (n,)
        ln P(feature | error) / P(feature), added up over the fragments whose reads support the alternative, of base quality,
        distance to the read's end, mismatches elsewhere in the read, and mapping quality and clips together.
    same_place : float32 (n,)
        Of the places in their reads of the fragments that support the alternative: ln P(places | an artefact that has one
        place, whichever) - ln P(places | as of the reference's fragments), more where the allele is the middle of an inverted
        repeat in reverse. 0 where nothing supports it, far below 0 where the allele changes the length, so that places can't
        be compared.
    offset : int64 (n + 1,)
        Rows of candidate i: offset[i]:offset[i + 1].
    log_ratio : float32 (o,)
        ln P(fragment | alternative) - ln P(fragment | reference), insert size included.
    mapq : uint8 (o,)
        PHRED of the probability that the fragment does not belong here.
    strand : uint8 (o,)
        1 seen on the forward strand, 2 reverse, 3 both, 0 neither (insert size only).
    orientation : uint8 (o,)
        0 if read 1 is the forward read, 1 if read 2 is, 2 unknown.
    log_error_ratio : float32 (o,)
        ln P(features | error) / P(features) of the base that was read.
    read_context : uint8 (o,)
        Of a fragment that supports the alternative, how its read looks otherwise: 6 * bin of its other mismatches + 3 * (1 if
        clipped) + bin of its mapping quality (bins of `reads.error_features`); 0 for other fragments.
    count : uint32 (o,)
        Fragments with exactly these values.
    link_offset : int64 (n + 1,)
        Links of candidate i: link_offset[i]:link_offset[i + 1].
    link_key : uint64 (l,)
        Key of another candidate that fragments of candidate i reach as well; each pair is stored once, with the left one of it.
    link_both, link_first, link_second : uint32 (l,)
        Of the fragments that clearly show an allele of each: those that carry the alternatives of both, of candidate i only,
        and of the other only.
    """

    key: np.ndarray
    haplotype: np.ndarray
    joined: np.ndarray
    judged: np.ndarray
    sampling_ratio: np.ndarray
    slip_forward: np.ndarray
    slip_back: np.ndarray
    depth: np.ndarray
    used: np.ndarray
    usable: np.ndarray
    reference_count: np.ndarray
    alternative_count: np.ndarray
    other_count: np.ndarray
    support: np.ndarray
    error_quality: np.ndarray
    error_end: np.ndarray
    error_mismatches: np.ndarray
    error_mapping: np.ndarray
    same_place: np.ndarray
    offset: np.ndarray
    log_ratio: np.ndarray
    mapq: np.ndarray
    strand: np.ndarray
    orientation: np.ndarray
    log_error_ratio: np.ndarray
    read_context: np.ndarray
    count: np.ndarray
    link_offset: np.ndarray
    link_key: np.ndarray
    link_both: np.ndarray
    link_first: np.ndarray
    link_second: np.ndarray

    @property
    def size(self) -> int:
        """Number of candidates."""
        return len(self.key)

    def rows(self, wanted: np.ndarray) -> "Evidence":
        """Evidence of the candidates `wanted` (indices), in that order."""
        columns = {name: getattr(self, name)[wanted] for name in CANDIDATE_COLUMNS}
        for name, members in RAGGED.items():
            own = getattr(self, name)
            lengths = (own[1:] - own[:-1])[wanted]
            offset = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
            source = np.arange(offset[-1]) + np.repeat(own[wanted] - offset[:-1], lengths)
            columns |= {name: offset, **{member: getattr(self, member)[source] for member in members}}
        return Evidence(**columns)


def concatenated(parts: list[Evidence]) -> Evidence:
    """Evidence of consecutive chunks as one."""
    if not parts:
        return empty_evidence(np.zeros(0, np.uint64))
    columns = {item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Evidence)}
    for name in RAGGED:
        offsets = [getattr(part, name) for part in parts]
        starts = np.cumsum([0] + [offset[-1] for offset in offsets[:-1]])
        moved = [offset[1:] + start for offset, start in zip(offsets, starts, strict=True)]
        columns[name] = np.concatenate([[0], *moved]).astype(np.int64)
    return Evidence(**columns)


def no_links(size: int) -> dict[str, np.ndarray]:
    """The columns of links of `size` candidates that have none."""
    return {"link_offset": np.zeros(size + 1, np.int64), **{name: np.zeros(0, kind) for name, kind in LINK_COLUMNS.items()}}


def empty_evidence(keys: np.ndarray, joined: np.ndarray | None = None) -> Evidence:
    """Evidence of candidates that can't be judged; `joined` as in `Evidence`, None: none of them."""
    n = len(keys)
    return Evidence(
        key=keys.astype(np.uint64),
        haplotype=keys.astype(np.uint64),
        joined=np.zeros(n, np.uint8) if joined is None else joined.astype(np.uint8),
        judged=np.zeros(n, np.uint8),
        sampling_ratio=np.ones(n, np.float32),
        slip_forward=np.zeros(n, np.float32),
        slip_back=np.zeros(n, np.float32),
        **{name: np.zeros(n, np.uint32) for name in COUNT_COLUMNS},
        **{name: np.zeros(n, np.float32) for name in SIGNATURE_COLUMNS},
        same_place=np.zeros(n, np.float32),
        offset=np.zeros(n + 1, np.int64),
        **{name: np.zeros(0, kind) for name, kind in OBSERVATION_COLUMNS.items()},
        **no_links(n),
    )


_KINDS = {**CANDIDATE_COLUMNS, **OBSERVATION_COLUMNS, **LINK_COLUMNS, **dict.fromkeys(RAGGED, np.int64)}
"""Every data set of a file with its type."""


class EvidenceWriter:
    """Appends chunks of `Evidence` to an open HDF5 file."""

    def __init__(self, file: Any, check: Callable[[], None]) -> None:
        """`file`: an `h5py.File` open for writing; `check` raises if something could not be written."""
        self._file, self._check = file, check
        for name, kind in CANDIDATE_COLUMNS.items():
            self._create(name, kind)
        for offset, members in RAGGED.items():
            for name, kind in members.items():
                self._create(name, kind)
            self._create(offset, np.int64)
            self._extend(offset, np.zeros(1, np.int64))
        self._rows = dict.fromkeys(RAGGED, 0)
        self._waiting: list[Evidence] = []

    def _create(self, name: str, kind: Any) -> None:
        self._file.create_dataset(
            _in_file(name),
            shape=(0,),
            maxshape=(None,),
            dtype=kind,
            chunks=(16384,),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )

    def _extend(self, name: str, values: np.ndarray) -> None:
        append_rows(self._file[_in_file(name)], values)

    def append(self, chunk: Evidence) -> None:
        """Add the evidence of the next candidates; small chunks are written together."""
        self._waiting.append(chunk)
        if sum(part.size for part in self._waiting) >= WRITTEN_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Write what has been added."""
        if not self._waiting:
            return
        chunk, self._waiting = concatenated(self._waiting), []
        for name in (*CANDIDATE_COLUMNS, *OBSERVATION_COLUMNS, *LINK_COLUMNS):
            self._extend(name, getattr(chunk, name))
        for name in RAGGED:
            offset = getattr(chunk, name)
            self._extend(name, offset[1:] + self._rows[name])
            self._rows[name] += int(offset[-1])
        self._check()


@contextlib.contextmanager
def evidence_writer(path: Path, attributes: dict[str, str]) -> Iterator[EvidenceWriter]:
    """A writer whose file appears at `path` complete or not at all; raises OSError where the disk is full."""
    with hdf5_output(path, {"schema": SCHEMA, **attributes}) as (file, check):
        writer = EvidenceWriter(file, check)
        yield writer
        writer.flush()


class EvidenceReader:
    """Random access to the evidence of consecutive candidates; a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises UserError unless `path` is an evidence file of this schema."""
        import h5py

        self.path = path
        with damage_told(path, "collect-evidence"):
            self._file = h5py.File(path, "r")
            schema = self._file.attrs.get("schema")
            missing = [name for name in _KINDS if _in_file(name) not in self._file]
        if str(schema) in EARLIER_SCHEMAS:
            self._file.close()
            raise UserError(f"{path}: made by an earlier version, it lacks what is counted now; run collect-evidence again")
        if str(schema) != SCHEMA or missing:
            self._file.close()
            raise OtherFormat(f"{path}: not an evidence file of schema {SCHEMA}; make it with collect-evidence")
        self._require(self._fits_together(), "its arrays do not fit together")

    def __enter__(self) -> "EvidenceReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _values(self, name: str, part: slice) -> np.ndarray:
        with damage_told(self.path, "collect-evidence"):
            return np.asarray(self._file[_in_file(name)][part])

    def _require(self, sound: bool, problem: str) -> None:
        if not sound:
            self._file.close()
            raise DamagedFile(f"{self.path}: damaged ({problem}); make it with collect-evidence")

    def _fits_together(self) -> bool:
        """Whether all arrays have the kinds and lengths that belong together, so that no kernel reads beyond one."""
        with damage_told(self.path, "collect-evidence"):
            return self._has_sound_offsets()

    def _has_sound_offsets(self) -> bool:
        sets = {name: self._file[_in_file(name)] for name in _KINDS}
        if any(getattr(sets[name], "ndim", 0) != 1 or sets[name].dtype != kind for name, kind in _KINDS.items()):
            return False
        candidates = {len(sets[name]) for name in CANDIDATE_COLUMNS}
        for name, members in RAGGED.items():
            offset = self._values(name, slice(None))
            if candidates != {len(offset) - 1} or {len(sets[member]) for member in members} != {offset[-1]}:
                return False
            if offset[0] != 0 or (np.diff(offset) < 0).any():
                return False
        return True

    @property
    def size(self) -> int:
        """Number of candidates."""
        return int(self._file["key"].shape[0])

    def attribute(self, name: str) -> str:
        """A text attribute, empty if absent."""
        with damage_told(self.path, "collect-evidence"):
            return str(self._file.attrs.get(name, ""))

    @property
    def covered_bases(self) -> float | None:
        """Bases of the reference that the reads cover; None where unknown."""
        text = self.attribute(COVERED_BASES)
        if text and not text.replace(".", "", 1).isdecimal():
            raise DamagedFile(f"{self.path}: damaged attribute {COVERED_BASES} ({text}); make it with collect-evidence")
        return float(text) if text else None

    @property
    def sample_names(self) -> tuple[tuple[str, ...], str]:
        """Samples of the reads' read groups, and the name of their file (of this one, where it does not say)."""
        try:
            told = json.loads(self.attribute(SAMPLE_NAMES) or "{}")
            return tuple(map(str, told.get("read_groups", ()))), str(told.get("file") or self.path.stem)
        except (ValueError, AttributeError, TypeError) as error:
            raise DamagedFile(f"{self.path}: damaged attribute {SAMPLE_NAMES}; make it with collect-evidence") from error

    @property
    def decisions(self) -> dict[str, Any]:
        """Model decisions that the evidence was made under; empty where the file does not say."""
        try:
            return dict(json.loads(self.attribute(DECISIONS) or "{}"))
        except (ValueError, TypeError) as error:
            raise DamagedFile(f"{self.path}: damaged attribute {DECISIONS}; make it with collect-evidence") from error

    def column(self, name: str) -> np.ndarray:
        """One of `CANDIDATE_COLUMNS` for all candidates, without their observations."""
        return self._values(name, slice(None))

    def links(self) -> dict[str, np.ndarray]:
        """The columns of the links of all candidates, and `link_offset`; raises UserError for damaged values."""
        found = {name: self._values(name, slice(None)) for name in ("link_offset", *LINK_COLUMNS)}
        self._check_ranges(found)
        return found

    def _check_ranges(self, columns: dict[str, np.ndarray]) -> None:
        for name, values in columns.items():
            low, high = VALUE_RANGES.get(name, (None, None))
            if low is not None:
                self._require(bool(((values >= low) & (values <= high)).all()), f"{name} out of range")

    def read(self, start: int, end: int) -> Evidence:
        """Evidence of candidates start..end - 1; raises UserError for damaged values."""
        columns = {name: self._values(name, slice(start, end)) for name in CANDIDATE_COLUMNS}
        for name, members in RAGGED.items():
            offset = self._values(name, slice(start, end + 1))
            rows = slice(int(offset[0]), int(offset[-1]))
            columns |= {name: offset - offset[0], **{member: self._values(member, rows) for member in members}}
        self._check_ranges(columns)
        return Evidence(**columns)
