"""pysam's reads, one by one, to columns of arrays: the way for CRAM, and for what is out of the ordinary in a BAM."""

from collections.abc import Sequence
from itertools import compress
from operator import attrgetter
from typing import Any

import numpy as np

from varproof.reads.arrays import BASE_CODES, CONSENSUS_TAGS, MISSING_QUALITY, Records, Region
from varproof.reads.depth import DepthFilter
from varproof.reads.sam import LEFT_OUT_FLAGS, MATE_UNMAPPED, PAIRED, UNMAPPED


def segment_records(reads: list[Any], region: Region, depth: DepthFilter, tagged: bool = False) -> Records:
    """The columns of those of pysam's reads that belong to the region; all are counted.

    `tagged`: look at tags of a consensus.
    """
    from varproof.reads.decode_numba_fns import kind_of_depths, name_hashes, parsed_cigars, translated

    flag, start, end, length = _placed(reads)
    usable = (flag & (LEFT_OUT_FLAGS | UNMAPPED)) == 0
    depth.started.add(start[usable], length[usable])
    wanted = _overlapping(region, flag, start, end, length)
    if not wanted.all():
        reads, flag, start, end = list(compress(reads, wanted)), flag[wanted], start[wanted], end[wanted]
    mate_contig, mate_start = _column(reads, "next_reference_id"), _column(reads, "next_reference_start")
    with_mate = ((flag & (PAIRED | MATE_UNMAPPED)) == PAIRED) & (mate_contig == region.contig)
    mate_start = np.where(with_mate, mate_start, -1)
    names, name_offset = _names(reads)
    name_hash = name_hashes(names, name_offset)
    passing = depth.passing(start, mate_start, name_hash)
    if not passing.all():
        reads, flag, start, end = list(compress(reads, passing)), flag[passing], start[passing], end[passing]
        mate_start, name_hash = mate_start[passing], name_hash[passing]
        names, name_offset = _names(reads)
    kind = np.zeros(len(reads), np.uint8)
    if tagged:
        kind[:] = [kind_of_depths(*(_tagged(read, name) for name in CONSENSUS_TAGS)) for read in reads]
    sequences = [read.query_sequence for read in reads]
    missing = bytes([MISSING_QUALITY])
    qualities = [read.query_qualities or missing * read.query_length for read in reads]  # not as text: wrong for one base
    cigars = "\n".join([*(read.cigarstring or "" for read in reads), ""])
    cigar_offset, cigar_op, cigar_length = parsed_cigars(_text(cigars), len(reads))
    return Records(
        start=start,
        end=np.where(end < 0, start, end),
        flag=flag.astype(np.uint16),
        mapq=_column(reads, "mapping_quality").astype(np.uint8),
        mate_start=mate_start,
        template_length=_column(reads, "template_length"),
        name_hash=name_hash,
        kind=kind,
        name_offset=name_offset,
        names=names,
        base_offset=_offsets(sequences),
        bases=translated(_text("".join(sequences)), BASE_CODES),
        qualities=np.frombuffer(bytearray().join(qualities), np.uint8),
        cigar_offset=cigar_offset,
        cigar_op=cigar_op,
        cigar_length=cigar_length,
    )


def _tagged(read: Any, name: str) -> int:
    """A number of a read's tags, -1 where it has none."""
    value = read.get_tag(name) if read.has_tag(name) else -1
    return value if isinstance(value, int) else -1


def belonging(reads: list[Any], region: Region) -> list[Any]:
    """Those of pysam's reads that belong to the region."""
    flag, start, end, length = _placed(reads)
    return list(compress(reads, _overlapping(region, flag, start, end, length)))


def _placed(reads: list[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Flag, start, end (-1 where a read has no alignment) and number of bases of each."""
    flag, start, length = (_column(reads, name) for name in ("flag", "reference_start", "query_length"))
    return flag, start, np.array([read.reference_end or -1 for read in reads], np.int64), length


def _overlapping(region: Region, flag: np.ndarray, start: np.ndarray, end: np.ndarray, length: np.ndarray) -> np.ndarray:
    """bool (n,): which reads belong to the region; `end` is negative where a read has no alignment."""
    wanted = ((flag & region.left_out) == 0) & (length >= region.least_bases)
    return np.asarray(wanted & (start < region.end) & (np.where(end < 0, start + 1, end) > region.start))


def _column(reads: list[Any], name: str) -> np.ndarray:
    return np.fromiter(map(attrgetter(name), reads), np.int64, len(reads))


def _names(reads: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    names = [(read.query_name or "").encode() for read in reads]
    return np.frombuffer(bytearray().join(names), np.uint8), _offsets(names)


def _text(string: str) -> np.ndarray:
    return np.frombuffer(bytearray(string, "ascii"), np.uint8)


def _offsets(items: Sequence[str] | Sequence[bytes]) -> np.ndarray:
    offsets = np.zeros(len(items) + 1, np.int64)
    np.cumsum([len(item) for item in items], out=offsets[1:])
    return offsets
