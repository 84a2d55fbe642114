"""What can be switched on beside the usual sample: artefacts of certain places, copy numbers, panels, consensus reads."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from varproof.machinery.errors import UserError
from varproof.simulation import reads_codes as codes
from varproof.simulation.consensus import LEVELS, TEMPLATE_SHARE, consensus_qualities, consensus_tags, template_error_rate
from varproof.simulation.copies import LEFT, RIGHT, Copy, molecules
from varproof.simulation.copy_number import STATES, STATES_OF_DOUBLED, CopyNumbers, Segment, segments, true_segments
from varproof.simulation.deciding import Truth, decide_truth, samples_of, tumor_copies
from varproof.simulation.genome import Genome, RepeatTracts, random_bases, random_genome, reverse_complement
from varproof.simulation.loci import decide_loci, locus_alleles, of_normal
from varproof.simulation.odd_copies import odd_copies
from varproof.simulation.reads import Loci, ReadModel, ReadPairs, simulate_reads, tract_positions
from varproof.simulation.settings import REGIME_OPTIONS, SimulationSettings
from varproof.simulation.subclones import clones_of_cells
from varproof.simulation.targets import PRIMER_BP, decide_targets

READ_LENGTH = 60
NONE = RepeatTracts(*(np.empty(0, dtype=np.int64) for _ in range(3)))


def plain_genome(length: int = 20_000, seed: int = 1) -> Genome:
    return Genome(["c"], np.array([0, length]), random_bases(length, 0.5, np.random.default_rng(seed)))


def sequence(genome: Genome, fragments: int, **changes: Any) -> ReadPairs:
    nothing = np.empty(0, dtype=np.float32)
    usual = {"insert_size_mean": 200.0, "insert_size_sd": 20.0, "error_inflation": 0.0}
    model = ReadModel(
        read_length=READ_LENGTH, duplicate_fraction=0.0, end_error_rate=0.0, damage_rate=0.0, hot_oxidation=nothing,
        hot_deamination=nothing, tracts=NONE, tract_rate=np.empty(0), **(usual | changes),
    )  # fmt: skip
    flat = molecules([], [Copy(0, len(genome), np.empty(0, dtype=np.int64))])
    tract_at = tract_positions(len(genome), NONE)
    weights, rng = np.ones(1), np.random.default_rng(7)
    return simulate_reads(genome.bases, genome.starts, flat, weights, model, tract_at, fragments, rng)


def shown_at(genome: Genome, pairs: ReadPairs, at: int) -> list[tuple[int, bool, bool]]:
    """(base on the forward strand, whether the fragment is forward, whether the read is) of each read over a place."""
    found = []
    for pair in np.flatnonzero((pairs.begin <= at) & (at < pairs.begin + pairs.length)).tolist():
        begin, length = int(pairs.begin[pair]), int(pairs.length[pair])
        left = genome.bases[begin : begin + READ_LENGTH]
        forward = (pairs.bases[pair, 0] == left).mean() > 0.8
        for mate in (0, 1):
            from_left = forward == (mate == 0)
            offset = at - begin if from_left else begin + length - 1 - at
            if offset < READ_LENGTH:
                base = pairs.bases[pair, mate, offset : offset + 1]
                found.append((int(base[0] if from_left else reverse_complement(base)[0]), bool(forward), bool(from_left)))
    return found


@pytest.mark.parametrize(
    ("shown_by", "shows"),
    [
        (codes.ALL_FRAGMENTS, lambda fragment, read: True),
        (codes.FORWARD_FRAGMENTS, lambda fragment, read: fragment),
        (codes.REVERSE_FRAGMENTS, lambda fragment, read: not fragment),
        (codes.FORWARD_READS, lambda fragment, read: read),
        (codes.REVERSE_READS, lambda fragment, read: not read),
    ],
)
def test_a_place_shows_its_allele_in_its_share_of_those_that_can_show_it(shown_by: int, shows: Any) -> None:
    genome = plain_genome(2_000)
    at, size = 1_000, len(genome)
    other = b"A" if genome.text[at : at + 1] != b"A" else b"C"
    loci = Loci(np.zeros(size, np.float32), *(np.zeros(size, np.uint8) for _ in range(3)))
    loci.rate[at], loci.base[at], loci.shown_by[at], loci.kind[at] = 0.3, other[0], shown_by, codes.MOTIF
    pairs = sequence(genome, 15_000, loci=loci)
    reads = shown_at(genome, pairs, at)
    able = [base == other[0] for base, fragment, read in reads if shows(fragment, read)]
    unable = [base == other[0] for base, fragment, read in reads if not shows(fragment, read)]
    assert len(able) > 300
    assert stats.binomtest(sum(able), len(able), 0.3).pvalue > 1e-4
    assert not any(unable)
    assert len(pairs.event_kind) == sum(able)
    assert set(pairs.event_position.tolist()) == {at} and set(pairs.event_kind.tolist()) == {codes.MOTIF}


def test_places_are_where_and_as_many_as_promised() -> None:
    genome = random_genome(200_000, 1, np.random.default_rng(3))
    asked = SimulationSettings(ffpe_loci_per_mbp=300, oriented_loci_per_mbp=1500, motif_loci_per_mbp=200)
    loci = decide_loci(genome, asked, np.random.default_rng(4))
    allowed = {
        codes.FORMALIN: (60, 0.01, 0.10, {("C", "T"), ("G", "A")}),
        codes.ORIENTED: (300, 0.04, 0.30, {("C", "T"), ("G", "A"), ("C", "A"), ("G", "T")}),
        codes.MOTIF: (40, 0.05, 0.30, {("T", "G"), ("A", "C")}),
    }
    for kind, (number, low, high, changes) in allowed.items():
        sites = np.flatnonzero(loci.kind == kind)
        assert len(sites) == number
        assert low <= loci.rate[sites].min() and loci.rate[sites].max() <= high
        seen = {(chr(genome.bases[at]), chr(loci.base[at])) for at in sites.tolist()}
        assert seen == changes
    for at in np.flatnonzero(loci.kind == codes.MOTIF).tolist():
        if loci.shown_by[at] == codes.FORWARD_READS:
            assert genome.text[at - 2 : at + 1] == b"GGT"
        else:
            assert loci.shown_by[at] == codes.REVERSE_READS and genome.text[at : at + 3] == b"ACC"
    assert len(locus_alleles(loci)) == 400


@pytest.mark.parametrize(("ratio", "other", "expected"), [(0.3, False, 0.3), (0.0, False, 0.0), (0.8, True, 0.0)])
def test_the_normal_has_damage_at_its_ratio_and_misread_motifs_like_the_tumour(
    ratio: float, other: bool, expected: float
) -> None:
    genome = random_genome(100_000, 1, np.random.default_rng(3))
    asked = SimulationSettings(ffpe_loci_per_mbp=300, oriented_loci_per_mbp=300, motif_loci_per_mbp=300)
    loci = decide_loci(genome, asked, np.random.default_rng(4))
    normal = of_normal(loci, ratio, other)
    damage = (loci.kind == codes.FORMALIN) | (loci.kind == codes.ORIENTED)
    np.testing.assert_allclose(normal.rate[damage], loci.rate[damage] * expected, rtol=1e-6)
    np.testing.assert_array_equal(normal.rate[~damage], loci.rate[~damage])


def test_hot_spots_of_damage_are_at_the_ratio_too_and_the_normal_may_be_read_otherwise() -> None:
    genome = random_genome(20_000, 1, np.random.default_rng(3))
    asked = SimulationSettings(
        genome_length=20_000, somatic_snvs=5, somatic_mnvs=0, somatic_insertions=0, somatic_deletions=0, germline=5,
        artifacts=["damage"], normal_damage_ratio=0.25, normal_read_length=151, normal_insert_size_mean=500,
        normal_insert_size_sd=80, normal_error_inflation=3,
    )  # fmt: skip
    truth = decide_truth(genome, asked, np.random.SeedSequence(1).spawn(2))
    samples = samples_of(asked, truth, [])
    tumor, normal = samples["tumor"].model, samples["normal"].model
    assert tumor.hot_oxidation.any()
    np.testing.assert_allclose(normal.hot_oxidation, tumor.hot_oxidation * 0.25)
    np.testing.assert_allclose(normal.hot_deamination, tumor.hot_deamination * 0.25)
    assert (normal.read_length, normal.insert_size_mean, normal.insert_size_sd, normal.error_inflation) == (151, 500, 80, 3)
    assert (tumor.read_length, tumor.insert_size_mean, tumor.insert_size_sd, tumor.error_inflation) == (100, 350, 50, 1)


@pytest.mark.parametrize("rate", [1e-6, 5e-6, 2e-4])
def test_qualities_of_consensus_reads_tell_all_errors_but_those_of_the_molecule(rate: float) -> None:
    qualities = consensus_qualities(rate, 100)
    shares = np.diff(np.concatenate([np.zeros((100, 1)), qualities.cumulative, np.ones((100, 1))], axis=1), axis=1)
    assert (shares >= 0).all()
    told = (shares * 10.0 ** (-LEVELS.astype(float) / 10)).sum(1)
    np.testing.assert_allclose(told, (1 - TEMPLATE_SHARE) * rate, rtol=2e-3)  # at 90 there are 1e-9 besides
    assert template_error_rate(rate) + told[0] == pytest.approx(rate, rel=2e-3)


def test_errors_of_the_molecule_are_in_both_mates_at_their_rate_most_of_them_transitions_of_c_and_g() -> None:
    genome = plain_genome()
    pairs = sequence(genome, 4_000, template_error_rate=0.02, insert_size_mean=60.0, insert_size_sd=0.0)
    first, second = pairs.bases[:, 0], np.array([reverse_complement(read) for read in pairs.bases[:, 1]])
    np.testing.assert_array_equal(first, second)
    true = np.array([genome.bases[begin : begin + 60] for begin in pairs.begin.tolist()])
    forward = (first == true).mean(1) > 0.8
    true[~forward] = [reverse_complement(read) for read in true[~forward]]
    wrong = first != true
    assert stats.binomtest(int(wrong.sum()), wrong.size, 0.02).pvalue > 1e-4
    assert len(pairs.event_kind) == 2 * wrong.sum() and set(pairs.event_kind.tolist()) == {codes.TEMPLATE}
    strong = wrong & np.isin(true, np.frombuffer(b"CG", dtype=np.uint8))
    transitions = strong & (first == np.where(true == ord("C"), ord("T"), ord("A")))
    assert stats.binomtest(int(transitions.sum()), int(strong.sum()), 0.75 + 0.25 / 3).pvalue > 1e-4


def test_the_first_read_of_duplex_consensus_is_forward() -> None:
    genome = plain_genome()
    pairs = sequence(genome, 500, both_orientations=False)
    true = np.array([genome.bases[begin : begin + READ_LENGTH] for begin in pairs.begin.tolist()])
    np.testing.assert_array_equal(pairs.bases[:, 0], true)


@pytest.mark.parametrize("duplex", [True, False])
def test_tags_of_consensus_reads(duplex: bool) -> None:
    tags = [
        dict((tag[:2], tag[5:]) for tag in own) for own in consensus_tags(400, 10_000_000, duplex, np.random.default_rng(1))
    ]
    assert [own["MI"] for own in tags] == [str(number) for number in range(10_000_000, 10_000_400)]
    assert all(set(own["RX"]) <= set("ACGT-") and len(own["RX"]) == 17 for own in tags)
    depth = np.array([int(own["cD"]) for own in tags])
    assert depth.mean() == pytest.approx((8 if duplex else 4), abs=0.5)
    for own in tags:
        assert ("aD" in own) == ("bD" in own) == duplex
        if duplex:
            assert int(own["aD"]) + int(own["bD"]) == int(own["cD"]) and min(int(own["aD"]), int(own["bD"])) > 0


def settings(**changes: Any) -> SimulationSettings:
    small = {"genome_length": 120_000, "somatic_snvs": 60, "somatic_mnvs": 5, "somatic_insertions": 10, "somatic_deletions": 10}
    return SimulationSettings(**(small | {"germline": 60, "max_indel_length": 30} | changes))


def decided(chosen: SimulationSettings) -> tuple[Genome, Truth]:
    genome = random_genome(chosen.genome_length, 1, np.random.default_rng(2))
    return genome, decide_truth(genome, chosen, np.random.SeedSequence(chosen.seed).spawn(2))


@pytest.mark.parametrize("fraction", [0.5, 1.0])
def test_segments_make_up_the_genome_and_so_much_of_it_has_changed(fraction: float) -> None:
    genome = random_genome(400_000, 1, np.random.default_rng(2))
    made = segments(genome, fraction, np.random.default_rng(5))
    assert made[0].first == 0 and made[-1].last == len(genome)
    assert all(one.last == other.first for one, other in itertools.pairwise(made))
    changed = [part for part in made if part.copies != (1, 1)]
    assert sum(part.last - part.first for part in changed) / len(genome) == pytest.approx(fraction, abs=0.13)
    assert {(max(part.copies), min(part.copies)) for part in changed} == set(STATES)


def test_molecules_of_tumour_cells_have_the_frequency_and_copy_number_that_the_truth_tells() -> None:
    """Without normal cells, over all molecules: those that carry a variant over those that cover its place."""
    chosen = settings(copy_number_fraction=1, purity=1)
    _, truth = decided(chosen)
    m, weights = truth.molecules, truth.weights["tumor"]
    states = set()
    for index, variant in enumerate(truth.planted):
        covering = (m.first <= variant.allele.start) & (variant.allele.start < m.last)
        carrying = np.array([index in m.variant[m.offset[c] : m.offset[c + 1]] for c in range(len(m.first))])
        assert not (carrying & ~covering).any()
        covered = weights[covering].sum()
        assert variant.state is not None
        assert 2 * covered == pytest.approx(variant.state.total)
        assert weights[carrying].sum() / covered == pytest.approx(variant.frequency, abs=1e-9)
        if not variant.haplotypes:
            assert variant.frequency > 0
        states.add((variant.event, variant.state.total, variant.state.minor, variant.state.only is not None))
        if variant.event == "GERMLINE_HET":
            possible = {variant.state.minor / variant.state.total, 1 - variant.state.minor / variant.state.total}
            assert any(variant.frequency == pytest.approx(value) for value in possible)
        if variant.event == "GERMLINE_HOM":
            assert variant.frequency == 1
    assert {state[1:3] for state in states} >= {(1, 0), (2, 0), (3, 1), (4, 1)}
    assert {state[3] for state in states if state[0] == "SOMATIC_TUMOR"} == {True, False}


def test_segments_are_told_contig_by_contig_with_the_copies_of_an_average_cell() -> None:
    genome = random_genome(30_000, 3, np.random.default_rng(2))
    clones = [[Segment(0, 14_000, (2, 0)), Segment(14_000, 30_000, copies)] for copies in ((1, 1), (1, 3))]
    numbers = CopyNumbers(clones, np.array([0, 1, 1, 1]))
    told = [(s.contig, s.start, s.end, s.total, s.minor) for s in true_segments(genome, numbers)]
    assert told == [
        ("chr1", 0, 10_000, 2, 0),
        ("chr2", 0, 4_000, 2, 0),
        ("chr2", 4_000, 10_000, 3.5, 1),
        ("chr3", 0, 10_000, 3.5, 1),
    ]
    assert numbers.mean() == pytest.approx((14 * 2 + 16 * 3.5) / 30)


def hidden_in_molecules(truth: Truth, index: int) -> tuple[float, float]:
    """(copies that carry a variant, copies that cover its place) of an average cell, over all molecules of a pure tumour."""
    m, weights = truth.molecules, truth.weights["tumor"]
    at = truth.planted[index].allele.start
    covering = (m.first <= at) & (at < m.last)
    carrying = np.array([index in m.variant[m.offset[c] : m.offset[c + 1]] for c in range(len(m.first))])
    assert not (carrying & ~covering).any()
    return 2 * float(weights[carrying].sum()), 2 * float(weights[covering].sum())


@pytest.mark.parametrize("doubling", [False, True])
def test_molecules_of_subclones_have_the_cells_and_copies_that_the_truth_tells(doubling: bool) -> None:
    """Copies of an average cell are cell fraction x multiplicity; germline variants are of all cells."""
    chosen = settings(copy_number_fraction=1, purity=1, subclones=[0.3, 0.5], genome_doubling=doubling)
    genome, truth = decided(chosen)
    assert truth.copy_numbers is not None
    ploidy = truth.copy_numbers.mean() if doubling else 2
    shares, states = {0: 1.0, 1: 0.3, 2: 0.5}, set()
    averages = {(s.start, s.end): (s.total, s.minor) for s in true_segments(genome, truth.copy_numbers)}
    for index, variant in enumerate(truth.planted):
        carried, covered = (value * ploidy / 2 for value in hidden_in_molecules(truth, index))
        state = variant.state
        assert state is not None and state.clone is not None
        (total, _) = next(own for (start, end), own in averages.items() if start <= variant.allele.start < end)
        assert covered == pytest.approx(total) == pytest.approx(state.clone[1])
        assert carried == pytest.approx(state.cell_fraction * state.multiplicity)
        assert carried / covered == pytest.approx(variant.frequency)
        if not variant.haplotypes:
            states.add((state.clone[0], state.only is not None))
            assert state.cell_fraction <= shares[state.clone[0]] + 1e-9
            if state.clone[0]:
                assert state.cell_fraction == pytest.approx(shares[state.clone[0]])
                assert state.multiplicity == int(state.multiplicity) >= 1
    assert {clone for clone, _ in states} == {0, 1, 2}
    assert {only for _, only in states} == {True, False}
    owned = {tuple(sum(part.copies) for part in own) for own in truth.copy_numbers.clones}
    assert len(owned) > 1  # some segments are of a subclone


def test_a_doubled_genome_has_its_depth_and_states() -> None:
    chosen = settings(copy_number_fraction=0.5, purity=0.6, genome_doubling=True)
    genome, truth = decided(chosen)
    numbers = truth.copy_numbers
    assert numbers is not None and 2.5 < numbers.mean() < 4.2
    assert {part.copies for part in numbers.clones[0]} <= {(2, 2)} | {
        pair for state in STATES_OF_DOUBLED for pair in (state, state[::-1])
    }
    for sample in ("tumor", "normal"):
        depth = float((truth.weights[sample] * truth.molecules.length).sum()) / len(genome)
        assert depth == pytest.approx(1, rel=0.01)
    for index, variant in enumerate(truth.planted[::7]):
        carried, covered = hidden_in_molecules(truth, 7 * index)
        in_normal = len(variant.haplotypes)
        assert variant.state is not None
        total = sum(next(p.copies for p in numbers.clones[0] if p.first <= variant.allele.start < p.last))
        expected = (0.6 * variant.frequency * total + 0.4 * in_normal) / (0.6 * total + 0.8)
        assert carried / covered == pytest.approx(expected)


def test_segments_of_a_file_are_simulated(tmp_path: Path) -> None:
    genome = random_genome(120_000, 2, np.random.default_rng(2))
    table = tmp_path / "segments.tsv"
    table.write_text(
        "contig\tstart\tend\ttotal\tminor\nchr1\t20000\t60000\t5\t2\nchr2\t0\t10000\t0\t0\nchr2\t30000\t60000\t2\t0\n"
    )
    chosen = settings(segments=table)
    truth = decide_truth(genome, chosen, np.random.SeedSequence(1).spawn(2))
    assert truth.copy_numbers is not None
    parts = [(part.first, part.last, sum(part.copies), min(part.copies)) for part in truth.copy_numbers.clones[0]]
    assert parts == [
        (0, 20_000, 2, 1), (20_000, 60_000, 5, 2), (60_000, 70_000, 0, 0), (70_000, 90_000, 2, 1), (90_000, 120_000, 2, 0),
    ]  # fmt: skip
    inside = [v for v in truth.planted if 20_000 <= v.allele.start < 60_000]
    assert {v.state.total for v in inside if v.state} == {5}
    assert not any(60_000 <= v.allele.start < 70_000 for v in truth.planted)  # no cell of the tumour has the place
    for line, words in (
        ("chr1\t0\t60000\t2.5\t1", "chr1:1-60000: 2.5 and 1 are not the copies of a cell"),
        ("chr1\t0\t60000\t3\tNA", "chr1:1-60000 has no copy number of the rarer haplotype"),
        ("chr1\t0\t70000\t3\t1", "ends outside of chr1"),
        ("1\t0\t7000\t3\t1", "has contig '1' where the reference has 'chr1'"),
    ):
        table.write_text(f"contig\tstart\tend\ttotal\tminor\n{line}\n")
        with pytest.raises(UserError, match=words):
            decide_truth(genome, chosen, np.random.SeedSequence(1).spawn(2))


def test_shares_of_subclones_are_shares_of_cells() -> None:
    assert np.bincount(clones_of_cells([0.25, 0.6], 100)).tolist() == [15, 25, 60]
    assert np.bincount(clones_of_cells([0.5, 0.5], 101)).tolist() in ([1, 50, 50], [0, 50, 51], [1, 50, 50])


def test_the_normal_keeps_two_copies_of_everything() -> None:
    _, truth = decided(settings(copy_number_fraction=1))
    m, weights = truth.molecules, truth.weights["normal"]
    used = weights > 0
    assert used.sum() == 2 and (m.length[used] > 119_000).all() and weights.sum() == pytest.approx(1)


def test_variants_and_fragments_of_a_panel_are_at_its_targets() -> None:
    chosen = settings(panel_targets=12, target_length=400, germline=0, somatic_insertions=0, somatic_deletions=0)
    genome, truth = decided(chosen)
    assert truth.targets is not None
    targets = truth.targets.targets
    assert len(targets) == 12 and all(target.last - target.first == 400 for target in targets)
    for variant in truth.planted:
        assert any(t.first <= variant.allele.start and variant.allele.end <= t.last for t in targets)
    pairs = simulate_reads(
        genome.bases, genome.starts, truth.molecules, truth.weights["tumor"], truth.model,
        tract_positions(len(genome), NONE), 5_000, np.random.default_rng(1),
    )  # fmt: skip
    first = truth.molecules.first[pairs.copy] + pairs.begin
    near = np.zeros(len(first), dtype=bool)
    for target in targets:
        near |= (first > target.first - 500) & (first + pairs.length < target.last + 500)
    assert near.all() and len(near) > 1_000


def test_every_fragment_of_an_amplicon_is_the_whole_of_it() -> None:
    chosen = settings(panel_targets=30, target_length=170, amplicons=True, germline=10, max_indel_length=8)
    genome, truth = decided(chosen)
    assert truth.targets is not None
    for variant in truth.planted:
        inside = [t for t in truth.targets.targets if t.first <= variant.allele.start < t.last]
        assert inside and inside[0].first + PRIMER_BP <= variant.allele.start
    pairs = simulate_reads(
        genome.bases, genome.starts, truth.molecules, truth.weights["normal"], truth.model,
        tract_positions(len(genome), NONE), 3_000, np.random.default_rng(1),
    )  # fmt: skip
    assert len(pairs.copy) > 2_500
    np.testing.assert_array_equal(pairs.begin, 0)
    np.testing.assert_array_equal(pairs.length, truth.molecules.length[pairs.copy])


def test_targets_of_a_bed(tmp_path: Path) -> None:
    genome = random_genome(50_000, 2, np.random.default_rng(2))
    bed = tmp_path / "targets.bed"
    bed.write_text("chr1\t5000\t5300\nchr2\t7000\t7200\nchr2\t7250\t7400\n")
    found = decide_targets(genome, SimulationSettings(targets=bed), np.random.default_rng(1))
    assert found is not None
    assert [(target.first, target.last) for target in found.targets] == [(5_000, 5_300), (32_000, 32_200), (32_250, 32_400)]
    assert [(part.first, part.last) for part in found.parts] == [(4_550, 5_750), (31_550, 32_850)]  # near ones share fragments
    bed.write_text("chr1\t24900\t25100\n")
    with pytest.raises(UserError, match="ends after the contig's 25000 bp"):
        decide_targets(genome, SimulationSettings(targets=bed), np.random.default_rng(1))
    bed.write_text("chr1\t900\t1000\n")
    with pytest.raises(UserError, match="shorter than"):
        decide_targets(genome, SimulationSettings(targets=bed, amplicons=True), np.random.default_rng(1))
    with pytest.raises(UserError, match="no room for 200 targets"):
        decide_targets(genome, SimulationSettings(panel_targets=200), np.random.default_rng(1))


def test_hairpins_are_so_far_from_the_end_of_their_reads_in_their_share_of_reads() -> None:
    """Of the fragments over a place that are read there; other samples' fragments begin anywhere."""
    chosen = settings(hairpin_loci_per_mbp=200, somatic_snvs=0, somatic_mnvs=0, somatic_insertions=0, somatic_deletions=0)
    genome, truth = decided(chosen)
    alleles = {item.allele for item in truth.artifacts if item.kind == "hairpin"}
    assert len(alleles) == 24
    m = truth.molecules
    odd = np.flatnonzero(m.anchor > 0)
    assert len(odd) == 24 and set(m.anchor[odd].tolist()) == {LEFT, RIGHT}
    pairs = simulate_reads(
        genome.bases, genome.starts, m, truth.weights["normal"], truth.model, tract_positions(len(genome), NONE), 400_000,
        np.random.default_rng(1),
    )  # fmt: skip
    first, size = m.first[pairs.copy] + pairs.begin, chosen.read_length
    last, total, wanted = first + pairs.length, 0, 0.0
    for copy in odd.tolist():
        allele = m.variant[m.offset[copy]]
        at, end = int(m.start[allele]), int(m.end[allele])
        assert reverse_complement(genome.bases[at:end]).tobytes() == m.alt[m.alt_offset[allele] :][: end - at].tobytes()
        own = pairs.copy == copy
        ends = first[own] if m.anchor[copy] == LEFT else last[own]
        assert len(set(ends.tolist())) == 1
        assert 6 <= (at - ends[0] if m.anchor[copy] == LEFT else ends[0] - end) < 30
        others = ~own & (m.anchor[pairs.copy] == 0)
        reads = ((first <= at) & (at < first + size))[others].sum() + ((last - size <= at) & (at < last))[others].sum()
        total += int(own.sum())
        wanted += reads * truth.weights["normal"][copy] * (m.last[copy] - m.first[copy]) / (2 * size)
    assert total == pytest.approx(wanted, rel=0.15)


