"""BGZF (SAM specification, section 4.1): gzip in blocks, whose parts may be joined and found again.

Written through a Python file, which tells what went wrong with it: `pysam.BGZFile` ends the process with a segmentation
fault where a file can't be opened, and tells no reason where it can't be written.
"""

import struct
import zlib
from pathlib import Path
from types import TracebackType

BLOCK_BYTES = 0xFF00
"""What a full block holds."""

MAGIC, TRAILER_BYTES = b"\x1f\x8b\x08\x04", 8
SIZE_FIELD = b"BC\x02\x00"
_START = MAGIC + b"\0\0\0\0\0\xff\x06\x00" + SIZE_FIELD

END_OF_FILE = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends a file."""


def framed(packed: bytes, checksum: int, size: int) -> bytes:
    """A block of deflated content, whose CRC-32 and size in bytes are given."""
    last = len(_START) + 2 + len(packed) + TRAILER_BYTES - 1
    return b"".join((_START, struct.pack("<H", last), packed, struct.pack("<II", checksum, size)))


def deflated_block(content: bytes | memoryview, level: int = 5) -> bytes:
    """A block of at most `BLOCK_BYTES`, by zlib at one of its levels of compression (1: fastest)."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return framed(packer.compress(content) + packer.flush(), zlib.crc32(content), len(content))


class BgzfWriter:
    """A file of blocks; a context manager. With `ended` false the empty block at the end is left out.

    Raises OSError where the file can't be opened or written.
    """

    def __init__(self, path: Path, ended: bool = True) -> None:
        self._ended = ended
        self._waiting = bytearray()
        self._file = path.open("wb")

    def __enter__(self) -> "BgzfWriter":
        return self

    def write(self, content: bytes) -> None:
        """Append bytes."""
        self._waiting += content
        if len(self._waiting) >= BLOCK_BYTES:
            whole = len(self._waiting) - len(self._waiting) % BLOCK_BYTES
            self._flush(whole)

    def _flush(self, size: int) -> None:
        with memoryview(self._waiting) as waiting:
            for at in range(0, size, BLOCK_BYTES):
                self._file.write(deflated_block(waiting[at : min(at + BLOCK_BYTES, size)]))
        del self._waiting[:size]

    def close(self) -> None:
        """Write what is left, and the end."""
        if self._file.closed:
            return
        with self._file:
            self._flush(len(self._waiting))
            if self._ended:
                self._file.write(END_OF_FILE)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
