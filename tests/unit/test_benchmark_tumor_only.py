"""The benchmark of tumours without a normal: which ways are possible, what is counted, and what its table marks."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))  # the modules import their neighbours by bare name
try:
    import tumor_only
    import tumor_only_table
    from tables import NOMINAL_FDRS
    from tumor_only_samples import MUTECT2, NORMALS, SAMPLES, SHORT, WAYS, possible_ways
finally:
    sys.path.remove(str(BENCHMARKS))


def result(sample: str, way: str, false: int, true: int, indels: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """SNVs (false, true) at every rate, indels likewise, of 100 true SNVs and 20 true indels."""
    counts = {"snv": (false, true, 100), "mnv": (0, 0, 0), "indel": (*indels, 20)}
    classes = {
        name: {
            "true_variants": known,
            "listed": known,
            "points": {
                str(rate): {"kept": right + wrong, "true": right, "false": wrong, "partial": 0, "found": right}
                for rate in NOMINAL_FDRS
            },
        }
        for name, (wrong, right, known) in counts.items()
    }
    return {"sample": sample, "seed": 1, "way": way, "classes": classes, "false_calls_by_truth": {"GERMLINE_HET": false}}


def test_a_way_is_possible_where_its_options_are() -> None:
    assert list(possible_ways(["tumor", "normal"], ["score-posterior"])) == ["normal", "alone"]
    assert list(possible_ways(["germline_resource", "segments"], ["build-panel"])) == ["normal", "alone", "resource"]
    assert list(possible_ways(["germline_resource", "panel"], [])) == ["normal", "alone", "resource"]
    everything = possible_ways(["germline_resource", "panel", "segments"], ["build-panel"])
    assert list(everything) == list(WAYS)


def test_options_of_samples_are_simulate_pairs_and_agree_with_each_other() -> None:
    from varproof.commands.simulate_pair import Options

    for sample in SAMPLES.values():
        arguments = sample.arguments(3, {"--normals": str(NORMALS)})
        values: dict[str, Any] = {}
        for position, word in enumerate(arguments):
            if word.startswith("--"):
                following = arguments[position + 1] if position + 1 < len(arguments) else "--"
                field = word[2:].replace("-", "_")
                values[field] = True if following.startswith("--") else following
        values["subclones"] = [values.pop("subclones")] if "subclones" in values else []
        options = Options(output=Path("x"), **values)
        assert options.population and options.normals == NORMALS and options.seed == 3
        assert sample.fraction("--purity") == options.purity
    assert set(SHORT) <= set(SAMPLES)
    purities = {sample.fraction("--purity") for sample in SAMPLES.values()}
    assert purities == {0.3, 0.6, 0.95}


def test_rates_are_held_against_their_limit_in_each_sample() -> None:
    """Of 100 calls at 0.01 3 may be false, at 0.05 9, at 0.1 15 and at 0.2 27."""
    assert [tumor_only_table.limit(100, rate) for rate in NOMINAL_FDRS] == [3, 9, 15, 27]
    assert tumor_only_table.cells_over([result("paralogs", "alone", 10, 90)]) == (2, 4)
    pooled = [result("paralogs", "alone", 10, 90), result("panel", "alone", 0, 90)]
    assert tumor_only_table.cells_over(pooled) == (2, 8)
    assert tumor_only_table.cells_over([*pooled, result("paralogs", "alone", 0, 100)]) == (1, 8)


def test_recall_and_precision_of_indels_have_a_goal_where_most_is_given() -> None:
    results = [result("panel", "normal", 0, 90, (0, 10)), result("panel", "alone", 0, 40, (4, 6))]
    page = "\n".join(tumor_only_table.tumor_only_lines(results))
    assert "| alone | **3 of 8** ✗ | 4/50 | 0.383 | 0.46 | 0.600 |" in page  # of 10 indels 1, 2, 3 and 4 may be false
    with_both = [*results, result("panel", "both", 0, 80, (1, 5))]
    page = "\n".join(tumor_only_table.tumor_only_lines(with_both))
    assert "| 0.708 | 0.85 | **0.833** ✗ |" in page
    assert "| panel | 120 | 0/100; 100 | 4/50; 46 | 1/86; 85 |" in page


def test_mutect2_is_counted_at_its_own_rate_alone() -> None:
    compared = {
        "found": {"SNV": 8, "insertion": 1},
        "true": {"SNV": 8, "insertion": 1},
        "partial": {"MNV": 1},
        "false": {"SNV": 30, "deletion": 2},
    }
    classes = tumor_only.at_one_rate(compared, Counter({"SNV": 10, "insertion": 2, "deletion": 3}))
    assert classes["snv"]["points"] == {"0.05": {"true": 8, "false": 30, "partial": 0, "found": 8, "kept": 38}}
    assert classes["indel"]["points"]["0.05"] == {"true": 1, "false": 2, "partial": 0, "found": 1, "kept": 3}
    assert [classes[name]["true_variants"] for name in ("snv", "mnv", "indel")] == [10, 0, 5]
    found = result("panel", MUTECT2, 0, 0) | {"classes": classes}
    assert tumor_only_table.cells_over([found]) == (2, 2)
    lines = tumor_only_table.rate_lines([found], [MUTECT2])
    assert lines[2] == "| Mutect2 | SNV | – | **30/38 (≤ 4)** ✗ | – | – |"


@pytest.mark.parametrize("way", [MUTECT2, "normal"])
def test_ways_without_a_panel_and_resource_have_no_goal_but_the_rates(way: str) -> None:
    line = tumor_only_table.summary_line(way, [result("panel", way, 0, 10, (1, 3))], 100)
    assert "| 0.13 | 0.750 |" in line
