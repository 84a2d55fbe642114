"""Posteriors of events and of allele frequencies (Varlociraptor eqs. 2 to 6)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.formats.events import EVENT_NAMED, EVENTS, OTHER_PERSON, reported_parts
from varproof.formats.prior import LearntPrior
from varproof.posterior.artifact_classes import IN_PAPER
from varproof.posterior.components import (
    ARTIFACT_SHAPE,
    GRID,
    SAME_RATE,
    Components,
    Mixture,
    Tables,
    at_fraction,
    evaluate,
)
from varproof.posterior.components_numba_fns import fractions_of_places
from varproof.posterior.copies import CopyNumbers
from varproof.posterior.judgeable import tumor_only_prior
from varproof.posterior.spectra import NO_CONTEXT
from varproof.posterior.weights import candidate_weights

_HEALTHY = np.array([EVENT_NAMED[name].healthy_fraction for name in EVENTS])


@dataclass(frozen=True)
class Scores:
    """Posteriors of n candidates.

    `probability` (n, len(EVENTS)): rows sum to 1. `tumor_density` (n, GRID_SIZE): log posterior density, up to a constant,
    of the allele frequency in tumour cells, over GRID; `normal_density` (n, GRID_SIZE) or None likewise, of the normal
    sample; `tumor_frequency`, `normal_frequency` (n,): their modes. `artifact` (n, ARTIFACT_CLASSES + 1): what the probability
    of an artefact is made of: classes of artefacts, and another person's variant.
    """

    probability: np.ndarray
    tumor_density: np.ndarray
    normal_density: np.ndarray | None
    tumor_frequency: np.ndarray
    normal_frequency: np.ndarray | None
    artifact: np.ndarray

    def rows(self, wanted: np.ndarray) -> "Scores":
        """Posteriors of the candidates `wanted` (indices), in that order."""
        columns: dict[str, Any] = {name: None if column is None else column[wanted] for name, column in vars(self).items()}
        return Scores(**columns)


def score(
    tables: Tables,
    class_index: np.ndarray,
    prior: LearntPrior,
    purity: float,
    near_artifact: np.ndarray | None = None,
    without_normal: np.ndarray | None = None,
    context: np.ndarray | None = None,
    frequency: np.ndarray | None = None,
    copies: CopyNumbers | None = None,
) -> Scores:
    """Posteriors of candidates under a prior.

    `near_artifact` (n,) as of `clustering.near_artifacts`, None: not known. `without_normal` (n,): candidates of which the
    normal shows nothing (see `judgeable`), None: there are none. `context` (n,): see `spectra`, None: none has one.
    `frequency` (n,): in the population, NaN where the germline resource lacks the allele; None: there is no resource.
    `copies`: what is known of copy numbers, None: two everywhere. They change probabilities alone: densities and frequencies
    are those of two copies, of which estimate-vaf makes cancer cell fractions.
    """
    context = np.full(len(class_index), NO_CONTEXT) if context is None else context
    mixture = Mixture(purity, prior.normal_contamination, prior.other_person_fraction)
    components = evaluate(tables, mixture, flat=prior.kind == "flat", copies=copies)
    if prior.kind == "flat":
        weights = flat_weights(components)
    else:
        weights = candidate_weights(prior, components.columns, class_index, context, near_artifact, frequency)
        if without_normal is not None and without_normal.any():
            alone = tumor_only_prior(prior)
            unseen = candidate_weights(alone, components.columns, class_index, context, near_artifact, frequency)
            weights = np.where(without_normal[:, None], unseen, weights)
    posterior = component_posteriors(components, weights)
    probability = event_sums(posterior, components.columns)
    healthy = _HEALTHY[np.argmax(probability, axis=1)]
    tumor_density = tumor_cell_log_density(tables.tumor, healthy, purity)
    return Scores(
        probability,
        tumor_density,
        tables.normal,
        mode(tumor_density),
        None if tables.normal is None else mode(tables.normal),
        artifact_sums(posterior, components.columns),
    )


def flat_weights(components: Components) -> np.ndarray:
    """The 2020 paper's uniform prior: every event alike, every point of an event alike; no learnt artefact rates.

    Strand bias (beta in {0, 1}) takes the place of artefacts.
    """
    weights = np.zeros(components.size)
    for event, columns in components.columns.items():
        if event == "ARTIFACT":
            of_paper = np.zeros(ARTIFACT_SHAPE)
            of_paper[IN_PAPER, SAME_RATE] = 1.0
            weights[columns] = of_paper.ravel() / of_paper.sum()
        elif EVENT_NAMED[event].in_paper:
            weights[columns] = 1.0 / (columns.stop - columns.start)
    return np.tile(weights / weights.sum(), (len(components.log_likelihood), 1))


def component_posteriors(components: Components, weights: np.ndarray) -> np.ndarray:
    """(n, components) posterior probabilities; weights (n, components)."""
    joint = components.scaled(weights)[0] * weights
    return joint / joint.sum(axis=1)[:, None]


def event_sums(posterior: np.ndarray, columns: dict[str, slice]) -> np.ndarray:
    """(n, len(EVENTS)) of posteriors (n, components)."""
    parts = [sum(posterior[:, columns[part]].sum(axis=1) for part in reported_parts(event)) for event in EVENTS]
    return np.stack(parts, axis=1)


def event_posteriors(components: Components, weights: np.ndarray) -> np.ndarray:
    """(n, len(EVENTS)) posterior probabilities; weights (n, components)."""
    return event_sums(component_posteriors(components, weights), components.columns)


def artifact_sums(posterior: np.ndarray, columns: dict[str, slice]) -> np.ndarray:
    """(n, ARTIFACT_CLASSES + 1) of posteriors (n, components): per class of artefacts, and another person's variant."""
    by_class = posterior[:, columns["ARTIFACT"]].reshape(len(posterior), *ARTIFACT_SHAPE).sum(axis=(2, 3))
    return np.concatenate([by_class, posterior[:, columns[OTHER_PERSON]]], axis=1)


def tumor_cell_log_density(table: np.ndarray, healthy: np.ndarray, purity: float) -> np.ndarray:
    """Log-likelihood (n, GRID_SIZE) of theta_c over GRID, given theta_h (n,) (eq. 6; uniform prior)."""
    out = np.empty_like(table)
    for value in np.unique(healthy):
        rows = healthy == value
        out[rows] = at_fraction(table[rows], purity * GRID + (1.0 - purity) * value)
    return out - out.max(axis=1, keepdims=True)


def mode(log_density: np.ndarray) -> np.ndarray:
    """Frequencies (n,) of the maxima over GRID, refined by a parabola in the grid's own coordinate."""
    n, size = log_density.shape
    best = np.argmax(log_density, axis=1)
    inner = np.clip(best, 1, size - 2)
    rows = np.arange(n)
    left, middle, right = (log_density[rows, inner + step] for step in (-1, 0, 1))
    curvature = left - 2.0 * middle + right
    step = np.where(curvature < -1e-12, 0.5 * (left - right) / np.where(curvature < -1e-12, curvature, 1.0), 0.0)
    place = np.where(best == inner, inner + np.clip(step, -1.0, 1.0), best)
    return fractions_of_places(place, size - 1)
