"""What a VCF says of a candidate, as the reviewer's desk shows it: events, reasons, frequencies, fields."""

from collections.abc import Callable
from typing import Any

from varproof.formats.density import density_points_of
from varproof.formats.events import COMBINED_EVENTS, NETWORK_EVENTS
from varproof.formats.scored import allele_frequencies, declared_events, density_texts, depth, format_values
from varproof.formats.vcf import (
    ALLELE_DEPTH,
    ALLELE_FREQUENCY,
    DENSITY,
    EARLIER_DENSITY,
    FRAGMENTS,
    MODE,
    NETWORK_PROBABILITY,
    PROBABILITY_PREFIX,
    REASON,
    SKIPPED,
    from_phred,
    info_numbers,
    info_value,
    probability_field,
)
from varproof.machinery.errors import UserError
from varproof.posterior.reasons import REASONS, SEPARATOR
from varproof.report.desk_data import CandidateFacts, SampleFacts

_OWN = ("VP_", PROBABILITY_PREFIX)
_TOLD_ELSEWHERE = {NETWORK_PROBABILITY, SKIPPED, REASON}
_OF_SAMPLES = {ALLELE_DEPTH, ALLELE_FREQUENCY, DENSITY, EARLIER_DENSITY, FRAGMENTS, MODE}
_MOST_FIELDS, _LONGEST_VALUE = 60, 300
_SHOWN_OF_FAMILY = {"CNN_SOMATIC": "network: somatic", "COMBINED_SOMATIC": "both: somatic"}


def facts_of(record: Any, allele: int, network: float | None) -> CandidateFacts:
    """All that a record says of an allele; `network`: the network's probability where another file tells it."""
    return CandidateFacts(
        events=_events(record, allele, network),
        reasons=reasons_of(record, allele),
        samples=[sample_facts(record, number, allele) for number in range(len(record.samples))],
        fields=_fields(record),
    )


def _events(record: Any, allele: int, network: float | None) -> list[tuple[str, int, float]]:
    found = []
    for event in declared_events(record.header):
        if event in (*NETWORK_EVENTS, *COMBINED_EVENTS) and event not in _SHOWN_OF_FAMILY:
            continue
        value = allele_value(record, probability_field(event), allele)
        if value is not None:
            name = _SHOWN_OF_FAMILY.get(event, event.replace("_", " ").lower())
            found.append((name, int(event in _SHOWN_OF_FAMILY), round(from_phred(value), 9)))
    if network is not None and not any(name == _SHOWN_OF_FAMILY["CNN_SOMATIC"] for name, _, _ in found):
        found.append((_SHOWN_OF_FAMILY["CNN_SOMATIC"], 1, round(network, 9)))
    return found


def allele_value(record: Any, field: str, allele: int) -> float | None:
    """The value of an INFO field of numbers, one for each alternative allele; None where it is missing, or not one for each."""
    values = info_numbers(record, field)
    if values is None or len(values) != len(record.alts):
        return None
    value = values[allele]
    return None if value is None or value != value else float(value)


def reasons_of(record: Any, allele: int) -> list[str]:
    """Why an allele is not somatic, in words; empty where the file does not say."""
    values = info_value(record, REASON)
    values = values if isinstance(values, tuple) else (values,)
    if len(values) != len(record.alts) or not values[allele]:
        return []
    return [REASONS.get(name, str(name)) for name in str(values[allele]).split(SEPARATOR)]


def sample_facts(record: Any, number: int, allele: int) -> SampleFacts:
    """What a record says of an allele in a sample. Raises UserError for a density that is none."""
    alleles = len(record.alts)
    text = density_texts(record, number)[allele]
    observed = format_values(record, number, ALLELE_FREQUENCY, alleles)[allele]
    mode = allele_frequencies(record, number)[allele] if MODE in record.header.formats else None
    column = record.samples[number]
    return SampleFacts(
        name=str(record.header.samples[number]),
        ad=column.text(ALLELE_DEPTH) or "",
        depth=depth(record, number),
        observed=float(observed) if isinstance(observed, int | float) else None,
        mode=None if mode is None else float(mode),
        density=_density(record, text),
        fields=[
            (name, _cut(column.text(name) or ""))
            for name in record.format
            if name not in _OF_SAMPLES and not name.startswith(_OWN) and column.text(name)
        ][:_MOST_FIELDS],
    )


def _density(record: Any, text: Any) -> tuple[list[float], list[float]]:
    if not isinstance(text, str):
        return [], []
    try:
        points, phreds = density_points_of(text)
    except ValueError as error:
        raise UserError(f"record {record.contig}:{record.pos}: {DENSITY} is {error}") from error
    return [round(float(x), 5) for x in points], [round(from_phred(float(y)), 4) for y in phreds]


def _fields(record: Any) -> list[tuple[str, str]]:
    """The caller's INFO, and QUAL."""
    found = [] if record.qual is None else [("QUAL", f"{record.qual:g}")]
    for entry in record.entries:
        name, _, value = entry.partition("=")
        if not name.startswith(_OWN) and name not in _TOLD_ELSEWHERE:
            found.append((name, _cut(value) or "yes"))
    return found[:_MOST_FIELDS]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def gene_reader(header: Any) -> Callable[[Any, str], str]:
    """A function of a record and an ALT that gives the gene which an annotator named, empty where there is none.

    `header`: a `pysam.VariantHeader`. ANNOVAR's Gene.refGene, SnpEff's ANN or VEP's CSQ, the first that it declares.
    """
    known = list(header.info)
    field = next((name for name in ("Gene.refGene", "ANN", "CSQ") if name in known), "")
    if not field:
        return lambda record, alt: ""
    column = 3
    if field == "CSQ":
        described = str(header.info[field].description or "").rpartition("Format:")[2]
        names = [name.strip(" '\"").upper() for name in described.split("|")]
        column = names.index("SYMBOL") if "SYMBOL" in names else -1

    def gene(record: Any, alt: str) -> str:
        text = record.info.text(field) or ""
        if field == "Gene.refGene":
            return _cut("" if text == "." else text)
        entries = text.split(",")
        parts = next((entry for entry in entries if entry.partition("|")[0] == alt), entries[0]).split("|")
        return _cut(parts[column]) if 0 <= column < len(parts) else ""

    return gene
