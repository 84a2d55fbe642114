"""metrics.json of train: what a network learnt from, how well it judges candidates that it has not seen, and its calibration.

null stands for what can't be known (the precision of no calls, the ROC AUC of one class) or was not asked for.
"""

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from varproof.formats.tensor_settings import TensorSettings

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

    n: int = Field(description="labelled candidates")
    positives: int = Field(description="candidates that are real")
    threshold: float = Field(description="least probability of what is predicted real")
    tp: int = Field(description="real, and predicted so")
    fp: int = Field(description="predicted real, but not")
    tn: int = Field(description="not real, nor predicted so")
    fn: int = Field(description="real, but not predicted so")
    accuracy: float | None = Field(description="(tp + tn) / n")
    precision: float | None = Field(description="tp / (tp + fp)")
    recall: float | None = Field(description="tp / (tp + fn)")
    f1: float | None = Field(description="2 tp / (2 tp + fp + fn)")
    roc_auc: float | None = Field(description="area under the ROC curve")
    average_precision: float | None = Field(description="mean precision over the steps of recall")
    brier: float | None = Field(description="mean squared difference of probability and label")
    expected_calibration_error: float | None = Field(description="over equal-width bins, weighted by their counts")


class RocCurve(_Model):
    """One point per threshold, ends included, thinned to what a picture shows."""

    false_positive_rate: list[float] = Field(description="fp / (fp + tn), ascending")
    true_positive_rate: list[float] = Field(description="tp / (tp + fn) there")


class PrecisionRecallCurve(_Model):
    """One point per threshold by ascending recall, thinned to what a picture shows."""

    recall: list[float] = Field(description="tp / (tp + fn), ascending")
    precision: list[float] = Field(description="tp / (tp + fp) there")


class ReliabilityBin(_Model):
    """Candidates whose probability p has low <= p < high (the last bin includes 1)."""

    low: float = Field(description="least probability")
    high: float = Field(description="probability at its end")
    count: int = Field(description="candidates in the bin")
    mean_predicted: float | None = Field(description="mean of their probabilities")
    observed_fraction: float | None = Field(description="share of them that is real")


class Curves(_Model):
    """What reports draw."""

    roc: RocCurve | None = Field(description="null: of one class only")
    precision_recall: PrecisionRecallCurve | None = Field(description="null: no real candidates")
    reliability: list[ReliabilityBin] = Field(description="predicted against observed, by probability")
    reliability_uncalibrated: list[ReliabilityBin] | None = Field(None, description="the same before calibration")


class Calibration(_Model):
    """Raw log-odds -> calibrated log-odds of a network, and the class share at which they hold."""

    temperature: float = Field(1.0, gt=0, description="raw log-odds are divided by it")
    bias: float = Field(0.0, description="then this is added")
    positive_fraction: float = Field(gt=0, lt=1, description="share of real candidates that the probabilities assume")
    false_to_true: float | None = Field(
        None,
        gt=0,
        description="upper limit (95 %) of the share of artefacts over that of real variants that pass the best threshold: "
        "decides which rates can be promised where real ones are rare; null: of a model of before",
    )

    def calibrated(self, logit: Any) -> np.ndarray:
        """Calibrated log-odds of raw log-odds, any shape."""
        return np.asarray(np.asarray(logit, np.float64) / self.temperature + self.bias)


class ClassCalibrations(_Model):
    """The share of real candidates differs between substitutions and indels, and so may what a network makes of them."""

    substitution: Calibration = Field(
        Calibration(temperature=1.0, bias=0.0, positive_fraction=0.5), description="of SNVs and MNVs"
    )
    indel: Calibration = Field(
        Calibration(temperature=1.0, bias=0.0, positive_fraction=0.5), description="of what changes the length"
    )

    def calibrated(self, logit: Any, is_indel: Any) -> np.ndarray:
        """Calibrated log-odds (n,) of raw log-odds (n,), by class (bool (n,))."""
        return np.where(is_indel, self.indel.calibrated(logit), self.substitution.calibrated(logit))


class ClassBalance(_Model):
    """Labelled candidates of both classes."""

    train_positives: int = Field(
        description="real ones to train on; of an adapted network all, which are held out in turn, too"
    )
    train_negatives: int = Field(description="others to train on")
    heldout_positives: int = Field(description="real ones held out")
    heldout_negatives: int = Field(description="others held out")


