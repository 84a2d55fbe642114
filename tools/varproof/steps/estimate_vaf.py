"""estimate-vaf: allele frequencies with intervals, and the neutral-evolution fit."""

import contextlib
import json
import logging
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from varproof.formats.json_file import write_json
from varproof.formats.scored import column_of, density_field
from varproof.formats.vcf import DENSITY, PROBABILITY_PREFIX, VcfWriter, info_numbers, open_vcf, read_records, vcf_mode
from varproof.machinery.errors import UserError
from varproof.machinery.output import (
    STDOUT,
    check_output,
    complete_or_absent,
    provenance,
    working_folder,
    write_bytes,
    write_text,
)
from varproof.steps.base import SAMPLE, Settings, option_name, pictures_of
from varproof.steps.cell_fractions import COLUMNS as FRACTION_COLUMNS
from varproof.steps.cell_fractions import FIELDS, CellFractions, fields_of
from varproof.steps.detection_limit import Candidates
from varproof.steps.evolution import Spectrum, neutral_evolution
from varproof.variants.candidate import candidates_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from varproof.formats.metrics import DetectionSummary, NeutralEvolution
    from varproof.posterior.detection import CorrectedFrequency, DetectionLimit
    from varproof.posterior.vaf import FrequencyEstimate

logger = logging.getLogger(__name__)

COLUMNS = ("chrom", "pos", "ref", "alt", "type", "length", "map", "mean", "ci_low", "ci_high", "depth")
CORRECTED_COLUMNS = ("corrected", "corrected_low", "corrected_high")
ANNOTATIONS = {
    "AFMEAN": "Posterior mean of the allele frequency",
    "AFLOW": "Lower end of the allele frequency's 95 % credible interval, of highest density",
    "AFHIGH": "Upper end of the allele frequency's 95 % credible interval, of highest density",
}
CORRECTIONS = {
    "VP_COR": "Frequency in the tumour cells, corrected for the detection limit of this list",
    "VP_CORLOW": "Lower end of its 95 % interval",
    "VP_CORHIGH": "Upper end of its 95 % interval",
}
_NA = "NA"
# A global threshold lets some doubtful calls pass; more than this share means that nobody has filtered.
_MANY_DOUBTFUL = 0.2
_WRITTEN = ("annotated_output", "plot", "summary", "burden")
_SOMATIC = PROBABILITY_PREFIX + "SOMATIC_TUMOR"


