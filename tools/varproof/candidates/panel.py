"""From the reads of normals to a panel: chunks of all normals together, summed, and added to a panel that is there.

Each chunk reads one normal after the other, so that memory is that of one normal's chunk; what is kept of it is its sums.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from varproof import __version__
from varproof.candidates.decisions import DECISIONS
from varproof.candidates.panel_counting import CountedChunk, Intervals, PanelChunk, counted_chunk
from varproof.candidates.pipeline import CHUNK_BP, contig_chunks
from varproof.formats.panel import (
    WINDOW,
    PanelContexts,
    PanelContig,
    PanelHeader,
    PanelReader,
    PanelWriter,
    added_alleles,
    added_coverage,
    joined_alleles,
    joined_coverage,
    panel_writer,
)
from varproof.machinery.decisions import changed_decisions
from varproof.machinery.errors import UserError
from varproof.machinery.output import input_digest
from varproof.machinery.progress import progress
from varproof.machinery.workers import ordered_results
from varproof.reads.files import open_reads, require_panel_of, require_same_contigs, shared_contigs, tell_left_aside
from varproof.reads.reference import open_reference
from varproof.reads.regions import merged, within_lengths

logger = logging.getLogger(__name__)

Regions = dict[str, Intervals]


@dataclass(frozen=True)
class PanelJob:
    """What is counted: reads of normals (none: only panels are put together), regions (None: all of the reference), panels of
    other normals to add."""

    reads: list[Path]
    reference: Path
    regions: Regions | None
    added: list[Path]
    max_depth: int | None
    shareable: bool
    chunk_bp: int = CHUNK_BP


@dataclass
class PanelSummary:
    """What came out."""

    normals: int = 0
    alleles: int = 0
    windows: int = 0


def build_panel(job: PanelJob, output: Path, workers: int) -> PanelSummary:
    """Write the panel of a job, complete or not at all; the same for any number of workers."""
    lengths, regions = _counted_regions(job)
    readers = [PanelReader(path) for path in job.added]
    try:
        header = _header(job, readers, lengths, regions)
        summary = PanelSummary(normals=header.normals)
        with panel_writer(output, header) as writer:
            _write(job, readers, regions, writer, summary, workers)
    finally:
        for reader in readers:
            reader.__exit__()
    return summary


def _counted_regions(job: PanelJob) -> tuple[dict[str, int], Regions]:
    """(contigs of the reference with their lengths, what is counted of each that is); raises UserError for regions of none."""
    with open_reference(job.reference) as fasta:
        lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
    if job.added:
        with PanelReader(job.added[0]) as first:
            held = {name: first.contig(name).regions for name in first.header.contigs}
        return lengths, {name: [(int(a), int(b)) for a, b in regions] for name, regions in held.items()}
    if job.regions is None:
        return lengths, {name: [(0, length)] for name, length in lengths.items()}
    cut = within_lengths({name: merged(intervals) for name, intervals in job.regions.items()}, lengths)
    kept = {name: cut[name] for name in lengths if name in cut}
    if not kept:
        raise UserError(f"no base of {job.reference} lies in --regions: there is nothing to count; give other regions")
    return lengths, kept


def _header(job: PanelJob, readers: list[PanelReader], lengths: dict[str, int], regions: Regions) -> PanelHeader:
    """The header of all normals together; raises UserError where they can't be one panel."""
    settings = {
        "base_quality": DECISIONS.panel_base_quality,
        "mapping_quality": DECISIONS.panel_mapping_quality,
        "max_depth": job.max_depth,
        "carrier_fraction": DECISIONS.carrier_fraction,
        "homozygous_fraction": DECISIONS.homozygous_fraction,
        "covering_depth": DECISIONS.covering_depth,
    }
    seen: dict[str, Path] = {}
    for path in job.reads:
        _once(input_digest(path), path, seen)
    for reader in readers:
        _require_alike(reader, settings, lengths, regions, job.reference)
        for digest in reader.header.digests:
            _once(digest, reader.path, seen)
    made = {
        "executable": "build-panel",
        "version": __version__,
        "options": {"max_depth": job.max_depth, "shareable": job.shareable},
    }
    if changed := changed_decisions():
        made["changed_decisions"] = changed
    return PanelHeader(
        normals=len(seen),
        digests=[] if job.shareable else sorted(seen),
        contigs={name: lengths[name] for name in regions},
        shareable=job.shareable,
        provenance=json.dumps(made, sort_keys=True),
        **settings,
    )


def _once(digest: str, path: Path, seen: dict[str, Path]) -> None:
    if digest in seen:
        both = f"{path} and {seen[digest]} hold" if path != seen[digest] else f"{path} holds"
        raise UserError(f"{both} the same normal twice; give every normal once")
    seen[digest] = path


