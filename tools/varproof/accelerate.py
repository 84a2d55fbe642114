"""How every compiled kernel of varproof is compiled: decided once, here.

Modules named `*_numba_fns.py` import `compiled` from here and are themselves imported only inside functions that
compute, so that `--help` never waits for a compiler.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile to machine code, cached on disk, releasing the interpreter lock; IEEE semantics are kept."""
    return numba.njit(cache=True, nogil=True, error_model="numpy")(function)  # type: ignore[no-any-return, return-value, unused-ignore]
