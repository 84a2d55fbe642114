"""Stretches of the reference beside candidates, and whether records belong to it."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from varproof.machinery.errors import OtherReference
from varproof.reads.arrays import OTHER_BASE, base_codes, spelled_out
from varproof.reads.files import some_names
from varproof.reads.reference import open_reference, reference_codes
from varproof.variants.candidate import Candidate
from varproof.variants.edit import Edit, left_aligned

_ADVICE = "use the reference that the variants were called with"

_STRETCH = 1 << 16


@dataclass(frozen=True, slots=True)
class ReferenceSlice:
    """A stretch of one contig: `codes[i]` is the base at `start + i`."""

    contig: str
    start: int
    codes: np.ndarray

    @property
    def end(self) -> int:
        """End, exclusive."""
        return self.start + len(self.codes)

    def __getitem__(self, place: int | slice) -> Any:
        """Code of the base at a position of the contig; of a slice the codes, as bytes."""
        if isinstance(place, slice):
            return self.codes[place.start - self.start : place.stop - self.start].tobytes()
        return self.codes[place - self.start]

    def between(self, start: int, end: int) -> np.ndarray:
        """Codes of an interval, cut at the slice's ends."""
        return self.codes[max(start - self.start, 0) : max(end - self.start, 0)]


def reference_slice(fasta: pysam.FastaFile, contig: str, start: int, end: int) -> ReferenceSlice:
    """The reference from start to end, cut at the contig's ends."""
    start, end = max(0, start), min(end, fasta.get_reference_length(contig))
    return ReferenceSlice(contig, start, reference_codes(fasta, contig, start, end))


def contradicting(given: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Where two stretches of base codes, of one length, are of different bases, both known; bool."""
    return (given != found) & (given < OTHER_BASE) & (found < OTHER_BASE)


def _require_reference_allele(source: Path | str, contig: str, start: int, ref: str, found: str) -> None:
    """Raise UserError, naming `source`, if a REF at `start` is not what was `found` there in the reference."""
    if ref == found:
        return
    if len(ref) != len(found) or contradicting(base_codes(ref), base_codes(found)).any():
        raise OtherReference(
            f"{source}: {contig}:{start + 1} has REF {_short(ref)} where the reference has {_short(found) or 'no bases'}; "
            f"{_ADVICE}"
        )


def check_reference_allele(candidate: Candidate, reference: ReferenceSlice, path: Path) -> None:
    """Raise UserError if the candidate's REF is not what the reference has there."""
    if candidate.ref:
        found = spelled_out(reference.between(candidate.start, candidate.end).tobytes())
        _require_reference_allele(path, candidate.contig, candidate.start, candidate.ref, found)


def require_contig(source: Path | str, contig: str, reference: Path, known: Collection[str]) -> None:
    """Raise UserError, naming `source`, if a contig is not one of those of the reference."""
    if contig not in known:
        known_ones = some_names(list(known))
        raise OtherReference(f"{source}: contig '{contig}' is not in {reference} (which has {known_ones}); {_ADVICE}")


def require_inside(source: Path | str, candidate: Candidate, reference: Path, length: int) -> None:
    """Raise UserError, naming `source`, if a candidate ends beyond its contig of so many bp."""
    if candidate.end > length:
        place = f"{candidate.contig}:{candidate.start + 1}"
        raise OtherReference(f"{source}: {place} lies beyond the contig's {length} bp in {reference}; {_ADVICE}")


class Reference:
    """Bases of an indexed FASTA, read in stretches; also checks that records belong to it."""

    def __init__(self, path: Path) -> None:
        """Raises UserError if the file or its index is missing."""
        self.path = path
        self._fasta = open_reference(path)
        self._lengths = dict(zip(self._fasta.references, self._fasta.lengths, strict=True))
        self._contig, self._start, self._bases = "", 0, ""

    @property
    def lengths(self) -> dict[str, int]:
        """Contigs and their lengths, bp."""
        return self._lengths

    def bases(self, contig: str, start: int, end: int) -> str:
        """Upper-case bases of contig:start-end, 0-based half-open, cut at the contig's ends."""
        start, end = max(start, 0), min(end, self._lengths[contig])
        if contig != self._contig or start < self._start or end > self._start + len(self._bases):
            self._start = max(0, start - _STRETCH // 4)
            self._bases = self._fasta.fetch(contig, self._start, max(end, self._start + _STRETCH)).upper()
            self._contig = contig
        return self._bases[start - self._start : end - self._start]

    def check(self, path: Path | str, record: Any) -> None:
        """Raise UserError unless the record's REF (contig, start, ref) is what the reference has there."""
        require_contig(path, record.contig, self.path, self._lengths)
        ref = record.ref.upper()
        found = self.bases(record.contig, record.start, record.start + len(ref))
        _require_reference_allele(path, record.contig, record.start, ref, found)

    def left_aligned(self, contig: str, edit: Edit) -> Edit:
        """The leftmost equivalent placement of a trimmed allele, a string."""
        return left_aligned(edit, _Contig(self, contig), unknown="N")


def _short(bases: str) -> str:
    return bases if len(bases) <= 20 else bases[:20] + "..."


@dataclass(frozen=True, slots=True)
class _Contig:
    """A contig's bases by position."""

    reference: Reference
    contig: str

    def __getitem__(self, place: int | slice) -> str:
        if isinstance(place, slice):
            return self.reference.bases(self.contig, place.start, place.stop)
        return self.reference.bases(self.contig, place, place + 1)
