"""What score-posterior learnt, as a file that another run can take as its prior."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LearntPrior(BaseModel):
    """Rates per searched allele by variant class, and the densities that go with them.

    `rates[event][class]`: probability that an allele of this class that could have been proposed is of this event.
    `somatic_density` (per bin of `frequency_bins`): density of the allele frequency in tumour cells of somatic variants.
    `artifact_density[group][artefact class][rate]`: of the locus-wise artefact rates in `artifact_rates`.
    `artifact_company[group][code]`: ln P(company | artefact) - ln P(company | variant) of a read that supports the allele.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    schema_: Literal["varproof/prior/1"] = Field("varproof/prior/1", alias="schema")
    kind: Literal["flat", "empirical"]
    territory: float = Field(ge=0, description="searched bases")
    normal_contamination: float = Field(0.0, ge=0, lt=1, description="fraction of tumour cells in the normal")
    foreign_fraction: float = Field(0.0, ge=0, lt=1, description="fraction of the tumour's reads from another person")
    classes: list[str]
    rates: dict[str, list[float]]
    frequency_bins: list[float]
    somatic_density: list[float]
    artifact_rates: list[float]
    artifact_density: list[list[list[float]]]
    artifact_company: list[list[float]]
    artifact_enrichment: float = Field(1.0, gt=0, description="artefact rates near another artefact, relative to the average")
    artifact_depletion: float = Field(
        1.0, gt=0, description="artefact rates away from other artefacts, relative to the average"
    )
    candidates_used: int = 0
