"""Where artefacts happen and which alleles they make: hot spots, paralogs, another person, slippage; and their labels."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varproof.machinery.numerics import exp, log
from varproof.simulation import reads_codes as codes
from varproof.simulation.copies import Copy
from varproof.simulation.genome import BASES, Genome, RepeatTracts, random_bases
from varproof.simulation.variants import SPACING_BP
from varproof.variants.edit import Edit, left_aligned

HOT_SPOTS_PER_MBP = 50
PARALOG_DEPTH_FRACTIONS = (0.03, 0.3)
_LONGEST_SLIPPAGE_RATE = 0.08
_SLIPPAGE_DECAY_PER_UNIT = 0.35
MIN_READS = 2
KIND_NAMES = {
    codes.OXIDATION: "oxidation",
    codes.DEAMINATION: "deamination",
    codes.END_ERROR: "end_errors",
    codes.FORMALIN: "formalin",
    codes.ORIENTED: "oriented",
    codes.MOTIF: "strand_motif",
    codes.TEMPLATE: "template",
}


class LabelledAllele(NamedTuple):
    """An allele that an artefact makes."""

    allele: Edit
    kind: str


@dataclass
class Paralogs:
    """Diverged copies of segments: their alleles against the reference, and per copy the depth relative to the sample's."""

    alleles: list[Edit]
    copies: list[Copy]
    weights: list[float]


def no_hot_spots() -> NDArray[np.float32]:
    """The array that stands for no hot spots."""
    return np.empty(0, dtype=np.float32)


def hot_spots(genome: Genome, susceptible: bytes, rng: np.random.Generator) -> NDArray[np.float32]:
    """Per reference base the extra damage rate, 0.05-0.2 at HOT_SPOTS_PER_MBP random bases among `susceptible`, else 0."""
    rates = np.zeros(len(genome), dtype=np.float32)
    sites = np.flatnonzero(np.isin(genome.bases, np.frombuffer(susceptible, dtype=np.uint8)))
    number = min(len(sites), round(HOT_SPOTS_PER_MBP * len(genome) / 1e6))
    rates[rng.choice(sites, number, replace=False)] = rng.uniform(0.05, 0.2, number)
    return rates


def hot_spot_alleles(genome: Genome, rates: NDArray[np.float32], change: dict[bytes, bytes], kind: str) -> list[LabelledAllele]:
    """The substitution that damage makes at each hot spot."""
    found = []
    for at in np.flatnonzero(rates).tolist():
        found.append(LabelledAllele(Edit(at, at + 1, change[genome.text[at : at + 1]]), kind))
    return found


def paralogs(genome: Genome, per_mbp: float, rng: np.random.Generator) -> Paralogs:
    """Segments of 500-1,000 bp, 2-6 % diverged, one in ten changes an indel of 1-8 bp; depth log-uniform in 0.03-0.3."""
    result = Paralogs([], [], [])
    for _ in range(round(per_mbp * len(genome) / 1e6)):
        size = int(rng.integers(500, 1001))
        first = int(rng.integers(max(1, len(genome) - size)))
        contig = genome.contig_of(first)
        last = min(first + size, int(genome.starts[contig + 1]))
        segment = genome.bases[first:last]
        if last - first < 300 or (segment == ord("N")).any():
            continue
        sites = np.flatnonzero(rng.random(last - first - 20) < rng.uniform(0.02, 0.06)) + first + 2
        alleles = diverged_alleles(genome, sites, rng)
        indices = np.arange(len(result.alleles), len(result.alleles) + len(alleles))
        result.alleles += alleles
        result.copies.append(Copy(first, last, indices))
        low, high = map(log, PARALOG_DEPTH_FRACTIONS)
        result.weights.append(exp(rng.uniform(low, high)))
    return result


def diverged_alleles(genome: Genome, sites: NDArray[np.int64], rng: np.random.Generator) -> list[Edit]:
    """How a diverged copy differs at these sites, in order: one in ten changes is an indel of 1-8 bp; none touch."""
    alleles: list[Edit] = []
    for at in sites.tolist():
        if alleles and at < alleles[-1].end + 1:
            continue
        if rng.random() < 0.1:
            length = min(8, int(rng.zipf(2.0)))
            allele = Edit(at, at + length, b"")
            if rng.random() < 0.5:
                allele = Edit(at, at, random_bases(length, 0.42, rng).tobytes())
        else:
            index = int(np.searchsorted(BASES, genome.bases[at]))
            allele = Edit(at, at + 1, BASES[[(index + int(rng.integers(1, 4))) % 4]].tobytes())
        alleles.append(allele)
    return alleles


