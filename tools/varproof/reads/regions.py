"""BED: regions in, sorted and merged."""

import gzip
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from varproof.formats.contig_names import other_spelling
from varproof.machinery.errors import OtherReference, UserError
from varproof.reads.files import some_names
from varproof.reads.reference import open_reference

logger = logging.getLogger(__name__)


def read_regions(path: Path) -> dict[str, list[tuple[int, int]]]:
    """Contig -> disjoint sorted (start, end), 0-based half-open, of a BED file, plain or gzipped.

    Raises UserError that names the line which is no BED.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a BED file")
    found: dict[str, list[tuple[int, int]]] = {}
    try:
        with gzip.open(path, "rt") if path.name.endswith((".gz", ".bgz")) else path.open() as handle:
            for number, line in enumerate(handle, 1):
                fields = line.split()
                if not fields or line.startswith("#") or fields[0] in ("track", "browser"):
                    continue
                if len(fields) < 3 or not (fields[1].isdigit() and fields[2].isdigit()) or int(fields[1]) > int(fields[2]):
                    raise UserError(f"{path}: line {number} is not 'contig start end' with start <= end (BED)")
                found.setdefault(fields[0], []).append((int(fields[1]), int(fields[2])))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text file in BED format") from error
    return {contig: merged(intervals) for contig, intervals in found.items()}


def regions_within(path: Path, contigs: Iterable[str], source: Path) -> dict[str, list[tuple[int, int]]]:
    """As `read_regions`, without what lies on none of the `contigs`, those of `source`; of that one warning tells.

    Raises UserError where nothing is left.
    """
    found, known = read_regions(path), list(contigs)
    missing = [contig for contig in found if contig not in set(known)]
    if not missing:
        return found
    others = ((name, other_spelling(name, known)) for name in missing)
    advice = next((f"'{name}' is called '{other}' there" for name, other in others if other), "")
    if len(missing) == len(found):
        raise OtherReference(
            f"{path}: none of its contigs ({some_names(missing)}) is in {source} (which has {some_names(known)}); "
            + (f"{advice}: rename them in the BED" if advice else "use regions of the same genome build")
        )
    logger.warning(
        "%s: %d of its %d contigs are not in %s, and are left out: %s%s",
        path, len(missing), len(found), source, ", ".join(missing), f" ({advice})" if advice else "",
    )  # fmt: skip
    return {contig: intervals for contig, intervals in found.items() if contig not in missing}


def regions_of_reference(path: Path, reference: Path) -> dict[str, list[tuple[int, int]]]:
    """`regions_within` the contigs of an indexed FASTA."""
    with open_reference(reference) as fasta:
        return regions_within(path, fasta.references, reference)


def within_lengths(
    regions: Mapping[str, Sequence[tuple[int, int]]], lengths: Mapping[str, int]
) -> dict[str, list[tuple[int, int]]]:
    """Regions as far as contigs of these lengths, bp, reach; contigs of which nothing is left are not there.

    >>> within_lengths({"chr1": [(0, 9), (20, 30)], "chr2": [(40, 50)]}, {"chr1": 25, "chr2": 25})
    {'chr1': [(0, 9), (20, 25)]}
    """
    cut = {
        contig: [(start, min(end, lengths[contig])) for start, end in intervals if start < lengths[contig]]
        for contig, intervals in regions.items()
    }
    return {contig: intervals for contig, intervals in cut.items() if intervals}


def merged(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Disjoint sorted intervals that cover the same positions; empty ones vanish.

    >>> merged([(5, 9), (0, 3), (3, 4), (7, 12), (20, 20)])
    [(0, 4), (5, 12)]
    """
    out: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out
