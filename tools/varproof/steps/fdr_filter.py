"""fdr-filter: the largest set of calls at a chosen false discovery rate."""

import contextlib
import json
import logging
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from varproof.formats.events import NETWORK_EVENTS
from varproof.formats.record import Record
from varproof.formats.scored import NAN, EventSelection, error_probabilities, select_events
from varproof.formats.subset import subset_alleles
from varproof.formats.vcf import (
    CALLER_FILTER,
    KEPT_ALLELES,
    MAX_PHRED,
    OWN_FILTERS,
    PREDICTED_LINE,
    VcfWriter,
    open_vcf,
    read_records,
)
from varproof.machinery.numerics import PHRED_PER_LOG, log1p
from varproof.machinery.output import provenance
from varproof.steps.base import MERGE_PHASED, Settings
from varproof.variants.candidate import candidates_of
from varproof.variants.edit import VariantType

if TYPE_CHECKING:
    from varproof.posterior.fdr import FdrThreshold
    from varproof.variants.merging import PhasedMerger

logger = logging.getLogger(__name__)

NOT_CONSIDERED = OWN_FILTERS + "not_considered"
PROVENANCE_LINE = "varproof_fdr-filter"


class FdrFilterSettings(Settings):
    """Keep the largest set of calls whose expected false discovery rate is at most --fdr.

    The calls carry posterior probabilities (INFO/PROB_<EVENT>, PHRED). A call is an alternative allele: of a
    multi-allelic record only the kept alleles are written. What is kept gets the filter PASS; what the caller had
    filtered stays in INFO/VP_CALLER_FILTER.
    """

    calls: Path = Field(
        description="calls of score-posterior, score-scenario, predict or combine-calls: VCF, VCF.gz or BCF, sorted."
    )
    events: list[str] = Field(
        description="event, or events whose probabilities add up, also as a scenario calls them: A,B or --events A --events B."
    )
    fdr: float = Field(gt=0, le=1, description="false discovery rate to allow.")
    output: Path = Field(description=".vcf, .vcf.gz, .bcf, or - for stdout.")
    mode: Literal["smart", "global", "local"] = Field(
        "smart",
        description="global: the mean error probability of the kept calls is at most --fdr; smart: and each is likelier "
        "true than not; local: each has at most --fdr.",
    )
    annotate: bool = Field(False, description="write all records, with FILTER saying which are kept.")
    variant_type: list[VariantType] = Field([], description="only these types (default: all).")
    min_length: int | None = Field(None, ge=1, description="shortest variant, bp.")
    max_length: int | None = Field(None, ge=1, description="longest variant, bp.")
    merge_phased: int | None = Field(None, ge=0, le=100, description=MERGE_PHASED)
    reference: Path | None = Field(None, description="indexed FASTA, for the bases between merged records.")
    split_merged: bool = Field(False, description="first take records that were merged apart again, as they were.")

    @model_validator(mode="after")
    def _lengths_in_order(self) -> "FdrFilterSettings":
        if self.min_length is not None and self.max_length is not None and self.min_length > self.max_length:
            raise ValueError(f"--min-length {self.min_length} is over --max-length {self.max_length}")
        return self

    @model_validator(mode="after")
    def _bases_between(self) -> "FdrFilterSettings":
        if self.merge_phased and self.reference is None:
            raise ValueError(f"--merge-phased {self.merge_phased} needs --reference, for the bases between; 0 does without")
        return self


def _in_range(record: Any, options: FdrFilterSettings) -> Sequence[bool]:
    """For each allele whether its type and length are wanted."""
    shortest, longest = options.min_length or 0, options.max_length
    if not options.variant_type and shortest <= 1 and longest is None:
        return [True] * len(record.alts or ())
    return [
        candidate.skipped is None
        and (not options.variant_type or candidate.type in options.variant_type)
        and shortest <= candidate.length
        and (longest is None or candidate.length <= longest)
        for candidate in candidates_of(record, 0)
    ]


def _records(options: FdrFilterSettings) -> Iterator[Record]:
    """The calls in order, merged ones as they were before where that is asked for."""
    from varproof.variants.merging import split_records

    records = read_records(options.calls)
    return split_records(records) if options.split_merged else records


