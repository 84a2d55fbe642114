"""The candidates' table: what call-candidates finds of planted variants, and what it takes, beside freebayes.

    .venv/bin/python tests/benchmarks/candidates.py --work bench-work

Pairs are those of bench.py. Both programs search the tumour's reads with the same thresholds, one after the other, on one core.
freebayes (Debian and bioconda package of that name, 1.3.6 was used) takes part where it is on the PATH. Writes candidates.json
and its section of RESULTS.md.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pysam
from bench import DATA_SETS, HERE, Usage, run, simulated_pair
from candidates_table import candidates_lines
from tables import write_page

from varproof.commands.call_candidates import CallCandidatesOptions
from varproof.reads.sam import LEFT_OUT_FLAGS, UNMAPPED
from varproof.variants.candidate import trimmed_alleles
from varproof.variants.shifting import steps_left, steps_right, turned

Allele = tuple[str, int, int, str]
"""(contig, start, end, alternative): trimmed, left-aligned, 0-based half-open."""

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real-giab-mixture"
FLANK = 10
MOST_SHIFT = 2000
KNOWN_OF_FIVE = 4
REPEATS = 2
LONG = (
    *("--genome-length", "500000", "--somatic-snvs", "20", "--somatic-mnvs", "0", "--germline", "100", "--empty-sites", "0"),
    *("--somatic-insertions", "150", "--somatic-deletions", "150", "--min-indel-length", "100", "--max-indel-length", "1000"),
)
"""A pair of long indels only."""

LEAST_LONG = 30
CIGAR = re.compile(r"(\d+)([MXDI])")


@dataclass(frozen=True)
class Planted:
    """A planted variant: its event, and the reads that hold the whole allele and 10 bases on both sides of it."""

    allele: Allele
    event: str
    reads: int


def normalised(contig: str, sequence: str, start: int, ref: str, alt: str) -> Allele:
    """The allele of a record, trimmed and left-aligned."""
    start, ref, alt = trimmed_alleles(start, ref, alt)
    if ref and alt:
        return contig, start, start + len(ref), alt
    steps = steps_left(sequence, start, ref or alt, max(1, start - MOST_SHIFT))
    return contig, start - steps, start - steps + len(ref), turned(alt, steps)


def snvs_of(allele: Allele) -> list[Allele]:
    """The SNVs that an MNV consists of; the allele itself if it is none."""
    contig, start, end, alt = allele
    if end - start != len(alt):
        return [allele]
    return [(contig, start + j, start + j + 1, base) for j, base in enumerate(alt)]


def class_of(allele: Allele) -> str:
    """snv, mnv, or insertion or deletion with a range of lengths."""
    _, start, end, alt = allele
    if end - start == len(alt):
        return "SNV" if len(alt) == 1 else "MNV"
    kind, length = ("insertion", len(alt)) if len(alt) > end - start else ("deletion", end - start)
    return f"{kind} " + next(
        text for most, text in ((5, "1–5"), (15, "6–15"), (30, "16–30"), (1 << 30, "> 30")) if length <= most
    )


def supporting_reads(reads: Any, sequence: str, allele: Allele) -> int:
    """Reads in whose bases the allele occurs with `FLANK` bases on both sides, counted beyond the repeat that it lies in."""
    contig, start, end, alt = allele
    last = end
    if not alt or start == end:
        last += steps_right(sequence, end, alt or sequence[start:end], min(len(sequence), end + MOST_SHIFT))
    shown = sequence[max(0, start - FLANK) : start] + alt + sequence[end : last + FLANK]
    return sum(
        shown in (read.query_sequence or "")
        for read in reads.fetch(contig, max(0, start - FLANK), last + FLANK)
        if not read.flag & (LEFT_OUT_FLAGS | UNMAPPED) and read.mapping_quality > 0
    )


def planted_variants(pair: Path, sequences: dict[str, str]) -> list[Planted]:
    """The truth of a pair, artefacts left out."""
    found = []
    with pysam.VariantFile(str(pair / "truth.vcf.gz")) as truth, pysam.AlignmentFile(str(pair / "tumor.bam")) as reads:
        for record in truth:
            event = record.info["EVENT"] if isinstance(record.info["EVENT"], str) else record.info["EVENT"][0]
            if event != "ARTIFACT":
                sequence = sequences[record.contig]
                allele = normalised(record.contig, sequence, record.start, record.ref, record.alts[0])
                found.append(Planted(allele, event, supporting_reads(reads, sequence, allele)))
    return found


def freebayes_primitives(record: Any, sequence: str) -> Iterator[Allele]:
    """Each alternative of a freebayes record as a whole, and what it consists of by its CIGAR: substitutions, indels.

    Substitutions are given joined and base by base.
    """
    for alt, cigar in zip(record.alts, record.info["CIGAR"], strict=True):
        allele = normalised(record.contig, sequence, record.start, record.ref, alt)
        yield allele
        yield from snvs_of(allele)
        at, query = record.start, 0
        for size, operation in CIGAR.findall(cigar):
            length = int(size)
            if operation == "X":
                whole = (record.contig, at, at + length, alt[query : query + length])
                yield whole
                yield from snvs_of(whole)
            elif operation == "I":
                yield normalised(record.contig, sequence, at, "", alt[query : query + length])
            elif operation == "D":
                yield normalised(record.contig, sequence, at, sequence[at : at + length], "")
            at += length if operation in "MXD" else 0
            query += length if operation in "MXI" else 0


def freebayes_alleles(path: Path, sequences: dict[str, str]) -> set[Allele]:
    """Everything that freebayes shows, taken apart, so that it counts however it is written."""
    with pysam.VariantFile(str(path)) as calls:
        return {allele for record in calls for allele in freebayes_primitives(record, sequences[record.contig])}


def is_found(allele: Allele, among: set[Allele], taken_apart: bool) -> bool:
    """Whether an allele is there; of a program whose haplotypes are taken apart an MNV is, too, if all of its SNVs are."""
    return allele in among or (taken_apart and all(item in among for item in snvs_of(allele)))


def freebayes(pair: Path, output: Path, *more: str | Path) -> Usage | None:
    """Run freebayes with our thresholds; None where it is not installed. Its calls stay in `output`."""
    program = shutil.which("freebayes")
    if program is None:
        return None
    ours = CallCandidatesOptions.model_fields
    thresholds = {
        "--min-alternate-count": "min_alternate_reads", "--min-alternate-fraction": "min_alternate_fraction",
        "--min-base-quality": "min_base_quality", "--min-mapping-quality": "min_mapping_quality",
    }  # fmt: skip
    given = [str(item) for name, field in thresholds.items() for item in (name, ours[field].default)]
    with output.open("wb") as written:
        command = [
            program,
            "--fasta-reference",
            str(pair / "reference.fa"),
            "--pooled-continuous",
            *given,
            *map(str, more),
            str(pair / "tumor.bam"),
        ]
        process = subprocess.Popen(command, stdout=written)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def started(program: Callable[..., Usage | None], pair: Path, folder: Path) -> float:
    """CPU seconds of the start of a process: of a run on a single base."""
    with pysam.FastaFile(str(pair / "reference.fa")) as fasta:
        contig = fasta.references[0]
    (folder / "base.bed").write_text(f"{contig}\t1000\t1001\n")
    option = "--regions" if program is call_candidates else "--targets"
    used = program(pair, folder / "base.vcf", option, folder / "base.bed")
    assert used is not None
    return used.cpu_seconds


def call_candidates(pair: Path, output: Path, *more: str | Path) -> Usage:
    """The best of a few runs on the tumour."""
    files = ("--reads", pair / "tumor.bam", "--reference", pair / "reference.fa", "--output", output)
    return min((run("call-candidates", *files, *more) for _ in range(REPEATS)), key=lambda usage: usage.cpu_seconds)


def write_known_sites(pair: Path, output: Path) -> set[Allele]:
    """Four of five planted germline variants, bgzipped and indexed; returns the fifth."""
    plain, unknown, count = output.with_suffix(""), set(), 0
    with (
        pysam.VariantFile(str(pair / "truth.vcf.gz")) as truth,
        pysam.VariantFile(str(plain), "w", header=truth.header) as known,
    ):
        for record in truth:
            if not str(record.info["EVENT"]).startswith(("GERMLINE", "('GERMLINE")):
                continue
            count += 1
            if count % 5 < KNOWN_OF_FIVE:
                known.write(record)
            else:
                unknown.add((record.contig, record.start, record.ref, record.alts[0]))
    pysam.tabix_compress(str(plain), str(output), force=True)
    pysam.tabix_index(str(output), preset="vcf", force=True)
    return unknown


def qualified(pair: Path, folder: Path, planted: list[Planted], sequences: dict[str, str]) -> dict[str, Any]:
    """Precision of the qualified calls against everything planted, and how many unknown and somatic variants they keep."""
    records = write_known_sites(pair, folder / "known.vcf.gz")
    unknown = {normalised(contig, sequences[contig], *fields) for contig, *fields in records}
    output = folder / "qualified.vcf.gz"
    call_candidates(pair, output, "--known-sites", folder / "known.vcf.gz")
    real = {item.allele: item for item in planted}
    real |= {part: item for item in planted for part in snvs_of(item.allele)}
    passed, candidates, true = set(), 0, 0
    for allele, record in our_alleles(output, sequences):
        candidates += 1
        if "PASS" in record.filter:
            passed.add(allele)
            true += allele in real
    somatic = [item for item in planted if item.event == "SOMATIC_TUMOR"]
    return {
        "candidates": candidates,
        "passed": len(passed),
        "true": true,
        "unknown germline": len(unknown),
        "unknown germline passed": len(unknown & passed),
        "somatic": len(somatic),
        "somatic passed": sum(item.allele in passed for item in somatic),
    }


def our_alleles(path: Path, sequences: dict[str, str]) -> Iterator[tuple[Allele, Any]]:
    """(allele, record) of a VCF of ours, or of any without multiallelic records."""
    with pysam.VariantFile(str(path)) as calls:
        for record in calls:
            yield normalised(record.contig, sequences[record.contig], record.start, record.ref, record.alts[0]), record


def sensitivity(planted: Iterable[Planted], found: dict[str, tuple[set[Allele], bool]]) -> list[dict[str, Any]]:
    """Counts per class and number of supporting reads: planted, and found by each program."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for item in planted:
        reads = next(text for most, text in ((2, "0–2"), (3, "3"), (5, "4–5"), (1 << 30, "≥ 6")) if item.reads <= most)
        cell = counts.setdefault((class_of(item.allele), reads), Counter())
        cell["planted"] += 1
        for name, (alleles, taken_apart) in found.items():
            cell[name] += is_found(item.allele, alleles, taken_apart)
    return [{"class": kind, "reads": reads, **cell} for (kind, reads), cell in sorted(counts.items())]


