"""Records shared out between samples: all of them, once, byte for byte, and edited ones where they belong."""

import gzip
import random
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from small_bams import Read, write_bam
from varproof.formats.bgzf import BLOCK_BYTES, END_OF_FILE
from varproof.reads.arrays import name_hash
from varproof.reads.bgzf import BgzfFile, compressed_block
from varproof.reads.files import open_reads
from varproof.reads.raw import header_size
from varproof.spiking.copying import Copier, CopyJob, parts, shared_records
from varproof.spiking.fragments import NORMAL, TUMOR, sample_of

CONTIGS = {"one": 700_000, "two": 300_000, "none": 50_000}


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """9,000 reads in clumps on two contigs, some secondary, and 40 without a place."""
    rng = random.Random(5)
    found = []
    for i in range(9_000):
        contig = rng.choice([0, 0, 1])
        start = rng.choice([1_000, 99_990, 250_000]) + rng.randrange(4_000)
        flag = 0x100 if rng.random() < 0.03 else 0
        text = "".join(rng.choices("ACGT", k=60))
        name = f"r{i // 2 if rng.random() < 0.5 else i}"
        found.append(Read(name, start, "60M", text, [30] * 60, flag=flag, contig=contig))
    path = tmp_path_factory.mktemp("copying") / "reads.bam"
    write_bam(path, CONTIGS, found, index=False)
    with pysam.AlignmentFile(str(path)) as source, pysam.AlignmentFile(str(path) + ".more", "wb", header=source.header) as out:
        for read in source:
            out.write(read)
        for i in range(40):
            read = pysam.AlignedSegment(source.header)
            read.query_name, read.flag, read.query_sequence = f"u{i}", 4, "ACGTACGT"
            out.write(read)
    Path(str(path) + ".more").rename(path)
    pysam.index(str(path))
    return path


def raw_records(content: bytes) -> list[bytes]:
    place, out = 0, []
    while place < len(content):
        end = place + 4 + int.from_bytes(content[place : place + 4], "little")
        out.append(content[place:end])
        place = end
    return out


def all_records(path: Path) -> list[bytes]:
    content = gzip.decompress(path.read_bytes())
    return raw_records(content[header_size(content) :])


def name_of(record: bytes) -> str:
    return record[36 : 36 + record[12] - 1].decode()


def place_of(record: bytes) -> tuple[int, int]:
    contig = int.from_bytes(record[4:8], "little", signed=True)
    return (contig if contig >= 0 else 1 << 30), int.from_bytes(record[8:12], "little", signed=True)


def copied(
    reads: Path, folder: Path, shares: tuple[float, float], gone: list[str], added: list[bytes]
) -> dict[str, list[bytes]]:
    with open_reads(reads, None) as alignments:
        pieces = parts(reads, alignments)
    hashes = np.unique(np.array([name_hash(name) for name in gone], np.uint64))
    copier, out = Copier(folder, 7), {"tumor": b"", "normal": b""}
    for number, (piece, own) in enumerate(zip(pieces, shared_records(pieces, added), strict=True)):
        done = copier.copy(CopyJob(number, piece, ("tumor", "normal"), shares, hashes, own))
        for sample in out:
            part = gzip.decompress((folder / f"{sample}.{number}").read_bytes() + END_OF_FILE)
            assert done.written[sample] == len(raw_records(part))
            out[sample] += part
    return {sample: raw_records(content) for sample, content in out.items()}


def test_a_header_ends_where_the_records_begin(reads: Path) -> None:
    content = gzip.decompress(reads.read_bytes())
    with pysam.AlignmentFile(str(reads)) as source:
        first = next(iter(source))
    assert name_of(content[header_size(content) :]) == first.query_name


def test_parts_are_the_whole_file(reads: Path) -> None:
    with open_reads(reads, None) as alignments:
        pieces = parts(reads, alignments)
    assert len(pieces) > 4
    file = BgzfFile(str(reads))
    joined = b"".join(b"".join(file.pieces(piece.first, piece.last)) for piece in pieces)
    assert raw_records(joined) == all_records(reads)


