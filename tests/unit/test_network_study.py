"""A whole training with known log-odds in the place of a network: what is fitted, tested, calibrated and reported on what."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest
from sklearn import metrics as reference

from network_examples import SETTINGS, with_indels
from tensor_examples import example_tensors
from varproof.formats.model import ModelCard, TrainingState
from varproof.formats.tensors import FIRST_INDEL_TYPE, TYPE, PackedTensors, TensorHeader, TensorReader, tensor_writer
from varproof.formats.training import Calibration, ClassCalibrations
from varproof.machinery.errors import UserError
from varproof.network import study
from varproof.network.calibration import fitted_class_calibrations
from varproof.network.data import TensorSource
from varproof.network.study import SHOWN_MISTAKES, Study, StudyPlan, cross_fitted, run_study
from varproof.network.training import TrainingPlan

PATIENTS = 8
OF_EACH = 90
CONTIGS = {f"chr{i}": 1_000_000 for i in range(1, 8)}


def patient_tensors(number: int) -> PackedTensors:
    """Candidates on all contigs; some have no label, some were skipped."""
    tensors = with_indels(example_tensors(OF_EACH, SETTINGS, number))
    label, skipped = tensors.label.copy(), tensors.skipped.copy()
    label[5::30], skipped[7::40] = -1, "breakend"
    contig = np.sort(np.random.default_rng(number).integers(0, len(CONTIGS), OF_EACH)).astype(np.int32)
    return replace(tensors, label=label, skipped=skipped, contig=contig)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TensorSource]:
    """One file per patient; the contigs of every other file are in another order."""
    folder = tmp_path_factory.mktemp("study")
    paths = []
    for number in range(PATIENTS):
        names = sorted(CONTIGS, reverse=number % 2 == 1)
        header = TensorHeader(
            settings=SETTINGS, contigs={name: CONTIGS[name] for name in names}, samples=["t", "n"], patient=f"patient {number}"
        )
        paths.append(folder / f"{number}.h5")
        with tensor_writer(paths[-1], header) as writer:
            writer.append(patient_tensors(number))
    with TensorSource(paths) as source:
        yield source


class Judge:
    """Stands for networks: notes what each was fitted to, and says the same of a candidate, whoever asks."""

    def __init__(self, source: TensorSource) -> None:
        rng = np.random.default_rng(1)
        self.label = source.column("label").astype(np.int64)
        self.odds = rng.normal(3.0 * self.label - 2.0, 2.0)
        self.fits: list[tuple[np.ndarray, np.ndarray]] = []
        self.tested: list[np.ndarray] = []

    def fit_model(
        self, plan: TrainingPlan, source: TensorSource, labels: np.ndarray, train: np.ndarray, validate: np.ndarray, **_: Any
    ) -> tuple[Any, ModelCard]:
        assert np.array_equal(labels, self.label)
        assert np.all(np.diff(train) > 0) and np.all(np.diff(validate) > 0)
        self.fits.append((train, validate))
        state = TrainingState(epochs_done=7, epochs_without_gain=3, history={"loss": [0.5] * 7}, identity="x")
        card = ModelCard(architecture=plan.architecture, settings=source.settings, training=state)
        weights = [SimpleNamespace(shape=(2, 3)), SimpleNamespace(shape=(3,))]
        return SimpleNamespace(train=train, count_params=lambda: 11, trainable_weights=weights), card

    def predicted_log_odds(self, model: Any, source: TensorSource, indices: np.ndarray) -> np.ndarray:
        assert not set(indices.tolist()) & set(model.train.tolist()), "tested on what it was fitted to"
        self.tested.append(indices)
        return self.odds[indices]


@pytest.fixture
def judge(source: TensorSource, monkeypatch: pytest.MonkeyPatch) -> Judge:
    judge = Judge(source)
    monkeypatch.setattr(study, "fit_model", judge.fit_model)
    monkeypatch.setattr(study, "predicted_log_odds", judge.predicted_log_odds)
    monkeypatch.setattr(study, "forget_models", lambda: None)
    return judge


def studied(source: TensorSource, plan: StudyPlan, early_stopping: int | None = None) -> Study:
    training = TrainingPlan("read-set", seed=3, early_stopping=early_stopping)
    return run_study(source, training, plan, checkpoint=Path("unused"), resume=False, provenance={"seed": 3})


def usable(source: TensorSource) -> np.ndarray:
    """Candidates that take part."""
    return np.flatnonzero((source.column("label") >= 0) & (source.column("skipped") == ""))


def assert_metrics(found: Any, label: np.ndarray, probability: np.ndarray) -> None:
    called = probability >= 0.5
    assert (found.n, found.positives) == (len(label), label.sum())
    for name, expected in {
        "accuracy": reference.accuracy_score(label, called),
        "precision": reference.precision_score(label, called),
        "recall": reference.recall_score(label, called),
        "f1": reference.f1_score(label, called),
        "roc_auc": reference.roc_auc_score(label, probability),
        "average_precision": reference.average_precision_score(label, probability),
        "brier": reference.brier_score_loss(label, probability),
    }.items():
        assert getattr(found, name) == pytest.approx(expected), name


def test_the_final_network_its_calibration_and_its_metrics(source: TensorSource, judge: Judge) -> None:
    result = studied(source, StudyPlan(heldout=0.25))
    (train, heldout), (tested,) = judge.fits[0], judge.tested
    assert len(judge.fits) == 1 and np.array_equal(heldout, tested)
    assert sorted([*train, *heldout]) == usable(source).tolist()
    label, odds = judge.label[heldout], judge.odds[heldout]
    assert len(heldout) / (len(train) + len(heldout)) == pytest.approx(0.25, abs=0.01)
    assert label.mean() == pytest.approx(judge.label[train].mean(), abs=0.01)

    is_indel = source.column("allele_code")[heldout][:, TYPE] >= FIRST_INDEL_TYPE
    calibration = fitted_class_calibrations(odds, label, is_indel)
    assert calibration.indel != calibration.substitution
    assert result.card.calibration == result.metrics.calibration == calibration
    assert result.card.calibrated_on == len(heldout)
    assert result.card.variant_types == ["snv", "insertion", "deletion"]
    metrics = result.metrics
    assert metrics.heldout is not None
    assert_metrics(metrics.heldout.uncalibrated, label, expit(odds))
    probability = cross_fitted(odds, label, is_indel, 3)
    assert_metrics(metrics.heldout.calibrated, label, probability)
    by_type = metrics.heldout.calibrated_by_type
    assert sum(entry.n for entry in by_type.values()) == len(heldout)
    assert_metrics(by_type["snv"], label[~is_indel], probability[~is_indel])
    balance = metrics.balance
    assert (balance.train_positives, balance.train_negatives) == (judge.label[train].sum(), (judge.label[train] == 0).sum())
    assert (balance.heldout_positives, balance.heldout_negatives) == (label.sum(), (label == 0).sum())
    assert (metrics.parameters, metrics.trainable_parameters, metrics.epochs, metrics.best_epoch) == (11, 9, 7, None)
    assert (metrics.cross_validation, metrics.repeats, metrics.learning_curve) == (None, None, None)
    assert studied(source, StudyPlan(), early_stopping=3).metrics.best_epoch == 4


def test_each_candidate_is_calibrated_without_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two halves, each by a calibration that was fitted to the other."""
    rng = np.random.default_rng(5)
    label, is_indel = np.arange(200) % 4 == 0, np.arange(200) % 3 == 0
    odds = np.arange(200) / 100.0
    fitted: list[set[float]] = []

    def noted(values: np.ndarray, labels: np.ndarray, indels: np.ndarray) -> ClassCalibrations:
        places = np.round(values * 100).astype(int)
        assert np.array_equal(labels, label[places]) and np.array_equal(indels, is_indel[places])
        fitted.append(set(places.tolist()))
        half = Calibration(temperature=1 + len(fitted), bias=0.0, positive_fraction=0.25)
        return ClassCalibrations(substitution=half, indel=half.model_copy(update={"bias": 1.0}))

    monkeypatch.setattr(study, "fitted_class_calibrations", noted)
    found = cross_fitted(odds, label, is_indel, int(rng.integers(100)))
    first, second = fitted
    assert first | second == set(range(200)) and not first & second
    for i, probability in enumerate(found):
        temperature = 3 if i in first else 2
        assert probability == pytest.approx(expit(odds[i] / temperature + is_indel[i]))


