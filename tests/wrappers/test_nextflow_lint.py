"""The modules as nf-core's own linter sees them, in a stand-in of its repository of modules."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from varproof import __version__
from wrappers.machine import ran_on
from wrappers.module_cases import MODULES
from wrappers.workflow import NF_CORE, PIPELINE, Nextflow, venv

pytestmark = pytest.mark.timeout(1200)

ADDRESS = "https://github.com/nf-core/modules.git"
SCHEMAS = {
    "meta-schema.json": ["name", "description", "keywords", "authors", "output", "tools"],
    "environment-schema.json": ["channels", "dependencies"],
}
# Asking Nextflow for each module's image takes 30 starts of it; it says what stands in main.nf, as real questions below show.
INSPECT = """\
#!{python}
import json, os, re, sys
if "inspect" in sys.argv:
    singularity, docker = re.search(r"\\? '(.*)'\\n +: '(.*)'", open(sys.argv[-1]).read()).groups()
    container = singularity if "singularity" in sys.argv else docker
    print(json.dumps({{"processes": [{{"name": "PROCESS", "container": container}}]}}))
else:
    os.execv({nextflow!r}, ["nextflow", *sys.argv[1:]])
"""
NOT_LOOKED_UP = "Conda version not specified correctly"
"""What the linter warns of where it can't ask for a Conda package."""


def stand_in(folder: Path) -> dict[str, str]:
    """A repository of modules in `folder`/repository, and the environment in which git takes it for nf-core's."""
    repository, home = folder / "repository", folder / "home"
    home.mkdir(parents=True)
    shutil.copytree(MODULES, repository / "modules" / "nf-core" / "varproof")
    for name, required in SCHEMAS.items():
        (repository / "modules" / name).write_text(json.dumps({"type": "object", "required": required}))
    (repository / "tests" / "config").mkdir(parents=True)
    (repository / "tests" / "config" / "nextflow.config").touch()
    (repository / ".nf-core.yml").write_text("repository_type: modules\norg_path: nf-core\n")
    (folder / "gitconfig").write_text(
        f'[url "file://{repository}"]\n insteadOf = {ADDRESS}\n[user]\n name = tests\n email = tests@localhost\n'
        "[init]\n defaultBranch = master\n[safe]\n directory = *\n"
    )
    home_is = {name: str(home) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    environment = os.environ | home_is | {"GIT_CONFIG_GLOBAL": str(folder / "gitconfig")}
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "modules"]):
        subprocess.run(["git", *arguments], cwd=repository, env=environment, check=True)
    return environment


def test_nf_core_lint(request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path) -> None:
    """nf-core modules lint: no failure, and no warning but that a Conda package can't be looked up"""
    commands = venv("nf-core", NF_CORE)
    ran_on(request, "nf-core", NF_CORE.split("==")[1])
    environment = stand_in(tmp_path) | {name: value for name, value in nextflow.environment.items() if name.startswith("NXF_")}
    shim = tmp_path / "shim"
    shim.mkdir()
    (shim / "nextflow").write_text(INSPECT.format(python=sys.executable, nextflow=str(nextflow.command)))
    (shim / "nextflow").chmod(0o755)
    environment["PATH"] = os.pathsep.join([str(shim), nextflow.environment["PATH"]])
    run = subprocess.run(
        [commands / "nf-core", "modules", "lint", "--all", "--plain-text"],
        cwd=tmp_path / "repository", env=environment, capture_output=True, text=True,
    )  # fmt: skip
    shown = run.stdout + run.stderr
    assert run.returncode == 0, shown[-5000:]
    assert " 0 Tests Failed" in shown, shown[-5000:]
    assert int(re.findall(r"(\d+) Tests? Passed", shown)[0]) > 10 * len(list(MODULES.iterdir())), shown[-5000:]
    warnings = sum(map(int, re.findall(r"(\d+) Test Warnings?", shown)))
    assert warnings == shown.count(NOT_LOOKED_UP) <= len(list(MODULES.iterdir())), shown[-5000:]


def inspected(nextflow: Nextflow, folder: Path, *arguments: str | Path) -> dict[str, str]:
    """Image by process, as Nextflow tells them."""
    run = subprocess.run(
        [nextflow.command, "inspect", "-format", "json", *arguments],
        cwd=folder,
        env=nextflow.environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    processes = json.loads(run.stdout[run.stdout.index("{") :])["processes"]
    return {process["name"]: process["container"] for process in processes}


@pytest.mark.parametrize(
    ("engine", "image"),
    [
        ("docker", f"quay.io/biocontainers/varproof-cnn:{__version__}--hdfd78af_0"),
        ("singularity", f"https://depot.galaxyproject.org/singularity/varproof-cnn:{__version__}--hdfd78af_0"),
        ("apptainer", f"https://depot.galaxyproject.org/singularity/varproof-cnn:{__version__}--hdfd78af_0"),
    ],
)
def test_nextflow_names_the_image_of_a_module(
    request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path, engine: str, image: str
) -> None:
    """nextflow inspect names the image of a module by itself: BioContainers', of the engine's kind"""
    ran_on(request, "Nextflow", nextflow.version)
    (tmp_path / "nextflow.config").write_text(f"{engine}.enabled = true\n")
    assert inspected(nextflow, tmp_path, MODULES / "train" / "main.nf") == {"VARPROOF_TRAIN": image}


@pytest.mark.parametrize("engine", ["docker", "singularity", "apptainer"])
def test_the_pipeline_runs_our_images(request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path, engine: str) -> None:
    """nextflow inspect names our own images for every process of the pipeline, on every engine"""
    ran_on(request, "Nextflow", nextflow.version)
    images = inspected(nextflow, tmp_path, "-profile", f"test,{engine}", PIPELINE, "--outdir", tmp_path / "results")
    assert images.pop("MULTIQC").startswith("quay.io/biocontainers/multiqc:")
    assert images.pop("VARPROOF_PREDICT") == f"ghcr.io/varproof/varproof-cnn:{__version__}"
    assert len(images) >= 12 and set(images.values()) == {f"ghcr.io/varproof/varproof:{__version__}"}
