"""The models that come with the package: `make models`.

    .venv/bin/python tests/benchmarks/models.py --work bench-work/models

Simulates pairs of protocols that are drawn at random, trains a network on them for tumour and normal and one for a tumour
alone, with the real executables, and judges pairs of protocols that neither has seen. Writes models and their sheets into the
package.
What is done already is kept in the work folder. `medium`, of which those that ship are, takes less than an hour on two busy
cores, and `full` under four; `short` and `tiny` are for trying. The same profile and seed give the same files on one kind of
processor, with the number of threads below.
"""

import argparse
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pysam
from bench import run
from models_protocols import DEEP, DEPTHS, READ_LENGTHS, TESTS, Protocol, as_sequenced, drawn, subset

from varproof.formats.json_file import write_json
from varproof.formats.model_sheet import MeasuredProtocol, ModelSheet, TrainingProtocol
from varproof.formats.tensors import FIRST_INDEL_TYPE, TYPE, PackedTensors, TensorReader, tensor_writer
from varproof.network.built_in import FOLDER, NAMES
from varproof.network.prior_shift import shifted_prior
from varproof.posterior.fdr import fdr_threshold
from varproof.variants.edit import TYPES, VariantType

THREADS = "2"
BATCH = 64
NOMINAL = 0.05

ONE_READER = threading.Lock()
"""Chunks of HDF5 files are read by a call that threads must not make at once."""


@dataclass(frozen=True)
class Profile:
    """`pairs` of about `variants` planted ones, of each at most `candidates`; `passes` over them all."""

    pairs: int
    variants: int
    candidates: int
    passes: int


PROFILES = {
    "full": Profile(pairs=80, variants=700, candidates=2000, passes=15),
    "medium": Profile(pairs=30, variants=220, candidates=550, passes=4),
    "short": Profile(pairs=12, variants=240, candidates=900, passes=8),
    "tiny": Profile(pairs=3, variants=60, candidates=150, passes=2),
}
SEED = 18
LIMITS = (
    "All reads of training were simulated, and few real ones were judged (benchmarks); combine its judgement with the "
    "posterior's.",
    "A pile is 200 rows at most: of a panel of 1,000× every fifth read is seen, and variants under 2 % are guessed at.",
    "Reads of more than 250 bases, long reads and consensus reads were not among the training protocols.",
    "Artefacts are those that simulate-pair knows.",
)
LIMITS_ALONE = (
    "Without a normal, germline variants are told from somatic ones by their frequency alone: filter them by a population's, "
    "or judge with score-posterior.",
)


