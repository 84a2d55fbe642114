"""Labels of people in all three formats say the same; what is no label is told by its line."""

from pathlib import Path

import pytest

from varproof.formats.labels import Label, read_judgements, read_labels
from varproof.machinery.errors import UserError

TSV = """chrom\tpos\tref\talt\tlabel\tcall\ttags\treviewer\ttime\tnote\tchoice\tweight
chr1\t5\tA\tT\t1\tsomatic\tLVF\tAnn\t.\t.\trandom\t2.5
chr1\t5\tA\tT\t1\tsomatic\tD\tBo\t.\t.\trandom\t2.5
chr1\t9\tA\tT\t0\tgermline\t.\tAnn\t.\t.\trandom\t2.5
chr1\t9\tA\tT\t0\tfail\tD,MM\tBo\t.\t.\trandom\t2.5
chr1\t12\tAC\tA\t.\tambiguous\t.\tAnn\t.\t.\trandom\t2.5
chr1\t15\tA\tT\t.\t.\tLVF\tAnn\t.\tlook again\trandom\t2.5
"""
VCF = """##fileformat=VCFv4.3
##contig=<ID=chr1>
##INFO=<ID=REVIEW_CALL,Number=.,Type=String,Description="x">
##INFO=<ID=REVIEW_TAGS,Number=.,Type=String,Description="x">
##INFO=<ID=REVIEW_BY,Number=.,Type=String,Description="x">
##INFO=<ID=REVIEW_WEIGHT,Number=1,Type=Float,Description="x">
##varproof_choice=random
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO
chr1\t5\t.\tA\tT\t.\t.\tREVIEW_CALL=somatic,somatic;REVIEW_TAGS=LVF,D;REVIEW_BY=Ann%20A,Bo;REVIEW_WEIGHT=2.5
chr1\t9\t.\tA\tT\t.\t.\tREVIEW_CALL=germline,fail;REVIEW_TAGS=.,D&MM;REVIEW_BY=Ann%20A,Bo;REVIEW_WEIGHT=2.5
chr1\t12\t.\tAC\tA\t.\t.\tREVIEW_CALL=ambiguous;REVIEW_TAGS=.;REVIEW_BY=Ann%20A;REVIEW_WEIGHT=2.5
chr1\t15\t.\tA\tT\t.\t.\tREVIEW_CALL=.;REVIEW_TAGS=LVF;REVIEW_BY=Ann%20A;REVIEW_WEIGHT=2.5
chr1\t20\t.\tA\tT\t.\t.\t.
"""
IGVNAV = """Chromosome\tStart\tStop\tReference\tVariant\tCall\tTags\tNotes
chr1\t4\t5\tA\tT\tS\tLVF D\t
chr1\t8\t9\tA\tT\tF\t\tx
chr1\t11\t13\tAC\tA\tA\t\t
chr1\t14\t15\tA\tT\t\t\t
"""


def said(label: Label) -> tuple[int, int | None, str, tuple[str, ...]]:
    return label.start, label.label, label.call, label.tags


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels"


@pytest.mark.parametrize("text", [TSV, VCF])
def test_reviewers_together(path: Path, text: str) -> None:
    """Germline and fail are both no somatic variant: the label has a majority, the call has none."""
    path.write_text(text)
    found = read_judgements(path)
    assert [said(label) for label in found] == [
        (4, 1, "somatic", ("LVF", "D")),
        (8, 0, "", ("D", "MM")),
        (11, None, "ambiguous", ()),
    ]
    assert {(label.choice, label.weight) for label in found} == {("random", 2.5)}
    assert [(label.reviewers, label.alike) for label in found] == [(2, 1), (2, 1), (1, 0)]
    assert [label.start for label in read_labels(path)] == [4, 8]


def test_igvnav_s_positions_may_be_either(path: Path) -> None:
    path.write_text(IGVNAV)
    found = read_judgements(path)
    assert [said(label) for label in found] == [
        (4, 1, "somatic", ("LVF", "D")), (8, 0, "fail", ()), (11, None, "ambiguous", ()),
    ]  # fmt: skip
    assert all(label.loose and label.weight is None for label in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TSV.replace("\tgermline", "\tperhaps"), "line 4: 'perhaps' is no call; calls are somatic, germline, ambiguous, fail"),
        (TSV.replace("\t0\tgermline", "\t1\tgermline"), "line 4: label is 1, but the call is germline"),
        (TSV.replace("\t0\tfail", "\t2\t."), "line 5: label is '2'"),
        (TSV.replace("random\t2.5", "random\t-1", 1), "line 2: weight is '-1'"),
        (TSV.replace("Bo", "Ann", 1), "line 3 repeats line 2"),
        (VCF.replace("REVIEW_BY,N", "BY,N"), "declares no REVIEW_BY"),
        (VCF.replace("=germline,fail", "=germline"), "record chr1:9: give one ALT, and each reviewer one call"),
        (VCF.replace("=germline,", "=no,"), "record chr1:9: 'no' is no call"),
        (VCF[: VCF.index("chr1\t5")], "no record has a call"),
        (IGVNAV.replace("\tF\t", "\tX\t"), "line 3: 'X' is no call"),
        (IGVNAV.replace("\t8\t", "\tx\t"), "line 3: pos is 'x'"),
        (IGVNAV[: IGVNAV.index("chr1")], "no line has a call"),
        (IGVNAV + "chr1\t3\n", "line 6 has 2 columns"),
    ],
)
def test_what_is_no_label_is_told(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_judgements(path)
