"""What a network must beat: counting reads, a bare rule on the counts, and FiNGS with its default filters.

    .venv/bin/python tests/benchmarks/rivals.py --tensors tensors.h5 --pair pair

`--tensors` is a labelled tensor file of tumour and normal; `--pair`, the simulate-pair folder that it was made from, is for
FiNGS (PyPI `fings`, https://github.com/cpwardell/FiNGS), which judges SNVs only. It runs where a `fings` is on the PATH. Its
needs are old, so give it an environment of its own (Python 3.9; version 1.7.1 was used):

    python3.9 -m venv fings && fings/bin/pip install "setuptools<58" wheel
    fings/bin/pip install --no-build-isolation fings==1.7.1 "scipy<1.12" "numpy<1.27" "pandas<2.2"
    PATH="$PATH:$PWD/fings/bin"

pyvcf is built with setuptools' 2to3, which ended with version 58, and FiNGS calls scipy.stats.binom_test, which ended with
scipy 1.12.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pysam

from varproof.formats.tensors import FIRST_INDEL_TYPE, FLAGS, SUPPORTS_ALT, TYPE, PackedTensors, TensorReader

NORMAL_WEIGHT = 3
FEWEST_TUMOR_READS = 3
SNV_TYPE = 0


def read_counts(packed: PackedTensors, flag: int) -> np.ndarray:
    """int64 (n, T): how many reads of each candidate and track have this bit in their flags."""
    has = np.concatenate([[0], np.cumsum((packed.rows[:, FLAGS] & flag) != 0)])
    return np.diff(has[packed.row_offset]).reshape(packed.size, packed.tracks)


def read_count_number(alternative: np.ndarray) -> np.ndarray:
    """int64 (n,): alternative reads of the tumour (column 0), less three times those of the normal (column 1)."""
    return alternative[:, 0] - NORMAL_WEIGHT * alternative[:, 1]


def read_count_rule(alternative: np.ndarray) -> np.ndarray:
    """bool (n,): at least three alternative reads in the tumour, none in the normal."""
    return (alternative[:, 0] >= FEWEST_TUMOR_READS) & (alternative[:, 1] == 0)


def fings_judgement(folder: Path, places: Sequence[tuple[int, str, str]]) -> np.ndarray | None:
    """float (n,): 1 where FiNGS passes a candidate of a simulated pair, 0 where it doesn't; None, with a word, without FiNGS.

    `places` are (0-based position, ref, alt) on the pair's only contig. FiNGS judges SNVs only: 0 for all others. Its files
    stay in the pair's folder and are used again.
    """
    program = shutil.which("fings")
    output = folder.absolute() / "fings"
    filtered = output / "snvs.filtered.vcf"
    if not filtered.exists():
        if program is None:
            print("rivals: no fings on the PATH, so FiNGS is left out; rivals.py says how to install it", file=sys.stderr)
            return None
        _run_fings(program, folder.absolute(), output)
    with pysam.VariantFile(str(filtered)) as calls:
        passed = {(record.start, record.ref, record.alts[0]): list(record.filter) == ["PASS"] for record in calls}
    return np.array([passed.get(place, False) for place in places], float)


def _run_fings(program: str, pair: Path, output: Path) -> None:
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    snvs = output / "snvs.vcf"
    with pysam.VariantFile(str(pair / "candidates.vcf.gz")) as candidates:
        header = f"##fileformat=VCFv4.2\n##contig=<ID={next(iter(candidates.header.contigs))}>\n"
        lines = [
            f"{record.contig}\t{record.pos}\t.\t{record.ref}\t{alt}\t.\t.\t.\n"
            for record in candidates
            for alt in record.alts or ()
            if len(record.ref) == len(alt) == 1
        ]
    snvs.write_text(header + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + "".join(lines))
    files = {"-v": snvs, "-t": pair / "tumor.bam", "-n": pair / "normal.bam", "-r": pair / "reference.fa", "-d": output}
    command = [program, *(str(item) for option in files.items() for item in option), "-j", "2"]
    with (output / "stderr.txt").open("w") as log:
        subprocess.run(command, check=True, env={**os.environ, "MPLBACKEND": "Agg"}, stdout=log, stderr=log)


def hard_measures(label: np.ndarray, called: np.ndarray) -> dict[str, Any]:
    """Precision, recall and F1 of a judgement without degrees."""
    true, false = int((called & (label == 1)).sum()), int((called & (label == 0)).sum())
    real = int((label == 1).sum())
    precision, recall = true / max(true + false, 1), true / max(real, 1)
    f1 = 2 * true / max(2 * true + false + (real - true), 1)
    return {"called": true + false, "precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def number_measures(label: np.ndarray, number: np.ndarray) -> dict[str, Any]:
    """ROC AUC, average precision and the best F1 over thresholds of a number that is higher for real variants."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    best = max((hard_measures(label, number >= threshold)["f1"], int(threshold)) for threshold in np.unique(number))
    return {
        "roc_auc": round(float(roc_auc_score(label, number)), 4),
        "average_precision": round(float(average_precision_score(label, number)), 4),
        "best_f1": best[0],
        "at_threshold": best[1],
    }


def rivals(tensors: Path, pair: Path | None) -> dict[str, Any]:
    """Measures of every rival on the labelled candidates, SNVs and indels apart."""
    with TensorReader(tensors) as reader:
        packed = reader.read(0, reader.size)
    alternative = read_counts(packed, SUPPORTS_ALT)
    number, rule = read_count_number(alternative), read_count_rule(alternative)
    kind = packed.allele_code[:, TYPE]
    known = (packed.label >= 0) & (packed.skipped == "")
    found: dict[str, Any] = {}
    for name, members in (("snv", known & (kind == SNV_TYPE)), ("indel", known & (kind >= FIRST_INDEL_TYPE))):
        label = packed.label[members]
        found[name] = {
            "candidates": len(label),
            "real": int((label == 1).sum()),
            "alternative reads, tumour - 3 x normal": number_measures(label, number[members]),
            "3 reads in the tumour, none in the normal": hard_measures(label, rule[members]),
        }
    if pair is not None:
        places = list(zip(packed.position.tolist(), packed.ref, packed.alt, strict=True))
        judgement = fings_judgement(pair, places)
        if judgement is not None:
            snv = known & (kind == SNV_TYPE)
            found["snv"]["FiNGS, default filters"] = hard_measures(packed.label[snv], judgement[snv] == 1)
    return found


def main() -> None:
    """Parse, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tensors", type=Path, required=True)
    parser.add_argument("--pair", type=Path)
    options = parser.parse_args()
    print(json.dumps(rivals(options.tensors, options.pair), indent=1))


if __name__ == "__main__":
    main()
