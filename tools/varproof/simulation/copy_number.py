"""Segments of the genome whose copy number the tumour cells have changed, and what that does to variants.

All tumour cells have the change, unless there are subclones (`subclones`). A somatic variant on the haplotype of which they
have several copies is older than the gain, and on all of these, or younger, and on one; a lost haplotype carries nothing that
tumour cells show.
"""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varproof.formats import segments as segment_table
from varproof.machinery.errors import UserError
from varproof.simulation.genome import Genome
from varproof.simulation.settings import SimulationSettings
from varproof.simulation.variants import CopyState, PlantedVariant

SEGMENT_BP = (50_000, 200_000)
SEGMENTS_PER_GENOME = 8
BOUNDARY_BP = 1_000
"""Without variants on either side of a boundary: fragments that would cross it are lost."""
STATES = ((1, 0), (2, 0), (2, 1), (3, 1))
"""Copies of the commoner and the rarer haplotype: loss, copy-neutral loss of heterozygosity, gains of one and two."""
STATES_OF_DOUBLED = ((2, 1), (2, 0), (4, 2), (3, 2), (4, 0))
"""Likewise after the genome was doubled, where what has not changed has two of each: losses of one copy and of a haplotype,
before and after; gains before and after."""
OLDER_THAN_GAIN = 0.5


class Segment(NamedTuple):
    """Reference [first, last): how many copies of haplotype 0 and of 1 tumour cells have."""

    first: int
    last: int
    copies: tuple[int, int]


@dataclass(frozen=True)
class CopyNumbers:
    """`clones`: for each clone of the tumour cells the segments that make up the genome, the same ones in all clones;
    `clone_of`: of each cell its clone (int64, (copies / 2,)). Clone 0 has what all cells have in common."""

    clones: list[list[Segment]]
    clone_of: NDArray[np.int64]

    def of_copy(self, copy: int) -> list[Segment]:
        """Segments of the cell that a copy of the genome is of; copies of haplotype 0 come first, in the order of cells."""
        return self.clones[int(self.clone_of[copy % len(self.clone_of)])]

    def states_at(self, position: int) -> list[tuple[int, int]]:
        """By clone the copies of both haplotypes at a place."""
        index = self.index_of(position)
        return [segments[index].copies for segments in self.clones]

    def index_of(self, position: int) -> int:
        """Number of the segment that holds a place."""
        firsts = [segment.first for segment in self.clones[0]]
        return int(np.searchsorted(firsts, position, side="right")) - 1

    def averages(self) -> list[tuple[int, int, tuple[float, float]]]:
        """(first, last, copies of both haplotypes of an average tumour cell) of each segment."""
        shares = (np.bincount(self.clone_of, minlength=len(self.clones)) / len(self.clone_of)).tolist()
        found = []
        for own in zip(*self.clones, strict=True):
            both = [[share * copies for copies in segment.copies] for share, segment in zip(shares, own, strict=True)]
            zero, one = (sum(copies) for copies in zip(*both, strict=True))
            found.append((own[0].first, own[0].last, (zero, one)))
        return found

    def mean(self) -> float:
        """Copies that an average tumour cell has of an average base: its ploidy."""
        averages = self.averages()
        return sum((last - first) * sum(copies) for first, last, copies in averages) / averages[-1][1]


