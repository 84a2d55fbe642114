"""What lies in the reviewer's page of a candidate: reads found again, their names, and no more than it may take."""

import base64
import json
import random
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pysam
import pytest

from varproof.formats.tensor_settings import TensorSettings
from varproof.formats.tensors import FLAGS, MAPQ, MATE_ABOVE, ROW_REVERSE, PackedTensors
from varproof.pileup.pipeline import Samples, TensorJob, packed_chunks
from varproof.report.desk_data import LARGEST_TEXT, CandidateFacts, packed_text
from varproof.report.desk_names import fragments_of, packed_names
from varproof.report.desk_reads import ReadsOfRows, TrackReads

DATA = Path(__file__).resolve().parents[2] / "test-data"
FACTS = CandidateFacts([], [], [], [])
CONTIGS = ["chr1", "chr2"]
LEFT_OUT = 0x4 | 0x100 | 0x200 | 0x400 | 0x800


def packed(**settings: object) -> PackedTensors:
    samples = Samples(DATA / "tumor.bam", DATA / "normal.bam")
    layout = TensorSettings(tracks=samples.tracks(), soft_clips=True, **settings)  # type: ignore[arg-type]
    job = TensorJob(DATA / "scored.vcf.gz", DATA / "reference.fa", samples, settings=layout)
    return next(packed_chunks(job, 1))


@pytest.mark.parametrize("depth", [1000, 20])
def test_names_are_those_of_the_reads_of_each_row(depth: int) -> None:
    """Against pysam alone: all reads of the window, or those with the lowest hashes; names of mates are the same."""
    part = packed(window=501, depth=depth, rows="window")
    source = ReadsOfRows([DATA / "tumor.bam", DATA / "normal.bam"], DATA / "reference.fa", CONTIGS)
    mates = cut = 0
    with pysam.AlignmentFile(str(DATA / "tumor.bam")) as reads:
        for i in range(0, part.size, 13):
            found = source.of(part, i)[0]
            rows = part.rows[part.row_offset[2 * i] : part.row_offset[2 * i + 1]]
            start = int(part.centre[i]) - 250
            there = [
                read for read in reads.fetch(CONTIGS[part.contig[i]], max(start, 0), start + 501) if not read.flag & LEFT_OUT
            ]
            assert found.there == len(there) and len(found.names) == min(len(there), depth) == len(rows)
            known = {(read.query_name, read.is_reverse): read for read in there}
            for name, row in zip(found.names, rows, strict=True):
                assert known[name, bool(row[FLAGS] & ROW_REVERSE)].mapping_quality == row[MAPQ]
            if len(there) <= depth:
                assert found.names == [read.query_name for read in there]
            cut += len(there) > depth
            for row in np.flatnonzero(rows[:, FLAGS] & MATE_ABOVE):
                mates += 1
                assert found.names[row] in found.names[:row]
    source.close()
    assert (cut > 5) == (depth == 20) and mates > 40


def test_reads_that_reach_the_candidate_are_counted_where_not_all_are_rows() -> None:
    """Of an SNV, those that reach it or a base beside it; of any other, as many as there are rows where all are."""
    part, whole = packed(window=151, depth=20), packed(window=151, depth=1000)
    source = ReadsOfRows([DATA / "tumor.bam", DATA / "normal.bam"], DATA / "reference.fa", CONTIGS)
    for i in range(0, part.size, 3):
        assert [track.there for track in source.of(part, i)] == whole.depths[i].tolist()
    assert (whole.depths > 20).sum() > 100 and len(set(part.allele_code[:, 0].tolist())) >= 3
    counted = 0
    with pysam.AlignmentFile(str(DATA / "tumor.bam")) as reads:
        for i in range(part.size):
            if len(part.ref[i]) == len(part.alt[i]) == 1:
                where = int(part.position[i])
                there = reads.fetch(CONTIGS[part.contig[i]], where - 1, where + 2)
                count = sum(not read.flag & LEFT_OUT for read in there)
                assert source.of(part, i)[0].there == count
                counted += count > 20
    assert counted > 20


