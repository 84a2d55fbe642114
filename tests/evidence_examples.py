"""Small loci with a known variant, the reads that an aligner would show there, and what varproof makes of them."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from small_bams import Read, write_bam, write_fasta
from varproof.evidence.pipeline import SampleFiles, evidence_chunks
from varproof.formats.alignment import AlignmentProperties
from varproof.formats.evidence import SIGNATURE_COLUMNS, Evidence, concatenated, no_links

READ_LENGTH, FRAGMENT = 100, 300
PROPERTIES = AlignmentProperties(
    insert_size_mean=300.0,
    insert_size_sd=30.0,
    max_read_length=READ_LENGTH,
    max_insertion_operation=30,
    max_deletion_operation=50,
    max_softclip_fraction=0.6,
    depth=30.0,
)
SINGLE_END = PROPERTIES.model_copy(update={"insert_size_mean": None, "insert_size_sd": None})
"""No insert sizes: what is left is the reads' own evidence."""

_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def plain_sequence(length: int, seed: int = 1) -> str:
    """Random bases in which no two neighbours are alike, so that indels have one placement unless they are made to."""
    rng = random.Random(seed)
    out = rng.choice("ACGT")
    while len(out) < length:
        out += rng.choice([base for base in "ACGT" if base != out[-1] and (len(out) < 2 or base != out[-2])])
    return out


def reverse_complement(sequence: str) -> str:
    return sequence.translate(_COMPLEMENT)[::-1]


@dataclass
class Locus:
    """A reference (contig chr1) in which reference[start:end] may become `alt`, and fragments of either haplotype.

    Gaps longer than `longest_gap` are shown as soft clips, like an aligner does.
    """

    reference: str
    start: int
    end: int
    alt: str
    longest_gap: int = 60
    reads: list[Read] = field(default_factory=list)

    @property
    def haplotype(self) -> str:
        return self.reference[: self.start] + self.alt + self.reference[self.end :]

    def _reference_positions(self, variant: bool) -> list[int | None]:
        before, after = list(range(self.start)), list(range(self.end, len(self.reference)))
        if not variant:
            return list(range(len(self.reference)))
        shared = min(len(self.alt), self.end - self.start)
        middle = [self.start + i for i in range(shared)] + [None] * (len(self.alt) - shared)
        return before + middle + after

    def alignment(self, start: int, length: int, variant: bool) -> tuple[int, str, str]:
        """(reference start, CIGAR, sequence) of haplotype[start:start + length]; ('', -1) where no base can be aligned."""
        sequence = (self.haplotype if variant else self.reference)[start : start + length]
        positions = self._reference_positions(variant)[start : start + length]
        blocks: list[list[int]] = []
        for i, position in enumerate(positions):
            if position is None:
                continue
            if blocks and positions[i - 1] == position - 1:
                blocks[-1][2] += 1
            else:
                blocks.append([i, position, 1])
        if not blocks:
            return -1, "", sequence
        gaps = [(b[0] - a[0] - a[2], b[1] - a[1] - a[2]) for a, b in itertools.pairwise(blocks)]
        if any(max(gap) > self.longest_gap for gap in gaps):
            blocks = [max(blocks, key=lambda block: block[2])]
            gaps = []
        cigar = [("S", blocks[0][0])]
        for i, (_, _, size) in enumerate(blocks):
            cigar.append(("M", size))
            if i < len(gaps):
                cigar += [("I", gaps[i][0]), ("D", gaps[i][1])]
        cigar.append(("S", len(sequence) - blocks[-1][0] - blocks[-1][2]))
        return blocks[0][1], "".join(f"{size}{op}" for op, size in cigar if size), sequence

    def add_pair(self, start: int, variant: bool, length: int = FRAGMENT, read_length: int = READ_LENGTH,
                 first_forward: bool = True, quality: int | None = 30, flag: int = 0, mapq: int = 60) -> None:  # fmt: skip
        """A fragment of the haplotype from `start` on; a mate that can't be aligned lies unmapped beside the other."""
        name = f"{'alt' if variant else 'ref'}{len(self.reads)}"
        mates = [self.alignment(at, read_length, variant) for at in (start, start + length - read_length)]
        unmapped = [position < 0 for position, _, _ in mates]
        places = [mates[1 - i][0] if unmapped[i] else mates[i][0] for i in range(2)]
        for i, (_, cigar, sequence) in enumerate(mates):
            bits = 0x1 | flag | (0x40 if (i == 0) == first_forward else 0x80)
            bits |= (0x10 if i and not unmapped[i] else 0) | (0x20 if not i and not unmapped[1] else 0)
            bits |= (0x4 if unmapped[i] else 0) | (0x8 if unmapped[1 - i] else 0)
            shown = reverse_complement(sequence) if unmapped[i] and i else sequence
            qualities = None if quality is None else [quality] * len(sequence)
            self.reads.append(
                Read(name, places[i], cigar, shown, qualities, bits, 0 if unmapped[i] else mapq, places[1 - i])
            )  # fmt: skip

    def add_read(self, start: int, variant: bool, length: int = READ_LENGTH, reverse: bool = False,
                 quality: int | None = 30, mapq: int = 60, change: tuple[int, str] | None = None) -> None:  # fmt: skip
        """An unpaired read of the haplotype; `change` puts another base at a haplotype position."""
        position, cigar, sequence = self.alignment(start, length, variant)
        if change:
            at = change[0] - start
            sequence = sequence[:at] + change[1] + sequence[at + 1 :]
        qualities = None if quality is None else [quality] * len(sequence)
        name = f"{'alt' if variant else 'ref'}{len(self.reads)}"
        self.reads.append(Read(name, position, cigar, sequence, qualities, 0x10 if reverse else 0, mapq))

    def record(self, shift: int = 0) -> tuple[int, str, str]:
        """(0-based position, REF, ALT) as VCF writes it, with the base before; `shift` moves an indel to the right."""
        if len(self.alt) == self.end - self.start:
            return self.start, self.reference[self.start : self.end], self.alt
        haplotype, gain = self.haplotype, len(self.alt) - (self.end - self.start)
        first = self.start - 1 + shift
        last = self.end + shift
        return first, self.reference[first:last], haplotype[first : last + gain]


