"""burden.json: the tumour mutational burden that estimate-vaf writes."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class BurdenClass(BaseModel):
    """Somatic variants of some types."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="all, snv, mnv, or indel (insertions, deletions, replacements)")
    calls: int = Field(description="alleles that took part, likely and unlikely ones")
    expected: float = Field(description="expected number of true somatic variants among them: the sum of their posteriors")
    per_mbp: float = Field(description="that, per million callable bases")
    per_mbp_low: float = Field(description="lower limit of its 95 % interval")
    per_mbp_high: float = Field(description="upper limit of its 95 % interval")


class BurdenSummary(BaseModel):
    """Tumour mutational burden."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    schema_: Literal["varproof/burden/1"] = Field(default="varproof/burden/1", alias="schema")
    events: list[str] = Field(description="whose probabilities are added up")
    calls: Literal["scored", "kept"] = Field(
        description="scored: all calls take part, however likely; kept: those that a filter left, and what it took is missing"
    )
    callable_bases: int = Field(description="bases where a variant could have been called")
    callable_from: Literal["regions", "reads", "territory"] = Field(
        description="regions: those of --callable; reads: bases so deep in all samples given (within --callable, if given); "
        "territory: bases that score-posterior took for searched, of whatever depth"
    )
    callable_depth: int | None = Field(description="reads that a callable base has in each sample; null: not counted")
    outside: int = Field(description="calls outside of the regions, which do not count")
    same_event: int = Field(description="further records of an event that was counted already")
    not_judged: int = Field(description="alleles without a posterior, which do not count")
    detectable_vaf: float | None = Field(
        description="VAF in tumour cells at which half of the SNVs of median depth are found; rarer variants are not counted, "
        "and no correction is made for them; null: not known"
    )
    classes: list[BurdenClass] = Field(description="all together, then by type")
    provenance: dict[str, Any] = Field(description="version, options and digests of the inputs")
