"""Classes of variants that share a rate: by type and, for indels, by length."""

import numpy as np

from varproof.formats.events import EVENT_NAMED, LEARNT_EVENTS
from varproof.posterior.decisions import DECISIONS
from varproof.variants.candidate import Candidate
from varproof.variants.edit import VariantType

LENGTH_BOUNDS = DECISIONS.length_bounds
"""First length of each indel length class, bp; the last is open."""


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
    ends = [*LENGTH_BOUNDS[1:], DECISIONS.longest_counted + 1]
    lengths = [float(b - a) for a, b in zip(LENGTH_BOUNDS, ends, strict=True)]
    return np.array([3.0, 9.0, *lengths, *lengths, 1.0])


def published_rates() -> dict[str, np.ndarray]:
    """Rates per base and class to fall back on where there is little data, per event (len(CLASSES),).

    Of each event (`formats.events`) its rate for SNVs; of other classes the shares that `decisions` has.
    """
    indels = DECISIONS.indel_share * np.array(DECISIONS.indel_length_shares)
    shape = np.array([1.0, DECISIONS.mnv_share, *indels, *indels, DECISIONS.replacement_share])
    events = (EVENT_NAMED[name] for name in LEARNT_EVENTS)
    return {event.name: event.published_per_base * np.maximum(shape, event.least_share) for event in events}
