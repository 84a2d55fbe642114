"""Groups of variants that touch, lie some bp apart or share a place, on one haplotype (cis) or on both (trans).

A group keeps its distance from all other variants, so that what is called there, and what not, is due to the group alone.
Everything is drawn from a stream of its own: groups change nothing in what else is planted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varproof.machinery.numerics import exp, log
from varproof.simulation.artifacts import slippage_allele
from varproof.simulation.genome import Genome, RepeatTracts, random_bases, repeat_tracts
from varproof.simulation.settings import NeighbourKind, SimulationSettings
from varproof.simulation.variants import TRIES_PER_VARIANT, Group, Placement, PlantedVariant, substitution
from varproof.variants.candidate import trimmed_alleles
from varproof.variants.edit import Edit, left_aligned

FARTHEST_BP = 12
"""Between the nearest bases of two neighbours; 1 touches. As many as two as touch."""
_MARGIN_BP = 200
_LONGEST_INDEL = 20
_REPLACED_BP = (2, 10)
_DUPLICATED_BP = (10, 150)
_CLUSTER = (4, 10)
"""Fewest and most SNVs of a kataegis."""
_LONGEST_GAP_BP = 25


class Member(NamedTuple):
    """An allele of a group: on haplotype 0 or 1, of all its cells (germline) or of some tumour cells."""

    allele: Edit
    haplotype: int
    somatic: bool = True
    tandem: bool = False


@dataclass
class _Draws:
    """Draws alleles; what doesn't fit where it was drawn is None, and drawn again elsewhere."""

    genome: Genome
    tracts: RepeatTracts
    rng: np.random.Generator

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def place(self) -> int:
        return int(self.rng.integers(_MARGIN_BP, len(self.genome) - _MARGIN_BP))

    def haplotypes(self) -> tuple[int, int]:
        """Both, in random order."""
        first = int(self.rng.integers(2))
        return first, 1 - first

    def distance(self) -> int:
        return 1 if self.chance(1 / 3) else int(self.rng.integers(2, FARTHEST_BP + 1))

    def snv(self, at: int) -> Edit:
        return substitution(self.genome.text, at, 1, self.rng, 1 / 3)

    def aligned(self, allele: Edit) -> Edit:
        contig = self.genome.contig_of(allele.start)
        return left_aligned(allele, self.genome.text, int(self.genome.starts[contig]) + 1)

    def indel(self, at: int) -> Edit:
        """An insertion, of which every other repeats what precedes it, or a deletion; most are of few bases."""
        length = min(int(self.rng.zipf(1.8)), _LONGEST_INDEL)
        if self.chance(0.5):
            return self.aligned(Edit(at, at + length, b""))
        inserted = self.genome.text[at - length : at] if self.chance(0.5) else random_bases(length, 0.42, self.rng).tobytes()
        return self.aligned(Edit(at, at, inserted))

    def beside(self, allele: Edit) -> int:
        """A base on either side of an allele."""
        return allele.end + self.distance() - 1 if self.chance(0.5) else allele.start - self.distance()

    def tract(self) -> int | None:
        return int(self.rng.integers(len(self.tracts.start))) if len(self.tracts.start) else None

    def lost_or_gained(self, tract: int, number: int) -> list[Edit]:
        """Indels of different numbers of units of a tract, as many as asked for."""
        units = (self.tracts.end[tract] - self.tracts.start[tract]) // self.tracts.unit[tract]
        possible = [change for change in (-2, -1, 1, 2) if units + change > 0]
        chosen = self.rng.permutation(possible)[:number].tolist()
        return [slippage_allele(self.genome, self.tracts, tract, change) for change in chosen]


def _two_snvs(draws: _Draws, *, cis: bool, both_somatic: bool) -> list[Member]:
    at, (one, other) = draws.place(), draws.haplotypes()
    first = Member(draws.snv(at), one)
    return [first, Member(draws.snv(draws.beside(first.allele)), one if cis else other, both_somatic)]


def _snv_and_indel(draws: _Draws, *, cis: bool) -> list[Member]:
    """The indel is somatic or germline; in trans the SNV may lie beneath a deletion."""
    indel, (one, other) = draws.indel(draws.place()), draws.haplotypes()
    at = draws.beside(indel)
    if not cis and indel.end > indel.start and draws.chance(1 / 3):
        at = int(draws.rng.integers(indel.start, indel.end))
    return [Member(draws.snv(at), one), Member(indel, one if cis else other, draws.chance(0.5))]


