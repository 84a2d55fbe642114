"""purity.json: how much of a sample is tumour, how many copies its cells have, how sure that is, and what else would fit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from varproof.formats.json_file import read_json
from varproof.formats.segments import COLUMNS, Segment, Segments, read_segments
from varproof.machinery.errors import UserError

Fraction = Annotated[float, Field(ge=0, le=1)]


class SegmentCopies(BaseModel):
    """Copies of a segment by one fit, with 95 % limits; null is what can't be told."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    total: float = Field(ge=0, description="copies per tumour cell")
    total_low: float = Field(ge=0, description="lower limit")
    total_high: float = Field(ge=0, description="upper limit")
    minor: float | None = Field(ge=0, description="minor copy number: copies of the rarer haplotype per tumour cell")
    minor_low: float | None = Field(ge=0, description="lower limit")
    minor_high: float | None = Field(ge=0, description="upper limit")
    clonal: bool = Field(description="whether whole numbers of copies in all tumour cells fit best")

    @model_validator(mode="after")
    def _limits_in_order(self) -> "SegmentCopies":
        if self.total_low > self.total_high:
            raise ValueError("total_low is over total_high")
        if self.minor_low is not None and self.minor_high is not None and self.minor_low > self.minor_high:
            raise ValueError("minor_low is over minor_high")
        return self


class OtherFit(BaseModel):
    """Another purity and ploidy that the data fit, with the copies that segments have then."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    purity: Fraction = Field(description="fraction of tumour cells")
    ploidy: float = Field(ge=0, description="mean copies of a place in tumour cells")
    probability: Fraction = Field(description="share of the posterior around it")
    fit_low: Fraction | None = Field(None, description="lower limit of the purity if this fit is right; absent in older files")
    fit_high: Fraction | None = Field(None, description="upper limit, likewise")
    segments: list[SegmentCopies] = Field(
        default_factory=list, description="its copies of each of the segments below, in their order; empty in older files"
    )

    @model_validator(mode="after")
    def _in_order(self) -> "OtherFit":
        low, high = self.limits
        if not low <= self.purity <= high:
            raise ValueError("purity lies outside of the limits of its fit")
        return self

    @property
    def limits(self) -> tuple[float, float]:
        """Of the purity, if this fit is right."""
        return (
            self.purity if self.fit_low is None else self.fit_low,
            self.purity if self.fit_high is None else self.fit_high,
        )  # fmt: skip


class PuritySegment(SegmentCopies):
    """A segment, 0-based half-open, with its copies by the best fit."""

    contig: str = Field(description="name in the reference")
    start: int = Field(ge=0, description="first base, 0-based")
    end: int = Field(ge=1, description="behind the last base")
    normal_copies: int = Field(ge=1, le=2, description="copies per normal cell: one of X and Y in men")
    depth_ratio: float = Field(ge=0, description="depth over the genome's mean, corrected for GC and against the normal")
    mirrored_fraction: float | None = Field(
        ge=0, le=0.5, description="mirrored BAF: fraction of the rarer haplotype's reads at heterozygous sites"
    )
    sites: int = Field(ge=0, description="heterozygous sites")
    windows: int = Field(ge=0, description="windows of depth")

    @property
    def as_segment(self) -> Segment:
        """What segments.tsv has of it."""
        return self.with_copies(self)

    def with_copies(self, copies: SegmentCopies) -> Segment:
        """What segments.tsv would have of it by another fit."""
        numbers = {name: getattr(copies, name) for name in COLUMNS[3:]}
        return Segment(self.contig, self.start, self.end, **numbers)


class Purity(BaseModel):
    """What estimate-purity found. Intervals are of 95 %. Those of purity and ploidy are over all fits that the posterior has;
    `fit_low`, `fit_high` and the segments' are those of the best fit alone; `alternatives` have their own.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)

    schema_: Literal["varproof/purity/1"] = Field("varproof/purity/1", alias="schema")
    purity: float | None = Field(gt=0, le=1, description="fraction of tumour cells; null where the data can't tell")
    purity_low: Fraction = Field(description="lower limit")
    purity_high: Fraction = Field(description="upper limit")
    fit_low: Fraction = Field(description="lower limit of the purity if the ploidy is that of this fit")
    fit_high: Fraction = Field(description="upper limit, likewise")
    told_by: Literal["copy number", "somatic fractions", "nothing"] = Field(description="what decided on the purity")
    ploidy: float = Field(ge=0, description="mean copies of a place in tumour cells, where normal cells have two")
    ploidy_low: float = Field(ge=0, description="lower limit")
    ploidy_high: float = Field(ge=0, description="upper limit")
    doubled: Fraction = Field(description="probability that the genome was doubled")
    probability: Fraction = Field(description="share of the posterior around this fit")
    alternatives: list[OtherFit] = Field(default_factory=list, description="other fits, the most probable first")
    warnings: list[str] = Field(default_factory=list, description="what to mind")
    tumor_depth: float = Field(ge=0, description="median fragments per base of the tumour")
    normal_depth: float | None = Field(ge=0, description="of the normal, if there was one")
    sites: int = Field(ge=0, description="heterozygous sites that were counted")
    left_out: list[str] = Field(default_factory=list, description="contigs too small, or without copies in normal cells")
    segments: list[PuritySegment] = Field(description="in order of the genome")
    provenance: str = Field("", description="version, options and digests of the inputs, as JSON")

    @model_validator(mode="after")
    def _in_order(self) -> "Purity":
        if not self.purity_low <= (self.purity_low if self.purity is None else self.purity) <= self.purity_high:
            raise ValueError("purity lies outside of its limits")
        if not self.fit_low <= (self.fit_low if self.purity is None else self.purity) <= self.fit_high:
            raise ValueError("purity lies outside of the limits of its fit")
        if (self.purity is None) != (self.told_by == "nothing"):
            raise ValueError("purity is null exactly where it was told by nothing")
        if not self.ploidy_low <= self.ploidy <= self.ploidy_high:
            raise ValueError("ploidy lies outside of its limits")
        if any(len(one.segments) not in (0, len(self.segments)) for one in self.alternatives):
            raise ValueError("another fit has copies of each segment, or of none")
        return self

    @property
    def fits(self) -> "list[OneFit]":
        """All fits whose segments are known, with probabilities that sum to 1; the best first. None where purity is null."""
        if self.purity is None:
            return []
        best = OneFit(self.probability, self.purity, (self.fit_low, self.fit_high), self.ploidy, list(self.segments))
        others = [
            OneFit(one.probability, one.purity, one.limits, one.ploidy, list(one.segments))
            for one in self.alternatives if one.purity > 0 and len(one.segments) == len(self.segments)
        ]  # fmt: skip
        whole = sum(one.probability for one in (best, *others))
        if whole <= 0:
            return [replace(best, probability=1.0)]
        return [replace(one, probability=one.probability / whole) for one in (best, *others)]


