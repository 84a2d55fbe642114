"""Model decisions of this room: how much of the reads teaches a prior."""

from pydantic import Field

from varproof.machinery.decisions import Decisions, decided


class CandidateDecisions(Decisions):
    """Numbers by which the background of a sample is chosen, each with the reason for it."""

    window: int = Field(
        20_000, ge=1_000, description="bases of a window: neighbours are within it, and many are spread over a genome."
    )
    most_bases: int = Field(
        20_000_000, ge=1_000, description="bases that are searched, about: enough for rates of one event per Mbp."
    )
    most_windows: int = Field(2_000, ge=1, description="windows, at most, where reads are few and far between.")
    most_candidates: int = Field(
        10_000, ge=1, description="candidates whose evidence is collected, about: that costs more than to find them."
    )
    most_read_bases: float = Field(
        2e9, gt=0, description="bases of reads that are searched, about: those of 20 Mbp at 100x, or of a panel at 2,000x."
    )
    lower_fractions: tuple[float, ...] = Field(
        (0.0005, 0.001, 0.002, 0.005, 0.01),
        description="in deep samples an allele of a smaller share of the reads is a candidate, too: the smallest of these "
        "under which errors don't make too many.",
    )
    most_per_base: float = Field(
        0.01, gt=0, description="candidates for each base, at most, under such a share: ten for each germline variant."
    )
    most_weighed: float = Field(
        4e6, gt=0, description="reads at all candidates together, about: each is weighed, so that deep ones are fewer."
    )


DECISIONS = decided(CandidateDecisions, "candidates")
