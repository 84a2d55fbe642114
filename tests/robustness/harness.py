"""Executables run on hostile input: each run in a forked process, so that a crash or a hang is seen and told."""

import contextlib
import fcntl
import io
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from patience import PATIENCE

MOST_SAID = 1 << 20
LONGEST_RUN = PATIENCE
"""Seconds after which a run hangs."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: exit status (negative: the signal that killed it), what it said on stderr, seconds."""

    status: int
    said: str
    seconds: float


def entry_point(name: str) -> Callable[[], None]:
    """The function behind an executable's console script."""
    return import_module(f"varproof.commands.{name.replace('-', '_')}").main


@dataclass(frozen=True)
class Started:
    """A run that has begun: its process, the pipe that it speaks into (not a file: files may be limited), and when."""

    pid: int
    speech: int
    begun: float

    def wait(self) -> Ended:
        """How it ended; killed after `LONGEST_RUN`."""
        while True:
            done, state = os.waitpid(self.pid, os.WNOHANG)
            seconds = time.monotonic() - self.begun
            if done:
                return Ended(os.waitstatus_to_exitcode(state), self._said(), seconds)
            if seconds > LONGEST_RUN:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return Ended(-signal.SIGKILL, self._said() + "\nhangs", seconds)
            time.sleep(0.002)

    def _said(self) -> str:
        with os.fdopen(self.speech, "rb") as pipe:
            os.set_blocking(pipe.fileno(), False)  # a worker may have outlived the run, with the other end
            return (pipe.read(MOST_SAID) or b"").decode(errors="replace")


def started(name: str, arguments: Sequence[object], first: Callable[[], None] | None = None) -> Started:
    """Start an executable in a child of this process, which has all kernels loaded; `first` is what the child does before."""
    main, begun = entry_point(name), time.monotonic()
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, MOST_SAID)
    sys.stdout.flush(), sys.stderr.flush()
    child = os.fork()
    if child:
        os.close(writing)
        return Started(child, reading, begun)
    status = 70
    try:
        os.dup2(writing, 1), os.dup2(writing, 2)
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", 0), write_through=True)
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", 0), errors="backslashreplace", write_through=True)  # as Python's own
        sys.argv = [name, *map(str, arguments), "--quiet"]
        if first is not None:
            first()
        main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException as error:
        import traceback

        if isinstance(error, KeyboardInterrupt):
            status = 130  # before the executable could catch it
        else:
            traceback.print_exc()
    finally:
        os._exit(status)


def run_forked(name: str, arguments: Sequence[object], first: Callable[[], None] | None = None) -> Ended:
    """Run an executable in a child of this process; see `started`."""
    return started(name, arguments, first).wait()


def complaint(name: str, ended: Ended, outputs: Sequence[Path], folder: Path) -> str:
    """What is wrong with how a run ended; empty if nothing is.

    Right is: exit status 0 and all outputs; or 2, one line that says what is wrong, and no output. Nothing temporary stays.
    """
    left = [path.name for path in folder.rglob(".varproof-*")]
    there = [path for path in outputs if path.exists()]
    if "Traceback" in ended.said:
        return "traceback"
    if ended.status < 0:
        return f"killed by {signal.Signals(-ended.status).name}"
    if left:
        return f"temporary files stay: {left}"
    if ended.status == 0:
        return "" if len(there) == len(outputs) else "status 0 without all outputs"
    if ended.status != 2:
        return f"status {ended.status}"
    if there:
        return "status 2 with outputs"
    errors = [line for line in ended.said.splitlines() if line.startswith(f"{name}: error: ")]
    return "" if len(errors) == 1 else f"{len(errors)} lines of error"


def emptied(folder: Path) -> Path:
    """The folder, without anything in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def warmed(name: str, arguments: Sequence[object]) -> None:
    """Run an executable in this process, so that what it compiles and imports is there for forked ones."""
    before, sys.argv = sys.argv, [name, *map(str, arguments), "--quiet"]
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.suppress(SystemExit):
            entry_point(name)()
        assert not re.search("error", said.getvalue()), said.getvalue()
    finally:
        sys.argv = before
        signal.signal(signal.SIGTERM, handler)


def tallied(what: str, tried: int, wrong: int) -> None:
    """Add a line to the file of `VARPROOF_TALLY`, if it is set: what was tried, how often, how often it went wrong."""
    if path := os.environ.get("VARPROOF_TALLY"):
        with Path(path).open("a") as file:
            file.write(json.dumps({"what": what, "tried": tried, "wrong": wrong}) + "\n")
