"""Reads and candidates of one stretch of the genome -> packed tensors.

In come left-aligned candidates (so that equivalent records give the same tensor), the reference around them, and the reads
of each track, decoded once; out come rows as `formats/tensors.py` describes them. These are the decisions:

- Centre of the window: of an SNV or MNV its middle base. An indel is centred on the interval in which equivalent records
  may lie, with a base on either side, if that is at most half the window; else on its left breakpoint.
- Rows are the reads whose alignment overlaps that interval (or the whole window), within the window; by start, then as in the
  file. Of more than `depth`, those with the lowest hashes of their names stay, so that mates stay together.
- Mismatches of a substitution are counted over the substituted bases where the read aligns to all of them without a gap. For
  an indel the sequence of the read, soft clips included, is compared with both haplotypes without gaps, over 50 bases or to
  its end: from the base aligned before the interval to the right, and from the base aligned behind it to the left. The
  anchor that makes more sense of the read counts: the one with fewer mismatches with its better haplotype and, on its other
  side, with ten bases of the reference; then the one with more bases. An aligner that could not open a gap near the end of
  a read has misplaced one of the two. Bases that are N, on either side, are no mismatches.
- A read is compared only if it reaches a base in which the haplotypes differ, and supports the one with fewer mismatches if
  these are at most one and a tenth of the compared bases.
- A read that this can't compare, since its alignment has no base to begin with, or a gap or a clip where the candidate is, is
  realigned as for evidence: its bases within 50 bp of the candidate, clips included, to both haplotypes, by edit distance. Only
  a gap over an SNV is taken at its word.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from varproof.formats.tensor_settings import TensorSettings
from varproof.formats.tensors import ALLELE_COLUMNS, LARGEST, ROW_COLUMNS
from varproof.reads.decode import ReadBatch
from varproof.reads.error_features import read_features
from varproof.reads.repeats import find_tandem_tracts
from varproof.variants.edit import SUBSTITUTIONS, TYPES
from varproof.variants.placement import Placement
from varproof.variants.reference import ReferenceSlice

if TYPE_CHECKING:
    from varproof.pileup.packing_numba_fns import Loci

REACH = 280
"""The reference must be known this far beyond candidates and windows, bp: haplotypes reach as far, see `support_numba_fns`."""


@dataclass(frozen=True)
class PackedRows:
    """Rows of n candidates in one track: `offset` int64 (n + 1,); `base`, `quality` uint8 (rows, window); `rows` uint8."""

    offset: np.ndarray
    base: np.ndarray
    quality: np.ndarray
    rows: np.ndarray


def centre_of(item: Placement, window: int) -> int:
    """Reference position in the middle of a candidate's window."""
    if item.type in SUBSTITUTIONS:
        return item.start + (item.reference_length - 1) // 2
    low, high = item.low - 1, item.high + 1
    return (low + high) // 2 if high - low <= window // 2 else item.low


@dataclass(frozen=True)
class Stretch:
    """n candidates of one stretch, ready to be packed: `centre` (n,), the kernels' `loci`, and the reference around them."""

    centre: np.ndarray
    loci: "Loci"
    reference: ReferenceSlice
    settings: TensorSettings

    @property
    def low(self) -> int:
        """First position that a row may overlap."""
        return int(self.loci.row_low.min())

    @property
    def high(self) -> int:
        """End of the last position that a row may overlap."""
        return int(self.loci.row_high.max())


def stretch_of(placements: Sequence[Placement], reference: ReferenceSlice, settings: TensorSettings) -> Stretch:
    """At least one candidate within `reference`, which reaches `REACH` beyond all of them and their windows."""
    from varproof.pileup.packing_numba_fns import Loci

    def positions(values: list[int]) -> np.ndarray:
        return np.array(values, np.int64)

    low, high = positions([item.low for item in placements]), positions([item.high for item in placements])
    centre = positions([centre_of(item, settings.window) for item in placements])
    window_start = centre - settings.window // 2
    window_end = window_start + settings.window
    whole = settings.rows == "window"
    loci = Loci(
        low=low,
        high=high,
        start=positions([item.start for item in placements]),
        end=positions([item.end for item in placements]),
        substitution=np.array([item.type in SUBSTITUTIONS for item in placements]),
        alt_offset=np.cumsum([0] + [len(item.alt) for item in placements]).astype(np.int64),
        alt=np.concatenate([item.alt for item in placements]).astype(np.uint8),
        row_low=window_start if whole else np.maximum(low - 1, window_start),
        row_high=window_end if whole else np.minimum(high + 1, window_end),
        window_start=window_start,
    )
    return Stretch(centre, loci, reference, settings)