def _beside_repeat(draws: _Draws) -> list[Member] | None:
    """An SNV up to FARTHEST_BP from a repeat, of which a somatic or germline indel in cis takes or adds units."""
    tract, (haplotype, _) = draws.tract(), draws.haplotypes()
    if tract is None:
        return None
    (indel,) = draws.lost_or_gained(tract, 1)
    whole = Edit(int(draws.tracts.start[tract]), int(draws.tracts.end[tract]), b"")
    return [Member(draws.snv(draws.beside(whole)), haplotype), Member(indel, haplotype, draws.chance(0.5))]


def _dinucleotide(draws: _Draws) -> list[Member] | None:
    """CC>TT, as ultraviolet light makes it, on either strand."""
    at = draws.place()
    alt = {b"CC": b"TT", b"GG": b"AA"}.get(draws.genome.text[at : at + 2])
    return None if alt is None else [Member(Edit(at, at + 2, alt), draws.haplotypes()[0])]


def _kataegis(draws: _Draws) -> list[Member] | None:
    """Mutated C of one strand (C>T, one in four C>G), 2 bp apart and more, none touching."""
    text, at, (haplotype, _) = draws.genome.text, draws.place(), draws.haplotypes()
    base, changed, rarely = (b"C", b"T", b"G") if draws.chance(0.5) else (b"G", b"A", b"C")
    members: list[Member] = []
    for _ in range(int(draws.rng.integers(_CLUSTER[0], _CLUSTER[1] + 1))):
        found = text.find(base, at, at + _LONGEST_GAP_BP)
        if found < 0:
            return None
        members.append(Member(Edit(found, found + 1, rarely if draws.chance(1 / 4) else changed), haplotype))
        at = found + int(draws.rng.integers(2, FARTHEST_BP + 1))
    return members


def _replacement(draws: _Draws) -> list[Member] | None:
    """REF and ALT of different lengths, both longer than one, that differ at both ends."""
    at, (low, high) = draws.place(), _REPLACED_BP
    length, new = draws.rng.integers(low, high + 1, 2).tolist()
    alt, ref = random_bases(new, 0.42, draws.rng).tobytes(), draws.genome.text[at : at + length]
    if length == new or alt[0] == ref[0] or alt[-1] == ref[-1]:
        return None
    return [Member(Edit(at, at + length, alt), draws.haplotypes()[0])]


def _tandem_duplication(draws: _Draws) -> list[Member]:
    low, high = log(_DUPLICATED_BP[0]), log(_DUPLICATED_BP[1] + 1)
    at, length = draws.place(), min(int(exp(draws.rng.uniform(low, high))), _DUPLICATED_BP[1])
    allele = draws.aligned(Edit(at, at, draws.genome.text[at - length : at]))
    return [Member(allele, draws.haplotypes()[0], tandem=True)]


def _indels_at_one_place(draws: _Draws) -> list[Edit] | None:
    """Two different ones: of a repeat, every other time, else of any place."""
    if draws.chance(0.5):
        tract = draws.tract()
        return None if tract is None else draws.lost_or_gained(tract, 2)
    at = draws.place()
    lengths = draws.rng.integers(1, _LONGEST_INDEL + 1, 2).tolist()
    deletion = Edit(at, at + lengths[0], b"")
    if draws.chance(0.5):
        return [draws.aligned(deletion), draws.aligned(Edit(at, at + lengths[1], b""))]
    return [draws.aligned(deletion), draws.aligned(Edit(at, at, random_bases(lengths[1], 0.42, draws.rng).tobytes()))]


def _two_indels(draws: _Draws) -> list[Member] | None:
    """One is somatic, the other somatic or germline."""
    alleles = _indels_at_one_place(draws)
    if alleles is None:
        return None
    one, other = draws.haplotypes()
    return [Member(alleles[0], one), Member(alleles[1], other, draws.chance(0.5))]


def _two_alleles(draws: _Draws) -> list[Member] | None:
    """Germline: two SNVs of one base, two indels of one place, or a deletion and an SNV of its first base."""
    at, kind = draws.place(), draws.rng.choice(3, p=(0.4, 0.4, 0.2))
    if kind == 0:
        alleles: list[Edit] | None = [draws.snv(at), draws.snv(at)]
    elif kind == 1:
        alleles = _indels_at_one_place(draws)
    else:
        deletion = draws.aligned(Edit(at, at + int(draws.rng.integers(1, _LONGEST_INDEL + 1)), b""))
        alleles = [deletion, draws.snv(deletion.start)]
    if alleles is None:
        return None
    return [Member(allele, haplotype, somatic=False) for allele, haplotype in zip(alleles, draws.haplotypes(), strict=True)]


_Maker = Callable[[_Draws], list[Member] | None]