def _require_alike(
    reader: PanelReader, settings: dict[str, Any], lengths: dict[str, int], regions: Regions, reference: Path
) -> None:
    """Raise UserError unless normals of these settings can be added to a panel."""
    header = reader.header
    if header.shareable:
        raise UserError(f"{reader.path}: is made to be shared, and lacks what adding takes; give the panel that it was made of")
    require_panel_of(reader.path, header.contigs, lengths, reference)
    for name, value in settings.items():
        if getattr(header, name) != value:
            raise UserError(
                f"{reader.path}: was counted with {name.replace('_', ' ')} {getattr(header, name)}, not {value}; count alike"
            )
    same = list(header.contigs) == list(regions) and all(
        np.array_equal(reader.contig(name).regions, np.array(regions[name], np.int64).reshape(-1, 2)) for name in regions
    )
    if not same:
        raise UserError(f"{reader.path}: was counted in other regions; panels that are added need the same, others gather")


def _write(
    job: PanelJob, readers: list[PanelReader], regions: Regions, writer: PanelWriter, summary: PanelSummary, workers: int
) -> None:
    contexts = PanelContexts.nothing()
    for reader in readers:
        contexts = contexts.plus(reader.contexts())
    counted = _by_contig(job, regions, workers)
    ready = next(counted, None)
    for name, intervals in regions.items():
        parts = [reader.contig(name) for reader in readers]
        alleles, coverage = [part.alleles for part in parts], [part.coverage for part in parts]
        if ready is not None and ready[0] == name:
            alleles.append(joined_alleles([chunk.alleles for chunk in ready[1]]))
            coverage.append(joined_coverage([chunk.coverage for chunk in ready[1]]))
            for chunk in ready[1]:
                contexts = contexts.plus(chunk.contexts)
            ready = next(counted, None)
        together = added_alleles(alleles)
        if job.shareable:
            alone = together.normals.astype(np.int64) + together.heterozygous + together.homozygous == 1
            together = together.rows(~alone)
        part = PanelContig(name, np.array(intervals, np.int64).reshape(-1, 2), together, added_coverage(coverage))
        writer.append(part)
        summary.alleles += part.alleles.size
        summary.windows += part.coverage.size
    writer.contexts(contexts)


def _by_contig(job: PanelJob, regions: Regions, workers: int) -> Iterator[tuple[str, list[CountedChunk]]]:
    """Counted chunks of each contig that has reads, in order."""
    if not job.reads:
        return
    chunks = _chunks(job, regions)
    limited = 0
    with progress(sum(chunk.end - chunk.start for chunk in chunks), "bases of all normals counted") as advance:
        results = ordered_results(lambda: _Worker(job).count, chunks, workers)

        def told() -> Iterator[CountedChunk]:
            nonlocal limited
            for chunk, result in zip(chunks, results, strict=True):
                advance(chunk.end - chunk.start)
                limited += result.limited
                yield result

        for name, counted in groupby(told(), key=lambda chunk: chunk.contig):
            yield name, list(counted)
    if limited:
        logger.warning(
            "%d of %d stretches have places deeper than the limit of %s: a sample of their fragments was counted "
            "(a greater --max-depth uses all)",
            limited,
            len(chunks),
            job.max_depth,
        )


def _chunks(job: PanelJob, regions: Regions) -> list[PanelChunk]:
    """Chunks in the order of the reference; raises UserError where reads and reference do not fit together."""
    with open_reference(job.reference) as fasta:
        wanted: set[str] = set() if job.regions is None and not job.added else set(regions)
        for path in job.reads:
            with open_reads(path, job.reference) as alignments:
                if job.regions is None:
                    wanted |= set(shared_contigs(alignments, path, fasta, job.reference)) & set(regions)
                    tell_left_aside(alignments, path, fasta, job.reference)
        ordered = [name for name in regions if name in wanted]
        for path in job.reads:
            with open_reads(path, job.reference) as alignments:
                require_same_contigs(alignments, path, fasta, job.reference, ordered)
        lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
    found = []
    for name in ordered:
        exact = regions[name]
        whole = merged([(low - low % WINDOW, min(-(-high // WINDOW) * WINDOW, lengths[name])) for low, high in exact])
        for chunk in contig_chunks(name, whole, lengths[name], job.chunk_bp - job.chunk_bp % WINDOW):
            within = [(max(low, chunk.start), min(high, chunk.end)) for low, high in _near(exact, chunk.start, chunk.end)]
            found.append(PanelChunk(name, chunk.start, chunk.end, chunk.regions, within))
    return found


def _near(intervals: Intervals, start: int, end: int) -> Intervals:
    """Those of sorted disjoint intervals that overlap start..end - 1."""
    from bisect import bisect_left, bisect_right

    first = bisect_right(intervals, start, key=lambda item: item[1])
    return intervals[first : bisect_left(intervals, end, key=lambda item: item[0])]


class _Worker:
    """Files that a process opens once."""

    def __init__(self, job: PanelJob) -> None:
        self.job = job
        self.fasta = open_reference(job.reference)
        self.normals: list[Any] = [open_reads(path, job.reference) for path in job.reads]

    def count(self, chunk: PanelChunk) -> CountedChunk:
        """Counts of a chunk."""
        return counted_chunk(chunk, self.normals, self.fasta, self.job.max_depth)
