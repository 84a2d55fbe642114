"""One fragment of real reads as it would have been read from a haplotype that carries a variant.

A fragment keeps its length and its place on the haplotype. Left of the variant that is its place on the reference; so a
fragment that begins left of the variant keeps its first read's start, and what lies right of the variant moves. A fragment
that begins inside a deletion does not exist on that haplotype. Bases keep their qualities and their sequencing errors, own
gaps included; where the haplotype brings bases to the read that it did not have, they are the reference's, with the
qualities of those cycles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from varproof.reads.sam import DELETION, DIFFERENT, EQUAL, INSERTION, MATCH, SKIP, SOFT_CLIP
from varproof.variants.edit import Edit

Reference = Callable[[int, int], str]
"""Upper-case bases of the contig from start to end, 0-based half-open."""


class Base(NamedTuple):
    """One base of a read: what was read, how well, and the reference position it stands for (None: inserted)."""

    base: str
    quality: int
    position: int | None


def own_bases(sequence: str, qualities: list[int], start: int, cigar: list[tuple[int, int]]) -> list[Base]:
    """The bases of an aligned read; soft-clipped ones stand for the positions that they would have without the clip."""
    out: list[Base] = []
    query, position = 0, start - (cigar[0][1] if cigar and cigar[0][0] == SOFT_CLIP else 0)
    for operation, length in cigar:
        if operation in (MATCH, EQUAL, DIFFERENT, SOFT_CLIP):
            for i in range(query, query + length):
                out.append(Base(sequence[i], qualities[i], position + i - query))
            query += length
            position += length
        elif operation == INSERTION:
            out += [Base(sequence[i], qualities[i], None) for i in range(query, query + length)]
            query += length
        elif operation in (DELETION, SKIP):
            position += length
    return out


def exists(edit: Edit, start: int) -> bool:
    """Whether a fragment that begins at a reference position exists on the haplotype: not inside what is deleted."""
    return not edit.start + len(edit.alt) <= start < edit.end


def on_haplotype(bases: list[Base], edit: Edit, reference: Reference) -> list[Base]:
    """The read that begins on the haplotype where `bases` begin on the reference.

    For reads of fragments that `exists`. What lies right of the variant on the haplotype is another place of the reference,
    `edit.length_change` to the left.
    """
    first = next(item.position for item in bases if item.position is not None)
    known: dict[int, list[Base]] = {}
    last = first - 1
    for item in bases:
        if item.position is not None:
            last = item.position
        known.setdefault(last, []).append(item)
    out: list[Base] = []
    size = len(bases)

    def quality() -> int:
        return bases[min(len(out), size - 1)].quality

    def add(position: int) -> None:
        if position in known:
            out.extend(known[position])
        elif not first <= position <= last:
            out.append(Base(reference(position, position + 1), quality(), position))

    place = first
    while len(out) < size and place < edit.start:
        add(place)
        place += 1
    aligned = min(len(edit.alt), edit.end - edit.start)
    while len(out) < size and place < edit.start + len(edit.alt):
        i = place - edit.start
        out.append(Base(edit.alt[i], quality(), edit.start + i if i < aligned else None))
        place += 1
    position = place - edit.length_change
    while len(out) < size:
        add(position)
        position += 1
    return out[:size]


# --- the alignment that an aligner would give it


MATCH_SCORE, MISMATCH, GAP_OPEN, GAP_EXTEND, END_BONUS = 1, 4, 6, 1, 5
"""Those of BWA-MEM: a gap of n costs 6 + n, an alignment up to the read's end is worth 5 more."""


@dataclass(frozen=True)
class Alignment:
    """Where a read is put: start (0-based), CIGAR as pysam's tuples, score with the bonus of each end that is reached."""

    start: int
    cigar: list[tuple[int, int]]
    score: int


def aligned(bases: list[Base], reference: Reference) -> Alignment:
    """The best of the haplotype's own alignment and of either side's diagonal through the variant, clipped where it pays."""
    positions = _slid(bases, [item.position for item in bases], reference)
    paths = [positions]
    known = [(i, position) for i, position in enumerate(positions) if position is not None]
    for i, position in (known[0], known[-1]):
        diagonal: list[int | None] = list(range(position - i, position - i + len(bases)))
        if diagonal not in paths:
            paths.append(diagonal)
    return max((_clipped(bases, path, reference) for path in paths), key=lambda found: found.score)


