"""Bayesian control of the false discovery rate: which calls to keep, given the probability that each is false.

`global` keeps the largest set whose mean posterior error probability is at most the rate (Mueller et al. 2004; the paper's
"False discovery rate control"); `local` keeps every call whose own is; `smart`, the default, is `global` without calls that
are likelier false than true, which the error mass that certain calls leave over would let pass. All are thresholds: calls of
the same error probability are kept or left out together.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from varproof.posterior.decisions import DECISIONS

Mode = Literal["smart", "global", "local"]
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class FdrThreshold:
    """Keep calls whose posterior error probability is at most `error` (-inf: keep none)."""

    error: float
    kept: int
    considered: int
    expected_false: float

    @property
    def expected_fdr(self) -> float:
        """Expected share of false calls among the kept; 0 where none is kept."""
        return self.expected_false / self.kept if self.kept else 0.0


def fdr_threshold(errors: Any, fdr: float, mode: Mode = "smart") -> FdrThreshold:
    """Threshold on posterior error probabilities `errors`, shape (n,), none NaN, for a rate in (0, 1]."""
    return threshold_of_sorted(np.sort(np.asarray(errors, dtype=float)), fdr, mode)


def threshold_of_sorted(errors: Any, fdr: float, mode: Mode = "smart") -> FdrThreshold:
    """`fdr_threshold` of error probabilities that ascend already.

    >>> threshold_of_sorted(np.array([0.01, 0.02, 0.12, 0.9]), 0.05)
    FdrThreshold(error=0.12, kept=3, considered=4, expected_false=0.15)
    """
    if not 0 < fdr <= 1:
        raise ValueError(f"a false discovery rate lies in (0, 1], not {fdr}")
    sums = np.cumsum(errors)
    limit = fdr * (1 + _ROUNDING)
    if mode == "local":
        kept = int(np.searchsorted(errors, limit, side="right"))
    else:
        kept = int(np.count_nonzero(sums <= limit * np.arange(1, errors.size + 1)))
        if 0 < kept < errors.size and errors[kept] == errors[kept - 1]:
            kept = int(np.searchsorted(errors, errors[kept], side="left"))
        if mode == "smart":
            kept = min(kept, int(np.searchsorted(errors, DECISIONS.even, side="left")))
    if kept == 0:
        return FdrThreshold(-np.inf, 0, int(errors.size), 0.0)
    return FdrThreshold(float(errors[kept - 1]), kept, int(errors.size), float(sums[kept - 1]))
