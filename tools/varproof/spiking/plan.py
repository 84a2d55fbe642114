"""Which variants are planted: the plan that a user gives, or random ones; and which are left out, and why."""

import bisect
import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from varproof.candidates.pipeline import CallingJob, Chunk, chunks
from varproof.formats.vcf import ALLELE_FREQUENCY, info_numbers, read_records
from varproof.machinery.errors import UserError
from varproof.machinery.progress import progress
from varproof.machinery.workers import ordered_results
from varproof.reads.reference import open_reference
from varproof.reads.regions import merged
from varproof.spiking.settings import SpikingSettings
from varproof.spiking.survey import FURTHEST_MARKER, LOW_DEPTH, Marker, Place, Planned, Surveyed, Surveyor
from varproof.variants.candidate import candidates_of
from varproof.variants.reference import Reference

TOO_NEAR, NO_FREQUENCY, OUTSIDE, TWICE = "near_another_planted_variant", "no_frequency", "outside_regions", "planned_twice"
NO_READS = "no_reads"
MOST_LISTED = 10_000


@dataclass(frozen=True)
class Spike:
    """A variant to plant and its allele frequency in tumour cells."""

    variant: Planned
    frequency: float


@dataclass(frozen=True)
class Skipped:
    """A place, or a variant of the plan, that was left out."""

    contig: str
    position: int
    what: str
    reason: str


@dataclass
class Plan:
    """What is planted, in order; what was left out, and how many of each reason; the person's own SNVs.

    `depth`: mean depth of each file where it is deep enough. `positions`: covered positions of each kind.
    """

    names: list[str]
    spikes: list[Spike]
    skipped: list[Skipped]
    not_listed: int
    markers: list[Marker]
    depth: tuple[float, ...]
    positions: dict[str, int]


@dataclass
class _Sums:
    """What the chunks add up to; of random places the best `most` are kept."""

    most: int
    places: list[Place] = field(default_factory=list)
    refused: list[Place] = field(default_factory=list)
    markers: dict[Marker, None] = field(default_factory=dict)
    positions: Counter[str] = field(default_factory=Counter)
    bases: Any = None
    deep: int = 0

    def add(self, part: Surveyed) -> None:
        self.places = self._best([*self.places, *(item for item in part.places if item.choices)])
        self.refused = self._best([*self.refused, *(item for item in part.places if not item.choices)])
        self.markers.update(dict.fromkeys(part.markers))  # of neighbours that overlap, once
        self.positions.update(part.counts)
        bases = np.array(part.depth_sum)
        self.bases = bases if self.bases is None else self.bases + bases
        self.deep += part.positions

    def _best(self, places: list[Place]) -> list[Place]:
        return places if len(places) <= self.most else heapq.nsmallest(self.most, places, key=_rank)


def _rank(place: Place) -> tuple[int, int, int]:
    return place.priority, place.contig, place.position


def read_plan(path: Path, settings: SpikingSettings, names: list[str]) -> tuple[dict[Planned, float | None], list[Skipped]]:
    """Variants of a VCF with their frequencies (None where it has none), and alleles that can't be planted.

    Raises UserError where a record is outside of the reference or has other bases than the reference.
    """
    reference, order = Reference(settings.reference), {name: i for i, name in enumerate(names)}
    skipped: list[Skipped] = []
    found: dict[Planned, float | None] = {}
    for record in read_records(path, require_sorted=False):
        reference.check(path, record)
        frequencies = info_numbers(record, ALLELE_FREQUENCY) or ()
        for candidate in candidates_of(record, 0):
            if candidate.skipped is not None:
                skipped.append(Skipped(record.contig, record.start, record.alleles[1 + candidate.allele], candidate.skipped))
                continue
            frequency = frequencies[candidate.allele] if candidate.allele < len(frequencies) else None
            if frequency is not None and not 0 <= frequency <= 1:
                raise UserError(f"{path}: record {record.contig}:{record.pos}: AF is {frequency:g}; give 0 < AF <= 1")
            if frequency == 0:  # a caller's list: what no genotype of it has
                skipped.append(Skipped(record.contig, record.start, record.alleles[1 + candidate.allele], NO_FREQUENCY))
                continue
            edit = reference.left_aligned(candidate.contig, candidate.edit)
            planned = Planned(order[candidate.contig], edit)
            if planned in found:
                skipped.append(Skipped(record.contig, planned.edit.start, planned.description, TWICE))
            else:
                found[planned] = frequency
    if not found:
        raise UserError(f"{path}: no variant that could be planted; alleles are to be spelled out")
    return found, skipped


