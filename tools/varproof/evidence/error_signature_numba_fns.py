"""How like errors the bases look that support a candidate, feature by feature: what tells why a call is none."""

import numpy as np

from varproof.evidence.typing_numba_fns import query_from
from varproof.machinery.accelerate import compiled
from varproof.reads.error_features_numba_fns import end_distance_bin, quality_bin
from varproof.reads.sam import UNMAPPED


@compiled
def log_error_ratios_of_features(start, read, read_context, reads, tables):
    """(4, rows) ln P(bin | error) / P(bin): of base quality, distance to the end, other mismatches, mapping with clips.

    start (rows,): first reference position of the allele; read (rows,): index of the read that supports it; read_context
    (rows,): as in `Evidence`. Of an indel, the first base right of it stands for it. 0 for reads that the aligner placed
    nowhere.
    """
    out = np.zeros((4, len(read)))
    for i in range(len(read)):
        r = read[i]
        length = reads.base_offset[r + 1] - reads.base_offset[r]
        if r < 0 or length == 0 or reads.flag[r] & UNMAPPED:
            continue
        query = min(query_from(reads, r, start[i]), length - 1)
        out[0, i] = tables.log_quality_ratio[quality_bin(reads.qualities[reads.base_offset[r] + query])]
        out[1, i] = tables.log_end_ratio[end_distance_bin(min(query, length - 1 - query))]
        out[2, i] = tables.log_mismatch_ratio[read_context[i] // 6]
        out[3, i] = tables.log_clip_ratio[read_context[i] // 3 % 2] + tables.log_mapq_ratio[read_context[i] % 3]
    return out
