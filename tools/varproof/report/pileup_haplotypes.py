"""The haplotypes of a pileup: which alleles of the list lie in a picture's window, and which of them each read carries.

What a read shows of an allele is what packing found for the tensor of that allele. Rows of two tensors are known to be of one
read by all that they have in common: bases and qualities where the windows overlap, and what is stored of the read as a whole.
Nothing is drawn here.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from varproof.formats.tensors import (
    ALT_MISMATCHES,
    CLIPPED,
    EDITS,
    FLAGS,
    IMPROPER,
    INSERT_SIZE,
    MAPQ,
    NOT_COMPARED,
    NOTHING,
    READ1_REVERSE,
    REF_LENGTH,
    ROW_PAIRED,
    ROW_REVERSE,
    SUPPORTS_ALT,
    PackedTensors,
    TensorReader,
)
from varproof.variants.candidate import trimmed_alleles
from varproof.variants.chunks import NEIGHBOUR_REACH

CARRIES, DIFFERS, UNTOLD = 1, 0, -1
"""What a read shows of an allele: it carries it; it reaches its place and does not; it does not tell."""

MOST_ALLELES = 12
"""Of more alleles in a window, the candidate's own and those nearest to it are shown."""

_OF_THE_READ = ROW_REVERSE | ROW_PAIRED | READ1_REVERSE | IMPROPER
_CLEAR = 0.1
"""In cis or in trans is what at most this share of the telling reads contradicts."""
_LEAST = 2


@dataclass(frozen=True)
class Allele:
    """reference[start:end] becomes `alt`; trimmed, 0-based, half-open. A deletion without a sequence keeps its symbol.

    record: 0-based position, REF and ALT as the list has them; two spellings of one allele are equal.
    """

    start: int
    end: int
    alt: str
    record: tuple[int, str, str] = field(compare=False)


@dataclass(frozen=True)
class Group:
    """k alleles of a window, by position; `own`: which one is the picture's.

    states: per track int8 (rows of the track, k): CARRIES, DIFFERS or UNTOLD, rows as stored. left_out: number of alleles
    that are not shown.
    """

    alleles: tuple[Allele, ...]
    own: int
    states: tuple[np.ndarray, ...]
    left_out: int


@dataclass(frozen=True)
class Haplotype:
    """What reads of one haplotype show of each allele (UNTOLD where none tells), and how many reads show it, by track."""

    shows: tuple[int, ...]
    reads: tuple[int, ...]


def allele_of(tensors: PackedTensors, index: int) -> Allele:
    """What a candidate changes, as its record has it."""
    position, ref, alt = record = int(tensors.position[index]), str(tensors.ref[index]), str(tensors.alt[index])
    if set(alt) <= set("ACGTN"):
        start, ref, alt = trimmed_alleles(position, ref, alt)
        return Allele(start, start + len(ref), alt, record)
    return Allele(position + 1, position + 1 + int(tensors.allele_code[index, REF_LENGTH]), alt, record)


def window_start(tensors: PackedTensors, index: int) -> int:
    """Position of the window's first column."""
    return int(tensors.centre[index]) - tensors.settings.window // 2


def in_window(tensors: PackedTensors, index: int, others: PackedTensors) -> list[int]:
    """Which of `others` touch the window of candidate `index`, ascending; not its own allele, however often listed."""
    first, window, own = window_start(tensors, index), tensors.settings.window, allele_of(tensors, index)
    near = (others.contig == tensors.contig[index]) & (others.skipped == "")
    near &= (others.position > first - NEIGHBOUR_REACH) & (others.position < first + window)
    found = []
    for i in np.flatnonzero(near).tolist():
        allele = allele_of(others, i)
        if allele != own and allele.start < first + window and max(allele.end, allele.start + 1) > first:
            found.append(i)
    return found


