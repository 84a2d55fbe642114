"""Alignment files: open one or say what is wrong with it, compare its contigs with the reference, fetch its reads.

Every complaint names the file and what to do. What the reads say is for `decode`.
"""

import contextlib
import functools
import logging
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pysam

from varproof.formats.contig_names import other_spelling
from varproof.machinery.errors import DamagedFile, OtherFormat, OtherReference, UserError, require_file
from varproof.machinery.htslib import quiet
from varproof.machinery.remote import Remote, is_address
from varproof.reads.arrays import CONSENSUS_TAGS
from varproof.reads.stream import BamStream

logger = logging.getLogger(__name__)

_PROBED = 200


class Alignments(pysam.AlignmentFile):
    """pysam's file, and beside it the stream of its bytes (of a local BAM), which remembers what was read last."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = file_name(self)
        self.stream = BamStream(name)
        self.is_local = not is_address(name)

    @functools.cached_property
    def has_consensus_tags(self) -> bool:
        """Whether any of the first reads tells of how many reads it is the consensus."""
        with contextlib.suppress(OSError, ValueError), quiet():
            return any(read.has_tag(CONSENSUS_TAGS[0]) for read in self.head(_PROBED))
        return False


def open_reads(path: Path, reference: Path | None) -> Alignments:
    """An indexed BAM or CRAM, open for reading.

    Raises UserError for a missing file, a folder, another kind of file, a truncated file, a missing index, and CRAM
    without its reference.
    """
    require_file(path, "BAM or CRAM")
    try:
        with quiet():
            handle = Alignments(
                str(path),
                reference_filename=str(reference) if reference else None,
                index_filename=str(path.index) if isinstance(path, Remote) and path.index else None,
                require_index=False,
            )
            handle.get_tid("")  # raises where the header can't be parsed
            tuple(handle.references)  # raises where a name is no text
    except (OSError, ValueError) as error:
        if "truncated" in str(error).lower() or "eof marker" in str(error).lower():
            raise DamagedFile(f"{path}: truncated (its end is missing); copy or make it again") from error
        if isinstance(path, Remote):
            raise UserError(f"{path.shown}: can't be read ({error}); check the address, or download the file") from error
        raise OtherFormat(f"{path}: not a readable BAM or CRAM file ({error})") from error
    problem = None
    if handle.is_sam or not (handle.is_bam or handle.is_cram):
        problem = f"{path}: neither BAM nor CRAM; convert it with 'samtools sort -o reads.bam {path}'"
    elif handle.is_cram and reference is None:
        problem = f"{path}: a CRAM needs the reference that it was made with; give --reference"
    elif not handle.has_index():
        problem = f"{path}: no index; make it with 'samtools index {path}'"
    if problem:
        handle.close()
        raise UserError(problem)
    return handle


def contigs_with_reads(alignments: pysam.AlignmentFile) -> dict[str, int | None]:
    """Contigs with reads, in the order of the header, and how many; of a CRAM all, since its index doesn't tell (None)."""
    if alignments.is_cram:
        return dict.fromkeys(alignments.references)
    return {item.contig: item.total for item in alignments.get_index_statistics() if item.total}


def shared_contigs(alignments: pysam.AlignmentFile, path: Path, fasta: pysam.FastaFile, fasta_path: Path) -> list[str]:
    """Contigs with reads that the reference has, whatever their length: decoys, viruses and the like are left aside.

    Raises UserError where it has none of them.
    """
    there, known = contigs_with_reads(alignments), set(fasta.references)
    shared = [contig for contig in there if contig in known]
    if there and not shared:
        require_same_contigs(alignments, path, fasta, fasta_path, list(there)[:1])
    return shared


def tell_left_aside(alignments: pysam.AlignmentFile, path: Path, fasta: pysam.FastaFile, fasta_path: Path) -> None:
    """Warn of reads on contigs that the reference lacks: nothing is searched or measured there."""
    known = set(fasta.references)
    aside = {contig: reads for contig, reads in contigs_with_reads(alignments).items() if contig not in known}
    if aside:
        counted = [reads for reads in aside.values() if reads is not None]
        reads = f"{sum(counted):,} reads" if counted else "reads"
        contigs = f"{len(aside)} contig{'s' if len(aside) > 1 else ''}"
        logger.warning(
            "%s: %s are left aside, on %s that %s lacks (%s)", path, reads, contigs, fasta_path, some_names(list(aside))
        )


def require_same_contigs(
    alignments: pysam.AlignmentFile, path: Path, fasta: pysam.FastaFile, fasta_path: Path, contigs: Sequence[str]
) -> None:
    """Raise UserError unless `contigs` exist in both files, with the same lengths."""
    lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
    known = dict(zip(alignments.references, alignments.lengths, strict=True))
    for contig in contigs:
        if contig not in lengths:
            raise OtherReference(
                f"{path}: contig '{contig}' is not in {fasta_path} (which has {some_names(fasta.references)}); "
                "use the reference that the reads were aligned to"
            )
        if contig not in known:
            raise OtherReference(
                f"{path}: contig '{contig}' is not in its header (which has {some_names(alignments.references)}); "
                "use reads, reference and candidates of one genome build"
            )
        if known[contig] != lengths[contig]:
            raise OtherReference(
                f"{path}: contig '{contig}' has {known[contig]} bp, but {lengths[contig]} bp in {fasta_path}; "
                "use the reference that the reads were aligned to"
            )


def require_panel_of(panel: Path, contigs: Mapping[str, int], lengths: Mapping[str, int], reference: Path) -> None:
    """Raise OtherReference unless all `contigs` of a panel are, in their lengths, among the reference's `lengths`."""
    for name, length in contigs.items():
        if (other := other_spelling(name, lengths)) is not None:
            raise OtherReference(
                f"{panel}: has contig '{name}' where {reference} has '{other}'; take a panel of this reference, "
                "whose contigs have these names"
            )
        if name not in lengths:
            raise OtherReference(
                f"{panel}: its contig '{name}' is not in {reference} (which has {some_names(list(lengths))}); "
                "take a panel of this reference"
            )
        if lengths[name] != length:
            raise OtherReference(
                f"{panel}: its contig '{name}' has {length} bp, but {lengths[name]} bp in {reference}; "
                "take a panel of this reference"
            )


def some_names(names: Sequence[str]) -> str:
    """The first few, for messages."""
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def file_name(alignments: pysam.AlignmentFile) -> str:
    """The file's name, for messages."""
    name = alignments.filename
    return name.decode() if isinstance(name, bytes) else str(name)


def fetch_reads(alignments: pysam.AlignmentFile, contig: str, start: int, end: int | None) -> Generator[Any, None, None]:
    """The file's reads that overlap contig:start-end; raises UserError naming the file where it breaks off."""
    cram, shown = alignments.is_cram, file_name(alignments)
    try:
        with quiet():
            yield from alignments.fetch(contig, start, end)
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError):  # closing a damaged file fails again, and would hide the error below
            alignments.close()
        advice = "copy or make it again"
        if cram:
            advice += ", and check that --reference is the one it was made with"
        raise DamagedFile(f"{shown}: truncated or damaged at {contig}:{start + 1} or after ({error}); {advice}") from error