def make_plan(settings: SpikingSettings, regions: dict[str, list[tuple[int, int]]] | None, workers: int) -> Plan:
    """Survey the reads and choose. Raises UserError where nothing can be planted."""
    files = settings.files
    with open_reference(settings.reference) as fasta:
        names, lengths = list(fasta.references), list(fasta.lengths)
    given: dict[Planned, float | None] | None = None
    skipped: list[Skipped] = []
    if settings.variants is not None:
        given, skipped = read_plan(settings.variants, settings, names)
    stretches = _stretches(settings, regions, given, names, lengths)
    sums = _Sums(10 * settings.count if given is None else len(given))
    listed = None if given is None else list(given)
    results = ordered_results(lambda: Surveyor(settings, files, listed).survey, stretches, workers)
    with progress(sum(item.end - item.start for item in stretches), "bases surveyed") as advance:
        for chunk, part in zip(stretches, results, strict=True):
            advance(chunk.end - chunk.start)
            sums.add(part)
    depth = tuple((sums.bases / max(sums.deep, 1)).tolist()) if sums.bases is not None else (0.0,) * len(files)
    shares = sample_shares(settings, depth)
    spikes: list[Spike] = []
    taken: dict[int, list[int]] = {}
    room = settings.count if given is None else len(given)
    last = 0
    for place in sorted(sums.places, key=_rank):
        if len(spikes) == room:
            break
        last = place.priority
        chosen = _chosen(place, len(spikes), settings)
        reason = place.reason or _too_low(place, settings, shares) or _too_near(chosen, taken, settings.spacing)
        if reason == TOO_NEAR and given is None:
            continue
        if reason is not None:
            skipped.append(Skipped(names[chosen.contig], chosen.edit.start, chosen.description, reason))
            continue
        frequency = None if given is None else given[chosen]
        spikes.append(Spike(chosen, _frequency(chosen, settings) if frequency is None else frequency))
        bisect.insort(taken.setdefault(chosen.contig, []), chosen.edit.start)
    if given is None:
        skipped += [
            Skipped(names[item.contig], item.position, "", item.reason or "")
            for item in sums.refused
            if item.priority <= last or len(spikes) < room
        ]
    else:
        judged = {next(iter(item.choices.values())) for item in sums.places}
        for item in given:
            if item not in judged:
                skipped.append(
                    Skipped(names[item.contig], item.edit.start, item.description, NO_READS if regions is None else OUTSIDE)
                )
    if not spikes:
        raise UserError(_nothing(settings, sums, skipped))
    order = {name: i for i, name in enumerate(names)}
    skipped.sort(key=lambda item: (order[item.contig], item.position, item.reason))
    spikes.sort(key=lambda item: item.variant)
    return Plan(
        names,
        spikes,
        skipped[:MOST_LISTED],
        max(0, len(skipped) - MOST_LISTED),
        list(sums.markers),
        depth,
        dict(sorted(sums.positions.items())),
    )


