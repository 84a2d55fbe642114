"""train's page: what it shows, that it stands alone, and that it manages with little."""

import html.parser
import re
from pathlib import Path

import numpy as np
import pytest

from pileup_examples import drawn_tensors
from training_examples import example_metrics
from varproof.formats.tensors import TensorReader, concatenated, tensor_writer
from varproof.formats.training import (
    ClassBalance,
    ClassificationMetrics,
    HeldOut,
    LearningCurvePoint,
    Mistake,
    Subgroup,
    TrainingMetrics,
)
from varproof.network.metrics import classification_metrics, curves
from varproof.report import training
from varproof.report.html import inline_svg
from varproof.report.pileup import pileup_pictures
from varproof.report.style import probability_text
from varproof.report.training import MistakePicture, mistake_pictures, render_training_report
from varproof.report.training_figures import overall_accuracy, size_picture, subgroups_picture


def picture(number: int = 0) -> bytes:
    tensors, header = drawn_tensors([["...........", "....." + "ACGT"[number] + "....."], []])
    return pileup_pictures(tensors, 0, header)[0]


@pytest.fixture(scope="module")
def metrics() -> TrainingMetrics:
    return example_metrics()


@pytest.fixture(scope="module")
def page(metrics: TrainingMetrics) -> str:
    shown = [MistakePicture(mistake, picture(number % 2)) for number, mistake in enumerate(metrics.mistakes[:3])]
    shown.append(MistakePicture(metrics.mistakes[3], b"\x89PNG made up"))
    return render_training_report(metrics, shown)


