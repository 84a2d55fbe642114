"""panel.h5: what normals of one protocol show that is not in the reference, as counts by place and allele, of all together.

Three tables. Alleles that at least one normal shows in more reads than errors make (`shown_from`): of those normals the reads
with the allele, by strand, orientation and quality, and of the normals that carry it as a germline variant only how many there
are, with their reads together. The coverage of windows of `WINDOW` bp. And what is left, single errors: counts by the bases
beside a substitution and by the repeat that an indel lies in. All are sums over normals: adding a normal, or the pieces of a
genome, is addition, in whatever order.

Of a normal whose evidence was counted, not its reads, only the alleles of a list are known. Whether it would have shown one
stands with that allele (`looked`), not in the coverage, which speaks for every allele there. Single errors have nothing of it.
"""

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from varproof.formats.hdf5 import damage_told, hdf5_output
from varproof.machinery.errors import DamagedFile, OtherFormat

SCHEMA = "varproof/panel/1"
MADE_WITH = "build-panel"

WINDOW = 16
"""bp of a window of coverage; alleles are counted in whole windows."""

STRANDS, ORIENTATIONS, QUALITY_BINS = 2, 2, 3
READ_KINDS = STRANDS * ORIENTATIONS * QUALITY_BINS
"""Kinds of reads that are counted apart: number 6 * strand + 3 * orientation + bin of quality. Strand: 0 forward; orientation:
0 where the first read of the fragment is the forward one; quality of the base (of an indel, of the base before it)."""

QUALITY_BOUNDS = (20, 30)
"""Lowest quality of the second and of the third bin."""

CONTEXTS = 192
"""Substitutions between their neighbours: (3 * ref + alt - (alt > ref)) * 16 + 4 * before + after, codes A 0, C 1, G 2, T 3."""

TRINUCLEOTIDES = 64
REPEAT_CONTEXTS = 32
"""Of indels: 0 no repeat begins there; 1-17 a homopolymer of 4 to 20 bp and more; 18-25 3 to 10 units of 2 bp; 26-31 3 to 8 of
more."""

ALLELE_COLUMNS: dict[str, tuple[type, tuple[int, ...]]] = {
    "position": (np.uint32, ()),
    "length": (np.int32, ()),
    "key": (np.int64, ()),
    "normals": (np.uint16, ()),
    "reads": (np.uint32, (READ_KINDS,)),
    "depth": (np.uint32, ()),
    "heterozygous": (np.uint16, ()),
    "homozygous": (np.uint16, ()),
    "carrier_reads": (np.uint32, ()),
    "carrier_depth": (np.uint32, ()),
    "looked": (np.uint16, ()),
    "looked_depth": (np.uint32, ()),
}
IDENTITY = ("position", "length", "key")
"""Columns that say which allele a row is of; the others are summed."""

COVERAGE_COLUMNS: dict[str, tuple[type, tuple[int, ...]]] = {
    "window": (np.uint32, ()),
    "bases": (np.uint32, ()),
    "covering": (np.uint16, ()),
}
CONTEXT_COLUMNS: dict[str, tuple[type, tuple[int, ...]]] = {
    "substitutions": (np.uint64, (CONTEXTS, READ_KINDS)),
    "substitution_bases": (np.uint64, (TRINUCLEOTIDES,)),
    "insertions": (np.uint64, (REPEAT_CONTEXTS,)),
    "deletions": (np.uint64, (REPEAT_CONTEXTS,)),
    "repeat_bases": (np.uint64, (REPEAT_CONTEXTS,)),
}
_LARGEST_NORMALS = np.iinfo(np.uint16).max


