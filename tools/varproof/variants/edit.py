"""What a variant does to the reference, and where else it could have been written."""

from collections.abc import Container
from enum import Enum
from typing import Any, NamedTuple

from varproof.variants.shifting import Bases, steps_left, steps_right, turned


class VariantType(str, Enum):
    """What an allele changes. A replacement has REF and ALT of different lengths, both longer than one after trimming."""

    SNV = "snv"
    MNV = "mnv"
    INSERTION = "insertion"
    DELETION = "deletion"
    REPLACEMENT = "replacement"


TYPES = tuple(VariantType)
"""A number that stands for a type points here."""

SUBSTITUTIONS = (VariantType.SNV, VariantType.MNV)
LONGEST_MNV = 5
"""Bases next to each other that are taken for one event; of more each is an SNV."""


def type_of(reference_length: int, alternative_length: int) -> VariantType:
    """Type of a trimmed allele pair of these lengths, bp."""
    if reference_length == alternative_length:
        return VariantType.SNV if reference_length == 1 else VariantType.MNV
    if not reference_length:
        return VariantType.INSERTION
    return VariantType.REPLACEMENT if alternative_length else VariantType.DELETION


class Edit(NamedTuple):
    """reference[start:end] becomes `alt`, text or bytes of codes. 0-based half-open; trimmed, so that either may be empty."""

    start: int
    end: int
    alt: Any

    @property
    def type(self) -> VariantType:
        """Variant type."""
        return type_of(self.end - self.start, len(self.alt))

    @property
    def length(self) -> int:
        """Number of bases that differ: of an indel the larger allele's length, bp."""
        return max(self.end - self.start, len(self.alt))

    @property
    def length_change(self) -> int:
        """Length of the alternative haplotype minus that of the reference haplotype, bp."""
        return len(self.alt) - (self.end - self.start)

    @property
    def may_move(self) -> bool:
        """Whether it is an insertion or a deletion, which repeats let lie elsewhere."""
        return self.start == self.end or not len(self.alt)


def left_aligned(edit: Edit, bases: Bases, least: int = 0, unknown: Container[Any] = ()) -> Edit:
    """The edit at its leftmost equivalent place, whose start stays at least `least`; bases in `unknown` (N) equal nothing.

    >>> left_aligned(Edit(6, 7, b""), b"GGAAAAAAC")
    Edit(start=2, end=3, alt=b'')
    """
    if not edit.may_move:
        return edit
    start, end, alt = edit
    steps = steps_left(bases, start, alt if len(alt) else bases[start:end], least, unknown)
    return Edit(start - steps, end - steps, turned(alt, steps))


def steps_to_the_right(edit: Edit, bases: Bases, most: int, unknown: Container[Any] = ()) -> int:
    """How far right an edit can be written without changing what it means; its end stays at most `most`.

    >>> steps_to_the_right(Edit(2, 3, b""), b"GGAAAAAAC", 9)
    5
    """
    if not edit.may_move:
        return 0
    return steps_right(bases, edit.end, edit.alt if len(edit.alt) else bases[edit.start : edit.end], most, unknown)
