"""Which calls make a true variant, however written: against all subsets put into the sequence one by one."""

import itertools
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from variant_examples import calls_of, truth_of
from varproof.evaluation import sequences
from varproof.evaluation.haplotype_matching import edit_distance, match_haplotypes
from varproof.evaluation.matching import NONE, Matching, match
from varproof.evaluation.sequences import are_alternatives, placed, same_sequences, sequences_made
from varproof.variants.candidate import trimmed_alleles
from varproof.variants.edit import Edit, left_aligned
from varproof.variants.reference import Reference

Allele = tuple[int, str, str]
"""Start, REF, ALT."""


def places_of(sequence: str, allele: Allele) -> list[Allele]:
    """All ways to write an indel of this length that changes the sequence in the same way; of another allele itself."""
    start, ref, alt = allele
    if ref and alt:
        return [allele]
    changed = sequence[:start] + alt + sequence[start + len(ref) :]
    found = []
    for i in range(len(sequence) - len(ref) + 1):
        moved = changed[i : i + len(alt)]
        if sequence[:i] + moved + sequence[i + len(ref) :] == changed:
            found.append((i, sequence[i : i + len(ref)], moved))
    return found


def all_sequences(sequence: str, alleles: Sequence[Allele]) -> set[str]:
    """What the alleles make together, by every choice of places in which they do not overlap."""
    made = set()
    for choice in itertools.product(*(places_of(sequence, allele) for allele in alleles)):
        for order in itertools.permutations(choice):
            text, end = "", 0
            for start, ref, alt in order:
                if start < end:
                    break
                text, end = text + sequence[end:start] + alt, start + len(ref)
            else:
                made.add(text + sequence[end:])
    return made


def alternatives(sequence: str, first: Allele, second: Allele) -> bool:
    """Two indels that share a place and together are one indel, or nothing."""
    if (first[1] and first[2]) or (second[1] and second[2]):
        return False
    spans = []
    for allele in (first, second):
        starts = [start for start, _, _ in places_of(sequence, allele)]
        spans.append((min(starts), max(starts) + len(allele[1])))
    (a, b), (c, d) = spans
    both_inserted = not first[1] and not second[1] and max(a, c) <= min(b, d)
    if not both_inserted and not (a < d and c < b):
        return False
    trimmed = [trimmed_alleles(0, sequence, made) for made in all_sequences(sequence, [first, second])]
    return any(not ref or not alt for _, ref, alt in trimmed)


def pairs_by_brute_force(sequence: str, calls: list[Allele], truth: list[Allele]) -> list[tuple[set[int], set[int]]]:
    """All minimal sets of calls and true variants that make one sequence."""

    def subsets(alleles: list[Allele]) -> dict[tuple[int, ...], set[str]]:
        found = {}
        for number in range(len(alleles) + 1):
            for chosen in itertools.combinations(range(len(alleles)), number):
                together = [alleles[i] for i in chosen]
                if not any(alternatives(sequence, *pair) for pair in itertools.combinations(together, 2)):
                    found[chosen] = all_sequences(sequence, together)
        return found

    called, known = subsets(calls), subsets(truth)

    def smaller(of: dict[tuple[int, ...], set[str]], chosen: tuple[int, ...], wanted: set[str]) -> bool:
        return any(of[part] & wanted for number in range(len(chosen)) for part in itertools.combinations(chosen, number))

    return [
        (set(a), set(b))
        for a in called
        for b in known
        if a and b and called[a] & known[b] and not smaller(called, a, known[b]) and not smaller(known, b, called[a])
    ]


def bases_of(sequence: str) -> sequences.Bases:
    return lambda start, end: sequence[max(start, 0) : end]


def normalised(sequence: str, allele: Allele) -> Allele:
    start, ref, alt = allele
    edit = left_aligned(Edit(start, start + len(ref), alt), sequence)
    return edit.start, sequence[edit.start : edit.end], edit.alt


def random_allele(generator: random.Random, sequence: str, most: int = 3) -> Allele:
    while True:
        start = generator.randrange(1, len(sequence) - most)
        ref = sequence[start : start + generator.randrange(most + 1)]
        alt = "".join(generator.choice("AC") for _ in range(generator.randrange(most + 1)))
        made = trimmed_alleles(start, ref, alt)
        if made[1] or made[2]:
            return normalised(sequence, made)


def pieces_of(generator: random.Random, sequence: str, allele: Allele) -> list[Allele]:
    """The allele as others, left to right: its bases shared out at random."""
    start, ref, alt = allele
    cut, cut_alt = generator.randrange(len(ref) + 1), generator.randrange(len(alt) + 1)
    parts = [(start, ref[:cut], alt[:cut_alt]), (start + cut, ref[cut:], alt[cut_alt:])]
    trimmed = [trimmed_alleles(*part) for part in parts]
    return [normalised(sequence, part) for part in trimmed if part[1] or part[2]]


