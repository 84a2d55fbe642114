"""What predict refuses, with a message: inputs that do not fit the model, damaged files, code in models, mistaken options."""

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from network_examples import LARGE_SETTINGS, SETTINGS, network
from pair_examples import Pair, read_all, write_pair
from predict_examples import reads_of, run, write_candidates, write_model, write_packed
from tensor_examples import example_tensors, write_tensors
from varproof.commands.base import parse_options
from varproof.commands.predict import PredictOptions, predict
from varproof.machinery.errors import UserError
from varproof.network.layers import CalibratedProbability


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def candidates(pair: Pair) -> Path:
    return write_candidates(pair)


@pytest.fixture(scope="module")
def tensors(pair: Pair, candidates: Path) -> Path:
    return write_packed(pair, candidates)


def test_inputs_that_do_not_fit_the_model(pair: Pair, candidates: Path, model: Path, tmp_path: Path) -> None:
    for changes, message in [
        ({"window": 33}, "takes tensors of window 31.*has window 33.*differs in window"),
        ({"depth": 20}, "differs in depth"),
        ({"tracks": ("tumor",)}, "without normal, 0 contexts .differs in tracks"),
        ({"tracks": ("tumor", "normal", "context")}, "with normal, 1 context .differs in tracks"),
        ({"soft_clips": True}, "differs in soft_clips"),
        ({"rows": "window"}, "differs in rows"),
    ]:
        tensors = write_tensors(tmp_path / "tensors.h5", example_tensors(20, SETTINGS.model_copy(update=changes)))
        with pytest.raises(UserError, match=message):
            run(tmp_path / "out.vcf", model, tensors=tensors)
    four = SETTINGS.model_copy(update={"tracks": ("tumor", "normal", "context", "context")})
    contexts = write_model(tmp_path / "contexts.keras", settings=four)
    reads = reads_of(pair, candidates)
    for which, changes, message in [
        (model, {"normal": None}, "trained on tumour, normal, but the command line has tumour; give the same"),
        (model, {"context": [pair.normal]}, "the command line has tumour, normal, 1 context"),
        (contexts, {"context": [pair.normal]}, "tumour, normal, 2 contexts, but .* has tumour, normal, 1 context;"),
    ]:
        with pytest.raises(UserError, match=message):
            run(tmp_path / "out.vcf", which, **reads | changes)
    assert not (tmp_path / "out.vcf").exists()


