"""estimate-vaf as a function and as a program."""

import csv
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from scored_examples import Call, density_text, header, read_all, write_scored
from small_bams import Read, write_bam
from varproof.commands.base import parse_options
from varproof.commands.estimate_vaf import EstimateVafOptions, estimate_vaf
from varproof.formats.vcf import contig_lengths_of, open_vcf
from varproof.machinery.errors import UserError


def run(tmp_path: Path, calls: list[Call] | Path, **options: Any) -> list[dict[str, str]]:
    """Run and return the table's rows."""
    path = calls if isinstance(calls, Path) else write_scored(tmp_path / "calls.vcf", calls)
    values = {"calls": path, "output": tmp_path / "vaf.tsv"} | options
    estimate_vaf(EstimateVafOptions(**values))
    with values["output"].open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def neutral_calls(rate: float = 30.0) -> list[Call]:
    """Calls whose MAPs are an exact neutral spectrum between 0.12 and 0.24."""
    k = np.arange(1, int(rate * (1 / 0.12 - 1 / 0.24)) + 1)
    return [Call(100 + 10 * i, "A", "C", 0.01, float(f)) for i, f in enumerate(1 / (k / rate + 1 / 0.24))]


def test_estimates_are_those_of_the_beta_posterior(tmp_path: Path) -> None:
    """12 of 40 reads under a flat prior: Beta(13, 29)."""
    rows = run(tmp_path, [Call(100, "AC", "A", 0.01, 0.3, 40), Call(200, "A", ("C", "G"), 0.01, (0.1, 0.5), 40)])
    assert [(row["pos"], row["alt"], row["type"], row["length"], row["depth"]) for row in rows] == [
        ("100", "A", "deletion", "1", "40"),
        ("200", "C", "snv", "1", "40"),
        ("200", "G", "snv", "1", "40"),
    ]
    for row, reads in zip(rows, (12, 4, 20), strict=True):
        true = stats.beta(reads + 1, 41 - reads)
        assert float(row["map"]) == pytest.approx(reads / 40)
        assert float(row["mean"]) == pytest.approx(true.mean(), abs=0.02 * true.std())
        low, high = float(row["ci_low"]), float(row["ci_high"])
        assert true.cdf(high) - true.cdf(low) == pytest.approx(0.95, abs=0.003)
        assert true.pdf(low) == pytest.approx(true.pdf(high), rel=0.1)  # of highest density: it is as high at both ends
        assert [row[name] for name in ("corrected", "corrected_low", "corrected_high")] == ["NA"] * 3


