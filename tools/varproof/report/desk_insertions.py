"""Inserted bases of reads, which packed rows only mark: from the reads themselves, for the reviewer's desk."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.tensors import FLAGS, INSERTION_FOLLOWS, LARGEST, MAPQ, ROW_REVERSE, PackedTensors
from varproof.reads.decode import decode_reads
from varproof.reads.files import open_reads
from varproof.report.pileup_haplotypes import window_start

Insertion = tuple[int, int, str]
"""Row, column after which it lies, inserted bases."""

_CIGAR_INSERTION, _TAKES_REFERENCE, _TAKES_READ = 1, (0, 2, 3, 7, 8), (0, 1, 4, 7, 8)
_REVERSE = 16
_LONGEST = 40


class InsertedBases:
    """Inserted bases in files of reads, one for each track, in the order of the tracks."""

    def __init__(self, files: Sequence[Path], reference: Path, contigs: Sequence[str]) -> None:
        self.files = [open_reads(path, reference) for path in files]
        self.contigs = list(contigs)

    def of(self, tensors: PackedTensors, index: int) -> list[list[Insertion]]:
        """Insertions of each track's rows of a candidate."""
        return [self._of_track(tensors, index, track) for track in range(tensors.tracks)]

    def close(self) -> None:
        """Close the files."""
        for handle in self.files:
            handle.close()

    def _of_track(self, tensors: PackedTensors, index: int, track: int) -> list[Insertion]:
        first, last = (int(place) for place in tensors.row_offset[index * tensors.tracks + track :][:2])
        base, quality, rows = (values[first:last] for values in (tensors.base, tensors.quality, tensors.rows))
        marked = np.flatnonzero(((base & INSERTION_FOLLOWS) != 0).any(axis=1)).tolist()
        if not marked:
            return []
        window, start = tensors.settings.window, window_start(tensors, index)
        batch = decode_reads(
            self.files[track],
            self.contigs[int(tensors.contig[index])],
            max(0, start),
            start + window,
            keep_unmapped_mates=False,
        )
        known: dict[tuple[Any, ...], list[tuple[int, str]]] = {}
        for read in range(batch.size):
            if found := _insertions(batch, read, start, window):
                planes = _planes(batch, read, start, tensors)
                key = (*planes, min(int(batch.mapq[read]), LARGEST), bool(batch.flag[read] & _REVERSE))
                known.setdefault(key, found)
        out = []
        for row in marked:
            reverse = bool(rows[row, FLAGS] & ROW_REVERSE)
            key = (base[row].tobytes(), quality[row].tobytes(), int(rows[row, MAPQ]), reverse)
            out += [(row, column, bases) for column, bases in known.get(key, [])]
        return out


def _cigar(batch: Any, read: int) -> tuple[np.ndarray, np.ndarray]:
    part = slice(int(batch.cigar_offset[read]), int(batch.cigar_offset[read + 1]))
    return batch.cigar_op[part], batch.cigar_length[part]


def _insertions(batch: Any, read: int, start: int, window: int) -> list[tuple[int, str]]:
    """(column of the base before, inserted bases) of a read within the window."""
    position, query, found = int(batch.start[read]) - start, int(batch.base_offset[read]), []
    for op, length in zip(*(values.tolist() for values in _cigar(batch, read)), strict=True):
        if op == _CIGAR_INSERTION and 0 <= position - 1 < window:
            bases = "".join("ACGTN"[code] for code in batch.bases[query : query + min(length, _LONGEST)].tolist())
            found.append((position - 1, bases + (f"… ({length} bp)" if length > _LONGEST else "")))
        position += length if op in _TAKES_REFERENCE else 0
        query += length if op in _TAKES_READ else 0
    return found


def _planes(batch: Any, read: int, start: int, tensors: PackedTensors) -> tuple[bytes, bytes]:
    """A read as its row would be: base and quality plane."""
    from varproof.pileup.packing_numba_fns import fill_planes

    window = tensors.settings.window
    base, quality = np.zeros(window, np.uint8), np.zeros(window, np.uint8)
    part = slice(int(batch.base_offset[read]), int(batch.base_offset[read + 1]))
    ops, lengths = _cigar(batch, read)
    position = int(batch.start[read]) - start
    soft_clips = tensors.settings.soft_clips
    fill_planes(position, ops, lengths, batch.bases[part], batch.qualities[part], window, soft_clips, base, quality)
    return base.tobytes(), quality.tobytes()
