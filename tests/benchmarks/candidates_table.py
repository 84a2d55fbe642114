"""The candidates' section of RESULTS.md, goals beside figures."""

from collections import Counter
from typing import Any

from tables import DESCRIPTIONS, marked

GOALS = {"SNV": 0.99, "indel ≤ 30": 0.97}
GOAL_SPEED = 5.0
LONG_GOALS = {"100–250": 0.9, "251–1,000": 0.6}
READS = ("0–2", "3", "4–5", "≥ 6")
ENOUGH = READS[1:]
CLASSES = ("SNV", "MNV", *(f"{kind} {size}" for kind in ("insertion", "deletion") for size in ("1–5", "6–15", "16–30", "> 30")))
GROUPS = {"SNV": ("SNV",), "MNV": ("MNV",), "indel ≤ 30": tuple(item for item in CLASSES[2:] if "> 30" not in item)}
OURS, RIVAL = "call-candidates", "freebayes"


def counted(results: list[dict[str, Any]], classes: tuple[str, ...], reads: tuple[str, ...]) -> Counter[str]:
    """Planted and found, summed over results."""
    total: Counter[str] = Counter()
    for result in results:
        for cell in result["sensitivity"]:
            if cell["class"] in classes and cell["reads"] in reads:
                total.update({key: value for key, value in cell.items() if isinstance(value, int)})
    return total


def shares(total: Counter[str], programs: list[str]) -> str:
    """Found by each program out of the planted ones."""
    if not total["planted"]:
        return ""
    return " · ".join(f"{total[name]}" for name in programs) + f" of {total['planted']}"


def goal_line(results: list[dict[str, Any]], group: str, programs: list[str]) -> str:
    """Sensitivity with at least three supporting reads."""
    total = counted(results, GROUPS[group], ENOUGH)
    rates = {name: total[name] / max(1, total["planted"]) for name in programs}
    least = max(GOALS.get(group, 0.0), rates.get(RIVAL, 0.0))
    cell = marked(f"{rates[OURS]:.4f} (≥ {least:.4f})", rates[OURS] >= least)
    rival = f"{rates[RIVAL]:.4f}" if RIVAL in programs else "not installed"
    return f"| {group} | {total['planted']} | {cell} | {rival} |"


def candidates_lines(
    results: list[dict[str, Any]], real: dict[str, Any] | None = None, long: list[dict[str, Any]] | None = None
) -> list[str]:
    """The section, in Markdown; `real`: what came of the real reads, `long`: of the long indels, if they are at hand."""
    programs = [OURS, *([RIVAL] if all(RIVAL in result["usage"] for result in results) else [])]
    lines = [
        "## Candidates without a caller",
        "",
        "`tests/benchmarks/candidates.py`: the tumours of the pairs above, searched by `call-candidates` and by freebayes",
        f"({' and '.join(programs)} here) with the same thresholds: 2 reads, 0.02 of the depth, base quality 13, mapping",
        "quality 1. A read supports a variant if its bases hold the whole allele and 10 bases on both sides. freebayes'",
        "haplotypes are taken apart, so that an allele counts however it is written; ours must be there as it was planted.",
    ]
    for name in dict.fromkeys(result["set"] for result in results):
        members = [result for result in results if result["set"] == name]
        seeds = ", ".join(str(result["seed"]) for result in members)
        lines += [
            "",
            f"### {name}: {DESCRIPTIONS[name]}",
            "",
            f"Seeds {seeds}. Sensitivity where at least three reads support the variant, goal in brackets:",
            "",
            "| class | planted | call-candidates | freebayes |",
            "|---|---|---|---|",
            *(goal_line(members, group, programs) for group in GROUPS),
            "",
            f"Found ({' · '.join(programs)}) by the number of supporting reads:",
            "",
            "| class | " + " | ".join(READS) + " |",
            "|---|" + "---|" * len(READS),
        ]
        for kind in CLASSES:
            cells = [shares(counted(members, (kind,), (reads,)), programs) for reads in READS]
            lines.append(f"| {kind} | " + " | ".join(cells) + " |")
        lines += ["", *_cost_lines(members, programs), "", *_qualified_lines(members)]
    if long:
        lines += ["", *_long_lines(long)]
    if real is not None:
        all_passed = marked(f"{real['passed found']} of {real['passed']}", real["passed found"] >= real["passed"])
        lines += [
            "",
            "### Real reads: a mixture of two persons, exome, 110× and 40×, a contig of 249 Mbp",
            "",
            f"{all_passed} candidates that Strelka2 passes are among ours (goal: all), {real['raw found']} of its",
            f"{real['raw']} raw ones too; {real['candidates']} candidates, peak memory {real['peak_mb']:.0f} MB.",
        ]
    return lines


