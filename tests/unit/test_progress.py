"""Progress on a terminal, in a log, and with --quiet."""

import io
import logging
import sys

import pytest

from varproof.commands.base import _start_logging
from varproof.machinery import progress as module
from varproof.machinery.progress import duration, progress


def test_lines_tell_done_total_and_the_time_left(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    clock = iter([0.0, 4.0, 12.0, 15.0, 40.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with caplog.at_level("INFO"), progress(100, "collecting") as advance:
        for n in (10, 10, 10, 50):
            advance(n)
    assert [record.message for record in caplog.records] == [
        "collecting: 20/100, about 0:48 left",  # 12 s for 20: 48 s for the other 80
        "collecting: 80/100, about 0:10 left",
    ]


def test_an_unknown_total(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    clock = iter([0.0, 11.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with caplog.at_level("INFO"), progress(None, "reading") as advance:
        advance(7)
    assert caplog.messages == ["reading: 7"]


def test_quiet(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level("WARNING"), progress(2, "reading") as advance:
        advance(2)
    assert not caplog.messages


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_on_a_terminal_lets_log_lines_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        _start_logging("collect-evidence", "info", False)
        with progress(10, "collecting") as advance:
            advance(4)
            logging.getLogger("varproof").info("a line")
    finally:
        root.handlers[:], _ = before
        root.setLevel(before[1])
    assert "collecting" in terminal.getvalue() and "4/10" in terminal.getvalue()
    assert "INFO: a line" in terminal.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3723, "1:02:03")])
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text
