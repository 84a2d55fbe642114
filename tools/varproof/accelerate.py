"""How every compiled kernel of varproof is compiled: decided once, here.

Modules named `*_numba_fns.py` import `compiled` from here and are themselves imported only inside functions that
compute, so that `--help` never waits for a compiler.

Compiled code is cached beside the package, or where NUMBA_CACHE_DIR says, in a folder named after the kernels' sources:
Numba by itself looks only at the file of the outermost kernel, and would go on using what it had inlined from another
file before that one changed.
"""

import atexit
import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numba
import numba.core.config

Function = TypeVar("Function", bound=Callable[..., Any])

PACKAGE = Path(__file__).parent


def kernel_digest() -> str:
    """Digest of the sources of all kernels, of constants and functions that are compiled into them, and of the compiler."""
    digest = hashlib.sha256(numba.__version__.encode())
    constants = [*PACKAGE.rglob("arrays.py"), PACKAGE / "formats" / "tensors.py", PACKAGE / "formats" / "shifting.py"]
    for path in sorted([*PACKAGE.rglob("*_numba_fns.py"), *constants]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _candidate_folders() -> Iterator[Path]:
    """Places for compiled code, best first."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(chosen)
        return
    yield PACKAGE / "__pycache__"
    with contextlib.suppress(RuntimeError):  # no home is known
        yield Path.home() / ".cache" / "varproof"


def _cache_folder() -> Path:
    """Where compiled code goes; where nothing can be kept, a private folder that ends with this process."""
    for base in _candidate_folders():
        with contextlib.suppress(OSError):
            base.mkdir(parents=True, exist_ok=True)
            if os.access(base, os.W_OK | os.X_OK):
                return base / f"kernels-{kernel_digest()}"
    folder = tempfile.mkdtemp(prefix="varproof-kernels-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


numba.core.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]


def compiled(function: Function) -> Function:
    """Compile to machine code, cached on disk, releasing the interpreter lock; IEEE semantics are kept."""
    dispatcher: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return dispatcher