def header_text(contigs: dict[str, int], extra: str = "") -> str:
    lines = "".join(f"##contig=<ID={name},length={length}>\n" for name, length in contigs.items())
    return f"##fileformat=VCFv4.3\n{lines}{extra}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def write_candidates(path: Path, records: list[Any], contigs: dict[str, int], extra: str = "") -> Path:
    """A plain VCF. Records: (0-based position, REF, ALT) on chr1, or whole lines."""
    lines = [
        item if isinstance(item, str) else f"chr1\t{item[0] + 1}\t.\t{item[1]}\t{item[2]}\t.\t.\t."
        for item in records
    ]  # fmt: skip
    path.write_text(header_text(contigs, extra) + "".join(line + "\n" for line in lines))
    return path


def sample_files(
    folder: Path, reference: str, reads: list[Read], records: list[Any], properties: AlignmentProperties = PROPERTIES,
    max_depth: int | None = None,
) -> SampleFiles:  # fmt: skip
    """Reads, reference (chr1) and candidates written to `folder`."""
    fasta = write_fasta(folder / "reference.fa", {"chr1": reference})
    bam = write_bam(folder / "reads.bam", {"chr1": len(reference)}, reads)
    candidates = write_candidates(folder / "candidates.vcf", records, {"chr1": len(reference)})
    return SampleFiles(bam, fasta, candidates, properties, max_depth)


