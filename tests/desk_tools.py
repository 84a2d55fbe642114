"""Node, its packages and a browser for tests of the reviewer's page; where there is none, a test skips and says so."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ROOT / "tests" / "desk"
SCRIPTS = ROOT / "tools" / "varproof" / "report" / "desk"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MILLISECONDS = 60_000


def node() -> str:
    """The program `node`."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed: the page's script is not tested")
    return found


@cache
def _installed() -> Path | str:
    """The folder with the packages of tests/desk/package.json; or why there is none."""
    target = ROOT / "build" / "desk"
    if (target / "node_modules").is_dir() and (target / "package.json").read_text() == _wanted():
        return target
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    target.parent.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="desk-", dir=target.parent))
    try:
        shutil.copy(PACKAGES / "package.json", made)
        install = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund"]
        ran = subprocess.run(install, cwd=made, capture_output=True, text=True, timeout=600)
        if ran.returncode:
            return f"npm can't install what the test needs: {' '.join(ran.stderr.split())[-200:]}"
        shutil.rmtree(target, ignore_errors=True)
        with suppress(OSError):  # another process was faster
            made.rename(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return target


def _wanted() -> str:
    return (PACKAGES / "package.json").read_text()


def node_packages() -> Path:
    """A folder with node_modules."""
    found = _installed()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@contextmanager
def browser_page(**context: Any) -> Iterator[Any]:
    """A page of a real browser, from which nothing is reached but files; errors of its scripts fail the test at the end."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: no browser was used")
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium is installed: no browser was used")
    asked: list[str] = []
    wrong: list[str] = []

    def only_files(route: Any) -> None:
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_context(**context).new_page()
        page.set_default_timeout(MILLISECONDS)
        page.route("**/*", only_files)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        yield page
        browser.close()
    assert not asked, "the page asked for something"
    assert not wrong, wrong
