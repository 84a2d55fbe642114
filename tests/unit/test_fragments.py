"""From reads to one observation per fragment: mates, strands, insert sizes, and reads that don't count."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from evidence_examples import PROPERTIES, SINGLE_END, Locus, collected, log_ratios, plain_sequence, reverse_complement
from small_bams import Read
from varproof.evidence.fragments_numba_fns import (
    OUTLIER_FRAGMENTS,
    combined_mates,
    insert_log_ratio,
    log_insert_size,
    observations,
    paired_fragments,
)
from varproof.evidence.sample import Sample
from varproof.formats.evidence import Evidence
from varproof.posterior.likelihood_numba_fns import frequency_log_likelihoods

AT = 1000
REFERENCE = plain_sequence(2500)
OTHER = "ACGT"[("ACGT".index(REFERENCE[AT]) + 1) % 4]
Q30, Q20 = math.log((1 - 1e-3) / (1e-3 / 3)), math.log((1 - 1e-2) / (1e-2 / 3))
STEP = 1 / 32
"""Log ratios are stored in steps of this."""


def snv() -> Locus:
    return Locus(REFERENCE, AT, AT + 1, OTHER)


def test_overlapping_mates_count_once(tmp_path: Path) -> None:
    """A fragment of 120 bp read from both ends with 100 bp: both cover the variant, one observation, one read's weight."""
    item = snv()
    item.add_pair(AT - 60, True, length=120)
    evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()])
    assert evidence.depth.tolist() == [1]
    assert log_ratios(evidence) == pytest.approx([Q30], abs=STEP)
    assert evidence.strand.tolist() == [3]


@pytest.mark.parametrize("better", [0, 1])
def test_mates_that_agree_are_as_good_as_the_better(better: int, tmp_path: Path) -> None:
    item = snv()
    item.add_pair(AT - 60, True, length=120, quality=20)
    item.reads[better].qualities = [30] * 100
    assert log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()])) == pytest.approx([Q30], abs=STEP)


def test_mates_that_disagree_cancel(tmp_path: Path) -> None:
    """One mate reads the variant with quality 30, the other the reference with quality 20: what is left is the difference."""
    item = snv()
    item.add_pair(AT - 60, True, length=120)
    second = item.reads[1]
    at = AT - second.start
    second.sequence = second.sequence[:at] + REFERENCE[AT] + second.sequence[at + 1 :]
    second.qualities = [20] * 100
    evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()])
    assert log_ratios(evidence) == pytest.approx([Q30 - Q20], abs=STEP)
    assert evidence.depth.tolist() == [1]


def test_combined_mates() -> None:
    assert combined_mates(3.0, 5.0) == combined_mates(5.0, 3.0) == 5.0
    assert combined_mates(-3.0, -5.0) == -5.0
    assert combined_mates(4.0, -5.0) == -1.0
    assert combined_mates(4.0, 0.0) == 4.0


@pytest.mark.parametrize("first_forward", [True, False])
def test_strand_and_orientation(first_forward: bool, tmp_path: Path) -> None:
    """The paper's S: seen by the forward read, by the reverse read, by both; and which read of the pair is the forward one."""
    for start, length, strand in [(AT - 50, 300, 1), (AT - 250, 300, 2), (AT - 60, 120, 3)]:
        item = snv()
        item.add_pair(start, True, length=length, first_forward=first_forward)
        evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()])
        assert evidence.strand.tolist() == [strand]
        assert evidence.orientation.tolist() == [0 if first_forward else 1]
        assert log_ratios(evidence) == pytest.approx([Q30], abs=STEP)


def test_identical_observations_are_one_row(tmp_path: Path) -> None:
    item = snv()
    for _ in range(5):
        item.add_pair(AT - 50, True)
    item.add_pair(AT - 50, False)
    evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()])
    assert sorted(evidence.count.tolist()) == [1, 5]
    assert evidence.depth.tolist() == [6]
    assert log_ratios(evidence) == pytest.approx([-Q30] + [Q30] * 5, abs=STEP)


@pytest.mark.parametrize("flag", [0x100, 0x200, 0x400, 0x800])
def test_secondary_failed_duplicate_and_supplementary_reads_are_left_out(flag: int, tmp_path: Path) -> None:
    item = snv()
    item.add_pair(AT - 50, True, flag=flag)
    evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()])
    assert evidence.depth.tolist() == [0] and len(evidence.log_ratio) == 0
    assert evidence.judged.tolist() == [1]


def likelihoods(evidence: Evidence) -> np.ndarray:
    grid = np.linspace(0, 1, 11)
    return frequency_log_likelihoods(
        evidence.offset, evidence.log_ratio, evidence.mapq, evidence.count, evidence.sampling_ratio,
        evidence.slip_forward, evidence.slip_back, np.zeros(evidence.size), grid,
    )[0]  # fmt: skip


