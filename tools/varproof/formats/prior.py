"""What score-posterior learnt, as a file that another run can take as its prior."""

import itertools
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

Rate = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(gt=0, le=1)]
Density = Annotated[float, Field(ge=0, le=1e12)]
Count = Annotated[int, Field(ge=0)]
LogRatio = Annotated[float, Field(ge=-50, le=50)]


PerBase = Annotated[float, Field(ge=0, le=1e3)]


class ResourceUsed(BaseModel):
    """A germline resource that took part in the learning: germline rates are of what it lacks."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    field: str = Field(description="INFO field of its frequencies")
    digest: str = Field(description="digest of the file")
    alleles: list[PerBase] = Field(description="[class]: its alleles per base of the territory, as far as they count")
    variants: dict[str, list[PerBase]] = Field(
        description="[germline event][class]: variants per base that a person has of these, by Hardy and Weinberg"
    )


class AllelicBalance(BaseModel):
    """What heterozygous germline variants of a tumour without a normal show: how far its alleles are out of balance, and where.

    Columns `contig`, `position`, `alternative` and `depth` have one number for each SNV of the reads that taught the prior.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    sample: str = Field(description="the tumour that it is of")
    mixture: list[Rate] = Field(
        min_length=2, description="how often each mirrored fraction is where a segment begins; evenly from 0 to one half"
    )
    shares: tuple[Rate, Rate, Rate] = Field(description="shares of these SNVs: heterozygous, homozygous, others")
    others: list[Rate] = Field(min_length=1, description="fractions of the others, in even bins from 0 to 1")
    contigs: list[str] = Field(description="names of contigs")
    contig: list[Count] = Field(description="of each SNV: an index into contigs")
    position: list[Count] = Field(description="of each SNV, 0-based")
    alternative: list[Count] = Field(description="fragments of each SNV's alternative allele")
    depth: list[Annotated[int, Field(ge=1)]] = Field(description="fragments of both alleles")

    @model_validator(mode="after")
    def _is_a_table(self) -> "AllelicBalance":
        if len({len(column) for column in (self.contig, self.position, self.alternative, self.depth)}) > 1:
            raise ValueError("contig, position, alternative and depth have one number for each SNV")
        if any(number >= len(self.contigs) for number in self.contig):
            raise ValueError("contig is an index into contigs")
        if any(a > n for a, n in zip(self.alternative, self.depth, strict=True)):
            raise ValueError("alternative is at most depth")
        places = list(zip(self.contig, self.position, strict=True))
        if any(a > b for a, b in itertools.pairwise(places)):
            raise ValueError("the SNVs are sorted by contig and position")
        if not (sum(self.mixture) > 0 and sum(self.others) > 0 and sum(self.shares) > 0):
            raise ValueError("densities must not be zero everywhere")
        return self


