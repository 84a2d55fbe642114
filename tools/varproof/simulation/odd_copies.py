"""Molecules that are no part of the reference's genome: hairpins, chimeras, stray reads of another sample, paralogs."""

from dataclasses import dataclass, field

import numpy as np

from varproof.machinery.numerics import exp, log
from varproof.simulation.artifacts import LabelledAllele, diverged_alleles
from varproof.simulation.copies import LEFT, RIGHT, Copy
from varproof.simulation.genome import Genome, reverse_complement
from varproof.simulation.settings import SimulationSettings
from varproof.simulation.targets import Target
from varproof.simulation.variants import SPACING_BP, substitution
from varproof.variants.edit import Edit

HAIRPIN_FRACTIONS = (0.03, 0.15)
HAIRPIN_DISTANCE_BP = (6, 30)
STRAY_FRACTIONS = (0.01, 0.06)
CHIMERA_FRACTIONS = (0.03, 0.15)
_STRAY_BP = (600, 1200)
_STRAY_SPACING_BP = 250
_CHIMERA_ARM_BP = 600
_LONGEST_CENTRE = 4
COLLAPSED_FRACTIONS = (0.2, 0.5)
COLLAPSED_DIVERGENCE = (0.01, 0.03)
COLLAPSED_CARRIERS = (0.2, 1.0)
"""Of the reads over a collapsed paralog those of the copy; its substitutions per base; persons who have it."""
_COLLAPSED_BP = (1_000, 5_000)


@dataclass
class OddCopies:
    """Copies, their alleles (`Copy.alleles` are indices of these), weights in both samples, and what is known of alleles."""

    alleles: list[Edit] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    tumor_weights: list[float] = field(default_factory=list)
    normal_weights: list[float] = field(default_factory=list)
    labelled: list[LabelledAllele] = field(default_factory=list)

    def add(self, first: int, last: int, alleles: list[Edit], tumor: float, normal: float, anchor: int = 0) -> None:
        """One more copy of [first, last) with these alleles."""
        indices = np.arange(len(self.alleles), len(self.alleles) + len(alleles))
        self.alleles += alleles
        self.copies.append(Copy(first, last, indices, anchor))
        self.tumor_weights.append(tumor)
        self.normal_weights.append(normal)


def odd_copies(
    genome: Genome,
    settings: SimulationSettings,
    rng: np.random.Generator,
    other_person: np.random.Generator | None = None,
    parts: list[Target] | None = None,
) -> OddCopies:
    """All that the settings ask for beside paralogs of every person.

    `other_person`: draws which collapsed paralogs another person has, while the first has them all; `parts`: what is sequenced
    of them, None for the whole.
    """
    odd = OddCopies()
    _add_hairpins(odd, genome, settings, rng)
    _add_stray(odd, genome, settings, rng)
    _add_chimeras(odd, genome, settings, rng)
    _add_collapsed(odd, genome, settings, rng, other_person, parts)
    return odd


def _within_contig(genome: Genome, first: int, last: int) -> bool:
    if first < 0 or last > len(genome) or (genome.bases[first:last] == ord("N")).any():
        return False
    contig = genome.contig_of(first)
    margin = SPACING_BP
    return first >= genome.starts[contig] + margin and last <= genome.starts[contig + 1] - margin


def _add_hairpins(odd: OddCopies, genome: Genome, settings: SimulationSettings, rng: np.random.Generator) -> None:
    """Some bases that are reverse complemented, always so far from the end of the read that begins there.

    It is what is left of a palindrome that folded upon itself (Haile et al. 2019, Nucleic Acids Research 47:e12).
    """
    number = round(settings.hairpin_loci_per_mbp * len(genome) / 1e6)
    fragment = round(settings.insert_size_mean + 3 * settings.insert_size_sd)
    for _ in range(20 * number):
        if number == 0:
            break
        at, size = int(rng.integers(len(genome))), int(rng.integers(1, _LONGEST_CENTRE + 1))
        distance, from_left = int(rng.integers(*HAIRPIN_DISTANCE_BP)), bool(rng.random() < 0.5)
        share = float(rng.uniform(*HAIRPIN_FRACTIONS))
        first = at - distance if from_left else at + size + distance - fragment
        if not _within_contig(genome, first, first + fragment):
            continue
        inverted = reverse_complement(genome.bases[at : at + size])
        if (inverted == genome.bases[at : at + size]).any():  # one event of adjacent bases, as reads show it
            continue
        allele = Edit(at, at + size, inverted.tobytes())
        weight = share / (1 - share) * 2 * settings.read_length / fragment  # of a fragment one read shows it, at one place
        odd.add(first, first + fragment, [allele], weight, weight, LEFT if from_left else RIGHT)
        odd.labelled.append(LabelledAllele(allele, "hairpin"))
        number -= 1


