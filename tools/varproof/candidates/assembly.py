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
    for word in WORDS:
        found = _walk(_followers(reads, word), before[-word:], behind[:word])
        if found is not None:
            return found
    return None


def _followers(reads: Sequence[tuple[bytes, np.ndarray]], word: int) -> dict[bytes, list[int]]:
    """Of each word of the reads the votes for A, C, G and T as the base behind it."""
    out: dict[bytes, list[int]] = {}
    for codes, qualities in reads:
        for i, quality in enumerate(qualities[word:].tolist()):
            base = codes[i + word]
            if base < 4:
                out.setdefault(codes[i : i + word], [0, 0, 0, 0])[base] += quality
    return out


def _walk(followers: dict[bytes, list[int]], first: bytes, last: bytes) -> bytes | None:
    """What lies between two words; None where the walk forks, ends or turns in a circle."""
    word, path, seen = first, bytearray(), set[bytes]()
    while word != last:
        votes = followers.get(word)
        if votes is None or word in seen or len(path) > LONGEST:
            return None
        seen.add(word)
        best = max(votes)
        if sorted(votes)[-2] * CLEAR > best:
            return None
        path.append(votes.index(best))
        word = word[1:] + path[-1:]
    return bytes(path[: -len(last)]) if len(path) >= len(last) else None
