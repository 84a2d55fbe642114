"""build-panel: what normals of one protocol show that is not in the reference, as rates."""

import logging
from pathlib import Path

from pydantic import Field, model_validator

from varproof.steps.base import MOST_SEARCHED_DEPTH, Settings

logger = logging.getLogger(__name__)


class BuildPanelSettings(Settings):
    """Count what the reads of normals show, place by place and allele by allele, for --panel of score-posterior.

    Take normals whose libraries were made and sequenced as the tumour's: their artefacts are those that the tumour has. Of
    each allele that a normal shows in more reads than errors make, the panel has the reads, by strand, orientation and quality,
    and how many normals carry it; of everything else, how often errors make what, by the bases beside and by repeat.

    A panel holds sums over all normals. --add counts further normals into a panel that is there; pieces that were counted
    with different --regions become one with gather.

    Normals of which there is --evidence need not be read again. Evidence tells of the candidates of its list alone: such
    normals say how often they show these, and nothing of any other place or allele, nor of errors.
    """

    reads: list[Path] = Field(default_factory=list, description="normals: indexed BAM or CRAM, one for each.")
    context_pool: Path | None = Field(
        None,
        description="instead, or beside them: the sheet of tensorise --context-pool, whose reads are counted, one sample of "
        "each patient; so panel and contexts are of the same normals.",
    )
    library: str | None = Field(None, description="of the sheet, count only samples of this library preparation.")
    evidence: list[Path] = Field(
        default_factory=list,
        description="other normals, instead of their reads: evidence files of collect-evidence, all for the same --candidates.",
    )
    candidates: Path | None = Field(
        None, description="VCF or BCF that --evidence was collected for; only its alleles are counted."
    )
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    output: Path = Field(description="panel.h5 to write.")
    regions: Path | None = Field(None, description="BED: count only there, such as the targets of an exome.")
    add: list[Path] = Field(
        default_factory=list, description="panels of other normals, whose counts are added; regions are those of the panels."
    )
    shareable: bool = Field(
        False,
        description="leave out what only one normal shows or carries, and the digests of the reads: for a panel that leaves "
        "the house. Nothing can be added to it.",
    )
    max_depth: int | None = Field(
        MOST_SEARCHED_DEPTH, ge=10, description="subsample deeper places of a normal to this depth, by read name."
    )

    @model_validator(mode="after")
    def _consistent(self) -> "BuildPanelSettings":
        if not self.reads and not self.evidence and not self.add and self.context_pool is None:
            raise ValueError("no normals: give --reads, --context-pool or --evidence, or panels to --add")
        if self.library is not None and self.context_pool is None:
            raise ValueError("--library chooses from a --context-pool; give one")
        if bool(self.evidence) != (self.candidates is not None):
            raise ValueError("--evidence and --candidates, the list that it was collected for, go together")
        if self.add and self.regions is not None:
            raise ValueError("--regions: those of the panel to --add are counted; leave one of them out")
        return self


def build_panel(options: BuildPanelSettings) -> None:
    """Reads of normals to a panel."""
    from varproof.candidates import panel
    from varproof.machinery.output import check_output
    from varproof.reads.regions import regions_of_reference

    check_output(options.output)
    reads = list(options.reads)
    if options.context_pool is not None:
        from varproof.formats.context_pool import one_of_each_patient, read_context_pool

        taken, others = one_of_each_patient(options.context_pool, read_context_pool(options.context_pool), options.library)
        reads += [item.reads for item in taken]
        if others:
            logger.warning(
                "%s: %d samples left out, of patients of whom another is counted: %s",
                options.context_pool, len(others), ", ".join(item.sample for item in others),
            )  # fmt: skip
    job = panel.PanelJob(
        reads=reads,
        reference=options.reference,
        regions=None if options.regions is None else regions_of_reference(options.regions, options.reference),
        added=options.add,
        max_depth=options.max_depth,
        shareable=options.shareable,
        evidence=options.evidence,
        candidates=options.candidates,
    )
    summary = panel.build_panel(job, options.output, options.worker_count)
    by_evidence = f" ({summary.from_evidence} by their evidence)" if summary.from_evidence else ""
    logger.info("%d normals%s, %d alleles, %d windows covered", summary.normals, by_evidence, summary.alleles, summary.windows)