def sample_shares(settings: SpikingSettings, depth: tuple[float, ...]) -> tuple[float, float]:
    """Share of fragments that go to the tumour, and to the normal, of their file; raises UserError where it is too shallow."""
    wanted = (settings.tumor_depth, settings.normal_depth)
    own_file = settings.second_reads is not None
    default = 1.0 if own_file else 0.5
    files = depth if own_file else (depth[0], depth[0])
    tumor, normal = (
        default if target is None else target / max(have, 1e-9) for target, have in zip(wanted, files, strict=True)
    )
    if own_file:
        problem = "--tumor-depth" if tumor > 1 else "--normal-depth" if normal > 1 else None
    else:
        if settings.tumor_depth is None:
            tumor = min(tumor, 1 - normal) if normal < 1 else tumor
        elif settings.normal_depth is None:
            normal = min(normal, 1 - tumor) if tumor < 1 else normal
        problem = "--tumor-depth and --normal-depth together" if tumor + normal > 1 + 1e-9 else None
    if problem is not None and max(depth) > 0:
        have = " and ".join(f"{item:.0f}x" for item in depth)
        raise UserError(f"{problem}: more than there is; where variants can be planted the reads have {have}")
    return min(tumor, 1.0), min(normal, 1.0)


def _chosen(place: Place, number: int, settings: SpikingSettings) -> Planned:
    """The variant of the type whose turn it is, or of the next that can be planted there."""
    kinds = [settings.types[(number + k) % len(settings.types)] for k in range(len(settings.types))]
    return next((place.choices[kind] for kind in kinds if kind in place.choices), next(iter(place.choices.values())))


def _frequency(variant: Planned, settings: SpikingSettings) -> float:
    chance = np.random.default_rng([settings.seed, variant.contig, variant.edit.start, 1])
    return float(chance.uniform(settings.vaf[0], settings.vaf[-1]))


def _too_low(place: Place, settings: SpikingSettings, shares: tuple[float, float]) -> str | None:
    depth = (place.depth[0] * shares[0], place.depth[-1] * shares[1])
    return LOW_DEPTH if min(depth) < settings.min_depth else None


def _too_near(variant: Planned, taken: dict[int, list[int]], spacing: int) -> str | None:
    others = taken.get(variant.contig, [])  # ascending
    behind = bisect.bisect_right(others, variant.edit.start - spacing)
    return TOO_NEAR if behind < len(others) and others[behind] < variant.edit.start + spacing else None


def _stretches(
    settings: SpikingSettings,
    regions: dict[str, list[tuple[int, int]]] | None,
    given: Iterable[Planned] | None,
    names: list[str],
    lengths: list[int],
) -> list[Chunk]:
    """Chunks to survey: everything with reads, or what surrounds the variants of the plan, within the regions.

    Around these the survey looks for the person's own variants, which also lie beside them.
    """
    wanted = regions
    if given is not None:
        around: dict[str, list[tuple[int, int]]] = {}
        for item in given:
            around.setdefault(names[item.contig], []).append((item.edit.start, min(item.edit.start + 1, lengths[item.contig])))
        near = {contig: merged(intervals) for contig, intervals in around.items()}
        wanted = near if regions is None else _common(near, regions)
    found = chunks(CallingJob(settings.reads, settings.reference, normal=settings.second_reads, regions=wanted))
    if given is None:
        return found
    length = dict(zip(names, lengths, strict=True))
    return [
        replace(item, start=max(0, item.start - FURTHEST_MARKER), end=min(length[item.contig], item.end + FURTHEST_MARKER))
        for item in found
    ]


def _common(
    some: dict[str, list[tuple[int, int]]], others: dict[str, list[tuple[int, int]]]
) -> dict[str, list[tuple[int, int]]]:
    """Intervals of `some` (single positions) that lie in `others`."""
    out = {}
    for contig, intervals in some.items():
        kept = [(a, b) for a, b in intervals if any(start <= a < end for start, end in others.get(contig, []))]
        if kept:
            out[contig] = kept
    return out


def _nothing(settings: SpikingSettings, sums: _Sums, skipped: list[Skipped]) -> str:
    """Why nothing can be planted."""
    reasons = Counter(item.reason for item in skipped) or Counter(sums.positions)
    shown = ", ".join(f"{name} {number:,}" for name, number in reasons.most_common(4)) or "no reads at all"
    least = settings.least_reads
    named = " and ".join(str(path) for path in settings.files)
    return f"{named}: no place where a variant can be planted ({shown}); it takes {least} reads (--min-depth), well mapped"
