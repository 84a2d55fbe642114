"""The section on what scenarios of many samples cost, and the scenarios that are measured."""

import sys
from pathlib import Path

import pytest

from varproof.scenario.elimination import plan
from varproof.scenario.file import parse_scenario
from varproof.scenario.network import build

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))  # the modules import their neighbours by bare name
try:
    from scenario_cost import chain, star
    from scenario_cost_table import cost_lines
finally:
    sys.path.remove(str(BENCHMARKS))


def result(samples: int, seconds: float, memory: int) -> dict[str, object]:
    return {"shape": "star", "samples": samples, "records": 20_000, "cpu_seconds": seconds, "memory_mb": memory}


def test_only_fifteen_samples_have_a_goal() -> None:
    fine = cost_lines([result(2, 500.0, 5000), result(15, 119.0, 999), result(50, 900.0, 9000)])
    assert "All 2 goals are reached." in fine and "| 15 | 20,000 | 119 (≤ 120) | 7.9 | 999 (≤ 1000) |" in fine
    missed = cost_lines([result(15, 121.0, 900)])
    assert any("**121 (≤ 120)** ✗" in line for line in missed) and any("1 of 2 goals are missed" in line for line in missed)


@pytest.mark.parametrize("shape", [star, chain])
def test_tables_are_as_wide_with_many_samples_as_with_few(shape: object) -> None:
    """What is summed together does not grow with the samples of a tree, and its boxes grow no faster than they do."""
    few, many = (build(parse_scenario(shape(count), "s"), "chr1") for count in (5, 15))  # type: ignore[operator]
    assert plan(many).width == plan(few).width
    assert len(many.boxes) <= 4 * len(few.boxes) and not many.overlaps
