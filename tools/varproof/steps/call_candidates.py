"""call-candidates: candidate variants from reads alone, with what their reads look like."""

import logging
from pathlib import Path

from pydantic import Field, model_validator

from varproof.steps.base import MOST_SEARCHED_DEPTH, Settings

logger = logging.getLogger(__name__)


class CallCandidatesSettings(Settings):
    """Find candidate variants in reads, with no other caller: every allele that enough reads show, and what they look like.

    With --known-sites (such as dbSNP) a decision tree learns from this very run what reads of known variants look like, and
    each candidate gets as its quality the share of known sites among those that look alike. All candidates are written,
    those under --min-quality with the filter 'unqualified': score-posterior and predict want them all.

    Indels are found in alignments and behind soft-clipped ends: deletions and tandem duplications of up to 1,000 bp, and
    insertions that the reads around them assemble to, which is as far as mates reach into them. An indel and what the same
    reads show within 9 bp of it is one candidate, as are adjacent mismatches.
    """

    reads: Path = Field(description="indexed BAM or CRAM to search.")
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    output: Path = Field(description="VCF of candidates to write: .vcf, .vcf.gz, .bcf or -.")
    normal: Path | None = Field(None, description="matched normal: indexed BAM or CRAM; its reads are shown beside.")
    known_sites: Path | None = Field(None, description="known variants: bgzipped VCF with tabix index.")
    regions: Path | None = Field(None, description="BED: search only there.")
    min_alternate_reads: int = Field(2, ge=1, description="fewest reads that show an allele.")
    min_alternate_fraction: float = Field(
        0.02,
        ge=0,
        le=1,
        description="fewest of the reads that cover it, as a fraction. At 0.02, from 200 reads on, fewer substitutions "
        "are enough where errors at three times the rate of their base qualities don't make as many.",
    )
    min_base_quality: int = Field(13, ge=0, le=93, description="bases under this quality show no allele (13: 5 % are wrong).")
    min_mapping_quality: int = Field(1, ge=0, le=255, description="reads under this mapping quality are left out.")
    all_indels: bool = Field(False, description="all insertions and deletions of a locus, not the most frequent one of each.")
    min_quality: float = Field(0.2, ge=0, le=1, description="call what looks like at least this share of known sites.")
    min_leaf: int = Field(50, ge=1, description="fewest candidates that the tree takes to look alike.")
    tree: Path | None = Field(None, description="judge by this tree of an earlier run, instead of growing one.")
    save_tree: Path | None = Field(None, description="write the tree (JSON), for --tree of other runs.")
    draw_tree: Path | None = Field(None, description="draw the tree (SVG).")
    seed: int = Field(0, ge=0, description="of the tree.")
    max_depth: int | None = Field(
        MOST_SEARCHED_DEPTH, ge=10, description="subsample deeper places to this depth, by read name."
    )

    @model_validator(mode="after")
    def _consistent(self) -> "CallCandidatesSettings":
        if self.tree is None and self.known_sites is None and {"draw_tree", "min_quality"} & self.model_fields_set:
            raise ValueError("--min-quality and --draw-tree need a tree: give --known-sites, to grow one, or --tree")
        grows = self.tree is None and self.known_sites is not None
        if not grows and {"save_tree", "min_leaf"} & self.model_fields_set:
            raise ValueError("--save-tree and --min-leaf are for a tree that is grown here: give --known-sites, and no --tree")
        return self


def call_candidates(options: CallCandidatesSettings) -> None:
    """Reads to a VCF of candidates."""
    from varproof.candidates.finding import FindingSettings
    from varproof.candidates.pipeline import CallingJob
    from varproof.candidates.qualification import read_tree
    from varproof.candidates.run import Qualification, call
    from varproof.machinery.output import check_output, provenance
    from varproof.reads.regions import regions_of_reference

    for path in (options.output, options.save_tree, options.draw_tree):
        if path is not None:
            check_output(path)
    job = CallingJob(
        reads=options.reads,
        reference=options.reference,
        normal=options.normal,
        known_sites=options.known_sites,
        regions=None if options.regions is None else regions_of_reference(options.regions, options.reference),
        finding=FindingSettings(
            options.min_alternate_reads,
            options.min_alternate_fraction,
            options.min_base_quality,
            options.min_mapping_quality,
            options.all_indels,
            options.min_alternate_fraction == CallCandidatesSettings.model_fields["min_alternate_fraction"].default,
        ),
        max_depth=options.max_depth,
    )
    made_of = provenance("call-candidates", options.model_copy(update={"save_tree": None, "draw_tree": None}))
    tree = None if options.tree is None else read_tree(options.tree)
    qualification = Qualification(tree, options.min_quality, options.min_leaf, options.seed)
    summary = call(job, qualification, options.output, made_of, options.worker_count)
    logger.info("%d candidates", summary.candidates)
    if options.known_sites is not None:
        logger.info("%d of them are at known sites", summary.known)
    if summary.tree is not None:
        logger.info("%d look like known variants (--min-quality %g)", summary.called, options.min_quality)
        if options.save_tree is not None:
            from varproof.formats.json_file import write_json

            write_json(options.save_tree, summary.tree)
        if options.draw_tree is not None:
            from varproof.report.quality_tree import draw_tree

            draw_tree(summary.tree, options.draw_tree)
    elif options.known_sites is None:
        logger.info("they are not qualified: that takes --known-sites or --tree")
