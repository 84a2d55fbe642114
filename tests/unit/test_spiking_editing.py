"""Edited reads against the haplotype itself, and their alignments against a dynamic program over all of them."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_examples import plain_sequence
from varproof.spiking import editing
from varproof.spiking.editing import (
    END_BONUS,
    GAP_EXTEND,
    GAP_OPEN,
    MATCH_SCORE,
    MISMATCH,
    Base,
    aligned,
    on_haplotype,
    own_bases,
)
from varproof.variants.edit import Edit

TEXT = plain_sequence(600, seed=12)
LENGTH = 60


def reference(start: int, end: int) -> str:
    return TEXT[start:end]


def plain(start: int, length: int = LENGTH) -> list[Base]:
    """A read without errors."""
    return own_bases(TEXT[start : start + length], [30] * length, start, [(0, length)])


def haplotype(edit: Edit) -> str:
    return TEXT[: edit.start] + edit.alt + TEXT[edit.end :]


def read_of(bases: list[Base]) -> str:
    return "".join(item.base for item in bases)


edits = st.one_of(
    st.builds(lambda at, alt: Edit(at, at + len(alt), alt), st.integers(250, 320), st.text("ACGT", min_size=1, max_size=4)),
    st.builds(lambda at, alt: Edit(at, at, alt), st.integers(250, 320), st.text("ACGT", min_size=1, max_size=80)),
    st.builds(lambda at, n: Edit(at, at + n, ""), st.integers(250, 320), st.integers(1, 120)),
    st.builds(lambda at, n, alt: Edit(at, at + n, alt), st.integers(250, 320), st.integers(1, 9), st.text("ACGT", min_size=1)),
)  # fmt: skip


@given(edits, st.integers(150, 450))
def test_a_read_without_errors_is_the_haplotype_at_its_place(edit: Edit, start: int) -> None:
    assert read_of(on_haplotype(plain(start), edit, reference)) == haplotype(edit)[start : start + LENGTH]


@given(edits, st.integers(150, 450))
def test_positions_are_those_of_the_bases(edit: Edit, start: int) -> None:
    """Ascending, right of the variant the reference's own; of the allele as many as it replaces."""
    for item, later in zip(*[iter(on_haplotype(plain(start), edit, reference))] * 2, strict=False):
        if item.position is not None and later.position is not None:
            assert item.position < later.position
    for item in on_haplotype(plain(start), edit, reference):
        if item.position is not None and not edit.start <= item.position < edit.end:
            assert item.base == TEXT[item.position]


def test_errors_and_gaps_of_the_read_stay_with_their_bases() -> None:
    """A mismatch of low quality, a base inserted and one deleted, all right of a deletion of three bases: they move with it."""
    sequence = list(TEXT[200:230] + "A" + TEXT[230:240] + TEXT[241:260])
    sequence[20] = "ACGT"["TGCA".index(sequence[20])]
    qualities = [30] * 60
    qualities[20] = 5
    bases = own_bases("".join(sequence), qualities, 200, [(0, 30), (1, 1), (0, 10), (2, 1), (0, 19)])
    found = on_haplotype(bases, Edit(205, 208, ""), reference)
    assert read_of(found) == "".join(sequence[:5] + sequence[8:]) + TEXT[260:263]
    assert [item.quality for item in found].index(5) == 17
    assert [i for i, item in enumerate(found) if item.position is None] == [27]


def best_score(read: str, text: str) -> int:
    """Local alignment with affine gaps, and a bonus for each end of the read that is reached; every cell in plain Python."""
    worst = -(10**9)
    best = worst
    columns = len(text) + 1
    match, insert, delete = [worst] * columns, [worst] * columns, [worst] * columns
    for i, base in enumerate(read):
        new_match, new_insert, new_delete = [worst] * columns, [worst] * columns, [worst] * columns
        for j in range(1, columns):
            gain = MATCH_SCORE if text[j - 1] == base else -MISMATCH
            begin = END_BONUS if i == 0 else 0
            new_match[j] = gain + max(match[j - 1], insert[j - 1], delete[j - 1], begin)
            new_insert[j] = max(match[j] - GAP_OPEN, insert[j]) - GAP_EXTEND
            new_delete[j] = max(new_match[j - 1] - GAP_OPEN, new_delete[j - 1]) - GAP_EXTEND
            best = max(best, new_match[j] + (END_BONUS if i == len(read) - 1 else 0))
        match, insert, delete = new_match, new_insert, new_delete
    return best


