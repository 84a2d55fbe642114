"""Scored records of a scenario: the candidates' own lines with PROB_<EVENT>, and each sample's depths and frequencies."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.density import MISSING, encode_density
from varproof.formats.phase import PHASE
from varproof.formats.record import Declared, Record
from varproof.formats.scored import SCENARIO_LINE, TUMOR, forget_scenario
from varproof.formats.vcf import (
    ALLELE_DEPTH,
    ALLELE_FREQUENCY,
    COLUMNS_LINE,
    DENSITY,
    DEPTH,
    FRAGMENTS,
    GENOTYPE,
    MODE,
    MODEL_PROBABILITY,
    NO_ALTERNATIVE_ALLELE,
    POPULATION_FREQUENCY,
    PROBABILITY_PREFIX,
    REASON,
    SAME_EVENT,
    SKIPPED,
    TUMOR_ONLY,
    open_vcf,
    probability_field,
    to_phred,
)
from varproof.machinery.errors import UserError
from varproof.posterior.annotate import CERTAIN, SampleCounts, declare_fields
from varproof.posterior.components import GRID
from varproof.scenario.file import Scenario
from varproof.scenario.genotypes import Genotypes, genotype
from varproof.scenario.network import ABSENT, OTHER, UNNAMED
from varproof.scenario.score import ARTIFACT

NORMAL = "normal"

_MEANINGS = {
    ABSENT: "in none of the samples: coincident sequencing errors",
    ARTIFACT: "an artefact of sequencing, mapping or a library",
    OTHER: "something that the scenario has no event for",
    UNNAMED: "something that the scenario has no event for",
}
_INFO = {
    SKIPPED: ("A", "String", "Why varproof did not judge this allele"),
    REASON: (
        "A",
        "String",
        "What speaks against this allele being in any sample, of all their reads: strongest first, joined by &",
    ),
    SAME_EVENT: ("A", "String", "Other alleles of this file (POS:REF:ALT, joined by &) that are the same event: judged as one"),
}
_OF_A_PAIR = (PHASE, TUMOR_ONLY, MODEL_PROBABILITY, POPULATION_FREQUENCY)
"""What score-posterior says of a tumour and its normal, which is not true of a scenario's events."""

_STALE_LINES = ("varproof_prior", "varproof_samples", "varproof_calibration", "varproof_fdr-filter_result")
"""Header lines on earlier events of the file."""

_OWN_FORMAT = {
    FRAGMENTS: ("1", "Integer", "Fragments that overlap the candidate"),
    MODE: ("A", "Float", "Most probable allele frequency in the sample, without what it is contaminated by"),
    DENSITY: ("A", "String", f"Posterior density of {MODE}: frequency=PHRED below the maximum, separated by |"),
}
_FILLED = {
    GENOTYPE: ("1", "String", "Genotype of the sample in the most probable event"),
    ALLELE_DEPTH: ("R", "Integer", "Fragments that show each allele, the reference first"),
    DEPTH: ("1", "Integer", "Fragments that overlap the candidate"),
    ALLELE_FREQUENCY: ("A", "Float", "Observed allele frequency: fragments that show the allele, of those that show any"),
}
_FITTING = {ALLELE_DEPTH: ("Integer", ("R", ".")), DEPTH: ("Integer", ("1",)), ALLELE_FREQUENCY: ("Float", ("A", "."))}


@dataclass(frozen=True)
class ScenarioColumns:
    """Numbers of the samples' columns by name of the sample, their names, and those that are added behind the file's own.

    `subject`: the sample whose frequencies other programs tell where nobody says whose.
    """

    numbers: dict[str, int]
    names: dict[str, str]
    added: tuple[str, ...]
    subject: str


def subject_of(scenario: Scenario) -> str:
    """The sample called tumor; else the first that is not called normal and is no source of another one's cells or alleles."""
    if TUMOR in scenario.samples:
        return TUMOR
    sources = {NORMAL}
    for item in scenario.samples.values():
        sources |= set(() if item.inheritance is None else item.inheritance.parents)
        sources |= set(() if item.contamination is None else (item.contamination.by,))
    return next((sample for sample in scenario.samples if sample not in sources), next(iter(scenario.samples)))


def scenario_columns(
    path: Path, header: Any, wanted: Mapping[str, Sequence[str]], given: Mapping[str, str], subject: str
) -> ScenarioColumns:
    """Columns of the samples in a file with this `pysam.VariantHeader`.

    `wanted`: names by which a sample may go in the file, the likeliest first; `given`: those that the user said. A sample that
    the file lacks gets a column of its own name. `subject`: see `ScenarioColumns`. Raises UserError for a given name that the
    file lacks, or that two have.
    """
    present = list(header.samples)
    names: dict[str, str] = {}
    for sample, name in given.items():
        if name not in present:
            raise UserError(f"sample {sample}: {path} has no column {name}; it has {', '.join(present) or 'none'}")
        if name in names.values():
            raise UserError(f"sample {sample}: the column {name} of {path} is another sample's already")
        names[sample] = name
    for sample, proposals in wanted.items():
        if sample not in names:
            free = [name for name in proposals if name in present and name not in names.values()]
            names[sample] = free[0] if free else ""
    added: list[str] = []
    for sample in wanted:
        if not names[sample]:
            names[sample] = sample if sample not in (*present, *added) else f"{sample}_reads"
            added.append(names[sample])
    everything = [*present, *added]
    return ScenarioColumns({sample: everything.index(names[sample]) for sample in wanted}, names, tuple(added), subject)


