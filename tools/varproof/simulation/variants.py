"""Alleles, and the variants that the simulation plants: where they are, what they change, and which copies carry them."""

from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varproof.machinery.errors import UserError
from varproof.machinery.numerics import exp, log
from varproof.simulation.genome import BASES, Genome, random_bases
from varproof.simulation.settings import SimulationSettings
from varproof.variants.edit import Edit, left_aligned, steps_to_the_right

SPACING_BP = 10
TRIES_PER_VARIANT = 200
_GERMLINE_MAX_INDEL = 50
OTHER_PERSON_BP = 1000
"""Another person has one variant per so many bp."""


@dataclass(frozen=True)
class Group:
    """The group that a variant belongs to: kind and number, the variant's haplotype (0 or 1), whether candidates have it."""

    kind: str
    number: int
    haplotype: int
    listed: bool = True


class CopyState(NamedTuple):
    """How many copies most tumour cells have where a variant is, of both haplotypes and of the rarer one; `only`, of a variant
    that is younger than a gain: which of its haplotype's copies carries it, else None; share of the tumour cells that carry it,
    and how many copies of it they have on average; with subclones, whose it is (0: all cells'), and copies of an average cell.
    """

    total: int
    minor: int
    only: int | None
    cell_fraction: float
    multiplicity: float
    clone: tuple[int, float] | None = None


@dataclass(frozen=True)
class PlantedVariant:
    """A variant of the truth. `copies` are the tumour-cell copies that carry it, `haplotypes` the normal ones (0 and 1)."""

    allele: Edit
    event: str
    frequency: float
    copies: NDArray[np.int64]
    haplotypes: tuple[int, ...]
    tandem: bool = False
    group: Group | None = None
    state: CopyState | None = None


def substitution(text: bytes, start: int, length: int, rng: np.random.Generator, transitions: float) -> Edit:
    """An SNV or MNV that changes each of `length` bases, to its transition with this probability."""
    index = np.searchsorted(BASES, np.frombuffer(text[start : start + length], dtype=np.uint8))
    step = np.where(rng.random(length) < transitions, 2, rng.choice([1, 3], length))
    return Edit(start, start + length, BASES[(index + step) % 4].tobytes())


class Placement:
    """Where variants are, and room for more: draws alleles that keep their distance from all that were drawn before."""

    def __init__(self, genome: Genome, rng: np.random.Generator, inside: NDArray[np.bool_] | None = None) -> None:
        """`inside` (one per base): where variants may be, None for everywhere."""
        self.genome, self.rng = genome, rng
        self.taken = genome.bases == ord("N")
        self.starts: NDArray[np.int64] | None = None
        if inside is not None:
            self.taken |= ~inside
            self.starts = np.flatnonzero(~self.taken)
            if not len(self.starts):
                raise self.no_room()
        for boundary in genome.starts:
            self.taken[max(0, boundary - SPACING_BP) : boundary + SPACING_BP] = True

    def drawing_from(self, rng: np.random.Generator) -> "Placement":
        """The same places, taken by the one as by the other, with another random stream."""
        other = copy(self)
        other.rng = rng
        return other

    def reserve(self, allele: Edit) -> None:
        """Keep what is drawn away from an allele, whatever it is near itself."""
        self.taken[max(0, allele.start - SPACING_BP) : allele.end + SPACING_BP] = True

    @property
    def sequenced_bp(self) -> int:
        """bp where variants may be."""
        return len(self.genome) if self.starts is None else len(self.starts)

    def draw(self, kind: str, length: int, transitions: float = 1 / 3, tandem: bool = False) -> Edit:
        text, rng = self.genome.text, self.rng
        for _ in range(TRIES_PER_VARIANT):
            if self.starts is None:
                start = int(rng.integers(SPACING_BP, max(SPACING_BP + 1, len(text) - length - SPACING_BP)))
            else:
                start = int(self.starts[rng.integers(len(self.starts))])
            contig_start = int(self.genome.starts[self.genome.contig_of(start)])
            first, last = start, start + (0 if kind == "insertion" else length)
            if tandem:
                first = start - length
            if first < contig_start or self.taken[first:last].any() or self.taken[start]:
                continue
            if kind in ("snv", "mnv"):
                allele = substitution(text, start, length, rng, transitions)
            elif kind == "deletion":
                allele = left_aligned(Edit(start, start + length, b""), text, contig_start + 1)
            else:
                inserted = text[start - length : start] if tandem else random_bases(length, 0.42, rng).tobytes()
                allele = left_aligned(Edit(start, start, inserted), text, contig_start + 1)
            if self.claim([allele]):
                return allele
        raise self.no_room()

    def claim(self, alleles: list[Edit]) -> bool:
        """Whether there is room for alleles that may be near each other; if so, it is theirs, and others keep away from it."""
        text = self.genome.text
        first = min(allele.start for allele in alleles)
        last = max(allele.end + steps_to_the_right(allele, text, len(text)) for allele in alleles)
        if first < SPACING_BP or self.taken[first - SPACING_BP : last + SPACING_BP].any():
            return False
        self.taken[first - 1 : last + 1] = True
        return True

    def no_room(self) -> UserError:
        """What is raised where too many tries were in vain."""
        return UserError(
            f"no room for all variants in {len(self.genome)} bp {SPACING_BP} bp apart; ask for fewer or for a longer genome"
        )


