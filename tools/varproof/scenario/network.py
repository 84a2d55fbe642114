"""A scenario on one contig, for one type of variant: its variables, the factors between them, and the boxes of its events.

Variables are each sample's allele frequency (its nodes) and, where a ploidy is known, its number of inherited alternative
copies. Factors are tables over few variables; their logarithms add up to that of the prior:

- population: of samples without parents, m of n copies have the allele with probability h / m (neutral, infinite sites), the
  copies shared out at random; none with the rest. With several samples this is a mixture over the population's frequency f with
  density h / f, given which they are independent: Gauss and Legendre with n / 2 + 1 nodes is exact.
- somatic: a sample's frequency is that of its copies with probability 1 - mu, else anywhere, evenly.
- mendelian: each parent hands on half of its copies, chosen at random (of one copy: it, or none, as fits the child); each copy
  changes with the germline mutation rate.
- clonal: the inherited copies are those of the parent; with `somatic`, the frequency is the parent's, too, where the sample has
  no rate of its own; else a variant of the parent is lost or anywhere, evenly, as in a subclone of several cells, and others
  are new with that rate.
- subclonal: the copies are those of the parent. Of one cell (`single-cell`) with s the parent's somatic part and p copies:
  the cell carries with probability min(1, s p), and then any other number of copies; of several: a subclonal variant is lost
  or anywhere, evenly.
- a sample with a universe and no inheritance has the flat prior: mass 1 at points, density 1 in intervals.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from varproof.machinery import numerics
from varproof.machinery.errors import UserError
from varproof.machinery.numerics_numba_fns import log_of
from varproof.scenario.boxes import Box, boxes_of, compared
from varproof.scenario.cells import Domain, domain
from varproof.scenario.copies import fraction_of_type, on_contig, ploidy_of
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.file import Inheritance, SampleEntry, Scenario
from varproof.scenario.formula import And, Formula, In, Interval, of_allele, parts_of
from varproof.scenario.genetics import binomial, gamete, mutated, sum_of
from varproof.scenario.grammar import parse_universe

ABSENT = "ABSENT"
OTHER, UNNAMED = "OTHER", "UNNAMED"
"""What no event holds for; by its second name where a scenario has an event OTHER of its own."""

WHOLE = Interval(0.0, 1.0)
ZERO = Interval(0.0, 0.0)

Variable = tuple[str, str]
"""('fraction' or 'copies' or another kind, the sample)."""


@dataclass(frozen=True)
class Factor:
    """A table over variables: logarithms, one axis for each variable in order."""

    variables: tuple[Variable, ...]
    table: np.ndarray


@dataclass(frozen=True)
class Network:
    """What posteriors need of a scenario on one contig, for one type and one substitution.

    `sizes`: values of each variable. `contaminated`: of samples, by whom. `boxes`: of the events, ABSENT among them.
    `informed`: whether any sample has a prior of species rates. `heterozygosity`: what the population's factor has, which is
    not more than there can be; 0 without one. `gap`: what is called that no event holds for.
    """

    samples: tuple[str, ...]
    domains: dict[str, Domain]
    factors: tuple[Factor, ...]
    sizes: dict[Variable, int]
    contaminated: dict[str, str]
    boxes: tuple[Box, ...]
    informed: bool
    heterozygosity: float = 0.0
    gap: str = OTHER

    @property
    def overlaps(self) -> list[Box]:
        """Boxes of several events."""
        return [box for box in self.boxes if len(box.events) > 1]

    @property
    def gaps(self) -> list[Box]:
        """Boxes of none."""
        return [box for box in self.boxes if not box.events]


class _Builder:
    """Makes a network; one for each contig and type."""

    def __init__(
        self, scenario: Scenario, contig: str, share: float, heterozygosity: float | None, somatic: float | None
    ) -> None:
        self.scenario, self.contig, self.share = scenario, contig, share
        self.heterozygosity, self.somatic = heterozygosity, somatic
        self.ploidy = {sample: ploidy_of(scenario, sample, contig) for sample in scenario.samples}
        self.order = _parents_first(scenario)
        for sample in self.order:
            parents = self._parents(sample)
            if self.ploidy[sample] is None and len(parents) == 1:
                self.ploidy[sample] = self.ploidy[parents[0]]
        self.factors: list[Factor] = []
        self.sizes: dict[Variable, int] = {}
        self.population = 0.0

    def _item(self, sample: str) -> SampleEntry:
        return self.scenario.samples[sample]

    def inheritance(self, sample: str) -> Inheritance | None:
        """Where a sample's alleles come from; of one with a universe nothing is asked of that, as Varlociraptor has it."""
        item = self._item(sample)
        return item.inheritance if item.universe is None else None

    def _parents(self, sample: str) -> tuple[str, ...]:
        inheritance = self.inheritance(sample)
        return () if inheritance is None else inheritance.parents

    def somatic_rate(self, sample: str) -> float | None:
        """Of this type of variant; None where a sample has no somatic variants of its own."""
        rate = self._item(sample).somatic_rate
        if rate is None and self._item(sample).universe is None and self.ploidy[sample] is not None:
            rate = self.scenario.species.somatic_rate
        return None if rate is None else rate * self.share if self.somatic is None else self.somatic

    def informed(self, sample: str) -> bool:
        """Whether a sample's prior is of copies that it inherits, and not flat."""
        item = self._item(sample)
        if self.ploidy[sample] is None or item.universe is not None:
            return False
        return item.inheritance is not None or item.somatic_rate is not None or self.heterozygosity is not None

    def varies(self, sample: str) -> bool:
        """Whether a sample's frequency can be other than that of its copies."""
        item = self._item(sample)
        if item.universe is not None or self.somatic_rate(sample) is not None:
            return True
        inheritance = item.inheritance
        if inheritance is None or inheritance.mendelian is not None:
            return False
        if inheritance.clonal is not None:
            return inheritance.clonal.somatic and self.varies(inheritance.clonal.parent)
        assert inheritance.subclonal is not None
        return inheritance.subclonal.origin == "multi-cell" and self.varies(inheritance.subclonal.parent)

    def universe(self, sample: str) -> list[Interval]:
        """What the sample's frequency can be; raises UserError where nothing is said."""
        item, place = self._item(sample), self.scenario.at("samples", sample)
        if item.universe is not None:
            if self.ploidy[sample] == 0:
                return [ZERO]
            given = item.universe
            text = on_contig(given, self.contig, "the universe", place) if isinstance(given, dict) else given
            return parse_universe(str(text))
        ploidy = self.ploidy[sample]
        if ploidy is None:
            raise UserError(f"{place}: sample {sample} needs a universe or a ploidy (of its own, or of the species)")
        points = [Interval(copies / ploidy, copies / ploidy) for copies in range(ploidy + 1)] if ploidy else [ZERO]
        return [*points, WHOLE] if self.varies(sample) and ploidy else points

    def copies(self, sample: str) -> Variable:
        """The variable of inherited copies."""
        variable = ("copies", sample)
        ploidy = self.ploidy[sample]
        assert ploidy is not None
        self.sizes[variable] = ploidy + 1
        return variable

    def add(self, variables: tuple[Variable, ...], table: np.ndarray) -> None:
        """A factor of probabilities."""
        self.factors.append(Factor(variables, log_of(np.ascontiguousarray(table, np.float64))))

    def copy_fractions(self, sample: str) -> np.ndarray:
        """(p + 1,): the frequency of each number of copies."""
        ploidy = self.ploidy[sample]
        assert ploidy is not None
        return np.arange(ploidy + 1) / max(1, ploidy)


