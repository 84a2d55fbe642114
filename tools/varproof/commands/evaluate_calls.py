"""evaluate-calls: precision, recall and realised false discovery rate against a truth set."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from varproof.commands.base import CommandOptions, run_command
from varproof.errors import UserError
from varproof.formats.output import check_output, provenance, write_text
from varproof.formats.scored import select_events
from varproof.formats.vcf import EVENTS, open_vcf

if TYPE_CHECKING:
    from varproof.formats.metrics import Metrics
    from varproof.report.variants import Calls, Truth

logger = logging.getLogger("varproof")


class EvaluateCallsOptions(CommandOptions):
    """Hold scored calls against a truth set: precision, recall, F1, realised against nominal false discovery rate.

    Give all scored calls, not the filtered ones, to see how well the rates are kept: the calls are filtered here at
    nominal rates from 0.01 to 0.5, per variant type and length class and all together. If the truth gives allele
    frequencies (INFO/AF, in the tumour cells), the calls' are compared with them.
    """

    calls: Path = Field(description="scored calls: VCF, VCF.gz or BCF, sorted; the first sample is the tumour.")
    truth: Path = Field(description="true variants: VCF, VCF.gz or BCF, sorted.")
    output: Path = Field(description="metrics (JSON), or - for stdout.")
    report: Path | None = Field(None, description="report with pictures (one HTML file).")
    regions: Path | None = Field(None, description="BED: only calls and true variants that start in these regions.")
    reference: Path | None = Field(None, description="reference FASTA: indels are left-aligned before comparison.")
    events: list[str] = Field(["SOMATIC_TUMOR"], description="event, or events whose probabilities add up.")
    truth_event: str = Field("SOMATIC_TUMOR", description="which INFO/EVENT of the truth counts; without EVENT all do.")
    max_distance: int | None = Field(None, ge=0, description="bp between an indel and the true one (default: exact alleles).")
    max_length_difference: int | None = Field(None, ge=0, description="bp that an indel's length may differ (default: exact).")
    purity: float | None = Field(
        None,
        gt=0,
        le=1,
        description="share of tumour cells, for the binomial error (default: score-posterior's, or 1).",
    )


def _scoring_purity(header: Any) -> float:
    """The purity that score-posterior wrote into the header; 1 if there is none."""
    for record in header.records:
        if record.key == "varproof_score-posterior":
            try:
                purity = json.loads(record.value)["options"]["purity"]
            except (ValueError, KeyError, TypeError):
                continue
            if isinstance(purity, int | float) and 0 < purity <= 1:
                return float(purity)
    return 1.0


def _check_contigs(options: EvaluateCallsOptions, header: Any, calls: "Calls", truth: "Truth") -> None:
    known = set(header.contigs) | {key[0] for key in calls.keys}
    wanted = {key[0] for key in truth.keys}
    if wanted and known and not wanted & known:
        raise UserError(
            f"{options.truth} has contigs such as {min(wanted)}, {options.calls} such as {min(known)}: "
            "no name is in both; rename them with 'bcftools annotate --rename-chrs'"
        )


def _has_events(path: Path) -> bool:
    with open_vcf(path) as truth:
        return "EVENT" in truth.header.info


def evaluate_calls(options: EvaluateCallsOptions) -> None:
    """Read both files, match, count, write."""
    from varproof.reads.regions import read_regions
    from varproof.report.matching import match
    from varproof.report.variants import Reference, read_calls, read_truth

    for path in (options.output, options.report):
        if path is not None:
            check_output(path)
    with open_vcf(options.calls) as handle:
        header = handle.header.copy()
    selection = select_events(options.calls, header, options.events)
    has_events = _has_events(options.truth)
    regions = None if options.regions is None else read_regions(options.regions)
    reference = None if options.reference is None else Reference(options.reference)
    truth = read_truth(options.truth, options.truth_event, regions, reference)
    if not len(truth) and not truth.outside_regions:
        if has_events and options.truth_event.upper() not in EVENTS:
            names = sorted({name.partition(":")[0] for name in truth.others.values()}) or EVENTS
            raise UserError(f"--truth-event: {options.truth} has no {options.truth_event}; it has {', '.join(names)}")
        logger.warning("%s holds no true variant%s", options.truth, f" with EVENT={options.truth_event}" if has_events else "")
    calls = read_calls(options.calls, selection, regions, reference)
    _check_contigs(options, header, calls, truth)
    matching = match(calls, truth, options.max_distance, options.max_length_difference)
    purity = _scoring_purity(header) if options.purity is None else options.purity
    metrics = _metrics(options, selection.events, has_events, calls, truth, matching, purity)
    if options.report is not None:
        from varproof.report.page import render_report

        page = render_report(calls, truth, matching, metrics)
        write_text(options.output, metrics.model_dump_json(indent=2, by_alias=True) + "\n")
        write_text(options.report, page)
    else:
        write_text(options.output, metrics.model_dump_json(indent=2, by_alias=True) + "\n")
    _log(metrics)


def _metrics(
    options: EvaluateCallsOptions,
    events: tuple[str, ...],
    has_events: bool,
    calls: "Calls",
    truth: "Truth",
    matching: Any,
    purity: float,
) -> "Metrics":
    from varproof.formats.metrics import InputCounts, MatchingRule, Metrics
    from varproof.report.evaluation import class_metrics, false_calls_by_truth

    return Metrics(
        events=list(events),
        truth_event=options.truth_event.upper() if has_events else None,
        matching=MatchingRule(
            normalised=options.reference is not None,
            max_distance=options.max_distance,
            max_length_difference=options.max_length_difference,
        ),
        purity=purity,
        counts=InputCounts(
            calls=len(calls),
            calls_not_judged=calls.not_judged,
            calls_outside_regions=calls.outside_regions,
            duplicate_calls=calls.duplicates,
            true_variants=len(truth),
            true_variants_of_other_events=truth.other_events,
            true_variants_not_comparable=truth.not_comparable,
            true_variants_outside_regions=truth.outside_regions,
            duplicate_true_variants=truth.duplicates,
        ),
        classes=class_metrics(calls, truth, matching, purity),
        false_calls_by_truth=false_calls_by_truth(calls, truth, matching),
        provenance=json.loads(provenance("evaluate-calls", options.model_copy(update={"report": None}))),
    )


def _log(metrics: "Metrics") -> None:
    from varproof.report.evaluation import HEADLINE_FDR

    for entry in metrics.classes:
        point = next(point for point in entry.own_threshold if point.nominal_fdr == HEADLINE_FDR)
        if point.recall is not None and point.realised_fdr is not None:
            logger.info(
                "%s at FDR %g: %d kept, %d false (realised %.3f), recall %.3f of %d",
                entry.name,
                HEADLINE_FDR,
                point.kept,
                point.false,
                point.realised_fdr,
                point.recall,
                entry.true_variants,
            )


def main() -> None:
    """Entry point of `evaluate-calls`."""
    run_command("evaluate-calls", EvaluateCallsOptions, evaluate_calls)


if __name__ == "__main__":
    main()
