"""Model decisions of cancer cell fractions and of the mutational burden, apart from those that every scored file states."""

from pydantic import Field

from varproof.machinery.decisions import Decisions, decided


class ClonalityDecisions(Decisions):
    """Numbers by which a frequency becomes a fraction of the tumour cells, each with the reason for it."""

    # Cancer cell fractions
    purity_nodes: int = Field(
        21, ge=3, description="purities that stand for an uncertain one: a quarter of a standard deviation apart."
    )
    purity_reach: float = Field(3.0, gt=0, description="standard deviations on either side that they reach.")
    most_copies: int = Field(
        20, ge=1, description="copies that one cell may have of a variant; of amplifications beyond, the unit is what counts."
    )
    least_state_weight: float = Field(
        1e-3, gt=0, lt=1, description="copy numbers less probable than this share of the likeliest are left out."
    )
    most_states: int = Field(12, ge=1, description="copy numbers that stand for an uncertain one.")
    before_gain: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of a tumour's time before a gain: mutations of that time are on all copies that the gain made.",
    )
    between_gains: float = Field(
        0.5,
        ge=0,
        description="weight of numbers of copies between one and all, together, against all: gains one by one.",
    )
    clonal_share: float = Field(
        0.6, gt=0, lt=1, description="of a tumour's variants those in all cells (a median; PCAWG 2020), until the calls tell."
    )
    clonal_share_calls: float = Field(2.0, gt=0, description="calls that this counts for.")
    reaches_all: float = Field(
        0.5,
        gt=0,
        le=1,
        description="probability of being in all tumour cells over which an interval that would end below 1 reaches up to it: "
        "it leaves out no answer that is likelier than not.",
    )
    checked_calls: int = Field(400, ge=1, description="calls of which it is asked whether another purity fits them better.")
    checked_purities: int = Field(39, ge=2, description="purities that are tried for that, from 0.025 on.")
    unexplained: float = Field(
        1e-3, gt=0, description="least likelihood of a call there: a germline variant that was kept must not outweigh the rest."
    )
    convincing_purity: float = Field(
        10.0, gt=0, description="log-likelihood by which another purity fits better before a warning is due."
    )

    # Mutational burden
    callable_depth: int = Field(
        10, ge=1, description="fragments of each sample that a base has where a variant can be called, unless the user says so."
    )
    most_convolved: int = Field(
        3000, ge=0, description="uncertain calls whose number of true ones is computed exactly; of more it is nearly normal."
    )
    certain_call: float = Field(
        1e-9, gt=0, lt=0.5, description="calls so certain, either way, are taken for certain in the spread of that number."
    )


DECISIONS = decided(ClonalityDecisions, "clonality")