def one_clone(parts: list[Segment], copies: int) -> CopyNumbers:
    """All tumour cells alike."""
    return CopyNumbers([parts], np.zeros(copies // 2, dtype=np.int64))


def segments(genome: Genome, fraction: float, rng: np.random.Generator, *, doubled: bool = False) -> list[Segment]:
    """Segments that make up the genome; about `fraction` of it has changed, with the states of STATES in turn."""
    states = STATES_OF_DOUBLED if doubled else STATES
    bounds = [0]
    while bounds[-1] < len(genome):
        size = min(int(rng.integers(*SEGMENT_BP)), len(genome) // SEGMENTS_PER_GENOME)
        bounds.append(bounds[-1] + size)
    bounds = [*[bound for bound in bounds if len(genome) - bound > BOUNDARY_BP], len(genome)]
    usual = usual_copies(doubled)
    made = [Segment(first, last, usual) for first, last in itertools.pairwise(bounds)]
    order, changed, turn = rng.permutation(len(states)), 0, 0
    for index in rng.permutation(len(made)).tolist():
        size = made[index].last - made[index].first
        if changed + size / 2 > fraction * len(genome):
            continue
        common, rare = states[order[turn % len(states)]]
        made[index] = made[index]._replace(copies=(common, rare) if rng.random() < 0.5 else (rare, common))
        changed, turn = changed + size, turn + 1
    return made


def usual_copies(doubled: bool) -> tuple[int, int]:
    """Of both haplotypes, where nothing else has changed."""
    return (2, 2) if doubled else (1, 1)


def given_segments(genome: Genome, path: Path, rng: np.random.Generator) -> list[Segment]:
    """The segments of a table, two copies between them, and which haplotype is the rarer one, drawn once per segment.

    Raises UserError for what `read_segments` refuses, and for copy numbers that no single cell has.
    """
    starts = dict(zip(genome.names, genome.starts.tolist(), strict=False))
    made, at = [], 0
    for segment in segment_table.read_segments(path, dict(zip(genome.names, genome.lengths(), strict=True))):
        place = f"{path}: {segment.contig}:{segment.start + 1}-{segment.end}"
        if segment.minor is None:
            raise UserError(f"{place} has no copy number of the rarer haplotype; give minor, too")
        if segment.total != int(segment.total) or segment.minor != int(segment.minor):
            raise UserError(f"{place}: {segment.total:g} and {segment.minor:g} are not the copies of a cell; give integers")
        first, last = starts[segment.contig] + segment.start, starts[segment.contig] + segment.end
        minor, major = int(segment.minor), int(segment.total - segment.minor)
        if first > at:
            made.append(Segment(at, first, (1, 1)))
        made.append(Segment(first, last, (minor, major) if rng.random() < 0.5 else (major, minor)))
        at = last
    return [*made, Segment(at, len(genome), (1, 1))] if at < len(genome) else made


def decided_segments(genome: Genome, settings: SimulationSettings, rng: np.random.Generator) -> list[Segment]:
    """The segments that the settings ask for, of all tumour cells."""
    if settings.segments is not None:
        return given_segments(genome, settings.segments, rng)
    if settings.copy_number_fraction:
        return segments(genome, settings.copy_number_fraction, rng, doubled=settings.genome_doubling)
    return [Segment(0, len(genome), usual_copies(settings.genome_doubling))]


def room_for_variants(genome: Genome, parts: list[Segment]) -> NDArray[np.bool_]:
    """Per base: whether no boundary of two segments is near, and tumour cells have the place at all."""
    free = np.ones(len(genome), dtype=bool)
    for part in parts[1:]:
        free[max(0, part.first - BOUNDARY_BP) : part.first + BOUNDARY_BP] = False
    for part in parts:
        if not any(part.copies):
            free[part.first : part.last] = False
    return free


def copies_by_cell(
    carriers: NDArray[np.int64], only: int | None, states: list[tuple[int, int]], clone_of: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(cells,): how many copies of a variant each tumour cell has; `carriers`: before the change, `only`: of `CopyState`."""
    number = np.zeros(len(clone_of), dtype=np.int64)
    for haplotype in (0, 1):
        cells = carriers[(carriers >= len(clone_of)) == bool(haplotype)] - haplotype * len(clone_of)
        have = np.array([_that_carry(copies[haplotype], only) for copies in states], dtype=np.int64)
        number[cells] += have[clone_of[cells]]
    return number


def _that_carry(have: int, only: int | None) -> int:
    return have if only is None or have < 2 else int(only < have)


def changed_variant(
    variant: PlantedVariant, carriers: NDArray[np.int64], only: int | None, numbers: CopyNumbers, clone: int | None = None
) -> PlantedVariant:
    """The variant with the state and the frequency that its carriers leave it; `clone`: whose it is, if there are subclones."""
    states, clone_of = numbers.states_at(variant.allele.start), numbers.clone_of
    by_cell = copies_by_cell(carriers, only, states, clone_of)
    totals = np.array([sum(copies) for copies in states], dtype=np.int64)
    shown, with_it = int(by_cell.sum()), int((by_cell > 0).sum())
    commonest = states[int(np.argmax(np.bincount(clone_of, minlength=len(states))))]
    state = CopyState(
        sum(commonest),
        min(commonest),
        only,
        with_it / len(clone_of),
        shown / with_it if with_it else 0.0,
        None if clone is None else (clone, float(totals[clone_of].mean())),
    )
    return replace(variant, copies=carriers, frequency=shown / int(totals[clone_of].sum()), state=state)


def carried_through(planted: list[PlantedVariant], numbers: CopyNumbers, rng: np.random.Generator) -> list[PlantedVariant]:
    """The variants with state, carriers and frequency in tumour cells, all alike, that their segment's copy number leaves them.

    A somatic variant whose haplotype was lost is on the other one instead, in the same share of its copies.
    """
    half, changed = len(numbers.clone_of), []
    for variant in planted:
        (copies,) = numbers.states_at(variant.allele.start)
        carriers, only = variant.copies, None
        somatic = not variant.haplotypes
        if somatic and 0 in copies:
            kept = int(copies[0] == 0)
            number = min(half, max(1, round(variant.frequency * half)))
            carriers = np.sort(kept * half + rng.permutation(half)[:number])
        several = [have for have in copies if have > 1]
        if somatic and several and rng.random() >= OLDER_THAN_GAIN:
            only = int(rng.integers(min(several)))
        changed.append(changed_variant(variant, carriers, only, numbers))
    return changed


def carried_by(alleles: NDArray[np.int64], only: NDArray[np.int64], number: int, have: int) -> NDArray[np.int64]:
    """Of the alleles of a haplotype of which there are `have` copies, those of copy `number`; `only` is -1 for all copies."""
    if have == 1:
        return alleles
    return alleles[(only[alleles] < 0) | (only[alleles] == number)]


def true_segments(genome: Genome, numbers: CopyNumbers) -> list[segment_table.Segment]:
    """What segments.tsv tells: copies of an average tumour cell, each segment within a contig."""
    return [
        segment_table.Segment(contig, low - begin, high - begin, sum(copies), min(copies))
        for first, last, copies in numbers.averages()
        for contig, begin, end in zip(genome.names, genome.starts[:-1].tolist(), genome.starts[1:].tolist(), strict=True)
        for low, high in [(max(first, begin), min(last, end))]
        if low < high
    ]
