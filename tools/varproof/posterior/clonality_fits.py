"""Cancer cell fractions where several fits of purity and copy number are possible: mixed by the probability of each.

Within a fit all is as in `clonality`. Of a call's reads each fit is the likelier the better they agree with it; the share of
clonal variants is learnt in each.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varproof.posterior.clonality import CellFraction, Clonality, Curve, Nodes, learnt_share, likelihoods_of, reaching
from varproof.posterior.clonality_decisions import DECISIONS


@dataclass(frozen=True)
class FitOfCall:
    """A call by one fit: what purity and copy number may be at its place, and the evidence; None where no copy is left."""

    nodes: Nodes | None
    evidence: Clonality | None


def by_fits(curve: Curve, nodes: Sequence[Nodes | None], assumed_purity: float) -> tuple[Curve, list[FitOfCall]]:
    """(the curve, continued as far as any fit needs it; the call by each fit)."""
    curve = reaching(curve, max((one.largest for one in nodes if one is not None), default=0.0), assumed_purity)
    return curve, [FitOfCall(one, None if one is None else likelihoods_of(curve, one)) for one in nodes]


def learnt_shares(calls: Sequence[Sequence[FitOfCall]]) -> list[float | None]:
    """The share of clonal variants by each fit; None where it allows none of the calls."""
    out: list[float | None] = []
    for place in range(len(calls[0]) if calls else 0):
        evidence = [one for call in calls if (one := call[place].evidence) is not None and one.clonal + one.subclonal > 0]
        out.append(learnt_share(evidence) if evidence else None)
    return out


def mixed_fraction(
    curve: Curve, fits: Sequence[FitOfCall], shares: Sequence[float | None], probabilities: Sequence[float], level: float = 0.95
) -> CellFraction | None:
    """The fraction of tumour cells over fits of these probabilities, with the share of clonal variants by each; None where none
    allows the frequency. Near the detection limit, where the most probable one is often 0, the value is the mean.
    """
    from varproof.posterior.clonality_numba_fns import fraction_summary

    chosen = [
        (one.nodes, probability * share * one.evidence.by_copies, probability * (1.0 - share) * one.evidence.subclonal)
        for one, share, probability in zip(fits, shares, probabilities, strict=True)
        if one.nodes is not None and one.evidence is not None and share is not None
    ]
    everywhere = math.fsum(value for _, clonal, _ in chosen for value in clonal.tolist())
    total = everywhere + math.fsum(subclonal for _, _, subclonal in chosen)
    if not total > 0.0:
        return None
    most = max(len(clonal) for _, clonal, _ in chosen)
    by_copies = np.zeros((len(chosen), most))
    for row, (_, clonal, subclonal) in enumerate(chosen):
        by_copies[row, : len(clonal)] = clonal / total
        by_copies[row, 1] += subclonal / total
    nodes = [one for one, _, _ in chosen]
    fit = np.concatenate([np.full(len(one.units), row) for row, one in enumerate(nodes)])
    units, weights, copies = (np.concatenate([getattr(one, name) for one in nodes]) for name in ("units", "weights", "copies"))
    mode, mean, low, high = fraction_summary(
        *(curve.near or (curve.frequency, curve.height)), units, weights, copies, fit, by_copies, level
    )
    clonal_chance = everywhere / total
    high = 1.0 if clonal_chance > DECISIONS.reaches_all else high
    value = mode if curve.near is None else mean
    return CellFraction(value, low, high, int(np.argmax(by_copies.sum(axis=0))), clonal_chance)
