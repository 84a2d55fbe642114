"""Whether two samples belong together, on people drawn from a population and tumours that lose whatever they like."""

import logging

import numpy as np
import pytest

from varproof.posterior.relatedness import AlleleCounts, SampleMatch, report, sample_match

Genotypes = np.ndarray


def people(rng: np.random.Generator, sites: int, number: int = 2) -> list[Genotypes]:
    """Alternative copies (0, 1, 2) of unrelated people at sites of a neutral population; at each somebody has one."""
    frequency = 0.01 ** rng.uniform(0, 1, 20 * sites)
    drawn = [rng.binomial(2, frequency) for _ in range(number)]
    somebody = np.flatnonzero(np.sum(drawn, axis=0) > 0)[:sites]
    return [item[somebody] for item in drawn]


def seen(rng: np.random.Generator, fraction: np.ndarray, depth: float) -> AlleleCounts:
    """Fragments of either allele, with one error in a thousand."""
    total = rng.poisson(depth, len(fraction))
    alternative = rng.binomial(total, np.clip(fraction, 0.001, 0.999))
    return AlleleCounts(total - alternative, alternative)


def lost(rng: np.random.Generator, genotype: Genotypes, share: float, purity: float, stretch: int = 50) -> np.ndarray:
    """Fractions in a tumour that lost one copy of this share of the genome, in stretches of so many sites."""
    regional = np.repeat(rng.random(-(-len(genotype) // stretch)) < share, stretch)[: len(genotype)]
    kept = np.where(genotype == 1, rng.integers(0, 2, len(genotype)), genotype // 2)
    after = (purity * kept + (1 - purity) * genotype) / (purity + 2 * (1 - purity))
    return np.where(regional, after, genotype / 2)


def matched(tumor: AlleleCounts, normal: AlleleCounts) -> SampleMatch:
    size = len(tumor.reference)
    return sample_match(tumor, normal, np.arange(size) * 3 // size, np.arange(size) * 500)


@pytest.mark.parametrize("sites", [100, 5000])
@pytest.mark.parametrize("purity", [1.0, 0.8, 0.5, 0.2])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("depth", [25, 60])
def test_loss_of_heterozygosity_is_no_other_person(sites: int, purity: float, share: float, depth: int) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        (own,) = people(rng, sites, 1)
        fraction = lost(rng, own, share, purity)
        assert matched(seen(rng, fraction, depth), seen(rng, own / 2, depth)).verdict == "related"


def test_one_stretch_that_loses_all_its_alternative_alleles_is_no_other_person() -> None:
    """A small panel: every heterozygous variant lies on the copy that was lost."""
    rng = np.random.default_rng(1)
    genotype = np.ones(60, int)
    fraction = np.where(np.arange(60) < 25, 0.0, 0.5)
    assert matched(seen(rng, fraction, 60), seen(rng, genotype / 2, 60)).verdict == "related"


@pytest.mark.parametrize("depth", [25, 60])
@pytest.mark.parametrize("source", ["either", "tumor", "normal"])
def test_another_person_is_told(source: str, depth: int) -> None:
    """Whichever sample the candidates came from."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        one, other = people(rng, 1000)
        chosen = {"either": one + other > 0, "tumor": one > 0, "normal": other > 0}[source]
        tumor, normal = seen(rng, lost(rng, one[chosen], 0.3, 0.7), depth), seen(rng, other[chosen] / 2, depth)
        assert matched(tumor, normal).verdict == "unrelated"


def test_another_person_without_homozygous_variants() -> None:
    """Twenty variants of the normal, half of them not in the tumour, in turns; and as many of the tumour alone."""
    rng = np.random.default_rng(3)
    tumor, normal = np.tile([0.5, 1.0, 0.0, 0.5], 10), np.tile([0.0, 0.0, 0.5, 0.5], 10)
    match = matched(seen(rng, tumor, 40), seen(rng, normal, 30))
    assert match.verdict == "unrelated"
    assert abs(match.normal_heterozygous - 20) <= 1 and abs(match.normal_heterozygous_in_tumor - 10) <= 1
    assert (match.tumor_homozygous, match.tumor_homozygous_in_normal) == (10, 0)


def test_few_variants_or_reads_tell_nothing() -> None:
    rng = np.random.default_rng(4)
    one, other = people(rng, 400)
    few = np.flatnonzero(other)[:14]
    assert matched(seen(rng, one[few] / 2, 40), seen(rng, other[few] / 2, 40)).verdict == "too few to tell"
    assert matched(seen(rng, one / 2, 4), seen(rng, other / 2, 4)).verdict == "too few to tell"


@pytest.mark.parametrize("somatic_fraction", [0.5, 1.0])
def test_a_filtered_list_tells_nothing(somatic_fraction: float) -> None:
    """A caller left twenty germline variants among 300 somatic ones, also where the tumour lost the other copy."""
    rng = np.random.default_rng(5)
    tumor = np.concatenate([np.full(20, 0.5), np.full(300, somatic_fraction)])
    normal = np.concatenate([np.full(20, 0.5), np.zeros(300)])
    assert matched(seen(rng, tumor, 40), seen(rng, normal, 40)).verdict == "filtered, can't be told"


def test_many_somatic_variants_are_no_other_person() -> None:
    """A hypermutated cell line, a tenth as many somatic as germline variants, a third of them on the only copy."""
    rng = np.random.default_rng(6)
    (own,) = people(rng, 2000, 1)
    somatic = np.where(np.arange(400) % 3 == 0, 1.0, 0.5)
    tumor = np.concatenate([lost(rng, own, 0.7, 1.0), somatic])
    normal = np.concatenate([own / 2, np.zeros(400)])
    shuffled = rng.permutation(len(tumor))
    assert matched(seen(rng, tumor[shuffled], 40), seen(rng, normal[shuffled], 40)).verdict == "related"


def test_only_another_person_is_worth_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(7)
    one, other = people(rng, 400)
    caplog.set_level(logging.INFO, logger="varproof")
    report(matched(seen(rng, one / 2, 40), seen(rng, other / 2, 40)))
    report(matched(seen(rng, one / 2, 40), seen(rng, one / 2, 40)))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "ONE PERSON" in caplog.text and "homozygous variants the tumour shows" in caplog.records[0].message
