"""Whether the reasons of calls that are not somatic name the artefact that was simulated: a table of kinds and reasons.

    .venv/bin/python tests/benchmarks/reason_accuracy.py --seeds 1 2 --output /tmp/results

Writes reasons.json and, where results.json is, RESULTS.md.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pysam

from varproof.formats.events import EVENTS
from varproof.formats.vcf import REASON, from_phred, probability_field
from varproof.posterior.reasons import (
    BASE_QUALITY,
    CONTAMINATION,
    MAPPING,
    NO_EVIDENCE,
    OTHER_MISMATCHES,
    READ_ORIENTATION,
    READ_POSITION,
    SEPARATOR,
    SLIPPAGE,
)

GOAL = 0.9
RIGHT = {
    "oxidation": {READ_ORIENTATION},
    "deamination": {READ_ORIENTATION},
    "end_errors": {READ_POSITION},
    "slippage": {SLIPPAGE},
    "paralog": {MAPPING, OTHER_MISMATCHES},
    "tumor_contamination": {CONTAMINATION},
    "errors": {BASE_QUALITY, NO_EVIDENCE},
}
"""Simulated kind -> the reasons that name it; `errors`: coincident ones, of which the truth says nothing."""

Table = Counter[tuple[str, str, str]]
"""(event that was called, simulated kind, first reason) -> alleles."""


def truth_kinds(truth: Path) -> dict[tuple[Any, ...], str | None]:
    """Allele -> its artefact kinds, joined by '&'; None where it is a planted variant."""
    with pysam.VariantFile(str(truth)) as handle:
        return {
            (record.chrom, record.pos, record.ref, *record.alts): record.info.get("ARTIFACT_KIND")
            if record.info["EVENT"] == "ARTIFACT"
            else None
            for record in handle
        }


def reason_table(calls: Path, truth: Path) -> Table:
    """First reasons of the artefacts among scored calls that have one alternative allele each."""
    kinds, table = truth_kinds(truth), Table()
    with pysam.VariantFile(str(calls)) as handle:
        for record in handle:
            kind = kinds.get((record.chrom, record.pos, record.ref, *record.alts), "errors")
            probabilities = [from_phred(record.info[probability_field(event)][0]) for event in EVENTS]
            event, reason = EVENTS[probabilities.index(max(probabilities))], (record.info.get(REASON) or (None,))[0]
            if kind and reason:
                table[event, kind, reason.split(SEPARATOR)[0]] += 1
    return table


def right_of(table: Table, event: str, kinds: set[str] | None = None) -> tuple[int, int]:
    """(alleles whose first reason names what made them, all of them) of one event; of `kinds`, default the labelled ones."""
    right = total = 0
    for (called, kind, reason), number in table.items():
        if called == event and (kind != "errors" if kinds is None else kind in kinds):
            total += number
            right += number * any(reason in RIGHT[one] for one in kind.split(SEPARATOR))
    return right, total


def reasons_lines(table: Table, seeds: list[int]) -> list[str]:
    """The section of RESULTS.md."""
    lines = [
        "# Reasons",
        "",
        f"`tests/benchmarks/reason_accuracy.py`: the first of `INFO/{REASON}` of simulated artefacts, default depths with",
        f"`--artifacts all` and the hard set, seeds {', '.join(map(str, seeds))}. The truth says nothing of `errors`.",
        "",
    ]
    for event, goal in (("ARTIFACT", GOAL), ("ABSENT", None)):
        right, total = right_of(table, event)
        share = f"{right}/{total} = {right / max(1, total):.3f}"
        if goal is not None:
            share += f" (≥ {goal})"
            share = share if right >= goal * total else f"**{share}** ✗"
        lines += [f"Called {event}: the reason names the kind in {share} of the labelled ones.", ""]
        lines += ["| kind | alleles | named | reasons |", "|---|---|---|---|"]
        for kind in sorted({kind for called, kind, _ in table if called == event}):
            cells = Counter({reason: number for (e, k, reason), number in table.items() if (e, k) == (event, kind)})
            named, alleles = right_of(table, event, {kind})
            shown = ", ".join(f"{reason} {number}" for reason, number in sorted(cells.items(), key=lambda x: (-x[1], x[0])))
            lines.append(f"| {kind} | {alleles} | {named / alleles:.3f} | {shown} |")
        lines.append("")
    return lines


def main() -> None:
    """Parse, run, write."""
    from bench import DATA_SETS, HERE, run, simulated_pair
    from tables import write_page

    sets = {"artifacts": ("--purity", "0.75", "--artifacts", "all"), "hard": DATA_SETS["hard"]}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--output", type=Path, default=HERE, help="folder of reasons.json and RESULTS.md")
    options = parser.parse_args()
    total = Table()
    for name, arguments in sets.items():
        for seed in options.seeds:
            folder = simulated_pair(options.work, f"{name}-{seed}", (*arguments, "--seed", str(seed)))
            pair, calls = folder / "pair", folder / "reasons.vcf.gz"
            inputs = ("--candidates", pair / "candidates.vcf.gz", "--reference", pair / "reference.fa")
            reads = ("--tumor", pair / "tumor.bam", "--normal", pair / "normal.bam")
            run("score-posterior", *inputs, *reads, "--purity", arguments[arguments.index("--purity") + 1], "--output", calls)
            table = reason_table(calls, pair / "truth.vcf.gz")
            print(f"{name}, seed {seed}: {right_of(table, 'ARTIFACT')}", flush=True)
            total += table
    page = reasons_lines(total, options.seeds)
    options.output.mkdir(exist_ok=True, parents=True)
    (options.output / "reasons.json").write_text(json.dumps({"page": page}, indent=1, ensure_ascii=False) + "\n")
    if (options.output / "results.json").exists():
        write_page(options.output)
    print("\n".join(page))


if __name__ == "__main__":
    main()
