"""Called alleles against true ones, however either is written: by the sequence that they make.

A caller may write one variant as several neighbours: an MNV as SNVs, or as a deletion, an SNV and an insertion. A true variant
is found if one called allele, or some together, make its sequence; these are true. A called allele that makes only part of it
(an SNV of a true MNV) is partial, neither true nor false. All others are false.
"""

import itertools
from collections import Counter

from candidates import Allele, normalised, snvs_of

__all__ = ["class_of", "compared", "makers", "normalised", "sequence_made"]

NEAR = 12
MOST_TOGETHER = 6


def class_of(allele: Allele) -> str:
    """SNV, MNV, insertion, deletion, or replacement of some bases by another number of them."""
    _, start, end, alt = allele
    if end - start == len(alt):
        return "SNV" if len(alt) == 1 else "MNV"
    if start == end or not alt:
        return "insertion" if start == end else "deletion"
    return "replacement"


def sequence_made(sequence: str, start: int, end: int, alleles: tuple[Allele, ...]) -> str | None:
    """The bases of start..end with alleles put in; None where they overlap or lie outside."""
    parts, place = [], start
    for _, first, last, alt in sorted(alleles, key=lambda allele: (allele[1], allele[2])):
        if first < place or last > end:
            return None
        parts += [sequence[place:first], alt]
        place = last
    return "".join([*parts, sequence[place:end]])


def makers(target: Allele, near: list[Allele], sequence: str) -> tuple[Allele, ...]:
    """The fewest called alleles that together make the sequence of a true one; none where no set does."""
    start = min([target[1], *(allele[1] for allele in near)])
    end = max([target[2], *(allele[2] for allele in near)])
    wanted = sequence_made(sequence, start, end, (target,))
    for number in range(1, min(len(near), MOST_TOGETHER) + 1):
        for together in itertools.combinations(near, number):
            if sequence_made(sequence, start, end, together) == wanted:
                return together
    return ()


def compared(called: list[Allele], truth: list[Allele], sequences: dict[str, str]) -> dict[str, dict[str, int]]:
    """Class -> found (by the class of the true one), true, partial and false (by the class of the called one)."""
    counts: dict[str, Counter[str]] = {key: Counter() for key in ("found", "true", "partial", "false")}
    true: set[Allele] = set()
    for target in truth:
        near = [
            allele
            for allele in called
            if allele[0] == target[0] and allele[1] <= target[2] + NEAR and allele[2] >= target[1] - NEAR
        ]
        made_by = makers(target, near, sequences[target[0]])
        counts["found"][class_of(target)] += bool(made_by)
        true.update(made_by)
    pieces = {piece for target in truth for piece in snvs_of(target)}
    for allele in called:
        kind = "true" if allele in true else "partial" if set(snvs_of(allele)) & pieces else "false"
        counts[kind][class_of(allele)] += 1
    return {key: dict(counter) for key, counter in counts.items()}
