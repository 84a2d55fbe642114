"""A whole genome to candidates with features: chunks in genome order, each a job for a worker process.

A chunk reports the candidates whose records lie in it, and looks far enough beyond its ends that nothing depends on where
they are. What is in memory is bounded by a chunk: its reads, its reference, its candidates.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from varproof.candidates.arrays import (
    ALTERNATIVE_FORWARD,
    ALTERNATIVE_REVERSE,
    DEPTH,
    LONGEST_DELETION,
    NEARBY,
    QUALITY,
    Alleles,
    CandidateReads,
    Differences,
    Insertions,
)
from varproof.candidates.clips import (
    APART,
    MATES_WITHIN,
    MOST_DEPTH,
    assembled,
    duplications,
    gaps,
    insertions_of,
    with_insertions,
)
from varproof.candidates.features import LONGEST_REPEAT, Genotypes, allele_features, genotypes, repeat_lengths
from varproof.candidates.finding import (
    FindingSettings,
    candidate_alleles,
    differences_of,
    reads_of,
    vcf_position,
)
from varproof.candidates.joining import LONGEST_JOINED, MOST_BETWEEN
from varproof.candidates.known import known_alleles
from varproof.machinery.workers import ordered_results
from varproof.reads.arrays import spelled_out
from varproof.reads.decode import decode_reads
from varproof.reads.files import open_reads, require_same_contigs, shared_contigs
from varproof.reads.known_sites import KnownSites
from varproof.reads.reference import open_reference
from varproof.variants.edit import LONGEST_MNV, Edit
from varproof.variants.placement import MAX_SHIFT
from varproof.variants.reference import ReferenceSlice, reference_slice

CHUNK_BP = 50_000
FURTHEST_GAP = 5_000
"""Regions closer together than this share a chunk, bp."""

BESIDE = LONGEST_JOINED + 3 * MOST_BETWEEN + LONGEST_MNV
"""Differences this far outside of a chunk are looked at, so that joined alleles at its ends are the same as elsewhere."""

CLEARLY_ALONE = 0.2
"""A part of a joined allele is a candidate, too, if so many times the reads of the whole have it alone.

Fewer may be errors in reads with the whole.
"""

FURTHEST_CLIP = 1600
"""Reads that begin or end this near to a chunk may reach into it with a clipped end that is aligned anew, bp.

More than `LONGEST_CLIP` of the kernels and `LONGEST_DELETION` together.
"""

AROUND = 2 * FURTHEST_CLIP + 2 * MAX_SHIFT + LONGEST_DELETION + LONGEST_REPEAT + NEARBY
"""How far the reference reaches beyond a chunk, bp."""


@dataclass(frozen=True)
class CallingJob:
    """What candidates are to be found in. `regions`: see `read_regions`; None for all contigs with reads."""

    reads: Path
    reference: Path
    normal: Path | None = None
    known_sites: Path | None = None
    regions: dict[str, list[tuple[int, int]]] | None = None
    finding: FindingSettings = field(default_factory=FindingSettings)
    max_depth: int | None = None
    chunk_bp: int = CHUNK_BP

    @property
    def samples(self) -> list[Path]:
        """Reads of the tumour, and of the normal if there is one."""
        return [self.reads, *([] if self.normal is None else [self.normal])]


@dataclass(frozen=True)
class Chunk:
    """A stretch of a contig, 0-based half-open; candidates are reported where their position is in one of `regions`."""

    contig: str
    start: int
    end: int
    regions: list[tuple[int, int]]


@dataclass(frozen=True)
class FoundCandidates:
    """Candidates of one contig in the order of a VCF, n of them.

    `position` (n,): 0-based, of the record; `ref`, `alt`: alleles as in a VCF; `features`: float32 (n, features);
    `samples`: genotypes in the tumour, then in the normal; `known`: names of known sites, "." for one without, "" for none.
    `limited`: whether reads of places over the depth limit were left out. `searched`: bases of the regions that enough of the
    tumour's reads cover to show a candidate; `read_bases`: how often all of its reads together cover the regions.
    """

    contig: str
    position: np.ndarray
    ref: list[str]
    alt: list[str]
    features: np.ndarray
    samples: list[Genotypes]
    known: list[str]
    limited: bool = False
    searched: int = 0
    read_bases: int = 0

    @property
    def size(self) -> int:
        """Number of candidates."""
        return len(self.position)


def chunks(job: CallingJob) -> list[Chunk]:
    """What is to be searched, in the order of the reference; raises UserError where reads and reference don't fit together."""
    wanted = None if job.regions is None else list(job.regions)
    with open_reference(job.reference) as fasta:
        for path in job.samples:
            with open_reads(path, job.reference) as alignments:
                if wanted is None:
                    wanted = shared_contigs(alignments, path, fasta, job.reference)
                require_same_contigs(alignments, path, fasta, job.reference, wanted)
        lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
    assert wanted is not None
    out = []
    for contig in sorted(wanted, key=list(lengths).index):
        regions = [(0, lengths[contig])] if job.regions is None else job.regions[contig]
        out += list(contig_chunks(contig, regions, lengths[contig], job.chunk_bp))
    return out


