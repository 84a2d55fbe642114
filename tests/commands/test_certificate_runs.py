"""evaluate-calls on several runs and on folders of spike-variants, and --certificate."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from patience import PATIENCE
from scored_examples import Call, write_scored, write_truth
from spiked_examples import pair_files, spiked_folder, summary_of
from varproof.commands.evaluate_calls import EvaluateCallsOptions, evaluate_calls
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.formats.metrics import Metrics
from varproof.machinery.errors import UserError
from varproof.machinery.output import input_digest

DATA = Path(__file__).resolve().parents[2] / "test-data"
REFERENCE = DATA / "reference.fa"


def run(output: Path, **options: Any) -> Metrics:
    evaluate_calls(EvaluateCallsOptions(output=output, **options))
    return Metrics.model_validate_json(output.read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("spiked")
    return spiked_folder(pair_files(base / "pair"), base / "run", depth=19, seed=11, reads="donor.cram")


@pytest.fixture(scope="module")
def by_hand(folder: Path) -> tuple[Path, Path]:
    """The folder's candidates as score-posterior scores them, and the prior that it learnt."""
    scored, prior = folder.parent / "scored.vcf.gz", folder.parent / "prior.json"
    score_posterior(
        ScorePosteriorOptions(
            candidates=folder / "candidates.vcf.gz", reference=REFERENCE, tumor=folder / "tumor.bam",
            normal=folder / "normal.bam", purity=0.75, output=scored, learnt_prior=prior,
        )
    )  # fmt: skip
    return scored, prior


def without_origin(metrics: Metrics) -> dict[str, Any]:
    """All but where the calls come from."""
    found = metrics.model_dump(exclude={"provenance"})
    if found["certificate"] is not None:
        del found["certificate"]["runs"]
    return found


def test_a_folder_is_scored_as_score_posterior_does(tmp_path: Path, folder: Path, by_hand: tuple[Path, Path]) -> None:
    scored, prior = by_hand
    known = folder / "truth.vcf.gz"
    expected = run(tmp_path / "a.json", calls=scored, truth=known, reference=REFERENCE, certificate=tmp_path / "a.html")
    found = run(tmp_path / "b.json", calls=folder, reference=REFERENCE, certificate=tmp_path / "b.html", threads=2)
    assert found.counts.true_variants == 48
    assert without_origin(found) == without_origin(expected)
    assert found.certificate is not None
    (tested,) = found.certificate.runs
    assert (tested.seed, tested.reads, tested.purity, tested.spiked) == (11, ["donor.cram"], 0.75, True)
    assert (tested.candidates, tested.true_variants) == (195, 48)
    assert tested.scoring is not None
    assert tested.scoring["version"] == found.provenance["version"]
    names = ("tumor.bam", "normal.bam", "candidates.vcf.gz", "truth.vcf.gz", "spiking.json")
    digests = {str(folder / name): input_digest(folder / name) for name in names}
    assert tested.input_digests == digests
    assert digests.items() <= found.provenance["input_digests"].items()
    # Depths are those of the truth's first sample: 19, 20, 21 by turns.
    everything = found.certificate.classes[0]
    assert [(b.low, b.high) for b in everything.recall_by_depth] == [(10.0, 20.0), (20.0, 30.0)]
    assert sum(b.true_variants for b in everything.recall_by_depth) == 48
    point = next(p for p in found.class_named("all").own_threshold if p.nominal_fdr == 0.05)
    for bins in (everything.recall_by_depth, everything.recall_by_frequency):
        assert sum(b.found for b in bins) == point.found
    again = run(tmp_path / "c.json", calls=folder, reference=REFERENCE, prior=prior)
    assert again.certificate is None
    assert without_origin(again) == without_origin(expected) | {"certificate": None}


def two_runs(tmp_path: Path) -> tuple[list[Path], list[Path]]:
    """The same place in both: true in the first run, false in the second."""
    calls = [
        write_scored(tmp_path / "one.vcf", [Call(100, "A", "C", 0.01), Call(300, "A", "C", 0.02)]),
        write_scored(tmp_path / "two.vcf", [Call(100, "A", "C", 0.03), Call(500, "A", "ACC", 0.001)]),
    ]
    truth = [
        write_truth(tmp_path / "truth-one.vcf", [(100, "A", "C", 0.3)]),
        write_truth(tmp_path / "truth-two.vcf", [(300, "A", "C", 0.3), (500, "A", "ACC", 0.4)]),
    ]
    return calls, truth


def test_runs_are_counted_together(tmp_path: Path) -> None:
    calls, truth = two_runs(tmp_path)
    found = run(tmp_path / "m.json", calls=calls, truth=truth, report=tmp_path / "r.html", certificate=tmp_path / "c.html")
    assert found.runs == 2
    point = next(p for p in found.class_named("snv").own_threshold if p.nominal_fdr == 0.05)
    assert (point.kept, point.true, point.false, point.found, found.counts.true_variants) == (3, 1, 2, 1, 3)
    assert found.provenance["options"]["calls"] == [str(path) for path in calls]
    assert found.certificate is not None
    assert [entry.scoring for entry in found.certificate.runs] == [None, None]
    assert "in 2 runs" in (tmp_path / "r.html").read_text()
    assert "against " + str(truth[1]) in (tmp_path / "c.html").read_text()


def test_one_run_has_no_new_keys(tmp_path: Path) -> None:
    calls, truth = two_runs(tmp_path)
    run(tmp_path / "m.json", calls=calls[0], truth=truth[0])
    content = json.loads((tmp_path / "m.json").read_text())
    assert not {"runs", "certificate"} & set(content)
    assert content["provenance"]["options"]["calls"] == str(calls[0])


