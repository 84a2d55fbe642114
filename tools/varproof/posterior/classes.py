"""Classes of variants that share a rate: by type and, for indels, by length."""

import numpy as np

from varproof.formats.events import EVENT_NAMED, LEARNT_EVENTS
from varproof.variants.candidate import Candidate
from varproof.variants.edit import VariantType

LENGTH_BOUNDS = (1, 2, 5, 30, 100)
"""First length of each indel length class, bp; the last is open."""

LONGEST_COUNTED = 250


def _length_names() -> list[str]:
    ends = [bound - 1 for bound in LENGTH_BOUNDS[1:]]
    closed = [str(a) if a == b else f"{a}-{b}" for a, b in zip(LENGTH_BOUNDS, ends, strict=False)]
    return [*closed, f"{LENGTH_BOUNDS[-1]}+"]


CLASSES = (
    "snv",
    "mnv",
    *(f"insertion_{name}" for name in _length_names()),
    *(f"deletion_{name}" for name in _length_names()),
    "replacement",
)
_INDEX = {name: i for i, name in enumerate(CLASSES)}


def class_of(candidate: Candidate) -> int:
    """Index into CLASSES of a candidate."""
    kind = candidate.type
    if kind in (VariantType.SNV, VariantType.MNV, VariantType.REPLACEMENT):
        return _INDEX[kind.value]
    place = int(np.searchsorted(LENGTH_BOUNDS, candidate.length, side="right")) - 1
    return _INDEX[f"{kind.value}_{_length_names()[place]}"]


def alleles_per_base() -> np.ndarray:
    """How many alleles of each class could have been a candidate at a base of the territory (len(CLASSES),).

    Three SNVs; nine MNVs (the shortest); of indels one per length in the class.
    """
    ends = [*LENGTH_BOUNDS[1:], LONGEST_COUNTED + 1]
    lengths = [float(b - a) for a, b in zip(LENGTH_BOUNDS, ends, strict=True)]
    return np.array([3.0, 9.0, *lengths, *lengths, 1.0])


def published_rates() -> dict[str, np.ndarray]:
    """Rates per base and class to fall back on where there is little data, per event (len(CLASSES),).

    Of each event (`formats.events`) its rate for SNVs; a tenth as many somatic indels, mostly of one base; of germline variants
    an eighth (1000 Genomes 2015).
    """
    indels = np.array([0.5, 0.25, 0.2, 0.03, 0.02])
    shape = np.array([1.0, 0.01, *(0.06 * indels), *(0.06 * indels), 0.005])
    events = (EVENT_NAMED[name] for name in LEARNT_EVENTS)
    return {event.name: event.published_per_base * np.maximum(shape, event.least_share) for event in events}