def contig_chunks(contig: str, regions: list[tuple[int, int]], length: int, size: int) -> Iterator[Chunk]:
    """Chunks of at most `size` bp of regions (disjoint, sorted) of a contig of so many bp; near regions share one."""
    pieces = (
        (low, min(low + size, end)) for start, end in regions for low in range(start, min(end, length), size)
    )  # fmt: skip
    current: list[tuple[int, int]] = []
    for start, end in pieces:
        end = min(end, length)
        if current and (end - current[0][0] > size or start - current[-1][1] > FURTHEST_GAP):
            yield Chunk(contig, current[0][0], current[-1][1], current)
            current = []
        current.append((start, end))
    if current:
        yield Chunk(contig, current[0][0], current[-1][1], current)


def found_chunks(job: CallingJob, stretches: list[Chunk], workers: int) -> Iterator[FoundCandidates]:
    """Candidates of each chunk, in order; the same for any number of workers."""
    return ordered_results(lambda: _Worker(job).find, stretches, workers)


class _Worker:
    """Files that a process opens once."""

    def __init__(self, job: CallingJob) -> None:
        self.job = job
        self.fasta = open_reference(job.reference)
        self.samples: list[Any] = [open_reads(path, job.reference) for path in job.samples]
        self.known = None if job.known_sites is None else KnownSites(job.known_sites)

    def find(self, chunk: Chunk) -> FoundCandidates:
        """Candidates of a chunk."""
        from varproof.candidates.clips_numba_fns import clipped_ends

        length = self.fasta.get_reference_length(chunk.contig)
        low, high = max(0, chunk.start - BESIDE), min(length, chunk.end + BESIDE)
        settings, samples = self.job.finding, []
        reference, insertions, alleles, limited, searched, read_bases = None, None, None, False, 0, 0
        for handle in self.samples:
            batch = decode_reads(
                handle, chunk.contig, low - FURTHEST_CLIP, high + MAX_SHIFT + FURTHEST_CLIP,
                max_depth=self.job.max_depth, keep_unmapped_mates=False,
            )  # fmt: skip
            limited |= batch.limited
            if reference is None:
                if not batch.size:
                    return _nothing(chunk.contig, len(self.samples))
                reference = reference_slice(self.fasta, chunk.contig, low - AROUND, high + AROUND)
            reads = reads_of(batch, reference)
            differences = differences_of(reads, reference, low, high, settings)
            clips = clipped_ends(reads, settings.mapping_quality)
            if insertions is None:
                insertions = self._clipped_insertions(handle, reads, clips, reference, low, high)
            differences = with_insertions(differences, reads, clips, insertions, reference)
            if alleles is None:
                within = inside(np.arange(low, high), chunk.regions)
                coverage = differences.coverage[: high - low][within]
                searched = int((coverage >= settings.alternate_reads).sum())
                read_bases = int(coverage.sum())
                alleles = candidate_alleles(reads, differences, reference, low, high, settings, insertions)
            samples.append(support_of(reads, differences, alleles, reference, settings))
        assert reference is not None and alleles is not None
        position = np.array([vcf_position(*item) for item in listed_alleles(alleles)], np.int64)
        own = samples[0][:, ALTERNATIVE_FORWARD] + samples[0][:, ALTERNATIVE_REVERSE]
        joined = alleles.low[alleles.within] >= 0
        substituted = alleles.end - alleles.start == np.diff(alleles.alt_offset)
        quality = np.where(substituted, samples[0][:, QUALITY] / np.maximum(own, 1), 0.0)
        kept = settings.enough(own, samples[0][:, DEPTH], quality) & ~(joined & (own < CLEARLY_ALONE * own[alleles.within]))
        kept |= alleles.within < 0
        kept &= inside(position, chunk.regions)
        if not kept.any():
            nothing = _nothing(chunk.contig, len(self.samples))
            return replace(nothing, limited=limited, searched=searched, read_bases=read_bases)
        samples = [support[kept] for support in samples]
        repeats = repeat_lengths(alleles.start[kept], (alleles.end + alleles.shift)[kept], reference)
        features = allele_features(samples[0], samples[1] if len(samples) > 1 else None, repeats)
        listed = [item for item, keep in zip(listed_alleles(alleles), kept, strict=True) if keep]
        ref, alt = zip(*(_written(item, reference) for item in listed), strict=True)
        known = [""] * len(listed)
        if self.known is not None:
            known = known_alleles(self.known, listed, reference)
        return FoundCandidates(
            contig=chunk.contig,
            position=position[kept],
            ref=list(ref),
            alt=list(alt),
            features=features,
            samples=[genotypes(support) for support in samples],
            known=known,
            limited=limited,
            searched=searched,
            read_bases=read_bases,
        )

    def _clipped_insertions(
        self, handle: Any, reads: CandidateReads, clips: np.ndarray, reference: ReferenceSlice, low: int, high: int
    ) -> Insertions:
        """Insertions from low..high - 1 on that no read holds; `handle` is the file that the reads are from."""
        from varproof.candidates.clips_numba_fns import duplication_lengths

        lengths = duplication_lengths(reads, clips, reference.codes, reference.start)
        found = duplications(clips, lengths, reference)
        for gap in gaps(reads, clips[lengths == 0], low, high + MAX_SHIFT + APART, self.job.finding):
            batch = decode_reads(
                handle,
                reference.contig,
                min(gap) - MATES_WITHIN,
                max(gap) + MATES_WITHIN,
                max_depth=min(self.job.max_depth or MOST_DEPTH, MOST_DEPTH),
            )
            edit = assembled(gap, batch, reference)
            if edit is not None:
                found.add(edit)
        return insertions_of(found, reference)


