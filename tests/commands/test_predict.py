"""predict as a function and as a program: what it writes of which inputs, refusals, explanations, and who reads its output."""

import json
import math
import pickle
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pysam
import pytest
from scipy.special import expit, logit

import varproof
from network_examples import LARGE_SETTINGS, SETTINGS, network, settings_of, with_indels
from pair_examples import Pair, body, read_all, write_pair, write_records
from scored_examples import Call, header, write_scored
from tensor_examples import example_tensors, write_tensors
from varproof.commands.base import parse_options
from varproof.commands.combine_calls import CombineCallsOptions, combine_calls
from varproof.commands.evaluate_calls import EvaluateCallsOptions, evaluate_calls
from varproof.commands.fdr_filter import FdrFilterOptions, fdr_filter
from varproof.commands.predict import PredictOptions, predict
from varproof.commands.tensorise import TensoriseOptions, tensorise
from varproof.formats.model import Architecture
from varproof.formats.tensors import PackedTensors
from varproof.formats.training import Calibration, ClassCalibrations
from varproof.formats.vcf import from_phred
from varproof.machinery.errors import UserError
from varproof.network import judging
from varproof.network.explanation import Explainer
from varproof.network.layers import CalibratedProbability
from varproof.network.predicted_calls import JudgedAlleles, at_shares_of_sample
from varproof.network.prior_shift import shifted_prior
from varproof.network.training import save_model

CALIBRATION = ClassCalibrations(
    substitution=Calibration(temperature=1.5, bias=0.5, positive_fraction=0.3),
    indel=Calibration(temperature=1.2, bias=-0.25, positive_fraction=0.15),
)
FIELDS = ("CNN_PROB", "PROB_CNN_SOMATIC", "PROB_CNN_ARTIFACT")


def write_model(path: Path, architecture: Architecture = "read-set", **card: Any) -> Path:
    """A calibrated network, untrained: what it says is arbitrary but differs between candidates."""
    model, _ = network(architecture, **{"calibration": CALIBRATION, "calibrated_on": 100} | card)
    save_model(model, path)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def candidates(pair: Pair) -> Path:
    """The pair's eight sites among records of all kinds."""
    lines: list[tuple[int, str]] = []
    for number, (position, ref, alt) in enumerate(pair.records()):
        filters = ("PASS", ".", "LowQual")[number % 3]
        lines.append((position, f"chr1\t{position + 1}\tsite{number}\t{ref}\t{alt}\t{10 + number}\t{filters}\tNOTE=n{number}"))
    base = pair.sequence[299]
    others = [alt for alt in "ACGT" if alt != base]
    lines += [
        (299, f"chr1\t300\ttwo\t{base}\t{others[0]},{others[1]}\t.\t.\tSCORE=1,2"),
        (300, f"chr1\t301\tpartly\t{pair.sequence[300]}\t{'G' if pair.sequence[300] != 'G' else 'A'},*\t.\tPASS\tDB"),
        (310, f"chr1\t311\tnone\t{pair.sequence[310]}\t.\t.\tPASS\t."),
        (320, f"chr1\t321\tbreakend\t{pair.sequence[320]}\t{pair.sequence[320]}[chr2:500[\t.\tPASS\t."),
        (330, f"chr1\t331\tduplication\t{pair.sequence[330]}\t<DUP>\t.\tPASS\tEND=400"),
    ]
    text = [line for _, line in sorted(lines)]
    return write_records(pair.folder / "all.vcf", [*text, "chr2\t2030\tunknown\tN\tA\t.\tPASS\t."], pair, samples=("tumor",))


@pytest.fixture(scope="module")
def tensors(pair: Pair, candidates: Path) -> Path:
    """The same candidates, packed."""
    path = pair.folder / "tensors.h5"
    values = {"candidates": candidates, "reference": pair.reference, "tumor": pair.tumor, "normal": pair.normal}
    tensorise(TensoriseOptions(**values, output=path, window=SETTINGS.window, depth=SETTINGS.depth))
    return path


