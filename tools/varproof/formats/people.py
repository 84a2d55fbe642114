"""How far people agree with the probabilities of calls: a part of what evaluate-calls and report-calls tell, and a file."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Limits = tuple[float | None, float | None]

Selection = Literal["all", "weights", "ranges"]
"""How judged candidates stand for the list: there are no others; by the weights of a choice by chance; or each for those of its
range of probabilities, since how they were chosen is not recorded, or was no chance.
"""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


HALF_SHOWN = 0.0005
"""Half of the last digit of a share in the report."""


class RangeAgreement(_Model):
    """Of candidates of probabilities from low up to, not including, high (1 belongs to the last range)."""

    low: float = Field(description="least probability")
    high: float = Field(description="end of the range")
    listed: int = Field(description="candidates of the list")
    judged: int = Field(description="candidates that people called somatic, germline or fail")
    ambiguous: int = Field(description="ambiguous ones, or without a majority of reviewers: not counted")
    real: int = Field(description="judged ones that they called somatic")
    promised: float | None = Field(description="mean probability of the judged ones; null: none")
    share: float | None = Field(description="share of the candidates that people would call somatic; null: none was judged")
    limits: Limits = Field(description="its 95 % limits")
    corrected: float | None = Field(description="share of real ones, as people err as often as label_error says")
    corrected_limits: Limits = Field(description="its 95 % limits")

    @property
    def differs(self) -> bool:
        """Whether what was promised is outside of the limits, in the thousandths that are shown."""
        low, high = self.corrected_limits
        if self.promised is None or low is None or high is None:
            return False
        return not low - HALF_SHOWN <= self.promised <= high + HALF_SHOWN


class GroupAgreement(_Model):
    """Of a type of variant, or of candidates that have a tag."""

    name: str = Field(description="type, or tag of the procedure for manual review")
    judged: int = Field(description="judged candidates")
    alike: int = Field(description="those of which people say what varproof says: likelier real than not, or less")
    share: float = Field(description="share of such ones among all of the list, judged or not")
    limits: Limits = Field(description="its 95 % limits")


class CallAgreement(_Model):
    """Of candidates that most reviewers call the same."""

    call: str = Field(description="somatic, germline, ambiguous, fail; undecided: no majority; label 1 or 0: no call was told")
    candidates: int = Field(description="of them")
    held_real: int = Field(description="likelier real than not by varproof")
    probability: float | None = Field(description="mean probability of being real by varproof")


class ReviewerAgreement(_Model):
    """How far reviewers agree among themselves."""

    most: int = Field(description="reviewers of one candidate, at most")
    shared: int = Field(description="candidates with several reviewers")
    pairs: int = Field(description="pairs of judgements of the same candidate")
    alike: int = Field(description="pairs that say the same of it: real, not real, undecided")


class PeopleAgreement(_Model):
    """What people say of candidates, and what they would say of the whole list, selection corrected for."""

    judged: int = Field(description="candidates that people called somatic, germline or fail, and varproof judged")
    ambiguous: int = Field(description="ambiguous ones, or without a majority of reviewers: not counted")
    without_probability: int = Field(description="candidates that people judged and varproof did not: not counted")
    selection: Selection = Field(
        description="all: every candidate was judged; weights: chosen by chance, by recorded weights; ranges: not recorded, or "
        "not by chance, so that the judged ones of a range of probabilities stand for the others of it"
    )
    label_error: float = Field(description="share of people's calls that is taken to be wrong")
    alike: float | None = Field(
        description="share of all candidates of which people would say what varproof says; null: a range was not judged at all"
    )
    alike_limits: Limits = Field(description="its 95 % limits")
    ranges: list[RangeAgreement] = Field(description="by probability")
    types: list[GroupAgreement] = Field(description="by type of variant")
    tags: list[GroupAgreement] = Field(description="by tag")
    calls: list[CallAgreement] = Field(description="by what people call it")
    reviewers: ReviewerAgreement = Field(description="among themselves")


class PeopleMetrics(_Model):
    """What evaluate-calls writes where people's labels are all that is known."""

    schema_: Literal["varproof/people/1"] = Field(default="varproof/people/1", alias="schema")
    events: list[str] = Field(description="whose probabilities make a candidate real")
    people: PeopleAgreement = Field(description="how far people agree")
    provenance: dict[str, Any] = Field(description="version, options and digests of the inputs")

    def as_json(self) -> str:
        """The file's text."""
        return self.model_dump_json(indent=2, by_alias=True) + "\n"