def collected(
    folder: Path, reference: str, reads: list[Read], records: list[Any], properties: AlignmentProperties = PROPERTIES,
    max_depth: int | None = None,
) -> Evidence:  # fmt: skip
    """Evidence of reads for records, collected in this process."""
    return concatenated(list(evidence_chunks(sample_files(folder, reference, reads, records, properties, max_depth), 1)))


def log_ratios(evidence: Evidence, candidate: int = 0) -> list[float]:
    """One candidate's log ratios, one per fragment, ascending."""
    rows = slice(evidence.offset[candidate], evidence.offset[candidate + 1])
    out: list[float] = []
    for value, count in zip(evidence.log_ratio[rows].tolist(), evidence.count[rows].tolist(), strict=True):
        out += [value] * count
    return sorted(out)


def scored_records(path: Path) -> list[Any]:
    with pysam.VariantFile(str(path)) as handle:
        return list(handle)


def observed(
    rng: np.random.Generator, fractions: list[float], depth: int, error: float = 0.001, mapq: Sequence[int] = (60,),
    strengths: Sequence[float] = (8.0,),
) -> Evidence:  # fmt: skip
    """Evidence as the model has it, one candidate per fraction of copies: `depth` fragments, each of an alternative copy with
    that probability, read as the other with `error`, its log ratio one of `strengths`; random strands, nothing merged.
    """
    n = len(fractions)
    variant = rng.random((n, depth)) < np.array(fractions)[:, None]
    shown = variant ^ (rng.random((n, depth)) < error)
    rows = n * depth
    log_ratio = np.where(shown.ravel(), 1.0, -1.0) * rng.choice(list(strengths), rows)
    return Evidence(
        key=np.arange(n, dtype=np.uint64),
        haplotype=np.arange(n, dtype=np.uint64),
        joined=np.zeros(n, np.uint8),
        judged=np.ones(n, np.uint8),
        sampling_ratio=np.ones(n, np.float32),
        slip_forward=np.zeros(n, np.float32),
        slip_back=np.zeros(n, np.float32),
        depth=np.full(n, depth, np.uint32),
        used=np.full(n, depth, np.uint32),
        usable=np.full(n, depth, np.uint32),
        reference_count=(~shown).sum(axis=1).astype(np.uint32),
        alternative_count=shown.sum(axis=1).astype(np.uint32),
        other_count=np.zeros(n, np.uint32),
        support=shown.sum(axis=1).astype(np.uint32),
        **{name: np.zeros(n, np.float32) for name in SIGNATURE_COLUMNS},
        same_place=np.zeros(n, np.float32),
        offset=np.arange(n + 1, dtype=np.int64) * depth,
        log_ratio=log_ratio.astype(np.float32),
        mapq=rng.choice(list(mapq), rows).astype(np.uint8),
        strand=rng.choice([1, 2, 3], rows, p=[0.45, 0.45, 0.1]).astype(np.uint8),
        orientation=rng.choice([0, 1], rows).astype(np.uint8),
        log_error_ratio=np.zeros(rows, np.float32),
        read_context=np.zeros(rows, np.uint8),
        count=np.ones(rows, np.uint32),
        **no_links(n),
    )


def direct_log_likelihood(evidence: Evidence, i: int, fraction: float, spurious: float = 0.0) -> float:
    """The paper's likelihood of a fraction of copies, from candidate i's fragments one by one (eqs. 9 to 11 and 23)."""
    rows = slice(evidence.offset[i], evidence.offset[i + 1])
    ratio = evidence.log_ratio[rows].astype(float)
    right = 1.0 - np.clip(10.0 ** (-evidence.mapq[rows].astype(float) / 10), 1e-6, 1 - 1e-6)
    scale = np.maximum(ratio, 0.0)
    a, p = np.exp(-scale), np.exp(ratio - scale)
    a = (1 - spurious) * a + spurious * p
    one = right * (fraction * p + (1 - fraction) * a) + (1 - right) * (a + p) / 2
    return float((evidence.count[rows] * np.log(one)).sum())
