"""Which places are sequenced: all, the targets of a panel whose fragments are captured, or amplicons."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varproof.machinery.errors import UserError
from varproof.machinery.numerics import exp
from varproof.reads.regions import regions_within
from varproof.simulation.copies import Copy
from varproof.simulation.genome import Genome
from varproof.simulation.settings import FEWEST_TARGET_BP, SimulationSettings

PRIMER_BP = 25
"""At either end of an amplicon, where no variant is planted: there primers are read, not the sample."""
_TRIES_PER_TARGET = 200
_DEPTH_SD = 0.3
"""Of the natural logarithm of a target's depth over the mean's."""


@dataclass(frozen=True)
class Target:
    """Reference [first, last), and its depth over the mean's."""

    first: int
    last: int
    depth: float


@dataclass(frozen=True)
class Targets:
    """What is sequenced: `parts` hold whole fragments; variants may be `inside` (one per base)."""

    targets: list[Target]
    parts: list[Target]
    inside: NDArray[np.bool_]
    amplicons: bool

    def holds(self, copy: Copy) -> bool:
        """Whether fragments of such a copy are captured; amplicons are of the samples' genomes alone."""
        return not self.amplicons and any(part.first < copy.last and copy.first < part.last for part in self.parts)


def decide_targets(genome: Genome, settings: SimulationSettings, rng: np.random.Generator) -> Targets | None:
    """The targets of a panel; None where everything is sequenced. Raises UserError where they don't fit into the genome."""
    if not settings.has_targets:
        return None
    flank = 0 if settings.amplicons else round(settings.insert_size_mean + 2 * settings.insert_size_sd)
    intervals = _given(genome, settings) if settings.targets is not None else _drawn(genome, settings, flank, rng)
    if settings.amplicons and min(last - first for first, last in intervals) < max(settings.read_length, FEWEST_TARGET_BP):
        raise UserError(
            f"--amplicons: a target is shorter than --read-length ({settings.read_length}) or {FEWEST_TARGET_BP} bp"
        )
    depths = [exp(value) for value in rng.normal(0, _DEPTH_SD, len(intervals)).tolist()]
    mean = sum(depths) / len(depths)
    targets = [Target(first, last, depth / mean) for (first, last), depth in zip(intervals, depths, strict=True)]
    inside = np.zeros(len(genome), dtype=bool)
    parts: list[Target] = []
    for target in targets:
        edge = PRIMER_BP if settings.amplicons else 0
        inside[target.first + edge : target.last - edge] = True
        contig = genome.contig_of(target.first)
        first = max(int(genome.starts[contig]), target.first - flank)
        last = min(int(genome.starts[contig + 1]), target.last + flank)
        if not settings.amplicons and parts and parts[-1].last >= first:  # fragments of two near targets are one pool
            parts[-1] = Target(parts[-1].first, last, parts[-1].depth)
        else:
            parts.append(Target(first, last, target.depth))
    return Targets(targets, parts, inside, settings.amplicons)


def _given(genome: Genome, settings: SimulationSettings) -> list[tuple[int, int]]:
    assert settings.targets is not None
    reference = settings.reference or settings.targets
    found = regions_within(settings.targets, genome.names, reference)
    intervals = []
    for name, start, length in zip(genome.names, genome.starts[:-1].tolist(), genome.lengths(), strict=True):
        for first, last in found.get(name, []):
            if last > length:
                raise UserError(f"{settings.targets}: {name}:{first + 1}-{last} ends after the contig's {length} bp")
            intervals.append((start + first, start + last))
    return intervals


def _drawn(genome: Genome, settings: SimulationSettings, flank: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Random targets that neither overlap nor share fragments, nor hold an N."""
    taken = genome.bases == ord("N")
    for boundary in genome.starts.tolist():
        taken[max(0, boundary - 1) : boundary + 1] = True
    size, found = settings.target_length, []
    for _ in range(settings.panel_targets):
        for _ in range(_TRIES_PER_TARGET):
            first = int(rng.integers(len(genome)))
            whole = slice(max(0, first - flank), first + size + flank)
            if first - flank >= 0 and whole.stop <= len(genome) and not taken[whole].any():
                break
        else:
            raise UserError(
                f"no room for {settings.panel_targets} targets of {size} bp and their fragments in {len(genome)} bp; ask for "
                "fewer or for a longer genome"
            )
        taken[whole] = True
        found.append((first, first + size))
    return sorted(found)
