"""score-scenario --rates spectra as it is run: what the header tells, what blocks and territory do, what is kept as given."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from varproof.formats.vcf import from_phred
from varproof.machinery.errors import UserError
from varproof.scenario import run
from varproof.scenario.decisions import DECISIONS
from varproof.steps.score_scenario import ScoreScenarioSettings, score_scenario

DATA = Path(__file__).resolve().parents[2] / "test-data"
PAIR = """samples:
  tumor: {universe: "[0.0,1.0]"}
  normal: {universe: "0.0 | ]0.0,0.5[ | 0.5 | 1.0"}
events:
  somatic: "tumor:]0.0,1.0] & normal:0.0"
  somatic_normal: "normal:]0.0,0.5["
  germline: "normal:0.5 | normal:1.0"
"""
EVENTS = ("SOMATIC", "SOMATIC_NORMAL", "GERMLINE", "ARTIFACT", "ABSENT")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the small evidence, a sheet of it and a scenario."""
    for name in ("tumor.h5", "normal.h5", "candidates.vcf.gz", "candidates.vcf.gz.tbi", "reference.fa", "reference.fa.fai"):
        shutil.copy(DATA / name, tmp_path)
    shutil.copy(DATA / "samples.tsv", tmp_path)
    (tmp_path / "pair.yaml").write_text(PAIR)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(scenario: str = "pair.yaml", output: str = "out.vcf", **more: Any) -> ScoreScenarioSettings:
    given = {"samples": "samples.tsv", "candidates": "candidates.vcf.gz", "reference": "reference.fa", **more}
    return ScoreScenarioSettings(scenario=scenario, output=Path(output), **given)


def records(path: str) -> list[Any]:
    with pysam.VariantFile(path) as handle:
        return list(handle)


def probability(record: Any, event: str) -> float:
    return from_phred(record.info[f"PROB_{event}"][0])


def told(path: str) -> dict[str, Any]:
    with pysam.VariantFile(path) as handle:
        (line,) = [line.value for line in handle.header.records if line.key == "varproof_scenario"]
    return dict(json.loads(line))


def lines_of(path: str) -> list[str]:
    return [line for line in Path(path).read_text().splitlines() if "varproof_score-scenario" not in line]


def test_the_header_tells_what_was_learnt(folder: Path) -> None:
    score_scenario(options(rates="spectra", territory=1e6))
    found = told("out.vcf")
    assert found["territory"] == 1e6
    for rates in found["rates"].values():
        assert set(rates) == set(EVENTS) and sum(rates.values()) == pytest.approx(1.0, abs=1e-4)
    spectra = found["spectra"]
    assert set(spectra) == {"SOMATIC", "SOMATIC_NORMAL", "GERMLINE", "ABSENT"}
    assert spectra["ABSENT"] == [{"share": 1.0, "samples": {"tumor": [[0.0, 0.0, 1.0]], "normal": [[0.0, 0.0, 1.0]]}}]
    (somatic,) = spectra["SOMATIC"]
    for parts in somatic["samples"].values():
        assert 0.9 < sum(share for _, _, share in parts) <= 1.0 + 1e-4
    assert all(high <= 0.5 for group in spectra["SOMATIC_NORMAL"] for _, high, _ in group["samples"]["normal"])
    assert sum(group["share"] for group in spectra["GERMLINE"]) == pytest.approx(1.0, abs=1e-4)
    normal = spectra["GERMLINE"][0]["samples"]["normal"]
    assert {low for low, high, _ in normal if low == high} == {0.5, 1.0} == {low for low, _, _ in normal}


def test_blocks_do_not_matter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in memory together changes no byte, whether all candidates teach or only some."""
    for most in (DECISIONS.most_taught, 60):
        monkeypatch.setitem(DECISIONS.__dict__, "most_taught", most)
        for block in (7, 500):
            monkeypatch.setattr(run, "BLOCK", block)
            score_scenario(options(rates="spectra", output=f"{block}.vcf"))
        assert lines_of("7.vcf") == lines_of("500.vcf")


def test_more_territory_makes_variants_rarer(folder: Path) -> None:
    """Bases that the evidence covers are the default; what chance shows is absent where more was searched."""
    score_scenario(options(rates="spectra"))
    with pysam.FastaFile(str(DATA / "reference.fa")) as reference:
        assert 0.5 * sum(reference.lengths) < told("out.vcf")["territory"] <= sum(reference.lengths)
    absent = []
    for territory in (1e4, 1e6, 1e8):
        score_scenario(options(rates="spectra", territory=territory))
        absent.append(np.mean([probability(record, "ABSENT") for record in records("out.vcf")]))
        assert told("out.vcf")["rates"]["snv"]["ABSENT"] > 1.0 - 500.0 / territory
    assert absent[0] <= absent[1] <= absent[2]
    score_scenario(options(rates="learnt", territory=1e6))
    assert told("out.vcf")["territory"] == 1e6 and told("out.vcf")["rates"]["snv"]["ABSENT"] > 0.999


def test_a_territory_without_learning_is_not_used(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    score_scenario(options(territory=1e6))
    assert "--territory" in caplog.text and "it is not used" in caplog.text
    with pytest.raises(UserError, match="--territory: the scenario tumor-normal is judged by the model of score-posterior"):
        score_scenario(options("tumor-normal", territory=1e6))


def test_what_a_scenario_says_is_kept(folder: Path) -> None:
    """Rates of the species, inherited copies and somatic rates: where all is given, spectra change nothing."""
    text = """species: {heterozygosity: 0.001, ploidy: 2}
samples:
  normal: {}
  tumor: {somatic-effective-mutation-rate: 1e-5, inheritance: {clonal: {from: normal, somatic: false}}}
events:
  germline: "!normal:0.0"
  somatic: "normal:0.0 & tumor:]0.0,1.0]"
"""
    Path("given.yaml").write_text(text)
    for rates in ("scenario", "spectra"):
        score_scenario(options("given.yaml", rates=rates, output=f"{rates}.vcf"))
    assert told("spectra.vcf")["rates"] == {}
    for one, other in zip(records("scenario.vcf"), records("spectra.vcf"), strict=True):
        for event in ("GERMLINE", "SOMATIC", "ABSENT"):
            assert probability(one, event) == pytest.approx(probability(other, event), abs=1e-4)


def test_rates_of_each_allele_are_refused(folder: Path) -> None:
    Path("own.yaml").write_text("species: {variant-heterozygosity-field: AF}\n" + PAIR)
    with pytest.raises(UserError, match=r"own\.yaml: line 1: --rates spectra does not go with INFO/AF"):
        score_scenario(options("own.yaml", rates="spectra"))
    assert not Path("out.vcf").exists()
