"""alignment.json: how a sample was sequenced and aligned, and how its errors look."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Count = Annotated[int, Field(ge=0, le=2**53)]
LONGEST_INSERT, LONGEST_READ = 1_000_000, 10_000_000


class FeatureProfile(BaseModel):
    """Counts of one feature's bins among bases that disagree with the reference and among all bases."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    error: list[Count] = Field(description="count per bin among bases that disagree with the reference")
    all: list[Count] = Field(description="count per bin among all bases")


class RepeatTract(BaseModel):
    """One tract's own part of a row."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    contig: str = Field(description="contig of the tract")
    start: int = Field(ge=0, description="first base, from 0")
    end: int = Field(ge=0, description="end, exclusive")
    spanning: Count = Field(description="reads that span it")
    lost: list[Count] = Field(min_length=3, max_length=3, description="reads that lost 1, 2, 3 or more units")
    gained: list[Count] = Field(min_length=3, max_length=3, description="reads that gained 1, 2, 3 or more units")


class SlippageRow(BaseModel):
    """Reads that span a short tandem repeat without a common variant, and how many gained or lost whole units."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    unit_length: int = Field(ge=1, le=1000, description="bp of the repeated unit")
    units: int = Field(ge=1, le=LONGEST_READ, description="whole units in the reference's tract")
    spanning: Count = Field(description="reads that span the tract")
    lost: list[Count] = Field(min_length=3, max_length=3, description="reads that lost 1, 2, 3 or more units")
    gained: list[Count] = Field(min_length=3, max_length=3, description="reads that gained 1, 2, 3 or more units")
    tracts: int | None = Field(None, ge=1, le=2**53, description="tracts that were counted; null: not known, taken to be many")
    leading: list[RepeatTract] = Field(
        default_factory=list,
        description="tracts that make up much of a count: it is taken out where a variant of the tract itself is judged",
    )


class ErrorProfile(BaseModel):
    """How errors look in this sample, over covered positions that show no variant.

    The tables of qualities and substitutions count bases of reads with a mapping quality of at least 20. A substitution class
    is 4 * reference + read base (A 0, C 1, G 2, T 3), as sequenced on the strand of the fragment's first read; quality bins
    are those of `varproof.reads.error_rates`. Contexts are read on the same strand; kinds of reads are those of
    `varproof.reads.arrays`: no consensus, a consensus of one read, of 2-3, of 4 and more, a duplex.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    features: dict[str, FeatureProfile] = Field(
        description="counts by feature of a base, in the bins of `varproof.reads.error_features`"
    )
    quality_error: list[Count] = Field(description="bases that disagree with the reference, by base quality 0 to 93")
    quality_all: list[Count] = Field(description="all bases, by base quality 0 to 93")
    substitution_error: list[list[Count]] = Field(
        description="[q][s]: bases that disagree with the reference, by quality bin and substitution class"
    )
    substitution_all: list[list[Count]] = Field(
        description="[q][r]: all bases, by quality bin and base of the reference (A, C, G, T)"
    )
    context_error: list[list[Count]] | None = Field(
        None, description="[c][b]: bases that disagree, by context (16 * base before + 4 * base + base behind) and read base"
    )
    kind_error: list[list[Count]] | None = Field(
        None, description="[k][s]: bases that disagree, by kind of read and substitution class"
    )
    context_all: list[list[list[Count]]] | None = Field(
        None, description="[k][q][c]: all bases, by kind of read, quality bin and context; an empty list stands for zeros"
    )
    slippage: list[SlippageRow] = Field(description="gained and lost units, by length of the unit and of the tract")


class AlignmentProperties(BaseModel):
    """Properties of a sample's alignment; null where it can't be known (insert size of single-end reads).

    A rate that is null is the usual one of Illumina reads, as if it were left out; only the read length must be known.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)

    schema_: Literal["varproof/alignment/1"] = Field("varproof/alignment/1", alias="schema")
    insert_size_mean: float | None = Field(None, gt=0, le=LONGEST_INSERT, description="bp, robust")
    insert_size_sd: float | None = Field(None, gt=0, le=LONGEST_INSERT, description="bp, robust")
    max_read_length: int = Field(ge=1, le=LONGEST_READ, description="bp")
    max_insertion_operation: int | None = Field(None, ge=0, le=LONGEST_READ, description="longest I of a CIGAR, bp")
    max_deletion_operation: int | None = Field(None, ge=0, le=2**31 - 1, description="longest D of a CIGAR, bp")
    max_softclip_fraction: float | None = Field(None, ge=0, le=1, description="largest clipped part of a read")
    gap_open_insertion: float = Field(2.8e-6, gt=0, lt=0.5, description="insertions per aligned base outside repeats")
    gap_open_deletion: float = Field(5.1e-6, gt=0, lt=0.5, description="deletions per aligned base outside repeats")
    gap_extend_insertion: float = Field(0.0, ge=0, lt=1, description="probability that an insertion goes on by a further base")
    gap_extend_deletion: float = Field(0.0, ge=0, lt=1, description="probability that a deletion goes on by a further base")
    depth: float | None = Field(None, ge=0, description="mean depth over covered positions, fragments count once per base")
    reads_used: int = Field(0, ge=0, description="reads that all this was measured on")
    error_profile: ErrorProfile | None = Field(
        None, description="how errors look in this sample; null: base qualities are taken at their word"
    )

    @field_validator(
        "gap_open_insertion", "gap_open_deletion", "gap_extend_insertion", "gap_extend_deletion", "reads_used", mode="before"
    )
    @classmethod
    def _usual_if_null(cls, value: Any, info: ValidationInfo) -> Any:
        return cls.model_fields[str(info.field_name)].default if value is None else value
