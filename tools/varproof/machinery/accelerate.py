"""How every compiled kernel of varproof is compiled: decided once, here.

Modules named `*_numba_fns.py` import `compiled` from here and are themselves imported only inside functions that
compute, so that `--help` never waits for a compiler.

Compiled code is kept beside the package, or where NUMBA_CACHE_DIR says, in a folder named after the kernels' sources:
Numba by itself looks only at the file of the outermost kernel, and would go on using what it had inlined from another
file before that one changed. What was compiled when an image was built, or by whoever installed the package, serves users
who may not write there; what it lacks is kept in a second folder, of theirs.
"""

import atexit
import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

# Intel's vector library, where it is installed, has other last digits on each kind of processor.
os.environ["NUMBA_DISABLE_INTEL_SVML"] = "1"

import numba
import numba.np.linalg as numba_linalg
from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator

from varproof.machinery.decisions import changed_decisions
from varproof.machinery.interruption import undo_if_interrupted

Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGE = Path(__file__).parents[1]


def _defer_blas() -> None:
    """Let Numba look for BLAS when a kernel multiplies matrices, not when it starts: it would load scipy.linalg, half as long
    again as Numba itself, and no kernel of ours does.
    """
    check = numba_linalg.ensure_blas
    numba_linalg.ensure_blas = lambda: None
    try:
        from numba.np import arraymath
    finally:
        numba_linalg.ensure_blas = check
    arraymath.__dict__["ensure_blas"] = check


_defer_blas()


_DECISION = re.compile(r"\bDECISIONS\.(\w+)")
_IMPORT = re.compile(r"^from varproof\.([\w.]+) import (.*)", re.MULTILINE)


def kernel_sources() -> list[Path]:
    """The files of all kernels, and of all that they import: constants and functions that are compiled into them."""
    found, pending = set[Path](), list(PACKAGE.rglob("*_numba_fns.py"))
    while pending:
        path = pending.pop()
        if path in found:
            continue
        found.add(path)
        for module, names in _IMPORT.findall(path.read_text()):
            place = PACKAGE.joinpath(*module.split("."))
            named = [place / name.strip() for name in names.split(",")] if place.is_dir() else [place]
            pending += [file for file in (item.with_suffix(".py") for item in named) if file.is_file()]
    return sorted(found)


def kernel_digest() -> str:
    """Digest of the sources of all kernels and of the compiler.

    Also of whether indices are checked (NUMBA_BOUNDSCHECK, for tests), and of model decisions that these files use and that are
    not the usual ones: such code is never taken for the usual one.
    """
    digest = hashlib.sha256(numba.__version__.encode())
    if getattr(config, "BOUNDSCHECK", None):
        digest.update(b"bounds checked")
    texts = [path.read_text() for path in kernel_sources()]
    for text in texts:
        digest.update(text.encode())
    used = set(_DECISION.findall("".join(texts)))
    for room, changed in changed_decisions().items():
        if compiled_in := {name: value for name, value in changed.items() if name in used}:
            digest.update(json.dumps([room, compiled_in], sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _may_write(folder: Path) -> bool:
    """Whether files can be put into a folder, which may yet have to be made."""
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _folders() -> list[Path]:
    """Where compiled code is looked for, in this order; what is compiled goes to the last that can be written to.

    The package's own folder is read even where it can't be written to. Where nothing is there and nothing can be kept, a
    private folder serves that ends with this process.
    """
    name = f"kernels-{kernel_digest()}"
    package = PACKAGE / "__pycache__"
    shipped = [] if _may_write(package) or not (package / name).is_dir() else [package / name]
    places = [package]
    with contextlib.suppress(RuntimeError):  # no home is known
        places.append(Path.home() / ".cache" / "varproof")
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        places = [Path(chosen)]
    for place in places:
        with contextlib.suppress(OSError):
            if _may_write(place):
                return [*shipped, place / name]
    if not shipped:
        private = tempfile.mkdtemp(prefix="varproof-kernels-")
        for at in (atexit.register, undo_if_interrupted):
            at(lambda: shutil.rmtree(private, ignore_errors=True))
        return [Path(private)]
    return shipped


FOLDERS = _folders()


def _layer(function: Callable[..., Any], folder: Path) -> FunctionCache:
    """Numba's cache of one kernel in one folder, which is neither made nor written to before there is something to keep."""
    path = Path(function.__code__.co_filename)

    class Locator(_CacheLocator):
        _py_file = str(path)  # for Numba's message where code can't be kept

        def get_cache_path(self) -> str:
            return str(folder / path.parent.name)

        def get_source_stamp(self) -> str:
            return folder.name  # the digest: times of files differ between file systems and mean nothing here

        def get_disambiguator(self) -> str:
            return str(function.__code__.co_firstlineno)

        def ensure_cache_path(self) -> None:
            os.makedirs(self.get_cache_path(), exist_ok=True)

        @classmethod
        def from_function(cls, py_func: Callable[..., Any], py_file: str) -> "Locator":
            return cls()

    class Implementation(CompileResultCacheImpl):
        _locator_classes: ClassVar[Any] = [Locator]  # type: ignore[misc]

    class Layer(FunctionCache):
        _impl_class = Implementation

    return Layer(function)


class KernelCache:
    """Compiled code of one kernel, as Numba's dispatcher asks for it: from the first folder that has it, into the last."""

    def __init__(self, function: Callable[..., Any], folders: list[Path]) -> None:
        self._layers = [_layer(function, folder) for folder in folders]
        self.cache_path = self._layers[-1].cache_path

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Compiled code of a signature, or None."""
        for layer in self._layers:
            with contextlib.suppress(OSError):
                if (found := layer.load_overload(signature, context)) is not None:
                    return found
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep compiled code for later processes; where that can't be done, as on a full disk, this one has it all the same."""
        with contextlib.suppress(OSError):
            self._layers[-1].save_overload(signature, compiled)


def compiled(function: Function) -> Function:
    """Compile to machine code, cached on disk, releasing the interpreter lock.

    IEEE semantics are kept: sums are not reordered, nor multiplications and additions fused, so that all processors agree.
    """
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    dispatcher._cache = KernelCache(function, FOLDERS)
    return dispatcher
