"""score-scenario and plot-scenario as they are run: the special case of a pair, any samples, and what is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pysam
import pytest

from varproof.formats.vcf import from_phred
from varproof.machinery.errors import UserError
from varproof.steps.fdr_filter import FdrFilterSettings, fdr_filter
from varproof.steps.plot_scenario import PlotScenarioSettings, plot_scenario
from varproof.steps.score_posterior import ScorePosteriorSettings, score_posterior
from varproof.steps.score_scenario import ScoreScenarioSettings, score_scenario

DATA = Path(__file__).resolve().parents[2] / "test-data"
PAIR = """samples:
  tumor: {universe: "[0.0,1.0]"}
  normal: {universe: "0.0 | ]0.0,0.5[ | 0.5 | 1.0", resolution: 0.1}
events:
  somatic: "tumor:]0.0,1.0] & normal:0.0"
  somatic_normal: "normal:]0.0,0.5["
  germline: "normal:0.5 | normal:1.0"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the small evidence and a sheet of it."""
    for name in ("tumor.h5", "normal.h5", "candidates.vcf.gz", "candidates.vcf.gz.tbi", "reference.fa", "reference.fa.fai"):
        shutil.copy(DATA / name, tmp_path)
    (tmp_path / "samples.tsv").write_text((DATA / "samples.tsv").read_text())
    (tmp_path / "pair.yaml").write_text(PAIR)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(scenario: str = "pair.yaml", output: str = "out.vcf", **more: Any) -> ScoreScenarioSettings:
    given = {"samples": "samples.tsv", "candidates": "candidates.vcf.gz", "reference": "reference.fa", **more}
    return ScoreScenarioSettings(scenario=scenario, output=Path(output), **given)


def records(path: str | Path) -> list[Any]:
    with pysam.VariantFile(str(path)) as handle:
        return list(handle)


def probability(record: Any, event: str) -> float:
    return from_phred(record.info[f"PROB_{event}"][0])


def test_a_pair_is_judged_as_by_score_posterior(folder: Path) -> None:
    given = {"candidates": Path("candidates.vcf.gz"), "reference": Path("reference.fa"), "tumor": Path("tumor.h5")}
    score_posterior(ScorePosteriorSettings(**given, normal=Path("normal.h5"), output=Path("pair.vcf")))
    score_scenario(options("tumor-normal"))
    assert Path("out.vcf").read_bytes() == Path("pair.vcf").read_bytes()
    Path("one.tsv").write_text("sample\treads\ntumor\ttumor.h5\n")
    score_posterior(ScorePosteriorSettings(**given, output=Path("one.vcf")))
    score_scenario(options("tumor-only", samples="one.tsv"))
    assert Path("out.vcf").read_bytes() == Path("one.vcf").read_bytes()
    with pytest.raises(UserError, match="which has its own prior; leave it out"):
        score_scenario(options("tumor-normal", rates="learnt"))


@pytest.mark.parametrize("rates", ["scenario", "learnt", "spectra"])
def test_a_pair_by_a_file(folder: Path, rates: str) -> None:
    """The truth of the small pair: what is somatic and clear there is so here, and germline likewise."""
    score_scenario(options(rates=rates))
    truth = {(record.pos, record.alts[0]): record.info["EVENT"] for record in records(DATA / "truth.vcf.gz")}
    found = records("out.vcf")
    assert len(found) == len(records("candidates.vcf.gz"))
    right = {"SOMATIC": [0, 0], "GERMLINE": [0, 0]}
    for record in found:
        names = [name for name in record.info if name.startswith("PROB_")]
        assert names == ["PROB_SOMATIC", "PROB_SOMATIC_NORMAL", "PROB_GERMLINE", "PROB_ARTIFACT", "PROB_ABSENT"]
        assert sum(from_phred(record.info[name][0]) for name in names) == pytest.approx(1.0, abs=1e-4)
        kind = str(truth.get((record.pos, record.alts[0]), "")).partition("_")[0]
        if kind in right and record.samples["tumor"]["AD"][1] >= 6:
            right[kind][1] += 1
            right[kind][0] += probability(record, kind) > 0.5
    assert all(hits >= 0.85 * all_of > 10 for hits, all_of in right.values()), right
    one = found[0].samples["tumor"]
    assert one["AF"][0] == pytest.approx(one["AD"][1] / sum(one["AD"]), abs=0.05)
    assert one["VP_MAP"][0] == pytest.approx(one["AF"][0], abs=0.05) and one["VP_DP"] == one["DP"]


def test_events_are_filtered_at_a_rate(folder: Path) -> None:
    """What is left out of the chosen events makes up the error, however small."""
    score_scenario(options())
    with pysam.VariantFile("out.vcf") as handle:
        (line,) = [line.value for line in handle.header.records if line.key == "varproof_scenario"]
    told = json.loads(line)
    assert told["exclusive"] and told["samples"] == {"tumor": "tumor", "normal": "normal"}
    fdr_filter(FdrFilterSettings(calls=Path("out.vcf"), events=["SOMATIC"], fdr=0.05, output=Path("kept.vcf")))
    kept = records("kept.vcf")
    assert 10 < len(kept) < len(records("out.vcf"))
    assert np.mean([1 - probability(record, "SOMATIC") for record in kept]) <= 0.05


def test_the_same_bytes_from_reads_with_any_threads(folder: Path) -> None:
    for name in ("tumor.bam", "normal.bam"):
        shutil.copy(DATA / name, folder)
        shutil.copy(DATA / f"{name}.bai", folder)
    Path("reads.tsv").write_text("sample\treads\nnormal\tnormal.bam\ntumor\ttumor.bam\n")
    for threads in (1, 2):
        score_scenario(options(samples="reads.tsv", output=f"{threads}.vcf", threads=threads, rates="spectra"))
    one, two = (Path(f"{threads}.vcf").read_text().splitlines() for threads in (1, 2))
    assert [line for line in one if "varproof_score-scenario" not in line] == [
        line for line in two if "varproof_score-scenario" not in line
    ]
    assert probability(records("1.vcf")[0], "GERMLINE") > 0.5


def test_columns_are_added_for_samples_that_the_list_lacks(folder: Path) -> None:
    text = PAIR.replace("tumor:", "relapse:").replace("normal:", "blood:")
    Path("other.yaml").write_text(text.replace("somatic_blood", "somatic_normal"))
    Path("other.tsv").write_text("sample\treads\nrelapse\ttumor.h5\nblood\tnormal.h5\n")
    with pysam.VariantFile("candidates.vcf.gz") as handle, pysam.VariantFile("sites.vcf", "w", header=handle.header) as out:
        assert list(handle.header.samples) == []
        for record in handle:
            out.write(record)
    for name in ("tumor.h5", "normal.h5"):
        with h5py.File(name, "r+") as file:
            file.attrs["sample_names"] = "{}"
    score_scenario(options("other.yaml", samples="other.tsv", candidates="sites.vcf"))
    assert list(records("out.vcf")[0].samples) == ["relapse", "blood"]


def test_gaps_are_an_event_of_their_own(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    Path("gap.yaml").write_text(PAIR.replace('  germline: "normal:0.5 | normal:1.0"', '  hom: "normal:1.0"\n  never: "false"'))
    score_scenario(options("gap.yaml"))
    assert "no event holds where tumor is 0 and normal is 0.5 (contig chr1): its probability is PROB_OTHER" in caplog.text
    assert "the event NEVER never holds" in caplog.text
    assert probability(records("out.vcf")[0], "OTHER") > 0.5
    assert all(record.info["PROB_NEVER"] == (300.0,) for record in records("out.vcf"))


def test_overlaps_are_refused_or_told(folder: Path) -> None:
    Path("twice.yaml").write_text(PAIR + '  in_tumor: "tumor:]0.0,1.0]"\n')
    with pytest.raises(
        UserError, match=r"the events SOMATIC and IN_TUMOR hold together where tumor is \]0,1\] and normal is 0 "
    ):
        score_scenario(options("twice.yaml"))
    score_scenario(options("twice.yaml", overlaps="allow"))
    for record in records("out.vcf"):
        assert probability(record, "IN_TUMOR") >= probability(record, "SOMATIC") - 1e-6
        parts = ("SOMATIC", "SOMATIC_NORMAL", "GERMLINE", "ARTIFACT", "ABSENT")
        assert sum(probability(record, name) for name in parts) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(UserError, match="needs events that exclude each other"):
        score_scenario(options("twice.yaml", overlaps="allow", rates="learnt"))


@pytest.mark.parametrize(
    ("sheet", "told"),
    [
        ("sample\treads\ntumor\ttumor.h5\n", "sample normal of scenario pair.yaml is missing"),
        ("sample\treads\ntumor\ttumor.h5\nnormal\tnormal.h5\nthird\tthird.h5\n", "sample third is none of scenario pair.yaml"),
        ("sample\treads\ntumor\ttumor.h5\ntumor\tnormal.h5\n", "line 3: sample tumor is there twice"),
        ("sample\treads\ntumor\ttumor.h5\nnormal\ttumor.h5\n", "tumor and normal have the same reads"),
        ("sample\treads\ntumor\tnone.h5\nnormal\tnormal.h5\n", "none.h5: no such file"),
        ("sample\treads\tcolumn\ntumor\ttumor.h5\tX\nnormal\tnormal.h5\t\n", "sample tumor: candidates.vcf.gz has no column X"),
        ("name\treads\n", "line 1: expected the columns sample, reads"),
        ("sample\treads\ntumor\n", "line 2: a sample and its reads were expected"),
        ("sample\treads\n", "no samples"),
        ("sample\treads\ntumor\t.\nnormal\tnormal.h5\n", "is a folder, not a BAM, CRAM or evidence file"),
        ("sample\treads\ntumor\thttp://127.0.0.1:9/t.bam\nnormal\tnormal.h5\n", "http://127.0.0.1:9/t.bam: "),
        ("sample\treads\ntumor\tcandidates.vcf.gz\nnormal\tnormal.h5\n", "candidates.vcf.gz: "),
        ("sample\treads\nT\u00fc\ttumor.h5\nnormal\tnormal.h5\n", "sample tumor of scenario pair.yaml is missing"),
        ("\x00\x01\n", "line 1: expected the columns sample, reads"),
        ("sample\treads\na\tb\tc\n", "line 2: 3 columns, and the header has 2"),
    ],
)
def test_a_sheet_that_does_not_fit_is_one_line(folder: Path, sheet: str, told: str) -> None:
    Path("samples.tsv").write_text(sheet)
    with pytest.raises(UserError) as caught:
        score_scenario(options())
    assert told in str(caught.value) and "\n" not in str(caught.value)
    assert not Path("out.vcf").exists()


def test_a_sheet_that_is_no_text_is_one_line(folder: Path) -> None:
    Path("samples.tsv").write_bytes(b"sample\treads\nt\xfc\ttumor.h5\n")
    with pytest.raises(UserError, match=r"samples\.tsv: not a sample sheet: it is no text"):
        score_scenario(options())
    Path("samples.tsv").write_bytes("\ufeffsample\treads\r\ntumor\ttumor.h5\r\nnormal\tnormal.h5\r\n".encode())
    score_scenario(options())


def test_evidence_of_other_candidates_is_refused(folder: Path) -> None:
    lines = [line for line in pysam.BGZFile("candidates.vcf.gz")]
    Path("fewer.vcf").write_bytes(b"\n".join(lines[:-1]) + b"\n")
    with pytest.raises(UserError, match=r"tumor\.h5: evidence of other candidates than fewer\.vcf; collect it again"):
        score_scenario(options(candidates="fewer.vcf"))


def test_a_contamination_is_learnt(folder: Path) -> None:
    """Homozygous and heterozygous variants of one sample alone, at the depth that a mixture of both would show."""
    text = """samples:
  tumor: {universe: "0.0 | 0.5 | 1.0", contamination: {by: normal, fraction: auto}}
  normal: {universe: "0.0 | 0.5 | 1.0"}
