"""Which called and true alleles make the same sequence, whatever records they are written in.

Some calls and some true variants belong together if both, put into the reference, make one sequence, and no smaller part of
either would do. `same_sequences` finds all such pairs of sets along paths through both at once, as vcfeval does (Cleary et al.
2015): both sequences grow from a place where neither is changed, the shorter one first, and a path ends where they differ, or
where both are back in step. Other than vcfeval it knows no genotypes: alleles are unphased, and may be of different cells, so
that one call may serve several true variants.

An indel stands for all places that a repeat lets it lie at. Two indels that could lie at one place and together would be one
indel, or nothing, are alternatives (lengths of one repeat), and never make a sequence together.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain, combinations
from typing import NamedTuple, Protocol

from varproof.variants.candidate import trimmed_alleles
from varproof.variants.edit import Edit
from varproof.variants.shifting import steps_left, steps_right, turned

MOST_STEPS = 5_000
"""Steps of the search, for each true variant of those that lie together; crowds that take more are left unfinished."""

MOST_TOGETHER = 8
"""Alleles of a set with indels whose smaller parts are all tried."""

_SHORT_REACH = 60
"""Most indels move less far than this, bp."""

Pair = tuple[tuple[int, ...], tuple[int, ...]]
"""Numbers of calls and of true variants that make one sequence, both ascending."""


class Bases(Protocol):
    """The reference along a contig."""

    def __call__(self, start: int, end: int) -> str:
        """Bases from start to end, cut at the contig's ends; one that is not known equals none but itself."""


class Placed(NamedTuple):
    """An allele that replaces `length` bases, at any start from `low` to `high`; at `low` they become `alt`."""

    low: int
    high: int
    length: int
    alt: str

    @property
    def end(self) -> int:
        """End (exclusive) of the last base that it may touch."""
        return self.high + self.length

    @property
    def length_change(self) -> int:
        """Bases that the sequence becomes longer by."""
        return len(self.alt) - self.length

    @property
    def is_indel(self) -> bool:
        """Whether it only inserts, or only deletes."""
        return not self.length or not self.alt

    def alt_at(self, start: int) -> str:
        """What it puts in at one of its starts."""
        return self.alt if start == self.low else turned(self.alt, self.low - start)


def sequences_made(alleles: Sequence[Placed], bases: Bases, start: int, end: int) -> set[str]:
    """All sequences of start..end with every one of the alleles put in, wherever they may lie; empty where they overlap."""
    made = set()
    open_ones: list[tuple[str, int, tuple[Placed, ...]]] = [("", start, tuple(alleles))]
    while open_ones:
        before, floor, rest = open_ones.pop()
        if not rest:
            made.add(before + bases(floor, end))
        for i, allele in enumerate(rest):
            place, others = max(allele.low, floor), rest[:i] + rest[i + 1 :]
            if place <= allele.high and all(other.high >= place + allele.length for other in others):
                text = before + bases(floor, place) + allele.alt_at(place)
                open_ones.append((text, place + allele.length, others))
    return made


def are_alternatives(first: Placed, second: Placed, bases: Bases) -> bool:
    """Whether two indels could lie at one place, and together would be one indel, or nothing."""
    if not (first.is_indel and second.is_indel):
        return False
    same_point = not first.length and not second.length and max(first.low, second.low) <= min(first.high, second.high)
    if not (same_point or (first.low < second.end and second.low < first.end)):
        return False
    start, end = min(first.low, second.low), max(first.end, second.end)
    unchanged = bases(start, end)
    together = (trimmed_alleles(start, unchanged, text) for text in sequences_made((first, second), bases, start, end))
    return any(not ref or not alt for _, ref, alt in together)


class _Side:
    """The calls, or the true variants, by where they begin."""

    def __init__(self, alleles: Sequence[Placed], bases: Bases) -> None:
        self.alleles = alleles
        self.starts = sorted({allele.low for allele in alleles})
        self.last = max(allele.high for allele in alleles)
        self._at: dict[int, list[int]] = {}
        for i, allele in enumerate(alleles):
            self._at.setdefault(allele.low, []).append(i)
        moving = sorted((allele.low, i) for i, allele in enumerate(alleles) if allele.high > allele.low)
        self._moving, self._moving_starts = [i for _, i in moving], [low for low, _ in moving]
        self._farthest = max((allele.high - allele.low for allele in alleles), default=0)
        self._alternatives: dict[tuple[int, int], bool] = {}
        self._bases = bases

    def at(self, place: int) -> list[int]:
        """Alleles whose first place it is."""
        return self._at.get(place, [])

    def next_start(self, place: int) -> int:
        """Where the next allele begins that begins after a place; far away if none does."""
        i = bisect_right(self.starts, place)
        return self.starts[i] if i < len(self.starts) else 1 << 60

    def that_may_follow(self, used: tuple[int, ...], place: int, floor: int) -> Iterator[int]:
        """Alleles that can be put in at a place after the `used` ones, the last of which ended at `floor`.

        Each lies as far left as it can: bases that no allele changes may be passed without changing the sequence.
        """
        moved: list[int] = []
        if place == floor and self._moving:
            first = bisect_left(self._moving_starts, place - self._farthest)
            moved = self._moving[first : bisect_left(self._moving_starts, place)]
        for i in chain(self.at(place), moved):
            if place <= self.alleles[i].high and i not in used and not any(self._alternative(i, other) for other in used):
                yield i

    def _alternative(self, first: int, second: int) -> bool:
        key = (min(first, second), max(first, second))
        if key not in self._alternatives:
            self._alternatives[key] = are_alternatives(self.alleles[first], self.alleles[second], self._bases)
        return self._alternatives[key]


