"""Every allele that reads show: a pileup with the lowest thresholds, which calls nothing and misses little."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from varproof.simulation.genome import Genome
from varproof.simulation.variants import Allele, left_aligned

MIN_BASE_QUALITY = 5
_BATCH_READS = 20_000
_LEFT_OUT = 0x4 | 0x100 | 0x200 | 0x400 | 0x800
_CODED_BASES = b"NACGT"


class _Batch:
    """Reads as flat arrays, until there are enough of them to be worth a call."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.sequences: list[str] = []
        self.qualities: list[Any] = []
        self.cigars: list[list[tuple[int, int]]] = []

    def add(self, read: Any, contig_start: int) -> None:
        self.starts.append(contig_start + read.reference_start)
        self.sequences.append(read.query_sequence)
        self.qualities.append(read.query_qualities)
        self.cigars.append(read.cigartuples)


def _count_batch(
    batch: _Batch, genome: Genome, min_quality: int, substitutions: Counter[tuple[int, int]], indels: Counter[Allele]
) -> None:
    from varproof.simulation.pileup_numba_fns import read_differences

    if not batch.starts:
        return
    text = "".join(batch.sequences).encode()
    bases = np.frombuffer(text, dtype=np.uint8)
    sizes = np.array([len(sequence) for sequence in batch.sequences], dtype=np.int64)
    absent = bytes([255])
    qualities = np.frombuffer(
        b"".join(q.tobytes() if q is not None else absent * n for q, n in zip(batch.qualities, sizes.tolist(), strict=True)),
        dtype=np.uint8,
    )
    cigars = np.array([operation for cigar in batch.cigars for operation in cigar], dtype=np.int64)
    cigar_sizes = np.array([len(cigar) for cigar in batch.cigars], dtype=np.int64)
    position, code = np.empty(len(bases), np.int64), np.empty(len(bases), np.int64)
    indel_position, indel_length, indel_base = (np.empty(len(cigars), np.int64) for _ in range(3))
    number, indel_number = read_differences(
        genome.bases,
        np.array(batch.starts, dtype=np.int64),
        np.cumsum(sizes) - sizes,
        np.concatenate([[0], np.cumsum(cigar_sizes)]),
        bases,
        qualities,
        np.ascontiguousarray(cigars[:, 0]),
        np.ascontiguousarray(cigars[:, 1]),
        min_quality,
        position,
        code,
        indel_position,
        indel_length,
        indel_base,
    )
    substitutions.update(zip(position[:number].tolist(), code[:number].tolist(), strict=True))
    for at, length, base in zip(
        indel_position[:indel_number].tolist(),
        indel_length[:indel_number].tolist(),
        indel_base[:indel_number].tolist(),
        strict=True,
    ):
        if length > 0:
            indels[Allele(at, at, text[base : base + length])] += 1
        else:
            indels[Allele(at, at - length, b"")] += 1


def alleles_in_reads(
    reads: Path, genome: Genome, *, reference: Path | None = None, min_quality: int = MIN_BASE_QUALITY
) -> Counter[Allele]:
    """Reads per allele (left-aligned, trimmed, positions of `genome.bases`) over a whole BAM or CRAM.

    Primary, non-duplicate reads that passed QC and have a mapping quality above 0. Adjacent mismatches of a read are one MNV
    (2-5 bp). Mismatching bases under `min_quality` don't count.
    """
    substitutions: Counter[tuple[int, int]] = Counter()
    indels: Counter[Allele] = Counter()
    contig_start = {name: int(genome.starts[i]) for i, name in enumerate(genome.names)}
    with pysam.AlignmentFile(str(reads), reference_filename=str(reference) if reference else None) as handle:
        batch = _Batch()
        for read in handle:
            if read.flag & _LEFT_OUT or read.mapping_quality == 0 or read.query_sequence is None:
                continue
            if read.has_tag("NM") and read.get_tag("NM") == 0:
                continue
            batch.add(read, contig_start[str(read.reference_name)])
            if len(batch.starts) == _BATCH_READS:
                _count_batch(batch, genome, min_quality, substitutions, indels)
                batch = _Batch()
        _count_batch(batch, genome, min_quality, substitutions, indels)

    counts: Counter[Allele] = Counter()
    for (at, code), number in substitutions.items():
        alt = bytearray()
        while code:
            alt.append(_CODED_BASES[code & 7])
            code >>= 3
        counts[Allele(at, at + len(alt), bytes(alt))] += number
    for allele, number in indels.items():
        limit = int(genome.starts[genome.contig_of(allele.start)])
        if allele.start > limit:
            counts[left_aligned(genome.text, allele, limit)] += number
    return counts
