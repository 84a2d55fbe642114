"""How probable it is that a place becomes a candidate at all, by what is there.

Candidates are places of which reads show an allele. What few reads show often stays under the threshold, so that of a rare
event fewer are seen than there are, and a rate that is counted over a territory is divided by this probability.
"""

import math
from dataclasses import dataclass

import numpy as np

from varproof.formats.events import ABSENT, OTHER_PERSON
from varproof.machinery.numerics import exp, log, log1p
from varproof.posterior.artifact_classes import ACTIVE_ON, BOTH
from varproof.posterior.components import ARTIFACT_RATES, ARTIFACT_SHAPE, Mixture, artifacts_apart, somatic_nodes
from varproof.posterior.decisions import DECISIONS


@dataclass(frozen=True)
class Selection:
    """The rule by which an allele became a candidate: fewest reads of the tumour, and fewest of those that cover it."""

    reads: int = DECISIONS.selecting_reads
    fraction: float = 0.0

    def least(self, fragments: int) -> int:
        """Fewest of so many fragments."""
        return max(self.reads, math.ceil(self.fraction * fragments - 1e-9))


UNKNOWN_RULE = Selection()
"""Of a list."""


def at_least(least: int, fragments: int, fraction: float) -> float:
    """Probability that at least `least` of so many fragments show what a fraction of them does (binomial)."""
    if fraction >= 0.9:
        return 1.0
    logarithm, odds, below = fragments * log1p(-fraction), log(fraction) - log1p(-fraction), 0.0
    for k in range(min(least, fragments + 1)):
        below += exp(logarithm) if logarithm > -700.0 else 0.0
        if k < fragments:
            logarithm += odds + log((fragments - k) / (k + 1.0))
    return max(0.0, 1.0 - below)


def selected(columns: dict[str, slice], mixture: Mixture, depth: float, rule: Selection) -> np.ndarray:
    """(components,) probability that a place of each component is a candidate, at this depth of the tumour; of ABSENT 1."""
    fragments = max(1, round(depth))
    least = rule.least(fragments)

    def shown(fractions: np.ndarray, lowest: float = DECISIONS.least_selected) -> np.ndarray:
        chosen = [at_least(least, fragments, float(one)) for one in fractions]
        return np.maximum(np.array(chosen), lowest)

    out = np.ones(max(part.stop for part in columns.values()))
    out[columns["SOMATIC_TUMOR"]] = shown(mixture.purity * somatic_nodes())
    if artifacts_apart(columns):
        everywhere, halved = shown(ARTIFACT_RATES), shown(0.5 * ARTIFACT_RATES)
        by_class = np.where((ACTIVE_ON == BOTH)[:, None, None], everywhere, halved)
        out[columns["ARTIFACT"]] = np.broadcast_to(by_class, ARTIFACT_SHAPE).ravel()
    if mixture.other_person_fraction > 0.0:
        heterozygous = DECISIONS.other_person_heterozygous
        one, both = shown(mixture.other_person_fraction * np.array([0.5, 1.0]), DECISIONS.least_selected_of_other_person)
        out[columns[OTHER_PERSON]] = heterozygous * one + (1.0 - heterozygous) * both
    out[columns[ABSENT]] = 1.0
    return out
