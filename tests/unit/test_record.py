"""Records as text: what is not touched stays, what is set goes where it belongs, and broken lines are refused."""

import random

import pytest

from varproof.formats.record import Declared, Field, Record
from varproof.formats.subset import subset_alleles
from varproof.machinery.errors import UserError

INFO = {
    "DP": Field("1", "Integer"),
    "AF": Field("A", "Float"),
    "AC": Field("A", "Integer"),
    "NAME": Field("A", "String"),
    "BOTH": Field("R", "String"),
    "DB": Field("0", "Flag"),
    "ONE": Field("1", "String"),
    "LIST": Field(".", "String"),
}
FORMAT = {
    "GT": Field("1", "String"),
    "AD": Field("R", "Integer"),
    "PL": Field("G", "Integer"),
    "TEXT": Field("G", "String"),
    "ONE": Field("1", "Float"),
}


def record(line: str, samples: int = 0) -> Record:
    return Record(line.replace(" ", "\t"), Declared(INFO, FORMAT, [f"S{i}" for i in range(samples)], {"chr1": 0}))


def test_names_are_those_of_pysam() -> None:
    found = record("chr1 100 rs1 AC A,AT 12.50 a;b DP=7;AF=0.5,.;DB;ONE=1,2;LIST=x,y")
    assert (found.contig, found.pos, found.start, found.stop) == ("chr1", 100, 99, 101)
    assert (found.ref, found.alts, found.alleles) == ("AC", ("A", "AT"), ("AC", "A", "AT"))
    assert (found.id, found.qual, found.filter.keys()) == ("rs1", 12.5, ["a", "b"])
    assert found.info["DP"] == 7
    assert found.info["AF"] == (0.5, None)
    assert found.info["DB"] is True
    assert found.info["ONE"] == "1,2"
    assert found.info["LIST"] == ("x", "y")
    assert found.info.get("XX") is None
    assert list(found.info) == ["DP", "AF", "DB", "ONE", "LIST"]
    empty = record("chr1 100 . A . . . .")
    assert (empty.id, empty.alts, empty.qual, empty.filter.keys(), list(empty.info)) == (None, None, None, [], [])


def test_a_record_that_ends_before_its_samples_has_nothing_of_them() -> None:
    found = record("chr1 100 . A C . . DP=7", samples=2)
    assert [found.samples[number].text("GT") for number in range(2)] == [None, None]
    found.samples[1]["GT"] = "0/1"
    assert found.line == "chr1 100 . A C . . DP=7 GT . 0/1".replace(" ", "\t")


def test_the_end_is_that_of_info_where_it_lies_behind() -> None:
    assert record("chr1 100 . A <DEL> . . END=150").stop == 150
    assert record("chr1 100 . ACG A . . END=7").stop == 102


@pytest.mark.parametrize("line", ["chr1 100 . A C 1e-30 . X=1;Y;;Z=a=b|c,d %", "chr1 1 . A C . PASS .", "c 5 i N <*> 1.10 q X"])
def test_an_untouched_line_stays(line: str) -> None:
    text = line.replace(" %", "")
    found = record(text)
    assert found.line == text.replace(" ", "\t")
    assert found.info.get("nothing") is None
    assert list(found.info) is not None
    assert found.line == text.replace(" ", "\t")


def test_setting_and_removing_fields() -> None:
    found = record("chr1 100 . A C . . X=1;DP=3;DPX=4")
    found.info["DP"] = 12
    found.info["AF"] = [0.25, None]
    found.info["DB"] = True
    del found.info["X"]
    assert found.columns[7] == "X=1;DP=3;DPX=4"
    assert found.line.split("\t")[7] == "DPX=4;DP=12;AF=0.25,.;DB"
    for name in ("DPX", "DP", "AF", "DB"):
        del found.info[name]
    assert found.line.split("\t")[7] == "."