class PanelHeader(BaseModel):
    """What a panel is of, and by which rule alleles were counted. Nothing here names a normal."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)

    schema_: Literal["varproof/panel/1"] = Field("varproof/panel/1", alias="schema")
    normals: int = Field(ge=1, le=_LARGEST_NORMALS, description="how many normals were counted")
    from_evidence: int = Field(
        0, ge=0, description="how many of these by their evidence, at the alleles of a list, and nowhere else"
    )
    digests: list[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]] = Field(
        description="digest of the reads of each normal, sorted: none is counted twice; empty where the panel is to be shared"
    )
    contigs: dict[str, Annotated[int, Field(ge=1, lt=2**32)]] = Field(
        description="contigs of the reference that were counted on, in its order, with their lengths, bp"
    )
    base_quality: int = Field(ge=0, le=93, description="lowest quality of a base that counts as one of another allele")
    mapping_quality: int = Field(ge=0, le=255, description="lowest mapping quality of a read that counts")
    max_depth: int | None = Field(None, ge=1, description="reads of deeper places were a sample")
    carrier_fraction: float = Field(gt=0, lt=1, description="share of a normal's reads from which on it carries the allele")
    homozygous_fraction: float = Field(gt=0, lt=1, description="share from which on it has no other")
    covering_depth: int = Field(ge=1, description="reads on average from which on a normal covers a window")
    shareable: bool = Field(False, description="alleles that only one normal shows or carries have been left out")
    provenance: str = Field(description="executable, version, options and model decisions that were changed; no inputs")

    @model_validator(mode="after")
    def _counted_once(self) -> "PanelHeader":
        if self.digests and (len(self.digests) != self.normals or self.digests != sorted(set(self.digests))):
            raise ValueError("digests must be as many as normals, sorted, each once")
        if self.from_evidence > self.normals:
            raise ValueError("more normals by their evidence than there are")
        return self

    @property
    def has_regions(self) -> bool:
        """Whether reads of any normal were counted."""
        return self.normals > self.from_evidence


def shown_from(depth: np.ndarray) -> np.ndarray:
    """Reads from which on a normal of this depth shows an allele: more than errors make at a rate of 0.001, and two at least.

    That is the expectation and three standard deviations, so that a rule, not the list, says what was not seen.
    """
    expected = depth * 0.001
    return np.maximum(2, np.ceil(expected + 3.0 * np.sqrt(expected))).astype(np.int64)


@dataclass(frozen=True)
class PanelAlleles:
    """n alleles of one contig, sorted by position, length and key, each once.

    Attributes
    ----------
    position : uint32 (n,)
        First base that is replaced or deleted, or that an insertion stands before; 0-based, left-aligned.
    length : int32 (n,)
        0 of a substitution, inserted bases, minus deleted bases.
    key : int64 (n,)
        Code of a substitution's base, hash of inserted bases, 0 of a deletion.
    normals : uint16 (n,)
        Normals that show it (`shown_from`), in a smaller share of their reads than a germline variant has.
    reads : uint32 (n, READ_KINDS)
        Reads of these normals with the allele, by kind.
    depth : uint32 (n,)
        All reads of these normals there.
    heterozygous, homozygous : uint16 (n,)
        Normals that carry it.
    carrier_reads, carrier_depth : uint32 (n,)
        Their reads with the allele, and all of them.
    looked : uint16 (n,)
        Normals that were looked at for this allele alone, by their evidence, and have `covering_depth` fragments there.
    looked_depth : uint32 (n,)
        Fragments of these normals there.
    """

    position: np.ndarray
    length: np.ndarray
    key: np.ndarray
    normals: np.ndarray
    reads: np.ndarray
    depth: np.ndarray
    heterozygous: np.ndarray
    homozygous: np.ndarray
    carrier_reads: np.ndarray
    carrier_depth: np.ndarray
    looked: np.ndarray
    looked_depth: np.ndarray

    @property
    def size(self) -> int:
        """Number of alleles."""
        return len(self.position)

    def rows(self, wanted: np.ndarray) -> "PanelAlleles":
        """The alleles `wanted` (indices or bool)."""
        return PanelAlleles(**{item.name: getattr(self, item.name)[wanted] for item in fields(self)})


@dataclass(frozen=True)
class PanelCoverage:
    """Coverage of m windows of one contig, ascending; windows that are not there were not counted, or have no reads.

    Attributes
    ----------
    window : uint32 (m,)
        Number of the window: its first base over `WINDOW`.
    bases : uint32 (m,)
        Bases of reads over its positions, of all normals.
    covering : uint16 (m,)
        Normals that cover it with `covering_depth` reads on average.
    """

    window: np.ndarray
    bases: np.ndarray
    covering: np.ndarray

    @property
    def size(self) -> int:
        """Number of windows."""
        return len(self.window)

    def rows(self, wanted: np.ndarray) -> "PanelCoverage":
        """The windows `wanted` (indices or bool)."""
        return PanelCoverage(self.window[wanted], self.bases[wanted], self.covering[wanted])


@dataclass(frozen=True)
class PanelContexts:
    """What errors make where no allele is listed, over the regions that were counted.

    Attributes
    ----------
    substitutions : uint64 (CONTEXTS, READ_KINDS)
        Bases of reads that differ from the reference, by substitution in its context and kind of read.
    substitution_bases : uint64 (TRINUCLEOTIDES,)
        Bases of reads over a reference base, by 16 * before + 4 * base + after.
    insertions, deletions : uint64 (REPEAT_CONTEXTS,)
        Reads with an insertion, or a deletion, by the repeat that begins there.
    repeat_bases : uint64 (REPEAT_CONTEXTS,)
        Reads over the places where such could be written.
    """

    substitutions: np.ndarray
    substitution_bases: np.ndarray
    insertions: np.ndarray
    deletions: np.ndarray
    repeat_bases: np.ndarray

    @classmethod
    def nothing(cls) -> "PanelContexts":
        """Nothing counted."""
        return cls(**{name: np.zeros(shape, kind) for name, (kind, shape) in CONTEXT_COLUMNS.items()})

    def plus(self, other: "PanelContexts") -> "PanelContexts":
        """Both together."""
        return PanelContexts(**{name: getattr(self, name) + getattr(other, name) for name in CONTEXT_COLUMNS})


@dataclass(frozen=True)
class PanelContig:
    """A contig's part of a panel; `regions` int64 (r, 2): what was counted, disjoint, ascending, 0-based half-open."""

    contig: str
    regions: np.ndarray
    alleles: PanelAlleles
    coverage: PanelCoverage


