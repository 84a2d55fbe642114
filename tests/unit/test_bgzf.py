"""Decompressed bytes of a BGZF file: those that pysam gives, from any place on; damage is an OSError, never other bytes."""

import random
import struct
from pathlib import Path

import pysam
import pytest

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
