"""Training: what is read and when, what a seed decides, interruption and resumption, early stopping, what goes wrong."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from network_examples import LARGE_SETTINGS, SETTINGS, network, with_indels
from tensor_examples import example_tensors, write_tensors
from varproof.formats.model import read_card
from varproof.formats.tensors import PackedTensors, TensorReader
from varproof.machinery.errors import UserError
from varproof.network import data, training
from varproof.network.data import TensorSource, ordered_batches, training_batches
from varproof.network.layers import scrambled
from varproof.network.training import (
    TrainingPlan,
    best_checkpoint,
    finished_model,
    fit_model,
    load_model,
    predicted_log_odds,
    training_dataset,
    training_identity,
)

PLAN = TrainingPlan("deepcnnvalid", epochs=6, batch_size=64, early_stopping=3)
NOBODY = np.zeros(0, np.int64)


def moved(tensors: PackedTensors, distance: int) -> PackedTensors:
    """The same at other positions, so that a position names a candidate of several files."""
    return replace(tensors, position=tensors.position + distance)


def damaged(path: Path, tensors: PackedTensors) -> Path:
    """A tensor file of which the last chunk of bases has a flipped byte."""
    write_tensors(path, tensors)
    with h5py.File(path) as file:
        place = file["base"].id.get_chunk_info(file["base"].id.get_num_chunks() - 1)
    content = bytearray(path.read_bytes())
    content[place.byte_offset + place.size // 2] ^= 0x40
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TensorSource]:
    folder = tmp_path_factory.mktemp("training")
    with TensorSource([write_tensors(folder / "tensors.h5", with_indels(example_tensors(160, LARGE_SETTINGS, 1)))]) as source:
        yield source


def labels_of(source: TensorSource) -> np.ndarray:
    return source.column("label").astype(np.int64)


# --- what is read


@pytest.fixture
def two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TensorSource]:
    """540 candidates in two files, in blocks of 32, of which 3 are mixed."""
    monkeypatch.setattr(data, "BLOCK", 32)
    monkeypatch.setattr(data, "MIXED_BLOCKS", 3)
    first = write_tensors(tmp_path / "first.h5", example_tensors(200, SETTINGS, 1))
    second = write_tensors(tmp_path / "second.h5", moved(example_tensors(340, SETTINGS, 2), 10_000_000))
    with TensorSource([first, second]) as source:
        yield source


def test_a_pass_takes_every_candidate_once_in_another_order(two_files: TensorSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole batches but for the last; a block of the disk is read once, and never more than are mixed at a time."""
    at_once: list[int] = []
    blocks: list[tuple[str, int]] = []
    read_block, read_some = TensorReader.read, TensorSource.read

    def counted_block(reader: TensorReader, start: int, end: int) -> PackedTensors:
        blocks.append((reader.path.name, start))
        return read_block(reader, start, end)

    def counted(source: TensorSource, indices: np.ndarray) -> PackedTensors:
        at_once.append(len(indices))
        return read_some(source, indices)

    monkeypatch.setattr(data, "KEPT_BYTES", 0)
    monkeypatch.setattr(TensorReader, "read", counted_block)
    monkeypatch.setattr(TensorSource, "read", counted)
    position = two_files.column("position")
    indices = np.flatnonzero(np.arange(540) % 9 != 4)
    orders = []
    for seed in (1, 2, 1):
        at_once.clear()
        blocks.clear()
        batches = list(training_batches(two_files, indices, 50, np.random.default_rng(seed)))
        assert [batch.size for batch in batches] == [50] * 9 + [30]
        orders.append(np.concatenate([batch.position for batch in batches]))
        assert sorted(orders[-1]) == sorted(position[indices])
        assert max(at_once) <= 3 * 32 and sum(at_once) == len(indices)
        # Blocks are of the numbering over both files: one that holds candidates of both is read from each.
        assert len(blocks) <= len(data.in_blocks(indices)) * 2 and max(map(blocks.count, blocks)) <= 2
    assert orders[0].tolist() == orders[2].tolist()
    assert np.mean(orders[0] == orders[1]) < 0.1
    assert abs(np.corrcoef(np.argsort(orders[0]), np.arange(len(indices)))[0, 1]) < 0.5
    mixed = [len(np.unique(batch.position > 10_000_000)) for batch in batches]
    assert max(mixed) == 2, "files are mixed"