def slippage_rates(tracts: RepeatTracts, rate_at_14: float) -> NDArray[np.float64]:
    """Slipping fragments per tract: `rate_at_14` for 14 units of one base, e-fold less per 3 units; less in longer units."""
    from varproof.machinery.numerics_numba_fns import exp_of

    units = (tracts.end - tracts.start) / tracts.unit
    rates = rate_at_14 * exp_of((units - 14) * _SLIPPAGE_DECAY_PER_UNIT)
    several = tracts.unit > 1
    rates[several] = rate_at_14 / 2 * exp_of((units[several] - 10) * _SLIPPAGE_DECAY_PER_UNIT) / (tracts.unit[several] - 1)
    return np.minimum(rates, max(_LONGEST_SLIPPAGE_RATE, rate_at_14) if rate_at_14 else 0.0)


def slippage_allele(genome: Genome, tracts: RepeatTracts, tract: int, units: int) -> Edit:
    """The left-aligned allele of a tract that lost (negative) or gained whole units."""
    start, bases = int(tracts.start[tract]), abs(units) * int(tracts.unit[tract])
    limit = int(genome.starts[genome.contig_of(start)])
    if units < 0:
        return left_aligned(Edit(start, start + bases, b""), genome.text, limit + 1)
    return left_aligned(Edit(start, start, genome.text[start : start + bases]), genome.text, limit + 1)


class ArtifactCounts:
    """Counts, over all chunks of the tumour, of the reads that an artefact made, by allele."""

    def __init__(self) -> None:
        self.bases: Counter[tuple[int, int, int]] = Counter()
        self.slips: Counter[tuple[int, int]] = Counter()

    def add(
        self,
        position: NDArray[np.int64],
        base: NDArray[np.uint8],
        kind: NDArray[np.uint8],
        tract: NDArray[np.int64],
        units: NDArray[np.int64],
    ) -> None:
        """Add a chunk's events (see `reads.ReadPairs`)."""
        self.bases.update(zip(position.tolist(), base.tolist(), kind.tolist(), strict=True))
        self.slips.update(zip(tract.tolist(), units.tolist(), strict=True))

    def labelled(self, genome: Genome, tracts: RepeatTracts) -> list[LabelledAllele]:
        """Alleles with at least MIN_READS reads that one kind of artefact made."""
        found = []
        for (position, base, kind), number in sorted(self.bases.items()):
            if number >= MIN_READS and genome.text[position] != base:
                found.append(LabelledAllele(Edit(position, position + 1, bytes([base])), KIND_NAMES[kind]))
        for (tract, units), number in sorted(self.slips.items()):
            if number >= MIN_READS:
                found.append(LabelledAllele(slippage_allele(genome, tracts, tract, units), "slippage"))
        return found


def joined_kinds(locus_wise: list[LabelledAllele], read_wise: list[LabelledAllele], seen: set[Edit]) -> dict[Edit, str]:
    """Allele -> its artefact kinds, joined by '&'; of `read_wise` only those in `seen` (the candidates)."""
    kinds: dict[Edit, set[str]] = defaultdict(set)
    for allele, kind in locus_wise:
        kinds[allele].add(kind)
    for allele, kind in read_wise:
        if allele in seen:
            kinds[allele].add(kind)
    return {allele: "&".join(sorted(names)) for allele, names in kinds.items()}


def normalised(genome: Genome, allele: Edit) -> Edit:
    """The allele left-aligned within its contig."""
    return left_aligned(allele, genome.text, int(genome.starts[genome.contig_of(allele.start)]) + 1)


def near_edge(genome: Genome, allele: Edit) -> bool:
    """Whether an allele comes so close to its contig's end that it can't be written with a base before it."""
    contig = genome.contig_of(allele.start)
    return allele.start < genome.starts[contig] + SPACING_BP
