"""report-calls: the report of one sample, which a person opens after a run."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from varproof.steps.base import SAMPLE, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from varproof.posterior.fdr import FdrThreshold
    from varproof.report.sample import Call

logger = logging.getLogger(__name__)


class ReportCallsSettings(Settings):
    """Write the report of one sample: what was called at which rate, what is doubtful, and a table of all calls.

    Doubts come first. Frequencies, depths, and substitutions in their contexts are drawn; the table sorts and searches. It is
    one page that needs no network.
    """

    calls: Path = Field(
        description="calls of score-posterior, score-scenario or combine-calls, all and not the filtered ones: VCF or BCF, "
        "sorted."
    )
    output: Path = Field(description="page to write (HTML).")
    events: list[str] = Field(["SOMATIC_TUMOR"], description="events that are called, as in fdr-filter.")
    sample: str | None = Field(None, description=SAMPLE)
    fdr: float = Field(0.05, gt=0, le=1, description="false discovery rate at which they are called.")
    mode: Literal["smart", "global", "local"] = Field("smart", description="what the rate is of, as in fdr-filter.")
    reference: Path | None = Field(None, description="indexed FASTA, for the bases beside substitutions.")
    purity_estimate: Path | None = Field(
        None, description="purity.json of estimate-purity, to be told and looked at for doubts."
    )
    labels: Path | None = Field(
        None, description="labels that review-calls' page exports: how far people agree with the calls; needs --reference."
    )
    desk: str | None = Field(
        None, description="address of the page of review-calls, relative to the report: calls become links into it."
    )
    desk_page: Path | None = Field(
        None, description="that page itself, if it holds some of the candidates only: other calls become no links."
    )

    @model_validator(mode="after")
    def _labels_are_placed(self) -> "ReportCallsSettings":
        if self.labels is not None and self.reference is None:
            raise ValueError("--labels needs --reference, by which alleles are compared")
        return self

    @model_validator(mode="after")
    def _page_has_an_address(self) -> "ReportCallsSettings":
        if self.desk_page is not None and self.desk is None:
            raise ValueError("--desk-page needs --desk, the address that the page has beside the report")
        return self


def report_calls(options: ReportCallsSettings) -> None:
    """Scored calls to a page."""
    import numpy as np

    from varproof.formats.json_file import read_json
    from varproof.formats.purity import Purity
    from varproof.formats.scored import column_of, error_probabilities, scored_scenario, select_events, subject_of
    from varproof.formats.vcf import open_vcf, read_records
    from varproof.machinery.output import check_output, provenance, write_text
    from varproof.posterior.fdr import fdr_threshold
    from varproof.report.desk import held_candidates
    from varproof.report.desk_facts import gene_reader
    from varproof.report.sample import Sample, render_sample
    from varproof.steps.people import people_of
    from varproof.variants.candidate import candidates_of

    check_output(options.output)
    with open_vcf(options.calls) as handle:
        header = handle.header.copy()
    selection = select_events(options.calls, header, options.events)
    column = column_of(options.calls, header, options.sample)
    scenario = scored_scenario(header)
    errors, skipped = [], 0
    for record in read_records(options.calls):
        for error in error_probabilities(record, selection):
            errors.append(error)
            skipped += error != error
    judged = np.array([error for error in errors if error == error])
    threshold = fdr_threshold(judged, options.fdr, options.mode)
    calls, number, gene = [], 0, gene_reader(header)
    for record in read_records(options.calls, sample=column):
        for item in candidates_of(record, 0):
            error = errors[number]
            number += 1
            if error <= max(threshold.error, _DOUBTFUL_ERROR):
                calls.append(_call(record, item, error, error <= threshold.error, gene))
    with_contexts = _contexts(options, selection)
    people = None
    if options.labels is not None and options.reference is not None:
        people = people_of(options.calls, options.labels, options.reference, selection)
    sample = Sample(
        name=options.calls.name,
        candidates=len(errors),
        skipped=skipped,
        threshold=threshold,
        fdr=options.fdr,
        mode=options.mode,
        events=list(selection.events),
        calls=calls,
        contexts=with_contexts,
        doubts=_doubts(header, threshold, calls, len(errors), skipped),
        purity=None if options.purity_estimate is None else read_json(options.purity_estimate, Purity),
        desk=options.desk,
        held=None if options.desk_page is None else held_candidates(options.desk_page),
        people=people,
        subject=None if scenario is None else subject_of(scenario, header, column),
    )
    write_text(options.output, render_sample(sample, json.loads(provenance("report-calls", options))))
    logger.info("%d of %d candidates called at a rate of %g", threshold.kept, len(errors), options.fdr)


_DOUBTFUL_ERROR = 0.9
"""Candidates that are likelier to be real than this leaves are shown as doubtful ones where they are not called."""


def _call(record: Any, item: Any, error: float, kept: bool, gene: "Callable[[Any, str], str]") -> "Call":
    from varproof.report.desk_facts import reasons_of, sample_facts
    from varproof.report.sample import Call

    tumor, normal = record.header.tumor_column, record.header.normal_column
    samples = len(record.header.samples)
    return Call(
        chrom=record.contig,
        pos=record.pos,
        ref=record.ref,
        alt=record.alts[item.allele],
        type=item.type.value,
        gene=gene(record, record.alts[item.allele]),
        probability=1.0 - error,
        kept=kept,
        tumor=sample_facts(record, tumor, item.allele) if samples else None,
        normal=None if normal is None or not samples else sample_facts(record, normal, item.allele),
        reasons=reasons_of(record, item.allele),
        alone="VP_TUMOR_ONLY" in record.info,
    )


def _contexts(options: ReportCallsSettings, selection: Any) -> "dict[str, list[float]] | None":
    """Expected numbers of substitutions in the 96 contexts: of real variants, and of artefacts; None without a reference."""
    if options.reference is None:
        return None
    from varproof.formats.scored import error_probabilities
    from varproof.formats.vcf import from_phred, read_records
    from varproof.report.desk_facts import allele_value
    from varproof.report.sample import CONTEXTS, context_of
    from varproof.variants.candidate import candidates_of
    from varproof.variants.edit import VariantType
    from varproof.variants.reference import Reference

    bases = Reference(options.reference)
    found = {"real": [0.0] * len(CONTEXTS), "artefact": [0.0] * len(CONTEXTS)}
    for record in read_records(options.calls):
        errors = error_probabilities(record, selection)
        for item in candidates_of(record, 0):
            if item.skipped is not None or item.type is not VariantType.SNV or errors[item.allele] != errors[item.allele]:
                continue
            bases.check(options.calls, record)
            context = context_of(bases.bases(item.contig, item.start - 1, item.start + 2), item.alt)
            if context is None:
                continue
            found["real"][context] += 1.0 - errors[item.allele]
            artefact = allele_value(record, "PROB_ARTIFACT", item.allele)
            found["artefact"][context] += 0.0 if artefact is None else from_phred(artefact)
    return found


def _doubts(
    header: Any, threshold: "FdrThreshold", calls: "Sequence[Call]", candidates: int, skipped: int
) -> list[tuple[str, str]]:
    """(what is doubtful, what to do) of the sample as a whole, the gravest first."""
    from varproof.report.sample import header_json

    found = []
    match = header_json(header, "varproof_samples")
    if match and match.get("verdict") not in (None, "related", "unknown"):
        found.append((f"Tumour and normal do not match: {match['verdict']}.", "Check which reads belong to which person."))
    prior = header_json(header, "varproof_prior")
    if prior and prior.get("foreign_fraction", 0) >= 0.005:
        found.append(
            (
                f"{100 * prior['foreign_fraction']:.1f} % of the tumour's reads are another person's.",
                "Variants of that person are counted as artefacts; rare calls deserve a look.",
            )
        )
    if prior and prior.get("normal_contamination", 0) > 0.02:
        found.append(
            (
                f"{100 * prior['normal_contamination']:.0f} % of the normal are tumour cells.",
                "Somatic variants are seen there, too: recall is lower than with a clean normal.",
            )
        )
    if prior and prior.get("damage"):
        found.append(
            (
                f"Damage of the tumour's library: {', '.join(map(str, prior['damage']))}.",
                "Rare substitutions of this kind can't be told from it by reads.",
            )
        )
    if prior and not prior.get("paired", True):
        found.append(("There was no normal.", "Germline variants that no resource has may be among the calls."))
    if candidates and skipped > 0.1 * candidates:
        found.append((f"{skipped:,} of {candidates:,} candidates were not judged.", "INFO/SKIPPED says why."))
    alone = sum(call.alone for call in calls if call.kept)
    if alone:
        found.append((f"{alone:,} calls lie where the normal has no usable reads.", "They are judged on the tumour alone."))
    if not threshold.kept:
        found.append(("Nothing is called at this rate.", "Give another --fdr, or look at the doubtful candidates below."))
    return found
