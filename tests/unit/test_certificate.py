"""The certificate by hand: bins, limits, verdicts, and what the page says of them."""

import json
import re

import numpy as np
import pytest
from scipy import stats

from variant_examples import calls_of, truth_of
from varproof.evaluation.evaluation import class_metrics
from varproof.evaluation.matching import match
from varproof.evaluation.pooling import Evaluated, pooled
from varproof.formats.metrics import CertifiedRun, InputCounts, MatchingRule, Metrics
from varproof.report.certificate import (
    bin_numbers,
    certificate,
    certified_classes,
    depths_of_truth,
    recall_bins,
)
from varproof.report.certificate_figures import interval_text, recall_map_picture
from varproof.report.certificate_page import in_words, rate_of, render_certificate

NAN = float("nan")
RUN = CertifiedRun(
    calls="<b>run</b>", truth="truth.vcf.gz", spiked=True, seed=7, reads=["donor.bam"], purity=0.75, candidates=5,
    candidates_not_judged=0, true_variants=4, scoring={"version": "0.0.1"}, input_digests={},
)  # fmt: skip


def snv_run(true: int, false: int, missed: int = 0, start: int = 0, error: float = 0.001) -> Evaluated:
    """`true` true SNVs at 0, 100, ..., `false` false and `missed` uncalled ones after them."""
    places = [(start + 100 * i, "A", "C") for i in range(true + false + missed)]
    calls = calls_of(*places[: true + false], errors=[error] * (true + false))
    truth = truth_of(*places[:true], *places[true + false :])
    return Evaluated(calls, truth, match(calls, truth), 1.0)


def metrics_of(runs: list[Evaluated]) -> tuple[Evaluated, Metrics]:
    together = pooled(runs)
    calls, truth = together.calls, together.truth
    counts = dict.fromkeys(InputCounts.model_fields, 0) | {"calls": len(calls), "true_variants": len(truth)}
    metrics = Metrics(
        events=["SOMATIC_TUMOR"],
        truth_event=None,
        matching=MatchingRule(normalised=False, max_distance=None, max_length_difference=None),
        purity=1.0,
        runs=len(runs),
        counts=InputCounts(**counts),
        classes=class_metrics(calls, truth, together.matching, 1.0),
        false_calls_by_truth={},
        provenance={"options": {"calls": "<script>alert(1)</script>"}},
    )
    metrics.certificate = certificate(together, metrics.classes, [RUN] * len(runs))
    return together, metrics


def test_bins_by_hand() -> None:
    values = np.array([0.05, 0.07, 0.0999, 0.1, 1.0, NAN, 0.05])
    found = np.array([True, False, True, True, True, False, False])
    bins = recall_bins(values, found, (0.0, 0.05, 0.1, 1.0), True)
    assert [(entry.low, entry.high, entry.found, entry.true_variants) for entry in bins] == [
        (0.05, 0.1, 2, 4),
        (0.1, 1.0, 2, 2),
        (None, None, 0, 1),
    ]
    for entry in bins:
        limits = stats.binomtest(entry.found, entry.true_variants).proportion_ci(0.95, "exact")
        assert (entry.recall_low, entry.recall_high) == (limits.low, limits.high)
        assert entry.recall == entry.found / entry.true_variants
    (last,) = recall_bins(np.array([1000.0, 5000.0]), np.array([True, False]), (0.0, 1000.0), False)
    assert (last.low, last.high, last.found, last.true_variants) == (1000.0, None, 1, 2)
    assert recall_bins(np.zeros(0), np.zeros(0, dtype=bool), (0.0, 1.0), True) == []


