"""Metrics against values by hand, scikit-learn's other functions, and plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varproof.formats.training import MEASURES
from varproof.network.metrics import (
    RELIABILITY_BINS,
    classification_metrics,
    curves,
    expected_calibration_error,
    mean_and_sd,
    metrics_by_type,
    reliability_bins,
    resampling,
)
from varproof.variants.edit import VariantType

JUDGED = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=60)


def test_by_hand() -> None:
    """Called: 0.9, 0.8, 0.5. Pairs (real, not) in order: 5 of 6. AP: 1/3 * 1 + 1/3 * 1 + 1/3 * 3/4."""
    found = classification_metrics([1, 0, 1, 0, 1], [0.9, 0.5, 0.8, 0.1, 0.3])
    assert (found.n, found.positives, found.tp, found.fp, found.tn, found.fn) == (5, 3, 2, 1, 1, 1)
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 / 3)
    assert found.roc_auc == pytest.approx(5 / 6)
    assert found.average_precision == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert found.brier == pytest.approx((0.1**2 + 0.5**2 + 0.2**2 + 0.1**2 + 0.7**2) / 5)
    assert found.expected_calibration_error == pytest.approx((0.1 + 0.5 + 0.2 + 0.1 + 0.7) / 5)


def test_calibration_error_by_hand() -> None:
    """Two bins of width 1/2: (0.2, 0.3 | none real), (0.5, 0.7, 0.9, 1.0 | three real)."""
    bins = reliability_bins([0, 0, 1, 1, 0, 1], [0.2, 0.3, 0.5, 0.7, 0.9, 1.0], bins=2)
    assert [entry.count for entry in bins] == [2, 4]
    assert bins[0].mean_predicted == pytest.approx(0.25)
    assert bins[1].mean_predicted == pytest.approx(0.775)
    assert (bins[0].observed_fraction, bins[1].observed_fraction) == (0, 0.75)
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.25 + 4 * 0.025) / 6)


@settings(deadline=None)
@given(JUDGED)
def test_against_scikit_learn(judged: list[tuple[bool, float]]) -> None:
    from sklearn import metrics as reference

    label = np.array([real for real, _ in judged], int)
    probability = np.array([p for _, p in judged])
    found = classification_metrics(label, probability, 0.3)
    called = (probability >= 0.3).astype(int)
    assert found.accuracy == pytest.approx(reference.accuracy_score(label, called))
    scores = {
        "precision": reference.precision_score(label, called, zero_division=np.nan),
        "recall": reference.recall_score(label, called, zero_division=np.nan),
        "f1": reference.f1_score(label, called, zero_division=np.nan),
    }
    for name, expected in scores.items():
        value = getattr(found, name)
        assert (value is None and math.isnan(expected)) or value == pytest.approx(expected)
    assert [[found.tn, found.fp], [found.fn, found.tp]] == reference.confusion_matrix(label, called, labels=[0, 1]).tolist()


@settings(deadline=None)
@given(JUDGED)
def test_areas_against_plain_loops(judged: list[tuple[bool, float]]) -> None:
    found = classification_metrics([real for real, _ in judged], [p for _, p in judged])
    real = [p for label, p in judged if label]
    other = [p for label, p in judged if not label]
    assert found.brier == pytest.approx(math.fsum((p - label) ** 2 for label, p in judged) / len(judged))
    if real and other:
        ordered = sum((a > b) + 0.5 * (a == b) for a in real for b in other)
        assert found.roc_auc == pytest.approx(ordered / len(real) / len(other))
    else:
        assert found.roc_auc is None
    if real:
        area = 0.0
        for threshold in sorted(set(real)):
            kept = sum(p >= threshold for _, p in judged)
            area += real.count(threshold) / len(real) * sum(p >= threshold for p in real) / kept
        assert found.average_precision == pytest.approx(area)


@settings(deadline=None)
@given(JUDGED)
def test_bins_against_a_plain_loop(judged: list[tuple[bool, float]]) -> None:
    bins = reliability_bins([label for label, _ in judged], [p for _, p in judged])
    assert (bins[0].low, bins[-1].high, len(bins)) == (0, 1, RELIABILITY_BINS)
    for i, entry in enumerate(bins):
        inside = [(label, p) for label, p in judged if entry.low <= p < entry.high or (i == RELIABILITY_BINS - 1 and p == 1)]
        assert entry.count == len(inside)
        if inside:
            assert entry.mean_predicted == pytest.approx(sum(p for _, p in inside) / len(inside))
            assert entry.observed_fraction == pytest.approx(sum(label for label, _ in inside) / len(inside))
        else:
            assert entry.mean_predicted is None


def test_what_cannot_be_known_is_none() -> None:
    nothing = classification_metrics([], [])
    assert all(getattr(nothing, name) is None for name in MEASURES)
    no_calls = classification_metrics([1, 0], [0.1, 0.2])
    assert (no_calls.precision, no_calls.recall, no_calls.f1) == (None, 0, 0)
    none_real = classification_metrics([0, 0], [0.1, 0.2])
    assert (none_real.recall, none_real.f1, none_real.roc_auc, none_real.average_precision) == (None,) * 4
    all_real = classification_metrics([1, 1], [0.1, 0.9])
    assert (all_real.roc_auc, all_real.average_precision, all_real.recall) == (None, 1, 0.5)
    assert curves([0, 0], [0.1, 0.2]).precision_recall is None
    assert curves([1, 1], [0.1, 0.2]).roc is None
    assert curves([], []).roc is None


@pytest.mark.parametrize(
    ("label", "probability"), [([0, 2], [0.1, 0.2]), ([0, 1], [0.1, float("nan")]), ([0, 1], [0.1, 1.1]), ([0, 1], [0.1])]
)
def test_refusals(label: list[int], probability: list[float]) -> None:
    with pytest.raises(ValueError, match=r"labels|probabilities"):
        classification_metrics(label, probability)


def test_curves_end_where_they_should_and_are_thin() -> None:
    from sklearn.metrics import auc

    rng = np.random.default_rng(1)
    label = rng.random(20_000) < 0.2
    probability = np.clip(0.3 * label + rng.normal(0.3, 0.15, 20_000), 0, 1)
    found = curves(label, probability, uncalibrated=probability**2)
    assert found.roc is not None and found.precision_recall is not None and found.reliability_uncalibrated is not None
    rates = found.roc
    assert (rates.false_positive_rate[0], rates.true_positive_rate[0]) == (0, 0)
    assert (rates.false_positive_rate[-1], rates.true_positive_rate[-1]) == (1, 1)
    assert len(rates.false_positive_rate) <= 500
    recall = np.array(found.precision_recall.recall)
    assert np.all(np.diff(recall) >= 0)
    assert (recall[0], recall[-1]) == (0, 1)
    assert found.precision_recall.precision[-1] == pytest.approx(label.mean(), abs=0.01)
    area = auc(rates.false_positive_rate, rates.true_positive_rate)
    assert area == pytest.approx(classification_metrics(label, probability).roc_auc, abs=2e-3)
    assert sum(entry.count for entry in found.reliability_uncalibrated) == 20_000


def test_by_type() -> None:
    code = [list(VariantType).index(kind) for kind in (VariantType.SNV, VariantType.DELETION, VariantType.SNV)]
    found = metrics_by_type([1, 0, 0], [0.9, 0.8, 0.2], code)
    assert {name: (entry.n, entry.fp) for name, entry in found.items()} == {"snv": (2, 0), "deletion": (1, 1)}


def test_mean_and_sd_over_runs_that_know() -> None:
    runs = [classification_metrics([1, 0], p) for p in ([0.9, 0.1], [0.2, 0.1], [0.9, 0.8])]
    mean, sd = mean_and_sd(runs)
    assert mean["accuracy"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert sd["accuracy"] == pytest.approx(np.std([1, 0.5, 0.5], ddof=1))
    assert mean["precision"] == pytest.approx((1 + 0.5) / 2), "the second run calls nothing"
    assert set(mean) == set(sd) == set(MEASURES)
    assert mean_and_sd([])[0]["f1"] is None
    assert resampling(runs[:1], "patient").sd["f1"] is None
