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
    panel_base_quality: int = Field(
        13, ge=0, le=93, description="bases of normals under this quality show nothing (13: 5 % are wrong), as in a search."
    )
    panel_mapping_quality: int = Field(
        1, ge=0, le=255, description="reads of normals under this mapping quality are not counted, as in a search."
    )
    carrier_fraction: float = Field(
        0.25,
        gt=0,
        lt=1,
        description="share of a normal's reads from which on it is counted as a carrier: of 20 reads of a heterozygous variant "
        "1 in 40 has fewer, and artefacts seldom have more.",
    )
    homozygous_fraction: float = Field(
        0.8, gt=0, le=1, description="share from which on a carrier has no other allele: heterozygous ones seldom have so many."
    )
    covering_depth: int = Field(
        8,
        ge=1,
        description="reads on average with which a normal counts as one that would have shown a variant: 1 in 28 hides.",
    )


DECISIONS = decided(CandidateDecisions, "candidates")
