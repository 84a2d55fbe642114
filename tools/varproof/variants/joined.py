"""Candidates that a list lacks, to be asked for beside its own: what listed alleles make together, and the bases of MNVs.

Callers write an MNV as single bases, or as a deletion, an SNV and an insertion; and a base beside a germline variant, be it an
error or somatic, as an MNV with it. Whether the reads carry the parts together is for them to say; here, from the list alone,
so that all samples and all pieces of a list agree, is what could be asked.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby, islice

from varproof.variants.candidate import Candidate, applied, trimmed_alleles
from varproof.variants.edit import VariantType
from varproof.variants.reference import Reference

FARTHEST_SUBSTITUTIONS = 1
"""Unchanged bases between two substitutions of one event, at most: farther apart, each has reads that tell of it alone."""
FARTHEST = 12
"""Unchanged bases between two indels of one event, at most: aligners open gaps about so far from each other."""
FARTHEST_MIXED = 3
"""Likewise between an indel and a substitution."""
LONGEST = 50
"""Alleles of an event are at most so long, bp: reads have to reach over all parts."""
MOST_PARTS = 6
MOST_OF_ONE = 8
"""Events that are asked for with the same first part, at most; those of neighbouring parts first."""
MOST_TOGETHER = 64
"""Alleles among which parts of one event are sought; where more crowd (a list of every base), none are."""
WIDEST = 500
"""bp that these cover, at most."""
MOST_BASES = 12
"""Bases that an MNV changes, at most, for them to be asked for one by one."""


def with_joined(candidates: Iterable[Candidate], reference: Reference) -> Iterator[Candidate]:
    """The candidates of a list in their order; behind each group of near ones what some of them would make together.

    Of these `parts` are what they are made of. Behind them the bases of the group's MNVs, each as an SNV, listed or not.
    """
    group: list[Candidate] = []
    for item in candidates:
        if group and not _near(group, item):
            yield from _group_and_joined(group, reference)
            group = []
        group.append(item)
    yield from _group_and_joined(group, reference)


def _near(group: list[Candidate], item: Candidate) -> bool:
    first, last = group[0], group[-1]
    return item.contig == last.contig and item.start - last.start <= LONGEST + FARTHEST and item.start - first.start <= WIDEST


def _group_and_joined(group: list[Candidate], reference: Reference) -> Iterator[Candidate]:
    yield from group
    if 1 < len(group) <= MOST_TOGETHER and group[0].contig in reference.lengths:
        usable = sorted(filter(_may_be_part, group), key=lambda item: (item.start, item.end, item.alt))
        different = [next(same) for _, same in groupby(usable, key=lambda item: (item.start, item.end, item.alt))]
        for i, first in enumerate(different):
            for parts in islice(_chains([first], different[i + 1 :]), MOST_OF_ONE):
                made = joined(parts, reference)
                if made is not None:
                    yield made
    for item in group:
        if item.skipped is None and item.type is VariantType.MNV:
            yield from _bases_of(item)


def _bases_of(item: Candidate) -> list[Candidate]:
    """Each base that an MNV changes, as a candidate; none of one that changes too many."""
    changed = [i for i, (before, after) in enumerate(zip(item.ref, item.alt, strict=True)) if before != after]
    if len(changed) > MOST_BASES:
        return []
    return [
        replace(item, start=item.start + i, end=item.start + i + 1, ref=item.ref[i], alt=item.alt[i], base_of=item)
        for i in changed
    ]


def _may_be_part(item: Candidate) -> bool:
    return item.skipped is None and item.end - item.start == len(item.ref) and max(len(item.ref), len(item.alt)) <= LONGEST


def _chains(parts: list[Candidate], behind: list[Candidate]) -> Iterator[list[Candidate]]:
    """`parts` with one or more of the alleles `behind` them, as one copy can carry them together; the nearest first."""
    for i, item in enumerate(behind):
        if item.start - parts[-1].end > FARTHEST or item.end - parts[0].start > LONGEST or len(parts) == MOST_PARTS:
            return
        if _may_follow(parts[-1], item):
            yield [*parts, item]
            yield from _chains([*parts, item], behind[i + 1 :])


def _may_follow(before: Candidate, item: Candidate) -> bool:
    if item.start < before.end or (before.start == before.end == item.start == item.end):
        return False
    indels = (len(before.ref) != len(before.alt)) + (len(item.ref) != len(item.alt))
    return item.start - before.end <= (FARTHEST_SUBSTITUTIONS, FARTHEST_MIXED, FARTHEST)[indels]


def joined(parts: list[Candidate], reference: Reference) -> Candidate | None:
    """What parts (in order, not overlapping) make together, as one allele, trimmed; None where that is nothing."""
    first, last = parts[0], parts[-1]
    ref = reference.bases(first.contig, first.start, last.end)
    start, ref, alt = trimmed_alleles(first.start, ref, applied(ref, first.start, parts))
    if ref == alt:
        return None
    return Candidate(first.record, first.allele, first.contig, start, start + len(ref), ref, alt, parts=tuple(parts))
