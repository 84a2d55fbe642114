"""Differences that the same reads show side by side, joined to one allele: indels with what lies next to them.

An aligner takes a replacement apart: it writes deletions, insertions and mismatches, and not the same ones in every read. What
is joined is what most reads of each part show together; the allele is what most of these reads hold between the outermost
differences. Mismatches alone are joined where they are adjacent (`finding`).
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
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
    """`edit` in codes, trimmed and left-aligned; reads show it in what they have between `low` and `high`."""

    edit: Edit
    low: int
    high: int


def joined_alleles(
    reads: CandidateReads, rows: np.ndarray, counts: Mapping[Part, int], reference: ReferenceSlice
) -> list[Joined]:
    """What is to be joined, sorted; `rows` as in `Differences`, `counts`: reads of each part that is a candidate.

    A part is joined to the next where more than half of the reads of either show both; poor bases count for this, too.
    """
    runs = [(run, [_part(row) for row in run.tolist()]) for run in _runs(rows, counts)]
    both = Counter(pair for _, parts in runs for pair in itertools.pairwise(parts))
    following = {one: other for (one, other), n in sorted(both.items()) if 2 * n > max(counts[one], counts[other])}
    found: dict[Edit, Joined] = {}
    for first in sorted(set(following) - set(following.values())):
        path = [first]
        while path[-1] in following and following[path[-1]] not in path:
            path.append(following[path[-1]])
        if any(length for _, length, _ in path):
            joined = _joined(path, runs, reads, reference)
            if joined is not None:
                same = found.get(joined.edit, joined)
                found[joined.edit] = Joined(joined.edit, min(same.low, joined.low), max(same.high, joined.high))
    return [found[edit] for edit in sorted(found)]


def _runs(rows: np.ndarray, counts: Mapping[Part, int]) -> list[np.ndarray]:
    """Rows of candidates, each near to the next in the same read; at least two in each, an indel among them."""
    moved = rows[:, RAW] - rows[:, POSITION]
    fit = (moved <= MOST_BETWEEN) & (np.abs(rows[:, LENGTH]) <= LONGEST_JOINED) & (rows[:, BASE] < UNUSABLE)
    number = np.flatnonzero(_in_runs(rows, fit, np.arange(len(rows))))
    rows = rows[number]
    fit = np.isin(_codes(rows), _codes_of(counts))
    kept = _in_runs(rows, fit, number)
    rows, number = rows[kept], number[kept]
    return np.split(rows, np.flatnonzero(~_linked(rows, fit[kept], number)) + 1) if len(rows) else []


def _linked(rows: np.ndarray, fit: np.ndarray, number: np.ndarray) -> np.ndarray:
    """bool (n - 1,): whether a row and the next, by their numbers, are side by side, and both are `fit` for it."""
    end = rows[:, RAW] + np.where(rows[:, LENGTH] == 0, 1, np.maximum(-rows[:, LENGTH], 0))
    between = rows[1:, RAW] - end[:-1]
    together = (rows[1:, READ] == rows[:-1, READ]) & (np.diff(number) == 1) & fit[1:] & fit[:-1]
    return np.asarray(together & (between >= 0) & (between <= MOST_BETWEEN))


def _in_runs(rows: np.ndarray, fit: np.ndarray, number: np.ndarray) -> np.ndarray:
    """bool (n,): whether a row is linked to others, and an indel is among these."""
    if not len(rows):
        return fit
    run = np.cumsum(np.concatenate([[False], ~_linked(rows, fit, number)]))
    return np.asarray(((np.bincount(run) > 1) & (np.bincount(run, rows[:, LENGTH] != 0) > 0))[run])


def _part(row: list[int]) -> Part:
    return row[POSITION], row[LENGTH], row[BASE] if row[LENGTH] == 0 else row[KEY]


def _codes(rows: np.ndarray) -> np.ndarray:
    return _mixed(rows[:, POSITION], rows[:, LENGTH], np.where(rows[:, LENGTH] == 0, rows[:, BASE], rows[:, KEY]))


def _codes_of(parts: Iterable[Part]) -> np.ndarray:
    return _mixed(*np.array(list(parts), np.int64).reshape(-1, 3).T)


def _mixed(position: np.ndarray, length: np.ndarray, key: np.ndarray) -> np.ndarray:
    """A number that is the same for the same part, and another for nearly all others; int64, which runs over."""
    return np.asarray((position * 2654435761 + length) * 2654435761 + key)


def _joined(
    path: list[Part], runs: list[tuple[np.ndarray, list[Part]]], reads: CandidateReads, reference: ReferenceSlice
) -> Joined | None:
    """The allele that the reads with all parts of a path hold; None where it is too long, or no read has all of them."""
    places = Counter[tuple[int, int, bytes]]()
    for run, parts in runs:
        for i in range(len(parts) - len(path) + 1):
            if parts[i : i + len(path)] == path:
                held = _held(run[i : i + len(path)], reads)
                places.update([] if held is None else [held])
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
    return Joined(edit, low, high)


def _held(rows: np.ndarray, reads: CandidateReads) -> tuple[int, int, bytes] | None:
    """(low, high, what the read has there) of all differences in `rows`, of one read; None where it does not reach so far."""
    first, last = rows[0], rows[-1]
    low = int(rows[:, POSITION].min())
    high = int(last[RAW]) + (1 if last[LENGTH] == 0 else max(-int(last[LENGTH]), 0))
    begin = int(first[QUERY]) + (0 if first[LENGTH] == 0 else 1) - (int(first[RAW]) - low)
    end = int(last[QUERY]) + 1 + max(int(last[LENGTH]), 0)
    if begin <= 0:
        return None
    offset = reads.base_offset[first[READ]]
    return low, high, reads.bases[offset + begin : offset + end].tobytes()
