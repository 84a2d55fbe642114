"""The whole simulation: genome -> variants -> molecules -> reads of both samples -> candidates and truth, in one folder.

Every step has its own random stream, spawned from the seed; reads are made in chunks whose number depends on the options
alone, so the bytes don't depend on the number of processes.
"""

import logging
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from varproof.formats.json_file import write_json
from varproof.machinery.errors import UserError
from varproof.machinery.output import folder_complete_or_absent, provenance
from varproof.machinery.workers import ordered_results
from varproof.simulation import artifacts as artefact
from varproof.simulation.alignment import build_index, merge_bams, sam_header, write_sorted_bam
from varproof.simulation.copies import Copy, Molecules, molecules
from varproof.simulation.genome import (
    Genome,
    RepeatTracts,
    random_bases,
    random_genome,
    read_genome,
    repeat_tracts,
    write_fasta,
)
from varproof.simulation.neighbours import plant_neighbours
from varproof.simulation.pileup import alleles_in_reads
from varproof.simulation.reads import ReadModel, ReadPairs, simulate_reads, tract_positions
from varproof.simulation.settings import SimulationSettings
from varproof.simulation.tables import TruthRecord, write_candidates, write_truth
from varproof.simulation.variants import SPACING_BP, Placement, PlantedVariant, plant_variants
from varproof.variants.edit import Edit

logger = logging.getLogger(__name__)

TUMOR_COPIES = 200
MIN_CANDIDATE_READS = 2
_CHUNK_FRAGMENTS = 20_000
_MAX_CHUNKS = 200
_CONTEXT = "context-{}"
_STREAM_OF_GROUPS = (1 << 20,)
"""Far from the streams of the steps, whose number depends on how many persons there are."""


class SimulationSummary(BaseModel):
    """simulation.json: the options, and what came of them."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal["varproof/simulation/1"] = Field(default="varproof/simulation/1", alias="schema")
    settings: SimulationSettings = Field(description="of simulate-pair")
    planted: dict[str, int] = Field(description="variants by event and type")
    candidates: dict[str, int] = Field(description="alleles with reads enough, by type; empty: places without a variant")
    artifact_alleles: dict[str, int] = Field(description="alleles that only artefacts make, by kind")
    read_pairs: dict[str, int] = Field(description="by sample")
    duplicate_pairs: dict[str, int] = Field(description="of them copies of another, by sample")


@dataclass
class Truth:
    """Everything that is decided before the first read."""

    planted: list[PlantedVariant]
    artifacts: list[artefact.LabelledAllele]
    molecules: Molecules
    weights: dict[str, NDArray[np.float64]]
    model: ReadModel


class ChunkTask(NamedTuple):
    """One chunk of one sample."""

    sample: str
    number: int
    fragments: int
    seed: np.random.SeedSequence
    path: Path


class ChunkResult(NamedTuple):
    """What the parent needs of a chunk beside its BAM: counts, and the tumour's artefact events."""

    task: ChunkTask
    pairs: int
    duplicates: int
    events: tuple[NDArray[Any], ...]


