"""score-posterior --calibrate auto: rates and recall with and without it, where the model is right and where it knows nothing.

    .venv/bin/python tests/benchmarks/calibration.py --work bench-work/calibration

What the model knows nothing of are loci of one library: an error of an early PCR cycle, which a share of its fragments carry
and no fragment of the other library. Each of both has 300 of them per Mbp. They are written into the reads of a plain pair by
this script, and no option of simulate-pair makes them. Writes calibration.json and its section of RESULTS.md; ten minutes.
"""

import argparse
import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from bench import HERE, run, simulated_pair
from calibration_table import CLASSES, RATES, calibration_lines
from tables import write_page

SEEDS = (1, 2, 3)
LENGTH = 300_000
PAIR = (
    *("--genome-length", str(LENGTH), "--somatic-snvs", "120", "--somatic-mnvs", "15", "--somatic-insertions", "60"),
    *("--somatic-deletions", "60", "--germline", "300", "--empty-sites", "20", "--max-indel-length", "60"),
)
PURITY = "0.75"
LOCI_PER_MBP = 300
SHARES = (0.05, 0.25)


def with_own_loci(
    source: Path,
    target: Path,
    seed: int,
    loci_per_mbp: int = LOCI_PER_MBP,
    shares: tuple[float, float] = SHARES,
    shorter_than: float = math.inf,
) -> None:
    """A copy of reads in which some loci of this library have another base on a share of the fragments, both mates alike.

    shorter_than: of fragments under so many bp only.
    """
    chance = np.random.default_rng(seed)
    with pysam.AlignmentFile(str(source)) as reads, pysam.AlignmentFile(str(target), "wb", template=reads) as out:
        loci = []
        for length in reads.lengths:
            places = np.sort(chance.choice(length, round(loci_per_mbp * length / 1e6), replace=False))
            loci.append((places, chance.uniform(*shares, len(places)), chance.integers(1, 4, len(places))))
        for read in reads.fetch(until_eof=True):
            if not read.is_unmapped and (shorter_than == math.inf or 0 < abs(read.template_length) < shorter_than):
                edit_read(read, *loci[read.reference_id], str(seed))
            out.write(read)
    pysam.index(str(target))


def edit_read(read: pysam.AlignedSegment, places: np.ndarray, shares: np.ndarray, steps: np.ndarray, salt: str) -> None:
    """Give a read other bases at some places, with a probability for each that its name decides, so that mates are alike."""
    first, last = np.searchsorted(places, (read.reference_start, read.reference_end))
    if first == last:
        return
    within = {position: query for query, position in read.get_aligned_pairs(matches_only=True)}
    bases, qualities = list(read.query_sequence), read.query_qualities
    for k in range(first, last):
        drawn = int(hashlib.sha256(f"{salt} {read.query_name} {places[k]}".encode()).hexdigest()[:8], 16) / 2**32
        query = within.get(int(places[k]))
        if query is not None and drawn < shares[k]:
            bases[query] = "ACGT"[("ACGT".index(bases[query]) + int(steps[k])) % 4]
    read.query_sequence = "".join(bases)
    read.query_qualities = qualities


def made(work: Path, regime: str, seed: int) -> Path:
    """The folder of a pair with candidates of its own."""
    plain = simulated_pair(work, f"plain-{seed}", (*PAIR, "--seed", str(100 + seed))) / "pair"
    folder = work / f"{regime}-{seed}-reads"
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        for number, name in enumerate(("tumor", "normal"), 1):
            if regime == "own-loci":
                with_own_loci(plain / f"{name}.bam", part / f"{name}.bam", 10 * seed + number)
            else:
                for path in plain.glob(f"{name}.bam*"):
                    shutil.copy(path, part)
        for path in [*plain.glob("reference.fa*"), *plain.glob("truth.vcf.gz*")]:
            shutil.copy(path, part)
        files = ("--reads", part / "tumor.bam", "--reference", part / "reference.fa")
        run("call-candidates", *files, "--output", part / "candidates.vcf.gz", "--quiet")
        part.rename(folder)
    return folder


def judged(folder: Path, *options: str) -> dict[str, Any]:
    """Counts by class and rate of a pair's calls, and the CPU seconds of scoring."""
    reference = ("--reference", folder / "reference.fa")
    calls, metrics = folder / "scored.vcf.gz", folder / "metrics.json"
    reads = ("--tumor", folder / "tumor.bam", "--normal", folder / "normal.bam", "--purity", PURITY)
    files = ("--candidates", folder / "candidates.vcf.gz", "--output", calls, "--quiet")
    usage = run("score-posterior", *files, *reference, *reads, *options)
    run("evaluate-calls", "--calls", calls, "--truth", folder / "truth.vcf.gz", *reference, "--output", metrics, "--quiet")
    found: dict[str, Any] = {"cpu_seconds": usage.cpu_seconds, "classes": {}}
    for entry in json.loads(metrics.read_text())["classes"]:
        if entry["name"] in CLASSES:
            points = {str(point["nominal_fdr"]): point for point in entry["own_threshold"]}
            counts = {rate: {key: points[rate][key] for key in ("true", "false", "kept", "found")} for rate in RATES}
            found["classes"][entry["name"]] = {"true_variants": entry["true_variants"], **counts}
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=HERE.parents[1] / "bench-work" / "calibration")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of calibration.json and RESULTS.md")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    results = []
    for regime in ("plain", "own-loci"):
        for seed in SEEDS:
            folder = made(options.work, regime, seed)
            before, after = judged(folder), judged(folder, "--calibrate", "auto")
            results.append({"regime": regime, "seed": seed, "without": before, "calibrated": after})
            print(regime, seed, before["classes"]["all"]["0.05"], after["classes"]["all"]["0.05"], flush=True)
    kept = {"results": results, "page": calibration_lines(results)}
    (options.output / "calibration.json").write_text(json.dumps(kept, indent=1) + "\n")
    write_page(options.output)


if __name__ == "__main__":
    main()
