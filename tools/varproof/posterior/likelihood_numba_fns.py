"""Log-likelihoods of allele frequencies and of artefact rates, tabulated over grids, from merged observations.

Per fragment (Varlociraptor eqs. 9 to 11 and the proof of theorem 3): pi * (theta' p + (1 - theta') a) + (1 - pi) * (a + p) / 2,
with a and p the likelihoods under the reference and the alternative haplotype, each mixed with the other by slippage,
and theta' the probability that an informative fragment comes from an alternative copy (see `evidence.sampling_numba_fns`).
"""

import numpy as np

from varproof.accelerate import compiled

LEAST_MISMAPPED, MOST_MISMAPPED = 1e-4, 1.0 - 1e-6
BOTH, FORWARD, REVERSE, FIRST_FORWARD, SECOND_FORWARD = 0, 1, 2, 3, 4
STRAND_CLASSES = 5


@compiled
def _sides(log_ratio, slip_forward, slip_back, spurious):
    """(a, p) scaled to at most 1: likelihoods under reference and alternative, with slippage and spurious support mixed in."""
    if log_ratio > 0.0:
        reference, alternative = np.exp(-log_ratio), 1.0
    else:
        reference, alternative = 1.0, np.exp(log_ratio)
    forward = min(0.5, slip_forward + spurious)
    back = min(0.5, slip_back)
    return (1.0 - forward) * reference + forward * alternative, (1.0 - back) * alternative + back * reference


@compiled
def frequency_log_likelihoods(offset, log_ratio, mapq, count, sampling_ratio, slip_forward, slip_back, spurious, grid):
    """Log-likelihood (n, len(grid)) of the fraction of copies with the alternative allele, per candidate.

    Arrays as in `Evidence`; spurious (n,): probability that a fragment supports the allele for no good reason.
    """
    n, size = len(offset) - 1, len(grid)
    out = np.zeros((n, size))
    for i in range(n):
        share = grid * sampling_ratio[i] / (grid * sampling_ratio[i] + 1.0 - grid)
        for row in range(offset[i], offset[i + 1]):
            a, p = _sides(log_ratio[row], slip_forward[i], slip_back[i], spurious[i])
            mismapped = min(MOST_MISMAPPED, max(LEAST_MISMAPPED, 10.0 ** (-0.1 * mapq[row])))
            base = (1.0 - mismapped) * a + mismapped * 0.5 * (a + p)
            slope = (1.0 - mismapped) * (p - a)
            weight = count[row]
            for g in range(size):
                out[i, g] += weight * np.log(base + slope * share[g])
    return out


@compiled
def artefact_log_likelihoods(
    offset, log_ratio, mapq, strand, orientation, log_error_ratio, count, slip_forward, slip_back, spurious, rates
):
    """Log-likelihood (n, STRAND_CLASSES, len(rates)) of a locus-wise artefact rate, by the reads on which it is active.

    Classes: on all reads; on forward or on reverse reads only (the paper's beta); on fragments whose first or second read
    is the forward one only (damage of one strand of the molecule). A base that the artefact made has the features of errors:
    its likelihood carries P(x | error) / P(x).
    """
    n, size = len(offset) - 1, len(rates)
    out = np.zeros((n, STRAND_CLASSES, size))
    for i in range(n):
        for row in range(offset[i], offset[i + 1]):
            a, p = _sides(log_ratio[row], slip_forward[i], slip_back[i], spurious[i])
            mismapped = min(MOST_MISMAPPED, max(LEAST_MISMAPPED, 10.0 ** (-0.1 * mapq[row])))
            astray = mismapped * 0.5 * (a + p)
            made = p * np.exp(log_error_ratio[row]) if log_ratio[row] > 0.0 else p
            weight = count[row]
            inactive = weight * np.log((1.0 - mismapped) * a + astray)
            for k in range(STRAND_CLASSES):
                active = (
                    k == BOTH
                    or (k == FORWARD and strand[row] == 1)
                    or (k == REVERSE and strand[row] == 2)
                    or (k == FIRST_FORWARD and orientation[row] == 0)
                    or (k == SECOND_FORWARD and orientation[row] == 1)
                )
                if not active:
                    for e in range(size):
                        out[i, k, e] += inactive
                    continue
                for e in range(size):
                    out[i, k, e] += weight * np.log((1.0 - mismapped) * (a + rates[e] * (made - a)) + astray)
    return out
