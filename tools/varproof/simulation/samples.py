"""Reads of any samples with a known truth: genomes that descend from each other, and samples that are mixtures of them.

A genome is what a kind of cells has: two haplotypes with their alleles. People are founders or children, who have a haplotype
of each parent on every contig and new variants; clones are the cells of a person or of another clone with somatic variants of
their own. A sample has fractions of genomes: of clones that grow together, of healthy cells, of another person.
The command simulate-pair makes one tumour and one normal; this is what tests and benchmarks of scenarios are made with.
"""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varproof.formats.vcf import VcfWriter
from varproof.machinery.errors import UserError
from varproof.machinery.output import folder_complete_or_absent
from varproof.machinery.workers import ordered_results
from varproof.simulation.alignment import build_index, merge_bams
from varproof.simulation.copies import Copy, molecules
from varproof.simulation.deciding import SampleTruth, decide_truth
from varproof.simulation.genome import Genome, random_genome, read_genome, write_fasta
from varproof.simulation.pair import MIN_CANDIDATE_READS, ChunkMaker, chunk_tasks, empty_sites
from varproof.simulation.pileup import alleles_in_reads
from varproof.simulation.settings import SimulationSettings
from varproof.simulation.tables import place_of, sorted_alleles, vcf_header, write_candidates
from varproof.simulation.variants import Placement, germline_alleles
from varproof.variants.edit import Edit

logger = logging.getLogger(__name__)

GERMLINE, DENOVO, SOMATIC = "GERMLINE", "DENOVO", "SOMATIC"
"""What a variant is by where it arose: in a founder, in a child, in a clone."""

_HOMOZYGOUS = 1 / 3
_TRUTH_FIELDS = (
    ("EVENT", "1", "String", "GERMLINE, DENOVO or SOMATIC, by where it arose"),
    ("ORIGIN", "1", "String", "Genome in which it arose"),
    ("CLASS", "1", "String", "snv, mnv, insertion or deletion"),
    ("SAMPLE_AF", "1", "String", "Allele frequency in each sample, as planted: sample=frequency, joined by |"),
)


class Mixture(NamedTuple):
    """A sample: the fraction of each genome among its cells, together 1, and its mean depth, reads per base."""

    fractions: Mapping[str, float]
    depth: float


class Origin(NamedTuple):
    """Where an allele arose, and what that makes it."""

    genome: str
    event: str


