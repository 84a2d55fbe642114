"""What packed rows don't hold of their reads, for the reviewer's desk: names, inserted bases, and how many reads there are.

A row is found again among the reads of its file by what it holds: planes, mapping quality and strand. Of reads that look alike
those are meant which packing took: of a pile that was cut, the ones whose names have the lowest hashes.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.tensors import FLAGS, LARGEST, MAPQ, ROW_REVERSE, PackedTensors
from varproof.pileup.packing import REACH, stretch_of
from varproof.reads.arrays import Records, Region
from varproof.reads.files import open_reads
from varproof.reads.records import region_records
from varproof.reads.reference import open_reference
from varproof.reads.sam import INSERTION, LEFT_OUT_FLAGS, REVERSE, UNMAPPED
from varproof.report.pileup_haplotypes import allele_of, window_start
from varproof.variants.candidate import Candidate
from varproof.variants.placement import MAX_SHIFT, placements
from varproof.variants.reference import reference_slice

Insertion = tuple[int, int, str]
"""Row, column after which it lies, inserted bases."""

_TAKES_REFERENCE, _TAKES_READ = (0, 2, 3, 7, 8), (0, 1, 4, 7, 8)
_LONGEST = 40


@dataclass(frozen=True)
class TrackReads:
    """Of the rows of a track: the read's name (empty where it isn't found again) and inserted bases.

    `there`: how many reads there are in the file, of which the rows may be a part.
    """

    names: list[str] = field(default_factory=list)
    insertions: list[Insertion] = field(default_factory=list)
    there: int = 0


class ReadsOfRows:
    """Reads behind the rows, in files of reads, one for each track, in the order of the tracks."""

    def __init__(self, files: Sequence[Path], reference: Path, contigs: Sequence[str]) -> None:
        self._open = contextlib.ExitStack()
        self._reference = reference
        self._fasta = self._open.enter_context(open_reference(reference))
        self._files = [self._open.enter_context(contextlib.closing(open_reads(path, reference))) for path in files]
        self._contigs = list(contigs)

    def of(self, tensors: PackedTensors, index: int) -> list[TrackReads]:
        """What is known of each track's rows of a candidate."""
        return [self._of_track(tensors, index, track) for track in range(tensors.tracks)]

    def close(self) -> None:
        """Close the files."""
        self._open.close()

    def _of_track(self, tensors: PackedTensors, index: int, track: int) -> TrackReads:
        first, last = (int(place) for place in tensors.row_offset[index * tensors.tracks + track :][:2])
        if first == last:
            return TrackReads()
        contig, start, window = self._contigs[int(tensors.contig[index])], window_start(tensors, index), tensors.settings.window
        handle = self._files[track]
        low, high = max(0, start), min(start + window, handle.get_reference_length(contig))
        where = Region(
            handle.nreferences, handle.get_tid(contig), low, high, low, high, LEFT_OUT_FLAGS | UNMAPPED
        )  # fmt: skip
        records, _ = region_records(handle, where, None)
        usable = np.diff(records.cigar_offset) > 0
        there = last - first
        if there >= tensors.settings.depth:
            row_low, row_high = (start, start + window) if tensors.settings.rows == "window" else self._reach(tensors, index)
            usable &= (records.start < row_high) & (records.end > row_low)
            there = max(there, int(usable.sum()))
        reads = np.flatnonzero(usable)
        reads = reads[np.argsort(records.name_hash[reads], kind="stable")]
        found = _matched(tensors, range(first, last), records, reads.tolist(), start)
        insertions = [
            (row, column, bases)
            for row, read in enumerate(found)
            if read >= 0
            for column, bases in _insertions(records, read, start, window)
        ]
        return TrackReads([_name(records, read) if read >= 0 else "" for read in found], insertions, there)

    def _reach(self, tensors: PackedTensors, index: int) -> tuple[int, int]:
        """Reads that overlap this interval are rows of a candidate, 0-based half-open."""
        allele, contig = allele_of(tensors, index), self._contigs[int(tensors.contig[index])]
        alt = allele.alt if set(allele.alt) <= set("ACGTN") else ""
        candidate = Candidate(0, 0, contig, allele.start, allele.end, "", alt)
        reach = 2 * MAX_SHIFT + tensors.settings.window + REACH
        around = reference_slice(self._fasta, contig, allele.start - reach, allele.end + reach)
        (placed,) = placements([candidate], around, self._reference)
        if placed is None:
            return window_start(tensors, index), window_start(tensors, index) + tensors.settings.window
        loci = stretch_of([placed], around, tensors.settings).loci
        return int(loci.row_low[0]), int(loci.row_high[0])


def _matched(tensors: PackedTensors, rows: range, records: Records, reads: Sequence[int], start: int) -> list[int]:
    """The read of each row, -1 where there is none; `reads` are taken in this order, alike ones in that of the file."""
    open_rows: dict[tuple[Any, ...], list[int]] = {}
    for number, row in enumerate(rows):
        reverse = bool(tensors.rows[row, FLAGS] & ROW_REVERSE)
        key = (tensors.base[row].tobytes(), tensors.quality[row].tobytes(), int(tensors.rows[row, MAPQ]), reverse)
        open_rows.setdefault(key, []).append(number)
    taken: dict[tuple[Any, ...], list[int]] = {}
    left = len(rows)
    for read in reads:
        if not left:
            break
        mapq, reverse = min(int(records.mapq[read]), LARGEST), bool(records.flag[read] & REVERSE)
        key = (*_planes(records, read, start, tensors), mapq, reverse)
        if len(taken.get(key, ())) < len(open_rows.get(key, ())):
            taken.setdefault(key, []).append(read)
            left -= 1
    found = [-1] * len(rows)
    for key, of_key in taken.items():
        for number, read in zip(open_rows[key], sorted(of_key), strict=False):
            found[number] = read
    return found


def _name(records: Records, read: int) -> str:
    return records.names[records.name_offset[read] : records.name_offset[read + 1]].tobytes().decode("utf-8", "replace")


def _cigar(records: Records, read: int) -> tuple[np.ndarray, np.ndarray]:
    part = slice(int(records.cigar_offset[read]), int(records.cigar_offset[read + 1]))
    return records.cigar_op[part], records.cigar_length[part]


def _insertions(records: Records, read: int, start: int, window: int) -> list[tuple[int, str]]:
    """(column of the base before, inserted bases) of a read within the window."""
    position, query, found = int(records.start[read]) - start, int(records.base_offset[read]), []
    for op, length in zip(*(values.tolist() for values in _cigar(records, read)), strict=True):
        if op == INSERTION and 0 <= position - 1 < window:
            bases = "".join("ACGTN"[code] for code in records.bases[query : query + min(length, _LONGEST)].tolist())
            found.append((position - 1, bases + (f"… ({length} bp)" if length > _LONGEST else "")))
        position += length if op in _TAKES_REFERENCE else 0
        query += length if op in _TAKES_READ else 0
    return found


def _planes(records: Records, read: int, start: int, tensors: PackedTensors) -> tuple[bytes, bytes]:
    """A read as its row would be: base and quality plane."""
    from varproof.pileup.packing_numba_fns import fill_planes

    window = tensors.settings.window
    base, quality = np.zeros(window, np.uint8), np.zeros(window, np.uint8)
    part = slice(int(records.base_offset[read]), int(records.base_offset[read + 1]))
    ops, lengths = _cigar(records, read)
    position = int(records.start[read]) - start
    soft_clips = tensors.settings.soft_clips
    fill_planes(position, ops, lengths, records.bases[part], records.qualities[part], window, soft_clips, base, quality)
    return base.tobytes(), quality.tobytes()
