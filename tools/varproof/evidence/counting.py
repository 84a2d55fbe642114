"""How many fragments show each allele of a candidate, in a way that a user can follow in a genome browser.

A fragment counts for an allele if its reads overlap the candidate with mapping quality above 0 and show it: of a substitution
the aligned bases are this allele's; of an indel (and where a read is clipped) it is at least 1.6 times likelier under this
allele than under the other (GATK's rule). Mates count once; if they show different alleles, for neither. A fragment that shows
a rival, another candidate that can't lie on the same copy (another allele of the record, another indel of the same repeat),
better than this candidate counts for neither allele of it; nor does one whose substitution comes of an indel nearby.
"""

import numpy as np

from varproof.evidence.arrays import ALTERNATIVE, NEITHER, OTHER, REFERENCE, WINDOW, Observations
from varproof.evidence.realignment_numba_fns import INFORMATIVE
from varproof.variants.placement import Placement, compatible, may_be_simpler


def allele_counts(
    found: Observations,
    claims: Observations,
    placements: list[Placement],
    listed: np.ndarray,
    size: int,
    fragments: int,
) -> dict[str, np.ndarray]:
    """`usable`, `reference_count`, `alternative_count`, `other_count` of the first `size` of `placements`, int64 (size,).

    `found`: observations of these; `claims`: of all `placements`, each against its own two haplotypes. `listed`: bool, which of
    all are alleles of the list; others are no rivals.
    """
    mapped = found.mapq > 0
    shown = np.where(mapped & (found.strand > 0), found.allele, NEITHER)
    usable = np.bincount(found.candidate[mapped], minlength=size)
    bounds = np.searchsorted(claims.candidate, np.arange(len(placements) + 1))
    own = np.searchsorted(found.candidate, np.arange(size + 1))

    def best_claims(candidates: list[int]) -> np.ndarray:
        best = np.full(fragments, -np.inf, np.float32)
        for j in candidates:
            rows = slice(bounds[j], bounds[j + 1])
            best[claims.fragment[rows]] = np.maximum(best[claims.fragment[rows]], claims.claim[rows])
        return best

    rivals, companions = _rivals(placements, listed, size)
    disguised = _indels_nearby(placements, listed, size)
    for i in sorted({*rivals, *companions, *disguised}):
        rows = slice(own[i], own[i + 1])
        fragment, mine = found.fragment[rows], best_claims([i])
        unsure = found.log_ratio[rows] < INFORMATIVE
        for others, lost, instead in ((rivals, True, OTHER), (companions, unsure, OTHER), (disguised, unsure, NEITHER)):
            theirs = best_claims(others.get(i, []))[fragment]
            gone = lost & (theirs >= INFORMATIVE) & (theirs > mine[fragment]) & (shown[rows] != OTHER)
            shown[rows][gone & (mapped[rows] & (found.strand[rows] > 0))] = instead
    return {
        "usable": usable,
        "reference_count": np.bincount(found.candidate[shown == REFERENCE], minlength=size),
        "alternative_count": np.bincount(found.candidate[shown == ALTERNATIVE], minlength=size),
        "other_count": np.bincount(found.candidate[shown == OTHER], minlength=size),
    }


def _rivals(placements: list[Placement], listed: np.ndarray, size: int) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Of the first `size` candidates those that have rivals among all, and which; likewise indels that may also go together."""
    order = sorted(np.flatnonzero(listed).tolist(), key=lambda i: placements[i].low)
    rivals: dict[int, list[int]] = {}
    companions: dict[int, list[int]] = {}
    reach: list[int] = []
    for i in order:
        reach = [j for j in reach if placements[j].high >= placements[i].low]
        for j in reach:
            if are_rivals(placements[i], placements[j]):
                out = companions if compatible(placements[i], placements[j]) else rivals
                out.setdefault(i, []).append(j)
                out.setdefault(j, []).append(i)
        reach.append(i)
    return _of_first(rivals, size), _of_first(companions, size)


def _of_first(found: dict[int, list[int]], size: int) -> dict[int, list[int]]:
    """What was found of the first `size` candidates, in their order."""
    return {i: found[i] for i in sorted(found) if i < size}


def _indels_nearby(placements: list[Placement], listed: np.ndarray, size: int) -> dict[int, list[int]]:
    """Of the first `size` candidates the substitutions that reads of an indel nearby may seem to show, and which indels."""
    indels = np.array([j for j, item in enumerate(placements) if item.is_indel and listed[j]], np.int64)
    low = np.array([placements[j].low for j in indels], np.int64) - WINDOW
    high = np.array([placements[j].high for j in indels], np.int64) + WINDOW
    out = {}
    for i, item in enumerate(placements[:size]):
        if not item.is_indel and (near := indels[(low < item.end) & (item.start < high)].tolist()):
            out[i] = near
    return out


def are_rivals(first: Placement, second: Placement) -> bool:
    """Whether one copy seldom carries both, and bases alone don't tell which.

    They change the length of the same stretch, or one of them does and they rewrite the same bases.
    """
    if first.start == second.start and first.end == second.end and np.array_equal(first.alt, second.alt):
        return False
    if not first.is_indel and not second.is_indel:
        return False
    return may_be_simpler(first, second) or (first.start < second.end and second.start < first.end)


def scaled_count(count: np.ndarray, used: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Counts among `used` fragments as they would be among all `depth`, rounded; as they are where all were used."""
    return np.where(depth > used, np.rint(count * (depth / np.maximum(used, 1))), count).astype(np.uint32)
