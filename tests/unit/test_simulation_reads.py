"""Reads are what their molecules hold, wrong as often as their qualities say, and damaged as the switches say."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from varproof.simulation.artifacts import ArtifactCounts, slippage_allele
from varproof.simulation.copies import Copy, molecules
from varproof.simulation.genome import Genome, RepeatTracts, random_bases, random_genome, repeat_tracts, reverse_complement
from varproof.simulation.pair import ChunkTask, decide_truth
from varproof.simulation.reads import ReadModel, ReadPairs, simulate_reads, tract_positions
from varproof.simulation.settings import SimulationSettings
from varproof.simulation.variants import Edit

NOTHING = np.empty(0, dtype=np.float32)
READ_LENGTH = 60


def plain_genome(length: int = 20_000, seed: int = 1) -> Genome:
    bases = random_bases(length, 0.5, np.random.default_rng(seed))
    return Genome(["c"], np.array([0, length]), bases)


def read_model(**changes: Any) -> ReadModel:
    empty = np.empty(0, dtype=np.int64)
    values: dict[str, Any] = {
        "read_length": READ_LENGTH,
        "insert_size_mean": 200.0,
        "insert_size_sd": 20.0,
        "duplicate_fraction": 0.0,
        "error_inflation": 1.0,
        "end_error_rate": 0.0,
        "damage_rate": 0.0,
        "hot_oxidation": NOTHING,
        "hot_deamination": NOTHING,
        "tracts": RepeatTracts(empty, empty, empty),
        "tract_rate": np.empty(0),
    }
    return ReadModel(**(values | changes))


def sequence(
    genome: Genome, alleles: list[Edit], copies: list[list[int]], fragments: int, seed: int = 1, **changes: Any
) -> ReadPairs:
    model = read_model(**changes)
    flat = molecules(alleles, [Copy(0, len(genome), np.array(carried, dtype=np.int64)) for carried in copies])
    tract_at = tract_positions(len(genome), model.tracts)
    rng = np.random.default_rng(seed)
    weights = np.full(len(copies), 1 / len(copies))
    return simulate_reads(genome.bases, genome.starts, flat, weights, model, tract_at, fragments, rng)


def written_copy(genome: Genome, alleles: list[Edit]) -> bytes:
    text, at = b"", 0
    for allele in sorted(alleles):
        text += genome.text[at : allele.start] + allele.alt
        at = allele.end
    return text + genome.text[at:]


def expected_mates(copy: bytes, begin: int, length: int) -> tuple[bytes, bytes]:
    fragment = np.frombuffer(copy[begin : begin + length], dtype=np.uint8)
    return fragment[:READ_LENGTH].tobytes(), reverse_complement(fragment)[:READ_LENGTH].tobytes()


def test_error_free_reads_are_the_ends_of_fragments_of_their_copy() -> None:
    genome = plain_genome(3_000)
    alleles = [
        Edit(500, 501, b"A" if genome.text[500:501] != b"A" else b"C"),
        Edit(700, 900, b""),
        Edit(1000, 1000, b"ACGTTGCA" * 20),
        Edit(1500, 1503, reverse_complement(genome.bases[1500:1503]).tobytes()),
        Edit(2000, 2001, b""),
        Edit(2100, 2100, b"T"),
    ]
    carried = [[0, 1, 2, 3, 4, 5], [0, 2, 4], [], [1, 3, 5]]
    copies = [written_copy(genome, [alleles[i] for i in part]) for part in carried]
    pairs = sequence(genome, alleles, carried, 3_000, error_inflation=0.0)
    assert len(pairs.bases) > 2_500
    forward = 0
    for i in range(len(pairs.bases)):
        left, right = expected_mates(copies[pairs.copy[i]], int(pairs.begin[i]), int(pairs.length[i]))
        got = (pairs.bases[i, 0].tobytes(), pairs.bases[i, 1].tobytes())
        assert got in ((left, right), (right, left))
        forward += got == (left, right)
    assert stats.binomtest(forward, len(pairs.bases), 0.5).pvalue > 1e-4


def test_copies_are_drawn_in_proportion_to_their_own_length() -> None:
    genome = plain_genome(2_000)
    pairs = sequence(genome, [Edit(500, 1_500, b"")], [[], [0]], 60_000, insert_size_mean=100, insert_size_sd=0)
    starts = [2_000 - 100 + 1, 1_000 - 100 + 1]
    shares = np.array(starts) / sum(starts)
    assert stats.binomtest(int((pairs.copy == 0).sum()), len(pairs.copy), shares[0]).pvalue > 1e-4
    # A base far from the deletion is as deep in both copies.
    over = (pairs.begin <= 300) & (pairs.begin + pairs.length > 300)
    assert stats.binomtest(int((pairs.copy[over] == 0).sum()), int(over.sum()), 0.5).pvalue > 1e-4


def true_bases(genome: Genome, pairs: ReadPairs) -> np.ndarray:
    """What error-free sequencing would have read, for pairs of the reference itself; the closer of the two orientations."""
    right = np.array(
        [
            [np.frombuffer(mate, np.uint8) for mate in expected_mates(genome.text, int(begin), int(length))]
            for begin, length in zip(pairs.begin, pairs.length, strict=True)
        ]
    )
    swapped = (pairs.bases[:, 0] != right[:, 0]).sum(1) > READ_LENGTH // 2
    right[swapped] = right[swapped][:, ::-1]
    return right


@pytest.mark.parametrize("inflation", [1.0, 2.0])
def test_bases_are_wrong_as_often_as_their_quality_says(inflation: float) -> None:
    genome = plain_genome()
    pairs = sequence(genome, [], [[]], 20_000, error_inflation=inflation)
    right = true_bases(genome, pairs)
    wrong = pairs.bases != right
    for quality in (2, 11, 25, 37):
        among = pairs.qualities == quality
        rate = min(0.75, inflation * 10 ** (-quality / 10))
        assert stats.binomtest(int(wrong[among].sum()), int(among.sum()), rate).pvalue > 1e-4
    substitutes = np.bincount(pairs.bases[wrong & (right == ord("A"))], minlength=256)[[ord(b) for b in "CGT"]]
    assert stats.chisquare(substitutes).pvalue > 1e-4


def test_damage_shows_in_one_orientation_only() -> None:
    genome = plain_genome(5_000)
    zeros = np.zeros(5_000, np.float32)
    pairs = sequence(genome, [], [[]], 3_000, error_inflation=0.0, damage_rate=0.02, hot_oxidation=zeros, hot_deamination=zeros)
    right = true_bases(genome, pairs)
    changes = {}
    for mate in (0, 1):
        wrong = pairs.bases[:, mate] != right[:, mate]
        for was, reads in zip(right[:, mate][wrong].tolist(), pairs.bases[:, mate][wrong].tolist(), strict=True):
            key = (mate + 1, f"{chr(was)}>{chr(reads)}")
            changes[key] = changes.get(key, 0) + 1
    assert set(changes) == {(1, "G>T"), (2, "C>A"), (1, "C>T"), (2, "G>A")}
    for (mate, change), found in changes.items():
        susceptible = int((right[:, mate - 1] == ord(change[0])).sum())
        assert stats.binomtest(found, susceptible, 0.02).pvalue > 1e-4


def test_hot_spots_have_their_rate_and_are_reported() -> None:
    genome = plain_genome(2_000)
    at = genome.text.index(b"G", 900)
    rates = np.zeros(2_000, np.float32)
    rates[at] = 0.2
    pairs = sequence(
        genome, [], [[]], 20_000, error_inflation=0.0, hot_oxidation=rates, hot_deamination=np.zeros(2_000, np.float32)
    )
    assert set(pairs.event_position.tolist()) == {at}
    assert set(pairs.event_base.tolist()) == {ord("T")}
    left = (pairs.begin <= at) & (pairs.begin + READ_LENGTH > at)
    right = (pairs.begin + pairs.length - READ_LENGTH <= at) & (pairs.begin + pairs.length > at)
    covering = int(left.sum() + right.sum())
    assert stats.binomtest(len(pairs.event_position), covering, 0.1).pvalue > 1e-4  # half of the fragments are susceptible


def test_end_errors_are_in_the_last_bases() -> None:
    genome = plain_genome()
    pairs = sequence(genome, [], [[]], 10_000, error_inflation=0.0, end_error_rate=0.2)
    wrong = pairs.bases != true_bases(genome, pairs)
    assert not wrong[:, :, :-8].any()
    assert len(pairs.event_kind) == wrong.sum()
    ramp = 0.2 * np.arange(1, 9) / 8
    for rate, found in zip(ramp, wrong[:, :, -8:].sum((0, 1)), strict=True):
        assert stats.binomtest(int(found), 2 * len(pairs.bases), rate).pvalue > 1e-4
    for position, base in zip(pairs.event_position[:200].tolist(), pairs.event_base[:200].tolist(), strict=True):
        assert genome.text[position] != base


def test_duplicates_repeat_the_fragment_and_are_marked() -> None:
    genome = plain_genome()
    pairs = sequence(genome, [], [[]], 10_000, error_inflation=0.0, duplicate_fraction=0.2)
    assert stats.binomtest(int(pairs.duplicate.sum()), int((~pairs.duplicate).sum()), 0.2).pvalue > 1e-4
    marked = np.flatnonzero(pairs.duplicate)
    assert (pairs.bases[marked] == pairs.bases[marked - 1]).all()


def test_slippage_changes_whole_units_at_its_rate() -> None:
    text = plain_genome(400, 5).text[:190] + b"C" + b"A" * 14 + b"G" + plain_genome(400, 6).text[:194]
    genome = Genome(["c"], np.array([0, 400]), np.frombuffer(text, dtype=np.uint8))
    tracts = RepeatTracts(np.array([191]), np.array([205]), np.array([1]))
    pairs = sequence(
        genome, [], [[]], 20_000, error_inflation=0.0, tracts=tracts, tract_rate=np.array([0.06]), insert_size_sd=0.0
    )
    spanning = (pairs.begin < 191) & (pairs.begin + pairs.length > 191)
    assert stats.binomtest(len(pairs.slip_tract), int(spanning.sum()), 0.06).pvalue > 1e-4
    lost = int((pairs.slip_units < 0).sum())
    assert stats.binomtest(lost, len(pairs.slip_units), 2 / 3).pvalue > 1e-4
    seen = {n for n in range(10, 19) if any(b"C" + b"A" * n + b"G" in read.tobytes() for read in pairs.bases[:, 0])}
    assert seen == {12, 13, 14, 15, 16}


def test_slippage_alleles_are_left_aligned_and_counted() -> None:
    genome = Genome(["c"], np.array([0, 21]), np.frombuffer(b"GTCCATATATATATGGCGTCG", dtype=np.uint8))
    tracts = repeat_tracts(genome)
    assert list(zip(tracts.start, tracts.end, tracts.unit, strict=True)) == [(4, 14, 2)]
    assert slippage_allele(genome, tracts, 0, -1) == Edit(4, 6, b"")
    assert slippage_allele(genome, tracts, 0, 2) == Edit(4, 4, b"ATAT")
    counts = ArtifactCounts()
    one = np.array([3])
    counts.add(one, np.array([ord("T")]), np.array([1]), np.array([0, 0]), np.array([-1, -1]))
    counts.add(one, np.array([ord("T")]), np.array([1]), np.array([0]), np.array([2]))
    labelled = counts.labelled(genome, tracts)
    assert [(item.allele, item.kind) for item in labelled] == [
        (Edit(3, 4, b"T"), "oxidation"),
        (Edit(4, 6, b""), "slippage"),
    ]


@pytest.mark.parametrize("sample", ["tumor", "normal"])
def test_fragments_carry_variants_in_the_promised_fraction(sample: str, tmp_path) -> None:
    """Over all variants, the fragments over a site come from carrying copies with probability purity x VAF (+ germline)."""
    chosen = SimulationSettings(
        genome_length=60_000, somatic_snvs=40, somatic_mnvs=5, somatic_insertions=20, somatic_deletions=20, germline=60,
        purity=0.6, normal_contamination=0.1, tumor_contamination=0.05,
    )  # fmt: skip
    genome = random_genome(chosen.genome_length, 1, np.random.default_rng(1))
    truth = decide_truth(genome, chosen, np.random.SeedSequence(1).spawn(2))
    task = ChunkTask(sample, 0, 40_000, np.random.SeedSequence(2), tmp_path)
    empty = tract_positions(len(genome), truth.model.tracts)
    pairs = simulate_reads(
        genome.bases, genome.starts, truth.molecules, truth.weights[sample], truth.model, empty, task.fragments,
        np.random.default_rng(task.seed),
    )  # fmt: skip
    m = truth.molecules
    tumor_share = {"tumor": 0.6 * 0.95, "normal": 0.1}[sample]
    normal_share = {"tumor": 0.4 * 0.95, "normal": 0.9}[sample]
    statistic, degrees = 0.0, 0
    for index, variant in enumerate(truth.planted):
        site = variant.allele.start - 1  # a base before the variant, which all copies hold
        place = np.empty(len(m.first))
        for copy in range(len(m.first)):
            mine = m.variant[m.offset[copy] : m.offset[copy + 1]]
            place[copy] = site + (m.alt_length[mine] - m.end[mine] + m.start[mine])[m.start[mine] <= site].sum()
        over = (pairs.begin <= place[pairs.copy]) & (place[pairs.copy] < pairs.begin + pairs.length)
        carrying = np.zeros(len(m.first), dtype=bool)
        carrying[variant.copies] = True
        carrying[[200 + haplotype for haplotype in variant.haplotypes]] = True
        hits, number = int(carrying[pairs.copy[over]].sum()), int(over.sum())
        expected = tumor_share * variant.frequency + normal_share * len(variant.haplotypes) / 2
        assert m.start[index] == variant.allele.start
        if number > 20 and 0 < expected < 1:
            statistic += (hits - number * expected) ** 2 / (number * expected * (1 - expected))
            degrees += 1
    assert degrees > 100
    # Fragments over neighbouring variants are shared, so the limits are wide.
    assert 0.6 < statistic / degrees < 1.6
