"""scatter-candidates: a candidate list in chunks, to be worked on apart."""

from pathlib import Path

from pydantic import Field, model_validator

from varproof.steps.base import Settings


class ScatterCandidatesSettings(Settings):
    """Cut a candidate list into chunks whose evidence and tensors can be collected apart, on many machines.

    The folder gets chunk-0001.vcf.gz and on, in order, with indexes. gather puts together what was made of them; the result is
    that of the whole list, since cuts lie only where candidates are too far apart to be neighbours.
    """

    candidates: Path = Field(description="VCF or BCF of candidate variants, sorted.")
    reference: Path = Field(description="indexed FASTA that the candidates were called with.")
    output: Path = Field(description="folder to write; must not exist or be empty.")
    chunks: int | None = Field(None, ge=1, description="number of chunks, of about the same number of candidates.")
    max_per_chunk: int | None = Field(None, ge=1, description="instead: most candidates in a chunk.")

    @model_validator(mode="after")
    def _one_size(self) -> "ScatterCandidatesSettings":
        if (self.chunks is None) == (self.max_per_chunk is None):
            raise ValueError("give either --chunks or --max-per-chunk")
        return self


def scatter_candidates(options: ScatterCandidatesSettings) -> None:
    """A candidate list to a folder of chunks."""
    from varproof.formats.vcf import open_vcf
    from varproof.machinery.output import folder_complete_or_absent, provenance
    from varproof.scattering.scatter import scatter

    open_vcf(options.candidates).close()
    line = f"##varproof_scatter-candidates={provenance('scatter-candidates', options)}"
    with folder_complete_or_absent(options.output) as folder:
        scatter(options.candidates, options.reference, options.chunks, options.max_per_chunk, folder, line)
