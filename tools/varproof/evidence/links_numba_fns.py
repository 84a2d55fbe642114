"""Which alleles of two candidates the same fragments carry, counted over all pairs near to each other."""

import numpy as np

from varproof.evidence.decisions import DECISIONS
from varproof.machinery.accelerate import compiled

LEAST_SUPPORT = DECISIONS.least_support
MOST_LINKS = DECISIONS.most_links


@compiled
def counted_links(order, candidates, own, offset, fragment, carries, fragments, reach):
    """(first, second, counts (pairs, 3)): pairs of candidates, and their fragments with both alternatives, or with one of them.

    order: candidates that take part, from left to right; pairs are of one of the first `own` candidates with one behind it, at
    most `reach` bp away. Row r, one of offset[c]:offset[c + 1], says whether `fragment` r carries candidate c (1) or not (-1);
    fragments that tell neither have no row. Candidates that can't lie on one copy as they are placed have no links, nor have
    those of which one is never carried where the other one is told: that says nothing of copies.
    """
    capacity = own * MOST_LINKS
    first, second = np.zeros(capacity, np.int64), np.zeros(capacity, np.int64)
    counts = np.zeros((capacity, 3), np.int64)
    supported = np.zeros(len(offset) - 1, np.bool_)
    for c in order:
        support = 0
        for r in range(offset[c], offset[c + 1]):
            support += carries[r] > 0
        supported[c] = support >= LEAST_SUPPORT
    of_fragment = np.zeros(fragments, np.int8)
    pairs = 0
    for place in range(len(order)):
        i = order[place]
        if i >= own or not supported[i]:
            continue
        for r in range(offset[i], offset[i + 1]):
            of_fragment[fragment[r]] = carries[r]
        links = 0
        for later in range(place + 1, len(order)):
            j = order[later]
            if candidates.low[j] > candidates.low[i] + reach or links == MOST_LINKS:
                break
            if not supported[j] or not on_one_copy(candidates, i, j):
                continue
            both, only_first, only_second = 0, 0, 0
            for r in range(offset[j], offset[j + 1]):
                mine = of_fragment[fragment[r]]
                if mine > 0 and carries[r] > 0:
                    both += 1
                elif mine > 0:
                    only_first += 1
                elif mine < 0 and carries[r] > 0:
                    only_second += 1
            if both + only_first + only_second >= LEAST_SUPPORT and (both > 0 or (only_first > 0 and only_second > 0)):
                first[pairs], second[pairs] = i, j
                counts[pairs, 0], counts[pairs, 1], counts[pairs, 2] = both, only_first, only_second
                pairs += 1
                links += 1
        for r in range(offset[i], offset[i + 1]):
            of_fragment[fragment[r]] = 0
    return first[:pairs], second[:pairs], counts[:pairs]


@compiled
def on_one_copy(candidates, i, j):
    """`placement.compatible` of two candidates."""
    if candidates.start[i] == candidates.end[i] == candidates.start[j] == candidates.end[j]:
        return False
    if candidates.substitution[i] or candidates.substitution[j]:
        return candidates.high[i] <= candidates.low[j] or candidates.high[j] <= candidates.low[i]
    return candidates.end[i] <= candidates.start[j] or candidates.end[j] <= candidates.start[i]
