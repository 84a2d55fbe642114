"""BAM/CRAM -> structure of arrays: a region's reads, decoded once, for compiled kernels to work on.

`decode_reads` turns the reads of a region into a `ReadBatch`: `records` reads the file, `depth` says which fragments of a
deep place stay, and here names become numbers. Nothing here interprets the reads.
"""

from dataclasses import dataclass, replace

import numpy as np
import pysam

from varproof.machinery.errors import OtherReference
from varproof.reads.arrays import Region, base_codes, name_hash
from varproof.reads.columns import GrowingRecords
from varproof.reads.depth import counted_span
from varproof.reads.files import file_name, open_reads, require_same_contigs
from varproof.reads.records import region_records, started_bases
from varproof.reads.sam import LEFT_OUT_FLAGS, UNMAPPED

__all__ = ["ReadBatch", "base_codes", "decode_reads", "name_hash", "open_reads", "require_same_contigs", "select_reads"]


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
    kind : uint8 (n,)
        Of how many reads of a molecule it is the consensus (`arrays.NO_FAMILY` and on).
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
    limited : bool
        Whether a limit of depth has left out fragments.
    """

    start: np.ndarray
    end: np.ndarray
    flag: np.ndarray
    mapq: np.ndarray
    fragment: np.ndarray
    name_hash: np.ndarray
    kind: np.ndarray
    base_offset: np.ndarray
    bases: np.ndarray
    qualities: np.ndarray
    cigar_offset: np.ndarray
    cigar_op: np.ndarray
    cigar_length: np.ndarray
    mate_start: np.ndarray
    template_length: np.ndarray
    fragments: int
    limited: bool = False

    @property
    def size(self) -> int:
        """Number of reads."""
        return len(self.start)


def decode_reads(
    alignments: pysam.AlignmentFile,
    contig: str,
    start: int,
    end: int,
    *,
    max_depth: int | None = None,
    keep_unmapped_mates: bool = True,
    most_bases: int | None = None,
) -> ReadBatch:
    """The reads that overlap contig:start-end (0-based half-open), without duplicates, QC-failed, secondary, supplementary.

    Reads without sequence or without an alignment (mapped, but no CIGAR) are left out. `max_depth` keeps a deterministic
    part of the fragments (see `depth`). Raises UserError that names the file where it is damaged, `TooManyBases` for more
    than `most_bases`.
    """
    from varproof.reads.decode_numba_fns import fragment_numbers

    number = alignments.get_tid(contig)
    if number < 0:
        raise OtherReference(f"{file_name(alignments)}: contig '{contig}' is not in its header")
    start, end = max(start, 0), min(end, alignments.get_reference_length(contig))
    records, depth = GrowingRecords().records(), None
    if end > start:
        low, stop = (start, end) if max_depth is None else counted_span(start, end)
        left_out = LEFT_OUT_FLAGS if keep_unmapped_mates else LEFT_OUT_FLAGS | UNMAPPED
        records, depth = region_records(
            alignments, Region(alignments.nreferences, number, start, end, low, stop, left_out), max_depth, most_bases
        )
    fragment, fragments = fragment_numbers(records.name_hash, records.names, records.name_offset)
    columns = records._asdict()
    del columns["names"], columns["name_offset"]
    batch = ReadBatch(**columns, fragment=fragment, fragments=int(fragments))
    keep = (np.diff(batch.cigar_offset) > 0) | ((batch.flag & UNMAPPED) != 0)
    if depth is not None:
        keep &= depth.final_keep(
            batch.start, batch.mate_start, batch.name_hash, lambda low, high: started_bases(alignments, number, low, high)
        )
    return replace(select_reads(batch, keep), limited=depth is not None and depth.left_out)


def select_reads(batch: ReadBatch, keep: np.ndarray) -> ReadBatch:
    """The reads for which `keep` (bool (n,)) is true, fragments renumbered by first appearance."""
    from varproof.reads.decode_numba_fns import gathered, renumbered

    if keep.all():
        return batch
    rows = np.flatnonzero(keep)
    fragment, fragments = renumbered(batch.fragment[rows], batch.fragments)
    base_offset, cigar_offset = _kept_offsets(batch.base_offset, rows), _kept_offsets(batch.cigar_offset, rows)
    return ReadBatch(
        start=batch.start[rows],
        end=batch.end[rows],
        flag=batch.flag[rows],
        mapq=batch.mapq[rows],
        fragment=fragment,
        name_hash=batch.name_hash[rows],
        kind=batch.kind[rows],
        base_offset=base_offset,
        bases=gathered(batch.bases, batch.base_offset, rows, base_offset),
        qualities=gathered(batch.qualities, batch.base_offset, rows, base_offset),
        cigar_offset=cigar_offset,
        cigar_op=gathered(batch.cigar_op, batch.cigar_offset, rows, cigar_offset),
        cigar_length=gathered(batch.cigar_length, batch.cigar_offset, rows, cigar_offset),
        mate_start=batch.mate_start[rows],
        template_length=batch.template_length[rows],
        fragments=int(fragments),
    )


def _kept_offsets(offset: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.diff(offset)[rows])])
