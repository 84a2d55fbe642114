"""How common each event is among the candidates, learnt from them: expectation and maximisation, by kind of variant.

The likelihood of an event is its mean over the event's own prior, so that a wide event is no likelier than a narrow one before
anything is seen. Kinds that have few candidates are drawn towards what all have.
"""

import logging
from collections.abc import Sequence

import numpy as np

from varproof.machinery.numerics_numba_fns import exp_of, log_of
from varproof.scenario.decisions import DECISIONS

logger = logging.getLogger(__name__)


def learnt_rates(log_likelihood: np.ndarray, kind: np.ndarray, unseen: np.ndarray, absent: int) -> np.ndarray:
    """(kinds, events): shares of the events among candidates; `log_likelihood` (n, events), `kind` (n,) of each candidate.

    `unseen` (kinds,): alleles that were searched and are no candidates, which count as the event `absent`.
    """
    events = log_likelihood.shape[1]
    scaled = exp_of(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    added = np.zeros((len(unseen), events))
    added[:, absent] = unseen
    even = np.full(events, 1.0 / events)
    everywhere = _shares(scaled, even, even)
    if unseen.any():
        # Shares among candidates: of territory each kind has its own.
        members = [kind == number for number in range(len(unseen))]
        rates = [_shares(scaled[own], even, even + more) for own, more in zip(members, added, strict=True)]
        counts = np.stack([_counts(scaled[own], rate) for own, rate in zip(members, rates, strict=True)]).sum(axis=0)
        everywhere = counts / max(1e-300, counts.sum())
    strength = DECISIONS.kind_strength
    return np.stack(
        [_shares(scaled[kind == number], everywhere, strength * everywhere + added[number]) for number in range(len(unseen))]
    )


def _counts(likelihood: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(events,): how many of each are expected of likelihoods (n, events)."""
    joint = likelihood * shares
    return np.asarray((joint / joint.sum(axis=1, keepdims=True)).sum(axis=0))


def _shares(likelihood: np.ndarray, start: np.ndarray, added: np.ndarray) -> np.ndarray:
    """(events,): the shares of a mixture that make likelihoods (n, events) largest, with `added` (events,) candidates."""
    shares = start.copy()
    for _ in range(DECISIONS.rounds):
        counts = _counts(likelihood, shares) + added
        new = counts / counts.sum()
        moved = float((abs(new - shares) / np.maximum(shares, 1e-12)).max())
        shares = new
        if moved < DECISIONS.settled:
            break
    return shares


def told(names: Sequence[str], rates: np.ndarray, kinds: Sequence[str]) -> None:
    """Say in the log what was learnt."""
    for kind, row in zip(kinds, rates.tolist(), strict=True):
        logger.info("%s: %s", kind, ", ".join(f"{name} {value:.3g}" for name, value in zip(names, row, strict=True)))


def with_rates(log_likelihood: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """ln of rate times likelihood (n, events); `rates` (n, events) of each candidate."""
    return log_likelihood + log_of(np.maximum(rates, 1e-300))
