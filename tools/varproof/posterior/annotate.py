"""Scored records: the candidates' own lines with posteriors, depths and allele frequencies added.

What came in stays as it was. varproof's own fields have names of their own; GT, AD, DP and AF, which programs downstream read,
are filled with what was observed where the caller gave nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.density import MISSING, encode_density
from varproof.formats.events import ABSENT, EVENT_NAMED, EVENTS, SOMATIC
from varproof.formats.phase import PHASE, PHASE_SET, copies_of
from varproof.formats.recalibration import Recalibration
from varproof.formats.record import Declared, Field, Record
from varproof.formats.scored import forget_scenario
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
    REASON,
    SAME_EVENT,
    SKIPPED,
    TUMOR_ONLY,
    open_vcf,
    probability_field,
    to_phred,
)
from varproof.posterior.columns import Columns
from varproof.posterior.components import GRID
from varproof.posterior.phase import Phase
from varproof.posterior.score import Scores

_ABSENT = EVENTS.index(ABSENT)
_PROBABILITIES = tuple(probability_field(event) for event in EVENTS)
CERTAIN = 0.999
"""An allele that is absent with at least this probability gets no density of its frequency."""

_OWN_INFO = {
    **{
        probability_field(name): (
            "A",
            "Float",
            f"PHRED of the posterior probability that the allele is {EVENT_NAMED[name].meaning}",
        )
        for name in EVENTS
    },
    SKIPPED: ("A", "String", "Why varproof did not judge this allele"),
    REASON: ("A", "String", "What speaks against this allele being somatic, strongest first, joined by &"),
    PHASE: (
        "A",
        "String",
        "Block and copy (1 or 2) that the allele lies on, as reads or the caller prove: what has the same is of one haplotype",
    ),
    TUMOR_ONLY: ("0", "Flag", "Judged on the tumour alone: the normal has no usable reads here"),
    SAME_EVENT: (
        "A",
        "String",
        "Other alleles of this file (POS:REF:ALT, joined by &) that are the same event, or parts of it: judged as one",
    ),
}
_SOMETIMES = (MODEL_PROBABILITY, POPULATION_FREQUENCY)
"""Own fields of INFO that only some runs write."""

POPULATION_LINE = (
    f"##INFO=<ID={POPULATION_FREQUENCY},Number=A,Type=Float,"
    'Description="Frequency of the allele in the population, as the germline resource has it">'
)
"""Header line of scored files that were made with a germline resource."""

_OWN_FORMAT = {
    FRAGMENTS: ("1", "Integer", "Fragments that overlap the candidate"),
    MODE: ("A", "Float", "Most probable allele frequency: in the tumour cells, corrected for purity; in the normal sample"),
    DENSITY: (
        "A",
        "String",
        f"Posterior density of {MODE}: frequency=PHRED below the maximum, separated by |; . where certainly absent",
    ),
}
_FILLED = {
    GENOTYPE: ("1", "String", "Genotype of the most probable event"),
    ALLELE_DEPTH: ("R", "Integer", "Fragments that show each allele, the reference first"),
    DEPTH: ("1", "Integer", "Fragments that overlap the candidate"),
    ALLELE_FREQUENCY: (
        "A",
        "Float",
        "Observed allele frequency: fragments that show the allele, of those that show any, listed or not",
    ),
    PHASE_SET: ("1", "Integer", "Phase set of GT: position of its first record"),
}
_FITTING = {
    ALLELE_DEPTH: ("Integer", ("R", ".")),
    DEPTH: ("Integer", ("1",)),
    ALLELE_FREQUENCY: ("Float", ("A", ".")),
    PHASE_SET: ("Integer", ("1",)),
}


def scored_header(candidates: Path, columns: Columns, lines: Sequence[str]) -> Any:
    """Header of the scored VCF: the input's, with varproof's fields, added samples, and `lines` ('##key=value')."""
    with open_vcf(candidates) as handle:
        header = handle.header.copy()
    forget_scenario(header)
    for name in _SOMETIMES:
        if name in header.info:
            header.info.remove_header(name)
    declare_fields(header, _OWN_INFO, _OWN_FORMAT, _FILLED)
    for line in (f"##{COLUMNS_LINE}={json.dumps(columns.described())}", *lines):
        header.add_line(line)
    for sample in columns.added:
        header.add_sample(sample)
    return header


Fields = Mapping[str, tuple[str, str, str]]
"""Name of a field -> (number, type, description)."""


def declare_fields(header: Any, own_info: Fields, own_format: Fields, filled: Fields) -> None:
    """Declare own fields in a `pysam.VariantHeader`, whatever it says of them, and those that are filled where it has none."""
    for section, kind, fields in ((header.info, "INFO", own_info), (header.formats, "FORMAT", own_format)):
        for name, (number, type_, text) in fields.items():
            if name in section:
                section.remove_header(name)
            header.add_line(f'##{kind}=<ID={name},Number={number},Type={type_},Description="{text}">')
    for name, (number, type_, text) in filled.items():
        if name not in header.formats:
            header.add_line(f'##FORMAT=<ID={name},Number={number},Type={type_},Description="{text}">')


def calibration_lines(recalibration: Recalibration) -> list[str]:
    """Header lines of a scored file whose posteriors were corrected."""
    content = json.dumps(recalibration.model_dump(by_alias=True), sort_keys=True)
    text = f"{probability_field(SOMATIC)} before it was corrected by planted variants"
    return [
        f"##varproof_calibration={content}",
        f'##INFO=<ID={MODEL_PROBABILITY},Number=A,Type=Float,Description="{text}">',
    ]


@dataclass(frozen=True)
class SampleCounts:
    """Fragments of one sample per allele (n,): that overlap it, and that show the reference, this allele or another one."""

    depth: np.ndarray
    reference: np.ndarray
    alternative: np.ndarray
    other: np.ndarray

    def observed(self, rows: slice, judged: Sequence[bool]) -> dict[str, Any]:
        """AD, DP and AF of a record whose alleles are `rows`, at least one of them judged; nothing of those that are not."""
        alternative = [value if ok else None for value, ok in zip(self.alternative[rows].tolist(), judged, strict=True)]
        reference = min(value for value, ok in zip(self.reference[rows].tolist(), judged, strict=True) if ok)
        depth = max(value for value, ok in zip(self.depth[rows].tolist(), judged, strict=True) if ok)
        listed = sum(filter(None, alternative))
        others = zip(self.other[rows].tolist(), alternative, strict=True)
        total = reference + listed + min(max(0, other + own - listed) for other, own in others if own is not None)
        return {
            ALLELE_DEPTH: [reference, *alternative],
            DEPTH: depth,
            ALLELE_FREQUENCY: [None if value is None or not total else value / total for value in alternative],
        }


@dataclass(frozen=True)
class ScoredAlleles:
    """What is written of n alleles: posteriors, counts (tumour first), why alleles were not judged (None: they were), what
    speaks against them (None: nothing), whether they were judged on the tumour alone (bool (n,)), which other alleles are the
    same event (None: none), their phase, the posteriors (n, len(EVENTS)) before calibration (None: there was none), and
    frequencies in the population (n,), NaN where they are not known (None: there was no germline resource).
    """

    scores: Scores
    counts: Sequence[SampleCounts]
    skipped: Sequence[str | None]
    against: Sequence[str | None]
    tumor_only: np.ndarray
    same_event: Sequence[str | None]
    phase: Phase
    uncorrected: np.ndarray | None = None
    population: np.ndarray | None = None


@dataclass
class Annotator:
    """Adds what was found to records; counts alleles that were not judged, by reason. `stale`: fields that are taken away."""

    header: Declared
    columns: Columns
    stale: Sequence[str] = ()
    not_judged: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._may_fill = {
            name: _fits(self.header.formats.get(name), kind, numbers) for name, (kind, numbers) in _FITTING.items()
        }

    def annotate(self, record: Record, rows: slice, found: ScoredAlleles) -> None:
        """Add to `record` what was found of its alleles `rows`."""
        record.info.remove((*_OWN_INFO, *_SOMETIMES, *self.stale))
        if self.columns.added:
            record.add_samples(self.columns.added, self.header)
        judged = [found.skipped[row] is None for row in range(rows.start, rows.stop)]
        if any(judged):
            self._add_posteriors(record, rows, found, judged)
            for role, number in enumerate(self.columns.numbers):
                self._add_to_sample(record, role, number, rows, found, judged)
        elif not record.format:
            for number in self.columns.numbers:
                record.samples[number][GENOTYPE] = "./."
        skipped = list(found.skipped[rows]) if judged else [NO_ALTERNATIVE_ALLELE]
        if any(skipped):
            record.info[SKIPPED] = skipped
            for reason in filter(None, skipped):
                self.not_judged[reason] = self.not_judged.get(reason, 0) + 1

    def _add_posteriors(self, record: Record, rows: slice, found: ScoredAlleles, judged: list[bool]) -> None:
        values: dict[str, Any] = {}
        for column, field_name in enumerate(_PROBABILITIES):
            probabilities = found.scores.probability[rows, column].tolist()
            values[field_name] = [to_phred(value) if ok else None for value, ok in zip(probabilities, judged, strict=True)]
        if found.uncorrected is not None:
            somatic = found.uncorrected[rows, EVENTS.index(SOMATIC)].tolist()
            values[MODEL_PROBABILITY] = [to_phred(value) if ok else None for value, ok in zip(somatic, judged, strict=True)]
        against = [text if ok else None for text, ok in zip(found.against[rows], judged, strict=True)]
        if found.population is not None:
            known = found.population[rows].tolist()
            if any(value == value for value in known):
                values[POPULATION_FREQUENCY] = [float(f"{value:.6g}") if value == value else None for value in known]
        if any(against):
            values[REASON] = against
        same = [text if ok else None for text, ok in zip(found.same_event[rows], judged, strict=True)]
        if any(same):
            values[SAME_EVENT] = same
        phase = list(zip(found.phase.block[rows].tolist(), found.phase.copy[rows].tolist(), strict=True))
        if any(block for block, _ in phase):
            values[PHASE] = [f"{block}:{copy}" if block else None for block, copy in phase]
        if any(alone and ok for alone, ok in zip(found.tumor_only[rows].tolist(), judged, strict=True)):
            values[TUMOR_ONLY] = True
        record.info.add(values)

    def _add_to_sample(
        self, record: Record, role: int, number: int, rows: slice, found: ScoredAlleles, judged: list[bool]
    ) -> None:
        sample, counts = record.samples[number], found.counts[role]
        filled = sample.filled
        depths: list[int] = counts.depth[rows].tolist()
        values: dict[str, Any] = {}
        if role == 1:
            judged = [ok and not alone for ok, alone in zip(judged, found.tumor_only[rows].tolist(), strict=True)]
            if not any(judged):
                if GENOTYPE not in filled:
                    values[GENOTYPE] = "./."
                values[FRAGMENTS] = max(depths)
                if self._may_fill[DEPTH] and DEPTH not in filled:
                    values[DEPTH] = max(depths)
                sample.update(values)
                return
        if GENOTYPE not in filled:
            genotype = _genotype(("tumor", "normal")[role], found.scores.probability[rows], judged)
            values[GENOTYPE], block = _phased(genotype, found.phase.of(np.arange(rows.start, rows.stop)))
            if block and self._may_fill[PHASE_SET] and PHASE_SET not in filled:
                values[PHASE_SET] = block
        observed = counts.observed(rows, judged)
        depth = observed[DEPTH]
        for name, value in observed.items():
            if self._may_fill[name] and name not in filled:
                values[name] = value
        scores = found.scores
        modes, densities = (
            (scores.tumor_frequency, scores.tumor_density) if role == 0 else (scores.normal_frequency, scores.normal_density)
        )
        assert modes is not None and densities is not None
        absent = scores.probability[rows, _ABSENT].tolist()
        shown = [ok and value < CERTAIN for ok, value in zip(judged, absent, strict=True)]
        values[FRAGMENTS] = depth
        values[MODE] = [float(f"{mode:.5g}") if ok else None for mode, ok in zip(modes[rows].tolist(), judged, strict=True)]
        values[DENSITY] = [encode_density(GRID, row) if ok else MISSING for row, ok in zip(densities[rows], shown, strict=True)]
        sample.update(values)


def _fits(declared: Field | None, kind: str, numbers: tuple[str, ...]) -> bool:
    """Whether the caller's declaration of a field, if there is one, allows what is filled in."""
    return declared is None or (declared.type == kind and declared.number in numbers)