def reads_of(work: Path, protocol: Protocol, most: int) -> Path:
    """Folder of a simulated pair as sequenced, with `chosen.vcf.gz`, its planted variants and at most so many candidates."""
    folder = work / protocol.name
    if (folder / "done").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    raw = work / f"{protocol.name}.raw"
    shutil.rmtree(raw, ignore_errors=True)
    run("simulate-pair", "--output", raw, *protocol.arguments())
    folder.mkdir(parents=True)
    seed = int(protocol.options["seed"])
    for number, sample in enumerate(("tumor", "normal")):
        as_sequenced(raw / f"{sample}.bam", folder / f"{sample}.bam", protocol, 2 * seed + number)
    for name in ("reference.fa", "reference.fa.fai", "truth.vcf.gz", "truth.vcf.gz.tbi"):
        shutil.copy(raw / name, folder / name)
    with pysam.VariantFile(str(raw / "truth.vcf.gz")) as truth:
        planted = {(record.contig, record.start, record.ref, alt) for record in truth for alt in record.alts or ()}
    with pysam.VariantFile(str(raw / "candidates.vcf.gz")) as listed:
        is_planted = [(record.contig, record.start, record.ref, (record.alts or ("",))[0]) in planted for record in listed]
    others = np.flatnonzero(~np.array(is_planted, bool))
    room = max(most - sum(is_planted), most // 2)
    drawn_others = np.random.default_rng(seed).permutation(others)[:room]
    subset(raw / "candidates.vcf.gz", folder / "chosen.vcf.gz", {*np.flatnonzero(is_planted).tolist(), *drawn_others.tolist()})
    shutil.rmtree(raw)
    (folder / "done").touch()
    return folder


def tensors_of(work: Path, protocol: Protocol, most: int, tracks: tuple[str, ...]) -> Path:
    """Labelled tensors of a pair, with these tracks: the real candidates and others up to `most`.

    Of deep piles a third of that, since a candidate of theirs costs as much more.
    """
    folder = reads_of(work, protocol, most)
    whole, output = folder / "pair.h5", folder / f"{NAMES[tracks]}.h5"
    if not whole.exists():
        reads = ("--tumor", folder / "tumor.bam", "--normal", folder / "normal.bam")
        files = ("--candidates", folder / "chosen.vcf.gz", "--reference", folder / "reference.fa")
        named = ("--truth", folder / "truth.vcf.gz", "--patient", protocol.name)
        run("tensorise", *files, *reads, *named, "--output", whole)
    if not output.exists():
        room = most if float(protocol.options["tumor_depth"]) <= DEEP else most // 3
        with ONE_READER, TensorReader(whole) as reader:
            label = reader.column("label")
            real, others = np.flatnonzero(label == 1), np.flatnonzero(label != 1)
            order = np.random.default_rng(int(protocol.options["seed"])).permutation(others)
            chosen = np.sort(np.concatenate([real, order[: max(room - len(real), room // 2)]]))
            tensors, header = reader.read(0, reader.size).select(chosen), reader.header
        if "normal" not in tracks:
            tensors = tumor_alone(tensors)
            header = header.model_copy(update={"settings": tensors.settings})
        with ONE_READER, tensor_writer(output, header) as writer:
            writer.append(tensors)
    return output


def tumor_alone(tensors: PackedTensors) -> PackedTensors:
    """The tensors without their other tracks."""
    settings = tensors.settings.model_copy(update={"tracks": tensors.settings.tracks[:1]})
    rows = np.repeat(np.arange(tensors.size * tensors.tracks) % tensors.tracks == 0, tensors.depths.ravel())
    offset = np.concatenate([[0], np.cumsum(tensors.depths[:, 0])]).astype(np.int64)
    own = {name: getattr(tensors, name)[rows] for name in ("base", "quality", "rows")}
    return replace(tensors, settings=settings, track_sample=tensors.track_sample[:, :1], row_offset=offset, **own)


def measured(model: Path, tensors: Path, protocol: Protocol) -> Iterator[MeasuredProtocol]:
    """How a model judges a test pair, by class of variants."""
    from varproof.network.metrics import classification_metrics
    from varproof.network.prediction import Predictor

    predictor = Predictor.load(model)
    with TensorReader(tensors) as reader:
        parts = [(batch, predictor.log_odds(batch)) for batch in reader.batches(256)]
    odds = np.concatenate([found for _, found in parts])
    label = np.concatenate([batch.label for batch, _ in parts]).astype(int)
    types = np.concatenate([batch.allele_code for batch, _ in parts])[:, TYPE]
    judged = ~np.isnan(odds) & (label >= 0)
    error = np.ones(len(odds))
    for members, name in ((types < FIRST_INDEL_TYPE, "substitution"), (types >= FIRST_INDEL_TYPE, "indel")):
        calibration = getattr(predictor.card.calibration, name)
        shifted = shifted_prior(odds[members], calibration.positive_fraction)
        error[members] = 1 / (1 + np.exp(np.clip(shifted.log_odds, -500, 500)))
    classes: tuple[tuple[Any, np.ndarray], ...] = (
        ("SNVs", types == list(TYPES).index(VariantType.SNV)),
        ("MNVs", (types != list(TYPES).index(VariantType.SNV)) & (types < FIRST_INDEL_TYPE)),
        ("indels", types >= FIRST_INDEL_TYPE),
    )
    for name, members in classes:
        members = members & judged
        if not members.any():
            continue
        real = label[members] == 1
        kept = error[members] <= fdr_threshold(error[members], NOMINAL).error
        precision = classification_metrics(real.astype(int), 1 / (1 + np.exp(-odds[members]))).average_precision
        yield MeasuredProtocol(
            name=protocol.name,
            description=protocol.description,
            variants=name,
            real=int(real.sum()),
            others=int((~real).sum()),
            average_precision=None if precision is None else round(precision, 3),
            kept=int(kept.sum()),
            false=int((kept & ~real).sum()),
        )


def make(work: Path, profile_name: str, seed: int, tracks: tuple[str, ...], output: Path) -> None:
    """One model and its sheet."""
    profile = PROFILES[profile_name]
    protocols = [drawn(number, profile.variants, seed) for number in range(profile.pairs)]
    with ThreadPoolExecutor(int(THREADS)) as pool:
        files = list(pool.map(lambda one: tensors_of(work, one, profile.candidates, tracks), protocols))
    # Relative, and in the work folder: the model says what it was made of, and should not say where.
    model = work / f"{NAMES[tracks]}.keras"
    inputs = [part for path in files for part in ("--tensors", path)]
    settings = ("--split-by", "patient", "--seed", str(seed), "--threads", THREADS)
    size = ("--epochs", str(profile.passes), "--batch-size", str(BATCH))
    if not model.exists():
        run("train", *inputs, *size, *settings, "--resume", "--output", model)
    with ThreadPoolExecutor(int(THREADS)) as pool:
        tests = list(pool.map(lambda one: tensors_of(work, one, profile.candidates, tracks), TESTS))
    sheet = ModelSheet(
        tracks=tracks,
        profile=profile_name,
        seed=seed,
        passes=profile.passes,
        read_length=(min(READ_LENGTHS), max(READ_LENGTHS)),
        depth=DEPTHS,
        protocols=[_shown(one, path) for one, path in zip(protocols, files, strict=True)],
        measured=[entry for one, path in zip(TESTS, tests, strict=True) for entry in measured(model, path, one)],
        limits=[*LIMITS, *(() if "normal" in tracks else LIMITS_ALONE)],
    )
    shutil.copy(model, output / model.name)
    write_json(output / f"{NAMES[tracks]}.json", sheet)


def _shown(protocol: Protocol, tensors: Path) -> TrainingProtocol:
    with TensorReader(tensors) as reader:
        label = reader.column("label")
    return TrainingProtocol(
        name=protocol.name, description=protocol.description, candidates=len(label), real=int((label == 1).sum())
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("bench-work/models"), help="folder to keep what is made on the way")
    parser.add_argument("--profile", choices=PROFILES, default="medium")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder for models and sheets")
    options = parser.parse_args()
    # Lengths of genomes and numbers of variants differ by profile.
    work, output = options.work / f"{options.profile}-{options.seed}", options.output.resolve()
    for folder in (work, output):
        folder.mkdir(parents=True, exist_ok=True)
    os.chdir(work)
    for tracks in NAMES:
        make(Path(), options.profile, options.seed, tracks, output)


if __name__ == "__main__":
    main()
