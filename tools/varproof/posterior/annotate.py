"""Scored records: the candidates' VCF with posteriors, depths and allele frequencies added."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from varproof.formats.density import MISSING, encode_density
from varproof.formats.vcf import (
    ALLELE_FREQUENCY,
    ALLELE_FREQUENCY_DENSITY,
    DEPTH,
    EVENTS,
    SKIPPED,
    open_vcf,
    probability_field,
    read_records,
    to_phred,
)
from varproof.posterior.components import GRID
from varproof.posterior.judgeable import TUMOR_ONLY
from varproof.posterior.score import Scores

ABSENT = EVENTS.index("ABSENT")
CERTAIN = 0.999
"""An allele that is absent with at least this probability gets no density of its frequency."""

_EVENT_DESCRIPTIONS = {
    "SOMATIC_TUMOR": "somatic, in the tumour cells only",
    "SOMATIC_NORMAL": "somatic, subclonal in the normal",
    "GERMLINE_HET": "germline, heterozygous",
    "GERMLINE_HOM": "germline, homozygous",
    "ARTIFACT": "an artefact of sequencing, mapping or another library",
    "ABSENT": "not there: coincident sequencing errors",
}


def output_header(candidates: Path, samples: list[str], lines: list[str]) -> Any:
    """Header of the scored VCF: the input's, without its samples, with varproof's fields and `lines` ('##key=value')."""
    with open_vcf(candidates) as handle:
        handle.subset_samples([])
        header = handle.header.copy()
    for event in EVENTS:
        _replace(header.info, probability_field(event))
        header.add_line(
            f"##INFO=<ID={probability_field(event)},Number=A,Type=Float,"
            f'Description="PHRED of the posterior probability that the allele is {_EVENT_DESCRIPTIONS[event]}">'
        )
    _replace(header.info, SKIPPED)
    header.add_line(f'##INFO=<ID={SKIPPED},Number=1,Type=String,Description="Why varproof did not judge this record">')
    _replace(header.info, TUMOR_ONLY)
    header.add_line(
        f'##INFO=<ID={TUMOR_ONLY},Number=0,Type=Flag,Description="The normal has no usable read here: judged as tumour only">'
    )
    for name, number, kind, text in (
        (DEPTH, "1", "Integer", "Fragments that overlap the candidate"),
        (ALLELE_FREQUENCY, "A", "Float", "Most probable allele frequency: tumour cells (purity corrected), or normal sample"),
        (
            ALLELE_FREQUENCY_DENSITY, "A", "String",
            "Posterior density of AF: frequency=PHRED below the maximum, separated by |; . where certainly absent",
        ),
    ):  # fmt: skip
        _replace(header.formats, name)
        header.add_line(f'##FORMAT=<ID={name},Number={number},Type={kind},Description="{text}">')
    for line in lines:
        header.add_line(line)
    for sample in samples:
        header.add_sample(sample)
    return header


def _replace(section: Any, name: str) -> None:
    if name in section:
        section.remove_header(name)


def record_alleles(path: Path) -> Iterator[tuple[Any, int]]:
    """(record, number of alternative alleles) of the candidates' VCF, without its samples."""
    for record in read_records(path):
        yield record, len(record.alts or ())


def add_record(
    writer: Any,
    record: Any,
    rows: slice,
    scores: Scores,
    reasons: list[str | None],
    tumor_only: np.ndarray,
    depths: Any,
) -> str | None:
    """Write `record` with the scores of its alleles `rows`; returns the reason if it was not judged.

    reasons (n,): why an allele was not judged; tumor_only (n,): judged without the normal; depths: per sample the fragments
    that overlap each allele (n,).
    """
    info = {key: value for key, value in record.info.items() if key not in _FIXED and key in writer.header.info}
    new = writer.new_record(
        contig=record.contig,
        start=record.start,
        stop=record.stop,
        alleles=record.alleles if record.alts else (record.ref, "."),
        id=record.id,
        qual=record.qual,
        filter=list(record.filter.keys()),
        info=info,
    )
    known = np.array([reason is None for reason in reasons[rows]], bool)
    if known.any():
        densities = [scores.tumor_density, scores.normal_density]
        modes = [scores.tumor_frequency, scores.normal_frequency]
        shown = known & (scores.probability[rows, ABSENT] < CERTAIN)
        for column, event in enumerate(EVENTS):
            values = scores.probability[rows, column]
            new.info[probability_field(event)] = [
                to_phred(value) if ok else None for value, ok in zip(values, known, strict=True)
            ]
        for sample, depth in enumerate(depths):
            new.samples[sample][DEPTH] = int(depth[rows].max())
            seen = known & ~tumor_only[rows] if sample else known
            frequencies, log_density = modes[sample], densities[sample]
            assert frequencies is not None and log_density is not None
            new.samples[sample][ALLELE_FREQUENCY] = [
                float(f"{value:.5g}") if ok else None for value, ok in zip(frequencies[rows], seen, strict=True)
            ]
            new.samples[sample][ALLELE_FREQUENCY_DENSITY] = [
                encode_density(GRID, row) if ok else MISSING for row, ok in zip(log_density[rows], shown & seen, strict=True)
            ]
    skipped = None
    if not len(known):
        skipped = "no_alternative_allele"
    elif not known.all():
        skipped = next(reason for reason in reasons[rows] if reason)
    if tumor_only[rows].any():
        new.info[TUMOR_ONLY] = True
    if skipped:
        new.info[SKIPPED] = skipped
    writer.write(new)
    return skipped


_FIXED = {"END", SKIPPED, TUMOR_ONLY, *(probability_field(event) for event in EVENTS)}
