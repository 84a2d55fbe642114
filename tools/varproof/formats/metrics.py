"""What evaluate-calls and estimate-vaf write as JSON.

Shares are fractions; null stands for what can't be known (the realised rate of no calls). Limits are those of a 95 %
interval, exact binomial (Clopper-Pearson) for shares.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from varproof.formats.people import PeopleAgreement

MatchedBy = Literal["exact", "haplotype"]
"""What makes a call a true variant: the same allele; or the same sequence, made by one call or several."""

Verdict = Literal["held", "unclear", "exceeded", "empty"]
"""Realised at or under the nominal rate; over it, but the lower limit is not; the lower limit is over it; nothing to judge."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class OperatingPoint(_Model):
    """The calls kept at one nominal false discovery rate, held against the truth."""

    nominal_fdr: float | None = Field(description="null: all calls of the file, whatever their probability")
    max_error_probability: float | None = Field(description="largest posterior error probability that was kept")
    kept: int = Field(description="calls")
    true: int = Field(description="kept that are a true variant")
    false: int = Field(description="kept that are none")
    partial: int = Field(
        description="kept, and neither true nor false: part of a true MNV, or made of true SNVs; by haplotype: part of a true "
        "variant that the kept do not make"
    )
    expected_fdr: float | None = Field(description="mean posterior error probability of the kept")
    realised_fdr: float | None = Field(description="false / (true + false)")
    realised_fdr_low: float | None = Field(description="lower limit of its 95 % interval")
    realised_fdr_high: float | None = Field(description="upper limit of its 95 % interval")
    precision: float | None = Field(description="true / (true + false)")
    found: int = Field(description="true variants with a kept call; by haplotype: that kept calls make")
    recall: float | None = Field(description="found / all true variants")
    recall_low: float | None = Field(description="lower limit of its 95 % interval")
    recall_high: float | None = Field(description="upper limit of its 95 % interval")
    recall_among_candidates: float | None = Field(description="found / true variants that the calls contain at all")
    f1: float | None = Field(description="harmonic mean of precision and recall")


class VafMetrics(_Model):
    """Allele frequencies of true calls (kept at `nominal_fdr`) against the truth's."""

    nominal_fdr: float = Field(description="at which the calls were kept")
    calls: int = Field(description="true ones with an estimate and a true frequency")
    mean_absolute_error: float = Field(description="mean of |estimate - truth|")
    bias: float = Field(description="mean of estimate - truth")
    root_mean_square_error: float = Field(description="root of the mean of (estimate - truth)²")
    binomial_sd: float = Field(description="mean of sqrt(f(1-f)/n)/purity: f expected share of reads, n depth")
    binomial_absolute_error: float = Field(description="mean over calls of the expected |k/n - f|/purity, k binomial")
    ratio_to_binomial_sd: float | None = Field(description="mean absolute error / binomial_sd")
    ratio_to_binomial_absolute_error: float | None = Field(description="mean absolute error / binomial_absolute_error")
    interval_coverage: float | None = Field(description="share of 95 % credible intervals that contain the truth")


class ClassMetrics(_Model):
    """One class of variants: its type and length range."""

    name: str = Field(description="of the class")
    types: list[str] = Field(description="types of its variants")
    min_length: int | None = Field(description="shortest of its variants, bp; null: any")
    max_length: int | None = Field(description="longest of its variants, bp; null: any")
    calls: int = Field(description="judged calls of the class")
    true_variants: int = Field(description="of the class")
    true_variants_among_calls: int = Field(description="of them those that the calls contain, whatever their probability")
    own_threshold: list[OperatingPoint] = Field(description="the rate controlled among the calls of this class")
    joint_threshold: list[OperatingPoint] = Field(description="the rate controlled among all calls together")
    all_calls: OperatingPoint = Field(description="whatever their probability")
    vaf: VafMetrics | None = Field(description="null: no true call with both frequencies")


class MatchingRule(_Model):
    """When a call and a true variant are the same."""

    normalised: bool = Field(description="left-aligned with the reference before comparison")
    max_distance: int | None = Field(description="bp between indels (deletions: centres); null: exact alleles")
    max_length_difference: int | None = Field(description="bp between the lengths of indels; null: any")
    shown: MatchedBy = Field("exact", description="the rule of the report and the certificate (--match)")


class InputCounts(_Model):
    """What the files held."""

    calls: int = Field(description="judged alleles that took part")
    calls_not_judged: int = Field(description="alleles without probabilities")
    calls_outside_regions: int = Field(description="judged alleles that were left out")
    duplicate_calls: int = Field(description="further records of the same allele; the likeliest counts")
    true_variants: int = Field(description="alleles that took part")
    true_variants_of_other_events: int = Field(description="left out by their event")
    true_variants_not_comparable: int = Field(description="symbolic alleles, breakends")
    true_variants_outside_regions: int = Field(description="left out")
    duplicate_true_variants: int = Field(description="further records of the same allele")