def _merger(options: FdrFilterSettings, header: Any, selection: EventSelection) -> "PhasedMerger | None":
    """What merges kept calls, where that is asked for; the header is made to declare what that writes."""
    from varproof.formats.record import Declared
    from varproof.variants.merging import PhasedMerger, declare, undeclare
    from varproof.variants.reference import Reference

    if options.split_merged:
        undeclare(header)
    if options.merge_phased is None:
        return None
    declare(header)
    declared = Declared.of(header)
    sample = declared.tumor_column if declared.samples else None
    reference = None if options.reference is None else Reference(options.reference)
    return PhasedMerger(options.calls, options.merge_phased, selection, sample, reference)


def _errors(options: FdrFilterSettings, selection: EventSelection) -> "tuple[array[float], Counter[str]]":
    """Error probabilities of all alleles in order, NaN of those that don't take part; and how many don't, by reason."""
    errors, left_out = array("d"), Counter[str]()
    for record in _records(options):
        for error, wanted in zip(error_probabilities(record, selection), _in_range(record, options), strict=True):
            if error != error:
                left_out["without a posterior"] += 1
            elif not wanted:
                left_out["of another type or length"] += 1
            errors.append(error if wanted else NAN)
    return errors, left_out


def _summary(threshold: "FdrThreshold", options: FdrFilterSettings, selection: EventSelection) -> dict[str, Any]:
    """What is printed and written into the header. PHRED is that of the events' probability, as in PROB_ fields."""

    kept = threshold.kept > 0
    phred = min(MAX_PHRED, -PHRED_PER_LOG * log1p(-threshold.error)) if kept and threshold.error < 1 else None
    return {
        "events": list(selection.events),
        "mode": options.mode,
        "fdr": options.fdr,
        "max_error_probability": threshold.error if kept else None,
        "max_phred": phred,
        "kept": threshold.kept,
        "considered": threshold.considered,
        "expected_false": threshold.expected_false,
        "expected_fdr": threshold.expected_fdr,
    }


class _Marks:
    """The FILTER of each record, the caller's in INFO, and how many calls the caller had filtered."""

    def __init__(self, header: Any, options: FdrFilterSettings, selection: EventSelection) -> None:
        self.name = f"{OWN_FILTERS}fdr_{options.fdr:g}"
        self.annotate = options.annotate
        self.considered_of_caller = self.kept_of_caller = 0
        self.again = any(line.key == PROVENANCE_LINE for line in header.records)
        what = f"{'+'.join(selection.events)} at a false discovery rate of {options.fdr:g} ({options.mode})"
        lines = {CALLER_FILTER: ("INFO", "Number=.,Type=String,", "What the caller had in FILTER")}
        if options.annotate:
            lines |= {
                KEPT_ALLELES: ("INFO", "Number=A,Type=String,", "FILTER of each allele"),
                self.name: ("FILTER", "", f"Not kept by fdr-filter: {what}"),
                NOT_CONSIDERED: ("FILTER", "", "fdr-filter: not judged, or of another type or length than asked for"),
            }
        for name, (kind, typed, text) in lines.items():
            section = header.info if kind == "INFO" else header.filters
            if name in section:
                section.remove_header(name)
            header.add_line(f'##{kind}=<ID={name},{typed}Description="{text}">')

    def count(self, record: Record, considered: list[bool], kept: Sequence[bool] = ()) -> tuple[str, ...]:
        """What the caller had in FILTER, also where an earlier fdr-filter has moved it; counts the record's calls."""
        moved = record.info.get(CALLER_FILTER)
        if moved is None:
            caller = tuple(name for name in record.filter if not name.startswith(OWN_FILTERS))
            if self.again and caller == ("PASS",):  # It is that of the fdr-filter before.
                caller = ()
        else:
            caller = tuple(filter(None, moved if isinstance(moved, tuple) else (moved,)))
        if any(name != "PASS" for name in caller):
            self.considered_of_caller += sum(considered)
            self.kept_of_caller += sum(kept)
        return caller

    def mark(self, record: Record, considered: list[bool], kept: list[bool]) -> None:
        """Set FILTER from what became of each allele."""
        caller = self.count(record, considered, kept)
        if caller and CALLER_FILTER not in record.info:
            record.info[CALLER_FILTER] = caller
        by_allele = [
            "PASS" if keep else self.name if there else NOT_CONSIDERED for there, keep in zip(considered, kept, strict=True)
        ]
        if self.annotate and by_allele:
            record.info[KEPT_ALLELES] = by_allele
        order = ("PASS", self.name, NOT_CONSIDERED)
        record.filter.set([min(by_allele or [NOT_CONSIDERED], key=order.index)])


