"""Spoilt files of every kind, into every executable that reads them: a result or one line that says what is wrong, always.

`VARPROOF_HOSTILE_INPUTS` is the number of inputs (the nightly profile: 20,000); input i is spoilt with seed i, so that a
failure names all that it takes to see it again.
"""

import gzip
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pysam
import pytest

from robustness.harness import complaint, emptied, run_forked, tallied, warmed
from robustness.mutations import (
    bgzf_blocks,
    inside_compression,
    spoil_hdf5,
    spoilt_bytes,
    spoilt_json,
    spoilt_records,
    spoilt_text,
)
from robustness.small_files import sound_files
from varproof.formats.evidence import EvidenceReader
from varproof.machinery.htslib import quiet

INPUTS = int(os.environ.get("VARPROOF_HOSTILE_INPUTS", "560"))
Spoil = Callable[[bytes, random.Random], bytes]


@dataclass(frozen=True)
class Target:
    """An executable and the file of it that is spoilt; `{}` stands for the folder of sound files."""

    name: str
    executable: str
    arguments: str
    option: str
    file: str
    spoils: tuple[Spoil, ...]
    output: str = "out.vcf"


def plain_or_packed(spoil: Spoil) -> Spoil:
    """Spoil text, which may be compressed."""
    return lambda data, chance: (
        bgzf_blocks(spoil(gzip.decompress(data), chance)) if data[:2] == b"\x1f\x8b" else spoil(data, chance)
    )


FASTA: tuple[Spoil, ...] = (spoilt_bytes, spoilt_text)
BAM: tuple[Spoil, ...] = (
    spoilt_bytes,
    inside_compression(spoilt_bytes),
    inside_compression(spoilt_records),
    inside_compression(spoilt_records),
)
TEXT: tuple[Spoil, ...] = (
    spoilt_bytes,
    plain_or_packed(spoilt_text),
    plain_or_packed(spoilt_text),
    plain_or_packed(spoilt_text),
)
JSON: tuple[Spoil, ...] = (spoilt_bytes, spoilt_json, spoilt_json, spoilt_json)
HDF5: tuple[Spoil, ...] = (spoilt_bytes,)  # arrays are spoilt in the file itself

REFERENCE, READS, ALIGNED = "--reference {}/reference.fa", "--reads {}/tumor.bam", "--alignment {}/tumor.json"
CANDIDATES, TUMOR = f"--candidates {{}}/candidates.vcf.gz {REFERENCE}", "--tumor {}/tumor.bam"
NORMAL = f"{CANDIDATES} --normal {{}}/normal.h5 --territory 10000"
SCORED = "scored.vcf"

