"""Stretches of the reference beside candidates, and whether records belong to it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam

from varproof.machinery.errors import UserError
from varproof.reads.arrays import base_codes
from varproof.reads.reference import reference_codes
from varproof.variants.candidate import Candidate


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

    def between(self, start: int, end: int) -> np.ndarray:
        """Codes of an interval, cut at the slice's ends."""
        return self.codes[max(start - self.start, 0) : max(end - self.start, 0)]


def reference_slice(fasta: pysam.FastaFile, contig: str, start: int, end: int) -> ReferenceSlice:
    """The reference from start to end, cut at the contig's ends."""
    start, end = max(0, start), min(end, fasta.get_reference_length(contig))
    return ReferenceSlice(contig, start, reference_codes(fasta, contig, start, end))


def check_reference_allele(candidate: Candidate, reference: ReferenceSlice, path: Path) -> None:
    """Raise UserError if the record's REF is not what the reference has there."""
    if not candidate.ref:
        return
    expected = reference.between(candidate.start, candidate.end)
    given = base_codes(candidate.ref)
    if len(given) != len(expected) or np.any((given != expected) & (given < 4) & (expected < 4)):
        raise UserError(
            f"{path}: {candidate.contig}:{candidate.start + 1} has REF {candidate.ref[:20]}, but the reference has "
            f"{''.join('ACGTN'[i] for i in expected[:20])} there; use the reference that the candidates were called with"
        )
