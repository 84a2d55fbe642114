"""Features of candidates: what tells a variant from an error, out of the sums over its reads.

Those of the paper (Li et al. 2018, Fuwa, features 1 to 6) and ours are listed in `FEATURES`, in the order of the columns.
"""

from dataclasses import dataclass

import numpy as np

from varproof.candidates.arrays import (
    ALTERNATIVE_FORWARD,
    ALTERNATIVE_MAPQ,
    ALTERNATIVE_REVERSE,
    CLIPPED,
    DEPTH,
    EFFECTIVE,
    EFFECTIVE_ALL,
    LIKELIHOOD,
    NEARBY_DIFFERENCES,
    OFFSET,
    OFFSET_SQUARE,
    OTHER,
    QUALITY,
    REFERENCE_FORWARD,
    REFERENCE_MAPQ,
    REFERENCE_REVERSE,
)
from varproof.machinery.numerics import PHRED_PER_LOG
from varproof.reads.repeats import find_tandem_tracts
from varproof.variants.reference import ReferenceSlice

LONGEST_REPEAT = 200
"""Tandem repeats are followed this far to either side of a candidate, bp."""

UNKNOWN = -1.0
"""Allele frequency of the normal where it has no reads."""


@dataclass(frozen=True)
class Feature:
    """A feature: name of its INFO field, what it is, whether the tree may look at it."""

    name: str
    text: str
    judged: bool = True


NORMAL_FREQUENCY = "NORMAL_AF"
FEATURES = (
    Feature("EBD", "Effective base depth: sum over its reads of mapping quality x base quality (indels: mapping quality)"),
    Feature("EBD_RATIO", "Effective base depth over that of all alleles at the locus"),
    Feature("DELTA_L", "ln likelihood of the better of 0/1 and 1/1 minus that of 0/0"),
    Feature("SUM_BQ", "Sum of base quality of reads with the allele (30 for an indel)"),
    Feature("MEAN_BQ", "Mean base quality of reads with the allele (30 for an indel)"),
    Feature("VAR_POS", "Variance of the offset from the 3' end over reads with the allele, bp^2"),
    Feature("STRAND_ODDS", "Symmetric log odds ratio of strands, reads with the allele against reads with the reference"),
    Feature("MAPQ_DIFF", "Mean mapping quality of reads with the allele minus that of reads with the reference"),
    Feature("NEARBY_DIFF", "Mean number of other differences from the reference within 50 bp in reads with the allele"),
    Feature("REPEAT_LENGTH", "Length of the tandem repeat or homopolymer that the allele touches, bp"),
    Feature("CLIPPED", "Fraction of the reads with the allele that are soft-clipped"),
    Feature(NORMAL_FREQUENCY, "Fraction of the normal's reads that have the allele", judged=False),
)  # fmt: skip
"""The first six are the paper's, the others ours.

What the paper leaves open: the ratio's denominator counts all reads that show any allele, the reference included, in the unit
of the candidate's own effective depth (an indel among bases counts with base quality 30); likelihoods are products over reads
of base and mapping errors, and that of 0/0 stands for the paper's "binomial" model of errors. `DELTA_L` is the better of the
genotypes with the allele against the one without it, as the paper describes it, not just the best two: 0/1 against 1/1 says
nothing of whether a variant is real. Reads count one by one, both where the two of a fragment overlap.

The normal's allele frequency is no part of the judgement: known sites are germline variants, so a tree that sees it learns that
what is not in the normal is not real, and refuses everything somatic.
"""


