"""One ordered pool of worker processes for the whole project: jobs in, their results out, in the order of the jobs.

A worker process makes what it needs once (open files, tables) and then takes jobs; what is in memory is bounded, since jobs
are drawn only as results are taken. With one worker everything runs in this process, with the same results.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
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

    Processes are forked, and begin to work, in this call and not when the first result is taken: call it before this process
    starts threads of its own. Jobs and results cross between processes by pickling. At most `JOBS_PER_WORKER` jobs per worker
    are under way.
    """
    if workers == 1:
        return map(make_worker(), jobs)
    source = iter(jobs)
    pool = ProcessPoolExecutor(workers, get_context("fork"), _start, (make_worker,))
    try:
        pending = deque(pool.submit(_run, job) for job in islice(source, workers * JOBS_PER_WORKER))
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    return _in_order(pool, pending, source)


def _in_order(pool: ProcessPoolExecutor, pending: deque[Future[Result]], source: Iterator[Any]) -> Iterator[Result]:
    with pool:
        try:
            while pending:
                result = pending.popleft().result()
                pending.extend(pool.submit(_run, job) for job in islice(source, 1))
                yield result
        finally:
            for future in pending:
                future.cancel()
