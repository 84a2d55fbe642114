"""Does the assumed purity fit the calls? Their clonal peak tells: most tumours' variants are in all of their cells.

A purity that is too low leaves calls that are more frequent than it allows; one that is too high leaves none in all cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.posterior.clonality import (
    Clonality,
    CopyState,
    Curve,
    PurityBelief,
    clonality,
    learnt_share,
    nodes_of,
)
from varproof.posterior.clonality_decisions import DECISIONS


@dataclass(frozen=True, slots=True)
class Place:
    """Copies of a place: in tumour cells, and in healthy ones."""

    states: tuple[CopyState, ...]
    healthy: float


@dataclass(frozen=True, slots=True)
class BetterPurity:
    """A purity outside of the interval that fits the calls better, by so much log-likelihood."""

    value: float
    gain: float


def fits(curves: Sequence[Curve], places: Sequence[Place], purities: Any, assumed_purity: float) -> Any:
    """(p,) log-likelihoods of the calls, n curves of integral 1 at n places, at each purity (p,)."""
    from varproof.posterior.clonality_numba_fns import mixed_log_likelihood

    found = np.empty(len(purities))
    for i, purity in enumerate(purities):
        of = {
            place: nodes_of(place.states, place.healthy, np.array([purity]), np.ones(1), assumed_purity)
            for place in set(places)
        }
        evidence: list[Clonality] = [
            clonality(curve, of[place], assumed_purity)[1] for curve, place in zip(curves, places, strict=True)
        ]
        clonal = np.array([one.clonal for one in evidence])
        subclonal = np.array([one.subclonal for one in evidence])
        found[i] = mixed_log_likelihood(clonal, subclonal, learnt_share(evidence), DECISIONS.unexplained)
    return found


def better_purity(
    curves: Sequence[Curve], places: Sequence[Place], belief: PurityBelief, assumed_purity: float
) -> BetterPurity | None:
    """The purity that fits the calls best, where it lies outside of the interval and fits much better than all within it."""
    step = max(len(curves) // DECISIONS.checked_calls, 1)
    curves, places = curves[::step], places[::step]
    if not curves:
        return None
    tried = np.array([(i + 1) / (DECISIONS.checked_purities + 1) for i in range(DECISIONS.checked_purities + 1)])
    within = np.array([belief.low + (belief.high - belief.low) * i / 6 for i in range(7)])
    outside = tried[(tried < belief.low) | (tried > belief.high)]
    if not len(outside):
        return None
    best = fits(curves, places, outside, assumed_purity)
    gain = float(best.max() - fits(curves, places, within, assumed_purity).max())
    return BetterPurity(float(outside[np.argmax(best)]), gain) if gain > DECISIONS.convincing_purity else None
