"""Model decisions of this room: the numbers by which evidence becomes a posterior.

Published rates of events are in `formats.events`, classes of artefacts in `posterior.artifact_classes`.
"""

import itertools
from typing import Annotated

from pydantic import Field, model_validator

from varproof.machinery.decisions import Decisions, decided

Fraction = Annotated[float, Field(ge=0, le=1)]
Fractions = Annotated[tuple[Fraction, ...], Field(min_length=1)]


class PosteriorDecisions(Decisions):
    """Numbers by which evidence becomes a posterior, each with the reason for it."""

    # Classes of variants
    length_bounds: tuple[int, ...] = Field(
        (1, 2, 5, 30, 100), min_length=1,
        description="first length of each class of indels, bp: slippage, small, as long as a read spans, as an aligner "
        "finds, longer.",
    )  # fmt: skip
    longest_counted: int = Field(
        250, ge=1, description="indels up to this length count among the alleles that could have been a candidate, bp."
    )
    mnv_share: float = Field(0.01, gt=0, description="published rate of MNVs for each SNV.")
    indel_share: float = Field(
        0.06,
        gt=0,
        description="published rate of insertions, and of deletions, for each SNV (1000 Genomes 2015: an eighth together).",
    )
    indel_length_shares: tuple[float, ...] = Field(
        (0.5, 0.25, 0.2, 0.03, 0.02), description="how indels are shared among the classes of length: mostly of one base."
    )
    replacement_share: float = Field(0.005, gt=0, description="published rate of replacements for each SNV.")

    # Events of several alleles
    event_least_support: int = Field(
        2, ge=1, description="fragments of the tumour that carry all parts of an event, at least: one may be an error."
    )
    event_most_alone: Fraction = Field(
        0.25,
        description="of the fragments with a part, those without the others may be so many: bases are bad, gaps ambiguous.",
    )
    event_most_stray: Fraction = Field(
        0.005, description="or so many of all fragments: in deep samples errors make a part here and there."
    )

    # Likelihoods
    spurious_substitution: float = Field(
        1e-7,
        gt=0,
        lt=0.5,
        description="probability that a fragment supports an SNV for no reason that is modelled: it bounds what one "
        "fragment can say.",
    )
    spurious_other: float = Field(1e-5, gt=0, lt=0.5, description="the same of all other alleles, whose reads are realigned.")
    least_mismapped: float = Field(
        1e-6,
        gt=0,
        lt=0.5,
        description="probability of a wrong place, at least, as MAPQ 60 has it: more would drown alleles of one in 1,000. "
        "What many misplaced fragments show is an artefact of the place, what single ones do is counted among errors.",
    )
    most_mismapped: float = Field(
        1.0 - 1e-6, gt=0, lt=1, description="and at most, so that a fragment of MAPQ 0 still has a likelihood."
    )
    grid_size: int = Field(
        257, ge=17, description="fractions of copies at which likelihoods are tabulated, even in the arcsine of the root."
    )
    heterozygous_fractions: Fractions = Field(
        (0.2, 0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8),
        description="fractions at which a heterozygous variant may be seen: capture and alignment favour one allele a little, "
        "and a normal may have lost or gained copies, too.",
    )
    heterozygous_weights: Fractions = Field(
        (0.002, 0.004, 0.02, 0.13, 0.688, 0.13, 0.02, 0.004, 0.002), description="how often each is."
    )
    unchanged_germline: Fraction = Field(
        0.9,
        description="germline variants whose frequency is the same in the tumour cells, the share of a genome without "
        "copy-number change: where learning begins.",
    )
    unchanged_germline_unpaired: Fraction = Field(
        0.99,
        description="the same without a normal, where lost copies and somatic variants look alike, and their share is an "
        "assumption.",
    )
    clonal_in_two_copies: Fraction = Field(
        0.6,
        description="frequency in tumour cells from which on a somatic variant is not one of all cells' one copy of two: reads "
        "are counts, so that some of these are seen above one half.",
    )
    nearly_all: Fraction = Field(
        0.97, description="fragments of the alternative from which on a variant is taken for a homozygous one, in that."
    )
    cell_nodes: int = Field(11, ge=2, description="frequencies in tumour cells of what may have any, evenly from 0 to 1.")
    uniform_nodes: int = Field(64, ge=2, description="points by which `--prior flat` integrates (Gauss and Legendre).")
    frequency_bins: Fractions = Field(
        (0.0, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
        description="bins of the learnt density of somatic frequencies in tumour cells: finer where subclones are, and where "
        "only deep samples see any.",
    )
    nodes_per_bin: int = Field(6, ge=1, description="frequencies within a bin at which likelihoods are summed.")
    normal_frequencies: Fractions = Field(
        (0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.25, 0.3),
        description="frequencies in healthy cells of variants that are somatic there: what is nearer to one half is taken for "
        "a germline variant whose alleles are not in balance.",
    )
    least_artifact_rate: float = Field(
        1e-4,
        gt=0,
        lt=1,
        description="lowest locus-wise rate of an artefact: below it no depth shows it, and ABSENT covers it.",
    )
    largest_artifact_rate: float = Field(
        0.7, gt=0, le=1, description="highest rate, of artefacts that have one kind of reads only."
    )
    artifact_rate_count: int = Field(24, ge=2, description="rates, evenly in the logarithm.")
    artifact_ratio_steps: int = Field(
        3,
        ge=1,
        description="an artefact has the same rate in the normal as in the tumour, one that is so many steps of the rates "
        "lower (0.31 of it), or none: libraries differ.",
    )
    most_on_all_reads: Fraction = Field(
        0.35,
        description="highest rate of an artefact on all reads: what more than a third show, in both samples alike, is "
        "germline.",
    )
    least_error_look: float = Field(
        0.2,
        ge=0,
        description="mean square of ln P(x | error) / P(x) of bases, at least, for artefacts of all reads to be told by it "
        "from somatic variants without a normal: with less ten fragments tell less than 1 nat.",
    )
    least_other_kind: Fraction = Field(
        0.02,
        description="of the fragments at a place, those of another strand or orientation, at least, for an artefact of one of "
        "them to be told from a variant.",
    )
    other_person_heterozygous: Fraction = Field(
        0.67, description="another person's variants that are heterozygous, as anybody's (1000 Genomes 2015: two of three)."
    )

    # Phase
    least_phased: int = Field(
        2, ge=1, description="fragments that prove that two alleles lie on one copy, or on two: one may have been misread."
    )
    most_discordant: Fraction = Field(
        0.1, description="fragments that say the opposite, for each that proves it, at most: misread, or misplaced."
    )
    least_exclusive_frequency: float = Field(
        0.8,
        gt=0,
        description="frequency, in tumour cells, of two somatic alleles together, above which both can't be of different cells "
        "on one copy.",
    )

    # Population
    least_population_frequency: float = Field(
        1e-5,
        gt=0,
        lt=0.5,
        description="frequency in a germline resource under which an allele counts as one that the resource lacks: a few "
        "carriers may be errors, or blood's own somatic variants at hot spots (as of KRAS, TP53).",
    )
    most_population_frequency: float = Field(
        0.999, gt=0.5, lt=1, description="and the largest that is believed: no sample of people tells that all carry an allele."
    )
    resource_bases: int = Field(
        1_000_000, ge=1_000, description="of the territory, how dense a resource is there is counted in so many bases."
    )
    resource_alleles: int = Field(
        1_000_000, ge=1_000, description="and in no more alleles of it, whichever comes first: seconds of reading."
    )
    least_unlisted: Fraction = Field(
        0.01,
        gt=0,
        description="share of germline variants that any resource lacks, at least, where learning begins: of gnomAD's size.",
    )
    unlisted_log_sd: float = Field(
        0.7,
        gt=0,
        description="standard deviation of the logarithm of how many germline variants of another type a resource lacks, "
        "around the number by SNVs: within a factor of 4 in 19 of 20.",
    )
    most_listed: float = Field(0.9, gt=0, lt=1, description="share of the possible alleles that a resource has, at most.")
    telling_share: Fraction = Field(
        0.5, description="of the germline variants a resource that lacks more than half tells little; a warning says so."
    )

    # Learning
    log_rate_sd: float = Field(
        2.0,
        gt=0,
        description="a sample's rate of an event lies around the published one with this standard deviation of its logarithm: "
        "within a factor of 50 in 19 of 20 samples.",
    )
    least_selected: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="what is seen of an event is divided by the probability that such a place becomes a candidate at all, "
        "which is taken to be this at least.",
    )
    least_selected_of_other_person: float = Field(
        0.01, gt=0, lt=1, description="the same of another person's variants, whose number is known well."
    )
    selecting_reads: int = Field(
        2, ge=1, description="reads that made a place a candidate, at least, where a list teaches, of which it is not known."
    )
    largest_rate: float = Field(0.1, gt=0, lt=0.15, description="rate of an event, at most, so that absence stays the rule.")
    max_iterations: int = Field(200, ge=1, description="steps of expectation maximisation, at most.")
    search_iterations: int = Field(15, ge=1, description="steps for each trial of a contamination: enough to rank them.")
    tolerance: float = Field(1e-3, gt=0, description="iteration stops when the log-evidence grows by less than this.")
    normal_pseudo_count: float = Field(
        2.0, gt=0, description="variants that are somatic in healthy cells that are added, spread over their frequencies."
    )
    germline_pseudo_count: float = Field(
        20.0, gt=0, description="germline variants that are added, nine of ten of the same frequency in the tumour cells."
    )
    type_pseudo_count: float = Field(
        36.0, gt=0, description="variants that are added to the spectrum of an event, evenly over the twelve substitutions."
    )
    neighbour_pseudo_count: float = Field(
        200.0, gt=0, description="variants that are added to the contexts of these, evenly: few tell nothing of contexts."
    )
    convincing_own_artifacts: float = Field(
        15.0,
        gt=0,
        description="gain in log-likelihood from which on a tumour has artefacts of one kind of reads that its normal has not: "
        "some tens of parameters gain something in any sample.",
    )
    beside_other_person: float = Field(
        5.0,
        ge=1,
        description="so many times the gain where another person is in the tumour: few reads of that one's variants have one "
        "orientation by chance, and would be taken for such artefacts.",
    )
    damage_fractions: Fractions = Field(
        (0.1, 0.15, 0.25),
        description="frequencies that part rare from frequent: damage of one sample is an excess of one substitution among "
        "rare ones.",
    )
    convincing_damage: float = Field(
        3.3,
        gt=0,
        description="standard deviations that such an excess has, where it is told from a tumour's own spectrum: of 8 to 800 "
        "variants without any, 2 in 100 samples reach it at most (simulated, four spectra).",
    )
    frequency_pseudo_count: float = Field(
        1.0, gt=0, description="somatic variants that are added to each bin of frequencies, by its width."
    )
    artifact_pseudo_count: float = Field(
        2.0, gt=0, description="artefacts that are added to each group, spread over its possible rates."
    )
    contamination_choices: Fractions = Field(
        (0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15, 0.2),
        description="fractions of tumour cells in the normal that are tried.",
    )
    other_person_choices: Fractions = Field(
        (1.0, 1.15, 1.35, 1.6, 2.0, 2.5, 3.3, 5.0),
        description="fractions of another person's reads that are tried, over what reads of the reference tell at homozygous "
        "variants: another person shares some of these.",
    )
    most_of_other_person: Fraction = Field(0.2, description="fraction of another person's reads, at most.")
    least_of_other_person: Fraction = Field(
        0.003, description="reference reads at homozygous variants, at most, that are still no sign of another person."
    )
    contradicted: float = Field(
        10.0,
        ge=0,
        description="loss of log-likelihood among the tumour's own candidates from which on they are taken for misaligned.",
    )
    least_homozygous: int = Field(
        20, ge=1, description="homozygous variants that it takes to say that there is another person at all."
    )
    most_reference: Fraction = Field(
        0.05, description="reads of the reference in the normal, at most, at a variant that is taken for homozygous."
    )
    most_reference_alone: Fraction = Field(
        0.15, description="the same in the tumour where there is no normal: another person's reads are among them."
    )
    trimmed: Fraction = Field(0.02, description="of them the share with most reference reads, which is left out: misaligned.")
    other_person_per_base: float = Field(
        8e-4, gt=0, description="variants of another person that this one lacks, per base (1000 Genomes 2015)."
    )
    other_person_spread: tuple[float, ...] = Field(
        (0.7, 1.0, 1.4),
        min_length=1,
        description="factors of the fraction at a place, each as often: both persons' depths vary, and alignment favours one.",
    )
    other_person_log_sd: float = Field(
        0.3, gt=0, description="standard deviation of the logarithm of that: people differ by much the same from each other."
    )
    convincing_contamination: float = Field(
        4.0, ge=0, description="gain in log-likelihood that a contamination must bring over none."
    )
    frequent_of_purity: Fraction = Field(
        0.3,
        description="of the purity, the frequency from which on variants tell of tumour cells in the normal: clonal ones have "
        "a half, damage a few per cent.",
    )
    unpaired_somatic_normal: float = Field(
        0.01,
        gt=0,
        description="somatic variants of healthy cells for each of the tumour's, where there is no normal to tell them apart.",
    )
    few_candidates: int = Field(
        50, ge=0, description="with fewer candidates a warning says that the prior stays near published rates."
    )
    few_bases: float = Field(
        100_000.0, ge=0, description="or with fewer bases: in a tumour of ten mutations per Mbp, one is there."
    )
    most_artifacts: float = Field(0.3, gt=0, lt=0.5, description="artefacts per allele, even where they crowd.")
    most_present: float = Field(
        0.5, gt=0, lt=1, description="all events but absence together, in whatever context: absence stays the rule."
    )
    worth_learning_from: float = Field(
        10.0,
        ge=1,
        description="a candidate teaches if something explains it so many times better than absence; others count as "
        "territory.",
    )
    most_informative: int = Field(
        10_000,
        ge=1,
        description="candidates that enter the iteration; of more, every second, third ... with as much less territory.",
    )
    most_learnt_from: int = Field(200_000, ge=1, description="candidates of a list that are considered at all, likewise.")
    context_pseudo_count: float = Field(
        20.0,
        gt=0,
        description="fragments of variants' read contexts that are added to those of artefacts, so that few artefacts teach "
        "little.",
    )
    largest_context_ratio: float = Field(
        3.0, ge=0, description="|ln P(read context | artefact) / P(read context | variant)|, at most."
    )
    supporting_log_ratio: float = Field(2.0, ge=0, description="ln ratio from which on a fragment's read context is counted.")
    territory_per_candidate: float = Field(
        1_000.0,
        gt=0,
        description="bases that are taken to have been searched for each candidate where nothing else tells (with a warning).",
    )

    least_held: Fraction = Field(
        0.99,
        description="share of the reads' background that a list must hold for its own evidence to teach: one that a normal's "
        "reads have filtered lacks a few per cent, and just those.",
    )

    # Artefacts crowd
    near: int = Field(
        250, ge=1, description="bases within which another artefact is near: reads of one fragment reach about so far."
    )
    likely_artifact: Fraction = Field(
        0.5, description="posterior from which on a candidate counts as an artefact for its neighbours."
    )
    strongest_crowding: float = Field(1000.0, ge=1, description="factor of the rate of artefacts near another one, at most.")

    # Which calls are kept
    even: Fraction = Field(
        0.5, description="error probability from which on a call is not likelier true than false (`fdr-filter --mode smart`)."
    )

    # Detection limits
    usual_odds: float = Field(
        -10.0,
        description="log-odds of an allele before its fragments are seen: some somatic variants per Mbp. Calls near the "
        "threshold of a list tell better.",
    )
    odds_prior_sd: float = Field(4.0, gt=0, description="how far those of a list may be from it.")
    usual_odds_per_fragment: float = Field(
        8.5, gt=0, description="what an alternative fragment adds to them: an error of one in five thousand."
    )
    odds_per_fragment_prior_sd: float = Field(1.0, gt=0, description="how far that may be from it.")
    usual_odds_spread: float = Field(
        1.0, gt=0, description="standard deviation among alleles with as many fragments of as many: their qualities differ."
    )
    least_tested_frequency: float = Field(
        0.02,
        gt=0,
        lt=1,
        description="the test of neutral evolution begins here, however deep the sample: artefacts and errors are rarer above.",
    )

    # Calibration by planted variants
    calibration_confidence: float = Field(
        0.8, gt=0, lt=1, description="of the upper limit of false calls: the limits of many steps add up in a list."
    )
    calibrated_frequencies: tuple[Fraction, ...] = Field(
        (0.0, 0.1, 0.25, 0.5, 1.0),
        min_length=2,
        description="ranges of allele frequency in which somatic variants are told from false ones that the model believes in, "
        "and which have maps of their own where they differ: few, so that each has planted variants.",
    )
    worse_by_chance: Fraction = Field(
        0.05, description="probability up to which it is not chance that a part has more false ones than the map of the whole."
    )
    least_true_share: Fraction = Field(
        0.05, description="of the somatic variants that the model believes in, this share is taken for true, at least."
    )
    fewest_planted: int = Field(30, ge=1, description="planted variants that a map takes, at least.")
    group_limit: Fraction = Field(
        0.01, description="a group has a map of its own if it could support this error probability, a rate that people ask for."
    )
    pooled_limit: Fraction = Field(0.1, description="and all groups together one map if it could support this one.")
    calibration_bases: int = Field(
        20_000_000, ge=100_000, description="of larger samples variants are planted into this many bases: minutes of work."
    )
    calibration_spacing: int = Field(1_000, ge=50, description="bp between planted variants: a fragment carries one.")
    most_planted: int = Field(2_000, ge=1, description="variants to plant, at most.")
    germline_like: Fraction = Field(
        0.3,
        description="frequency from which on an allele of the normal that the tumour lacks may be a lost germline one.",
    )

    # Reasons
    audible: float = Field(1.0, ge=0, description="nats from which on a feature speaks against an allele at all.")
    convincing_reason: float = Field(
        4.0, ge=0, description="nats of a further reason, which must have half of the first one's as well."
    )
    most_reasons: int = Field(2, ge=1, description="reasons of an allele, at most: more are not read.")

    # Do the samples belong together
    least_depth: int = Field(12, ge=1, description="fragments that both samples must show at a candidate that takes part.")
    stray: Fraction = Field(0.03, description="fragments of an allele that isn't there, at most; one always may be.")
    heterozygous_range: tuple[Fraction, Fraction] = Field(
        (0.25, 0.75), description="share of fragments of a heterozygous variant."
    )
    least_germline: int = Field(15, ge=1, description="with fewer germline variants nothing is told.")
    least_contradictions: int = Field(5, ge=1, description="variants that must contradict before two persons are suspected.")
    homozygous_missing: Fraction = Field(
        0.05,
        description="of the normal's homozygous variants, this share missing in the tumour (and three at least) is another "
        "person's.",
    )
    heterozygous_missing: Fraction = Field(0.2, description="of its heterozygous ones, this share: less may be lost copies.")
    lost_per_kept: float = Field(
        2.0, gt=0, description="lost ones for each that is left alone: where copies are lost, about as many are."
    )
    chance: Fraction = Field(1e-3, description="probability by chance that is still taken for chance.")
    back_missing: Fraction = Field(0.06, description="of the tumour's homozygous variants, this share missing in the normal.")
    tumor_only_per_shared: tuple[float, float] = Field(
        (0.25, 3.0),
        description="the tumour's own variants for each that both have: from where on they are too many for somatic ones, "
        "and up to where a list can still be said to hold the germline ones.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "PosteriorDecisions":
        bins, bounds = self.frequency_bins, self.length_bounds
        if any(a >= b for values in (bins, bounds) for a, b in itertools.pairwise(values)):
            raise ValueError("frequency_bins and length_bounds must ascend")
        if bins[0] != 0.0 or bins[-1] != 1.0 or bounds[0] != 1 or bounds[-1] > self.longest_counted:
            raise ValueError("frequency_bins reach from 0 to 1, length_bounds from 1 to no more than longest_counted")
        if len(self.indel_length_shares) != len(bounds):
            raise ValueError("indel_length_shares has one share for each of length_bounds")
        if len(self.heterozygous_weights) != len(self.heterozygous_fractions):
            raise ValueError("heterozygous_weights has one weight for each of heterozygous_fractions")
        return self


DECISIONS = decided(PosteriorDecisions, "posterior")
