"""score-posterior --calibrate: folders of spike-variants, the pair's own reads, a file that was saved; and what is refused."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pysam
import pytest

from spiked_examples import pair_files, spiked_folder
from varproof.commands.score_posterior import ScorePosteriorOptions, score_posterior
from varproof.formats.events import EVENTS
from varproof.formats.recalibration import LabelSource, Recalibration, RecalibrationSource
from varproof.machinery.errors import UserError
from varproof.steps import recalibrating
from varproof.steps.score_posterior import ScorePosteriorSettings

DATA = Path(__file__).resolve().parents[2] / "test-data"
PAIR = {
    "candidates": DATA / "candidates.vcf.gz",
    "reference": DATA / "reference.fa",
    "tumor": DATA / "tumor.bam",
    "normal": DATA / "normal.bam",
    "purity": 0.75,
}


def scored(output: Path, **options: Any) -> list[pysam.VariantRecord]:
    score_posterior(ScorePosteriorOptions(output=output, **{**PAIR, **options}))
    with pysam.VariantFile(str(output)) as records:
        return list(records)


def probabilities(records: list[pysam.VariantRecord], field: str) -> np.ndarray:
    return np.array([10 ** (-0.1 * record.info[field][0]) for record in records if field in record.info])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("spiked")
    return spiked_folder(pair_files(base / "pair"), base / "run")


@pytest.fixture(scope="module")
def by_folder(folder: Path) -> tuple[list[pysam.VariantRecord], Path, Path]:
    saved, output = folder.parent / "recalibration.json", folder.parent / "scored.vcf"
    return scored(output, calibrate=folder, save_calibration=saved), saved, output


def test_a_folder_teaches_a_map(by_folder: tuple[list[pysam.VariantRecord], Path, Path]) -> None:
    """48 planted variants in 40,000 bases, next to no false one believed: of all groups together something can be said."""
    records, saved, output = by_folder
    found = Recalibration.model_validate_json(saved.read_text())
    (source,) = found.sources
    assert isinstance(source, RecalibrationSource)
    assert source.planted == 48 and source.territory == pytest.approx(40_000, rel=0.1)
    assert {group.learnt_from for group in found.groups} <= {"own", "all"}
    model, new = probabilities(records, "VP_PROB_MODEL"), probabilities(records, "PROB_SOMATIC_TUMOR")
    assert len(model) == len(new) == 195
    assert sum(probabilities(records, f"PROB_{event}") for event in EVENTS) == pytest.approx(1.0, abs=1e-3)
    assert 1 - new.max() >= 0.9 * min(group.limit for group in found.groups) > 0.003
    assert not np.allclose(model, new)
    assert f"##varproof_calibration={json.dumps(found.model_dump(by_alias=True), sort_keys=True)}" in output.read_text()


def test_order_stays_within_a_group(by_folder: tuple[list[pysam.VariantRecord], Path, Path]) -> None:
    records = [record for record in by_folder[0] if len(record.ref) == len(record.alts[0]) == 1]
    model, new = probabilities(records, "VP_PROB_MODEL"), probabilities(records, "PROB_SOMATIC_TUMOR")
    if len([group for group in Recalibration.model_validate_json(by_folder[1].read_text()).groups if group.name == "snv"]) == 1:
        assert (np.diff(new[np.argsort(model, kind="stable")]) >= -1e-5).all()


def test_a_saved_map_does_the_same(by_folder: tuple[list[pysam.VariantRecord], Path, Path], tmp_path: Path) -> None:
    records, saved, _ = by_folder
    again = scored(tmp_path / "again.vcf", calibrate=saved)
    assert [str(record) for record in again] == [str(record) for record in records]


def test_own_reads(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Into 40,000 bases fewer than 30 variants are planted where there is room: the model's word stays, and a warning tells."""
    saved = tmp_path / "recalibration.json"
    with caplog.at_level(logging.WARNING):
        records = scored(tmp_path / "scored.vcf", calibrate="auto", save_calibration=saved)
    found = Recalibration.model_validate_json(saved.read_text())
    assert isinstance(found.sources[0], RecalibrationSource)
    assert found.sources[0].planted + found.sources[0].candidates > 0
    if all(group.learnt_from == "none" for group in found.groups):
        assert "the model's probabilities stay" in caplog.text
        assert np.array_equal(probabilities(records, "VP_PROB_MODEL"), probabilities(records, "PROB_SOMATIC_TUMOR"))


def test_of_a_large_sample_windows_are_taken(tmp_path: Path) -> None:
    """20 kb of 40: two windows, the same each time; the extracted reads are those that samtools' own index finds there."""
    options = ScorePosteriorSettings(output=tmp_path / "scored.vcf", calibrate=["auto"], **PAIR)
    assert recalibrating._windows(options, 40_000) is None
    windows = recalibrating._windows(options, 20_000)
    assert windows is not None and windows == recalibrating._windows(options, 20_000)
    assert len(set(windows)) == 2 and sum(end - start for _, start, end in windows) <= 20_000
    bed = tmp_path / "windows.bed"
    bed.write_text("".join(f"{contig}\t{start}\t{end}\n" for contig, start, end in windows))
    part = recalibrating._extracted(PAIR["tumor"], PAIR["reference"], bed, tmp_path / "part.bam")
    with pysam.AlignmentFile(str(PAIR["tumor"])) as reads, pysam.AlignmentFile(str(part)) as found:
        wanted = {read.to_string() for window in windows for read in reads.fetch(*window)}
        assert {read.to_string() for read in found.fetch()} == wanted and 0 < len(wanted) < reads.mapped


