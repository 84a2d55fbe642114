"""The example workflow, from reads to calls, on a real Galaxy: by planemo, and through the API with its calls examined."""

import json
import subprocess
from pathlib import Path

import pysam
import pytest

from wrappers.galaxy import EXECUTABLES, TOOLS, Galaxy
from wrappers.machine import TEST_DATA, ran_on

pytestmark = pytest.mark.timeout(2400)
WORKFLOW = TOOLS / "workflows" / "reads-to-calls.ga"

Records = list[tuple[str, ...]]


def records_of(path: Path) -> Records:
    """The records of a VCF, column by column, without the header."""
    with pysam.VariantFile(str(path)) as calls:
        return [tuple(str(record).rstrip("\n").split("\t")) for record in calls]


def run(folder: Path, executable: str, *arguments: str | Path) -> None:
    subprocess.run([str(EXECUTABLES / executable), *map(str, arguments)], cwd=folder, check=True, capture_output=True)


def calls_of_executables(folder: Path) -> Records:
    """What the executables make of the same reads, called one after the other."""
    reads = {"tumor": TEST_DATA / "tumor.bam", "normal": TEST_DATA / "normal.bam"}
    reference = TEST_DATA / "reference.fa"
    for sample, path in reads.items():
        run(folder, "estimate-alignment", "--reads", path, "--reference", reference, "--output", f"{sample}.json")
    pair = ["--normal", reads["normal"], "--reference", reference]
    run(folder, "call-candidates", "--reads", reads["tumor"], *pair, "--output", "candidates.vcf.gz")
    properties = ["--alignment-tumor", "tumor.json", "--alignment-normal", "normal.json", "--purity", "0.75"]
    judged = ["--candidates", "candidates.vcf.gz", "--tumor", reads["tumor"], *pair, *properties, "--output", "scored.vcf.gz"]
    run(folder, "score-posterior", *judged)
    kept = ["--calls", "scored.vcf.gz", "--events", "SOMATIC_TUMOR", "--fdr", "0.05", "--output", "kept.vcf.gz"]
    run(folder, "fdr-filter", *kept)
    return records_of(folder / "kept.vcf.gz")


def test_lint(request: pytest.FixtureRequest, galaxy_server: Galaxy, tmp_path: Path) -> None:
    """planemo workflow_lint: no warnings in the example workflow"""
    ran_on(request, "Galaxy", galaxy_server.version)
    ended = galaxy_server.run("planemo", "workflow_lint", "--fail_level", "warn", WORKFLOW, folder=tmp_path)
    assert ended.returncode == 0 and "WARNING" not in ended.stdout, ended.stdout + ended.stderr


def test_planemo(request: pytest.FixtureRequest, galaxy_server: Galaxy, tmp_path: Path) -> None:
    """planemo test: the example workflow with and without a truth"""
    ran_on(request, "Galaxy", galaxy_server.version)
    results = galaxy_server.planemo_test(tmp_path, WORKFLOW)
    assert len(results) == 2
    for result in results:
        assert result["data"]["status"] == "success", result["data"]


def test_calls(request: pytest.FixtureRequest, galaxy_server: Galaxy, tmp_path: Path) -> None:
    """example workflow through the API: the executables' own calls, and the planted variants"""
    ran_on(request, "Galaxy", galaxy_server.version)
    inputs = {
        "Tumour reads": {"path": str(TEST_DATA / "tumor.bam"), "type": "bam"},
        "Normal reads": {"path": str(TEST_DATA / "normal.bam"), "type": "bam"},
        "Reference genome": {"path": str(TEST_DATA / "reference.fa"), "type": "fasta"},
        "Purity": 0.75,
        "False discovery rate": 0.05,
        "Evaluate": True,
        "True variants": {"path": str(TEST_DATA / "truth.vcf.gz"), "type": "vcf_bgzip"},
    }
    (tmp_path / "inputs.json").write_text(json.dumps(inputs))
    ended = galaxy_server.script("galaxy_workflow.py", WORKFLOW, tmp_path / "inputs.json", tmp_path, folder=tmp_path)
    assert len(ended["states"]) == 7 and set(ended["states"].values()) == {"ok"}, ended["states"]
    files = {label: Path(path) for label, path in ended["files"].items()}

    calls = records_of(files["Somatic calls"])
    assert calls == calls_of_executables(tmp_path)

    somatic = {
        record[:2] + record[3:5] for record in records_of(TEST_DATA / "truth.vcf.gz") if "EVENT=SOMATIC_TUMOR" in record[7]
    }
    found = {record[:2] + record[3:5] for record in calls}
    assert len(found & somatic) >= 0.75 * len(somatic)
    assert len(found - somatic) <= 0.15 * len(found)  # 5 % are promised; of some forty calls, more than six would be too many

    table = files["Allele frequencies"].read_text().splitlines()
    assert len(table) == 1 + len(calls)
    metrics = json.loads(files["Metrics"].read_text())
    assert metrics["counts"]["true_variants"] == len(somatic)
    assert "<svg" in files["Report"].read_text()
