"""Every allele that reads show: a pileup with the lowest thresholds, which calls nothing and misses little."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from varproof.candidates.arrays import BASE, LENGTH, POSITION, QUERY, READ, CandidateReads
from varproof.candidates.finding import FindingSettings, as_aligned, counted_indels, differences_of
from varproof.reads.arrays import BASE_CODES
from varproof.reads.decode import decode_reads, open_reads
from varproof.simulation.genome import Genome
from varproof.variants.edit import LONGEST_MNV, Edit
from varproof.variants.reference import ReferenceSlice

MIN_BASE_QUALITY = 5
_CHUNK_BP = 200_000
_LETTERS = bytes.maketrans(bytes(range(4)), b"ACGT")


def alleles_in_reads(
    reads: Path, genome: Genome, *, reference: Path | None = None, min_quality: int = MIN_BASE_QUALITY
) -> Counter[Edit]:
    """Reads per allele (left-aligned, trimmed, positions of `genome.bases`) over a whole indexed BAM or CRAM.

    Primary, non-duplicate reads that passed QC and have a mapping quality above 0. Adjacent mismatches of a read are one MNV
    (2-5 bp), each base of a longer run is an SNV. Mismatching bases under `min_quality` don't count.
    """
    counts: Counter[Edit] = Counter()
    with open_reads(reads, reference) as handle:
        for name, contig_start, length in zip(genome.names, genome.starts[:-1].tolist(), genome.lengths(), strict=True):
            whole = ReferenceSlice(name, 0, BASE_CODES[genome.bases[contig_start : contig_start + length]])
            for low in range(0, length, _CHUNK_BP):
                batch = decode_reads(handle, name, low, low + _CHUNK_BP, keep_unmapped_mates=False)
                columns = as_aligned(batch)
                rows = differences_of(columns, whole, low, low, FindingSettings()).rows
                rows = rows[columns.start[rows[:, READ]] >= low]  # others are counted where they start
                for start, end, alt, number in _counted(columns, rows, min_quality):
                    counts[Edit(contig_start + start, contig_start + end, alt.translate(_LETTERS))] += number
    return counts


def _counted(reads: CandidateReads, rows: np.ndarray, min_quality: int) -> Iterator[tuple[int, int, bytes, int]]:
    """(start, end, alternative as codes, reads) of what is in the rows of `Differences`; none at a contig's very start."""
    for (start, end, alt), shown, _ in counted_indels(reads, rows):
        if start > 0:
            yield start, end, alt, shown
    snv = rows[rows[:, LENGTH] == 0]
    snv = snv[reads.qualities[reads.base_offset[snv[:, READ]] + snv[:, QUERY]] >= min_quality]
    if not len(snv):
        return
    begins = np.ones(len(snv), bool)
    step = np.diff(snv[:, [READ, POSITION, QUERY]], axis=0)
    begins[1:] = (step != (0, 1, 1)).any(axis=1)
    run = np.cumsum(begins) - 1
    begins |= (np.bincount(run) > LONGEST_MNV)[run]
    first = np.flatnonzero(begins)
    place = np.arange(len(snv)) - np.repeat(first, np.diff(np.append(first, len(snv))))
    codes = np.add.reduceat((snv[:, BASE] + 1) << (3 * place), first)
    distinct, number = np.unique(np.stack([snv[first, POSITION], codes], axis=1), axis=0, return_counts=True)
    for (start, code), count in zip(distinct.tolist(), number.tolist(), strict=True):
        alt = bytes((code >> shift & 7) - 1 for shift in range(0, code.bit_length(), 3))
        yield start, start + len(alt), alt, count
