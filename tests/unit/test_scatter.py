"""Where a candidate list may be cut, and how balanced the pieces are."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_examples import plain_sequence, write_candidates
from small_bams import write_fasta
from varproof.scattering.scatter import RecordExtents, balanced_cuts, cuts_by_size, cuttable, record_extents
from varproof.variants.chunks import NEIGHBOUR_REACH

flags = st.lists(st.booleans(), min_size=1, max_size=40).map(lambda values: np.array([True, *values[1:]]))


@given(data=st.data(), may_cut=flags, pieces=st.integers(1, 12))
def test_pieces_are_as_balanced_as_cuts_allow(data: st.DataObject, may_cut: np.ndarray, pieces: int) -> None:
    weights = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(may_cut), max_size=len(may_cut))))
    cuts = balanced_cuts(may_cut, weights, pieces)
    assert may_cut[cuts].all() and 0 not in cuts and len(cuts) < pieces
    assert (np.diff(cuts) > 0).all()
    before = np.cumsum(weights) - weights
    for number in range(1, pieces):
        ideal = weights.sum() * number / pieces
        if may_cut[1:].any():
            assert abs(before[cuts] - ideal).min() == abs(before[1:][may_cut[1:]] - ideal).min()


@given(data=st.data(), may_cut=flags, most=st.integers(1, 12))
def test_pieces_hold_no_more_than_they_may_where_cuts_allow(data: st.DataObject, may_cut: np.ndarray, most: int) -> None:
    weights = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(may_cut), max_size=len(may_cut))))
    cuts = cuts_by_size(may_cut, weights, most)
    assert may_cut[cuts].all() and 0 not in cuts and (np.diff(cuts) > 0).all()
    pieces = [(first, last, weights[first:last].sum()) for first, last in pairwise([0, *cuts.tolist(), len(weights)])]
    for first, last, size in pieces:
        assert size <= most or not may_cut[first + 1 : last].any() or all(
            weights[first:place].sum() > most for place in np.flatnonzero(may_cut[first + 1 : last]) + first + 1
        )  # fmt: skip
    for first, last, size in pieces[:-1]:
        further = next((place for place in range(last + 1, len(weights)) if may_cut[place]), len(weights))
        assert size > most or weights[first:further].sum() > most


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3000), st.integers(0, 600)), min_size=1, max_size=12))
def test_no_candidate_can_be_a_neighbour_over_a_cut(records: list[tuple[int, int, int]]) -> None:
    contig, low, reach = (np.array(column) for column in zip(*sorted(records), strict=True))
    extents = RecordExtents(contig, low, low + reach, np.ones(len(low), int))
    for i, may in enumerate(cuttable(extents)):
        same = contig == contig[i]
        left, right = same & (np.arange(len(low)) < i), same & (np.arange(len(low)) >= i)
        far = all(low[b] - (low + reach)[a] > NEIGHBOUR_REACH for a in np.flatnonzero(left) for b in np.flatnonzero(right))
        assert may == far


def test_an_indel_counts_from_where_it_can_be_shifted_to(tmp_path: Path) -> None:
    """A deletion written at the right end of a repeat of 700 bp may be a neighbour of what lies before the repeat."""
    left, right = plain_sequence(2000, seed=1), plain_sequence(2000, seed=2)
    sequence = left + "CA" * 350 + right
    reference = write_fasta(tmp_path / "reference.fa", {"chr1": sequence})
    at = 2000 + 700 - 3
    snv = 1800
    lines = [(snv, sequence[snv], "ACGT"["CGTA".index(sequence[snv])]), (at, sequence[at : at + 3], sequence[at])]
    candidates = write_candidates(tmp_path / "candidates.vcf", lines, {"chr1": len(sequence)})
    extents = record_extents(candidates, reference)
    assert extents.low.tolist()[0] == snv and 1990 <= extents.low[1] <= 2001
    assert cuttable(extents).tolist() == [True, False]
