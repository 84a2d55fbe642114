"""A release: one version everywhere, what packaging/release.py changes and refuses, conda recipes that fit pyproject.toml."""

import datetime
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from jinja2 import Environment, StrictUndefined
from packaging.requirements import Requirement

from varproof import __version__

try:
    import tomllib
except ImportError:  # Python 3.10, where pytest brings the other
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DATE = datetime.date(2031, 5, 17)

RECORDS = {
    "CHANGES.md": "what was released when",
    "test-data": "made by make test-data; evidence says of which version",
    "tests/benchmarks/RESULTS.md": "made by make bench, which says of which version",
    "tests/benchmarks/results.json": "made by make bench, which says of which version",
}
"""Files and folders that name versions and are no copies of the current one."""

CONDA_NAMES = {"isal": "python-isal", "matplotlib": "matplotlib-base", "pyminimap2": "minimap2"}
"""What packages are called in conda, where not as in PyPI; the last is the command, which simulate-pair can use as well."""


def _release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / "packaging" / "release.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["release"] = module
    spec.loader.exec_module(module)
    return module


release = _release()


def tracked() -> list[Path]:
    """What git knows of, or would if it were added."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git repository")
    return [Path(line) for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A repository of the files that a release changes."""
    root = tmp_path / "copy"
    paths = {path for place in release.PLACES for path in place.paths(ROOT)} | {ROOT / "CHANGES.md"}
    for path in paths:
        target = root / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    changes = root / "CHANGES.md"
    text = changes.read_text()
    if "not released yet" not in text:  # right after a release
        changes.write_text(text.replace("# Changes\n", "# Changes\n\n## Next (not released yet)\n\n- Something.\n", 1))
    git(tmp_path, "init", "--quiet", str(root))
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "before")
    return root


def test_the_version_is_one() -> None:
    """Every copy is that of the package, and there is none that the release command does not know."""
    known = set(RECORDS)
    for place in release.PLACES:
        for path in place.paths(ROOT):
            found = [match.group(2) for match in place.pattern.finditer(path.read_text())]
            assert found and set(found) == {__version__}, path
            known.add(path.relative_to(ROOT).as_posix())
    stated = re.compile(
        rf"""(?:varproof(?:-cnn)?["']?(?::|==?|[ ]+)v?|(?<![-\w])version["']?\s*[:=]+\s*["']?|\bVERSION=)"""
        rf"""{re.escape(__version__)}(?![.\d])""",
        re.IGNORECASE,
    )
    others = {path.as_posix() for path in tracked() if known.isdisjoint({path.as_posix(), path.parts[0]})}
    others = {name for name in others if stated.search((ROOT / name).read_bytes().decode(errors="ignore"))}
    assert not others, "copies of the version that packaging/release.py does not know"