def score_of(found_start: int, cigar: list[tuple[int, int]], read: str) -> int:
    """Score of an alignment with its bonuses, from its CIGAR."""
    score, query, position = 0, 0, found_start
    for operation, length in cigar:
        if operation == 0:
            score += sum(MATCH_SCORE if read[query + k] == TEXT[position + k] else -MISMATCH for k in range(length))
            query, position = query + length, position + length
        else:
            if operation in (1, 2):
                score -= GAP_OPEN + GAP_EXTEND * length
            query += length if operation != 2 else 0
            position += length if operation == 2 else 0
    assert query == len(read)
    return score + END_BONUS * ((cigar[0][0] != 4) + (cigar[-1][0] != 4))


@settings(max_examples=25)
@given(edits, st.integers(200, 330))
def test_alignments_are_as_good_as_any(edit: Edit, start: int) -> None:
    """In sequence without repeats: no alignment of the read to 400 bases around scores better."""
    found = on_haplotype(plain(start), edit, reference)
    alignment = aligned(found, reference)
    read = read_of(found)
    assert sum(length for operation, length in alignment.cigar if operation != 2) == LENGTH
    score = score_of(alignment.start, alignment.cigar, read)
    best = best_score(read, TEXT[100:560])
    # Chance likenesses of an inserted or replacing sequence to what lies beside it can make two gaps better than one.
    pure = not edit.alt or edit.start == edit.end
    assert best - score <= (4 if pure else 10)


def test_alignments_by_hand() -> None:
    """A deletion in the middle is a D; three bases from the read's end it costs more than clipping; an SNV stays in place."""
    middle = aligned(on_haplotype(plain(270), Edit(300, 310, ""), reference), reference)
    assert (middle.start, middle.cigar) == (270, [(0, 30), (2, 10), (0, 30)])
    near_end = aligned(on_haplotype(plain(243), Edit(300, 310, ""), reference), reference)
    assert (near_end.start, near_end.cigar[0][0]) == (243, 0) and near_end.cigar[-1][0] in (0, 4)
    assert all(operation != 2 for operation, _ in near_end.cigar)
    inserted = aligned(on_haplotype(plain(270), Edit(300, 300, "GATTACA"), reference), reference)
    assert (inserted.start, [length for operation, length in inserted.cigar if operation == 1]) == (270, [7])
    long = aligned(on_haplotype(plain(270), Edit(300, 300, "GATTACA" * 3), reference), reference)
    assert [operation for operation, _ in long.cigar] == [0, 4]  # nine bases behind it are not worth a gap of 21
    base = "ACGT"[("ACGT".index(TEXT[300]) + 1) % 4]
    assert aligned(on_haplotype(plain(270), Edit(300, 301, base), reference), reference).cigar == [(0, 60)]


@pytest.mark.parametrize("seed", range(3))
def test_reads_with_errors_keep_their_length(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(50):
        start = chance.randrange(200, 330)
        read = "".join(chance.choice("ACGT") if chance.random() < 0.05 else base for base in TEXT[start : start + LENGTH])
        bases = own_bases(read, [chance.randrange(2, 41) for _ in read], start, [(4, 5), (0, 50), (4, 5)])
        found = on_haplotype(bases, Edit(300, 300, "ACGTTGCA"), reference)
        assert len(found) == LENGTH
        alignment = aligned(found, reference)
        assert sum(length for operation, length in alignment.cigar if operation != 2) == LENGTH


def best_window(gains: list[tuple[int, int]]) -> tuple[int, int, int, int]:
    """(score, length, first, last) of the best part of a path, over all parts; (gain, cost of the deletion before) of each."""
    found = (-(10**9), 0, 0, 0)
    for first in range(len(gains)):
        for last in range(first + 1, len(gains) + 1):
            score = sum(gain for gain, _ in gains[first:last]) - sum(skip for _, skip in gains[first + 1 : last])
            score += END_BONUS * ((first == 0) + (last == len(gains)))
            found = max(found, (score, last - first, first, last))
    return found


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=1, max_size=30), st.integers(0, 200))
def test_the_part_that_is_kept_is_the_best_of_all(steps: list[tuple[bool, int]], start: int) -> None:
    """Of a path with mismatches and deletions at any place, every part tried."""
    position, bases, gains = start, [], []
    for i, (equal, skipped) in enumerate(steps):
        position += 1 + (skipped if skipped > 9 and i else 0)
        skip = GAP_OPEN + GAP_EXTEND * skipped if skipped > 9 and i else 0
        base = TEXT[position] if equal else "ACGT"["TGCA".index(TEXT[position])]
        bases.append(Base(base, 30, position))
        gains.append((MATCH_SCORE if equal else -MISMATCH, skip))
    score, _, first, last = best_window(gains)
    found = editing._clipped(bases, [item.position for item in bases], reference)
    assert (found.score, found.start) == (score, bases[first].position)
    clips = [length for operation, length in (found.cigar[0], found.cigar[-1]) if operation == 4]
    assert sum(clips) == len(steps) - (last - first)
