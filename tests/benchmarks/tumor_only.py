"""Tumour only: are the rates kept without a matched normal, and how much is found, with what one may have in its place?

    make bench-tumor-only, or .venv/bin/python tests/benchmarks/tumor_only.py --work bench-work/tumor-only --jobs 2
    .venv/bin/python tests/benchmarks/tumor_only.py --samples paralogs --ways alone --seeds 1 --work /tmp/work --output /tmp/out
    .venv/bin/python tests/benchmarks/tumor_only.py --short --work /tmp/work --output /tmp/results

Each sample of `tumor_only_samples` is simulated with a germline resource, normals of other people and its copy numbers. What
call-candidates finds in the tumour is scored by score-posterior with nothing beside it, with the resource, with panels, with
all, and with the matched normal, told the true purity each time, and held against the truth as evaluate-calls does it. Ways
whose options score-posterior lacks are left out. Where gatk is on the PATH, Mutect2 has the same tumour and resource, and
FilterMutectCalls filters at a false discovery rate of 0.05. Writes tumor_only.json and its section of RESULTS.md.
"""

import argparse
import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pysam
from bench import HERE, PACKAGE, run, simulated_pair, source_digest
from haplotypes import class_of, compared, normalised
from mutect2 import INSTALLED, OWN_RATE, cpu_seconds, kept_alleles
from regimes import judged
from regimes_samples import SHORT_OPTIONS
from tables import write_page
from tumor_only_samples import MUTECT2, NORMALS, SAMPLES, SHORT, SHORT_NORMALS, WAYS, Way, possible_ways
from tumor_only_table import tumor_only_lines

from varproof.commands import EXECUTABLES
from varproof.formats.metrics import Metrics
from varproof.steps.score_posterior import ScorePosteriorSettings

CLASS_OF_TYPE = {"SNV": "snv", "MNV": "mnv"}
"""Mutect2's classes -> those of evaluate-calls; all others are indels."""


class Tumor:
    """One sample of one seed, and what is made of it."""

    def __init__(self, work: Path, sample: str, seed: int, more: dict[str, str], normals: int) -> None:
        self.sample, self.seed, self.normals = sample, seed, normals
        self.options = SAMPLES[sample].arguments(seed, {"--normals": str(normals)} | more)
        self.folder = simulated_pair(work, f"{sample}-{seed}", self.options)
        self.pair = self.folder / "pair"
        targets = self.pair / "targets.bed"
        self.regions: tuple[str | Path, ...] = ("--regions", targets) if targets.exists() else ()
        self.panels: dict[int, Path] = {}

    def has_what_it_needs(self, name: str) -> bool:
        """Whether there are copy numbers, of a way that is given them: a sample with none changed has no table."""
        return name == MUTECT2 or not WAYS[name].segments or (self.pair / "segments.tsv").exists()

    def candidates(self) -> Path:
        """What call-candidates finds in the tumour."""
        path = self.folder / "candidates.vcf.gz"
        if not path.exists():
            reads = ("--reads", self.pair / "tumor.bam", "--reference", self.pair / "reference.fa")
            run("call-candidates", *reads, *self.regions, "--output", path)
        return path

    def panel(self, normals: int) -> Path:
        """The panel of the first normals, made once."""
        if normals in self.panels:
            return self.panels[normals]
        path = self.folder / f"panel-{normals}.h5"
        reads = [part for number in range(1, normals + 1) for part in ("--reads", self.pair / f"normal-{number}.bam")]
        run("build-panel", *reads, "--reference", self.pair / "reference.fa", *self.regions, "--output", path)
        self.panels[normals] = path
        return path

    def scored(self, name: str, way: Way) -> tuple[Path, list[str], float]:
        """(scored file, warnings, CPU seconds of score-posterior)."""
        calls = self.folder / f"scored-{name}.vcf.gz"
        arguments: list[str | Path] = ["--candidates", self.candidates(), "--tumor", self.pair / "tumor.bam"]
        arguments += ["--reference", self.pair / "reference.fa", *self.regions]
        arguments += ["--purity", str(SAMPLES[self.sample].fraction("--purity"))]
        if way.normal:
            arguments += ["--normal", self.pair / "normal.bam"]
        if way.resource:
            arguments += ["--germline-resource", self.pair / "germline-resource.vcf.gz"]
        if way.normals:
            arguments += ["--panel", self.panel(min(way.normals, self.normals))]
        if way.segments:
            arguments += ["--segments", self.pair / "segments.tsv"]
        used = run("score-posterior", *arguments, "--output", calls)
        warnings = [line.partition("WARNING: ")[2] for line in used.log.splitlines() if "WARNING: " in line]
        return calls, warnings, used.cpu_seconds

    def result(self, name: str) -> dict[str, Any]:
        """One way to judge it, from the cache if nothing has changed."""
        digest = source_digest(PACKAGE, *self.options, source_digest(HERE))
        cache = self.folder / f"way-{name}.json"
        if cache.exists() and (known := json.loads(cache.read_text()))["digest"] == digest:
            return dict(known)
        found: dict[str, Any] = {"sample": self.sample, "seed": self.seed, "way": name, "digest": digest}
        found["simulate_pair"] = " ".join(self.options)
        found |= self.by_mutect2() if name == MUTECT2 else self.by_varproof(name)
        cache.write_text(json.dumps(found))
        return found

    def by_varproof(self, name: str) -> dict[str, Any]:
        """Counts by class, and what the false calls are."""
        calls, warnings, seconds = self.scored(name, WAYS[name])
        counts = judged([calls], self.pair, "SOMATIC_TUMOR", "smart")
        metrics = Metrics.model_validate_json((self.folder / f"scored-{name}-smart.json").read_text())
        said = {"cpu_seconds": round(seconds, 1), "warnings": warnings, "false_calls_by_truth": metrics.false_calls_by_truth}
        return said | {"classes": counts}

    def by_mutect2(self) -> dict[str, Any]:
        """What passes FilterMutectCalls: at its own rate alone."""
        (self.pair / "reference.dict").write_text(pysam.dict(str(self.pair / "reference.fa")))
        program, log = str(gatk()), self.folder / "gatk.log"
        raw, filtered = (self.folder / f"mutect2{kind}.vcf.gz" for kind in (".raw", ""))
        reference = ("-R", self.pair / "reference.fa")
        inputs = ("-I", self.pair / "tumor.bam", "--germline-resource", self.pair / "germline-resource.vcf.gz")
        places = ("-L", self.regions[1]) if self.regions else ()
        threads = ("--native-pair-hmm-threads", "1")
        seconds = cpu_seconds(program, "Mutect2", *reference, *inputs, *places, *threads, "-O", raw, log=log)
        seconds += cpu_seconds(program, "FilterMutectCalls", *reference, "-V", raw, *OWN_RATE, "-O", filtered, log=log)
        with pysam.FastaFile(str(self.pair / "reference.fa")) as fasta:
            sequences = {contig: fasta.fetch(contig) for contig in fasta.references}
        truth: dict[str, list[Any]] = {}
        with pysam.VariantFile(str(self.pair / "truth.vcf.gz")) as records:
            for record in records:
                allele = (record.contig, sequences[record.contig], record.start, str(record.ref), (record.alts or ("",))[0])
                truth.setdefault(record.info["EVENT"], []).append(normalised(*allele))
        somatic = truth["SOMATIC_TUMOR"]
        passing = kept_alleles(filtered, sequences, only_passing=True)
        known = {allele: event for event, alleles in truth.items() for allele in alleles}
        counts = compared(passing, somatic, sequences)
        false = Counter(known[allele] for allele in passing if known.get(allele, "SOMATIC_TUMOR") != "SOMATIC_TUMOR")
        false["other"] = max(0, sum(counts["false"].values()) - false.total())
        return {
            "cpu_seconds": round(seconds, 1),
            "warnings": [],
            "false_calls_by_truth": dict(false),
            "classes": at_one_rate(counts, Counter(class_of(allele) for allele in somatic)),
        }


