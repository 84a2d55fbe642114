"""Which fragments carry a planted variant, and their records, edited.

A fragment goes to the tumour, to the normal or nowhere by a hash of its name; of the tumour's those carry the variant whose
hash is low enough, so that their number is binomial. Copies of one molecule (duplicates) have one hash. Where a
heterozygous SNV of the person's own tells haplotypes apart, the variant is on one of them.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pysam

from varproof.reads.arrays import HASH_RANGE
from varproof.reads.files import open_reads
from varproof.reads.raw import as_bytes, as_segments
from varproof.reads.records import name_is_no_text
from varproof.reads.reference import open_reference
from varproof.reads.sam import DUPLICATE, PAIRED, UNMAPPED
from varproof.spiking.near import REACH, covered, fragments_near
from varproof.spiking.plan import Spike
from varproof.spiking.records import edited
from varproof.spiking.settings import SpikingSettings
from varproof.spiking.survey import FURTHEST_MARKER, Marker, Planned, mixed
from varproof.variants.edit import Edit

TUMOR, NORMAL, NEITHER = 0, 1, 2
SAMPLE_SALT, VARIANT_SALT = 1, 2
_SURE_BASE = 13
_BYTES_AT_ONCE = 1 << 22


def uniform(values: Any, *salts: int) -> Any:
    """Uniform numbers in [0, 1) from integers (n,), for ever the same."""
    return mixed(values, *salts) / HASH_RANGE


def sample_of(hashes: Any, seed: int, tumor: float, normal: float) -> Any:
    """int8 (n,): where fragments of these name hashes go, of a file whose shares these are."""
    number = uniform(hashes, seed, SAMPLE_SALT)
    return np.where(number < tumor, TUMOR, np.where(number < tumor + normal, NORMAL, NEITHER)).astype(np.int8)


@dataclass(frozen=True)
class Shares:
    """Of the first file's fragments: share of the tumour and of the normal; of the second file's: of the normal."""

    tumor: float
    normal: float
    second_normal: float


@dataclass(frozen=True)
class Carrier:
    """A fragment that carries a variant: its name, whether it counts (covers the variant, no duplicate), its records.

    `records`: BAM records; none where the fragment does not exist on the haplotype with the variant.
    """

    name: str
    counts: bool
    records: tuple[bytes, ...]


@dataclass
class Planted:
    """What becomes of one variant: fragments over it without the allele, in tumour and normal; those with it.

    `already`: carriers of a substitution whose reads show it as they are, by an error. `left`: carriers that could not be
    edited, since a record of theirs is far away or split; counted among those without.
    """

    tumor: int = 0
    normal: int = 0
    already: int = 0
    left: int = 0
    on_haplotype: bool = False
    carriers: list[Carrier] = field(default_factory=list)


class Planter:
    """Files that a process opens once."""

    def __init__(self, settings: SpikingSettings, files: list[Path], shares: Shares, markers: list[Marker]) -> None:
        self.settings, self.shares, self.markers = settings, shares, markers
        self.fasta = open_reference(settings.reference)
        self.contigs = self.fasta.references
        self.files = [open_reads(path, settings.reference) for path in files]
        self.marker_places = np.array([(item.contig, item.position) for item in markers], np.int64).reshape(-1, 2)

    def plant(self, spikes: list[Spike]) -> list[Planted]:
        """Edit the fragments that carry each variant; raises UserError where the reads are damaged."""
        try:
            return self._planted(spikes)
        except UnicodeDecodeError as error:
            first = spikes[0].variant
            place = self.contigs[first.contig], max(0, first.edit.start - REACH)
            raise name_is_no_text(self.files[0], *place) from error

    def _planted(self, spikes: list[Spike]) -> list[Planted]:
        found = [(drawn.planted, self._edited(drawn, fragments)) for drawn, fragments in self._with_reads(spikes)]
        records = [record for _, carriers in found for _, _, edited_records in carriers for record in edited_records]
        raw = as_bytes(self.files[0].header, records)
        for planted, carriers in found:
            for name, counts, edited_records in carriers:
                planted.carriers.append(Carrier(name, counts, tuple(itertools.islice(raw, len(edited_records)))))
        return [planted for planted, _ in found]

    def _with_reads(self, spikes: list[Spike]) -> Iterator[tuple["_Drawn", dict[str, list[pysam.AlignedSegment]]]]:
        """What is drawn for each variant, with the records of the fragments that may carry it, by name."""
        waiting: list[_Drawn] = []
        for i, spike in enumerate(spikes):
            waiting.append(self._drawn(spike))
            if i == len(spikes) - 1 or sum(len(item.content) for item in waiting) > _BYTES_AT_ONCE:
                reads = iter(as_segments(self.files[0].header, b"".join(item.content for item in waiting)))
                for item in waiting:
                    groups: dict[str, list[pysam.AlignedSegment]] = {}
                    for read in itertools.islice(reads, item.records):
                        groups.setdefault(read.query_name or "", []).append(read)
                    yield item, groups
                waiting = []

    def _drawn(self, spike: Spike) -> "_Drawn":
        variant, seed, out = spike.variant, self.settings.seed, Planted()
        edit = variant.edit
        markers = self._near(variant.contig, edit.start)
        marker = self._marker(markers, edit.start, edit.end)
        out.on_haplotype = marker is not None
        contig = self.contigs[variant.contig]
        near = fragments_near(self.files[0], contig, edit)
        sample = sample_of(near.name_hash, seed, self.shares.tumor, self.shares.normal)
        out.normal = int(near.counts[sample == NORMAL].sum())
        for alignments in self.files[1:]:
            other = fragments_near(alignments, contig, edit)
            out.normal += int(other.counts[sample_of(other.name_hash, seed, 0.0, self.shares.second_normal) == NORMAL].sum())
        tumor = np.flatnonzero(sample == TUMOR)
        number = uniform(near.molecules(tumor), seed, VARIANT_SALT, variant.contig, edit.start)
        share = spike.frequency * self.settings.purity
        may_carry = number < (share if marker is None else 2 * share)
        out.tumor = int(near.counts[tumor[~may_carry]].sum())
        tumor = tumor[may_carry]
        numbers, counts = number[may_carry].tolist(), near.counts[tumor].tolist()
        return _Drawn(variant, share, markers, marker, out, numbers, counts, *near.records(tumor))

    def _edited(
        self, drawn: "_Drawn", fragments: dict[str, list[pysam.AlignedSegment]]
    ) -> list[tuple[str, bool, list[pysam.AlignedSegment]]]:
        """The fragments that carry the variant: name, whether it counts, records; the others are counted."""
        variant, out = drawn.variant, drawn.planted
        edit = variant.edit
        reference = _Text(self.fasta, self.contigs[variant.contig], edit.start - 3 * REACH, edit.end + 3 * REACH)
        own = _Own(reference, [item for item in drawn.markers if item.homozygous])
        on_alternative = bool(uniform([edit.start], self.settings.seed, VARIANT_SALT, 1)[0] < 0.5)
        carriers: list[tuple[str, bool, list[pysam.AlignedSegment]]] = []
        for (name, reads), number, counts in zip(fragments.items(), drawn.number, drawn.counts, strict=True):
            side = None if drawn.marker is None else _side(reads, drawn.marker)
            carries = number < _chance(drawn.share, side, on_alternative)
            if carries and not _complete(reads):
                out.left += counts
                carries = False
            records = edited(reads, edit, reference, own) if carries else reads
            if records is None:
                carriers.append((name, False, []))
            elif carries and any(after != before for after, before in zip(records, reads, strict=True)):
                shown = _counts(records, edit) if edit.length_change == 0 else counts  # substitutions at ends may be clipped
                carriers.append((name, shown, records))
            elif carries and edit.length_change == 0:
                out.already += counts
            else:
                out.tumor += counts
        return carriers

    def _near(self, contig: int, position: int) -> list[Marker]:
        places = self.marker_places
        chosen = (places[:, 0] == contig) & (abs(places[:, 1] - position) < 2 * REACH)
        return [self.markers[i] for i in np.flatnonzero(chosen)]

    @staticmethod
    def _marker(near: list[Marker], start: int, end: int) -> Marker | None:
        """The nearest heterozygous SNV that a fragment over the variant may show as well."""

        def distance(item: Marker) -> tuple[int, int]:
            return min(abs(item.position - start), abs(item.position - end)), item.position

        near = [item for item in near if not item.homozygous and distance(item)[0] < FURTHEST_MARKER]
        return min(near, key=distance, default=None)


class _Drawn(NamedTuple):
    """A variant, its share of the tumour's reads, the person's own SNVs near it, and the fragments that may carry it.

    Of these: a uniform number, whether it counts, and all their records. `planted` counts the others.
    """

    variant: Planned
    share: float
    markers: list[Marker]
    marker: Marker | None
    planted: Planted
    number: list[float]
    counts: list[bool]
    content: bytes
    records: int


def _chance(share: float, side: bool | None, on_alternative: bool) -> float:
    """P(carries) of a fragment: `side` says whether it shows the marker's alternative allele; None: it doesn't tell."""
    if side is None:
        return share
    return min(1.0, 2 * share) if side == on_alternative else max(0.0, 2 * share - 1)


def _counts(reads: list[pysam.AlignedSegment], edit: Edit) -> bool:
    """Whether a fragment is counted: a read covers the variant, and it is no duplicate."""
    return any(_covers(read, edit) for read in reads) and not any(read.flag & DUPLICATE for read in reads)


def _covers(read: pysam.AlignedSegment, edit: Edit) -> bool:
    """Whether a read is aligned over the variant."""
    first, last = covered(edit)
    return not read.flag & UNMAPPED and read.reference_start <= first and (read.reference_end or 0) >= last


def _complete(reads: list[pysam.AlignedSegment]) -> bool:
    """Whether all primary records of the fragment are here, and can be edited."""
    paired = bool(reads[0].flag & PAIRED)
    editable = all(read.query_sequence and not any(op in (3, 5, 6) for op, _ in read.cigartuples or []) for read in reads)
    return len(reads) == (2 if paired else 1) and editable


def _side(reads: list[pysam.AlignedSegment], marker: Marker) -> bool | None:
    """Whether a fragment shows the marker's alternative allele; None where it shows neither, or both."""
    seen = set()
    for read in reads:
        if read.flag & UNMAPPED or not read.reference_start <= marker.position < (read.reference_end or 0):
            continue
        for query, position in read.get_aligned_pairs(matches_only=True):
            if position == marker.position:
                if (read.query_qualities is None or read.query_qualities[query] >= _SURE_BASE) and read.query_sequence:
                    seen.add(read.query_sequence[query])
                break
    known = {base == marker.alt for base in seen if base in (marker.ref, marker.alt)}
    return known.pop() if len(known) == 1 else None


