"""report.html of evaluate-calls: one file with numbers, pictures and how to read them; nothing is loaded from elsewhere."""

import numpy as np

from varproof.evaluation.evaluation import HEADLINE_FDR, NOMINAL_FDRS, at_rate, kept_at_rates, verdict
from varproof.evaluation.matching import Matching
from varproof.evaluation.variants import Calls, Truth
from varproof.formats.metrics import ClassMetrics, Metrics, OperatingPoint
from varproof.formats.people import PeopleMetrics
from varproof.report.figures import (
    calibration_picture,
    class_label,
    precision_recall_picture,
    recall_picture,
    vaf_picture,
)
from varproof.report.html import rendered

_HEADLINE_CLASSES = ("all", "snv", "mnv", "indel 1-29", "indel 30-99", "indel 100-250", "indel 251+", "replacement")


def render_report(calls: Calls, truth: Truth, matching: Matching, metrics: Metrics) -> str:
    """The page's HTML; the matching is that by which the metrics are shown."""
    both = [] if metrics.by_haplotype is None else _side_by_side(metrics.classes, metrics.by_haplotype.classes)
    metrics = metrics.shown
    everything = metrics.class_named("all")
    headline = at_rate(everything.joint_threshold, HEADLINE_FDR)
    kept = kept_at_rates(calls, np.ones(len(calls), dtype=bool))[HEADLINE_FDR]
    pictures = {
        "calibration": calibration_picture(metrics),
        "precision_recall": precision_recall_picture(calls, truth, matching, metrics),
        "vaf": vaf_picture(calls, truth, matching, kept),
        "recall": recall_picture(calls, truth, matching, kept),
    }
    return rendered(
        "evaluation.html",
        "evaluate-calls",
        metrics.provenance,
        metrics=metrics,
        everything=everything,
        headline=headline,
        headline_fdr=HEADLINE_FDR,
        rates=NOMINAL_FDRS,
        summary=[entry for entry in metrics.classes if entry.name in _HEADLINE_CLASSES],
        detailed=[entry for entry in metrics.classes if entry.calls],
        with_vaf=[entry for entry in metrics.classes if entry.vaf is not None],
        both=both,
        pictures=pictures,
        class_label=class_label,
        verdict=verdict,
        at_rate=at_rate,
    )


def render_people(metrics: PeopleMetrics) -> str:
    """The page's HTML where people's labels are all that is known."""
    return rendered("people_page.html", "evaluate-calls", metrics.provenance, metrics=metrics)


def _side_by_side(exact: list[ClassMetrics], haplotype: list[ClassMetrics]) -> list[tuple[str, OperatingPoint, OperatingPoint]]:
    """Name and, at the headline rate of all calls filtered together, both counts of each of the main classes."""
    return [
        (one.name, at_rate(one.joint_threshold, HEADLINE_FDR), at_rate(other.joint_threshold, HEADLINE_FDR))
        for one, other in zip(exact, haplotype, strict=True)
        if one.name in _HEADLINE_CLASSES
    ]
