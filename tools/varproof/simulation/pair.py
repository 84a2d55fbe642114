"""The whole simulation: genome -> variants -> molecules -> reads of both samples -> candidates and truth, in one folder.

Every step has its own random stream, spawned from the seed; reads are made in chunks whose number depends on the options
alone, so the bytes don't depend on the number of processes.
"""

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from varproof.formats.json_file import write_json
from varproof.formats.segments import write_segments
from varproof.machinery.errors import UserError
from varproof.machinery.output import folder_complete_or_absent, provenance
from varproof.machinery.workers import ordered_results
from varproof.simulation import artifacts as artefact
from varproof.simulation.alignment import build_index, merge_bams, sam_header, write_sorted_bam
from varproof.simulation.consensus import consensus_tags
from varproof.simulation.copy_number import true_segments
from varproof.simulation.deciding import SampleTruth, Truth, decide_contexts, decide_persons, decide_truth, samples_of
from varproof.simulation.genome import Genome, random_bases, random_genome, read_genome, write_fasta
from varproof.simulation.pileup import alleles_in_reads
from varproof.simulation.reads import ReadPairs, simulate_reads, tract_positions
from varproof.simulation.settings import SimulationSettings
from varproof.simulation.tables import TruthRecord, write_candidates, write_resource, write_targets, write_truth
from varproof.simulation.variants import SPACING_BP
from varproof.variants.edit import Edit

logger = logging.getLogger(__name__)

MIN_CANDIDATE_READS = 2
_CHUNK_FRAGMENTS = 20_000
_MAX_CHUNKS = 200
_TAGS = 1 << 20
"""Stream of the tags of a chunk's reads."""
_MOLECULES_PER_CHUNK = 10_000_000
"""Apart from each other in the number of their identifiers."""


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


class ChunkMaker:
    """Makes one chunk after the other in one process: reads, alignment, sorted BAM."""

    def __init__(self, genome: Genome, samples: dict[str, SampleTruth], index: Path, consensus: str = "none") -> None:
        self.genome, self.samples, self.consensus = genome, samples, consensus
        self.tract_at = tract_positions(len(genome), next(iter(samples.values())).model.tracts)
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

    def tags(self, task: ChunkTask, pairs: int) -> list[tuple[str, ...]] | None:
        """Per pair the tags of consensus reads, None for other reads."""
        if self.consensus == "none":
            return None
        rng = np.random.default_rng(np.random.SeedSequence(task.seed.entropy, spawn_key=(*task.seed.spawn_key, _TAGS)))
        return consensus_tags(pairs, (task.number + 1) * _MOLECULES_PER_CHUNK, self.consensus == "duplex", rng)

    def run(self, task: ChunkTask) -> ChunkResult:
        """Make the chunk and write its BAM."""
        pairs = self.reads(task)
        person = task.sample.partition("-")[2]
        prefix = f"{task.sample[0]}{person and person + '.'}{task.number}:"
        header = sam_header(self.genome, task.sample)
        model = self.samples[task.sample].model
        max_fragment = max(800, round(model.insert_size_mean + 10 * model.insert_size_sd))
        write_sorted_bam(
            pairs, self.index, header, task.sample, prefix, max_fragment, task.path, self.tags(task, len(pairs.bases))
        )
        events: tuple[NDArray[Any], ...] = ()
        if task.sample == "tumor":
            events = (pairs.event_position, pairs.event_base, pairs.event_kind, pairs.slip_tract, pairs.slip_units)
        return ChunkResult(task, len(pairs.bases), int(pairs.duplicate.sum()), events)


