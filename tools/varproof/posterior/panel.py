"""What a panel of normals says of a candidate: how likely its counts are if the place makes artefacts, and if it does not.

A place either makes artefacts, at a rate of its own, or not. Of each normal the panel says whether it shows the allele, and
of those that do the reads. With q the place's rate, e the rate of errors in this context, n normals that cover the place at a
mean depth d, of which m show the allele in K of D reads, and a rate that varies among normals by a gamma distribution of
shape s, the counts have the likelihood (negative binomial; t = `formats.panel.shown_from`)
    P(counts | q) = P(X < t)^(n - m) NB(K; s m, D (q + e)),    X ~ NB(s, d (q + e)),
and where nothing is made there the same at q = 0, times the probability that a polymorphism has the carriers that there are
(neutral frequencies, Hardy and Weinberg). The tumour's rate is that of the place, give or take what libraries differ by; of a
share of artefacts the panel knows nothing.

So a panel adds to the logarithm of each component's likelihood: of an artefact of rate q what is above, over that of no
artefacts; of all other events the sum over what the place may be; of germline variants, too, how many normals carry it.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from varproof.formats.events import GERMLINE_EVENTS
from varproof.formats.panel import shown_from
from varproof.formats.prior import LearntPrior
from varproof.machinery.numerics import log
from varproof.machinery.numerics_numba_fns import exp_of, log_of
from varproof.posterior.artifact_classes import (
    ACTIVE_ON,
    ARTIFACT_CLASSES,
    BOTH,
    FIRST_FORWARD,
    FORWARD,
    LIKE_ERRORS,
    REVERSE,
    SECOND_FORWARD,
    SIGNATURES,
)
from varproof.posterior.classes import alleles_per_base, published_rates
from varproof.posterior.components import SAME_RATE, possible_artifacts
from varproof.posterior.panel_decisions import DECISIONS
from varproof.posterior.population import hardy_weinberg, is_listed

IMPOSSIBLE = -1e300
"""Log-likelihood of what can't be."""

KINDS = ("errors", "one strand or orientation", "all reads")
"""Artefacts of which a panel misses different shares: errors, and chance damage, have no places of their own."""

KIND_OF_CLASS = np.where(SIGNATURES == LIKE_ERRORS, 0, np.where(ACTIVE_ON == BOTH, 2, 1))


@dataclass(frozen=True)
class PanelEvidence:
    """What a panel has of n candidates.

    Attributes
    ----------
    covering : float (n,)
        Normals that would have shown a variant there; 0: the panel says nothing.
    depth : float (n,)
        Mean reads of these.
    showing : float (n,)
        Normals that show the allele, without carriers.
    reads : float (n, 4)
        Their reads with it: 2 * strand + orientation (see `formats.panel`).
    showing_depth : float (n,)
        All their reads.
    heterozygous, homozygous, carrier_reads, carrier_depth : float (n,)
        Carriers, their reads with the allele, and all of these.
    errors : float (n,)
        Rate at which errors make the allele in this context.
    listed : int (n,)
        Of a list without rates: 1 listed, 0 not; -1 of a panel of rates.
    """

    covering: np.ndarray
    depth: np.ndarray
    showing: np.ndarray
    reads: np.ndarray
    showing_depth: np.ndarray
    heterozygous: np.ndarray
    homozygous: np.ndarray
    carrier_reads: np.ndarray
    carrier_depth: np.ndarray
    errors: np.ndarray
    listed: np.ndarray

    @classmethod
    def unknown(cls, n: int) -> "PanelEvidence":
        """Of candidates that the panel says nothing of."""
        columns: dict[str, Any] = {item.name: np.zeros(n) for item in fields(cls)}
        return cls(**columns | {"reads": np.zeros((n, 4)), "listed": np.full(n, -1)})

    def rows(self, wanted: Any) -> "PanelEvidence":
        """The candidates `wanted`."""
        return PanelEvidence(**{item.name: getattr(self, item.name)[wanted] for item in fields(self)})


@dataclass(frozen=True)
class PanelTerms:
    """What a panel adds to log-likelihoods of n candidates, over that of a place that makes nothing.

    `artifact` (n, ARTIFACT_CLASSES, rates); `place` (n,) of events that are no artefacts; `germline` (n, GERMLINE_EVENTS).
    """

    artifact: np.ndarray
    place: np.ndarray
    germline: np.ndarray

    def __getitem__(self, rows: Any) -> "PanelTerms":
        return PanelTerms(self.artifact[rows], self.place[rows], self.germline[rows])


