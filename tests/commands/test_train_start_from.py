"""train --start-from: what labels of another protocol make of a network, what predict makes of it, what is refused."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from network_examples import LARGE_SETTINGS, SETTINGS, with_indels
from tensor_examples import example_tensors, unlabelled, write_tensors
from varproof.commands.train import TrainOptions, main
from varproof.formats.json_file import read_json
from varproof.formats.model import read_card
from varproof.formats.tensors import UNKNOWN_LABEL
from varproof.formats.training import TrainingMetrics
from varproof.network.prediction import Predictor
from varproof.steps.train import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network for made-up pileups."""
    folder = tmp_path_factory.mktemp("start")
    tensors = write_tensors(folder / "known.h5", with_indels(example_tensors(300, SETTINGS, 1)), patient="known")
    train(TrainOptions(tensors=[tensors], output=folder / "start.keras", epochs=4, batch_size=64, learning_rate=0.005))
    return folder / "start.keras"


def other_protocol(folder: Path, labelled: int) -> Path:
    """Pileups of which the real ones are what was not real before; so many of 240 have a label, and one in 20 of these errs."""
    tensors = with_indels(example_tensors(240, SETTINGS, 7))
    label = 1 - tensors.label
    label[::20] = 1 - label[::20]
    label[labelled:] = UNKNOWN_LABEL
    return write_tensors(folder / "other.h5", replace(tensors, label=label), patient="other")


def test_a_network_is_adapted_to_labels(trained: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It turns with the labels, those without one are judged alike; layers that read pileups stay; the same bytes again."""
    tensors = other_protocol(tmp_path, 160)
    before = sorted(tmp_path.iterdir())
    options = TrainOptions(
        tensors=[tensors], start_from=trained, output=tmp_path / "adapted.keras", metrics=tmp_path / "metrics.json",
        report=tmp_path / "report.html", threads=1,
    )  # fmt: skip
    with caplog.at_level("INFO"):
        train(options)
    left = sorted(path.name for path in set(tmp_path.iterdir()) - set(before))
    assert left == ["adapted.keras", "metrics.json", "report.html"]
    assert "adapting to 160 labels" in caplog.text and "160 held-out candidates: accuracy 0." in caplog.text

    plain = with_indels(example_tensors(240, SETTINGS, 7))
    old, new = Predictor.load(trained), Predictor.load(tmp_path / "adapted.keras")
    rest = np.arange(160, 240)
    right = [np.mean((judge.log_odds(plain)[rest] > 0) == (plain.label[rest] == 0)) for judge in (old, new)]
    assert right[0] < 0.3 and right[1] > 0.75, right
    moved = {
        layer.name
        for layer in new.model.layers
        for a, b in zip(layer.get_weights(), old.model.get_layer(layer.name).get_weights(), strict=True)
        if not np.array_equal(a, b)
    }
    assert moved == {"logits"}

    card, found = read_card(tmp_path / "adapted.keras"), read_json(tmp_path / "metrics.json", TrainingMetrics)
    told = json.loads(card.provenance)
    assert told["options"]["start_from"].endswith("start.keras") and "start.keras" in told["input_digests"]
    assert card.positives + card.negatives == card.calibrated_on == 160
    assert found.heldout is not None
    assert (found.heldout.uncalibrated.accuracy or 1) < 0.3, "of the network before"
    assert (found.heldout.calibrated.accuracy or 0) > 0.7
    odds, is_indel = new.log_odds(plain), np.arange(240) % 3 == 0
    for name, members in (("substitution", ~is_indel), ("indel", is_indel)):
        calibration, start = getattr(card.calibration, name), getattr(old.card.calibration, name)
        assert calibration.positive_fraction == pytest.approx(np.mean(expit(odds[members])), abs=1e-3)
        assert (calibration.temperature, calibration.bias) == (start.temperature, start.bias)
    page = (tmp_path / "report.html").read_text()
    assert "started from" in page and "How it learnt" not in page and "before adaptation" in page

    again = tmp_path / "again"
    again.mkdir()
    train(options.model_copy(update={"output": again / "adapted.keras", "metrics": None, "report": None}))
    first, second = (Predictor.load(path / "adapted.keras").model.get_weights() for path in (tmp_path, again))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    monkeypatch.setattr(sys, "argv", ["train", "--quiet", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("train: error: ") and error.count("\n") == 1 and len(error) < 500, error
    return error


def test_what_is_refused(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = write_tensors(tmp_path / "t.h5", example_tensors(60, SETTINGS, 1))
    nothing = write_tensors(tmp_path / "none.h5", unlabelled(example_tensors(60, SETTINGS, 1)))
    other = write_tensors(tmp_path / "other.h5", example_tensors(60, LARGE_SETTINGS, 1))
    text = tmp_path / "text.keras"
    text.write_text("no model\n")
    names = sorted(path.name for path in tmp_path.iterdir())
    start, output = ("--start-from", trained), ("--output", tmp_path / "m.keras")
    for arguments, message in [
        (("--tensors", tensors, *start, "--epochs", 3), "--epochs does not go with --start-from"),
        (("--tensors", tensors, *start, "--resume"), "--resume does not go with --start-from"),
        (("--tensors", tensors, *start, "--label-error", "0.5"), "--label-error"),
        (("--tensors", tensors, "--label-error", "0.1"), "--label-error is for labels of --start-from"),
        (("--tensors", nothing, *start), "no labelled candidates; make tensors with tensorise --labels or --truth"),
        (("--tensors", other, *start), "make tensors like those that the model was trained on"),
        (("--tensors", tensors, "--start-from", text), "text.keras: not a .keras model file"),
        (("--tensors", tensors, "--start-from", tmp_path / "absent.keras"), "absent.keras: no such file"),
        (("--tensors", tensors, "--start-from", "built-in"), "make tensors like those that the model was trained on"),
        (("--tensors", tensors, *start, "--split-by", "patient"), "cannot split 1 groups"),
        (("--tensors", tensors, "--start-from", trained, "--output", trained), "are the same file"),
    ]:
        given = arguments if "--output" in arguments else (*arguments, *output)
        assert message in refusal(monkeypatch, capsys, *given), message
        assert sorted(path.name for path in tmp_path.iterdir()) == names