def test_a_sample_that_is_set_leaves_the_others() -> None:
    found = record("chr1 100 . A C . . . AD:ONE 1,2:0.5 3,4 .", samples=3)
    found.samples["S1"]["NEW"] = 7
    assert found.line.split("\t")[8:] == ["AD:ONE:NEW", "1,2:0.5", "3,4:.:7", "."]
    found.samples[0]["GT"] = (0, 1)
    assert found.line.split("\t")[8:] == ["GT:AD:ONE:NEW", "0/1:1,2:0.5", ".:3,4:.:7", "."]
    assert found.samples[1].get("GT") is None
    assert found.samples[0].allele_indices == (0, 1)
    assert (found.samples[1]["AD"], found.samples[1]["ONE"], found.samples[2].get("ONE")) == ((3, 4), None, None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1 x . A C . . .", "is no number"),
        ("chr1 1 . A C .", "6 columns"),
        ("chr1 1 .  C . . .", "no contig or no reference"),
        ("chr1 1 . A C,, . . .", "empty"),
        ("chr1 -5 . A C . . .", "is no number"),
    ],
)
def test_lines_that_are_none(line: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        record(line)


def test_values_that_are_not_what_the_header_says() -> None:
    found = record("chr1 100 . A C . . DP=many;AF=x")
    with pytest.raises(UserError, match=r"record chr1:100: DP=many is no whole number"):
        found.info["DP"]
    with pytest.raises(UserError, match=r"record chr1:100: ONE is damaged: it is no text"):
        record("chr1 100 . A C . . ONE=\udcff").info["ONE"]
    with pytest.raises(UserError, match=r"record chr1:100: DP is damaged: it is no text"):
        record("chr1 100 . A C . . DP=1\udcff").info["DP"]
    with pytest.raises(UserError, match=r"record chr1:100: AF=x is no number"):
        found.info["AF"]


def test_subsets_follow_number_for_fields_of_any_type() -> None:
    line = (
        "chr1 100 . A C,G,T . . DP=7;AC=1,2,3;NAME=x,y,z;BOTH=r,x,y,z;AF=.;AS_SB_TABLE=9,9|1,0|2,0|3,0;"
        "AS_FilterStatus=a,b|SITE|c;LIST=1,2,3;AS_ODD=1|2 GT:AD:PL:TEXT:ONE "
        "1|3:9,1,2,3:00,01,11,02,12,22,03,13,23,33:a,b,c,d,e,f,g,h,i,j:0.5 ./2:.:.:p,q,r,s 0:9"
    )
    found = subset_alleles(record(line, samples=3), [1, 2]).line.split("\t")
    assert found[4] == "G,T"
    assert found[7] == (
        "DP=7;AC=2,3;NAME=y,z;BOTH=r,y,z;AF=.;AS_SB_TABLE=9,9|2,0|3,0;AS_FilterStatus=SITE|c;LIST=1,2,3;AS_ODD=1|2"
    )
    # Genotypes in order: 0/0 0/1 1/1 0/2 1/2 2/2 0/3 1/3 2/3 3/3; those without allele 1 stay. Four values are haploid.
    assert found[9] == ".|2:9,2,3:00,02,22,03,23,33:a,d,f,g,i,j:0.5"
    assert found[10:] == ["./1:.:.:p,r,s", "0:9"]


def test_all_alleles_kept_is_the_same_line() -> None:
    """Random multi-allelic records: a subset of everything changes nothing."""
    chance = random.Random(1)
    for _ in range(50):
        alleles = chance.randint(1, 4)
        per_allele = ",".join(chance.choice(["1", ".", "-3"]) for _ in range(alleles))
        alts = ",".join("CGTN"[:alleles])
        info = f"AC={per_allele};BOTH=0,{per_allele}"
        line = f"chr1 {chance.randint(1, 10**6)} . A {alts} . . {info} GT:AD 0/{alleles}:9,{per_allele}"
        found = record(line, samples=1)
        assert subset_alleles(found, range(alleles)).line == found.line