class EstimateVafSettings(Settings):
    """Allele frequency of each call in the tumour cells, with its 95 % credible interval of highest density, as a table.

    The posterior densities are those that score-posterior wrote (FORMAT/VP_AFD, corrected for purity), or score-scenario
    (without contaminations, of the sample that --sample names), so filter its output with fdr-filter first and give that; for
    calls of another program give --tumor, --reference, --purity and --normal.
    Near the detection limit calls are in the list because they were seen more often than they are: what is `corrected` is the
    frequency given that, from fdr-filter's threshold and what a caller asked of its candidates.
    The cumulative spectrum M(f) is fitted with the line of neutral evolution, M(f) = (mu/beta) (1/f - 1/fmax), and neutral
    evolution is tested against a subclone, with the power of that test.
    """

    calls: Path = Field(description="scored calls: VCF, VCF.gz or BCF, sorted; the tumour first if not of varproof.")
    output: Path = Field(description="table of allele frequencies (TSV), or - for stdout.")
    sample: str | None = Field(None, description=SAMPLE)
    annotated_output: Path | None = Field(None, description="the calls with their frequencies: .vcf, .vcf.gz or .bcf.")
    plot: Path | None = Field(None, description="picture of the spectrum; PREFIX.svg and PREFIX.png are written.")
    summary: Path | None = Field(None, description="numbers of variants, the neutral-evolution fit and its test (JSON).")
    fmin: float | None = Field(None, gt=0, lt=1, description="lower end of the fit's VAF range (default 0.12).")
    fmax: float | None = Field(None, gt=0, le=1, description="upper end of the fit's VAF range (default 0.24).")
    min_alternate_reads: int | None = Field(
        None,
        ge=0,
        description="fewest alternative reads of these calls, if their caller asked for some (default: call-candidates').",
    )
    min_alternate_fraction: float | None = Field(
        None, ge=0, lt=1, description="fewest of the reads that cover them, as a fraction, likewise."
    )
    tumor: Path | None = Field(
        None, description="tumour: BAM, CRAM or evidence.h5 of these calls; for calls without densities."
    )
    normal: Path | None = Field(
        None, description="normal: BAM, CRAM or evidence.h5 of these calls; for calls without densities."
    )
    reference: Path | None = Field(None, description="indexed FASTA of the reads; for calls without densities.")
    purity: float = Field(
        1.0,
        gt=0,
        le=1,
        description="fraction of tumour cells; for calls without densities (which are corrected), and for cancer cell "
        "fractions (there, if not given, the one that calls were scored with).",
    )
    segments: Path | None = Field(
        None,
        description="copy numbers of the tumour, for cancer cell fractions: segments.tsv, or the table of ASCAT, FACETS, "
        "PURPLE, CNVkit or Sequenza.",
    )
    purity_interval: list[Annotated[float, Field(gt=0, le=1)]] | None = Field(
        None, description="lower and upper end of a 95 % interval of the purity, for cancer cell fractions."
    )
    purity_estimate: Path | None = Field(
        None, description="purity.json of estimate-purity, instead of --purity and --purity-interval."
    )
    haploid: list[str] | None = Field(
        None, description="contigs of which healthy cells have one copy (chrX and chrY of a man), for cancer cell fractions."
    )

    burden: Path | None = Field(
        None, description="tumour mutational burden per callable Mbp, with intervals, from the posteriors (JSON)."
    )
    scored: Path | None = Field(
        None,
        description="calls of score-posterior or score-scenario before they were filtered, for the burden: unlikely ones have "
        "their share in it.",
    )
    callable: Path | None = Field(
        None,
        description="BED of the bases where a variant could be called, for the burden (default: as deep as the reads tell).",
    )
    callable_depth: int | None = Field(
        None,
        ge=1,
        description="fragments of a callable base in each sample, where --tumor and --normal are reads (default: 10).",
    )

    @model_validator(mode="after")
    def _burden_asked_for(self) -> "EstimateVafSettings":
        for name in ("scored", "callable", "callable_depth"):
            if getattr(self, name) is not None and self.burden is None:
                raise ValueError(f"{option_name(name)} is for the mutational burden; give --burden, too")
        return self

    @model_validator(mode="after")
    def _purity_said_once(self) -> "EstimateVafSettings":
        if self.purity_interval is not None:
            if self.purity_estimate is not None:
                raise ValueError("--purity-interval and --purity-estimate both tell the purity; give one of them")
            if len(self.purity_interval) != 2 or self.purity_interval[0] > self.purity_interval[1]:
                raise ValueError("--purity-interval takes two numbers, the lower end and the upper end")
        if self.haploid and not self.tells_fractions:
            raise ValueError("--haploid is for cancer cell fractions; give --segments or the purity's interval, too")
        return self

    @property
    def tells_fractions(self) -> bool:
        """Whether cancer cell fractions are asked for."""
        return self.segments is not None or self.purity_interval is not None or self.purity_estimate is not None

    @model_validator(mode="after")
    def _range_in_order(self) -> "EstimateVafSettings":
        low, high = self.fit_range
        if low >= high:
            raise ValueError(f"--fmin {low:g} must be under --fmax {high:g}")
        return self

    @property
    def provenance(self) -> str:
        """Without the names of the outputs, so that the same input gives the same bytes."""
        return provenance("estimate-vaf", self.model_copy(update=dict.fromkeys(_WRITTEN)))

    @property
    def fit_range(self) -> tuple[float, float]:
        """(fmin, fmax) with the defaults of Williams et al. 2016."""
        return 0.12 if self.fmin is None else self.fmin, 0.24 if self.fmax is None else self.fmax

    @property
    def pictures(self) -> tuple[Path, ...]:
        """The SVG and the PNG that --plot names."""
        return pictures_of(self.plot)


