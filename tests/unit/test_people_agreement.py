"""Agreement with people: shares by range of probability, and what they would say of the whole list, whatever they judged."""

from dataclasses import replace

import numpy as np
import pytest

from varproof.evaluation.agreement import people_agreement, true_share, weighted_share
from varproof.evaluation.choosing import chosen
from varproof.evaluation.evaluation import share_limits
from varproof.formats.labels import Label

LINE = Label(2, "chr1", 9, "A", "T", 1)


def labels(values: np.ndarray | list[int], **fields: str) -> list[Label | None]:
    """1 and 0 as labels, 2 as undecided, -1 as none."""
    return [None if value < 0 else replace(LINE, label=None if value == 2 else int(value), **fields) for value in values]


def test_shares_by_range_type_and_tag() -> None:
    probability = np.array([0.95, 0.95, 0.95, 0.2, 0.2, 0.995, np.nan, 0.95])
    said = labels([1, 1, 0, 0, -1, -1, 1, 2])
    for place, tags in enumerate([(), ("D",), ("D", "MM"), ("MM",)]):
        said[place] = replace(said[place] or LINE, tags=tags)
    kinds = ["snv", "snv", "deletion", "snv", "snv", "snv", "snv", "snv"]
    found = people_agreement(probability, said, kinds)
    of_095 = found.ranges[4]
    assert (of_095.low, of_095.high, of_095.listed, of_095.judged, of_095.real) == (0.9, 0.99, 4, 3, 2)
    assert of_095.share == pytest.approx(2 / 3) and of_095.promised == pytest.approx(0.95) and of_095.ambiguous == 1
    assert [(one.name, one.judged, one.alike) for one in found.types] == [("snv", 3, 3), ("deletion", 1, 0)]
    assert [(one.name, one.judged, one.alike) for one in found.tags] == [("D", 2, 1), ("MM", 2, 1)]
    assert found.judged == 4 and found.alike is None  # the range of 0.995 was never judged
    assert (found.ambiguous, found.without_probability, found.selection) == (1, 1, "ranges")
    assert [(one.call, one.candidates, one.held_real) for one in found.calls] == [
        ("ambiguous", 1, 1), ("label 1", 2, 2), ("label 0", 2, 1),
    ]  # fmt: skip


def test_who_judged_the_whole_list_and_left_some_ambiguous_judged_the_whole_list() -> None:
    probability = np.array([0.95, 0.95, 0.95, 0.2, np.nan])
    found = people_agreement(probability, labels([1, 1, 2, 0, -1]), ["snv"] * 5)
    assert (found.judged, found.ambiguous, found.selection) == (3, 1, "all")
    assert found.ranges[4].share == 1.0 and found.alike == pytest.approx(1.0)
    assert people_agreement(probability, labels([1, 1, -1, 0, -1]), ["snv"] * 5).selection == "ranges"


def test_choosing_the_doubtful_ones_does_not_change_what_is_expected_of_the_list() -> None:
    """A list of 10,000; people err by chance, and judge all, or nearly only the doubtful ones."""
    generator = np.random.default_rng(7)
    probability = generator.beta(0.15, 0.15, 10_000)
    real = generator.random(10_000) < probability
    people = np.where(generator.random(10_000) < 0.059, ~real, real).astype(int)
    truth = float(np.mean((probability >= 0.5) == (people == 1)))
    kinds = ["snv"] * 10_000
    whole = people_agreement(probability, labels(people), kinds)
    assert whole.alike == pytest.approx(truth) and whole.selection == "all"
    for entry in whole.ranges:  # what is promised is what is real, once people's errors are allowed for
        assert not entry.differs and entry.listed > 300
    assert people_agreement(probability, labels(people), kinds, 0.0).ranges[-1].differs
    doubt = 0.02 + (np.abs(probability - 0.5) < 0.45)
    some = np.where(generator.random(10_000) < doubt * 0.6, people, -1)
    judged = some >= 0
    naive = float(np.mean((probability[judged] >= 0.5) == (people[judged] == 1)))
    found = people_agreement(probability, labels(some), kinds)
    assert found.alike is not None and abs(found.alike - truth) < 0.02 < abs(naive - truth)
    low, high = found.alike_limits
    assert low is not None and high is not None and low < truth < high


@pytest.mark.parametrize("choice", ["random", "stratified"])
def test_recorded_weights_undo_a_choice_by_chance(choice: str) -> None:
    """Types of which people say different things are chosen at different rates: shares of the list are met all the same."""
    generator = np.random.default_rng(3)
    n = 20_000
    kinds = np.where(generator.random(n) < 0.05, "deletion", "snv")
    probability = np.full(n, 0.95)
    people = (generator.random(n) < np.where(kinds == "deletion", 0.5, 0.95)).astype(int)
    taken, weight = chosen(choice, 600, probability, np.full(n, np.nan), kinds, 5)
    said: list[Label | None] = [None] * n
    for place, stands_for in zip(taken.tolist(), weight.tolist(), strict=True):
        said[place] = replace(LINE, label=int(people[place]), choice=choice, weight=stands_for)
    found = people_agreement(probability, said, kinds.tolist())
    assert found.selection == "weights" and found.ranges[4].share == pytest.approx(people.mean(), abs=0.03)
    unweighted = [None if label is None else replace(label, weight=None) for label in said]
    naive = people_agreement(probability, unweighted, kinds.tolist())
    assert naive.selection == "ranges"
    if choice == "stratified":
        assert naive.ranges[4].share is not None and naive.ranges[4].share < people.mean() - 0.1


def test_limits_of_equal_weights_are_exact_ones_and_people_s_errors_go_either_way() -> None:
    for part, whole in ((0, 7), (3, 9), (8, 8)):
        share, limits = weighted_share(np.arange(whole) < part, np.full(whole, 2.5))
        assert share == pytest.approx(part / whole) and limits == pytest.approx(share_limits(part, whole))
    for real in (0.02, 0.5, 0.99):  # what people call real, by the two ways to do so
        assert true_share(real * 0.941 + (1 - real) * 0.059, 0.059) == pytest.approx(real)
    assert true_share(None, 0.059) is None
