"""Scored calls: what score-posterior, score-scenario, predict and combine-calls wrote, read back allele by allele.

`select_events` says which PROB_ fields add up to what the user asked for; `error_probabilities` gives each allele of a
record the posterior probability that it is none of that, `log_odds` the log-odds that it is.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from varproof.formats.events import COMBINED_EVENTS, EVENTS, NETWORK_EVENTS
from varproof.formats.record import Declared
from varproof.formats.vcf import (
    ALLELE_FREQUENCY,
    DENSITY,
    DEPTH,
    EARLIER_DENSITY,
    FRAGMENTS,
    MAX_PHRED,
    MODE,
    PROBABILITY_PREFIX,
    SKIPPED,
    from_phred,
)
from varproof.machinery.errors import UserError
from varproof.machinery.numerics import PHRED_PER_LOG, exp10, expm1, log

NAN = math.nan
SCENARIO_LINE = "varproof_scenario"
"""Key of the header line that tells a scenario's events (JSON), and whether they exclude each other."""
TUMOR = "tumor"
"""What a scenario calls the sample whose frequencies are meant where nobody says whose."""

# Events of one family are the alternatives of one posterior: their probabilities sum to 1 if the family is complete.
_FAMILIES = {"": frozenset(EVENTS), "CNN_": frozenset(NETWORK_EVENTS), "COMBINED_": frozenset(COMBINED_EVENTS)}


@dataclass(frozen=True, slots=True)
class EventSelection:
    """PROB_ fields whose probabilities add up, and those that make the complement (None: 1 minus the sum)."""

    fields: tuple[str, ...]
    complement: tuple[str, ...] | None

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the events, without the prefix."""
        return tuple(field.removeprefix(PROBABILITY_PREFIX) for field in self.fields)


def declared_events(header: Any) -> list[str]:
    """Events that a VCF header declares a PROB_ field for, in the header's order."""
    return [name.removeprefix(PROBABILITY_PREFIX) for name in header.info if name.startswith(PROBABILITY_PREFIX)]


@dataclass(frozen=True, slots=True)
class ScoredScenario:
    """The scenario that a file was scored under: events, columns by name of the sample, and events that can hold together.

    `overlaps`: pairs of them; None where the file does not say which.
    """

    events: tuple[str, ...]
    samples: dict[str, str]
    overlaps: frozenset[frozenset[str]] | None

    def together(self, chosen: Sequence[str]) -> tuple[str, str] | None:
        """Two of the chosen events that can hold together; None where they exclude each other."""
        for number, first in enumerate(chosen):
            for second in chosen[number + 1 :]:
                if self.overlaps is None or frozenset((first, second)) in self.overlaps:
                    return first, second
        return None


def scored_scenario(header: Any) -> ScoredScenario | None:
    """What the header's last word on a scenario says; None where there is none, or it is damaged."""
    said = [line.value for line in header.records if line.key == SCENARIO_LINE]
    try:
        told = json.loads(said[-1]) if said else None
        if not isinstance(told, dict):
            return None
        pairs = [] if told["exclusive"] else told.get("overlaps")
        overlaps = None if pairs is None else frozenset(frozenset(map(str, pair)) for pair in pairs)
        samples = {str(name): str(column) for name, column in told["samples"].items()}
        return ScoredScenario(tuple(str(name) for name in told["events"]), samples, overlaps)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def forget_scenario(header: Any) -> tuple[str, ...]:
    """Take what a scenario said out of a header that other events are written to; the names of its fields, for the records."""
    scenario = scored_scenario(header)
    for line in [line for line in header.records if line.key == SCENARIO_LINE]:
        line.remove()
    names = () if scenario is None else scenario.events
    fields = tuple(PROBABILITY_PREFIX + name for name in names if PROBABILITY_PREFIX + name in header.info)
    for name in fields:
        header.info.remove_header(name)
    return fields


def column_of(path: Path, header: Any, given: str | None, needed: bool = False) -> str | None:
    """Name of the column that --sample means, which may be named as in a scenario; None: the one that the header tells.

    `needed`: raise UserError where the file was scored under a scenario of several samples and none of them is given or called
    tumor. Raises UserError for a sample that the file lacks.
    """
    scenario = scored_scenario(header)
    known = {} if scenario is None else scenario.samples
    if given is None:
        if needed and len(known) > 1 and TUMOR not in known:
            raise UserError(f"{path} was scored under a scenario of the samples {', '.join(known)}; name one with --sample")
        return None
    column = known.get(given, given)
    if column not in header.samples:
        raise UserError(f"--sample {given}: {path} has no such sample; it has {', '.join(header.samples) or 'none'}")
    return column


