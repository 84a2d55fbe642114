"""Candidates of one stretch, held against the reference and left-aligned, many at a time."""

from pathlib import Path

import numpy as np

from varproof.evidence.collect import check_reference_allele
from varproof.evidence.windows import AMBIGUOUS_MARGIN, Placement, ReferenceSlice, place
from varproof.formats.vcf import Candidate
from varproof.reads.decode import base_codes


def placements(candidates: list[Candidate], reference: ReferenceSlice, path: Path) -> list[Placement | None]:
    """Where each candidate lies, as `evidence.windows.place` has it; None where the reference or the allele is not known.

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
    wrong = (given != expected) & (given < 4) & (expected < 4)
    if wrong.any():
        culprit = int(np.repeat(np.arange(len(candidates)), lengths)[wrong][0])
        check_reference_allele(candidates[culprit], reference, path)
