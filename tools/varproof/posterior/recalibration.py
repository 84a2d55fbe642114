"""How often what the model calls somatic is false, learnt from candidates of known truth; and posteriors corrected for it.

Candidates that are known to be true or false are judged by the model: planted variants and what else the same reads show. True
ones are weighted so that they stand for the somatic variants of the sample at hand, per base; each false one stands for one in
the territory that was searched for it. Along the model's ranking the false ones are counted at the upper limit of what their
number allows, a limit that begins over zero before the first of them. The share of false ones, made monotone by isotonic
regression (Barlow et al. 1972), is the corrected probability of an error, between the centres of its steps by straight lines
in log-odds (Oron & Flournoy 2017).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.formats.events import ABSENT, EVENTS, SOMATIC
from varproof.formats.prior import LearntPrior
from varproof.formats.recalibration import Recalibration, RecalibrationGroup
from varproof.machinery.numerics import expit, log, logit
from varproof.posterior.classes import CLASSES, alleles_per_base
from varproof.posterior.decisions import DECISIONS

GROUPS = ("snv", "mnv", "indel")
"""Classes of variants that are corrected alike; a replacement goes with the MNVs."""

GROUP_OF_CLASS = np.array([GROUPS.index({"snv": "snv", "mnv": "mnv", "replacement": "mnv"}.get(n, "indel")) for n in CLASSES])
"""(len(CLASSES),): index into GROUPS."""

CLEAREST = 23.0
"""Log-odds, either way, beyond which ranks are not told apart: ten to one thousand million."""

_SOMATIC = EVENTS.index(SOMATIC)
_TAKING = [EVENTS.index(name) for name in ("ARTIFACT", ABSENT)]


@dataclass(frozen=True)
class Judged:
    """Candidates of known truth (n,). `error`: the model's probability that they are not somatic; `is_true`: they are;
    `group`: index into GROUPS; `observed`: most probable frequency in tumour cells; `frequency`: of true ones the planted one,
    NaN: not known; of false ones that observed.

    `territory`: bases that were searched for them, of all sources together. `copies`: how often a false one is there, on
    average, as several sources may be made of the same reads.
    """

    error: np.ndarray
    is_true: np.ndarray
    group: np.ndarray
    observed: np.ndarray
    frequency: np.ndarray
    territory: float
    copies: float = 1.0


def upper_limits(count: int, confidence: float, copies: float = 1.0) -> np.ndarray:
    """Upper limits (count + 1,) of the expectation of Poisson counts 0, 1, … count (Jeffreys' prior: Gamma(k + 1/2)).

    copies: each event was counted so often on average.
    """
    from scipy.stats import gamma

    return copies * gamma.ppf(confidence, np.arange(count + 1) / copies + 0.5)


def error_steps(
    rank: np.ndarray, is_true: np.ndarray, weight: np.ndarray, false_mass: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centres and levels of the steps of an isotonic regression of the share of false ones on rank.

    rank (n,): the lower, the likelier true. weight (n,) of true ones. false_mass (false ones + 1,): mass of what is taken for
    false before all, then of each false one in the order of ranks. Levels ascend strictly, from over 0 up to 1.
    """
    from scipy.optimize import isotonic_regression

    order = np.lexsort((is_true, rank))
    ordered, true = rank[order], is_true[order]
    mass = np.where(true, weight[order], 0.0)
    mass[~true] = false_mass[1:]
    keep = mass > 0
    ordered, true, mass = ordered[keep], true[keep], mass[keep]
    # What ties is one point: its order tells nothing.
    value, start = np.unique(ordered, return_index=True)
    total, false = np.add.reduceat(mass, start), np.add.reduceat(np.where(true, 0.0, mass), start)
    total, false = np.concatenate([[false_mass[0]], total]), np.concatenate([[false_mass[0]], false])
    value = np.concatenate([value[:1], value])
    fit = isotonic_regression(false / total, weights=total)
    bounds = np.asarray(fit.blocks)
    centres = np.add.reduceat(value * total, bounds[:-1]) / np.add.reduceat(total, bounds[:-1])
    levels = np.add.reduceat(false, bounds[:-1]) / np.add.reduceat(total, bounds[:-1])
    if bounds[1] == 1:  # nothing but what was taken for false beforehand
        centres, levels = centres[1:], levels[1:]
    return centres, levels


def expected_somatic(prior: LearntPrior) -> np.ndarray:
    """Somatic variants per base that a prior expects of each group (len(GROUPS),)."""
    expected = np.zeros(len(GROUPS))
    np.add.at(expected, GROUP_OF_CLASS, np.array(prior.rates[SOMATIC]) * alleles_per_base())
    return expected


def true_weights(judged: Judged, prior: LearntPrior) -> np.ndarray:
    """Weights (n,) of true ones: somatic variants per base that each stands for; 0 of others.

    By group and range of frequencies the model believes in so many somatic variants per base. Of these the ones are taken off
    that it believes in falsely; the rest are true, of which it sees as large a part as of the planted ones.
    """
    expected = expected_somatic(prior)
    edges = np.array(DECISIONS.calibrated_frequencies)
    share = _shares(prior, edges)
    cell = _range_of(judged.frequency)
    if not np.isfinite(judged.frequency[judged.is_true]).all():
        share, cell = np.array([1.0]), np.zeros(len(judged.error), np.int64)
    weights = np.zeros(len(judged.error))
    belief = 1.0 - judged.error
    for group in range(len(GROUPS)):
        mine = judged.group == group
        for k in range(len(share)):
            here = mine & (cell == k) & judged.is_true
            if not here.any():
                continue
            claimed = expected[group] * share[k]
            false = float(belief[mine & (cell == k) & ~judged.is_true].sum()) / judged.territory
            true = max(claimed - false, DECISIONS.least_true_share * claimed)
            seen = max(float(belief[here].sum()), DECISIONS.least_true_share * int(here.sum()))
            weights[here] = true / seen
    return weights


def _range_of(frequency: np.ndarray) -> np.ndarray:
    """Index of the range of `decisions.calibrated_frequencies` that frequencies (n,) lie in."""
    edges = DECISIONS.calibrated_frequencies
    return np.clip(np.searchsorted(edges, frequency, side="right") - 1, 0, len(edges) - 2)


def _shares(prior: LearntPrior, edges: np.ndarray) -> np.ndarray:
    """Share of the somatic variants between edges of frequencies."""
    bins = np.array(prior.frequency_bins)
    mass = np.array(prior.somatic_density) * np.diff(bins)
    below = np.interp(edges, bins, np.concatenate([[0.0], np.cumsum(mass / mass.sum())]))
    return np.diff(below)


@dataclass(frozen=True)
class _Points:
    """A map as points, its least level, and the level that it would have if nothing false had been seen."""

    model: np.ndarray
    log_odds: np.ndarray
    limit: float
    supported: float


def _points(judged: Judged, chosen: np.ndarray, weight: np.ndarray, fewest: int) -> _Points | None:
    """The map of the candidates `chosen` (bool (n,)); None where they hold fewer true ones than that."""
    rank, true = _ranks(judged.error[chosen]), judged.is_true[chosen]
    real = float(weight[chosen].sum())
    if int(true.sum()) < fewest or not real > 0:
        return None
    limits = upper_limits(int((~true).sum()), DECISIONS.calibration_confidence, judged.copies) / judged.territory
    centres, levels = error_steps(rank, true, weight[chosen], np.diff(limits, prepend=0.0))
    model = np.round(centres, 4)
    first = np.unique(model, return_index=True)[1]
    return _Points(model[first], np.round(_ranks(levels), 4)[first], float(levels[0]), float(limits[0] / (limits[0] + real)))


def _ranks(error: np.ndarray) -> np.ndarray:
    """Log-odds (n,) of error probabilities, within CLEAREST."""
    return np.array([logit(value) for value in np.clip(error, 1e-11, 1 - 1e-11).tolist()]).clip(-CLEAREST, CLEAREST)


def learnt_groups(judged: Judged, prior: LearntPrior) -> list[RecalibrationGroup]:
    """Maps: of a group's own candidates if there are enough of them, else of all groups that are no worse, else none.

    Where candidates of some range of frequencies are worse than the map of their group allows for, each range has its own.
    """
    weight, expected = true_weights(judged, prior), expected_somatic(prior)
    cell = _range_of(judged.observed)
    members = [judged.group == number for number in range(len(GROUPS))]
    alike, pooled = _shared(judged, members, weight, DECISIONS.fewest_planted)
    if pooled is not None and pooled.supported > DECISIONS.pooled_limit:
        pooled = None
    found = []
    for number, mine in enumerate(members):
        own = _points(judged, mine, weight, DECISIONS.fewest_planted if number in alike else 1)
        if own is not None and own.supported > DECISIONS.group_limit and number in alike:
            own = None
        points = own or pooled
        parts = [mine & (cell == k) for k in range(len(DECISIONS.calibrated_frequencies) - 1)]
        if points is None or not any(_worse(judged, part, weight, points) for part in parts):
            found.append(_entry(judged, mine, weight, number, None, own, pooled, expected))
            continue
        for k, part in enumerate(parts):
            found.append(_entry(judged, part, weight, number, k, _points(judged, part, weight, 1), points, expected))
    return found


def _shared(judged: Judged, parts: list[np.ndarray], weight: np.ndarray, fewest: int) -> tuple[list[int], _Points | None]:
    """Which of these parts (bool (n,) each) one map fits, none of them being worse than it allows for; and that map."""
    alike = list(range(len(parts)))
    while alike:
        points = _points(judged, np.any([parts[k] for k in alike], axis=0), weight, fewest)
        bad = [] if points is None else [k for k in alike if _worse(judged, parts[k], weight, points)]
        if not bad or len(alike) == 1:
            return alike, points
        alike = [k for k in alike if k not in bad]
    return [], None


def _entry(
    judged: Judged,
    mine: np.ndarray,
    weight: np.ndarray,
    group: int,
    of_range: int | None,
    own: _Points | None,
    other: _Points | None,
    expected: np.ndarray,
) -> RecalibrationGroup:
    points, edges = own or other, DECISIONS.calibrated_frequencies
    return RecalibrationGroup(
        name=GROUPS[group],
        least_frequency=0.0 if of_range is None else edges[of_range],
        most_frequency=1.0 if of_range is None else edges[of_range + 1],
        learnt_from="own" if own is not None else "none" if other is None else "all",
        planted=int((mine & judged.is_true).sum()),
        not_planted=int((mine & ~judged.is_true).sum()),
        believed=int((mine & ~judged.is_true & (judged.error < DECISIONS.even)).sum()),
        somatic_per_base=float(f"{expected[group]:.6g}"),
        true_per_base=float(f"{weight[mine].sum():.6g}"),
        limit=0.0 if points is None else round(points.limit, 6),
        model_log_odds=[] if points is None else points.model.tolist(),
        log_odds=[] if points is None else points.log_odds.tolist(),
    )


def _worse(judged: Judged, mine: np.ndarray, weight: np.ndarray, pooled: _Points) -> bool:
    """Whether more of these candidates are believed and false than the map of more candidates allows for."""
    from scipy.stats import poisson

    believed = mine & (judged.error < DECISIONS.even)
    false = int((believed & ~judged.is_true).sum()) / judged.copies
    mapped = _mapped(_ranks(judged.error[believed]), pooled.model, pooled.log_odds)
    error = np.array([expit(value) for value in mapped.tolist()])
    mass = np.where(judged.is_true[believed], weight[believed] * judged.territory, 1.0) / judged.copies
    expected = max(float((error * mass).sum()), 1e-9)
    return false > 0 and float(poisson.sf(false - 1, expected)) < DECISIONS.worse_by_chance


def _mapped(log_odds: np.ndarray, model: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The map at log-odds of errors (n,): straight between its points, level beyond them, and nowhere better than the model."""
    return np.maximum(np.interp(log_odds, model, target), log_odds)


def recalibrated(
    probability: np.ndarray, class_index: np.ndarray, frequency: np.ndarray, recalibration: Recalibration, prior: LearntPrior
) -> np.ndarray:
    """Posteriors (n, len(EVENTS)) with the error probabilities of SOMATIC_TUMOR corrected; rows still sum to 1.

    class_index (n,); frequency (n,): the most probable one in tumour cells. What an allele loses goes to ARTIFACT and ABSENT,
    as they share it already; none gains. Where the prior expects more or fewer somatic variants
    than that of the calibration, log-odds are shifted before and behind the map: planted and false ones then look the same,
    only the former are commoner or rarer.
    """
    expected = dict(zip(GROUPS, expected_somatic(prior).tolist(), strict=True))
    out = probability.copy()
    error = np.delete(probability, _SOMATIC, axis=1).sum(axis=1)
    for entry in recalibration.groups:
        inside = (frequency >= entry.least_frequency) & (frequency < (entry.most_frequency if entry.most_frequency < 1 else 2))
        rows = np.flatnonzero(inside & (GROUP_OF_CLASS[class_index] == GROUPS.index(entry.name)))
        if not entry.log_odds or not len(rows):
            continue
        shift = log(max(expected[entry.name], 1e-300)) - log(entry.somatic_per_base)
        shift = 0.0 if abs(shift) < 1e-5 else shift  # it was written with six digits
        model, target = np.array(entry.model_log_odds), np.array(entry.log_odds)
        mapped = _mapped(_ranks(error[rows]) + shift, model, target) - shift
        new = np.array([float(expit(value)) for value in mapped.tolist()])
        out[rows] = _moved(probability[rows], np.clip(new - error[rows], 0.0, probability[rows, _SOMATIC]))
    return out


def _moved(probability: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Rows (n, len(EVENTS)) in which SOMATIC_TUMOR has lost so much (n,) to ARTIFACT and ABSENT."""
    out = probability.copy()
    taking: Any = probability[:, _TAKING].sum(axis=1, keepdims=True)
    share = np.where(taking > 0, probability[:, _TAKING] / np.where(taking > 0, taking, 1.0), [1.0, 0.0])
    out[:, _TAKING] += lost[:, None] * share
    out[:, _SOMATIC] -= lost
    return out
