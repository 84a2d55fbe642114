"""Records as bytes are those that pysam reads, whatever is in them."""

import random
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from odd_reads import LENGTHS, odd_reads
from small_bams import write_bam
from varproof.reads import records, stream
from varproof.reads.arrays import name_hash
from varproof.reads.files import open_reads
from varproof.reads.raw import as_bytes, as_segments, raw_records
from varproof.spiking.near import Spans
from varproof.spiking.near_numba_fns import spans_of


def tagged(path: Path, output: Path) -> Path:
    """The same reads, some of them with tags of every type."""
    rng = random.Random(3)
    with pysam.AlignmentFile(str(path)) as source, pysam.AlignmentFile(str(output), "wb", template=source) as out:
        for read in source:
            tags: list[tuple[Any, ...]] = [
                ("XA", "A", "A"), ("NM", -3, "i"), ("XS", 1 << 14, "S"), ("XF", 0.5, "f"), ("MD", "SAZ1A2", "Z"),
                ("XH", "1AE3", "H"), ("XB", array("h", [1, -2, 3]), None), ("XC", array("f", [1.5]), None),
                ("SA", "one,12,+,4M,60,0;", "Z"), ("RG", "last", "Z"),
            ]  # fmt: skip
            for tag, value, kind in rng.sample(tags, rng.randrange(len(tags))):
                read.set_tag(tag, value, kind)
            out.write(read)
    pysam.index(str(output))
    return output


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tagged(write_bam(tmp_path / "plain.bam", LENGTHS, odd_reads(random.Random(5), 900)), tmp_path / "odd.bam")


@pytest.mark.parametrize("from_pysam", [False, True])
def test_the_records_of_a_region_are_those_that_pysam_fetches(
    from_pysam: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise stream.NotPlain if from_pysam else AssertionError("not plain")

    monkeypatch.setattr(records, "_raw_records" if from_pysam else "_fetched_records", refuse)
    rng = random.Random(7)
    with open_reads(path, None) as handle, open_reads(path, None) as other:
        for _ in range(60):
            contig, length = rng.choice(list(LENGTHS.items()))
            start = rng.randrange(length)
            end = min(length, start + rng.choice([1, 30, 500, 50_000]))
            expected = b"".join(as_bytes(other.header, other.fetch(contig, start, end)))
            assert raw_records(handle, contig, start, end).tobytes() == expected


def test_to_bytes_and_back(path: Path) -> None:
    with pysam.AlignmentFile(str(path)) as source:
        reads = list(source)
        content = list(as_bytes(source.header, reads))
        back = as_segments(source.header, b"".join(content))
        assert [read.to_string() for read in back] == [read.to_string() for read in reads]
        assert len(content) == len(reads) and list(as_bytes(source.header, [])) == as_segments(source.header, b"") == []


def test_spans_are_what_pysam_says(path: Path) -> None:
    split = 0
    with pysam.AlignmentFile(str(path)) as source:
        reads = list(source)
        spans = Spans(*spans_of(np.frombuffer(b"".join(as_bytes(source.header, reads)), np.uint8)))
    for i, read in enumerate(reads):
        assert (spans.flag[i], spans.split[i]) == (read.flag, read.has_tag("SA"))
        assert spans.name_hash[i] == name_hash(read.query_name)
        split += read.has_tag("SA")
        if read.is_unmapped:
            assert spans.start[i] > spans.end[i] and spans.first[i] > spans.last[i]
            continue
        operations = read.cigartuples or [(0, 0)]
        left, right = (length if operation == 4 else 0 for operation, length in (operations[0], operations[-1]))
        end = read.reference_end or read.reference_start
        assert (spans.first[i], spans.last[i]) == (read.reference_start - left, end + right)
        assert spans.start[i] == read.reference_start
        assert (spans.end[i] == end) if read.cigartuples else (spans.end[i] < spans.start[i])
    assert 100 < split < len(reads) - 100
