"""A candidate list in chunks that can be judged apart and put together again: where it may be cut, and the chunks' files.

Evidence for a candidate depends on its neighbours, so the list is cut only where no candidate of one side, left-aligned, is a
possible neighbour of one on the other. Chunks are balanced by their number of candidates.
"""

import logging
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from varproof.formats.vcf import VcfWriter, open_vcf, read_records
from varproof.reads.reference import open_reference
from varproof.variants.chunks import NEIGHBOUR_REACH, chunks
from varproof.variants.placement import MAX_SHIFT, placements
from varproof.variants.reference import reference_slice, require_contig, require_inside

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RecordExtents:
    """Of every record of a candidate list, in order (n,): contig number, leftmost and rightmost start of its left-aligned
    candidates (bp; its own start if it has none), and how many candidates (alternative alleles) it has.
    """

    contig: np.ndarray
    low: np.ndarray
    high: np.ndarray
    candidates: np.ndarray


def record_extents(candidates: Path, reference: Path) -> RecordExtents:
    """Where the records of a VCF lie. Raises UserError where it is not sorted, or was called with another reference."""
    contig, start, count = [], [], []
    names: dict[str, int] = {}
    for record in read_records(candidates):
        contig.append(names.setdefault(record.contig, len(names)))
        start.append(record.start)
        count.append(len(record.alts or ()))
    low = np.array(start, np.int64)
    high = low.copy()
    with open_reference(reference) as fasta:
        lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
        for chunk in chunks(candidates):
            usable = [item for item in chunk.candidates if item.skipped is None]
            if not usable:
                continue
            name, last = usable[0].contig, max(usable, key=lambda item: item.end)
            require_contig(candidates, name, reference, lengths)
            require_inside(candidates, last, reference, lengths[name])
            first = min(item.start for item in usable)
            around = reference_slice(fasta, name, first - 2 * MAX_SHIFT, last.end + 2 * MAX_SHIFT)
            for item, placed in zip(usable, placements(usable, around, candidates), strict=True):
                if placed is not None:
                    low[item.record] = min(low[item.record], placed.low)
                    high[item.record] = max(high[item.record], placed.low)
    return RecordExtents(np.array(contig, np.int64), low, high, np.array(count, np.int64))


def cuttable(extents: RecordExtents) -> np.ndarray:
    """bool (n,): whether the list may be cut before each record; the first is True.

    >>> one = np.zeros(4, int)
    >>> place = np.array([100, 100 + NEIGHBOUR_REACH, 2000, 3000])
    >>> cuttable(RecordExtents(one, place, place, one)).tolist()
    [True, False, True, True]
    """
    size = len(extents.contig)
    may = np.ones(size, bool)
    changes = np.flatnonzero(np.diff(extents.contig)) + 1
    for first, last in pairwise([0, *changes.tolist(), size]):
        rightmost_before = np.maximum.accumulate(extents.high[first:last])[:-1]
        leftmost_after = np.minimum.accumulate(extents.low[first:last][::-1])[::-1][1:]
        may[first + 1 : last] = leftmost_after - rightmost_before > NEIGHBOUR_REACH
    return may


def balanced_cuts(may_cut: np.ndarray, candidates: np.ndarray, pieces: int) -> np.ndarray:
    """Records before which to cut, so that at most `pieces` come out, each with about the same number of candidates.

    >>> balanced_cuts(np.array([True, True, True, False, True, True]), np.ones(6, int), 2).tolist()
    [2]
    """
    before = np.cumsum(candidates) - candidates
    places = np.flatnonzero(may_cut[1:]) + 1
    if not len(places):
        return places
    ideal = candidates.sum() * np.arange(1, pieces) / pieces
    right = np.minimum(np.searchsorted(before[places], ideal), len(places) - 1)
    left = np.maximum(right - 1, 0)
    nearer_left = ideal - before[places[left]] <= before[places[right]] - ideal
    return np.unique(places[np.where(nearer_left, left, right)])


def cuts_by_size(may_cut: np.ndarray, candidates: np.ndarray, most: int) -> np.ndarray:
    """Records before which to cut, so that pieces are as large as may be but hold at most `most` candidates, where cuts allow.

    >>> cuts_by_size(np.array([True, True, False, False, True, True]), np.ones(6, int), 2).tolist()
    [1, 4]
    """
    before = np.cumsum(candidates) - candidates
    places = [*(np.flatnonzero(may_cut[1:]) + 1).tolist(), len(candidates)]
    ends = [*before.tolist(), int(candidates.sum())]
    cuts, begun, fitting = [], 0, 0
    for place in places:
        if ends[place] - begun > most and fitting:
            cuts.append(fitting)
            begun, fitting = ends[fitting], 0
        if ends[place] - begun <= most:
            fitting = place
        elif place < len(candidates):
            cuts.append(place)
            begun = ends[place]
    return np.array(cuts, np.int64)


def write_chunks(candidates: Path, cuts: np.ndarray, folder: Path, line: str) -> list[Path]:
    """Bgzipped, indexed VCFs `chunk-0001.vcf.gz` and on, with the records between `cuts` as they are; `line`: '##key=value'."""
    with open_vcf(candidates) as handle:
        header = handle.header.copy()
    header.add_line(line)
    stream = read_records(candidates)
    bounds = [0, *cuts.tolist(), None]
    digits = max(4, len(str(len(cuts) + 1)))
    paths = []
    for number, (first, last) in enumerate(pairwise(bounds), 1):
        paths.append(folder / f"chunk-{number:0{digits}d}.vcf.gz")
        with VcfWriter(paths[-1], header) as writer:
            left = -1 if last is None else last - first
            while left and (record := next(stream, None)) is not None:
                writer.write(record)
                left -= 1
    return paths


def scatter(candidates: Path, reference: Path, pieces: int | None, most: int | None, folder: Path, line: str) -> list[Path]:
    """Chunk files of a candidate list in `folder`; either about `pieces` of them, or at most `most` candidates in each."""
    extents = record_extents(candidates, reference)
    may_cut, total = cuttable(extents), int(extents.candidates.sum())
    if most is not None:
        wanted = -(-total // most)
        cuts = cuts_by_size(may_cut, extents.candidates, most)
    else:
        wanted = min(pieces or 1, max(1, total))
        cuts = balanced_cuts(may_cut, extents.candidates, wanted)
    paths = write_chunks(candidates, cuts, folder, line)
    edges = np.concatenate([[0], np.cumsum(extents.candidates)])[[0, *cuts, len(extents.candidates)]]
    sizes = np.diff(edges)
    logger.info("%d candidates in %d chunks of %d to %d", total, len(paths), sizes.min(), sizes.max())
    if pieces is not None and len(paths) < pieces:
        logger.info("%d chunks were asked for, but only in so many places are candidates far enough apart", pieces)
    if most is not None and sizes.max() > most:
        logger.info("%d chunks hold more than %d candidates: there none are far enough apart", int((sizes > most).sum()), most)
    return paths