def no_alleles() -> PanelAlleles:
    """A table of none."""
    return PanelAlleles(**{name: np.zeros((0, *shape), kind) for name, (kind, shape) in ALLELE_COLUMNS.items()})


def no_coverage() -> PanelCoverage:
    """A table of no windows."""
    return PanelCoverage(**{name: np.zeros((0, *shape), kind) for name, (kind, shape) in COVERAGE_COLUMNS.items()})


class PanelWriter:
    """Writes contigs, in the order of the header, to an open HDF5 file."""

    def __init__(self, file: Any, check: Callable[[], None]) -> None:
        self._file, self._check, self._next = file, check, 0

    def append(self, part: PanelContig) -> None:
        """Write the next contig of the header."""
        group = self._file.create_group(f"contigs/{self._next}")
        self._next += 1
        columns = {"regions": part.regions.astype(np.int64)}
        columns |= {name: getattr(part.alleles, name).astype(kind) for name, (kind, _) in ALLELE_COLUMNS.items()}
        columns |= {name: getattr(part.coverage, name).astype(kind) for name, (kind, _) in COVERAGE_COLUMNS.items()}
        for name, values in columns.items():
            chunks = (min(16384, len(values)), *values.shape[1:]) if len(values) else None
            packed = {"chunks": chunks, "compression": "gzip", "compression_opts": 4, "shuffle": True} if chunks else {}
            group.create_dataset(name, data=values, **packed)
        self._check()

    def contexts(self, counted: PanelContexts) -> None:
        """Write what errors make."""
        for name in CONTEXT_COLUMNS:
            self._file.create_dataset(f"contexts/{name}", data=getattr(counted, name))
        self._check()


