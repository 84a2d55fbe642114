"""In how many of the tumour cells a variant is: cancer cell fraction, copies per cell, whether it is in all of them.

A variant in the fraction c of the tumour cells, with M copies in each, has the expected share of reads

    f = rho c M / (rho N + (1 - rho) H)

at purity rho, N copies of the place in tumour cells and H in healthy ones (Dentro et al. 2017, Cold Spring Harb Perspect Med
7, a026625). Purity and N are uncertain: each pair of them, a node, has a weight. Clonal variants may lie on any number of
copies that one allele has (before a gain: on all of them; after it, on one); subclonal ones on one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varproof.formats.density import decode_density
from varproof.machinery.numerics import exp
from varproof.posterior.clonality_decisions import DECISIONS
from varproof.posterior.detection import DetectionLimit

_NORMAL_95 = 1.959963984540054
_WHOLE = 0.02
"""A copy number that is nearer to a whole one is that."""
_NORMAL_NODES = ((0.0, 2 / 3), (-math.sqrt(3), 1 / 6), (math.sqrt(3), 1 / 6))
"""Gauss and Hermite's nodes and weights."""


@dataclass(frozen=True, slots=True)
class PurityBelief:
    """Purity with the limits of a 95 % interval, 0 < low <= value <= high <= 1: two halves of normal distributions."""

    value: float
    low: float
    high: float

    def nodes(self) -> tuple[Any, Any]:
        """(purities (j,), ascending, in (0, 1]; weights (j,), which sum to 1)."""
        below, above = (self.value - self.low) / _NORMAL_95, (self.high - self.value) / _NORMAL_95
        if below + above < 1e-9:
            return np.array([self.value]), np.ones(1)
        start = max(self.value - DECISIONS.purity_reach * below, self.value * 1e-2, 1e-3)
        end = min(self.value + DECISIONS.purity_reach * above, 1.0)
        count = DECISIONS.purity_nodes
        steps = [start + (end - start) * i / (count - 1) for i in range(count)]
        weights = []
        for step in steps:
            spread = below if step < self.value else above
            distance = (step - self.value) / spread if spread > 0 else 0.0
            weights.append(exp(-0.5 * distance * distance))
        total = math.fsum(weights)
        return np.array(steps), np.array([weight / total for weight in weights])


@dataclass(frozen=True, slots=True)
class CopyState:
    """Copies of a place in tumour cells, `major` of one allele among them (the most that one variant can lie on)."""

    total: float
    major: int
    minor: int
    weight: float = 1.0


DIPLOID = (CopyState(2.0, 1, 1),)


def copy_states(
    total: float,
    minor: float | None,
    total_limits: tuple[float, float] | None = None,
    minor_limits: tuple[float, float] | None = None,
) -> tuple[CopyState, ...]:
    """The copy numbers that a segment may have, likeliest first; weights sum to 1. Empty where there is no copy left.

    Limits are of 95 % intervals. A number that is not whole is an average over cells: it stays what it is in `total`, and a
    variant lies on the nearest whole number of copies. Where `minor` is not known, each up to half of the total is alike.
    """
    found: list[CopyState] = []
    for number, weight in _numbers(total, total_limits):
        minors = (
            [(float(k), 1.0) for k in range(int(number / 2 + 0.5) + 1) if k <= number / 2]
            if minor is None
            else _numbers(minor, minor_limits)
        )
        fitting = [(other, own) for other, own in minors if other <= number / 2 + 1e-3]
        # A total that the minor copies do not fit has the most that fit.
        fitting = fitting or [(number / 2, min(own for _, own in minors))]
        for other, own in fitting:
            major = round(number - other)
            if number > 0 and major >= 1:
                share = 1.0 / len(fitting) if minor is None else own
                found.append(CopyState(number, min(major, DECISIONS.most_copies), round(other), weight * share))
    if not found:
        return ()
    found.sort(key=lambda state: (-state.weight, state.total, state.minor))
    kept = [state for state in found if state.weight >= DECISIONS.least_state_weight * found[0].weight]
    kept = kept[: DECISIONS.most_states]
    total_weight = math.fsum(state.weight for state in kept)
    return tuple(CopyState(s.total, s.major, s.minor, s.weight / total_weight) for s in kept)


def _numbers(value: float, limits: tuple[float, float] | None) -> list[tuple[float, float]]:
    """(copy number, weight) of a number and the whole ones around it, by a normal distribution with these limits; of one that
    is not whole, an average over cells, that distribution's own nodes.
    """
    if limits is None or limits[1] - limits[0] < 1e-6:
        return [(value, 1.0)]
    spread = max((limits[1] - limits[0]) / (2 * _NORMAL_95), 0.05)
    if abs(value - round(value)) > _WHOLE:
        return [(max(value + step * spread, 0.0), weight) for step, weight in _NORMAL_NODES]
    reach = range(max(math.floor(value - 3 * spread), 0), math.ceil(value + 3 * spread) + 1)
    return [(float(k), exp(-0.5 * ((k - value) / spread) ** 2)) for k in reach]


def multiplicity_chances(state: CopyState, most: int) -> Any:
    """(most + 1,) chances, before any read, that a variant of all tumour cells lies on 0, 1 ... copies; sum 1.

    Mutations arise evenly over time on every copy there is. Those before a gain (`before_gain` of the time) lie on all copies
    of their allele, the others on one; where an allele has three copies or more, some lie on numbers between.

    >>> multiplicity_chances(CopyState(3, 2, 1), 2).round(3).tolist()  # 0.5 on the gained allele, 0.5 + 1.5 on one copy
    [0.0, 0.8, 0.2]
    """
    before = DECISIONS.before_gain
    gained = state.major + state.minor > 2 or state.major > 1
    chances = np.zeros(most + 1)
    chances[1] += (1.0 - before if gained else 1.0) * max(state.major + state.minor, 1)
    for copies in (state.major, state.minor) if gained else ():
        if copies >= 1:
            chances[min(copies, most)] += before
        for between in range(2, min(copies, most)):
            chances[between] += before * DECISIONS.between_gains / (copies - 2)
    return chances / math.fsum(chances.tolist())