def panel_terms(
    evidence: PanelEvidence,
    prior: LearntPrior,
    class_index: np.ndarray,
    group: np.ndarray,
    frequency: np.ndarray | None = None,
) -> PanelTerms:
    """Terms of n candidates under the prior's rates of artefacts and the share that the panel misses.

    The tumour's own artefacts, which its normal has at another rate or not at all, are none of a place.

    `group` (n,): of each candidate's artefacts, as `weights.artifact_group`. `frequency` (n,): in the population, NaN where the
    germline resource lacks the allele; None: there is no resource.
    """
    rates = np.array(prior.artifact_rates)
    missed = np.array(prior.panel_missed or usual_shares())[KIND_OF_CLASS]
    usual = published_rates()["GERMLINE_HET"] / alleles_per_base()
    theta = usual[class_index]
    listed = evidence.listed >= 0
    by_places = _told_by_places(prior.paired)
    of_a_place = np.where(listed[:, None, None], _of_list(evidence, by_places, rates), _of_counts(evidence, theta, rates))
    of_a_place[((evidence.covering <= 0) & ~listed)[:, None] & by_places] = IMPOSSIBLE
    density = np.array(prior.artifact_density)
    of_class = density[:, :, SAME_RATE] / density.sum(axis=(1, 2, 3))[:, None, None]
    by_class = log_of(np.maximum(of_class, 1e-300))[group]
    rate = np.maximum(np.array(prior.rates["ARTIFACT"])[class_index], 1e-300)
    makes = log_of(rate) + _log_sum((of_a_place + by_class).reshape(len(rate), -1))
    makes_nothing = log_of(1.0 - rate)
    place = _log_add(makes_nothing, makes)
    artifact = _some_of_no_place(of_a_place, place, np.where(by_places, 0.0, missed))
    artifact[listed | (evidence.covering <= 0)] = of_a_place[listed | (evidence.covering <= 0)]
    private = DECISIONS.usual_private if prior.panel_private is None else prior.panel_private
    published = {event: (published_rates()[event] / alleles_per_base())[class_index] for event in GERMLINE_EVENTS}
    unlisted = {event: np.array(prior.rates[event])[class_index] for event in GERMLINE_EVENTS}
    carried = _germline(evidence, published, unlisted, private, frequency)
    uncarried = evidence.heterozygous + evidence.homozygous == 0
    germline = [_log_add(makes_nothing + one, makes + np.where(uncarried, one, 0.0)) for one in carried]
    return PanelTerms(artifact, place, np.stack(germline, axis=1))