def decide_truth(genome: Genome, settings: SimulationSettings, seeds: list[np.random.SeedSequence]) -> Truth:
    """Variants, artefact loci, copies and their weights in each sample, and the read model (two random streams).

    Groups of neighbours have a third stream, which depends on the seed of the settings alone.
    """
    placement = Placement(genome, np.random.default_rng(seeds[0]))
    planted, other_person = plant_variants(settings, TUMOR_COPIES, placement)
    of_groups = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=_STREAM_OF_GROUPS))
    planted = sorted(
        [*planted, *plant_neighbours(genome, settings, TUMOR_COPIES, placement, of_groups)], key=lambda variant: variant.allele
    )
    rng = np.random.default_rng(seeds[1])
    loci = [artefact.LabelledAllele(allele, "tumor_contamination") for allele in other_person]

    tracts = RepeatTracts(*(np.empty(0, dtype=np.int64) for _ in range(3)))
    if slippage := settings.strength("slippage"):
        tracts = repeat_tracts(genome)
    oxidation = deamination = artefact.no_hot_spots()
    if damage := settings.strength("damage"):
        oxidation = artefact.hot_spots(genome, b"CG", rng)
        deamination = artefact.hot_spots(genome, b"CG", rng)
        loci += artefact.hot_spot_alleles(genome, oxidation, {b"G": b"T", b"C": b"A"}, "oxidation")
        loci += artefact.hot_spot_alleles(genome, deamination, {b"C": b"T", b"G": b"A"}, "deamination")
    paralogs = artefact.paralogs(genome, settings.strength("paralogs"), rng)
    for allele in paralogs.alleles:
        if not artefact.near_edge(genome, allele):
            loci.append(artefact.LabelledAllele(artefact.normalised(genome, allele), "paralog"))

    alleles = [variant.allele for variant in planted] + other_person
    carried = [[i for i, variant in enumerate(planted) if haplotype in variant.haplotypes] for haplotype in (0, 1)]
    tumor_carried: list[list[int]] = [[] for _ in range(TUMOR_COPIES)]
    for i, variant in enumerate(planted):
        for copy in variant.copies.tolist():
            tumor_carried[copy].append(i)
    other = np.arange(len(planted), len(alleles))
    homozygous = rng.random(len(other)) < 1 / 3
    first_only = rng.random(len(other)) < 0.5
    of_other = [other[homozygous | first_only].tolist(), other[homozygous | ~first_only].tolist()]
    copies = [Copy(0, len(genome), np.array(indices, dtype=np.int64)) for indices in [*tumor_carried, *carried, *of_other]]
    copies += [Copy(copy.first, copy.last, copy.alleles + len(alleles)) for copy in paralogs.copies]

    weights = {}
    stranger, in_normal = settings.strength("tumor-contamination"), settings.strength("normal-contamination")
    for sample, tumor, other_cells in (("tumor", settings.purity * (1 - stranger), stranger), ("normal", in_normal, 0.0)):
        weights[sample] = np.concatenate(
            [
                np.full(TUMOR_COPIES, tumor / TUMOR_COPIES),
                np.full(2, (1 - tumor - other_cells) / 2),
                np.full(2, other_cells / 2),
                np.array(paralogs.weights),
            ]
        )
    model = ReadModel(
        settings.read_length,
        settings.insert_size_mean,
        settings.insert_size_sd,
        settings.strength("duplicates"),
        settings.strength("quality-overstated"),
        settings.strength("end-errors"),
        damage,
        oxidation,
        deamination,
        tracts,
        artefact.slippage_rates(tracts, slippage),
    )
    return Truth(planted, loci, molecules(alleles + paralogs.alleles, copies), weights, model)


def decide_contexts(
    genome: Genome, settings: SimulationSettings, library: np.random.SeedSequence, persons: list[np.random.SeedSequence]
) -> list[Truth]:
    """Unrelated persons, each with a seed of their own, sequenced with the tumour's library: the same artefact loci."""
    nothing_somatic = {"somatic_snvs": 0, "somatic_mnvs": 0, "somatic_insertions": 0, "somatic_deletions": 0, "neighbours": []}
    own = settings.model_copy(update={**nothing_somatic, "normal_contamination": 0.0, "tumor_contamination": 0.0})
    return [decide_truth(genome, own, [person, library]) for person in persons]


class SampleTruth(NamedTuple):
    """What a sample's reads are drawn from: weights of the molecules, and how they are read."""

    molecules: Molecules
    weights: NDArray[np.float64]
    model: ReadModel


def _samples(settings: SimulationSettings, truth: Truth, contexts: list[Truth]) -> dict[str, SampleTruth]:
    normal = truth.model
    if settings.normal_library == "other":
        normal = replace(
            normal,
            hot_oxidation=np.zeros_like(normal.hot_oxidation),
            hot_deamination=np.zeros_like(normal.hot_deamination),
        )
    samples = {
        "tumor": SampleTruth(truth.molecules, truth.weights["tumor"], truth.model),
        "normal": SampleTruth(truth.molecules, truth.weights["normal"], normal),
    }
    for number, other in enumerate(contexts, 1):
        samples[_CONTEXT.format(number)] = SampleTruth(other.molecules, other.weights["normal"], other.model)
    return samples


