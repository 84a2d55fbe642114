"""Subclones: parts of the tumour cells that have somatic variants and copy numbers of their own beside what all cells have.

Subclones share no cells. A variant of all cells is on one haplotype; where a subclone has changed the copy number of its place,
it is older than that change. A variant of a subclone is younger than what all cells have gained.
"""

import numpy as np
from numpy.typing import NDArray

from varproof.simulation.copy_number import OLDER_THAN_GAIN, CopyNumbers, Segment, changed_variant, usual_copies
from varproof.simulation.variants import PlantedVariant

CLONAL_VARIANTS = 0.5
CLONAL_SEGMENTS = 0.6
"""Shares of the somatic variants, and of the changed segments, that all tumour cells have."""


def clones_of_cells(shares: list[float], cells: int) -> NDArray[np.int64]:
    """(cells,): of each cell its subclone, from 1, or 0; as many cells of each as its share comes nearest to."""
    clone_of, at = np.zeros(cells, dtype=np.int64), 0
    for number, share in enumerate(shares, 1):
        size = round(share * cells)
        clone_of[at : at + size] = number
        at += size
    return clone_of


def spread_over_clones(
    parts: list[Segment], shares: list[float], copies: int, doubled: bool, rng: np.random.Generator
) -> tuple[CopyNumbers, list[int]]:
    """(copy numbers by clone, of each segment the clone that has changed it); the changes of `parts` are shared out."""
    usual = usual_copies(doubled)
    owners = [
        0 if part.copies == usual or rng.random() < CLONAL_SEGMENTS else 1 + int(rng.integers(len(shares))) for part in parts
    ]
    clones = [
        [part if owner in (0, clone) else part._replace(copies=usual) for part, owner in zip(parts, owners, strict=True)]
        for clone in range(len(shares) + 1)
    ]
    return CopyNumbers(clones, clones_of_cells(shares, copies // 2)), owners


def in_clones(
    planted: list[PlantedVariant], numbers: CopyNumbers, owners: list[int], doubled: bool, rng: np.random.Generator
) -> list[PlantedVariant]:
    """The variants with carriers, state and frequency: somatic ones in all tumour cells, or in all cells of one subclone."""
    clone_of, changed = numbers.clone_of, []
    for variant in planted:
        if variant.haplotypes:
            changed.append(changed_variant(variant, variant.copies, None, numbers, 0))
            continue
        clone = 0 if rng.random() < CLONAL_VARIANTS else 1 + int(rng.integers(len(numbers.clones) - 1))
        states = numbers.states_at(variant.allele.start)
        haplotype = int(rng.integers(2))
        if states[clone][haplotype] == 0:
            haplotype = 1 - haplotype
        cells = np.arange(len(clone_of)) if clone == 0 else np.flatnonzero(clone_of == clone)
        have = [state[haplotype] for state in (states if clone == 0 else [states[clone]])]
        only, several = None, [number for number in have if number > 1]
        if have[0] > 1:  # the cells in which it arose have gained copies
            may_be_older = clone == 0 or (not doubled and owners[numbers.index_of(variant.allele.start)] == clone)
            if not may_be_older or rng.random() >= OLDER_THAN_GAIN:
                only = int(rng.integers(min(several)))
        changed.append(changed_variant(variant, cells + haplotype * len(clone_of), only, numbers, clone))
    return changed
