"""Called alleles against true ones, however either is written: by the sequence that they make, as evaluate-calls counts them.

A caller may write one variant as several neighbours: an MNV as SNVs, or as a deletion, an SNV and an insertion. A true variant
is found if one called allele, or some together, make its sequence; these are true. A called allele that makes only part of it
(an SNV of a true MNV) is partial, neither true nor false. All others are false.
"""

import itertools
from collections import Counter
from collections.abc import Iterable

from candidates import Allele, normalised

from varproof.evaluation.haplotype_matching import match_haplotypes
from varproof.evaluation.matching import NONE, match
from varproof.evaluation.variants import Calls, Truth
from varproof.variants.candidate import Candidate

__all__ = ["class_of", "compared", "makers", "normalised", "sequence_made"]

MOST_TOGETHER = 6


def class_of(allele: Allele) -> str:
    """SNV, MNV, insertion, deletion, or replacement of some bases by another number of them."""
    _, start, end, alt = allele
    if end - start == len(alt):
        return "SNV" if len(alt) == 1 else "MNV"
    if start == end or not alt:
        return "insertion" if start == end else "deletion"
    return "replacement"


class Sequences:
    """Contigs as strings."""

    def __init__(self, sequences: dict[str, str]) -> None:
        self._sequences = sequences

    def bases(self, contig: str, start: int, end: int) -> str:
        """Upper-case bases of contig:start-end."""
        return self._sequences[contig][max(start, 0) : end].upper()


def _filled(variants: Calls | Truth, alleles: Iterable[Allele], sequences: Sequences) -> None:
    for contig, start, end, alt in alleles:
        variants.add((contig, start, end, alt), Candidate(0, 0, contig, start, end, sequences.bases(contig, start, end), alt))


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
    """The called alleles of which some together make a true one, in any of its spellings; none where no set does."""
    start = min([target[1], *(allele[1] for allele in near)])
    end = max([target[2], *(allele[2] for allele in near)])
    wanted = sequence_made(sequence, start, end, (target,))
    found: set[Allele] = set()
    for number in range(1, min(len(near), MOST_TOGETHER) + 1):
        for together in itertools.combinations(near, number):
            if sequence_made(sequence, start, end, together) == wanted:
                found.update(together)
    return tuple(allele for allele in near if allele in found)


def compared(called: list[Allele], truth: list[Allele], sequences: dict[str, str]) -> dict[str, dict[str, int]]:
    """Class -> found (by the class of the true one), true, partial and false (by the class of the called one)."""
    reference, calls, known = Sequences(sequences), Calls(), Truth()
    _filled(calls, called, reference)
    _filled(known, truth, reference)
    calls.errors = calls.vafs = calls.vaf_low = calls.vaf_high = calls.depths = [0.0] * len(called)
    known.vafs = known.depths = [0.0] * len(truth)
    calls.freeze()
    known.freeze()
    matching = match_haplotypes(calls, known, match(calls, known), reference).matching
    counts: dict[str, Counter[str]] = {key: Counter() for key in ("found", "true", "partial", "false")}
    for allele, call in zip(truth, matching.call_of_truth, strict=True):
        counts["found"][class_of(allele)] += int(call != NONE)
    for allele, is_true, is_partial in zip(called, matching.true, matching.partial, strict=True):
        counts["true" if is_true else "partial" if is_partial else "false"][class_of(allele)] += 1
    return {key: dict(counter) for key, counter in counts.items()}
