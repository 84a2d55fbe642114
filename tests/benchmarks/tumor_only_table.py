"""The section of RESULTS.md on tumours without a matched normal."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from scipy.stats import binom
from tables import MISSED, NOMINAL_FDRS, marked
from tumor_only_samples import MUTECT2, SAMPLES, WAYS

CLASSES = {"snv": "SNV", "mnv": "MNV", "indel": "indel"}
HEADLINE = "0.05"
GOAL_RECALL, GOAL_INDEL_PRECISION = 0.85, 0.90
WAYS_WITH_GOALS = ("both", "segments")
"""All rates are to be kept whatever is given; recall and the precision of indels have a goal where most is."""


def summed(results: Iterable[dict[str, Any]], classes: Iterable[str], rate: str) -> Counter[str]:
    """Counts at one nominal rate over samples, seeds and classes; of results that have no such rate, nothing."""
    total: Counter[str] = Counter({"true": 0, "false": 0, "kept": 0, "found": 0})
    names = list(classes)
    for result in results:
        for name in names:
            total.update(result["classes"][name]["points"].get(rate, {}))
    return total


def true_variants(results: Iterable[dict[str, Any]]) -> int:
    """Somatic variants of the truth, whoever lists them."""
    return sum(entry["true_variants"] for result in results for entry in result["classes"].values())


def limit(judged: int, nominal: float) -> int:
    """As in the other tables: the 0.95 quantile of Binomial(judged, nominal)."""
    return int(binom.ppf(0.95, judged, nominal)) if judged else 0


def cells_over(results: list[dict[str, Any]]) -> tuple[int, int]:
    """(cells over their limit, cells): sample x class x nominal rate, seeds pooled, with calls to judge."""
    over, cells = 0, 0
    for sample in dict.fromkeys(result["sample"] for result in results):
        own = [result for result in results if result["sample"] == sample]
        for name in CLASSES:
            for nominal in NOMINAL_FDRS:
                point = summed(own, [name], str(nominal))
                judged = point["true"] + point["false"]
                cells += judged > 0
                over += point["false"] > limit(judged, nominal)
    return over, cells


def summary_line(way: str, results: list[dict[str, Any]], with_normal: int) -> str:
    """One way over all samples: rates, recall beside the matched normal's, precision of indels, what false calls are."""
    over, cells = cells_over(results)
    point, indels = summed(results, CLASSES, HEADLINE), summed(results, ["indel"], HEADLINE)
    goal = way in WAYS_WITH_GOALS
    recall = f"{point['found'] / max(1, true_variants(results)):.3f}"
    share = point["found"] / with_normal if with_normal else float("nan")
    judged = indels["true"] + indels["false"]
    precision = indels["true"] / judged if judged else float("nan")
    kinds: Counter[str] = Counter()
    for result in results:
        kinds.update(result["false_calls_by_truth"])
    return "| " + " | ".join((
        way,
        marked(f"{over} of {cells}", over == 0 or way == MUTECT2),
        f"{point['false']}/{point['true'] + point['false']}",
        recall,
        marked(f"{share:.2f}", not goal or share >= GOAL_RECALL) if with_normal else "–",
        marked(f"{precision:.3f}", not goal or precision > GOAL_INDEL_PRECISION) if judged else "–",
        ", ".join(f"{name} {number}" for name, number in kinds.most_common() if number) or "–",
    )) + " |"  # fmt: skip


def sample_lines(results: list[dict[str, Any]], ways: list[str]) -> list[str]:
    """By sample: false of judged calls at 0.05, and what is found, of each way."""
    lines = ["| sample | true | " + " | ".join(ways) + " |", "|---" * (len(ways) + 2) + "|"]
    for sample in dict.fromkeys(result["sample"] for result in results):
        own = {way: [r for r in results if r["sample"] == sample and r["way"] == way] for way in ways}
        cells = [sample, str(true_variants(next(members for members in own.values() if members)))]
        for members in own.values():
            if not members:
                cells.append("–")
                continue
            point = summed(members, CLASSES, HEADLINE)
            judged = point["true"] + point["false"]
            false = marked(f"{point['false']}/{judged}", point["false"] <= limit(judged, float(HEADLINE)))
            cells.append(f"{false}; {point['found']}")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def rate_lines(results: list[dict[str, Any]], ways: list[str]) -> list[str]:
    """By way and class over all samples: false of judged calls at each nominal rate."""
    lines = ["| with | class | " + " | ".join(f"false at {rate}" for rate in NOMINAL_FDRS) + " |", "|---" * 6 + "|"]
    for way in ways:
        members = [result for result in results if result["way"] == way]
        for name, label in CLASSES.items():
            cells = [way, label]
            for nominal in NOMINAL_FDRS:
                point = summed(members, [name], str(nominal))
                judged, most = point["true"] + point["false"], limit(point["true"] + point["false"], nominal)
                text = f"{point['false']}/{judged} (≤ {most})" if judged else "–"
                cells.append(marked(text, not judged or point["false"] <= most))
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def tumor_only_lines(results: list[dict[str, Any]]) -> list[str]:
    """The section, in Markdown."""
    given = dict.fromkeys(result["way"] for result in results)
    ways = [way for way in (*WAYS, MUTECT2) if way in given]
    by_way = {way: [result for result in results if result["way"] == way] for way in ways}
    seeds = ", ".join(str(seed) for seed in sorted({result["seed"] for result in results}))
    with_normal = summed(by_way.get("normal", []), CLASSES, HEADLINE)["found"]
    samples = dict.fromkeys(result["sample"] for result in results)
    words = {way: known.description for way, known in WAYS.items()}
    words[MUTECT2] = "Mutect2 with the same resource, tumour only; FilterMutectCalls at a false discovery rate of 0.05"
    return [
        "# One tumour, without its normal",
        "",
        f"`tests/benchmarks/tumor_only.py` (`make bench-tumor-only`): {len(samples)} samples, seeds {seeds}. All that",
        "call-candidates finds in the tumour, judged by `score-posterior` with the true purity and:",
        "",
        *[f"- *{way}*: {words[way]}" for way in ways],
        "",
        "Recall and *found* are of all somatic variants of the truth, at 0.05. A *cell* is a sample × SNV, MNV or indel ×",
        f"nominal rate, over its upper 95 % binomial limit or not. **Bold**{MISSED}: over the limit; found less than",
        f"{GOAL_RECALL} of what the matched normal finds, or indel precision at 0.05 of {GOAL_INDEL_PRECISION} or less, where",
        "the resource and a panel are given. In nearly pure tumours, and where copies were doubled, clonal somatic variants",
        "are seen where heterozygous germline ones are: there neither tells them from a private germline variant, and they",
        "are not kept.",
        "",
        "| with | cells over | false at 0.05 | recall | of the normal's | indel precision | false calls are |",
        "|---|---|---|---|---|---|---|",
        *[summary_line(way, members, with_normal) for way, members in by_way.items()],
        "",
        "## Rates",
        "",
        *rate_lines(results, ways),
        "",
        "## Sample by sample: false at 0.05; found",
        "",
        *sample_lines(results, ways),
        "",
        "| sample | what it is |",
        "|---|---|",
        *[f"| {name} | {SAMPLES[name].description} |" for name in samples],
    ]
