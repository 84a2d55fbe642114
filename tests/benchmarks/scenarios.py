"""Scenarios of several samples: realised rates and recall by event, and judging regions together against one deep sample.

    .venv/bin/python tests/benchmarks/scenarios.py --work bench-work
    .venv/bin/python tests/benchmarks/scenarios.py --short --work /tmp/work --output /tmp/results

Samples are mixtures of genomes that descend from each other (`varproof.simulation.samples`), candidates are all that is planted
and all that two reads of a sample show. Evidence is collected once, and
scored with event rates alone and with spectra. Writes scenarios.json and its section of RESULTS.md.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from bench import HERE, PACKAGE, run, source_digest
from scenarios_table import NOMINAL_FDRS, scenarios_lines
from tables import write_page

from varproof.formats.scored import error_probabilities, select_events
from varproof.formats.vcf import open_vcf, read_records
from varproof.posterior.fdr import fdr_threshold
from varproof.simulation.samples import SOMATIC, Descent, Mixture, simulate_samples, started
from varproof.simulation.settings import ArtifactName, SimulationSettings

ONE_REGION = """samples:
  normal:
    universe: "0.0 | ]0.0,0.5[ | 0.5 | 1.0"
  deep:
    universe: "0.0 | ]0.0,1.0[ | 0.5 | 1.0"
events:
  somatic: "normal:0.0 & deep:]0.0,1.0]"
  somatic_normal: "normal:]0.0,0.5["
  germline_het: "normal:0.5"
  germline_hom: "normal:1.0"
