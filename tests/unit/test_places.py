"""Alleles at one place of all their reads: against sums spelled out, and on reads of variants and of ends that fold back."""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_examples import FRAGMENT, READ_LENGTH, Locus, collected, plain_sequence
from varproof.evidence.decisions import DECISIONS
from varproof.evidence.places_numba_fns import PLACES, inverted_arms, one_place_log_ratio
from varproof.reads.decode import base_codes

AT = 1000
REFERENCE = plain_sequence(2500)
ALT = "ACGT"[("ACGT".index(REFERENCE[AT]) + 1) % 4]
REACH, STRAY, PSEUDO = DECISIONS.same_place_reach, DECISIONS.same_place_stray, DECISIONS.same_place_pseudo_fragments


def neighbourhood(place: int) -> list[int]:
    return [other for other in range(PLACES - 1) if abs(other - place) <= REACH]


def by_definition(alternative: list[int], reference: list[int], half: float) -> float:
    """Of places listed one by one: a mixture over the artefact's place, over a smoothed histogram of the reference's places."""
    even = [min(1 / half, 1 / PLACES)] * (PLACES - 1)
    more = PSEUDO + DECISIONS.same_place_even_share * len(reference)
    usual = [more * value for value in (*even, 1 - sum(even))]
    for place in reference:
        spread = neighbourhood(place) if place < PLACES - 1 else [place]
        for other in spread:
            usual[other] += 1 / len(spread)
    usual = [value / (more + len(reference)) for value in usual]
    one_place = 0.0
    for centre in range(PLACES - 1):
        near = neighbourhood(centre)
        terms = [(1 - STRAY) * (place in near) / len(near) + STRAY * usual[place] for place in alternative]
        one_place += math.prod(terms) / (PLACES - 1)
    return math.log(one_place) - sum(math.log(usual[place]) for place in alternative)


PLACE = st.integers(0, PLACES - 2)


@settings(max_examples=80, deadline=None)
@given(st.lists(PLACE, min_size=1, max_size=8), st.lists(PLACE | st.just(PLACES - 1), max_size=20), st.floats(5, 400))
def test_the_ratio_is_that_of_two_sums(alternative: list[int], reference: list[int], half: float) -> None:
    counts = [np.bincount(places, minlength=PLACES).astype(float) for places in (alternative, reference)]
    assert one_place_log_ratio(*counts, half) == pytest.approx(by_definition(alternative, reference, half), abs=1e-9)


COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}


def arms_by_definition(sequence: str, start: int, alt: str) -> int:
    """Over all axes: the replaced bases are the complement of those across the axis, and so are as many beyond as possible."""
    longest, end = 0, start + len(alt)
    limit = len(DECISIONS.hairpin_log_factors) - 1
    for axis in range(start + end - 1 - 2 * DECISIONS.hairpin_reach, start + end + 2 * DECISIONS.hairpin_reach):
        low, high = min(start, axis - end + 1), max(end, axis - start + 1)
        if low < 0 or high > len(sequence) or any(COMPLEMENT[sequence[axis - start - i]] != base for i, base in enumerate(alt)):
            continue
        pairs = itertools.takewhile(
            lambda pair: COMPLEMENT[pair[0]] == pair[1] != "N", zip(sequence[:low][::-1], sequence[high:], strict=False)
        )
        longest = max(longest, min(limit, len(list(pairs))))
    return longest


@settings(max_examples=80, deadline=None)
@given(st.text("ACGT", min_size=30, max_size=60), st.integers(0, 25), st.text("ACGT", min_size=1, max_size=3))
def test_arms_of_the_inverted_repeat_around_an_allele(sequence: str, start: int, alt: str) -> None:
    arguments = [np.array(values, np.int64) for values in ([start + 500], [start + 500 + len(alt)], [0, len(alt)])]
    alt_codes, codes = (base_codes(text).astype(np.int64) for text in (alt, sequence))
    assert inverted_arms(*arguments, alt_codes, codes, 500)[0] == arms_by_definition(sequence, start, alt)


