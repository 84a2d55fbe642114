"""How many bases were searched for candidates: the territory over which priors are learnt."""

from pathlib import Path

from varproof.formats.alignment import AlignmentProperties
from varproof.reads.decode import open_reads
from varproof.reads.reference import open_reference


def covered_bases(reads: Path, reference: Path, properties: AlignmentProperties) -> float | None:
    """Bases that a file's reads cover of the contigs that the reference has, too; None where there are none.

    The file's aligned bases (reads in the index, times read length) over the mean depth of covered bases: within some per
    cent of a full count, and it takes no pass over the file. Of a CRAM, whose index doesn't tell, the whole reference.
    """
    if not properties.depth:
        return None
    with open_reads(reads, reference) as alignments:
        with open_reference(reference) as fasta:
            known = dict(zip(fasta.references, fasta.lengths, strict=True))
        shared = {
            name for name, length in zip(alignments.references, alignments.lengths, strict=True) if known.get(name) == length
        }
        total = float(sum(known[name] for name in shared))
        if not alignments.is_bam:
            return total
        mapped = sum(item.mapped for item in alignments.get_index_statistics() if item.contig in shared)
        return round(min(mapped * properties.max_read_length / properties.depth, total), 3)


def searched_territory(covered: float | None, regions: dict[str, list[tuple[int, int]]] | None) -> float | None:
    """Covered bases of the regions, or of the whole reference; None where it can't be told."""
    if regions is None:
        return covered
    inside = float(sum(end - start for intervals in regions.values() for start, end in intervals))
    return inside if covered is None else min(inside, covered)
