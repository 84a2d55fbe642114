"""BED: regions in, sorted and merged."""

import gzip
from pathlib import Path

from varproof.errors import UserError


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
