"""varproof decides from the reads themselves whether a candidate variant is real.

For programs and notebooks each step is a function: see `varproof.api`.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from varproof.api import collect, evaluate, filter, learn, predict, score, tensors, vaf
    from varproof.machinery.errors import UserError

__all__ = ["UserError", "__version__", "collect", "evaluate", "filter", "learn", "predict", "score", "tensors", "vaf"]


def __getattr__(name: str) -> Any:
    """What is asked for, imported when it is."""
    if name not in __all__:
        raise AttributeError(f"module 'varproof' has no attribute '{name}'")
    from varproof import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
