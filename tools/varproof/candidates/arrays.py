"""What crosses from Python into the compiled kernels of this room: named tuples of arrays, and what their columns hold."""

from typing import NamedTuple

import numpy as np

POSITION, LENGTH, RAW, QUERY, BASE, KEY, READ = range(7)
"""Columns of `Differences.rows`.

`POSITION`: of a mismatch, or of an indel after left-alignment; 0-based. `LENGTH`: 0 mismatch, inserted bases, minus deleted
bases. `RAW`: the position that the alignment gives. `QUERY`: place in the read of a mismatch, or of the base before an indel.
`BASE`: code of a mismatch, 0 of an indel, `UNUSABLE` of an indel that can't be a candidate, `BEHIND_CLIP` of an insertion that
the read is clipped at. `KEY`: hash of the inserted bases
after left-alignment. `READ`: number of the read.
"""
DIFFERENCE_COLUMNS = 7
UNUSABLE, BEHIND_CLIP = 4, 5

(
    DEPTH, REFERENCE_FORWARD, REFERENCE_REVERSE, ALTERNATIVE_FORWARD, ALTERNATIVE_REVERSE, OTHER, REFERENCE_MAPQ,
    ALTERNATIVE_MAPQ, QUALITY, EFFECTIVE, EFFECTIVE_ALL, OFFSET, OFFSET_SQUARE, NEARBY_DIFFERENCES, CLIPPED, LIKELIHOOD,
) = range(16)  # fmt: skip
"""Columns of what `allele_support` sums over the reads of a candidate.

`DEPTH`: reads that cover it. By what they show: reads with the reference and the alternative allele, by strand, and `OTHER`.
Sums of mapping quality over both, then over reads with the alternative: base quality, effective depth (`EFFECTIVE_ALL`: over
all that show anything), offset from the 3' end and its square, `NEARBY_DIFFERENCES` of
the read other than the allele, reads with a soft clip. From `LIKELIHOOD` on: ln P(reads) of the genotypes 0/0, 0/1 and 1/1.
"""
SUPPORT_COLUMNS = 18

INDEL_QUALITY = 30
"""Base quality that stands for an indel (Li et al. 2018, feature 4)."""

NEARBY = 50
"""Other differences of a read count within this distance of a candidate, bp."""

LONGEST_DELETION = 1000
"""Longer deletions of an alignment are no candidates, bp."""

LONGEST_DUPLICATION = 1000
"""Longer tandem duplications are not looked for behind clips, bp."""

CLIP_READ, CLIP_SIDE, CLIP_PLACE, CLIP_QUERY, CLIP_LENGTH, CLIP_WORD = range(6)
"""Columns of clipped ends.

`CLIP_READ`: number of the read. `CLIP_SIDE`: 0 left, 1 right end of it. `CLIP_PLACE`: where its alignment starts or ends.
`CLIP_QUERY`: place in the read of the first clipped base. `CLIP_LENGTH`: clipped bases. `CLIP_WORD`: those next to the aligned
ones, as a number.
"""
CLIP_COLUMNS = 6


class CandidateReads(NamedTuple):
    """Columns of a `ReadBatch` that the kernels take. `first` (n,): start as the file has it, by which reads are sorted."""

    first: np.ndarray
    start: np.ndarray
    end: np.ndarray
    flag: np.ndarray
    mapq: np.ndarray
    base_offset: np.ndarray
    bases: np.ndarray
    qualities: np.ndarray
    cigar_offset: np.ndarray
    cigar_op: np.ndarray
    cigar_length: np.ndarray


class Differences(NamedTuple):
    """What the reads have that the reference has not.

    `rows`: int64 (d, `DIFFERENCE_COLUMNS`) in the order of the reads and along each; those of read i are
    rows[offset[i]:offset[i + 1]]. `coverage`: int32, reads that cover each position, deletions included.
    """

    rows: np.ndarray
    offset: np.ndarray
    coverage: np.ndarray


class Alleles(NamedTuple):
    """n alternative alleles: reference[start:end] becomes alt[alt_offset[i]:alt_offset[i + 1]] (codes), left-aligned.

    `shift`: how far an indel can be written to the right, bp. `within`: of a part of an MNV or of a joined allele the number
    of that, else -1: then only reads count that have the part without the rest. `low`, `high`: of a joined allele the stretch
    of the reference in which reads show it, however they were aligned; -1 of others.
    """

    start: np.ndarray
    end: np.ndarray
    alt_offset: np.ndarray
    alt: np.ndarray
    shift: np.ndarray
    key: np.ndarray
    within: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Insertions(NamedTuple):
    """n insertions that reads are clipped at, sorted by start: bases[offset[i]:offset[i + 1]] (codes) at `start`.

    They are left-aligned; `shift` and `key` as of `Alleles`.
    """

    start: np.ndarray
    shift: np.ndarray
    offset: np.ndarray
    bases: np.ndarray
    key: np.ndarray
