"""The section of RESULTS.md on regimes: where the rates are kept, where not and why, and what the reads would allow."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from regimes_samples import LISTS, SAMPLES
from scipy.stats import binom
from tables import MISSED, NOMINAL_FDRS, marked

CLASSES = {"snv": "SNV", "mnv": "MNV", "indel": "indel"}
JUDGES = {
    "smart": "score-posterior",
    "global": "score-posterior, `--mode global`",
    "CNN_SOMATIC": "network",
    "COMBINED_SOMATIC": "combined",
}
"""Key of a result -> who judged."""

GOAL_SHARE_OVER, GOAL_FACTOR, GOAL_RECALL = 0.05, 3.0, 0.95
GOAL_GIVEN, GOAL_FALSE_ALARMS = 0.90, 0.02
HEADLINE = "0.05"
LEAST_FOUND = 20
"""Variants that the told prior must find for its recall to be a goal of a single regime."""

SUSPICIONS: dict[str, re.Pattern[str]] = {
    "damage": re.compile(r"damage of (its|the tumour's) library"),
    "person": re.compile(r"another person's reads"),
}
"""What a warning may suspect -> its words. `Sample.suspicion` says where it is right."""

CAUSES: dict[tuple[str, str], str] = {
    ("default", "all-false"): "bases of misaligned reads at the ends of somatic indels (48 to 235 bp) that the list lacks",
    ("default", "mutect2"): "a long indel as pieces at its two ends, without the whole in the list",
    ("hard", "no-normal"): "artefact indels of 3 to 6 fragments, which the normal is too shallow to show",
    ("hard", "union"): "two artefact bases of the same reads side by side, as one MNV",
    ("hard", "freebayes"): "artefact indels of 3 to 6 fragments, which the normal is too shallow to show",
    (
        "hard",
        "chunks",
    ): "6 kbp don't tell that 2 % of the normal are tumour cells; with one prior for all recall is that of own",
    ("tumor-in-normal", "*"): "rare variants with a read in the normal are like artefacts of both, whose rate they raise",
    ("ffpe-0.3", "*"): "six SNVs are true; a C>T of damage at 0.2 of the reads is kept",
    ("person-5", "*"): "a twentieth of the reads are another person's, as frequent as rare somatic variants; six SNVs are true",
    ("person-10", "*"): "a tenth of the reads are another person's, heterozygous variants as frequent as subclonal ones",
    ("stray", "*"): "another sample's reads in segments of 1 kb, which no artefact of the model is; --calibrate is for such",
}
"""(sample, list) of a regime with missed cells -> their cause; ("ffpe-0", "*") for all lists of a sample."""


NETWORK_CAUSE = (
    "The network judges by what two kinds of samples taught it. Of damage that the tumour has alone, of another person's "
    "variants and of stray reads it has seen little or nothing, and their pileups are those of rare somatic variants. In "
    "combined calls both judgements count one half."
)


@dataclass(frozen=True)
class Cell:
    """One class of one regime at one nominal rate: false of judged calls, and the upper 95 % limit of their number."""

    sample: str
    list_name: str
    variant_class: str
    nominal: float
    false: int
    judged: int

    @property
    def limit(self) -> int:
        """As in the other tables: the 0.95 quantile of Binomial(judged, nominal)."""
        return int(binom.ppf(0.95, self.judged, self.nominal)) if self.judged else 0

    @property
    def over(self) -> bool:
        """Whether there are more false calls than the limit."""
        return self.false > self.limit

    @property
    def factor(self) -> float:
        """How often the limit: under a limit of one, as if it were one."""
        return self.false / max(1, self.limit)


def by_regime(results: Iterable[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(sample, list) -> its seeds."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for result in results:
        found.setdefault((result["sample"], result["list"]), []).append(result)
    return found


def summed_point(results: list[dict[str, Any]], judge: str, classes: Iterable[str], rate: str) -> Counter[str]:
    """Counts at one nominal rate over seeds and classes."""
    total: Counter[str] = Counter({"true": 0, "false": 0, "kept": 0, "found": 0})
    for result in results:
        for name in classes:
            total.update(result[judge][name]["points"][rate])
    return total


def cells_of(results: list[dict[str, Any]], judge: str = "smart") -> Iterator[Cell]:
    """The cells with calls to judge, pooled over seeds."""
    for (sample, list_name), members in by_regime(results).items():
        for name in CLASSES:
            for nominal in NOMINAL_FDRS:
                point = summed_point(members, judge, [name], str(nominal))
                if point["true"] + point["false"]:
                    yield Cell(sample, list_name, name, nominal, point["false"], point["true"] + point["false"])


def recall_of(members: list[dict[str, Any]], judge: str, classes: Iterable[str] = tuple(CLASSES)) -> tuple[int, int]:
    """(found at the headline rate, true variants that the list has) over seeds."""
    names = list(classes)
    listed = sum(result[judge][name]["listed"] for result in members for name in names)
    return summed_point(members, judge, names, HEADLINE)["found"], listed


def cause_of(sample: str, list_name: str) -> str:
    """What is known of why a regime's cells miss."""
    return CAUSES.get((sample, list_name)) or CAUSES.get((sample, "*")) or CAUSES.get(("*", list_name)) or "not known"


