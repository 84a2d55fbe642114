"""Maps from the model's error probabilities to those that planted variants show: steps, limits, groups, and what is moved."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from varproof import __version__
from varproof.formats.events import EVENTS
from varproof.formats.prior import LearntPrior
from varproof.formats.recalibration import Recalibration, RecalibrationGroup
from varproof.posterior.classes import CLASSES, alleles_per_base
from varproof.posterior.fdr import fdr_threshold
from varproof.posterior.learning import starting_prior
from varproof.posterior.recalibration import (
    GROUPS,
    Judged,
    error_steps,
    expected_somatic,
    learnt_groups,
    recalibrated,
    true_weights,
    upper_limits,
)

SOMATIC, ARTIFACT, ABSENT = (EVENTS.index(name) for name in ("SOMATIC_TUMOR", "ARTIFACT", "ABSENT"))
SNV = CLASSES.index("snv")
HALF = np.array([0.5, 0.5])


def prior_with(somatic_per_base: float, of_class: str = "snv") -> LearntPrior:
    """A prior that expects so many somatic variants per base in one class, next to none in others; even frequencies."""
    start = starting_prior("empirical", 1e6)
    per_allele = np.full(len(CLASSES), 1e-12)
    chosen = CLASSES.index(of_class)
    per_allele[chosen] = somatic_per_base / alleles_per_base()[chosen]
    rates = {**start.rates, "SOMATIC_TUMOR": per_allele.tolist()}
    return start.model_copy(update={"rates": rates, "somatic_density": [1.0] * len(start.somatic_density)})


def test_steps_by_hand() -> None:
    """Four true ones, half a false one before them, one false one behind: 0.5 / 4.5, then 1."""
    rank = np.array([-4.0, -3.0, -2.0, -1.0, 5.0])
    centres, levels = error_steps(rank, np.arange(5) < 4, np.ones(5), np.array([0.5, 1.0]))
    assert levels == pytest.approx([1 / 9, 1.0])
    assert centres == pytest.approx([(-4.0 * 1.5 - 3 - 2 - 1) / 4.5, 5.0])


def test_a_false_one_within_true_ones() -> None:
    """T T F T T: the false one and those behind it are one step, as the share of false ones may not fall."""
    true = np.array([True, True, False, True, True])
    _, levels = error_steps(np.arange(5.0), true, np.ones(5), np.array([0.2, 1.0]))
    assert levels == pytest.approx([0.2 / 2.2, 1 / 3])


def slow_levels(rank: np.ndarray, true: np.ndarray, weight: np.ndarray, false_mass: np.ndarray) -> list[float]:
    """Isotonic regression as max over beginnings of min over ends of means; with the point before all as the first."""
    points: dict[float, list[float]] = {}
    number = 0
    for i in sorted(range(len(rank)), key=lambda i: (rank[i], bool(true[i]))):
        mass = weight[i] if true[i] else false_mass[1 + number]
        number += not true[i]
        entry = points.setdefault(rank[i], [0.0, 0.0])
        entry[0] += 0.0 if true[i] else mass
        entry[1] += mass
    values = [[false_mass[0], false_mass[0]], *(points[key] for key in sorted(points))]

    def mean(a: int, b: int) -> float:
        return sum(item[0] for item in values[a : b + 1]) / sum(item[1] for item in values[a : b + 1])

    n = len(values)
    return [max(min(mean(a, b) for b in range(i, n)) for a in range(i + 1)) for i in range(n)]


CASES = st.lists(st.tuples(st.integers(-6, 6), st.booleans(), st.floats(0.1, 5)), min_size=2, max_size=14)


@given(CASES)
@settings(max_examples=150, deadline=None)
def test_steps_are_the_isotonic_regression(cases: list[tuple[int, bool, float]]) -> None:
    rank, true, weight = (np.array(column) for column in zip(*cases, strict=True))
    mass = np.linspace(0.4, 1.2, int((~true).sum()) + 1)
    centres, levels = error_steps(rank.astype(float), true, weight, mass)
    expected = [key for key, _ in itertools.groupby(round(value, 9) for value in slow_levels(rank, true, weight, mass))]
    if len(expected) > len(levels):  # the point before all stands alone: what is behind it is no better
        expected = expected[1:]
    assert levels == pytest.approx(expected, abs=1e-8)
    assert (np.diff(levels) > 0).all() and (np.diff(centres) > 0).all()


@given(st.integers(0, 40), st.floats(0.5, 0.99))
@settings(max_examples=30, deadline=None)
def test_upper_limits_are_those_of_the_posterior_under_jeffreys_prior(count: int, confidence: float) -> None:
    limit = float(upper_limits(count, confidence)[-1])

    def density(rate: float) -> float:
        return stats.poisson.pmf(count, rate) / np.sqrt(rate)

    below = integrate.quad(density, 0, limit, limit=200)[0]
    above = integrate.quad(density, limit, limit + 400, limit=400)[0]
    assert below / (below + above) == pytest.approx(confidence, abs=2e-3)


def test_copies_count_as_one() -> None:
    """What two folders of the same reads show twice is as uncertain as if it had been seen once."""
    assert upper_limits(8, 0.8, 2.0)[8] == pytest.approx(2 * upper_limits(4, 0.8)[4])


def judged_of(rng: np.random.Generator, true: int, false: int, lift: float, territory: float = 1e6) -> Judged:
    """SNVs whose log-likelihood ratios are normal, N(±8, 16): exact, so that a model with even odds is right.

    The model knows true : false = `true` : `false`, but takes `lift` nats too many for granted.
    """
    n, m = int(rng.poisson(true)), int(rng.poisson(false))
    evidence = np.concatenate([rng.normal(8, 4, n), rng.normal(-8, 4, m)])
    log_odds = -(evidence + np.log(true / false) + lift)
    error = 1 / (1 + np.exp(-log_odds))
    frequency = np.concatenate([rng.uniform(0, 1, n), rng.uniform(0, 1, m)])
    return Judged(error, np.arange(n + m) < n, np.zeros(n + m, np.int64), frequency, frequency, territory)


def rows_of(error: np.ndarray) -> np.ndarray:
    """Posteriors with these error probabilities, all of it of artefacts."""
    out = np.zeros((len(error), len(EVENTS)))
    out[:, SOMATIC], out[:, ARTIFACT] = 1 - error, error
    return out


def realised(error: np.ndarray, is_true: np.ndarray, rate: float) -> float:
    kept = error <= fdr_threshold(error, rate, "global").error
    return float((kept & ~is_true).sum()) / max(1, int(kept.sum()))


@pytest.mark.parametrize("lift", [0.0, 3.0])
def test_rates_hold_whatever_the_model_takes_for_granted(lift: float) -> None:
    """Sixty samples, each with a calibration of its own: the expected share of false calls is at most what is asked for."""
    rng = np.random.default_rng(7)
    before, after, recall = [], [], []
    for _ in range(60):
        sample = judged_of(rng, 300, 3000, lift)
        prior = prior_with(float((1 - sample.error).sum()) / sample.territory)
        groups = learnt_groups(judged_of(rng, 300, 3000, lift), prior)
        assert groups[0].learnt_from == "own"
        found = Recalibration(version=__version__, confidence=0.8, sources=[], groups=groups)
        new = recalibrated(rows_of(sample.error), np.full(len(sample.error), SNV), sample.observed, found, prior)[:, ARTIFACT]
        before.append(realised(sample.error, sample.is_true, 0.05))
        after.append(realised(new, sample.is_true, 0.05))
        kept = new <= fdr_threshold(new, 0.05, "global").error
        recall.append((kept & sample.is_true).sum() / sample.is_true.sum())
    assert np.mean(after) <= 0.05
    assert np.mean(np.array(after) > 0.075) < 0.05
    assert np.mean(recall) > 0.9
    if lift:
        assert np.mean(before) > 0.07


def map_of(points: list[tuple[float, float]], somatic_per_base: float = 1e-4, name: str = "snv") -> Recalibration:
    groups = [
        RecalibrationGroup(
            name=other,
            learnt_from="own" if other == name else "none",
            planted=1, not_planted=1, believed=0, limit=0.0, true_per_base=0.0,
            somatic_per_base=somatic_per_base,
            model_log_odds=[x for x, _ in points] if other == name else [],
            log_odds=[y for _, y in points] if other == name else [],
        )
        for other in GROUPS
    ]  # fmt: skip
    return Recalibration(version=__version__, confidence=0.8, sources=[], groups=groups)


def test_mass_goes_where_errors_are() -> None:
    """0.9 somatic becomes 0.5: what is lost goes to ARTIFACT and ABSENT as 3 to 1; germline events keep theirs."""
    row = dict.fromkeys(EVENTS, 0.0) | {"SOMATIC_TUMOR": 0.9, "GERMLINE_HET": 0.06, "ARTIFACT": 0.03, "ABSENT": 0.01}
    probability = np.array([[row[name] for name in EVENTS]] * 2)
    classes = np.array([SNV, CLASSES.index("deletion_1")])
    new = recalibrated(probability, classes, HALF, map_of([(-5.0, 0.0), (0.0, 0.0)]), prior_with(1e-4))
    assert new[0] == pytest.approx([{**row, "SOMATIC_TUMOR": 0.5, "ARTIFACT": 0.33, "ABSENT": 0.11}[name] for name in EVENTS])
    assert np.array_equal(new[1], probability[1])


def test_nothing_gains() -> None:
    """Where the map would call an allele more probable than the model does, it stays as it is: few data are no reason to."""
    row = dict.fromkeys(EVENTS, 0.0) | {"SOMATIC_TUMOR": 0.5, "GERMLINE_HET": 0.4, "ABSENT": 0.1}
    probability = np.array([[row[name] for name in EVENTS]])
    found = map_of([(-1.0, np.log(1 / 9)), (1.0, np.log(1 / 9))])
    new = recalibrated(probability, np.array([SNV]), HALF[:1], found, prior_with(1e-4))
    assert new == pytest.approx(probability)


@given(
    st.lists(st.floats(1e-9, 1 - 1e-9), min_size=1, max_size=20),
    st.lists(
        st.tuples(st.floats(-20, 20), st.floats(-20, 20)), min_size=1, max_size=6, unique_by=lambda pair: round(pair[0], 2)
    ),
)
@settings(max_examples=100, deadline=None)
def test_order_stays_and_rows_sum_to_one(error: list[float], pairs: list[tuple[float, float]]) -> None:
    points = list(zip(sorted(x for x, _ in pairs), sorted(y for _, y in pairs), strict=True))
    values = np.sort(np.array(error))
    new = recalibrated(rows_of(values), np.full(len(values), SNV), values, map_of(points), prior_with(1e-4))
    assert new.sum(axis=1) == pytest.approx(1.0) and (new >= 0).all()
    assert (np.diff(new[:, ARTIFACT]) >= -1e-12).all()


def test_a_sample_with_more_somatic_variants() -> None:
    """Ten times as many: the odds of an error are a tenth, before and behind the map."""
    found = map_of([(-10.0, -6.0), (10.0, 14.0)])  # odds of an error are e^4 times those of the model
    error = np.array([1e-3])
    same = recalibrated(rows_of(error), np.array([SNV]), HALF[:1], found, prior_with(1e-4))[0, ARTIFACT]
    more = recalibrated(rows_of(error), np.array([SNV]), HALF[:1], found, prior_with(1e-3))[0, ARTIFACT]
    assert same / (1 - same) == pytest.approx(np.exp(4.0) * 1e-3 / 0.999)
    assert more / (1 - more) == pytest.approx(np.exp(4.0) * 1e-3 / 0.999)
    flat = map_of([(-10.0, -4.0), (10.0, -4.0)])
    one = recalibrated(rows_of(error), np.array([SNV]), HALF[:1], flat, prior_with(1e-3))[0, ARTIFACT]
    assert one / (1 - one) == pytest.approx(np.exp(-4.0) / 10)


def test_weights_take_off_what_is_believed_falsely() -> None:
    """The prior expects 40 per Mbp; ten false ones per Mbp are believed: thirty are true, each of 60 planted stands for 0.5."""
    error = np.array([0.0] * 60 + [0.0] * 10 + [1.0] * 100)
    true = np.arange(170) < 60
    judged = Judged(error, true, np.zeros(170, np.int64), np.full(170, 0.3), np.where(true, np.nan, 0.3), 1e6)
    assert expected_somatic(prior_with(40e-6))[0] == pytest.approx(40e-6)
    weight = true_weights(judged, prior_with(40e-6))
    assert weight[true] == pytest.approx(np.full(60, 0.5e-6))


def test_weights_by_allele_frequency() -> None:
    """What is planted evenly stands for the sample's own frequencies: a tenth of them under 0.1, half over 0.5."""
    frequency = np.array([0.05] * 5 + [0.7] * 50)
    judged = Judged(np.zeros(55), np.ones(55, bool), np.zeros(55, np.int64), frequency, frequency, 1e6)
    weight = true_weights(judged, prior_with(100e-6))
    assert weight[:5] == pytest.approx(np.full(5, 0.1 * 100e-6 / 5))
    assert weight[5:] == pytest.approx(np.full(50, 0.5 * 100e-6 / 50))


