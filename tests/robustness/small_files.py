"""One small sound file of every kind that an executable reads, made by the executables themselves."""

import shutil
from pathlib import Path

from robustness.harness import warmed


def sound_files(folder: Path) -> Path:
    """Files of a pair on 10 kb: reads, candidates, and everything that is made of them, but a network."""
    small = ["--genome-length", 10000, "--contigs", 2, "--somatic-snvs", 8, "--somatic-mnvs", 1, "--somatic-insertions", 3]
    small += ["--somatic-deletions", 3, "--germline", 8, "--empty-sites", 3, "--max-indel-length", 30, "--seed", 4]
    warmed("simulate-pair", [*small, "--output", folder / "pair"])
    warmed("simulate-pair", [*small, "--format", "cram", "--output", folder / "cram"])
    for path in (folder / "pair").iterdir():
        path.rename(folder / path.name)
    for path in (folder / "cram").glob("tumor.cram*"):
        path.rename(folder / path.name)
    shutil.rmtree(folder / "cram")
    reference = ["--reference", folder / "reference.fa"]
    candidates = ["--candidates", folder / "candidates.vcf.gz", *reference]
    for sample in ("tumor", "normal"):
        reads = ["--reads", folder / f"{sample}.bam", *reference]
        warmed("estimate-alignment", [*reads, "--output", folder / f"{sample}.json"])
        alignment = ["--alignment", folder / f"{sample}.json"]
        warmed("collect-evidence", [*candidates, *reads[:2], *alignment, "--output", folder / f"{sample}.h5"])
    pair = ["--tumor", folder / "tumor.bam", "--normal", folder / "normal.bam"]
    learnt = ["--learnt-prior", folder / "prior.json"]
    warmed("score-posterior", [*candidates, *pair, *learnt, "--territory", 10000, "--output", folder / "scored.vcf"])
    warmed("tensorise", [*candidates, *pair, "--truth", folder / "truth.vcf.gz", "--output", folder / "tensors.h5"])
    (folder / "regions.bed").write_text("chr1\t100\t2000\nchr2\t0\t2400\n")
    labels = ["chrom\tpos\tref\talt\tlabel"]
    for line in (folder / "scored.vcf").read_text().splitlines():
        if not line.startswith("#"):
            contig, position, _, ref, alt, *_ = line.split("\t")
            labels.append(f"{contig}\t{position}\t{ref}\t{alt}\t{len(labels) % 2}")
    (folder / "labels.tsv").write_text("\n".join(labels) + "\n")
    return folder
