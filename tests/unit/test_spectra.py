"""Spectra: substitutions in contexts, by strand, shrunk, and how they weigh components."""

import itertools

import numpy as np
import pytest

from varproof.posterior.components import ARTIFACT_SHAPE, Mixture, Tables, evaluate
from varproof.posterior.learning import starting_prior
from varproof.posterior.spectra import (
    COMPLEMENT,
    CONTEXTS,
    DAMAGE,
    NO_CONTEXT,
    SOMATIC,
    SUBSTITUTION_OF,
    SUBSTITUTIONS,
    context_factors,
    context_index,
    damage_components,
    of_substitutions,
    spectrum_of,
)

BASES = "ACGT"


def index_of(text: str) -> int:
    """Of "A[C>T]G"."""
    before, ref, alt, after = text[0], text[2], text[4], text[6]
    return context_index(*(BASES.index(base) for base in (before, ref, after, alt)))


def complemented(text: str) -> str:
    pair = dict(zip("ACGT", "TGCA", strict=True))
    return f"{pair[text[6]]}[{pair[text[2]]}>{pair[text[4]]}]{pair[text[0]]}"


def test_every_substitution_has_its_own_number() -> None:
    names = [f"{a}[{r}>{b}]{c}" for a, r, b, c in itertools.product(BASES, repeat=4) if r != b]
    assert sorted(map(index_of, names)) == list(range(CONTEXTS))
    for name in names:
        assert COMPLEMENT[index_of(name)] == index_of(complemented(name))
        pyrimidine = name if name[2] in "CT" else complemented(name)
        assert SUBSTITUTIONS[SUBSTITUTION_OF[index_of(name)]] == pyrimidine[2:5]


@pytest.mark.parametrize("codes", [(4, 1, 2, 3), (0, 4, 0, 1), (0, 1, 4, 2), (0, 1, 2, 4), (0, 1, 2, 1)])
def test_unknown_bases_have_no_context(codes: tuple[int, int, int, int]) -> None:
    assert context_index(*codes) == NO_CONTEXT


def test_nothing_counted_is_even_and_much_counted_is_itself() -> None:
    np.testing.assert_allclose(spectrum_of(np.zeros(CONTEXTS), True), 1.0)
    counts = np.random.default_rng(1).integers(0, 10, CONTEXTS) * 1e6
    np.testing.assert_allclose(spectrum_of(counts, False), counts * CONTEXTS / counts.sum(), atol=1e-3)
    both = counts + counts[COMPLEMENT]
    np.testing.assert_allclose(spectrum_of(counts, True), both * CONTEXTS / both.sum(), atol=1e-3)


def test_few_counts_tell_of_types_before_contexts() -> None:
    """36 C>T in one context, 36 pseudo-counts over 12 types: types 39/72 and 3/72; of the 16 contexts (36 + 200 p / 16)."""
    counts = np.zeros(CONTEXTS)
    counts[index_of("A[C>T]G")] = 36.0
    found = spectrum_of(counts, False)
    assert found.mean() == pytest.approx(1.0)
    other_context, other_type = 200 * (39 / 72) / 16 / 236, 200 * (3 / 72) / 16 / 236
    assert found[index_of("A[C>T]T")] / CONTEXTS == pytest.approx(other_context)
    assert found[index_of("A[C>A]T")] / CONTEXTS == pytest.approx(other_type)
    assert found[index_of("A[C>T]G")] / CONTEXTS == pytest.approx(36 / 236 + other_context)


def test_only_what_is_possible() -> None:
    damage = of_substitutions(["C>T"])
    assert damage.sum() == 2 * 16 and damage[index_of("A[G>A]G")] and not damage[index_of("A[G>T]G")]
    found = spectrum_of(np.ones(CONTEXTS), True, damage)
    assert (found[~damage] == 0).all()
    np.testing.assert_allclose(found[damage], 6.0)


def test_components_follow_their_spectrum() -> None:
    """Somatic twice as often in one context; damage of the tumour alone never in what has no context."""
    zeros = np.zeros((1, 257))
    table = np.zeros((1, ARTIFACT_SHAPE[0], ARTIFACT_SHAPE[2]))
    columns = evaluate(Tables(zeros, None, table, None), Mixture(0.7)).columns
    prior = starting_prior("empirical", 1e6)
    somatic, damage = np.ones(CONTEXTS), np.ones(CONTEXTS)
    somatic[5], damage[5] = 2.0, 3.0
    prior = prior.model_copy(update={"spectra": prior.spectra | {SOMATIC: somatic.tolist(), DAMAGE: damage.tolist()}})
    factors = context_factors(prior, columns)
    assert (factors[5, columns["SOMATIC_TUMOR"]] == 2.0).all() and (factors[4, columns["SOMATIC_TUMOR"]] == 1.0).all()
    assert (factors[NO_CONTEXT, columns["SOMATIC_TUMOR"]] == 1.0).all()
    artifact = factors[:, columns["ARTIFACT"]]
    own = damage_components()
    assert (artifact[5, own] == 3.0).all() and (artifact[NO_CONTEXT, own] == 0.0).all()
    assert (artifact[:, ~own] == 1.0).all()
    assert own.reshape(ARTIFACT_SHAPE).sum() == 2 * ARTIFACT_SHAPE[2]
    assert damage_components(paired=False).sum() == 3 * ARTIFACT_SHAPE[2]
