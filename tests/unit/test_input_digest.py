"""The identity of an input: another content, another identity, wherever it differs; the same content, the same."""

import os
from pathlib import Path

import pytest

from varproof.machinery import output
from varproof.machinery.output import input_digest, resumed_identity


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    os.utime(path, (1e9, 1e9))
    return path


@pytest.mark.parametrize("place", [0, 1 << 20, (3 << 20) + 17, -1])
def test_one_changed_byte_anywhere(place: int, tmp_path: Path) -> None:
    content = bytearray(6 << 20)
    before = input_digest(written(tmp_path / "a.bam", content))
    assert input_digest(written(tmp_path / "b.bam", content)) == before
    content[place] = 1
    assert input_digest(written(tmp_path / "a.bam", content)) != before


def test_a_large_file_is_known_by_blocks_its_index_and_for_resuming_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "WHOLE", 1 << 20)
    size = 64 << 20
    path, copy = tmp_path / "a.bam", tmp_path / "b.bam"
    for item in (path, copy):
        with item.open("wb") as file:
            file.truncate(size)
        os.utime(item, (1e9, 1e9))
    digest, identity = input_digest(path), resumed_identity(path)
    assert (input_digest(copy), resumed_identity(copy)) == (digest, identity)
    os.utime(copy, (1e9, 1e9 + 1))
    assert input_digest(copy) == digest and resumed_identity(copy) != identity
    for place in (0, size // 3, size // 2, size - 1):  # 64 kB of another BGZF block is what a change is at the least
        with copy.open("r+b") as file:
            file.seek(place)
            file.write(bytes([1]) * min(1 << 16, size - place))
        assert input_digest(copy) != digest, place
        with copy.open("r+b") as file:
            file.seek(place)
            file.write(bytes(min(1 << 16, size - place)))
        assert input_digest(copy) == digest
    (tmp_path / "a.bam.bai").write_bytes(b"index")
    assert input_digest(path) != digest
    (tmp_path / "b.bam.bai").write_bytes(b"index")
    assert input_digest(path) == input_digest(copy)
