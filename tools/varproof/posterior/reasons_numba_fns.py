"""What the fragments that support an allele lose by slippage, mapping and the read context that they are seen in."""

import numpy as np

from varproof.machinery.accelerate import compiled
from varproof.machinery.numerics_numba_fns import exp, exp10, log
from varproof.posterior.likelihood_numba_fns import LEAST_MISMAPPED, MOST_MISMAPPED

SLIPPING, MISMAPPED, IN_MISMATCHES, IN_MAPPING = 0, 1, 2, 3
MISMATCH_STEP, WELL_MAPPED = 6, 2
"""Parts of `read_context`: a bin of other mismatches; a read that is not clipped and mapped with certainty (see `Evidence`)."""


@compiled
def _log_support(log_ratio, slip, mismapped):
    """ln of a fragment's likelihood under the alternative over that under the reference."""
    reference = (1.0 - slip) * exp(-log_ratio) + slip
    return log(1.0 - 0.5 * mismapped * (1.0 - reference)) - log(reference + 0.5 * mismapped * (1.0 - reference))


@compiled
def lost_support(offset, log_ratio, mapq, strand, read_context, count, slip_forward, spurious, log_context_ratio):
    """Nats that speak against each candidate, (n, 4), added up over the fragments that support it.

    SLIPPING: how much less they say because the reference slips; MISMAPPED: because they may not belong here; IN_MISMATCHES,
    IN_MAPPING: how much likelier an artefact is than if their reads had no other mismatches, or no clips and certain places.
    Arrays as in `likelihood_numba_fns`.
    """
    n = len(offset) - 1
    out = np.zeros((n, 4))
    for i in range(n):
        slip = min(0.5, slip_forward[i] + spurious[i])
        for row in range(offset[i], offset[i + 1]):
            ratio = log_ratio[row]
            if ratio <= 0.0:
                continue
            mismapped = min(MOST_MISMAPPED, max(LEAST_MISMAPPED, exp10(-0.1 * mapq[row])))
            trusted = _log_support(ratio, spurious[i], LEAST_MISMAPPED)
            out[i, SLIPPING] += count[row] * (trusted - _log_support(ratio, slip, LEAST_MISMAPPED))
            out[i, MISMAPPED] += count[row] * (trusted - _log_support(ratio, spurious[i], mismapped))
            if strand[row] > 0:
                code, ratios = read_context[row], log_context_ratio[i]
                out[i, IN_MISMATCHES] += count[row] * (ratios[code] - ratios[code % MISMATCH_STEP])
                out[i, IN_MAPPING] += count[row] * (ratios[code] - ratios[code - code % MISMATCH_STEP + WELL_MAPPED])
    return out
