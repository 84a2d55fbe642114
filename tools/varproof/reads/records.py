"""The reads of a region as columns of arrays: from the bytes of a BAM, or from pysam.

For BAM, pysam finds where in the file the region's reads begin, and from there on compiled kernels work on the decompressed
bytes. CRAM, files from afar, and whatever in a BAM is not plain (a damaged record, one of over 65535 CIGAR operations) are
left to pysam, read by read: it knows every corner of the formats, and its word on damage is final.
"""

import contextlib
from collections.abc import Callable
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
import pysam

from varproof.machinery.errors import UserError
from varproof.reads.arrays import Heads, Records, Region
from varproof.reads.columns import GrowingRecords, TooManyBases
from varproof.reads.depth import DEPTH_BIN, DepthFilter, StartedBases
from varproof.reads.files import Alignments, fetch_reads, file_name
from varproof.reads.sam import SMALLEST_RECORD
from varproof.reads.stream import INDEX_STEP, BamStream, NotPlain

_FAR_BEFORE = 1000
_READS_AT_ONCE = 512
_ALL_FLAGS = 0xFFFF
_MOST_AHEAD = 16.0


class Found(Protocol):
    """What takes a region's reads as they are found: bytes of plain records, or reads of pysam."""

    def add_plain(self, data: np.ndarray, heads: Heads, ahead: float) -> None:
        """Records of which `data` holds all bytes; about `ahead` times as many are to come."""

    def add_segments(self, reads: list[Any], region: Region, depth: DepthFilter) -> None:
        """Those of pysam's reads that belong to the region."""


_Found = TypeVar("_Found", bound=Found)


def region_records(
    alignments: pysam.AlignmentFile, region: Region, max_depth: int | None, most_bases: int | None = None
) -> tuple[Records, DepthFilter]:
    """The region's reads, less some that are too deep for certain, and what the filter has learnt of the depth.

    Raises UserError that names the file where it is damaged, `TooManyBases` for more than `most_bases`.
    """
    tagged = bool(getattr(alignments, "has_consensus_tags", False))
    found, depth = find_records(alignments, region, max_depth, lambda: GrowingRecords(most_bases, tagged))
    return found.records(), depth


def find_records(
    alignments: pysam.AlignmentFile, region: Region, max_depth: int | None, new: Callable[[], _Found]
) -> tuple[_Found, DepthFilter]:
    """As `region_records`, in what `new` makes."""
    try:
        if alignments.is_bam and getattr(alignments, "is_local", True):
            with contextlib.suppress(NotPlain):
                return _raw_records(alignments, region, max_depth, new())
        return _fetched_records(alignments, region, max_depth, new())
    except UnicodeDecodeError as error:
        raise name_is_no_text(alignments, alignments.get_reference_name(region.contig), region.start) from error


def name_is_no_text(alignments: pysam.AlignmentFile, contig: str, position: int) -> UserError:
    """What to raise where pysam can't decode a read's name, here or behind here."""
    what = f"truncated or damaged at {contig}:{position + 1} or after (a read's name is no text)"
    return UserError(f"{file_name(alignments)}: {what}; copy or make it again")


def started_bases(alignments: pysam.AlignmentFile, contig: int, low: int, high: int) -> StartedBases:
    """Bases of the reads that start in low-high of a contig (its number), by bin; both are multiples of `DEPTH_BIN`."""
    return region_records(alignments, Region(alignments.nreferences, contig, low, high, low, high, _ALL_FLAGS), 0)[1].started


def _fetched_records(
    alignments: pysam.AlignmentFile, region: Region, max_depth: int | None, found: _Found
) -> tuple[_Found, DepthFilter]:
    depth = DepthFilter(region.low, region.stop, max_depth)
    reads = fetch_reads(alignments, alignments.get_reference_name(region.contig), region.low, region.stop)
    while block := list(islice(reads, _READS_AT_ONCE)):
        found.add_segments(block, region, depth)
    return found, depth


def _raw_records(
    alignments: pysam.AlignmentFile, region: Region, max_depth: int | None, found: _Found
) -> tuple[_Found, DepthFilter]:
    stream = alignments.stream if isinstance(alignments, Alignments) else BamStream(file_name(alignments))
    resumed = stream.resume(region)
    if not resumed:
        region = region._replace(low=region.low // INDEX_STEP * INDEX_STEP)
    depth = DepthFilter(region.low, region.stop, max_depth)
    try:
        if resumed or _sought(stream, alignments, region, depth, found):
            _scan(stream, region, depth, found)
    except (NotPlain, TooManyBases):
        stream.forget()
        raise
    return found, depth


def _sought(stream: BamStream, alignments: pysam.AlignmentFile, region: Region, depth: DepthFilter, found: Found) -> bool:
    """Put the stream to the region's second read; False if there is none. The first comes from pysam.

    So do all up to the first that starts near `low`: only the index leads past what lies between a long alignment, that of
    a spliced read for example, and the region.
    """
    first: list[Any] = []
    reach, near = region.low, False
    contig = alignments.get_reference_name(region.contig)
    with contextlib.closing(fetch_reads(alignments, contig, region.low, region.stop)) as reads:
        for read in reads:
            first.append(read)
            reach = max(reach, read.reference_end or read.reference_start + 1)
            near = read.reference_start >= region.low - _FAR_BEFORE
            if near or len(first) == _READS_AT_ONCE:
                found.add_segments(first, region, depth)
                first = []
            if near:
                break
    if near:
        stream.seek(region, alignments.tell(), reach)
    else:
        found.add_segments(first, region, depth)
    return near


def _scan(stream: BamStream, region: Region, depth: DepthFilter, found: Found) -> None:
    """Add what comes out of the stream."""
    from varproof.reads.decode_numba_fns import MORE, UNSURE, scan_records

    status, before = MORE, region.start
    while status == MORE:
        data = stream.piece()
        most = len(data) // SMALLEST_RECORD + 1
        place, start, end, mate_start = np.empty((4, most), np.int64)
        heads = Heads(place, start, end, mate_start, np.empty(most, np.uint64))
        started = depth.started
        status, used, count, position, reach = scan_records(data, region, DEPTH_BIN, started.first_bin, started.bases, heads)
        if status == UNSURE:
            raise NotPlain
        heads = Heads(*(column[:count] for column in heads))
        passing = depth.passing(heads.start, heads.mate_start, heads.name_hash)
        if not passing.all():
            heads = Heads(*(column[passing] for column in heads))
        ahead = _MOST_AHEAD if position <= before else 1.2 * (region.stop - before) / (position - before)
        found.add_plain(data, heads, min(ahead, _MOST_AHEAD))
        if status == MORE and not stream.advance(used, position, reach):
            break
        before = max(before, position)
    stream.finish()
