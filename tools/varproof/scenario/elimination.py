"""Sums of products of factors over all variables, by elimination: exact, and linear in the samples where they form a tree.

A variable is summed out together with the factors that hold it, which leaves a factor over its neighbours. The order is that of
the smallest tables, found once for a network; what would need a table of too many values is refused. Boxes of events restrict
samples to some of their nodes: sums that two boxes share are made once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from varproof.machinery.errors import UserError
from varproof.scenario.boxes import Box
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.elimination_numba_fns import log_sums
from varproof.scenario.network import Factor, Network, Variable


@dataclass(frozen=True)
class Plan:
    """The order in which variables are summed out, and the values of the largest table on the way."""

    order: tuple[Variable, ...]
    width: int


def plan(network: Network) -> Plan:
    """The order of the smallest tables, from one to the next; raises UserError where one has too many values.

    Where that gets too wide, which it may although there is a better way, all orders of a few variables are tried.
    """
    scopes = [set(factor.variables) for factor in network.factors]
    scopes += [set(variables) for variables in likelihood_scopes(network)]
    everything = sorted({variable for scope in scopes for variable in scope})
    found, widest = _greedy(scopes, everything, network.sizes)
    if found.width > DECISIONS.most_values and len(everything) <= DECISIONS.most_ordered:
        found = _narrowest(scopes, everything, network.sizes)
    if found.width > DECISIONS.most_values:
        raise UserError(
            f"too wide: {_named(widest)} is coupled with so many others that {found.width:,} values have to be summed together "
            f"(at most {DECISIONS.most_values:,}); leave out some inheritance or contamination, or give coarser resolutions"
        )
    return found


def _greedy(scopes: list[set[Variable]], left: list[Variable], sizes: Mapping[Variable, int]) -> tuple[Plan, Variable]:
    """Always the smallest table next; and the variable of the largest one."""
    order: list[Variable] = []
    width, widest = 1, left[0]
    while len(order) < len(left):
        costs = [(_values(_joint(scopes, one), sizes), one) for one in left if one not in order]
        values, chosen = min(costs)
        if values > width:
            width, widest = values, chosen
        scopes = _without(scopes, chosen)
        order.append(chosen)
    return Plan(tuple(order), width), widest


def _narrowest(scopes: list[set[Variable]], left: list[Variable], sizes: Mapping[Variable, int]) -> Plan:
    """The order whose largest table is smallest, of all: the best for each set of variables that are summed out already."""
    best: dict[frozenset[Variable], tuple[int, tuple[Variable, ...], list[set[Variable]]]] = {frozenset(): (1, (), scopes)}
    for _ in left:
        after: dict[frozenset[Variable], tuple[int, tuple[Variable, ...], list[set[Variable]]]] = {}
        for done, (width, order, own) in best.items():
            for one in left:
                if one not in done:
                    wider = max(width, _values(_joint(own, one), sizes))
                    key = done | {one}
                    if key not in after or (wider, (*order, one)) < after[key][:2]:
                        after[key] = wider, (*order, one), _without(own, one)
        best = after
    ((width, order, _),) = best.values()
    return Plan(order, width)


def _joint(scopes: list[set[Variable]], variable: Variable) -> set[Variable]:
    return set().union(*(scope for scope in scopes if variable in scope))


def _without(scopes: list[set[Variable]], variable: Variable) -> list[set[Variable]]:
    return [scope for scope in scopes if variable not in scope] + [_joint(scopes, variable) - {variable}]


def _named(variable: Variable) -> str:
    return f"sample {variable[1]}" if variable[1] else "the population"


def _values(scope: Iterable[Variable], sizes: Mapping[Variable, int]) -> int:
    values = 1
    for variable in scope:
        values *= sizes[variable]
    return values


def likelihood_scopes(network: Network) -> list[tuple[Variable, ...]]:
    """Variables of each sample's likelihood: its frequency, and that of what it is contaminated by."""
    found: list[tuple[Variable, ...]] = []
    for sample in network.samples:
        own: Variable = ("fraction", sample)
        by = network.contaminated.get(sample)
        found.append((own,) if by is None else (own, ("fraction", by)))
    return found


