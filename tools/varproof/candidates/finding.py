"""Which alleles the reads show: differences from the reference counted, adjacent SNVs of the same reads joined to MNVs.

At each locus there are six candidates: four bases, an insertion and a deletion, of which the most frequent sequence counts
(or all of them). Indels are left-aligned before they are counted, so that one indel of a repeat is one candidate wherever the
aligner wrote it.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from varproof.candidates.arrays import (
    ALTERNATIVE_FORWARD,
    ALTERNATIVE_REVERSE,
    BASE,
    DEPTH,
    KEY,
    LENGTH,
    POSITION,
    QUERY,
    RAW,
    READ,
    UNUSABLE,
    Alleles,
    CandidateReads,
    Differences,
    Insertions,
)
from varproof.candidates.joining import Joined, Part, joined_alleles
from varproof.machinery.numerics import exp10
from varproof.reads.decode import ReadBatch
from varproof.variants.edit import LONGEST_MNV, Edit
from varproof.variants.placement import MAX_SHIFT
from varproof.variants.reference import ReferenceSlice
from varproof.variants.shifting import turned

DEEP = 200
"""Reads from which on a fraction that is always enough asks for more than errors make."""

ERROR_MARGIN, LEAST_ERROR = 3.0, 1e-5
"""Qualities are not to be believed, above all those of consensus reads: damage of the template is not in them."""

ERROR_RATES = np.array([max(LEAST_ERROR, ERROR_MARGIN * exp10(-quality / 10)) for quality in range(94)])


@dataclass(frozen=True)
class FindingSettings:
    """What makes an allele a candidate.

    `alternate_reads` and `alternate_fraction`: fewest reads that show it, and fewest of all that cover it; `by_depth`: a
    smaller fraction is enough where the place is deep and errors don't make so many reads. Reads under `mapping_quality` and
    bases under `base_quality` don't count. `all_indels`: not only the most frequent insertion and deletion of a locus.
    """

    alternate_reads: int = 2
    alternate_fraction: float = 0.02
    base_quality: int = 13
    mapping_quality: int = 1
    all_indels: bool = False
    by_depth: bool = False

    def enough(self, count: np.ndarray, depth: np.ndarray, quality: np.ndarray | None = None) -> np.ndarray:
        """bool: whether so many reads out of so many make a candidate.

        quality: mean base quality of those that show it; None where it is not known, as of indels. In deep places it is
        enough that errors at `ERROR_MARGIN` times the rate that this quality says make fewer reads: lambda + 3 +
        5 sqrt(lambda), within two of the 1 - 10^-6 quantile of a Poisson distribution.
        """
        many = count >= self.alternate_fraction * depth
        if self.by_depth and quality is not None:
            expected = depth * ERROR_RATES[np.clip(quality, 0, len(ERROR_RATES) - 1).astype(np.int64)]
            many |= (depth >= DEEP) & (count > expected + 3.0 + 5.0 * np.sqrt(expected))
        return (count >= self.alternate_reads) & many


def as_aligned(batch: ReadBatch) -> CandidateReads:
    """The columns that the kernels take."""
    names = [name for name in CandidateReads._fields if name != "first"]
    return CandidateReads(first=batch.start, **{name: getattr(batch, name) for name in names})


def reads_of(batch: ReadBatch, reference: ReferenceSlice) -> CandidateReads:
    """The columns that the kernels take, alignments written anew where a variant shows better (see `rewritten`)."""
    from varproof.candidates.rewriting_numba_fns import rewritten

    reads = as_aligned(batch)
    start, end, cigar_offset, cigar_op, cigar_length = rewritten(reads, reference.codes, reference.start)
    return reads._replace(start=start, end=end, cigar_offset=cigar_offset, cigar_op=cigar_op, cigar_length=cigar_length)


def differences_of(
    reads: CandidateReads, reference: ReferenceSlice, low: int, high: int, settings: FindingSettings
) -> Differences:
    """What the reads have that the reference has not; coverage of low..high - 1."""
    from varproof.candidates.finding_numba_fns import read_differences

    return Differences(
        *read_differences(reads, reference.codes, reference.start, low, high, settings.mapping_quality, MAX_SHIFT)
    )


def candidate_alleles(
    reads: CandidateReads,
    differences: Differences,
    reference: ReferenceSlice,
    low: int,
    high: int,
    settings: FindingSettings,
    insertions: Insertions | None = None,
) -> Alleles:
    """Alleles within low..high - 1 that enough reads show, sorted by their place in a VCF; coverage begins at `low`.

    `insertions`: those of which differences have rows for reads that don't hold them whole. Parts of MNVs and of joined
    alleles are there too: whether they have enough reads of their own is for the support to tell.
    """
    singles = [
        *_substitutions(reads, differences, low, high, settings),
        *_indels(reads, differences, low, high, settings, insertions),
    ]
    return _arrays(singles, _joined(singles, reads, differences, reference, settings), reference)


def _joined(
    singles: list["Found"],
    reads: CandidateReads,
    differences: Differences,
    reference: ReferenceSlice,
    settings: FindingSettings,
) -> list[Joined]:
    """Joined alleles that enough reads show."""
    from varproof.candidates.features_numba_fns import allele_support

    counts = {item.part: item.shown for item in singles if item.part is not None}
    joined = joined_alleles(reads, differences.rows, counts, reference)
    if not joined:
        return []
    support = allele_support(
        reads,
        differences,
        _arrays([], joined, reference),
        reference.codes,
        reference.start,
        settings.mapping_quality,
        settings.base_quality,
    )
    by_place = sorted(joined, key=lambda item: _vcf_order(item.edit))
    count = support[:, ALTERNATIVE_FORWARD] + support[:, ALTERNATIVE_REVERSE]
    return [item for item, enough in zip(by_place, settings.enough(count, support[:, DEPTH]), strict=True) if enough]


def _arrays(singles: list["Found"], joined: list[Joined], reference: ReferenceSlice) -> Alleles:
    """Alleles in the order of a VCF; parts know the widest that they are part of."""
    from varproof.candidates.finding_numba_fns import shifts_right

    within: dict[Edit, Edit] = {}
    for item in singles:
        for j in range(len(item.edit.alt) if item.part is None else 0):
            at = item.edit.start + j
            within[Edit(at, at + 1, item.edit.alt[j : j + 1])] = item.edit
    places = {item.edit: (item.edit.start, item.edit.end) for item in singles}
    windows = {item.edit: (item.low, item.high) for item in joined}
    places |= windows
    by_start = sorted(places, key=lambda edit: (places[edit], edit))
    starts = [places[edit][0] for edit in by_start]
    for whole, (low, high) in sorted(windows.items(), key=lambda item: (item[1][1] - item[1][0], item[0])):
        beside = by_start[bisect_left(starts, low) : bisect_right(starts, high)]
        within |= {part: whole for part in beside if places[part][1] <= high and windows.get(part) != (low, high)}
    keys = {item.edit: item.part[2] for item in singles if item.part is not None and item.part[1] > 0}
    listed = sorted(places, key=_vcf_order)
    rank = {edit: i for i, edit in enumerate(listed)}
    start = np.array([edit.start for edit in listed], np.int64)
    end = np.array([edit.end for edit in listed], np.int64)
    alt_offset = np.cumsum([0] + [len(edit.alt) for edit in listed]).astype(np.int64)
    alt = np.frombuffer(b"".join(edit.alt for edit in listed), np.uint8)
    window = np.array([windows.get(edit, (-1, -1)) for edit in listed], np.int64).reshape(-1, 2)
    return Alleles(
        start=start,
        end=end,
        alt_offset=alt_offset,
        alt=alt,
        shift=shifts_right(start, end, alt_offset, alt, reference.codes, reference.start, MAX_SHIFT),
        key=np.array([keys.get(edit, 0) for edit in listed], np.int64),
        within=np.array([rank[within[edit]] if edit in within else -1 for edit in listed], np.int64),
        low=window[:, 0].copy(),
        high=window[:, 1].copy(),
    )


def _vcf_order(edit: Edit) -> tuple[int, int, int, bytes]:
    return vcf_position(*edit), edit.end, len(edit.alt), edit.alt


def vcf_position(start: int, end: int, alt: bytes) -> int:
    """0-based position of the record: of an insertion or a deletion, that of the base before it."""
    return start if end > start and len(alt) else max(start - 1, 0)


class Found(NamedTuple):
    """An allele in codes, how many reads show it, and what it is as a part of others; None of an MNV."""

    edit: Edit
    shown: int
    part: Part | None


def _counted(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct rows, index of the first of each, how many)."""
    if not len(rows):
        return rows, np.empty(0, np.int64), np.empty(0, np.int64)
    return np.unique(rows, axis=0, return_index=True, return_counts=True)


