"""Labels and predicted probabilities -> the numbers and curves of metrics.json.

Everything that can't be known from the candidates at hand is None: the precision of no calls, the ROC AUC of one class.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from varproof.formats.training import (
    MEASURES,
    ClassificationMetrics,
    Curves,
    PrecisionRecallCurve,
    ReliabilityBin,
    Resampling,
    RocCurve,
    SplitBy,
)
from varproof.variants.edit import TYPES

RELIABILITY_BINS = 15
_CURVE_POINTS = 500


def _checked(label: Any, probability: Any) -> tuple[np.ndarray, np.ndarray]:
    label, probability = np.asarray(label), np.asarray(probability, np.float64)
    if label.shape != probability.shape or label.ndim != 1:
        raise ValueError(f"labels {label.shape} and probabilities {probability.shape} are not two vectors of one length")
    if not np.all((label == 0) | (label == 1)):
        raise ValueError("labels are 0 or 1")
    if not np.all((probability >= 0) & (probability <= 1)):
        raise ValueError("probabilities lie between 0 and 1")
    return label.astype(bool), probability


def classification_metrics(label: Any, probability: Any, threshold: float = 0.5) -> ClassificationMetrics:
    """Metrics of predicted probabilities (n,) against labels 0 or 1 (n,); real from `threshold` on.

    Raises ValueError for other labels, or for values that are no probabilities.

    >>> classification_metrics([1, 1, 0, 0], [0.9, 0.4, 0.6, 0.1]).f1
    0.5
    """
    label, probability = _checked(label, probability)
    called = probability >= threshold
    tp, fp = int((called & label).sum()), int((called & ~label).sum())
    tn, fn = int((~called & ~label).sum()), int((~called & label).sum())
    n, positives = len(label), tp + fn
    roc_auc = average_precision = brier = None
    if n:
        from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

        brier = float(brier_score_loss(label, probability, pos_label=True))
        if positives:
            average_precision = float(average_precision_score(label, probability))
        if 0 < positives < n:
            roc_auc = float(roc_auc_score(label, probability))
    return ClassificationMetrics(
        n=n,
        positives=positives,
        threshold=threshold,
        tp=tp,
        fp=fp,
        tn=tn,
        fn=fn,
        accuracy=_share(tp + tn, n),
        precision=_share(tp, tp + fp),
        recall=_share(tp, positives),
        f1=_share(2 * tp, 2 * tp + fp + fn),
        roc_auc=roc_auc,
        average_precision=average_precision,
        brier=brier,
        expected_calibration_error=expected_calibration_error(reliability_bins(label, probability)),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def metrics_by_type(label: Any, probability: Any, type_code: Any, threshold: float = 0.5) -> dict[str, ClassificationMetrics]:
    """Metrics of each variant type that occurs; type_code (n,): index into `VariantType`, as in a tensor's `allele_code`."""
    label, probability, type_code = np.asarray(label), np.asarray(probability), np.asarray(type_code)
    return {
        kind.value: classification_metrics(label[type_code == code], probability[type_code == code], threshold)
        for code, kind in enumerate(TYPES)
        if np.any(type_code == code)
    }


def reliability_bins(label: Any, probability: Any, bins: int = RELIABILITY_BINS) -> list[ReliabilityBin]:
    """Mean predicted probability and observed share of real candidates in `bins` equal-width bins, empty ones included."""
    label, probability = _checked(label, probability)
    edges = np.arange(bins + 1) / bins
    index = np.digitize(probability, edges[1:-1])
    count = np.bincount(index, minlength=bins)
    predicted = np.bincount(index, probability, minlength=bins)
    observed = np.bincount(index, label, minlength=bins)
    return [
        ReliabilityBin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            count=int(count[i]),
            mean_predicted=float(predicted[i] / count[i]) if count[i] else None,
            observed_fraction=float(observed[i] / count[i]) if count[i] else None,
        )
        for i in range(bins)
    ]


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float | None:
    """Mean |predicted - observed| over bins, weighted by count (Naeini et al. 2015); None of no candidates."""
    total = sum(entry.count for entry in bins)
    if not total:
        return None
    differences = (
        entry.count * abs(entry.mean_predicted - entry.observed_fraction)
        for entry in bins
        if entry.mean_predicted is not None and entry.observed_fraction is not None
    )
    return sum(differences) / total


def curves(label: Any, probability: Any, uncalibrated: Any = None) -> Curves:
    """ROC, precision over recall and reliability; `uncalibrated`: probabilities (n,) before calibration, to show beside."""
    label, probability = _checked(label, probability)
    roc = precision_recall = None
    if label.any():
        from sklearn.metrics import precision_recall_curve, roc_curve

        precision, recall, _ = precision_recall_curve(label, probability, drop_intermediate=True)
        points = _thinned(len(recall))
        precision_recall = PrecisionRecallCurve(
            recall=recall[::-1][points].tolist(), precision=precision[::-1][points].tolist()
        )
        if not label.all():
            false_positive_rate, true_positive_rate, _ = roc_curve(label, probability)
            points = _thinned(len(false_positive_rate))
            roc = RocCurve(
                false_positive_rate=false_positive_rate[points].tolist(),
                true_positive_rate=true_positive_rate[points].tolist(),
            )
    return Curves(
        roc=roc,
        precision_recall=precision_recall,
        reliability=reliability_bins(label, probability),
        reliability_uncalibrated=None if uncalibrated is None else reliability_bins(label, uncalibrated),
    )


def _thinned(points: int) -> np.ndarray:
    return np.unique(np.linspace(0, points - 1, min(points, _CURVE_POINTS)).round().astype(int))


def mean_and_sd(runs: Sequence[ClassificationMetrics]) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """Mean and sample standard deviation of each of MEASURES over the runs that know it (None: fewer than one, two)."""
    mean: dict[str, float | None] = {}
    sd: dict[str, float | None] = {}
    for name in MEASURES:
        known = [value for run in runs if (value := getattr(run, name)) is not None]
        mean[name] = float(np.mean(known)) if known else None
        sd[name] = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return mean, sd


def resampling(runs: Sequence[ClassificationMetrics], split_by: SplitBy = "candidate") -> Resampling:
    """Folds or repeats with their mean and spread."""
    mean, sd = mean_and_sd(runs)
    return Resampling(runs=list(runs), mean=mean, sd=sd, split_by=split_by)
