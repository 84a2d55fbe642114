"""Reads behind an address (https://, s3://, ...), which htslib reads piece by piece, and what else is no plain file.

`Remote` and `Spooled` stand where a path is expected. What they are called in provenance is `shown`: no passwords and
signatures of an address, no names of temporary files.
"""

import contextlib
import re
from pathlib import Path, PosixPath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_INDEX_GIVEN = "##idx##"


def is_address(text: str) -> bool:
    """Whether a name is that of something on the network.

    >>> is_address("s3://bucket/t.bam"), is_address("/data/t.bam")
    (True, False)
    """
    return _ADDRESS.match(text) is not None


def start_network_access() -> None:
    """Let htslib start its network library (libcurl with its TLS), without asking for anything.

    That must happen before TensorFlow is loaded: libcurl would start with TensorFlow's TLS library, and the process would
    end in a segmentation fault.
    """
    import pysam

    from varproof.machinery.htslib import quiet

    with quiet(), contextlib.suppress(OSError):  # there is nothing to open, and perhaps no such library
        pysam.HFile("https:", "r")


class _Named(PosixPath):
    """A path that tells `shown` of itself."""

    shown: str
    """Its name in provenance."""

    def with_segments(self, *parts: Any) -> Path:
        """What is derived of it is a plain path."""
        return Path(*parts)


class Remote(_Named):
    """An address as the user wrote it; `index` is a local copy of the index of what lies there, once it has been fetched.

    As in htslib, the address of the index may stand behind '##idx##'.
    """

    def __new__(cls, address: str, index: Path | None = None) -> "Remote":
        """Without a look at what lies there."""
        return super().__new__(cls, address)

    def __init__(self, address: str, index: Path | None = None) -> None:
        self.given, self.index = address, index
        self.address, _, self._index_address = address.partition(_INDEX_GIVEN)
        parts = urlsplit(self.address)
        self.shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        _initialised(self, Path(address))

    def __str__(self) -> str:
        return self.address

    __fspath__ = __str__

    def __repr__(self) -> str:
        return f"Remote('{self.shown}')"

    def __reduce__(self) -> Any:
        return Remote, (self.given, self.index)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and other.given == self.given

    def __hash__(self) -> int:
        return hash(self.given)

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.shown.rpartition("/")[2]

    def exists(self, **_: Any) -> bool:
        """Whoever opens it will see."""
        return True

    def is_dir(self, **_: Any) -> bool:
        """No."""
        return False

    def is_file(self, **_: Any) -> bool:
        """Not one of this machine."""
        return False

    def resolve(self, strict: bool = False) -> "Remote":
        """Itself."""
        return self

    def absolute(self) -> "Remote":
        """Itself."""
        return self

    def index_addresses(self) -> list[str]:
        """Where its index may lie, in the order in which to look."""
        if self._index_address:
            return [self._index_address]
        place, mark, query = self.address.partition("?")
        if self.name.endswith(".cram"):
            return [place + ".crai" + mark + query]
        beside = [place + ".bai", place + ".csi", *([place[:-4] + ".bai"] if place.endswith(".bam") else [])]
        return [item + mark + query for item in beside]


class Spooled(_Named):
    """A temporary copy of what was read from stdin or a pipe, which `shown` names."""

    def __new__(cls, path: Path, shown: str) -> "Spooled":
        """`path`: of the copy."""
        return super().__new__(cls, path)

    def __init__(self, path: Path, shown: str) -> None:
        self._copy, self.shown = Path(path), shown
        _initialised(self, path)

    def __reduce__(self) -> Any:
        return Spooled, (self._copy, self.shown)


def _initialised(path: PosixPath, place: Path) -> None:
    """From Python 3.12 on a path is made in `__init__`, before in `__new__`."""
    if PosixPath.__init__ is not object.__init__:
        PosixPath.__init__(path, place)  # type: ignore[call-arg]
