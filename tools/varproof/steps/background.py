"""What score-posterior and learn-prior share: a tumour and its normal, as reads or evidence, and what their reads teach.

The prior is learnt from the background of the tumour's reads: candidates of a sample of the territory, which nobody has
selected. Where the list that is scored holds nearly all of them, their evidence is there already, and is what teaches.
"""

import contextlib
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from varproof.candidates.background import background_candidates, write_background
from varproof.candidates.pipeline import CallingJob
from varproof.evidence.pipeline import SampleFiles
from varproof.formats.evidence import EvidenceReader
from varproof.formats.hdf5 import is_hdf5
from varproof.formats.prior import LearntPrior, ResourceUsed
from varproof.formats.purity import Purity, segments_given, segments_of
from varproof.formats.segments import Segments
from varproof.machinery.journal import MakeJournal
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.job import AlleleList, ScoringJob, allele_list, judged_alleles
from varproof.posterior.population import resource_used
from varproof.posterior.selection import Selection
from varproof.posterior.teaching import Learnt, learn, prepare, rows_of_background
from varproof.posterior.territory import covered_bases
from varproof.reads.reference import contig_lengths
from varproof.reads.sampling import region_windows
from varproof.steps.base import MOST_SEARCHED_DEPTH
from varproof.steps.samples import collected_evidence, measured_together
from varproof.variants.population import GermlineResource
from varproof.variants.reference import Reference

logger = logging.getLogger(__name__)

Regions = dict[str, list[tuple[int, int]]]


class PairSettings(Protocol):
    """Settings of an executable that takes a tumour and its normal."""

    reference: Path
    tumor: Path
    normal: Path | None
    purity: float
    segments: Path | None
    normal_contamination: float | Literal["auto"]
    alignment_tumor: Path | None
    alignment_normal: Path | None
    max_depth: int | None
    germline_resource: Path | None
    germline_field: str | None
    panel: Path | None


@dataclass
class SamplePair:
    """Tumour and normal. Properties of reads are measured once; evidence files stay open as long as `stack`.

    `segments`: copy numbers of the tumour cells, None where they are not known.
    """

    options: PairSettings
    workers: int
    stack: contextlib.ExitStack
    evidence: dict[Path, EvidenceReader] = field(default_factory=dict)
    resource: GermlineResource | None = None
    segments: Segments | None = None
    _files: dict[Path, SampleFiles] = field(default_factory=dict)

    @classmethod
    def of(
        cls, options: PairSettings, workers: int, stack: contextlib.ExitStack, estimated: Purity | None = None
    ) -> "SamplePair":
        """The pair of an executable's options; raises UserError for a germline resource that can't be read.

        `estimated`: what was estimated with the purity; without a normal its copy numbers are taken where none are given.
        """
        pair = cls(options, workers, stack)
        if options.germline_resource is not None:
            pair.resource = GermlineResource.open(options.germline_resource, options.germline_field)
            stack.callback(pair.resource.close)
        if options.segments is not None:
            pair.segments = segments_given(options.segments, contig_lengths(options.reference))
        elif estimated is not None and estimated.segments and options.normal is None:
            pair.segments = segments_of(estimated, contig_lengths(options.reference), "the estimated copy numbers")
            logger.info("copy numbers of %d segments come with the purity", len(estimated.segments))
        for path in (options.tumor, options.normal):
            if path is not None and is_hdf5(path):
                pair.evidence[path] = stack.enter_context(EvidenceReader(path))
        return pair

    def job(self, candidates: Path, folder: Path, part: str, journal: MakeJournal) -> ScoringJob:
        """Candidates and their evidence, which is collected where it is not given: files of `folder`, named after `part`."""
        options = self.options
        tumor = self._collected(options.tumor, candidates, folder / f"{part}tumor.h5", journal)
        normal = None
        if options.normal is not None:
            normal = self._collected(options.normal, candidates, folder / f"{part}normal.h5", journal)
        contamination = None if options.normal_contamination == "auto" else float(options.normal_contamination)
        samples = (tumor, normal, options.purity, contamination)
        return ScoringJob(
            candidates, options.reference, *samples, resource=self.resource, panel=options.panel, segments=self.segments
        )

    def resource_used(self, regions: Regions | None) -> ResourceUsed | None:
        """How dense the germline resource is in the regions, or in the whole reference; None where there is none."""
        if self.resource is None:
            return None
        reference = Reference(self.options.reference)
        lengths = {name: size for name, size in reference.lengths.items() if name in self.resource.contigs}
        intervals = {name: [(0, size)] for name, size in lengths.items()}
        if regions is not None:
            intervals = {name: parts for name, parts in regions.items() if name in lengths}
        return resource_used(self.resource, region_windows(intervals, lengths), reference)

    @property
    def covered_bases(self) -> float | None:
        """Bases that the tumour's reads cover; None where that is not known."""
        tumor = self.options.tumor
        if tumor in self.evidence:
            return self.evidence[tumor].covered_bases
        return covered_bases(tumor, self.options.reference, self._files[tumor].properties)

    @property
    def least_depth(self) -> float:
        """Mean depth of the shallower of the samples that are reads, after `job`."""
        return min(files.properties.depth or 0.0 for files in self._files.values())

    def _collected(self, path: Path, candidates: Path, output: Path, journal: MakeJournal) -> EvidenceReader:
        if path in self.evidence:
            return self.evidence[path]
        self._measure(candidates)
        logger.info("collecting evidence from %s", path)
        collected_evidence(replace(self._files[path], candidates=candidates), output, self.workers, journal)
        return self.stack.enter_context(EvidenceReader(output))

    def _measure(self, candidates: Path) -> None:
        """Properties of the samples that are reads, once; repeats are measured in both together."""
        if self._files:
            return
        options = self.options
        samples = [(options.tumor, options.alignment_tumor), (options.normal, options.alignment_normal)]
        reads = {path: alignment for path, alignment in samples if path is not None and path not in self.evidence}
        measured = measured_together(list(reads), options.reference, list(reads.values()))
        for path, properties in zip(reads, measured, strict=True):
            self._files[path] = SampleFiles(path, options.reference, candidates, properties, options.max_depth)