def test_reads_of_mapping_quality_0_say_nothing_about_the_frequency(tmp_path: Path) -> None:
    """They are counted, and their likelihood is flat; with quality 60 the same reads exclude both ends."""
    found = {}
    for mapq in (0, 60):
        item = snv()
        for i in range(10):
            item.add_pair(AT - 50 - i, i < 5, mapq=mapq)
        evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()])
        assert evidence.depth.tolist() == [10]
        found[mapq] = likelihoods(evidence)
    assert np.ptp(found[0]) < 1e-4
    assert np.argmax(found[60]) == 5 and found[60][5] - max(found[60][0], found[60][-1]) > 30


def test_the_worse_mapping_quality_of_overlapping_mates_counts(tmp_path: Path) -> None:
    item = snv()
    item.add_pair(AT - 60, True, length=120)
    item.reads[1].mapq = 7
    assert collected(tmp_path, REFERENCE, item.reads, [item.record()]).mapq.tolist() == [7]


# insert sizes: mean 300, sd 30


def density(length: float) -> float:
    """Ln of the mixture: Gaussian, and a few outliers of any length, evenly within 8 sd of width."""
    return math.log((1 - OUTLIER_FRAGMENTS) * norm.pdf(length, 300, 30) + OUTLIER_FRAGMENTS / 240)


def test_insert_size_density_by_hand() -> None:
    for length in (300.0, 331.0, 210.0, 470.0):
        assert log_insert_size(length, 300.0, 30.0) == pytest.approx(density(length), abs=1e-12)


def test_insert_size_tails_are_finite_and_even() -> None:
    """However far out, a length has some probability, and a length further out tells nothing more."""
    far = [log_insert_size(float(length), 300.0, 30.0) for length in (-(10**6), 0, 600, 1000, 10**6)]
    assert np.isfinite(far).all()
    assert np.ptp(far) < 1e-6


@pytest.mark.parametrize("change", [-150, -60, 60, 150])
def test_insert_size_of_fragments_that_span_an_indel(change: int, tmp_path: Path) -> None:
    """Pairs whose reads don't touch it: f(z + change) / f(z) by eqs. 19 and 20, and no strand."""
    if change > 0:
        item = Locus(REFERENCE, AT, AT, plain_sequence(change, seed=5))
    else:
        item = Locus(REFERENCE, AT, AT - change, "")
    mean = PROPERTIES.model_copy(update={"insert_size_mean": 420.0})
    item.add_pair(AT - 130, True, length=420, read_length=100)
    item.add_pair(AT - 115, False, length=420, read_length=100)
    if change < -100:
        item.reads = [read for read in item.reads if read.name.startswith("alt")]
    evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()], mean)
    expected = [density(300) - density(300 - change)]
    if change > -100:
        expected.append(density(300 + change) - density(300))
    assert log_ratios(evidence) == pytest.approx(sorted(expected), abs=STEP)
    assert expected[0] > 1.5
    assert evidence.depth.tolist() == [0]
    assert set(evidence.strand.tolist()) == {0}


def test_insert_size_adds_to_the_reads(tmp_path: Path) -> None:
    """A read across a deletion of 60 and the fragment's length: both speak, and their logarithms add up (eqs. 21, 22)."""
    item = Locus(REFERENCE, AT, AT + 60, "")
    item.add_pair(AT - 20, True, length=300)
    with_size = log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()]))
    without = log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()], SINGLE_END))
    assert with_size[0] - without[0] == pytest.approx(density(300) - density(360), abs=2 * STEP)


def test_no_insert_size_evidence_where_there_can_be_none() -> None:
    """Substitutions, fragments that end beside the candidate, fragments that are far too long, no known insert size."""
    tables = Sample.from_properties(PROPERTIES).tables
    assert insert_log_ratio(800, 1200, 1000, 1060, -60, tables) > 0
    assert insert_log_ratio(800, 1200, 1000, 1060, 0, tables) == 0
    assert insert_log_ratio(800, 1050, 1000, 1060, -60, tables) == 0
    assert insert_log_ratio(1010, 1300, 1000, 1060, -60, tables) == 0
    assert insert_log_ratio(-1, -1, 1000, 1060, -60, tables) == 0
    assert insert_log_ratio(800, 9000, 1000, 1060, -60, tables) == 0
    assert insert_log_ratio(800, 1200, 1000, 1060, -60, Sample.from_properties(SINGLE_END).tables) == 0


def test_single_end_reads(tmp_path: Path) -> None:
    """Unpaired reads type a long deletion by its breakpoints, with strands, with no orientation lost on them."""
    item = Locus(REFERENCE, AT, AT + 60, "")
    for i in range(4):
        item.add_read(AT - 45 - i, True, reverse=i % 2 == 0)
        item.add_read(AT - 45 - i, False, reverse=i % 2 == 0)
    evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()], SINGLE_END)
    found = log_ratios(evidence)
    assert max(found[:4]) < -15 and min(found[4:]) > 15
    assert evidence.depth.tolist() == [8]
    assert set(evidence.strand.tolist()) == {1, 2}


