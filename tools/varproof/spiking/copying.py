"""The records of a BAM shared out between the samples, edited ones in the place of their originals, all others byte for byte.

The file is cut where its index knows that a record begins; each piece is read, shared out and compressed by itself, so that
pieces are the same bytes for any number of processes.
"""

import bisect
import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from varproof.formats.bgzf import BLOCK_BYTES
from varproof.machinery.errors import DamagedFile
from varproof.reads.bgzf import BgzfFile, compressed_block
from varproof.reads.files import fetch_reads
from varproof.reads.sam import SECONDARY, SMALLEST_RECORD, SUPPLEMENTARY

SAMPLES = ("tumor", "normal")
"""In the order of the numbers that `sample_of` gives."""

LEAST_STRETCH, MOST_STRETCHES = 100_000, 2_000
_BLOCKS_AT_ONCE = 32
_NOT_PRIMARY = SECONDARY | SUPPLEMENTARY


@dataclass(frozen=True)
class Part:
    """Bytes of a file from one virtual offset to another (None: its end); `key`: of the first record, see `record_key`."""

    path: Path
    first: int
    last: int | None
    key: int


@dataclass(frozen=True)
class CopyJob:
    """A part, the samples it is shared out to, and for the first of these the records to put in, by key.

    `gone`: sorted uint64 hashes of the names of fragments whose primary records are left out. `shares`: see `sample_of`.
    """

    number: int
    part: Part
    samples: tuple[str, ...]
    shares: tuple[float, float]
    gone: np.ndarray
    added: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass(frozen=True)
class Copied:
    """Records written for each sample, and originals left out."""

    written: dict[str, int]
    left_out: int


def parts(path: Path, alignments: Any) -> list[Part]:
    """The file's parts, which together are all of its records."""
    from varproof.spiking.copying_numba_fns import record_key

    offsets = [_first_record(alignments)]
    step = max(LEAST_STRETCH, sum(alignments.lengths) // MOST_STRETCHES)
    for item in alignments.get_index_statistics():
        if not item.total:
            continue
        for low in range(0, alignments.get_reference_length(item.contig), step):
            if next(fetch_reads(alignments, item.contig, low, None), None) is None:
                break
            if alignments.tell() > offsets[-1]:
                offsets.append(alignments.tell())
    file = BgzfFile(str(path))
    keyed = []
    for offset in offsets:
        file.seek(offset)
        head = file.read(SMALLEST_RECORD)
        if len(head) == SMALLEST_RECORD:  # else the file ends there
            keyed.append((offset, int(record_key(np.frombuffer(head, np.uint8), 0))))
    ends = [offset for offset, _ in keyed[1:]] + [None]
    return [Part(path, offset, end, key) for (offset, key), end in zip(keyed, ends, strict=True)]


def _first_record(alignments: Any) -> int:
    alignments.reset()
    return int(alignments.tell())


def shared_records(pieces: Sequence[Part], records: list[bytes]) -> list[list[tuple[int, bytes]]]:
    """To each part the records that belong into it, by key and then in the order given."""
    from varproof.spiking.copying_numba_fns import record_key

    keyed = [(int(record_key(np.frombuffer(record, np.uint8), 0)), record) for record in records]
    starts = [part.key for part in pieces]
    out: list[list[tuple[int, bytes]]] = [[] for _ in pieces]
    for key, record in sorted(keyed, key=lambda item: item[0]):
        out[max(0, bisect.bisect_right(starts, key) - 1)].append((key, record))
    return out


class Copier:
    """Copies parts into files of `folder`: `sample.number`, blocks without the end of a file."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder, seed

    def copy(self, job: CopyJob) -> Copied:
        """Share out one part; raises UserError where the file is damaged."""
        try:
            return self._copied(job)
        except OSError as error:
            if error.errno is not None:
                raise
            raise DamagedFile(f"{job.part.path}: truncated or damaged ({error}); copy or make it again") from error

    def _copied(self, job: CopyJob) -> Copied:
        with contextlib.ExitStack() as files:
            outputs = [
                _Blocks(files.enter_context((self.folder / f"{sample}.{job.number}").open("wb"))) for sample in job.samples
            ]
            return self._shared_out(job, outputs)

    def _shared_out(self, job: CopyJob, outputs: list["_Blocks"]) -> Copied:
        from varproof.reads.decode_numba_fns import gathered_records
        from varproof.spiking.copying_numba_fns import scan
        from varproof.spiking.fragments import sample_of

        written, left_out = dict.fromkeys(job.samples, 0), 0
        waiting, rest = job.added, b""
        for group in _grouped(BgzfFile(str(job.part.path)).pieces(job.part.first, job.part.last)):
            data = np.frombuffer(b"".join((rest, *group)), np.uint8)
            most = len(data) // SMALLEST_RECORD + 1
            place, key, name = np.empty(most + 1, np.int64), np.empty(most, np.int64), np.empty(most, np.uint64)
            count, used = scan(data, place, key, name)
            if count < 0:
                raise OSError("bytes that are no record")
            rest = data[used:].tobytes()
            if not count:
                continue
            place[count] = used
            begin, end, key, name = place[:count], place[1 : count + 1], key[:count], name[:count]
            target = sample_of(name, self.seed, *job.shares)
            gone = _among(name, job.gone)
            gone[gone] = (data[begin[gone] + 19].astype(int) << 8 | data[begin[gone] + 18]) & _NOT_PRIMARY == 0
            left_out += int(gone.sum())
            for number, sample in enumerate(job.samples):
                rows = np.flatnonzero((target == SAMPLES.index(sample)) & ~gone)
                ready = bisect.bisect_left(waiting, int(key[-1]), key=lambda item: item[0]) if number == 0 else 0
                content, done = gathered_records(data, begin[rows]).data, 0
                size = np.concatenate([np.zeros(1, np.int64), np.cumsum(end[rows] - begin[rows])])
                for place_key, record in waiting[:ready]:
                    before = int(size[np.searchsorted(key[rows], place_key, side="right")])
                    outputs[number].add(content[done:before])
                    outputs[number].add(record)
                    done = before
                outputs[number].add(content[done:])
                written[sample] += len(rows) + ready
                waiting = waiting[ready:]
        if rest:
            raise OSError("cut off in a record")
        for _, record in waiting:
            outputs[0].add(record)
        written[job.samples[0]] += len(waiting)
        for output in outputs:
            output.finish()
        return Copied(written, left_out)


def _grouped(pieces: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Some blocks at a time."""
    while group := list(itertools.islice(pieces, _BLOCKS_AT_ONCE)):
        yield group


def _among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """bool: which values are in a sorted array."""
    if not len(known):
        return np.zeros(len(values), bool)
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.asarray(known[place] == values)


class _Blocks:
    """Bytes into a file as full blocks, the last one as it comes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._size = file, 0
        self._parts: list[bytes | memoryview] = []

    def add(self, content: bytes | memoryview) -> None:
        self._parts.append(content)
        self._size += len(content)
        if self._size >= _BLOCKS_AT_ONCE * BLOCK_BYTES:
            self._write(self._size - self._size % BLOCK_BYTES)

    def finish(self) -> None:
        self._write(self._size)

    def _write(self, wanted: int) -> None:
        content = memoryview(b"".join(self._parts))
        for place in range(0, wanted, BLOCK_BYTES):
            self._file.write(compressed_block(content[place : min(place + BLOCK_BYTES, wanted)]))
        self._parts, self._size = [content[wanted:]], len(content) - wanted