class _Text:
    """Upper-case bases of a stretch of a contig, read at once; N outside of the contig."""

    def __init__(self, fasta: pysam.FastaFile, contig: str, start: int, end: int) -> None:
        self._fasta, self._contig, self._length = fasta, contig, fasta.get_reference_length(contig)
        self._load(start, end)

    def _load(self, start: int, end: int) -> None:
        first, last = max(start, 0), min(max(end, 0), self._length)
        inside = self._fasta.fetch(self._contig, first, last).upper() if first < last else ""
        self._start, self._bases = start, "N" * (first - start) + inside + "N" * (end - start - (first - start) - len(inside))

    def __call__(self, start: int, end: int) -> str:
        if start < self._start or end > self._start + len(self._bases):
            self._load(min(start, self._start), max(end, self._start + len(self._bases)))
        return self._bases[start - self._start : end - self._start]


class _Own:
    """The reference with the homozygous SNVs of the person: what a haplotype has where a read gives no answer."""

    def __init__(self, reference: _Text, markers: list[Marker]) -> None:
        self._reference, self._changed = reference, {item.position: item.alt for item in markers}

    def __call__(self, start: int, end: int) -> str:
        text = self._reference(start, end)
        return "".join(self._changed.get(start + i, base) for i, base in enumerate(text)) if self._changed else text
