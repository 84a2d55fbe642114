"""One ordered pool of worker processes for the whole project: jobs in, their results out, in the order of the jobs.

A worker process makes what it needs once (open files, tables) and then takes jobs; what is in memory is bounded, since jobs
are drawn only as results are taken. With one worker everything runs in this process, with the same results.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")

JOBS_PER_WORKER = 3

_work: Callable[[Any], Any] | None = None


def _start(make_worker: Callable[[], Callable[[Any], Any]]) -> None:
    global _work
    _work = make_worker()


def _run(job: Any) -> Any:
    assert _work is not None
    return _work(job)


def ordered_results(make_worker: Callable[[], Callable[[Job], Result]], jobs: Iterable[Job], workers: int) -> Iterator[Result]:
    """The results of `jobs`, in their order; each of `workers` processes calls `make_worker` once and its result per job.

    Processes are forked when the first result is asked for: ask before this process starts threads of its own. Jobs and
    results cross between processes by pickling. At most `JOBS_PER_WORKER` jobs per worker are under way.
    """
    if workers == 1:
        yield from map(make_worker(), jobs)
        return
    pending: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(workers, get_context("fork"), _start, (make_worker,)) as pool:
        try:
            for job in jobs:
                pending.append(pool.submit(_run, job))
                if len(pending) >= workers * JOBS_PER_WORKER:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
