"""The tree: grown as scikit-learn grows it, kept as arrays, read back to the same judgement."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from varproof.candidates.features import FEATURES
from varproof.candidates.qualification import (
    JUDGED,
    GrowingSample,
    best_pruning,
    grown_tree,
    leaf_qualities,
    leaves,
    read_tree,
)
from varproof.formats.json_file import write_json
from varproof.formats.tree import QualityTree
from varproof.machinery.errors import UserError
from varproof.report.quality_tree import DEEPEST, draw_tree


def candidates(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random features, and labels that depend on two of them and on chance."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(size, len(FEATURES))).astype(np.float32)
    known = (features[:, 1] + 0.5 * features[:, 4] ** 2 + 0.1 * rng.normal(size=size)) > 0.8
    return features, known


def tree_of(size: int = 2000, least_leaf: int = 20) -> QualityTree:
    """One that is larger than its picture shows."""
    features, known = candidates(size)
    return grown_tree(features[:, JUDGED], known, least_leaf, seed=3)


def test_leaves_and_shares_are_scikit_learns() -> None:
    features, known = candidates(2000)
    tree = tree_of()
    pruning = best_pruning(features[:, JUDGED], known, 20, 3)
    theirs = DecisionTreeClassifier(min_samples_leaf=20, random_state=3, ccp_alpha=pruning).fit(features[:, JUDGED], known)
    fresh, _ = candidates(500, seed=1)
    for sample in (features, fresh):
        assert np.array_equal(leaves(tree, sample), theirs.apply(sample[:, JUDGED]))
        assert np.array(tree.known)[leaves(tree, sample)] == pytest.approx(theirs.predict_proba(sample[:, JUDGED])[:, 1])
    own = leaves(tree, features)
    for leaf in np.unique(own):
        assert tree.candidates[leaf] == (own == leaf).sum() >= 20
        assert tree.known[leaf] == pytest.approx(known[own == leaf].mean())


def test_pruning_leaves_what_is_real_and_takes_what_is_chance() -> None:
    """Labels that depend on a threshold only, and by a fifth on chance: two leaves, whatever the number of candidates."""
    rng = np.random.default_rng(2)
    for size in (300, 5000):
        features = rng.normal(size=(size, len(JUDGED))).astype(np.float32)
        known = (features[:, 2] > 0.3) & (rng.random(size) < 0.8)
        tree = grown_tree(features, known, 10, seed=0)
        assert best_pruning(features, known, 10, 0) > 0
        assert tree.feature == [2, -1, -1]
        assert tree.threshold[0] == pytest.approx(0.3, abs=0.1)
        assert tree.known[1] < 0.05 and tree.known[2] == pytest.approx(0.8, abs=0.1)
    chance = rng.random(500) < 0.4
    assert grown_tree(features[:500], chance, 10, seed=0).feature == [-1]


def test_the_normal_does_not_judge() -> None:
    """Known sites are germline: a tree that sees the normal would refuse what is somatic."""
    assert [FEATURES[i].name for i in JUDGED] == [item.name for item in FEATURES if item.name != "NORMAL_AF"]
    features, known = candidates(500)
    changed = features.copy()
    changed[:, -1] = known
    assert FEATURES[-1].name == "NORMAL_AF"
    assert np.array_equal(leaves(tree_of(), features), leaves(tree_of(), changed))


def test_a_tree_comes_back_from_its_file(tmp_path: Path) -> None:
    tree = tree_of()
    write_json(tmp_path / "tree.json", tree)
    assert read_tree(tmp_path / "tree.json") == tree


def test_qualities_of_leaves_by_hand() -> None:
    tree = QualityTree(
        features=["EBD"], feature=[0, -1, -1], threshold=[2.0, 0, 0], left=[1, -1, -1], right=[2, -1, -1],
        known=[0.5, 0.0, 1.0], candidates=[196, 98, 98],
    )  # fmt: skip
    assert leaf_qualities(tree) == pytest.approx([3.0103, 0.0, 20.0])


def spoilt(tmp_path: Path, **changes: object) -> Path:
    values = json.loads(tree_of(200).model_dump_json(by_alias=True)) | changes
    path = tmp_path / "tree.json"
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": ["EBD"], "feature": [-1], "threshold": [0], "left": [-1], "right": [-1], "known": [1], "candidates": [1]},
         "from other features"),
        ({"known": [0.5]}, "arrays have different lengths"),
        ({"schema": "varproof/alignment/1"}, "schema"),
        ({"extra": 1}, "not a known key"),
    ],
)  # fmt: skip
def test_trees_of_other_kinds_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_tree(spoilt(tmp_path, **changes))


@pytest.mark.parametrize(("column", "value"), [("known", 1.5), ("candidates", 0)])
def test_shares_and_counts_of_a_tree_are_possible_ones(tmp_path: Path, column: str, value: float) -> None:
    values = [*getattr(tree_of(200), column)[:-1], value]
    with pytest.raises(UserError, match="shares lie within 0 and 1, counts are at least 1"):
        read_tree(spoilt(tmp_path, **{column: values}))


@pytest.mark.parametrize("column", ["left", "right", "feature"])
def test_a_tree_that_points_back_would_never_end(tmp_path: Path, column: str) -> None:
    values = getattr(tree_of(200), column)
    values[0] = 0 if column != "feature" else 99
    with pytest.raises(UserError, match="node 0 points outside of it, or back"):
        read_tree(spoilt(tmp_path, **{column: values}))


def test_a_file_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "tree.json").write_bytes(b"\x80\x04pickle")
    with pytest.raises(UserError, match=r"tree\.json: not valid JSON"):
        read_tree(tmp_path / "tree.json")


def test_a_sample_is_an_even_part_and_the_same_for_any_cut() -> None:
    features, known = candidates(1000)
    samples = []
    for cuts in ([], [1, 500, 501], list(range(0, 1000, 7))):
        sample = GrowingSample(seed=5, most=300)
        for part in np.split(np.arange(1000), cuts):
            sample.add(features[part], known[part])
        samples.append(sample)
    assert 100 < len(samples[0].known) <= 300
    for sample in samples[1:]:
        assert np.array_equal(sample.features, samples[0].features)
        assert np.array_equal(sample.known, samples[0].known)
    everything = GrowingSample(seed=5)
    everything.add(features, known)
    assert np.array_equal(everything.features, features[:, JUDGED])
    assert len(GrowingSample(seed=1).known) == 0


def test_a_picture_of_the_tree(tmp_path: Path) -> None:
    tree = tree_of()
    for name in ("one.svg", "two.svg"):
        draw_tree(tree, tmp_path / name)
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text()
    assert f"of {tree.candidates[0]:,}" in text
    assert f"{tree.features[tree.feature[0]]} ≤ {tree.threshold[0]:.4g}" in text
    assert "leaves)" in text
    assert text.count(" of ") <= 2 ** (DEEPEST + 1)
    single = QualityTree(
        features=["EBD"], feature=[-1], threshold=[0], left=[-1], right=[-1], known=[0.25], candidates=[8]
    )  # fmt: skip
    draw_tree(single, tmp_path / "single.svg")
    assert "25 % of 8" in (tmp_path / "single.svg").read_text()