def subject_of(scenario: ScoredScenario, header: Any, column: str | None) -> str:
    """The scenario's name of the sample in a column (None: the one that the header tells), else the column's own."""
    if column is None:
        declared = Declared.of(header)
        column = str(declared.samples[declared.tumor_column])
    return next((name for name, own in scenario.samples.items() if own == column), column)


def _family(event: str) -> str:
    return next((prefix for prefix in _FAMILIES if prefix and event.startswith(prefix)), "")


def select_events(path: Path, header: Any, names: Sequence[str]) -> EventSelection:
    """Fields for event names (any case, with or without PROB_, several joined by commas).

    The error probability of a call is the sum of the other events' probabilities where the header declares all events of
    the family (score-posterior's six, the network's, or those of a scenario), because 1 - p would lose the small ones to
    rounding. Raises UserError for a file without PROB_ fields, an unknown event, events of different families, or events of a
    scenario that can hold together.
    """
    known = declared_events(header)
    if not known:
        raise UserError(
            f"{path}: the header declares no {PROBABILITY_PREFIX}<EVENT> field; "
            "score the calls with score-posterior or score-scenario"
        )
    by_upper = {event.upper(): event for event in known}
    chosen: list[str] = []
    for name in (part.strip() for item in names for part in item.split(",")):
        if not name:
            continue
        wanted = name.upper().removeprefix(PROBABILITY_PREFIX)
        # A scenario may have called it with a hyphen, which names of fields can't have.
        event = by_upper.get(wanted) or by_upper.get(wanted.replace("-", "_"))
        if event is None:
            raise UserError(f"--events: '{name}' is not an event of {path}; it has {', '.join(known)}")
        if event not in chosen:
            chosen.append(event)
    if not chosen:
        raise UserError(f"--events: name at least one of {', '.join(known)}")
    scenario = scored_scenario(header)
    of_scenario = () if scenario is None else scenario.events
    family_of = {event: "" if event in of_scenario else _family(event) for event in known}
    families = {family_of[event] for event in chosen}
    if len(families) > 1:
        raise UserError(f"--events: {' and '.join(chosen)} belong to different posteriors and can't be added up")
    family = families.pop()
    members = [event for event in known if family_of[event] == family]
    for field in (PROBABILITY_PREFIX + event for event in members):
        if header.info[field].type not in ("Float", "Integer"):
            raise UserError(f"{path}: the header declares {field} with Type={header.info[field].type}; it must be Float")
    rest = None
    if scenario is not None and family == "" and any(event in scenario.events for event in chosen):
        foreign = [event for event in chosen if event not in scenario.events]
        if foreign:
            raise UserError(
                f"--events: {foreign[0]} is none of the events of the scenario that {path} was scored under "
                f"({', '.join(scenario.events)}), and can't be added to them"
            )
        both = scenario.together(chosen)
        if both is not None:
            raise UserError(f"--events: {both[0]} and {both[1]} of {path} can hold together and can't be added up; take one")
        if not scenario.overlaps and scenario.overlaps is not None and set(scenario.events) <= set(members):
            rest = scenario.events
    elif family in _FAMILIES and _FAMILIES[family] <= set(members) and set(chosen) <= _FAMILIES[family]:
        rest = tuple(event for event in members if event in _FAMILIES[family])
    complement = None if rest is None else tuple(PROBABILITY_PREFIX + event for event in rest if event not in chosen)
    return EventSelection(tuple(PROBABILITY_PREFIX + event for event in chosen), complement)


def error_probabilities(record: Any, selection: EventSelection) -> list[float]:
    """For each alternative allele of a record the posterior probability of none of the selected events.

    NaN for an allele that was not judged (a missing value): of a record with INFO/SKIPPED some alleles may be judged and
    others not. Raises UserError where a field's number of values is not the number of alleles.
    """
    alleles = len(record.alts or ())
    chosen = [_phreds(record, field, alleles) for field in selection.fields]
    others = None if selection.complement is None else [_phreds(record, field, alleles) for field in selection.complement]
    return [
        _error([values[allele] for values in chosen], None if others is None else [values[allele] for values in others])
        for allele in range(alleles)
    ]


