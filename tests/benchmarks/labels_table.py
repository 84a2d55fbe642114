"""The section of RESULTS.md on people's labels, from what labels.py measured."""

import math
from typing import Any

from calibration_table import RATES
from scipy.stats import binom
from tables import marked

CHOICES = ("random", "stratified", "uncertain", "disagreement")
REFERENCE = 400
"""Labels of random choice, whose loss the others are to reach with half as many."""


def labels_for_loss(points: list[tuple[int, float]], loss: float) -> float | None:
    """Number of labels from which on a loss, by (labels, loss), stays at this one or under it: between points by straight lines
    in logarithms of both; None where it does not at the last.

    >>> labels_for_loss([(100, 0.4), (400, 0.1)], 0.2)
    200.0
    """
    ordered = sorted(points)
    over = [i for i, (_, value) in enumerate(ordered) if value > loss]
    if not over:
        return float(ordered[0][0])
    if over[-1] == len(ordered) - 1:
        return None
    (few, worse), (many, better) = ordered[over[-1]], ordered[over[-1] + 1]
    share = math.log(worse / loss) / math.log(worse / max(better, 1e-9))
    return round(math.exp(math.log(few) + share * math.log(many / few)), 1)


def labels_lines(results: dict[str, Any]) -> list[str]:
    """The section: what is learnt by choice and number, the goal, and the executables from end to end."""
    stacked = {(one["choice"], one["labels"]): one for one in results["combine_calls"]}
    sizes = sorted({labels for choice, labels in stacked if choice in CHOICES})
    nothing, truth = stacked["none", 0], stacked["truth", 4000]
    points = {choice: [(n, stacked[choice, n]["excess"]) for n in sizes] for choice in CHOICES}
    wanted = dict(points["random"])[REFERENCE]
    lines = [
        "# People's labels", "",
        "`tests/benchmarks/labels.py`: reviewers of whose calls 5.9 % are wrong choose in four ways what to judge.", "",
        "## combine-calls: weights learnt from labels", "",
        f"{truth['runs']} lists of 4,000 candidates, a tenth of them real, with two judgements: one promises too much, one too",
        "little. Median over lists of the loss on others, in nats per 1,000 candidates beyond that of weights learnt from the",
        "truth of all 4,000, and in brackets the greatest; then of all other lists together, at a nominal rate of 0.05, the",
        "realised rate and recall. Goal: half as many labels as random choice takes.", "",
        f"| labels | {' | '.join(CHOICES)} |", "|---:|" + "---|" * len(CHOICES),
        *(f"| {n:,} | {' | '.join(_cell(stacked[choice, n]) for choice in CHOICES)} |" for n in sizes),
        "", f"Without labels, each judgement one half: {_cell(nothing)}. With the truth of all: {_cell(truth)}.", "",
        f"| choice | labels from which on the median loss is that of {REFERENCE} random ones or less |", "|---|---:|",
    ]  # fmt: skip
    for choice in CHOICES:
        needed = labels_for_loss(points[choice], wanted)
        text = f"more than {sizes[-1]:,}" if needed is None else f"{needed:.0f}"
        goal = choice == "disagreement"
        reached = needed is not None and needed <= REFERENCE / 2
        lines.append(f"| {choice} | {marked(f'{text} (≤ {REFERENCE // 2})', reached) if goal else text} |")
    maps = {(one["choice"], one["labels"]): one for one in results["score_posterior"]}
    sizes = sorted({labels for _, labels in maps})
    choices = [choice for choice in CHOICES if (choice, sizes[0]) in maps]
    lines += [
        "", "## score-posterior --calibrate: the model's probabilities corrected by labels", "",
        "The pairs of the section on calibration, with errors that the model knows nothing of; at a nominal rate of 0.05 the",
        "realised one, and recall among candidates, of all seeds and repetitions together. Fewer than 30 labels of somatic",
        "variants teach nothing: the model's probabilities stay, and a warning says so. (Disagreement takes a network.)", "",
        f"| labels | {' | '.join(choices)} |", "|---:|" + "---|" * len(choices),
        *(f"| {n:,} | {' | '.join(_rates(maps[choice, n]) for choice in choices)} |" for n in sizes),
    ]  # fmt: skip
    runs = results["executables"]
    lines += [
        "", f"By the executables from end to end, with {runs[0]['labels']} stratified labels of {len(runs)} pairs each: false",
        "calls of all that are kept (goal: the 95 % limit of the nominal rate), and recall of all true variants.", "",
        f"| | {' | '.join(f'rate {rate}' for rate in RATES)} |", "|---|" + "---|" * len(RATES),
    ]  # fmt: skip
    for way, name in (("without", "without"), ("calibrated", "`--calibrate labels.tsv`")):
        entries = [run[way]["classes"]["all"] for run in runs]
        lines.append(f"| {name} | {' | '.join(_counts(entries, rate, way == 'calibrated') for rate in RATES)} |")
    return lines


def _cell(one: dict[str, Any]) -> str:
    return f"{one['excess']:.2f} ({one['most']:.1f}); {_rates(one)}"


def _rates(one: dict[str, Any]) -> str:
    rate = f"{one['false'] / one['kept']:.3f}" if one["kept"] else "none kept"
    return f"{rate}, {(one['kept'] - one['false']) / max(1, one['real']):.3f}"


def _counts(entries: list[dict[str, Any]], rate: str, goals: bool) -> str:
    kept, false, found = (sum(entry[rate][key] for entry in entries) for key in ("kept", "false", "found"))
    limit = int(binom.ppf(0.95, kept, float(rate))) if kept else 0
    text = marked(f"{false}/{kept} (≤ {limit})", false <= limit) if goals else f"{false}/{kept}"
    return f"{text}, {found / sum(entry['true_variants'] for entry in entries):.3f}"
