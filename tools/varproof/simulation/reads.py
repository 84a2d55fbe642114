"""Read pairs of a sample: fragments drawn from its molecules, damaged, sequenced with errors, chunk by chunk.

A chunk is a fixed number of fragments from anywhere in the genome with its own random stream, so that results don't depend
on how chunks are spread over processes. Qualities are binned as of current Illumina instruments, fall along the read and
vary between reads; a base is wrong with the probability that its quality says (times the inflation, if that is asked for).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from varproof.machinery.numerics import exp10
from varproof.simulation.copies import LEFT, RIGHT, Molecules
from varproof.simulation.genome import RepeatTracts

QUALITY_LEVELS = np.array([2, 11, 25, 37], dtype=np.uint8)
END_ERROR_BP = 8
_EVENTS_PER_PAIR = 12


@dataclass
class Loci:
    """Places whose artefact makes one allele: one entry per reference base, or none.

    `rate` is that of the fragments or reads that can show it (float32, 0 almost everywhere), `base` the allele on the forward
    strand (uint8), `shown_by` and `kind` codes of `reads_codes` (uint8). Where another allele is than the reference's
    nothing happens.
    """

    rate: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    base: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    shown_by: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    kind: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))


@dataclass
class Qualities:
    """Base qualities of an instrument or of consensus reads: `levels` (uint8, ascending) and `cumulative`, P(quality <= level)
    per cycle for all levels but the highest, shape (read_length, levels - 1)."""

    levels: NDArray[np.uint8]
    cumulative: NDArray[np.float64]


@dataclass
class ReadModel:
    """How fragments become reads. Rates are per base or per fragment; `hot_*` have one rate per reference base or none.

    `template_error_rate`: errors that were in the molecule before it was copied, in both mates and at any quality;
    `both_orientations` False: the first read is always forward, as some pipelines write consensus reads.
    """

    read_length: int
    insert_size_mean: float
    insert_size_sd: float
    duplicate_fraction: float
    error_inflation: float
    end_error_rate: float
    damage_rate: float
    hot_oxidation: NDArray[np.float32]
    hot_deamination: NDArray[np.float32]
    tracts: RepeatTracts
    tract_rate: NDArray[np.float64]
    loci: Loci = field(default_factory=Loci)
    template_error_rate: float = 0.0
    both_orientations: bool = True
    qualities: Qualities | None = None


@dataclass
class ReadPairs:
    """Pairs as sequenced: `bases`, `qualities` (pairs, 2, read_length) uint8; `duplicate` (pairs) bool; what artefacts made.

    Events are bases of reads: `event_position` (reference), `event_base` (forward strand), `event_kind` (codes of
    `reads_codes`); slips are fragments: `slip_tract`, `slip_units` (negative: lost).
    `copy`, `begin`, `length` (pairs) tell where the fragment is from.
    """

    bases: NDArray[np.uint8]
    qualities: NDArray[np.uint8]
    duplicate: NDArray[np.bool_]
    event_position: NDArray[np.int64]
    event_base: NDArray[np.uint8]
    event_kind: NDArray[np.uint8]
    slip_tract: NDArray[np.int64]
    slip_units: NDArray[np.int64]
    copy: NDArray[np.int64]
    begin: NDArray[np.int64]
    length: NDArray[np.int64]


def quality_profile(read_length: int) -> NDArray[np.float64]:
    """P(quality <= level) per cycle for all levels but the highest; shape (read_length, 3)."""
    x = np.linspace(0, 1, read_length)
    lowest, low, middle = 0.0005 + 0.002 * x**2, 0.018 + 0.05 * x**2, 0.03 + 0.08 * x**2
    return np.cumsum(np.stack([lowest, low, middle], axis=1), axis=1)


def tract_positions(genome_length: int, tracts: RepeatTracts) -> NDArray[np.int32]:
    """Per reference base: the index of the tract that begins there, or -1."""
    at = np.full(genome_length, -1, dtype=np.int32)
    at[tracts.start] = np.arange(len(tracts.start))
    return at


def _anchored(
    molecules: Molecules, copy: NDArray[np.int64], begin: NDArray[np.int64], length: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(begin, length) of fragments, those of copies with fixed ends moved to them."""
    anchor = molecules.anchor[copy]
    if not anchor.any():
        return begin, length
    whole = molecules.length[copy]
    length = np.where(anchor == LEFT | RIGHT, whole, np.where(anchor > 0, np.minimum(length, whole), length))
    return np.where(anchor & LEFT > 0, 0, np.where(anchor == RIGHT, whole - length, begin)), length