@dataclass(frozen=True)
class Nodes:
    """What purity and copy number may be at a place, as nodes (j,).

    `units`: the frequency, in tumour cells of as many copies as healthy ones have at the assumed purity, of one copy in each
    tumour cell; `weights` sum to 1; `copies`: the most that one variant can lie on; `chances` (j, m + 1): see
    `multiplicity_chances`.
    """

    units: Any
    weights: Any
    copies: Any
    chances: Any

    @property
    def largest(self) -> float:
        """The greatest frequency of any variant."""
        return float((self.units * self.copies).max())


def nodes_of(states: Sequence[CopyState], healthy: float, purities: Any, weights: Any, assumed_purity: float) -> Nodes:
    """Nodes of copy states at purities (j,) with weights (j,); `healthy`: copies in healthy cells; `assumed_purity`: that by
    which frequencies were corrected, as if tumour cells had as many copies as healthy ones, two.
    """
    most = max(state.major for state in states)
    units, each, copies, chances = [], [], [], []
    for state in states:
        unit = purities / ((purities * state.total + (1.0 - purities) * healthy) * assumed_purity)
        units.append(unit)
        each.append(weights * state.weight)
        copies.append(np.full(len(unit), state.major))
        chances.append(np.tile(multiplicity_chances(state, most), (len(unit), 1)))
    return Nodes(np.concatenate(units), np.concatenate(each), np.concatenate(copies), np.concatenate(chances))


@dataclass(frozen=True)
class Curve:
    """The likelihood of a call's frequency in tumour cells, (m,), (m,), with an integral of 1.

    `near`: the same over the probability of being kept, (k,), (k,), where the detection limit is near; `kept`: that
    probability at frequencies, (g,), (g,); None where all are kept, as far as is known.
    """

    frequency: Any
    height: Any
    depth: int
    near: tuple[Any, Any] | None = None
    kept: tuple[Any, Any] | None = None


def curve_of(text: str, low: float, depth: int, group: str, purity: float, limit: DetectionLimit | None) -> Curve | None:
    """The curve of a density's string, corrected for `purity`, whose interval begins at `low`; `group` is that of the type
    (`detection.group_of`). None where it is a point or none; raises ValueError for any other text.
    """
    from varproof.posterior.vaf_numba_fns import cumulated

    frequency, height = decode_density(text)
    if len(frequency) < 2:
        return None
    height = height / cumulated(frequency, height)[1]
    if limit is None or depth < 1:
        return Curve(frequency, height, depth)
    near = limit.kept_curve(text, low, depth, group, purity)
    return Curve(frequency, height, depth, near, limit.kept_over(depth, group, purity))


@dataclass(frozen=True, slots=True)
class CellFraction:
    """Fraction of the tumour cells with its 95 % interval, copies in each of them, probability that it is in all."""

    value: float
    low: float
    high: float
    multiplicity: int
    clonal: float


@dataclass(frozen=True)
class Clonality:
    """Evidence of a call: likelihoods by number of copies (m + 1,) if in all tumour cells, and if in some, on one copy."""

    by_copies: Any
    subclonal: float

    @property
    def clonal(self) -> float:
        """The likelihood if in all tumour cells."""
        return math.fsum(self.by_copies.tolist())


def clonality(curve: Curve, nodes: Nodes, assumed_purity: float) -> tuple[Curve, Clonality]:
    """(the curve, continued as far as copy numbers need it; the evidence, given that the call is in the list)."""
    curve = reaching(curve, nodes.largest, assumed_purity)
    return curve, likelihoods_of(curve, nodes)


def reaching(curve: Curve, largest: float, assumed_purity: float) -> Curve:
    """The curve continued up to the greatest frequency that copy numbers allow."""
    from varproof.posterior.clonality_numba_fns import continued

    most = min(largest, 1 / assumed_purity)
    frequency, height = continued(curve.frequency, curve.height, assumed_purity, curve.depth, most)
    near = None if curve.near is None else continued(*curve.near, assumed_purity, curve.depth, most)
    return replace(curve, frequency=frequency, height=height, near=near)


def likelihoods_of(curve: Curve, nodes: Nodes) -> Clonality:
    """The evidence of a curve that reaches as far as copy numbers need it, given that the call is in the list."""
    from varproof.posterior.clonality_numba_fns import clonal_evidence, mean_over_fractions

    near = curve.near or (curve.frequency, curve.height)
    clonal = clonal_evidence(*near, nodes.units, nodes.weights, nodes.copies, nodes.chances)
    subclonal = mean_over_fractions(curve.frequency, curve.height, nodes.units, nodes.weights)
    if curve.kept is not None:
        # Subclonal variants may be of any frequency; of those in the list the rarest are missing.
        subclonal /= max(mean_over_fractions(*curve.kept, nodes.units, nodes.weights), 1e-12)
    return Clonality(clonal, float(subclonal))


def learnt_share(evidence: Sequence[Clonality]) -> float:
    """The share of clonal variants among calls."""
    from varproof.posterior.clonality_numba_fns import clonal_share

    clonal = np.array([one.clonal for one in evidence])
    subclonal = np.array([one.subclonal for one in evidence])
    return float(clonal_share(clonal, subclonal, DECISIONS.clonal_share, DECISIONS.clonal_share_calls))
