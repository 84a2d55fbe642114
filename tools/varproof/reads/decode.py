"""BAM/CRAM -> structure of arrays: a region's reads, decoded once, for compiled kernels to work on.

`open_reads` opens a file or says what is wrong with it, `require_same_contigs` compares it with the reference, and
`decode_reads` turns the reads of a region into a `ReadBatch`. Nothing here interprets the reads.

Subsampling (`max_depth`) is by fragment and does not depend on the region that is asked for: a fragment belongs to the
bin of 1 kb in which its leftmost read starts (its own start where the mate is over 10 kb away or elsewhere); the bin's depth
is counted over all reads that start in it; and the fragment is kept if the hash of its name, as a fraction of 2**64, is
under `max_depth / depth`.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any
from zlib import adler32, crc32

import numpy as np
import pysam

from varproof.errors import UserError

MISSING_QUALITY = 20
"""Base quality that stands in where a read has none: an error rate of 1 %."""

LEFT_OUT_FLAGS = 0x100 | 0x200 | 0x400 | 0x800
"""Secondary, QC-failed, duplicate, supplementary."""

PAIRED, UNMAPPED, MATE_UNMAPPED, REVERSE = 0x1, 0x4, 0x8, 0x10
OTHER_BASE = 4
_DEPTH_BIN = 1000
_MATE_REACH = 10_000
_HASH_RANGE = 1 << 64
_QUALITY_OFFSET = 33
_BLOCK = 512
_COLUMNS = [
    attrgetter(name)
    for name in (
        "reference_start",
        "reference_end",
        "flag",
        "mapping_quality",
        "query_name",
        "query_sequence",
        "query_qualities_str",
        "cigarstring",
        "next_reference_start",
        "next_reference_id",
        "template_length",
    )
]

_BASE_CODES = np.array(
    [{65: 0, 97: 0, 67: 1, 99: 1, 71: 2, 103: 2, 84: 3, 116: 3}.get(i, OTHER_BASE) for i in range(256)], dtype=np.uint8
)


def base_codes(sequence: str) -> np.ndarray:
    """uint8 codes of a sequence: A 0, C 1, G 2, T 3 (either case), anything else 4."""
    return _BASE_CODES[np.frombuffer(sequence.encode("ascii"), dtype=np.uint8)]


@dataclass(frozen=True)
class ReadBatch:
    """Reads in file order, as arrays; n reads, b bases, c CIGAR operations.

    Attributes
    ----------
    start, end : int64 (n,)
        Aligned reference interval, 0-based half-open. An unmapped read placed beside its mate has start = end = that position.
    flag : uint16 (n,)
        SAM flags.
    mapq : uint8 (n,)
        Mapping quality.
    fragment : int32 (n,)
        Template index: same read name, same index, numbered by first appearance.
    name_hash : uint64 (n,)
        Hash of the read name, the same in every run and on every machine.
    base_offset : int64 (n + 1,)
        Read i has bases[base_offset[i]:base_offset[i + 1]], soft clips included.
    bases, qualities : uint8 (b,)
        Base codes (A 0, C 1, G 2, T 3, other 4) and base qualities (`MISSING_QUALITY` where the read has none), in the
        orientation of the reference.
    cigar_offset : int64 (n + 1,)
        Read i has CIGAR operations cigar_offset[i]:cigar_offset[i + 1].
    cigar_op : uint8 (c,)
        Operation codes of the BAM format (M 0, I 1, D 2, N 3, S 4, H 5, P 6, = 7, X 8).
    cigar_length : int32 (c,)
        Their lengths.
    mate_start : int64 (n,)
        Reference start of the mate; -1 if there is none, it is unmapped or on another contig.
    template_length : int64 (n,)
        TLEN.
    fragments : int
        Number of templates.
    """

    start: np.ndarray
    end: np.ndarray
    flag: np.ndarray
    mapq: np.ndarray
    fragment: np.ndarray
    name_hash: np.ndarray
    base_offset: np.ndarray
    bases: np.ndarray
    qualities: np.ndarray
    cigar_offset: np.ndarray
    cigar_op: np.ndarray
    cigar_length: np.ndarray
    mate_start: np.ndarray
    template_length: np.ndarray
    fragments: int

    @property
    def size(self) -> int:
        """Number of reads."""
        return len(self.start)


def open_reads(path: Path, reference: Path | None) -> pysam.AlignmentFile:
    """An indexed BAM or CRAM, open for reading.

    Raises UserError for a missing file, a folder, another kind of file, a truncated file, a missing index, and CRAM
    without its reference.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file")
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a BAM or CRAM file")
    verbosity = pysam.set_verbosity(0)
    try:
        handle = pysam.AlignmentFile(
            str(path), reference_filename=str(reference) if reference else None, index_filename=None, require_index=False
        )
    except (OSError, ValueError) as error:
        if "truncated" in str(error).lower() or "eof marker" in str(error).lower():
            raise UserError(f"{path}: truncated (its end is missing); copy or make it again") from error
        raise UserError(f"{path}: not a readable BAM or CRAM file ({error})") from error
    finally:
        pysam.set_verbosity(verbosity)
    problem = None
    if handle.is_sam or not (handle.is_bam or handle.is_cram):
        problem = f"{path}: neither BAM nor CRAM; convert it with 'samtools sort -o reads.bam {path}'"
    elif handle.is_cram and reference is None:
        problem = f"{path}: a CRAM needs the reference that it was made with; give --reference"
    elif not handle.has_index():
        problem = f"{path}: no index; make it with 'samtools index {path}'"
    if problem:
        handle.close()
        raise UserError(problem)
    return handle