def _parents_first(scenario: Scenario) -> list[str]:
    done: dict[str, None] = {}

    def visit(sample: str) -> None:
        if sample not in done:
            inheritance = scenario.samples[sample].inheritance
            for parent in () if inheritance is None else inheritance.parents:
                visit(parent)
            done[sample] = None

    for sample in scenario.samples:
        visit(sample)
    return list(done)


def build(
    scenario: Scenario,
    contig: str,
    kind: str = "snv",
    alleles: tuple[str, str] = ("", ""),
    heterozygosity: float | None = None,
    somatic: float | None = None,
) -> Network:
    """The network of a scenario on a contig for a type of variant (see `fraction_of_type`) and its alleles.

    `heterozygosity`: of this allele, in place of the species'; `somatic`: its somatic rate, in samples that have one. Raises
    UserError, naming the line, for what does not fit.
    """
    share = fraction_of_type(scenario, kind)
    species = scenario.species.heterozygosity
    of_type = heterozygosity if heterozygosity is not None else None if species is None else species * share
    builder = _Builder(scenario, contig, share, of_type, somatic)
    events = {name: of_allele(formula, *alleles) for name, formula in scenario.events.items()}
    nowhere: Formula = (
        And(tuple(In(sample, ZERO) for sample in scenario.samples))
        if len(scenario.samples) > 1
        else In(next(iter(scenario.samples)), ZERO)
    )
    events[ABSENT] = nowhere
    domains = _domains(builder, events)
    informed = {sample for sample in builder.order if builder.informed(sample)}
    _add_prior(builder, domains, informed)
    contaminated = {
        name: item.contamination.by for name, item in scenario.samples.items() if item.contamination is not None
    }  # fmt: skip
    for sample, one in domains.items():
        builder.sizes["fraction", sample] = one.size
    boxes = tuple(boxes_of(events, domains))
    boxes = tuple(_absent_is_absent(box) for box in boxes)
    known = bool(informed) and of_type is not None
    return Network(
        tuple(domains),
        domains,
        tuple(builder.factors),
        builder.sizes,
        contaminated,
        boxes,
        known,
        builder.population,
        gap_of(scenario),
    )


