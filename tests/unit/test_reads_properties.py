"""Properties of an alignment, on reads whose properties are known."""

import gzip
import random
from pathlib import Path

import numpy as np
import pysam
import pytest

from small_bams import Read, random_pairs, random_sequence, write_bam, write_fasta
from varproof.formats.alignment import AlignmentProperties
from varproof.machinery.errors import UserError
from varproof.reads.decode import open_reads
from varproof.reads.properties import GAP_OPEN_PRIOR, estimate_properties, robust_mean_and_sd
from varproof.reads.reference import open_reference
from varproof.reads.regions import merged, read_regions
from varproof.reads.sampling import WHOLE_WINDOW, WINDOW, region_windows, sampled_windows


def pair(name: str, start: int, insert: int, reference: str, length: int = 50) -> list[Read]:
    """A clean pair with the given outer distance."""
    second = start + insert - length
    return [
        Read(name, start, f"{length}M", reference[start : start + length], [37] * length, 0x1 | 0x20 | 0x40, 60, second),
        Read(name, second, f"{length}M", reference[second : second + length], [37] * length, 0x1 | 0x10 | 0x80, 60, start),
    ]


def estimated(
    folder: Path, contigs: dict[str, str], reads: list[Read], max_reads: int = 500_000, lengths: dict[str, int] | None = None
) -> AlignmentProperties:
    bam = write_bam(folder / "reads.bam", lengths or {name: len(text) for name, text in contigs.items()}, reads)
    fasta = write_fasta(folder / "ref.fa", contigs)
    with open_reads(bam, None) as handle, open_reference(fasta) as genome:
        return estimate_properties(handle, genome, sampled_windows(handle, list(contigs), max_reads), max_reads)


def test_insert_size_is_robust_and_depth_counts_fragments_once(tmp_path: Path) -> None:
    rng = random.Random(1)
    reference = random_sequence(rng, 8000)
    reads = []
    for i in range(900):
        insert = round(rng.gauss(300, 30)) if i % 20 else rng.randint(900, 1900)
        reads += pair(f"r{i}", rng.randrange(0, 8000 - insert), insert, reference)
    found = estimated(tmp_path, {"one": reference}, reads)
    assert found.insert_size_mean == pytest.approx(300, abs=4)
    assert found.insert_size_sd == pytest.approx(30, abs=3)
    assert (found.max_read_length, found.reads_used) == (50, 1800)
    assert (found.max_insertion_operation, found.max_deletion_operation, found.max_softclip_fraction) == (0, 0, 0)
    overlapping = [read for i in range(30) for read in pair(f"o{i}", 1000, 70, reference)]
    (tmp_path / "two").mkdir()
    assert estimated(tmp_path / "two", {"one": reference}, overlapping).depth == 30


def test_templates_include_clips_and_skip_pairs_that_point_apart(tmp_path: Path) -> None:
    reference = random_sequence(random.Random(2), 3000)
    reads = []
    for i in range(40):
        first, second = pair(f"r{i}", 100 + 10 * i, 200, reference)
        first.cigar, first.start = "10S40M", first.start + 10
        second.cigar = "45M5S"
        reads += [first, second]
    for i in range(40):
        first, second = pair(f"apart{i}", 100 + 10 * i, 400, reference)
        first.flag, second.flag = first.flag ^ 0x30, second.flag ^ 0x30
        reads += [first, second]
    found = estimated(tmp_path, {"one": reference}, reads)
    assert found.insert_size_mean == 200
    assert found.max_softclip_fraction == 0.2


def test_single_end_reads_have_no_insert_size(tmp_path: Path) -> None:
    reference = random_sequence(random.Random(3), 2000)
    reads = [Read(f"r{i}", i * 5, "60M", reference[i * 5 : i * 5 + 60]) for i in range(300)]
    found = estimated(tmp_path, {"one": reference}, reads)
    assert (found.insert_size_mean, found.insert_size_sd) == (None, None)
    assert found.depth == round(300 * 60 / (299 * 5 + 60), 2)


