"""What SIGTERM and Ctrl-C do: what is half done is removed, and the process ends at once with exit code 130.

A thread waits for the signals while the main thread computes. An exception in the main thread, Python's way, would come
only when a compiled kernel returns, which can take seconds; and Numba crashes where one comes while it makes a named tuple
of what a kernel gave.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

EXIT_CODE = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_DONE = b"\0"

Made = TypeVar("Made")

_undo: dict[object, Callable[[], None]] = {}
_making = threading.Lock()
"""Held while something is made that is to be undone; the thread that ends the process takes it and keeps it."""

_LONGEST_MAKING = 0.5
"""Seconds that the end waits for what is being made, as on a file system that does not answer."""

_watched = False
"""Whether signals go to a thread of this process."""


def undo_if_interrupted(undo: Callable[[], None]) -> Callable[[], None]:
    """Have `undo` called, in another thread, if the process is interrupted; returns what takes that back."""
    key = object()
    _undo[key] = undo
    return lambda: _undo.pop(key, None) and None


@contextlib.contextmanager
def undone_if_interrupted(undo: Callable[[], None]) -> Iterator[None]:
    """Have `undo` called if the process is interrupted in this block."""
    forget = undo_if_interrupted(undo)
    try:
        yield
    finally:
        forget()


@contextlib.contextmanager
def made_until_interrupted(make: Callable[[], Made], undo: Callable[[Made], None]) -> Iterator[Made]:
    """What `make` makes; `undo` is called with it if the process is interrupted in this block, or was while it was made."""
    with _making:
        made = make()
        forget = undo_if_interrupted(lambda: undo(made))
    try:
        yield made
    finally:
        forget()


@contextlib.contextmanager
def interruptible(name: str) -> Iterator[None]:
    """End the process on SIGTERM or SIGINT in this block, with one line on stderr that starts with `name`."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    global _watched
    handlers = {number: signal.signal(number, _nothing) for number in _SIGNALS}
    _watched = True
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher = threading.Thread(target=_watch, args=(name, reading), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        _watched = False
        signal.set_wakeup_fd(wakeup)
        os.write(writing, _DONE)
        watcher.join()  # for ever, if it is ending the process: what went wrong meanwhile is not this thread's to tell
        os.close(writing)
        os.close(reading)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _nothing(signal_number: int, frame: object) -> None:
    """A handler has to be there for Python to pass signals on to the thread."""


def _hold_signals() -> None:
    if _watched:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _release_signals() -> None:
    if _watched:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _forget_parent() -> None:
    """In a forked process: its signals are its own, and not to be told to the thread of the parent, by the pipe of both."""
    global _watched, _making
    _making = threading.Lock()
    if _watched:
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        _release_signals()
        _watched = False


os.register_at_fork(before=_hold_signals, after_in_parent=_release_signals, after_in_child=_forget_parent)


def _watch(name: str, reading: int) -> None:
    while (received := os.read(reading, 1)) != _DONE:
        if received[0] in _SIGNALS:
            _end(name)


def _end(name: str) -> None:
    logging.disable()  # the work goes on until the end of this function, but has nothing more to tell
    for child in multiprocessing.active_children():
        child.kill()
    _making.acquire(timeout=_LONGEST_MAKING)
    for undo in reversed(list(_undo.values())):
        with contextlib.suppress(Exception):
            undo()
    with contextlib.suppress(OSError):  # nobody may be left to read it
        os.write(2, f"{name}: interrupted\n".encode())
    os._exit(EXIT_CODE)
