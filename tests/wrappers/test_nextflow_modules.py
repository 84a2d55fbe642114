"""Every module as its own tests describe it: the cases of tests/main.nf.test, real and stub, run by Nextflow itself."""

import gzip
import json
import re
from dataclasses import dataclass
from pathlib import Path

import h5py
import pysam
import pytest

from varproof.commands import EXECUTABLES
from wrappers.machine import TEST_DATA, ran_on
from wrappers.workflow import PIPELINE, Nextflow, Run

pytestmark = pytest.mark.timeout(1200)

MODULES = PIPELINE / "modules" / "varproof"
NAMES = [name.replace("-", "") for name in EXECUTABLES]


@dataclass(frozen=True)
class Case:
    """One test of a module's main.nf.test: what it is called, and its inputs as it writes them."""

    module: str
    title: str
    stub: bool
    arguments: str
    inputs: list[str]

    @property
    def alias(self) -> str:
        return f"{self.module}_{re.sub('[^a-z0-9]+', '_', self.title)}".upper()


def cases_of(module: str) -> list[Case]:
    text = (MODULES / module / "tests" / "main.nf.test").read_text()
    found = []
    for part in re.split(r'(?m)^    test\("', text)[1:]:
        arguments = re.search(r"module_args = '(.*)'", part)
        found.append(
            Case(
                module,
                part.partition('"')[0],
                "options '-stub'" in part,
                arguments[1] if arguments else "",
                re.findall(r"(?m)^ +input\[\d+\] = (.*)$", part),
            )
        )
    return found


CASES = [case for name in NAMES if (MODULES / name).is_dir() for case in cases_of(name)]


def workflow_of(cases: list[Case], folder: Path) -> Path:
    """A workflow that runs all cases and publishes what they emit into a folder for each; and its configuration."""
    includes = [
        f"include {{ VARPROOF_{case.module.upper()} as {case.alias} }} from '{MODULES / case.module / 'main.nf'}'"
        for case in cases
    ]
    calls = [f"    {case.alias}({', '.join(case.inputs)})" for case in cases]
    settings = [
        f"    withName: '{case.alias}' {{\n        ext.args = '{case.arguments}' ?: null\n"
        f"        publishDir = [path: '{folder}/{case.alias}', mode: 'copy']\n    }}"
        for case in cases
    ]
    folder.mkdir()
    data = f"params.modules_testdata_base_path = '{TEST_DATA}/'\n"
    limits = "process.resourceLimits = [cpus: 2, memory: 6.GB, time: 1.h]\n"
    (folder / "nextflow.config").write_text(data + limits + "process {\n" + "\n".join(settings) + "\n}\n")
    (folder / "main.nf").write_text("\n".join([*includes, "", "workflow {", *calls, "}"]) + "\n")
    return folder / "main.nf"


@pytest.fixture(scope="module")
def real(nextflow: Nextflow, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("modules") / "real"
    return nextflow.strict().run(folder, workflow_of([case for case in CASES if not case.stub], folder))


def test_every_executable_has_a_module_with_real_and_stub_cases() -> None:
    """Every executable has a module, with tests on real data and of its stub"""
    assert sorted(path.name for path in MODULES.iterdir()) == sorted(NAMES)
    for name in NAMES:
        cases = [case for case in CASES if case.module == name]
        assert any(case.stub for case in cases) and any(not case.stub for case in cases), name
        assert all(case.inputs for case in cases), name


def test_stubs(request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path) -> None:
    """The stub of every module makes all that it promises"""
    ran_on(request, "Nextflow", nextflow.version)
    script = workflow_of([case for case in CASES if case.stub], tmp_path / "stubs")
    run = nextflow.strict().run(script.parent, script, "-stub")
    assert run.code == 0, run.log[-4000:]
    assert run.log.count("Submitted process") == len(NAMES)


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
                assert len(file["key" if "key" in file else "candidates"]) == 195
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
