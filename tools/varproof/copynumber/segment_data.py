"""What is known of a segment before any copy number is: relative depth, and the counts of its heterozygous sites."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varproof.copynumber.decisions import DECISIONS
from varproof.machinery.numerics_numba_fns import log_of, weighted_column_sums

BALANCE = np.linspace(0.0, 0.5, 126)
"""Mirrored BAFs, fractions of the rarer haplotype's reads, at which likelihoods are tabulated."""


@dataclass(frozen=True)
class SegmentData:
    """A segment, 0-based half-open, before it has a copy number.

    `ratio`: depth, over that of two copies per cell at the genome's mean, with its standard `error`, as its bins' noise makes
    it; `shared_error`: what they have in common, as waves of depth. `normal_copies`: copies per normal cell; `sites`:
    heterozygous ones; `balance`, float64 (len(BALANCE),): log likelihood of the mirrored BAF, the fraction of the rarer
    haplotype's reads, given them.
    """

    contig: str
    start: int
    end: int
    windows: int
    ratio: float
    error: float
    normal_copies: int
    sites: int
    balance: NDArray[np.float64]
    shared_error: float = 0.0

    @property
    def length(self) -> int:
        """bp."""
        return self.end - self.start

    @property
    def mirrored(self) -> float | None:
        """The most likely mirrored BAF; None without sites."""
        return float(BALANCE[int(self.balance.argmax())]) if self.sites else None


@dataclass(frozen=True)
class SiteModel:
    """How heterozygous sites were found, and what else is among them.

    Accepted is a site of `least_alternative` reads or more of the alternative allele, of `least_fraction` or more, and of
    `least_reference` reads or more of the reference. `bias`: odds of the alternative allele where both are there equally.
    """

    least_alternative: int = 0
    least_fraction: float = 0.0
    least_reference: int = 0
    others: float = 0.01
    bias: float = 1.0


FOUND_IN_NORMAL = SiteModel(others=DECISIONS.other_sites)
FOUND_ALONE = SiteModel(
    DECISIONS.alone_reads, DECISIONS.alone_fraction, DECISIONS.alone_reference_reads, DECISIONS.other_sites_alone
)


def balance_log_likelihood(alternative: np.ndarray, depth: np.ndarray, model: SiteModel) -> NDArray[np.float64]:
    """float64 (len(BALANCE),): log likelihood of the rarer haplotype's fraction, given reads at n sites.

    Each allele is on either haplotype with probability 1/2; counts are beta-binomial, truncated to what makes a site (so that
    rare fractions are not taken for commoner ones), among a few sites that are something else, of any fraction. Beyond
    `balance_sites` sites the likelihood is tempered.
    """
    if not len(depth):
        return np.zeros(len(BALANCE))
    pairs, counts = np.unique(np.stack([depth, alternative]), axis=1, return_counts=True)
    total = np.zeros(len(BALANCE))
    for n in np.unique(pairs[0]):
        chosen = pairs[0] == n
        table = _count_likelihoods(int(n), model)
        total += weighted_column_sums(log_of(table[pairs[1][chosen]]), counts[chosen].astype(np.float64))
    tempered = min(1.0, DECISIONS.balance_sites / len(depth))
    return np.asarray(tempered * (total - total.max()))


_TABLES: dict[tuple[int, SiteModel], NDArray[np.float64]] = {}


def _count_likelihoods(depth: int, model: SiteModel) -> NDArray[np.float64]:
    """float64 (depth + 1, len(BALANCE)): probability of each count of alternative reads."""
    if (depth, model) not in _TABLES:
        from scipy.stats import betabinom

        k = np.arange(depth + 1)[:, None]
        accepted = (k >= model.least_alternative) & (k >= model.least_fraction * depth) & (depth - k >= model.least_reference)
        out = np.zeros((depth + 1, len(BALANCE)))
        for fraction in (BALANCE, 1 - BALANCE):
            odds = model.bias * fraction / (1 - fraction).clip(1e-9)
            shown = (odds / (1 + odds)).clip(2e-3, 1 - 2e-3)  # errors, at least
            out += 0.5 * betabinom.pmf(k, depth, shown * DECISIONS.concentration, (1 - shown) * DECISIONS.concentration)
        out *= accepted
        out /= out.sum(axis=0).clip(1e-12)
        flat = accepted / max(1, accepted.sum())
        _TABLES[depth, model] = ((1 - model.others) * out + model.others * flat).clip(1e-300)
    return _TABLES[depth, model]
