"""The pool of workers beside loky's and the standard library's: the same jobs through each, and what each does when harmed.

Both libraries take their jobs by `submit`; that jobs are drawn as results are taken, in order, is written around them here, as
whoever used them would have to. Each check runs in a process of its own, since some of them end only when they are killed.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from varproof.machinery.workers import JOBS_PER_WORKER, ordered_results

HERE = Path(__file__).resolve().parent
PATIENCE = 15.0
"""Seconds after which a check has failed."""

LONG = 4 * PATIENCE
_work: Any = None


def _begin(make_worker: Callable[[], Any]) -> None:
    global _work
    _work = make_worker()


def _worked(job: Any) -> Any:
    return _work(job)


def _windowed(executor: Any, jobs: Iterable[Any], workers: int) -> Iterator[Any]:
    source = iter(jobs)
    waiting = deque(executor.submit(_worked, job) for job in islice(source, workers * JOBS_PER_WORKER))
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(executor.submit(_worked, job) for job in islice(source, 1))
        yield result


def _lokys(workers: int, make_worker: Callable[[], Any]) -> Any:
    from loky import ProcessPoolExecutor

    return ProcessPoolExecutor(workers, initializer=_begin, initargs=(make_worker,))


def _pythons(workers: int, make_worker: Callable[[], Any]) -> Any:
    from concurrent.futures import ProcessPoolExecutor

    fork = multiprocessing.get_context("fork")
    return ProcessPoolExecutor(workers, mp_context=fork, initializer=_begin, initargs=(make_worker,))


def of_loky(make_worker: Callable[[], Any], jobs: Iterable[Any], workers: int) -> Iterator[Any]:
    """As `ordered_results`."""
    executor = _lokys(workers, make_worker)
    try:
        yield from _windowed(executor, jobs, workers)
    finally:
        executor.shutdown(wait=True, kill_workers=True)


def of_python(make_worker: Callable[[], Any], jobs: Iterable[Any], workers: int) -> Iterator[Any]:
    """As `ordered_results`."""
    executor = _pythons(workers, make_worker)
    try:
        yield from _windowed(executor, jobs, workers)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


POOLS: dict[str, Callable[..., Iterator[Any]]] = {"varproof": ordered_results, "loky": of_loky, "concurrent.futures": of_python}
_EXECUTORS = {"loky": _lokys, "concurrent.futures": _pythons}


def there() -> dict[str, Callable[..., Iterator[Any]]]:
    """The pools that can be had here."""
    return {name: pool for name, pool in POOLS.items() if name != "loky" or find_spec("loky") is not None}


def make_decoder(path: Path) -> Callable[[tuple[str, int, int]], dict[str, Any]]:
    """A worker as those of the pipeline: it opens the reads once, and gives the arrays of a window of them."""
    from varproof.reads.decode import decode_reads, open_reads

    alignments = open_reads(path, None)

    def decoded(window: tuple[str, int, int]) -> dict[str, Any]:
        return vars(decode_reads(alignments, *window))

    return decoded


def _make_plain() -> Callable[[int], int]:
    return _own_process


def _own_process(job: int) -> int:
    return os.getpid()


def _make_long() -> Callable[[int], int]:
    return _first_the_process_then_long


def _first_the_process_then_long(job: int) -> int:
    if job > 1:
        time.sleep(LONG)
    return os.getpid()


def _make_cut_off() -> Callable[[int], bytes]:
    def cut_off(self: Connection, content: Any, *_: Any) -> None:
        os.write(self.fileno(), bytes(content[:3]))
        os.kill(os.getpid(), signal.SIGKILL)

    def work(job: int) -> bytes:
        if job == 3:
            Connection._send = cut_off  # type: ignore[attr-defined]
        return bytes(1 << 20)

    return work


def _gone(process: int) -> bool:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def drawn_as_taken(name: str) -> bool:
    """Whether the pool itself draws jobs only as results are taken."""
    drawn = []

    def jobs() -> Iterator[int]:
        for job in range(1000):
            drawn.append(job)
            yield job

    if name == "varproof":
        results: Any = ordered_results(_make_plain, jobs(), 2)
        next(results)
        results.close()
    else:
        with _EXECUTORS[name](2, _make_plain) as executor:
            next(executor.map(_worked, jobs()))
    return len(drawn) < 20


def without_threads(name: str) -> bool:
    """Whether the caller's process has no thread of the pool, so that it may go on to fork."""
    results = POOLS[name](_make_plain, range(100), 2)
    next(results)
    return threading.active_count() == 1