def summary_lines(results: list[dict[str, Any]], judge: str) -> list[str]:
    """How many cells are over the limit, the worst of them, and recall beside the told prior's, of one judge."""
    cells = list(cells_of(results, judge))
    over = [cell for cell in cells if cell.over]
    share = len(over) / len(cells) if cells else 0.0
    worst = max(over, key=lambda cell: cell.factor, default=None)
    text = f"{len(over)} of {len(cells)} cells over the limit = {share:.3f} (≤ {GOAL_SHARE_OVER})"
    lines = [f"- {JUDGES[judge]}: {marked(text, share <= GOAL_SHARE_OVER)}"]
    if worst is not None:
        text = f"{worst.factor:.1f} (≤ {GOAL_FACTOR:.0f})"
        where = f"{worst.sample}, {worst.list_name}, {CLASSES[worst.variant_class]} at {worst.nominal}"
        lines[0] += f", the worst by a factor of {marked(text, worst.factor <= GOAL_FACTOR)} ({where})"
    found, _ = recall_of(results, judge)
    told, listed = recall_of(results, "told")
    text = f"{found} of the {told} that a told prior finds, {found / max(told, 1):.3f} (≥ {GOAL_RECALL})"
    lines[0] += f"; recall at 0.05, of {listed} listed: {marked(text, found >= GOAL_RECALL * told)}."
    return lines


def regime_line(sample: str, list_name: str, members: list[dict[str, Any]], judge: str) -> str:
    """One regime: realised rates of all classes, each filtered by itself; recall; cells over the limit."""
    own = [cell for cell in cells_of(members, judge)]
    cells = [sample, list_name]
    for nominal in NOMINAL_FDRS:
        point = summed_point(members, judge, CLASSES, str(nominal))
        number = point["true"] + point["false"]
        over = [CLASSES[cell.variant_class] for cell in own if cell.nominal == nominal and cell.over]
        text = f"{point['false']}/{number}" if number else "none kept"
        cells.append(marked(f"{text} ({', '.join(over)})", False) if over else text)
    (found, listed), (told, _) = recall_of(members, judge), recall_of(members, "told")
    text = f"{found / listed:.3f}" if listed else "–"
    reached = told < LEAST_FOUND or found >= GOAL_RECALL * told
    cells += [marked(text, reached), f"{told / listed:.3f}" if listed else "–", str(listed)]
    return "| " + " | ".join(cells) + " |"


def missed_lines(results: list[dict[str, Any]]) -> list[str]:
    """Every cell over the limit and every recall under its goal, with the cause."""
    lines = ["| regime | class | nominal | false | limit | factor | cause |", "|---|---|---|---|---|---|---|"]
    for cell in (cell for cell in cells_of(results) if cell.over):
        values = (
            f"{cell.sample}, {cell.list_name}",
            CLASSES[cell.variant_class],
            str(cell.nominal),
            f"{cell.false}/{cell.judged}",
            str(cell.limit),
            f"{cell.factor:.1f}",
            cause_of(cell.sample, cell.list_name),
        )
        lines.append("| " + " | ".join(values) + " |")
    for (sample, list_name), members in by_regime(results).items():
        (found, listed), (told, _) = recall_of(members, "smart"), recall_of(members, "told")
        if told >= LEAST_FOUND and found < GOAL_RECALL * told:
            text = f"recall {found}/{listed}, told {told}"
            lines.append(f"| {sample}, {list_name} | all | 0.05 | {text} | | | {cause_of(sample, list_name)} |")
    return lines


