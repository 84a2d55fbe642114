"""Which windows of a file to look at, so that a sample of its reads stands for the whole.

A small file is looked at from end to end, jumping over what has no reads. Of a large one, windows are taken in an order that
spreads evenly over the genome however early it stops (multiples of the golden ratio), each at the next reads.
"""

import gzip
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pysam

from varproof.reads.files import fetch_reads, file_name
from varproof.reads.sam import LEFT_OUT_FLAGS, UNMAPPED

WINDOW = 10_000
WHOLE_WINDOW = 50_000
"""Where all reads are looked at, which then are few enough to be in memory: each window costs a search of the index."""

_READS_PER_SLICE = 10_000
"""As htslib writes CRAM by default."""
_GOLDEN = 0.6180339887498949
_MOST_JUMPS = 20_000

Item = TypeVar("Item")
Window = tuple[str, int, int]
"""(contig, start, end), 0-based half-open."""


def sampled_windows(alignments: pysam.AlignmentFile, contigs: list[str], max_reads: int) -> Iterator[Window]:
    """Windows with reads, disjoint: all of them if the index knows of at most `max_reads` reads, else spread evenly.

    So a small CRAM is looked at as the BAM of the same reads is. The caller stops when it has seen enough.
    """
    mapped = _reads_of_index(alignments)
    contigs = [contig for contig in contigs if mapped.get(contig)]
    if sum(mapped[contig] for contig in contigs) <= max_reads:
        yield from _all_windows(alignments, contigs, WINDOW, WHOLE_WINDOW)
    else:
        yield from _spread_windows(alignments, contigs)


def _reads_of_index(alignments: pysam.AlignmentFile) -> dict[str, int]:
    """Mapped reads of each contig, as the index knows; a CRAM's lists slices, and of them the most that they usually hold."""
    if alignments.is_bam:
        return {item.contig: item.mapped for item in alignments.get_index_statistics()}
    content = _cram_index(alignments)
    if content is None:
        return dict.fromkeys(alignments.references, sys.maxsize)
    slices = Counter(line.split(b"\t", 1)[0] for line in content.splitlines())
    return {name: _READS_PER_SLICE * slices[b"%d" % number] for number, name in enumerate(alignments.references)}


def _cram_index(alignments: pysam.AlignmentFile) -> bytes | None:
    """The lines of a CRAM's index, one for each slice of a contig's reads, which they begin with; None of what is elsewhere."""
    given, name = alignments.index_filename, file_name(alignments)
    beside = [given.decode() if isinstance(given, bytes) else given] if given else [f"{name}.crai", f"{name[:-5]}.crai"]
    for path in filter(Path.is_file, map(Path, beside)):
        content = path.read_bytes()
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    return None


def background_windows(alignments: pysam.AlignmentFile, contigs: list[str], size: int, most: int) -> list[Window]:
    """At most `most` windows with reads of `size` bp: all of them where they are no more, else spread evenly.

    In an order that spreads evenly over them.
    """
    every = list(islice(_all_windows(alignments, contigs, size, size), most + 1))
    if len(every) <= most:
        return evenly_spread(every)
    return list(islice(_spread_windows(alignments, contigs, size), most))


def evenly_spread(items: Sequence[Item]) -> list[Item]:
    """The items in an order whose every beginning spreads evenly over them.

    >>> evenly_spread(range(8))
    [0, 5, 2, 7, 4, 1, 6, 3]
    """
    return [items[i] for i in sorted(range(len(items)), key=lambda i: i * _GOLDEN % 1.0)]


def _all_windows(alignments: pysam.AlignmentFile, contigs: list[str], step: int, size: int) -> Iterator[Window]:
    """Windows of `size` bp that begin at multiples of `step`, each where reads go on behind the one before."""
    for contig in contigs:
        length, position = alignments.get_reference_length(contig), 0
        while (found := _next_read(alignments, contig, position, length)) is not None:
            start = found // step * step
            position = min(start + size, length)
            yield contig, start, position


def _spread_windows(alignments: pysam.AlignmentFile, contigs: list[str], size: int = WINDOW) -> Iterator[Window]:
    lengths = [alignments.get_reference_length(contig) for contig in contigs]
    total, seen = sum(lengths), set()
    windows_there = sum(-(-length // size) for length in lengths)
    for k in range(min(_MOST_JUMPS, 4 * windows_there)):
        offset, i = int((0.5 + k * _GOLDEN) % 1.0 * total), 0
        while offset >= lengths[i]:
            offset -= lengths[i]
            i += 1
        found = _next_read(alignments, contigs[i], offset // size * size, lengths[i])
        if found is None or (contigs[i], found // size) in seen:
            continue
        seen.add((contigs[i], found // size))
        start = found // size * size
        yield contigs[i], start, min(start + size, lengths[i])


def _next_read(alignments: pysam.AlignmentFile, contig: str, position: int, length: int) -> int | None:
    """First position from `position` on that a usable read covers, or None."""
    if position >= length:
        return None
    for read in fetch_reads(alignments, contig, position, length):
        if not read.flag & (LEFT_OUT_FLAGS | UNMAPPED):
            return max(read.reference_start, position)
    return None


def region_windows(regions: dict[str, list[tuple[int, int]]], lengths: dict[str, int]) -> Iterator[Window]:
    """The regions in pieces of at most `WINDOW`, in an order that spreads evenly over them."""
    pieces = [
        (contig, start, min(start + WINDOW, end, lengths[contig]))
        for contig, intervals in regions.items()
        for low, end in intervals
        for start in range(low, min(end, lengths[contig]), WINDOW)
    ]
    yield from evenly_spread(pieces)
