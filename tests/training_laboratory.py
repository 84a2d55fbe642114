"""Runs `train` in forked children of a process that has imported TensorFlow but not used it, so that each starts at once.

    python training_laboratory.py TENSORS FOLDER

trains once without interruption (FOLDER/whole) and once (FOLDER/killed) killed in the middle of writing its first checkpoint,
in the middle of writing a later one, at any moment, and by SIGTERM, resumed each time. Prints what it saw as JSON.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import varproof.network.study  # noqa: F401
from varproof.commands.train import main
from varproof.formats.model import read_card

EPOCHS = 9
PATIENCE = 600.0


def start(tensors: Path, folder: Path) -> int:
    """A child that trains; its process id."""
    pid = os.fork()
    if pid:
        return pid
    os.chdir(folder)
    os.dup2(os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sys.argv = ["train", "--tensors", str(tensors), "--output", "model.keras", "--metrics", "metrics.json"]
    sys.argv += ["--architecture", "deepcnnvalid", "--epochs", str(EPOCHS), "--batch-size", "64"]
    sys.argv += ["--early-stopping", "50", "--threads", "2", "--resume"]
    code = 1
    try:
        main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        os._exit(code)


def end(pid: int) -> int:
    """Its exit code; -9 where it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed(tensors: Path, folder: Path, moment: Callable[[], bool], number: int) -> dict[str, Any]:
    """Train until `moment`, send the signal, look at what lies there."""
    pid = start(tensors, folder)
    begun = time.monotonic()
    while not moment():
        if time.monotonic() - begun > PATIENCE or os.waitpid(pid, os.WNOHANG)[0]:
            return {"missed": True, "log": (folder / "log").read_text()[-2000:]}
        time.sleep(0.0005)
    os.kill(pid, number)
    code = end(pid)
    checkpoint = folder / "model.checkpoint.keras"
    passes = read_card(checkpoint).training.epochs_done if checkpoint.exists() else 0
    leftovers = [path for path in folder.iterdir() if path.name.startswith(".varproof-")]
    for path in leftovers:
        shutil.rmtree(path)
    output = any((folder / name).exists() for name in ("model.keras", "metrics.json"))
    return {"code": code, "passes": passes, "leftovers": len(leftovers), "output": output}


def experiment(tensors: Path, folder: Path) -> dict[str, Any]:
    for name in ("whole", "killed"):
        (folder / name).mkdir()
    whole = end(start(tensors, folder / "whole"))
    place = folder / "killed"
    checkpoint = place / "model.checkpoint.keras"

    def writing() -> bool:
        return any(name.startswith(".varproof-") for name in os.listdir(place))

    def changed(after: float = 0.0) -> Callable[[], bool]:
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        seen: list[float] = []

        def moment() -> bool:
            if not seen and checkpoint.exists() and checkpoint.stat().st_mtime_ns != before:
                seen.append(time.monotonic())
            return bool(seen) and time.monotonic() - seen[0] >= after

        return moment

    def writing_again() -> Callable[[], bool]:
        first = changed()
        return lambda: first() and writing()

    kills = [
        killed(tensors, place, writing, signal.SIGKILL),
        killed(tensors, place, writing_again(), signal.SIGKILL),
        killed(tensors, place, changed(random.Random(1).uniform(0, 0.3)), signal.SIGKILL),
        killed(tensors, place, changed(), signal.SIGTERM),
    ]
    last = end(start(tensors, place))
    return {"whole": whole, "kills": kills, "last": last}


if __name__ == "__main__":
    print(json.dumps(experiment(Path(sys.argv[1]), Path(sys.argv[2]))))
