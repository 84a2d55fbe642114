"""Which call is which true variant: left alignment against string replacement, tolerant matching against scipy."""

import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from variant_examples import calls_of, truth_of
from varproof.evaluation.matching import NONE, match
from varproof.evaluation.variants import within
from varproof.machinery.errors import UserError
from varproof.variants.edit import Edit
from varproof.variants.reference import Reference


def test_exact_and_false() -> None:
    calls = calls_of((10, "A", "C"), (10, "A", "G"), (50, "ACG", ""), (50, "AC", ""))
    found = match(calls, truth_of((50, "ACG", ""), (10, "A", "C")))
    assert list(found.truth_of_call) == [1, NONE, 0, NONE]
    assert list(found.call_of_truth) == [2, 0]
    assert list(found.false) == [False, True, False, True]


def test_parts_of_mnvs_are_neither_true_nor_false() -> None:
    """Truth ACG>TCT at 10 changes bases 10 and 12; SNVs 30 A>C and 31 C>G are true one by one."""
    truth = truth_of((10, "ACG", "TCT"), (30, "A", "C"), (31, "C", "G"))
    calls = calls_of(
        (10, "A", "T"),  # part
        (12, "G", "T"),  # part
        (12, "G", "A"),  # another base
        (11, "C", "T"),  # unchanged in the truth
        (30, "AC", "CG"),  # made of true SNVs
        (29, "TAC", "GCG"),  # one change too many
        (10, "A", ""),  # no substitution
    )
    found = match(calls, truth)
    assert list(found.partial) == [True, True, False, False, True, False, False]
    assert not found.true.any()
    assert list(found.false) == [False, False, True, True, False, True, True]


def test_tolerance_of_position_and_length() -> None:
    """Deletions compare centres: 100-120 has 110, 130-170 has 150."""
    deletion = (100, "A" * 20, "")
    for other, distance, difference, expected in [
        ((130, "A" * 40, ""), 40, 20, True),
        ((130, "A" * 40, ""), 39, 20, False),
        ((130, "A" * 40, ""), 40, 19, False),
        ((110, "", "A" * 20), 50, 50, False),
        ((110, "A", "C"), 50, 50, False),
    ]:
        found = match(calls_of(other), truth_of(deletion), distance, difference)
        assert bool(found.true[0]) is expected
    insertion = (100, "", "ACGT")
    assert match(calls_of((103, "", "ACG")), truth_of(insertion), 3, 1).true[0]
    assert not match(calls_of((103, "", "ACG")), truth_of(insertion), 3, None).true[0]
    assert not match(calls_of((100, "", "ACG"), contig="chr2"), truth_of(insertion), 50, 50).true[0]
    assert not match(calls_of((101, "A", "C")), truth_of((100, "A", "C")), 50, 50).true[0]


def test_exact_matches_come_first_and_each_truth_counts_once() -> None:
    calls = calls_of((101, "A" * 5, ""), (100, "A" * 5, ""), (99, "A" * 5, ""), errors=[0.001, 0.5, 0.2])
    found = match(calls, truth_of((100, "A" * 5, "")), 10, 10)
    assert list(found.truth_of_call) == [NONE, 0, NONE]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_every_threshold_has_as_many_matches_as_possible(seed: int) -> None:
    """The calls over any threshold are matched to as many true variants as scipy's maximum bipartite matching finds."""
    generator = random.Random(seed)

    def deletions(number: int, offset: int) -> list[tuple[int, str, str]]:
        # Odd and even lengths, so that no allele is in both lists.
        return [(generator.randrange(60), "A" * (2 * generator.randrange(1, 6) + offset), "") for _ in range(number)]

    called, known = deletions(generator.randrange(1, 14), 0), deletions(generator.randrange(1, 10), 1)
    called, known = list(dict.fromkeys(called)), list(dict.fromkeys(known))
    errors = [generator.random() for _ in called]
    found = match(calls_of(*called, errors=errors), truth_of(*known), 6, 3)
    pairs = np.array(
        [
            [abs(a[0] + len(a[1]) / 2 - b[0] - len(b[1]) / 2) <= 6 and abs(len(a[1]) - len(b[1])) <= 3 for b in known]
            for a in called
        ]
    )
    for call in np.flatnonzero(found.true):
        assert pairs[call, found.truth_of_call[call]]
        assert found.call_of_truth[found.truth_of_call[call]] == call
    for limit in errors:
        over = np.array(errors) <= limit
        largest = maximum_bipartite_matching(csr_array(pairs[over]), perm_type="column")
        assert found.true[over].sum() == (largest >= 0).sum()


