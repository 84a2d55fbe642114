"""What a scenario says of a contig and of a type of variant: copies that a sample has, and how common the type is."""

from collections.abc import Mapping

from varproof.machinery.errors import UserError
from varproof.scenario.decisions import DECISIONS
from varproof.scenario.file import EVERYWHERE, Scenario


def on_contig(values: Mapping[str, int] | Mapping[str, str], contig: str, what: str, place: str) -> int | str:
    """What a mapping has for a contig, with or without 'chr' before its name, or for all; UserError where it has none."""
    other = contig.removeprefix("chr") if contig.startswith("chr") else f"chr{contig}"
    for name in (contig, other, EVERYWHERE):
        if name in values:
            return values[name]
    raise UserError(f"{place}: {what} of contig {contig} is missing; give it, or that of '{EVERYWHERE}'")


def ploidy_of(scenario: Scenario, sample: str, contig: str) -> int | None:
    """Copies of a contig that a sample has; None where nothing is said."""
    item = scenario.samples[sample]
    given, path = item.ploidy, ["samples", sample, "ploidy"]
    if given is None:
        given, path = scenario.species.ploidy, ["species", "ploidy"]
    if given is None:
        return None
    place = scenario.at(*path)
    if isinstance(given, dict) and (set(given) & _sexes(scenario) or any(isinstance(part, dict) for part in given.values())):
        if item.sex is None and item.universe is not None:
            return None
        if item.sex is None and item.ploidy is None and item.inheritance is not None and len(item.inheritance.parents) == 1:
            return ploidy_of(scenario, item.inheritance.parents[0], contig)
        if item.sex is None:
            raise UserError(f"{place}: the ploidy depends on the sex, and sample {sample} has none; give it a sex")
        if item.sex not in given:
            raise UserError(f"{place}: the ploidy of {item.sex} samples, such as {sample}, is missing")
        given = given[item.sex]
    return int(on_contig(given, contig, "the ploidy", place)) if isinstance(given, dict) else int(given)  # type: ignore[arg-type]


def _sexes(scenario: Scenario) -> set[str]:
    return {"male", "female"} | {item.sex for item in scenario.samples.values() if item.sex is not None}


def fraction_of_type(scenario: Scenario, kind: str) -> float:
    """Variants of a type ('snv', 'mnv', 'indel', 'sv') for each SNV."""
    if kind == "snv":
        return 1.0
    for part in (scenario.species.fractions, scenario.species):
        given = None if part is None else getattr(part, kind)
        if given is not None:
            return float(given)
    return float(getattr(DECISIONS, f"{kind}_fraction"))