@dataclass
class _Table:
    """A factor; an axis of candidates, of length 1 where they don't matter, comes before those of its variables."""

    variables: tuple[Variable, ...]
    values: np.ndarray
    key: object


@dataclass
class Eliminator:
    """Sums over boxes for n candidates; `likelihoods` by sample: log-likelihoods (n, nodes...) as of `likelihood_scopes`.

    `factors`: the network's, where they differ between candidates: (n or 1, ...) each.
    """

    network: Network
    plan: Plan
    likelihoods: Sequence[np.ndarray]
    factors: Sequence[np.ndarray] | None = None
    _known: dict[object, _Table] = field(default_factory=dict)

    def box(self, box: Box) -> np.ndarray:
        """ln of prior times likelihood, summed over a box: (n,)."""
        nodes = dict(zip(self.network.samples, box.nodes, strict=True))
        tables = [self._restricted(number, factor, nodes) for number, factor in enumerate(self._factors())]
        for variable in self.plan.order:
            holding = [table for table in tables if variable in table.variables]
            tables = [table for table in tables if variable not in table.variables] + [self._summed(holding, variable)]
        total = np.zeros(1)
        for table in tables:
            total = total + table.values
        return total

    def _factors(self) -> list[tuple[tuple[Variable, ...], np.ndarray]]:
        tables = [factor.table[None] for factor in self.network.factors] if self.factors is None else self.factors
        own = [(factor.variables, table) for factor, table in zip(self.network.factors, tables, strict=True)]
        return own + list(zip(likelihood_scopes(self.network), self.likelihoods, strict=True))

    def _restricted(
        self, number: int, factor: tuple[tuple[Variable, ...], np.ndarray], nodes: Mapping[str, tuple[int, ...]]
    ) -> _Table:
        variables, values = factor
        chosen = tuple(nodes[sample] if kind == "fraction" else None for kind, sample in variables)
        key = number, chosen
        if key not in self._known:
            for axis, wanted in enumerate(chosen):
                if wanted is not None and len(wanted) < values.shape[axis + 1]:
                    values = np.take(values, wanted, axis=axis + 1)
            self._known[key] = _Table(variables, values, len(self._known))
        return self._known[key]

    def _summed(self, tables: Sequence[_Table], variable: Variable) -> _Table:
        key = variable, *(table.key for table in tables)
        if key in self._known:
            return self._known[key]
        others = sorted({one for table in tables for one in table.variables if one != variable})
        axes = (*others, variable)
        total: np.ndarray | None = None
        for table in tables:
            aligned = _aligned(table, axes)
            total = aligned if total is None else total + aligned
        assert total is not None
        total = np.ascontiguousarray(total)
        values = log_sums(total.reshape(-1, total.shape[-1])).reshape(total.shape[:-1])
        self._known[key] = _Table(tuple(others), values, len(self._known))
        return self._known[key]


def _aligned(table: _Table, axes: Sequence[Variable]) -> np.ndarray:
    """The table with an axis for each of `axes`, of length 1 where it does not have the variable."""
    present = [one for one in axes if one in table.variables]
    moved = np.transpose(table.values, (0, *(table.variables.index(one) + 1 for one in present)))
    shape, place = [moved.shape[0]], 1
    for one in axes:
        shape.append(moved.shape[place] if one in table.variables else 1)
        place += one in table.variables
    return moved.reshape(shape)


def prior_of_boxes(network: Network, order: Plan) -> np.ndarray:
    """ln of the prior mass of each box (boxes,)."""
    sizes = [tuple(network.sizes[one] for one in scope) for scope in likelihood_scopes(network)]
    sums = Eliminator(network, order, [np.zeros((1, *size)) for size in sizes])
    return np.array([float(sums.box(box)[0]) for box in network.boxes])


def factor_values(network: Network) -> int:
    """Values of likelihoods that one candidate needs."""
    return sum(_values(scope, network.sizes) for scope in likelihood_scopes(network))


__all__ = ["Eliminator", "Factor", "Plan", "factor_values", "likelihood_scopes", "plan", "prior_of_boxes"]
