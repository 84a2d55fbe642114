"""How far people agree with what varproof says: by probability, type of variant and tag, whichever candidates they judged.

Which candidates are judged is a choice, often of the doubtful ones. Within a range of probabilities it is taken to say
nothing of the answer, so that each range counts as often as the list has candidates in it (post-stratification): the agreement
is that which is expected if people had judged them all.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varproof.evaluation.choosing import EDGES
from varproof.evaluation.evaluation import share_limits

RANGES = tuple(zip((0.0, *EDGES), (*EDGES, 1.0), strict=True))
"""Ranges of probabilities: from the first up to, not including, the second (the last one with it)."""


@dataclass(frozen=True)
class RangeAgreement:
    """Of candidates of probabilities low to high: how many the list has, how many people judged, and called real; what was
    promised, their mean probability; the share of real ones with 95 % limits (None without any).
    """

    low: float
    high: float
    listed: int
    judged: int
    real: int
    promised: float | None
    share: float | None
    limits: tuple[float | None, float | None]


@dataclass(frozen=True)
class GroupAgreement:
    """Of a type, or of what has a tag: judged candidates, and those of which people say what varproof says."""

    name: str
    judged: int
    alike: int


@dataclass(frozen=True)
class PeopleAgreement:
    """ranges, types and tags as above. alike: expected share of all candidates of which people would say the same; None where
    a range that the list has was not judged at all. judged: how many they judged.
    """

    judged: int
    alike: float | None
    ranges: list[RangeAgreement]
    types: list[GroupAgreement]
    tags: list[GroupAgreement]


def people_agreement(
    probability: np.ndarray, label: np.ndarray, kinds: Sequence[str], tags: Sequence[Sequence[str]]
) -> PeopleAgreement:
    """probability (n,) of being real, NaN where not judged by varproof; label int8 (n,): 1 real, 0 not, -1 not judged by
    people; kinds and tags of each candidate.
    """
    known = ~np.isnan(probability)
    place = np.searchsorted(EDGES, np.where(known, probability, 0.0), side="right")
    by_people = known & (label >= 0)
    alike = by_people & ((probability >= 0.5) == (label == 1))
    ranges, expected, covered = [], 0.0, True
    for k, (low, high) in enumerate(RANGES):
        here = known & (place == k)
        chosen = here & by_people
        judged, real, listed = int(chosen.sum()), int((label[chosen] == 1).sum()), int(here.sum())
        if judged:
            expected += listed * float(alike[chosen].mean())
        covered &= bool(judged) or not listed
        ranges.append(
            RangeAgreement(
                low, high, listed, judged, real,
                float(probability[chosen].mean()) if judged else None,
                real / judged if judged else None,
                share_limits(real, judged) if judged else (None, None),
            )
        )  # fmt: skip
    indices: list[int] = np.flatnonzero(by_people).tolist()
    return PeopleAgreement(
        judged=len(indices),
        alike=expected / int(known.sum()) if covered and len(indices) else None,
        ranges=ranges,
        types=_groups([(kinds[i], bool(alike[i])) for i in indices]),
        tags=_groups([(tag, bool(alike[i])) for i in indices for tag in tags[i]]),
    )


def _groups(found: list[tuple[str, bool]]) -> list[GroupAgreement]:
    judged, alike = Counter(name for name, _ in found), Counter(name for name, same in found if same)
    return [
        GroupAgreement(name, count, alike[name]) for name, count in sorted(judged.items(), key=lambda item: (-item[1], item[0]))
    ]
