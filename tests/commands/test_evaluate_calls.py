"""evaluate-calls as a function and as a program."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pysam
import pytest
from pydantic import ValidationError

from scored_examples import Call, header, write_scored, write_truth
from varproof.commands.evaluate_calls import EvaluateCallsOptions, evaluate_calls
from varproof.formats.metrics import Metrics
from varproof.machinery.errors import UserError

SEQUENCE = "ACGTTGCATTAAAAAAAAGCTCTCTCTCGA" + "ACGGT" * 100


def reference(tmp_path: Path) -> Path:
    path = tmp_path / "reference.fa"
    path.write_text(f">chr1\n{SEQUENCE}\n")
    pysam.faidx(str(path))
    return path


def run(tmp_path: Path, calls: list[Call] | Path, truth: Sequence[Any] | Path, **options: Any) -> Metrics:
    """Evaluate and return the metrics as read back from the file."""
    scored = calls if isinstance(calls, Path) else write_scored(tmp_path / "calls.vcf", calls)
    known = truth if isinstance(truth, Path) else write_truth(tmp_path / "truth.vcf", truth)
    values = {"calls": scored, "truth": known, "output": tmp_path / "metrics.json"} | options
    evaluate_calls(EvaluateCallsOptions(**values))
    return Metrics.model_validate_json(values["output"].read_text())


def at(metrics: Metrics, name: str, rate: float = 0.05) -> Any:
    return next(point for point in metrics.class_named(name).own_threshold if point.nominal_fdr == rate)


def test_calls_against_truth(tmp_path: Path) -> None:
    calls = [
        Call(100, "A", ("C", "G"), (0.001, 0.9), 0.3),
        Call(200, "A", "C", 0.02, 0.5),
        Call(300, "A", "C", 0.03),
        Call(400, "A", "<INS>", None),
        Call(500, "A", "ACC", 0.01),
    ]
    truth = [
        (100, "A", "C", 0.3),
        (200, "A", "C", 0.4),
        (300, "A", "C", 0.5, "GERMLINE_HET"),
        (500, "A", "ACC"),
        (700, "ACC", "A"),
    ]
    report = tmp_path / "report.html"
    found = run(tmp_path, calls, truth, report=report)
    assert found.counts.calls == 5
    assert found.counts.calls_not_judged == 1
    assert (found.counts.true_variants, found.counts.true_variants_of_other_events) == (4, 1)
    snv = at(found, "snv")
    assert (snv.kept, snv.true, snv.false, snv.recall) == (3, 2, 1, 1.0)
    assert found.false_calls_by_truth == {"GERMLINE_HET": 1}
    vaf = found.class_named("snv").vaf
    assert vaf is not None
    assert (vaf.calls, vaf.interval_coverage) == (2, 1.0)
    assert vaf.mean_absolute_error == pytest.approx(0.05, abs=1e-6)
    assert at(found, "deletion").recall == 0.0
    assert at(found, "indel 1-29").recall == 0.5
    assert report.read_text().startswith("<!doctype html>")
    assert found.provenance["executable"] == "evaluate-calls"


@pytest.mark.parametrize(("mode", "kept", "false"), [("smart", 30, 0), ("global", 31, 1), ("local", 30, 0)])
def test_calls_are_filtered_as_fdr_filter_would(tmp_path: Path, mode: str, kept: int, false: int) -> None:
    """Thirty certain calls leave over an error mass of 30 * 0.05 = 1.5, under which one of 0.9 passes by the global rule."""
    calls = [Call(100 + 10 * i, SEQUENCE[99 + 10 * i], "CG"[SEQUENCE[99 + 10 * i] == "C"], 1e-9) for i in range(30)]
    truth = [(call.pos, call.ref, call.alts) for call in calls]
    wrong = Call(450, SEQUENCE[449], "CG"[SEQUENCE[449] == "C"], 0.9)
    point = at(run(tmp_path, [*calls, wrong], truth, mode=mode), "snv")
    assert (point.kept, point.false) == (kept, false)


def test_same_bytes(tmp_path: Path) -> None:
    calls, truth = [Call(100, "A", "C"), Call(200, "A", "ACC")], [(100, "A", "C", 0.3), (200, "A", "ACC", 0.2)]
    run(tmp_path, calls, truth, report=tmp_path / "a.html")
    first = (tmp_path / "metrics.json").read_bytes()
    run(tmp_path, calls, truth, report=tmp_path / "b.html")
    assert first == (tmp_path / "metrics.json").read_bytes()
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_normalisation_with_the_reference(tmp_path: Path) -> None:
    """One of the eight As at 11-18 deleted: written at the left end by one file, at the right end by the other."""
    calls, truth = [Call(16, "AAA", "AA")], [(10, "TA", "T", 0.3)]
    assert run(tmp_path, calls, truth).class_named("deletion").true_variants_among_calls == 0
    found = run(tmp_path, calls, truth, reference=reference(tmp_path))
    assert found.class_named("deletion").true_variants_among_calls == 1
    assert found.matching.normalised


MNV_AS_SNVS = [Call(22, "C", "G", 0.001), Call(23, "T", "A", 0.02), Call(100, "A", "C", 0.001), Call(200, "A", "C", 0.004)]
MNV_AND_SNV = [(22, "CT", "GA", 0.3), (100, "A", "C", 0.3)]


@pytest.mark.parametrize("with_reference", [True, False])
def test_an_mnv_as_snvs_is_found_by_haplotype(tmp_path: Path, with_reference: bool) -> None:
    sequence = SEQUENCE[:99] + "A" + SEQUENCE[100:199] + "A" + SEQUENCE[200:]
    fasta = tmp_path / "reference.fa"
    fasta.write_text(f">chr1\n{sequence}\n")
    pysam.faidx(str(fasta))
    found = run(tmp_path, MNV_AS_SNVS, MNV_AND_SNV, reference=fasta if with_reference else None)
    assert found.by_haplotype is not None and found.matching.shown == "exact"

    def counts(point: Any) -> tuple[int, int, int, int]:
        return point.true, point.false, point.partial, point.found

    for classes, expected in ((found, (1, 1, 2, 1)), (found.by_haplotype, (3, 1, 0, 2))):
        assert counts(classes.class_named("all").all_calls) == expected
    # At 0.01 the second base is not kept, and so the first is only part of a variant.
    first = found.by_haplotype.class_named("all").joint_threshold[0]
    assert (first.nominal_fdr, first.kept, counts(first)) == (0.01, 4, (3, 1, 0, 2))
    local = run(tmp_path, MNV_AS_SNVS, MNV_AND_SNV, mode="local").by_haplotype
    assert local is not None
    assert counts(local.class_named("all").joint_threshold[0]) == (1, 1, 1, 1)
    # Filtered by itself the class of MNVs has no calls; those of other classes are kept as among all.
    assert at(local, "mnv").found == at(local, "mnv").recall == 1
    assert at(local, "mnv", 0.01).found == 0
    assert local.class_named("snv").vaf is not None and local.class_named("snv").vaf.calls == 1
    assert local.false_calls_by_truth == {"other": 1}


def test_report_and_certificate_count_as_told(tmp_path: Path) -> None:
    pages = {}
    for rule in ("exact", "haplotype"):
        report, certificate = tmp_path / f"{rule}.html", tmp_path / f"{rule}-certificate.html"
        found = run(tmp_path, MNV_AS_SNVS, MNV_AND_SNV, match=rule, report=report, certificate=certificate)
        pages[rule] = report.read_text()
        assert found.matching.shown == rule and found.certificate is not None
        mnv = next(entry for entry in found.certificate.classes if entry.name == "mnv")
        assert [entry.found for entry in mnv.recall_by_frequency] == [int(rule == "haplotype")]
        assert found.class_named("all").all_calls.found == 1
        told = "put into the reference make the sequence of a true variant"
        assert (told in certificate.read_text()) == (rule == "haplotype")
        assert 'by alleles</th><th colspan="4">by haplotype' in pages[rule]
    row = "<td>MNVs</td><td>0</td><td>0</td><td>0</td><td>0</td><td>1</td>"
    assert all(row in page for page in pages.values())
    assert "3 true, 1 false" in pages["haplotype"] and "1 true, 1 false, 2 partial" in pages["exact"]


def test_the_log_tells_where_haplotypes_differ(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    run(tmp_path, MNV_AS_SNVS, MNV_AND_SNV)
    assert "all at FDR 0.05: 4 kept, 1 false (realised 0.500), recall 0.500 of 2" in caplog.text
    assert "all, by haplotype, at FDR 0.05: 4 kept, 1 false (realised 0.250), recall 1.000 of 2" in caplog.text
    caplog.clear()
    run(tmp_path, MNV_AS_SNVS[2:], MNV_AND_SNV)
    assert "by haplotype" not in caplog.text


def test_crowds_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("varproof.evaluation.sequences.MOST_STEPS", 0)
    report = tmp_path / "report.html"
    found = run(tmp_path, MNV_AS_SNVS, MNV_AND_SNV, report=report).by_haplotype
    assert found is not None
    assert (found.crowded_places, found.calls_in_crowds, found.true_variants_in_crowds) == (1, 2, 1)
    assert "1 places, the first of them chr1:22-23, have so many variants" in caplog.text
    assert "In 1 places lie so many variants" in report.read_text()


def test_metrics_of_before_are_read(tmp_path: Path) -> None:
    """Files without what is counted by haplotype."""
    run(tmp_path, MNV_AS_SNVS, MNV_AND_SNV)
    content = json.loads((tmp_path / "metrics.json").read_text())
    del content["by_haplotype"], content["matching"]["shown"]
    before = Metrics.model_validate(content)
    assert before.by_haplotype is None and before.shown is before
    assert "by_haplotype" not in json.loads(before.as_json())


def test_duplicates_count_once_with_the_best_probability(tmp_path: Path) -> None:
    calls = [Call(10, "TA", "T", 0.4), Call(12, "AA", "A", 0.01), Call(14, "AA", "A", 0.3)]
    found = run(tmp_path, calls, [(10, "TA", "T"), (11, "AA", "A")], reference=reference(tmp_path))
    assert (found.counts.duplicate_calls, found.counts.duplicate_true_variants, found.counts.calls) == (2, 1, 1)
    assert at(found, "deletion").max_error_probability == pytest.approx(0.01)


def test_symbolic_deletion_is_the_explicit_one(tmp_path: Path) -> None:
    found = run(tmp_path, [Call(100, "A", "<DEL>", info={"END": 140})], [(100, "A" + "CGTT" * 10, "A")])
    assert at(found, "indel 30-99").recall == 1.0


def test_tolerance(tmp_path: Path) -> None:
    calls, truth = [Call(110, "A" * 45, "A")], [(100, "A" * 41, "A")]
    assert at(run(tmp_path, calls, truth), "all").false == 1
    found = run(tmp_path, calls, truth, max_distance=50, max_length_difference=50)
    assert (at(found, "all").true, at(found, "all").recall) == (1, 1.0)
    assert found.matching.max_distance == 50


def test_regions_limit_both(tmp_path: Path) -> None:
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t90\t150\n")
    calls = [Call(100, "A", "C"), Call(151, "A", "C"), Call(300, "A", "C")]
    found = run(tmp_path, calls, [(100, "A", "C"), (300, "A", "C")], regions=bed)
    assert (found.counts.calls, found.counts.calls_outside_regions) == (1, 2)
    assert (found.counts.true_variants, found.counts.true_variants_outside_regions) == (1, 1)


def test_truth_without_events_counts_every_record(tmp_path: Path) -> None:
    truth = write_truth(tmp_path / "truth.vcf", [(100, "A", ("C", "G"))], events=False)
    found = run(tmp_path, [Call(100, "A", "G")], truth)
    assert (found.counts.true_variants, found.truth_event) == (2, None)
    assert at(found, "snv").recall == 0.5


def test_other_events(tmp_path: Path) -> None:
    head = header(events=("CNN_SOMATIC", "CNN_ARTIFACT"))
    calls = write_scored(tmp_path / "calls.vcf", [Call(100, "A", "C", 0.01)], head)
    found = run(tmp_path, calls, [(100, "A", "C", 0.5, "GERMLINE_HET")], events=["cnn_somatic"], truth_event="germline_het")
    assert (found.events, found.truth_event) == (["CNN_SOMATIC"], "GERMLINE_HET")
    assert at(found, "snv").recall == 1.0


def test_purity_is_that_of_the_scoring(tmp_path: Path) -> None:
    head = header()
    head.add_line('##varproof_score-posterior={"options": {"purity": 0.6}}')
    calls = write_scored(tmp_path / "calls.vcf", [Call(100, "A", "C")], head)
    assert run(tmp_path, calls, [(100, "A", "C", 0.3)]).purity == 0.6
    assert run(tmp_path, calls, [(100, "A", "C", 0.3)], purity=0.7).purity == 0.7


@pytest.mark.parametrize(("calls", "truth"), [([], []), ([Call(100, "A", "C")], []), ([], [(100, "A", "C")])])
def test_empty_files(tmp_path: Path, calls: list[Call], truth: list[Any]) -> None:
    found = run(tmp_path, calls, truth, report=tmp_path / "report.html")
    assert (found.counts.calls, found.counts.true_variants) == (len(calls), len(truth))
    assert at(found, "all").recall == (0.0 if truth else None)


def test_refusals(tmp_path: Path) -> None:
    calls = write_scored(tmp_path / "calls.vcf", [Call(11, "A", "C"), Call(100, "A", "C")])
    truth = write_truth(tmp_path / "truth.vcf", [(100, "A", "C")])
    elsewhere = write_truth(tmp_path / "elsewhere.vcf", [(100, "A", "C")], contig="1")
    bare = write_scored(tmp_path / "bare.vcf", [Call(100, "A", "C")], header(events=()))
    unsorted = write_truth(tmp_path / "unsorted.vcf", [(300, "A", "C"), (100, "A", "C")])
    bed = tmp_path / "bad.bed"
    bed.write_text("chr1 x y\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    fasta = reference(tmp_path)
    before = set(tmp_path.iterdir())
    for options, message in [
        ({"events": ["NOTHING"]}, "not an event"),
        ({"truth_event": "NOTHING"}, "--truth-event: .* has no NOTHING; it has SOMATIC_TUMOR"),
        ({"calls": bare}, "score-posterior"),
        ({"calls": tmp_path / "none.vcf"}, "no such file"),
        ({"truth": tmp_path / "none.vcf"}, "no such file"),
        ({"truth": unsorted}, "not sorted"),
        ({"truth": elsewhere}, "no name is in both"),
        ({"regions": bed}, "line 1"),
        ({"reference": fasta}, "chr1:100 has REF A where"),
        ({"reference": tmp_path / "none.fa"}, "no such file"),
        ({"output": folder}, "is a folder"),
        ({"report": folder}, "is a folder"),
        ({"report": tmp_path / "x" / "r.html"}, "create it first"),
    ]:
        values = {"calls": calls, "truth": truth, "report": tmp_path / "report.html"} | options
        with pytest.raises(UserError, match=message):
            run(tmp_path, values.pop("calls"), values.pop("truth"), **values)
    assert set(tmp_path.iterdir()) == before


def test_as_a_program(tmp_path: Path) -> None:
    calls = write_scored(tmp_path / "calls.vcf.gz", [Call(100, "A", "C")])
    truth = write_truth(tmp_path / "truth.vcf", [(100, "A", "C", 0.3)])
    command = [sys.executable, "-m", "varproof.commands.evaluate_calls", "--calls", str(calls), "--output", "-", "--truth"]
    good = subprocess.run([*command, str(truth)], capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["schema"] == "varproof/metrics/1"
    bad = subprocess.run([*command, str(tmp_path / "none.vcf")], capture_output=True, text=True)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)


def test_a_list_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="name at least one file"):
        EvaluateCallsOptions(calls=[], truth=tmp_path / "truth.vcf", output=tmp_path / "metrics.json")


DATA = Path(__file__).resolve().parents[2] / "test-data"
PEOPLE: dict[str, Any] = {"calls": DATA / "scored.vcf.gz", "labels": DATA / "labels.tsv", "reference": DATA / "reference.fa"}


def by_people(tmp_path: Path, **options: Any) -> dict[str, Any]:
    values = PEOPLE | {"output": tmp_path / "people.json"} | options
    evaluate_calls(EvaluateCallsOptions(**values))
    found: dict[str, Any] = json.loads(values["output"].read_text())
    return found


def test_labels_alone(tmp_path: Path) -> None:
    """Every candidate is labelled by the truth: what people say of the calls is what the truth says of them."""
    found = by_people(tmp_path, report=tmp_path / "people.html")
    people = found["people"]
    assert found["schema"] == "varproof/people/1" and people["selection"] == "all" and people["judged"] == 195
    assert sum(entry["real"] for entry in people["ranges"]) == 48
    assert {entry["call"]: entry["candidates"] for entry in people["calls"]} == {"somatic": 48, "germline": 40, "fail": 107}
    page = (tmp_path / "people.html").read_text()
    assert "195 candidates were judged by eye" in page and "Every candidate was judged" in page
    with_truth = Metrics.model_validate(by_people(tmp_path, truth=DATA / "truth.vcf.gz", report=tmp_path / "both.html"))
    assert with_truth.people is not None and with_truth.people.model_dump(mode="json") == people
    assert "What people say" in (tmp_path / "both.html").read_text()


def test_labels_of_a_region_as_igvnav_has_them(tmp_path: Path) -> None:
    """0-based positions of IGVNav's; of chr1 alone, and of a part of what is there."""
    rows = [line.split("\t") for line in (DATA / "labels.tsv").read_text().splitlines()[1:]]
    lines = [f"{r[0]}\t{int(r[1]) - 1}\t.\t{r[2]}\t{r[3]}\t{r[5][0].upper()}\t\t" for r in rows[::2]]
    (tmp_path / "igvnav.txt").write_text("Chr\tStart\tStop\tRef\tVar\tCall\tTags\tNotes\n" + "\n".join(lines) + "\n")
    (tmp_path / "chr1.bed").write_text("chr1\t0\t20000\n")
    found = by_people(tmp_path, labels=tmp_path / "igvnav.txt", regions=tmp_path / "chr1.bed", label_error=0.0)["people"]
    assert found["selection"] == "ranges" and found["judged"] == sum(r[0] == "chr1" for r in rows[::2])
    assert found["ranges"][0]["share"] == found["ranges"][0]["corrected"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": None}, "--labels needs --reference"),
        ({"calls": [DATA / "scored.vcf.gz"] * 2}, "--labels are of the candidates of one file"),
        ({"certificate": "page.html"}, "--certificate needs --truth"),
        ({"labels": None, "label_error": 0.1}, "--label-error is of people's labels"),
        ({"label_error": 0.5}, "label_error"),
    ],
)
def test_what_labels_need(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        by_people(tmp_path, **options)


def test_labels_that_match_no_candidate_write_nothing(tmp_path: Path) -> None:
    text = (DATA / "labels.tsv").read_text()
    contig, pos = text.splitlines()[1].split("\t")[:2]
    (tmp_path / "labels.tsv").write_text(f"chrom\tpos\tref\talt\tlabel\n{contig}\t{pos}\tT\tA\t1\n")
    with pytest.raises(UserError, match="1 of 1 labels match no candidate"):
        by_people(tmp_path, labels=tmp_path / "labels.tsv")
    assert not (tmp_path / "people.json").exists()