def require_same_contigs(
    alignments: pysam.AlignmentFile, path: Path, fasta: pysam.FastaFile, fasta_path: Path, contigs: list[str] | None = None
) -> None:
    """Raise UserError unless `contigs` exist in both files, with the same lengths.

    The default is those with reads; all of a CRAM, whose index doesn't tell.
    """
    if contigs is None and alignments.is_cram:
        contigs = list(alignments.references)
    elif contigs is None:
        contigs = [item.contig for item in alignments.get_index_statistics() if item.total]
    lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
    known = dict(zip(alignments.references, alignments.lengths, strict=True))
    for contig in contigs:
        if contig not in lengths:
            raise UserError(
                f"{path}: contig '{contig}' is not in {fasta_path} (which has {_some(fasta.references)}); "
                "use the reference that the reads were aligned to"
            )
        if contig not in known:
            raise UserError(
                f"{path}: contig '{contig}' is not in its header (which has {_some(alignments.references)}); "
                "use reads, reference and candidates of one genome build"
            )
        if known[contig] != lengths[contig]:
            raise UserError(
                f"{path}: contig '{contig}' has {known[contig]} bp, but {lengths[contig]} bp in {fasta_path}; "
                "use the reference that the reads were aligned to"
            )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def file_name(alignments: pysam.AlignmentFile) -> str:
    """The file's name, for messages."""
    name = alignments.filename
    return name.decode() if isinstance(name, bytes) else str(name)


def fetch_reads(alignments: pysam.AlignmentFile, contig: str, start: int, end: int | None) -> Iterator[Any]:
    """The file's reads that overlap contig:start-end; raises UserError naming the file where it breaks off."""
    cram, shown = alignments.is_cram, file_name(alignments)
    verbosity = pysam.set_verbosity(0)
    try:
        yield from alignments.fetch(contig, start, end)
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError):  # closing a damaged file fails again, and would hide the error below
            alignments.close()
        advice = "copy or make it again"
        if cram:
            advice += ", and check that --reference is the one it was made with"
        raise UserError(f"{shown}: truncated or damaged at {contig}:{start + 1} or after ({error}); {advice}") from error
    finally:
        pysam.set_verbosity(verbosity)


def _name_key(name: str) -> int:
    encoded = name.encode()
    return (crc32(encoded) << 32) | adler32(encoded)


def name_hashes(names: Iterable[str]) -> np.ndarray:
    """uint64 hashes of read names, uniform over 0..2**64-1 (splitmix64's finaliser over two checksums)."""
    key = np.array([_name_key(name) for name in names], dtype=np.uint64)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


def name_hash(name: str) -> int:
    """`name_hashes` of one name, without the cost of an array."""
    key = _name_key(name)
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) % _HASH_RANGE
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) % _HASH_RANGE
    return key ^ (key >> 31)