class _State(NamedTuple):
    """Both sequences, up to a place in the reference each; `ahead` is the side whose sequence is longer, by `lead`."""

    places: tuple[int, int]
    floors: tuple[int, int]
    used: tuple[tuple[int, ...], tuple[int, ...]]
    lead: str
    ahead: int


def _grown(state: _State, side: int, place: int, text: str, allele: int | None) -> _State | None:
    """The side's sequence grown by a text, after which it goes on at `place`; None where the sequences differ."""
    lead, ahead = state.lead, state.ahead
    if not lead:
        lead, ahead = text, side
    else:
        common = min(len(lead), len(text))
        if lead[:common] != text[:common]:
            return None
        lead, ahead = (lead[common:], ahead) if len(text) <= common else (text[common:], side)
    places = (place, state.places[1]) if side == 0 else (state.places[0], place)
    if allele is None:
        return _State(places, state.floors, state.used, lead, ahead)
    floors = (place, state.floors[1]) if side == 0 else (state.floors[0], place)
    used = list(state.used)
    used[side] = (*used[side], allele)
    return _State(places, floors, (used[0], used[1]), lead, ahead)


def same_sequences(calls: Sequence[Placed], truth: Sequence[Placed], bases: Bases) -> tuple[set[Pair], bool]:
    """All sets of calls and of true variants that make one sequence; whether the search came to its end."""
    if not calls or not truth:
        return set(), True
    sides = (_Side(calls, bases), _Side(truth, bases))
    found, complete, steps = set[Pair](), True, 0
    # By the number of alleles that are put in, so that the simplest sets are found before a search is given up.
    open_ones: list[list[_State]] = [[]]
    for place in sorted({*sides[0].starts, *sides[1].starts}, reverse=True):
        unchanged = _State((place, place), (-1, -1), ((), ()), "", 0)
        for side in (0, 1):
            open_ones[0] += [grown for i in sides[side].at(place) if (grown := _with(unchanged, sides, side, i))]
    most = MOST_STEPS * len(truth)
    for states in open_ones:
        following: list[_State] = []
        while states and steps < most:
            state = states.pop()
            steps += 1
            if state.lead or state.places[0] != state.places[1]:
                _go_on(state, sides, bases, states, following)
            elif all(state.used):
                found.add((tuple(sorted(state.used[0])), tuple(sorted(state.used[1]))))
        complete &= not states
        if following:
            open_ones.append(following)
    minimal = set()
    for pair in found:
        chosen = [calls[i] for i in pair[0]], [truth[i] for i in pair[1]]
        if max(map(len, chosen)) > MOST_TOGETHER and any(allele.length_change for allele in chain(*chosen)):
            complete = False
        elif _is_minimal(*chosen, bases):
            minimal.add(pair)
    return minimal, complete


def _with(state: _State, sides: tuple[_Side, _Side], side: int, allele: int) -> _State | None:
    put_in, place = sides[side].alleles[allele], state.places[side]
    return _grown(state, side, place + put_in.length, put_in.alt_at(place), allele)


def _go_on(
    state: _State, sides: tuple[_Side, _Side], bases: Bases, with_as_many: list[_State], with_one_more: list[_State]
) -> None:
    """Add what a state can become: an allele is put in, or bases are taken as they are, always on the side that is behind."""
    places, lead = state.places, state.lead
    side = 1 - state.ahead if lead else int(places[1] < places[0])
    if places[0] > sides[0].last and places[1] > sides[1].last:
        ahead = len(lead) if state.ahead == 0 else -len(lead)
        if ahead != places[0] - places[1]:
            return  # of different lengths, and nothing is left that could make them equal
    place, here = places[side], sides[side]
    for i in here.that_may_follow(state.used[side], place, state.floors[side]):
        grown = _with(state, sides, side, i)
        if grown:
            with_one_more.append(grown)
    end = min(here.next_start(place), place + (len(lead) or places[1 - side] - place))
    text = bases(place, end)
    if text:
        grown = _grown(state, side, place + len(text), text, None)
        if grown:
            with_as_many.append(grown)


def _is_minimal(calls: list[Placed], truth: list[Placed], bases: Bases) -> bool:
    """Whether no smaller part of the calls makes what the true variants make, and none of these what the calls make."""
    if not any(allele.length_change for allele in chain(calls, truth)):
        return True  # every base that is changed is needed
    start = min(allele.low for allele in chain(calls, truth))
    end = max(allele.end for allele in chain(calls, truth))
    for whole, other in ((calls, truth), (truth, calls)):
        wanted = sequences_made(other, bases, start, end)
        parts = chain.from_iterable(combinations(whole, number) for number in range(len(whole)))
        if any(wanted & sequences_made(part, bases, start, end) for part in parts):
            return False
    return True


def placed(edit: Edit, bases: Bases, most: int) -> Placed:
    """An allele with all places where it may lie, up to `most` bp to either side."""
    if not edit.may_move:
        return Placed(edit.start, edit.start, edit.end - edit.start, edit.alt)
    moved = edit.alt or bases(edit.start, edit.end)
    reach = min(_SHORT_REACH, most)
    while True:
        first = max(0, edit.start - reach)
        around = bases(first, edit.end + reach)
        left = steps_left(around, edit.start - first, moved, 0)
        right = steps_right(around, edit.end - first, moved, len(around))
        if max(left, right) < reach or reach == most:
            return Placed(edit.start - left, edit.start + right, edit.end - edit.start, turned(edit.alt, left))
        reach = most