@contextlib.contextmanager
def panel_writer(path: Path, header: PanelHeader) -> Iterator[PanelWriter]:
    """A writer whose file appears at `path` complete or not at all; raises OSError where the disk is full."""
    attributes = {"schema": SCHEMA, "header": header.model_dump_json(by_alias=True)}
    with hdf5_output(path, attributes) as (file, check):
        yield PanelWriter(file, check)


def is_panel(path: Path) -> bool:
    """Whether an HDF5 file says that it is a panel, of whatever schema."""
    import h5py

    with damage_told(path, MADE_WITH), h5py.File(path, "r") as file:
        return str(file.attrs.get("schema", "")).startswith(SCHEMA.rpartition("/")[0])


class PanelReader:
    """A panel, contig by contig; a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises UserError unless `path` is a panel of this schema."""
        import h5py

        self.path = path
        with damage_told(path, MADE_WITH):
            self._file = h5py.File(path, "r")
            schema, text = str(self._file.attrs.get("schema", "")), str(self._file.attrs.get("header", ""))
        if schema != SCHEMA:
            self._file.close()
            told = f"of schema {schema}" if schema else "no panel of normals"
            raise OtherFormat(f"{path}: {told}, not {SCHEMA}; make it with {MADE_WITH}")
        try:
            self.header = PanelHeader.model_validate_json(text)
        except (ValidationError, json.JSONDecodeError) as error:
            self._file.close()
            raise DamagedFile(f"{path}: its header is damaged; make it with {MADE_WITH}") from error

    def __enter__(self) -> "PanelReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _columns(self, group: str, kinds: dict[str, tuple[type, tuple[int, ...]]]) -> dict[str, np.ndarray]:
        with damage_told(self.path, MADE_WITH):
            found = {name: np.asarray(self._file[f"{group}/{name}"][()]) for name in kinds}
        for name, (kind, _) in kinds.items():
            self._require(found[name].dtype == kind, f"{group}/{name} has another type")
        return found

    def _require(self, sound: bool, problem: str) -> None:
        if not sound:
            self._file.close()
            raise DamagedFile(f"{self.path}: damaged ({problem}); make it with {MADE_WITH}")

    def contexts(self) -> PanelContexts:
        """What errors make."""
        found = self._columns("contexts", CONTEXT_COLUMNS)
        for name, (_, shape) in CONTEXT_COLUMNS.items():
            self._require(found[name].shape == shape, f"contexts/{name} has another shape")
        return PanelContexts(**found)

    def contig(self, name: str) -> PanelContig:
        """The part of a contig, empty where the panel has none of it. Raises DamagedFile where its arrays don't fit."""
        if name not in self.header.contigs:
            return PanelContig(name, np.zeros((0, 2), np.int64), no_alleles(), no_coverage())
        group = f"contigs/{list(self.header.contigs).index(name)}"
        alleles = PanelAlleles(**self._columns(group, ALLELE_COLUMNS))
        coverage = PanelCoverage(**self._columns(group, COVERAGE_COLUMNS))
        regions = self._columns(group, {"regions": (np.int64, ())})["regions"]
        self._require(regions.ndim == 2 and regions.shape[1:] == (2,), f"regions of {name}")
        bounds = regions.ravel()
        self._require(bool((np.diff(bounds) >= 0).all() and (bounds >= 0).all()), f"regions of {name} do not ascend")
        for table, kinds in ((alleles, ALLELE_COLUMNS), (coverage, COVERAGE_COLUMNS)):
            for column, (_, shape) in kinds.items():
                fits = getattr(table, column).shape == (table.size, *shape)
                self._require(fits, f"{column} of {name} does not fit")
        self._require(bool((np.diff(coverage.window.astype(np.int64)) > 0).all()), f"windows of {name} do not ascend")
        self._require(_ascending(alleles), f"alleles of {name} do not ascend")
        self._require(self._counts_fit(alleles, coverage), f"counts of {name} are more than there can be")
        return PanelContig(name, regions, alleles, coverage)

    def _counts_fit(self, alleles: PanelAlleles, coverage: PanelCoverage) -> bool:
        most = self.header.normals
        together = alleles.normals.astype(np.int64) + alleles.heterozygous + alleles.homozygous
        reads = alleles.reads.astype(np.int64).sum(axis=1)
        return bool(
            (together <= most).all()
            and (coverage.covering <= most).all()
            and (alleles.looked <= self.header.from_evidence).all()
            and (reads <= alleles.depth).all()
            and (alleles.carrier_reads <= alleles.carrier_depth).all()
        )