def test_the_hairpin_of_a_published_case() -> None:
    """NA24385, chr20: AGTGTCCCAG ACA CTGGGACACT, in which ACA is read as TGT."""
    sequence = "TTGACG" + "TGTCCCAG" + "ACA" + "CTGGGACA" + "TTCAGG"
    arguments = [np.array(values, np.int64) for values in ([14], [17], [0, 3])]
    assert inverted_arms(*arguments, base_codes("TGT").astype(np.int64), base_codes(sequence).astype(np.int64), 0)[0] == 7


def same_place(tmp_path: Path, variant_starts: list[int], reference_starts: list[int], change: str = ALT) -> float:
    """Of an SNV that pairs show which begin at these distances before it, the others the reference."""
    locus = Locus(REFERENCE, AT, AT + 1, change)
    for starts, variant in ((variant_starts, True), (reference_starts, False)):
        for i, distance in enumerate(starts):
            locus.add_pair(AT - distance, variant, FRAGMENT + i % 7)
    return float(collected(tmp_path, REFERENCE, locus.reads, [locus.record()]).same_place[0])


EVERYWHERE = list(range(3, 97, 3))


def test_reads_of_a_variant_have_it_anywhere(tmp_path: Path) -> None:
    assert same_place(tmp_path, EVERYWHERE[::3], EVERYWHERE) < -5


def test_ends_that_fold_back_have_it_at_one_place(tmp_path: Path) -> None:
    assert same_place(tmp_path, [9, 10, 9, 10, 11, 9, 10, 10], EVERYWHERE) > 5


def test_where_the_reference_has_it_at_one_place_too_nothing_is_told(tmp_path: Path) -> None:
    """Amplicons: every fragment begins at a primer."""
    assert same_place(tmp_path, [10] * 14, [10] * 70) <= 1.0


def test_copies_of_one_molecule_count_once(tmp_path: Path) -> None:
    locus = Locus(REFERENCE, AT, AT + 1, ALT)
    for _ in range(12):
        locus.add_pair(AT - 10, True)
    for distance in EVERYWHERE:
        locus.add_pair(AT - distance, False)
    alone = Locus(REFERENCE, AT, AT + 1, ALT)
    alone.add_pair(AT - 10, True)
    for distance in EVERYWHERE:
        alone.add_pair(AT - distance, False)
    folders = [tmp_path / name for name in ("copies", "one")]
    for folder in folders:
        folder.mkdir()
    ratios = [
        float(collected(folder, REFERENCE, item.reads, [item.record()]).same_place[0])
        for folder, item in zip(folders, (locus, alone), strict=True)
    ]
    assert ratios[0] == ratios[1] < 2


def test_both_ends_of_a_read_are_one_place(tmp_path: Path) -> None:
    """Of a palindrome's two strands, one has it behind the read's begin, the other before its end."""
    starts = list(itertools.chain.from_iterable((10 + i % 2, READ_LENGTH - 11 - i % 2) for i in range(4)))
    assert same_place(tmp_path, starts, EVERYWHERE) > 3


def test_a_breakpoint_nearby_is_no_end_of_a_read(tmp_path: Path) -> None:
    """All reads with the allele are clipped eight bases behind it, where other DNA begins; their own ends lie anywhere."""
    locus = Locus(REFERENCE, AT, AT + 1, ALT)
    for distance in EVERYWHERE:
        locus.add_pair(AT - distance, False)
    for distance in EVERYWHERE:
        locus.add_pair(AT - distance, True)
    strange = plain_sequence(READ_LENGTH, seed=9)
    for read in locus.reads[2 * len(EVERYWHERE) :]:
        kept = AT + 9 - read.start
        if 0 < kept < READ_LENGTH - 8:
            read.sequence = read.sequence[:kept] + strange[kept:]
            read.cigar = f"{kept}M{READ_LENGTH - kept}S"
    assert float(collected(tmp_path, REFERENCE, locus.reads, [locus.record()]).same_place[0]) < 0


def test_alleles_that_change_the_length_are_not_compared(tmp_path: Path) -> None:
    locus = Locus(REFERENCE, AT, AT + 1, "")
    for distance in EVERYWHERE:
        locus.add_pair(AT - 10, True)
        locus.add_pair(AT - distance, False)
    assert collected(tmp_path, REFERENCE, locus.reads, [locus.record()]).same_place[0] == -DECISIONS.place_not_compared