def test_gap_rates_leave_repeats_and_shared_gaps_out(tmp_path: Path) -> None:
    left, right = "GATCTGCATGCCGTAGCTAGGTCATCAGTC", "CGATGTACCTGATTGCAGTCATGCCATGGA"
    reference = left + "A" * 10 + right
    clean = Read("", 0, "70M", reference)
    reads = [Read(f"r{i}", 0, clean.cigar, reference) for i in range(200)]
    reads.append(Read("one", 0, "12M1I58M", reference[:12] + "T" + reference[12:]))
    reads.append(Read("two", 0, "15M2D53M", reference[:15] + reference[17:]))
    reads += [Read(f"shared{i}", 0, "20M1D49M", reference[:20] + reference[21:]) for i in range(40)]
    reads += [Read(f"slip{i}", 0, "30M1D39M", reference[:30] + reference[31:]) for i in range(9)]
    reads.append(Read("unsure", 0, "12M1I58M", reference[:12] + "T" + reference[12:], mapq=3))
    found = estimated(tmp_path, {"one": reference}, reads)
    outside = 70 - 12
    aligned = outside * 251 - 2 - 40
    assert found.gap_open_insertion == pytest.approx((1 + GAP_OPEN_PRIOR[1] * 1e5) / (aligned + 1e5), rel=1e-3)
    assert found.gap_open_deletion == pytest.approx((1 + GAP_OPEN_PRIOR[-1] * 1e5) / (aligned + 1e5), rel=1e-3)
    assert found.gap_extend_insertion == 0.0
    assert found.gap_extend_deletion == pytest.approx(1 / 3, abs=1e-4)
    assert found.max_deletion_operation == 2
    rows = {(row.unit_length, row.units): row for row in found.error_profile.slippage} if found.error_profile else {}
    assert rows[1, 10].lost == [9, 0, 0]


def test_robust_mean_and_sd() -> None:
    values = np.random.default_rng(4).normal(400, 60, 20_000).round().astype(int)
    histogram = np.bincount(np.concatenate([values, np.full(800, 9000)]), minlength=10_000)
    mean, sd = robust_mean_and_sd(histogram) or (0.0, 0.0)
    assert mean == pytest.approx(400, abs=2)
    assert sd == pytest.approx(60, abs=1.5)
    assert robust_mean_and_sd(np.bincount(np.full(50, 250))) == (250, 1)
    assert robust_mean_and_sd(np.bincount(np.full(19, 250))) is None


def test_no_usable_reads(tmp_path: Path) -> None:
    reference = random_sequence(random.Random(3), 500)
    with pytest.raises(UserError, match="no usable reads"):
        estimated(tmp_path, {"one": reference}, [Read("dup", 10, "60M", reference[10:70], flag=0x400)])


