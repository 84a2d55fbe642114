"""One small sound file of every kind that an executable reads, made by the executables themselves."""

import json
import shutil
from pathlib import Path

from population_examples import population_of
from robustness.harness import warmed
from varproof import __version__


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
    warmed("build-panel", ["--reads", folder / "normal.bam", *reference, "--output", folder / "panel.h5"])
    population_of(folder, folder / "population.vcf.gz")
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
    group = {"learnt_from": "own", "planted": 40, "not_planted": 60, "believed": 1, "limit": 0.01}
    group |= {
        "somatic_per_base": 1e-3,
        "true_per_base": 1e-3,
        "model_log_odds": [-8.0, 0.0, 9.0],
        "log_odds": [-4.5, 0.5, 20.0],
    }
    source = {"name": "spiked", "seed": 1, "purity": 0.75, "territory": 10000.0, "planted": 120, "candidates": 300}
    groups = [{"name": name, **group} for name in ("snv", "mnv", "indel")]
    made = {
        "schema": "varproof/recalibration/1",
        "version": __version__,
        "confidence": 0.8,
        "sources": [source],
        "groups": groups,
    }
    (folder / "recalibration.json").write_text(json.dumps(made))
    warmed("estimate-purity", [*pair, *reference, "--output", folder / "purity.json"])
    # So small a pair tells no purity, and its genome has two copies everywhere.
    told = json.loads((folder / "purity.json").read_text()) | {"purity": 0.75, "purity_low": 0.7, "purity_high": 0.8}
    told |= {"fit_low": 0.7, "fit_high": 0.8}
    (folder / "purity.json").write_text(json.dumps(told | {"told_by": "copy number"}))
    (folder / "segments.tsv").write_text("contig\tstart\tend\ttotal\tminor\nchr1\t0\t2000\t2\t1\nchr1\t2000\t5000\t3.5\tNA\n")
    (folder / "labels.tsv").write_text("\n".join(labels) + "\n")
    return folder