events: {tumor_has_it: "!tumor:0.0", only_normal: "tumor:0.0 & !normal:0.0"}
"""
    Path("auto.yaml").write_text(text)
    score_scenario(options("auto.yaml"))
    with pysam.VariantFile("out.vcf") as handle:
        (line,) = [line.value for line in handle.header.records if line.key == "varproof_scenario"]
    assert 0.0 <= json.loads(line)["contamination"]["tumor"] <= 0.95


def test_a_scenario_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plot_scenario(PlotScenarioSettings(scenario="pair.yaml", output=Path("table.tsv"), plot=Path("picture.png")))
    lines = [line.split("\t") for line in Path("table.tsv").read_text().splitlines()]
    assert lines[:2] == [["#contig", "1"], ["event", "part", "prior", "tumor", "normal"]]
    rows = {(row[0], row[1]): row[2:] for row in lines[2:]}
    assert rows["SOMATIC", "1"][1:] == ["]0,1]", "0"] and rows["ABSENT", "1"][1:] == ["0", "0"]
    assert rows["SOMATIC_NORMAL", "2"][1:] == ["]0,1]", "]0,0.5["]
    assert sum(float(row[0]) for row in rows.values()) == pytest.approx(1.0, abs=1e-4)
    assert Path("picture.svg").read_text().startswith("<?xml") and Path("picture.png").read_bytes()[:4] == b"\x89PNG"
    again = Path("picture.svg").read_bytes()
    plot_scenario(PlotScenarioSettings(scenario="pair.yaml", output=Path("-"), plot=Path("picture")))
    assert Path("picture.svg").read_bytes() == again and "GERMLINE" in capsys.readouterr().out
    plot_scenario(PlotScenarioSettings(scenario="relapse", output=Path("t.tsv"), save_scenario=Path("mine.yaml")))
    plot_scenario(PlotScenarioSettings(scenario="mine.yaml", output=Path("u.tsv")))
    assert Path("t.tsv").read_text() == Path("u.tsv").read_text()


def test_mistakes_leave_with_2(folder: Path) -> None:
    Path("bad.yaml").write_text(PAIR.replace("normal:1.0", "normal:1.0 &"))
    common = [
        "--samples",
        "samples.tsv",
        "--candidates",
        "candidates.vcf.gz",
        "--reference",
        "reference.fa",
        "--output",
        "o.vcf",
    ]
    for name, arguments in (("score-scenario", common), ("plot-scenario", ["--output", "o.tsv"])):
        command = [sys.executable, "-m", f"varproof.commands.{name.replace('-', '_')}", "--scenario", "bad.yaml", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2 and not done.stdout
        assert done.stderr.startswith(f"{name}: error: bad.yaml: line 7: germline: ") and done.stderr.count("\n") == 1