def example(seed: int) -> tuple[str, list[Allele], list[Allele]]:
    """A sequence full of repeats, up to five calls and three true variants, some of them pieces of each other."""
    generator = random.Random(seed)
    sequence = "".join(generator.choice(["A", "C", "AAAA", "ACAC", "CCC"]) for _ in range(8))[:14] + "GT"
    truth = [random_allele(generator, sequence) for _ in range(generator.randrange(1, 4))]
    calls = [piece for allele in truth for piece in pieces_of(generator, sequence, allele) if generator.random() < 0.8]
    calls += [random_allele(generator, sequence) for _ in range(generator.randrange(3))]
    if generator.random() < 0.3:
        calls, truth = truth, calls[:3]
    generator.shuffle(calls)
    return sequence, list(dict.fromkeys(calls))[:5], list(dict.fromkeys(truth))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6))
def test_sets_are_those_of_all_subsets_put_in_one_by_one(seed: int) -> None:
    sequence, calls, truth = example(seed)
    bases = bases_of(sequence)
    called, known = (
        [placed(Edit(start, start + len(ref), alt), bases, 100) for start, ref, alt in alleles] for alleles in (calls, truth)
    )
    for entries, alleles in ((called, calls), (known, truth)):
        assert sequences_made(entries, bases, 0, len(sequence)) == all_sequences(sequence, alleles)
        for i, j in itertools.combinations(range(len(alleles)), 2):
            assert are_alternatives(entries[i], entries[j], bases) == alternatives(sequence, alleles[i], alleles[j])
    found, complete = same_sequences(called, known, bases)
    expected = pairs_by_brute_force(sequence, calls, truth)
    assert complete
    listed = [(set(a), set(b)) for a, b in found]
    assert all(pair in expected for pair in listed)
    # What is not listed consists of what is.
    for pair in expected:
        parts = [part for part in listed if part[0] <= pair[0] and part[1] <= pair[1]]
        for side in (0, 1):
            assert set().union(*(part[side] for part in parts)) == pair[side]


class OfString:
    """A reference whose only contig is a string."""

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence

    def bases(self, contig: str, start: int, end: int) -> str:
        assert contig == "chr1"
        return self._sequence[max(start, 0) : end]


def matched(
    calls: Sequence[Allele],
    truth: Sequence[Allele],
    sequence: str | None = None,
    errors: list[float] | None = None,
    germline: Sequence[Allele] = (),
) -> Matching:
    called, known = calls_of(*calls, errors=errors), truth_of(*truth)
    for start, ref, alt in germline:
        known.others["chr1", start, start + len(ref), alt] = "GERMLINE_HET"
    found = match_haplotypes(called, known, match(called, known), OfString(sequence) if sequence else None)
    assert not found.crowds
    return found.matching


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_at_every_threshold_what_is_kept_decides(seed: int) -> None:
    """Found and true are what all subsets of the kept calls make, as if no other call existed."""
    sequence, calls, truth = example(seed)
    errors = [random.Random(seed + i).choice([0.1, 0.3, 0.4, 0.8]) for i in range(len(calls))]
    if not calls:
        return
    found = matched(calls, truth, sequence, errors)
    for limit in (0.1, 0.3, 0.4, 0.8):
        kept = np.array(errors) <= limit
        over = [allele for allele, is_kept in zip(calls, kept, strict=True) if is_kept]
        pairs = pairs_by_brute_force(sequence, over, truth)
        assert list(found.found_among(kept)) == [any(i in pair[1] for pair in pairs) for i in range(len(truth))]
        true = found.true_among(kept)
        assert list(true[kept]) == [any(i in pair[0] for pair in pairs) for i in range(len(over))]
        assert not true[~kept].any()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_order_and_places_of_indels_do_not_matter(seed: int) -> None:
    """Lists in another order, and each indel anywhere in its repeat instead of leftmost."""
    generator = random.Random(seed)
    sequence, calls, truth = example(seed)
    errors = [generator.choice([0.1, 0.3, 0.4]) for _ in calls]
    first = matched(calls, truth, sequence, errors)
    order, true_order = (generator.sample(range(len(alleles)), len(alleles)) for alleles in (calls, truth))
    moved = [generator.choice(places_of(sequence, calls[i])) for i in order]
    second = matched(
        moved, [generator.choice(places_of(sequence, truth[i])) for i in true_order], sequence, [errors[i] for i in order]
    )
    for limit in (0.1, 0.3, 0.4):
        kept = np.array(errors, float) <= limit
        assert list(second.found_among(kept[order])) == list(first.found_among(kept)[true_order])
        assert list(second.true_among(kept[order])) == list(first.true_among(kept)[order])
    assert list(second.partial) == list(first.partial[order])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_what_matches_by_alleles_matches_by_haplotype(seed: int) -> None:
    """With and without the bases of the reference."""
    sequence, calls, truth = example(seed)
    calls = list(dict.fromkeys([*calls, *truth[:2]]))
    by_alleles = match(calls_of(*calls), truth_of(*truth))
    for bases in (sequence, None):
        found = matched(calls, truth, bases)
        exact = by_alleles.true
        assert list(found.truth_of_call[exact]) == list(by_alleles.truth_of_call[exact])
        assert found.true[exact].all()
        everything = np.ones(len(calls), dtype=bool)
        assert found.found_among(everything)[by_alleles.found_among(everything)].all()


