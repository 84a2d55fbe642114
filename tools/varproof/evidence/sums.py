"""What fragments say of an MNV that hardly a fragment carries: the sum of what they say of its bases.

Candidates that neighbours would make together are many, and most are not there. Of such a one, where one of its bases has no
support, each read shows the other bases or not, and nothing is to be realigned.
"""

from dataclasses import dataclass

import numpy as np

from varproof.evidence.arrays import NEITHER, OTHER, Observations
from varproof.evidence.decisions import DECISIONS
from varproof.variants.candidate import Candidate
from varproof.variants.edit import SUBSTITUTIONS


@dataclass(frozen=True)
class Sums:
    """Joined candidates by their number, and the numbers of their parts, all of which are substitutions."""

    number: list[int]
    parts: list[list[int]]

    @classmethod
    def of(cls, candidates: list[Candidate]) -> "Sums":
        """Those among `candidates` whose parts are all substitutions, and all there."""
        number = {(item.record, item.allele): i for i, item in enumerate(candidates) if item.is_listed}
        found = cls([], [])
        for i, item in enumerate(candidates):
            parts = [number.get((part.record, part.allele)) for part in item.parts if part.type in SUBSTITUTIONS]
            if item.parts and len(parts) == len(item.parts) and None not in parts:
                found.number.append(i)
                found.parts.append([part for part in parts if part is not None])
        return found

    def unsupported(self, support: np.ndarray) -> "Sums":
        """Those of which a part has too little support (n,) for a neighbour."""
        keep = [support[parts].min() < DECISIONS.least_support for parts in self.parts]
        return Sums(
            [number for number, kept in zip(self.number, keep, strict=True) if kept],
            [parts for parts, kept in zip(self.parts, keep, strict=True) if kept],
        )


def summed(found: Observations, sums: Sums, fragments: int) -> Observations:
    """Observations of the candidates `sums.number`, from those of their parts, which are among `found`.

    A fragment shows an allele if it shows that of all parts that it reaches. Those that show some parts without the others come
    of other copies, if they are not few: what they lack speaks (as in `typing_numba_fns`, of an MNV).
    """
    bounds = np.searchsorted(found.candidate, np.arange(max((max(parts) for parts in sums.parts), default=-1) + 2))
    pieces = [np.arange(bounds[part], bounds[part + 1]) for parts in sums.parts for part in parts]
    whose = [number for number, parts in zip(sums.number, sums.parts, strict=True) for _ in parts]
    rows = np.concatenate([np.zeros(0, np.int64), *pieces])
    candidate = np.repeat(np.array(whose, np.int64), [len(piece) for piece in pieces])
    key = candidate * fragments + found.fragment[rows]
    order = np.argsort(key, kind="stable")
    rows, key = rows[order], key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    if not len(first):
        return Observations(*(column[:0] for column in found))
    claim = np.add.reduceat(found.claim[rows].astype(np.float64), first).astype(np.float32)
    lacking = np.add.reduceat(np.minimum(found.claim[rows].astype(np.float64), 0.0), first).astype(np.float32)
    lowest, highest = (extreme.reduceat(found.allele[rows], first) for extreme in (np.minimum, np.maximum))
    allele = np.where(lowest == highest, lowest, np.where(lowest == NEITHER, NEITHER, OTHER))
    at, numbers = rows[first], candidate[order][first]
    mixed = np.bincount(numbers[allele == OTHER], minlength=numbers.max() + 1)
    many = mixed >= np.maximum(DECISIONS.least_third, DECISIONS.least_third_share * np.bincount(numbers))
    claim = np.where((allele == OTHER) & many[numbers], lacking, claim)
    speaks = np.where(claim > 0.0, 1, 0)
    return Observations(
        candidate=numbers.astype(found.candidate.dtype),
        fragment=found.fragment[at],
        read=found.read[at],
        allele=allele.astype(found.allele.dtype),
        claim=claim,
        log_ratio=np.clip(claim, -DECISIONS.largest_log_ratio, DECISIONS.largest_log_ratio),
        mapq=np.minimum.reduceat(found.mapq[rows], first),
        strand=np.bitwise_or.reduceat(found.strand[rows], first),
        orientation=found.orientation[at],
        log_error_ratio=found.log_error_ratio[at] * speaks.astype(np.float32),
        read_context=found.read_context[at] * speaks.astype(found.read_context.dtype),
    )
