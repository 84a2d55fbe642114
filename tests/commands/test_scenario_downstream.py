"""Files of score-scenario in the other programs: any events and any samples, or one line that says why not."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from varproof.machinery.errors import UserError
from varproof.posterior.reasons import REASONS
from varproof.steps.combine_calls import CombineCallsSettings, combine_calls
from varproof.steps.estimate_vaf import EstimateVafSettings, estimate_vaf
from varproof.steps.evaluate_calls import EvaluateCallsSettings, evaluate_calls
from varproof.steps.fdr_filter import FdrFilterSettings, fdr_filter
from varproof.steps.gather import GatherSettings, gather_chunks
from varproof.steps.report_calls import ReportCallsSettings, report_calls
from varproof.steps.score_posterior import ScorePosteriorSettings, score_posterior
from varproof.steps.score_scenario import ScoreScenarioSettings, score_scenario

UNREAL = ("PROB_ARTIFACT", "PROB_ABSENT")
DATA = Path(__file__).resolve().parents[2] / "test-data"
SHEETS = {
    "relapse": {"normal": "normal.h5", "tumor": "tumor.h5", "relapse": "relapse.h5"},
    "trio-denovo": {"mother": "normal.h5", "father": "father.h5", "child": "tumor.h5"},
    "multi-region": {"normal": "normal.h5", "region1": "tumor.h5", "region2": "relapse.h5", "region3": "third.h5"},
}
OVERLAPPING = """samples:
  normal: {universe: "0.0 | 0.5 | 1.0"}
  tumor: {universe: "[0.0,1.0]"}
events: {somatic: "normal:0.0 & tumor:]0.0,1.0]", germline: "!normal:0.0", in_tumor: "tumor:]0.0,1.0]"}
"""


def score(folder: Path, scenario: str, output: str, sheet: dict[str, str], **more: Any) -> Path:
    rows = "".join(f"{sample}\t{reads}\n" for sample, reads in sheet.items())
    (folder / f"{output}.tsv").write_text(f"sample\treads\n{rows}")
    given = {"candidates": folder / "candidates.vcf.gz", "reference": folder / "reference.fa", **more}
    score_scenario(
        ScoreScenarioSettings(scenario=scenario, samples=folder / f"{output}.tsv", output=folder / f"{output}.vcf.gz", **given)
    )
    return folder / f"{output}.vcf.gz"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the small pair scored under three ready scenarios: copies of its evidence stand for further samples."""
    folder = tmp_path_factory.mktemp("scored")
    for name in ("candidates.vcf.gz", "candidates.vcf.gz.tbi", "reference.fa", "reference.fa.fai", "tumor.h5", "normal.h5"):
        shutil.copy(DATA / name, folder)
    for name, source in (("relapse", "tumor"), ("third", "tumor"), ("father", "normal")):
        shutil.copy(DATA / f"{source}.h5", folder / f"{name}.h5")
    for scenario, sheet in SHEETS.items():
        score(folder, scenario, scenario, sheet)
    yield folder


def records(path: Path) -> list[Any]:
    with pysam.VariantFile(str(path)) as handle:
        return list(handle)


@pytest.mark.parametrize(
    ("name", "events", "truth", "subject"),
    [
        ("relapse", ["germline_het,PROB_GERMLINE_HOM"], "GERMLINE_HET,GERMLINE_HOM", "relapse"),
        ("trio-denovo", ["DENOVO"], "SOMATIC_TUMOR", "child"),
        ("multi-region", ["SOMATIC_ALL", "SOMATIC_SOME"], "SOMATIC_TUMOR", "region2"),
    ],
)
def test_any_events_go_through(scored: Path, tmp_path: Path, name: str, events: list[str], truth: str, subject: str) -> None:
    calls, kept = scored / f"{name}.vcf.gz", tmp_path / "kept.vcf"
    fdr_filter(FdrFilterSettings(calls=calls, events=events, fdr=0.05, output=kept))
    estimate_vaf(EstimateVafSettings(calls=kept, sample=subject, output=tmp_path / "vaf.tsv"))
    report_calls(ReportCallsSettings(calls=calls, events=events, sample=subject, output=tmp_path / "report.html"))
    evaluate_calls(
        EvaluateCallsSettings(
            calls=[calls], truth=[DATA / "truth.vcf.gz"], events=events, truth_event=truth, sample=subject,
            output=tmp_path / "metrics.json",
        )
    )  # fmt: skip
    told = [line.split("\t") for line in (tmp_path / "vaf.tsv").read_text().splitlines()[1:]]
    modes = [record.samples[subject]["VP_MAP"][0] for record in records(kept)]
    assert np.allclose([float(row[6]) for row in told], modes, rtol=1e-3, atol=1e-6) and len(told) > 10
    everything = json.loads((tmp_path / "metrics.json").read_text())["classes"][0]
    point = next(point for point in everything["own_threshold"] if point["nominal_fdr"] == 0.05)
    assert point["kept"] > 10 and point["false"] == 0


