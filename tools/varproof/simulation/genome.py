"""The reference genome: a random one with realistic trouble, or the user's, as one array of bases.

Contigs lie one after the other in `Genome.bases`; all coordinates inside the simulation are 0-based positions in that array.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from varproof.machinery.errors import OtherFormat, UserError

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
_GC_WINDOW_BP = 2_000
_HOMOPOLYMERS_PER_MBP = 1_500
_MICROSATELLITES_PER_MBP = 400
_INTERSPERSED_FRACTION = 0.15
_SEGMENTAL_DUPLICATION_FRACTION = 0.015
_LINE_BP = 60


@dataclass
class Genome:
    """Bases (uint8 ASCII, upper case, ACGTN) of all contigs in a row; `starts` has one more entry than `names`."""

    names: list[str]
    starts: NDArray[np.int64]
    bases: NDArray[np.uint8]
    text: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.text = self.bases.tobytes()

    def __len__(self) -> int:
        return len(self.bases)

    def contig_of(self, position: int) -> int:
        """Index of the contig that holds a position."""
        return int(np.searchsorted(self.starts, position, side="right")) - 1

    def lengths(self) -> list[int]:
        """bp of each contig."""
        return [int(length) for length in np.diff(self.starts)]


def random_bases(length: int, gc: float | NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """`length` independent bases; `gc` is one fraction or one per base."""
    strong = rng.random(length) < gc
    second = rng.random(length) < 0.5
    return BASES[np.where(strong, np.where(second, 1, 2), np.where(second, 0, 3))]


def diverged(
    segment: NDArray[np.uint8], divergence: float, rng: np.random.Generator, indel_rate: float = 0.0
) -> NDArray[np.uint8]:
    """A copy with `divergence` substitutions per base and `indel_rate` short indels per base."""
    copy = segment.copy()
    changed = np.flatnonzero(rng.random(len(copy)) < divergence)
    index = np.searchsorted(BASES, copy[changed])
    copy[changed] = BASES[(index + rng.integers(1, 4, len(changed))) % 4]
    if indel_rate:
        repeats = np.ones(len(copy), dtype=np.int64)
        indels = np.flatnonzero(rng.random(len(copy)) < indel_rate)
        repeats[indels] = rng.integers(0, 2, len(indels)) * 2
        copy = np.repeat(copy, repeats)
    return copy


def _random_contig(length: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    knots = np.arange(0, length + _GC_WINDOW_BP, _GC_WINDOW_BP)
    gc = np.clip(rng.normal(0.42, 0.06, len(knots)), 0.28, 0.65)
    contig = random_bases(length, np.interp(np.arange(length), knots, gc), rng)

    families = [random_bases(size, 0.45, rng) for size in (300, 300, 280, 150, 200, 500, 700, 900, 1000, 350)]
    covered = 0
    while covered < _INTERSPERSED_FRACTION * length:
        family = families[int(rng.integers(len(families)))]
        part = int(rng.integers(min(100, len(family)), len(family) + 1))
        first = int(rng.integers(len(family) - part + 1))
        copy = diverged(family[first : first + part], rng.uniform(0.05, 0.20), rng, 0.01)
        if rng.random() < 0.5:
            copy = reverse_complement(copy)
        at = int(rng.integers(max(1, length - len(copy))))
        contig[at : at + len(copy)] = copy[: length - at]
        covered += len(copy)

    for _ in range(rng.poisson(_HOMOPOLYMERS_PER_MBP * length / 1e6)):
        size = min(16, 5 + int(rng.geometric(0.3)))
        at = int(rng.integers(length - size))
        contig[at : at + size] = BASES[rng.choice(4, p=(0.42, 0.08, 0.08, 0.42))]
    for _ in range(rng.poisson(_MICROSATELLITES_PER_MBP * length / 1e6)):
        unit = random_bases(int(rng.choice([2, 3, 4, 5, 6], p=(0.4, 0.2, 0.25, 0.1, 0.05))), 0.4, rng)
        size = min(60, len(unit) * (3 + int(rng.geometric(0.2))))
        at = int(rng.integers(length - size))
        contig[at : at + size] = np.resize(unit, size)

    covered = 0
    while covered < _SEGMENTAL_DUPLICATION_FRACTION * length:
        size = min(int(rng.integers(1_000, 5_000)), length // 10)
        source, target = (int(x) for x in rng.integers(0, length - size, 2))
        if abs(source - target) < size:
            continue
        contig[target : target + size] = diverged(contig[source : source + size], rng.uniform(0.01, 0.03), rng)
        covered += size
    return contig


def random_genome(length: int, contigs: int, rng: np.random.Generator) -> Genome:
    """Random genome with GC that varies along it, homopolymers, microsatellites, interspersed and segmental duplications."""
    parts = [_random_contig(length // contigs, rng) for _ in range(contigs)]
    starts = np.cumsum([0] + [len(part) for part in parts])
    return Genome([f"chr{i + 1}" for i in range(contigs)], starts.astype(np.int64), np.concatenate(parts))


def read_genome(path: Path) -> Genome:
    """The user's reference, upper case, everything but ACGT as N; raises UserError where it can't be read."""
    try:
        with pysam.FastxFile(str(path)) as handle:
            records = [(str(entry.name), entry.sequence.upper()) for entry in handle if entry.sequence]
    except OSError as error:
        raise OtherFormat(f"{path}: not a readable FASTA file ({error.strerror or error})") from error
    if not records:
        raise UserError(f"{path}: holds no sequence; give a FASTA file")
    bases = np.frombuffer("".join(sequence for _, sequence in records).encode(), dtype=np.uint8).copy()
    bases[~np.isin(bases, BASES)] = ord("N")
    starts = np.cumsum([0] + [len(sequence) for _, sequence in records])
    return Genome([name for name, _ in records], starts.astype(np.int64), bases)


def write_fasta(genome: Genome, path: Path) -> None:
    """FASTA with its .fai index."""
    with path.open("wb") as handle:
        for i, name in enumerate(genome.names):
            handle.write(f">{name}\n".encode())
            sequence = genome.text[genome.starts[i] : genome.starts[i + 1]]
            for at in range(0, len(sequence), _LINE_BP):
                handle.write(sequence[at : at + _LINE_BP] + b"\n")
    pysam.faidx(str(path))


_COMPLEMENT = np.arange(256, dtype=np.uint8)
_COMPLEMENT[np.frombuffer(b"ACGT", dtype=np.uint8)] = np.frombuffer(b"TGCA", dtype=np.uint8)


def reverse_complement(bases: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reverse complement; N stays N."""
    return _COMPLEMENT[bases[::-1]]


