"""The error profile against a plain count over aligned pairs; recalibrated rates against what was planted."""

import itertools
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from small_bams import Read, random_pairs, random_sequence, write_bam, write_fasta
from varproof.formats.alignment import ErrorProfile, FeatureProfile
from varproof.machinery.errors import UserError
from varproof.reads.arrays import DUPLEX, LARGE_FAMILY, NO_FAMILY, READ_KINDS
from varproof.reads.decode import base_codes, decode_reads, open_reads
from varproof.reads.error_features import FEATURE_LABELS, FEATURES, log_error_ratios, read_features
from varproof.reads.error_rates import QUALITY_BIN_STARTS, error_model, error_rates, quality_bins, recalibrated_qualities
from varproof.reads.properties import Tally, add_window, error_profile, usable_positions, without_recurrent
from varproof.reads.reference import open_reference

REFERENCE = random_sequence(random.Random(11), 2000)
REFERENCE = REFERENCE[:700] + "NNNN" + REFERENCE[704:]
REAL = Path(__file__).parents[3] / "shared" / "real-giab-mixture"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(BAM, FASTA) of random pairs, about 25 deep."""
    folder = tmp_path_factory.mktemp("profile")
    fasta = write_fasta(folder / "ref.fa", {"one": REFERENCE})
    reads = random_pairs(6, REFERENCE.replace("N", "A"), 420)
    return write_bam(folder / "reads.bam", {"one": len(REFERENCE)}, reads), fasta


def tables_by_pairs(segments: list[Any], usable: np.ndarray, low: int) -> dict[str, Counter]:
    """All tables, base by base, from pysam's aligned pairs."""
    complement = {"A": "T", "C": "G", "G": "C", "T": "A"}
    out: dict[str, Counter] = {name: Counter() for name in ("feature", "quality", "substitution", "bases", "context", "around")}
    for s in segments:
        sequence, qualities = s.query_sequence, s.query_qualities or [20] * s.query_length
        pairs = s.get_aligned_pairs(matches_only=True)
        wrong = {p for q, p in pairs if sequence[q] != REFERENCE[p] and "N" not in (sequence[q], REFERENCE[p])}
        edits = len(wrong) + sum(op in (1, 2) for op, _ in s.cigartuples)
        clipped = any(op == 4 for op, _ in s.cigartuples)
        for q, p in pairs:
            if not low <= p < low + len(usable) or not usable[p - low] or sequence[q] == "N":
                continue
            error, others = p in wrong, edits - (p in wrong)
            distance = min(q, len(sequence) - 1 - q)
            bins = (
                min(qualities[q] // 5, 8),
                sum(distance >= x for x in (3, 10)),
                sum(others >= x for x in (1, 2, 4, 8)),
                int(clipped),
                sum(s.mapping_quality >= x for x in (20, 50)),
            )
            for name, b in zip(FEATURES, bins, strict=True):
                out["feature"][name, b, "all"] += 1
                out["feature"][name, b, "error"] += error
            if s.mapping_quality >= 20:
                truth, base = REFERENCE[p], sequence[q]
                around = REFERENCE[p - 1 : p + 2]
                if s.is_reverse != s.is_read2:
                    truth, base = complement[truth], complement[base]
                    around = "".join(complement[item] for item in reversed(around))
                quality_bin = max(i for i, start in enumerate(QUALITY_BIN_STARTS) if qualities[q] >= start)
                out["quality"][qualities[q], "all"] += 1
                out["quality"][qualities[q], "error"] += error
                out["bases"][quality_bin, "ACGT".index(truth)] += 1
                out["around"][quality_bin, around] += 1
                if error:
                    out["context"][around, base] += 1
                    out["substitution"][quality_bin, 4 * "ACGT".index(truth) + "ACGT".index(base)] += 1
    return out


@pytest.mark.parametrize(("low", "high"), [(0, 2000), (600, 1300)])
def test_tables_equal_a_count_over_aligned_pairs(files: tuple[Path, Path], low: int, high: int) -> None:
    tally = Tally()
    with open_reads(files[0], None) as handle, open_reference(files[1]) as fasta:
        add_window(tally, handle, fasta, ("one", low, high))
        segments = [s for s in handle.fetch("one", low, high) if not s.flag & 0xF04]
    depth, right = np.zeros(high - low, int), np.zeros(high - low, int)
    for s in segments:
        for q, p in s.get_aligned_pairs(matches_only=True):
            if low <= p < high and s.query_sequence[q] != "N":
                depth[p - low] += 1
                right[p - low] += s.query_sequence[q] == REFERENCE[p]
    known = [0 < p < 1999 and "N" not in REFERENCE[p - 1 : p + 2] for p in range(low, high)]
    usable = usable_positions(depth, right, base_codes(REFERENCE[low:high])) & np.array(known)
    assert 100 < usable.sum() < high - low - 4
    expected = tables_by_pairs(segments, usable, low)
    profile = error_profile(tally, [])
    for name in FEATURES:
        for b in range(len(FEATURE_LABELS[name])):
            assert profile.features[name].all[b] == expected["feature"][name, b, "all"], (name, b)
            assert profile.features[name].error[b] == expected["feature"][name, b, "error"], (name, b)
    for q in range(94):
        assert (profile.quality_all[q], profile.quality_error[q]) == (
            expected["quality"][q, "all"],
            expected["quality"][q, "error"],
        )
    for b in range(len(QUALITY_BIN_STARTS)):
        assert profile.substitution_all[b] == [expected["bases"][b, i] for i in range(4)]
        assert profile.substitution_error[b] == [expected["substitution"][b, i] for i in range(16)]
    contexts = ["".join(bases) for bases in itertools.product("ACGT", repeat=3)]
    assert profile.context_error == [[expected["context"][around, base] for base in "ACGT"] for around in contexts]
    assert profile.context_all is not None
    for b in range(len(QUALITY_BIN_STARTS)):
        row = profile.context_all[NO_FAMILY][b] or [0] * len(contexts)
        assert row == [expected["around"][b, around] for around in contexts]
    assert profile.kind_error is not None
    assert profile.kind_error[NO_FAMILY] == np.sum(profile.substitution_error, axis=0).tolist()
    assert profile.context_all[DUPLEX] == []


def test_windows_add_up(files: tuple[Path, Path]) -> None:
    whole, pieces = Tally(), Tally()
    with open_reads(files[0], None) as handle, open_reference(files[1]) as fasta:
        add_window(whole, handle, fasta, ("one", 0, 2000))
        for start in range(0, 2000, 500):
            add_window(pieces, handle, fasta, ("one", start, start + 500))
    assert pieces.reads == whole.reads
    assert (pieces.covered, pieces.covering) == (whole.covered, whole.covering)
    assert pieces.aligned_bases == whole.aligned_bases


def test_usable_positions_by_hand() -> None:
    #                 deep, variant, N, shallow, one error at depth 5, two
    depth = np.array([40, 40, 40, 3, 5, 5, 60, 60])
    right = np.array([37, 35, 40, 3, 4, 3, 54, 53])
    reference = np.array([0, 1, 4, 2, 2, 2, 3, 3])
    assert usable_positions(depth, right, reference).tolist() == [True, False, False, False, False, False, True, False]
    shallow = usable_positions(np.array([6, 6, 6, 4, 3]), np.array([6, 5, 4, 4, 3]), np.zeros(5, int))
    assert shallow.tolist() == [True, True, False, True, False]


def test_read_features_by_hand(tmp_path: Path) -> None:
    reference = "ACGTACGTACGTACGTACGT"
    reads = [
        Read("clean", 0, "8M", "ACGTACGT"),
        Read("mismatches", 1, "3S4M2S", "TTTCGAAGG"),
        Read("gaps", 2, "3M2I3M1D2M", "GTATTCGTCG"),
        Read("unknown", 4, "4M", "ANGA"),
    ]
    with open_reads(write_bam(tmp_path / "r.bam", {"one": 20}, reads), None) as handle:
        batch = decode_reads(handle, "one", 0, 20)
    features = read_features(batch, base_codes(reference), 0)
    assert features.edits.tolist() == [0, 1, 2, 1]
    assert features.clips.tolist() == [[0, 0], [3, 2], [0, 0], [0, 0]]
    beyond = read_features(batch, base_codes(reference[5:7]), 5)
    assert beyond.edits.tolist() == [0, 0, 2, 0]


def empty_profile() -> ErrorProfile:
    return ErrorProfile(
        features={n: FeatureProfile(error=[0] * len(b), all=[0] * len(b)) for n, b in FEATURE_LABELS.items()},
        quality_error=[0] * 94,
        quality_all=[0] * 94,
        substitution_error=[[0] * 16 for _ in QUALITY_BIN_STARTS],
        substitution_all=[[0] * 4 for _ in QUALITY_BIN_STARTS],
        slippage=[],
    )


def test_damage_of_the_template_is_one_class_whichever_read_shows_it(tmp_path: Path) -> None:
    """A C of the template read as A: C>A on a forward first read; its mate and reverse first reads tell the other strand."""
    reference = "ACGTTGCATGCAAGCTTGACCGATTGCACGTAAGCTGATC" * 3
    position = 20
    assert reference[position] == "C"
    reads, sequence = [], reference[:60]
    changed = sequence[:position] + "A" + sequence[position + 1 :]
    for i in range(60):
        reads.append(Read(f"clean{i}", 0, "60M", sequence, [37] * 60, 0x1 | 0x40 | (0x10 if i % 2 else 0x20)))
    for i, flag in enumerate((0x40 | 0x20, 0x80 | 0x10)):
        reads.append(Read(f"damaged{i}", 0, "60M", changed, [37] * 60, 0x1 | flag))
    fasta = write_fasta(tmp_path / "r.fa", {"one": reference})
    tally = Tally()
    with (
        open_reads(write_bam(tmp_path / "r.bam", {"one": 120}, reads), None) as handle,
        open_reference(fasta) as genome,
    ):
        add_window(tally, handle, genome, ("one", 0, 120))
    c_to_a = 4 * 1 + 0
    assert tally.substitution_error.sum() == 2
    assert tally.substitution_error[quality_bins()[37], c_to_a] == 2


def test_without_counts_rates_are_those_the_qualities_say() -> None:
    rates = error_rates(empty_profile()).reshape(94, 4, 4)
    assert rates[20, 0].tolist() == pytest.approx([0.99, 0.01 / 3, 0.01 / 3, 0.01 / 3])
    assert rates.sum(axis=2) == pytest.approx(np.ones((94, 4)))
    assert rates[93].min() == pytest.approx(1e-6 / 3, rel=1e-3)  # one error in a million bases: more was not seen
    assert rates[0].max() <= 0.25 + 1e-12
    assert all(np.all(ratios == 0) for ratios in log_error_ratios(empty_profile()).values())


def test_rates_follow_the_counts_by_quality_and_class() -> None:
    """Quality 30 that errs 5 times as often as it says, with all surplus in C>A."""
    profile = empty_profile()
    bases, b = 1_000_000, int(quality_bins()[30])
    profile.quality_all[30] = 4 * bases
    profile.substitution_all[b] = [bases] * 4
    profile.substitution_error[b] = [0 if i % 5 == 0 else 333 for i in range(16)]
    profile.substitution_error[b][4] = 16_333
    profile.quality_error[30] = sum(profile.substitution_error[b])
    assert recalibrated_qualities(profile)[30] == pytest.approx(0.005, rel=0.01)
    rates = error_rates(profile)
    assert rates[30, 4] == pytest.approx(0.016333, rel=0.02)
    assert rates[30, 1] == pytest.approx(0.000333, rel=0.05)
    assert rates[20, 1] == pytest.approx(0.01 / 3, rel=0.01)


def test_a_quality_promises_no_more_than_was_seen() -> None:
    """Of 2 million bases of quality 90 ten are wrong; quality 80 has 200 bases, none of them wrong, quality 60 none at all."""
    profile = empty_profile()
    profile.quality_all[90], profile.quality_error[90] = 2_000_000, 10
    profile.quality_all[80] = 200
    rates = recalibrated_qualities(profile)
    assert rates[90] == pytest.approx(10 / 2_000_000, rel=0.15)
    assert rates[90] / 2 < rates[80] < 2 * rates[90]
    assert rates[60] == pytest.approx(rates[80], rel=0.1)
    assert rates[93] > 1e-6  # better ones were not seen
    assert rates[20] == pytest.approx(0.01)


def test_profiles_of_earlier_versions_are_read() -> None:
    """They have six bins, the last from quality 37 on, and know no contexts."""
    profile = empty_profile()
    profile.substitution_error = [[0] * 16 for _ in range(6)]
    profile.substitution_all = [[0] * 4 for _ in range(6)]
    profile.quality_all[60], profile.quality_error[60] = 4_000_000, 4_000
    profile.substitution_all[5] = [1_000_000] * 4
    profile.substitution_error[5][4] = 4_000
    model = error_model(profile)
    assert model.rates[60, 4] == pytest.approx(0.004, rel=0.05)
    assert (model.context == 1).all() and (model.kind == 1).all()


def planted_rates(rng: np.random.Generator) -> tuple[ErrorProfile, np.ndarray]:
    """A profile of errors by known rates (READ_KINDS, bins, 64, 4), products of factors, and the rates; two kinds of reads."""
    profile, bins = empty_profile(), quality_bins()
    truth, wrong = np.arange(64) // 4 % 4, 1.0 - np.eye(4)
    quality = np.zeros(len(QUALITY_BIN_STARTS))
    quality[bins[[30, 60, 90]]] = 3e-4, 3e-5, 1e-5
    context = np.exp(rng.normal(0, 0.8, (64, 4)))
    kind = np.ones((READ_KINDS, 4, 4))
    kind[DUPLEX] = 0.1
    kind[LARGE_FAMILY, 1, 3] = 5.0
    rates = quality[None, :, None, None] * context * (kind[:, truth] * wrong[truth])[:, None]
    bases = np.zeros((READ_KINDS, len(quality), 64))
    bases[LARGE_FAMILY, bins[[30, 60, 90]]] = np.array([1e5, 1e6, 4e6])[:, None]
    bases[DUPLEX, bins[[60, 90]]] = np.array([5e5, 2e7])[:, None]
    errors = rng.poisson(rates * bases[..., None])
    by_truth = np.eye(4)[truth]
    by_class = np.einsum("kqcb,ct->kqtb", errors, by_truth)
    profile.context_error = errors.sum(axis=(0, 1)).tolist()
    profile.kind_error = by_class.sum(axis=1).reshape(-1, 16).astype(int).tolist()
    profile.context_all = bases.astype(int).tolist()
    profile.substitution_error = by_class.sum(axis=0).reshape(-1, 16).astype(int).tolist()
    profile.substitution_all = (bases.sum(axis=0) @ by_truth).astype(int).tolist()
    for q in (30, 60, 90):
        profile.quality_all[q] = int(bases[:, bins[q]].sum())
        profile.quality_error[q] = int(errors[:, bins[q]].sum())
    return profile, rates


def test_rates_by_context_and_kind_of_read_are_recovered() -> None:
    """Cells that differ by a factor of 1,000 and more: to 30 % each, where their margins have hundreds of errors."""
    profile, rates = planted_rates(np.random.default_rng(3))
    model, bins = error_model(profile), quality_bins()
    truth = np.arange(64) // 4 % 4
    ratios = []
    for kind, quality in ((LARGE_FAMILY, 30), (LARGE_FAMILY, 60), (LARGE_FAMILY, 90), (DUPLEX, 90)):
        by_class = model.rates[quality].reshape(4, 4)[truth] * model.kind[kind].reshape(4, 4)[truth]
        found, planted = by_class * model.context, rates[kind, bins[quality]]
        ratios.append((found / np.where(planted > 0, planted, np.nan))[planted > 0])
    for found in ratios:
        assert np.median(found) == pytest.approx(1.0, abs=0.1)
        assert np.mean(np.abs(np.log(found)) < 0.3) > 0.9


def test_places_with_a_rare_allele_tell_nothing_of_errors() -> None:
    """20,000 places, 5,000 deep, an error in 100,000 bases; 300 have an allele of 0.2 %, which would be 30 % of all errors."""
    rng = np.random.default_rng(5)
    covering = np.full(20_000, 5_000)
    shown = rng.poisson(5_000 * 1e-5 / 3, (20_000, 4))
    shown[:, 0] = 0
    errors = shown.sum()
    shown[:300, 1] += rng.binomial(5_000, 0.002, 300)
    kept = without_recurrent(np.ones(20_000, bool), covering, shown)
    assert kept[300:].mean() > 0.999
    assert kept[:300].mean() < 0.15
    assert shown[kept].sum() == pytest.approx(errors, rel=0.2)
    assert shown.sum() > 3 * errors
    shallow = without_recurrent(np.ones(20_000, bool), np.full(20_000, 150), shown)
    assert shallow.all()


def test_profiles_of_other_shapes_are_refused() -> None:
    profile = empty_profile()
    profile.features["clipped"].all.append(3)
    with pytest.raises(UserError, match="'clipped' must have 2 bins"):
        log_error_ratios(profile)
    del profile.features["clipped"]
    with pytest.raises(UserError, match="'features' must be"):
        log_error_ratios(profile)
    profile.quality_all.pop()
    with pytest.raises(UserError, match="94 numbers"):
        recalibrated_qualities(profile)
    other = empty_profile()
    other.substitution_all.pop()
    with pytest.raises(UserError, match="substitution_all"):
        error_rates(other)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"real reads are not at {REAL}")
@pytest.mark.parametrize("sample", ["tumor", "normal"])
def test_real_reads_err_where_their_qualities_are_poor(sample: str) -> None:
    """Figures of an independent count over the same reads (better one of two overlapping mates): 11.2, 5.2, 0.012."""
    tally = Tally()
    with open_reads(REAL / f"{sample}.bam", None) as handle, open_reference(REAL / "reference.fa.gz") as fasta:
        for start in range(900_000, 950_000, 10_000):
            add_window(tally, handle, fasta, ("1", start, start + 10_000))
    ratios = {name: np.exp(values) for name, values in log_error_ratios(error_profile(tally, [])).items()}
    assert ratios["base_quality"][1] == pytest.approx(11.2, rel=0.1)
    assert ratios["base_quality"][2] == pytest.approx(5.2, rel=0.1)
    assert ratios["base_quality"][8] == pytest.approx(0.012, rel=0.5)
    assert ratios["other_mismatches"][4] > 2.5
    assert ratios["other_mismatches"][0] < 0.35
    assert ratios["clipped"][1] == pytest.approx(1.6, rel=0.1)