def two_groups(snvs: int, indels: int, bad_indels: int) -> Judged:
    """Planted SNVs and indels that the model is sure of, as many false ones that it refuses, and some that it doesn't."""
    error = np.array([1e-6] * (snvs + indels) + [1 - 1e-6] * (snvs + indels) + [1e-6] * bad_indels)
    true = np.arange(len(error)) < snvs + indels
    group = np.array(([0] * snvs + [2] * indels) * 2 + [2] * bad_indels)
    frequency = np.resize([0.05, 0.2, 0.3, 0.7], len(error))
    return Judged(error, true, group, frequency, frequency, 1e6)


def both_prior(snv: float, indel: float) -> LearntPrior:
    prior = prior_with(snv)
    rates = list(prior.rates["SOMATIC_TUMOR"])
    chosen = CLASSES.index("deletion_1")
    rates[chosen] = indel / alleles_per_base()[chosen]
    return prior.model_copy(update={"rates": {**prior.rates, "SOMATIC_TUMOR": rates}})


def test_few_variants_take_the_map_of_all() -> None:
    groups = dict(zip(GROUPS, learnt_groups(two_groups(300, 10, 0), both_prior(300e-6, 10e-6)), strict=True))
    assert groups["snv"].learnt_from == "own" and groups["indel"].learnt_from == "all"
    assert groups["indel"].limit == pytest.approx(0.821 / 310.8, rel=0.02)
    assert groups["snv"].limit == pytest.approx(0.821 / 300.8, rel=0.02)


