"""report.html of train: one file with numbers, pictures and how to read them; nothing is loaded from elsewhere.

`mistake_pictures` draws the pileups of the most confident mistakes from their tensor files, `render_training_report` makes the
page from metrics.json's contents and those.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from varproof.formats.tensors import TensorReader
from varproof.formats.training import MEASURES, ClassificationMetrics, Mistake, TrainingMetrics
from varproof.report.figures import class_label
from varproof.report.html import inline_svg, rendered
from varproof.report.pileup import pileup_figure
from varproof.report.pileup_haplotypes import neighbours
from varproof.report.style import png_bytes, probability_text, styled, svg_bytes
from varproof.report.training_figures import (
    MEASURE_NAMES,
    curves_picture,
    epochs_picture,
    reliability_picture,
    resampling_picture,
    size_picture,
    subgroups_picture,
)

MISTAKES_SHOWN = 20
_LARGEST_SVG = 300_000
_PNG = b"\x89PNG"


@dataclass(frozen=True)
class MistakePicture:
    """A held-out candidate that was judged wrongly, and its pileup as SVG or PNG."""

    mistake: Mistake
    picture: bytes

    @property
    def source(self) -> str:
        """Name of the tensor file."""
        return Path(self.mistake.source).name

    @property
    def title(self) -> str:
        """Place and alleles, long alleles shortened."""
        mistake = self.mistake
        ref, alt = (text if len(text) <= 20 else f"{text[:12]}… ({len(text):,} bp)" for text in (mistake.ref, mistake.alt))
        return f"{mistake.contig}:{mistake.position:,} {ref} > {alt}"


def mistake_pictures(mistakes: Sequence[Mistake], readers: Mapping[str, TensorReader]) -> list[MistakePicture]:
    """The first MISTAKES_SHOWN mistakes with their pileups; `readers`: tensor files by `Mistake.source`.

    A pileup so deep that its SVG would make the page slow is shown as PNG.
    """
    shown: list[MistakePicture] = []
    for mistake in mistakes[:MISTAKES_SHOWN]:
        reader = readers[mistake.source]
        tensors = reader.read(mistake.candidate, mistake.candidate + 1)
        with styled(f"varproof-mistake-{len(shown) + 1}"):
            beside = neighbours(reader, mistake.candidate)
            figure = pileup_figure(tensors, 0, reader.header, probability=mistake.probability, beside=beside)
            svg = svg_bytes(figure)
            picture = svg if len(svg) <= _LARGEST_SVG else min(svg, png_bytes(figure), key=len)
        shown.append(MistakePicture(mistake, picture))
    return shown


def _as_html(shown: MistakePicture, number: int) -> str:
    if shown.picture.startswith(_PNG):
        return f'<img alt="pileup" src="data:image/png;base64,{base64.b64encode(shown.picture).decode()}">'
    return inline_svg(shown.picture, f"mistake-{number}-")


def _tiles(metrics: ClassificationMetrics) -> list[tuple[str, float | None, str]]:
    """(name, value, what it is) of the headline numbers."""
    negatives = metrics.n - metrics.positives
    notes = {
        "accuracy": f"{metrics.tp + metrics.tn:,} of {metrics.n:,} right",
        "precision": f"{metrics.fp:,} of {metrics.tp + metrics.fp:,} called real are not",
        "recall": f"{metrics.fn:,} of {metrics.positives:,} real ones missed",
        "f1": f"at a threshold of {metrics.threshold:g}",
        "roc_auc": f"{metrics.positives:,} real, {negatives:,} not",
        "average_precision": "area under precision over recall",
        "brier": "mean squared error",
        "expected_calibration_error": "of probabilities, calibrated",
    }
    return [(MEASURE_NAMES[name], getattr(metrics, name), notes[name]) for name in MEASURES]


def render_training_report(metrics: TrainingMetrics, mistakes: Sequence[MistakePicture]) -> str:
    """The page's HTML. `mistakes`: the most confident first."""
    heldout = metrics.heldout
    results = {"folds": metrics.cross_validation, "repeats": metrics.repeats}
    pictures: dict[str, str] = {
        "epochs": epochs_picture(metrics.history, metrics.best_epoch),
        "resampling": resampling_picture({name: result for name, result in results.items() if result is not None}),
        "size": size_picture(metrics.learning_curve or []),
    }
    if heldout is not None:
        pictures["curves"] = curves_picture(heldout.curves, heldout.calibrated)
        pictures["reliability"] = reliability_picture(heldout)
    subgroups = metrics.subgroups or []
    pictures["subgroups"] = subgroups_picture(subgroups)
    return rendered(
        "training.html",
        "train",
        metrics.provenance,
        metrics=metrics,
        heldout=heldout,
        tiles=_tiles(heldout.calibrated) if heldout is not None else [],
        measures=MEASURE_NAMES,
        pictures=pictures,
        subgroups=subgroups,
        flagged=[entry for entry in subgroups if entry.significant],
        mistakes=[(shown, _as_html(shown, number)) for number, shown in enumerate(mistakes, 1)],
        class_label=class_label,
        percent=_percent,
        shade=_shade,
        probability_text=probability_text,
        minus=lambda text: text.replace("-", "−"),
    )


def _percent(part: int, whole: int) -> str:
    return "–" if whole == 0 else f"{100 * part / whole:.1f} %"


def _shade(part: int, whole: int, right: bool) -> str:
    """Background of a cell of the confusion matrix: the darker, the more of its row."""
    colour = "0, 114, 178" if right else "213, 94, 0"
    return f"background: rgba({colour}, {0.06 + 0.5 * part / max(whole, 1):.2f})"