def test_without_it_nothing_is_left_of_an_earlier_run(
    by_folder: tuple[list[pysam.VariantRecord], Path, Path], tmp_path: Path
) -> None:
    records = scored(tmp_path / "scored.vcf", candidates=by_folder[2])
    assert not any("VP_PROB_MODEL" in record.info for record in records)
    assert "VP_PROB_MODEL" not in (tmp_path / "scored.vcf").read_text()


def test_other_reads_are_told(folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder whose reads were others than the run's: said, and taken."""
    other = tmp_path / "other"
    other.mkdir()
    for path in folder.iterdir():
        (other / path.name).symlink_to(path)
    content = json.loads((folder / "spiking.json").read_text())
    (other / "spiking.json").unlink()
    made = json.dumps({"input_digests": {"donor.bam": "0123456789abcdef"}})
    (other / "spiking.json").write_text(json.dumps({**content, "provenance": made}))
    with caplog.at_level(logging.WARNING):
        scored(tmp_path / "scored.vcf", calibrate=other)
    assert f"{other} was made of other reads than this run's" in caplog.text


def refused(tmp_path: Path, **options: Any) -> str:
    with pytest.raises(UserError) as error:
        scored(tmp_path / "scored.vcf", **options)
    assert not (tmp_path / "scored.vcf").exists()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_cannot_be_done_is_refused(tmp_path: Path, folder: Path) -> None:
    assert "--prior flat" in refused(tmp_path, calibrate="auto", prior="flat")
    assert "give --normal" in refused(tmp_path, calibrate="auto", normal=None)
    assert "evidence" in refused(tmp_path, calibrate="auto", tumor=DATA / "tumor.h5")
    assert "not both" in refused(tmp_path, calibrate=["auto", folder])
    assert "given twice" in refused(tmp_path, calibrate=[folder, folder])
    assert "is no folder" in refused(tmp_path, calibrate=[folder, DATA / "reference.fa"])
    assert "nothing is calibrated" in refused(tmp_path, save_calibration=tmp_path / "x.json")
    (tmp_path / "empty").mkdir()
    assert "no spiking.json" in refused(tmp_path, calibrate=tmp_path / "empty")


def test_a_map_of_another_version_is_refused(tmp_path: Path, by_folder: tuple[list[pysam.VariantRecord], Path, Path]) -> None:
    content = json.loads(by_folder[1].read_text())
    (tmp_path / "old.json").write_text(json.dumps({**content, "version": "0.0.1"}))
    assert "varproof 0.0.1" in refused(tmp_path, calibrate=tmp_path / "old.json")


def test_a_folder_of_another_reference_is_refused(tmp_path: Path, folder: Path) -> None:
    """The same contigs under other names."""
    text = (DATA / "reference.fa").read_text().replace(">chr", ">")
    (tmp_path / "reference.fa").write_text(text)
    pysam.faidx(str(tmp_path / "reference.fa"))
    other = tmp_path / "other"
    other.mkdir()
    for path in folder.iterdir():
        (other / path.name).symlink_to(path)
    for name in ("tumor", "normal"):
        (other / f"{name}.bam").unlink()
        (other / f"{name}.bam.bai").unlink()
        with pysam.AlignmentFile(str(folder / f"{name}.bam")) as reads:
            header = reads.header.to_dict()
            header["SQ"] = [{**item, "SN": item["SN"].removeprefix("chr")} for item in header["SQ"]]
            with pysam.AlignmentFile(str(other / f"{name}.bam"), "wb", header=header) as out:
                for read in reads:
                    out.write(pysam.AlignedSegment.from_dict(read.to_dict(), reads.header))
        pysam.index(str(other / f"{name}.bam"))
    refused(tmp_path, calibrate=other)


def test_labels_of_people_teach_a_map(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """All 195 candidates are labelled, 48 of them somatic; the map is the same from a file."""
    saved = tmp_path / "recalibration.json"
    with caplog.at_level(logging.INFO):
        records = scored(tmp_path / "scored.vcf", calibrate=DATA / "labels.tsv", save_calibration=saved, label_error=0.02)
    found = Recalibration.model_validate_json(saved.read_text())
    (source,) = found.sources
    assert isinstance(source, LabelSource)
    assert (source.real, source.not_real, source.ambiguous, source.label_error) == (48, 147, 0, 0.02)
    assert sum(group.planted for group in found.groups) == 48 and {group.learnt_from for group in found.groups} == {"all"}
    assert "labelled somatic" in caplog.text
    model, new = probabilities(records, "VP_PROB_MODEL"), probabilities(records, "PROB_SOMATIC_TUMOR")
    assert len(new) == 195 and 1 - new.max() == pytest.approx(found.groups[0].limit, abs=1e-4) and (new <= model + 1e-9).all()
    again = scored(tmp_path / "again.vcf", calibrate=saved)
    assert [str(record) for record in again] == [str(record) for record in records]


def test_labels_that_can_t_be_used_are_refused(tmp_path: Path) -> None:
    labels = tmp_path / "labels.tsv"
    labels.write_text("chrom\tpos\tref\talt\tlabel\nchr1\t415\tT\tA\t1\n")
    assert "1 of 1 labels match no candidate" in refused(tmp_path, calibrate=labels)
    labels.write_text("chrom\tpos\tref\talt\tlabel\treviewer\nchr1\t415\tT\tG\t.\tAnn\n")
    assert "no candidate is called somatic, germline or fail" in refused(tmp_path, calibrate=labels)
    assert "--label-error is of people's labels" in refused(tmp_path, label_error=0.1)
