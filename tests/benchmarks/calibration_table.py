"""The section of RESULTS.md on score-posterior --calibrate, from what calibration.py measured."""

from typing import Any

from scipy.stats import binom
from tables import marked

CLASSES = {"all": "all", "snv": "SNV", "mnv": "MNV", "indel": "indels"}
RATES = ("0.01", "0.05", "0.1")
REGIMES = {
    "plain": "Plain reads, as the model expects them",
    "own-loci": "Errors that the model knows nothing of: 300 loci per Mbp of each library, on 5–25 % of its fragments",
}
WAYS = {"without": "without", "calibrated": "`--calibrate auto`"}


def _summed(results: list[dict[str, Any]], way: str, label: str) -> dict[str, Any]:
    entries = [result[way]["classes"][label] for result in results if label in result[way]["classes"]]
    total: dict[str, Any] = {"true_variants": sum(entry["true_variants"] for entry in entries)}
    for rate in RATES:
        total[rate] = {key: sum(entry[rate][key] for entry in entries) for key in ("kept", "false", "found")}
    return total


def _cells(entry: dict[str, Any], goals: bool) -> str:
    cells = []
    for rate in RATES:
        at = entry[rate]
        limit = int(binom.ppf(0.95, at["kept"], float(rate))) if at["kept"] else 0
        text = f"{at['false']}/{at['kept']}"
        cells.append(marked(f"{text} (≤ {limit})", at["false"] <= limit) if goals else text)
    recalls = [f"{entry[rate]['found'] / max(1, entry['true_variants']):.3f}" for rate in ("0.01", "0.05")]
    return " | ".join([*cells, *recalls])


def calibration_lines(results: list[dict[str, Any]]) -> list[str]:
    """The section, a table for each regime. Calibrated rates have a goal: the 95 % limit of the nominal rate."""
    seeds = ", ".join(dict.fromkeys(str(result["seed"]) for result in results))
    lines = [
        "# Calibration", "",
        "`score-posterior --calibrate auto`, pairs of 300 kbp (40×/30×, purity 0.75, 850 somatic variants per Mbp, candidates",
        f"of `call-candidates`), sum over seeds {seeds}: false of kept calls at each nominal rate, and recall. The loci of the",
        "second table are written into the reads by the benchmark, and by no option of `simulate-pair`.", "",
    ]  # fmt: skip
    for regime, title in REGIMES.items():
        members = [result for result in results if result["regime"] == regime]
        if not members:
            continue
        head = " | ".join(f"false at {rate}" for rate in RATES)
        lines += [f"## {title}", "", f"| | class | {head} | recall at 0.01 | recall at 0.05 |", "|---" * 7 + "|"]
        for way, name in WAYS.items():
            rows = [(label, _summed(members, way, key)) for key, label in CLASSES.items()]
            lines += [f"| {name} | {label} | {_cells(entry, way == 'calibrated')} |" for label, entry in rows]
        costs = [sum(result[way]["cpu_seconds"] for result in members) / len(members) for way in WAYS]
        lines += ["", f"CPU seconds of scoring: {costs[0]:.1f} without, {costs[1]:.1f} calibrated.", ""]
    return lines
