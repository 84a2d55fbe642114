"""Agreement with people: shares by range of probability, and what they would say of the whole list, whatever they judged."""

import numpy as np
import pytest

from varproof.evaluation.agreement import people_agreement


def test_shares_by_range_type_and_tag() -> None:
    probability = np.array([0.95, 0.95, 0.95, 0.2, 0.2, 0.995, np.nan])
    label = np.array([1, 1, 0, 0, -1, -1, 1], np.int8)
    kinds = ["snv", "snv", "deletion", "snv", "snv", "snv", "snv"]
    found = people_agreement(probability, label, kinds, [[], ["D"], ["D", "MM"], ["MM"], [], [], []])
    of_095 = found.ranges[4]
    assert (of_095.low, of_095.high, of_095.listed, of_095.judged, of_095.real) == (0.9, 0.99, 3, 3, 2)
    assert of_095.share == pytest.approx(2 / 3) and of_095.promised == pytest.approx(0.95)
    assert [(one.name, one.judged, one.alike) for one in found.types] == [("snv", 3, 3), ("deletion", 1, 0)]
    assert [(one.name, one.judged, one.alike) for one in found.tags] == [("D", 2, 1), ("MM", 2, 1)]
    assert found.judged == 4 and found.alike is None  # the range of 0.995 was never judged


def test_choosing_the_doubtful_ones_does_not_change_what_is_expected_of_the_list() -> None:
    """A list of 10,000; people err by chance, and judge all, or nearly only the doubtful ones."""
    generator = np.random.default_rng(7)
    probability = generator.beta(0.15, 0.15, 10_000)
    real = generator.random(10_000) < probability
    people = np.where(generator.random(10_000) < 0.059, ~real, real).astype(np.int8)
    truth = float(np.mean((probability >= 0.5) == (people == 1)))
    kinds, tags = ["snv"] * 10_000, [[]] * 10_000
    whole = people_agreement(probability, people, kinds, tags)
    assert whole.alike == pytest.approx(truth)
    doubt = 0.02 + (np.abs(probability - 0.5) < 0.45)
    some = np.where(generator.random(10_000) < doubt * 0.6, people, -1).astype(np.int8)
    chosen = some >= 0
    naive = float(np.mean((probability[chosen] >= 0.5) == (people[chosen] == 1)))
    found = people_agreement(probability, some, kinds, tags)
    assert found.alike is not None and abs(found.alike - truth) < 0.02 < abs(naive - truth)