def _add_stray(odd: OddCopies, genome: Genome, settings: SimulationSettings, rng: np.random.Generator) -> None:
    """Another sample's reads, as swapped indices bring them, each segment with one to four of its SNVs."""
    low, high = map(log, STRAY_FRACTIONS)
    for _ in range(round(settings.stray_per_mbp * len(genome) / 1e6)):
        size = int(rng.integers(*_STRAY_BP))
        first = int(rng.integers(max(1, len(genome) - size)))
        sites = np.arange(first + _STRAY_SPACING_BP // 2, first + size - _STRAY_SPACING_BP // 2, _STRAY_SPACING_BP)
        shift = rng.integers(0, _STRAY_SPACING_BP // 2, len(sites))
        weight = exp(float(rng.uniform(low, high)))
        if not _within_contig(genome, first, first + size):
            continue
        alleles = [substitution(genome.text, int(site), 1, rng, 2 / 3) for site in sites + shift]
        odd.add(first, first + size, alleles, weight, 0.0)
        odd.labelled += [LabelledAllele(allele, "stray") for allele in alleles]


def _add_chimeras(odd: OddCopies, genome: Genome, settings: SimulationSettings, rng: np.random.Generator) -> None:
    """Molecules that go on elsewhere in the genome, on either strand, which aligners clip."""
    arm = _CHIMERA_ARM_BP
    for _ in range(round(settings.chimeras_per_mbp * len(genome) / 1e6)):
        at, elsewhere = (int(x) for x in rng.integers(0, len(genome), 2))
        reverse, share = bool(rng.random() < 0.5), float(rng.uniform(*CHIMERA_FRACTIONS))
        if not _within_contig(genome, at - arm, at + arm) or not _within_contig(genome, elsewhere, elsewhere + arm):
            continue
        foreign = genome.bases[elsewhere : elsewhere + arm]
        joined = Edit(at, at + arm, (reverse_complement(foreign) if reverse else foreign).tobytes())
        odd.add(at - arm, at + arm, [joined], share, 0.0)


def _add_collapsed(
    odd: OddCopies,
    genome: Genome,
    settings: SimulationSettings,
    rng: np.random.Generator,
    other_person: np.random.Generator | None,
    parts: list[Target] | None,
) -> None:
    """Segments whose copy the reference lacks: at each place where it differs, its share of the reads shows it."""
    number, taken = round(settings.collapsed_paralogs_per_mbp * len(genome) / 1e6), np.zeros(len(genome), dtype=bool)
    for _ in range(20 * number):
        if number == 0:
            break
        size = min(int(rng.integers(*_COLLAPSED_BP)), len(genome) // 10)
        first = int(rng.integers(max(1, len(genome) - size)))
        last, share = first + size, float(rng.uniform(*COLLAPSED_FRACTIONS))
        if not _within_contig(genome, first, last) or taken[first:last].any():
            continue
        taken[first:last] = True
        divergence, carriers = float(rng.uniform(*COLLAPSED_DIVERGENCE)), float(rng.uniform(*COLLAPSED_CARRIERS))
        sites = np.flatnonzero(rng.random(size - 2 * SPACING_BP) < divergence) + first + SPACING_BP
        alleles = diverged_alleles(genome, sites, rng)
        odd.labelled += [LabelledAllele(allele, "collapsed_paralog") for allele in alleles]
        number -= 1
        if other_person is not None and other_person.random() >= carriers:
            continue
        for part in parts or [Target(first, last, 1.0)]:
            low, high = max(first, part.first), min(last, part.last)
            if low < high:
                weight = part.depth * share / (1 - share)
                odd.add(low, high, [a for a in alleles if low <= a.start and a.end <= high], weight, weight)
