"""Does a spectrum of allele frequencies contradict neutral evolution, and could it have?

A straight line with a high R² is no evidence of neutrality: subclones, seen through the noise of some tens of reads, give
nearly straight lines, too (Tarabichi et al. 2018; Bozic et al. 2019). So the spectrum that is expected is that of
neutral evolution, density 1/f², *as it is seen* at the depth and purity of this sample, from where on nothing is missed for
want of reads. The clonal variants, whose noise reaches down into it, are as frequent as the rest of the spectrum tells. Against
this stands the same with a subclone at any one frequency. The statistic is the greatest standardised score of such a
subclone, its distribution under neutral evolution is simulated, and so is the power: how often it would find a subclone
of a given size among as many variants.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.machinery.numerics import logarithmic_steps
from varproof.posterior.decisions import DECISIONS

MIN_VARIANTS = 20
"""Fewer variants in the range tell nothing."""
SIGNIFICANT = 0.05
_SIMULATIONS, _POWER_SIMULATIONS = 999, 200
_DEPTHS = 25
_BINS, _BINS_ABOVE = 30, 12
_CANDIDATES = 25
_TAIL_NODES = 120
_SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0)
SHARE = 0.15
"""Of the variants, those of the subclone whose power is reported."""
WANTED_POWER = 0.8
_CLONAL_STEP = 0.05
_ITERATIONS = 200


@dataclass(frozen=True, slots=True)
class SubclonePower:
    """Of subclones at `frequency` the test finds a share `power` if they have SHARE of the variants; `found_share` is the
    least share of the variants at which it finds WANTED_POWER of them, None: not even all of them.
    """

    frequency: float
    power: float
    found_share: float | None


@dataclass(frozen=True, slots=True)
class Neutrality:
    """Test of variants seen in [low, high); `expected` (b,) are counts under neutral evolution between `edges` (b + 1,).

    `effective_variants`: those of the range that are not clonal ones seen low. `excess_frequency`: where a subclone explains
    most; `excess_variants`: how many more than expected it has.
    """

    low: float
    high: float
    variants: int
    effective_variants: float
    kolmogorov_distance: float
    excess_frequency: float
    excess_variants: float
    p_value: float
    power: tuple[SubclonePower, ...]
    edges: Any
    expected: Any

    @property
    def rejected(self) -> bool:
        """Whether a spectrum like this is rare under neutral evolution."""
        return self.p_value < SIGNIFICANT

    @property
    def best_power(self) -> SubclonePower:
        """That of the frequency at which the test finds most."""
        return max(self.power, key=lambda one: (one.power, -(one.found_share or math.inf)))


def range_without_loss(
    depths: Any, purity: float, surely_kept: Any, high: float, low: float | None = None
) -> tuple[float, float]:
    """[low, high) where no variant is missed for want of fragments, at any but the lowest tenth of `depths` (n,).

    `surely_kept` (n,): alternative fragments from which on a variant of that depth is kept. `low`: asked for, at least.
    """
    limits = (np.asarray(surely_kept) + 0.5) / (np.asarray(depths) * purity)
    return max(low or 0.0, DECISIONS.least_tested_frequency, float(np.quantile(limits, 0.9))), high


def neutrality(vafs: Any, depths: Any, purity: float, low: float, high: float) -> Neutrality | None:
    """The test of frequencies in the tumour cells `vafs` (n,), seen at `depths` (n,) fragments; None: too few in the range."""
    from varproof.posterior.neutrality_numba_fns import seen_shares

    vafs, depths = np.asarray(vafs, dtype=float), np.asarray(depths, dtype=int)
    generator = np.random.default_rng(0)
    # Frequencies are k/n; spread over the 1/n that each k stands for, they fall between any edges as often as computed.
    seen = vafs + (generator.random(len(vafs)) - 0.5) / (depths * purity)
    inside = int(np.count_nonzero((seen >= low) & (seen < high)))
    if inside < MIN_VARIANTS or low >= high:
        return None
    high_ones = depths[vafs >= high]
    sites = high_ones if len(high_ones) >= MIN_VARIANTS else depths
    typical = np.quantile(sites, (np.arange(_DEPTHS) + 0.5) / _DEPTHS).astype(int)
    edges = np.concatenate([np.linspace(low, high, _BINS + 1), np.linspace(high, max(1.0, high), _BINS_ABOVE + 1)[1:-1], [1e9]])
    if high >= 1.0:
        edges = np.append(np.linspace(low, 1.0, _BINS + 1)[:-1], 1e9)
    counts = np.histogram(seen, edges)[0].astype(float)
    tail = _tail(typical, edges, purity, low, high)
    clonal = np.arange(1.25 * high, 1.0 + 1e-9, _CLONAL_STEP)
    parts = np.vstack([tail[None], seen_shares(typical, clonal, edges, purity)])
    weights = _fitted(counts, parts)
    null = _product(weights, parts[:, :_BINS])
    own = float(weights[0] * tail[:_BINS].sum() / null.sum())
    null /= null.sum()
    candidates = np.linspace(low, high, _CANDIDATES)
    subclones = seen_shares(typical, candidates, edges[: _BINS + 1], purity)
    subclones /= subclones.sum(axis=1, keepdims=True)
    scores = (subclones / null - 1.0).T
    scores = np.ascontiguousarray(scores / np.sqrt(_product(null, scores**2)))
    simulated = _product(generator.multinomial(inside, null, _SIMULATIONS), scores).max(axis=1)
    found = _product(counts[:_BINS], scores)
    best = int(found.argmax())
    critical = float(np.quantile(simulated, 1.0 - SIGNIFICANT))
    difference = np.cumsum(counts[:_BINS] / inside - null)
    share = float(found[best] / _product(subclones[best], scores)[best] / inside)
    return Neutrality(
        low=low,
        high=high,
        variants=inside,
        effective_variants=inside * own,
        kolmogorov_distance=float(np.abs(difference).max()),
        excess_frequency=float(candidates[best]),
        excess_variants=inside * min(max(share, 0.0), 1.0),
        p_value=(1 + int(np.count_nonzero(simulated >= found[best]))) / (_SIMULATIONS + 1),
        power=_power(null, scores, critical, inside, candidates, subclones, generator),
        edges=edges[: _BINS + 1],
        expected=inside * null,
    )


def _tail(depths: Any, edges: Any, purity: float, low: float, high: float) -> Any:
    """(b,) where the variants of neutral evolution are seen: density 1/f² from where none reaches the range."""
    from varproof.posterior.neutrality_numba_fns import seen_shares

    frequencies = np.array(logarithmic_steps(low / 20, max(0.5, high), _TAIL_NODES))
    weights = 1 / frequencies
    return _product(weights / weights.sum(), seen_shares(depths, frequencies, edges, purity))


def _product(a: Any, b: Any) -> Any:
    """Matrix or row times matrix."""
    from varproof.posterior.neutrality_numba_fns import product

    found = product(np.atleast_2d(np.asarray(a, dtype=float)), np.ascontiguousarray(b, dtype=float))
    return found if np.ndim(a) == 2 else found[0]


def _fitted(counts: Any, parts: Any) -> Any:
    """(p,) how many variants each part has: of parts (p, b), those of greatest likelihood of the counts (b,)."""
    visible = parts.sum(axis=1)
    shapes = parts / visible[:, None]
    weights = np.full(len(parts), counts.sum() / len(parts))
    for _ in range(_ITERATIONS):
        expected = np.maximum(_product(weights, shapes), 1e-300)
        weights = weights * _product(counts / expected, shapes.T)
    return weights / visible


def _power(
    null: Any, scores: Any, critical: float, variants: int, candidates: Any, subclones: Any, generator: Any
) -> tuple[SubclonePower, ...]:
    """The power at every fourth candidate but the ends."""
    found = []
    for at in range(4, len(candidates) - 3, 4):
        powers: dict[float, float] = {}
        for share in _SHARES:
            if share > SHARE and max(powers.values()) >= WANTED_POWER:
                break
            mixed = (1 - share) * null + share * subclones[at]
            drawn = generator.multinomial(variants, mixed / mixed.sum(), _POWER_SIMULATIONS)
            powers[share] = float((_product(drawn, scores).max(axis=1) > critical).mean())
        enough = [share for share, power in powers.items() if power >= WANTED_POWER]
        found.append(SubclonePower(float(candidates[at]), powers[SHARE], min(enough, default=None)))
    return tuple(found)
