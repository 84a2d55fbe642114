"""One ordered pool of worker processes for the whole project: jobs in, their results out, in the order of the jobs.

A worker process makes what it needs once (open files, tables) and then takes jobs; what is in memory is bounded, since jobs
are drawn only as results are taken. With one worker everything runs in this process, with the same results.

This process starts no threads, so that it can fork, and shares one connection with each worker. A worker computes in its
main thread while two others take jobs and give results back, so neither side waits for the other's buffers. It ends when
its connection does: at once when the caller stops half-way, is interrupted, or is killed.

Not the standard library's pools: where a process is killed, as by a machine short of memory, while it sends a result, they wait
for the rest of it for ever, because all processes share one connection (tests/robustness kills workers at random moments).
"""

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from varproof.machinery.errors import WorkerLost

Job = TypeVar("Job")
Result = TypeVar("Result")

JOBS_PER_WORKER = 3
_JOBS_AT_A_WORKER = 2  # the one in hand, and one that it need not wait for


def ordered_results(make_worker: Callable[[], Callable[[Job], Result]], jobs: Iterable[Job], workers: int) -> Iterator[Result]:
    """The results of `jobs`, in their order; each of `workers` processes calls `make_worker` once and its result per job.

    Processes are forked, and begin to work, in this call and not when the first result is taken: call it before this process
    starts threads of its own. Jobs and results cross between processes by pickling. At most `JOBS_PER_WORKER` jobs per worker
    are under way. What a worker raises is raised here in the place of that result; WorkerLost if a process ends by itself.
    """
    if workers == 1:
        return map(make_worker(), jobs)
    pool = _Pool(make_worker, workers)
    source = iter(jobs)
    try:
        for job in islice(source, workers * JOBS_PER_WORKER):
            pool.add(job)
    except BaseException:
        pool.end()
        raise
    return _in_order(pool, source)


def _in_order(pool: "_Pool", source: Iterator[Any]) -> Iterator[Any]:
    try:
        taken = 0
        while taken < pool.added:
            result = pool.result(taken)
            taken += 1
            for job in islice(source, 1):
                pool.add(job)
            yield result
    finally:
        pool.end()


class _Pool:
    """Worker processes, the jobs they have, and results that are not taken yet; jobs are numbered as they are added."""

    def __init__(self, make_worker: Callable[[], Callable[[Any], Any]], workers: int) -> None:
        self.added = 0
        self._waiting: deque[tuple[int, Any]] = deque()
        self._done: dict[int, tuple[Any, str | None]] = {}
        self._processes: dict[Connection, BaseProcess] = {}
        self._load: dict[Connection, int] = {}
        context = get_context("fork")
        for _ in range(workers):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(make_worker, there, [*self._processes, here]), daemon=True)
            process.start()
            there.close()
            self._processes[here] = process
            self._load[here] = 0

    def add(self, job: Any) -> None:
        """Give a job to a worker, as soon as one has room for it."""
        self._waiting.append((self.added, job))
        self.added += 1
        self._hand_out()

    def result(self, number: int) -> Any:
        """The result of a job; waits for it, and raises what the worker raised."""
        while number not in self._done:
            for connection in wait(list(self._processes)):
                assert isinstance(connection, Connection)
                try:
                    done, result, trace = connection.recv()
                except (EOFError, OSError):
                    raise self._lost(connection) from None
                self._done[done] = result, trace
                self._load[connection] -= 1
            self._hand_out()
        result, trace = self._done.pop(number)
        if trace is not None:
            raise result from RuntimeError(f"in a worker process:\n{trace}")
        return result

    def end(self) -> None:
        """End all processes, whatever they are at."""
        for connection, process in self._processes.items():
            process.kill()
            connection.close()
        for process in self._processes.values():
            process.join()

    def _hand_out(self) -> None:
        while self._waiting:
            connection = min(self._load, key=self._load.__getitem__)
            if self._load[connection] == _JOBS_AT_A_WORKER:
                return
            self._load[connection] += 1
            try:
                connection.send(self._waiting.popleft())
            except OSError:
                raise self._lost(connection) from None

    def _lost(self, connection: Connection) -> WorkerLost:
        process = self._processes[connection]
        process.join()
        return WorkerLost(process.exitcode or 0)


def _serve(make_worker: Callable[[], Callable[[Any], Any]], connection: Connection, others: list[Connection]) -> None:
    """The life of a worker process; `others` are the ends of connections that it inherits and must not hold open."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the caller ends this one
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:
        other.close()
    jobs: SimpleQueue[tuple[int, Any]] = SimpleQueue()
    results: SimpleQueue[tuple[int, Any, str | None]] = SimpleQueue()
    Thread(target=_take_jobs, args=(connection, jobs), daemon=True).start()
    Thread(target=_give_results, args=(connection, results), daemon=True).start()
    work = None
    while True:
        number, job = jobs.get()
        try:
            work = work or make_worker()
            results.put((number, work(job), None))
        except Exception as error:
            results.put((number, error, traceback.format_exc()))


def _take_jobs(connection: Connection, jobs: "SimpleQueue[tuple[int, Any]]") -> None:
    try:
        while True:
            jobs.put(connection.recv())
    except (EOFError, OSError):
        os._exit(1)  # nobody waits for results any more


def _give_results(connection: Connection, results: "SimpleQueue[tuple[int, Any, str | None]]") -> None:
    while True:
        number, result, trace = results.get()
        try:
            connection.send((number, result, trace))
        except OSError:
            os._exit(1)
        except Exception as error:  # what can't be pickled
            connection.send((number, RuntimeError(f"{type(result).__name__}: {result} ({error})"), trace or str(error)))
