"""Another person, measured at homozygous variants: reads of the reference beyond the normal's."""

import numpy as np
import pytest

from varproof.posterior.mixture import HomozygousSites, best_choice, homozygous_sites

Counts = tuple[np.ndarray, np.ndarray]


def sites(rng: np.random.Generator, number: int, share: float, depth: int = 60, error: float = 3e-4) -> tuple[Counts, Counts]:
    """(tumour, normal): reads of reference and alternative at homozygous variants, `share` of the tumour's another person's."""
    tumor = rng.binomial(depth, share + (1 - share) * error, number)
    normal = rng.binomial(depth // 2, error, number)
    return (tumor, depth - tumor), (normal, depth // 2 - normal)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1])
def test_the_share_comes_back(share: float) -> None:
    """Where this person is homozygous for what the other lacks; without the sites with most, somewhat less."""
    tumor, normal = sites(np.random.default_rng(1), 400, share)
    for of_normal in (normal, None):
        found = homozygous_sites(np.ones(400, bool), tumor, of_normal)
        assert 0.75 * share < found.share < 1.1 * share
        assert found.is_a_sign
        assert found.choices()[0] == 0.0 and max(found.choices()) <= 0.2
        assert any(abs(choice / share - 1) < 0.15 for choice in found.choices()[1:])


def test_clean_samples_show_no_sign() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        tumor, normal = sites(rng, 300, 0.0)
        assert homozygous_sites(np.ones(300, bool), tumor, normal).choices() == [0.0]


def test_few_sites_tell_nothing() -> None:
    tumor, normal = sites(np.random.default_rng(3), 15, 0.1)
    assert homozygous_sites(np.ones(15, bool), tumor, normal).choices() == [0.0]
    assert homozygous_sites(np.zeros(15, bool), tumor, normal) == HomozygousSites(0.0, 0, 0)


def test_heterozygous_and_shallow_sites_take_no_part() -> None:
    half = (np.full(40, 30), np.full(40, 30))
    assert homozygous_sites(np.ones(40, bool), half, half).sites == 0
    shallow = (np.zeros(40), np.full(40, 5))
    assert homozygous_sites(np.ones(40, bool), shallow, shallow).sites == 0


def test_the_best_choice_must_be_worth_it() -> None:
    assert best_choice([0.0, 0.1, 0.2], {0.0: 0.0, 0.1: 3.9, 0.2: 1.0}.get) == 0.0
    assert best_choice([0.0, 0.1, 0.2], {0.0: 0.0, 0.1: 4.1, 0.2: 1.0}.get) == 0.1
    assert best_choice([0.0], lambda _: 1 / 0) == 0.0


def test_evidence_may_fall_before_it_rises() -> None:
    """As that of tumour cells in the normal does, beside somatic variants of the normal."""
    evidence = dict(zip([0.0, 0.01, 0.02, 0.05, 0.1, 0.2], [0.0, -5.0, -40.0, -60.0, 70.0, -20.0], strict=True))
    assert best_choice(list(evidence), evidence.__getitem__) == 0.1
