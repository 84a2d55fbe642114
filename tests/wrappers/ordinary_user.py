"""How an ordinary user of this machine runs an image by Apptainer: mounted, from an unpacked folder, or unpacked by each run.

Mounting needs /dev/fuse to be open to everybody, which hosts may forbid; there, users unpack an image once (`apptainer build
--sandbox`), or let each run do it (`--unsquash`). What doesn't work here is found out by trying it.
"""

import functools
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from wrappers.containers import Engine, output_of, turn


class Runnable(NamedTuple):
    """An image as somebody (None: whoever runs the tests) can run it, and the options of `apptainer exec` that it takes."""

    user: str | None
    image: Path
    options: tuple[str, ...] = ()


def as_user(user: str | None) -> list[str]:
    """Beginning of a command line that runs the rest as a user."""
    if user is None:
        return []
    home = output_of("sh", "-c", f"echo ~{user}")
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "env", "-u", "TMPDIR", f"HOME={home}"]


def refusal(run: Runnable) -> str:
    """The last words of Apptainer where it can't run an image so; empty where it can."""
    command = [*as_user(run.user), "apptainer", "--silent", "exec", *run.options, "--containall", "--no-home", "--pwd", "/"]
    tried = subprocess.run([*command, str(run.image), "true"], capture_output=True, text=True, cwd="/")
    return "" if tried.returncode == 0 else " ".join(tried.stderr.split())[-300:] or f"exit {tried.returncode}"


def _readable(image: Path, user: str) -> Path:
    """The image where the user can read it: linked or copied into the home, once for each version of it."""
    folder = Path(output_of("sh", "-c", f"echo ~{user}")) / "images"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    shutil.chown(folder, user)
    found = folder / image.name
    if not found.exists() or found.stat().st_mtime_ns != image.stat().st_mtime_ns:
        found.unlink(missing_ok=True)
        try:
            os.link(image, found)
        except OSError:
            shutil.copy2(image, found)
        found.chmod(found.stat().st_mode | stat.S_IROTH)
    return found


def _unpacked(image: Path, user: str) -> Path:
    """The image as a folder that the user has unpacked, once for each version of it."""
    folder, note = image.with_suffix(".sandbox"), image.with_suffix(".unpacked")
    version = str(image.stat().st_mtime_ns)
    if not (folder.is_dir() and note.is_file() and note.read_text() == version):
        note.unlink(missing_ok=True)
        output_of(*as_user(user), "apptainer", "--quiet", "build", "--force", "--sandbox", folder, image, cwd="/")
        note.write_text(version)
    return folder


@functools.cache
def runnable(image: Path, user: str, way: str) -> Runnable:
    """An image as `root` (whoever runs the tests) runs it, or the user: `mounted`, `sandbox`, or by `unsquash`.

    Skips where users can't mount images, which leaves them the other ways; those must work.
    """
    if way == "root":
        run = Runnable(None, image)
    else:
        with turn("apptainer"):
            readable = _readable(image, user)
            run = {
                "mounted": lambda: Runnable(user, readable),
                "sandbox": lambda: Runnable(user, _unpacked(readable, user)),
                "unsquash": lambda: Runnable(user, readable, ("--unsquash",)),
            }[way]()
    refused = refusal(run)
    if refused and way == "mounted":
        pytest.skip(f"an ordinary user can't mount an image here: {refused}")
    assert not refused, f"Apptainer does not run an image here ({way}): {refused}"
    return run


@pytest.fixture
def core_run(request: pytest.FixtureRequest, apptainer: Engine, core_sif: Path, user: str) -> Runnable:
    """The image without TensorFlow, run in the way that the test's parameter says."""
    return runnable(core_sif, user, getattr(request, "param", "sandbox"))


@pytest.fixture
def cnn_run(apptainer: Engine, cnn_sif: Path, user: str) -> Runnable:
    """The image with TensorFlow, unpacked by each run of an ordinary user."""
    return runnable(cnn_sif, user, "unsquash")


@pytest.fixture
def standalone_run(apptainer: Engine, standalone_sif: Path, user: str) -> Runnable:
    """The image that Apptainer has built by itself, unpacked by each run of the user who built it."""
    return runnable(standalone_sif, user, "unsquash")