def others_lines(results: list[dict[str, Any]]) -> list[str]:
    """Samples in which cells of the other judges are over the limit, and why."""
    lines = []
    for judge in (judge for judge in ("CNN_SOMATIC", "COMBINED_SOMATIC") if any(judge in result for result in results)):
        over = Counter(cell.sample for cell in cells_of([r for r in results if judge in r], judge) if cell.over)
        told = ", ".join(f"{sample} {number}" for sample, number in over.most_common())
        lines.append(f"- Cells over the limit, {JUDGES[judge]}: {told or 'none'}.")
    return ["", *lines, "", NETWORK_CAUSE] if lines else []


def warning_lines(results: list[dict[str, Any]]) -> list[str]:
    """How often a warning names its suspicion, in its own regimes and in clean ones."""
    lines = ["| suspicion | samples | runs with the warning |", "|---|---|---|"]
    for name, words in SUSPICIONS.items():
        groups: dict[str, list[bool]] = {}
        for result in results:
            suspicion = SAMPLES[result["sample"]].suspicion
            if suspicion is None or suspicion not in ("", name):
                continue
            groups.setdefault(result["sample"] if suspicion else "clean ones", []).extend(
                any(words.search(line) for line in run) for run in result["warnings"]
            )
        for group, given in sorted(groups.items(), key=lambda item: item[0] == "clean ones"):
            share = sum(given) / len(given)
            clean = group == "clean ones"
            goal = f"≤ {GOAL_FALSE_ALARMS}" if clean else f"≥ {GOAL_GIVEN}"
            reached = share <= GOAL_FALSE_ALARMS if clean else share >= GOAL_GIVEN
            lines.append(f"| {name} | {group} | {marked(f'{sum(given)}/{len(given)} = {share:.2f} ({goal})', reached)} |")
    return lines


def regimes_lines(results: list[dict[str, Any]]) -> list[str]:
    """The section, in Markdown."""
    present = [judge for judge in JUDGES if any(judge in result for result in results)]
    seeds = ", ".join(str(seed) for seed in sorted({result["seed"] for result in results}))
    body: list[str] = []
    for judge in present:
        judged = [result for result in results if judge in result]
        columns = ["sample", "list", *[f"false at {rate}" for rate in NOMINAL_FDRS], "recall at 0.05", "told", "true, listed"]
        body += ["", f"## By {JUDGES[judge]}", "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        body += [regime_line(*regime, members, judge) for regime, members in by_regime(judged).items()]
    samples, lists = (dict.fromkeys(result[key] for result in results) for key in ("sample", "list"))
    return [
        "# Regimes: other samples, and lists that were selected",
        "",
        f"`tests/benchmarks/regimes.py` (`make bench-regimes`): {len(by_regime(results))} regimes, a sample and a list each,",
        f"sum over seeds {seeds}. `score-posterior` is told the purity and nothing else. The network, which learnt from other",
        "samples of the kinds default and hard, and combined calls judge the first seed.",
        "",
        "- A *cell* is a regime × SNV, MNV or indel × nominal rate; of the regimes' classes, each filtered by itself, those",
        "  that are over the upper 95 % binomial limit are named. *Factor*: false calls over that limit, one at least.",
        "- *Recall* is of the true variants that the list has. *Told*: with `--prior` of another sample of the kind, three",
        "  times as large (panels: as large), learnt from its whole list, with the fractions of other cells that were",
        "  simulated.",
        f"- **Bold**{MISSED}: a class over its limit, or recall under {GOAL_RECALL} of the told one's (where that finds",
        f"  {LEAST_FOUND} or more).",
        "",
        *[line for judge in present for line in summary_lines([r for r in results if judge in r], judge)],
        *body,
        "",
        "## What misses, and why",
        "",
        *missed_lines(results),
        *others_lines(results),
        "",
        "## Warnings",
        "",
        *warning_lines(results),
        "",
        "## Samples and lists",
        "",
        "| sample | what it is |",
        "|---|---|",
        *[f"| {name} | {SAMPLES[name].description} |" for name in samples],
        "",
        "| list | what it is |",
        "|---|---|",
        *[f"| {name} | {LISTS[name]} |" for name in lists],
        "",
        "\\* without pieces of somatic MNVs, which such a list would cut. Calls count by the sequences that they make.",
    ]
