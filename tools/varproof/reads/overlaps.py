"""How many fragments overlap which intervals, of all reads of a file: what a limit of depth leaves out is counted here."""

from typing import Any

import numpy as np
import pysam

from varproof.reads.arrays import Heads, Records, Region
from varproof.reads.columns import GrowingRecords
from varproof.reads.depth import DepthFilter
from varproof.reads.records import find_records
from varproof.reads.sam import LEFT_OUT_FLAGS, SOFT_CLIP, UNMAPPED


class _Spans:
    """Where reads lie, clips unrolled, and hashes of their names: 24 bytes each."""

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add_plain(self, data: np.ndarray, heads: Heads, ahead: float) -> None:
        """Records of which `data` holds all bytes; `ahead` is of no use here."""
        records = GrowingRecords()
        records.add_plain(data, heads, 1.0)
        self._add(records.records())

    def add_segments(self, reads: list[Any], region: Region, depth: DepthFilter) -> None:
        """Those of pysam's reads that belong to the region."""
        records = GrowingRecords()
        records.add_segments(reads, region, depth)
        self._add(records.records())

    def _add(self, records: Records) -> None:
        first, last = records.cigar_offset[:-1], records.cigar_offset[1:] - 1
        aligned = last >= first
        first, last = first[aligned], last[aligned]
        left = np.where(records.cigar_op[first] == SOFT_CLIP, records.cigar_length[first], 0)
        right = np.where((records.cigar_op[last] == SOFT_CLIP) & (last > first), records.cigar_length[last], 0)
        self._parts.append((records.start[aligned] - left, records.end[aligned] + right, records.name_hash[aligned]))

    def spans(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Begin, end and hash of each read (n,)."""
        empty = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint64))
        low, high, name = (np.concatenate(columns) for columns in zip(empty, *self._parts, strict=True))
        return low, high, name


def read_spans(
    alignments: pysam.AlignmentFile, contig: str, start: int, end: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """(begin, end, number of the fragment, number of fragments) of the mapped reads that overlap contig:start-end.

    Soft clips count as if they were aligned. No limit of depth, and no more memory than 24 bytes per read.
    """
    number = alignments.get_tid(contig)
    start, end = max(start, 0), min(end, alignments.get_reference_length(contig))
    region = Region(alignments.nreferences, number, start, end, start, end, LEFT_OUT_FLAGS | UNMAPPED)
    low, high, name = find_records(alignments, region, None, _Spans)[0].spans()
    names, fragment = np.unique(name, return_inverse=True)
    return low, high, fragment.astype(np.int32), len(names)
