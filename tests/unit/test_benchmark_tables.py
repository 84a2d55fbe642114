"""The tables of the benchmark: sums over seeds, limits, and what counts as a missed goal."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks import speed_table, spiking_table
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


def rates(kept: int, false: int, low: float | None) -> dict[str, Any]:
    point = {"kept": kept, "false": false, "realised_fdr_low": low, "realised_fdr_high": 0.9, "recall": 0.5}
    return {rate: dict(point) for rate in spiking_table.RATES}


def test_rates_that_were_not_kept_are_bold() -> None:
    """The lower limit 0.06 is over 0.01 and 0.05 and under 0.1 and 0.2; without a call nothing is."""
    page = spiking_table.spiking_lines({"posterior": {"flat": {"all": rates(50, 9, 0.06), "snv": rates(0, 0, None)}}})
    assert "| flat | all | **9/50** | **9/50** | 9/50 | 9/50 | 0.500 |" in page
    assert "| flat | SNV | 0/0 | 0/0 | 0/0 | 0/0 | 0.500 |" in page


def test_properties_that_differ_are_bold_after_bonferroni() -> None:
    item = {"means": [1.0, 2.0], "differences": [0.0, 0.5], "distance": 0.3}
    found = {"germline": 10, "planted": 20, "properties": {"a": item | {"p": 0.02}, "b": item | {"p": 0.03}}}
    page = "\n".join(spiking_table.spiking_lines({"likeness": found}))
    assert "rejected under 0.0250" in page
    assert "| 0.30 | **0.0200** |" in page and "| 0.30 | 0.030 |" in page


def test_the_genome_on_paper_is_the_slope_of_the_table() -> None:
    """4 s for 1 Mbp and 34 s for 11 Mbp: 3 s per Mbp, 9,300 s for 3.1 Gbp."""
    sizes = [
        {"length": 1_000_000, "candidates": 10, "cpu_seconds": 4.0, "peak_mb": 100},
        {"length": 11_000_000, "candidates": 100, "cpu_seconds": 34.0, "peak_mb": 100},
    ]
    found = {"processes": {"1": 20.0, "2": 10.0}, "candidates": sizes, "depth": []}
    page = "\n".join(speed_table.speed_lines({"scaling": found}))
    assert "3.0 CPU seconds per Mbp" in page and "2.6 CPU hours" in page and "2.00 × (≥ 1.85)" in page
