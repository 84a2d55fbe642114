"""What crosses from Python into the compiled kernels of this room: named tuples of arrays, described once."""

from typing import NamedTuple

import numpy as np

from varproof.evidence.decisions import DECISIONS

NEITHER, REFERENCE, ALTERNATIVE, OTHER = 0, 1, 2, 3
"""Which allele of a candidate a fragment clearly shows; OTHER: one that is neither of the two."""

WINDOW = DECISIONS.window
"""Reads are compared within this distance of the candidate (h of the paper), bp."""


class ReadArrays(NamedTuple):
    """A `ReadBatch` of n reads as the kernels take it, with what is derived per read.

    `low`, `high` (n,): reference interval with soft clips unrolled. `clip_left`, `clip_right` (n,): soft clips, bp.
    `edits` (n,): mismatches plus indel operations of the alignment. `gapped` (n,): any I, D or N operation. Read i, where it
    is not gapped, differs from the reference at the positions mismatch[mismatch_offset[i]:mismatch_offset[i + 1]], ascending.
    Other fields as in `ReadBatch`.
    """

    start: np.ndarray
    end: np.ndarray
    low: np.ndarray
    high: np.ndarray
    flag: np.ndarray
    mapq: np.ndarray
    fragment: np.ndarray
    base_offset: np.ndarray
    bases: np.ndarray
    qualities: np.ndarray
    cigar_offset: np.ndarray
    cigar_op: np.ndarray
    cigar_length: np.ndarray
    clip_left: np.ndarray
    clip_right: np.ndarray
    edits: np.ndarray
    gapped: np.ndarray
    kind: np.ndarray
    mismatch_offset: np.ndarray
    mismatch: np.ndarray


class FragmentArrays(NamedTuple):
    """What the two reads of a fragment say together.

    `low`, `high`, `fragment` (k,): outer ends (clips unrolled, 0-based half-open) and index of the fragments whose reads
    are both here and point towards each other, sorted by `low`. Per fragment (all of them): `low_of`, `high_of` (-1 where
    there is no such pair), `mapq_of` (the lower of the mapped reads') and `orientation_of` (as in `Evidence`).
    """

    low: np.ndarray
    high: np.ndarray
    fragment: np.ndarray
    low_of: np.ndarray
    high_of: np.ndarray
    mapq_of: np.ndarray
    orientation_of: np.ndarray


class CandidateArrays(NamedTuple):
    """n candidates, left-aligned.

    `low`, `high` (n,): interval of equivalent placements; `start`, `end` (n,): reference allele; `change` (n,): length of
    the alternative minus the reference allele; `substitution` (n,): SNV or MNV; `alt_offset` (n + 1,), `alt`: alternative
    alleles; `context_low`, `context_high` (n,): interval of neighbouring variants taken into account (empty: low > high).
    Haplotypes j of candidate i: `reference_first[i] <= j < alternative_first[i]` carry the reference allele,
    `alternative_first[i] <= j < reference_first[i + 1]` the alternative; haplotype j is
    `haplotypes[haplotype_offset[j]:haplotype_offset[j + 1]]`; `open_insertion` and `open_deletion` go with its bases: the
    probability that a read has a gap after this base.
    """

    low: np.ndarray
    high: np.ndarray
    start: np.ndarray
    end: np.ndarray
    change: np.ndarray
    substitution: np.ndarray
    alt_offset: np.ndarray
    alt: np.ndarray
    context_low: np.ndarray
    context_high: np.ndarray
    reference_first: np.ndarray
    alternative_first: np.ndarray
    haplotype_offset: np.ndarray
    haplotypes: np.ndarray
    open_insertion: np.ndarray
    open_deletion: np.ndarray


class SampleTables(NamedTuple):
    """What is known of a sample, as lookup tables.

    `error` (94,): probability that a base of this quality is wrong. `substitution_error` (94, 2, 4, 4): probability that
    reference base i is read as j, by quality and orientation; the diagonal is 0. `log_quality_ratio`,
    `log_end_ratio`, `log_mismatch_ratio`, `log_clip_ratio`, `log_mapq_ratio`: ln P(bin | error) / P(bin).
    `gap`: open insertion, open deletion, extend insertion, extend deletion. `slippage` (6, units, 2): rate at which a read
    loses or gains one unit, by unit length - 1 and number of units. `insert_size`: mean, sd (0, 0: not known).
    `log_context` (2, 64, 4), `log_kind` (READ_KINDS, 2, 4, 4): ln factors of these rates by context (`trinucleotides`) and
    base, and by kind of read, both by orientation, as on the reference.
    `base_ratio` (4, 4, 2, looks, 94, 4): `base_log_ratio` by reference, alternative, orientation, look of the read there,
    quality and base, since deep places ask for the same ones again and again. `reach`: longest
    fragment that is considered, bp. `cut`: see `windows.haplotype`.
    """

    error: np.ndarray
    substitution_error: np.ndarray
    log_quality_ratio: np.ndarray
    log_end_ratio: np.ndarray
    log_mismatch_ratio: np.ndarray
    log_clip_ratio: np.ndarray
    log_mapq_ratio: np.ndarray
    gap: np.ndarray
    slippage: np.ndarray
    insert_size: np.ndarray
    log_context: np.ndarray
    log_kind: np.ndarray
    base_ratio: np.ndarray
    reach: int
    cut: int


class DirectRatios(NamedTuple):
    """Of reads that are compared with a substitution base by base; where not `usable`, a read is to be realigned."""

    usable: np.ndarray
    log_ratio: np.ndarray
    log_error_ratio: np.ndarray
    read_context: np.ndarray
    allele: np.ndarray


class RealignedRatios(NamedTuple):
    """Of n read segments: `log_ratio` (n,) ln P(segment | alternative) - ln P(segment | reference); `reference_edits`,
    `alternative_edits` (n,): fewest edits to any haplotype of that side.
    """

    log_ratio: np.ndarray
    reference_edits: np.ndarray
    alternative_edits: np.ndarray


class Observations(NamedTuple):
    """One row per fragment and candidate, sorted by candidate, before identical rows are merged; fields as in `Evidence`.

    `fragment`: index of the fragment. `allele`: what its reads show, one of the codes below. `claim`: `log_ratio` before it is
    bounded. `read`: index of the read that spoke, -1 where only the insert size did.
    """

    candidate: np.ndarray
    fragment: np.ndarray
    read: np.ndarray
    allele: np.ndarray
    claim: np.ndarray
    log_ratio: np.ndarray
    mapq: np.ndarray
    strand: np.ndarray
    orientation: np.ndarray
    log_error_ratio: np.ndarray
    read_context: np.ndarray
