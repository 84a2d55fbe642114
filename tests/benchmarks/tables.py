"""results.json and RESULTS.md from the counts of each data set and seed, with the goals beside the figures.

A false discovery rate passes if the false calls are at most the upper 95 % binomial limit of the nominal rate: the 0.95
quantile of Binomial(kept, nominal). An exactly calibrated rate passes about 19 times of 20.
"""

import json
from pathlib import Path
from typing import Any

from scipy.stats import binom

from varproof import __version__

NOMINAL_FDRS = (0.01, 0.05, 0.1, 0.2)
CLASSES = {
    "snv": "SNV",
    "mnv": "MNV",
    "indel 1-29": "indel 1–29",
    "indel 30-99": "indel 30–99",
    "indel 100-250": "indel 100–250",
}
RECALL_GOALS = {
    "default": dict(zip(CLASSES, (0.90, 0.95, 0.92, 0.87, 0.83), strict=True)),
    "hard": dict(zip(CLASSES, (0.82, 0.90, 0.80, 0.78, 0.70), strict=True)),
}
VAF_GOALS = dict(zip(CLASSES, (1.10, 1.10, 1.10, 1.25, 1.25), strict=True))
CPU_GOAL_SECONDS = {"default": 60.0}
MEMORY_GOAL_MB = 1024.0
DESCRIPTIONS = {
    "default": "1 Mbp, 40×/30×, purity 0.75, 2×100, no artefacts; somatic VAFs uniform from 0.05",
    "hard": "1 Mbp, 80×/40×, purity 0.6, 2×151, every artefact of simulate-pair, 2 % tumour cells in the normal; VAFs likewise",
}
MISSED = " ✗"


def marked(text: str, reached: bool) -> str:
    """A figure, with the mark of one that misses its goal."""
    return text if reached else f"**{text}**{MISSED}"


class Goals:
    """Writes a figure with its mark and counts those that miss their goal."""

    def __init__(self) -> None:
        self.missed: list[str] = []
        self.checked = 0

    def cell(self, text: str, reached: bool, name: str) -> str:
        self.checked += 1
        if not reached:
            self.missed.append(f"{name}: {text}")
        return marked(text, reached)


def summed(results: list[dict[str, Any]], label: str, part: str = "classes") -> dict[str, Any]:
    """Counts of one class over several results; VAF errors weighted by their number of calls."""
    entries = [result[part][label] for result in results]
    total: dict[str, Any] = {key: sum(entry[key] for entry in entries) for key in ("candidates", "true_variants", "found")}
    total["points"] = {
        str(rate): {
            key: sum(entry["points"][str(rate)][key] for entry in entries) for key in ("kept", "true", "false", "partial")
        }
        for rate in NOMINAL_FDRS
    }
    vafs = [entry["vaf"] for entry in entries if entry["vaf"]]
    total["vaf"] = None
    if calls := sum(vaf["calls"] for vaf in vafs):
        keys = ("mean_absolute_error", "bias", "binomial_sd", "binomial_absolute_error")
        means = {key: sum(vaf["calls"] * vaf[key] for vaf in vafs) / calls for key in keys}
        total["vaf"] = means | {"calls": calls, "ratio_to_binomial_sd": means["mean_absolute_error"] / means["binomial_sd"]}
    return total


def fdr_cell(point: dict[str, Any], nominal: float, name: str, goals: Goals | None) -> str:
    """False of judged calls, the share, and the limit of the number."""
    judged = point["true"] + point["false"]
    if not judged:
        text, reached = "none kept", nominal != NOMINAL_FDRS[0]  # An estimate with a floor would select nothing.
    else:
        limit = int(binom.ppf(0.95, judged, nominal))
        text, reached = f"{point['false']}/{judged} = {point['false'] / judged:.3f} (≤ {limit})", point["false"] <= limit
    return text if goals is None else goals.cell(text, reached, f"{name} FDR at {nominal}")


def row(label: str, entry: dict[str, Any], name: str, recall_goal: float | None, goals: Goals | None) -> str:
    """One line of a table."""
    cells = [label]
    cells += [fdr_cell(entry["points"][str(rate)], rate, name, goals) for rate in NOMINAL_FDRS]
    recall = entry["found"] / entry["true_variants"] if entry["true_variants"] else float("nan")
    text = f"{recall:.3f} of {entry['true_variants']}"
    if recall_goal is not None:
        text += f" (≥ {recall_goal:.2f})"
    cells.append(goals.cell(text, recall >= recall_goal, f"{name} recall") if goals and recall_goal is not None else text)
    if goals is not None:
        vaf, limit = entry["vaf"], VAF_GOALS[CLASSES_BY_LABEL[label]]
        if vaf is None:
            cells += ["–", "–"]
        else:
            ratio = vaf["ratio_to_binomial_sd"]
            cells.append(goals.cell(f"{ratio:.2f} (≤ {limit:.2f})", ratio <= limit, f"{name} VAF error"))
            cells.append(f"{vaf['bias']:+.3f}")
    else:
        cells += ["", ""]
    return "| " + " | ".join(cells) + " |"


CLASSES_BY_LABEL = {label: key for key, label in CLASSES.items()}
HEAD = (
    "| class | "
    + " | ".join(f"false at {rate}" for rate in NOMINAL_FDRS)
    + " | recall at 0.05 | VAF error / binomial | VAF bias |\n"
    + "|---" * (len(NOMINAL_FDRS) + 4)
    + "|"
)