class ChunkMaker:
    """Makes one chunk after the other in one process: reads, alignment, sorted BAM."""

    def __init__(self, genome: Genome, samples: dict[str, SampleTruth], index: Path) -> None:
        self.genome, self.samples = genome, samples
        model = samples["tumor"].model
        self.tract_at = tract_positions(len(genome), model.tracts)
        self.max_fragment = max(800, round(model.insert_size_mean + 10 * model.insert_size_sd))
        self.index = index

    def reads(self, task: ChunkTask) -> ReadPairs:
        """The chunk's read pairs."""
        sample = self.samples[task.sample]
        return simulate_reads(
            self.genome.bases,
            self.genome.starts,
            sample.molecules,
            sample.weights,
            sample.model,
            self.tract_at,
            task.fragments,
            np.random.default_rng(task.seed),
        )

    def run(self, task: ChunkTask) -> ChunkResult:
        """Make the chunk and write its BAM."""
        pairs = self.reads(task)
        person = task.sample.partition("-")[2]
        prefix = f"{task.sample[0]}{person and person + '.'}{task.number}:"
        header = sam_header(self.genome, task.sample)
        write_sorted_bam(pairs, self.index, header, task.sample, prefix, self.max_fragment, task.path)
        events: tuple[NDArray[Any], ...] = ()
        if task.sample == "tumor":
            events = (pairs.event_position, pairs.event_base, pairs.event_kind, pairs.slip_tract, pairs.slip_units)
        return ChunkResult(task, len(pairs.bases), int(pairs.duplicate.sum()), events)


