"""What a candidate is: one alternative allele, as what it does to the reference.

`candidates_of` turns a record of a VCF into `Candidate`s, one per alternative allele, 0-based half-open, trimmed to what
differs; `candidate_key` identifies one across files.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from varproof.formats.vcf import info_value
from varproof.variants.edit import Edit, VariantType, type_of


def trimmed_alleles(position: int, ref: str, alt: str) -> tuple[int, str, str]:
    """(position, ref, alt) without the shared suffix and prefix (either may become empty); 0-based position."""
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    shared = 0
    while shared < min(len(ref), len(alt)) and ref[shared] == alt[shared]:
        shared += 1
    return position + shared, ref[shared:], alt[shared:]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One alternative allele: reference[start:end] (`ref`) is replaced by `alt`; 0-based half-open, trimmed, upper case.

    `record`: its record's number in the list, negative of an allele that reads show and no record has. `skipped` names the
    reason why it can't be judged (then start, end, ref and alt are not meaningful beyond the record). Of candidates that are
    none of the list (see `variants.joined`), `parts`: the listed ones that it is made of; `base_of`: the listed MNV of which it
    is one base.
    """

    record: int
    allele: int
    contig: str
    start: int
    end: int
    ref: str
    alt: str
    skipped: str | None = None
    parts: tuple["Candidate", ...] = ()
    base_of: "Candidate | None" = None

    @property
    def is_allele(self) -> bool:
        """Whether it is an allele of the list or of reads, and not made of such."""
        return not self.parts and self.base_of is None

    @property
    def is_listed(self) -> bool:
        """Whether it is an allele of the list."""
        return self.record >= 0 and self.is_allele

    @property
    def edit(self) -> Edit:
        """What it does to the reference."""
        return Edit(self.start, self.end, self.alt)

    @property
    def type(self) -> VariantType:
        """Variant type."""
        if self.skipped is None and not self.ref and self.end > self.start:
            return VariantType.DELETION
        return type_of(len(self.ref), len(self.alt))

    @property
    def length(self) -> int:
        """Number of bases that differ: of an SNV 1, of an MNV its width, of an indel the larger allele's length."""
        return self.edit.length


def _info(record: Any, key: str) -> Any:
    value = info_value(record, key)
    return value[0] if isinstance(value, tuple) else value


def candidates_of(record: Any, record_number: int) -> list[Candidate]:
    """The candidates of a record (a `pysam.VariantRecord`), one per ALT; a record without ALT has none."""
    found = []
    contig, position, reference_allele = record.contig, record.start, (record.ref or "").upper()
    sequence = _REFERENCE_BASES.issuperset(reference_allele)
    for allele, alt in enumerate(record.alts or ()):
        start, end, ref, new, skipped = position, position + len(reference_allele), reference_allele, "", None
        upper = alt.upper()
        if sequence and _BASES.issuperset(upper) and upper != reference_allele:
            start, ref, new = trimmed_alleles(position, reference_allele, upper)
            end = start + len(ref)
        elif upper == "<DEL>":
            stop, length = record.stop, _info(record, "SVLEN")
            if stop <= position + 1 and length:
                stop = position + 1 + abs(int(length))
            start, end, ref = position + 1, stop, ""
            if end <= start:
                skipped = "deletion_without_length"
        else:
            skipped = _reason(alt, same=sequence and upper == reference_allele)
        found.append(Candidate(record_number, allele, contig, start, end, ref, new, skipped))
    return found


_BASES, _REFERENCE_BASES = frozenset("ACGTN"), frozenset("ACGTNRYSWKMBDHV")


def _reason(alt: str, same: bool) -> str:
    """Why an alternative allele is no candidate; `same`: it is the reference's."""
    if alt.startswith("<"):
        return "symbolic_allele"
    if "[" in alt or "]" in alt or alt.startswith(".") or alt.endswith("."):
        return "breakend"
    if alt == "*":
        return "spanning_deletion"
    return "no_change" if same else "not_a_sequence"


def candidate_key(candidate: Candidate) -> int:
    """Identity of a candidate across files: a hash of contig, interval and alleles."""
    return hashed(f"{candidate.contig}:{candidate.start}-{candidate.end}:{candidate.ref}>{candidate.alt}".encode())


def hashed(text: bytes) -> int:
    """A 64-bit hash, the same on every machine."""
    return (zlib.crc32(text) << 32) | zlib.adler32(text)


def applied(bases: str, start: int, changes: Sequence[Candidate]) -> str:
    """`bases`, of the reference from `start` on, with changes from left to right that do not overlap."""
    pieces, position = [], start
    for change in changes:
        pieces += [bases[position - start : change.start - start], change.alt]
        position = change.end
    return "".join([*pieces, bases[position - start :]])
