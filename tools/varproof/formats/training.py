"""metrics.json of train: what a network learnt from, how well it judges candidates that it has not seen, and its calibration.

null stands for what can't be known (the precision of no calls, the ROC AUC of one class) or was not asked for.
"""

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from varproof.formats.tensors import TensorSettings

MEASURES = (
    "accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "average_precision",
    "brier",
    "expected_calibration_error",
)
"""Fields of `ClassificationMetrics` that are averaged over folds and repeats."""

SplitBy = Literal["candidate", "patient", "chromosome"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ClassificationMetrics(_Model):
    """Predicted probabilities against labels. Predicted real: a probability of at least `threshold`."""

    n: int
    positives: int = Field(description="candidates that are real")
    threshold: float
    tp: int
    fp: int
    tn: int
    fn: int
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None = Field(description="2 tp / (2 tp + fp + fn)")
    roc_auc: float | None
    average_precision: float | None
    brier: float | None = Field(description="mean squared difference of probability and label")
    expected_calibration_error: float | None = Field(description="over equal-width bins, weighted by their counts")


class RocCurve(_Model):
    """One point per threshold, ends included, thinned to what a picture shows."""

    false_positive_rate: list[float]
    true_positive_rate: list[float]


class PrecisionRecallCurve(_Model):
    """One point per threshold by ascending recall, thinned to what a picture shows."""

    recall: list[float]
    precision: list[float]


class ReliabilityBin(_Model):
    """Candidates whose probability p has low <= p < high (the last bin includes 1)."""

    low: float
    high: float
    count: int
    mean_predicted: float | None
    observed_fraction: float | None = Field(description="share of them that is real")


class Curves(_Model):
    """What reports draw."""

    roc: RocCurve | None
    precision_recall: PrecisionRecallCurve | None
    reliability: list[ReliabilityBin]
    reliability_uncalibrated: list[ReliabilityBin] | None = None


class Calibration(_Model):
    """Raw log-odds -> calibrated log-odds of a network, and the class share at which they hold."""

    temperature: float = Field(1.0, gt=0, description="raw log-odds are divided by it")
    bias: float = Field(0.0, description="then this is added")
    positive_fraction: float = Field(gt=0, lt=1, description="share of real candidates that the probabilities assume")

    def calibrated(self, logit: Any) -> np.ndarray:
        """Calibrated log-odds of raw log-odds, any shape."""
        return np.asarray(np.asarray(logit, np.float64) / self.temperature + self.bias)


class ClassCalibrations(_Model):
    """The share of real candidates differs between substitutions and indels, and so may what a network makes of them."""

    substitution: Calibration = Calibration(temperature=1.0, bias=0.0, positive_fraction=0.5)
    indel: Calibration = Calibration(temperature=1.0, bias=0.0, positive_fraction=0.5)

    def calibrated(self, logit: Any, is_indel: Any) -> np.ndarray:
        """Calibrated log-odds (n,) of raw log-odds (n,), by class (bool (n,))."""
        return np.where(is_indel, self.indel.calibrated(logit), self.substitution.calibrated(logit))


class ClassBalance(_Model):
    """Labelled candidates of both classes."""

    train_positives: int
    train_negatives: int
    heldout_positives: int
    heldout_negatives: int


class HeldOut(_Model):
    """The judgement of candidates that took no part in training."""

    uncalibrated: ClassificationMetrics
    calibrated: ClassificationMetrics
    calibrated_by_type: dict[str, ClassificationMetrics] = Field(description="by variant type")
    curves: Curves


class Resampling(_Model):
    """Metrics over folds or repeats; mean and sample standard deviation by name of the measure (of those that are known)."""

    runs: list[ClassificationMetrics]
    mean: dict[str, float | None]
    sd: dict[str, float | None]
    split_by: SplitBy = "candidate"


class LearningCurvePoint(_Model):
    """Cross-validation on a stratified part of the training data."""

    size: int = Field(description="candidates in the part, over all folds")
    runs: list[ClassificationMetrics]
    mean: dict[str, float | None]
    sd: dict[str, float | None]


class Subgroup(_Model):
    """Whether the accuracy within a group differs from the overall accuracy: two-sided binomial test."""

    grouping: str = Field(description="reference base, alternative base, pair, mutation class, VAF, variant type")
    group: str
    n: int
    correct: int
    accuracy: float
    p: float
    p_bonferroni: float = Field(description="times the number of tests of all groupings, at most 1")
    significant: bool = Field(description="p_bonferroni < 0.05")


class PriorShift(_Model):
    """Share of real candidates in a sample, estimated from its predictions."""

    candidates: int
    training_fraction: float
    estimated_fraction: float
    iterations: int


class Mistake(_Model):
    """A held-out candidate on the wrong side of the threshold."""

    contig: str
    position: int = Field(description="1-based, as in the VCF")
    ref: str
    alt: str
    label: int
    probability: float
    source: str = Field(description="name of the tensor file that it comes from")
    candidate: int = Field(description="its index there, from 0")


class TrainingMetrics(_Model):
    """metrics.json of train."""

    schema_: Literal["varproof/training/1"] = Field(default="varproof/training/1", alias="schema")
    architecture: str
    parameters: int
    trainable_parameters: int
    settings: TensorSettings
    balance: ClassBalance
    epochs: int = Field(description="epochs that were run")
    best_epoch: int | None = Field(None, description="1-based epoch whose weights were kept, if not the last")
    history: dict[str, list[float | None]] = Field(description="per epoch: loss, val_loss, ...")
    heldout: HeldOut | None
    calibration: ClassCalibrations | None
    cross_validation: Resampling | None = None
    repeats: Resampling | None = None
    learning_curve: list[LearningCurvePoint] | None = None
    subgroups: list[Subgroup] | None = None
    prior_shift: PriorShift | None = None
    mistakes: list[Mistake] = Field([], description="held out, the most confident first")
    provenance: dict[str, Any]
