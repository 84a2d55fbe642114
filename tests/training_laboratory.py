"""Runs `train` in forked children of a process that has imported TensorFlow but not used it, so that each starts at once.

    python training_laboratory.py TENSORS FOLDER

trains once without interruption (FOLDER/whole) and once (FOLDER/killed) killed where a checkpoint is about to appear, where one
begins to be written, so again after resuming, and ended by SIGTERM, resumed each time. The child strikes itself, so that it is
struck there however busy the machine is. Prints what it saw as JSON.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from patience import FOR_EVER

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import varproof.network.study  # noqa: F401
from varproof.commands.train import main
from varproof.formats.model import read_card
from varproof.network import training

EPOCHS = 9
CHECKPOINT = "model.checkpoint.keras"


class Blow(NamedTuple):
    """A signal, at the beginning or at the end of writing a checkpoint, the `number`-th of this process."""

    signal: int
    number: int
    at_the_end: bool


KILL, TERM = signal.SIGKILL, signal.SIGTERM
BLOWS = (Blow(KILL, 1, True), Blow(KILL, 2, False), Blow(KILL, 2, True), Blow(TERM, 2, False))


def strike_at(blow: Blow) -> None:
    """Let this process strike itself where it writes a checkpoint."""
    plain, written = training.complete_or_absent, 0

    def strike(wanted: bool) -> None:
        if wanted and written == blow.number:
            os.kill(os.getpid(), blow.signal)
            time.sleep(FOR_EVER)

    @contextlib.contextmanager
    def struck(path: Path) -> Iterator[Path]:
        nonlocal written
        with plain(path) as temporary:
            ours = path.name == CHECKPOINT
            written += ours
            strike(ours and not blow.at_the_end)
            yield temporary
            strike(ours and blow.at_the_end)

    training.complete_or_absent = struck


def ended(tensors: Path, folder: Path, blow: Blow | None = None) -> int:
    """Exit code of a child that trains; -9 where it was killed."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.chdir(folder)
    os.dup2(os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sys.argv = ["train", "--tensors", str(tensors), "--output", "model.keras", "--metrics", "metrics.json"]
    sys.argv += ["--architecture", "deepcnnvalid", "--epochs", str(EPOCHS), "--batch-size", "64"]
    sys.argv += ["--early-stopping", "50", "--threads", "2", "--resume"]
    if blow is not None:
        strike_at(blow)
    code = 1
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        os._exit(code)


def killed(tensors: Path, folder: Path, blow: Blow) -> dict[str, Any]:
    """Train until the blow, look at what lies there."""
    code = ended(tensors, folder, blow)
    checkpoint = folder / CHECKPOINT
    passes = read_card(checkpoint).training.epochs_done if checkpoint.exists() else 0
    leftovers = [path for path in folder.iterdir() if path.name.startswith(".varproof-")]
    for path in leftovers:
        shutil.rmtree(path)
    output = any((folder / name).exists() for name in ("model.keras", "metrics.json"))
    return {"code": code, "passes": passes, "leftovers": len(leftovers), "output": output}


def experiment(tensors: Path, folder: Path) -> dict[str, Any]:
    for name in ("whole", "killed"):
        (folder / name).mkdir()
    whole = ended(tensors, folder / "whole")
    kills = [killed(tensors, folder / "killed", blow) for blow in BLOWS]
    last = ended(tensors, folder / "killed")
    return {"whole": whole, "kills": kills, "last": last}


if __name__ == "__main__":
    print(json.dumps(experiment(Path(sys.argv[1]), Path(sys.argv[2]))))
