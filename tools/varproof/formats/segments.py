"""segments.tsv: the tumour cells' copy number along the genome, our own table and those of other tools.

ASCAT, FACETS, PURPLE, CNVkit and Sequenza are told apart by the names of their columns; what comes out is the same for all.
"""

import logging
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np

from varproof.formats.contig_names import other_spelling
from varproof.formats.tables import header_names, read_lines, table_rows
from varproof.machinery.errors import OtherReference, UserError
from varproof.machinery.output import write_text

logger = logging.getLogger(__name__)

COLUMNS = ("contig", "start", "end", "total", "minor", "total_low", "total_high", "minor_low", "minor_high")
WHAT = "segments.tsv of estimate-purity, or the segments of ASCAT, FACETS, PURPLE, CNVkit or Sequenza"
NOT_KNOWN = ("", "NA", "NaN", "nan", ".")
ROUNDING = 1e-3
"""Other tools print copy numbers with a few digits: minor may exceed half of total, or lie under 0, by so much."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a contig, 0-based half-open, with the copies per tumour cell: `total`, and `minor`, of the rarer haplotype.

    Numbers are fractions where cells differ. `minor` is None where no tool could tell; limits are of 95 % intervals.
    """

    contig: str
    start: int
    end: int
    total: float
    minor: float | None = None
    total_low: float | None = None
    total_high: float | None = None
    minor_low: float | None = None
    minor_high: float | None = None

    @property
    def major(self) -> float | None:
        """Copies of the commoner haplotype."""
        return None if self.minor is None else self.total - self.minor


class Segments:
    """Disjoint segments in the order of the reference, looked up by position."""

    def __init__(self, segments: Iterable[Segment], contigs: Mapping[str, int], source: str = "segments") -> None:
        """`contigs`: name -> length of the reference's, in its order.

        Raises UserError, whose line begins with `source`, for a segment outside of them, empty, of impossible copy numbers, or
        that overlaps another one.
        """
        order = {name: number for number, name in enumerate(contigs)}
        for segment in (found := list(segments)):
            _require_possible(segment, contigs, source)
        self._all = sorted(found, key=lambda segment: (order[segment.contig], segment.start))
        self._by_contig: dict[str, list[Segment]] = {}
        for segment in self._all:
            earlier = self._by_contig.setdefault(segment.contig, [])
            if earlier and segment.start < earlier[-1].end:
                raise UserError(
                    f"{source}: {_named(earlier[-1])} and {_named(segment)} overlap; give each place one copy number"
                )
            earlier.append(segment)
        self._starts = {contig: [segment.start for segment in here] for contig, here in self._by_contig.items()}

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def at(self, contig: str, position: int) -> Segment | None:
        """The segment that a 0-based position lies in; None between segments."""
        here = self._by_contig.get(contig, [])
        place = bisect_right(self._starts.get(contig, []), position) - 1
        return here[place] if place >= 0 and position < here[place].end else None

    def on(self, contig: str) -> list[Segment]:
        """The segments of a contig, in order."""
        return list(self._by_contig.get(contig, []))

    def indices(self, contig: str, positions: np.ndarray) -> np.ndarray:
        """int64 (n,): for each 0-based position the number of its segment in `on(contig)`; -1 between segments."""
        here = self._by_contig.get(contig, [])
        if not here:
            return np.full(len(positions), -1, np.int64)
        places = np.searchsorted(self._starts[contig], positions, side="right") - 1
        ends = np.array([segment.end for segment in here])
        return np.where((places >= 0) & (positions < ends[places]), places, -1).astype(np.int64)


def _named(segment: Segment) -> str:
    return f"{segment.contig}:{segment.start + 1}-{segment.end}"


def _require_possible(segment: Segment, contigs: Mapping[str, int], source: str) -> None:
    if (other := other_spelling(segment.contig, contigs)) is not None:
        raise OtherReference(
            f"{source}: has contig '{segment.contig}' where the reference has '{other}'; rename its contigs, or give "
            "segments of this reference"
        )
    if segment.contig not in contigs:
        raise OtherReference(
            f"{source}: contig {segment.contig} is not in the reference; give segments of the same genome build"
        )
    if not 0 <= segment.start < segment.end:
        raise UserError(f"{source}: {_named(segment)} is no stretch of a contig; give start < end")
    if segment.end > contigs[segment.contig]:
        raise OtherReference(
            f"{source}: {_named(segment)} ends outside of {segment.contig} ({contigs[segment.contig]} bp); "
            "give segments of the same genome build"
        )
    numbers = (segment.total, segment.minor, segment.total_low, segment.total_high, segment.minor_low, segment.minor_high)
    if any(number is not None and not (isfinite(number) and number >= 0) for number in numbers):
        raise UserError(f"{source}: {_named(segment)}: copy numbers are 0 or more")
    if segment.minor is not None and segment.minor > segment.total / 2 + ROUNDING:
        raise UserError(
            f"{source}: {_named(segment)}: minor {segment.minor:g} is more than half of total {segment.total:g}; "
            "minor is the copy number of the rarer haplotype"
        )
    for name, low, high in (("total", *numbers[2:4]), ("minor", *numbers[4:])):
        if low is not None and high is not None and low > high:
            raise UserError(f"{source}: {_named(segment)}: {name}_low {low:g} is over {name}_high {high:g}")


