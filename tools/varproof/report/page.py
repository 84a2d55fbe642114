"""report.html of evaluate-calls: one file with numbers, pictures and how to read them; nothing is loaded from elsewhere."""

from varproof.formats.metrics import Metrics, OperatingPoint
from varproof.report.evaluation import HEADLINE_FDR, NOMINAL_FDRS
from varproof.report.figures import (
    calibration_picture,
    class_label,
    precision_recall_picture,
    recall_picture,
    vaf_picture,
)
from varproof.report.html import rendered
from varproof.report.matching import Matching
from varproof.report.variants import Calls, Truth

_HEADLINE_CLASSES = ("all", "snv", "mnv", "indel 1-29", "indel 30-99", "indel 100-250", "indel 251+", "replacement")


def at_rate(points: list[OperatingPoint], rate: float) -> OperatingPoint:
    """The point at a nominal rate."""
    return next(point for point in points if point.nominal_fdr == rate)


def _verdict(point: OperatingPoint) -> str:
    """Whether the realised rate is under the nominal one, given its limits: held, unclear or exceeded."""
    if point.realised_fdr is None or point.nominal_fdr is None:
        return "empty"
    if point.realised_fdr <= point.nominal_fdr:
        return "held"
    return "unclear" if (point.realised_fdr_low or 0.0) <= point.nominal_fdr else "exceeded"


def render_report(calls: Calls, truth: Truth, matching: Matching, metrics: Metrics) -> str:
    """The page's HTML."""
    everything = metrics.class_named("all")
    headline = at_rate(everything.joint_threshold, HEADLINE_FDR)
    limit = headline.max_error_probability if headline.max_error_probability is not None else -1.0
    pictures = {
        "calibration": calibration_picture(metrics),
        "precision_recall": precision_recall_picture(calls, truth, matching, metrics),
        "vaf": vaf_picture(calls, truth, matching, limit),
        "recall": recall_picture(calls, truth, matching, limit),
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
        pictures=pictures,
        class_label=class_label,
        verdict=_verdict,
        at_rate=at_rate,
    )