@pytest.mark.parametrize("closed", [True, False])
def test_every_value_has_the_bin_that_a_loop_finds(closed: bool) -> None:
    edges = (0.0, 0.1, 0.5, 1.0)
    values = np.concatenate([np.random.default_rng(3).uniform(-0.2, 1.3, 200), edges, [NAN]])
    for value, number in zip(values, bin_numbers(values, edges, closed), strict=True):
        bounds = list(zip(edges, (*edges[1:], np.inf), strict=True))
        expected = [i for i, (low, high) in enumerate(bounds) if low <= value < high]
        if closed and expected == [3]:
            expected = [2] if value == 1.0 else []
        assert [number] == (expected or [-1])


def test_depth_is_the_truths_then_the_calls_then_unknown() -> None:
    calls = calls_of((100, "A", "C"), (200, "A", "C"), (300, "A", "C"))
    truth = truth_of((100, "A", "C"), (200, "A", "C"), (300, "A", "C"), (400, "A", "C"))
    calls.depths, truth.depths = np.array([11.0, 12.0, 0.0]), np.array([50.0, NAN, NAN, NAN])
    found = depths_of_truth(Evaluated(calls, truth, match(calls, truth), 1.0))
    assert np.array_equal(found, [50.0, 12.0, NAN, NAN], equal_nan=True)


def test_classes_do_not_overlap() -> None:
    alleles = [(1000 * i, "", "A" * length) for i, length in enumerate((1, 29, 30, 99, 100, 250, 251, 4000))]
    alleles += [(start + 50_000, "A" * len(alt), "") for start, _, alt in alleles]
    alleles += [(90_000, "A", "C"), (90_100, "AC", "GT"), (90_200, "ACG", "TT")]
    calls = calls_of(*alleles)
    everything, *apart = certified_classes()
    assert everything.mask(calls).all()
    assert np.array_equal(np.sum([entry.mask(calls) for entry in apart], axis=0), np.ones(len(alleles)))


@pytest.mark.parametrize(
    ("true", "false", "verdict"),
    [(95, 5, "held"), (18, 2, "unclear"), (60, 40, "exceeded"), (10, 0, "held")],
)
def test_verdicts(true: int, false: int, verdict: str) -> None:
    """2 of 20: 0.1, lower limit 0.012. 40 of 100: lower limit 0.30. All calls have a probability of 0.999."""
    limits = stats.binomtest(false, true + false).proportion_ci(0.95, "exact")
    assert (limits.low > 0.05) == (verdict == "exceeded")
    _, metrics = metrics_of([snv_run(true, false)])
    found = metrics.certificate
    assert found is not None
    assert [entry.name for entry in found.classes] == ["all", "snv"]
    rate = rate_of(found.classes[1], 0.05)
    assert (rate.kept, rate.true, rate.false, rate.verdict) == (true + false, true, false, verdict)
    assert (rate.realised_fdr_low, rate.realised_fdr_high) == (limits.low, limits.high)
    assert found.verdicts == dict.fromkeys(("held", "unclear", "exceeded", "empty"), 0) | {verdict: 1}
    words = " ".join(in_words(found))
    assert f"kept in {int(verdict == 'held')} of 1 class of variants" in words
    assert ("exceeded beyond chance: SNVs" in words) == (verdict == "exceeded")
    assert ("within chance: SNVs" in words) == (verdict == "unclear")


def test_a_class_without_kept_calls_is_not_counted() -> None:
    _, metrics = metrics_of([snv_run(3, 0, error=0.9)])
    found = metrics.certificate
    assert found is not None
    assert found.verdicts["empty"] == 1
    assert in_words(found)[0].endswith("the rate could not be tested.")


def test_the_upper_limit_tells_whether_there_are_calls_enough() -> None:
    """No false call of 72: upper limit 0.0499; of 71: 0.0506."""
    for true, enough in ((72, 1), (71, 0)):
        assert (stats.binomtest(0, true).proportion_ci(0.95, "exact").high <= 0.05) == bool(enough)
        found = metrics_of([snv_run(true, 0)])[1].certificate
        assert found is not None
        assert in_words(found)[1].startswith(f"In {enough} of these 1 ")


