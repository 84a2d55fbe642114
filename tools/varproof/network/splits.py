"""Labels (and groups) -> which candidates train and which test: folds, repeated random splits, learning-curve subsamples.

Splits keep the share of real candidates. With groups (a patient, a chromosome), no group is on both sides of a split, so that
nothing that its candidates share can be learnt by heart; the shares are then kept as well as the groups allow. Candidates are
known by their index 0..n-1; every split depends on its seed and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from varproof.machinery.errors import UserError

LEAST_PER_CLASS = 2
"""Fewest candidates of each class that either side of a split must have."""

_GROUPED_DRAWS = 20
_CLASS_NAMES = ("not real (label 0)", "real (label 1)")


@dataclass(frozen=True)
class Split:
    """Indices of candidates, int64, ascending."""

    train: np.ndarray
    test: np.ndarray


def _class_counts(label: np.ndarray) -> np.ndarray:
    return np.bincount(label, minlength=2)


def _labels(label: Any) -> np.ndarray:
    """Labels as int64 (n,); raises UserError unless both classes are there."""
    label = np.asarray(label).astype(np.int64)
    if len(label) == 0:
        raise UserError("no candidate is labelled; give labels with tensorise --labels or --truth")
    if np.any((label != 0) & (label != 1)):
        raise ValueError("labels are 0 or 1")
    for code, count in enumerate(_class_counts(label)):
        if count == 0:
            raise UserError(f"no candidate is labelled {_CLASS_NAMES[code]}; a network needs candidates of both classes")
    return label


def stratified_folds(label: Any, folds: int, seed: int, groups: Any = None) -> list[Split]:
    """`folds` splits in which each candidate is tested once.

    label: 0 or 1 (n,). groups: anything that compares equal within a group (n,), or None.
    Raises UserError where a fold would have fewer than LEAST_PER_CLASS candidates of a class, or for fewer groups than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    label = _labels(label)
    rarer = int(np.argmin(_class_counts(label)))
    count = int(_class_counts(label)[rarer])
    if count < LEAST_PER_CLASS * folds:
        most = count // LEAST_PER_CLASS
        advice = f"ask for at most {most} folds" if most >= 2 else "label more candidates"
        raise UserError(
            f"cannot split into {folds} folds: only {count} candidates are labelled {_CLASS_NAMES[rarer]}, and each fold needs "
            f"at least {LEAST_PER_CLASS} of each class; {advice}"
        )
    if groups is None:
        drawn = StratifiedKFold(folds, shuffle=True, random_state=seed).split(label, label)
        return [Split(train, test) for train, test in drawn]
    group = _group_codes(groups, label)
    if group.max() + 1 < folds:
        raise UserError(
            f"cannot split {int(group.max()) + 1} groups into {folds} folds; ask for fewer folds, or split by candidate"
        )
    drawn = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(label, label, group)
    splits = [Split(train, test) for train, test in drawn]
    for number, split in enumerate(splits):
        least = min(_class_counts(label[split.test]).min(), _class_counts(label[split.train]).min())
        if least < LEAST_PER_CLASS:
            raise UserError(
                f"groups are too uneven for {folds} folds: fold {number + 1} leaves {least} candidates of a class on one side, "
                f"and {LEAST_PER_CLASS} are needed; ask for fewer folds, or split by candidate"
            )
    return splits


def _group_codes(groups: Any, label: np.ndarray) -> np.ndarray:
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    if codes.shape != label.shape:
        raise ValueError(f"groups {codes.shape} do not fit labels {label.shape}")
    return codes


def random_splits(label: Any, repeats: int, test_fraction: float, seed: int, groups: Any = None) -> list[Split]:
    """`repeats` independent splits with about `test_fraction` of each class in the test part.

    With groups, each is the closest to that fraction, in both classes, of several random divisions of the groups.
    Raises UserError where either part would have fewer than LEAST_PER_CLASS candidates of a class.
    """
    from sklearn.model_selection import StratifiedShuffleSplit

    label = _labels(label)
    if groups is not None:
        return _grouped_random_splits(label, _group_codes(groups, label), repeats, test_fraction, seed)
    for code, count in enumerate(_class_counts(label)):
        least = int(min(np.floor(count * test_fraction), np.floor(count * (1 - test_fraction))))
        if least < LEAST_PER_CLASS:
            raise UserError(
                f"only {count} candidates are labelled {_CLASS_NAMES[code]}: a split with {test_fraction:g} of them held out "
                f"leaves fewer than {LEAST_PER_CLASS} on one side; label more candidates"
            )
    drawn = StratifiedShuffleSplit(repeats, test_size=test_fraction, random_state=seed).split(label, label)
    return [Split(np.sort(train), np.sort(test)) for train, test in drawn]


def _grouped_random_splits(label: np.ndarray, group: np.ndarray, repeats: int, test_fraction: float, seed: int) -> list[Split]:
    """Counts per group decide; candidates are looked at once per split."""
    rng = np.random.default_rng(seed)
    groups = int(group.max()) + 1
    if groups < 2:
        raise UserError("all labelled candidates are of one group; add others to hold one out, or split by candidate")
    counts = np.stack([np.bincount(group[label == code], minlength=groups) for code in (0, 1)], axis=1)
    total = counts.sum(axis=0)
    splits = []
    for _ in range(repeats):
        best, chosen = np.inf, None
        for _ in range(_GROUPED_DRAWS):
            order = rng.permutation(groups)
            tested = np.cumsum(counts[order], axis=0)[:-1]
            possible = (tested >= LEAST_PER_CLASS).all(axis=1) & (total - tested >= LEAST_PER_CLASS).all(axis=1)
            distance = np.where(possible, np.abs(tested / total - test_fraction).sum(axis=1), np.inf)
            end = int(np.argmin(distance))
            if distance[end] < best:
                best, chosen = distance[end], order[: end + 1]
        if chosen is None:
            raise UserError(
                f"groups are too uneven: no division of the {groups} groups leaves {LEAST_PER_CLASS} candidates of each class "
                "on both sides; split by candidate"
            )
        inside = np.isin(group, chosen)
        splits.append(Split(np.flatnonzero(~inside), np.flatnonzero(inside)))
    return splits


def learning_curve_sizes(label: Any, folds: int, floor: int = 50) -> list[int]:
    """All n candidates, then fewer in steps of 1/√2, down to `floor` or to what `folds` folds need of the rarer class."""
    label = _labels(label)
    n, rarer = len(label), int(_class_counts(label).min())
    sizes = [n]
    while True:
        size = round(n / 2 ** (len(sizes) / 2))
        if size < floor or size >= sizes[-1] or min(round(size * rarer / n), size) < LEAST_PER_CLASS * folds:
            return sizes
        sizes.append(size)


def nested_subsamples(label: Any, sizes: Sequence[int], seed: int) -> list[np.ndarray]:
    """For each size that many candidates, drawn with the classes' shares kept; a smaller one is part of a larger one.

    Indices, int64, ascending.
    """
    label = _labels(label)
    rng = np.random.default_rng(seed)
    negatives, positives = (rng.permutation(np.flatnonzero(label == code)) for code in (0, 1))
    parts = []
    for size in sizes:
        if not 0 <= size <= len(label):
            raise ValueError(f"a subsample of {size} of {len(label)}")
        real = round(size * len(positives) / len(label))
        parts.append(np.sort(np.concatenate([negatives[: size - real], positives[:real]])))
    return parts
