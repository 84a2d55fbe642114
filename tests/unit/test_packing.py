"""Packing and expansion against an encoder that does the same in plain Python, read by read and base by base."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evidence_examples import write_candidates
from naive_pileup import CODES, naive_centre, naive_track, variant_interval
from small_bams import Read, random_sequence, write_bam, write_fasta
from varproof.formats.tensors import (
    FLAGS,
    IMPROPER,
    MATE_ABOVE,
    PRESENT,
    READ1_REVERSE,
    ROW_COLUMNS,
    ROW_PAIRED,
    ROW_REVERSE,
    SUPPORTS_ALT,
    SUPPORTS_REF,
    PackedTensors,
    TensorSettings,
    concatenated,
)
from varproof.pileup import pipeline
from varproof.pileup.expansion import expanded
from varproof.pileup.pipeline import Samples, TensorJob, packed_chunks
from varproof.variants.candidate import trimmed_alleles

BITS = {
    "reverse": ROW_REVERSE, "paired": ROW_PAIRED, "improper": IMPROPER, "read1_reverse": READ1_REVERSE,
    "mate_above": MATE_ABOVE,
}  # fmt: skip


def random_read(rng: random.Random, name: str, contig_length: int, longest: int = 60) -> Read:
    """Any CIGAR that the format allows: clips, gaps next to each other, skips, = and X; Ns, and reads without qualities."""
    operations: list[tuple[str, int]] = []
    budget = rng.randint(5, longest)
    while budget > 0:
        op = rng.choice("MMMMM=XIDIDN") if operations else rng.choice("MMM=XI")
        size = rng.randint(1, 25) if op in "M=X" else rng.randint(1, 5 if op != "N" else 30)
        if operations and operations[-1][0] == op:
            continue
        operations.append((op, size))
        budget -= size if op in "M=XI" else 0
    if operations[-1][0] in "DN":
        operations.append(("M", 3))
    span = sum(size for op, size in operations if op in "M=XDN")
    if span == 0:
        operations.append(("M", 4))
        span = 4
    for side in (0, len(operations)):
        if rng.random() < 0.3:
            operations.insert(side and len(operations), ("S", rng.randint(1, 20)))
        if rng.random() < 0.1:
            operations.insert(side and len(operations), ("H", 3))
    length = sum(size for op, size in operations if op in "M=XIS")
    start = rng.choice([0, contig_length - span, *[rng.randrange(contig_length - span + 1)] * 6])
    sequence = "".join(rng.choice("ACGTACGTACGTN") for _ in range(length))
    qualities = None if rng.random() < 0.1 else [rng.randint(0, 60) for _ in range(length)]
    flag = rng.choice(
        [0, 0x10, 0x1 | 0x40, 0x3 | 0x40 | 0x20, 0x3 | 0x80 | 0x10, 0x1 | 0x80 | 0x10 | 0x20, 0x400, 0x100, 0x904]
    )
    return Read(
        name, start, "".join(f"{size}{op}" for op, size in operations), sequence, qualities, flag, rng.randint(0, 60),
        rng.randrange(contig_length) if flag & 1 else -1, template_length=rng.choice([0, -431, 120, 90_000]),
    )  # fmt: skip


def follow(read: Read, reference: str, rng: random.Random) -> Read:
    """The read with its aligned bases taken from the reference, up to an error here and there."""
    import re

    sequence, query, position = list(read.sequence), 0, read.start
    for size, op in re.findall(r"(\d+)([MIDNSHP=X])", read.cigar):
        if op in "M=X":
            for i in range(int(size)):
                if rng.random() < 0.97:
                    sequence[query + i] = reference[position + i]
        query += int(size) if op in "M=XIS" else 0
        position += int(size) if op in "M=XDN" else 0
    read.sequence = "".join(sequence)
    return read


def random_record(rng: random.Random, reference: str) -> tuple[int, str, str]:
    """A substitution, indel or replacement, as a VCF writes it."""
    while True:
        start = rng.choice([1, len(reference) - 3, rng.randrange(1, len(reference) - 1)])
        length = rng.choice([0, 0, 1, 1, 2, 3, 7, 40])
        end = min(start + length, len(reference))
        near = reference[start : start + rng.choice([0, 1, 2, 4])]
        alt = rng.choice([near, near, "", "".join(rng.choice("ACGT") for _ in range(rng.choice([1, 1, 2, 3, 30])))])
        if alt == reference[start:end] or "N" in reference[max(0, start - 12) : end + 12]:
            continue
        if len(alt) == end - start:
            return start, reference[start:end], alt
        return start - 1, reference[start - 1 : end], reference[start - 1] + alt


def packed(folder: Path, records: list[Any], samples: Samples, settings: TensorSettings) -> PackedTensors:
    candidates = write_candidates(folder / "candidates.vcf", records, {"chr1": 1000, "chr2": 1000})
    job = TensorJob(candidates, folder / "reference.fa", samples, settings=settings)
    return concatenated(list(packed_chunks(job, 1)))


def assert_row(row: np.ndarray, wanted: dict[str, Any]) -> None:
    flags = PRESENT | sum(bit for name, bit in BITS.items() if wanted[name])
    flags |= {"alt": SUPPORTS_ALT, "ref": SUPPORTS_REF, "": 0}[wanted["supports"]]
    found = dict(zip(ROW_COLUMNS, row.tolist(), strict=True))
    assert found == {name: wanted[name] for name in ROW_COLUMNS if name != "flags"} | {"flags": flags}


SETTINGS = [
    {"window": 101, "depth": 60},
    {"window": 21, "depth": 200, "soft_clips": True},
    {"window": 41, "depth": 7, "rows": "window"},
    {"window": 11, "depth": 1, "soft_clips": True, "rows": "window"},
]


@pytest.mark.parametrize("case", range(8))
def test_packing_equals_the_naive_encoder(case: int, tmp_path: Path) -> None:
    rng = random.Random(case)
    settings = TensorSettings(tracks=("tumor", "normal"), **SETTINGS[case % 4])
    reference = random_sequence(rng, 400)
    reference = reference[:200] + "N" + reference[201:]
    write_fasta(tmp_path / "reference.fa", {"chr1": reference})
    samples = []
    for sample in ("tumor", "normal"):
        reads = [random_read(rng, f"read{rng.randrange(80)}", 400) for _ in range(150)]
        reads = [follow(read, reference, rng) if rng.random() < 0.8 else read for read in reads]
        samples.append(write_bam(tmp_path / f"{sample}.bam", {"chr1": 400}, reads))
    records = sorted({random_record(rng, reference) for _ in range(40)})
    tensors = packed(tmp_path, records, Samples(*samples), settings)
    channels = expanded(tensors)
    assert channels.shape == (len(records), settings.window, settings.depth, 14) and channels.dtype == np.uint8
    seen = 0
    for i, record in enumerate(records):
        start, ref, alt = trimmed_alleles(*record)
        low, high, _left, *_ = variant_interval(reference, start, start + len(ref), alt)
        centre = naive_centre("substitution" if len(ref) == len(alt) else "indel", low, high, settings.window)
        assert (tensors.skipped[i], tensors.centre[i]) == ("", centre)
        first = centre - settings.window // 2
        codes = [CODES.get(reference[p], 5) if 0 <= p < 400 else 0 for p in range(first, first + settings.window)]
        assert tensors.reference[i].tolist() == codes
        for track, bam in enumerate(samples):
            wanted = naive_track(bam, reference, "chr1", start, start + len(ref), alt, settings)
            np.testing.assert_array_equal(channels[i, :, :, 7 * track : 7 * track + 7], wanted.channels, err_msg=str(record))
            begin, end = tensors.row_offset[2 * i + track : 2 * i + track + 2]
            assert end - begin == len(wanted.rows)
            for row, expected in zip(tensors.rows[begin:end], wanted.rows, strict=True):
                assert_row(row, expected)
            seen += len(wanted.rows)
    assert seen > 10 * len(records) or settings.depth < 10
    assert any(row[FLAGS] & SUPPORTS_ALT for row in tensors.rows)


def test_thinning_while_decoding_keeps_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under an even depth of 300 the five reads with the lowest hashes are the same, thinned to 60 first or not."""
    rng = random.Random(5)
    reference = random_sequence(rng, 1000)
    write_fasta(tmp_path / "reference.fa", {"chr1": reference})
    starts = [rng.randrange(900) for _ in range(3000)]
    reads = [Read(f"r{i}", start, "100M", reference[start : start + 100], [30] * 100) for i, start in enumerate(starts)]
    bam = write_bam(tmp_path / "tumor.bam", {"chr1": 1000}, reads)
    records = [(p, reference[p], "ACGT"["ACGT".index(reference[p]) - 1]) for p in range(200, 800, 50)]
    settings = TensorSettings(tracks=("tumor",), depth=5, window=31)
    whole = packed(tmp_path, records, Samples(bam), settings)
    monkeypatch.setattr(pipeline, "DECODED_DEPTH", 60)
    thinned = packed(tmp_path, records, Samples(bam), settings)
    assert (whole.depths == 5).all()
    for name in ("row_offset", "base", "quality", "rows"):
        np.testing.assert_array_equal(getattr(thinned, name), getattr(whole, name))
