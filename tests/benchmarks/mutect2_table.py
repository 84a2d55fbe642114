"""The section of RESULTS.md on Mutect2's list, judged by FilterMutectCalls and by varproof."""

from collections import Counter
from typing import Any

from tables import DESCRIPTIONS, marked

CLASSES = ("SNV", "MNV", "insertion", "deletion", "replacement")
JUDGES = ("Mutect2", "varproof")
LISTED_SHARE = 0.98
"""Of the true variants that the list holds, varproof's goal."""
MOST_FALSE = {"default": 87, "hard": 85}
"""varproof's false calls over seeds 1 to 3 while it judged every record by itself: the goal is no more."""


def total(results: list[dict[str, Any]], *keys: str) -> Counter[str]:
    """Counts by class under some keys, summed over results."""
    counts: Counter[str] = Counter()
    for result in results:
        entry = result
        for key in keys:
            entry = entry[key]
        counts.update(entry)
    return counts


def set_lines(results: list[dict[str, Any]]) -> list[str]:
    """The table of one data set, summed over seeds."""
    truth, listed = total(results, "truth"), total(results, "listed", "found")
    found = {judge: total(results, judge, "found") for judge in JUDGES}
    kept = {judge: {kind: total(results, judge, kind) for kind in ("true", "partial", "false")} for judge in JUDGES}
    columns = [f"{judge}: {what}" for judge in JUDGES for what in ("found", "true calls", "false calls")]
    lines = ["| class | true variants | listed | " + " | ".join(columns) + " |", "|---" * (3 + len(columns)) + "|"]
    for label in (*CLASSES, "all"):
        one = (lambda counts: sum(counts.values())) if label == "all" else (lambda counts, label=label: counts[label])
        if not (one(truth) or any(one(kept[judge][kind]) for judge in JUDGES for kind in kept[judge])):
            continue
        cells = [str(one(truth)), str(one(listed))]
        for judge in JUDGES:
            true, false = one(kept[judge]["true"]), one(kept[judge]["false"])
            share = f" ({false / (true + false):.3f})" if label == "all" and true + false else ""
            cells += [str(one(found[judge])), str(true), f"{false}{share}"]
        if label == "all":
            cells[-3] = _found(one(found["varproof"]), one(listed))
            cells[-1] = _false(cells[-1], one(kept["varproof"]["false"]), results)
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    partial = {judge: sum(kept[judge]["partial"].values()) for judge in JUDGES}
    return [
        *lines,
        "",
        f"Partial, neither true nor false: {partial['Mutect2']} of Mutect2's, {partial['varproof']} of varproof's.",
    ]


def _found(found: int, listed: int) -> str:
    """varproof's found variants of all classes, as a share of the listed ones, with the goal."""
    if not listed:
        return str(found)
    return marked(f"{found}, {found / listed:.3f} of the listed (≥ {LISTED_SHARE})", found / listed >= LISTED_SHARE)


def _false(text: str, false: int, results: list[dict[str, Any]]) -> str:
    """varproof's false calls of all classes with the goal, which is for seeds 1 to 3 of a data set."""
    most = MOST_FALSE.get(results[0]["set"])
    if most is None or sorted(result["seed"] for result in results) != [1, 2, 3]:
        return text
    return marked(f"{text} (≤ {most})", false <= most)


def mutect2_lines(results: list[dict[str, Any]]) -> list[str]:
    """The section, in Markdown."""
    lines = [
        "# Mutect2's list",
        "",
        "`tests/benchmarks/mutect2.py`: Mutect2 and FilterMutectCalls (GATK 4.6.2.0, matched normal, no panel and no germline",
        "resource, `--threshold-strategy FALSE_DISCOVERY_RATE --false-discovery-rate 0.05`) on the pairs above; the same file",
        "with all its records, filtered or not, through score-posterior and `fdr-filter --events SOMATIC_TUMOR --fdr 0.05`.",
        "*Listed*: true variants that Mutect2's list holds, which is all that either can keep. A true variant is found if kept",
        "alleles make its sequence, alone or together; in brackets, the share of false calls.",
    ]
    for name in dict.fromkeys(result["set"] for result in results):
        members = [result for result in results if result["set"] == name]
        seeds = ", ".join(str(result["seed"]) for result in members)
        lines += ["", f"## {name}: {DESCRIPTIONS[name]}", "", f"Sum over seeds {seeds}.", "", *set_lines(members)]
        programs = list(members[0]["cpu_seconds"])
        lines += ["", "CPU seconds:", "", "| seed | alleles listed | " + " | ".join(programs) + " |"]
        lines.append("|---" * (2 + len(programs)) + "|")
        for result in members:
            seconds = " | ".join(f"{result['cpu_seconds'][program]:.0f}" for program in programs)
            lines.append(f"| {result['seed']} | {result['alleles']['listed']} | {seconds} |")
    return lines
