"""Variants that lie together: one haplotype, one judgement. Reads of known haplotypes, seen through lists that spell them."""

from pathlib import Path

import pytest

from evidence_examples import READ_LENGTH, SINGLE_END, collected, log_ratios
from haplotype_examples import AT, REFERENCE, Edit, haplotype_reads, other, record, snv
from small_bams import Read


def judged(
    tmp_path: Path, haplotypes: list[list[Edit]], listed: list[Edit], reference: str = REFERENCE
) -> list[tuple[int, int, int, int, int]]:
    """(fragments for, against, undecided; counts of reference and alternative), of each listed edit."""
    reads = [read for i, edits in enumerate(haplotypes) for read in haplotype_reads(edits, f"h{i}-", reference)]
    order = sorted(range(len(listed)), key=lambda i: record(listed[i], reference)[0])
    evidence = collected(tmp_path, reference, reads, [record(listed[i], reference) for i in order], SINGLE_END)
    out: dict[int, tuple[int, int, int, int, int]] = {}
    for row, i in enumerate(order):
        ratios = log_ratios(evidence, row)
        sides = sum(r > 5 for r in ratios), sum(r < -5 for r in ratios), sum(abs(r) < 1 for r in ratios)
        out[i] = (*sides, int(evidence.reference_count[row]), int(evidence.alternative_count[row]))
    return [out[i] for i in range(len(listed))]


REAL = (10, 10, 0, 10, 10)
"""Ten fragments carry it, ten don't, and all of them tell."""

INSERTION: Edit = (AT, AT, "GATTC")
DELETION: Edit = (AT, AT + 6, "")


@pytest.mark.parametrize(
    "edits",
    [
        [snv(AT), snv(AT + 1)],
        [snv(AT), snv(AT + 1), snv(AT + 2)],
        [snv(AT), snv(AT + 2)],
        [snv(AT - 1), DELETION],
        [DELETION, snv(AT + 6, 2)],
        [snv(AT - 1), INSERTION],
        [INSERTION, snv(AT)],
    ],
    ids=["two SNVs", "three SNVs", "a base between", "SNV before deletion", "after it", "SNV before insertion", "after it"],
)
def test_what_touches_on_one_haplotype_is_each_carried_by_its_reads(edits: list[Edit], tmp_path: Path) -> None:
    assert judged(tmp_path, [[], edits], edits) == [REAL] * len(edits)


def test_what_touches_on_two_haplotypes_is_each_carried_by_its_own(tmp_path: Path) -> None:
    first, second = snv(AT), snv(AT + 1)
    assert judged(tmp_path, [[first], [second]], [first, second]) == [REAL] * 2


@pytest.mark.parametrize("count", [4, 8, 10])
def test_a_crowd_on_one_haplotype(count: int, tmp_path: Path) -> None:
    """As in kataegis or HLA: one base of five another one."""
    edits = [snv(AT - 20 + 5 * i) for i in range(count)]
    assert judged(tmp_path, [[], edits], edits) == [REAL] * count


def test_mismatches_that_nobody_lists_are_no_crowd(tmp_path: Path) -> None:
    """Five unlisted mismatches beside an SNV: the reads are realigned, as those of a gap that the aligner missed."""
    crowd = [snv(AT + 3 * i) for i in range(1, 7)]
    ((support, *_),) = judged(tmp_path, [[], [snv(AT), *crowd]], [snv(AT)])
    ((listed, *_), *_) = judged(tmp_path, [[], [snv(AT), *crowd]], [snv(AT), *crowd])
    assert listed == 10 and support <= listed


def test_a_third_allele_is_on_another_copy(tmp_path: Path) -> None:
    """Two alternative alleles of one base, of which one is listed: half of the fragments speak against it."""
    first, second = snv(AT), snv(AT, 2)
    assert judged(tmp_path, [[first], [second]], [first]) == [(10, 10, 0, 0, 10)]
    assert judged(tmp_path, [[first], [second]], [first, second]) == [(10, 10, 0, 0, 10)] * 2


def test_a_deletion_of_another_copy_that_is_not_listed(tmp_path: Path) -> None:
    """The other copy has lost the place: its fragments are against the SNV, and count as another allele."""
    substitution, deletion = snv(AT), (AT - 3, AT + 4, "")
    assert judged(tmp_path, [[substitution], [deletion]], [substitution]) == [(10, 10, 0, 0, 10)]
    evidence = collected(
        tmp_path,
        REFERENCE,
        haplotype_reads([substitution], "s") + haplotype_reads([deletion], "d"),
        [record(substitution)],
        SINGLE_END,
    )
    assert evidence.other_count.tolist() == [10]


