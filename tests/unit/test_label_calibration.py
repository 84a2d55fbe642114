"""Maps of people's labels: what is promised holds, though reviewers err and judge the doubtful ones."""

import numpy as np
import pytest

from varproof.evaluation.label_calibration import labelled_groups
from varproof.formats.prior import LearntPrior
from varproof.machinery.numerics import expit
from varproof.posterior.fdr import fdr_threshold
from varproof.posterior.teaching import flat_prior

PEOPLE = 0.059


@pytest.fixture(scope="module")
def prior() -> LearntPrior:
    return flat_prior(1e6, 0.0)


def overconfident(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Error probabilities of a model, and whether candidates are real: its log-odds are twice what they should be."""
    log_odds = generator.normal(0, 3, n)
    return 1 / (1 + np.exp(2 * log_odds)), generator.random(n) < 1 / (1 + np.exp(-log_odds))


def mapped(error: np.ndarray, points: tuple[list[float], list[float]]) -> np.ndarray:
    log_odds = np.log(error) - np.log1p(-error)
    return np.array([expit(value) for value in np.maximum(np.interp(log_odds, *points), log_odds).tolist()])


@pytest.mark.parametrize("doubtful", [False, True])
def test_the_rate_is_kept_with_labels_of_people(prior: LearntPrior, doubtful: bool) -> None:
    """600 labels, of which 5.9 % are wrong, of candidates by chance or of the most doubtful ones: 20 lists of 5,000 at 0.1.

    The model's own probabilities promise too much. A map that takes labels as they are keeps the rate, too, and fewer calls;
    one of doubtful candidates alone says nothing of better ones but that they are no worse, so that nothing is kept.
    """
    generator = np.random.default_rng(5)
    false, kept = dict.fromkeys(("model", "labels", "as they are"), 0), dict.fromkeys(("model", "labels", "as they are"), 0)
    for _ in range(20):
        error, real = overconfident(generator, 5000)
        order = np.argsort(np.abs(error - 0.5), kind="stable") if doubtful else generator.permutation(5000)
        chosen = order[:600]
        said = real[chosen] ^ (generator.random(600) < PEOPLE)
        for name, share in (("model", None), ("labels", PEOPLE), ("as they are", 0.0)):
            new = error
            if share is not None:
                (group, *_) = labelled_groups(error[chosen], said, np.zeros(600, int), share, prior)
                new = mapped(error, (group.model_log_odds, group.log_odds))
            under = new <= fdr_threshold(new, 0.1, "global").error
            kept[name] += int(under.sum())
            false[name] += int((under & ~real).sum())
    rate = {name: false[name] / max(1, kept[name]) for name in false}
    assert rate["labels"] <= 0.1 < rate["model"] - 0.03
    assert kept["as they are"] < kept["labels"] or (doubtful and kept["labels"] == 0)


def test_few_labels_of_a_group_take_the_map_of_all_and_too_few_teach_nothing(prior: LearntPrior) -> None:
    generator = np.random.default_rng(6)
    error, real = overconfident(generator, 400)
    group = np.where(np.arange(400) < 380, 0, 2)
    snv, mnv, indel = labelled_groups(error, real, group, PEOPLE, prior)
    assert (snv.learnt_from, mnv.learnt_from, indel.learnt_from) == ("own", "all", "all")
    assert snv.planted + snv.not_planted == 380 and mnv.planted == 0
    assert (np.diff(snv.log_odds) >= 0).all()
    few = labelled_groups(error[:20], real[:20], group[:20], PEOPLE, prior)
    assert {entry.learnt_from for entry in few} == {"none"} and not few[0].log_odds


def test_labels_without_errors_support_what_their_number_supports(prior: LearntPrior) -> None:
    """100 real ones of 100: the least level is that of no false one among them, Gamma(1/2)'s quantile of 0.8 beside 100."""
    (snv, *_) = labelled_groups(np.full(100, 1e-6), np.ones(100, bool), np.zeros(100, int), PEOPLE, prior)
    assert snv.limit == pytest.approx(0.8212 / 100.8212, abs=1e-4)
