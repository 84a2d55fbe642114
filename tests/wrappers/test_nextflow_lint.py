"""The modules as nf-core's own linter sees them, in a stand-in of its repository of modules."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from varproof import __version__
from wrappers.machine import ran_on
from wrappers.workflow import NF_CORE, PIPELINE, Nextflow, venv

pytestmark = pytest.mark.timeout(1200)

ADDRESS = "https://github.com/nf-core/modules.git"
SCHEMAS = {
    "meta-schema.json": ["name", "description", "keywords", "authors", "output", "tools"],
    "environment-schema.json": ["channels", "dependencies"],
}
# Asking Nextflow for each module's image takes 28 starts of it; it says what stands in main.nf, as one real question shows.
INSPECT = """\
#!{python}
import json, os, re, sys
if "inspect" in sys.argv:
    container = re.search(r'container "(.*)"', open(sys.argv[-1]).read())[1]
    print(json.dumps({{"processes": [{{"name": "PROCESS", "container": container}}]}}))
else:
    os.execv({nextflow!r}, ["nextflow", *sys.argv[1:]])
"""


def stand_in(folder: Path) -> dict[str, str]:
    """A repository of modules in `folder`/repository, and the environment in which git takes it for nf-core's."""
    repository, home = folder / "repository", folder / "home"
    home.mkdir(parents=True)
    shutil.copytree(PIPELINE / "modules" / "varproof", repository / "modules" / "nf-core" / "varproof")
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
    """nf-core modules lint: no failure; what it can't look up here is the Conda package"""
    commands = venv("nf-core", NF_CORE)
    ran_on(request, "nf-core", NF_CORE.split("==")[1])
    environment = stand_in(tmp_path) | {name: value for name, value in nextflow.environment.items() if name.startswith("NXF_")}
    shim = tmp_path / "shim"
    shim.mkdir()
    (shim / "nextflow").write_text(INSPECT.format(python=sys.executable, nextflow=str(nextflow.command)))
    (shim / "nextflow").chmod(0o755)
    environment["PATH"] = os.pathsep.join([str(shim), nextflow.environment["PATH"]])
    run = subprocess.run(
        [commands / "nf-core", "modules", "lint", "--all", "--registry", "ghcr.io", "--plain-text"],
        cwd=tmp_path / "repository", env=environment, capture_output=True, text=True,
    )  # fmt: skip
    shown = run.stdout + run.stderr
    assert run.returncode == 0, shown[-5000:]
    assert " 0 Tests Failed" in shown, shown[-5000:]
    modules = len(list((PIPELINE / "modules" / "varproof").iterdir()))
    assert f"{modules} Test Warnings" in shown and shown.count("Conda version not specified correctly") == modules, shown[
        -5000:
    ]


def test_nextflow_names_the_image_of_a_module(request: pytest.FixtureRequest, nextflow: Nextflow, tmp_path: Path) -> None:
    """nextflow inspect names the image of a module"""
    ran_on(request, "Nextflow", nextflow.version)
    (tmp_path / "nextflow.config").write_text("docker.enabled = true\n")
    module = PIPELINE / "modules" / "varproof" / "train" / "main.nf"
    run = subprocess.run(
        [nextflow.command, "inspect", "-format", "json", module],
        cwd=tmp_path,
        env=nextflow.environment,
        capture_output=True,
        text=True,
    )
    shown = json.loads(run.stdout[run.stdout.index("{") :])
    assert shown["processes"] == [{"name": "VARPROOF_TRAIN", "container": f"ghcr.io/varproof/varproof-cnn:{__version__}"}]