def result(work: Path, name: str, seed: int) -> dict[str, Any]:
    """One data set with one seed."""
    folder = simulated_pair(work, f"{name}-{seed}", (*DATA_SETS[name], "--seed", str(seed)))
    pair = folder / "pair"
    with pysam.FastaFile(str(pair / "reference.fa")) as fasta:
        sequences = {contig: fasta.fetch(contig) for contig in fasta.references}
    planted = planted_variants(pair, sequences)
    usage = {"call-candidates": call_candidates(pair, folder / "candidates.vcf.gz")}
    start = {"call-candidates": started(call_candidates, pair, folder)}
    ours = {allele for allele, _ in our_alleles(folder / "candidates.vcf.gz", sequences)}
    found, candidates = {"call-candidates": (ours, False)}, {"call-candidates": len(ours)}
    used = freebayes(pair, folder / "freebayes.vcf")
    if used is not None:
        usage["freebayes"], start["freebayes"] = used, started(freebayes, pair, folder)
        found["freebayes"] = (freebayes_alleles(folder / "freebayes.vcf", sequences), True)
        with pysam.VariantFile(str(folder / "freebayes.vcf")) as calls:
            candidates["freebayes"] = sum(len(record.alts) for record in calls)
    return {
        "set": name,
        "seed": seed,
        "sensitivity": sensitivity(planted, found),
        "alleles": candidates,
        "usage": {
            program: {"cpu_seconds": item.cpu_seconds, "start_seconds": start[program], "peak_mb": item.peak_mb}
            for program, item in usage.items()
        },
        "qualified": qualified(pair, folder, planted, sequences),
    }


