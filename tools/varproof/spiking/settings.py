"""Options of spike-variants: what is planted, how often, and into which reads."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, model_validator

SpikedType = Literal["snv", "mnv", "insertion", "deletion"]


class SpikingSettings(BaseModel):
    """Fractions are in 0..1, lengths and distances in bp, depths in reads per base."""

    reads: Path = Field(description="indexed BAM or CRAM in which nothing is somatic.")
    reference: Path = Field(description="indexed FASTA that the reads were aligned to.")
    second_reads: Path | None = Field(
        None, description="another run of the same sample, for the normal; else fragments of --reads are shared out."
    )
    variants: Path | None = Field(
        None, description="plan: VCF of the variants to plant, INFO/AF being their allele frequency in tumour cells."
    )
    regions: Path | None = Field(None, description="BED: plant only there.")
    count: int = Field(200, ge=1, description="variants to plant at random places; fewer where there is no room.")
    types: list[SpikedType] = Field(["snv", "mnv", "insertion", "deletion"], description="their types, in equal shares.")
    vaf: list[float] = Field(
        [0.05, 1.0],
        min_length=1,
        max_length=2,
        description="least and largest allele frequency in tumour cells, uniform between them; or one for all.",
    )
    lengths: list[int] = Field(
        [1, 30],
        min_length=1,
        max_length=2,
        description="shortest and longest insertion or deletion, log-uniform between them; or one for all.",
    )
    purity: float = Field(0.75, gt=0, le=1, description="fraction of tumour cells in the tumour sample.")
    tumor_depth: float | None = Field(
        None, gt=0, description="mean depth of the tumour. [half of --reads, with --second-reads all of it]"
    )
    normal_depth: float | None = Field(
        None, gt=0, description="mean depth of the normal. [half of --reads, with --second-reads all of that]"
    )
    min_depth: int = Field(15, ge=2, description="least depth of the tumour and of the normal where a variant is planted.")
    min_mapping_quality: int = Field(20, ge=0, le=254, description="a tenth of a place's reads under this: no place to plant.")
    spacing: int = Field(1000, ge=50, description="bp between planted variants; a fragment over two carries the first.")
    seed: int = Field(1, ge=0, description="same seed, options and reads: same bytes.")
    format: Literal["bam", "cram"] = Field("bam", description="format of the written reads.")

    @property
    def files(self) -> list[Path]:
        """The reads of the person: one run, or two."""
        return [self.reads, *([] if self.second_reads is None else [self.second_reads])]

    @property
    def least_reads(self) -> int:
        """Reads of each file that it takes where a variant is planted; one file is shared out between both samples."""
        return self.min_depth * (2 if self.second_reads is None else 1)

    @model_validator(mode="after")
    def _consistent(self) -> "SpikingSettings":
        if not all(0 < value <= 1 for value in self.vaf) or self.vaf[0] > self.vaf[-1]:
            raise ValueError("--vaf: allele frequencies are over 0 and up to 1, the least first")
        if self.lengths[0] < 1 or self.lengths[0] > self.lengths[-1]:
            raise ValueError("--lengths: lengths are 1 bp or more, the shortest first")
        if self.second_reads is not None and self.second_reads.absolute() == self.reads.absolute():
            raise ValueError("--second-reads: the same file as --reads; leave it out, and fragments are shared out")
        if not self.types:
            raise ValueError("--types: name at least one")
        fields = type(self).model_fields
        chosen = [name for name in ("count", "types", "lengths") if getattr(self, name) != fields[name].default]
        if self.variants is not None and chosen:
            raise ValueError(f"--{chosen[0]} is for variants at random places: leave it out, or --variants")
        return self
