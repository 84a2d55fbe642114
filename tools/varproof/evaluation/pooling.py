"""Several runs as one: each is read and matched by itself, so that no call of one can be a true variant of another.

What is concatenated keeps the number of its run (`runs`), by which calls are filtered; keys of different runs may be equal,
so the pooled columns have no index by key.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.evaluation.evaluation import false_calls_by_truth
from varproof.evaluation.matching import NONE, Matching
from varproof.evaluation.variants import Calls, Truth


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Calls held against the truth: of one run, or of several. `purity`: one number, or of each call, shape (calls,)."""

    calls: Calls
    truth: Truth
    matching: Matching
    purity: Any


def pooled(runs: Sequence[Evaluated]) -> Evaluated:
    """The runs one after the other; one run as it is."""
    if len(runs) == 1:
        return runs[0]
    calls, truths = [run.calls for run in runs], [run.truth for run in runs]
    first_call = np.cumsum([0, *(len(part) for part in calls)])
    first_true = np.cumsum([0, *(len(part) for part in truths)])
    numbers = range(len(runs))
    return Evaluated(
        Calls(
            **_variants(calls),
            **_columns(calls, "errors", "vafs", "vaf_low", "vaf_high", "depths"),
            not_judged=sum(part.not_judged for part in calls),
            mode=calls[0].mode,
        ),
        Truth(
            **_variants(truths),
            **_columns(truths, "vafs", "depths"),
            other_events=sum(part.other_events for part in truths),
            not_comparable=sum(part.not_comparable for part in truths),
        ),
        Matching(
            np.concatenate([_moved(runs[i].matching.truth_of_call, first_true[i]) for i in numbers]),
            np.concatenate([_moved(runs[i].matching.call_of_truth, first_call[i]) for i in numbers]),
            np.concatenate([run.matching.partial for run in runs]),
        ),
        np.concatenate([np.full(len(run.calls), run.purity, dtype=float) for run in runs]),
    )


def _variants(parts: Sequence[Calls] | Sequence[Truth]) -> dict[str, Any]:
    return {
        "keys": [key for part in parts for key in part.keys],
        "refs": [ref for part in parts for ref in part.refs],
        **_columns(parts, "types", "lengths"),
        "outside_regions": sum(part.outside_regions for part in parts),
        "duplicates": sum(part.duplicates for part in parts),
        "runs": np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
    }


def _columns(parts: Sequence[Calls] | Sequence[Truth], *names: str) -> dict[str, Any]:
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}


def _moved(indices: Any, by: int) -> Any:
    return np.where(indices == NONE, NONE, indices + by)


def false_calls_of_runs(runs: Sequence[Evaluated]) -> dict[str, int]:
    """`false_calls_by_truth` of each run, added up."""
    counts: Counter[str] = Counter()
    for run in runs:
        counts.update(false_calls_by_truth(run.calls, run.truth, run.matching))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
