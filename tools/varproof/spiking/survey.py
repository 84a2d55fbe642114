"""Where variants can be planted: what the reads show of depth, mapping quality and the person's own variants, chunk by chunk.

A place is good where reads are deep and well mapped enough, the reference is known, and no allele within `CLEAR` bp is so
frequent that it may be germline. Random places are the good ones of lowest hash, so that they depend neither on chunks nor on
processes.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from varproof.candidates.arrays import ALTERNATIVE_FORWARD, ALTERNATIVE_REVERSE, Alleles
from varproof.candidates.features import allele_fraction, genotypes
from varproof.candidates.finding import FindingSettings, candidate_alleles, differences_of, reads_of
from varproof.candidates.pipeline import AROUND, FURTHEST_CLIP, Chunk, inside, listed_alleles, support_of
from varproof.machinery.numerics import exp, log
from varproof.reads.arrays import base_codes, spelled_out
from varproof.reads.decode import decode_reads, open_reads
from varproof.reads.reference import open_reference
from varproof.spiking.settings import SpikedType, SpikingSettings
from varproof.variants.edit import LONGEST_MNV, Edit, VariantType, left_aligned
from varproof.variants.placement import AMBIGUOUS_MARGIN, MAX_SHIFT, UNKNOWN
from varproof.variants.reference import ReferenceSlice, reference_slice

CLEAR = 10
"""bp around a variant of the person's own where nothing is planted."""

GERMLINE_READS, GERMLINE_FRACTION = 3, 0.1
"""An allele of so many reads, and of so great a share of them, may be the person's own."""

HETEROZYGOUS, HOMOZYGOUS = (0.25, 0.75), 0.85
"""Share of reads that show the allele of a heterozygous SNV that tells haplotypes apart; at least, of a homozygous one."""

FURTHEST_MARKER = 500
"""A heterozygous SNV further away from a variant is seldom in the same fragment, bp."""

SURE = 20
"""PHRED of the second best genotype of a variant that is relied on."""

PLACES_PER_CHUNK = 200
_LETTERS = "ACGTN"
LOW_DEPTH, POOR_MAPPING, GERMLINE, UNKNOWN_REFERENCE, SHOWN = (
    "low_depth", "poor_mapping", "germline_variant_near", "unknown_reference", "allele_in_the_reads",
)  # fmt: skip


class Planned(NamedTuple):
    """A left-aligned edit of a contig, given by its number in the FASTA; `alt` is a string."""

    contig: int
    edit: Edit

    @property
    def description(self) -> str:
        """Type and length, for people."""
        kind = self.edit.type
        return kind.value if kind is VariantType.SNV else f"{kind.value} of {self.edit.length} bp"


@dataclass(frozen=True)
class Place:
    """What could be planted at one position: by type, or why not; and the depth of each file there.

    `priority`: uniform over uint64; the lowest are taken first. `choices` of a planned variant has that one.
    """

    contig: int
    position: int
    priority: int
    depth: tuple[int, ...]
    choices: dict[str, Planned] = field(default_factory=dict)
    reason: str | None = None


@dataclass(frozen=True)
class Marker:
    """A heterozygous or homozygous SNV of the person's own; `contig` is a number in the FASTA, `alt` a base."""

    contig: int
    position: int
    ref: str
    alt: str
    homozygous: bool


@dataclass(frozen=True)
class Surveyed:
    """One chunk: places to plant, those of equal rank where nothing can be, markers, covered positions by reason, depth.

    `depth_sum`, `positions`: reads over the positions that are deep enough, of each file, and how many these are.
    """

    places: list[Place]
    markers: list[Marker]
    counts: dict[str, int]
    depth_sum: tuple[int, ...]
    positions: int


_RANK = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def mixed(values: Any, *salts: int) -> Any:
    """uint64 hashes of integers (n,), another one for each choice of salts: splitmix64's finaliser, once for each."""
    key = np.asarray(values, np.uint64)  # of Python integers, some beyond int64, NumPy would by itself make floats
    with np.errstate(over="ignore"):
        for salt in (*salts, 0):
            key = key + np.uint64(salt % (1 << 63)) * _RANK[1] + _RANK[0]
            key = (key ^ (key >> np.uint64(30))) * _RANK[1]
            key = (key ^ (key >> np.uint64(27))) * _RANK[2]
            key = key ^ (key >> np.uint64(31))
    return key