def test_a_bad_group_does_not_hide_among_all() -> None:
    """Five of fifteen indels that the model is sure of are false; with SNVs they would be five of 315."""
    groups = dict(zip(GROUPS, learnt_groups(two_groups(300, 10, 5), both_prior(300e-6, 15e-6)), strict=True))
    assert groups["indel"].learnt_from == "own" and groups["indel"].believed == 5
    assert groups["indel"].limit > 0.3
    assert groups["snv"].limit < 0.01


def test_frequencies_apart_where_they_differ() -> None:
    """Of SNVs under a frequency of 0.1 half are false, above none: the limits are those of each range alone."""
    judged = two_groups(400, 400, 0)
    bad = Judged(np.full(100, 1e-6), np.zeros(100, bool), np.zeros(100, np.int64), np.full(100, 0.05), np.full(100, 0.05), 1e6)
    both = Judged(
        *(np.concatenate([getattr(judged, name), getattr(bad, name)]) for name in list(vars(judged))[:5]), territory=1e6
    )
    prior = both_prior(1200e-6, 400e-6)
    groups = learnt_groups(both, prior)
    snvs = [group for group in groups if group.name == "snv"]
    assert [(group.least_frequency, group.most_frequency) for group in snvs] == [(0, 0.1), (0.1, 0.25), (0.25, 0.5), (0.5, 1)]
    assert snvs[0].believed == 100 and snvs[0].limit > 0.5
    assert all(group.limit < 0.01 for group in snvs[1:])
    found = Recalibration(version=__version__, confidence=0.8, sources=[], groups=groups)
    new = recalibrated(rows_of(np.full(4, 1e-6)), np.full(4, SNV), np.array([0.02, 0.1, 0.6, 1.0]), found, prior)[:, ARTIFACT]
    assert new[0] == pytest.approx(snvs[0].limit, abs=1e-4)
    assert (new[1:] < 0.01).all()


