"""The population that all simulated persons are of: its germline variants, their frequencies, and who carries them.

Frequencies are those of a neutral population of constant size, density 1/f (Wright 1938, PNAS 24:253), and genotypes are in
Hardy-Weinberg proportion. So of the variants that a person carries a third is homozygous, and the frequency of a heterozygous
one has density 2(1 - f), of a homozygous one 2f. Beside these, some heterozygous ones are rare, as in growing populations
(1-4 % of a person's variants are under 0.5 %: The 1000 Genomes Project Consortium 2015, Nature 526:68), and the resource lists
many alleles that are too rare to be met in a few persons. Sites are independent of each other.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varproof.machinery.numerics import exp, log
from varproof.simulation.artifacts import near_edge, normalised
from varproof.simulation.genome import BASES, Genome
from varproof.simulation.settings import SimulationSettings
from varproof.simulation.variants import Placement, PlantedVariant, germline_alleles, substitution
from varproof.variants.edit import Edit

LEAST_FREQUENCY = 1e-5
"""Below it, no site is met again in another person."""
RARE_SHARE, RARE_FREQUENCIES = 0.03, (LEAST_FREQUENCY, 5e-3)
"""Of a person's known variants those whose frequency is log-uniform between these."""
LISTED_PER_KBP, LISTED_FREQUENCIES = 20, (1e-6, 1e-4)
"""Alleles of the resource that no person here has, anywhere in the genome; log-uniform between these. Real ones list more."""
_LISTED_INDELS = 0.1


class Site(NamedTuple):
    """A variant of the population, and the share of its haplotypes that carry it."""

    allele: Edit
    frequency: float


@dataclass(frozen=True)
class Population:
    """`sites`, which persons may carry, each away from all others; `listed`, which the resource has beside them; of one person,
    whom the population was made around, the `germline` variants, `sites` or not."""

    sites: list[Site] = field(default_factory=list)
    listed: list[Site] = field(default_factory=list)
    germline: list[PlantedVariant] = field(default_factory=list)

    @property
    def resource(self) -> dict[Edit, float]:
        """Allele -> frequency of all that the resource has."""
        return {site.allele: site.frequency for site in (*self.listed, *self.sites)}


def decide_population(
    genome: Genome,
    settings: SimulationSettings,
    planted: list[PlantedVariant],
    strangers: list[Edit],
    placement: Placement,
) -> Population:
    """The population around a person whose variants are planted, and, if their cells are in the tumour, another one's alleles.

    Draws from the placement's stream. Raises UserError where there is no room for the sites that the person lacks.
    """
    rng = placement.rng
    germline = [variant for variant in planted if variant.haplotypes]
    order = rng.permutation(len(germline)).tolist()
    order.sort(key=lambda index: len(germline[index].haplotypes))  # who is alone with a variant has it once
    private = set(order[: len(germline) - round(settings.known_germline * len(germline))])
    sites: list[Site] = []
    near_others: list[Site] = []
    for index, variant in enumerate(germline):
        if index not in private:
            site = Site(variant.allele, _frequency_of_carried(len(variant.haplotypes) == 2, rng))
            (near_others if variant.group else sites).append(site)
    met = len(sites)
    sites += [
        Site(allele, _frequency_of_carried(bool(rng.random() < 1 / 3), rng))
        for allele in strangers
        if rng.random() < settings.known_germline
    ]
    lacking = _frequencies_of_lacking(round(met / 1.5 * (-log(LEAST_FREQUENCY) - 1.5)), rng)
    sites += [
        Site(allele, frequency)
        for allele, frequency in zip(germline_alleles(len(lacking), placement, rng), lacking, strict=True)
    ]
    taken = {variant.allele for variant in germline} | {site.allele for site in sites}
    return Population(sites, near_others + _listed(genome, taken, rng), germline)


def _log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    return exp(float(rng.uniform(log(low), log(high))))


def _frequency_of_carried(homozygous: bool, rng: np.random.Generator) -> float:
    """Of a variant that a person has: density 2f if twice, 2(1 - f) if once, but for the rare ones."""
    if homozygous:
        return max(LEAST_FREQUENCY, float(np.sqrt(rng.random())))
    if rng.random() < RARE_SHARE * 1.5:  # of all, of which two thirds are heterozygous
        return _log_uniform(*RARE_FREQUENCIES, rng)
    return max(LEAST_FREQUENCY, 1 - float(np.sqrt(rng.random())))


def _frequencies_of_lacking(number: int, rng: np.random.Generator) -> list[float]:
    """Of sites that a person lacks: density (1 - f)^2 / f."""
    found: list[float] = []
    while len(found) < number:
        frequency = _log_uniform(LEAST_FREQUENCY, 1.0, rng)
        if rng.random() < (1 - frequency) ** 2:
            found.append(frequency)
    return found


def _listed(genome: Genome, taken: set[Edit], rng: np.random.Generator) -> list[Site]:
    found = dict.fromkeys(taken, 1.0)
    for _ in range(round(LISTED_PER_KBP * len(genome) / 1e3)):
        at, length = int(rng.integers(len(genome) - 1)), 1 + int(rng.random() < 0.3)
        kind, frequency = rng.random(), _log_uniform(*LISTED_FREQUENCIES, rng)
        contig_end = int(genome.starts[genome.contig_of(at) + 1])
        if near_edge(genome, Edit(at, at, b"")) or at + length > contig_end or b"N" in genome.text[at - 1 : at + length]:
            continue
        if kind >= _LISTED_INDELS:
            allele = substitution(genome.text, at, 1, rng, 2 / 3)
        elif kind < _LISTED_INDELS / 2:
            allele = normalised(genome, Edit(at, at + length, b""))
        else:
            allele = normalised(genome, Edit(at, at, BASES[rng.integers(0, 4, length)].tobytes()))
        found.setdefault(allele, frequency)
    return [Site(allele, frequency) for allele, frequency in found.items() if allele not in taken]


def carried_by_another(
    population: Population, copies: int, rng: np.random.Generator, *, child: bool = False
) -> list[PlantedVariant]:
    """Variants of the population that an unrelated person carries, or a child of the person that it was made around.

    A child has that person's haplotype 0 whole, private variants included, and one of the population.
    """
    sites = population.sites
    frequencies: NDArray[np.float64] = np.array([site.frequency for site in sites])
    haplotypes = [rng.random(len(sites)) < frequencies for _ in range(2)]
    carried: dict[Edit, list[int]] = {}
    of_parent = {variant.allele for variant in population.germline if 0 in variant.haplotypes}
    for haplotype, has in enumerate(haplotypes):
        inherited = child and haplotype == 0
        alleles = of_parent if inherited else {sites[index].allele for index in np.flatnonzero(has).tolist()}
        for allele in sorted(alleles):
            carried.setdefault(allele, []).append(haplotype)
    half = copies // 2
    found = []
    for allele, own in sorted(carried.items()):
        carriers = np.concatenate([np.arange(half) + half * haplotype for haplotype in own])
        event, frequency = ("GERMLINE_HOM", 1.0) if len(own) == 2 else ("GERMLINE_HET", 0.5)
        found.append(PlantedVariant(allele, event, frequency, carriers, tuple(own)))
    return found
