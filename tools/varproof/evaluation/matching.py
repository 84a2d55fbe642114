"""Which call is which true variant.

By alleles; `haplotype_matching` has the matching by the sequences that alleles make. Exact: the same allele. Tolerant (the
paper's rule for indels): the same type, positions at most `max_distance` apart (of a deletion its centre) and lengths at most
`max_length_difference`; one call for one true variant. SNVs and MNVs that contain each other are partial matches, neither true
nor false.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.evaluation.variants import Calls, Truth, Variants
from varproof.variants.edit import SUBSTITUTIONS, TYPES, VariantType

NONE = -1
_INDELS = (TYPES.index(VariantType.INSERTION), TYPES.index(VariantType.DELETION))
_SUBSTITUTIONS = tuple(TYPES.index(kind) for kind in SUBSTITUTIONS)


@dataclass(frozen=True, slots=True)
class Matching:
    """`truth_of_call`: index of the true variant that a call is by itself, or NONE, shape (calls,).

    `call_of_truth`: index of the call that has to be kept for a true variant to be found, or NONE, shape (truth,): of several
    that are it together, the least probable. `needed`: the same for each call to be true, shape (calls,); None: itself.
    `partial`: calls that are not false where they are not true, such as those that are part of a true MNV or made of true SNVs,
    shape (calls,). `by_haplotype`: several calls may be a true variant together.
    """

    truth_of_call: Any
    call_of_truth: Any
    partial: Any
    needed: Any = None
    by_haplotype: bool = False

    @property
    def needed_call(self) -> Any:
        """Index of the call that has to be kept for each call to be true, or NONE, shape (calls,)."""
        if self.needed is not None:
            return self.needed
        return np.where(self.truth_of_call == NONE, NONE, np.arange(len(self.truth_of_call)))

    @property
    def true(self) -> Any:
        """Calls that are true, if all are kept, shape (calls,)."""
        return self.needed_call != NONE

    @property
    def false(self) -> Any:
        """Calls that are neither true nor a partial match, if all are kept, shape (calls,)."""
        return ~self.true & ~self.partial

    def true_among(self, kept: Any) -> Any:
        """Calls that are true where these are kept, masks of shape (calls,)."""
        needed = self.needed_call
        true = kept & (needed != NONE)
        true[true] = kept[needed[true]]
        return true

    def false_among(self, kept: Any) -> Any:
        """Calls that are false where these are kept, masks of shape (calls,)."""
        return kept & ~self.true_among(kept) & ~self.partial

    def found_among(self, kept: Any) -> Any:
        """True variants that are found where these calls are kept, mask (calls,) -> mask (truth,)."""
        found = self.call_of_truth != NONE
        found[found] = kept[self.call_of_truth[found]]
        return found


def match(calls: Calls, truth: Truth, max_distance: int | None = None, max_length_difference: int | None = None) -> Matching:
    """Exact matches first; then, if a tolerance is given (None of one means 0), the remaining indels."""
    truth_of_call = np.array([truth.index.get(key, NONE) for key in calls.keys], dtype=np.int64)
    call_of_truth = np.full(len(truth), NONE, dtype=np.int64)
    exact = np.flatnonzero(truth_of_call != NONE)
    call_of_truth[truth_of_call[exact]] = exact
    if max_distance is not None or max_length_difference is not None:
        _match_nearby(calls, truth, truth_of_call, call_of_truth, max_distance or 0, max_length_difference or 0)
    partial = (truth_of_call == NONE) & _made_of(calls, truth)
    return Matching(truth_of_call, call_of_truth, partial)


def _centres(variants: Variants, chosen: Any) -> Any:
    return np.array([(variants.keys[i][1] + variants.keys[i][2]) / 2 for i in chosen])


def _match_nearby(
    calls: Calls, truth: Truth, truth_of_call: Any, call_of_truth: Any, max_distance: int, max_length_difference: int
) -> None:
    """Fill the two vectors for indels that are still free.

    Calls take their turn by descending probability, each with an augmenting path: whatever the threshold, the calls over
    it are matched to as many true variants as possible.
    """
    for kind in _INDELS:
        free_calls = np.flatnonzero((truth_of_call == NONE) & (calls.types == kind))
        free_truth = np.flatnonzero((call_of_truth == NONE) & (truth.types == kind))
        for contig in sorted({truth.keys[i][0] for i in free_truth}):
            there = np.array([i for i in free_truth if truth.keys[i][0] == contig])
            position = _centres(truth, there)
            order = np.argsort(position, kind="stable")
            there, position = there[order], position[order]
            neighbours: dict[int, list[int]] = {}
            for call in free_calls:
                if calls.keys[call][0] != contig:
                    continue
                centre = (calls.keys[call][1] + calls.keys[call][2]) / 2
                low, high = np.searchsorted(position, [centre - max_distance, centre + max_distance])
                high = np.searchsorted(position, centre + max_distance, side="right")
                near = [
                    (abs(position[i] - centre) + abs(int(truth.lengths[there[i]] - calls.lengths[call])), int(there[i]))
                    for i in range(low, high)
                    if abs(int(truth.lengths[there[i]] - calls.lengths[call])) <= max_length_difference
                ]
                if near:
                    neighbours[int(call)] = [index for _, index in sorted(near)]
            for taker in sorted(neighbours, key=lambda i: (calls.errors[i], i)):
                _augment(taker, neighbours, truth_of_call, call_of_truth)


def _augment(start: int, neighbours: dict[int, list[int]], truth_of_call: Any, call_of_truth: Any) -> None:
    """Give `start` a true variant, moving calls that hold one to another of theirs if need be (breadth first)."""
    came_from: dict[int, int] = {}
    queue = [start]
    for call in queue:
        for index in neighbours[call]:
            if index in came_from:
                continue
            came_from[index] = call
            holder = int(call_of_truth[index])
            if holder != NONE:
                queue.append(holder)
                continue
            while index != NONE:
                taker = came_from[index]
                given_up = int(truth_of_call[taker])
                truth_of_call[taker], call_of_truth[index] = index, taker
                index = given_up
            return


def _components(variants: Variants, i: Any) -> list[tuple[str, int, str]]:
    contig, start, _, alt = variants.keys[i]
    return [(contig, start + k, new) for k, (old, new) in enumerate(zip(variants.refs[i], alt, strict=True)) if old != new]


def _made_of(calls: Calls, truth: Truth) -> Any:
    """Calls that are SNVs or MNVs all of whose single-base changes are true, shape (calls,)."""
    known = {part for i in np.flatnonzero(np.isin(truth.types, _SUBSTITUTIONS)) for part in _components(truth, i)}
    made = np.zeros(len(calls), dtype=bool)
    for i in np.flatnonzero(np.isin(calls.types, _SUBSTITUTIONS)):
        made[i] = all(part in known for part in _components(calls, i))
    return made
