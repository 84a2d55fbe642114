"""predict without a model: which of those that come with the package judges, and which rates it does not promise."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from network_examples import SETTINGS, with_indels
from predict_examples import CALIBRATION, run, write_model
from tensor_examples import example_tensors, write_tensors
from varproof.commands.fdr_filter import FdrFilterOptions, fdr_filter
from varproof.commands.predict import PredictOptions, predict
from varproof.commands.tensorise import TensoriseOptions, tensorise
from varproof.formats.training import ClassCalibrations
from varproof.machinery.errors import UserError
from varproof.network.promises import least_rate, least_share

DATA = Path(__file__).resolve().parents[2] / "test-data"
READS: dict[str, Any] = {
    "candidates": DATA / "candidates.vcf.gz", "reference": DATA / "reference.fa", "tumor": DATA / "tumor.bam",
    "normal": DATA / "normal.bam",
}  # fmt: skip


def result_of(path: Path) -> dict[str, Any]:
    with pysam.VariantFile(str(path)) as handle:
        return json.loads(next(r.value for r in handle.header.records if r.key == "varproof_predict_result"))


def average_precision(path: Path) -> float:
    """Of all candidates, against the truth of the small pair."""
    from sklearn.metrics import average_precision_score

    with pysam.VariantFile(str(DATA / "truth.vcf.gz")) as truth:
        real = {(r.contig, r.pos, r.ref, r.alts[0]) for r in truth if r.alts and r.info["EVENT"] == "SOMATIC_TUMOR"}
    with pysam.VariantFile(str(path)) as calls:
        judged = [((r.contig, r.pos, r.ref, r.alts[0]) in real, r.info["CNN_PROB"][0]) for r in calls if r.alts]
    return float(average_precision_score(*np.array(judged).T))


def test_a_pair_needs_no_model(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        predict(PredictOptions(**READS, output=tmp_path / "out.vcf"))
    assert "model: tumor-normal, which comes with varproof, for tumour and normal, reads of 100 bases" in caplog.text
    found = result_of(tmp_path / "out.vcf")
    assert found["model"] == "tumor-normal"
    assert set(found["least_rate"]) == set(found["least_share_for_0.05"]) == {"substitution", "indel"}
    assert average_precision(tmp_path / "out.vcf") > 0.9

    tensorise(TensoriseOptions(**READS, output=tmp_path / "tensors.h5"))
    predict(PredictOptions(tensors=tmp_path / "tensors.h5", candidates=READS["candidates"], output=tmp_path / "again.vcf"))

    def body(name: str) -> list[str]:
        return [line for line in (tmp_path / name).read_text().splitlines() if not line.startswith("#")]

    assert body("again.vcf") == body("out.vcf")


def test_a_tumour_alone_has_its_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        predict(PredictOptions(**READS | {"normal": None}, output=tmp_path / "out.vcf"))
    assert "model: tumor-only, which comes with varproof, for tumour, reads of 100 bases" in caplog.text
    assert result_of(tmp_path / "out.vcf")["model"] == "tumor-only"


def test_what_no_built_in_model_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model that comes with varproof was trained with contexts"):
        predict(PredictOptions(**READS, context=[DATA / "context-1.bam"], output=tmp_path / "out.vcf"))
    pool = tmp_path / "pool.tsv"
    with pytest.raises(ValueError, match="no model that comes with varproof knows contexts; --context-pool needs --model"):
        PredictOptions(**READS, context_pool=pool, patient="one", output=tmp_path / "out.vcf")
    small = write_tensors(tmp_path / "small.h5", example_tensors(30, SETTINGS))
    with pytest.raises(UserError, match=r"differs in window, depth\); make tensors like those"):
        predict(PredictOptions(tensors=small, output=tmp_path / "out.vcf"))
    assert not (tmp_path / "out.vcf").exists()


def test_rates_that_can_not_be_promised_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of a model that knows substitutions well and indels hardly; one of before says nothing."""
    known = ClassCalibrations(
        substitution=CALIBRATION.substitution.model_copy(update={"false_to_true": 1e-9}),
        indel=CALIBRATION.indel.model_copy(update={"false_to_true": 1e6}),
    )
    tensors = write_tensors(tmp_path / "tensors.h5", with_indels(example_tensors(200, SETTINGS)))
    with caplog.at_level(logging.INFO):
        out = run(tmp_path / "out.vcf", write_model(tmp_path / "model.keras", calibration=known), tensors=tensors)
    found = result_of(out)
    share = found["share_of_real"]["indel"]
    assert found["least_rate"]["indel"] == pytest.approx(least_rate(1e6, share), rel=0.01)
    assert found["least_share_for_0.05"]["indel"] == pytest.approx(least_share(1e6), rel=0.01)
    assert "model" not in found
    (warning,) = [record.message for record in caplog.records if "is promised" in record.message]
    assert warning.startswith(f"indels: at a share of {share:.3g} real ones, no false discovery rate below")

    for rate, told in ((found["least_rate"]["indel"] / 2, True), (1.0, False)):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            fdr_filter(FdrFilterOptions(calls=out, events=["CNN_SOMATIC"], fdr=rate, output=tmp_path / "kept.vcf"))
        assert ("indels: predict promises no false discovery rate below" in caplog.text) == told
        assert "substitutions: predict promises" not in caplog.text

    caplog.clear()
    before = run(tmp_path / "before.vcf", write_model(tmp_path / "old.keras"), tensors=tensors)
    assert "least_rate" not in result_of(before) and "is promised" not in caplog.text
