"""Which alleles of a list are one event: spellings of one sequence, and parts that reads carry only together.

An event is judged once. Its parts have the posterior of what they make together; it, not they, teaches the prior. An MNV of
which reads carry some bases without the others is no event: what is new in it is its other bases, and it has their posterior.
"""

from dataclasses import dataclass

import numpy as np

from varproof.formats.evidence import EvidenceReader
from varproof.posterior.decisions import DECISIONS


@dataclass(frozen=True)
class PartsOf:
    """Of every joined candidate of a list its row, the rows of its parts, and of those that may describe it better.

    These, of a joined candidate that has indels among its parts, are MNVs and replacements of the list where it lies.
    """

    rows: list[int]
    parts: list[tuple[int, ...]]
    instead: list[tuple[int, ...]]


def judged_rows(
    parts_of: PartsOf, bases_of: dict[int, list[int]], tumor: EvidenceReader, *others: EvidenceReader | None
) -> np.ndarray:
    """int64 (n,): as which candidate each allele of the list is judged, itself for most; of joined candidates, itself.

    bases_of: of MNVs of the list, by row, the rows of their bases. `others`: the normal, or other samples, None for none.

    Where the list has what parts make, or more of it, as one allele, that describes the event; indels among the parts, which
    are not there at all, are judged each by itself beside it.
    """
    known, joined = tumor.column("judged") > 0, tumor.column("joined") > 0
    spelling = _first_spellings(tumor.column("haplotype"), known, joined)
    judged_as = np.where(joined, np.arange(tumor.size), spelling)
    samples = [
        (reader.column("support").astype(np.int64), reader.column("usable").astype(np.int64))
        for reader in (tumor, *others)
        if reader is not None
    ]
    support = samples[0][0]
    taken: dict[int, int] = {}
    events = zip(parts_of.rows, parts_of.parts, parts_of.instead, strict=True)
    for row, parts, instead in sorted(events, key=lambda event: (-len(event[1]), -int(support[event[0]]), event[0])):
        made = int(spelling[row])
        free = all(taken.get(part, made) == made for part in parts)
        if known[row] and free and are_one_event(row, parts, samples):
            taken |= dict.fromkeys(parts, made)
            if not any(support[other] >= (1.0 - DECISIONS.event_most_alone) * support[row] for other in instead):
                judged_as[list(parts)] = made
    instead_of = np.arange(tumor.size)
    for row, bases in bases_of.items():
        if known[row] and judged_as[row] == row:
            instead_of[row] = judged_as[spelling[_news(row, bases, samples)]]
    return instead_of[judged_as]


def _news(row: int, bases: list[int], samples: list[tuple[np.ndarray, np.ndarray]]) -> int:
    """As what an MNV is judged: itself, where fragments carry all of its bases or none.

    A germline variant with an error or a somatic variant beside it: as the base that is new, of several the one which is most
    often without the rest. Where each is carried alone, as the rarest.
    """
    support = samples[0][0]
    if support[row] < DECISIONS.event_least_support:
        return row
    new = [base for base in bases if are_one_event(row, (base,), samples)]
    if len(new) == len(bases):
        return row
    return max(new, key=lambda base: support[base]) if new else min(bases, key=lambda base: support[base])


def _first_spellings(haplotype: np.ndarray, known: np.ndarray, joined: np.ndarray) -> np.ndarray:
    """int64 (n,): the first candidate that makes the same sequence as each, one of the list if there is one."""
    size = len(haplotype)
    rows = np.arange(size)
    order = np.argsort(joined, kind="stable")
    _, first, which = np.unique(haplotype[order], return_index=True, return_inverse=True)
    out = np.empty(size, np.int64)
    out[order] = order[first[which]]
    return np.where(known, out, rows)


def are_one_event(row: int, parts: tuple[int, ...], samples: list[tuple[np.ndarray, np.ndarray]]) -> bool:
    """Whether fragments carry all parts or none; `samples`: (support, usable) of each, the tumour's first.

    What a part has alone is its support without that of the whole. Few fragments may be errors, or have a bad base; errors are
    no more than what has all parts.
    """
    if samples[0][0][row] < DECISIONS.event_least_support:
        return False
    for support, usable in samples:
        for part in parts:
            alone = support[part] - support[row]
            stray = min(DECISIONS.event_most_stray * usable[part], support[row])
            if alone > max(1, DECISIONS.event_most_alone * support[part], stray):
                return False
    return True
