"""Folds and splits: nothing on both sides, everything tested, shares kept, groups whole, clear refusals."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from varproof.machinery.errors import UserError
from varproof.network.splits import learning_curve_sizes, nested_subsamples, random_splits, stratified_folds

LABELS = st.lists(st.booleans(), min_size=20, max_size=120).map(lambda values: np.array(values, np.int8))


@settings(deadline=None)
@given(LABELS, st.integers(2, 5), st.integers(0, 9))
def test_folds(label: np.ndarray, folds: int, seed: int) -> None:
    positives = int(label.sum())
    assume(min(positives, len(label) - positives) >= 2 * folds)
    splits = stratified_folds(label, folds, seed)
    assert len(splits) == folds
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(len(label)))
    for split in splits:
        assert sorted([*split.train, *split.test]) == list(range(len(label)))
        assert abs(label[split.test].sum() - positives / folds) < 1
        assert abs(len(split.test) - len(label) / folds) < 2


@settings(deadline=None)
@given(LABELS, st.sampled_from([0.2, 0.3]), st.integers(0, 9))
def test_random_splits(label: np.ndarray, fraction: float, seed: int) -> None:
    positives = int(label.sum())
    assume(min(positives, len(label) - positives) * fraction >= 2)
    splits = random_splits(label, 3, fraction, seed)
    assert len({tuple(split.test) for split in splits}) == 3 or len(label) < 25
    for split in splits:
        assert sorted([*split.train, *split.test]) == list(range(len(label)))
        assert abs(label[split.test].sum() - positives * fraction) <= 1
        assert abs(len(split.test) - len(label) * fraction) <= 1


def test_a_seed_is_a_split() -> None:
    label = np.arange(200) % 4 == 0
    groups = np.arange(200) // 10
    for make in (
        lambda seed: stratified_folds(label, 5, seed),
        lambda seed: stratified_folds(label, 5, seed, groups),
        lambda seed: random_splits(label, 2, 0.2, seed),
        lambda seed: random_splits(label, 2, 0.2, seed, groups),
    ):
        first, same, other = (np.concatenate([split.test for split in make(seed)]) for seed in (1, 1, 2))
        assert np.array_equal(first, same)
        assert not np.array_equal(first, other)


def test_groups_stay_whole_and_shares_are_kept() -> None:
    """40 patients of 5 to 60 candidates, with shares of real ones between 0 and 1/2."""
    rng = np.random.default_rng(3)
    groups = np.repeat([f"patient {i}" for i in range(40)], rng.integers(5, 60, 40))
    share = dict(zip(np.unique(groups), rng.uniform(0, 0.5, 40), strict=True))
    label = (rng.random(len(groups)) < [share[name] for name in groups]).astype(int)
    for splits in (stratified_folds(label, 5, 0, groups), random_splits(label, 10, 0.2, 0, groups)):
        for split in splits:
            assert not set(groups[split.train]) & set(groups[split.test])
            assert len(split.train) + len(split.test) == len(label)
            assert label[split.test].mean() == pytest.approx(label.mean(), abs=0.05)
            assert len(split.test) / len(label) == pytest.approx(0.2, abs=0.04)
    assert len({tuple(split.test) for split in random_splits(label, 10, 0.2, 0, groups)}) == 10
    tested = np.concatenate([split.test for split in stratified_folds(label, 5, 0, groups)])
    assert sorted(tested) == list(range(len(label)))


def test_refusals() -> None:
    few = np.array([1] * 9 + [0] * 100)
    one_sided = np.repeat([0, 1], 50)
    for attempt, message in [
        (lambda: stratified_folds([], 5, 0), "no candidate is labelled; give labels"),
        (lambda: stratified_folds([1, 1, 1], 2, 0), r"labelled not real \(label 0\); a network needs"),
        (lambda: random_splits([0, 0, 0], 2, 0.2, 0), r"labelled real \(label 1\)"),
        (lambda: stratified_folds(few, 5, 0), "5 folds: only 9 candidates are labelled real .* at most 4 folds"),
        (lambda: stratified_folds(few[6:], 5, 0), "only 3 candidates .* label more candidates"),
        (lambda: random_splits(few, 2, 0.2, 0), "only 9 candidates .* fewer than 2 on one side"),
        (lambda: stratified_folds(one_sided, 5, 0, one_sided), "2 groups into 5 folds"),
        (lambda: stratified_folds(one_sided, 2, 0, one_sided), "too uneven for 2 folds: fold 1 leaves 0"),
        (lambda: random_splits(one_sided, 2, 0.2, 0, one_sided), "too uneven: no division of the 2 groups"),
        (lambda: random_splits(one_sided, 2, 0.2, 0, np.zeros(100)), "of one group"),
    ]:
        with pytest.raises(UserError, match=message):
            attempt()
    with pytest.raises(ValueError, match="0 or 1"):
        stratified_folds([0, 1, -1], 2, 0)


def test_learning_curve_sizes_fall_by_the_root_of_two() -> None:
    label = np.arange(2085) % 3 == 0
    assert learning_curve_sizes(label, 5, 500) == [2085, 1474, 1042, 737, 521]
    sizes = learning_curve_sizes(label, 5, 1)
    assert sizes[-1] * label.mean() >= 9.5, "two of the rarer class for each of five folds"
    assert round(sizes[-1] / 2**0.5 * label.mean()) < 10


@settings(deadline=None)
@given(LABELS, st.integers(0, 9))
def test_subsamples_are_nested_and_stratified(label: np.ndarray, seed: int) -> None:
    assume(0 < label.sum() < len(label))
    sizes = [len(label), *range(len(label) - 1, 0, -3)]
    parts = nested_subsamples(label, sizes, seed)
    for size, larger, part in zip(sizes, [parts[0], *parts], parts, strict=False):
        assert len(part) == size == len(set(part.tolist()))
        assert set(part.tolist()) <= set(larger.tolist())
        assert abs(label[part].sum() - size * label.mean()) <= 0.5 + 1e-9


def test_a_subsample_larger_than_all_is_refused() -> None:
    with pytest.raises(ValueError, match="subsample of 3"):
        nested_subsamples([0, 1], [3], 0)
