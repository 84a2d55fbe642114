"""Tables of copy number: our own, and those of other tools, as their manuals show them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varproof.formats.segments import COLUMNS, Segment, Segments, read_segments, write_segments
from varproof.machinery.errors import UserError

CONTIGS = {"chr1": 1000, "chr2": 500, "chrX": 300}


def written(folder: Path, *rows: str) -> Path:
    path = folder / "segments.tsv"
    path.write_text("".join("\t".join(row.split()) + "\n" for row in rows))
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    segments = [
        Segment("chr1", 0, 400, 3.25, 1, 3.1, 3.4, 0.9, 1.05),
        Segment("chr2", 20, 500, 2),
        Segment("chrX", 0, 300, 1, 0),
    ]
    write_segments(tmp_path / "s.tsv", segments)
    assert list(read_segments(tmp_path / "s.tsv", CONTIGS)) == segments


def test_limits_are_optional_and_lines_come_in_any_order(tmp_path: Path) -> None:
    path = written(tmp_path, " ".join(COLUMNS[:5]), "chr2 0 10 4 2", "chr1 50 90 2 1", "chr1 0 50 1 0")
    found = read_segments(path, CONTIGS)
    assert [(segment.contig, segment.start, segment.major) for segment in found] == [
        ("chr1", 0, 1),
        ("chr1", 50, 1),
        ("chr2", 0, 2),
    ]


@given(st.lists(st.integers(0, 999), min_size=2, max_size=12, unique=True), st.lists(st.integers(-5, 1005), max_size=20))
def test_lookup_is_that_of_a_search_from_the_first(ends: list[int], positions: list[int]) -> None:
    ends = sorted(ends)
    listed = [
        Segment("chr1", start, end, number % 5, 0)
        for number, (start, end) in enumerate(zip(ends[::2], ends[1::2], strict=False))
    ]
    segments = Segments(listed, CONTIGS)
    slow = [next((one for one in listed if one.start <= position < one.end), None) for position in positions]
    assert [segments.at("chr1", position) for position in positions] == slow
    places = segments.indices("chr1", np.array(positions, np.int64))
    assert [None if place < 0 else segments.on("chr1")[place] for place in places] == slow
    assert segments.at("chr2", 3) is None and segments.indices("chr2", np.array([3])).tolist() == [-1]


OTHERS = {
    "ASCAT": ("sample chr startpos endpos nMajor nMinor", "T 1 1 400 2 1"),
    "FACETS": ("chrom seg num.mark start end cf.em tcn.em lcn.em", "1 1 20 1 400 0.7 3 1"),
    "PURPLE": ("chromosome start end copyNumber baf minorAlleleCopyNumber majorAlleleCopyNumber", "chr1 1 400 3.0 0.6 1.0 2.0"),
    "CNVkit": ("chromosome start end gene log2 cn cn1 cn2", "chr1 0 400 - 0.5 3 2 1"),
    "Sequenza": ('"chromosome" "start.pos" "end.pos" "Bf" "CNt" "A" "B"', '"1" 1 400 0.3 3 2 1'),
}


@pytest.mark.parametrize("tool", OTHERS)
def test_other_tools_say_the_same(tool: str, tmp_path: Path) -> None:
    assert list(read_segments(written(tmp_path, *OTHERS[tool]), CONTIGS)) == [Segment("chr1", 0, 400, 3, 1)]


def test_what_a_tool_does_not_know_stays_unknown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = ("chrom start end tcn.em lcn.em", "1 1 400 4 NA", "23 1 100 NA NA", "23 101 300 1 0")
    assert list(read_segments(written(tmp_path, *rows), CONTIGS)) == [
        Segment("chr1", 0, 400, 4),
        Segment("chrX", 100, 300, 1, 0),
    ]
    assert "1 of its 3 segments have no copy number" in caplog.text
    rows = ("chromosome start end gene log2 cn", "chr1 0 400 - 0.5 3")
    assert list(read_segments(written(tmp_path, *rows), CONTIGS)) == [Segment("chr1", 0, 400, 3)]


def test_a_fitted_copy_number_may_lie_a_little_under_nothing(tmp_path: Path) -> None:
    rows = ("chromosome start end copyNumber minorAlleleCopyNumber", "chr1 1 400 1.02 -0.03")
    assert list(read_segments(written(tmp_path, *rows), CONTIGS)) == [Segment("chr1", 0, 400, 1.02, 0)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("contig start end total minor", "chr1 0 60 2 1", "chr1 50 90 2 1"), "chr1:1-60 and chr1:51-90 overlap"),
        (("contig start end total minor", "chr1 0 1001 2 1"), "ends outside of chr1 (1000 bp)"),
        (("contig start end total minor", "1 0 100 2 1"), "has contig '1' where the reference has 'chr1'; rename its contigs"),
        (("contig start end total minor", "chrU 0 100 2 1"), "contig chrU is not in the reference"),
        (("contig start end total minor", "chr1 0 100 3 2"), "minor 2 is more than half of total 3"),
        (("contig start end total minor", "chr1 0 100 -1 0"), "copy numbers are 0 or more"),
        (("contig start end total minor", "chr1 0 100 inf 0"), "copy numbers are 0 or more"),
        (("contig start end total minor total_low total_high", "chr1 0 100 2 1 3 1"), "total_low 3 is over total_high 1"),
        (("contig start end total minor minor_low minor_high", "chr1 0 100 2 1 1.5 1"), "minor_low 1.5 is over minor_high 1"),
        (("contig start end total minor", "chr1 100 100 2 1"), "give start < end"),
        (("contig start end total minor", "chr1 x 100 2 1"), "line 2: start is 'x'; give a position"),
        (("contig start end total minor", "chr1 0 nan 2 1"), "line 2: end is 'nan'; give a position"),
        (("contig start end total minor", "chr1 0 100 two 1"), "line 2: total is 'two'; give a number"),
        (("contig start end total minor", "chr1 0 100"), "line 2 has 3 columns"),
        (("contig start end total minor", "chr1 0 100 NA NA"), "none of its segments has a copy number"),
        (("contig start end total minor",), "no lines below the header"),
        (("chromosome start end log2", "chr1 0 100 0.1"), "columns of no known table of segments"),
        ((), "columns of no known table of segments"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(rows: tuple[str, ...], said: str, tmp_path: Path) -> None:
    path = written(tmp_path, *rows)
    with pytest.raises(UserError) as told:
        read_segments(path, CONTIGS)
    assert str(told.value).startswith(str(path)) and said in str(told.value) and "\n" not in str(told.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read_segments(tmp_path / "none.tsv", CONTIGS)
