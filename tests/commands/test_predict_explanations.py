"""The pictures of predict, of what the network looked at: contributions add up, and places are those asked for; its file."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from network_examples import network, settings_of
from pair_examples import Pair, read_all, write_pair
from predict_examples import reads_of, run, write_candidates, write_model
from tensor_examples import CONTIGS, example_tensors
from varproof.formats.explained import ExplainedReader
from varproof.formats.model import Architecture
from varproof.formats.tensors import FLAGS, MAPQ, ROW_REVERSE, PackedTensors, TensorHeader
from varproof.machinery.errors import UserError
from varproof.network import judging
from varproof.network.explanation import Explainer
from varproof.network.layers import ExpandChannels
from varproof.report.pileup_haplotypes import in_window


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def candidates(pair: Pair) -> Path:
    return write_candidates(pair)


@pytest.mark.parametrize("architecture", ["read-set", "deepcnnvalid", "deepcnnvalid-by-allele"])
def test_contributions_add_up_to_the_difference_of_log_odds(architecture: Architecture) -> None:
    """Completeness, against an empty pileup (Sundararajan et al. 2017, proposition 1); nothing outside the reads counts."""
    found, _ = network(architecture, seed=4)
    raw = keras.Model(found.input, found.get_layer("logits").output)

    def odds(tensors: PackedTensors) -> float:
        depth = 16 if architecture == "read-set" else None
        logits = raw({name: value for name, value in tensors.dense(depth).items()}, training=False).numpy()
        return float(logits[0, 1] - logits[0, 0])

    explainer = Explainer(found)
    for number in range(3):
        tensors = example_tensors(120, settings_of(architecture), 3).select(np.array([number * 40]))
        rows = {name: getattr(tensors, name)[:0] for name in ("base", "quality", "rows")}
        empty = replace(tensors, row_offset=tensors.row_offset * 0, **rows)
        importance = explainer.integrated_gradients(tensors)
        assert [part.shape for part in importance] == [(depth, 31) for depth in tensors.depths[0]]
        total, expected = sum(float(part.sum()) for part in importance), odds(tensors) - odds(empty)
        assert total == pytest.approx(expected, rel=0.01, abs=1e-3)
        for part, (first, last) in zip(importance, zip(tensors.row_offset, tensors.row_offset[1:], strict=False), strict=True):
            outside = tensors.base[first:last] == 0
            assert outside.any() and np.abs(part[:, :15][outside[:, :15]]).max() == 0
        nothing = explainer.integrated_gradients(empty)
        assert [part.shape for part in nothing] == [(0, 31)] * 2


def linear_network(weights: np.ndarray) -> keras.Model:
    """Log-odds that are a sum of the image's cells, each times its weight: (W, R, 7 T)."""
    window, depth, _ = weights.shape
    shapes = {"base": (2, depth, window), "quality": (2, depth, window), "rows": (2, depth, 8)}
    inputs = {name: keras.Input(shape, name=name, dtype="uint8") for name, shape in shapes.items()}
    inputs |= {"reference": keras.Input((window,), name="reference", dtype="uint8")}
    inputs |= {"allele": keras.Input((7,), name="allele", dtype="uint8")}
    image = ExpandChannels(name="expand")([inputs["base"], inputs["quality"], inputs["rows"]])
    flat = keras.layers.Flatten()(image)
    model = keras.Model(inputs, keras.layers.Dense(2, name="logits")(flat))
    kernel = np.stack([np.zeros(weights.size), weights.ravel()], axis=1)
    model.get_layer("logits").set_weights([kernel, np.array([0.3, -0.2])])
    return model


def test_contributions_of_a_linear_network_are_its_weights_times_what_it_is_shown() -> None:
    """The gradient is the same all along the path; channels of a base are its letter, qualities and strand, computed here."""
    settings = settings_of("deepcnnvalid")
    weights = np.random.default_rng(8).normal(size=(settings.window, settings.depth, 14)).astype(np.float32)
    tensors = example_tensors(1, settings, 5)
    found = Explainer(linear_network(weights)).integrated_gradients(tensors)
    for track in (0, 1):
        first, last = tensors.row_offset[track : track + 2].tolist()
        expected = np.zeros((last - first, settings.window))
        for row in range(last - first):
            for column in range(settings.window):
                letter = int(tensors.base[first + row, column])
                if not letter:
                    continue
                own = weights[column, row, 7 * track : 7 * track + 7]
                scales = tensors.quality[first + row, column] / 40, tensors.rows[first + row, MAPQ] / 60
                reverse = bool(tensors.rows[first + row, FLAGS] & ROW_REVERSE)
                expected[row, column] = own[letter - 1] + own[4] * scales[0] + own[5] * scales[1] + own[6] * reverse
        assert np.allclose(found[track], expected, atol=1e-4)