def with_genotypes(path: Path) -> Path:
    """`write_records` names samples but gives no columns: add them."""
    lines = [line if line[0] == "#" else f"{line}\tGT\t0/1" for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module", autouse=True)
def _genotypes(candidates: Path) -> None:
    with_genotypes(candidates)


def reads_of(pair: Pair, candidates: Path) -> dict[str, Any]:
    return {"candidates": candidates, "reference": pair.reference, "tumor": pair.tumor, "normal": pair.normal}


def run(output: Path, model: Path, **options: Any) -> Path:
    predict(PredictOptions(**{"model": model, "output": output} | options))
    return output


def probability_of(record: Any) -> list[float | None]:
    values = record.info.get("CNN_PROB", ())
    return list(values)


def result_of(path: Path) -> dict[str, Any]:
    with pysam.VariantFile(str(path)) as handle:
        return json.loads(next(r.value for r in handle.header.records if r.key == "varproof_predict_result"))


# --- what is written


def test_records_come_out_as_they_came_with_three_fields(
    pair: Pair, candidates: Path, model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = tmp_path / "table.tsv"
    with caplog.at_level("INFO"):
        out = run(tmp_path / "out.vcf", model, **reads_of(pair, candidates), threshold=0.0, table=table)
    before, after = read_all(candidates), read_all(out)
    assert {record.samples["tumor"]["GT"] for record in after if record.alts} == {(0, 1)}, "columns of samples stay"
    assert [(r.chrom, r.pos, r.id, r.ref, r.alts, r.qual) for r in after] == [
        (r.chrom, r.pos, r.id, r.ref, r.alts, r.qual) for r in before
    ]
    for old, new in zip(before, after, strict=True):
        assert list(new.filter) == list(old.filter)
        assert {key: value for key, value in new.info.items() if key not in (*FIELDS, "SKIPPED")} == dict(old.info)
        if new.id in ("none", "breakend", "duplication", "unknown"):
            assert not set(FIELDS) & set(new.info)
            continue
        for values in zip(*(new.info[name] for name in FIELDS), strict=True):
            if values[0] is not None:
                real, somatic, artifact = values[0], from_phred(values[1]), from_phred(values[2])
                assert 0 < real < 1 and somatic + artifact == pytest.approx(1, abs=1e-5)
                assert somatic == pytest.approx(real, abs=1e-5)
    by_id = {record.id: record for record in after}
    assert {name: record.info["SKIPPED"] for name, record in by_id.items() if "SKIPPED" in record.info} == {
        "partly": (".", "spanning_deletion"), "none": ("no_alternative_allele",), "breakend": ("breakend",),
        "duplication": ("symbolic_allele",), "unknown": ("no_reference_sequence",),
    }  # fmt: skip
    assert len(by_id["two"].info["CNN_PROB"]) == 2 and by_id["two"].info["SCORE"] == (1, 2)
    assert by_id["partly"].info["CNN_PROB"][0] > 0 and by_id["partly"].info["CNN_PROB"][1] is None
    assert len({probability_of(by_id[f"site{i}"])[0] for i in range(8)}) == 8
    assert "15 candidates; 0 records below 0" in caplog.text
    for reason in ("spanning_deletion", "no_alternative_allele", "breakend", "symbolic_allele", "no_reference_sequence"):
        assert f"1 alleles not judged: {reason}" in caplog.text

    rows = [line.split("\t") for line in table.read_text().splitlines()]
    assert rows[0] == ["chrom", "pos", "ref", "alt", "probability", "skipped"]
    alleles = [(record, i) for record in after for i in range(len(record.alts or ()))]
    assert len(rows) - 1 == len(alleles) == 15
    for row, (record, i) in zip(rows[1:], alleles, strict=True):
        assert row[:4] == [record.chrom, str(record.pos), record.ref, record.alts[i]]
        values = probability_of(record)
        if row[5]:
            assert row[4] == "NA"
        else:
            assert float(row[4]) == pytest.approx(values[i])


def test_the_filter_is_strictly_below_the_threshold(pair: Pair, candidates: Path, model: Path, tmp_path: Path) -> None:
    reads = reads_of(pair, candidates)
    first = read_all(run(tmp_path / "first.vcf", model, **reads, threshold=0.0))
    written = [line.split("CNN_PROB=")[1].split(";")[0] for line in body(tmp_path / "first.vcf") if "CNN_PROB=" in line]
    threshold = sorted(float(text) for text in written if "," not in text)[4]
    out = run(tmp_path / "out.vcf", model, **reads, threshold=threshold)
    filtered = 0
    for old, new in zip(first, read_all(out), strict=True):
        values = probability_of(new)
        judged = bool(values) and None not in values
        expected = judged and max(values) < threshold and not math.isclose(max(values), threshold, rel_tol=1e-6)
        assert ("cnn_artifact" in new.filter) == expected, new.id
        assert set(new.filter) - {"cnn_artifact"} == (set(old.filter) - {"PASS"} if expected else set(old.filter))
        filtered += expected
    assert 3 <= filtered <= 5
    everything = read_all(run(tmp_path / "all.vcf", model, **reads, threshold=1.0))
    assert sum("cnn_artifact" in record.filter for record in everything) == 9, "records of which all alleles were judged"
    (description,) = [line for line in out.read_text().splitlines() if line.startswith("##FILTER=<ID=cnn_artifact")]
    assert f"probability of at least {threshold:g} to be real" in description


@pytest.mark.parametrize("suffix", ["vcf.gz", "bcf"])
def test_compressed_inputs_and_outputs(pair: Pair, candidates: Path, model: Path, tmp_path: Path, suffix: str) -> None:
    plain = run(tmp_path / "plain.vcf", model, **reads_of(pair, candidates))
    packed = tmp_path / f"candidates.{suffix}"
    with (
        pysam.VariantFile(str(candidates)) as old,
        pysam.VariantFile(str(packed), "wz" if suffix == "vcf.gz" else "wb", header=old.header) as new,
    ):
        for record in old:
            new.write(record)
    out = run(tmp_path / f"out.{suffix}", model, **reads_of(pair, packed))
    assert [str(record) for record in read_all(out)] == [str(record) for record in read_all(plain)]
    with pysam.VariantFile(str(out)) as handle:
        assert [record.id for record in handle.fetch("chr1", 299, 301)] == ["two", "partly"]


def test_tensors_and_reads_give_the_same(pair: Pair, candidates: Path, model: Path, tensors: Path, tmp_path: Path) -> None:
    """From reads, from tensors with their candidates: the same lines; from tensors alone: the same alleles and numbers."""
    direct = body(run(tmp_path / "reads.vcf", model, **reads_of(pair, candidates)))
    assert body(run(tmp_path / "both.vcf", model, tensors=tensors, candidates=candidates)) == direct
    alone = run(tmp_path / "alone.vcf", model, tensors=tensors)
    found = [line.split("\t") for line in body(alone)]
    expected = [line.split("\t") for line in direct if "\tnone\t" not in line]
    assert len(found) == len(expected) == 13

    def ours(text: str) -> list[str]:
        return [item for item in text.split(";") if item.startswith((*FIELDS, "SKIPPED"))]

    for one, other in zip(found, expected, strict=True):
        assert [one[i] for i in (0, 1, 3, 4)] == [other[i] for i in (0, 1, 3, 4)]
        assert ours(one[7]) == ours(other[7])
        assert (one[6] == "cnn_artifact") == ("cnn_artifact" in other[6])
    with pysam.VariantFile(str(alone)) as handle:
        assert {name: contig.length for name, contig in handle.header.contigs.items()} == {"chr1": 6300, "chr2": 2060}


def test_contexts_from_reads_and_from_tensors(pair: Pair, tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"tracks": ("tumor", "context", "context")})
    model = write_model(tmp_path / "model.keras", settings=settings)
    sites = write_records(tmp_path / "sites.vcf", pair.records(), pair)
    reads = reads_of(pair, sites) | {"normal": None, "context": [pair.normal, pair.tumor]}
    direct = body(run(tmp_path / "reads.vcf", model, **reads))
    tensorise(TensoriseOptions(**reads, output=tmp_path / "t.h5", window=settings.window, depth=settings.depth))
    assert body(run(tmp_path / "tensors.vcf", model, tensors=tmp_path / "t.h5", candidates=sites)) == direct
    assert len(direct) == 8


def test_judging_again_changes_nothing(pair: Pair, candidates: Path, model: Path, tmp_path: Path) -> None:
    first = run(tmp_path / "first.vcf", model, **reads_of(pair, candidates))
    content = first.read_bytes()
    assert run(tmp_path / "first.vcf", model, **reads_of(pair, candidates)).read_bytes() == content
    again = run(tmp_path / "again.vcf", model, **reads_of(pair, first))
    assert body(again) == body(first)
    assert again.read_text().count("##INFO=<ID=CNN_PROB,") == again.read_text().count("##FILTER=<ID=cnn_artifact,") == 1
    higher = run(tmp_path / "higher.vcf", model, **reads_of(pair, again), threshold=0.0)
    assert "cnn_artifact\t" not in "\n".join(body(higher)), "an earlier filter doesn't stay"


def test_no_candidates_at_all(pair: Pair, model: Path, tmp_path: Path) -> None:
    empty = write_records(tmp_path / "empty.vcf", [], pair)
    out = run(tmp_path / "out.vcf", model, **reads_of(pair, empty), table=tmp_path / "t.tsv", explain=tmp_path / "pictures")
    assert read_all(out) == [] and (tmp_path / "t.tsv").read_text().count("\n") == 1
    none = write_tensors(tmp_path / "none.h5", example_tensors(100, SETTINGS).select(np.arange(0)))
    assert read_all(run(tmp_path / "out.vcf.gz", model, tensors=none)) == []
    only = write_records(tmp_path / "only.vcf", ["chr1\t10\t.\tA\t<DUP>\t.\t.\tEND=90"], pair)
    (record,) = read_all(run(tmp_path / "out.vcf", model, **reads_of(pair, only)))
    assert record.info["SKIPPED"] == ("symbolic_allele",)


def test_as_a_program_with_threads(pair: Pair, candidates: Path, model: Path, tmp_path: Path) -> None:
    """Two threads, in workers and in TensorFlow, in a process of its own: the same bytes; on stdout nothing but them."""
    options = reads_of(pair, candidates)
    expected = run(tmp_path / "one.vcf", model, **options).read_text()
    arguments = [text for name, path in options.items() for text in (f"--{name}", str(path))]
    command = [sys.executable, "-m", "varproof.commands.predict", "--model", str(model), "--output", "-", "--threads", "2"]
    result = subprocess.run([*command, *arguments], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, expected)
    assert all(" predict INFO: " in line for line in result.stderr.splitlines()), result.stderr


# --- the share of real variants


def odds_of(path: Path) -> np.ndarray:
    """Log-odds from both PHREDs."""
    lines = [line.split("\t")[7] for line in body(path)]
    values = [dict(item.split("=") for item in line.split(";")) for line in lines]
    return np.array([math.log(10) / 10 * (float(v[FIELDS[2]]) - float(v[FIELDS[1]])) for v in values])


def test_probabilities_hold_at_the_share_of_this_sample(model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With and without: they differ by the estimated share, apart for substitutions and indels; the header says which."""
    made = with_indels(example_tensors(90, SETTINGS, 6))
    tensors = write_tensors(tmp_path / "tensors.h5", made)
    with caplog.at_level("INFO"):
        shifted = run(tmp_path / "shifted.vcf", model, tensors=tensors)
        plain = run(tmp_path / "plain.vcf", model, tensors=tensors, prior_shift=False)
    before, after = odds_of(plain), odds_of(shifted)
    assert result_of(plain) == {"share_of_real": {}}
    shares = result_of(shifted)["share_of_real"]
    is_indel = made.allele_code[:, 0] >= 2
    for name, members in (("substitution", ~is_indel), ("indel", is_indel)):
        known = getattr(CALIBRATION, name).positive_fraction
        expected = shifted_prior(before[members], known)
        np.testing.assert_allclose(after[members], expected.log_odds, atol=1e-3)
        assert shares[name] == pytest.approx(expected.fraction, rel=1e-3)
        assert shares[name] != pytest.approx(known, abs=0.01)
        assert f"{name}s: share of real ones {shares[name]:.3g} (in training {known:g})" in caplog.text
    few = write_tensors(tmp_path / "few.h5", made.select(np.arange(6)))
    with caplog.at_level("INFO"):
        assert result_of(run(tmp_path / "few.vcf", model, tensors=few)) == {
            "share_of_real": {"substitution": 0.3, "indel": 0.15}
        }
    assert "4 substitutions are too few to tell which share of them is real: 0.3 is assumed" in caplog.text


def test_the_share_of_a_made_up_sample_is_found() -> None:
    """Log-odds that hold at 30 % and 15 % real, in a sample with 2 % and 40 %."""
    rng = np.random.default_rng(4)
    n = 6000
    codes = np.zeros((n, 7), np.uint8)
    codes[::3, 0] = 3
    is_indel = codes[:, 0] == 3
    real = rng.random(n) < np.where(is_indel, 0.4, 0.02)
    # Normal scores at distance d: their log likelihood ratio is d * (x - d / 2).
    ratio = 4.0 * (rng.normal(4.0 * real, 1.0) - 2.0)
    odds = ratio + np.where(is_indel, logit(0.15), logit(0.3))
    text, whole = np.full(n, "", object), np.arange(n)
    found, shares = at_shares_of_sample(JudgedAlleles(whole, whole, whole, text, text, text, codes, odds), CALIBRATION)
    assert shares["substitution"] == pytest.approx(real[~is_indel].mean(), abs=0.004)
    assert shares["indel"] == pytest.approx(real[is_indel].mean(), abs=0.02)
    for members in (is_indel, ~is_indel):
        assert found.probability[members].sum() == pytest.approx(real[members].sum(), rel=0.1)
    np.testing.assert_allclose(found.probability, expit(found.log_odds))


# --- what reads the output


def test_filter_evaluate_and_combine_read_the_output(model: Path, tmp_path: Path) -> None:
    made = example_tensors(60, SETTINGS, 7)
    out = run(tmp_path / "out.vcf", model, tensors=write_tensors(tmp_path / "t.h5", made), prior_shift=False)
    records = read_all(out)
    errors = np.array([from_phred(record.info["PROB_CNN_ARTIFACT"][0]) for record in records])
    order = np.sort(errors)
    means = np.cumsum(order) / np.arange(1, len(order) + 1)
    fdr = float((means[19] + means[20]) / 2)
    kept = tmp_path / "kept.vcf"
    fdr_filter(FdrFilterOptions(calls=out, events=["CNN_SOMATIC"], fdr=fdr, output=kept))
    assert sorted(record.pos for record in read_all(kept)) == sorted(
        record.pos for record, error in zip(records, errors, strict=True) if error <= order[19]
    )

    truth_calls = [Call(r.pos, r.ref, r.alts[0], None) for r in records[::3]]
    head = header(events=(), samples=())
    truth = write_scored(tmp_path / "truth.vcf", truth_calls, head)
    metrics = tmp_path / "metrics.json"
    evaluate_calls(EvaluateCallsOptions(calls=out, truth=truth, output=metrics, events=["CNN_SOMATIC"]))
    (everything,) = (entry for entry in json.loads(metrics.read_text())["classes"] if entry["name"] == "all")
    point = next(point for point in everything["own_threshold"] if point["nominal_fdr"] == 0.5)
    called = {int(r.pos) for r, error in zip(records, errors, strict=True) if error <= order[np.flatnonzero(means <= 0.5)[-1]]}
    assert point["true"] == len(called & {call.pos for call in truth_calls}) and point["true"] + point["false"] == len(called)

    scored = write_scored(tmp_path / "scored.vcf", [Call(r.pos, r.ref, r.alts[0], 0.2) for r in records])
    combined = tmp_path / "combined.vcf"
    combine_calls(CombineCallsOptions(scored=scored, predicted=out, output=combined, prior_shift=False))
    for record, error in zip(read_all(combined), errors, strict=True):
        odds = math.log(10) / 10 * (record.info["PROB_COMBINED_ARTIFACT"][0] - record.info["PROB_COMBINED_SOMATIC"][0])
        assert odds == pytest.approx((logit(0.8) - logit(error)) / 2, abs=1e-3)
        assert record.info["COMBINED_FROM"] == ("both",)


# --- explanations


@pytest.mark.parametrize("architecture", ["read-set", "deepcnnvalid"])
def test_contributions_add_up_to_the_difference_of_log_odds(architecture: Architecture) -> None:
    """Completeness, against an empty pileup (Sundararajan et al. 2017, proposition 1); nothing outside the reads counts."""
    found, _ = network(architecture, seed=4)
    raw = keras.Model(found.input, found.get_layer("logits").output)

    def odds(tensors: PackedTensors) -> float:
        depth = None if architecture == "deepcnnvalid" else 16
        logits = raw({name: value for name, value in tensors.dense(depth).items()}, training=False).numpy()
        return float(logits[0, 1] - logits[0, 0])

    explainer = Explainer(found)
    for number in range(3):
        tensors = example_tensors(120, settings_of(architecture), 3).select(np.array([number * 40]))
        rows = {name: getattr(tensors, name)[:0] for name in ("base", "quality", "rows")}
        empty = replace(tensors, row_offset=tensors.row_offset * 0, **rows)
        importance = explainer.integrated_gradients(tensors)
        assert [part.shape for part in importance] == [(depth, 31) for depth in tensors.depths[0]]
        total, expected = sum(float(part.sum()) for part in importance), odds(tensors) - odds(empty)
        assert total == pytest.approx(expected, rel=0.01, abs=1e-3)
        for part, (first, last) in zip(importance, zip(tensors.row_offset, tensors.row_offset[1:], strict=False), strict=True):
            outside = tensors.base[first:last] == 0
            assert outside.any() and np.abs(part[:, :15][outside[:, :15]]).max() == 0
        nothing = explainer.integrated_gradients(empty)
        assert [part.shape for part in nothing] == [(0, 31)] * 2


def test_explained_pictures(pair: Pair, candidates: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At places (all alleles there), or of the candidates that the network is least certain of."""
    monkeypatch.setattr(judging, "LEAST_CERTAIN", 2)
    reads, folder = reads_of(pair, candidates), tmp_path / "pictures"
    site = pair.records()[0][0] + 1
    run(tmp_path / "out.vcf", model, **reads, explain=folder, explain_at=[f"chr1:{site}", "chr1:300"])
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 6, names
    assert sum(f"_{site}_" in name for name in names) == 2 and sum("_300_" in name for name in names) == 4
    assert {Path(name).suffix for name in names} == {".svg", ".png"}
    assert all((folder / name).read_bytes()[:4] == b"\x89PNG" for name in names if name.endswith(".png"))
    out = run(tmp_path / "out.vcf", model, **reads, explain=tmp_path / "others")
    certainty = {
        f"chr1_{record.pos}_{record.ref}_{alt}": abs(probability - 0.5)
        for record in read_all(out)
        for alt, probability in zip(record.alts or (), record.info.get("CNN_PROB", ()), strict=False)
        if probability is not None
    }
    least = sorted(certainty, key=certainty.__getitem__)[:2]
    assert sorted(path.stem for path in (tmp_path / "others").glob("*.svg")) == sorted(least)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("chr1:5", "chr1:5: no judged candidate there"),
        ("chr1:311", "no judged candidate there"),
        ("chr1:321", "no judged candidate there"),
        ("chr9:300", "expected CHROM:POS with a contig of the reference"),
        ("300", "expected CHROM:POS"),
    ],
)
def test_places_that_are_none_are_told_before_anything_is_written(
    pair: Pair, candidates: Path, model: Path, tmp_path: Path, place: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        run(
            tmp_path / "out.vcf", model, **reads_of(pair, candidates),
            explain=tmp_path / "pictures", explain_at=["chr1:300", place], table=tmp_path / "t.tsv",
        )  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] in ([], ["pictures"])
    assert not (tmp_path / "pictures").exists() or list((tmp_path / "pictures").iterdir()) == []


