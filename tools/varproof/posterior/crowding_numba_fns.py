"""How many companions each candidate has: kernel over sorted pairs."""

import numpy as np

from varproof.machinery.accelerate import compiled


@compiled
def companions(owner: np.ndarray, place: np.ndarray, together: np.ndarray, size: int, spacing: int, full: int) -> np.ndarray:
    """int64 (size,): companions of each candidate, in `full`-ths.

    owner, place, together (pairs,): of each pair a candidate, where the other one of it lies, and the fragments that carry
    both; sorted by owner and place. Those that begin within `spacing` bp of the first of them count as the best of them.
    """
    out = np.zeros(size, np.int64)
    i = 0
    while i < len(owner):
        best, j = 0, i
        while j < len(owner) and owner[j] == owner[i] and place[j] < place[i] + spacing:
            best = max(best, min(together[j], full))
            j += 1
        out[owner[i]] += best
        i = j
    return out
