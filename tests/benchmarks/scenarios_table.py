"""The section on scenarios: realised rates and recall by question, and regions together beside one deep sample."""

from collections import Counter
from typing import Any

from tables import MISSED, NOMINAL_FDRS, Goals, fdr_cell

TITLES = {
    "multi-region": "Three regions of a tumour and a normal: `multi-region`, 40×/40×/40× and 30×",
    "artefacts": "The same with damage, errors at ends, slippage, paralogs, duplicates and overstated qualities",
    "relapse": "A tumour, its relapse and a normal: `relapse`, 40×/40× and 30×",
    "trio-denovo": "A child and its parents: `trio-denovo`, 30× each",
    "rare": "Together against separately: a VAF of 5 %, and a normal of 40×",
}
TOGETHER, SEPARATE = "5 % in three regions of 40×, together", "5 % in one sample of 120×"


def recall_of(results: list[dict[str, Any]], question: str, rates: str, rate: float = 0.05) -> float | None:
    """Of all seeds, with what was learnt (event rates, or spectra); None where the question was not asked."""
    own = [result for result in results if result["question"] == question and result["rates"] == rates]
    wanted = sum(result["wanted"] for result in own)
    return sum(result["points"][str(rate)]["true"] for result in own) / wanted if wanted else None


def scenarios_lines(results: list[dict[str, Any]]) -> list[str]:
    """The section, in Markdown."""
    goals, body = Goals(), []
    for study in dict.fromkeys(result["study"] for result in results):
        own = [result for result in results if result["study"] == study]
        seeds = ", ".join(map(str, dict.fromkeys(result["seed"] for result in own)))
        body += ["", f"## {TITLES[study]}", "", f"Sum over seeds {seeds}.", ""]
        columns = ["called", "--rates", *(f"false at {rate}" for rate in NOMINAL_FDRS), "recall at 0.05", "CPU s", "MB"]
        body += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        for question, rates in dict.fromkeys((result["question"], result["rates"]) for result in own):
            members = [result for result in own if (result["question"], result["rates"]) == (question, rates)]
            cells = [question, rates]
            for rate in NOMINAL_FDRS:
                point = {"true": 0, "false": 0} | dict(
                    sum((Counter(member["points"][str(rate)]) for member in members), Counter[str]())
                )
                cells.append(fdr_cell(point, rate, f"{study}, {question}, {rates}", goals))
            recall, separate = recall_of(members, question, rates), recall_of(results, SEPARATE, rates)
            text = "–" if recall is None else f"{recall:.3f} of {sum(member['wanted'] for member in members)}"
            if question == TOGETHER and recall is not None and separate is not None:
                text = goals.cell(f"{text} (≥ {separate:.3f})", recall >= separate, f"{question}, {rates}")
            cpu, memory = (max(member[key] for member in members) for key in ("cpu_seconds", "memory_mb"))
            body.append("| " + " | ".join([*cells, text, f"{cpu:.0f}", f"{memory}"]) + " |")
    missed = (
        f"{len(goals.missed)} of {goals.checked} goals are missed" if goals.missed else f"All {goals.checked} goals are reached"
    )
    return [
        "# Scenarios of several samples",
        "",
        "`tests/benchmarks/scenarios.py`: 300 kbp, 2×100, no artefacts unless a title names them; clones, people and mixtures",
        "of them are in it. What is planted and what two reads of a sample show is scored by `score-scenario` from evidence",
        "files, with event rates learnt and flat frequencies (`learnt`), or with rates, frequencies and artefacts learnt over",
        "the searched territory (`spectra`); what is called is filtered together (`--mode smart`). A call of a true variant is",
        "false where the question is another one: a variant of all regions that is called as one of some.",
        "",
        "- *false at q*: as above. *CPU s*, *MB*: of score-scenario, one process, the most of the seeds.",
        "- *Together*: three regions that are judged together are to have at least the recall of one sample of their depth.",
        "",
        f"{missed}{MISSED if goals.missed else ''}.",
        *body,
    ]