def test_damaged_tensors(model: Path, tmp_path: Path) -> None:
    path = write_tensors(tmp_path / "t.h5", example_tensors(300, SETTINGS))
    content = path.read_bytes()
    cut = tmp_path / "cut.h5"
    cut.write_bytes(content[: len(content) // 2])
    late = tmp_path / "late.h5"
    with h5py.File(path) as file:
        place = file["rows"].id.get_chunk_info(file["rows"].id.get_num_chunks() - 1)
    broken = bytearray(content)
    broken[place.byte_offset + place.size // 2] ^= 0x40
    late.write_bytes(broken)
    old = tmp_path / "old.h5"
    old.write_bytes(content)
    with h5py.File(old, "r+") as file:
        file.attrs["schema"] = "varproof/tensors/0"
    text = tmp_path / "text.h5"
    text.write_text("chrom\tpos\n")
    for tensors, message in [
        (cut, "cut.h5: not a readable HDF5 file, or cut off"),
        (late, "late.h5: .*cut off or damaged"),
        (old, "old.h5: schema is 'varproof/tensors/0', not 'varproof/tensors/1'"),
        (text, "text.h5: not a readable HDF5 file"),
        (tmp_path / "absent.h5", "absent.h5: no such file"),
    ]:
        with pytest.raises(UserError, match=message):
            run(tmp_path / "out.vcf", model, tensors=tensors)
    assert not (tmp_path / "out.vcf").exists()


def test_candidates_that_the_tensors_were_not_made_of(candidates: Path, model: Path, tensors: Path, tmp_path: Path) -> None:
    lines = candidates.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line[0] != "#")
    two = next(i for i, line in enumerate(lines) if "\ttwo\t" in line)
    fields = lines[two].split("\t")
    swapped = "\t".join([*fields[:4], ",".join(reversed(fields[4].split(","))), *fields[5:]])
    other = tmp_path / "other.vcf"
    for changed, message in [
        (lines[:first] + lines[first + 1 :], r"record 1 \(chr1:301\) is not the one that the tensors were made of"),
        ([*lines[:two], swapped, *lines[two + 1 :]], r"is not the one .*give the candidates of tensorise"),
        ([*lines[: two + 1], *lines[two:]], "is not the one"),
        (lines[:-1], "has fewer candidates than the tensors were made of"),
        ([*lines, lines[-1].replace("\t2030\t", "\t2040\t")], r"\(chr2:2040\) is not the one"),
    ]:
        other.write_text("\n".join(changed) + "\n")
        with pytest.raises(UserError, match=message):
            run(tmp_path / "out.vcf", model, tensors=tensors, candidates=other)
        assert not (tmp_path / "out.vcf").exists()


def edited(model: Path, path: Path, edit: Any, **entries: bytes) -> Path:
    """The model with another configuration, and other entries of the archive."""
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                content = json.dumps(edit(json.loads(content))).encode()
            new.writestr(name, entries.get(name.split(".")[1], content))
    return path


def layer_of(config: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(layer for layer in config["config"]["layers"] if layer["class_name"] == kind)


def test_files_that_are_no_model(model: Path, tmp_path: Path) -> None:
    def of_another_version(config: dict[str, Any]) -> dict[str, Any]:
        layer_of(config, "CalibratedProbability")["config"]["card"]["schema_version"] = "varproof/model/9"
        return config

    def without_a_card(config: dict[str, Any]) -> dict[str, Any]:
        del layer_of(config, "CalibratedProbability")["config"]["card"]
        return config

    def unknown_layer(config: dict[str, Any]) -> dict[str, Any]:
        layer_of(config, "Dense")["class_name"] = "Denser"
        return config

    content = model.read_bytes()
    text, other, cut, foreign, weights = (tmp_path / f"{name}.keras" for name in ("text", "other", "cut", "foreign", "weights"))
    text.write_text("a model\n")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "hello")
    cut.write_bytes(content[: len(content) - 5000])
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(foreign)
    middle = bytearray(content)
    middle[len(content) // 2] ^= 0xFF
    weights.write_bytes(middle)
    tensors = write_tensors(tmp_path / "t.h5", example_tensors(20, SETTINGS))
    for path, message in [
        (tmp_path / "absent.keras", "absent.keras: no such file"),
        (tmp_path, "not a .keras model file .*make a model with train"),
        (text, "text.keras: not a .keras model file .*make a model with train"),
        (other, "other.keras: not a .keras model file"),
        (cut, "cut.keras: not a .keras model file"),
        (foreign, "foreign.keras: a Keras model, but not one of varproof"),
        (weights, "weights.keras: damaged model file; copy it again"),
        (edited(model, tmp_path / "a.keras", of_another_version), "another version of varproof .schema_version.; make a model"),
        (edited(model, tmp_path / "b.keras", without_a_card), "not one of varproof"),
        (edited(model, tmp_path / "c.keras", lambda config: ["nothing"]), "not one of varproof"),
        (edited(model, tmp_path / "d.keras", lambda config: {"config": {"layers": 5}}), "not one of varproof"),
        (edited(model, tmp_path / "e.keras", unknown_layer), "a damaged model file"),
        (edited(model, tmp_path / "f.keras", lambda config: config, weights=b"nothing"), "a damaged model file"),
    ]:
        with pytest.raises(UserError, match=message) as error:
            run(tmp_path / "out.vcf", path, tensors=tensors)
        assert "\n" not in str(error.value) and len(str(error.value)) < 500
    assert not (tmp_path / "out.vcf").exists()


def test_damage_anywhere_in_a_model_is_one_line(model: Path, tmp_path: Path) -> None:
    """Flipped bytes and cut ends: a clear refusal, or, where nothing depends on the byte, the same model."""
    from varproof.formats.model import read_card
    from varproof.network.training import load_model

    content, path = model.read_bytes(), tmp_path / "damaged.keras"
    rng = np.random.default_rng(2)
    places = [*rng.integers(0, len(content), 20), *rng.integers(len(content) - 400, len(content), 15), *range(0, 40, 3)]
    expected = read_card(model)
    refused = 0
    for number, place in enumerate(places):
        damaged = bytearray(content)
        if number % 5 == 4:
            damaged = damaged[:place]
        else:
            damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert read_card(path) == expected
            load_model(path)
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 25


class Attack:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (str(self.path), "w"))


def test_code_in_a_model_is_not_run(tmp_path: Path) -> None:
    """A Lambda layer, and functions and pickles by name in the place of a layer: refused, and nothing happens."""
    trace = tmp_path / "ran"
    honest, card = network("read-set", calibrated_on=10)
    attack = keras.layers.Lambda(lambda x, path=str(trace): (Path(path).touch(), x)[1], output_shape=(2,))
    outputs = CalibratedProbability(card.model_dump(mode="json"), name="probability")(
        [attack(honest.get_layer("logits").output), honest.input["allele"]]
    )
    with_lambda = tmp_path / "lambda.keras"
    keras.Model(honest.input, outputs).save(with_lambda)
    assert "__lambda__" in zipfile.ZipFile(with_lambda).read("config.json").decode()
    trace.unlink(missing_ok=True)
    plain = write_model(tmp_path / "plain.keras")

    def calling(config: dict[str, Any]) -> dict[str, Any]:
        layer = layer_of(config, "Dense")
        layer |= {"module": "os", "class_name": "system", "registered_name": "system", "config": f"touch {trace}"}
        return config

    def activated(config: dict[str, Any]) -> dict[str, Any]:
        layer_of(config, "Dense")["config"]["activation"] = {
            "module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function",
        }  # fmt: skip
        return config

    def fetching(config: dict[str, Any]) -> dict[str, Any]:
        layer_of(config, "Dense")["config"]["activation"] = {
            "module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file",
        }  # fmt: skip
        return config

    outside = edited(plain, tmp_path / "outside.keras", lambda config: config)
    with zipfile.ZipFile(outside, "a") as archive:
        archive.writestr("../ran", "x")
    pickled = pickle.dumps(Attack(trace))
    tensors = write_tensors(tmp_path / "t.h5", example_tensors(20, SETTINGS))
    for path in (
        with_lambda,
        edited(plain, tmp_path / "call.keras", calling),
        edited(plain, tmp_path / "activation.keras", activated),
        edited(plain, tmp_path / "fetch.keras", fetching),
        outside,
        edited(plain, tmp_path / "pickle.keras", lambda config: config, weights=pickled),
    ):
        with pytest.raises(UserError, match=r"a damaged model file|holds what no model of varproof has"):
            run(tmp_path / "out.vcf", path, tensors=tensors)
        assert not trace.exists() and not (tmp_path / "out.vcf").exists()


def test_a_checkpoint_is_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = write_model(tmp_path / "model.checkpoint.keras", calibrated_on=0)
    tensors = write_tensors(tmp_path / "t.h5", example_tensors(20, SETTINGS))
    assert len(read_all(run(tmp_path / "out.vcf", model, tensors=tensors))) == 20
    assert "is the checkpoint of an unfinished training: its probabilities are not calibrated" in caplog.text


def test_mistakes_on_the_command_line_are_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from varproof.network import runtime

    def never(*_: Any, **__: Any) -> bool:
        raise AssertionError("TensorFlow was started")

    model = write_model(tmp_path / "m.keras")
    tensors = write_tensors(tmp_path / "t.h5", example_tensors(20, LARGE_SETTINGS))
    monkeypatch.setattr(runtime, "start_tensorflow", never)
    needed = ["--model", str(model), "--output", str(tmp_path / "out.vcf")]
    for arguments, message in [
        ([], r"give --tensors, or --candidates, --reference and --tumor \(--candidates, --reference, --tumor missing\)"),
        (["--candidates", "c", "--tumor", "t"], r"\(--reference missing\)"),
        (["--tensors", "t", "--tumor", "t"], "already hold the reads"),
        (["--tensors", "t", "--explain-at", "chr1:5"], "--explain-at needs --explain"),
        (["--tensors", "t", "--threshold", "1.5"], "--threshold: "),
        (["--tensors", "t", "--batch-size", "0"], "--batch-size: "),
    ]:
        with pytest.raises(UserError, match=message):
            parse_options("predict", PredictOptions, [*needed, *arguments])
    (tmp_path / "file").write_text("")
    for options, message in [
        ({"output": tmp_path / "out.txt"}, "the suffix must be .vcf, .vcf.gz or .bcf"),
        ({"output": tmp_path / "no" / "out.vcf"}, "folder .* does not exist"),
        ({"table": tmp_path / "no" / "t.tsv"}, "folder .* does not exist"),
        ({"explain": tmp_path / "file"}, "there is a file of that name"),
        ({}, "differs in depth"),
    ]:
        with pytest.raises(UserError, match=message):
            predict(PredictOptions(**{"model": model, "output": tmp_path / "out.vcf", "tensors": tensors} | options))
