"""htslib's own messages, which go to stderr past the log."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import pysam


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without them: what htslib finds is raised and told once, by us. So is what pysam says of files that fail to close."""
    verbosity, told = pysam.set_verbosity(0), sys.unraisablehook

    def tell(problem: Any) -> None:
        if not isinstance(problem.exc_value, OSError):
            told(problem)

    sys.unraisablehook = tell
    try:
        yield
    finally:
        pysam.set_verbosity(verbosity)
        sys.unraisablehook = told
