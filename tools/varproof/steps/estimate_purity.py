"""estimate-purity: how much of a sample is tumour, and how many copies its cells have, along the genome."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from varproof.steps.base import Settings, pictures_of

if TYPE_CHECKING:
    from varproof.copynumber.run import SomaticCall

logger = logging.getLogger(__name__)

SURELY_SOMATIC = 0.9
"""Probability of a scored call from which on its fraction tells of the purity."""


class EstimatePuritySettings(Settings):
    """Purity, ploidy, and segments of total and minor copy number, each with a 95 % interval, from the tumour's reads.

    They are told by depth, corrected for GC and held against the normal where there is one, or against a panel of normals, and
    by the fractions of heterozygous variants, found in the normal or in the tumour alone. Where these can't tell, as in a
    genome without changes, purity is null, and a warning says so; --calls may tell it then. segments.tsv is written beside
    purity.json.
    """

    tumor: Path = Field(description="tumour: indexed BAM or CRAM.")
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    output: Path = Field(description="purity.json to write, or - for stdout.")
    normal: Path | None = Field(None, description="matched normal: indexed BAM or CRAM.")
    panel: Path | None = Field(
        None, description="panel of normals of this protocol, of build-panel: its depth stands for that of a missing normal."
    )
    regions: Path | None = Field(
        None, description="BED: look at depth and variants there only, such as the targets of an exome."
    )
    known_sites: Path | None = Field(
        None, description="common variants: bgzipped, indexed VCF; heterozygous sites are looked for among its SNVs only."
    )
    segments: Path | None = Field(
        None, description="copy numbers that another tool found (ASCAT, FACETS, PURPLE, CNVkit, Sequenza, or segments.tsv): "
        "the purity that fits them is looked for.",
    )  # fmt: skip
    calls: Path | None = Field(
        None,
        description="somatic calls, scored by score-posterior: their fractions tell the purity where copy number can't, and "
        "--plot shows them.",
    )
    output_segments: Path | None = Field(None, description="table of segments (default: segments.tsv beside --output).")
    plot: Path | None = Field(
        None,
        description="pictures of copy number and fractions; PREFIX.svg and PREFIX.png, and a PREFIX.CONTIG.png of each contig.",
    )

    @property
    def table(self) -> Path | None:
        """Where the segments go; None where purity.json goes to stdout and no table was asked for."""
        from varproof.machinery.output import STDOUT

        if self.output_segments is not None:
            return self.output_segments
        return None if self.output == STDOUT else self.output.parent / "segments.tsv"


def estimate_purity(options: EstimatePuritySettings) -> None:
    """Run the executable; raises UserError for what the user must change."""
    from varproof.copynumber.counting import CountingJob
    from varproof.copynumber.run import estimated, table_of
    from varproof.formats.json_file import write_json
    from varproof.formats.segments import read_segments, write_segments
    from varproof.machinery.output import STDOUT, check_output, provenance, write_bytes
    from varproof.reads.reference import contig_lengths
    from varproof.reads.regions import regions_of_reference

    for path in (options.output, options.table, *pictures_of(options.plot)):
        if path is not None:
            check_output(path)
    regions = None if options.regions is None else regions_of_reference(options.regions, options.reference)
    given = None if options.segments is None else read_segments(options.segments, contig_lengths(options.reference))
    calls = None if options.calls is None else _somatic_calls(options.calls)
    job = CountingJob(options.tumor, options.reference, options.normal, regions, options.known_sites, options.panel)
    if options.panel is not None and options.normal is not None:
        logger.info("the normal's own depth tells more than that of %s, which is not looked at", options.panel)
    found = estimated(job, options.worker_count, given, calls)
    outputs = {"output_segments": None, "plot": None}
    purity = found.purity.model_copy(update={"provenance": provenance("estimate-purity", options.model_copy(update=outputs))})
    said = "not told" if purity.purity is None else f"{purity.purity:.3g}"
    logger.info(
        "purity %s (%.2f-%.2f, by %s), ploidy %.2f (%.2f-%.2f), %d segments, %d heterozygous sites",
        said, purity.purity_low, purity.purity_high, purity.told_by, purity.ploidy, purity.ploidy_low, purity.ploidy_high,
        len(purity.segments), purity.sites,
    )  # fmt: skip
    if options.plot is not None:
        from varproof.report.copy_number import DrawnBins, DrawnCall, contig_pictures, genome_picture

        bins = DrawnBins(*found.drawn)
        shown = [DrawnCall(one.contig, one.position, one.alternative / one.depth) for one in calls or () if one.depth]
        for path, content in zip(pictures_of(options.plot), genome_picture(purity, bins, shown), strict=True):
            write_bytes(path, content)
        for contig, content in contig_pictures(purity, bins, shown):
            write_bytes(pictures_of(options.plot, f".{_in_file_name(contig)}")[1], content)
    if options.table is not None:
        write_segments(options.table, table_of(purity))
    write_json(options.output, purity)
    if options.output != STDOUT:
        logger.info("segments to %s", options.table)


def _in_file_name(contig: str) -> str:
    """A contig's name without what no file may have in its name; different ones stay different."""
    return contig.replace("%", "%25").replace("/", "%2F")


def _somatic_calls(path: Path) -> "list[SomaticCall]":
    """Substitutions that are somatic for all that is known, with the tumour's reads; raises UserError for unscored calls."""
    from varproof.copynumber.run import SomaticCall
    from varproof.formats.scored import error_probabilities, select_events
    from varproof.formats.vcf import ALLELE_DEPTH, open_vcf, read_records

    with open_vcf(path) as handle:
        selection = select_events(path, handle.header, ["SOMATIC_TUMOR"])
    found = []
    for record in read_records(path):
        errors = error_probabilities(record, selection)
        depths = record.samples[record.header.tumor_column].get(ALLELE_DEPTH) if len(record.samples) else None
        for allele, error in enumerate(errors):
            alternative = record.alleles[allele + 1]
            if not (error == error and error <= 1 - SURELY_SOMATIC) or len(record.ref) != 1 or len(alternative) != 1:
                continue
            if depths is None or len(depths) <= allele + 1 or None in (depths[0], depths[allele + 1]):
                continue
            carried = int(depths[allele + 1])
            found.append(SomaticCall(record.contig, record.start, carried, int(depths[0]) + carried))
    return found
