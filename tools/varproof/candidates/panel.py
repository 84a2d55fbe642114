"""From the reads of normals to a panel: chunks of all normals together, summed, and added to a panel that is there.

Each chunk reads one normal after the other, so that memory is that of one normal's chunk; what is kept of it is its sums.
Normals of which there is evidence, and no reads, add what that says of the alleles of its list.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from varproof import __version__
from varproof.candidates.decisions import DECISIONS
from varproof.candidates.panel_counting import CountedChunk, Intervals, PanelChunk, counted_chunk
from varproof.candidates.panel_evidence import evidence_alleles, evidence_digest
from varproof.candidates.pipeline import CHUNK_BP, contig_chunks
from varproof.formats.panel import (
    WINDOW,
    PanelAlleles,
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
    other normals to add, evidence of further normals for the candidates of a list."""

    reads: list[Path]
    reference: Path
    regions: Regions | None
    added: list[Path]
    max_depth: int | None
    shareable: bool
    chunk_bp: int = CHUNK_BP
    evidence: list[Path] = field(default_factory=list)
    candidates: Path | None = None


@dataclass
class PanelSummary:
    """What came out."""

    normals: int = 0
    from_evidence: int = 0
    alleles: int = 0
    windows: int = 0


def build_panel(job: PanelJob, output: Path, workers: int) -> PanelSummary:
    """Write the panel of a job, complete or not at all; the same for any number of workers."""
    with open_reference(job.reference) as fasta:
        lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
    readers = [PanelReader(path) for path in job.added]
    try:
        regions = _counted_regions(job, readers, lengths)
        header = _header(job, readers, lengths, regions)
        listed: dict[str, PanelAlleles] = {}
        if job.evidence and job.candidates is not None:
            within = None if job.regions is None else _whole_windows(_given_regions(job, lengths), lengths)
            listed = evidence_alleles(job.evidence, job.candidates, job.reference, within)
        known = {*regions, *listed, *(name for reader in readers for name in reader.header.contigs)}
        header = header.model_copy(update={"contigs": {name: length for name, length in lengths.items() if name in known}})
        summary = PanelSummary(normals=header.normals, from_evidence=header.from_evidence)
        with panel_writer(output, header) as writer:
            _write(job, readers, regions, listed, writer, summary, list(header.contigs), workers)
    finally:
        for reader in readers:
            reader.__exit__()
    return summary


def _given_regions(job: PanelJob, lengths: dict[str, int]) -> Regions:
    """The job's regions within the contigs of the reference; raises UserError where that is nothing."""
    cut = within_lengths({name: merged(intervals) for name, intervals in (job.regions or {}).items()}, lengths)
    kept = {name: cut[name] for name in lengths if name in cut}
    if not kept:
        raise UserError(f"no base of {job.reference} lies in --regions: there is nothing to count; give other regions")
    return kept


def _counted_regions(job: PanelJob, readers: list[PanelReader], lengths: dict[str, int]) -> Regions:
    """What reads are counted in, of each contig that any are; nothing where there is only evidence."""
    for reader in readers:
        if reader.header.has_regions:
            return _held_regions(reader)
    if not job.reads:
        return {}
    if job.regions is None:
        return {name: [(0, length)] for name, length in lengths.items()}
    return _given_regions(job, lengths)


def _held_regions(reader: PanelReader) -> Regions:
    held = {name: reader.contig(name).regions.tolist() for name in reader.header.contigs}
    return {name: [(a, b) for a, b in regions] for name, regions in held.items() if regions}


def _whole_windows(regions: Regions, lengths: dict[str, int]) -> Regions:
    """Regions with all of the windows that they touch."""
    return {
        name: merged([(low - low % WINDOW, min(-(-high // WINDOW) * WINDOW, lengths[name])) for low, high in intervals])
        for name, intervals in regions.items()
    }


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
    for path in job.evidence:
        _once(evidence_digest(path), path, seen)
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
        from_evidence=len(job.evidence) + sum(reader.header.from_evidence for reader in readers),
        digests=[] if job.shareable else sorted(seen),
        contigs={},
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
    if header.has_regions and _held_regions(reader) != regions:
        raise UserError(f"{reader.path}: was counted in other regions; panels that are added need the same, others gather")


def _write(
    job: PanelJob,
    readers: list[PanelReader],
    regions: Regions,
    listed: dict[str, PanelAlleles],
    writer: PanelWriter,
    summary: PanelSummary,
    contigs: list[str],
    workers: int,
) -> None:
    contexts = PanelContexts.nothing()
    for reader in readers:
        contexts = contexts.plus(reader.contexts())
    counted = _by_contig(job, regions, workers)
    ready = next(counted, None)
    for name in contigs:
        parts = [reader.contig(name) for reader in readers]
        alleles, coverage = [part.alleles for part in parts], [part.coverage for part in parts]
        if ready is not None and ready[0] == name:
            alleles.append(joined_alleles([chunk.alleles for chunk in ready[1]]))
            coverage.append(joined_coverage([chunk.coverage for chunk in ready[1]]))
            for chunk in ready[1]:
                contexts = contexts.plus(chunk.contexts)
            ready = next(counted, None)
        together = added_alleles([*alleles, *([listed[name]] if name in listed else [])])
        if job.shareable:
            together = together.rows(together.normals.astype(np.int64) + together.heterozygous + together.homozygous > 1)
        part = PanelContig(name, np.array(regions.get(name, []), np.int64).reshape(-1, 2), together, added_coverage(coverage))
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
        lengths = dict(zip(fasta.references, fasta.lengths, strict=True))
        wanted: set[str] = set() if regions == {name: [(0, length)] for name, length in lengths.items()} else set(regions)
        for path in job.reads:
            with open_reads(path, job.reference) as alignments:
                if job.regions is None:
                    wanted |= set(shared_contigs(alignments, path, fasta, job.reference)) & set(regions)
                    tell_left_aside(alignments, path, fasta, job.reference)
        ordered = [name for name in regions if name in wanted]
        for path in job.reads:
            with open_reads(path, job.reference) as alignments:
                require_same_contigs(alignments, path, fasta, job.reference, ordered)
    found = []
    for name in ordered:
        exact = regions[name]
        whole = _whole_windows({name: exact}, lengths)[name]
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
