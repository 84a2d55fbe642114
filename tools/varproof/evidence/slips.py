"""How often a read shows another number of a repeat's units than its molecule has, at a candidate."""

import numpy as np

from varproof.evidence.decisions import DECISIONS
from varproof.evidence.sample import Sample
from varproof.machinery.numerics import powered
from varproof.reads.slippage import Place
from varproof.variants.placement import Placement
from varproof.variants.reference import ReferenceSlice


def slip_rates(item: Placement, sample: Sample, reference: ReferenceSlice) -> tuple[float, float]:
    """(reference read as alternative, alternative read as reference) by slippage of whole repeat units; 0 outside repeats.

    What reads show of this very repeat is left out.
    """
    if not item.is_indel or (item.reference_length and len(item.alt)):
        return 0.0, 0.0
    moved = item.alt if len(item.alt) else reference.between(item.start, item.end)
    unit = _unit_length(moved)
    if unit == 0:
        return 0.0, 0.0
    tract = item.shift + (item.reference_length if item.length_change < 0 else 0)
    units, steps = tract // unit, len(moved) // unit
    if units < 2:
        return 0.0, 0.0
    place = reference.contig, item.low, max(item.high, item.low + 1)
    if item.length_change < 0:
        return _slip(sample, unit, units, -steps, place), _slip(sample, unit, max(units - steps, 1), steps, place)
    return _slip(sample, unit, units, steps, place), _slip(sample, unit, units + steps, -steps, place)


def _slip(sample: Sample, unit: int, units: int, change: int, place: Place) -> float:
    """Probability that a read of a tract of `units` units, at `place`, shows `change` more of them."""
    steps = abs(change)
    if steps > units and change < 0:
        return 0.0
    rates = sample.slippage.rates(unit, units, place)
    furthest = DECISIONS.furthest_slip
    rate = float(rates[2 * (min(steps, furthest) - 1) + (change > 0)])
    return rate * powered(DECISIONS.slip_decay, max(0, steps - furthest))


def _unit_length(sequence: np.ndarray) -> int:
    """Length of the shortest unit (at most 6) of which `sequence` is a whole number of copies; 0 if there is none."""
    for unit in range(1, 7):
        if len(sequence) % unit == 0 and np.array_equal(sequence, np.tile(sequence[:unit], len(sequence) // unit)):
            return unit
    return 0
