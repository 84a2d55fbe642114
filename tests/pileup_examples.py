"""Packed tensors written as a person would draw them, for tests of pictures."""

import numpy as np

from varproof.formats.tensors import (
    DELETED,
    FLAGS,
    INSERTION_FOLLOWS,
    MAPQ,
    PRESENT,
    ROW_COLUMNS,
    ROW_REVERSE,
    SOFT_CLIPPED,
    SUPPORTS_ALT,
    SUPPORTS_REF,
    PackedTensors,
    TensorHeader,
    TensorSettings,
)
from varproof.variants.candidate import trimmed_alleles
from varproof.variants.edit import VariantType, type_of

CODES = {letter: code for code, letter in enumerate(" ACGTN")}
REFERENCE = "ACGTACGTACG"
"""Window of 11 bases around an SNV of its middle base, C."""


def read_row(text: str, reference: str) -> np.ndarray:
    """A row of the base plane: '.' as the reference, '-' deleted, lower case soft-clipped, '+' before it: insertion follows."""
    row: list[int] = []
    for letter in text:
        if letter == "+":
            row[-1] |= INSERTION_FOLLOWS
        elif letter == ".":
            row.append(CODES[reference[len(row)]])
        elif letter == "-":
            row.append(DELETED)
        else:
            row.append(CODES[letter.upper()] | (SOFT_CLIPPED if letter.islower() else 0))
    assert len(row) == len(reference), text
    return np.array(row, np.uint8)


def drawn_tensors(
    tracks: list[list[str]],
    reference: str = REFERENCE,
    position: int = 105,
    ref: str = "C",
    alt: str = "T",
    label: int = 1,
    quality: int = 40,
    contig: str = "chr1",
    supports: str = "base",
) -> tuple[PackedTensors, TensorHeader]:
    """One candidate in the middle of `reference`. A read is 'bases', 'bases <' (reverse) or 'bases 0' (mapping quality 0).

    supports: "base": alternative or reference by the middle base; otherwise one letter per row of all tracks, 'a', 'r' or 'n'.
    """
    window = len(reference)
    kinds = ("tumor", "normal", "context", "context", "context")[: len(tracks)]
    settings = TensorSettings(window=window, depth=max(200, *map(len, tracks)), tracks=kinds)
    base, rows = [], []
    for number, text in enumerate(text for track in tracks for text in track):
        bases, _, marks = text.partition("|")
        row = read_row(bases, reference)
        flags = PRESENT | (ROW_REVERSE if "<" in marks else 0)
        middle = row[window // 2] & 7
        carries = {CODES.get(alt): "a", CODES.get(ref): "r"}.get(int(middle), "n") if supports == "base" else supports[number]
        flags |= {"a": SUPPORTS_ALT, "r": SUPPORTS_REF, "n": 0}[carries]
        columns = np.zeros(len(ROW_COLUMNS), np.uint8)
        columns[MAPQ], columns[FLAGS] = (0 if "0" in marks else 60), flags
        base.append(row)
        rows.append(columns)
    planes = np.array(base, np.uint8).reshape(len(base), window)
    _, trimmed_ref, trimmed_alt = trimmed_alleles(position, ref, alt)
    kind = tuple(VariantType).index(type_of(len(trimmed_ref), len(trimmed_alt)))
    tensors = PackedTensors(
        settings=settings,
        record=np.zeros(1, np.int64),
        allele=np.zeros(1, np.int32),
        contig=np.zeros(1, np.int32),
        position=np.array([position], np.int64),
        centre=np.array([position], np.int64),
        label=np.array([label], np.int8),
        ref=np.array([ref], object),
        alt=np.array([alt], object),
        skipped=np.array([""], object),
        mutation_class=np.array([""], object),
        track_sample=np.arange(len(tracks), dtype=np.int32)[None],
        reference=np.array([[CODES[letter] for letter in reference]], np.uint8),
        allele_code=np.array([[kind, min(len(trimmed_ref), 255), min(len(trimmed_alt), 255), 0, 0, 0, 0]], np.uint8),
        row_offset=np.concatenate([[0], np.cumsum([len(track) for track in tracks])]).astype(np.int64),
        base=planes,
        quality=np.where((planes & 7 > 0) & (planes & 7 < DELETED), quality, 0).astype(np.uint8),
        rows=np.array(rows, np.uint8).reshape(len(base), len(ROW_COLUMNS)),
    )
    samples = [f"sample_{number}" for number in range(len(tracks))]
    return tensors, TensorHeader(settings=settings, contigs={contig: 1000}, samples=samples, patient="p")