def test_a_small_file_is_seen_whole_and_a_large_one_everywhere(tmp_path: Path) -> None:
    rng = random.Random(9)
    contigs = {"one": random_sequence(rng, 150_000), "two": random_sequence(rng, 40_000), "empty": "ACGT" * 100}
    reads = []
    for contig, (name, text) in enumerate(list(contigs.items())[:2]):
        for i in range(len(text) // 100 - 4):
            if name == "one" and 300 <= i < 600:
                continue
            for read in pair(f"{name}{i}", i * 100, 300, text):
                read.contig = contig
                reads.append(read)
    bam = write_bam(tmp_path / "r.bam", {name: len(text) for name, text in contigs.items()}, reads)
    with open_reads(bam, None) as handle:
        every = list(sampled_windows(handle, list(contigs), 100_000))
        spread = list(sampled_windows(handle, list(contigs), 500))
    behind_gap = 60_000  # the gap is from 30 to 60 kb
    assert every[:2] == [("one", 0, WHOLE_WINDOW), ("one", behind_gap, behind_gap + WHOLE_WINDOW)]
    assert every[2:] == [("one", behind_gap + WHOLE_WINDOW, 150_000), ("two", 0, 40_000)]
    assert len(set(spread)) == len(spread)
    assert {(name, end - start) for name, start, end in spread} == {("one", WINDOW), ("two", WINDOW)}
    assert all(any(name == one and start < high and low < end for one, low, high in every) for name, start, end in spread)
    assert len(spread) > 10
    assert {window[0] for window in spread[:6]} == {"one", "two"}
    found = estimated(tmp_path, contigs, reads)
    assert found.reads_used == len(reads)
    fewer = estimated(tmp_path, contigs, reads, max_reads=500)
    assert 500 <= fewer.reads_used < 800
    assert fewer == estimated(tmp_path, contigs, reads, max_reads=500)


@pytest.mark.parametrize(("beside", "packed"), [("r.cram.crai", True), ("r.crai", False)])
def test_small_cram_is_looked_at_as_a_bam_is(tmp_path: Path, beside: str, packed: bool) -> None:
    rng = random.Random(4)
    contigs = {"one": random_sequence(rng, 90_000), "two": random_sequence(rng, 30_000)}
    reads = [read for i in range(300) for read in pair(f"p{i}", 100 * i, 300, contigs["two"])[:2] if i * 100 < 29_000]
    for read in reads:
        read.contig = 1
    bam = write_bam(tmp_path / "r.bam", {name: len(text) for name, text in contigs.items()}, reads)
    fasta = write_fasta(tmp_path / "ref.fa", contigs)
    cram, index = tmp_path / "r.cram", tmp_path / "r.cram.crai"
    pysam.view("-C", "-T", str(fasta), "-o", str(cram), str(bam), catch_stdout=False)
    pysam.index(str(cram))
    content = index.read_bytes() if packed else gzip.decompress(index.read_bytes())
    index.unlink()
    (tmp_path / beside).write_bytes(content)
    found = []
    for path in (bam, cram):
        with open_reads(path, fasta) as handle:
            found += [(list(sampled_windows(handle, list(contigs), most)), most) for most in (20_000, 1)]
    assert found[:2] == found[2:]
    assert found[0][0] == [("two", 0, 30_000)] and len(found[1][0]) == 3


def test_windows_of_regions() -> None:
    windows = list(region_windows({"one": [(5, 25_000)], "two": [(100, 9999)]}, {"one": 21_000, "two": 500}))
    assert sorted(windows) == [("one", 5, 10_005), ("one", 10_005, 20_005), ("one", 20_005, 21_000), ("two", 100, 500)]


def test_regions_are_read_merged_and_checked(tmp_path: Path) -> None:
    bed = tmp_path / "r.bed"
    bed.write_text("track name=x\n#comment\none\t5\t9\textra\none\t0\t6\n\ntwo 3 4\n")
    assert read_regions(bed) == {"one": [(0, 9)], "two": [(3, 4)]}
    assert merged([(3, 3)]) == []
    bed.write_text("one\t5\t9\none\tx\t9\n")
    with pytest.raises(UserError, match="line 2"):
        read_regions(bed)
    with pytest.raises(UserError, match="No such file"):
        read_regions(tmp_path / "absent.bed")
    with pytest.raises(UserError, match="folder"):
        read_regions(tmp_path)


def test_operations_of_random_reads(tmp_path: Path) -> None:
    import pysam

    reference = random_sequence(random.Random(6), 4000)
    found = estimated(tmp_path, {"one": reference}, random_pairs(2, reference, 300))
    with pysam.AlignmentFile(str(tmp_path / "reads.bam")) as handle:
        kept = [read for read in handle if not read.flag & 0xF04]
    sure = [read for read in kept if read.mapping_quality > 0]
    longest = {op: max(n for read in sure for o, n in read.cigartuples if o == op) for op in (1, 2, 4)}
    assert (found.max_insertion_operation, found.max_deletion_operation) == (longest[1], longest[2])
    assert found.max_softclip_fraction == pytest.approx(longest[4] / 60, abs=1e-4)
    fragments: dict[int, set[str]] = {}
    for read in kept:
        for first, last in read.get_blocks():
            for p in range(first, last):
                fragments.setdefault(p, set()).add(read.query_name)
        for _, p in read.get_aligned_pairs():
            if p is not None:
                fragments.setdefault(p, set()).add(read.query_name)
    depth = sum(len(names) for names in fragments.values()) / len(fragments)
    assert found.depth == pytest.approx(depth, rel=0.003)
