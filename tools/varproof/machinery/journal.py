"""What each chunk of a long run gave, kept in a folder, so that a run that was cut off goes on where it was (`--resume`)."""

import contextlib
import itertools
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

from varproof.machinery.errors import DamagedFile, UserError
from varproof.machinery.output import complete_or_absent, write_text
from varproof.machinery.workers import ordered_results

logger = logging.getLogger(__name__)

_MARKER = "chunks-of-an-unfinished-varproof-run"

Job = TypeVar("Job")
Result = TypeVar("Result")
Arrays = dict[str, np.ndarray]


class Journal:
    """The results of the jobs of one part of a run, as arrays; one file each, which appears complete or not at all."""

    def __init__(self, folder: Path, part: str, run: str) -> None:
        """`run`: text that says what is computed from what; equal texts mean equal results.

        Raises UserError where the folder holds results of this part of another run.
        """
        self._folder, self._part = folder, part
        described = folder / f"{part}.json"
        if not described.exists():
            write_text(described, run)
        elif described.read_text() != run:
            raise UserError(f"--resume {folder} holds chunks of a run with other inputs or options; name another or remove it")
        kept = sum(1 for _ in folder.glob(f"{part}-*.npz"))
        if kept:
            logger.info("going on from %d chunks in %s", kept, folder)

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._part}-{number:08d}.npz"

    def keeps(self, number: int) -> bool:
        """Whether the result of a job is there."""
        return self._path(number).is_file()

    def load(self, number: int) -> Arrays:
        """The result of a job; raises UserError where the file is damaged."""
        path = self._path(number)
        try:
            with path.open("rb") as packed, np.load(packed, allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except Exception as error:  # zipfile's, zlib's, numpy's
            raise DamagedFile(f"{path}: damaged ({error}); remove it and run again") from error

    def store(self, number: int, arrays: Arrays) -> None:
        """Keep the result of a job."""
        with complete_or_absent(self._path(number)) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())


MakeJournal = Callable[[str, Callable[[], str]], Journal | None]


def journaled_results(
    make_worker: Callable[[], Callable[[Job], Result]],
    jobs: Iterable[Job],
    workers: int,
    journal: Journal | None,
    packed: Callable[[Result], Arrays],
    unpacked: Callable[[Arrays], Result],
) -> Iterator[Result]:
    """`workers.ordered_results`, where jobs whose result the journal keeps are not done again; workers keep the others'."""
    if journal is None:
        return ordered_results(make_worker, jobs, workers)
    count = itertools.count()

    def missing() -> Iterator[tuple[int, Job]]:
        for number, job in zip(count, jobs, strict=False):
            if not journal.keeps(number):
                yield number, job

    def make_keeper() -> Callable[[tuple[int, Job]], tuple[int, Result]]:
        work = make_worker()

        def keep(item: tuple[int, Job]) -> tuple[int, Result]:
            result = work(item[1])
            journal.store(item[0], packed(result))
            return item[0], result

        return keep

    return _all_in_order(ordered_results(make_keeper, missing(), workers), journal, unpacked)


def _all_in_order(
    results: Iterator[tuple[int, Result]], journal: Journal, unpacked: Callable[[Arrays], Result]
) -> Iterator[Result]:
    following = 0
    for number, result in results:
        for earlier in range(following, number):
            yield unpacked(journal.load(earlier))
        yield result
        following = number + 1
    while journal.keeps(following):
        yield unpacked(journal.load(following))
        following += 1


@contextlib.contextmanager
def kept_chunks(folder: Path | None) -> Iterator[MakeJournal]:
    """Makes journals, by part and run, in the folder of `--resume`, which goes when the block succeeds; None without one.

    The run is described by a function, since describing means to read the inputs.

    Raises UserError where the folder can't be made, or holds something else.
    """
    if folder is None:
        yield lambda part, run: None
        return
    marker = folder / _MARKER
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--resume {folder} is a file; name a folder")
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise UserError(f"--resume {folder} is a folder of something else; name another")
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise UserError(f"--resume {folder}: folder {folder.parent} does not exist; create it first") from None
    marker.touch()
    yield lambda part, run: Journal(folder, part, run())
    shutil.rmtree(folder, ignore_errors=True)
