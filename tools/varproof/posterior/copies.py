"""What copy numbers make of fractions: where germline variants lie in a tumour, and how high somatic ones can.

With purity rho, c copies of a germline variant in tumour cells and `total` of the place, the tumour shows
    (rho c + 1 - rho) / (rho total + 2 (1 - rho))    of one that is heterozygous, with c the copies of either allele.
So heterozygous variants lie at a fraction and, those of the other haplotype, at 1 minus it: at the mirrored fraction m, the
lesser of the two, or at 1 - m. What is known of a place is a density of m: from segments, as certain as their limits are, or
from what its neighbours show (`imbalance`). Somatic variants have at most the copies of the commoner haplotype.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from varproof.formats.segments import Segment, Segments
from varproof.machinery.numerics import exp, legendre_nodes
from varproof.posterior.copy_decisions import DECISIONS
from varproof.posterior.decisions import DECISIONS as POSTERIOR

BALANCES = np.linspace(0.0, 0.5, DECISIONS.balance_nodes)
"""Mirrored fractions at which densities are."""

HETEROZYGOUS = np.array(POSTERIOR.heterozygous_fractions)
HETEROZYGOUS_WEIGHTS = np.array(POSTERIOR.heterozygous_weights)
"""What capture and alignment make of one half, and how often."""

_LEAST_FRACTION = 0.002
"""Of an allele that no copy of the tumour cells has: some reads are misread, or misplaced."""


def seen(fraction: np.ndarray, favoured: float) -> np.ndarray:
    """Fractions as they are seen where one half would be seen at `favoured`: the odds are multiplied."""
    odds = favoured / (1.0 - favoured)
    return fraction * odds / (fraction * odds + 1.0 - fraction)


MIRRORED = np.concatenate([np.clip(BALANCES, _LEAST_FRACTION, None), 1.0 - np.clip(BALANCES, _LEAST_FRACTION, None)])
"""(2 * nodes,): fractions of heterozygous variants, those of one haplotype and those of the other."""

SEEN = [seen(MIRRORED, favoured) for favoured in POSTERIOR.heterozygous_fractions]
"""The same, for each of HETEROZYGOUS."""


@dataclass(frozen=True)
class CopyNumbers:
    """What is known of copy numbers where n candidates lie.

    `balance` (n, len(BALANCES)): probability of each mirrored fraction, rows of 0 where nothing is known; `tumor_share` (n,):
    share of the sample's copies of the place that tumour cells have, NaN where no segment tells, which is the purity then;
    `most_somatic` (n,): largest share of the tumour cells' copies that a somatic variant has, 1 where it is not known;
    `total` (n,): copies of the place in a tumour cell, NaN where no segment tells.
    """

    balance: np.ndarray
    tumor_share: np.ndarray
    most_somatic: np.ndarray
    total: np.ndarray

    @classmethod
    def unknown(cls, n: int) -> "CopyNumbers":
        """Of n places of which nothing is known."""
        return cls(np.zeros((n, len(BALANCES))), np.full(n, np.nan), np.ones(n), np.full(n, np.nan))

    @property
    def has_balance(self) -> np.ndarray:
        """bool (n,): whether the mirrored fraction is known."""
        return self.balance.sum(axis=1) > 0.0

    def chosen(self, rows: np.ndarray | slice) -> "CopyNumbers":
        """Those of the candidates `rows`."""
        return CopyNumbers(self.balance[rows], self.tumor_share[rows], self.most_somatic[rows], self.total[rows])

    def with_balance(self, balance: np.ndarray) -> "CopyNumbers":
        """The same, with a density (n, len(BALANCES)) where there is none."""
        return replace(self, balance=np.where(self.has_balance[:, None], self.balance, balance))

    @property
    def clonal_fractions(self) -> np.ndarray:
        """(n, most copies): fractions, in the tumour, of somatic variants of all its cells with 1, 2 ... copies each; NaN where
        no segment tells of both haplotypes, and for more copies than the commoner one has.
        """
        most = np.where(np.isnan(self.total) | ~self.has_balance, 0.0, np.round(self.most_somatic * self.total))
        copies = np.arange(1, int(max(most.max(initial=0.0), 1.0)) + 1)
        shares = self.tumor_share[:, None] * np.minimum(copies / self.total[:, None], 1.0)
        return np.where(copies <= np.where(most > 0.0, np.maximum(most, 1.0), 0.0)[:, None], shares, np.nan)

    def purities(self, purity: float) -> np.ndarray:
        """(n,) shares of the tumour cells' copies, in a sample of this purity."""
        return np.where(np.isnan(self.tumor_share), purity, self.tumor_share)


