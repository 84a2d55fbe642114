"""evaluate-calls: precision, recall and realised false discovery rate against a truth set."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_serializer, field_validator, model_validator

from varproof.formats.events import EVENTS
from varproof.formats.metrics import MatchedBy
from varproof.formats.scored import column_of, select_events
from varproof.formats.vcf import open_vcf
from varproof.machinery.errors import UserError
from varproof.machinery.output import check_output, provenance, write_text
from varproof.steps.base import SAMPLE, Settings
from varproof.steps.people import LABEL_ERROR

if TYPE_CHECKING:
    from varproof.evaluation.pooling import Evaluated
    from varproof.evaluation.variants import Calls, Regions, Truth
    from varproof.formats.metrics import CertifiedRun, HaplotypeMetrics, Metrics, OperatingPoint
    from varproof.formats.people import PeopleAgreement
    from varproof.steps.evaluated_runs import RunFiles
    from varproof.variants.reference import Reference

logger = logging.getLogger(__name__)


class EvaluateCallsSettings(Settings):
    """Hold scored calls against a truth set: precision, recall, F1, realised against nominal false discovery rate.

    Give all scored calls, not the filtered ones, to see how well the rates are kept: the calls are filtered here at
    nominal rates from 0.01 to 0.5, per variant type and length class and all together. If the truth gives allele
    frequencies (INFO/AF, in the tumour cells), the calls' are compared with them.

    They are matched twice. By alleles: a call is true if it is the allele of a true variant. By haplotype: a true variant is
    found if kept calls, one or several, put into the reference make its sequence, such as an MNV that is written as SNVs.

    Several runs are counted together. Each is filtered by itself, as fdr-filter does it, which sees one sample at a time,
    and compared with its own truth; then the counts add up. A run may also be a folder of spike-variants, which is scored
    first, as score-posterior does by default, and brings its truth.

    Or, with a truth or without, they are held against what people say of them (--labels, of the page of review-calls): of the
    calls of probability 0.9, how many are right in people's eyes, by type and by tag, whichever they chose to judge.
    """

    calls: list[Path] = Field(
        description="scored calls, as of score-posterior or score-scenario: VCF, VCF.gz or BCF, sorted; where the "
        "file does not say whose columns it has, the first is the tumour's. Several runs: several files. "
        "Or folders of spike-variants."
    )
    truth: list[Path] = Field(
        [], description="true variants: VCF, VCF.gz or BCF, sorted; one for each of --calls, in that order. None for folders."
    )
    output: Path = Field(description="metrics (JSON), or - for stdout.")
    report: Path | None = Field(None, description="report with pictures (one HTML file).")
    certificate: Path | None = Field(
        None, description="certificate to print and sign: rates, recall and frequencies by class (one HTML file)."
    )
    regions: Path | None = Field(None, description="BED: only calls and true variants that start in these regions.")
    reference: Path | None = Field(
        None,
        description="reference FASTA: indels are compared wherever a repeat lets them lie (by alleles: left-aligned).",
    )
    events: list[str] = Field(["SOMATIC_TUMOR"], description="event, or events whose probabilities add up.")
    mode: Literal["smart", "global", "local"] = Field(
        "smart", description="how calls are filtered at a rate, as in fdr-filter."
    )
    truth_event: str = Field(
        "SOMATIC_TUMOR", description="which INFO/EVENT of the truth counts, or several joined by commas; without EVENT all do."
    )
    sample: str | None = Field(None, description=SAMPLE)
    match: MatchedBy = Field(
        "exact", description="what report and certificate count by: alleles, or haplotypes; the metrics have both."
    )
    max_distance: int | None = Field(None, ge=0, description="bp between an indel and the true one (default: exact alleles).")
    max_length_difference: int | None = Field(None, ge=0, description="bp that an indel's length may differ (default: exact).")
    purity: float | None = Field(
        None,
        gt=0,
        le=1,
        description="share of tumour cells, for the binomial error (default: score-posterior's, or 1).",
    )
    prior: Path | None = Field(
        None, description="file of score-posterior --learnt-prior, to score folders with (default: learnt from each)."
    )

    labels: Path | None = Field(
        None,
        description="what people say of candidates: labels.tsv, IGVNav's table or the VCF that review-calls' page exports; of "
        "one run, with --reference.",
    )
    label_error: float | None = Field(None, ge=0, lt=0.5, description=LABEL_ERROR)

    @field_validator("calls", "truth", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str | Path) else value

    @field_validator("calls")
    @classmethod
    def _some(cls, value: list[Path]) -> list[Path]:
        if not value:
            raise ValueError("name at least one file")
        return value

    @model_validator(mode="after")
    def _labels_are_of_one_run(self) -> "EvaluateCallsSettings":
        if self.labels is None:
            if self.label_error is not None:
                raise ValueError("--label-error is of people's labels; give --labels")
            return self
        if self.reference is None:
            raise ValueError("--labels needs --reference, by which alleles are compared")
        if len(self.calls) > 1 or self.calls[0].is_dir():
            raise ValueError("--labels are of the candidates of one file; give one to --calls")
        if not self.truth and self.certificate is not None:
            raise ValueError("--certificate needs --truth")
        return self

    @field_serializer("calls", "truth")
    def _as_given(self, value: list[Path]) -> Path | list[Path]:
        return value[0] if len(value) == 1 else value


def _scoring(header: Any) -> dict[str, Any] | None:
    """What score-posterior wrote about itself into the header; None if it did not, or if that is damaged."""
    for record in header.records:
        if record.key == "varproof_score-posterior":
            try:
                found = json.loads(record.value)
                purity = found["options"]["purity"]
            except (ValueError, KeyError, TypeError):
                continue
            if isinstance(purity, int | float) and 0 < purity <= 1:
                return dict(found)
    return None


def _check_contigs(files: "RunFiles", header: Any, calls: "Calls", truth: "Truth") -> None:
    known = set(header.contigs) | {key[0] for key in calls.keys}
    wanted = {key[0] for key in truth.keys}
    if wanted and known and not wanted & known:
        raise UserError(
            f"{files.truth} has contigs such as {min(wanted)}, {files.calls} such as {min(known)}: "
            "no name is in both; rename them with 'bcftools annotate --rename-chrs'"
        )


def _has_events(path: Path) -> bool:
    with open_vcf(path) as truth:
        return "EVENT" in truth.header.info


def evaluate_calls(options: EvaluateCallsSettings) -> None:
    """Read each run, match, count together, write."""
    from varproof.evaluation.pooling import pooled
    from varproof.steps.evaluated_runs import run_files, scored_calls
    from varproof.variants.reference import Reference

    for path in (options.output, options.report, options.certificate):
        if path is not None:
            check_output(path)
    if options.labels is not None and not options.truth:
        _by_labels_alone(options)
        return
    runs = run_files(options.calls, options.truth, options.reference, options.prior, options.events)
    regions = None if options.regions is None else _regions(options.regions, runs, options.reference)
    reference = None if options.reference is None else Reference(options.reference)
    evaluated, described = [], []
    events: tuple[str, ...] = ()
    for files in runs:
        with scored_calls(files, options.reference, options.prior, options.threads) as calls:
            run, chosen, description = _evaluated(options, files, calls, regions, reference)
        if events and chosen != events:
            raise UserError(f"--events: {' '.join(events)} in {runs[0].calls}, but {' '.join(chosen)} in {files.calls}")
        events = chosen
        evaluated.append(run)
        described.append(description)
    together = pooled(evaluated)
    metrics = _metrics(options, events, runs, evaluated, together)
    if options.labels is not None:
        metrics.people = _people(options, regions)
    shown = together.by_haplotype() if options.match == "haplotype" else together
    if options.certificate is not None:
        from varproof.report.certificate import certificate

        metrics.certificate = certificate(shown, metrics.shown.classes, described)
    pages = {}
    if options.report is not None:
        from varproof.report.page import render_report

        pages[options.report] = render_report(shown.calls, shown.truth, shown.matching, metrics)
    if options.certificate is not None:
        from varproof.report.certificate_page import render_certificate

        pages[options.certificate] = render_certificate(shown, metrics.shown)
    write_text(options.output, metrics.as_json())
    for path, page in pages.items():
        write_text(path, page)
    _log(metrics)


def _people(options: EvaluateCallsSettings, regions: "Regions | None") -> "PeopleAgreement":
    from varproof.steps.people import people_of

    assert options.labels is not None and options.reference is not None
    (calls,) = options.calls
    with open_vcf(calls) as handle:
        selection = select_events(calls, handle.header, options.events)
    found = people_of(calls, options.labels, options.reference, selection, options.label_error, regions)
    logger.info(
        "people judged %d candidates (%d more are ambiguous)%s",
        found.judged,
        found.ambiguous,
        "" if found.alike is None else f" and would say the same of {100 * found.alike:.1f} % of the list",
    )
    if found.selection == "ranges":
        logger.info(
            "how they were chosen is not recorded, or was no chance: the judged ones of a range of probabilities stand for the "
            "others of it"
        )
    return found


def _by_labels_alone(options: EvaluateCallsSettings) -> None:
    """Metrics and report where people's labels are all that is known."""
    from varproof.formats.people import PeopleMetrics
    from varproof.reads.regions import regions_of_reference

    (calls,) = options.calls
    regions = None
    if options.regions is not None and options.reference is not None:
        regions = regions_of_reference(options.regions, options.reference)
    people = _people(options, regions)
    with open_vcf(calls) as handle:
        events = list(select_events(calls, handle.header, options.events).events)
    made_with = json.loads(provenance("evaluate-calls", options.model_copy(update={"report": None})))
    metrics = PeopleMetrics(events=events, people=people, provenance=made_with)
    if options.report is not None:
        from varproof.report.page import render_people

        write_text(options.report, render_people(metrics))
    write_text(options.output, metrics.as_json())


