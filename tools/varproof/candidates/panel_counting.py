"""What one normal's reads of a chunk show, counted for a panel: alleles, coverage of windows, and single errors by context.

The reads are decoded and their differences listed by the kernels with which candidates are found.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from varproof.candidates.arrays import BASE, KEY, LENGTH, POSITION, QUERY, READ, UNUSABLE, CandidateReads
from varproof.candidates.decisions import DECISIONS
from varproof.candidates.finding import FindingSettings, differences_of, reads_of
from varproof.candidates.pipeline import AROUND, inside
from varproof.formats.panel import (
    ALLELE_COLUMNS,
    CONTEXTS,
    ORIENTATIONS,
    QUALITY_BINS,
    QUALITY_BOUNDS,
    READ_KINDS,
    REPEAT_CONTEXTS,
    TRINUCLEOTIDES,
    WINDOW,
    PanelAlleles,
    PanelContexts,
    PanelCoverage,
    added_alleles,
    no_alleles,
    shown_from,
)
from varproof.reads.decode import decode_reads
from varproof.reads.sam import FIRST, PAIRED, REVERSE
from varproof.variants.placement import MAX_SHIFT
from varproof.variants.reference import ReferenceSlice, reference_slice
from varproof.variants.repeat_context import repeat_contexts

Intervals = list[tuple[int, int]]


class PanelChunk(NamedTuple):
    """A stretch of a contig, 0-based half-open: whole windows of which alleles and coverage are counted, and within them the
    regions that single errors are counted in."""

    contig: str
    start: int
    end: int
    windows: Intervals
    regions: Intervals


@dataclass(frozen=True)
class CountedChunk:
    """What all normals show of a chunk; `limited`: reads of deep places were left out."""

    contig: str
    alleles: PanelAlleles
    coverage: PanelCoverage
    contexts: PanelContexts
    limited: bool


def counted_chunk(chunk: PanelChunk, normals: list[Any], fasta: Any, max_depth: int | None) -> CountedChunk:
    """Counts of all normals (open alignment files) together, one after the other, so that memory is that of one."""
    length = fasta.get_reference_length(chunk.contig)
    reference = reference_slice(fasta, chunk.contig, chunk.start - AROUND, chunk.end + AROUND)
    places = _Places.of(chunk, reference)
    width = chunk.end - chunk.start
    bases, covering = np.zeros(-(-width // WINDOW), np.int64), np.zeros(-(-width // WINDOW), np.int64)
    covered, limited = np.zeros(width + 1, np.int64), False
    errors = np.zeros((CONTEXTS, READ_KINDS), np.int64)
    insertions, deletions = (np.zeros(REPEAT_CONTEXTS, np.int64) for _ in range(2))
    alleles: list[PanelAlleles] = []
    settings = FindingSettings(mapping_quality=DECISIONS.panel_mapping_quality)
    for handle in normals:
        batch = decode_reads(
            handle, chunk.contig, chunk.start - 1, min(length, chunk.end + MAX_SHIFT), max_depth=max_depth,
            keep_unmapped_mates=False,
        )  # fmt: skip
        limited |= batch.limited
        if not batch.size:
            continue
        reads = reads_of(batch, reference)
        differences = differences_of(reads, reference, chunk.start - 1, chunk.end, settings)
        coverage = differences.coverage.astype(np.int64)
        covered += coverage
        by_window = np.add.reduceat(coverage[1:], np.arange(0, width, WINDOW))
        bases += by_window
        covering += by_window >= DECISIONS.covering_depth * _widths(width)
        counts = _allele_counts(reads, differences.rows, coverage, chunk)
        shown = counts.reads.sum(axis=1) >= shown_from(counts.depth)
        alleles.append(as_alleles(counts.rows(shown)))
        places.add_errors(counts.rows(~shown), errors, insertions, deletions)
    kept = inside(chunk.start + WINDOW * np.arange(len(bases)), chunk.windows) & (bases > 0)
    coverage_table = PanelCoverage(
        (chunk.start // WINDOW + np.flatnonzero(kept)).astype(np.uint32),
        bases[kept].astype(np.uint32),
        covering[kept].astype(np.uint16),
    )
    contexts = places.contexts(covered[1:], errors, insertions, deletions)
    return CountedChunk(chunk.contig, added_alleles(alleles), coverage_table, contexts, limited)


def _widths(width: int) -> np.ndarray:
    """bp of each window of a chunk; the last of a contig may be narrower."""
    return np.minimum(WINDOW, width - np.arange(0, width, WINDOW))


class AlleleCounts(NamedTuple):
    """Distinct alleles of one normal: identity as in `PanelAlleles`, reads by kind, depth."""

    position: np.ndarray
    length: np.ndarray
    key: np.ndarray
    reads: np.ndarray
    depth: np.ndarray

    def rows(self, wanted: np.ndarray) -> "AlleleCounts":
        """The alleles `wanted`."""
        return AlleleCounts(*(column[wanted] for column in self))


def _allele_counts(reads: CandidateReads, rows: np.ndarray, coverage: np.ndarray, chunk: PanelChunk) -> AlleleCounts:
    """Alleles within the chunk's windows; `coverage` begins one base before the chunk."""
    quality = reads.qualities[reads.base_offset[rows[:, READ]] + rows[:, QUERY]]
    substitution = rows[:, LENGTH] == 0
    usable = np.where(substitution, quality >= DECISIONS.panel_base_quality, rows[:, BASE] != UNUSABLE)
    usable &= (rows[:, POSITION] >= chunk.start) & (rows[:, POSITION] < chunk.end)
    usable[usable] = inside(rows[usable, POSITION], chunk.windows)
    rows, quality, substitution = rows[usable], quality[usable], substitution[usable]
    flag = reads.flag[rows[:, READ]]
    strand = (flag & REVERSE) > 0
    first = ((flag & PAIRED) == 0) | ((flag & FIRST) > 0)
    kind = QUALITY_BINS * (ORIENTATIONS * strand + (first == strand)) + np.searchsorted(QUALITY_BOUNDS, quality, side="right")
    key = np.where(substitution, rows[:, BASE], rows[:, KEY])
    order = np.lexsort((key, rows[:, LENGTH], rows[:, POSITION]))
    identity = [rows[order, POSITION], rows[order, LENGTH], key[order]]
    different = np.ones(len(order), bool)
    different[1:] = False
    for column in identity:
        different[1:] |= column[1:] != column[:-1]
    number = np.cumsum(different) - 1
    size = int(different.sum())
    counts = np.bincount(READ_KINDS * number + kind[order], minlength=READ_KINDS * size).reshape(size, READ_KINDS)
    position, length, keys = (column[different] for column in identity)
    anchor = np.where(length == 0, position, np.maximum(position - 1, 0)) - (chunk.start - 1)
    depth = np.maximum(coverage[np.maximum(anchor, 0)], counts.sum(axis=1))
    return AlleleCounts(position, length, keys, counts, depth)


