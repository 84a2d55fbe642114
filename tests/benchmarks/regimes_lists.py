"""The candidate lists of a regime, made from a simulated pair: whole ones, selected ones, small ones, other callers'."""

import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pysam
from bench import HEADLINE_FDR, run
from candidates import normalised
from mutect2 import INSTALLED, mutect2_list

Record = tuple[str, int, str, str]
"""(contig, 0-based position, REF, ALT)."""

CHUNKS = 50
HOT_SPOTS, TRUE_HOT_SPOTS = 200, 20
FEWEST_TUMOR_READS, MOST_NORMAL_READS = 4, 1
DRAWS = {10: 6, 50: 3, 200: 1}
"""Candidates of a small list, and how many such lists are drawn."""


def records_of(path: Path) -> Iterator[Record]:
    """Every allele of bases of a VCF."""
    with pysam.VariantFile(str(path)) as handle:
        for record in handle:
            for alt in record.alts or ():
                if set(alt) <= set("ACGTN"):
                    yield record.contig, record.start, str(record.ref), alt


def written(records: Iterable[Record], like: Path, path: Path) -> Path:
    """A VCF of these alleles, in order, each once, with the contigs of another."""
    with pysam.VariantFile(str(like)) as given:
        header = pysam.VariantHeader()
        for name, contig in given.header.contigs.items():
            header.contigs.add(name, length=contig.length)
    order = {contig: number for number, contig in enumerate(header.contigs)}
    with pysam.VariantFile(str(path), "w", header=header) as made:
        for contig, start, ref, alt in sorted(set(records), key=lambda key: (order[key[0]], *key[1:])):
            made.write(made.new_record(contig=contig, start=start, alleles=(ref, alt)))
    return path


def somatic_of(pair: Path) -> list[Record]:
    """The somatic variants of the truth."""
    with pysam.VariantFile(str(pair / "truth.vcf.gz")) as truth:
        return [(r.contig, r.start, str(r.ref), (r.alts or ("",))[0]) for r in truth if r.info["EVENT"] == "SOMATIC_TUMOR"]


def read_counts(own: Path) -> dict[Record, tuple[int, int]]:
    """Of call-candidates' list with a normal: reads with the allele in tumour and normal."""
    found = {}
    with pysam.VariantFile(str(own)) as handle:
        for record in handle:
            for number, alt in enumerate(record.alts or (), 1):
                tumor, normal = (int(record.samples[sample]["AD"][number]) for sample in (0, 1))
                found[record.contig, record.start, str(record.ref), alt] = (tumor, normal)
    return found


