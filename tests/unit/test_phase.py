"""Blocks of phase from links: against all ways to lay the alleles on two copies, tried out."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varproof.formats.phase import CallerPhase, caller_phase, own_phases
from varproof.formats.record import Declared, Field, Record
from varproof.posterior.phase import CallerSets, Links, Phase, Present, caller_sets, phased

NO_SETS = CallerSets(*(np.zeros(0, np.int64) for _ in range(4)))


def blocks(size: int, links: list[tuple[int, int, tuple[int, int, int]]], sets: CallerSets = NO_SETS,
           absent: tuple[int, ...] = (), subclonal: tuple[int, ...] = (), keys: list[int] | None = None) -> Phase:  # fmt: skip
    """Phase of alleles at 1-based positions 10, 20, ..., germline but for those that are absent, or somatic and rare."""
    rows = np.array([link[:2] for link in links], np.int64).reshape(-1, 2)
    counts = np.array([link[2] for link in links], np.int64).reshape(-1, 3)

    def present(asked: np.ndarray) -> Present:
        assert (np.diff(asked) > 0).all()
        rare = np.isin(asked, subclonal)
        return Present(~np.isin(asked, absent), ~rare, np.where(rare, 0.2, 0.5))

    return phased(
        Links(rows[:, 0], rows[:, 1], counts),
        sets,
        np.zeros(size, np.int64),
        10 * np.arange(1, size + 1) - 1,
        np.array(keys if keys is not None else range(size), np.uint64),
        present,
    )


@pytest.mark.parametrize(
    ("counts", "copies"),
    [
        ((2, 0, 0), [2, 2]), ((1, 0, 0), None), ((5, 9, 0), [2, 2]), ((20, 9, 2), [2, 2]), ((19, 9, 2), None),
        ((0, 2, 2), [2, 1]), ((0, 1, 9), None), ((2, 20, 30), [2, 1]), ((2, 19, 30), None), ((0, 9, 0), None),
    ],
)  # fmt: skip
def test_what_proves_cis_and_trans(counts: tuple[int, int, int], copies: list[int] | None) -> None:
    found = blocks(2, [(0, 1, counts)])
    assert found.block.tolist() == ([10, 10] if copies else [0, 0])
    assert found.copy.tolist() == (copies or [0, 0])


def test_alleles_that_are_not_there_join_nothing() -> None:
    links = [(0, 1, (9, 0, 0)), (1, 2, (9, 0, 0))]
    assert blocks(3, links).block.tolist() == [10] * 3
    assert blocks(3, links, absent=(1,)).block.tolist() == [0] * 3


def test_of_two_that_are_in_some_cells_only_the_reads_prove_cis_and_not_trans() -> None:
    for counts, block in (((0, 9, 9), 0), ((9, 0, 0), 10)):
        assert blocks(2, [(0, 1, counts)], subclonal=(0, 1)).block.tolist() == [block] * 2
    assert blocks(2, [(0, 1, (0, 9, 9))], subclonal=(1,)).copy.tolist() == [2, 1]


def test_the_strongest_links_are_believed() -> None:
    """Two say that the first and the last lie on one copy; a weaker one, that they do not."""
    found = blocks(3, [(0, 2, (0, 3, 3)), (0, 1, (9, 0, 0)), (1, 2, (8, 0, 0))])
    assert found.copy.tolist() == [2, 2, 2]


@given(st.integers(2, 6), st.data())
def test_consistent_links_give_the_only_way_to_lay_the_alleles(size: int, data: st.DataObject) -> None:
    """All 2^n ways are tried: within a block exactly one way, and its mirror image, agrees with every link."""
    truth = data.draw(st.lists(st.integers(1, 2), min_size=size, max_size=size))
    pairs = data.draw(st.sets(st.sampled_from(list(itertools.combinations(range(size), 2)))))
    links = [(i, j, (7, 0, 0) if truth[i] == truth[j] else (0, 7, 8)) for i, j in sorted(pairs)]
    found = blocks(size, links)
    for name in set(found.block.tolist()) - {0}:
        rows = np.flatnonzero(found.block == name)
        assert name == 10 * (rows[0] + 1) and found.copy[rows[0]] == 2
        ways = [
            way
            for way in itertools.product((1, 2), repeat=len(rows))
            if all(
                (way[list(rows).index(i)] == way[list(rows).index(j)]) == (truth[i] == truth[j])
                for i, j in pairs
                if i in rows and j in rows
            )
        ]
        assert len(ways) == 2 and tuple(found.copy[rows].tolist()) in ways
    joined = {i for pair in pairs for i in pair}
    assert set(np.flatnonzero(found.block > 0).tolist()) == joined


def test_an_allele_that_is_listed_twice_has_one_phase() -> None:
    found = blocks(3, [(0, 2, (9, 0, 0))], keys=[5, 5, 6])
    assert found.block.tolist() == [10] * 3 and found.copy.tolist() == [2] * 3


FORMATS = {name: Field("1", "String") for name in ("GT", "PID", "PGT")} | {"PS": Field("1", "Integer")}


@pytest.mark.parametrize(
    ("keys", "values", "expected"),
    [
        ("GT:PS", "0|1:77", CallerPhase("PS=77", 77, {1: 2})),
        ("GT:PS", "2|1:77", CallerPhase("PS=77", 77, {2: 1, 1: 2})),
        ("GT:PGT:PID:PS", "0|1:0|1:70_A_T:70", CallerPhase("PS=70", 70, {1: 2})),
        ("GT:PGT:PID", "0/1:1|0:70_A_T", CallerPhase("PID=70_A_T", 70, {1: 1})),
        ("GT:PGT:PID", "0/1:1|0:block", CallerPhase("PID=block", None, {1: 1})),
        ("GT:PGT:PID", "0/1:.:70_A_T", None),
        ("GT:PS", "0/1:77", None),
        ("GT:PS", "1|1:77", None),
        ("GT:PS", "0|1:.", None),
        ("GT", "0|1", None),
    ],
)
def test_what_callers_say(keys: str, values: str, expected: CallerPhase | None) -> None:
    record = Record(f"chr1\t70\t.\tA\tT,C\t.\t.\t.\t{keys}\t{values}", Declared({}, FORMATS, ["T"], {"chr1": 0}))
    assert caller_phase(record, 0) == expected


def test_sets_of_a_caller_are_those_of_one_contig(tmp_path: Path) -> None:
    head = "##fileformat=VCFv4.3\n##contig=<ID=1>\n##contig=<ID=2>\n" + (
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n##FORMAT=<ID=PS,Number=1,Type=Integer,Description="p">\n'
    )
    rows = ["1\t5\t.\tA\tC,G", "1\t9\t.\tA\tC", "2\t7\t.\tA\tC"]
    values = ["2|1:5", "1|0:5", "0|1:5"]
    lines = [f"{row}\t.\t.\t.\tGT:PS\t{value}\n" for row, value in zip(rows, values, strict=True)]
    path = tmp_path / "calls.vcf"
    path.write_text(head + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tT\n" + "".join(lines))
    found = caller_sets(path, 0)
    assert [found.row.tolist(), found.copy.tolist(), found.position.tolist()] == [[0, 1, 2, 3], [2, 1, 1, 2], [5] * 4]
    assert found.number.tolist() == [0, 0, 0, 1]
    assert not len(caller_sets(path, None).row)


def test_own_phases() -> None:
    header = Declared({"VP_PHASE": Field("A", "String")}, {}, [], {"chr1": 0})
    for text, expected in [
        ("VP_PHASE=70:2,.", [("70", 2), None]), ("VP_PHASE=70:2", [None, None]), (".", [None, None]),
        ("VP_PHASE=7:3,x", [None, None]),
    ]:  # fmt: skip
        assert own_phases(Record(f"chr1\t70\t.\tA\tT,C\t.\t.\t{text}", header)) == expected
