"""Pooled runs against each run by itself: counts add up, whatever alleles the runs share."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from variant_examples import calls_of, truth_of
from varproof.evaluation.evaluation import NOMINAL_FDRS, at_rate, class_metrics, kept_at_rates, vaf_metrics
from varproof.evaluation.haplotype_matching import match_haplotypes
from varproof.evaluation.matching import NONE, match
from varproof.evaluation.pooling import Evaluated, false_calls_of_runs, pooled
from varproof.posterior.fdr import fdr_threshold

SUMMED = ("kept", "true", "false", "partial", "found")
KINDS = (("A", "C"), ("A", "G"), ("AC", "GT"), ("", "ACGT"), ("", "A" * 40), ("ACG", ""), ("A" * 120, ""))


def random_run(generator: random.Random) -> Evaluated:
    """A run of 0-40 calls and 0-20 true variants at few places, so that runs have many alleles in common."""

    def alleles(most: int) -> list[tuple[int, str, str]]:
        drawn = [(200 * generator.randrange(1, 8), *generator.choice(KINDS)) for _ in range(generator.randrange(most))]
        second_bases = [(start + 1, "C", "T") for start, ref, alt in drawn if (ref, alt) == ("A", "G")]
        return list(dict.fromkeys(drawn + second_bases))

    called, known = alleles(41), alleles(21)
    calls = calls_of(*called, errors=[generator.choice([0.001, 0.01, 0.04, 0.2, 0.6, 0.95]) for _ in called])
    truth = truth_of(*known)
    truth.others = {("chr1", 200, 201, "C"): "GERMLINE_HET"}
    matching = match(calls, truth, 3, 2)
    return Evaluated(calls, truth, matching, generator.choice([0.5, 1.0]), match_haplotypes(calls, truth, matching, None))


def example(seed: int) -> list[Evaluated]:
    generator = random.Random(seed)
    return [random_run(generator) for _ in range(generator.randrange(2, 5))]


@pytest.mark.parametrize("by_haplotype", [False, True])
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_counts_are_the_sums_over_runs(by_haplotype: bool, seed: int) -> None:
    runs = example(seed)
    together = pooled(runs)
    if by_haplotype:
        together, runs = together.by_haplotype(), [run.by_haplotype() for run in runs]
    found = class_metrics(together.calls, together.truth, together.matching, together.purity)
    single = [{e.name: e for e in class_metrics(run.calls, run.truth, run.matching, run.purity)} for run in runs]
    assert {entry.name for entry in found} == {name for entries in single for name in entries}
    for entry in found:
        parts = [entries[entry.name] for entries in single if entry.name in entries]
        for name in ("calls", "true_variants", "true_variants_among_calls"):
            assert getattr(entry, name) == sum(getattr(part, name) for part in parts)
        for points in ("own_threshold", "joint_threshold"):
            for rate in NOMINAL_FDRS:
                point = at_rate(getattr(entry, points), rate)
                of_runs = [at_rate(getattr(part, points), rate) for part in parts]
                for name in SUMMED:
                    assert getattr(point, name) == sum(getattr(part, name) for part in of_runs), (
                        entry.name,
                        points,
                        rate,
                        name,
                    )
                judged = point.true + point.false
                assert point.realised_fdr == (point.false / judged if judged else None)
                if judged:
                    limits = stats.binomtest(point.false, judged).proportion_ci(0.95, "exact")
                    assert (point.realised_fdr_low, point.realised_fdr_high) == (limits.low, limits.high)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_matches_stay_within_their_run(seed: int) -> None:
    runs = example(seed)
    together = pooled(runs)
    calls, truth, matching = together.calls, together.truth, together.matching
    assert list(calls.runs) == [number for number, run in enumerate(runs) for _ in range(len(run.calls))]
    for call in np.flatnonzero(matching.truth_of_call != NONE):
        of_truth = matching.truth_of_call[call]
        assert calls.runs[call] == truth.runs[of_truth]
        assert matching.call_of_truth[of_truth] == call
    assert matching.true.sum() == sum(int(run.matching.true.sum()) for run in runs)
    by_haplotype = together.by_haplotype().matching
    needed = by_haplotype.needed_call
    assert by_haplotype.true.sum() == sum(int(run.by_haplotype().matching.true.sum()) for run in runs)
    assert (calls.runs[needed] == calls.runs)[needed != NONE].all()
    assert (calls.runs[by_haplotype.call_of_truth] == truth.runs)[by_haplotype.call_of_truth != NONE].all()
    assert list(together.purity) == [run.purity for run in runs for _ in range(len(run.calls))]


def test_a_call_of_one_run_is_no_true_variant_of_another() -> None:
    allele = (100, "A", "C")
    runs = []
    for calls, truth in ((calls_of(allele), truth_of()), (calls_of(), truth_of(allele))):
        runs.append(Evaluated(calls, truth, match(calls, truth), 1.0))
    together = pooled(runs)
    (everything, *_) = class_metrics(together.calls, together.truth, together.matching, together.purity)
    point = at_rate(everything.own_threshold, 0.05)
    assert (point.kept, point.true, point.false, point.found, everything.true_variants) == (1, 0, 1, 0, 1)


def test_each_run_has_its_own_threshold() -> None:
    """At 0.05 a run with sure calls keeps one of 0.12, a run without any keeps none: fdr-filter's numbers, run by run."""
    errors = [[0.01, 0.01, 0.12, 0.5], [0.12, 0.3]]
    runs = []
    for of_run in errors:
        calls = calls_of(*((100 * i, "A", "C") for i in range(len(of_run))), errors=of_run)
        runs.append(Evaluated(calls, truth_of(), match(calls, truth_of()), 1.0))
    calls = pooled(runs).calls
    kept = kept_at_rates(calls, np.ones(6, dtype=bool))
    assert list(kept[0.05]) == [True, True, True, False, False, False]
    for rate, mask in kept.items():
        assert mask.sum() == sum(fdr_threshold(of_run, rate).kept for of_run in errors)


