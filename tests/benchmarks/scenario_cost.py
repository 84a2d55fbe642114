"""What scenarios of many samples cost: CPU and memory of score-scenario from evidence, at 2 to 50 samples.

    .venv/bin/python tests/benchmarks/scenario_cost.py --work bench-work
    .venv/bin/python tests/benchmarks/scenario_cost.py --short --work /tmp/work --output /tmp/results

The evidence of a simulated tumour stands for that of every tumour, from files of their own: what they cost does not depend on
what they show. Writes scenario_cost.json and its section of RESULTS.md.
"""

import argparse
import itertools
import json
import os
from pathlib import Path
from typing import Any

from bench import HERE, WARM_UP, WARM_UP_INDELS, Usage, run, simulated_pair
from scenario_cost_table import cost_lines
from tables import write_page

SAMPLES = (2, 5, 15, 50)
SIMULATED = ("--genome-length", "600000", "--seed", "1", "--purity", "0.75", "--empty-sites", "15700")
"""20,000 candidates, most of them nothing, as in lists of all that two reads show."""

SIMULATED_SHORT = (*WARM_UP, *WARM_UP_INDELS, "--seed", "1")


def tumors(count: int) -> list[str]:
    """Names of the tumours of a scenario of so many samples."""
    return [f"t{number}" for number in range(1, count)]


def star(count: int) -> str:
    """A normal and samples of its tumours: what is in all, in some, in one of two, and in the germline."""
    names = tumors(count)
    rate = "somatic-effective-mutation-rate: 1e-6"
    samples = [f"  {name}: {{{rate}, inheritance: {{clonal: {{from: normal, somatic: false}}}}}}" for name in names]
    everywhere, nowhere = (" & ".join(f"{no}{name}:0.0" for name in names) for no in ("!", ""))
    some = f"normal:0.0 & !({nowhere}) & !({everywhere})" if len(names) > 1 else "false"
    events = {"everywhere": f"normal:0.0 & {everywhere}", "some": some, "germline": "!normal:0.0"}
    return "\n".join(
        [
            "species: {heterozygosity: 0.001, ploidy: 2}", "samples:", f"  normal: {{{rate}}}", *samples,
            "events:", *(f'  {name}: "{text}"' for name, text in events.items()),
        ]
    )  # fmt: skip


def chain(count: int) -> str:
    """The same samples, each later one of the one before: a tree that is as deep as it can be."""
    names = ["normal", *tumors(count)]
    rate = "somatic-effective-mutation-rate: 1e-6"
    samples = [
        f"  {name}: {{{rate}, inheritance: {{clonal: {{from: {before}, somatic: {'true' if number else 'false'}}}}}}}"
        for number, (before, name) in enumerate(itertools.pairwise(names))
    ]
    kept = " & ".join(f"!{name}:0.0" for name in names[1:])
    late = f"normal:0.0 & {names[1]}:0.0 & !{names[-1]}:0.0"
    events = {"kept": f"normal:0.0 & {kept}", "late": late, "germline": "!normal:0.0"}
    if count == 2:
        del events["late"]
    return "\n".join(
        [
            "species: {heterozygosity: 0.001, ploidy: 2}", "samples:", f"  normal: {{{rate}}}", *samples,
            "events:", *(f'  {name}: "{text}"' for name, text in events.items()),
        ]
    )  # fmt: skip


SHAPES = {"star": star, "chain": chain}


def evidence_of(work: Path, options: tuple[str, ...]) -> Path:
    """Folder of a simulated pair with the evidence of both samples."""
    folder = simulated_pair(work, f"scenario-cost-{options[1]}", options)
    pair = folder / "pair"
    for sample in ("tumor", "normal"):
        if not (pair / f"{sample}.h5").exists():
            run(
                "collect-evidence", "--candidates", pair / "candidates.vcf.gz", "--reference", pair / "reference.fa",
                "--reads", pair / f"{sample}.bam", "--output", pair / f"{sample}.h5",
            )  # fmt: skip
    return pair


def scored(pair: Path, text: str, names: list[str]) -> Usage:
    """score-scenario of samples of these names, the first of which is the normal."""
    scenario, sheet = pair / "cost.yaml", pair / "cost.tsv"
    scenario.write_text(text)
    lines = ["sample\treads"]
    for number, name in enumerate(names):
        file = pair / f"of-{name}.h5"
        file.unlink(missing_ok=True)
        os.link(pair / ("tumor.h5" if number else "normal.h5"), file)
        lines.append(f"{name}\t{file.name}")
    sheet.write_text("\n".join(lines) + "\n")
    return run(
        "score-scenario", "--scenario", scenario, "--samples", sheet, "--candidates", pair / "candidates.vcf.gz",
        "--reference", pair / "reference.fa", "--output", pair / "cost.vcf.gz", "--threads", "1", "--overlaps", "allow",
    )  # fmt: skip


def results_of(work: Path, samples: tuple[int, ...], shapes: list[str], short: bool) -> list[dict[str, Any]]:
    """CPU seconds and MB by shape and number of samples."""
    pair = evidence_of(work, SIMULATED_SHORT if short else SIMULATED)
    found = []
    for shape in shapes:
        for count in samples:
            used = scored(pair, SHAPES[shape](count), ["normal", *tumors(count)])
            size = int(used.log.rpartition(" records scored")[0].rpartition(" ")[2])
            entry = {"shape": shape, "samples": count, "records": size}
            found.append({**entry, "cpu_seconds": round(used.cpu_seconds, 1), "memory_mb": round(used.peak_mb)})
            print(found[-1], flush=True)
    return found


def main() -> None:
    """Parse, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", nargs="+", type=int, default=list(SAMPLES))
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--short", action="store_true", help="few candidates: whether it runs")
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--output", type=Path, default=HERE, help="folder of scenario_cost.json")
    options = parser.parse_args()
    options.work.mkdir(exist_ok=True, parents=True)
    results = results_of(options.work, tuple(options.samples), options.shapes, options.short)
    options.output.mkdir(exist_ok=True, parents=True)
    kept = {"results": results, "page": cost_lines(results)}
    (options.output / "scenario_cost.json").write_text(json.dumps(kept, indent=1) + "\n")
    if (options.output / "results.json").exists():
        write_page(options.output)


if __name__ == "__main__":
    main()
