"""Model decisions of this room: the numbers by which depth and heterozygous variants become copy number and purity."""

from typing import Annotated

from pydantic import Field

from varproof.machinery.decisions import Decisions, decided

Fraction = Annotated[float, Field(ge=0, le=1)]


class CopyNumberDecisions(Decisions):
    """Numbers by which reads become copy number and purity, each with the reason for it."""

    # Counting
    window: int = Field(1000, ge=50, description="bp in which depth is counted at least: a few hundred reads of a genome.")
    mapping_quality: int = Field(20, ge=0, description="reads under it may be of another place: they count as not mappable.")
    base_quality: int = Field(20, ge=0, description="bases under it are too often wrong to tell the ratio of two alleles.")
    least_mappable: Fraction = Field(
        0.9, description="share of a window's bases with enough mapping quality: elsewhere depth tells of repeats."
    )
    least_known: Fraction = Field(0.9, description="share of a window's reference that is not N.")
    site_depth: int = Field(12, ge=1, description="reads at a heterozygous site: fewer hardly tell one half from one.")
    normal_depth: int = Field(10, ge=1, description="reads of the normal that show a site to be heterozygous.")
    normal_balance: Fraction = Field(
        0.25, description="least share of either allele in the normal: a tumour cell in 5 there leaves more."
    )
    alone_reads: int = Field(4, ge=1, description="without a normal, reads of a rare alternative allele: fewer may be errors.")
    alone_fraction: Fraction = Field(
        0.1, description="and their share: under it, errors and somatic variants outnumber heterozygous ones."
    )
    alone_reference_reads: int = Field(
        2, ge=1, description="without a normal, reads of the reference where the alternative allele is the commoner: of a "
        "homozygous variant, errors hardly ever make two.",
    )  # fmt: skip
    third_allele: Fraction = Field(0.05, description="share of other bases at a site: more are a paralog's.")

    # Depth
    gc_bins: int = Field(20, ge=2, description="groups of windows by GC, equally large, whose medians make the correction.")
    gc_windows: int = Field(50, ge=2, description="windows of such a group, at least.")
    most_bins: int = Field(
        30_000, ge=100, description="places at which depth and balance are segmented: of a genome, of 100 kb."
    )
    bin_sites: int = Field(
        4, ge=0, description="heterozygous sites that a bin waits for, within limits: their mean is to say something."
    )
    bin_growth: int = Field(4, ge=1, description="how many times the usual windows it may have, until it stops to wait.")
    least_contig: Fraction = Field(
        0.002, description="contigs with a smaller share of the genome's windows are left out: no human chromosome is."
    )
    bound_sd: float = Field(
        4.0, gt=0, description="deviations of a bin from its neighbours beyond so many sd are cut: they are no segment."
    )

    # Segments
    penalty: float = Field(
        5.0,
        gt=0,
        description="what a change costs, times log(bins), of squares in units of noise: BIC has 3, but depth has waves.",
    )
    least_bins: int = Field(3, ge=1, description="bins of a segment, at least.")
    alike_depth: float = Field(0.02, ge=0, description="neighbours whose depths differ by less, as a share, and")
    alike_balance: float = Field(0.01, ge=0, description="whose mirrored BAFs do, are one segment.")

    # Fit
    depth_error: float = Field(
        0.015,
        gt=0,
        description="error of a segment's relative depth that more windows don't lessen: waves of GC and replication.",
    )
    concentration: float = Field(
        300.0,
        gt=0,
        description="of the beta distribution of an allele's fraction between sites: capture and mapping favour one.",
    )
    balance_sites: float = Field(
        200.0, gt=0, description="sites of a segment beyond which more say nothing new: errors they share."
    )
    other_sites: Fraction = Field(0.01, description="sites that are not heterozygous, found in a normal: paralogs.")
    other_sites_alone: Fraction = Field(0.05, description="and without one: artefacts, somatic variants, homozygous ones.")
    most_copies: int = Field(8, ge=4, le=20, description="copies of a segment that are tried; amplifications are left aside.")
    change_cost: float = Field(
        1.0, ge=0, description="log odds against each further event of those that made a segment's copies."
    )
    empty_cost: float = Field(
        3.0, ge=0, description="and against a segment of which nothing is left, which cells hardly survive."
    )
    doubled: Fraction = Field(
        0.3, description="prior of a doubled genome: of 9,692 advanced cancers nearly 30 % (Bielski et al. 2018)."
    )
    altered: tuple[Fraction, ...] = Field(
        (0.02, 0.1, 0.25, 0.5, 0.8),
        min_length=1,
        description="shares of segments that differ from one copy of each haplotype, in a genome that was not doubled: each "
        "alike, from quiet ones to those that hardly have a place left.",
    )
    altered_before: tuple[Fraction, ...] = Field(
        (0.2, 0.4, 0.7),
        min_length=1,
        description="and before doubling, which happens to cells that are aneuploid (Carter et al. 2012): purity p and any "
        "copies look like purity p/(1-p) and one more of each haplotype, but doubled genomes have lost one somewhere, before.",
    )
    altered_after: tuple[Fraction, ...] = Field(
        (0.35, 0.5, 0.7),
        min_length=1,
        description="and after it, one copy at a time: doubled genomes have more of every other change (Zack et al. 2013).",
    )
    subclonal: tuple[Fraction, ...] = Field(
        (0.01, 0.15), min_length=1, description="shares of segments that differ between tumour cells, each alike."
    )
    own_subclone: Fraction = Field(
        0.3, description="of these, those of another subclone than the one that the others have in common."
    )
    no_state: Fraction = Field(
        0.01, description="segments that are of no such state: amplifications, artefacts; any depth and balance is alike."
    )
    other_subclonal_cost: float = Field(
        3.0, ge=0, description="log odds against a segment of a subclone, where it is looked for what may fit at all."
    )
    given_cost: float = Field(
        12.0, ge=0, description="log odds against copies of another tool's segment that don't fit: some are wrong."
    )
    whole_cost_share: float = Field(
        0.01,
        gt=0,
        description="a segment of a smaller share of the genome costs less, by the root: a small one may be an error.",
    )
    independent_segments: float = Field(
        60.0,
        gt=0,
        description="segments whose errors are independent, at most, since waves and biases of depth are of all: the log "
        "likelihood of more counts for so many.",
    )
    usual_ploidy: float = Field(
        2.0, gt=0, description="ploidy of tumour cells whose genome was not doubled: one of both peaks of cohorts, and"
    )
    doubled_ploidy: float = Field(3.3, gt=0, description="the other one, of doubled genomes, which have lost copies since;")
    ploidy_sd: float = Field(0.5, gt=0, description="the standard deviation about both (Carter et al. 2012).")
    most_segments: int = Field(
        200, ge=10, description="the longest segments decide on purity; shorter ones take what it gives them."
    )
    least_informative: float = Field(
        6.0, ge=0, description="log likelihood that the best purity must have over the worst: under it, nothing was told."
    )
    purity_error: float = Field(
        0.01, ge=0, description="half of what a 95 % interval has at least: errors that all segments share."
    )
    surest: Fraction = Field(
        0.8, description="share of the posterior around the best fit under which others can't be told from it, which is said;"
    )
    likely: Fraction = Field(
        0.5, description="under which the purity is not told, unless all that fits is as narrow as `widest`."
    )
    widest: Fraction = Field(0.3, description="95 % interval of purity over which it counts as not told.")
    alternative: Fraction = Field(0.02, description="share of the posterior that makes another fit worth telling.")
    clonal_calls: int = Field(15, ge=1, description="somatic calls that a purity from their fractions takes, at least.")


DECISIONS = decided(CopyNumberDecisions, "copynumber")
"""Those of this process."""
