"""Known variants, such as dbSNP: looked up in a bgzipped VCF with its tabix index, compared after left-alignment."""

from varproof.reads.decode import base_codes
from varproof.reads.known_sites import KnownSites
from varproof.variants.candidate import trimmed_alleles
from varproof.variants.edit import Edit, left_aligned
from varproof.variants.placement import MAX_SHIFT, UNKNOWN
from varproof.variants.reference import ReferenceSlice

UNNAMED = "."
"""Name of a known site that has none."""


def known_alleles(known: KnownSites, alleles: list[Edit], reference: ReferenceSlice) -> list[str]:
    """For each allele of a stretch the name of the known site that it is; "" where it is none.

    An MNV is known, too, where each of its SNVs is.
    """
    if not alleles:
        return []
    low, high = min(start for start, _, _ in alleles) - 1, max(end for _, end, _ in alleles) + MAX_SHIFT
    starts = {start for start, _, _ in alleles} | {
        start + j for start, end, alt in alleles if 1 < end - start == len(alt) for j in range(len(alt))
    }
    names: dict[Edit, str] = {}
    for start, name, ref, alts in known.records(reference.contig, low, min(high, reference.end)):
        if len(ref) == len(alts) == 1 and start not in starts:  # most of them: dbSNP has an SNV in every third place
            continue
        for alt in alts.upper().split(","):
            allele = _normalised(start, ref.upper(), alt, reference)
            if allele is not None:
                names.setdefault(allele, name)
    return [_name(allele, names) for allele in alleles]


def _name(allele: Edit, names: dict[Edit, str]) -> str:
    start, end, alt = allele
    found = names.get(allele)
    if found is None and 1 < end - start == len(alt):
        parts = [names.get(Edit(start + j, start + j + 1, alt[j : j + 1])) for j in range(len(alt))]
        if None not in parts:
            return ";".join(part for part in parts if part and part != UNNAMED) or UNNAMED
    return found or ""


def _normalised(position: int, ref: str, alt: str, reference: ReferenceSlice) -> Edit | None:
    """The allele of a record, trimmed and left-aligned; None if it is no sequence or lies beyond the reference at hand."""
    if set(alt) - set("ACGT") or not alt:
        return None
    start, ref, alt = trimmed_alleles(position, ref, alt)
    edit = Edit(start, start + len(ref), base_codes(alt).tobytes())
    if edit.may_move and (start < reference.start or edit.end > reference.end):
        return None
    return left_aligned(edit, reference, max(reference.start, start - MAX_SHIFT), UNKNOWN)
