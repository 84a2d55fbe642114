"""The pool of worker processes: results in order, errors as they are raised, jobs drawn only as they are needed."""

import os
import time
from collections.abc import Callable, Iterator

import pytest

from varproof.errors import UserError
from varproof.workers import JOBS_PER_WORKER, ordered_results


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
