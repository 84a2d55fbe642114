"""A whole candidate list against one sample: chunks in genome order, each a job for a worker process, results in order.

What is in memory is bounded by a chunk: its candidates, its reads, its evidence.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from varproof import __version__
from varproof.evidence.collect import collect_chunk
from varproof.evidence.decisions import DECISIONS
from varproof.evidence.sample import Sample
from varproof.formats.alignment import AlignmentProperties
from varproof.formats.evidence import SCHEMA, Evidence, EvidenceWriter, concatenated, empty_evidence
from varproof.formats.vcf import read_records
from varproof.machinery.errors import OtherReference
from varproof.machinery.journal import Arrays, Journal, journaled_results
from varproof.machinery.output import resumed_identity
from varproof.machinery.progress import progress
from varproof.reads.columns import TooManyBases
from varproof.reads.decode import open_reads, require_same_contigs
from varproof.reads.reference import open_reference
from varproof.variants.candidate import Candidate, candidate_key
from varproof.variants.chunks import Chunk, chunks
from varproof.variants.placement import AMBIGUOUS_MARGIN, MAX_SHIFT
from varproof.variants.reference import ReferenceSlice, check_reference_allele, reference_slice

logger = logging.getLogger(__name__)

WIDER, NARROWER = 1.05, 0.75
"""After a chunk that had to be divided, the next ones may be this much of its width, and a little more each time."""


@dataclass(frozen=True)
class SampleFiles:
    """Where a sample's reads are and how they are to be read."""

    reads: Path
    reference: Path
    candidates: Path
    properties: AlignmentProperties
    max_depth: int | None

    def identity(self) -> str:
        """What the evidence depends on, as one line of JSON."""
        digests = {path.name: resumed_identity(path) for path in (self.reads, self.reference, self.candidates)}
        properties = self.properties.model_dump(mode="json")
        parts = {
            "version": __version__,
            "schema": SCHEMA,
            "digests": digests,
            "alignment": properties,
            "max_depth": self.max_depth,
            "decisions": DECISIONS.model_dump(mode="json"),
        }
        return json.dumps(parts, sort_keys=True)


class _Worker:
    """Files and tables that a process opens once."""

    def __init__(self, files: SampleFiles) -> None:
        self.files = files
        self.sample = Sample.from_properties(files.properties)
        self.alignments = open_reads(files.reads, files.reference)
        self.fasta = open_reference(files.reference)
        self.lengths = dict(zip(self.fasta.references, self.fasta.lengths, strict=True))
        self.checked: set[str] = set()
        self.widest = float("inf")

    def collect(self, chunk: Chunk) -> Evidence:
        keys = np.array([candidate_key(item) for item in chunk.candidates], np.uint64)
        joined = np.array([not item.is_listed for item in chunk.candidates], np.uint8)
        usable = [item for item in chunk.candidates if item.skipped is None]
        if not usable:
            return empty_evidence(keys, joined)
        contig = usable[0].contig
        self._check_contig(contig)
        reach = self.sample.tables.reach + 2 * self.sample.tables.cut + MAX_SHIFT
        both = usable + chunk.halo
        reference = reference_slice(
            self.fasta, contig, min(item.start for item in both) - reach, max(item.end for item in both) + reach
        )
        judged = []
        for item in usable:
            if item.end > self.lengths[contig]:
                raise OtherReference(
                    f"{self.files.candidates}: {contig}:{item.start + 1} lies beyond the contig's {self.lengths[contig]} bp "
                    f"in {self.files.reference}; use the reference that the candidates were called with"
                )
            check_reference_allele(item, reference, self.files.candidates)
            if _known(item, reference):
                judged.append(item)
        halo = [item for item in chunk.halo if item.end <= self.lengths[contig] and _known(item, reference)]
        evidence = empty_evidence(keys, joined)
        if judged:
            found = self._found(judged, halo, reference)
            place = {id(item): i for i, item in enumerate(judged)}
            none = len(judged)
            order = np.array([place.get(id(item), none) for item in chunk.candidates])
            evidence = concatenated([found, empty_evidence(np.zeros(1, np.uint64))]).rows(order)
            evidence = replace(evidence, key=keys, joined=joined, haplotype=np.where(order < none, evidence.haplotype, keys))
        return evidence

    def _found(self, judged: list[Candidate], halo: list[Candidate], reference: ReferenceSlice) -> Evidence:
        """Evidence of `judged`; where their reads are too many to be in memory together, of one half after the other."""
        span = judged[-1].start - judged[0].start
        if span <= self.widest or len(judged) == 1:
            try:
                found = collect_chunk(judged, halo, reference, self.alignments, self.sample, self.files.max_depth)
                self.widest *= WIDER
                return found
            except TooManyBases:
                # Halves are of as many candidates, and one of them is the wider one.
                self.widest = max(1.0, NARROWER * span)
        middle = len(judged) // 2
        halves = judged[:middle], judged[middle:]
        parts = [self._found(own, [*halo, *other], reference) for own, other in (halves, halves[::-1])]
        return concatenated(parts)

    def _check_contig(self, contig: str) -> None:
        if contig in self.checked:
            return
        if contig not in self.lengths:
            raise OtherReference(
                f"{self.files.candidates}: contig '{contig}' is not in {self.files.reference} "
                f"(which has {', '.join(self.fasta.references[:3])}{', ...' if len(self.fasta.references) > 3 else ''}); "
                "use the reference that the candidates were called with"
            )
        require_same_contigs(self.alignments, self.files.reads, self.fasta, self.files.reference, [contig])
        self.checked.add(contig)


def _known(item: Candidate, reference: ReferenceSlice) -> bool:
    low, high = item.start - AMBIGUOUS_MARGIN, item.end + AMBIGUOUS_MARGIN
    return bool(np.all(reference.between(max(low, reference.start), high) < 4)) and "N" not in item.alt


def evidence_chunks(files: SampleFiles, workers: int, journal: Journal | None = None) -> Iterator[Evidence]:
    """Evidence of all candidates, chunk by chunk in order; the same for any number of workers, and on from any journal."""

    def packed(evidence: Evidence) -> Arrays:
        return dict(vars(evidence))

    def unpacked(arrays: Arrays) -> Evidence:
        return Evidence(**arrays)

    return journaled_results(
        lambda: _Worker(files).collect, chunks(files.candidates, files.reference), workers, journal, packed, unpacked
    )


def collect_into(writer: EvidenceWriter, files: SampleFiles, workers: int, journal: Journal | None = None) -> int:
    """Append the evidence of all candidates to `writer`; returns their number (of alleles)."""
    total, limited = sum(len(record.alts or ()) for record in read_records(files.candidates)), 0
    with progress(total, f"evidence from {files.reads.name}") as advance:
        for part in evidence_chunks(files, workers, journal):
            writer.append(part)
            limited += int(((part.used < part.depth) & (part.joined == 0)).sum())
            advance(int((part.joined == 0).sum()))
    if limited:
        logger.warning(
            "%s: %d of %d candidates are deeper than the limit of %s: their depth is told in full, but only a sample of their "
            "fragments is judged (a greater --max-depth uses all)",
            files.reads,
            limited,
            total,
            files.max_depth,
        )
    return total