def test_cross_validation_repeats_learning_curve_and_subgroups(source: TensorSource, judge: Judge) -> None:
    metrics = studied(source, StudyPlan(heldout=0.2, folds=5, repeats=3, learning_curve=True)).metrics
    places = usable(source)
    folds, repeats, curve = judge.tested[:5], judge.tested[5:8], judge.tested[8:-1]
    assert sorted(np.concatenate(folds)) == places.tolist(), "each candidate is tested once"
    assert len({tuple(item) for item in repeats}) == 3
    for (train, validate), tested in zip(judge.fits[:8], judge.tested[:8], strict=True):
        assert sorted([*train, *tested]) == places.tolist() and len(validate) == 0
    for found, parts in ((metrics.cross_validation, folds), (metrics.repeats, repeats)):
        assert found is not None and len(found.runs) == len(parts)
        for run, part in zip(found.runs, parts, strict=True):
            assert_metrics(run, judge.label[part], expit(judge.odds[part]))
        accuracies = [run.accuracy for run in found.runs]
        assert found.mean["accuracy"] == pytest.approx(np.mean(accuracies))
        assert found.sd["accuracy"] == pytest.approx(np.std(accuracies, ddof=1))

    points = metrics.learning_curve
    assert points is not None
    sizes = [point.size for point in points]
    assert sizes[0] == len(places)
    assert all(a / b == pytest.approx(2**0.5, abs=0.02) for a, b in pairwise(sizes)) and sizes[-1] < 75
    assert len(curve) == 5 * len(points)
    larger = set(places.tolist())
    for i, point in enumerate(points):
        parts = curve[5 * i : 5 * i + 5]
        part = set(np.concatenate(parts).tolist())
        assert len(part) == point.size == sum(len(item) for item in parts) and part <= larger
        larger = part
        for run, tested in zip(point.runs, parts, strict=True):
            assert_metrics(run, judge.label[tested], expit(judge.odds[tested]))

    assert metrics.subgroups is not None
    right = (judge.odds > 0) == (judge.label == 1)
    types = source.column("allele_code")[:, TYPE]
    found = {(entry.grouping, entry.group): entry for entry in metrics.subgroups}
    tests = len(metrics.subgroups)
    for code, name in ((0, "snv"), (2, "insertion"), (3, "deletion")):
        inside = right[places[types[places] == code]]
        entry = found["variant type", name]
        assert (entry.n, entry.correct) == (len(inside), inside.sum())
        p = binomtest(int(inside.sum()), len(inside), right[places].mean()).pvalue
        assert entry.p == pytest.approx(p) and entry.p_bonferroni == pytest.approx(min(1, p * tests))
    assert {"reference base", "alternative base", "pair", "VAF"} <= {grouping for grouping, _ in found}


