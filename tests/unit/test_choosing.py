"""Which candidates people should judge: the doubtful, the contested, and samples that stand for the whole list."""

import numpy as np
import pytest

from varproof.evaluation.choosing import chosen

NAN = float("nan")


def taken(choice: str, count: int, posterior: list[float], network: list[float] | None = None, seed: int = 0) -> list[int]:
    n = len(posterior)
    other = np.full(n, NAN) if network is None else np.array(network)
    return chosen(choice, count, np.array(posterior), other, np.array(["snv"] * n), seed)[0].tolist()


def test_all_are_all() -> None:
    assert taken("all", 2, [0.1, 0.5, 0.9]) == [0, 1, 2]
    assert taken("random", 9, [0.1, 0.5, 0.9]) == [0, 1, 2]


def test_uncertain_are_nearest_to_one_half_and_unjudged_ones_last() -> None:
    assert taken("uncertain", 2, [0.99, 0.6, 0.001, 0.45, NAN]) == [1, 3]
    assert taken("uncertain", 4, [0.99, 0.6, 0.001, 0.45, NAN]) == [0, 1, 2, 3]
    assert taken("uncertain", 1, [0.9, 0.9], [0.9, 0.2]) == [1]  # their mean


def test_disagreement_is_the_distance_of_both_probabilities() -> None:
    assert taken("disagreement", 2, [0.99, 0.9, 0.5, 0.01], [0.9, 0.1, 0.55, 0.9]) == [1, 3]
    assert taken("disagreement", 2, [0.5, 0.9, 0.9], [NAN, 0.8, NAN]) == [0, 1]  # without both, the most uncertain


def test_rounds_are_half_the_doubts_of_the_network_and_half_chance() -> None:
    network = [0.99, 0.6, 0.001, 0.45, NAN, 0.9, 0.2, 0.1, 0.97, 0.03]
    seen = np.zeros(10)
    for seed in range(300):
        own = taken("rounds", 5, [0.5] * 10, network, seed)
        assert len(own) == 5 and {1, 3} <= set(own)  # the two nearest to one half; three of the other eight
        seen[own] += 1
    others = [i for i in range(10) if i not in (1, 3)]
    assert abs(seen[others] - 300 * 3 / 8).max() < 5 * np.sqrt(300 * 3 / 8 * 5 / 8)
    assert taken("rounds", 1, [0.5] * 10, network, 3) == taken("rounds", 1, [0.5] * 10, network, 3)


def test_who_was_judged_is_not_chosen_again_and_weights_are_of_the_rest() -> None:
    posterior = np.array([0.5, 0.4, 0.9, 0.5, 0.1])
    judged = np.array([True, False, False, True, False])
    nothing, kinds = np.full(5, NAN), np.array(["snv"] * 5)
    for choice in ("all", "uncertain", "rounds", "random", "stratified"):
        assert chosen(choice, 3, posterior, nothing, kinds, 0, judged)[0].tolist() == [1, 2, 4]
    assert chosen("uncertain", 1, posterior, nothing, kinds, 0, judged)[0].tolist() == [1]
    indices, weights = chosen("random", 2, posterior, nothing, kinds, 0, judged)
    assert set(indices.tolist()) <= {1, 2, 4} and weights.tolist() == [1.5, 1.5]


def test_alike_ones_are_taken_in_the_order_of_the_list() -> None:
    assert taken("uncertain", 2, [0.4, 0.6, 0.4, 0.6]) == [0, 1]


def test_random_choice_depends_on_the_seed_alone_and_is_even() -> None:
    posterior = [0.5] * 20
    assert taken("random", 5, posterior, seed=3) == taken("random", 5, posterior, seed=3)
    counts = np.zeros(20)
    for seed in range(2000):
        counts[taken("random", 5, posterior, seed=seed)] += 1
    assert abs(counts - 500).max() < 5 * np.sqrt(2000 * 0.25 * 0.75)


@pytest.mark.parametrize("count", [3, 7, 40, 99])
def test_weights_of_a_stratified_sample_add_up_to_the_list(count: int) -> None:
    generator = np.random.default_rng(1)
    posterior = generator.beta(0.2, 0.2, 100)
    posterior[:4] = NAN
    kinds = np.array(["snv", "deletion"])[(np.arange(100) % 10 == 0).astype(int)]
    indices, weights = chosen("stratified", count, posterior, np.full(100, NAN), kinds, 5)
    assert len(set(indices.tolist())) == count and (np.diff(indices) > 0).all() and (weights >= 1).all()
    if count >= 40:
        assert weights.sum() == pytest.approx(100)
        deletions = kinds[indices] == "deletion"
        assert weights[deletions].sum() == pytest.approx(10)


def test_strata_of_few_are_taken_whole() -> None:
    posterior = np.array([0.5] * 2 + [0.001] * 50)
    indices, weights = chosen("stratified", 12, posterior, np.full(52, NAN), np.array(["snv"] * 52), 0)
    assert indices[:2].tolist() == [0, 1] and weights[:2].tolist() == [1, 1]
    assert weights[2:].tolist() == [5.0] * 10


def test_with_more_strata_than_are_chosen_none_is_left_out_for_good() -> None:
    """Of six strata of 1 to 6 candidates two are drawn: over many seeds each as often, and weights add up to all 21."""
    kinds = np.repeat(list("abcdef"), np.arange(1, 7))
    posterior, totals, drawn = np.full(21, 0.5), [], np.zeros(6)
    for seed in range(600):
        indices, weights = chosen("stratified", 2, posterior, np.full(21, NAN), kinds, seed)
        strata = ["abcdef".index(kind) for kind in kinds[indices]]
        assert len(set(strata)) == 2 and weights.tolist() == [3.0 * (k + 1) for k in strata]
        drawn[strata] += 1
        totals.append(weights.sum())
    assert abs(drawn - 200).max() < 5 * np.sqrt(600 * (1 / 3) * (2 / 3))
    assert np.mean(totals) == pytest.approx(21, abs=1.5)
