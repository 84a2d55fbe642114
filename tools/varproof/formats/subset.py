"""A multi-allelic record reduced to some of its alternative alleles, with every field that has a value per allele."""

import itertools
import math
import re
from collections.abc import Sequence
from typing import Any

from varproof.formats.record import ALT, FIRST_SAMPLE, GENOTYPE, INFO, MISSING, RESERVED_FORMAT, RESERVED_INFO, Record

_PER_ALLELE = ("A", "R", "G")
_BY_BAR = "AS_"
"""GATK's fields per allele are separated by '|', whatever Number the header says: commas are within an allele."""


def genotype_order(alleles: int, ploidy: int) -> list[tuple[int, ...]]:
    """Genotypes in the order of VCF's Number=G.

    >>> genotype_order(3, 2)
    [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)]
    """
    return sorted(itertools.combinations_with_replacement(range(alleles), ploidy), key=lambda genotype: genotype[::-1])


def _subset(values: Sequence[Any], number: str, alleles: int, keep: Sequence[int]) -> list[Any] | None:
    """The values that belong to the reference (0) and the kept alleles; None if they don't fit the number of alleles."""
    if number == "A" and len(values) == alleles - 1:
        return [values[allele - 1] for allele in keep]
    if number == "R" and len(values) == alleles:
        return [values[allele] for allele in (0, *keep)]
    if number == "G":
        for ploidy in range(1, 9):
            if math.comb(alleles + ploidy - 1, ploidy) == len(values):
                order = {genotype: i for i, genotype in enumerate(genotype_order(alleles, ploidy))}
                kept = (0, *keep)
                wanted = genotype_order(len(kept), ploidy)
                return [values[order[tuple(kept[allele] for allele in genotype)]] for genotype in wanted]
    return None


def _subset_text(name: str, text: str, number: str, alleles: int, keep: Sequence[int]) -> str:
    """A field's text for the kept alleles; as it is where it has no value per allele, or another number of them."""
    if name.startswith(_BY_BAR) and "|" in text:
        parts = text.split("|")
        kind = {alleles - 1: "A", alleles: "R"}.get(len(parts))
        chosen = None if kind is None else _subset(parts, kind, alleles, keep)
        return text if chosen is None else "|".join(chosen)
    if number not in _PER_ALLELE or text == MISSING:
        return text
    chosen = _subset(text.split(","), number, alleles, keep)
    return text if chosen is None else ",".join(chosen)


def subset_alleles(record: Record, keep: Sequence[int]) -> Record:
    """A new record with the alternative alleles at the ascending 0-based indices `keep` only.

    INFO and FORMAT fields with Number=A, R or G, of any type, are reduced with them; GT is renumbered (an allele that is gone
    becomes '.'); all else stays as it is written.
    """
    alleles, kept = len(record.alleles), [allele + 1 for allele in keep]
    columns = record.line.split("\t")
    columns[ALT] = ",".join(record.alleles[allele] for allele in kept)
    entries = []
    for entry in record.entries:
        name, equals, text = entry.partition("=")
        field = record.header.info.get(name) or RESERVED_INFO.get(name)
        entries.append(name + equals + _subset_text(name, text, field.number if field else "", alleles, kept))
    columns[INFO] = ";".join(entries) or MISSING
    new = Record("\t".join(columns), record.header)
    keys = new.format
    numbers = [field.number if (field := record.header.formats.get(key) or RESERVED_FORMAT.get(key)) else "" for key in keys]
    renumbered = {"0": "0"} | {str(allele): str(i) for i, allele in enumerate(kept, start=1)}
    for column in range(FIRST_SAMPLE, len(new.columns)):
        parts = new.columns[column].split(":")
        for place, (key, number) in enumerate(zip(keys, numbers, strict=True)):
            if place >= len(parts):
                break
            if key == GENOTYPE:
                parts[place] = re.sub(r"\d+", lambda match: renumbered.get(match[0], MISSING), parts[place])
            else:
                parts[place] = _subset_text(key, parts[place], number, alleles, kept)
        new.columns[column] = ":".join(parts)
    return new
