"""The tables of the benchmark: sums over seeds, limits, and what counts as a missed goal."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tables import CLASSES, NOMINAL_FDRS, Goals, fdr_cell, summed, write_results

VAF = {"calls": 10, "mean_absolute_error": 0.08, "bias": -0.01, "binomial_sd": 0.1, "binomial_absolute_error": 0.08}


def entry(false: int, found: int, true_variants: int = 100) -> dict[str, Any]:
    points = {
        str(rate): {"kept": found + false, "true": found, "false": false, "partial": 0, "expected_fdr": rate}
        for rate in NOMINAL_FDRS
    }
    vaf = VAF | {"ratio_to_binomial_sd": 0.8}
    return {"candidates": 300, "true_variants": true_variants, "found": found, "points": points, "vaf": vaf}


def result(seed: int, false: int = 1, found: int = 97) -> dict[str, Any]:
    return {
        "set": "default",
        "seed": seed,
        "simulate_pair": f"--seed {seed}",
        "candidates": 1500,
        "cpu_seconds": 30.0,
        "peak_mb": 300,
        "classes": {name: entry(false, found) for name in CLASSES},
        "flat": {},
    }


@pytest.mark.parametrize(("nominal", "judged"), [(0.01, 100), (0.05, 400), (0.2, 50)])
def test_the_limit_is_the_smallest_number_with_95_per_cent_under_it(nominal: float, judged: int) -> None:
    chances = [math.comb(judged, k) * nominal**k * (1 - nominal) ** (judged - k) for k in range(judged + 1)]
    limit = next(k for k in range(judged + 1) if sum(chances[: k + 1]) >= 0.95)
    for false in (limit, limit + 1):
        goals = Goals()
        text = fdr_cell({"true": judged - false, "false": false}, nominal, "SNV", goals)
        assert f"{false}/{judged}" in text and f"(≤ {limit})" in text
        assert bool(goals.missed) is (false > limit)


def test_selecting_nothing_misses_only_the_smallest_rate() -> None:
    for rate in NOMINAL_FDRS:
        goals = Goals()
        fdr_cell({"true": 0, "false": 0}, rate, "SNV", goals)
        assert bool(goals.missed) is (rate == 0.01)


def test_sums_weight_errors_by_calls() -> None:
    other = copy.deepcopy(result(2))
    other["classes"]["snv"]["vaf"] |= {"calls": 30, "mean_absolute_error": 0.16, "bias": 0.03}
    total = summed([result(1), other], "snv")
    assert (total["found"], total["true_variants"], total["points"]["0.05"]["false"]) == (194, 200, 2)
    assert total["vaf"]["mean_absolute_error"] == pytest.approx((10 * 0.08 + 30 * 0.16) / 40)
    assert total["vaf"]["bias"] == pytest.approx((10 * -0.01 + 30 * 0.03) / 40)
    assert total["vaf"]["ratio_to_binomial_sd"] == pytest.approx(1.4)


def test_goals_are_counted_and_marked(tmp_path: Path) -> None:
    assert write_results([result(1), result(2)], tmp_path) == 0
    assert "All 34 goals are reached" in (tmp_path / "RESULTS.md").read_text()  # 5 classes * 6, CPU and memory twice
    assert len(json.loads((tmp_path / "results.json").read_text())["results"]) == 2
    slow = result(2, found=80) | {"cpu_seconds": 70.0}
    missed = write_results([result(1), slow], tmp_path)
    text = (tmp_path / "RESULTS.md").read_text()
    assert missed == 4  # SNV 0.885 < 0.90, MNV < 0.95, indels 1-29 < 0.92, CPU
    assert "**0.885 of 200 (≥ 0.90)** ✗" in text
    assert "**70 (< 60)** ✗" in text
    assert f"{missed} of 34 goals are missed" in text
