"""The section on scenarios: counts of calls by question, and together against separately."""

import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))  # the modules import their neighbours by bare name
try:
    from scenarios_table import SEPARATE, TOGETHER, recall_of, scenarios_lines
finally:
    sys.path.remove(str(BENCHMARKS))


def result(question: str, true: int, false: int = 0, seed: int = 1) -> dict[str, object]:
    points = {str(rate): {"true": true, "false": false} for rate in (0.01, 0.05, 0.1, 0.2)}
    cost = {"cpu_seconds": 9.5, "memory_mb": 250, "samples": 4}
    return {"study": "rare", "seed": seed, "question": question, "rates": "learnt", "points": points, "wanted": 100, **cost}


def test_recall_is_of_all_seeds() -> None:
    assert recall_of([result(SEPARATE, 40), result(SEPARATE, 50, seed=2)], SEPARATE, "learnt") == 0.45
    assert recall_of([], SEPARATE, "learnt") is None


def test_regions_together_have_the_recall_of_one_deep_sample_as_their_goal() -> None:
    fine = scenarios_lines([result(TOGETHER, 60), result(SEPARATE, 55)])
    assert any("0.600 of 100 (≥ 0.550)" in line and "✗" not in line for line in fine)
    assert any(line.startswith("All 9 goals are reached") for line in fine)
    missed = scenarios_lines([result(TOGETHER, 50, false=20), result(SEPARATE, 55)])
    assert any("**0.500 of 100 (≥ 0.550)** ✗" in line and "**20/70 = 0.286 (≤ 2)** ✗" in line for line in missed)
