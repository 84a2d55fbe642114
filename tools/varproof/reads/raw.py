"""BAM records as bytes: those of a region, and to and from pysam's reads."""

import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from varproof.formats.bgzf import BLOCK_BYTES, END_OF_FILE
from varproof.reads.arrays import Heads, Region
from varproof.reads.bgzf import BgzfFile, compressed_block
from varproof.reads.depth import DepthFilter
from varproof.reads.files import Alignments
from varproof.reads.records import find_records
from varproof.reads.segments import belonging


class _RawRecords:
    """A region's records, one after the other."""

    def __init__(self, header: pysam.AlignmentHeader) -> None:
        self._header, self._parts = header, [np.empty(0, np.uint8)]

    def add_plain(self, data: np.ndarray, heads: Heads, ahead: float) -> None:
        """Records of which `data` holds all bytes; `ahead` is of no use here."""
        from varproof.reads.decode_numba_fns import gathered_records

        self._parts.append(gathered_records(data, heads.place))

    def add_segments(self, reads: list[Any], region: Region, depth: DepthFilter) -> None:
        """Those of pysam's reads that belong to the region."""
        content = b"".join(as_bytes(self._header, belonging(reads, region)))
        self._parts.append(np.frombuffer(content, np.uint8))

    def content(self) -> np.ndarray:
        """uint8."""
        return np.concatenate(self._parts)


def raw_records(alignments: Alignments, contig: str, start: int, end: int) -> np.ndarray:
    """uint8: all records that overlap contig:start-end, secondary ones and the like too, as in a BAM.

    Raises UserError that names the file where it is damaged.
    """
    region = Region(alignments.nreferences, alignments.get_tid(contig), start, end, start, end, 0, 0)
    return find_records(alignments, region, None, lambda: _RawRecords(alignments.header))[0].content()


def header_size(content: bytes) -> int:
    """Bytes of a BAM's header."""
    (text,) = struct.unpack_from("<i", content, 4)
    (contigs,) = struct.unpack_from("<i", content, 8 + text)
    place = 12 + text
    for _ in range(contigs):
        (name,) = struct.unpack_from("<i", content, place)
        place += 8 + name
    return place


def as_bytes(header: pysam.AlignmentHeader, reads: Iterable[Any]) -> Iterator[bytes]:
    """Pysam's reads as a BAM holds them, in order, each with its size in front."""
    reads = list(reads)
    if not reads:
        return
    with tempfile.NamedTemporaryFile(suffix=".bam") as written:
        with pysam.AlignmentFile(written.name, "wbu", header=header) as out:
            for read in reads:
                out.write(read)
        file = BgzfFile(written.name)
        content = file.read(os.path.getsize(written.name))
    place = header_size(content)
    while place < len(content):
        end = place + 4 + int.from_bytes(content[place : place + 4], "little")
        yield content[place:end]
        place = end


def as_segments(header: pysam.AlignmentHeader, content: bytes) -> list[pysam.AlignedSegment]:
    """Pysam's reads of the records of a file with this header."""
    if not content:
        return []
    with tempfile.NamedTemporaryFile(suffix=".bam") as file:
        with pysam.AlignmentFile(file.name, "wbu", header=header):
            pass
        head = Path(file.name).read_bytes().removesuffix(END_OF_FILE)
        with open(file.name, "wb") as out:
            out.write(head)
            for place in range(0, len(content), BLOCK_BYTES):
                out.write(compressed_block(content[place : place + BLOCK_BYTES]))
            out.write(END_OF_FILE)
        with pysam.AlignmentFile(file.name, check_sq=False) as reads:
            return list(reads)
