"""The benchmark of people's labels: how many labels a loss takes, and a section of results that were made up."""

import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))  # the modules import their neighbours by bare name
try:
    from labels_network_table import network_labels_lines
    from labels_table import CHOICES, labels_for_loss, labels_lines
finally:
    sys.path.remove(str(BENCHMARKS))


def test_labels_for_a_loss_lie_on_lines_in_logarithms() -> None:
    points = [(100, 0.4), (400, 0.1)]
    assert labels_for_loss(points, 0.2) == pytest.approx(200)  # half the loss for twice the labels
    assert labels_for_loss(points, 0.5) == 100 and labels_for_loss(points, 0.05) is None
    assert labels_for_loss([(100, 0.4), (200, 0.5), (400, 0.25)], 0.25) == 400
    assert labels_for_loss([(50, 0.1), (100, 0.4), (400, 0.1)], 0.2) == pytest.approx(200)  # few happened to do


def results(disagreement: float) -> dict[str, Any]:
    counts = {"runs": 2, "kept": 100, "false": 4, "real": 120}
    share = {choice: disagreement if choice == "disagreement" else 1.0 for choice in CHOICES}
    stacked = [
        {"choice": choice, "labels": n, "excess": 800 / n * share[choice], "most": 9.0, **counts}
        for choice in CHOICES
        for n in (100, 400)
    ]
    stacked += [{"choice": "none", "labels": 0, "excess": 5.0, "most": 6.0, **counts}]
    stacked += [{"choice": "truth", "labels": 4000, "excess": 0.0, "most": 0.0, **counts}]
    point = {"kept": 50, "false": 2, "found": 48, "true": 48}
    entry = {"classes": {"all": {"true_variants": 60, **dict.fromkeys(("0.01", "0.05", "0.1"), point)}}}
    maps = [{"choice": choice, "labels": 50, "runs": 2, "kept": 0, "false": 0, "real": 10} for choice in CHOICES[:3]]
    runs = [{"seed": 1, "labels": 400, "without": entry, "calibrated": entry}]
    return {"combine_calls": stacked, "score_posterior": maps, "executables": runs}


def test_the_goal_is_half_the_labels() -> None:
    good, bad = ("\n".join(labels_lines(results(share))) for share in (0.5, 0.9))
    assert "| disagreement | 200 (≤ 200) |" in good
    assert "| disagreement | **360 (≤ 200)** ✗ |" in bad and "| random | 400 |" in bad
    assert "none kept" in good and "**2/50 (≤ 2)**" not in good


@pytest.mark.parametrize(
    ("share", "shown"), [(0.5, "| disagreement | 200 (≤ 200) |"), (2.0, "| disagreement | **more than 400")]
)
def test_of_adapted_networks_the_goal_is_the_same(share: float, shown: str) -> None:
    """A loss and a share of wrong judgements that fall with the number of labels; of disagreement at another number."""
    runs = [{"choice": "none", "labels": 0, "loss": 2000.0, "accuracy": 0.3, "average_precision": 0.5}]
    for choice in CHOICES:
        for n in (100, 400):
            wrong = 40 / n * (share if choice == "disagreement" else 1.0)
            runs.append({"choice": choice, "labels": n, "loss": 1000 * wrong, "accuracy": 1 - wrong, "average_precision": 0.7})
    runs.append({"choice": "truth", "labels": 700, "loss": 50.0, "accuracy": 0.95, "average_precision": 0.9})
    case = {"listed": [350, 351], "real": [70, 71], "posterior": [0.5, 0.7], "runs": [{"repeat": 0, **one} for one in runs]}
    page = "\n".join(network_labels_lines({"short": case}))
    assert page.count(shown) == 2, "of both measures"
    assert "| 400 | 100, 0.900, 0.700 |" in page and "Before: 2000, 0.300, 0.500." in page and "0.600." in page