def allele_features(support: np.ndarray, normal: np.ndarray | None, repeat_length: np.ndarray) -> np.ndarray:
    """float32 (n, len(FEATURES)) of alleles with at least one read each.

    `support`, `normal`: as from `allele_support`, of the same alleles; `repeat_length` (n,): see `repeat_lengths`.
    """
    alternative = support[:, ALTERNATIVE_FORWARD] + support[:, ALTERNATIVE_REVERSE]
    original = support[:, REFERENCE_FORWARD] + support[:, REFERENCE_REVERSE]
    likelihood = support[:, LIKELIHOOD : LIKELIHOOD + 3]
    mean_offset = support[:, OFFSET] / alternative
    reference_mapq = support[:, REFERENCE_MAPQ] / np.maximum(original, 1)
    mapq_difference = np.where(original > 0, support[:, ALTERNATIVE_MAPQ] / alternative - reference_mapq, 0.0)
    columns = (
        support[:, EFFECTIVE],
        support[:, EFFECTIVE] / np.maximum(support[:, EFFECTIVE_ALL], 1),
        likelihood[:, 1:].max(axis=1) - likelihood[:, 0],
        support[:, QUALITY],
        support[:, QUALITY] / alternative,
        np.maximum(support[:, OFFSET_SQUARE] / alternative - mean_offset**2, 0.0),
        strand_odds(support),
        mapq_difference,
        support[:, NEARBY_DIFFERENCES] / alternative,
        repeat_length,
        support[:, CLIPPED] / alternative,
        np.full(len(support), UNKNOWN) if normal is None else allele_fraction(normal),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def strand_odds(support: np.ndarray) -> np.ndarray:
    """Symmetric log odds ratio of strands (n,), 1 added to each count: 0.69 for none, over 3 for allele reads of one strand.

    As the StrandOddsRatio of GATK: ln(R + 1/R), and how unequal strands are in the reference minus in the allele.
    """
    from varproof.machinery.numerics_numba_fns import log_of

    columns = (REFERENCE_FORWARD, REFERENCE_REVERSE, ALTERNATIVE_FORWARD, ALTERNATIVE_REVERSE)
    a, b, c, d = (support[:, column] + 1.0 for column in columns)
    ratio = a * d / (b * c)
    balance = [log_of(np.minimum(one, other) / np.maximum(one, other)) for one, other in ((a, b), (c, d))]
    return log_of(ratio + 1 / ratio) + balance[0] - balance[1]


def allele_fraction(support: np.ndarray) -> np.ndarray:
    """Share of the reads that show anything which show the allele (n,); `UNKNOWN` without reads."""
    alternative = support[:, ALTERNATIVE_FORWARD] + support[:, ALTERNATIVE_REVERSE]
    informative = alternative + support[:, REFERENCE_FORWARD] + support[:, REFERENCE_REVERSE] + support[:, OTHER]
    return np.where(informative > 0, alternative / np.maximum(informative, 1), UNKNOWN)


def repeat_lengths(low: np.ndarray, high: np.ndarray, reference: ReferenceSlice) -> np.ndarray:
    """bp of the longest tandem repeat that touches each interval low..high - 1 (n,), 0 for none."""
    tracts = find_tandem_tracts(reference.codes, reference.start)
    out = np.zeros(len(low))
    if not len(tracts.start):
        return out
    furthest = np.maximum.accumulate(tracts.end)
    firsts, lasts = np.searchsorted(furthest, low, "left"), np.searchsorted(tracts.start, high, "right")
    for i in np.flatnonzero(firsts < lasts):
        near = slice(firsts[i], lasts[i])
        seen = np.minimum(tracts.end[near], high[i] + LONGEST_REPEAT) - np.maximum(tracts.start[near], low[i] - LONGEST_REPEAT)
        out[i] = seen[tracts.end[near] >= low[i]].max(initial=0)
    return out


@dataclass(frozen=True)
class Genotypes:
    """Counts and genotype of n alleles in one sample: int (n,) depth; (n, 2) reads with reference, allele; (n, 3) PHRED."""

    depth: np.ndarray
    allele_depth: np.ndarray
    phred: np.ndarray


MOST_PHRED = 9999


def genotypes(support: np.ndarray) -> Genotypes:
    """PHRED likelihoods of 0/0, 0/1 and 1/1 relative to the best, and the counts behind them."""
    log_likelihood = support[:, LIKELIHOOD : LIKELIHOOD + 3]
    relative = PHRED_PER_LOG * (log_likelihood.max(axis=1, keepdims=True) - log_likelihood)
    original = support[:, REFERENCE_FORWARD] + support[:, REFERENCE_REVERSE]
    alternative = support[:, ALTERNATIVE_FORWARD] + support[:, ALTERNATIVE_REVERSE]
    return Genotypes(
        depth=support[:, DEPTH].astype(np.int64),
        allele_depth=np.stack([original, alternative], axis=1).astype(np.int64),
        phred=np.minimum(np.rint(relative), MOST_PHRED).astype(np.int64),
    )