def _some_of_no_place(of_a_place: np.ndarray, place: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """(n, classes, rates) of artefacts of which the shares missed (classes,) are of no place: these lie on any, as variants do.

    `place` (n,): the term of what is no artefact.
    """
    out = of_a_place.copy()
    for k, share in enumerate(missed.tolist()):
        if share > 0.0:
            elsewhere = np.broadcast_to((log(share) + place)[:, None], out[:, k].shape)
            out[:, k] = _log_add(log(max(1.0 - share, 1e-12)) + of_a_place[:, k], elsewhere)
    return out


def _told_by_places(paired: bool) -> np.ndarray:
    """bool (classes,): artefacts that look like somatic variants but for their places; with a matched normal none do.

    So the panel is asked of each of them, and none is taken to be where it says nothing.
    """
    return np.asarray(~possible_artifacts(paired=False).any(axis=(1, 2)) & (not paired))


def _of_list(evidence: PanelEvidence, by_places: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """(n, classes, rates) of a list: more artefacts at its sites; elsewhere none that only places tell."""
    out = np.zeros((len(evidence.listed), ARTIFACT_CLASSES, len(rates)))
    out[(evidence.listed == 0)[:, None] & by_places] = IMPOSSIBLE
    return out + np.where(evidence.listed == 1, log(DECISIONS.list_factor), 0.0)[:, None, None]


def usual_shares() -> list[float]:
    """Of each of KINDS the share of artefacts that a panel misses, where learning begins."""
    return [DECISIONS.usual_missed] * len(KINDS)


def _of_counts(evidence: PanelEvidence, theta: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """(n, classes, rates): ln of the likelihood of the counts if the tumour's artefact is one of the place, by its rate, over
    that of a place that makes nothing.
    """
    nothing = _nothing_made(evidence, theta)
    everywhere, on_half = (_made(evidence, share * rates) - nothing[:, None] for share in (1.0, 0.5))
    kinds = _kind_terms(evidence)
    kernel = log_of(np.maximum(_kernel(rates), 1e-300))
    out = np.empty((len(nothing), ARTIFACT_CLASSES, len(rates)))
    for k in range(ARTIFACT_CLASSES):
        by_rate = (everywhere if ACTIVE_ON[k] == BOTH else on_half) + kinds[:, k : k + 1]
        out[:, k] = _log_sum(by_rate[:, None, :] + kernel[None, :, :])
    out[evidence.covering <= 0] = 0.0
    return out


def _kernel(rates: np.ndarray) -> np.ndarray:
    """(tumour's rates, place's rates): how probable each rate of the place is given that of the tumour; rows sum to 1."""
    apart = log_of(rates)[:, None] - log_of(rates)[None, :]
    values: np.ndarray = exp_of(-0.5 * (apart / DECISIONS.tumor_log_sd) ** 2)
    return values / values.sum(axis=1, keepdims=True)


def _made(evidence: PanelEvidence, rates: np.ndarray) -> np.ndarray:
    """(n, rates): ln P(counts | the place makes the allele at a rate)."""
    rate = rates[None, :] + evidence.errors[:, None]
    carriers = evidence.heterozygous + evidence.homozygous
    quiet = np.maximum(evidence.covering - evidence.showing - carriers, 0.0)
    out: np.ndarray = quiet[:, None] * _log_unshown(evidence.depth, rate)
    shape = DECISIONS.rate_shape
    out += _negative_binomial(evidence.reads.sum(axis=1), shape * evidence.showing, evidence.showing_depth[:, None] * rate)
    out += _negative_binomial(evidence.carrier_reads, shape * carriers, evidence.carrier_depth[:, None] * rate)
    return out


def _nothing_made(evidence: PanelEvidence, theta: np.ndarray) -> np.ndarray:
    """(n,): ln P(counts | the place makes nothing), errors and germline variants apart."""
    carriers = evidence.heterozygous + evidence.homozygous
    quiet = np.maximum(evidence.covering - evidence.showing - carriers, 0.0)
    rate = evidence.errors[:, None]
    out: np.ndarray = quiet * _log_unshown(evidence.depth, rate)[:, 0]
    shape = DECISIONS.rate_shape * evidence.showing
    by_errors = _negative_binomial(evidence.reads.sum(axis=1), shape, evidence.showing_depth[:, None] * rate)[:, 0]
    out += np.maximum(by_errors, evidence.showing * log(DECISIONS.own_per_normal))
    copies = (0.5 * evidence.heterozygous + evidence.homozygous) / np.maximum(carriers, 1.0)
    expected = (evidence.carrier_depth * copies)[:, None]
    out += _negative_binomial(evidence.carrier_reads, DECISIONS.carrier_shape * carriers, expected)[:, 0]
    return out + _polymorphism(evidence, theta)


def _polymorphism(evidence: PanelEvidence, theta: np.ndarray) -> np.ndarray:
    """(n,): ln P(so many carriers of each kind | a germline variant of neutral frequency, theta / k of k copies); 0 of none."""
    one, two = evidence.heterozygous, evidence.homozygous
    people = np.maximum(evidence.covering, evidence.showing + one + two)
    copies, none = one + 2.0 * two, people - one - two
    by_copies = log_of(theta / np.maximum(copies, 1.0))
    shared = one * log(2.0) + _log_factorial(people) - _log_factorial(none) - _log_factorial(one) - _log_factorial(two)
    shared -= _log_factorial(2.0 * people) - _log_factorial(copies) - _log_factorial(2.0 * people - copies)
    return np.where(copies > 0, by_copies + shared, 0.0)


def _germline(
    evidence: PanelEvidence,
    usual: dict[str, np.ndarray],
    unlisted: dict[str, np.ndarray],
    private: float,
    frequency: np.ndarray | None,
) -> list[np.ndarray]:
    """Of each of GERMLINE_EVENTS (n,): ln of how many times as probable it is as in a person of whom nothing is known.

    usual, unlisted: event -> published rates (n,), and the prior's, below which none is. The frequency of what k of N copies
    carry is Beta(k, N - k + 1), of what none does the neutral one that is left; but for the share `private`, which none has.
    Where the population's frequency is known, the prior is by that, and few normals add nothing to it, unless they have more
    of the allele.
    """
    copies = evidence.heterozygous + 2.0 * evidence.homozygous
    total = np.maximum(2.0 * evidence.covering, copies)
    scale = (total + 1.0) * (total + 2.0)
    seen = {"GERMLINE_HET": 2.0 * copies * (total - copies + 1.0) / scale, "GERMLINE_HOM": copies * (copies + 1.0) / scale}
    unseen = {"GERMLINE_HET": 2.0 / (total + 2.0), "GERMLINE_HOM": 2.0 / scale}
    known = np.zeros(len(copies), bool) if frequency is None else is_listed(frequency)
    of_population = hardy_weinberg(np.zeros(len(copies)) if frequency is None else np.nan_to_num(frequency))
    out = []
    for event in GERMLINE_EVENTS:
        factor = np.where(copies > 0, (1.0 - private) * seen[event] / usual[event], private + (1.0 - private) * unseen[event])
        beyond = np.maximum(1.0, seen[event] / np.maximum(of_population[event], unlisted[event]))
        factor = np.where(known, beyond, factor)
        out.append(np.where(evidence.covering > 0, log_of(factor), 0.0))
    return out


def _kind_terms(evidence: PanelEvidence) -> np.ndarray:
    """(n, classes): what strand and orientation of the normals' reads say for a class, over all reads alike."""
    total = np.maximum(evidence.reads.sum(axis=1), 1.0)
    reads = evidence.reads * np.minimum(1.0, DECISIONS.most_told_by_kind / total)[:, None]
    within = {
        FORWARD: reads[:, 0] + reads[:, 1],
        REVERSE: reads[:, 2] + reads[:, 3],
        FIRST_FORWARD: reads[:, 0] + reads[:, 2],
        SECOND_FORWARD: reads[:, 1] + reads[:, 3],
    }
    out = np.zeros((len(total), ARTIFACT_CLASSES))
    strayed = DECISIONS.half_strayed
    for k, on in enumerate(ACTIVE_ON.tolist()):
        if on != BOTH:
            own = within[on]
            out[:, k] = own * log(2.0 * (1.0 - strayed)) + (reads.sum(axis=1) - own) * log(2.0 * strayed)
    return out


def _log_unshown(depth: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """(n, rates): ln P(a normal of this depth (n,) shows fewer reads than it takes to be listed), at rates (n, rates)."""
    shape = DECISIONS.rate_shape
    least = shown_from(depth)[:, None]
    mean = depth[:, None] * rate
    odds = mean / (shape + mean)
    term = exp_of(shape * log_of(shape / (shape + mean)))
    total = np.zeros_like(mean)
    for k in range(int(least.max(initial=0))):
        total += np.where(k < least, term, 0.0)
        term = term * odds * ((shape + k) / (k + 1.0))
    return log_of(np.clip(total, 1e-300, 1.0))


def _negative_binomial(count: np.ndarray, shape: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """(n, rates): ln P(count (n,)) of a negative binomial of this shape (n,) and mean (n, rates); 0 where the shape is 0."""
    known = np.maximum(shape, 1e-9)[:, None]
    least = np.maximum(mean, 1e-12)
    counted = _log_gamma(count + known[:, 0]) - _log_gamma(known[:, 0]) - _log_factorial(count)
    out = known * log_of(known / (known + least)) + count[:, None] * log_of(least / (known + least)) + counted[:, None]
    return np.where(shape[:, None] > 0, out, 0.0)


def _log_factorial(n: np.ndarray) -> np.ndarray:
    return _log_gamma(np.asarray(n, np.float64) + 1.0)


def _log_gamma(x: np.ndarray) -> np.ndarray:
    """ln Gamma of x > 0: Stirling's series from 8 on, by recurrence below."""
    product, at = np.ones_like(x), x
    for _ in range(8):
        small = at < 8.0
        product = np.where(small, product * at, product)
        at = np.where(small, at + 1.0, at)
    inverse = 1.0 / at
    square = inverse * inverse
    series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)))
    out: np.ndarray = (at - 0.5) * log_of(at) - at + 0.9189385332046728 + series - log_of(product)
    return out


def _log_sum(values: np.ndarray) -> np.ndarray:
    """ln of the sum of exponentials over the last axis."""
    top = values.max(axis=-1)
    total: np.ndarray = top + log_of(exp_of(values - top[..., None]).sum(axis=-1))
    return total


def _log_add(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return _log_sum(np.stack([np.broadcast_to(one, other.shape), other], axis=-1))
