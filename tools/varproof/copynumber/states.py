"""What tumour cells' copies may be before any read: of clonal segments, and of those that a subclone has changed.

Segments are altered with a probability that is the tumour's own, which is not known: every hypothesis has its best one. An
alteration is one event or more on either haplotype (the events that MEDICC2 counts, Kaufmann et al. 2022): the more, the
rarer. The genome of a tumour in three was doubled (Bielski et al. 2018), early, in cells that were aneuploid before (Carter et
al. 2012), and has lost copies since: so its segments are altered before, twofold, and after, one by one. A subclone's segment
is a mixture of two such states, which differ by an event, and the subclone's share of the cells is any.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.decisions import DECISIONS
from varproof.machinery.numerics import exp, log

SHARES = np.round(np.arange(0.05, 0.951, 0.05), 2)
"""Shares of the tumour cells that a subclone may have."""
_MOST_BEFORE_DOUBLING = 4


@dataclass(frozen=True)
class StatePrior:
    """K clonal states, Q pairs of states that are mixed, H hypotheses about the genome's history.

    `total`, `minor` (K,): copies; `chance` (H, 2, K): of each state, of segments of which normal cells have one copy, and of
    those of two; rows sum to 1, less what is over `most_copies`. `first`, `second` (Q, 2): copies of either haplotype before
    and after a subclonal event; `base` (Q,): the state that `first` is; `event` (2, Q): its chance given that state.
    `log_weight` (H,), of sum 1; `doubled` bool (H,). `subclonal` (A,): shares of segments that a subclone may have changed.
    """

    total: NDArray[np.float64]
    minor: NDArray[np.float64]
    chance: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    base: NDArray[np.int64]
    event: NDArray[np.float64]
    log_weight: NDArray[np.float64]
    doubled: NDArray[np.bool_]
    subclonal: NDArray[np.float64]


State = tuple[int, int]
"""Copies of the commoner and of the rarer haplotype."""


def all_states() -> list[State]:
    """Every number of copies up to `most_copies`, with every number of the rarer haplotype's."""
    return [
        (total - minor, minor) for total in range(DECISIONS.most_copies + 1) for minor in range(total // 2 + 1)
    ]  # fmt: skip


def _rarity(events: int) -> float:
    """Relative chance of an alteration of so many events, one at least."""
    return exp(-DECISIONS.change_cost * (events - 1))


def _normalised(found: dict[State, float]) -> dict[State, float]:
    whole = sum(found.values())
    return {state: weight / whole for state, weight in found.items()}


def once_altered(haplotypes: int, altered: float, most: int) -> dict[State, float]:
    """Chances of states of a genome that was not doubled; `most`: copies of a haplotype, at most."""
    usual = (1, haplotypes - 1)
    changed: dict[State, float] = {}
    for pair in product(range(most + 1), range(most + 1) if haplotypes == 2 else (0,)):
        state = (max(pair), min(pair))
        events = abs(pair[0] - 1) + (abs(pair[1] - 1) if haplotypes == 2 else 0)
        if events:
            empty = exp(-DECISIONS.empty_cost) if sum(state) == 0 else 1.0
            changed[state] = changed.get(state, 0.0) + _rarity(events) * empty
    return {usual: 1.0 - altered, **{state: altered * weight for state, weight in _normalised(changed).items()}}


def doubled_states(haplotypes: int, before: float, after: float, most: int) -> dict[State, float]:
    """Chances of states of a doubled genome: altered before that, and after it, each haplotype by its own."""
    found: dict[State, float] = {}
    for (major, minor), chance in once_altered(haplotypes, before, min(most, _MOST_BEFORE_DOUBLING)).items():
        later = {(2 * major, 2 * minor): 0.0}
        reach = [range(-2 * copies, 3) if copies else range(1) for copies in (major, minor)]
        for one, other in product(*reach):
            if (events := abs(one) + abs(other)) and events <= 4:
                pair = 2 * major + one, 2 * minor + other
                state = (max(pair), min(pair))
                empty = exp(-DECISIONS.empty_cost) if sum(state) == 0 else 1.0
                later[state] = later.get(state, 0.0) + _rarity(events) * empty
        whole = sum(later.values())
        for state, weight in later.items():
            share = after * weight / whole if whole else 0.0
            found[state] = found.get(state, 0.0) + chance * share
        stays = (2 * major, 2 * minor)
        found[stays] += chance * (1.0 - after if whole else 1.0)
    return found


def _pairs(states: list[State], haplotypes: int) -> list[tuple[State, State, float]]:
    """(before, after, chance given the former): one event on a haplotype, or several on the usual states."""
    out = []
    for state in states:
        if haplotypes == 1 and state[1]:
            continue
        targets: dict[State, float] = {}
        if state in {(1, haplotypes - 1), (2, 2 * haplotypes - 2)}:
            for other in states:
                events = abs(other[0] - state[0]) + abs(other[1] - state[1])
                if 0 < events <= 4 and (haplotypes == 2 or not other[1]):
                    targets[other] = _rarity(events) * (2.0 if state[0] == state[1] and other[0] != other[1] else 1.0)
        else:
            for gained, gained_minor in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                after = state[0] + gained, state[1] + gained_minor
                reachable = all(now == 0 or before for now, before in zip(after, state, strict=True))
                if min(after) >= 0 and reachable and (haplotypes == 2 or not after[1]):
                    targets[after] = 1.0
        out += [(state, after, chance) for after, chance in _normalised(targets).items()] if targets else []
    return out


@cache
def state_prior() -> StatePrior:
    """The prior, by the model decisions of this room."""
    states = all_states()
    number = {state: place for place, state in enumerate(states)}
    most = DECISIONS.most_copies
    histories = [(False, altered, 0.0) for altered in DECISIONS.altered]
    histories += [(True, before, after) for before in DECISIONS.altered_before for after in DECISIONS.altered_after]
    chance = np.zeros((len(histories), 2, len(states)))
    for row, (doubled, altered, after) in enumerate(histories):
        for haplotypes in (1, 2):
            found = doubled_states(haplotypes, altered, after, most) if doubled else once_altered(haplotypes, altered, most)
            for state, weight in found.items():
                if state in number:
                    chance[row, haplotypes - 1, number[state]] = weight
    both, one = _pairs(states, 2), {(a, b): weight for a, b, weight in _pairs(states, 1)}
    log_weight = [
        log(DECISIONS.doubled / (len(DECISIONS.altered_before) * len(DECISIONS.altered_after))) if doubled
        else log((1 - DECISIONS.doubled) / len(DECISIONS.altered))
        for doubled, _, _ in histories
    ]  # fmt: skip
    pairs = [(a, b) for a, b, _ in both] + [pair for pair in one if pair not in {(a, b) for a, b, _ in both}]
    of_both = {(a, b): weight for a, b, weight in both}
    return StatePrior(
        np.array([sum(state) for state in states], float),
        np.array([state[1] for state in states], float),
        chance,
        np.array([a for a, _ in pairs], float),
        np.array([b for _, b in pairs], float),
        np.array([number[a] for a, _ in pairs], np.int64),
        np.array([[of.get(pair, 0.0) for pair in pairs] for of in (one, of_both)]),
        np.array(log_weight),
        np.array([doubled for doubled, _, _ in histories]),
        np.array(DECISIONS.subclonal),
    )
