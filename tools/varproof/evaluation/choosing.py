"""Which candidates people should judge first, where they can't judge all: by what varproof and the network make of them.

A label teaches most where the answer is open. `random` and `stratified` are for judging varproof itself: what they leave out is
known, and each chosen candidate says for how many it stands.
"""

import numpy as np

EDGES = (0.01, 0.1, 0.5, 0.9, 0.99)
"""Probabilities at which strata of `stratified` end; each type of variant has its own."""


def chosen(
    choice: str,
    count: int,
    posterior: np.ndarray,
    network: np.ndarray,
    kinds: np.ndarray,
    seed: int,
    judged: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """(indices of the chosen of n candidates, ascending; for how many candidates each stands). `judged` (bool (n,)): not these.

    posterior, network: probabilities of being real (n,), NaN where unknown. kinds: variant types (n,). Fewer than `count` where
    there are fewer. `uncertain`: nearest to one half, by the mean of both where both are known. `disagreement`: whose two
    probabilities differ most, then the most uncertain. `stratified`: as many of each stratum as can be, by type and posterior.
    `rounds`: half of them (rounded down) those that the network is least certain of, the others by chance from what is left:
    what the network doubts teaches it, and what is drawn keeps its probabilities those of the list.
    Of candidates alike the first ones are taken.
    """
    if judged is not None and judged.any():
        left = np.flatnonzero(~judged)
        own, weights = chosen(choice, count, posterior[left], network[left], kinds[left], seed)
        return left[own], weights
    n = len(posterior)
    count = min(count, n)
    generator = np.random.default_rng(seed)
    both = np.where(np.isnan(network), posterior, np.where(np.isnan(posterior), network, 0.5 * (posterior + network)))
    doubt = np.where(np.isnan(both), -1.0, 0.5 - np.abs(both - 0.5))
    if choice == "all" or count == n:
        return np.arange(n), np.ones(n)
    if choice == "uncertain":
        taken = np.argsort(-doubt, kind="stable")[:count]
        return np.sort(taken), np.ones(count)
    if choice == "disagreement":
        apart = np.abs(posterior - network)
        taken = np.lexsort((-doubt, -np.where(np.isnan(apart), -1.0, apart)))[:count]
        return np.sort(taken), np.ones(count)
    if choice == "rounds":
        order = np.argsort(np.where(np.isnan(network), 1.0, np.abs(network - 0.5)), kind="stable")
        doubted, rest = order[: count // 2], np.sort(order[count // 2 :])
        drawn = generator.permutation(rest)[: count - len(doubted)]
        return np.sort(np.concatenate([doubted, drawn])), np.ones(count)
    strata = np.zeros(n, np.int64) if choice == "random" else _strata(posterior, kinds)
    taken, weight = _by_stratum(strata, count, generator)
    order = np.argsort(taken, kind="stable")
    return taken[order], weight[order]


def _strata(posterior: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Number of the stratum of each candidate: type, then range of the posterior; those without one by themselves."""
    ranges = np.where(np.isnan(posterior), len(EDGES) + 1, np.searchsorted(EDGES, posterior, side="right"))
    return np.unique(kinds, return_inverse=True)[1].reshape(-1) * (len(EDGES) + 2) + ranges


def _by_stratum(strata: np.ndarray, count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A sample without replacement of each stratum, of sizes as even as strata allow, and the weights of what is in it.

    With more strata than `count` one of each of some of them, drawn by chance, each of which stands for several strata.
    """
    members = [np.flatnonzero(strata == value) for value in np.unique(strata)]
    sizes = np.array([len(group) for group in members])
    if count < len(members):
        drawn = np.sort(generator.permutation(len(members))[:count])
        one_of_each = [generator.permutation(members[k])[:1] for k in drawn.tolist()]
        return np.concatenate(one_of_each), sizes[drawn] * len(members) / count
    shares = np.zeros(len(members), np.int64)
    left = count
    while left:
        open_ones = np.flatnonzero(shares < sizes)
        each = max(1, left // len(open_ones))
        for k in open_ones[: left if each == 1 else len(open_ones)]:
            step = min(each, int(sizes[k] - shares[k]), left)
            shares[k] += step
            left -= step
    taken = [generator.permutation(group)[:share] for group, share in zip(members, shares, strict=True)]
    weight = [np.full(share, size / share) for size, share in zip(sizes, shares, strict=True) if share]
    return np.concatenate(taken), np.concatenate(weight)