def gap_of(scenario: Scenario) -> str:
    """What is called that no event of a scenario holds for."""
    return UNNAMED if OTHER in scenario.events else OTHER


def _absent_is_absent(box: Box) -> Box:
    """Where no sample has the allele it is absent, and nothing else."""
    return Box(box.nodes, (ABSENT,)) if ABSENT in box.events else box


def _domains(builder: _Builder, events: Mapping[str, Formula]) -> dict[str, Domain]:
    scenario = builder.scenario
    universes = {sample: builder.universe(sample) for sample in scenario.samples}
    cuts: dict[str, set[float]] = {sample: set() for sample in scenario.samples}
    named: dict[str, set[float]] = {sample: {0.0} for sample in scenario.samples}
    for formula in events.values():
        for part in parts_of(formula):
            if isinstance(part, In):
                cuts[part.sample] |= {part.interval.low, part.interval.high}
                if part.interval.is_point:
                    named[part.sample].add(part.interval.low)
    alike = _alike(builder)
    for group in alike:
        together = [set().union(*(table[sample] for sample in group)) for table in (cuts, named)]
        together[0] |= {end for sample in group for part in universes[sample] for end in (part.low, part.high)}
        for sample in group:
            cuts[sample], named[sample] = set(together[0]), set(together[1])
    order = {sample: number for number, sample in enumerate(compared(list(events.values())))}
    found = {}
    for sample in scenario.samples:
        group = next((group for group in alike if sample in group), (sample,))
        finest = [scenario.samples[one].resolution for one in group]
        resolution = finest[0] if len(group) == 1 else _finest(finest)
        rank = None if len(group) > 1 else order.get(sample)
        found[sample] = domain(universes[sample], cuts[sample], named[sample], resolution, rank)
        if not found[sample].size:
            raise UserError(f"{scenario.at('samples', sample)}: the universe of {sample} on {builder.contig} is empty")
    return found


def _finest(resolutions: list[float | None]) -> float | None:
    told = [value for value in resolutions if value is not None]
    return max((1.0 / value if value < 1 else value for value in told), default=None)


def _alike(builder: _Builder) -> list[tuple[str, ...]]:
    """Groups of samples that inherit somatic frequencies unchanged, and need the same nodes."""
    groups: list[set[str]] = []
    for sample in builder.order:
        inheritance = builder.inheritance(sample)
        clonal = None if inheritance is None else inheritance.clonal
        if clonal is not None and clonal.somatic and builder.somatic_rate(sample) is None:
            pair = {sample, clonal.parent}
            touching = [group for group in groups if group & pair]
            groups = [group for group in groups if group not in touching] + [pair.union(*touching)]
    return [tuple(sorted(group)) for group in groups]


def _add_prior(builder: _Builder, domains: Mapping[str, Domain], informed: set[str]) -> None:
    founders = []
    for sample in builder.order:
        here, inheritance = domains[sample], builder.inheritance(sample)
        variable: Variable = ("fraction", sample)
        if inheritance is None and sample not in informed:
            builder.add((variable,), here.weight)
            continue
        if inheritance is not None:
            _require_relatives(builder, sample, informed)
        if inheritance is None or inheritance.mendelian is not None:
            copies = builder.copies(sample)
            builder.add((copies, variable), _somatic(builder, sample, here))
            if inheritance is None:
                founders.append(sample)
            else:
                assert inheritance.mendelian is not None
                _add_mendelian(builder, sample, inheritance.mendelian.parents)
        elif inheritance.clonal is not None:
            _add_clonal(builder, sample, inheritance.clonal.parent, inheritance.clonal.somatic, domains)
        else:
            assert inheritance.subclonal is not None
            one_cell = inheritance.subclonal.origin == "single-cell"
            _add_subclonal(builder, sample, inheritance.subclonal.parent, one_cell, domains)
    if builder.heterozygosity is not None and founders:
        _add_population(builder, founders, builder.heterozygosity)


