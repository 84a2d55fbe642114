"""scenario.yaml: samples, how they are related, their species, and the events that are asked for; Varlociraptor's format.

What a file says is checked here and told by line: fields that are not known, samples that are not there, inheritance in
circles, names that occur twice, formulas that can't be read. What depends on a contig, as the ploidy, comes later, in
`network`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from varproof.machinery.errors import UserError, require_file
from varproof.scenario.formula import And, Formula, In, Interval, Named, joined, parts_of, resolved, samples_of
from varproof.scenario.grammar import parse_formula, parse_universe

EVERYWHERE = "all"
"""The contig that stands for all that are not named."""

RESERVED = ("ARTIFACT",)
"""Events that every scenario has."""

ABSENT_EXPRESSION = "absent"
"""The expression that no sample has the allele, which every scenario has."""

_MOST_NODES = 20_000
_CALLED: dict[tuple[str, ...], str] = {("samples",): "sample", ("events",): "event", ("expressions",): "expression"}
_SAMPLE_NAME = re.compile(r"[0-9A-Za-z_.\-]+")
_EVENT_NAME = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.\-]*\Z")

Fraction = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Copies = Annotated[int, Field(ge=0, le=16)]
ByContig = dict[str, Copies]
Ploidy = Copies | ByContig | dict[str, Copies | ByContig] | None


def _auto_or_number(value: Any) -> Any:
    return value if value == "auto" else float(value) if isinstance(value, str) and _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Contamination(_Part):
    """Another sample's share in a sample."""

    by: str = Field(description="the sample that it is contaminated by")
    fraction: Annotated[Fraction | Literal["auto"], BeforeValidator(_auto_or_number)] = Field(
        description="its share of the cells; auto: learnt"
    )


class Mendelian(_Part):
    """A child of two parents."""

    parents: tuple[str, str] = Field(alias="from", description="the two parents")


class Clonal(_Part):
    """Cells of the same body."""

    parent: str = Field(alias="from", description="the sample that it descends from")
    somatic: bool = Field(True, description="whether its somatic variants are inherited")


class Subclonal(_Part):
    """One or some cells of a sample that have grown."""

    parent: str = Field(alias="from", description="the sample that it descends from")
    origin: Literal["single-cell", "multi-cell"] = Field("multi-cell", description="of one cell, or of several")


class Inheritance(_Part):
    """Where a sample's alleles come from: one of these."""

    mendelian: Mendelian | None = Field(None, description="a child of two parents")
    clonal: Clonal | None = Field(None, description="cells of the same body")
    subclonal: Subclonal | None = Field(None, description="one or some cells of a sample that have grown")

    @property
    def parents(self) -> tuple[str, ...]:
        """The samples that it comes from."""
        if self.mendelian is not None:
            return self.mendelian.parents
        one = self.clonal or self.subclonal
        return () if one is None else (one.parent,)


class SampleEntry(_Part):
    """One sample."""

    sex: str | None = Field(None, description="male, female or another name, for a ploidy that depends on it")
    universe: str | dict[str, str] | None = Field(None, description="frequencies that are possible, evenly; also by contig")
    resolution: Annotated[float, Field(gt=0)] | None = Field(None, description="points in [0, 1], or their distance if under 1")
    contamination: Contamination | None = Field(None, description="another sample's cells in this one")
    somatic_rate: Rate | None = Field(None, alias="somatic-effective-mutation-rate", description="somatic variants per base")
    germline_rate: Rate | None = Field(None, alias="germline-mutation-rate", description="new variants per base of a child")
    inheritance: Inheritance | None = Field(None, description="mendelian, clonal or subclonal")
    ploidy: Ploidy = Field(None, description="also by contig, and by sex")
    fragment_end_bias: bool = Field(False, description="read, and not needed: ends of fragments are looked at in every sample")


class VariantFractions(_Part):
    """How many variants of other types there are for each SNV."""

    indel: Fraction | None = Field(None, description="indels over SNVs")
    mnv: Fraction | None = Field(None, description="MNVs over SNVs")
    sv: Fraction | None = Field(None, description="other variants over SNVs")


class SpeciesEntry(VariantFractions):
    """What all samples share."""

    heterozygosity: Rate | None = Field(None, description="heterozygous sites per base of an individual")
    germline_rate: Rate | None = Field(None, alias="germline-mutation-rate", description="new variants per base of a child")
    somatic_rate: Rate | None = Field(
        None, alias="somatic-effective-mutation-rate", description="somatic variants per base, of samples that don't say"
    )
    genome_size: Annotated[float, Field(gt=0)] | None = Field(None, alias="genome-size", description="bases; not needed here")
    ploidy: Ploidy = Field(None, description="also by contig, and by sex")
    heterozygosity_field: str | None = Field(
        None, alias="variant-heterozygosity-field", description="INFO field with each allele's own heterozygosity"
    )
    somatic_rate_field: str | None = Field(
        None,
        alias="variant-somatic-effective-mutation-rate-field",
        description="INFO field with each allele's own somatic rate, in samples that have one",
    )
    fractions: VariantFractions | None = Field(
        None,
        validation_alias=AliasChoices("variant-fractions", "variant-type-fractions"),
        serialization_alias="variant-fractions",
        description="by type of variant",
    )


