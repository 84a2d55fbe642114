"""recalibration.json of score-posterior: how often what it calls somatic is false, as planted variants or labels showed."""

import itertools
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

LogOdds = Annotated[float, Field(ge=-50, le=50)]


class RecalibrationGroup(BaseModel):
    """A group of variants, and how its error probabilities are corrected."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str = Field(description="snv, mnv (and replacements), or indel")
    least_frequency: float = Field(0.0, ge=0, le=1, description="it holds from this most probable frequency in tumour cells on")
    most_frequency: float = Field(1.0, ge=0, le=1, description="and under this one; 1 belongs to it")
    learnt_from: Literal["own", "all", "none"] = Field(
        description="own: this group, or this range of it; all: more than that, as its own variants were too few; none: the "
        "model's probabilities stay, as all together were too few"
    )
    planted: int = Field(ge=0, description="planted variants of this group that were judged; of labels: those called somatic")
    not_planted: int = Field(
        ge=0,
        description="other alleles of this group that were judged: all of them are false; of labels: those called otherwise",
    )
    believed: int = Field(ge=0, description="of those not planted, the ones that the model held for likelier somatic than not")
    somatic_per_base: float = Field(gt=0, description="somatic variants that the model's prior expected, of all frequencies")
    true_per_base: float = Field(
        ge=0, description="of these ones, what is left when what it believes falsely is taken off; of labels: all"
    )
    limit: float = Field(ge=0, le=1, description="least error probability that these data support")
    model_log_odds: list[LogOdds] = Field(description="ln odds of an error under the model, ascending")
    log_odds: list[LogOdds] = Field(description="the same, corrected, at each of them; straight lines in between")

    @model_validator(mode="after")
    def _is_a_map(self) -> "RecalibrationGroup":
        if len(self.model_log_odds) != len(self.log_odds):
            raise ValueError("model_log_odds and log_odds differ in length")
        if (self.learnt_from == "none") != (not self.log_odds):
            raise ValueError("a map has points if, and only if, it is learnt")
        if self.least_frequency >= self.most_frequency:
            raise ValueError("least_frequency must be under most_frequency")
        if any(a >= b for a, b in itertools.pairwise(self.model_log_odds)):
            raise ValueError("model_log_odds must ascend")
        if any(a > b for a, b in itertools.pairwise(self.log_odds)):
            raise ValueError("log_odds must not descend")
        return self


class RecalibrationSource(BaseModel):
    """Reads that variants were planted into."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str = Field(description="the folder of spike-variants, or how its reads were made")
    seed: int = Field(description="of spike-variants")
    purity: float = Field(gt=0, le=1, description="fraction of tumour cells that variants were planted for")
    territory: float = Field(gt=0, description="bases that were searched for candidates")
    planted: int = Field(ge=0, description="variants that the reads show")
    candidates: int = Field(ge=0, description="alleles that were judged")
    partial: int = Field(0, ge=0, description="alleles that may be part of a planted variant: not counted")
    germline_like: int = Field(0, ge=0, description="alleles that may be germline variants which the tumour lost: not counted")


class LabelSource(BaseModel):
    """What people say of candidates."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    labels: str = Field(description="the file")
    label_error: float = Field(ge=0, lt=0.5, description="share of labels that is taken to be wrong, either way as often")
    real: int = Field(ge=0, description="candidates called somatic")
    not_real: int = Field(ge=0, description="candidates called germline or fail")
    ambiguous: int = Field(ge=0, description="ambiguous ones, or without a majority of reviewers: not counted")
    choice: str = Field(description="how they were chosen to be judged, as the file tells; empty: it does not")


class Recalibration(BaseModel):
    """What score-posterior learnt from planted variants, or from labels. It holds for scores of the same version."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)

    schema_: Literal["varproof/recalibration/1"] = Field("varproof/recalibration/1", alias="schema")
    version: str = Field(description="of varproof, whose scores are corrected")
    confidence: float = Field(gt=0, lt=1, description="of the upper limit of false calls")
    sources: list[RecalibrationSource | LabelSource] = Field(description="what was judged")
    groups: list[RecalibrationGroup] = Field(min_length=1, description="a map for each group of variants")