def _regions(path: Path, runs: "list[RunFiles]", reference: Path | None) -> "Regions":
    """Regions of a BED, on contigs of the reference, or of what the headers of all calls and truths name."""
    from varproof.reads.regions import read_regions, regions_of_reference, regions_within

    if reference is not None:
        return regions_of_reference(path, reference)
    contigs: dict[str, None] = {}
    for name in [name for files in runs for name in (files.calls, files.truth)]:
        with open_vcf(name) as handle:
            contigs |= dict.fromkeys(handle.header.contigs)
    return regions_within(path, contigs, runs[0].calls) if contigs else read_regions(path)


def _evaluated(
    options: EvaluateCallsSettings, files: "RunFiles", scored: Path, regions: "Regions | None", reference: "Reference | None"
) -> tuple["Evaluated", tuple[str, ...], "CertifiedRun"]:
    """One run, held against its truth; its events; and what it was made of."""
    from varproof.evaluation.haplotype_matching import match_haplotypes
    from varproof.evaluation.matching import match
    from varproof.evaluation.pooling import Evaluated
    from varproof.evaluation.variants import read_calls, read_truth

    with open_vcf(scored) as handle:
        header = handle.header.copy()
    selection = select_events(files.calls, header, options.events)
    has_events = _has_events(files.truth)
    truth = read_truth(files.truth, options.truth_event, regions, reference)
    if not len(truth) and not truth.outside_regions:
        if has_events and not set(options.truth_event.upper().split(",")) <= set(EVENTS):
            names = sorted({name.partition(":")[0] for name in truth.others.values()}) or EVENTS
            raise UserError(f"--truth-event: {files.truth} has no {options.truth_event}; it has {', '.join(names)}")
        logger.warning("%s holds no true variant%s", files.truth, f" with EVENT={options.truth_event}" if has_events else "")
    column = column_of(files.calls, header, options.sample)
    calls = read_calls(scored, selection, regions, reference, options.mode, column)
    _check_contigs(files, header, calls, truth)
    scoring = _scoring(header)
    purity = options.purity or (1.0 if scoring is None else float(scoring["options"]["purity"]))
    matching = match(calls, truth, options.max_distance, options.max_length_difference)
    haplotypes = match_haplotypes(calls, truth, matching, reference)
    if haplotypes.crowds:
        logger.warning(
            "%s: %d places, the first of them %s, have so many variants that not all sets of them were matched by haplotype",
            files.calls,
            len(haplotypes.crowds),
            haplotypes.crowds[0],
        )
    run = Evaluated(calls, truth, matching, purity, haplotypes)
    return run, selection.events, _description(files, run, scoring)


