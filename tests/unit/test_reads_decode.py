"""Decoding is compared with pysam read by read; bad files are refused with advice."""

import random
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from small_bams import Read, random_pairs, random_sequence, write_bam, write_fasta
from varproof.machinery.errors import UserError
from varproof.reads.arrays import (
    DUPLEX,
    LARGE_FAMILY,
    MISSING_QUALITY,
    NO_FAMILY,
    ONE_READ,
    SMALL_FAMILY,
    base_codes,
    name_hash,
)
from varproof.reads.decode import ReadBatch, decode_reads
from varproof.reads.files import open_reads, require_same_contigs, shared_contigs
from varproof.reads.reference import open_reference, reference_codes

REFERENCE = random_sequence(random.Random(5), 3000)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(BAM, FASTA) of random pairs."""
    folder = tmp_path_factory.mktemp("decode")
    fasta = write_fasta(folder / "ref.fa", {"one": REFERENCE})
    return write_bam(folder / "reads.bam", {"one": len(REFERENCE)}, random_pairs(3, REFERENCE, 400)), fasta


def codes_by_dictionary(sequence: str) -> list[int]:
    return ["ACGT".find(base) if base in "ACGT" else 4 for base in sequence]


@pytest.mark.parametrize(("start", "end"), [(0, 3000), (700, 1100), (2990, 9000), (5, 6)])
def test_batch_equals_what_pysam_says_read_by_read(files: tuple[Path, Path], start: int, end: int) -> None:
    with open_reads(files[0], None) as handle:
        batch = decode_reads(handle, "one", start, end)
        expected = [
            read
            for read in handle.fetch("one", start, min(end, 3000))
            if not (read.is_duplicate or read.is_qcfail or read.is_secondary or read.is_supplementary)
        ]
    assert batch.size == len(expected)
    names: list[str] = []
    for i, read in enumerate(expected):
        if read.query_name not in names:
            names.append(read.query_name)
        bases = slice(batch.base_offset[i], batch.base_offset[i + 1])
        cigar = slice(batch.cigar_offset[i], batch.cigar_offset[i + 1])
        assert batch.bases[bases].tolist() == codes_by_dictionary(read.query_sequence)
        assert batch.qualities[bases].tolist() == list(read.query_qualities or [MISSING_QUALITY] * read.query_length)
        operations = list(zip(batch.cigar_op[cigar].tolist(), batch.cigar_length[cigar].tolist(), strict=True))
        assert operations == (read.cigartuples or [])
        assert (batch.start[i], batch.flag[i], batch.mapq[i]) == (read.reference_start, read.flag, read.mapping_quality)
        assert batch.end[i] == (read.reference_start if read.is_unmapped else read.reference_end)
        assert batch.fragment[i] == names.index(read.query_name)
        assert batch.name_hash[i] == name_hash(read.query_name)
        assert batch.mate_start[i] == (-1 if read.mate_is_unmapped else read.next_reference_start)
        assert batch.template_length[i] == read.template_length
    assert batch.fragments == len(names)


def test_unmapped_mates_can_be_left_out(files: tuple[Path, Path]) -> None:
    with open_reads(files[0], None) as handle:
        kept = decode_reads(handle, "one", 0, 3000)
        mapped = decode_reads(handle, "one", 0, 3000, keep_unmapped_mates=False)
    assert ((kept.flag & 4) != 0).sum() > 5
    assert ((mapped.flag & 4) != 0).sum() == 0
    assert mapped.size == ((kept.flag & 4) == 0).sum()


def test_unpaired_and_distant_mates_have_no_mate_start(tmp_path: Path) -> None:
    reads = [Read("single", 10, "5M", "ACGTN"), Read("far", 20, "5M", "ACGTN", flag=0x1 | 0x40, mate_start=7, mate_contig=1)]
    with open_reads(write_bam(tmp_path / "r.bam", {"one": 100, "two": 100}, reads), None) as handle:
        batch = decode_reads(handle, "one", 0, 100)
        empty = decode_reads(handle, "two", 0, 100)
    assert batch.mate_start.tolist() == [-1, -1]
    assert batch.bases.tolist() == [0, 1, 2, 3, 4] * 2
    assert batch.qualities.tolist() == [MISSING_QUALITY] * 10
    assert (empty.size, empty.fragments, empty.base_offset.tolist()) == (0, 0, [0])


def test_reads_without_sequence_are_left_out(tmp_path: Path) -> None:
    reads = [Read("a", 10, "5M", "ACGTA"), Read("b", 12, "5M", "")]
    with open_reads(write_bam(tmp_path / "r.bam", {"one": 100}, reads), None) as handle:
        assert decode_reads(handle, "one", 0, 100).start.tolist() == [10]


def test_base_codes() -> None:
    assert base_codes("ACGTNacgtnR").tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 4]


def test_name_hashes_never_change_and_are_uniform() -> None:
    assert name_hash("read1") == 9708411941404302513
    names = [f"machine:1:1101:{i}:{i * 7 % 1000}" for i in range(20_000)]
    hashes = np.array([name_hash(name) for name in names], dtype=np.uint64)
    assert len(set(hashes.tolist())) == len(names)
    counts = np.bincount((hashes >> np.uint64(60)).astype(int), minlength=16)
    assert np.abs(counts - 1250).max() < 5 * np.sqrt(1250)


def test_subsampling_is_by_fragment_and_the_same_from_any_chunk(tmp_path: Path) -> None:
    reference = random_sequence(random.Random(1), 12_000)
    reads = random_pairs(8, reference, 6000)
    with open_reads(write_bam(tmp_path / "deep.bam", {"one": len(reference)}, reads), None) as handle:
        everything = decode_reads(handle, "one", 0, 12_000)
        whole = decode_reads(handle, "one", 0, 12_000, max_depth=20)
        kept = set(whole.name_hash.tolist())
        for start in range(0, 12_000, 1370):
            part = decode_reads(handle, "one", start, start + 1370, max_depth=20)
            unfiltered = decode_reads(handle, "one", start, start + 1370)
            expected = [name for name in unfiltered.name_hash.tolist() if name in kept]
            assert part.name_hash.tolist() == expected
            assert part.fragment.tolist() == [list(dict.fromkeys(expected)).index(name) for name in expected]
    mates = {name: 0 for name in everything.name_hash.tolist()}
    for name in everything.name_hash.tolist():
        mates[name] += 1
    assert whole.size == sum(mates[name] for name in kept)
    mean_depth = len(whole.bases) / 12_000
    assert 17 < mean_depth < 23
    assert np.array_equal(decode_again(tmp_path / "deep.bam").name_hash, everything.name_hash)


def decode_again(path: Path) -> ReadBatch:
    with open_reads(path, None) as handle:
        return decode_reads(handle, "one", 0, 12_000, max_depth=100_000)


def consensus_reads() -> list[tuple[Read, int]]:
    """Reads with tags of a consensus, of all types of numbers and behind all types of tags, and the kind of each."""
    before: list[tuple[str, Any, str | None]] = [
        ("RX", "ACG-TTG", "Z"), ("ZA", "x", "A"), ("ZF", 0.5, "f"), ("cE", 0.01, "f"), ("ZB", array("h", [-1, 2, 3]), None),
        ("ZH", "0F", "H"), ("cd", 99, "C"),
    ]  # fmt: skip
    cases: list[tuple[list[tuple[str, Any, str | None]], int]] = [
        ([], NO_FAMILY),
        ([("cD", 1, "c")], ONE_READ),
        ([("cD", 2, "C")], SMALL_FAMILY),
        ([("cD", 3, "s")], SMALL_FAMILY),
        ([("cD", 4, "S")], LARGE_FAMILY),
        ([("cD", 70_000, "i")], LARGE_FAMILY),
        ([("cD", 300, "I"), ("aD", 300, "I"), ("bD", 0, "C")], LARGE_FAMILY),
        ([("cD", 2, "i"), ("aD", 1, "C"), ("bD", 1, "s")], DUPLEX),
        ([("aD", 0, "C"), ("bD", 1, "C")], ONE_READ),
        ([("cD", "7", "Z")], NO_FAMILY),
        ([("cD", -5, "s")], NO_FAMILY),
    ]
    made = []
    for i, (tags, kind) in enumerate(cases):
        sequence = REFERENCE[10 * i : 10 * i + 20]
        made.append((Read(f"r{i}", 10 * i, "20M", sequence, [30] * 20, tags=[*before[: i % 8], *tags, ("NM", 0, "C")]), kind))
    return made


@pytest.mark.parametrize("cram", [False, True])
def test_kinds_of_consensus_reads(cram: bool, tmp_path: Path) -> None:
    expected = consensus_reads()
    path = write_bam(tmp_path / "r.bam", {"one": len(REFERENCE)}, [read for read, _ in expected])
    fasta = write_fasta(tmp_path / "ref.fa", {"one": REFERENCE})
    if cram:
        path = tmp_path / "r.cram"
        pysam.view("-C", "-T", str(fasta), "-o", str(path), str(tmp_path / "r.bam"), catch_stdout=False)
        pysam.index(str(path))
    with open_reads(path, fasta) as handle:
        assert handle.has_consensus_tags
        batch = decode_reads(handle, "one", 0, len(REFERENCE))
    assert batch.kind.tolist() == [kind for _, kind in expected]


def test_without_such_tags_reads_are_of_no_kind(tmp_path: Path) -> None:
    reads = [Read(f"r{i}", i, "20M", REFERENCE[i : i + 20], tags=[("RX", "ACG", "Z"), ("MI", "7", "Z")]) for i in range(3)]
    with open_reads(write_bam(tmp_path / "r.bam", {"one": len(REFERENCE)}, reads), None) as handle:
        assert not handle.has_consensus_tags
        assert decode_reads(handle, "one", 0, 100).kind.tolist() == [NO_FAMILY] * 3


def test_cram_decodes_to_the_same_arrays(files: tuple[Path, Path], tmp_path: Path) -> None:
    cram = tmp_path / "reads.cram"
    with (
        pysam.AlignmentFile(str(files[0])) as source,
        pysam.AlignmentFile(str(cram), "wc", template=source, reference_filename=str(files[1])) as sink,
    ):
        for read in source.fetch(until_eof=True):
            sink.write(read)
    pysam.index(str(cram))
    with open_reads(files[0], None) as bam, open_reads(cram, files[1]) as other:
        one, two = decode_reads(bam, "one", 500, 900), decode_reads(other, "one", 500, 900)
    for name in ("start", "end", "flag", "bases", "cigar_op", "cigar_length", "name_hash"):
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    with pytest.raises(UserError, match="give --reference"):
        open_reads(cram, None)
    wrong = write_fasta(tmp_path / "wrong.fa", {"one": REFERENCE[::-1]})
    with open_reads(cram, wrong) as handle, pytest.raises(UserError, match="check that --reference"):
        decode_reads(handle, "one", 0, 3000)
    renamed = write_fasta(tmp_path / "renamed.fa", {"chr1": REFERENCE})
    with open_reads(cram, files[1]) as handle, open_reference(renamed) as fasta, pytest.raises(UserError, match="'one' is not"):
        require_same_contigs(handle, cram, fasta, renamed, ["one"])


def test_bad_files_are_refused_with_advice(files: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        open_reads(tmp_path / "absent.bam", None)
    with pytest.raises(UserError, match="is a folder"):
        open_reads(tmp_path, None)
    (tmp_path / "text.bam").write_text("hello\n" * 100)
    with pytest.raises(UserError, match=r"text\.bam"):
        open_reads(tmp_path / "text.bam", None)
    plain = tmp_path / "plain.bam"
    plain.write_bytes(files[0].read_bytes())
    with pytest.raises(UserError, match=f"samtools index {plain}"):
        open_reads(plain, None)
    cut = tmp_path / "cut.bam"
    cut.write_bytes(files[0].read_bytes()[:-200])
    with pytest.raises(UserError, match=r"cut\.bam: truncated"):
        open_reads(cut, None)


def test_damage_in_the_middle_names_the_file(files: tuple[Path, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.bam"
    content = bytearray(files[0].read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    damaged.write_bytes(content)
    Path(f"{damaged}.bai").write_bytes(Path(f"{files[0]}.bai").read_bytes())
    with open_reads(damaged, None) as handle, pytest.raises(UserError, match=r"damaged\.bam: truncated or damaged"):
        decode_reads(handle, "one", 0, 3000)


def test_contigs_must_match(files: tuple[Path, Path], tmp_path: Path) -> None:
    other = write_fasta(tmp_path / "other.fa", {"chrOne": REFERENCE})
    shorter = write_fasta(tmp_path / "shorter.fa", {"one": REFERENCE[:-1]})
    with open_reads(files[0], None) as handle:
        with open_reference(files[1]) as fasta:
            require_same_contigs(handle, files[0], fasta, files[1], ["one"])
            with pytest.raises(UserError, match="contig 'two' is not in"):
                require_same_contigs(handle, files[0], fasta, files[1], ["two"])
        with open_reference(other) as fasta, pytest.raises(UserError, match=r"contig 'one' is not in .*other.fa"):
            shared_contigs(handle, files[0], fasta, other)
        with open_reference(shorter) as fasta, pytest.raises(UserError, match="3000 bp, but 2999 bp"):
            require_same_contigs(handle, files[0], fasta, shorter, shared_contigs(handle, files[0], fasta, shorter))
        with pytest.raises(UserError, match="not in its header"):
            decode_reads(handle, "absent", 0, 10)


def test_reference_is_read_in_stretches_and_refused_with_advice(files: tuple[Path, Path], tmp_path: Path) -> None:
    with open_reference(files[1]) as fasta:
        assert reference_codes(fasta, "one", 100, 130).tolist() == codes_by_dictionary(REFERENCE[100:130])
        with pytest.raises(UserError, match="can't read absent:"):
            reference_codes(fasta, "absent", 0, 5)
    with pytest.raises(UserError, match="no such file"):
        open_reference(tmp_path / "absent.fa")
    with pytest.raises(UserError, match="is a folder"):
        open_reference(tmp_path)
