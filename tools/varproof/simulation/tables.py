"""truth.vcf.gz, candidates.vcf.gz, germline-resource.vcf.gz, targets.bed."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pysam

from varproof.formats.vcf import VcfWriter
from varproof.simulation.genome import Genome
from varproof.simulation.variants import CopyState, Group
from varproof.variants.edit import Edit

_TRUTH_FIELDS = (
    ("EVENT", "1", "String", "What it is: SOMATIC_TUMOR, GERMLINE_HET, GERMLINE_HOM or ARTIFACT"),
    ("AF", "A", "Float", "Allele frequency in the tumour cells, as planted"),
    ("CLASS", "1", "String", "snv, mnv, insertion or deletion"),
    ("TANDEM", "0", "Flag", "Insertion that repeats the sequence before it"),
    ("ARTIFACT_KIND", "1", "String", "Artefacts that make this allele, joined by '&'"),
)
_GROUP_FIELDS = (
    ("CLASS", "1", "String", "snv, mnv, insertion, deletion or replacement"),
    ("GROUP", "1", "String", "Kind of the group of neighbours that it is planted in"),
    ("GROUP_ID", "1", "Integer", "Number of this group"),
    ("HAPLOTYPE", "1", "Integer", "Haplotype that carries it, 1 or 2, within its group"),
    ("UNLISTED", "0", "Flag", "The candidates lack it, on purpose"),
)
"""Of a truth with groups, beside or in place of those above."""

_STATE_FIELDS = (
    ("COPY_NUMBER", "1", "Integer", "Copies that most tumour cells have of the place"),
    ("MINOR_COPY_NUMBER", "1", "Integer", "Of them those of the haplotype that they have fewer of"),
    ("AFTER_GAIN", "0", "Flag", "Somatic variant that is younger than the gain, and on one of the copies"),
    ("CCF", "1", "Float", "Share of the tumour cells that carry it"),
    ("MULTIPLICITY", "1", "Float", "Copies of it that a tumour cell has which carries it, on average"),
)
_CLONE_FIELDS = (
    ("CLONE", "1", "Integer", "Subclone that it is of, 0 for all tumour cells"),
    ("MEAN_COPY_NUMBER", "1", "Float", "Copies that an average tumour cell has of the place"),
)
"""Of a truth with changed copy numbers, and with subclones."""

_POPULATION_FIELD = ("POPULATION_AF", "1", "Float", "Frequency in the population, if the germline resource has it")
_RESOURCE_FIELD = ("AF", "A", "Float", "Allele frequency in the population")


class TruthRecord(NamedTuple):
    """A record of truth.vcf.gz."""

    allele: Edit
    event: str
    frequency: float | None
    tandem: bool
    artifact_kind: str | None
    group: Group | None = None
    state: CopyState | None = None


def vcf_header(genome: Genome, provenance: str, fields: Iterable[tuple[str, str, str, str]] = ()) -> pysam.VariantHeader:
    """Header with contigs, provenance, and INFO fields (name, number, type, description)."""
    header = pysam.VariantHeader()
    header.add_line(f"##simulate-pair={provenance}")
    for name, length in zip(genome.names, genome.lengths(), strict=True):
        header.contigs.add(name, length=length)
    for name, number, kind, description in fields:
        header.info.add(name, number, kind, description)
    return header


def place_of(genome: Genome, allele: Edit) -> tuple[str, int, str, str]:
    """(contig, 0-based position in it, REF, ALT) as VCF writes it, indels with the base before them."""
    start = allele.start if allele.end > allele.start and allele.alt else allele.start - 1
    contig = genome.contig_of(allele.start)
    ref = genome.text[start : allele.end]
    alt = genome.text[start : allele.start] + allele.alt
    return genome.names[contig], start - int(genome.starts[contig]), ref.decode(), alt.decode()


def sorted_alleles(genome: Genome, alleles: Iterable[Edit]) -> list[Edit]:
    """In the order of a VCF."""

    def key(allele: Edit) -> tuple[int, int, str, str]:
        _, position, ref, alt = place_of(genome, allele)
        return genome.contig_of(allele.start), position, ref, alt

    return sorted(alleles, key=key)


def write_candidates(path: Path, genome: Genome, alleles: Iterable[Edit], provenance: str) -> None:
    """Sites without labels."""
    with VcfWriter(path, vcf_header(genome, provenance)) as writer:
        for allele in sorted_alleles(genome, alleles):
            contig, start, ref, alt = place_of(genome, allele)
            writer.write(writer.new_record(contig=contig, start=start, alleles=(ref, alt)))


def write_resource(path: Path, genome: Genome, frequencies: Mapping[Edit, float], provenance: str) -> None:
    """Sites of a population, one record for each allele, with its frequency."""
    with VcfWriter(path, vcf_header(genome, provenance, [_RESOURCE_FIELD])) as writer:
        for allele in sorted_alleles(genome, frequencies):
            contig, start, ref, alt = place_of(genome, allele)
            info = {"AF": float(f"{frequencies[allele]:.4g}")}
            writer.write(writer.new_record(contig=contig, start=start, alleles=(ref, alt), info=info))


def write_targets(path: Path, genome: Genome, intervals: Iterable[tuple[int, int]]) -> None:
    """BED of intervals of the genome, each within a contig."""
    with path.open("w") as handle:
        for first, last in intervals:
            contig = genome.contig_of(first)
            start = int(genome.starts[contig])
            handle.write(f"{genome.names[contig]}\t{first - start}\t{last - start}\n")


def write_truth(
    path: Path,
    genome: Genome,
    records: Iterable[TruthRecord],
    provenance: str,
    *,
    groups: bool = False,
    states: bool = False,
    clones: bool = False,
    frequencies: Mapping[Edit, float] | None = None,
) -> None:
    """All that is known about each allele; alleles are distinct. Fields of groups, copy numbers, subclones if asked for;
    `frequencies`: those in the population, of those that the resource has.
    """
    by_allele = {record.allele: record for record in records}
    used = (_TRUTH_FIELDS, _GROUP_FIELDS if groups else (), _STATE_FIELDS if states else (), _CLONE_FIELDS if clones else ())
    fields = {field[0]: field for own in used for field in own}
    if frequencies is not None:
        fields[_POPULATION_FIELD[0]] = _POPULATION_FIELD
    with VcfWriter(path, vcf_header(genome, provenance, fields.values())) as writer:
        for allele in sorted_alleles(genome, by_allele):
            known = by_allele[allele]
            contig, start, ref, alt = place_of(genome, allele)
            record = writer.new_record(contig=contig, start=start, alleles=(ref, alt))
            record.info["EVENT"] = known.event
            record.info["CLASS"] = allele.type.value
            if known.frequency is not None:
                record.info["AF"] = known.frequency
            if frequencies and known.event.startswith("GERMLINE") and allele in frequencies:
                record.info["POPULATION_AF"] = float(f"{frequencies[allele]:.4g}")
            if known.tandem:
                record.info["TANDEM"] = True
            if known.artifact_kind:
                record.info["ARTIFACT_KIND"] = known.artifact_kind
            if known.group:
                record.info["GROUP"], record.info["GROUP_ID"] = known.group.kind, known.group.number
                record.info["HAPLOTYPE"] = known.group.haplotype + 1
                if not known.group.listed:
                    record.info["UNLISTED"] = True
            if known.state:
                record.info["COPY_NUMBER"], record.info["MINOR_COPY_NUMBER"] = known.state.total, known.state.minor
                if known.state.only is not None:
                    record.info["AFTER_GAIN"] = True
                record.info["CCF"], record.info["MULTIPLICITY"] = known.state.cell_fraction, known.state.multiplicity
                if known.state.clone is not None:
                    record.info["CLONE"], record.info["MEAN_COPY_NUMBER"] = known.state.clone
            writer.write(record)
