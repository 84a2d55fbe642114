"""The section on what scenarios of many samples cost."""

from typing import Any

from tables import MISSED, Goals

SHAPES = {
    "star": "a normal, and samples of its tumours: in all, in some, germline",
    "chain": "each sample descends from the one before, its somatic variants too: kept, late, germline",
}
MOST_CPU_SECONDS, MOST_MB = {15: 120}, {15: 1000}


def cost_lines(results: list[dict[str, Any]]) -> list[str]:
    """The section, in Markdown."""
    goals, body = Goals(), []
    for shape in dict.fromkeys(result["shape"] for result in results):
        own = [result for result in results if result["shape"] == shape]
        body += ["", f"## {SHAPES[shape]}", "", "| samples | candidates | CPU s | CPU s per sample | MB |", "|---" * 5 + "|"]
        for result in own:
            count, seconds, memory = result["samples"], result["cpu_seconds"], result["memory_mb"]
            cells = [f"{seconds:.0f}", f"{memory}"]
            for number, (value, most, unit) in enumerate(
                ((seconds, MOST_CPU_SECONDS.get(count), "CPU s"), (memory, MOST_MB.get(count), "MB"))
            ):
                if most is not None:
                    cells[number] = goals.cell(
                        f"{cells[number]} (≤ {most})", value <= most, f"{shape}, {count} samples, {unit}"
                    )
            body.append(f"| {count} | {result['records']:,} | {cells[0]} | {seconds / count:.1f} | {cells[1]} |")
    missed = f"{len(goals.missed)} of {goals.checked} goals are missed{MISSED}" if goals.missed else (
        f"All {goals.checked} goals are reached"
    )  # fmt: skip
    return [
        "# What scenarios of many samples cost",
        "",
        "`tests/benchmarks/scenario_cost.py`: `score-scenario` from evidence files to the scored VCF, one process, kernels",
        "compiled; the evidence of a simulated tumour of 40× and a normal of 30× stands for that of all samples, each in a",
        "file of its own.",
        "",
        f"{missed}.",
        *body,
    ]
