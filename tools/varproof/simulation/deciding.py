"""Everything that is decided before the first read: variants, artefacts, molecules and their weights, and how they are read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from varproof.simulation import artifacts as artefact
from varproof.simulation.consensus import consensus_qualities, template_error_rate
from varproof.simulation.copies import LEFT, RIGHT, Copy, Molecules, molecules
from varproof.simulation.copy_number import (
    CopyNumbers,
    Segment,
    carried_by,
    carried_through,
    decided_segments,
    one_clone,
    room_for_variants,
)
from varproof.simulation.genome import Genome, RepeatTracts, repeat_tracts
from varproof.simulation.loci import decide_loci, locus_alleles, of_normal
from varproof.simulation.neighbours import plant_neighbours
from varproof.simulation.odd_copies import OddCopies, odd_copies
from varproof.simulation.population import Population, carried_by_another, decide_population
from varproof.simulation.reads import ReadModel
from varproof.simulation.settings import SimulationSettings
from varproof.simulation.subclones import in_clones, spread_over_clones
from varproof.simulation.targets import Target, Targets, decide_targets
from varproof.simulation.variants import Placement, PlantedVariant, plant_variants
from varproof.variants.edit import Edit

FEWEST_TUMOR_COPIES = 200
CONTEXT, NORMAL, RELATIVE = "context-{}", "normal-{}", "relative"
_STREAM_OF_GROUPS, _STREAM_OF_TARGETS, _STREAM_OF_COPY_NUMBER, _STREAM_OF_LOCI, _STREAM_OF_ODD = (
    (1 << 20) + i for i in range(5)
)
_STREAM_OF_CLONES, _STREAM_OF_POPULATION, _STREAM_OF_PERSONS, _STREAM_OF_PARALOGS = ((1 << 20) + 5 + i for i in range(4))
"""Far from the streams of the steps, whose number depends on how many persons there are."""


@dataclass
class Truth:
    """Everything that is decided before the first read."""

    planted: list[PlantedVariant]
    artifacts: list[artefact.LabelledAllele]
    molecules: Molecules
    weights: dict[str, NDArray[np.float64]]
    model: ReadModel
    targets: Targets | None = None
    copy_numbers: CopyNumbers | None = None
    """Of the tumour cells; None where they have two of everything."""
    population: Population | None = None


class Descent(NamedTuple):
    """Where another person's germline is from: the population, and, of a child, the person that it was made around."""

    population: Population
    child: bool = False