def _tasks(
    settings: SimulationSettings, samples: dict[str, SampleTruth], seeds: list[np.random.SeedSequence], folder: Path
) -> list[ChunkTask]:
    tasks = []
    for (sample, truth), seed in zip(samples.items(), seeds, strict=True):
        depth = settings.tumor_depth if sample == "tumor" else settings.normal_depth
        bases = float((truth.weights * truth.molecules.length).sum())
        fragments = max(1, round(depth * bases / (2 * settings.read_length)))
        size = max(_CHUNK_FRAGMENTS, -(-fragments // _MAX_CHUNKS))
        for number, child in enumerate(seed.spawn(-(-fragments // size))):
            part = min(size, fragments - number * size)
            tasks.append(ChunkTask(sample, number, part, child, folder / f"{sample}.{number}.bam"))
    return tasks


def empty_sites(genome: Genome, number: int, shown: Callable[[Edit], bool], rng: np.random.Generator) -> list[Edit]:
    """Random alleles (70 % SNVs, else indels of 1-5 bp) for which `shown` is false."""
    found: set[Edit] = set()
    for _ in range(number * 20):
        if len(found) == number:
            break
        start, size = int(rng.integers(SPACING_BP, len(genome) - SPACING_BP)), int(rng.integers(1, 6))
        kind, base = rng.random(), random_bases(size, 0.42, rng).tobytes()
        if kind < 0.7:
            allele = Edit(start, start + 1, base[:1])
        elif kind < 0.85:
            allele = Edit(start, start, base)
        else:
            allele = Edit(start, start + size, b"")
        window = genome.text[start - SPACING_BP : start + SPACING_BP]
        contig = genome.contig_of(start)
        at_edge = start < genome.starts[contig] + SPACING_BP or start + SPACING_BP > genome.starts[contig + 1]
        if b"N" in window or at_edge or allele.alt == genome.text[start : start + 1]:
            continue
        allele = artefact.normalised(genome, allele)
        if not shown(allele):
            found.add(allele)
    return sorted(found)


def simulate_pair(settings: SimulationSettings, output: Path, workers: int = 1) -> SimulationSummary:
    """Write the folder `output`: reference, both samples, candidates, truth, simulation.json; complete or not at all."""
    with folder_complete_or_absent(output) as folder:
        seeds = np.random.SeedSequence(settings.seed).spawn(6 + 2 * settings.contexts)
        if settings.reference is not None:
            genome = read_genome(settings.reference)
        else:
            genome = random_genome(settings.genome_length, settings.contigs, np.random.default_rng(seeds[0]))
        needed = round(settings.insert_size_mean + 4 * settings.insert_size_sd)
        if max(genome.lengths()) < needed:
            raise UserError(f"{settings.reference}: no contig is as long as a fragment; {needed} bp are needed")
        reference = folder / "reference.fa"
        write_fasta(genome, reference)
        truth = decide_truth(genome, settings, seeds[1:3])
        samples = _samples(settings, truth, decide_contexts(genome, settings, seeds[2], seeds[6::2]))
        logger.info("%d bp of genome, %d planted variants", len(genome), len(truth.planted))

        chunks = folder / "chunks"
        chunks.mkdir()
        index = chunks / "reference.mmi"
        build_index(reference, index)
        tasks = _tasks(settings, samples, [*seeds[3:5], *seeds[7::2]], chunks)
        counts = artefact.ArtifactCounts()
        read_pairs, duplicates = Counter(dict.fromkeys(samples, 0)), Counter(dict.fromkeys(samples, 0))
        results = ordered_results(lambda: ChunkMaker(genome, samples, index).run, tasks, min(workers, len(tasks)))
        for done, result in enumerate(results, 1):
            read_pairs[result.task.sample] += result.pairs
            duplicates[result.task.sample] += result.duplicates
            if result.events:
                counts.add(*result.events)
            logger.info("reads: %d/%d chunks", done, len(tasks))
        for sample in samples:
            parts = [task.path for task in tasks if task.sample == sample]
            merge_bams(parts, folder / f"{sample}.{settings.format}", genome)
        shutil.rmtree(chunks)

        summary = _write_tables(settings, genome, truth, counts, folder, np.random.default_rng(seeds[5]))
        summary.read_pairs, summary.duplicate_pairs = dict(read_pairs), dict(duplicates)
        write_json(folder / "simulation.json", summary)
    logger.info("%s: %d candidates", output, sum(summary.candidates.values()))
    return summary


def _write_tables(
    settings: SimulationSettings,
    genome: Genome,
    truth: Truth,
    counts: artefact.ArtifactCounts,
    folder: Path,
    rng: np.random.Generator,
) -> SimulationSummary:
    planted = {variant.allele: variant for variant in truth.planted}
    shown = alleles_in_reads(folder / f"tumor.{settings.format}", genome, reference=folder / "reference.fa")
    candidates = set(planted) | {allele for allele, number in shown.items() if number >= MIN_CANDIDATE_READS}
    kinds = artefact.joined_kinds(truth.artifacts, counts.labelled(genome, truth.model.tracts), candidates)
    logger.info("%d alleles with at least %d reads", len(candidates), MIN_CANDIDATE_READS)

    unlisted = {variant.allele for variant in truth.planted if variant.group and not variant.group.listed}

    def known(allele: Edit) -> bool:
        return allele in candidates or allele in shown or allele in kinds

    empty = empty_sites(genome, settings.empty_sites, known, rng)
    records = [
        TruthRecord(v.allele, v.event, v.frequency, v.tandem, kinds.get(v.allele), v.group) for v in truth.planted
    ]  # a planted variant keeps its event where an artefact makes the same allele
    records += [TruthRecord(allele, "ARTIFACT", None, False, kind) for allele, kind in kinds.items() if allele not in planted]
    line = provenance("simulate-pair", settings)
    write_candidates(folder / "candidates.vcf.gz", genome, candidates - unlisted | set(empty), line)
    write_truth(folder / "truth.vcf.gz", genome, records, line, groups=bool(settings.neighbours))
    return SimulationSummary(
        settings=settings,
        planted=dict(sorted(Counter(f"{v.event}:{v.allele.type.value}" for v in truth.planted).items())),
        candidates=dict(sorted(Counter(allele.type.value for allele in candidates - unlisted).items())) | {"empty": len(empty)},
        artifact_alleles=dict(sorted(Counter(r.artifact_kind or "" for r in records if r.event == "ARTIFACT").items())),
        read_pairs={},
        duplicate_pairs={},
    )
