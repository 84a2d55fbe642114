"""Model decisions of copy numbers: where germline and somatic variants lie in a tumour whose cells have not two copies."""

from typing import Annotated

from pydantic import Field

from varproof.machinery.decisions import Decisions, decided

Fraction = Annotated[float, Field(ge=0, le=1)]


class CopyDecisions(Decisions):
    """Numbers by which copy numbers, or the balance of neighbours' alleles, speak, each with the reason for it."""

    balance_nodes: int = Field(
        51, ge=3, description="mirrored fractions of heterozygous germline variants, evenly from 0 to one half."
    )
    limit_nodes: int = Field(9, ge=2, description="points of a copy number with limits (Gauss and Legendre).")
    least_total: float = Field(
        0.25,
        gt=0,
        description="copies of a place in tumour cells, at least: where a segment has none, some cells may.",
    )
    elsewhere: Fraction = Field(
        0.05,
        description="somatic variants whose frequencies the copies of their segment do not make: segments are wrong at times.",
    )
    indistinct: float = Field(
        2.0,
        ge=0,
        description="nats that a germline fraction of a segment fits better than every clonal somatic one, up to which reads "
        "of the tumour alone are said not to tell them apart.",
    )
    balance_reach: float = Field(
        1e6,
        gt=0,
        description="bases within which the copy number changes once, where neighbours tell it: changed genomes have some "
        "hundred segments, those of an arm fewer.",
    )
    most_copies: int = Field(
        8,
        ge=2,
        description="most copies of a place, where neighbours tell: with the purity they bound how far alleles are out of "
        "balance. Without that bound a run of homozygous variants looks like one haplotype alone.",
    )
    balance_own: int = Field(
        50, ge=0, description="bases within which other SNVs are no neighbours of a candidate: they may be of its own event."
    )
    least_balance_fraction: Fraction = Field(
        0.1,
        description="fraction of the alternative in SNVs that tell of balance, at least: below are artefacts and subclones.",
    )
    homozygous_others: tuple[Fraction, Fraction] = Field(
        (0.002, 0.02),
        description="fragments of the other allele at a homozygous variant: misread ones, and where some are misplaced. "
        "More would take in variants whose other haplotype a pure tumour has lost.",
    )
    homozygous_weights: tuple[Fraction, Fraction] = Field((0.9, 0.1), description="how often each is.")
    least_balance_sites: int = Field(10, ge=1, description="fewer such SNVs tell nothing.")
    most_balance_sites: int = Field(20_000, ge=100, description="of more, every second, third ...: they go with the prior.")
    usual_balance: Fraction = Field(
        0.8, description="segments whose alleles are in balance, where learning begins; the rest has any mirrored fraction."
    )
    mixture_pseudo_count: float = Field(4.0, gt=0, description="segments that are added to those that are seen, as usual ones.")
    balance_shares: tuple[Fraction, Fraction, Fraction] = Field(
        (0.6, 0.3, 0.1),
        description="of such SNVs, those that are heterozygous, homozygous (1000 Genomes 2015), and neither, where learning "
        "begins.",
    )
    most_others: Fraction = Field(
        0.5,
        description="share of those that are neither from which on germline variants were taken out: they tell nothing then.",
    )
    balance_pseudo_count: float = Field(20.0, gt=0, description="SNVs that are added, with these shares.")
    others_pseudo_count: float = Field(
        1.0,
        gt=0,
        description="SNVs that are added to each bin of the others. With few, others take those variants whose other haplotype "
        "is lost, which have no mirror images.",
    )
    balance_bins: int = Field(10, ge=2, description="bins of the fraction of those that are neither.")
    balance_iterations: int = Field(30, ge=1, description="steps of this learning, at most.")
    out_of_balance: Fraction = Field(
        0.45, description="mirrored fraction below which alleles are said to be out of balance (in the log)."
    )


DECISIONS = decided(CopyDecisions, "copies")
