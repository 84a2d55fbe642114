"""Every module as its own tests describe it: the cases of tests/main.nf.test, real and stub, run by Nextflow itself.

With `VARPROOF_SNAPSHOTS=write` the snapshots that the cases are held against are written, not compared.
"""

import gzip
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import h5py
import pysam
import pytest

from varproof import __version__
from varproof.commands import EXECUTABLES
from wrappers.machine import ran_on
from wrappers.module_cases import MODULES, Case, cases_of, evaluated, outputs_of, record, recorded, workflow_of
from wrappers.workflow import Nextflow, Run

pytestmark = pytest.mark.timeout(1200)

NAMES = [name.replace("-", "") for name in EXECUTABLES]
CASES = [case for name in NAMES if (MODULES / name).is_dir() for case in cases_of(name)]


@pytest.fixture(scope="module")
def real(nextflow: Nextflow, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("modules") / "real"
    return nextflow.strict().run(folder, workflow_of([case for case in CASES if not case.stub], folder))


def hold_against_snapshot(case: Case, folder: Path, nextflow: Nextflow) -> None:
    """A snapshot is what the case makes now, or is written."""
    content = evaluated(case, outputs_of(case, folder))
    if os.environ.get("VARPROOF_SNAPSHOTS") == "write":
        record(case, content, nextflow.version)
    assert recorded(case.module)[case.title]["content"] == content


def test_every_executable_has_a_module_with_real_and_stub_cases() -> None:
    """Every executable has a module, with tests on real data and of its stub"""
    assert sorted(path.name for path in MODULES.iterdir()) == sorted(NAMES)
    for name in NAMES:
        cases = [case for case in CASES if case.module == name]
        assert any(case.stub for case in cases) and any(not case.stub for case in cases), name
        assert all(case.inputs for case in cases), name


@pytest.mark.parametrize("name", NAMES)
def test_every_case_has_a_snapshot(name: str) -> None:
    """The snapshots of a module are those of its cases, and tell the versions, as nf-core demands"""
    snapshots, cases = recorded(name), cases_of(name)
    assert list(snapshots) == [case.title for case in cases]
    for case in cases:
        assert len(snapshots[case.title]["content"]) == len(case.snapshotted)
        versions = snapshots[case.title]["content"][0]["versions_varproof"]
        assert versions == [[f"VARPROOF_{name.upper()}", "varproof", __version__]]


def test_what_is_not_known_of_nf_test_is_refused(tmp_path: Path) -> None:
    """An assertion or expression that can't be held against anything fails the case, and is not passed over"""
    case = next(case for case in CASES if case.module == "fdrfilter" and not case.stub)
    path = tmp_path / "test.vcf.gz"
    records = [b"chr1\t1\t.\tA\tC", b"chr1\t2\t.\tG\tT"]
    path.write_bytes(gzip.compress(b"\n".join([b"##made by a run", b"#CHROM", *records, b""])))
    outputs = {"vcf": [[{"id": "test"}, str(path)]]}
    snapshot = "assert process.success assertAll( {{ assert snapshot({}).match() }} )"

    asked = "sanitizeOutput(process.out, unstableKeys: ['vcf']), path(process.out.vcf[0][1]).vcf.variantsMD5"
    digest = f"{int(hashlib.md5(b''.join(records)).hexdigest(), 16):x}"
    content = evaluated(replace(case, then=snapshot.format(asked)), outputs)
    assert content == [{"vcf": [[{"id": "test"}, "test.vcf.gz"]]}, digest]
    for refused in (
        "process.out",
        "path(process.out.vcf[0][1]).vcf.summary",
        "sanitizeOutput(process.out, unstableKeys: ['bam'])",
    ):
        with pytest.raises(AssertionError, match=r"known|emits no"):
            evaluated(replace(case, then=snapshot.format(refused)), outputs)
    with pytest.raises(AssertionError, match="not what a case of ours asserts"):
        evaluated(replace(case, then="assert process.failed"), outputs)


def test_stubs(request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path) -> None:
    """The stub of every module makes what its snapshot says"""
    ran_on(request, "Nextflow", nextflow.version)
    cases = [case for case in CASES if case.stub]
    script = workflow_of(cases, tmp_path / "stubs")
    run = nextflow.strict().run(script.parent, script, "-stub")
    assert run.code == 0, run.log[-4000:]
    assert run.log.count("Submitted process") == len(NAMES)
    for case in cases:
        hold_against_snapshot(case, script.parent, nextflow)


def test_real_data(request: pytest.FixtureRequest, nextflow: Nextflow, real: Run) -> None:
    """Every module on real data, in the strict syntax"""
    ran_on(request, "Nextflow", nextflow.version)
    assert real.code == 0, real.log[-6000:]
    assert real.log.count("Submitted process") == sum(not case.stub for case in CASES)


@pytest.mark.parametrize("case", [case for case in CASES if not case.stub], ids=lambda case: case.alias.lower())
def test_what_a_module_makes(request: pytest.FixtureRequest, nextflow: Nextflow, case: Case, real: Run) -> None:
    """What a module makes of real data is whole, and of its kind"""
    ran_on(request, "Nextflow", nextflow.version)
    made = sorted(path for path in (real.folder / case.alias).rglob("*") if path.is_file())
    assert made, real.log[-6000:]
    for path in made:
        if path.suffix == ".h5":
            with h5py.File(path) as file:
                if case.module == "buildpanel":
                    assert sum(len(contig["position"]) for contig in file["contigs"].values()) > 5
                    continue
                rows = file["key"][file["joined"][:] == 0] if "key" in file else file["candidates"]
                assert len(rows) == 195
        elif path.suffix == ".json":
            assert json.loads(path.read_text())
        elif path.name.endswith(".vcf.gz"):
            with gzip.open(path, "rt") as lines, pysam.VariantFile(str(path)) as records:
                assert next(lines).startswith("##fileformat=VCF")
                assert sum(1 for _ in records) > 5
            assert path.with_name(path.name + ".tbi") in made
        elif path.suffix in (".bam", ".cram"):
            pysam.quickcheck(str(path))
        else:
            assert path.stat().st_size > 0, path


@pytest.mark.parametrize("case", [case for case in CASES if not case.stub], ids=lambda case: case.alias.lower())
def test_a_module_makes_what_its_snapshot_says(
    request: pytest.FixtureRequest, nextflow: Nextflow, case: Case, real: Run
) -> None:
    """What a module makes of real data is what its snapshot says"""
    ran_on(request, "Nextflow", nextflow.version)
    hold_against_snapshot(case, real.folder, nextflow)
