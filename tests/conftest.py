"""Settings of all tests."""

import logging
import os

import pytest
from hypothesis import settings

# The same examples in each run, so that a change fails by what it changed; `make robust` draws others.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("searching", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# Executables that tests start run as they do for users. Only the processes of the tests themselves are measured (`make test`).
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


@pytest.fixture(autouse=True)
def _only_warnings_are_logged() -> None:
    """An executable that ran in this process sets the level of all that follow: what a test sees is not to depend on it."""
    logging.getLogger().setLevel(logging.WARNING)