def test_tensors_stay_with_their_candidates(two_files: TensorSource) -> None:
    indices = np.array([3, 31, 32, 199, 200, 201, 539])
    (found,) = ordered_batches(two_files, indices, 10)
    whole = [example_tensors(200, SETTINGS, 1), moved(example_tensors(340, SETTINGS, 2), 10_000_000)]
    for i, index in enumerate(indices.tolist()):
        number, row = two_files.file_and_row(index)
        one, expected = found.select(np.array([i])), whole[number].select(np.array([row]))
        assert one.position.tolist() == expected.position.tolist()
        np.testing.assert_array_equal(one.base, expected.base)
        np.testing.assert_array_equal(one.rows, expected.rows)
    assert list(ordered_batches(two_files, NOBODY, 10)) == []


def test_files_of_one_training_are_alike_and_given_once(tmp_path: Path) -> None:
    first = write_tensors(tmp_path / "first.h5", example_tensors(100, SETTINGS, 1))
    other = write_tensors(tmp_path / "other.h5", example_tensors(100, LARGE_SETTINGS, 1))
    with pytest.raises(UserError, match=r"other.h5 has window 31, depth 28.*, but .*first.h5 has window 31, depth 16"):
        TensorSource([first, other])
    with pytest.raises(UserError, match="given twice"):
        TensorSource([first, tmp_path / ".." / tmp_path.name / "first.h5"])
    with pytest.raises(UserError, match=r"absent.h5: no such file"):
        TensorSource([first, tmp_path / "absent.h5"])


def test_what_the_network_is_shown(source: TensorSource) -> None:
    """Labels as (artefact, real); scrambled anew in each pass for the paper's network, never for read-set; class weights."""
    indices, labels = np.arange(10, 110), labels_of(source)
    plain = replace(PLAN, scramble=False)

    def passes(plan: TrainingPlan, epoch: int) -> list[Any]:
        return list(training_dataset(source, indices, labels, plan, epoch, "whole").as_numpy_iterator())

    kept, again, changed, later = (
        passes(*key) for key in ((plain, 0), (replace(PLAN, architecture="read-set"), 0), (PLAN, 0), (PLAN, 1))
    )
    assert [len(label) for _, label, _ in changed] == [64, 36]
    swaps = []
    for (inputs, label, weight), (other, other_label, _), (same, _, _) in zip(kept, changed, again, strict=True):
        np.testing.assert_array_equal(label, other_label)
        assert set(map(tuple, label.tolist())) == {(1.0, 0.0), (0.0, 1.0)}
        assert (weight == 1).all()
        np.testing.assert_array_equal(same["reference"], inputs["reference"])
        for i in range(len(label)):
            options = {
                pair: scrambled({name: value[i : i + 1] for name, value in inputs.items()}, [pair[0]], [pair[1]])
                for pair in ((False, False), (False, True), (True, False), (True, True))
            }
            fitting = [
                pair for pair, option in options.items()
                if all(np.array_equal(option[name][0], other[name][i]) for name in inputs)
            ]  # fmt: skip
            assert len(fitting) == 1
            swaps += fitting
    assert min(map(swaps.count, set(swaps))) > 10 and len(set(swaps)) == 4
    assert any(not np.array_equal(one[0]["reference"], two[0]["reference"]) for one, two in zip(changed, later, strict=True))
    weighted = passes(replace(plain, class_weights=True), 0)
    label, weight = (np.concatenate([batch[i] for batch in weighted]) for i in (1, 2))
    assert weight[label[:, 1] == 1].sum() == pytest.approx(50) == weight[label[:, 0] == 1].sum()
    assert label[:, 1].sum() == labels[indices].sum()


# --- seeds, interruption, early stopping


class Interrupted(Exception):
    """Stands for Ctrl-C after a pass."""


SCRIPT = (0.9, 0.5, 0.7, 0.8, 0.6, 0.5)
"""Losses on held-out candidates: the second pass is the best, and three without gain follow."""


def scripted(model: keras.Model, *rest: Any) -> dict[str, float]:
    done = int(model.optimizer.iterations) // 2  # of two steps each
    return {"val_loss": SCRIPT[done - 1], "val_accuracy": 0.5, "val_average_precision": 0.5}


