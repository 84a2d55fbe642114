"""Which calls make a true variant: by the sequence that they make, alone or together, however records are written.

A true variant is found where kept calls, put into the reference, make its sequence, or that of it and its neighbours in the
truth. These calls are true. Other calls are partial, neither true nor false, if with calls that are not kept they would make a
true variant that no single call makes, if they are some bases of a true MNV, or if they are pieces of a true replacement. All
others are false. What the truth file holds as germline may be part of such a sequence, too: an MNV of a somatic SNV and a
germline one beside it is no false call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from varproof.evaluation.matching import NONE, Matching
from varproof.evaluation.sequences import Bases, Placed, placed, same_sequences, sequences_made
from varproof.evaluation.variants import Calls, Key, Truth
from varproof.formats.events import GERMLINE_EVENTS
from varproof.variants.edit import TYPES, Edit, VariantType
from varproof.variants.placement import MAX_SHIFT

NEAR_BP = 10
"""Variants with fewer unchanged bases between them are looked at together."""

LONGEST_REPLACEMENT = 200
"""Of longer ones pieces are not recognised, bp."""

_REPLACEMENT = TYPES.index(VariantType.REPLACEMENT)


class Reference(Protocol):
    """Sequences of contigs."""

    def bases(self, contig: str, start: int, end: int) -> str:
        """Upper-case bases of contig:start-end, 0-based half-open, cut at the contig's ends."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """A place with so many variants that not all sets of them were tried; from start to end, 0-based half-open."""

    contig: str
    start: int
    end: int
    calls: int
    true_variants: int

    def __str__(self) -> str:
        return f"{self.contig}:{self.start + 1}-{self.end}"


@dataclass(frozen=True, slots=True)
class HaplotypeMatching:
    """The matching, and the places where the search did not come to its end; what was found there counts."""

    matching: Matching
    crowds: list[Crowd]


class KnownBases:
    """The reference along a contig, from the FASTA or, without one, from the REF of records.

    Bases that are not known, or not one of ACGT, come as symbols of their own, which equal nothing but themselves.
    """

    def __init__(self, contig: str, reference: Reference | None, known: dict[int, str]) -> None:
        """`known`: base by position, used if there is no reference."""
        self._contig, self._reference, self._known = contig, reference, known

    def __call__(self, start: int, end: int) -> str:
        start = max(start, 0)
        if self._reference is None:
            return "".join(self._known.get(place) or _symbol(place) for place in range(start, end))
        text = self._reference.bases(self._contig, start, end)
        if _BASES.issuperset(text):
            return text
        return "".join(base if base in _BASES else _symbol(start + i) for i, base in enumerate(text))


_BASES = frozenset("ACGT")


def _symbol(place: int) -> str:
    return chr(0x100 + place % 0x100000)


@dataclass(frozen=True, slots=True)
class _Group:
    """Variants near each other: numbers of calls and of true variants, each with its places, and germline ones."""

    calls: list[tuple[int, Placed]]
    truth: list[tuple[int, Placed]]
    germline: list[Placed]

    @property
    def all(self) -> list[Placed]:
        """Places of all of them."""
        return [entry for _, entry in self.calls] + [entry for _, entry in self.truth] + self.germline


def match_haplotypes(calls: Calls, truth: Truth, exact: Matching, reference: Reference | None) -> HaplotypeMatching:
    """Matching by the sequences that alleles make; what is matched by `exact` stays so.

    Without a reference its bases are known where the REF of calls or true variants shows them: indels match in the places where
    records have them.
    """
    truth_of_call, call_of_truth = exact.truth_of_call.copy(), exact.call_of_truth.copy()
    needed, partial = exact.needed_call.copy(), exact.partial.copy()
    is_exact = exact.true
    crowds = []
    for contig, bases, group in _groups(calls, truth, reference):
        if len(group.calls) == len(group.truth) == 1 and not group.germline and is_exact[group.calls[0][0]]:
            continue
        called = [entry for _, entry in group.calls]
        known = [entry for _, entry in group.truth] + group.germline
        pairs, complete = same_sequences(called, known, bases)
        alone = {some_truth[0] for some_calls, some_truth in pairs if len(some_calls) == len(some_truth) == 1}
        for some_calls, some_truth in sorted(pairs):
            makers = [group.calls[i][0] for i in some_calls]
            made = [group.truth[i][0] for i in some_truth if i < len(group.truth)]
            if made:
                _take(makers, made, len(some_truth) == 1, calls.errors, truth_of_call, call_of_truth, needed)
                if not alone.issuperset(some_truth):
                    partial[makers] = True
        pieces = [i for i, entry in group.calls if not (partial[i] or is_exact[i]) and _is_piece(entry, group, truth, bases)]
        partial[pieces] = True
        if not complete:
            start, end = min(entry.low for entry in group.all), max(entry.end for entry in group.all)
            crowds.append(Crowd(contig, start, end, len(group.calls), len(group.truth)))
    return HaplotypeMatching(Matching(truth_of_call, call_of_truth, partial, needed, by_haplotype=True), crowds)