def killed_at_work(name: str) -> bool:
    """Whether a worker that is killed at its job is an error of the caller, and not the wait for ever."""
    results = POOLS[name](_make_long, range(8), 2)
    os.kill(next(results), signal.SIGKILL)
    try:
        list(results)
    except Exception:
        return True
    return False


def killed_while_sending(name: str) -> bool:
    """The same, of one that is killed while it sends a result."""
    try:
        list(POOLS[name](_make_cut_off, range(8), 2))
    except Exception:
        return True
    return False


def stopped_half_way(name: str) -> bool:
    """Whether who stops half-way does not wait for the jobs in hand, and no worker stays."""
    results: Any = POOLS[name](_make_long, range(8), 2)
    processes = {next(results), next(results)}
    results.close()
    return all(_gone(process) for process in processes)


_CALLER = """
import signal
import pools
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit that it is ignored
results = pools.POOLS[{name!r}](pools._make_long, range(8), 2)
try:
    print(next(results), next(results), flush=True)
    next(results)
except KeyboardInterrupt:
    {ended}
"""


def _caller(name: str, ended: str = "pass") -> Any:
    command = [sys.executable, "-c", _CALLER.format(name=name, ended=ended)]
    return subprocess.Popen(
        command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )  # fmt: skip


def _end_all(caller: Any) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(caller.pid, signal.SIGKILL)


def killed_caller(name: str) -> bool:
    """Whether workers end, at whatever they are, when the caller is killed."""
    caller = _caller(name)
    processes = [int(word) for word in caller.stdout.readline().split()]
    caller.kill()
    caller.wait()
    ended = all(_gone(process) for process in processes)
    _end_all(caller)
    return ended


def interrupted(name: str) -> bool:
    """Whether Ctrl-C, which reaches all processes, ends all of them, and none but the caller says anything."""
    caller = _caller(name, "results.close()")
    processes = [int(word) for word in caller.stdout.readline().split()]
    time.sleep(0.5)  # that the caller waits for the next result
    os.killpg(caller.pid, signal.SIGINT)
    try:
        _, said = caller.communicate(timeout=PATIENCE)
        return not said and all(_gone(process) for process in processes)
    except subprocess.TimeoutExpired:
        return False
    finally:
        _end_all(caller)


CHECKS: dict[str, Callable[[str], bool]] = {
    "jobs are drawn as results are taken, without the caller's care": drawn_as_taken,
    "the caller has no threads, and may fork": without_threads,
    "a worker killed at its job is an error": killed_at_work,
    "a worker killed while it sends a result is an error": killed_while_sending,
    "who stops half-way does not wait for jobs in hand": stopped_half_way,
    "Ctrl-C ends all at once, without a word from workers": interrupted,
    "workers end at once with a caller that is killed": killed_caller,
}


def holds(check: str, name: str) -> bool:
    """What a check finds in a process of its own; one that does not end has failed."""
    code = f"import os, pools; print(pools.CHECKS[{check!r}]({name!r}), flush=True); os._exit(0)"
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], cwd=HERE, start_new_session=True, **streams) as process:
        try:
            found, _ = process.communicate(timeout=2 * PATIENCE)
        except subprocess.TimeoutExpired:
            found = ""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return found.strip() == "True"
