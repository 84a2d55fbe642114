"""The bytes of a BAM give the same arrays as pysam's reads do, whatever is in them and wherever a region begins."""

import random
import struct
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odd_reads import LENGTHS, odd_reads
from small_bams import Read, random_sequence, write_bam
from varproof.machinery.errors import UserError
from varproof.reads import records, stream
from varproof.reads.arrays import name_hash
from varproof.reads.decode import ReadBatch, decode_reads
from varproof.reads.decode_numba_fns import fragment_numbers, name_hashes
from varproof.reads.files import open_reads


def assert_equal(one: ReadBatch, other: ReadBatch) -> None:
    for field in fields(ReadBatch):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        assert np.array_equal(mine, theirs), field.name
        assert getattr(mine, "dtype", int) == getattr(theirs, "dtype", int), field.name


def read_by_read(*arguments: Any, **options: Any) -> ReadBatch:
    """What `decode_reads` gives if pysam reads everything."""

    def not_plain(*_: Any) -> None:
        raise stream.NotPlain

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_raw_records", not_plain)
        return decode_reads(*arguments, **options)


def from_bytes(*arguments: Any, **options: Any) -> ReadBatch:
    """What `decode_reads` gives; fails if anything is left to pysam."""

    def refuse(*_: Any) -> None:
        raise AssertionError("not plain")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_fetched_records", refuse)
        return decode_reads(*arguments, **options)


