"""The section of RESULTS.md on variants that touch, crowd or share a place."""

from collections import Counter
from typing import Any

from tables import MISSED, NOMINAL_FDRS, Goals, fdr_cell

LISTS = {
    "full": "the full list of simulate-pair: what is planted, and all that two reads show",
    "own": "what call-candidates finds",
    "atomised": "the full list with every MNV as SNVs",
}
RECALL_SHARE = 0.95
LENGTHS = (1, 5, 15, 50, 99, 249)
"""Longest variants of each stratum but the last, bp."""
LONG_STRATA = {"5": ("100–249", 0.9), "6": ("250–1,000", 0.6)}
"""Strata of long indels: how they are called, and the share that call-candidates should list."""
REFERENCE = {"two-alleles": "GERMLINE_HET"}
"""Kinds that are compared with other isolated variants than somatic ones."""
NOT_GOALS = ("isolated", "GERMLINE_HET")


def strata_of(results: list[dict[str, Any]], kind: str) -> dict[str, Counter[str]]:
    """Variants, found and listed ones of a kind by stratum, summed over results."""
    found: dict[str, Counter[str]] = {}
    for result in results:
        for name, counts in result["kinds"][kind]["strata"].items():
            found.setdefault(name, Counter()).update(counts)
    return found


def standardised_recall(own: dict[str, Counter[str]], isolated: dict[str, Counter[str]]) -> float | None:
    """Recall that isolated variants would have if they were of the types, lengths and frequencies of `own`.

    A stratum is `type|length|frequency`. Where it has no isolated variant, those of the type and frequency stand for it, or
    else those of the type. None without any.
    """
    expected = total = 0.0
    for name, counts in own.items():
        kind, _, frequency = name.split("|")
        nearest = (
            [entry for other, entry in isolated.items() if other == name],
            [entry for other, entry in isolated.items() if other.split("|")[::2] == [kind, frequency]],
            [entry for other, entry in isolated.items() if other.split("|")[0] == kind],
        )
        for entries in nearest:
            if variants := sum(entry["variants"] for entry in entries):
                expected += counts["variants"] * sum(entry["found"] for entry in entries) / variants
                total += counts["variants"]
                break
    return expected / total if total else None


def kind_line(results: list[dict[str, Any]], kind: str, name: str, isolated: list[dict[str, Any]], goals: Goals | None) -> str:
    """One line: realised rates, and recall beside that of the isolated variants of other results."""
    points = {
        rate: dict(sum((Counter(result["kinds"][kind]["points"][str(rate)]) for result in results), Counter()))
        for rate in NOMINAL_FDRS
    }
    cells = [kind]
    for rate in NOMINAL_FDRS:
        point = {"true": 0, "false": 0} | points[rate]
        cells.append(fdr_cell(point, rate, f"{name}, {kind}", goals))
    cells.append(str(points[0.05].get("partial", 0)))
    own = strata_of(results, kind)
    variants, found, listed = (sum(entry[key] for entry in own.values()) for key in ("variants", "found", "listed"))
    recall = found / variants if variants else float("nan")
    text = f"{recall:.3f} of {variants}"
    expected = None if kind in NOT_GOALS else standardised_recall(own, strata_of(isolated, REFERENCE.get(kind, "isolated")))
    if goals is not None and expected is not None:
        goal = RECALL_SHARE * expected
        text = goals.cell(f"{text} (≥ {goal:.3f})", recall >= goal, f"{name}, {kind} recall")
    cells += [text, "" if expected is None else f"{expected:.3f}", f"{listed / variants:.3f}" if variants else ""]
    errors = [result["kinds"][kind]["frequency"] for result in results]
    calls = sum(entry["calls"] for entry in errors)
    cells.append(f"{sum(entry['sum'] for entry in errors) / calls:+.3f}" if calls else "–")
    return "| " + " | ".join(cells) + " |"


def long_lines(results: list[dict[str, Any]], goals: Goals) -> list[str]:
    """The table of long indels: what a list holds of them, and what is found."""
    lines = [
        "",
        "## Long indels",
        "",
        f"`simulate-pair {results[0]['simulate_pair'].partition(' --seed')[0]}`; *listed* and recall as above.",
        "",
        "| list | type | length, bp | listed | recall at 0.05 |",
        "|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(result["list"] for result in results):
        strata = strata_of([result for result in results if result["list"] == name], "isolated")
        for kind in ("insertion", "deletion"):
            for place, (length, goal) in LONG_STRATA.items():
                entries = [entry for stratum, entry in strata.items() if stratum.split("|")[:2] == [kind, place]]
                variants, found, listed = (sum(entry[key] for entry in entries) for key in ("variants", "found", "listed"))
                if not variants:
                    continue
                text = f"{listed / variants:.3f} of {variants}"
                if name == "own":
                    reached = listed >= goal * variants
                    text = goals.cell(f"{text} (≥ {goal:.2f})", reached, f"own, {kind} of {length} bp")
                lines.append(f"| {name} | {kind} | {length} | {text} | {found / variants:.3f} |")
    return lines


def neighbours_lines(results: list[dict[str, Any]]) -> list[str]:
    """The section, in Markdown."""
    goals, body = Goals(), []
    of_long = [result for result in results if result["set"] == "long"]
    results = [result for result in results if result["set"] != "long"]
    for name in dict.fromkeys(result["list"] for result in results):
        members = [result for result in results if result["list"] == name]
        numbers = ", ".join(str(result["seed"]) for result in members)
        columns = [f"false at {rate}" for rate in NOMINAL_FDRS]
        columns = ["kind", *columns, "partial at 0.05", "recall at 0.05", "recall of isolated", "listed", "AF bias"]
        body += ["", f"## {LISTS[name]}", "", f"Sum over seeds {numbers}.", ""]
        body += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
        isolated = [result for result in results if result["list"] == "full"] if name == "atomised" else []
        for kind in members[0]["kinds"]:
            body.append(kind_line(members, kind, name, isolated or members, None if kind in NOT_GOALS else goals))
    if of_long:
        body += long_lines(of_long, goals)
    missed = (
        f"{len(goals.missed)} of {goals.checked} goals are missed" if goals.missed else f"All {goals.checked} goals are reached"
    )
    return [
        "# Neighbours: variants that touch, crowd or share a place",
        "",
        f"`tests/benchmarks/neighbours.py`: `simulate-pair {results[0]['simulate_pair'].partition(' --seed')[0]}`.",
        "What is called within 9 bp of the groups of one kind is filtered by itself (`--mode smart`), for SOMATIC_TUMOR; of",
        "two-alleles and in the last line for GERMLINE_HET.",
        "",
        "- A planted variant is *found* if kept calls make it or a haplotype that has it, however they are written; these",
        "  calls are true. *Partial*: pieces of true MNVs, or alleles with such a piece: neither true nor false. All others",
        "  are false.",
        "- *false at q*: as above, with the upper 95 % limit of the number.",
        "- *Recall of isolated*: of variants without neighbours in the same pairs, weighted to the types, lengths and",
        "  frequencies of the kind; of MNVs for replacements. For lists of single bases it is that of the full list.",
        f"  The goal is {RECALL_SHARE} of it. *Listed*: recall if all that was scored were kept.",
        "- *AF bias*: mean of estimate − truth, of planted variants that are scored as they were planted, and as real.",
        "",
        f"{missed}{MISSED if goals.missed else ''}.",
        *body,
    ]