MAKERS: dict[NeighbourKind, dict[str, _Maker]] = {
    "somatic": {
        "somatic-cis": lambda draws: _two_snvs(draws, cis=True, both_somatic=True),
        "somatic-trans": lambda draws: _two_snvs(draws, cis=False, both_somatic=True),
    },
    "germline": {
        "germline-cis": lambda draws: _two_snvs(draws, cis=True, both_somatic=False),
        "germline-trans": lambda draws: _two_snvs(draws, cis=False, both_somatic=False),
    },
    "indel": {
        "indel-cis": lambda draws: _snv_and_indel(draws, cis=True),
        "indel-trans": lambda draws: _snv_and_indel(draws, cis=False),
    },
    "repeat": {"repeat": _beside_repeat},
    "dinucleotide": {"dinucleotide": _dinucleotide},
    "kataegis": {"kataegis": _kataegis},
    "replacement": {"replacement": _replacement},
    "tandem-duplication": {"tandem-duplication": _tandem_duplication},
    "two-indels": {"two-indels": _two_indels},
    "two-alleles": {"two-alleles": _two_alleles},
}
"""What can be chosen -> the groups that are planted for it, by the name that they have in the truth."""


def haplotype_made(text: bytes, alleles: list[Edit]) -> Edit | None:
    """What alleles of one haplotype make together, trimmed; None where they overlap or make a simpler variant or none.

    A deletion beside a changed base can be the deletion of another base, for example: that is one variant and no group.
    """
    alleles = sorted(alleles, key=lambda allele: (allele.start, allele.end))
    start, parts, at = alleles[0].start, [], alleles[0].start
    for allele in alleles:
        if allele.start < at:
            return None
        parts += [text[at : allele.start], allele.alt]
        at = allele.end
    made = b"".join(parts)
    place, ref, alt = trimmed_alleles(start, text[start:at].decode(), made.decode())
    if len(alleles) > 1 and (not ref or not alt or len(ref) == len(alt) == 1):
        return None
    return Edit(place, place + len(ref), alt.encode())


def _fits(text: bytes, members: list[Member]) -> bool:
    if len({member.allele for member in members}) < len(members):
        return False
    on_each = ([member.allele for member in members if member.haplotype == haplotype] for haplotype in (0, 1))
    return all(haplotype_made(text, alleles) is not None for alleles in on_each if alleles)


def _carriers(settings: SimulationSettings, copies: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Copies 0.. of one haplotype that carry its somatic variants, as many as a frequency from the spectrum up to 0.5 says."""
    u, low, half = rng.random(), settings.min_vaf, copies // 2
    frequency = low + (0.5 - low) * u if settings.vaf_spectrum == "uniform" else 1 / (1 / low - u * (1 / low - 2))
    return np.sort(rng.permutation(half)[: max(1, round(frequency * copies))])


def plant_neighbours(
    genome: Genome, settings: SimulationSettings, copies: int, placement: Placement, rng: np.random.Generator
) -> list[PlantedVariant]:
    """The groups of all chosen kinds. Somatic variants of one haplotype of a group are on the same copies.

    Tumour copies 0 .. copies/2 are of haplotype 0, the rest of haplotype 1. Raises UserError where the genome is too small.
    """
    planted: list[PlantedVariant] = []
    kinds = [name for chosen in settings.kinds_of_neighbours() for name in MAKERS[chosen]]
    if not kinds:
        return planted
    makers = {name: make for names in MAKERS.values() for name, make in names.items()}
    draws = _Draws(genome, repeat_tracts(genome), rng)
    for number, kind in enumerate((kind for kind in kinds for _ in range(settings.neighbour_groups)), 1):
        members = _members(makers[kind], draws, placement)
        planted += _of_group(kind, number, members, settings, copies, rng)
    return planted


def _members(make: _Maker, draws: _Draws, placement: Placement) -> list[Member]:
    for _ in range(TRIES_PER_VARIANT):
        members = make(draws)
        if members and _fits(draws.genome.text, members) and placement.claim([member.allele for member in members]):
            return members
    raise placement.no_room()


def _of_group(
    kind: str, number: int, members: list[Member], settings: SimulationSettings, copies: int, rng: np.random.Generator
) -> list[PlantedVariant]:
    half = copies // 2
    unlisted = int(rng.integers(2)) if kind == "two-alleles" and rng.random() < 0.5 else None
    carriers = [_carriers(settings, copies, rng) + half * haplotype for haplotype in (0, 1)]
    planted = []
    for place, member in enumerate(members):
        own = carriers[member.haplotype] if member.somatic else np.arange(half) + half * member.haplotype
        planted.append(
            PlantedVariant(
                member.allele,
                "SOMATIC_TUMOR" if member.somatic else "GERMLINE_HET",
                len(own) / copies,
                own,
                () if member.somatic else (member.haplotype,),
                member.tandem,
                Group(kind, number, member.haplotype, listed=place != unlisted),
            )
        )
    return planted
