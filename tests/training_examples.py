"""What train would report of made-up judgements."""

import numpy as np

from varproof.formats.tensors import TensorSettings
from varproof.formats.training import (
    Calibration,
    ClassBalance,
    ClassCalibrations,
    HeldOut,
    LearningCurvePoint,
    Mistake,
    PriorShift,
    TrainingMetrics,
)
from varproof.network.metrics import classification_metrics, curves, mean_and_sd, metrics_by_type, resampling
from varproof.network.subgroups import subgroup_tests


def judgements(n: int, seed: int, real_fraction: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) and log-odds (n,) of a good judge."""
    random = np.random.default_rng(seed)
    label = (random.random(n) < real_fraction).astype(np.int8)
    return label, random.normal(np.where(label == 1, 2.5, -3.0), 2.0)


def probabilities(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds))


def example_metrics(n: int = 2000, everything: bool = True) -> TrainingMetrics:
    """`everything`: with resampling, learning curve, subgroups, shift."""
    label, odds = judgements(n, 1)
    judged, raw = probabilities(odds), probabilities(2.2 * odds)
    random = np.random.default_rng(2)
    correct = (judged >= 0.5) == label
    pair = random.choice(["A>C", "A>G", "C>T", "G>A"], n)
    groups = {
        "reference base": np.array([text[0] for text in pair], object),
        "alternative base": np.array([text[-1] for text in pair], object),
        "pair": pair.astype(object),
        "mutation class": np.where(random.random(n) < 0.15, "missense_variant", "intron_variant").astype(object),
        "VAF": np.where(correct & (random.random(n) < 0.9), "0.2 to 0.3", "below 0.05").astype(object),
    }
    wrong = np.flatnonzero(~correct)
    surest = wrong[np.argsort(-np.abs(odds[wrong]))][:20]
    epochs = np.arange(1, 21)
    history = {
        "loss": (0.5 * np.exp(-epochs / 4) + 0.22).tolist(),
        "val_loss": (0.45 * np.exp(-epochs / 4) + 0.12 + 0.001 * epochs).tolist(),
        "accuracy": (0.95 - 0.2 * np.exp(-epochs / 4)).tolist(),
        "val_accuracy": (0.94 - 0.15 * np.exp(-epochs / 3)).tolist(),
        "val_average_precision": (0.97 - 0.3 * np.exp(-epochs / 3)).tolist(),
    }
    runs = []
    for seed in range(40):
        labels, log_odds = judgements(400, 10 + seed)
        runs.append(classification_metrics(labels, probabilities(log_odds)))
    points = []
    for size, seed in zip((100, 141, 200, 283, 400, 566, 800), range(100, 200, 10), strict=False):
        folds = [classification_metrics(*_noisy(judgements(size, seed + fold), 60 / size)) for fold in range(5)]
        mean, sd = mean_and_sd(folds)
        points.append(LearningCurvePoint(size=size, runs=folds, mean=mean, sd=sd))
    extra = {
        "cross_validation": resampling(runs[:5], "chromosome"),
        "repeats": resampling(runs[5:]),
        "learning_curve": points,
        "subgroups": subgroup_tests(correct, groups),
        "prior_shift": PriorShift(candidates=9000, training_fraction=0.3, estimated_fraction=0.012, iterations=40),
    }
    return TrainingMetrics(
        architecture="read-set",
        parameters=19081,
        trainable_parameters=19081,
        settings=TensorSettings(),
        balance=ClassBalance(
            train_positives=2400,
            train_negatives=5600,
            heldout_positives=int(label.sum()),
            heldout_negatives=int(n - label.sum()),
        ),
        epochs=20,
        best_epoch=14,
        history=history,
        heldout=HeldOut(
            uncalibrated=classification_metrics(label, raw),
            calibrated=classification_metrics(label, judged),
            calibrated_by_type=metrics_by_type(label, judged, np.arange(n) % 4),
            curves=curves(label, judged, raw),
        ),
        calibration=ClassCalibrations(
            substitution=Calibration(temperature=2.2, bias=-0.05, positive_fraction=0.3),
            indel=Calibration(temperature=1.8, bias=0.01, positive_fraction=0.1),
        ),
        mistakes=[
            Mistake(
                contig="chr1",
                position=int(1000 * i),
                ref="C",
                alt="T",
                label=int(label[i]),
                probability=float(judged[i]),
                source="tensors.h5",
                candidate=int(i),
            )
            for i in surest
        ],
        provenance={"executable": "train", "options": {"tensors": ["<script>alert(1)</script>"], "seed": 1}},
        **(extra if everything else {}),
    )


def _noisy(judged: tuple[np.ndarray, np.ndarray], share: float) -> tuple[np.ndarray, np.ndarray]:
    label, odds = judged
    return label, probabilities(odds + np.random.default_rng(5).normal(0, 4 * share, len(odds)))
