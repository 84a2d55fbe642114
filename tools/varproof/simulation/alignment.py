"""Read pairs to coordinate-sorted BAM: minimap2 in this process, SAM lines with flags and mates as an aligner writes them.

Supplementary alignments of split reads are written (flag 0x800, soft-clipped, with SA); secondary ones are not.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from varproof import __version__
from varproof.simulation.genome import Genome
from varproof.simulation.reads import ReadPairs

PAIRED, PROPER, UNMAPPED, MATE_UNMAPPED = 0x1, 0x2, 0x4, 0x8
REVERSE, MATE_REVERSE, READ1, READ2, DUPLICATE, SUPPLEMENTARY = 0x10, 0x20, 0x40, 0x80, 0x400, 0x800
_CRAM_FILE_ID_AT = 6
_COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def _sequence(genome: Genome, contig: int) -> bytes:
    return genome.text[genome.starts[contig] : genome.starts[contig + 1]]


def _digest(sequence: bytes) -> str:
    return hashlib.md5(sequence, usedforsecurity=False).hexdigest()


def sam_header(genome: Genome, sample: str) -> str:
    """Header text: contigs, one read group of the sample, the program without paths or dates."""
    lines = ["@HD\tVN:1.6\tSO:unsorted"]
    for i, name in enumerate(genome.names):
        lines.append(f"@SQ\tSN:{name}\tLN:{genome.lengths()[i]}\tM5:{_digest(_sequence(genome, i))}")
    lines.append(f"@RG\tID:{sample}\tSM:{sample}\tLB:{sample}\tPL:ILLUMINA")
    lines.append(f"@PG\tID:simulate-pair\tPN:simulate-pair\tVN:{__version__}")
    return "\n".join(lines) + "\n"


def open_aligner(reference: Path, max_fragment_length: int) -> Any:
    """minimap2 for short pairs over a FASTA file."""
    import mappy

    return mappy.Aligner(str(reference), preset="sr", n_threads=1, max_frag_len=max_fragment_length)


class _Placed:
    """One alignment of one mate, in SAM terms."""

    __slots__ = ("cigar", "contig", "end", "mapq", "mismatches", "reverse", "start")

    def __init__(self, hit: Any, read_length: int, flipped: bool) -> None:
        # For the second mate minimap2's query interval is that of the reverse complement.
        first, last = (read_length - hit.q_en, read_length - hit.q_st) if flipped else (hit.q_st, hit.q_en)
        self.reverse = hit.strand < 0
        before, after = (read_length - last, first) if self.reverse else (first, read_length - last)
        self.cigar = (f"{before}S" if before else "") + hit.cigar_str + (f"{after}S" if after else "")
        self.contig, self.start, self.end = hit.ctg, hit.r_st, hit.r_en
        self.mapq, self.mismatches = hit.mapq, hit.NM


def _supplementary_tag(placed: _Placed) -> str:
    strand = "-" if placed.reverse else "+"
    return f"{placed.contig},{placed.start + 1},{strand},{placed.cigar},{placed.mapq},{placed.mismatches};"


def pair_lines(
    name: str,
    sequences: tuple[str, str],
    qualities: tuple[str, str],
    hits: tuple[list[_Placed], list[_Placed]],
    flags: int,
    read_group: str,
    max_fragment_length: int,
) -> list[str]:
    """SAM lines of a pair; `hits` per mate, primary first, empty if unmapped; `flags` are added to all lines."""
    primary = [placed[0] if placed else None for placed in hits]
    one, two = primary
    proper, template = False, 0
    if one and two and one.contig == two.contig:
        left, right = min(one.start, two.start), max(one.end, two.end)
        template = right - left
        if one.reverse != two.reverse:
            ahead, behind = (two, one) if one.reverse else (one, two)
            proper = ahead.start <= behind.start and ahead.end <= behind.end and template <= max_fragment_length
    lines = []
    for mate, (own, other) in enumerate(((one, two), (two, one))):
        flag = flags | PAIRED | (READ2 if mate else READ1) | (PROPER if proper else 0)
        if other is None:
            flag |= MATE_UNMAPPED
        elif other.reverse:
            flag |= MATE_REVERSE
        forward_text = (sequences[mate], qualities[mate])
        if own is None:
            flag |= UNMAPPED
            place = f"{other.contig}\t{other.start + 1}" if other else "*\t0"
            mate_place = f"=\t{other.start + 1}" if other else "*\t0"
            lines.append(
                f"{name}\t{flag}\t{place}\t0\t*\t{mate_place}\t0\t{forward_text[0]}\t{forward_text[1]}\tRG:Z:{read_group}\n"
            )
            continue
        anchor = other or own
        reverse_text = (forward_text[0][::-1].translate(_COMPLEMENT), forward_text[1][::-1])
        for rank, placed in enumerate(hits[mate]):
            mate_contig = "=" if anchor.contig == placed.contig else anchor.contig
            length = 0
            if rank == 0 and template:
                leftmost = placed.start < other.start or (placed.start == other.start and mate == 0)  # type: ignore[union-attr]
                length = template if leftmost else -template
            sequence, quality = reverse_text if placed.reverse else forward_text
            own_flag = flag | (REVERSE if placed.reverse else 0) | (SUPPLEMENTARY if rank else 0)
            tags = f"NM:i:{placed.mismatches}\tRG:Z:{read_group}"
            if len(hits[mate]) > 1:
                others = "".join(_supplementary_tag(hit) for i, hit in enumerate(hits[mate]) if i != rank)
                tags += f"\tSA:Z:{others}"
            lines.append(
                f"{name}\t{own_flag}\t{placed.contig}\t{placed.start + 1}\t{placed.mapq}\t{placed.cigar}\t"
                f"{mate_contig}\t{anchor.start + 1}\t{length}\t{sequence}\t{quality}\t{tags}\n"
            )
    return lines


def write_sorted_bam(
    pairs: ReadPairs, aligner: Any, header: str, read_group: str, prefix: str, max_fragment_length: int, path: Path
) -> None:
    """Align all pairs and write them as a BAM sorted by coordinate; read names are `prefix` and a number."""
    import mappy

    buffer = mappy.ThreadBuffer()
    read_length = pairs.bases.shape[2]
    bases = pairs.bases.tobytes().decode()
    qualities = (pairs.qualities + np.uint8(33)).tobytes().decode()
    unsorted = path.with_suffix(".sam")
    with unsorted.open("w") as out:
        out.write(header)
        for i in range(len(pairs.bases)):
            at = 2 * i * read_length
            middle, stop = at + read_length, at + 2 * read_length
            one, two = bases[at:middle], bases[middle:stop]
            hits: tuple[list[_Placed], list[_Placed]] = ([], [])
            for hit in aligner.map(one, two, buf=buffer):
                if hit.is_primary:
                    hits[hit.read_num - 1].append(_Placed(hit, read_length, hit.read_num == 2))
            flags = DUPLICATE if pairs.duplicate[i] else 0
            text = (qualities[at:middle], qualities[middle:stop])
            out.writelines(pair_lines(f"{prefix}{i}", (one, two), text, hits, flags, read_group, max_fragment_length))
    pysam.sort("--no-PG", "-m", "512M", "-l", "1", "-o", str(path), str(unsorted))
    unsorted.unlink()


@contextlib.contextmanager
def _sequences_by_digest(genome: Genome, folder: Path) -> Iterator[None]:
    """Let htslib find the reference by its M5, as files in `folder`: given as a FASTA, its path would end up in the CRAM."""
    before = os.environ.get("REF_PATH")
    for i in range(len(genome.names)):
        (folder / _digest(_sequence(genome, i))).write_bytes(_sequence(genome, i))
    os.environ["REF_PATH"] = str(folder / "%s")
    try:
        yield
    finally:
        del os.environ["REF_PATH"]
        if before is not None:
            os.environ["REF_PATH"] = before


def merge_bams(parts: list[Path], path: Path, genome: Genome) -> None:
    """Merge sorted BAMs into one indexed BAM or CRAM (by suffix); uses the folder of the parts for temporary files."""
    with _sequences_by_digest(genome, parts[0].parent) if path.suffix == ".cram" else contextlib.nullcontext():
        form = path.suffix.removeprefix(".")
        pysam.merge("--no-PG", "-f", "-c", "-p", "-O", form, "-o", str(path), *[str(part) for part in parts])
    if path.suffix == ".cram":
        with path.open("r+b") as handle:  # htslib puts the first 20 bytes of the path, a temporary one, into the file id
            handle.seek(_CRAM_FILE_ID_AT)
            handle.write(path.name.encode()[:20].ljust(20, b"\0"))
    pysam.index(str(path))