def _require_relatives(builder: _Builder, sample: str, informed: set[str]) -> None:
    """Raise UserError where an inheritance needs copies of relatives that have none."""
    scenario = builder.scenario
    inheritance = scenario.samples[sample].inheritance
    assert inheritance is not None
    place = scenario.at("samples", sample, "inheritance")
    if inheritance.clonal is not None and inheritance.clonal.somatic and inheritance.clonal.parent not in informed:
        return
    for one in (sample, *inheritance.parents):
        if one not in informed:
            raise UserError(
                f"{place}: {sample} inherits copies, and {one} has none that are known; give a ploidy (of the sample or the "
                "species) and a heterozygosity of the species, not a universe"
            )


def _somatic(builder: _Builder, sample: str, here: Domain) -> np.ndarray:
    """(p + 1, k): probability of each node given the copies."""
    of_copies = builder.copy_fractions(sample)
    same = here.is_point[None, :] & (abs(here.fraction[None, :] - of_copies[:, None]) < 1e-9)
    rate = builder.somatic_rate(sample) or 0.0
    return np.where(same, 1.0 - rate, 0.0) + np.where(here.is_point, 0.0, rate * here.weight)[None, :]


def _same_copies(builder: _Builder, sample: str, parent: str) -> np.ndarray:
    own, theirs = builder.copy_fractions(sample), builder.copy_fractions(parent)
    if builder.ploidy[sample] != builder.ploidy[parent]:
        raise UserError(
            f"{builder.scenario.at('samples', sample, 'inheritance')}: {sample} has {builder.ploidy[sample]} copies of "
            f"{builder.contig} and {parent}, from whom it descends, {builder.ploidy[parent]}"
        )
    return (abs(own[:, None] - theirs[None, :]) < 1e-9).astype(float)


def _add_clonal(builder: _Builder, sample: str, parent: str, somatic: bool, domains: Mapping[str, Domain]) -> None:
    here, variable = domains[sample], ("fraction", sample)
    knows_copies = builder.ploidy[parent] is not None and ("copies", parent) in builder.sizes
    changes = somatic and builder.somatic_rate(sample) is not None
    if knows_copies and changes:
        _add_subclonal(builder, sample, parent, False, domains)
        return
    if knows_copies:
        copies = builder.copies(sample)
        builder.add((copies, ("copies", parent)), _same_copies(builder, sample, parent))
        if not somatic:
            builder.add((copies, variable), _somatic(builder, sample, here))
            return
    theirs = domains[parent]
    if changes:
        _add_change(builder, sample, parent, domains)
        return
    same = (theirs.fraction[:, None] == here.fraction[None, :]) & (theirs.is_point[:, None] == here.is_point[None, :])
    builder.add((("fraction", parent), variable), same.astype(float))


def _add_change(builder: _Builder, sample: str, parent: str, domains: Mapping[str, Domain]) -> None:
    """Of a parent whose copies are not known: its variants are lost or anywhere, evenly; others are new with a rate."""
    here, theirs, state = domains[sample], domains[parent], ("inherited", sample)
    builder.sizes[state] = 2
    absent = theirs.is_point & (theirs.fraction == 0.0)
    builder.add((("fraction", parent), state), np.stack([absent, ~absent], axis=1).astype(float))
    rate = builder.somatic_rate(sample) or 0.0
    spread = np.where(here.is_point, 0.0, here.weight)
    total = float(spread.sum())
    lost = DECISIONS.lost_by_subclone if total > 0.0 else 1.0
    nowhere = (here.is_point & (here.fraction == 0.0)).astype(float)
    anywhere = lost * nowhere + (1.0 - lost) * spread / max(total, 1e-300)
    builder.add((state, ("fraction", sample)), np.stack([nowhere, anywhere]) * (1.0 - rate) + rate * spread)


