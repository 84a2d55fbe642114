"""How far people agree with what varproof says: by probability, type of variant and tag, whichever candidates they judged.

Which candidates are judged is a choice, often of the doubtful ones. Chosen by chance, each stands for so many as its weight
says (Horvitz & Thompson 1952). Chosen otherwise, or nobody knows how, those of a range of probabilities stand for the others of
it (post-stratification). Either way weights are scaled so that each range counts as often as the list has it. Limits are of
Korn & Graubard (1998): Clopper and Pearson's for as many candidates as the weights are worth (Kish 1965). People err, too: what
share is real is told as Rogan & Gladen (1978) do it, with errors as frequent either way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varproof.evaluation.choosing import EDGES
from varproof.evaluation.evaluation import worth_limits
from varproof.formats.labels import AMBIGUOUS, CALLS, LABEL_ERROR, SAMPLES, Label
from varproof.formats.people import (
    CallAgreement,
    GroupAgreement,
    Limits,
    PeopleAgreement,
    RangeAgreement,
    ReviewerAgreement,
    Selection,
)

RANGES = tuple(zip((0.0, *EDGES), (*EDGES, 1.0), strict=True))
"""Ranges of probabilities: from the first up to, not including, the second (the last one with it)."""

UNDECIDED_CALL = "undecided"


@dataclass(frozen=True)
class _Judged:
    """probability (n,); decided, undecided: bool (n,), what people said; real: bool (n,); weight (n,), 0 where not decided."""

    probability: np.ndarray
    decided: np.ndarray
    undecided: np.ndarray
    real: np.ndarray
    weight: np.ndarray

    @property
    def alike(self) -> np.ndarray:
        """Whether people say what varproof says, bool (n,)."""
        return self.decided & ((self.probability >= 0.5) == self.real)


def people_agreement(
    probability: np.ndarray, labels: Sequence[Label | None], kinds: Sequence[str], label_error: float = LABEL_ERROR
) -> PeopleAgreement:
    """probability (n,) of being real, NaN where not judged by varproof; what people say of each candidate; its type.

    label_error: share of people's calls that are wrong, under one half.
    """
    known = ~np.isnan(probability)
    said = np.array([label is not None for label in labels], bool)
    decided = np.array([label is not None and label.label is not None for label in labels], bool)
    real = np.array([label is not None and label.label == 1 for label in labels], bool)
    place = np.searchsorted(EDGES, np.where(known, probability, 0.0), side="right")
    selection, weight = _selection(labels, known, said)
    decided &= known
    judged = _Judged(probability, decided, known & said & ~decided, real, _scaled(weight, place, known, decided))
    ranges = [_range(judged, low, high, known & (place == k), label_error) for k, (low, high) in enumerate(RANGES)]
    everything = all(entry.judged or not entry.listed for entry in ranges) and bool(judged.decided.any())
    share, limits = weighted_share(judged.alike[judged.decided], judged.weight[judged.decided])
    indices: list[int] = np.flatnonzero(judged.decided).tolist()
    told = [(i, label) for i, label in enumerate(labels) if label is not None]
    return PeopleAgreement(
        judged=len(indices),
        ambiguous=int(judged.undecided.sum()),
        without_probability=int((said & ~known).sum()),
        selection=selection,
        label_error=label_error,
        alike=share if everything else None,
        alike_limits=limits if everything else (None, None),
        ranges=ranges,
        types=_groups(judged, [(kinds[i], i) for i in indices]),
        tags=_groups(judged, [(tag, i) for i, label in told if judged.decided[i] for tag in label.tags]),
        calls=_calls(probability, [(_call_of(label), i) for i, label in told if known[i]]),
        reviewers=_reviewers([label for _, label in told]),
    )


def _selection(labels: Sequence[Label | None], known: np.ndarray, said: np.ndarray) -> tuple[Selection, np.ndarray]:
    """How judged candidates stand for the list, and the weight of each (n,)."""
    ones = np.ones(len(labels))
    if not (known & ~said).any():
        return "all", ones
    told = [label for label in labels if label is not None]
    if len({label.choice for label in told}) == 1 and told[0].choice in SAMPLES and all(label.weight for label in told):
        return "weights", np.array([1.0 if label is None or label.weight is None else label.weight for label in labels])
    return "ranges", ones


def _scaled(weight: np.ndarray, place: np.ndarray, known: np.ndarray, decided: np.ndarray) -> np.ndarray:
    """Weights (n,) that add up, over the judged ones of each range, to the candidates that the list has in it."""
    out = np.where(decided, weight, 0.0)
    for k in range(len(RANGES)):
        here = place == k
        total = float(out[here].sum())
        if total > 0:
            out[here] *= int((known & here).sum()) / total
    return out


def _range(judged: _Judged, low: float, high: float, here: np.ndarray, label_error: float) -> RangeAgreement:
    chosen = here & judged.decided
    count, weight = int(chosen.sum()), judged.weight[chosen]
    share, limits = weighted_share(judged.real[chosen], weight)
    return RangeAgreement(
        low=low,
        high=high,
        listed=int(here.sum()),
        judged=count,
        ambiguous=int((here & judged.undecided).sum()),
        real=int(judged.real[chosen].sum()),
        promised=float((judged.probability[chosen] * weight).sum() / weight.sum()) if count else None,
        share=share,
        limits=limits,
        corrected=true_share(share, label_error),
        corrected_limits=(true_share(limits[0], label_error), true_share(limits[1], label_error)),
    )


def weighted_share(chosen: np.ndarray, weight: np.ndarray) -> tuple[float | None, Limits]:
    """Share of `chosen` (bool (n,)) by weights (n,), and its 95 % limits; None of nothing."""
    if not len(chosen):
        return None, (None, None)
    share = float(weight[chosen].sum() / weight.sum())
    worth = float(weight.sum() ** 2 / (weight * weight).sum())
    return share, worth_limits(share, worth)


def true_share(share: float | None, label_error: float) -> float | None:
    """Share of real ones where people call `share` real, and err so often either way.

    >>> round(true_share(0.941, 0.059), 6), round(true_share(0.5, 0.059), 6), true_share(0.01, 0.059)
    (1.0, 0.5, 0.0)
    """
    return None if share is None else min(1.0, max(0.0, (share - label_error) / (1.0 - 2.0 * label_error)))


def _groups(judged: _Judged, found: list[tuple[str, int]]) -> list[GroupAgreement]:
    members: dict[str, list[int]] = {}
    for name, i in found:
        members.setdefault(name, []).append(i)
    groups = []
    for name, places in members.items():
        alike = judged.alike[places]
        share, limits = weighted_share(alike, judged.weight[places])
        if share is not None:
            groups.append(
                GroupAgreement(name=name, judged=len(places), alike=int(alike.sum()), share=share, limits=limits)
            )  # fmt: skip
    return sorted(groups, key=lambda entry: (-entry.judged, entry.name))


def _call_of(label: Label) -> str:
    if label.call:
        return label.call
    if label.label is None:
        return UNDECIDED_CALL if label.reviewers > 1 else AMBIGUOUS
    return f"label {label.label}"


def _calls(probability: np.ndarray, found: list[tuple[str, int]]) -> list[CallAgreement]:
    order = [*CALLS, UNDECIDED_CALL, "label 1", "label 0"]
    entries = []
    for name in order:
        values = probability[[i for call, i in found if call == name]]
        if len(values):
            entries.append(
                CallAgreement(
                    call=name, candidates=len(values), held_real=int((values >= 0.5).sum()), probability=float(values.mean())
                )
            )
    return entries


def _reviewers(labels: list[Label]) -> ReviewerAgreement:
    return ReviewerAgreement(
        most=max((label.reviewers for label in labels), default=0),
        shared=sum(label.reviewers > 1 for label in labels),
        pairs=sum(label.reviewers * (label.reviewers - 1) // 2 for label in labels),
        alike=sum(label.alike for label in labels),
    )
