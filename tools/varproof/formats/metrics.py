"""What evaluate-calls and estimate-vaf write as JSON.

Shares are fractions; null stands for what can't be known (the realised rate of no calls). Limits are those of a 95 %
interval, exact binomial (Clopper-Pearson) for shares.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["held", "unclear", "exceeded", "empty"]
"""Realised at or under the nominal rate; over it, but the lower limit is not; the lower limit is over it; nothing to judge."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class OperatingPoint(_Model):
    """The calls kept at one nominal false discovery rate, held against the truth."""

    nominal_fdr: float | None = Field(description="null: all calls of the file, whatever their probability")
    max_error_probability: float | None = Field(description="largest posterior error probability that was kept")
    kept: int
    true: int
    false: int
    partial: int = Field(description="kept, and neither true nor false: part of a true MNV, or made of true SNVs")
    expected_fdr: float | None = Field(description="mean posterior error probability of the kept")
    realised_fdr: float | None = Field(description="false / (true + false)")
    realised_fdr_low: float | None
    realised_fdr_high: float | None
    precision: float | None
    found: int = Field(description="true variants with a kept call")
    recall: float | None = Field(description="found / all true variants")
    recall_low: float | None
    recall_high: float | None
    recall_among_candidates: float | None = Field(description="found / true variants that the calls contain at all")
    f1: float | None


class VafMetrics(_Model):
    """Allele frequencies of true calls (kept at `nominal_fdr`) against the truth's."""

    nominal_fdr: float
    calls: int
    mean_absolute_error: float
    bias: float = Field(description="mean of estimate - truth")
    root_mean_square_error: float
    binomial_sd: float = Field(description="mean of sqrt(f(1-f)/n)/purity: f expected share of reads, n depth")
    binomial_absolute_error: float = Field(description="mean over calls of the expected |k/n - f|/purity, k binomial")
    ratio_to_binomial_sd: float | None = Field(description="mean absolute error / binomial_sd")
    ratio_to_binomial_absolute_error: float | None = Field(description="mean absolute error / binomial_absolute_error")
    interval_coverage: float | None = Field(description="share of 95 % credible intervals that contain the truth")


class ClassMetrics(_Model):
    """One class of variants: its type and length range."""

    name: str
    types: list[str]
    min_length: int | None
    max_length: int | None
    calls: int = Field(description="judged calls of the class")
    true_variants: int
    true_variants_among_calls: int
    own_threshold: list[OperatingPoint] = Field(description="the rate controlled among the calls of this class")
    joint_threshold: list[OperatingPoint] = Field(description="the rate controlled among all calls together")
    all_calls: OperatingPoint
    vaf: VafMetrics | None


class MatchingRule(_Model):
    """When a call and a true variant are the same."""

    normalised: bool = Field(description="left-aligned with the reference before comparison")
    max_distance: int | None = Field(description="bp between indels (deletions: centres); null: exact alleles")
    max_length_difference: int | None


class InputCounts(_Model):
    """What the files held."""

    calls: int = Field(description="judged alleles that took part")
    calls_not_judged: int
    calls_outside_regions: int
    duplicate_calls: int
    true_variants: int
    true_variants_of_other_events: int
    true_variants_not_comparable: int = Field(description="symbolic alleles, breakends")
    true_variants_outside_regions: int
    duplicate_true_variants: int


class CertifiedRate(_Model):
    """The calls of a class that are kept at one nominal false discovery rate, the class filtered by itself."""

    nominal_fdr: float
    kept: int
    true: int
    false: int
    partial: int
    distinct_false: int = Field(description="false alleles, those of several runs counted once")
    realised_fdr: float | None
    realised_fdr_low: float | None
    realised_fdr_high: float | None
    verdict: Verdict


class RecallBin(_Model):
    """True variants with low <= value < high that have a kept call; the last bin of a frequency holds 1 as well."""

    low: float | None = Field(description="null with high: of unknown value")
    high: float | None = Field(description="null with low given: no upper bound")
    true_variants: int
    found: int
    recall: float
    recall_low: float
    recall_high: float


