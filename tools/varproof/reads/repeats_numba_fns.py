"""Kernel that finds short tandem repeats."""

import numpy as np

from varproof.machinery.accelerate import compiled

LONGEST_UNIT = 6


@compiled
def fewest_units(unit_length: int) -> int:
    """Units from which a tract counts as a tandem repeat: homopolymers 4, longer units 3."""
    return 4 if unit_length == 1 else 3


@compiled
def tandem_tracts(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(start, end, unit length), int64 each, of all maximal perfect tandem repeats with units of 1-6 bp, sorted by start.

    A tract [start, end) is as long as the sequence has the period; the last unit may be incomplete. Units that are repeats
    of a shorter unit are left to that one, and N never repeats. Tracts of different units may overlap by a few bases.
    """
    n = len(codes)
    starts, ends, units = [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)], [np.int64(0) for _ in range(0)]
    for unit in range(1, LONGEST_UNIT + 1):
        least = (fewest_units(unit) - 1) * unit  # bases in a row that equal the one a unit before them
        i = unit
        while i + least <= n:
            last = i + least - 1
            while last >= i and codes[last] == codes[last - unit] and codes[last] <= 3:
                last -= 1
            if last >= i:  # no tract reaches over a base that differs: most of them are never looked at
                i = last + 1
                continue
            first = i - unit
            i += least
            while i < n and codes[i] == codes[i - unit] and codes[i] <= 3:
                i += 1
            primitive = True
            for shorter in range(1, unit):
                if unit % shorter == 0:
                    same = True
                    for j in range(first + shorter, first + unit):
                        if codes[j] != codes[j - shorter]:
                            same = False
                            break
                    if same:
                        primitive = False
                        break
            if primitive:
                starts.append(np.int64(first))
                ends.append(np.int64(i))
                units.append(np.int64(unit))
    order = np.argsort(np.array(starts, np.int64) * (LONGEST_UNIT + 1) + np.array(units, np.int64))
    return np.array(starts, np.int64)[order], np.array(ends, np.int64)[order], np.array(units, np.int64)[order]
