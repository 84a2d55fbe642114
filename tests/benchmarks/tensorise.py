"""How fast tensorise is and how much it writes, beside a straightforward loop over the bases of the same reads.

    .venv/bin/python tests/benchmarks/tensorise.py --work bench-work/tensorise

The pair is simulated once (1 Mbp, tumour 40x, normal 30x, every candidate). The executable runs on all candidates and on one;
the difference is what candidates cost, the rest is the start of a process. The loop runs on some of the SNVs, and what it
makes must equal the expanded tensors. Prints a table in Markdown.
"""

import argparse
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from bench import first_records, run, simulated_pair
from tables import marked

from varproof.formats.tensors import TYPE, PackedTensors, TensorReader
from varproof.pileup.expansion import expanded
from varproof.variants.edit import VariantType

GOAL_RATE, GOAL_BYTES = 5_000, 3_000
REPEATS = 3
SNV = list(VariantType).index(VariantType.SNV)
LEFT_OUT = 0x4 | 0x100 | 0x200 | 0x400 | 0x800


def cpu_seconds(pair: Path, candidates: Path, output: Path) -> float:
    """Of the whole process, user and system, the best of a few."""
    inputs = ("--reference", pair / "reference.fa", "--tumor", pair / "tumor.bam", "--normal", pair / "normal.bam")
    return min(
        run("tensorise", "--candidates", candidates, *inputs, "--output", output).cpu_seconds for _ in range(REPEATS)
    )  # fmt: skip


def looped_channels(
    alignments: Any, contig: str, centre: int, window: int, depth: int
) -> np.ndarray:  # fmt: skip
    """The channels (window, depth, 7) of an SNV in one sample, base by base."""
    channels = np.zeros((window, depth, 7), np.uint8)
    first = centre - window // 2
    row = 0
    for read in alignments.fetch(contig, max(centre - 1, 0), centre + 2):
        if read.flag & LEFT_OUT:
            continue
        qualities, bases, previous = read.query_qualities, read.query_sequence, None
        for query, position in read.get_aligned_pairs():
            if position is None:
                if previous is not None and query < read.query_alignment_end:
                    channels[previous, row, :4] = 2 * (channels[previous, row, :4] > 0)
                continue
            place = position - first
            previous = place if 0 <= place < window else None
            if previous is None:
                continue
            if query is None:
                channels[place, row, :4] = 1
            elif bases[query] in "ACGT":
                channels[place, row, "ACGT".index(bases[query])] = 1
                channels[place, row, 4] = qualities[query]
            channels[place, row, 5] = read.mapping_quality
            channels[place, row, 6] = read.is_reverse
        row += 1
    return channels


def loop_rate(pair: Path, tensors: PackedTensors, contigs: list[str]) -> float:
    """Candidates per CPU second of the loop, over `tensors`, which it must equal."""
    wanted = expanded(tensors)
    files = [pysam.AlignmentFile(str(pair / f"{name}.bam")) for name in ("tumor", "normal")]
    begun = time.process_time()
    made = [
        np.concatenate(
            [looped_channels(file, contigs[contig], centre, tensors.settings.window, tensors.settings.depth) for file in files],
            axis=2,
        )
        for contig, centre in zip(tensors.contig, tensors.centre.tolist(), strict=True)
    ]
    spent = time.process_time() - begun
    assert np.array_equal(np.stack(made), wanted), "the loop and tensorise disagree"
    return tensors.size / spent


def read_rate(path: Path) -> float:
    """Candidates per CPU second that a file is read with, warm, in batches."""
    with TensorReader(path) as reader:
        used = resource.getrusage(resource.RUSAGE_SELF)
        for _ in reader.batches(256):
            pass
        now = resource.getrusage(resource.RUSAGE_SELF)
        return reader.size / (now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime)


def main() -> None:
    """Simulate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench-work/tensorise"), help="folder for pair and tensors")
    parser.add_argument("--loop", type=int, default=100, help="SNVs for the loop")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    pair = simulated_pair(options.work, "pair", ("--seed", "11", "--purity", "0.75")) / "pair"
    output = options.work / "tensors.h5"
    single = first_records(pair / "candidates.vcf.gz", 1, options.work / "one.vcf")
    cpu_seconds(pair, single, output)  # compiles
    start = cpu_seconds(pair, single, output)
    spent = cpu_seconds(pair, pair / "candidates.vcf.gz", output)
    with TensorReader(output) as reader:
        size, contigs = reader.size, list(reader.header.contigs)
        snvs = np.flatnonzero(reader.column("allele_code")[:, TYPE] == SNV)
        some = snvs[:: max(1, len(snvs) // options.loop)][: options.loop]
        tensors = reader.read(0, size).select(some)
    rate, stored = size / (spent - start), output.stat().st_size / size
    slow = loop_rate(pair, tensors, contigs)
    expanded_bytes = int(np.prod(expanded(tensors.select(np.arange(1))).shape))
    print(f"tensorise, {size} candidates, tumour 40x and normal 30x, window 101, depth 200:\n")
    print("| | candidates per CPU second | goal | bytes per candidate | goal |")
    print("|---|---|---|---|---|")
    made, kept = marked(f"{rate:,.0f}", rate >= GOAL_RATE), marked(f"{stored:,.0f}", stored <= GOAL_BYTES)
    print(f"| tensorise | {made} | ≥ {GOAL_RATE:,} | {kept} | ≤ {GOAL_BYTES:,} |")
    print(f"| the same, with the start of the process ({start:.1f} s) | {size / spent:,.0f} | | | |")
    print(f"| a loop over bases in Python ({len(some)} SNVs) | {slow:,.0f} | | {expanded_bytes:,} | |")
    print(f"| reading the tensors again | {read_rate(output):,.0f} | | | |")


if __name__ == "__main__":
    main()