@pytest.mark.parametrize("shares", [(1.0, 0.0), (0.5, 0.5), (0.3, 0.2)])
def test_every_record_goes_where_its_name_says_in_order(reads: Path, tmp_path: Path, shares: tuple[float, float]) -> None:
    expected: dict[int, list[bytes]] = {TUMOR: [], NORMAL: [], 2: []}
    for record in all_records(reads):
        expected[int(sample_of([name_hash(name_of(record))], 7, *shares)[0])].append(record)
    found = copied(reads, tmp_path, shares, [], [])
    assert found == {"tumor": expected[TUMOR], "normal": expected[NORMAL]}


def test_edited_records_take_their_place_and_originals_are_gone(reads: Path, tmp_path: Path) -> None:
    rng = random.Random(2)
    everything = all_records(reads)
    names = sorted({name_of(record) for record in everything if place_of(record)[0] < 9})
    gone = [name for name in rng.sample(names, 300) if sample_of([name_hash(name)], 7, 0.6, 0.4)[0] == TUMOR]
    added = []
    for record in everything:
        if name_of(record) in gone and not record[19] & 1:  # moved, some over the border of a part
            moved = int.from_bytes(record[8:12], "little") + rng.choice([-900, -3, 0, 0, 5, 2_000])
            added.append(record[:8] + max(moved, 0).to_bytes(4, "little") + record[12:-1] + b"\x07")
    found = copied(reads, tmp_path, (0.6, 0.4), gone, added)
    for sample, own in found.items():
        assert [place_of(record) for record in own] == sorted(place_of(record) for record in own), sample
    kept = [
        record
        for record in everything
        if sample_of([name_hash(name_of(record))], 7, 0.6, 0.4)[0] == TUMOR and (name_of(record) not in gone or record[19] & 1)
    ]
    assert sorted(found["tumor"]) == sorted([*kept, *added]) and len(added) > 100
    assert [record for record in found["tumor"] if record in set(kept)] == kept


@pytest.mark.parametrize("size", [0, 1, 100, BLOCK_BYTES])
def test_blocks_are_read_by_others(size: int, tmp_path: Path) -> None:
    content = bytes(random.Random(size).choices(b"ACGT\0\xff", k=size))
    (tmp_path / "some.bgzf").write_bytes(compressed_block(content) + compressed_block(b"more") + END_OF_FILE)
    assert gzip.decompress((tmp_path / "some.bgzf").read_bytes()) == content + b"more"
    with pysam.BGZFile(str(tmp_path / "some.bgzf"), "r", None) as theirs:
        assert theirs.read(1 << 20) == content + b"more"


def test_pieces_are_what_lies_between_two_offsets(tmp_path: Path) -> None:
    rng = random.Random(3)
    path, offsets, whole = tmp_path / "some.bgzf", [], b""
    with pysam.BGZFile(str(path), "wb") as out:
        for _ in range(200):
            offsets.append((out.tell(), len(whole)))
            piece = rng.randbytes(rng.randrange(3_000))
            out.write(piece)
            whole += piece
    file = BgzfFile(str(path))
    for _ in range(100):
        (first, low), (last, high) = sorted(rng.sample(offsets, 2))
        assert b"".join(file.pieces(first, last)) == whole[low:high]
    assert b"".join(file.pieces(offsets[3][0], None)) == whole[offsets[3][1] :]


def test_damage_is_told_with_the_name_of_the_file(reads: Path, tmp_path: Path) -> None:
    from varproof.machinery.errors import UserError

    content = bytearray(reads.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = bytes(40)
    damaged = tmp_path / "damaged.bam"
    damaged.write_bytes(content)
    with open_reads(reads, None) as alignments:
        pieces: list[Any] = parts(reads, alignments)
    with pytest.raises(UserError, match=r"damaged\.bam: truncated or damaged"):
        for number, piece in enumerate(pieces):
            job = CopyJob(
                number,
                piece.__class__(damaged, piece.first, piece.last, piece.key),
                ("tumor",),
                (1.0, 0.0),
                np.empty(0, np.uint64),
            )
            Copier(tmp_path, 7).copy(job)
