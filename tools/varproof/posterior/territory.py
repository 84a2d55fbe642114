"""How many bases were searched for candidates: the territory over which priors are learnt."""

from pathlib import Path

from varproof.formats.alignment import AlignmentProperties
from varproof.reads.decode import open_reads
from varproof.reads.regions import read_regions


def covered_bases(reads: Path, reference: Path, properties: AlignmentProperties) -> float | None:
    """Bases of the reference that a file's reads cover; None where there are none.

    The file's aligned bases (reads in the index, times read length) over the mean depth of covered bases: within some per
    cent of a full count, and it takes no pass over the file. Of a CRAM, whose index doesn't tell, the whole reference.
    """
    if not properties.depth:
        return None
    with open_reads(reads, reference) as alignments:
        total = float(sum(alignments.lengths))
        if not alignments.is_bam:
            return total
        mapped = sum(item.mapped for item in alignments.get_index_statistics())
        return round(min(mapped * properties.max_read_length / properties.depth, total), 3)


def searched_territory(covered: float | None, regions: Path | None) -> float | None:
    """Covered bases of the regions, or of the whole reference; None where it can't be told."""
    if regions is None:
        return covered
    inside = float(sum(end - start for intervals in read_regions(regions).values() for start, end in intervals))
    return inside if covered is None else min(inside, covered)