TARGETS = [
    Target("reads of estimate-alignment", "estimate-alignment", REFERENCE, "--reads", "tumor.bam", BAM, "out.json"),
    Target("reference", "estimate-alignment", READS, "--reference", "reference.fa", FASTA, "out.json"),
    Target("reads of call-candidates", "call-candidates", REFERENCE, "--reads", "tumor.bam", BAM),
    Target("CRAM of call-candidates", "call-candidates", REFERENCE, "--reads", "tumor.cram", (spoilt_bytes,)),
    Target("known sites", "call-candidates", f"{READS} {REFERENCE}", "--known-sites", "truth.vcf.gz", TEXT),
    Target("regions", "call-candidates", f"{READS} {REFERENCE}", "--regions", "regions.bed", TEXT),
    Target("reads of collect-evidence", "collect-evidence", f"{CANDIDATES} {ALIGNED}", "--reads", "tumor.bam", BAM, "out.h5"),
    Target("candidates of collect-evidence", "collect-evidence", f"{READS} {REFERENCE} {ALIGNED}", "--candidates",
           "candidates.vcf.gz", TEXT, "out.h5"),
    Target("candidates of score-posterior", "score-posterior", f"{TUMOR} {REFERENCE} --alignment-tumor {{}}/tumor.json",
           "--candidates", "candidates.vcf.gz", TEXT),
    Target("reads of learn-prior", "learn-prior", f"{REFERENCE} --alignment-tumor {{}}/tumor.json", "--tumor", "tumor.bam", BAM,
           "out.json"),
    Target("alignment properties", "collect-evidence", f"{CANDIDATES} {READS}", "--alignment", "tumor.json", JSON, "out.h5"),
    Target("evidence", "score-posterior", NORMAL, "--tumor", "tumor.h5", HDF5),
    Target("gathered evidence", "gather", "--candidates {}/candidates.vcf.gz", "--inputs", "tumor.h5", HDF5, "out.h5"),
    Target("gathered tensors", "gather", "--candidates {}/candidates.vcf.gz", "--inputs", "tensors.h5", HDF5, "out.h5"),
    Target("scattered candidates", "scatter-candidates", f"--chunks 3 {REFERENCE}", "--candidates", "candidates.vcf.gz", TEXT,
           "out"),
    Target("prior", "score-posterior", f"{NORMAL} --tumor {{}}/tumor.h5", "--prior", "prior.json", JSON),
    Target("germline resource", "score-posterior", f"{NORMAL} --tumor {{}}/tumor.h5", "--germline-resource",
           "population.vcf.gz", TEXT),
    Target("panel", "score-posterior", f"{NORMAL} --tumor {{}}/tumor.h5", "--panel", "panel.h5", HDF5),
    Target("panel to add to", "build-panel", f"--reads {{}}/tumor.bam {REFERENCE}", "--add", "panel.h5", HDF5, "out.h5"),
    Target("calibration", "score-posterior", f"{NORMAL} --tumor {{}}/tumor.h5", "--calibrate", "recalibration.json", JSON),
    Target("calls of fdr-filter", "fdr-filter", "--events SOMATIC_TUMOR --fdr 0.1", "--calls", SCORED, TEXT),
    Target("calls of estimate-vaf", "estimate-vaf", "", "--calls", SCORED, TEXT, "out.tsv"),
    Target("calls of evaluate-calls", "evaluate-calls", f"--truth {{}}/truth.vcf.gz {REFERENCE}", "--calls", SCORED, TEXT,
           "out.json"),
    Target("truth of evaluate-calls", "evaluate-calls", f"--calls {{}}/scored.vcf {REFERENCE}", "--truth", "truth.vcf.gz", TEXT,
           "out.json"),
    Target("candidates of tensorise", "tensorise", f"{REFERENCE} {TUMOR}", "--candidates", "candidates.vcf.gz", TEXT, "out.h5"),
    Target("reads of tensorise", "tensorise", CANDIDATES, "--tumor", "tumor.bam", BAM, "out.h5"),
    Target("labels", "tensorise", f"{CANDIDATES} {TUMOR}", "--labels", "labels.tsv", TEXT, "out.h5"),
    Target("predicted calls", "combine-calls", "--scored {}/scored.vcf", "--predicted", "predicted.vcf", TEXT),
    Target("reads of spike-variants", "spike-variants", f"{REFERENCE} --min-depth 5 --spacing 200", "--reads", "tumor.bam", BAM,
           "out"),
    Target("plan of spike-variants", "spike-variants", f"--reads {{}}/normal.bam {REFERENCE} --min-depth 5", "--variants",
           "truth.vcf.gz", TEXT, "out"),
    Target("reads of estimate-purity", "estimate-purity", REFERENCE, "--tumor", "tumor.bam", BAM, "out.json"),
    Target("segments", "estimate-purity", f"{TUMOR} {REFERENCE}", "--segments", "segments.tsv", TEXT, "out.json"),
    Target("purity", "score-posterior", f"{NORMAL} --tumor {{}}/tumor.h5", "--purity", "purity.json", JSON),
    Target("purity of estimate-vaf", "estimate-vaf", "--calls {}/scored.vcf", "--purity-estimate", "purity.json", JSON,
           "out.tsv"),
    Target("segments of estimate-vaf", "estimate-vaf", "--calls {}/scored.vcf", "--segments", "segments.tsv", TEXT, "out.tsv"),
]  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = sound_files(tmp_path_factory.mktemp("sound"))
    lines = (folder / "scored.vcf").read_text().splitlines()
    field = '##INFO=<ID=PROB_CNN_{},Number=A,Type=Float,Description="x">'
    out = [field.format("SOMATIC"), field.format("ARTIFACT"), '##INFO=<ID=CNN_PROB,Number=A,Type=Float,Description="x">']
    for line in lines:
        if line.startswith("##"):
            out.insert(0, line)
        elif line.startswith("#"):
            out.append(line)
        else:
            words = line.split("\t")
            out.append("\t".join([*words[:7], "CNN_PROB=0.5;PROB_CNN_SOMATIC=3.0103;PROB_CNN_ARTIFACT=3.0103", *words[8:]]))
    out.sort(
        key=lambda line: (
            (not line.startswith("##"), not line.startswith("##fileformat")) if line.startswith("#") else (True, True)
        )
    )
    (folder / "predicted.vcf").write_text("\n".join(out) + "\n")
    for path in folder.glob("*.fai"):
        path.unlink()
    pysam.faidx(str(folder / "reference.fa"))
    return folder


