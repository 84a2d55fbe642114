"""What tests of wrappers share: where things lie, and the note of which engine a test ran on."""

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TEST_DATA = REPOSITORY / "test-data"
ENGINES = Path(__file__).resolve().parent / "engines"


def ran_on(request: pytest.FixtureRequest, engine: str, version: str) -> None:
    """Note on which engine, and which version of it, the running test ran."""
    request.node.user_properties.append(("engine", f"{engine} {version}"))
