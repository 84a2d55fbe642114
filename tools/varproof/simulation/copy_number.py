"""Segments of the genome whose copy number the tumour cells have changed, and what that does to variants.

All tumour cells have the change. A somatic variant on the haplotype of which they have several copies is older than the gain,
and on all of these, or younger, and on one; a lost haplotype carries nothing that tumour cells show.
"""

import itertools
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from varproof.simulation.genome import Genome
from varproof.simulation.variants import CopyState, PlantedVariant

SEGMENT_BP = (50_000, 200_000)
SEGMENTS_PER_GENOME = 8
BOUNDARY_BP = 1_000
"""Without variants on either side of a boundary: fragments that would cross it are lost."""
STATES = ((1, 0), (2, 0), (2, 1), (3, 1))
"""Copies of the commoner and the rarer haplotype: loss, copy-neutral loss of heterozygosity, gains of one and two."""
_OLDER_THAN_GAIN = 0.5


class Segment(NamedTuple):
    """Reference [first, last): how many copies of haplotype 0 and of 1 tumour cells have."""

    first: int
    last: int
    copies: tuple[int, int]


def segments(genome: Genome, fraction: float, rng: np.random.Generator) -> list[Segment]:
    """Segments that make up the genome; about `fraction` of it has changed, with the states of STATES in turn."""
    bounds = [0]
    while bounds[-1] < len(genome):
        size = min(int(rng.integers(*SEGMENT_BP)), len(genome) // SEGMENTS_PER_GENOME)
        bounds.append(bounds[-1] + size)
    bounds = [*[bound for bound in bounds if len(genome) - bound > BOUNDARY_BP], len(genome)]
    made = [Segment(first, last, (1, 1)) for first, last in itertools.pairwise(bounds)]
    states, changed, turn = rng.permutation(len(STATES)), 0, 0
    for index in rng.permutation(len(made)).tolist():
        size = made[index].last - made[index].first
        if changed + size / 2 > fraction * len(genome):
            continue
        common, rare = STATES[states[turn % len(STATES)]]
        made[index] = made[index]._replace(copies=(common, rare) if rng.random() < 0.5 else (rare, common))
        changed, turn = changed + size, turn + 1
    return made


def away_from_boundaries(genome: Genome, parts: list[Segment]) -> NDArray[np.bool_]:
    """Per base: whether no boundary of two segments is near."""
    far = np.ones(len(genome), dtype=bool)
    for part in parts[1:]:
        far[max(0, part.first - BOUNDARY_BP) : part.first + BOUNDARY_BP] = False
    return far


def carried_through(
    planted: list[PlantedVariant], parts: list[Segment], copies: int, rng: np.random.Generator
) -> list[PlantedVariant]:
    """The variants with state, carriers and frequency in tumour cells that their segment's copy number leaves them.

    `copies` are the molecules of one tumour cell population before the change, those of haplotype 0 first. A somatic variant
    whose haplotype was lost is on the other one instead, in the same share of its copies.
    """
    firsts, half, changed = np.array([part.first for part in parts]), copies // 2, []
    for variant in planted:
        part = parts[int(np.searchsorted(firsts, variant.allele.start, side="right")) - 1]
        carriers, only = variant.copies, None
        somatic = not variant.haplotypes
        if somatic and 0 in part.copies:
            kept = int(part.copies[0] == 0)
            number = min(half, max(1, round(variant.frequency * half)))
            carriers = np.sort(kept * half + rng.permutation(half)[:number])
        several = max(part.copies)
        if somatic and several > 1 and rng.random() >= _OLDER_THAN_GAIN:
            only = int(rng.integers(several))
        on_haplotype = (int((carriers < half).sum()), int((carriers >= half).sum()))
        shown = sum(
            number * (have if only is None or have == 1 else 1) for number, have in zip(on_haplotype, part.copies, strict=True)
        )
        frequency = shown / (half * sum(part.copies))
        state = CopyState(sum(part.copies), min(part.copies), only)
        changed.append(replace(variant, copies=carriers, frequency=frequency, state=state))
    return changed


def carried_by(alleles: NDArray[np.int64], only: NDArray[np.int64], number: int, have: int) -> NDArray[np.int64]:
    """Of the alleles of a haplotype of which there are `have` copies, those of copy `number`; `only` is -1 for all copies."""
    if have == 1:
        return alleles
    return alleles[(only[alleles] < 0) | (only[alleles] == number)]
