"""How frequent candidates are in a population: a germline resource (gnomAD, 1000 Genomes, dbSNP), read beside a list of them.

The resource is a bgzipped VCF, or a BCF, with its index, of which sites are enough. It is read in the order of the list, a
stretch at a time, and nothing of it stays in memory but what the list has, too. Alleles are compared one by one, trimmed and
left-aligned. Where one is in several records, the largest frequency counts.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from math import nan
from pathlib import Path
from typing import Any

from varproof.formats.contig_names import other_spelling
from varproof.formats.vcf import open_indexed, open_vcf
from varproof.machinery.errors import DamagedFile, OtherReference, UserError
from varproof.machinery.htslib import quiet
from varproof.machinery.numerics import exp10
from varproof.reads.arrays import base_codes
from varproof.reads.files import some_names
from varproof.variants.candidate import Candidate, trimmed_alleles
from varproof.variants.edit import Edit, VariantType
from varproof.variants.placement import MAX_SHIFT
from varproof.variants.reference import Reference, contradicting

logger = logging.getLogger(__name__)

FIELDS = ("AF", "POPAF", "CAF", "FREQ")
"""INFO fields of frequencies, in the order in which they are looked for: of gnomAD and 1000 Genomes, Mutect2, dbSNP (two)."""
NEGATIVE_LOG10 = ("POPAF",)
"""Those that are minus the logarithm to base 10, as Mutect2 writes it (GATK's header: "negative log 10 population AF")."""
FARTHEST = 1_000
"""bp between candidates that are looked up together, at most: as little is read for one alone as an index can point to."""
LONGEST_STRETCH, MOST_TOGETHER = 1 << 17, 4_096
"""bp and candidates of a stretch, at most."""

_BASES = frozenset("ACGT")


@dataclass
class GermlineResource:
    """An open resource. `field`: the INFO field that is read; `contigs`: those that it may have records of.

    `without`: candidates, of those that were looked up since it was opened, that are in it without a frequency.
    """

    path: Path
    field: str
    contigs: frozenset[str]
    _file: Any
    _is_text: bool
    without: int = 0
    missing: list[str] = dataclass_field(default_factory=list)

    @classmethod
    def open(cls, path: Path, name: str | None = None) -> "GermlineResource":
        """Raises UserError for a file that is none, has no index, or no field of that name (None: one of FIELDS)."""
        handle = open_vcf(path)
        with quiet(), handle:
            declared = _declared(path, handle.header, name)
            contigs = frozenset(handle.header.contigs)
        file, is_text = open_indexed(path)
        return cls(path, declared, frozenset(file.contigs) if is_text else contigs, file, is_text)

    @property
    def is_negative_log10(self) -> bool:
        """Whether the field is minus the logarithm to base 10 of a frequency."""
        return self.field in NEGATIVE_LOG10

    def close(self) -> None:
        """Nothing is read any more."""
        self._file.close()

    def records(self, contig: str, start: int, end: int) -> Iterator[tuple[int, str, str, str]]:
        """(position, REF, ALT, INFO) of what overlaps contig:start-end, 0-based half-open; alleles in upper case."""
        if contig not in self.contigs:
            return
        try:
            with quiet():
                for line in self._file.fetch(contig, max(0, start), end):
                    _, position, _, ref, alts, _, _, info = (line if self._is_text else str(line)).split("\t", 8)[:8]
                    yield int(position) - 1, ref.upper(), alts.upper(), info.rstrip("\n")
        except (OSError, ValueError) as error:
            raise DamagedFile(f"{self.path}: truncated or damaged at {contig}:{start + 1} or after ({error})") from error

    def require_contig(self, contig: str) -> None:
        """Note a contig of the list that it lacks; raises UserError where it has that one under another name."""
        if contig in self.contigs:
            return
        if (other := other_spelling(contig, self.contigs)) is not None:
            raise OtherReference(
                f"{self.path}: has contig '{other}' where the reference has '{contig}'; rename its contigs with "
                "'bcftools annotate --rename-chrs'"
            )
        if contig not in self.missing:
            self.missing.append(contig)

    def require_same_contigs(self, reference: Reference) -> None:
        """Raise UserError where it has none of the reference's contigs, under whatever names."""
        known = list(reference.lengths)
        for contig in known:
            if contig in self.contigs:
                return
        for contig in known:
            self.require_contig(contig)
        if not self.contigs:
            raise UserError(f"{self.path}: has no records; give another germline resource, or leave --germline-resource out")
        raise OtherReference(
            f"{self.path}: none of the contigs of {reference.path} ({some_names(known)}) is in it (it has "
            f"{some_names(sorted(self.contigs))}); use a resource of the same genome build, or rename its contigs with "
            "'bcftools annotate --rename-chrs'"
        )

    def tell_missing(self, contigs: list[str]) -> None:
        """Warn of those of the list's `contigs` that it lacks."""
        lacking = [name for name in contigs if name in self.missing]
        if lacking:
            logger.warning(
                "%s has nothing of %s: germline variants there are as frequent as variants that it lacks",
                self.path,
                some_names(lacking),
            )

    def check(self, contig: str, start: int, ref: str, reference: Reference) -> None:
        """Raise UserError unless a record's REF is what the reference has there."""
        found = reference.bases(contig, start, start + len(ref))
        if ref != found and (len(ref) != len(found) or contradicting(base_codes(ref), base_codes(found)).any()):
            raise OtherReference(
                f"{self.path}: {contig}:{start + 1} has REF {ref[:20]} where the reference has {found[:20] or 'no bases'}; use "
                "a resource of the same genome build ('bcftools norm --check-ref x' leaves single wrong records out)"
            )

    def frequencies(self, info: str, alleles: int, place: str) -> list[float | None]:
        """Of each alternative allele of a record, None where it has none; raises UserError, naming `place`, for others."""
        text = ";" + info
        at = text.find(f";{self.field}=")
        if at < 0:
            return [None] * alleles
        text = text[at + len(self.field) + 2 :].partition(";")[0]
        if ":" not in text:
            return self._values(text, alleles, place)
        studies = [self._values(study.rpartition(":")[2], alleles, place) for study in text.split("|")]
        return [_median([study[i] for study in studies]) for i in range(alleles)]

    def _values(self, text: str, alleles: int, place: str) -> list[float | None]:
        """Of a text such as 0.1,0.2: one for each alternative allele, or for the reference's, too (dbSNP)."""
        values = text.strip("[]").split(",")
        if len(values) == alleles + 1:
            del values[0]
        if values == ["."]:
            return [None] * alleles
        if len(values) != alleles:
            raise UserError(
                f"{self.path}: {place}: {self.field} has {len(values)} values for {alleles} alternative alleles; name a field "
                "of one for each with --germline-field, or split the records with 'bcftools norm -m -'"
            )
        return [None if value in (".", "") else self._frequency(value, place) for value in values]

    def _frequency(self, text: str, place: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = nan
        if self.is_negative_log10 and value >= 0.0:
            value = exp10(-value)
        if not 0.0 <= value <= 1.0:
            raise UserError(f"{self.path}: {place}: {self.field} is {text}, which is no allele frequency; see --germline-field")
        return value


def _declared(path: Path, header: Any, name: str | None) -> str:
    """The INFO field to read; raises UserError where the header has none, or one that is no text and no number."""
    chosen = next((known for known in FIELDS if known in header.info), None) if name is None else name
    if chosen is None or chosen not in header.info:
        asked = f"INFO field {name}" if name else f"INFO field of frequencies ({', '.join(FIELDS)})"
        raise UserError(f"{path}: no {asked}; name one of its fields with --germline-field: {some_names(list(header.info))}")
    if header.info[chosen].type not in ("Float", "String"):
        kind = header.info[chosen].type
        raise UserError(f"{path}: INFO field {chosen} is declared with Type={kind}: no frequency; name another")
    return chosen


def _median(values: list[float | None]) -> float | None:
    """The median of what is known, of two in the middle the smaller one; None where nothing is."""
    known = sorted(value for value in values if value is not None)
    return known[(len(known) - 1) // 2] if known else None


def with_frequencies(
    items: Iterable[Candidate], resource: GermlineResource, reference: Reference
) -> Iterator[tuple[Candidate, float]]:
    """Each candidate of a sorted list with its frequency in the population; NaN where the resource lacks it, or has none.

    What is made of several alleles, an MNV or a joined candidate, is as frequent as the rarest of them where it is not in the
    resource itself: those of one haplotype are mostly carried together. Raises UserError where the resource is of another
    reference.
    """
    contigs: list[str] = []
    resource.require_same_contigs(reference)
    for stretch in _stretches(items):
        contig = stretch[0].contig
        if contig not in contigs:
            contigs.append(contig)
            resource.require_contig(contig)
        yield from zip(stretch, _looked_up(stretch, resource, reference), strict=True)
    resource.tell_missing(contigs)


def _stretches(items: Iterable[Candidate]) -> Iterator[list[Candidate]]:
    stretch: list[Candidate] = []
    for item in items:
        if stretch:
            first, last = stretch[0], stretch[-1]
            apart = item.contig != last.contig or item.start - last.start > FARTHEST
            if apart or item.start - first.start > LONGEST_STRETCH or len(stretch) >= MOST_TOGETHER:
                yield stretch
                stretch = []
        stretch.append(item)
    if stretch:
        yield stretch


def _looked_up(stretch: list[Candidate], resource: GermlineResource, reference: Reference) -> list[float]:
    """Frequencies of candidates of one contig that lie near each other."""
    contig = stretch[0].contig
    if contig not in resource.contigs or contig not in reference.lengths:
        return [nan] * len(stretch)
    edits: dict[Edit, Edit] = {}
    for item in stretch:
        for part in (item, *item.parts):
            if part.skipped is None:
                for edit in (part.edit, *_single_bases(part.edit)):
                    edits.setdefault(edit, reference.left_aligned(contig, edit))
    found = _in_resource(set(edits.values()), contig, resource, reference)
    out = []
    for item in stretch:
        value = nan if item.skipped is not None else _frequency_of(item, edits, found)
        if item.is_listed and item.skipped is None:
            resource.without += value != value and found.get(edits[item.edit], 0.0) is None
        out.append(value)
    return out


def _single_bases(edit: Edit) -> list[Edit]:
    """The SNVs that an MNV is made of."""
    if edit.type is not VariantType.MNV:
        return []
    return [Edit(edit.start + i, edit.start + i + 1, base) for i, base in enumerate(edit.alt)]


def _frequency_of(item: Candidate, edits: dict[Edit, Edit], found: dict[Edit, float | None]) -> float:
    own = found.get(edits[item.edit])
    if own is not None:
        return own
    if item.parts:
        parts = [_frequency_of(part, edits, found) for part in item.parts]
        return nan if any(value != value for value in parts) else min(parts)
    known = [found[edit] for edit in _single_bases(item.edit) if found.get(edit) is not None]
    return min((value for value in known if value is not None), default=nan) if len(known) == len(item.alt) else nan


def _in_resource(wanted: set[Edit], contig: str, resource: GermlineResource, reference: Reference) -> dict[Edit, float | None]:
    """Those of some left-aligned alleles that the resource has, with their frequency (None: it tells none)."""
    found: dict[Edit, float | None] = {}
    if not wanted:
        return found
    starts = {edit.start for edit in wanted if not edit.may_move}
    changes = {edit.length_change for edit in wanted if edit.may_move}
    low = min(edit.start for edit in wanted) - 1
    high = max(edit.start for edit in wanted) + 1 + (MAX_SHIFT if changes else 0)
    for start, ref, alts, info in resource.records(contig, low, high):
        if len(ref) == len(alts) == 1 and start not in starts:  # most of them
            continue
        listed = alts.split(",")
        alleles = [_wanted(start, ref, alt, contig, wanted, changes, reference) for alt in listed]
        parts = [_bases_of(start, ref, alt, wanted) for alt in listed]
        if not any(alleles) and not any(parts):
            continue
        resource.check(contig, start, ref, reference)
        frequencies = resource.frequencies(info, len(listed), f"{contig}:{start + 1}")
        for allele, bases, frequency in zip(alleles, parts, frequencies, strict=True):
            for one in bases if allele is None else [allele, *bases]:
                known = found.get(one)
                found[one] = frequency if known is None or (frequency is not None and frequency > known) else known
    return found


def _bases_of(start: int, ref: str, alt: str, wanted: set[Edit]) -> list[Edit]:
    """Those of the `wanted` SNVs that an MNV of a record is made of: who has it has them."""
    if len(ref) != len(alt) or len(alt) == 1 or not _BASES.issuperset(alt):
        return []
    changed = [Edit(start + i, start + i + 1, base) for i, base in enumerate(alt) if base != ref[i]]
    return [edit for edit in changed if edit in wanted] if len(changed) > 1 else []


def _wanted(
    start: int, ref: str, alt: str, contig: str, wanted: set[Edit], changes: set[int], reference: Reference
) -> Edit | None:
    """An allele of a record as one of the `wanted`; None where it is none of them."""
    if not _BASES.issuperset(alt):
        return None
    start, ref, alt = trimmed_alleles(start, ref, alt)
    edit = Edit(start, start + len(ref), alt)
    if edit.may_move:
        if edit.length_change not in changes:
            return None
        edit = reference.left_aligned(contig, edit)
    return edit if edit in wanted else None