"""
REGIONS = ("region1", "region2", "region3")
Found = dict[str, float]
"""Frequency of a variant in each sample."""


@dataclass(frozen=True)
class Question:
    """Events that are called together, and which true variants they are about, by what it is and where."""

    events: str
    wanted: Callable[[str, Found], bool]


@dataclass(frozen=True)
class Study:
    """Genomes that are made in a descent, the samples, and what is asked: by scenario (a ready one, or a text), --rates."""

    length: int
    made: Callable[[Descent, int], None]
    samples: dict[str, Mixture]
    asked: dict[str, tuple[str, ...]]
    artifacts: tuple[ArtifactName, ...] = ()
    rates: tuple[str, ...] = ("learnt", "spectra")


def _regions(descent: Descent, share: int) -> None:
    descent.founder("normal", 200 // share)
    descent.clone("trunk", "normal", 80 // share, 30 // share)
    for name, parent in (("left", "trunk"), ("right", "trunk"), ("late", "right")):
        descent.clone(name, parent, 40 // share, 10 // share)


def _relapse(descent: Descent, share: int) -> None:
    descent.founder("normal", 200 // share)
    descent.clone("trunk", "normal", 80 // share, 20 // share)
    descent.clone("sensitive", "trunk", 60 // share, 10 // share)
    descent.clone("resistant", "trunk", 60 // share, 10 // share)


def _trio(descent: Descent, share: int) -> None:
    descent.founder("mother", 300 // share)
    descent.founder("father", 300 // share)
    descent.child("child", "mother", "father", 100 // share)


def _rare(descent: Descent, share: int) -> None:
    descent.founder("normal", 100 // share)
    descent.clone("tumor", "normal", 240 // share, 60 // share)


OF_REGIONS = {
    "normal": Mixture({"normal": 1.0}, 30),
    "region1": Mixture({"normal": 0.3, "trunk": 0.3, "left": 0.4}, 40),
    "region2": Mixture({"normal": 0.4, "trunk": 0.2, "right": 0.3, "late": 0.1}, 40),
    "region3": Mixture({"normal": 0.6, "right": 0.15, "late": 0.25}, 40),
}
STUDIES = {
    "multi-region": Study(300_000, _regions, OF_REGIONS, {"multi-region": ("any", "all regions", "some regions")}),
    "artefacts": Study(
        300_000,
        _regions,
        OF_REGIONS,
        {"multi-region": ("any", "all regions", "some regions")},
        ("damage", "end-errors", "slippage", "paralogs", "duplicates", "quality-overstated"),
    ),
    "relapse": Study(
        300_000,
        _relapse,
        {
            "normal": Mixture({"normal": 1.0}, 30),
            "tumor": Mixture({"normal": 0.3, "trunk": 0.2, "sensitive": 0.4, "resistant": 0.1}, 40),
            "relapse": Mixture({"normal": 0.5, "resistant": 0.5}, 40),
        },
        {"relapse": ("any in tumour or relapse", "kept", "lost")},
    ),
    "trio-denovo": Study(
        300_000,
        _trio,
        {name: Mixture({name: 1.0}, 30) for name in ("mother", "father", "child")},
        {"trio-denovo": ("de novo", "inherited")},
        rates=("scenario", "spectra"),
    ),
    "rare": Study(
        300_000,
        _rare,
        {
            "normal": Mixture({"normal": 1.0}, 40),
            **{name: Mixture({"normal": 0.9, "tumor": 0.1}, 40) for name in REGIONS},
            "deep": Mixture({"normal": 0.9, "tumor": 0.1}, 120),
        },
        {"multi-region": ("5 % in three regions of 40×, together",), ONE_REGION: ("5 % in one sample of 120×",)},
    ),
}
SOMATICS = "SOMATIC_ALL,SOMATIC_SOME"
QUESTIONS = {
    "any": Question(SOMATICS, lambda event, found: event == SOMATIC),
    "all regions": Question("SOMATIC_ALL", lambda event, found: event == SOMATIC and all(found[name] > 0 for name in REGIONS)),
    "some regions": Question(
        "SOMATIC_SOME", lambda event, found: event == SOMATIC and not all(found[name] > 0 for name in REGIONS)
    ),
    "any in tumour or relapse": Question("SOMATIC_KEPT,SOMATIC_LOST,SOMATIC_RELAPSE", lambda event, found: event == SOMATIC),
    "kept": Question("SOMATIC_KEPT", lambda event, found: event == SOMATIC and found["tumor"] > 0 and found["relapse"] > 0),
    "lost": Question("SOMATIC_LOST", lambda event, found: event == SOMATIC and found["relapse"] == 0),
    "de novo": Question("DENOVO", lambda event, found: event == "DENOVO"),
    "inherited": Question("INHERITED", lambda event, found: event == "GERMLINE" and found["child"] > 0),
    "5 % in three regions of 40×, together": Question(SOMATICS, lambda event, found: event == SOMATIC),
    "5 % in one sample of 120×": Question("SOMATIC", lambda event, found: event == SOMATIC),
}
Key = tuple[str, int, str, str]


def true_variants(folder: Path) -> dict[Key, tuple[str, Found]]:
    """Event and frequencies of each planted variant."""
    found = {}
    with pysam.VariantFile(str(folder / "truth.vcf.gz")) as truth:
        for record in truth:
            shown = {
                name: float(value) for name, _, value in (part.partition("=") for part in record.info["SAMPLE_AF"].split("|"))
            }
            assert record.alts is not None
            found[record.chrom, record.pos, record.ref, record.alts[0]] = str(record.info["EVENT"]), shown
    return found


def counted(scored: Path, truth: dict[Key, tuple[str, Found]], question: Question) -> dict[str, Any]:
    """True and false calls at each rate, and how many true variants there are."""
    with open_vcf(scored) as handle:
        selection = select_events(scored, handle.header, [question.events])
    keys: list[Key] = []
    errors: list[float] = []
    for record in read_records(scored):
        for alt, error in zip(record.alts or (), error_probabilities(record, selection), strict=True):
            keys.append((record.contig, record.pos, record.ref, alt))
            errors.append(error)
    known = np.array(errors)
    real = np.array([key in truth and question.wanted(*truth[key]) for key in keys])
    points = {}
    for rate in NOMINAL_FDRS:
        kept = known <= fdr_threshold(known[~np.isnan(known)], rate, "smart").error
        points[str(rate)] = {"true": int((kept & real).sum()), "false": int((kept & ~real).sum())}
    return {"points": points, "wanted": sum(question.wanted(*item) for item in truth.values())}


def results_of(work: Path, name: str, seed: int, short: bool) -> list[dict[str, Any]]:
    """What comes of a study: one result for each question."""
    study = STUDIES[name]
    made_of = source_digest(PACKAGE / "simulation", Path(__file__).read_text(), name, str(short))
    folder = work / f"scenarios-{name}-{seed}-{made_of}"
    settings = SimulationSettings(
        genome_length=20_000 if short else study.length, seed=seed, empty_sites=50, artifacts=[*study.artifacts]
    )
    if not folder.exists():
        descent = started(settings)
        study.made(descent, 15 if short else 1)
        simulate_samples(settings, descent, study.samples, folder, workers=2)
    collect(folder, list(study.samples))
    truth, found = true_variants(folder), []
    for number, (scenario, asked) in enumerate(study.asked.items()):
        own = [sample for sample in study.samples if scenario == ONE_REGION or sample != "deep"]
        own = [sample for sample in own if scenario != ONE_REGION or sample in ("normal", "deep")]
        sheet, text = folder / f"{number}.tsv", folder / f"{number}.yaml"
        sheet.write_text("sample\treads\n" + "".join(f"{sample}\t{sample}.h5\n" for sample in own))
        if scenario == ONE_REGION:
            text.write_text(scenario)
        for rates in study.rates:
            scored = folder / f"{number}-{rates}.vcf.gz"
            used = run(
                "score-scenario", "--scenario", text if scenario == ONE_REGION else scenario, "--samples", sheet,
                "--candidates", folder / "candidates.vcf.gz", "--reference", folder / "reference.fa", "--output", scored,
                "--rates", rates,
            )  # fmt: skip
            cost = {"cpu_seconds": round(used.cpu_seconds, 1), "memory_mb": round(used.peak_mb)}
            for question in asked:
                entry = counted(scored, truth, QUESTIONS[question])
                known = {"study": name, "seed": seed, "question": question, "rates": rates, "samples": len(own)}
                found.append({**known, **entry, **cost})
    return found


def collect(folder: Path, samples: list[str]) -> None:
    """Evidence of each sample, with repeats that are measured in all of them."""
    reference = ("--reference", folder / "reference.fa")
    for sample in samples:
        if not (folder / f"{sample}.json").exists():
            run("estimate-alignment", "--reads", folder / f"{sample}.bam", *reference, "--output", folder / f"{sample}.json")
    for sample in samples:
        if not (folder / f"{sample}.h5").exists():
            others = [folder / f"{other}.json" for other in samples if other != sample]
            run(
                "collect-evidence", "--reads", folder / f"{sample}.bam", "--alignment", folder / f"{sample}.json",
                "--repeats", *others, *reference, "--candidates", folder / "candidates.vcf.gz",
                "--output", folder / f"{sample}.h5",
            )  # fmt: skip


def main() -> None:
    """Parse, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--studies", nargs="+", choices=STUDIES, default=list(STUDIES))
    parser.add_argument("--short", action="store_true", help="small samples: whether it runs")
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--output", type=Path, default=HERE, help="folder of scenarios.json")
    options = parser.parse_args()
    options.work.mkdir(exist_ok=True, parents=True)
    results = []
    for seed in options.seeds[:1] if options.short else options.seeds:
        for name in options.studies:
            results += results_of(options.work, name, seed, options.short)
            print(f"{name}, seed {seed}", flush=True)
    options.output.mkdir(exist_ok=True, parents=True)
    kept = {"results": results, "page": scenarios_lines(results)}
    (options.output / "scenarios.json").write_text(json.dumps(kept, indent=1) + "\n")
    if (options.output / "results.json").exists():
        write_page(options.output)


if __name__ == "__main__":
    main()