class CertifiedRate(_Model):
    """The calls of a class that are kept at one nominal false discovery rate, the class filtered by itself."""

    nominal_fdr: float = Field(description="that was asked for")
    kept: int = Field(description="calls")
    true: int = Field(description="kept that are a true variant")
    false: int = Field(description="kept that are none")
    partial: int = Field(description="kept, and neither true nor false")
    distinct_false: int = Field(description="false alleles, those of several runs counted once")
    realised_fdr: float | None = Field(description="false / (true + false)")
    realised_fdr_low: float | None = Field(description="lower limit of its 95 % interval")
    realised_fdr_high: float | None = Field(description="upper limit of its 95 % interval")
    verdict: Verdict = Field(
        description="held: realised at or under the nominal rate; unclear: over it, but within chance; "
        "exceeded: beyond chance; empty: no calls"
    )


class RecallBin(_Model):
    """True variants with low <= value < high that have a kept call; the last bin of a frequency holds 1 as well."""

    low: float | None = Field(description="null with high: of unknown value")
    high: float | None = Field(description="null with low given: no upper bound")
    true_variants: int = Field(description="in the bin")
    found: int = Field(description="of them with a kept call")
    recall: float = Field(description="found / true_variants")
    recall_low: float = Field(description="lower limit of its 95 % interval")
    recall_high: float = Field(description="upper limit of its 95 % interval")


class CertifiedClass(_Model):
    """One class of variants in the certificate. Bins without true variants are left out."""

    name: str = Field(description="of the class")
    types: list[str] = Field(description="types of its variants")
    min_length: int | None = Field(description="shortest of its variants, bp; null: any")
    max_length: int | None = Field(description="longest of its variants, bp; null: any")
    calls: int = Field(description="judged calls of the class")
    true_variants: int = Field(description="of the class")
    rates: list[CertifiedRate] = Field(description="one per nominal rate")
    recall_by_frequency: list[RecallBin] = Field(description="by planted allele frequency in the tumour cells")
    recall_by_depth: list[RecallBin] = Field(description="by fragments of the tumour: the truth's FORMAT/DP, else the call's")
    vaf: VafMetrics | None = Field(description="null: no true call with both frequencies")


class CertifiedRun(_Model):
    """What one run of the certificate was made of."""

    calls: str = Field(description="scored calls, or a folder of spike-variants that was scored here")
    truth: str = Field(description="VCF of the true variants")
    spiked: bool = Field(description="a folder of spike-variants")
    seed: int | None = Field(description="of spike-variants; null: not a folder of it")
    reads: list[str] = Field(description="the reads that variants were spiked into, or that the calls were scored with")
    purity: float = Field(description="fraction of tumour cells in the tumour sample")
    candidates: int = Field(description="judged alleles that took part")
    candidates_not_judged: int = Field(description="alleles without probabilities")
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
    runs: list[CertifiedRun] = Field(description="what was pooled")
    classes: list[CertifiedClass] = Field(description="all together, then by type and length")


def _class_named(classes: list[ClassMetrics], name: str) -> ClassMetrics:
    for entry in classes:
        if entry.name == name:
            return entry
    raise KeyError(name)


class HaplotypeMetrics(_Model):
    """Counts by the sequences that alleles make: a true variant is found however calls are written."""

    crowded_places: int = Field(description="where so many variants lie that not all sets of them were tried")
    calls_in_crowds: int = Field(description="calls in these places; what was found before the search was given up counts")
    true_variants_in_crowds: int = Field(description="true variants in these places")
    classes: list[ClassMetrics] = Field(description="all together, by type, and by length; a call's are those of its record")
    false_calls_by_truth: dict[str, int] = Field(description="as that of the alleles")

    def class_named(self, name: str) -> ClassMetrics:
        """The class of that name; raises KeyError."""
        return _class_named(self.classes, name)


class Metrics(_Model):
    """metrics.json of evaluate-calls."""

    schema_: Literal["varproof/metrics/1"] = Field(default="varproof/metrics/1", alias="schema")
    events: list[str] = Field(description="whose probabilities make an allele a call")
    truth_event: str | None = Field(description="null: the truth names no events, every record counts")
    matching: MatchingRule = Field(description="when a call is a true variant")
    purity: float | list[float] = Field(description="a list, in the order of the runs, where they differ")
    runs: int = Field(1, description="runs that were pooled, each filtered by itself; left out if 1")
    counts: InputCounts = Field(description="alleles that took part, and that were left out")
    classes: list[ClassMetrics] = Field(description="all together, by type, and by length; counted by alleles")
    false_calls_by_truth: dict[str, int] = Field(
        description="what the false calls kept at a joint nominal FDR of 0.05 are, by the truth's own events; other = nothing"
    )
    by_haplotype: HaplotypeMetrics | None = Field(
        None, description="counted by the sequences that alleles make; null in files that were written before"
    )
    provenance: dict[str, Any] = Field(description="version, options and digests of the inputs")
    certificate: Certificate | None = Field(None, description="left out if there is none")
    people: PeopleAgreement | None = Field(None, description="how far people agree (--labels); left out if nobody was asked")

    def as_json(self) -> str:
        """The file's text."""
        usual = {"runs": 1, "certificate": None, "by_haplotype": None, "people": None}
        left_out = {name for name, value in usual.items() if getattr(self, name) == value}
        return self.model_dump_json(indent=2, by_alias=True, exclude=left_out) + "\n"

    @property
    def shown(self) -> "Metrics":
        """These metrics with `classes` and `false_calls_by_truth` counted by the rule that the report shows."""
        if self.matching.shown == "exact" or self.by_haplotype is None:
            return self
        counted = {name: getattr(self.by_haplotype, name) for name in ("classes", "false_calls_by_truth")}
        return self.model_copy(update=counted)

    def class_named(self, name: str) -> ClassMetrics:
        """The class of that name; raises KeyError."""
        return _class_named(self.classes, name)


