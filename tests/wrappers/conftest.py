"""The table of what was run on the engines that run varproof for its users (Docker, Nextflow, Galaxy, ...).

A fixture of an engine starts it once, installing it where that may be done, skips with the reason where it can't be had,
and calls `wrappers.machine.ran_on`. The table at the end has one line per test: engine, version, first line of the test's
docstring, seconds (of what it was the first to need, too) and result.

With `VARPROOF_ENGINES=optional`, as in CI, what an engine needs and a machine can't give (a registry that does not answer while
an image is built) makes its tests "not run" with the reason; without it they fail. `VARPROOF_MINUTES` is for how long tests
may begin: later ones are "not run", too, so that a slow machine comes to an end.
"""

import os
import time
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table
from xdist.scheduler import LoadScopeScheduling

from wrappers.callers import mutect2  # noqa: F401
from wrappers.containers import (  # noqa: F401
    apptainer,
    cnn_image,
    cnn_sif,
    core_image,
    core_sif,
    docker,
    podman,
    standalone_sif,
    user,
)
from wrappers.galaxy import galaxy_installed, galaxy_server, planemo_results  # noqa: F401
from wrappers.ordinary_user import cnn_run, core_run, standalone_run  # noqa: F401
from wrappers.workflow import multiqc, nextflow, podman_core_image, slurm  # noqa: F401

RESULTS = {"passed": "ok", "failed": "FAILED", "error": "FAILED", "skipped": "not run"}
collect_ignore = ["engines"]


class ByEngine(LoadScopeScheduling):
    """One process for what needs images, and one for Galaxy, whose tests share a server, and the rest."""

    def _split_scope(self, nodeid: str) -> str:
        needs_images = "test_images.py" in nodeid or "test_nextflow.py" in nodeid
        return "images" if needs_images and "standalone" not in nodeid else "others"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return ByEngine(config, log)


BEGUN = time.monotonic()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    minutes = float(os.environ.get("VARPROOF_MINUTES", "inf"))
    if time.monotonic() - BEGUN > 60 * minutes:
        pytest.skip(f"{minutes:g} minutes had gone by")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> pytest.TestReport:
    report = yield
    if report.when == "setup" and report.failed and os.environ.get("VARPROOF_ENGINES") == "optional":
        reason = " ".join(str(call.excinfo.value).split())[-500:] if call.excinfo else ""
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, f"Skipped: could not be set up: {reason}")
    described = (getattr(item, "function", None).__doc__ or item.name).strip().splitlines()[0]
    parameters = getattr(item, "callspec", None)
    report.user_properties.append(("what", f"{described} [{parameters.id}]" if parameters else described))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    seconds: dict[str, float] = {}
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if isinstance(report, pytest.TestReport):
            seconds[report.nodeid] = seconds.get(report.nodeid, 0.0) + report.duration
    rows: dict[str, tuple[str, str, float, str]] = {}
    for outcome in RESULTS:
        for report in terminalreporter.stats.get(outcome, []):
            properties = dict(report.user_properties)
            if "wrappers" in report.nodeid and "what" in properties:
                result = RESULTS[outcome]
                if outcome == "skipped" and isinstance(report.longrepr, tuple):
                    result += ": " + report.longrepr[2].removeprefix("Skipped: ")
                rows[report.nodeid] = (properties.get("engine", ""), properties["what"], seconds[report.nodeid], result)
    if not rows:
        return
    table = Table("engine", "what ran", "seconds", "result", title="Wrappers", title_justify="left")
    for column, ratio in zip(table.columns, (4, 12, 1, 3), strict=True):
        column.ratio, column.min_width = ratio, 7
    for engine, what, taken, result in sorted(rows.values()):
        table.add_row(engine, what, f"{taken:.0f}", result)
    Console(file=terminalreporter._tw._file, width=160, markup=False).print(table)