def _warn_of_unpromised(header: Any, options: FdrFilterSettings) -> None:
    """Say where the rate is smaller than what predict, which made the calls, can promise at their share of real ones."""
    if NETWORK_EVENTS[0] not in options.events:
        return
    for line in header.records:
        if line.key != PREDICTED_LINE:
            continue
        with contextlib.suppress(ValueError, AttributeError):  # of a file that something else has written or changed
            for name, rate in json.loads(line.value).get("least_rate", {}).items():
                if rate > options.fdr:
                    logger.warning(
                        "%ss: predict promises no false discovery rate below %g here, and %g was asked for: more of the kept "
                        "calls may be false",
                        *(name, rate, options.fdr),
                    )


def fdr_filter(options: FdrFilterSettings) -> None:
    """Two passes: the error probabilities of all calls; then the calls under the threshold are written."""
    import numpy as np

    from varproof.posterior.fdr import fdr_threshold

    with open_vcf(options.calls) as calls:
        header = calls.header.copy()
    selection = select_events(options.calls, header, options.events)
    _warn_of_unpromised(header, options)
    writer = VcfWriter(options.output, header)  # Refuses a bad place before any work is done.
    errors, left_out = _errors(options, selection)
    considered = np.frombuffer(errors, np.float64) if errors else np.empty(0)
    threshold = fdr_threshold(considered[~np.isnan(considered)], options.fdr, options.mode)
    summary = _summary(threshold, options, selection)
    marks = _Marks(header, options, selection)
    merger = _merger(options, header, selection)
    header.add_line(f"##{PROVENANCE_LINE}={provenance('fdr-filter', options)}")
    header.add_line(f"##varproof_fdr-filter_result={json.dumps(summary)}")
    kept = (considered <= threshold.error).tolist()
    there = (~np.isnan(considered)).tolist()
    start = 0
    with writer:
        for record in _records(options):
            size = len(record.alts or ())
            rows = slice(start, start + size)
            start += size
            alleles = [allele for allele, keep in enumerate(kept[rows]) if keep]
            if not options.annotate and not alleles:
                marks.count(record, there[rows])
                continue
            marks.mark(record, there[rows], kept[rows])
            kept_record = record if options.annotate or len(alleles) == size else subset_alleles(record, alleles)
            for ready in [kept_record] if merger is None else merger.add(kept_record):
                writer.write(ready)
        for ready in () if merger is None else merger.finish():
            writer.write(ready)
    if merger is not None:
        logger.info("%d calls were merged with others of their haplotype", merger.merged)
    if marks.considered_of_caller:
        logger.info(
            "the caller had filtered %d of %d calls; %d of these are among the kept",
            marks.considered_of_caller,
            threshold.considered,
            marks.kept_of_caller,
        )
    for reason, number in left_out.items():
        logger.info("%d alleles %s were left out", number, reason)
    if threshold.kept:
        logger.info(
            "kept %d of %d calls with a posterior error probability of at most %.4g (PROB %s, PHRED); "
            "%.3g of them expected to be false (FDR %.3g)",
            threshold.kept,
            threshold.considered,
            threshold.error,
            "any" if summary["max_phred"] is None else f"{summary['max_phred']:.4g}",
            threshold.expected_false,
            threshold.expected_fdr,
        )
    else:
        logger.info("kept none of %d calls: no set of them has an expected FDR of %g", threshold.considered, options.fdr)
