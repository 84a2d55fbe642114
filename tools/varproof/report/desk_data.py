"""A candidate as the reviewer's desk shows it: what was said of it, and its packed reads, as the bytes that lie in the page.

The bytes are a little-endian uint32, the length of the JSON that follows it (`CandidateFacts` with the shape of the reads),
then uint8 arrays: the reference of the window (W), and of each track its n rows' base plane (n, W), qualities (n, W) and
columns (8, n); then of each track the numbers in the names of its fragments, as `desk_names` has them. Codes are those of
tensor files, but that a base like the reference is `AS_REFERENCE`, which packs better. `packed_text` deflates
them for the page, whose `reads.js` takes them apart.
"""

import base64
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from varproof.formats.tensors import (
    BASE_A,
    BASE_MASK,
    BASE_N,
    FLAGS,
    PackedTensors,
)
from varproof.report.desk_names import fragments_of, packed_names
from varproof.report.desk_reads import TrackReads
from varproof.report.pileup import candidate_columns
from varproof.report.pileup_haplotypes import CARRIES, DIFFERS, Group, own_states, window_start
from varproof.report.pileup_track import row_groups

AS_REFERENCE = 7
LARGEST_TEXT = 50_000
"""Characters that a candidate may take in the page."""
_QUALITY_STEP = 5
"""Qualities of a candidate that would take more are rounded down to this, as in pictures."""
_STATE_LETTERS = {CARRIES: "x", DIFFERS: "o"}
_UNTOLD_LETTER = "?"
_LONGEST_ALLELE = 24


@dataclass(frozen=True)
class SampleFacts:
    """What a VCF says of a sample: its depths, most probable and observed frequency, density (points, height), other fields."""

    name: str
    ad: str = ""
    depth: int | None = None
    observed: float | None = None
    mode: float | None = None
    density: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    fields: list[tuple[str, str]] = field(default_factory=list)

    @property
    def shown(self) -> dict[str, Any]:
        """As the page takes it."""
        return {name: getattr(self, name) for name in ("name", "ad", "depth", "observed", "mode", "density", "fields")}


@dataclass(frozen=True)
class CandidateFacts:
    """What is said of a candidate: (event, whether it is of the network or of both, probability), reasons in words, samples,
    the caller's fields, and what the network looked at, as `desk_attention` has it.
    """

    events: list[tuple[str, int, float]]
    reasons: list[str]
    samples: list[SampleFacts]
    fields: list[tuple[str, str]]
    attention: dict[str, Any] | None = None


def candidate_bytes(
    tensors: PackedTensors,
    index: int,
    group: Group | None,
    facts: CandidateFacts,
    reads: Sequence[TrackReads],
    step: int = 1,
    with_names: bool = True,
) -> bytes:
    """The bytes of candidate `index`; `group` as of its picture, qualities rounded down to multiples of `step`.

    reads: of each track, what is known of its rows.
    """
    reference = tensors.reference[index] & BASE_MASK
    tracks = [_rows(tensors, index, track) for track in range(tensors.tracks)]
    mates, names = zip(*(fragments_of(track.names) for track in reads), strict=True)
    packed = [packed_names(of_track if with_names else []) for of_track in names]
    states = own_states(tensors, index) if group is None else group.states
    shape = {
        "first": window_start(tensors, index),
        "frame": list(candidate_columns(tensors, index)),
        "rows": [rows.stop - rows.start for rows in tracks],
        "states": [" ".join(map(_letters, part.tolist())) for part in states],
        "alleles": [] if group is None else [_allele_text(*allele.record) for allele in group.alleles],
        "mates": mates,
        "names": [columns for columns, _ in packed],
        "insertions": [track.insertions for track in reads],
        "there": [track.there for track in reads],
        "events": facts.events,
        "reasons": facts.reasons,
        "samples": [sample.shown for sample in facts.samples],
        "fields": facts.fields,
        **({} if facts.attention is None else {"attention": facts.attention}),
    }
    text = json.dumps(shape, separators=(",", ":")).encode()
    parts = [len(text).to_bytes(4, "little"), text, reference.astype(np.uint8).tobytes()]
    for rows in tracks:
        quality = tensors.quality[rows]
        parts += [
            _as_reference(tensors.base[rows], reference).tobytes(),
            (quality - quality % step).tobytes(),
            np.ascontiguousarray(tensors.rows[rows].T).tobytes(),
        ]
    return b"".join([*parts, *(numbers for _, numbers in packed)])


def packed_text(
    tensors: PackedTensors, index: int, group: Group | None, facts: CandidateFacts, reads: Sequence[TrackReads]
) -> str:
    """The bytes of a candidate, deflated, in base 64.

    Where these would take more than 50,000, qualities are coarser; where that is not enough, names of reads are left out, too.
    """
    text = ""
    for step, with_names in ((1, True), (_QUALITY_STEP, True), (_QUALITY_STEP, False)):
        text = _deflated(candidate_bytes(tensors, index, group, facts, reads, step, with_names))
        if len(text) <= LARGEST_TEXT:
            break
    return text


def read_counts(tensors: PackedTensors, index: int) -> list[list[int]]:
    """Rows of each track that show the alternative, the reference, and neither."""
    return [
        np.bincount(row_groups(tensors.rows[_rows(tensors, index, track)][:, FLAGS]), minlength=3).tolist()
        for track in range(tensors.tracks)
    ]


def _deflated(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _rows(tensors: PackedTensors, index: int, track: int) -> slice:
    first, last = tensors.row_offset[index * tensors.tracks + track :][:2]
    return slice(int(first), int(last))


def _as_reference(base: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The base plane (n, W) with `AS_REFERENCE` for A, C, G, T and N that are those of the reference (W)."""
    codes = base & BASE_MASK
    alike = (codes == reference) & (codes >= BASE_A) & (codes <= BASE_N)
    return np.where(alike, (base & ~np.uint8(BASE_MASK)) | AS_REFERENCE, base).astype(np.uint8)


def _letters(states: list[int]) -> str:
    return "".join(_STATE_LETTERS.get(state, _UNTOLD_LETTER) for state in states)


def _allele_text(position: int, ref: str, alt: str) -> str:
    ref, alt = (text if len(text) <= _LONGEST_ALLELE else f"{text[:8]}…{len(text)} bp" for text in (ref, alt))
    return f"{position + 1:,} {ref}>{alt}"