def _description(files: "RunFiles", run: "Evaluated", scoring: dict[str, Any] | None) -> "CertifiedRun":
    from varproof.formats.metrics import CertifiedRun

    if files.folder is not None:
        settings = files.folder.settings
        reads = [settings.reads, settings.second_reads]
    else:
        settings = None
        reads = [] if scoring is None else [scoring["options"].get(name) for name in ("tumor", "normal")]
    return CertifiedRun(
        calls=str(files.calls),
        truth=str(files.truth),
        spiked=files.folder is not None,
        seed=None if settings is None else settings.seed,
        reads=[str(path) for path in reads if path is not None],
        purity=run.purity,
        candidates=len(run.calls),
        candidates_not_judged=run.calls.not_judged,
        true_variants=len(run.truth),
        scoring=scoring,
        input_digests=files.input_digests,
    )


def _metrics(
    options: EvaluateCallsSettings,
    events: tuple[str, ...],
    files: "list[RunFiles]",
    runs: "list[Evaluated]",
    together: "Evaluated",
) -> "Metrics":
    from varproof.evaluation.evaluation import class_metrics
    from varproof.evaluation.pooling import false_calls_of_runs
    from varproof.formats.metrics import InputCounts, MatchingRule, Metrics

    calls, truth = together.calls, together.truth
    purities = [run.purity for run in runs]
    made_with = json.loads(provenance("evaluate-calls", options.model_copy(update={"report": None, "certificate": None})))
    for entry in files:
        if entry.folder is not None:
            made_with["input_digests"] |= entry.input_digests
    return Metrics(
        events=list(events),
        truth_event=options.truth_event.upper() if any(_has_events(entry.truth) for entry in files) else None,
        matching=MatchingRule(
            normalised=options.reference is not None,
            max_distance=options.max_distance,
            max_length_difference=options.max_length_difference,
            shown=options.match,
        ),
        purity=purities[0] if len(set(purities)) == 1 else purities,
        runs=len(runs),
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
        classes=class_metrics(calls, truth, together.matching, together.purity),
        false_calls_by_truth=false_calls_of_runs(runs),
        by_haplotype=_by_haplotype(runs, together),
        provenance=made_with,
    )


