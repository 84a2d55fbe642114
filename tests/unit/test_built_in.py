"""The models that come with the package: what their sheets say, which is chosen, and what is refused."""

import logging
import zipfile
from pathlib import Path

import pysam
import pytest

from varproof.machinery.errors import UserError
from varproof.network.built_in import FOLDER, NAMES, built_in, require_reads_alike, usual_read_length

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "test-data"
LARGEST_BYTES = 500_000


@pytest.mark.parametrize("tracks", NAMES)
def test_each_is_of_its_tracks_calibrated_and_small(tracks: tuple[str, ...]) -> None:
    model = built_in(tracks)
    assert model.card.settings.tracks == model.sheet.tracks == tracks
    assert model.card.calibrated_on >= 200 and model.card.positives >= 200
    assert set(model.card.variant_types) >= {"snv", "insertion", "deletion"}
    for calibration in (model.card.calibration.substitution, model.card.calibration.indel):
        assert calibration.false_to_true is not None and 0 < calibration.false_to_true < 1
    assert model.path.stat().st_size < LARGEST_BYTES
    with zipfile.ZipFile(model.path) as archive:
        assert sorted(archive.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]


@pytest.mark.parametrize("tracks", NAMES)
def test_its_sheet_says_what_it_was_made_of_and_how_it_judges(tracks: tuple[str, ...]) -> None:
    model = built_in(tracks)
    sheet = model.sheet
    shown = sum(protocol.candidates for protocol in sheet.protocols)
    assert shown >= model.card.positives + model.card.negatives + model.card.calibrated_on
    trained = {protocol.name for protocol in sheet.protocols}
    assert not trained & {entry.name for entry in sheet.measured}, "measured on what it was not trained on"
    assert {entry.variants for entry in sheet.measured} >= {"SNVs", "indels"}
    assert all(entry.false <= entry.kept <= entry.real + entry.others for entry in sheet.measured)
    assert sheet.limits and '"/' not in model.card.provenance, "no folder of the machine that made it"


def test_both_are_installed_with_the_package() -> None:
    """By the patterns of pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text()
    assert '"network/models/*"' in text
    assert {path.name for path in FOLDER.iterdir()} == {
        f"{name}.{kind}" for name in NAMES.values() for kind in ("keras", "json")
    }


def test_what_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("varproof.network.built_in.FOLDER", tmp_path)
    with pytest.raises(UserError, match="this installation has no model tumor-only; give --model of train"):
        built_in(("tumor",))
    monkeypatch.setattr("varproof.network.built_in.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"predict needs tensorflow; install it with: pip install 'varproof\[cnn\]'"):
        built_in(("tumor",))


def test_contexts_are_refused() -> None:
    with pytest.raises(UserError, match=r"no model that comes with varproof was trained with contexts \(2 are given\)"):
        built_in(("tumor", "normal", "context", "context"))


def reads_of_length(path: Path, length: int) -> Path:
    header = pysam.AlignmentHeader.from_dict({"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 100_000}]})
    with pysam.AlignmentFile(str(path), "wb", header=header) as file:
        for start in range(0, 30_000, 1000):
            read = pysam.AlignedSegment(header)
            read.query_name, read.query_sequence, read.flag = f"r{start}", "A" * length, 0
            read.reference_id, read.reference_start, read.mapping_quality = 0, start, 60
            read.cigarstring = f"{length}M"
            file.write(read)
    pysam.index(str(path))
    return path


def test_reads_tell_their_length(tmp_path: Path) -> None:
    assert usual_read_length(DATA / "tumor.bam", DATA / "reference.fa") == 100
    assert usual_read_length(reads_of_length(tmp_path / "long.bam", 5000), DATA / "reference.fa") == 5000


def test_long_reads_are_refused_and_unknown_lengths_told(caplog: pytest.LogCaptureFixture) -> None:
    model = built_in(("tumor", "normal"))
    with caplog.at_level(logging.WARNING):
        require_reads_alike(model, 100, "tumor.bam")
        require_reads_alike(model, None, "tumor.bam")
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        require_reads_alike(model, 36, "tumor.bam")
    assert "tumor.bam: reads of 36 bases; the built-in model tumor-normal was trained on reads of 75 to 250" in caplog.text
    with pytest.raises(UserError, match=r"long\.bam: reads of 5000 bases; the built-in model .* give --model"):
        require_reads_alike(model, 5000, "long.bam")