def test_without_cross_validation_subgroups_are_of_the_held_out(source: TensorSource, judge: Judge) -> None:
    metrics = studied(source, StudyPlan(heldout=0.3)).metrics
    assert metrics.subgroups is not None
    assert sum(entry.n for entry in metrics.subgroups if entry.grouping == "variant type") == len(judge.tested[0])


@pytest.mark.parametrize("split_by", ["patient", "chromosome"])
def test_no_group_is_on_both_sides(source: TensorSource, judge: Judge, split_by: Any) -> None:
    result = studied(source, StudyPlan(heldout=0.25, split_by=split_by, folds=3, repeats=2))
    group = source.patients() if split_by == "patient" else source.contig_names()
    assert len(set(group)) == (PATIENTS if split_by == "patient" else len(CONTIGS))
    if split_by == "chromosome":
        assert set(group[source.column("contig") == 0]) == {"chr1", "chr7"}, "named by the header of each file"
    assert len(judge.fits) == len(judge.tested) == 6
    for (train, validate), tested in zip(judge.fits, judge.tested, strict=True):
        assert not set(group[train]) & set(group[tested])
        assert not set(group[train]) & set(group[validate])
    assert sorted(np.concatenate(judge.tested[:3])) == usable(source).tolist()
    for found in (result.metrics.cross_validation, result.metrics.repeats):
        assert found is not None and found.split_by == split_by


def test_mistakes_are_the_most_confident_ones(source: TensorSource, judge: Judge) -> None:
    metrics = studied(source, StudyPlan(heldout=0.5)).metrics
    heldout = judge.tested[0]
    label = judge.label[heldout]
    is_indel = source.column("allele_code")[heldout][:, TYPE] >= FIRST_INDEL_TYPE
    probability = cross_fitted(judge.odds[heldout], label, is_indel, 3)
    wrong = np.flatnonzero((probability >= 0.5) != (label == 1))
    assert len(wrong) > SHOWN_MISTAKES == len(metrics.mistakes) == 20
    wrong = wrong[np.argsort(-np.abs(probability[wrong] - 0.5), kind="stable")][:20]
    for i, mistake in zip(wrong.tolist(), metrics.mistakes, strict=True):
        assert (mistake.label, mistake.probability) == (label[i], pytest.approx(probability[i]))
        number, row = source.file_and_row(int(heldout[i]))
        assert (Path(mistake.source), mistake.candidate) == (source.readers[number].path, row)
        with TensorReader(Path(mistake.source)) as reader:
            one = reader.read(mistake.candidate, mistake.candidate + 1)
            contig = list(reader.header.contigs)[int(one.contig[0])]
        assert (mistake.contig, mistake.position, mistake.ref, mistake.alt) == (
            contig, one.position[0] + 1, one.ref[0], one.alt[0],
        )  # fmt: skip
    assert len({mistake.source for mistake in metrics.mistakes}) > 3


def test_labels_that_are_none(tmp_path: Path) -> None:
    header = TensorHeader(settings=SETTINGS, contigs=CONTIGS, samples=["t", "n"], patient="p")
    tensors = example_tensors(50, SETTINGS)
    for label, message in (
        (7, "labels are not 0 or 1"),
        (-1, "no labelled candidates; make tensors"),
    ):
        path = tmp_path / f"{label}.h5"
        with tensor_writer(path, header) as writer:
            writer.append(replace(tensors, label=np.full(50, label, np.int8)))
        with TensorSource([path]) as source, pytest.raises(UserError, match=rf"{label}\.h5: {message}"):
            studied(source, StudyPlan())