class SubclonePower(_Model):
    """How well the test of neutral evolution finds subclones at one frequency, among as many variants as here."""

    frequency: float = Field(description="allele frequency of the subclone's variants in the tumour cells")
    power: float = Field(description="share of subclones that the test finds if 15 % of the variants are theirs")
    found_share: float | None = Field(
        description="share of the variants, in steps, from which on four of five are found; null: not even all of them"
    )


class NeutralityTest(_Model):
    """Test of neutral evolution against one subclone, on the spectrum as this sample's depth and purity show it."""

    low: float = Field(description="least VAF of the variants tested; none is missed for want of fragments from here on")
    high: float = Field(description="VAF at their end")
    variants: int = Field(description="variants tested")
    effective_variants: float = Field(description="those of them that are no clonal ones, seen low by chance")
    kolmogorov_distance: float = Field(description="greatest distance of their cumulative shares from those expected")
    excess_frequency: float = Field(description="VAF of the subclone that explains most")
    excess_variants: float = Field(description="how many variants it would have beyond those expected")
    p_value: float = Field(description="probability of so clear a subclone under neutral evolution")
    power: list[SubclonePower] = Field(description="of subclones at several frequencies")
    expected: list[float] = Field(description="variants expected under neutral evolution, in equal bins from low to high")
    conclusion: str = Field(description="what follows, in words")


class DetectionSummary(_Model):
    """What a variant took to be in the list."""

    depth: int = Field(description="median fragments of the calls")
    frequency: float = Field(description="VAF at which half of the SNVs of that depth are kept")
    corrected: int = Field(description="calls near it, whose frequency is corrected")


class NeutralEvolution(_Model):
    """Line M(f) = rate (1/f - 1/fmax) through the cumulative spectrum."""

    fmin: float = Field(description="least VAF of the line")
    fmax: float = Field(description="VAF at its end")
    interval: Literal["given", "observed range"] = Field(description="observed range: too few variants in the given interval")
    variants: int = Field(description="variants with fmin <= VAF < fmax")
    mutation_rate: float = Field(description="mu/beta, mutations per effective division in the territory of the calls")
    mutation_rate_low: float = Field(description="lower limit of its 95 % interval")
    mutation_rate_high: float = Field(description="upper limit of its 95 % interval")
    r_squared: float | None = Field(description="1 - residual/total variance about the mean")
    r_squared_uncentred: float | None = Field(description="as R reports it for a line through the origin")
    test: NeutralityTest | None = Field(
        None, description="whether the spectrum contradicts neutral evolution, which no R² tells; null: too few variants"
    )


class CellFractionSummary(_Model):
    """What cancer cell fractions were computed with, and how they are."""

    purity: float = Field(description="fraction of tumour cells")
    purity_low: float = Field(description="lower limit of its 95 % interval")
    purity_high: float = Field(description="upper limit of its 95 % interval")
    copy_number: Literal["segments", "assumed diploid"] = Field(description="whether segments tell, or two copies are assumed")
    variants: int = Field(description="alleles with a cancer cell fraction")
    too_frequent: int = Field(description="alleles without one: purity and copy number do not allow their frequency")
    without_segment: int = Field(description="alleles without one: in no segment, or in one without a copy left")
    clonal_share: float | None = Field(
        description="share of variants in all tumour cells, learnt from these; null: there are none"
    )
    expected_clonal: float = Field(description="sum of the probabilities of being in all tumour cells")


class FrequencySummary(_Model):
    """JSON of estimate-vaf."""

    schema_: Literal["varproof/vaf/1"] = Field(default="varproof/vaf/1", alias="schema")
    variants: int = Field(description="alleles with a frequency")
    variants_not_judged: int = Field(description="alleles without one")
    median_vaf: float | None = Field(description="in the tumour cells; null: no variants")
    detection_limit: DetectionSummary | None = Field(None, description="null: not known, and nothing is corrected")
    neutral_evolution: NeutralEvolution | None = Field(description="null: too few variants to fit")
    cell_fractions: CellFractionSummary | None = Field(None, description="left out if they were not asked for")
    provenance: dict[str, Any] = Field(description="version, options and digests of the inputs")

    def as_json(self) -> str:
        """The file's text."""
        left_out = {"cell_fractions"} if self.cell_fractions is None else set()
        return self.model_dump_json(indent=2, by_alias=True, exclude=left_out) + "\n"