def scored_header(
    candidates: Path, columns: ScenarioColumns, events: Sequence[str], told: Mapping[str, Any], lines: Sequence[str]
) -> Any:
    """Header of the scored VCF; `told`: what SCENARIO_LINE says beside the events."""
    with open_vcf(candidates) as handle:
        header = handle.header.copy()
    forget_scenario(header)
    for name in [name for name in header.info if name.startswith(PROBABILITY_PREFIX) or name in _OF_A_PAIR]:
        header.info.remove_header(name)
    for line in [line for line in header.records if line.key in _STALE_LINES]:
        line.remove()
    known = {name: text for name, text in _MEANINGS.items() if name != OTHER or UNNAMED not in events}
    meaning = {name: known.get(name, f"{name}, as the scenario defines it") for name in events}
    own = {
        probability_field(name): ("A", "Float", f"PHRED of the posterior probability that the allele is {meaning[name]}")
        for name in events
    }
    declare_fields(header, {**own, **_INFO}, _OWN_FORMAT, _FILLED)
    described = {"events": list(events), "samples": columns.names, **told}
    roles = {"tumor": columns.names[columns.subject], "normal": columns.names.get(NORMAL)}
    own_lines = (
        f"##{COLUMNS_LINE}={json.dumps(roles)}",
        f"##{SCENARIO_LINE}={json.dumps(described, sort_keys=True)}",
    )
    for line in (*own_lines, *lines):
        header.add_line(line)
    for sample in columns.added:
        header.add_sample(sample)
    return header


@dataclass(frozen=True)
class ScenarioAlleles:
    """What is written of n alleles: `probability` (n, events); by sample counts, modes (n,) and log densities (n, GRID_SIZE);
    why alleles were not judged (None: they were), which others are the same event (None: none), what speaks against those that
    are in no sample (None: nothing), and copies of them in each sample.
    """

    probability: np.ndarray
    counts: dict[str, SampleCounts]
    modes: dict[str, np.ndarray]
    densities: dict[str, np.ndarray]
    skipped: Sequence[str | None]
    same_event: Sequence[str | None]
    against: Sequence[str | None]
    genotypes: dict[str, Genotypes]

    @property
    def certainty(self) -> np.ndarray:
        """(n,): probability of the most probable event."""
        return self.probability.max(axis=1)


@dataclass
class ScenarioAnnotator:
    """Adds what was found to records; counts alleles that were not judged, by reason."""

    header: Declared
    columns: ScenarioColumns
    events: Sequence[str]
    not_judged: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._fields = [probability_field(name) for name in self.events]
        self._absent = list(self.events).index(ABSENT)
        self._may_fill = {}
        for name, (kind, numbers) in _FITTING.items():
            declared = self.header.formats.get(name)
            self._may_fill[name] = declared is None or (declared.type == kind and declared.number in numbers)

    def annotate(self, record: Record, rows: slice, found: ScenarioAlleles) -> None:
        """Add to `record` what was found of its alleles `rows`."""
        old = [name for name in record.info if name.startswith(PROBABILITY_PREFIX)]
        record.info.remove((*old, *_INFO, *_OF_A_PAIR))
        if self.columns.added:
            record.add_samples(self.columns.added, self.header)
        judged = [found.skipped[row] is None for row in range(rows.start, rows.stop)]
        if any(judged):
            values: dict[str, Any] = {}
            for column, name in enumerate(self._fields):
                own = found.probability[rows, column].tolist()
                values[name] = [to_phred(value) if ok else None for value, ok in zip(own, judged, strict=True)]
            same = [text if ok else None for text, ok in zip(found.same_event[rows], judged, strict=True)]
            if any(same):
                values[SAME_EVENT] = same
            against = [text if ok else None for text, ok in zip(found.against[rows], judged, strict=True)]
            if any(against):
                values[REASON] = against
            record.info.add(values)
            for sample, number in self.columns.numbers.items():
                self._add_to_sample(record, sample, number, rows, found, judged)
        elif not record.format:
            for number in self.columns.numbers.values():
                record.samples[number][GENOTYPE] = "./."
        skipped = list(found.skipped[rows]) if judged else [NO_ALTERNATIVE_ALLELE]
        if any(skipped):
            record.info[SKIPPED] = skipped
            for reason in filter(None, skipped):
                self.not_judged[reason] = self.not_judged.get(reason, 0) + 1

    def _add_to_sample(
        self, record: Record, sample: str, number: int, rows: slice, found: ScenarioAlleles, judged: list[bool]
    ) -> None:
        column, counts = record.samples[number], found.counts[sample]
        filled = column.filled
        observed = counts.observed(rows, judged)
        depth = observed[DEPTH]
        values: dict[str, Any] = {}
        if GENOTYPE not in filled:
            values[GENOTYPE] = genotype(found.genotypes[sample], rows, judged, found.certainty) if depth else "./."
        values |= {name: value for name, value in observed.items() if self._may_fill[name] and name not in filled}
        absent = found.probability[rows, self._absent].tolist()
        shown = [ok and value < CERTAIN and depth > 0 for ok, value in zip(judged, absent, strict=True)]
        modes = found.modes[sample][rows].tolist()
        values[FRAGMENTS] = depth
        values[MODE] = [float(f"{value:.5g}") if ok and depth else None for value, ok in zip(modes, judged, strict=True)]
        densities = found.densities[sample][rows]
        values[DENSITY] = [encode_density(GRID, row) if ok else MISSING for row, ok in zip(densities, shown, strict=True)]
        column.update(values)