def long_class(allele: Allele, sequence: str) -> tuple[str, str]:
    """(kind, length) of a long indel; an insertion that repeats what is beside it is a tandem duplication."""
    _, start, end, alt = allele
    kind = "deletion" if not alt else "insertion"
    if alt and sequence[start : start + len(alt)] == alt:
        kind = "tandem duplication"
    return kind, "100–250" if max(end - start, len(alt)) <= 250 else "251–1,000"


def long_indels(work: Path, seed: int) -> dict[str, Any]:
    """Which long indels are found, as they were planted, and how many others of `LEAST_LONG` bp or more are."""
    folder = simulated_pair(work, f"long-{seed}", (*LONG, "--seed", str(seed)))
    pair = folder / "pair"
    with pysam.FastaFile(str(pair / "reference.fa")) as fasta:
        sequences = {contig: fasta.fetch(contig) for contig in fasta.references}
    call_candidates(pair, folder / "candidates.vcf.gz")
    ours = {allele for allele, _ in our_alleles(folder / "candidates.vcf.gz", sequences)}
    planted = {item.allele: item.event for item in planted_variants(pair, sequences)}
    cells: dict[tuple[str, str], Counter[str]] = {}
    for allele, event in planted.items():
        _, start, end, alt = allele
        if event == "SOMATIC_TUMOR" and max(end - start, len(alt)) >= 100:
            cell = cells.setdefault(long_class(allele, sequences[allele[0]]), Counter())
            cell.update(planted=1, found=int(allele in ours))
    false = sum(max(end - start, len(alt)) >= LEAST_LONG for _, start, end, alt in ours - set(planted))
    return {
        "seed": seed,
        "cells": [{"kind": kind, "length": length, **cell} for (kind, length), cell in sorted(cells.items())],
        "false": false,
    }


