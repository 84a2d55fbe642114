"""What a simulated pair looks like: every number that a user may choose, with its default, in one place.

Artefacts are off by default. Naming one in `artifacts` (or `all`) gives it the strength of `ARTIFACT_STRENGTHS`; giving its
own option sets another strength, and also switches it on.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

ArtifactName = Literal[
    "damage",
    "end-errors",
    "slippage",
    "paralogs",
    "normal-contamination",
    "tumor-contamination",
    "duplicates",
    "quality-overstated",
]

ARTIFACT_STRENGTHS: dict[ArtifactName, tuple[str, float, float]] = {
    "damage": ("damage_rate", 5e-4, 0.0),
    "end-errors": ("end_error_rate", 0.04, 0.0),
    "slippage": ("slippage_rate", 0.06, 0.0),
    "paralogs": ("paralogs_per_mbp", 100.0, 0.0),
    "normal-contamination": ("normal_contamination", 0.02, 0.0),
    "tumor-contamination": ("tumor_contamination", 0.01, 0.0),
    "duplicates": ("duplicate_fraction", 0.05, 0.0),
    "quality-overstated": ("error_inflation", 2.0, 1.0),
}
"""Artefact -> (its option, its strength when switched on, the value that means off)."""

NeighbourKind = Literal[
    "somatic",
    "germline",
    "indel",
    "repeat",
    "dinucleotide",
    "kataegis",
    "replacement",
    "tandem-duplication",
    "two-indels",
    "two-alleles",
]
"""What can be planted in groups; `MAKERS` of `simulation.neighbours` has what each is."""

NEIGHBOUR_OPTIONS = ("neighbours", "neighbour_groups")
FEWEST_TARGET_BP = 120
LEAST_SUBCLONE = 0.01

REGIME_OPTIONS = (
    "max_vaf",
    "copy_number_fraction",
    "segments",
    "genome_doubling",
    "subclones",
    "population",
    "known_germline",
    "relative",
    "normals",
    "collapsed_paralogs_per_mbp",
    "panel_targets",
    "target_length",
    "targets",
    "amplicons",
    "consensus",
    "consensus_error_rate",
    "normal_damage_ratio",
    "normal_read_length",
    "normal_insert_size_mean",
    "normal_insert_size_sd",
    "normal_error_inflation",
    "ffpe_loci_per_mbp",
    "oriented_loci_per_mbp",
    "motif_loci_per_mbp",
    "hairpin_loci_per_mbp",
    "stray_per_mbp",
    "chimeras_per_mbp",
)
"""Written only where they are not as usual."""


class SimulationSettings(BaseModel):
    """Options of a simulated tumour/normal pair. Fractions are in 0..1, lengths and sizes in bp."""

    genome_length: int = Field(1_000_000, ge=5_000, description="bp of the random genome.")
    contigs: int = Field(1, ge=1, le=1000, description="contigs of the random genome, of equal length.")
    reference: Path | None = Field(None, description="FASTA to use instead of a random genome.")
    seed: int = Field(1, ge=0, description="same seed and options, same bytes.")
    tumor_depth: float = Field(40.0, gt=0, description="mean depth of the tumour, reads per base, before duplicates.")
    normal_depth: float = Field(30.0, gt=0, description="mean depth of the normal, reads per base, before duplicates.")
    purity: float = Field(0.75, gt=0, le=1, description="fraction of tumour cells in the tumour sample.")
    read_length: int = Field(100, ge=30, le=1000, description="bp of each mate.")
    insert_size_mean: float = Field(350.0, gt=0, description="mean fragment length.")
    insert_size_sd: float = Field(50.0, ge=0, description="standard deviation of the fragment length.")
    somatic_snvs: int = Field(400, ge=0, description="somatic single-base substitutions.")
    somatic_mnvs: int = Field(50, ge=0, description="somatic substitutions of 2-5 adjacent bases.")
    somatic_insertions: int = Field(200, ge=0, description="somatic insertions.")
    somatic_deletions: int = Field(200, ge=0, description="somatic deletions.")
    germline: int = Field(1000, ge=0, description="germline variants, two thirds of them heterozygous.")
    vaf_spectrum: Literal["uniform", "neutral"] = Field(
        "uniform", description="allele frequency in tumour cells: uniform on [min-vaf, 1], or density 1/f^2 on [min-vaf, 0.5]."
    )
    min_vaf: float = Field(0.05, gt=0, le=0.5, description="smallest planted allele frequency in tumour cells.")
    max_vaf: float = Field(1.0, gt=0, le=1, description="largest planted allele frequency in tumour cells.")
    min_indel_length: int = Field(1, ge=1, description="shortest somatic indel.")
    max_indel_length: int = Field(250, ge=1, description="longest somatic indel; lengths are log-uniform.")
    tandem_duplication_fraction: float = Field(
        0.3, ge=0, le=1, description="somatic insertions that repeat what precedes them."
    )
    neighbours: list[Literal[NeighbourKind, "all"]] = Field(
        default_factory=list,
        description="groups of variants to plant beside the isolated ones: an SNV with a somatic or germline SNV or an indel "
        "1-12 bp away, and more, or 'all'; the truth tells kind and number of each.",
    )
    neighbour_groups: int = Field(
        50, ge=1, description="groups of each kind of --neighbours; of pairs as many in cis and in trans."
    )
    copy_number_fraction: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of the genome, in segments of 50-200 kbp or an eighth, of which the tumour cells have lost a copy, "
        "lost one and doubled the other, or gained one or two; somatic variants are older or younger than a gain.",
    )
    segments: Path | None = Field(
        None,
        description="table of the tumour cells' copy numbers, instead of --copy-number-fraction: segments.tsv, or of "
        "ASCAT, FACETS, PURPLE, CNVkit or Sequenza; elsewhere there are two copies.",
    )
    genome_doubling: bool = Field(
        False,
        description="the tumour cells have doubled their genome: four copies, and segments of two to six with "
        "--copy-number-fraction.",
    )
    subclones: list[Annotated[float, Field(ge=LEAST_SUBCLONE, lt=1)]] = Field(
        default_factory=list,
        description="shares of the tumour cells that so many subclones make up, together 1 at most: half of the somatic "
        "variants and three of five changed segments are in all tumour cells, the others in one subclone each; --vaf-spectrum, "
        "--min-vaf and --max-vaf are without effect.",
    )
    population: bool = Field(
        False,
        description="all persons are of one population; its variants and their frequencies: germline-resource.vcf.gz.",
    )
    known_germline: float = Field(
        0.97, ge=0, le=1, description="share of a person's germline variants that the resource of --population has."
    )
    relative: bool = Field(
        False, description="a child of the person, sequenced like the normal: relative.bam; needs --population."
    )
    normals: int = Field(
        0,
        ge=0,
        le=1000,
        description="unrelated persons sequenced like the normal, with what artefacts its library has at places: normal-1.bam "
        "and on, for a panel of normals.",
    )
    contexts: int = Field(
        0, ge=0, le=100, description="unrelated persons sequenced like the tumour, at the normal's depth: context-1.bam and on."
    )
    normal_library: Literal["same", "other"] = Field(
        "same", description="library preparation of the normal; another has no hot spots of damage where the tumour has."
    )
    normal_damage_ratio: float = Field(
        1.0,
        ge=0,
        le=1,
        description="rate in the normal, over that in the tumour, of damage at certain places: 0 for blood beside a tumour in "
        "paraffin.",
    )
    normal_read_length: int | None = Field(None, ge=30, le=1000, description="bp of each mate of the normal, if it is another.")
    normal_insert_size_mean: float | None = Field(None, gt=0, description="mean fragment length of the normal, likewise.")
    normal_insert_size_sd: float | None = Field(None, ge=0, description="its standard deviation, likewise.")
    normal_error_inflation: float | None = Field(
        None, ge=0.1, le=10, description="real error rate of the normal over the one that qualities tell, likewise."
    )
    panel_targets: int = Field(
        0, ge=0, description="targets of a panel: only what lies over them is sequenced, to the depth asked for. 0: everything."
    )
    target_length: int = Field(300, ge=FEWEST_TARGET_BP, description="bp of each of --panel-targets.")
    targets: Path | None = Field(None, description="BED of the targets, instead of --panel-targets.")
    amplicons: bool = Field(
        False, description="each target is an amplicon, at whose ends all its fragments end; else fragments are captured."
    )
    consensus: Literal["none", "simplex", "duplex"] = Field(
        "none",
        description="reads are consensus of several with one UMI, of one or both strands, with qualities to 90 and the tags "
        "MI, RX, cD, cE (duplex: aD, bD, and the first read always forward).",
    )
    consensus_error_rate: float = Field(
        5e-6,
        ge=1e-6,
        le=2e-4,
        description="wrong bases of consensus reads; 45 % of them were in the molecule, and qualities don't tell.",
    )
    format: Literal["bam", "cram"] = Field("bam", description="format of the reads.")
    empty_sites: int = Field(200, ge=0, description="random candidate sites at which no read shows the allele.")
    artifacts: list[Literal[ArtifactName, "all"]] = Field(
        default_factory=list, description="artefacts to switch on at their documented strength, or 'all'."
    )
    damage_rate: float | None = Field(
        None,
        ge=0,
        le=0.1,
        description="oxidised G (G>T in read 1, C>A in read 2) and deaminated C (C>T in read 1), each per base and fragment; "
        "beside them 50 hot spots of each kind per Mbp at 5-20 % in both samples. [on: 0.0005]",
    )
    end_error_rate: float | None = Field(
        None,
        ge=0,
        le=0.5,
        description="errors at the last base of a read that qualities don't tell, over the last 8. [on: 0.04]",
    )
    slippage_rate: float | None = Field(
        None, ge=0, le=0.3, description="fragments that gain or lose units of a homopolymer of 14; less in shorter. [on: 0.06]"
    )
    paralogs_per_mbp: float | None = Field(
        None,
        ge=0,
        description="segments (500-1,000 bp) with a copy, 2-6 % diverged, that the reference lacks; in both samples. [on: 100]",
    )
    normal_contamination: float | None = Field(
        None, ge=0, lt=1, description="fraction of tumour cells in the normal sample. [on: 0.02]"
    )
    tumor_contamination: float | None = Field(
        None, ge=0, lt=1, description="fraction of another person's cells in the tumour sample. [on: 0.01]"
    )
    duplicate_fraction: float | None = Field(
        None, ge=0, lt=1, description="fragments sequenced twice, the second time marked as a duplicate. [on: 0.05]"
    )
    error_inflation: float | None = Field(
        None, ge=0.1, le=10, description="real error rate over the one that base qualities tell. [on: 2]"
    )
    ffpe_loci_per_mbp: float = Field(
        0.0, ge=0, description="places where 1-10 % of fragments show C>T, or G>A, whatever their orientation. [paraffin: 300]"
    )
    oriented_loci_per_mbp: float = Field(
        0.0,
        ge=0,
        description="places where 2-15 % of fragments show C>A or C>T, or G>T or G>A, all of one orientation. [much: 1500]",
    )
    motif_loci_per_mbp: float = Field(
        0.0,
        ge=0,
        description="GGT read as GGG in 5-30 % of reads of one strand, on either strand; in both samples. [much: 300]",
    )
    hairpin_loci_per_mbp: float = Field(
        0.0,
        ge=0,
        description="places where 3-15 % of reads begin 6-30 bp before 1-4 bases that are reverse complemented; in both "
        "samples. [much: 200]",
    )
    stray_per_mbp: float = Field(
        0.0, ge=0, description="segments (600-1,200 bp) where 1-6 % of the tumour's reads are another sample's. [much: 200]"
    )
    chimeras_per_mbp: float = Field(
        0.0, ge=0, description="places where 3-15 % of the tumour's molecules go on elsewhere in the genome. [much: 100]"
    )

    collapsed_paralogs_per_mbp: float = Field(
        0.0,
        ge=0,
        description="segments (1-5 kbp) with a copy, 1-3 % diverged, that the reference lacks: 20-50 % of the reads there are "
        "the copy's, in every sample of a person who has it, as this one and 20-100 % of others do. [much: 20]",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "SimulationSettings":
        if self.max_indel_length < self.min_indel_length:
            raise ValueError("--max-indel-length is below --min-indel-length")
        if self.max_vaf < self.min_vaf:
            raise ValueError("--max-vaf is below --min-vaf")
        if self.insert_size_mean < self.read_length:
            raise ValueError("--insert-size-mean is below --read-length")
        if (self.normal_insert_size_mean or self.insert_size_mean) < (self.normal_read_length or self.read_length):
            raise ValueError("--normal-insert-size-mean is below --normal-read-length")
        if self.targets is not None and self.panel_targets:
            raise ValueError("--targets and --panel-targets: give one of them")
        if self.amplicons and not self.has_targets:
            raise ValueError("--amplicons needs --panel-targets or --targets")
        if self.amplicons and self.panel_targets and self.target_length < self.read_length:
            raise ValueError("--target-length is below --read-length")
        if self.copy_number_fraction and self.neighbours:
            raise ValueError("--copy-number-fraction: not with --neighbours, whose haplotypes it would change")
        if self.has_copy_numbers and self.neighbours:
            raise ValueError(
                "--segments, --genome-doubling, --subclones: not with --neighbours, whose copies they would change"
            )
        if self.segments is not None and (self.copy_number_fraction or self.genome_doubling):
            raise ValueError("--segments tells all copy numbers: not with --copy-number-fraction or --genome-doubling")
        if sum(self.subclones) > 1 + 1e-9:
            raise ValueError("--subclones: shares of the tumour cells are 1 at most together")
        if self.relative and not self.population:
            raise ValueError("--relative needs --population")
        if self.reference is None and self.genome_length // self.contigs < 5_000:
            raise ValueError("--contigs: each contig needs at least 5000 bp of --genome-length")
        return self

    @model_serializer(mode="wrap")
    def _without_unused(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Nothing of what is not used: outputs stay as they were before there was this option."""
        values: dict[str, Any] = handler(self)
        fields = type(self).model_fields
        unused = {name for name in REGIME_OPTIONS if getattr(self, name) == fields[name].get_default(call_default_factory=True)}
        unused |= set() if self.neighbours else set(NEIGHBOUR_OPTIONS)
        unused |= set() if self.panel_targets else {"target_length"}
        unused |= set() if self.population else {"known_germline"}
        unused |= {"consensus_error_rate"} if self.consensus == "none" else set()
        return {name: value for name, value in values.items() if name not in unused}

    @property
    def has_targets(self) -> bool:
        """Whether only some places are sequenced."""
        return self.targets is not None or self.panel_targets > 0

    @property
    def has_copy_numbers(self) -> bool:
        """Whether tumour cells differ in their copy number from normal ones, or from each other."""
        return self.segments is not None or self.copy_number_fraction > 0 or self.genome_doubling or bool(self.subclones)

    def kinds_of_neighbours(self) -> list[NeighbourKind]:
        """The chosen kinds, in the order of `NeighbourKind`, whatever the order in which they were given."""
        return [kind for kind in get_args(NeighbourKind) if kind in self.neighbours or "all" in self.neighbours]

    def strength(self, artifact: ArtifactName) -> float:
        """Strength of an artefact: as chosen, else the documented one if switched on, else the value that means off."""
        field, on, off = ARTIFACT_STRENGTHS[artifact]
        chosen = getattr(self, field)
        if chosen is not None:
            return float(chosen)
        return on if artifact in self.artifacts or "all" in self.artifacts else off
