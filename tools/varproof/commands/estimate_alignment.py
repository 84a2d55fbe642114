"""estimate-alignment: how a sample was sequenced and aligned, and how its errors look, from a sample of its reads."""

import logging
from pathlib import Path

from pydantic import Field

from varproof.commands.base import CommandOptions, run_command

logger = logging.getLogger("varproof")


class Options(CommandOptions):
    """Learn a sample's insert size, read length, gap rates, depth and error profile from a sample of its reads."""

    reads: Path = Field(description="BAM or CRAM, sorted and indexed.")
    reference: Path = Field(description="FASTA (indexed) that the reads were aligned to.")
    output: Path = Field(description="alignment.json to write, or - for stdout.")
    regions: Path | None = Field(None, description="BED: look at reads in these regions only.")
    max_reads: int = Field(500_000, ge=1, description="stop after about so many reads, spread evenly over the file.")


def estimate_alignment(options: Options) -> None:
    """Run the executable; raises UserError for what the user must change."""
    from varproof.errors import UserError
    from varproof.formats.json_file import write_json
    from varproof.formats.output import check_output
    from varproof.reads.decode import open_reads, require_same_contigs
    from varproof.reads.properties import estimate_properties
    from varproof.reads.reference import open_reference
    from varproof.reads.regions import read_regions
    from varproof.reads.sampling import region_windows, sampled_windows

    check_output(options.output)
    regions = read_regions(options.regions) if options.regions else None
    with open_reference(options.reference) as fasta, open_reads(options.reads, options.reference) as reads:
        lengths = dict(zip(reads.references, reads.lengths, strict=True))
        if regions is None:
            require_same_contigs(reads, options.reads, fasta, options.reference)
            windows = sampled_windows(reads, list(reads.references), options.max_reads)
        else:
            for contig in regions:
                if contig not in lengths:
                    raise UserError(f"{options.regions}: contig '{contig}' is not in {options.reads}")
            require_same_contigs(reads, options.reads, fasta, options.reference, list(regions))
            windows = region_windows(regions, lengths)
        properties = estimate_properties(reads, fasta, windows, options.max_reads)
    insert = (
        f"insert size {properties.insert_size_mean} (sd {properties.insert_size_sd})"
        if properties.insert_size_mean
        else "no insert size (no read pairs)"
    )
    logger.info("%d reads: depth %s, %s", properties.reads_used, properties.depth, insert)
    write_json(options.output, properties)


def main() -> None:
    """Entry point."""
    run_command("estimate-alignment", Options, estimate_alignment)


if __name__ == "__main__":
    main()