def somatic_cells(cells: np.ndarray, total: float, most: float) -> np.ndarray:
    """Frequencies among a segment's `total` copies in tumour cells, of somatic variants that would have `cells` among two.

    Up to one half, that is a variant of one copy of each cell, is a variant of one copy here, too; above are those of several
    copies, up to `most`, the share that the commoner haplotype has.

    >>> somatic_cells(np.array([0.25, 0.5, 1.0]), 4.0, 0.75).tolist()
    [0.125, 0.25, 0.75]
    """
    one = min(1.0 / total, most)
    return np.where(cells <= 0.5, 2.0 * cells * one, one + (2.0 * cells - 1.0) * (most - one))


def share_of_tumor(total: np.ndarray, purity: float) -> np.ndarray:
    """Share of a place's copies that tumour cells have, of which each has `total`."""
    return purity * total / (purity * total + 2.0 * (1.0 - purity))


def mirrored_fraction(total: np.ndarray, minor: np.ndarray, purity: float) -> np.ndarray:
    """The lesser fraction of heterozygous variants in the tumour; one half where there are no copies at all."""
    copies = purity * total + 2.0 * (1.0 - purity)
    carrying = purity * minor + 1.0 - purity
    return np.where(copies > 0.0, np.minimum(carrying, copies - carrying) / np.where(copies > 0.0, copies, 1.0), 0.5)


def copy_numbers(
    segments: Segments, contigs: Sequence[str], contig: np.ndarray, position: np.ndarray, purity: float
) -> CopyNumbers:
    """What segments say of n candidates; contig (n,): number in `contigs`, position (n,): 0-based."""
    out = CopyNumbers.unknown(len(contig))
    for number in np.unique(contig).tolist():
        rows = np.flatnonzero(contig == number)
        places = segments.indices(contigs[number], position[rows])
        here = segments.on(contigs[number])
        for place in np.unique(places[places >= 0]).tolist():
            inside, segment = rows[places == place], here[place]
            total = max(segment.total, DECISIONS.least_total)
            out.total[inside] = total
            out.tumor_share[inside] = share_of_tumor(np.array(total), purity)
            if segment.minor is not None:
                out.balance[inside] = balance_of(segment, purity)
                out.most_somatic[inside] = min(1.0, (total - _low(segment)) / total)
    return out


def balance_of(segment: Segment, purity: float) -> np.ndarray:
    """(len(BALANCES),) density of the mirrored fraction in a segment whose `minor` is known, by its limits."""
    assert segment.minor is not None
    totals, total_weights = _spread(segment.total, segment.total_low, segment.total_high)
    minors, minor_weights = _spread(segment.minor, segment.minor_low, segment.minor_high)
    out = np.zeros(len(BALANCES))
    for total, weight in zip(totals, total_weights, strict=True):
        fractions = mirrored_fraction(np.array(total), np.minimum(minors, total / 2.0), purity)
        place = np.clip(fractions / BALANCES[1], 0.0, len(BALANCES) - 1.0)
        left = np.minimum(place.astype(np.int64), len(BALANCES) - 2)
        np.add.at(out, left, weight * minor_weights * (1.0 - (place - left)))
        np.add.at(out, left + 1, weight * minor_weights * (place - left))
    return out / out.sum()


def _low(segment: Segment) -> float:
    """The fewest copies of the rarer haplotype that a segment may have."""
    assert segment.minor is not None
    return segment.minor if segment.minor_low is None else min(segment.minor, segment.minor_low)


def _spread(value: float, low: float | None, high: float | None) -> tuple[np.ndarray, np.ndarray]:
    """(values, weights) of a number with a 95 % interval: normal on either side; the number itself where there is none."""
    below, above = value - (value if low is None else low), (value if high is None else high) - value
    if below <= 0.0 and above <= 0.0:
        return np.array([value]), np.ones(1)
    nodes, weights = (np.array(one) for one in legendre_nodes(DECISIONS.limit_nodes))
    deviations = 3.0 * nodes
    density = weights * np.array([exp(-0.5 * z * z) for z in deviations.tolist()])
    widths = np.where(deviations < 0.0, max(0.0, below), max(0.0, above)) / 1.96
    return np.maximum(value + widths * deviations, 0.0), density / density.sum()