def neighbours(reader: TensorReader, index: int) -> list[PackedTensors]:
    """Tensors, one candidate each, of those of a file that lie in the window of candidate `index`; the file's order.

    Only records near to it are read: those that start at most `NEIGHBOUR_REACH` before the window, or in it.
    """
    tensors = reader.read(index, index + 1)
    first = window_start(tensors, 0)
    found: list[PackedTensors] = []
    for step in (-1, 1):
        number = index + step
        while 0 <= number < reader.size:
            other = reader.read(number, number + 1)
            position = int(other.position[0])
            if other.contig[0] != tensors.contig[0] or not (
                first - NEIGHBOUR_REACH < position < first + tensors.settings.window
            ):
                break
            found += [other] * len(in_window(tensors, 0, other))
            number += step
        if step < 0:
            found.reverse()
    return found


def group_of(tensors: PackedTensors, index: int, beside: Sequence[PackedTensors]) -> Group | None:
    """The group of candidate `index` with the candidates `beside` (one each) in its window; None where there are none."""
    if tensors.skipped[index]:
        return None
    own = allele_of(tensors, index)
    others: dict[Allele, PackedTensors] = {}
    for other in beside:
        if in_window(tensors, index, other):
            others.setdefault(allele_of(other, 0), other)
    if not others:
        return None
    nearest = sorted(others, key=lambda allele: (_distance(own, allele), allele.start, allele.end, allele.alt))
    shown = sorted([own, *nearest[: MOST_ALLELES - 1]], key=lambda allele: (allele.start, allele.end, allele.alt))
    states = []
    for track in range(tensors.tracks):
        columns = [
            _shown(tensors.rows[_rows(tensors, index, track)])
            if allele is own
            else _told(tensors, index, track, others[allele])
            for allele in shown
        ]
        states.append(np.stack(columns, axis=1).astype(np.int8))
    return Group(tuple(shown), shown.index(own), tuple(states), len(others) + 1 - len(shown))


def own_states(tensors: PackedTensors, index: int) -> tuple[np.ndarray, ...]:
    """What rows show of the candidate's own allele, as the states of a `Group` of it alone: per track int8 (rows, 1)."""
    return tuple(_shown(tensors.rows[_rows(tensors, index, track)]).astype(np.int8)[:, None] for track in range(tensors.tracks))


def _distance(one: Allele, other: Allele) -> int:
    """Bases between two alleles; negative where they overlap."""
    return max(one.start, other.start) - min(one.end, other.end)


def _rows(tensors: PackedTensors, index: int, track: int) -> slice:
    first, last = tensors.row_offset[index * tensors.tracks + track :][:2]
    return slice(int(first), int(last))


def _shown(rows: np.ndarray) -> np.ndarray:
    """What rows show of the allele of their own tensor, (n,)."""
    told = np.where(rows[:, ALT_MISMATCHES] == NOT_COMPARED, UNTOLD, DIFFERS)
    return np.where(rows[:, FLAGS] & SUPPORTS_ALT, CARRIES, told)


def _told(tensors: PackedTensors, index: int, track: int, other: PackedTensors) -> np.ndarray:
    """What the rows of a track show of the allele of another tensor (one candidate), (n,)."""
    rows = _rows(tensors, index, track)
    sample = tensors.track_sample[index, track]
    same = np.flatnonzero(other.track_sample[0] == sample)
    shown = np.full(rows.stop - rows.start, UNTOLD)
    if sample < 0 or not len(same):
        return shown
    shift, window = window_start(other, 0) - window_start(tensors, index), tensors.settings.window
    low, high = max(shift, 0), min(window + shift, window)
    theirs = _rows(other, 0, int(same[0]))
    reads = _identities(tensors, rows, low, high)
    found = defaultdict(list)
    for read, state in zip(
        _identities(other, theirs, low - shift, high - shift), _shown(other.rows[theirs]).tolist(), strict=True
    ):
        found[read].append(state)
    alike, taken = Counter(reads), Counter[bytes]()
    for row, read in enumerate(reads):
        states = found.get(read, [])
        if read and len(set(states)) == 1:
            shown[row] = states[0]
        elif read and states and len(states) == alike[read]:  # rows are in one order in both
            shown[row] = states[taken[read]]
            taken[read] += 1
    return shown