def small_blocks(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Let the stream read so few bytes at once that records straddle pieces, and pieces leave the buffer."""
    monkeypatch.setattr(stream, "_BGZF_BLOCK", size)
    monkeypatch.setattr(stream, "_MOST_AT_ONCE", 3 * size)
    monkeypatch.setattr(stream, "_BUFFER", 10 * size)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("block", [100, 3000, 0xFF00])
def test_bytes_say_what_pysam_says(seed: int, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    path = write_bam(tmp_path / "odd.bam", LENGTHS, odd_reads(rng, 600))
    small_blocks(monkeypatch, block)
    with open_reads(path, None) as handle, open_reads(path, None) as other:
        start = 0
        for _ in range(60):
            contig, length = rng.choice(list(LENGTHS.items()))
            near = start + rng.randint(-500, 500)
            start = near if near < length and rng.random() < 0.5 else rng.randrange(-10, length)
            region = (contig, start, start + rng.choice([0, 1, 30, 500, 2000, 50_000]))
            options = {"max_depth": rng.choice([None, None, 1, 4, 30]), "keep_unmapped_mates": rng.random() < 0.7}
            assert_equal(from_bytes(handle, *region, **options), read_by_read(other, *region, **options))


@pytest.mark.parametrize("max_depth", [None, 3])
@pytest.mark.parametrize("overlap", [-700, 0, 250])
def test_one_region_after_another(max_depth: int | None, overlap: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regions that follow each other find what is still in memory, and nothing less than a fresh search."""
    path = write_bam(tmp_path / "odd.bam", LENGTHS, odd_reads(random.Random(9), 3000))
    small_blocks(monkeypatch, 2000)
    sought = []
    seek = stream.BamStream.seek
    monkeypatch.setattr(stream.BamStream, "seek", lambda self, *rest: (sought.append(1), seek(self, *rest)))
    with open_reads(path, None) as handle, open_reads(path, None) as other:
        for contig in ("three", "one", "three"):
            for start in range(0, LENGTHS[contig], 1300):
                region = (contig, start, start + 1300 + overlap)
                assert_equal(
                    from_bytes(handle, *region, max_depth=max_depth), read_by_read(other, *region, max_depth=max_depth)
                )
    assert max_depth or len(sought) <= 4


def test_a_spliced_read_is_found_without_reading_all_that_it_spans(tmp_path: Path) -> None:
    rng = random.Random(4)
    reads = [Read(f"plain{i}", i * 3, "50M", random_sequence(rng, 50)) for i in range(60_000)]
    reads += [Read(f"spliced{i}", i, "10M150000N10M", random_sequence(rng, 20), flag=0x10) for i in range(3)]
    path = write_bam(tmp_path / "spliced.bam", {"one": 200_000}, reads)
    with open_reads(path, None) as handle, open_reads(path, None) as other:
        region = ("one", 149_000, 150_500)
        batch = from_bytes(handle, *region)
        assert_equal(batch, read_by_read(other, *region))
        assert (batch.flag == 0x10).sum() == 3
        assert handle.stream._filled < 2_000_000


def test_the_first_read_is_found_again(tmp_path: Path) -> None:
    """It comes from pysam and is not among the bytes that are kept."""
    reads = [Read(f"r{i}", 20_000 + 10 * i, "20M", "ACGTA" * 4) for i in range(100)]
    lost = [Read("lost", 19_990, "", "ACGTA", flag=0x4 | 0x1)]
    for name, first in (("mapped", []), ("unmapped", lost)):
        with open_reads(write_bam(tmp_path / f"{name}.bam", {"one": 90_000}, first + reads), None) as handle:
            sizes = [from_bytes(handle, "one", start, 30_000).size for start in (0, 19_980, 19_990, 0, 20_000, 20_015, 20_025)]
        extra = len(first)
        assert sizes == [100 + extra] * 4 + [100, 100, 99]


def test_a_cigar_too_long_for_its_field(tmp_path: Path) -> None:
    rng = random.Random(2)
    reads = [Read(f"r{i}", 90_000 + i, "50M", random_sequence(rng, 50)) for i in range(50)]
    reads.append(Read("clipped", 90_010, "50S", random_sequence(rng, 50)))
    path = write_bam(tmp_path / "short.bam", {"one": 200_000}, reads)
    with open_reads(path, None) as handle, open_reads(path, None) as other:
        assert_equal(from_bytes(handle, "one", 90_000, 90_100), read_by_read(other, "one", 90_000, 90_100))
    reads.append(Read("long", 100, "1M1I" * 40_000 + "20000M", random_sequence(rng, 100_000)))
    path = write_bam(tmp_path / "long.bam", {"one": 200_000}, reads)
    with open_reads(path, None) as handle, open_reads(path, None) as other:
        for start, end in ((0, 200), (50_000, 50_001), (90_000, 90_100), (90_020, 90_040)):
            batch = decode_reads(handle, "one", start, end)
            assert_equal(batch, read_by_read(other, "one", start, end))
        assert (np.diff(decode_reads(handle, "one", 0, 50_000).cigar_offset) == 80_001).all()


def test_memory_is_bounded_in_a_pile(tmp_path: Path) -> None:
    reads = [Read(f"r{i}", 5000 + i % 7, "50M", "ACGTA" * 10) for i in range(20_000)]
    path = write_bam(tmp_path / "pile.bam", {"one": 10_000}, reads)
    with open_reads(path, None) as handle:
        for start in (0, 5002, 5020):
            low, stop = 4000, 6000
            region = records.Region(1, 0, start, 5500, low, stop, 0)
            found, depth = records.region_records(handle, region, 10)
            assert depth.started.at(np.array([5])).tolist() == [1_000_000]
            assert len(found.start) < 2000


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, bytes]:
    """(BAM, bytes of its header, its bytes without compression) of so few reads that all are in one block."""
    path = write_bam(tmp_path_factory.mktemp("plain") / "plain.bam", LENGTHS, odd_reads(random.Random(3), 200))
    with pysam.BGZFile(str(path)) as handle:
        content = handle.read(1 << 20)
    text = struct.unpack_from("<i", content, 4)[0]
    header = 8 + text + 4
    for name in LENGTHS:
        header += 4 + len(name) + 1 + 4
    assert len(content) - header < 0xFF00
    return path, header, content


def with_content(path: Path, like: Path, header: int, content: bytes) -> Path:
    """A BAM of these bytes in the blocks of `like`, so that its index holds."""
    with pysam.BGZFile(str(path), "wb") as handle:
        handle.write(content[:header])
        handle.flush()
        handle.write(content[header:])
    Path(f"{path}.bai").write_bytes(Path(f"{like}.bai").read_bytes())
    return path


