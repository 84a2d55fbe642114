"""Reads of known haplotypes of one short reference, and the records that spell what they carry."""

from evidence_examples import READ_LENGTH, plain_sequence
from small_bams import Read

AT = 1000
REFERENCE = plain_sequence(2000)
STARTS = range(AT - 70, AT - 30, 4)
"""Ten reads of each haplotype, all of which reach 25 bases over what lies at AT."""

Edit = tuple[int, int, str]


def other(base: str, step: int = 1) -> str:
    return "ACGT"[("ACGT".index(base) + step) % 4]


def snv(position: int, step: int = 1) -> Edit:
    return position, position + 1, other(REFERENCE[position], step)


def record(edit: Edit, reference: str = REFERENCE) -> tuple[int, str, str]:
    """(0-based position, REF, ALT): an indel with the base before."""
    start, end, alt = edit
    before = 0 if len(alt) == end - start else 1
    return start - before, reference[start - before : end], reference[start - before : start] + alt


def haplotype_reads(edits: list[Edit], name: str, reference: str = REFERENCE) -> list[Read]:
    """Reads of the reference with these edits, each with the gaps that the edits are."""
    out = []
    for number, start in enumerate(STARTS):
        sequence, cigar, position = "", "", start
        for first, last, alt in sorted(edits):
            if len(alt) == last - first:
                sequence += reference[position:first] + alt
                cigar += "M" * (last - position)
            else:
                sequence += reference[position:first] + alt
                cigar += "M" * (first - position) + "I" * len(alt) + "D" * (last - first)
            position = last
        rest = READ_LENGTH - len(sequence)
        sequence = (sequence + reference[position : position + max(0, rest)])[:READ_LENGTH]
        cigar = cigar + "M" * rest
        runs, previous = [], ""
        for op in cigar:
            if op == previous:
                runs[-1][0] += 1
            else:
                runs.append([1, op])
            previous = op
        text = "".join(f"{count}{op}" for count, op in runs)
        out.append(Read(f"{name}{number}", start, text, sequence, [30] * READ_LENGTH, 16 if number % 2 else 0))
    return out
