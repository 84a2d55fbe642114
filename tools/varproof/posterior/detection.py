"""Which variants a list of calls could hold: the detection limit, learnt from the list, and frequencies corrected for it.

Near the limit only those variants are in a list that were seen more often than they are, by chance, and so their observed
frequencies are too high. The likelihood of a call's frequency, given that the variant is in the list, is the likelihood
over the probability of being kept at that frequency (for a known limit: Plackett 1953, Biometrika 40, 485).

That probability comes from the threshold of fdr-filter: log-odds of an allele with k of n fragments against errors are
a + b k + ln B(k + 1, n - k + 1), a straight line in k but for the integral over its frequency; against artefacts, of which
the normal shows nothing, they grow with k/n. Both lines are learnt from the calls near the threshold. What a caller asks of
candidates (so many fragments, such a share) is a limit, too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from varproof.formats.density import density_points_of
from varproof.posterior.decisions import DECISIONS

_ROUNDS = 30
_NONE = 1000.0
"""Log-odds against what does not happen."""
_MUCH = 4.0
"""Spreads by which log-odds fall short of what errors leave, to have another reason."""
_FEW = 5
_STEPS = 128
"""Frequencies at which the probability of being kept is tabulated, evenly in their roots."""
_PSEUDO = 4
"""Calls that the usual spread counts for."""
_FAR = 0.99
"""If so many variants are kept at the lower end of a frequency's interval, the limit is far."""