def table(results: list[dict[str, Any]], name: str, title: str, goals: Goals) -> list[str]:
    """Lines of the table of one data set, over all given results."""
    lines = [HEAD]
    for key, label in CLASSES.items():
        lines.append(row(label, summed(results, key), f"{title}, {label}", RECALL_GOALS[name][key], goals))
    if all(result["flat"] for result in results):
        flat = summed(results, "snv", "flat")
        lines.append(row("SNV, `--prior flat` (no goal)", flat, "", None, None))
    if all("global" in result for result in results):
        lines += [
            row(f"{label}, `--mode global`", summed(results, key, "global"), "", None, None) for key, label in CLASSES.items()
        ]
    partial = sum(summed(results, key)["points"]["0.05"]["partial"] for key in CLASSES)
    if partial:
        lines += ["", f"{partial} kept calls at 0.05 are part of a true MNV or made of true SNVs: neither true nor false."]
    return lines


def cost_lines(results: list[dict[str, Any]], name: str, goals: Goals) -> list[str]:
    """CPU and memory of every seed."""
    lines = ["| seed | candidates | CPU seconds, BAM to filtered VCF | peak memory, MB |", "|---|---|---|---|"]
    for result in results:
        where = f"{name}, seed {result['seed']}"
        seconds, limit = f"{result['cpu_seconds']:.0f}", CPU_GOAL_SECONDS.get(name)
        if limit is not None:
            seconds = goals.cell(f"{seconds} (< {limit:.0f})", result["cpu_seconds"] < limit, f"{where} CPU seconds")
        memory = goals.cell(
            f"{result['peak_mb']} (< {MEMORY_GOAL_MB:.0f})", result["peak_mb"] < MEMORY_GOAL_MB, f"{where} memory, MB"
        )
        lines.append(f"| {result['seed']} | {result['candidates']} | {seconds} | {memory} |")
    return lines


def write_results(results: list[dict[str, Any]], folder: Path) -> int:
    """Write results.json and RESULTS.md; returns how many goals the sums over seeds miss."""
    (folder / "results.json").write_text(json.dumps({"version": __version__, "results": results}, indent=1) + "\n")
    return write_page(folder)


MANY_RESULTS = 100


def write_kept(path: Path, kept: dict[str, Any]) -> None:
    """Write what a benchmark measured, as JSON; of many results each is a line."""
    results = kept.get("results", [])
    if len(results) < MANY_RESULTS:
        path.write_text(json.dumps(kept, indent=1) + "\n")
        return
    others = "".join(f", {json.dumps(key)}: {json.dumps(value)}" for key, value in kept.items() if key != "results")
    lines = ",\n".join(json.dumps(result) for result in results)
    path.write_text(f'{{"results": [\n{lines}\n]{others}}}\n')


def write_page(folder: Path) -> int:
    """Write RESULTS.md from results.json and the pages of other benchmarks, where they are; returns as `write_results`.

    A `note` in results.json, of those who looked at figures, is shown until they are measured anew.
    """
    known = json.loads((folder / "results.json").read_text())
    results, version = known["results"], known["version"]
    sums, seeds = Goals(), Goals()
    body: list[str] = []
    details: list[str] = ["## Seed by seed", ""]
    for name in dict.fromkeys(result["set"] for result in results):
        members = [result for result in results if result["set"] == name]
        numbers = ", ".join(str(result["seed"]) for result in members)
        body += [
            f"## {name}: {DESCRIPTIONS[name]}",
            "",
            f"`simulate-pair {members[0]['simulate_pair']}`; sum over seeds {numbers}.",
        ]
        body += ["", *table(members, name, name, sums), "", *cost_lines(members, name, sums), ""]
        for result in members:
            title = f"{name}, seed {result['seed']}"
            details += [f"### {title}", "", *table([result], name, title, seeds), ""]
    lines = [
        "# Quality",
        "",
        f"Made by `make bench` with varproof {version}: simulated pairs through the real executables, all candidates that",
        "`simulate-pair` writes, calls of SOMATIC_TUMOR, exact alleles after left-alignment, each class filtered on its own.",
        "",
        "- *false at q*: false calls of those kept at the nominal false discovery rate q, their share, and in brackets the",
        "  upper 95 % binomial limit of the number if the true rate were q. An exactly kept rate passes 19 times of 20.",
        "- Calls are those of fdr-filter's default, `--mode smart`; in rows of `--mode global` those of the rate alone, which",
        "  lets calls pass that are likelier false than true where certain ones leave over error mass. They have no goal.",
        "- *VAF error / binomial*: mean absolute error of the allele frequency of true calls kept at 0.05 over",
        "  √(f(1−f)/n)/purity. *bias*: mean of estimate − truth.",
        f"- **Bold**{MISSED}: misses the goal in brackets, here and in all sections below.",
        "- CPU seconds: of score-posterior and fdr-filter, one process each, kernels compiled, one run of each pair.",
        "",
        _verdict(sums),
        *(["", known["note"]] if "note" in known else []),
        "",
        *body,
        *details,
        f"Seed by seed, {len(seeds.missed)} of {seeds.checked} goals are missed.",
    ]
    names = (
        "candidates",
        "reasons",
        "mutect2",
        "neighbours",
        "regimes",
        "tumor_only",
        "copy_number",
        "panels",
        "network",
        "models",
        "spiking",
        "calibration",
        "speed",
        "desk_page",
        "desk_igv",
        "labels",
        "labels_network",
        "parts",
        "sensitivity",
        "scenarios",
        "scenario_cost",
        "robustness",
    )
    for section in (folder / f"{name}.json" for name in names):
        if section.exists():
            lines += ["", *json.loads(section.read_text())["page"]]
    (folder / "RESULTS.md").write_text("\n".join(lines).rstrip() + "\n")
    return len(sums.missed)


def _verdict(goals: Goals) -> str:
    if not goals.missed:
        return f"All {goals.checked} goals are reached on the sums over seeds."
    return f"{len(goals.missed)} of {goals.checked} goals are missed on the sums over seeds: {'; '.join(goals.missed)}."