#              0123456789
SEQUENCE = 2 * "ACGTTGCAAC" + "GATTACA"


@pytest.mark.parametrize(
    "calls",
    [
        [(3, "TT", "CA")],
        [(3, "T", "C"), (4, "T", "A")],
        [(3, "", "CA"), (3, "TT", "")],
        [(3, "T", ""), (4, "T", "A"), (3, "", "C")],
        [(5, "", "CA"), (3, "TT", "")],
        [(3, "TTG", "CA"), (6, "", "G")],
    ],
)
@pytest.mark.parametrize("with_reference", [True, False])
def test_an_mnv_is_found_however_it_is_written(calls: list[Allele], with_reference: bool) -> None:
    """TT of 3 and 4 to CA; the insertion may stand before or after the deletion."""
    found = matched(calls, [(3, "TT", "CA")], SEQUENCE if with_reference else None)
    assert found.found_among(np.ones(len(calls), dtype=bool)).all()
    assert found.true.all() and not found.false.any()


def test_one_record_for_two_true_variants() -> None:
    found = matched([(3, "TTGC", "CTGA")], [(3, "T", "C"), (6, "C", "A")])
    assert list(found.call_of_truth) == [0, 0] and found.true.all()
    assert list(found.truth_of_call) == [NONE]  # neither frequency is that of the record


def test_parts_are_true_only_where_all_are_kept() -> None:
    """TT>CA as two SNVs of different probability; the first alone is part of a true variant, a third one is false."""
    calls = [(3, "T", "C"), (4, "T", "A"), (5, "G", "A")]
    found = matched(calls, [(3, "TT", "CA")], errors=[0.01, 0.2, 0.02])
    assert list(found.call_of_truth) == [1]
    for kept, true, is_found in (([1, 0, 1], [0, 0, 0], 0), ([1, 1, 1], [1, 1, 0], 1)):
        chosen = np.array(kept, dtype=bool)
        assert list(found.true_among(chosen)) == [bool(value) for value in true]
        assert list(found.found_among(chosen)) == [bool(is_found)]
        assert list(found.false_among(chosen)) == [False, False, True]


def test_what_would_make_a_called_variant_once_more_is_false_until_it_does() -> None:
    """A true SNV T>C, called as such, and as an inserted C beside a deleted T, of which one is not kept."""
    calls = [(3, "T", "C"), (3, "", "C"), (3, "T", "")]
    found = matched(calls, [(3, "T", "C")], "ACGTAGCAAC", errors=[0.01, 0.02, 0.2])
    assert list(found.false_among(np.array([True, True, False]))) == [False, True, False]
    assert list(found.true_among(np.ones(3, dtype=bool))) == [True, True, True]
    without = matched(calls[1:], [(3, "T", "C")], "ACGTAGCAAC")
    assert not without.false_among(np.array([True, False])).any()


def test_pieces_of_what_nothing_completes_are_partial() -> None:
    """GTTGC>ATC is three steps: G>A, and two of TTG lost. No other base is a step, nor is a deletion of another length."""
    replacement = [(2, "GTTGC", "ATC")]
    base, other_base, deletion, longer_deletion = (2, "G", "A"), (2, "G", "C"), (4, "TG", ""), (3, "TTG", "")
    found = matched([base, other_base, longer_deletion], replacement, SEQUENCE)
    assert not found.true.any()
    assert list(found.partial) == [True, False, False]
    assert matched([deletion], replacement, SEQUENCE).partial.all()
    assert matched([base, deletion], replacement, SEQUENCE).true.all()
    mnv = matched([(3, "T", "C"), (4, "T", "G")], [(3, "TT", "CA")])
    assert list(mnv.partial) == [True, False] and list(mnv.false) == [False, True]


