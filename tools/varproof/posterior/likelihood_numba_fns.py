"""Log-likelihoods of allele frequencies and of artefact rates, tabulated over grids, from merged observations.

Per fragment (Varlociraptor eqs. 9 to 11 and the proof of theorem 3): pi * (theta' p + (1 - theta') a) + (1 - pi) * (a + p) / 2,
with a and p the likelihoods under the reference and the alternative haplotype, each mixed with the other by slippage,
and theta' the probability that an informative fragment comes from an alternative copy (see `evidence.sampling_numba_fns`).
"""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, exp10, log
from varproof.posterior.artifact_classes import (
    ACTIVE_ON,
    ARTIFACT_CLASSES,
    BOTH,
    FIRST_FORWARD,
    FORWARD,
    IN_CONTEXT,
    LIKE_ERRORS,
    REVERSE,
    SAME_PLACE,
    SECOND_FORWARD,
    SIGNATURES,
)
from varproof.posterior.decisions import DECISIONS

LEAST_MISMAPPED, MOST_MISMAPPED = DECISIONS.least_mismapped, DECISIONS.most_mismapped
LEAST_OTHER_KIND = DECISIONS.least_other_kind

FACTORS_PER_LOGARITHM = 16
"""So many factors, each within 1e-12 and 1e12, fit into a double; `_multiply` takes this power by squaring four times."""


@compiled
def _sides(log_ratio, slip_forward, slip_back, spurious):
    """(a, p) scaled to at most 1: likelihoods under reference and alternative, with slippage and spurious support mixed in."""
    if log_ratio > 0.0:
        reference, alternative = exp(-log_ratio), 1.0
    else:
        reference, alternative = 1.0, exp(log_ratio)
    forward = min(0.5, slip_forward + spurious)
    back = min(0.5, slip_back)
    return (1.0 - forward) * reference + forward * alternative, (1.0 - back) * alternative + back * reference


@compiled
def _move_logarithms(product, total):
    """Add the logarithms of `product` to `total` and start `product` anew."""
    for g in range(len(product)):
        total[g] += log(product[g])
        product[g] = 1.0


@compiled
def _multiply(product, total, base, slope, share, whole, rest):
    """Multiply by the factors base + slope * share, to the power of FACTORS_PER_LOGARITHM * whole + rest.

    Deep places have many equal fragments: whole powers go to `total` as logarithms, the rest to `product`.
    """
    if whole > 0:
        for g in range(len(product)):
            factor = base + slope * share[g]
            factor *= factor
            factor *= factor
            factor *= factor
            total[g] += whole * log(factor * factor)
    if rest == 1:
        for g in range(len(product)):
            product[g] *= base + slope * share[g]
    elif rest > 0:
        one, two, four, eight = rest & 1 > 0, rest & 2 > 0, rest & 4 > 0, rest & 8 > 0
        for g in range(len(product)):
            factor = base + slope * share[g]
            second = factor * factor
            fourth = second * second
            power = (factor if one else 1.0) * (second if two else 1.0)
            product[g] *= power * (fourth if four else 1.0) * (fourth * fourth if eight else 1.0)


@compiled
def frequency_log_likelihoods(offset, log_ratio, mapq, count, sampling_ratio, slip_forward, slip_back, spurious, grid):
    """Log-likelihood (n, len(grid)) of the fraction of copies with the alternative allele, per candidate.

    Arrays as in `Evidence`; spurious (n,): probability that a fragment supports the allele for no good reason.
    """
    n, size = len(offset) - 1, len(grid)
    out = np.zeros((n, size))
    product = np.ones(size)
    for i in range(n):
        factors = 0
        share = grid * sampling_ratio[i] / (grid * sampling_ratio[i] + 1.0 - grid)
        for row in range(offset[i], offset[i + 1]):
            a, p = _sides(log_ratio[row], slip_forward[i], slip_back[i], spurious[i])
            mismapped = min(MOST_MISMAPPED, max(LEAST_MISMAPPED, exp10(-0.1 * mapq[row])))
            base = (1.0 - mismapped) * a + mismapped * 0.5 * (a + p)
            slope = (1.0 - mismapped) * (p - a)
            whole, rest = count[row] // FACTORS_PER_LOGARITHM, count[row] % FACTORS_PER_LOGARITHM
            if factors + rest > FACTORS_PER_LOGARITHM:
                _move_logarithms(product, out[i])
                factors = 0
            factors += rest
            _multiply(product, out[i], base, slope, share, whole, rest)
        _move_logarithms(product, out[i])
    return out


