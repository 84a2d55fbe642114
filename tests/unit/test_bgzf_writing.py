"""BGZF that is written: others read it, parts can be joined, and what goes wrong with the file is told."""

import gzip
import os
import random
from pathlib import Path

import pysam
import pytest

from varproof.formats.bgzf import BLOCK_BYTES, END_OF_FILE, BgzfWriter


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 5 * BLOCK_BYTES + 7])
def test_what_is_written_can_be_read_by_all(tmp_path: Path, size: int) -> None:
    """Of random bytes a block grows by compression, and must still fit the two bytes of its size."""
    content, path = random.Random(size).randbytes(size), tmp_path / "out.bgzf"
    with BgzfWriter(path) as out:
        for start in range(0, size, 1000):
            out.write(content[start : start + 1000])
        out.write(b"")
    assert gzip.decompress(path.read_bytes()) == content and path.read_bytes().endswith(END_OF_FILE)
    with pysam.BGZFile(str(path)) as theirs:
        assert theirs.read(size + 10) == content


def test_joined_parts_are_one_file(tmp_path: Path) -> None:
    for name, ended in (("a", False), ("b", True)):
        with BgzfWriter(tmp_path / name, ended) as out:
            out.write(name.encode() * 100_000)
    whole = (tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes()
    assert whole.count(END_OF_FILE) == 1 and gzip.decompress(whole) == b"a" * 100_000 + b"b" * 100_000


def test_what_goes_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-folder"):
        BgzfWriter(tmp_path / "no-folder" / "out.bgzf")
    if os.path.exists("/dev/full"):
        with pytest.raises(OSError, match="No space left"), BgzfWriter(Path("/dev/full")) as out:
            out.write(random.Random(1).randbytes(10 * BLOCK_BYTES))
