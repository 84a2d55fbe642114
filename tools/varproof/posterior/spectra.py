"""Substitutions in their contexts: which of them an event makes, and how that tells events apart.

A substitution in its context is one of twelve (reference and alternative base of the forward strand) between one of four bases
on either side: 192. Variants come on both strands alike, so that theirs are counted on both; damage of one strand of the
molecule, seen by the orientation of its reads, does not.
"""

from collections.abc import Sequence

import numpy as np

from varproof.formats.events import GERMLINE_EVENTS, OTHER_PERSON
from varproof.formats.prior import LearntPrior
from varproof.posterior.artifact_classes import ACTIVE_ON, ARTIFACT_CLASSES, BOTH
from varproof.posterior.components import ARTIFACT_RATIOS, ARTIFACT_SHAPE, OF_ONE_SAMPLE, SAME_RATE, artifacts_apart
from varproof.posterior.decisions import DECISIONS

TYPES, SIDES = 12, 16
CONTEXTS = TYPES * SIDES
NO_CONTEXT = -1
"""Of what is no SNV, or lies beside an unknown base."""

SOMATIC, GERMLINE, DAMAGE = "somatic", "germline", "damage"
ARTIFACTS = tuple(f"artifact_{number}" for number in range(ARTIFACT_CLASSES))
SPECTRA = (SOMATIC, GERMLINE, *ARTIFACTS, DAMAGE)
"""What has a spectrum of its own: somatic and germline variants, classes of artefacts, damage of the tumour alone."""

_BASES = "ACGT"
_TYPE_NAMES = [f"{ref}>{alt}" for ref in _BASES for alt in _BASES if ref != alt]
SUBSTITUTIONS = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
"""Both strands together, by their pyrimidine."""


def context_index(before: int, ref: int, after: int, alt: int) -> int:
    """Index of a substitution in its context, of base codes 0..3 of the forward strand; NO_CONTEXT if any is unknown."""
    if max(before, ref, after, alt) > 3 or ref == alt:
        return NO_CONTEXT
    return (3 * ref + alt - (alt > ref)) * SIDES + 4 * before + after


def _parts(index: int) -> tuple[int, int, int, int]:
    kind, sides = divmod(index, SIDES)
    ref, other = divmod(kind, 3)
    return sides // 4, ref, sides % 4, other + (other >= ref)


def _complement(index: int) -> int:
    before, ref, after, alt = _parts(index)
    return context_index(3 - after, 3 - ref, 3 - before, 3 - alt)


COMPLEMENT = np.array([_complement(index) for index in range(CONTEXTS)])
"""(CONTEXTS,): the same substitution on the other strand."""


def _substitution(index: int) -> int:
    name = _TYPE_NAMES[index // SIDES]
    return SUBSTITUTIONS.index(name) if name in SUBSTITUTIONS else _substitution(int(COMPLEMENT[index]))


SUBSTITUTION_OF = np.array([_substitution(index) for index in range(CONTEXTS)])
"""(CONTEXTS,): index into SUBSTITUTIONS."""


def even_spectra() -> dict[str, list[float]]:
    """Every substitution as often as by chance."""
    return {name: [1.0] * CONTEXTS for name in SPECTRA}


def spectrum_of(counts: np.ndarray, both_strands: bool, possible: np.ndarray | None = None) -> np.ndarray:
    """(CONTEXTS,): how many times as often as by chance each is, from counts (CONTEXTS,); even where little is counted.

    Twelve types are shrunk towards evenness by `type_pseudo_count`, contexts towards their type by `neighbour_pseudo_count`.
    `possible` (CONTEXTS,): the only ones there are.
    """
    counts = counts + counts[COMPLEMENT] if both_strands else counts
    total = counts.sum()
    strands = 2.0 if both_strands else 1.0
    by_type = counts.reshape(TYPES, SIDES).sum(axis=1)
    even = np.ones(CONTEXTS) if possible is None else possible.astype(np.float64)
    even_types = even.reshape(TYPES, SIDES).sum(axis=1) / even.sum()
    of_types = by_type + strands * DECISIONS.type_pseudo_count * even_types
    of_types = of_types / of_types.sum()
    within = even / np.maximum(np.repeat(even.reshape(TYPES, SIDES).sum(axis=1), SIDES), 1.0)
    pseudo = strands * DECISIONS.neighbour_pseudo_count
    found = (counts + pseudo * np.repeat(of_types, SIDES) * within) / (total + pseudo)
    return found * even * CONTEXTS / (found * even).sum()


def of_substitutions(names: Sequence[str]) -> np.ndarray:
    """bool (CONTEXTS,): whether each is one of these, on either strand."""
    return np.isin(SUBSTITUTION_OF, [SUBSTITUTIONS.index(name) for name in names])


def context_factors(prior: LearntPrior, columns: dict[str, slice]) -> np.ndarray:
    """(CONTEXTS + 1, components): how many times as probable each component is in a context; the last row is for NO_CONTEXT.

    Damage of the tumour alone has no part in what has no context.
    """
    spectra = {name: np.append(np.array(values), 1.0) for name, values in prior.spectra.items()}
    spectra[DAMAGE][-1] = 0.0
    out = np.ones((CONTEXTS + 1, max(part.stop for part in columns.values())))
    for event in ("SOMATIC_TUMOR", "SOMATIC_NORMAL"):
        out[:, columns[event]] = spectra[SOMATIC][:, None]
    for event in (*GERMLINE_EVENTS, OTHER_PERSON):
        out[:, columns[event]] = spectra[GERMLINE][:, None]
    part = columns["ARTIFACT"]
    if artifacts_apart(columns):
        kinds = np.stack([spectra[name] for name in ARTIFACTS], axis=1)[:, :, None, None]
        out[:, part] = np.broadcast_to(kinds, (CONTEXTS + 1, *ARTIFACT_SHAPE)).reshape(CONTEXTS + 1, -1)
        out[:, np.arange(part.start, part.stop)[damage_components(prior.tells_places)]] = spectra[DAMAGE][:, None]
    return out


def damage_components(paired: bool = True) -> np.ndarray:
    """bool (components of ARTIFACT,): those of damage of the tumour alone; without a normal, or a panel, all of its class."""
    own = (np.arange(len(ARTIFACT_RATIOS)) != SAME_RATE) | (not paired)
    return np.broadcast_to((OF_ONE_SAMPLE[:, None] & own)[:, :, None], ARTIFACT_SHAPE).ravel()


def learnt_spectra(counts: dict[str, np.ndarray], damage: Sequence[str]) -> dict[str, list[float]]:
    """Spectra from the expected counts (CONTEXTS,) of each of SPECTRA."""
    both = {name: ACTIVE_ON[number] == BOTH for number, name in enumerate(ARTIFACTS)}
    possible = of_substitutions(damage) if damage else None
    return {
        name: spectrum_of(counts[name], both.get(name, True), possible if name == DAMAGE else None).tolist() for name in SPECTRA
    }