def test_whose_frequencies_are_told(scored: Path, tmp_path: Path) -> None:
    """The tumour of a scenario is not what stands first; where there is none of that name, nobody guesses."""
    estimate_vaf(EstimateVafSettings(calls=scored / "relapse.vcf.gz", output=tmp_path / "a.tsv"))
    estimate_vaf(EstimateVafSettings(calls=scored / "relapse.vcf.gz", sample="tumor", output=tmp_path / "b.tsv"))
    estimate_vaf(EstimateVafSettings(calls=scored / "relapse.vcf.gz", sample="normal", output=tmp_path / "c.tsv"))
    tables = [(tmp_path / f"{name}.tsv").read_text() for name in "abc"]
    assert tables[0] == tables[1] != tables[2]
    regions = scored / "multi-region.vcf.gz"
    for given, told in ((None, "the samples normal, region1, region2, region3; name one with"), ("x", "--sample x: ")):
        with pytest.raises(UserError, match=told):
            estimate_vaf(EstimateVafSettings(calls=regions, sample=given, output=tmp_path / "d.tsv"))
    assert not (tmp_path / "d.tsv").exists()
    with pysam.VariantFile(str(regions)) as handle:
        (line,) = [line.value for line in handle.header.records if line.key == "varproof_columns"]
    assert json.loads(line) == {"tumor": "region1", "normal": "normal"}


def test_genotypes_are_those_of_the_likeliest_event(scored: Path) -> None:
    """The truth of the small pair: a somatic allele is in no copy of the normal, a heterozygous one in one of each sample."""
    truth = {(record.pos, record.alts): record.info["EVENT"] for record in records(DATA / "truth.vcf.gz") if record.alts}
    wanted = {
        "SOMATIC_TUMOR": [(0, 0), (0, 1), (0, 1)], "GERMLINE_HET": [(0, 1)] * 3, "GERMLINE_HOM": [(1, 1)] * 3,
    }  # fmt: skip
    found = {event: [0, 0] for event in wanted}
    for record in records(scored / "relapse.vcf.gz"):
        event = truth.get((record.pos, record.alts), "")
        if event in wanted:
            found[event][1] += 1
            found[event][0] += [sample["GT"] for sample in record.samples.values()] == wanted[event]
    assert all(right >= 0.85 * size > 8 for right, size in found.values()), found


def test_what_speaks_against_alleles_that_are_in_no_sample(scored: Path) -> None:
    """Of all that are absent, and of nothing that the scenario has an event for; here they are errors and empty sites."""
    for name in SHEETS:
        unreal = told = 0
        for record in records(scored / f"{name}.vcf.gz"):
            events = {field: value[0] for field, value in record.info.items() if field.startswith("PROB_")}
            if None in events.values():
                continue
            likeliest = min(events, key=lambda field: events[field])
            reason = record.info.get("VP_REASON", (None,))[0]
            assert reason is None or set(reason.split("&")) <= set(REASONS) - {"seen_in_normal", "germline", "contamination"}
            assert (reason is not None) >= (likeliest == "PROB_ABSENT") and not (reason and likeliest not in UNREAL)
            unreal, told = unreal + (likeliest in UNREAL), told + (reason is not None)
        assert unreal > 20 and told > 0.5 * unreal, (name, unreal, told)