SLIDE = 40
"""How far a gap is tried left and right of where the haplotype has it."""


def _slid(bases: list[Base], path: list[int | None], reference: Reference) -> list[int | None]:
    """The path with each gap where most bases agree with the reference, of equal places the leftmost, as aligners write it."""
    placed = [position for position in path if position is not None]
    low = min(placed) - SLIDE
    text = reference(max(low, 0), max(placed) + 1 + SLIDE)

    def agrees(i: int, position: int) -> bool:
        at = position - max(low, 0)
        return 0 <= at < len(text) and text[at] == bases[i].base

    path = list(path)
    i = 1
    while i < len(path):
        first, last = i, i
        while last < len(path) and path[last] is None:
            last += 1
        if last == len(path):
            break
        before, after = path[first - 1], path[last]
        jump = 0 if before is None or after is None else after - before - 1
        if before is not None and after is not None and (last > first or jump > 0):
            _place(path, first, last - first, jump, agrees)
        i = last + 1
    return path


def _place(path: list[int | None], first: int, inserted: int, jump: int, agrees: Callable[[int, int], bool]) -> None:
    """Move the gap of `inserted` bases and `jump` skipped positions that lies before base `first`, in place."""
    low, high = first, first + inserted
    while low > 1 and first - low < SLIDE and path[low - 1] is not None and path[low - 2] == _position(path, low - 1) - 1:
        low -= 1
    while high < len(path) - 1 and high - first - inserted < SLIDE and path[high + 1] == _position(path, high) + 1:
        high += 1
    start = _position(path, low - 1) + 1
    size = high - low - inserted
    left = [agrees(low + k, start + k) for k in range(size)]
    right = [agrees(low + inserted + k, start + jump + k) for k in range(size)]
    scores = [sum(left[:k]) + sum(right[k:]) for k in range(size + 1)]
    best = scores.index(max(scores))
    for k in range(low, high):
        if k < low + best:
            path[k] = start + k - low
        elif k < low + best + inserted:
            path[k] = None
        else:
            path[k] = start + jump + k - low - inserted


def _clipped(bases: list[Base], path: list[int | None], reference: Reference) -> Alignment:
    """The part of a path with the best score, and clips for the rest; of equal ones the longer."""
    size = len(bases)
    placed = [position for position in path if position is not None]
    low, high = min(placed), max(placed) + 1
    text = reference(low, high)
    gains: list[int] = []
    skips: list[int] = []  # what the deletion before a base costs, which an alignment that begins there does not pay
    before: int | None = None
    for i, position in enumerate(path):
        skip = 0
        if position is None:
            gain = -GAP_EXTEND - (GAP_OPEN if i == 0 or path[i - 1] is not None else 0)
        else:
            gain = MATCH_SCORE if text[position - low] == bases[i].base else -MISMATCH
            if before is not None and position > before + 1:
                skip = GAP_OPEN + GAP_EXTEND * (position - before - 1)
            before = position
        gains.append(gain)
        skips.append(skip)
    best, total = (-(10**9), 0, 0, 0), 0
    begin, first = -(10**9), 0  # of the best place to begin so far: what it adds to the total of a later base; the place
    for i in range(size):
        here = skips[i] - total + (END_BONUS if i == 0 else 0)
        total += gains[i] - skips[i]
        if path[i] is None:
            continue
        if here > begin:
            begin, first = here, i
        score = total + begin + (END_BONUS if i == size - 1 else 0)
        if score >= best[0]:
            best = max(best, (score, i + 1 - first, first, i + 1))
    score, _, first, last = best
    return Alignment(_position(path, first), _cigar(path, first, last), score)


def _position(path: list[int | None], i: int) -> int:
    position = path[i]
    assert position is not None
    return position


def _cigar(path: list[int | None], first: int, last: int) -> list[tuple[int, int]]:
    operations: list[tuple[int, int]] = [(SOFT_CLIP, first)] if first else []

    def add(operation: int, length: int) -> None:
        if operations and operations[-1][0] == operation:
            operations[-1] = (operation, operations[-1][1] + length)
        else:
            operations.append((operation, length))

    before: int | None = None
    for position in path[first:last]:
        if position is None:
            add(INSERTION, 1)
            continue
        if before is not None and position > before + 1:
            add(DELETION, position - before - 1)
        add(MATCH, 1)
        before = position
    if last < len(path):
        add(SOFT_CLIP, len(path) - last)
    return operations
