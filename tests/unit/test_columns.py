"""Whose sample columns they are: each rule by itself, in its order, and what is not settled."""

import logging
from pathlib import Path

import pysam
import pytest

from varproof.machinery.errors import UserError
from varproof.posterior.columns import SampleName, assigned_columns

PATH = Path("calls.vcf")


def header(*samples: str, lines: tuple[str, ...] = ()) -> pysam.VariantHeader:
    made = pysam.VariantHeader()
    for line in lines:
        made.add_line(line)
    for sample in samples:
        made.add_sample(sample)
    return made


def name(*read_groups: str, given: str | None = None, file: str = "file") -> SampleName:
    return SampleName(given, read_groups, file)


def assigned(head: pysam.VariantHeader, *names: SampleName) -> tuple[tuple[str, ...], tuple[str, ...]]:
    columns = assigned_columns(PATH, head, list(names))
    everything = [*head.samples, *columns.added]
    assert tuple(everything[number] for number in columns.numbers) == columns.names
    return columns.names, columns.added


def test_what_the_user_gives_comes_first() -> None:
    head = header("A", "T", "N", lines=("##tumor_sample=A",))
    assert assigned(head, name("A", given="N"), name("N", given="T")) == (("N", "T"), ())


def test_a_given_name_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"--tumor-sample X: calls\.vcf has no such sample; it has A, B"):
        assigned(header("A", "B"), name(given="X"))
    with pytest.raises(UserError, match="are both A"):
        assigned(header("A", "B"), name(given="A"), name(given="A"))


def test_a_given_name_is_that_of_the_new_column_where_the_file_has_no_samples() -> None:
    assert assigned(header(), name("SM", given="T"), name("SM2")) == (("T", "SM2"), ("T", "SM2"))


def test_read_groups_before_the_header() -> None:
    head = header("T", "N", "R", lines=("##tumor_sample=R", "##normal_sample=T"))
    assert assigned(head, name("T"), name("N")) == (("T", "N"), ())


def test_the_header_before_names() -> None:
    """Mutect2's lines; of columns that are called NORMAL and TUMOR here the wrong way round."""
    head = header("NORMAL", "TUMOR", lines=("##tumor_sample=NORMAL", "##normal_sample=TUMOR"))
    assert assigned(head, name("x"), name("y")) == (("NORMAL", "TUMOR"), ())


def test_columns_called_tumour_and_normal() -> None:
    assert assigned(header("NORMAL", "TUMOR"), name("x"), name("y")) == (("TUMOR", "NORMAL"), ())
    assert assigned(header("Normal", "other", "Tumour"), name("x")) == (("Tumour",), ())


@pytest.mark.parametrize(
    ("samples", "names", "expected"),
    [
        (("A",), (name("x"),), ("A",)),
        (("A", "N"), (name("x"), name("N")), ("A", "N")),
        (("T", "A"), (name("T"), name("x")), ("T", "A")),
        (("A",), (name("x"), name("y")), ("A", "y")),
    ],
)
def test_the_only_assignment_that_is_left(
    samples: tuple[str, ...], names: tuple[SampleName, ...], expected: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    assert assigned(header(*samples), *names)[0] == expected
    assert not caplog.records


def test_a_tumour_alone_does_not_take_the_normal_of_a_file() -> None:
    """The file's one column is the normal's: the tumour gets one of its own."""
    assert assigned(header("N"), name("T"), name("N")) == (("T", "N"), ("T",))


def test_what_can_not_be_told_is_added_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert assigned(header("A", "B"), name("T"), name("N")) == (("T", "N"), ("T", "N"))
    (record,) = caplog.records
    assert "(A, B)" in record.getMessage()
    assert "--tumor-sample, --normal-sample" in record.getMessage()


def test_reads_without_read_groups_are_called_after_their_file() -> None:
    assert assigned(header(), name(file="p1-tumor"), name(file="p1-normal"))[0] == ("p1-tumor", "p1-normal")


def test_two_samples_of_one_name_get_two_columns(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert assigned(header(), name("S"), name("S"))[0] == ("S_tumor", "S_normal")
    assert "called like another sample" in caplog.text


def test_several_read_groups_one_of_which_is_a_column() -> None:
    assert assigned(header("B", "N"), name("A", "B"), name("N")) == (("B", "N"), ())