@dataclass(frozen=True)
class OneFit:
    """One of the fits of a purity.json: its probability, purity with limits, ploidy, and copies of each segment."""

    probability: float
    purity: float
    limits: tuple[float, float]
    ploidy: float
    copies: list[SegmentCopies]


def segments_of(purity: Purity, contigs: Mapping[str, int], source: str) -> Segments:
    """The segments by the best fit, which belong to its purity, on a reference's contigs (name -> length, bp, in order).

    Those are left out where normal cells have one copy: nothing is heterozygous there. Other fits make the same depths and
    mirrored BAFs of germline variants, at their own purity. Raises what `Segments` does; messages begin with `source`.
    """
    return Segments([one.as_segment for one in purity.segments if one.normal_copies == 2], contigs, source)


def segments_given(path: Path, contigs: Mapping[str, int]) -> Segments:
    """The segments of a table, or those of a purity.json, on a reference's contigs (name -> length, bp, in order).

    What `--segments` says. Raises UserError for another kind of file, and what `Segments` refuses.
    """
    if not _is_json(path):
        return read_segments(path, contigs)
    return segments_of(read_json(path, Purity), contigs, str(path))


def _is_json(path: Path) -> bool:
    """Whether a file begins as JSON does; False where it can't be read, which its reader will say."""
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip().startswith(b"{")
    except OSError:
        return False


def read_purity(path: Path, instead: str) -> tuple[float, Purity]:
    """(purity, all else of purity.json); raises UserError where it tells none, which names the option to give `instead`."""
    found = read_json(path, Purity)
    if found.purity is None:
        raise UserError(f"{path}: the data could not tell the purity (see its warnings); give {instead}")
    return found.purity, found
