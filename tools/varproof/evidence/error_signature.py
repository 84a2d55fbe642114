"""How like errors the bases look that support each candidate, summed up per feature."""

import numpy as np

from varproof.evidence.arrays import Observations, ReadArrays, SampleTables
from varproof.evidence.merging import RATIO_STEP
from varproof.formats.evidence import SIGNATURE_COLUMNS


def error_signatures(start: np.ndarray, found: Observations, reads: ReadArrays, tables: SampleTables) -> dict[str, np.ndarray]:
    """Column -> float32 (n,), SIGNATURE_COLUMNS as in `Evidence`, of candidates whose alleles begin at `start` (n,).

    Values are rounded to multiples of RATIO_STEP before they are added, so that their order does not matter.
    """
    from varproof.evidence.error_signature_numba_fns import log_error_ratios_of_features

    rows = np.flatnonzero((found.log_ratio > 0.0) & (found.strand > 0))
    candidate = found.candidate[rows]
    values = log_error_ratios_of_features(start[candidate], found.read[rows], found.read_context[rows], reads, tables)
    return {
        name: (RATIO_STEP * np.bincount(candidate, np.round(column / RATIO_STEP), len(start))).astype(np.float32)
        for name, column in zip(SIGNATURE_COLUMNS, values, strict=True)
    }
