"""Failures that are told in one line: what the user must change (exit code 2), and what the machine did (its own code)."""

import signal
from pathlib import Path


class UserError(Exception):
    """An anticipated failure: which file, which record, and what to do about it."""


class MissingFile(UserError):
    """There is no file of that name."""


class NotIndexed(UserError):
    """A file that is read by its index has none, and none can be made."""


class NotSorted(UserError):
    """Records are not in the order of the genome."""


class OtherReference(UserError):
    """Files that do not belong to one reference: other contigs, lengths or bases."""


class OtherFormat(UserError):
    """A file of another kind than was asked for."""


class DamagedFile(UserError):
    """A file that is cut off or damaged."""


class TooLittle(UserError):
    """There is too little data to tell what was asked."""


class WorkerLost(Exception):
    """A worker process ended by itself: `exit_code` is what this process ends with, as if it had met the same end.

    Batch systems and workflow engines tell by 137 (128 + SIGKILL) that a job may do better with more memory.
    """

    def __init__(self, code: int) -> None:
        """`code` is the exit code of the worker; a negative one is the signal that ended it."""
        self.exit_code = 128 - code if code < 0 else 1
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        advice = (
            "; the machine may have been short of memory: give more, or take fewer --threads" if code == -signal.SIGKILL else ""
        )
        super().__init__(f"a worker process {how}{advice}")


def require_file(path: Path, kind: str) -> None:
    """Raise UserError where there is no such file, or a folder instead of a file of that kind."""
    if not path.exists():
        raise MissingFile(f"{path}: no such file")
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a {kind} file")