def _somatic_frequencies(number: int, settings: SimulationSettings, rng: np.random.Generator) -> NDArray[np.float64]:
    u = rng.random(number)
    if settings.vaf_spectrum == "uniform":
        return settings.min_vaf + (settings.max_vaf - settings.min_vaf) * u
    return 1 / (1 / settings.min_vaf - u * (1 / settings.min_vaf - 1 / min(0.5, settings.max_vaf)))


def _carriers(frequency: float, copies: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """The nearest number of tumour copies to `frequency`, at least one: first those of one haplotype, then of the other."""
    number = min(copies, max(1, round(frequency * copies)))
    half = copies // 2
    haplotypes = [rng.permutation(half), half + rng.permutation(copies - half)]
    if rng.random() < 0.5:
        haplotypes.reverse()
    return np.sort(np.concatenate(haplotypes)[:number])


def germline_alleles(number: int, placement: Placement, rng: np.random.Generator) -> list[Edit]:
    """85 % SNVs (two thirds transitions), 1 % MNVs, the rest indels whose number falls steeply with their length."""
    alleles = []
    for kind in rng.choice(["snv", "mnv", "insertion", "deletion"], number, p=(0.85, 0.01, 0.07, 0.07)):
        if kind == "snv":
            length = 1
        elif kind == "mnv":
            length = 2 + int(rng.random() < 0.2)
        else:
            length = min(int(rng.zipf(1.8)), _GERMLINE_MAX_INDEL)
        tandem = kind == "insertion" and bool(rng.random() < 0.5)
        alleles.append(placement.draw(str(kind), length, 2 / 3, tandem))
    return alleles


def plant_variants(settings: SimulationSettings, copies: int, placement: Placement) -> tuple[list[PlantedVariant], list[Edit]]:
    """(truth, alleles of the other person that contaminates the tumour); none touch or come within SPACING_BP of each other.

    Tumour copies 0 .. copies/2 are of haplotype 0, the rest of haplotype 1. Raises UserError where the genome is too small.
    """
    rng = placement.rng
    planted = []
    numbers = {
        "snv": settings.somatic_snvs,
        "mnv": settings.somatic_mnvs,
        "insertion": settings.somatic_insertions,
        "deletion": settings.somatic_deletions,
    }
    low, high = log(settings.min_indel_length), log(settings.max_indel_length + 1)
    for kind, number in numbers.items():
        for frequency in _somatic_frequencies(number, settings, rng):
            tandem = kind == "insertion" and bool(rng.random() < settings.tandem_duplication_fraction)
            if kind == "snv":
                length = 1
            elif kind == "mnv":
                length = int(rng.integers(2, 6))
            else:
                length = min(int(exp(rng.uniform(low, high))), settings.max_indel_length)
            allele = placement.draw(kind, length, tandem=tandem)
            carriers = _carriers(float(frequency), copies, rng)
            planted.append(PlantedVariant(allele, "SOMATIC_TUMOR", len(carriers) / copies, carriers, (), tandem))
    half = copies // 2
    for allele in germline_alleles(settings.germline, placement, rng):
        homozygous = rng.random() < 1 / 3
        haplotypes = (0, 1) if homozygous else (int(rng.integers(2)),)
        carriers = np.concatenate([np.arange(half) + half * haplotype for haplotype in haplotypes])
        event, frequency = ("GERMLINE_HOM", 1.0) if homozygous else ("GERMLINE_HET", 0.5)
        planted.append(PlantedVariant(allele, event, frequency, carriers, haplotypes))
    other: list[Edit] = []
    if settings.strength("tumor-contamination"):
        other = germline_alleles(round(placement.sequenced_bp / OTHER_PERSON_BP), placement, rng)
    return sorted(planted, key=lambda variant: variant.allele), other
