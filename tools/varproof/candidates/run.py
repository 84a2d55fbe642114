"""From reads to a VCF of candidates, qualified where there are known sites or a tree."""

import logging
import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from varproof.candidates.pipeline import CallingJob, Chunk, FoundCandidates, chunks, found_chunks
from varproof.candidates.qualification import GrowingSample, grown_tree, leaf_qualities, leaves
from varproof.candidates.records import candidates_header, write_candidates
from varproof.formats.tree import QualityTree
from varproof.formats.vcf import VcfWriter
from varproof.machinery.progress import progress
from varproof.reads.files import open_reads, tell_left_aside
from varproof.reads.known_sites import KnownSites, require_known_contigs
from varproof.reads.reference import open_reference

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Qualification:
    """How candidates are judged: by `tree`, or by one that is grown here if the job has known sites; else not at all.

    Leaves have `least_leaf` candidates or more; called is what comes to a leaf with a share of known sites of
    `least_share` or more.
    """

    tree: QualityTree | None
    least_share: float
    least_leaf: int
    seed: int


@dataclass
class CallingSummary:
    """What came out: numbers of candidates, of those at known sites and of those called; the tree that judged them."""

    candidates: int = 0
    known: int = 0
    called: int = 0
    tree: QualityTree | None = None


def call(job: CallingJob, qualification: Qualification, output: Path, provenance: str, workers: int) -> CallingSummary:
    """Write the candidates of the job, complete or not at all."""
    stretches = chunks(job)
    if job.known_sites is not None:
        known = KnownSites(job.known_sites)
        require_known_contigs(known, list(dict.fromkeys(item.contig for item in stretches)))
        if not known.contigs:
            logger.warning("%s: has no records, so that candidates are not qualified by it", job.known_sites)
            job = replace(job, known_sites=None)
    with open_reference(job.reference) as fasta:
        for path in job.samples if job.regions is None else []:
            with open_reads(path, job.reference) as alignments:
                tell_left_aside(alignments, path, fasta, job.reference)
        contigs = dict(zip(fasta.references, fasta.lengths, strict=True))
    header = candidates_header(contigs, len(job.samples), [f"##varproof_call-candidates={provenance}"])
    summary = CallingSummary(tree=qualification.tree)
    with VcfWriter(output, header) as writer, tempfile.TemporaryFile() as spool:
        found = _searched(job, stretches, workers)
        if qualification.tree is None and job.known_sites is not None:
            sample = GrowingSample(qualification.seed)
            for part in found:
                sample.add(part.features, _is_known(part))
                pickle.dump(part, spool)
            found = _spooled(spool)
            summary.tree = _tree(sample, qualification, provenance)
        nodes = None if summary.tree is None else np.array([summary.tree.known, leaf_qualities(summary.tree)])
        for part in found:
            summary.candidates += part.size
            summary.known += int(_is_known(part).sum())
            share = quality = None
            if summary.tree is not None and nodes is not None:
                share, quality = nodes[:, leaves(summary.tree, part.features)]
                summary.called += int((share >= qualification.least_share).sum())
            write_candidates(writer, part, share, quality, qualification.least_share)
    return summary


def _searched(job: CallingJob, stretches: list[Chunk], workers: int) -> Iterator[FoundCandidates]:
    limited = 0
    with progress(sum(item.end - item.start for item in stretches), "bases searched") as advance:
        for chunk, part in zip(stretches, found_chunks(job, stretches, workers), strict=True):
            advance(chunk.end - chunk.start)
            limited += part.limited
            if part.size:
                yield part
    if limited:
        logger.warning(
            "%d of %d stretches have places deeper than the limit of %s: only a sample of their fragments was searched, and "
            "counts are of that sample (a greater --max-depth uses all)",
            limited,
            len(stretches),
            job.max_depth,
        )


def _spooled(spool: IO[bytes]) -> Iterator[FoundCandidates]:
    """What was put aside in this run, until the tree had grown."""
    spool.seek(0)
    while True:
        try:
            yield pickle.load(spool)
        except EOFError:
            return


def _is_known(part: FoundCandidates) -> np.ndarray:
    return np.array([name != "" for name in part.known], bool)


def _tree(sample: GrowingSample, qualification: Qualification, provenance: str) -> QualityTree | None:
    known = sample.known
    if not known.any() or known.all():
        which = "no" if not known.any() else "every"
        logger.warning("%s candidate is at a known site: nothing to learn from, candidates are not qualified", which)
        return None
    return grown_tree(sample.features, known, qualification.least_leaf, qualification.seed, provenance)
