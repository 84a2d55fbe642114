"""How fast varproof is, how that grows with the input, and how long it takes to start.

    .venv/bin/python tests/benchmarks/speed.py --work bench-work [--only varlociraptor kernels …]

Programs are run on one core, alternating, and the least CPU time of several runs counts; ratios are those of one session.
Varlociraptor takes part where `varlociraptor` is on the PATH (`cargo install varlociraptor`; 8.12.0 was used). Writes
speed.json and its section of RESULTS.md.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pysam
from bench import DATA_SETS, HERE, WARM_UP, WARM_UP_INDELS, Usage, first_records, run, simulated_pair
from profiling import START, profiled, stage_shares
from speed_table import speed_lines
from tables import write_page

MILLION = 1_000_000


@dataclass(frozen=True)
class Size:
    """How much is measured: runs of each, calls, lengths of references and depths to scale over, more options of pairs."""

    repeats: int
    calls: int
    lengths: tuple[int, ...]
    depths: tuple[int, ...]
    pair: tuple[str, ...]


FULL = Size(3, MILLION, (MILLION // 10, MILLION, 10 * MILLION), (10, 40, 200, 1000, 2000), ())
SHORT = Size(1, 2_000, (20_000, 30_000, 40_000), (10, 40), (*WARM_UP, *WARM_UP_INDELS))
"""Whether everything can be measured, not what comes out of it: for CI."""

size = FULL
STARTED = ("fdr-filter", "score-posterior", "call-candidates", "train")


def pair_of(work: Path, name: str) -> Path:
    """The folder of the first pair of a data set of bench.py."""
    return simulated_pair(work, f"{name}-1", (*DATA_SETS[name], "--seed", "1", *size.pair)) / "pair"


def waited(process: subprocess.Popen[Any]) -> Usage:
    """What a process took; raises CalledProcessError where it failed."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def other(*command: str | Path, output: Path | None = None) -> Usage:
    """Run another program on one core, its log thrown away."""
    with open(output or os.devnull, "wb") as written:
        cores = sorted(os.sched_getaffinity(0))[:1]
        process = subprocess.Popen(
            [str(item) for item in command], stdout=written, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )  # fmt: skip
        return waited(process)


def together(parts: list[Usage]) -> Usage:
    """Several processes, one after the other."""
    return Usage(sum(part.cpu_seconds for part in parts), max(part.peak_mb for part in parts))


def least(runs: list[Usage]) -> Usage:
    """The run that took least CPU."""
    return min(runs, key=lambda usage: usage.cpu_seconds)


def varproof_scores(pair: Path, output: Path, *more: str, candidates: str = "candidates.vcf.gz") -> Usage:
    """From reads and candidates to the scored VCF, both alignments measured on the way."""
    return run(
        "score-posterior", "--candidates", pair / candidates, "--reference", pair / "reference.fa", "--tumor",
        pair / "tumor.bam", "--normal", pair / "normal.bam", "--purity", "0.75", "--output", output, "--quiet", *more,
    )  # fmt: skip


def varlociraptor_scores(program: str, pair: Path, folder: Path, mode: str) -> Usage:
    """The same with Varlociraptor: estimate, preprocess both samples, call."""
    reference, parts, observations = pair / "reference.fa", [], []
    for sample in ("tumor", "normal"):
        properties, seen = folder / f"{sample}.json", folder / f"{sample}.{mode}.bcf"
        reads = pair / f"{sample}.bam"
        parts.append(other(program, "estimate", "alignment-properties", reference, "--bams", reads, output=properties))
        parts.append(
            other(
                program, "preprocess", "variants", reference, "--alignment-properties", properties, "--candidates",
                pair / "candidates.vcf.gz", "--bam", reads, "--pairhmm-mode", mode, "--output", seen,
            )
        )  # fmt: skip
        observations.append(seen)
    called = folder / f"{mode}.bcf"
    command = [program, "call", "variants", "--output", called, "tumor-normal", "--purity", "0.75"]
    parts.append(other(*command, "--tumor", observations[0], "--normal", observations[1]))
    return together(parts)


def judged(calls: Path, pair: Path, folder: Path) -> dict[str, Any]:
    """False and kept calls, and recall, of SNVs and of all others at nominal rates of 0.05 and 0.1."""
    metrics = folder / "metrics.json"
    truth = ("--truth", pair / "truth.vcf.gz", "--reference", pair / "reference.fa")
    run("evaluate-calls", "--calls", calls, *truth, "--output", metrics, "--quiet")
    found = {}
    for item in json.loads(metrics.read_text())["classes"]:
        if item["name"] in ("snv", "all"):
            found[item["name"]] = {
                str(at["nominal_fdr"]): {key: at[key] for key in ("kept", "true", "recall") if key in at}
                for at in item["own_threshold"]
                if at["nominal_fdr"] in (0.05, 0.1)
            }
    return found


