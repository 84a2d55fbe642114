"""The tables of what the tests covered."""

from pathlib import Path

from coverage_rooms import PACKAGE, Covered, percent, summary


def test_shares_are_of_lines_and_not_of_files() -> None:
    files = {"reads/a.py": Covered(90, 0, ""), "reads/b.py": Covered(10, 10, "1-10"), "api.py": Covered(100, 1, "7")}
    assert percent(list(files.values())) == 100 * (1 - 11 / 200)
    lines = summary(files)
    assert [line.split() for line in lines[1:4]] == [
        ["reads", "100", "10", "90.0", "%"], [".", "100", "1", "99.0", "%"], ["all", "200", "11", "94.5", "%"],
    ]  # fmt: skip
    assert [line.split() for line in lines[6:]] == [["0.0", "%", "reads/b.py:", "1-10"], ["99.0", "%", "api.py:", "7"]]


def test_a_file_without_lines_lacks_none() -> None:
    assert percent([Covered(0, 0, "")]) == 100


def test_the_package_is_there() -> None:
    assert (Path(PACKAGE) / "machinery" / "workers.py").is_file()
