"""Stacking of two judgements: formulae by hand, scikit-learn, and Gaussian pairs whose best combination is known."""

import logging

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import binom

from varproof.formats.stacking import Stacking, StackingWeights
from varproof.machinery.errors import UserError
from varproof.network.logistic import logistic_weights
from varproof.network.stacking import LARGEST_LOG_ODDS, SOURCES, Judgements, combined, learnt_stacking
from varproof.posterior.fdr import fdr_threshold

DISTANCES = np.array([4.0, 3.0])


def two_judges(n: int, fraction: float, shared: float, rng: np.random.Generator) -> tuple[np.ndarray, Judgements]:
    """Calibrated log-odds from two measurements N(distance * real, 1) with correlation `shared`; no indels."""
    real = rng.random(n) < fraction
    covariance = [[1, shared], [shared, 1]]
    seen = rng.multivariate_normal([0, 0], covariance, n) + real[:, None] * DISTANCES
    log_odds = (seen - DISTANCES / 2) * DISTANCES + logit(fraction)
    return real, Judgements(log_odds[:, 0], log_odds[:, 1], np.zeros(n, bool))


def best_weights(shared: float) -> np.ndarray:
    """Weights of the two log-likelihood ratios in the joint one: C^-1 d over d, elementwise."""
    return np.linalg.solve([[1, shared], [shared, 1]], DISTANCES) / DISTANCES


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_learnt_weights_are_those_of_the_joint_likelihood(shared: float) -> None:
    real, judgements = two_judges(40_000, 0.2, shared, np.random.default_rng(1))
    weights = learnt_stacking(judgements, real).substitution
    assert [weights.scored, weights.predicted] == pytest.approx(best_weights(shared), abs=0.1)
    assert (weights.real, weights.false) == (real.sum(), (~real).sum())


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.5])
def test_the_combination_keeps_the_rate_and_finds_more(fraction: float) -> None:
    """Weights from a sample with 20 % real; others, in which each judge is right about its share, pooled."""
    rng = np.random.default_rng(2)
    real, judgements = two_judges(20_000, 0.2, 0.4, rng)
    stacking = learnt_stacking(judgements, real)
    kept, false = np.zeros(3, int), np.zeros(3, int)
    for _ in range(10):
        real, judgements = two_judges(5000, fraction, 0.4, rng)
        combination = combined(judgements, stacking)
        assert combination.fraction["substitution"] == pytest.approx(real.mean(), abs=0.15 * fraction)
        for i, log_odds in enumerate((combination.log_odds, judgements.scored, judgements.predicted)):
            chosen = expit(-log_odds) <= fdr_threshold(expit(-log_odds), 0.05, "global").error
            kept[i] += chosen.sum()
            false[i] += (chosen & ~real).sum()
    low, high = binom.ppf([0.0005, 0.9995], kept[0], 0.05)
    assert low <= false[0] <= high
    assert kept[0] > kept[1] > kept[2]


def test_the_default_errs_on_the_safe_side() -> None:
    """The mean of independent judgements claims less than they know: fewer false calls than promised."""
    real, judgements = two_judges(20_000, 0.1, 0.3, np.random.default_rng(3))
    error = expit(-combined(judgements, Stacking()).log_odds)
    chosen = error <= fdr_threshold(error, 0.05).error
    assert (chosen & ~real).sum() / chosen.sum() < 0.05
    assert chosen.sum() > 0.9 * real.sum()


def test_by_hand_without_estimating_the_share() -> None:
    """Four alleles, the mean of the log-odds of both shares in the middle: (sum p + 1/2) / (n + 1)."""
    scored, predicted = np.array([2.0, -3.0, -4.0, 1.0]), np.array([1.0, -1.0, -2.0, 0.5])
    weights = StackingWeights(offset=0.3, scored=0.7, predicted=0.4)
    found = combined(Judgements(scored, predicted, np.zeros(4, bool)), Stacking(substitution=weights), estimate_share=False)
    shares = [float(logit((expit(judged).sum() + 0.5) / 5)) for judged in (scored, predicted)]
    expected = 0.3 + 0.7 * (scored - shares[0]) + 0.4 * (predicted - shares[1]) + sum(shares) / 2
    assert found.log_odds == pytest.approx(expected)
    assert found.fraction == {"substitution": pytest.approx(expit(sum(shares) / 2))}
    default = combined(Judgements(scored, predicted, np.zeros(4, bool)), Stacking())
    assert default.log_odds == pytest.approx((scored + predicted) / 2), "four candidates tell no share"