class _Columns(NamedTuple):
    """Where a tool's table has what: names in small letters. `other` is the second allele where `minor` is the rarer of both;
    `first` is the number of a contig's first base.
    """

    tool: str
    contig: str
    start: str
    end: str
    total: str | None
    minor: str
    other: str | None = None
    first: int = 1
    minor_required: bool = True


_OWN = _Columns("varproof", "contig", "start", "end", "total", "minor", first=0)
_TOOLS = (
    _OWN,
    _Columns("ASCAT", "chr", "startpos", "endpos", None, "nminor", "nmajor"),
    _Columns("FACETS", "chrom", "start", "end", "tcn.em", "lcn.em"),
    _Columns("PURPLE", "chromosome", "start", "end", "copynumber", "minorallelecopynumber"),
    _Columns("CNVkit", "chromosome", "start", "end", "cn", "cn2", "cn1", first=0, minor_required=False),
    _Columns("Sequenza", "chromosome", "start.pos", "end.pos", "cnt", "b", "a"),
)
_STRIPPED = {"ASCAT", "FACETS", "Sequenza"}
"""Tools that take the `chr` off names of contigs."""


def read_segments(path: Path, contigs: Mapping[str, int]) -> Segments:
    """The segments of a table, ours or another tool's, on a reference's contigs (name -> length, bp, in order).

    Segments to which a tool gave no copy number are left out, and a warning counts them. Raises UserError, in one line, for
    another kind of table, malformed lines, and what `Segments` refuses.
    """
    lines = read_lines(path, WHAT, quoted=True)
    header = header_names(lines)
    columns = _columns_of(path, header)
    names = [name for name in columns[1:7] if isinstance(name, str) and name in header]
    limits = [name for name in COLUMNS[5:] if name in header] if columns is _OWN else []
    segments, without = [], 0
    for number, row in table_rows(path, lines, (*names, *limits), WHAT):
        segment = _segment(f"{path}: line {number}", row, columns, contigs)
        if segment is None:
            without += 1
        else:
            segments.append(segment)
    if not segments:
        raise UserError(f"{path}: none of its segments has a copy number; give {WHAT}")
    if without:
        logger.warning(
            "%s: %d of its %d segments have no copy number, and are left out", path, without, without + len(segments)
        )
    return Segments(segments, contigs, str(path))


def _columns_of(path: Path, header: list[str]) -> _Columns:
    for columns in _TOOLS:
        names = {columns.contig, columns.start, columns.end, columns.total or columns.minor}
        if columns.minor_required:
            names |= {columns.minor, columns.other or columns.minor}
        if names <= set(header):
            return columns
    raise UserError(f"{path}: its first line names the columns of no known table of segments; give {WHAT}")


def _segment(where: str, row: dict[str, str], columns: _Columns, contigs: Mapping[str, int]) -> Segment | None:
    """The segment of a line; None where it has no copy number. `where` begins messages."""
    start, end = (_whole(where, name, row[name]) for name in (columns.start, columns.end))
    minor, other = _number(where, columns.minor, row), _number(where, columns.other, row)
    if columns.total is not None:
        total = _number(where, columns.total, row)
    else:
        total = None if minor is None or other is None else minor + other
    if total is None:
        return None
    if columns is not _OWN:  # a fitted number may be a little under nothing
        total, minor = max(total, 0.0), None if minor is None else max(minor, 0.0)
        if minor is not None and other is not None:
            minor = min(minor, other)
    return Segment(
        _contig(row[columns.contig], columns, contigs), start - columns.first, end, total, minor,
        *(_number(where, name, row) for name in COLUMNS[5:]),
    )  # fmt: skip


def _contig(name: str, columns: _Columns, contigs: Mapping[str, int]) -> str:
    """The reference's name of a contig; some tools take its `chr` off, and FACETS gives X the number 23."""
    if name in contigs or columns.tool not in _STRIPPED:
        return name
    if name == "23" and columns.tool == "FACETS":
        name = "X"
    return f"chr{name}" if f"chr{name}" in contigs else name


def _whole(where: str, name: str, text: str) -> int:
    try:
        value = float(text)  # R writes 1e+06
    except ValueError:
        value = -1.0
    if not (isfinite(value) and value >= 0 and value == int(value)):
        raise UserError(f"{where}: {name} is '{text}'; give a position")
    return int(value)


def _number(where: str, name: str | None, row: dict[str, str]) -> float | None:
    """A number of a line; None where the table lacks it."""
    text = row.get(name or "", "")
    if text in NOT_KNOWN:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise UserError(f"{where}: {name} is '{text}'; give a number, or NA") from error


def write_segments(path: Path, segments: Iterable[Segment]) -> None:
    """Write the table, complete or not at all; `NA` is what is not known."""
    lines = ["\t".join(COLUMNS)]
    for segment in segments:
        numbers = (getattr(segment, name) for name in COLUMNS[3:])
        texts = ("NA" if number is None else f"{number:.4g}" for number in numbers)
        lines.append("\t".join((segment.contig, str(segment.start), str(segment.end), *texts)))
    write_text(path, "\n".join(lines) + "\n")
