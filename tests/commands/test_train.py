"""train as a function and as a program: what a run leaves, interruption at any moment, what it refuses."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from network_examples import LARGE_SETTINGS, SETTINGS, with_indels
from tensor_examples import example_tensors, unlabelled, write_tensors
from varproof.commands.base import parse_options
from varproof.commands.train import TrainOptions, main, train
from varproof.formats.json_file import read_json
from varproof.formats.model import read_card
from varproof.formats.tensors import PackedTensors, TensorReader, TensorSettings
from varproof.formats.training import TrainingMetrics
from varproof.machinery.errors import UserError
from varproof.network.prediction import Predictor
from varproof.steps import train as command

LABORATORY = Path(__file__).parent.parent / "training_laboratory.py"


def tensor_file(
    folder: Path, name: str = "tensors.h5", n: int = 200, seed: int = 1, settings: TensorSettings = SETTINGS
) -> Path:
    return write_tensors(folder / name, with_indels(example_tensors(n, settings, seed)), patient=name)


# --- what a run leaves


def test_a_run_and_what_it_leaves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two files, resampling, metrics and report: numbers agree with each other and with the model that is left."""
    files = [tensor_file(tmp_path, "a.h5", 300, 1), tensor_file(tmp_path, "b.h5", 200, 2)]
    options = TrainOptions(
        tensors=files, output=tmp_path / "model.keras", epochs=3, batch_size=64, learning_rate=0.005, cross_validate=2,
        metrics=tmp_path / "metrics.json", report=tmp_path / "report.html", threads=1,
    )  # fmt: skip
    with caplog.at_level("INFO"):
        train(options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.h5", "b.h5", "metrics.json", "model.keras", "report.html"]
    card = read_card(tmp_path / "model.keras")
    found = read_json(tmp_path / "metrics.json", TrainingMetrics)
    assert (card.positives, card.negatives, card.calibrated_on) == (
        found.balance.train_positives, found.balance.train_negatives, 100,
    )  # fmt: skip
    assert card.positives + card.negatives == 400
    assert card.calibration == found.calibration and card.settings == found.settings == SETTINGS
    assert card.variant_types == ["snv", "insertion", "deletion"]
    assert json.loads(card.provenance)["options"]["epochs"] == 3
    assert set(json.loads(card.provenance)["input_digests"]) == {"a.h5", "b.h5"}
    assert found.epochs == 3 and len(found.history["loss"]) == len(found.history["val_loss"]) == 3
    assert found.heldout is not None and found.heldout.calibrated.n == 100
    assert found.cross_validation is not None and sum(run.n for run in found.cross_validation.runs) == 500
    assert found.heldout.calibrated.roc_auc == pytest.approx(found.heldout.uncalibrated.roc_auc, abs=0.1)
    for number in (1, 2, 3):
        assert f"pass {number}/3: loss " in caplog.text
    assert "training on 400 candidates, 100 held out" in caplog.text
    assert "100 held-out candidates: accuracy 0." in caplog.text

    judge = Predictor.load(tmp_path / "model.keras")
    assert judge.model.count_params() == found.parameters
    odds, labels = [], []
    for path in files:
        with TensorReader(path) as reader:
            tensors = reader.read(0, reader.size)
        odds.append(judge.log_odds(tensors))
        labels.append(tensors.label)
    right = (np.concatenate(odds) > 0) == (np.concatenate(labels) == 1)
    assert right.mean() > 0.8, "it has learnt, and its threshold is one half"
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") >= 5 and 'src="http' not in page and "<link" not in page


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("laboratory")
    tensors = tensor_file(folder, settings=LARGE_SETTINGS)
    command = [sys.executable, str(LABORATORY), str(tensors), str(folder)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder, json.loads(result.stdout)


def test_killing_while_it_writes_leaves_a_checkpoint_to_go_on_from(laboratory: tuple[Path, dict]) -> None:
    """SIGKILL at the ends of writing checkpoints, then SIGTERM: all ends as if undisturbed."""
    folder, seen = laboratory
    assert (seen["whole"], seen["last"]) == (0, 0), (folder / "killed" / "log").read_text()
    kills = seen["kills"]
    assert [kill["code"] for kill in kills] == [-9, -9, -9, 130]
    assert not any(kill["output"] for kill in kills)
    assert [kill["passes"] for kill in kills] == [0, 1, 2, 3]
    assert [kill["leftovers"] for kill in kills] == [1, 1, 1, 0], "what is interrupted tidies up"
    assert "train: interrupted\n" in (folder / "killed" / "log").read_text()
    for name in ("model.keras", "metrics.json"):
        whole, resumed = ((folder / run / name).read_bytes() for run in ("whole", "killed"))
        assert whole == resumed, name
    for run in ("whole", "killed"):
        assert sorted(path.name for path in (folder / run).iterdir()) == ["log", "metrics.json", "model.keras"]


def test_the_log_of_a_program_is_its_own(laboratory: tuple[Path, dict]) -> None:
    """Nothing of TensorFlow's own chatter."""
    lines = (laboratory[0] / "whole" / "log").read_text().splitlines()
    assert len(lines) > 9 and all(" train INFO: " in line for line in lines), lines


def test_without_tensorflow(tmp_path: Path) -> None:
    program = "import sys; sys.modules['tensorflow'] = None; from varproof.commands.train import main; main()"
    arguments = ["--tensors", str(tensor_file(tmp_path)), "--output", str(tmp_path / "model.keras")]
    result = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == "train: error: train needs tensorflow; install it with: pip install 'varproof[cnn]'\n"


# --- what it refuses


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["train", "--quiet", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def only(label: int) -> Callable[[PackedTensors], PackedTensors]:
    return lambda tensors: replace(tensors, label=np.full(tensors.size, label, np.int8))


def few_real(tensors: PackedTensors) -> PackedTensors:
    label = np.zeros(tensors.size, np.int8)
    label[:9] = 1
    return replace(tensors, label=label)


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (unlabelled, [], "no labelled candidates; make tensors with tensorise --labels or --truth"),
        (only(1), [], "no candidate is labelled not real (label 0); a network needs candidates of both classes"),
        (only(0), [], "no candidate is labelled real (label 1); a network needs candidates of both classes"),
        (only(3), [], "labels are not 0 or 1"),
        (few_real, ["--cross-validate", "5", "--heldout", "0.3"], "cannot split into 5 folds: only 9 candidates are"),
        (few_real, [], "only 9 candidates are labelled real (label 1): a split with 0.2 of them held out leaves fewer than 2"),
        (few_real, ["--learning-curve", "--heldout", "0.3"], "cannot split into 5 folds: only 9 candidates"),
        (None, ["--split-by", "patient"], "all labelled candidates are of one group"),
        (None, ["--architecture", "deepcnnvalid"], "deepcnnvalid needs a window and a depth of at least 27"),
        (None, ["--architecture", "resnet"], "--architecture"),
        (None, ["--cross-validate", "1"], "--cross-validate: needs at least two folds"),
        (None, ["--heldout", "0"], "--heldout"),
        (None, ["--label-smoothing", "1"], "--label-smoothing"),
        (None, ["--metrics", "{folder}/none/metrics.json"], "folder {folder}/none does not exist; create it first"),
        (None, ["--report", "{folder}"], "is a folder; give the name of a file"),
        (None, ["--checkpoint", "{folder}/model.keras"], "--output and --checkpoint are the same file"),
        (None, ["--checkpoint", "{folder}/last.h5"], "--checkpoint: the suffix must be .keras"),
        (None, ["--metrics", "{folder}/r", "--report", "{folder}/r"], "--metrics and --report are the same file"),
    ],
)  # fmt: skip
def test_bad_labels_and_options_are_one_line(
    change: Callable[[PackedTensors], PackedTensors] | None,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tensors = example_tensors(120, SETTINGS, 1)
    path = write_tensors(tmp_path / "tensors.h5", tensors if change is None else change(tensors))
    filled = [text.replace("{folder}", str(tmp_path)) for text in arguments]
    needed = ["--tensors", str(path), "--output", str(tmp_path / "model.keras"), "--epochs", "1"]
    assert run_main(monkeypatch, *needed, *filled) == 2
    error = capsys.readouterr().err
    assert error.startswith("train: error: ") and error.count("\n") == 1 and len(error) < 500, error
    assert message.replace("{folder}", str(tmp_path)) in error
    assert [item.name for item in tmp_path.iterdir()] == ["tensors.h5"]


def test_bad_tensor_files_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = tensor_file(tmp_path, n=300)
    wider = write_tensors(tmp_path / "wider.h5", example_tensors(50, SETTINGS.model_copy(update={"window": 33})))
    content = bytearray(good.read_bytes())
    cut, late, text = (tmp_path / f"{name}.h5" for name in ("cut", "late", "text"))
    cut.write_bytes(content[:-1000])
    with h5py.File(good) as file:
        place = file["base"].id.get_chunk_info(file["base"].id.get_num_chunks() - 1)
    content[place.byte_offset + place.size // 2] ^= 0x40
    late.write_bytes(content)
    text.write_text("no tensors\n")
    names = sorted(path.name for path in tmp_path.iterdir())
    for files, message in [
        ([good, wider], "tensors of one training must be made alike"),
        ([good, tmp_path / "absent.h5"], "absent.h5: no such file; make it with tensorise"),
        ([good, good], "tensors.h5 is given twice"),
        ([cut], "cut.h5: not a readable HDF5 file, or cut off"),
        ([text], "text.h5: not a readable HDF5 file"),
        ([late], "late.h5: not a readable HDF5 file, or cut off or damaged"),
    ]:
        arguments = ["--tensors", *map(str, files), "--output", str(tmp_path / "model.keras"), "--epochs", "1"]
        assert run_main(monkeypatch, *arguments) == 2
        error = capsys.readouterr().err
        assert error.startswith("train: error: ") and error.count("\n") == 1 and message in error, error
        assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_where_the_output_goes(tmp_path: Path) -> None:
    needed = ["--tensors", "t.h5", "--output"]
    with pytest.raises(UserError, match=r"--output: the suffix must be .keras"):
        parse_options("train", TrainOptions, [*needed, "model.h5"])
    options = parse_options("train", TrainOptions, [*needed, "there/model.keras"])
    assert options.checkpoint_path == Path("there/model.checkpoint.keras")
    with pytest.raises(UserError, match=r"folder .* does not exist"):
        train(TrainOptions(tensors=[tmp_path / "t.h5"], output=tmp_path / "none" / "model.keras"))


@pytest.mark.parametrize(("architecture", "smoothing", "decay"), [("read-set", 0.0, True), ("deepcnnvalid", 0.1, False)])
def test_what_is_not_asked_for_depends_on_the_architecture(architecture: str, smoothing: float, decay: bool) -> None:
    """The paper's for the paper's network."""
    needed = {"tensors": ["t.h5"], "output": "m.keras", "architecture": architecture}
    plan, study = command._plans(TrainOptions(**needed))
    assert (plan.label_smoothing, plan.decay, plan.epochs, plan.batch_size) == (smoothing, decay, 50, 256)
    assert (plan.learning_rate, plan.scramble, plan.early_stopping, plan.class_weights) == (1e-3, True, None, False)
    assert (study.folds, study.repeats, study.learning_curve, study.heldout) == (0, 0, False, 0.2)
    plan, _ = command._plans(TrainOptions(**needed, label_smoothing=0.3, learning_rate_decay=not decay))
    assert (plan.label_smoothing, plan.decay) == (0.3, not decay)
