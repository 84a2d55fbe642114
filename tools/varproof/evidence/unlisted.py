"""Indels that the reads show near candidates and the list lacks: neighbours, too, which nobody asks for.

A list without the alleles that a normal has, or of SNVs alone, lacks the germline indels whose reads look like other alleles
nearby.
"""

import numpy as np

from varproof.evidence.arrays import WINDOW, ReadArrays
from varproof.evidence.decisions import DECISIONS
from varproof.reads.arrays import spelled_out
from varproof.reads.regions import merged
from varproof.reads.sam import DELETION, DIFFERENT, EQUAL, INSERTION, MATCH, SKIP, SOFT_CLIP
from varproof.variants.candidate import Candidate
from varproof.variants.placement import Placement, haplotype_key, place
from varproof.variants.reference import ReferenceSlice

_ON_REFERENCE = np.isin(np.arange(16), (MATCH, DELETION, SKIP, EQUAL, DIFFERENT))
_ON_READ = np.isin(np.arange(16), (MATCH, INSERTION, SOFT_CLIP, EQUAL, DIFFERENT))
UNLISTED = -1
"""`Candidate.record` of an allele that no record has."""


def unlisted_indels(
    reads: ReadArrays, placements: list[Placement], own: int, reference: ReferenceSlice
) -> list[tuple[Candidate, Placement]]:
    """Indels that many of the reads show within the window of one of the first `own` of `placements`, and that none of all is.

    From left to right; each depends on the reads over it alone, so that it is the same whichever candidates are asked for.
    """
    windows = np.array(merged([(item.low - WINDOW, item.high + WINDOW) for item in placements[:own]]))
    shown = _shown_by_many(reads, windows[:, 0], windows[:, 1])
    known = {haplotype_key(reference.contig, item) for item in placements}
    found: list[tuple[Candidate, Placement]] = []
    for start, end, alt in shown:
        text = spelled_out(alt)
        if "N" in text:
            continue
        ref = spelled_out(reference.between(start, end).tobytes())
        item = Candidate(UNLISTED, len(found), reference.contig, start, end, ref, text)
        placed = place(item, reference)
        key = haplotype_key(reference.contig, placed)
        if key not in known:
            known.add(key)
            found.append((item, placed))
    return found


def _shown_by_many(reads: ReadArrays, starts: np.ndarray, ends: np.ndarray) -> list[tuple[int, int, bytes]]:
    """(start, end, alt codes) of indels in these intervals that enough reads show, sorted; the intervals ascend, apart."""
    op, length = reads.cigar_op, reads.cigar_length.astype(np.int64)
    gap = np.flatnonzero(((op == INSERTION) | (op == DELETION)) & (length <= DECISIONS.longest_unlisted))
    owner = np.searchsorted(reads.cigar_offset, gap, side="right") - 1
    usable = reads.mapq[owner] > 0
    gap, owner = gap[usable], owner[usable]
    first = reads.cigar_offset[owner]
    on_reference, on_read = (np.concatenate([[0], np.cumsum(length * use[op])]) for use in (_ON_REFERENCE, _ON_READ))
    start = reads.start[owner] + on_reference[gap] - on_reference[first]
    query = reads.base_offset[owner] + on_read[gap] - on_read[first]
    inserted = op[gap] == INSERTION
    end = np.where(inserted, start, start + length[gap])
    place_of = np.searchsorted(starts, start, side="right") - 1
    inside = (place_of >= 0) & (end <= ends[np.maximum(place_of, 0)])
    counts: dict[tuple[int, int, bytes], int] = {}
    for at, stop, insertion, base, size in zip(
        *(column[inside].tolist() for column in (start, end, inserted, query, length[gap])), strict=True
    ):
        key = (at, stop, reads.bases[base : base + size].tobytes() if insertion else b"")
        counts[key] = counts.get(key, 0) + 1
    frequent = sorted(key for key, count in counts.items() if count >= DECISIONS.least_unlisted)
    if not frequent:
        return []
    mapped = np.flatnonzero(reads.mapq > 0)
    lows, highs = np.sort(reads.start[mapped]), np.sort(reads.end[mapped])
    return [
        key
        for key in frequent
        if counts[key]
        >= DECISIONS.least_unlisted_share
        * (np.searchsorted(lows, key[0], side="left") - np.searchsorted(highs, key[0], side="right"))
    ]