class LearntPrior(BaseModel):
    """Rates per searched allele by variant class, and the densities that go with them."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)

    schema_: Literal["varproof/prior/2"] = Field("varproof/prior/2", alias="schema")
    kind: Literal["flat", "empirical"] = Field(
        description="flat: as published, nothing learnt; empirical: learnt from the candidates"
    )
    territory: float = Field(ge=0, description="searched bases")
    paired: bool = Field(True, description="it was learnt with a normal")
    normal_contamination: float = Field(0.0, ge=0, lt=1, description="fraction of tumour cells in the normal")
    other_person_fraction: float = Field(
        0.0, ge=0, lt=1, alias="foreign_fraction", description="fraction of the tumour's reads from another person"
    )
    classes: list[str] = Field(description="classes of variants by type and length, bp, in the order of the rates")
    rates: dict[str, list[Rate]] = Field(
        description="[event][class]: probability that an allele that could have been proposed is of this event"
    )
    frequency_bins: list[Rate] = Field(description="edges of the bins of allele frequency in tumour cells, ascending")
    somatic_density: list[Density] = Field(description="density of the allele frequency of somatic variants, one per bin")
    normal_density: list[Density] = Field(
        description="weights of the frequencies in healthy cells of variants that are somatic there"
    )
    germline_changes: list[Density] = Field(
        description="weights of what becomes of germline variants in the tumour cells: nothing, lost, alone, anything"
    )
    artifact_rates: list[Rate] = Field(
        description="artefact rates of a locus: shares of the reads that an artefact is active on"
    )
    artifact_ratios: list[Rate] = Field(description="rates of an artefact in the normal over that in the tumour")
    artifact_density: list[list[list[list[Density]]]] = Field(
        description="[group][artefact class][ratio][rate]: density of the artefact rates; groups: substitutions, indels"
    )
    artifact_contexts: list[list[LogRatio]] = Field(
        alias="artifact_company",
        description="[group][code]: ln P(read context | artefact) - ln P(read context | variant) of a read with the allele",
    )
    damage: list[str] = Field(
        default_factory=list,
        description="substitutions, as C>T, that damage makes of the tumour's library, not of the normal's",
    )
    spectra: dict[str, list[Density]] = Field(
        description="[event, artefact class or damage][substitution in its context]: how many times as often as by chance"
    )
    artifact_enrichment: float = Field(1.0, gt=0, description="artefact rates near another artefact, relative to the average")
    artifact_depletion: float = Field(
        1.0, gt=0, description="artefact rates away from other artefacts, relative to the average"
    )
    candidates_used: int = Field(0, description="candidates that it was learnt from")
    germline_resource: ResourceUsed | None = Field(
        None, description="where there was one: the rates of germline events are of alleles that it lacks"
    )
    panel_missed: Annotated[list[Share], Field(min_length=3, max_length=3)] | None = Field(
        None,
        description="shares of artefacts that the panel of normals says nothing of: of errors, of artefacts of one strand or "
        "orientation, of all others; absent where it was learnt without a panel",
    )
    panel_digest: str | None = Field(None, description="digest of the panel of normals; absent where there was none")
    panel_private: Share | None = Field(
        None,
        description="share of the person's germline variants that no such panel has; absent where it was learnt without one",
    )

    crowds: bool = Field(
        False,
        description="without a normal and a panel: there are copies that the reference lacks, told by variants that the same "
        "reads carry; absent where there are none",
    )
    balance: AllelicBalance | None = Field(
        None, description="without a normal: what heterozygous germline variants of this tumour show of its copy numbers"
    )

    @property
    def tells_places(self) -> bool:
        """Whether a normal, or a panel of normals, tells artefacts of a place from somatic variants."""
        return self.paired or self.panel_missed is not None

    @model_serializer(mode="wrap")
    def _without_what_is_not(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What took no part (a resource, a panel, neighbours) is written as if there were none."""
        content: dict[str, Any] = dumped(self)
        absent = ["germline_resource"] if self.germline_resource is None else []
        absent += ["panel_missed", "panel_private"] if self.panel_missed is None else []
        absent += ["balance"] if self.balance is None else []
        absent += [] if self.crowds else ["crowds"]
        absent += ["panel_digest"] if self.panel_digest is None else []
        return {name: value for name, value in content.items() if name not in absent}

    @model_validator(mode="after")
    def _makes_a_prior(self) -> "LearntPrior":
        if not all(one < next_one for one, next_one in itertools.pairwise(self.frequency_bins)):
            raise ValueError("frequency_bins must ascend")
        if any(not sum(one) > 0 for one in (self.somatic_density, self.normal_density, self.germline_changes)) or not all(
            sum(sum(map(sum, of_class)) for of_class in group) > 0 for group in self.artifact_density
        ):
            raise ValueError("densities must not be zero everywhere")
        if any(sum(of_class) >= 1 for of_class in zip(*self.rates.values(), strict=False)):
            raise ValueError("the rates of all events of a class must sum to less than 1")
        return self
