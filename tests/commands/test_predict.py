"""predict as a function and as a program: what it writes of which inputs, at which share of real variants, and who reads it."""

import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest
from pydantic import ValidationError
from scipy.special import expit, logit

import varproof
from network_examples import SETTINGS, with_indels
from pair_examples import Pair, body, read_all, write_pair, write_records
from predict_examples import CALIBRATION, reads_of, run, write_candidates, write_model, write_packed
from scored_examples import Call, header, write_scored
from tensor_examples import example_tensors, write_tensors
from varproof.commands.combine_calls import CombineCallsOptions, combine_calls
from varproof.commands.evaluate_calls import EvaluateCallsOptions, evaluate_calls
from varproof.commands.fdr_filter import FdrFilterOptions, fdr_filter
from varproof.commands.predict import PredictOptions, predict
from varproof.commands.tensorise import TensoriseOptions, tensorise
from varproof.formats.vcf import from_phred
from varproof.machinery.errors import UserError
from varproof.network.predicted_calls import JudgedAlleles, at_shares_of_sample
from varproof.network.prior_shift import shifted_prior

FIELDS = ("CNN_PROB", "PROB_CNN_SOMATIC", "PROB_CNN_ARTIFACT")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model") / "model.keras")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def candidates(pair: Pair) -> Path:
    return write_candidates(pair)


@pytest.fixture(scope="module")
def tensors(pair: Pair, candidates: Path) -> Path:
    return write_packed(pair, candidates)


def probability_of(record: Any) -> list[float | None]:
    values = record.info.get("CNN_PROB", ())
    return list(values)


def result_of(path: Path) -> dict[str, Any]:
    with pysam.VariantFile(str(path)) as handle:
        return json.loads(next(r.value for r in handle.header.records if r.key == "varproof_predict_result"))


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


def test_the_api_predicts_what_the_executable_does(model: Path, tmp_path: Path) -> None:
    made = write_tensors(tmp_path / "tensors.h5", example_tensors(20, SETTINGS))
    predict(PredictOptions(model=model, tensors=made, output=tmp_path / "executable.vcf.gz"))
    calls = varproof.predict(model, tensors=made, output=tmp_path / "api.vcf.gz")
    records = read_all(calls.path)
    assert [str(record) for record in records] == [str(record) for record in read_all(tmp_path / "executable.vcf.gz")]
    expected = [from_phred(record.info["PROB_CNN_SOMATIC"][0]) for record in records]
    assert len(records) == 20 and calls.arrays()["CNN_SOMATIC"] == pytest.approx(expected, rel=1e-5)


def test_contexts_are_drawn_as_tensorise_draws_them(pair: Pair, candidates: Path, tmp_path: Path) -> None:
    lines = ["sample\tpatient\tlibrary\treads"]
    for i, (patient, library) in enumerate([("me", "a"), ("p1", "a"), ("p2", "a"), ("p3", "b"), ("p4", "a")]):
        shutil.copy(pair.normal if i % 2 else pair.tumor, tmp_path / f"{i}.bam")
        pysam.index(str(tmp_path / f"{i}.bam"))
        lines.append(f"s{i}\t{patient}\t{library}\t{i}.bam")
    sheet = tmp_path / "pool.tsv"
    sheet.write_text("\n".join(lines) + "\n")
    settings = SETTINGS.model_copy(update={"tracks": ("tumor", "normal", "context", "context")})
    model = write_model(tmp_path / "contexts.keras", settings=settings)
    drawn = {"context_pool": sheet, "patient": "me", "library": "a", "seed": 3}
    tensors = tmp_path / "tensors.h5"
    sizes = {"window": SETTINGS.window, "depth": SETTINGS.depth, "contexts": 2}
    tensorise(TensoriseOptions(**reads_of(pair, candidates), output=tensors, **sizes, **drawn))
    by_tensors = read_all(run(tmp_path / "by-tensors.vcf", model, tensors=tensors, candidates=candidates))
    by_reads = read_all(run(tmp_path / "by-reads.vcf", model, **reads_of(pair, candidates), **drawn))
    assert [probability_of(record) for record in by_reads] == [probability_of(record) for record in by_tensors]
    with pytest.raises(UserError, match="3 of them of library 'a', but the model wants 4"):
        four = settings.model_copy(update={"tracks": ("tumor", "normal", *["context"] * 4)})
        run(tmp_path / "never.vcf", write_model(tmp_path / "4.keras", settings=four), **reads_of(pair, candidates), **drawn)
    with pytest.raises(UserError, match="trained without contexts; leave --context-pool out"):
        run(tmp_path / "never.vcf", write_model(tmp_path / "0.keras"), **reads_of(pair, candidates), **drawn)
    with pytest.raises(ValidationError, match="needs --patient"):
        run(tmp_path / "never.vcf", model, **reads_of(pair, candidates), context_pool=sheet)
    with pytest.raises(ValidationError, match="choose from a --context-pool"):
        run(tmp_path / "never.vcf", model, **reads_of(pair, candidates), patient="me")
    assert not (tmp_path / "never.vcf").exists()
