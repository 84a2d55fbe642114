"""Subgroups: binomial tests by enumeration, groups from alleles and reads, and a network that is bad at one group."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensor_examples import example_tensors
from varproof.formats.tensors import FLAGS, SUPPORTS_ALT, SUPPORTS_REF, TYPE, TensorSettings
from varproof.network.subgroups import groupings, subgroup_tests, tumor_allele_fraction
from varproof.variants.edit import VariantType

SETTINGS = TensorSettings(window=21, depth=40, tracks=("normal", "tumor", "context"))


def two_sided(right: int, n: int, share: float) -> float:
    """Sum over all outcomes that are no more probable than the observed one."""
    weights = [math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]
    return math.fsum(weight for weight in weights if weight <= weights[right] * (1 + 1e-7))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("ACG"), st.booleans()), min_size=2, max_size=50))
def test_against_enumeration(judged: list[tuple[str, bool]]) -> None:
    names = np.array([name for name, _ in judged], object)
    correct = np.array([right for _, right in judged])
    found = subgroup_tests(correct, {"base": names, "same": np.full(len(names), "x", object)})
    present = sorted(set(names))
    if len(present) < 2:
        assert found == []
        return
    assert [entry.group for entry in found] == present, "a grouping with one group is left out"
    for entry in found:
        inside = correct[names == entry.group]
        assert (entry.n, entry.correct) == (len(inside), inside.sum())
        assert entry.accuracy == pytest.approx(inside.mean())
        assert entry.p == pytest.approx(two_sided(entry.correct, entry.n, correct.mean()), rel=1e-6)
        assert entry.p_bonferroni == pytest.approx(min(1, entry.p * len(present)))
        assert entry.significant == (entry.p_bonferroni < 0.05)


def test_only_the_bad_group_is_found_and_tests_of_all_groupings_count() -> None:
    rng = np.random.default_rng(0)
    groups = {name: rng.choice(list("ACGT"), 4000).astype(object) for name in ("reference base", "alternative base")}
    correct = rng.random(4000) < np.where(groups["alternative base"] == "G", 0.8, 0.95)
    found = subgroup_tests(correct, groups)
    assert len(found) == 8
    bad = next(entry for entry in found if (entry.grouping, entry.group) == ("alternative base", "G"))
    assert bad.significant and bad.accuracy < 0.85
    assert bad.p_bonferroni == pytest.approx(8 * bad.p)
    assert not any(entry.significant for entry in found if entry.grouping == "reference base")
    assert subgroup_tests([], {}) == []


def test_groups_of_candidates() -> None:
    tensors = example_tensors(60, SETTINGS, seed=4)
    codes = tensors.allele_code.copy()
    codes[:20, TYPE] = list(VariantType).index(VariantType.DELETION)
    classes = np.array(["exonic"] * 30 + [""] * 30, object)
    tensors = replace(tensors, allele_code=codes, mutation_class=classes)
    found = groupings(tensors)
    assert set(found["reference base"][:20]) == {""}
    assert found["reference base"][20:].tolist() == tensors.ref[20:].tolist()
    assert found["pair"][20:].tolist() == [f"{a}>{b}" for a, b in zip(tensors.ref[20:], tensors.alt[20:], strict=True)]
    assert found["variant type"].tolist() == ["deletion"] * 20 + ["snv"] * 40
    assert found["mutation class"].tolist() == classes.tolist()
    names = {entry.grouping for entry in subgroup_tests(np.arange(60) % 3 > 0, found)}
    assert names == {"reference base", "alternative base", "pair", "VAF", "variant type"}


def test_allele_fraction_is_that_of_the_tumour_track() -> None:
    """By a loop over candidates and rows; a row that supports neither allele does not count."""
    tensors = example_tensors(30, SETTINGS, seed=5)
    flags = tensors.rows[:, FLAGS].copy()
    flags[::5] &= 255 - SUPPORTS_ALT - SUPPORTS_REF
    rows = tensors.rows.copy()
    rows[:, FLAGS] = flags
    start, end = tensors.row_offset[3 * 7 + 1], tensors.row_offset[3 * 7 + 2]
    rows[start:end, FLAGS] = 1
    tensors = replace(tensors, rows=rows)
    fraction, names = tumor_allele_fraction(tensors), groupings(tensors)["VAF"]
    bins = {(0, 0.05): "below 0.05", (0.05, 0.1): "0.05 to 0.1", (0.1, 0.2): "0.1 to 0.2", (0.2, 0.3): "0.2 to 0.3"}
    bins |= {(0.3, 0.5): "0.3 to 0.5", (0.5, 1.01): "0.5 and more"}
    for i in range(30):
        pile = rows[tensors.row_offset[3 * i + 1] : tensors.row_offset[3 * i + 2], FLAGS]
        alternative = sum(bool(flag & SUPPORTS_ALT) for flag in pile)
        reference = sum(bool(flag & SUPPORTS_REF) for flag in pile)
        if i == 7:
            assert math.isnan(fraction[i]) and names[i] == ""
            continue
        assert fraction[i] == pytest.approx(alternative / (alternative + reference))
        assert names[i] == next(name for (low, high), name in bins.items() if low <= fraction[i] < high)
    ordered = [entry.group for entry in subgroup_tests(np.ones(30), {"VAF": names})]
    assert ordered == [name for name in bins.values() if name in ordered]
