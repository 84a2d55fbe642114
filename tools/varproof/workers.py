"""Jobs for worker processes, results in the order of the jobs: the one place that starts processes.

A worker process makes what it needs once (open files, tables) and then takes jobs; what is in memory is bounded, since jobs
are drawn only as results are taken. With one worker everything runs in this process, with the same results.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, TypeVar

from varproof.errors import WorkerLost

Job = TypeVar("Job")
Result = TypeVar("Result")

JOBS_PER_WORKER = 3

_make_work: Callable[[], Callable[[Any], Any]] | None = None
_work: Callable[[Any], Any] | None = None


def ordered_results(make_worker: Callable[[], Callable[[Job], Result]], jobs: Iterable[Job], workers: int) -> Iterator[Result]:
    """`make_worker()` applied to each job, results in the order of `jobs`, the same for any number of workers.

    Processes are forked, and begin to work, in this call and not when the first result is taken: call it before this process
    starts threads of its own. Jobs and results cross between processes by pickling. At most `JOBS_PER_WORKER` jobs per worker
    are under way. What a worker raises is raised here in the place of that result; WorkerLost if a process ends by itself.
    """
    if workers == 1:
        return map(make_worker(), jobs)
    return _in_order(_Pool(make_worker, workers), iter(jobs), workers * JOBS_PER_WORKER)


class _Pool:
    """A pool whose processes can be ended at once, whatever they are at."""

    def __init__(self, make_worker: Callable[[], Callable[[Any], Any]], workers: int) -> None:
        others = multiprocessing.active_children()
        self._executor = ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _start, (make_worker,))
        self._executor.submit(_nothing)  # processes are forked with the first job
        self._processes: list[BaseProcess] = [child for child in multiprocessing.active_children() if child not in others]

    def submit(self, job: Any) -> Future[Any]:
        """The result to come."""
        return self._executor.submit(_run, job)

    def lost(self) -> WorkerLost:
        """Why the pool is broken: the process that was killed, or that ended first."""
        for process in self._processes:
            process.join()
        codes = [process.exitcode for process in self._processes if process.exitcode]
        return WorkerLost(-signal.SIGKILL if -signal.SIGKILL in codes else codes[0] if codes else 1)

    def end(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.kill()
        # What they were sending is cut off, and what they were to be sent is not taken: who waits for that shall not.
        executor: Any = self._executor
        if executor._result_queue is not None:
            executor._result_queue._writer.close()
        if executor._call_queue is not None:
            executor._call_queue.cancel_join_thread()
        self._executor.shutdown(cancel_futures=True)


def _in_order(pool: _Pool, source: Iterator[Any], ahead: int) -> Iterator[Any]:
    try:
        pending = deque(pool.submit(job) for job in islice(source, ahead))
    except BaseException:
        pool.end()
        raise
    return _taken(pool, pending, source)


def _taken(pool: _Pool, pending: deque[Future[Any]], source: Iterator[Any]) -> Iterator[Any]:
    try:
        while pending:
            result = pending.popleft().result()
            pending.extend(pool.submit(job) for job in islice(source, 1))
            yield result
    except BrokenProcessPool:
        raise pool.lost() from None
    finally:
        pool.end()


def _start(make_worker: Callable[[], Callable[[Any], Any]]) -> None:
    """The beginning of a worker process. It ends with its parent: what waits for jobs would wait for ever."""
    global _make_work
    _make_work = make_worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the caller ends this one
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    assert parent is not None
    Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _nothing() -> None:
    pass


def _run(job: Any) -> Any:
    global _work
    if _work is None:
        assert _make_work is not None
        _work = _make_work()
    return _work(job)
