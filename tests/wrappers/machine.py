"""What tests of wrappers share: where things lie, what this machine must have, and the note of which engine a test ran on."""

import shutil
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TEST_DATA = REPOSITORY / "test-data"
ENGINES = Path(__file__).resolve().parent / "engines"
DAEMONS = REPOSITORY / "build" / "daemons"


def ran_on(request: pytest.FixtureRequest, engine: str, version: str) -> None:
    """Note on which engine, and which version of it, the running test ran."""
    request.node.user_properties.append(("engine", f"{engine} {version}"))


def require_space(folder: Path, gigabytes: int) -> None:
    """Skip where the file system of a folder has less free space."""
    free = shutil.disk_usage(folder).free / 1e9
    if free < gigabytes:
        pytest.skip(f"{gigabytes} GB are needed under {folder}, {free:.1f} GB are free")
