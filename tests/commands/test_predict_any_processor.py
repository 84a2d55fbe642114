"""What predict's help says of processors: other instructions, probabilities that differ by rounding, all else the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "test-data"
PLAINEST = {"TF_ENABLE_ONEDNN_OPTS": "0", "ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Nehalem"}
CODE = "from varproof.commands.predict import main; main()"


def records(folder: Path, **settings: str) -> list[tuple[list[str], dict[str, str]]]:
    """(columns but INFO, INFO) of predict's output."""
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in PLAINEST} | settings
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT / "tools"), environment.get("PYTHONPATH"))))
    arguments = ["--model", f"{DATA}/model.keras", "--tensors", f"{DATA}/tensors.h5", "--output", "predicted.vcf"]
    subprocess.run([sys.executable, "-c", CODE, *arguments], cwd=folder, env=environment, check=True, capture_output=True)
    lines = [line.split("\t") for line in (folder / "predicted.vcf").read_text().splitlines() if not line.startswith("#")]
    return [([*line[:6], *line[8:]], dict(item.partition("=")[::2] for item in line[7].split(";"))) for line in lines]


@pytest.mark.timeout(600)
def test_probabilities_differ_by_rounding_only(tmp_path: Path) -> None:
    here, plain = records(tmp_path / "here"), records(tmp_path / "plain", **PLAINEST)
    assert len(here) > 100
    assert [columns for columns, _ in here] == [columns for columns, _ in plain]
    for (_, one), (_, other) in zip(here, plain, strict=True):
        assert one.keys() == other.keys()
        values = [[float(value) for value in info["CNN_PROB"].split(",")] for info in (one, other)]
        assert values[0] == pytest.approx(values[1], abs=1e-3)