def test_burdens_are_of_the_events_that_were_kept(scored: Path, tmp_path: Path) -> None:
    calls, kept = scored / "multi-region.vcf.gz", tmp_path / "kept.vcf"
    regions = tmp_path / "all.bed"
    regions.write_text("chr1\t0\t10000\n")
    common = {"sample": "region1", "callable": regions, "burden": tmp_path / "b.json", "output": tmp_path / "vaf.tsv"}
    with pytest.raises(UserError, match="which events are somatic is not known; give --calls of fdr-filter"):
        estimate_vaf(EstimateVafSettings(calls=calls, **common))
    fdr_filter(FdrFilterSettings(calls=calls, events=["SOMATIC_ALL"], fdr=0.05, output=kept))
    estimate_vaf(EstimateVafSettings(calls=kept, scored=calls, **common))
    assert json.loads((tmp_path / "b.json").read_text())["events"] == ["SOMATIC_ALL"]


def test_events_that_hold_together_do_not_add_up(scored: Path, tmp_path: Path) -> None:
    (scored / "both.yaml").write_text(OVERLAPPING)
    sheet = {"normal": "normal.h5", "tumor": "tumor.h5"}
    calls = score(scored, str(scored / "both.yaml"), "both", sheet, overlaps="allow")
    with pytest.raises(UserError, match=r"SOMATIC and IN_TUMOR of .* can hold together and can't be added up"):
        fdr_filter(FdrFilterSettings(calls=calls, events=["SOMATIC,IN_TUMOR"], fdr=0.05, output=tmp_path / "x.vcf"))
    fdr_filter(FdrFilterSettings(calls=calls, events=["SOMATIC,GERMLINE"], fdr=0.05, output=tmp_path / "x.vcf"))
    kept = records(tmp_path / "x.vcf")
    assert len(kept) > 20
    for record in kept:
        assert 10 ** (-record.info["PROB_SOMATIC"][0] / 10) + 10 ** (-record.info["PROB_GERMLINE"][0] / 10) > 0.5


def test_what_was_scored_before_is_forgotten(scored: Path, tmp_path: Path) -> None:
    """Other events over the same list, either way: no field and no line of the earlier ones is left to be taken for theirs."""
    given = {"reference": scored / "reference.fa", "tumor": scored / "tumor.h5", "normal": scored / "normal.h5"}
    pair = tmp_path / "pair.vcf.gz"
    score_posterior(ScorePosteriorSettings(candidates=scored / "relapse.vcf.gz", output=pair, **given))
    again = score(scored, "relapse", "again", SHEETS["relapse"], candidates=pair)
    with pysam.VariantFile(str(pair)) as handle, pysam.VariantFile(str(again)) as other:
        assert "PROB_SOMATIC_KEPT" not in handle.header.info and "PROB_SOMATIC_TUMOR" not in other.header.info
        assert "VP_TUMOR_ONLY" in handle.header.info and "VP_TUMOR_ONLY" not in other.header.info
        assert not [line for line in handle.header.records if line.key == "varproof_scenario"]
        assert len([line for line in other.header.records if line.key == "varproof_scenario"]) == 1
    for path, foreign in ((pair, "KEPT"), (again, "seen_in_normal")):
        assert not any(foreign in str(record) for record in records(path))
    first, second = records(scored / "relapse.vcf.gz"), records(again)
    assert [record.info["PROB_SOMATIC_KEPT"] for record in first] == [record.info["PROB_SOMATIC_KEPT"] for record in second]


def test_what_cannot_apply_is_one_line(scored: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"scored under a scenario .*: the network judges whether an allele is somatic"):
        combine_calls(
            CombineCallsSettings(
                scored=scored / "relapse.vcf.gz", predicted=DATA / "predicted.vcf.gz", output=tmp_path / "combined.vcf"
            )
        )
    halves = []
    for number, part in enumerate(("first", "second")):
        chosen = records(scored / "relapse.vcf.gz")
        with pysam.VariantFile(str(scored / "relapse.vcf.gz")) as source:
            header = str(source.header).replace('"rates": {', f'"rates": {{"of_{number}": {{}}, ')
        half = tmp_path / f"{part}.vcf"
        half.write_text(header + "".join(map(str, chosen[:50] if number == 0 else chosen[50:])))
        halves.append(half)
    with pytest.raises(UserError, match=r"second\.vcf was scored under another scenario than .*, or other rates"):
        gather_chunks(GatherSettings(inputs=halves, output=tmp_path / "whole.vcf"))
