"""The models that come with the package beside the posterior: on protocols that neither was trained on, and on real reads.

    .venv/bin/python tests/benchmarks/models_judged.py --work bench-work/models/medium-18

Takes the test pairs from the work folder of models.py, or makes them, and the models from the package, by `predict` without
`--model`. Real reads are judged where they are there (shared/). Writes models.json and its section of RESULTS.md; ten minutes
on two cores.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pysam.bcftools
from bench import HERE, run
from models import PROFILES, reads_of
from models_protocols import TESTS
from models_table import models_lines
from spiking import REAL, REAL_BUT_NOT_PASSED
from tables import write_page

from varproof.network.metrics import classification_metrics

CASES = REAL.parent / "cases"
PURITY = 0.75
"""Of simulate-pair, where a protocol says nothing."""
HAIRPINS = {18824509, 20163387, 20175116, 20198567, 20198570, 20566481, 38397630, 44935256, 44942212}
"""Artefacts of inverted repeats in the case's reads, by position."""


def judged(work: Path, name: str, candidates: Path, reads: dict[str, Path], purity: float) -> dict[str, Path]:
    """Calls of both judges."""
    files = ("--candidates", candidates, *(part for option, path in reads.items() for part in (f"--{option}", path)))
    calls = {judge: work / f"{name}-{judge}.vcf.gz" for judge in ("network", "posterior")}
    if not calls["network"].exists():
        run("predict", *files, "--output", calls["network"], "--threads", "2", "--quiet")
    if not calls["posterior"].exists():
        run("score-posterior", *files, "--purity", str(purity), "--output", calls["posterior"], "--quiet")
    return calls


def scores(calls: Path) -> Iterator[tuple[tuple[str, int, str, str], float]]:
    """(contig, position from 1, reference, alternative), and a score that is the higher the more probably it is somatic."""
    with pysam.VariantFile(str(calls)) as records:
        for record in records:
            place = (record.contig, record.pos, record.ref, (record.alts or ("",))[0])
            if "CNN_PROB" in record.info:
                yield place, float(record.info["CNN_PROB"][0])
            elif "PROB_SOMATIC_TUMOR" in record.info and record.info["PROB_SOMATIC_TUMOR"][0] is not None:
                yield place, -float(record.info["PROB_SOMATIC_TUMOR"][0])


def precision(found: dict[Any, float], members: set[Any], real: set[Any]) -> float:
    """Average precision of the members; what a judge says nothing of comes last."""
    from scipy.stats import rankdata

    order = sorted(members)
    rank = rankdata([found.get(place, -np.inf) for place in order]) / (len(order) + 1)
    value = classification_metrics(np.array([place in real for place in order], int), rank).average_precision
    return round(float(value or 0), 3)


def simulated(work: Path, most: int) -> list[dict[str, Any]]:
    """A row for each protocol and class of variants."""
    rows = []
    for protocol in TESTS:
        folder = reads_of(work, protocol, most)
        with pysam.VariantFile(str(folder / "truth.vcf.gz")) as truth:
            planted = {(one.contig, one.pos, one.ref, one.alts[0]) for one in truth if one.info["EVENT"] == "SOMATIC_TUMOR"}
        pair = {"reference": folder / "reference.fa", "tumor": folder / "tumor.bam", "normal": folder / "normal.bam"}
        alone = {option: path for option, path in pair.items() if option != "normal"}
        purity = float(protocol.options.get("purity", PURITY))
        ways = {
            way: judged(folder, way, folder / "chosen.vcf.gz", reads, purity)
            for way, reads in (("pair", pair), ("alone", alone))
        }
        with pysam.VariantFile(str(folder / "chosen.vcf.gz")) as listed:
            places = {(one.contig, one.pos, one.ref, (one.alts or ("",))[0]) for one in listed}
        classes = {
            "SNVs": {place for place in places if len(place[2]) == len(place[3]) == 1},
            "indels": {place for place in places if len(place[2]) != len(place[3])},
        }
        for title, members in classes.items():
            figures = {
                f"{judge}, {way}": precision(dict(scores(calls)), members, planted)
                for way, both in ways.items()
                for judge, calls in both.items()
            }
            counts = {"candidates": len(members), "real": len(members & planted)}
            rows.append({"protocol": protocol.description, "variants": title, **counts, "average_precision": figures})
            print(rows[-1], flush=True)
    return rows


def mixture(work: Path) -> dict[str, Any]:
    """Average precision on the raw SNVs of Strelka2 in a mixture of two persons, labelled as in spiking.py."""
    packed = work / "mixture.vcf.gz"
    pysam.bcftools.view("-Oz", "--write-index=tbi", "-o", str(packed), str(REAL / "candidates.vcf"), catch_stdout=False)
    reads = {"reference": REAL / "reference.fa.gz", "tumor": REAL / "tumor.bam", "normal": REAL / "normal.bam"}
    alone = {option: path for option, path in reads.items() if option != "normal"}
    with pysam.VariantFile(str(packed)) as records:
        listed = {(one.contig, one.pos, one.ref, (one.alts or ("",))[0]): "PASS" in one.filter for one in records}
    real = {place for place, passed in listed.items() if passed or place[1] in REAL_BUT_NOT_PASSED}
    figures = {
        f"{judge}, {way}": precision(dict(scores(calls)), set(listed), real)
        for way, given in (("pair", reads), ("alone", alone))
        for judge, calls in judged(work, f"mixture-{way}", packed, given, 0.3).items()
    }
    return {"candidates": len(listed), "real": len(real), "average_precision": figures}


def believed(work: Path, case: str, reads: str, chosen: set[int] | None) -> dict[str, Any]:
    """How many alleles at these positions (of all) the network for a tumour alone gives a probability of 0.5 or more."""
    folder, output = CASES / case, work / f"{case}.vcf.gz"
    files = ("--candidates", folder / "cand.vcf.gz", "--reference", folder / "ref.fa.gz", "--tumor", folder / reads)
    run("predict", *files, "--output", output, "--threads", "2", "--quiet")
    found = [score for place, score in scores(output) if chosen is None or place[1] in chosen]
    return {"candidates": len(found), "believed": sum(score >= 0.5 for score in found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench-work/models/medium-18"))
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"protocols": simulated(options.work, PROFILES["medium"].candidates)}
    if REAL.exists():
        results["mixture"] = mixture(options.work)
        truth = (CASES / "real-umi-ctdna-tumour-only" / "truth.tsv").read_text().splitlines()[1:]
        known = {int(line.split("\t")[1]) for line in truth}
        results["ctdna"] = believed(options.work, "real-umi-ctdna-tumour-only", "duplex.bam", known)
        results["hairpins"] = believed(options.work, "real-inverted-repeat-artefacts", "reads.bam", HAIRPINS)
    results["page"] = models_lines(results)
    (options.output / "models.json").write_text(json.dumps(results, indent=1) + "\n")
    write_page(options.output)


if __name__ == "__main__":
    main()