@dataclass(slots=True)
class _Row:
    """A line of the table but for its last columns, and what is corrected: the density's string, its numbers, what it is."""

    line: str
    text: str
    values: tuple[float, float, float]
    depth: int | None
    group: str
    corrected: "CorrectedFrequency | None" = None


class _Collected:
    """The lines of all calls, and what the summary and the picture need of them."""

    def __init__(self, candidates: "Candidates", fractions: CellFractions | None) -> None:
        from array import array

        self.candidates = candidates
        self.fractions = fractions
        self.rows: list[_Row] = []
        self.vafs = array("d")
        self.depths = array("q")
        self.types: list[str] = []
        self.groups: list[str] = []
        self.not_judged = 0
        self.doubtful = 0
        self.limit: DetectionLimit | None = None

    def correct(self) -> None:
        """Learn the detection limit, and correct the frequencies near it; `limit` stays None where it is not known."""
        limit = self.candidates.limit()
        if self.fractions is not None:
            self.fractions.solve(limit if limit.known else None)
        if not limit.known:
            return
        self.limit = limit
        for row in self.rows:
            if row.depth is not None:
                row.corrected = limit.corrected(row.text, row.values[1], row.depth, row.group, self.candidates.purity)

    def lines(self) -> "Iterator[str]":
        """The table."""
        unknown = "\t".join([_NA] * len(CORRECTED_COLUMNS))
        ends = repeat("") if self.fractions is None else ("\t" + end for end in self.fractions.columns())
        for row, end in zip(self.rows, ends, strict=False):
            values = row.values if row.corrected is None else (row.corrected.value, row.corrected.low, row.corrected.high)
            known = self.limit is not None and row.depth is not None
            yield row.line + "\t" + ("\t".join(f"{value:.4g}" for value in values) if known else unknown) + end + "\n"


def _calls_with_densities(options: EstimateVafSettings, folder: Path) -> Path:
    """The calls, or where they carry no densities, a copy in `folder` that was scored on the given reads."""
    with open_vcf(options.calls) as calls:
        if density_field(calls.header) is not None and len(calls.header.samples):
            if options.tumor is not None:
                logger.info("the calls carry densities: the reads are not read again")
            return options.calls
    if options.tumor is None or options.reference is None:
        raise UserError(
            f"{options.calls}: the calls carry no densities (FORMAT/{DENSITY}); "
            "run score-posterior first, or give --tumor and --reference"
        )
    from varproof.steps.score_posterior import ScorePosteriorSettings, score_posterior

    scored = folder / "scored.vcf.gz"
    score_posterior(
        ScorePosteriorSettings(
            candidates=options.calls,
            reference=options.reference,
            tumor=options.tumor,
            normal=options.normal,
            purity=options.purity,
            prior="flat",
            threads=options.threads,
            output=scored,
        ),
        densities_only=True,
    )
    return scored


def _annotated_header(path: Path, options: EstimateVafSettings, fit: "NeutralEvolution | None", known: bool) -> Any:
    with open_vcf(path) as calls:
        header = calls.header.copy()
    for name, description in (ANNOTATIONS | (CORRECTIONS if known else {})).items():
        if name not in header.formats:
            header.formats.add(name, "A", "Float", description)
    for name, (kind, description) in (FIELDS if options.tells_fractions else {}).items():
        if name not in header.formats:
            header.formats.add(name, "A", kind, description)
    header.add_line(f"##varproof_estimate-vaf={options.provenance}")
    found = None if fit is None else _six_digits(fit.model_dump())
    header.add_line(f"##varproof_estimate-vaf_result={json.dumps({'neutral_evolution': found})}")
    return header