class HeldOut(_Model):
    """The judgement of candidates that took no part in training."""

    uncalibrated: ClassificationMetrics = Field(
        description="by the network's own probabilities; of an adapted one, by those of before"
    )
    calibrated: ClassificationMetrics = Field(
        description="by calibrated ones, each from the half that it is not in; of an adapted one, by a fit without its label"
    )
    calibrated_by_type: dict[str, ClassificationMetrics] = Field(description="by variant type")
    curves: Curves = Field(description="of the calibrated probabilities")


class Resampling(_Model):
    """Metrics over folds or repeats; mean and sample standard deviation by name of the measure (of those that are known)."""

    runs: list[ClassificationMetrics] = Field(description="one per fold or repeat")
    mean: dict[str, float | None] = Field(description="by measure, over the runs that know it")
    sd: dict[str, float | None] = Field(description="sample standard deviation by measure; null of a single run")
    split_by: SplitBy = Field("candidate", description="what is never in both parts of a split")


class LearningCurvePoint(_Model):
    """Cross-validation on a stratified part of the training data."""

    size: int = Field(description="candidates in the part, over all folds")
    runs: list[ClassificationMetrics] = Field(description="one per fold")
    mean: dict[str, float | None] = Field(description="by measure, over the folds that know it")
    sd: dict[str, float | None] = Field(description="sample standard deviation by measure; null of a single fold")


class Subgroup(_Model):
    """Whether the accuracy within a group differs from the overall accuracy: two-sided binomial test."""

    grouping: str = Field(description="reference base, alternative base, pair, mutation class, VAF, variant type")
    group: str = Field(description="value that its candidates share")
    n: int = Field(description="judged candidates in it")
    correct: int = Field(description="of them on the right side of the threshold")
    accuracy: float = Field(description="correct / n")
    p: float = Field(description="of a difference at least as large by chance")
    p_bonferroni: float = Field(description="times the number of tests of all groupings, at most 1")
    significant: bool = Field(description="p_bonferroni < 0.05")


class PriorShift(_Model):
    """Share of real candidates in a sample, estimated from its predictions."""

    candidates: int = Field(description="judged candidates")
    training_fraction: float = Field(description="share at which the probabilities hold")
    estimated_fraction: float = Field(description="share in the sample")
    iterations: int = Field(description="steps of the estimate; 0: too few candidates, share of training")


class Mistake(_Model):
    """A held-out candidate on the wrong side of the threshold."""

    contig: str = Field(description="name")
    position: int = Field(description="1-based, as in the VCF")
    ref: str = Field(description="as in the VCF")
    alt: str = Field(description="as in the VCF")
    label: int = Field(description="1 real, 0 not")
    probability: float = Field(description="calibrated, of being real")
    source: str = Field(description="name of the tensor file that it comes from")
    candidate: int = Field(description="its index there, from 0")


class TrainingMetrics(_Model):
    """metrics.json of train."""

    schema_: Literal["varproof/training/1"] = Field(default="varproof/training/1", alias="schema")
    architecture: str = Field(description="of the network")
    parameters: int = Field(description="numbers in the network")
    trainable_parameters: int = Field(description="of them those that training changes")
    settings: TensorSettings = Field(description="layout of the tensors")
    balance: ClassBalance = Field(description="real and other candidates")
    epochs: int = Field(description="epochs that were run")
    best_epoch: int | None = Field(None, description="1-based epoch whose weights were kept, if not the last")
    history: dict[str, list[float | None]] = Field(description="per epoch: loss, val_loss, ...")
    heldout: HeldOut | None = Field(description="how well it judges candidates that it has not seen")
    calibration: ClassCalibrations | None = Field(description="fitted to the held-out candidates")
    cross_validation: Resampling | None = Field(None, description="null: not asked for")
    repeats: Resampling | None = Field(None, description="random splits; null: not asked for")
    learning_curve: list[LearningCurvePoint] | None = Field(
        None, description="on ever smaller parts of the data; null: not asked for"
    )
    subgroups: list[Subgroup] | None = Field(None, description="accuracy within groups of candidates that it has not seen")
    prior_shift: PriorShift | None = Field(None, description="share of real ones in a sample; null: not estimated")
    mistakes: list[Mistake] = Field([], description="held out, the most confident first")
    provenance: dict[str, Any] = Field(description="version, options and digests of the inputs")
