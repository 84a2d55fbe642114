"""How many informative fragments a copy of each haplotype yields: the sampling probability tau, in full.

Varlociraptor's eq. 24 corrects for fragments that can't be placed when they carry the variant. Here the same geometry is
counted out, for both haplotypes: a fragment is informative if a read crosses what distinguishes them, or if its length
does; a deletion's reference copy has two breakpoints and its inside to show, the deleted copy one junction. The ratio
multiplies the odds of sampling the alternative, so that the allele frequency is that of copies and not of reads.
"""

import math

import numpy as np

from varproof.evidence.decisions import DECISIONS
from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import erf

FRAGMENT_QUANTILES = np.array(DECISIONS.fragment_quantiles)
LARGEST_RATIO = DECISIONS.largest_sampling_ratio


@compiled
def read_state(start, length, columns, inserted, needed):
    """(mapped, distinguishing) of a read at `start`, relative to where the haplotypes begin to differ.

    `columns`: width of what distinguishes them on this haplotype (negative: the read must span a repeat of that width);
    `inserted`: bases of this haplotype that the reference lacks (0: none that matter); `needed`: bases that the aligner
    must place on one side of them.
    """
    if start >= columns or start + length <= 0:
        return True, False
    if inserted <= 0:
        return True, True
    outside = max(-start, start + length - inserted)
    return outside >= needed, True


@compiled
def informative_fragments(read_length, mean, sd, columns, inserted, needed, change, low, high):
    """Expected informative fragments per unit of depth from one haplotype.

    `change`: difference in length of the haplotypes, bp; [`low`, `high`): the ambiguous interval on this haplotype, which a
    fragment must span for its length to tell, relative to where the haplotypes begin to differ. Single-end reads if sd is 0:
    then only reads that are mapped count.
    """
    total = 0.0
    if sd <= 0.0:
        for start in range(-read_length - 1, max(columns, 0) + 1):
            mapped, distinguishing = read_state(start, read_length, columns, inserted, needed)
            if mapped and distinguishing:
                total += 1.0
        return total
    separation = 0.0
    if abs(change) >= sd:
        separation = erf(abs(change) / (2.0 * math.sqrt(2.0) * sd))
    for z in FRAGMENT_QUANTILES:
        fragment = max(read_length, int(mean + z * sd))
        for start in range(-fragment - 1, max(columns, 0) + 1):
            left_mapped, left = read_state(start, read_length, columns, inserted, needed)
            right_mapped, right = read_state(start + fragment - read_length, read_length, columns, inserted, needed)
            if not (left_mapped or right_mapped):
                continue
            if left or right:
                total += 1.0
            elif start < low and start + fragment > high:
                total += separation
    return total / len(FRAGMENT_QUANTILES)


@compiled
def sampling_ratio(read_length, mean, sd, reference_length, alternative_length, shift, needed_insertion, cut):
    """Informative fragments of an alternative copy relative to a reference copy.

    `reference_length`, `alternative_length`: of the trimmed alleles, bp; `shift`: how far the candidate can move in its repeat;
    `needed_insertion`: bases beside an insertion that the aligner must place (0: it can place any). Bounded to
    [1 / LARGEST_RATIO, LARGEST_RATIO].
    """
    change = alternative_length - reference_length
    if change == 0:
        return 1.0
    wide = 2 * cut
    reference_columns = min(reference_length, wide) - shift
    alternative_columns = min(alternative_length, wide) - shift
    inserted = alternative_length if needed_insertion > 0 and change > 0 and shift < alternative_length // 2 else 0
    reference = informative_fragments(read_length, mean, sd, reference_columns, 0, 0, change, -shift, reference_length)
    alternative = informative_fragments(
        read_length, mean, sd, alternative_columns, inserted, needed_insertion, change, -shift, alternative_length
    )
    return min(LARGEST_RATIO, max(1.0 / LARGEST_RATIO, (alternative + 1e-9) / (reference + 1e-9)))