def _ascending(alleles: PanelAlleles) -> bool:
    """Whether rows are sorted by identity, each once."""
    later, same = np.zeros(max(alleles.size - 1, 0), bool), np.ones(max(alleles.size - 1, 0), bool)
    for name in IDENTITY:
        column = getattr(alleles, name)
        later |= same & (column[1:] > column[:-1])
        same &= column[1:] == column[:-1]
    return bool(later.all())


def grouped(alleles: PanelAlleles) -> tuple[np.ndarray, np.ndarray]:
    """(order (n,), first (g,)): rows sorted by identity, and where in that order each distinct allele begins."""
    order = np.lexsort((alleles.key, alleles.length, alleles.position))
    if not len(order):
        return order, np.empty(0, np.int64)
    different = np.zeros(len(order), bool)
    different[0] = True
    for name in IDENTITY:
        values = getattr(alleles, name)[order]
        different[1:] |= values[1:] != values[:-1]
    return order, np.flatnonzero(different)


def added_alleles(parts: list[PanelAlleles]) -> PanelAlleles:
    """Alleles of several normals, or of several panels, one row for each, counts summed."""
    every = joined_alleles(parts)
    order, first = grouped(every)
    columns: dict[str, np.ndarray] = {}
    for name, (kind, _) in ALLELE_COLUMNS.items():
        values = getattr(every, name)[order]
        if name in IDENTITY or not len(first):
            columns[name] = values[first]
        else:
            columns[name] = np.add.reduceat(values.astype(np.int64), first, axis=0).astype(kind)
    return PanelAlleles(**columns)


def joined_alleles(parts: list[PanelAlleles]) -> PanelAlleles:
    """Rows of all, one after the other."""
    several = [part for part in parts if part.size]
    if not several:
        return no_alleles()
    return PanelAlleles(**{name: np.concatenate([getattr(part, name) for part in several]) for name in ALLELE_COLUMNS})


def joined_coverage(parts: list[PanelCoverage]) -> PanelCoverage:
    """Rows of all, one after the other."""
    several = [part for part in parts if part.size]
    if not several:
        return no_coverage()
    return PanelCoverage(**{name: np.concatenate([getattr(part, name) for part in several]) for name in COVERAGE_COLUMNS})


def added_coverage(parts: list[PanelCoverage]) -> PanelCoverage:
    """Windows of several panels, one row for each, summed."""
    every = joined_coverage(parts)
    if not every.size:
        return every
    order = np.argsort(every.window, kind="stable")
    window = every.window[order]
    first = np.flatnonzero(np.append(True, window[1:] != window[:-1]))
    summed: dict[str, np.ndarray] = {
        name: np.add.reduceat(getattr(every, name)[order].astype(np.int64), first).astype(COVERAGE_COLUMNS[name][0])
        for name in ("bases", "covering")
    }
    return PanelCoverage(window[first], **summed)


def regions_overlap(regions: np.ndarray) -> bool:
    """Whether any two of the intervals (r, 2) share a base."""
    ordered = regions[np.argsort(regions[:, 0], kind="stable")]
    return any(int(one[1]) > int(other[0]) for one, other in itertools.pairwise(ordered))
