"""Folders as spike-variants leaves them, made of a simulated pair: a spiking.json, and a truth with depths and counts."""

import json
import shutil
from pathlib import Path
from typing import Any

import pysam

DATA = Path(__file__).resolve().parent.parent / "test-data"

SUMMARY = {
    "schema": "varproof/spiking/1",
    "settings": {"purity": 0.75, "seed": 1, "reads": "donor.bam", "variants": None},
    "planted": {"snv": 3},
}


def summary_of(**settings: Any) -> dict[str, Any]:
    """spiking.json with changed settings."""
    return SUMMARY | {"settings": SUMMARY["settings"] | settings}


def write_spiking_json(folder: Path, **settings: Any) -> None:
    (folder / "spiking.json").write_text(json.dumps(summary_of(**settings)))


def spiked_truth(source: Path, target: Path, depth: int) -> None:
    """The truth of a pair with FORMAT/DP and AD of two samples: `depth` + record number % 3 fragments in the tumour."""
    with pysam.VariantFile(str(source)) as truth:
        head = truth.header.copy()
        head.formats.add("DP", 1, "Integer", "fragments over the locus")
        head.formats.add("AD", "R", "Integer", "fragments of the reference and of the alternative allele")
        for sample in ("tumor", "normal"):
            head.add_sample(sample)
        with pysam.VariantFile(str(target), "wz", header=head) as out:
            for number, record in enumerate(truth):
                made = out.new_record(contig=record.contig, start=record.start, alleles=record.alleles)
                for key, value in record.info.items():
                    made.info[key] = value
                fragments = depth + number % 3
                for sample, count in (("tumor", fragments), ("normal", 30)):
                    made.samples[sample]["DP"] = count
                    made.samples[sample]["AD"] = (count, 0)
                out.write(made)
    pysam.tabix_index(str(target), preset="vcf", force=True)


def spiked_folder(pair: Path, folder: Path, depth: int = 40, **settings: Any) -> Path:
    """`folder` with the reads and candidates of `pair`, a folder of simulate-pair."""
    folder.mkdir(parents=True)
    for path in pair.iterdir():
        if path.name.partition(".")[0] in ("tumor", "normal", "candidates") and path.suffix not in (".h5", ".json"):
            shutil.copy(path, folder / path.name)
    spiked_truth(pair / "truth.vcf.gz", folder / "truth.vcf.gz", depth)
    write_spiking_json(folder, **settings)
    return folder


def pair_files(folder: Path) -> Path:
    """The files of test-data as simulate-pair leaves them, without what other executables made of them."""
    folder.mkdir()
    for name in ("tumor.bam", "tumor.bam.bai", "normal.bam", "normal.bam.bai", "candidates.vcf.gz", "candidates.vcf.gz.tbi"):
        shutil.copy(DATA / name, folder)
    shutil.copy(DATA / "truth.vcf.gz", folder)
    return folder
