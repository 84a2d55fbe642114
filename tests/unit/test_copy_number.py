"""Purity and copy number: kernels against a slow count, equations against their own, estimates against simulated truth."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom

from copy_number_examples import WINDOW, Truth, counts_of, tumour
from varproof.copynumber.counting import Counted, heterozygous, together, windows_of
from varproof.copynumber.decisions import DECISIONS
from varproof.copynumber.depth import binned, gc_expected
from varproof.copynumber.fit import fitted
from varproof.copynumber.run import Estimate, SomaticCall, estimated_from, table_of
from varproof.copynumber.segment_data import BALANCE, FOUND_ALONE, FOUND_IN_NORMAL, SegmentData, balance_log_likelihood
from varproof.copynumber.segmentation import Part, shared_error
from varproof.copynumber.somatic import purity_log_likelihood
from varproof.copynumber.states import SHARES, doubled_states, once_altered, state_prior
from varproof.copynumber.surface import PURITIES, GivenStates, SegmentArrays
from varproof.formats.purity import Purity, SegmentCopies, segments_of
from varproof.formats.segments import Segment, Segments
from varproof.machinery.errors import UserError
from varproof.reads.sam import DELETION, INSERTION, MATCH, SOFT_CLIP

# Counting


@st.composite
def batches(draw: st.DrawFn) -> SimpleNamespace:
    """A few reads of some fragments, in file order, with gaps and clips."""
    reads = []
    for _ in range(draw(st.integers(0, 8))):
        middle = [(INSERTION, draw(st.integers(1, 3)))] if draw(st.booleans()) else [(DELETION, draw(st.integers(1, 3)))]
        operations = [(MATCH, draw(st.integers(1, 6))), *middle, (MATCH, draw(st.integers(1, 6)))]
        if draw(st.booleans()):
            operations = [(SOFT_CLIP, draw(st.integers(1, 4))), *operations]
        length = sum(size for operation, size in operations if operation != DELETION)
        reads.append(
            SimpleNamespace(
                start=draw(st.integers(0, 30)), mapq=draw(st.sampled_from([0, 60])), fragment=draw(st.integers(0, 4)),
                operations=operations,
                bases=draw(st.lists(st.integers(0, 4), min_size=length, max_size=length)),
                qualities=draw(st.lists(st.sampled_from([5, 30]), min_size=length, max_size=length)),
            )
        )  # fmt: skip
    reads.sort(key=lambda read: read.start)
    return SimpleNamespace(reads=reads)


@settings(max_examples=60, deadline=None)
@given(batches())
def test_a_fragment_counts_once_at_each_base(batch: SimpleNamespace) -> None:
    from varproof.copynumber.counting_numba_fns import base_counts

    low, high = 5, 28
    counts, placed, covered = np.zeros((high - low, 4), int), np.zeros(high - low, int), np.zeros(high - low, int)
    reached: dict[int, int] = {}
    for read in batch.reads:
        at, query = read.start, 0
        for operation, length in read.operations:
            for _ in range(length):
                if operation == MATCH:
                    if low <= at < high and at >= reached.get(read.fragment, -1):
                        covered[at - low] += 1
                        placed[at - low] += read.mapq >= 20
                        if read.mapq >= 20 and read.bases[query] < 4 and read.qualities[query] >= 20:
                            counts[at - low, read.bases[query]] += 1
                    at, query = at + 1, query + 1
                elif operation == DELETION:
                    at += 1
                else:
                    query += 1
        reached[read.fragment] = max(reached.get(read.fragment, -1), at)
    reads = batch.reads
    found = base_counts(
        np.array([read.start for read in reads], np.int64),
        np.array([read.mapq for read in reads], np.uint8),
        np.array([read.fragment for read in reads], np.int32),
        5,
        np.cumsum([0, *(len(read.bases) for read in reads)]),
        np.array([base for read in reads for base in read.bases], np.uint8),
        np.array([quality for read in reads for quality in read.qualities], np.uint8),
        np.cumsum([0, *(len(read.operations) for read in reads)]),
        np.array([operation for read in reads for operation, _ in read.operations], np.uint8),
        np.array([length for read in reads for _, length in read.operations], np.int32),
        low,
        high,
        20,
        20,
    )
    for have, want in zip(found, (counts, placed, covered), strict=True):
        assert np.array_equal(have, want)


@given(st.lists(st.integers(1, 5000), min_size=2, max_size=12, unique=True), st.integers(50, 1500))
def test_windows_cover_regions_once(bounds: list[int], size: int) -> None:
    bounds = sorted(bounds)[: len(bounds) // 2 * 2]
    regions = list(zip(bounds[::2], bounds[1::2], strict=True))
    windows = windows_of(regions, size)
    covered = [base for start, end in windows for base in range(start, end)]
    assert covered == [base for start, end in regions for base in range(start, end)]
    assert all(end - start < 2 * size for start, end in windows if end - start > size)


def test_heterozygous_sites_are_those_of_the_normal_or_else_of_two_alleles() -> None:
    codes, within = np.zeros(6, np.uint8), np.array([1, 1, 1, 1, 1, 0], bool)
    normal = np.array([[20, 0, 20, 0], [40, 0, 1, 0], [20, 10, 10, 0], [20, 20, 0, 0], [4, 0, 4, 0], [20, 20, 0, 0]], np.int32)
    tumor = np.full((6, 4), 10, np.int32)
    place, alternative = heterozygous(codes, within, [tumor, normal])
    assert place.tolist() == [0, 3] and alternative.tolist() == [2, 1]
    place, _ = heterozygous(codes, within, [tumor, normal], {3: {1}, 0: {1}})
    assert place.tolist() == [3]
    alone = np.array([[30, 3, 0, 0], [30, 4, 0, 0], [2, 0, 30, 0], [1, 0, 30, 0], [30, 30, 30, 0], [30, 30, 0, 0]], np.int32)
    place, alternative = heterozygous(codes, within, [alone])
    assert place.tolist() == [1, 2] and alternative.tolist() == [1, 2]


# Likelihoods


@pytest.mark.parametrize("model", [FOUND_IN_NORMAL, FOUND_ALONE])
def test_balance_is_a_truncated_beta_binomial_of_either_haplotype(model: object) -> None:
    depth, alternative = np.array([30, 41, 30]), np.array([9, 30, 9])
    found = balance_log_likelihood(alternative, depth, model)  # type: ignore[arg-type]
    slow = np.zeros(len(BALANCE))
    for n, k in zip(depth.tolist(), alternative.tolist(), strict=True):
        allowed = [
            count for count in range(n + 1)
            if count >= max(model.least_alternative, model.least_fraction * n) and n - count >= model.least_reference  # type: ignore[attr-defined]
        ]  # fmt: skip
        for place, fraction in enumerate(BALANCE.tolist()):
            both = [min(max(one, 2e-3), 1 - 2e-3) for one in (fraction, 1 - fraction)]
            chance = {
                count: sum(betabinom.pmf(count, n, 300 * one, 300 * (1 - one)) for one in both) / 2 for count in allowed
            }  # fmt: skip
            others = model.others  # type: ignore[attr-defined]
            slow[place] += np.log((1 - others) * chance[k] / sum(chance.values()) + others / len(allowed))
    assert found == pytest.approx(slow - slow.max(), abs=1e-6)


def exact(copies: list[tuple[float, float]], purity: float, windows: int = 100) -> list[SegmentData]:
    """Segments of equal length whose depth and balance are those of the equations, with errors of 0.5 %."""
    ploidy = float(np.mean([total for total, _ in copies]))
    out = []
    for number, (total, minor) in enumerate(copies):
        seen = purity * total + 2 * (1 - purity)
        fraction = (purity * minor + 1 - purity) / seen
        balance = -0.5 * ((BALANCE - fraction) / 0.004) ** 2
        ratio = seen / (purity * ploidy + 2 * (1 - purity))
        out.append(SegmentData("chr1", number * 10**6, (number + 1) * 10**6, windows, ratio, 0.005, 2, 200, balance))
    return out


@pytest.mark.parametrize("purity", [0.35, 0.6, 0.9])
@pytest.mark.parametrize(
    "copies",
    [[(2, 1)] * 5 + [(1, 0), (2, 0), (3, 1)], [(4, 2)] * 4 + [(2, 0), (3, 1), (2, 1), (5, 2)], [(2, 1)] * 6 + [(3, 1), (1, 0)]],
)
def test_exact_segments_give_their_purity_and_copies(copies: list[tuple[float, float]], purity: float) -> None:
    fit = fitted(exact(copies, purity))
    assert fit.purity[0] == pytest.approx(purity, abs=0.005)
    assert fit.purity[1] <= purity <= fit.purity[2]
    assert [(one.total, one.minor) for one in fit.copies] == copies
    assert fit.ploidy[0] == np.mean([total for total, _ in copies])
    assert all(one.clonal for one in fit.copies)


def test_one_copy_more_of_each_haplotype_at_less_purity_looks_the_same_and_is_told() -> None:
    """p and (t, m) have the depth and the fraction of p / (1 - p) and (t + 2, m + 1): derived in the docs, and held by Fit."""
    copies, purity = [(2.0, 1.0)] * 5 + [(1.0, 0.0), (3.0, 1.0), (2.0, 0.0)], 0.4
    other = exact([(total + 2, minor + 1) for total, minor in copies], purity / (1 - purity))
    for one, two in zip(exact(copies, purity), other, strict=True):
        assert one.ratio == pytest.approx(two.ratio) and np.allclose(one.balance, two.balance)
    fit = fitted(other)
    assert fit.purity[0] == pytest.approx(purity, abs=0.005)
    assert any(abs(one.purity - purity / (1 - purity)) < 0.02 for one in fit.solutions) or fit.solutions[0].share > 0.98


def test_a_subclone_is_no_whole_number_and_does_not_disturb() -> None:
    copies = [(2.0, 1.0)] * 6 + [(1.0, 0.0), (3.0, 1.0), (2.0, 0.0), (2.3, 1.0)]
    fit = fitted(exact(copies, 0.7))
    assert fit.purity[0] == pytest.approx(0.7, abs=0.01)
    assert [one.clonal for one in fit.copies] == [True] * 9 + [False]
    assert fit.copies[-1].total == pytest.approx(2.3, abs=0.05)
    low, high = fit.copies[-1].total_limits
    assert 2 < low < 2.3 < high < 3


def test_a_quiet_genome_tells_no_purity() -> None:
    fit = fitted(exact([(2, 1)] * 8, 0.6))
    assert fit.gain < 1 and fit.possible[0] < 0.1 and fit.possible[1] == 1.0
    assert fit.ploidy[0] == 2


def test_one_change_might_be_of_a_part_of_the_cells() -> None:
    """Lower purities are excluded by it, higher ones with a subclone are not for certain: the limits say which."""
    fit = fitted(exact([(2, 1)] * 19 + [(1, 0)], 0.6))
    assert fit.purity[0] == pytest.approx(0.6, abs=0.01)
    assert fit.possible[0] > 0.55


def test_known_copies_leave_only_the_purity() -> None:
    copies = [(2, 1)] * 4 + [(1, 0), (3, 1)]
    states = GivenStates(*np.array(copies, float).T)
    fit = fitted(exact(copies, 0.55), states, float(np.mean([total for total, _ in copies])))
    assert fit.purity[0] == pytest.approx(0.55, abs=0.005)
    assert [(one.total, one.minor) for one in fit.copies] == copies


def test_copies_of_one_haplotype_only() -> None:
    """X of a man: one copy per normal cell, and no heterozygous sites."""
    data = exact([(2, 1)] * 6 + [(1, 0), (3, 1)], 0.6)
    ploidy = 2.0
    ratio = (0.6 * 2 + 0.4 * 1) / (0.6 * ploidy + 0.4 * 2)
    data.append(SegmentData("chrX", 0, 10**6, 100, ratio, 0.005, 1, 0, np.zeros(len(BALANCE))))
    fit = fitted(data)
    assert (fit.copies[-1].total, fit.copies[-1].minor) == (2, 0)
    assert fit.ploidy[0] == 2


@pytest.mark.parametrize("purity", [0.3, 0.6, 0.9])
def test_somatic_fractions_tell_the_purity_of_a_quiet_genome(purity: float) -> None:
    rng = np.random.default_rng(5)
    depth = rng.poisson(80, 150)
    fraction = np.where(rng.random(150) < 0.5, purity / 2, rng.uniform(0.02, purity / 2, 150))
    likelihood = purity_log_likelihood(rng.binomial(depth, fraction), depth, PURITIES)
    assert PURITIES[likelihood.argmax()] == pytest.approx(purity, abs=0.06)


# Depth


def test_gc_is_corrected_by_what_windows_of_that_gc_have() -> None:
    rng = np.random.default_rng(1)
    gc = rng.uniform(0.3, 0.6, 2000)
    shape = 1 - 1.2 * (gc - 0.45)
    expected = gc_expected(50 * shape, gc, np.ones(2000, bool))
    assert (50 * shape / expected).std() / 50 < 0.01
    assert np.array_equal(gc_expected(np.full(30, 7.0), gc[:30], np.ones(30, bool)), np.ones(30))


def test_windows_of_repeats_and_small_contigs_are_left_out() -> None:
    rng = np.random.default_rng(2)
    counts = counts_of(tumour("quiet", rng, 2, 160), 0.5, rng, normal=True)
    mappable = counts.mappable.copy()
    mappable[10:20] = 0.5
    bins = binned(Counted(**{**_columns(counts), "mappable": mappable, "contigs": ("chr1", "chrM")}))
    assert bins.windows.sum() == 150 and bins.left_out == ("chrM",)


def _columns(counts: Counted) -> dict[str, object]:
    return {name: getattr(counts, name) for name in Counted.__dataclass_fields__}


@pytest.mark.parametrize("told_by", ["normal", "panel", "tumour"])
def test_a_man_has_one_x(told_by: str) -> None:
    """A panel is of as many men as women: one copy and a half."""
    rng = np.random.default_rng(3)
    truth = Truth(3, 160, ((0, 160, 2.0, 1.0), (1, 80, 1.0, 0.0), (1, 80, 3.0, 1.0), (2, 160, 2.0, 1.0)))
    counts = counts_of(truth, 0.6, rng, normal=told_by != "tumour")
    on_x = counts.contig == 2
    changed = {"contigs": ("chr1", "chr2", "chrX")}
    changed |= {
        "tumor": np.where(on_x, counts.tumor * (0.6 + 0.4) / 2, counts.tumor),
        "normal": np.where(on_x, counts.normal * {"normal": 0.5, "panel": 0.75, "tumour": 1.0}[told_by], counts.normal),
    }
    kept = counts.site_contig != 2
    changed |= {name: getattr(counts, name)[kept] for name in ("site_contig", "position", "reads")}
    bins = binned(Counted(**{**_columns(counts), **changed}), told_by == "panel")  # type: ignore[arg-type]
    assert bins.normal_copies == {0: 2, 1: 2, 2: 1}
    found = estimated_from(bins, {"chr1": 160 * WINDOW, "chr2": 160 * WINDOW, "chrX": 160 * WINDOW}).purity
    (of_x,) = [one for one in found.segments if one.contig == "chrX"]
    assert (of_x.total, of_x.minor, of_x.normal_copies) == (1, 0, 1)
    assert found.purity == pytest.approx(0.6, abs=0.03)


def test_nothing_mapped_is_said() -> None:
    rng = np.random.default_rng(2)
    counts = counts_of(tumour("quiet", rng, 1, 160), 0.5, rng, normal=False)
    with pytest.raises(UserError, match="copy number can't be told"):
        binned(Counted(**{**_columns(counts), "tumor": np.zeros(160)}))
    with pytest.raises(UserError, match="nothing to count"):
        together([])


# Whole estimates


def estimate(kind: str, purity: float, normal: bool, seed: int = 1, **how: object) -> tuple[Estimate, Truth]:
    rng = np.random.default_rng([seed, int(100 * purity)])
    truth = tumour(kind, rng, contigs=4)
    bins = binned(counts_of(truth, purity, rng, normal=normal))
    return estimated_from(bins, truth.lengths, **how), truth  # type: ignore[arg-type]


@pytest.mark.parametrize("normal", [True, False])
@pytest.mark.parametrize(("kind", "purity"), [("much", 0.3), ("changed", 0.6), ("doubled", 0.7), ("changed", 0.95)])
def test_purity_ploidy_and_segments_are_those_of_the_tumour(kind: str, purity: float, normal: bool) -> None:
    found, truth = estimate(kind, purity, normal)
    assert found.purity.purity == pytest.approx(purity, abs=0.03)
    assert found.purity.purity_low <= purity <= found.purity.purity_high
    assert found.purity.purity_low <= found.purity.fit_low <= found.purity.fit_high <= found.purity.purity_high
    assert found.purity.ploidy == pytest.approx(truth.ploidy, abs=0.1)
    total, minor = truth.per_window()
    segments = Segments(table_of(found.purity), truth.lengths)
    middles = np.arange(truth.windows) * WINDOW + WINDOW // 2
    right = 0
    for number, contig in enumerate(truth.lengths):
        here = segments.on(contig)
        assert here[0].start == 0 and here[-1].end == truth.lengths[contig]
        places = segments.indices(contig, middles)
        for window, place in enumerate(places.tolist()):
            at = number * truth.windows + window
            right += here[place].total == total[at] and here[place].minor == minor[at]
    assert right >= 0.95 * len(total)


def test_what_can_not_be_told_is_null_with_a_warning_and_calls_may_tell_it() -> None:
    found, truth = estimate("quiet", 0.6, True)
    assert found.purity.purity is None and found.purity.told_by == "nothing"
    assert found.purity.purity_high - found.purity.purity_low > 0.5 and "can't tell the purity" in found.purity.warnings[0]
    rng = np.random.default_rng(4)
    calls = [SomaticCall("chr1", int(rng.integers(10**7)), int(rng.binomial(60, 0.3)), 60) for _ in range(60)]
    found, _ = estimate("quiet", 0.6, True, calls=calls)
    assert found.purity.told_by == "somatic fractions" and found.purity.purity == pytest.approx(0.6, abs=0.04)
    found, _ = estimate("quiet", 0.6, True, calls=calls[:5])
    assert found.purity.purity is None
    assert truth.ploidy == found.purity.ploidy == 2


def test_segments_of_another_tool_give_the_same_purity() -> None:
    found, truth = estimate("changed", 0.5, False)
    listed = [one for one in table_of(found.purity) if one.end - one.start > 20 * WINDOW]
    again, _ = estimate("changed", 0.5, False, given=Segments(listed, truth.lengths))
    assert again.purity.purity == pytest.approx(0.5, abs=0.03)
    assert [(one.start, one.total, one.minor) for one in again.purity.segments] == [
        (one.start, one.total, one.minor) for one in listed
    ]
    nowhere = Segments([Segment("chr9", 0, 100, 2, 1)], {**truth.lengths, "chr9": 100})
    with pytest.raises(UserError, match="none of the given segments"):
        estimate("changed", 0.5, False, given=nowhere)


def test_purity_json_is_read_back(tmp_path: Path) -> None:
    from varproof.formats.json_file import read_json, write_json

    found, _ = estimate("changed", 0.6, True)
    write_json(tmp_path / "purity.json", found.purity)
    assert read_json(tmp_path / "purity.json", Purity) == found.purity
    with pytest.raises(ValueError, match="told by nothing"):
        Purity.model_validate({**found.purity.model_dump(by_alias=True), "purity": None})
    with pytest.raises(ValueError, match="outside of its limits"):
        Purity.model_validate({**found.purity.model_dump(by_alias=True), "purity": 0.05})
    assert DECISIONS.purity_error > 0


def test_fits_of_purity_json_have_their_copies() -> None:
    found, truth = estimate("changed", 0.6, True)
    content = found.purity.model_dump(by_alias=True)
    copies = {name: content["segments"][0][name] for name in SegmentCopies.model_fields}
    number = len(content["segments"])
    other = {"purity": 0.4, "ploidy": 4.0, "probability": 0.25, "fit_low": 0.38, "fit_high": 0.43}
    both = content | {"probability": 0.5, "alternatives": [other | {"segments": [copies] * number}]}
    first, second = Purity.model_validate(both).fits
    assert (first.probability, second.probability) == (2 / 3, 1 / 3)
    assert second.limits == (0.38, 0.43) and len(second.copies) == number and first.copies == found.purity.segments
    older = Purity.model_validate(content | {"alternatives": [{"purity": 0.4, "ploidy": 4.0, "probability": 0.25}]})
    assert [one.probability for one in older.fits] == [1.0] and older.alternatives[0].limits == (0.4, 0.4)
    assert [one.total for one in segments_of(found.purity, truth.lengths, "p")] == [one.total for one in found.purity.segments]
    wrong = [
        (content | {"alternatives": [other | {"segments": [copies] * (number + 1)}]}, "copies of each segment"),
        (content | {"alternatives": [other | {"fit_low": 0.41}]}, "outside of the limits of its fit"),
        (content | {"segments": [content["segments"][0] | {"total_low": 3, "total_high": 2}]}, "total_low is over total_high"),
        (content | {"segments": [content["segments"][0] | {"minor_low": 2, "minor_high": 1}]}, "minor_low is over minor_high"),
        (content | {"ploidy_low": 6}, "ploidy lies outside"),
    ]
    for changed, said in wrong:
        with pytest.raises(ValueError, match=said):
            Purity.model_validate(changed)


# The posterior of purity and ploidy


def test_chances_of_states_by_hand() -> None:
    """Of a quiet genome all is usual; of one altered segment in two those of one event are e times as rare as those of two."""
    states = once_altered(2, 0.5, 8)
    assert states[1, 1] == 0.5 and sum(states.values()) == pytest.approx(1)
    assert states[2, 1] == pytest.approx(states[1, 0]) and states[2, 1] / states[3, 1] == pytest.approx(np.e)
    assert states[2, 0] == pytest.approx(states[3, 1])  # a loss and a gain, two gains
    doubled = doubled_states(2, 0.5, 0.0, 8)
    assert doubled[2, 2] == 0.5 and doubled[2, 0] == pytest.approx(once_altered(2, 0.5, 4)[1, 0])
    later = doubled_states(2, 0.0, 0.5, 8)
    assert later[2, 2] == 0.5 and later[3, 2] == pytest.approx(later[2, 1]) and sum(later.values()) == pytest.approx(1)
    prior = state_prior()
    assert np.exp(prior.log_weight).sum() == pytest.approx(1)
    assert np.exp(prior.log_weight[prior.doubled]).sum() == pytest.approx(DECISIONS.doubled)
    assert (prior.chance.sum(axis=2) <= 1 + 1e-9).all() and (prior.chance.sum(axis=2) > 0.75).all()
    for of in prior.event:
        sums = np.bincount(prior.base, of, len(prior.total))
        assert np.allclose(sums[sums > 0], 1)


def test_the_posterior_of_a_cell_is_that_of_a_slow_sum() -> None:
    """Over histories, shares of subclonal segments and shares of a subclone; of each segment over all of its states."""
    from varproof.copynumber.fit_numba_fns import cell_scores, cell_states

    data = exact([(2, 1), (1, 0), (2.4, 1.0)], 0.6)
    data.append(SegmentData("chrX", 0, 10**6, 100, 0.7, 0.005, 1, 0, np.zeros(len(BALANCE))))
    arrays, prior = SegmentArrays.of(data), state_prior()
    purity, mean = 0.6, np.log(2.05)

    def likelihood(i: int, one: float, other: float) -> float:
        normal = data[i].normal_copies
        copies = max(purity * (one + other) + (1 - purity) * normal, 1e-3)
        out = np.exp(-0.5 * ((arrays.log_ratio[i] + mean - np.log(copies)) / arrays.sd[i]) ** 2)
        fraction = min((purity * min(one, other) + 1 - purity) / copies, 0.5)
        return float(out * np.exp(np.interp(fraction, BALANCE, data[i].balance)) if normal == 2 else out)

    histories, rates = len(prior.log_weight), prior.subclonal
    logs = np.zeros((histories, len(rates), len(SHARES)))
    whole_parts = np.zeros((len(data), histories, len(rates), len(SHARES)))
    totals = np.zeros_like(whole_parts)
    for i, one in enumerate(data):
        n = one.normal_copies - 1
        clonal = np.array([likelihood(i, t - m, m) for t, m in zip(prior.total, prior.minor, strict=True)])
        mixed = np.array(
            [[likelihood(i, *((1 - f) * a + f * b)) for a, b in zip(prior.first, prior.second, strict=True)] for f in SHARES]
        )
        for h in range(histories):
            whole = float(prior.chance[h, n] @ clonal)
            parts = mixed @ (prior.event[n] * prior.chance[h, n][prior.base])
            for a, rate in enumerate(rates):
                subclonal = DECISIONS.own_subclone * parts.mean() + (1 - DECISIONS.own_subclone) * parts
                found = (1 - DECISIONS.no_state) * ((1 - rate) * whole + rate * subclonal)
                totals[i, h, a] = found + DECISIONS.no_state * arrays.flat[i]
                whole_parts[i, h, a] = (1 - DECISIONS.no_state) * (1 - rate) * whole
        logs += arrays.temper[i] * np.log(totals[i])
    slow = prior.log_weight + np.log(np.exp(logs).mean(axis=(1, 2)))
    cell = np.array([purity]), np.array([mean])
    assert arrays.cells(cell_scores, *cell)[0] == pytest.approx(slow, abs=1e-6)
    weights = np.exp(logs + prior.log_weight[:, None, None])
    weights /= weights.sum()
    states = arrays.cells(cell_states, *cell)[0]
    assert states.sum(axis=1) == pytest.approx(np.ones(len(data)))
    for i in range(len(data)):
        assert states[i, :-1].sum() == pytest.approx((weights * whole_parts[i] / totals[i]).sum(), abs=1e-6)


def test_waves_of_depth_are_an_error_that_segments_share() -> None:
    """Halves of 60 bins about a level differ by more than their noise where depth drifts; by 0.04 in the log here,
    of which the median square is 0.455 times the variance if it is of a normal deviation, and that of both halves."""
    rng = np.random.default_rng(3)
    truth = Truth(8, 160, tuple((contig, 160, 2.0, 1.0) for contig in range(8)))
    bins = binned(counts_of(truth, 0.6, rng, normal=True, wave=0.0, gc_effect=0.0))
    parts = [Part(int(rows[0]), int(rows[-1]) + 1) for rows in (np.flatnonzero(bins.contig == k) for k in range(8))]
    noise = float(np.log(bins.ratio).std())
    assert shared_error(bins, parts, noise) < 0.006
    number = np.concatenate([np.arange(part.last - part.first) >= (part.last - part.first) // 2 for part in parts])
    drifting = replace(bins, observed=bins.observed * np.exp(0.04 * number))
    assert shared_error(drifting, parts, noise) == pytest.approx(0.04 / np.sqrt(2 * 0.455), abs=0.006)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_subclone_does_not_pass_for_a_doubled_genome_for_certain(seed: int) -> None:
    """Half of the cells have changes of their own: twice all copies, at p / (2 - p), fit in whole numbers just as well."""
    rng = np.random.default_rng([seed, 60])
    truth = tumour("subclonal", rng, subclone=0.5)
    found = estimated_from(binned(counts_of(truth, 0.6, rng, normal=True)), truth.lengths).purity
    fits = [(found.purity, found.ploidy, found.probability), *((a.purity, a.ploidy, a.probability) for a in found.alternatives)]
    right = [share for p, n, share in fits if abs(p - 0.6) < 0.04 and abs(n - truth.ploidy) < 0.25]
    wrong = [share for p, n, share in fits if n > 3.5]
    assert sum(right) > 0.02 and sum(wrong) < 0.98
    assert found.probability > 0.8 or "can not be told apart" in " ".join(found.warnings)