class _Tags(html.parser.HTMLParser):
    """Checks that what is opened is closed, in order."""

    alone = frozenset({"meta", "br", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.alone:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass


def test_the_page_is_well_formed_and_self_contained(page: str) -> None:
    tags = _Tags()
    tags.feed(page)
    assert not tags.open
    for outside in ('src="http', "@import", "<link", "<script", 'href="http'):
        assert outside not in page
    assert "&lt;script&gt;" in page


def test_the_page_shows_the_numbers(metrics: TrainingMetrics, page: str) -> None:
    assert metrics.heldout is not None
    assert metrics.cross_validation is not None
    judged = metrics.heldout.calibrated
    text = re.sub(r"\s+", " ", page)
    for measure in ("accuracy", "precision", "recall", "f1", "roc_auc", "average_precision", "brier"):
        assert f'<div class="value">{getattr(judged, measure):.3f}</div>' in text
        assert f"<td><strong>{metrics.cross_validation.mean[measure]:.3f}</strong></td>" in text
    for count in (judged.tp, judged.fp, judged.tn, judged.fn):
        assert f'<div class="count">{count:,}</div>' in text
    assert "Fold 5" in text
    assert "<td>2.200</td><td>−0.050</td><td>30.0 %</td>" in text
    assert "No chromosome is in both parts" in text
    assert "2 groups differ" in text
    assert text.count('<details class="mistake"') == 4
    assert f"labelled {'real' if metrics.mistakes[0].label else 'not real'}" in text
    assert 'src="data:image/png;base64,' in text
    # Six pictures of numbers, and three pileups.
    assert page.count("<svg") == 9


def test_same_bytes_twice() -> None:
    metrics = example_metrics(200, everything=False)
    shown = [MistakePicture(metrics.mistakes[0], picture())]
    assert render_training_report(metrics, shown) == render_training_report(metrics, shown)


def test_ids_are_used_once_and_references_lead_somewhere(page: str) -> None:
    """Two of the mistakes have the same picture, whose ids are the same in both files."""
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    wanted = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert wanted == set(ids)


def test_names_from_files_are_text_not_markup(metrics: TrainingMetrics) -> None:
    nasty = "<b onload=x>&"
    mistake = metrics.mistakes[0].model_copy(update={"contig": nasty, "alt": "<DEL>", "source": nasty})
    groups = [
        Subgroup(
            grouping="mutation class", group=nasty, n=9, correct=3, accuracy=1 / 3, p=0.5, p_bonferroni=1, significant=False
        ),
        Subgroup(grouping="mutation class", group="$a_b", n=9, correct=9, accuracy=1, p=0.5, p_bonferroni=1, significant=True),
    ]
    page = render_training_report(metrics.model_copy(update={"subgroups": groups}), [MistakePicture(mistake, picture())])
    assert nasty not in page
    assert "&lt;b onload=x&gt;&amp;" in page
    assert "$a_b" in page


def nothing_learnt(heldout: HeldOut | None) -> TrainingMetrics:
    plain = example_metrics(100, everything=False)
    return plain.model_copy(
        update={
            "heldout": heldout,
            "history": {},
            "calibration": None,
            "best_epoch": None,
            "mistakes": [],
            "balance": ClassBalance(train_positives=1, train_negatives=0, heldout_positives=0, heldout_negatives=0),
        }
    )


@pytest.mark.parametrize("labels", [[], [0], [1], [0, 0], [1, 0]])
def test_pages_of_next_to_nothing(labels: list[int]) -> None:
    """One class only, one candidate, none."""
    label, probability = np.array(labels, int), np.full(len(labels), 0.7)
    judged: ClassificationMetrics = classification_metrics(label, probability)
    heldout = HeldOut(
        uncalibrated=judged, calibrated=judged, calibrated_by_type={}, curves=curves(label, probability, probability)
    )
    page = render_training_report(nothing_learnt(heldout), [])
    assert "There are none" in page
    assert "How it learnt" not in page


def test_a_page_without_held_out_candidates() -> None:
    page = render_training_report(nothing_learnt(None), [])
    assert "No candidates were held out" in page
    assert "most confident mistakes" not in page


def test_losses_that_are_not_known() -> None:
    metrics = nothing_learnt(None).model_copy(
        update={"history": {"loss": [0.5, None, 0.3], "val_average_precision": [None] * 3}}
    )
    assert "After each of" in render_training_report(metrics, [])


def test_groups_that_differ_are_red() -> None:
    entries = [
        Subgroup(
            grouping="pair", group=name, n=100, correct=right, accuracy=right / 100, p=0, p_bonferroni=0, significant=differs
        )
        for name, right, differs in (("A>C", 50, True), ("A>G", 90, False))
    ]
    drawn = subgroups_picture(entries)
    alike = [entry.model_copy(update={"significant": False}) for entry in entries]
    assert "#b42318" in drawn
    assert "#b42318" not in subgroups_picture(alike)
    assert "A>C  (100)" in drawn.replace("&gt;", ">")
    many = [entry.model_copy(update={"group": f"class {i}"}) for i in range(40) for entry in entries[1:]]
    assert len(re.findall(r">class \d+", subgroups_picture(many))) == 24


def test_overall_accuracy_is_that_of_the_fullest_grouping() -> None:
    """Bases are those of SNVs only, types are of all: 95 of 110, where the SNVs alone have 90 of 100."""
    entries = [
        Subgroup(grouping=grouping, group=group, n=n, correct=right, accuracy=right / n, p=1, p_bonferroni=1, significant=False)
        for grouping, group, n, right in (
            ("pair", "A>C", 60, 50),
            ("pair", "A>G", 40, 40),
            ("variant type", "snv", 100, 90),
            ("variant type", "deletion", 10, 5),
        )
    ]
    assert overall_accuracy(entries) == pytest.approx(95 / 110)


def test_sizes_are_ordered() -> None:
    run = classification_metrics([1, 0, 1], [0.9, 0.1, 0.2])
    points = [LearningCurvePoint(size=size, runs=[run], mean={"accuracy": 0.5, "f1": None}, sd={}) for size in (400, 100)]
    drawn = size_picture(points)
    assert drawn.index(">100<") < drawn.index(">400<")


def test_pictures_of_mistakes_come_from_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shallow pile is drawn as SVG, a deep one with many colours as PNG; no more than asked for."""
    monkeypatch.setattr(training, "MISTAKES_SHOWN", 2)
    monkeypatch.setattr(training, "_LARGEST_SVG", 60_000)
    shallow, header = drawn_tensors([["...........", ".....T....."], []])
    random = np.random.default_rng(1)
    reads = [["".join(random.choice(list("ACGT-"), 11)) + "|0" for _ in range(120)] for _ in range(2)]
    deep, deep_header = drawn_tensors(reads, position=205)
    for name, tensors, its_header in (("a.h5", shallow, header), ("b.h5", deep, deep_header)):
        with tensor_writer(tmp_path / name, its_header) as writer:
            writer.append(concatenated([tensors, tensors]))
    mistakes = [
        Mistake(contig="chr1", position=at, ref="C", alt="T", label=1, probability=0.01, source=source, candidate=1)
        for source, at in (("b.h5", 206), ("a.h5", 106))
    ]
    with TensorReader(tmp_path / "a.h5") as first, TensorReader(tmp_path / "b.h5") as second:
        shown = mistake_pictures(mistakes * 2, {"a.h5": first, "b.h5": second})
    assert [entry.title for entry in shown] == ["chr1:206 C > T", "chr1:106 C > T"]
    assert shown[0].picture.startswith(b"\x89PNG")
    assert b"P(real) = 0.010" in shown[1].picture
    assert b"chr1:106" in shown[1].picture


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.000000"), (0.5, "0.500"), (0.99951, "0.9995"), (0.00012, "0.0001"), (1.0, "1.000000")]
)
def test_probabilities_as_text(value: float, text: str) -> None:
    assert probability_text(value) == text


def test_svg_in_a_page() -> None:
    svg = b'<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg id="s"><clipPath id="c"/><g clip-path="url(#c)" id="g"/></svg>'
    assert inline_svg(svg, "p-") == '<svg><clipPath id="p-c"/><g clip-path="url(#p-c)"/></svg>'
