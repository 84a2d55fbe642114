"""Model decisions of this room: the numbers by which reads become evidence."""

from typing import Annotated

from pydantic import Field

from varproof.machinery.decisions import Decisions, decided

Fraction = Annotated[float, Field(ge=0, le=1)]


class EvidenceDecisions(Decisions):
    """Numbers by which reads become evidence, each with the reason for it."""

    window: int = Field(
        64, ge=8, le=10_000,
        description="bases on both sides of a candidate within which reads are compared with haplotypes (h of the paper): "
        "most reads have that much, and a neighbour further away seldom makes a difference.",
    )  # fmt: skip
    shortest_segment: int = Field(
        8, ge=1, description="a read with fewer bases within the window fits anywhere, and says nothing."
    )
    few_mismatches: int = Field(
        4, ge=0,
        description="with more mismatches beside a substitution the aligner may have missed a gap: the read is realigned.",
    )  # fmt: skip
    least_crowd: int = Field(
        4,
        ge=1,
        description="reads that show a listed base, from which on it is no such mismatch: variants may crowd on a haplotype.",
    )
    small_clip: int = Field(
        3,
        ge=0,
        description="bases clipped within the window from which on the read is realigned: fewer are the aligner's habit.",
    )
    widest_band: int = Field(
        12,
        ge=0,
        description="diagonals on each side of the best one that the pair HMM sums over, at most: what lies beyond adds "
        "nothing.",
    )
    extra_band: int = Field(3, ge=0, description="diagonals more than the read has edits: alignments beside the best one.")
    garbage: float = Field(
        1e-3, gt=0, lt=1, description="prior probability that a read that seems to belong here is from elsewhere altogether."
    )
    garbage_hit: float = Field(
        0.85, gt=0, lt=1, description="probability of a base that agrees in a read from elsewhere: paralogs are about so alike."
    )
    garbage_miss: float = Field(
        0.05, gt=0, lt=1, description="probability of each base that differs: the rest, shared by three."
    )
    worth_aligning: int = Field(
        4, ge=1,
        description="a haplotype with more than so many times the fewest edits of its side can't be the best: the cheapest "
        "edit (one more base in a gap) costs a quarter of the dearest (a mismatch).",
    )  # fmt: skip
    few_edits: int = Field(3, ge=0, description="edits that it may have beyond that.")
    max_error: float = Field(
        0.25,
        gt=0,
        le=0.25,
        description="error rate of each wrong base, at most: a base that is as often any other says nothing.",
    )
    most_boost: float = Field(
        30.0, ge=1,
        description="error rates are multiplied by P(x | error) / P(x) of the read's features, by at most so much: rare "
        "features are measured badly.",
    )  # fmt: skip
    least_boost: float = Field(0.2, gt=0, le=1, description="and by at least so much.")
    unmapped_edit_fraction: Fraction = Field(
        0.1, description="edits per base with which an unmapped read may still be one of a long insertion's reads."
    )
    least_unmapped_log_ratio: float = Field(
        1.0, ge=0, description="ln ratio that such a read must have: with less it fits by chance."
    )
    shortest_insertion_for_unmapped: int = Field(
        20, ge=1, description="inserted bases from which on aligners leave reads unmapped that lie mostly within."
    )
    informative: float = Field(
        0.46,
        gt=0,
        description="|ln ratio| from which on a read shows an allele: GATK's 0.2 in decimal logarithms, so that counts are "
        "comparable.",
    )
    least_third: int = Field(
        3, ge=1, description="reads of a third base at an SNV that make it another copy's allele: fewer may be errors."
    )
    least_third_share: Fraction = Field(0.1, description="and of all reads there: a rarer one hardly changes a frequency.")
    most_neighbours: int = Field(
        5,
        ge=0,
        le=6,
        description="rival variants that are taken into account as further haplotypes: subsets grow as powers of two, but "
        "with fewer, two samples choose different ones where a repeat has many, and judge an allele beside different rivals.",
    )
    support_log_ratio: float = Field(
        3.0, ge=0, description="ln ratio with which a fragment supports a neighbour: twenty to one."
    )
    least_support: int = Field(2, ge=1, description="fragments that a neighbour needs: one alone is mostly an error.")
    least_relative_support: float = Field(
        0.5, ge=0, description="and of the candidate's own support: a rarer neighbour can't explain its reads."
    )
    least_unlisted: int = Field(
        3, ge=1, description="reads that an indel needs which the list lacks, to be a neighbour: fewer are mostly errors."
    )
    least_unlisted_share: Fraction = Field(
        0.2, description="and share of the reads there: germline variants have more, slippage mostly less."
    )
    longest_unlisted: int = Field(
        100, ge=1, description="bp of such an indel: reads that align with longer gaps are not mistaken for other alleles."
    )
    most_links: int = Field(
        8, ge=1, description="later candidates, the nearest ones, with which a candidate's fragments are compared for phase."
    )
    undecided_share: Fraction = Field(
        0.8,
        description="share of a candidate's fragments that a rival explains as well, from which on both are taken for one "
        "event: the simpler description then keeps them.",
    )
    outlier_fragments: float = Field(
        0.002,
        gt=0,
        lt=1,
        description="fragments whose length is none of the library's (chimeras): they bound what a length can say.",
    )
    outlier_width: float = Field(8.0, gt=0, description="standard deviations over which their lengths spread.")
    largest_log_ratio: float = Field(
        25.0,
        gt=0,
        le=60,
        description="|ln ratio| of a fragment, at most: no fragment is surer than one in 10^11 that it was read aright.",
    )
    largest_error_ratio: float = Field(6.0, gt=0, le=15, description="|ln P(x | error) / P(x)| of a base, at most.")
    ratio_step: float = Field(
        1 / 32,
        ge=1 / 32,
        le=1,
        description="fragments are the same observation if their ln ratios round to the same multiple of this.",
    )
    same_place_reach: int = Field(
        2,
        ge=0,
        le=10,
        description="bases on both sides that still count as the same place in a read: ends are clipped a little differently.",
    )
    same_place_stray: float = Field(
        0.2, gt=0, lt=1, description="of an artefact's reads at one place, those that may lie elsewhere: clipped, or misread."
    )
    same_place_pseudo_fragments: float = Field(
        5.0,
        gt=0,
        description="fragments spread evenly over half a read that are added to the reference's, of which there may be few.",
    )
    same_place_even_share: Fraction = Field(
        0.2, description="and so much of their number: where no read of the reference lies, another allele's may all the same."
    )
    same_place_longest_clip: int = Field(
        16,
        ge=0,
        description="clipped bases up to which a read's aligned part ends where the molecule does; behind longer clips lies a "
        "breakpoint, to which a real variant has one distance as well.",
    )
    hairpin_reach: int = Field(
        12,
        ge=0,
        le=30,
        description="bases between an allele and the middle of an inverted repeat that may have made it, at most.",
    )
    hairpin_log_factors: tuple[float, ...] = Field(
        (-3.0, -3.0, -3.0, -3.0, -3.0, 0.0, 1.5, 3.0),
        min_length=1,
        description="nats for one place, by the arms of an inverted repeat of which the allele is the middle, in reverse: "
        "of random SNVs 2 % have arms of 5 bp or more, 0.6 % of 6, 0.2 % of 7; nearly all hairpins have.",
    )
    place_not_compared: float = Field(
        50.0, gt=0, description="nats against one place for alleles whose places can't be compared: it is no explanation."
    )
    most_open_gap: float = Field(0.02, gt=0, lt=0.5, description="probability of a gap after a base in a repeat, at most.")
    least_gap_extension: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="gaps that are no sequencing errors (a neighbour's variant) continue at least at this rate.",
    )
    furthest_slip: int = Field(3, ge=1, le=3, description="units lost or gained by slippage that are counted in the reads.")
    slip_decay: float = Field(0.2, gt=0, lt=1, description="changes of more units get rarer by this factor for each.")
    most_units: int = Field(
        40, ge=4, description="repeats of more units slip as those of so many: longer ones are not spanned by reads."
    )
    reach_sd: float = Field(
        6.0, gt=0, description="standard deviations above the mean up to which a fragment's length is considered."
    )
    default_reach: int = Field(1000, gt=0, description="longest fragment where the library's lengths are not known, bp.")
    cut_slack: int = Field(
        40,
        ge=0,
        description="bases beyond a read's length of an allele's ends that haplotypes keep: what lies further inside no "
        "read reaches.",
    )
    default_clip_fraction: Fraction = Field(
        0.5, description="share of a read that the aligner may clip, where no read shows how much it does."
    )
    fragment_quantiles: tuple[float, ...] = Field(
        (-1.53, -0.89, -0.49, -0.16, 0.16, 0.49, 0.89, 1.53),
        min_length=1,
        description="lengths of fragments for which geometry is counted out, in standard deviations: midpoints of eight "
        "equally likely parts.",
    )
    largest_sampling_ratio: float = Field(
        20.0,
        ge=1,
        description="informative fragments of one haplotype over the other's, at most, and at least its inverse: geometry "
        "is not known better.",
    )


DECISIONS = decided(EvidenceDecisions, "evidence")
