"""Insertions that no read holds: tandem duplications, and what reads that are clipped on both sides of a place assemble to.

A read of an insertion that is longer than what it can reach is clipped where the insertion begins, or where it ends. A clip
that the reference has a little further back is a tandem duplication. Otherwise the clips of both sides, and mates that could
not be mapped, are put together until the one side reaches the other. Each clip that fits such an insertion then counts as a
read that shows it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from varproof.candidates.arrays import (
    CLIP_PLACE,
    CLIP_SIDE,
    CLIP_WORD,
    READ,
    CandidateReads,
    Differences,
    Insertions,
)
from varproof.candidates.assembly import WORDS, bridge
from varproof.candidates.finding import FindingSettings
from varproof.reads.decode import ReadBatch
from varproof.reads.sam import SOFT_CLIP, UNMAPPED
from varproof.variants.edit import Edit, VariantType, left_aligned, steps_to_the_right
from varproof.variants.placement import MAX_SHIFT, UNKNOWN
from varproof.variants.reference import ReferenceSlice

LEFT, RIGHT = 0, 1

APART = 30
"""Clips of the two sides of an insertion lie so near to each other, bp; more where bases repeat, or are lost."""

LEAST_CLIPS = 3
"""So many reads are clipped at the two sides together, at least one at each, before an assembly is tried."""

MATES_WITHIN = 700
"""Mates of reads this near to an insertion may lie inside of it, bp."""

LEAST_OF_POOL = 5
"""A read takes part in an assembly if it is clipped by so many bases there."""

MOST_IN_POOL = 500
"""So many reads take part at most."""

MOST_DEPTH = 1000
"""For an assembly, deeper places are subsampled to this depth, by read name."""


class Gap(NamedTuple):
    """Places of clips that point at each other: alignments end at `right`, and begin at `left`."""

    right: int
    left: int


def duplications(clips: np.ndarray, lengths: np.ndarray, reference: ReferenceSlice) -> set[Edit]:
    """The tandem duplications that clips show; `lengths` as from `duplication_lengths`."""
    shown = np.unique(np.stack([clips[:, CLIP_SIDE], clips[:, CLIP_PLACE], lengths], axis=1)[lengths > 0], axis=0)
    found = set()
    for side, place, length in shown.tolist():
        start = place if side == LEFT else place - length
        copied = reference.between(start, start + length)
        if start >= reference.start and len(copied) == length and copied.max() < 4:
            found.add(_left_aligned(Edit(start, start, copied.tobytes()), reference))
    return found


def gaps(reads: CandidateReads, clips: np.ndarray, low: int, high: int, settings: FindingSettings) -> list[Gap]:
    """Pairs of places where reads end clipped, in low..high - 1, and begin clipped, as near as the sides of an insertion are.

    Only clips with the same bases next to the aligned ones count. Each right end is paired with the left end that most reads
    have, of these with the nearest.
    """
    (left, left_count), (right, right_count) = (_alike(clips[clips[:, CLIP_SIDE] == side]) for side in (LEFT, RIGHT))
    here = (right >= low) & (right < high)
    right, right_count = right[here], right_count[here]
    first, last = np.searchsorted(left, right - APART), np.searchsorted(left, right + APART, side="right")
    pairs, both = [], []
    for place, count, i, j in zip(right.tolist(), right_count.tolist(), first.tolist(), last.tolist(), strict=True):
        if i < j:
            best = min(range(i, j), key=lambda k: (-left_count[k], abs(left[k] - place), left[k]))
            if count + left_count[best] >= LEAST_CLIPS:
                pairs.append(Gap(place, int(left[best])))
                both.append(count + left_count[best])
    if not pairs:
        return []
    at = np.array([item.right for item in pairs])
    depth = np.searchsorted(np.sort(reads.start), at) - np.searchsorted(np.sort(reads.end), at)
    return [item for item, enough in zip(pairs, settings.enough(np.array(both), depth), strict=True) if enough]


def _alike(clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(places, sorted; at each the most clips that have the same bases next to the aligned ones)."""
    shown, count = np.unique(clips[:, [CLIP_PLACE, CLIP_WORD]], axis=0, return_counts=True)
    places, first = np.unique(shown[:, 0], return_index=True)
    return places, np.maximum.reduceat(count, first) if len(places) else count