def test_one_judge_one_class_and_none() -> None:
    nan = np.nan
    scored = np.array([50.0, -30.0, nan, nan, 3.0])
    predicted = np.array([nan, -60.0, -2.0, nan, 1.0])
    judgements = Judgements(scored, predicted, np.array([False, False, False, False, True]))
    found = combined(judgements, Stacking())
    assert [SOURCES[code] for code in judgements.source] == ["scored", "both", "predicted", "neither", "both"]
    assert found.log_odds[[0, 2]].tolist() == [50, -2], "a single judgement stands as it is"
    assert np.isnan(found.log_odds[3])
    assert found.log_odds[1] == -LARGEST_LOG_ODDS
    assert found.log_odds[4] == pytest.approx(2)
    assert set(found.fraction) == {"substitution", "indel"}
    nothing = combined(Judgements(np.zeros(0), np.zeros(0), np.zeros(0, bool)), Stacking())
    assert (len(nothing.log_odds), nothing.fraction) == (0, {})


def test_classes_have_their_own_weights_and_shares() -> None:
    """Of indels the second judge is worthless noise."""
    rng = np.random.default_rng(4)
    (real, good), (other, bad) = two_judges(8000, 0.1, 0.0, rng), two_judges(4000, 0.4, 0.0, rng)
    indel = np.repeat([False, True], [8000, 4000])
    noise = rng.normal(logit(0.4), 0.5, 4000)
    both = Judgements(np.append(good.scored, bad.scored), np.append(good.predicted, noise), indel)
    label = np.append(real, other)
    stacking = learnt_stacking(both, label)
    assert stacking.substitution.predicted == pytest.approx(1, abs=0.1)
    assert stacking.indel.predicted < 0.15
    assert stacking.indel.scored == pytest.approx(1, abs=0.1)
    fraction = combined(both, stacking).fraction
    assert fraction["substitution"] == pytest.approx(0.1, abs=0.02)
    assert fraction["indel"] == pytest.approx(0.4, abs=0.02)


def test_few_labels_stay_near_the_default_and_a_rare_class_takes_all(caplog: pytest.LogCaptureFixture) -> None:
    scored, predicted = np.array([6.0, -6.0] * 12), np.array([5.0, -7.0] * 12)
    judgements = Judgements(scored, predicted, np.arange(24) >= 22)
    with caplog.at_level(logging.INFO, logger="varproof"):
        stacking = learnt_stacking(judgements, [1, 0] * 12)
    assert "too few labelled calls of class indel" in caplog.text
    assert stacking.indel.real == 12
    assert 0.5 < stacking.indel.scored < 1
    reversed_ = learnt_stacking(judgements, [0, 1] * 12)
    assert reversed_.substitution.scored == reversed_.substitution.predicted == 0, "a judge is never read backwards"


def test_unknown_labels_do_not_count() -> None:
    real, judgements = two_judges(3000, 0.2, 0.2, np.random.default_rng(6))
    label = real.astype(int)
    label[::3] = -1
    weights = learnt_stacking(judgements, label).substitution
    assert weights.real + weights.false == 2000
    with pytest.raises(UserError, match="known to be false, of 3 labelled ones"):
        learnt_stacking(judgements, [1, 1, 1] + [-1] * 2997)
    with pytest.raises(UserError, match="known to be true, of 0"):
        learnt_stacking(judgements, np.full(3000, -1))


@pytest.mark.parametrize("chosen", ["random", "disagreement"])
def test_labels_of_people_teach_the_weights_that_the_truth_does(chosen: str) -> None:
    """5.9 % of labels are wrong, of all calls or of those on which the judges contradict each other: weights are as before."""
    rng = np.random.default_rng(8)
    real, judgements = two_judges(40_000, 0.2, 0.4, rng)
    taken = np.ones(len(real), bool)
    if chosen == "disagreement":
        apart = np.abs(expit(judgements.scored) - expit(judgements.predicted))
        taken = apart >= np.sort(apart)[-8000]
    said = np.where(taken, real ^ (rng.random(len(real)) < 0.059), -1)
    weights = learnt_stacking(judgements, said, 0.059).substitution
    assert [weights.scored, weights.predicted] == pytest.approx(best_weights(0.4), abs=0.1)
    assert abs(weights.offset) < 0.5
    naive = learnt_stacking(judgements, said).substitution
    assert naive.scored < weights.scored - 0.2 and naive.predicted < weights.predicted - 0.2


def test_uncertain_labels_are_both_labels_by_their_shares() -> None:
    """A label of probability q has the weights of q labels 1 and 1 - q labels 0: here 3 of 4."""
    rng = np.random.default_rng(9)
    features, target = rng.normal(size=(40, 2)), rng.integers(0, 5, 40) / 4
    options = ((0.0, 0.0), (10.0, 10.0), (-np.inf, -np.inf))
    found = logistic_weights(features, target, np.zeros(40), *options)
    repeated = np.repeat(features, 4, axis=0)
    labels = np.concatenate([np.arange(4) < 4 * share for share in target]).astype(int)
    tight = ((0.0, 0.0), (5.0, 5.0), (-np.inf, -np.inf))  # four times as many labels, four times the precision
    assert found == pytest.approx(logistic_weights(repeated, labels, np.zeros(160), *tight), abs=1e-6)