def tumor_copies(settings: SimulationSettings) -> int:
    """Molecules that tumour cells are made of: enough for the smallest frequency, of which half a step is one copy."""
    if settings.min_vaf >= 1 / FEWEST_TUMOR_COPIES:
        return FEWEST_TUMOR_COPIES
    return 2 * -int(-1 // settings.min_vaf)


def decide_truth(
    genome: Genome,
    settings: SimulationSettings,
    seeds: list[np.random.SeedSequence],
    descent: Descent | None = None,
    *,
    other_person: bool = False,
) -> Truth:
    """Variants, artefact loci, copies and their weights in each sample, and the read model (two random streams).

    `other_person`: not the one whose tumour it is; `descent` tells what they have of the population beside `settings.germline`.
    What can be switched on beside has streams of its own, which depend on the seed of the settings alone.
    """

    def stream(key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(key,)))

    copies = tumor_copies(settings)
    targets = decide_targets(genome, settings, stream(_STREAM_OF_TARGETS))
    of_copy_number = stream(_STREAM_OF_COPY_NUMBER)
    parts, inside = decided_segments(genome, settings, of_copy_number), targets.inside if targets else None
    if settings.has_copy_numbers:
        room = room_for_variants(genome, parts)
        inside = room if inside is None else room & inside
    placement = Placement(genome, np.random.default_rng(seeds[0]), inside)
    inherited = carried_by_another(descent.population, copies, placement.rng, child=descent.child) if descent else []
    for variant in inherited:
        placement.reserve(variant.allele)
    planted, other_person_alleles = plant_variants(settings, copies, placement)
    groups = plant_neighbours(genome, settings, copies, placement, stream(_STREAM_OF_GROUPS))
    planted = sorted([*inherited, *planted, *groups], key=lambda variant: variant.allele)
    population = None
    if settings.population:
        around = placement.drawing_from(stream(_STREAM_OF_POPULATION))
        population = decide_population(genome, settings, planted, other_person_alleles, around)
    numbers, of_clones, doubled = one_clone(parts, copies), stream(_STREAM_OF_CLONES), settings.genome_doubling
    if settings.subclones:
        numbers, owners = spread_over_clones(parts, settings.subclones, copies, doubled, of_clones)
        planted = in_clones(planted, numbers, owners, doubled, of_clones)
    elif settings.has_copy_numbers:
        planted = carried_through(planted, numbers, of_copy_number)
    rng = np.random.default_rng(seeds[1])
    artifacts = [artefact.LabelledAllele(allele, "tumor_contamination") for allele in other_person_alleles]

    tracts = RepeatTracts(*(np.empty(0, dtype=np.int64) for _ in range(3)))
    if slippage := settings.strength("slippage"):
        tracts = repeat_tracts(genome)
    oxidation = deamination = artefact.no_hot_spots()
    if damage := settings.strength("damage"):
        oxidation = artefact.hot_spots(genome, b"CG", rng)
        deamination = artefact.hot_spots(genome, b"CG", rng)
        artifacts += artefact.hot_spot_alleles(genome, oxidation, {b"G": b"T", b"C": b"A"}, "oxidation")
        artifacts += artefact.hot_spot_alleles(genome, deamination, {b"C": b"T", b"G": b"A"}, "deamination")
    loci = decide_loci(genome, settings, stream(_STREAM_OF_LOCI))
    artifacts += locus_alleles(loci)
    paralogs = artefact.paralogs(genome, settings.strength("paralogs"), rng)
    of_person = np.random.SeedSequence(seeds[0].entropy, spawn_key=(*seeds[0].spawn_key, _STREAM_OF_PARALOGS))
    has_paralogs = np.random.default_rng(of_person) if other_person else None
    odd = odd_copies(genome, settings, stream(_STREAM_OF_ODD), has_paralogs, targets.parts if targets else None)
    artifacts += _labelled(genome, paralogs.alleles, odd)
    odd = _with_paralogs(odd, paralogs)

    flat, weights = _molecules(genome, settings, planted, other_person_alleles, odd, numbers, targets, rng)
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
        loci,
    )
    known = numbers if settings.has_copy_numbers else None
    return Truth(planted, artifacts, flat, weights, _of_consensus(model, settings), targets, known, population)


def _labelled(genome: Genome, of_paralogs: list[Edit], odd: OddCopies) -> list[artefact.LabelledAllele]:
    known = [artefact.LabelledAllele(allele, "paralog") for allele in of_paralogs] + odd.labelled
    return [
        artefact.LabelledAllele(artefact.normalised(genome, item.allele), item.kind)
        for item in known
        if not artefact.near_edge(genome, item.allele)
    ]


def _with_paralogs(odd: OddCopies, paralogs: artefact.Paralogs) -> OddCopies:
    """All copies that are no part of a genome, paralogs first."""
    shift = len(paralogs.alleles)
    return OddCopies(
        paralogs.alleles + odd.alleles,
        paralogs.copies + [replace(copy, alleles=copy.alleles + shift) for copy in odd.copies],
        paralogs.weights + odd.tumor_weights,
        paralogs.weights + odd.normal_weights,
    )