def _six_digits(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _six_digits(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_six_digits(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _collect(record: Any, collected: _Collected) -> None:
    """Add a record's judged alleles (the tumour)."""
    from varproof.formats.scored import allele_frequencies, density_texts, depth
    from varproof.posterior.detection import group_of

    tumor = record.header.tumor_column
    texts = density_texts(record, tumor)
    collected.not_judged += texts.count(None)
    if not any(texts):
        return
    modes, fragments = allele_frequencies(record, tumor), depth(record, tumor)
    somatic = info_numbers(record, _SOMATIC)
    odds = collected.candidates.odds_of(record)
    for candidate, text, mode in zip(candidates_of(record, 0), texts, modes, strict=True):
        if text is None:
            continue
        estimate = _estimate(record, text)
        mode = estimate.mode if mode is None else float(f"{mode:.6g}")
        kind, group = candidate.type.value, group_of(candidate.type.value)
        collected.vafs.append(mode)
        collected.depths.append(fragments or 0)
        collected.types.append(kind)
        collected.groups.append(group)
        if somatic and len(somatic) > candidate.allele and (somatic[candidate.allele] or 0.0) > 3.0103:
            collected.doubtful += 1
        value = odds[candidate.allele]
        if fragments and value == value and mode == mode:
            collected.candidates.add(value, mode, fragments, group)
        line = "\t".join(
            [
                record.contig,
                str(record.pos),
                record.ref,
                record.alts[candidate.allele],
                kind,
                str(candidate.length),
                *(f"{value:.4g}" for value in (mode, estimate.mean, estimate.low, estimate.high)),
                _NA if fragments is None else str(fragments),
            ]
        )
        collected.rows.append(_Row(line, text, (mode, estimate.low, estimate.high), fragments, group))
        if collected.fractions is not None:
            collected.fractions.add(record, candidate.allele, candidate.start, text, estimate.low, fragments, group)


def _estimate(record: Any, text: str) -> "FrequencyEstimate":
    from varproof.posterior.vaf import frequency_estimate

    try:
        return frequency_estimate(text)
    except ValueError as error:
        raise UserError(f"record {record.contig}:{record.pos}: {density_field(record.header)} is {error}") from error


def _annotate(record: Any, rows: "Iterator[_Row]", known: bool, fractions: "Iterator[tuple[Any, ...]] | None") -> Any:
    """The record with the annotations of every sample that has a density; `rows` are those of the table, from here on, and
    `fractions` the values of `FIELDS`.
    """
    from varproof.formats.scored import density_texts

    for number, sample in enumerate(record.samples.values()):
        texts = density_texts(record, number)
        estimates = [None if text is None else _estimate(record, text) for text in texts]
        if any(estimate is not None for estimate in estimates):
            sample["AFMEAN"] = tuple(None if e is None else e.mean for e in estimates)
            sample["AFLOW"] = tuple(None if e is None else e.low for e in estimates)
            sample["AFHIGH"] = tuple(None if e is None else e.high for e in estimates)
        if number == record.header.tumor_column and any(texts):
            own = [None if text is None else next(rows) for text in texts]
            for place, name in enumerate(CORRECTIONS if known else ()):
                sample[name] = tuple(None if row is None else _corrected(row)[place] for row in own)
            if fractions is not None:
                found = [fields_of(None) if text is None else next(fractions) for text in texts]
                for place, name in enumerate(FIELDS):
                    sample[name] = tuple(values[place] for values in found)
    return record


def _corrected(row: _Row) -> tuple[float | None, ...]:
    if row.depth is None:
        return (None,) * len(CORRECTIONS)
    return row.values if row.corrected is None else (row.corrected.value, row.corrected.low, row.corrected.high)


def _open_table(path: Path, stack: contextlib.ExitStack) -> IO[str]:
    return stack.enter_context(stack.enter_context(complete_or_absent(path)).open("w"))


def estimate_vaf(options: EstimateVafSettings) -> None:
    """One pass over the calls writes the table; then the spectrum of all of them; another writes the annotated calls."""

    for path in (options.output, options.summary, options.burden, *options.pictures):
        if path is not None:
            check_output(path)
    if options.annotated_output is not None:
        vcf_mode(options.annotated_output)
    with contextlib.ExitStack() as stack:
        calls = _calls_with_densities(options, stack.enter_context(working_folder()))
        table = _open_table(options.output, stack)
        with open_vcf(calls) as handle:
            sample = column_of(calls, handle.header, options.sample, needed=True)
            candidates = Candidates.of(
                calls, handle.header, options.purity, options.min_alternate_reads, options.min_alternate_fraction
            )
            fractions = CellFractions.of(options, handle.header, candidates.purity)
        collected = _Collected(candidates, fractions)
        for record in read_records(calls, sample=sample):
            _collect(record, collected)
        collected.correct()
        table.write("\t".join((*COLUMNS, *CORRECTED_COLUMNS, *(FRACTION_COLUMNS if fractions else ()))) + "\n")
        table.writelines(collected.lines())
        fit = _summarised(collected, options)
        if options.annotated_output is not None:
            known, rows = collected.limit is not None, iter(collected.rows)
            found = None if fractions is None else (fields_of(call.found) for call in fractions.calls)
            header = _annotated_header(calls, options, fit, known)
            writer = stack.enter_context(VcfWriter(options.annotated_output, header))
            for record in read_records(calls, sample=sample):
                writer.write(_annotate(record, rows, known, found))
        if options.burden is not None:
            from varproof.steps.burden import mutational_burden

            detection = _detection(collected)
            burden = mutational_burden(options, calls, None if detection is None else detection.frequency)
            write_json(options.burden, burden)
        _write_summary(collected, fit, options)
    logger.info("%d allele frequencies to %s", len(collected.vafs), "stdout" if options.output == STDOUT else options.output)


def _summarised(collected: _Collected, options: EstimateVafSettings) -> "NeutralEvolution | None":
    """The fit to all calls; what is to be said of them is logged."""
    if collected.limit is None and collected.vafs:
        logger.info(
            "what a variant takes to be among these calls is not known: the frequencies of the rarest are too high "
            "(filter with fdr-filter, or give --min-alternate-reads)"
        )
    elif collected.rows:
        found = _detection(collected)
        if found is not None:
            logger.info(
                "detection limit: at %d fragments, the median, half of the SNVs at a VAF of %.3g are kept; the frequencies of "
                "%d calls near it are corrected (corrected, corrected_low, corrected_high)",
                found.depth,
                found.frequency,
                found.corrected,
            )
    if collected.not_judged:
        logger.info("%d alleles without a posterior density were left out", collected.not_judged)
    if collected.doubtful > _MANY_DOUBTFUL * len(collected.vafs):
        logger.warning(
            "%d of %d calls are more probably not somatic and distort the spectrum: run fdr-filter first",
            collected.doubtful,
            len(collected.vafs),
        )
    fit = neutral_evolution(
        Spectrum(collected.vafs, collected.depths, collected.groups, collected.candidates.purity), collected.limit, options
    )
    return fit


def _detection(collected: _Collected) -> "DetectionSummary | None":
    import numpy as np

    from varproof.formats.metrics import DetectionSummary

    depths = [row.depth for row in collected.rows if row.depth]
    if collected.limit is None or not depths:
        return None
    depth = int(np.median(depths))
    frequency = collected.limit.detectable(depth, "substitution", collected.candidates.purity)
    corrected = sum(row.corrected is not None for row in collected.rows)
    return DetectionSummary(depth=depth, frequency=round(frequency, 6), corrected=corrected)


def _write_summary(collected: _Collected, fit: "NeutralEvolution | None", options: EstimateVafSettings) -> None:
    import numpy as np

    from varproof.formats.metrics import FrequencySummary

    if options.pictures:
        from varproof.report.spectrum import spectrum_picture

        drawn = None if collected.fractions is None else collected.fractions.drawn()
        for path, content in zip(options.pictures, spectrum_picture(collected.vafs, collected.types, fit, drawn), strict=True):
            write_bytes(path, content)
    if options.summary is not None:
        summary = FrequencySummary(
            variants=len(collected.vafs),
            variants_not_judged=collected.not_judged,
            median_vaf=round(float(np.median(collected.vafs)), 6) if collected.vafs else None,
            detection_limit=_detection(collected),
            neutral_evolution=fit,
            cell_fractions=None if collected.fractions is None else collected.fractions.summary(),
            provenance=json.loads(options.provenance),
        )
        write_text(options.summary, summary.as_json())
