"""estimate-vaf: allele frequencies with intervals, and the neutral-evolution fit."""

import contextlib
import json
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from varproof.formats.json_file import write_json
from varproof.formats.scored import density_field
from varproof.formats.vcf import DENSITY, PROBABILITY_PREFIX, VcfWriter, info_numbers, open_vcf, read_records, vcf_mode
from varproof.machinery.errors import UserError
from varproof.machinery.output import STDOUT, check_output, complete_or_absent, provenance, working_folder, write_bytes
from varproof.steps.base import Settings
from varproof.variants.candidate import candidates_of

if TYPE_CHECKING:
    from varproof.formats.metrics import NeutralEvolution
    from varproof.posterior.vaf import FrequencyEstimate

logger = logging.getLogger(__name__)

COLUMNS = ("chrom", "pos", "ref", "alt", "type", "length", "map", "mean", "ci_low", "ci_high", "depth")
ANNOTATIONS = {
    "AFMEAN": "Posterior mean of the allele frequency",
    "AFLOW": "Lower end of the allele frequency's 95 % credible interval",
    "AFHIGH": "Upper end of the allele frequency's 95 % credible interval",
}
# A global threshold lets some doubtful calls pass; more than this share means that nobody has filtered.
_MANY_DOUBTFUL = 0.2
_SOMATIC = PROBABILITY_PREFIX + "SOMATIC_TUMOR"


class EstimateVafSettings(Settings):
    """Allele frequency of each call in the tumour cells, with its 95 % credible interval, as a table.

    The posterior densities are those that score-posterior wrote (FORMAT/VP_AFD, corrected for purity), so filter its output
    with fdr-filter first and give that; for calls of another program give --tumor, --reference, --purity and --normal.
    The cumulative spectrum M(f) is fitted with the line of neutral evolution, M(f) = (mu/beta) (1/f - 1/fmax).
    """

    calls: Path = Field(description="scored calls: VCF, VCF.gz or BCF, sorted; the tumour first if not of varproof.")
    output: Path = Field(description="table of allele frequencies (TSV), or - for stdout.")
    annotated_output: Path | None = Field(None, description="the calls with AFMEAN, AFLOW and AFHIGH: .vcf, .vcf.gz or .bcf.")
    plot: Path | None = Field(None, description="picture of the spectrum; PREFIX.svg and PREFIX.png are written.")
    summary: Path | None = Field(None, description="numbers of variants and the neutral-evolution fit (JSON).")
    fmin: float | None = Field(None, gt=0, lt=1, description="lower end of the fit's VAF range (default 0.12).")
    fmax: float | None = Field(None, gt=0, le=1, description="upper end of the fit's VAF range (default 0.24).")
    tumor: Path | None = Field(
        None, description="tumour: BAM, CRAM or evidence.h5 of these calls; for calls without densities."
    )
    normal: Path | None = Field(
        None, description="normal: BAM, CRAM or evidence.h5 of these calls; for calls without densities."
    )
    reference: Path | None = Field(None, description="indexed FASTA of the reads; for calls without densities.")
    purity: float = Field(
        1.0, gt=0, le=1, description="fraction of tumour cells; for calls without densities (which are corrected)."
    )

    @model_validator(mode="after")
    def _range_in_order(self) -> "EstimateVafSettings":
        low, high = self.fit_range
        if low >= high:
            raise ValueError(f"--fmin {low:g} must be under --fmax {high:g}")
        return self

    @property
    def provenance(self) -> str:
        """Without the names of the outputs, so that the same input gives the same bytes."""
        return provenance("estimate-vaf", self.model_copy(update={"annotated_output": None, "plot": None, "summary": None}))

    @property
    def fit_range(self) -> tuple[float, float]:
        """(fmin, fmax) with the defaults of Williams et al. 2016."""
        return 0.12 if self.fmin is None else self.fmin, 0.24 if self.fmax is None else self.fmax

    @property
    def pictures(self) -> tuple[Path, ...]:
        """The SVG and the PNG that --plot names."""
        if self.plot is None:
            return ()
        stem = self.plot.with_suffix("") if self.plot.suffix.lower() in (".svg", ".png") else self.plot
        return stem.with_name(stem.name + ".svg"), stem.with_name(stem.name + ".png")


