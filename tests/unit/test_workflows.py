"""The workflows of a public host: what can be told of them by reading, and what linters say where they are installed."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

try:
    import tomllib
except ImportError:  # Python 3.10, where pytest brings the other
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()

LINTERS = {
    "actionlint": ["actionlint", "-color=false"],
    "zizmor": ["zizmor", "--offline", "--config", ROOT / ".github" / "zizmor.yml"],
}


def workflow(name: str) -> dict[str, Any]:
    """A workflow; YAML 1.1 takes its key `on` for a truth value."""
    read = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    read["on"] = read.pop(True)
    return read


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{path.stem}: {name}", job) for path in FILES for name, job in workflow(path.stem)["jobs"].items()]


def steps() -> list[tuple[str, dict[str, Any]]]:
    return [(name, step) for name, job in jobs() for step in job["steps"]]


@pytest.mark.parametrize("linter", LINTERS)
def test_linters_find_nothing(linter: str) -> None:
    if shutil.which(linter) is None:
        pytest.skip(f"{linter} is not installed")
    run = subprocess.run([*LINTERS[linter], *FILES], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_there_are_workflows() -> None:
    assert [path.stem for path in FILES] == ["release", "test"]


def test_each_may_do_no_more_than_it_must() -> None:
    """Reading at first; a job that needs more says so by itself. No token stays where the code of a change runs."""
    for path in FILES:
        assert workflow(path.stem)["permissions"] == {"contents": "read"}
        assert workflow(path.stem)["concurrency"]["group"].endswith("${{ github.ref }}")
    allowed = {
        "release: build": {"contents", "id-token", "attestations"},
        "release: pypi": {"id-token"},
        "release: image": {"contents", "packages", "id-token", "attestations"},
        "release: manifest": {"packages"},
    }
    assert {name: set(job["permissions"]) for name, job in jobs() if "permissions" in job} == allowed
    assert all(job["timeout-minutes"] <= 180 for _, job in jobs())
    checkouts = [step for _, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == 5 and all(step["with"] == {"persist-credentials": False} for step in checkouts)


def test_what_is_run_takes_no_text_of_others() -> None:
    """Expressions go into a command by its environment, where a shell does not read them as code."""
    for name, step in steps():
        assert "${{" not in step.get("run", ""), name


def test_actions_are_of_few_owners_and_of_a_version() -> None:
    used = {step["uses"] for _, step in steps() if "uses" in step}
    known = re.compile(r"actions/[\w-]+@(?:v\d+|[0-9a-f]{40})|pypa/gh-action-pypi-publish@release/v1")
    assert used and all(known.fullmatch(name) for name in used)
    versions = {name.partition("@")[0] for name in used}
    assert len(versions) == len(used), "one version of each"


def test_targets_and_files_that_are_run_exist() -> None:
    targets = set(re.findall(r"^([\w./-]+):", MAKEFILE, re.MULTILINE))
    made = {target for _, step in steps() for target in re.findall(r"\bmake ([\w./-]+)", step.get("run", ""))}
    assert {"lint", "docs", "test"} <= made <= targets
    commands = "\n".join(step.get("run", "") for _, step in steps())
    named = set(re.findall(r"(?<![\w/.$])((?:packaging|containers|tests)/[\w./-]+)", commands))
    assert {"packaging/release.py", "containers/Dockerfile"} <= named
    assert all((ROOT / name).exists() for name in named)
    assert "/containers/run-all.sh" in commands


def test_the_matrix_has_every_python_that_is_named() -> None:
    matrix = workflow("test")["jobs"]["test"]["strategy"]["matrix"]
    classifiers = re.findall(r"Python :: (3\.\d+)\n", "\n".join(PROJECT["classifiers"]) + "\n")
    assert matrix["python"] == classifiers == ["3.10", "3.11", "3.12", "3.13"]
    assert PROJECT["requires-python"] == f">={classifiers[0]}"
    assert matrix["os"] == ["ubuntu-latest", "macos-latest"]


def test_nothing_is_published_before_the_tag_was_checked() -> None:
    release = workflow("release")
    assert release["on"] == {"push": {"tags": ["v*"]}}
    after: dict[str, set[str]] = {}
    for name, job in release["jobs"].items():
        needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
        after[name] = {*needs, *(earlier for need in needs for earlier in after[need])}
    assert after["check"] == set() and all("check" in earlier for name, earlier in after.items() if name != "check")
    assert {"check", "build"} <= after["image"] and "image" in after["manifest"]
    assert {"build", "image"} <= after["pypi"], "what can't be taken back comes last"
    first = release["jobs"]["check"]["steps"][1]
    assert 'packaging/release.py --check "$GITHUB_REF_NAME"' in first["run"]


def test_images_of_both_architectures_take_locks_that_exist() -> None:
    image = workflow("release")["jobs"]["image"]
    assert image["strategy"]["matrix"] == {"target": ["core", "cnn"], "architecture": ["amd64", "arm64"]}
    text = (FOLDER / "release.yml").read_text()
    assert "--provenance mode=max --sbom true" in text and "${{ vars.IMAGE_REGISTRY }}" in text
    suffixes = re.findall(r"'(-?\w*)'", image["env"]["LOCKS"])[1:]
    assert suffixes == ["-aarch64", ""]
    dockerfile = (ROOT / "containers" / "Dockerfile").read_text()
    assert dockerfile.count("ARG LOCKS=\n") == 2 and dockerfile.count("${LOCKS}.lock") == 2
    for suffix in suffixes:
        assert all((ROOT / "containers" / f"{lock}{suffix}.lock").is_file() for lock in ("core", "cnn-cpu"))
    stages = set(re.findall(r"^FROM \S+ AS ([\w-]+)$", dockerfile, re.MULTILINE))
    assert set(image["strategy"]["matrix"]["target"]) <= stages
