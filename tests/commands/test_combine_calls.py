"""combine-calls as a function and as a program, on small files with both judgements."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest
from scipy.special import expit, logit

from scored_examples import Call, header, read_all, write_scored
from varproof.commands.base import parse_options
from varproof.commands.combine_calls import CombineCallsOptions, combine_calls
from varproof.commands.evaluate_calls import EvaluateCallsOptions, evaluate_calls
from varproof.commands.fdr_filter import FdrFilterOptions, fdr_filter
from varproof.formats.events import NETWORK_EVENTS
from varproof.machinery.errors import UserError

# (position, ref, alternatives, error probabilities of the posterior, of the network)
CASES: list[tuple[int, str, str | tuple[str, ...], Any, Any]] = [
    (100, "A", "C", 0.1, 0.001),
    (200, "A", ("C", "G"), (0.9, 0.2), (0.99, 0.3)),
    (300, "ACG", "A", 0.5, 0.4),
    (400, "A", "<INS>", None, None),
    (500, "A", "T", None, 0.2),
    (600, "A", "T", 0.7, None),
]


def network_header() -> Any:
    head = header(events=NETWORK_EVENTS, samples=())
    head.info.add("CNN_PROB", "A", "Float", "probability of a real variant")
    head.filters.add("cnn_artifact", None, None, "below the threshold")
    return head


def both_files(tmp_path: Path, cases: list[Any] = CASES) -> tuple[Path, Path]:
    scored = [Call(pos, ref, alts, errors, info={"AN": 4}) for pos, ref, alts, errors, _ in cases]
    predicted = []
    for pos, ref, alts, _, errors in cases:
        values = errors if isinstance(errors, tuple) else (errors,)
        info = {} if errors is None else {"CNN_PROB": tuple(1 - error for error in values)}
        predicted.append(Call(pos, ref, alts, errors, info=info))
    return (
        write_scored(tmp_path / "scored.vcf.gz", scored),
        write_scored(tmp_path / "predicted.vcf.gz", predicted, network_header()),
    )


def run(tmp_path: Path, files: tuple[Path, Path], name: str = "combined.vcf", **options: Any) -> Path:
    values = {"scored": files[0], "predicted": files[1], "output": tmp_path / name} | options
    combine_calls(CombineCallsOptions(**values))
    return values["output"]


def combined_log_odds(record: Any) -> list[float]:
    pairs = zip(record.info["PROB_COMBINED_SOMATIC"], record.info["PROB_COMBINED_ARTIFACT"], strict=True)
    return [math.log(10) / 10 * (artifact - somatic) for somatic, artifact in pairs]


def result_line(path: Path) -> dict[str, Any]:
    with pysam.VariantFile(str(path)) as handle:
        return json.loads(next(r.value for r in handle.header.records if r.key == "varproof_combine-calls_result"))


def test_the_mean_of_both_by_default(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Few candidates tell no share: each combined log-odds is the mean of the two."""
    with caplog.at_level("INFO"):
        out = run(tmp_path, both_files(tmp_path))
    records = read_all(out)
    assert [record.pos for record in records] == [100, 200, 300, 400, 500, 600]
    for record, (_, _, _, first, second) in zip(records[:3], CASES, strict=False):
        expected = [-(logit(a) + logit(b)) / 2 for a, b in zip(np.atleast_1d(first), np.atleast_1d(second), strict=True)]
        assert combined_log_odds(record) == pytest.approx(expected, abs=1e-4)
        assert set(record.info["COMBINED_FROM"]) == {"both"}
    assert records[1].info["CNN_PROB"] == pytest.approx((0.01, 0.7))
    assert records[0].info["AN"] == 4
    assert records[0].samples["tumor"]["DP"] == 40
    assert records[0].samples["tumor"]["AFD"][0].startswith("0")
    assert "the combined judgement is the mean of both" in caplog.text
    assert "4 alleles judged by both, 1 by the posterior only, 1 by the network only" in caplog.text
    assert "1 alleles not judged: symbolic_allele" in caplog.text


def test_one_judgement_stands_alone_and_none_is_skipped(tmp_path: Path) -> None:
    records = {record.pos: record for record in read_all(run(tmp_path, both_files(tmp_path)))}
    assert records[400].info["SKIPPED"] == ("symbolic_allele",)
    assert "PROB_COMBINED_SOMATIC" not in records[400].info
    assert records[500].info["COMBINED_FROM"] == ("predicted",)
    assert "SKIPPED" not in records[500].info
    assert combined_log_odds(records[500]) == pytest.approx([logit(0.8)], abs=1e-4)
    assert records[600].info["COMBINED_FROM"] == ("scored",)
    assert "SKIPPED" not in records[600].info
    assert combined_log_odds(records[600]) == pytest.approx([logit(0.3)], abs=1e-4)