class _Collected:
    """What the summary and the picture need of all calls: one number and one type code each."""

    def __init__(self) -> None:
        from array import array

        self.vafs = array("d")
        self.types: list[str] = []
        self.not_judged = 0
        self.doubtful = 0


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


def _annotated_header(path: Path, options: EstimateVafSettings, fit: "NeutralEvolution | None") -> Any:
    with open_vcf(path) as calls:
        header = calls.header.copy()
    for name, description in ANNOTATIONS.items():
        if name not in header.formats:
            header.formats.add(name, "A", "Float", description)
    header.add_line(f"##varproof_estimate-vaf={options.provenance}")
    found = None if fit is None else {name: _six_digits(value) for name, value in fit.model_dump().items()}
    header.add_line(f"##varproof_estimate-vaf_result={json.dumps({'neutral_evolution': found})}")
    return header


def _six_digits(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _rows(record: Any, collected: _Collected) -> Iterator[str]:
    """Lines of the table for a record's judged alleles (the tumour)."""
    from varproof.formats.scored import allele_frequencies, density_texts, depth

    tumor = record.header.tumor_column
    texts = density_texts(record, tumor)
    collected.not_judged += texts.count(None)
    if not any(texts):
        return
    modes, fragments = allele_frequencies(record, tumor), depth(record, tumor)
    somatic = info_numbers(record, _SOMATIC)
    for candidate, text, mode in zip(candidates_of(record, 0), texts, modes, strict=True):
        if text is None:
            continue
        estimate = _estimate(record, text)
        mode = estimate.mode if mode is None else float(f"{mode:.6g}")
        collected.vafs.append(mode)
        collected.types.append(candidate.type.value)
        if somatic and len(somatic) > candidate.allele and (somatic[candidate.allele] or 0.0) > 3.0103:
            collected.doubtful += 1
        values = (mode, estimate.mean, estimate.low, estimate.high)
        yield "\t".join(
            [
                record.contig,
                str(record.pos),
                record.ref,
                record.alts[candidate.allele],
                candidate.type.value,
                str(candidate.length),
                *(f"{value:.4g}" for value in values),
                "NA" if fragments is None else str(fragments),
            ]
        )


def _estimate(record: Any, text: str) -> "FrequencyEstimate":
    from varproof.posterior.vaf import frequency_estimate

    try:
        return frequency_estimate(text)
    except ValueError as error:
        raise UserError(f"record {record.contig}:{record.pos}: {density_field(record.header)} is {error}") from error


def _annotate(record: Any) -> Any:
    """The record with the annotations of every sample that has a density."""
    from varproof.formats.scored import density_texts

    for number, sample in enumerate(record.samples.values()):
        estimates = [None if text is None else _estimate(record, text) for text in density_texts(record, number)]
        if any(estimate is not None for estimate in estimates):
            sample["AFMEAN"] = tuple(None if e is None else e.mean for e in estimates)
            sample["AFLOW"] = tuple(None if e is None else e.low for e in estimates)
            sample["AFHIGH"] = tuple(None if e is None else e.high for e in estimates)
    return record


def _fit(vafs: Any, options: EstimateVafSettings) -> "NeutralEvolution | None":
    """The fit in the chosen range; in the observed one if that is the default and holds too few variants; or None."""
    import numpy as np

    from varproof.formats.metrics import NeutralEvolution
    from varproof.posterior.vaf import MIN_VARIANTS, neutral_fit

    values = np.asarray(vafs, dtype=float)
    values = values[values > 0]
    low, high = options.fit_range
    interval: Literal["given", "observed range"] = "given"
    fit = neutral_fit(values, low, high)
    if fit is None and options.fmin is None and options.fmax is None and np.unique(values).size > MIN_VARIANTS:
        logger.warning(
            "fewer than %d variants with a VAF in [%g, %g): the neutral line is fitted over all that were observed",
            MIN_VARIANTS,
            low,
            high,
        )
        fit, interval = neutral_fit(values, float(values.min()), float(values.max())), "observed range"
    if fit is None:
        logger.warning("fewer than %d variants with a VAF in [%g, %g): no neutral-evolution fit", MIN_VARIANTS, low, high)
        return None
    return NeutralEvolution(
        fmin=fit.fmin,
        fmax=fit.fmax,
        interval=interval,
        variants=fit.variants,
        mutation_rate=fit.mutation_rate,
        mutation_rate_low=fit.mutation_rate_low,
        mutation_rate_high=fit.mutation_rate_high,
        r_squared=None if math.isnan(fit.r_squared) else fit.r_squared,
        r_squared_uncentred=fit.r_squared_uncentred,
    )


def _open_table(path: Path, stack: contextlib.ExitStack) -> IO[str]:
    return stack.enter_context(stack.enter_context(complete_or_absent(path)).open("w"))


def estimate_vaf(options: EstimateVafSettings) -> None:
    """One pass over the calls writes the table; then the spectrum of all of them; another writes the annotated calls."""

    for path in (options.output, options.summary, *options.pictures):
        if path is not None:
            check_output(path)
    if options.annotated_output is not None:
        vcf_mode(options.annotated_output)
    collected = _Collected()
    with contextlib.ExitStack() as stack:
        calls = _calls_with_densities(options, stack.enter_context(working_folder()))
        table = _open_table(options.output, stack)
        table.write("\t".join(COLUMNS) + "\n")
        for record in read_records(calls):
            table.writelines(line + "\n" for line in _rows(record, collected))
        fit = _summarised(collected, options)
        if options.annotated_output is not None:
            header = _annotated_header(calls, options, fit)
            writer = stack.enter_context(VcfWriter(options.annotated_output, header))
            for record in read_records(calls):
                writer.write(_annotate(record))
        _write_summary(collected, fit, options)
    logger.info("%d allele frequencies to %s", len(collected.vafs), "stdout" if options.output == STDOUT else options.output)


def _summarised(collected: _Collected, options: EstimateVafSettings) -> "NeutralEvolution | None":
    """The fit to all calls; what is to be said of them is logged."""
    if collected.not_judged:
        logger.info("%d alleles without a posterior density were left out", collected.not_judged)
    if collected.doubtful > _MANY_DOUBTFUL * len(collected.vafs):
        logger.warning(
            "%d of %d calls are more probably not somatic and distort the spectrum: run fdr-filter first",
            collected.doubtful,
            len(collected.vafs),
        )
    fit = _fit(collected.vafs, options)
    if fit is not None:
        logger.info(
            "neutral evolution over VAFs in [%g, %g): mu/beta = %.4g (95 %% interval %.4g to %.4g), R2 = %s, %d variants",
            fit.fmin,
            fit.fmax,
            fit.mutation_rate,
            fit.mutation_rate_low,
            fit.mutation_rate_high,
            "NA" if fit.r_squared is None else f"{fit.r_squared:.3f}",
            fit.variants,
        )
    return fit


def _write_summary(collected: _Collected, fit: "NeutralEvolution | None", options: EstimateVafSettings) -> None:
    import numpy as np

    from varproof.formats.metrics import FrequencySummary

    if options.pictures:
        from varproof.report.spectrum import spectrum_picture

        for path, content in zip(options.pictures, spectrum_picture(collected.vafs, collected.types, fit), strict=True):
            write_bytes(path, content)
    if options.summary is not None:
        write_json(
            options.summary,
            FrequencySummary(
                variants=len(collected.vafs),
                variants_not_judged=collected.not_judged,
                median_vaf=round(float(np.median(collected.vafs)), 6) if collected.vafs else None,
                neutral_evolution=fit,
                provenance=json.loads(options.provenance),
            ),
        )