# unmapped mates


def insertion() -> Locus:
    return Locus(REFERENCE, AT, AT, plain_sequence(160, seed=9))


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_unmapped_mate_inside_a_long_insertion_supports_it(side: str, tmp_path: Path) -> None:
    """The mapped mate lies beside the insertion and points at it; the other is nowhere in the reference."""
    item = insertion()
    item.add_pair(AT + 30 if side == "left" else AT + 130 - 300, True)
    unmapped = [bool(read.flag & 0x4) for read in item.reads]
    assert unmapped == [side == "left", side == "right"]
    evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()])
    assert len(log_ratios(evidence)) == 1 and log_ratios(evidence)[0] > 10
    assert evidence.mapq.tolist() == [60]


def test_an_unmapped_mate_is_read_on_either_strand(tmp_path: Path) -> None:
    """Aligners keep an unmapped read as sequenced or flag it as reversed: the mate's strand tells how it must lie."""
    item = insertion()
    item.add_pair(AT + 130 - 300, True)
    as_sequenced = log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()]))
    turned = item.reads[1]
    turned.sequence, turned.flag = reverse_complement(turned.sequence), turned.flag | 0x10
    item.reads[0].flag |= 0x20
    assert log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()])) == as_sequenced


def test_other_unmapped_mates_say_nothing(tmp_path: Path) -> None:
    """Random bases, a mate that points away, and a mate too far off."""
    junk = insertion()
    junk.add_pair(AT + 130 - 300, True)
    junk.reads[1].sequence = plain_sequence(100, seed=1234)
    far = insertion()
    far.add_pair(AT + 130 - 300, True)
    for read in far.reads:
        read.start = read.mate_start = AT - 900
    far.reads[0].sequence = REFERENCE[AT - 900 : AT - 800]
    for item in (junk, far):
        assert log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()])) == []


def test_reads_without_a_mate_here_are_single_evidence(tmp_path: Path) -> None:
    """The mate maps elsewhere: the read counts, its fragment's length doesn't."""
    item = Locus(REFERENCE, AT, AT + 60, "")
    item.add_pair(AT - 40, True)
    item.reads = item.reads[:1]
    item.reads[0].mate_start = 2300
    evidence = collected(tmp_path, REFERENCE, item.reads, [item.record()])
    alone = collected(tmp_path, REFERENCE, item.reads, [item.record()], SINGLE_END)
    assert log_ratios(evidence) == log_ratios(alone)
    assert evidence.depth.tolist() == [1]


def test_max_depth_keeps_whole_fragments_and_always_the_same(tmp_path: Path) -> None:
    item = snv()
    for i in range(400):
        item.add_pair(AT - 60 + i % 20, i % 2 == 0, length=120)
    for read, name in zip(item.reads, np.repeat(np.arange(400), 2), strict=True):
        read.name = f"fragment{name}"
    found = [collected(tmp_path, REFERENCE, item.reads, [item.record()], max_depth=depth) for depth in (None, 40, 40)]
    assert found[0].depth.tolist() == [400]
    assert 0 < found[1].used[0] < 300 and found[1].count.sum() == found[1].used[0]
    assert found[1].used.tolist() == found[2].used.tolist()
    assert found[1].depth.tolist() == [400], "what the limit leaves out counts all the same"
    assert (found[0].reference_count[0], found[0].alternative_count[0]) == (200, 200)
    assert abs(int(found[1].reference_count[0] + found[1].alternative_count[0]) - 400) <= 1, "scaled up"
    assert log_ratios(found[1]) == log_ratios(found[2])
    assert set(found[1].strand.tolist()) == {3}


def test_reads_that_only_touch_a_candidate_are_no_evidence(tmp_path: Path) -> None:
    """A read that ends right before an SNV, or begins right after it."""
    item = snv()
    for start in (AT - 100, AT + 1):
        item.reads.append(Read(f"r{start}", start, "100M", REFERENCE[start : start + 100], [30] * 100))
    assert all(value == 0 for value in log_ratios(collected(tmp_path, REFERENCE, item.reads, [item.record()])))


def test_kernels_are_compiled_once(tmp_path: Path) -> None:
    """Whatever the data: no reads, one, many, paired or not. Compiling takes longer than a small run."""
    for count in (0, 1, 5):
        item = snv()
        for _ in range(count):
            item.add_read(AT - 50, True)
        collected(tmp_path, REFERENCE, item.reads, [item.record()], SINGLE_END)
        collected(tmp_path, REFERENCE, item.reads, [item.record()], PROPERTIES)
    assert len(observations.signatures) == 1
    assert len(paired_fragments.signatures) == 1
