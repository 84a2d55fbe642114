"""Simple alleles: the single substitutions, insertions and deletions by which a panel of normals is counted and looked up."""

from typing import NamedTuple

from varproof.reads.arrays import base_codes
from varproof.variants.candidate import Candidate
from varproof.variants.edit import Edit, VariantType
from varproof.variants.reference import Reference

_HASH_START, _HASH_FACTOR, _WHOLE = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


class SimpleAllele(NamedTuple):
    """Identity of an allele on its contig, as in `formats.panel.PanelAlleles`."""

    position: int
    length: int
    key: int


def inserted_key(codes: bytes) -> int:
    """Hash of inserted bases, as `candidates.finding_numba_fns.sequence_key` has it in panels."""
    key = _HASH_START
    for code in codes:
        key = ((key ^ code) * _HASH_FACTOR) & _WHOLE
    return key >> 1


def simple_alleles(item: Candidate, sequence: Reference) -> list[SimpleAllele]:
    """The simple alleles that a candidate consists of; none where it is no sum of such."""
    if item.parts:
        found = [simple_alleles(part, sequence) for part in item.parts]
        return [one for part in found for one in part] if all(found) else []
    if item.skipped is not None:
        return []
    if item.type in (VariantType.SNV, VariantType.MNV):
        bases = base_codes(sequence.bases(item.contig, item.start, item.end)).tolist()
        changed = zip(bases, base_codes(item.alt).tolist(), strict=False)
        return [SimpleAllele(item.start + i, 0, base) for i, (ref, base) in enumerate(changed) if base not in (ref, 4)]
    if item.type not in (VariantType.INSERTION, VariantType.DELETION):
        return []
    edit = sequence.left_aligned(item.contig, Edit(item.start, item.end, item.alt))
    if item.type is VariantType.DELETION:
        return [SimpleAllele(edit.start, edit.start - edit.end, 0)]
    return [SimpleAllele(edit.start, len(edit.alt), inserted_key(base_codes(edit.alt).tobytes()))]