# --- refusals


def test_inputs_that_do_not_fit_the_model(pair: Pair, candidates: Path, model: Path, tmp_path: Path) -> None:
    for changes, message in [
        ({"window": 33}, "takes tensors of window 31.*has window 33.*differs in window"),
        ({"depth": 20}, "differs in depth"),
        ({"tracks": ("tumor",)}, "without normal, 0 contexts .differs in tracks"),
        ({"tracks": ("tumor", "normal", "context")}, "with normal, 1 context .differs in tracks"),
        ({"soft_clips": True}, "differs in soft_clips"),
        ({"rows": "window"}, "differs in rows"),
    ]:
        tensors = write_tensors(tmp_path / "tensors.h5", example_tensors(20, SETTINGS.model_copy(update=changes)))
        with pytest.raises(UserError, match=message):
            run(tmp_path / "out.vcf", model, tensors=tensors)
    four = SETTINGS.model_copy(update={"tracks": ("tumor", "normal", "context", "context")})
    contexts = write_model(tmp_path / "contexts.keras", settings=four)
    reads = reads_of(pair, candidates)
    for which, changes, message in [
        (model, {"normal": None}, "trained on tumour, normal, but the command line has tumour; give the same"),
        (model, {"context": [pair.normal]}, "the command line has tumour, normal, 1 context"),
        (contexts, {"context": [pair.normal]}, "tumour, normal, 2 contexts, but .* has tumour, normal, 1 context;"),
    ]:
        with pytest.raises(UserError, match=message):
            run(tmp_path / "out.vcf", which, **reads | changes)
    assert not (tmp_path / "out.vcf").exists()