def assembled(gap: Gap, batch: ReadBatch, reference: ReferenceSlice) -> Edit | None:
    """The insertion that the reads around a gap assemble to; `batch` has those within `MATES_WITHIN`, unmapped mates too."""
    right, left = gap
    before, behind = reference.between(right - WORDS[0], right), reference.between(left, left + WORDS[0])
    if len(before) < WORDS[0] or len(behind) < WORDS[0] or max(before.max(), behind.max()) > 3:
        return None
    middle = bridge(list(_pool(gap, batch)), before.tobytes(), behind.tobytes())
    if middle is None:
        return None
    if left <= right:
        edit = Edit(left, left, reference[left:right] + middle)
    else:
        edit = _trimmed(Edit(right, left, middle), reference)
    return _left_aligned(edit, reference) if edit.type == VariantType.INSERTION else None


def _trimmed(edit: Edit, reference: ReferenceSlice) -> Edit:
    start, end, alt = edit
    while start < end and alt and alt[0] == reference[start]:
        start, alt = start + 1, alt[1:]
    while start < end and alt and alt[-1] == reference[end - 1]:
        end, alt = end - 1, alt[:-1]
    return Edit(start, end, alt)


def _pool(gap: Gap, batch: ReadBatch) -> Iterator[tuple[bytes, np.ndarray]]:
    """Reads that are clipped near a gap, and unmapped ones in both orientations; `MOST_IN_POOL` of them, by their names."""
    low, high = min(gap) - APART, max(gap) + APART
    unmapped = (batch.flag & UNMAPPED) != 0
    wanted = unmapped.copy()
    for place, operation in ((batch.start, batch.cigar_offset[:-1]), (batch.end, batch.cigar_offset[1:] - 1)):
        near = np.flatnonzero(~unmapped & (place >= low) & (place <= high))
        clip = operation[near]
        wanted[near] |= (batch.cigar_op[clip] == SOFT_CLIP) & (batch.cigar_length[clip] >= LEAST_OF_POOL)
    chosen = np.flatnonzero(wanted)
    chosen = np.sort(chosen[np.argsort(batch.name_hash[chosen], kind="stable")[:MOST_IN_POOL]])
    for i in chosen.tolist():
        part = slice(batch.base_offset[i], batch.base_offset[i + 1])
        codes, qualities = batch.bases[part], batch.qualities[part]
        yield codes.tobytes(), qualities
        if unmapped[i]:
            yield np.where(codes < 4, 3 - codes, codes)[::-1].astype(np.uint8).tobytes(), qualities[::-1]


def insertions_of(edits: set[Edit], reference: ReferenceSlice) -> Insertions:
    """As arrays for the kernels."""
    from varproof.candidates.finding_numba_fns import sequence_key

    listed = sorted(edits, key=lambda item: (item.start, len(item.alt), item.alt))
    codes = [np.frombuffer(item.alt, np.uint8) for item in listed]
    return Insertions(
        start=np.array([item.start for item in listed], np.int64),
        shift=np.array(
            [steps_to_the_right(item, reference, min(reference.end, item.start + MAX_SHIFT), UNKNOWN) for item in listed],
            np.int64,
        ),
        offset=np.cumsum([0, *map(len, codes)]).astype(np.int64),
        bases=np.concatenate([*codes, np.empty(0, np.uint8)]),
        key=np.array([sequence_key(item, 0) for item in codes], np.int64),
    )


def with_insertions(
    differences: Differences, reads: CandidateReads, clips: np.ndarray, insertions: Insertions, reference: ReferenceSlice
) -> Differences:
    """Differences with a row more for each clip that shows one of the insertions."""
    from varproof.candidates.clips_numba_fns import inserted_rows

    if not len(insertions.start) or not len(clips):
        return differences
    more = inserted_rows(reads, clips, insertions, reference.codes, reference.start)
    rows = np.concatenate([differences.rows, more])
    rows = rows[np.argsort(rows[:, READ], kind="stable")]
    offset = differences.offset + np.searchsorted(np.sort(more[:, READ]), np.arange(len(differences.offset)))
    return Differences(rows, offset, differences.coverage)


def _left_aligned(edit: Edit, reference: ReferenceSlice) -> Edit:
    return left_aligned(edit, reference, max(reference.start, edit.start - MAX_SHIFT), UNKNOWN)
