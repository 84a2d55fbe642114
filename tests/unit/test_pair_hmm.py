"""The pair HMM's forward algorithm against the sum over every single alignment, and against a plain one in double precision.

Kernels work in single precision, several alignments in the lanes of one vector: what is near in one is to be near in any, and
what one lane gives must not depend on the others.
"""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varproof.realign.alignments import Alignments, Haplotypes, Segments
from varproof.realign.edit_distance_numba_fns import locate
from varproof.realign.pair_hmm_numba_fns import INSERTED_BASE, LANES, log_likelihoods

NEAR = 2e-5
"""By how much logarithms of likelihoods of some hundred bases may differ in single precision."""

EXTEND = (0.2, 0.3)
"""Extension of insertions and deletions: high, so that gapped alignments count."""

Openings = tuple[list[float], list[float]]
"""Probability that an insertion, and that a deletion, opens after each haplotype base."""

ALIGNED, INSERTED, DELETED = "M", "I", "D"


def log_forward(
    read: list[int], error: list[float], text: list[int], offset: int, band: int, opening: Openings, extend=EXTEND
) -> float:
    """The kernel, of one alignment."""
    segments = Segments(np.array([0, len(read)]), np.array(read, np.uint8), np.array(error))
    open_insertion, open_deletion = (np.array(values, np.float64) for values in opening)
    haplotypes = Haplotypes(np.array([0, len(text)]), np.array(text, np.uint8), open_insertion, open_deletion, *extend)
    alignments = Alignments(*(np.array([value]) for value in (0, 0, offset, band)))
    return float(log_likelihoods(segments, haplotypes, alignments)[0])


def alike(columns: int, insertion: float, deletion: float) -> Openings:
    return [insertion] * columns, [deletion] * columns


def alignments(bases: int, columns: int, start: int) -> Iterator[str]:
    """Every alignment of `bases` read bases to a haplotype of `columns` bases from `start` on, as a string of operations.

    It ends in a read base; an insertion lies between two haplotype bases; the two kinds of gaps are not neighbours.
    """

    def grow(operations: str, used: int, at: int) -> Iterator[str]:
        if used == bases and operations[-1] != DELETED:
            yield operations
        previous = operations[-1:]
        if used < bases and at < columns:
            yield from grow(operations + ALIGNED, used + 1, at + 1)
        if used < bases and previous != DELETED and 0 < at < columns:
            yield from grow(operations + INSERTED, used + 1, at)
        if 0 < used < bases and previous != INSERTED and at < columns:
            yield from grow(operations + DELETED, used, at + 1)

    yield from grow("", 0, start)


def emission(base: int, wrong: float, other: int) -> float:
    if base > 3:
        return 0.25
    return 1 - wrong if base == other else wrong / 3


def probability(operations: str, read: list[int], error: list[float], text: list[int], start: int, opening: Openings) -> float:
    """Probability of one alignment."""
    product, i, j, previous = 1.0, 0, start, ALIGNED
    for operation in operations:
        after = max(j - 1, 0)
        open_insertion, open_deletion = opening[0][after], opening[1][after]
        product *= {
            "MM": 1 - open_insertion - open_deletion, "MI": open_insertion, "MD": open_deletion,
            "II": EXTEND[0], "IM": 1 - EXTEND[0], "DD": EXTEND[1], "DM": 1 - EXTEND[1],
        }[previous + operation]  # fmt: skip
        if operation == ALIGNED:
            product *= emission(read[i], error[i], text[j])
        elif operation == INSERTED:
            product *= INSERTED_BASE
        i, j, previous = i + (operation != DELETED), j + (operation != INSERTED), operation
    return product


def summed_over_alignments(read: list[int], error: list[float], text: list[int], opening: Openings) -> float:
    total = sum(
        probability(operations, read, error, text, start, opening)
        for start in range(len(text) + 1)
        for operations in alignments(len(read), len(text), start)
    )
    return math.log(total) if total else -math.inf