def packed_rows(stretch: Stretch, batch: ReadBatch, around_reads: ReferenceSlice) -> PackedRows:
    """Rows of all candidates of the stretch from the reads of one track; `around_reads` covers every read."""
    from varproof.pileup import packing_numba_fns as kernels

    features = read_features(batch, around_reads.codes, around_reads.start)
    reads = kernels.Reads(
        start=batch.start,
        end=batch.end,
        flag=batch.flag,
        mapq=batch.mapq,
        fragment=batch.fragment,
        name_hash=batch.name_hash,
        base_offset=batch.base_offset,
        bases=batch.bases,
        qualities=batch.qualities,
        cigar_offset=batch.cigar_offset,
        cigar_op=batch.cigar_op,
        cigar_length=batch.cigar_length,
        template_length=batch.template_length,
        edits=features.edits,
        clips=features.clips,
    )
    settings, reference = stretch.settings, stretch.reference
    offset, chosen = kernels.chosen_reads(stretch.loci, reads, settings.depth)
    base, quality, rows = kernels.packed_rows(
        stretch.loci, reads, offset, chosen, reference.codes, reference.start, settings.window, settings.soft_clips
    )
    return PackedRows(offset, base, quality, rows)


def no_rows(candidates: int, window: int) -> PackedRows:
    """What a track without reads holds."""
    empty = np.zeros((0, window), np.uint8)
    return PackedRows(np.zeros(candidates + 1, np.int64), empty, empty, np.zeros((0, len(ROW_COLUMNS)), np.uint8))


def window_codes(stretch: Stretch, contig_length: int) -> np.ndarray:
    """Base codes of the reference in each window, uint8 (n, window)."""
    from varproof.pileup import packing_numba_fns as kernels

    return kernels.window_codes(
        stretch.reference.codes, stretch.reference.start, contig_length, stretch.loci.window_start, stretch.settings.window
    )


def allele_codes(placements: Sequence[Placement], reference: ReferenceSlice) -> np.ndarray:
    """ALLELE_COLUMNS of each candidate, uint8 (n, columns)."""
    from varproof.pileup import packing_numba_fns as kernels

    tracts = find_tandem_tracts(reference.codes, reference.start)
    first = np.array([item.low for item in placements], np.int64)
    high = np.array([item.high for item in placements], np.int64)
    unit, length = kernels.longest_tracts(tracts.start, tracts.end, tracts.unit_length, first - 1, high + 1)
    substituted = np.array([item.type in SUBSTITUTIONS for item in placements])
    columns = {
        "type": [TYPES.index(item.type) for item in placements],
        "ref_length": [item.end - item.start for item in placements],
        "alt_length": [len(item.alt) for item in placements],
        "repeat_unit": unit,
        "repeat_length": length,
        "ref_base": np.where(substituted, reference.codes[first - reference.start] + 1, 0),
        "alt_base": [item.alt[0] + 1 if known else 0 for item, known in zip(placements, substituted, strict=True)],
    }
    return np.stack([np.minimum(columns[name], LARGEST) for name in ALLELE_COLUMNS], axis=1).astype(np.uint8)


def assembled(pieces: Sequence[tuple[np.ndarray, PackedRows]], slots: int, window: int) -> PackedRows:
    """The rows of all pieces in the order of their slots: `pieces` has, for each candidate of a piece, its slot (distinct)."""
    from varproof.pileup import packing_numba_fns as kernels

    depth = np.zeros(slots, np.int64)
    for owner, part in pieces:
        depth[owner] = np.diff(part.offset)
    offset = np.concatenate([[0], np.cumsum(depth)]).astype(np.int64)
    total = int(offset[-1])
    whole = PackedRows(
        offset,
        np.empty((total, window), np.uint8),
        np.empty((total, window), np.uint8),
        np.empty((total, len(ROW_COLUMNS)), np.uint8),
    )
    for owner, part in pieces:
        for name in ("base", "quality", "rows"):
            kernels.copy_rows(getattr(part, name), part.offset, getattr(whole, name), offset[owner])
    return whole
