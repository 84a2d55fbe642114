"""metrics.json of train: what is written is what is read, and mistakes are named."""

import json
from pathlib import Path

import numpy as np
import pytest

from varproof.formats.json_file import read_json, write_json
from varproof.formats.tensors import TensorSettings
from varproof.formats.training import (
    MEASURES,
    Calibration,
    ClassBalance,
    ClassCalibrations,
    ClassificationMetrics,
    TrainingMetrics,
)
from varproof.machinery.errors import UserError


def example() -> TrainingMetrics:
    return TrainingMetrics(
        architecture="read-set",
        parameters=10,
        trainable_parameters=8,
        settings=TensorSettings(tracks=("tumor", "normal", "context")),
        balance=ClassBalance(train_positives=1, train_negatives=2, heldout_positives=3, heldout_negatives=4),
        epochs=2,
        history={"loss": [0.5, 0.25], "val_loss": [0.6, None]},
        heldout=None,
        calibration=ClassCalibrations(indel=Calibration(temperature=2.0, bias=-1.0, positive_fraction=0.25)),
        provenance={"version": "x"},
    )


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, example())
    assert path.read_text().startswith('{\n  "schema": "varproof/training/1"')
    assert read_json(path, TrainingMetrics) == example()


def test_another_schema_and_an_unknown_key_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_json(path, example())
    text = path.read_text()
    path.write_text(text.replace("training/1", "training/9"))
    with pytest.raises(UserError, match=r"not of schema varproof/training/1 \(its schema is varproof/training/9\)"):
        read_json(path, TrainingMetrics)
    path.write_text("[]")
    with pytest.raises(UserError, match=r"metrics\.json: .*valid dictionary"):
        read_json(path, TrainingMetrics)
    path.write_text(json.dumps({f"key{i}": i for i in range(9)} | {"schema": "varproof/training/1"}))
    with pytest.raises(UserError, match=r"; and [0-9]+ more$"):
        read_json(path, TrainingMetrics)
    path.write_text(text.replace('"epochs"', '"epoch"'))
    with pytest.raises(UserError, match="key 'epoch': is not a known key"):
        read_json(path, TrainingMetrics)


def test_calibration_divides_then_adds() -> None:
    calibration = Calibration(temperature=2.0, bias=-1.0, positive_fraction=0.5)
    np.testing.assert_allclose(calibration.calibrated([[4.0, -2.0]]), [[1.0, -2.0]])


def test_measures_are_fields() -> None:
    assert set(MEASURES) <= set(ClassificationMetrics.model_fields)
