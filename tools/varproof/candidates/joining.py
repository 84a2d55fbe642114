"""Differences that the same reads show side by side, joined to one allele: indels with what lies next to them.

An aligner takes a replacement apart: it writes deletions, insertions and mismatches, and not the same ones in every read. What
is joined is what most reads of each part show together; the allele is what most of these reads hold between the outermost
differences. Mismatches alone are joined where they are adjacent (`finding`).
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from varproof.candidates.arrays import BASE, KEY, LENGTH, POSITION, QUERY, RAW, READ, UNUSABLE, CandidateReads
from varproof.variants.edit import Edit, left_aligned
from varproof.variants.placement import UNKNOWN
from varproof.variants.reference import ReferenceSlice

MOST_BETWEEN = 9
"""Differences with at most so many bases of the reference between them are side by side, bp."""

LONGEST_JOINED = 50
"""What would take more of the reference stays in parts, bp."""

Part = tuple[int, int, int]
"""(position, length as in `LENGTH`, base or key): an SNV, a deletion or an insertion, left-aligned."""


class Joined(NamedTuple):
    """`edit` in codes, trimmed and left-aligned; reads show it between `low` and `high`, in place of all of `parts`."""

    edit: Edit
    low: int
    high: int
    parts: tuple[Part, ...]


class _Run(NamedTuple):
    """Parts that lie side by side in a read: reference low..high - 1, bases `first` to `last` - 1 of the read."""

    parts: tuple[Part, ...]
    read: int
    low: int
    high: int
    first: int
    last: int


def joined_alleles(
    reads: CandidateReads, rows: np.ndarray, counts: Mapping[Part, int], reference: ReferenceSlice, base_quality: int
) -> list[Joined]:
    """What is to be joined, sorted; `rows` as in `Differences`, `counts`: reads of each part that is a candidate.

    A part is joined to the next where more than half of the reads of either show both.
    """
    runs = [run for run in _runs(reads, rows, counts, base_quality) if any(length for _, length, _ in run.parts)]
    both = Counter(pair for run in runs for pair in zip(run.parts, run.parts[1:], strict=False))
    following = {one: other for (one, other), n in sorted(both.items()) if 2 * n > max(counts[one], counts[other])}
    found: dict[Edit, Joined] = {}
    for first in sorted(set(following) - set(following.values())):
        path = [first]
        while path[-1] in following:
            path.append(following[path[-1]])
        if any(length for _, length, _ in path):
            joined = _joined(tuple(path), runs, reads, reference)
            if joined is not None:
                found.setdefault(joined.edit, joined)
    return [found[edit] for edit in sorted(found)]


def _runs(reads: CandidateReads, rows: np.ndarray, counts: Mapping[Part, int], base_quality: int) -> list[_Run]:
    """Parts that are candidates, each near to the next in the same read; at least two of them, an indel among them."""
    if len(rows) < 2:
        return []
    end = rows[:, RAW] + np.maximum(-rows[:, LENGTH], 0)
    fixed = (
        (rows[:, RAW] - rows[:, POSITION] <= MOST_BETWEEN) & (np.abs(rows[:, LENGTH]) <= LONGEST_JOINED) & (rows[:, BASE] < 4)
    )
    mismatch = rows[:, LENGTH] == 0
    between = rows[1:, RAW] - end[:-1] - mismatch[:-1]
    near = (rows[1:, READ] == rows[:-1, READ]) & fixed[1:] & fixed[:-1] & (between >= 0) & (between <= MOST_BETWEEN)
    begins = np.concatenate([[True], ~near])
    number = np.cumsum(begins) - 1
    wanted = np.bincount(number, ~mismatch) > 0
    wanted &= np.bincount(number) > 1
    out = []
    chosen = np.flatnonzero(wanted[number])
    for group in np.split(chosen, np.flatnonzero(np.diff(number[chosen])) + 1) if len(chosen) else []:
        current: list[np.ndarray] = []
        for row in [*rows[group], None]:
            part = None if row is None else _part(row)
            if part in counts and not (row[LENGTH] == 0 and _quality(reads, row) < base_quality):
                current.append(row)
                continue
            if len(current) > 1:
                out.append(_run(current))
            current = []
    return out


def _part(row: np.ndarray) -> Part:
    return int(row[POSITION]), int(row[LENGTH]), int(row[BASE] if row[LENGTH] == 0 else row[KEY])


def _quality(reads: CandidateReads, row: np.ndarray) -> int:
    return int(reads.qualities[reads.base_offset[row[READ]] + row[QUERY]])


def _run(rows: list[np.ndarray]) -> _Run:
    low = int(min(min(row[POSITION], row[RAW]) for row in rows))
    first, last = rows[0], rows[-1]
    high = int(last[RAW]) + (1 if last[LENGTH] == 0 else max(-int(last[LENGTH]), 0))
    before = int(first[QUERY]) + (0 if first[LENGTH] == 0 else 1) - (int(first[RAW]) - low)
    behind = int(last[QUERY]) + 1 + max(int(last[LENGTH]), 0)
    return _Run(tuple(map(_part, rows)), int(first[READ]), low, high, before, behind)


def _joined(path: tuple[Part, ...], runs: list[_Run], reads: CandidateReads, reference: ReferenceSlice) -> Joined | None:
    """The allele that the reads with all parts of a path hold; None where it is too long, or no read has all of them."""
    places = Counter[tuple[int, int, bytes]]()
    for run in runs:
        if run.parts == path and run.first > 0:
            offset = reads.base_offset[run.read]
            places[run.low, run.high, reads.bases[offset + run.first : offset + run.last].tobytes()] += 1
    if not places:
        return None
    low, high = min(item[0] for item in places), max(item[1] for item in places)
    if high - low > LONGEST_JOINED:
        return None
    whole = Counter[bytes]()
    for (first, last, bases), count in places.items():
        whole[reference[low:first] + bases + reference[last:high]] += count
    alt = min(whole, key=lambda bases: (-whole[bases], bases))
    start, end = low, high
    while start < end and alt and alt[-1] == reference[end - 1]:
        end, alt = end - 1, alt[:-1]
    while start < end and alt and alt[0] == reference[start]:
        start, alt = start + 1, alt[1:]
    if (start == end and not alt) or max(reference[start:end] + alt) >= UNUSABLE:
        return None
    edit = left_aligned(Edit(start, end, alt), reference, low, UNKNOWN)
    return Joined(edit, low, high, path)
