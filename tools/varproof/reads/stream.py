"""The decompressed bytes of a BAM, in pieces that each begin with a record.

What was read last is kept, so that the next region, which mostly begins near the end of the last one, needs no seek: an
index knows places only to 16 kb, and everything between such a place and the region would be decompressed again.
"""

from typing import Any, NamedTuple

import numpy as np

from varproof.machinery.htslib import quiet
from varproof.reads.arrays import Region
from varproof.reads.bgzf import open_bgzf

INDEX_STEP = 1 << 14
"""An index knows where reads begin to this many bp; what lies between is decompressed in any case."""

_BGZF_BLOCK = 0xFF00
_MOST_AT_ONCE = 4 * _BGZF_BLOCK
_BUFFER = 32 * _BGZF_BLOCK
_PIECES_KEPT = 3


class NotPlain(Exception):
    """These bytes are for pysam to judge."""


class _Mark(NamedTuple):
    """A record begins at `place` of the buffer; those before it end at or before the position `reach`."""

    place: int
    reach: int


class BamStream:
    """Begin with `resume` or else `seek`; then `piece` and `advance` in turn; `finish` when the region has been seen."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: Any = None
        self._buffer = np.empty(0, np.uint8)
        self._filled = 0
        self._at_end = False
        self._marks: list[_Mark] = []
        self._current = _Mark(0, 0)
        self._contig, self._seen_from, self._seen_to = -1, 0, 0
        self._low, self._stop, self._used = 0, 0, 0

    def resume(self, region: Region) -> bool:
        """Go back to where all reads come from that end behind the region's `low`; False if that is no longer here."""
        usable = [mark for mark in self._marks if mark.reach <= region.low]
        near = self._seen_from <= region.low <= self._seen_to + INDEX_STEP
        if region.contig != self._contig or not near or not usable:
            return False
        self._current = usable[-1]
        self._low, self._stop, self._used = region.low, region.stop, 0
        return True

    def seek(self, region: Region, offset: int, reach: int) -> None:
        """Go to a virtual offset where a record begins; those before it that end behind the region's `low` end by `reach`."""
        self._contig, self._seen_from, self._seen_to = region.contig, region.low, region.low
        self._low, self._stop, self._used = region.low, region.stop, 0
        self._filled, self._at_end = 0, False
        self._current = _Mark(0, reach)
        self._marks = [self._current]
        try:
            if self._file is None:
                self._file = open_bgzf(self._path)
            self._file.seek(offset)
        except OSError as error:
            raise NotPlain from error
        self._read(_BGZF_BLOCK - (offset & 0xFFFF) % _BGZF_BLOCK)

    def piece(self) -> np.ndarray:
        """uint8: bytes from the start of a record on, which may end inside another."""
        return self._buffer[self._current.place : self._filled]

    def advance(self, used: int, position: int, reach: int) -> bool:
        """Go past `used` bytes of the piece, to which the last record came that starts at `position`; False at the file's end.

        Their records end by `reach`.
        """
        place = self._current.place + used
        self._used += used
        if self._at_end:
            if place < self._filled:
                raise NotPlain
            return False
        if used:
            self._current = _Mark(place, max(reach, self._current.reach))
            self._marks = [mark for mark in self._marks if mark.place < place] + [self._current]
        here = self._filled - place
        wanted = max(_MOST_AT_ONCE, here)
        if position > self._low:
            wanted = min(wanted, self._used * (self._stop - position) // (position - self._low) - here)
        self._read(max(_BGZF_BLOCK, wanted))
        return True

    def finish(self) -> None:
        """All reads that start before the region's end have been seen."""
        self._seen_to = max(self._seen_to, self._stop)

    def forget(self) -> None:
        """Rely on nothing that was read."""
        self._contig = -1

    def _read(self, wanted: int) -> None:
        if self._filled + wanted > len(self._buffer):
            self._make_room(wanted)
        try:
            with quiet():
                more = self._file.read(wanted)
        except OSError as error:
            raise NotPlain from error
        self._at_end = len(more) < wanted
        self._buffer[self._filled : self._filled + len(more)] = np.frombuffer(more, np.uint8)
        self._filled += len(more)

    def _make_room(self, wanted: int) -> None:
        kept = self._marks[-_PIECES_KEPT:]
        first = kept[0].place
        content = self._buffer[first : self._filled]
        size = max(_BUFFER, 2 * (len(content) + wanted))
        target = self._buffer if size <= len(self._buffer) else np.empty(size, np.uint8)
        target[: len(content)] = content
        self._buffer, self._filled = target, len(content)
        self._marks = [mark._replace(place=mark.place - first) for mark in kept]
        self._current = self._marks[-1]
