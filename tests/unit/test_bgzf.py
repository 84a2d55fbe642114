"""Decompressed bytes of a BGZF file: those that pysam gives, from any place on; damage is an OSError, never other bytes."""

import gzip
import os
import random
import struct
from pathlib import Path

import pysam
import pytest

from varproof.formats.bgzf import BLOCK_BYTES, END_OF_FILE, BgzfWriter
from varproof.reads.bgzf import BgzfFile, igzip, open_bgzf

pytestmark = pytest.mark.skipif(igzip is None, reason="pysam's own is used here")


def written(path: Path, seed: int = 0) -> tuple[Path, list[tuple[int, bytes]]]:
    """A BGZF file of some blocks, and places in it with the bytes that begin there."""
    rng = random.Random(seed)
    places = []
    with pysam.BGZFile(str(path), "wb") as handle:
        for _ in range(300):
            piece = bytes(rng.choices(b"ACGT\0\xff", k=rng.randrange(2500))) + rng.randbytes(rng.randrange(50))
            places.append((handle.tell(), piece))
            handle.write(piece)
    return path, places


def test_the_bytes_are_pysams(tmp_path: Path) -> None:
    path, places = written(tmp_path / "some.bgzf")
    whole = b"".join(piece for _, piece in places)
    file = BgzfFile(str(path))
    assert file.read(1 << 30) == whole and file.read(5) == b""
    rng = random.Random(1)
    with pysam.BGZFile(str(path), "r", None) as theirs:
        for _ in range(40):
            offset, _ = rng.choice(places)
            file.seek(offset)
            theirs.seek(offset)
            for size in (rng.randrange(10), rng.randrange(200_000), 1):
                assert file.read(size) == theirs.read(size)
    file.seek(places[-1][0])
    assert file.read(1 << 20) == places[-1][1]


def test_an_empty_file(tmp_path: Path) -> None:
    with pysam.BGZFile(str(tmp_path / "empty.bgzf"), "wb"):
        pass
    assert open_bgzf(str(tmp_path / "empty.bgzf")).read(10) == b""


def test_damage_is_an_error(tmp_path: Path) -> None:
    path, _ = written(tmp_path / "some.bgzf")
    content = path.read_bytes()
    (last,) = struct.unpack_from("<H", content, 16)
    changes = {
        "no block where": [(0, 0x00), (last + 1, 0x1E)],
        "content than its checksum": [(last - 7, content[last - 7] ^ 1), (last - 3, content[last - 3] ^ 1)],
        "without its size": [(12, 0x00)],
    }
    for message, places_changed in changes.items():
        for place, value in places_changed:
            path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            with pytest.raises(OSError, match=message):
                BgzfFile(str(path)).read(1 << 30)
    for size, message in [(last - 5, "cut off in a block"), (last + 10, "cut off in the header")]:
        path.write_bytes(content[:size])
        with pytest.raises(OSError, match=message):
            BgzfFile(str(path)).read(1 << 30)
    path.write_bytes(content)
    with pytest.raises(OSError, match="not a virtual offset"):
        BgzfFile(str(path)).seek(len(content) << 16 | 7)


def test_no_flipped_bit_passes(tmp_path: Path) -> None:
    path, places = written(tmp_path / "some.bgzf", seed=3)
    whole = b"".join(piece for _, piece in places)
    content = path.read_bytes()
    rng = random.Random(4)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            found = BgzfFile(str(path)).read(1 << 30)
        except OSError:
            continue
        assert found == whole  # in fields that mean nothing: the time of a block, or its operating system


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
