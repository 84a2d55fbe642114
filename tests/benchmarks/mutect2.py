"""Mutect2's list judged twice: by FilterMutectCalls at its own false discovery rate of 0.05, and by varproof at the same.

    make bench, or .venv/bin/python tests/benchmarks/mutect2.py --work bench-work
    .venv/bin/python tests/benchmarks/mutect2.py --short --work /tmp/work --output /tmp/results

Pairs are those of bench.py. Mutect2 makes a list of each, FilterMutectCalls filters it, and score-posterior and fdr-filter get
the filtered list as it is, with all its records. Takes part where GATK is on the PATH or can be installed (Java, Maven); else
nothing is measured, which is no error. Writes mutect2.json and its section of RESULTS.md.
"""

import argparse
import json
import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pysam
from bench import DATA_SETS, HEADLINE_FDR, HERE, PACKAGE, run, scored, simulated_pair, source_digest
from candidates import Allele
from haplotypes import class_of, compared, normalised
from mutect2_table import mutect2_lines
from tables import write_page

INSTALLED = HERE.parents[1] / "build" / "engines" / "gatk"
INSTALL = HERE.parent / "wrappers" / "engines" / "install-gatk.sh"
SHORT = (
    *("--genome-length", "40000", "--somatic-snvs", "20", "--somatic-mnvs", "5", "--somatic-insertions", "8"),
    *("--somatic-deletions", "8", "--germline", "30", "--empty-sites", "5"),
)
OWN_RATE = ("--threshold-strategy", "FALSE_DISCOVERY_RATE", "--false-discovery-rate", str(HEADLINE_FDR))


def gatk() -> str | None:
    """The command, installed if need be; None, with a word, where it can't be had."""
    for found in (shutil.which("gatk"), str(INSTALLED / "bin" / "gatk")):
        if found and os.access(found, os.X_OK):
            return found
    made = subprocess.run(["bash", INSTALL, INSTALLED], capture_output=True, text=True)
    if made.returncode == 0:
        return str(INSTALLED / "bin" / "gatk")
    shutil.rmtree(INSTALLED, ignore_errors=True)
    print(f"mutect2: not run, GATK can't be had: {' '.join((made.stderr or made.stdout).split())[-300:]}")
    return None


def cpu_seconds(*command: str | Path, log: Path) -> float:
    """Run a program with its words in a file; CPU seconds."""
    with log.open("w") as said:
        process = subprocess.Popen([str(part) for part in command], stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[1]} failed: {log.read_text()[-2000:]}")
    return used.ru_utime + used.ru_stime


def mutect2_list(program: str, folder: Path) -> tuple[Path, dict[str, float]]:
    """Mutect2's list with its filters, and what each of the two programs took."""
    pair = folder / "pair"
    raw, filtered, log, spent = (
        folder / "mutect2.raw.vcf.gz",
        folder / "mutect2.vcf.gz",
        folder / "gatk.log",
        folder / "gatk.json",
    )
    if not (filtered.exists() and spent.exists()):
        (pair / "reference.dict").write_text(pysam.dict(str(pair / "reference.fa")))
        reads = ("-I", pair / "tumor.bam", "-I", pair / "normal.bam", "-normal", "normal")
        reference = ("-R", pair / "reference.fa")
        threads = ("--native-pair-hmm-threads", "1")
        used = {"Mutect2": cpu_seconds(program, "Mutect2", *reference, *reads, *threads, "-O", raw, log=log)}
        filtering = (program, "FilterMutectCalls", *reference, "-V", raw, *OWN_RATE, "-O", filtered)
        used["FilterMutectCalls"] = cpu_seconds(*filtering, log=log)
        spent.write_text(json.dumps(used))
    return filtered, json.loads(spent.read_text())


def kept_alleles(path: Path, sequences: dict[str, str], only_passing: bool = False) -> list[Allele]:
    """Alleles of bases in a VCF, trimmed and left-aligned; of records that pass all filters, or of all."""
    found = []
    with pysam.VariantFile(str(path)) as calls:
        for record in calls:
            if not only_passing or list(record.filter) == ["PASS"]:
                for alt in record.alts or ():
                    if set(alt) <= set("ACGTN"):
                        found.append(normalised(record.contig, sequences[record.contig], record.start, record.ref, alt))
    return sorted(set(found))


