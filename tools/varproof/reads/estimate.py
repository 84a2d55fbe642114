"""Files in, alignment properties out: the one way in which every executable measures a sample."""

import logging
from collections.abc import Sequence
from pathlib import Path

import pysam

from varproof.formats.alignment import AlignmentProperties
from varproof.reads.files import open_reads, require_same_contigs, shared_contigs, some_names, tell_left_aside
from varproof.reads.properties import Tally, properties, tallied
from varproof.reads.reference import open_reference
from varproof.reads.regions import regions_within
from varproof.reads.sampling import region_windows, sampled_windows

logger = logging.getLogger(__name__)


def estimate_alignment_properties(reads: Path, reference: Path, regions: Path | None, max_reads: int) -> AlignmentProperties:
    """Properties of a BAM or CRAM from about `max_reads` of its reads, all over the file or in a BED's regions.

    Raises UserError for files that can't be read or don't belong together.
    """
    return properties([_tallied(reads, reference, regions, max_reads)])[0]


def estimate_together(samples: Sequence[Path], reference: Path, max_reads: int) -> list[AlignmentProperties]:
    """The same of each of one person's samples: repeats are measured in all of them together."""
    return properties([_tallied(reads, reference, None, max_reads) for reads in samples])


def _tallied(reads: Path, reference: Path, regions: Path | None, max_reads: int) -> Tally:
    with open_reference(reference) as fasta, open_reads(reads, reference) as alignments:
        lengths = dict(zip(alignments.references, alignments.lengths, strict=True))
        if regions is None:
            windows = sampled_windows(alignments, _measured_contigs(alignments, reads, fasta, reference), max_reads)
            tell_left_aside(alignments, reads, fasta, reference)
        else:
            intervals = regions_within(regions, fasta.references, reference)
            require_same_contigs(alignments, reads, fasta, reference, list(intervals))
            windows = region_windows(intervals, lengths)
        return tallied(alignments, fasta, windows, max_reads)


def _measured_contigs(alignments: pysam.AlignmentFile, reads: Path, fasta: pysam.FastaFile, reference: Path) -> list[str]:
    """Contigs with reads that the reference has with the same length; raises UserError where there are none of them."""
    shared = shared_contigs(alignments, reads, fasta, reference)
    same = [contig for contig in shared if alignments.get_reference_length(contig) == fasta.get_reference_length(contig)]
    if len(same) < len(shared):
        other = [contig for contig in shared if contig not in same]
        if not same:
            require_same_contigs(alignments, reads, fasta, reference, other)
        logger.warning("%s: reads on %s are left aside: other lengths than in %s", reads, some_names(other), reference)
    return same