def test_false_calls_are_named_by_their_own_truth() -> None:
    calls = calls_of((500, "A", "C"))
    runs = []
    for others in ({("chr1", 500, 501, "C"): "GERMLINE_HET"}, {}, {}):
        truth = truth_of()
        truth.others = others
        runs.append(Evaluated(calls, truth, match(calls, truth), 1.0))
    assert false_calls_of_runs(runs) == {"other": 2, "GERMLINE_HET": 1}


def frequencies(purity: Any) -> Any:
    calls, truth = calls_of((10, "A", "C"), (20, "A", "C")), truth_of((10, "A", "C"), (20, "A", "C"))
    truth.vafs, calls.depths = np.array([0.2, 0.5]), np.array([24.0, 30.0])
    return vaf_metrics(calls, truth, match(calls, truth), np.ones(2, dtype=bool), purity)


def test_each_call_has_the_purity_of_its_run() -> None:
    """f = 0.8 * 0.2 of 24 and 0.5 * 0.5 of 30; scaled back to tumour cells by each one's own purity."""
    found = frequencies(np.array([0.8, 0.5]))
    spread = (np.sqrt(0.16 * 0.84 / 24) / 0.8 + np.sqrt(0.25 * 0.75 / 30) / 0.5) / 2
    assert found.binomial_sd == pytest.approx(spread)
    counts = [np.arange(25), np.arange(31)]
    typical = [
        np.abs(k / k[-1] - f) @ stats.binom(k[-1], f).pmf(k) / purity
        for k, f, purity in zip(counts, (0.16, 0.25), (0.8, 0.5), strict=True)
    ]
    assert found.binomial_absolute_error == pytest.approx(np.mean(typical))
    assert frequencies(0.7) == frequencies(np.array([0.7, 0.7]))