@pytest.mark.parametrize("suffix", ["vcf", "vcf.gz", "bcf"])
def test_annotated_calls(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"annotated.{suffix}"
    calls = [Call(100, "A", ("C", "G"), 0.01, (0.1, 0.5), 40), Call(200, "A", "<INS>", None)]
    rows = run(tmp_path, calls, annotated_output=out)
    first, second = read_all(out)
    for name, column in (("AFMEAN", "mean"), ("AFLOW", "ci_low"), ("AFHIGH", "ci_high")):
        assert first.samples["tumor"][name] == pytest.approx([float(row[column]) for row in rows], rel=1e-3)
        assert first.samples["normal"][name] == first.samples["tumor"][name]
    assert second.info["SKIPPED"] == "symbolic_allele"
    assert "AFMEAN" not in second.format


def test_frequencies_near_the_detection_limit_are_corrected(tmp_path: Path) -> None:
    """Four of 40 fragments, where four is what it takes: the variant is likelier rarer. Twenty of 40 would be there anyway."""
    calls = [Call(100, "A", "C", 0.01, 0.1, 40), Call(200, "A", "G", 0.01, 0.5, 40)]
    near, far = run(tmp_path, calls, min_alternate_reads=4, annotated_output=tmp_path / "a.vcf", summary=tmp_path / "s.json")
    assert float(near["corrected"]) < 0.06 < float(near["map"])
    assert float(near["corrected_low"]) == 0 and float(near["corrected_high"]) <= float(near["ci_high"])
    assert [far[name] for name in ("corrected", "corrected_low", "corrected_high")] == [
        far["map"],
        far["ci_low"],
        far["ci_high"],
    ]
    first, second = read_all(tmp_path / "a.vcf")
    assert first.samples["tumor"]["VP_COR"] == pytest.approx((float(near["corrected"]),), rel=1e-3)
    assert second.samples["tumor"]["VP_CORHIGH"] == pytest.approx((float(far["ci_high"]),), rel=1e-3)
    assert first.samples["normal"]["VP_COR"] == (None,)
    found = json.loads((tmp_path / "s.json").read_text())["detection_limit"]
    assert (found["depth"], found["corrected"]) == (40, 1)
    assert stats.binom.sf(3, 40, found["frequency"]) == pytest.approx(0.5, abs=1e-3)


def test_the_limit_comes_from_the_filter_and_the_candidates(tmp_path: Path) -> None:
    """Calls of three fragments are just over the threshold, and corrected; those of thirty are not."""
    calls = [Call(100 + i, "A", "C", 0.3, 3 / 60, 60) for i in range(20)]
    calls += [Call(200 + i, "A", "C", 1e-4, reads / 60, 60) for i, reads in enumerate([4, 8, 12, 30] * 10)]
    path = write_scored(tmp_path / "calls.vcf", calls)
    result = json.dumps({"max_error_probability": 0.4, "events": ["SOMATIC_TUMOR"]})
    asked = json.dumps({"options": {"min_alternate_reads": 2, "min_alternate_fraction": 0.02}})
    lines = f"##varproof_fdr-filter_result={result}\n##varproof_call-candidates={asked}\n"
    path.write_text(path.read_text().replace("#CHROM", lines + "#CHROM"))
    rows = run(tmp_path, path)
    corrected = {row["map"]: row["corrected"] for row in rows}
    assert float(corrected["0.05"]) < 0.04
    assert corrected["0.5"] == "0.5"
    annotated = path.with_name("annotated.vcf")
    line = f"##varproof_fdr-filter={json.dumps({'options': {'annotate': True}})}\n"
    annotated.write_text(path.read_text().replace("#CHROM", line + "#CHROM"))
    fewer = {row["map"]: row["corrected"] for row in run(tmp_path, annotated)}  # nothing was left out: two reads are the limit
    assert float(fewer["0.05"]) > float(corrected["0.05"])


def test_the_summary_says_whether_it_is_neutral(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A tail and, in the second file, as many variants again at 0.17, among 200 reads."""
    generator = np.random.default_rng(1)
    tail = 1 / generator.uniform(1 / 0.5, 1 / 0.005, 5400)
    caplog.set_level("INFO")
    for more, said in ((0, "not rejected"), (200, "is rejected")):
        frequencies = np.concatenate([tail, np.full(more, 0.17)])
        reads = np.maximum(generator.binomial(200, frequencies), 1)
        seen = reads[reads >= 5] / 200
        calls = [Call(100 + i, "A", "C", 0.01, float(f), 200) for i, f in enumerate(seen)]
        run(tmp_path, calls, summary=tmp_path / "s.json", plot=tmp_path / "p", min_alternate_reads=5)
        test = json.loads((tmp_path / "s.json").read_text())["neutral_evolution"]["test"]
        assert said in test["conclusion"] and said in caplog.text
        assert (test["p_value"] < 0.05) == bool(more)
        assert sum(test["expected"]) == pytest.approx(test["variants"], rel=1e-3)
        assert f"p = {test['p_value']:.2g}" in (tmp_path / "p.svg").read_text()


def test_the_neutral_line_has_the_rate_of_the_spectrum(tmp_path: Path) -> None:
    run(tmp_path, neutral_calls(), summary=tmp_path / "fit.json")
    found = json.loads((tmp_path / "fit.json").read_text())
    assert found["schema"] == "varproof/vaf/1"
    fit = found["neutral_evolution"]
    assert fit["mutation_rate"] == pytest.approx(30, rel=1e-3)
    assert fit["r_squared"] == pytest.approx(1, abs=1e-4)
    assert (fit["fmin"], fit["fmax"], fit["interval"]) == (0.12, 0.24, "given")
    assert fit["mutation_rate_low"] < 30 < fit["mutation_rate_high"]


@pytest.mark.parametrize("calls", [True, False])
def test_the_header_of_annotated_calls_has_the_fit(tmp_path: Path, calls: bool) -> None:
    run(tmp_path, neutral_calls() if calls else [], summary=tmp_path / "fit.json", annotated_output=tmp_path / "a.vcf")
    (line,) = [
        text for text in (tmp_path / "a.vcf").read_text().splitlines() if text.startswith("##varproof_estimate-vaf_result=")
    ]
    found = json.loads(line.partition("=")[2])["neutral_evolution"]
    fit = json.loads((tmp_path / "fit.json").read_text())["neutral_evolution"]
    if not calls:
        assert found is None and fit is None
        return
    assert found.keys() == fit.keys() and found["interval"] == fit["interval"]
    for name in ("mutation_rate", "mutation_rate_low", "mutation_rate_high", "r_squared", "fmin", "fmax", "variants"):
        assert found[name] == pytest.approx(fit[name], rel=1e-5)


def test_a_range_of_ones_own_and_the_fallback(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    calls = [Call(100 + i, "A", "C", 0.01, 0.3 + i / 100) for i in range(10)]
    run(tmp_path, calls, summary=tmp_path / "fit.json")
    assert json.loads((tmp_path / "fit.json").read_text())["neutral_evolution"]["interval"] == "observed range"
    run(tmp_path, calls, summary=tmp_path / "fit.json", fmin=0.32, fmax=0.4)
    assert json.loads((tmp_path / "fit.json").read_text())["neutral_evolution"]["variants"] == 8
    run(tmp_path, calls, summary=tmp_path / "fit.json", fmin=0.1)
    assert json.loads((tmp_path / "fit.json").read_text())["neutral_evolution"] is None
    assert "no neutral-evolution fit" in caplog.text


def test_pictures(tmp_path: Path) -> None:
    """Text stays text, the PNG has 200 dpi, and the same calls give the same bytes."""
    calls = neutral_calls()
    run(tmp_path, calls, plot=tmp_path / "one.svg")
    run(tmp_path, tmp_path / "calls.vcf", plot=tmp_path / "two")
    text = (tmp_path / "one.svg").read_text()
    assert any(
        "Cumulative spectrum" in "".join(e.itertext()) for e in ElementTree.fromstring(text).iter() if e.tag.endswith("text")
    )
    for suffix in ("svg", "png"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()
    png = (tmp_path / "one.png").read_bytes()
    assert png[:4] == b"\x89PNG"
    place = png.index(b"pHYs") + 4
    assert int.from_bytes(png[place : place + 4], "big") == round(200 / 0.0254)


def test_empty_input(tmp_path: Path) -> None:
    rows = run(tmp_path, [], plot=tmp_path / "p", summary=tmp_path / "s.json", annotated_output=tmp_path / "a.vcf")
    assert rows == []
    assert json.loads((tmp_path / "s.json").read_text())["variants"] == 0
    assert read_all(tmp_path / "a.vcf") == []
    assert (tmp_path / "p.svg").exists()


def test_unfiltered_calls_are_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(tmp_path, [Call(100, "A", "C", 0.9), Call(200, "A", "C", 0.01), Call(300, "A", "<INS>", None)])
    assert "1 of 2 calls are more probably not somatic" in caplog.text


def test_refusals(tmp_path: Path) -> None:
    good = write_scored(tmp_path / "good.vcf", [Call(100, "A", "C")])
    bare = write_scored(tmp_path / "bare.vcf", [Call(100, "A", "C")], header(density=False))
    unsorted = write_scored(tmp_path / "unsorted.vcf", [Call(200, "A", "C"), Call(100, "A", "C")])
    broken = tmp_path / "broken.vcf"
    broken.write_text(good.read_text().replace(density_text(0.3, 40), "nonsense"))
    folder = tmp_path / "folder"
    folder.mkdir()
    before = set(tmp_path.iterdir())
    everything = {"plot": tmp_path / "p", "summary": tmp_path / "s.json", "annotated_output": tmp_path / "a.vcf.gz"}
    for path, options, message in [
        (bare, {}, "carry no densities .* run score-posterior"),
        (bare, {"tumor": Path("t.bam")}, "give --tumor and --reference"),
        (unsorted, {}, "not sorted"),
        (broken, {}, "chr1:100: AFD is not a density"),
        (tmp_path / "nowhere.vcf", {}, "no such file"),
        (good, {"output": folder}, "is a folder"),
        (good, {"annotated_output": tmp_path / "a.txt"}, "suffix"),
        (good, {"summary": tmp_path / "x" / "s.json"}, "create it first"),
        (good, {"plot": tmp_path / "x" / "p.png"}, "create it first"),
    ]:
        with pytest.raises(UserError, match=message):
            run(tmp_path, path, **(everything | options))
    assert set(tmp_path.iterdir()) == before


def test_options() -> None:
    with pytest.raises(UserError, match="under --fmax"):
        parse_options("estimate-vaf", EstimateVafOptions, ["--calls", "a", "--output", "b", "--fmin", "0.3"])
    with pytest.raises(UserError, match="--purity"):
        parse_options("estimate-vaf", EstimateVafOptions, ["--calls", "a", "--output", "b", "--purity", "0"])


def test_as_a_program(tmp_path: Path) -> None:
    calls = write_scored(tmp_path / "calls.bcf", [Call(100, "A", "C", 0.01, 0.3)])
    command = [sys.executable, "-m", "varproof.commands.estimate_vaf", "--output", "-", "--calls"]
    good = subprocess.run([*command, str(calls)], capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    assert good.stdout.splitlines()[1].startswith("chr1\t100\tA\tC\tsnv\t1\t0.3\t")
    bad = subprocess.run([*command, str(tmp_path / "none.vcf")], capture_output=True, text=True)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)


def test_calls_of_another_program_are_scored_on_the_reads(tmp_path: Path) -> None:
    """Without densities in the calls, the reads give the same table as score-posterior followed by estimate-vaf."""
    from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
    from varproof.simulation.pair import simulate_pair
    from varproof.simulation.settings import SimulationSettings

    few = dict.fromkeys(("somatic_mnvs", "somatic_insertions", "somatic_deletions", "empty_sites"), 1)
    pair = tmp_path / "pair"
    simulate_pair(SimulationSettings(genome_length=20_000, seed=4, somatic_snvs=6, germline=6, **few), pair)
    reads = {name: pair / f"{name}.bam" for name in ("tumor", "normal")}
    common = {"reference": pair / "reference.fa", "purity": 0.75, **reads}
    scored = tmp_path / "scored.vcf"
    score_posterior(ScorePosteriorOptions(candidates=pair / "candidates.vcf.gz", output=scored, prior="flat", **common))
    estimate_vaf(EstimateVafOptions(calls=scored, output=tmp_path / "a.tsv"))
    estimate_vaf(EstimateVafOptions(calls=pair / "candidates.vcf.gz", output=tmp_path / "b.tsv", **common))
    table = (tmp_path / "a.tsv").read_text()
    assert table.count("\n") > 15
    assert (tmp_path / "b.tsv").read_text() == table


def segments_table(path: Path, *rows: str) -> Path:
    """segments.tsv."""
    header = "contig\tstart\tend\ttotal\tminor\ttotal_low\ttotal_high\tminor_low\tminor_high"
    path.write_text("\n".join([header, *("\t".join(row.split()) for row in rows)]) + "\n")
    return path


def scored_at(path: Path, calls: list[Call], purity: float, *lines: str) -> Path:
    """Calls that were scored at a purity, with further lines in the header."""
    write_scored(path, calls)
    of_scoring = f"##varproof_score-posterior={json.dumps({'options': {'purity': purity}})}\n"
    path.write_text(path.read_text().replace("#CHROM", of_scoring + "".join(f"{line}\n" for line in lines) + "#CHROM"))
    return path


def test_cancer_cell_fractions_by_hand(tmp_path: Path) -> None:
    """Purity 0.8, 400 fragments. Of two copies a clonal variant is at 0.5 of the tumour cells' copies, one in 40 % of the cells
    at 0.2; of one copy left (seen: 0.8 / (0.8 + 0.4), over 0.8) at 0.8333; of two of three copies at 0.7143.
    """
    calls = [
        Call(100, "A", "C", 0.01, 0.5, 400),
        Call(200, "A", "C", 0.01, 0.2, 400),
        Call(30_100, "A", "C", 0.01, 0.8333, 400),
        Call(60_100, "A", "C", 0.01, 0.7143, 400),
        Call(90_100, "A", "C", 0.01, 0.5, 400),
    ]
    segments = segments_table(
        tmp_path / "s.tsv",
        "chr1 0 30000 2 1 NA NA NA NA",
        "chr1 30000 60000 1 0 1 1 0 0",
        "chr1 60000 80000 3 1 NA NA NA NA",
    )
    path = scored_at(tmp_path / "calls.vcf", calls, 0.8)
    out = tmp_path / "a.vcf"
    rows = run(tmp_path, path, segments=segments, annotated_output=out, summary=tmp_path / "s.json", plot=tmp_path / "p")
    assert "Cancer cell fraction" in (tmp_path / "p.svg").read_text() and "in some: 1" in (tmp_path / "p.svg").read_text()
    clonal, part, lost, gained, outside = rows
    for row, copies in ((clonal, "1"), (lost, "1"), (gained, "2")):
        assert float(row["ccf"]) == pytest.approx(1, abs=0.03) and float(row["ccf_high"]) == 1
        assert row["multiplicity"] == copies and float(row["p_clonal"]) > 0.8
    assert float(part["ccf"]) == pytest.approx(0.4, abs=0.01) and float(part["p_clonal"]) < 0.01
    # The frequency is 0.2 +- 1.96 * sqrt(0.2 * 0.8 / 400), and the fraction twice as much.
    width = float(part["ccf_high"]) - float(part["ccf_low"])
    assert width == pytest.approx(2 * 1.96 * 2 * np.sqrt(0.2 * 0.8 / 400), rel=0.05)
    assert [row["copies"] for row in rows] == ["2", "2", "1", "3", "NA"]
    assert {outside[name] for name in ("ccf", "ccf_low", "ccf_high", "multiplicity", "p_clonal")} == {"NA"}
    records = read_all(out)
    assert records[3].samples["tumor"]["VP_MULT"] == (2,)
    for name, column in (("VP_CCF", "ccf"), ("VP_CCFLOW", "ccf_low"), ("VP_CCFHIGH", "ccf_high"), ("VP_PCLONAL", "p_clonal")):
        assert records[1].samples["tumor"][name] == pytest.approx((float(part[column]),), rel=1e-3)
    assert records[4].samples["tumor"]["VP_CCF"] == (None,) and records[1].samples["normal"]["VP_CCF"] == (None,)
    found = json.loads((tmp_path / "s.json").read_text())["cell_fractions"]
    assert (found["purity"], found["copy_number"], found["variants"], found["without_segment"]) == (0.8, "segments", 4, 1)


def test_the_estimate_of_purity_brings_its_segments(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One copy in healthy cells, one in tumour cells: all of the tumour's copies, half of them in half of its cells. Another
    fit, of which an older file has no copies, does not widen the intervals; it is told.
    """
    limits = {"total_low": 1, "total_high": 1, "minor": 0, "minor_low": 0, "minor_high": 0}
    segment = {"contig": "chr1", "start": 0, "end": 100_000, "total": 1, "clonal": True, "normal_copies": 1, "depth_ratio": 0.5}
    segment |= limits | {"mirrored_fraction": None, "sites": 0, "windows": 100}
    content = {
        "schema": "varproof/purity/1", "purity": 0.7, "purity_low": 0.3, "purity_high": 0.74, "told_by": "copy number",
        "fit_low": 0.66, "fit_high": 0.74, "alternatives": [{"purity": 0.35, "ploidy": 4, "probability": 0.2}],
        "ploidy": 2, "ploidy_low": 2, "ploidy_high": 2, "doubled": 0, "probability": 0.8, "tumor_depth": 100,
        "normal_depth": None, "sites": 1000, "segments": [segment],
    }  # fmt: skip
    (tmp_path / "purity.json").write_text(json.dumps(content))
    path = scored_at(tmp_path / "calls.vcf", [Call(100, "A", "C", 0.01, 0.5, 400)], 0.7)
    (row,) = run(tmp_path, path, purity_estimate=tmp_path / "purity.json", summary=tmp_path / "s.json")
    assert float(row["ccf"]) == pytest.approx(0.5, abs=0.01) and row["copies"] == "1"
    found = json.loads((tmp_path / "s.json").read_text())["cell_fractions"]
    assert (found["purity"], found["purity_low"], found["purity_high"]) == (0.7, 0.66, 0.74)
    assert "1 other fits come without segments" in caplog.text
    run(tmp_path, path, purity_estimate=tmp_path / "purity.json", purity=0.5)
    assert "cancer cell fractions take the purity of" in caplog.text
    (tmp_path / "purity.json").write_text(json.dumps(content | {"segments": []}))
    with pytest.raises(UserError, match="it has no segments"):
        run(tmp_path, path, purity_estimate=tmp_path / "purity.json")
    (tmp_path / "purity.json").write_text(json.dumps(content | {"purity": None, "told_by": "nothing"}))
    with pytest.raises(UserError, match="could not tell the purity"):
        run(tmp_path, path, purity_estimate=tmp_path / "purity.json")


def test_fractions_are_mixed_over_the_fits_of_an_estimate(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A subclone's 0.5 of the tumour's copies (two at purity 0.6) is a clonal variant of a doubled genome (four at 0.6 / 1.4):
    f = 0.6 * 0.5 / 2 = 0.15 = p / (4 p + 2 (1 - p)). Each fit alone says so; together, each by its probability.
    """
    fits = [(0.6, 2, 1), (0.6 / 1.4, 4, 2)]
    path = scored_at(tmp_path / "calls.vcf", [Call(100, "A", "C", 0.01, 0.25, 400)], 0.6)
    rows = []
    for chosen in ([0], [1], [0, 1]):
        copies = [
            {"total": total, "total_low": total, "total_high": total, "minor": minor, "minor_low": minor, "minor_high": minor}
            | {"clonal": True}
            for _, total, minor in fits
        ]  # fmt: skip
        place = {"contig": "chr1", "start": 0, "end": 100_000, "normal_copies": 2, "depth_ratio": 1, "mirrored_fraction": 0.5}
        first, *others = chosen
        share = 1 / len(chosen)
        limits = {"fit_low": fits[first][0] - 0.01, "fit_high": fits[first][0] + 0.01}
        content = {
            "schema": "varproof/purity/1", "purity": fits[first][0], "purity_low": 0.3, "purity_high": 0.7, **limits,
            "told_by": "copy number", "ploidy": fits[first][1], "ploidy_low": 2, "ploidy_high": 4, "doubled": 0.5,
            "probability": share, "tumor_depth": 100, "normal_depth": None, "sites": 1000,
            "segments": [place | copies[first] | {"sites": 10, "windows": 100}],
            "alternatives": [
                {"purity": fits[one][0], "ploidy": fits[one][1], "probability": share, "segments": [copies[one]]}
                | {"fit_low": fits[one][0] - 0.01, "fit_high": fits[one][0] + 0.01}
                for one in others
            ],
        }  # fmt: skip
        (tmp_path / "purity.json").write_text(json.dumps(content))
        rows += run(tmp_path, path, purity_estimate=tmp_path / "purity.json")
    part, clonal, mixed = ({name: float(row[name]) for name in ("ccf", "ccf_low", "ccf_high", "p_clonal")} for row in rows)
    assert part["ccf"] == pytest.approx(0.5, abs=0.02) and part["p_clonal"] < 0.01 and part["ccf_high"] < 0.7
    assert clonal["ccf"] == pytest.approx(1, abs=0.02) and clonal["p_clonal"] > 0.5 and clonal["ccf_low"] > 0.7
    assert part["p_clonal"] < mixed["p_clonal"] < clonal["p_clonal"]
    assert mixed["ccf_low"] < 0.5 and mixed["ccf_high"] == pytest.approx(1, abs=0.03)
    assert "purity 0.429 has probability 0.5" in caplog.text


def test_without_segments_two_copies_are_assumed_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    path = scored_at(tmp_path / "calls.vcf", [Call(100, "A", "C", 0.01, 0.3, 100)], 0.8)
    (narrow,) = run(tmp_path, path, purity_interval=[0.8, 0.8])
    (wide,) = run(tmp_path, path, purity_interval=[0.5, 0.9])
    (one,) = run(tmp_path, path, purity_interval=[0.8, 0.8], haploid=["chr1"])
    assert "two copies everywhere are assumed" in caplog.text
    assert (narrow["copies"], narrow["minor_copies"], one["copies"]) == ("2", "1", "1")
    assert float(narrow["ccf"]) == pytest.approx(0.6, abs=0.01) and float(one["ccf"]) == pytest.approx(0.3, abs=0.01)
    width = [float(row["ccf_high"]) - float(row["ccf_low"]) for row in (narrow, wide)]
    assert width[1] > 1.2 * width[0]
    (plain,) = run(tmp_path, path)
    assert "ccf" not in plain


def test_calls_that_nothing_allows_have_no_fraction_and_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At 0.9 of the tumour's copies, all of them with two copies; and one that is more probably germline."""
    germline = {"PROB_GERMLINE_HET": (0.1,)}
    calls = [Call(100, "A", "C", 0.01, 0.9, 200), Call(200, "A", "C", 0.9, 0.4, 200, info=germline)]
    path = scored_at(tmp_path / "calls.vcf", calls, 1.0)
    path.write_text(path.read_text().replace("PROB_GERMLINE_HET=7.44727", "PROB_GERMLINE_HET=0.1"))
    rows = run(tmp_path, path, purity_interval=[0.9, 1.0], summary=tmp_path / "s.json")
    assert [row["ccf"] for row in rows] == ["NA", "NA"]
    assert "1 calls are more frequent than purity and copy number allow" in caplog.text
    assert json.loads((tmp_path / "s.json").read_text())["cell_fractions"]["too_frequent"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"haploid": ["chr1"]}, "--haploid is for cancer cell fractions"),
        ({"purity_interval": [0.9, 0.5]}, "--purity-interval takes two numbers"),
        ({"purity_interval": [0.5]}, "--purity-interval takes two numbers"),
        ({"purity_interval": [0.5, 0.9], "purity": 0.95}, "--purity 0.95 is not in --purity-interval 0.5 0.9"),
        ({"purity_interval": [0.5, 0.9], "haploid": ["chrX"]}, "--haploid chrX: .* has no such contig"),
        ({"callable_depth": 5}, "--callable-depth is for the mutational burden"),
    ],
)
def test_bad_options_of_fractions_get_one_line(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    path = write_scored(tmp_path / "calls.vcf", [Call(100, "A", "C", 0.01, 0.3, 100)])
    with pytest.raises((UserError, ValueError), match=message):
        run(tmp_path, path, **options)
    assert not (tmp_path / "vaf.tsv").exists()


def test_segments_of_another_reference_are_refused(tmp_path: Path) -> None:
    path = write_scored(tmp_path / "calls.vcf", [Call(100, "A", "C", 0.01, 0.3, 100)])
    for row, message in (("chrQ 0 10 2 1 NA NA NA NA", "chrQ"), ("chr1 0 200000 2 1 NA NA NA NA", "ends outside")):
        with pytest.raises(UserError, match=message):
            run(tmp_path, path, segments=segments_table(tmp_path / "s.tsv", row))


def burden_of(tmp_path: Path, path: Path, **options: Any) -> dict[str, Any]:
    """burden.json."""
    run(tmp_path, path, burden=tmp_path / "b.json", **options)
    found = json.loads((tmp_path / "b.json").read_text())
    found["by"] = {one["name"]: one for one in found["classes"]}
    return found


def test_the_burden_is_the_sum_of_posteriors_over_callable_bases(tmp_path: Path) -> None:
    """Four SNVs and an indel, of which 0.9 + 0.9 + 0.5 + 0.1 + 0.8 are true, on 2 Mbp that were searched."""
    errors = [0.1, 0.1, 0.5, 0.9]
    calls = [Call(100 + 10 * i, "A", "C", error, 0.3) for i, error in enumerate(errors)] + [Call(5000, "AC", "A", 0.2, 0.3)]
    path = scored_at(tmp_path / "calls.vcf", calls, 1.0, '##varproof_prior={"territory": 2000000.0}')
    found = burden_of(tmp_path, path)
    assert (found["calls"], found["callable_bases"], found["callable_from"]) == ("scored", 2_000_000, "territory")
    assert found["by"]["snv"]["expected"] == pytest.approx(2.4, rel=1e-4)
    assert found["by"]["indel"]["expected"] == pytest.approx(0.8, rel=1e-4)
    assert found["by"]["all"]["per_mbp"] == pytest.approx(1.6, rel=1e-4)
    assert found["by"]["all"]["per_mbp_low"] < 1.6 < found["by"]["all"]["per_mbp_high"]
    bed = tmp_path / "callable.bed"
    with open_vcf(path) as handle:
        end = contig_lengths_of(handle.header)["chr1"]
    bed.write_text(f"chr1\t0\t1000\nchr1\t{end - 10}\t{end + 500}\nchr1\t{end + 600}\t{end + 700}\n")
    inside = burden_of(tmp_path, path, callable=bed)
    assert (inside["callable_bases"], inside["callable_from"], inside["outside"]) == (1010, "regions", 1)
    assert inside["by"]["all"]["expected"] == pytest.approx(2.4, rel=1e-4)


def test_the_burden_counts_what_the_filter_took(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    territory = '##varproof_prior={"territory": 1000000.0}'
    scored = scored_at(tmp_path / "scored.vcf", [Call(100 * i, "A", "C", 0.6, 0.3) for i in range(1, 11)], 1.0, territory)
    line = f"##varproof_fdr-filter={json.dumps({'options': {'annotate': False}})}"
    kept = scored_at(tmp_path / "kept.vcf", [Call(20_000, "A", "C", 0.01, 0.3)], 1.0, territory, line)
    alone = burden_of(tmp_path, kept)
    assert alone["calls"] == "kept" and alone["by"]["all"]["expected"] == pytest.approx(0.99, rel=1e-3)
    assert "give the scored ones with --scored" in caplog.text
    whole = burden_of(tmp_path, kept, scored=scored)
    assert whole["calls"] == "scored" and whole["by"]["all"]["expected"] == pytest.approx(4.0, rel=1e-3)


def test_an_event_of_several_records_is_one_variant(tmp_path: Path) -> None:
    head = header()
    head.info.add("VP_SAME_EVENT", "A", "String", "others")
    calls = [
        Call(100, "A", "C", 0.1, 0.3, info={"VP_SAME_EVENT": ("101:G:T",)}),
        Call(101, "G", "T", 0.1, 0.3, info={"VP_SAME_EVENT": ("100:A:C",)}),
    ]
    path = write_scored(tmp_path / "calls.vcf", calls, head)
    path.write_text(path.read_text().replace("#CHROM", '##varproof_prior={"territory": 1000000.0}\n#CHROM'))
    found = burden_of(tmp_path, path)
    assert found["same_event"] == 1 and found["by"]["all"]["expected"] == pytest.approx(0.9, rel=1e-3)


def test_callable_bases_are_counted_in_the_reads(tmp_path: Path) -> None:
    """Ten reads of 100 bases on 1000-1100 of the tumour, five of them on 1000-1050 more; the normal has 1020 on only."""
    lengths = {"chr1": 100_000, "chr2": 100_000}
    tumor = [Read(f"t{i}", 1000, "100M", "A" * 100) for i in range(10)] + [Read("x", 3000, "100M", "A" * 100)]
    normal = [Read(f"n{i}", 1020, "100M", "A" * 100) for i in range(12)] + [Read("d", 1000, "100M", "A" * 100, flag=0x400)]
    samples = {name: write_bam(tmp_path / f"{name}.bam", lengths, reads) for name, reads in (("t", tumor), ("n", normal))}
    path = write_scored(tmp_path / "calls.vcf", [Call(1050, "A", "C", 0.1, 0.3), Call(1010, "A", "C", 0.1, 0.3)][::-1])
    found = burden_of(tmp_path, path, tumor=samples["t"], normal=samples["n"])
    assert (found["callable_bases"], found["callable_from"], found["callable_depth"]) == (80, "reads", 10)
    assert found["outside"] == 1
    assert burden_of(tmp_path, path, tumor=samples["t"], callable_depth=1)["callable_bases"] == 200
    with pytest.raises(UserError, match="no base is callable"):
        run(tmp_path, path, burden=tmp_path / "b.json", tumor=samples["t"], callable_depth=50)
    with pytest.raises(UserError, match="does not say how many bases were searched"):
        run(tmp_path, path, burden=tmp_path / "b.json")