@dataclass(frozen=True, slots=True)
class CorrectedFrequency:
    """Estimate and 95 % interval of a frequency in tumour cells, given that the variant is in the list."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OddsLine:
    """Log-odds of an allele with k of n fragments: against errors intercept + per_fragment k + ln B(k + 1, n - k + 1), against
    artefacts second + per_share k/n; give or take spread.
    """

    intercept: float
    per_fragment: float
    second: float
    per_share: float
    spread: float

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array([self.intercept, self.per_fragment, self.second, self.per_share, self.spread])


@dataclass(frozen=True)
class DetectionLimit:
    """What a variant takes to be in a list.

    `least_fragments`, `least_share` of the depth: alternative fragments that candidates had to have. `threshold`: log-odds from
    which on they were kept, -inf for no such; `lines`: how log-odds grow, by group of types.
    """

    least_fragments: int = 0
    least_share: float = 0.0
    threshold: float = -math.inf
    lines: Any = field(default_factory=dict)
    _kept: dict[tuple[int, str], Any] = field(default_factory=dict, repr=False)
    _over: dict[tuple[int, str, float], tuple[Any, Any]] = field(default_factory=dict, repr=False)

    @property
    def known(self) -> bool:
        """Whether anything is known of it."""
        return self.least_fragments > 0 or self.least_share > 0 or bool(self.lines)

    def kept(self, depth: int, group: str) -> Any:
        """(m,) probability of being kept with 0 ... m - 1 alternative fragments of `depth`; with m and more it is 1."""
        from varproof.posterior.detection_numba_fns import kept_by_fragments

        if (depth, group) not in self._kept:
            least = min(max(self.least_fragments, math.ceil(self.least_share * depth - 1e-9)), depth)
            line = self.lines.get(group)
            self._kept[depth, group] = (
                np.zeros(least) if line is None else kept_by_fragments(depth, least, np.asarray(line), self.threshold)
            )
        return self._kept[depth, group]

    def surely_kept(self, depth: int, group: str, certainty: float = 0.95) -> int:
        """The least number of alternative fragments of `depth` from which on a variant is kept almost surely."""
        kept = self.kept(depth, group)
        missed = np.flatnonzero(kept < certainty)
        return int(missed[-1]) + 1 if len(missed) else 0

    def detectable(self, depth: int, group: str, purity: float, power: float = 0.5) -> float:
        """The frequency in tumour cells at which a share `power` of variants is kept at this depth; 1 where it takes more."""
        from varproof.posterior.detection_numba_fns import kept_probability

        low, high, kept = 0.0, 1.0, self.kept(depth, group)
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (low, middle) if kept_probability(purity * middle, depth, kept) >= power else (middle, high)
        return high

    def corrected(
        self, text: str, low: float, depth: int, group: str, purity: float, level: float = 0.95
    ) -> CorrectedFrequency | None:
        """The frequency whose density is `text`, its interval beginning at `low`, corrected; None where the limit is far."""
        from varproof.posterior.detection_numba_fns import corrected

        kept = self._near(low, depth, group, purity)
        if kept is None:
            return None
        points, phreds = density_points_of(text)
        return CorrectedFrequency(*corrected(points, phreds, level, purity, depth, kept)) if len(points) > 1 else None

    def kept_curve(self, text: str, low: float, depth: int, group: str, purity: float) -> tuple[Any, Any] | None:
        """(frequency, height), each (m,): the curve that `corrected` is of, up to a factor; None where the limit is far."""
        from varproof.posterior.detection_numba_fns import kept_curve

        kept = self._near(low, depth, group, purity)
        if kept is None:
            return None
        points, phreds = density_points_of(text)
        return kept_curve(points, phreds, purity, depth, kept) if len(points) > 1 else None

    def kept_over(self, depth: int, group: str, purity: float) -> tuple[Any, Any]:
        """(frequencies in tumour cells, from 0 to where all fragments are of the allele; probabilities of being kept), (g,)."""
        from varproof.posterior.detection_numba_fns import kept_over_frequencies

        key = (depth, group, purity)
        if key not in self._over:
            steps = np.arange(_STEPS + 1) / _STEPS
            frequencies = steps * steps / purity
            self._over[key] = frequencies, kept_over_frequencies(frequencies, purity, depth, self.kept(depth, group))
        return self._over[key]

    def _near(self, low: float, depth: int, group: str, purity: float) -> Any:
        """As `kept`, where the limit matters to an interval that begins at `low`; else None."""
        from varproof.posterior.detection_numba_fns import kept_probability

        kept = self.kept(depth, group)
        far = depth < 1 or not len(kept) or kept_probability(purity * low, depth, kept) > _FAR
        return None if far else kept


def odds_line(log_odds: Any, fragments: Any, depths: Any, threshold: float) -> OddsLine:
    """The lines through calls that were kept for log-odds over `threshold`.

    `log_odds` (n,), `fragments` (n,) alternative ones, `depths` (n,). Log-odds near the highest, which other events bound and
    not the number of fragments, take no part; that calls under the threshold are missing is corrected for (Tobit). The
    line of errors stays near the one that is expected (`decisions`) where few calls tell; that of artefacts is there if a
    few calls are much less certain than the errors leave them, as in samples that are deeper than their normal.
    """
    from varproof.posterior.detection_numba_fns import log_betas, rising_odds

    o, n = np.asarray(log_odds, dtype=float), np.asarray(depths, dtype=float)
    k = np.clip(np.rint(np.asarray(fragments, dtype=float)), 0, n)
    usual = (DECISIONS.usual_odds, DECISIONS.usual_odds_per_fragment)
    certainty = (1.0 / DECISIONS.odds_prior_sd**2, 1.0 / DECISIONS.odds_per_fragment_prior_sd**2)
    errors, artefacts = (*usual, DECISIONS.usual_odds_spread), (_NONE, 0.0, DECISIONS.usual_odds_spread)
    if not len(o):
        return OddsLine(*errors[:2], *artefacts)
    offset = log_betas(k, n)
    ceiling = float(np.quantile(o, 0.75))
    rising = rising_odds(o, ceiling)
    # Where the highest log-odds begin, those of other calls no longer grow: what they lack is chance.
    below = k / n < np.quantile((k / n)[o >= ceiling - 0.5], 0.1)
    for _ in range(_ROUNDS):
        mean = errors[0] + errors[1] * k + offset
        free = below & (rising < ceiling - 1.0)
        doubted = free & (mean > rising + _MUCH * errors[2])
        near = (mean < ceiling - 1.0) & (rising < ceiling) & ~doubted
        if near.any():
            errors = _tobit(k[near], (rising - offset)[near], threshold - offset[near], errors, usual, certainty)
        if doubted.sum() >= _FEW:
            start = artefacts if artefacts[0] < _NONE else (threshold, 10.0, DECISIONS.usual_odds_spread)
            artefacts = _tobit(
                (k / n)[doubted], rising[doubted], np.full(int(doubted.sum()), threshold), start, (0.0, 0.0), (1e-4, 1e-6)
            )
    if artefacts[0] + artefacts[1] / 2 < threshold + _MUCH * artefacts[2]:
        artefacts = (_NONE, 0.0, errors[2])  # Other calls are uncertain, whatever their frequency.
    share = float(doubted.sum()) / max(float((doubted | near).sum()), 1.0)
    spread = math.sqrt(share * artefacts[2] ** 2 + (1 - share) * errors[2] ** 2)
    return OddsLine(*errors[:2], *artefacts[:2], spread)


def _tobit(
    x: Any, y: Any, least: Any, line: tuple[float, float, float], prior: tuple[float, float], certainty: tuple[float, float]
) -> tuple[float, float, float]:
    """One step from `line` (intercept, slope, spread) to that through y (n,) at x (n,), of which only those over `least`
    (n,) are there. `prior` and its `certainty` (1/variance) are of intercept and slope, which does not fall.
    """
    from varproof.posterior.detection_numba_fns import normal_excess

    intercept, slope, spread = line
    mean = intercept + slope * x
    target = y - normal_excess((least - mean) / spread) * spread
    # Least squares, with what is expected as two further observations.
    each = 1.0 / spread**2
    a, b, c = certainty[0] + each * x.size, each * float(x.sum()), certainty[1] + each * float((x * x).sum())
    first = certainty[0] * prior[0] + each * float(target.sum())
    second = certainty[1] * prior[1] + each * float((x * target).sum())
    intercept, slope = (c * first - b * second) / (a * c - b * b), max((a * second - b * first) / (a * c - b * b), 0.0)
    residual = (y - intercept - slope * x)[mean > least + 2.0]
    usual = DECISIONS.usual_odds_spread
    spread = math.sqrt((_PSEUDO * usual**2 + float((residual**2).sum())) / (_PSEUDO + residual.size))
    return intercept, slope, min(max(spread, 0.3), 3.0)


def group_of(kind: str) -> str:
    """Types whose log-odds grow alike: errors make substitutions and indels at different rates."""
    return "substitution" if kind in ("snv", "mnv") else "indel"


def learnt_lines(log_odds: Any, fragments: Any, depths: Any, groups: Sequence[str], threshold: float) -> dict[str, OddsLine]:
    """`odds_line` of each group, all (n,)."""
    names = np.asarray(groups, dtype=str)
    odds, alternative, depth = (np.asarray(column, dtype=float) for column in (log_odds, fragments, depths))
    of = {name: names == name for name in ("substitution", "indel")}
    return {name: odds_line(odds[rows], alternative[rows], depth[rows], threshold) for name, rows in of.items()}