def test_alleles_are_matched_by_their_bases(tmp_path: Path) -> None:
    scored = write_scored(tmp_path / "scored.vcf", [Call(200, "A", ("C", "G"), (0.9, 0.2))])
    swapped = Call(200, "A", ("G", "C"), (0.3, 0.99), info={"CNN_PROB": (0.7, 0.01)})
    predicted = write_scored(tmp_path / "predicted.vcf", [swapped], network_header())
    (record,) = read_all(run(tmp_path, (scored, predicted)))
    assert record.info["CNN_PROB"] == pytest.approx((0.01, 0.7))
    expected = [-(logit(0.9) + logit(0.99)) / 2, -(logit(0.2) + logit(0.3)) / 2]
    assert combined_log_odds(record) == pytest.approx(expected, abs=1e-4)


def simulated(tmp_path: Path, n: int, fraction: float, seed: int, label: bool = False) -> tuple[tuple[Path, Path], np.ndarray]:
    """Two independent calibrated judgements of n SNVs; the network's file first knows the truth, if `label`."""
    rng = np.random.default_rng(seed)
    real = rng.random(n) < fraction
    log_odds = (rng.normal(3.0 * real, 1, (2, n)) - 1.5) * 3 + logit(fraction)
    errors = expit(-log_odds)
    folder = tmp_path / f"sample{seed}"
    folder.mkdir()
    head = header()
    head.info.add("LABEL", "A", "Integer", "1 true, 0 false")
    known = [{"LABEL": (int(value),)} if label else {} for value in real]
    scored = [Call(100 + 10 * i, "A", "C", float(errors[0, i]), info=known[i]) for i in range(n)]
    predicted = [Call(100 + 10 * i, "A", "C", float(errors[1, i])) for i in range(n)]
    files = (
        write_scored(folder / "scored.vcf", scored, head),
        write_scored(folder / "predicted.vcf", predicted, network_header()),
    )
    return files, real


def truth_file(path: Path, real: np.ndarray) -> Path:
    head = header(events=(), samples=())
    return write_scored(path, [Call(100 + 10 * i, "A", "C", None) for i in np.flatnonzero(real)], head)


