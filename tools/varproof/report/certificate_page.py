"""The certificate of evaluate-calls as a page that can be printed and filed; nothing is loaded from elsewhere."""

import json

import numpy as np

from varproof.evaluation.evaluation import NOMINAL_FDRS, at_rate
from varproof.evaluation.pooling import Evaluated
from varproof.formats.metrics import Certificate, CertifiedClass, CertifiedRate, Metrics, RecallBin
from varproof.report.certificate import (
    DEPTH_EDGES,
    FREQUENCY_EDGES,
    certified_classes,
    depths_of_truth,
    found_of_truth,
    frequencies_of_truth,
)
from varproof.report.certificate_figures import interval_text, recall_lines_picture, recall_map_picture
from varproof.report.figures import calibration_picture, class_label
from varproof.report.html import rendered

VERDICT_WORDS = {"held": "kept", "unclear": "over, within chance", "exceeded": "exceeded", "empty": "no calls"}


def rate_of(entry: CertifiedClass, nominal: float) -> CertifiedRate:
    """A class at one nominal rate."""
    return at_rate(entry.rates, nominal)


def in_words(certificate: Certificate) -> list[str]:
    """The verdict as sentences; the first is the verdict itself."""
    rate, counts = certificate.nominal_fdr, certificate.verdicts
    apart = certificate.classes[1:]
    judged = counts["held"] + counts["unclear"] + counts["exceeded"]
    if not judged:
        return [f"At a nominal rate of {rate:g} no call of any class was kept: the rate could not be tested."]

    def names(verdict: str) -> str:
        return ", ".join(class_label(entry.name) for entry in apart if rate_of(entry, rate).verdict == verdict)

    classes = "class" if judged == 1 else "classes"
    first = f"The nominal rate of {rate:g} was kept in {counts['held']} of {judged} {classes} of variants"
    if counts["unclear"]:
        first += f"; over it, but within chance: {names('unclear')}"
    if counts["exceeded"]:
        first += f"; exceeded beyond chance: {names('exceeded')}"
    sentences = [first + "."]
    sure = [entry for entry in apart if (rate_of(entry, rate).realised_fdr_high or 1.0) <= rate]
    sentences.append(
        f"In {len(sure)} of these {judged} the upper 95 % limit, too, is at or under {rate:g}"
        + ("." if len(sure) == judged else "; for the others there are too few calls to say so.")
    )
    low, high = NOMINAL_FDRS[0], NOMINAL_FDRS[-1]
    over = [class_label(name) for name in certificate.exceeded_at_any_rate]
    tested = f"Of the {len(NOMINAL_FDRS)} nominal rates from {low:g} to {high:g} "
    if over:
        sentences.append(tested + f"at least one was exceeded beyond chance for {', '.join(over)}.")
    else:
        sentences.append(tested + "none was exceeded beyond chance in any class.")
    if counts["empty"]:
        sentences.append(f"Without a call to judge at {rate:g}: {names('empty')}.")
    return sentences


def _columns(edges: tuple[float, ...], bins: list[list[RecallBin]]) -> list[tuple[str, float | None, float | None]]:
    """(heading, low, high) of the bins that any class has, in order; the one of unknown value last."""
    used = {(entry.low, entry.high) for row in bins for entry in row}
    bounds: list[tuple[float | None, float | None]] = [
        (edges[i], edges[i + 1] if i + 1 < len(edges) else None) for i in range(len(edges))
    ]
    columns = [(interval_text(edges, i), *bounds[i]) for i in range(len(edges)) if bounds[i] in used]
    return columns + ([("unknown", None, None)] if (None, None) in used else [])


def _cell(bins: list[RecallBin], low: float | None, high: float | None) -> RecallBin | None:
    return next((entry for entry in bins if (entry.low, entry.high) == (low, high)), None)


def render_certificate(evaluated: Evaluated, metrics: Metrics) -> str:
    """The page's HTML; the metrics hold the certificate."""
    certificate = metrics.certificate
    if certificate is None:
        raise ValueError("metrics without a certificate")
    types, frequencies, depths = evaluated.truth.types, frequencies_of_truth(evaluated), depths_of_truth(evaluated)
    found = np.zeros(len(evaluated.truth), dtype=bool)
    for entry in certified_classes()[1:]:
        found |= entry.mask(evaluated.truth) & found_of_truth(evaluated, entry)
    pictures = {
        "calibration": calibration_picture(metrics, [entry.name for entry in certificate.classes]),
        "recall_lines": recall_lines_picture(types, frequencies, depths, found),
        "recall_map": recall_map_picture(types, frequencies, depths, found),
    }
    classes = certificate.classes
    recall = {
        title: (_columns(edges, [getattr(entry, name) for entry in classes]), name)
        for title, edges, name in (
            ("allele frequency", FREQUENCY_EDGES, "recall_by_frequency"),
            ("depth", DEPTH_EDGES, "recall_by_depth"),
        )
    }
    by_name = {entry.name: entry for entry in metrics.classes}
    return rendered(
        "certificate.html",
        "evaluate-calls",
        metrics.provenance,
        metrics=metrics,
        certificate=certificate,
        sentences=in_words(certificate),
        rates=NOMINAL_FDRS,
        rate_of=rate_of,
        headline={entry.name: at_rate(by_name[entry.name].own_threshold, certificate.nominal_fdr) for entry in classes},
        recall=recall,
        cell=_cell,
        words=VERDICT_WORDS,
        class_label=class_label,
        pictures=pictures,
        scoring=[json.dumps(run.scoring) for run in certificate.runs],
        partial=any(rate.partial for entry in classes for rate in entry.rates),
        recurring=any(rate.distinct_false < rate.false for entry in classes for rate in entry.rates),
        spiked=any(run.spiked for run in certificate.runs),
    )