def plain_forward(
    read: list[int],
    error: list[float],
    text: list[int],
    opening: Openings,
    extend=EXTEND,
    offset: int = 0,
    band: int | None = None,
) -> float:
    """The same sum by dynamic programming in plain Python, over diagonals within `band` of `offset`, or over all.

    Cell j of a row: the base lies at haplotype position j - 1, or after it.
    """
    n = len(text)

    def inside(base: int, j: int) -> bool:
        return band is None or abs(j - 1 - base - offset) <= band

    match = [1.0 if inside(-1, j) else 0.0 for j in range(n + 1)]
    insert, delete = [0.0] * (n + 1), [0.0] * (n + 1)
    log_scale = 0.0
    for i, (base, wrong) in enumerate(zip(read, error, strict=True)):
        new_match, new_insert, new_delete = [0.0] * (n + 1), [0.0] * (n + 1), [0.0] * (n + 1)
        for j in range(n + 1):
            if not inside(i, j):
                continue
            if j > 0:
                after = max(j - 2, 0)
                before = (1 - opening[0][after] - opening[1][after]) * match[j - 1]
                before += (1 - extend[0]) * insert[j - 1] + (1 - extend[1]) * delete[j - 1]
                new_match[j] = emission(base, wrong, text[j - 1]) * before
                new_delete[j] = opening[1][after] * new_match[j - 1] + extend[1] * new_delete[j - 1]
            if 0 < j < n:
                new_insert[j] = INSERTED_BASE * (opening[0][j - 1] * match[j] + extend[0] * insert[j])
        match, insert, delete = new_match, new_insert, new_delete
        scale = sum(match) + sum(insert) + sum(delete)
        if not scale:
            return -math.inf
        log_scale += math.log(scale)
        match, insert, delete = ([value / scale for value in row] for row in (match, insert, delete))
    total = sum(match) + sum(insert)
    return log_scale + math.log(total) if total else -math.inf


short_cases = st.tuples(
    st.lists(st.integers(0, 4), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.floats(0.0, 0.3), st.floats(0.0, 0.3)), min_size=1, max_size=7),
    st.lists(st.floats(1e-4, 0.4), min_size=5, max_size=5),
)


@settings(max_examples=60, deadline=None)
@given(short_cases)
def test_equals_the_sum_over_all_alignments(case: tuple[list[int], list[tuple[int, float, float]], list[float]]) -> None:
    read, columns, error = case
    text, opening = [item[0] for item in columns], ([item[1] for item in columns], [item[2] for item in columns])
    found = log_forward(read, error[: len(read)], text, 0, len(read) + len(text), opening)
    assert found == pytest.approx(summed_over_alignments(read, error, text, opening), abs=NEAR)


def test_one_base_by_hand() -> None:
    """One base C against AC: a mismatch, a match, or an insertion after the A."""
    stay = 1 - 0.03 - 0.05
    expected = stay * (0.01 / 3) + stay * 0.99 + 0.03 * INSERTED_BASE
    found = log_forward([1], [0.01], [0, 1], 0, 5, ([0.03, 0.2], [0.05, 0.2]))
    assert found == pytest.approx(math.log(expected), abs=1e-6)


def long_case(seed: int) -> tuple[list[int], list[float], list[int]]:
    """A read of about 60 bases of a haplotype of 90, with a deletion, an insertion, mismatches and an N."""
    rng = np.random.default_rng(seed)
    text = rng.integers(0, 4, 90).tolist()
    start = int(rng.integers(0, 20))
    read = text[start : start + 66]
    cut, put = int(rng.integers(5, 55)), int(rng.integers(5, 55))
    del read[cut : cut + int(rng.integers(1, 5))]
    read[put:put] = rng.integers(0, 4, int(rng.integers(1, 4))).tolist()
    for at in rng.integers(0, len(read), 3):
        read[at] = int(rng.integers(0, 5))
    return read, rng.choice([0.001, 0.01, 0.1], len(read)).tolist(), text


def some_openings(seed: int, columns: int) -> Openings:
    rng = np.random.default_rng(seed)
    return rng.choice([1e-6, 1e-3, 0.02], columns).tolist(), rng.choice([1e-6, 1e-3, 0.02], columns).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_long_reads_equal_the_unbanded_sum_where_the_band_is_wide(seed: int) -> None:
    read, error, text = long_case(seed)
    opening = some_openings(seed, len(text))
    found = log_forward(read, error, text, 0, 200, opening)
    assert found == pytest.approx(plain_forward(read, error, text, opening), abs=NEAR)


@pytest.mark.parametrize("seed", range(6))
def test_a_band_loses_little_and_never_gains(seed: int) -> None:
    """Around the diagonal that the edit distance finds, a band of edits + 3 keeps all but a per mille of the probability."""
    read, error, text = long_case(seed)
    opening, extend = alike(len(text), 1e-3, 1e-3), (0.1, 0.1)
    everything = plain_forward(read, error, text, opening, extend)
    edits, end = locate(np.array(read, np.uint8), np.array(text, np.uint8))
    before = -math.inf
    for band in (0, 2, 5, int(edits) + 3):
        banded = log_forward(read, error, text, int(end) - len(read), band, opening, extend)
        assert before - NEAR <= banded <= everything + NEAR
        assert banded == pytest.approx(plain_forward(read, error, text, opening, extend, int(end) - len(read), band), abs=NEAR)
        before = banded
    assert before == pytest.approx(everything, abs=1e-3)


