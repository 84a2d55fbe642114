"""The reference: what can't be read is told with its remedy."""

import gzip
from pathlib import Path

import pytest

from varproof.machinery.errors import NotIndexed, OtherFormat
from varproof.reads.reference import open_reference

FASTA = ">chr1\n" + "ACGT" * 20 + "\n"


def test_gzip_is_not_bgzip(tmp_path: Path) -> None:
    path = tmp_path / "reference.fa.gz"
    path.write_bytes(gzip.compress(FASTA.encode()))
    with pytest.raises(NotIndexed, match=r"reference\.fa\.gz: no index, and none could be made; .*compress with bgzip"):
        open_reference(path)


def test_a_reference_with_an_index_of_something_else_is_no_fasta(tmp_path: Path) -> None:
    path = tmp_path / "reference.fa"
    path.write_text(FASTA)
    path.with_name("reference.fa.fai").write_text("not an index\n")
    with pytest.raises(OtherFormat, match=r"reference\.fa: not a readable FASTA file"):
        open_reference(path)
