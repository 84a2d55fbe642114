"""BED files whose contigs are not those of the reference: none is an error, some a warning; both tell the other name."""

import logging
from pathlib import Path

import pytest

from varproof.machinery.errors import UserError
from varproof.reads.regions import regions_within


def bed(folder: Path, *contigs: str) -> Path:
    path = folder / "r.bed"
    path.write_text("".join(f"{contig}\t10\t20\n" for contig in contigs))
    return path


@pytest.mark.parametrize(("named", "there"), [("1", "chr1"), ("chr1", "1"), ("MT", "chrM"), ("chrM", "MT")])
def test_none_of_the_contigs(named: str, there: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"none of its contigs .* is in ref.fa .*'{named}' is called '{there}' there"):
        regions_within(bed(tmp_path, named), [there, "x"], Path("ref.fa"))


def test_another_build(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="same genome build"):
        regions_within(bed(tmp_path, "NC_1"), ["chr1"], Path("ref.fa"))


def test_some_of_the_contigs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = regions_within(bed(tmp_path, "chr1", "2", "decoy"), ["chr1", "chr2"], Path("ref.fa"))
    assert found == {"chr1": [(10, 20)]}
    (line,) = caplog.messages
    assert "2 of its 3 contigs are not in ref.fa, and are left out: 2, decoy ('2' is called 'chr2' there)" in line


def test_all_of_the_contigs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert list(regions_within(bed(tmp_path, "b", "a"), ["a", "b"], Path("ref.fa"))) == ["b", "a"]
    assert not caplog.messages
