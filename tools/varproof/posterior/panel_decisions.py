"""Model decisions of panels of normals: how what normals show becomes a prior for one tumour."""

from pydantic import Field

from varproof.machinery.decisions import Decisions, decided


class PanelDecisions(Decisions):
    """Numbers by which a panel of normals speaks, each with the reason for it."""

    rate_shape: float = Field(
        6.0,
        gt=0,
        description="shape of the gamma distribution of a place's artefact rate among normals of one protocol: its standard "
        "deviation is 0.4 of it. So the strength of a place's prior is that of its reads only as far as libraries are alike.",
    )
    tumor_log_sd: float = Field(
        0.5,
        gt=0,
        description="standard deviation of the log of the tumour's rate around that of the normals, of whom it is one more: a "
        "factor of 3 in 1 of 40, of 10 never. With wider tails a hot spot that normals show at 0.001 would be lost at 0.1.",
    )
    missed: tuple[float, ...] = Field(
        (0.02, 0.1, 0.3, 1.0),
        min_length=1,
        description="shares of artefacts of the tumour that are none of a place, or of no place of the panel's: for errors, "
        "for artefacts of a strand or an orientation, and for all others apart the one with the most evidence is taken.",
    )
    few_shared: float = Field(
        0.5, gt=0, le=1, description="share from which on a warning says that the panel may be of another protocol."
    )
    usual_missed: float = Field(0.3, gt=0, le=1, description="the share where learning begins.")
    own_per_normal: float = Field(
        1e-5,
        gt=0,
        lt=1,
        description="probability that a normal shows an allele for a reason of its own, a clone of its blood above all: so hot "
        "spots that few normals show make no place of artefacts.",
    )
    half_strayed: float = Field(
        0.05,
        gt=0,
        lt=0.5,
        description="share of reads of the other kind at a place whose artefact is one of a strand or orientation.",
    )
    most_told_by_kind: float = Field(
        20.0, gt=0, description="reads that tell the kind of a place's artefact, at most: they are not independent."
    )
    carrier_shape: float = Field(
        30.0, gt=0, description="shape of the share of reads of a germline variant: some are mapped worse than the reference."
    )
    private: tuple[float, ...] = Field(
        (0.1, 0.2, 0.5, 0.9),
        min_length=1,
        description="shares of a person's germline variants that are in no panel, however many normals it has, since people "
        "differ from those who were sequenced before: the one with the most evidence is taken. No less than 0.1, for what no "
        "normal has and is seen at one half passes for somatic, and evidence can't tell: at 0.02, 23 of 168 calls were such.",
    )
    usual_private: float = Field(0.1, gt=0, le=1, description="the share where learning begins.")
    list_factor: float = Field(
        100.0,
        ge=1,
        description="how much commoner artefacts are at sites of a list without rates (--panel with a VCF): a list of "
        "Mutect2's has about 1 in 100 of what artefacts could be, and most of them.",
    )


DECISIONS = decided(PanelDecisions, "panel")
