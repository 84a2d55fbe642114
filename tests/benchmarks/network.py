"""The network's table: train on simulated pairs, judge others, beside counting reads, FiNGS and the posterior.

    .venv/bin/python tests/benchmarks/network.py --work bench-work/network

Everything goes through the real executables. What is done already is kept in the work folder, stage by stage, so that an
interrupted run goes on. Writes network.json and its section of RESULTS.md; about an hour on two cores, most of it training.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from bench import HERE, run
from network_table import network_lines
from rivals import fings_judgement, read_counts
from tables import write_page

from varproof.formats.tensors import FIRST_INDEL_TYPE, SUPPORTS_ALT, TYPE, TensorReader
from varproof.network.metrics import classification_metrics
from varproof.network.prior_shift import shifted_prior
from varproof.posterior.fdr import fdr_threshold

CONTEXTS = 3
COMMON = ("--contexts", str(CONTEXTS), "--normal-library", "other")
ALL = ("--artifacts", "all", "--genome-length", "600000")
TRAINING = {
    "train-1": ("--seed", "201", *ALL, "--purity", "0.75"),
    "train-2": (
        "--seed",
        "202",
        *ALL,
        "--purity",
        "0.5",
        "--tumor-depth",
        "60",
        "--normal-depth",
        "40",
        "--read-length",
        "150",
    ),
    "train-3": ("--seed", "203", "--purity", "0.75"),
    "train-4": ("--seed", "204", "--purity", "0.9", "--tumor-depth", "30"),
}
TESTS = {
    "plain": ("--seed", "301", "--purity", "0.75"),
    "artefacts": ("--seed", "302", *ALL, "--purity", "0.6", "--tumor-depth", "50", "--normal-depth", "35"),
}
HELD_OUT_KIND = "paralog"
SHARES = (0.01, 0.1, 0.5)
NOMINAL = (0.01, 0.05, 0.1, 0.2)
PAPER = {"accuracy": 0.949, "precision": 0.948, "recall": 0.995, "f1": 0.971}


@dataclass(frozen=True)
class Setting:
    """One training."""

    name: str
    architecture: str
    contexts: bool
    epochs: int
    without: str | None = None
    training: tuple[str, ...] = tuple(TRAINING)


SMALLER = ("train-1", "train-3", "train-4")
SETTINGS = (
    Setting("read-set", "read-set", False, 10),
    Setting("read-set, smaller set", "read-set", False, 10, None, SMALLER),
    Setting("read-set, smaller set, 3 contexts", "read-set", True, 10, None, SMALLER),
    Setting(f"read-set, smaller set without {HELD_OUT_KIND}s", "read-set", False, 10, HELD_OUT_KIND, SMALLER),
    Setting("deepcnnvalid, smallest set", "deepcnnvalid", False, 8, None, ("train-1", "train-3")),
)


def pair(work: Path, name: str) -> Path:
    """Folder of a simulated pair."""
    folder = work / name
    if not folder.exists():
        run("simulate-pair", "--output", folder, *COMMON, *{**TRAINING, **TESTS}[name])
    return folder


def artefact_kinds(folder: Path) -> dict[tuple[int, str, str], str]:
    """(0-based position, ref, alt) -> kind of artefact, of the truth."""
    found = {}
    with pysam.VariantFile(str(folder / "truth.vcf.gz")) as truth:
        for record in truth:
            kind = record.info.get("ARTIFACT_KIND") if "ARTIFACT_KIND" in record.info else None
            if kind:
                found[record.start, record.ref, record.alts[0]] = str(kind)
    return found


def tensors(work: Path, name: str, contexts: bool, without: str | None) -> Path:
    """Tensor file of a pair, labelled; candidates that an artefact of kind `without` made have no label."""
    folder = pair(work, name)
    stem = f"{name}{'-contexts' if contexts else ''}{'-without' if without else ''}"
    output = work / f"{stem}.h5"
    if output.exists():
        return output
    reads = ["--tumor", folder / "tumor.bam", "--normal", folder / "normal.bam"]
    for number in range(CONTEXTS if contexts else 0):
        reads += ["--context", folder / f"context-{number + 1}.bam"]
    labels: list[Any] = ["--truth", folder / "truth.vcf.gz"]
    if without:
        labels = ["--labels", _labels_without(tensors(work, name, contexts, None), folder, without, work / f"{stem}.tsv")]
    files = ("--candidates", folder / "candidates.vcf.gz", "--reference", folder / "reference.fa")
    run("tensorise", *files, *reads, *labels, "--patient", name, "--output", output)
    return output


def _labels_without(labelled: Path, folder: Path, kind: str, output: Path) -> Path:
    kinds = artefact_kinds(folder)
    lines = ["chrom\tpos\tref\talt\tlabel"]
    with TensorReader(labelled) as reader:
        contigs = list(reader.header.contigs)
        names = ("contig", "position", "ref", "alt", "label")
        for contig, position, ref, alt, label in zip(*(reader.column(name) for name in names), strict=True):
            if label >= 0 and kind not in kinds.get((int(position), ref, alt), ""):
                lines.append(f"{contigs[contig]}\t{position + 1}\t{ref}\t{alt}\t{label}")
    output.write_text("\n".join(lines) + "\n")
    return output


def model(work: Path, setting: Setting) -> tuple[Path, dict[str, Any]]:
    """The trained model, and what its training took."""
    stem = setting.name.replace(", ", "-").replace(" ", "-")
    output, stamp = work / f"{stem}.keras", work / f"{stem}.train.json"
    if not stamp.exists():
        files = [tensors(work, name, setting.contexts, setting.without) for name in setting.training]
        inputs = [argument for path in files for argument in ("--tensors", path)]
        size = ("--epochs", str(setting.epochs), "--architecture", setting.architecture)
        begun = time.monotonic()
        metrics = work / f"{stem}.metrics.json"
        used = run("train", *inputs, *size, "--threads", "2", "--output", output, "--metrics", metrics, "--resume")
        found = json.loads(metrics.read_text())
        stamp.write_text(
            json.dumps(
                {
                    "minutes": round((time.monotonic() - begun) / 60, 1),
                    "cpu_minutes": round(used.cpu_seconds / 60, 1),
                    "peak_mb": round(used.peak_mb),
                    "candidates": sum(found["balance"].values()),
                    "parameters": found["parameters"],
                    "heldout": found["heldout"]["calibrated"],
                }
            )
        )
    return output, json.loads(stamp.read_text())


def log_odds(work: Path, setting: Setting, name: str) -> np.ndarray:
    """Calibrated log-odds of a test's candidates, at the share of real ones in training."""
    path, _ = model(work, setting)
    output = work / f"{path.stem}.{name}.vcf.gz"
    table = work / f"{path.stem}.{name}.odds.vcf.gz"
    source = tensors(work, name, setting.contexts, None)
    if not table.exists():
        run("predict", "--model", path, "--tensors", source, "--output", output, "--threads", "2")
        run("predict", "--model", path, "--tensors", source, "--output", table, "--no-prior-shift", "--threads", "2")
    odds = []
    with pysam.VariantFile(str(table)) as calls:
        for record in calls:
            pairs = zip(record.info["PROB_CNN_ARTIFACT"], record.info["PROB_CNN_SOMATIC"], strict=True)
            odds += [(artifact - somatic) * np.log(10) / 10 for artifact, somatic in pairs]
    return np.array(odds)