def outcome(decode: Any, path: Path, region: tuple[str, int, int], max_depth: int | None) -> Any:
    """A `ReadBatch`, or the complaint."""
    try:
        with open_reads(path, None) as handle:
            return decode(handle, *region, max_depth=max_depth)
    except UserError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(5))
def test_damaged_records_end_as_pysam_says(seed: int, plain: tuple[Path, int, bytes], tmp_path: Path) -> None:
    """Damage that no checksum shows: the same reads as read by read, or a complaint, too."""
    like, header, content = plain
    rng = random.Random(seed)
    places, at = [], header
    while at < len(content):
        places.append(at)
        at += 4 + struct.unpack_from("<i", content, at)[0]
    complaints = 0
    for _ in range(30):
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 1, 3])):
            place = rng.choice(places)
            field = rng.choice([0, 1, 2, 3, 4, 8, 9, 10, 12, 16, 17, 18, 19, 20, 21, 22, 23, rng.randrange(24, 120)])
            damaged[min(place + field, len(damaged) - 1)] = rng.choice([0, 1, 127, 255, rng.randrange(256)])
        path = with_content(tmp_path / "damaged.bam", like, header, bytes(damaged))
        for region in (("one", 0, 6000), ("three", 0, 40_000), ("one", 310, 330)):
            max_depth = rng.choice([None, 4])
            mine, theirs = (outcome(decode, path, region, max_depth) for decode in (decode_reads, read_by_read))
            complaints += isinstance(theirs, str)
            if isinstance(theirs, str):
                assert all("damaged.bam: truncated or damaged at" in str(complaint) for complaint in (mine, theirs))
            else:
                assert_equal(mine, theirs)
    assert 5 < complaints < 85


def test_a_file_that_ends_inside_a_record(plain: tuple[Path, int, bytes], tmp_path: Path) -> None:
    like, header, content = plain
    for cut in (1, 40, 400):
        path = with_content(tmp_path / "cut.bam", like, header, content[:-cut])
        assert "cut.bam: truncated or damaged at three:1 or after" in outcome(decode_reads, path, ("three", 0, 40_000), None)


def test_names_that_are_no_text(plain: tuple[Path, int, bytes], tmp_path: Path) -> None:
    """A BAM's are compared as bytes; pysam, which CRAM needs, can't read them."""
    like, header, content = plain
    path = with_content(tmp_path / "names.bam", like, header, content.replace(b"read:1", b"read:\xff"))
    region = ("three", 20_000, 40_000)
    assert outcome(from_bytes, path, region, None).start.tolist() == outcome(from_bytes, like, region, None).start.tolist()
    assert "names.bam: truncated or damaged at three:20001 or after (a read's name" in outcome(read_by_read, path, region, None)


@given(st.lists(st.binary(max_size=300).map(lambda text: text.hex()), max_size=20))
def test_hashes_of_bytes_are_those_of_names(names: list[str]) -> None:
    text = "".join(names).encode()
    offsets = np.cumsum([0, *(len(name) for name in names)])
    hashes = name_hashes(np.frombuffer(bytearray(text), np.uint8), offsets.astype(np.int64))
    assert hashes.tolist() == [name_hash(name) for name in names]


@given(st.lists(st.sampled_from(["", "a", "b", "aa", "ab", "abc"]), max_size=60), st.integers(1, 3))
def test_fragments_are_names_even_where_hashes_collide(names: list[str], kinds: int) -> None:
    offsets = np.cumsum([0, *(len(name) for name in names)]).astype(np.int64)
    text = np.frombuffer(bytearray("".join(names).encode()), np.uint8)
    hashes = np.array([len(name) % kinds for name in names], np.uint64)
    numbers, count = fragment_numbers(hashes, text, offsets)
    seen = list(dict.fromkeys(names))
    assert numbers.tolist() == [seen.index(name) for name in names]
    assert count == len(seen)