class _DepthFilter:
    """Which fragments to keep under `max_depth`: see the module's docstring.

    A bin's depth only grows while its reads pass, so a fragment over the running threshold is over the final one too and
    can be dropped at once: memory stays bounded in a pile of a million reads. `final_keep` applies the final threshold.
    """

    def __init__(self, alignments: pysam.AlignmentFile, contig: str, start: int, end: int, max_depth: int) -> None:
        self._alignments, self._contig, self._start, self._end = alignments, contig, start, end
        self._limit = max_depth * _DEPTH_BIN
        self._bases: dict[int, int] = defaultdict(int)
        self._first_bin, self._last_bin = start // _DEPTH_BIN, (end - 1) // _DEPTH_BIN
        self._count(self._first_bin * _DEPTH_BIN, start)

    def _count(self, start: int, end: int) -> None:
        if end <= start:
            return
        bases = self._bases
        for read in fetch_reads(self._alignments, self._contig, start, end):
            position = read.reference_start
            if start <= position < end and not read.flag & (LEFT_OUT_FLAGS | UNMAPPED):
                bases[position // _DEPTH_BIN] += read.query_length

    def passes(self, read: Any) -> bool:
        """Count a read (a `pysam.AlignedSegment`); False if its fragment is certainly left out."""
        position, flag = read.reference_start, read.flag
        if not flag & UNMAPPED and position >= self._start:
            self._bases[position // _DEPTH_BIN] += read.query_length
        leftmost = position
        if flag & (PAIRED | MATE_UNMAPPED) == PAIRED and read.next_reference_id == read.reference_id:
            mate_start = read.next_reference_start
            if position - _MATE_REACH <= mate_start < position:
                leftmost = mate_start
        seen = self._bases.get(leftmost // _DEPTH_BIN, 0)
        return seen <= self._limit or name_hash(read.query_name) * seen < self._limit * _HASH_RANGE

    def final_keep(self, batch: ReadBatch) -> np.ndarray:
        """bool per read, by its fragment's bin (the same seen from either mate) and the hash of its name."""
        near = (batch.mate_start >= 0) & (np.abs(batch.mate_start - batch.start) <= _MATE_REACH)
        bins = np.where(near, np.minimum(batch.start, batch.mate_start), batch.start) // _DEPTH_BIN
        self._count(self._end, min((self._last_bin + 1) * _DEPTH_BIN, self._alignments.get_reference_length(self._contig)))
        distinct, inverse = np.unique(bins, return_inverse=True)
        for item in distinct.tolist():
            if not self._first_bin <= item <= self._last_bin:
                self._count(item * _DEPTH_BIN, (item + 1) * _DEPTH_BIN)
        bases = np.array([max(1, self._bases.get(item, 0)) for item in distinct.tolist()], dtype=np.float64)
        return batch.name_hash.astype(np.float64) / _HASH_RANGE < (self._limit / bases)[inverse]


def decode_reads(
    alignments: pysam.AlignmentFile,
    contig: str,
    start: int,
    end: int,
    *,
    max_depth: int | None = None,
    keep_unmapped_mates: bool = True,
) -> ReadBatch:
    """The reads that overlap contig:start-end (0-based half-open), without duplicates, QC-failed, secondary, supplementary.

    Reads without sequence or without an alignment (mapped, but no CIGAR) are left out. `max_depth` keeps a deterministic
    part of the fragments (see the module's docstring). Raises UserError that names the file where it is damaged.
    """
    from varproof.reads.decode_numba_fns import parsed_cigars, translated, without_offset

    if alignments.get_tid(contig) < 0:
        raise UserError(f"{file_name(alignments)}: contig '{contig}' is not in its header")
    start, end = max(start, 0), min(end, alignments.get_reference_length(contig))
    depth_filter = _DepthFilter(alignments, contig, start, end, max_depth) if max_depth is not None and end > start else None
    left_out = LEFT_OUT_FLAGS if keep_unmapped_mates else LEFT_OUT_FLAGS | UNMAPPED
    columns: list[list[Any]] = [[] for _ in _COLUMNS]
    reads = fetch_reads(alignments, contig, start, end) if end > start else iter(())
    while block := list(islice(reads, _BLOCK)):
        kept = [read for read in block if not read.flag & left_out and read.query_length]
        if depth_filter is not None:
            kept = [read for read in kept if depth_filter.passes(read)]
        for column, attribute in zip(columns, _COLUMNS, strict=True):
            column.extend(map(attribute, kept))
    starts, ends, flags, mapqs, names, sequences, qualities, cigars, mate_starts, mate_contigs, template_lengths = columns
    count = len(starts)
    start_array, flag = np.array(starts, dtype=np.int64), np.array(flags, dtype=np.uint16)
    unmapped = (flag & UNMAPPED) != 0
    placed = np.array([item is not None for item in ends], dtype=bool)
    numbers: dict[str, int] = {}
    fragment = np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int32)
    with_mate = ((flag & (PAIRED | MATE_UNMAPPED)) == PAIRED) & (np.array(mate_contigs) == alignments.get_tid(contig))
    if None in qualities:
        missing = chr(MISSING_QUALITY + _QUALITY_OFFSET)
        qualities = [missing * len(s) if q is None else q for q, s in zip(qualities, sequences, strict=True)]
    cigars = [item or "" for item in cigars]
    cigar_offset, cigar_op, cigar_length = parsed_cigars(_text("\n".join([*cigars, ""])), count)
    batch = ReadBatch(
        start=start_array,
        end=np.where(placed & ~unmapped, np.array([item or -1 for item in ends], dtype=np.int64), start_array),
        flag=flag,
        mapq=np.array(mapqs, dtype=np.uint8),
        fragment=fragment,
        name_hash=name_hashes(numbers)[fragment],
        base_offset=_offsets(map(len, sequences), count),
        bases=translated(_text("".join(sequences)), _BASE_CODES),
        qualities=without_offset(_text("".join(qualities)), _QUALITY_OFFSET),
        cigar_offset=cigar_offset,
        cigar_op=cigar_op,
        cigar_length=cigar_length,
        mate_start=np.where(with_mate, np.array(mate_starts, dtype=np.int64), -1),
        template_length=np.array(template_lengths, dtype=np.int64),
        fragments=len(numbers),
    )
    keep = placed | unmapped
    if depth_filter is not None:
        keep &= depth_filter.final_keep(batch)
    return select_reads(batch, keep)


def _text(string: str) -> np.ndarray:
    return np.frombuffer(bytearray(string, "ascii"), dtype=np.uint8)


def _offsets(lengths: Iterator[int], count: int) -> np.ndarray:
    offsets = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.fromiter(lengths, dtype=np.int64, count=count), out=offsets[1:])
    return offsets


def select_reads(batch: ReadBatch, keep: np.ndarray) -> ReadBatch:
    """The reads for which `keep` (bool (n,)) is true, fragments renumbered by first appearance."""
    if keep.all():
        return batch
    base_lengths, cigar_lengths = np.diff(batch.base_offset), np.diff(batch.cigar_offset)
    base_keep, cigar_keep = np.repeat(keep, base_lengths), np.repeat(keep, cigar_lengths)
    kept_fragments, first, inverse = np.unique(batch.fragment[keep], return_index=True, return_inverse=True)
    rank = np.empty(len(kept_fragments), dtype=np.int32)
    rank[np.argsort(first, kind="stable")] = np.arange(len(kept_fragments), dtype=np.int32)
    count = int(keep.sum())
    return ReadBatch(
        start=batch.start[keep],
        end=batch.end[keep],
        flag=batch.flag[keep],
        mapq=batch.mapq[keep],
        fragment=rank[inverse].astype(np.int32),
        name_hash=batch.name_hash[keep],
        base_offset=_offsets(iter(base_lengths[keep].tolist()), count),
        bases=batch.bases[base_keep],
        qualities=batch.qualities[base_keep],
        cigar_offset=_offsets(iter(cigar_lengths[keep].tolist()), count),
        cigar_op=batch.cigar_op[cigar_keep],
        cigar_length=batch.cigar_length[cigar_keep],
        mate_start=batch.mate_start[keep],
        template_length=batch.template_length[keep],
        fragments=len(kept_fragments),
    )
