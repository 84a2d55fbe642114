"""What build-panel costs and how large panels are: a made cohort, exome-like targets at 100×.

    .venv/bin/python tests/benchmarks/panels.py [--pair FOLDER] [--normals 10 20 40]

CPU time is that of one process, the least of --repeats runs; "reading" is a loop over all reads with pysam, which decodes each
record and looks at nothing. What each further normal costs is extrapolated: starting takes as long for one as for forty. Writes
panels.json and its section of RESULTS.md, for docs/guides/panel-of-normals.md, too.
"""

import argparse
import itertools
import subprocess
import sys
from pathlib import Path

import h5py
from bench import HERE, Usage, run, simulated_pair
from panels_table import panels_lines
from tables import write_kept, write_page

from varproof.formats.panel import PanelReader
from varproof.reads.regions import read_regions

COHORT = (
    *("--seed", "1", "--population", "--normals", "40", "--genome-length", "200000", "--panel-targets", "100"),
    *("--target-length", "300", "--tumor-depth", "20", "--normal-depth", "100", "--artifacts", "all", "--germline", "36"),
    *("--somatic-snvs", "5", "--somatic-mnvs", "1", "--somatic-insertions", "1", "--somatic-deletions", "1"),
    *("--empty-sites", "5"),
)
READING = """
import resource, sys, pysam
def used():
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
before = used()
for path in sys.argv[1:]:
    with pysam.AlignmentFile(path) as handle:
        for read in handle:
            pass
print(used() - before)
"""


def reading_seconds(paths: list[Path]) -> float:
    """CPU seconds of a loop over all reads, without the start of Python."""
    command = [sys.executable, "-c", READING, *map(str, paths)]
    return min(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(2))


def built(pair: Path, normals: list[Path], output: Path, repeats: int) -> Usage:
    """What a panel of these costs: the least CPU time of several runs, the largest memory."""
    reads = list(itertools.chain.from_iterable(("--reads", path) for path in normals))
    inputs = ("--reference", pair / "reference.fa", "--regions", pair / "targets.bed", "--threads", "1", "--quiet")
    runs = [run("build-panel", *reads, *inputs, "--output", output) for _ in range(repeats)]
    return Usage(min(one.cpu_seconds for one in runs), max(one.peak_mb for one in runs))


def growing_bytes(panel: Path) -> int:
    """Bytes of what grows with the targets: the tables of contigs, without what any panel of one contig has."""
    with h5py.File(panel) as file:
        return sum(item.id.get_storage_size() for group in file["contigs"].values() for item in group.values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("bench-work"))
    parser.add_argument("--pair", type=Path, help="folder of simulate-pair with normals that are there already")
    parser.add_argument("--normals", type=int, nargs="+", default=[10, 20, 40])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE, help="folder of panels.json and RESULTS.md")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    pair = options.pair or simulated_pair(options.work, "exomes", COHORT) / "pair"
    regions = read_regions(pair / "targets.bed")
    mbp = sum(end - start for intervals in regions.values() for start, end in intervals) / 1e6
    results = []
    for number in options.normals:
        normals = [pair / f"normal-{i}.bam" for i in range(1, number + 1)]
        panel = options.work / f"panel-{number}.h5"
        usage = built(pair, normals, panel, options.repeats)
        with PanelReader(panel) as reader:
            alleles = sum(reader.contig(name).alleles.size for name in reader.header.contigs)
        results.append({
            "normals": number, "cpu_seconds": usage.cpu_seconds, "reading_seconds": reading_seconds(normals),
            "peak_mb": usage.peak_mb, "kilobytes": growing_bytes(panel) / 1e3, "alleles": alleles,
        })  # fmt: skip
    kept = {"results": results, "mbp": mbp}
    lines = panels_lines(kept)
    write_kept(options.output / "panels.json", kept | {"page": lines})
    write_page(options.output)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