def _identities(tensors: PackedTensors, rows: slice, low: int, high: int) -> list[bytes]:
    """What tells the reads of rows apart, from columns [low, high) of the window; empty without a base there."""
    base, columns = tensors.base[rows, low:high], tensors.rows[rows]
    whole = columns[:, [MAPQ, FLAGS, CLIPPED, EDITS, INSERT_SIZE]]
    whole[:, 1] &= _OF_THE_READ
    parts = np.concatenate([whole, base, tensors.quality[rows, low:high]], axis=1)
    there = (base != NOTHING).any(axis=1)
    return [part.tobytes() if here else b"" for part, here in zip(parts, there.tolist(), strict=True)]


def haplotypes_of(group: Group) -> tuple[list[Haplotype], tuple[int, ...]]:
    """(haplotypes that reads show, reads that could be of several or tell nothing, by track).

    A read that does not tell all alleles is counted with the one haplotype that it fits; where it fits several, one that more
    than a single read shows in full is preferred. Those with the picture's own allele come first, then those of most reads.
    """
    tracks = len(group.states)
    count: dict[tuple[int, ...], list[int]] = {}
    for track, states in enumerate(group.states):
        for shows in map(tuple, states.tolist()):
            count.setdefault(shows, [0] * tracks)[track] += 1

    def told(shows: tuple[int, ...]) -> int:
        return sum(state != UNTOLD for state in shows)

    found: dict[tuple[int, ...], list[int]] = {}
    whole: dict[tuple[int, ...], int] = {}
    undecided = [0] * tracks
    for shows in sorted(count, key=lambda shows: (-told(shows), -sum(count[shows]), shows)):
        fitting = [full for full in found if all(state in (UNTOLD, of) for state, of in zip(shows, full, strict=True))]
        if len(fitting) > 1:
            fitting = [full for full in fitting if whole[full] >= _LEAST] or fitting
        if not told(shows) or len(fitting) > 1:
            target = undecided
        elif fitting:
            target = found[fitting[0]]
        else:
            target, whole[shows] = found.setdefault(shows, [0] * tracks), sum(count[shows])
        for track, reads in enumerate(count[shows]):
            target[track] += reads

    def rank(item: tuple[tuple[int, ...], list[int]]) -> tuple[bool, int, tuple[int, ...]]:
        return item[0][group.own] != CARRIES, -sum(item[1]), tuple(-state for state in item[0])

    return [Haplotype(shows, tuple(reads)) for shows, reads in sorted(found.items(), key=rank)], tuple(undecided)


def joint_counts(group: Group, other: int, tracks: Sequence[int]) -> tuple[int, int, int]:
    """(reads with both, with the own allele only, with allele `other` only) in `tracks`, of the reads that tell both."""
    states = np.concatenate([group.states[track] for track in tracks])
    own, theirs = states[:, group.own], states[:, other]
    both, first, second = ((CARRIES, CARRIES), (CARRIES, DIFFERS), (DIFFERS, CARRIES))
    counts = [int(np.count_nonzero((own == here) & (theirs == there))) for here, there in (both, first, second)]
    return counts[0], counts[1], counts[2]


def phase_of(both: int, first: int, second: int) -> str:
    """How two alleles lie to each other by `joint_counts`: "cis", "trans", or nothing where reads do not say.

    In cis one may be on a part of the reads of the other, as a somatic variant on the haplotype of a germline one.

    >>> phase_of(20, 0, 15), phase_of(0, 9, 12), phase_of(8, 6, 7), phase_of(0, 5, 0)
    ('cis', 'trans', '', '')
    """
    apart = min(first, second)
    if both >= _LEAST and apart <= _CLEAR * both:
        return "cis"
    return "trans" if apart >= _LEAST and both <= _CLEAR * apart else ""