def test_weights_are_learnt_from_an_earlier_output(tmp_path: Path) -> None:
    """By labels in the file, by a truth set and from the saved weights: the same; then filter and evaluate."""
    files, real = simulated(tmp_path, 1500, 0.2, 1, label=True)
    earlier = run(tmp_path, files, "earlier.vcf")
    others, other_real = simulated(tmp_path, 1000, 0.05, 2)
    truth = truth_file(tmp_path / "truth.vcf", real)
    weights = tmp_path / "weights.json"
    first = run(tmp_path, others, "first.vcf", calibration=earlier, save_stacking=weights)
    second = run(tmp_path, others, "second.vcf", calibration=earlier, calibration_truth=truth)
    third = run(tmp_path, others, "third.vcf", stacking=weights)
    values = [[record.info["PROB_COMBINED_SOMATIC"][0] for record in read_all(path)] for path in (first, second, third)]
    assert values[0] == values[1] == values[2]
    learnt = json.loads(weights.read_text())
    assert learnt["schema"] == "varproof/stacking/1"
    assert learnt["substitution"]["scored"] == pytest.approx(1, abs=0.25)
    assert learnt["substitution"]["predicted"] == pytest.approx(1, abs=0.25)
    assert (learnt["substitution"]["real"], learnt["substitution"]["false"]) == (real.sum(), (~real).sum())
    assert learnt["indel"] == learnt["substitution"], "no indels to learn from"
    assert result_line(first)["share_of_real"]["substitution"] == pytest.approx(other_real.mean(), abs=0.01)

    kept = tmp_path / "kept.vcf"
    fdr_filter(FdrFilterOptions(calls=first, events=["COMBINED_SOMATIC"], fdr=0.05, output=kept))
    found = np.array([(record.pos - 100) // 10 for record in read_all(kept)])
    assert len(found) > 0.9 * other_real.sum()
    assert (~other_real[found]).mean() < 0.12
    metrics = tmp_path / "metrics.json"
    other_truth = truth_file(tmp_path / "other.vcf", other_real)
    evaluate_calls(EvaluateCallsOptions(calls=first, truth=other_truth, output=metrics, events=["COMBINED_SOMATIC"]))
    (everything,) = (entry for entry in json.loads(metrics.read_text())["classes"] if entry["name"] == "all")
    point = next(point for point in everything["own_threshold"] if point["nominal_fdr"] == 0.05)
    assert (point["true"], point["false"]) == (other_real[found].sum(), (~other_real[found]).sum())


def test_weights_are_learnt_from_people_s_labels(tmp_path: Path) -> None:
    """Of every second call, one in twenty of them wrong; a plain truth set says as much."""
    reference = tmp_path / "reference.fa"
    reference.write_text(">chr1\n" + "A" * 20_000 + "\n>chr2\n" + "A" * 100 + "\n")
    pysam.faidx(str(reference))
    files, real = simulated(tmp_path, 1500, 0.2, 1)
    earlier = run(tmp_path, files, "earlier.vcf")
    said = real ^ (np.random.default_rng(4).random(1500) < 0.05)
    rows = [f"chr1\t{100 + 10 * i}\tA\tC\t{int(said[i])}" for i in range(0, 1500, 2)]
    labels = tmp_path / "labels.tsv"
    labels.write_text("\n".join(["chrom\tpos\tref\talt\tlabel", *rows]) + "\n")
    weights = tmp_path / "weights.json"
    learnt = {}
    for error in (0.05, 0.0):
        changes = {"calibration": earlier, "calibration_truth": labels, "reference": reference, "label_error": error}
        run(tmp_path, files, "combined.vcf", save_stacking=weights, **changes)
        learnt[error] = json.loads(weights.read_text())["substitution"]
        assert learnt[error]["real"] + learnt[error]["false"] == 750
    assert [learnt[0.05][name] for name in ("scored", "predicted")] == pytest.approx([1, 1], abs=0.4)
    assert learnt[0.0]["scored"] + learnt[0.0]["predicted"] < learnt[0.05]["scored"] + learnt[0.05]["predicted"] - 0.3
    with pytest.raises(UserError, match="labels need --reference"):
        run(tmp_path, files, "never.vcf", calibration=earlier, calibration_truth=labels)
    truth = truth_file(tmp_path / "truth.vcf", real)
    for changes in ({}, {"calibration": earlier, "calibration_truth": truth}):
        with pytest.raises(UserError, match="--label-error is of people's labels"):
            run(tmp_path, files, "never.vcf", label_error=0.1, **changes)


def test_the_share_is_estimated_unless_told_otherwise(tmp_path: Path) -> None:
    """Judgements that assume 20 % real, in a sample with 2 %: both keep their word only with the estimate."""
    files, real = simulated(tmp_path, 1500, 0.2, 3, label=True)
    earlier = run(tmp_path, files, "earlier.vcf")
    shares = {}
    for estimate in (True, False):
        out = run(tmp_path, files, "again.vcf", calibration=earlier, prior_shift=estimate)
        shares[estimate] = result_line(out)["share_of_real"]["substitution"]
        total = sum(float(expit(combined_log_odds(record)[0])) for record in read_all(out))
        assert total == pytest.approx(real.sum(), rel=0.05)
    assert shares[True] != shares[False]


def test_combining_again_and_the_same_bytes(tmp_path: Path) -> None:
    """A combined file holds both judgements: given as both it yields itself."""
    files = both_files(tmp_path)
    first = run(tmp_path, files)
    content = first.read_bytes()
    assert run(tmp_path, files).read_bytes() == content
    again = run(tmp_path, (first, first), "again.vcf")
    lines = [[line for line in path.read_text().splitlines() if line[0] != "#"] for path in (first, again)]
    assert lines[0] == lines[1]
    assert again.read_text().count("ID=PROB_COMBINED_SOMATIC,") == 1


@pytest.mark.parametrize("suffix", ["vcf.gz", "bcf"])
def test_indexed_outputs(tmp_path: Path, suffix: str) -> None:
    out = run(tmp_path, both_files(tmp_path), f"combined.{suffix}")
    with pysam.VariantFile(str(out)) as handle:
        assert [record.pos for record in handle.fetch("chr1", 450, 550)] == [500]


def test_empty_files(tmp_path: Path) -> None:
    assert read_all(run(tmp_path, both_files(tmp_path, []))) == []


def test_files_that_do_not_match(tmp_path: Path) -> None:
    scored, predicted = both_files(tmp_path)
    (tmp_path / "other").mkdir()
    shorter = both_files(tmp_path / "other", CASES[:4])
    (tmp_path / "third").mkdir()
    changed = both_files(tmp_path / "third", [*CASES[:1], (200, "A", ("C", "T"), (0.9, 0.2), (0.99, 0.3)), *CASES[2:]])
    for files, message in [
        ((scored, shorter[1]), "predicted.vcf.gz ends after record 4, but .* goes on with chr1:500 A>T; both files must"),
        ((shorter[0], predicted), "scored.vcf.gz ends after record 4"),
        ((scored, changed[1]), "record 2 is chr1:200 A>C,G in .*, but chr1:200 A>C,T in"),
        ((predicted, predicted), "declares no PROB_SOMATIC_TUMOR; make it with score-posterior"),
        ((scored, scored), "declares no PROB_CNN_SOMATIC; make it with predict"),
    ]:
        with pytest.raises(UserError, match=message):
            run(tmp_path, files, "never.vcf")
    assert not (tmp_path / "never.vcf").exists()


def test_calibration_refusals(tmp_path: Path) -> None:
    files = both_files(tmp_path)
    earlier = run(tmp_path, files, "earlier.vcf")
    labelled = tmp_path / "labelled.vcf"
    declared = '##INFO=<ID=LABEL,Number=1,Type=Integer,Description="1 true, 0 false">\n#CHROM'
    labelled.write_text(earlier.read_text().replace("#CHROM", declared).replace("AN=4", "AN=4;LABEL=1"))
    strange = tmp_path / "strange.vcf"
    strange.write_text(labelled.read_text().replace("LABEL=1", "LABEL=2"))
    broken = tmp_path / "weights.json"
    broken.write_text('{"schema": "varproof/stacking/1", "indel": {"scored": -1}}')
    for options, message in [
        ({"calibration": earlier}, "earlier.vcf: no INFO/LABEL"),
        ({"calibration": labelled}, "no call that both have judged is known to be false, of 4"),
        ({"calibration": strange}, "strange.vcf: record chr1:100: LABEL=2"),
        ({"calibration": files[0]}, "declares no PROB_CNN_SOMATIC"),
        ({"stacking": broken}, "weights.json: key 'indel.scored'"),
        ({"save_stacking": tmp_path / "no" / "w.json"}, "create it first"),
    ]:
        with pytest.raises(UserError, match=message):
            run(tmp_path, files, "never.vcf", **options)
    assert not (tmp_path / "never.vcf").exists()


def test_truth_left_aligned_and_parts_of_true_mnvs_unknown(tmp_path: Path) -> None:
    from varproof.network.combined_calls import labels_of

    reference = tmp_path / "reference.fa"
    reference.write_text(">chr1\n" + "ACGT" * 5 + "AAAAAA" + "CGTC" * 10 + "\n")
    pysam.faidx(str(reference))
    calls = write_scored(
        tmp_path / "calls.vcf",
        [Call(2, "C", "G"), Call(10, "C", "T"), Call(11, "G", "T"), Call(24, "AA", "A"), Call(30, "C", "<INS>", None)],
    )
    head = header(events=(), samples=())
    truth = write_scored(tmp_path / "truth.vcf", [Call(10, "CG", "TT", None), Call(20, "TA", "T", None)], head)
    assert labels_of(calls, truth, reference).tolist() == [0, -1, -1, 1, -1]
    assert labels_of(calls, truth, None).tolist() == [0, -1, -1, 0, -1]


def test_options_on_the_command_line() -> None:
    needed = ["--scored", "a", "--predicted", "b", "--output", "-"]
    options = parse_options("combine-calls", CombineCallsOptions, [*needed, "--no-prior-shift"])
    assert not options.prior_shift
    for arguments, message in [
        (["--calibration", "c", "--stacking", "s"], "leave one out"),
        (["--calibration-truth", "t"], "needs --calibration"),
    ]:
        with pytest.raises(UserError, match=message):
            parse_options("combine-calls", CombineCallsOptions, [*needed, *arguments])


def test_as_a_program(tmp_path: Path) -> None:
    scored, predicted = both_files(tmp_path)
    command = [sys.executable, "-m", "varproof.commands.combine_calls", "--scored", str(scored)]
    good = subprocess.run([*command, "--predicted", str(predicted), "--output", "-"], capture_output=True, text=True)
    assert good.returncode == 0, good.stderr
    assert sum(line[0] != "#" for line in good.stdout.splitlines()) == len(CASES)
    bad = subprocess.run([*command, "--predicted", str(scored), "--output", "-"], capture_output=True, text=True)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)
