"""How many bases are so deep that a variant could be called there, in each of several samples."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from varproof.reads.files import Alignments, contigs_with_reads, fetch_reads, open_reads
from varproof.reads.regions import merged
from varproof.reads.sam import LEFT_OUT_FLAGS, UNMAPPED

_WINDOW = 5_000_000
_LEFT_OUT = UNMAPPED | LEFT_OUT_FLAGS


def callable_regions(
    samples: Sequence[Path],
    reference: Path | None,
    depth: int,
    regions: Mapping[str, Sequence[tuple[int, int]]] | None,
) -> dict[str, list[tuple[int, int]]]:
    """Contig -> disjoint sorted (start, end), 0-based half-open, where each sample has `depth` fragments or more.

    Counted are reads with a mapping quality over 0 that are no duplicates and the like; of overlapping mates one. `regions`:
    look there only; None: on all contigs.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    opened = [open_reads(path, reference) for path in samples]
    try:
        first = opened[0]
        lengths = dict(zip(first.references, first.lengths, strict=True))
        with_reads = [set(contigs_with_reads(alignments)) for alignments in opened]
        for contig in (name for name in lengths if all(name in names for names in with_reads)):
            wanted = [(0, lengths[contig])] if regions is None else regions.get(contig, [])
            deep = []
            for start, end in _windows(wanted, lengths[contig]):
                enough = np.ones(end - start, bool)
                for alignments in opened:
                    enough &= _depth(alignments, contig, start, end) >= depth
                    if not enough.any():
                        break
                edges = np.flatnonzero(np.diff(np.concatenate([[False], enough, [False]]).astype(np.int8)))
                deep += [(start + int(a), start + int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
            if deep:
                found[contig] = merged(deep)
    finally:
        for alignments in opened:
            alignments.close()
    return found


def _windows(regions: Iterable[tuple[int, int]], length: int) -> Iterable[tuple[int, int]]:
    for start, end in regions:
        for low in range(start, min(end, length), _WINDOW):
            yield low, min(low + _WINDOW, end, length)


def _depth(alignments: Alignments, contig: str, start: int, end: int) -> Any:
    """int32 (end - start,): fragments over each base."""
    steps = np.zeros(end - start + 1, np.int32)
    for read in fetch_reads(alignments, contig, start, end):
        if read.flag & _LEFT_OUT or not read.mapping_quality or read.reference_end is None:
            continue
        first = read.reference_start
        if read.template_length < 0 and read.next_reference_id == read.reference_id:
            # The right one of two mates: what the left one covers, if it is as long, was counted.
            first = max(first, min(read.next_reference_start + read.query_length, read.reference_end))
        low, high = max(first, start), min(read.reference_end, end)
        if low < high:
            steps[low - start] += 1
            steps[high - start] -= 1
    return np.cumsum(steps[:-1])