@pytest.fixture
def reference(tmp_path: Path) -> tuple[str, Reference]:
    generator = random.Random(3)
    sequence = "".join(generator.choice("AC") for _ in range(120)) + "GGTGGTGGTGGT" + "T" * 20 + "ACGN" + "acac" * 5
    path = tmp_path / "ref.fa"
    path.write_text(f">chr1\n{sequence}\n>chr2\n{'ACGT' * 30}\n")
    pysam.faidx(str(path))
    return sequence.upper(), Reference(path)


def test_left_alignment_is_the_leftmost_of_all_placements(reference: tuple[str, Reference]) -> None:
    """Brute force: every placement of an indel of that length that gives the same sequence."""
    sequence, fasta = reference
    generator = random.Random(7)
    for _ in range(300):
        length = generator.randrange(1, 7)
        start = generator.randrange(0, len(sequence) - length)
        if "N" in sequence[max(0, start - 40) : start + length + 1]:
            continue
        if generator.random() < 0.5:
            changed = sequence[:start] + sequence[start + length :]
            placements = [s for s in range(len(sequence) - length + 1) if sequence[:s] + sequence[s + length :] == changed]
            expected = (min(placements), min(placements) + length, "")
            assert fasta.left_aligned("chr1", Edit(start, start + length, "")) == expected
        else:
            inserted = sequence[start : start + length] if generator.random() < 0.5 else "AC" * 3
            changed = sequence[:start] + inserted + sequence[start:]
            size = len(inserted)
            leftmost = next(s for s in range(start + 1) if sequence[:s] + changed[s : s + size] + sequence[s:] == changed)
            expected = (leftmost, leftmost, changed[leftmost : leftmost + size])
            assert fasta.left_aligned("chr1", Edit(start, start, inserted)) == expected


def test_substitutions_stay_where_they_are(reference: tuple[str, Reference]) -> None:
    assert reference[1].left_aligned("chr1", Edit(125, 126, "C")) == (125, 126, "C")
    assert reference[1].left_aligned("chr1", Edit(125, 127, "CAT")) == (125, 127, "CAT")


def test_records_of_another_reference(tmp_path: Path, reference: tuple[str, Reference]) -> None:
    header = pysam.VariantHeader()
    for contig in ("chr2", "chr3"):
        header.contigs.add(contig, length=120)
    fits = header.new_record(contig="chr2", start=4, alleles=("ac", "a"))
    ambiguous = header.new_record(contig="chr2", start=4, alleles=("NC", "A"))
    foreign = SimpleNamespace(contig="chr2", start=4, ref="ÅC")  # of a table, which may hold anything
    for record in (fits, ambiguous, foreign):
        reference[1].check(tmp_path, record)
    for record, message in [
        (header.new_record(contig="chr2", start=4, alleles=("AG", "A")), "chr2:5 has REF AG where .* has AC"),
        (header.new_record(contig="chr2", start=118, alleles=("GTA", "A")), "chr2:119 has REF GTA"),
        (header.new_record(contig="chr3", start=4, alleles=("A", "C")), "contig 'chr3' is not in"),
    ]:
        with pytest.raises(UserError, match=message):
            reference[1].check(tmp_path, record)


def test_regions() -> None:
    regions = {"chr1": [(10, 20), (30, 40)]}
    assert [within(regions, "chr1", position) for position in (9, 10, 19, 20, 30, 40)] == [
        False,
        True,
        True,
        False,
        True,
        False,
    ]
    assert not within(regions, "chr2", 10)
    assert within(None, "chr2", 10)