def against_varlociraptor(work: Path) -> dict[str, Any]:
    """CPU seconds from reads to posteriors, and what comes of them, on one pair of 1 Mbp."""
    return compared(pair_of(work, "default"), work / "speed", {"fast": size.repeats, "exact": 1})  # exact: two minutes each


def against_varlociraptor_on_more(work: Path) -> dict[str, Any]:
    """The same on ten times as much, where the start of the process hardly counts."""
    return compared(grown_pair(work, size.lengths[-1]), work / "speed", {"fast": 1})


def compared(pair: Path, folder: Path, modes: dict[str, int]) -> dict[str, Any]:
    """varproof and each mode of Varlociraptor, alternating, so many times each."""
    folder.mkdir(exist_ok=True)
    with pysam.VariantFile(str(pair / "candidates.vcf.gz")) as records:
        found: dict[str, Any] = {"candidates": sum(1 for _ in records), "programs": {}}
    program = shutil.which("varlociraptor")
    repeats = max(modes.values())
    programs: dict[str, tuple[Callable[[], Usage], Path, int]] = {
        "varproof": (lambda: varproof_scores(pair, folder / "varproof.vcf.gz"), folder / "varproof.vcf.gz", repeats)
    }
    if program is not None:
        for mode, times in modes.items():
            programs[f"Varlociraptor, {mode}"] = (
                lambda mode=mode: varlociraptor_scores(program, pair, folder, mode), folder / f"{mode}.bcf", times
            )  # fmt: skip
    varproof_scores(pair, folder / "varproof.vcf.gz")  # compiles
    runs: dict[str, list[Usage]] = {name: [] for name in programs}
    for i in range(repeats):
        for name, (measure, _, times) in programs.items():
            if i < times:
                runs[name].append(measure())
    for name, (_, calls, _) in programs.items():
        found["programs"][name] = asdict(least(runs[name])) | {"quality": judged(calls, pair, folder)}
    return found


def grown_pair(work: Path, length: int) -> Path:
    """A pair of so many bp, with planted variants in proportion."""
    grown = work / "speed" / f"grown-{length}"
    if not grown.exists():
        planted = [f"--{kind}={max(20, length // 2500)}" for kind in ("somatic-snvs", "germline")]
        run("simulate-pair", *size.pair, "--genome-length", str(length), *planted, "--output", grown, "--seed", "1", "--quiet")
    return grown