class ScenarioEntry(_Part):
    """The whole file."""

    samples: dict[str, SampleEntry] = Field(min_length=1, description="the samples by name")
    events: dict[str, str] = Field(min_length=1, description="the formula of each event")
    expressions: dict[str, str] = Field(default_factory=dict, description="formulas with a name, for $name in others")
    species: SpeciesEntry = Field(default_factory=lambda: SpeciesEntry(), description="what all samples share")


@dataclass(frozen=True)
class Scenario:
    """A scenario that has been checked: `events` by name, without expressions; `lines`: of what is named, for messages."""

    name: str
    samples: dict[str, SampleEntry]
    events: dict[str, Formula]
    species: SpeciesEntry
    text: str
    lines: dict[tuple[str, ...], int] = field(default_factory=dict, repr=False)

    def at(self, *path: str) -> str:
        """'file: line N' of a part of the file, or of what holds it."""
        return _place(self.name, self.lines, path)


def _place(name: str, lines: Mapping[tuple[str, ...], int], path: tuple[str, ...]) -> str:
    while path and path not in lines:
        path = path[:-1]
    return f"{name}: line {lines.get(path, 1)}"


def read_scenario(path: Path) -> Scenario:
    """The scenario of a file; raises UserError that names the line."""
    require_file(path, "scenario")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a scenario: it is no text") from error
    return parse_scenario(text, str(path))


def parse_scenario(text: str, name: str) -> Scenario:
    """The scenario of a text, called `name` in messages; raises UserError that names the line."""
    try:
        return _scenario(text, name)
    except RecursionError:
        raise UserError(f"{name}: too many parts within parts for a scenario") from None


def _scenario(text: str, name: str) -> Scenario:
    content, lines = _content(text, name)
    try:
        entry = ScenarioEntry.model_validate(content)
    except ValidationError as error:
        raise UserError(_mistake(error, name, lines)) from None
    expressions = {key: _parsed(value, name, lines, ("expressions", key), entry) for key, value in entry.expressions.items()}
    parsed = {key: _parsed(value, name, lines, ("events", key), entry) for key, value in entry.events.items()}
    # As Varlociraptor has it, events stand for expressions of their names, too, and so does that no sample has the allele.
    nowhere = joined(And, [In(sample, Interval(0.0, 0.0)) for sample in entry.samples])
    named = {ABSENT_EXPRESSION: nowhere, **parsed, **expressions}
    _require_no_circle(
        {key: [part.name for part in parts_of(item) if isinstance(part, Named)] for key, item in named.items()},
        lambda key: _place(name, lines, ("expressions" if key in expressions else "events", key)),
        "expression",
    )
    for key, formula in expressions.items():
        _require_known(formula, named, _place(name, lines, ("expressions", key)))
    events: dict[str, Formula] = {}
    for key, formula in parsed.items():
        place = _place(name, lines, ("events", key))
        if not _EVENT_NAME.match(key):
            raise UserError(f"{place}: event '{key}': a name is made of letters, digits and _.-")
        upper = key.replace("-", "_").upper()
        if upper in RESERVED or upper in events:
            why = "is an event of every scenario" if upper in RESERVED else "is there already (case does not matter)"
            raise UserError(f"{place}: event '{key}' {why}; give it another name")
        _require_known(formula, named, place)
        events[upper] = resolved(formula, named)
    _check_samples(entry, name, lines)
    return Scenario(name, entry.samples, events, entry.species, text, lines)


def _require_known(formula: Formula, named: Mapping[str, Formula], place: str) -> None:
    """Raise UserError for an expression that is none."""
    unknown = [part.name for part in parts_of(formula) if isinstance(part, Named) and part.name not in named]
    if unknown:
        raise UserError(f"{place}: ${unknown[0]} is none of the scenario's expressions and events ({', '.join(named)})")


def _parsed(text: str, name: str, lines: Mapping[tuple[str, ...], int], path: tuple[str, ...], entry: ScenarioEntry) -> Formula:
    place = _place(name, lines, path)
    try:
        formula = parse_formula(text, entry.samples)
    except UserError as error:
        raise UserError(f"{place}: {path[-1]}: {error}") from None
    unknown = [sample for sample in samples_of(formula) if sample not in entry.samples]
    if unknown:
        raise UserError(f"{place}: {path[-1]}: '{unknown[0]}' is none of the samples ({', '.join(entry.samples)})")
    return formula