def _substitutions(
    reads: CandidateReads, differences: Differences, low: int, high: int, settings: FindingSettings
) -> list[Found]:
    rows = differences.rows
    good = (rows[:, LENGTH] == 0) & (rows[:, POSITION] >= low) & (rows[:, POSITION] < high)
    good[good] = reads.qualities[reads.base_offset[rows[good, READ]] + rows[good, QUERY]] >= settings.base_quality
    node = np.where(good, 4 * (rows[:, POSITION] - low) + rows[:, BASE], -8)
    nodes, which, count = np.unique(node[good], return_inverse=True, return_counts=True)
    shown = reads.qualities[reads.base_offset[rows[good, READ]] + rows[good, QUERY]]
    quality = np.bincount(which, shown, len(nodes)) / count
    enough = settings.enough(count, differences.coverage[nodes // 4], quality)
    nodes, count, quality = nodes[enough], count[enough], quality[enough]
    quality_of = dict(zip(nodes.tolist(), quality.tolist(), strict=True))
    found = [
        Found(Edit(low + item // 4, low + item // 4 + 1, bytes([item % 4])), number, (low + item // 4, 0, item % 4))
        for item, number in zip(nodes.tolist(), count.tolist(), strict=True)
    ]
    linked = np.zeros(len(node), bool)
    if len(node):
        adjacent = (node[1:] // 4 == node[:-1] // 4 + 1) & good[1:] & good[:-1]
        linked[:-1] = adjacent & (rows[1:, READ] == rows[:-1, READ])
    for path in _paths(node, linked, dict(zip(nodes.tolist(), count.tolist(), strict=True))):
        first = np.flatnonzero(node == path[0])
        for j, item in enumerate(path[1:]):
            first = first[linked[first + j]]
            first = first[node[first + j + 1] == item]
        start = low + path[0] // 4
        worst = np.array([min(quality_of[item] for item in path)])
        if settings.enough(np.array([len(first)]), differences.coverage[start - low : start - low + 1], worst)[0]:
            found.append(Found(Edit(start, start + len(path), bytes(item % 4 for item in path)), len(first), None))
    return found


def _paths(node: np.ndarray, linked: np.ndarray, count: dict[int, int]) -> list[list[int]]:
    """Runs of 2 to 5 adjacent SNVs, each of which is mostly in the same reads as the next."""
    pairs, _, both = _counted(np.stack([node[:-1][linked[:-1]], node[1:][linked[:-1]]], axis=1) if len(node) else node)
    following = {
        one: other
        for (one, other), number in zip(pairs.tolist(), both.tolist(), strict=True)
        if one in count and other in count and 2 * number > max(count[one], count[other])
    }
    out = []
    for first in sorted(set(following) - set(following.values())):
        path = [first]
        while path[-1] in following:
            path.append(following[path[-1]])
        if len(path) <= LONGEST_MNV:
            out.append(path)
    return out


def _indels(
    reads: CandidateReads,
    differences: Differences,
    low: int,
    high: int,
    settings: FindingSettings,
    insertions: Insertions | None,
) -> list[Found]:
    place = np.maximum(differences.rows[:, POSITION] - 1, 0)
    found = counted_indels(reads, differences.rows[(place >= low) & (place < high)], insertions)
    anchor = np.array([vcf_position(*item.edit) for item in found], np.int64) - low
    enough = settings.enough(np.array([item.shown for item in found], np.int64), differences.coverage[anchor])
    kept = [item for item, keep in zip(found, enough.tolist(), strict=True) if keep]
    if settings.all_indels:
        return kept
    best: dict[tuple[int, bool], Found] = {}
    for item in sorted(kept, key=lambda item: (-item.shown, item.edit.end - item.edit.start, len(item.edit.alt), item.edit)):
        best.setdefault((item.edit.start, bool(item.edit.alt)), item)
    return list(best.values())


def counted_indels(reads: CandidateReads, rows: np.ndarray, insertions: Insertions | None = None) -> list[Found]:
    """The distinct indels among differences (rows of `Differences`) that may be candidates.

    `insertions`: see `candidate_alleles`.
    """
    spelt = {} if insertions is None else _spelt(insertions)
    rows = rows[(rows[:, LENGTH] != 0) & (rows[:, BASE] != UNUSABLE)]
    distinct, first, count = _counted(rows[:, [POSITION, LENGTH, KEY]])
    found: list[Found] = []
    for (start, length, key), row, number in zip(distinct.tolist(), rows[first], count.tolist(), strict=True):
        alt = b""
        if (start, length, key) in spelt:
            alt = spelt[start, length, key]
        elif length > 0:
            begin = int(reads.base_offset[row[READ]] + row[QUERY]) + 1
            alt = turned(reads.bases[begin : begin + length].tobytes(), int(row[RAW]) - start)
        found.append(Found(Edit(start, start - min(length, 0), alt), number, (start, length, key)))
    return found


def _spelt(insertions: Insertions) -> dict[Part, bytes]:
    """Bases of each."""
    bases, offset = insertions.bases.tobytes(), insertions.offset.tolist()
    return {
        (start, offset[i + 1] - offset[i], key): bases[offset[i] : offset[i + 1]]
        for i, (start, key) in enumerate(zip(insertions.start.tolist(), insertions.key.tolist(), strict=True))
    }