class Lists:
    """Makes the lists of one pair; what several lists need is made once."""

    def __init__(self, folder: Path, seed: int, scored: Callable[[str, Path], Path]) -> None:
        """`scored` scores a list of this name and returns the scored file."""
        self.folder, self.pair, self.scored = folder, folder / "pair", scored
        self.rng = np.random.default_rng(seed)
        self._own: Path | None = None

    def of(self, name: str) -> list[Path]:
        """Files of a list, several for small ones; empty, with a word, where its program is not there."""
        if name == "full":
            return [self.pair / "candidates.vcf.gz"]
        if name in ("own", "chunks"):
            return [self.own()]
        if name in ("filtered", "no-normal"):
            return [self._selected(name)]
        if name == "union":
            return [self._union()]
        if name == "pass":
            return [self._passing()]
        if name == "freebayes":
            return self._freebayes()
        if name == "mutect2":
            return self._mutect2()
        if name == "hot-spots":
            return [self._hot_spots()]
        if name.startswith("random-"):
            return self._random(int(name.partition("-")[2]))
        return [self._of_truth(name)]

    def own(self) -> Path:
        """What call-candidates finds."""
        if self._own is None:
            self._own = self.folder / "own.vcf.gz"
            reads = ("--reads", self.pair / "tumor.bam", "--normal", self.pair / "normal.bam")
            run("call-candidates", *reads, "--reference", self.pair / "reference.fa", *self.regions(), "--output", self._own)
        return self._own

    def regions(self) -> tuple[str | Path, ...]:
        """The option of what was searched, where that is a panel."""
        targets = self.pair / "targets.bed"
        return ("--regions", targets) if targets.exists() else ()

    def _selected(self, name: str) -> Path:
        def passes(tumor: int, normal: int) -> bool:
            return tumor >= FEWEST_TUMOR_READS and normal <= MOST_NORMAL_READS if name == "filtered" else normal == 0

        own = self.own()
        kept = [record for record, counts in read_counts(own).items() if passes(*counts)]
        return written(kept, own, self.folder / f"{name}.vcf")

    def _sequences(self) -> dict[str, str]:
        with pysam.FastaFile(str(self.pair / "reference.fa")) as fasta:
            return {contig: fasta.fetch(contig) for contig in fasta.references}

    def _union(self) -> Path:
        own, sequences, known = self.own(), self._sequences(), {}
        for path in (own, self.pair / "candidates.vcf.gz", *self._freebayes()):
            for contig, start, ref, alt in records_of(path):
                known.setdefault(normalised(contig, sequences[contig], start, ref, alt), (contig, start, ref, alt))
        return written(known.values(), own, self.folder / "union.vcf")

    def _passing(self) -> Path:
        path = self.folder / "pass.vcf.gz"
        rate = ("--events", "SOMATIC_TUMOR", "--fdr", str(HEADLINE_FDR))
        run("fdr-filter", "--calls", self.scored("own", self.own()), *rate, "--output", path)
        return path

    def _freebayes(self) -> list[Path]:
        program, path = shutil.which("freebayes"), self.folder / "freebayes.vcf"
        if program is None:
            return []
        if not path.exists():
            rules = (
                "--min-alternate-count",
                "2",
                "--min-alternate-fraction",
                "0.02",
                "--pooled-continuous",
                "--standard-filters",
            )
            regions = ("--targets", str(self.regions()[1])) if self.regions() else ()
            command = [program, "-f", str(self.pair / "reference.fa"), *rules, *regions, str(self.pair / "tumor.bam")]
            unsorted = self.folder / "freebayes.unsorted.vcf"
            with unsorted.open("w") as out:
                subprocess.run(command, check=True, stdout=out)
            unsorted.rename(path)
        return [path]

    def _mutect2(self) -> list[Path]:
        program = shutil.which("gatk") or str(INSTALLED / "bin" / "gatk")
        if not Path(program).exists():
            return []
        return [mutect2_list(program, self.folder)[0]]

    def _hot_spots(self) -> Path:
        sequences, somatic = self._sequences(), [r for r in somatic_of(self.pair) if len(r[2]) == len(r[3]) == 1]
        contigs = list(sequences)
        records = [somatic[i] for i in self.rng.permutation(len(somatic))[:TRUE_HOT_SPOTS].tolist()]
        true = set(records)
        while len(records) < HOT_SPOTS:
            contig = contigs[int(self.rng.integers(len(contigs)))]
            at = int(self.rng.integers(len(sequences[contig])))
            ref = sequences[contig][at]
            alt = "ACGT".replace(ref, "")[int(self.rng.integers(3))]
            if ref != "N" and (contig, at, ref, alt) not in true:
                records.append((contig, at, ref, alt))
        return written(records, self.pair / "candidates.vcf.gz", self.folder / "hot-spots.vcf")

    def _whole(self) -> Iterator[Record]:
        """Of full what is no piece of a somatic MNV: without its other pieces in the list, it is neither true nor false."""
        somatic = somatic_of(self.pair)
        true, wide = set(somatic), [record for record in somatic if len(record[2]) == len(record[3]) > 1]
        inside = {(contig, at) for contig, start, ref, _ in wide for at in range(start - 1, start + len(ref))}
        return (r for r in records_of(self.pair / "candidates.vcf.gz") if r in true or r[:2] not in inside)

    def _random(self, number: int) -> list[Path]:
        full = self.pair / "candidates.vcf.gz"
        records, made = list(self._whole()), []
        for draw in range(DRAWS[number]):
            chosen = [records[i] for i in self.rng.permutation(len(records))[:number].tolist()]
            made.append(written(chosen, full, self.folder / f"random-{number}.{draw}.vcf"))
        return made

    def _of_truth(self, name: str) -> Path:
        full, true = self.pair / "candidates.vcf.gz", set(somatic_of(self.pair))
        rule: Callable[[Record], bool] = {
            "all-true": lambda record: record in true,
            "all-false": lambda record: record not in true,
            "snvs": lambda record: len(record[2]) == len(record[3]) == 1,
            "deletions": lambda record: len(record[2]) > len(record[3]),
        }[name]
        return written(filter(rule, self._whole()), full, self.folder / f"{name}.vcf")


def chunks_of(candidates: Path, lengths: dict[str, int], folder: Path) -> list[tuple[Path, Path]]:
    """(candidates, BED) of equal parts of the genome; parts without candidates are left out."""
    records, made = list(records_of(candidates)), []
    size = -(-sum(lengths.values()) // CHUNKS)
    folder.mkdir(exist_ok=True)
    for contig, length in lengths.items():
        for first in range(0, length, size):
            last = min(first + size, length)
            inside = [record for record in records if record[0] == contig and first <= record[1] < last]
            if inside:
                bed = folder / f"{contig}.{first}.bed"
                bed.write_text(f"{contig}\t{first}\t{last}\n")
                made.append((written(inside, candidates, folder / f"{contig}.{first}.vcf"), bed))
    return made