def test_stray_reads_and_chimeras_are_in_the_tumour_alone() -> None:
    genome = random_genome(100_000, 1, np.random.default_rng(2))
    odd = odd_copies(genome, SimulationSettings(stray_per_mbp=200, chimeras_per_mbp=100), np.random.default_rng(1))
    assert set(odd.normal_weights) == {0.0}
    assert 15 <= len(odd.copies) <= 30
    stray = {item.allele for item in odd.labelled}
    assert all(item.kind == "stray" for item in odd.labelled)
    for copy, weight in zip(odd.copies, odd.tumor_weights, strict=True):
        alleles = [odd.alleles[i] for i in copy.alleles.tolist()]
        if set(alleles) <= stray:
            assert 0.01 <= weight <= 0.06 and all(len(allele.alt) == 1 for allele in alleles)
        else:
            (joined,) = alleles
            assert 0.03 <= weight <= 0.15 and joined.end == copy.last
            assert joined.alt in genome.text or reverse_complement(np.frombuffer(joined.alt, np.uint8)).tobytes() in genome.text


@pytest.mark.parametrize(("smallest", "copies"), [(0.05, 200), (0.005, 200), (0.001, 2000), (0.0004, 5000)])
def test_there_are_molecules_enough_for_the_smallest_frequency(smallest: float, copies: int) -> None:
    chosen = settings(min_vaf=smallest, max_vaf=0.02 if smallest < 0.02 else 1.0)
    assert tumor_copies(chosen) == copies


@pytest.mark.parametrize("spectrum", ["uniform", "neutral"])
def test_frequencies_are_within_what_is_asked_for(spectrum: str) -> None:
    _, truth = decided(settings(min_vaf=0.001, max_vaf=0.02, vaf_spectrum=spectrum))
    frequencies = [v.frequency for v in truth.planted if v.event == "SOMATIC_TUMOR"]
    assert min(frequencies) >= 0.001 and max(frequencies) <= 0.0205
    assert len(set(frequencies)) > 5


def test_nothing_is_written_of_what_is_not_used() -> None:
    assert not set(REGIME_OPTIONS) & set(settings().model_dump())
    assert set(settings(stray_per_mbp=3).model_dump()) & set(REGIME_OPTIONS) == {"stray_per_mbp"}
    assert not set(REGIME_OPTIONS) & set(settings(target_length=500, consensus_error_rate=1e-5).model_dump())
    kept = SimulationSettings.model_validate(settings(panel_targets=4, target_length=500, amplicons=True).model_dump())
    assert (kept.panel_targets, kept.target_length, kept.amplicons) == (4, 500, True)