def test_reads_that_look_alike_keep_their_own_names(tmp_path: Path) -> None:
    """Five copies of a read beside another: all have names, in the order of the file; of three rows those of lowest hash."""
    from varproof.reads.arrays import name_hash

    with pysam.AlignmentFile(str(DATA / "tumor.bam")) as given, pysam.AlignmentFile(
        str(tmp_path / "few.bam"), "wb", header=given.header
    ) as out:  # fmt: skip
        read = next(one for one in given.fetch("chr1", 414, 415) if not one.flag & LEFT_OUT)
        for name in "edcba":
            read.query_name = name
            out.write(read)
    pysam.index(str(tmp_path / "few.bam"))
    for depth, wanted in ((9, list("edcba")), (3, [n for n in "edcba" if n in sorted("abcde", key=name_hash)[:3]])):
        layout = TensorSettings(tracks=("tumor",), depth=depth, soft_clips=True)
        samples = Samples(tmp_path / "few.bam")
        part = next(packed_chunks(TensorJob(DATA / "scored.vcf.gz", DATA / "reference.fa", samples, settings=layout), 1))
        at = next(i for i in range(part.size) if part.depths[i, 0])
        source = ReadsOfRows([tmp_path / "few.bam"], DATA / "reference.fa", CONTIGS)
        found = source.of(part, at)[0]
        assert found.names == wanted and found.there == 5


def unpacked(columns: list[object], data: bytes, n: int) -> list[str]:
    names = [""] * n
    for column in columns:
        if isinstance(column, str):
            texts = [column] * n
        elif isinstance(column, list):
            texts = column
        else:
            assert isinstance(column, int)
            planes, data = np.frombuffer(data[: column * n], np.uint8).reshape(column, n), data[column * n :]
            texts = [str(int.from_bytes(planes[:, i].tobytes(), "big")) for i in range(n)]
        names = [name + text for name, text in zip(names, texts, strict=True)]
    assert not data
    return names


@pytest.mark.parametrize(
    "names",
    [
        [],
        [""],
        ["x"],
        ["ST-E0:19:H5G:8:2121:25542:4069", "ST-E0:19:H5G:2:1206:15524:6196", "ST-E0:19:H5G:2:114:6937:38895"],
        ["r007", "r7", "r070"],
        ["SRR1.5/1", "SRR1.12345678901/1"],
        ["a", "ab1", "", "</script>", "١٢", "é3"],
        ["0", "256", "65536", "999999999"],
    ],
)
def test_packed_names_are_the_names(names: list[str]) -> None:
    columns, data = packed_names(names)
    assert unpacked(list(columns), data, len(names)) == names
    assert json.loads(json.dumps(columns)) == columns


def test_names_of_a_sequencer_take_few_bytes() -> None:
    """Lane, tile, x and y are numbers of 1, 2, 2 and 2 bytes; what all have stands once."""
    rng = random.Random(0)
    numbers = [
        [rng.randint(1, 8), rng.randint(1101, 2228), rng.randint(999, 32000), rng.randint(999, 60000)] for _ in range(100)
    ]
    names = ["ST-E00288:19:H5G7W:" + ":".join(map(str, row)) for row in numbers]
    columns, data = packed_names(names)
    assert columns == ["ST-E00288:19:H5G7W:", 1, ":", 2, ":", 2, ":", 2] and len(data) == 700


def test_names_stand_once_per_fragment() -> None:
    assert fragments_of(["q", "r", "q", "s", "r"]) == ([(2, 0), (4, 1)], ["q", "r", "s"])


def test_what_would_take_too_much_has_coarser_qualities_then_no_names() -> None:
    part = packed(window=1001, depth=1000, rows="window")
    names = [TrackReads([f"{track}:{row}" for row in range(n)], [], n) for track, n in enumerate(part.depths[0].tolist())]
    quality = np.random.default_rng(0).integers(0, 42, part.quality.shape).astype(np.uint8)
    noisy, whole = replace(part, quality=quality), replace(part, quality=quality - quality % 5)
    assert packed_text(noisy, 0, None, FACTS, names) == packed_text(whole, 0, None, FACTS, names)

    part = packed(window=151, depth=100)
    rng = random.Random(0)
    long = [
        TrackReads(["".join(rng.choices("abcdefghijklmnop!", k=2000)) for _ in range(n)], [], n)
        for n in part.depths[0].tolist()
    ]
    text = packed_text(part, 0, None, FACTS, long)
    data = zlib.decompress(base64.b64decode(text))
    assert len(text) < LARGEST_TEXT
    assert json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])["names"] == [[], []]