def at_one_rate(counts: dict[str, dict[str, int]], truth: Counter[str]) -> dict[str, Any]:
    """Counts of `compared` as `judged` has them, at 0.05."""
    found: dict[str, Any] = {}
    for name in ("snv", "mnv", "indel"):
        kinds = [
            kind for kind in {*truth, *(k for own in counts.values() for k in own)} if CLASS_OF_TYPE.get(kind, "indel") == name
        ]
        point = {key: sum(counts[key].get(kind, 0) for kind in kinds) for key in ("true", "false", "partial", "found")}
        point["kept"] = point["true"] + point["false"] + point["partial"]
        number = sum(truth[kind] for kind in kinds)
        found[name] = {"true_variants": number, "listed": number, "points": {"0.05": point}}
    return found


def short_of(sample: str) -> dict[str, str]:
    """Options that make a sample small; panels are."""
    return {} if "--panel-targets" in SAMPLES[sample].options else SHORT_OPTIONS


def gatk() -> str | None:
    """The command, where it is there."""
    installed = INSTALLED / "bin" / "gatk"
    return shutil.which("gatk") or (str(installed) if installed.exists() else None)


def main() -> None:
    """Parse, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = possible_ways(ScorePosteriorSettings.model_fields, EXECUTABLES)
    names = [*ways, *([MUTECT2] if gatk() else [])]
    parser.add_argument("--samples", nargs="+", choices=SAMPLES)
    parser.add_argument("--ways", nargs="+", choices=names, default=names, help="what is judged with")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=1, help="samples at once")
    parser.add_argument("--normals", type=int, help="fewer normals of other people than there are")
    parser.add_argument("--short", action="store_true", help="the samples small, or one of them: whether it runs")
    parser.add_argument("--work", type=Path, default=Path("bench-work/tumor-only"))
    parser.add_argument("--output", type=Path, default=HERE, help="folder of tumor_only.json")
    options = parser.parse_args()
    samples = options.samples or (SHORT if options.short else SAMPLES)
    seeds = [1] if options.short else options.seeds
    normals = options.normals or (SHORT_NORMALS if options.short else NORMALS)
    if not any(way.normals for way in ways.values()):
        normals = 0
    options.work.mkdir(exist_ok=True, parents=True)

    def of_sample(task: tuple[str, int]) -> list[dict[str, Any]]:
        tumor, found = Tumor(options.work, *task, short_of(task[0]) if options.short else {}, normals), []
        for name in filter(tumor.has_what_it_needs, options.ways):
            found.append(tumor.result(name))
            points = [entry["points"]["0.05"] for entry in found[-1]["classes"].values()]
            false, true, known = (sum(point[key] for point in points) for key in ("false", "true", "found"))
            print(f"{task[0]}, seed {task[1]}, {name}: {false} false of {false + true} at 0.05, {known} found", flush=True)
        return found

    with ThreadPoolExecutor(options.jobs) as pool:
        tasks = [(sample, seed) for sample in samples for seed in seeds]
        results = [item for part in pool.map(of_sample, tasks) for item in part]
    options.output.mkdir(exist_ok=True, parents=True)
    kept = {"results": results, "page": tumor_only_lines(results)}
    (options.output / "tumor_only.json").write_text(json.dumps(kept, indent=1) + "\n")
    if (options.output / "results.json").exists():
        write_page(options.output)
    print(f"{options.output / 'tumor_only.json'}: {len(results)} results")


if __name__ == "__main__":
    main()
