"""Columns of reads with room for more, for kernels to write to."""

from typing import Any

import numpy as np

from varproof.reads.arrays import Heads, Records, Region
from varproof.reads.depth import DepthFilter
from varproof.reads.segments import segment_records

_READ, _NAME, _BASE, _OPERATION = range(4)
_LAYOUT: dict[str, tuple[type[np.generic], int]] = {
    "start": (np.int64, _READ),
    "end": (np.int64, _READ),
    "flag": (np.uint16, _READ),
    "mapq": (np.uint8, _READ),
    "mate_start": (np.int64, _READ),
    "template_length": (np.int64, _READ),
    "name_hash": (np.uint64, _READ),
    "kind": (np.uint8, _READ),
    "name_offset": (np.int64, _READ),
    "names": (np.uint8, _NAME),
    "base_offset": (np.int64, _READ),
    "bases": (np.uint8, _BASE),
    "qualities": (np.uint8, _BASE),
    "cigar_offset": (np.int64, _READ),
    "cigar_op": (np.uint8, _OPERATION),
    "cigar_length": (np.int32, _OPERATION),
}
"""Of each column of `Records`: its type, and what it has one of."""


class TooManyBases(Exception):
    """A region has more bases than whoever asked for it wants in memory."""


class GrowingRecords:
    """`Records` with room for more; memory that is reserved but not written to costs nothing.

    `columns` are longer than what is used of them: `reads` reads and what belongs to them.
    """

    def __init__(self, most_bases: int | None = None, tagged: bool = False) -> None:
        """`most_bases`: more than these raise `TooManyBases`. `tagged`: reads may have tags of a consensus."""
        self._most_bases, self._tagged = most_bases, tagged
        self.columns = Records(**{name: np.zeros(1, dtype) for name, (dtype, _) in _LAYOUT.items()})
        self.reads = 0

    def reserve(self, reads: int, names: int, bases: int, operations: int, factor: float = 1.0) -> None:
        """Make room for so many more; for `factor` times as many where memory must be had."""
        used, more = self._used(), (reads, names, bases, operations)
        if self._most_bases is not None and used[_BASE] + bases > self._most_bases:
            raise TooManyBases
        roomy = {}
        for name, (dtype, item) in _LAYOUT.items():
            column = getattr(self.columns, name)
            if used[item] + more[item] >= len(column):
                roomy[name] = np.empty(2 * len(column) + int(factor * more[item]), dtype)
                roomy[name][: used[item] + 1] = column[: used[item] + 1]
        self.columns = self.columns._replace(**roomy)

    def add_plain(self, data: np.ndarray, heads: Heads, ahead: float) -> None:
        """Records of which `data` holds all bytes; about `ahead` times as many are to come."""
        from varproof.reads.decode_numba_fns import fill_records, space_needed

        self.reserve(len(heads.place), *space_needed(data, heads.place), ahead)
        fill_records(data, heads, self.columns, self.reads, self._tagged)
        self.reads += len(heads.place)

    def add_segments(self, reads: list[Any], region: Region, depth: DepthFilter) -> None:
        """Those of pysam's reads that belong to the region."""
        self.append(segment_records(reads, region, depth, self._tagged))

    def append(self, records: Records) -> None:
        """Add reads."""
        self.reserve(len(records.start), len(records.names), len(records.bases), len(records.cigar_op))
        used = self._used()
        for name, (_, item) in _LAYOUT.items():
            column, values, at = getattr(self.columns, name), getattr(records, name), used[item]
            if name.endswith("_offset"):
                column[at + 1 : at + len(values)] = column[at] + values[1:]
            else:
                column[at : at + len(values)] = values
        self.reads += len(records.start)

    def records(self) -> Records:
        """What is in it."""
        used = self._used()
        lengths = {name: used[item] + name.endswith("_offset") for name, (_, item) in _LAYOUT.items()}
        return Records(**{name: getattr(self.columns, name)[:length] for name, length in lengths.items()})

    def _used(self) -> tuple[int, int, int, int]:
        columns, reads = self.columns, self.reads
        return reads, int(columns.name_offset[reads]), int(columns.base_offset[reads]), int(columns.cigar_offset[reads])