def _add_subclonal(builder: _Builder, sample: str, parent: str, one_cell: bool, domains: Mapping[str, Domain]) -> None:
    here, theirs, variable = domains[sample], domains[parent], ("fraction", sample)
    copies = builder.copies(sample)
    builder.add((copies, ("copies", parent)), _same_copies(builder, sample, parent))
    of_copies = builder.copy_fractions(sample)
    ploidy = len(of_copies) - 1
    away = abs(theirs.fraction[None, :] - of_copies[:, None])
    away = np.where(away < 1e-9, 0.0, away)
    rate = builder.somatic_rate(sample) or 0.0
    new = np.where(here.is_point, 0.0, rate * here.weight)
    if one_cell:
        founder: Variable = ("cell", sample)
        builder.sizes[founder] = ploidy + 1
        carries = np.minimum(1.0, away * ploidy)
        table = np.repeat((carries / max(1, ploidy))[:, :, None], ploidy + 1, axis=2)
        for number in range(ploidy + 1):
            table[number, :, number] = 1.0 - carries[number]
        builder.add((copies, ("fraction", parent), founder), table)
        builder.add((founder, variable), _somatic(builder, sample, here))
        return
    state: Variable = ("inherited", sample)
    builder.sizes[state] = 3
    fixed = (theirs.fraction >= 1.0)[None, :] & (away > 0.0)
    states = np.stack([away == 0.0, fixed, (away > 0.0) & ~fixed], axis=2).astype(float)
    builder.add((copies, ("fraction", parent), state), states)
    at_copies = here.is_point[None, :] & (abs(here.fraction[None, :] - of_copies[:, None]) < 1e-9)
    at_one = np.broadcast_to(here.is_point & (here.fraction >= 1.0), at_copies.shape)
    spread = np.where(here.is_point, 0.0, here.weight)
    total = float(spread.sum())
    lost = DECISIONS.lost_by_subclone if total > 0.0 else 1.0
    anywhere = lost * at_copies + (1.0 - lost) * spread[None, :] / max(total, 1e-300)
    table = np.stack([at_copies, at_one, anywhere], axis=1) * (1.0 - rate) + new
    builder.add((copies, state, variable), table)


def _add_population(builder: _Builder, founders: list[str], heterozygosity: float) -> None:
    ploidies = [len(builder.copy_fractions(sample)) - 1 for sample in founders]
    total = sum(ploidies)
    if total == 0:
        for sample in founders:
            builder.add((("copies", sample),), np.ones(1))
        return
    harmonic = math.fsum(1.0 / count for count in range(1, total + 1))
    if len(founders) == 1:
        density = min(heterozygosity, (1.0 - 1e-12) / harmonic)
        builder.population = density
        table = np.array([1.0 - density * harmonic, *(density / count for count in range(1, total + 1))])
        builder.add((("copies", founders[0]),), table)
        return
    nodes, weights = (np.array(values) for values in numerics.legendre_nodes(total // 2 + 1))
    frequency = 0.5 * (nodes + 1.0)
    weight = 0.5 * weights / frequency
    none = np.array([weight[k] * numerics.powered(float(1.0 - frequency[k]), total) for k in range(len(frequency))])
    most = harmonic + math.fsum(none)
    density = min(heterozygosity, (1.0 - 1e-12) / most)
    builder.population = density
    invariant = 1.0 - density * most
    population: Variable = ("population", "")
    builder.sizes[population] = len(frequency) + 1
    builder.add((population,), np.array([invariant, *(density * weight)]))
    for sample, ploidy in zip(founders, ploidies, strict=True):
        table = np.zeros((len(frequency) + 1, ploidy + 1))
        table[0, 0] = 1.0
        for number, value in enumerate(frequency.tolist()):
            table[number + 1] = binomial(ploidy, value)
        builder.add((population, ("copies", sample)), table)


def _add_mendelian(builder: _Builder, child: str, parents: tuple[str, str]) -> None:
    ploidies = [len(builder.copy_fractions(parent)) - 1 for parent in parents]
    own = len(builder.copy_fractions(child)) - 1
    options = [(p // 2,) if p % 2 == 0 else tuple({p // 2, p - p // 2}) for p in ploidies]
    ways = [(first, second) for first in options[0] for second in options[1] if first + second == own]
    place = builder.scenario.at("samples", child, "inheritance")
    if not ways:
        raise UserError(
            f"{place}: {child} has {own} copies of {builder.contig}, which can't come from {parents[0]} ({ploidies[0]}) and "
            f"{parents[1]} ({ploidies[1]})"
        )
    item = builder.scenario.samples[child]
    given = item.germline_rate if item.germline_rate is not None else builder.scenario.species.germline_rate
    rate = (given or 0.0) * builder.share
    table = np.zeros((ploidies[0] + 1, ploidies[1] + 1, own + 1))
    for first, second in ways:
        for a in range(ploidies[0] + 1):
            for b in range(ploidies[1] + 1):
                handed = sum_of(gamete(ploidies[0], a, first), gamete(ploidies[1], b, second))
                table[a, b] += mutated(handed, rate) / len(ways)
    builder.add((("copies", parents[0]), ("copies", parents[1]), builder.copies(child)), table)
