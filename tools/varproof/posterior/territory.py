"""How many bases were searched for candidates: the territory over which priors are learnt."""

from pathlib import Path

from varproof.formats.alignment import AlignmentProperties
from varproof.reads.decode import open_reads
from varproof.reads.regions import read_regions


def searched_territory(
    reads: Path | None, reference: Path, properties: AlignmentProperties | None, regions: Path | None
) -> float | None:
    """Covered bases of the regions, or of the whole reference; None where it can't be told.

    Covered bases are the file's aligned bases (reads in the index, times read length) over the mean depth of covered bases:
    within some per cent of a full count, and it takes no pass over the file.
    """
    covered = None
    if reads is not None and properties is not None and properties.depth:
        with open_reads(reads, reference) as alignments:
            if alignments.is_bam:
                mapped = sum(item.mapped for item in alignments.get_index_statistics())
                covered = mapped * properties.max_read_length / properties.depth
            total = float(sum(alignments.lengths))
        covered = total if covered is None else min(covered, total)
    if regions is None:
        return covered
    inside = float(sum(end - start for intervals in read_regions(regions).values() for start, end in intervals))
    return inside if covered is None else min(inside, covered)