def test_a_false_call_that_comes_back_is_one_allele() -> None:
    _, metrics = metrics_of([snv_run(20, 2), snv_run(20, 3), snv_run(20, 1, start=50_000)])
    assert metrics.certificate is not None
    rate = rate_of(metrics.certificate.classes[1], 0.05)
    # False at 2000, 2100; 2000, 2100, 2200; 52000.
    assert (rate.false, rate.distinct_false) == (6, 4)


def test_recall_by_frequency_and_depth() -> None:
    run = snv_run(4, 0, missed=2)
    run.truth.vafs = np.array([0.01, 0.3, 0.3, 1.0, 0.3, NAN])
    run.truth.depths = np.array([8.0, 25.0, 25.0, 4000.0, 25.0, NAN])
    _, metrics = metrics_of([run])
    assert metrics.certificate is not None
    snv = metrics.certificate.classes[1]
    assert [(b.low, b.high, b.found, b.true_variants) for b in snv.recall_by_frequency] == [
        (0.0, 0.02, 1, 1),
        (0.3, 0.5, 2, 3),
        (0.75, 1.0, 1, 1),
        (None, None, 0, 1),
    ]
    assert [(b.low, b.high, b.found, b.true_variants) for b in snv.recall_by_depth] == [
        (0.0, 10.0, 1, 1),
        (20.0, 30.0, 2, 3),
        (1000.0, None, 1, 1),
        (None, None, 0, 1),
    ]


def test_the_map_has_its_rows_and_columns_in_place() -> None:
    """Two variants at 0.06 and 24 fragments, one of them found; three found at 0.6 and 35."""
    frequencies, depths = np.array([0.06, 0.06, 0.6, 0.6, 0.6]), np.array([24.0, 24.0, 35.0, 35.0, 35.0])
    found = np.array([True, False, True, True, True])
    picture = recall_map_picture(np.zeros(5, dtype=np.int8), frequencies, depths, found)
    place = {
        text: (float(x), float(y))
        for x, y, text in re.findall(r'<text[^>]*x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)</text>', picture)
    }
    assert place["50 %"][0] < place["100 %"][0]
    for column, row, recall, number in (("20–30", "0.05–0.1", "50 %", "2"), ("30–50", "0.5–0.75", "100 %", "3")):
        assert place[recall][0] == place[number][0] == pytest.approx(place[column][0], abs=1e-5)
        assert place[recall][1] < place[row][1] < place[number][1]  # y goes down in SVG
    assert place["100 %"][1] < place["50 %"][1]


def test_interval_text() -> None:
    assert [interval_text((0.0, 0.02, 1.0), i) for i in range(3)] == ["0–0.02", "0.02–1", "1+"]


def test_the_page() -> None:
    together, metrics = metrics_of([snv_run(95, 5), snv_run(60, 40, missed=4)])
    page = render_certificate(together, metrics)
    for outside in ('src="', "@import", "<link", "<script", 'href="http'):
        assert outside not in page
    assert "&lt;script&gt;" in page and "&lt;b&gt;run&lt;/b&gt;" in page
    assert "exceeded beyond chance: SNVs" in page
    for text in ("What was tested", "donor.bam", "45/200", "155/159", "Name", "Date", "Signature", "@page { size: A4"):
        assert text in page, text
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert page == render_certificate(together, metrics)


@pytest.mark.parametrize("run", [snv_run(0, 0), snv_run(0, 1), snv_run(0, 0, missed=1), snv_run(1, 0)])
def test_pages_of_next_to_nothing(run: Evaluated) -> None:
    together, metrics = metrics_of([run])
    assert "Certificate of the error rate" in render_certificate(together, metrics)


def test_without_options_the_json_has_no_new_keys() -> None:
    _, metrics = metrics_of([snv_run(1, 0)])
    assert '"certificate"' in metrics.as_json() and '"runs": 1,' not in metrics.as_json()
    metrics.certificate = None
    assert not {"certificate", "runs"} & set(json.loads(metrics.as_json()))
