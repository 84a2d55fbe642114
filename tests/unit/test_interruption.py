"""SIGTERM and Ctrl-C: the process ends at once, whatever it is at, and what was half done is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from patience import PATIENCE
from varproof.machinery.interruption import interruptible, undo_if_interrupted, undone_if_interrupted
from varproof.machinery.output import complete_or_absent, folder_complete_or_absent, working_folder

IN_A_LONG_CALL = """
import hashlib, sys
from pathlib import Path
from varproof.machinery.output import complete_or_absent, folder_complete_or_absent, working_folder
from varproof.machinery.interruption import interruptible
from varproof.machinery.workers import ordered_results

def long(job):  # compiled code that lets other threads run, as kernels do
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)  # a quarter of an hour at the least

output = Path(sys.argv[1])
with interruptible("example"), complete_or_absent(output / "a.vcf.gz") as a, folder_complete_or_absent(output / "b") as b:
    with working_folder() as c:
        for written in (a, a.with_name(a.name + ".tbi"), b / "inside", c / "inside"):
            written.write_text("half of it")
        results = ordered_results(lambda: long, range(4), int(sys.argv[2]))
        print("begun", flush=True)
        next(results)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_process_ends_at_once_and_leaves_nothing(workers: str, number: int, tmp_path: Path) -> None:
    output, temporary = tmp_path / "output", tmp_path / "temporary"
    output.mkdir(), temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_LONG_CALL, output, workers], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(temporary)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    assert list(output.iterdir()) and list(temporary.iterdir())
    time.sleep(0.1)
    process.send_signal(number)
    try:
        _, said = process.communicate(timeout=PATIENCE / 2)
    finally:
        process.kill()
    assert (process.returncode, said) == (130, "example: interrupted\n")
    assert not list(output.iterdir()) and not list(temporary.iterdir())


THAT_TELLS = """
import logging, time
from varproof.machinery.interruption import interruptible, undone_if_interrupted

logging.basicConfig(level="INFO", format="%(message)s")
with interruptible("example"), undone_if_interrupted(lambda: time.sleep(0.2)):  # as long as many files take to go
    print("begun", flush=True)
    while True:
        logging.info("at work")
        time.sleep(0.001)
"""


def test_that_it_was_interrupted_is_the_last_thing_told() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", THAT_TELLS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert said.endswith("at work\nexample: interrupted\n")


def test_a_process_ends_though_nobody_listens(tmp_path: Path) -> None:
    """Whoever started it may have ended first, and its stderr with it."""
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_LONG_CALL, tmp_path, "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "begun\n"
    process.stderr.close()
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(timeout=PATIENCE / 2) == 130
    finally:
        process.kill()
        process.stdout.close()
    assert not list(tmp_path.iterdir())


NAMED_TUPLES = """
from typing import NamedTuple
import numba, numpy as np
from varproof.machinery.interruption import interruptible

class Pair(NamedTuple):
    one: np.ndarray
    two: np.ndarray

@numba.njit(nogil=True)
def pair(size):
    return Pair(np.zeros(size), np.zeros(size))

pair(1)
with interruptible("example"):
    print("begun", flush=True)
    while True:
        pair(100)
"""


def test_no_crash_while_a_kernel_hands_back_a_named_tuple() -> None:
    """Numba crashes where an exception, as of a signal handler, comes while it makes one."""
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", NAMED_TUPLES], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 130


@pytest.fixture
def ctrl_c_means_what_it_does() -> Iterator[None]:
    """A shell starts what runs in its background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_means_what_it_does")
def test_nothing_is_undone_and_signals_mean_what_they_did_after_the_block(tmp_path: Path) -> None:
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    undone = []
    with interruptible("example"):
        with undone_if_interrupted(lambda: undone.append(1)):
            pass
        undo_if_interrupted(lambda: undone.append(2))()
        with complete_or_absent(tmp_path / "a") as a, folder_complete_or_absent(tmp_path / "b"), working_folder() as c:
            a.write_text("whole")
        assert signal.getsignal(signal.SIGTERM) != handlers[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers
    assert not undone and not c.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
