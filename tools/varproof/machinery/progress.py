"""How far a long run has come: a bar on a terminal, dated log lines elsewhere, nothing with --quiet."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator

from varproof.machinery.interruption import undone_if_interrupted

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0


@contextlib.contextmanager
def progress(total: int | None, description: str) -> Iterator[Callable[[int], None]]:
    """Yield `advance(n)`, to be called when n more of `total` (None: not known) are done.

    A run whose log shows no information (`--quiet`) shows no progress either. Lines come at most every
    `SECONDS_BETWEEN_LINES`, so that short runs print none.
    """
    if not logger.isEnabledFor(logging.INFO):
        yield lambda n: None
    elif sys.stderr.isatty():
        with _bar(total, description) as advance:
            yield advance
    else:
        yield _Lines(total, description)


@contextlib.contextmanager
def _bar(total: int | None, description: str) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        undone_if_interrupted(_show_cursor),
        Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as bar,
    ):
        task = bar.add_task(description, total=total)
        yield lambda n: bar.advance(task, n)


def _show_cursor() -> None:
    os.write(sys.stderr.fileno(), b"\r\x1b[2K\x1b[?25h")


class _Lines:
    """Logs done/total and the time left, estimated from the pace so far."""

    def __init__(self, total: int | None, description: str) -> None:
        self.total = total
        self.description = description
        self.done = 0
        self.begun = self.told = time.monotonic()

    def __call__(self, n: int) -> None:
        self.done += n
        now = time.monotonic()
        if now - self.told < SECONDS_BETWEEN_LINES or self.done == 0:
            return
        self.told = now
        if self.total is None:
            logger.info("%s: %d", self.description, self.done)
            return
        left = (now - self.begun) * max(0, self.total - self.done) / self.done
        logger.info("%s: %d/%d, about %s left", self.description, self.done, self.total, duration(left))


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, as in 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
