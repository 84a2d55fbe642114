"""A Galaxy server with the tools of this repository, for tests: installed into build/galaxy, started once per test run.

Comes in: engines/start-galaxy.sh and the executables of the environment that runs the tests, which are first on the jobs'
PATH. Goes out: the fixture `galaxy`, a `Galaxy`, and `planemo_results`, the `<test>`s of all tools, run once.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from wrappers.machine import ENGINES, REPOSITORY, require_space

TOOLS = REPOSITORY / "wrappers" / "galaxy"
HOME = REPOSITORY / "build" / "galaxy"
SCRIPT = ENGINES / "start-galaxy.sh"
EXECUTABLES = Path(sys.executable).parent


@dataclass(frozen=True)
class Galaxy:
    """A running server: its address, the key of its user, its version, and the folder of its own environment."""

    url: str
    key: str
    version: str
    binaries: Path

    def run(self, *arguments: str | Path, folder: Path, limit: int = 1800) -> subprocess.CompletedProcess[str]:
        """A program of the server's environment (planemo, python), run in `folder`."""
        program, *rest = map(str, arguments)
        return subprocess.run(
            [str(self.binaries / program), *rest],
            cwd=folder,
            env=clean_environment(self.binaries),
            capture_output=True,
            text=True,
            timeout=limit,
        )

    def planemo_test(self, folder: Path, *artifacts: Path) -> list[dict[str, Any]]:
        """Results of `planemo test` for tools or workflows, as its JSON report gives them."""
        folder.mkdir(parents=True, exist_ok=True)
        server = ["--engine", "external_galaxy", "--galaxy_url", self.url]
        keys = ["--galaxy_admin_key", self.key, "--galaxy_user_key", self.key, "--no_dependency_resolution"]
        reports = ["--test_output", "report.html", "--test_output_json", "report.json"]
        ended = self.run("planemo", "test", *server, *keys, *reports, *artifacts, folder=folder)
        assert (folder / "report.json").exists(), ended.stdout + ended.stderr
        return json.loads((folder / "report.json").read_text())["tests"]

    def script(self, name: str, *arguments: str | Path, folder: Path) -> dict[str, Any]:
        """What a script of engines/ prints as JSON; it is given the server's address and key first."""
        ended = self.run("python", ENGINES / name, self.url, self.key, *arguments, folder=folder)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return json.loads(ended.stdout)


def clean_environment(first: Path) -> dict[str, str]:
    """This process's environment without what pytest and a virtual environment leave in it; `first` is first on PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON", "VIRTUAL_ENV"))}
    return kept | {"PATH": f"{first}:{os.environ['PATH']}"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start_script(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SCRIPT), *map(str, arguments)],
        env=clean_environment(EXECUTABLES) | {"PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
    )


@pytest.fixture(scope="session")
def galaxy_installed() -> Path:
    """The binaries of Galaxy, planemo and their like, installed if need be."""
    require_space(REPOSITORY, 4)
    ended = start_script("install", HOME)
    if ended.returncode:
        pytest.skip(f"Galaxy can't be installed: {ended.stderr.strip().splitlines()[-1:]}")
    return HOME / "venv" / "bin"


@pytest.fixture(scope="session")
def galaxy_server(galaxy_installed: Path) -> Iterator[Galaxy]:
    """A server with an empty database, which ends with the tests."""
    port = free_port()
    try:
        ended = start_script("start", HOME, str(port), TOOLS)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        version = (HOME / "installed").read_text().partition("galaxy-app==")[2].split()[0]
        key = (HOME / "server" / "user.key").read_text().strip()
        yield Galaxy(f"http://127.0.0.1:{port}", key, version, galaxy_installed)
    finally:
        start_script("stop", HOME)


@pytest.fixture(scope="session")
def planemo_results(galaxy_server: Galaxy, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Tool id -> the results of its `<test>`s: two calls of planemo side by side, since most of a job is waiting."""
    tools = sorted(path for path in TOOLS.glob("*.xml") if path.name != "macros.xml")
    folder = tmp_path_factory.mktemp("planemo")
    with ThreadPoolExecutor(2) as pool:
        halves = pool.map(lambda half: galaxy_server.planemo_test(folder / str(half), *tools[half::2]), range(2))
    results: dict[str, list[dict[str, Any]]] = {}
    for test in (test for half in halves for test in half):
        results.setdefault(test["id"].rpartition("-")[0], []).append(test["data"])
    return results