class CertifiedClass(_Model):
    """One class of variants in the certificate. Bins without true variants are left out."""

    name: str
    types: list[str]
    min_length: int | None
    max_length: int | None
    calls: int
    true_variants: int
    rates: list[CertifiedRate]
    recall_by_frequency: list[RecallBin] = Field(description="by planted allele frequency in the tumour cells")
    recall_by_depth: list[RecallBin] = Field(description="by fragments of the tumour: the truth's FORMAT/DP, else the call's")
    vaf: VafMetrics | None


class CertifiedRun(_Model):
    """What one run of the certificate was made of."""

    calls: str = Field(description="scored calls, or a folder of spike-variants that was scored here")
    truth: str
    spiked: bool = Field(description="a folder of spike-variants")
    seed: int | None = Field(description="of spike-variants; null: not a folder of it")
    reads: list[str] = Field(description="the reads that variants were spiked into, or that the calls were scored with")
    purity: float
    candidates: int = Field(description="judged alleles that took part")
    candidates_not_judged: int
    true_variants: int = Field(description="planted, of the event in question, within the regions")
    scoring: dict[str, Any] | None = Field(description="provenance of score-posterior; null: scored by something else")
    input_digests: dict[str, str] = Field(description="of the calls, or of the folder's files, and of the truth")


class Certificate(_Model):
    """Nominal against realised rates, recall and allele frequencies, per class of type and length, over all runs.

    `classes` begins with `all`; the counts of verdicts are those of the others, which do not overlap.
    """

    nominal_fdr: float = Field(description="the rate of the verdicts, of the recall and of the allele frequencies")
    verdicts: dict[Verdict, int] = Field(description="classes by how they kept that rate")
    exceeded_at_any_rate: list[str] = Field(description="classes over one of the nominal rates beyond chance")
    runs: list[CertifiedRun]
    classes: list[CertifiedClass]


class Metrics(_Model):
    """metrics.json of evaluate-calls."""

    schema_: Literal["varproof/metrics/1"] = Field(default="varproof/metrics/1", alias="schema")
    events: list[str]
    truth_event: str | None = Field(description="null: the truth names no events, every record counts")
    matching: MatchingRule
    purity: float | list[float] = Field(description="a list, in the order of the runs, where they differ")
    runs: int = Field(1, description="runs that were pooled, each filtered by itself; left out if 1")
    counts: InputCounts
    classes: list[ClassMetrics]
    false_calls_by_truth: dict[str, int] = Field(
        description="what the false calls kept at a joint nominal FDR of 0.05 are, by the truth's own events; other = nothing"
    )
    provenance: dict[str, Any]
    certificate: Certificate | None = Field(None, description="left out if there is none")

    def as_json(self) -> str:
        """The file's text."""
        left_out = {name for name, usual in (("runs", 1), ("certificate", None)) if getattr(self, name) == usual}
        return self.model_dump_json(indent=2, by_alias=True, exclude=left_out) + "\n"

    def class_named(self, name: str) -> ClassMetrics:
        """The class of that name; raises KeyError."""
        for entry in self.classes:
            if entry.name == name:
                return entry
        raise KeyError(name)


class NeutralEvolution(_Model):
    """Line M(f) = rate (1/f - 1/fmax) through the cumulative spectrum."""

    fmin: float
    fmax: float
    interval: Literal["given", "observed range"] = Field(description="observed range: too few variants in the given interval")
    variants: int = Field(description="variants with fmin <= VAF < fmax")
    mutation_rate: float = Field(description="mu/beta, mutations per effective division in the territory of the calls")
    mutation_rate_low: float
    mutation_rate_high: float
    r_squared: float | None = Field(description="1 - residual/total variance about the mean")
    r_squared_uncentred: float | None = Field(description="as R reports it for a line through the origin")


class FrequencySummary(_Model):
    """JSON of estimate-vaf."""

    schema_: Literal["varproof/vaf/1"] = Field(default="varproof/vaf/1", alias="schema")
    variants: int
    variants_not_judged: int
    median_vaf: float | None
    neutral_evolution: NeutralEvolution | None = Field(description="null: too few variants to fit")
    provenance: dict[str, Any]
