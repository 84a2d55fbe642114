"""Qualification without training data (Li et al. 2018, Fuwa): a tree grown on this very run, with known sites as labels.

Candidates that look alike come to the same leaf; the share of known sites among them is the quality of each, for a variant
that nobody has described yet looks like one that is known.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from varproof.candidates.features import FEATURES
from varproof.formats.json_file import read_json
from varproof.formats.tree import LEAF, QualityTree
from varproof.formats.vcf import MAX_PHRED
from varproof.machinery.errors import UserError
from varproof.machinery.numerics import PHRED_PER_LOG, log, logarithmic_steps

MOST_GROWN_FROM = 1_000_000
MOST_FOLDED, FOLDS, PRUNINGS = 30_000, 3, 15
JUDGED = [i for i, item in enumerate(FEATURES) if item.judged]
"""Columns that the tree looks at."""


@dataclass
class GrowingSample:
    """Candidates to grow a tree from: all of them, or an even part of at most `most`, drawn by `seed`."""

    seed: int
    most: int = MOST_GROWN_FROM

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        self._limit = 1.0
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._size = 0

    def add(self, features: np.ndarray, known: np.ndarray) -> None:
        """float32 (n, len(FEATURES)) and bool (n,); the order matters, how they are cut into calls does not."""
        ticket = self._random.random(len(features))
        self._keep(features[:, JUDGED], known, ticket)
        while self._size > self.most:
            self._limit /= 2
            parts, self._parts, self._size = self._parts, [], 0
            for part in parts:
                self._keep(*part)

    def _keep(self, features: np.ndarray, known: np.ndarray, ticket: np.ndarray) -> None:
        kept = ticket < self._limit
        self._parts.append((features[kept], known[kept], ticket[kept]))
        self._size += int(kept.sum())

    @property
    def features(self) -> np.ndarray:
        """float32 (k, judged features)."""
        return np.concatenate([part[0] for part in self._parts]) if self._parts else np.empty((0, len(JUDGED)), np.float32)

    @property
    def known(self) -> np.ndarray:
        """bool (k,)."""
        return np.concatenate([part[1] for part in self._parts]) if self._parts else np.empty(0, bool)


def grown_tree(features: np.ndarray, known: np.ndarray, least_leaf: int, seed: int, provenance: str = "") -> QualityTree:
    """The classification tree (CART, Gini) of float32 (n, judged features) and bool (n,), some of which are true.

    Pruned by cost and complexity (Breiman et al. 1984): it judges the candidates that it was grown from, and must not learn
    which of the real ones happen to be known.
    """
    pruning = best_pruning(features, known, least_leaf, seed)
    grown = _fitted(features, known, least_leaf, seed, pruning)
    tree = grown.tree_
    counts = tree.value[:, 0, :]
    share = counts[:, grown.classes_.tolist().index(True)] / counts.sum(axis=1)
    leaf = tree.children_left == LEAF
    return QualityTree(
        features=[FEATURES[i].name for i in JUDGED],
        feature=np.where(leaf, LEAF, tree.feature).tolist(),
        threshold=np.where(leaf, 0.0, tree.threshold).tolist(),
        left=tree.children_left.tolist(),
        right=tree.children_right.tolist(),
        known=share.tolist(),
        candidates=tree.n_node_samples.tolist(),
        provenance=provenance,
    )


def _fitted(features: np.ndarray, known: np.ndarray, least_leaf: int, seed: int, pruning: float) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(min_samples_leaf=least_leaf, random_state=seed, ccp_alpha=pruning).fit(features, known)


def best_pruning(features: np.ndarray, known: np.ndarray, least_leaf: int, seed: int) -> float:
    """The strongest pruning (`ccp_alpha`) that predicts held-out labels as well as the best one, within one standard error.

    Compared by squared error in three folds of at most `MOST_FOLDED` candidates.
    """
    chosen = np.random.default_rng(seed).permutation(len(known))[:MOST_FOLDED]
    features, known = features[chosen], known[chosen]
    if not known.any() or known.all():
        return 0.0
    path = _fitted(features, known, least_leaf, seed, 0.0).cost_complexity_pruning_path(features, known)
    strongest = max(float(path.ccp_alphas[-1]), 1e-9)
    strengths = np.array([0.0, *logarithmic_steps(strongest / 1000, strongest, PRUNINGS)])
    error = np.empty((len(strengths), len(known)))
    fold = np.arange(len(known)) % FOLDS
    for held_out in range(FOLDS):
        inside, outside = fold != held_out, fold == held_out
        for row, strength in zip(error, strengths, strict=True):
            grown = _fitted(features[inside], known[inside], least_leaf, seed, strength)
            share = grown.predict_proba(features[outside])[:, -1] * grown.classes_[-1]
            row[outside] = (share - known[outside]) ** 2
    worse = error - error[error.mean(axis=1).argmin()]
    within = worse.mean(axis=1) <= worse.std(axis=1) / np.sqrt(len(known))
    return float(strengths[np.flatnonzero(within)[-1]])


def read_tree(path: Path) -> QualityTree:
    """The tree of a file; raises UserError for one that looks at other features."""
    tree = read_json(path, QualityTree)
    if tree.features != [FEATURES[i].name for i in JUDGED]:
        raise UserError(f"{path}: grown by another version of varproof, from other features; grow it again")
    return tree


def leaves(tree: QualityTree, features: np.ndarray) -> np.ndarray:
    """int64 (n,): the leaf that each candidate (float32 (n, len(FEATURES))) comes to."""
    feature, left, right = (np.array(column) for column in (tree.feature, tree.left, tree.right))
    threshold, judged = np.array(tree.threshold), features[:, JUDGED].astype(np.float64)
    node = np.zeros(len(features), np.int64)
    while True:
        moving = np.flatnonzero(feature[node] != LEAF)
        if not len(moving):
            return node
        at = node[moving]
        node[moving] = np.where(judged[moving, feature[at]] <= threshold[at], left[at], right[at])


def leaf_qualities(tree: QualityTree) -> list[float]:
    """PHRED of each node's share of unknown candidates; by the rule of succession, n alike say no more than 1/(n + 2)."""
    return [
        min(MAX_PHRED, -PHRED_PER_LOG * log(max(1 - share, 1 / (count + 2))) + 0.0)
        for share, count in zip(tree.known, tree.candidates, strict=True)
    ]