def chunk_tasks(
    depths: Mapping[str, float], samples: dict[str, SampleTruth], seeds: list[np.random.SeedSequence], folder: Path
) -> list[ChunkTask]:
    """Chunks of all samples, of these mean depths, each with a stream of its own; one stream for each sample is given."""
    tasks = []
    for (sample, truth), seed in zip(samples.items(), seeds, strict=True):
        depth = depths[sample]
        bases = float((truth.weights * truth.molecules.length).sum())
        fragments = max(1, round(depth * bases / (2 * truth.model.read_length)))
        size = max(_CHUNK_FRAGMENTS, -(-fragments // _MAX_CHUNKS))
        for number, child in enumerate(seed.spawn(-(-fragments // size))):
            part = min(size, fragments - number * size)
            tasks.append(ChunkTask(sample, number, part, child, folder / f"{sample}.{number}.bam"))
    return tasks


def empty_sites(
    genome: Genome,
    number: int,
    shown: Callable[[Edit], bool],
    rng: np.random.Generator,
    inside: NDArray[np.bool_] | None = None,
) -> list[Edit]:
    """Random alleles (70 % SNVs, else indels of 1-5 bp) for which `shown` is false, where `inside` is true."""
    found: set[Edit] = set()
    for _ in range(number * (20 if inside is None else 20 * len(inside) // max(1, int(inside.sum())))):
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
        if (
            (inside is not None and not inside[start])
            or b"N" in window
            or at_edge
            or allele.alt == genome.text[start : start + 1]
        ):
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
        contexts = decide_contexts(genome, settings, seeds[2], seeds[6::2], truth.population)
        persons = decide_persons(genome, settings, seeds[2], truth.population)
        samples = samples_of(settings, truth, contexts, persons)
        logger.info("%d bp of genome, %d planted variants", len(genome), len(truth.planted))

        chunks = folder / "chunks"
        chunks.mkdir()
        index = chunks / "reference.mmi"
        build_index(reference, index)
        depths = {name: settings.tumor_depth if name == "tumor" else settings.normal_depth for name in samples}
        tasks = chunk_tasks(depths, samples, [*seeds[3:5], *seeds[7::2], *(person.reads for person in persons)], chunks)
        counts = artefact.ArtifactCounts()
        read_pairs, duplicates = Counter(dict.fromkeys(samples, 0)), Counter(dict.fromkeys(samples, 0))
        results = ordered_results(
            lambda: ChunkMaker(genome, samples, index, settings.consensus).run, tasks, min(workers, len(tasks))
        )
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

    empty = empty_sites(genome, settings.empty_sites, known, rng, truth.targets.inside if truth.targets else None)
    records = [
        TruthRecord(v.allele, v.event, v.frequency, v.tandem, kinds.get(v.allele), v.group, v.state) for v in truth.planted
    ]  # a planted variant keeps its event where an artefact makes the same allele
    records += [TruthRecord(allele, "ARTIFACT", None, False, kind) for allele, kind in kinds.items() if allele not in planted]
    line = provenance("simulate-pair", settings)
    if truth.population:
        write_resource(folder / "germline-resource.vcf.gz", genome, truth.population.resource, line)
    write_candidates(folder / "candidates.vcf.gz", genome, candidates - unlisted | set(empty), line)
    write_truth(
        folder / "truth.vcf.gz",
        genome,
        records,
        line,
        groups=bool(settings.neighbours),
        states=settings.has_copy_numbers,
        clones=bool(settings.subclones),
        frequencies=truth.population.resource if truth.population else None,
    )
    if truth.targets:
        write_targets(folder / "targets.bed", genome, [(target.first, target.last) for target in truth.targets.targets])
    if truth.copy_numbers:
        write_segments(folder / "segments.tsv", true_segments(genome, truth.copy_numbers))
    return SimulationSummary(
        settings=settings,
        planted=dict(sorted(Counter(f"{v.event}:{v.allele.type.value}" for v in truth.planted).items())),
        candidates=dict(sorted(Counter(allele.type.value for allele in candidates - unlisted).items())) | {"empty": len(empty)},
        artifact_alleles=dict(sorted(Counter(r.artifact_kind or "" for r in records if r.event == "ARTIFACT").items())),
        read_pairs={},
        duplicate_pairs={},
    )
