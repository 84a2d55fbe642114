"""estimate-alignment: how a sample was sequenced and aligned, and how its errors look, from a sample of its reads."""

import logging
from pathlib import Path

from pydantic import Field

from varproof.steps.base import Settings

logger = logging.getLogger(__name__)


class EstimateAlignmentSettings(Settings):
    """Learn a sample's insert size, read length, gap rates, depth and error profile from a sample of its reads."""

    reads: Path = Field(description="BAM or CRAM, sorted and indexed.")
    reference: Path = Field(description="FASTA (indexed) that the reads were aligned to.")
    output: Path = Field(description="alignment.json to write, or - for stdout.")
    regions: Path | None = Field(None, description="BED: look at reads in these regions only.")
    max_reads: int = Field(500_000, ge=1, description="stop after about so many reads, spread evenly over the file.")


def estimate_alignment(options: EstimateAlignmentSettings) -> None:
    """Run the executable; raises UserError for what the user must change."""
    from varproof.formats.json_file import write_json
    from varproof.machinery.output import check_output
    from varproof.reads.estimate import estimate_alignment_properties

    check_output(options.output)
    properties = estimate_alignment_properties(options.reads, options.reference, options.regions, options.max_reads)
    insert = (
        f"insert size {properties.insert_size_mean} (sd {properties.insert_size_sd})"
        if properties.insert_size_mean
        else "no insert size (no read pairs)"
    )
    logger.info("%d reads: depth %s, %s", properties.reads_used, properties.depth, insert)
    write_json(options.output, properties)