class Surveyor:
    """Files that a process opens once."""

    def __init__(self, settings: SpikingSettings, files: list[Path], planned: list[Planned] | None) -> None:
        self.settings, self.planned = settings, planned
        self.fasta = open_reference(settings.reference)
        self.order = {name: i for i, name in enumerate(self.fasta.references)}
        self.files: list[Any] = [open_reads(path, settings.reference) for path in files]
        self.finding = FindingSettings(2, 0.02, mapping_quality=settings.min_mapping_quality, all_indels=True)

    def survey(self, chunk: Chunk) -> Surveyed:
        """What the chunk has to offer."""
        number = self.order[chunk.contig]
        length = self.fasta.get_reference_length(chunk.contig)
        longest = max((item.edit.end - item.edit.start for item in self.planned or []), default=0)
        reach = CLEAR + max(longest, self.settings.lengths[-1], LONGEST_MNV)
        low, high = max(0, chunk.start - reach), min(length, chunk.end + reach)
        batches = []
        for handle in self.files:
            batch = decode_reads(
                handle, chunk.contig, low - FURTHEST_CLIP, high + MAX_SHIFT + FURTHEST_CLIP, keep_unmapped_mates=False
            )
            if not batch.size:
                return Surveyed([], [], {}, (0,) * len(self.files), 0)
            batches.append(batch)
        reference = reference_slice(self.fasta, chunk.contig, low - AROUND, high + AROUND)
        depth, well_mapped, own = [], [], np.zeros(high - low, bool)
        shown: set[tuple[int, int, str]] = set()
        markers: list[Marker] = []
        for number_of_file, batch in enumerate(batches):
            depth.append(_covered(batch.start, batch.end, low, high))
            reads = reads_of(batch, reference)
            differences = differences_of(reads, reference, low, high, self.finding)
            well_mapped.append(differences.coverage)
            alleles = candidate_alleles(reads, differences, reference, low, high, self.finding)
            support = support_of(reads, differences, alleles, reference, self.finding)
            fraction, count = allele_fraction(support), support[:, ALTERNATIVE_FORWARD] + support[:, ALTERNATIVE_REVERSE]
            own_alleles = (count >= GERMLINE_READS) & (fraction >= GERMLINE_FRACTION)
            for i in np.flatnonzero(own_alleles):
                first, last = alleles.start[i] - CLEAR, alleles.end[i] + alleles.shift[i] + CLEAR
                own[max(0, first - low) : max(0, last - low)] = True
            shown |= set(_spelled(alleles))
            if number_of_file == 0:
                phred = np.sort(genotypes(support).phred, axis=1)[:, 1] if len(support) else np.empty(0)
                markers = _markers(number, alleles, fraction, phred, reference, chunk)
        total = np.array(depth)
        good_share = np.array(well_mapped) >= 0.9 * total
        reason = np.zeros(high - low, np.int8)
        names = ("", UNKNOWN_REFERENCE, GERMLINE, POOR_MAPPING, LOW_DEPTH)
        reason[own] = 2
        reason[~good_share.all(axis=0)] = 3
        reason[(total < self.settings.least_reads).any(axis=0)] = 4
        unknown = reference.between(low - AMBIGUOUS_MARGIN, high + AMBIGUOUS_MARGIN)
        if (unknown > 3).any() or len(unknown) < high - low + 2 * AMBIGUOUS_MARGIN:
            reason[_beside_unknown(reference, low, high)] = 1
        covered = (total > 0).all(axis=0)
        here = np.zeros(high - low, bool)
        here[chunk.start - low : chunk.end - low] = inside(np.arange(chunk.start, chunk.end), chunk.regions)
        deep = here & (total >= self.settings.least_reads).all(axis=0)
        counts = {name: int((here & covered & (reason == k)).sum()) for k, name in enumerate(names) if k}
        counts["good"] = int((here & (reason == 0)).sum())
        view = _View(number, low, reason, names, total, shown, reference)
        if self.planned is not None:
            places = [view.planned(item) for item in self.planned if item.contig == number and here_is(item, here, low)]
        else:
            places = self._random(view, here & covered)
        return Surveyed(places, markers, counts, tuple(int(row[deep].sum()) for row in total), int(deep.sum()))

    def _random(self, view: "_View", wanted: np.ndarray) -> list[Place]:
        """The places of lowest hash, good ones and others; so many of each that the spacing leaves no use for more."""
        out = []
        for good in (True, False):
            position = np.flatnonzero(wanted & ((view.reason == 0) == good)) + view.low
            priority = mixed(position, view.contig, self.settings.seed)
            for i in np.argsort(priority, kind="stable")[:PLACES_PER_CHUNK]:
                at, rank = int(position[i]), int(priority[i])
                out.append(view.random(at, rank, self.settings) if good else view.refused(at, rank))
        return out


def here_is(item: Planned, here: np.ndarray, low: int) -> bool:
    """Whether a variant starts at a position that is reported here."""
    return 0 <= item.edit.start - low < len(here) and bool(here[item.edit.start - low])


