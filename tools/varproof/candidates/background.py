"""The background of a tumour: what candidates there are in windows all over its reads, before anybody has selected any.

Windows come in an order that spreads evenly however early it ends, and it ends where enough was searched: which windows they
are is told by the reads and the regions alone, never by a list of candidates.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import pysam

from varproof.candidates.decisions import DECISIONS
from varproof.candidates.finding import FindingSettings
from varproof.candidates.pipeline import CallingJob, Chunk, FoundCandidates, chunks, found_chunks
from varproof.formats.vcf import VcfWriter
from varproof.machinery.progress import progress
from varproof.reads.files import open_reads, require_same_contigs, shared_contigs
from varproof.reads.reference import open_reference
from varproof.reads.sampling import background_windows, evenly_spread


@dataclass(frozen=True)
class BackgroundCandidates:
    """Candidates of windows in genome order, and by which rule they are.

    `searched`: bases of the windows that enough reads cover to show one.
    """

    parts: list[FoundCandidates]
    windows: int
    searched: int
    finding: FindingSettings

    @property
    def size(self) -> int:
        """Number of candidates."""
        return sum(part.size for part in self.parts)


def background_candidates(job: CallingJob, workers: int) -> BackgroundCandidates:
    """Candidates of the job in a sample of its territory; the same for any number of workers.

    Of a deep sample, whose rare alleles are under the job's share of the reads, a smaller share is enough.
    """
    stretches = _stretches(job)
    job = replace(job, finding=_fitting(job, stretches[:1]))
    parts: list[tuple[Chunk, FoundCandidates]] = []
    searched = candidates = weighed = read_bases = 0
    with progress(None, f"background of {job.reads.name}: bases searched") as advance:
        for chunk, part in zip(stretches, found_chunks(job, stretches, workers), strict=True):
            parts.append((chunk, part))
            advance(part.searched)
            searched += part.searched
            read_bases += part.read_bases
            candidates += part.size
            weighed += sum(int(sample.depth.sum()) for sample in part.samples)
            if (
                searched >= DECISIONS.most_bases
                or read_bases >= DECISIONS.most_read_bases
                or candidates >= DECISIONS.most_candidates
                or weighed >= DECISIONS.most_weighed
            ):
                break
    with open_reference(job.reference) as fasta:
        order = {name: number for number, name in enumerate(fasta.references)}
    parts.sort(key=lambda item: (order[item[0].contig], item[0].start))
    return BackgroundCandidates([part for _, part in parts], sum(part.searched > 0 for _, part in parts), searched, job.finding)


def _fitting(job: CallingJob, pilot: list[Chunk]) -> FindingSettings:
    """The job's rule, with the smallest share of the reads under which a window does not crowd with candidates."""
    usual = job.finding
    for part in found_chunks(job, pilot, 1):
        depth = part.read_bases / max(1, part.searched)
        # Under the smallest of these that matters, the fewest reads decide.
        for fraction in DECISIONS.lower_fractions:
            if usual.alternate_fraction * depth <= usual.alternate_reads or fraction >= usual.alternate_fraction:
                break
            trial = replace(usual, alternate_fraction=fraction)
            (found,) = found_chunks(replace(job, finding=trial), pilot, 1)
            if found.size <= DECISIONS.most_per_base * found.searched:
                return trial
    return usual


def _stretches(job: CallingJob) -> list[Chunk]:
    """Windows of the regions, or of what has reads, spread evenly over it; at most `most_windows`."""
    size, most = DECISIONS.window, DECISIONS.most_windows
    with open_reference(job.reference) as fasta, open_reads(job.reads, job.reference) as alignments:
        contigs = _same_contigs(alignments, job.reads, fasta, job.reference)
        if job.regions is not None:
            regions = {contig: intervals for contig, intervals in job.regions.items() if contig in contigs}
            return evenly_spread(chunks(replace(job, chunk_bp=size, regions=regions)))[:most]
        windows = background_windows(alignments, contigs, size, most)
    return [Chunk(contig, start, end, [(start, end)]) for contig, start, end in windows]


def _same_contigs(alignments: pysam.AlignmentFile, path: Path, fasta: pysam.FastaFile, reference: Path) -> list[str]:
    """Contigs with reads that are as long in the reference; raises UserError where there are none."""
    shared = shared_contigs(alignments, path, fasta, reference)
    same = [contig for contig in shared if alignments.get_reference_length(contig) == fasta.get_reference_length(contig)]
    if shared and not same:
        require_same_contigs(alignments, path, fasta, reference, shared)
    return same


def write_background(found: BackgroundCandidates, reference: Path, output: Path) -> None:
    """The candidates as a VCF of nothing but alleles."""
    header = pysam.VariantHeader()
    with open_reference(reference) as fasta:
        for name, length in zip(fasta.references, fasta.lengths, strict=True):
            header.contigs.add(name, length=length)
    with VcfWriter(output, header) as writer:
        for part in found.parts:
            for position, ref, alt in zip(part.position.tolist(), part.ref, part.alt, strict=True):
                writer.write(writer.new_record(contig=part.contig, start=position, alleles=(ref, alt)))
