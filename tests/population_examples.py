"""Germline resources: small ones written by hand, and what a population makes of a simulated person's germline variants."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pysam

SITE = tuple[str, int, str, str, str]
"""(contig, position from 1, REF, ALT, INFO)"""


def write_resource(
    path: Path, contigs: dict[str, int], sites: Sequence[SITE], declared: str = "ID=AF,Number=A,Type=Float"
) -> Path:
    """A resource as .vcf.gz with its index, or as .bcf with its; `path` without index where it is .vcf."""
    header = "##fileformat=VCFv4.2\n" + "".join(f"##contig=<ID={name},length={size}>\n" for name, size in contigs.items())
    header += f'##INFO=<{declared},Description="frequency">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n'
    order = list(contigs)
    lines = sorted(sites, key=lambda site: (order.index(site[0]), site[1]))
    plain = path.with_name(path.name + ".plain.vcf")
    plain.write_text(header + "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t{i}\n" for c, p, r, a, i in lines))
    if path.suffix == ".vcf":
        return plain.rename(path)
    if path.suffix == ".bcf":
        with pysam.VariantFile(str(plain)) as source, pysam.VariantFile(str(path), "wb", header=source.header) as target:
            for record in source:
                target.write(record)
        pysam.tabix_index(str(path), preset="bcf", csi=True)
    else:
        pysam.tabix_compress(str(plain), str(path), force=True)
        pysam.tabix_index(str(path), preset="vcf", force=True)
    plain.unlink()
    return path


def population_of(folder: Path, output: Path, *, listed: float = 0.95, seed: int = 1) -> Path:
    """A resource of the population that the person of a simulated pair is one of.

    Frequencies have the neutral density 1 / f: so those of a person's heterozygous variants have 2 (1 - f), of the homozygous
    ones 2 f, and for each 1.5 of all there is one per unit of ln f at which the person has none, with (1 - f)^2. The share
    `listed` of the person's variants is in it.
    """
    chance = np.random.default_rng(seed)
    sites: list[SITE] = []
    taken = set()
    with pysam.VariantFile(str(folder / "truth.vcf.gz")) as truth:
        contigs = {name: int(contig.length) for name, contig in truth.header.contigs.items()}
        germline = [record.copy() for record in truth if str(record.info["EVENT"]).startswith("GERMLINE")]
    for record in germline:
        taken.add((record.contig, record.pos))
        homozygous = str(record.info["EVENT"]) == "GERMLINE_HOM"
        frequency = chance.beta(2, 1) if homozygous else chance.beta(1, 2)
        if chance.random() < listed:
            sites.append((record.contig, record.pos, record.ref, record.alts[0], f"AF={max(frequency, 1e-4):.4g}"))
    with pysam.FastaFile(str(folder / "reference.fa")) as fasta:
        bases = {name: fasta.fetch(name).upper() for name in contigs}
    names, sizes = list(contigs), np.array(list(contigs.values()), float)
    for _ in range(int(len(germline) / 1.5 * np.log(1e4))):
        frequency = np.exp(-chance.random() * np.log(1e4))
        contig = names[chance.choice(len(names), p=sizes / sizes.sum())]
        position = int(chance.integers(1, contigs[contig] + 1))
        ref = bases[contig][position - 1]
        if chance.random() < (1 - frequency) ** 2 and (contig, position) not in taken and ref in "ACGT":
            taken.add((contig, position))
            alt = "ACGT".replace(ref, "")[int(chance.integers(3))]
            sites.append((contig, position, ref, alt, f"AF={frequency:.4g}"))
    return write_resource(output, contigs, sites)
