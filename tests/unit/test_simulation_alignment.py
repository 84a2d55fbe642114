"""Alignments carry the flags, mates, clips and lengths that an aligner writes."""

import sys
from pathlib import Path

import numpy as np
import pysam
import pytest

from varproof.machinery.errors import UserError
from varproof.simulation.alignment import build_index, merge_bams, sam_header, write_sorted_bam
from varproof.simulation.genome import Genome, random_bases, reverse_complement, write_fasta
from varproof.simulation.reads import ReadPairs

L = 80
NONE = np.empty(0, dtype=np.int64)


def as_pairs(mates: list[tuple[np.ndarray, np.ndarray]], duplicate: list[bool]) -> ReadPairs:
    bases = np.array(mates, dtype=np.uint8)
    qualities = np.tile(np.arange(L, dtype=np.uint8) % 40, (len(mates), 2, 1))
    codes = np.empty(0, dtype=np.uint8)
    return ReadPairs(bases, qualities, np.array(duplicate), NONE, codes, codes, NONE, NONE, NONE, NONE, NONE)


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Genome, dict[tuple[str, bool], list]]:
    folder: Path = tmp_path_factory.mktemp("aligned")
    rng = np.random.default_rng(1)
    genome = Genome(["one", "two"], np.array([0, 20_000, 40_000]), random_bases(40_000, 0.5, rng))
    write_fasta(genome, folder / "r.fa")
    g, junk = genome.bases, random_bases(L, 0.5, rng)
    fragment = g[1000:1300]
    left, right = fragment[:L], reverse_complement(fragment)[:L]
    mates = [
        (left, right),  # 0: forward
        (right, left),  # 1: read 1 from the reverse strand
        (np.concatenate([junk[:20], left[20:]]), np.concatenate([right[:60], junk[:20]])),  # 2: clipped at the outer ends
        (np.concatenate([right[:60], junk[:20]]), np.concatenate([junk[:20], left[20:]])),  # 3: the same, other strand
        (left, junk),  # 4: mate unmapped
        (junk, reverse_complement(junk)),  # 5: both unmapped
        (g[5000 : 5000 + L], g[25_000 : 25_000 + L]),  # 6: different contigs
        (np.concatenate([g[3000:3040], g[12_000:12_040]]), right),  # 7: split read
        (left, right),  # 8: duplicate of 0
    ]
    header = sam_header(genome, "tumor")
    build_index(folder / "r.fa", folder / "r.mmi")
    write_sorted_bam(as_pairs(mates, [False] * 8 + [True]), folder / "r.mmi", header, "tumor", "p", 800, folder / "a.bam")
    merge_bams([folder / "a.bam"], folder / "m.bam", genome)
    records: dict[tuple[str, bool], list] = {}
    with pysam.AlignmentFile(str(folder / "m.bam")) as bam:
        assert bam.header["HD"]["SO"] == "coordinate"
        assert [group["SM"] for group in bam.header["RG"]] == ["tumor"]
        for read in bam.fetch(until_eof=True):
            records.setdefault((read.query_name, read.is_read2), []).append(read)
        assert sum(1 for _ in bam.fetch("two")) == 1
    return genome, records


def only(records: dict, number: int, mate: int):
    (read,) = records[(f"p{number}", mate == 2)]
    return read


def test_proper_pairs(aligned) -> None:
    _, records = aligned
    for number, mates in ((0, (1, 2)), (1, (2, 1))):
        left, right = (only(records, number, mate) for mate in mates)
        assert (left.reference_start, right.reference_end) == (1000, 1300)
        assert left.is_proper_pair and right.is_proper_pair
        assert (left.is_reverse, right.is_reverse, left.mate_is_reverse, right.mate_is_reverse) == (False, True, True, False)
        assert (left.template_length, right.template_length) == (300, -300)
        assert left.next_reference_start == right.reference_start
        assert right.next_reference_start == left.reference_start
        assert left.cigarstring == right.cigarstring == f"{L}M"
        assert left.get_tag("NM") == 0 and left.get_tag("RG") == "tumor"
        assert left.query_qualities.tolist() == [i % 40 for i in range(L)]
        assert right.query_qualities.tolist() == [i % 40 for i in reversed(range(L))]


def test_clips_are_where_the_junk_is(aligned) -> None:
    genome, records = aligned
    for number in (2, 3):
        for mate in (1, 2):
            read = only(records, number, mate)
            clip = read.cigartuples[0]  # on the left in all four
            assert clip[0] == 4 and 15 <= clip[1] <= 20
            for query, position in read.get_aligned_pairs(matches_only=True):
                assert abs(position - read.reference_start) <= L
                if query >= 20:
                    assert read.query_sequence[query] == chr(genome.bases[position])


def test_unmapped_reads_lie_with_their_mates(aligned) -> None:
    _, records = aligned
    mapped, unmapped = only(records, 4, 1), only(records, 4, 2)
    assert mapped.mate_is_unmapped and unmapped.is_unmapped and not mapped.is_proper_pair
    assert (unmapped.reference_start, unmapped.next_reference_start) == (1000, 1000)
    assert (mapped.next_reference_start, mapped.template_length, unmapped.mapping_quality) == (1000, 0, 0)
    for mate in (1, 2):
        read = only(records, 5, mate)
        assert read.is_unmapped and read.mate_is_unmapped and read.reference_id == -1


def test_mates_on_other_contigs(aligned) -> None:
    _, records = aligned
    one, two = only(records, 6, 1), only(records, 6, 2)
    assert (one.reference_name, one.next_reference_name) == ("one", "two")
    assert (two.reference_name, two.next_reference_name, two.next_reference_start) == ("two", "one", 5000)
    assert one.template_length == two.template_length == 0 and not one.is_proper_pair


def test_split_reads_have_a_supplementary_alignment(aligned) -> None:
    _, records = aligned
    parts = records[("p7", False)]
    assert sorted(read.is_supplementary for read in parts) == [False, True]
    assert sorted(read.reference_start for read in parts) == [3000, 12_000]
    assert all(read.query_length == L and read.has_tag("SA") for read in parts)


def test_duplicates_are_marked(aligned) -> None:
    _, records = aligned
    assert only(records, 8, 1).is_duplicate and only(records, 8, 2).is_duplicate and not only(records, 0, 1).is_duplicate


def test_the_command_minimap2_stands_in_for_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is for Linux on x86-64 only. Here the command is the package, run by a process of its own."""
    pytest.importorskip("pyminimap2")
    genome = Genome(["one"], np.array([0, 5_000]), random_bases(5_000, 0.5, np.random.default_rng(2)))
    write_fasta(genome, tmp_path / "r.fa")
    build_index(tmp_path / "r.fa", tmp_path / "package.mmi")

    command = tmp_path / "bin" / "minimap2"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nimport sys, pyminimap2\nsys.stderr.write(pyminimap2.main(sys.argv[1:])[1])\n")
    command.chmod(0o755)
    monkeypatch.setitem(sys.modules, "pyminimap2", None)
    monkeypatch.setenv("PATH", str(command.parent))
    build_index(tmp_path / "r.fa", tmp_path / "command.mmi")
    assert (tmp_path / "command.mmi").read_bytes() == (tmp_path / "package.mmi").read_bytes()
    with pytest.raises(RuntimeError, match=r"minimap2 failed: .*absent\.fa"):
        build_index(tmp_path / "absent.fa", tmp_path / "absent.mmi")

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"'pip install pyminimap2' .* or the command minimap2 in PATH"):
        build_index(tmp_path / "r.fa", tmp_path / "neither.mmi")
