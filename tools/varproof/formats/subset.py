"""A multi-allelic record reduced to some of its alternative alleles, with every field that has a value per allele."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

_PER_ALLELE = ("A", "R", "G")


def genotype_order(alleles: int, ploidy: int) -> list[tuple[int, ...]]:
    """Genotypes in the order of VCF's Number=G.

    >>> genotype_order(3, 2)
    [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)]
    """
    return sorted(itertools.combinations_with_replacement(range(alleles), ploidy), key=lambda genotype: genotype[::-1])


def _subset(values: Any, number: str, alleles: int, keep: Sequence[int]) -> tuple[Any, ...] | None:
    """The values that belong to the reference (0) and the kept alleles; None if they don't fit the number of alleles."""
    if not isinstance(values, tuple):
        values = (values,)
    if number == "A" and len(values) == alleles - 1:
        return tuple(values[allele - 1] for allele in keep)
    if number == "R" and len(values) == alleles:
        return tuple(values[allele] for allele in (0, *keep))
    if number == "G":
        for ploidy in range(1, 9):
            if math.comb(alleles + ploidy - 1, ploidy) == len(values):
                order = {genotype: i for i, genotype in enumerate(genotype_order(alleles, ploidy))}
                kept = (0, *keep)
                wanted = genotype_order(len(kept), ploidy)
                return tuple(values[order[tuple(kept[allele] for allele in genotype)]] for genotype in wanted)
    return None


def subset_alleles(record: Any, keep: Sequence[int]) -> Any:
    """A new `pysam.VariantRecord` with the alternative alleles at the ascending 0-based indices `keep` only.

    INFO and FORMAT fields with Number=A, R or G are reduced with them (dropped where their length does not fit), GT is
    renumbered (an allele that is gone becomes '.'), all else stays. Built anew, because pysam crashes on genotypes of a
    record whose alleles were changed.
    """
    header, old = record.header, record.alleles
    kept = [allele + 1 for allele in keep]
    alleles = (old[0], *(old[allele] for allele in kept))
    symbolic = any(allele.startswith("<") for allele in alleles)
    new = header.new_record(
        contig=record.contig,
        start=record.start,
        stop=record.stop if symbolic else record.start + len(old[0]),
        alleles=alleles,
        id=record.id,
        qual=record.qual,
        filter=record.filter.keys(),
    )
    for key, value in record.info.items():
        number = str(header.info[key].number)
        if number in _PER_ALLELE:
            value = _subset(value, number, len(old), kept)
        if key != "END" and value is not None:
            new.info[key] = value
    for key in record.format:
        if key == "GT":
            _copy_genotypes(record, new, {0: 0} | {allele: i for i, allele in enumerate(kept, start=1)})
            continue
        number = str(header.formats[key].number)
        columns = [sample[key] for sample in record.samples.values()]
        if number in _PER_ALLELE:
            columns = [_subset(values, number, len(old), kept) for values in columns]
            missing = {"A": len(kept), "R": len(kept) + 1}.get(number, 1) * (None,)
            columns = [missing if values is None else values for values in columns]
        if header.formats[key].type == "String":
            columns = [_shown_text(values) for values in columns]
        for sample, values in zip(new.samples.values(), columns, strict=True):
            if values is not None and set(values if isinstance(values, tuple) else (values,)) != {None}:
                sample[key] = values
    return new


def _copy_genotypes(record: Any, new: Any, renumbered: dict[int, int]) -> None:
    for source, target in zip(record.samples.values(), new.samples.values(), strict=True):
        if source.allele_indices:
            target["GT"] = tuple(None if allele is None else renumbered.get(allele) for allele in source.allele_indices)
            target.phased = source.phased


def _shown_text(values: Any) -> Any:
    """Texts with '.' for those that are missing: left unset they would be written as htslib's filler bytes."""
    if isinstance(values, tuple):
        return tuple(_shown_text(value) for value in values)
    return "." if values is None or values.startswith("\x07") else values