def test_too_little_teaches_nothing() -> None:
    groups = learnt_groups(two_groups(12, 3, 0), both_prior(12e-6, 3e-6))
    assert {group.learnt_from for group in groups} == {"none"}
    found = Recalibration(version=__version__, confidence=0.8, sources=[], groups=groups)
    rows = rows_of(np.array([0.2, 1e-6]))
    assert np.array_equal(recalibrated(rows, np.array([SNV, SNV]), HALF, found, prior_with(12e-6)), rows)


def test_what_was_saved_comes_back(tmp_path) -> None:
    found = map_of([(-5.0, -4.0), (0.0, 0.5)])
    assert Recalibration.model_validate_json(found.model_dump_json(by_alias=True)) == found


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"log_odds": [1.0, 0.0]}, "must not descend"),
        ({"model_log_odds": [1.0, 1.0]}, "must ascend"),
        ({"log_odds": [1.0]}, "differ in length"),
        ({"learnt_from": "none"}, "if, and only if"),
    ],
)
def test_a_damaged_map_is_refused(changed: dict, told: str) -> None:
    content = map_of([(-5.0, -4.0), (0.0, 0.5)]).groups[0].model_dump()
    with pytest.raises(ValueError, match=told):
        RecalibrationGroup.model_validate({**content, **changed})
