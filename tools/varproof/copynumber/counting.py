"""Reads to what copy number is told by: depth in windows, and bases at sites that may be heterozygous.

The genome is walked in stretches, each a job for a worker process; nothing depends on where they end, but that windows do.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.decisions import DECISIONS
from varproof.copynumber.panel_depth import PanelDepth, require_panel_depth
from varproof.machinery.errors import UserError
from varproof.machinery.workers import ordered_results
from varproof.reads.arrays import base_codes
from varproof.reads.decode import decode_reads
from varproof.reads.files import open_reads, require_same_contigs, shared_contigs
from varproof.reads.known_sites import KnownSites, require_known_contigs
from varproof.reads.reference import open_reference, reference_codes
from varproof.reads.regions import within_lengths

STRETCH = 20
"""Windows of a stretch: deep panels fit into memory."""

Regions = dict[str, list[tuple[int, int]]]


@dataclass(frozen=True)
class CountingJob:
    """What is counted. `regions`: contig -> disjoint sorted (start, end), None for the whole genome; `sites`: bgzipped VCF;
    `panel`: of build-panel, whose depth stands for the normal's where there is none."""

    tumor: Path
    reference: Path
    normal: Path | None = None
    regions: Regions | None = None
    sites: Path | None = None
    panel: Path | None = None

    @property
    def depth_panel(self) -> Path | None:
        """The panel, where the depth of two copies is its."""
        return self.panel if self.normal is None else None

    @property
    def samples(self) -> list[Path]:
        """Reads of the tumour, and of the normal if there is one."""
        return [self.tumor, *([] if self.normal is None else [self.normal])]


@dataclass(frozen=True)
class Stretch:
    """Consecutive windows of a contig, 0-based half-open."""

    contig: str
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Counted:
    """What a stretch, or many, had: w windows and n sites, in order.

    `contig` (w,) and `site_contig` (n,) are numbers in `contigs`. Windows: `start`, `end`; `tumor`, `normal`, mean fragments
    per base of enough mapping quality (of a panel reads of all its normals); `mappable`, their share of all; `gc`, of the known
    reference, and `known`, its share.
    Sites: 0-based `position`, reads of the reference's base and of the alternative one, in the tumour and in the normal.
    """

    contigs: tuple[str, ...]
    contig: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    tumor: NDArray[np.float64]
    normal: NDArray[np.float64]
    mappable: NDArray[np.float64]
    gc: NDArray[np.float64]
    known: NDArray[np.float64]
    site_contig: NDArray[np.int64]
    position: NDArray[np.int64]
    reads: NDArray[np.int64]
    """(n, 4): reference and alternative in the tumour, then in the normal."""


