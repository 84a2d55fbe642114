"""Where a candidate lies and what its haplotypes look like.

A candidate comes in as its record wrote it and goes out left-aligned, with the interval within which an equivalent
record could have placed it, so that left- and right-shifted records of one indel are one and the same from here on.
Haplotypes are windows of the reference with edits applied (Varlociraptor, "Computing a_i, p_i and o_i", step 1).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from varproof.reads.arrays import base_codes
from varproof.variants.candidate import Candidate, hashed
from varproof.variants.edit import Edit, VariantType, left_aligned, steps_to_the_right
from varproof.variants.reference import ReferenceSlice, check_reference_allele, contradicting

MAX_SHIFT = 2000
"""How far an indel is followed through a repeat, bp."""

AMBIGUOUS_MARGIN = 10
"""A candidate needs known reference bases this far on both sides, bp."""

MAX_SEEN_WHOLE = 32
"""A stretch in which an indel can be moved, and that most reads which reach it see whole, bp."""

UNKNOWN = (4,)
"""Code of N."""

SEPARATOR = np.full(8, 4, np.uint8)
"""Stands for the inside of an allele that is far longer than a read; matches nothing."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A candidate, left-aligned: reference[start:end] becomes `alt` (codes).

    `low` and `high` bound the interval in which equivalent records may place it (low = start). `shift` is how far the
    candidate can be moved right without changing the haplotype, bp.
    """

    start: int
    end: int
    alt: np.ndarray
    shift: int
    type: VariantType

    @property
    def low(self) -> int:
        """Leftmost base that an equivalent record may touch."""
        return self.start

    @property
    def high(self) -> int:
        """End (exclusive) of the last base that an equivalent record may touch."""
        return self.end + self.shift

    @property
    def reference_length(self) -> int:
        """Length of the reference allele, bp."""
        return self.end - self.start

    @property
    def length_change(self) -> int:
        """Alternative minus reference length, bp."""
        return len(self.alt) - (self.end - self.start)

    @property
    def is_indel(self) -> bool:
        """Whether the lengths of the alleles differ."""
        return len(self.alt) != self.end - self.start


def place(candidate: Candidate, reference: ReferenceSlice) -> Placement:
    """Left-align a candidate within `reference`, which must reach MAX_SHIFT beyond it on both sides where the contig does."""
    edit = Edit(candidate.start, candidate.end, base_codes(candidate.alt).tobytes())
    edit = left_aligned(edit, reference, max(reference.start, edit.start - MAX_SHIFT), UNKNOWN)
    shift = steps_to_the_right(edit, reference, min(reference.end, edit.end + 2 * MAX_SHIFT), UNKNOWN)
    return Placement(edit.start, edit.end, np.frombuffer(edit.alt, np.uint8), shift, candidate.type)


def haplotype_key(contig: str, variant: Placement) -> int:
    """Identity of what a variant makes of a contig, across files: a hash of interval and allele."""
    return hashed(f"{contig}:{variant.start}-{variant.end}>".encode() + variant.alt.tobytes())


def placements(candidates: list[Candidate], reference: ReferenceSlice, path: Path) -> list[Placement | None]:
    """Where each candidate lies, as `place` has it; None where the reference or the allele is not known.

    `reference` reaches as far around them as `place` asks for. Raises UserError (naming `path`, the candidates' file) where
    REF is not what the reference has.
    """
    _check_reference_alleles(candidates, reference, path)
    unknown = np.concatenate([[0], np.cumsum(reference.codes > 3)])
    low = np.array([item.start for item in candidates]) - AMBIGUOUS_MARGIN - reference.start
    high = np.array([item.end for item in candidates]) + AMBIGUOUS_MARGIN - reference.start
    known = (unknown[np.minimum(high, len(reference.codes))] == unknown[np.maximum(low, 0)]).tolist()
    alt = base_codes("".join(item.alt for item in candidates))
    placed: list[Placement | None] = []
    first = 0
    for item, is_known in zip(candidates, known, strict=True):
        codes, first = alt[first : first + len(item.alt)], first + len(item.alt)
        if not is_known or "N" in item.alt:
            placed.append(None)
        elif item.alt and item.end > item.start:
            placed.append(Placement(item.start, item.end, codes, 0, item.type))
        else:
            placed.append(place(item, reference))
    return placed


def _check_reference_alleles(candidates: list[Candidate], reference: ReferenceSlice, path: Path) -> None:
    """`check_reference_allele` of all, as one comparison."""
    lengths = np.array([len(item.ref) for item in candidates])
    starts = np.array([item.start for item in candidates]) - reference.start
    before = np.cumsum(lengths) - lengths
    given = base_codes("".join(item.ref for item in candidates))
    expected = reference.codes[np.arange(len(given)) + np.repeat(starts - before, lengths)]
    wrong = contradicting(given, expected)
    if wrong.any():
        culprit = int(np.repeat(np.arange(len(candidates)), lengths)[wrong][0])
        check_reference_allele(candidates[culprit], reference, path)


def haplotype(reference: ReferenceSlice, low: int, high: int, edits: list[Placement], cut: int) -> np.ndarray:
    """reference[low:high] with non-overlapping `edits` applied.

    Alleles longer than 2 * `cut` keep only their first and last `cut` bases around a separator, so that a window's
    length is bounded whatever the length of the variant.
    """
    pieces, position = [], low
    for edit in sorted(edits, key=lambda item: (item.start, item.end)):
        pieces += [reference.between(position, edit.start), _shortened(edit.alt, cut)]
        position = edit.end
    return np.concatenate([*pieces, reference.between(position, high)])


def reference_haplotype(reference: ReferenceSlice, low: int, high: int, variant: Placement, cut: int) -> np.ndarray:
    """reference[low:high], with the candidate's reference allele shortened as in `haplotype`."""
    return np.concatenate(
        [
            reference.between(low, variant.start),
            _shortened(reference.between(variant.start, variant.end), cut),
            reference.between(variant.end, high),
        ]
    )


def _shortened(allele: np.ndarray, cut: int) -> np.ndarray:
    if len(allele) <= 2 * cut + len(SEPARATOR):
        return allele
    return np.concatenate([allele[:cut], SEPARATOR, allele[-cut:]])


def compatible(first: Placement, second: Placement) -> bool:
    """Whether one haplotype can carry both edits.

    They may touch, but not overlap. A substitution may lie where an indel can be moved to, if that is a short stretch, which
    reads see whole; of a longer one (a tandem duplication) the haplotype would have a second copy of its place.
    """
    if first.start == first.end == second.start == second.end:
        return False
    apart = first.end <= second.start or second.end <= first.start
    if first.is_indel == second.is_indel or first.high <= second.low or second.high <= first.low:
        return apart
    indel, other = (first, second) if first.is_indel else (second, first)
    return indel.high - indel.low <= MAX_SEEN_WHOLE and (apart or other.end <= indel.start + indel.shift)


def places_beside(indel: Placement, others: Iterable[Placement]) -> list[Placement]:
    """An indel at each place, of its first and its last, where it makes another haplotype with substitutions among `others`.

    Where it can be moved over none of them, that is its first alone.
    """
    crossed = [item for item in others if not item.is_indel and item.start < indel.high and indel.low < item.end]
    if not indel.is_indel or not indel.shift or not crossed or indel.high - indel.low > MAX_SEEN_WHOLE:
        return [indel]
    turn = indel.shift % len(indel.alt) if len(indel.alt) else 0
    last = replace(
        indel,
        start=indel.start + indel.shift,
        end=indel.end + indel.shift,
        alt=np.concatenate([indel.alt[turn:], indel.alt[:turn]]),
        shift=0,
    )
    return [replace(indel, shift=0), last]


def may_be_simpler(first: Placement, second: Placement) -> bool:
    """Whether two edits may together be one simpler edit: both are indels, and one can be moved to where the other is."""
    return first.is_indel and second.is_indel and first.low <= second.high and second.low <= first.high


def is_one_indel(sequence: np.ndarray, reference: np.ndarray) -> bool:
    """Whether a sequence differs from the reference's by one insertion or deletion, or not at all."""
    shorter = min(len(sequence), len(reference))
    unequal = np.flatnonzero(sequence[:shorter] != reference[:shorter])
    before = int(unequal[0]) if len(unequal) else shorter
    rest = shorter - before
    return rest == 0 or np.array_equal(sequence[len(sequence) - rest :], reference[len(reference) - rest :])
