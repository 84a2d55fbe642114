"""The bit-vector edit distance against a plain dynamic programme, and that of many reads at once against that of one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varproof.realign.alignments import Segments
from varproof.realign.edit_distance_lanes_numba_fns import FEW, LANES, locate_all
from varproof.realign.edit_distance_numba_fns import locate

OTHER = 4


def plain_locate(read: list[int], text: list[int]) -> tuple[int, int]:
    """Fewest edits of the whole read against a substring of the text, and the first end that has them; N matches nothing."""
    row = [0] * (len(text) + 1)
    for i, base in enumerate(read):
        above, row = row, [i + 1]
        for j, other in enumerate(text):
            hit = base == other and base < OTHER
            row.append(min(above[j] + (not hit), above[j + 1] + 1, row[j] + 1))
    best = min(row)
    return best, row.index(best)


def located(read: list[int], text: list[int]) -> tuple[int, int]:
    edits, end = locate(np.array(read, np.uint8), np.array(text, np.uint8))
    return int(edits), int(end)


@st.composite
def read_and_text(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """A read and a text that are unrelated, or the read is cut out of the text and then edited; lengths around 64 bits."""
    alphabet = st.sampled_from(draw(st.sampled_from([[0, 1, 2, 3], [0, 1], [0, 1, 2, 3, OTHER]])))
    length = draw(st.one_of(st.integers(1, 40), st.sampled_from([63, 64, 65, 127, 128, 129, 150, 200])))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    letters = np.unique([draw(alphabet) for _ in range(6)])
    text = rng.choice(letters, size=draw(st.integers(0, 220))).tolist()
    if draw(st.booleans()) or len(text) < length:
        return rng.choice(letters, size=length).tolist(), text
    start = int(rng.integers(0, len(text) - length + 1))
    read = text[start : start + length]
    for _ in range(draw(st.integers(0, 8))):
        at, kind = int(rng.integers(0, len(read))), int(rng.integers(0, 3))
        if kind == 0:
            read[at] = int(rng.integers(0, 5))
        elif kind == 1:
            read.insert(at, int(rng.integers(0, 5)))
        elif len(read) > 1:
            del read[at]
    return read, text


@settings(max_examples=150, deadline=None)
@given(read_and_text())
def test_equals_dynamic_programme(case: tuple[list[int], list[int]]) -> None:
    assert located(*case) == plain_locate(*case)


def test_by_hand() -> None:
    """ACGT in TTACGTTT ends at 6 without edits; with one base changed, dropped or added it has one edit."""
    text = [3, 3, 0, 1, 2, 3, 3, 3]
    assert located([0, 1, 2, 3], text) == (0, 6)
    assert located([0, 1, 1, 3], text) == (1, 6)
    assert located([0, 1, 3], text) == (1, 4)
    assert located([0, 1, 0, 2, 3], text) == (1, 6)


def test_empty_text_costs_the_whole_read() -> None:
    assert located([0, 1, 2], []) == (3, 0)
    assert located([0] * 130, []) == (130, 0)


def test_n_matches_nothing_not_even_itself() -> None:
    assert located([OTHER, OTHER], [OTHER, OTHER, OTHER]) == (2, 0)
    assert located([0, OTHER, 2], [0, OTHER, 2]) == (1, 3)


def test_the_first_of_several_ends_wins() -> None:
    assert located([0, 1], [0, 1, 0, 1, 0, 1]) == (0, 2)


@pytest.mark.parametrize("size", [0, 1, FEW, FEW + 1, LANES, 2 * LANES + 3])
def test_many_reads_at_once_are_located_as_one(size: int) -> None:
    """Reads of one to two hundred bases in one call, some of them with N: edits and ends of each on its own."""
    rng = np.random.default_rng(size)
    for letters in (2, 4, 5):
        text = rng.integers(0, letters, 180).astype(np.uint8)
        reads = []
        for length in rng.choice([1, 2, 40, 63, 64, 65, 127, 128, 129, 170], size):
            start = int(rng.integers(0, 181 - length))
            read = text[start : start + length].copy()
            read[rng.integers(0, length, 3)] = rng.integers(0, 5, 3)
            reads.append(read if rng.random() < 0.7 else rng.integers(0, letters, length).astype(np.uint8))
        offset = np.cumsum([0] + [len(read) for read in reads])
        bases = np.concatenate([np.zeros(0, np.uint8), *reads])
        edits, ends = locate_all(Segments(offset, bases, np.zeros(len(bases))), text)
        assert list(zip(edits.tolist(), ends.tolist(), strict=True)) == [located(list(read), list(text)) for read in reads]


def test_a_read_without_bases_has_no_edits() -> None:
    text = np.array([0, 1, 2, 3], np.uint8)
    edits, ends = locate_all(Segments(np.array([0, 0, 2]), np.array([1, 2], np.uint8), np.zeros(2)), text)
    assert edits.tolist() == [0, 0]
    assert ends.tolist() == [0, 3]