def as_alleles(counts: AlleleCounts) -> PanelAlleles:
    """One normal's part of the table: it shows the allele, or carries it."""
    if not len(counts.position):
        return no_alleles()
    shown = counts.reads.sum(axis=1)
    carrier = shown >= DECISIONS.carrier_fraction * counts.depth
    homozygous = shown >= DECISIONS.homozygous_fraction * counts.depth
    columns = {
        "position": counts.position,
        "length": counts.length,
        "key": counts.key,
        "normals": ~carrier,
        "reads": np.where(carrier[:, None], 0, counts.reads),
        "depth": np.where(carrier, 0, counts.depth),
        "heterozygous": carrier & ~homozygous,
        "homozygous": homozygous,
        "carrier_reads": np.where(carrier, shown, 0),
        "carrier_depth": np.where(carrier, counts.depth, 0),
        **dict.fromkeys(("looked", "looked_depth"), np.zeros(len(shown), np.int64)),
    }
    return PanelAlleles(**{name: columns[name].astype(kind) for name, (kind, _) in ALLELE_COLUMNS.items()})


@dataclass(frozen=True)
class _Places:
    """What lies at each base of a chunk: of a substitution the bases beside, of an indel the repeat that begins there.

    `codes` (width + 2,): of the reference, from one base before the chunk on; `trinucleotide`, `repeat` (width,): -1 where
    there is none, or outside of the regions.
    """

    start: int
    codes: np.ndarray
    trinucleotide: np.ndarray
    repeat: np.ndarray

    @classmethod
    def of(cls, chunk: PanelChunk, reference: ReferenceSlice) -> "_Places":
        """Of a chunk."""
        width = chunk.end - chunk.start
        codes = np.full(width + 2, 4, np.int64)
        low, high = max(reference.start, chunk.start - 1), min(reference.end, chunk.end + 1)
        codes[low - chunk.start + 1 : high - chunk.start + 1] = reference.between(low, high)
        known = (codes[:-2] < 4) & (codes[1:-1] < 4) & (codes[2:] < 4)
        known &= inside(np.arange(chunk.start, chunk.end), chunk.regions)
        trinucleotide = np.where(known, 16 * codes[:-2] + 4 * codes[1:-1] + codes[2:], -1)
        repeat = repeat_contexts(reference, chunk.start, chunk.end)
        repeat[~inside(np.arange(chunk.start, chunk.end), chunk.regions)] = -1
        return cls(chunk.start, codes, trinucleotide, repeat)

    def add_errors(self, counts: AlleleCounts, errors: np.ndarray, insertions: np.ndarray, deletions: np.ndarray) -> None:
        """Add the reads of alleles that are not listed."""
        at = counts.position - self.start
        substitution = (counts.length == 0) & (self.trinucleotide[at] >= 0)
        where = at[substitution]
        before, ref, after = self.codes[where], self.codes[where + 1], self.codes[where + 2]
        alt = counts.key[substitution]
        np.add.at(errors, (3 * ref + alt - (alt > ref)) * 16 + 4 * before + after, counts.reads[substitution])
        repeat, reads = self.repeat[at], counts.reads.sum(axis=1)
        for chosen, out in ((counts.length > 0, insertions), (counts.length < 0, deletions)):
            kept = chosen & (repeat >= 0)
            out += np.bincount(repeat[kept], reads[kept], len(out)).astype(np.int64)

    def contexts(self, covered: np.ndarray, errors: np.ndarray, insertions: np.ndarray, deletions: np.ndarray) -> PanelContexts:
        """The table of errors, with the reads over each kind of place."""

        def summed(names: np.ndarray, count: int) -> np.ndarray:
            out, known = np.zeros(count, np.int64), names >= 0
            np.add.at(out, names[known], covered[known])
            return out

        by_trinucleotide, by_repeat = summed(self.trinucleotide, TRINUCLEOTIDES), summed(self.repeat, REPEAT_CONTEXTS)
        counted = (errors, by_trinucleotide, insertions, deletions, by_repeat)
        return PanelContexts(*(values.astype(np.uint64) for values in counted))
