"""Prepare a release: the version and the date, in every file that has them.

The version is the literal in `tools/varproof/__init__.py`. What can't read it there has a copy, and `PLACES` lists them:

    python packaging/release.py X.Y.Z [--date 2027-01-31] [--locks]   write all of them, and the date in CHANGES.md
    python packaging/release.py --check vX.Y.Z                        does a tag fit what is written?
    python packaging/release.py --sdist varproof-X.Y.Z.tar.gz         the digest of the published archive, into the recipe

It needs no package, so that it runs before anything is installed.
"""

import argparse
import datetime
import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SOURCE = "tools/varproof/__init__.py"
CHANGES = "CHANGES.md"
CITATION = "CITATION.cff"
RECIPE = "packaging/bioconda/varproof/meta.yaml"
MACROS = "wrappers/galaxy/macros.xml"
WORKFLOWS = "wrappers/galaxy/workflows/*.ga"

VERSION = r"\d+\.\d+\.\d+"
UNKNOWN_DIGEST = "0" * 64
"""In the recipe of a version whose archive is not published yet."""

UNRELEASED = re.compile(r"^## (?P<name>.*?) ?\(not released yet\)$", re.MULTILINE)
RELEASED = re.compile(rf"^## (?P<version>{VERSION}) \((?P<date>\d{{4}}-\d\d-\d\d)\)$", re.MULTILINE)


class ReleaseError(Exception):
    """Why a release can't be prepared: one line."""


class Place(NamedTuple):
    """Files that have the version, and where in them."""

    files: str
    """A pattern of paths."""

    line: str
    """A regular expression of what stands around the version, which is `<version>` in it."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Three groups: before, version, after."""
        before, after = self.line.split("<version>")
        return re.compile(f"({before})({VERSION})({after})", re.MULTILINE)

    def paths(self, root: Path) -> list[Path]:
        """The files that there are; an error without any."""
        if found := sorted(root.glob(self.files)):
            return found
        raise ReleaseError(f"{self.files}: no such file")


IMAGE = r"ghcr\.io/varproof/varproof(?:-cnn)?:<version>"
MODULES = "wrappers/nextflow/modules/varproof/*/"
BIOCONTAINER = r"/(?:biocontainers|singularity)/varproof(?:-cnn)?:<version>--"
"""What BioContainers makes of the recipes: modules name it, as nf-core's do; the pipeline names our images instead."""

PLACES = (
    Place(SOURCE, r'^__version__ = "<version>"$'),
    Place(CITATION, r"^version: <version>$"),
    Place("containers/Dockerfile", r"^ARG VERSION=<version>$"),
    Place("containers/Singularity.def", rf"^    IMAGE={IMAGE}$"),
    Place("containers/Singularity-standalone.def", r"^    VERSION=<version>$"),
    Place("packaging/bioconda/*/meta.yaml", r'^\{% set version = "<version>" %\}$'),
    Place(MACROS, r'<token name="@TOOL_VERSION@"><version></token>'),
    Place(WORKFLOWS, r'"tool_id": "varproof_\w+",\n(?: *"tool_(?:state|uuid)": .*\n)* *"tool_version": "<version>\+galaxy'),
    Place("wrappers/nextflow/nextflow.config", rf"^    image(?:_cnn)? += '{IMAGE}'$"),
    Place("wrappers/nextflow/nextflow.config", r"^    version += '<version>'$"),
    Place("wrappers/nextflow/nextflow_schema.json", rf'"default": "{IMAGE}"'),
    Place(MODULES + "main.nf", BIOCONTAINER),
    Place("wrappers/nextflow/modules/local/sections/main.nf", rf'^    container "{IMAGE}"$'),
    Place("wrappers/nextflow/modules/local/unite/main.nf", rf'^    container "{IMAGE}"$'),
    Place(MODULES + "environment.yml", r"^  - bioconda::varproof(?:-cnn)?=<version>$"),
    Place(MODULES + "tests/main.nf.test.snap", r'"varproof",\s+"<version>"'),
)
"""Every copy of the version. `tests/unit/test_release.py` fails where there is one more."""


def key(version: str) -> tuple[int, ...]:
    """What versions are ordered by."""
    return tuple(int(part) for part in version.split("."))


def current_version(root: Path) -> str:
    """The version that the package says."""
    found = PLACES[0].pattern.search((root / SOURCE).read_text())
    if found is None:
        raise ReleaseError(f"{SOURCE}: no __version__ of three numbers")
    return found.group(2)


def released_version(root: Path) -> str | None:
    """The newest version that has a date in CHANGES.md."""
    versions = [found["version"] for found in RELEASED.finditer((root / CHANGES).read_text())]
    return max(versions, key=key, default=None)


def check_version(root: Path, version: str) -> None:
    """Refuse a version that is not the next. The current one may be released as long as it has no date."""
    if not re.fullmatch(VERSION, version):
        raise ReleaseError(f"'{version}' is not a version: three numbers with dots between, such as 0.2.0")
    current, released = current_version(root), released_version(root)
    if released is not None and key(version) <= key(released):
        raise ReleaseError(f"{version} is not larger than {released}, which {CHANGES} says is released")
    if key(version) < key(current):
        raise ReleaseError(f"{version} is not larger than {current}, the current version")


def git(root: Path, *arguments: str) -> str:
    """What git prints."""
    run = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    if run.returncode:
        raise ReleaseError(f"git {arguments[0]}: {run.stderr.strip()}")
    return run.stdout


def replace(path: Path, pattern: re.Pattern[str], replacement: str) -> None:
    """Put something into every place of a file that fits a pattern; an error without any."""
    text, count = pattern.subn(replacement, path.read_text())
    if not count:
        raise ReleaseError(f"{path}: nothing fits {pattern.pattern}")
    path.write_text(text)


