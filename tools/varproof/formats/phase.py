"""Which copy an allele lies on: what callers say of it in GT, PS, PGT and PID, and varproof's own field.

A phase set is a name; within it the two copies are 1 and 2, the places of their alleles in a phased genotype (`1|2`).
"""

import re
from typing import Any, NamedTuple

from varproof.formats.record import GENOTYPE, MISSING

PHASE_SET, PHASED_ID, PHASED_GENOTYPE = "PS", "PID", "PGT"
PHASE = "VP_PHASE"
"""varproof's own, per allele: phase set and copy, joined by a colon."""

_POSITION = re.compile(r"([0-9]{1,9})_")


class CallerPhase(NamedTuple):
    """What a caller says of a record in one sample: the name of its phase set, its number (1-based position; None where it has
    none), and the copy (1 or 2) of each alternative allele that lies on one, by its number (1, 2, ...).
    """

    name: str
    position: int | None
    copies: dict[int, int]


def caller_phase(record: Any, sample: int) -> CallerPhase | None:
    """The phase of a record in one of its samples; None where the caller gives no phase set, or no order of its alleles.

    GT where it is phased, else PGT (GATK); PS where it is given, else PID.
    """
    column = record.samples[sample]
    text, name = column.text(GENOTYPE), column.text(PHASE_SET)
    prefix = PHASE_SET
    if name is None:
        name, prefix = column.text(PHASED_ID), PHASED_ID
    if name is None:
        return None
    if text is None or "|" not in text:
        text = column.text(PHASED_GENOTYPE)
    copies = {} if text is None else copies_of(text)
    if not copies:
        return None
    found = re.fullmatch(r"[0-9]{1,9}", name) if prefix == PHASE_SET else _POSITION.match(name)
    return CallerPhase(f"{prefix}={name}", int(found[0].rstrip("_")) if found else None, copies)


def copies_of(genotype: str) -> dict[int, int]:
    """The copy of each alternative allele of a phased, diploid genotype that lies on one of both; none of others.

    >>> copies_of("0|1"), copies_of("2|1"), copies_of("1|1"), copies_of("0/1")
    ({1: 2}, {2: 1, 1: 2}, {}, {})
    """
    alleles = genotype.split("|")
    if len(alleles) != 2 or alleles[0] == alleles[1]:
        return {}
    return {int(allele): copy for copy, allele in enumerate(alleles, start=1) if allele.isdecimal() and int(allele) > 0}


def own_phases(record: Any) -> list[tuple[str, int] | None]:
    """(phase set, copy) of each alternative allele, as VP_PHASE has it; None where it has none."""
    alleles = len(record.alts or ())
    texts = (record.info.text(PHASE) or MISSING).split(",")
    if len(texts) != alleles:
        return [None] * alleles
    parts = [text.rpartition(":") for text in texts]
    return [(name, int(copy)) if name and copy in ("1", "2") else None for name, _, copy in parts]