def _by_haplotype(runs: "list[Evaluated]", together: "Evaluated") -> "HaplotypeMetrics":
    from varproof.evaluation.evaluation import class_metrics
    from varproof.evaluation.pooling import false_calls_of_runs
    from varproof.formats.metrics import HaplotypeMetrics

    counted = together.by_haplotype()
    crowds = [] if together.haplotypes is None else together.haplotypes.crowds
    return HaplotypeMetrics(
        crowded_places=len(crowds),
        calls_in_crowds=sum(crowd.calls for crowd in crowds),
        true_variants_in_crowds=sum(crowd.true_variants for crowd in crowds),
        classes=class_metrics(counted.calls, counted.truth, counted.matching, counted.purity),
        false_calls_by_truth=false_calls_of_runs([run.by_haplotype() for run in runs]),
    )


def _log(metrics: "Metrics") -> None:
    from varproof.evaluation.evaluation import HEADLINE_FDR, at_rate

    for entry in metrics.shown.classes:
        _log_class(entry.name, at_rate(entry.own_threshold, HEADLINE_FDR), entry.true_variants)
    exact, other = metrics.class_named("all"), metrics.by_haplotype and metrics.by_haplotype.class_named("all")
    if other and metrics.matching.shown == "exact" and other.own_threshold != exact.own_threshold:
        _log_class("all, by haplotype,", at_rate(other.own_threshold, HEADLINE_FDR), other.true_variants)


def _log_class(name: str, point: "OperatingPoint", true_variants: int) -> None:
    if point.recall is not None and point.realised_fdr is not None:
        logger.info(
            "%s at FDR %g: %d kept, %d false (realised %.3f), recall %.3f of %d",
            name,
            point.nominal_fdr,
            point.kept,
            point.false,
            point.realised_fdr,
            point.recall,
            true_variants,
        )
