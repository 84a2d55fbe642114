"""Which neighbours of a candidate its reads could be mistaken for, and which of two descriptions of one event is the better."""

import numpy as np

from varproof.evidence.arrays import WINDOW, Observations
from varproof.evidence.decisions import DECISIONS
from varproof.variants.chunks import NEIGHBOUR_REACH
from varproof.variants.placement import Placement, compatible, may_be_simpler


def supports_of(found: Observations) -> np.ndarray:
    """bool, per observation: an overlapping fragment clearly prefers the alternative."""
    return (found.log_ratio > DECISIONS.support_log_ratio) & (found.strand > 0)


def support_of(found: Observations, size: int) -> np.ndarray:
    """Overlapping fragments that clearly prefer the alternative, per candidate."""
    return np.bincount(found.candidate[supports_of(found)], minlength=size)


def rivals_of(placements: list[Placement], support: np.ndarray, own: int, is_allele: np.ndarray) -> list[list[Placement]]:
    """For each of the first `own` candidates the neighbours whose reads could be mistaken for its own.

    is_allele (n,): which of all are alleles of the list or of reads; others are no neighbours.
    """
    order = np.argsort([item.low for item in placements], kind="stable")
    lows = np.array([placements[i].low for i in order])
    chosen: list[list[Placement]] = [[] for _ in placements]
    for i in range(own):
        if support[i] < (1 if is_allele[i] else DECISIONS.least_support):
            continue
        item = placements[i]
        threshold = max(DECISIONS.least_support, DECISIONS.least_relative_support * support[i])
        first, last = item.low - NEIGHBOUR_REACH, min(item.high + WINDOW, item.low + NEIGHBOUR_REACH)
        near = order[np.searchsorted(lows, first) : np.searchsorted(lows, last)]
        rivals = [
            j
            for j in near
            if j != i
            and is_allele[j]
            and support[j] >= threshold
            and placements[j].high > item.low - WINDOW
            and _may_rival(item, placements[j])
        ]
        rivals.sort(key=lambda j: (-support[j], placements[j].low, placements[j].alt.tobytes()))
        chosen[i] = [placements[j] for j in rivals[: DECISIONS.most_neighbours]]
    return chosen


def best_descriptions(
    found: Observations, beside: Observations, placements: list[Placement], neighbours: list[list[Placement]], fragments: int
) -> list[list[Placement]]:
    """Neighbours of each candidate, without those that its reads can't be told from, if it is the better description.

    Two descriptions of one event, where no read reaches over the repeat that they lie in, would else take each other's reads.
    found, beside: observations without and with the neighbours. Better is what makes the reads likelier, then what is simpler.
    """
    if not any(neighbours):
        return neighbours
    supports = supports_of(found)
    alone = np.searchsorted(found.candidate, np.arange(len(placements) + 1))
    together = np.searchsorted(beside.candidate, np.arange(len(placements) + 1))
    # Rounded, so that the order of fragments does not matter.
    gain = np.bincount(found.candidate, np.maximum(0.0, np.round(found.claim)), len(placements))
    order = {
        id(item): (-gain[i], item.reference_length + len(item.alt), item.low, item.alt.tobytes())
        for i, item in enumerate(placements)
    }
    chosen = list(neighbours)
    ratio_of = np.zeros(fragments, np.float32)
    for i, near in enumerate(neighbours):
        item = placements[i]
        worse = [id(other) for other in near if _one_event(item, other) and order[id(item)] < order[id(other)]]
        if not worse:
            continue
        rows, own = slice(together[i], together[i + 1]), slice(alone[i], alone[i + 1])
        ratio_of[beside.fragment[rows]] = beside.log_ratio[rows]
        ratios = ratio_of[found.fragment[own][supports[own]]]
        undecided = int((np.abs(ratios) < DECISIONS.support_log_ratio).sum())
        if undecided >= DECISIONS.least_support and undecided > DECISIONS.undecided_share * len(ratios):
            chosen[i] = [other for other in near if id(other) not in worse]
    return chosen


def _one_event(item: Placement, other: Placement) -> bool:
    """Whether two variants may describe one event: one haplotype can't carry both."""
    return not compatible(item, other) or may_be_simpler(item, other)


def _may_rival(item: Placement, other: Placement) -> bool:
    """Whether reads of `other` could look like reads of `item`.

    Any indel can, and a substitution that an indel touches. Of two substitutions the bases themselves tell, but where an
    aligner put gaps into the reads of an MNV, and shows bases within it that it has not.
    """
    if other.is_indel:
        return item.start != other.start or item.end != other.end or not np.array_equal(item.alt, other.alt)
    if item.is_indel:
        return other.start < item.high + 1 and other.end > item.low - 1
    low, high = max(item.start, other.start), min(item.end, other.end)
    if low >= high or len(item.alt) == len(other.alt) == 1:
        return False
    mine, theirs = (one.alt[low - one.start : high - one.start] for one in (item, other))
    return not np.array_equal(mine, theirs)