@dataclass
class Descent:
    """Genomes that descend from each other, each made by one of the methods; draws alleles where there is room.

    `haplotypes`: of each genome the indices of its alleles on both; `origins`: of each allele.
    """

    genome: Genome
    rng: np.random.Generator
    alleles: list[Edit] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    haplotypes: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._placement = Placement(self.genome, self.rng)

    def founder(self, name: str, variants: int) -> None:
        """A person without parents here, with germline variants of their own, a third of them homozygous."""
        drawn = self._drawn(name, GERMLINE, germline_alleles(variants, self._placement, self.rng))
        both = self.rng.random(variants) < _HOMOZYGOUS
        first = self.rng.random(variants) < 0.5
        self.haplotypes[name] = (drawn[both | first], drawn[both | ~first])

    def child(self, name: str, mother: str, father: str, variants: int) -> None:
        """A child of two people, with new heterozygous variants; each contig comes whole from one haplotype of a parent."""
        handed = []
        for parent in (mother, father):
            side = self.rng.integers(2, size=len(self.genome.names))
            own = [np.array([i for i in part.tolist() if side[self._contig(i)] == number], np.int64)
                   for number, part in enumerate(self.haplotypes[parent])]  # fmt: skip
            handed.append(np.concatenate(own))
        drawn = self._drawn(name, DENOVO, [self._placement.draw("snv", 1, 2 / 3) for _ in range(variants)])
        self.haplotypes[name] = self._with(handed[0], handed[1], drawn)

    def clone(self, name: str, parent: str, snvs: int, indels: int = 0) -> None:
        """Cells of a person, or of another clone, with somatic variants of their own, each on one haplotype."""
        found = [self._placement.draw("snv", 1) for _ in range(snvs)]
        for _ in range(indels):
            kind = "insertion" if self.rng.random() < 0.5 else "deletion"
            found.append(self._placement.draw(kind, 1 + int(self.rng.integers(10))))
        first, second = self.haplotypes[parent]
        self.haplotypes[name] = self._with(first, second, self._drawn(name, SOMATIC, found))

    def frequencies(self, mixture: Mixture) -> NDArray[np.float64]:
        """(alleles,): frequency of each in a sample."""
        found = np.zeros(len(self.alleles))
        for name, fraction in mixture.fractions.items():
            for part in self.haplotypes[name]:
                found[part] += 0.5 * fraction
        return found

    def _contig(self, allele: int) -> int:
        return self.genome.contig_of(self.alleles[allele].start)

    def _drawn(self, name: str, event: str, alleles: list[Edit]) -> NDArray[np.int64]:
        if name in self.haplotypes:
            raise UserError(f"two genomes are called {name}")
        first = len(self.alleles)
        self.alleles += alleles
        self.origins += [Origin(name, event)] * len(alleles)
        return np.arange(first, len(self.alleles), dtype=np.int64)

    def _with(
        self, first: NDArray[np.int64], second: NDArray[np.int64], new: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        on_first = self.rng.random(len(new)) < 0.5
        return np.concatenate([first, new[on_first]]), np.concatenate([second, new[~on_first]])


def started(settings: SimulationSettings) -> Descent:
    """A genome, random or that of the settings, in which no variants are yet; the stream of variants is that of the seed."""
    seeds = _streams(settings, 0)
    if settings.reference is not None:
        genome = read_genome(settings.reference)
    else:
        genome = random_genome(settings.genome_length, settings.contigs, np.random.default_rng(seeds[0]))
    return Descent(genome, np.random.default_rng(seeds[1]))


def _streams(settings: SimulationSettings, samples: int) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence(settings.seed).spawn(5 + samples)


def simulate_samples(
    settings: SimulationSettings, descent: Descent, samples: Mapping[str, Mixture], output: Path, workers: int = 1
) -> None:
    """Write a folder: reference, the reads of each sample, candidates (planted, and what two reads of a sample show), truth.

    `settings`: lengths, errors and artefacts of reads, empty sites and the seed; what they say of variants and depths is not
    used. Complete or not at all, the same bytes with any number of `workers`. Raises UserError for fractions that are not 1
    together, and for unknown genomes.
    """
    for name, mixture in samples.items():
        unknown = [one for one in mixture.fractions if one not in descent.haplotypes]
        if unknown:
            raise UserError(f"sample {name}: {unknown[0]} is none of the genomes ({', '.join(descent.haplotypes)})")
        if min(mixture.fractions.values()) < 0 or abs(sum(mixture.fractions.values()) - 1.0) > 1e-9:
            raise UserError(
                f"sample {name}: the fractions of its genomes are {sum(mixture.fractions.values()):g} together, not 1"
            )
    genome, seeds = descent.genome, _streams(settings, len(samples))
    truths = _truths(settings, descent, samples, seeds[2:4])
    with folder_complete_or_absent(output) as folder:
        write_fasta(genome, folder / "reference.fa")
        chunks = folder / "chunks"
        chunks.mkdir()
        index = chunks / "reference.mmi"
        build_index(folder / "reference.fa", index)
        depths = {name: mixture.depth for name, mixture in samples.items()}
        tasks = chunk_tasks(depths, truths, seeds[5:], chunks)
        for _ in ordered_results(lambda: ChunkMaker(genome, truths, index).run, tasks, min(workers, len(tasks))):
            pass
        for name in samples:
            merge_bams([task.path for task in tasks if task.sample == name], folder / f"{name}.bam", genome)
        shutil.rmtree(chunks)
        _write_tables(settings, descent, samples, folder, np.random.default_rng(seeds[4]))
    logger.info("%s: %d samples of %d genomes", output, len(samples), len(descent.haplotypes))


def _truths(
    settings: SimulationSettings, descent: Descent, samples: Mapping[str, Mixture], seeds: list[np.random.SeedSequence]
) -> dict[str, SampleTruth]:
    """What reads are drawn from: two copies of each genome, and their weights in each sample."""
    without = dict.fromkeys(("somatic_snvs", "somatic_mnvs", "somatic_insertions", "somatic_deletions", "germline"), 0)
    model = decide_truth(descent.genome, settings.model_copy(update=without), seeds).model
    copies = [Copy(0, len(descent.genome), part) for pair in descent.haplotypes.values() for part in pair]
    flat = molecules(descent.alleles, copies)
    found = {}
    for name, mixture in samples.items():
        weights = np.repeat([0.5 * mixture.fractions.get(one, 0.0) for one in descent.haplotypes], 2)
        found[name] = SampleTruth(flat, weights, model)
    return found


def _write_tables(
    settings: SimulationSettings, descent: Descent, samples: Mapping[str, Mixture], folder: Path, rng: np.random.Generator
) -> None:
    genome, by_allele = descent.genome, {allele: number for number, allele in enumerate(descent.alleles)}
    in_reads: dict[Edit, int] = {}
    for name in samples:
        for allele, number in alleles_in_reads(folder / f"{name}.bam", genome, reference=folder / "reference.fa").items():
            in_reads[allele] = max(number, in_reads.get(allele, 0))
    frequencies = {name: descent.frequencies(mixture) for name, mixture in samples.items()}
    sampled = {allele for allele, number in by_allele.items() if any(values[number] > 0 for values in frequencies.values())}
    candidates = sampled | {allele for allele, number in in_reads.items() if number >= MIN_CANDIDATE_READS}
    empty = empty_sites(genome, settings.empty_sites, lambda one: one in candidates or one in in_reads, rng)
    line = "simulate-samples"
    write_candidates(folder / "candidates.vcf.gz", genome, candidates | set(empty), line)
    with VcfWriter(folder / "truth.vcf.gz", vcf_header(genome, line, _TRUTH_FIELDS)) as writer:
        for allele in sorted_alleles(genome, sampled):
            contig, start, ref, alt = place_of(genome, allele)
            record = writer.new_record(contig=contig, start=start, alleles=(ref, alt))
            origin = descent.origins[by_allele[allele]]
            record.info["EVENT"], record.info["ORIGIN"] = origin.event, origin.genome
            record.info["CLASS"] = allele.type.value
            told = [f"{name}={values[by_allele[allele]]:.4g}" for name, values in frequencies.items()]
            record.info["SAMPLE_AF"] = "|".join(told)
            writer.write(record)