def _genotype(role: str, probability: np.ndarray, judged: list[bool]) -> str:
    """GT of the most probable events of a record's alleles: at most two copies, those of the likeliest alleles."""
    copies = []
    for allele, event in enumerate(np.argmax(probability, axis=1).tolist()):
        if judged[allele]:
            copies += EVENT_NAMED[EVENTS[event]].copies[role == "normal"] * [(-float(probability[allele, event]), allele + 1)]
    chosen = sorted(allele for _, allele in sorted(copies)[:2])
    return "/".join(str(allele) for allele in [0] * (2 - len(chosen)) + chosen)


def _phased(genotype: str, phase: Phase) -> tuple[str, int]:
    """(GT with its alleles in the order of copies, block) where the phase says which is where; (GT as it is, 0) elsewhere."""
    alleles = [int(allele) for allele in genotype.split("/")]
    places = [(int(phase.block[a - 1]), int(phase.copy[a - 1]), a) for a in alleles if a and phase.block[a - 1]]
    if alleles[0] == alleles[1] or len({block for block, _, _ in places}) != 1:
        return genotype, 0
    block, copy, allele = places[0]
    (other,) = (item for item in alleles if item != allele)
    ordered = (allele, other) if copy == 1 else (other, allele)
    if any(copies_of(f"{ordered[0]}|{ordered[1]}")[item] != place for _, place, item in places):
        return genotype, 0
    return f"{ordered[0]}|{ordered[1]}", block