@dataclass
class RepeatTracts:
    """Short tandem repeats: `start`, `end` (bp), `unit` (bp per unit), one entry per tract, sorted by start."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    unit: NDArray[np.int64]


def repeat_tracts(genome: Genome, max_unit: int = 4, min_length: int = 6) -> RepeatTracts:
    """Tracts with at least `min_length` bp (units of 2 or more: 3 units and 8 bp); the shortest unit names a tract."""
    bases, found = genome.bases, {}
    for unit in range(1, max_unit + 1):
        same = np.zeros(len(bases) + 1, dtype=np.int8)
        same[unit : len(bases)] = (bases[unit:] == bases[:-unit]) & (bases[unit:] != ord("N"))
        for boundary in genome.starts[1:-1]:
            same[boundary : boundary + unit] = 0
        edges = np.flatnonzero(np.diff(np.concatenate([[0], same])))
        for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            start, length = first - unit, last - first + unit
            if length < (min_length if unit == 1 else max(8, 3 * unit)):
                continue
            if len(set(genome.text[start : start + unit])) > (unit > 1) and start not in found:
                found[start] = (last, unit)
    order = sorted(found)
    return RepeatTracts(
        np.array(order, dtype=np.int64),
        np.array([found[at][0] for at in order], dtype=np.int64),
        np.array([found[at][1] for at in order], dtype=np.int64),
    )
