"""Read pairs to coordinate-sorted BAM: minimap2, then flags of duplicates, read groups, and our own header.

Supplementary alignments of split reads are kept (flag 0x800, soft-clipped, with SA); secondary ones are not.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam

from varproof import __version__
from varproof.machinery.errors import UserError
from varproof.reads.sam import DUPLICATE, SUPPLEMENTARY
from varproof.simulation.genome import Genome
from varproof.simulation.reads import ReadPairs

SAM_TAGS_AT = 9
"""Where the tags begin after name and flag."""

KEPT_TAGS = ("NM:", "AS:", "SA:")
PHRED_OFFSET = 33
_CRAM_FILE_ID_AT = 6


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


def build_index(reference: Path, index: Path) -> None:
    """Write minimap2's index of a FASTA file for short reads."""
    _minimap2(["-x", "sr", "-d", str(index), str(reference)], index)


def _minimap2(arguments: list[str], output: Path) -> None:
    """Run minimap2, the Python package or else the command: the package is for Linux on x86-64 only.

    Raises UserError without either, RuntimeError with its last words if it leaves no output.
    """
    arguments = ["-t", "1", *arguments]
    try:
        import pyminimap2
    except ImportError as error:
        command = shutil.which("minimap2")
        if command is None:
            raise UserError(
                "simulate-pair needs minimap2: 'pip install pyminimap2' (Linux on x86-64), or the command minimap2 in PATH"
            ) from error
        log = subprocess.run([command, *arguments], capture_output=True, text=True).stderr
    else:
        _, log = pyminimap2.main(arguments)
    if "ERROR" in log or not output.exists():
        raise RuntimeError(f"minimap2 failed: {log.strip().splitlines()[-1:]}")


def _write_reads(pairs: ReadPairs, prefix: str, path: Path) -> None:
    """FASTQ with mates one after the other, both named `prefix` and the pair's number."""
    read_length = pairs.bases.shape[2]
    bases = pairs.bases.tobytes().decode()
    qualities = (pairs.qualities + np.uint8(PHRED_OFFSET)).tobytes().decode()
    with path.open("w") as out:
        for mate in range(2 * len(pairs.bases)):
            part = slice(mate * read_length, (mate + 1) * read_length)
            out.write(f"@{prefix}{mate // 2}\n{bases[part]}\n+\n{qualities[part]}\n")


def write_sorted_bam(
    pairs: ReadPairs, index: Path, header: str, read_group: str, prefix: str, max_fragment_length: int, path: Path,
    more_tags: list[tuple[str, ...]] | None = None,
) -> None:  # fmt: skip
    """Align all pairs and write them as a BAM sorted by coordinate; read names are `prefix` and a number.

    `more_tags`: per pair the tags that both of its reads have beside the aligner's.
    """
    reads, aligned, unsorted = (path.with_suffix(suffix) for suffix in (".fq", ".aligned", ".sam"))
    _write_reads(pairs, prefix, reads)
    options = ["-a", "-x", "sr", "-Y", "--secondary=no", "-F", str(max_fragment_length)]
    _minimap2([*options, "-o", str(aligned), str(index), str(reads)], aligned)
    primary = 0
    with aligned.open() as lines, unsorted.open("w") as out:
        out.write(header)
        for line in lines:
            if line.startswith("@"):  # minimap2's own header names temporary files
                continue
            name, flag_text, *rest = line.rstrip("\n").split("\t")
            pair = int(name.removeprefix(prefix))
            flag = int(flag_text) | (DUPLICATE if pairs.duplicate[pair] else 0)
            primary += not flag & SUPPLEMENTARY
            tags = [tag for tag in rest[SAM_TAGS_AT:] if tag.startswith(KEPT_TAGS)]
            tags += more_tags[pair] if more_tags else ()
            out.write("\t".join([name, str(flag), *rest[:SAM_TAGS_AT], *tags, f"RG:Z:{read_group}"]) + "\n")
    if primary != 2 * len(pairs.bases):
        raise OSError(f"{aligned}: minimap2 wrote {primary} of {2 * len(pairs.bases)} reads; is the disk full?")
    pysam.sort("--no-PG", "-m", "512M", "-l", "1", "-o", str(path), str(unsorted))
    for temporary in (reads, aligned, unsorted):
        temporary.unlink()


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
