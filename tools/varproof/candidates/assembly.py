"""Local assembly: what lies between two places of the reference, spelt out by the reads that overlap one another there."""

from collections.abc import Sequence

import numpy as np

WORDS = (24, 16, 12)
"""Bases that one read must share with the next, bp: the longest with which the far side is reached is used."""

LONGEST = 1500
"""Longer sequences are given up, bp."""

CLEAR = 2.0
"""A base follows if its votes, summed base qualities, are so many times those of any other."""


def bridge(reads: Sequence[tuple[bytes, np.ndarray]], before: bytes, behind: bytes) -> bytes | None:
    """The bases between `before` and `behind`, as reads that overlap from one to the other have them; None if they don't meet.

    `reads`: (codes, base qualities), in the orientation of `before` and `behind`, which have `WORDS[0]` codes or more. Words
    of a read lead to the base that follows them; from `before` on, the base with most votes is added as long as no other has
    nearly as many, and no word comes twice.
    """
    bases = b"".join(codes + _END for codes, _ in reads)
    quality = b"".join(qualities.tobytes() + _END for _, qualities in reads)
    for word in WORDS:
        found = _walk(bases, quality, before[-word:], behind[:word])
        if found is not None:
            return found
    return None


_END = b"\xff"
"""Stands behind each read."""


def _walk(bases: bytes, quality: bytes, first: bytes, last: bytes) -> bytes | None:
    """What lies between two words; None where the walk forks, ends or turns in a circle."""
    word, path, seen = first, bytearray(), set[bytes]()
    while word != last:
        if word in seen or len(path) > LONGEST:
            return None
        seen.add(word)
        votes = [0, 0, 0, 0]
        place = bases.find(word)
        while place >= 0:
            base = bases[place + len(word)]
            if base < 4:
                votes[base] += quality[place + len(word)]
            place = bases.find(word, place + 1)
        best = max(votes)
        if not best or sorted(votes)[-2] * CLEAR > best:
            return None
        path.append(votes.index(best))
        word = word[1:] + path[-1:]
    return bytes(path[: -len(last)]) if len(path) >= len(last) else None
