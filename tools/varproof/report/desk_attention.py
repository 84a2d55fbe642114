"""What the network looked at, laid over the reviewer's reads.

The network and the page were shown the same reads cut differently: another window, another depth, with or without soft clips.
Rows have no names, so that a row of the page is the network's row with the same columns, and the same aligned bases and
qualities where both windows are. Rows that are alike in all of these are taken in their order. Where rows of a track can't all
be told, the page has the track's columns only, and says so.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.formats.tensors import FLAGS, MATE_ABOVE, SOFT_CLIPPED, PackedTensors

LARGEST_SHADE = 127
"""Contributions are whole numbers from minus this to this, the greatest of a candidate's columns (or rows) being this."""


@dataclass(frozen=True)
class Attention:
    """What bases add to the log-odds of being real, by tracks of the page.

    Attributes
    ----------
    columns : list of float64 (W,)
        Of each column of the page's window, summed over the network's rows; nothing outside the network's window.
    rows : list of float64 (n,) or None
        Of each row of the page, summed over the network's window; None where the rows can't be told.
    seen : (int, int)
        Columns of the page [from, to) that lie in the network's window.
    shared, found : int
        How many rows could be the network's, over all tracks (the fewer of both), and how many are.
    """

    columns: list[np.ndarray]
    rows: list[np.ndarray | None]
    seen: tuple[int, int]
    shared: int
    found: int

    @property
    def shown(self) -> dict[str, Any]:
        """As the page takes it: shades, what a shade of 1 is, and the sum of each track."""
        unit = max((float(np.abs(part).max(initial=0.0)) for part in self.columns), default=0.0) / LARGEST_SHADE
        known = [part for part in self.rows if part is not None]
        row_unit = max((float(np.abs(part).max(initial=0.0)) for part in known), default=0.0) / LARGEST_SHADE
        return {
            "columns": [_shades(part, unit) for part in self.columns],
            "rows": [None if part is None else _shades(part, row_unit) for part in self.rows],
            "sums": [round(float(part.sum()), 2) for part in self.columns],
            "seen": list(self.seen),
        }


def attention_of(
    tensors: PackedTensors, explained: PackedTensors, importance: Sequence[np.ndarray], of_track: Sequence[int | None]
) -> Attention:
    """What the network looked at, for the page's reads.

    tensors, explained: one candidate each, as the page and as the network saw it. importance: of each track of the network
    float (rows of the track, W). of_track: number of the network's track that is each of the page's, None where it has none.
    """
    window, own_window = explained.settings.window, tensors.settings.window
    shift = (int(explained.centre[0]) - window // 2) - (int(tensors.centre[0]) - own_window // 2)
    low, high = max(0, shift), max(0, min(own_window, shift + window))
    low = min(low, high)
    columns: list[np.ndarray] = []
    rows: list[np.ndarray | None] = []
    shared = found = 0
    for track, other in enumerate(of_track):
        here = _track(tensors, track)
        count = here.stop - here.start
        whole = np.zeros(own_window)
        if other is None:
            columns.append(whole)
            rows.append(np.zeros(count))
            continue
        there = _track(explained, other)
        part = np.asarray(importance[other], np.float64)
        whole[low:high] = part.sum(axis=0)[low - shift : high - shift]
        columns.append(whole)
        places = _matched(
            _keys(tensors, here, slice(low, high)), _keys(explained, there, slice(low - shift, high - shift))
        )  # fmt: skip
        known = places >= 0
        shared += min(count, len(part))
        found += int(known.sum())
        if known.sum() < min(count, len(part)):
            rows.append(None)
        else:
            sums = part.sum(axis=1)
            rows.append(np.array([sums[place] if place >= 0 else 0.0 for place in places.tolist()]))
    return Attention(columns, rows, (low, high), shared, found)


def tracks_of(own: Sequence[tuple[str, str]], other: Sequence[tuple[str, str]]) -> list[int | None]:
    """Number among `other` tracks of each of `own`, (sample, kind) each: the tumour and the normal, and a context by its name.

    >>> tracks_of([("a", "tumor"), ("c", "context")], [("a", "tumor"), ("b", "normal"), ("c", "context")])
    [0, 2]
    """

    def by_kind(track: tuple[str, str]) -> tuple[str, str]:
        return track if track[1] == "context" else ("", track[1])

    numbers = {by_kind(track): number for number, track in enumerate(other)}
    return [numbers.get(by_kind(track)) for track in own]


def _shades(values: np.ndarray, unit: float) -> list[int]:
    return [0] * len(values) if unit == 0 else np.rint(values / unit).astype(int).tolist()


def _track(tensors: PackedTensors, track: int) -> slice:
    return slice(int(tensors.row_offset[track]), int(tensors.row_offset[track + 1]))


def _keys(tensors: PackedTensors, rows: slice, columns: slice) -> list[bytes]:
    """What tells each of the rows: columns, but for which other rows there are, and aligned bases and qualities."""
    stored = tensors.rows[rows].copy()
    stored[:, FLAGS] &= ~np.uint8(MATE_ABOVE)
    base, quality = tensors.base[rows, columns], tensors.quality[rows, columns]
    aligned = (base & SOFT_CLIPPED) == 0
    parts = np.concatenate([stored, base * aligned, quality * aligned], axis=1)
    return [row.tobytes() for row in parts]


def _matched(own: list[bytes], other: list[bytes]) -> np.ndarray:
    """Number of the other row that is each of the own, -1 where none is: int64 (n,); each is taken once, in order."""
    places: dict[bytes, list[int]] = defaultdict(list)
    for number in range(len(other) - 1, -1, -1):
        places[other[number]].append(number)
    return np.array([places[key].pop() if places.get(key) else -1 for key in own], np.int64)
