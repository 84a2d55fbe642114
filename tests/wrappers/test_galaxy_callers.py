"""Mutect2's file, unmodified, through every tool that takes it, on a real Galaxy."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from wrappers.callers import Called
from wrappers.galaxy import EXECUTABLES, Galaxy
from wrappers.machine import TEST_DATA, ran_on
from wrappers.vcf_text import vcf_text

pytestmark = pytest.mark.timeout(2400)

UPLOADS = {"tumor": "bam", "normal": "bam", "reference": "fasta", "model": "zip"}
SUFFIXES = {"bam": "bam", "fasta": "fa", "zip": "keras"}
PAIR = {"samples|mode": "pair", "samples|tumor": {"data": "tumor"}, "samples|normal": {"data": "normal"}}
GENOME = {"reference_source|source": "history", "reference_source|reference": {"data": "reference"}}
CALLS = {"candidates": {"data": "mutect2"}}


def step(name: str, executable: str, **inputs: Any) -> dict[str, Any]:
    given = {key.replace("__", "|"): value for key, value in inputs.items()}
    return {"name": name, "tool": "varproof_" + executable.replace("-", "_"), "inputs": given}


def data(name: str) -> dict[str, str]:
    return {"data": name}


STEPS = [
    step(
        "scored", "score-posterior", **CALLS, **PAIR, **GENOME, purity_source__purity_mode="number", purity_source__purity=0.75,
    ),
    step("filtered", "fdr-filter", calls=data("scored.output"), events="SOMATIC_TUMOR", fdr=0.05),
    step("frequencies", "estimate-vaf", calls=data("filtered.output")),
    step("tensors", "tensorise", **CALLS, **PAIR, **GENOME),
    step(
        "predicted", "predict", judge__known="own", judge__model=data("model"), given__source="tensors",
        given__tensors=data("tensors.output"),
    ),
    step("combined", "combine-calls", scored=data("scored.output"), predicted=data("predicted.output")),
    step(
        "spiked", "spike-variants", reads=data("normal"), **GENOME, planting__places="plan",
        planting__variants=data("mutect2"), suitable__min_depth=5, suitable__spacing=300,
    ),
    step("metrics", "evaluate-calls", calls=data("scored.output"), truth=data("mutect2"), **GENOME),
]  # fmt: skip


def test_mutect2(request: pytest.FixtureRequest, galaxy_server: Galaxy, mutect2: Called, tmp_path: Path) -> None:
    """Mutect2's file through all tools that take it: the executables' own records"""
    ran_on(request, "Galaxy", f"{galaxy_server.version}, {mutect2.engine.name} {mutect2.engine.version}")
    uploads = {name: {"path": str(TEST_DATA / f"{name}.{SUFFIXES[kind]}"), "type": kind} for name, kind in UPLOADS.items()}
    uploads["mutect2"] = {"path": str(mutect2.path), "type": "vcf_bgzip"}
    (tmp_path / "steps.json").write_text(json.dumps({"uploads": uploads, "steps": STEPS}))
    told = galaxy_server.script("galaxy_tools.py", tmp_path / "steps.json", tmp_path, folder=tmp_path)
    for name, ended in told.items():
        assert ended["state"] == "ok", f"{name}: {ended['stderr'][-1000:]}"
    reads = [
        "--tumor",
        TEST_DATA / "tumor.bam",
        "--normal",
        TEST_DATA / "normal.bam",
        "--reference",
        TEST_DATA / "reference.fa",
    ]
    command = [EXECUTABLES / "score-posterior", "--candidates", mutect2.path, *reads, "--purity", "0.75", "--output", "own.vcf"]
    subprocess.run([str(part) for part in command], cwd=tmp_path, check=True, capture_output=True)
    own = vcf_text(tmp_path / "own.vcf")
    for name in ("scored", "combined"):
        found = vcf_text(Path(told[name]["files"]["output"]))
        assert len(found.records) == len(own.records) > 20 and found.samples == own.samples
    assert vcf_text(Path(told["scored"]["files"]["output"])).records == own.records
