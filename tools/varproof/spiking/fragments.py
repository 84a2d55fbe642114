"""Which fragments carry a planted variant, and their records, edited.

A fragment goes to the tumour, to the normal or nowhere by a hash of its name; of the tumour's those carry the variant whose
hash is low enough, so that their number is binomial. Copies of one molecule (duplicates) have one hash. Where a
heterozygous SNV of the person's own tells haplotypes apart, the variant is on one of them.
"""

import itertools
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from varproof.reads.arrays import HASH_RANGE, MATE_UNMAPPED, PAIRED, UNMAPPED, name_hash
from varproof.reads.bgzf import BgzfFile
from varproof.reads.files import fetch_reads, open_reads
from varproof.reads.reference import open_reference
from varproof.spiking.copying import header_size
from varproof.spiking.editing import Edit
from varproof.spiking.plan import Spike
from varproof.spiking.records import clip, edited
from varproof.spiking.settings import SpikingSettings
from varproof.spiking.survey import Marker, mixed

FURTHEST_MARKER = 500
"""A heterozygous SNV further away from a variant is seldom in the same fragment, bp."""

REACH = 1000
"""Mates this far from a variant are found without asking for each, bp."""

TUMOR, NORMAL, NEITHER = 0, 1, 2
SAMPLE_SALT, VARIANT_SALT = 1, 2
SECONDARY, DUPLICATE, SUPPLEMENTARY = 0x100, 0x400, 0x800
_SURE_BASE = 13


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
        self.files: list[Any] = [open_reads(path, settings.reference) for path in files]
        self.marker_places = np.array([(item.contig, item.position) for item in markers], np.int64).reshape(-1, 2)

    def plant(self, spikes: list[Spike]) -> list[Planted]:
        """Edit the fragments that carry each variant."""
        found = [self._planted(spike) for spike in spikes]
        raw = _as_bytes(self.files[0], [record for _, carriers in found for _, _, records in carriers for record in records])
        for planted, carriers in found:
            for name, counts, records in carriers:
                planted.carriers.append(Carrier(name, counts, tuple(itertools.islice(raw, len(records)))))
        return [planted for planted, _ in found]

    def _planted(self, spike: Spike) -> tuple[Planted, list[tuple[str, bool, list[Any]]]]:
        variant, out = spike.variant, Planted()
        contig = self.contigs[variant.contig]
        reference = _Text(self.fasta, contig, variant.start - 3 * REACH, variant.end + 3 * REACH)
        near = self._near(variant.contig, variant.start)
        own = _Own(reference, [item for item in near if item.homozygous])
        marker = self._marker(near, variant.start, variant.end)
        out.on_haplotype = marker is not None
        edit = Edit(variant.start, variant.end, variant.alt)
        seed = self.settings.seed
        on_alternative = bool(uniform([variant.start], seed, VARIANT_SALT, 1)[0] < 0.5)
        carriers: list[tuple[str, bool, list[Any]]] = []
        fragments = list(self._fragments(self.files[0], contig, edit))
        target = sample_of([name_hash(name) for name, _ in fragments], seed, self.shares.tumor, self.shares.normal)
        drawn = uniform([_molecule(reads) for _, reads in fragments], seed, VARIANT_SALT, variant.contig, variant.start)
        for (name, reads), sample, number in zip(fragments, target.tolist(), drawn.tolist(), strict=True):
            if sample == NEITHER:
                continue
            counts = _counts(reads, edit)
            if sample == NORMAL:
                out.normal += counts
                continue
            carries = number < self._chance(spike.frequency, None if marker is None else _side(reads, marker), on_alternative)
            if carries and not _complete(reads):
                out.left += counts
                carries = False
            records = edited(reads, edit, reference, own) if carries else reads
            if records is None:
                carriers.append((name, False, []))
            elif carries and any(after != before for after, before in zip(records, reads, strict=True)):
                shown = _counts(records, edit) if edit.shift == 0 else counts  # a substitution at a read's end may be clipped
                carriers.append((name, shown, records))
            elif carries and edit.shift == 0:
                out.already += counts
            else:
                out.tumor += counts
        if len(self.files) > 1:
            fragments = list(self._fragments(self.files[1], contig, edit))
            target = sample_of([name_hash(name) for name, _ in fragments], seed, 0.0, self.shares.second_normal)
            there = zip(fragments, target.tolist(), strict=True)
            out.normal += sum(_counts(reads, edit) for (_, reads), sample in there if sample == NORMAL)
        return out, carriers

    def _chance(self, frequency: float, side: bool | None, on_alternative: bool) -> float:
        """P(carries) of a fragment: `side` says whether it shows the marker's alternative allele; None: it doesn't tell."""
        share = frequency * self.settings.purity
        if side is None:
            return share
        return min(1.0, 2 * share) if side == on_alternative else max(0.0, 2 * share - 1)

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

    @staticmethod
    def _fragments(alignments: Any, contig: str, edit: Edit) -> Iterator[tuple[str, list[pysam.AlignedSegment]]]:
        """Primary records by fragment, of those of which a part may lie on either side of the variant or over it.

        A fragment with supplementary or secondary records near by is not given.
        """
        found: dict[str, list[pysam.AlignedSegment]] = {}
        split = set()
        low, high = max(0, edit.start - REACH), min(alignments.get_reference_length(contig), edit.end + REACH)
        for read in fetch_reads(alignments, contig, low, high):
            if read.flag & (SECONDARY | SUPPLEMENTARY):
                split.add(read.query_name)
            else:
                found.setdefault(read.query_name, []).append(read)
        for name, reads in found.items():
            mapped = [read for read in reads if not read.flag & UNMAPPED]
            if name not in split and mapped and _reaches(mapped, edit) and not any(read.has_tag("SA") for read in reads):
                yield name, reads