def judged_by_varproof(folder: Path, candidates: Path, purity: str) -> tuple[Path, dict[str, float]]:
    """What fdr-filter keeps of a list, and what the two executables took."""
    pair, calls, kept = folder / "pair", folder / "mutect2.scored.vcf.gz", folder / "mutect2.kept.vcf.gz"
    reads = ("--tumor", pair / "tumor.bam", "--normal", pair / "normal.bam", "--reference", pair / "reference.fa")
    scoring = run("score-posterior", "--candidates", candidates, *reads, "--purity", purity, "--output", calls)
    rate = ("--events", "SOMATIC_TUMOR", "--fdr", str(HEADLINE_FDR))
    filtering = run("fdr-filter", "--calls", calls, *rate, "--output", kept)
    return kept, {"score-posterior": scoring.cpu_seconds, "fdr-filter": filtering.cpu_seconds}


def result(program: str, work: Path, name: str, seed: int, more: tuple[str, ...]) -> dict[str, Any]:
    """One pair: by class, what is true, what Mutect2 lists, and what both keep of it."""
    options = (*DATA_SETS[name], "--seed", str(seed), *more)
    folder = simulated_pair(work, f"{name}-{seed}", options)
    digest = source_digest(PACKAGE, *options, source_digest(HERE))
    cache = folder / "mutect2.json"
    if cache.exists() and (known := json.loads(cache.read_text()))["digest"] == digest:
        return known
    filtered, usage = mutect2_list(program, folder)
    kept, more_usage = judged_by_varproof(folder, filtered, options[options.index("--purity") + 1])
    with pysam.FastaFile(str(folder / "pair" / "reference.fa")) as fasta:
        sequences = {contig: fasta.fetch(contig) for contig in fasta.references}
    with pysam.VariantFile(str(folder / "pair" / "truth.vcf.gz")) as records:
        truth = [
            normalised(record.contig, sequences[record.contig], record.start, record.ref, (record.alts or ("",))[0])
            for record in records
            if record.info["EVENT"] == "SOMATIC_TUMOR"
        ]
    lists = {
        "listed": kept_alleles(filtered, sequences),
        "Mutect2": kept_alleles(filtered, sequences, only_passing=True),
        "varproof": kept_alleles(kept, sequences),
    }
    found: dict[str, Any] = {
        "set": name,
        "seed": seed,
        "digest": digest,
        "simulate_pair": " ".join(options),
        "cpu_seconds": {program: round(seconds, 1) for program, seconds in (usage | more_usage).items()},
        "truth": dict(Counter(class_of(allele) for allele in truth)),
        "alleles": {label: len(alleles) for label, alleles in lists.items()},
    }
    for label, alleles in lists.items():
        found[label] = compared(alleles, truth, sequences)
    cache.write_text(json.dumps(found))
    return found


def main() -> None:
    """Parse, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=DATA_SETS, default=list(DATA_SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--short", action="store_true", help="one small pair: whether it runs")
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--output", type=Path, default=HERE, help="folder of mutect2.json")
    options = parser.parse_args()
    program = gatk()
    if program is None:
        return
    if options.short:
        options.sets, options.seeds, more = ["default"], [1], SHORT
    else:
        more = ()
        scored(simulated_pair(options.work, "warm-up-mutect2", (*SHORT, "--purity", "0.75")), "0.75", "empirical")
    options.work.mkdir(exist_ok=True, parents=True)
    results = []
    for name in options.sets:
        for seed in options.seeds:
            results.append(result(program, options.work, name, seed, more))
            print(f"mutect2: {name}, seed {seed}: {results[-1]['cpu_seconds']}", flush=True)
    options.output.mkdir(exist_ok=True, parents=True)
    kept = {"results": results, "page": mutect2_lines(results)}
    (options.output / "mutect2.json").write_text(json.dumps(kept, indent=1) + "\n")
    if (options.output / "results.json").exists():
        write_page(options.output)


if __name__ == "__main__":
    main()
