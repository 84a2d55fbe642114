"""What score-posterior learnt, as a file that another run can take as its prior."""

import itertools
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Rate = Annotated[float, Field(ge=0, le=1)]
Density = Annotated[float, Field(ge=0, le=1e12)]
LogRatio = Annotated[float, Field(ge=-50, le=50)]


class LearntPrior(BaseModel):
    """Rates per searched allele by variant class, and the densities that go with them.

    `rates[event][class]`: probability that an allele of this class that could have been proposed is of this event.
    `somatic_density` (per bin of `frequency_bins`): density of the allele frequency in tumour cells of somatic variants.
    `artifact_density[group][artefact class][rate]`: of the locus-wise artefact rates in `artifact_rates`.
    `artifact_contexts[group][code]`: ln P(read context | artefact) - ln P(read context | variant) of a read that supports the
    allele.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)

    schema_: Literal["varproof/prior/1"] = Field("varproof/prior/1", alias="schema")
    kind: Literal["flat", "empirical"]
    territory: float = Field(ge=0, description="searched bases")
    normal_contamination: float = Field(0.0, ge=0, lt=1, description="fraction of tumour cells in the normal")
    other_person_fraction: float = Field(
        0.0, ge=0, lt=1, alias="foreign_fraction", description="fraction of the tumour's reads from another person"
    )
    classes: list[str]
    rates: dict[str, list[Rate]]
    frequency_bins: list[Rate]
    somatic_density: list[Density]
    artifact_rates: list[Rate]
    artifact_density: list[list[list[Density]]]
    artifact_contexts: list[list[LogRatio]] = Field(alias="artifact_company")
    artifact_enrichment: float = Field(1.0, gt=0, description="artefact rates near another artefact, relative to the average")
    artifact_depletion: float = Field(
        1.0, gt=0, description="artefact rates away from other artefacts, relative to the average"
    )
    candidates_used: int = 0

    @model_validator(mode="after")
    def _makes_a_prior(self) -> "LearntPrior":
        if not all(one < next_one for one, next_one in itertools.pairwise(self.frequency_bins)):
            raise ValueError("frequency_bins must ascend")
        if not sum(self.somatic_density) > 0 or not all(sum(map(sum, group)) > 0 for group in self.artifact_density):
            raise ValueError("densities must not be zero everywhere")
        if any(sum(of_class) >= 1 for of_class in zip(*self.rates.values(), strict=False)):
            raise ValueError("the rates of all events of a class must sum to less than 1")
        return self