@pytest.mark.parametrize("place", [0, 2, 4, 7, 8])
def test_an_snv_in_the_homopolymer_of_a_deletion_on_its_haplotype(place: int, tmp_path: Path) -> None:
    reference = REFERENCE[: AT - 1] + "CAAAAAAAAG" + REFERENCE[AT + 9 :]
    edits = [(AT, AT + 1, ""), (AT + place, AT + place + 1, "T")]
    if place == 0:
        edits[0] = (AT + 7, AT + 8, "")
    assert judged(tmp_path, [[], edits], edits, reference) == [REAL] * 2


def test_an_mnv_as_deletion_and_insertion(tmp_path: Path) -> None:
    """Callers write GATC>CCAT as a deletion and an insertion right behind: one haplotype carries both."""
    alt = "".join(other(base, 1 + i % 3) for i, base in enumerate(REFERENCE[AT : AT + 4]))
    whole = (AT, AT + 4, alt)
    parts = [(AT, AT + 4, ""), (AT + 4, AT + 4, alt)]
    assert judged(tmp_path, [[], [whole]], parts) == [REAL] * 2
    assert judged(tmp_path, [[], [whole]], [whole]) == [REAL]


def test_of_two_descriptions_that_no_read_tells_apart_the_better_keeps_the_reads(tmp_path: Path) -> None:
    """In a tract of GTTTA that no read spans, with one GTTTTA: one T more in the last unit, or one unit less before it."""
    tract = "GTTTA" + "GTTTTA" * 30
    reference = REFERENCE[: AT - 2] + tract + REFERENCE[AT - 2 + len(tract) :]
    insertion, deletion = (AT - 1, AT - 1, "T"), (AT - 2, AT + 3, "")
    alone = judged(tmp_path, [[], [insertion]], [insertion], reference)
    assert alone[0][0] == 10
    both = judged(tmp_path, [[], [insertion]], [deletion, insertion], reference)
    assert both[1] == alone[0] and both[0][0] == 0


def test_the_order_of_lists_and_haplotypes_does_not_matter(tmp_path: Path) -> None:
    edits = [snv(AT - 1, 3), DELETION, snv(AT + 6, 2)]
    assert judged(tmp_path, [[], edits], edits) == judged(tmp_path, [edits, []], edits[::-1])[::-1] == [REAL] * 3


def test_a_deletion_is_the_rival_of_an_snv_of_its_base(tmp_path: Path) -> None:
    """Reads that end behind a deleted base show the next one there: with the deletion in the list, they are the deletion's."""
    deletion, shown = (AT, AT + 1, ""), (AT, AT + 1, REFERENCE[AT + 1])
    reads = haplotype_reads([deletion], "d") + haplotype_reads([], "r")
    sequence = REFERENCE[AT - READ_LENGTH + 1 : AT] + REFERENCE[AT + 1]
    reads += [Read(f"e{i}", AT - READ_LENGTH + 1, f"{READ_LENGTH}M", sequence, [30] * READ_LENGTH) for i in range(3)]
    evidence = collected(tmp_path, REFERENCE, reads, [record(deletion), record(shown)], SINGLE_END)
    assert max(log_ratios(evidence, 1)) < 1
    assert sum(ratio > 5 for ratio in log_ratios(evidence, 0)) == 13


def test_an_snv_within_a_tandem_duplication_is_not_explained_by_its_other_copy(tmp_path: Path) -> None:
    """A haplotype with both would have one copy with the SNV and one without, which any read of the reference fits."""
    first, last, substitution = AT - 100, AT + 100, snv(AT)
    junction = REFERENCE[last - 50 : last] + REFERENCE[first : first + 50]
    reads = haplotype_reads([], "r") + haplotype_reads([substitution], "s")
    reads += [Read(f"j{i}", last - 50, "50M50S", junction, [30] * READ_LENGTH) for i in range(20)]
    listed = [record((first, first, REFERENCE[first:last])), record(substitution)]
    evidence = collected(tmp_path, REFERENCE, reads, listed, SINGLE_END)
    assert sum(ratio > 5 for ratio in log_ratios(evidence, 0)) == 20
    ratios = log_ratios(evidence, 1)
    assert sum(ratio > 5 for ratio in ratios) == sum(ratio < -5 for ratio in ratios) == 10