@dataclass(frozen=True)
class _View:
    """What is known of low..low + n - 1 of a contig."""

    contig: int
    low: int
    reason: np.ndarray
    names: tuple[str, ...]
    depth: np.ndarray
    shown: set[tuple[int, int, str]]
    reference: ReferenceSlice

    def refused(self, position: int, priority: int) -> Place:
        reason = self.names[self.reason[position - self.low]]
        return Place(self.contig, position, priority, self._depth(position), reason=reason)

    def planned(self, item: Planned) -> Place:
        problem = self._problem(item)
        return Place(self.contig, item.edit.start, 0, self._depth(item.edit.start), {"planned": item}, problem)

    def random(self, position: int, priority: int, settings: SpikingSettings) -> Place:
        """One variant of each type, drawn by the place alone."""
        chance = np.random.default_rng([settings.seed, self.contig, position])
        choices: dict[str, Planned] = {}
        for kind in ("snv", "mnv", "insertion", "deletion"):
            item = self._drawn(kind, position, settings, chance)
            if kind in settings.types and self._problem(item) is None:
                choices[kind] = item
        reason = None if choices else SHOWN
        return Place(self.contig, position, priority, self._depth(position), choices, reason)

    def _depth(self, position: int) -> tuple[int, ...]:
        return tuple(int(row[position - self.low]) for row in self.depth)

    def _problem(self, item: Planned) -> str | None:
        start, end, _ = item.edit
        first, last = start - self.low, max(end, start + 1) - self.low
        worst = int(self.reason[max(first, 0) : last].max(initial=0))
        if worst:
            return self.names[worst]
        return SHOWN if item.edit in self.shown else None

    def _drawn(self, kind: SpikedType, position: int, settings: SpikingSettings, chance: np.random.Generator) -> Planned:
        low, high = settings.lengths[0], settings.lengths[-1]
        size = round(exp(chance.uniform(log(low - 0.499), log(high + 0.499))))
        size = min(max(size, low), high)
        if kind in ("snv", "mnv"):
            size = 1 if kind == "snv" else int(chance.integers(2, LONGEST_MNV + 1))
            before = self.reference.between(position, position + size)
            step = np.where(np.arange(size) % max(size - 1, 1) == 0, chance.integers(1, 4, size), chance.integers(0, 4, size))
            alt = "".join(_LETTERS[(code + k) % 4] for code, k in zip(before.tolist(), step.tolist(), strict=True))
            return Planned(self.contig, Edit(position, position + size, alt))
        if kind == "insertion":
            moved = "".join(_LETTERS[code] for code in chance.integers(0, 4, size))
            return self._left(position, position, moved)
        return self._left(position, position + size, "")

    def _left(self, start: int, end: int, alt: str) -> Planned:
        """The leftmost place of an indel."""
        edit = Edit(start, end, base_codes(alt).tobytes())
        start, end, codes = left_aligned(edit, self.reference, max(self.reference.start, start - MAX_SHIFT), UNKNOWN)
        return Planned(self.contig, Edit(start, end, spelled_out(codes)))


def _covered(start: np.ndarray, end: np.ndarray, low: int, high: int) -> np.ndarray:
    """How many of the intervals cover each of low..high - 1."""
    change = np.zeros(high - low + 1, np.int64)
    np.add.at(change, np.clip(start - low, 0, high - low), 1)
    np.add.at(change, np.clip(end - low, 0, high - low), -1)
    return np.cumsum(change)[:-1]


def _beside_unknown(reference: ReferenceSlice, low: int, high: int) -> np.ndarray:
    """bool: whether N, or the contig's end, lies within `AMBIGUOUS_MARGIN` bp of low..high - 1."""
    known = np.zeros(high - low + 2 * AMBIGUOUS_MARGIN, bool)
    first, last = max(low - AMBIGUOUS_MARGIN, reference.start), min(high + AMBIGUOUS_MARGIN, reference.end)
    known[first - low + AMBIGUOUS_MARGIN : last - low + AMBIGUOUS_MARGIN] = reference.between(first, last) < 4
    width = 2 * AMBIGUOUS_MARGIN + 1
    unknown = np.concatenate([[0], np.cumsum(~known)])
    return unknown[width:] > unknown[:-width]


def _spelled(alleles: Alleles) -> list[Edit]:
    return [Edit(start, end, spelled_out(alt)) for start, end, alt in listed_alleles(alleles)]


def _markers(
    contig: int, alleles: Alleles, fraction: np.ndarray, sure: np.ndarray, reference: ReferenceSlice, chunk: Chunk
) -> list[Marker]:
    """SNVs of the chunk that are surely the person's own."""
    out = []
    for i, (start, end, alt) in enumerate(_spelled(alleles)):
        between = HETEROZYGOUS[0] <= fraction[i] <= HETEROZYGOUS[1]
        here = end - start == len(alt) == 1 and chunk.start <= start < chunk.end
        if here and sure[i] >= SURE and (between or fraction[i] >= HOMOZYGOUS):
            ref = _LETTERS[int(reference.between(start, end)[0])]
            out.append(Marker(contig, start, ref, alt, not between))
    return out