def real_reads(work: Path) -> dict[str, Any] | None:
    """The real reads of tests/commands/test_call_candidates_real.py, beside their caller; None where they are not at hand."""
    if not REAL.is_dir():
        return None
    output = work / "real.vcf.gz"
    files = ("--reads", REAL / "tumor.bam", "--normal", REAL / "normal.bam", "--reference", REAL / "reference.fa.gz")
    used = run("call-candidates", *files, "--output", output)

    def alleles(path: Path, passed: bool) -> set[tuple[int, str, str]]:
        with pysam.VariantFile(str(path)) as calls:
            return {(r.pos, r.ref, alt) for r in calls for alt in r.alts or () if not passed or "PASS" in r.filter}

    ours, given = alleles(output, False), REAL / "candidates.vcf"
    raw, passed = alleles(given, False), alleles(given, True)
    return {
        "candidates": len(ours),
        "raw": len(raw),
        "raw found": len(raw & ours),
        "passed": len(passed),
        "passed found": len(passed & ours),
        "peak_mb": used.peak_mb,
    }


def main() -> None:
    """Parse, run, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", choices=DATA_SETS, default=list(DATA_SETS), help="others stay as they were")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--output", type=Path, default=HERE, help="folder of candidates.json and RESULTS.md")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    page_of = options.output / "candidates.json"
    known = json.loads(page_of.read_text()) if page_of.exists() else {"results": [], "real": None}
    results = [item for item in known["results"] if item["set"] not in options.sets]
    for name in options.sets:
        for seed in options.seeds:
            results.append(result(options.work, name, seed))
            print(f"{name}, seed {seed}: {results[-1]['usage']}", flush=True)
    results.sort(key=lambda item: list(DATA_SETS).index(item["set"]))
    long = [long_indels(options.work, seed) for seed in options.seeds]
    real = real_reads(options.work) or known["real"]
    page = candidates_lines(results, real, long)
    content = {"results": results, "long": long, "real": real, "page": page}
    page_of.write_text(json.dumps(content, indent=1) + "\n")
    if (options.output / "results.json").exists():
        write_page(options.output)
    print("\n".join(page))


if __name__ == "__main__":
    main()
