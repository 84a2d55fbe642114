"""The quality table: simulate pairs, score them with the real executables, hold the calls against the truth.

    make bench                                         all data sets, seeds 1 to 3
    .venv/bin/python tests/benchmarks/bench.py --sets hard --seeds 4 5 --jobs 2 --output /tmp/results

Simulated pairs stay in bench-work/ until simulate-pair changes, and scores until any of the package changes, so another
seed or an interrupted run costs only what is missing. Writes results.json and RESULTS.md.
"""

import argparse
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam
from tables import CLASSES, NOMINAL_FDRS, write_results

import varproof
from varproof.formats.metrics import Metrics, OperatingPoint

PACKAGE = Path(varproof.__file__).parent
HERE = Path(__file__).parent
HEADLINE_FDR = 0.05
DATA_SETS: dict[str, tuple[str, ...]] = {
    "default": ("--purity", "0.75"),
    "hard": (
        *("--tumor-depth", "80", "--normal-depth", "40", "--read-length", "151"),
        *("--purity", "0.6", "--artifacts", "all"),
    ),
}
WARM_UP = ("--genome-length", "20000", "--somatic-snvs", "9", "--somatic-mnvs", "2", "--germline", "20")
WARM_UP_INDELS = ("--somatic-insertions", "9", "--somatic-deletions", "9", "--empty-sites", "9", "--purity", "0.75")


@dataclass(frozen=True)
class Usage:
    """What a process took: CPU seconds (user and system, its children with it) and the largest resident set, MB; its log."""

    cpu_seconds: float
    peak_mb: float
    log: str = ""


def run(name: str, *arguments: str | Path) -> Usage:
    """Run an executable; raises CalledProcessError with its log."""
    command = [sys.executable, "-m", f"varproof.commands.{name.replace('-', '_')}", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    log = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print(log, file=sys.stderr)
        raise subprocess.CalledProcessError(process.returncode, command)
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, log)


def source_digest(folder: Path, *also: str) -> str:
    """Digest of all modules under a folder, and of other text."""
    digest = hashlib.sha256(" ".join(also).encode())
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def first_records(candidates: Path, number: int, path: Path) -> Path:
    """A VCF of the first candidates."""
    with pysam.VariantFile(str(candidates)) as given, pysam.VariantFile(str(path), "w", header=given.header) as made:
        for record in itertools.islice(given, number):
            made.write(record)
    return path


def simulated_pair(work: Path, label: str, options: Sequence[str]) -> Path:
    """Folder of a simulated pair, made if the one that is there came from other options or another simulator."""
    folder = work / label
    stamp = folder / "made-by"
    digest = source_digest(PACKAGE / "simulation", *options)
    if not (stamp.exists() and stamp.read_text() == digest):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run("simulate-pair", "--output", folder / "pair", *options)
        stamp.write_text(digest)
    return folder


def evaluated(folder: Path, prior: str, mode: str) -> Metrics:
    """The calls of `scored` against the truth, filtered by a rule of fdr-filter."""
    pair, calls, judged = folder / "pair", folder / f"scored-{prior}.vcf.gz", folder / f"metrics-{prior}-{mode}.json"
    truth = ("--truth", pair / "truth.vcf.gz", "--reference", pair / "reference.fa")
    run("evaluate-calls", "--calls", calls, *truth, "--mode", mode, "--output", judged)
    return Metrics.model_validate_json(judged.read_text())


def scored(folder: Path, purity: str, prior: str) -> tuple[Metrics, Usage]:
    """From reads to filtered calls in one process each, and their evaluation; reads properties are measured on the way."""
    pair, calls, kept = folder / "pair", folder / f"scored-{prior}.vcf.gz", folder / f"filtered-{prior}.vcf.gz"
    inputs = ("--candidates", pair / "candidates.vcf.gz", "--reference", pair / "reference.fa", "--purity", purity)
    reads = ("--tumor", pair / "tumor.bam", "--normal", pair / "normal.bam")
    scoring = run("score-posterior", *inputs, *reads, "--prior", prior, "--output", calls)
    rate = ("--events", "SOMATIC_TUMOR", "--fdr", str(HEADLINE_FDR))
    filtering = run("fdr-filter", "--calls", calls, *rate, "--output", kept)
    metrics = evaluated(folder, prior, "smart")
    with pysam.VariantFile(str(kept)) as handle:
        written = sum(len(record.alts or ()) for record in handle)
    expected = point_at(metrics.class_named("all").joint_threshold, HEADLINE_FDR).kept
    if written != expected:
        raise RuntimeError(f"fdr-filter kept {written} calls where evaluate-calls counts {expected}: {folder}")
    usage = Usage(scoring.cpu_seconds + filtering.cpu_seconds, max(scoring.peak_mb, filtering.peak_mb))
    return metrics, usage


