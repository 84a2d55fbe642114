"""Prior probabilities of components, from what was learnt: by class of variant, by context, near artefacts."""

import numpy as np

from varproof.formats.events import ABSENT, GERMLINE_EVENTS, LEARNT_EVENTS, OTHER_PERSON
from varproof.formats.prior import LearntPrior
from varproof.posterior.classes import CLASSES
from varproof.posterior.components import ARTIFACT_SHAPE, NODES_PER_BIN, OF_COPIES
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.population import with_population
from varproof.posterior.spectra import context_factors

ARTIFACT_GROUPS = ("substitution", "indel")
_IS_INDEL = np.array([int(name not in ("snv", "mnv")) for name in CLASSES])


def artifact_group(class_index: np.ndarray) -> np.ndarray:
    """0 for substitutions, 1 for indels, per class index."""
    return _IS_INDEL[class_index]


def component_weights(prior: LearntPrior, columns: dict[str, slice]) -> np.ndarray:
    """Prior probability of every component whatever the context, (classes, components); rows sum to 1."""
    weights = np.zeros((len(CLASSES), max(part.stop for part in columns.values())))
    widths = np.diff(prior.frequency_bins)
    per_node = np.repeat(np.array(prior.somatic_density) * widths / NODES_PER_BIN, NODES_PER_BIN)
    shared = {"SOMATIC_TUMOR": per_node, "SOMATIC_NORMAL": np.array(prior.normal_density)}
    shared |= dict.fromkeys(GERMLINE_EVENTS, np.array(prior.germline_changes))
    group = artifact_group(np.arange(len(CLASSES)))
    for event in LEARNT_EVENTS:
        rate = np.array(prior.rates[event])[:, None]
        width = columns[event].stop - columns[event].start
        if width == 1:
            spread = np.ones((len(CLASSES), 1))
        elif event == "ARTIFACT":
            spread = np.array([np.ravel(prior.artifact_density[g]) for g in group])
        else:
            spread = np.tile(shared[event] / shared[event].sum(), (len(CLASSES), 1))
        weights[:, columns[event]] = rate * spread
    if prior.other_person_fraction == 0.0:
        weights[:, columns[OTHER_PERSON]] = 0.0
    return completed(weights, columns)


def completed(weights: np.ndarray, columns: dict[str, slice]) -> np.ndarray:
    """Weights (n, components) with ABSENT as the rest; where that were less than a half, all others are scaled down."""
    absent = columns[ABSENT]
    weights[:, absent] = 0.0
    total = weights.sum(axis=1, keepdims=True)
    weights *= np.minimum(1.0, DECISIONS.most_present / np.maximum(total, 1e-300))
    weights[:, absent] = 1.0 - weights.sum(axis=1, keepdims=True)
    return weights


def candidate_weights(
    prior: LearntPrior,
    columns: dict[str, slice],
    class_index: np.ndarray,
    context: np.ndarray,
    near_artifact: np.ndarray | None,
    frequency: np.ndarray | None = None,
) -> np.ndarray:
    """Prior probability of every component for each candidate, (n, components); artefacts are likelier near artefacts.

    Copies that the reference lacks are told by companions in place of that.
    context (n,): see `spectra`. frequency (n,): see `population`; None: there is no germline resource.
    """
    weights = component_weights(prior, columns)[class_index]
    weights *= context_factors(prior, columns)[context]
    if near_artifact is not None:
        factor = np.where(near_artifact, prior.artifact_enrichment, prior.artifact_depletion)[:, None]
        artifact = columns["ARTIFACT"]
        rate = np.maximum(weights[:, artifact].sum(axis=1, keepdims=True), 1e-300)
        factor = np.minimum(factor, np.maximum(1.0, DECISIONS.most_artifacts / rate))
        if prior.crowds:
            told = np.broadcast_to(OF_COPIES[:, None, None], ARTIFACT_SHAPE).ravel()
            factor = np.where(told, 1.0, factor)
        weights[:, artifact] *= factor
    if frequency is not None:
        weights = with_population(
            weights, columns, frequency, np.array(prior.germline_changes) / np.sum(prior.germline_changes)
        )
    return completed(weights, columns)