def _long_lines(long: list[dict[str, Any]]) -> list[str]:
    """Long indels that are found as they were planted, summed over seeds."""
    seeds = ", ".join(str(result["seed"]) for result in long)
    cells = [cell for result in long for cell in result["cells"]]
    lines = [
        "### Long indels: 500 kbp, purity 0.75, 40×, reads of 100 bp, fragments of 350",
        "",
        f"Seeds {seeds}. Found as they were planted, at any allele frequency from 0.05 on; goal of all kinds in brackets. "
        f"Others of 30 bp or more that were proposed: {', '.join(str(result['false']) for result in long)}.",
        "",
        "| kind | " + " | ".join(f"{length} bp" for length in LONG_GOALS) + " |",
        "|---|" + "---|" * len(LONG_GOALS),
    ]
    for kind in (*sorted({cell["kind"] for cell in cells}), "all"):
        row = []
        for length, goal in LONG_GOALS.items():
            chosen = [cell for cell in cells if cell["length"] == length and kind in ("all", cell["kind"])]
            planted, found = (sum(cell[name] for cell in chosen) for name in ("planted", "found"))
            share = f"{found / max(1, planted):.3f} of {planted}"
            row.append(marked(f"{share} (≥ {goal:g})", found >= goal * planted) if kind == "all" else share)
        lines.append(f"| {kind} | " + " | ".join(row) + " |")
    return lines


def _cost_lines(results: list[dict[str, Any]], programs: list[str]) -> list[str]:
    lines = [
        "CPU seconds, start of the process, and how many times as fast call-candidates is without and with that start:",
        "",
        "| seed | program | alleles | CPU seconds | start | as fast | with the start | peak memory, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for name in programs:
            used = result["usage"][name]
            ratio = whole = ""
            if name == OURS and RIVAL in programs:
                rival = result["usage"][RIVAL]
                times = (rival["cpu_seconds"] - rival["start_seconds"]) / (used["cpu_seconds"] - used["start_seconds"])
                ratio, whole = f"{times:.1f}× (≥ {GOAL_SPEED:g}×)", f"{rival['cpu_seconds'] / used['cpu_seconds']:.1f}×"
                ratio = marked(ratio, times >= GOAL_SPEED)
            seconds = (f"{used['cpu_seconds']:.1f}", f"{used['start_seconds']:.1f}")
            cells = (result["seed"], name, result["alleles"][name], *seconds, ratio, whole, f"{used['peak_mb']:.0f}")
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def _qualified_lines(results: list[dict[str, Any]]) -> list[str]:
    lines = [
        "Qualified by known sites (four of five germline variants) at the default `--min-quality`; everything planted is real:",
        "",
        "| seed | candidates | called | precision | germline variants that are no known site | somatic variants |",
        "|---|---|---|---|---|---|",
    ]
    for result in results:
        q = result["qualified"]
        lines.append(
            f"| {result['seed']} | {q['candidates']} | {q['passed']} | {q['true'] / max(1, q['passed']):.3f} "
            f"| {q['unknown germline passed']} of {q['unknown germline']} | {q['somatic passed']} of {q['somatic']} |"
        )
    return lines
