"""The networks and their first and last layers, for what they do: sizes, expansion, scrambling, sets of reads, calibration."""

import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit
from scipy.stats import chisquare

from network_examples import LARGE_SETTINGS, network, random_tensors, settings_of, with_indels
from tensor_examples import example_tensors
from varproof.formats.model import Architecture, ModelCard, read_card
from varproof.formats.tensors import (
    BASE_A,
    BASE_C,
    BASE_G,
    BASE_MASK,
    BASE_N,
    BASE_T,
    DELETED,
    FIRST_INDEL_TYPE,
    FLAGS,
    INSERTION_FOLLOWS,
    MAPQ,
    NOTHING,
    SOFT_CLIPPED,
    SUPPORTS_ALT,
    TYPE,
    PackedTensors,
    TensorSettings,
)
from varproof.formats.training import Calibration, ClassCalibrations
from varproof.machinery.errors import UserError
from varproof.network.architectures import build_model
from varproof.network.calibration import log_odds
from varproof.network.data import network_arrays
from varproof.network.layers import MAPQ_SCALE, QUALITY_SCALE, ExpandChannels, scrambled
from varproof.network.prediction import Predictor
from varproof.network.training import TrainingPlan, load_model, randomly_scrambled, save_model
from varproof.pileup.expansion import expanded

BOTH: tuple[Architecture, ...] = ("read-set", "deepcnnvalid")
PAPER = TensorSettings(window=101, depth=200, tracks=("tumor", "normal", "context", "context", "context"))


def constants(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: tf.constant(value) for name, value in arrays.items()}


# --- sizes