def _check_samples(entry: ScenarioEntry, name: str, lines: Mapping[tuple[str, ...], int]) -> None:
    """Raise UserError for samples that refer to unknown ones, or to each other in a circle, and for universes that are none."""
    for sample, item in entry.samples.items():
        if not _SAMPLE_NAME.fullmatch(sample):
            place = _place(name, lines, ("samples", sample))
            raise UserError(f"{place}: sample '{sample}': a name is made of letters, digits and _.-")
        parents = () if item.inheritance is None else item.inheritance.parents
        place = _place(name, lines, ("samples", sample, "inheritance"))
        if item.inheritance is not None and len([one for one in item.inheritance.model_fields_set]) != 1:
            raise UserError(f"{place}: {sample}: inheritance is one of mendelian, clonal and subclonal")
        sources = [(place, "inherits from", parent) for parent in parents]
        if item.contamination is not None:
            place = _place(name, lines, ("samples", sample, "contamination"))
            sources.append((place, "is contaminated by", item.contamination.by))
        for place, what, other in sources:
            if other not in entry.samples:
                raise UserError(f"{place}: {sample} {what} '{other}', none of the samples ({', '.join(entry.samples)})")
            if other == sample:
                raise UserError(f"{place}: {sample} {what} itself")
        if len(set(parents)) < len(parents):
            place = _place(name, lines, ("samples", sample, "inheritance"))
            raise UserError(f"{place}: {sample} has one sample as both parents")
        universes = item.universe if isinstance(item.universe, dict) else {} if item.universe is None else {"": item.universe}
        for contig, text in universes.items():
            place = _place(name, lines, ("samples", sample, "universe", contig))
            try:
                parse_universe(text)
            except UserError as error:
                raise UserError(f"{place}: universe of {sample}: {error}") from None
    _require_no_circle(
        {sample: list(item.inheritance.parents) if item.inheritance else [] for sample, item in entry.samples.items()},
        lambda sample: _place(name, lines, ("samples", sample, "inheritance")),
        "sample",
    )


def _require_no_circle(sources: Mapping[str, list[str]], place: Any, what: str) -> None:
    """Raise UserError where something comes from itself by way of others."""
    done: set[str] = set()

    def visit(item: str, above: tuple[str, ...]) -> None:
        if item in above:
            circle = " from ".join((*above[above.index(item) :], item))
            raise UserError(f"{place(item)}: {what}s come from each other in a circle: {circle}")
        if item in sources and item not in done:
            for source in sources[item]:
                visit(source, (*above, item))
            done.add(item)

    for item in sources:
        visit(item, ())


def _mistake(error: ValidationError, name: str, lines: Mapping[tuple[str, ...], int]) -> str:
    """The first mistake of a file, in one line."""
    unknown_first = {"extra_forbidden": 0}
    item = min(
        error.errors(), key=lambda one: (unknown_first.get(one["type"], 1), _line_of(one["loc"], lines), len(one["loc"]))
    )
    path = tuple(str(part) for part in item["loc"])
    known = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in lines), ())
    place = _place(name, lines, known)
    shown = ".".join(known) or "the file"
    kind = item["type"]
    if kind == "extra_forbidden":
        return f"{place}: {shown}: '{path[-1]}' is not a field that a scenario has here"
    if kind == "missing":
        return f"{place}: {shown}: {path[-1]} is missing"
    message = str(item["msg"]).removeprefix("Value error, ")
    got = "" if isinstance(item["input"], dict | list | tuple) else f" (got '{item['input']}')"
    return f"{place}: {shown}: {message[:1].lower()}{message[1:]}{got}"


def _line_of(path: tuple[Any, ...], lines: Mapping[tuple[str, ...], int]) -> int:
    names = tuple(str(part) for part in path)
    return next((lines[names[:end]] for end in range(len(names), 0, -1) if names[:end] in lines), 0)


def _content(text: str, name: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    """(mappings, lists and texts of a YAML file, line of each); raises UserError for what is no YAML, and for names twice."""
    import yaml

    lines: dict[tuple[str, ...], int] = {}
    own_names: dict[int, list[str]] = {}
    count = 0

    def built(node: Any, path: tuple[str, ...]) -> Any:
        nonlocal count
        count += 1
        if count > _MOST_NODES or len(path) > 12:
            raise UserError(f"{name}: line {node.start_mark.line + 1}: too many parts, or parts within parts, for a scenario")
        lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            own = own_names.setdefault(id(node), [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"])
            loader.flatten_mapping(node)
            found: dict[str, Any] = {}
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise UserError(f"{name}: line {key.start_mark.line + 1}: a name was expected")
                if own.count(key.value) > 1:
                    what = _CALLED.get(path, "field")
                    again = next(one for one, _ in reversed(node.value) if one.value == key.value)
                    raise UserError(f"{name}: line {again.start_mark.line + 1}: {what} '{key.value}' is there twice")
                inside = (*path, key.value)
                lines[inside] = key.start_mark.line + 1
                found[key.value] = built(value, inside)
            return found
        if isinstance(node, yaml.SequenceNode):
            return [built(value, (*path, str(number))) for number, value in enumerate(node.value)]
        return None if node.tag == "tag:yaml.org,2002:null" else node.value

    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        content = None if node is None else built(node, ())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else "line 1"
        problem = getattr(error, "problem", None) or "characters that can't be read"
        raise UserError(f"{name}: {where}: not valid YAML: {problem}") from None
    if not isinstance(content, dict):
        raise UserError(f"{name}: line 1: a scenario has samples and events; none were found")
    return content, lines
