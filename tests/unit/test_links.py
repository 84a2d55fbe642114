"""Links of candidates: the fragments that carry both alleles, or one of them, counted from reads of known haplotypes."""

from pathlib import Path

import numpy as np
import pytest

from evidence_examples import FRAGMENT, READ_LENGTH, SINGLE_END, Locus, collected, plain_sequence
from small_bams import Read
from varproof.formats.evidence import Evidence
from varproof.variants.candidate import Candidate, candidate_key

AT = 1000
REFERENCE = plain_sequence(3000)


def other(base: str) -> str:
    return "ACGT"[("ACGT".index(base) + 1) % 4]


def snv(position: int) -> tuple[int, str, str]:
    return position, REFERENCE[position], other(REFERENCE[position])


def pairs(name: str, positions: list[int], starts: list[int], length: int = FRAGMENT) -> list[Read]:
    """Pairs of reads of a haplotype with SNVs at these positions."""
    haplotype = list(REFERENCE)
    for position in positions:
        haplotype[position] = other(haplotype[position])
    item = Locus("".join(haplotype), AT, AT, "")
    for start in starts:
        item.add_pair(start, False, length)
    for number, read in enumerate(item.reads):
        read.name = f"{name}{number // 2}"
    return item.reads


def links(evidence: Evidence) -> list[tuple[int, int, int, int, int]]:
    """(candidate, other candidate, fragments with both, with the first only, with the second only)."""
    place = {key: i for i, key in enumerate(evidence.key.tolist())}
    first = np.repeat(np.arange(evidence.size), np.diff(evidence.link_offset)).tolist()
    rows = zip(first, evidence.link_key.tolist(), evidence.link_both, evidence.link_first, evidence.link_second, strict=True)
    return [(i, place[key], int(both), int(one), int(two)) for i, key, both, one, two in rows]


STARTS = list(range(AT - 60, AT - 20, 4))
"""Fragments whose first read has what lies at AT, and whose second what lies at AT + 190."""


@pytest.mark.parametrize("distance", [1, 10, 190])
def test_alleles_of_one_haplotype_are_carried_together(distance: int, tmp_path: Path) -> None:
    """In one read, or in its mate."""
    reads = pairs("r", [], STARTS) + pairs("h", [AT, AT + distance], STARTS)
    evidence = collected(tmp_path, REFERENCE, reads, [snv(AT), snv(AT + distance)], SINGLE_END)
    assert links(evidence) == [(0, 1, 10, 0, 0)]


def test_alleles_of_two_haplotypes_are_carried_apart(tmp_path: Path) -> None:
    reads = pairs("a", [AT], STARTS) + pairs("b", [AT + 190], STARTS[:7])
    evidence = collected(tmp_path, REFERENCE, reads, [snv(AT), snv(AT + 190)], SINGLE_END)
    assert links(evidence) == [(0, 1, 0, 10, 7)]


def test_a_subclone_on_a_germline_haplotype(tmp_path: Path) -> None:
    reads = pairs("r", [], STARTS) + pairs("a", [AT], STARTS[:6]) + pairs("b", [AT, AT + 20], STARTS[:4])
    evidence = collected(tmp_path, REFERENCE, reads, [snv(AT), snv(AT + 20)], SINGLE_END)
    assert links(evidence) == [(0, 1, 4, 6, 0)]


def test_fragments_that_reach_one_candidate_only_do_not_count(tmp_path: Path) -> None:
    reads = pairs("h", [AT, AT + 190], STARTS[:3]) + pairs("s", [AT, AT + 190], STARTS, length=READ_LENGTH)
    evidence = collected(tmp_path, REFERENCE, reads, [snv(AT), snv(AT + 190)], SINGLE_END)
    assert links(evidence) == [(0, 1, 3, 0, 0)]


def test_no_link_without_support_or_beyond_reach(tmp_path: Path) -> None:
    reads = pairs("h", [AT, AT + 410], STARTS, length=520) + pairs("o", [AT + 50], STARTS[:1])
    evidence = collected(tmp_path, REFERENCE, reads, [snv(AT), snv(AT + 50), snv(AT + 410)], SINGLE_END)
    assert links(evidence) == []


def test_no_link_where_no_fragment_of_the_one_tells_of_the_other(tmp_path: Path) -> None:
    """Of the first one, no; of the second, which nobody carries there, nothing can be said."""
    reads = pairs("a", [AT], STARTS) + pairs("b", [AT + 210], [start + 210 for start in STARTS], length=READ_LENGTH)
    evidence = collected(tmp_path, REFERENCE, reads, [snv(AT), snv(AT + 210)], SINGLE_END)
    assert evidence.alternative_count.tolist() == [10, 10] and links(evidence) == []


def test_alleles_of_one_place_are_no_pair(tmp_path: Path) -> None:
    """They lie on two copies whatever the reads say; and reads of one may look like those of the other."""
    base = REFERENCE[AT]
    second = other(other(base))
    reads = pairs("a", [AT], STARTS) + pairs("b", [], STARTS)
    for read in reads:
        if read.name.startswith("b") and read.start <= AT < read.start + READ_LENGTH:
            i = AT - read.start
            read.sequence = read.sequence[:i] + second + read.sequence[i + 1 :]
    evidence = collected(tmp_path, REFERENCE, reads, [snv(AT), (AT, base, second)], SINGLE_END)
    assert evidence.alternative_count.tolist() == [10, 10] and links(evidence) == []


def test_a_pair_is_stored_with_its_left_candidate_in_any_order_of_the_list(tmp_path: Path) -> None:
    """Records with a shared base before: the one that is listed first may lie behind."""
    position, ref, alt = snv(AT + 3)
    padded = AT, REFERENCE[AT:position] + ref, REFERENCE[AT:position] + alt
    reads = pairs("h", [AT + 1, AT + 3], STARTS)
    evidence = collected(tmp_path, REFERENCE, reads, [padded, snv(AT + 1)], SINGLE_END)
    assert links(evidence) == [(1, 0, 10, 0, 0)]
    assert evidence.key[0] == candidate_key(Candidate(0, 0, "chr1", AT + 3, AT + 4, ref, alt))


def test_a_crowd_is_linked_to_the_nearest(tmp_path: Path) -> None:
    positions = [AT + 3 * i for i in range(12)]
    reads = pairs("r", [], STARTS) + pairs("h", positions, STARTS)
    evidence = collected(tmp_path, REFERENCE, reads, [snv(position) for position in positions], SINGLE_END)
    assert sorted(row[:2] for row in links(evidence)) == [(i, j) for i in range(12) for j in range(i + 1, min(i + 9, 12))]
    assert {row[2:] for row in links(evidence)} == {(10, 0, 0)}


def test_an_snv_that_touches_an_indel_of_its_haplotype(tmp_path: Path) -> None:
    """Read without the deletion, the SNV might be another deletion: it shows what the deletion's last base is."""
    ref, alt = REFERENCE[AT - 1], REFERENCE[AT + 5]
    item = Locus(REFERENCE, AT - 1, AT + 6, alt)
    for start in STARTS:
        item.add_pair(start, True)
        item.add_pair(start, False)
    listed = [(AT - 1, REFERENCE[AT - 1 : AT + 6], ref), (AT - 1, ref, alt)]
    evidence = collected(tmp_path, REFERENCE, item.reads, listed, SINGLE_END)
    ((*_, both, first, second),) = links(evidence)
    assert (both, first, second) == (10, 0, 0)