@pytest.mark.parametrize("architecture", ["deepcnnvalid", "deepcnnvalid-by-allele"])
def test_the_papers_network_has_the_papers_size(architecture: Architecture) -> None:
    model = build_model(ModelCard(architecture=architecture, settings=PAPER))
    assert model.count_params() == 27_312
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 27_248
    images = [layer.output for layer in model.layers if layer.name.startswith(("conv", "max_pooling", "expand", "below"))]
    inputs = {name: np.zeros((1, *(200 if n is None else n for n in x.shape[1:])), np.uint8) for name, x in model.input.items()}
    shapes = [image.shape[1:] for image in keras.Model(model.input, images)(constants(inputs))]
    assert shapes == [
        (101, 200, 35), (99, 198, 32), (33, 66, 32), (31, 64, 16), (11, 22, 16), (9, 20, 32), (3, 7, 32), (3, 7, 32),
        (3, 7, 32),
    ]  # fmt: skip
    (norm,) = (layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    (dropout,) = (layer for layer in model.layers if isinstance(layer, keras.layers.Dropout))
    assert (norm.momentum, dropout.rate) == (0.8, 0.2)
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [10, 2]


def test_the_papers_network_by_allele_is_shown_the_alternatives_reads_first() -> None:
    """With the same weights it says what the paper's says of tensors whose rows were put in that order by hand."""
    plain, _ = network("deepcnnvalid", LARGE_SETTINGS, 3)
    sorting, card = network("deepcnnvalid-by-allele", LARGE_SETTINGS, 4)
    sorting.set_weights(plain.get_weights())
    tensors = random_tensors(15, LARGE_SETTINGS, 6)
    order = []
    for start, end in zip(tensors.row_offset, tensors.row_offset[1:], strict=False):
        rows = range(int(start), int(end))
        has_alternative = [bool(tensors.rows[row, FLAGS] & SUPPORTS_ALT) for row in rows]
        order += [row for row, has in zip(rows, has_alternative, strict=True) if has]
        order += [row for row, has in zip(rows, has_alternative, strict=True) if not has]
    by_hand = replace(tensors, **{name: getattr(tensors, name)[order] for name in ("base", "quality", "rows")})
    found = Predictor(sorting, card).log_odds(tensors)
    np.testing.assert_allclose(found, log_odds(plain(constants(by_hand.dense()), training=False)), rtol=1e-5, atol=2e-5)
    assert np.abs(found - log_odds(plain(constants(tensors.dense()), training=False))).max() > 1e-4


@pytest.mark.parametrize("depth", [92, 101, 120])
def test_rows_below_the_reads_are_made_once(depth: int) -> None:
    """The paper's network says of a batch with few rows what it says of all, whatever its weights; and no fewer rows do."""
    settings = TensorSettings(window=29, depth=depth, tracks=("tumor", "normal"))
    model, _ = network("deepcnnvalid", settings, 3)
    logits = keras.Model(model.input, model.get_layer("logits").output)
    tensors = random_tensors(12, settings, 7)
    expected_rows = set()
    for deepest in (0, 1, 24, 25, 26, 27, 40, 51, 52, 60, 80, 85, 92, depth):
        lengths = np.minimum(np.diff(tensors.row_offset), deepest)
        kept = np.concatenate([np.arange(a, a + n) for a, n in zip(tensors.row_offset, lengths, strict=False)])
        few = replace(
            tensors,
            row_offset=np.concatenate([[0], np.cumsum(lengths)]),
            **{name: getattr(tensors, name)[kept] for name in ("base", "quality", "rows")},
        )
        arrays = network_arrays(few, "pooled")
        rows = arrays["base"].shape[2]
        expected_rows.add(rows)
        whole = logits(constants(few.dense()), training=False)
        np.testing.assert_allclose(logits(constants(arrays), training=False), whole, rtol=1e-5, atol=1e-5)
        if rows > 54 and deepest >= 24 and int(lengths.max()) == deepest:
            fewer = logits(constants(few.dense(max(rows - 27, deepest))), training=False)
            assert rows - 27 <= deepest or np.abs(fewer - whole).max() > 1e-5
    assert len(expected_rows) >= 2 and max(expected_rows) == depth and min(expected_rows) <= 74


@pytest.mark.parametrize("own", [("tumor", "normal"), ("tumor",)])
def test_read_set_stays_small(own: tuple[str, ...]) -> None:
    sizes = []
    for contexts in (0, 1, 2, 5):
        settings = TensorSettings(tracks=(*own, *["context"] * contexts))
        sizes.append(build_model(ModelCard(architecture="read-set", settings=settings)).count_params())
    assert max(sizes) <= 100_000
    assert sizes[1] == sizes[2] == sizes[3], "contexts share weights"


@pytest.mark.parametrize(("window", "depth"), [(25, 200), (101, 26)])
def test_tensors_too_small_for_the_papers_network(window: int, depth: int) -> None:
    with pytest.raises(UserError, match=f"at least 27, not {window} and {depth}"):
        build_model(ModelCard(architecture="deepcnnvalid", settings=TensorSettings(window=window, depth=depth)))


def test_the_least_tensors() -> None:
    for architecture, window, depth in (("deepcnnvalid", 27, 27), ("read-set", 11, 1)):
        settings = TensorSettings(window=window, depth=depth)
        model, card = network(architecture, settings)
        assert np.isfinite(Predictor(model, card).log_odds(random_tensors(5, settings))).all()


# --- expansion


def test_expansion_is_that_of_the_numpy_reference() -> None:
    settings = TensorSettings(window=33, depth=12, tracks=("tumor", "normal", "context"))
    tensors = random_tensors(40, settings)
    dense = constants(tensors.dense())
    found = ExpandChannels()([dense["base"], dense["quality"], dense["rows"]]).numpy()
    reference = expanded(tensors).astype(np.float32)
    scale = np.tile(np.float32([1, 1, 1, 1, QUALITY_SCALE, MAPQ_SCALE, 1]), 3)
    assert (QUALITY_SCALE, MAPQ_SCALE) == (40, 60)
    np.testing.assert_array_equal(found, reference / scale)
    assert set(np.unique(found[..., 0])) == {0, 1, 2}


# --- scrambling

PARTNER = {BASE_A: BASE_T, BASE_T: BASE_A, BASE_C: BASE_G, BASE_G: BASE_C}


def naively_scrambled(plane: np.ndarray, swap_at: bool, swap_cg: bool) -> np.ndarray:
    out = plane.copy()
    for place, value in np.ndenumerate(plane):
        code = int(value) & BASE_MASK
        if (swap_at and code in (BASE_A, BASE_T)) or (swap_cg and code in (BASE_C, BASE_G)):
            out[place] = int(value) - code + PARTNER[code]
    return out


def test_scrambling_exchanges_a_with_t_and_c_with_g_and_nothing_else() -> None:
    """All codes with all marks: reads, reference and both alleles change alike, N, deletions, marks and numbers stay."""
    codes = [code | mark for code in range(NOTHING, DELETED + 1) for mark in (0, 8, 16, 24)]
    assert (INSERTION_FOLLOWS, SOFT_CLIPPED, BASE_N) == (8, 16, 5)
    base = np.tile(np.array(codes, np.uint8), (4, 2, 3, 1))
    inputs = {
        "base": base,
        "quality": base * 3,
        "rows": np.full((4, 2, 3, 8), BASE_A, np.uint8),
        "reference": np.tile(np.arange(BASE_N + 1, dtype=np.uint8), (4, 1)),
        "allele": np.array([[BASE_A] * 5 + [BASE_A, BASE_C]] * 4, np.uint8),
    }
    swaps = np.array([(False, False), (True, False), (False, True), (True, True)])
    found = {name: value.numpy() for name, value in scrambled(constants(inputs), swaps[:, 0], swaps[:, 1]).items()}
    assert set(found) == set(inputs)
    for i, (at, cg) in enumerate(swaps.tolist()):
        for name in ("base", "reference"):
            np.testing.assert_array_equal(found[name][i], naively_scrambled(inputs[name][i], at, cg), err_msg=name)
        assert found["allele"][i].tolist() == [BASE_A] * 5 + [BASE_T if at else BASE_A, BASE_G if cg else BASE_C]
    for name in ("quality", "rows"):
        np.testing.assert_array_equal(found[name], inputs[name])


def swaps_of(inputs: dict[str, Any], result: dict[str, Any]) -> list[tuple[bool, bool]]:
    """What was done to candidates whose reference begins with A, C."""
    before, after = np.asarray(inputs["reference"])[:, :2], np.asarray(result["reference"])[:, :2]
    return [(bool(a[0] != b[0]), bool(a[1] != b[1])) for a, b in zip(before, after, strict=True)]


def test_scrambling_is_drawn_uniformly_from_seed_pass_and_batch() -> None:
    n = 4000
    inputs = constants(
        {
            "base": np.zeros((n, 1, 1, 2), np.uint8),
            "reference": np.tile(np.array([BASE_A, BASE_C], np.uint8), (n, 1)),
            "allele": np.zeros((n, 7), np.uint8),
        }
    )
    draws = {
        key: swaps_of(inputs, randomly_scrambled(inputs, *key))
        for key in product((1, 2), (0, 1), (0, 1))  # seed, pass, batch
    }
    for drawn in draws.values():
        counts = [drawn.count(pair) for pair in product((False, True), repeat=2)]
        assert chisquare(counts).pvalue > 1e-4, counts
    assert draws[1, 0, 0] == swaps_of(inputs, randomly_scrambled(inputs, 1, 0, 0))
    for one, other in product(draws, repeat=2):
        if one < other:
            same = np.mean([a == b for a, b in zip(draws[one], draws[other], strict=True)])
            assert same == pytest.approx(0.25, abs=0.05), (one, other)


def test_the_papers_network_sees_scrambling_and_read_set_does_not() -> None:
    swaps = np.array([(True, False), (False, True), (True, True)] * 8)
    for architecture in BOTH:
        settings = settings_of(architecture)
        model, _ = network(architecture)
        for tensors in (example_tensors(24, settings, 3), random_tensors(24, settings, 3)):
            arrays = constants(tensors.dense())
            plain, changed = (
                log_odds(model(inputs, training=False)) for inputs in (arrays, scrambled(arrays, swaps[:, 0], swaps[:, 1]))
            )
            if architecture == "read-set":
                np.testing.assert_array_equal(plain, changed)
            else:
                assert np.abs(plain - changed).min() > 1e-6


# --- label smoothing


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_label_smoothing_moves_the_optimum_of_the_logit(smoothing: float) -> None:
    """Targets are 1 - s/2 and s/2 (0.95 and 0.05 in the paper): the loss by hand, and it is least at logit(1 - s/2)."""
    from varproof.network.training import _compiled

    model, _ = network("read-set")
    loss = _compiled(model, TrainingPlan("read-set", label_smoothing=smoothing), 1).loss
    odds = np.linspace(-8, 8, 1601)
    probability = np.stack([expit(-odds), expit(odds)], 1)
    for label in (0, 1):
        target = np.where([label == 0, label == 1], 1 - smoothing / 2, smoothing / 2)
        values = loss.call(np.eye(2)[[label] * len(odds)], probability).numpy()
        np.testing.assert_allclose(values, -np.log(probability) @ target, atol=2e-6)
        expected = np.log(0.95 / 0.05) if smoothing else 8
        assert odds[int(np.argmin(values))] == pytest.approx(expected if label else -expected, abs=0.02)


# --- sets of reads

CONTEXTS = TensorSettings(window=31, depth=20, tracks=("tumor", "normal", "context", "context", "context"))


def reordered(tensors: PackedTensors, seed: int) -> PackedTensors:
    """The rows of each track in another order."""
    rng = np.random.default_rng(seed)
    order = np.concatenate(
        [rng.permutation(np.arange(a, b)) for a, b in zip(tensors.row_offset[:-1], tensors.row_offset[1:], strict=True)]
    )
    return replace(tensors, **{name: getattr(tensors, name)[order] for name in ("base", "quality", "rows")})


def with_tracks(tensors: PackedTensors, order: list[int]) -> dict[str, np.ndarray]:
    return {name: value[:, order] if name in ("base", "quality", "rows") else value for name, value in tensors.dense().items()}


def test_read_set_takes_reads_and_contexts_as_sets() -> None:
    """Order of reads, order of contexts, empty rows below the reads, and what lies in the same batch: none matters."""
    model, card = network("read-set", CONTEXTS)
    judge = Predictor(model, card)
    for make in (example_tensors, random_tensors):
        tensors = make(30, CONTEXTS, 5)
        expected = judge.log_odds(tensors)
        assert np.isfinite(expected).all() and len(np.unique(expected)) == 30

        def assert_same(found: np.ndarray, expected: np.ndarray = expected) -> None:
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)

        assert_same(judge.log_odds(reordered(tensors, 1)))
        assert_same(log_odds(model(constants(with_tracks(tensors, [0, 1, 4, 2, 3])), training=False)))
        assert_same(log_odds(model(constants(tensors.dense(64)), training=False)))
        assert_same(np.concatenate([judge.log_odds(tensors.select(np.arange(i, i + 1))) for i in range(30)]))
        swapped = log_odds(model(constants(with_tracks(tensors, [1, 0, 2, 3, 4])), training=False))
        assert np.abs(swapped - expected).max() > 1e-3, "tumour and normal are not the same"


