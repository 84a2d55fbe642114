"""Files in, alignment properties out: the one way in which every executable measures a sample."""

from pathlib import Path

from varproof.errors import UserError
from varproof.formats.alignment import AlignmentProperties
from varproof.reads.files import open_reads, require_same_contigs
from varproof.reads.properties import estimate_properties
from varproof.reads.reference import open_reference
from varproof.reads.regions import read_regions
from varproof.reads.sampling import region_windows, sampled_windows


def estimate_alignment_properties(reads: Path, reference: Path, regions: Path | None, max_reads: int) -> AlignmentProperties:
    """Properties of a BAM or CRAM from about `max_reads` of its reads, all over the file or in a BED's regions.

    Raises UserError for files that can't be read or don't belong together.
    """
    intervals = read_regions(regions) if regions else None
    with open_reference(reference) as fasta, open_reads(reads, reference) as alignments:
        lengths = dict(zip(alignments.references, alignments.lengths, strict=True))
        if intervals is None:
            require_same_contigs(alignments, reads, fasta, reference)
            windows = sampled_windows(alignments, list(alignments.references), max_reads)
        else:
            for contig in intervals:
                if contig not in lengths:
                    raise UserError(f"{regions}: contig '{contig}' is not in {reads}")
            require_same_contigs(alignments, reads, fasta, reference, list(intervals))
            windows = region_windows(intervals, lengths)
        return estimate_properties(alignments, fasta, windows, max_reads)