def test_no_underflow_in_long_reads() -> None:
    """1,000 bases of which each is a mismatch: the logarithm is that of the product, far below the smallest float."""
    read, text = [0] * 1000, [1] * 1000
    found = log_forward(read, [1e-4] * 1000, text, 0, 0, alike(1000, 1e-6, 1e-6))
    assert found == pytest.approx(1000 * (math.log(1e-4 / 3) + math.log1p(-2e-6)), abs=1e-3)


def test_nothing_in_the_band_is_impossible() -> None:
    assert log_forward([0, 1, 2], [0.01] * 3, [0, 1, 2], 50, 3, alike(3, 1e-3, 1e-3)) == -math.inf
    assert log_forward([0, 1, 2], [0.01] * 3, [], 0, 3, alike(0, 1e-3, 1e-3)) == -math.inf


def test_a_read_that_ends_in_a_long_insertion_keeps_what_is_improbable() -> None:
    """Thirty bases inserted, each 40 times less probable than the last: the sum of the plain program, to the last 2e-5."""
    rng = np.random.default_rng(3)
    text = rng.integers(0, 4, 120).tolist()
    read = text[20:60] + rng.integers(0, 4, 30).tolist() + text[60:100]
    error, opening = [1e-4] * len(read), alike(120, 1e-6, 1e-6)
    found = log_forward(read, error, text, 5, 35, opening, (0.1, 0.1))
    assert found == pytest.approx(plain_forward(read, error, text, opening, (0.1, 0.1), 5, 35), abs=NEAR)


def mixed_batch(seed: int, size: int) -> tuple[Segments, Haplotypes, Alignments]:
    """Reads of any length, also with N, that lie anywhere: inside, at and over the ends, outside; two haplotypes."""
    rng = np.random.default_rng(seed)
    texts = [rng.integers(0, 5, length).astype(np.uint8) for length in (90, 61)]
    reads, chosen, start, band = [], [], [], []
    for _ in range(size):
        which, length = int(rng.integers(0, 2)), int(rng.integers(1, 80))
        at = int(rng.integers(-20, len(texts[which]) + 5))
        read = texts[which][max(at, 0) : max(at, 0) + length].copy()
        read = np.concatenate([read, rng.integers(0, 4, length - len(read)).astype(np.uint8)])
        read[rng.integers(0, length, 2)] = rng.integers(0, 5, 2)
        reads.append(read)
        chosen.append(which)
        start.append(at)
        band.append(int(rng.integers(0, 16)))
    codes = np.concatenate(texts)
    openings = [rng.choice([1e-6, 1e-3, 0.02], len(codes)) for _ in range(2)]
    offset = np.cumsum([0] + [len(read) for read in reads])
    segments = Segments(offset, np.concatenate(reads), rng.choice([1e-6, 1e-3, 0.1], offset[-1]))
    haplotypes = Haplotypes(np.array([0, 90, 151]), codes, *openings, *EXTEND)
    return segments, haplotypes, Alignments(np.arange(size), *(np.array(values) for values in (chosen, start, band)))


@pytest.mark.parametrize("size", [1, LANES - 1, LANES, LANES + 1, 3 * LANES + 5])
def test_many_alignments_equal_the_plain_sum_of_each(size: int) -> None:
    segments, haplotypes, alignments = mixed_batch(size, size)
    found = log_likelihoods(segments, haplotypes, alignments)
    assert (alignments.start < 0).any() or size < LANES
    for i, (_, j, start, band) in enumerate(zip(*(column.tolist() for column in alignments), strict=True)):
        here, own = slice(*haplotypes.offset[j : j + 2]), slice(*segments.offset[i : i + 2])
        opening = haplotypes.open_insertion[here].tolist(), haplotypes.open_deletion[here].tolist()
        read, error = segments.bases[own].tolist(), segments.error[own].tolist()
        expected = plain_forward(read, error, haplotypes.codes[here].tolist(), opening, EXTEND, start, band)
        assert found[i] == pytest.approx(expected, abs=NEAR)


def test_company_and_order_change_no_bit() -> None:
    """Every alignment gives the same bits alone, among others, and in any order."""
    segments, haplotypes, alignments = mixed_batch(7, 50)
    together = log_likelihoods(segments, haplotypes, alignments)
    for chosen in [*(np.array([i]) for i in range(50)), np.random.default_rng(1).permutation(50), np.arange(0, 50, 3)]:
        some = Alignments(*(column[chosen] for column in alignments))
        assert log_likelihoods(segments, haplotypes, some).tobytes() == together[chosen].tobytes()


def test_no_alignments() -> None:
    segments, haplotypes, alignments = mixed_batch(1, 1)
    assert log_likelihoods(segments, haplotypes, Alignments(*(column[:0] for column in alignments))).shape == (0,)
