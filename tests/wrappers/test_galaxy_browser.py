"""Galaxy in a real browser: log in, choose data, judge candidates, watch the job turn green, open the report."""

import shutil
import subprocess
from pathlib import Path

import pytest

from wrappers.galaxy import Galaxy
from wrappers.machine import TEST_DATA, ran_on

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's version; installed where that may be done."""
    if shutil.which("chromium") is None:
        for step in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            if shutil.which("apt-get") is None or subprocess.run(step, capture_output=True).returncode:
                pytest.skip("there is no chromium, and it can't be installed")
    return subprocess.run(["chromium", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]


def test_browser(request: pytest.FixtureRequest, galaxy_server: Galaxy, chromium: str, tmp_path: Path) -> None:
    """in a browser: score-posterior's form, its job, and the report of evaluate-calls"""
    ran_on(request, "Galaxy", f"{galaxy_server.version}, Chromium {chromium}")
    seen = galaxy_server.script("galaxy_browser.py", TEST_DATA, tmp_path, folder=tmp_path)
    first = ["Candidate variants", "Tumour", "Matched normal", "Reference genome", "Purity of the tumour sample", "Regions"]
    assert seen["labels"][: len(first)] == first
    assert seen["report"]["title"] == "Calls against the truth"
    assert seen["report"]["pictures"] >= 3
    assert "195 candidate calls" in seen["report"]["text"] and "48 true variants" in seen["report"]["text"]
    for picture in ("form.png", "report.png"):
        assert (tmp_path / picture).stat().st_size > 20_000
