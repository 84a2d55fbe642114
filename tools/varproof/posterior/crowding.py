"""Companions: other variants that the same fragments carry, which are too many to be somatic where a copy has been collapsed.

Where the reference lacks a copy of a segment, or an aligner takes one copy for the other, the copy's reads lie on the one that
is there, and show each place where the two differ: some in 100 bases, all on the same fragments. Somatic variants of one clone
are megabases apart, and germline ones of one haplotype about 2 kb. So the number of a variant's companions tells what neither
its reads nor its fraction do. Two variants are companions if fragments carry both, and hardly any that reach both carries one
of them alone. A variant beside a crowd that the crowd's fragments do not carry is of another molecule: it is not of the copy.

Variants that a germline resource lists are nobody's companions, nor are the pieces of one event. With a normal, or a panel of
normals, places tell, and companions are not counted.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.machinery.numerics_numba_fns import log_of
from varproof.posterior.clustering import near_artifacts
from varproof.posterior.crowd_decisions import DECISIONS
from varproof.posterior.phase import Links

CROWDS = ("apart", "0", "near", "1", "2", "3-4", "5-8", "9+")
"""What is told apart: a variant apart from a crowd, one without companions, near a crowd or not, and numbers of companions."""

APART, ALONE, CLOSE, MANY = 0, 1, 2, 5
"""Of CROWDS; MANY: from which on few germline variants are."""

_LEAST_COMPANIONS = np.array([1, 2, 3, 5, 9])

_OF_SOMATIC, _OF_GERMLINE, _OF_COPIES = (
    log_of(np.array(shares)) for shares in (DECISIONS.of_somatic, DECISIONS.of_germline, DECISIONS.of_copies)
)


@dataclass(frozen=True)
class CrowdTerms:
    """What companions add to log-likelihoods of n candidates, over that of somatic variants and of artefacts of single places.

    `germline` (n,): of germline variants; `copies` (n,): of places where a copy differs; `beside` (n,): whether it lies beside
    a crowd, where some of the reads may be of a copy that lacks it.
    """

    germline: np.ndarray
    copies: np.ndarray
    beside: np.ndarray

    def __getitem__(self, rows: Any) -> "CrowdTerms":
        return CrowdTerms(self.germline[rows], self.copies[rows], self.beside[rows])


def crowd_terms(crowd: np.ndarray) -> CrowdTerms:
    """Terms of candidates by their CROWDS (n,)."""
    return CrowdTerms((_OF_GERMLINE - _OF_SOMATIC)[crowd], (_OF_COPIES - _OF_SOMATIC)[crowd], np.isin(crowd, (APART, CLOSE)))


def crowds(links: Links, judged_as: np.ndarray, contig: np.ndarray, position: np.ndarray, listed: np.ndarray) -> np.ndarray:
    """int8 (n,): which of CROWDS each of n candidates is of.

    judged_as (n,): the candidate that each is judged as, which has the companions of all that are judged as it; contig (n,):
    number, position (n,): 0-based; listed (n,): whether a germline resource has it.
    """
    from varproof.posterior.crowding_numba_fns import companions

    both, one, other = (column.astype(np.int64) for column in links.counts.T)
    first, second = judged_as[links.first], judged_as[links.second]
    differ = (first != second) & (np.abs(position[links.first] - position[links.second]) >= DECISIONS.own_event)
    alike = (both >= DECISIONS.least_together) & (one + other <= DECISIONS.most_discordant * both)
    of_pairs = np.flatnonzero(differ & alike & ~listed[links.first] & ~listed[links.second])
    owner = np.concatenate([first[of_pairs], second[of_pairs]])
    place = position[np.concatenate([second[of_pairs], first[of_pairs]])]
    order = np.lexsort((place, owner))
    together = np.tile(both[of_pairs], 2)[order]
    full = DECISIONS.proven_together
    count = companions(owner[order], place[order], together, len(judged_as), DECISIONS.own_event, full) // full
    out = (np.searchsorted(_LEAST_COMPANIONS, count, side="right") + CLOSE).astype(np.int8)
    crowded = count >= DECISIONS.crowd
    out[count == 0] = np.where(near_artifacts(contig, position, crowded), CLOSE, ALONE)[count == 0]
    apart = (np.minimum(one, other) >= DECISIONS.least_apart) & (both <= DECISIONS.most_discordant * np.minimum(one, other))
    beside = np.zeros(len(judged_as), bool)
    beside[first[apart & crowded[second]]] = True
    beside[second[apart & crowded[first]]] = True
    out[beside & (count == 0)] = APART
    return out[judged_as]
