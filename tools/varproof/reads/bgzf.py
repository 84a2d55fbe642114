"""The decompressed bytes of a BGZF file, from any virtual offset on, and bytes compressed into blocks.

As `pysam.BGZFile`, in half the time: blocks are inflated by igzip. Where there is none, it is `pysam.BGZFile`.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pysam

from varproof.formats.bgzf import MAGIC, SIZE_FIELD, TRAILER_BYTES, deflated_block, framed

igzip: Any = None
with contextlib.suppress(ImportError):  # there is none for some kinds of processor
    from isal import igzip_lib as igzip
    from isal import isal_zlib

_DAMAGED: tuple[type[Exception], ...] = (zlib.error,) if igzip is None else (zlib.error, igzip.IsalError)
_RAW_BYTES = 1 << 18
_HEADER = 12


def open_bgzf(path: str) -> Any:
    """A file with `seek` (to a virtual offset) and `read`; both raise OSError where it is damaged or cut off."""
    return pysam.BGZFile(path, "r", None) if igzip is None else BgzfFile(path)


def compressed_block(content: bytes | memoryview) -> bytes:
    """A block of at most `BLOCK_BYTES`; the fastest compression, the same for the same content.

    Not by igzip's compressor of streams: one in some 20,000 of its blocks depends on what the memory held before.
    """
    if igzip is None:
        return deflated_block(content, level=1)
    packed = igzip.compress(content, 1, flag=igzip.COMP_DEFLATE, hist_bits=15)
    return framed(packed, isal_zlib.crc32(content), len(content))


class BgzfFile:
    """See `open_bgzf`."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        self._next, self._raw, self._place = 0, b"", 0
        self._left = b""

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)

    def seek(self, offset: int) -> None:
        """Go to a virtual offset: that of a block in the file, shifted left by 16 bits, and of a byte in the block."""
        self._next, self._raw, self._place = offset >> 16, b"", 0
        within = offset & 0xFFFF
        block = self._block() if within else b""
        if within and (block is None or len(block) < within):
            raise OSError("not a virtual offset of this file")
        self._left = (block or b"")[within:]

    def read(self, wanted: int) -> bytes:
        """The next `wanted` bytes, fewer at the end of the file."""
        parts, size = [self._left], len(self._left)
        while size < wanted:
            block = self._block()
            if block is None:
                break
            parts.append(block)
            size += len(block)
        content = b"".join(parts)
        self._left = content[wanted:]
        return content[:wanted] if self._left else content

    def pieces(self, first: int, last: int | None) -> Iterator[bytes]:
        """The bytes between two virtual offsets (None: to the end of the file), block by block."""
        self.seek(first)
        if last is not None and first >> 16 == last >> 16 and self._left:
            yield self._left[: (last & 0xFFFF) - (first & 0xFFFF)]
            return
        if self._left:
            yield self._left
            self._left = b""
        while True:
            here = self._next - (len(self._raw) - self._place)
            if last is not None and here >= last >> 16 and not last & 0xFFFF:
                return
            block = self._block()
            if block is None:
                return
            if last is not None and here == last >> 16:
                yield block[: last & 0xFFFF]
                return
            yield block

    def _block(self) -> bytes | None:
        """The next block; None at the end of the file."""
        if not self._has(_HEADER):
            if self._place < len(self._raw):
                raise OSError("cut off in the header of a block")
            return None
        start = self._place
        if self._raw[start : start + 4] != MAGIC:
            raise OSError("no block where one should begin")
        (extra,) = struct.unpack_from("<H", self._raw, start + 10)
        if not self._has(_HEADER + extra):
            raise OSError("cut off in the header of a block")
        start = self._place
        field = self._raw.find(SIZE_FIELD, start + _HEADER, start + _HEADER + extra)
        if field < 0:
            raise OSError("a block without its size")
        (last,) = struct.unpack_from("<H", self._raw, field + 4)
        if not self._has(last + 1):
            raise OSError("cut off in a block")
        start = self._place
        end = start + last + 1
        checksum, size = struct.unpack_from("<II", self._raw, end - TRAILER_BYTES)
        packed = self._raw[start + _HEADER + extra : end - TRAILER_BYTES]
        self._place = end
        if not size:
            return b""
        try:
            if igzip is None:
                block = zlib.decompress(packed, -15, size)
            else:
                block = igzip.decompress(packed, flag=igzip.DECOMP_DEFLATE, hist_bits=15, bufsize=size)
        except _DAMAGED as error:
            raise OSError("a block can't be decompressed") from error
        if len(block) != size or (zlib if igzip is None else isal_zlib).crc32(block) != checksum:
            raise OSError("a block has other content than its checksum says")
        return block

    def _has(self, wanted: int) -> bool:
        """Whether `wanted` raw bytes follow, read if need be."""
        while len(self._raw) - self._place < wanted:
            more = os.pread(self._descriptor, _RAW_BYTES, self._next)
            if not more:
                return False
            self._next += len(more)
            self._raw, self._place = self._raw[self._place :] + more, 0
        return True