@pytest.mark.parametrize("architecture", BOTH)
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_predictions_do_not_depend_on_the_batch(architecture: Architecture, batch_size: int) -> None:
    model, card = network(architecture)
    judge, tensors = Predictor(model, card), random_tensors(40, card.settings, 8)
    expected = judge.log_odds(tensors)
    for threads in (1, 3):
        parts = list(judge.judged(iter([tensors.select(np.arange(i, i + 10)) for i in (0, 10, 20, 30)]), batch_size, threads))
        assert [part.size for part, _ in parts][:-1] == [batch_size] * (len(parts) - 1)
        assert np.concatenate([part.position for part, _ in parts]).tolist() == tensors.position.tolist()
        np.testing.assert_allclose(np.concatenate([odds for _, odds in parts]), expected, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("architecture", BOTH)
def test_half_precision_judges_alike(architecture: Architecture) -> None:
    """As on a GPU: large counts don't overflow, and the probabilities come in single precision."""
    model, card = network(architecture)
    tensors = random_tensors(20, card.settings, 6)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half, _ = network(architecture)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(model.get_weights())
    assert half.compute_dtype == "float16" and half.output.dtype == "float32"
    expected = Predictor(model, card).log_odds(tensors)
    np.testing.assert_allclose(Predictor(half, card).log_odds(tensors), expected, atol=0.1, rtol=0.01)


@pytest.mark.parametrize("architecture", BOTH)
def test_odd_pileups_get_finite_judgements(architecture: Architecture) -> None:
    """No read at all, none in a track, only reads of mapping quality 0, only N, only deletions, an unknown reference."""
    model, card = network(architecture)
    judge = Predictor(model, card)
    tensors = example_tensors(6, card.settings, 2)
    rows = {name: getattr(tensors, name)[:0] for name in ("base", "quality", "rows")}
    empty = replace(tensors, row_offset=tensors.row_offset * 0, **rows)
    assert np.isfinite(judge.log_odds(empty)).all()
    lost = tensors.rows.copy()
    lost[:, MAPQ] = 0
    strange = [replace(tensors, rows=lost), replace(tensors, reference=np.full_like(tensors.reference, NOTHING))]
    strange += [replace(tensors, base=np.full_like(tensors.base, code)) for code in (BASE_N, DELETED, NOTHING)]
    for changed in strange:
        odds = judge.log_odds(changed)
        assert np.isfinite(odds).all()
        if architecture == "read-set" or changed.reference is tensors.reference:
            assert np.any(odds != judge.log_odds(tensors))
    skipped = replace(tensors, skipped=np.array(["", "breakend", "", "", "", ""], object))
    assert np.isnan(judge.log_odds(skipped)).tolist() == [False, True, False, False, False, False]
    assert np.isnan(judge.log_odds(replace(tensors, skipped=np.full(6, "breakend", object)))).all()
    assert judge.log_odds(tensors.select(np.arange(0))).shape == (0,)


# --- calibration in the last layer, and the file

CALIBRATION = ClassCalibrations(
    substitution=Calibration(temperature=2.5, bias=-0.75, positive_fraction=0.2),
    indel=Calibration(temperature=0.5, bias=1.25, positive_fraction=0.1),
)


@pytest.mark.parametrize("architecture", BOTH)
def test_calibration_is_part_of_the_model(architecture: Architecture, tmp_path: Path) -> None:
    """Raw log-odds z become z / T + b by class; a file that was moved away gives the same, and its card can be read."""
    model, _ = network(architecture)
    tensors = with_indels(example_tensors(30, settings_of(architecture), 4))
    arrays = constants(network_arrays(tensors, "whole"))
    raw = log_odds(model(arrays, training=False))
    calibrated, card = network(architecture, calibration=CALIBRATION, calibrated_on=30)
    calibrated.set_weights(model.get_weights())
    found = calibrated(arrays, training=False).numpy()
    is_indel = tensors.allele_code[:, TYPE] >= FIRST_INDEL_TYPE
    assert 0 < is_indel.sum() < 30
    expected = np.where(is_indel, raw / 0.5 + 1.25, raw / 2.5 - 0.75)
    np.testing.assert_allclose(found[:, 1], expit(expected), rtol=2e-5)
    np.testing.assert_allclose(found[:, 0], expit(-expected), rtol=2e-5)
    np.testing.assert_allclose(CALIBRATION.calibrated(raw, is_indel), expected)

    path = tmp_path / "model.keras"
    save_model(calibrated, path)
    content = path.read_bytes()
    save_model(calibrated, path)
    assert path.read_bytes() == content, "no date in the file"
    path = path.rename(tmp_path / "moved.keras")
    assert read_card(path) == card
    again, again_card = load_model(path)
    assert again_card == card
    np.testing.assert_array_equal(again(arrays, training=False).numpy(), found)


def test_a_card_is_read_without_tensorflow(tmp_path: Path) -> None:
    model, card = network("read-set", calibration=CALIBRATION)
    path = tmp_path / "model.keras"
    save_model(model, path)
    program = (
        "import sys; from pathlib import Path; from varproof.formats.model import read_card; "
        "print(read_card(Path(sys.argv[1])).model_dump_json()); "
        "assert not {'tensorflow', 'keras', 'h5py'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert ModelCard.model_validate_json(result.stdout) == card
