"""Where else an insertion or deletion could have been written: the one place that follows an indel through a repeat.

`bases` is anything that gives a base by its position (bytes, an array of codes, a `ReferenceSlice`), `moved` the inserted or
deleted bases in the same alphabet. Moving an indel by one turns `moved` by one; it stays the same variant as long as the
base that it passes equals the one that it leaves behind.
"""

from collections.abc import Container
from typing import Any, Protocol


class Bases(Protocol):
    """A sequence by position."""

    def __getitem__(self, place: Any, /) -> Any:
        """The base at a position, or the bases of a slice."""


def steps_left(bases: Bases, start: int, moved: Any, limit: int, unknown: Container[Any] = ()) -> int:
    """How far left an indel at `start` can be written without changing what it means; its start stays at least `limit`.

    Bases in `unknown` (N) equal nothing.

    >>> steps_left(b"GCAAAT", 5, b"A", 0)
    3
    """
    length, steps = len(moved), 0
    while length and start - steps > limit:
        passed = bases[start - steps - 1]
        if passed != moved[(length - 1 - steps) % length] or passed in unknown:
            break
        steps += 1
    return steps


def steps_right(bases: Bases, end: int, moved: Any, limit: int, unknown: Container[Any] = ()) -> int:
    """How far right an indel that ends at `end` (of an insertion, its place) can be written; its end stays at most `limit`.

    >>> steps_right(b"GCAAAT", 2, b"A", 6)
    3
    """
    length, steps = len(moved), 0
    while length and end + steps < limit:
        passed = bases[end + steps]
        if passed != moved[steps % length] or passed in unknown:
            break
        steps += 1
    return steps


def turned(moved: Any, steps: int) -> Any:
    """`moved` (a string or bytes) after `steps` to the left."""
    turn = steps % len(moved) if len(moved) else 0
    return moved[len(moved) - turn :] + moved[: len(moved) - turn]
