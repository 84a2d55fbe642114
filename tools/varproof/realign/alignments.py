"""What is to be aligned, as it crosses into the kernels: segments of reads, and haplotypes."""

from typing import NamedTuple

import numpy as np


class Segments(NamedTuple):
    """n stretches of reads.

    Segment i has the bases `bases[offset[i]:offset[i + 1]]` (uint8 codes, 0..3 are bases), each of which is wrong with the
    probability in `error` (as `bases`). `offset`: int64 (n + 1,).
    """

    offset: np.ndarray
    bases: np.ndarray
    error: np.ndarray


class Haplotypes(NamedTuple):
    """k haplotypes, and how easily a read has a gap in them.

    Haplotype j is `codes[offset[j]:offset[j + 1]]`; `open_insertion`, `open_deletion` (as `codes`): probability that a gap
    opens after this base. `extend_insertion`, `extend_deletion`: that it goes on.
    """

    offset: np.ndarray
    codes: np.ndarray
    open_insertion: np.ndarray
    open_deletion: np.ndarray
    extend_insertion: float
    extend_deletion: float


class Alignments(NamedTuple):
    """Pairs of a segment and a haplotype, int64 (a,) each.

    `start`: haplotype position of the segment's first base on the central diagonal; `band`: diagonals on both sides of it.
    """

    segment: np.ndarray
    haplotype: np.ndarray
    start: np.ndarray
    band: np.ndarray
