"""Calls and truths for tests of matching and metrics, without files."""

from varproof.evaluation.variants import Calls, Truth
from varproof.variants.candidate import Candidate


def candidate(start: int, ref: str, alt: str, contig: str = "chr1") -> Candidate:
    return Candidate(0, 0, contig, start, start + len(ref), ref, alt)


def calls_of(*alleles: tuple[int, str, str], errors: list[float] | None = None, contig: str = "chr1") -> Calls:
    made = Calls()
    for allele in alleles:
        entry = candidate(*allele, contig=contig)
        made.add((contig, entry.start, entry.end, entry.alt), entry)
    made.errors = list(errors or [0.01] * len(alleles))
    made.vafs = made.vaf_low = made.vaf_high = made.depths = [0.3] * len(alleles)
    made.freeze()
    return made


def truth_of(*alleles: tuple[int, str, str], contig: str = "chr1") -> Truth:
    made = Truth()
    for allele in alleles:
        entry = candidate(*allele, contig=contig)
        made.add((contig, entry.start, entry.end, entry.alt), entry)
    made.vafs, made.depths = [0.3] * len(alleles), [float("nan")] * len(alleles)
    made.freeze()
    return made
