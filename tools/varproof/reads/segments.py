"""pysam's reads, one by one, to columns of arrays: the way for CRAM, and for what is out of the ordinary in a BAM."""

from collections.abc import Sequence
from itertools import compress
from operator import attrgetter
from typing import Any

import numpy as np

from varproof.reads.arrays import BASE_CODES, LEFT_OUT_FLAGS, MATE_UNMAPPED, MISSING_QUALITY, PAIRED, UNMAPPED, Records, Region
from varproof.reads.depth import DEPTH_BIN, DepthFilter


def segment_records(reads: list[Any], region: Region, depth: DepthFilter) -> Records:
    """The columns of those of pysam's reads that belong to the region; all are counted."""
    started = depth.started
    for read in reads:
        place = read.reference_start // DEPTH_BIN - started.first_bin
        if 0 <= place < len(started.bases) and not read.flag & (LEFT_OUT_FLAGS | UNMAPPED):
            started.bases[place] += read.query_length
    reads = [
        read
        for read in reads
        if not read.flag & region.left_out
        and read.query_length
        and read.reference_start < region.end
        and (read.reference_end or read.reference_start + 1) > region.start
    ]
    names, name_offset = _names(reads)
    passing = depth.passing(_column(reads, "reference_start"), _mate_starts(reads, region.contig), _hashes(names, name_offset))
    return _columns(reads if passing.all() else list(compress(reads, passing)), region.contig)


def _columns(reads: list[Any], contig: int) -> Records:
    from varproof.reads.decode_numba_fns import parsed_cigars, translated

    names, name_offset = _names(reads)
    sequences = [read.query_sequence for read in reads]
    missing = bytes([MISSING_QUALITY])
    qualities = [read.query_qualities or missing * read.query_length for read in reads]
    cigars = "\n".join([*(read.cigarstring or "" for read in reads), ""])
    cigar_offset, cigar_op, cigar_length = parsed_cigars(_text(cigars), len(reads))
    start = _column(reads, "reference_start")
    return Records(
        start=start,
        end=np.array([read.reference_end or read.reference_start for read in reads], np.int64),
        flag=_column(reads, "flag").astype(np.uint16),
        mapq=_column(reads, "mapping_quality").astype(np.uint8),
        mate_start=_mate_starts(reads, contig),
        template_length=_column(reads, "template_length"),
        name_hash=_hashes(names, name_offset),
        name_offset=name_offset,
        names=names,
        base_offset=_offsets(sequences),
        bases=translated(_text("".join(sequences)), BASE_CODES),
        qualities=np.frombuffer(bytearray().join(qualities), np.uint8),
        cigar_offset=cigar_offset,
        cigar_op=cigar_op,
        cigar_length=cigar_length,
    )


def _column(reads: list[Any], name: str) -> np.ndarray:
    return np.fromiter(map(attrgetter(name), reads), np.int64, len(reads))


def _mate_starts(reads: list[Any], contig: int) -> np.ndarray:
    paired = (_column(reads, "flag") & (PAIRED | MATE_UNMAPPED)) == PAIRED
    return np.where(paired & (_column(reads, "next_reference_id") == contig), _column(reads, "next_reference_start"), -1)


def _names(reads: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    names = [(read.query_name or "").encode() for read in reads]
    return np.frombuffer(bytearray().join(names), np.uint8), _offsets(names)


def _hashes(names: np.ndarray, name_offset: np.ndarray) -> np.ndarray:
    from varproof.reads.decode_numba_fns import name_hashes

    return name_hashes(names, name_offset)


def _text(string: str) -> np.ndarray:
    return np.frombuffer(bytearray(string, "ascii"), np.uint8)


def _offsets(items: Sequence[str] | Sequence[bytes]) -> np.ndarray:
    offsets = np.zeros(len(items) + 1, np.int64)
    np.cumsum([len(item) for item in items], out=offsets[1:])
    return offsets