def support_of(
    reads: CandidateReads, differences: Differences, alleles: Alleles, reference: ReferenceSlice, settings: FindingSettings
) -> np.ndarray:
    """What the reads say of each allele, summed: see `arrays.SUPPORT_COLUMNS`."""
    from varproof.candidates.features_numba_fns import allele_support

    return allele_support(
        reads, differences, alleles, reference.codes, reference.start, settings.mapping_quality, settings.base_quality
    )


def listed_alleles(alleles: Alleles) -> list[Edit]:
    """Each as an edit, in codes."""
    alt, offset = alleles.alt.tobytes(), alleles.alt_offset.tolist()
    return [
        Edit(start, end, alt[offset[i] : offset[i + 1]])
        for i, (start, end) in enumerate(zip(alleles.start.tolist(), alleles.end.tolist(), strict=True))
    ]


def inside(position: np.ndarray, regions: list[tuple[int, int]]) -> np.ndarray:
    """bool: whether each position lies in one of the regions (disjoint, sorted)."""
    starts, ends = np.array(regions, np.int64).reshape(-1, 2).T
    place = np.searchsorted(starts, position, side="right") - 1
    return (place >= 0) & (position < ends[np.maximum(place, 0)])


def _written(allele: Edit, reference: ReferenceSlice) -> tuple[str, str]:
    """(REF, ALT) of a record; indels with the base before them, or with the base behind them at a contig's start."""
    start, end, alt = allele
    if start == end or not len(alt):
        if start > 0:
            before = reference.between(start - 1, start).tobytes()
            return spelled_out(before + reference.between(start, end).tobytes()), spelled_out(before + alt)
        behind = reference.between(end, end + 1).tobytes()
        return spelled_out(reference.between(start, end).tobytes() + behind), spelled_out(alt + behind)
    return spelled_out(reference.between(start, end).tobytes()), spelled_out(alt)


def _nothing(contig: str, samples: int) -> FoundCandidates:
    from varproof.candidates.features import FEATURES

    none = Genotypes(np.empty(0, np.int64), np.empty((0, 2), np.int64), np.empty((0, 3), np.int64))
    return FoundCandidates(
        contig, np.empty(0, np.int64), [], [], np.empty((0, len(FEATURES)), np.float32), [none] * samples, []
    )