def a_million(work: Path) -> dict[str, Any]:
    """score-posterior on a million candidates: an SNV at every tenth base of 10 Mbp."""
    pair = grown_pair(work, size.lengths[-1])
    many = pair / "million.vcf"
    if not many.exists():
        with pysam.FastaFile(str(pair / "reference.fa")) as reference, many.open("w") as out:
            contig, length = reference.references[0], reference.lengths[0]
            out.write(f"##fileformat=VCFv4.2\n##contig=<ID={contig},length={length}>\n")
            out.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
            bases = reference.fetch(contig)
            for start in range(9, length, 10):
                alternative = "ACGT"[("ACGT".index(bases[start]) + 1) % 4]
                out.write(f"{contig}\t{start + 1}\t.\t{bases[start]}\t{alternative}\t.\t.\t.\n")
    usage = varproof_scores(pair, work / "speed" / "million.vcf.gz", candidates="million.vcf")
    return {"candidates": size.lengths[-1] // 10, **asdict(usage)}


def by_type(work: Path) -> list[dict[str, Any]]:
    """CPU seconds of collect-evidence on the candidates of each type, less those on a single one, and the pairs it weighs."""
    from varproof.formats.evidence import EvidenceReader
    from varproof.variants.candidate import candidates_of

    pair, folder = pair_of(work, "default"), work / "speed"
    folder.mkdir(exist_ok=True)
    properties = folder / "alignment.json"
    shared = ["--reads", pair / "tumor.bam", "--reference", pair / "reference.fa"]
    run("estimate-alignment", *shared, "--output", properties, "--quiet")
    records: dict[str, list[str]] = {}
    with pysam.VariantFile(str(pair / "candidates.vcf.gz")) as source:
        head = str(source.header)
        for record in source:
            records.setdefault(candidates_of(record, 0)[0].type.value, []).append(str(record))

    def collected(lines: list[str]) -> Usage:
        few = folder / "type.vcf"
        few.write_text(head + "".join(lines))
        arguments = ["--candidates", few, *shared, "--alignment", properties, "--output", folder / "type.h5", "--quiet"]
        return least([run("collect-evidence", *arguments) for _ in range(size.repeats)])

    found = []
    start = collected(records["snv"][:1]).cpu_seconds
    for name, lines in sorted(records.items()):
        seconds = collected(lines).cpu_seconds - start
        with EvidenceReader(folder / "type.h5") as reader:
            pairs = int(reader.read(0, reader.size).count.sum())
        found.append({"type": name, "candidates": len(lines), "pairs": pairs, "cpu_seconds": seconds})
    return found


def kernels(work: Path) -> dict[str, Any]:
    """What a fragment-candidate pair costs, by type; cells of the pair HMM, and multiply-adds of this core, per second."""
    import numba
    import numpy as np

    from varproof.realign.alignments import Alignments, Haplotypes, Segments
    from varproof.realign.pair_hmm_numba_fns import log_likelihoods

    chance = np.random.default_rng(1)
    length, window, band, reads = 100, 160, 12, 2_000
    haplotype = chance.integers(0, 4, window).astype(np.uint8)
    rare = np.full(window, 1e-5)
    segments = Segments(np.array([0, length]), haplotype[30 : 30 + length].copy(), np.full(length, 0.001))
    haplotypes = Haplotypes(np.array([0, window]), haplotype, rare, rare, 0.2, 0.3)
    alignments = Alignments(*(np.full(reads, value) for value in (0, 0, 30, band)))

    def cells() -> float:
        begun = time.process_time()
        log_likelihoods(segments, haplotypes, alignments)
        return reads * length * (2 * band + 1) / (time.process_time() - begun)

    rounds, lanes = 2_000_000, 64

    @numba.njit(fastmath=True)
    def multiply_add(values: np.ndarray, factor: float) -> None:
        for _ in range(rounds):
            for i in range(lanes):
                values[i] = values[i] * factor + 1.0

    def multiply_adds() -> float:
        values = np.ones(lanes)
        begun = time.process_time()
        multiply_add(values, 0.5)
        return rounds * lanes / (time.process_time() - begun)

    cells()
    multiply_adds()
    rates = [(cells(), multiply_adds()) for _ in range(2 * size.repeats)]
    return {
        "pairs": by_type(work),
        "cells_per_second": max(cell for cell, _ in rates),
        "multiply_adds_per_second": max(limit for _, limit in rates),
    }


def networks(work: Path) -> dict[str, Any]:
    """CPU seconds of tensorise, and of predict from reads, on all candidates less those on one; htslib's to read both files."""
    pair, folder = pair_of(work, "default"), work / "speed"
    folder.mkdir(exist_ok=True)
    one = first_records(pair / "candidates.vcf.gz", 1, folder / "one.vcf")
    with pysam.VariantFile(str(pair / "candidates.vcf.gz")) as records:
        candidates = sum(1 for _ in records)
    files = ["--reference", pair / "reference.fa", "--tumor", pair / "tumor.bam", "--normal", pair / "normal.bam", "--quiet"]
    commands = {
        "tensorise": ["--output", folder / "tensors.h5"],
        "predict": ["--model", HERE.parents[1] / "test-data" / "model.keras", "--output", folder / "predicted.vcf"],
    }
    found: dict[str, Any] = {"candidates": candidates, "executables": {}}
    for name, arguments in commands.items():
        all_of_them, start = (
            least([run(name, "--candidates", few, *files, *arguments) for _ in range(size.repeats)]).cpu_seconds
            for few in (pair / "candidates.vcf.gz", one)
        )
        found["executables"][name] = {"cpu_seconds": all_of_them - start, "start": start}
    read = []
    for _ in range(size.repeats):
        begun = time.process_time()
        for sample in ("tumor", "normal"):
            pysam.samtools.view("-c", "-e", "qlen>0", str(pair / f"{sample}.bam"))
        read.append(time.process_time() - begun)
    found["htslib"] = min(read)
    return found


def many_calls(work: Path, calls: int) -> tuple[Path, Path]:
    """(scored calls, truth) of about so many records: those of a pair, over and over, along one long contig."""
    pair, folder = pair_of(work, "default"), work / "speed"
    folder.mkdir(exist_ok=True)
    scored, outputs = folder / "varproof.vcf.gz", (folder / f"calls-{calls}.vcf.gz", folder / f"truth-{calls}.vcf.gz")
    if not scored.exists():
        varproof_scores(pair, scored)
    if all(path.exists() for path in outputs):
        return outputs
    with pysam.VariantFile(str(scored)) as records:
        there = sum(1 for _ in records)
    copies = -(-calls // there)
    for source, output in zip((scored, pair / "truth.vcf.gz"), outputs, strict=True):
        with pysam.BGZFile(str(source)) as packed, pysam.BGZFile(str(output), "wb") as target:
            lines = packed.read().decode().splitlines()
            head = [line for line in lines if line.startswith("#")]
            length = int(next(line for line in head if line.startswith("##contig")).partition("length=")[2].rstrip(">"))
            for line in head:
                target.write((line.replace(f"length={length}", f"length={length * copies}") + "\n").encode())
            body = [line.split("\t", 2) for line in lines if not line.startswith("#")]
            for copy in range(copies):
                shifted = (f"{contig}\t{int(position) + copy * length}\t{rest}\n" for contig, position, rest in body)
                target.write("".join(shifted).encode())
        pysam.tabix_index(str(output), preset="vcf", force=True)
    return outputs


def on_many_calls(work: Path) -> list[dict[str, Any]]:
    """fdr-filter, estimate-vaf and evaluate-calls on ten thousand, a hundred thousand and a million calls."""
    found = []
    for calls in (size.calls // 100, size.calls // 10, size.calls):
        scored, truth = many_calls(work, calls)
        for name, arguments in _file_tools(scored, truth, work / "speed" / "out").items():
            begun = time.monotonic()
            usage = run(name, *arguments, "--quiet")
            found.append({"name": name, "calls": calls, "seconds": time.monotonic() - begun, **asdict(usage)})
    return found


def scaling(work: Path) -> dict[str, Any]:
    """Wall time of one and two processes; CPU and memory from a thousand candidates on, and from 10x to 2,000x."""
    pair, folder = pair_of(work, "hard"), work / "speed"
    folder.mkdir(exist_ok=True)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(2):
        for threads in seconds:
            begun = time.monotonic()
            run(
                "collect-evidence", "--candidates", pair / "candidates.vcf.gz", "--reference", pair / "reference.fa", "--reads",
                pair / "tumor.bam", "--output", folder / "evidence.h5", "--threads", str(threads), "--quiet",
            )  # fmt: skip
            seconds[threads].append(time.monotonic() - begun)
    found: dict[str, Any] = {"processes": {str(threads): min(values) for threads, values in seconds.items()}}
    found["candidates"] = []
    for length in size.lengths:
        grown = grown_pair(work, length)
        usage = varproof_scores(grown, folder / "grown.vcf.gz")
        with pysam.VariantFile(str(grown / "candidates.vcf.gz")) as records:
            found["candidates"].append({"candidates": sum(1 for _ in records), "length": length, **asdict(usage)})
    found["depth"] = []
    for depth in size.depths:
        deep = folder / f"deep-{depth}"
        if not deep.exists():
            small = ["--genome-length", "20000", "--somatic-snvs", "20", "--germline", "20", "--somatic-insertions", "5"]
            small += ["--somatic-deletions", "5", "--somatic-mnvs", "5", "--max-indel-length", "50", "--normal-depth", "30"]
            run("simulate-pair", *small, "--tumor-depth", str(depth), "--output", deep, "--seed", "1", "--quiet")
        # Of errors, two reads show nearly every allele at such depths: the candidates are what was planted, at any depth.
        usage = varproof_scores(deep, folder / "deep.vcf.gz", "--max-depth", "3000", candidates="truth.vcf.gz")
        with pysam.VariantFile(str(deep / "truth.vcf.gz")) as records:
            found["depth"].append({"depth": depth, "candidates": sum(1 for _ in records), **asdict(usage)})
    return found


STAGES = {
    **START,
    "measuring both alignments": ("reads/properties.py", "estimate_properties"),
    "collecting evidence": ("evidence/pipeline.py", "collect_into"),
    "… of that typing: realignment": ("evidence/fragments_numba_fns.py", "observations"),
    "learning the prior": ("posterior/teaching.py", "learn"),
    "scoring and writing": ("posterior/run.py", "write_scored"),
}
LARGEST = 6


def profiles(work: Path) -> dict[str, Any]:
    """Where score-posterior's time goes, by stage; and of the file tools, the functions with most time of their own."""
    pair, folder = pair_of(work, "default"), work / "speed"
    folder.mkdir(exist_ok=True)
    inputs = ["--candidates", pair / "candidates.vcf.gz", "--reference", pair / "reference.fa", "--tumor", pair / "tumor.bam"]
    inputs += ["--normal", pair / "normal.bam", "--purity", "0.75", "--output", folder / "profiled.vcf.gz"]
    stages = stage_shares(profiled(folder, "score-posterior", *inputs), STAGES)
    scored, truth = many_calls(work, size.calls // 10)
    tools = {}
    for name, arguments in _file_tools(scored, truth, folder / "profiled").items():
        stats = profiled(folder, name, *arguments)
        total = sum(own for _, _, own, _, _ in stats.values())
        largest = sorted(((item[2], key) for key, item in stats.items()), reverse=True)[:LARGEST]
        tools[name] = {_function(key): own / total for own, key in largest}
    return {"stages": stages, "tools": tools, "calls": size.calls // 10}


def _function(key: tuple[str, int, str]) -> str:
    path, _, name = key
    return name.strip("{}<>") if path in ("~", "<string>") else f"{'/'.join(Path(path).parts[-2:])}: {name}"


def _file_tools(scored: Path, truth: Path, output: Path) -> dict[str, tuple[str | Path, ...]]:
    return {
        "fdr-filter": ("--calls", scored, "--events", "SOMATIC_TUMOR", "--fdr", "0.05", "--output", f"{output}.vcf.gz"),
        "estimate-vaf": ("--calls", scored, "--output", f"{output}.tsv"),
        "evaluate-calls": ("--calls", scored, "--truth", truth, "--output", f"{output}.json"),
    }


def starting(work: Path) -> dict[str, Any]:
    """Seconds of `--help`, and of a job of ten candidates with and without compiled kernels at hand."""
    pair, folder = pair_of(work, "default"), work / "speed"
    folder.mkdir(exist_ok=True)
    help_seconds = {}
    for name in STARTED:
        module = f"varproof.commands.{name.replace('-', '_')}"
        times = []
        for _ in range(5):
            begun = time.monotonic()
            subprocess.run([sys.executable, "-m", module, "--help"], stdout=subprocess.DEVNULL, check=True)
            times.append(time.monotonic() - begun)
        help_seconds[name] = min(times)
    few = first_records(pair / "candidates.vcf.gz", 10, folder / "ten.vcf")
    evidence = ["--candidates", few, "--reference", pair / "reference.fa", "--reads", pair / "tumor.bam"]
    evidence += ["--output", folder / "ten.h5", "--quiet"]
    cold = folder / "kernels"
    shutil.rmtree(cold, ignore_errors=True)
    before = os.environ.get("NUMBA_CACHE_DIR")
    os.environ["NUMBA_CACHE_DIR"] = str(cold)
    seconds = []
    for _ in range(4):
        begun = time.monotonic()
        run("collect-evidence", *evidence)
        seconds.append(time.monotonic() - begun)
    del os.environ["NUMBA_CACHE_DIR"]
    if before is not None:
        os.environ["NUMBA_CACHE_DIR"] = before
    return {"help": help_seconds, "cold": seconds[0], "warm": min(seconds[1:])}


MEASURES: dict[str, Callable[[Path], Any]] = {
    "varlociraptor": against_varlociraptor,
    "varlociraptor-more": against_varlociraptor_on_more,
    "kernels": kernels,
    "network": networks,
    "files": on_many_calls,
    "scaling": scaling,
    "million": a_million,
    "start": starting,
    "profile": profiles,
}


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description="How fast varproof is.")
    parser.add_argument("--work", type=Path, default=HERE.parents[1] / "bench-work", help="folder of simulated pairs")
    parser.add_argument("--only", nargs="+", choices=sorted(MEASURES), default=list(MEASURES), help="measures to take")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of speed.json and RESULTS.md")
    parser.add_argument("--short", action="store_true", help="small inputs, to see that everything runs")
    options = parser.parse_args()
    global size
    size = SHORT if options.short else FULL
    options.work.mkdir(parents=True, exist_ok=True)
    path = options.output / "speed.json"
    found = json.loads(path.read_text())["found"] if path.exists() else {}
    for name in options.only:
        found[name] = MEASURES[name](options.work)
        path.write_text(json.dumps({"found": found, "page": speed_lines(found)}, indent=1) + "\n")
    if not options.short:
        write_page(options.output)
    print("\n".join(speed_lines(found)))


if __name__ == "__main__":
    main()
