"""Damage of the tumour's library alone, such as of fixed tissue: it looks like rare somatic variants in all but its spectrum.

Somatic variants of all substitutions have much the same frequencies in one sample. Damage makes few substitutions, and at few
per cent of a place's reads: an excess of one of them among the rare over the frequent, as the others have it, gives it away.
"""

import math

import numpy as np

from varproof.machinery.numerics import log
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.spectra import NO_CONTEXT, SUBSTITUTION_OF, SUBSTITUTIONS


def excess(rare: np.ndarray, frequent: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(6,) standard deviations by which each substitution is commoner among the rare than `others` (6,) are together.

    rare, frequent (6,): variants, as expected numbers. The signed root of the deviance of a table of two by two (Wilks 1938),
    which few variants don't spoil as they do the logarithm of the odds ratio; a twelfth of a variant is added everywhere.
    """
    out = np.zeros(len(rare))
    for one in range(len(rare)):
        against = others & (np.arange(len(rare)) != one)
        table = (
            np.array([[part[one], part[against].sum()] for part in (rare, frequent)]) + np.array([1.0, against.sum()]) / 12.0
        )
        expected = table.sum(axis=1)[:, None] * table.sum(axis=0) / table.sum()
        cells = zip(table.ravel().tolist(), expected.ravel().tolist(), strict=True)
        deviance = 2.0 * sum(seen * log(seen / usual) for seen, usual in cells)
        out[one] = math.copysign(math.sqrt(max(0.0, deviance)), float(table[0, 0] - expected[0, 0]))
    return out


def damaged_substitutions(context: np.ndarray, fraction: np.ndarray, weight: np.ndarray) -> list[str]:
    """Substitutions (pyrimidine's strand) that damage of the tumour alone makes; none in a clean sample.

    context (n,), fraction (n,) of the tumour's fragments, weight (n,): probability that the candidate is the tumour's alone.
    One at a time, the clearest first, each against those that are none.
    """
    snv = context != NO_CONTEXT
    kind = SUBSTITUTION_OF[context[snv]]
    others, found = np.ones(len(SUBSTITUTIONS), bool), []
    while others.sum() > 1:
        best, clearest = 0.0, -1
        for bound in DECISIONS.damage_fractions:
            low = fraction[snv] < bound
            rare, frequent = (np.bincount(kind, weight[snv] * part, len(SUBSTITUTIONS)) for part in (low, ~low))
            values = np.where(others, excess(rare, frequent, others), -np.inf)
            if values.max() > best:
                best, clearest = float(values.max()), int(np.argmax(values))
        if best < DECISIONS.convincing_damage:
            break
        others[clearest] = False
        found.append(SUBSTITUTIONS[clearest])
    return found