def _reaches(mapped: list[pysam.AlignedSegment], edit: Edit) -> bool:
    """Whether the span of a fragment's reads, clipped ends too, touches the variant."""
    behind = max(edit.end, edit.start + 1)
    if all(read.reference_start >= behind + read.query_length for read in mapped):
        return False  # at once for most, whose clips need not be looked at
    first = min(read.reference_start - clip(read, 0) for read in mapped)
    last = max((read.reference_end or read.reference_start) + clip(read, -1) for read in mapped)
    return first < behind and last > edit.start


def _counts(reads: list[pysam.AlignedSegment], edit: Edit) -> bool:
    """Whether a fragment is counted: a read covers the variant, and it is no duplicate."""
    return any(_covers(read, edit) for read in reads) and not any(read.flag & DUPLICATE for read in reads)


def _covers(read: pysam.AlignedSegment, edit: Edit) -> bool:
    """Whether a read is aligned over the variant: its first base, and of an indel what lies on both sides."""
    if read.flag & UNMAPPED:
        return False
    first, last = (edit.start, edit.start + 1) if edit.end - edit.start == len(edit.alt) else (edit.start - 1, edit.start + 1)
    return read.reference_start <= first and (read.reference_end or 0) >= last


def _complete(reads: list[pysam.AlignedSegment]) -> bool:
    """Whether all primary records of the fragment are here, and can be edited."""
    paired = bool(reads[0].flag & PAIRED)
    editable = all(read.query_sequence and not any(op in (3, 5, 6) for op, _ in read.cigartuples or []) for read in reads)
    return len(reads) == (2 if paired else 1) and editable


def _molecule(reads: list[pysam.AlignedSegment]) -> int:
    """The same number for copies of one molecule: from the ends of the fragment that were sequenced."""
    ends = []
    for read in reads:
        if read.flag & UNMAPPED:
            continue
        reverse = bool(read.flag & 0x10)
        end = (read.reference_end or 0) + clip(read, -1) if reverse else read.reference_start - clip(read, 0)
        ends.append(f"{end}{'-' if reverse else '+'}")
    if len(ends) < 2 and not reads[0].flag & MATE_UNMAPPED:
        ends.append(reads[0].query_name or "")
    return name_hash(" ".join(sorted(ends)))


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


def _as_bytes(alignments: Any, records: list[Any]) -> Iterator[bytes]:
    """Records as a BAM holds them, in order, each with its size in front."""
    if not records:
        return
    with tempfile.NamedTemporaryFile(suffix=".bam") as written:
        with pysam.AlignmentFile(written.name, "wbu", header=alignments.header) as out:
            for record in records:
                out.write(record)
        file = BgzfFile(written.name)
        content = file.read(os.path.getsize(written.name))
    place = header_size(content)
    while place < len(content):
        end = place + 4 + int.from_bytes(content[place : place + 4], "little")
        yield content[place:end]
        place = end
