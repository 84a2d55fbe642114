#!/usr/bin/env python3
"""One list of candidates of several: every allele of any of them once, sorted as the reference is, each a record of its own.

What a caller said beside the alleles is left out, as each said it of another sample.
"""

import argparse
import sys
from pathlib import Path

import pysam

from varproof.formats.vcf import read_records
from varproof.machinery.errors import UserError

NO_ALLELE = (".", "*", "<*>", "<NON_REF>")
"""What stands in ALT and is no variant."""


def alleles(path: Path, contigs: dict[str, int]) -> set[tuple[int, int, str, str]]:
    """Number of its contig, place (from 1), reference and alternative of each allele; raises UserError for a strange contig."""
    found = set()
    for record in read_records(path, require_sorted=False):
        if record.contig not in contigs:
            raise UserError(f"{path}: {record.contig}:{record.pos}: the reference has no such contig")
        found |= {(contigs[record.contig], record.pos, record.ref, alt) for alt in record.alts or () if alt not in NO_ALLELE}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help=".vcf.gz")
    parser.add_argument("lists", type=Path, nargs="+")
    given = parser.parse_args()
    with pysam.FastaFile(str(given.reference)) as reference:
        lengths = dict(zip(reference.references, reference.lengths, strict=True))
    names = list(lengths)
    numbers = {name: number for number, name in enumerate(names)}
    try:
        united = sorted(set().union(*(alleles(path, numbers) for path in given.lists)))
    except UserError as error:
        sys.exit(str(error))
    with pysam.BGZFile(str(given.output), "w") as out:
        contigs = "".join(f"##contig=<ID={name},length={length}>\n" for name, length in lengths.items())
        out.write(f"##fileformat=VCFv4.2\n{contigs}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n".encode())
        for contig, place, ref, alt in united:
            out.write(f"{names[contig]}\t{place}\t.\t{ref}\t{alt}\t.\t.\t.\n".encode())


if __name__ == "__main__":
    main()