def judged(label: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """Measures of predicted probabilities."""
    return classification_metrics(label, np.clip(probability, 0, 1)).model_dump()


def realised_fdr(label: np.ndarray, odds: np.ndarray, training_share: float, seed: int) -> list[dict[str, Any]]:
    """Realised rates at nominal ones on subsamples with each share of real candidates, at most 20 draws summed."""
    rng = np.random.default_rng(seed)
    real, false = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    found = []
    for share in SHARES:
        n_real = min(len(real), int(len(false) * share / (1 - share)))
        n_false = min(len(false), int(n_real * (1 - share) / share))
        counts = {rate: [0, 0] for rate in NOMINAL}
        recalled = 0
        draws = 20
        for _ in range(draws):
            chosen = np.concatenate([rng.choice(real, n_real, replace=False), rng.choice(false, n_false, replace=False)])
            shifted = shifted_prior(odds[chosen], training_share)
            errors = 1 / (1 + np.exp(np.clip(shifted.log_odds, -500, 500)))
            for rate in NOMINAL:
                kept = errors <= fdr_threshold(errors, rate).error
                counts[rate][0] += int(kept.sum())
                counts[rate][1] += int((kept & (label[chosen] == 0)).sum())
                recalled += int((kept & (label[chosen] == 1)).sum()) if rate == 0.05 else 0
        found.append(
            {
                "share": share,
                "real": n_real,
                "false": n_false,
                "kept": {str(rate): kept / draws for rate, (kept, _) in counts.items()},
                "realised": {str(rate): wrong / kept if kept else None for rate, (kept, wrong) in counts.items()},
                "recall at 0.05": recalled / draws / n_real if n_real else None,
            }
        )
    return found


def test_set(work: Path, name: str) -> dict[str, Any]:
    """Every judge on one test set."""
    folder, source = pair(work, name), tensors(work, name, False, None)
    with TensorReader(source) as reader:
        label = reader.column("label").astype(int)
        types = reader.column("allele_code")[:, TYPE]
        places = list(zip(reader.column("position"), reader.column("ref"), reader.column("alt"), strict=True))
        packed = reader.read(0, reader.size)
    alternative = read_counts(packed, SUPPORTS_ALT)
    count = alternative[:, 0] - 3 * alternative[:, 1]
    kinds = artefact_kinds(folder)
    kind = np.array([kinds.get((int(position), ref, alt), "") for position, ref, alt in places])
    snv, indel = types == 0, types >= FIRST_INDEL_TYPE
    classes = {"SNV": snv, "indel": indel}
    of_kind = np.char.find(kind, HELD_OUT_KIND) >= 0
    if np.any(of_kind & snv & (label == 0)):
        classes[f"{HELD_OUT_KIND}s"] = snv & (of_kind | (label == 1))
    result: dict[str, Any] = {"candidates": len(label), "real": int(label.sum()), "judges": {}}
    rule = ((alternative[:, 0] >= 3) & (alternative[:, 1] == 0)).astype(float)
    judges: dict[str, np.ndarray] = {"3 reads in the tumour, none in the normal": rule}
    for setting in SETTINGS:
        odds = log_odds(work, setting, name)
        judges[setting.name] = 1 / (1 + np.exp(-odds))
        with_share = json.loads((work / f"{model(work, setting)[0].stem}.metrics.json").read_text())["calibration"]
        if setting.name == "read-set":
            result["fdr"] = {
                key: realised_fdr(label[members], odds[members], with_share[part]["positive_fraction"], 1)
                for key, members, part in (("SNV and MNV", ~indel, "substitution"), ("indel", indel, "indel"))
            }
    if (fings := fings_judgement(folder, places)) is not None:
        judges["FiNGS, default filters"] = fings  # it judges SNVs only
    for title, probability in judges.items():
        result["judges"][title] = {key: judged(label[members], probability[members]) for key, members in classes.items()}
    from sklearn.metrics import average_precision_score, roc_auc_score

    result["judges"]["alternative reads, tumour - 3 x normal"] = {
        key: {
            "average_precision": average_precision_score(label[members], count[members]),
            "roc_auc": roc_auc_score(label[members], count[members]),
        }
        for key, members in classes.items()
    }
    return result


def combined(work: Path, name: str, calibration: str) -> dict[str, Any]:
    """Recall and realised rate of the posterior, the network and both, weights learnt on another pair."""
    for item in (name, calibration):
        folder = pair(work, item)
        scored, predicted = work / f"{item}.scored.vcf.gz", work / f"{item}.predicted.vcf.gz"
        files = ("--candidates", folder / "candidates.vcf.gz", "--reference", folder / "reference.fa")
        options = {**TRAINING, **TESTS}[item]
        purity = options[options.index("--purity") + 1]
        if not scored.exists():
            reads = ("--tumor", folder / "tumor.bam", "--normal", folder / "normal.bam")
            run("score-posterior", *files, *reads, "--purity", purity, "--threads", "2", "--output", scored)
        if not predicted.exists():
            source = tensors(work, item, False, None)
            both = ("--tensors", source, "--candidates", folder / "candidates.vcf.gz")
            run("predict", "--model", model(work, SETTINGS[0])[0], *both, "--output", predicted, "--threads", "2")
    known, test = work / f"{calibration}.combined.vcf.gz", work / f"{name}.combined.vcf.gz"
    for item, more in ((calibration, ()), (name, ("--calibration", known, "--calibration-truth", _truth(work, calibration)))):
        judgements = ("--scored", work / f"{item}.scored.vcf.gz", "--predicted", work / f"{item}.predicted.vcf.gz")
        run("combine-calls", *judgements, *more, "--output", work / f"{item}.combined.vcf.gz")
    half = work / f"{name}.half.vcf.gz"
    judgements = ("--scored", work / f"{name}.scored.vcf.gz", "--predicted", work / f"{name}.predicted.vcf.gz")
    run("combine-calls", *judgements, "--output", half)
    found = {}
    for title, calls, event in (
        ("posterior", work / f"{name}.scored.vcf.gz", "SOMATIC_TUMOR"),
        ("network", work / f"{name}.predicted.vcf.gz", "CNN_SOMATIC"),
        ("both, one half each", half, "COMBINED_SOMATIC"),
        (f"both, weights learnt on {calibration}", test, "COMBINED_SOMATIC"),
    ):
        output = work / f"{name}.{event}.metrics.json"
        truth = ("--truth", _truth(work, name), "--reference", pair(work, name) / "reference.fa", "--events", event)
        run("evaluate-calls", "--calls", calls, *truth, "--output", output)
        found[title] = json.loads(output.read_text())
    return {
        title: {
            entry["name"]: {
                "average_precision": entry.get("average_precision"),
                "points": {
                    str(point["nominal_fdr"]): {key: point[key] for key in ("kept", "false", "recall")}
                    for point in entry["own_threshold"]
                    if point["nominal_fdr"] in NOMINAL
                },
            }
            for entry in metrics["classes"]
        }
        for title, metrics in found.items()
    }


def _truth(work: Path, name: str) -> Path:
    return pair(work, name) / "truth.vcf.gz"


def main() -> None:
    """Parse, run, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench-work/network"))
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {"paper": PAPER, "trainings": {}, "tests": {}, "combined": {}}
    for setting in SETTINGS:
        results["trainings"][setting.name] = model(options.work, setting)[1]
        print(f"{setting.name}: {results['trainings'][setting.name]}", flush=True)
    for name in TESTS:
        results["tests"][name] = test_set(options.work, name)
    results["combined"] = {
        "artefacts": combined(options.work, "artefacts", "train-1"),
        "plain": combined(options.work, "plain", "train-3"),
    }
    results["speed"] = {
        "tensorise": _printed_table("tensorise.py", "--work", options.work / "tensorise"),
        "Reading beside computing": _printed_table("network_speed.py", tensors(options.work, "plain", False, None)),
    }
    results["page"] = network_lines(results)
    (options.output / "network.json").write_text(json.dumps(results, indent=1) + "\n")
    write_page(options.output)


def _printed_table(script: str, *arguments: str | Path) -> list[str]:
    """The Markdown table that another benchmark of this folder prints."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [line for line in printed.splitlines() if line.startswith("|")]


if __name__ == "__main__":
    main()