def test_purities_that_differ_are_told(tmp_path: Path) -> None:
    calls, truth = two_runs(tmp_path)
    text = calls[1].read_text().replace("#CHROM", '##varproof_score-posterior={"options": {"purity": 0.6}}\n#CHROM', 1)
    calls[1].write_text(text)
    assert run(tmp_path / "m.json", calls=calls, truth=truth).purity == [1.0, 0.6]


def test_files_of_one_name_keep_their_digests(tmp_path: Path) -> None:
    calls, truth = two_runs(tmp_path)
    for number, path in enumerate(truth):
        (tmp_path / str(number)).mkdir()
        truth[number] = path.rename(tmp_path / str(number) / "truth.vcf")
    digests = run(tmp_path / "m.json", calls=calls, truth=truth).provenance["input_digests"]
    assert digests["truth.vcf"] == input_digest(truth[0])
    assert digests[str(truth[1])] == input_digest(truth[1])


def test_refusals(tmp_path: Path, folder: Path) -> None:
    calls, truth = two_runs(tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in folder.iterdir():
        (broken / path.name).symlink_to(path)

    def damaged(name: str, content: str | None) -> Path:
        made = tmp_path / f"damaged-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(broken, made, symlinks=True)
        (made / name).unlink()
        if content is not None:
            (made / name).write_text(content)
        return made

    prior = tmp_path / "prior.json"
    prior.write_text("{}")
    both = damaged("normal.bam", "")
    (both / "tumor.cram").touch()
    spiking = "spiking.json"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"calls": calls, "truth": truth[:1]}, "--calls has 2 files, --truth 1"),
        ({"calls": calls[:1], "truth": truth}, "--calls has 1 file, --truth 2"),
        ({"calls": [calls[0], calls[0]], "truth": truth}, "is given twice"),
        ({"calls": calls}, "--truth is required"),
        ({"calls": folder, "truth": truth[0], "reference": REFERENCE}, "--truth: .* leave --truth out"),
        ({"calls": [folder, calls[0]], "reference": REFERENCE}, "give either folders or scored calls"),
        ({"calls": folder}, "--reference is required"),
        ({"calls": folder, "reference": REFERENCE, "events": ["CNN_SOMATIC"]}, "not an event of score-posterior"),
        ({"calls": calls, "truth": truth, "prior": prior}, "--prior: only folders"),
        ({"calls": folder, "reference": REFERENCE, "prior": prior}, "prior.json: not of schema varproof/prior/2"),
        ({"calls": folder, "reference": REFERENCE, "prior": tmp_path / "none"}, "none: No such file"),
        ({"calls": damaged("truth.vcf.gz", None), "reference": REFERENCE}, "no truth.vcf.gz in it"),
        ({"calls": damaged("truth.vcf.gz", "x"), "reference": REFERENCE}, "truth.vcf.gz"),
        ({"calls": damaged("tumor.bam", None), "reference": REFERENCE}, "no tumor.bam or tumor.cram in it"),
        ({"calls": damaged("candidates.vcf.gz", None), "reference": REFERENCE}, "no candidates.vcf.gz"),
        ({"calls": both, "reference": REFERENCE}, "has tumor.bam and tumor.cram"),
        ({"calls": damaged(spiking, None), "reference": REFERENCE}, "no spiking.json in it"),
        ({"calls": damaged(spiking, "{"), "reference": REFERENCE}, "spiking.json: not valid JSON"),
        ({"calls": damaged(spiking, "[]"), "reference": REFERENCE}, "spiking.json"),
        ({"calls": damaged(spiking, json.dumps(summary_of() | {"schema": "other"})), "reference": REFERENCE}, "not of schema"),
        ({"calls": damaged(spiking, json.dumps(summary_of(purity=0))), "reference": REFERENCE}, "settings.purity"),
        ({"calls": damaged(spiking, json.dumps(summary_of(seed="x"))), "reference": REFERENCE}, "settings.seed"),
        ({"calls": calls, "truth": truth, "certificate": tmp_path / "x" / "c.html"}, "create it first"),
        ({"calls": calls, "truth": truth, "certificate": tmp_path}, "is a folder"),
    ]
    before = set(tmp_path.iterdir())
    for options, message in cases:
        values = {"report": tmp_path / "r.html", "certificate": tmp_path / "c.html"} | options
        with pytest.raises(UserError, match=message) as refused:
            run(tmp_path / "m.json", **values)
        assert "\n" not in str(refused.value)
    assert set(tmp_path.iterdir()) == before


COMMAND = [sys.executable, "-m", "varproof.commands.evaluate_calls", "--output", "metrics.json", "--certificate", "page.html"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--calls", "empty", "--reference", str(REFERENCE)], "no spiking.json"),
        (["--calls", "one.vcf", "two.vcf", "--truth", "truth-one.vcf"], "--truth 1"),
        (["--calls", "one.vcf"], "--truth is required"),
    ],
)
def test_mistakes_as_a_program(tmp_path: Path, arguments: list[str], message: str) -> None:
    two_runs(tmp_path)
    (tmp_path / "empty").mkdir()
    ended = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert message in ended.stderr and "Traceback" not in ended.stderr
    assert not (tmp_path / "metrics.json").exists() and not (tmp_path / "page.html").exists()


def test_sigterm_leaves_nothing(tmp_path: Path, folder: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [*COMMAND, "--calls", str(folder), "--reference", str(REFERENCE)]
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + PATIENCE
        while not any(temporary.iterdir()) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        assert any(temporary.iterdir())
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert errors.endswith("evaluate-calls: interrupted\n")
    assert list(tmp_path.rglob("*")) == [temporary]