def write_version(root: Path, version: str) -> None:
    """Write the version into all places; what counts builds of a version begins at its first."""
    for place in PLACES:
        for path in place.paths(root):
            replace(path, place.pattern, rf"\g<1>{version}\g<3>")
    replace(root / MACROS, re.compile(r'(<token name="@VERSION_SUFFIX@">)\d+(?=</token>)'), r"\g<1>0")
    for path in sorted(root.glob(WORKFLOWS)):
        replace(path, re.compile(rf'("tool_version": "{re.escape(version)}\+galaxy)\d+'), r"\g<1>0")
    for path in sorted(root.glob("packaging/bioconda/*/meta.yaml")):
        replace(path, re.compile(r"^(  number: )\d+$", re.MULTILINE), r"\g<1>0")
    for path in sorted(root.glob(MODULES + "main.nf")):
        replace(path, re.compile(rf"({BIOCONTAINER.replace('<version>', re.escape(version))}\w+_)\d+(?=')"), r"\g<1>0")
    write_digest(root, UNKNOWN_DIGEST)


def write_digest(root: Path, digest: str) -> None:
    """Write the SHA-256 of the source archive into the recipe that builds from it."""
    replace(root / RECIPE, re.compile(r'^(  sha256: ")[0-9a-f]{64}(?="$)', re.MULTILINE), rf"\g<1>{digest}")


def write_date(root: Path, version: str, date: datetime.date) -> None:
    """Give the section of what is not released yet its version and date; the date to the citation, too."""
    changes = root / CHANGES
    if len(UNRELEASED.findall(changes.read_text())) != 1:
        raise ReleaseError(f"{CHANGES}: not one section '## ... (not released yet)'")
    replace(changes, UNRELEASED, f"## {version} ({date})")
    citation = root / CITATION
    citation.write_text(re.sub(r"^date-released: .*\n", "", citation.read_text(), flags=re.MULTILINE))
    replace(citation, re.compile(r"^(version: .*)$", re.MULTILINE), rf"\g<1>\ndate-released: {date}")


def prepare(root: Path, version: str, date: datetime.date) -> None:
    """All that a release changes but the lock files, in a tree without other changes."""
    check_version(root, version)
    if git(root, "status", "--porcelain"):
        raise ReleaseError("there are changes that are not committed: commit or stash them")
    if git(root, "tag", "--list", f"v{version}"):
        raise ReleaseError(f"there is a tag v{version}")
    try:
        write_date(root, version, date)
        write_version(root, version)
    except ReleaseError:
        git(root, "checkout", "--", ".")
        raise


def check_tag(root: Path, tag: str) -> None:
    """Refuse a tag that is not of the version that the package, every copy and CHANGES.md say."""
    version = current_version(root)
    if tag != f"v{version}":
        raise ReleaseError(f"the tag is {tag}, and the version {version}")
    for place in PLACES:
        for path in place.paths(root):
            found = {match.group(2) for match in place.pattern.finditer(path.read_text())}
            if found != {version}:
                raise ReleaseError(f"{path.relative_to(root)}: {', '.join(sorted(found)) or 'no version'}, not {version}")
    if released_version(root) != version:
        raise ReleaseError(f"{CHANGES} gives {version} no date")


def fill_digest(root: Path, archive: Path) -> str:
    """Write the digest of the published archive into the recipe."""
    wanted = f"varproof-{current_version(root)}.tar.gz"
    if archive.name != wanted:
        raise ReleaseError(f"{archive}: the archive of this version is {wanted}")
    if not archive.is_file():
        raise ReleaseError(f"{archive}: no such file")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    write_digest(root, digest)
    return digest


def by_hand(version: str, locks: bool) -> str:
    """What is left to do."""
    steps = [
        "git diff: is it what you meant?",
        "the lock files of the images, if their packages should be newer: containers/lock.sh, or this command with --locks",
        "make test lint docs test-wrappers audit; make bench robust, which write the results anew",
        f"commit; git tag --annotate v{version}; push both: .github/workflows/release.yml publishes",
        f"python packaging/release.py --sdist varproof-{version}.tar.gz, the published archive; packaging/bioconda to bioconda",
        "the modules of wrappers/nextflow to nf-core/modules, wrappers/galaxy to galaxyproject/tools-iuc: see CONTRIBUTING.md",
    ]
    if locks:
        del steps[1]
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """The command; 0, or 1 with one line on stderr."""
    parser = argparse.ArgumentParser(description="Prepare a release, or check one.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("version", nargs="?", help="the version to be released")
    what.add_argument("--check", metavar="TAG", help="only check that this tag fits what is written")
    what.add_argument("--sdist", type=Path, metavar="ARCHIVE", help="only write the digest of this archive into the recipe")
    parser.add_argument("--date", type=datetime.date.fromisoformat, help="the date of the release [today]")
    parser.add_argument("--locks", action="store_true", help="make the lock files of the images anew; needs uv")
    options = parser.parse_args(arguments)
    try:
        if options.check is not None:
            check_tag(root, options.check)
        elif options.sdist is not None:
            print(fill_digest(root, options.sdist))
        else:
            prepare(root, options.version, options.date or datetime.date.today())
            if options.locks and subprocess.run(["sh", "containers/lock.sh"], cwd=root).returncode:
                raise ReleaseError("containers/lock.sh failed; all else is written")
            print(f"{options.version} is written. By hand:\n{by_hand(options.version, options.locks)}")
    except ReleaseError as error:
        print(f"release.py: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