def fitted(source: TensorSource, plan: TrainingPlan, **options: Any) -> list[np.ndarray]:
    model, _ = fit_model(plan, source, labels_of(source), np.arange(110), np.arange(110, 160), **options)
    return model.get_weights()


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_weights_depend_on_the_seed_and_not_on_interruptions(
    source: TensorSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped by Ctrl-C after pass 3 of an early-stopping run whose best pass is 2, and resumed: bit for bit the same."""
    monkeypatch.setattr(training, "_validation", scripted)
    states = []
    checkpoint = tmp_path / "model.checkpoint.keras"
    whole = fitted(source, PLAN, after_epoch=states.append)
    assert [state.epochs_done for state in states] == [1, 2, 3, 4, 5], "three passes without gain"
    assert [state.epochs_without_gain for state in states] == [0, 0, 1, 2, 3]
    assert states[-1].history["val_loss"] == list(SCRIPT[:5])

    def interrupt(state: Any) -> None:
        if state.epochs_done == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        fitted(source, PLAN, checkpoint=checkpoint, after_epoch=interrupt)
    assert read_card(checkpoint).training.history["val_loss"] == list(SCRIPT[:3])
    assert read_card(best_checkpoint(checkpoint)).training.epochs_done == 2
    with pytest.raises(UserError, match=r"checkpoint of another training .*remove it, or leave out --resume"):
        fitted(source, replace(PLAN, seed=2), checkpoint=checkpoint, resume=True)
    kept = best_checkpoint(checkpoint).rename(tmp_path / "away.keras")
    with pytest.raises(UserError, match=r"model.checkpoint.best.keras: no such file"):
        fitted(source, PLAN, checkpoint=checkpoint, resume=True)
    kept.rename(best_checkpoint(checkpoint))
    resumed = fitted(source, PLAN, checkpoint=checkpoint, resume=True, after_epoch=states.append)
    assert [state.epochs_done for state in states[5:]] == [4, 5]
    assert states[-1] == states[4]
    assert same(whole, resumed)

    two_passes = fitted(source, replace(PLAN, epochs=2, early_stopping=None))
    assert same(whole, two_passes), "the best pass is kept"
    other = fitted(source, replace(PLAN, epochs=2, early_stopping=None, seed=2))
    assert not any(np.array_equal(a, b) for a, b in zip(other, two_passes, strict=True) if a.ndim > 1)


def test_read_set_resumes_with_a_falling_step_size(source: TensorSource, tmp_path: Path) -> None:
    plan = TrainingPlan("read-set", epochs=3, batch_size=64, decay=True)
    whole = fitted(source, plan)
    checkpoint = tmp_path / "model.checkpoint.keras"

    def interrupt(state: Any) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        fitted(source, plan, checkpoint=checkpoint, after_epoch=interrupt)
    steps: list[int] = []
    assert same(whole, fitted(source, plan, checkpoint=checkpoint, resume=True, after_step=steps.append))
    assert steps == [64, 46] * 2
    assert same(whole, fitted(source, plan, checkpoint=checkpoint, resume=True)), "nothing is left to do"
    found, card = load_model(checkpoint)
    assert (card.training.epochs_done, card.positives + card.negatives, card.calibrated_on) == (3, 110, 0)
    assert same(whole, found.get_weights())


def test_a_training_is_known_by_all_that_decides_its_weights(source: TensorSource, tmp_path: Path) -> None:
    labels, train = labels_of(source), np.arange(100)
    first = training_identity(PLAN, source, train, labels)
    assert training_identity(PLAN, source, train, labels) == first
    turned = labels.copy()
    turned[0] = 1 - turned[0]
    others = [(replace(PLAN, epochs=7), train, labels), (PLAN, np.arange(1, 101), labels), (PLAN, train, turned)]
    assert first not in {training_identity(plan, source, places, known) for plan, places, known in others}
    with TensorSource([write_tensors(tmp_path / "other.h5", example_tensors(160, LARGE_SETTINGS, 9))]) as other:
        assert training_identity(PLAN, other, train, labels) != first


def test_a_finished_model_is_the_same_whatever_was_trained_before(source: TensorSource, tmp_path: Path) -> None:
    model, card = network("deepcnnvalid")
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    contents = []
    for name in ("one.keras", "two.keras"):
        network("read-set")
        finished = finished_model(model, card)
        assert not finished.compiled and finished.dtype_policy.name == "float32"
        training.save_model(finished, tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
        assert same(finished.get_weights(), model.get_weights())
    assert contents[0] == contents[1]


def test_forgetting_models_keeps_the_precision() -> None:
    from varproof.network.runtime import forget_models

    keras.config.set_dtype_policy("mixed_float16")
    try:
        forget_models()
        assert keras.config.dtype_policy().name == "mixed_float16"
    finally:
        keras.config.set_dtype_policy("float32")


# --- what goes wrong


def test_blocks_are_kept_until_memory_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is what would be read: a second pass reads only the blocks that there was no room for."""
    path = write_tensors(tmp_path / "tensors.h5", example_tensors(300, SETTINGS, 1))
    indices = np.arange(300)
    monkeypatch.setattr(data, "BLOCK", 100)
    read: list[int] = []
    read_block = TensorReader.read

    def counted(reader: TensorReader, start: int, end: int) -> PackedTensors:
        read.append(start)
        return read_block(reader, start, end)

    with TensorReader(path) as reader:
        first = reader.read(0, 100)
    room = first.base.nbytes + first.quality.nbytes + first.rows.nbytes
    passes = {}
    for limit in (0, room, 1 << 30):
        monkeypatch.setattr(data, "KEPT_BYTES", limit)
        with TensorSource([path]) as source:
            source.read(indices)
            with monkeypatch.context() as patch:
                patch.setattr(TensorReader, "read", counted)
                read.clear()
                passes[limit] = (source.read(indices).base, list(read))
    assert [found for _, found in passes.values()] == [[0, 100, 200], [100, 200], []]
    assert all(np.array_equal(base, passes[0][0]) for base, _ in passes.values())


def test_a_block_that_two_threads_read_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room for all blocks, and none for one more: all stay, though the first was read twice at once."""
    tensors = example_tensors(300, SETTINGS, 1)
    path = write_tensors(tmp_path / "tensors.h5", tensors)
    read: list[int] = []
    read_block = TensorReader.read
    monkeypatch.setattr(data, "KEPT_BYTES", tensors.base.nbytes + tensors.quality.nbytes + tensors.rows.nbytes)
    with TensorSource([path]) as source:

        def counted(reader: TensorReader, start: int, end: int) -> PackedTensors:
            read.append(start)
            if read == [0]:
                other = threading.Thread(target=source.read, args=(np.arange(5),))
                other.start()
                other.join()
            return read_block(reader, start, end)

        monkeypatch.setattr(TensorReader, "read", counted)
        for _ in range(2):
            np.testing.assert_array_equal(source.read(np.arange(300)).position, tensors.position)
        assert read.count(0) == 2 and len(read) == len(set(read)) + 1


def test_damage_and_failing_disks_are_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow makes errors of its own of what its input pipeline meets: the user is told what it was."""
    monkeypatch.setattr(data, "KEPT_BYTES", 0)
    tensors = example_tensors(300, SETTINGS, 1)
    with TensorSource([damaged(tmp_path / "tensors.h5", tensors)]) as source:
        plan = TrainingPlan("read-set", epochs=1, batch_size=64)
        with pytest.raises(UserError, match="cut off or damaged"):
            fit_model(plan, source, labels_of(source), np.arange(300), NOBODY)
        model, _ = network("read-set")
        assert np.isfinite(predicted_log_odds(model, source, np.arange(100))).all()
        with pytest.raises(UserError, match="cut off or damaged"):
            predicted_log_odds(model, source, np.arange(300))

        def fail(*_: Any) -> Any:
            raise OSError(5, "Input/output error", "tensors.h5")

        monkeypatch.setattr(TensorReader, "read", fail)
        with pytest.raises(OSError, match="Input/output error"):
            predicted_log_odds(model, source, np.arange(100))


def test_diverged_training_is_told_and_leaves_no_checkpoint(source: TensorSource, tmp_path: Path) -> None:
    checkpoint = tmp_path / "model.checkpoint.keras"
    plan = replace(PLAN, learning_rate=1e30, early_stopping=None)
    with pytest.raises(UserError, match=r"not (a number|finite).*try a lower --learning-rate"):
        fitted(source, plan, checkpoint=checkpoint)
    assert list(tmp_path.iterdir()) == []
    model, _ = network("deepcnnvalid")
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    with pytest.raises(UserError, match="values that are not finite: training diverged"):
        predicted_log_odds(model, source, np.arange(10))


def test_a_disk_that_fills_keeps_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be written whole is not put in the place of what could."""
    model, card = network("deepcnnvalid")
    path = tmp_path / "model.keras"
    training.save_model(model, path)
    before = path.read_bytes()

    def full(*_: Any) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(training, "_timeless", full)
    with pytest.raises(OSError, match="No space left"):
        training.save_model(model, path)
    assert path.read_bytes() == before and [item.name for item in tmp_path.iterdir()] == ["model.keras"]
    assert read_card(path) == card