def test_what_is_drawn_is_written_as_numbers(pair: Pair, candidates: Path, model: Path, tmp_path: Path) -> None:
    """The contributions of each explained candidate, as they come of the network, beside the reads that it saw."""
    sites = sorted({place for place, _, _ in pair.records()})[:2]
    places = [f"chr1:{site + 1}" for site in sites]
    run(tmp_path / "out.vcf", model, **reads_of(pair, candidates), explain=tmp_path / "seen", explain_at=places)
    explainer = Explainer(keras.saving.load_model(model, compile=False))
    with ExplainedReader(tmp_path / "seen") as reader:
        assert sorted({place[:2] for place in reader.places}) == [("chr1", site) for site in sites]
        for number in range(reader.size):
            tensors, importance = reader.explained(number)
            assert tensors.size == 1 and [len(part) for part in importance] == tensors.depths[0].tolist()
            again = explainer.integrated_gradients(tensors)
            assert any(np.abs(part).sum() > 0 for part in importance)
            for part, other in zip(importance, again, strict=True):
                assert np.allclose(part, other, rtol=1e-3, atol=1e-5)


def test_explained_pictures(pair: Pair, candidates: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At places (all alleles there), or of the candidates that the network is least certain of."""
    monkeypatch.setattr(judging, "LEAST_CERTAIN", 2)
    reads, folder = reads_of(pair, candidates), tmp_path / "pictures"
    site = pair.records()[0][0] + 1
    run(tmp_path / "out.vcf", model, **reads, explain=folder, explain_at=[f"chr1:{site}", "chr1:300"])
    names = sorted(path.name for path in folder.iterdir())
    assert names.pop(names.index("explained.h5")) and len(names) == 6, names
    assert sum(f"_{site}_" in name for name in names) == 2 and sum("_300_" in name for name in names) == 4
    assert {Path(name).suffix for name in names} == {".svg", ".png"}
    assert all((folder / name).read_bytes()[:4] == b"\x89PNG" for name in names if name.endswith(".png"))
    out = run(tmp_path / "out.vcf", model, **reads, explain=tmp_path / "others")
    certainty = {
        f"chr1_{record.pos}_{record.ref}_{alt}": abs(probability - 0.5)
        for record in read_all(out)
        for alt, probability in zip(record.alts or (), record.info.get("CNN_PROB", ()), strict=False)
        if probability is not None
    }
    least = sorted(certainty, key=certainty.__getitem__)[:2]
    assert sorted(path.stem for path in (tmp_path / "others").glob("*.svg")) == sorted(least)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("chr1:5", "chr1:5: no judged candidate there"),
        ("chr1:311", "no judged candidate there"),
        ("chr1:321", "no judged candidate there"),
        ("chr9:300", "expected CHROM:POS with a contig of the reference"),
        ("300", "expected CHROM:POS"),
    ],
)
def test_places_that_are_none_are_told_before_anything_is_written(
    pair: Pair, candidates: Path, model: Path, tmp_path: Path, place: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run(
            tmp_path / "out.vcf", model, **reads_of(pair, candidates),
            explain=tmp_path / "pictures", explain_at=["chr1:300", place], table=tmp_path / "t.tsv",
        )  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] in ([], ["pictures"])
    assert not (tmp_path / "pictures").exists() or list((tmp_path / "pictures").iterdir()) == []


class Uncertain:
    """Stands for a predictor: log-odds by the place of a candidate in the list, so that the last are the least certain."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size

    def judged(self, chunks: Iterator[PackedTensors], *_: int) -> Iterator[tuple[PackedTensors, np.ndarray]]:
        (whole,) = chunks
        for start in range(0, whole.size, self.batch_size):
            part = whole.select(np.arange(start, min(start + self.batch_size, whole.size)))
            yield part, 100.0 - part.record


@pytest.mark.parametrize("batch_size", [1, 3, 7, 500])
def test_explained_candidates_come_with_those_in_their_windows(batch_size: int) -> None:
    """Whichever batches these came in: as a look at all pairs finds them."""
    tensors = example_tensors(60, settings_of("read-set"), 3)
    position = 1000 + np.cumsum(np.random.default_rng(5).choice([0, 3, 9, 40, 900], 60))
    tensors = replace(tensors, position=position, centre=position)
    places = [f"chr1:{place + 1}" for place in position.tolist()]
    header = TensorHeader(settings=tensors.settings, contigs=CONTIGS, samples=["t", "n"], patient="p")
    for wanted in (places, []):
        predictor: Any = Uncertain(batch_size)
        _, found = judging.judged_alleles(predictor, iter([tensors]), 60, batch_size, 1, header, wanted)
        assert [item.index for item in found] == (list(range(60)) if wanted else list(range(50, 60)))
        for item in found:
            beside = [int(other.record[0]) for other in item.beside]
            assert sorted(beside) == in_window(tensors, item.index, tensors)
        assert any(item.beside for item in found)