def windows_of(regions: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """Regions in windows of about `size` bp, none longer than half as much again.

    >>> windows_of([(0, 2500), (3000, 3100)], 1000)
    [(0, 1250), (1250, 2500), (3000, 3100)]
    """
    out = []
    for start, end in regions:
        number = max(1, (end - start) // size)
        bounds = [start + (end - start) * i // number for i in range(number + 1)]
        out += list(itertools.pairwise(bounds))
    return out


def stretches(job: CountingJob) -> list[Stretch]:
    """All that is to be counted, in the order of the reference; raises UserError where files don't fit together."""
    wanted = None if job.regions is None else list(job.regions)
    with open_reference(job.reference) as fasta:
        for path in job.samples:
            with open_reads(path, job.reference) as alignments:
                if wanted is None:
                    wanted = shared_contigs(alignments, path, fasta, job.reference)
                require_same_contigs(alignments, path, fasta, job.reference, wanted)
        lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
    assert wanted is not None
    if job.depth_panel is not None:
        require_panel_depth(job.depth_panel, job.reference)
    if job.sites is not None:
        require_known_contigs(KnownSites(job.sites), wanted)
    regions = {contig: [(0, lengths[contig])] for contig in wanted}
    regions = within_lengths(regions if job.regions is None else job.regions, lengths)
    out = []
    for contig in sorted(regions, key=list(lengths).index):
        pieces = windows_of(regions[contig], DECISIONS.window)
        current: list[tuple[int, int]] = []
        for piece in pieces:
            if current and piece[1] - current[0][0] > STRETCH * DECISIONS.window:
                out.append(Stretch(contig, tuple(current)))
                current = []
            current.append(piece)
        if current:
            out.append(Stretch(contig, tuple(current)))
    return out


def counted(job: CountingJob, parts: list[Stretch], workers: int) -> Iterator[Counted]:
    """What each stretch has, in order; the same for any number of workers."""
    return ordered_results(lambda: _Worker(job).count, parts, workers)


def together(parts: list[Counted]) -> Counted:
    """All as one; raises UserError where there is nothing."""
    if not parts:
        raise UserError("no reads on contigs of the reference, or no base of it in --regions: there is nothing to count")
    names = list(dict.fromkeys(name for part in parts for name in part.contigs))
    number = {name: place for place, name in enumerate(names)}
    columns: dict[str, Any] = {}
    for name in Counted.__dataclass_fields__:
        if name == "contigs":
            columns[name] = tuple(names)
        elif name in ("contig", "site_contig"):
            columns[name] = np.concatenate(
                [np.array([number[one] for one in part.contigs], np.int64)[getattr(part, name)] for part in parts]
            )
        else:
            columns[name] = np.concatenate([getattr(part, name) for part in parts])
    return Counted(**columns)


class _Worker:
    """Files that a process opens once."""

    def __init__(self, job: CountingJob) -> None:
        self.job = job
        self.fasta = open_reference(job.reference)
        self.samples: list[Any] = [open_reads(path, job.reference) for path in job.samples]
        self.sites = None if job.sites is None else KnownSites(job.sites)
        self.panel = None if job.depth_panel is None else PanelDepth(job.depth_panel)

    def count(self, stretch: Stretch) -> Counted:
        """What a stretch has."""
        from varproof.copynumber.counting_numba_fns import base_counts

        low, high = stretch.windows[0][0], stretch.windows[-1][1]
        codes = reference_codes(self.fasta, stretch.contig, low, high)
        counts: list[NDArray[np.int32]] = []
        placed: list[NDArray[np.int32]] = []
        covered: list[NDArray[np.int32]] = []
        for handle in self.samples:
            batch = decode_reads(handle, stretch.contig, low, high, keep_unmapped_mates=False)
            columns = (
                batch.start, batch.mapq, batch.fragment, batch.fragments, batch.base_offset, batch.bases, batch.qualities,
                batch.cigar_offset, batch.cigar_op, batch.cigar_length,
            )  # fmt: skip
            found = base_counts(*columns, low, high, DECISIONS.mapping_quality, DECISIONS.base_quality)
            for kept, one in zip((counts, placed, covered), found, strict=True):
                kept.append(one)
        starts, ends = (np.array(side, np.int64) for side in zip(*stretch.windows, strict=True))
        known, strong = codes < 4, (codes == 1) | (codes == 2)
        bases = _sums(known, starts - low, ends - low)
        within = np.zeros(high - low, bool)
        for start, end in stretch.windows:
            within[start - low : end - low] = True
        known_sites = None if self.sites is None else known_alleles(self.sites, stretch.contig, low, high)
        place, alternative = heterozygous(codes, within, counts, known_sites)
        reads = np.zeros((len(place), 4), np.int64)
        for sample, one in enumerate(counts):
            reads[:, 2 * sample] = one[place, codes[place]]
            reads[:, 2 * sample + 1] = one[place, alternative]
        length = ends - starts
        depth = [_sums(one, starts - low, ends - low) / length for one in placed]
        if self.panel is not None:
            depth.append(self.panel.of(stretch.contig, starts, ends))
        good, every = (_sums(np.sum(side, axis=0), starts - low, ends - low) for side in (placed, covered))
        return Counted(
            (stretch.contig,),
            np.zeros(len(starts), np.int64),
            starts,
            ends,
            depth[0],
            depth[1] if len(depth) > 1 else np.full(len(starts), np.nan),
            good / np.maximum(every, 1),
            _sums(strong, starts - low, ends - low) / np.maximum(bases, 1),
            bases / length,
            np.zeros(len(place), np.int64),
            place + low,
            reads,
        )


def _sums(values: NDArray[Any], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of values[start:end]."""
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)])
    return np.asarray(running[ends] - running[starts])


def heterozygous(
    codes: NDArray[np.uint8],
    within: NDArray[np.bool_],
    counts: list[NDArray[np.int32]],
    known: dict[int, set[int]] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places that may be heterozygous, and codes of their alternative bases.

    `codes` (m,): reference; `within` (m,): where to look; `counts`: (m, 4) of the tumour and of the normal, if there is one;
    `known`: place -> codes of common alleles, where no others are believed. The normal decides; without it, what the tumour
    shows of two alleles, by the rules that `segment_data.FOUND_ALONE` is corrected for.
    """
    judge = counts[-1].astype(np.int64)
    usable = within & (codes < 4)
    original = np.where(usable, codes, 0).astype(np.int64)
    rows = np.arange(len(codes))
    own = judge[rows, original]
    others = judge.copy()
    others[rows, original] = -1
    alternative = others.argmax(axis=1)
    carried = others[rows, alternative]
    depth, every = own + carried, judge.sum(axis=1)
    tumor = counts[0].astype(np.int64)
    tumor_depth = tumor[rows, original] + tumor[rows, alternative]
    usable &= (every - depth <= DECISIONS.third_allele * every) & (tumor_depth >= DECISIONS.site_depth)
    if len(counts) > 1:
        least = DECISIONS.normal_balance * depth
        usable &= (depth >= DECISIONS.normal_depth) & (own >= least) & (carried >= least)
    else:
        usable &= (carried >= DECISIONS.alone_reads) & (carried >= DECISIONS.alone_fraction * depth)
        usable &= own >= DECISIONS.alone_reference_reads
    place = np.flatnonzero(usable)
    if known is not None:
        place = np.array([one for one in place.tolist() if int(alternative[one]) in known.get(one, ())], np.int64)
    return place, alternative[place]


def known_alleles(sites: KnownSites, contig: str, low: int, high: int) -> dict[int, set[int]]:
    """Place, from `low` on -> codes of the alternative bases of substitutions that are listed there."""
    found: dict[int, set[int]] = {}
    for position, _, ref, alts in sites.records(contig, low, high):
        if len(ref) == 1:
            codes = {int(base_codes(one)[0]) for one in alts.split(",") if len(one) == 1} - {4}
            found.setdefault(position - low, set()).update(codes)
    return found
