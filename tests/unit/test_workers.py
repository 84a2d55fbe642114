"""The pool of worker processes: results in order, errors as they are raised, jobs drawn only as they are needed."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from patience import FOR_EVER, PATIENCE
from varproof.machinery.errors import UserError, WorkerLost
from varproof.machinery.workers import JOBS_PER_WORKER, ordered_results


def squares() -> Callable[[int], tuple[int, int]]:
    made_in = os.getpid()

    def work(job: int) -> tuple[int, int]:
        if job == 13:
            raise UserError("unlucky")
        time.sleep(0.02 if job % 3 == 0 else 0)  # later jobs are done before earlier ones
        assert os.getpid() == made_in
        return job * job, made_in

    return work


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_jobs(workers: int) -> None:
    results = list(ordered_results(squares, range(12), workers))
    assert [value for value, _ in results] == [job * job for job in range(12)]
    processes = {process for _, process in results}
    assert (processes == {os.getpid()}) == (workers == 1) and len(processes) <= workers


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_the_callers(workers: int) -> None:
    results = ordered_results(squares, range(10, 40), workers)
    assert [next(results)[0] for _ in range(3)] == [100, 121, 144]
    with pytest.raises(UserError, match="unlucky"):
        next(results)


def test_an_error_among_the_jobs_is_raised_too() -> None:
    def jobs() -> Iterator[int]:
        yield 1
        raise UserError("not sorted")

    with pytest.raises(UserError, match="not sorted"):
        ordered_results(squares, jobs(), 2)


def test_jobs_are_drawn_as_results_are_taken() -> None:
    drawn = []

    def jobs() -> Iterator[int]:
        for job in range(20, 1000):
            drawn.append(job)
            yield job

    results = ordered_results(squares, jobs(), 2)
    for _ in range(5):
        next(results)
    assert len(drawn) == 2 * JOBS_PER_WORKER + 5
    results.close()  # type: ignore[attr-defined]


def test_many_large_jobs_and_results_do_not_wait_for_each_other() -> None:
    """Far more than connections buffer, in both directions, while the caller takes its time."""
    jobs = [np.full(200_000, i) for i in range(24)]
    sums = []
    for result in ordered_results(lambda: np.negative, jobs, 2):
        time.sleep(0.005)
        sums.append(result.sum())
    assert sums == [-200_000 * i for i in range(24)]


def test_a_worker_that_can_not_be_made_is_an_error_of_the_first_job() -> None:
    def make() -> Callable[[int], int]:
        raise UserError("no such file")

    with pytest.raises(UserError, match="no such file"):
        next(ordered_results(make, range(5), 2))


def test_a_result_that_can_not_cross_is_an_error() -> None:
    with pytest.raises((AttributeError, RuntimeError, pickle.PicklingError), match="lambda"):
        next(ordered_results(lambda: lambda job: lambda: job, range(5), 2))


def gone(process: int) -> bool:
    """Whether a process has ended, or ends while one waits."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def first_the_process_then_long(job: int) -> int:
    if job > 1:
        time.sleep(FOR_EVER)
    return os.getpid()


def test_who_stops_half_way_does_not_wait_for_the_jobs_in_hand() -> None:
    results = ordered_results(lambda: first_the_process_then_long, range(8), 2)
    processes = {next(results), next(results)}
    results.close()  # type: ignore[attr-defined]
    assert all(gone(process) for process in processes)


@pytest.mark.parametrize(("number", "code", "words"), [(signal.SIGKILL, 137, "memory"), (signal.SIGTERM, 143, "SIGTERM")])
def test_a_worker_that_is_killed_ends_the_run_as_if_it_had_been_killed(number: int, code: int, words: str) -> None:
    results = ordered_results(lambda: first_the_process_then_long, range(8), 2)
    os.kill(next(results), number)
    with pytest.raises(WorkerLost, match=words) as caught:
        list(results)
    assert caught.value.exit_code == code


ORPHANS = f"""
import os, time
from varproof.machinery.workers import ordered_results

def work(job):
    if job > 1:
        time.sleep({FOR_EVER})
    return os.getpid()

results = ordered_results(lambda: work, range(8), 2)
print(next(results), next(results), flush=True)
os.kill(os.getpid(), 9)
"""


def test_workers_end_with_a_caller_that_is_killed() -> None:
    run = subprocess.run([sys.executable, "-c", ORPHANS], capture_output=True, text=True)
    processes = [int(word) for word in run.stdout.split()]
    assert run.returncode == -9 and len(processes) == 2
    assert all(gone(process) for process in processes)


@pytest.mark.parametrize(("job", "result"), [(1, 3_000_000), (3_000_000, 1)])
def test_who_stops_half_way_does_not_wait_for_what_was_being_sent(job: int, result: int) -> None:
    """Processes are killed while far more than a pipe holds is under way, in one direction or the other."""
    for _ in range(5):
        results = ordered_results(lambda: lambda _: np.zeros(result), (np.zeros(job) for _ in range(50)), 2)
        next(results)
        results.close()  # type: ignore[attr-defined]


EARLY = """
import os, signal, sys, time
from varproof.machinery.interruption import interruptible

with interruptible("x"):
    for _ in range(200):
        child = os.fork()
        if not child:
            time.sleep(60)
            os._exit(0)
        os.kill(child, signal.SIGTERM)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
print("went on")
"""


def test_a_signal_to_a_new_worker_is_not_the_callers() -> None:
    """Both have the pipe that signals are told by, until the new process has let go of it."""
    run = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "went on\n"), run.stderr
