"""The Galaxy tools: linted by planemo, and each `<test>` of each tool run on a real server."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from wrappers.galaxy import TOOLS, Galaxy
from wrappers.machine import ran_on

pytestmark = pytest.mark.timeout(2400)
EXECUTABLES = sorted(path.stem for path in TOOLS.glob("*.xml") if path.name != "macros.xml")
# Whether bio.tools knows varproof is for bio.tools to say; all else is for the files.
NOT_LINTED = "BioToolsValid"


def test_lint(request: pytest.FixtureRequest, galaxy_server: Galaxy, tmp_path: Path) -> None:
    """planemo lint: no warnings in any tool"""
    ran_on(request, "Galaxy", galaxy_server.version)
    tools = [TOOLS / f"{name}.xml" for name in EXECUTABLES]
    ended = galaxy_server.run("planemo", "lint", "--fail_level", "warn", "--skip", NOT_LINTED, *tools, folder=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "WARNING" not in ended.stdout and "ERROR" not in ended.stdout
    assert ended.stdout.count("Linting tool") == len(EXECUTABLES)


def test_all(request: pytest.FixtureRequest, galaxy_server: Galaxy) -> None:
    """planemo test: all <test>s of all tools are run, two calls side by side"""
    ran_on(request, "Galaxy", galaxy_server.version)
    results = request.getfixturevalue("planemo_results")
    assert set(results) == {"varproof_" + name.replace("-", "_") for name in EXECUTABLES}


def problems_of(result: dict[str, Any]) -> str:
    job = result.get("job") or {}
    shown = [
        result.get("execution_problem"),
        *(result.get("output_problems") or []),
        job.get("command_line"),
        job.get("stderr"),
    ]
    return "\n".join(str(item) for item in shown if item)


@pytest.mark.parametrize("executable", EXECUTABLES)
def test_tool(
    request: pytest.FixtureRequest, galaxy_server: Galaxy, planemo_results: dict[str, list[dict[str, Any]]], executable: str
) -> None:
    """planemo test: the results of the tool's <test>s"""
    ran_on(request, "Galaxy", galaxy_server.version)
    tests = ElementTree.parse(TOOLS / f"{executable}.xml").findall("tests/test")
    results = planemo_results["varproof_" + executable.replace("-", "_")]
    assert len(results) == len(tests)
    for number, result in enumerate(results, 1):
        assert result["status"] == "success", f"test {number}: {problems_of(result)}"
