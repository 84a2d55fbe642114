"""Several runs as one: each is read and matched by itself, so that no call of one can be a true variant of another.

What is concatenated keeps the number of its run (`runs`), by which calls are filtered; keys of different runs may be equal,
so the pooled columns have no index by key.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varproof.evaluation.evaluation import false_calls_by_truth
from varproof.evaluation.haplotype_matching import HaplotypeMatching
from varproof.evaluation.matching import NONE, Matching
from varproof.evaluation.variants import Calls, Truth


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Calls held against the truth: of one run, or of several. `purity`: one number, or of each call, shape (calls,).

    `matching` is by alleles, `haplotypes` by the sequences that they make, if that was asked for.
    """

    calls: Calls
    truth: Truth
    matching: Matching
    purity: Any
    haplotypes: HaplotypeMatching | None = None

    def by_haplotype(self) -> "Evaluated":
        """The same with the matching by haplotypes in place of that by alleles; raises ValueError if there is none."""
        if self.haplotypes is None:
            raise ValueError("not matched by haplotypes")
        return replace(self, matching=self.haplotypes.matching)


def pooled(runs: Sequence[Evaluated]) -> Evaluated:
    """The runs one after the other; one run as it is."""
    if len(runs) == 1:
        return runs[0]
    calls, truths = [run.calls for run in runs], [run.truth for run in runs]
    first_call = np.cumsum([0, *(len(part) for part in calls)])
    first_true = np.cumsum([0, *(len(part) for part in truths)])
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
        _matchings([run.matching for run in runs], first_call, first_true),
        np.concatenate([np.full(len(run.calls), run.purity, dtype=float) for run in runs]),
        _haplotype_matchings(runs, first_call, first_true),
    )


def _matchings(parts: Sequence[Matching], first_call: Any, first_true: Any) -> Matching:
    numbers = range(len(parts))
    return Matching(
        np.concatenate([_moved(parts[i].truth_of_call, first_true[i]) for i in numbers]),
        np.concatenate([_moved(parts[i].call_of_truth, first_call[i]) for i in numbers]),
        np.concatenate([part.partial for part in parts]),
        np.concatenate([_moved(parts[i].needed_call, first_call[i]) for i in numbers]),
        parts[0].by_haplotype,
    )


def _haplotype_matchings(runs: Sequence[Evaluated], first_call: Any, first_true: Any) -> HaplotypeMatching | None:
    parts = [run.haplotypes for run in runs if run.haplotypes is not None]
    if len(parts) < len(runs):
        return None
    return HaplotypeMatching(
        _matchings([part.matching for part in parts], first_call, first_true),
        [crowd for part in parts for crowd in part.crowds],
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
