"""What images are made from: pinned packages that fit pyproject.toml, one version, one list of executables."""

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from varproof import __version__
from varproof.commands import EXECUTABLES

try:
    import tomllib
except ImportError:  # Python 3.10, where pytest brings the other
    import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parents[2]
CONTAINERS = REPOSITORY / "containers"
IMAGES = ("core", "cnn-cpu", "cnn-gpu", "core-aarch64", "cnn-cpu-aarch64")
LOCKS = ("build", *IMAGES)


def pinned(name: str) -> dict[str, str]:
    """Version by name of the packages in a lock file; asserts that each has hashes and that nothing else is in it."""
    text = re.sub(r"^ *#.*\n", "", (CONTAINERS / f"{name}.lock").read_text(), flags=re.MULTILINE)
    versions = {}
    for entry in text.replace("\\\n", " ").splitlines():
        requirement, *hashes = entry.split()
        package, _, version = requirement.partition("==")
        assert re.fullmatch(r"[\w.]+", version), entry
        assert hashes and all(re.fullmatch("--hash=sha256:[0-9a-f]{64}", item) for item in hashes), entry
        versions[package] = version
    return versions


@pytest.mark.parametrize("name", LOCKS)
def test_locks_pin_and_name_no_place(name: str) -> None:
    assert pinned(name)
    text = (CONTAINERS / f"{name}.lock").read_text()
    assert "://" not in text and "index" not in text


@pytest.mark.parametrize("name", IMAGES)
def test_locks_fit_what_varproof_needs(name: str) -> None:
    versions = pinned(name)
    place = {"sys_platform": "linux", "platform_machine": "aarch64" if name.endswith("aarch64") else "x86_64", "extra": ""}
    for text in tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(place):
            assert requirement.specifier.contains(versions[requirement.name.lower()]), f"{text}: run containers/lock.sh"


def test_images_share_the_versions_of_what_they_share() -> None:
    locks = [pinned(name) for name in IMAGES]
    for package, version in locks[0].items():
        found = {lock.get(package) for lock in locks[:3]} | {lock.get(package, version) for lock in locks[3:]}
        assert found == {version}, package
    assert set(locks[0]) - set(locks[3]) == {"pyminimap2"}, "it is for x86-64 only; Debian's minimap2 stands in for it"
    assert "tensorflow-cpu" in locks[1] and "tensorflow" in locks[2] and "tensorflow" in locks[4]
    assert not [package for package in (*locks[0], *locks[3]) if "tensorflow" in package]


def test_every_executable_is_run_when_an_image_is_built() -> None:
    lines = (CONTAINERS / "run-all.sh").read_text().splitlines()
    run = {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}
    assert set(EXECUTABLES) <= run


@pytest.mark.parametrize("name", ["Dockerfile", "Singularity.def", "Singularity-standalone.def"])
def test_versions_in_recipes(name: str) -> None:
    found = re.findall(r"(?:VERSION=|varproof(?:-cnn)?:)(\d+\.\d+\.\d+)", (CONTAINERS / name).read_text())
    assert found and set(found) == {__version__}