@compiled
def _is_told(on, kinds):
    """Whether reads that a class is active on can be told from others: there are some of both.

    kinds (6,): fragments on the forward strand only, the reverse only, those whose first or second read is the forward one; all
    of known strand, and of known orientation. Where all fragments are of one orientation, as those of amplicons and of some
    consensus reads are, an allele that only these have says nothing of one.
    """
    if on == BOTH:
        return True
    inside, overall = kinds[on - FORWARD], kinds[4] if on in (FORWARD, REVERSE) else kinds[5]
    return overall - inside > LEAST_OTHER_KIND * overall


@compiled
def _kinds_of_fragments(strand, orientation, count, first, last):
    """`kinds` of `_is_told`, of rows first..last - 1."""
    kinds = np.zeros(6)
    for row in range(first, last):
        number = count[row]
        if strand[row] > 0:
            kinds[4] += number
            if strand[row] < 3:
                kinds[strand[row] - 1] += number
        if orientation[row] < 2:
            kinds[5] += number
            kinds[2 + orientation[row]] += number
    return kinds


@compiled
def artefact_log_likelihoods(
    offset, log_ratio, mapq, strand, orientation, log_error_ratio, read_context, count, slip_forward, slip_back, spurious,
    same_place, log_context_ratio, rates,
):  # fmt: skip
    """Log-likelihood (n, ARTIFACT_CLASSES, len(rates)) of a locus-wise artefact rate, by class of artefact.

    Active on all reads; on forward or on reverse reads only (the paper's beta); on fragments whose first or second read is
    the forward one only (damage of one strand of the molecule). Where the artefact's bases look like errors, a base that it
    made carries P(x | error) / P(x) of its features x; `log_context_ratio` (n, READ_CONTEXTS) is ln P(read context |
    artefact) - ln P(read context | variant). `same_place` (n,), as in `Evidence`, is what all bases of an artefact say
    together where it has one place in its reads. A class that can't be told at a place (`_is_told`) is active nowhere there.
    """
    n, size = len(offset) - 1, len(rates)
    out = np.zeros((n, ARTIFACT_CLASSES, size))
    product = np.ones((ARTIFACT_CLASSES, size))
    told = np.ones(ARTIFACT_CLASSES, np.bool_)
    for i in range(n):
        factors = 0
        kinds = _kinds_of_fragments(strand, orientation, count, offset[i], offset[i + 1])
        for k in range(ARTIFACT_CLASSES):
            told[k] = _is_told(ACTIVE_ON[k], kinds)
        for row in range(offset[i], offset[i + 1]):
            a, p = _sides(log_ratio[row], slip_forward[i], slip_back[i], spurious[i])
            mismapped = min(MOST_MISMAPPED, max(LEAST_MISMAPPED, exp10(-0.1 * mapq[row])))
            erroneous, accompanied = p, p
            if log_ratio[row] > 0.0:
                erroneous = p * exp(log_error_ratio[row])
                accompanied = p * exp(log_context_ratio[i, read_context[row]])
            inactive = (1.0 - mismapped) * a + mismapped * 0.5 * (a + p)
            whole, rest = count[row] // FACTORS_PER_LOGARITHM, count[row] % FACTORS_PER_LOGARITHM
            if factors + rest > FACTORS_PER_LOGARITHM:
                for k in range(ARTIFACT_CLASSES):
                    _move_logarithms(product[k], out[i, k])
                factors = 0
            factors += rest
            for k in range(ARTIFACT_CLASSES):
                on = ACTIVE_ON[k]
                active = told[k] and (
                    on == BOTH
                    or (on == FORWARD and strand[row] == 1)
                    or (on == REVERSE and strand[row] == 2)
                    or (on == FIRST_FORWARD and orientation[row] == 0)
                    or (on == SECOND_FORWARD and orientation[row] == 1)
                )
                made = erroneous if SIGNATURES[k] == LIKE_ERRORS else (accompanied if SIGNATURES[k] == IN_CONTEXT else p)
                slope = (1.0 - mismapped) * (made - a) if active else 0.0
                _multiply(product[k], out[i, k], inactive, slope, rates, whole, rest)
        for k in range(ARTIFACT_CLASSES):
            _move_logarithms(product[k], out[i, k])
            if SIGNATURES[k] == SAME_PLACE:
                out[i, k] += same_place[i]
    return out