@dataclass(frozen=True)
class Background:
    """Candidates that were found in a sample of the reads' territory, as a VCF; by which rule, and in how many bases."""

    candidates: Path
    reference: Path
    size: int
    windows: int
    searched: float
    selection: Selection

    @classmethod
    def of(cls, pair: SamplePair, regions: Regions | None, folder: Path) -> "Background":
        """The background of a pair's tumour, written to `folder`."""
        options = pair.options
        depth = MOST_SEARCHED_DEPTH if options.max_depth is None else min(options.max_depth, MOST_SEARCHED_DEPTH)
        job = CallingJob(options.tumor, options.reference, regions=regions, max_depth=depth)
        logger.info("searching the background of %s", options.tumor)
        found = background_candidates(job, pair.workers)
        path = folder / "background.vcf"
        write_background(found, options.reference, path)
        selection = Selection(found.finding.alternate_reads, found.finding.alternate_fraction)
        return cls(path, options.reference, found.size, found.windows, max(1.0, float(found.searched)), selection)

    def __str__(self) -> str:
        least = f"{100 * self.selection.fraction:.3g} % of the reads"
        return f"{self.size:,} candidates (of {least}) of {self.searched:,.0f} bases of the reads, in {self.windows:,} windows"

    def job(self, pair: SamplePair, folder: Path, journal: MakeJournal) -> ScoringJob:
        """The background's candidates with evidence of both samples."""
        return replace(pair.job(self.candidates, folder, "background-", journal), selection=self.selection)


def prior_of_reads(pair: SamplePair, regions: Regions | None, folder: Path, journal: MakeJournal) -> LearntPrior:
    """The prior that the pair's reads teach."""
    background = Background.of(pair, regions, folder)
    logger.info("what teaches the prior: %s", background)
    return _prior_of(background, pair, pair.resource_used(regions), folder, journal)


def _prior_of(
    background: Background, pair: SamplePair, used: ResourceUsed | None, folder: Path, journal: MakeJournal
) -> LearntPrior:
    job = background.job(pair, folder, journal)
    return learn(job, judged_alleles(job), background.searched, used=used).prior


def taught_by_reads(
    pair: SamplePair, regions: Regions | None, job: ScoringJob, alleles: AlleleList, folder: Path, journal: MakeJournal
) -> Learnt:
    """The prior that the pair's reads teach, and what it says of the job's candidates."""
    background, used = Background.of(pair, regions, folder), pair.resource_used(regions)
    rows, held = rows_of_background(alleles, allele_list(background.candidates, background.reference))
    if held >= DECISIONS.least_held:
        logger.info("what teaches the prior: %s, of which the list holds %.1f %%", background, 100 * held)
        return learn(replace(job, selection=background.selection), alleles, background.searched, rows, used)
    logger.info("what teaches the prior: %s (the list holds %.1f %% of them)", background, 100 * held)
    return prepare(job, alleles, _prior_of(background, pair, used, folder, journal))
