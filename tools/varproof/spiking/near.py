"""The fragments near a variant, from the bytes of their records; what is not to be edited never becomes an object."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from varproof.reads.arrays import name_hash
from varproof.reads.files import Alignments
from varproof.reads.raw import raw_records
from varproof.reads.sam import DUPLICATE, MATE_UNMAPPED, REVERSE, SECONDARY, SUPPLEMENTARY, UNMAPPED
from varproof.variants.edit import Edit

REACH = 1000
"""Mates this far from a variant are found without asking for each, bp."""


class Spans(NamedTuple):
    """Of n records one after the other: where each begins and the last ends (n + 1,), aligned interval, the same with clipped
    ends, flag, hash of the name, and whether it is a part of a split read (tag SA).

    Intervals are 0-based and half-open; of a record that is not aligned they are none (start > end).
    """

    place: np.ndarray
    start: np.ndarray
    end: np.ndarray
    first: np.ndarray
    last: np.ndarray
    flag: np.ndarray
    name_hash: np.ndarray
    split: np.ndarray


@dataclass(frozen=True)
class Near:
    """n fragments, numbered as they begin in the file, and their m primary records, in the file's order.

    `name_hash` uint64 (n,). `counts` bool (n,): covers the variant, and is no duplicate. `fragment` (m,): of each record;
    `rows` (m,): its place in `spans`, which `data` holds.
    """

    data: np.ndarray
    spans: Spans
    rows: np.ndarray
    fragment: np.ndarray
    name_hash: np.ndarray
    counts: np.ndarray

    def molecules(self, wanted: np.ndarray) -> list[int]:
        """Of fragments with these numbers, ascending: a hash, the same for copies of one molecule, from its sequenced ends."""
        found: dict[int, list[int]] = {number: [] for number in wanted.tolist()}
        for number, row in zip(self.fragment.tolist(), self.rows.tolist(), strict=True):
            if number in found:
                found[number].append(row)
        return [self._molecule(rows) for rows in found.values()]

    def _molecule(self, rows: list[int]) -> int:
        ends, spans = [], self.spans
        for row in rows:
            flag = spans.flag[row]
            if not flag & UNMAPPED:
                ends.append(f"{spans.last[row]}-" if flag & REVERSE else f"{spans.first[row]}+")
        if len(ends) < 2 and not spans.flag[rows[0]] & MATE_UNMAPPED:
            begin = int(spans.place[rows[0]])
            name = self.data[begin + 36 : begin + 35 + int(self.data[begin + 12])].tobytes()
            ends.append(name.decode("latin-1"))
        return name_hash(" ".join(sorted(ends)))

    def records(self, wanted: np.ndarray) -> tuple[bytes, int]:
        """The records of fragments with these numbers, and how many they are."""
        from varproof.reads.decode_numba_fns import gathered_records

        rows = self.rows[np.isin(self.fragment, wanted)]
        return gathered_records(self.data, self.spans.place[rows]).tobytes(), len(rows)


def fragments_near(alignments: Alignments, contig: str, edit: Edit) -> Near:
    """Fragments whose span, clipped ends too, touches the variant; none with supplementary or secondary records near by.

    Raises UserError that names the file where it is damaged.
    """
    from varproof.spiking.near_numba_fns import spans_of

    low, high = max(0, edit.start - REACH), min(alignments.get_reference_length(contig), edit.end + REACH)
    data = raw_records(alignments, contig, low, high)
    spans = Spans(*spans_of(data))
    hashes, begin, fragment = np.unique(spans.name_hash, return_index=True, return_inverse=True)
    count, far = len(hashes), np.int64(1) << 60
    lowest, highest, whole = np.full(count, far), np.full(count, -far), np.ones(count, bool)
    np.minimum.at(lowest, fragment, spans.first)
    np.maximum.at(highest, fragment, spans.last)
    whole[fragment[spans.split | (spans.flag & (SECONDARY | SUPPLEMENTARY) != 0)]] = False
    touching = np.flatnonzero(whole & (lowest < max(edit.end, edit.start + 1)) & (highest > edit.start))
    touching = touching[np.argsort(begin[touching], kind="stable")]
    number = np.full(count, -1)
    number[touching] = np.arange(len(touching))
    rows = np.flatnonzero(number[fragment] >= 0)
    fragment = number[fragment[rows]]
    left, right = covered(edit)
    counts, duplicate = np.zeros(len(touching), bool), np.zeros(len(touching), bool)
    counts[fragment[(spans.start[rows] <= left) & (spans.end[rows] >= right)]] = True
    duplicate[fragment[spans.flag[rows] & DUPLICATE != 0]] = True
    return Near(data, spans, rows, fragment, hashes[touching], counts & ~duplicate)


def covered(edit: Edit) -> tuple[int, int]:
    """What a read over the variant is aligned to: its first base, and of an indel what lies on both sides."""
    return (edit.start, edit.start + 1) if edit.end - edit.start == len(edit.alt) else (edit.start - 1, edit.start + 1)