def spoilt_file(target: Target, sound: Path, folder: Path, seed: int) -> Path:
    """The target's file, spoilt, with the sound one's index beside it."""
    chance = random.Random(seed)
    spoilt = folder / target.file
    spoil = chance.choice(target.spoils)
    if target.spoils is HDF5 and chance.random() < 0.75:
        spoilt.write_bytes((sound / target.file).read_bytes())
        spoil_hdf5(spoilt, chance)
    else:
        spoilt.write_bytes(spoil((sound / target.file).read_bytes(), chance))
    for index in sound.glob(f"{target.file}.*"):
        (folder / index.name).write_bytes(index.read_bytes())
    return spoilt


def lost_records(target: Target, spoilt: Path, output: Path) -> str:
    """How many of the records that can be read are not in the output, where all must be; empty for none."""
    if target.option != "--candidates" or target.executable not in ("score-posterior", "collect-evidence"):
        return ""
    with quiet(), pysam.VariantFile(str(spoilt)) as file:
        given = [len(record.alts or ()) for record in file]
    if target.executable == "score-posterior":
        with pysam.VariantFile(str(output)) as file:
            kept = sum(1 for _ in file)
        return "" if kept == len(given) else f"{kept} records of {len(given)}"
    with EvidenceReader(output) as reader:
        return "" if reader.size == sum(given) else f"{reader.size} alleles of {sum(given)}"


@pytest.mark.timeout(0)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_spoilt_files(target: Target, sound: Path, tmp_path: Path) -> None:
    fixed = target.arguments.replace("{}", str(sound)).split()
    warmed(
        target.executable, [*fixed, target.option, sound / target.file, "--output", emptied(tmp_path / "warm") / target.output]
    )
    wrong, first, number = [], 1_000_000 * TARGETS.index(target), -(-INPUTS // len(TARGETS))
    for seed in range(first, first + number):
        folder = emptied(tmp_path / "run")
        spoilt, output = spoilt_file(target, sound, folder, seed), folder / "result" / target.output
        output.parent.mkdir()
        ended = run_forked(target.executable, [*fixed, target.option, spoilt, "--output", output])
        problem = complaint(target.executable, ended, [output], folder)
        if problem or (ended.status == 0 and (problem := lost_records(target, spoilt, output))):
            wrong.append(f"seed {seed}: {problem}\n{ended.said[-1500:]}")
    tallied("spoilt files", number, len(wrong))
    assert not wrong, f"{len(wrong)} inputs:\n" + "\n".join(wrong[:5])