def test_damaged_tensors(model: Path, tmp_path: Path) -> None:
    path = write_tensors(tmp_path / "t.h5", example_tensors(300, SETTINGS))
    content = path.read_bytes()
    cut = tmp_path / "cut.h5"
    cut.write_bytes(content[: len(content) // 2])
    late = tmp_path / "late.h5"
    with h5py.File(path) as file:
        place = file["rows"].id.get_chunk_info(file["rows"].id.get_num_chunks() - 1)
    broken = bytearray(content)
    broken[place.byte_offset + place.size // 2] ^= 0x40
    late.write_bytes(broken)
    old = tmp_path / "old.h5"
    old.write_bytes(content)
    with h5py.File(old, "r+") as file:
        file.attrs["schema"] = "varproof/tensors/0"
    text = tmp_path / "text.h5"
    text.write_text("chrom\tpos\n")
    for tensors, message in [
        (cut, "cut.h5: not a readable HDF5 file, or cut off"),
        (late, "late.h5: .*cut off or damaged"),
        (old, "old.h5: schema is 'varproof/tensors/0', not 'varproof/tensors/1'"),
        (text, "text.h5: not a readable HDF5 file"),
        (tmp_path / "absent.h5", "absent.h5: no such file"),
    ]:
        with pytest.raises(UserError, match=message):
            run(tmp_path / "out.vcf", model, tensors=tensors)
    assert not (tmp_path / "out.vcf").exists()


def test_candidates_that_the_tensors_were_not_made_of(candidates: Path, model: Path, tensors: Path, tmp_path: Path) -> None:
    lines = candidates.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line[0] != "#")
    two = next(i for i, line in enumerate(lines) if "\ttwo\t" in line)
    fields = lines[two].split("\t")
    swapped = "\t".join([*fields[:4], ",".join(reversed(fields[4].split(","))), *fields[5:]])
    other = tmp_path / "other.vcf"
    for changed, message in [
        (lines[:first] + lines[first + 1 :], r"record 1 \(chr1:301\) is not the one that the tensors were made of"),
        ([*lines[:two], swapped, *lines[two + 1 :]], r"is not the one .*give the candidates of tensorise"),
        ([*lines[: two + 1], *lines[two:]], "is not the one"),
        (lines[:-1], "has fewer candidates than the tensors were made of"),
        ([*lines, lines[-1].replace("\t2030\t", "\t2040\t")], r"\(chr2:2040\) is not the one"),
    ]:
        other.write_text("\n".join(changed) + "\n")
        with pytest.raises(UserError, match=message):
            run(tmp_path / "out.vcf", model, tensors=tensors, candidates=other)
        assert not (tmp_path / "out.vcf").exists()


def edited(model: Path, path: Path, edit: Any, **entries: bytes) -> Path:
    """The model with another configuration, and other entries of the archive."""
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                content = json.dumps(edit(json.loads(content))).encode()
            new.writestr(name, entries.get(name.split(".")[1], content))
    return path


def layer_of(config: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(layer for layer in config["config"]["layers"] if layer["class_name"] == kind)


def test_files_that_are_no_model(model: Path, tmp_path: Path) -> None:
    def of_another_version(config: dict[str, Any]) -> dict[str, Any]:
        layer_of(config, "CalibratedProbability")["config"]["card"]["schema_version"] = "varproof/model/9"
        return config

    def without_a_card(config: dict[str, Any]) -> dict[str, Any]:
        del layer_of(config, "CalibratedProbability")["config"]["card"]
        return config

    def unknown_layer(config: dict[str, Any]) -> dict[str, Any]:
        layer_of(config, "Dense")["class_name"] = "Denser"
        return config

    content = model.read_bytes()
    text, other, cut, foreign, weights = (tmp_path / f"{name}.keras" for name in ("text", "other", "cut", "foreign", "weights"))
    text.write_text("a model\n")
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "hello")
    cut.write_bytes(content[: len(content) - 5000])
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(foreign)
    middle = bytearray(content)
    middle[len(content) // 2] ^= 0xFF
    weights.write_bytes(middle)
    tensors = write_tensors(tmp_path / "t.h5", example_tensors(20, SETTINGS))
    for path, message in [
        (tmp_path / "absent.keras", "absent.keras: no such file"),
        (tmp_path, "not a .keras model file .*make a model with train"),
        (text, "text.keras: not a .keras model file .*make a model with train"),
        (other, "other.keras: not a .keras model file"),
        (cut, "cut.keras: not a .keras model file"),
        (foreign, "foreign.keras: a Keras model, but not one of varproof"),
        (weights, "weights.keras: damaged model file; copy it again"),
        (edited(model, tmp_path / "a.keras", of_another_version), "another version of varproof .schema_version.; make a model"),
        (edited(model, tmp_path / "b.keras", without_a_card), "not one of varproof"),
        (edited(model, tmp_path / "c.keras", lambda config: ["nothing"]), "not one of varproof"),
        (edited(model, tmp_path / "d.keras", lambda config: {"config": {"layers": 5}}), "not one of varproof"),
        (edited(model, tmp_path / "e.keras", unknown_layer), "a damaged model file"),
        (edited(model, tmp_path / "f.keras", lambda config: config, weights=b"nothing"), "a damaged model file"),
    ]:
        with pytest.raises(UserError, match=message) as error:
            run(tmp_path / "out.vcf", path, tensors=tensors)
        assert "\n" not in str(error.value) and len(str(error.value)) < 500
    assert not (tmp_path / "out.vcf").exists()


def test_damage_anywhere_in_a_model_is_one_line(model: Path, tmp_path: Path) -> None:
    """Flipped bytes and cut ends: a clear refusal, or, where nothing depends on the byte, the same model."""
    from varproof.formats.model import read_card
    from varproof.network.training import load_model

    content, path = model.read_bytes(), tmp_path / "damaged.keras"
    rng = np.random.default_rng(2)
    places = [*rng.integers(0, len(content), 20), *rng.integers(len(content) - 400, len(content), 15), *range(0, 40, 3)]
    expected = read_card(model)
    refused = 0
    for number, place in enumerate(places):
        damaged = bytearray(content)
        if number % 5 == 4:
            damaged = damaged[:place]
        else:
            damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert read_card(path) == expected
            load_model(path)
        except UserError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 25


class Attack:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (str(self.path), "w"))


def test_code_in_a_model_is_not_run(tmp_path: Path) -> None:
    """A Lambda layer, and functions and pickles by name in the place of a layer: refused, and nothing happens."""
    trace = tmp_path / "ran"
    honest, card = network("read-set", calibrated_on=10)
    attack = keras.layers.Lambda(lambda x, path=str(trace): (Path(path).touch(), x)[1], output_shape=(2,))
    outputs = CalibratedProbability(card.model_dump(mode="json"), name="probability")(
        [attack(honest.get_layer("logits").output), honest.input["allele"]]
    )
    with_lambda = tmp_path / "lambda.keras"
    keras.Model(honest.input, outputs).save(with_lambda)
    assert "__lambda__" in zipfile.ZipFile(with_lambda).read("config.json").decode()
    trace.unlink(missing_ok=True)
    plain = write_model(tmp_path / "plain.keras")

    def calling(config: dict[str, Any]) -> dict[str, Any]:
        layer = layer_of(config, "Dense")
        layer |= {"module": "os", "class_name": "system", "registered_name": "system", "config": f"touch {trace}"}
        return config

    def activated(config: dict[str, Any]) -> dict[str, Any]:
        layer_of(config, "Dense")["config"]["activation"] = {
            "module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function",
        }  # fmt: skip
        return config

    def fetching(config: dict[str, Any]) -> dict[str, Any]:
        layer_of(config, "Dense")["config"]["activation"] = {
            "module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file",
        }  # fmt: skip
        return config

    outside = edited(plain, tmp_path / "outside.keras", lambda config: config)
    with zipfile.ZipFile(outside, "a") as archive:
        archive.writestr("../ran", "x")
    pickled = pickle.dumps(Attack(trace))
    tensors = write_tensors(tmp_path / "t.h5", example_tensors(20, SETTINGS))
    for path in (
        with_lambda,
        edited(plain, tmp_path / "call.keras", calling),
        edited(plain, tmp_path / "activation.keras", activated),
        edited(plain, tmp_path / "fetch.keras", fetching),
        outside,
        edited(plain, tmp_path / "pickle.keras", lambda config: config, weights=pickled),
    ):
        with pytest.raises(UserError, match=r"a damaged model file|holds what no model of varproof has"):
            run(tmp_path / "out.vcf", path, tensors=tensors)
        assert not trace.exists() and not (tmp_path / "out.vcf").exists()


def test_a_checkpoint_is_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = write_model(tmp_path / "model.checkpoint.keras", calibrated_on=0)
    tensors = write_tensors(tmp_path / "t.h5", example_tensors(20, SETTINGS))
    assert len(read_all(run(tmp_path / "out.vcf", model, tensors=tensors))) == 20
    assert "is the checkpoint of an unfinished training: its probabilities are not calibrated" in caplog.text


def test_mistakes_on_the_command_line_are_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from varproof.network import runtime

    def never(*_: Any, **__: Any) -> bool:
        raise AssertionError("TensorFlow was started")

    model = write_model(tmp_path / "m.keras")
    tensors = write_tensors(tmp_path / "t.h5", example_tensors(20, LARGE_SETTINGS))
    monkeypatch.setattr(runtime, "start_tensorflow", never)
    needed = ["--model", str(model), "--output", str(tmp_path / "out.vcf")]
    for arguments, message in [
        ([], r"give --tensors, or --candidates, --reference and --tumor \(--candidates, --reference, --tumor missing\)"),
        (["--candidates", "c", "--tumor", "t"], r"\(--reference missing\)"),
        (["--tensors", "t", "--tumor", "t"], "already hold the reads"),
        (["--tensors", "t", "--explain-at", "chr1:5"], "--explain-at needs --explain"),
        (["--tensors", "t", "--threshold", "1.5"], "--threshold: "),
        (["--tensors", "t", "--batch-size", "0"], "--batch-size: "),
    ]:
        with pytest.raises(UserError, match=message):
            parse_options("predict", PredictOptions, [*needed, *arguments])
    (tmp_path / "file").write_text("")
    for options, message in [
        ({"output": tmp_path / "out.txt"}, "the suffix must be .vcf, .vcf.gz or .bcf"),
        ({"output": tmp_path / "no" / "out.vcf"}, "folder .* does not exist"),
        ({"table": tmp_path / "no" / "t.tsv"}, "folder .* does not exist"),
        ({"explain": tmp_path / "file"}, "there is a file of that name"),
        ({}, "differs in depth"),
    ]:
        with pytest.raises(UserError, match=message):
            predict(PredictOptions(**{"model": model, "output": tmp_path / "out.vcf", "tensors": tensors} | options))


def test_the_api_predicts_what_the_executable_does(model: Path, tmp_path: Path) -> None:
    made = write_tensors(tmp_path / "tensors.h5", example_tensors(20, SETTINGS))
    predict(PredictOptions(model=model, tensors=made, output=tmp_path / "executable.vcf.gz"))
    calls = varproof.predict(model, tensors=made, output=tmp_path / "api.vcf.gz")
    records = read_all(calls.path)
    assert [str(record) for record in records] == [str(record) for record in read_all(tmp_path / "executable.vcf.gz")]
    expected = [from_phred(record.info["PROB_CNN_SOMATIC"][0]) for record in records]
    assert len(records) == 20 and calls.arrays()["CNN_SOMATIC"] == pytest.approx(expected, rel=1e-5)
