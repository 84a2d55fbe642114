"""htslib's own messages, which go to stderr past the log."""

import contextlib
from collections.abc import Iterator

import pysam


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without them: what htslib finds is raised and told once, by us."""
    verbosity = pysam.set_verbosity(0)
    try:
        yield
    finally:
        pysam.set_verbosity(verbosity)
