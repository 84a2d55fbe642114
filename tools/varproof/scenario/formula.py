"""Formulas over samples' allele frequencies: what they are made of, and what is left of one when a sample's is known.

A formula is a tree of `And`, `Or` and `Not` over statements: a sample's frequency lies in an interval (`In`), is larger than
another's (`Compare`, `Fold`), the allele is a substitution (`Substitution`), or a constant. `Named` stands for an expression.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from varproof.machinery import numerics

LN_2 = numerics.log(2.0)


@dataclass(frozen=True)
class Interval:
    """Allele frequencies from `low` to `high`, whose ends are excluded where `low_open` and `high_open` say so."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    @property
    def is_point(self) -> bool:
        """Whether it is one frequency."""
        return self.low == self.high

    @property
    def is_empty(self) -> bool:
        """Whether no frequency lies in it."""
        return self.low > self.high or (self.is_point and (self.low_open or self.high_open))

    def contains(self, fraction: float) -> bool:
        """Whether a frequency lies in it."""
        above = fraction > self.low if self.low_open else fraction >= self.low
        return above and (fraction < self.high if self.high_open else fraction <= self.high)

    def __str__(self) -> str:
        if self.is_point:
            return f"{self.low:g}"
        return f"{']' if self.low_open else '['}{self.low:g},{self.high:g}{'[' if self.high_open else ']'}"


@dataclass(frozen=True)
class Constant:
    """Always, or never."""

    value: bool


@dataclass(frozen=True)
class In:
    """The sample's allele frequency lies in the interval."""

    sample: str
    interval: Interval


@dataclass(frozen=True)
class Compare:
    """One sample's allele frequency against another's; a number where a sample's is known already."""

    left: str | float
    operator: str
    right: str | float


@dataclass(frozen=True)
class Fold:
    """Logarithm (base 2) of one sample's frequency over another's, against a number; 0 where both are 0."""

    left: str | float
    right: str | float
    operator: str
    value: float


@dataclass(frozen=True)
class Substitution:
    """The allele is an SNV from one of the bases `ref` to one of `alt`."""

    ref: str
    alt: str


@dataclass(frozen=True)
class Named:
    """An expression of the scenario."""

    name: str


@dataclass(frozen=True)
class Not:
    """The contrary."""

    item: "Formula"


@dataclass(frozen=True)
class And:
    """All of these."""

    items: tuple["Formula", ...]


@dataclass(frozen=True)
class Or:
    """Any of these."""

    items: tuple["Formula", ...]


Formula: TypeAlias = Constant | In | Compare | Fold | Substitution | Named | Not | And | Or
TRUE, FALSE = Constant(True), Constant(False)


def negated(item: Formula) -> Formula:
    """The contrary of a formula, without two negations in a row."""
    if isinstance(item, Constant):
        return Constant(not item.value)
    return item.item if isinstance(item, Not) else Not(item)


def joined(kind: type[And] | type[Or], items: Iterable[Formula]) -> Formula:
    """All (`And`) or any (`Or`) of the items, each once, without constants where that is possible."""
    ends = Constant(kind is Or)
    found: dict[Formula, None] = {}
    for item in items:
        if item == ends:
            return ends
        if not isinstance(item, Constant):
            found |= dict.fromkeys(item.items if isinstance(item, kind) else (item,))
    if any(negated(item) in found for item in found):
        return ends
    if not found:
        return negated(ends)
    return next(iter(found)) if len(found) == 1 else kind(tuple(found))


def parts_of(formula: Formula) -> Iterator[Formula]:
    """The formula and all that it is made of."""
    yield formula
    if isinstance(formula, Not):
        yield from parts_of(formula.item)
    elif isinstance(formula, And | Or):
        for item in formula.items:
            yield from parts_of(item)


def samples_of(formula: Formula) -> list[str]:
    """Samples that a formula names, in order, without those of its expressions."""
    names: dict[str, None] = {}
    for part in parts_of(formula):
        if isinstance(part, In):
            names[part.sample] = None
        elif isinstance(part, Compare | Fold):
            names |= dict.fromkeys(name for name in (part.left, part.right) if isinstance(name, str))
    return list(names)


def resolved(formula: Formula, expressions: Mapping[str, Formula]) -> Formula:
    """The formula with what its expressions stand for; KeyError where one is not known."""
    if isinstance(formula, Named):
        return resolved(expressions[formula.name], expressions)
    if isinstance(formula, Not):
        return negated(resolved(formula.item, expressions))
    if isinstance(formula, And | Or):
        return joined(type(formula), [resolved(item, expressions) for item in formula.items])
    return formula


def of_allele(formula: Formula, ref: str, alt: str) -> Formula:
    """What is left of a formula for an allele; what is no SNV is no substitution."""
    if isinstance(formula, Substitution):
        is_snv = len(ref) == 1 and len(alt) == 1
        return Constant(is_snv and ref in formula.ref and alt in formula.alt)
    if isinstance(formula, Not):
        return negated(of_allele(formula.item, ref, alt))
    if isinstance(formula, And | Or):
        return joined(type(formula), [of_allele(item, ref, alt) for item in formula.items])
    return formula


def with_frequency(formula: Formula, sample: str, fraction: float, rank: float = 0.0) -> Formula:
    """What is left of a formula when the sample has this allele frequency.

    `rank`: what is added where it is compared with other samples, which settles ties between points of one grid.
    """
    if isinstance(formula, In):
        return Constant(formula.interval.contains(fraction)) if formula.sample == sample else formula
    if isinstance(formula, Compare | Fold):
        left = fraction + rank if formula.left == sample else formula.left
        right = fraction + rank if formula.right == sample else formula.right
        if isinstance(formula, Compare):
            if isinstance(left, str) or isinstance(right, str):
                return Compare(left, formula.operator, right)
            return Constant(_holds(left, formula.operator, right))
        if isinstance(left, str) or isinstance(right, str):
            return Fold(left, right, formula.operator, formula.value)
        return Constant(_holds(_log_ratio(left, right), formula.operator, formula.value))
    if isinstance(formula, Not):
        return negated(with_frequency(formula.item, sample, fraction, rank))
    if isinstance(formula, And | Or):
        return joined(type(formula), [with_frequency(item, sample, fraction, rank) for item in formula.items])
    return formula


def _log_ratio(left: float, right: float) -> float:
    """Base 2; 0 where both are 0, as Varlociraptor has it."""
    if left <= 0.0 or right <= 0.0:
        return 0.0 if left <= 0.0 and right <= 0.0 else math.inf if right <= 0.0 else -math.inf
    return (numerics.log(left) - numerics.log(right)) / LN_2


def _holds(left: float, operator: str, right: float) -> bool:
    if operator == "==":
        return left == right
    if operator == "!=":
        return left != right
    if operator == ">":
        return left > right
    if operator == ">=":
        return left >= right
    return left < right if operator == "<" else left <= right