def point_at(points: Sequence[OperatingPoint], nominal: float) -> OperatingPoint:
    """The operating point of a nominal rate."""
    return next(point for point in points if point.nominal_fdr == nominal)


def class_result(metrics: Metrics, name: str) -> dict[str, Any]:
    """Counts of one class: at each nominal rate kept, false and partial; found and VAF errors at the headline rate."""
    entry = metrics.class_named(name)
    headline = point_at(entry.own_threshold, HEADLINE_FDR)
    return {
        "candidates": entry.calls,
        "true_variants": entry.true_variants,
        "found": headline.found,
        "points": {
            str(rate): {
                key: getattr(point_at(entry.own_threshold, rate), key)
                for key in ("kept", "true", "false", "partial", "expected_fdr", "max_error_probability")
            }
            for rate in NOMINAL_FDRS
        },
        "vaf": None if entry.vaf is None else entry.vaf.model_dump(),
    }


def result(work: Path, name: str, seed: int, more: Sequence[str], flat: bool) -> dict[str, Any]:
    """One data set with one seed, from the cache if nothing has changed."""
    options = (*DATA_SETS[name], "--seed", str(seed), *more)
    folder = simulated_pair(work, f"{name}-{seed}", options)
    digest = source_digest(PACKAGE, *options, str(flat), source_digest(HERE))
    cache = folder / "result.json"
    if cache.exists() and (known := json.loads(cache.read_text()))["digest"] == digest:
        return known
    purity = options[options.index("--purity") + 1]
    metrics, usage = scored(folder, purity, "empirical")
    by_global_rule = evaluated(folder, "empirical", "global")
    found: dict[str, Any] = {
        "set": name,
        "seed": seed,
        "simulate_pair": " ".join(options),
        "digest": digest,
        "candidates": metrics.counts.calls,
        "cpu_seconds": round(usage.cpu_seconds, 1),
        "peak_mb": round(usage.peak_mb),
        "classes": {label: class_result(metrics, label) for label in CLASSES},
        "global": {label: class_result(by_global_rule, label) for label in CLASSES},
        "false_calls_by_truth": metrics.false_calls_by_truth,
        "flat": {},
    }
    if flat:
        found["flat"] = {"snv": class_result(scored(folder, purity, "flat")[0], "snv")}
    cache.write_text(json.dumps(found))
    return found


def main() -> None:
    """Parse, run, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=DATA_SETS, default=list(DATA_SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=1, help="pairs at once; CPU seconds are best measured with 1")
    parser.add_argument("--no-flat", action="store_true", help="leave out the flat prior, for comparison")
    parser.add_argument("--genome-length", help="instead of 1 Mbp, to try this program")
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--output", type=Path, default=HERE, help="folder of results.json and RESULTS.md")
    options = parser.parse_args()
    more = ("--genome-length", options.genome_length) if options.genome_length else ()
    options.work.mkdir(exist_ok=True, parents=True)
    print("warming up (compilation is not part of the figures)", flush=True)
    scored(simulated_pair(options.work, "warm-up", (*WARM_UP, *WARM_UP_INDELS)), "0.75", "empirical")

    def one(task: tuple[str, int]) -> dict[str, Any]:
        found = result(options.work, *task, more, not options.no_flat)
        print(f"{task[0]}, seed {task[1]}: {found['cpu_seconds']} CPU seconds, {found['peak_mb']} MB", flush=True)
        return found

    tasks = [(name, seed) for name in options.sets for seed in options.seeds]
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(one, tasks))
    options.output.mkdir(exist_ok=True, parents=True)
    missed = write_results(results, options.output)
    print(f"{options.output / 'RESULTS.md'}: {missed or 'no'} goal{'' if missed == 1 else 's'} missed")


if __name__ == "__main__":
    main()
