"""How much results depend on each model decision: halved, doubled, and what became of rates and recall.

    .venv/bin/python tests/benchmarks/sensitivity.py --work bench-work/sensitivity [--rooms ...]

One simulated pair with artefacts of all kinds. Decisions of the posterior share one evidence file; for each of the evidence it
is made anew, and kernels that have it are compiled. Writes sensitivity.json and its section of RESULTS.md; a quarter of an hour
for the posterior on one core.
"""

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import HERE, run, simulated_pair
from pydantic import ValidationError
from sensitivity_table import sensitivity_lines
from tables import write_page

from varproof.evidence.decisions import EvidenceDecisions
from varproof.machinery.decisions import PREFIX, Decisions
from varproof.posterior.decisions import PosteriorDecisions

ROOMS: dict[str, type[Decisions]] = {"posterior": PosteriorDecisions, "evidence": EvidenceDecisions}
PAIR = ("--genome-length", "600000", "--artifacts", "all", "--seed", "601")
FACTORS = (0.5, 2.0)
RATE = 0.05


def variations(model: type[Decisions]) -> Iterator[tuple[str, float, float]]:
    """(decision, its value, another value) of every decision that is one number, within what it may be."""
    usual = model()
    for name in model.model_fields:
        value = getattr(usual, name)
        if isinstance(value, tuple):
            continue
        for factor in FACTORS:
            other = 1.0 - (1.0 - value) * factor if 0.5 < value < 1.0 else value * factor
            other = round(other) if isinstance(value, int) else other
            try:
                model.model_validate({name: other})
            except ValidationError:
                continue
            if other != value:
                yield name, value, other


def judged(work: Path, pair: Path, room: str, changed: dict[str, float]) -> dict[str, Any]:
    """Calls, false ones and recall at RATE, global rule, with these decisions of a room changed."""
    os.environ[PREFIX + room.upper()] = json.dumps(changed)
    try:
        evidence = {}
        for sample in ("tumor", "normal"):
            evidence[sample] = work / f"{sample}.h5"
            if room == "evidence" or not evidence[sample].exists():
                reads = ("--reads", pair / f"{sample}.bam", "--reference", pair / "reference.fa")
                files = ("--candidates", pair / "candidates.vcf.gz", "--alignment", work / f"{sample}.json")
                run("collect-evidence", *files, *reads, "--output", evidence[sample], "--quiet")
        samples = ("--tumor", evidence["tumor"], "--normal", evidence["normal"], "--purity", "0.75", "--territory", "600000")
        files = ("--candidates", pair / "candidates.vcf.gz", "--reference", pair / "reference.fa")
        run("score-posterior", *files, *samples, "--output", work / "scored.vcf.gz", "--quiet")
        files = ("--calls", work / "scored.vcf.gz", "--truth", pair / "truth.vcf.gz", "--reference", pair / "reference.fa")
        run("evaluate-calls", *files, "--mode", "global", "--output", work / "metrics.json", "--quiet")
    finally:
        del os.environ[PREFIX + room.upper()]
    (entry,) = [item for item in json.loads((work / "metrics.json").read_text())["classes"] if item["name"] == "all"]
    (point,) = [item for item in entry["own_threshold"] if item["nominal_fdr"] == RATE]
    return {key: point[key] for key in ("kept", "false", "recall")}


def main() -> None:
    """Measure all variations and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rooms", nargs="+", choices=list(ROOMS), default=["posterior"])
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    pair = simulated_pair(options.work, "pair", PAIR) / "pair"
    for sample in ("tumor", "normal"):
        reads = ("--reads", pair / f"{sample}.bam", "--reference", pair / "reference.fa")
        run("estimate-alignment", *reads, "--output", options.work / f"{sample}.json", "--quiet")
    path = options.output / "sensitivity.json"
    kept = json.loads(path.read_text()) if path.exists() else {"found": {}}
    for room in options.rooms:
        for sample in ("tumor", "normal"):
            (options.work / f"{sample}.h5").unlink(missing_ok=True)
        usual = judged(options.work, pair, room, {})
        found = []
        for name, value, other in variations(ROOMS[room]):
            found.append({"name": name, "value": value, "other": other, **judged(options.work, pair, room, {name: other})})
            print(json.dumps(found[-1]), flush=True)
        kept["found"][room] = {"usual": usual, "changed": found}
    kept["page"] = sensitivity_lines(kept["found"])
    path.write_text(json.dumps(kept, indent=1) + "\n")
    write_page(options.output)


if __name__ == "__main__":
    main()
