"""stacking.json of combine-calls: how much each of the two judgements counts, and the weights that it takes unlearnt."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class StackingWeights(BaseModel):
    """Combined log-likelihood ratio = offset + scored * s + predicted * p, of the two judgements' log-likelihood ratios s, p.

    The default is the mean of both: the two judge the same reads, so a sum would count the evidence twice.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    offset: float = Field(0.0, description="added log-likelihood ratio, natural logarithm")
    scored: float = Field(0.5, ge=0, description="weight of score-posterior's judgement")
    predicted: float = Field(0.5, ge=0, description="weight of the network's judgement")
    real: int = Field(0, ge=0, description="labelled calls that it was learnt from, true ones")
    false: int = Field(0, ge=0, description="and false ones")


class Stacking(BaseModel):
    """Weights by class of variant: substitutions (SNV, MNV), and those that change the length."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)

    schema_: Literal["varproof/stacking/1"] = Field(default="varproof/stacking/1", alias="schema")
    substitution: StackingWeights = Field(StackingWeights(), description="for SNVs and MNVs")
    indel: StackingWeights = Field(StackingWeights(), description="for what changes the length")
