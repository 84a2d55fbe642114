"""Model decisions of crowds: when variants that the same fragments carry are too many to be somatic."""

from typing import Annotated

from pydantic import Field, model_validator

from varproof.machinery.decisions import Decisions, decided

Fraction = Annotated[float, Field(ge=0, le=1)]
Shares = Annotated[tuple[Annotated[float, Field(gt=0, le=1)], ...], Field(min_length=8, max_length=8)]
"""Of CROWDS of `posterior.crowding`: apart from a crowd, alone, near one, with one companion, two, three or four, five to
eight, more."""


class CrowdDecisions(Decisions):
    """Numbers by which companions speak, each with the reason for it."""

    own_event: int = Field(
        15, ge=1, description="bases within which two variants may be of one event, as the pieces of an MNV: one companion."
    )
    most_discordant: Fraction = Field(
        0.1, description="fragments that carry one of two companions alone, for each that carries both, at most: misread ones."
    )
    least_together: int = Field(2, ge=1, description="fragments that carry both, at least: one may have been misread.")
    proven_together: int = Field(
        4,
        ge=1,
        description="fragments from which on a companion counts fully, with fewer in part: a somatic variant of half of a "
        "germline one's fragments is in all of four in 6 of 100 cases.",
    )
    least_apart: int = Field(3, ge=1, description="fragments that carry each of two variants without the other, in trans.")
    crowd: int = Field(2, ge=1, description="companions from which on a variant is of a crowd, which others are apart from.")
    of_somatic: Shares = Field(
        (0.01, 0.94, 0.02, 0.02, 0.005, 0.003, 0.001, 0.001),
        description="companions of somatic variants: some per cent are clustered (Bergstrom et al. 2022), few of them in one "
        "clone at equal fractions within a fragment's reach.",
    )
    of_germline: Shares = Field(
        (0.01, 0.71, 0.05, 0.13, 0.06, 0.03, 0.008, 0.002),
        description="of germline ones: one per kb, half of them on a haplotype, more where it is old.",
    )
    of_copies: Shares = Field(
        (0.002, 0.001, 0.067, 0.1, 0.13, 0.2, 0.3, 0.2),
        description="of places where a copy that the reference lacks differs: 1 to 5 in 100 bases. Hardly any is far from all "
        "others: what looks like a somatic variant in all else would be taken for one.",
    )
    of_a_copy: tuple[Fraction, ...] = Field(
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
        min_length=1,
        description="shares of a place's reads that are of a copy, each as often: beside a crowd a germline variant is seen in "
        "so many reads fewer.",
    )
    convincing: float = Field(
        15.0,
        gt=0,
        description="gain in log-likelihood from which on a sample has such copies: germline haplotypes gain something in any.",
    )
    telling: float = Field(20.0, ge=0, description="expected variants of such copies from which on a warning tells of them.")

    @model_validator(mode="after")
    def _are_shares(self) -> "CrowdDecisions":
        for name in ("of_somatic", "of_germline", "of_copies"):
            if abs(sum(getattr(self, name)) - 1.0) > 1e-9:
                raise ValueError(f"{name} must sum to 1")
        return self


DECISIONS = decided(CrowdDecisions, "crowds")