def _take(
    makers: list[int], made: list[int], alone: bool, errors: Any, truth_of_call: Any, call_of_truth: Any, needed: Any
) -> None:
    """Enter that some calls together make some true variants; the set that the lowest threshold keeps counts."""
    last = max(makers, key=lambda i: (errors[i], i))
    for call in makers:
        if needed[call] == NONE or errors[last] < errors[needed[call]]:
            needed[call] = last
    for variant in made:
        if call_of_truth[variant] == NONE or errors[last] < errors[call_of_truth[variant]]:
            call_of_truth[variant] = last
    if len(makers) == 1 and alone and truth_of_call[makers[0]] == NONE:
        truth_of_call[makers[0]] = made[0]


def _groups(calls: Calls, truth: Truth, reference: Reference | None) -> Iterator[tuple[str, KnownBases, _Group]]:
    """Groups that hold both calls and true variants, along the contigs in the order of the truth."""
    germline = [key for key, event in truth.others.items() if event.partition(":")[0].upper() in GERMLINE_EVENTS]
    calls_on, truth_on, germline_on = _by_contig(calls.keys), _by_contig(truth.keys), _by_contig(germline)
    for contig, numbers in truth_on.items():
        called = calls_on.get(contig, [])
        near = _near([truth.keys[i] for i in numbers], [calls.keys[i] for i in called])
        called = [called[i] for i in near]
        if not called:
            continue
        context = [germline[i] for i in germline_on.get(contig, [])]
        context = sorted(context[i] for i in _near([truth.keys[i] for i in numbers], context))
        bases = KnownBases(contig, reference, {} if reference else _shown(calls, called) | _shown(truth, numbers))
        yield from ((contig, bases, group) for group in _grouped(calls, called, truth, numbers, context, bases))


def _by_contig(keys: Sequence[Key]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key[0], []).append(i)
    return found


def _near(truth: list[Key], others: list[Key]) -> list[int]:
    """Which of the others, all of one contig, an indel's repeat could bring to one of the true variants."""
    if not others:
        return []
    spans = sorted((key[1] - MAX_SHIFT, key[2] + MAX_SHIFT) for key in truth)
    starts = np.array([start for start, _ in spans])
    ends = np.maximum.accumulate([end for _, end in spans])
    last = np.searchsorted(starts, [key[2] for key in others], side="right") - 1
    inside = (last >= 0) & (ends[np.maximum(last, 0)] >= [key[1] for key in others])
    return [int(i) for i in np.flatnonzero(inside)]


def _shown(variants: Calls | Truth, numbers: list[int]) -> dict[int, str]:
    """The reference's bases as REF alleles show them, by position."""
    return {variants.keys[i][1] + k: base for i in numbers for k, base in enumerate(variants.refs[i]) if base in _BASES}


def _grouped(
    calls: Calls, called: list[int], truth: Truth, known: list[int], germline: list[Key], bases: KnownBases
) -> Iterator[_Group]:
    entries = [
        (placed(Edit(*keys[i][1:]), bases, MAX_SHIFT), kind, i)
        for kind, keys, numbers in ((0, calls.keys, called), (1, truth.keys, known), (2, germline, list(range(len(germline)))))
        for i in numbers
    ]
    entries.sort(key=lambda entry: entry[:2])
    group, end = _Group([], [], []), 0
    for entry, kind, i in entries:
        if entry.low >= end + NEAR_BP:
            if group.calls and group.truth:
                yield group
            group = _Group([], [], [])
        end = max(end, entry.end)
        if kind == 2:
            group.germline.append(entry)
        else:
            (group.calls, group.truth)[kind].append((i, entry))
    if group.calls and group.truth:
        yield group


def _is_piece(call: Placed, group: _Group, truth: Truth, bases: Bases) -> bool:
    """Whether a call is a step of the shortest way from the reference to a true replacement, its indel not cut."""
    for i, known in group.truth:
        if truth.types[i] != _REPLACEMENT or call.length_change not in (0, known.length_change):
            continue
        start, end = min(call.low, known.low), max(call.end, known.end)
        inside = call.low >= known.low - NEAR_BP and call.end <= known.end + NEAR_BP
        if not inside or max(end - start, len(known.alt)) > LONGEST_REPLACEMENT:
            continue
        unchanged = bases(start, end)
        (halfway,) = sequences_made([call], bases, start, end)
        (whole,) = sequences_made([known], bases, start, end)
        if edit_distance(unchanged, whole) == edit_distance(unchanged, halfway) + edit_distance(halfway, whole):
            return True
    return False


def edit_distance(first: str, second: str) -> int:
    """Fewest substitutions, insertions and deletions of a base that turn one sequence into the other.

    >>> edit_distance("ACG", "TT")
    3
    """
    row = list(range(len(second) + 1))
    for i, one in enumerate(first, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(second, 1):
            before, row[j] = row[j], min(before + (one != other), row[j] + 1, row[j - 1] + 1)
    return row[len(second)]
