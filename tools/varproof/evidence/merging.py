"""Equal observations of a candidate become one row with a count: a deep place has few kinds of fragments."""

import numpy as np

from varproof.evidence.arrays import Observations
from varproof.evidence.decisions import DECISIONS

RATIO_STEP = DECISIONS.ratio_step
"""Observations are equal if their log ratios round to the same multiple of this."""

WIDTHS = {"log_ratio": 12, "mapq": 8, "strand": 2, "orientation": 2, "log_error_ratio": 10, "read_context": 5}
"""Bits of each column in one number per row; what is left is the candidate's. The order of columns is that of the rows."""

_SIGNED = {"log_ratio", "log_error_ratio"}


def merged_rows(found: Observations, size: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(offset (size + 1,), columns of distinct rows, `count` among them), sorted by candidate and then by the columns."""
    packed = found.candidate.astype(np.uint64)
    for name, bits in WIDTHS.items():
        values = getattr(found, name)
        if name in _SIGNED:
            values = np.round(values / RATIO_STEP).astype(np.int64) + (1 << (bits - 1))
        packed = (packed << np.uint64(bits)) | values.astype(np.uint64)
    rows, count = np.unique(packed, return_counts=True)
    columns: dict[str, np.ndarray] = {"count": count.astype(np.uint32)}
    for name, bits in reversed(WIDTHS.items()):
        values = (rows & np.uint64((1 << bits) - 1)).astype(np.int64)
        rows = rows >> np.uint64(bits)
        if name in _SIGNED:
            columns[name] = ((values - (1 << (bits - 1))) * RATIO_STEP).astype(np.float32)
        else:
            columns[name] = values.astype(np.uint8)
    offset = np.searchsorted(rows, np.arange(size + 1, dtype=np.uint64))
    return offset.astype(np.int64), columns
