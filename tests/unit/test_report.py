"""Metrics by hand, shares against scipy, the page's contents."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from variant_examples import calls_of, truth_of
from varproof.evaluation.evaluation import (
    at_rate,
    binomial_absolute_error,
    class_metrics,
    false_calls_by_truth,
    share_limits,
    vaf_metrics,
    variant_classes,
)
from varproof.evaluation.haplotype_matching import match_haplotypes
from varproof.evaluation.matching import match
from varproof.evaluation.variants import Calls, Truth
from varproof.formats.metrics import InputCounts, MatchingRule, Metrics
from varproof.report.figures import precision_recall
from varproof.report.page import render_report


def small_example() -> tuple[Calls, Truth]:
    """Two true SNVs called, one missed, one false SNV; a true insertion of 40 called with little confidence."""
    calls = calls_of(
        (100, "A", "C"), (200, "A", "C"), (300, "A", "C"), (400, "", "A" * 40), (500, "A" * 3, ""),
        errors=[0.001, 0.03, 0.08, 0.4, 0.95],
    )  # fmt: skip
    return calls, truth_of((100, "A", "C"), (200, "A", "C"), (900, "A", "C"), (400, "", "A" * 40))


def test_operating_points_by_hand() -> None:
    calls, truth = small_example()
    found = {entry.name: entry for entry in class_metrics(calls, truth, match(calls, truth), 1.0)}
    snv = found["snv"]
    assert (snv.calls, snv.true_variants, snv.true_variants_among_calls) == (3, 3, 2)
    # Mean errors of the first 1, 2, 3 SNVs: 0.001, 0.0155, 0.037.
    point = at_rate(snv.own_threshold, 0.02)
    assert (point.kept, point.true, point.false, point.found) == (2, 2, 0, 2)
    assert (point.realised_fdr, point.precision) == (0.0, 1.0)
    assert point.recall == pytest.approx(2 / 3)
    assert point.recall_among_candidates == 1.0
    assert point.f1 == pytest.approx(0.8)
    assert point.expected_fdr == pytest.approx(0.0155)
    assert point.max_error_probability == 0.03
    loose = at_rate(snv.own_threshold, 0.05)
    assert (loose.kept, loose.false) == (3, 1)
    assert loose.realised_fdr == pytest.approx(1 / 3)
    # The limits of 1 of 3, from the quantiles of the beta distribution.
    assert loose.realised_fdr_low == pytest.approx(stats.beta(1, 3).ppf(0.025))
    assert loose.realised_fdr_high == pytest.approx(stats.beta(2, 2).ppf(0.975))
    # Together: (0.001 + 0.03 + 0.08) / 3 = 0.037; with 0.4 it is 0.128; with 0.95 0.292.
    joint = at_rate(found["all"].joint_threshold, 0.2)
    assert (joint.kept, joint.true, joint.false, joint.found) == (4, 3, 1, 3)
    insertion = found["insertion 30-99"]
    assert at_rate(insertion.own_threshold, 0.2).kept == 0
    assert at_rate(insertion.own_threshold, 0.2).realised_fdr is None
    assert at_rate(insertion.own_threshold, 0.2).recall == 0.0
    assert at_rate(insertion.joint_threshold, 0.2).recall == 1.0
    assert (found["all"].all_calls.kept, found["all"].all_calls.true, found["all"].all_calls.false) == (5, 3, 2)
    assert "mnv" not in found


def test_partial_matches_are_kept_but_neither_true_nor_false() -> None:
    calls = calls_of((10, "A", "T"), (10, "AC", "TG"), errors=[0.01, 0.01])
    truth = truth_of((10, "AC", "TG"))
    point = at_rate(class_metrics(calls, truth, match(calls, truth), 1.0)[0].own_threshold, 0.05)
    assert (point.kept, point.true, point.false, point.partial, point.realised_fdr) == (2, 1, 0, 1, 0.0)


def test_classes_cover_every_indel_once() -> None:
    calls = calls_of(*((1000 * i, "", "A" * length) for i, length in enumerate((1, 29, 30, 99, 100, 250, 251, 5000))))
    bins = [entry.mask(calls) for entry in variant_classes() if entry.name.startswith("insertion ")]
    assert np.array_equal(np.sum(bins, axis=0), np.ones(8))
    assert [int(mask.sum()) for mask in bins] == [2, 2, 2, 2]


@given(st.integers(1, 200), st.sampled_from([0.0, 1.0]) | st.floats(1e-6, 1 - 1e-6))
@settings(max_examples=60)
def test_binomial_absolute_error_is_the_sum_over_counts(depth: int, share: float) -> None:
    counts = np.arange(depth + 1)
    expected = float(np.abs(counts / depth - share) @ stats.binom(depth, share).pmf(counts))
    (found,) = binomial_absolute_error(np.array([share]), np.array([float(depth)]))
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_vaf_errors_by_hand() -> None:
    """Estimates 0.3 against truths 0.2 and 0.5, depth 24 and purity 0.5: f = 0.1 and 0.25."""
    calls, truth = calls_of((10, "A", "C"), (20, "A", "C")), truth_of((10, "A", "C"), (20, "A", "C"))
    truth.vafs, calls.depths = np.array([0.2, 0.5]), np.array([24.0, 24.0])
    calls.vaf_low, calls.vaf_high = np.array([0.1, 0.1]), np.array([0.4, 0.45])
    found = vaf_metrics(calls, truth, match(calls, truth), np.ones(2, dtype=bool), 0.5)
    assert found is not None
    assert found.mean_absolute_error == pytest.approx(0.15)
    assert found.bias == pytest.approx(-0.05)
    assert found.root_mean_square_error == pytest.approx(np.sqrt((0.01 + 0.04) / 2))
    spread = (np.sqrt(0.1 * 0.9 / 24) + np.sqrt(0.25 * 0.75 / 24)) / 2 / 0.5
    assert found.binomial_sd == pytest.approx(spread)
    assert found.ratio_to_binomial_sd == pytest.approx(0.15 / spread)
    assert found.interval_coverage == 0.5
    truth.vafs = np.array([np.nan, np.nan])
    assert vaf_metrics(calls, truth, match(calls, truth), np.ones(2, dtype=bool), 0.5) is None


def test_what_false_calls_are() -> None:
    calls = calls_of(
        (10, "A", "C"), (105, "A", "C"), (500, "A", "C"), (600, "A", "C"), (700, "A", "C"), errors=[1e-3] * 4 + [0.9]
    )
    truth = truth_of((100, "", "ACGT"))
    truth.others = {("chr1", 500, 501, "C"): "GERMLINE_HET", ("chr1", 600, 601, "C"): "GERMLINE_HET"}
    assert false_calls_by_truth(calls, truth, match(calls, truth)) == {
        "GERMLINE_HET": 2,
        "other": 1,
        "within 10 bp of a true variant": 1,
    }


def test_limits_of_nothing() -> None:
    assert share_limits(0, 0) == (None, None)


def report_of(calls: Calls, truth: Truth) -> tuple[str, Metrics]:
    matching = match(calls, truth)
    counts = dict.fromkeys(InputCounts.model_fields, 0) | {"calls": len(calls), "true_variants": len(truth)}
    metrics = Metrics(
        events=["SOMATIC_TUMOR"],
        truth_event=None,
        matching=MatchingRule(normalised=False, max_distance=None, max_length_difference=None),
        purity=1.0,
        counts=InputCounts(**counts),
        classes=class_metrics(calls, truth, matching, 1.0),
        false_calls_by_truth=false_calls_by_truth(calls, truth, matching),
        provenance={"options": {"calls": "<script>alert(1)</script>"}},
    )
    return render_report(calls, truth, matching, metrics), metrics


@pytest.mark.parametrize(
    ("by_haplotype", "points"), [(False, [(1 / 3, 1), (1 / 3, 1 / 2)]), (True, [(1 / 3, 1), (1 / 3, 1 / 2), (1, 3 / 4)])]
)
def test_precision_over_recall(by_haplotype: bool, points: list[tuple[float, float]]) -> None:
    """SNVs: one true, one false, then the second base of a true MNV, with which the first becomes true, too.

    The true SNVs are three: two of them are found by the MNV call (30 AC>CG), which is of another type.
    """
    calls = calls_of(
        (10, "A", "C"), (100, "A", "C"), (50, "G", "T"), (101, "G", "T"), (30, "AC", "CG"), errors=[0.01, 0.02, 0.03, 0.2, 0.2]
    )  # fmt: skip
    truth = truth_of((10, "A", "C"), (100, "AG", "CT"), (30, "A", "C"), (31, "C", "G"))
    matching = match(calls, truth)
    if by_haplotype:
        matching = match_haplotypes(calls, truth, matching, None).matching
    recall, precision = precision_recall(calls, truth, matching, "snv")
    assert list(zip(recall, precision, strict=True)) == points


def test_the_page_is_self_contained_and_shows_the_numbers() -> None:
    page, metrics = report_of(*small_example())
    for outside in ('src="', "@import", "<link", "<script", 'href="http'):
        assert outside not in page
    assert "&lt;script&gt;" in page
    assert page.count("<svg") == 4
    headline = at_rate(metrics.class_named("all").joint_threshold, 0.05)
    assert f"{headline.recall:.3f}" in page
    for title in ("Is the promised error rate kept?", "Precision and recall", "What is found", "Allele frequencies"):
        assert title in page
    assert page == report_of(*small_example())[0]


def test_ids_of_the_pictures_do_not_clash() -> None:
    """Several SVGs share one page: an id that two of them define would draw one's clip path in the other."""
    page, _ = report_of(*small_example())
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) == set(ids)


@pytest.mark.parametrize("calls", [calls_of(), calls_of((10, "A", "C"))])
@pytest.mark.parametrize("truth", [truth_of(), truth_of((10, "A", "C")), truth_of((90, "A", "C"))])
def test_pages_of_next_to_nothing(calls: Calls, truth: Truth) -> None:
    page, _ = report_of(calls, truth)
    assert "Calls against the truth" in page


@pytest.mark.parametrize(
    "name",
    [
        "formats.density",
        "formats.scored",
        "formats.subset",
        "posterior.fdr",
        "posterior.vaf",
        "report.figures",
        "variants.edit",
    ],
)
def test_examples_in_docstrings(name: str) -> None:
    import doctest
    import importlib

    assert doctest.testmod(importlib.import_module(f"varproof.{name}")).failed == 0
