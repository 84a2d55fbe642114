"""gather: evidence, tensors, panels or calls of chunks as one file."""

from pathlib import Path

from pydantic import Field

from varproof.steps.base import Settings


class GatherSettings(Settings):
    """Put together what was made of the chunks of scatter-candidates: evidence, tensors, or calls (VCF or BCF).

    Of build-panel it puts together pieces of the same normals, which were counted in different --regions.

    The result is what the whole candidate list would have given. Chunks of other options, of another version or in the wrong
    order are refused.
    """

    inputs: list[Path] = Field(min_length=1, description="files of the chunks, in the order of the chunks.")
    output: Path = Field(description="file to write: evidence, tensors or a panel (HDF5), or .vcf, .vcf.gz, .bcf or -.")
    candidates: Path | None = Field(
        None, description="the VCF or BCF that was scattered, to hold chunks against; evidence and tensors need it."
    )


def gather_chunks(options: GatherSettings) -> None:
    """Files of chunks to one file."""
    from varproof.machinery.output import check_output
    from varproof.scattering.gather import gather

    check_output(options.output)
    gather(options.inputs, options.candidates, options.output)
