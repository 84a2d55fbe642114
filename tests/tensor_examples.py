"""Packed tensors made up for tests: piles of reads in which real variants are seen in the tumour only."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from varproof.formats.tensors import (
    ALLELE_COLUMNS,
    BASE_A,
    BASE_T,
    END_DISTANCE,
    FLAGS,
    MAPQ,
    PRESENT,
    ROW_COLUMNS,
    ROW_PAIRED,
    ROW_REVERSE,
    SUPPORTS_ALT,
    SUPPORTS_REF,
    PackedTensors,
    TensorHeader,
    TensorSettings,
    tensor_writer,
)

CONTIGS = {"chr1": 1_000_000, "chr2": 500_000}


def example_tensors(
    n: int, settings: TensorSettings, seed: int = 0, real_fraction: float = 0.4, depth: int = 12
) -> PackedTensors:
    """n SNV candidates; a real one has the alternative in half of the tumour's reads, others in a read here and there."""
    rng = np.random.default_rng(seed)
    tracks, centre = len(settings.tracks), settings.window // 2
    window = settings.window
    label = (rng.random(n) < real_fraction).astype(np.int8)
    reference = rng.integers(BASE_A, BASE_T + 1, (n, window)).astype(np.uint8)
    ref_base = reference[:, centre]
    alt_base = ((ref_base - 1 + rng.integers(1, 4, n)) % 4 + 1).astype(np.uint8)
    lengths = rng.integers(depth // 2, depth + 1, (n, tracks)).clip(max=settings.depth)
    base, quality, rows = [], [], []
    for i in range(n):
        for track in range(tracks):
            count = int(lengths[i, track])
            pile = np.tile(reference[i], (count, 1))
            carries = rng.random(count) < (0.5 if label[i] and settings.tracks[track] == "tumor" else 0.04)
            pile[carries, centre] = alt_base[i]
            starts = np.sort(rng.integers(0, centre + 1, count))
            ends = rng.integers(centre + 1, window + 1, count)
            outside = (np.arange(window) < starts[:, None]) | (np.arange(window) >= ends[:, None])
            pile[outside] = 0
            base.append(pile)
            quality.append(np.where(outside, 0, rng.integers(20, 41, (count, window))))
            row = np.zeros((count, len(ROW_COLUMNS)), np.uint8)
            row[:, MAPQ], row[:, END_DISTANCE] = 60, 20
            row[:, FLAGS] = PRESENT | ROW_PAIRED | ROW_REVERSE * (rng.random(count) < 0.5)
            row[:, FLAGS] |= np.where(carries, SUPPORTS_ALT, SUPPORTS_REF).astype(np.uint8)
            rows.append(row)
    allele_code = np.zeros((n, len(ALLELE_COLUMNS)), np.uint8)
    allele_code[:, 1:3] = 1
    allele_code[:, 5], allele_code[:, 6] = ref_base, alt_base
    letters = np.array(list(".ACGT"), object)
    position = np.sort(rng.choice(400_000, n, replace=False)).astype(np.int64) + 1000
    return PackedTensors(
        settings=settings,
        record=np.arange(n),
        allele=np.zeros(n, np.int32),
        contig=np.zeros(n, np.int32),
        position=position,
        centre=position,
        label=label,
        ref=letters[ref_base],
        alt=letters[alt_base],
        skipped=np.full(n, "", object),
        mutation_class=np.full(n, "", object),
        track_sample=np.tile(np.arange(tracks, dtype=np.int32), (n, 1)),
        reference=reference,
        allele_code=allele_code,
        row_offset=np.concatenate([[0], np.cumsum(lengths.ravel())]).astype(np.int64),
        base=np.concatenate(base).astype(np.uint8),
        quality=np.concatenate(quality).astype(np.uint8),
        rows=np.concatenate(rows),
    )


def write_tensors(path: Path, tensors: PackedTensors, patient: str = "patient") -> Path:
    """A tensor file of them."""
    samples = [f"{kind}{number}" for number, kind in enumerate(tensors.settings.tracks)]
    header = TensorHeader(settings=tensors.settings, contigs=CONTIGS, samples=samples, patient=patient)
    with tensor_writer(path, header) as writer:
        for start in range(0, tensors.size, 100):
            writer.append(tensors.select(np.arange(start, min(start + 100, tensors.size))))
    return path


def unlabelled(tensors: PackedTensors) -> PackedTensors:
    """The same without labels."""
    return replace(tensors, label=np.full(tensors.size, -1, np.int8))
