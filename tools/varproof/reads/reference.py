"""The reference genome: opened once with errors that say what to do, read in stretches, never by the contig."""

from pathlib import Path

import numpy as np
import pysam

from varproof.machinery.errors import NotIndexed, OtherFormat, UserError, require_file
from varproof.machinery.htslib import quiet
from varproof.reads.arrays import base_codes


def open_reference(path: Path) -> pysam.FastaFile:
    """An indexed FASTA, plain or bgzipped; raises UserError for a missing file, a folder, another format, no index."""
    require_file(path, "FASTA")
    try:
        with quiet():
            return pysam.FastaFile(str(path))
    except (OSError, ValueError) as error:
        if not path.with_name(path.name + ".fai").exists():
            raise NotIndexed(
                f"{path}: no index, and none could be made; make it with 'samtools faidx {path}' "
                "(compress with bgzip, not gzip)"
            ) from error
        raise OtherFormat(f"{path}: not a readable FASTA file ({error})") from error


def contig_lengths(path: Path) -> dict[str, int]:
    """Length of each contig of an indexed FASTA, bp."""
    with open_reference(path) as fasta:
        return dict(zip(fasta.references, fasta.lengths, strict=True))


def reference_codes(fasta: pysam.FastaFile, contig: str, start: int, end: int) -> np.ndarray:
    """uint8 base codes of contig:start-end (0-based half-open, within the contig); raises UserError if it can't be read."""
    try:
        sequence = fasta.fetch(contig, start, end)
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(fasta, contig, start, end, str(error)) from error
    if len(sequence) != end - start:
        raise _unreadable(fasta, contig, start, end, f"{len(sequence)} bases where the index has {end - start}")
    return base_codes(sequence)


def _unreadable(fasta: pysam.FastaFile, contig: str, start: int, end: int, problem: str) -> UserError:
    name = fasta.filename
    shown = name.decode() if isinstance(name, bytes) else name
    return UserError(
        f"{shown}: can't read {contig}:{start + 1}-{end} ({problem}); is its index up to date? "
        f"Make it anew with 'samtools faidx {shown}'"
    )