def test_every_place_of_a_file_is_written(copy: Path) -> None:
    """No file but CHANGES.md, whose older sections keep theirs, has the old version afterwards."""
    before = {path: path.read_text() for path in copy.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert all(__version__ in text for path, text in before.items() if path.name != "CHANGES.md")
    assert release.main(["99.98.97", "--date", str(DATE)], root=copy) == 0
    for path in before:
        text = path.read_text()
        if path.name != "CHANGES.md":
            assert not re.search(rf"(?<![\d.]){re.escape(__version__)}(?![\d.])", text), path
            assert text.count("99.98.97") == before[path].count(__version__), path
    changes = (copy / "CHANGES.md").read_text()
    assert changes.startswith(f"# Changes\n\n## 99.98.97 ({DATE})\n\n- ") and "not released yet" not in changes
    assert changes.splitlines()[3:] == before[copy / "CHANGES.md"].splitlines()[3:]
    citation = yaml.safe_load((copy / "CITATION.cff").read_text())
    assert citation["version"] == "99.98.97" and citation["date-released"] == DATE


def test_a_release_is_followed_by_the_next(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["99.0.0", "--date", str(DATE)], root=copy) == 0
    assert "git tag --annotate v99.0.0" in capsys.readouterr().out
    assert release.main(["--check", "v99.0.0"], root=copy) == 0
    git(copy, "commit", "--all", "--quiet", "--message", "release")

    assert release.main(["99.1.0"], root=copy) == 1
    assert "not one section" in capsys.readouterr().err
    changes = copy / "CHANGES.md"
    changes.write_text(
        changes.read_text().replace("# Changes\n", "# Changes\n\n## Next (not released yet)\n\n- Something.\n", 1)
    )
    assert release.main(["99.1.0"], root=copy) == 1
    assert "not committed" in capsys.readouterr().err
    git(copy, "commit", "--all", "--quiet", "--message", "more")

    for version, reason in (("99.0.0", "not larger than 99.0.0"), ("98.5.0", "not larger"), ("99.1", "three numbers")):
        assert release.main([version], root=copy) == 1
        assert reason in capsys.readouterr().err
    git(copy, "tag", "v99.1.0")
    assert release.main(["99.1.0"], root=copy) == 1
    assert "there is a tag v99.1.0" in capsys.readouterr().err
    assert release.current_version(copy) == "99.0.0"

    assert release.main(["99.10.0", "--date", "2031-06-01"], root=copy) == 0
    text = changes.read_text()
    assert f"## 99.10.0 (2031-06-01)\n\n- Something.\n\n## 99.0.0 ({DATE})" in text
    assert (copy / "CITATION.cff").read_text().count("date-released") == 1


def test_a_tree_stays_as_it_was_where_a_place_is_missing(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = copy / "wrappers/nextflow/modules/varproof/train/main.nf"
    module.write_text(module.read_text().replace("varproof-cnn", "another"))
    git(copy, "commit", "--all", "--quiet", "--message", "spoilt")
    assert release.main(["99.0.0"], root=copy) == 1
    assert "train/main.nf" in capsys.readouterr().err
    assert release.current_version(copy) == __version__
    assert "not released yet" in (copy / "CHANGES.md").read_text()


def test_a_tag_must_be_of_what_is_written(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["99.0.0"], root=copy) == 0
    assert release.main(["--check", "v99.0.1"], root=copy) == 1
    assert "the tag is v99.0.1, and the version 99.0.0" in capsys.readouterr().err
    macros = copy / "wrappers/galaxy/macros.xml"
    macros.write_text(macros.read_text().replace("99.0.0", "98.0.0"))
    assert release.main(["--check", "v99.0.0"], root=copy) == 1
    assert "macros.xml: 98.0.0, not 99.0.0" in capsys.readouterr().err


def test_a_tag_of_what_has_no_date_is_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes = copy / "CHANGES.md"
    changes.write_text(f"# Changes\n\n## {__version__} (not released yet)\n")
    assert release.main(["--check", f"v{__version__}"], root=copy) == 1
    assert "no date" in capsys.readouterr().err


def test_the_digest_of_the_archive_goes_into_the_recipe(copy: Path, tmp_path: Path) -> None:
    archive = tmp_path / f"varproof-{__version__}.tar.gz"
    assert release.main(["--sdist", str(archive)], root=copy) == 1
    archive.write_bytes(b"archive")
    assert release.main(["--sdist", str(archive)], root=copy) == 0
    digest = hashlib.sha256(b"archive").hexdigest()
    assert recipe("varproof", copy)["source"]["sha256"] == digest
    assert release.main(["99.0.0"], root=copy) == 1, "the recipe has changed"
    git(copy, "commit", "--all", "--quiet", "--message", "digest")
    assert release.main(["99.0.0"], root=copy) == 0
    assert recipe("varproof", copy)["source"]["sha256"] == "0" * 64, "that of the older archive"
    assert release.main(["--sdist", str(archive)], root=copy) == 1, "an archive of another version"


def test_three_papers_are_cited_as_the_documentation_does() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    cited = {reference["doi"]: reference for reference in citation["references"]}
    page = " ".join((ROOT / "docs/index.md").read_text().split("## Citation")[1].replace("\n>", "\n").split())
    assert set(cited) == set(re.findall(r"https://doi\.org/([^)\s]+)", page)) and len(cited) == 3
    for reference in cited.values():
        title = " ".join(reference["title"].split())
        assert title in page and reference["authors"][0]["family-names"] in page
        assert f"{reference['volume']}, {reference['start']} ({reference['year']})" in page


def recipe(name: str, root: Path = ROOT) -> dict[str, Any]:
    """A conda recipe as conda-build reads it."""
    text = (root / "packaging" / "bioconda" / name / "meta.yaml").read_text()
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    rendered = environment.from_string(text).render(
        PYTHON="python", pin_subpackage=lambda package, max_pin: f"{package} up to {max_pin}"
    )
    parsed = yaml.safe_load(rendered)
    assert isinstance(parsed, dict)
    return parsed


def wanted(requirements: list[str]) -> dict[str, str]:
    """Constraint by conda's name, of what pyproject.toml lists."""
    parsed = [Requirement(text) for text in requirements]
    return {CONDA_NAMES.get(item.name, item.name): constraint(str(item.specifier)) for item in parsed}


def constraint(text: str) -> str:
    return ",".join(sorted(text.replace(" ", "").split(",")))


def required(recipe: dict[str, Any], section: str) -> dict[str, str]:
    """Constraint by name, of what a recipe lists; bioconda wants a space between."""
    entries = recipe["requirements"][section]
    assert all(re.fullmatch(r"[\w.-]+(?: [<>=!]\S*)?", entry) for entry in entries), entries
    found = {name: constraint(rest) for name, _, rest in (entry.partition(" ") for entry in entries)}
    assert len(found) == len(entries)
    return found


def test_the_recipe_requires_what_the_package_does() -> None:
    meta = recipe("varproof")
    python = {"python": PROJECT["requires-python"]}
    assert required(meta, "run") == wanted(PROJECT["dependencies"]) | python
    backend = wanted(tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"])
    assert required(meta, "host") == backend | python | {"pip": ""}
    assert meta["build"]["noarch"] == "python", "nothing in the package is compiled when it is built"


def test_the_recipe_makes_and_tries_every_executable() -> None:
    meta = recipe("varproof")
    assert meta["build"]["entry_points"] == [f"{name} = {target}" for name, target in PROJECT["scripts"].items()]
    assert {f"{name} --help" for name in PROJECT["scripts"]} <= set(meta["test"]["commands"])


def test_the_recipe_of_networks_adds_tensorflow_to_the_same_version() -> None:
    meta = recipe("varproof-cnn")
    networks = wanted(PROJECT["optional-dependencies"]["cnn"])
    assert required(meta, "run") == networks | {"varproof": f"=={__version__}"}
    assert "source" not in meta and meta["build"]["noarch"] == "generic"


@pytest.mark.parametrize("name", ["varproof", "varproof-cnn"])
def test_modules_name_the_build_that_the_recipe_makes(name: str, copy: Path) -> None:
    """In the image's tag; a new version begins anew at build 0."""
    build = recipe(name)["build"]
    kind = {"python": "pyhdfd78af", "generic": "hdfd78af"}[build["noarch"]]
    module = "wrappers/nextflow/modules/varproof/" + ("train" if name == "varproof-cnn" else "gather") + "/main.nf"
    tag = f"/{name}:{__version__}--{kind}_{build['number']}'"
    assert (ROOT / module).read_text().count(tag) == 2

    rebuilt = copy / module
    rebuilt.write_text(rebuilt.read_text().replace(tag, f"/{name}:{__version__}--{kind}_12'"))
    git(copy, "commit", "--all", "--quiet", "--message", "rebuilt")
    assert release.main(["99.0.0"], root=copy) == 0
    assert rebuilt.read_text().count(f"/{name}:99.0.0--{kind}_0'") == 2


@pytest.mark.parametrize("name", ["varproof", "varproof-cnn"])
def test_recipes_pass_what_bioconda_checks(name: str) -> None:
    """Of its linter what needs no other recipe: completeness, policy, syntax."""
    meta = recipe(name)
    assert meta["package"] == {"name": name, "version": __version__}
    assert meta["build"]["number"] == 0 and "skip" not in meta["build"]
    assert meta["build"]["run_exports"] == [f"{name} up to x.x"]
    assert meta["test"]["commands"]
    about = meta["about"]
    assert about["license"] == PROJECT["license"] and about["home"] and about["dev_url"] and about["doc_url"]
    assert 0 < len(about["summary"]) <= 120 and not about["summary"].endswith(".")
    assert meta["extra"]["recipe-maintainers"]
    assert all(re.fullmatch(r"(?:doi|biotools):\S+", item) for item in meta["extra"]["identifiers"])
    dois = {item.partition(":")[2] for item in meta["extra"]["identifiers"] if item.startswith("doi:")}
    assert dois == {entry["doi"] for entry in yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]}
    if "source" in meta:
        assert meta["source"]["url"] == f"https://pypi.org/packages/source/v/varproof/varproof-{__version__}.tar.gz"
        assert re.fullmatch("[0-9a-f]{64}", meta["source"]["sha256"])
        assert (ROOT / about["license_file"]).is_file()


def test_addresses_are_public() -> None:
    """No package index but PyPI in what a release is made from, nor a machine."""
    folders = [ROOT / "packaging", ROOT / ".github"]
    for path in (path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".yaml", ".yml")):
        hosts = set(re.findall(r"https?://([^/\s\"'}]+)", path.read_text()))
        assert hosts <= {"pypi.org", "github.com"}, path