def _molecules(
    genome: Genome,
    settings: SimulationSettings,
    planted: list[PlantedVariant],
    other_person: list[Edit],
    odd: OddCopies,
    numbers: CopyNumbers,
    targets: Targets | None,
    rng: np.random.Generator,
) -> tuple[Molecules, dict[str, NDArray[np.float64]]]:
    """The copies of tumour cells, of normal ones, of the other person, and odd ones; and their weights by sample."""
    number = tumor_copies(settings)
    alleles = [variant.allele for variant in planted] + other_person
    carried = [[i for i, variant in enumerate(planted) if haplotype in variant.haplotypes] for haplotype in (0, 1)]
    tumor_carried: list[list[int]] = [[] for _ in range(number)]
    for i, variant in enumerate(planted):
        for copy in variant.copies.tolist():
            tumor_carried[copy].append(i)
    other = np.arange(len(planted), len(alleles))
    homozygous = rng.random(len(other)) < 1 / 3
    first_only = rng.random(len(other)) < 0.5
    of_other = [other[homozygous | first_only].tolist(), other[homozygous | ~first_only].tolist()]

    stranger, in_normal = settings.strength("tumor-contamination"), settings.strength("normal-contamination")
    shares = {"tumor": (settings.purity * (1 - stranger), stranger), "normal": (in_normal, 0.0)}
    content = dict.fromkeys(shares, 1.0)
    if settings.segments is not None or settings.genome_doubling:  # the depth is that asked for, whatever the cells' ploidy
        content["tumor"] += shares["tumor"][0] * (numbers.mean() / 2 - 1)
    sequenced = targets.parts if targets else [Target(0, len(genome), 1.0)]
    anchor = LEFT | RIGHT if targets and targets.amplicons else 0
    only = np.array([-1 if v.state is None or v.state.only is None else v.state.only for v in planted], dtype=np.int64)
    whole = [Segment(0, len(genome), (1, 1))]
    cutter = _Cutter(alleles, sequenced, anchor)
    copies: list[Copy] = []
    weights: dict[str, list[float]] = {sample: [] for sample in shares}
    for copy, indices in enumerate([*tumor_carried, *carried, *of_other]):
        haplotype = int(copy >= number // 2) if copy < number else copy % 2
        of_tumor = copy < number
        for part in numbers.of_copy(copy) if of_tumor else whole:
            for again in range(part.copies[haplotype]):
                mine = np.array(indices, dtype=np.int64)
                if of_tumor:
                    mine = carried_by(mine, only, again, part.copies[haplotype])
                for piece, depth in cutter.pieces(mine, part.first, part.last):
                    copies.append(piece)
                    for sample, (tumor, other_cells) in shares.items():
                        share = tumor / number if of_tumor else (1 - tumor - other_cells) / 2
                        share = other_cells / 2 if copy >= number + 2 else share
                        weights[sample].append(share * depth / content[sample])
    kept = [i for i, copy in enumerate(odd.copies) if targets is None or targets.holds(copy)]
    copies += [replace(odd.copies[i], alleles=odd.copies[i].alleles + len(alleles)) for i in kept]
    weights["tumor"] += [odd.tumor_weights[i] for i in kept]
    weights["normal"] += [odd.normal_weights[i] for i in kept]
    return molecules(alleles + odd.alleles, copies), {sample: np.array(values) for sample, values in weights.items()}


class _Cutter:
    """Cuts a copy of the genome into what is sequenced of it."""

    def __init__(self, alleles: list[Edit], sequenced: list[Target], anchor: int) -> None:
        self.start = np.array([allele.start for allele in alleles], dtype=np.int64)
        self.end = np.array([allele.end for allele in alleles], dtype=np.int64)
        self.sequenced, self.anchor = sequenced, anchor

    def pieces(self, carried: NDArray[np.int64], first: int, last: int) -> list[tuple[Copy, float]]:
        """(copy, depth over the mean's) of each sequenced part within [first, last)."""
        found = []
        for target in self.sequenced:
            low, high = max(first, target.first), min(last, target.last)
            if low < high:
                within = (self.start[carried] >= low) & (self.end[carried] <= high)
                found.append((Copy(low, high, carried[within], self.anchor), target.depth))
        return found


def _of_consensus(model: ReadModel, settings: SimulationSettings) -> ReadModel:
    if settings.consensus == "none":
        return model
    rate = settings.consensus_error_rate
    return replace(
        model,
        duplicate_fraction=0.0,
        template_error_rate=template_error_rate(rate),
        both_orientations=settings.consensus == "simplex",
        qualities=consensus_qualities(rate, model.read_length),
    )


def _of_other_person(settings: SimulationSettings, descent: Descent | None) -> SimulationSettings:
    """Nothing of a tumour; of the germline what is not inherited."""
    nothing_somatic = {"somatic_snvs": 0, "somatic_mnvs": 0, "somatic_insertions": 0, "somatic_deletions": 0, "neighbours": []}
    of_tumor_alone: dict[str, Any] = {
        "normal_contamination": 0.0,
        "tumor_contamination": 0.0,
        "copy_number_fraction": 0.0,
        "segments": None,
        "genome_doubling": False,
        "subclones": [],
    }
    of_family: dict[str, Any] = {"population": False, "relative": False, "normals": 0}
    if descent is not None:
        private = (1 - settings.known_germline) * settings.germline
        of_family["germline"] = round(private / 2 if descent.child else private)
    return settings.model_copy(update={**nothing_somatic, **of_tumor_alone, **of_family})


def decide_contexts(
    genome: Genome,
    settings: SimulationSettings,
    library: np.random.SeedSequence,
    persons: list[np.random.SeedSequence],
    population: Population | None = None,
) -> list[Truth]:
    """Unrelated persons, each with a seed of their own, sequenced with the tumour's library: the same artefact loci."""
    descent = Descent(population) if population else None
    own = _of_other_person(settings, descent)
    return [decide_truth(genome, own, [person, library], descent, other_person=True) for person in persons]


class PersonTruth(NamedTuple):
    """A person who is sequenced like the normal: the sample's name, what is decided of them, the seed of their reads."""

    sample: str
    truth: Truth
    reads: np.random.SeedSequence


def decide_persons(
    genome: Genome, settings: SimulationSettings, library: np.random.SeedSequence, population: Population | None
) -> list[PersonTruth]:
    """The cohort of normals and the relative, with the artefact loci of the library; streams depend on the seed alone."""
    wanted = [(NORMAL.format(number), number, False) for number in range(1, settings.normals + 1)]
    wanted += [(RELATIVE, 0, True)] if settings.relative else []
    found = []
    for sample, number, child in wanted:
        person, reads = np.random.SeedSequence(settings.seed, spawn_key=(_STREAM_OF_PERSONS, number)).spawn(2)
        descent = Descent(population, child) if population else None
        own = _of_other_person(settings, descent)
        truth = decide_truth(genome, own, [person, library], descent, other_person=True)
        found.append(PersonTruth(sample, truth, reads))
    return found


class SampleTruth(NamedTuple):
    """What a sample's reads are drawn from: weights of the molecules, and how they are read."""

    molecules: Molecules
    weights: NDArray[np.float64]
    model: ReadModel


def _normal_model(settings: SimulationSettings, tumor: ReadModel) -> ReadModel:
    """How the normal is read: where the settings say so, as another library."""
    other = settings.normal_library == "other"
    ratio = np.float32(0 if other else settings.normal_damage_ratio)
    model = replace(
        tumor,
        hot_oxidation=tumor.hot_oxidation * ratio,
        hot_deamination=tumor.hot_deamination * ratio,
        loci=of_normal(tumor.loci, settings.normal_damage_ratio, other),
        insert_size_mean=settings.normal_insert_size_mean or tumor.insert_size_mean,
        error_inflation=settings.normal_error_inflation or tumor.error_inflation,
    )
    if settings.normal_insert_size_sd is not None:
        model = replace(model, insert_size_sd=settings.normal_insert_size_sd)
    if settings.normal_read_length is not None:
        model = _of_consensus(replace(model, read_length=settings.normal_read_length), settings)
    return model


def samples_of(
    settings: SimulationSettings, truth: Truth, contexts: list[Truth], persons: Sequence[PersonTruth] = ()
) -> dict[str, SampleTruth]:
    """What each sample's reads are drawn from."""
    samples = {
        "tumor": SampleTruth(truth.molecules, truth.weights["tumor"], truth.model),
        "normal": SampleTruth(truth.molecules, truth.weights["normal"], _normal_model(settings, truth.model)),
    }
    for number, other in enumerate(contexts, 1):
        samples[CONTEXT.format(number)] = SampleTruth(other.molecules, other.weights["normal"], other.model)
    for person in persons:
        own = person.truth
        samples[person.sample] = SampleTruth(own.molecules, own.weights["normal"], _normal_model(settings, own.model))
    return samples