def test_lengths_of_one_repeat_are_alternatives() -> None:
    """Deletions of one and two of eight As do not make one of three; a deletion and an SNV in the repeat make a true one."""
    sequence = "GC" + "A" * 8 + "TG"
    wrong = matched([(2, "A", ""), (2, "AA", "")], [(2, "AAA", "")], sequence)
    assert wrong.false.all() and list(wrong.call_of_truth) == [NONE]
    # GCAAAAAAAATG -> GCAAGAAAATG: an A is lost before or after the G, which is all the same.
    true = [(4, "AA", "G")]
    for calls in ([(4, "A", "G"), (9, "A", "")], [(5, "A", "G"), (2, "A", "")]):
        assert matched(calls, true, sequence).true.all()


def test_an_insertion_and_a_deletion_that_undo_each_other_are_no_part() -> None:
    """An A too many before C>A and one too few after it: both A runs become one, and the three make C>A alone."""
    sequence = "GT" + "AAA" + "C" + "AAA" + "TG"
    found = matched([(5, "C", "A"), (2, "", "A"), (6, "A", "")], [(5, "C", "A")], sequence)
    assert list(found.true) == [True, False, False]


def test_germline_neighbours_are_part_of_the_sequence() -> None:
    """A somatic SNV and a germline one beside it, called as one MNV; the germline one alone stays false."""
    found = matched([(3, "TT", "CA"), (4, "T", "A")], [(3, "T", "C")], germline=[(4, "T", "A")])
    assert list(found.true) == [True, False] and list(found.false) == [False, True]
    assert list(found.call_of_truth) == [0]
    assert matched([(3, "TT", "CA")], [(3, "T", "C")]).false.all()


def test_without_a_reference_indels_stay_in_their_place() -> None:
    """GATTACA: one T of 22 and 23 deleted. The REF of an SNV beside it shows that it may as well be the other."""
    calls, truth = [(23, "T", "")], [(22, "T", "")]
    assert SEQUENCE[20:] == "GATTACA"
    assert matched(calls, truth, SEQUENCE).true.all()
    assert matched([(23, "T", "")], [(22, "T", "")]).true.all()  # both bases are shown
    assert matched([(24, "", "T")], [(22, "", "T")], SEQUENCE).true.all()
    assert matched([(24, "", "T")], [(22, "", "T")]).false.all()


def test_unknown_bases_equal_only_themselves() -> None:
    """A deletion of one N is not that of its neighbour, but both are the deletion of two."""
    sequence = "ACGTNNACGT"
    assert matched([(4, "N", "")], [(5, "N", "")], sequence).false.all()
    assert matched([(4, "N", ""), (5, "N", "")], [(4, "NN", "")], sequence).true.all()


def test_crowds_are_told_and_keep_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = calls_of((3, "T", "C"), (4, "T", "A"), (12, "G", "T"))
    truth = truth_of((3, "TT", "CA"), (12, "G", "T"))
    monkeypatch.setattr(sequences, "MOST_STEPS", 1)
    found = match_haplotypes(calls, truth, match(calls, truth), None)
    (crowd,) = found.crowds
    assert (str(crowd), crowd.calls, crowd.true_variants) == ("chr1:4-13", 3, 2)
    assert list(found.matching.true) == [False, False, True]
    assert list(found.matching.partial) == [True, True, False]


def test_ten_variants_beside_each_other_are_no_crowd() -> None:
    """Every fourth base of 40 changed, called base by base and as two long MNVs with the same bases between."""
    sequence = "ACGT" * 12
    changes = [(i, "A", "C") for i in range(4, 44, 4)]
    halves = [(first, sequence[first : first + 17], ("C" + "CGT") * 4 + "C") for first in (4, 24)]
    singly = matched(changes, halves, sequence)
    assert singly.true.all() and (singly.call_of_truth != NONE).all()
    assert matched(halves, changes, sequence).true.all()


@settings(max_examples=100, deadline=None)
@given(st.text("ACG", max_size=6), st.text("ACG", max_size=6))
def test_edit_distance(first: str, second: str) -> None:
    """The definition, step by step."""

    def distance(a: str, b: str) -> int:
        if not a or not b:
            return len(a) + len(b)
        return min(distance(a[1:], b[1:]) + (a[0] != b[0]), distance(a[1:], b) + 1, distance(a, b[1:]) + 1)

    assert edit_distance(first, second) == distance(first, second)


def test_a_reference_file_gives_its_bases(tmp_path: Path) -> None:
    path = tmp_path / "ref.fa"
    path.write_text(f">chr1\n{SEQUENCE.lower()}\n")
    pysam.faidx(str(path))
    calls, truth = calls_of((24, "", "T")), truth_of((22, "", "T"))
    assert match_haplotypes(calls, truth, match(calls, truth), Reference(path)).matching.true.all()