def simulate_reads(
    reference: NDArray[np.uint8],
    contig_starts: NDArray[np.int64],
    molecules: Molecules,
    weights: NDArray[np.float64],
    model: ReadModel,
    tract_at: NDArray[np.int32],
    fragments: int,
    rng: np.random.Generator,
) -> ReadPairs:
    """`fragments` draws, copies in proportion to weight x length; those that would leave their copy or contig are lost."""
    from varproof.simulation.reads_numba_fns import sequence_fragments

    qualities_as = model.qualities or Qualities(QUALITY_LEVELS, quality_profile(model.read_length))
    mass = np.cumsum(weights * molecules.length)
    copy = np.minimum(np.searchsorted(mass, rng.random(fragments) * mass[-1], side="right"), len(mass) - 1)
    begin = (rng.random(fragments) * molecules.length[copy]).astype(np.int64)
    length = np.rint(rng.normal(model.insert_size_mean, model.insert_size_sd, fragments)).astype(np.int64)
    length = np.maximum(length, model.read_length)
    begin, length = _anchored(molecules, copy, begin, length)
    forward = rng.random(fragments) < 0.5
    forward |= not model.both_orientations
    times = 1 + (rng.random(fragments) < model.duplicate_fraction).astype(np.int64)
    low_quality_factor = np.minimum(rng.gamma(2.0, 0.5, (fragments, 2)), 5.0)
    inside = begin + length <= molecules.length[copy]
    copy, begin, length, forward = copy[inside], begin[inside], length[inside], forward[inside]
    times, low_quality_factor = times[inside], low_quality_factor[inside]

    pairs = int(times.sum())
    bases = np.empty((pairs, 2, model.read_length), dtype=np.uint8)
    qualities = np.empty_like(bases)
    fragment_of = np.empty(pairs, dtype=np.int64)
    room = pairs * _EVENTS_PER_PAIR + 1000
    position, base, kind = np.empty(room, np.int64), np.empty(room, np.uint8), np.empty(room, np.uint8)
    slip_tract, slip_units = np.empty(len(copy), np.int64), np.empty(len(copy), np.int64)
    m = molecules
    error_of_quality = np.array([exp10(-level / 10) for level in qualities_as.levels.tolist()])
    pairs, events, slips = sequence_fragments(
        reference, contig_starts, m.first, m.last, m.offset, m.variant, m.position,
        m.start, m.end, m.alt_offset, m.alt_length, m.alt,
        copy, begin, length, forward, times, low_quality_factor,
        tract_at, model.tracts.end, model.tracts.unit, model.tract_rate,
        model.damage_rate, model.hot_oxidation, model.hot_deamination,
        model.loci.rate, model.loci.base, model.loci.shown_by, model.loci.kind, model.template_error_rate,
        model.end_error_rate, min(END_ERROR_BP, model.read_length), model.error_inflation,
        qualities_as.levels, qualities_as.cumulative, error_of_quality, model.read_length, rng,
        bases, qualities, fragment_of, position, base, kind, slip_tract, slip_units,
    )  # fmt: skip
    fragment_of = fragment_of[:pairs]
    duplicate = np.concatenate([[False], fragment_of[1:] == fragment_of[:-1]])[:pairs]
    return ReadPairs(
        bases[:pairs],
        qualities[:pairs],
        duplicate,
        position[:events],
        base[:events],
        kind[:events],
        slip_tract[:slips],
        slip_units[:slips],
        copy[fragment_of],
        begin[fragment_of],
        length[fragment_of],
    )
