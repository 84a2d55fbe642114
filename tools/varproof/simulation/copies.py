"""The DNA molecules that fragments are drawn from: copies of (parts of) the genome, each with its own variants.

A copy is never written out: it is the reference between `first` and `last` with a sorted list of variants, and a table of
where each variant begins in the copy's own coordinates. Drawing fragments uniformly over those coordinates makes every
allele frequency unbiased: a copy with a deletion yields as many fragments fewer as it is shorter.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varproof.variants.edit import Edit

LEFT, RIGHT = 1, 2
"""Ends of a copy where its fragments begin or end; with both of them a fragment is the whole copy, as an amplicon is."""


@dataclass
class Molecules:
    """All copies, flattened for the kernels.

    Copies: `first`, `length` (bp of the copy itself), `offset` (copy c's variants are `variant[offset[c]:offset[c+1]]`, with
    `position` in the copy), `anchor` (0, LEFT, RIGHT or both). Variants: `start`, `end`, `alt_offset`, `alt_length` into `alt`
    (uint8).
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    length: NDArray[np.int64]
    offset: NDArray[np.int64]
    variant: NDArray[np.int64]
    position: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    alt_offset: NDArray[np.int64]
    alt_length: NDArray[np.int64]
    alt: NDArray[np.uint8]
    anchor: NDArray[np.int64]


@dataclass(frozen=True)
class Copy:
    """Reference [first, last) with the alleles of these indices; `anchor`: where its fragments begin or end, 0 for anywhere."""

    first: int
    last: int
    alleles: NDArray[np.int64]
    anchor: int = 0


def molecules(alleles: list[Edit], copies: list[Copy]) -> Molecules:
    """Flatten `copies`; `alleles` may touch but not overlap within a copy."""
    start = np.array([allele.start for allele in alleles], dtype=np.int64)
    end = np.array([allele.end for allele in alleles], dtype=np.int64)
    alt_length = np.array([len(allele.alt) for allele in alleles], dtype=np.int64)
    change = alt_length - (end - start)
    variants, positions, lengths = [], [], []
    for copy in copies:
        carried = copy.alleles[np.lexsort((end[copy.alleles], start[copy.alleles]))]  # an insertion before what it touches
        shift = np.cumsum(change[carried])
        variants.append(carried)
        positions.append(start[carried] - copy.first + shift - change[carried])
        lengths.append(copy.last - copy.first + int(change[carried].sum()))
    return Molecules(
        np.array([copy.first for copy in copies], dtype=np.int64),
        np.array([copy.last for copy in copies], dtype=np.int64),
        np.array(lengths, dtype=np.int64),
        np.cumsum([0] + [len(part) for part in variants]).astype(np.int64),
        np.concatenate(variants).astype(np.int64),
        np.concatenate(positions).astype(np.int64),
        start,
        end,
        np.cumsum(alt_length) - alt_length,
        alt_length,
        np.frombuffer(b"".join(allele.alt for allele in alleles) or b"N", dtype=np.uint8),
        np.array([copy.anchor for copy in copies], dtype=np.int64),
    )
