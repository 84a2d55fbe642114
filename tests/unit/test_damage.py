"""Damage of one sample: an excess of one substitution among rare variants, and none where there is none."""

import math

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from varproof.posterior.damage import damaged_substitutions, excess
from varproof.posterior.decisions import DECISIONS
from varproof.posterior.spectra import COMPLEMENT, SUBSTITUTION_OF, SUBSTITUTIONS

C_TO_T = SUBSTITUTIONS.index("C>T")


def test_excess_is_the_signed_root_of_the_deviance() -> None:
    """Of 150 rare and 2 frequent against 10 and 20, as SciPy has it; a twelfth is added for each substitution."""
    rare, frequent = np.array([2.0, 2, 150, 2, 2, 2]), np.array([4.0, 4, 2, 4, 4, 4])
    table = np.array([[150, 10], [2, 20]]) + np.array([1, 5]) / 12
    deviance = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    found = excess(rare, frequent, np.ones(6, bool))
    assert found[C_TO_T] == pytest.approx(math.sqrt(deviance))
    assert (found[np.arange(6) != C_TO_T] < 0).all()


def test_few_variants_tell_where_nearly_all_rare_ones_are_of_one_kind() -> None:
    """51 C>T of 55 rare SNVs and none of 3 frequent ones: 3.8 standard deviations (Haldane's odds ratio has 2.7)."""
    found = excess(np.array([1.0, 0, 51, 1, 2, 0]), np.array([0.0, 1, 0, 2, 0, 0]), np.ones(6, bool))
    assert int(np.argmax(found)) == C_TO_T and found[C_TO_T] > DECISIONS.convincing_damage


def sample(rng: np.random.Generator, somatic: int, damage: dict[str, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Contexts, fractions, weights: somatic variants of all kinds and frequencies, and damage of 1 to 10 %."""
    context, fraction = [rng.integers(0, 192, somatic)], [rng.uniform(0.02, 0.5, somatic)]
    for name, count in damage.items():
        of_kind = np.flatnonzero(SUBSTITUTIONS.index(name) == SUBSTITUTION_OF)
        context.append(rng.choice(of_kind, count))
        fraction.append(rng.uniform(0.01, 0.1, count))
    return np.concatenate(context), np.concatenate(fraction), np.ones(somatic + sum(damage.values()))


def test_damage_is_found_whatever_it_makes() -> None:
    rng = np.random.default_rng(1)
    for damage in ({"C>T": 150}, {"C>A": 80}, {"C>T": 150, "C>A": 100}):
        assert sorted(damaged_substitutions(*sample(rng, 60, damage))) == sorted(damage)


def test_strands_are_one() -> None:
    context, fraction, weight = sample(np.random.default_rng(2), 60, {"C>T": 150})
    assert damaged_substitutions(COMPLEMENT[context], fraction, weight) == ["C>T"]


def test_clean_samples_have_none() -> None:
    """Six substitutions at three bounds are looked at, beyond 3.5 standard deviations: hardly ever in 500 clean samples."""
    rng = np.random.default_rng(3)
    found = [damaged_substitutions(*sample(rng, int(rng.integers(10, 400)), {})) for _ in range(500)]
    assert sum(map(bool, found)) <= 5


def test_what_is_no_snv_takes_no_part() -> None:
    assert damaged_substitutions(np.full(100, -1), np.full(100, 0.05), np.ones(100)) == []
