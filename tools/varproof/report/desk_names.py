"""Names of reads, packed for the reviewer's desk: parts that all have stand once, numbers as bytes.

Sequencers number what they name (machine:run:flow cell:lane:tile:x:y), so that names of n fragments fall into as many parts of
digits and of other letters. A part that is the same in all stands once, as a text; numbers that differ, of nine digits at most,
are 1 to 4 bytes each, stored plane by plane, the high bytes of all first; other parts are n texts.
"""

import re
from collections.abc import Sequence

import numpy as np

Columns = list[str | int | list[str]]
"""Of each part: the text that all have, bytes of a number, or a text each."""

_PARTS = re.compile(r"[0-9]+|[^0-9]+")
_NUMBER = re.compile(r"(0|[1-9][0-9]*)\Z")


def fragments_of(names: Sequence[str]) -> tuple[list[tuple[int, int]], list[str]]:
    """(row, earlier row of its name) of mates, and the names of fragments by first appearance; rows may lack names.

    >>> fragments_of(["b", "a", "", "b", ""])
    ([(3, 0)], ['b', 'a', '', ''])
    """
    known: dict[str | int, int] = {}
    first = [known.setdefault(name or row, row) for row, name in enumerate(names)]
    return [(row, other) for row, other in enumerate(first) if other != row], [names[row] for row in known.values()]


def packed_names(names: Sequence[str]) -> tuple[Columns, bytes]:
    """Names as columns, and the bytes of their numbers.

    >>> packed_names(["M:1:258", "M:1:3"])
    (['M:1:', 2], b'\\x01\\x00\\x02\\x03')
    """
    parts = [_PARTS.findall(name) for name in names]
    if len({len(part) for part in parts}) == 1:
        columns = [list(column) for column in zip(*parts, strict=True)]
    else:
        columns = [list(names)] if names else []
    shape: Columns = []
    data = b""
    for column in columns:
        first = column[0]
        if all(text == first for text in column):
            if shape and isinstance(shape[-1], str):
                shape[-1] += first
            else:
                shape.append(first)
        elif all(len(text) <= 9 and _NUMBER.match(text) for text in column):
            values = np.array([int(text) for text in column], np.uint32)
            size = (int(values.max()).bit_length() + 7) // 8
            shape.append(size)
            data += b"".join((values >> (8 * byte)).astype(np.uint8).tobytes() for byte in reversed(range(size)))
        else:
            shape.append(column)
    return shape, data