def _error(own: list[float], rest: list[float] | None) -> float:
    """Probability of none of the events of `own` (PHRED), from those of all others where they are known."""
    if math.isnan(sum(own)):
        return NAN
    if rest is not None and not math.isnan(sum(rest)):
        error = math.fsum([exp10(-0.1 * value) for value in rest])
    elif len(own) == 1:
        error = -expm1(-own[0] / PHRED_PER_LOG)
    else:
        error = 1 - math.fsum(map(from_phred, own))
    return min(1.0, max(0.0, error))


def log_odds(record: Any, selection: EventSelection) -> list[float]:
    """For each alternative allele of a record the natural log-odds of the selected events; NaN where it was not judged.

    Finite: a probability of 0 or 1 stands for what MAX_PHRED allows. Raises UserError as `error_probabilities` does.
    """
    found = []
    alleles = len(record.alts or ())
    for allele, error in enumerate(error_probabilities(record, selection)):
        if error != error:
            found.append(NAN)
            continue
        chosen = math.fsum(from_phred(_phreds(record, field, alleles)[allele]) for field in selection.fields)
        found.append(log(max(chosen, _LEAST)) - log(max(error, _LEAST)))
    return found


_LEAST = from_phred(MAX_PHRED)


def _phreds(record: Any, field: str, alleles: int) -> Sequence[float]:
    values = record.info.get(field)
    if values is None:
        return [NAN] * alleles
    if not isinstance(values, tuple):
        values = (values,)
    if len(values) != alleles:
        if values == (None,):
            return [NAN] * alleles
        raise UserError(
            f"record {record.contig}:{record.pos}: {field} has {len(values)} values for {alleles} alternative alleles; "
            "the header must declare it with Number=A"
        )
    return [NAN if value is None else value for value in values] if None in values else values


def skipped_alleles(record: Any) -> list[str | None]:
    """For each alternative allele why it was not judged, None where it was; in earlier files one reason for all."""
    value = record.info.get(SKIPPED)
    alleles = len(record.alts or ())
    if isinstance(value, tuple) and len(value) == alleles:
        return list(value)
    return [value[0] if isinstance(value, tuple) else value] * alleles


def format_values(record: Any, sample: int, field: str, alleles: int) -> Sequence[Any]:
    """A FORMAT field of one sample, one value per alternative allele (a field of one value is repeated); None = missing.

    Raises UserError for a text that is none.
    """
    values = record.samples[sample].get(field)
    if not isinstance(values, tuple):
        values = (values,)
    if len(values) == 1:
        return [values[0]] * alleles
    return list(values) if len(values) == alleles else [None] * alleles


def _numbers(record: Any, field: str, values: Sequence[Any]) -> Sequence[Any]:
    if any(isinstance(value, str) for value in values):
        kind = "Integer" if field in (DEPTH, FRAGMENTS) else "Float"
        raise UserError(
            f"record {record.contig}:{record.pos}: {field} is no number; the header must declare it with Type={kind}"
        )
    return values


def density_field(header: Any) -> str | None:
    """The FORMAT field of densities that a header (pysam's, or `Declared`) has, of this version or an earlier one."""
    return next((name for name in (DENSITY, EARLIER_DENSITY) if name in header.formats), None)


def allele_frequencies(record: Any, sample: int) -> Sequence[float | None]:
    """Most probable frequency of one sample per alternative allele; in a file that was not scored FORMAT/AF.

    Raises UserError where it is text.
    """
    field = MODE if MODE in record.header.formats else ALLELE_FREQUENCY
    return _numbers(record, field, format_values(record, sample, field, len(record.alts or ())))


def density_texts(record: Any, sample: int) -> Sequence[str | None]:
    """Density of the frequency of one sample per alternative allele, still encoded."""
    field = density_field(record.header) or DENSITY
    return format_values(record, sample, field, len(record.alts or ()))


def depth(record: Any, sample: int) -> int | None:
    """Fragments of one sample, in a file that was not scored FORMAT/DP; raises UserError where it is text."""
    field = FRAGMENTS if FRAGMENTS in record.header.formats else DEPTH
    return _numbers(record, field, format_values(record, sample, field, 1))[0]
