"""Artefacts crowd: where reads from elsewhere land, or a repeat confuses the aligner, one artefact seldom comes alone.

Whether another candidate nearby is an artefact tells how likely the next one is. Two factors are learnt: how much more
frequent artefacts are near artefacts than on average, and how much rarer away from them.
"""

import numpy as np

from varproof.posterior.decisions import DECISIONS

NEAR = DECISIONS.near
"""Reads of one fragment reach about so far, bp."""


def near_artifacts(contig: np.ndarray, position: np.ndarray, artifact: np.ndarray) -> np.ndarray:
    """bool (n,): whether another candidate within NEAR is more likely an artefact than not.

    contig, position (n,): sorted; artifact (n,): posterior of an artefact. Alleles at the same position count as one.
    """
    near = np.zeros(len(position), bool)
    for one in np.unique(contig):
        rows = np.flatnonzero(contig == one)
        sites = np.unique(position[rows[artifact[rows] > DECISIONS.likely_artifact]])
        own = np.isin(position[rows], sites)
        count = np.searchsorted(sites, position[rows] + NEAR, "right") - np.searchsorted(sites, position[rows] - NEAR, "left")
        near[rows] = count - own > 0
    return near


def covered_bases(contig: np.ndarray, position: np.ndarray, artifact: np.ndarray) -> float:
    """Bases within NEAR of a likely artefact."""
    total = 0
    for one in np.unique(contig):
        sites = np.unique(position[(contig == one) & (artifact > DECISIONS.likely_artifact)])
        if len(sites):
            total += int(np.minimum(np.diff(sites), 2 * NEAR + 1).sum()) + 2 * NEAR + 1
    return float(total)


def clustering(
    contig: np.ndarray, position: np.ndarray, artifact: np.ndarray, near: np.ndarray, territory: float
) -> tuple[float, float]:
    """(enrichment near artefacts, depletion away from them) of the rate of artefacts, relative to its mean.

    Half an artefact is added on both sides at the mean rate, so that both are 1 where there is nothing to learn from.
    """
    inside = min(covered_bases(contig, position, artifact), 0.9 * territory)
    mean = max(float(artifact.sum()), 1e-9) / territory
    crowded = (artifact[near].sum() + 0.5) / (inside + 0.5 / mean) / mean
    alone = (artifact[~near].sum() + 0.5) / (territory - inside + 0.5 / mean) / mean
    return float(np.clip(crowded, 1.0, DECISIONS.strongest_crowding)), float(
        np.clip(alone, 1.0 / DECISIONS.strongest_crowding, 1.0)
    )
