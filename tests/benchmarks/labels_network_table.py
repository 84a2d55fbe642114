"""The section of RESULTS.md on networks that labels adapt, from what labels_network.py measured."""

from typing import Any

import numpy as np
from labels_table import CHOICES as AT_ONCE
from labels_table import REFERENCE, labels_for_loss
from tables import marked

ROUNDS = "rounds"
CHOICES = (*AT_ONCE, ROUNDS)
GOALS = ("disagreement", ROUNDS)
CASES = {
    "short": "Errors of short fragments, of which neither network nor posterior knows",
    "alone": "A tumour alone, whose germline variants the posterior tells better than the network",
}


def network_labels_lines(results: dict[str, Any]) -> list[str]:
    """The section: what an adapted network is worth by choice and number of labels, and the goal."""
    lines = [
        "## Networks that labels adapt", "",
        "`tests/benchmarks/labels_network.py`, for `train --start-from`: a network that comes with varproof learns from labels",
        "of all pairs but one, and judges the candidates of that one. Means over pairs and repetitions of the loss, in nats",
        "per 1,000 candidates, of the accuracy at a probability of one half, and of the average precision. Labels of which",
        "all, or all but three, are alike adapt nothing. *Rounds*: 25 by chance, then again and again as many as were judged,",
        "half of them those that the network adapted so far doubts, half by chance. Goal: half of the labels of chance.",
    ]  # fmt: skip
    for case, title in CASES.items():
        if case in results:
            lines += ["", f"### {title}", "", *_case_lines(results[case])]
    return lines


def _case_lines(results: dict[str, Any]) -> list[str]:
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for one in results["runs"]:
        groups.setdefault((one["choice"] if one["choice"] != "truth" else "all", one["labels"]), []).append(one)
    sizes = sorted({labels for choice, labels in groups if choice in CHOICES})
    truth = [one for (choice, _), found in groups.items() if choice == "all" for one in found]
    listed, real = results["listed"], results["real"]
    repeats = 1 + max(one["repeat"] for one in results["runs"])
    lines = [
        f"{len(listed)} pairs of {min(listed)} to {max(listed)} candidates, {min(real)} to {max(real)} of them real, and",
        f"{repeats} repetitions.", "",
        f"| labels | {' | '.join(CHOICES)} |", "|---:|" + "---|" * len(CHOICES),
        *(f"| {n:,} | {' | '.join(_cell(groups.get((choice, n), [])) for choice in CHOICES)} |" for n in sizes),
        "", f"Before: {_cell(groups.get(('none', 0), []))}. With the truth of all: {_cell(truth)}. Average precision of the",
        f"posterior: {np.mean(results['posterior']):.3f}.",
    ]  # fmt: skip
    for measure, title in (("loss", "loss"), ("error", "share of wrong judgements at one half")):
        points = {c: [(n, _mean(groups[c, n], measure)) for n in sizes if (c, n) in groups] for c in CHOICES}
        wanted = dict(points["random"]).get(REFERENCE)
        if wanted is None:
            continue
        lines += ["", f"| choice | labels from which on the {title} is that of {REFERENCE} random ones or less |", "|---|---:|"]
        for choice in filter(points.get, CHOICES):
            needed = labels_for_loss(points[choice], wanted)
            text = f"more than {points[choice][-1][0]:,}" if needed is None else f"{needed:.0f}"
            reached = needed is not None and needed <= REFERENCE / 2
            shown = marked(f"{text} (≤ {REFERENCE // 2})", reached) if choice in GOALS else text
            lines.append(f"| {choice} | {shown} |")
    return lines


def _mean(found: list[dict[str, Any]], measure: str) -> float:
    return float(np.mean([1 - one["accuracy"] if measure == "error" else one[measure] for one in found]))


def _cell(found: list[dict[str, Any]]) -> str:
    if not found:
        return ""
    return ", ".join(
        format(_mean(found, name), shape)
        for name, shape in (("loss", ".0f"), ("accuracy", ".3f"), ("average_precision", ".3f"))
    )
