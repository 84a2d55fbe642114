"""Galaxy in a real browser: log in, choose data, judge candidates, watch the job turn green, open the report."""

import subprocess
from pathlib import Path

import pytest

from wrappers.containers import installed
from wrappers.galaxy import Galaxy
from wrappers.machine import TEST_DATA, ran_on

pytestmark = pytest.mark.timeout(2400)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's version; installed where that may be done."""
    installed("chromium", "install-package.sh", "chromium")
    return subprocess.run(["chromium", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def test_browser(request: pytest.FixtureRequest, galaxy_server: Galaxy, chromium: str, tmp_path: Path) -> None:
    """in a browser: score-posterior's form, its job, and the report of evaluate-calls"""
    ran_on(request, "Galaxy", f"{galaxy_server.version}, Chromium {chromium}")
    seen = galaxy_server.script("galaxy_browser.py", TEST_DATA, tmp_path, folder=tmp_path)
    first = ["Candidate variants", "Tumour", "Matched normal", "Reference genome", "Fraction of tumour cells"]
    assert seen["labels"][: len(first)] == first
    assert {"Copy numbers of the tumour", "Regions"} <= set(seen["labels"])
    assert seen["report"]["title"] == "Calls against the truth"
    assert seen["report"]["pictures"] >= 3
    assert "195 candidate calls" in seen["report"]["text"] and "48 true variants" in seen["report"]["text"]
    for picture in ("form.png", "report.png"):
        assert (tmp_path / picture).stat().st_size > 20_000
